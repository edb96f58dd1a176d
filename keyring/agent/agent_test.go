package agent

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
)

// fakeClock stands still until it is told to go.
type fakeClock struct {
	mu      sync.Mutex
	now     time.Time
	running time.Duration
	waiting []waiter
}

type waiter struct {
	until time.Duration
	c     chan time.Time
}

func newClock() *fakeClock { return &fakeClock{now: time.Unix(1_800_000_000, 0)} }

func (f *fakeClock) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fakeClock) Running() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

func (f *fakeClock) After(d time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := waiter{until: f.running + d, c: make(chan time.Time, 1)}
	f.waiting = append(f.waiting, w)
	f.fire()
	return w.c
}

func (f *fakeClock) fire() {
	f.waiting = slices.DeleteFunc(f.waiting, func(w waiter) bool {
		if w.until > f.running {
			return false
		}
		w.c <- f.now
		return true
	})
}

// pass lets the two clocks go on, each by its own measure.
func (f *fakeClock) pass(now, running time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.running = f.now.Add(now), f.running+running
	f.fire()
}

type served struct {
	*Server
	clock  *fakeClock
	socket string
	done   <-chan error
}

// serve runs an agent for a minute of a clock that stands still.
func serve(t *testing.T, s *secret.Bytes) *served {
	t.Helper()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	clock := newClock()
	server, err := Listen(t.Context(), Config{Socket: socket, Lifetime: time.Minute, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		done <- server.Serve(ctx, s)
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return &served{Server: server, clock: clock, socket: socket, done: done}
}

// shortDir is a directory whose path leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "us") //nolint:usetesting // t.TempDir has the test's whole name in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func mustDial(t *testing.T, socket string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkEnded waits for the end of an agent and looks at what it left.
func (s *served) checkEnded(t *testing.T) {
	t.Helper()
	if err := <-s.done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := os.Lstat(s.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := Dial(t.Context(), s.socket); !errors.Is(err, ErrNotRunning) {
		t.Errorf("dial after the end: %v", err)
	}
	if s.secret != nil {
		t.Error("the agent still has a secret")
	}
}

func TestHoldAndLock(t *testing.T) {
	t.Parallel()
	one, two := secret.Random(SecretSize), secret.Random(SecretSize)
	a := serve(t, one)
	one = one.Clone()
	c := mustDial(t, a.socket)
	for range 3 {
		if got, err := c.Secret(t.Context()); err != nil || !got.Equal(one) {
			t.Fatalf("secret: %v", err)
		}
	}
	if left, err := c.Status(t.Context()); err != nil || left != time.Minute {
		t.Errorf("status: %v, %v", left, err)
	}
	a.clock.pass(30*time.Second+time.Millisecond, 30*time.Second+time.Millisecond)
	if left, err := c.Status(t.Context()); err != nil || left != 30*time.Second {
		t.Errorf("status later: %v, %v", left, err)
	}
	if err := c.Put(t.Context(), two, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Secret(t.Context()); err != nil || !got.Equal(two) {
		t.Errorf("secret after put: %v", err)
	}
	if left, err := c.Status(t.Context()); err != nil || left != time.Hour {
		t.Errorf("status after put: %v, %v", left, err)
	}

	a.mu.Lock()
	memory := a.secret.Expose()
	a.mu.Unlock()
	if err := c.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(memory, make([]byte, SecretSize)) {
		t.Error("the secret was not overwritten before lock returned")
	}
	// Lock has returned, so the place is free at once.
	next, err := Listen(t.Context(), Config{Socket: a.socket, Lifetime: time.Minute})
	if err != nil {
		t.Fatalf("the next agent: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := next.Serve(ctx, two); err != nil {
		t.Error(err)
	}
	a.checkEnded(t)
	for name, err := range map[string]error{
		"lock": c.Lock(t.Context()), "put": c.Put(t.Context(), two, time.Hour),
	} {
		if !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	for name, steps := range map[string][][2]time.Duration{
		"both clocks":                   {{60 * s, 60 * s}},
		"in steps":                      {{59 * s, 59 * s}, {999 * ms, 999 * ms}, {ms, ms}},
		"asleep for an hour":            {{time.Hour, 0}, {10 * s, 10 * s}},
		"set back again and again":      {{-time.Hour, 20 * s}, {-time.Hour, 20 * s}, {-time.Hour, 20 * s}},
		"set back, then asleep":         {{-time.Hour, 30 * s}, {2 * time.Hour, 10 * s}},
		"set forward without any sleep": {{61 * s, ms}, {10 * s, 10 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := secret.Random(SecretSize)
			a := serve(t, held)
			c := mustDial(t, a.socket)
			for i, step := range steps {
				if i > 0 && name != "asleep for an hour" && name != "set forward without any sleep" {
					if got, err := c.Secret(t.Context()); err != nil || !got.Equal(held) {
						t.Fatalf("step %d: %v", i, err)
					}
				}
				a.clock.pass(step[0], step[1])
			}
			a.checkEnded(t)
		})
	}
}

// Whoever asks after a sleep gets nothing, even before a timer has noticed.
func TestExpiredBeforeTheTimer(t *testing.T) {
	t.Parallel()
	a := serve(t, secret.Random(SecretSize))
	c := mustDial(t, a.socket)
	a.clock.pass(time.Hour, 0)
	if _, err := c.Secret(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("secret: %v", err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status: %v", err)
	}
	if err := c.Put(t.Context(), secret.Random(SecretSize), time.Hour); !errors.Is(err, ErrNotRunning) {
		t.Errorf("put: %v", err)
	}
}

// A new lifetime counts from the put, whether shorter or longer.
func TestPutRenews(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	c := mustDial(t, a.socket)
	for range 5 {
		a.clock.pass(59*time.Second, 59*time.Second)
		if err := c.Put(t.Context(), held, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Put(t.Context(), held, time.Second); err != nil {
		t.Fatal(err)
	}
	a.clock.pass(time.Second, time.Second)
	a.checkEnded(t)
}

func TestEndsWithContextAndWithoutSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	server, err := Listen(t.Context(), Config{Socket: socket, Lifetime: MaxLifetime, Clock: newClock()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, secret.Random(SecretSize)) }()
	mustDial(t, socket)
	cancel()
	(&served{Server: server, socket: socket, done: done}).checkEnded(t)

	a := serve(t, secret.Random(SecretSize))
	mustDial(t, a.socket)
	if err := os.RemoveAll(filepath.Dir(a.socket)); err != nil {
		t.Fatal(err)
	}
	a.clock.pass(lookTime, lookTime)
	a.checkEnded(t)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	c := mustDial(t, a.socket)
	for _, d := range []time.Duration{0, -time.Second, time.Second - 1, MaxLifetime + 1} {
		if err := c.Put(t.Context(), held, d); !errors.Is(err, ErrLifetime) {
			t.Errorf("put for %v: %v", d, err)
		}
		if _, err := Listen(t.Context(), Config{Socket: a.socket, Lifetime: d}); !errors.Is(err, ErrLifetime) {
			t.Errorf("listen for %v: %v", d, err)
		}
		if err := Unlock(t.Context(), a.socket, d, Command{}, held); !errors.Is(err, ErrLifetime) {
			t.Errorf("unlock for %v: %v", d, err)
		}
	}
	for _, n := range []int{0, 31, 33} {
		s := secret.Random(n)
		if c.Put(t.Context(), s, time.Minute) == nil || Start(t.Context(), Command{}, s) == nil ||
			Unlock(t.Context(), a.socket, time.Minute, Command{}, s) == nil {
			t.Errorf("a secret of %d bytes is accepted", n)
		}
		server, err := Listen(t.Context(), Config{Socket: filepath.Join(shortDir(t), "a", "s"), Lifetime: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if server.Serve(t.Context(), s) == nil {
			t.Errorf("a secret of %d bytes is served", n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Secret(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if got, err := c.Secret(t.Context()); err != nil || !got.Equal(held) {
		t.Errorf("after all this: %v", err)
	}
}

func TestTwoAgentsAtOnce(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	if _, err := Listen(t.Context(), Config{Socket: a.socket, Lifetime: time.Minute}); !errors.Is(err, ErrRunning) {
		t.Fatalf("a second agent: %v", err)
	}
	if got, err := mustDial(t, a.socket).Secret(t.Context()); err != nil || !got.Equal(held) {
		t.Errorf("the first agent afterwards: %v", err)
	}
}

// A socket whose agent was killed is neither answered nor in the way.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nothing there: %v", err)
	}
	if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a stale socket: %v", err)
	}
	server, err := Listen(t.Context(), Config{Socket: socket, Lifetime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Serve(ctx, secret.Random(SecretSize)); err != nil {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	var wg sync.WaitGroup
	for range 4 * maxConnections {
		wg.Go(func() {
			c := Client{socket: a.socket}
			if got, err := c.Secret(t.Context()); err != nil || !got.Equal(held) {
				t.Errorf("secret: %v", err)
			}
		})
	}
	wg.Wait()
	// All say lock; each hears that it is locked, or finds it so.
	for range 4 * maxConnections {
		wg.Go(func() {
			c := Client{socket: a.socket}
			if err := c.Lock(t.Context()); err != nil && !errors.Is(err, ErrNotRunning) {
				t.Errorf("lock: %v", err)
			}
		})
	}
	wg.Wait()
	a.checkEnded(t)
}

// raw sends bytes as they are and returns what comes back until the end.
func raw(t *testing.T, socket string, b []byte) []byte {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	_, _ = got.ReadFrom(conn) // a reset is an end too
	return got.Bytes()
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	held := secret.Random(SecretSize)
	a := serve(t, held)
	get := (&message{verb: opGet}).encode()
	with := func(i int, b byte) []byte {
		m := bytes.Clone(get)
		m[i] = b
		return m
	}
	for name, b := range map[string][]byte{
		"nothing": {}, "version alone": get[:1], "one byte short": get[:len(get)-1],
	} {
		if got := raw(t, a.socket, b); len(got) != 0 {
			t.Errorf("%s: answered %x", name, got)
		}
	}
	for name, c := range map[string]struct {
		request []byte
		say     byte
	}{
		"well formed":           {get, sayDone},
		"verb 0":                {with(1, 0), sayProtocol},
		"verb 5":                {with(1, 5), sayProtocol},
		"verb 255":              {with(1, 255), sayProtocol},
		"get with a lifetime":   {with(5, 1), sayProtocol},
		"get with a secret":     {with(37, 1), sayProtocol},
		"put without lifetime":  {with(1, opPut), sayRefused},
		"put for too long":      {(&message{verb: opPut, seconds: 86401}).encode(), sayRefused},
		"put for the longest":   {(&message{verb: opPut, seconds: 1<<32 - 1}).encode(), sayRefused},
		"something behind it":   {append(bytes.Clone(get), 1, 2, 3), sayDone},
		"status with a secret":  {(&message{verb: opStatus, secret: [32]byte{1}}).encode(), sayProtocol},
		"lock with a lifetime":  {(&message{verb: opLock, seconds: 1}).encode(), sayProtocol},
		"well formed afterward": {get, sayDone},
	} {
		got := raw(t, a.socket, c.request)
		if len(got) != messageSize || got[1] != c.say {
			t.Errorf("%s: answered %x", name, got)
			continue
		}
		if has := bytes.Contains(got, held.Expose()); has != (c.say == sayDone) {
			t.Errorf("%s: the answer holds the secret: %v", name, has)
		}
	}
	// Another version ends the agent: fail closed.
	got := raw(t, a.socket, with(0, 2))
	if len(got) != messageSize || bytes.Contains(got, held.Expose()) {
		t.Errorf("another version: answered %x", got)
	}
	a.checkEnded(t)
}

func TestAgentOfAnotherVersion(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "agent", "socket")
	if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for name, c := range map[string]struct {
		reply []byte
		want  error
	}{
		"another version":   {append([]byte{2}, make([]byte, messageSize-1)...), ErrNotRunning},
		"half a reply":      {[]byte{protocolVersion, sayDone}, ErrNotRunning},
		"unknown word":      {append([]byte{protocolVersion, 9}, make([]byte, messageSize-2)...), ErrProtocol},
		"does not get it":   {(&message{verb: sayProtocol}).encode(), ErrProtocol},
		"refuses":           {(&message{verb: sayRefused}).encode(), ErrLifetime},
		"its time is over":  {(&message{verb: sayLocked}).encode(), ErrNotRunning},
		"hangs up at once":  {nil, ErrNotRunning},
		"the right version": {(&message{verb: sayDone, seconds: 3}).encode(), nil},
	} {
		go func() {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, messageSize))
			_, _ = conn.Write(c.reply)
			_ = conn.Close()
		}()
		if _, err := Dial(t.Context(), socket); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), messageSize, messageSize).Draw(t, "message")
		b[0] = protocolVersion
		m, err := decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.encode(), b) {
			t.Fatal("decoded and encoded, another message")
		}
	})
	for n := range 2 * messageSize {
		if _, err := decode(append([]byte{protocolVersion}, make([]byte, n)...)); (err == nil) != (n+1 == messageSize) {
			t.Errorf("%d bytes: %v", n+1, err)
		}
	}
}

func TestSocketPath(t *testing.T) {
	t.Parallel()
	long := filepath.Join(shortDir(t), strings.Repeat("x", 90))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(filepath.Dir(long), strings.Repeat("y", 90))
	if err := os.Symlink(long, alias); err != nil {
		t.Fatal(err)
	}
	if got, err := SocketPath("/srv/u/.underseal", "/run/user/1"); err != nil || got != "/srv/u/.underseal/agent/socket" {
		t.Errorf("short: %s, %v", got, err)
	}
	got, err := SocketPath(long, "/run/user/1")
	if err != nil || filepath.Dir(filepath.Dir(got)) != "/run/user/1" || len(got) > maxSocketPath {
		t.Errorf("long: %s, %v", got, err)
	}
	if other, err := SocketPath(alias, "/run/user/1"); err != nil || other != got {
		t.Errorf("by another name: %s, %v", other, err)
	}
	if other, err := SocketPath(long+"x", "/run/user/1"); err != nil || other == got {
		t.Errorf("another home: %s, %v", other, err)
	}
	for name, dir := range map[string]string{"none": "", "relative": "run", "long too": "/run/" + strings.Repeat("r", 80)} {
		if got, err := SocketPath(long, dir); !errors.Is(err, ErrPath) {
			t.Errorf("runtime directory %s: %s, %v", name, got, err)
		}
	}
}
