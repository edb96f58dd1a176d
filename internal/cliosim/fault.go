package cliosim

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with certain requests: "the 3rd to 5th
// PATCH of /api/v4/matters/*". Requests are counted from when the fault was
// set, by each fault on its own; of several that are due, the first happens.
type Fault struct {
	// Route is a pattern of [path.Match] for the path without ".json", where
	// "*" is one part of it; "/**" at the end is everything below.
	Route string `json:"route"`
	// Method, where not empty, is the method.
	Method string `json:"method,omitempty"`
	// From and To are the first and last request it happens to, from 1 on. To
	// is From where it is 0, and every one from there on where it is less.
	From int `json:"from"`
	To   int `json:"to,omitempty"`
	// Do is one of the Do constants.
	Do string `json:"do"`
	// After lets the request be performed first: what it wrote is written, its
	// answer is lost or changed.
	After bool `json:"after,omitempty"`
	// Status is answered by [DoStatus].
	Status int `json:"status,omitempty"`
	// RetryAfter is told with a status, where not 0.
	RetryAfter Duration `json:"retry_after,omitempty"`
	// Bytes is how many of the body [DoTruncate] sends.
	Bytes int `json:"bytes,omitempty"`
	// Every is how long [DoSlow] waits before each tenth of the body.
	Every Duration `json:"every,omitempty"`
	// Skew is what [DoSkew] adds to Date and X-RateLimit-Reset.
	Skew Duration `json:"skew,omitempty"`
}

// What a fault does.
const (
	// DoStatus answers Status: 5xx as gateways do, in HTML, but for 500; 401
	// in the shape of the authorization server; the rest as the API does.
	DoStatus = "status"
	// DoHang answers nothing until the client leaves or the simulator closes.
	DoHang = "hang"
	// DoCut closes the connection without an answer.
	DoCut = "cut"
	// DoTruncate closes the connection within the body.
	DoTruncate = "truncate"
	// DoSlow sends the body in ten parts, with a wait before each.
	DoSlow = "slow"
	// DoSkew shifts the clock that the answer's headers tell.
	DoSkew = "skew"
	// DoExpire lets the request's access token expire before it is performed.
	DoExpire = "expire"
	// DoRevoke revokes the request's tokens before it is performed.
	DoRevoke = "revoke"
)

// armed is a fault that counts.
type armed struct {
	Fault
	seen int
}

func (f Fault) check() error {
	if _, err := path.Match(f.Route, "/"); err != nil {
		return fmt.Errorf("cliosim: fault: route %q: %w", f.Route, err)
	}
	if f.From < 1 || f.To > 0 && f.To < f.From {
		return fmt.Errorf("cliosim: fault on %s: from %d to %d", f.Route, f.From, f.To)
	}
	switch f.Do {
	case DoStatus:
		if f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("cliosim: fault on %s: status %d", f.Route, f.Status)
		}
	case DoTruncate, DoSlow, DoSkew:
		if !f.After {
			return fmt.Errorf("cliosim: fault on %s: %s changes an answer, so it is after", f.Route, f.Do)
		}
	case DoExpire, DoRevoke:
		if f.After {
			return fmt.Errorf("cliosim: fault on %s: %s comes before the request", f.Route, f.Do)
		}
	case DoHang, DoCut:
	default:
		return fmt.Errorf("cliosim: fault on %s: what is %q", f.Route, f.Do)
	}
	return nil
}

// SetFaults replaces the plan and starts its counts.
func (s *Sim) SetFaults(plan []Fault) error {
	var faults []*armed
	var errs []error
	for _, f := range plan {
		errs = append(errs, f.check())
		faults = append(faults, &armed{Fault: f})
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
	return nil
}

// meets tells whether the fault is about this path.
func (f *Fault) meets(of string) bool {
	if above, ok := strings.CutSuffix(f.Route, "/**"); ok {
		return strings.HasPrefix(of, above+"/")
	}
	ok, err := path.Match(f.Route, of)
	return err == nil && ok
}

// due counts the request and returns the fault that happens to it.
func (s *Sim) due(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *Fault
	for _, f := range s.faults {
		if !f.meets(strings.TrimSuffix(r.URL.Path, ".json")) || f.Method != "" && f.Method != r.Method {
			continue
		}
		f.seen++
		to := f.To
		if to == 0 {
			to = f.From
		}
		if found == nil && f.seen >= f.From && (to < 0 || f.seen <= to) {
			found = &f.Fault
		}
	}
	return found
}

// fail lets a fault happen to a request with this body.
func (v *server) fail(w http.ResponseWriter, r *http.Request, body []byte, f *Fault) {
	s := v.sim
	var a *answer
	if f.After {
		a = v.answer(r, body)
	}
	switch f.Do {
	case DoStatus:
		a = f.answer(s, a)
		s.count(r, a.status)
		v.send(w, r, a, nil)
	case DoHang:
		s.count(r, 0)
		select {
		case <-r.Context().Done():
		case <-s.ending:
		}
		panic(http.ErrAbortHandler)
	case DoCut:
		s.count(r, 0)
		panic(http.ErrAbortHandler)
	case DoTruncate:
		s.count(r, a.status)
		v.send(w, r, a, func(w http.ResponseWriter, body []byte) {
			_ = write(w, body[:min(f.Bytes, len(body))]) // the connection ends here anyway
			_ = http.NewResponseController(w).Flush()
		})
		panic(http.ErrAbortHandler)
	case DoSlow:
		s.count(r, a.status)
		v.send(w, r, a, func(w http.ResponseWriter, body []byte) { s.slowly(w, r, body, time.Duration(f.Every)) })
	case DoSkew:
		s.count(r, a.status)
		w.Header().Set("Date", s.now().Add(time.Duration(f.Skew)).Format(http.TimeFormat))
		if reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			a.header.Set("X-RateLimit-Reset", strconv.FormatInt(reset+int64(time.Duration(f.Skew)/time.Second), 10))
		}
		v.send(w, r, a, nil)
	case DoExpire, DoRevoke:
		if err := s.endToken(r, f.Do); err != nil {
			a = failure(err)
		} else {
			a = v.answer(r, body)
		}
		s.count(r, a.status)
		v.send(w, r, a, nil)
	}
}

// answer is what a fault of a status answers instead of instead, which is nil
// where the request was not performed.
func (f *Fault) answer(s *Sim, instead *answer) *answer {
	a := failure(&apiError{status: f.Status, kind: strings.ReplaceAll(http.StatusText(f.Status), " ", ""), message: http.StatusText(f.Status)})
	switch {
	case f.Status == http.StatusUnauthorized:
		a = failure(invalidToken("The access token was revoked"))
	case f.Status == http.StatusForbidden:
		a = failure(forbidden())
	case f.Status > http.StatusInternalServerError:
		a.body = []byte("<html><body><h1>" + strconv.Itoa(f.Status) + " " + http.StatusText(f.Status) + "</h1></body></html>\n")
		a.header.Set("Content-Type", "text/html")
	}
	s.spend("", a.header)
	if instead != nil {
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
			a.header[name] = instead.header[name]
		}
	}
	if f.Status > http.StatusInternalServerError { // a gateway knows of no limit
		a.header = http.Header{"Content-Type": a.header["Content-Type"]}
	}
	if f.Status == http.StatusTooManyRequests {
		a.header.Set("X-RateLimit-Remaining", "0")
		a.header.Set("X-RateLimit-Reset", strconv.FormatInt(ceilSecond(s.now().Add(time.Duration(f.RetryAfter))).Unix(), 10))
		s.mu.Lock()
		s.counters.Limited++
		s.mu.Unlock()
	}
	if wait := time.Duration(f.RetryAfter); wait > 0 {
		a.header.Set("Retry-After", strconv.FormatInt(ceilSecond(time.Unix(0, int64(wait))).Unix(), 10))
	}
	return a
}

func (s *Sim) slowly(w http.ResponseWriter, r *http.Request, body []byte, every time.Duration) {
	part := max(len(body)/10, 1)
	for len(body) > 0 {
		wait := time.NewTimer(every)
		select {
		case <-wait.C:
		case <-r.Context().Done():
			wait.Stop()
			return
		case <-s.ending:
			wait.Stop()
			return
		}
		n := min(part, len(body))
		if err := write(w, body[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // as far as it can be
		body = body[n:]
	}
}

// endToken expires or revokes the token that r carries.
func (s *Sim) endToken(r *http.Request, how string) error {
	_, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return s.within(r.Context(), true, func(t *tx) error {
		if how == DoRevoke {
			return t.revoke(text)
		}
		return t.exec("UPDATE token SET expires = 1 WHERE token = ?", text)
	})
}
