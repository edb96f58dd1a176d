package cliotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
)

var (
	_ connector.Records = (*clio.Connector)(nil)
	_ connector.Meter   = (*clio.Connector)(nil)
)

// TestReadsEverything: over several pages, every record once and every value
// as it is stored, with the fewest requests that there can be.
func TestReadsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{seed: cliosim.SeedOptions{Seed: 2, Matters: 401, Contacts: 200}})
	c := w.connect(0)
	place, err := c.Place(t.Context())
	if err != nil || place.Connector != "clio" || !strings.HasSuffix(place.Account, ":100001") || place.Name != "Harbor & Partners" {
		t.Errorf("%+v %v", place, err)
	}
	if u, err := c.User(t.Context()); err != nil || u.Name != "Alice Archer" || u.Email != "alice@harbor.example" || u.ID == "" {
		t.Errorf("%+v %v", u, err)
	}
	want := w.stored()
	for kind, parent := range map[string]string{clio.Matter: "Matter", clio.Contact: "Contact"} {
		fields := w.fields(c, kind, "")
		before := c.Counters().Requests
		records := w.all(c, kind, fields)
		if n := map[string]int{clio.Matter: 401, clio.Contact: 200}[kind]; len(records) != n {
			t.Errorf("%s: %d records, want %d", kind, len(records), n)
		}
		if n, least := c.Counters().Requests-before, int64(len(records)+199)/200; n != least {
			t.Errorf("%s: %d requests, at least %d are needed", kind, n, least)
		}
		seen := map[string]bool{}
		for _, r := range records {
			if seen[r.ID] {
				t.Errorf("%s %s twice", kind, r.ID)
			}
			seen[r.ID] = true
			for _, v := range r.Values {
				name := fmt.Sprintf("%s %s %s", parent, r.ID, v.Field)
				if v.ID == "" {
					if _, ok := want[name]; ok || v.Data != nil {
						t.Errorf("%s is stored and was read as never set", name)
					}
					continue
				}
				data := "null"
				if v.Data != nil {
					data = string(v.Data)
				}
				if want[name] != v.ID+" "+data {
					t.Errorf("%s: %s %s, stored %s", name, v.ID, data, want[name])
				}
				delete(want, name)
			}
		}
	}
	if len(want) != 0 {
		t.Errorf("%d values were not read: %v", len(want), want)
	}
}

// TestPagesWhileWriting: a record that is there throughout is met exactly once
// whatever is written meanwhile.
func TestPagesWhileWriting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{seed: cliosim.SeedOptions{Seed: 3, Matters: 250, Contacts: 3}})
	c := w.connect(0)
	field := w.fields(c, clio.Matter, connector.TextArea)[0]
	first, err := c.List(t.Context(), clio.Matter, []string{field}, "")
	w.check(err)
	for _, r := range []connector.Record{first.Records[0], first.Records[199]} {
		v, _ := r.Value(field)
		if _, err := c.Write(t.Context(), r, []connector.Change{{Field: field, ID: v.ID, Data: text("changed")}}); err != nil {
			t.Fatal(err)
		}
	}
	// Another connector goes on with the cursor, as after a crash.
	second, err := w.connect(0).List(t.Context(), clio.Matter, []string{field}, first.Next)
	if err != nil || len(second.Records) != 50 || second.Next != "" {
		t.Fatalf("%d %q %v", len(second.Records), second.Next, err)
	}
	seen := map[string]bool{}
	for _, r := range append(first.Records, second.Records...) {
		seen[r.ID] = true
	}
	if len(seen) != 250 {
		t.Errorf("%d records", len(seen))
	}
}

// TestEveryTypeComesBack: what was read of any type can be written again as it
// was read, after it was emptied, and after it was removed.
func TestEveryTypeComesBack(t *testing.T) {
	t.Parallel()
	for _, numbers := range []bool{false, true} {
		w := newWorld(t, options{
			seed:     cliosim.SeedOptions{Seed: 4, Matters: 40, Contacts: 40},
			settings: cliosim.Settings{JSONNumbers: numbers, LaxRequired: true},
		})
		c := w.connect(0)
		types := 0
		defs, err := c.Definitions(t.Context())
		w.check(err)
		for _, d := range defs {
			types++
			fields := []string{d.ID}
			full, bare := w.holding(c, d.Kind, d.ID)
			v, _ := full.Value(d.ID)
			same := func(r connector.Record, what string) connector.Value {
				t.Helper()
				got, ok := r.Value(d.ID)
				if !ok || string(got.Data) != string(v.Data) {
					t.Errorf("%s, %s: %s, was %s", d.Type, what, got.Data, v.Data)
				}
				return got
			}
			write := func(r connector.Record, change connector.Change) connector.Record {
				t.Helper()
				change.Field = d.ID
				written, err := c.Write(t.Context(), r, []connector.Change{change})
				w.check(err)
				again, err := c.Get(t.Context(), d.Kind, r.ID, fields)
				w.check(err)
				if fmt.Sprint(written) != fmt.Sprint(again) {
					t.Errorf("%s: the answer %+v, then %+v", d.Type, written, again)
				}
				return again
			}
			r := write(full, connector.Change{ID: v.ID})
			if got, ok := r.Value(d.ID); !ok || got.ID != v.ID || !got.Empty() {
				t.Errorf("%s, emptied: %+v", d.Type, got)
			}
			r = write(r, connector.Change{ID: v.ID, Data: v.Data})
			same(r, "filled again")
			r = write(r, connector.Change{ID: v.ID, Remove: true})
			if got, _ := r.Value(d.ID); got.ID != "" {
				t.Errorf("%s, removed: %+v", d.Type, got)
			}
			r = write(r, connector.Change{Data: v.Data})
			same(r, "made again")
			if bare.ID == "" {
				if !d.Required {
					t.Errorf("%s: every record has one", d.Type)
				}
				continue
			}
			same(write(bare, connector.Change{Data: v.Data}), "elsewhere")
		}
		if types != 12 {
			t.Errorf("%d types", types)
		}
	}
}

// TestConditional: whoever comes second is told, nothing is overwritten.
func TestConditional(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	field := w.fields(c, clio.Contact, connector.TextLine)[0]
	full, bare := w.holding(c, clio.Contact, field)
	v, _ := full.Value(field)
	w.person(full, map[string]any{"id": v.ID, "value": "theirs"})
	_, err := c.Write(t.Context(), full, []connector.Change{{Field: field, ID: v.ID, Data: text("ours")}})
	want(t, err, connector.ErrConflict)
	now, err := c.Get(t.Context(), clio.Contact, full.ID, []string{field})
	w.check(err)
	if got, _ := now.Value(field); string(got.Data) != `"theirs"` {
		t.Errorf("%s", got.Data)
	}
	w.person(bare, map[string]any{"custom_field": map[string]any{"id": number(w, field)}, "value": "theirs"})
	_, err = c.Write(t.Context(), bare, []connector.Change{{Field: field, Data: text("ours")}})
	want(t, err, connector.ErrConflict)
	// The version is new, the element is not known: it is there, all the same.
	now, err = c.Get(t.Context(), clio.Contact, bare.ID, nil)
	w.check(err)
	_, err = c.Write(t.Context(), now, []connector.Change{{Field: field, Data: text("ours")}})
	want(t, err, connector.ErrConflict)

	// All of a record's changes in one request, or none.
	now, err = c.Get(t.Context(), clio.Contact, full.ID, w.fields(c, clio.Contact, ""))
	w.check(err)
	number := w.fields(c, clio.Contact, connector.Numeric)[0]
	n, _ := now.Value(number)
	before := fmt.Sprint(w.stored())
	_, err = c.Write(t.Context(), now, []connector.Change{{Field: field, ID: v.ID, Data: text("ours")}, {Field: number, ID: n.ID, Data: text("no number")}})
	want(t, err, connector.ErrRefused)
	if fmt.Sprint(w.stored()) != before {
		t.Error("a part of a write was done")
	}
	var named *connector.RecordError
	if !errors.As(err, &named) || named.ID != full.ID || strings.Contains(err.Error(), "no number") {
		t.Errorf("%v", err)
	}
}

func TestLongest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	field := w.fields(c, clio.Contact, connector.TextLine)[0]
	_, bare := w.holding(c, clio.Contact, field)
	_, err := c.Write(t.Context(), bare, []connector.Change{{Field: field, Data: text(strings.Repeat("a", 256))}})
	want(t, err, connector.ErrRefused)
	r, err := c.Write(t.Context(), bare, []connector.Change{{Field: field, Data: text(strings.Repeat("é", 255))}})
	w.check(err)
	var got string
	if v, _ := r.Value(field); json.Unmarshal(v.Data, &got) != nil || got != strings.Repeat("é", 255) {
		t.Errorf("%.20q", got)
	}
}

func want(t *testing.T, err error, wanted ...error) {
	t.Helper()
	for _, one := range wanted {
		if !errors.Is(err, one) {
			t.Errorf("got %v, want %v", err, one)
		}
	}
}

// TestChanged: a value's write dates its record, by the server's own clock,
// and one request tells which records were written lately.
func TestChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{skew: -3 * time.Hour})
	c := w.connect(0)
	fields := w.fields(c, clio.Contact, connector.TextLine)[:1]
	w.check(w.clock.Sleep(t.Context(), time.Hour))
	p, err := c.List(t.Context(), clio.Contact, fields, "")
	w.check(err)
	changed := func() connector.Page {
		before := c.Usage().Requests
		got, err := c.Changed(t.Context(), clio.Contact, fields, p.At, "")
		w.check(err)
		if n := c.Usage().Requests - before; n != 1 || got.Next != "" {
			t.Errorf("%d requests, next %q", n, got.Next)
		}
		return got
	}
	if got := changed(); len(got.Records) != 0 {
		t.Errorf("nothing changed, and %+v", got.Records)
	}
	r := p.Records[4]
	v, _ := r.Value(fields[0])
	_, err = c.Write(t.Context(), r, []connector.Change{{Field: fields[0], ID: v.ID, Data: json.RawMessage(`"written"`)}})
	w.check(err)
	got := changed()
	if len(got.Records) != 1 || got.Records[0].ID != r.ID {
		t.Fatalf("one was written, and %+v", got.Records)
	}
	if v, _ := got.Records[0].Value(fields[0]); string(v.Data) != `"written"` {
		t.Errorf("%s", v.Data)
	}
}
