//go:build unix

package main

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSlotFreedBesideACopy: what is free is free, also while a program that is being
// started has a copy of the lock file still.
func TestSlotFreedBesideACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), invitationsLock)
	f, err := lockSlot(path)
	if err != nil {
		t.Fatal(err)
	}
	held, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(held) }()
	freeSlot(f)
	again, err := lockSlot(path)
	if err != nil {
		t.Fatal(err)
	}
	freeSlot(again)
}
