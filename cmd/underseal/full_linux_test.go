package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/underseal/underseal/internal/testenv"
)

// disk mounts a file system of 1 MiB as a folder of the world.
func (w *world) disk(name string) {
	w.t.Helper()
	testenv.Require(w.t, "root", os.Geteuid() == 0, "run as root, who may mount a file system")
	w.mkdir(name)
	err := unix.Mount("tmpfs", w.path(name), "tmpfs", 0, "size=1m")
	testenv.Require(w.t, "mount", err == nil, "run where a file system can be mounted")
	w.t.Cleanup(func() {
		if err := unix.Unmount(w.path(name), unix.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
	})
}

// fill takes the room of a disk but for so many bytes; to fill it again with
// more room frees some.
func (w *world) fill(name string, leave int64) {
	w.t.Helper()
	filler := w.path(name + "/.filler")
	_ = os.Remove(filler) // it may not be there yet
	var st unix.Statfs_t
	if err := unix.Statfs(w.path(name), &st); err != nil {
		w.t.Fatal(err)
	}
	size := int64(st.Bavail)*st.Bsize - leave
	if size < 0 {
		w.t.Fatalf("%s has not %d bytes left", name, leave)
	}
	if err := os.WriteFile(filler, make([]byte, size), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// A disk that becomes full while output is written, at any place of it, leaves
// no output and what was there before (attack 51).
func TestAttack51FullOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.disk("disk")
	w.write("people.csv", peopleCSV(3000))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	size := int64(len(w.read("sealed.csv")))
	for _, existing := range []bool{false, true} {
		for _, c := range []struct {
			name string
			args []string
			size int64
		}{
			{"seal", []string{"@people.csv", "--record-id", "id", "--column", "phone"}, size},
			{"open", []string{"@sealed.csv", "--record-id", "id"}, int64(len(w.read("people.csv")))},
			{"identity", []string{"card"}, 4096},
		} {
			const page = 4096
			for leave := int64(0); leave < c.size-page; leave += max(c.size/5/page*page, page) {
				w.remove("disk/out.csv")
				if existing {
					w.write("disk/out.csv", "precious")
				}
				w.fill("disk", leave)
				args := append(append([]string{c.name}, c.args...), "--out", "@disk/out.csv", "--force")
				w.fails(classStorage, "alice", args, "disk/out.csv: no space left", "hint: make room")
				if existing && w.read("disk/out.csv") != "precious" {
					t.Errorf("%s, %d bytes left: the output was replaced", c.name, leave)
				} else if !existing {
					w.absent("disk/out.csv")
				}
				w.noTemporary(w.path("disk"))
				if t.Failed() {
					t.Fatalf("%s with %d bytes left", c.name, leave)
				}
			}
			w.remove("disk/out.csv")
			w.remove("disk/.filler")
			w.run("alice", append(append([]string{c.name}, c.args...), "--out", "@disk/out.csv")...)
		}
	}
}

// A store that becomes full at any place of a change is as it was, or has the
// whole change, and serves when there is room again (attack 51).
func TestAttack51FullStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.disk("disk")
	w.run("alice", "org", "new", "Example LLP", "--store", "dir:"+w.path("disk/firm"))
	w.known = w.fingerprint()
	w.run("bob", "org", "join", "--store", "dir:"+w.path("disk/firm"), "--fingerprint", w.known)
	w.run("bob", "identity", "card", "--out", "@bob.card")
	w.run("alice", "member", "add", "@bob.card", "--role", "member", "--safety-number", w.safetyNumber("bob"))
	w.run("alice", "field", "new", "phone")
	w.write("people.csv", peopleCSV(10))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")

	const page = 4096
	failed := 0
	for i, change := range [][]string{
		{"field", "new", "birthday"},
		{"field", "grant", "phone", "--to", emailOf("bob")},
		{"field", "revoke", "phone", "--from", emailOf("bob")},
	} {
		done := false
		for leave := int64(0); !done; leave += page {
			if leave > 40*page {
				t.Fatalf("%v: not even with %d bytes", change, leave)
			}
			before := w.run("alice", "log", "show").stdout
			w.fill("disk", leave)
			r := w.try("alice", change...)
			done = r.code == 0
			if !done {
				failed++
				w.checkFailure(classStorage, r, change, "the store is full", "make room")
				// But for a key that it had handed out already, which the
				// next command replaces.
				after, same := strings.CutPrefix(w.run("alice", "log", "show").stdout, before)
				if !same || strings.Count(after, "\n") != 2*strings.Count(after, "changed the key of field phone") {
					t.Errorf("%v with %d bytes left: the log has changed: %s", change, leave, after)
				}
			}
			// Reading needs no room.
			w.run("alice", "log", "verify")
			w.run("alice", "open", "@sealed.csv", "--out", fmt.Sprintf("@out-%d-%d.csv", i, leave), "--record-id", "id")
		}
	}
	if failed < 6 {
		t.Errorf("only %d changes met a full disk", failed)
	}
	w.remove("disk/.filler")
	w.run("bob", "field", "list")
	w.run("alice", "field", "new", "address")

	// A store that cannot be made at all leaves the home without one.
	w.run("eve", "status")
	for leave := int64(0); ; leave += page {
		w.fill("disk", leave)
		r := w.try("eve", "org", "new", "Other LLP", "--store", "dir:"+w.path("disk/other"))
		if r.code == 0 {
			break
		}
		if leave > 60*page {
			t.Fatalf("not even with %d bytes: %s", leave, r.stderr)
		}
		if r.code != classStorage.code {
			t.Errorf("with %d bytes left: exit %d: %s", leave, r.code, r.stderr)
		}
		// Half a founding is completed by the next command, or begun anew.
		if _, err := os.Stat(w.path("eve/organization.pin")); err == nil {
			w.remove("disk/.filler")
			w.run("eve", "org", "show")
			break
		}
		w.remove("disk/other")
	}
}

// A home that becomes full: nothing of it is lost, nothing is half, and the
// next command finds its way.
func TestAttack51FullHome(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(10))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	w.disk("disk")
	const dora = "disk/dora"
	w.person(dora, "Dora Member", "dora@example.com")
	const page = 4096
	failed := 0
	for _, step := range []struct {
		before func()
		args   []string
	}{
		{func() {}, []string{"org", "join", "--store", "dir:" + w.path("firm"), "--fingerprint", w.known}},
		{func() {
			w.run(dora, "identity", "card", "--out", "@dora.card")
			w.run("alice", "member", "add", "@dora.card", "--role", "officer", "--safety-number", w.safetyNumber(dora))
			w.run("alice", "field", "grant", "phone", "--to", "dora@example.com")
		}, []string{"field", "list"}},
		{func() { w.run("alice", "field", "grant", "address", "--to", "dora@example.com") },
			[]string{"open", "@sealed.csv", "--out", "@plain.csv", "--force"}},
		{func() {}, []string{"field", "new", "ssn"}},
	} {
		w.remove("disk/.filler")
		step.before()
		for leave := int64(0); ; leave += page {
			w.fill("disk", leave)
			r := w.try(dora, step.args...)
			if r.code == 0 {
				break
			}
			failed++
			w.checkFailure(classStorage, r, step.args, "no space left", "make room")
			w.noTemporary(w.path(dora))
			w.remove("disk/.filler")
			w.run(dora, "identity", "show")
			w.run(dora, "status")
			if step.args[0] == "field" && step.args[1] == "new" {
				// It may have been made although it could not be noted here.
				w.run(dora, "log", "verify")
				if strings.Contains(w.run(dora, "field", "list").stdout, "ssn") {
					break
				}
			}
			if leave > 20*page {
				t.Fatalf("%v: not even with %d bytes", step.args, leave)
			}
		}
	}
	if failed < 4 {
		t.Errorf("only %d commands met a full disk", failed)
	}
	w.remove("disk/.filler")
	w.run(dora, "log", "verify")
	if list := w.run(dora, "field", "list").stdout; strings.Count(list, "ssn") != 1 {
		t.Error(list)
	}

	// An identity whose home has no room for it is not made, nor half of it.
	w.write("passphrase", passphrase+"\n")
	env := map[string]string{"UNDERSEAL_HOME": w.path("disk/emil"), "UNDERSEAL_PASSPHRASE_FILE": w.path("passphrase")}
	args := []string{"identity", "new", "--name", "Emil", "--email", "emil@example.com"}
	w.fill("disk", 2*page) // enough for the key file, not for the rest
	w.checkFailure(classStorage, w.tryEnv(env, nil, args...), args, "no space left", "make room")
	if keys, err := filepath.Glob(w.path("disk/emil/*.age")); err != nil || len(keys) > 0 {
		t.Errorf("%v %v", keys, err)
	}
	w.absent("disk/emil/" + identityFile)
}
