package hostile_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// The attacks of this file are on processes of the built command: killed,
// run at once, and given names that somebody planted.

// leftovers lists the temporary files in a folder.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, ".underseal-*.tmp"))
	must(t, err)
	return list
}

// Attack 51, by SIGKILL in the middle of opening: what is left is no output,
// readable by its owner alone, and cleared away by a later command.
func TestAttack51PlaintextOfAKilledOpen(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	c := newCommand(t)
	c.firm()
	var rows strings.Builder
	rows.WriteString("id,phone\n")
	for i := range 20000 {
		fmt.Fprintf(&rows, "%d,202-225-%04d\n", i+1, i%10000)
	}
	c.write("many.csv", rows.String())
	c.run("alice", "seal", "many.csv", "--out", "many-sealed.csv", "--record-id", "id", "--column", "phone")
	sealed := c.read("many-sealed.csv")
	must(t, os.Mkdir(c.path("out"), 0o700))

	x := exec.Command(c.binary, "open", "-", "--format", "csv", "--out", "out/plain.csv", "--record-id", "id")
	x.Dir = c.dir
	x.Env = append(os.Environ(), "UNDERSEAL_HOME="+c.path("home-alice"), "UNDERSEAL_PASSPHRASE_FILE="+c.path("passphrase"))
	in, err := x.StdinPipe()
	must(t, err)
	must(t, x.Start())
	_, err = io.WriteString(in, sealed) // and no end
	must(t, err)
	// Another process's file is the event; nothing tells of it but looking.
	written, look := false, time.NewTicker(5*time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(time.Minute); !written && time.Now().Before(end); <-look.C {
		for _, name := range leftovers(t, c.path("out")) {
			info, err := os.Stat(name)
			written = written || err == nil && info.Size() > 0
		}
	}
	must(t, x.Process.Kill())
	_ = x.Wait() // it was killed
	left := leftovers(t, c.path("out"))
	if !written || len(left) != 1 {
		t.Fatalf("killed too early: %v", left)
	}
	info, err := os.Stat(left[0])
	must(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("others may read what is left: %v", info.Mode())
	}
	if _, err := os.Stat(c.path("out/plain.csv")); err == nil {
		t.Error("a part of the file has the name of the output")
	}
	c.run("alice", "open", "many-sealed.csv", "--out", "out/plain.csv", "--record-id", "id")
	if c.read("out/plain.csv") != rows.String() {
		t.Error("not what was sealed")
	}
	old := time.Now().Add(-25 * time.Hour)
	must(t, os.Chtimes(left[0], old, old))
	c.run("alice", "open", "many-sealed.csv", "--out", "out/plain.csv", "--record-id", "id", "--force")
	if left := leftovers(t, c.path("out")); len(left) != 0 {
		t.Errorf("plaintext is left: %v", left)
	}
}

// Attack 52, by one person: several commands at once, of one device and home.
// Each is done or says that it is not; the log and the pin hold afterwards.
func TestAttack52CommandsAtOnce(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	c := newCommand(t)
	c.firm()
	const n = 6
	codes, outs := make([]int, n), make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { codes[i], outs[i] = c.try("alice", "field", "new", fmt.Sprintf("field-%d", i)) })
	}
	wg.Wait()
	list := c.run("alice", "field", "list")
	for i := range n {
		if has := strings.Contains(list, fmt.Sprintf("field-%d", i)); has != (codes[i] == 0) {
			t.Errorf("field-%d: exit %d, listed %v: %s", i, codes[i], has, outs[i])
		}
	}
	c.run("alice", "log", "verify")
	c.run("alice", "open", "sealed.csv", "--out", "after.csv", "--record-id", "id")
	if c.read("after.csv") != people {
		t.Error("something was lost")
	}
}

// Somebody who may write into the folder of the output plants a link at its
// name: plaintext is not written through it, and what it points to stays.
func TestPlantedLinkAtTheOutput(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	c := newCommand(t)
	c.firm()
	c.run("alice", "open", "sealed.csv", "--out", "plain.csv", "--record-id", "id") // without the attack
	c.write("victim", "do not touch")
	must(t, os.Chmod(c.path("victim"), 0o644)) // #nosec G302 -- what the attacker can read
	must(t, os.Symlink(c.path("victim"), c.path("link.csv")))
	must(t, os.Symlink(c.path("nowhere"), c.path("dangling.csv")))
	for _, name := range []string{"link.csv", "dangling.csv"} {
		for _, force := range [][]string{nil, {"--force"}} {
			code, out := c.try("alice", append([]string{"open", "sealed.csv", "--out", name, "--record-id", "id"}, force...)...)
			if code != 8 {
				t.Errorf("%s %v: exit %d: %s", name, force, code, out)
			}
		}
	}
	if c.read("victim") != "do not touch" {
		t.Error("written through a link")
	}
	if _, err := os.Lstat(c.path("nowhere")); err == nil {
		t.Error("made through a link")
	}
}
