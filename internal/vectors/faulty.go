package main

import (
	"crypto/sha512"
	"math/big"
	"slices"
)

// What a careless library takes for a key or a signature.

// prime is 2^255 - 19.
func prime() *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19)) }

// little is n as 32 bytes, little-endian.
func little(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

func fromLittle(b []byte) *big.Int {
	b = cat(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// Points that a careless library takes for keys.
func identityPoint() []byte { return little(big.NewInt(1)) }

// torsioned returns P + T, T being the point (0, -1) of order 2: both
// coordinates change their sign.
func torsioned(public []byte) []byte {
	sign := public[31] & 0x80
	y := cat(public)
	y[31] &= 0x7f
	out := little(new(big.Int).Sub(prime(), fromLittle(y)))
	out[31] |= sign ^ 0x80
	return out
}

// malleated is a signature with S + l in the place of S.
func malleated(sig []byte) []byte {
	return cat(sig[:32], little(new(big.Int).Add(order(), fromLittle(sig[32:]))))
}

// order is that of the base point of Ed25519, l.
func order() *big.Int {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	return l
}

// offsetR signs so that the equation with the cofactor holds and the one without
// does not: R is moved by the point of order 2 before it is hashed.
func (s signer) offsetR(label string, x []byte) []byte {
	h := sha512.Sum512(s[:32])
	r := sha512.Sum512(cat(h[32:], labelled(label, x)))
	moved := torsioned(s.sign(label, x)[:32]) // R = [r]B
	return s.withR(moved, scalar(r[:]), label, x)
}

// longR signs with r = 0 and the identity in a longer form as R.
func (s signer) longR(label string, x []byte) []byte {
	return s.withR(little(new(big.Int).Add(prime(), big.NewInt(1))), new(big.Int), label, x)
}

// withR completes R to a signature with S = r + k·a.
func (s signer) withR(encoded []byte, r *big.Int, label string, x []byte) []byte {
	h := sha512.Sum512(s[:32])
	h[0] &= 248
	h[31] = h[31]&63 | 64
	k := sha512.Sum512(cat(encoded, s.public(), labelled(label, x)))
	n := new(big.Int).Mul(scalar(k[:]), fromLittle(h[:32]))
	return cat(encoded, little(n.Mod(n.Add(n, r), order())))
}

// scalar is a number of 64 bytes, little-endian, modulo the order.
func scalar(b []byte) *big.Int { n := fromLittle(b); return n.Mod(n, order()) }

// lowOrderPoints are the canonical X25519 points whose products are all zero.
func lowOrderPoints() [][]byte {
	return [][]byte{
		little(big.NewInt(0)),
		little(big.NewInt(1)),
		unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
		unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
		little(new(big.Int).Sub(prime(), big.NewInt(1))),
	}
}

// withPoint replaces the X25519 half of an X-Wing key or encapsulation.
func withPoint(b, u []byte) []byte { return cat(b[:len(b)-32], u) }

// withCoefficient sets the first coefficient of an ML-KEM key to 3329.
func withCoefficient(public []byte) []byte { return withCoefficientAt(public, 0) }

// withCoefficientAt sets coefficient i. Two of them share three bytes, the
// first in the lower bits.
func withCoefficientAt(public []byte, i int) []byte {
	b := cat(public)
	j := i / 2 * 3
	if i%2 == 0 {
		b[j], b[j+1] = 0x01, b[j+1]&0xf0|0x0d
	} else {
		b[j+1], b[j+2] = b[j+1]&0x0f|0x10, 0xd0
	}
	return b
}
