package main

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

func TestShow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{
		{0, "0 s ago"}, {59 * time.Second, "59 s ago"}, {time.Minute, "1 min ago"}, {59*time.Minute + 59*time.Second, "59 min ago"},
		{time.Hour, "1 h ago"}, {47 * time.Hour, "47 h ago"}, {48 * time.Hour, "2 days ago"}, {-time.Second, "in the future, by its author's clock"},
	} {
		if got := age(now.Add(-c.ago), now); got != c.want {
			t.Errorf("%v: %q, want %q", c.ago, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", time.Second: "1s", 90 * time.Second: "1m30s", time.Hour: "1h", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 10 * time.Hour: "10h",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 2: "2 rows"} {
		if got := count(n, "row", "rows"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if some(0, "%d") != "" || some(3, ", %d more") != ", 3 more" || shown("") != "(sealed)" || shown("a\x1bb") != `a\u{001B}b` {
		t.Error("some, shown")
	}
	if got := string(escapeJSON([]byte("{\"a\":\"x\u009b2J\U000e0041é\"}"))); got != `{"a":"x\u009b2J\udb40\udc41é"}` {
		t.Errorf("%q", got)
	}
}

// What is printed to be typed again is one argument, whatever it holds.
func TestArg(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain.csv": "plain.csv", "dir:/srv/firm": "dir:/srv/firm", "bob@example.com": "bob@example.com",
		"": "''", "two words": "'two words'", "Büro": "'Büro'", "it's": `'it'\''s'`, "$(rm)": "'$(rm)'", "a;b": "'a;b'", "`x`": "'`x`'",
		"a\nb": `'a\u{000A}b'`, "\u202etxt": `'\u{202E}txt'`, "~/x": "'~/x'", "*": "'*'", "-": "-",
	} {
		if runtime.GOOS == "windows" && strings.HasPrefix(want, "'") {
			continue
		}
		if got := arg(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestStoreAddress(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	for in, want := range map[string]string{
		"dir:/srv/firm": "dir:/srv/firm", " /srv/firm/ ": "dir:/srv/firm", "dir:relative": "dir:relative",
	} {
		if got, err := storeAddress(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"~/firm", "firm"} {
		if got, err := storeAddress(in); err != nil || !strings.HasPrefix(got, "dir:/") || !strings.HasSuffix(got, "/firm") || strings.Contains(got, "~") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// Names that cannot be, and a home that is none.
func TestOddNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("file", "x")
	for _, name := range []string{"", strings.Repeat("x", 2000), "a\nb", "a\x1b[2Jb", "a\xffb"} {
		r := w.fails(classInput, "alice", []string{"field", "new", name}, "hint: 1 to 1024 bytes")
		if strings.Contains(r.stderr, "\x1b") {
			t.Errorf("%q reaches the terminal", name)
		}
	}
	r := w.fails(classInput, "alice", []string{"field", "grant", "a\x1b[2Jb", "--to", emailOf("bob")}, `field "a\x1b[2Jb": no such name`)
	if strings.Contains(r.stderr, "\x1b") {
		t.Error("a name reaches the terminal")
	}
	w.fails(classSetup, "file", []string{"status"}, "the home folder is no folder", "hint: set UNDERSEAL_HOME to a folder of your own")
	w.fails(classSetup, "file/home", []string{"identity", "show"})
	r = w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path("new"), "UNDERSEAL_PASSPHRASE_FILE": w.path("nothing")}, nil,
		"identity", "new", "--name", "a", "--email", "a@example.com")
	w.checkFailure(classLocked, r, nil, "nothing: the passphrase file cannot be read", "UNDERSEAL_PASSPHRASE_FILE names a file")
	w.write("short", "short\n")
	r = w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path("new"), "UNDERSEAL_PASSPHRASE_FILE": w.path("short")}, nil,
		"identity", "new", "--name", "a", "--email", "a@example.com")
	w.checkFailure(classLocked, r, nil, "at least 15 are needed", "hint: choose four words")
	r = w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path("new")}, nil, "identity", "new", "--name", "a", "--email", "a@example.com", "--key-store", "file")
	w.checkFailure(classLocked, r, nil, "no passphrase")
	r = w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path("new")}, nil, "identity", "new", "--name", "a", "--email", "a@example.com", "--key-store", "cloud")
	w.checkFailure(classUsage, r, nil, `not "cloud"`, "hint: give --key-store os, or --key-store file")
	w.absent("new/" + identityFile)
}

// Every question of setup has a flag, and where one is missing and nobody can
// be asked, its name is said.
func TestSetupByFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := map[string]string{"UNDERSEAL_HOME": w.path("new")}
	r := w.tryEnv(home, nil, "setup", "--key-store", "file")
	if r.code != classUsage.code || !strings.HasSuffix(r.stderr, "hint: give --name\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	r = w.tryEnv(home, nil, "setup", "--key-store", "file", "--name", "x")
	if r.code != classUsage.code || !strings.HasSuffix(r.stderr, "hint: give --email\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	r = w.tryEnv(home, nil, "setup", "--key-store", "file", "--name", "x", "--email", "nobody")
	if r.code != classUsage.code || !strings.Contains(r.stderr, "an email looks like name@example.com") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	r = w.try("alice", "setup")
	if r.code != classUsage.code || !strings.HasSuffix(r.stderr, "hint: give --firm NAME to found one, or --invitation FILE or --fingerprint to join one\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	r = w.try("alice", "setup", "--firm", "Example LLP")
	if r.code != classUsage.code || !strings.HasSuffix(r.stderr, "hint: give --store\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	s := jsonOf[docStatus](w, "alice", "setup", "--firm", "Example LLP", "--store", w.path("firm"))
	if s.Organization != "Example LLP" || s.Store != "dir:"+w.path("firm") || s.Role != "officer" {
		t.Errorf("%+v", s)
	}
	again := w.run("alice", "setup")
	if !strings.Contains(again.stderr, "this device belongs to an organization already") || !strings.Contains(again.stderr, s.Fingerprint) {
		t.Errorf("%s", again.stderr)
	}
	s = jsonOf[docStatus](w, "bob", "setup", "--fingerprint", s.Fingerprint, "--store", "dir:"+w.path("firm"))
	if len(s.Pending) != 1 || s.Pending[0] != pendingCard || s.Head.Entries != 2 {
		t.Errorf("%+v", s)
	}
}
