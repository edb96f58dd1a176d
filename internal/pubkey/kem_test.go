package pubkey

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/cloudflare/circl/hpke"
	"pgregory.net/rapid"
)

// lowOrder are u-coordinates of low order in every encoding that X25519
// itself takes, from the list in the wycheproof vectors: 0, 1, two of order 8,
// -1, and what is equal to one of them modulo p = 2^255 - 19.
var lowOrder = []struct{ name, u string }{
	{"0", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"1", "0100000000000000000000000000000000000000000000000000000000000000"},
	{"order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"},
	{"order 8, other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"},
	{"p - 1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
}

// kemSeed is an X-Wing key pair's public half, from a seed of 32 bytes of n.
func kemPublic(tb testing.TB, n byte) []byte {
	tb.Helper()
	pk, _ := hpke.KEM_XWING.Scheme().DeriveKeyPair(bytes.Repeat([]byte{n}, 32))
	b, err := pk.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// withU replaces the last 32 bytes, the X25519 point.
func withU(b, u []byte) []byte { return slices.Concat(b[:len(b)-x25519Size], u) }

func TestCheckKEMAccepts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		pk, _ := hpke.KEM_XWING.Scheme().DeriveKeyPair(seed)
		b, err := pk.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckKEM(b); err != nil {
			t.Fatal(err)
		}
	})
}

// A low-order point makes the X25519 half of the shared secret zero, which
// leaves ML-KEM alone. The library encapsulates to it and decapsulates it.
func TestAttack41LowOrderPoint(t *testing.T) {
	t.Parallel()
	key := kemPublic(t, 1)
	scheme := hpke.KEM_XWING.Scheme()
	pk, err := scheme.UnmarshalBinaryPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	enc, _, err := scheme.Encapsulate(pk)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CheckKEM(key), CheckEncapsulation(enc)); err != nil {
		t.Fatal("without the attack:", err)
	}
	scalar, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lowOrder {
		for name, top := range map[string]byte{"": 0, ", top bit": 0x80} {
			u := unhex(t, p.u)
			u[31] |= top
			peer, err := ecdh.X25519().NewPublicKey(u)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := scalar.ECDH(peer); err == nil {
				t.Fatalf("%s%s is not of low order: the table is wrong", p.name, name)
			}
			if bad, err := scheme.UnmarshalBinaryPublicKey(withU(key, u)); err != nil {
				t.Errorf("%s%s: the library refuses it by itself: %v", p.name, name, err)
			} else if _, _, err := scheme.Encapsulate(bad); err != nil {
				t.Errorf("%s%s: the library refuses it by itself: %v", p.name, name, err)
			}
			if err := CheckKEM(withU(key, u)); !errors.Is(err, ErrKey) {
				t.Errorf("key with %s%s: %v", p.name, name, err)
			}
			if err := CheckEncapsulation(withU(enc, u)); !errors.Is(err, ErrKey) {
				t.Errorf("encapsulation with %s%s: %v", p.name, name, err)
			}
		}
	}
}

// Points of low order are those that three doublings take to infinity, for
// X25519 clears three bits of a scalar. Doubling takes u to
// (u²-1)² / 4u(u²+Au+1), so they are found backwards: 0 (u²+Au+1 has no root,
// A²-4 being no square), what is doubled to 0, and what is doubled to that.
func TestLowOrderIsComplete(t *testing.T) {
	t.Parallel()
	n := func(i int64) *big.Int { return big.NewInt(i) }
	p := new(big.Int).Sub(new(big.Int).Lsh(n(1), 255), n(19))
	const a = 486662
	roots := func(square *big.Int) []*big.Int { // of x² = square
		r := new(big.Int).ModSqrt(square.Mod(square, p), p)
		if r == nil {
			return nil
		}
		return []*big.Int{r, new(big.Int).Sub(p, r)}
	}
	if roots(n(a*a-4)) != nil {
		t.Fatal("u²+Au+1 has roots")
	}
	found := []*big.Int{n(0), n(1), new(big.Int).Sub(p, n(1))} // u² = 1 is doubled to 0
	half := new(big.Int).ModInverse(n(2), p)
	// (u²-1)² = ±4u(u²+Au+1), divided by u²: with y = u + 1/u it is
	// y² - 4 = ±4(y + A), so y = ±2 ± √(8 ± 4A), and u = (y ± √(y²-4)) / 2.
	for _, sign := range []int64{1, -1} {
		for _, r := range roots(n(8 + sign*4*a)) {
			y := new(big.Int).Add(r, n(2*sign))
			for _, s := range roots(new(big.Int).Sub(new(big.Int).Mul(y, y), n(4))) {
				u := new(big.Int).Add(y, s)
				found = append(found, u.Mod(u.Mul(u, half), p))
			}
		}
	}
	var list []*big.Int
	for _, u := range lowOrderU {
		slices.Reverse(u[:])
		list = append(list, new(big.Int).SetBytes(u[:]))
	}
	slices.SortFunc(found, (*big.Int).Cmp)
	slices.SortFunc(list, (*big.Int).Cmp)
	if !slices.EqualFunc(found, list, func(x, y *big.Int) bool { return x.Cmp(y) == 0 }) {
		t.Errorf("points of low order are %x, the list has %x", found, list)
	}
}

// Two encodings of one point would be two names for one key.
func TestAttack41NonCanonicalPoint(t *testing.T) {
	t.Parallel()
	key := kemPublic(t, 2)
	if err := CheckKEM(key); err != nil {
		t.Fatal("without the attack:", err)
	}
	// u with the top bit, which X25519 ignores.
	top := bytes.Clone(key)
	top[len(top)-1] |= 0x80
	if err := CheckKEM(top); !errors.Is(err, ErrKey) {
		t.Errorf("top bit: %v", err)
	}
	// p + u for all u that fit below 2^255, and the twins with the top bit.
	for u := byte(0); u < 19; u++ {
		twin := bytes.Repeat([]byte{0xff}, 32)
		twin[0] = 0xed + u
		for _, last := range []byte{0x7f, 0xff} {
			twin[31] = last
			if err := CheckKEM(withU(key, twin)); !errors.Is(err, ErrKey) {
				t.Errorf("p + %d, last byte %x: %v", u, last, err)
			}
		}
	}
	// The largest and other large canonical ones that are no trouble.
	for u := byte(0xec); u > 0xe0; u-- {
		large := bytes.Repeat([]byte{0xff}, 32)
		large[0], large[31] = u, 0x7f
		if err := CheckKEM(withU(key, large)); (err == nil) != (u != 0xec) {
			t.Errorf("2^255 - 256 + %#x: %v", u, err)
		}
	}
	for i := 1; i < 31; i++ { // one byte in the middle below 0xff is enough
		large := bytes.Repeat([]byte{0xff}, 32)
		large[i], large[31] = 0xfe, 0x7f
		if err := CheckKEM(withU(key, large)); err != nil {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// A coefficient of q = 3329 or more is a second encoding of a smaller one
// (FIPS 203, section 7.2).
func TestAttack41ModulusCheck(t *testing.T) {
	t.Parallel()
	key := kemPublic(t, 3)
	if err := CheckKEM(key); err != nil {
		t.Fatal("without the attack:", err)
	}
	const coefficients, q = 768, 3329
	set := func(i int, v uint16) []byte { // 12 bits each, little-endian
		b := bytes.Clone(key)
		at := b[i/2*3:]
		if i%2 == 0 {
			at[0], at[1] = byte(v), at[1]&0xf0|byte(v>>8)
		} else {
			at[1], at[2] = at[1]&0x0f|byte(v<<4), byte(v>>4)
		}
		return b
	}
	for i := range coefficients {
		if err := CheckKEM(set(i, q-1)); err != nil {
			t.Fatalf("coefficient %d of q-1: %v", i, err)
		}
		for _, v := range []uint16{q, q + 1, 4095} {
			if err := CheckKEM(set(i, v)); !errors.Is(err, ErrKey) {
				t.Fatalf("coefficient %d of %d: %v", i, v, err)
			}
		}
	}
	// The last 32 bytes of the ML-KEM key are a seed, where anything goes.
	b := bytes.Clone(key)
	copy(b[mlkem.EncapsulationKeySize768-32:], bytes.Repeat([]byte{0xff}, 32))
	if err := CheckKEM(b); err != nil {
		t.Errorf("seed of ones: %v", err)
	}
}

func TestKEMLengths(t *testing.T) {
	t.Parallel()
	key := kemPublic(t, 4)
	enc := make([]byte, EncapsulSize)
	enc[EncapsulSize-1] = 9
	if err := errors.Join(CheckKEM(key), CheckEncapsulation(enc)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no key":              CheckKEM(nil),
		"short key":           CheckKEM(key[1:]),
		"long key":            CheckKEM(append(bytes.Clone(key), 9)),
		"no encapsulation":    CheckEncapsulation(nil),
		"short encapsulation": CheckEncapsulation(enc[1:]),
		"long encapsulation":  CheckEncapsulation(append(bytes.Clone(enc), 9)),
	} {
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if KEMSize != 1216 || EncapsulSize != 1120 {
		t.Errorf("sizes %d and %d", KEMSize, EncapsulSize)
	}
}

func TestHashTellsKeysApart(t *testing.T) {
	t.Parallel()
	a, b := kemPublic(t, 5), kemPublic(t, 6)
	if Hash(a) == Hash(b) || Hash(a) != Hash(bytes.Clone(a)) {
		t.Error("Hash does not name keys")
	}
}
