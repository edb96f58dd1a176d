package envelope

import (
	"errors"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// VersionError names an unknown format version, for errors.As.
type VersionError = wire.VersionError

var (
	// ErrOpen is what every failure to open an envelope is, for errors.Is.
	ErrOpen = errors.New("the envelope cannot be opened")
	// ErrMalformed: the bytes are not the one encoding of an envelope.
	ErrMalformed = wire.ErrMalformed
	// ErrTooLarge: more bytes than an envelope may have.
	ErrTooLarge = wire.ErrTooLarge
	// ErrPublicKey: a public key is malformed, of low order, or not the one
	// that the recipient is named by (attack 41).
	ErrPublicKey = pubkey.ErrKey
	// ErrKeySize: a key is missing, destroyed or not of 32 bytes (attack 10).
	ErrKeySize = datakey.ErrSize
	// ErrKeyContext: a key context names no resource, kind or epoch.
	ErrKeyContext = wire.ErrContext
	// ErrCommitment: a key is not the one that was committed to.
	ErrCommitment = datakey.ErrCommitment
)

// Reason tells a local diagnosis apart; it never leaves the device (P9).
type Reason uint8

// The reasons, in the order in which they are checked.
const (
	ReasonContext       Reason = iota + 1 // not the context that the log gives
	ReasonSignature                       // not signed by the sender
	ReasonRecipient                       // sealed to another key
	ReasonEncapsulation                   // malformed or low-order encapsulation
	ReasonCiphertext                      // does not decrypt
	ReasonCommitment                      // another key than the one committed to
)

// String names the reason for local diagnostics and test vectors.
func (r Reason) String() string {
	switch r {
	case ReasonContext:
		return "context"
	case ReasonSignature:
		return "signature"
	case ReasonRecipient:
		return "recipient"
	case ReasonEncapsulation:
		return "encapsulation"
	case ReasonCiphertext:
		return "ciphertext"
	case ReasonCommitment:
		return "commitment"
	default:
		return "unknown"
	}
}

// OpenError is one error for every failure: its text does not tell the cause.
type OpenError struct {
	// Reason is for local diagnostics only.
	Reason Reason
}

func (e *OpenError) Error() string { return ErrOpen.Error() }

// Unwrap makes errors.Is(err, ErrOpen) hold.
func (e *OpenError) Unwrap() error { return ErrOpen }
