//go:build unix

package dirstore

import (
	"syscall"
	"testing"
)

func mkfifo(t testing.TB, path string) {
	t.Helper()
	check(t, syscall.Mkfifo(path, 0o600))
}
