package bulk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is a firm with an account in an outside system.
type site struct {
	*workspacetest.Firm
	system  *connectortest.Memory
	journal *journaltest.Memory
	clock   *connectortest.Clock
	ssn     connector.Definition // text_line of matters
	notes   connector.Definition // text_area of contacts
	matters []string
}

// newSite is Alice's firm, with Bob who may be given fields: n matters whose
// ssn is, in turn, absent, unset, cleared, and twice a value.
func newSite(t testing.TB, n int) *site {
	t.Helper()
	s := &site{
		Firm: workspacetest.NewFirm(t, "alice"), system: connectortest.NewMemory(connectortest.Settings{}),
		journal: journaltest.NewMemory(), clock: &connectortest.Clock{},
	}
	s.ssn = s.system.AddField(connector.Definition{Name: "SSN", Kind: "matter", Type: connector.TextLine})
	s.notes = s.system.AddField(connector.Definition{Name: "Notes", Kind: "contact", Type: connector.TextArea})
	for i := range n {
		id := s.system.AddRecord("matter")
		s.matters = append(s.matters, id)
		switch i % 5 {
		case 0:
		case 1:
			s.system.Unset("matter", id, s.ssn.ID)
		case 2:
			s.system.Put("matter", id, s.ssn.ID, `"gone"`)
			s.system.Clear("matter", id, s.ssn.ID)
		default:
			s.system.Put("matter", id, s.ssn.ID, secret(i))
		}
	}
	return s
}

// secret is the value of matter i: plain, or in a spelling of its own.
func secret(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf(`"078-05-%04d \u00e9"`, i)
	}
	return fmt.Sprintf(`"078-05-%04d é"`, i)
}

func (s *site) config(w bulk.Workspace, targets ...string) bulk.Config {
	c := bulk.Config{Workspace: w, Records: s.system, Journal: s.journal, Clock: s.clock}
	for _, f := range targets {
		c.Targets = append(c.Targets, bulk.Target{Field: f})
	}
	return c
}

func newJob(t testing.TB, c bulk.Config) *bulk.Job {
	t.Helper()
	j, err := bulk.NewJob(t.Context(), c)
	must(t, err)
	return j
}

// calling makes one call of a new job.
func calling(call func(*bulk.Job, context.Context) (bulk.Report, error)) func(context.Context, bulk.Config) (bulk.Report, error) {
	return func(ctx context.Context, c bulk.Config) (bulk.Report, error) {
		j, err := bulk.NewJob(ctx, c)
		if err != nil {
			return bulk.Report{}, err
		}
		return call(j, ctx)
	}
}

// planning makes a plan and follows it.
func planning(
	plan func(*bulk.Job, context.Context) (bulk.Plan, error), follow func(*bulk.Job, context.Context, bulk.Plan) (bulk.Report, error),
) func(context.Context, bulk.Config) (bulk.Report, error) {
	return calling(func(j *bulk.Job, ctx context.Context) (bulk.Report, error) {
		p, err := plan(j, ctx)
		if err != nil {
			return p.Report, err
		}
		return follow(j, ctx, p)
	})
}

var (
	apply     = planning((*bulk.Job).Plan, (*bulk.Job).Apply)
	rekey     = planning((*bulk.Job).PlanRekey, (*bulk.Job).Rekey)
	verify    = calling((*bulk.Job).Verify)
	undo      = calling((*bulk.Job).Undo)
	disable   = calling((*bulk.Job).Disable)
	undoRekey = calling((*bulk.Job).UndoRekey)
)

func TestEnableVerifyDisable(t *testing.T) {
	t.Parallel()
	s := newSite(t, 11)
	before := s.system.Dump()
	w := s.Open("alice")
	var export bytes.Buffer
	c := s.config(w, s.ssn.ID)
	c.Export = func(write func(io.Writer) error) error { return write(&export) }

	j := newJob(t, c)
	p, err := j.Plan(t.Context())
	must(t, err)
	f := p.Fields[0]
	if p.Records != 11 || p.Total != 11 || f.Of(bulk.Plain) != 4 || f.Of(bulk.Absent) != 3 || f.Of(bulk.Unset) != 2 || f.Of(bulk.Cleared) != 2 || p.Writes != 4 || f.TooLong != 0 {
		t.Errorf("plan %+v", p)
	}
	if p.Requests != 4*3+4 || len(p.Unsigned) != 1 || j.ID(bulk.Enable) != "" {
		t.Errorf("plan %+v", p)
	}
	if !slices.Equal(s.system.Dump(), before) || len(w.Fields(t.Context())) != 0 {
		t.Fatal("the plan changed something")
	}
	r, err := j.Apply(t.Context(), p)
	must(t, err)
	if r.Fields[0].Changed != 4 || r.Tally.Done != 4 || r.Tally.Intended != 0 || r.Exported != 4 || len(r.Findings) != 0 {
		t.Errorf("report %+v", r)
	}
	if s.system.Holds("078-05") {
		t.Error("a value is still there")
	}
	checkExport(t, w, export.Bytes(), 4)
	v, err := verify(t.Context(), s.config(s.Open("alice")))
	if err != nil || v.Fields[0].Of(bulk.Sealed) != 4 || v.Records != 11 {
		t.Errorf("verify: %v %+v", err, v)
	}

	// Again: nothing is left to do and nothing changes.
	sealed := s.system.Dump()
	r, err = apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID))
	if err != nil || r.Fields[0].Changed != 0 || r.Fields[0].Of(bulk.Sealed) != 4 || !slices.Equal(s.system.Dump(), sealed) {
		t.Errorf("again: %v %+v", err, r)
	}

	r, err = newJob(t, s.config(w, s.ssn.ID)).Disable(t.Context())
	if err != nil || r.Fields[0].Changed != 4 {
		t.Errorf("disable: %v %+v", err, r)
	}
	if after := s.system.Dump(); !slices.Equal(after, before) {
		t.Errorf("not what it was:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if f, err := w.FieldAt(t.Context(), officer.Binding{Connector: "memory", Account: "firm-1", Kind: "matter", ID: s.ssn.ID}); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("still protected: %v %v", f, err)
	}
	// And once more, from the start.
	if r, err = apply(t.Context(), s.config(w, s.ssn.ID)); err != nil || r.Fields[0].Changed != 4 {
		t.Errorf("enable again: %v %+v", err, r)
	}
}

// checkExport opens every line.
func checkExport(t *testing.T, w *workspace.Workspace, export []byte, want int) {
	t.Helper()
	ring, _, err := w.Ring(t.Context())
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(export)), "\n")
	if len(lines) != want {
		t.Fatalf("%d lines in the export", len(lines))
	}
	for _, line := range lines {
		var l struct{ Kind, Record, SSN string }
		must(t, json.Unmarshal([]byte(line), &l))
		name, err := fieldcrypt.Record{Connector: "memory", Account: "firm-1", Kind: l.Kind, ID: l.Record}.Name()
		must(t, err)
		if _, b, err := ring.Open(l.SSN, name); err != nil || b != fieldcrypt.Bound {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	s := newSite(t, 11)
	before := s.system.Dump()
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	r, err := newJob(t, c).Undo(t.Context())
	if err != nil || r.Fields[0].Changed != 4 {
		t.Errorf("undo: %v %+v", err, r)
	}
	if after := s.system.Dump(); !slices.Equal(after, before) {
		t.Errorf("not what it was:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}
