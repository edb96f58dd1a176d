package bulk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// halfOpened is a site with two text fields and a number, enabled by Alice for
// herself, whose disabling ended after the log said so and one record was
// opened; before is how it was in clear.
func halfOpened(t *testing.T) (s *site, fields, before []string) {
	t.Helper()
	s = newSite(t, 10)
	fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric, Required: true})
	for i, m := range s.matters {
		s.system.Put("matter", m, fee.ID, fmt.Sprint(i+1, "000.50"))
	}
	fields = []string{s.ssn.ID, fee.ID}
	before = s.system.Dump()
	c := s.config(s.Open("alice"), fields...)
	_, err := apply(t.Context(), c)
	must(t, err)
	f := connectortest.NewFaulty(s.system, connectortest.Fault{Operation: connectortest.OpWrite, Call: 2, Outcome: connectortest.Failed, Dead: true})
	c.Records = f
	if _, err := newJob(t, c).Disable(t.Context()); err == nil {
		t.Fatal("it was not interrupted")
	}
	return s, fields, before
}

// Tokens of a field that has ended would stay closed to those who are given
// the one that takes its place.
func TestEnableAgainAfterHalfADisable(t *testing.T) {
	t.Parallel()
	s, fields, before := halfOpened(t)
	w := s.Open("alice")
	c := s.config(w, fields...)
	j := newJob(t, c)
	p, err := j.Plan(t.Context())
	must(t, err)
	old := p.Sum(func(f bulk.FieldCounts) int64 { return f.Of(bulk.Old) })
	if got := p.Sum(func(f bulk.FieldCounts) int64 { return f.SealedAgain }); old != 13 || got != old || p.Writes != 10 {
		t.Errorf("%d old, %d planned, %d writes", old, got, p.Writes)
	}
	tokens := map[string]bool{}
	for _, line := range s.system.Dump() {
		if _, token, ok := strings.Cut(line, `"us1.`); ok {
			tokens["us1."+strings.Trim(token, `"`)] = true
		}
	}
	r, err := j.Apply(t.Context(), p)
	again := r.Sum(func(f bulk.FieldCounts) int64 { return f.SealedAgain })
	if err != nil || again != old || r.Sum(func(f bulk.FieldCounts) int64 { return f.Changed }) != 14 {
		t.Errorf("%v %+v", err, r.Fields)
	}
	for token := range tokens {
		if s.system.Holds(token) {
			t.Fatal("a token of the ended field is left")
		}
	}
	// The journal has every token that gave way.
	entries, err := s.journal.Lookup(t.Context(), r.Job, "matter", s.matters)
	must(t, err)
	for _, e := range entries {
		delete(tokens, e.Replaced)
	}
	if len(tokens) != 0 {
		t.Errorf("%d tokens are not in the journal", len(tokens))
	}
	v, err := verify(t.Context(), s.config(w))
	if err != nil || v.Sum(func(f bulk.FieldCounts) int64 { return f.Of(bulk.Sealed) }) != 14 {
		t.Errorf("verify: %v %+v", err, v.Fields)
	}
	_, err = newJob(t, c).Undo(t.Context())
	must(t, err)
	if after := s.system.Dump(); !slices.Equal(after, before) {
		t.Errorf("not what it was:\n%s\n\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
}

// Where sealing again fails or is cut, the token that was there comes back, and
// no value is in clear meanwhile.
func TestSealingAgainIsAltered(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"answered": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, fields, _ := halfOpened(t)
			w := s.Open("alice")
			c := s.config(w, fields...)
			// What is in clear is sealed first, so that only tokens are left.
			_, err := apply(t.Context(), bulk.Config{Workspace: w, Records: justOne{s.system, s.matters[0]}, Journal: s.journal, Clock: s.clock, Targets: c.Targets})
			must(t, err)
			before := s.system.Dump()
			keys := strings.Join(before, "\n")
			s.system.Set(func(x *connectortest.Settings) {
				x.Alter = func(_ string, data json.RawMessage) json.RawMessage {
					if text := string(data); strings.HasPrefix(text, `"us1.`) && !strings.Contains(keys, text) {
						return json.RawMessage(text[:60] + `"`)
					}
					return data
				}
			})
			if killed {
				f := connectortest.NewFaulty(s.system, connectortest.Fault{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Persisted, Dead: true})
				k := c
				k.Records = f
				if _, err := apply(t.Context(), k); err == nil {
					t.Fatal("no error")
				}
				if slices.Equal(s.system.Dump(), before) {
					t.Fatal("the drill shows nothing")
				}
			}
			if _, err = apply(t.Context(), c); !errors.Is(err, bulk.ErrAltered) {
				t.Errorf("%v", err)
			}
			if after := s.system.Dump(); !slices.Equal(after, before) {
				t.Errorf("not what it was:\n%s\n\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

// Tokens of an earlier epoch of the same field stay.
func TestEarlierEpochsStay(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	must(t, w.RotateOf(t.Context(), w.Fields(t.Context())[0].ID))
	before := s.system.Dump()
	r, err := apply(t.Context(), c)
	if err != nil || r.Fields[0].Of(bulk.Old) != 4 || r.Fields[0].SealedAgain != 0 || !slices.Equal(s.system.Dump(), before) {
		t.Errorf("%v %+v", err, r.Fields)
	}
}
