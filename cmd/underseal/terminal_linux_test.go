package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/underseal/underseal/internal/testenv"
)

// detachTerminal takes the terminal away from this process and its children.
func detachTerminal() {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return // there is none
	}
	_ = unix.IoctlSetInt(int(tty.Fd()), unix.TIOCNOTTY, 0)
	_ = tty.Close()
}

// screen is a terminal with a program on it, and a person who types.
type screen struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	seen   string // all that was shown
	from   int    // how much of it expect has passed
}

// sit starts a command on a terminal of its own, which has no width.
func (w *world) sit(env []string, args ...string) *screen {
	w.t.Helper()
	return w.sitAt(0, env, args...)
}

// sitAt is sit on a terminal of so many columns.
func (w *world) sitAt(columns uint16, env []string, args ...string) *screen {
	w.t.Helper()
	return w.sitWith(columns, nil, env, args...)
}

// sitWith is sitAt with standard output in a file, unless that is nil.
func (w *world) sitWith(columns uint16, stdout *os.File, env []string, args ...string) *screen {
	w.t.Helper()
	s := &screen{t: w.t}
	var err error
	if s.master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.master.Close() })
	raw, err := s.master.SyscallConn()
	if err != nil {
		w.t.Fatal(err)
	}
	var n int
	var ioErr error
	if err := raw.Control(func(fd uintptr) {
		if ioErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioErr == nil {
			n, ioErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil || ioErr != nil {
		w.t.Fatal(err, ioErr)
	}
	if s.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.slave.Close() })
	if err := unix.IoctlSetWinsize(int(s.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: columns / 2, Col: columns}); err != nil {
		w.t.Fatal(err)
	}
	s.cmd = w.command(env, args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.slave, s.slave, s.slave
	if stdout != nil {
		s.cmd.Stdout = stdout
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

// expect waits until the terminal shows a text after what was expected before.
func (s *screen) expect(text string) {
	s.t.Helper()
	if err := s.master.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for !strings.Contains(s.seen[s.from:], text) {
		n, err := s.master.Read(buf)
		if err != nil {
			s.t.Fatalf("waiting for %q: %v; seen\n%s", text, err, s.seen)
		}
		s.seen += string(buf[:n])
	}
	s.from += strings.Index(s.seen[s.from:], text) + len(text)
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// restsInFile chooses a file under a passphrase for the secret of a device.
func (s *screen) restsInFile() {
	s.t.Helper()
	s.expect("Where shall it rest? (1 to 2)")
	s.types("1\n")
	s.expect("new passphrase for the key file")
	s.types(passphrase + "\n")
	s.expect("the same again:")
	s.types(passphrase + "\n")
}

// echo tells whether what is typed is shown.
func (s *screen) echo() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.slave.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// ends waits for the program and returns its exit code.
func (s *screen) ends() int {
	s.t.Helper()
	done := make(chan struct{})
	go func() { // what is still shown must be read, or the program would wait
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := s.master.Read(buf)
			s.seen += string(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	err := s.cmd.Wait()
	if !s.echo() {
		s.t.Error("the terminal was left without echo")
	}
	_ = s.slave.Close() // the other end reads the rest, and then an error
	<-done
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if state := s.cmd.ProcessState; !state.Exited() {
		s.t.Fatalf("%v; seen\n%s", state, s.seen)
	}
	return s.cmd.ProcessState.ExitCode()
}

// A new user sets up a device, is asked for everything, and mistypes.
func TestTerminalSetup(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	home := "UNDERSEAL_HOME=" + w.path("neu/Büro von Anna")
	s := w.sit([]string{home}, "setup")
	s.expect("How do you begin? (1 to 5)")
	s.types("6\n")
	s.expect("How do you begin? (1 to 5)")
	s.types("2\n")
	s.expect("Step 1 of 3: who you are.")
	s.expect("Your name:")
	s.types("\n")
	s.expect("it cannot be empty")
	s.expect("Your name:")
	s.types("Anna Büro\n")
	s.expect("Your email:")
	s.types("anna\n")
	s.expect("an email looks like name@example.com")
	s.expect("Your email:")
	s.types("anna@example.com\n")
	s.expect("No keyring of this system answers")
	s.expect("Where shall it rest? (1 to 2)")
	s.types("1\n")
	s.expect("new passphrase for the key file, at least 15 characters:")
	if s.echo() {
		t.Error("the passphrase is shown")
	}
	s.types("short\n")
	s.expect("at least 15 are needed")
	s.types(passphrase + "\n")
	s.expect("the same again:")
	s.types(passphrase + "\n")
	s.expect("Made your identity. Its secret is in a file under your passphrase.")
	s.expect("Step 2 of 3: your organization.")
	s.expect("Its name:")
	s.types("Große Kanzlei\n")
	s.expect("The folder where it shall rest")
	s.types("die firma\n")
	s.expect("founded Große Kanzlei")
	s.expect("store         dir:" + w.path("die firma"))
	s.expect("next: underseal unlock, so that commands do not ask for the passphrase each time")
	s.expect("next: underseal field new phone")
	s.expect("underseal setup --store 'dir:" + w.path("die firma") + "' --fingerprint underseal-org1")
	s.expect("Step 3 of 3: a backup.")
	s.expect("Which one? (1 to 3)")
	s.types("2\n")
	s.expect("The file to write")
	s.types("anna.age\n")
	s.expect("new passphrase for the backup, at least 15 characters:")
	s.types(passphrase + "\n")
	s.expect("the same again:")
	s.types(passphrase + "\n")
	s.expect("wrote anna.age")
	s.expect("Check it now?")
	s.types("yes\n")
	s.expect("passphrase of the backup:")
	s.types(passphrase + "\n")
	s.expect("opens your keys: it counts")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if strings.Contains(s.seen, passphrase) {
		t.Error("the passphrase was shown")
	}
	if n := strings.Count(s.seen, "passphrase of the key file:"); n != 0 {
		t.Errorf("asked for the passphrase again %d times", n)
	}

	// Again: it goes on where it stopped, which is at the end.
	s = w.sit([]string{home}, "setup")
	s.expect("Step 1 of 3: you are Anna Büro <anna@example.com> already.")
	s.expect("Step 2 of 3: this device belongs to an organization already.")
	s.expect("next: underseal status")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}

	// Unlocking asks once, without echo; a wrong passphrase is one line.
	s = w.sit([]string{home}, "unlock", "--for", "2m")
	s.expect("passphrase of the key file:")
	if s.echo() {
		t.Error("the passphrase is shown")
	}
	s.types("not the right one\n")
	s.expect("underseal: ")
	s.expect("wrong passphrase, or the key file is damaged")
	s.expect("hint: try again")
	if code := s.ends(); code != classLocked.code {
		t.Errorf("exit %d", code)
	}
	s = w.sit([]string{home}, "unlock", "--for", "2m")
	s.expect("passphrase of the key file:")
	s.types(passphrase + "\n")
	s.expect("unlocked for 2m; to lock at once: underseal lock")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	w.checkAgent(home)
	s = w.sit([]string{home}, "field", "new", "phone")
	s.expect("made field phone")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	s = w.sit([]string{home}, "status")
	s.expect("unlocked for ")
	s.ends()
	s = w.sit([]string{home}, "lock")
	s.expect("locked")
	s.ends()
	s = w.sit([]string{home}, "status")
	s.expect("in a file under your passphrase, locked")
	s.expect("next: underseal unlock")
	s.ends()

	// Ctrl-C at the prompt leaves a terminal that echoes.
	s = w.sit([]string{home}, "field", "list")
	s.expect("passphrase of the key file:")
	s.types("\x03")
	s.expect("underseal: interrupted")
	if code := s.ends(); code != classInterrupted.code {
		t.Errorf("exit %d", code)
	}
}

// checkAgent looks at what ps shows to everybody, and at what the process was
// given.
func (w *world) checkAgent(home string) {
	w.t.Helper()
	socket := strings.TrimPrefix(home, "UNDERSEAL_HOME=")
	found := 0
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range dirs {
		line, err := os.ReadFile("/proc/" + d.Name() + "/cmdline")
		if err != nil || !strings.Contains(string(line), socket) || !strings.Contains(string(line), "\x00agent\x00") {
			continue
		}
		found++
		env, err := os.ReadFile("/proc/" + d.Name() + "/environ")
		if err != nil {
			w.t.Error(err)
		}
		if want := regexp.MustCompile(`^[^\x00]+\x00agent\x00--socket\x00[^\x00]+\x00--for\x002m0s\x00$`); !want.Match(line) {
			w.t.Errorf("the agent's arguments: %q", line)
		}
		if len(env) != 0 {
			w.t.Errorf("the agent's environment: %q", env)
		}
	}
	if found != 1 {
		w.t.Errorf("%d agents", found)
	}
}

// Setup can stop and go on: no key store, an organization later, joined.
func TestTerminalSetupLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	home := []string{"UNDERSEAL_HOME=" + w.path("dora")}
	s := w.sit(home, "setup", "--name", "Dora", "--email", "dora@example.com")
	s.expect("Where shall it rest? (1 to 2)")
	s.types("2\n")
	s.expect("underseal: no key store")
	s.expect("hint: for a file under a passphrase: --key-store file")
	if code := s.ends(); code != classLocked.code {
		t.Errorf("exit %d", code)
	}
	w.absent("dora")

	w.person("dora", "Dora", "dora@example.com")
	s = w.sit(home, "setup")
	s.expect("you are Dora <dora@example.com> already")
	s.expect("What do you want? (1 to 4)")
	s.types("5\n")
	s.expect("What do you want? (1 to 4)")
	s.types("4\n")
	s.expect("next: underseal setup, when you are ready")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}

	s = w.sit(home, "setup")
	s.expect("you are Dora <dora@example.com> already")
	s.expect("What do you want? (1 to 4)")
	s.types("3\n")
	s.expect("Its fingerprint (underseal-org1…):")
	s.types("firm\n")
	s.expect("Its fingerprint (underseal-org1…):")
	s.types(w.known + "\n")
	s.expect("The folder where it rests")
	s.types(w.path("firm") + "\n")
	s.expect("waiting for an officer")
	s.expect("next: underseal identity card")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// The officer sees whose card it is and its number, and says no, nonsense, yes.
func TestTerminalMemberAdd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("eve", "identity", "card", "--out", "@eve.card")
	number := w.safetyNumber("eve")
	home := []string{"UNDERSEAL_HOME=" + w.path("alice")}
	for _, c := range []struct {
		answers []string
		class   class
		text    string
	}{
		{[]string{"no"}, classRefused, "underseal: not confirmed; nothing was changed"},
		{[]string{"", "perhaps", "sure"}, classUsage, "underseal: no answer: neither yes nor no"},
		{[]string{"Ja", "YES"}, classDone, "added Eve Outsider <eve@example.com> as member"},
	} {
		s := w.sit(home, "member", "add", "@eve.card", "--role", "member")
		s.expect("The card is of: Eve Outsider <eve@example.com>")
		groups := strings.Fields(number)
		s.expect(strings.Join(groups[:6], " "))
		s.expect(strings.Join(groups[6:], " "))
		for _, answer := range c.answers {
			s.expect("Did they read you exactly these digits? (yes or no)")
			s.types(answer + "\n")
		}
		s.expect(c.text)
		if code := s.ends(); code != c.class.code {
			t.Errorf("%v: exit %d", c.answers, code)
		}
		if listed := strings.Contains(w.run("alice", "member", "list").stdout, "Eve"); listed != (c.class == classDone) {
			t.Errorf("%v: listed: %t", c.answers, listed)
		}
	}
}

// A bar is shown on a terminal, for long work alone, and goes at its end.
func TestTerminalProgress(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("short.csv", peopleCSV(100))
	w.write("long.csv", peopleCSV(160_000))
	home := []string{"UNDERSEAL_HOME=" + w.path("alice")}
	args := []string{"--record-id", "id", "--column", "phone"}
	for _, c := range []struct {
		input string
		more  []string
		bar   bool
	}{
		{"long", nil, true},
		{"short", nil, false},
		{"long", []string{"--json"}, false},
	} {
		s := w.sit(home, append(append([]string{"seal", "@" + c.input + ".csv", "--out", "@out.csv", "--force"}, args...), c.more...)...)
		if code := s.ends(); code != 0 {
			t.Errorf("exit %d: %s", code, s.seen)
		}
		if got := strings.Contains(s.seen, "sealing") && strings.Contains(s.seen, "%"); got != c.bar {
			t.Errorf("%+v: a bar: %t\n%q", c, got, s.seen)
		}
		if lines := strings.Split(s.seen, "\n"); c.bar && !strings.HasPrefix(lastReturn(lines[0]), "phone: sealed") {
			t.Errorf("the bar stays: %q", lines[0])
		}
	}
	if r := w.run("alice", append([]string{"seal", "@long.csv", "--out", "@out.csv", "--force"}, args...)...); strings.Contains(r.stderr, "%") {
		t.Errorf("a bar without a terminal: %q", r.stderr)
	}
}

// lastReturn is what a line shows in the end.
func lastReturn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}
