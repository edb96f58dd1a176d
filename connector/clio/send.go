package clio

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// Bounds of an exchange.
const (
	maxURL    = 16 << 10 // bytes
	maxAnswer = 64 << 20 // bytes: a page of 200 records with long text areas
	maxEtag   = 256      // bytes

	firstBackoff = time.Second
	lastBackoff  = time.Minute
	// shortPatience is that of a deletion, and of the look before it.
	shortPatience = time.Minute
	// maxFaults bounds the answers 500: unlike 502 to 504 they come of the
	// request itself as often as not.
	maxFaults = 8
)

// The methods and statuses that matter here.
const (
	methodGet    = "GET"
	methodPost   = "POST"
	methodPatch  = "PATCH"
	methodDelete = "DELETE"

	statusOK           = 200
	statusCreated      = 201
	statusNoContent    = 204
	statusBadRequest   = 400
	statusUnauthorized = 401
	statusForbidden    = 403
	statusNotFound     = 404
	statusTimeout      = 408
	statusConflict     = 409
	statusGone         = 410
	statusPrecondition = 412
	statusInvalid      = 422
	statusLimited      = 429
	statusFault        = 500
)

// call is one request of the API, however often it is sent.
type call struct {
	method, path string // path from the root, with ".json"
	query        string
	ifMatch      string
	body         []byte
	want         int // status
	// once: after a lost answer the caller looks before anything is sent again.
	once bool
	// soon: it is repeated for a minute at most, since what the caller found out
	// before goes out of date.
	soon bool
	// at, where set, gets the time that the answer says, or zero.
	at *time.Time
}

// attempts is what became of a call so far.
type attempts struct {
	n         int
	patience  time.Duration // 0: the connector's
	began     time.Time     // of the first failure
	faults    int
	uncertain bool // a write may have been applied without an answer
	refreshed bool
}

// do sends a call until it has an answer of the status it wants, and returns
// that answer's body. After a lost answer to a write every error is also
// ErrUncertain, and never ErrConflict: what changed the record may have been
// that very write.
func (c *Connector) do(ctx context.Context, r call) ([]byte, error) {
	var a attempts
	if r.soon {
		a.patience = min(c.cfg.Patience, shortPatience)
	}
	for {
		a.n++
		body, err := c.try(ctx, r, &a)
		if err == nil {
			return body, nil
		}
		var again *repeat
		if errors.As(err, &again) && (!r.once || !a.uncertain) {
			if err = c.pause(ctx, &a, again); err == nil {
				continue
			}
		} else if again != nil {
			err = again.cause
		}
		err = fmt.Errorf("clio: %s %s: %w", r.method, r.path, err)
		switch {
		case !a.uncertain:
			return nil, err
		case errors.Is(err, connector.ErrConflict):
			return nil, fmt.Errorf("clio: %s %s: %w", r.method, r.path, connector.ErrUncertain)
		case errors.Is(err, connector.ErrUncertain):
			return nil, err
		default:
			return nil, fmt.Errorf("%w: %w", connector.ErrUncertain, err)
		}
	}
}

// repeat is an error after which the same request may be sent again.
type repeat struct {
	cause error
	after time.Duration // as the server asked, 0 if it did not
	now   bool          // without waiting
	fault bool          // an answer 500
}

func (r *repeat) Error() string { return r.cause.Error() }
func (r *repeat) Unwrap() error { return r.cause }

// try sends a call once.
func (c *Connector) try(ctx context.Context, r call, a *attempts) ([]byte, error) {
	access, generation, err := c.access(ctx)
	if err != nil {
		return nil, err
	}
	t, waited, err := c.pacer.acquire(ctx)
	c.waited.Add(int64(waited))
	if waited > 0 {
		c.waits.Add(1)
	}
	if err != nil {
		return nil, err
	}
	c.requests.Add(1)
	if a.n > 1 {
		c.retries.Add(1)
	}
	res, err := c.cfg.Transport.Do(ctx, c.request(r, access))
	status, header := 0, transport.Header(nil)
	var body []byte
	if err != nil {
		c.pacer.failed(t)
	} else {
		// Before the body, which may be slow: others can go on.
		status, header = res.Status, res.Header
		c.pacer.answered(t, status, header)
		body, err = transport.ReadAll(res, maxAnswer)
	}
	now := c.cfg.Clock.Now()
	if c.cfg.Trace != nil {
		c.cfg.Trace(Event{Method: r.method, Path: r.path, Attempt: a.n, Status: status, Waited: waited, Took: now.Sub(t.sent), Lost: err})
	}
	write := r.method != methodGet
	if err != nil {
		a.uncertain = a.uncertain || write && !errors.Is(err, transport.ErrNotSent) && !errors.Is(err, transport.ErrRefused)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, transport.ErrTooLarge):
			return nil, fmt.Errorf("%w: %w", connector.ErrMalformed, err)
		case errors.Is(err, transport.ErrRefused):
			return nil, err
		default:
			return nil, &repeat{cause: fmt.Errorf("%w: %w", connector.ErrUnavailable, err)}
		}
	}
	switch {
	case status == r.want:
		if r.at != nil {
			*r.at, _ = parseDate(header["Date"])
		}
		return body, nil
	case status == statusUnauthorized && !a.refreshed:
		a.refreshed = true
		if err := c.refresh(ctx, generation); err != nil {
			return nil, err
		}
		return nil, &repeat{cause: connector.ErrUnauthorized, now: true}
	case status == statusNotFound && r.method == methodDelete && a.uncertain:
		return nil, nil // it was ours that removed it
	case status == statusLimited:
		c.limited.Add(1)
		// Where the answer says how long, the pacer holds back all requests.
		return nil, &repeat{cause: statusError(status, body), now: retryAfter(header, now) > 0}
	case status >= statusFault || status == statusTimeout:
		// Also a gateway that gave up: what is behind it may have acted.
		a.uncertain = a.uncertain || write
		return nil, &repeat{cause: statusError(status, body), after: retryAfter(header, now), fault: status == statusFault}
	case status < statusBadRequest:
		a.uncertain = a.uncertain || write
		return nil, statusError(status, nil)
	default:
		return nil, statusError(status, body)
	}
}

func (c *Connector) request(r call, access string) transport.Request {
	u := c.cfg.App.Site.URL() + r.path
	if r.query != "" {
		u += "?" + r.query
	}
	h := transport.Header{"Authorization": "Bearer " + access, "Accept": "application/json", "User-Agent": userAgent}
	if r.ifMatch != "" {
		h["If-Match"] = r.ifMatch
	}
	if r.body != nil {
		h["Content-Type"] = "application/json; charset=utf-8"
	}
	return transport.Request{Method: r.method, URL: u, Header: h, Body: r.body}
}

// pause waits before a repetition, or returns the last error where there have
// been enough.
func (c *Connector) pause(ctx context.Context, a *attempts, r *repeat) error {
	now := c.cfg.Clock.Now()
	if a.began.IsZero() {
		a.began = now
	}
	if r.fault {
		a.faults++
	}
	patience := cmp.Or(a.patience, c.cfg.Patience)
	if now.Sub(a.began) >= patience || a.faults >= maxFaults {
		return r.cause
	}
	if r.now {
		return nil
	}
	wait := min(firstBackoff<<min(a.n-1, 6), lastBackoff)
	wait = max(wait/2+c.upTo(wait/2), r.after)
	// The last attempt is at the end of the patience, not before.
	wait = min(wait, patience-now.Sub(a.began))
	c.backedOff.Add(int64(wait))
	c.waits.Add(1)
	return c.cfg.Clock.Sleep(ctx, wait)
}

// upTo is a random part of d, so that programs that failed together do not
// come back together.
func (c *Connector) upTo(d time.Duration) time.Duration {
	var b [4]byte
	c.mu.Lock()
	_, err := io.ReadFull(c.cfg.Chance, b[:])
	c.mu.Unlock()
	if err != nil {
		return d
	}
	return time.Duration(float64(d) * float64(binary.BigEndian.Uint32(b[:])) / (1 << 32))
}

// statusError names a status that was not wanted. Of the answer it shows the
// error's type alone: the message may quote a value.
func statusError(status int, body []byte) error {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var detail struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	if len(body) <= maxTokenAnswer && json.Unmarshal(body, &answer) == nil {
		_ = json.Unmarshal(answer.Error, &detail) // the other shape is a text
	}
	what := "status " + strconv.Itoa(status)
	if isWord(detail.Type) {
		what += " " + detail.Type
	}
	err := connector.ErrRefused
	switch status {
	case statusUnauthorized:
		err = connector.ErrUnauthorized
	case statusForbidden:
		err = connector.ErrForbidden
	case statusNotFound:
		err = connector.ErrNotFound
	case statusPrecondition, statusConflict:
		err = connector.ErrConflict
	case statusGone:
		what += ", this version of the API was retired"
	case statusInvalid:
		if exists(detail.Message) {
			// Somebody gave the field its first value meanwhile.
			err = connector.ErrConflict
		}
	default:
		switch {
		case status >= statusFault || status == statusTimeout || status == statusLimited:
			err = connector.ErrUnavailable
		case status < statusBadRequest:
			err = connector.ErrMalformed // also a redirect, which is not followed
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func isWord(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// decode reads an answer's data.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) || json.Unmarshal(body, into) != nil {
		return fmt.Errorf("clio: not the JSON that was asked for: %w", connector.ErrMalformed)
	}
	return nil
}
