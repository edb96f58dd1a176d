package clio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// limiter is a server's idea of a rate limit, with what can be odd about it.
type limiter struct {
	rules
	mu      sync.Mutex
	begin   time.Time
	used    int
	granted int
	limited []time.Time
}

type rules struct {
	limit   int
	window  time.Duration
	skew    time.Duration // its clock against ours
	phase   time.Duration // of its windows against its clock
	started bool          // a window begins with its first request
	cut     bool          // the reset is cut to the second, not rounded up
	noDate  bool
	noAfter bool
}

// take counts one request and returns the answer's status and headers.
func (l *limiter) take() (int, transport.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().Add(l.skew)
	switch {
	case !l.started:
		if begin := now.Add(-l.phase).Truncate(l.window).Add(l.phase); !begin.Equal(l.begin) {
			l.begin, l.used = begin, 0
		}
	case now.Sub(l.begin) >= l.window:
		l.begin, l.used = now, 0
	}
	status := statusOK
	if l.used++; l.used > l.limit {
		l.used = l.limit
		status = statusLimited
		l.limited = append(l.limited, time.Now())
	} else {
		l.granted++
	}
	end := l.begin.Add(l.window)
	reset := end.Unix()
	if end.Nanosecond() > 0 && !l.cut {
		reset++
	}
	h := transport.Header{
		"X-Ratelimit-Limit": strconv.Itoa(l.limit), "X-Ratelimit-Remaining": strconv.Itoa(l.limit - l.used),
		"X-Ratelimit-Reset": strconv.FormatInt(reset, 10),
	}
	if !l.noDate {
		h["Date"] = now.UTC().Truncate(time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	if status == statusLimited && !l.noAfter {
		h["Retry-After"] = strconv.Itoa(int((end.Sub(now) + time.Second - 1) / time.Second))
	}
	return status, h
}

// load lets several senders ask through one pacer until the time is over.
func load(p *pacer, l *limiter, senders int, latency func() time.Duration, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for {
				t, _, err := p.acquire(ctx)
				if err != nil {
					return
				}
				time.Sleep(latency())
				status, h := l.take()
				time.Sleep(latency())
				p.answered(t, status, h)
				if status == statusLimited && h["Retry-After"] == "" {
					time.Sleep(time.Second)
				}
			}
		})
	}
	all.Wait()
}

// TestPace: at least 0.98 of what is allowed, and no 429 once the pacer has
// learned the server's ways.
func TestPace(t *testing.T) {
	t.Parallel()
	const windows = 30
	for name, l := range map[string]rules{
		"Clio":                     {limit: 50, window: time.Minute},
		"ahead":                    {limit: 50, window: time.Minute, skew: 3*time.Hour + 300*time.Millisecond},
		"behind":                   {limit: 50, window: time.Minute, skew: -40*time.Second - 700*time.Millisecond},
		"windows out of step":      {limit: 50, window: time.Minute, phase: 17*time.Second + 400*time.Millisecond},
		"reset cut to the second":  {limit: 50, window: time.Minute, phase: 900 * time.Millisecond, cut: true},
		"no Retry-After":           {limit: 50, window: time.Minute, phase: 900 * time.Millisecond, cut: true, noAfter: true},
		"window of first request":  {limit: 50, window: time.Minute, started: true, skew: 123 * time.Millisecond},
		"no Date":                  {limit: 50, window: time.Minute, noDate: true},
		"many":                     {limit: 3000, window: time.Minute, skew: 500 * time.Millisecond},
		"a second":                 {limit: 50, window: time.Second, skew: 350 * time.Millisecond},
		"a second, ahead":          {limit: 50, window: time.Second, skew: time.Hour + 950*time.Millisecond},
		"ten seconds":              {limit: 500, window: 10 * time.Second, skew: -777 * time.Millisecond},
		"one in a minute":          {limit: 1, window: time.Minute},
		"two in a minute, shifted": {limit: 2, window: time.Minute, skew: 999 * time.Millisecond},
	} {
		for _, senders := range []int{1, 4} {
			if senders == 1 && l.limit > 100 {
				continue // the bound is then the latency
			}
			t.Run(fmt.Sprintf("%s, %d in flight", name, senders), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const seed = 7
					random := rand.New(rand.NewPCG(seed, 0)) // a test repeats
					var mu sync.Mutex
					latency := func() time.Duration {
						mu.Lock()
						defer mu.Unlock()
						if l.window == time.Second {
							return time.Duration(1+random.IntN(3)) * time.Millisecond
						}
						return time.Duration(5+random.IntN(30)) * time.Millisecond
					}
					server := limiter{rules: l}
					p := newPacer(connector.SystemClock{}, 0)
					warm := 10 * l.window
					load(p, &server, senders, latency, warm)
					early := len(server.limited)
					server.granted = 0
					load(p, &server, senders, latency, windows*l.window)
					share := float64(server.granted) / float64(windows*l.limit)
					t.Logf("share %.4f, 429s %d while learning, %d later", share, early, len(server.limited)-early)
					if share < 0.98 {
						t.Errorf("%.4f of the allowed rate", share)
					}
					if n := len(server.limited) - early; n != 0 || early > 4 {
						t.Errorf("%d answers 429, %d while learning", n, early)
					}
					if b := p.allowed(); b.Requests != l.limit || b.Window != l.window {
						t.Errorf("budget %+v", b)
					}
				})
			})
		}
	}
}
