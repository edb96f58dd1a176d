package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func seenBox(f *workspacetest.Firm, of string) store.Index {
	return wire.Sum(wire.LabelLastSeenBox, wire.MustMarshal([]any{f.ID, f.People[of].Me.Keys().ID()}))
}

// hoursOn opens the firm as somebody, hours after what the firm does.
func hoursOn(f *workspacetest.Firm, name string, st store.Store, hours int) (*workspace.Workspace, error) {
	c := f.People[name].Config(st)
	c.Now = func() time.Time { return workspacetest.Clock().Add(time.Duration(hours) * time.Hour) }
	return workspace.Open(context.Background(), c)
}

// TestAnnounceFaults: whichever call of the store fails, nobody is stopped, and
// the next announcement leaves the one statement that is to be there.
func TestAnnounceFaults(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	fresh := func(t *testing.T) store.Store {
		f = workspacetest.NewFirm(t, "alice")
		f.Add("alice", "bob", officer.RoleMember)
		must(t, f.Open("alice").Announce(t.Context()))
		must(t, f.Open("alice").NewField(t.Context(), "phone"))
		must(t, f.Store.PutMail(t.Context(), seenBox(f, "alice"), []byte("junk")))
		return f.Store
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := hoursOn(f, "alice", faulty, 1)
		if err == nil {
			err = w.Announce(ctx)
		}
		if err != nil && (fault == nil || !errors.Is(err, storetest.ErrFault)) {
			t.Fatal(err)
		}
		w, err = hoursOn(f, "alice", under, 2)
		must(t, err)
		must(t, w.NewField(ctx, "fax"))
		must(t, w.Announce(ctx))
		list, err := under.ListMail(ctx, seenBox(f, "alice"), 100)
		if err != nil || len(list) != 1 {
			t.Errorf("%d messages, %v", len(list), err)
		}
		bob, err := hoursOn(f, "bob", under, 2)
		if err != nil || len(bob.Sightings()) != 0 {
			t.Errorf("bob: %v, %+v", err, bob.Sightings())
		}
	})
}

// TestAnnounceRarely: a head that has not moved is not stated again, and what is
// asked for is asked for once an hour.
func TestAnnounceRarely(t *testing.T) {
	t.Parallel()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	calls := func(hours int, act func(*workspace.Workspace)) (put, list int) {
		t.Helper()
		st := &mailCounter{Store: f.Store}
		w, err := hoursOn(f, "alice", st, hours)
		must(t, err)
		if act != nil {
			act(w)
		}
		must(t, w.Announce(t.Context()))
		return st.put, st.list
	}
	for i, c := range []struct {
		hours     int
		act       func(*workspace.Workspace)
		put, list int
	}{
		{1, nil, 1, 3}, // Alice's own box, Bob's, and hers again to replace what is in it
		{1, nil, 0, 0},
		{2, nil, 0, 2},
		{2, func(w *workspace.Workspace) { must(t, w.NewField(t.Context(), "phone")) }, 1, 1},
		{2, nil, 0, 0},
		{2, func(w *workspace.Workspace) { _, err := w.CompareHeads(t.Context()); must(t, err) }, 0, 2},
	} {
		if put, list := calls(c.hours, c.act); put != c.put || list != c.list {
			t.Errorf("%d: %d statements, %d lists; want %d, %d", i, put, list, c.put, c.list)
		}
	}
}

type mailCounter struct {
	store.Store
	put, list int
}

func (s *mailCounter) PutMail(ctx context.Context, box store.Index, data []byte) error {
	s.put++
	return s.Store.PutMail(ctx, box, data)
}

func (s *mailCounter) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	s.list++
	return s.Store.ListMail(ctx, box, limit)
}

// TestLog: the entries in their order, with what rides outside them, and none
// that the store has changed since they were verified.
func TestLog(t *testing.T) {
	t.Parallel()
	f := workspacetest.NewFirm(t, "alice")
	w := f.Open("alice")
	for i := range 5 {
		must(t, w.NewField(t.Context(), fmt.Sprint("field ", i)))
	}
	n := w.State().Head().Length
	for _, c := range [][3]uint64{{0, n, n}, {0, n + 9, n}, {2, 4, 2}, {n - 1, n, 1}, {n, n, 0}, {n + 5, n + 6, 0}, {3, 3, 0}} {
		at := c[0]
		for e, err := range w.Log(t.Context(), c[0], c[1]) {
			must(t, err)
			if e.Sequence != at || len(e.Operations) == 0 {
				t.Errorf("%v: entry %d at %d", c, e.Sequence, at)
			}
			at++
		}
		if at != c[0]+c[2] {
			t.Errorf("%v: ends at %d", c, at)
		}
	}
	// A store that answers otherwise the second time.
	log, err := f.Store.Read(t.Context(), 0, 100)
	must(t, err)
	for _, second := range [][][]byte{nil, {log[0], log[1], log[3]}, {log[1]}} {
		st := &turning{Store: f.Store}
		w := f.OpenOn("alice", st)
		st.second = second
		st.armed = true
		shown, failed := 0, error(nil)
		for _, err := range w.Log(t.Context(), 0, n) {
			if failed = err; err == nil {
				shown++
			}
		}
		if failed == nil || !errors.Is(failed, workspace.ErrFork) && !errors.Is(failed, workspace.ErrRollback) || shown > 2 {
			t.Errorf("%d entries shown, %v", shown, failed)
		}
	}
}

// turning answers the first reading truly, and the second as it likes.
type turning struct {
	store.Store
	armed  bool
	reads  int
	second [][]byte
}

func (s *turning) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	if s.armed {
		if s.reads++; s.reads > 1 {
			return s.second, nil
		}
	}
	return s.Store.Read(ctx, from, limit)
}

// TestEvidenceOfABrokenLog: what follows a place that does not verify is left
// out, and the evidence up to there verifies.
func TestEvidenceOfABrokenLog(t *testing.T) {
	t.Parallel()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	n := f.Open("alice").State().Head().Length
	log, err := f.Store.Read(t.Context(), 0, 100)
	must(t, err)
	must(t, f.Store.Append(t.Context(), n, log[n-1]))
	must(t, f.Store.Append(t.Context(), n+1, []byte("junk")))
	var b bytes.Buffer
	sum, err := workspace.WriteEvidence(t.Context(), f.People["alice"].Config(f.Store), nil, &b)
	if err != nil || sum.Refused == nil || sum.Entries != n || sum.Statements != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	e, err := workspace.ReadEvidence(t.Context(), &b)
	if err != nil || e.State.Head().Length != n || len(e.Statements) != 1 || e.Statements[0].Fork {
		t.Errorf("%v", err)
	}
	empty := storetest.NewMemory(f.ID)
	b.Reset()
	if _, err := workspace.WriteEvidence(t.Context(), f.People["alice"].Config(empty), nil, &b); err != nil {
		t.Error(err)
	}
	if _, err := workspace.ReadEvidence(t.Context(), &b); !errors.Is(err, workspace.ErrEvidence) {
		t.Errorf("of nothing: %v", err)
	}
}

// FuzzEvidence: no file makes a reader fall over, and what it takes agrees with
// itself.
func FuzzEvidence(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := workspace.ReadEvidence(t.Context(), bytes.NewReader(b))
		if err != nil {
			return
		}
		n := e.State.Head().Length
		if n == 0 || e.Hash(n-1) != e.State.Head().Hash {
			t.Error("another head than its own")
		}
		if shared, fork, err := e.Part(e); err != nil || fork || shared != n {
			t.Errorf("parts from itself: %d, %v, %v", shared, fork, err)
		}
		for _, s := range e.Statements {
			if e.State.Device(s.Device) == nil || s.Fork && s.Ahead {
				t.Errorf("%+v", s)
			}
		}
	})
}
