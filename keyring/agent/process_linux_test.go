package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

// TestMain is also the program that the tests start as an agent, or as a
// process of another user.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 {
		os.Exit(m.Run())
	}
	switch socket := os.Args[2]; os.Args[1] {
	case "agent":
		lifetime, err := time.ParseDuration(os.Args[3])
		if err == nil {
			err = Run(context.Background(), Config{Socket: socket, Lifetime: lifetime}, os.Stdin, os.Stdout)
		}
		if err != nil {
			os.Exit(1)
		}
	case "silent":
	case "hanging":
		_, _ = io.Copy(io.Discard, os.Stdin)
		select {}
	case "foreign client":
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = conn.Write((&message{verb: opGet}).encode())
		got, err := io.ReadAll(conn)
		fmt.Printf("uid %d got %d bytes, %v\n", os.Geteuid(), len(got), err != nil)
	case "foreign server":
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
		fmt.Println("listening", err)
		if err == nil {
			_, _ = io.Copy(io.Discard, os.Stdin)
			_ = l.Close()
		}
	default:
		os.Exit(m.Run())
	}
}

// self is this program by a name that other users may use: the folder that
// it was built in is closed to them.
const self = "/proc/self/exe"

func agentCommand(socket, lifetime string) Command {
	return Command{Path: self, Args: []string{"agent", socket, lifetime}}
}

// hold opens a connection to an agent and says nothing; the returned function
// waits for the agent to end it. pid is the agent's.
func hold(t *testing.T, socket string) (pid int, ended func()) {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			t.Error(err)
			return
		}
		pid = int(cred.Pid)
	}); err != nil {
		t.Fatal(err)
	}
	return pid, func() {
		t.Helper()
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	}
}

// free waits until no process has the agent's place.
func free(t *testing.T, socket string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(filepath.Dir(socket), "lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

func TestProcess(t *testing.T) { testProcess(t) }

// Root sees all; another user must not, of its own agent either.
func TestProcessUnprivileged(t *testing.T) { testenv.Unprivileged(t, testProcess) }

func testProcess(t *testing.T) {
	socket := filepath.Join(shortDir(t), "agent", "socket")
	held := secret.Random(SecretSize)
	// What this program was given open, as by a shell, and must not pass on.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	given, err := syscall.Dup(int(w.Fd())) // without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(t.Context(), agentCommand(socket, "10m"), held); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), syscall.Close(given)); err != nil {
		t.Fatal(err)
	}
	// The pipe ends: nobody holds its other end any more.
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the pipe: %d, %v", n, err)
	}
	c := mustDial(t, socket)
	if got, err := c.Secret(t.Context()); err != nil || !got.Equal(held) {
		t.Fatalf("secret: %v", err)
	}
	pid, ended := hold(t, socket)
	checkProcess(t, pid, held)
	checkModes(t, socket)
	if err := Start(t.Context(), agentCommand(socket, "10m"), held); !errors.Is(err, ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
	if err := c.Lock(t.Context()); err != nil {
		t.Error(err)
	}
	ended()
	if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

// checkProcess looks at what the system shows of the agent.
func checkProcess(t *testing.T, pid int, held *secret.Bytes) {
	t.Helper()
	proc := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if os.Geteuid() != 0 {
		// Closed to other programs of the same user, as its memory is.
		if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); !errors.Is(err, os.ErrPermission) {
			t.Errorf("its environment can be read: %v", err)
		}
	} else if env := proc("environ"); env != "" {
		t.Errorf("environment %q", env)
	}
	for _, form := range []string{
		string(held.Expose()), hex.EncodeToString(held.Expose()), base64.StdEncoding.EncodeToString(held.Expose()),
	} {
		if strings.Contains(strings.ToLower(proc("cmdline")), strings.ToLower(form)) {
			t.Errorf("the secret is among the arguments: %q", proc("cmdline"))
		}
	}
	// Fields behind the name in brackets: state, parent, group, session, terminal.
	stat := proc("stat")
	fields := strings.Fields(stat[strings.LastIndex(stat, ")"):])
	if fields[4] != strconv.Itoa(pid) || fields[5] != "0" {
		t.Errorf("session %s, terminal %s", fields[4], fields[5])
	}
	if limits := proc("limits"); !strings.Contains(limits, "Max core file size        0                    0") {
		t.Errorf("core files are allowed:\n%s", limits)
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); os.Geteuid() == 0 && cwd != "/" {
		t.Errorf("working directory %s, %v", cwd, err)
	}
}

func checkModes(t *testing.T, socket string) {
	t.Helper()
	for path, want := range map[string]os.FileMode{
		socket: 0o600 | os.ModeSocket, filepath.Dir(socket): 0o700 | os.ModeDir, filepath.Join(filepath.Dir(socket), "lock"): 0o600,
	} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, want %v (%v)", filepath.Base(path), info.Mode(), want, err)
		}
	}
}

func TestProcessEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lifetime string
		end      func(t *testing.T, pid int)
	}{
		"its time":  {"1s", func(*testing.T, int) {}},
		"SIGTERM":   {"10m", func(_ *testing.T, pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) }},
		"interrupt": {"10m", func(_ *testing.T, pid int) { _ = syscall.Kill(pid, syscall.SIGINT) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(shortDir(t), "agent", "socket")
			if err := Start(t.Context(), agentCommand(socket, c.lifetime), secret.Random(SecretSize)); err != nil {
				t.Fatal(err)
			}
			pid, ended := hold(t, socket)
			c.end(t, pid)
			ended()
			free(t, socket)
			if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left: %v", err)
			}
		})
	}
}

// An agent that is killed leaves its socket, and the next takes its place.
func TestProcessKilled(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	held, cmd := secret.Random(SecretSize), agentCommand(socket, "10m")
	for range 2 {
		if err := Unlock(t.Context(), socket, time.Minute, cmd, held); err != nil {
			t.Fatal(err)
		}
		pid, ended := hold(t, socket)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		ended()
		free(t, socket)
		if _, err := os.Lstat(socket); err != nil {
			t.Errorf("the socket is gone, so that this test shows nothing: %v", err)
		}
		if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrNotRunning) {
			t.Errorf("dial: %v", err)
		}
	}
}

// Of several unlocks at once all succeed, with one agent.
func TestUnlockAtOnce(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	held, cmd := secret.Random(SecretSize), agentCommand(socket, "10m")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := Unlock(t.Context(), socket, 10*time.Minute, cmd, held); err != nil {
				t.Errorf("unlock: %v", err)
			}
		})
	}
	wg.Wait()
	other := secret.Random(SecretSize)
	if err := Unlock(t.Context(), socket, 20*time.Minute, Command{}, other); err != nil {
		t.Fatal(err)
	}
	c := mustDial(t, socket)
	if got, err := c.Secret(t.Context()); err != nil || !got.Equal(other) {
		t.Errorf("secret: %v", err)
	}
	if left, err := c.Status(t.Context()); err != nil || left <= 10*time.Minute {
		t.Errorf("status: %v, %v", left, err)
	}
	if err := c.Lock(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	for name, c := range map[string]struct {
		cmd  Command
		says string
	}{
		"no such program": {Command{Path: filepath.Join(shortDir(t), "none")}, "no such file"},
		"says nothing":    {Command{Path: self, Args: []string{"silent", "x"}}, "said nothing"},
		"no such home":    {agentCommand(filepath.Join(shortDir(t), "none", "agent", "socket"), "1m"), "no such file"},
		"lifetime":        {agentCommand(filepath.Join(shortDir(t), "socket"), "25h"), "24h"},
	} {
		err := Start(t.Context(), c.cmd, held)
		if !errors.Is(err, ErrStart) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Start(ctx, Command{Path: self, Args: []string{"hanging", "x"}}, held); !errors.Is(err, context.Canceled) {
		t.Errorf("hanging: %v", err)
	}
}

// pipe is an end of one.
type pipe struct {
	bytes.Buffer
	closed bool
}

func (p *pipe) Close() error { p.closed = true; return nil }

func TestReceive(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, SecretSize - 1, SecretSize, SecretSize + 1, 1 << 16} {
		in := &pipe{}
		in.Write(bytes.Repeat([]byte{7}, n))
		s, err := receive(in)
		if !in.closed || (n == SecretSize) != (err == nil) || err != nil && !errors.Is(err, ErrStart) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if err == nil && !s.Equal(secret.New(bytes.Repeat([]byte{7}, n))) {
			t.Error("another secret came out")
		}
	}
}

// asNobody starts this program as the user nobody.
func asNobody(t *testing.T, what, socket string) *exec.Cmd {
	t.Helper()
	testenv.Require(t, "root", os.Geteuid() == 0, "run as root, to become another user")
	u, err := user.Lookup("nobody")
	testenv.Require(t, "the user nobody", err == nil, "add it")
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, what, socket)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return c
}

// Even where modes would let another user in, the agent does not answer.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	dir := filepath.Dir(a.socket)
	if got := raw(t, a.socket, (&message{verb: opGet}).encode()); !bytes.Contains(got, held.Expose()) {
		t.Fatalf("without the attack: %x", got)
	}
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Chmod(a.socket, 0o666)); err != nil {
		t.Fatal(err)
	}
	out, err := asNobody(t, "foreign client", a.socket).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "got 0 bytes") || strings.Contains(string(out), "uid 0") {
		t.Errorf("%v: %s", err, out)
	}
	// And its own client does not trust a directory that others can enter.
	if _, err := Dial(t.Context(), a.socket); !errors.Is(err, ErrForeign) {
		t.Errorf("an open directory: %v", err)
	}
}

// Another user makes the socket first and waits for secrets.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "root", os.Geteuid() == 0, "run as root, to become another user")
	dir := filepath.Join(shortDir(t), "agent")
	socket := filepath.Join(dir, "socket")
	if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	c := asNobody(t, "foreign server", socket)
	in, inErr := c.StdinPipe()
	out, outErr := c.StdoutPipe()
	if err := errors.Join(inErr, outErr, c.Start()); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 64)
	n, err := out.Read(said)
	if err != nil || !strings.HasPrefix(string(said[:n]), "listening <nil>") {
		t.Fatalf("%q, %v", said[:n], err)
	}
	refused := func(what string) {
		t.Helper()
		if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrForeign) {
			t.Errorf("dial, %s: %v", what, err)
		}
		if _, err := Listen(t.Context(), Config{Socket: socket, Lifetime: time.Minute}); !errors.Is(err, ErrForeign) {
			t.Errorf("listen, %s: %v", what, err)
		}
		if err := Unlock(t.Context(), socket, time.Minute, Command{}, secret.Random(SecretSize)); !errors.Is(err, ErrForeign) {
			t.Errorf("unlock, %s: %v", what, err)
		}
	}
	refused("a directory for everybody")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	refused("a socket of another user")
	if err := os.Chown(socket, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrForeign) {
		t.Errorf("dial, a process of another user: %v", err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	refused("a directory of another user")
	if err := errors.Join(in.Close(), c.Wait()); err != nil {
		t.Error(err)
	}
}

// What lies in the socket's place and is none is not removed.
func TestForeignThings(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(socket string) error{
		"a file":      func(s string) error { return os.WriteFile(s, []byte("precious"), 0o600) },
		"a directory": func(s string) error { return os.Mkdir(s, 0o700) },
	} {
		socket := filepath.Join(shortDir(t), "agent", "socket")
		if err := errors.Join(os.Mkdir(filepath.Dir(socket), 0o700), put(socket)); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(t.Context(), Config{Socket: socket, Lifetime: time.Minute}); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(socket); err != nil {
			t.Errorf("%s was removed: %v", name, err)
		}
	}
	dir := shortDir(t)
	if err := os.Symlink(dir, filepath.Join(dir, "agent")); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), Config{Socket: filepath.Join(dir, "agent", "socket"), Lifetime: time.Minute}); !errors.Is(err, ErrForeign) {
		t.Errorf("a link for a directory: %v", err)
	}
}
