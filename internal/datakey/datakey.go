// Package datakey derives what belongs to one epoch of one key: its
// commitment, its id, and the keys for tags, records, history and names.
// It is the place where P3 (a key is accepted only if it matches its
// commitment) and P5 (one key id, one key) are computed; who may hold the
// commitment is the membership log's affair. See spec/suite.md, "Data key".
package datakey

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
)

// Size is the length of every data key and key-pair seed in bytes.
const Size = 32

// SealedKeySize is the length of a previous key as sealed by SealPrevious:
// nonce, key, tag.
const SealedKeySize = chacha20poly1305.NonceSizeX + Size + chacha20poly1305.Overhead

var (
	// ErrSize is returned for a key that is missing or of another length. It
	// is never a reason to make a new key (attack 10).
	ErrSize = errors.New("a data key has 32 bytes")
	// ErrCommitment is returned for a key that is not the one committed to.
	ErrCommitment = errors.New("the key does not match its commitment")
	// ErrSealed is returned for something sealed under a data key that does not open.
	ErrSealed = errors.New("does not open under this key")
)

// Key is one epoch's key with its context. It is immutable and safe for
// concurrent use until Destroy.
type Key struct {
	context    wire.KeyContext
	encoded    []byte // C
	raw        *secret.Bytes
	base       *secret.Bytes
	commitment wire.Hash
}

// New binds a key to its context. Both are copied. A context that
// [wire.KeyContext.Check] refuses gives wire.ErrContext, a key of another
// length ErrSize.
func New(c wire.KeyContext, key *secret.Bytes) (*Key, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if key.Len() != Size {
		return nil, ErrSize
	}
	prk, err := hkdf.Extract(sha256.New, key.Expose(), []byte(wire.LabelDataKey))
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	k := &Key{context: c.Clone(), encoded: c.Encode(), raw: key.Clone(), base: secret.Take(prk)}
	out := k.Derive(wire.LabelCommit)
	copy(k.commitment[:], out.Expose())
	return k, nil
}

// Generate makes a new random key for the context.
func Generate(c wire.KeyContext) (*Key, error) {
	raw := secret.Random(Size)
	defer raw.Destroy()
	return New(c, raw)
}

// Open is New for a key that came from outside: it must match the commitment
// that the verified log names. The comparison is in constant time.
func Open(c wire.KeyContext, key *secret.Bytes, commitment wire.Hash) (*Key, error) {
	k, err := New(c, key)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k.commitment[:], commitment[:]) != 1 {
		k.Destroy()
		return nil, ErrCommitment
	}
	return k, nil
}

// Context is a copy of what the key belongs to.
func (k *Key) Context() wire.KeyContext { return k.context.Clone() }

// Commitment is Expand(base, "underseal/v1/commit" ‖ 0 ‖ C, 32).
func (k *Key) Commitment() wire.Hash { return k.commitment }

// ID is the first 8 bytes of the commitment, the key id that tokens carry.
func (k *Key) ID() [8]byte { return [8]byte(k.commitment[:8]) }

// Raw returns the key itself, for sealing it to a recipient.
func (k *Key) Raw() *secret.Bytes { return k.raw }

// Derive returns Expand(base, label ‖ 0 ‖ C, 32), the key for one purpose.
// After Destroy it panics: what it would expand then is known to everybody.
func (k *Key) Derive(label string) *secret.Bytes {
	if k.base.Len() == 0 {
		panic("datakey: used after Destroy")
	}
	out, err := hkdf.Expand(sha256.New, k.base.Expose(), string(wire.Labelled(label, k.encoded)), Size)
	if err != nil {
		panic(err) // only lengths above 255 hashes fail
	}
	return secret.Take(out)
}

// Seal encrypts a short text under the key derived for label, bound to the
// key's context and to extra: nonce ‖ XChaCha20-Poly1305 ciphertext, with
// CBOR[label, C, extra] as associated data. Nonces are random, 24 bytes.
func (k *Key) Seal(label string, plaintext, extra []byte) ([]byte, error) {
	sub := k.Derive(label)
	defer sub.Destroy()
	aead, err := chacha20poly1305.NewX(sub.Expose())
	if err != nil {
		return nil, fmt.Errorf("seal under data key: %w", err)
	}
	out := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plaintext)+chacha20poly1305.Overhead)
	_, _ = rand.Read(out)
	return aead.Seal(out, out, plaintext, k.associated(label, extra)), nil
}

// Unseal reverses Seal.
func (k *Key) Unseal(label string, sealed, extra []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, ErrSealed
	}
	sub := k.Derive(label)
	defer sub.Destroy()
	aead, err := chacha20poly1305.NewX(sub.Expose())
	if err != nil {
		return nil, fmt.Errorf("open under data key: %w", err)
	}
	nonce, ct := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	pt, err := aead.Open(nil, nonce, ct, k.associated(label, extra))
	if err != nil {
		return nil, ErrSealed
	}
	return pt, nil
}

func (k *Key) associated(label string, extra []byte) []byte {
	return wire.MustMarshal([]any{label, k.encoded, extra})
}

// SealPrevious seals the previous epoch's key under this one, so that whoever
// is given this key reads what was written before (spec/suite.md, "History").
func (k *Key) SealPrevious(prev *Key) ([]byte, error) {
	if prev.raw.Len() != Size { // destroyed: its place would be sealed for good
		return nil, ErrSize
	}
	return k.Seal(wire.LabelKeyPrev, prev.raw.Expose(), historyContext(k.commitment, prev.commitment))
}

// OpenPrevious reverses SealPrevious and checks the older key against the
// commitment that the log names for it (attack 61).
func (k *Key) OpenPrevious(sealed []byte, c wire.KeyContext, commitment wire.Hash) (*Key, error) {
	b, err := k.Unseal(wire.LabelKeyPrev, sealed, historyContext(k.commitment, commitment))
	if err != nil {
		return nil, err
	}
	raw := secret.Take(b)
	defer raw.Destroy()
	return Open(c, raw, commitment)
}

func historyContext(newer, older wire.Hash) []byte {
	return append(append(make([]byte, 0, 64), newer[:]...), older[:]...)
}

// Destroy clears the key material.
func (k *Key) Destroy() {
	k.raw.Destroy()
	k.base.Destroy()
}
