//go:build unix

package testenv

import (
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childEnv marks the child that Unprivileged starts.
const childEnv = "UNDERSEAL_TEST_UNPRIVILEGED"

// Unprivileged runs f as a user whom file permissions bind. Root ignores
// them, so for root the test runs once more in a child process as "nobody",
// and passes if f ran there and passed. TMPDIR and HOME of the child are a
// folder of its own; t is the only thing that f may use of what its caller
// made before.
func Unprivileged(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		f(t)
		return
	}
	if os.Getenv(childEnv) != "" {
		t.Fatal("the child is still root")
	}
	nobody, err := user.Lookup("nobody")
	Require(t, "the user nobody", err == nil, "run as another user than root")
	uid, gid := number(t, nobody.Uid), number(t, nobody.Gid)

	dir, err := os.MkdirTemp("", "unprivileged") //nolint:usetesting // only its owner may enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), self(t), "-test.run="+exactly(t.Name()), "-test.v", "-test.count=1") //nolint:gosec // this test itself
	cmd.Env = append(os.Environ(), childEnv+"=1", "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("as nobody: %v\n%s", err, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		// Without this line the child ran nothing, or skipped the test.
		t.Fatalf("as nobody the test did not pass\n%s", out)
	}
}

// self is a path by which another user may run this test. The test binary
// lies in a folder that only root may enter; Linux has a way round.
func self(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "linux" {
		return "/proc/self/exe"
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// exactly is the -test.run pattern of one test or subtest.
func exactly(name string) string {
	levels := strings.Split(name, "/")
	for i, l := range levels {
		levels[i] = "^" + regexp.QuoteMeta(l) + "$"
	}
	return strings.Join(levels, "/")
}

func number(t *testing.T, s string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
