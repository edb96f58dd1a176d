//go:build unix

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkOwner refuses what another user owns, or whose mode has one of the
// bits in forbidden.
func checkOwner(path string, info fs.FileInfo, forbidden fs.FileMode) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int64(st.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("%w: %s belongs to somebody else", ErrForeign, path)
	}
	if info.Mode().Perm()&forbidden != 0 {
		return fmt.Errorf("%w: %s has mode %04o, not 0700", ErrForeign, path, info.Mode().Perm())
	}
	return nil
}

// lockFile takes the lock that one agent holds while it lives. The file stays
// when the lock goes: removing it would let two have the lock.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, ErrRunning
	}
	return nil, fmt.Errorf("%w: %w", ErrPath, err)
}

// unlockFile lets go of the lock. Closing the file alone would not, for as long
// as a process that was forked at this moment has not come to its exec.
func unlockFile(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// detach gives the agent a session of its own, so that it gets neither the
// terminal's signals nor its end.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// closeOnExec keeps what this program was given open, and never asked for,
// from living on in the agent: a script's lock, or a pipe whose reader waits
// for its end. Go opens nothing without that mark itself.
func closeOnExec() {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // a system without it: the agent holds what this program holds
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// lockMemory keeps a secret out of the swap file, as far as the system allows.
func lockMemory(b []byte) { _ = unix.Mlock(b) }

// noCore keeps a crash from writing memory to the disk.
func noCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
