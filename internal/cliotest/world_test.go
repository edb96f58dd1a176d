package cliotest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/internal/cliosim/simtest"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport/nethttp"
)

// clock moves when somebody sleeps on it and nobody's request is under way:
// otherwise requests would take as long as others sleep.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	flying int
	landed sync.Cond // of mu
	// onSleep, where set, sees where the clock has got to.
	onSleep func(time.Time)
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	for c.flying > 0 {
		c.landed.Wait()
	}
	c.now = c.now.Add(max(d, 0))
	now, f := c.now, c.onSleep
	c.mu.Unlock()
	if f != nil {
		f(now)
	}
	return ctx.Err()
}

// flights counts the requests that are under way.
type flights struct {
	*clock
	next http.RoundTripper
}

func (f flights) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.flying++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.flying--
		f.landed.Broadcast()
		f.mu.Unlock()
	}()
	return f.next.RoundTrip(r)
}

// world is a simulator, a clock and connectors that are checked on the way.
type world struct {
	t         *testing.T
	sim       *cliosim.Sim
	clock     *clock
	firm      cliosim.Firm
	server    *httptest.Server
	described *simtest.Transport // nil where unchecked
	transport *nethttp.Transport
}

type options struct {
	seed     cliosim.SeedOptions
	settings cliosim.Settings
	auto     bool          // grant without a page
	skew     time.Duration // of the simulator's clock against the connector's
	// impatient: an answer takes half a second or never comes.
	impatient bool
	// unchecked: nothing is held against the description, for many requests.
	unchecked bool
	// description, where a table reads it once.
	description *simtest.Description
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 300_000_000, time.UTC)}}
	w.clock.landed.L = &w.clock.mu
	if o.seed.Matters == 0 {
		o.seed = cliosim.SeedOptions{Seed: 1, Matters: 12, Contacts: 9}
	}
	if o.settings.RateLimit == 0 {
		o.settings.RateLimit = 100_000
	}
	cfg := cliosim.Config{
		Path: filepath.Join(t.TempDir(), "clio.db"), Now: func() time.Time { return w.clock.Now().Add(o.skew) }, Relaxed: true, Settings: o.settings,
	}
	if o.auto {
		cfg.AutoApprove = "alice@harbor.example"
	}
	var err error
	w.sim, err = cliosim.Open(t.Context(), cfg)
	w.check(err)
	t.Cleanup(func() { w.check(w.sim.Close()) })
	w.firm, err = w.sim.Seed(t.Context(), o.seed)
	w.check(err)
	w.server = httptest.NewServer(w.sim.Handler())
	t.Cleanup(w.server.Close)
	if o.description == nil && !o.unchecked {
		o.description = simtest.Load(t)
	}
	timeout := time.Minute
	if o.impatient {
		timeout = time.Second / 2
	}
	w.transport = nethttp.New(nethttp.Options{
		Timeout: timeout,
		Wrap: func(rt http.RoundTripper) http.RoundTripper {
			rt = flights{w.clock, rt}
			if o.unchecked {
				return rt
			}
			w.described = o.description.Transport(t, rt)
			return w.described
		},
	})
	t.Cleanup(w.transport.Close)
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) app() clio.App {
	w.t.Helper()
	site, err := clio.At(w.server.URL)
	w.check(err)
	return clio.App{Site: site, ID: w.firm.App, Secret: secret.New([]byte(w.firm.Secret))}
}

// connect is a connector for a user, by number.
func (w *world) connect(user int, change ...func(*clio.Config)) *clio.Connector {
	w.t.Helper()
	issued, err := w.sim.Issue(w.t.Context(), w.firm.Users[user], w.firm.App)
	w.check(err)
	cfg := clio.Config{
		App: w.app(), Transport: w.transport, Clock: w.clock,
		Tokens: clio.Tokens{Access: secret.New([]byte(issued.Access)), Refresh: secret.New([]byte(issued.Refresh))},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := clio.New(cfg)
	w.check(err)
	return c
}

// all lists a kind.
func (w *world) all(c *clio.Connector, kind string, fields []string) []connector.Record {
	w.t.Helper()
	var found []connector.Record
	for cursor := ""; ; {
		p, err := c.List(w.t.Context(), kind, fields, cursor)
		w.check(err)
		found = append(found, p.Records...)
		if cursor = p.Next; cursor == "" {
			return found
		}
	}
}

// fields are the ids of the definitions of a kind, of one type or all.
func (w *world) fields(c *clio.Connector, kind string, t connector.FieldType) []string {
	w.t.Helper()
	defs, err := c.Definitions(w.t.Context())
	w.check(err)
	var ids []string
	for _, d := range defs {
		if d.Kind == kind && !d.Deleted && (t == "" || d.Type == t) {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		w.t.Fatalf("no field of %s %s", kind, t)
	}
	return ids
}

// holding finds a record with a value in the field, and one without an element
// where there is one: a required field is never without.
func (w *world) holding(c *clio.Connector, kind, field string) (full, bare connector.Record) {
	w.t.Helper()
	for _, r := range w.all(c, kind, []string{field}) {
		v, _ := r.Value(field)
		switch {
		case !v.Empty() && full.ID == "":
			full = r
		case v.ID == "" && bare.ID == "":
			bare = r
		}
	}
	if full.ID == "" {
		w.t.Fatalf("no %s has a value of %s", kind, field)
	}
	return full, bare
}

// stored is what the simulator's file holds, by record and field.
func (w *world) stored() map[string]string {
	w.t.Helper()
	values, err := w.sim.Values(w.t.Context())
	w.check(err)
	found := map[string]string{}
	for _, v := range values {
		found[fmt.Sprintf("%s %d %d", v.Parent, v.Record, v.Field)] = v.ID + " " + string(v.JSON)
	}
	return found
}

func (w *world) faults(plan ...cliosim.Fault) {
	w.t.Helper()
	w.check(w.sim.SetFaults(plan))
}

// person edits a value as somebody in Clio does.
func (w *world) person(r connector.Record, change map[string]any) {
	w.t.Helper()
	_, _, err := w.sim.Person(w.t.Context(), w.firm.Users[0], http.MethodPatch, "/"+r.Kind+"s/"+r.ID,
		map[string]any{"custom_field_values": []any{change}})
	w.check(err)
}

func text(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

func number(w *world, s string) int64 {
	w.t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	w.check(err)
	return n
}
