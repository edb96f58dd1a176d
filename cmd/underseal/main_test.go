package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/agent"
	"github.com/underseal/underseal/keyring/keystore"
)

// TestMain makes this test binary answer as "underseal" too, so that scripts
// and tests start it as the program it is.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "underseal" {
		detachTerminal() // nobody is to be asked, whoever runs the tests
	}
	exe, err := os.Executable()
	if err == nil {
		var f *os.File
		if f, err = os.Open(exe); err == nil {
			_ = f.Close() // only tried
		}
	}
	if err != nil {
		// Another user runs one test (testenv.Unprivileged) and cannot copy
		// the program.
		os.Exit(m.Run())
	}
	testscript.Main(m, map[string]func(){
		"underseal": func() { os.Exit(mainRun()) },
		"xdg-open":  func() { os.Exit(browserMain()) }, "open": func() { os.Exit(browserMain()) },
	})
}

// holder keeps the agents of a test's homes, within the test's own process: a
// home that is unlocked so costs no second of scrypt.
type holder struct {
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func newHolder() (*holder, context.Context) {
	ctx, stop := context.WithCancel(context.Background())
	return &holder{stop: stop}, ctx
}

func (h *holder) close() {
	h.stop()
	h.wg.Wait()
}

// lockAll ends the agents that commands have started for homes below a folder.
func lockAll(dir string) error {
	return filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.Mode().Type() != os.ModeSocket {
			return nil //nolint:nilerr // it is gone already
		}
		c, err := agent.Dial(context.Background(), path)
		if err != nil {
			return nil //nolint:nilerr // nobody answers
		}
		return c.Lock(context.Background())
	})
}

// makeHome makes an identity in a home whose key store holds nothing: only the
// agent has the secret, and whoever called, who destroys it.
func (h *holder) makeHome(ctx context.Context, home, name, email string) (*secret.Bytes, error) {
	id, s, err := keyring.NewIdentity(name, email, "desk")
	if err != nil {
		return nil, err
	}
	c, err := json.Marshal(config{Version: configVersion, KeyStore: keystore.KindFile, Account: id.Device().String()})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(homeDir(home).Save(configFile, c), homeDir(home).Save(identityFile, id.Encode())); err != nil {
		return nil, err
	}
	return s, h.hold(ctx, home, s)
}

// hold unlocks a home.
func (h *holder) hold(ctx context.Context, home string, s *secret.Bytes) error {
	path, err := agent.SocketPath(home, os.Getenv("XDG_RUNTIME_DIR"))
	if err != nil {
		return err
	}
	server, err := agent.Listen(ctx, agent.Config{Socket: path, Lifetime: time.Hour})
	if err != nil {
		return err
	}
	held := s.Clone()
	h.wg.Go(func() {
		defer held.Destroy()
		_ = server.Serve(ctx, held) // what goes wrong shows in the commands
	})
	return nil
}

const passphrase = "correct horse battery staple"

// people are who tests and scripts are about: an officer, a member of whom she
// makes one, and somebody whom nobody lets in.
var people = []struct{ who, name string }{{"alice", "Alice Officer"}, {"bob", "Bob Member"}, {"eve", "Eve Outsider"}}

func emailOf(who string) string { return who + "@example.com" }

// world is a folder with a home for each person, each unlocked, and the
// commands they type, run within the test's process.
type world struct {
	t   *testing.T
	dir string
	now func() time.Time

	browse  func(ctx context.Context, address string) error
	secrets []string // of the devices
	known   string   // the fingerprint of what found founded

	holder *holder
	ctx    context.Context
}

func newWorld(t *testing.T) *world {
	t.Helper()
	// Not t.TempDir, whose name may be too long for a socket.
	dir, err := os.MkdirTemp("", "us") //nolint:usetesting // as said
	if err != nil {
		t.Fatal(err)
	}
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, ctx := newHolder()
	w := &world{t: t, dir: dir, now: time.Now, holder: h, ctx: ctx}
	t.Cleanup(func() {
		h.close()
		if err := errors.Join(lockAll(dir), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	for _, p := range people {
		w.person(p.who, p.name, emailOf(p.who))
	}
	return w
}

// person makes a home, unlocked.
func (w *world) person(home, name, email string) {
	w.t.Helper()
	s, err := w.holder.makeHome(w.ctx, w.path(home), name, email)
	if err != nil {
		w.t.Fatal(err)
	}
	w.secrets = append(w.secrets, string(s.Expose()))
	s.Destroy()
}

func (w *world) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string
}

// try runs a command as somebody; arguments that begin with "@" are files of
// the world.
func (w *world) try(who string, args ...string) result { return w.tryWith(who, nil, args...) }

func (w *world) tryWith(who string, stdin io.Reader, args ...string) result {
	w.t.Helper()
	return w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path(who)}, stdin, args...)
}

func (w *world) tryEnv(env map[string]string, stdin io.Reader, args ...string) result {
	w.t.Helper()
	if _, ok := env["XDG_RUNTIME_DIR"]; !ok {
		env["XDG_RUNTIME_DIR"] = os.Getenv("XDG_RUNTIME_DIR")
	}
	in, err := os.Open(os.DevNull)
	if stdin != nil {
		var write *os.File
		if in, write, err = os.Pipe(); err == nil {
			go func() {
				_, _ = io.Copy(write, stdin)
				_ = write.Close()
			}()
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var out, errs bytes.Buffer
	a := &app{stdin: in, stdout: &out, stderr: &errs, getenv: func(k string) string { return env[k] }, now: w.now, browse: w.browse}
	code := run(w.t.Context(), a, w.paths(args))
	return result{code, out.String(), errs.String()}
}

// run is a command that must succeed.
func (w *world) run(who string, args ...string) result {
	w.t.Helper()
	r := w.try(who, args...)
	if r.code != 0 {
		w.t.Fatalf("%s: underseal %s: exit %d\n%s", who, strings.Join(args, " "), r.code, r.stderr)
	}
	return r
}

// fails is a command that must fail with a code, say nothing on standard
// output, and one line with a hint on standard error, which has all of texts.
func (w *world) fails(c class, who string, args []string, texts ...string) result {
	w.t.Helper()
	r := w.try(who, args...)
	w.checkFailure(c, r, args, texts...)
	return r
}

func (w *world) checkFailure(c class, r result, args []string, texts ...string) {
	w.t.Helper()
	command := "underseal " + strings.Join(args, " ")
	if r.code != c.code {
		w.t.Errorf("%s: exit %d, want %d (%s)\n%s", command, r.code, c.code, c.name, r.stderr)
	}
	if r.stdout != "" {
		w.t.Errorf("%s: standard output: %q", command, r.stdout)
	}
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "warning: ") {
		lines = lines[1:]
	}
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "underseal: ") || !strings.HasPrefix(lines[1], "hint: ") {
		w.t.Errorf("%s: not one line and a hint:\n%s", command, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			w.t.Errorf("%s: %q is not in\n%s", command, text, r.stderr)
		}
	}
}

// found makes Alice's organization in the world's folder "firm", with Bob as a
// member who reads phone and address of the fields phone, address, birthday.
// Eve has joined and waits for ever.
func (w *world) found() {
	w.t.Helper()
	w.run("alice", "org", "new", "Example LLP", "--store", "dir:"+w.path("firm"))
	w.known = w.fingerprint()
	for _, who := range []string{"bob", "eve"} {
		w.run(who, "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	}
	w.run("bob", "identity", "card", "--out", "@bob.card")
	w.run("alice", "member", "add", "@bob.card", "--role", "member", "--safety-number", w.safetyNumber("bob"))
	for _, f := range []string{"phone", "address", "birthday"} {
		w.run("alice", "field", "new", f)
	}
	for _, f := range []string{"phone", "address"} {
		w.run("alice", "field", "grant", f, "--to", emailOf("bob"))
	}
}

func (w *world) fingerprint() string {
	w.t.Helper()
	var o struct{ Fingerprint string }
	w.decode(w.run("alice", "org", "show", "--json").stdout, &o)
	return o.Fingerprint
}

func (w *world) safetyNumber(who string) string {
	w.t.Helper()
	var o struct {
		Number string `json:"safety_number"`
	}
	w.decode(w.run(who, "identity", "show", "--json").stdout, &o)
	return o.Number
}

func (w *world) decode(text string, v any) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
}

func (w *world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// absent fails if a file is there, or a temporary one beside it.
func (w *world) absent(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if _, err := os.Lstat(w.path(name)); err == nil {
			w.t.Errorf("%s was written", name)
		}
	}
	w.noTemporary(w.dir)
}

// noTemporary fails if a program that has ended left a file behind.
func (w *world) noTemporary(dir string) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, ".underseal-*"))
	if err != nil || len(found) > 0 {
		w.t.Errorf("left behind: %v %v", found, err)
	}
}

// contents reads everything below a folder, to be compared with itself later.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(all), err)
	}
	return all
}

// peopleCSV is a small file of people, as a spreadsheet program writes it.
func peopleCSV(rows int) string {
	var b strings.Builder
	b.WriteString("id,name,phone,address,birthday\r\n")
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&b, "p%d,Name %d,555-%04d,\"%d Main St, \"\"Springfield\"\"\",1970-01-%02d\r\n", i, i, i, i, i%28+1)
	}
	return b.String()
}

// command is a process of the program, without a terminal.
func (w *world) command(env []string, args ...string) *exec.Cmd {
	w.t.Helper()
	path, err := exec.LookPath("underseal")
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(w.t.Context()), path, w.paths(args)...)
	cmd.Dir = w.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TERM=dumb", "XDG_RUNTIME_DIR=" + os.Getenv("XDG_RUNTIME_DIR"),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=" + w.path("no-bus"), // no keyring answers
	}, env...)
	if testing.CoverMode() != "" { // where its counters go, about which it would complain
		w.mkdir("cover")
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+w.path("cover"))
	}
	return cmd
}

// paths makes arguments that begin with "@" files of the world.
func (w *world) paths(args []string) []string {
	args = append([]string(nil), args...)
	for i, a := range args {
		if rest, ok := strings.CutPrefix(a, "@"); ok {
			args[i] = w.path(rest)
		}
	}
	return args
}
