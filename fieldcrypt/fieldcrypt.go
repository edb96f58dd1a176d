// Package fieldcrypt seals single values into tokens, text that fits where the
// value stood.
//
// A field's data key gives one key per record, so that a token is bound to its
// field, epoch and record, and one record can be shared without the others.
// Make a [Key] from an epoch's data key; seal and open one value with
// [Key.Seal] and [Key.Open]; take a [RecordKey] with [Key.Record] for several
// values of one record; put all the keys that somebody holds into a [Ring],
// which finds the right one by the token's key id. [Key.SealBatch] and
// [Ring.OpenBatch] use all cores; the methods that begin with Append work in
// memory of the caller and allocate nothing, or next to nothing.
//
// Key management is the caller's: a data key comes from package envelope,
// which makes one or opens one against the commitment that the membership log
// names.
//
// Compatibility: the layout is spec/token.md, format version 1. Until release
// 1.0.0 it may change together with its vectors; afterwards tokens of every
// version open for ever.
package fieldcrypt

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"slices"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
)

// The identifiers, under the names this package's callers use.
type (
	// DataKey is one epoch's key with its context and commitment, the same
	// type as envelope.Key.
	DataKey = datakey.Key
	// Hash is a SHA-256 value.
	Hash = wire.Hash
)

// Key seals and opens the values of one epoch of one field. It is safe for
// concurrent use.
type Key struct {
	id         KeyID
	commitment Hash
	derivers   sync.Pool // of *deriver
}

// NewKey derives a field key from an epoch's data key, which may be destroyed
// afterwards.
func NewKey(k *DataKey) *Key {
	tag, rec := k.Derive(wire.LabelKeyTag), k.Derive(wire.LabelKeyRec)
	f := &Key{id: k.ID(), commitment: k.Commitment()}
	f.derivers.New = func() any {
		return &deriver{tags: hmac.New(sha256.New, tag.Expose()), records: hmac.New(sha256.New, rec.Expose())}
	}
	return f
}

// ID is the key id that this key's tokens carry.
func (k *Key) ID() KeyID { return k.id }

// Tag computes a record's tag: HMAC-SHA256(K_tag, name)[:8].
func (k *Key) Tag(record Name) Tag {
	d := k.deriver()
	defer k.release(d)
	return d.tag(record)
}

// Record derives the key of one record, to be used for several values.
func (k *Key) Record(record Name) (*RecordKey, error) {
	if record.encoded == nil {
		return nil, ErrRecord
	}
	d := k.deriver()
	defer k.release(d)
	if err := k.derive(d, d.tag(record), record.draft); err != nil {
		return nil, err
	}
	r := d.record
	return &r, nil
}

// Seal seals one value of one record and returns the token.
func (k *Key) Seal(record Name, v Value) (string, error) {
	d := k.deriver()
	defer k.release(d)
	var err error
	if d.buf, err = k.seal(d, d.buf[:0], record, v); err != nil {
		return "", err
	}
	return string(d.buf), nil
}

// AppendSeal is Seal that appends the token to dst. It works in dst's spare
// capacity, also behind the token, in which v.Data may not lie; twice
// [TokenSize] is enough to allocate nothing for it. On an error it returns dst
// as it was.
func (k *Key) AppendSeal(dst []byte, record Name, v Value) ([]byte, error) {
	d := k.deriver()
	defer k.release(d)
	return k.seal(d, dst, record, v)
}

func (k *Key) seal(d *deriver, dst []byte, record Name, v Value) ([]byte, error) {
	if record.encoded == nil {
		return dst, ErrRecord
	}
	if err := k.derive(d, d.tag(record), record.draft); err != nil {
		return dst, err
	}
	return d.record.AppendSeal(dst, v)
}

// Open opens a token of this key. With a record, the token must belong to it,
// or be a draft, which is reported as Draft. With the zero Name the record is
// not checked, which is reported as Unchecked.
func (k *Key) Open(token string, record Name) (Value, Binding, error) {
	text := []byte(token)
	size, err := sizeOf(text)
	if err != nil {
		return Value{}, 0, err
	}
	d := k.deriver()
	defer k.release(d)
	d.buf = slices.Grow(d.buf[:0], size)[:size]
	if err := rawToken(d.buf).decode(text); err != nil {
		return Value{}, 0, err
	}
	p, binding, err := k.open(d, record)
	if err != nil {
		return Value{}, 0, err
	}
	return p.value(), binding, nil
}

// OpenToken is Open for a token that is parsed already.
func (k *Key) OpenToken(t Token, record Name) (Value, Binding, error) {
	d := k.deriver()
	defer k.release(d)
	d.buf = append(d.buf[:0], t.raw()...)
	p, binding, err := k.open(d, record)
	if err != nil {
		return Value{}, 0, err
	}
	return p.value(), binding, nil
}

// AppendOpenToken is OpenToken that appends the value's data to dst and
// returns its type beside it. On an error it returns dst as it was.
func (k *Key) AppendOpenToken(dst []byte, t Token, record Name) ([]byte, Type, Binding, error) {
	d := k.deriver()
	defer k.release(d)
	d.buf = append(d.buf[:0], t.raw()...)
	p, binding, err := k.open(d, record)
	if err != nil {
		return dst, 0, 0, err
	}
	return append(dst, p.data...), p.typ, binding, nil
}

// open decrypts the raw token in d.buf in place.
func (k *Key) open(d *deriver, record Name) (plain, Binding, error) {
	raw := rawToken(d.buf)
	if len(raw) < minRaw { // the zero Token
		return plain{}, 0, &OpenError{Reason: ReasonForm}
	}
	if raw.keyID() != k.id {
		return plain{}, 0, ErrUnknownKey
	}
	tag := raw.tag()
	if err := k.derive(d, tag, false); err != nil {
		return plain{}, 0, err
	}
	p, err := d.record.open(raw)
	switch {
	case err != nil:
		return plain{}, 0, err
	case p.draft:
		return p, Draft, nil
	case record.encoded == nil:
		return p, Unchecked, nil
	}
	want := d.tag(record)
	if subtle.ConstantTimeCompare(tag[:], want[:]) != 1 {
		return plain{}, 0, &OpenError{Reason: ReasonRecord}
	}
	return p, Bound, nil
}

// deriver computes tags and record keys, and has the memory for one operation.
// It is kept for reuse because setting up a keyed HMAC costs as much as two
// short messages, and what passes through an interface has to be allocated.
type deriver struct {
	tags    hash.Hash // HMAC under K_tag
	records hash.Hash // HMAC under K_rec
	sum     [sha256.Size]byte
	short   Tag
	record  RecordKey
	buf     []byte // a token, sealed or opened, or its text
}

func (k *Key) deriver() *deriver { return k.derivers.Get().(*deriver) }

// release gives d back. It held a key and a value, so it is cleared first;
// nothing of it may be in a caller's hands.
func (k *Key) release(d *deriver) {
	clear(d.sum[:])
	d.record = RecordKey{}
	clear(d.buf)
	if cap(d.buf) > 64<<10 { // do not keep the rare large one
		d.buf = nil
	}
	k.derivers.Put(d)
}

// tag is HMAC-SHA256(K_tag, name)[:8].
func (d *deriver) tag(record Name) Tag {
	d.mac(d.tags, record.encoded)
	return Tag(d.sum[:TagSize])
}

func (d *deriver) mac(h hash.Hash, message []byte) {
	h.Reset()
	_, _ = h.Write(message)
	h.Sum(d.sum[:0])
}

// derive sets d.record: its key is HMAC-SHA256(K_rec, tag).
func (k *Key) derive(d *deriver, tag Tag, draft bool) error {
	d.short = tag
	d.mac(d.records, d.short[:])
	aead, err := chacha20poly1305.NewX(d.sum[:])
	if err != nil {
		return err
	}
	r := &d.record
	r.aead, r.draft = aead, draft
	r.header[0] = wire.Version
	copy(r.header[1:], k.id[:])
	copy(r.header[1+KeyIDSize:], tag[:])
	const label = len(wire.LabelToken)
	copy(r.associated[:], wire.LabelToken)
	r.associated[label] = wire.Version
	copy(r.associated[label+1:], k.commitment[:])
	copy(r.associated[label+1+len(k.commitment):], tag[:])
	return nil
}
