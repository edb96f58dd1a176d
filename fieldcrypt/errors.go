package fieldcrypt

import (
	"errors"

	"github.com/underseal/underseal/internal/wire"
)

// VersionError names an unknown format version, for errors.As.
type VersionError = wire.VersionError

var (
	// ErrOpen is what every failure to open a token is, for errors.Is.
	ErrOpen = errors.New("the token cannot be opened")
	// ErrNotToken: the text does not begin like a token.
	ErrNotToken = errors.New("not a token")
	// ErrUnknownKey: no key with the token's key id is held. The reader may
	// lack a grant, or be behind: synchronize, then say so.
	ErrUnknownKey = errors.New("sealed under a key that is not held here")
	// ErrValueTooLong: the value exceeds MaxValue bytes.
	ErrValueTooLong = errors.New("the value is too long to be sealed")
	// ErrValueForm: the value is not valid UTF-8 or not valid JSON.
	ErrValueForm = errors.New("the value is not of the form that its type requires")
	// ErrValueType: the type of value is not known.
	ErrValueType = errors.New("unknown type of value")
	// ErrIsToken: the text to be sealed claims to be a token already. Sealed
	// once more, it would come back as a token where its value was expected.
	ErrIsToken = errors.New("the value is a token already")
	// ErrRecord: a record name is missing, too long or not UTF-8.
	ErrRecord = errors.New("unacceptable record name")
)

// Reason tells a local diagnosis apart; it never leaves the device (P9).
type Reason uint8

// The reasons.
const (
	ReasonForm       Reason = iota + 1 // not the one text form of a token
	ReasonCiphertext                   // does not decrypt: altered, or another field's
	ReasonRecord                       // belongs to another record
	ReasonPlaintext                    // decrypts to what no writer of this format writes
)

// String names the reason for local diagnostics and test vectors.
func (r Reason) String() string {
	switch r {
	case ReasonForm:
		return "form"
	case ReasonCiphertext:
		return "ciphertext"
	case ReasonRecord:
		return "record"
	case ReasonPlaintext:
		return "plaintext"
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
