package fieldcrypt

import (
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/wire"
)

// Sizes in bytes of a token's parts before base64url.
const (
	KeyIDSize = 8
	TagSize   = 8

	fixedSize = 1 + KeyIDSize + TagSize + chacha20poly1305.NonceSizeX      // 41
	minRaw    = fixedSize + padStep + chacha20poly1305.Overhead            // 73
	maxRaw    = fixedSize + MaxValue + padStep + chacha20poly1305.Overhead // 1,048,649, what a value of MaxValue bytes has
)

// Prefix is how every token begins.
const Prefix = wire.LabelToken + "."

type (
	// KeyID is the first 8 bytes of a data key's commitment.
	KeyID [KeyIDSize]byte
	// Tag names a record to holders of the data key.
	Tag [TagSize]byte
)

// Token is a parsed token; nothing of it is verified. It shares no memory with
// the text it came from.
type Token struct {
	KeyID KeyID
	Tag   Tag

	size  int
	short [shortRaw]byte // the raw token, where it fits
	long  []byte         // where it does not
}

// shortRaw has room for values of up to 94 bytes, so that parsing what most
// fields hold allocates nothing.
const shortRaw = fixedSize + 6*padStep + chacha20poly1305.Overhead

func (t *Token) raw() []byte {
	if t.long != nil {
		return t.long
	}
	return t.short[:t.size]
}

// rawToken is version ‖ key id ‖ tag ‖ nonce ‖ ciphertext.
type rawToken []byte

func (r rawToken) keyID() KeyID   { return KeyID(r[1:]) }
func (r rawToken) tag() Tag       { return Tag(r[1+KeyIDSize:]) }
func (r rawToken) nonce() []byte  { return r[1+KeyIDSize+TagSize : fixedSize] }
func (r rawToken) sealed() []byte { return r[fixedSize:] }

// rawSize is the length of a token for a value of n bytes before base64url.
func rawSize(n int) int {
	return fixedSize + (1+n+padStep)/padStep*padStep + chacha20poly1305.Overhead
}

// TokenSize returns the length in characters of a token for a value of n
// bytes, to be compared with a field's limit.
func TokenSize(n int) int {
	return len(Prefix) + textSize(rawSize(n))
}

// LooksLike tells whether text claims to be a token: it begins like one. Such
// text is never sealed again as a value, nor taken for plaintext.
func LooksLike(text []byte) bool {
	return len(text) >= len(Prefix) && string(text[:len(Prefix)]) == Prefix
}

// Parse reads a token. Exactly one text form is accepted for each token
// (attacks 26 and 27): white space, padding, another alphabet, another case
// or left-over bits are refused.
func Parse(text []byte) (Token, error) {
	size, err := sizeOf(text)
	if err != nil {
		return Token{}, err
	}
	t := Token{size: size}
	if size > len(t.short) {
		t.long = make([]byte, size)
	}
	raw := rawToken(t.raw())
	if err := raw.decode(text); err != nil {
		return Token{}, err
	}
	t.KeyID, t.Tag = raw.keyID(), raw.tag()
	return t, nil
}

// sizeOf is the length of the raw token in text.
func sizeOf(text []byte) (int, error) {
	if !LooksLike(text) {
		return 0, ErrNotToken
	}
	size := (len(text) - len(Prefix)) * 6 / 8
	if size == 0 || size > maxRaw {
		return 0, &OpenError{Reason: ReasonForm}
	}
	return size, nil
}

// decode fills r, whose length sizeOf told, from text.
func (r rawToken) decode(text []byte) error {
	if !decodeText(r, text[len(Prefix):]) {
		return &OpenError{Reason: ReasonForm}
	}
	if r[0] > wire.Version {
		return &wire.VersionError{Format: "token", Version: uint64(r[0])}
	}
	if r[0] != wire.Version || len(r) < minRaw || (len(r)-minRaw)%padStep != 0 {
		return &OpenError{Reason: ReasonForm}
	}
	return nil
}
