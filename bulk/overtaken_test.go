package bulk_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// An edit between reading and writing back is left alone and listed, once,
// whatever becomes of the other fields of the record.
func TestEditInTheInstantOfUndo(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		edit func(s *site, id string)
		want string
	}{
		"typed":            {func(s *site, id string) { s.system.Put("matter", id, s.ssn.ID, `"by hand"`) }, `"by hand"`},
		"like a token":     {func(s *site, id string) { s.system.Put("matter", id, s.ssn.ID, `"us1.hello"`) }, `"us1.hello"`},
		"emptied by hand":  {func(s *site, id string) { s.system.Clear("matter", id, s.ssn.ID) }, ""},
		"emptied to a nil": {func(s *site, id string) { s.system.Put("matter", id, s.ssn.ID, `""`) }, `""`},
	} {
		for fields := 1; fields <= 2; fields++ {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, 5)
				second := s.system.AddField(connector.Definition{Name: "Second", Kind: "matter", Type: connector.TextLine})
				s.system.Put("matter", s.matters[3], second.ID, `"two"`)
				c := s.config(s.Open("alice"), s.ssn.ID)
				if fields == 2 {
					c.Targets = append(c.Targets, bulk.Target{Field: second.ID})
				}
				_, err := apply(t.Context(), c)
				must(t, err)
				f := connectortest.NewFaulty(s.system)
				f.Before = func(o connectortest.Operation, call int) {
					if o == connectortest.OpWrite && call == 1 {
						x.edit(s, s.matters[3])
						x.edit(s, s.matters[4])
					}
				}
				c.Records = f
				r, err := newJob(t, c).Undo(t.Context())
				if !errors.Is(err, bulk.ErrLeft) || len(r.Findings) != 2 {
					t.Errorf("%v; listed %+v", err, r.Findings)
				}
				for _, m := range []int{3, 4} {
					if got := s.system.Peek("matter", s.matters[m], s.ssn.ID); got != x.want {
						t.Errorf("the edit was lost: %s", got)
					}
				}
				if got := s.system.Peek("matter", s.matters[3], second.ID); got != `"two"` {
					t.Errorf("the other field: %s", got)
				}
			})
		}
	}
}
