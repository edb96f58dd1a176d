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

// redact makes of every token what no token and no part of one is.
func redact(_ string, data json.RawMessage) json.RawMessage {
	if strings.HasPrefix(string(data), `"us1.`) {
		return json.RawMessage(`"[redacted]"`)
	}
	return data
}

// Two fields of one record are altered in one write: both are put back.
func TestBothFieldsOfARecordAreAltered(t *testing.T) {
	t.Parallel()
	for name, disable := range map[string]bool{"sealing": false, "opening": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			second := s.system.AddField(connector.Definition{Name: "Minor's name", Kind: "matter", Type: connector.TextLine})
			s.system.Put("matter", s.matters[3], second.ID, `" Zoë "`)
			s.system.Put("matter", s.matters[3], s.ssn.ID, `" 078 "`)
			c := s.config(s.Open("alice"), s.ssn.ID, second.ID)
			if disable {
				_, err := apply(t.Context(), c)
				must(t, err)
			}
			before := s.system.Dump()
			s.system.Set(func(c *connectortest.Settings) {
				c.Alter = redact
				if disable {
					c.Alter = trimmed
				}
			})
			var err error
			var r bulk.Report
			if disable {
				r, err = newJob(t, c).Disable(t.Context())
			} else {
				r, err = apply(t.Context(), c)
			}
			if want := map[bool]error{false: bulk.ErrAltered, true: bulk.ErrLeft}[disable]; !errors.Is(err, want) {
				t.Errorf("%v", err)
			}
			if got := reasons(r); !slices.Equal(got, []bulk.Reason{bulk.AlteredAndBack, bulk.AlteredAndBack}) {
				t.Errorf("findings %+v", r.Findings)
			}
			if disable {
				for _, id := range []string{s.ssn.ID, second.ID} {
					if got := s.system.Peek("matter", s.matters[3], id); !strings.HasPrefix(got, `"us1.`) {
						t.Errorf("altered, and left: %s", got)
					}
				}
				for i, id := range s.matters {
					if got := s.system.Peek("matter", id, s.ssn.ID); i != 3 && strings.HasPrefix(got, `"us1.`) {
						t.Errorf("matter %d stays sealed because of another", i)
					}
				}
			} else if !slices.Equal(s.system.Dump(), before) {
				t.Errorf("not what it was:\n%s", strings.Join(s.system.Dump(), "\n"))
			}
		})
	}
}

// trimmed is what a system does that trims what it is given.
func trimmed(_ string, data json.RawMessage) json.RawMessage {
	var s string
	if json.Unmarshal(data, &s) != nil {
		return data
	}
	out, err := json.Marshal(strings.TrimSpace(s))
	if err != nil {
		panic(err)
	}
	return out
}

// A system that alters what is put back too is not said to have it back.
func TestNotPutBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	s.system.Set(func(c *connectortest.Settings) {
		c.Alter = func(string, json.RawMessage) json.RawMessage { return json.RawMessage(`"[redacted]"`) }
	})
	r, err := apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID))
	if !errors.Is(err, bulk.ErrNotPutBack) || r.Fields[0].Changed != 0 || r.Tally.Intended == 0 {
		t.Errorf("%v %+v", err, r)
	}
	if s.system.Holds("us1.") || !s.system.Holds("078-05-0009") {
		t.Error("it went on all the same")
	}
}

// A person who edits before the value could be put back wins.
func TestEditedBeforeItWasPutBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 4)
	s.system.Set(func(c *connectortest.Settings) { c.Alter = redact })
	r, err := s.during(t, s.config(s.Open("alice"), s.ssn.ID), func(o connectortest.Operation, call int) {
		if o == connectortest.OpWrite && call == 2 {
			s.system.Put("matter", s.matters[3], s.ssn.ID, `"edited"`)
		}
	})
	if !errors.Is(err, bulk.ErrAltered) || !slices.Equal(reasons(r), []bulk.Reason{bulk.ChangedSince}) {
		t.Errorf("%v %+v", err, r.Findings)
	}
	if got := s.system.Peek("matter", s.matters[3], s.ssn.ID); got != `"edited"` {
		t.Errorf("the edit was lost: %s", got)
	}
}
