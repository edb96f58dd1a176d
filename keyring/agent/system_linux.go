package agent

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer refuses a process of another user at the other end.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrForeign, err)
	case credErr != nil:
		return fmt.Errorf("%w: %w", ErrForeign, credErr)
	case int64(cred.Uid) != int64(os.Geteuid()):
		return fmt.Errorf("%w: a process of user %d is at the other end", ErrForeign, cred.Uid)
	}
	return nil
}

// harden keeps the process's memory from core files and, as far as the system
// allows, from other programs of the same user that would attach to it.
func harden() {
	noCore()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
