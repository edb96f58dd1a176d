package cliotest

import (
	"strings"
	"sync"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
)

// TestProbesAtOnce: processes that begin together take each other's fields for
// ones that were left behind, and still find out what they want to know.
func TestProbesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	const processes = 3
	var wg sync.WaitGroup
	for range processes {
		c := w.connect(0)
		wg.Go(func() {
			for range 3 {
				if err := c.Probe(t.Context(), clio.Contact, connector.TextLine, 255); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	defs, err := w.connect(0).Definitions(t.Context())
	w.check(err)
	for _, d := range defs {
		if !d.Deleted && strings.HasPrefix(d.Name, "Underseal probe") {
			t.Errorf("left behind: %+v", d)
		}
	}
}
