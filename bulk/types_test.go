package bulk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// samples are values of each type, in spellings that systems use.
var samples = map[connector.FieldType][]string{
	connector.TextLine: {`"078-05-1120"`, `"Zoë \u00e9 \ud83d\ude42"`, `" "`, `"a\/b"`, `"\u0000"`},
	connector.TextArea: {`"two\nlines"`, `"\u2028"`, `"<b>"`, `"شيء"`},
	connector.Numeric:  {`0`, `-12.50`, `1e3`, `12345678901234567890.123456789`},
	connector.Date:     {`"2026-03-01"`},
	connector.Time:     {`"23:59:59"`},
	connector.Currency: {`1000000.00`, `0.10`},
	connector.Checkbox: {`true`, `false`},
	connector.Picklist: {`"4711"`},
	connector.Email:    {`"ada@example.com"`},
	connector.URL:      {`"https://example.com/?a=b&c=%20"`},
	connector.Contact:  {`7`, `{"id":7,"name":"Ada"}`},
	connector.Matter:   {`12`},
}

// stage is one system with a field of some type, and what people did to it.
type stage struct {
	t        connector.FieldType
	required bool
	inSet    bool
	states   []int // of each record: 0 to 2 empty, else a sample
}

// build makes the system; the same stage makes the same ids.
func (s stage) build(m *connectortest.Memory) (field connector.Definition, records []string) {
	d := connector.Definition{Name: "A field with a rather long name", Kind: "matter", Type: s.t, Required: s.required}
	if s.inSet {
		d.Sets = []connector.Set{{ID: "set-1"}, {ID: "set-2"}}
	}
	field = m.AddField(d)
	for _, state := range s.states {
		id := m.AddRecord("matter")
		records = append(records, id)
		switch state {
		case 0:
		case 1:
			m.Unset("matter", id, field.ID)
		case 2:
			m.Put("matter", id, field.ID, s.sample(3))
			m.Clear("matter", id, field.ID)
		default:
			m.Put("matter", id, field.ID, s.sample(state))
		}
	}
	return field, records
}

func (s stage) sample(n int) string { return samples[s.t][n%len(samples[s.t])] }

// edit is what a person does to a record while the field is enabled.
type edit struct {
	record int
	sample int // -1 clears
}

// run enables, edits, enables what was edited, disables, and compares with a
// system in which people did the same and nobody sealed anything.
func (s stage) run(t testing.TB, f *site, edits []edit) error {
	t.Helper()
	plain := connectortest.NewMemory(connectortest.Settings{})
	f.system = connectortest.NewMemory(connectortest.Settings{})
	f.journal.Delete()
	field, records := s.build(plain)
	if got, _ := s.build(f.system); got.ID != field.ID {
		return errors.New("the same stage makes other ids")
	}
	w := f.Open("alice")
	if _, err := apply(t.Context(), f.config(w, field.ID)); err != nil {
		return fmt.Errorf("enable: %w", err)
	}
	holder := field.ID
	for _, d := range f.system.Fields() {
		if d.ID != field.ID {
			holder = d.ID
			if !slices.Equal(d.Sets, field.Sets) || d.Required != s.required || len([]rune(d.Name)) > 32 || strings.HasSuffix(d.Name, "*") {
				return fmt.Errorf("twin %+v", d)
			}
		}
	}
	if (holder == field.ID) != s.t.HoldsToken() {
		return errors.New("a twin where none is needed, or none where one is")
	}
	for i, state := range s.states {
		isToken := strings.HasPrefix(f.system.Peek("matter", records[i], holder), `"us1.`)
		if isToken != (state > 2) || holder != field.ID && f.system.Peek("matter", records[i], field.ID) != "" {
			return fmt.Errorf("record %d in state %d: token %v", i, state, isToken)
		}
	}
	for _, e := range edits {
		if id := records[e.record]; e.sample >= 0 {
			plain.Put("matter", id, field.ID, s.sample(e.sample))
			f.system.Put("matter", id, field.ID, s.sample(e.sample))
		} else {
			plain.Clear("matter", id, field.ID)
			f.system.Clear("matter", id, field.ID)
			f.system.Clear("matter", id, holder)
		}
	}
	if len(edits) > 0 {
		c := f.config(w)
		c.Unticked = bulk.CountsEntered // they are people's edits
		if _, err := apply(t.Context(), c); err != nil {
			return fmt.Errorf("repair: %w", err)
		}
	}
	if _, err := verify(t.Context(), f.config(w)); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	j, err := bulk.NewJob(t.Context(), f.config(w, field.ID))
	if err != nil {
		return err
	}
	if _, err := j.Disable(t.Context()); err != nil {
		return fmt.Errorf("disable: %w", err)
	}
	if got, want := f.system.Dump(), plain.Dump(); !slices.Equal(got, want) {
		return fmt.Errorf("not what it was:\n%s\n\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return nil
}

// Every type × the three empty states × required × in a set.
func TestEveryType(t *testing.T) {
	t.Parallel()
	for typ := range samples {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			f := newSite(t, 0)
			for _, required := range []bool{false, true} {
				for _, inSet := range []bool{false, true} {
					s := stage{t: typ, required: required, inSet: inSet, states: []int{0, 1, 2, 3, 4, 5, 6, 7}}
					if err := s.run(t, f, []edit{{3, 4}, {0, 3}, {1, 5}, {2, 6}, {4, -1}}); err != nil {
						t.Errorf("required %v, in a set %v: %v", required, inSet, err)
					}
				}
			}
		})
	}
}

// The same with any states and edits.
func TestEnableEditDisable(t *testing.T) {
	t.Parallel()
	var types []connector.FieldType
	for typ := range samples {
		types = append(types, typ)
	}
	slices.Sort(types)
	rapid.Check(t, func(r *rapid.T) {
		s := stage{
			t: rapid.SampledFrom(types).Draw(r, "type"), required: rapid.Bool().Draw(r, "required"), inSet: rapid.Bool().Draw(r, "inSet"),
			states: rapid.SliceOfN(rapid.IntRange(0, 8), 1, 7).Draw(r, "states"),
		}
		var edits []edit
		for range rapid.IntRange(0, 5).Draw(r, "edits") {
			edits = append(edits, edit{rapid.IntRange(0, len(s.states)-1).Draw(r, "record"), rapid.IntRange(-1, 6).Draw(r, "sample")})
		}
		if err := s.run(t, newSite(t, 0), edits); err != nil {
			r.Fatal(err)
		}
	})
}
