package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// restored is the environment of a home that a test restores into: empty, with
// a secret under a passphrase.
func (w *world) restored(home string) map[string]string {
	w.t.Helper()
	w.write("device passphrase", passphrase+"\n")
	return map[string]string{"UNDERSEAL_HOME": w.path(home), "UNDERSEAL_PASSPHRASE_FILE": w.path("device passphrase")}
}

func (w *world) tool(name, debian string, args ...string) string {
	w.t.Helper()
	out, err := exec.CommandContext(w.t.Context(), testenv.Tool(w.t, name, debian), w.paths(args)...).Output()
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// A page is printed, its code is read from the picture, and its words from the
// text: each alone restores a member in an empty home.
func TestRestoreFromPaper(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(3))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	w.run("bob", "backup", "create", "--out", "@kit.pdf")
	if info, err := os.Stat(w.path("kit.pdf")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the page: %v, %v", info.Mode(), err)
	}
	w.fails(classStorage, "bob", []string{"backup", "create", "--out", "@kit.pdf"}, "the output exists")
	w.fails(classInput, "bob", []string{"backup", "check", "@kit.pdf"}, "this is the page itself")

	w.tool("pdftoppm", "poppler-utils", "-png", "-r", "120", "-singlefile", "@kit.pdf", "@kit")
	code := w.tool("zbarimg", "zbar-tools", "--quiet", "--raw", "@kit.png")
	page := w.tool("pdftotext", "poppler-utils", "-layout", "@kit.pdf", "-")
	_, rows, _ := strings.Cut(page, "says the same")
	words, _, _ := strings.Cut(rows, "To get everything back")

	// Rehearsed from standard input, it counts.
	for _, text := range []string{code, words} {
		if r := w.tryWith("bob", strings.NewReader(text), "backup", "check", "-"); r.code != 0 || !strings.Contains(r.stderr, "opens your keys: it counts") {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
	}
	if r := w.tryWith("alice", strings.NewReader(code), "backup", "check", "-"); r.code != classInput.code {
		t.Errorf("somebody else's backup: exit %d: %s", r.code, r.stderr)
	}
	if r := w.run("bob", "status"); !strings.Contains(r.stdout, "backup        rehearsed") || strings.Contains(r.stdout, "pending") {
		t.Errorf("status: %s", r.stdout)
	}

	for home, how := range map[string]struct{ text, more string }{
		"by code":  {code, ""},
		"by words": {words, w.known},
	} {
		env := w.restored(home)
		args := []string{"backup", "restore", "-", "--store", "dir:" + w.path("firm"), "--device", "new desk"}
		if how.more != "" {
			// Words say nothing of the organization: somebody has to.
			r := w.tryEnv(env, strings.NewReader(how.text), args...)
			w.checkFailure(classUsage, r, args, "no terminal", "--fingerprint")
			w.absent(home)
			args = append(args, "--fingerprint", how.more)
		}
		r := w.tryEnv(env, strings.NewReader(how.text), args...)
		if r.code != 0 || !strings.Contains(r.stderr, "the backup is of Bob Member <bob@example.com>, member of Example LLP") {
			t.Fatalf("%s: exit %d: %s", home, r.code, r.stderr)
		}
		out := "@plain " + home + ".csv"
		if r := w.tryEnv(env, nil, "open", "@sealed.csv", "--out", out, "--record-id", "id"); r.code != 0 || w.read(out[1:]) != w.read("people.csv") {
			t.Errorf("%s: exit %d: %s", home, r.code, r.stderr)
		}
		if r := w.tryEnv(env, strings.NewReader(how.text), args...); r.code != classSetup.code {
			t.Errorf("%s: twice: exit %d: %s", home, r.code, r.stderr)
		}
		// Nothing of the backup is left at home.
		for path, content := range contents(t, w.path(home)) {
			if strings.Contains(content, strings.TrimSpace(code)) {
				t.Errorf("%s holds the backup", path)
			}
		}
	}

	// The lost laptop is removed by the new desk; the backup lives on.
	env := w.restored("by code")
	var mine struct{ Devices []docDevice }
	w.decode(w.tryEnv(env, nil, "device", "list", "--json").stdout, &mine)
	if len(mine.Devices) != 4 {
		t.Fatalf("%+v", mine)
	}
	if r := w.tryEnv(env, nil, "device", "remove", mine.Devices[0].Device[:8], "--yes"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	w.fails(classDenied, "bob", []string{"open", "@sealed.csv", "--out", "@x.csv"}, "this device was removed")
	if r := w.run("bob", "status"); !strings.Contains(r.stdout, pendingRemoved) || !strings.Contains(r.stdout, "was removed by device") {
		t.Errorf("the removed device is not told: %s", r.stdout)
	}
	if r := w.run("alice", "status"); !strings.Contains(r.stdout, "of bob@example.com was removed by device") {
		t.Errorf("the officer is not told: %s", r.stdout)
	}
}

// An interrupted restore goes on: the device that was kept is the one that is
// added, once.
func TestRestoreGoesOn(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("backup passphrase", passphrase+" too\n")
	w.run("bob", "backup", "create", "--kind", "passphrase", "--out", "@bob.age", "--passphrase-file", "@backup passphrase")
	env := w.restored("again")
	args := []string{"backup", "restore", "@bob.age", "--passphrase-file", "@backup passphrase", "--store", "dir:" + w.path("firm"), "--device", "desk"}
	// The folder of the store's log cannot be written: the device is kept at
	// home, and not in the log.
	w.mustRename("firm/log", "firm/log.away")
	if r := w.tryEnv(env, nil, args...); r.code == 0 {
		t.Fatal("restored without a log")
	}
	w.absent("again")
	w.mustRename("firm/log.away", "firm/log")
	if r := w.tryEnv(env, nil, args...); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	// As if it had ended before it pinned the organization.
	for _, name := range []string{"organization.pin", "organization.cache"} {
		if err := os.Remove(filepath.Join(w.path("again"), name)); err != nil {
			t.Fatal(err)
		}
	}
	if r := w.tryEnv(env, nil, args...); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	if r := w.run("bob", "device", "list"); strings.Count(r.stdout, "installation") != 2 {
		t.Errorf("devices:\n%s", r.stdout)
	}
	// A home of somebody else does not become Bob's.
	if err := os.Remove(filepath.Join(w.path("eve"), "organization.pin")); err != nil {
		t.Fatal(err)
	}
	w.fails(classSetup, "eve", args, "an identity exists on this device already")
}

func (w *world) mustRename(from, to string) {
	w.t.Helper()
	if err := os.Rename(w.path(from), w.path(to)); err != nil {
		w.t.Fatal(err)
	}
}

// What cannot be a backup, or cannot be made, and what is then left: nothing.
func TestBackupRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("short", "short\n")
	w.write("people.csv", peopleCSV(3))
	w.write("words", strings.Repeat("abandon ", 24))
	w.write("wrong word", strings.Repeat("abandon ", 23)+"abandom")
	w.write("large", strings.Repeat("x", 1<<20))
	head := w.run("alice", "log", "verify", "--json").stdout
	for _, c := range []struct {
		class class
		who   string
		args  []string
		text  string
	}{
		{classUsage, "bob", []string{"backup", "create", "--kind", "tattoo", "--out", "@x"}, "paper or passphrase"},
		{classUsage, "bob", []string{"backup", "create", "--paper", "a3", "--out", "@x"}, "a4 or letter"},
		{classUsage, "bob", []string{"backup", "create", "--label", "a\nb", "--out", "@x"}, "label"},
		{classUsage, "bob", []string{"backup", "create", "--passphrase-file", "@short", "--out", "@x"}, "--kind passphrase"},
		{classLocked, "bob", []string{"backup", "create", "--kind", "passphrase", "--passphrase-file", "@short", "--out", "@x"}, "at least 15"},
		{classLocked, "bob", []string{"backup", "create", "--kind", "passphrase", "--passphrase-file", "@none", "--out", "@x"}, "cannot be read"},
		{classLocked, "bob", []string{"backup", "create", "--kind", "passphrase", "--out", "@x"}, "--passphrase-file"},
		{classStorage, "bob", []string{"backup", "create", "--out", "@nowhere/x"}, "there is no such folder"},
		{classDenied, "eve", []string{"backup", "create", "--out", "@x"}, "no officer has added you"},
		{classDenied, "eve", []string{"backup", "check", "@words"}, "no officer has added you"},
		{classUsage, "bob", []string{"backup", "check"}, "no terminal"},
		{classUsage, "bob", []string{"backup", "check", "abandon", "abandon"}, "takes one FILE at most"},
		{classInput, "bob", []string{"backup", "check", "@none"}, "no such file"},
		{classInput, "bob", []string{"backup", "check", "@people.csv"}, "not a backup"},
		{classInput, "bob", []string{"backup", "check", "@large"}, "not a backup"},
		{classInput, "bob", []string{"backup", "check", "@wrong word"}, "word 24"},
		{classInput, "bob", []string{"backup", "check", "@words"}, "do not belong together"},
		{classUsage, "bob", []string{"device", "remove", "desk"}, "no terminal"},
		{classInput, "bob", []string{"device", "remove", "phone", "--yes"}, "there is no such device"},
		{classDenied, "bob", []string{"device", "remove", "desk", "--yes"}, "the device that you are using"},
		{classDenied, "alice", []string{"device", "remove", w.deviceOf("bob"), "--yes"}, "nobody would be left"},
		{classDenied, "bob", []string{"device", "remove", w.deviceOf("alice"), "--yes"}, "you may not do this"},
		{classSetup, "bob", []string{"backup", "restore", "@words", "--store", "dir:" + w.path("firm")}, "an identity exists"},
	} {
		r := w.fails(c.class, c.who, c.args, c.text)
		if strings.Contains(r.stderr, "abandom") {
			t.Errorf("%v shows what was typed: %s", c.args, r.stderr)
		}
	}
	w.absent("x", "nowhere")
	if again := w.run("alice", "log", "verify", "--json").stdout; again != head {
		t.Errorf("something was written: %s, %s", head, again)
	}
}

func (w *world) deviceOf(who string) string {
	w.t.Helper()
	var id struct{ Device string }
	w.decode(w.run(who, "identity", "show", "--json").stdout, &id)
	return id.Device
}

// The page goes to a printer without a file; then standard output has nothing
// else.
func TestBackupToStandardOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	r := w.run("bob", "backup", "create", "--out", "-")
	if !strings.HasPrefix(r.stdout, "%PDF-") || !bytes.HasSuffix(bytes.TrimSpace([]byte(r.stdout)), []byte("%%EOF")) {
		t.Errorf("%.20q", r.stdout)
	}
	if r := w.run("bob", "backup", "list"); !strings.Contains(r.stdout, "never rehearsed") {
		t.Errorf("the list: %s", r.stdout)
	}
}

// After an officer removed a device of theirs, a member's next command makes
// the next user key, and they can be granted again.
func TestClosedUserKeyIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(3))
	w.run("bob", "backup", "create", "--out", "@kit.pdf", "--label", "kit")
	var list struct{ Devices []docDevice }
	w.decode(w.run("bob", "device", "list", "--json").stdout, &list)
	w.run("alice", "device", "remove", list.Devices[1].Device, "--yes")
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	w.fails(classDenied, "alice", []string{"field", "grant", "phone", "--to", emailOf("bob")})
	w.run("bob", "status")
	w.run("alice", "field", "grant", "phone", "--to", emailOf("bob"))
	w.run("bob", "open", "@sealed.csv", "--out", "@plain.csv", "--record-id", "id")
	if w.read("plain.csv") != w.read("people.csv") {
		t.Error("Bob does not read what he was granted again")
	}
}
