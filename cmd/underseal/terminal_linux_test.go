package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// detachTerminal takes the terminal away from this process and its children.
func detachTerminal() {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return // there is none
	}
	_ = unix.IoctlSetInt(int(tty.Fd()), unix.TIOCNOTTY, 0)
	_ = tty.Close()
}
