package agent

import "golang.org/x/sys/unix"

// harden keeps the process's memory from core files and, as far as the system
// allows, from other programs of the same user that would attach to it.
func harden() {
	noCore()
	_ = unix.PtraceDenyAttach()
}
