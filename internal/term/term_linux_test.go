package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// person sits at the other end of a pseudo-terminal.
type person struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	seen   string // what the terminal has shown so far
}

func newPerson(t *testing.T) *person {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var ioErr error
	if err := raw.Control(func(fd uintptr) {
		ioErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		if ioErr == nil {
			n, ioErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil || ioErr != nil {
		t.Fatal(err, ioErr)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return &person{t: t, master: master, slave: slave}
}

// waitFor reads until the terminal has shown text.
func (p *person) waitFor(text string) {
	p.t.Helper()
	if err := p.master.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	buf := make([]byte, 256)
	for !strings.Contains(p.seen, text) {
		n, err := p.master.Read(buf)
		if err != nil {
			p.t.Fatalf("waiting for %q, seen %q: %v", text, p.seen, err)
		}
		p.seen += string(buf[:n])
	}
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := p.master.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) echo() bool {
	p.t.Helper()
	s, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return s.Lflag&unix.ECHO != 0
}

func (p *person) prompter() *Prompter {
	p.t.Helper()
	pr, err := Open(p.slave, p.slave)
	if err != nil {
		p.t.Fatal(err)
	}
	return pr
}

type answer[T any] struct {
	value T
	err   error
}

func start[T any](f func() (T, error)) <-chan answer[T] {
	c := make(chan answer[T], 1)
	go func() {
		v, err := f()
		c <- answer[T]{v, err}
	}()
	return c
}

func TestLine(t *testing.T) {
	p := newPerson(t)
	pr := p.prompter()
	c := start(func() (string, error) { return pr.Line(t.Context(), "your name?") })
	p.waitFor("your name? ")
	p.types("  Zoë Officer \n")
	if a := <-c; a.err != nil || a.value != "Zoë Officer" {
		t.Fatalf("%q, %v", a.value, a.err)
	}
	p.waitFor("Zoë Officer")
	// Two lines typed at once answer two questions.
	p.types("one\ntwo\n")
	for _, want := range []string{"one", "two"} {
		if got, err := pr.Line(t.Context(), "?"); err != nil || got != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func TestSecretIsNotShown(t *testing.T) {
	p := newPerson(t)
	c := start(func() (string, error) {
		s, err := p.prompter().Secret(t.Context(), "passphrase?")
		return string(s.Expose()), err
	})
	p.waitFor("passphrase? ")
	if p.echo() {
		t.Error("echo is on while a secret is asked for")
	}
	p.types(" correct horse \n")
	if a := <-c; a.err != nil || a.value != " correct horse " {
		t.Fatalf("%q, %v", a.value, a.err)
	}
	if !p.echo() {
		t.Error("echo stays off")
	}
	c = start(func() (string, error) { return p.prompter().Line(t.Context(), "next?") })
	p.waitFor("next? ")
	p.types("shown\n")
	if a := <-c; a.err != nil || a.value != "shown" {
		t.Fatalf("%q, %v", a.value, a.err)
	}
	p.waitFor("shown")
	if strings.Contains(p.seen, "horse") {
		t.Errorf("the terminal showed the secret: %q", p.seen)
	}
	if !strings.Contains(p.seen, "passphrase? \r\n") {
		t.Errorf("no new line after the hidden answer: %q", p.seen)
	}
}

func TestEndOfInput(t *testing.T) {
	const endOfFile = "\x04"
	p := newPerson(t)
	c := start(func() (string, error) {
		s, err := p.prompter().Secret(t.Context(), "passphrase?")
		return string(s.Expose()), err
	})
	p.waitFor("passphrase? ")
	p.types(endOfFile)
	if a := <-c; !errors.Is(a.err, ErrNoAnswer) {
		t.Errorf("%q, %v", a.value, a.err)
	}
	if !p.echo() {
		t.Error("echo stays off")
	}
}

func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  bool
		err   error
	}{
		{"y\n", true, nil}, {"YES\n", true, nil}, {"n\n", false, nil}, {"No\n", false, nil},
		{"\nperhaps\nyes\n", true, nil}, {"\n\n\n", false, ErrNoAnswer},
	} {
		p := newPerson(t)
		p.types(c.typed)
		got, err := p.prompter().Confirm(t.Context(), "go on?")
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %v, %v", c.typed, got, err)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  int
		err   error
	}{
		{"1\n", 0, nil}, {"2\n", 1, nil}, {"0\n3\n2\n", 1, nil}, {"x\n\n-1\n", 0, ErrNoAnswer},
	} {
		p := newPerson(t)
		p.types(c.typed)
		got, err := p.prompter().Choose(t.Context(), "which?", []string{"os", "a\u202eb"})
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %v, %v", c.typed, got, err)
		}
		p.waitFor(`2  a\u{202E}b`)
	}
}

func TestInterrupted(t *testing.T) {
	for name, interrupt := range map[string]func(*person, context.CancelFunc){
		"by the caller":   func(_ *person, cancel context.CancelFunc) { cancel() },
		"by SIGINT":       func(*person, context.CancelFunc) { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) },
		"by SIGTERM":      func(*person, context.CancelFunc) { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) },
		"not interrupted": func(p *person, _ context.CancelFunc) { p.types("hidden\n") },
	} {
		p := newPerson(t)
		ctx, cancel := context.WithCancel(t.Context())
		c := start(func() (string, error) {
			s, err := p.prompter().Secret(ctx, "passphrase?")
			return string(s.Expose()), err
		})
		p.waitFor("passphrase? ")
		interrupt(p, cancel)
		switch a := <-c; {
		case name == "not interrupted" && (a.err != nil || a.value != "hidden"):
			t.Errorf("%s: %q, %v", name, a.value, a.err)
		case name != "not interrupted" && !errors.Is(a.err, ErrInterrupted):
			t.Errorf("%s: %q, %v", name, a.value, a.err)
		}
		if !p.echo() {
			t.Errorf("%s: echo stays off", name)
		}
		cancel()
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", MaxAnswer)
	for _, c := range []struct {
		in, want, rest string
		err            error
	}{
		{"a\nb", "a", "b", nil}, {"a\r\n", "a", "", nil}, {"\n", "", "", nil},
		{long + "\n", long, "", nil}, {long + "x\nrest", "", "rest", ErrLongAnswer},
		{"half", "", "", ErrNoAnswer}, {"", "", "", ErrNoAnswer},
	} {
		r := bytes.NewBufferString(c.in)
		got, err := readLine(r)
		if string(got) != c.want || !errors.Is(err, c.err) || r.String() != c.rest {
			t.Errorf("%.20q: %.20q, %v, rest %.20q", c.in, got, err, r)
		}
	}
}

func TestOpenWithoutTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	p := newPerson(t)
	for name, f := range map[string][2]*os.File{
		"input": {r, p.slave}, "output": {p.slave, w}, "both": {r, w}, "none": {nil, nil},
	} {
		if _, err := Open(f[0], f[1]); !errors.Is(err, ErrNoTerminal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const childVariable = "UNDERSEAL_TEST_TERM_CHILD"

// TestMain runs this program as the child of TestOpenControlling.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	p, err := OpenControlling()
	if err != nil {
		fmt.Println(errors.Is(err, ErrNoTerminal))
		return
	}
	s, err := p.Secret(context.Background(), "passphrase?")
	fmt.Println(string(s.Expose()), err, p.Close())
}

// TestOpenControlling asks on the terminal while input and output are pipes,
// and finds nobody in a session without one.
func TestOpenControlling(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(t)
	var out bytes.Buffer
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childVariable+"=1")
	c.Stdout = &out
	c.ExtraFiles = []*os.File{p.slave}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("passphrase? ")
	p.types("typed\n")
	if err := c.Wait(); err != nil || out.String() != "typed <nil> <nil>\n" {
		t.Errorf("%v: %q", err, &out)
	}

	c = exec.Command(exe)
	c.Env = append(os.Environ(), childVariable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if got, err := c.Output(); err != nil || string(got) != "true\n" {
		t.Errorf("without a terminal: %v: %q", err, got)
	}
}
