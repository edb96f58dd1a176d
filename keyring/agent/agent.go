// Package agent holds a device's secret in memory between commands, so that a
// script of a thousand commands opens the key store once.
//
// `unlock` calls [Unlock], which starts a process of its own (see [Start]) or
// hands a running one the secret anew; other commands [Dial] it and ask for
// the [Client.Secret]; `lock`, or the end of the time that was asked for,
// overwrites the secret and ends the process. The secret goes over pipes and a
// Unix socket of the same user, never into an argument, the environment or a
// file. What remains possible is in spec/key-store.md: another program of the
// same user may ask the agent too.
//
// The protocol is between one version of the program and itself: a message of
// another version ends the agent, so that after an update `lock` has locked
// and `unlock` starts anew. The package is not for js/wasm.
package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/secret"
)

// SecretSize is the length of a device secret in bytes.
const SecretSize = 32

const (
	// DefaultLifetime is that of `unlock` without --for: a meeting's break.
	DefaultLifetime = 15 * time.Minute
	// MinLifetime is the unit in which the protocol counts.
	MinLifetime = time.Second
	// MaxLifetime is a day: who wants longer wants a key without a lock, and
	// should say so by choosing a keyring.
	MaxLifetime = 24 * time.Hour
)

// Errors of the agent and its clients, wrapped with detail.
var (
	// ErrNotRunning: there is no agent, or it has just locked.
	ErrNotRunning = errors.New("locked: no agent is running")
	// ErrRunning: an agent is running already.
	ErrRunning = errors.New("an agent is running already")
	// ErrForeign: the socket, its directory or the process at its other end
	// is not this user's alone. Nothing was sent.
	ErrForeign = errors.New("the agent's socket is not this user's alone")
	// ErrProtocol: the agent says that it does not understand.
	ErrProtocol = errors.New("the agent does not understand")
	// errVersion: the other end is of another version of this program.
	errVersion = errors.New("of another version")
	// ErrLifetime: a lifetime below MinLifetime or above MaxLifetime.
	ErrLifetime = errors.New("the time to stay unlocked must be from 1s to 24h")
	// ErrPath: no socket can be made for this home.
	ErrPath = errors.New("no place for the agent's socket")
)

// The protocol: one request and one reply over one connection, each of this
// one size and form, so that there is nothing to parse and no length to trust.
// See spec/key-store.md, "Agent".
const (
	protocolVersion = 1
	messageSize     = 1 + 1 + 4 + SecretSize
)

// What a request asks for.
const (
	opStatus byte = 1 + iota
	opGet
	opPut
	opLock
)

// What a reply says.
const (
	sayDone     byte = 1 + iota
	sayLocked        // the time is over
	sayRefused       // a request that is understood and not allowed
	sayProtocol      // a request that is not understood
)

// message is a request or a reply.
type message struct {
	verb    byte // op… or say…
	seconds uint32
	secret  [SecretSize]byte // zero unless the verb comes with one
}

func (m *message) encode() []byte {
	b := make([]byte, 0, messageSize)
	b = append(b, protocolVersion, m.verb)
	b = binary.BigEndian.AppendUint32(b, m.seconds)
	return append(b, m.secret[:]...)
}

// decode reads what encode wrote. The caller clears both.
func decode(b []byte) (*message, error) {
	if len(b) != messageSize || b[0] != protocolVersion {
		return nil, errVersion
	}
	m := &message{verb: b[1], seconds: binary.BigEndian.Uint32(b[2:])}
	copy(m.secret[:], b[6:])
	return m, nil
}

// clear overwrites a secret that came with the message. A nil message has none.
func (m *message) clear() {
	if m != nil {
		clear(m.secret[:])
	}
}

// checkRequest allows each request what it needs and nothing else.
func (m *message) checkRequest() error {
	empty := m.seconds == 0 && m.secret == [SecretSize]byte{}
	switch m.verb {
	case opStatus, opGet, opLock:
		if empty {
			return nil
		}
	case opPut:
		return checkLifetime(time.Duration(m.seconds) * time.Second)
	}
	return ErrProtocol
}

func checkLifetime(d time.Duration) error {
	if d < MinLifetime || d > MaxLifetime {
		return fmt.Errorf("%w, not %v", ErrLifetime, d)
	}
	return nil
}

func checkSecret(s *secret.Bytes) error {
	if s.Len() != SecretSize {
		return fmt.Errorf("a device secret has %d bytes, not %d", SecretSize, s.Len())
	}
	return nil
}

// Clock tells an agent the time in two ways, and the secret goes as soon as
// one of them says so. No clock alone will do: one stands still while the
// machine sleeps, when a thief may open its lid, the other can be set back.
type Clock interface {
	// Now is the time of day.
	Now() time.Time
	// Running is the time since some instant. It cannot be set.
	Running() time.Duration
	// After sends once, when d has passed.
	After(d time.Duration) <-chan time.Time
}

// SystemClock returns the clock of this machine.
func SystemClock() Clock { return systemClock{start: time.Now()} }

type systemClock struct{ start time.Time }

// Now implements [Clock], without the monotonic reading.
func (systemClock) Now() time.Time { return time.Now().Round(0) }

// Running implements [Clock].
func (c systemClock) Running() time.Duration { return time.Since(c.start) }

// After implements [Clock].
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
