package officer

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// DeviceKind says what kind of installation a device is.
type DeviceKind uint8

// The kinds of device. The last two are secrets that are written down; they
// are listed and revoked like any other device.
const (
	DeviceInstallation     DeviceKind = 1
	DevicePaperKit         DeviceKind = 2
	DevicePassphraseBackup DeviceKind = 3
)

// DeviceRecord is a device's public half (spec/device.md).
type DeviceRecord struct {
	Kind       DeviceKind `cbor:"1,keyasint"`
	Encryption []byte     `cbor:"2,keyasint"` // X-Wing, 1216 bytes
	Signing    []byte     `cbor:"3,keyasint"` // Ed25519, 32 bytes: entries, envelopes, cards
	SignIn     []byte     `cbor:"4,keyasint"` // Ed25519, 32 bytes: answers a relay's challenge and nothing else
	Label      Hash       `cbor:"5,keyasint"` // commitment to the device's label
}

// Encode returns the record's bytes.
func (d DeviceRecord) Encode() []byte { return wire.MustMarshal(d) }

// ID is SHA-256("underseal/v1/device-id" ‖ 0 ‖ record).
func (d DeviceRecord) ID() DeviceID { return DeviceID(wire.Sum(wire.LabelDeviceID, d.Encode())) }

// ParseDeviceRecord reads a record and checks its kind and keys.
func ParseDeviceRecord(b []byte) (DeviceRecord, error) { return decodeDevice(b) }

func decodeDevice(b []byte) (DeviceRecord, error) {
	var d DeviceRecord
	if err := wire.Unmarshal(b, &d, wire.MaxCard); err != nil {
		return d, err
	}
	if d.Kind < DeviceInstallation || d.Kind > DevicePassphraseBackup {
		return d, fmt.Errorf("%w: kind of device", wire.ErrMalformed)
	}
	if err := pubkey.CheckKEM(d.Encryption); err != nil {
		return d, err
	}
	for _, k := range [][]byte{d.Signing, d.SignIn} {
		if err := pubkey.CheckSigning(k); err != nil {
			return d, err
		}
	}
	if string(d.Signing) == string(d.SignIn) {
		return d, fmt.Errorf("%w: one key for signing and signing in", pubkey.ErrKey)
	}
	return d, nil
}

// cardBody is the signed part of a card.
type cardBody struct {
	UserKey    []byte `cbor:"1,keyasint"` // X-Wing, 1216 bytes, generation 1
	Commitment Hash   `cbor:"2,keyasint"` // of the user key's seed, without organization
	Device     []byte `cbor:"3,keyasint"` // the first device's record
	Name       Hash   `cbor:"4,keyasint"` // commitment to the name
	Email      Hash   `cbor:"5,keyasint"` // commitment to the email
}

// signedWire is CBOR[version, body, signature]: the outer form of cards and
// of log entries.
type signedWire struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Body      []byte
	Signature []byte
}

const signedParts = 3

// Card is a member's public half, self-signed by the first device.
type Card struct {
	bytes      []byte
	id         MemberID
	userKey    []byte
	commitment Hash
	device     DeviceRecord
	name       Hash
	email      Hash
}

// NewCard makes and signs a card. sign is the first device's signing key; see
// keyring.Identity, which calls this.
func NewCard(userKey []byte, commitment Hash, device DeviceRecord, name, email Hash, sign func(label string, payload []byte) []byte) (*Card, error) {
	body := wire.MustMarshal(cardBody{UserKey: userKey, Commitment: commitment, Device: device.Encode(), Name: name, Email: email})
	b := wire.MustMarshal(signedWire{Version: wire.Version, Body: body, Signature: sign(wire.LabelCard, body)})
	return ParseCard(b)
}

// ParseCard reads a card and checks all of it: form, keys, self-signature.
func ParseCard(b []byte) (*Card, error) {
	if len(b) > wire.MaxCard {
		return nil, fmt.Errorf("%w: %w", ErrCard, wire.ErrTooLarge)
	}
	if err := wire.CheckVersion(b, "card", signedParts); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	var w signedWire
	if err := wire.Unmarshal(b, &w, wire.MaxCard); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	var body cardBody
	if err := wire.Unmarshal(w.Body, &body, wire.MaxCard); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	if err := pubkey.CheckKEM(body.UserKey); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	d, err := decodeDevice(body.Device)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	if string(d.Encryption) == string(body.UserKey) {
		return nil, fmt.Errorf("%w: one key for the user and the device", ErrCard)
	}
	if err := pubkey.Verify(d.Signing, wire.LabelCard, w.Body, w.Signature); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	return &Card{
		bytes:      append([]byte(nil), b...),
		id:         MemberID(wire.Sum(wire.LabelFingerprint, w.Body)),
		userKey:    body.UserKey,
		commitment: body.Commitment,
		device:     d,
		name:       body.Name,
		email:      body.Email,
	}, nil
}

// ID is the card's fingerprint, SHA-256("underseal/v1/fingerprint" ‖ 0 ‖ body),
// and the id of its member.
func (c *Card) ID() MemberID { return c.id }

// Bytes returns a copy of the encoded card.
func (c *Card) Bytes() []byte { return append([]byte(nil), c.bytes...) }

// Device is the first device's record.
func (c *Card) Device() DeviceRecord { return c.device }

// UserKey returns a copy of the user key of generation 1.
func (c *Card) UserKey() []byte { return append([]byte(nil), c.userKey...) }

// UserKeyCommitment commits to the seed of the user key of generation 1.
func (c *Card) UserKeyCommitment() Hash { return c.commitment }

// SigningKey is the first device's signing key.
func (c *Card) SigningKey() ed25519.PublicKey { return append([]byte(nil), c.device.Signing...) }

// Name is the commitment to the member's name.
func (c *Card) Name() Hash { return c.name }

// Email is the commitment to the member's email.
func (c *Card) Email() Hash { return c.email }

// CardFile is a card with the openings of its name and email, as it is handed
// to an officer: PEM around CBOR[version, card, name, email].
type CardFile struct {
	Card  *Card
	Name  Opening
	Email Opening
}

type cardFileWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Card    []byte
	Name    Opening
	Email   Opening
}

const (
	cardFileParts = 4
	cardPEM       = "UNDERSEAL CARD"
)

// Encode returns the file's text.
func (f CardFile) Encode() []byte {
	b := wire.MustMarshal(cardFileWire{Version: wire.Version, Card: f.Card.bytes, Name: f.Name, Email: f.Email})
	return pem.EncodeToMemory(&pem.Block{Type: cardPEM, Bytes: b})
}

// DecodeCardFile reads a card file and checks card and openings.
func DecodeCardFile(text []byte) (CardFile, error) {
	if len(text) > 3*wire.MaxCard { // base64 and line breaks
		return CardFile{}, fmt.Errorf("%w: %w", ErrCard, wire.ErrTooLarge)
	}
	content, err := textBlock(text, cardPEM, ErrCard)
	if err != nil {
		return CardFile{}, err
	}
	if err := wire.CheckVersion(content, "card file", cardFileParts); err != nil {
		return CardFile{}, fmt.Errorf("%w: %w", ErrCard, err)
	}
	var w cardFileWire
	if err := wire.Unmarshal(content, &w, 2*wire.MaxCard); err != nil {
		return CardFile{}, fmt.Errorf("%w: %w", ErrCard, err)
	}
	c, err := ParseCard(w.Card)
	if err != nil {
		return CardFile{}, err
	}
	if w.Name.Kind != TextName || w.Email.Kind != TextEmail || w.Name.Commitment() != c.name || w.Email.Commitment() != c.email {
		return CardFile{}, fmt.Errorf("%w: %w", ErrCard, ErrOpening)
	}
	if err := errors.Join(w.Name.Check(), w.Email.Check()); err != nil {
		return CardFile{}, fmt.Errorf("%w: %w", ErrCard, err)
	}
	return CardFile{Card: c, Name: w.Name, Email: w.Email}, nil
}

// textBlock returns what the one block of a kind in text holds, or an error that
// is refused. It is not left to encoding/pem, which passes over a block that it
// cannot read and takes the next one, and forgives base64 that says one thing in
// several ways.
func textBlock(text []byte, kind string, refused error) ([]byte, error) {
	const begin, end = "-----BEGIN ", "-----END "
	var inside, after bool
	var digits []byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		switch l := string(line); {
		case l == begin+kind+"-----" && !inside && !after:
			inside = true
		case l == end+kind+"-----" && inside:
			inside, after = false, true
		case strings.HasPrefix(l, begin), strings.HasPrefix(l, end): // which one was meant?
			return nil, fmt.Errorf("%w: not one %q block alone", refused, kind)
		case inside:
			digits = append(digits, line...)
		}
	}
	if !after {
		return nil, fmt.Errorf("%w: no %q block", refused, kind)
	}
	content, err := base64.StdEncoding.DecodeString(string(digits))
	if err != nil || base64.StdEncoding.EncodeToString(content) != string(digits) {
		return nil, fmt.Errorf("%w: the block is not base64", refused)
	}
	return content, nil
}
