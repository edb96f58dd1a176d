package clio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport"
)

// start is when tests begin.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testClock is a clock that moves when somebody sleeps.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	return ctx.Err()
}

// sent is a request as a server sees it.
type sent struct {
	method, path string
	query        url.Values
	header       transport.Header
	body         string
	at           time.Time
}

func (s sent) String() string { return s.method + " " + s.path + "?" + s.query.Encode() + " " + s.body }

// reply is an answer written by hand.
type reply struct {
	status int
	body   string
	header transport.Header
	err    error // no answer
	after  error // the answer breaks off
}

func ok(format string, args ...any) reply {
	return reply{status: 200, body: fmt.Sprintf(format, args...)}
}

// double is a transport with a function in place of a server.
type double struct {
	t      *testing.T
	clock  *testClock
	answer func(sent) reply
	host   string

	mu   sync.Mutex
	seen []sent
}

func (d *double) Do(_ context.Context, r transport.Request) (*transport.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	s := sent{r.Method, u.Path, u.Query(), r.Header, string(r.Body), d.clock.Now()}
	d.mu.Lock()
	d.seen = append(d.seen, s)
	a := d.answer(s)
	d.mu.Unlock()
	if u.Host != d.host || u.Scheme != "https" {
		d.t.Errorf("a request to %s", u.Host)
	}
	if a.err != nil {
		return nil, a.err
	}
	var body io.Reader = strings.NewReader(a.body)
	if a.after != nil {
		body = io.MultiReader(body, failing{a.after})
	}
	return &transport.Response{Status: a.status, Header: a.header, Body: io.NopCloser(body)}, nil
}

// requests are those since the last time, as text.
func (d *double) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, s := range d.seen {
		out = append(out, s.String())
	}
	d.seen = nil
	return out
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// connect makes a connector that asks answer.
func connect(t *testing.T, answer func(sent) reply, change ...func(*Config)) (*Connector, *double) {
	t.Helper()
	d := &double{t: t, clock: &testClock{now: start}, answer: answer, host: "app.clio.com"}
	site, err := Region("us")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		App:       App{Site: site, ID: "client", Secret: secret.New([]byte("client-secret"))},
		Tokens:    Tokens{Access: secret.New([]byte("access-1")), Refresh: secret.New([]byte("refresh-1"))},
		Transport: d, Clock: d.clock, Chance: zeros{},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// script answers by a list, in order.
func script(t *testing.T, replies ...reply) func(sent) reply {
	t.Helper()
	return func(s sent) reply {
		if len(replies) == 0 {
			t.Errorf("one request too many: %s", s)
			return reply{status: 400}
		}
		r := replies[0]
		replies = replies[1:]
		return r
	}
}

func is(t *testing.T, err error, wants ...error) {
	t.Helper()
	for _, want := range wants {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }
