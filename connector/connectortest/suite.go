package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
)

// Fixture is a system that a suite works in, and what it may rely on.
type Fixture struct {
	// Records is the connector under test.
	Records connector.Records
	// Kind is a kind of record; Field is a definition of text on it, which can
	// be emptied, and Typed one that holds no text, or "".
	Kind  string
	Field string
	Typed string
	// Records of Kind, in the list's order: at least three, of which the first
	// has text in Field, and no other has anything. With Typed the first has a
	// value there.
	IDs []string
	// Edit changes a record as somebody else would: it gives Field this text.
	Edit func(t *testing.T, id, text string)
	// NothingNew: what is empty cannot be filled.
	NothingNew bool
	// Reopen makes the connector anew, as after a restart; what was flushed is
	// there. nil returns Records.
	Reopen func(t *testing.T) connector.Records
}

// Run checks what connector.Records promises. fresh makes a system of its own
// for each test.
func Run(t *testing.T, fresh func(t *testing.T) Fixture) {
	for name, test := range map[string]func(*testing.T, Fixture){
		"describes itself": describes, "definitions": definitions, "lists all": listsAll, "gets": gets,
		"writes": writes, "refuses a stale version": stale, "empties": empties, "makes an element": makes,
		"writes all or none": allOrNone, "knows what is gone": gone, "keeps tokens": keepsTokens,
		"writes once while others list": listWhileWriting, "ended context": endedContext, "definer": definer,
		"tells what changed": tellsChanges,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wrote makes what was written visible to others.
func (f Fixture) wrote(t *testing.T) connector.Records {
	t.Helper()
	if fl, ok := f.Records.(connector.Flusher); ok {
		must(t, fl.Flush(t.Context()))
	}
	if f.Reopen != nil {
		return f.Reopen(t)
	}
	return f.Records
}

func (f Fixture) get(t *testing.T, r connector.Records, id string) (connector.Record, connector.Value) {
	t.Helper()
	rec, err := r.Get(t.Context(), f.Kind, id, []string{f.Field})
	must(t, err)
	v, _ := rec.Value(f.Field)
	return rec, v
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // no string fails
	}
	return b
}

// says tells whether a value is a text.
func says(v connector.Value, want string) bool {
	var got string
	return json.Unmarshal(v.Data, &got) == nil && got == want
}

func describes(t *testing.T, f Fixture) {
	c := f.Records.Capabilities()
	if !slices.Contains(c.Kinds, f.Kind) || c.PageSize < 1 || c.Parallel < 1 {
		t.Errorf("%+v", c)
	}
	p, err := f.Records.Place(t.Context())
	must(t, err)
	q, err := f.Records.Place(t.Context())
	if err != nil || p != q || p.Connector == "" || len(p.Connector)+len(p.Account) > 1024 {
		t.Errorf("%+v, %+v, %v", p, q, err)
	}
}

func definitions(t *testing.T, f Fixture) {
	list, err := f.Records.Definitions(t.Context())
	must(t, err)
	seen := map[string]bool{}
	for _, d := range list {
		if d.ID == "" || strings.Contains(d.ID, ">") || seen[d.ID] || d.Kind == "" || d.Type == "" {
			t.Errorf("%+v", d)
		}
		seen[d.ID] = true
		if d.ID == f.Field && (!d.Type.HoldsToken() || d.Required || d.Deleted || d.Kind != f.Kind) {
			t.Errorf("%+v", d)
		}
		if d.ID == f.Typed && d.Type.HoldsToken() {
			t.Errorf("%+v", d)
		}
	}
	if !seen[f.Field] || f.Typed != "" && !seen[f.Typed] {
		t.Error("a field is missing")
	}
}

// list reads all pages.
func (f Fixture) list(t *testing.T, r connector.Records, fields ...string) []connector.Record {
	t.Helper()
	var all []connector.Record
	for cursor := ""; ; {
		p, err := r.List(t.Context(), f.Kind, fields, cursor)
		must(t, err)
		if len(p.Records) > r.Capabilities().PageSize {
			t.Errorf("a page of %d records", len(p.Records))
		}
		if p.Total >= 0 && p.Total != len(f.IDs) {
			t.Errorf("total %d", p.Total)
		}
		all = append(all, p.Records...)
		if p.Next == "" {
			return all
		}
		if p.Next == cursor || len(all) > 2*len(f.IDs) {
			t.Fatal("the list does not end")
		}
		cursor = p.Next
	}
}

func ids(list []connector.Record) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

func listsAll(t *testing.T, f Fixture) {
	all := f.list(t, f.Records, f.Field)
	if !slices.Equal(ids(all), f.IDs) {
		t.Fatalf("%q, want %q", ids(all), f.IDs)
	}
	for i, r := range all {
		if r.Kind != f.Kind || r.Version == "" {
			t.Errorf("%+v", r)
		}
		for _, v := range r.Values {
			if v.Field != f.Field {
				t.Errorf("a field that nobody asked for: %+v", v)
			}
		}
		v, _ := r.Value(f.Field)
		if v.Empty() != (i > 0) {
			t.Errorf("record %d: %+v", i, v)
		}
	}
	if _, err := f.Records.List(t.Context(), "no such kind", []string{f.Field}, ""); err == nil {
		t.Error("a kind that there is not")
	}
}

func gets(t *testing.T, f Fixture) {
	listed := f.list(t, f.Records, f.Field)
	for i, id := range f.IDs {
		r, v := f.get(t, f.Records, id)
		w, _ := listed[i].Value(f.Field)
		if r.ID != id || r.Kind != f.Kind || r.Version != listed[i].Version || v.ID != w.ID || string(v.Data) != string(w.Data) {
			t.Errorf("got %+v, listed %+v", r, listed[i])
		}
	}
	if f.Typed != "" {
		r, err := f.Records.Get(t.Context(), f.Kind, f.IDs[0], []string{f.Typed})
		must(t, err)
		if v, ok := r.Value(f.Typed); !ok || v.Empty() || !json.Valid(v.Data) || len(r.Values) != 1 {
			t.Errorf("%+v", r)
		}
	}
}

func writes(t *testing.T, f Fixture) {
	r, v := f.get(t, f.Records, f.IDs[0])
	after, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("written é")}})
	must(t, err)
	w, ok := after.Value(f.Field)
	if !ok || !says(w, "written é") || after.ID != r.ID || after.Kind != r.Kind || after.Version == "" || w.ID != v.ID {
		t.Errorf("answer %+v", after)
	}
	// The answer is good for the next write.
	after, err = f.Records.Write(t.Context(), after, []connector.Change{{Field: f.Field, ID: w.ID, Data: quote("again")}})
	must(t, err)
	got, x := f.get(t, f.wrote(t), r.ID)
	if !says(x, "again") || got.Version != after.Version || got.Version == r.Version {
		t.Errorf("read %+v, answered %+v", got, after)
	}
}

func stale(t *testing.T, f Fixture) {
	if !f.Records.Capabilities().Conditional {
		return
	}
	r, v := f.get(t, f.Records, f.IDs[0])
	f.Edit(t, r.ID, "a person's")
	_, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("ours")}})
	if !errors.Is(err, connector.ErrConflict) {
		// A connector whose writes rest together may find it out later.
		fl, ok := f.Records.(connector.Flusher)
		if err != nil || !ok || !errors.Is(fl.Flush(t.Context()), connector.ErrConflict) {
			t.Errorf("%v", err)
		}
	}
	again := f.Records
	if f.Reopen != nil {
		again = f.Reopen(t)
	}
	if _, v := f.get(t, again, r.ID); !says(v, "a person's") {
		t.Errorf("the edit was overwritten: %s", v.Data)
	}
}

func empties(t *testing.T, f Fixture) {
	r, v := f.get(t, f.Records, f.IDs[0])
	after, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID}})
	must(t, err)
	if w, _ := after.Value(f.Field); !w.Empty() {
		t.Errorf("answer %+v", after)
	}
	if _, w := f.get(t, f.wrote(t), r.ID); !w.Empty() {
		t.Errorf("%+v", w)
	}
}

func makes(t *testing.T, f Fixture) {
	r, v := f.get(t, f.Records, f.IDs[1])
	if f.NothingNew {
		_, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("new")}})
		if !errors.Is(err, connector.ErrRefused) {
			t.Errorf("%v", err)
		}
		return
	}
	after, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("new")}})
	must(t, err)
	w, _ := after.Value(f.Field)
	if !says(w, "new") || w.ID == "" {
		t.Errorf("answer %+v", after)
	}
	if _, x := f.get(t, f.wrote(t), r.ID); !says(x, "new") || x.ID != w.ID {
		t.Errorf("%+v", x)
	}
}

func allOrNone(t *testing.T, f Fixture) {
	r, v := f.get(t, f.Records, f.IDs[0])
	_, err := f.Records.Write(t.Context(), r, []connector.Change{
		{Field: f.Field, ID: v.ID, Data: quote("half")}, {Field: "no such field", Data: quote("x")},
	})
	if err == nil {
		t.Error("a field that there is not")
	}
	if _, w := f.get(t, f.Records, r.ID); string(w.Data) != string(v.Data) {
		t.Errorf("half of it was written: %s", w.Data)
	}
}

func gone(t *testing.T, f Fixture) {
	if _, err := f.Records.Get(t.Context(), f.Kind, "987654321", []string{f.Field}); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	r := connector.Record{Kind: f.Kind, ID: "987654321", Version: "x"}
	if _, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, Data: quote("x")}}); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("write: %v", err)
	}
}

// keepsTokens: what bulk work writes comes back as it was.
func keepsTokens(t *testing.T, f Fixture) {
	for _, text := range []string{"us1." + strings.Repeat("aZ09-_", 30), "two words", `"quoted", and a comma`, "<&>", "\u2028"} {
		r, v := f.get(t, f.Records, f.IDs[0])
		after, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote(text)}})
		must(t, err)
		if w, _ := after.Value(f.Field); !says(w, text) {
			t.Errorf("%q came back as %s", text, w.Data)
		}
	}
}

func listWhileWriting(t *testing.T, f Fixture) {
	var met []string
	for cursor := ""; ; {
		p, err := f.Records.List(t.Context(), f.Kind, []string{f.Field}, cursor)
		must(t, err)
		for i, r := range p.Records {
			v, _ := r.Value(f.Field)
			if !v.Empty() || !f.NothingNew {
				_, err := f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote(fmt.Sprint("written ", i))}})
				must(t, err)
			}
			met = append(met, r.ID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if !slices.Equal(met, f.IDs) {
		t.Errorf("met %q, want %q", met, f.IDs)
	}
}

func endedContext(t *testing.T, f Fixture) {
	r, v := f.get(t, f.Records, f.IDs[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Records.List(ctx, f.Kind, []string{f.Field}, ""); err == nil {
		t.Error("list under a context that had ended")
	}
	if _, err := f.Records.Write(ctx, r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("x")}}); err == nil {
		t.Error("write under a context that had ended")
	}
	if _, w := f.get(t, f.Records, r.ID); string(w.Data) != string(v.Data) {
		t.Error("it was written all the same")
	}
}

// definer: a system that lets programs change definitions.
func definer(t *testing.T, f Fixture) {
	d, ok := f.Records.(connector.Definer)
	if !ok {
		return
	}
	ctx := t.Context()
	made, err := d.CreateField(ctx, connector.Definition{Name: "SSN (sealed)", Kind: f.Kind, Type: connector.TextArea})
	must(t, err)
	if made.ID == "" || made.Version == "" || made.Name != "SSN (sealed)" || made.Type != connector.TextArea || made.Kind != f.Kind || made.Required {
		t.Errorf("%+v", made)
	}
	find := func() (connector.Definition, bool) {
		list, err := f.Records.Definitions(ctx)
		must(t, err)
		i := slices.IndexFunc(list, func(x connector.Definition) bool { return x.ID == made.ID && !x.Deleted })
		if i < 0 {
			return connector.Definition{}, false
		}
		return list[i], true
	}
	if got, ok := find(); !ok || got.Name != made.Name || got.Version != made.Version {
		t.Errorf("%+v", got)
	}
	next := made
	next.Name, next.Required = "SSN (sealed) *", true
	changed, err := d.UpdateField(ctx, next)
	must(t, err)
	if got, _ := find(); !got.Required || got.Name != next.Name || got.Version != changed.Version || changed.Version == made.Version {
		t.Errorf("%+v", got)
	}
	if _, err := d.UpdateField(ctx, made); !errors.Is(err, connector.ErrConflict) {
		t.Errorf("an old version: %v", err)
	}
	if err := d.DeleteField(ctx, made); !errors.Is(err, connector.ErrConflict) {
		t.Errorf("an old version is deleted: %v", err)
	}
	must(t, d.DeleteField(ctx, changed))
	if got, ok := find(); ok {
		t.Errorf("still there: %+v", got)
	}
	if err := d.DeleteField(ctx, changed); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// tellsChanges: what is written, by the program or by somebody else, is listed
// as changed at once, by the system's own time.
func tellsChanges(t *testing.T, f Fixture) {
	rec, ok := f.Records.(connector.Recent)
	if !ok {
		return
	}
	changed := func(since time.Time) (met []string) {
		for cursor := ""; ; {
			p, err := rec.Changed(t.Context(), f.Kind, []string{f.Field}, since, cursor)
			must(t, err)
			for _, r := range p.Records {
				if v, _ := r.Value(f.Field); r.ID == f.IDs[1] && !says(v, "filled") || r.ID == f.IDs[0] && !says(v, "edited") {
					t.Errorf("%+v", r)
				}
				met = append(met, r.ID)
			}
			if cursor = p.Next; cursor == "" {
				return met
			}
		}
	}
	p, err := f.Records.List(t.Context(), f.Kind, []string{f.Field}, "")
	must(t, err)
	if p.At.IsZero() {
		t.Fatal("a list without its time")
	}
	r, v := f.get(t, f.Records, f.IDs[1])
	_, err = f.Records.Write(t.Context(), r, []connector.Change{{Field: f.Field, ID: v.ID, Data: quote("filled")}})
	must(t, err)
	f.Edit(t, f.IDs[0], "edited")
	if got := changed(p.At); !slices.Contains(got, f.IDs[0]) || !slices.Contains(got, f.IDs[1]) {
		t.Errorf("changed %q", got)
	}
	if got := changed(time.Time{}); !slices.Equal(got, f.IDs) {
		t.Errorf("of all times %q, want %q", got, f.IDs)
	}
	if got := changed(p.At.Add(time.Hour)); len(got) != 0 {
		t.Errorf("in an hour %q", got)
	}
}
