package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

var (
	// ErrIdentity is wrapped by every error about an identity file that
	// cannot be read.
	ErrIdentity = errors.New("not a valid identity file")
	// ErrMismatch: the device secret belongs to another identity.
	ErrMismatch = errors.New("the device secret does not belong to this identity")
)

// Identity is what a device knows of itself while it is locked: the member's
// card with its openings, the device's record with its label, and the first
// user key sealed to the device. It holds no secret, but names the member; keep
// it at home. The layout is spec/key-store.md, "Identity file".
type Identity struct {
	card    officer.CardFile
	record  officer.DeviceRecord
	label   officer.Opening
	sealed  []byte // user key of generation 1, an envelope from the device to itself
	encoded []byte
}

// identityWire is CBOR[version, card, name, email, device label, envelope]: the
// device that signed the card.
type identityWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Card    []byte
	Name    officer.Opening
	Email   officer.Opening
	Device  officer.Opening
	UserKey []byte
}

const (
	identityParts = 6
	// maxIdentity bounds a file: the card, a record with four texts, an envelope.
	maxIdentity = 2*wire.MaxCard + wire.MaxEnvelope
)

// NewOpening salts a text that the log will commit to.
func NewOpening(kind officer.TextKind, text string) (officer.Opening, error) {
	o := officer.Opening{Kind: kind, Text: text}
	_, _ = rand.Read(o.Salt[:])
	return o, o.Check()
}

// NewIdentity makes a member and a first device. The returned secret is the
// only thing that opens it again; the caller keeps it in a key store.
func NewIdentity(name, email, deviceLabel string) (*Identity, *secret.Bytes, error) {
	nameO, err := NewOpening(officer.TextName, name)
	if err != nil {
		return nil, nil, fmt.Errorf("name: %w", err)
	}
	emailO, err := NewOpening(officer.TextEmail, email)
	if err != nil {
		return nil, nil, fmt.Errorf("email: %w", err)
	}
	labelO, err := NewOpening(officer.TextDevice, deviceLabel)
	if err != nil {
		return nil, nil, fmt.Errorf("device label: %w", err)
	}
	s, d, err := newInstallation(labelO)
	if err != nil {
		return nil, nil, err
	}
	defer d.Destroy()
	key, err := datakey.Generate(officer.UserKeyContext(officer.OrganizationID{}, officer.MemberID{}, 1))
	if err != nil {
		return nil, nil, err
	}
	defer key.Destroy()
	private, err := envelope.NewPrivateKey(key.Raw())
	if err != nil {
		return nil, nil, err
	}
	defer private.Destroy()
	card, err := officer.NewCard(private.Public(), key.Commitment(), d.Record(), nameO.Commitment(), emailO.Commitment(), d.Sign)
	if err != nil {
		return nil, nil, err
	}
	id, err := sealIdentity(officer.CardFile{Card: card, Name: nameO, Email: emailO}, labelO, d, key)
	if err != nil {
		return nil, nil, err
	}
	return id, s, nil
}

// newInstallation makes a device with a fresh secret.
func newInstallation(label officer.Opening) (*secret.Bytes, *Device, error) {
	s := GenerateSecret()
	d, err := NewDevice(s, officer.DeviceInstallation, label.Commitment())
	if err != nil {
		s.Destroy()
		return nil, nil, err
	}
	return s, d, nil
}

// sealIdentity seals the first user key to the device, by itself.
func sealIdentity(card officer.CardFile, label officer.Opening, d *Device, first *envelope.Key) (*Identity, error) {
	sealed, err := envelope.Seal(first, deviceRecipient(d.Record()), d.Record().Encryption, d)
	if err != nil {
		return nil, err
	}
	id := &Identity{card: card, record: d.Record(), label: label, sealed: sealed}
	id.encode()
	return id, nil
}

func deviceRecipient(r officer.DeviceRecord) envelope.Recipient {
	id := r.ID()
	return envelope.Recipient{Kind: envelope.ToDevice, ID: id[:], Key: pubkey.Hash(r.Encryption)}
}

func (id *Identity) encode() {
	if id.record.ID() != id.card.Card.Device().ID() {
		id.encoded = id.encodeLater()
		return
	}
	id.encoded = wire.MustMarshal(identityWire{
		Version: wire.Version, Card: id.card.Card.Bytes(), Name: id.card.Name, Email: id.card.Email, Device: id.label, UserKey: id.sealed,
	})
}

// Encode returns the identity file's bytes.
func (id *Identity) Encode() []byte { return append([]byte(nil), id.encoded...) }

// ParseIdentity reads an identity file.
func ParseIdentity(b []byte) (*Identity, error) {
	if len(b) > maxIdentity {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, wire.ErrTooLarge)
	}
	if isLater(b) {
		return parseLater(b)
	}
	if err := wire.CheckVersion(b, "identity", identityParts); err != nil {
		if newer := (*wire.VersionError)(nil); errors.As(err, &newer) {
			newer.Known = laterVersion
		}
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	var w identityWire
	if err := wire.Unmarshal(b, &w, maxIdentity); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	card, err := officer.ParseCard(w.Card)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	file, err := officer.DecodeCardFile(officer.CardFile{Card: card, Name: w.Name, Email: w.Email}.Encode())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	if w.Device.Kind != officer.TextDevice || w.Device.Check() != nil || w.Device.Commitment() != card.Device().Label {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, officer.ErrOpening)
	}
	id := &Identity{card: file, record: card.Device(), label: w.Device, sealed: w.UserKey}
	id.encode()
	return id, nil
}

// Card is the card with the openings of name and email. A device that was
// restored for somebody who may not read the directory has no openings.
func (id *Identity) Card() officer.CardFile { return id.card }

// DeviceLabel is the opening of the device's label.
func (id *Identity) DeviceLabel() officer.Opening { return id.label }

// Member is the member's id.
func (id *Identity) Member() officer.MemberID { return id.card.Card.ID() }

// Device is the device's id.
func (id *Identity) Device() officer.DeviceID { return id.record.ID() }

// Unlocked is an identity whose secrets are in memory.
type Unlocked struct {
	*Identity
	device *Device
	first  *UserKey
}

// UserKey is one unlocked generation of a member's user key.
type UserKey struct {
	Key     *envelope.Key
	Private *envelope.PrivateKey
}

// OpenUserKey binds an opened seed to a generation: it must reproduce the
// commitment, which Key was checked against, and the public key.
func OpenUserKey(key *envelope.Key, public []byte) (*UserKey, error) {
	p, err := envelope.NewPrivateKey(key.Raw())
	if err != nil {
		return nil, err
	}
	if p.Hash() != pubkey.Hash(public) {
		p.Destroy()
		return nil, datakey.ErrCommitment
	}
	return &UserKey{Key: key, Private: p}, nil
}

// Destroy clears the generation.
func (k *UserKey) Destroy() {
	k.Key.Destroy()
	k.Private.Destroy()
}

// Unlock opens the identity with its device secret. A secret of another
// identity, or a user key that is not the one on the card (attack 9), is
// refused.
func (id *Identity) Unlock(s *secret.Bytes) (*Unlocked, error) {
	d, err := NewDevice(s, officer.DeviceInstallation, id.record.Label)
	if err != nil {
		return nil, err
	}
	if d.ID() != id.Device() {
		d.Destroy()
		return nil, ErrMismatch
	}
	first, err := id.openUserKey(d)
	if err != nil {
		d.Destroy()
		return nil, fmt.Errorf("user key: %w", err)
	}
	return &Unlocked{Identity: id, device: d, first: first}, nil
}

func (id *Identity) openUserKey(d *Device) (*UserKey, error) {
	e, err := envelope.Parse(id.sealed)
	if err != nil {
		return nil, err
	}
	key, err := e.Open(d.encryption, id.record.Signing, envelope.Info{
		Context:    officer.UserKeyContext(officer.OrganizationID{}, officer.MemberID{}, 1),
		Commitment: id.card.Card.UserKeyCommitment(),
		Recipient:  deviceRecipient(d.Record()),
		Sender:     d.ID(),
	})
	if err != nil {
		return nil, err
	}
	k, err := OpenUserKey(key, id.card.Card.UserKey())
	if err != nil {
		key.Destroy()
		return nil, err
	}
	return k, nil
}

// Keys returns the device's secret half.
func (u *Unlocked) Keys() *Device { return u.device }

// FirstUserKey is the user key of generation 1, or nil where only the store has
// it: on a backup, see [Written].
func (u *Unlocked) FirstUserKey() *UserKey { return u.first }

// Lock clears all secrets.
func (u *Unlocked) Lock() {
	u.device.Destroy()
	if u.first != nil {
		u.first.Destroy()
	}
}
