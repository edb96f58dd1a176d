package main

import (
	"bytes"
	"math/big"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// suiteVector is one vector of suite.json; which fields it has depends on its
// kind, see testdata/vectors/README.md.
type suiteVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"` // what a reader refuses it by; empty: accepted

	Bytes      hx       `json:"bytes,omitempty"`
	Value      *sample  `json:"value,omitempty"`
	Label      string   `json:"label,omitempty"`
	Payload    hx       `json:"payload,omitempty"`
	Sum        hx       `json:"sum,omitempty"`
	Seed       hx       `json:"seed,omitempty"`
	Public     hx       `json:"public,omitempty"`
	Signature  hx       `json:"signature,omitempty"`
	Recipient  uint64   `json:"recipient_kind,omitempty"`
	ID         hx       `json:"recipient_id,omitempty"`
	Context    *context `json:"context,omitempty"`
	Encoded    hx       `json:"encoded_context,omitempty"`
	Key        hx       `json:"key,omitempty"`
	Base       hx       `json:"base,omitempty"`
	Commitment hx       `json:"commitment,omitempty"`
	KeyID      hx       `json:"key_id,omitempty"`
	KeyTag     hx       `json:"k_tag,omitempty"`
	KeyRec     hx       `json:"k_rec,omitempty"`
	KeyPrev    hx       `json:"k_prev,omitempty"`
	KeyName    hx       `json:"k_name,omitempty"`
	Extra      hx       `json:"extra,omitempty"`
	Plaintext  hx       `json:"plaintext,omitempty"`
	Sealed     hx       `json:"sealed,omitempty"`
	OldContext *context `json:"previous_context,omitempty"`
	OldCommit  hx       `json:"previous_commitment,omitempty"`
	OldKey     hx       `json:"previous_key,omitempty"`
}

// sample is the sample structure of spec/suite.md, "Encoding".
type sample struct {
	A uint64   `json:"1"`
	B hx       `json:"2"`
	C hx       `json:"3"`
	D string   `json:"4,omitempty"`
	E []uint64 `json:"5,omitempty"`
}

func suiteVectors() []suiteVector {
	return slices.Concat(encodingVectors(), publicKeyVectors(), dataKeyVectors(), sealedVectors())
}

func encodingVectors() []suiteVector {
	b, c := []byte{1, 2, 3, 4}, []byte{9}
	good := fields(num(7), bstr(b), bstr(c), tstr("x"))
	out := []suiteVector{
		{Name: "with an optional text", Bytes: good, Value: &sample{A: 7, B: b, C: c, D: "x"}},
		{Name: "without optional fields", Bytes: fields(num(0), bstr(b), bstr(nil)), Value: &sample{B: b, C: hx{}}},
		{Name: "with a list and the largest integer", Bytes: fields(num(1<<64-1), bstr(b), bstr(c), nil, array(num(23), num(24), num(256))),
			Value: &sample{A: 1<<64 - 1, B: b, C: c, E: []uint64{23, 24, 256}}},

		{Name: "longer than the limit", Rule: "S-1", Bytes: fields(num(7), bstr(b), bstr(make([]byte, 100)))},
		{Name: "cut short", Rule: "S-2", Bytes: good[:len(good)-1]},
		{Name: "followed by a byte", Rule: "S-2", Bytes: cat(good, []byte{0})},
		{Name: "empty", Rule: "S-2"},
		{Name: "declared length beyond the end", Rule: "S-2", Bytes: fields(num(7), bstr(b), unhex("5bffffffffffffffff"))},
		{Name: "integer in a longer form", Rule: "S-3", Bytes: fields(unhex("1807"), bstr(b), bstr(c))},
		{Name: "length in a longer form", Rule: "S-3", Bytes: fields(num(7), unhex("580401020304"), bstr(c))},
		{Name: "map keys out of order", Rule: "S-3", Bytes: dict(pair{2, bstr(b)}, pair{1, num(7)}, pair{3, bstr(c)})},
		{Name: "string of indefinite length", Rule: "S-3", Bytes: fields(num(7), bstr(b), unhex("5f4109ff"))},
		{Name: "map of indefinite length", Rule: "S-3", Bytes: cat([]byte{0xbf}, fields(num(7), bstr(b), bstr(c))[1:], []byte{0xff})},
		{Name: "tag", Rule: "S-4", Bytes: fields(unhex("c107"), bstr(b), bstr(c))},
		{Name: "floating-point number", Rule: "S-4", Bytes: fields(unhex("f94700"), bstr(b), bstr(c))},
		{Name: "negative integer", Rule: "S-4", Bytes: fields(unhex("20"), bstr(b), bstr(c))},
		{Name: "null", Rule: "S-4", Bytes: fields(num(7), bstr(b), unhex("f6"))},
		{Name: "true", Rule: "S-4", Bytes: fields(unhex("f5"), bstr(b), bstr(c))},
		{Name: "map key twice", Rule: "S-5", Bytes: dict(pair{1, num(7)}, pair{1, num(7)}, pair{2, bstr(b)}, pair{3, bstr(c)})},
		{Name: "unknown field", Rule: "S-5", Bytes: fields(num(7), bstr(b), bstr(c), nil, nil, num(1))},
		{Name: "text as a map key", Rule: "S-5", Bytes: cat([]byte{0xa4}, fields(num(7), bstr(b), bstr(c))[1:], tstr("1"), num(7))},
		{Name: "missing field", Rule: "S-5", Bytes: fields(num(7), nil, bstr(c))},
		{Name: "array in the place of the map", Rule: "S-5", Bytes: array(num(7), bstr(b), bstr(c))},
		{Name: "text for bytes", Rule: "S-5", Bytes: fields(num(7), tstr("abcd"), bstr(c))},
		{Name: "bytes for text", Rule: "S-5", Bytes: fields(num(7), bstr(b), bstr(c), bstr([]byte("x")))},
		{Name: "array for bytes", Rule: "S-5", Bytes: fields(num(7), array(num(1), num(2), num(3), num(4)), bstr(c))},
		{Name: "fixed bytes too short", Rule: "S-5", Bytes: fields(num(7), bstr(b[:3]), bstr(c))},
		{Name: "fixed bytes too long", Rule: "S-5", Bytes: fields(num(7), bstr(make([]byte, 5)), bstr(c))},
		{Name: "optional text present and empty", Rule: "S-6", Bytes: fields(num(7), bstr(b), bstr(c), tstr(""))},
		{Name: "optional list present and empty", Rule: "S-6", Bytes: fields(num(7), bstr(b), bstr(c), nil, array())},
		{Name: "text that is not UTF-8", Rule: "S-7", Bytes: fields(num(7), bstr(b), bstr(c), tstr("\xff"))},
		{Name: "text with a surrogate", Rule: "S-7", Bytes: fields(num(7), bstr(b), bstr(c), tstr("\xed\xa0\x80"))},
		{Name: "text in an overlong form", Rule: "S-7", Bytes: fields(num(7), bstr(b), bstr(c), tstr("\xc0\xaf"))},
		{Name: "nested nine deep", Rule: "S-9", Bytes: fields(num(7), bstr(b), bstr(c), nil, unhex("818181818181818100"))},
	}
	for i := range out {
		out[i].Kind = "encoding"
	}
	version := func(name, rule, bytes string) suiteVector {
		return suiteVector{Name: name, Kind: "version", Rule: rule, Bytes: unhex(bytes)}
	}
	return append(out,
		version("version 1", "", "8301"),
		version("version 0", "S-5", "8300"),
		version("version 1 in a longer form", "S-5", "831801"),
		version("version 2", "S-8", "8302"),
		version("version 24", "S-8", "831818"),
		version("version 32", "S-8", "831820"),
		version("four items", "S-5", "8401"),
		version("text for the version", "S-5", "836131"),
		version("version of two bytes", "S-5", "83190100"),
		version("nothing after the head", "S-5", "83"),
	)
}

func publicKeyVectors() []suiteVector {
	s, x := newSigner("suite"), newXWing(random("suite x-wing", 32))
	payload := []byte("payload")
	sig := s.sign(wire.LabelEntry, payload)
	_, enc := encapsulate(x.public, random("suite encapsulation", 64))
	signing := func(name, rule string, public []byte) suiteVector {
		return suiteVector{Name: name, Kind: "signing key", Rule: rule, Public: public}
	}
	sealing := func(name, rule string, public []byte) suiteVector {
		return suiteVector{Name: name, Kind: "sealing key", Rule: rule, Public: public}
	}
	encapsulation := func(name, rule string, b []byte) suiteVector {
		return suiteVector{Name: name, Kind: "encapsulation", Rule: rule, Bytes: b}
	}
	signature := func(name, rule, label string, payload, sig []byte) suiteVector {
		return suiteVector{Name: name, Kind: "signature", Rule: rule, Public: s.public(), Label: label, Payload: payload, Signature: sig}
	}
	noncanonical := func(n int64) []byte { return little(new(big.Int).Add(prime(), big.NewInt(n))) }
	highBit := func(b []byte) []byte { b = cat(b); b[31] |= 0x80; return b }

	out := []suiteVector{
		{Name: "hash with a label", Kind: "sum", Label: wire.LabelEntryHash, Payload: payload, Sum: sum(wire.LabelEntryHash, payload)},
		{Name: "name of a public key", Kind: "sum", Label: wire.LabelPublicKey, Payload: x.public, Sum: keyName(x.public)},
		{Name: "index of a member", Kind: "index", Recipient: 1, ID: random("member", 32), Sum: envelopeIndex(1, random("member", 32))},
		{Name: "index of a group", Kind: "index", Recipient: 2, ID: random("group", 16), Sum: envelopeIndex(2, random("group", 16))},
		{Name: "index of a device", Kind: "index", Recipient: 3, ID: random("device", 32), Sum: envelopeIndex(3, random("device", 32))},

		signing("an Ed25519 key", "", s.public()),
		signing("31 bytes", "S-10", s.public()[:31]),
		signing("33 bytes", "S-10", cat(s.public(), []byte{0})),
		signing("y not below p", "S-11", noncanonical(3)),
		signing("x is 0 with the sign bit set", "S-11", highBit(identityPoint())),
		signing("no point has this y", "S-11", little(big.NewInt(2))),
		signing("the identity", "S-12", identityPoint()),
		signing("the point of order 2", "S-12", little(new(big.Int).Sub(prime(), big.NewInt(1)))),
		signing("a point of order 4", "S-12", little(big.NewInt(0))),
		signing("a key plus the point of order 2", "S-13", torsioned(s.public())),

		{Name: "an X-Wing key", Kind: "sealing key", Seed: x.seed, Public: x.public},
		sealing("1215 bytes", "S-10", x.public[1:]),
		sealing("X25519 point with the top bit set", "S-14", withPoint(x.public, highBit(x.public[1184:]))),
		sealing("X25519 point not below p", "S-14", withPoint(x.public, noncanonical(9))),
		sealing("1217 bytes", "S-10", cat(x.public, []byte{0})),
		sealing("ML-KEM coefficient of 3329", "S-16", withCoefficient(x.public)),
		sealing("ML-KEM coefficient of 3329 in an odd place", "S-16", withCoefficientAt(x.public, 1)),
		sealing("ML-KEM coefficient of 3329 in the last place", "S-16", withCoefficientAt(x.public, 767)),

		encapsulation("an encapsulation", "", enc),
		encapsulation("1119 bytes", "S-10", enc[1:]),
		encapsulation("X25519 point with the top bit set", "S-14", withPoint(enc, highBit(enc[1088:]))),
		encapsulation("X25519 point not below p", "S-14", withPoint(enc, noncanonical(9))),

		signature("a signature", "", wire.LabelEntry, payload, sig),
		signature("of another payload", "S-17", wire.LabelEntry, []byte("paylord"), sig),
		signature("of another label", "S-17", wire.LabelCard, payload, sig),
		signature("63 bytes", "S-17", wire.LabelEntry, payload, sig[:63]),
		signature("65 bytes, the last one 0", "S-17", wire.LabelEntry, payload, cat(sig, []byte{0})),
		signature("S not below l", "S-17", wire.LabelEntry, payload, malleated(sig)),
		signature("R with a part of small order", "S-17", wire.LabelEntry, payload, s.offsetR(wire.LabelEntry, payload)),
		signature("R that is not canonical", "S-17", wire.LabelEntry, payload, s.longR(wire.LabelEntry, payload)),
	}
	for i, u := range lowOrderPoints() {
		n := string(rune('1' + i))
		out = append(out,
			sealing("X25519 point of low order "+n, "S-15", withPoint(x.public, u)),
			encapsulation("X25519 point of low order "+n, "S-15", withPoint(enc, u)))
	}
	return out
}

func envelopeIndex(kind uint64, id []byte) []byte {
	return sum(wire.LabelIndex, array(num(kind), bstr(id)))
}

func dataKeyVectors() []suiteVector {
	c := context{random("organization", 32), random("resource", 16), 1, 1}
	k := newDataKey("data key", c)
	describe := func(name string, k dataKey) suiteVector {
		return suiteVector{
			Name: name, Kind: "data key", Context: &k.context, Encoded: k.encode(), Key: k.key,
			Base: extract([]byte(wire.LabelDataKey), k.key), Commitment: k.commitment(), KeyID: k.id(),
			KeyTag: k.derive(wire.LabelKeyTag), KeyRec: k.derive(wire.LabelKeyRec),
			KeyPrev: k.derive(wire.LabelKeyPrev), KeyName: k.derive(wire.LabelKeyName),
		}
	}
	in := func(c context) dataKey { return dataKey{c, k.key} }
	refused := func(name, rule string, key, commitment []byte) suiteVector {
		return suiteVector{Name: name, Kind: "data key", Rule: rule, Context: &k.context, Key: key, Commitment: commitment}
	}
	return []suiteVector{
		describe("a field's key", k),
		describe("the same key in the next epoch", in(context{c.Organization, c.Resource, 1, 2})),
		describe("the same key as a folder's", in(context{c.Organization, c.Resource, 2, 1})),
		describe("the same key of another resource", in(context{c.Organization, random("other resource", 16), 1, 1})),
		describe("the same key in another organization", in(context{random("other organization", 32), c.Resource, 1, 1})),
		describe("a user key of generation 1", in(context{make([]byte, 32), make([]byte, 32), 5, 1})),
		refused("no key", "S-20", nil, k.commitment()),
		refused("31 bytes", "S-20", k.key[:31], k.commitment()),
		refused("33 bytes", "S-20", cat(k.key, []byte{0}), k.commitment()),
		refused("another key", "S-21", flip(k.key, 0), k.commitment()),
		{Name: "unknown kind", Kind: "data key", Rule: "S-24", Context: &context{c.Organization, c.Resource, 99, 1}, Key: k.key, Commitment: k.commitment()},
		{Name: "kind 0", Kind: "data key", Rule: "S-24", Context: &context{c.Organization, c.Resource, 0, 1}, Key: k.key, Commitment: k.commitment()},
		{Name: "epoch 0", Kind: "data key", Rule: "S-24", Context: &context{c.Organization, c.Resource, 1, 0}, Key: k.key, Commitment: k.commitment()},
		{Name: "resource of 15 bytes", Kind: "data key", Rule: "S-24", Context: &context{c.Organization, c.Resource[1:], 1, 1}, Key: k.key, Commitment: k.commitment()},
		{Name: "user key of a resource of 16 bytes", Kind: "data key", Rule: "S-24", Context: &context{c.Organization, c.Resource, 5, 1}, Key: k.key, Commitment: k.commitment()},
		refused("commitment of another context", "S-21", k.key, in(context{c.Organization, c.Resource, 1, 2}).commitment()),
	}
}

func sealedVectors() []suiteVector {
	c := context{random("organization", 32), random("resource", 16), 1, 1}
	k := newDataKey("data key", c)
	nonce, extra, text := random("sealed nonce", 24), random("extra", 32), []byte("a short text")
	good := k.seal(wire.LabelKeyName, text, extra, nonce)
	sealed := func(name, rule string, b, extra []byte) suiteVector {
		v := suiteVector{Name: name, Kind: "sealed", Rule: rule, Context: &k.context, Key: k.key, Label: wire.LabelKeyName, Extra: extra, Sealed: b}
		if rule == "" {
			v.Plaintext = text
		}
		return v
	}
	moved := dataKey{context{c.Organization, c.Resource, 1, 2}, k.key}

	next := newDataKey("next data key", context{c.Organization, c.Resource, 1, 2})
	prev := next.prev(k)
	history := func(name, rule string, b []byte, of dataKey, old context, commitment []byte) suiteVector {
		v := suiteVector{
			Name: name, Kind: "history", Rule: rule, Context: &of.context, Key: of.key, Sealed: b,
			OldContext: &old, OldCommit: commitment,
		}
		if rule == "" {
			v.OldKey = k.key
		}
		return v
	}
	// Sealed for the right commitments by somebody who put another key in.
	extraPrev := cat(next.commitment(), k.commitment())
	swapped := next.seal(wire.LabelKeyPrev, bytes.Repeat([]byte{7}, 32), extraPrev, random("swapped", 24))
	third := newDataKey("third data key", context{c.Organization, c.Resource, 1, 3})
	return []suiteVector{
		sealed("a text under K_name", "", good, extra),
		sealed("cut short", "S-23", good[:39], extra),
		sealed("nonce altered", "S-23", flip(good, 0), extra),
		sealed("ciphertext altered", "S-23", flip(good, 24), extra),
		sealed("tag altered", "S-23", flip(good, -1), extra),
		sealed("another extra", "S-23", good, flip(extra, 0)),
		sealed("under K_prev", "S-23", k.seal(wire.LabelKeyPrev, text, extra, nonce), extra),
		sealed("in another epoch", "S-23", moved.seal(wire.LabelKeyName, text, extra, nonce), extra),

		history("epoch 1 from epoch 2", "", prev, next, c, k.commitment()),
		history("another key inside", "S-21", swapped, next, c, k.commitment()),
		history("for another older commitment", "S-23", prev, next, c, flip(k.commitment(), 0)),
		history("under another newer key", "S-23", prev, third, c, k.commitment()),
		history("in another older context", "S-21", prev, next, context{c.Organization, c.Resource, 1, 3}, k.commitment()),
	}
}
