package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/sqlitejournal"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport/nethttp"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// bulkFields are of contacts: one that holds its tokens itself, two that need
// another field beside them.
func bulkFields() []string { return []string{"SSN", "Annual income", "Private email"} }

const (
	bulkRecords = 5_000
	clioPage    = 200 // records in a list, the most there can be
	clioUser    = "alice@harbor.example"
)

// BenchmarkBulk enables three fields of 5,000 contacts in a simulated Clio,
// with the copy that is written first, and verifies.
//
// requests counts all of the command: plan, copy, work. The least is one for
// each record that has a value to seal, because Clio has no way to write
// several at once, and one for each page of the list, because what a record
// holds is known to nobody who has not read it. verify is one more reading.
//
// share is of what Clio allowed: the requests answered in the windows that lie
// in the work from their beginning to their end, but for the first dozen, in
// which the clocks are still being compared. limited counts answers 429 in
// these windows, early-limited those before.
//
// In "50-a-minute", Clio's own rate, simulator and connector share a clock that
// runs sixty times as fast as the machine's, so that an answer of 5 ms takes
// 300 ms by it. "50-a-second" is in real time.
func BenchmarkBulk(b *testing.B) {
	for _, r := range []struct {
		name   string
		window time.Duration
		clock  connector.Clock
	}{
		{"50-a-minute", time.Minute, &fastClock{began: time.Now(), from: time.Date(2026, 3, 2, 9, 0, 0, 300_000_000, time.UTC), times: 60}},
		{"50-a-second", time.Second, connector.SystemClock{}},
	} {
		var m measured
		b.Run(r.name+"/ours", func(b *testing.B) {
			for b.Loop() {
				m = runBulk(b, r.window, r.clock)
			}
			b.ReportMetric(float64(m.requests), "requests")
			b.ReportMetric(float64(m.verify), "verify-requests")
			b.ReportMetric(m.took.Seconds(), "seconds")
			b.ReportMetric(m.share, "share")
			b.ReportMetric(float64(m.limited), "limited")
			b.ReportMetric(float64(m.early), "early-limited")
			b.ReportMetric(float64(m.windows), "windows")
			b.ReportMetric(float64(m.values), "values")
		})
		b.Run(r.name+"/least", func(b *testing.B) {
			for b.Loop() { // it is computed
			}
			b.ReportMetric(float64(m.least), "requests")
			b.ReportMetric((bulkRecords+clioPage-1)/clioPage, "verify-requests")
			b.ReportMetric((time.Duration(m.least) * r.window / 50).Seconds(), "seconds")
		})
	}
}

// measured is what a run did.
type measured struct {
	requests, verify, least, values int64
	took                            time.Duration
	share                           float64
	windows, limited, early         int
}

func runBulk(b *testing.B, window time.Duration, clock connector.Clock) measured {
	b.Helper()
	sim, err := cliosim.Open(b.Context(), cliosim.Config{
		Path: filepath.Join(b.TempDir(), "clio.db"), Relaxed: true, Now: clock.Now,
		Settings: cliosim.Settings{RateLimit: 50, Window: cliosim.Duration(window)},
	})
	fatal(b, err)
	defer func() { fatal(b, sim.Close()) }()
	firm, err := sim.Seed(b.Context(), cliosim.SeedOptions{Seed: 5, Matters: -1, Contacts: bulkRecords})
	fatal(b, err)
	tokens, err := sim.Issue(b.Context(), clioUser, firm.App)
	fatal(b, err)
	counting := &countingHandler{Handler: sim.Handler(), clock: clock, window: window}
	server := httptest.NewServer(counting)
	defer server.Close()

	x := newClioJob(b, server.URL, firm, tokens, clock)
	defer x.close()
	began := clock.Now()
	p, err := x.job.Plan(b.Context())
	fatal(b, err)
	if _, err := x.job.Apply(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	m := measured{requests: x.connector.Counters().Requests, least: p.Writes + (bulkRecords+clioPage-1)/clioPage, took: clock.Now().Sub(began)}
	for _, f := range p.Fields {
		m.values += f.Of(bulk.Plain)
	}
	if testing.Verbose() {
		b.Logf("%v", sim.Counters().Requests)
	}
	const learning = 12
	m.share, m.windows, m.limited, m.early = counting.share(50, learning)
	if _, err := x.job.Verify(b.Context()); err != nil {
		b.Fatal(err)
	}
	m.verify = x.connector.Counters().Requests - m.requests
	return m
}

// BenchmarkBulkMemory enables the same fields of more and more contacts. The
// simulator is a process of its own, which limits nothing, so that peak-MB is
// what Underseal holds.
func BenchmarkBulkMemory(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "underseal-cliosim")
	build := exec.CommandContext(b.Context(), "go", "build", "-C", "..", "-o", program, "./cmd/underseal-cliosim")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, n := range []int{500, 5_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				data := filepath.Join(b.TempDir(), "clio.db")
				var firm cliosim.Firm
				output(b, &firm, program, "seed", "--data", data, "--seed", "5", "--matters", "0", "--contacts", fmt.Sprint(n))
				var tokens cliosim.Tokens
				output(b, &tokens, program, "token", "--data", data, "--user", clioUser)
				address, end := serve(b, program, data)
				x := newClioJob(b, address, firm, tokens, nil)
				resetPeak()
				p, err := x.job.Plan(b.Context())
				fatal(b, err)
				if _, err := x.job.Apply(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				if _, err := x.job.Verify(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(peak(b), "peak-MB")
				x.close()
				end()
			}
		})
	}
}

// clioJob is a job on the three fields with all that it stands on.
type clioJob struct {
	job       *bulk.Job
	connector *clio.Connector
	workspace *workspace.Workspace
	close     func()
}

func newClioJob(b *testing.B, address string, firm cliosim.Firm, tokens cliosim.Tokens, clock connector.Clock) clioJob {
	b.Helper()
	site, err := clio.At(address)
	fatal(b, err)
	t := nethttp.New(nethttp.Options{Timeout: time.Minute})
	c, err := clio.New(clio.Config{
		App:    clio.App{Site: site, ID: firm.App, Secret: secret.New([]byte(firm.Secret))},
		Tokens: clio.Tokens{Access: secret.New([]byte(tokens.Access)), Refresh: secret.New([]byte(tokens.Refresh))}, Transport: t, Clock: clock,
	})
	fatal(b, err)
	journal, err := sqlitejournal.Open(b.Context(), filepath.Join(b.TempDir(), "journal.sqlite"))
	fatal(b, err)
	export, err := os.Create(filepath.Join(b.TempDir(), "export.jsonl")) // #nosec G304 -- the benchmark's own file
	fatal(b, err)
	w := workspacetest.NewFirm(b, "alice").Open("alice")
	cfg := bulk.Config{
		Workspace: w, Records: c, Journal: journal, Clock: clock,
		Export: func(write func(io.Writer) error) error {
			out := bufio.NewWriter(export)
			if err := write(out); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	for _, name := range bulkFields() {
		cfg.Targets = append(cfg.Targets, bulk.Target{Field: fmt.Sprint(firm.Fields[name])})
	}
	job, err := bulk.NewJob(b.Context(), cfg)
	fatal(b, err)
	return clioJob{job, c, w, func() {
		t.Close()
		fatal(b, journal.Close())
		fatal(b, export.Close())
	}}
}

func fatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// output runs a program that prints JSON.
func output(b *testing.B, into any, program string, args ...string) {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), program, args...).Output()
	fatal(b, err)
	fatal(b, json.Unmarshal(out, into))
}

// serve starts the simulator; end ends it.
func serve(b *testing.B, program, data string) (address string, end func()) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, "serve", "--data", data, "--rate-limit", "1000000", "--relaxed")
	out, err := cmd.StdoutPipe()
	fatal(b, err)
	fatal(b, cmd.Start())
	first, err := bufio.NewReader(out).ReadString('\n')
	fatal(b, err)
	var said struct{ Address string }
	fatal(b, json.Unmarshal([]byte(first), &said))
	return said.Address, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, which is an error
	}
}

// countingHandler counts what is answered in each window of the rate limit.
type countingHandler struct {
	http.Handler
	clock  connector.Clock
	window time.Duration

	mu          sync.Mutex
	first, last time.Time
	answered    map[time.Time]int
	limited     map[time.Time]int
}

func (c *countingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := &statusWriter{ResponseWriter: w}
	at := c.clock.Now()
	c.Handler.ServeHTTP(status, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered == nil {
		c.first, c.answered, c.limited = at, map[time.Time]int{}, map[time.Time]int{}
	}
	c.last = at
	if status.status == http.StatusTooManyRequests {
		c.limited[at.Truncate(c.window)]++
	} else {
		c.answered[at.Truncate(c.window)]++
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// share is how much of limit was used in the windows that are whole, after the
// first few.
func (c *countingHandler) share(limit, learning int) (share float64, windows, limited, early int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered, whole := 0, 0
	for at := c.first.Truncate(c.window); !at.After(c.last); at = at.Add(c.window) {
		switch {
		case at.Before(c.first) || at.Add(c.window).After(c.last) || whole < learning:
			early += c.limited[at]
		default:
			windows++
			answered += c.answered[at]
			limited += c.limited[at]
		}
		if !at.Before(c.first) {
			whole++
		}
	}
	if windows == 0 {
		return 0, 0, 0, early
	}
	return float64(answered) / float64(windows*limit), windows, limited, early
}

// fastClock runs so many times as fast as the machine's.
type fastClock struct {
	began time.Time // by the machine's clock
	from  time.Time // by this one
	times int
}

// Now implements connector.Clock.
func (c *fastClock) Now() time.Time { return c.from.Add(time.Duration(c.times) * time.Since(c.began)) }

// Sleep implements connector.Clock.
func (c *fastClock) Sleep(ctx context.Context, d time.Duration) error {
	return connector.SystemClock{}.Sleep(ctx, d/time.Duration(c.times))
}
