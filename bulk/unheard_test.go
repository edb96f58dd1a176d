package bulk_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// A token is made into something that is no part of it, and the program never
// hears of it: what stands there looks like a person's value and is sealed, but
// verify says that the journal has another.
func TestAlteredBeyondRecognitionAndNeverHeardOf(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"lost": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			other := s.system.AddField(connector.Definition{Name: "Other", Kind: "matter", Type: connector.TextLine})
			w := s.Open("alice")
			c := s.config(w, s.ssn.ID)
			first := true
			s.system.Set(func(x *connectortest.Settings) {
				x.Alter = func(f string, data json.RawMessage) json.RawMessage {
					if first && strings.HasPrefix(string(data), `"us1.`) {
						first = false
						return redact(f, data)
					}
					return data
				}
			})
			f := connectortest.NewFaulty(s.system, connectortest.Fault{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Persisted, Dead: killed})
			faulty := c
			faulty.Records = f
			_, err := apply(t.Context(), faulty)
			if killed != (err != nil) {
				t.Fatalf("%v", err)
			}
			_, err = apply(t.Context(), c)
			must(t, err)
			// Whatever is verified besides.
			_, err = apply(t.Context(), s.config(w, other.ID))
			must(t, err)
			r, err := verify(t.Context(), s.config(w))
			if err != nil || len(r.Findings) != 1 || r.Findings[0].Reason != bulk.NeverHeardOf || r.Findings[0].Record != s.matters[3] {
				t.Errorf("%v %+v", err, r.Findings)
			}
			// Who enters it again is told no more.
			s.system.Put("matter", s.matters[3], s.ssn.ID, secret(3))
			_, err = apply(t.Context(), c)
			must(t, err)
			if r, err := verify(t.Context(), s.config(w)); err != nil || len(r.Findings) != 0 {
				t.Errorf("%v %+v", err, r.Findings)
			}
		})
	}
}

// What is known to have never been written is not said to be lost: a conflict,
// a crash before the write, and what people do afterwards.
func TestNeverWrittenIsNotLost(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		fault *connectortest.Fault
		edit  func(s *site)
	}{
		"edited":    {nil, func(s *site) { s.system.Put("matter", s.matters[3], s.ssn.ID, `"edited"`) }},
		"cleared":   {nil, func(s *site) { s.system.Clear("matter", s.matters[3], s.ssn.ID) }},
		"lost":      {&connectortest.Fault{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Lost}, nil},
		"killed":    {&connectortest.Fault{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Lost, Dead: true}, nil},
		"persisted": {&connectortest.Fault{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Persisted, Dead: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			c := s.config(s.Open("alice"), s.ssn.ID)
			var f *connectortest.Faulty
			if x.fault != nil {
				f = connectortest.NewFaulty(s.system, *x.fault)
			} else {
				f = connectortest.NewFaulty(s.system)
			}
			f.Before = func(o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 && x.edit != nil {
					x.edit(s)
				}
			}
			faulty := c
			faulty.Records = f
			if _, err := apply(t.Context(), faulty); err != nil && (x.fault == nil || !x.fault.Dead) {
				t.Fatal(err)
			}
			_, err := apply(t.Context(), c)
			must(t, err)
			s.system.Put("matter", s.matters[3], s.ssn.ID, `"edited later"`)
			_, err = apply(t.Context(), c)
			must(t, err)
			if r, err := verify(t.Context(), s.config(s.Open("alice"))); err != nil || len(r.Findings) != 0 {
				t.Errorf("%v %+v", err, r.Findings)
			}
		})
	}
}

// Values that were sealed by jobs over some of the fields are known to a verify
// of all.
func TestVerifyKnowsEveryJob(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	other := s.system.AddField(connector.Definition{Name: "Other", Kind: "matter", Type: connector.TextLine})
	w := s.Open("alice")
	for _, id := range []string{s.ssn.ID, other.ID} {
		_, err := apply(t.Context(), s.config(w, id))
		must(t, err)
	}
	s.system.Clear("matter", s.matters[3], s.ssn.ID)
	c := s.config(w)
	c.Records = hiding{s.system, s.matters[4], true}
	r, err := verify(t.Context(), c)
	if want := []bulk.Reason{bulk.EmptiedSince, bulk.MissingRecord}; !errors.Is(err, bulk.ErrNotVerified) || !slices.Equal(reasons(r), want) {
		t.Errorf("%v %+v", err, r.Findings)
	}
}
