//go:build !js

package sqlitejournal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// Attack 51: the disk is full under the journal. The job ends with that error
// before it writes what it could not note; with room again it goes on.
func TestAttack51FullJournal(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	firm := workspacetest.NewFirm(t, "alice")
	system := connectortest.NewMemory(connectortest.Settings{PageSize: 20})
	ssn := system.AddField(connector.Definition{Name: "SSN", Kind: "matter", Type: connector.TextLine})
	for i := range 200 {
		system.Put("matter", system.AddRecord("matter"), ssn.ID, fmt.Sprintf(`"078-05-%04d"`, i))
	}
	before := strings.Join(system.Dump(), "\n")
	c := bulk.Config{Workspace: firm.Open("alice"), Records: system, Journal: j, Clock: &connectortest.Clock{}, Targets: []bulk.Target{{Field: ssn.ID}}}
	run := func(do func(context.Context, *bulk.Job) (bulk.Report, error)) (bulk.Report, error) {
		job, err := bulk.NewJob(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return do(t.Context(), job)
	}
	apply := func(ctx context.Context, job *bulk.Job) (bulk.Report, error) {
		p, err := job.Plan(ctx)
		if err != nil {
			return p.Report, err
		}
		return job.Apply(ctx, p)
	}
	if err := j.Limit(t.Context(), 25); err != nil {
		t.Fatal(err)
	}
	r, err := run(apply)
	if !errors.Is(err, durable.ErrFull) || r.Fields[0].Changed == 0 || r.Fields[0].Changed == 200 {
		t.Fatalf("%v after %d values", err, r.Fields[0].Changed)
	}
	if err := j.Limit(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := run(apply); err != nil {
		t.Fatal(err)
	}
	v, err := run(func(ctx context.Context, job *bulk.Job) (bulk.Report, error) { return job.Verify(ctx) })
	if err != nil || v.Fields[0].Of(bulk.Sealed) != 200 {
		t.Errorf("%v %+v", err, v)
	}
	if _, err := run(func(ctx context.Context, job *bulk.Job) (bulk.Report, error) { return job.Undo(ctx) }); err != nil {
		t.Fatal(err)
	}
	if strings.Join(system.Dump(), "\n") != before {
		t.Error("not what it was")
	}
}
