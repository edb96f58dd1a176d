//go:build !unix

package durable

// nonblock: opening never waits here.
const nonblock = 0
