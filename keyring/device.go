// Package keyring holds the secret half of members and devices.
//
// A device has one secret of 32 bytes, kept in a key store (keyring/keystore)
// and nowhere else; its keys derive from it. A member's user key is a seed of
// its own, by generation, sealed to each of the member's devices. Start with
// [NewIdentity]; keep its Encode'd form as a file and its secret in a key
// store; [Identity.Unlock] brings them together again.
//
// Compatibility: the layouts are spec/device.md and spec/key-store.md, format
// version 1. Until release 1.0.0 they may change; afterwards identities of
// every version open for ever.
package keyring

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// SecretSize is the length of a device secret in bytes.
const SecretSize = 32

// ErrSecret is returned for a device secret of another length.
var ErrSecret = errors.New("a device secret has 32 bytes")

// Device is a device's unlocked secret half. It is safe for concurrent use
// until Destroy.
type Device struct {
	record     officer.DeviceRecord
	id         officer.DeviceID
	encryption *envelope.PrivateKey
	signing    ed25519.PrivateKey
	local      *secret.Bytes
	sealed     *secret.Bytes
}

// GenerateSecret makes a new device secret.
func GenerateSecret() *secret.Bytes { return secret.Random(SecretSize) }

// NewDevice derives a device's keys from its secret, which is copied. label is
// the commitment to the device's label.
func NewDevice(s *secret.Bytes, kind officer.DeviceKind, label officer.Hash) (*Device, error) {
	if s.Len() != SecretSize {
		return nil, ErrSecret
	}
	prk, err := hkdf.Extract(sha256.New, s.Expose(), []byte(wire.LabelDevKeys))
	if err != nil {
		return nil, fmt.Errorf("derive device keys: %w", err)
	}
	defer clear(prk)
	derive := func(label string) *secret.Bytes {
		b, err := hkdf.Expand(sha256.New, prk, string(wire.Labelled(label, nil)), 32)
		if err != nil {
			panic(err) // only lengths above 255 hashes fail
		}
		return secret.Take(b)
	}
	seed := derive(wire.LabelDevEncryption)
	defer seed.Destroy()
	enc, err := envelope.NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	sign, signIn := derive(wire.LabelDevSigning), derive(wire.LabelDevSignIn)
	defer sign.Destroy()
	defer signIn.Destroy()
	d := &Device{
		encryption: enc,
		signing:    ed25519.NewKeyFromSeed(sign.Expose()),
		local:      derive(wire.LabelDevLocal),
		sealed:     derive(wire.LabelDevSealed),
	}
	signInKey := ed25519.NewKeyFromSeed(signIn.Expose())
	defer clear(signInKey)
	d.record = officer.DeviceRecord{
		Kind:       kind,
		Encryption: enc.Public(),
		Signing:    append([]byte(nil), d.signing[ed25519.SeedSize:]...),
		SignIn:     append([]byte(nil), signInKey[ed25519.SeedSize:]...),
		Label:      label,
	}
	d.id = d.record.ID()
	return d, nil
}

// ID is the hash of the device's record.
func (d *Device) ID() officer.DeviceID { return d.id }

// Record is the device's public half.
func (d *Device) Record() officer.DeviceRecord { return d.record }

// Sign returns Ed25519(label ‖ 0x00 ‖ payload).
func (d *Device) Sign(label string, payload []byte) []byte {
	return ed25519.Sign(d.signing, wire.Labelled(label, payload))
}

// Encryption is the device's X-Wing key.
func (d *Device) Encryption() *envelope.PrivateKey { return d.encryption }

// MAC authenticates what the device keeps at home: HMAC-SHA256 under a key of
// its own, with the label first.
func (d *Device) MAC(label string, data []byte) []byte {
	h := hmac.New(sha256.New, d.local.Expose())
	h.Write([]byte(label))
	h.Write([]byte{0})
	h.Write(data)
	return h.Sum(nil)
}

// Destroy clears the keys.
func (d *Device) Destroy() {
	d.encryption.Destroy()
	clear(d.signing)
	d.local.Destroy()
	d.sealed.Destroy()
}

var _ envelope.Signer = (*Device)(nil)
