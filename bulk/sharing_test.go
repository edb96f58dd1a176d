package bulk_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

// Two officers enable the same field at the same time, from homes of their own,
// while a third has died holding account and unit.
func TestTwoProcessesAndADeadOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, 60)
	s.Add("alice", "dora", officer.RoleOfficer)
	s.system.Set(func(c *connectortest.Settings) { c.Parallel = 3 })
	wants := s.config(s.Open("alice"), s.ssn.ID)
	wants.Targets[0].To = []string{"dora@example.com"}
	dead := connectortest.NewFaulty(s.system, connectortest.Fault{Operation: connectortest.OpWrite, Call: 2, Outcome: connectortest.Persisted, Dead: true})
	// Its leases stay because its store is gone too.
	wants.Records = dead
	gone := &mortal{Store: s.Store}
	wants.Workspace = onStore{wants.Workspace, gone}
	dead.Before = func(o connectortest.Operation, call int) { gone.dead.Store(o == connectortest.OpWrite && call == 2) }
	if _, err := apply(t.Context(), wants); err == nil {
		t.Fatal("the third did not die")
	}

	before := s.clock.Now()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	reports := make([]bulk.Report, 2)
	faulty := [2]*connectortest.Faulty{connectortest.NewFaulty(s.system), connectortest.NewFaulty(s.system)}
	for i, who := range []string{"alice", "dora"} {
		c := s.config(s.Open(who), s.ssn.ID)
		c.Journal, c.Records = journaltest.NewMemory(), faulty[i]
		wg.Go(func() { reports[i], errs[i] = apply(t.Context(), c) })
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	if s.clock.Now().Sub(before) < time.Minute {
		t.Error("nobody waited for the dead one's lease")
	}
	if s.system.Holds("078-05") {
		t.Error("a value is left in clear")
	}
	if reports[0].Job != reports[1].Job || reports[0].Job == "" {
		t.Errorf("two jobs: %q %q", reports[0].Job, reports[1].Job)
	}
	v, err := verify(t.Context(), s.config(s.Open("dora")))
	if err != nil || v.Fields[0].Of(bulk.Sealed) != 24 {
		t.Errorf("%v %+v", err, v)
	}
	// No value was written twice: one by the dead, the rest by the two.
	writes := 0
	for _, f := range append(faulty[:], dead) {
		for _, o := range f.Calls() {
			if o == connectortest.OpWrite {
				writes++
			}
		}
	}
	if n := reports[0].Fields[0].Changed + reports[1].Fields[0].Changed; n > 24 || n < 20 {
		t.Errorf("%d values written", n)
	}
	if writes > 28 {
		t.Errorf("%d writes for 24 values", writes)
	}
}

// onStore is a workspace whose leases are elsewhere.
type onStore struct {
	bulk.Workspace
	store store.Store
}

func (o onStore) Store() store.Store { return o.store }

// mortal is a store whose client dies: its leases stay as they are.
type mortal struct {
	store.Store
	dead atomic.Bool
}

func (m *mortal) SwapLease(ctx context.Context, l store.Lease) (store.Lease, error) {
	if m.dead.Load() {
		return l, errors.New("dead")
	}
	return m.Store.SwapLease(ctx, l)
}

// Another job on the same account is refused and told who is at work.
func TestAnotherJobIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	var other error
	once := false
	_, err := s.during(t, c, func(o connectortest.Operation, _ int) {
		if o != connectortest.OpWrite || once {
			return
		}
		once = true
		j := newJob(t, s.config(s.Open("alice"), s.ssn.ID))
		_, other = j.Disable(t.Context())
	})
	must(t, err)
	var busy *bulk.BusyError
	if !errors.As(other, &busy) || !errors.Is(other, bulk.ErrBusy) || !strings.HasPrefix(busy.Holder, "enable ") || busy.Preparing() {
		t.Errorf("%v", other)
	}
}

// A process that slept for long finds that its account is somebody else's, and
// stops before its next write.
func TestLostLease(t *testing.T) {
	t.Parallel()
	s := newSite(t, 30)
	c := s.config(s.Open("alice"), s.ssn.ID)
	_, err := apply(t.Context(), s.config(s.Open("alice"), s.notes.ID))
	must(t, err)
	writes := 0
	_, err = s.during(t, c, func(o connectortest.Operation, _ int) {
		if o != connectortest.OpWrite {
			return
		}
		if writes++; writes > 1 {
			return
		}
		s.clock.Advance(time.Hour)
		w := s.Open("alice")
		second := s.config(onStore{w, &mortal{Store: s.Store}}, s.notes.ID)
		f := connectortest.NewFaulty(s.system)
		f.Before = func(o connectortest.Operation, _ int) {
			if o == connectortest.OpList { // it has the account, and keeps it
				second.Workspace.Store().(*mortal).dead.Store(true)
			}
		}
		second.Records = f
		if _, err := newJob(t, second).Disable(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, bulk.ErrBusy) || writes != 1 {
		t.Errorf("%v after %d writes", err, writes)
	}
	s.clock.Advance(time.Hour)
	_, err = apply(t.Context(), c)
	must(t, err)
}
