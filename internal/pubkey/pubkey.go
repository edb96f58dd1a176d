// Package pubkey checks public keys and signatures that come from outside.
//
// The libraries accept what a protocol must not: ed25519.Verify takes the
// identity point as a key (any signature with R = S·B then verifies), and
// X-Wing encapsulates to low-order X25519 points. Everything here works on
// public values only, so the relay may link it (P11). See spec/suite.md.
package pubkey

import (
	"crypto/ed25519"
	"crypto/mlkem"
	"errors"
	"fmt"
	"slices"

	"filippo.io/edwards25519"

	"github.com/underseal/underseal/internal/wire"
)

// Sizes in bytes.
const (
	KEMSize       = mlkem.EncapsulationKeySize768 + x25519Size // 1216: ML-KEM-768 key ‖ X25519 point
	EncapsulSize  = mlkem.CiphertextSize768 + x25519Size       // 1120: ML-KEM-768 ciphertext ‖ X25519 point
	SigningSize   = ed25519.PublicKeySize                      // 32
	SignatureSize = ed25519.SignatureSize                      // 64

	x25519Size = 32
)

var (
	// ErrKey is wrapped by every refusal of a public key (attack 41).
	ErrKey = errors.New("unacceptable public key")
	// ErrSignature is returned for a signature that does not verify.
	ErrSignature = errors.New("signature does not verify")
)

// CheckSigning accepts an Ed25519 public key that is canonically encoded, on
// the curve, and neither of small order nor with a small-order component.
func CheckSigning(pub []byte) error {
	if len(pub) != SigningSize {
		return fmt.Errorf("%w: %d bytes for Ed25519, want %d", ErrKey, len(pub), SigningSize)
	}
	p, err := new(edwards25519.Point).SetBytes(pub)
	if err != nil {
		return fmt.Errorf("%w: not a point on edwards25519", ErrKey)
	}
	if string(p.Bytes()) != string(pub) {
		return fmt.Errorf("%w: Ed25519 key not canonical", ErrKey)
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return fmt.Errorf("%w: Ed25519 key of small order", ErrKey)
	}
	// A key made by RFC 8032 is a multiple of the base point: l·P = identity.
	// One with a torsion component would verify differently in cofactored
	// and cofactorless implementations. (l-1)·P must be -P.
	if new(edwards25519.Point).ScalarMult(minusOne(), p).Equal(new(edwards25519.Point).Negate(p)) != 1 {
		return fmt.Errorf("%w: Ed25519 key outside the prime-order group", ErrKey)
	}
	return nil
}

func minusOne() *edwards25519.Scalar {
	one := make([]byte, 32)
	one[0] = 1
	s, err := edwards25519.NewScalar().SetCanonicalBytes(one)
	if err != nil {
		panic(err) // 1 is canonical
	}
	return s.Negate(s)
}

// Verify checks an Ed25519 signature (RFC 8032) over the labelled message. The
// key must have passed CheckSigning once.
func Verify(pub ed25519.PublicKey, label string, payload, sig []byte) error {
	if len(pub) != SigningSize || len(sig) != SignatureSize || !ed25519.Verify(pub, wire.Labelled(label, payload), sig) {
		return ErrSignature
	}
	return nil
}

// CheckKEM accepts an X-Wing public key of 1216 bytes whose ML-KEM half passes
// the modulus check of FIPS 203 section 7.2 and whose X25519 half is canonical
// and not of low order.
func CheckKEM(pub []byte) error {
	if len(pub) != KEMSize {
		return fmt.Errorf("%w: %d bytes for X-Wing, want %d", ErrKey, len(pub), KEMSize)
	}
	if _, err := mlkem.NewEncapsulationKey768(pub[:mlkem.EncapsulationKeySize768]); err != nil {
		return fmt.Errorf("%w: ML-KEM-768 key fails its check", ErrKey)
	}
	return checkX25519(pub[mlkem.EncapsulationKeySize768:])
}

// CheckEncapsulation applies the same X25519 rules to an encapsulation: the
// sender's ephemeral point must contribute.
func CheckEncapsulation(enc []byte) error {
	if len(enc) != EncapsulSize {
		return fmt.Errorf("%w: %d bytes of encapsulation, want %d", ErrKey, len(enc), EncapsulSize)
	}
	return checkX25519(enc[mlkem.CiphertextSize768:])
}

// lowOrderU are the points of order 1, 2, 4 and 8 of Curve25519 and of its
// twist, each in its canonical encoding: X25519 gives all zero for them, whatever
// the scalar, and for no others (RFC 7748, section 6.1). The list is that of
// Bernstein's cr.yp.to/ecdh.html, without what is equal to another modulo p.
var lowOrderU = [...][x25519Size]byte{
	{},  // of order 1 and 2
	{1}, // of order 4
	{ // of order 8
		0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
	},
	{ // of order 8
		0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
		0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
	},
	{ // p - 1, of order 4 on the twist
		0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
	},
}

// checkX25519 compares instead of multiplying: every key that something is
// sealed to comes through here, and two multiplications are half of a sealing.
func checkX25519(u []byte) error {
	if !canonicalU(u) {
		return fmt.Errorf("%w: X25519 point not canonical", ErrKey)
	}
	if slices.Contains(lowOrderU[:], [x25519Size]byte(u)) {
		return fmt.Errorf("%w: X25519 point of low order", ErrKey)
	}
	return nil
}

// canonicalU tells whether u, little-endian, is below p = 2^255 - 19. X25519
// itself ignores the top bit and reduces, so several encodings would name one
// point.
func canonicalU(u []byte) bool {
	if u[31] != 0x7f {
		return u[31] < 0x7f
	}
	for i := 30; i > 0; i-- {
		if u[i] != 0xff {
			return true
		}
	}
	return u[0] < 0xed
}

// Hash names an X-Wing public key inside envelopes.
func Hash(pub []byte) wire.Hash { return wire.Sum(wire.LabelPublicKey, pub) }
