// Package envelope seals one key to one recipient, signed by one sender.
//
// An envelope is HPKE (RFC 9180, base mode) with X-Wing, HKDF-SHA256 and
// ChaCha20-Poly1305, signed with Ed25519: X-Wing has no authenticated mode, so
// the sender signs. Use [Seal] to make one; use [Parse] to read one's claims
// and [Envelope.Open] with the context that a verified membership log gives.
// Nothing in an envelope is believed: Open wants the whole context from the
// caller and compares it.
//
// The package is also where data keys come from: [GenerateKey] makes one,
// [OpenKey] takes one that was kept elsewhere, never without its commitment.
// Keys of recipients are X-Wing seeds, see [NewPrivateKey]; package keyring
// keeps those of a device.
//
// Compatibility: the layout is spec/envelope.md, format version 1. Until
// release 1.0.0 it may change together with its vectors; afterwards envelopes
// of every version open for ever.
package envelope

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

const (
	format = "envelope"
	parts  = 5 // version, info, enc, ct, signature

	ciphertextSize = datakey.Size + 16 // the key and a Poly1305 tag
)

// RecipientKind says whose key an envelope is sealed to.
type RecipientKind uint8

// The kinds of recipient.
const (
	ToMember RecipientKind = 1 // a member's user key
	ToGroup  RecipientKind = 2 // a group's key
	ToDevice RecipientKind = 3 // a device's key
)

// Recipient is one receiver: the id of a member (32 bytes), group (16) or
// device (32), and the hash of the very public key that is sealed to.
type Recipient struct {
	_    struct{} `cbor:",toarray"`
	Kind RecipientKind
	ID   []byte
	Key  Hash
}

// Index is the place in a store where the recipient's envelopes are filed.
func (r Recipient) Index() Hash {
	return wire.Sum(wire.LabelIndex, wire.MustMarshal([]any{uint8(r.Kind), r.ID}))
}

// Info is the context of an envelope; all of it is bound by HPKE and by the
// signature (attack 17).
type Info struct {
	Context    KeyContext
	Commitment Hash
	Recipient  Recipient
	Sender     DeviceID
}

// infoWire is the encoded form of Info:
// CBOR[label, organization, kind, resource, epoch, commitment, recipient, sender].
type infoWire struct {
	_            struct{} `cbor:",toarray"`
	Label        string
	Organization wire.OrganizationID
	Kind         uint8
	Resource     []byte
	Epoch        uint64
	Commitment   Hash
	Recipient    Recipient
	Sender       DeviceID
}

// Encode returns the info bytes.
func (i Info) Encode() []byte {
	return wire.MustMarshal(infoWire{
		Label:        wire.LabelEnvelope,
		Organization: i.Context.Organization,
		Kind:         uint8(i.Context.Kind),
		Resource:     i.Context.Resource,
		Epoch:        i.Context.Epoch,
		Commitment:   i.Commitment,
		Recipient:    i.Recipient,
		Sender:       i.Sender,
	})
}

func decodeInfo(b []byte) (Info, error) {
	var w infoWire
	if err := wire.Unmarshal(b, &w, wire.MaxEnvelope); err != nil {
		return Info{}, err
	}
	if w.Label != wire.LabelEnvelope {
		return Info{}, fmt.Errorf("%w: label", wire.ErrMalformed)
	}
	return Info{
		Context:    KeyContext{Organization: w.Organization, Resource: w.Resource, Kind: wire.KeyKind(w.Kind), Epoch: w.Epoch},
		Commitment: w.Commitment,
		Recipient:  w.Recipient,
		Sender:     w.Sender,
	}, nil
}

// Signer signs for a device; keyring.Device is one.
type Signer interface {
	ID() DeviceID
	// Sign returns Ed25519(label ‖ 0x00 ‖ payload).
	Sign(label string, payload []byte) []byte
}

// envelopeWire is CBOR[version, info, enc, ct, signature].
type envelopeWire struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Info      []byte
	Enc       []byte
	CT        []byte
	Signature []byte
}

// Seal seals key to the public key of 1216 bytes and signs as by. The caller
// took public from its own verified log (P2); Seal refuses one that is
// malformed, of low order, or not the one that to.Key names.
func Seal(key *Key, to Recipient, public []byte, by Signer) ([]byte, error) {
	p, err := NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("seal envelope: %w", err)
	}
	return p.Seal(key, to, by)
}

// PublicKey is a public key that has been checked, for who seals many keys to
// it: the checks take longer than to seal. It may be used by several goroutines.
type PublicKey struct {
	hash Hash
	kem  hpkePublic
}

// NewPublicKey checks a public key of 1216 bytes; it refuses one that is
// malformed or of low order.
func NewPublicKey(public []byte) (*PublicKey, error) {
	if err := pubkey.CheckKEM(public); err != nil {
		return nil, err
	}
	kem, err := hpkeParse(public)
	if err != nil {
		return nil, err
	}
	return &PublicKey{hash: pubkey.Hash(public), kem: kem}, nil
}

// Seal seals key to the public key and signs as by, as [Seal] does.
func (p *PublicKey) Seal(key *Key, to Recipient, by Signer) ([]byte, error) {
	if p.hash != to.Key {
		return nil, fmt.Errorf("seal envelope: %w: not the recipient's key", pubkey.ErrKey)
	}
	if key.Raw().Len() != datakey.Size { // destroyed
		return nil, fmt.Errorf("seal envelope: %w", datakey.ErrSize)
	}
	info := Info{Context: key.Context(), Commitment: key.Commitment(), Recipient: to, Sender: by.ID()}.Encode()
	enc, ct, err := hpkeSeal(p.kem, info, key.Raw().Expose())
	if err != nil {
		return nil, fmt.Errorf("seal envelope: %w", err)
	}
	sig := by.Sign(wire.LabelEnvelope, signed(info, enc, ct))
	return wire.Marshal(envelopeWire{Version: wire.Version, Info: info, Enc: enc, CT: ct, Signature: sig})
}

// signed is SHA-256(info) ‖ enc ‖ ct; the last two have fixed lengths.
func signed(info, enc, ct []byte) []byte {
	h := sha256.Sum256(info)
	b := make([]byte, 0, len(h)+len(enc)+len(ct))
	return append(append(append(b, h[:]...), enc...), ct...)
}

// Envelope is a parsed, not yet verified envelope.
type Envelope struct {
	info Info
	w    envelopeWire
}

// Parse reads an envelope's claims. It checks form only.
func Parse(b []byte) (*Envelope, error) {
	if len(b) > wire.MaxEnvelope {
		return nil, fmt.Errorf("%s: %w", format, wire.ErrTooLarge)
	}
	if err := wire.CheckVersion(b, format, parts); err != nil {
		return nil, err
	}
	var e Envelope
	if err := wire.Unmarshal(b, &e.w, wire.MaxEnvelope); err != nil {
		return nil, fmt.Errorf("%s: %w", format, err)
	}
	if len(e.w.Enc) != pubkey.EncapsulSize || len(e.w.CT) != ciphertextSize || len(e.w.Signature) != pubkey.SignatureSize {
		return nil, fmt.Errorf("%s: %w: part of a wrong length", format, wire.ErrMalformed)
	}
	var err error
	if e.info, err = decodeInfo(e.w.Info); err != nil {
		return nil, fmt.Errorf("%s: %w", format, err)
	}
	return &e, nil
}

// Claims returns what the envelope says of itself, for finding the operation
// in the log that would allow it. Nothing of it is verified yet.
func (e *Envelope) Claims() Info { return e.info }

// Open checks the envelope against want, the context that the caller's own
// verified log gives, and sender, the signing key that this log names for
// want.Sender; then decapsulates with to and checks the key against
// want.Commitment. Every failure is an [*OpenError], which reads the same
// whatever the cause (P9).
func (e *Envelope) Open(to *PrivateKey, sender ed25519.PublicKey, want Info) (*Key, error) {
	if string(e.w.Info) != string(want.Encode()) {
		return nil, &OpenError{Reason: ReasonContext}
	}
	if pubkey.CheckSigning(sender) != nil || pubkey.Verify(sender, wire.LabelEnvelope, signed(e.w.Info, e.w.Enc, e.w.CT), e.w.Signature) != nil {
		return nil, &OpenError{Reason: ReasonSignature}
	}
	if to.Hash() != want.Recipient.Key {
		return nil, &OpenError{Reason: ReasonRecipient}
	}
	if pubkey.CheckEncapsulation(e.w.Enc) != nil {
		return nil, &OpenError{Reason: ReasonEncapsulation}
	}
	raw, err := to.open(e.w.Enc, e.w.CT, e.w.Info)
	if err != nil {
		return nil, &OpenError{Reason: ReasonCiphertext}
	}
	defer raw.Destroy()
	key, err := datakey.Open(want.Context, raw, want.Commitment)
	if err != nil {
		return nil, &OpenError{Reason: ReasonCommitment}
	}
	return key, nil
}
