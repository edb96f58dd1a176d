// Package secret holds key material in an opaque type.
//
// A [Bytes] never shows its content: every print verb, text, JSON and binary
// marshaller writes "[redacted]" or fails. Whoever needs the bytes themselves
// calls Expose, a name that is easy to find in a review.
//
// Go's garbage collector may have copied a value before Destroy overwrites
// it; clearing shortens the time a secret lies in memory, it does not prove
// its absence. See spec/threat-model.md, "a thief of an unlocked device".
package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// ErrMarshal is returned where a secret was about to be written out.
var ErrMarshal = errors.New("secret: a secret is never marshalled")

const redacted = "[redacted]"

// Bytes is a secret of fixed length. The zero value is empty. A Bytes is not
// safe for use by several goroutines while Destroy runs.
type Bytes struct {
	// fmt calls no method of an unexported field that holds a secret, and
	// prints what lies in it; of a pointer to a pointer only the address.
	hidden **[]byte
}

// hide takes b itself.
func hide(b []byte) *Bytes {
	p := &b
	return &Bytes{hidden: &p}
}

// New copies b into a new secret. The caller stays responsible for b.
func New(b []byte) *Bytes {
	return hide(append(make([]byte, 0, len(b)), b...))
}

// Take moves b into a new secret: b is copied, then overwritten with zeros.
func Take(b []byte) *Bytes {
	s := New(b)
	clear(b)
	return s
}

// Random returns n bytes from crypto/rand, which never fails on the
// platforms that are supported (it aborts the program instead).
func Random(n int) *Bytes {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hide(b)
}

// Expose returns the secret's own memory. It must not be kept, printed or
// changed, and is overwritten by Destroy.
func (s *Bytes) Expose() []byte {
	if s == nil || s.hidden == nil {
		return nil
	}
	return **s.hidden
}

// Len is the length in bytes.
func (s *Bytes) Len() int { return len(s.Expose()) }

// Clone returns an independent copy.
func (s *Bytes) Clone() *Bytes { return New(s.Expose()) }

// Equal compares in constant time; secrets of different lengths differ.
func (s *Bytes) Equal(o *Bytes) bool {
	return subtle.ConstantTimeCompare(s.Expose(), o.Expose()) == 1
}

// Destroy overwrites the secret with zeros and makes it empty.
func (s *Bytes) Destroy() {
	clear(s.Expose())
	if s != nil {
		s.hidden = nil
	}
}

// Format implements [fmt.Formatter]: every verb prints "[redacted]".
func (Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements [fmt.Stringer].
func (Bytes) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (Bytes) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler and always fails.
func (Bytes) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// MarshalJSON implements json.Marshaler and always fails.
func (Bytes) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalBinary implements encoding.BinaryMarshaler and always fails.
func (Bytes) MarshalBinary() ([]byte, error) { return nil, ErrMarshal }

// MarshalCBOR implements cbor.Marshaler and always fails.
func (Bytes) MarshalCBOR() ([]byte, error) { return nil, ErrMarshal }
