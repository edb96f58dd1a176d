package killtest

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// TestAttack51KilledAtEveryWrite kills the process while a write hangs, once
// for every write that enabling makes, in turn before and after Clio has
// performed it, in long tests both. Each time the next run comes to the end,
// and disabling gives back what was there.
func TestAttack51KilledAtEveryWrite(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	w := newWorld(t, size{seed: 3, contacts: 6})
	w.found()
	before := w.look()
	long := os.Getenv("UNDERSEAL_LONG") != ""
	at := 0
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		for n := 1; ; n++ {
			met := false
			for _, after := range []bool{false, true} {
				if at++; !long && at%2 == 0 {
					continue
				}
				met = w.killAtWrite(enable, method, n, after) || met
				w.run("alice", enable...)
				w.complete(before)
				w.run("alice", "clio", "disable", enabling, enablingTwinned, "--yes")
				w.untouched(before)
			}
			if !met {
				if n == 1 {
					t.Errorf("no %s was met", method)
				}
				break
			}
		}
	}
	t.Logf("%d instants", at/2)
}

// killAtWrite runs a command of Alice's and kills it at its n-th write of a method,
// before or after Clio has performed it; false where there are fewer.
func (w *world) killAtWrite(args []string, method string, n int, after bool) bool {
	w.t.Helper()
	w.admin(http.MethodDelete, "counters", nil, nil)
	w.faults(map[string]any{"do": "hang", "after": after, "from": n, "method": method, "route": "/api/v4/**"})
	defer w.faults()
	c := w.command("alice", args...)
	ended, end := make(chan struct{}), w.start(c)
	go func() {
		defer close(ended)
		end() // killed, or too early
	}()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !w.hanging() {
		select {
		case <-ended:
			return false
		case <-look.C:
		}
	}
	_ = c.Process.Kill()
	<-ended
	return true
}

// hanging tells whether a request waits for an answer that does not come.
func (w *world) hanging() bool {
	w.t.Helper()
	var c struct {
		Requests map[string]map[string]int
	}
	w.admin(http.MethodGet, "counters", nil, &c)
	for _, by := range c.Requests {
		if by["0"] > 0 {
			return true
		}
	}
	return false
}
