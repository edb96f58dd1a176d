package bulk_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// hiding leaves one record out of its lists, as a system does that lets not
// everybody see everything.
type hiding struct {
	*connectortest.Memory
	hidden string
	forged bool
}

func (h hiding) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	p, err := h.Memory.List(ctx, kind, fields, cursor)
	p.Records = slices.DeleteFunc(p.Records, func(r connector.Record) bool { return r.ID == h.hidden })
	if h.forged {
		p.Total--
	}
	return p, err
}

// A twin is not deleted while a record that is not listed may hold a token.
func TestAttack25TwinOfRecordsThatAreNotListed(t *testing.T) {
	t.Parallel()
	for name, forged := range map[string]bool{"counted": false, "known to the journal": true} {
		for _, undo := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, 10)
				fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
				for _, m := range s.matters {
					s.system.Put("matter", m, fee.ID, "12")
				}
				c := s.config(s.Open("alice"), fee.ID)
				_, err := apply(t.Context(), c)
				must(t, err)
				c.Records = hiding{s.system, s.matters[4], forged}
				j := newJob(t, c)
				var r bulk.Report
				if undo {
					r, err = j.Undo(t.Context())
				} else {
					r, err = j.Disable(t.Context())
				}
				if !errors.Is(err, bulk.ErrLeft) {
					t.Errorf("%v %+v", err, r.Findings)
				}
				c.Records = s.system
				_, err = newJob(t, c).Disable(t.Context())
				must(t, err)
				if got := s.system.Peek("matter", s.matters[4], fee.ID); got != "12" {
					t.Errorf("lost: %q", got)
				}
			})
		}
	}
}
