package bulk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/store"
)

// generous is a store that lets everybody have every lease.
type generous struct{ store.Store }

func (generous) GetLease(context.Context, string) (store.Lease, error) {
	return store.Lease{}, store.ErrNotFound
}

func (generous) SwapLease(_ context.Context, l store.Lease) (store.Lease, error) {
	l.Version++
	return l, nil
}

// One officer enables while another disables, and the store keeps nobody apart:
// whatever they leave, they can go on from, and every value comes back.
func TestEnableAgainstDisable(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := newSite(t, 12)
		fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric, Required: true})
		for _, m := range s.matters {
			s.system.Put("matter", m, fee.ID, "12.50")
		}
		before := s.system.Dump()
		_, err := apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID, fee.ID))
		must(t, err)
		s.system.Put("matter", s.matters[0], fee.ID, "12.50") // once more, beside its token
		officer := func() bulk.Config {
			c := s.config(s.OpenOn("alice", generous{s.Store}), s.ssn.ID, fee.ID)
			c.Journal, c.Clock = journaltest.NewMemory(), &connectortest.Clock{}
			return c
		}
		one, other := officer(), officer()
		var g sync.WaitGroup
		// Either may fail for what the other does.
		g.Go(func() { _, _ = apply(t.Context(), one) })
		g.Go(func() { _ = errorOf(disable)(t.Context(), other) })
		g.Wait()
		c := s.config(s.Open("alice"), s.ssn.ID, fee.ID)
		if err := errorOf(disable)(t.Context(), c); err != nil {
			// It was enabled with the twin that was being deleted: that is said,
			// and enabling makes another.
			if !errors.Is(err, connector.ErrNotFound) {
				t.Errorf("%v", err)
			}
			_, err = apply(t.Context(), c)
			must(t, err)
			must(t, errorOf(disable)(t.Context(), c))
		}
		if after := s.system.Dump(); !slices.Equal(after, before) {
			t.Errorf("not what it was:\n%s", strings.Join(after, "\n"))
		}
	}
}
