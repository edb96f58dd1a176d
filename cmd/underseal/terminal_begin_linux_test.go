package main

import (
	"os"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// Whoever was invited by mail types setup, chooses what the mail says and pastes.
// Nothing is made before the line and the officer's email are right.
func TestTerminalSetupInvited(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	line := strings.TrimSpace(w.run("alice", "invite", "create", "--role", "member", "--in-person").stdout)
	home := []string{"UNDERSEAL_HOME=" + w.path("dora")}
	begin := func() *screen {
		s := w.sit(home, "setup")
		s.expect("I have an invitation")
		s.expect("How do you begin? (1 to 5)")
		s.types("1\n")
		s.expect("Step 1 of 3: your invitation.")
		s.expect("Paste your invitation")
		return s
	}
	s := begin()
	s.types(line + "\n")
	s.expect("Type their email, from memory:")
	s.types("alice@example.com\n")
	s.expect("(yes or no)")
	s.types("no\n")
	s.expect("not confirmed; nothing was changed")
	if code := s.ends(); code != classRefused.code {
		t.Errorf("exit %d", code)
	}
	w.absent("dora")

	s = begin()
	s.types(line + "\n")
	s.expect("Type their email, from memory:")
	s.types("alice@example.com\n")
	s.expect("(yes or no)")
	s.types("yes\n")
	s.expect("Step 2 of 3: who you are. Colleagues see this")
	s.expect("Your name:")
	s.types("Dora\n")
	s.expect("Your email:")
	s.types("dora@example.com\n")
	s.restsInFile()
	s.expect("accepted; nothing opens until your officer has confirmed")
	s.expect("Step 3 of 3: a backup.")
	s.expect("It is made once an officer has added you")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	w.run("alice", "invite", "confirm")
	if list := w.run("alice", "member", "list").stdout; !strings.Contains(list, "dora@example.com") {
		t.Errorf("%s", list)
	}
}

// Whoever has a backup is themself again by setup alone, and is not asked for one
// more: that which restored them counts.
func TestTerminalSetupRestored(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("pass", passphrase+"\n")
	w.run("bob", "backup", "create", "--kind", "passphrase", "--passphrase-file", "@pass", "--out", "@bob.age")
	s := w.sit([]string{"UNDERSEAL_HOME=" + w.path("desk")}, "setup", "--device", "desk")
	s.expect("How do you begin? (1 to 5)")
	s.types("4\n")
	s.expect("Which one is it? (1 to 2)")
	s.types("2\n")
	s.expect("The file, such as me.age:")
	s.types(w.path("bob.age") + "\n")
	s.expect("The folder where your organization rests")
	s.types(w.path("firm") + "\n")
	s.expect("passphrase of the backup:")
	s.types(passphrase + "\n")
	s.expect("the backup is of Bob Member")
	s.restsInFile()
	s.expect("this device is desk")
	s.expect("next: underseal device list")
	s.expect("Step 3 of 3: a backup.")
	s.expect("You have one that was rehearsed.")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A script restores by flags. Where it was interrupted before the organization
// was pinned, setup goes on with the backup and asks for nothing else.
func TestSetupRestores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("pass", passphrase+"\n")
	w.run("bob", "backup", "create", "--kind", "passphrase", "--passphrase-file", "@pass", "--out", "@bob.age")
	setup := func(args ...string) result {
		env := map[string]string{"UNDERSEAL_HOME": w.path("desk"), "UNDERSEAL_PASSPHRASE_FILE": w.path("pass")}
		return w.tryEnv(env, nil, append([]string{"setup"}, args...)...)
	}
	restore := []string{"--restore", w.path("bob.age"), "--passphrase-file", w.path("pass"), "--store", w.path("firm"), "--device", "study"}
	r := setup(append(restore, "--json")...)
	s := strictly[docStatus](t, r.stdout)
	if r.code != 0 || s.Identity == nil || s.Identity.Email != emailOf("bob") || !s.Backup {
		t.Errorf("exit %d: %+v\n%s", r.code, s, r.stderr)
	}
	if err := os.Remove(w.path("desk/organization.pin")); err != nil {
		t.Fatal(err)
	}
	w.checkFailure(classUsage, setup("--store", w.path("firm")), nil, "hint: give --restore FILE")
	if r := setup(restore...); r.code != 0 || !strings.Contains(r.stderr, "You have one that was rehearsed.") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if list := w.run("bob", "device", "list").stdout; strings.Count(list, "study") != 1 {
		t.Errorf("%s", list)
	}
	for _, args := range [][]string{{"--firm", "x"}, {"--name", "x"}, {"--pair", "x"}, {"--invitation", "x"}} {
		w.fails(classUsage, "new", append([]string{"setup", "--restore", "@bob.age"}, args...), "alone")
	}
	w.absent("new")
}
