package main

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha3"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/wire"
)

// random returns n bytes that depend on the name alone.
func random(name string, n int) []byte {
	return sha3.SumSHAKE256([]byte("test vectors of Underseal, "+name), n)
}

func labelled(label string, x []byte) []byte { return cat([]byte(label), []byte{0}, x) }

func sum(label string, x []byte) []byte {
	h := sha256.Sum256(labelled(label, x))
	return h[:]
}

func mac(key, x []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(x)
	return h.Sum(nil)
}

func extract(salt, ikm []byte) []byte { return mac(salt, ikm) }

func expand(prk, info []byte, n int) []byte {
	return must(hkdf.Expand(sha256.New, prk, string(info), n))
}

// signer is an Ed25519 key.
type signer ed25519.PrivateKey

func signerFrom(seed []byte) signer { return signer(ed25519.NewKeyFromSeed(seed)) }
func newSigner(name string) signer  { return signerFrom(random(name, 32)) }

func (s signer) public() []byte { return cat(s[32:]) }

func (s signer) sign(label string, x []byte) []byte {
	return ed25519.Sign(ed25519.PrivateKey(s), labelled(label, x))
}

// xwing is an X-Wing key pair.
type xwing struct{ seed, public []byte }

func newXWing(seed []byte) xwing {
	e := sha3.SumSHAKE256(seed, 96)
	m := must(mlkem.NewDecapsulationKey768(e[:64]))
	x := must(ecdh.X25519().NewPrivateKey(e[64:]))
	return xwing{seed: seed, public: cat(m.EncapsulationKey().Bytes(), x.PublicKey().Bytes())}
}

func keyName(public []byte) []byte { return sum(wire.LabelPublicKey, public) }

// encapsulate is X-Wing's, with the randomness given: 32 bytes for ML-KEM, 32
// for X25519.
func encapsulate(public, rnd []byte) (shared, enc []byte) {
	pkM, pkX := public[:1184], public[1184:]
	ssM, ctM, err := mlkemtest.Encapsulate768(must(mlkem.NewEncapsulationKey768(pkM)), rnd[:32])
	if err != nil {
		panic(err)
	}
	e := must(ecdh.X25519().NewPrivateKey(rnd[32:]))
	ctX := e.PublicKey().Bytes()
	ssX := must(e.ECDH(must(ecdh.X25519().NewPublicKey(pkX))))
	ss := sha3.Sum256(cat(ssM, ssX, ctX, pkX, []byte(`\.//^\`)))
	return ss[:], cat(ctM, ctX)
}

// hpkeSeal is RFC 9180, base mode, single shot, no associated data.
func hpkeSeal(public, info, plaintext, rnd []byte) (enc, ct []byte) {
	suite := cat([]byte("HPKE"), []byte{0x64, 0x7a, 0, 1, 0, 3})
	version := []byte("HPKE-v1")
	labelledExtract := func(salt []byte, label string, ikm []byte) []byte {
		return extract(salt, cat(version, suite, []byte(label), ikm))
	}
	labelledExpand := func(prk []byte, label string, info []byte, n int) []byte {
		return expand(prk, cat([]byte{0, byte(n)}, version, suite, []byte(label), info), n)
	}
	shared, enc := encapsulate(public, rnd)
	context := cat([]byte{0}, labelledExtract(nil, "psk_id_hash", nil), labelledExtract(nil, "info_hash", info))
	secret := labelledExtract(shared, "secret", nil)
	aead := must(chacha20poly1305.New(labelledExpand(secret, "key", context, 32)))
	return enc, aead.Seal(nil, labelledExpand(secret, "base_nonce", context, 12), plaintext, nil)
}

// context is what a data key belongs to.
type context struct {
	Organization hx     `json:"organization"`
	Resource     hx     `json:"resource"`
	Kind         uint64 `json:"kind"`
	Epoch        uint64 `json:"epoch"`
}

func (c context) encode() []byte {
	return array(bstr(c.Organization), bstr(c.Resource), num(c.Kind), num(c.Epoch))
}

// dataKey is a data key in its context.
type dataKey struct {
	context
	key []byte
}

func newDataKey(name string, c context) dataKey { return dataKey{c, random(name, 32)} }

func (k dataKey) derive(label string) []byte {
	return expand(extract([]byte(wire.LabelDataKey), k.key), labelled(label, k.encode()), 32)
}

func (k dataKey) commitment() []byte { return k.derive(wire.LabelCommit) }
func (k dataKey) id() []byte         { return k.commitment()[:8] }

func (k dataKey) seal(label string, plaintext, extra, nonce []byte) []byte {
	return xseal(k.derive(label), nonce, plaintext, array(tstr(label), bstr(k.encode()), bstr(extra)))
}

// prev is the previous key as an operation of the log carries it.
func (k dataKey) prev(older dataKey) []byte {
	extra := cat(k.commitment(), older.commitment())
	return k.seal(wire.LabelKeyPrev, older.key, extra, random("nonce "+string(extra), 24))
}

// xseal is nonce ‖ XChaCha20-Poly1305.
func xseal(key, nonce, plaintext, ad []byte) []byte {
	return must(chacha20poly1305.NewX(key)).Seal(cat(nonce), nonce, plaintext, ad)
}
