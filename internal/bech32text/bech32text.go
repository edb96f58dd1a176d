// Package bech32text writes keys, fingerprints and other short byte strings
// of one fixed length as text that people can copy: Bech32 (BIP 173) with a
// prefix that says what it is.
//
// A text has one spelling, in lower or in upper case throughout: Encode gives
// the lower one, which is for what is public; whoever writes a secret turns it
// to upper case, so that the eye sees the difference. No error of this package
// ever holds a part of the input.
//
// Bech32's checksum finds up to four wrong characters, but not a "q" inserted
// or left out before a final "p". Here every form has one fixed length, so
// that weakness does not matter and Bech32m is not needed (it is refused: one
// spelling). BIP 173's limit of 90 characters is not kept, as in age. The one
// form whose length differs is an encoding that ends by itself, which a "q"
// more or less breaks as well: see DecodeUpTo.
//
// The forms are those of spec/key-store.md and stay readable for ever.
package bech32text

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcutil/bech32"
)

// ErrMalformed is wrapped, with the reason, by every error about a text that
// is not the one form expected.
var ErrMalformed = errors.New("malformed text form")

// MaxSize is the largest n: a text that is longer than a few lines is not one
// for people. The largest form in use is 32 bytes.
const MaxSize = 512

// checksum is the number of characters of a Bech32 checksum.
const checksum = 6

// Encode returns data in lower case under the human-readable part hrp, which
// is a constant of the caller: lower-case ASCII without space, at most 83
// characters. It panics if hrp is not, or if data is longer than MaxSize.
func Encode(hrp string, data []byte) string {
	check(hrp, len(data))
	text, err := bech32.EncodeFromBase256(hrp, data)
	if err != nil {
		panic("bech32text: encode " + hrp) // five-bit groups are always encodable
	}
	return text
}

// Decode reads the n bytes of a text made by Encode with the same hrp, in
// lower or in upper case throughout. White space is not accepted; the caller
// trims what a person pasted.
func Decode(hrp string, n int, s string) ([]byte, error) {
	check(hrp, n)
	if want := textLen(hrp, n); len(s) != want {
		return nil, fmt.Errorf("%w: %d characters, expected %d", ErrMalformed, len(s), want)
	}
	return decode(hrp, n, s)
}

// DecodeUpTo reads a text of 1 to most bytes. The caller decodes them with a
// format that says where it ends, and refuses bytes that are cut off or left
// over: the checksum alone would not find them all.
func DecodeUpTo(hrp string, most int, s string) ([]byte, error) {
	check(hrp, most)
	if len(s) < textLen(hrp, 1) || len(s) > textLen(hrp, most) {
		return nil, fmt.Errorf("%w: %d characters, expected %d to %d", ErrMalformed, len(s), textLen(hrp, 1), textLen(hrp, most))
	}
	n := (len(s) - textLen(hrp, 0)) * 5 / 8
	if textLen(hrp, n) != len(s) {
		return nil, fmt.Errorf("%w: %d characters, which is no whole number of bytes", ErrMalformed, len(s))
	}
	return decode(hrp, n, s)
}

// decode reads a text of the length that n bytes have.
func decode(hrp string, n int, s string) ([]byte, error) {
	lower := strings.ToLower(s)
	if s != lower && s != strings.ToUpper(s) {
		return nil, fmt.Errorf("%w: lower and upper case are mixed", ErrMalformed)
	}
	if !strings.HasPrefix(lower, hrp+"1") {
		return nil, fmt.Errorf("%w: does not start with %q", ErrMalformed, hrp+"1")
	}
	// The library's own errors hold characters of the text and what its
	// checksum should have been: they are never passed on.
	_, groups, err := bech32.DecodeNoLimit(lower)
	if err != nil {
		return nil, fmt.Errorf("%w: wrong character or checksum", ErrMalformed)
	}
	defer clear(groups)
	data, err := bech32.ConvertBits(groups, 5, 8, false)
	if err != nil || len(data) != n || Encode(hrp, data) != lower {
		clear(data)
		// Bits set in the padding, or the checksum of Bech32m.
		return nil, fmt.Errorf("%w: not the canonical spelling", ErrMalformed)
	}
	return data, nil
}

func textLen(hrp string, n int) int { return len(hrp) + 1 + (8*n+4)/5 + checksum }

func check(hrp string, n int) {
	ok := len(hrp) >= 1 && len(hrp) <= 83 && n >= 0 && n <= MaxSize
	for i := range len(hrp) {
		ok = ok && hrp[i] >= 33 && hrp[i] <= 126 && (hrp[i] < 'A' || hrp[i] > 'Z')
	}
	if !ok {
		panic(fmt.Sprintf("bech32text: prefix %q or size %d is not allowed", hrp, n))
	}
}
