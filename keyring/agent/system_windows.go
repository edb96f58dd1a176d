package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has neither modes nor the other end's user. There the user's
// profile, in which the socket lies, is what keeps others out
// (spec/key-store.md, "Agent").

func checkOwner(string, fs.FileInfo, fs.FileMode) error { return nil }

func checkPeer(*net.UnixConn) error { return nil }

// lockFile takes the lock that one agent holds while it lives. The file stays
// when the lock goes: removing it would let two have the lock.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{})
	if err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, ErrRunning
	}
	return nil, fmt.Errorf("%w: %w", ErrPath, err)
}

// unlockFile lets go of the lock.
func unlockFile(f *os.File) error { return f.Close() }

func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{
		HideWindow:    true,
		CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP,
	}
}

// closeOnExec has nothing to do: Go passes on only the handles it is told to.
func closeOnExec() {}

func lockMemory([]byte) {}

func harden() {}
