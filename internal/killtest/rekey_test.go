package killtest

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// rekeyed is a firm whose two fields are sealed, and whose keys were changed
// since.
func rekeyed(t *testing.T, s size) (*world, snapshot) {
	t.Helper()
	w := newWorld(t, s)
	w.found()
	before := w.look()
	w.run("alice", enable...)
	w.rotate()
	return w, before
}

// rotate changes the keys of both fields.
func (w *world) rotate() {
	w.t.Helper()
	for _, name := range []string{enabling, enablingTwinned} {
		w.run("alice", "field", "rotate", name)
	}
}

// earlier is how many values are under earlier keys.
func (w *world) earlier() (n int) {
	w.t.Helper()
	var s struct {
		Earlier int `json:"values_under_earlier_keys"`
	}
	must(w.t, json.Unmarshal([]byte(w.run("alice", "org", "status", "--read", "--json").stdout), &s))
	return s.Earlier
}

var rekey = []string{"org", "rekey", "--yes", "--no-export"}

// TestAttack51RekeyKilledAtEveryWrite kills the process while a write hangs, once
// for every write that rekeying makes, in turn before and after Clio has
// performed it, in long tests both. Nothing is in clear at any time, and the next
// run comes to the end.
func TestAttack51RekeyKilledAtEveryWrite(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	w, before := rekeyed(t, size{seed: 3, contacts: 6})
	all := w.earlier()
	long := os.Getenv("UNDERSEAL_LONG") != ""
	instants := 0
	for n := 1; ; n++ {
		met := false
		for _, after := range []bool{false, true} {
			if !long && after != (n%2 == 0) {
				continue
			}
			killed := w.killAtWrite(rekey, http.MethodPatch, n, after)
			met = killed || met
			if killed {
				instants++
			}
			w.complete(before) // sealed, each once, under whichever key
			left := w.earlier()
			// Several writes are on their way at once.
			if killed && (left == 0 && !after || left > all) || !killed && left != 0 {
				t.Errorf("write %d: %d of %d under earlier keys", n, left, all)
			}
			w.run("alice", rekey...)
			if left := w.earlier(); left != 0 {
				t.Errorf("write %d: %d left", n, left)
			}
			w.complete(before)
			w.rotate()
		}
		if !met {
			break
		}
	}
	if instants < 5 {
		t.Errorf("only %d writes", instants)
	}
	w.run("alice", rekey...)
	w.run("alice", "clio", "disable", enabling, enablingTwinned, "--yes")
	w.untouched(before)
	t.Logf("%d instants", instants)
}

// TestAttack51RekeyKilledAtRandom kills rekeying again and again at random
// instants, goes on with the job each time, and lets it come to its end.
func TestAttack51RekeyKilledAtRandom(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	n, seed := 8, seedOfRun(t)
	if os.Getenv("UNDERSEAL_LONG") != "" {
		n = 100
	}
	w, before := rekeyed(t, size{seed: seed, contacts: 15 * n})
	w.faults(slow())
	rng := rand.New(rand.NewPCG(seed, 1)) // instants, to be repeated
	values := before.holding(t, enabling, enablingTwinned)
	toWrite, killed, writing, window, first := values+w.written(), 0, 0, time.Second, true
	for killed < n {
		written := w.written()
		args := rekey
		if !first {
			args = []string{"job", "resume"}
		}
		code, said := w.killAfter(time.Duration(rng.Int64N(int64(window))), args...)
		now := w.written()
		switch {
		case code > 0:
			t.Fatalf("seed %d: after %d kills: exit %d\n%s", seed, killed, code, said)
		case code == 0: // it was too fast: once more
			w.rotate()
			toWrite, first, window = values+now, true, window/2
			continue
		}
		killed++
		if now > written {
			writing++
			first = false
		}
		window = nextWindow(window, now-written, (toWrite-now)/(n-killed+1))
	}
	w.faults()
	w.complete(before)
	if writing == 0 {
		t.Errorf("seed %d: never while it was writing", seed)
	}
	w.run("alice", rekey...) // the same job, by its other name
	if left := w.earlier(); left != 0 {
		t.Errorf("seed %d: %d are left", seed, left)
	}
	w.complete(before)
	t.Logf("seed %d: %d kills, %d of them while writing", seed, n, writing)
}

// What a person enters while values are sealed again wins, and two officers who
// rekey at once share the work.
func TestRekeyWhileOthersWork(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	w, before := rekeyed(t, size{seed: 1, contacts: 60})
	w.officer("bob", bob)
	for _, name := range []string{enabling, enablingTwinned} {
		w.run("alice", "field", "grant", name, "--to", bob)
	}
	w.rotate()
	w.faults(slow())
	ssn := before.field(t, enabling).ID
	var last int64
	for at := range before.values {
		if at.field == ssn {
			last = max(last, at.record)
		}
	}
	var other result
	r := w.during(5, w.command("alice", rekey...), func() {
		w.edit(last, ssn, "entered meanwhile")
		other = w.try("bob", rekey...)
	})
	if r.code != 0 || other.code != 0 {
		t.Errorf("%+v\n%+v", r, other)
	}
	before.values[place{"contact", last, ssn}] = `"entered meanwhile"`
	if j := w.sound(before); j.clear != 1 {
		t.Errorf("%v", j)
	}
	if left := w.earlier(); left != 0 {
		t.Errorf("%d are left", left)
	}
	w.run("alice", "clio", "enable", "--repair", "--yes")
	w.complete(before)
}
