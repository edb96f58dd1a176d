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

// fileCalls are the system calls by which a file appears, is replaced or goes.
const fileCalls = "linkat,renameat,renameat2,unlinkat,mkdirat"

// killAtFile runs a command and kills it as its n-th call of fileCalls begins,
// counted by thread; false where it came to its end before.
func (w *world) killAtFile(n int, who string, args ...string) bool {
	w.t.Helper()
	c := w.command(who, args...)
	trace := exec.Command("strace", append([]string{
		"-f", "-qq", "-o", w.path("trace"), "-e", "trace=" + fileCalls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", fileCalls, n), c.Path,
	}, args...)...)
	trace.Dir, trace.Env = c.Dir, c.Env
	out, err := trace.CombinedOutput()
	text, readErr := os.ReadFile(w.path("trace"))
	must(w.t, readErr)
	if killed := strings.Contains(string(text), "+++ killed by SIGKILL +++"); killed != (err != nil) {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return err != nil
}

// everyFile kills a command at each of its file operations: before is what must
// be there, after what is checked and done again.
func (w *world) everyFile(before func(n int) []string, after func(n int)) {
	w.t.Helper()
	for n := 1; ; n++ {
		killed := w.killAtFile(n, "alice", before(n)...)
		w.run("alice", "log", "verify")
		after(n)
		if !killed {
			if w.t.Logf("killed %d times", n-1); n < 4 {
				w.t.Errorf("only %d file operations were met", n-1)
			}
			return
		}
	}
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
	err := exec.Command(testenv.Tool(t, "strace", "strace"), "-f", "-o", os.DevNull, "true").Run()
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
	w.everyFile(func(n int) []string {
		return []string{"backup", "create", "--out", fmt.Sprintf("kit-%d.pdf", n), "--label", fmt.Sprint("kit ", n)}
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
	w.everyFile(func(n int) []string {
		w.run("alice", "backup", "create", "--out", fmt.Sprintf("kit-%d.pdf", n), "--label", label(n))
		return []string{"device", "remove", label(n), "--yes"}
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
	for _, args := range [][]string{{"field", "rotate", "ssn"}, {"group", "rotate", "team"}} {
		w.everyFile(func(int) []string { return args }, func(n int) {
			w.run("alice", args...)
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
	w.everyFile(func(int) []string { return []string{"device", "pair", "--code-out", "code", "--force", "--wait", "0s"} }, func(n int) {
		w.run("alice", "device", "pair", "--code-out", "code", "--force", "--wait", "0s")
		p := w.joinAs(fmt.Sprint("phone ", n))
		words := p.compare()
		w.run("alice", "device", "pair", "--words", words)
		p.finish()
	})
	var p *paired
	var words string
	w.everyFile(func(n int) []string {
		w.run("alice", "device", "pair", "--code-out", "code", "--force", "--wait", "0s")
		p = w.joinAs(fmt.Sprint("desk ", n))
		words = p.compare()
		return []string{"device", "pair", "--words", words}
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
