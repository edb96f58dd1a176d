package fieldcrypt

import (
	"crypto/cipher"
	"crypto/rand"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// RecordKey seals and opens the values of one record in one epoch of one
// field. Who holds it can do so for this record alone. It is safe for
// concurrent use.
type RecordKey struct {
	aead       cipher.AEAD
	draft      bool
	header     [1 + KeyIDSize + TagSize]byte                 // version ‖ key id ‖ tag
	associated [len(wire.LabelToken) + 1 + 32 + TagSize]byte // "us1" ‖ version ‖ commitment ‖ tag
}

// AppendSeal seals v and appends the token to dst; see [Key.AppendSeal].
func (r *RecordKey) AppendSeal(dst []byte, v Value) ([]byte, error) {
	if err := v.check(); err != nil {
		return dst, err
	}
	if v.Type == Text && LooksLike(v.Data) {
		return dst, ErrIsToken
	}
	// dst ‖ prefix ‖ text ‖ raw. The value is encrypted where it is first
	// written, so none of it is left behind.
	size := rawSize(len(v.Data))
	text := len(dst) + len(Prefix)
	end := text + textSize(size)
	out := slices.Grow(dst, end+size-len(dst))[:end+size]
	copy(out[len(dst):], Prefix)
	raw := append(out[:end], r.header[:]...)[end:][:fixedSize]
	_, _ = rand.Read(rawToken(raw).nonce())
	raw = appendPadded(raw, v, r.draft)
	raw = r.aead.Seal(raw[:fixedSize], rawToken(raw).nonce(), raw[fixedSize:], r.associated[:])
	encodeText(out[text:end], raw)
	return out[:end], nil
}

// Open opens a token of this record.
func (r *RecordKey) Open(token string) (Value, error) {
	data, typ, err := r.AppendOpen(nil, []byte(token))
	return Value{Type: typ, Data: data}, err
}

// AppendOpen is Open that appends the value's data to dst and returns its type
// beside it. It works in dst's spare capacity, also behind the data, in which
// token may not lie; with a token's length of it nothing is allocated. On an
// error it returns dst as it was.
func (r *RecordKey) AppendOpen(dst, token []byte) ([]byte, Type, error) {
	size, err := sizeOf(token)
	if err != nil {
		return dst, 0, err
	}
	out := slices.Grow(dst, size)[:len(dst)+size]
	raw := rawToken(out[len(dst):])
	if err := raw.decode(token); err != nil {
		return dst, 0, err
	}
	if raw.keyID() != KeyID(r.header[1:]) {
		return dst, 0, ErrUnknownKey
	}
	if raw.tag() != Tag(r.header[1+KeyIDSize:]) {
		return dst, 0, &OpenError{Reason: ReasonRecord}
	}
	p, err := r.open(raw)
	if err != nil {
		return dst, 0, err
	}
	n := copy(raw, p.data)
	clear(raw[n:]) // the value stood there
	return out[:len(dst)+n], p.typ, nil
}

// open decrypts in place.
func (r *RecordKey) open(raw rawToken) (plain, error) {
	sealed := raw.sealed()
	pt, err := r.aead.Open(sealed[:0], raw.nonce(), sealed, r.associated[:])
	if err != nil {
		return plain{}, &OpenError{Reason: ReasonCiphertext}
	}
	p, ok := unpad(pt)
	if !ok {
		clear(pt)
		return plain{}, &OpenError{Reason: ReasonPlaintext}
	}
	return p, nil
}
