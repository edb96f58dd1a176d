//go:build !unix

package testenv

import "testing"

// Unprivileged skips the test: here no mode of a file binds its owner in the
// way that the test is about.
func Unprivileged(t *testing.T, _ func(t *testing.T)) {
	t.Helper()
	OnlyOn(t, "linux", "darwin")
}
