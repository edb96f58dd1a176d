package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
)

// MaxSealed is the most bytes of one secret that a device keeps at home: some
// access tokens.
const MaxSealed = 64 << 10

const (
	sealedVersion  = 1
	sealedOverhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

var (
	// ErrSealed: a file that this device sealed was altered, belongs to another
	// device or stands under another's name.
	ErrSealed = errors.New("a sealed file of this device was altered, or is not its own")
	// ErrSealedSize: the secret is longer than MaxSealed.
	ErrSealedSize = errors.New("too long to be kept as a secret")
)

// Seal encrypts a secret that the device keeps at home in a file of that name:
// spec/device.md, "Sealed at home". It clears nothing of the caller's.
func (d *Device) Seal(name string, s *secret.Bytes) ([]byte, error) {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return d.seal(name, s, nonce)
}

func (d *Device) seal(name string, s *secret.Bytes, nonce []byte) ([]byte, error) {
	if s.Len() > MaxSealed {
		return nil, ErrSealedSize
	}
	aead, err := chacha20poly1305.NewX(d.sealed.Expose())
	if err != nil {
		return nil, fmt.Errorf("sealed file: %w", err)
	}
	out := make([]byte, 0, sealedOverhead+s.Len())
	out = append(append(out, sealedVersion), nonce...)
	return aead.Seal(out, nonce, s.Expose(), wire.Labelled(wire.LabelDevSealed, []byte(name))), nil
}

// OpenSealed opens what Seal made for the same name, or returns ErrSealed.
func (d *Device) OpenSealed(name string, file []byte) (*secret.Bytes, error) {
	switch {
	case len(file) < sealedOverhead || len(file) > sealedOverhead+MaxSealed:
		return nil, ErrSealed
	case file[0] > sealedVersion:
		return nil, &wire.VersionError{Format: "sealed file", Version: uint64(file[0])}
	case file[0] < sealedVersion:
		return nil, ErrSealed
	}
	aead, err := chacha20poly1305.NewX(d.sealed.Expose())
	if err != nil {
		return nil, fmt.Errorf("sealed file: %w", err)
	}
	nonce, sealed := file[1:1+chacha20poly1305.NonceSizeX], file[1+chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, sealed, wire.Labelled(wire.LabelDevSealed, []byte(name)))
	if err != nil {
		return nil, ErrSealed
	}
	return secret.Take(plain), nil
}
