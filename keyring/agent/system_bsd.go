//go:build darwin || freebsd

package agent

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// solLocal is SOL_LOCAL, the level of options on Unix sockets.
const solLocal = 0

// checkPeer refuses a process of another user at the other end.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	var cred *unix.Xucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptXucred(int(fd), solLocal, unix.LOCAL_PEERCRED)
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
