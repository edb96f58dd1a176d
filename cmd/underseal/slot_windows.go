package main

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockSlot locks a byte behind the name, which others may then still read.
func lockSlot(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- in the home folder
	if err != nil {
		return nil, err
	}
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	if err = windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{Offset: 1 << 20}); err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, errSlotTaken
	}
	return nil, err
}

// freeSlot unlocks: no other program has a copy of the file.
func freeSlot(f *os.File) { _ = f.Close() }
