//go:build linux

package killtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// everyFile kills a command at each of its file operations; in short tests at so
// many of them, from the first to the last. before is what must be there and returns
// who types the command and what, after is what is checked and done again.
func (w *world) everyFile(kills int, before func(n int) []string, after func(n int)) {
	w.t.Helper()
	kill := func(n int) (calls int, killed bool) {
		w.t.Helper()
		typed := before(n)
		calls, killed, err := killAtCall(w.command(typed[0], typed[1:]...), n)
		if err != nil {
			w.t.Fatalf("%v, killed at %d: %v", typed, n, err)
		}
		w.run("alice", "log", "verify")
		after(n)
		return calls, killed
	}
	all, _ := kill(0)
	if kills = min(kills, all); os.Getenv("UNDERSEAL_LONG") != "" {
		kills = all
	}
	if kills < 3 {
		w.t.Fatalf("only %d file operations", all)
	}
	met := 0
	for i := range kills {
		if _, killed := kill(1 + i*(all-1)/(kills-1)); killed {
			met++
		}
	}
	if w.t.Logf("killed at %d of %d file operations", met, all); met < kills-2 { // how many there are varies a little
		w.t.Errorf("only %d of %d kills", met, kills)
	}
}

// retype types a command once more, which must end well.
func (w *world) retype(typed []string) {
	w.t.Helper()
	w.run(typed[0], typed[1:]...)
}

// listed are the labels of Alice's devices that were not removed.
func (w *world) listed() map[string]bool {
	w.t.Helper()
	var list struct {
		Devices []struct {
			Label   string
			Removed bool
		}
	}
	must(w.t, json.Unmarshal([]byte(w.run("alice", "device", "list", "--json").stdout), &list))
	labels := map[string]bool{}
	for _, d := range list.Devices {
		if !d.Removed {
			labels[d.Label] = true
		}
	}
	return labels
}

// deviceWorld is an organization of Alice alone, whose commands can be traced.
func deviceWorld(t *testing.T) *world {
	t.Helper()
	testenv.NotShort(t)
	_, _, err := killAtCall(exec.Command("true"), 0)
	testenv.Require(t, "a process that may be traced", err == nil, "allow ptrace to this user")
	w := newWorld(t, size{seed: 1, contacts: 1})
	w.home("alice", alice)
	w.run("alice", "org", "new", "Harbor & Partners", "--store", "dir:"+w.path("firm"))
	return w
}

// TestAttack51KilledBackup kills the making of a backup at every file operation:
// a page that is there is of a device that the log has.
func TestAttack51KilledBackup(t *testing.T) {
	t.Parallel()
	w := deviceWorld(t)
	w.everyFile(6, func(n int) []string {
		return []string{"alice", "backup", "create", "--out", fmt.Sprintf("kit-%d.pdf", n), "--label", fmt.Sprint("kit ", n)}
	}, func(n int) {
		if _, err := os.Stat(w.path(fmt.Sprintf("kit-%d.pdf", n))); err == nil && !w.listed()[fmt.Sprint("kit ", n)] {
			t.Errorf("page %d is no backup", n)
		}
	})
	w.run("alice", "backup", "create", "--out", "last.pdf")
}

// TestAttack51KilledRemoval kills the removal of a device likewise: it is
// removed or not, and then can be.
func TestAttack51KilledRemoval(t *testing.T) {
	t.Parallel()
	w := deviceWorld(t)
	w.run("alice", "field", "new", "ssn")
	label := func(n int) string { return fmt.Sprint("kit ", n) }
	w.everyFile(6, func(n int) []string {
		w.run("alice", "backup", "create", "--out", fmt.Sprintf("kit-%d.pdf", n), "--label", label(n))
		return []string{"alice", "device", "remove", label(n), "--yes"}
	}, func(n int) {
		if w.listed()[label(n)] {
			w.run("alice", "device", "remove", label(n), "--yes")
		}
		if w.listed()[label(n)] {
			t.Errorf("%s is still there", label(n))
		}
	})
	w.write("people.csv", "id,ssn\na,078-05-1120\n")
	w.run("alice", "seal", "people.csv", "--out", "sealed.csv", "--record-id", "id", "--column", "ssn")
	w.run("alice", "open", "sealed.csv", "--out", "plain.csv")
}

// TestAttack51KilledRotation kills the rotation of a field, and of the group that
// reads it: what was sealed opens, and the next rotation succeeds.
func TestAttack51KilledRotation(t *testing.T) {
	t.Parallel()
	w := deviceWorld(t)
	w.run("alice", "field", "new", "ssn")
	w.run("alice", "group", "new", "team")
	w.run("alice", "field", "grant", "ssn", "--to-group", "team")
	const people = "id,ssn\na,078-05-1120\n"
	w.write("people.csv", people)
	w.run("alice", "seal", "people.csv", "--out", "sealed.csv", "--record-id", "id", "--column", "ssn")
	for _, args := range [][]string{{"alice", "field", "rotate", "ssn"}, {"alice", "group", "rotate", "team"}} {
		w.everyFile(6, func(int) []string { return args }, func(n int) {
			w.retype(args)
			w.run("alice", "open", "sealed.csv", "--out", "plain.csv", "--record-id", "id", "--force")
			if got, err := os.ReadFile(w.path("plain.csv")); err != nil || string(got) != people {
				t.Errorf("%v, killed at %d: %q, %v", args, n, got, err)
			}
		})
	}
}

// TestAttack51KilledPairing kills the old device's side, from the code to the
// entry; the new one comes to its end each time, as one device.
func TestAttack51KilledPairing(t *testing.T) {
	t.Parallel()
	w := deviceWorld(t)
	w.everyFile(6, func(int) []string {
		return []string{"alice", "device", "pair", "--code-out", "code", "--force", "--wait", "0s"}
	}, func(n int) {
		w.run("alice", "device", "pair", "--code-out", "code", "--force", "--wait", "0s")
		p := w.joinAs(fmt.Sprint("phone ", n))
		words := p.compare()
		w.run("alice", "device", "pair", "--words", words)
		p.finish()
	})
	var p *paired
	var words string
	w.everyFile(6, func(n int) []string {
		w.run("alice", "device", "pair", "--code-out", "code", "--force", "--wait", "0s")
		p = w.joinAs(fmt.Sprint("desk ", n))
		words = p.compare()
		return []string{"alice", "device", "pair", "--words", words}
	}, func(int) {
		if r := w.try("alice", "device", "pair", "--words", words); r.code != 0 && !strings.Contains(r.stderr, "no pairing is under way") {
			t.Errorf("again: exit %d\n%s", r.code, r.stderr)
		}
		p.finish()
	})
}

// paired is a new device within the test's own process: what it does to keep
// its secret would cost seconds.
type paired struct {
	w      *world
	label  string
	config workspace.Config
	secret *secret.Bytes
}

func (w *world) joinAs(label string) *paired {
	w.t.Helper()
	line, err := os.ReadFile(w.path("code"))
	must(w.t, err)
	code, err := workspace.ParsePairingCode(secret.New([]byte(strings.Fields(string(line))[0])))
	must(w.t, err)
	st, err := dirstore.Open(filepath.Join(w.dir, "firm"))
	must(w.t, err)
	w.t.Cleanup(func() { _ = st.Close() }) // what was written is flushed
	p := &paired{w: w, label: label, config: workspace.Config{Store: store.Store(st), Local: &workspacetest.Local{}, Now: time.Now}}
	j, err := workspace.JoinPairing(w.t.Context(), p.config, code)
	must(w.t, err)
	defer j.Close()
	p.secret, _, err = j.NewDevice(label)
	must(w.t, err)
	must(w.t, j.Answer(w.t.Context()))
	return p
}

func (p *paired) resume() *workspace.Joining {
	p.w.t.Helper()
	j, err := workspace.ResumePairing(p.w.t.Context(), p.config, p.secret)
	must(p.w.t, err)
	return j
}

// compare has the old device look, and compares.
func (p *paired) compare() string {
	p.w.t.Helper()
	var said struct {
		State string
		Words []string
	}
	must(p.w.t, json.Unmarshal([]byte(p.w.run("alice", "device", "pair", "--wait", "0s", "--json").stdout), &said))
	j := p.resume()
	defer j.Close()
	words, ok, err := j.Words(p.w.t.Context())
	if must(p.w.t, err); !ok || said.State != "compare" {
		p.w.t.Fatalf("nothing to compare: %s", said.State)
	}
	must(p.w.t, j.Confirm(p.w.t.Context(), words))
	return strings.Join(said.Words, " ")
}

func (p *paired) finish() {
	p.w.t.Helper()
	j := p.resume()
	defer j.Close()
	id, err := j.Identity(p.w.t.Context())
	must(p.w.t, err)
	if id == nil {
		p.w.t.Fatalf("%s was not added", p.label)
	}
	if id, err = keyring.ParseIdentity(id.Encode()); err != nil {
		p.w.t.Fatal(err)
	}
	me, err := id.Unlock(p.secret)
	must(p.w.t, err)
	defer me.Lock()
	c := p.config
	c.Identity = me
	opened, err := j.Finish(p.w.t.Context(), c)
	must(p.w.t, err)
	defer opened.Close()
	if !p.w.listed()[p.label] {
		p.w.t.Errorf("%s is not listed", p.label)
	}
}
