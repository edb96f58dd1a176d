package bulk_test

import (
	"bytes"
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
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// rotate opens the next epoch of every field that has not ended.
func rotate(t testing.TB, w *workspace.Workspace) {
	t.Helper()
	must(t, w.Sync(t.Context()))
	for _, f := range w.Fields(t.Context()) {
		if !f.Ended {
			must(t, w.RotateOf(t.Context(), f.ID))
		}
	}
}

// of sums up a state.
func of(r bulk.Report, s bulk.State) int64 {
	return r.Sum(func(f bulk.FieldCounts) int64 { return f.Of(s) })
}

func again(r bulk.Report) int64 {
	return r.Sum(func(f bulk.FieldCounts) int64 { return f.SealedAgain })
}

// epochs says of how many tokens each epoch is, as "1:4 2:1".
func epochs(f bulk.FieldCounts) string {
	var list []string
	for _, e := range f.Epochs {
		list = append(list, strings.Repeat("ended ", map[bool]int{true: 1}[e.Ended])+fmt.Sprintf("%d:%d", e.Epoch, e.Values))
	}
	return strings.Join(list, " ")
}

func TestRekey(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
	for i, m := range s.matters {
		s.system.Put("matter", m, fee.ID, fmt.Sprint(i, ".50"))
	}
	before := s.system.Dump()
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID, fee.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	if r, err := rekey(t.Context(), c); err != nil || again(r) != 0 || of(r, bulk.Sealed) != 28 {
		t.Errorf("nothing to do: %v %+v", err, r)
	}
	must(t, w.RotateOf(t.Context(), w.Fields(t.Context())[0].ID))
	s.system.Put("matter", s.matters[0], s.ssn.ID, `"entered since"`)
	sealed := s.system.Dump()

	j := newJob(t, c)
	p, err := j.PlanRekey(t.Context())
	if err != nil || again(p.Report) != 8 || p.Writes != 8 || p.Requests != 2*7+8 || epochs(p.Fields[0]) != "1:8" || epochs(p.Fields[1]) != "1:20" || len(p.Findings) != 0 {
		t.Errorf("plan: %v %+v", err, p)
	}
	if !slices.Equal(s.system.Dump(), sealed) {
		t.Fatal("the plan changed something")
	}
	var export bytes.Buffer
	c.Export = func(write func(io.Writer) error) error { return write(&export) }
	r, err := rekey(t.Context(), c)
	if err != nil || again(r) != 8 || r.Fields[0].Changed != 8 || r.Tally.Done != 8 || r.Tally.Intended+r.Tally.Skipped != 0 || r.Exported != 29 || len(r.Findings) != 0 {
		t.Errorf("rekey: %v %+v", err, r)
	}
	if s.system.Peek("matter", s.matters[0], s.ssn.ID) != `"entered since"` {
		t.Error("a value in clear was touched")
	}
	s.system.Clear("matter", s.matters[0], s.ssn.ID)
	v, err := verify(t.Context(), s.config(s.Open("alice")))
	if err != nil || of(v, bulk.Old) != 0 || of(v, bulk.Sealed) != 28 || epochs(v.Fields[0]) != "2:8" || epochs(v.Fields[1]) != "1:20" {
		t.Errorf("verify: %v %+v", err, v)
	}

	// What was sealed comes back by the journal of the job that sealed it.
	if r, err = newJob(t, c).Undo(t.Context()); err != nil || r.Sum(func(f bulk.FieldCounts) int64 { return f.Changed }) != 28 {
		t.Errorf("undo: %v %+v", err, r)
	}
	s.system.Unset("matter", s.matters[0], s.ssn.ID)
	if after := s.system.Dump(); !slices.Equal(values(after), values(before)) {
		t.Errorf("not what it was:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestUndoRekey(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	before := s.system.Dump()
	for range 2 { // twice: it goes back to the first
		rotate(t, w)
		_, err := rekey(t.Context(), c)
		must(t, err)
	}
	edited, cleared, typed := s.matters[3], s.matters[4], s.matters[8]
	was := s.system.Peek("matter", edited, s.ssn.ID)
	s.system.Put("matter", edited, s.ssn.ID, `"edited"`)
	_, err = apply(t.Context(), c)
	must(t, err)
	now := s.system.Peek("matter", edited, s.ssn.ID)
	s.system.Clear("matter", cleared, s.ssn.ID)
	s.system.Put("matter", typed, s.ssn.ID, `"typed"`)
	r, err := undoRekey(t.Context(), c)
	if !errors.Is(err, bulk.ErrLeft) || r.Fields[0].Changed != 5 || !slices.Equal(reasons(r), []bulk.Reason{bulk.ChangedSince, bulk.ChangedSince}) {
		t.Errorf("%v %+v", err, r)
	}
	if s.system.Peek("matter", edited, s.ssn.ID) != now || now == was || s.system.Peek("matter", typed, s.ssn.ID) != `"typed"` {
		t.Error("an edit was overwritten")
	}
	for i, line := range s.system.Dump() {
		if strings.Contains(line, "us1.") && line != before[i] && !strings.Contains(line, now) {
			t.Errorf("%s\n%s", line, before[i])
		}
	}
	if r, err = undoRekey(t.Context(), c); !errors.Is(err, bulk.ErrLeft) || r.Fields[0].Changed != 0 {
		t.Errorf("again: %v %+v", err, r)
	}
	if r, err = rekey(t.Context(), c); err != nil || again(r) != 5 {
		t.Errorf("rekeyed again: %v %+v", err, r)
	}
}

// A token of the journal that opens to something else goes nowhere.
func TestUndoRekeyWithATamperedJournal(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	rotate(t, w)
	other := s.system.Peek("matter", s.matters[4], s.ssn.ID)
	r, err := rekey(t.Context(), c)
	must(t, err)
	must(t, s.journal.Settle(t.Context(), r.Job, []bulk.Entry{{
		Kind: "matter", Record: s.matters[3], Field: s.ssn.ID, State: bulk.Done,
		Token: strings.Trim(s.system.Peek("matter", s.matters[3], s.ssn.ID), `"`), Replaced: strings.Trim(other, `"`),
	}}))
	// The first entry of a token counts, so that one is taken away as well.
	j := journaltest.NewMemory()
	info, err := s.journal.Job(t.Context(), r.Job)
	must(t, err)
	must(t, j.PutJob(t.Context(), info))
	entries, err := s.journal.Lookup(t.Context(), r.Job, "matter", []string{s.matters[3]})
	must(t, err)
	must(t, j.Settle(t.Context(), r.Job, entries[1:]))
	before := s.system.Dump()
	c.Journal = j
	u, err := undoRekey(t.Context(), c)
	if !errors.Is(err, bulk.ErrLeft) || !slices.Equal(reasons(u), []bulk.Reason{bulk.OtherBefore}) || !slices.Equal(s.system.Dump(), before) {
		t.Errorf("%v %+v", err, u)
	}
}

// What disabling left of an ended field is old too.
func TestRekeyOfAnEndedField(t *testing.T) {
	t.Parallel()
	s, fields, _ := halfOpened(t)
	w := s.Open("alice")
	c := s.config(w, fields...)
	_, err := apply(t.Context(), bulk.Config{Workspace: w, Records: justOne{s.system, s.matters[0]}, Journal: s.journal, Clock: s.clock, Targets: c.Targets})
	must(t, err)
	j := newJob(t, c)
	p, err := j.PlanRekey(t.Context())
	if err != nil || !strings.HasPrefix(epochs(p.Fields[0]), "ended 1:") {
		t.Errorf("%v %+v", err, p.Fields)
	}
	r, err := j.Rekey(t.Context(), p)
	if err != nil || again(r) != 13 {
		t.Errorf("%v %+v", err, r)
	}
}

// An epoch that is opened while values are sealed again is gone on with, also
// for what was sealed before.
func TestRekeyThroughARotation(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	w, other := s.Open("alice"), s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	rotate(t, other)
	f := connectortest.NewFaulty(s.system)
	f.Before = func(o connectortest.Operation, call int) {
		if o == connectortest.OpWrite && call == 3 {
			rotate(t, other)
		}
	}
	c.Records = f
	r, err := rekey(t.Context(), c)
	if err != nil || again(r) <= 8 || r.Records != 20 {
		t.Errorf("%v %+v", err, r)
	}
	v, err := verify(t.Context(), s.config(s.Open("alice")))
	if err != nil || epochs(v.Fields[0]) != "3:8" {
		t.Errorf("%v %+v", err, v)
	}
	// One who never comes to an end says so.
	f.Before = func(o connectortest.Operation, _ int) {
		if o == connectortest.OpList {
			rotate(t, other)
		}
	}
	if _, err := rekey(t.Context(), c); !errors.Is(err, bulk.ErrLeft) {
		t.Errorf("%v", err)
	}
}

// shared is a site whose ssn Alice has given to Bob, who may read and write.
func shared(t *testing.T) *site {
	t.Helper()
	s := newSite(t, 10)
	s.Add("alice", "bob", officer.RoleMember)
	s.Add("alice", "carol", officer.RoleOfficer)
	c := s.config(s.Open("alice"), s.ssn.ID)
	c.Targets[0].To = []string{"bob@example.com"}
	_, err := apply(t.Context(), c)
	must(t, err)
	return s
}

// A closed epoch: who may not open the next is refused before anything is
// changed; who may, opens it.
func TestRekeyOfAClosedField(t *testing.T) {
	t.Parallel()
	s := shared(t)
	field := s.Open("alice").Fields(t.Context())[0].ID
	s.Add("alice", "dora", officer.RoleMember)
	must(t, s.Open("alice").GrantOf(t.Context(), field, "dora@example.com", officer.Read|officer.Write))
	closed, err := s.Open("carol").RevokeOf(t.Context(), field, "dora@example.com")
	if err != nil || !closed {
		t.Fatalf("%v %v", closed, err)
	}
	before := s.system.Dump()
	_, err = rekey(t.Context(), s.config(s.Open("bob"), s.ssn.ID))
	var refused *bulk.ClosedError
	if !errors.As(err, &refused) || refused.Field != field || !errors.Is(err, officer.ErrClosed) || errors.Is(err, bulk.ErrKeyChanged) {
		t.Errorf("%v", err)
	}
	if _, err := rekey(t.Context(), s.config(s.Open("carol"), s.ssn.ID)); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("%v", err)
	}
	w := s.Open("alice")
	p, err := newJob(t, s.config(w, s.ssn.ID)).PlanRekey(t.Context())
	if err != nil || again(p.Report) != 4 || p.Writes != 4 {
		t.Errorf("%v %+v", err, p)
	}
	if !slices.Equal(s.system.Dump(), before) || !w.Fields(t.Context())[0].Epoch().Closed {
		t.Fatal("something was changed")
	}
	if r, err := rekey(t.Context(), s.config(w, s.ssn.ID)); err != nil || again(r) != 4 || epochs(r.Fields[0]) != "2:4" {
		t.Errorf("%v %+v", err, r)
	}
	if r, err := verify(t.Context(), s.config(s.Open("bob"))); err != nil || epochs(r.Fields[0]) != "2:4" {
		t.Errorf("%v %+v", err, r)
	}
	// A field that has ended, or never was, is not rekeyed.
	if _, err := rekey(t.Context(), s.config(w, s.notes.ID)); !errors.Is(err, bulk.ErrTarget) {
		t.Errorf("%v", err)
	}
	// Closed in the middle, it stops.
	rotate(t, w)
	f := connectortest.NewFaulty(s.system)
	f.Before = func(o connectortest.Operation, call int) {
		if o == connectortest.OpWrite && call == 1 {
			must(t, s.Open("alice").GrantOf(t.Context(), field, "dora@example.com", officer.Read|officer.Write))
			_, err := s.Open("carol").RevokeOf(t.Context(), field, "dora@example.com")
			must(t, err)
		}
	}
	c := s.config(s.Open("bob"), s.ssn.ID)
	c.Records = f
	if _, err := rekey(t.Context(), c); !errors.As(err, &refused) || !errors.Is(err, bulk.ErrKeyChanged) {
		t.Errorf("%v", err)
	}
	_, err = rekey(t.Context(), s.config(w, s.ssn.ID))
	must(t, err)
	if r, err := verify(t.Context(), s.config(w)); err != nil || epochs(r.Fields[0]) != "4:4" {
		t.Errorf("%v %+v", err, r)
	}
}

// Undo tells what another device sealed from what a person changed.
func TestUndoOfWhatAnotherDeviceSealed(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), bulk.Config{Workspace: w, Records: justOne{s.system, s.matters[8]}, Journal: journaltest.NewMemory(), Clock: s.clock, Targets: c.Targets})
	must(t, err)
	_, err = apply(t.Context(), c)
	must(t, err)
	r, err := newJob(t, c).Undo(t.Context())
	if !errors.Is(err, bulk.ErrLeft) || !slices.Equal(reasons(r), []bulk.Reason{bulk.SealedElsewhere}) || r.Findings[0].Record != s.matters[8] {
		t.Errorf("%v %+v", err, r.Findings)
	}
}
