package envelope

import "errors"

// ErrOpen is what every failure to open an envelope is, for errors.Is.
var ErrOpen = errors.New("the envelope cannot be opened")

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
