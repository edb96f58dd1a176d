package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that notes how it was ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Skip(args ...any)          { r.end(&r.skipped, fmt.Sprint(args...)) }
func (r *recorder) Skipf(f string, a ...any)  { r.end(&r.skipped, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) { r.end(&r.failed, fmt.Sprintf(f, a...)) }

// Skipf and Fatalf of a recorder return, so Require reaches its end; the
// first of them counts, as it does in a test.
func (r *recorder) end(into *string, text string) {
	if r.skipped == "" && r.failed == "" {
		*into = text
	}
}

func TestRequire(t *testing.T) {
	const reason = "needs a moon: wait for the night"
	for _, c := range []struct {
		ci, require     string
		ok              bool
		skipped, failed string
	}{
		{ok: true},
		{ok: true, ci: "true"},
		{skipped: reason},
		{ci: "false", skipped: reason},
		{ci: "true", failed: reason},
		{require: "all", failed: reason},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Setenv("CI", c.ci)
			t.Setenv("UNDERSEAL_REQUIRE", c.require)
			r := &recorder{}
			Require(r, "a moon", c.ok, "wait for the night")
			if r.skipped != c.skipped || r.failed != c.failed {
				t.Errorf("skipped %q, failed %q", r.skipped, r.failed)
			}
		})
	}
}

func TestTool(t *testing.T) {
	t.Setenv("CI", "")
	t.Setenv("UNDERSEAL_REQUIRE", "")
	r := &recorder{}
	Tool(r, "underseal-no-such-program", "moon")
	if want := "needs underseal-no-such-program: install the Debian package moon"; r.skipped != want {
		t.Errorf("skipped %q, want %q", r.skipped, want)
	}
	if got := Tool(t, "go", "golang"); !strings.Contains(filepath.Base(got), "go") {
		t.Errorf("go is at %q", got)
	}
}

func TestOnlyOn(t *testing.T) {
	t.Setenv("CI", "true")
	r := &recorder{}
	OnlyOn(r, "plan9", runtime.GOOS)
	if r.skipped != "" {
		t.Errorf("skipped %q on its own system", r.skipped)
	}
	OnlyOn(r, "plan9", "aix")
	if r.skipped != "only on plan9, aix" || r.failed != "" {
		t.Errorf("skipped %q, failed %q", r.skipped, r.failed)
	}
}

// A folder without any permission stops f, whoever runs the tests.
func TestUnprivileged(t *testing.T) {
	OnlyOn(t, "linux", "darwin")
	for _, name := range []string{"plain", "a (name) with [signs].+"} {
		t.Run(name, func(t *testing.T) {
			Unprivileged(t, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "closed")
				if err := os.Mkdir(dir, 0o000); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); !os.IsPermission(err) {
					t.Errorf("writing into a closed folder: %v", err)
				}
			})
		})
	}
}

// What fails in the child fails in the test.
func TestUnprivilegedFailure(t *testing.T) {
	OnlyOn(t, "linux", "darwin")
	const asked = "UNDERSEAL_TEST_FAIL"
	if os.Getenv(asked) != "" {
		Unprivileged(t, func(t *testing.T) { t.Error("failed as asked") })
		return
	}
	for _, test := range []string{"TestUnprivilegedFailure"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$")
		cmd.Env = append(os.Environ(), asked+"=1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(string(out), "as asked") {
			t.Errorf("%s: %v\n%s", test, err, out)
		}
	}
}
