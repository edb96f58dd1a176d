//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func lockSlot(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- in the home folder
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errSlotTaken
	}
	return nil, err
}

// freeSlot unlocks before it closes: a program that this process is just starting
// has a copy of the file for an instant, and would keep the lock with it.
func freeSlot(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN) // closing does it too
	_ = f.Close()
}
