package fieldcrypt

import (
	"bytes"
	"encoding/base64"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/wire"
)

// Sizes in bytes of a token's parts before base64url.
const (
	KeyIDSize = 8
	TagSize   = 8

	fixedSize = 1 + KeyIDSize + TagSize + chacha20poly1305.NonceSizeX // 41
	minRaw    = fixedSize + padStep + chacha20poly1305.Overhead       // 73
	maxRaw    = fixedSize + wire.MaxValue + 2*padStep + chacha20poly1305.Overhead
)

// Prefix is how every token begins.
const Prefix = wire.LabelToken + "."

type (
	// KeyID is the first 8 bytes of a data key's commitment.
	KeyID [KeyIDSize]byte
	// Tag names a record to holders of the data key.
	Tag [TagSize]byte
)

// Token is a parsed token; nothing of it is verified.
type Token struct {
	KeyID  KeyID
	Tag    Tag
	nonce  [chacha20poly1305.NonceSizeX]byte
	sealed []byte
}

// TokenSize returns the length in characters of a token for a value of n
// bytes, to be compared with a field's limit.
func TokenSize(n int) int {
	padded := (1 + n + padStep) / padStep * padStep
	return len(Prefix) + base64.RawURLEncoding.EncodedLen(fixedSize+padded+chacha20poly1305.Overhead)
}

// LooksLike tells whether text claims to be a token: it begins like one. Such
// text is never sealed again as a value, nor taken for plaintext.
func LooksLike(text []byte) bool { return bytes.HasPrefix(text, []byte(Prefix)) }

// Parse reads a token. Exactly one text form is accepted for each token
// (attacks 26 and 27): white space, padding, another alphabet, another case
// or left-over bits are refused.
func Parse(text []byte) (Token, error) {
	if !LooksLike(text) {
		return Token{}, ErrNotToken
	}
	body := text[len(Prefix):]
	if len(body) > base64.RawURLEncoding.EncodedLen(maxRaw) {
		return Token{}, &OpenError{Reason: ReasonForm}
	}
	// The strict decoder still skips line breaks; with them excluded, what it
	// accepts is what the encoder writes (FuzzParse holds it to that).
	if bytes.IndexByte(body, '\n') >= 0 || bytes.IndexByte(body, '\r') >= 0 {
		return Token{}, &OpenError{Reason: ReasonForm}
	}
	raw := make([]byte, base64.RawURLEncoding.DecodedLen(len(body)))
	n, err := base64.RawURLEncoding.Strict().Decode(raw, body)
	if err != nil || n == 0 {
		return Token{}, &OpenError{Reason: ReasonForm}
	}
	raw = raw[:n]
	if raw[0] != wire.Version {
		return Token{}, &wire.VersionError{Format: "token", Version: uint64(raw[0])}
	}
	if n < minRaw || n > maxRaw || (n-fixedSize-chacha20poly1305.Overhead)%padStep != 0 {
		return Token{}, &OpenError{Reason: ReasonForm}
	}
	var t Token
	rest := raw[1:]
	rest = rest[copy(t.KeyID[:], rest):]
	rest = rest[copy(t.Tag[:], rest):]
	t.sealed = rest[copy(t.nonce[:], rest):]
	return t, nil
}

func appendText(dst, raw []byte) []byte {
	if dst == nil {
		dst = make([]byte, 0, len(Prefix)+base64.RawURLEncoding.EncodedLen(len(raw)))
	}
	return base64.RawURLEncoding.AppendEncode(append(dst, Prefix...), raw)
}
