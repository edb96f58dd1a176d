package envelope

import (
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
)

// The identifiers, under the names this package's callers use.
type (
	// Key is one epoch's key with its context and commitment.
	Key = datakey.Key
	// KeyContext says what a key belongs to.
	KeyContext = wire.KeyContext
	// KeyKind says what a key is the key of.
	KeyKind = wire.KeyKind
	// OrganizationID is an organization's fingerprint.
	OrganizationID = wire.OrganizationID
	// DeviceID names the sending device.
	DeviceID = wire.DeviceID
	// Hash is a SHA-256 value.
	Hash = wire.Hash
	// Secret is key material that prints as "[redacted]" and is never
	// marshalled. Expose gives the bytes, Destroy clears them.
	Secret = secret.Bytes
)

// The kinds of key.
const (
	KindField     = wire.KindField
	KindFolder    = wire.KindFolder
	KindDirectory = wire.KindDirectory
	KindGroup     = wire.KindGroup
	KindUser      = wire.KindUser
)

// NewSecret copies b into a secret. The caller clears its own copy.
func NewSecret(b []byte) *Secret { return secret.New(b) }

// GenerateKey makes a new random key for a context. A context without a known
// kind, a resource id of its length (16 bytes, for KindUser 32) and an epoch
// counted from 1 gives ErrKeyContext.
func GenerateKey(c KeyContext) (*Key, error) { return datakey.Generate(c) }

// OpenKey takes a key of 32 bytes that was kept elsewhere. It must match the
// commitment that the caller remembers or a verified log names, else it gives
// ErrCommitment, or ErrKeySize where it is missing or of another length:
// never a reason to make a new key. The secret is copied.
func OpenKey(c KeyContext, raw *Secret, commitment Hash) (*Key, error) {
	return datakey.Open(c, raw, commitment)
}

// PublicKeyHash names an X-Wing public key in a Recipient.
func PublicKeyHash(public []byte) Hash { return pubkey.Hash(public) }

// PrivateKey is an X-Wing private key. It is safe for concurrent use until
// Destroy.
type PrivateKey struct {
	seed   *Secret
	public []byte
	hash   Hash
}

// NewPrivateKey expands an X-Wing seed of 32 bytes. The seed is copied.
func NewPrivateKey(seed *Secret) (*PrivateKey, error) {
	if seed.Len() != datakey.Size {
		return nil, fmt.Errorf("x-wing key: %w", datakey.ErrSize)
	}
	public, err := xwingPublic(seed.Expose())
	if err != nil {
		return nil, fmt.Errorf("x-wing key: %w", err)
	}
	return &PrivateKey{seed: seed.Clone(), public: public, hash: pubkey.Hash(public)}, nil
}

// Public returns a copy of the public key, 1216 bytes.
func (k *PrivateKey) Public() []byte { return append([]byte(nil), k.public...) }

// Hash names the public key inside envelopes.
func (k *PrivateKey) Hash() Hash { return k.hash }

// Destroy clears the seed; afterwards nothing can be opened.
func (k *PrivateKey) Destroy() { k.seed.Destroy() }

func (k *PrivateKey) open(enc, ct, info []byte) (*Secret, error) {
	pt, err := hpkeOpen(k.seed.Expose(), enc, ct, info)
	if err != nil {
		return nil, err
	}
	return secret.Take(pt), nil
}
