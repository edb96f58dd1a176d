package cliosim

import (
	"net/http"
	"strconv"
	"time"
)

// window counts the requests of one access token since it began.
type window struct {
	began time.Time
	used  int
}

// spend takes one request from what token has left in this window. An empty
// token has all of it, always. It sets the headers, and Retry-After where
// nothing was left.
func (s *Sim) spend(token string, h http.Header) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	length := time.Duration(s.settings.Window)
	now := s.now()
	began := now.Truncate(length)
	w := &window{began: began}
	if token != "" {
		if known := s.windows[token]; known != nil && known.began.Equal(began) {
			w = known
		}
		s.windows[token] = w
		ok = w.used < s.settings.RateLimit
		if ok {
			w.used++
		}
	}
	reset := ceilSecond(began.Add(length))
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.settings.RateLimit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(s.settings.RateLimit-w.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if token != "" && !ok {
		wait := ceilSecond(time.Unix(0, int64(began.Add(length).Sub(now)))).Unix()
		h.Set("Retry-After", strconv.FormatInt(max(wait, 1), 10))
		s.counters.Limited++
	}
	return ok
}

// ceilSecond is the first whole second that is not before t.
func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}
