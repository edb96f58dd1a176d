package officer

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/wire"
)

const (
	// headPrefix is the human-readable part of a head's text form.
	headPrefix = "underseal-head"
	// headSize is that of an organization's id, a length and a hash.
	headSize = len(OrganizationID{}) + 8 + len(Hash{})
)

// FormatHead is the Bech32 text form of an organization's head, for pasting
// (spec/last-seen.md).
func FormatHead(org OrganizationID, h Head) string {
	b := binary.BigEndian.AppendUint64(org[:], h.Length)
	return bech32text.Encode(headPrefix, append(b, h.Hash[:]...))
}

// ParseHead reads the text form, with spaces, tabs and line ends around it.
func ParseHead(s string) (OrganizationID, Head, error) {
	b, err := bech32text.Decode(headPrefix, headSize, strings.Trim(s, " \t\r\n"))
	if err != nil {
		return OrganizationID{}, Head{}, fmt.Errorf("head: %w", err)
	}
	org := OrganizationID(b[:len(OrganizationID{})])
	b = b[len(org):]
	h := Head{Length: binary.BigEndian.Uint64(b), Hash: Hash(b[8:])}
	if h.Length == 0 {
		return OrganizationID{}, Head{}, fmt.Errorf("head: %w", ErrEmpty)
	}
	return org, h, nil
}

// HeadNumber is what two people compare by voice, after the head's length: 60
// digits in groups of five, made like a [SafetyNumber].
func HeadNumber(org OrganizationID, h Head) string {
	return digits(wire.MustMarshal([]any{org, h.Length, h.Hash}), wire.LabelHeadNumber)
}
