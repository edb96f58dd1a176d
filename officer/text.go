package officer

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/wire"
)

// TextKind says what a committed text is, so that an email is never shown
// where a name belongs.
type TextKind uint8

// The kinds of text that the log commits to.
const (
	TextName         TextKind = 1 // a person's name
	TextEmail        TextKind = 2 // a person's email
	TextLabel        TextKind = 3 // a resource's label
	TextDevice       TextKind = 4 // a device's label
	TextOrganization TextKind = 5 // the organization's name
	TextGroup        TextKind = 6 // a group's name
	TextReason       TextKind = 7 // why somebody is to be recovered
)

// SaltSize is the length of the salt of a committed text in bytes. It hides
// the text however guessable that is (attack 64).
const SaltSize = 32

// Opening opens a commitment to a text: CBOR[kind, salt, text]. It is shown to
// whoever may know the text and to nobody else.
type Opening struct {
	_    struct{} `cbor:",toarray"`
	Kind TextKind
	Salt [SaltSize]byte
	Text string
}

// Check accepts a text of 1 to wire.MaxText bytes of UTF-8 that holds no
// control or invisible character and has no space at either end.
func (o Opening) Check() error {
	if o.Text == "" || len(o.Text) > wire.MaxText || !utf8.ValidString(o.Text) ||
		strings.HasPrefix(o.Text, " ") || strings.HasSuffix(o.Text, " ") || strings.ContainsFunc(o.Text, unseen) {
		return ErrText
	}
	return nil
}

// unseen tells whether a character is of a range that spec/card.md keeps out of
// texts. The ranges are fixed and not those of a table of Unicode, which grows:
// every program has to agree on what a text may hold.
func unseen(r rune) bool {
	for _, e := range [...][2]rune{
		{0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x061C, 0x061C}, {0x180E, 0x180E}, {0x200B, 0x200F},
		{0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
	} {
		if e[0] <= r && r <= e[1] {
			return true
		}
	}
	return false
}

// Commitment is SHA-256("underseal/v1/text" ‖ 0 ‖ CBOR[kind, salt, text]).
func (o Opening) Commitment() Hash { return wire.Sum(wire.LabelText, wire.MustMarshal(o)) }

const openingStep = 64

// Encode returns the opening, padded so that its length tells little: CBOR ‖
// 0x80 ‖ zeros to a multiple of 64 bytes.
func (o Opening) Encode() []byte {
	b := append(wire.MustMarshal(o), 0x80)
	return append(b, make([]byte, (openingStep-len(b)%openingStep)%openingStep)...)
}

// DecodeOpening reads an opening and holds it against the commitment.
func DecodeOpening(b []byte, commitment Hash) (Opening, error) {
	body := strings.TrimRight(string(b), "\x00")
	if len(b)%openingStep != 0 || len(b)-len(body) >= openingStep || !strings.HasSuffix(body, "\x80") {
		return Opening{}, ErrOpening
	}
	var o Opening
	if err := wire.Unmarshal([]byte(body[:len(body)-1]), &o, wire.MaxText+openingStep); err != nil {
		return Opening{}, fmt.Errorf("%w: %w", ErrOpening, err)
	}
	if o.Commitment() != commitment {
		return Opening{}, ErrOpening
	}
	if err := o.Check(); err != nil {
		return Opening{}, err
	}
	return o, nil
}

// SafetyNumber is what two people compare: 60 digits in groups of five. It is
// made of 60 bytes of HKDF-SHA256 over the fingerprint; each 5 bytes,
// big-endian, modulo 100,000 give a group.
func SafetyNumber(id MemberID) string { return digits(id[:], wire.LabelSafetyNumber) }

func digits(of []byte, label string) string {
	b, err := hkdf.Key(sha256.New, of, nil, label, 60)
	if err != nil {
		panic(err) // only lengths above 255 hashes fail
	}
	groups := make([]string, 0, 12)
	for ; len(b) > 0; b = b[5:] {
		n := uint64(b[0])<<32 | uint64(binary.BigEndian.Uint32(b[1:5]))
		groups = append(groups, fmt.Sprintf("%05d", n%100000))
	}
	return strings.Join(groups, " ")
}

// fingerprintPrefix is the human-readable part of an organization's fingerprint.
const fingerprintPrefix = "underseal-org"

// FormatFingerprint is the Bech32 text form of an organization's id.
func FormatFingerprint(id OrganizationID) string { return bech32text.Encode(fingerprintPrefix, id[:]) }

// ParseFingerprint reads the text form, with spaces, tabs and line ends around it.
func ParseFingerprint(s string) (OrganizationID, error) {
	b, err := bech32text.Decode(fingerprintPrefix, len(OrganizationID{}), strings.Trim(s, " \t\r\n"))
	if err != nil {
		return OrganizationID{}, fmt.Errorf("fingerprint: %w", err)
	}
	return OrganizationID(b), nil
}
