package pubkey

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/wire"
)

// smallOrder are the eight points of small order, each in its one canonical
// encoding ("Taming the many EdDSAs", table 5).
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 2
	"0000000000000000000000000000000000000000000000000000000000000000", // 4
	"0000000000000000000000000000000000000000000000000000000000000080", // 4
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // 8
}

// otherEncodings are further encodings of these points: y ≥ p, or the sign of
// x where x is 0.
var otherEncodings = []string{
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func point(tb testing.TB, b []byte) *edwards25519.Point {
	tb.Helper()
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil {
		tb.Fatalf("%x: %v", b, err)
	}
	return p
}

// signingKey is a key from a seed of 32 bytes of n.
func signingKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

func TestCheckSigningAccepts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		if err := CheckSigning(public(ed25519.NewKeyFromSeed(seed))); err != nil {
			t.Fatal(err)
		}
	})
}

// With a key of small order, one signature passes for many messages. The
// standard library takes such a key.
func TestAttack41SmallOrderSigningKey(t *testing.T) {
	t.Parallel()
	honest := signingKey(1)
	sig := ed25519.Sign(honest, wire.Labelled(wire.LabelEntry, []byte("x")))
	if err := CheckSigning(public(honest)); err != nil {
		t.Fatal("without the attack:", err)
	}
	if err := Verify(public(honest), wire.LabelEntry, []byte("x"), sig); err != nil {
		t.Fatal("without the attack:", err)
	}

	// R = identity and S = 0 verify for every message under the identity.
	forged := slices.Concat(unhex(t, smallOrder[0]), make([]byte, 32))
	for _, m := range []string{"x", "y", ""} {
		if !ed25519.Verify(unhex(t, smallOrder[0]), wire.Labelled(wire.LabelEntry, []byte(m)), forged) {
			t.Error("the library refuses it by itself: is the check still needed?")
		}
	}
	for _, h := range slices.Concat(smallOrder, otherEncodings) {
		key := unhex(t, h)
		if new(edwards25519.Point).MultByCofactor(point(t, key)).Equal(edwards25519.NewIdentityPoint()) != 1 {
			t.Fatalf("%s is not of small order: the table is wrong", h)
		}
		if err := CheckSigning(key); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", h, err)
		}
	}
}

// A key with a component of small order belongs to the same secret, but
// verifiers that multiply by the cofactor and those that do not disagree on
// signatures for it.
func TestAttack41TorsionComponent(t *testing.T) {
	t.Parallel()
	honest := public(signingKey(2))
	if err := CheckSigning(honest); err != nil {
		t.Fatal("without the attack:", err)
	}
	for _, h := range smallOrder[1:] {
		mixed := new(edwards25519.Point).Add(point(t, honest), point(t, unhex(t, h))).Bytes()
		if err := CheckSigning(mixed); !errors.Is(err, ErrKey) {
			t.Errorf("plus %s: %v", h, err)
		}
	}
}

// Encodings of y ≥ p name a point of y - p once more.
func TestAttack41NonCanonicalSigningKey(t *testing.T) {
	t.Parallel()
	tried := 0
	for y := byte(2); y < 19; y++ {
		canonical := make([]byte, 32)
		canonical[0] = y
		p, err := new(edwards25519.Point).SetBytes(canonical)
		if err != nil {
			continue // no point has this y
		}
		twin := bytes.Repeat([]byte{0xff}, 32) // p + y = 2^255 - 19 + y
		twin[0], twin[31] = 0xed+y, 0x7f
		if q := point(t, twin); q.Equal(p) != 1 {
			t.Fatalf("y = %d: not a twin", y)
		}
		tried++
		if err := CheckSigning(twin); !errors.Is(err, ErrKey) {
			t.Errorf("y = %d + p: %v", y, err)
		}
	}
	if tried < 5 {
		t.Fatalf("only %d twins tried", tried)
	}
}

func TestCheckSigningRefusesOthers(t *testing.T) {
	t.Parallel()
	off := make([]byte, 32)
	off[0] = 2 // no point has y = 2
	if _, err := new(edwards25519.Point).SetBytes(off); err == nil {
		t.Fatal("y = 2 is on the curve: the test is wrong")
	}
	good := public(signingKey(3))
	for name, key := range map[string][]byte{
		"nothing": nil, "short": good[:31], "long": append(bytes.Clone(good), 0), "off the curve": off,
	} {
		if err := CheckSigning(key); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	key := signingKey(4)
	pub, payload := public(key), []byte("payload")
	sig := ed25519.Sign(key, wire.Labelled(wire.LabelEntry, payload))
	if err := Verify(pub, wire.LabelEntry, payload, sig); err != nil {
		t.Fatal(err)
	}
	for i := range len(sig) * 8 {
		bad := bytes.Clone(sig)
		bad[i/8] ^= 1 << (i % 8)
		if err := Verify(pub, wire.LabelEntry, payload, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("bit %d of the signature: %v", i, err)
		}
	}
	for name, err := range map[string]error{
		"another payload":    Verify(pub, wire.LabelEntry, []byte("Payload"), sig),
		"another label":      Verify(pub, wire.LabelCard, payload, sig),
		"label moved inside": Verify(pub, "", wire.Labelled(wire.LabelEntry, payload), sig),
		"another key":        Verify(public(signingKey(5)), wire.LabelEntry, payload, sig),
		"short key":          Verify(pub[:31], wire.LabelEntry, payload, sig),
		"no key":             Verify(nil, wire.LabelEntry, payload, sig),
		"short signature":    Verify(pub, wire.LabelEntry, payload, sig[:63]),
		"long signature":     Verify(pub, wire.LabelEntry, payload, append(bytes.Clone(sig), 0)),
		"S + l":              Verify(pub, wire.LabelEntry, payload, plusOrder(sig)),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// plusOrder adds the order of the base point to S: a second signature, were S
// not required to be reduced.
func plusOrder(sig []byte) []byte {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := bytes.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), l).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return slices.Concat(sig[:32], sum)
}

// The order above is the right one: l times the base point is the identity.
func TestOrder(t *testing.T) {
	t.Parallel()
	zero := make([]byte, 64)
	s := plusOrder(zero)[32:]
	if _, err := new(edwards25519.Scalar).SetCanonicalBytes(s); err == nil {
		t.Error("l is a reduced scalar")
	}
	wide := sha512.Sum512(nil)
	copy(wide[:], s)
	clear(wide[32:])
	if r, err := new(edwards25519.Scalar).SetUniformBytes(wide[:]); err != nil || r.Equal(edwards25519.NewScalar()) != 1 {
		t.Errorf("l is not 0 modulo l: %v", err)
	}
}
