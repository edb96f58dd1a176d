package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

// asProgram, in the environment, makes the test binary be the program.
const asProgram = "UNDERSEAL_CLIOSIM_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run runs the program within the test and returns what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot(&out)
	root.SetArgs(args)
	root.SetErr(&out)
	root.SetOut(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

// program is a running serve.
type program struct {
	cmd     *exec.Cmd
	address string
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"serve"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd}
	t.Cleanup(p.kill)
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v", err)
	}
	var said struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal([]byte(first), &said); err != nil || said.Address == "" {
		t.Fatalf("address %q: %v", first, err)
	}
	p.address = said.Address
	return p
}

// kill ends the program as SIGKILL does, and waits until it is gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	_ = p.cmd.Wait()         // killed, which is an error
}

// do sends a request and returns its status, 0 where no answer came.
func (p *program) do(ctx context.Context, token, method, path, body string) (int, string) {
	r, err := http.NewRequestWithContext(ctx, method, p.address+path, strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = a.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(a.Body); err != nil {
		return 0, ""
	}
	return a.StatusCode, text.String()
}

// firm seeds a file and returns its path and a token.
func firm(t *testing.T) (path, token string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "clio.db")
	must(t, "seed", "--data", path, "--matters", "8", "--contacts", "8")
	var tokens cliosim.Tokens
	if err := json.Unmarshal([]byte(must(t, "token", "--data", path, "--user", "alice@harbor.example")), &tokens); err != nil {
		t.Fatal(err)
	}
	return path, tokens.Access
}

// TestKilled writes from several clients at once, kills the program in the
// middle, and looks in its file for every write that was answered.
func TestKilled(t *testing.T) {
	t.Parallel()
	path, token := firm(t)
	const writers, enough = 4, 40
	for round := range 3 {
		p := start(t, "--data", path, "--rate-limit", "100000")
		var mu sync.Mutex
		answered := map[int]int{} // the last change of each matter that was answered
		total := 0
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for n := 1; ; n++ {
					body := fmt.Sprintf(`{"data":{"location":"%d.%d"}}`, round, n)
					status, _ := p.do(t.Context(), token, "PATCH", fmt.Sprintf("/api/v4/matters/%d", 20_000_001+i), body)
					if status != http.StatusOK {
						return
					}
					mu.Lock()
					answered[i] = n
					total++
					last := total == enough
					mu.Unlock()
					if last {
						_ = p.cmd.Process.Kill() // while the others write
					}
				}
			})
		}
		wg.Wait()
		p.kill()

		p = start(t, "--data", path)
		for i := range writers {
			_, got := p.do(t.Context(), token, "GET", fmt.Sprintf("/api/v4/matters/%d?fields=location", 20_000_001+i), "")
			n := 0
			if _, err := fmt.Sscanf(got, fmt.Sprintf(`{"data":{"location":"%d.%%d"}}`, round), &n); err != nil && answered[i] > 0 {
				t.Fatalf("round %d: %s: %v", round, got, err)
			}
			// One more may have been written, whose answer was lost.
			if n != answered[i] && n != answered[i]+1 {
				t.Errorf("round %d, matter %d: change %d is there, %d was answered", round, i, n, answered[i])
			}
		}
		p.kill()
		if total < enough {
			t.Fatalf("round %d: %d answers before the kill", round, total)
		}
	}
}

// TestServe checks what the flags of serve do.
func TestServe(t *testing.T) {
	t.Parallel()
	path, token := firm(t)
	faults := filepath.Join(t.TempDir(), "faults.json")
	plan := `{"faults":[{"route":"/api/v4/groups","from":2,"do":"status","status":503}]}`
	if err := os.WriteFile(faults, []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--data", path, "--rate-limit", "3", "--window", "1h", "--faults", faults, "--auto-approve", "bob@harbor.example", "--relaxed")
	var got []int
	for range 5 {
		status, _ := p.do(t.Context(), token, "GET", "/api/v4/groups", "")
		got = append(got, status)
	}
	if fmt.Sprint(got) != "[200 503 200 200 429]" {
		t.Errorf("statuses %v", got)
	}
	// A token that another process issues meanwhile is good at once.
	var tokens cliosim.Tokens
	if err := json.Unmarshal([]byte(must(t, "token", "--data", path, "--user", "bob@harbor.example")), &tokens); err != nil {
		t.Fatal(err)
	}
	if status, who := p.do(t.Context(), tokens.Access, "GET", "/api/v4/users/who_am_i?fields=email", ""); status != 200 || !strings.Contains(who, "bob@") {
		t.Errorf("%d %s", status, who)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		p.address+"/oauth/authorize?response_type=code&client_id=underseal-simulated&redirect_uri=http://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusFound || !strings.Contains(a.Header.Get("Location"), "code=") {
		t.Errorf("approval: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
}

// TestAddressFile: the address is whole when the file is there, and an
// interrupt ends the program well.
func TestAddressFile(t *testing.T) {
	t.Parallel()
	path, _ := firm(t)
	var out bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "address")
	ended := make(chan error, 1)
	go func() {
		root := newRoot(&out)
		root.SetArgs([]string{"serve", "--data", path, "--address-file", file})
		ended <- root.ExecuteContext(ctx)
	}()
	var address []byte
	for len(address) == 0 {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		default:
		}
		address, _ = os.ReadFile(file) // not there yet
	}
	p := &program{address: strings.TrimSpace(string(address))}
	if status, _ := p.do(t.Context(), "x", "GET", "/api/v4/users/who_am_i", ""); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if out.Len() != 0 {
		t.Errorf("printed %q", out.String())
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	path, _ := firm(t)
	missing := filepath.Join(t.TempDir(), "missing")
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"faults":[{"route":"/x","from":1,"do":"explode"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve"},
		{"serve", "--data", path, "--listen", "0.0.0.0:0"},
		{"serve", "--data", path, "--listen", "nonsense"},
		{"serve", "--data", path, "--faults", missing},
		{"serve", "--data", path, "--faults", bad},
		{"serve", "--data", bad},
		{"seed", "--data", path},
		{"seed", "--data", filepath.Join(missing, "x")},
		{"token", "--data", path, "--user", "nobody@harbor.example"},
		{"token", "--data", path, "--user", "alice@harbor.example", "--client-id", "x"},
		{"token", "--data", path, "--user", "alice@harbor.example", "--region", "eu"},
		{"token", "--data", missing, "--user", "alice@harbor.example"},
		{"token", "--data", path},
		{"nonsense"},
	} {
		if out, err := run(t, args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a token made a file")
	}
}
