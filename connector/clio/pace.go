package clio

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

const (
	usualWindow = time.Minute // what Clio documents
	// longestWait bounds what a server can make a program wait by one answer.
	longestWait = time.Hour
	maxLimit    = 1_000_000
)

// pacer keeps all requests of a connector within what the server allows a
// token, and within a budget of the user's own. It knows the server's windows
// from its headers alone: how many requests are left, and when, by the
// server's clock, the window ends.
//
// Within a window requests go out as they come: nothing is gained by spreading
// them, and a person at the command line does not wait. Only where somebody
// else uses the same token are they spread, so that both get their share. When a window should
// have ended one request goes first, and the others once its answer has shown
// that a new window began, so that a clock that is wrong costs no 429.
type pacer struct {
	clock  connector.Clock
	budget int           // requests a minute, 0 unlimited
	gate   chan struct{} // held by the one who waits for a turn: others queue

	mu      sync.Mutex
	changed chan struct{} // closed at the next answer
	heard   bool          // an answer has come
	limit   int           // requests of a window; 0 if the server does not say
	left    int           // requests left in this window, as far as is known
	flying  int           // requests without an answer
	granted int           // requests sent so far
	probing bool          // one of them asks whether a new window began
	window  time.Duration
	reset   int64         // end of the window, unix seconds by the server's clock
	seen    time.Time     // when that end was first heard of
	late    time.Duration // how much later than it says the server's windows end
	others  [2]bool       // somebody else used the token in this window, in the last
	until   time.Time     // nothing goes out before
	skew    skew
	last    time.Time   // when a request was sent last
	sent    []time.Time // the last requests, as many as budget
}

func newPacer(clock connector.Clock, budget int) *pacer {
	return &pacer{
		clock: clock, budget: budget, gate: make(chan struct{}, 1), changed: make(chan struct{}),
		window: usualWindow,
	}
}

// turn is the permission to send one request.
type turn struct {
	sent  time.Time
	probe bool
	// before is how many were in flight, ordinal how many had been sent: what
	// the server may have counted only after this one.
	before, ordinal int
}

// acquire waits for permission to send one request, which ends by answered or
// failed. It returns how long it waited.
func (p *pacer) acquire(ctx context.Context) (turn, time.Duration, error) {
	began := p.clock.Now()
	select {
	case p.gate <- struct{}{}:
	case <-ctx.Done():
		return turn{}, 0, ctx.Err()
	}
	defer func() { <-p.gate }()
	for {
		if err := ctx.Err(); err != nil {
			return turn{}, 0, err
		}
		p.mu.Lock()
		now := p.clock.Now()
		wait, answer := p.next(now)
		if wait <= 0 && answer == nil {
			t := p.grant(now)
			p.mu.Unlock()
			return t, now.Sub(began), nil
		}
		p.mu.Unlock()
		if answer != nil {
			select {
			case <-answer:
			case <-ctx.Done():
			}
		} else if err := p.clock.Sleep(ctx, wait); err != nil {
			return turn{}, 0, err
		}
	}
}

// next says what a request has to wait for: a time, or the next answer.
func (p *pacer) next(now time.Time) (time.Duration, <-chan struct{}) {
	if wait := p.until.Sub(now); wait > 0 {
		return wait, nil
	}
	if p.budget > 0 && len(p.sent) == p.budget {
		if wait := p.sent[0].Add(time.Minute).Sub(now); wait > 0 {
			return wait, nil
		}
	}
	ended := p.ended()
	switch {
	case !p.heard || p.limit > 0 && !now.Before(ended):
		// Nothing is known of this window.
		if p.heard && !p.probing || p.flying == 0 {
			return 0, nil
		}
		return 0, p.changed
	case p.limit == 0:
		return 0, nil
	case p.left <= p.keep():
		return ended.Sub(now), nil
	case p.left == p.keep()+1 && p.skew.width() > p.window/50:
		// The clocks are too little known for a window this short. The last
		// request goes out in the middle of the time in which the window may
		// end: it is allowed either way, and its answer halves that time.
		return p.ends((p.skew.low + p.skew.high) / 2).Sub(now), nil
	case p.keep() > 0:
		return p.last.Add(ended.Sub(p.last) / time.Duration(p.left-p.keep()+1)).Sub(now), nil
	default:
		return 0, nil
	}
}

// keep is what is left to others who use the same token: one request, since
// theirs cannot be seen before the answer to the next of ours.
func (p *pacer) keep() int {
	if (p.others[0] || p.others[1]) && p.limit > 1 {
		return 1
	}
	return 0
}

// ends is when the window ends, by this machine's clock, if the server's is
// ahead of it by skew.
func (p *pacer) ends(skew time.Duration) time.Time {
	if !p.skew.known {
		return p.seen.Add(p.window)
	}
	return time.Unix(p.reset, 0).Add(-skew)
}

// ended is when a window is taken for ended: a little after it should have,
// which costs nothing where windows follow the clock, and under a hundredth
// where the first request starts one.
func (p *pacer) ended() time.Time { return p.ends(p.skew.low).Add(p.window/120 + p.late) }

func (p *pacer) grant(now time.Time) turn {
	t := turn{sent: now, probe: p.heard && p.limit > 0 && !now.Before(p.ended()), before: p.flying}
	p.last = now
	p.granted++
	t.ordinal = p.granted
	p.flying++
	p.left--
	p.probing = p.probing || t.probe
	if p.budget > 0 {
		if len(p.sent) == p.budget {
			p.sent = append(p.sent[:0], p.sent[1:]...)
		}
		p.sent = append(p.sent, now)
	}
	return t
}

// failed ends a turn that had no answer. Whether the server counted it will be
// seen from the next.
func (p *pacer) failed(t turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.landed(t)
}

func (p *pacer) landed(t turn) {
	p.flying--
	if t.probe {
		p.probing = false
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// answered ends a turn by what its answer says of the rate.
func (p *pacer) answered(t turn, status int, h transport.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.landed(t)
	p.heard = true
	now := p.clock.Now()
	p.skew.sample(h["Date"], t.sent, now)
	if r, ok := readRate(h); ok {
		p.count(r, t, now)
	}
	if status != statusLimited {
		return
	}
	if t.probe {
		// The server's windows end later than it says.
		p.late = min(2*p.late+50*time.Millisecond, 2*time.Second)
	}
	p.left = 0
	if wait := retryAfter(h, now); wait > 0 {
		p.until = later(p.until, now.Add(wait))
	}
}

// count takes over what the server counts.
func (p *pacer) count(r rate, t turn, now time.Time) {
	// What the server may have counted only after this one.
	pending := t.before + p.granted - t.ordinal
	switch {
	case p.limit > 0 && r.reset < p.reset && !t.probe:
		return // of an earlier window
	case p.limit == 0 || r.reset != p.reset:
		if p.limit > 0 && r.reset > p.reset {
			p.window = min(p.window, time.Duration(r.reset-p.reset)*time.Second)
		}
		p.others = [2]bool{r.limit-r.left > 1+pending && p.limit > 0, p.others[0]}
		p.reset, p.seen, p.left = r.reset, now, r.left-pending
		if length := time.Unix(r.reset, 0).Sub(now.Add(p.skew.high)); length > p.window && p.skew.known {
			p.window = min(length.Round(time.Second), longestWait)
		}
	case p.left > r.left:
		p.others[0] = true
		p.left = r.left
	default:
		p.left = max(p.left, r.left-pending)
	}
	p.limit = r.limit
	// An end that is far away is a mistake, and one in the past a reason to ask.
	if p.ends(p.skew.low).Sub(now) > longestWait {
		p.reset = now.Add(p.skew.low + p.window).Unix()
	}
}

// allowed is what the server and the user allow together.
func (p *pacer) allowed() connector.Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := connector.Budget{Requests: p.limit}
	if p.limit > 0 {
		b.Window = p.window
	}
	if p.budget > 0 && (p.limit == 0 || float64(p.budget)/time.Minute.Seconds() < float64(p.limit)/p.window.Seconds()) {
		b = connector.Budget{Requests: p.budget, Window: time.Minute}
	}
	return b
}

// skew bounds how far the server's clock is ahead of this machine's. A Date
// header is exact to a second; many of them are exact to less.
type skew struct {
	known     bool
	low, high time.Duration
}

func (s *skew) width() time.Duration { return s.high - s.low }

// sample narrows the bounds: the server wrote date, cut to the second, between
// these two times.
func (s *skew) sample(date string, sent, received time.Time) {
	d, err := parseDate(date)
	if err != nil {
		return
	}
	low, high := d.Sub(received), d.Add(time.Second).Sub(sent)
	if low > high || low < -math.MaxInt64/4 || high > math.MaxInt64/4 {
		return
	}
	if s.known && low <= s.high && high >= s.low {
		low, high = max(low, s.low), min(high, s.high)
	}
	*s = skew{known: true, low: low, high: high}
}

// rate is what the headers of an answer say.
type rate struct {
	limit, left int
	reset       int64
}

func readRate(h transport.Header) (rate, bool) {
	limit, err1 := strconv.Atoi(h["X-Ratelimit-Limit"])
	left, err2 := strconv.Atoi(h["X-Ratelimit-Remaining"])
	reset, err3 := strconv.ParseInt(h["X-Ratelimit-Reset"], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || limit <= 0 || limit > maxLimit || reset < 0 || reset > math.MaxUint32*64 {
		return rate{}, false
	}
	return rate{limit, min(max(left, 0), limit), reset}, true
}

// retryAfter is how long an answer asks to wait, 0 if it does not.
func retryAfter(h transport.Header, now time.Time) time.Duration {
	value := h["Retry-After"]
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return min(time.Duration(min(n, 1<<20))*time.Second, longestWait)
	}
	if at, err := parseDate(value); err == nil {
		if date, err := parseDate(h["Date"]); err == nil {
			now = date // both are of the server's clock
		}
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}

// parseDate reads the one form of a date that servers send (RFC 9110).
func parseDate(s string) (time.Time, error) {
	return time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", s)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
