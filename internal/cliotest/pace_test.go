package cliotest

import (
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
)

// TestRate: at least 0.98 of what Clio allows, and no 429. What is asked is
// checked by all other tests.
func TestRate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings   cliosim.Settings
		connectors int // that share a token
		parallel   int // of each
		skew       time.Duration
	}{
		"Clio":               {cliosim.Settings{RateLimit: 50}, 1, 1, 0},
		"four at once":       {cliosim.Settings{RateLimit: 50}, 1, 4, 0},
		"fifty a second":     {cliosim.Settings{RateLimit: 50, Window: cliosim.Duration(time.Second)}, 1, 4, 0},
		"a clock far ahead":  {cliosim.Settings{RateLimit: 50}, 1, 2, 7*time.Hour + 400*time.Millisecond},
		"a clock far behind": {cliosim.Settings{RateLimit: 50}, 1, 2, -7*time.Hour - 400*time.Millisecond},
		"a program beside":   {cliosim.Settings{RateLimit: 50}, 2, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{settings: c.settings, skew: c.skew, unchecked: true})
			const learning, windows = 9, 10
			length := time.Duration(w.sim.Settings().Window)
			var tokens clio.Tokens
			var all []*clio.Connector
			for range c.connectors {
				all = append(all, w.connect(0, func(cfg *clio.Config) {
					if tokens.Access == nil {
						tokens = cfg.Tokens
					}
					cfg.Tokens = tokens
				}))
			}
			// From one end of a window to another.
			run := func(n int) cliosim.Counters {
				w.sim.ResetCounters()
				ends := w.clock.Now().Add(c.skew).Truncate(length).Add(time.Duration(n) * length)
				var senders sync.WaitGroup
				for _, conn := range all {
					for range c.parallel {
						senders.Go(func() {
							for w.clock.Now().Add(c.skew).Before(ends) {
								if _, err := conn.List(t.Context(), clio.Matter, nil, ""); err != nil {
									t.Error(err)
									return
								}
							}
						})
					}
				}
				senders.Wait()
				return w.sim.Counters()
			}
			early := run(learning).Limited
			n := run(windows)
			share := float64(n.Total-n.Limited) / float64(50*windows)
			t.Logf("%d requests, share %.4f, 429s %d, while learning %d", n.Total, share, n.Limited, early)
			// Two that ask at the very same time, as no clock does but this one,
			// can both take the last request.
			most := c.connectors - 1
			if share < 0.98 || n.Limited > most*windows/4 || early > 4 {
				t.Errorf("share %.4f, 429s %d, while learning %d", share, n.Limited, early)
			}
			if b := all[0].Budget(); b != (connector.Budget{Requests: 50, Window: length}) {
				t.Errorf("%+v", b)
			}
			if u := all[0].Usage(); u.Requests == 0 || u.Waits == 0 || u.Waited == 0 {
				t.Errorf("%+v", u)
			}
		})
	}
}

// TestLowerBudget: what the user allows is never exceeded, in any minute.
func TestLowerBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{settings: cliosim.Settings{RateLimit: 50}, unchecked: true})
	var mu sync.Mutex
	var at []time.Time
	c := w.connect(0, func(cfg *clio.Config) {
		cfg.Budget = 20
		cfg.Trace = func(clio.Event) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, w.clock.Now())
		}
	})
	for range 100 {
		_, err := c.List(t.Context(), clio.Matter, nil, "")
		w.check(err)
	}
	for i := 20; i < len(at); i++ {
		if at[i].Sub(at[i-20]) < time.Minute {
			t.Errorf("21 requests in %s", at[i].Sub(at[i-20]))
		}
	}
	if took := at[99].Sub(at[0]); took > 4*time.Minute+10*time.Second {
		t.Errorf("100 requests took %s", took)
	}
	if b := c.Budget(); b != (connector.Budget{Requests: 20, Window: time.Minute}) {
		t.Errorf("%+v", b)
	}
}
