package journaltest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/officer"
)

// Opener makes a new, empty journal and returns what opens it: each call is
// another client of that one journal, as if after a restart or in another
// process. It sees to it that they are closed when the test ends.
type Opener func(t *testing.T) func() bulk.Journal

// Run checks what bulk.Journal promises.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, func() bulk.Journal){
		"jobs": jobs, "entries": entries, "done forgets skipped": doneForgetsSkipped, "lookup": lookup,
		"skipped": skipped, "sightings": sightings, "odd names": oddNames, "ended context": endedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func job(id string, started time.Time) bulk.JobInfo {
	j := bulk.JobInfo{
		ID: id, Organization: officer.OrganizationID{1, 2, 3}, Direction: bulk.Enable, State: bulk.Running,
		Place:   connector.Place{Connector: "memory", Account: "a", Name: "Example"},
		Fields:  []bulk.JobField{{Resource: officer.ResourceID{9}, Field: "12", Twin: "99", Name: "SSN"}},
		Started: started, Updated: started.Add(time.Minute),
	}
	f := bulk.FieldCounts{Field: "12", Name: "SSN", Records: 7, Longest: 200}
	f.States[bulk.Plain] = 5
	f.Epochs = []bulk.EpochCount{{Resource: officer.ResourceID{7}, Ended: true, Epoch: 3, Values: 1}, {Resource: officer.ResourceID{9}, Epoch: 2, Values: 4}}
	j.Counts = bulk.Counts{Records: 7, Fields: []bulk.FieldCounts{f}}
	return j
}

func jobs(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	start := time.Date(2026, 3, 1, 9, 0, 0, 123, time.UTC)
	if _, err := j.Job(ctx, "0123"); !errors.Is(err, bulk.ErrNoJob) {
		t.Errorf("unknown job: %v", err)
	}
	list, err := j.Jobs(ctx)
	must(t, err)
	equal(t, "no jobs", len(list), 0)
	a, b := job("aa", start), job("bb", start.Add(time.Second))
	must(t, j.PutJob(ctx, a))
	must(t, j.PutJob(ctx, b))
	a.State, a.Exported, a.Direction = bulk.Finished, true, bulk.UndoRekey
	must(t, j.PutJob(ctx, a))
	j = open()
	got, err := j.Job(ctx, "aa")
	must(t, err)
	equal(t, "job", got, a)
	list, err = j.Jobs(ctx)
	must(t, err)
	equal(t, "jobs", list, []bulk.JobInfo{b, a})
}

func value(record, field, token string) bulk.Entry {
	return bulk.Entry{Kind: "matter", Record: record, Field: field, Token: token, State: bulk.Intended}
}

func as(e bulk.Entry, s bulk.EntryState, why bulk.Reason) bulk.Entry {
	e.State, e.Reason = s, why
	return e
}

func entries(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	a, b, c := value("1", "12", "us1.a"), value("1", "13", "us1.b"), value("2", "12", "us1.c")
	c.Replaced = "us1.old"
	must(t, j.Intend(ctx, "job", []bulk.Entry{a, b, c}))
	must(t, j.Intend(ctx, "other", []bulk.Entry{a}))
	tally, err := j.Tally(ctx, "job")
	must(t, err)
	equal(t, "tally", tally, bulk.Tally{Intended: 3})
	d := as(bulk.Entry{Kind: "matter", Record: "3", Field: "12"}, bulk.Skipped, bulk.LooksLike)
	must(t, j.Settle(ctx, "job", []bulk.Entry{as(a, bulk.Done, ""), as(c, bulk.Skipped, bulk.RefusedThere), d}))
	j = open()
	tally, err = j.Tally(ctx, "job")
	must(t, err)
	equal(t, "tally", tally, bulk.Tally{Intended: 1, Done: 1, Skipped: 2})
	got, err := j.Lookup(ctx, "job", "matter", []string{"1", "2", "3"})
	must(t, err)
	equal(t, "entries", got, []bulk.Entry{as(a, bulk.Done, ""), b, as(c, bulk.Skipped, bulk.RefusedThere), d})
	// The same value once more is the same entry, intended again.
	must(t, j.Intend(ctx, "job", []bulk.Entry{a}))
	tally, err = j.Tally(ctx, "job")
	must(t, err)
	equal(t, "tally", tally, bulk.Tally{Intended: 2, Skipped: 2})
	// Another token of the same value is another entry.
	must(t, j.Intend(ctx, "job", []bulk.Entry{value("1", "12", "us1.z")}))
	tally, err = j.Tally(ctx, "other")
	must(t, err)
	equal(t, "another job's", tally, bulk.Tally{Intended: 1})
	must(t, j.Intend(ctx, "job", nil))
	must(t, j.Settle(ctx, "job", nil))
}

func doneForgetsSkipped(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	skip := as(bulk.Entry{Kind: "matter", Record: "1", Field: "12"}, bulk.Skipped, bulk.TooLong)
	other := as(bulk.Entry{Kind: "contact", Record: "1", Field: "12"}, bulk.Skipped, bulk.TooLong)
	must(t, j.Settle(ctx, "job", []bulk.Entry{skip, other}))
	done := as(value("1", "12", "us1.a"), bulk.Done, "")
	must(t, j.Settle(ctx, "job", []bulk.Entry{done}))
	got, err := j.Skipped(ctx, "job", 0, 10)
	must(t, err)
	equal(t, "skipped", got, []bulk.Entry{other})
}

func lookup(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	var all []bulk.Entry
	var names []string
	for i := range bulk.MaxLookup {
		names = append(names, fmt.Sprint(i))
		all = append(all, value(fmt.Sprint(i), "12", "us1."+fmt.Sprint(i)))
	}
	must(t, j.Intend(ctx, "job", all))
	got, err := j.Lookup(ctx, "job", "matter", names)
	must(t, err)
	equal(t, "all", got, all)
	for what, list := range map[string][]bulk.Entry{
		"no records":   mustGet(j.Lookup(ctx, "job", "matter", nil))(t),
		"another kind": mustGet(j.Lookup(ctx, "job", "contact", names))(t),
		"another job":  mustGet(j.Lookup(ctx, "x", "matter", names))(t),
		"unknown":      mustGet(j.Lookup(ctx, "job", "matter", []string{"x"}))(t),
	} {
		equal(t, what, len(list), 0)
	}
}

func mustGet[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func skipped(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	var all []bulk.Entry
	for i := range 5 {
		all = append(all, as(bulk.Entry{Kind: "matter", Record: fmt.Sprint(9 - i), Field: "12"}, bulk.Skipped, bulk.TooLong))
	}
	must(t, j.Settle(ctx, "job", all))
	for _, c := range []struct{ skip, limit, from, to int }{{0, 10, 0, 5}, {0, 2, 0, 2}, {2, 2, 2, 4}, {4, 2, 4, 5}, {9, 2, 5, 5}, {0, 0, 0, 0}} {
		got, err := j.Skipped(ctx, "job", c.skip, c.limit)
		must(t, err)
		if !slices.Equal(got, all[c.from:c.to]) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func sightings(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	var done []bulk.Entry
	for _, r := range []string{"1", "2", "10", "3"} {
		done = append(done, as(value(r, "12", "us1."+r), bulk.Done, ""), as(value(r, "13", "us1.x"+r), bulk.Done, ""))
	}
	done = append(done, as(bulk.Entry{Kind: "contact", Record: "2", Field: "20", Token: "us1.y"}, bulk.Done, ""))
	done = append(done, as(bulk.Entry{Kind: "contact", Record: "7", Field: "20"}, bulk.Skipped, bulk.TooLong))
	must(t, j.Settle(ctx, "job", done))
	again, err := j.See(ctx, "p", "matter", []string{"1", "2", "1"})
	must(t, err)
	equal(t, "repeated at once", again, []string{"1"})
	again, err = j.See(ctx, "p", "matter", []string{"2", "4"})
	must(t, err)
	equal(t, "met before", again, []string{"2"})
	again, err = j.See(ctx, "q", "matter", []string{"2"})
	must(t, err)
	equal(t, "another pass", len(again), 0)
	again, err = j.See(ctx, "p", "contact", []string{"1"})
	must(t, err)
	equal(t, "another kind", len(again), 0)
	left := []bulk.RecordID{{Kind: "contact", ID: "2"}, {Kind: "matter", ID: "10"}, {Kind: "matter", ID: "3"}}
	got, err := j.Unseen(ctx, "p", "job", bulk.RecordID{}, 10)
	must(t, err)
	equal(t, "unseen", got, left)
	got, err = j.Unseen(ctx, "p", "job", bulk.RecordID{}, 1)
	must(t, err)
	equal(t, "the first", got, left[:1])
	got, err = j.Unseen(ctx, "p", "job", left[0], 10)
	must(t, err)
	equal(t, "the rest", got, left[1:])
	must(t, j.EndPass(ctx, "p"))
	again, err = j.See(ctx, "p", "matter", []string{"1"})
	must(t, err)
	equal(t, "a pass that was forgotten", len(again), 0)
	must(t, j.EndPass(ctx, "nobody's"))
}

// oddNames: ids are an outside system's, and opaque.
func oddNames(t *testing.T, open func() bulk.Journal) {
	ctx := t.Context()
	j := open()
	for i, name := range []string{"", " ", "'", `"`, "\x00", "a\x00b", "é", "🙂", "%", "1); DROP TABLE jobs", "[", "A", "a"} {
		e := as(value(name, name, "us1."+fmt.Sprint(i)), bulk.Done, "")
		must(t, j.Settle(ctx, "job", []bulk.Entry{e}))
		got, err := j.Lookup(ctx, "job", "matter", []string{name})
		must(t, err)
		equal(t, fmt.Sprintf("%q", name), got, []bulk.Entry{e})
		again, err := j.See(ctx, "pass", "matter", []string{name})
		must(t, err)
		equal(t, fmt.Sprintf("%q seen", name), len(again), 0)
	}
}

func endedContext(t *testing.T, open func() bulk.Journal) {
	j := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Intend(ctx, "job", []bulk.Entry{value("1", "12", "us1.a")}); err == nil {
		t.Error("written under a context that had ended")
	}
	tally, err := j.Tally(t.Context(), "job")
	must(t, err)
	equal(t, "tally", tally, bulk.Tally{})
}
