//go:build unix

package durable

import "syscall"

// nonblock keeps an open from waiting for the other end of a named pipe that
// an adversary put in a file's place; a regular file does not know it.
const nonblock = syscall.O_NONBLOCK
