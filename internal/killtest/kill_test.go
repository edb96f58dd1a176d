package killtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// drillFields are of both kinds of record, in place and with a twin.
var drillFields = []string{"SSN", "Minor's name", "Annual income"}

// kills is the outcome of a drill.
type kills struct {
	seed    uint64
	killed  int // processes
	writing int // of these, that had written something
	judgement
}

// seedOfRun is a new one in every run, unless UNDERSEAL_SEED says which.
func seedOfRun(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv("UNDERSEAL_SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	must(t, err)
	return seed
}

// drill kills the process of one job n times, at instants that the seed
// chooses, goes on with it each time, lets it come to its end, and judges.
// The instants are spread over a window that grows while runs die before they
// write and shrinks while they write more than their share, so that n of them
// are met within one job.
func drill(t testing.TB, n int, records int, seed uint64) kills {
	t.Helper()
	// An answer takes its time, as Clio's do: most kills then meet a write
	// that is on its way.
	w := newWorld(t, size{seed: seed, matters: records / 3, contacts: records - records/3})
	w.found()
	w.faults(slow())
	before := w.look()
	toWrite := before.holding(t, drillFields...)
	rng := rand.New(rand.NewPCG(seed, 0)) // instants, to be repeated
	k := kills{seed: seed}
	window := time.Second
	job := ""
	for k.killed < n {
		written := w.written()
		after := time.Duration(rng.Int64N(int64(window)))
		if code, said := w.killAfter(after, w.goOn(&job)...); code >= 0 {
			t.Fatalf("seed %d: after %d kills and %v: it ended by itself, exit %d\n%s", seed, k.killed, after, code, said)
		}
		k.killed++
		now := w.written()
		if now > written {
			k.writing++
		}
		window = nextWindow(window, now-written, (toWrite-now)/(n-k.killed+1))
	}
	w.faults()
	w.run("alice", w.goOn(&job)...)
	k.judgement = w.judge(before, drillFields...)
	w.run("alice", "clio", "verify")
	return k
}

// killAfter runs a command of Alice's and kills it after a while: the code is
// negative then, and how it ended where it was faster.
func (w *world) killAfter(after time.Duration, args ...string) (code int, said string) {
	w.t.Helper()
	c := w.command("alice", args...)
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	must(w.t, c.Start())
	killing := time.AfterFunc(after, func() { _ = c.Process.Kill() }) // it may have ended
	_ = c.Wait()                                                      // the code says how
	killing.Stop()
	return c.ProcessState.ExitCode(), out.String()
}

// nextWindow is the time within which the next kill lies, given how many writes
// the last run made and what its share was.
func nextWindow(window time.Duration, wrote, share int) time.Duration {
	if wrote > share {
		return max(window*3/4, 50*time.Millisecond)
	}
	return min(window*9/8, 10*time.Second)
}

// goOn is what somebody types after a crash.
func (w *world) goOn(job *string) []string {
	w.t.Helper()
	if *job == "" {
		var found struct{ Jobs []struct{ ID string } }
		must(w.t, json.Unmarshal([]byte(w.run("alice", "job", "list", "--json").stdout), &found))
		if len(found.Jobs) > 0 {
			*job = found.Jobs[0].ID
		}
	}
	if *job == "" {
		return append([]string{"clio", "enable", "--yes"}, drillFields...)
	}
	return []string{"job", "resume", *job}
}

// written is how many writes of records the simulator has performed.
func (w *world) written() int {
	w.t.Helper()
	var c struct {
		Requests map[string]map[string]int
	}
	w.admin(http.MethodGet, "counters", nil, &c)
	n := 0
	for _, route := range []string{"PATCH /api/v4/matters/*", "PATCH /api/v4/contacts/*"} {
		for status, times := range c.Requests[route] {
			if status == "200" || status == "0" {
				n += times
			}
		}
	}
	return n
}

// TestAttack51KilledAtRandom kills one job again and again at random instants:
// nothing is lost, nothing is sealed twice, and every run goes on. BenchmarkKills
// does it 200 times.
func TestAttack51KilledAtRandom(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	n := 12
	if os.Getenv("UNDERSEAL_LONG") != "" {
		n = 200
	}
	k := drill(t, n, 15*n, seedOfRun(t))
	t.Logf("seed %d: %d kills, %d of them while writing: %v", k.seed, k.killed, k.writing, k.judgement)
	if k.lost+k.doubled+k.clear+k.other != 0 || k.sealed == 0 || k.writing == 0 {
		t.Errorf("%v, %d kills while writing", k.judgement, k.writing)
	}
}

// BenchmarkKills is that test in the table of measures.
func BenchmarkKills(b *testing.B) {
	for b.Loop() {
		k := drill(b, 200, 3000, seedOfRun(b))
		fmt.Fprintf(os.Stderr, "seed %d: %d kills, %d of them while writing: %v\n", k.seed, k.killed, k.writing, k.judgement)
		for unit, v := range map[string]int{
			"kills": k.killed, "while-writing": k.writing, "sealed": k.sealed, "lost": k.lost, "doubled": k.doubled,
			"in-clear": k.clear, "others-changed": k.other,
		} {
			b.ReportMetric(float64(v), unit)
		}
		b.ReportMetric(float64(k.seed), "seed")
	}
}
