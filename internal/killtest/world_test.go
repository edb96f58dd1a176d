package killtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/agent"
	"github.com/underseal/underseal/keyring/keystore"
)

// programs builds both programs once; it returns the folder they are in.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "us-programs-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", dir,
		"github.com/underseal/underseal/cmd/underseal", "github.com/underseal/underseal/cmd/underseal-cliosim")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// The people of the simulated firm have the same emails in the organization.
const (
	alice = "alice@harbor.example"
	bob   = "bob@harbor.example"
	carol = "carol@harbor.example"
	dave  = "dave@harbor.example" // the oracle
)

// world is a folder with a simulated Clio, an organization of Alice, its
// officer, and whoever joined, each with a home and a connection.
type world struct {
	t        testing.TB
	dir      string
	programs string
	address  string
	token    string // of the oracle, which goes round Underseal
	env      []string
	sim      *exec.Cmd
	firm     struct {
		App    string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
}

// size says how large the firm is, and how it is served.
type size struct {
	seed              uint64
	matters, contacts int
	serve             []string // more flags
}

func newWorld(t testing.TB, s size) *world {
	t.Helper()
	bin, err := programs()
	must(t, err)
	// Not t.TempDir, whose name may be too long for a socket.
	dir, err := os.MkdirTemp("", "us") //nolint:usetesting // as said
	must(t, err)
	w := &world{t: t, dir: dir, programs: bin}
	t.Cleanup(func() {
		w.halt()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "underseal-cliosim"), "seed", "--data", w.path("clio.db"),
		"--seed", fmt.Sprint(s.seed), "--matters", fmt.Sprint(s.matters), "--contacts", fmt.Sprint(s.contacts)).Output()
	must(t, err)
	must(t, json.Unmarshal(out, &w.firm))
	w.write("client-secret", w.firm.Secret+"\n")
	w.serve(s.serve...)
	var issued struct {
		Access string `json:"access_token"`
	}
	w.admin(http.MethodPost, "token", map[string]any{"email": dave, "app": w.firm.App}, &issued)
	w.token = issued.Access
	return w
}

// serve starts the simulator, of which nothing limits the rate.
func (w *world) serve(flags ...string) {
	w.t.Helper()
	args := append([]string{"serve", "--data", w.path("clio.db"), "--rate-limit", "1000000", "--relaxed"}, flags...)
	w.sim = exec.Command(filepath.Join(w.programs, "underseal-cliosim"), args...)
	w.sim.Stderr = os.Stderr
	out, err := w.sim.StdoutPipe()
	must(w.t, err)
	must(w.t, w.sim.Start())
	first, err := bufio.NewReader(out).ReadString('\n')
	must(w.t, err)
	var said struct{ Address string }
	must(w.t, json.Unmarshal([]byte(first), &said))
	w.address = said.Address
}

// halt ends the simulator as SIGKILL does.
func (w *world) halt() {
	if w.sim != nil {
		_ = w.sim.Process.Kill()
		_ = w.sim.Wait() // killed, which is an error
	}
}

// again serves the same data at the same address in another way.
func (w *world) again(flags ...string) {
	w.t.Helper()
	w.halt()
	w.serve(append(flags, "--listen", strings.TrimPrefix(w.address, "http://"))...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, data string) {
	w.t.Helper()
	must(w.t, os.WriteFile(w.path(name), []byte(data), 0o600))
}

// command is a process of the program, as somebody types it.
func (w *world) command(who string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(w.programs, "underseal"), args...)
	c.Dir = w.dir
	c.Env = append(append(os.Environ(), w.env...), "UNDERSEAL_HOME="+w.path("home-"+who))
	return c
}

// result is what a process said.
type result struct {
	code           int
	stdout, stderr string
}

func (w *world) try(who string, args ...string) result {
	w.t.Helper()
	return w.wait(w.command(who, args...))
}

// wait runs a process to its end.
func (w *world) wait(c *exec.Cmd) result {
	w.t.Helper()
	return w.start(c)()
}

// start starts a process; what it returns waits for its end.
func (w *world) start(c *exec.Cmd) func() result {
	w.t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	must(w.t, c.Start())
	return func() result {
		err := c.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			w.t.Error(err)
		}
		return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
	}
}

func (w *world) run(who string, args ...string) result {
	w.t.Helper()
	r := w.try(who, args...)
	if r.code != 0 {
		w.t.Fatalf("%s: underseal %s: exit %d\n%s%s", who, strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// fails is a command that must fail with a code and name all of texts.
func (w *world) fails(code int, who string, args []string, texts ...string) {
	w.t.Helper()
	w.failed(code, w.try(who, args...), args, texts...)
}

func (w *world) failed(code int, r result, args []string, texts ...string) {
	w.t.Helper()
	if r.code != code || !strings.Contains(r.stderr, "hint: ") || strings.Contains(r.stderr, "panic") {
		w.t.Errorf("underseal %s: exit %d, want %d\n%s", strings.Join(args, " "), r.code, code, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			w.t.Errorf("underseal %s: %q is not in\n%s", strings.Join(args, " "), text, r.stderr)
		}
	}
}

// value is one value of a command's JSON.
func (w *world) value(who, key string, args ...string) string {
	w.t.Helper()
	var m map[string]any
	must(w.t, json.Unmarshal([]byte(w.run(who, append(args, "--json")...).stdout), &m))
	s, _ := m[key].(string)
	if s == "" {
		w.t.Fatalf("no %s", key)
	}
	return s
}

// found makes Alice's organization, and connects her to Clio.
func (w *world) found() {
	w.t.Helper()
	w.home("alice", alice)
	w.run("alice", "org", "new", "Harbor & Partners", "--store", "dir:"+w.path("firm"))
	w.connect("alice", alice)
}

// home makes an identity whose secret an agent within this process holds: a
// passphrase would cost a second each.
func (w *world) home(who, email string) {
	w.t.Helper()
	id, held, err := keyring.NewIdentity(who, email, "desk")
	must(w.t, err)
	home := w.path("home-" + who)
	must(w.t, os.Mkdir(home, 0o700))
	config, err := json.Marshal(map[string]any{"version": 1, "key_store": keystore.KindFile, "account": id.Device().String()})
	must(w.t, err)
	w.write("home-"+who+"/config.json", string(config))
	w.write("home-"+who+"/identity.cbor", string(id.Encode()))
	w.hold(who, held)
}

// hold is an agent within this process for somebody's home. It destroys the secret.
func (w *world) hold(who string, held *secret.Bytes) {
	w.t.Helper()
	home := w.path("home-" + who)
	socket, err := agent.SocketPath(home, os.Getenv("XDG_RUNTIME_DIR"))
	must(w.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	server, err := agent.Listen(ctx, agent.Config{Socket: socket, Lifetime: 2 * time.Hour})
	must(w.t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		defer held.Destroy()
		_ = server.Serve(ctx, held) // what goes wrong shows in the commands
	})
	w.t.Cleanup(func() {
		stop()
		serving.Wait()
	})
}

// officer makes somebody an officer, with a connection and a token of their own.
func (w *world) officer(who, email string) {
	w.t.Helper()
	w.join(who, email, "officer")
	w.connect(who, email)
}

// join lets somebody into Alice's organization.
func (w *world) join(who, email, role string) {
	w.t.Helper()
	w.pin(who, email)
	w.run(who, "identity", "card", "--out", who+".card")
	w.run("alice", "member", "add", who+".card", "--role", role, "--safety-number", w.value(who, "safety_number", "identity", "show"))
}

// pin makes an identity on a device that knows Alice's organization.
func (w *world) pin(who, email string) {
	w.t.Helper()
	w.home(who, email)
	w.run(who, "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.value("alice", "fingerprint", "org", "show"))
}

// connect connects somebody's home to Clio, being their browser as well.
func (w *world) connect(who, email string) {
	w.t.Helper()
	if out, err := w.signIn(who, email); err != nil {
		w.t.Fatalf("connect: %v\n%s", err, out)
	}
}

// signIn is connect where it may be refused; flags win over the usual ones.
func (w *world) signIn(who, email string, flags ...string) (out string, err error) {
	c := w.command(who, append([]string{
		"clio", "connect", "--base-url", w.address, "--client-id", w.firm.App, "--client-secret-file", w.path("client-secret"),
		"--no-browser", "--port", "0",
	}, flags...)...)
	said, err := c.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := c.Start(); err != nil {
		return "", err
	}
	var all strings.Builder
	approved := error(nil)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		if page := strings.TrimSpace(lines.Text()); strings.HasPrefix(page, w.address+"/oauth/authorize") {
			approved = approve(w.t.Context(), page, email)
		}
	}
	return all.String(), errors.Join(approved, c.Wait())
}

// approve is what somebody does on Clio's page.
func approve(ctx context.Context, page, email string) error {
	u, err := url.Parse(page)
	if err != nil {
		return err
	}
	form := u.Query()
	form.Set("user", email)
	form.Set("decision", "approve")
	u.RawQuery = ""
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := http.DefaultClient.Do(r) // and follows to where the command waits
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }() // only read
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("approval: %s", a.Status)
	}
	_, err = io.Copy(io.Discard, a.Body)
	return err
}

// request asks the simulator, with the oracle's token.
func (w *world) request(method, path string, body, into any) {
	w.t.Helper()
	var in bytes.Buffer
	if body != nil {
		must(w.t, json.NewEncoder(&in).Encode(body))
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), method, w.address+path, &in)
	must(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.token)
	a, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer func() { _ = a.Body.Close() }() // only read
	answer, err := io.ReadAll(a.Body)
	must(w.t, err)
	if a.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s: %s", method, path, a.Status, answer)
	}
	if into != nil {
		must(w.t, json.Unmarshal(answer, into))
	}
}

// faults replaces what goes wrong in Clio.
func (w *world) faults(list ...map[string]any) {
	w.t.Helper()
	w.admin(http.MethodPut, "faults", map[string]any{"faults": append([]map[string]any{}, list...)}, nil)
}

// slow makes the answer to every write of a record take about 30 ms.
func slow() map[string]any {
	return map[string]any{"do": "slow", "after": true, "every": "3ms", "from": 1, "to": -1, "method": "PATCH", "route": "/api/v4/**"}
}

// edit is a person who changes a value in Clio's own pages.
func (w *world) edit(record, field int64, value any) {
	w.t.Helper()
	var found struct {
		Data struct {
			Values []struct {
				ID    json.RawMessage
				Field struct{ ID int64 } `json:"custom_field"`
			} `json:"custom_field_values"`
		}
	}
	path := fmt.Sprintf("/contacts/%d", record)
	w.request(http.MethodGet, "/api/v4"+path+"?fields=custom_field_values{id,custom_field}", nil, &found)
	change := map[string]any{"custom_field": map[string]any{"id": field}, "value": value}
	for _, v := range found.Data.Values {
		if v.Field.ID == field && string(v.ID) != "null" {
			change["id"] = v.ID
		}
	}
	w.person(http.MethodPatch, path, map[string]any{"custom_field_values": []any{change}})
}

// person is what somebody does in Clio's own pages.
func (w *world) person(method, path string, data any) {
	w.t.Helper()
	w.admin(http.MethodPost, "person", map[string]any{"email": bob, "method": method, "path": path, "data": data}, nil)
}

// admin asks the simulator for what Clio has no address for.
func (w *world) admin(method, what string, body, into any) {
	w.t.Helper()
	w.request(method, "/_sim/"+what, body, into)
}
