package clio

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

func steady(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// TestPaceBesideOthers: what others use is theirs, the rest is used, and
// neither side's requests make ours too many.
func TestPaceBesideOthers(t *testing.T) {
	t.Parallel()
	t.Run("a program that asks now and then", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := limiter{rules: rules{limit: 50, window: time.Minute, skew: 200 * time.Millisecond}}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
			defer cancel()
			var theirs, refused, late int
			began := time.Now()
			var other sync.WaitGroup
			other.Go(func() {
				for ctx.Err() == nil {
					if status, _ := server.take(); status == statusLimited {
						refused++
						if time.Since(began) > 15*time.Minute {
							late++
						}
					}
					theirs++
					time.Sleep(7300 * time.Millisecond)
				}
			})
			load(newPacer(connector.SystemClock{}, 0), &server, 4, steady(20*time.Millisecond), 30*time.Minute)
			other.Wait()
			share := float64(server.granted) / (30 * 50)
			ours := len(server.limited) - refused
			t.Logf("share %.4f together, 429s: ours %d, theirs %d of %d, %d in the second half", share, ours, refused, theirs, late)
			if share < 0.98 || ours > 0 || late > 10 {
				t.Errorf("share %.4f, 429s %d and %d", share, ours, late)
			}
		})
	})
	t.Run("a program that paces itself too", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := limiter{rules: rules{limit: 50, window: time.Minute}}
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					load(newPacer(connector.SystemClock{}, 0), &server, 2, steady(20*time.Millisecond), 30*time.Minute)
				})
			}
			both.Wait()
			share := float64(server.granted) / (30 * 50)
			t.Logf("share %.4f together, 429s %d", share, len(server.limited))
			if share < 0.98 || len(server.limited) > 30 {
				t.Errorf("share %.4f, 429s %d", share, len(server.limited))
			}
		})
	})
	t.Run("a program that takes all", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := limiter{rules: rules{limit: 50, window: time.Minute}}
			p := newPacer(connector.SystemClock{}, 0)
			load(p, &server, 1, steady(20*time.Millisecond), 10*time.Millisecond)
			for range 60 {
				server.take()
			}
			before := len(server.limited)
			load(p, &server, 4, steady(20*time.Millisecond), 50*time.Second)
			// Those in flight together learn it together; then all wait.
			if n := len(server.limited) - before; n < 1 || n > 4 {
				t.Errorf("%d answers 429", n)
			}
		})
	})
}

func TestPaceUserBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := limiter{rules: rules{limit: 50, window: time.Minute}}
		p := newPacer(connector.SystemClock{}, 20)
		load(p, &server, 4, steady(20*time.Millisecond), 10*time.Minute-time.Second)
		if server.granted < 196 || server.granted > 200 || len(server.limited) > 0 {
			t.Errorf("%d requests, 429s %d", server.granted, len(server.limited))
		}
		if b := p.allowed(); b != (connector.Budget{Requests: 20, Window: time.Minute}) {
			t.Errorf("%+v", b)
		}
	})
	// One above the server's changes nothing.
	p := newPacer(connector.SystemClock{}, 1000)
	if b := p.allowed(); b.Requests != 1000 {
		t.Errorf("%+v", b)
	}
	tn, _, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.answered(tn, statusOK, (&limiter{rules: rules{limit: 50, window: time.Minute}}).headers())
	if b := p.allowed(); b != (connector.Budget{Requests: 50, Window: time.Minute}) {
		t.Errorf("%+v", b)
	}
}

func (l *limiter) headers() transport.Header { _, h := l.take(); return h }

// TestPaceFirst: before anything is known one request goes first.
func TestPaceFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(connector.SystemClock{}, 0)
		first, _, err := p.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan turn)
		go func() {
			second, _, _ := p.acquire(t.Context())
			got <- second
		}()
		synctest.Wait()
		select {
		case <-got:
			t.Error("a second beside the first")
		default:
		}
		// It had no answer: the next goes first.
		p.failed(first)
		second := <-got
		// One without headers: there is nothing to obey.
		p.answered(second, statusOK, nil)
		for range 1000 {
			if _, waited, err := p.acquire(t.Context()); err != nil || waited != 0 {
				t.Fatal(waited, err)
			}
		}
		if b := p.allowed(); b != (connector.Budget{}) {
			t.Errorf("%+v", b)
		}
	})
}

// TestPaceEnds: whoever waits can be called off, and what has no answer does
// not stop the others for good.
func TestPaceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := limiter{rules: rules{limit: 2, window: time.Minute}}
		p := newPacer(connector.SystemClock{}, 0)
		for range 2 {
			tn, _, err := p.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.answered(tn, statusOK, server.headers())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		queued, ended := make(chan error), make(chan error)
		go func() { _, _, err := p.acquire(ctx); ended <- err }()
		go func() { _, _, err := p.acquire(ctx); queued <- err }()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-queued; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		// The window ends; the one that asks has no answer, so another asks.
		probe, waited, err := p.acquire(t.Context())
		if err != nil || !probe.probe || waited < 58*time.Second || waited > time.Minute {
			t.Errorf("%+v %s %v", probe, waited, err)
		}
		got := make(chan turn)
		go func() { tn, _, _ := p.acquire(t.Context()); got <- tn }()
		synctest.Wait()
		p.failed(probe)
		if again := <-got; !again.probe {
			t.Errorf("%+v", again)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	date := "Mon, 02 Mar 2026 09:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "1.5": 0,
		"99999999999999999999": 0, "999999999": longestWait,
		"Mon, 02 Mar 2026 09:00:30 GMT": 30 * time.Second,
		"Mon, 02 Mar 2026 08:00:00 GMT": 0,
		"Mon, 02 Mar 2027 08:00:00 GMT": longestWait,
	} {
		// By the server's own clock, whatever ours says.
		if got := retryAfter(transport.Header{"Retry-After": value, "Date": date}, start.Add(5*time.Hour)); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestReadRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, left, reset string
		want               rate
		ok                 bool
	}{
		{"50", "49", "1772442000", rate{50, 49, 1772442000}, true},
		{"50", "-3", "1772442000", rate{50, 0, 1772442000}, true},
		{"50", "99", "1772442000", rate{50, 50, 1772442000}, true},
		{"", "49", "1772442000", rate{}, false},
		{"0", "0", "1772442000", rate{}, false},
		{"50", "x", "1772442000", rate{}, false},
		{"50", "1", "", rate{}, false},
		{"50", "1", "-1", rate{}, false},
		{"50", "1", "9223372036854775807", rate{}, false},
		{"2000000", "1", "1772442000", rate{}, false},
	} {
		got, ok := readRate(transport.Header{"X-Ratelimit-Limit": c.limit, "X-Ratelimit-Remaining": c.left, "X-Ratelimit-Reset": c.reset})
		if got != c.want || ok != c.ok {
			t.Errorf("%+v: %+v %v", c, got, ok)
		}
	}
}

// TestPaceNonsense: whatever the headers say, nobody waits much longer than an
// hour.
func TestPaceNonsense(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]transport.Header{
		"a year ahead":  {"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1900000000"},
		"long ago":      {"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1"},
		"other clock":   {"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1900000000", "Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
		"far Date":      {"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1", "Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
		"no sense":      {"X-Ratelimit-Limit": "-", "Date": "-", "Retry-After": "-"},
		"a long 429":    {"Retry-After": "86400"},
		"a 429, a year": {"Retry-After": "Sat, 02 Jan 2060 00:00:00 GMT"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPacer(connector.SystemClock{}, 0)
			for _, status := range []int{statusOK, statusLimited, statusOK} {
				began := time.Now()
				tn, _, err := p.acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.answered(tn, status, h)
				if waited := time.Since(began); waited > longestWait+2*time.Minute {
					t.Errorf("%s: %s", name, waited)
				}
			}
		})
	}
}
