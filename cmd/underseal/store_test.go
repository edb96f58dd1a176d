package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// A store that cannot be trusted, or used, is refused with what is wrong with
// it. The store stays as it was found, no output appears, and once it is
// mended everything goes on.
func TestBadStore(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(3))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	w.run("bob", "open", "@sealed.csv", "--out", "@before.csv")

	// Another organization, and a past and another future of this one.
	other := newWorld(t)
	other.found()
	other.run("alice", "field", "new", "ssn") // as long a log
	w.copyTree("firm", "good")
	w.copyTree("firm", "past")
	w.run("alice", "field", "new", "ssn")
	w.run("bob", "field", "list") // who has seen this head
	w.copyTree("firm", "good")
	entries := w.entries("good")
	entry := func(i int) string { return "firm/log/0000000000/" + entries[i] }
	last := len(entries) - 1

	for _, c := range []struct {
		name   string
		damage func()
		class  class
		text   string
	}{
		{"gone", func() { w.remove("firm") }, classStorage, "there is no such folder: not a store"},
		{"a file", func() { w.remove("firm"); w.write("firm", "x") }, classStorage, "it is not a folder: not a store"},
		{"an empty folder", func() { w.remove("firm"); w.mkdir("firm") }, classStorage, "it has no store.json: not a store"},
		{"another folder", func() { w.remove("firm"); w.mkdir("firm/letters") }, classStorage, "not a store"},
		{"half-written", func() { w.remove("firm/store.json") }, classStorage, "store.json is missing"},
		{"a manifest that was cut", func() { w.write("firm/store.json", `{"format":"unde`) }, classStorage, "store.json is not what this program writes"},
		{"a folder is missing", func() { w.remove("firm/envelopes") }, classStorage, "envelopes is missing"},
		{"newer", func() { w.edit("firm/store.json", `"version": 1`, `"version": 2`) }, classNewer, "layout version 2, this program knows version 1"},
		{"another program's", func() { w.edit("firm/store.json", "underseal-store", "sealing-wax") }, classStorage, "not a store"},
		{"another organization's", func() { w.remove("firm"); w.copyTree(other.path("firm"), "firm") }, classRefused, "belongs to another organization"},
		{"another organization's, in disguise", func() {
			w.remove("firm/log")
			w.copyTree(other.path("firm/log"), "firm/log")
		}, classRefused, "another history than this device has seen"},
		{"an entry was cut", func() { w.cut(entry(last)) }, classRefused, "another history"},
		{"an entry is empty", func() { w.write(entry(last), "") }, classStorage, "the store is damaged"},
		{"the log is empty", func() { w.remove("firm/log/0000000000") }, classRefused, "an older log than this device has seen"},
		{"the last entry is missing", func() { w.remove(entry(last)) }, classRefused, "an older log than this device has seen"},
		{"set back", func() { w.remove("firm"); w.copyTree("past", "firm") }, classRefused, "an older log than this device has seen"},
		{"forked", func() {
			w.remove("firm")
			w.copyTree("past", "firm")
			w.fork()
		}, classRefused, "another history than this device has seen"},
		{"a sign of the head was altered", func() { w.flip(entry(last), -1) }, classRefused, "another history"},
		{"envelopes are missing", func() { w.remove("firm/envelopes"); w.mkdir("firm/envelopes") }, classRefused, "the store does not hold the key that you are granted"},
	} {
		c.damage()
		var before map[string]string
		if info, err := os.Stat(w.path("firm")); err == nil && info.IsDir() && c.name != "an empty folder" && c.name != "another folder" {
			before = contents(t, w.path("firm"))
		}
		for _, args := range [][]string{
			{"open", "@sealed.csv", "--out", "@out.csv"},
			{"seal", "@people.csv", "--out", "@out.csv", "--record-id", "id", "--column", "phone"},
		} {
			w.fails(c.class, "bob", args, c.text)
		}
		w.fails(c.class, "alice", []string{"field", "new", "passport"}, c.text)
		w.absent("out.csv")
		if before != nil && !maps.Equal(before, contents(t, w.path("firm"))) {
			t.Error("the store was changed")
		}
		if t.Failed() {
			t.Fatalf("in case %q", c.name)
		}
		w.remove("firm")
		w.copyTree("good", "firm")
		w.run("bob", "open", "@sealed.csv", "--out", "@out.csv")
		if w.read("out.csv") != w.read("before.csv") {
			t.Fatalf("%s: after mending, the output differs", c.name)
		}
		w.remove("out.csv")
	}

	// Whoever joins meets the same, by the fingerprint alone.
	for _, c := range []struct {
		name   string
		damage func()
		class  class
		text   string
	}{
		{"another organization's", func() { w.remove("firm"); w.copyTree(other.path("firm"), "firm") }, classRefused, "belongs to another organization"},
		{"another organization's log", func() {
			w.remove("firm/log")
			w.copyTree(other.path("firm/log"), "firm/log")
		}, classRefused, "the log does not verify"},
		{"an entry in the middle is missing", func() { w.remove(entry(3)) }, classStorage, "the store is damaged"},
		{"a sign in the middle", func() { w.flip(entry(3), -1) }, classRefused, "the log does not verify"},
		{"an entry of a version to come", func() { w.flip(entry(3), 1) }, classNewer, "log entry of format version"},
	} {
		c.damage()
		w.remove("eve/organization.pin")
		w.remove("eve/organization.cache")
		w.fails(c.class, "eve", []string{"org", "join", "--store", "dir:" + w.path("firm"), "--fingerprint", w.known}, c.text)
		w.absent("eve/organization.pin")
		if !strings.HasPrefix(c.name, "another organization's") {
			// Whoever has verified these entries before does not read them
			// again, unless they ask for that.
			w.run("bob", "open", "@sealed.csv", "--out", "@out.csv", "--force")
			w.fails(c.class, "bob", []string{"log", "verify"}, c.text)
		}
		if t.Failed() {
			t.Fatalf("in case %q, joining", c.name)
		}
		w.remove("firm")
		w.copyTree("good", "firm")
	}
	w.run("eve", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
}

// fork makes another history: what Alice would have done had she not done
// what she did.
func (w *world) fork() {
	w.t.Helper()
	saved := map[string]string{}
	for _, name := range []string{"alice/organization.pin", "alice/organization.cache"} {
		saved[name] = w.read(name)
		w.remove(name)
	}
	w.run("alice", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	w.run("alice", "field", "new", "elsewhere")
	for name, content := range saved {
		w.write(name, content)
	}
}

// A folder of which this user may read, but not write, opens and seals, and
// refuses what needs an entry. One that cannot be read is refused.
func TestReadOnlyStore(t *testing.T) {
	t.Parallel()
	testenv.Unprivileged(t, func(t *testing.T) {
		w := newWorld(t)
		w.found()
		w.write("people.csv", peopleCSV(3))
		w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
		before := contents(t, w.path("firm"))
		w.chmodTree("firm", 0o555, 0o444)
		defer w.chmodTree("firm", 0o755, 0o644)

		w.run("bob", "open", "@sealed.csv", "--out", "@plain.csv", "--record-id", "id")
		if w.read("plain.csv") != w.read("people.csv") {
			t.Error("opened to something else")
		}
		w.run("alice", "seal", "@people.csv", "--out", "@again.csv", "--record-id", "id", "--column", "phone")
		for _, args := range [][]string{
			{"field", "new", "ssn"},
			{"field", "grant", "birthday", "--to", emailOf("bob")},
			{"field", "revoke", "phone", "--from", emailOf("bob")},
		} {
			w.fails(classStorage, "alice", args, "the store is read-only", "ask whoever keeps the folder")
		}
		if !maps.Equal(before, contents(t, w.path("firm"))) {
			t.Error("the store was changed")
		}
		w.run("alice", "log", "verify")

		w.chmodTree("firm", 0o000, 0o000)
		w.fails(classStorage, "bob", []string{"open", "@sealed.csv", "--out", "@x.csv"}, "cannot be read by this user")
		w.absent("x.csv")
		w.chmodTree("firm", 0o755, 0o644)
		w.run("alice", "field", "new", "ssn")

		// The same of the output's folder, and of the home.
		w.mkdir("closed")
		w.chmodTree("closed", 0o555, 0o444)
		defer w.chmodTree("closed", 0o755, 0o644)
		w.fails(classStorage, "bob", []string{"open", "@sealed.csv", "--out", "@closed/x.csv"}, "permission denied", "choose a folder that you may write to")
		w.chmodTree("sealed.csv", 0, 0)
		w.fails(classStorage, "bob", []string{"open", "@sealed.csv", "--out", "@x.csv"}, "sealed.csv: permission denied", "check the permissions")
		w.chmodTree("sealed.csv", 0o644, 0o644)
		w.chmodTree("bob", 0o500, 0o400)
		w.run("alice", "field", "new", "passport")
		w.fails(classStorage, "bob", []string{"field", "list"}, "permission denied")
		w.chmodTree("bob", 0o700, 0o600)
		w.run("bob", "field", "list")
	})
}

// entries are the names of the log's files.
func (w *world) entries(firm string) []string {
	w.t.Helper()
	files, err := os.ReadDir(w.path(firm + "/log/0000000000"))
	if err != nil || len(files) < 5 {
		w.t.Fatalf("%d entries, %v", len(files), err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// copyTree replaces the folder to by a copy of from, which may be of another
// world.
func (w *world) copyTree(from, to string) {
	w.t.Helper()
	if !filepath.IsAbs(from) {
		from = w.path(from)
	}
	w.remove(to)
	if err := os.CopyFS(w.path(to), os.DirFS(from)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.RemoveAll(w.path(name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mkdir(name string) {
	w.t.Helper()
	if err := os.MkdirAll(w.path(name), 0o700); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) edit(name, before, after string) {
	w.t.Helper()
	text := w.read(name)
	if strings.Count(text, before) != 1 {
		w.t.Fatalf("%s: %q is not there once", name, before)
	}
	w.write(name, strings.Replace(text, before, after, 1))
}

// flip changes one byte, counted from the end if at is negative.
func (w *world) flip(name string, at int) {
	w.t.Helper()
	b := []byte(w.read(name))
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 2
	w.write(name, string(b))
}

func (w *world) cut(name string) {
	w.t.Helper()
	text := w.read(name)
	w.write(name, text[:len(text)/2])
}

func (w *world) chmodTree(name string, dir, file os.FileMode) {
	w.t.Helper()
	path := w.path(name)
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() {
		err = os.Chmod(path, file)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if !info.IsDir() {
		return
	}
	// It must be open while what is in it changes.
	if err := os.Chmod(path, 0o700); err != nil {
		w.t.Fatal(err)
	}
	list, err := os.ReadDir(path)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		w.chmodTree(name+"/"+e.Name(), dir, file)
	}
	if err := os.Chmod(path, dir); err != nil {
		w.t.Fatal(err)
	}
}
