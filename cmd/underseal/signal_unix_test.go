//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// fed is a process of the program that reads what the test gives it.
type fed struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	errors bytes.Buffer
	result chan error
}

func (w *world) feed(who string, args ...string) *fed {
	w.t.Helper()
	f := &fed{t: w.t, result: make(chan error, 1)}
	f.cmd = w.command([]string{"UNDERSEAL_HOME=" + w.path(who)}, args...)
	var err error
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	f.cmd.Stderr = &f.errors
	if err := f.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { f.result <- f.cmd.Wait() }()
	return f
}

func (f *fed) gives(text string) {
	f.t.Helper()
	if _, err := io.WriteString(f.in, text); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fed) gets(s os.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fed) ends() *os.ProcessState {
	f.t.Helper()
	select {
	case err := <-f.result:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			f.t.Fatal(err)
		}
	case <-time.After(time.Minute):
		_ = f.cmd.Process.Kill()
		f.t.Fatal("it does not end")
	}
	_ = f.in.Close() // it may be closed already
	return f.cmd.ProcessState
}

// waitTemporary waits until the output grows, and returns its temporary file.
func (w *world) waitTemporary(atLeast int64) string {
	w.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		found, err := filepath.Glob(w.path(".underseal-*.tmp"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, name := range found {
			if info, err := os.Stat(name); err == nil && info.Size() >= atLeast {
				return name
			}
		}
		pause()
	}
	w.t.Fatal("there is no output in the making")
	return ""
}

// pause gives another process the processor.
func pause() { <-time.After(time.Millisecond) }

// Ended in the middle, seal and open leave no output and nothing temporary;
// killed in the middle, they leave no output; and the next run works as if
// nothing had been (attack 51).
func TestAttack51Ended(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(20_000))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone", "--column", "address")

	commands := map[string][]string{
		"seal": {"--record-id", "id", "--column", "phone"},
		"open": {"--record-id", "id"},
	}
	for name, args := range commands {
		input := w.read("people.csv")
		made := int64(len(input)) // no output is shorter
		if name == "open" {
			input = w.read("sealed.csv")
		}
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
			for _, at := range []struct {
				what  string
				given int   // bytes of the input
				made  int64 // bytes of the output to wait for
			}{
				{"before the first byte", 0, 0},
				{"within the header", 10, 0},
				{"in the middle", len(input) / 2, made / 8},
				{"before the end", len(input), made / 2},
			} {
				for _, existing := range []bool{false, true} {
					what := fmt.Sprintf("%s, %v %s, output exists: %t", name, s, at.what, existing)
					out := "out.csv"
					w.remove(out)
					more := []string{name, "-", "--format", "csv", "--out", "@" + out}
					if existing {
						w.write(out, "precious")
						more = append(more, "--force")
					}
					f := w.feed("alice", append(more, args...)...)
					f.gives(input[:at.given])
					temporary := w.waitTemporary(at.made)
					f.gets(s)
					state := f.ends()
					if s == syscall.SIGKILL {
						if state.Exited() {
							t.Errorf("%s: exit %d", what, state.ExitCode())
						}
						if err := os.Remove(temporary); err != nil { // all that is left
							t.Error(err)
						}
					} else if state.ExitCode() != classInterrupted.code || f.errors.String() != "underseal: interrupted\nhint: no output was written; run it again\n" {
						t.Errorf("%s: exit %d: %q", what, state.ExitCode(), f.errors.String())
					}
					switch {
					case !existing:
						w.absent(out)
					case w.read(out) != "precious":
						t.Errorf("%s: the output was replaced", what)
					}
					w.noTemporary(w.dir)
				}
			}
		}
		// Nothing that was ended is in the way.
		w.remove("out.csv")
		f := w.feed("alice", append([]string{name, "-", "--format", "csv", "--out", "@out.csv"}, args...)...)
		f.gives(input)
		if err := f.in.Close(); err != nil {
			t.Fatal(err)
		}
		if state := f.ends(); state.ExitCode() != 0 {
			t.Errorf("%s: exit %d: %s", name, state.ExitCode(), f.errors.String())
		}
		if name == "open" && w.read("out.csv") != w.read("people.csv") {
			t.Error("opened to something else")
		}
	}
	w.run("alice", "log", "verify")
}

// Killed at some instant of its end, a command has written its output whole or
// not at all.
func TestAttack51KilledAtTheEnd(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(300))
	args := []string{"seal", "-", "--format", "csv", "--out", "@out.csv", "--force", "--record-id", "id", "--column", "phone"}
	input := w.read("people.csv")
	whole, none := 0, 0
	for i := range 24 {
		w.remove("out.csv")
		f := w.feed("alice", args...)
		f.gives(input)
		w.waitTemporary(0)
		if err := f.in.Close(); err != nil {
			t.Fatal(err)
		}
		for range i { // a little later each time
			pause()
		}
		if i < 23 { // the last one comes to its end, however slow the machine is
			_ = f.cmd.Process.Kill() // it may have ended
		}
		f.ends()
		text, err := os.ReadFile(w.path("out.csv"))
		switch {
		case err == nil && strings.Count(string(text), "us1.") == 300 && len(rawCells(string(text))) == 301:
			whole++
		case errors.Is(err, os.ErrNotExist):
			none++
		default:
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		left, err := filepath.Glob(w.path(".underseal-*.tmp"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range left {
			w.remove(filepath.Base(name))
		}
	}
	t.Logf("%d whole, %d none", whole, none)
	if whole == 0 {
		t.Error("no run came to its end")
	}
}

// Changes of the organization that are killed at some instant are made whole
// or not at all, and the store and the home serve as before.
func TestAttack51KilledChanges(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	made := 0
	for i := range 24 {
		f := w.feed("alice", "field", "new", fmt.Sprintf("field-%d", i))
		for range i {
			pause()
		}
		_ = f.cmd.Process.Kill() // it may have ended
		f.ends()
		w.run("alice", "log", "verify")
		if strings.Contains(w.run("alice", "field", "list").stdout, fmt.Sprintf("field-%d ", i)) {
			made++
		}
	}
	if fields := jsonOf[docFields](w, "alice", "field", "list"); len(fields.Fields) != 3+made {
		t.Errorf("%d fields, %d were made", len(fields.Fields), made)
	}
	w.run("alice", "field", "new", "last")
	w.run("bob", "field", "list")
	t.Logf("%d of 24 were made", made)
}

// A reader that goes away, of the messages or of the data, leaves no half
// output and does not stop a file from being written.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(5000))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close() // nobody listens
	defer func() { _ = write.Close() }()
	args := []string{"--record-id", "id", "--column", "phone"}

	cmd := w.command([]string{"UNDERSEAL_HOME=" + w.path("alice")}, append([]string{"seal", "@people.csv", "--out", "@out.csv"}, args...)...)
	cmd.Stderr, cmd.Stdout = write, write
	if err := cmd.Run(); err != nil {
		t.Errorf("without anybody to tell: %v", err)
	}
	if n := strings.Count(w.read("out.csv"), "us1."); n != 5000 {
		t.Errorf("%d tokens", n)
	}

	var messages bytes.Buffer
	cmd = w.command([]string{"UNDERSEAL_HOME=" + w.path("alice")}, append([]string{"seal", "@people.csv", "--out", "-"}, args...)...)
	cmd.Stderr, cmd.Stdout = &messages, write
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != classError.code || messages.Len() != 0 {
		t.Errorf("%v: %q", err, messages.String())
	}
	w.noTemporary(w.dir)
}

// What a crash prints shows no value and no secret.
func TestNothingShownByACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	var h hidden
	for _, s := range w.secrets {
		h.addDevice(s)
	}
	const phone = "tel-0123456789-secret"
	h.add("a phone number", phone)
	f := w.feed("alice", "seal", "-", "--format", "csv", "--out", "@out.csv", "--record-id", "id", "--column", "phone")
	f.gives("id,phone\n")
	for i := range 9000 {
		f.gives(fmt.Sprintf("r%d,%s\n", i, phone))
	}
	w.waitTemporary(1)
	f.gets(syscall.SIGQUIT)
	state := f.ends()
	if text := f.errors.String(); state.ExitCode() == 0 || !strings.Contains(text, "SIGQUIT: quit") {
		t.Errorf("%v: no crash: %.200s", state, text)
	}
	h.check(t, "a crash", f.errors.String())
	if _, err := os.Lstat(w.path("out.csv")); err == nil {
		t.Error("an output was written")
	}
}
