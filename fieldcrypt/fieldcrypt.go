// Package fieldcrypt seals single values into tokens, text that fits where the
// value stood.
//
// A field's data key gives one key per record, so that a token is bound to its
// field, epoch and record, and one record can be shared without the others.
// Make a [Key] from an epoch's data key; seal and open one value with
// [Key.Seal] and [Key.Open]; take a [RecordKey] with [Key.Record] for several
// values of one record; put all the keys that somebody holds into a [Ring],
// which finds the right one by the token's key id.
//
// Key management is the caller's: a data key comes from an envelope, checked
// against the membership log.
//
// Compatibility: the layout is spec/token.md, format version 1. Until release
// 1.0.0 it may change together with its vectors; afterwards tokens of every
// version open for ever.
package fieldcrypt

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
)

// The identifiers, under the names this package's callers use.
type (
	// DataKey is one epoch's key with its context and commitment.
	DataKey = datakey.Key
	// Hash is a SHA-256 value.
	Hash = wire.Hash
)

// Key seals and opens the values of one epoch of one field. It is safe for
// concurrent use.
type Key struct {
	id         KeyID
	commitment Hash
	tags       macPool // HMAC under K_tag
	records    macPool // HMAC under K_rec
}

// NewKey derives a field key from an epoch's data key.
func NewKey(k *DataKey) *Key {
	tag, rec := k.Derive(wire.LabelKeyTag), k.Derive(wire.LabelKeyRec)
	return &Key{id: k.ID(), commitment: k.Commitment(), tags: newMACPool(tag.Expose()), records: newMACPool(rec.Expose())}
}

// ID is the key id that this key's tokens carry.
func (k *Key) ID() KeyID { return k.id }

// Tag computes a record's tag: HMAC-SHA256(K_tag, name)[:8].
func (k *Key) Tag(record Name) Tag {
	var out [sha256.Size]byte
	k.tags.sum(&out, record.encoded)
	return Tag(out[:TagSize])
}

// Record derives the key of one record, to be used for several values.
func (k *Key) Record(record Name) (*RecordKey, error) {
	if record.encoded == nil {
		return nil, ErrRecord
	}
	return k.recordKey(k.Tag(record), record.draft)
}

func (k *Key) recordKey(tag Tag, draft bool) (*RecordKey, error) {
	var key [sha256.Size]byte
	k.records.sum(&key, tag[:])
	aead, err := chacha20poly1305.NewX(key[:])
	clear(key[:])
	if err != nil {
		return nil, err
	}
	r := &RecordKey{aead: aead, draft: draft}
	r.header[0] = wire.Version
	copy(r.header[1:], k.id[:])
	copy(r.header[1+KeyIDSize:], tag[:])
	const label = len(wire.LabelToken)
	copy(r.associated[:], wire.LabelToken)
	r.associated[label] = wire.Version
	copy(r.associated[label+1:], k.commitment[:])
	copy(r.associated[label+1+len(k.commitment):], tag[:])
	return r, nil
}

// Seal seals one value of one record and returns the token.
func (k *Key) Seal(record Name, v Value) (string, error) {
	r, err := k.Record(record)
	if err != nil {
		return "", err
	}
	t, err := r.AppendSeal(nil, v)
	return string(t), err
}

// Open opens a token of this key. With a record, the token must belong to it,
// or be a draft, which is reported as Draft. With the zero Name the record is
// not checked, which is reported as Unchecked.
func (k *Key) Open(token string, record Name) (Value, Binding, error) {
	t, err := Parse([]byte(token))
	if err != nil {
		return Value{}, 0, err
	}
	return k.OpenToken(t, record)
}

// OpenToken is Open for a token that is parsed already.
func (k *Key) OpenToken(t Token, record Name) (Value, Binding, error) {
	if subtle.ConstantTimeCompare(t.KeyID[:], k.id[:]) != 1 {
		return Value{}, 0, ErrUnknownKey
	}
	r, err := k.recordKey(t.Tag, false)
	if err != nil {
		return Value{}, 0, err
	}
	v, draft, err := r.open(t)
	if err != nil {
		return Value{}, 0, err
	}
	if draft {
		return v, Draft, nil
	}
	if record.encoded == nil {
		return v, Unchecked, nil
	}
	want := k.Tag(record)
	if subtle.ConstantTimeCompare(t.Tag[:], want[:]) != 1 {
		clear(v.Data)
		return Value{}, 0, &OpenError{Reason: ReasonRecord}
	}
	return v, Bound, nil
}

// RecordKey seals and opens the values of one record in one epoch of one
// field. Who holds it can do so for this record alone. It is safe for
// concurrent use.
type RecordKey struct {
	aead       cipher.AEAD
	draft      bool
	header     [1 + KeyIDSize + TagSize]byte                 // version ‖ key id ‖ tag
	associated [len(wire.LabelToken) + 1 + 32 + TagSize]byte // "us1" ‖ version ‖ commitment ‖ tag
}

// AppendSeal seals v and appends the token to dst.
func (r *RecordKey) AppendSeal(dst []byte, v Value) ([]byte, error) {
	if err := v.check(); err != nil {
		return dst, err
	}
	buf := scratch.Get().(*[]byte)
	defer putScratch(buf)
	raw := append((*buf)[:0], r.header[:]...)
	nonce := len(raw)
	raw = append(raw, make([]byte, chacha20poly1305.NonceSizeX)...)
	_, _ = rand.Read(raw[nonce:])
	text := len(raw)
	raw = appendPadded(raw, v, r.draft)
	raw = r.aead.Seal(raw[:text], raw[nonce:text], raw[text:], r.associated[:])
	*buf = raw
	return appendText(dst, raw), nil
}

// Open opens a token of this record.
func (r *RecordKey) Open(t Token) (Value, error) {
	if KeyID(r.header[1:1+KeyIDSize]) != t.KeyID {
		return Value{}, ErrUnknownKey
	}
	if Tag(r.header[1+KeyIDSize:]) != t.Tag {
		return Value{}, &OpenError{Reason: ReasonRecord}
	}
	v, _, err := r.open(t)
	return v, err
}

func (r *RecordKey) open(t Token) (v Value, draft bool, err error) {
	pt, err := r.aead.Open(make([]byte, 0, len(t.sealed)), t.nonce[:], t.sealed, r.associated[:])
	if err != nil {
		return Value{}, false, &OpenError{Reason: ReasonCiphertext}
	}
	v, draft, ok := unpad(pt)
	if !ok {
		clear(pt)
		return Value{}, false, &OpenError{Reason: ReasonPlaintext}
	}
	return v, draft, nil
}

// Ring is the set of keys that somebody holds, by key id. Add all keys before
// use from several goroutines.
type Ring struct {
	keys map[KeyID]*Key
}

// NewRing returns a ring with the given keys.
func NewRing(keys ...*Key) *Ring {
	r := &Ring{keys: make(map[KeyID]*Key, len(keys))}
	for _, k := range keys {
		r.keys[k.id] = k
	}
	return r
}

// Key returns the key with an id, or nil.
func (r *Ring) Key(id KeyID) *Key { return r.keys[id] }

// Len is the number of keys.
func (r *Ring) Len() int { return len(r.keys) }

// Open finds the token's key and opens it; see [Key.Open]. A key that is not
// in the ring gives ErrUnknownKey: synchronize, then say so.
func (r *Ring) Open(token string, record Name) (Value, Binding, error) {
	t, err := Parse([]byte(token))
	if err != nil {
		return Value{}, 0, err
	}
	k := r.keys[t.KeyID]
	if k == nil {
		return Value{}, 0, ErrUnknownKey
	}
	return k.OpenToken(t, record)
}

// Opened is the outcome for one token of a batch.
type Opened struct {
	Value   Value
	Binding Binding
	Err     error
}

// OpenBatch opens many tokens; records is nil (no record is checked) or as
// long as tokens. One token's failure does not touch the others.
func (r *Ring) OpenBatch(tokens []string, records []Name) []Opened {
	out := make([]Opened, len(tokens))
	for i, t := range tokens {
		var name Name
		if records != nil {
			name = records[i]
		}
		out[i].Value, out[i].Binding, out[i].Err = r.Open(t, name)
	}
	return out
}

// macPool keeps keyed HMAC states, whose set-up costs as much as two short
// messages.
type macPool struct{ pool *sync.Pool }

func newMACPool(key []byte) macPool {
	return macPool{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (p macPool) sum(out *[sha256.Size]byte, message []byte) {
	h := p.pool.Get().(hash.Hash)
	h.Reset()
	_, _ = h.Write(message)
	h.Sum(out[:0])
	p.pool.Put(h)
}

// scratch holds buffers for raw tokens. They held plaintext, so they are
// cleared before they go back.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

func putScratch(b *[]byte) {
	clear((*b)[:cap(*b)])
	if cap(*b) <= 64<<10 { // do not keep the rare large one
		scratch.Put(b)
	}
}
