package bulk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// A twin into which somebody writes behind the last pass is not deleted with
// what it holds: a token is opened first, and anything else is listed.
func TestTwinFilledDuringTheLastPass(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		text   string // "" for the token that was there
		always bool   // again and again
		want   bulk.Reason
	}{
		"a token":                   {"", false, ""},
		"a token, again and again":  {"", true, bulk.FilledAgain},
		"what is none":              {`"by hand"`, false, bulk.ClearInTwin},
		"what is none, and a value": {`"us1.x"`, true, bulk.LooksLike},
	} {
		for _, undo := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, 10)
				fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
				for _, m := range s.matters {
					s.system.Put("matter", m, fee.ID, "12")
				}
				before := s.system.Dump()
				c := s.config(s.Open("alice"), fee.ID)
				_, err := apply(t.Context(), c)
				must(t, err)
				twin := s.system.Fields()[len(s.system.Fields())-1].ID
				text := x.text
				if text == "" {
					text = s.system.Peek("matter", s.matters[0], twin)
				}
				f := connectortest.NewFaulty(s.system)
				last := 8 // two passes of four pages, and one more to undo
				if undo {
					last = 12
				}
				f.Before = func(o connectortest.Operation, call int) {
					if o == connectortest.OpList && call == last || x.always && o == connectortest.OpChanged {
						s.system.Put("matter", s.matters[0], twin, text)
						s.system.Clear("matter", s.matters[0], fee.ID)
					}
				}
				c.Records = f
				j := newJob(t, c)
				var r bulk.Report
				if undo {
					r, err = j.Undo(t.Context())
				} else {
					r, err = j.Disable(t.Context())
				}
				if x.want == "" {
					if n := count(f.Calls(), connectortest.OpChanged); err != nil || !slices.Equal(s.system.Dump(), before) || n != 2*4 { // pages
						t.Errorf("%v, asked %d times:\n%s", err, n, strings.Join(s.system.Dump(), "\n"))
					}
					return
				}
				if !errors.Is(err, bulk.ErrLeft) || !slices.Contains(reasons(r), x.want) || len(s.system.Fields()) != 4 {
					t.Errorf("%v %+v", err, r.Findings)
				}
				if got := s.system.Peek("matter", s.matters[0], twin); x.text != "" && got != text {
					t.Errorf("lost: %q", got)
				}
			})
		}
	}
}

func count(calls []connectortest.Operation, o connectortest.Operation) (n int) {
	for _, c := range calls {
		if c == o {
			n++
		}
	}
	return n
}

// In the usual case that costs one request for each twin.
func TestOneLookBeforeATwinIsDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t, 0)
	s.system.Set(func(c *connectortest.Settings) { c.PageSize = 200 })
	fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
	for range 300 {
		s.system.Put("matter", s.system.AddRecord("matter"), fee.ID, "12")
	}
	c := s.config(s.Open("alice"), fee.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	f := connectortest.NewFaulty(s.system)
	c.Records = f
	_, err = newJob(t, c).Disable(t.Context())
	must(t, err)
	if n := count(f.Calls(), connectortest.OpChanged); n != 1 {
		t.Errorf("%d", n)
	}
}
