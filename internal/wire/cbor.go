// Package wire holds what every format of Underseal shares: one encoding
// (deterministic CBOR, RFC 8949 section 4.2.1, read strictly), the labels that
// keep signatures and keys of different purposes apart, the identifiers, and
// the bounds on what is read from outside. See spec/suite.md.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// ErrMalformed is wrapped by every error about bytes that are not the one
// canonical encoding of a value of the expected type.
var ErrMalformed = errors.New("malformed encoding")

// ErrTooLarge is wrapped where a bound of limits.go is exceeded.
var ErrTooLarge = errors.New("larger than allowed")

// VersionError says that data is of a format version above the one that this
// program knows. Nothing is guessed from such data (attack 37).
type VersionError struct {
	Format  string // "log entry", "envelope", …
	Version uint64
	Known   uint64 // the newest that this program reads; 0 stands for Version
}

func (e *VersionError) Error() string {
	known := e.Known
	if known == 0 {
		known = Version
	}
	return fmt.Sprintf("%s of format version %d; this program knows version %d", e.Format, e.Version, known)
}

// Made at first use and never changed: no work happens at import time.
var (
	encMode = sync.OnceValue(mustEnc)
	decMode = sync.OnceValue(mustDec)
)

func mustEnc() cbor.EncMode {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	o.IndefLength = cbor.IndefLengthForbidden
	o.TagsMd = cbor.TagsForbidden
	m, err := o.EncMode()
	if err != nil {
		panic(err) // constant options: a fault of this file, seen by every test
	}
	return m
}

func mustDec() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   MaxDepth,
		MaxArrayElements:  MaxElements,
		MaxMapPairs:       MaxMapPairs,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		panic(err) // as above
	}
	return m
}

// Marshal returns the canonical encoding of v. It fails only for types that
// have none, which is a fault of the caller.
func Marshal(v any) ([]byte, error) {
	b, err := encMode().Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}

// MustMarshal is Marshal for values built from fixed types, whose encoding
// cannot fail.
func MustMarshal(v any) []byte {
	b, err := Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Unmarshal decodes b, at most limit bytes, into v, and accepts only the
// canonical encoding: v is encoded again and must give the same bytes. That
// single comparison refuses long forms, unsorted maps, null, wrong array
// lengths, present-but-empty optional fields and whatever else a decoder
// might forgive (attacks 37 and 39).
func Unmarshal(b []byte, v any, limit int) error {
	if len(b) > limit {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), limit)
	}
	if err := decMode().Unmarshal(b, v); err != nil {
		// The library's message names Go types and offsets, never content.
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	again, err := encMode().Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("%w: not the canonical form", ErrMalformed)
	}
	return nil
}

// Raw is an already encoded CBOR item.
type Raw = cbor.RawMessage

// CheckVersion reads the head of a versioned structure, an array of n items
// that starts with the version, without decoding the rest, so that data of a
// newer format is named by a VersionError instead of called malformed. No
// format has a version 0: it is no newer one, and no program reads it.
func CheckVersion(b []byte, format string, n int) error {
	if len(b) < 2 || b[0] != 0x80|byte(n) {
		return fmt.Errorf("%s: %w: not an array of %d items", format, ErrMalformed, n)
	}
	switch v := b[1]; {
	case v == Version:
		return nil
	case v > Version && v < 24:
		return &VersionError{Format: format, Version: uint64(v)}
	case v == 24 && len(b) > 2 && b[2] >= 24:
		return &VersionError{Format: format, Version: uint64(b[2])}
	default:
		return fmt.Errorf("%s: %w: no version", format, ErrMalformed)
	}
}
