package cliotest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestJobThroughOutage: the network goes for an hour in the middle of a job, and
// of taking it back. The job waits and goes on, its leases long expired, and
// nothing is lost.
func TestJobThroughOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{seed: cliosim.SeedOptions{Seed: 3, Matters: 30, Contacts: 25}})
	c := w.connect(0)
	line := w.fields(c, clio.Contact, connector.TextLine)[0]
	date := w.fields(c, clio.Matter, connector.Date)[0]
	everything := func() string {
		values, err := w.sim.Values(t.Context())
		w.check(err)
		var out strings.Builder
		for _, v := range values {
			if id := strconv.FormatInt(v.Field, 10); id == line || id == date {
				fmt.Fprintf(&out, "%s %d %s %s\n", v.Parent, v.Record, v.ID, v.JSON)
			}
		}
		return out.String()
	}
	before := everything()
	alice := workspacetest.NewFirm(t, "alice").Open("alice")
	run := func(do func(*bulk.Job) error) {
		t.Helper()
		j, err := bulk.NewJob(t.Context(), bulk.Config{
			Workspace: alice, Records: c, Journal: journaltest.NewMemory(), Clock: w.clock,
			Targets: []bulk.Target{{Field: line}, {Field: date}},
		})
		w.check(err)
		var ends time.Time
		w.clock.onSleep = func(now time.Time) {
			if !ends.IsZero() && !now.Before(ends) {
				w.faults()
			}
		}
		// The first writes of records get through, the rest of the world ends.
		w.faults(
			cliosim.Fault{Route: "/api/v4/contacts/*", Method: "PATCH", From: 3, To: -1, Do: cliosim.DoCut},
			cliosim.Fault{Route: "/api/v4/matters/*", Method: "PATCH", From: 3, To: -1, Do: cliosim.DoCut},
		)
		ends = w.clock.Now().Add(time.Hour)
		w.check(do(j))
		if now := w.clock.Now(); now.Before(ends) {
			t.Errorf("the job was over %s before the network was back", ends.Sub(now))
		}
		w.faults()
	}
	run(func(j *bulk.Job) error {
		p, err := j.Plan(t.Context())
		w.check(err)
		r, err := j.Apply(t.Context(), p)
		if r.Usage.Waited < time.Hour/2 {
			t.Errorf("nothing went wrong: %+v", r.Usage)
		}
		return err
	})
	sealed := everything()
	if !strings.Contains(sealed, "us1.") || sealed == before {
		t.Fatal("nothing was sealed")
	}
	run(func(j *bulk.Job) error {
		_, err := j.Disable(t.Context())
		return err
	})
	if after := everything(); after != before {
		t.Errorf("not what it was:\n%s\n%s", before, after)
	}
}
