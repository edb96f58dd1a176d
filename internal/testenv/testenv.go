// Package testenv is the only place where a test is skipped.
//
// A test that needs something of the machine (a program, root, another user)
// asks for it here. Where it is missing the test is skipped with a reason of
// one form, "needs WHAT: HOW", which the report at the end of `make test`
// counts; where CI is "true" or UNDERSEAL_REQUIRE is "all", the test fails
// instead, because nothing may be missing there.
//
// For tests only: internal/deptest refuses any other import.
package testenv

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Require goes on where ok is true. Otherwise it skips the test, or fails it
// where everything is required. What names the thing that is missing, how
// says in a few words how to get it.
func Require(t testing.TB, what string, ok bool, how string) {
	t.Helper()
	if ok {
		return
	}
	if required() {
		t.Fatalf("needs %s: %s", what, how)
	}
	t.Skipf("needs %s: %s", what, how)
}

// required tells whether something missing is a failure.
func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("UNDERSEAL_REQUIRE") == "all"
}

// Tool returns the path of a program, such as "age", which comes with the
// Debian package of the given name.
func Tool(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	Require(t, program, err == nil, "install the Debian package "+debianPackage)
	return path
}

// OnlyOn skips the test on operating systems (GOOS) other than these, on
// which it would have no meaning; it never fails.
func OnlyOn(t testing.TB, systems ...string) {
	t.Helper()
	if !slices.Contains(systems, runtime.GOOS) {
		t.Skipf("only on %s", strings.Join(systems, ", "))
	}
}

// Long skips the test unless UNDERSEAL_LONG is set, as `make test-long` does:
// it takes minutes.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv("UNDERSEAL_LONG") == "" {
		t.Skip("only in make test-long")
	}
}

// NotShort skips the test in `make test-short`: it takes seconds.
func NotShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("not in make test-short")
	}
}
