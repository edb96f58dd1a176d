package main

import (
	"crypto/sha256"

	"github.com/underseal/underseal/internal/wire"
)

// envelopeVector is one vector of envelope.json.
type envelopeVector struct {
	Name string `json:"name"`
	Rule string `json:"rule,omitempty"`

	Seed      hx   `json:"recipient_seed"` // of the private key that opens
	SenderKey hx   `json:"sender_key"`     // that the log names for the sender
	Want      info `json:"want"`           // that the log gives
	Envelope  hx   `json:"envelope"`
	Key       hx   `json:"key,omitempty"` // of envelopes that open
}

// info is the context of an envelope; its JSON is flat.
type info struct {
	Organization hx        `json:"organization"`
	Kind         uint64    `json:"kind"`
	Resource     hx        `json:"resource"`
	Epoch        uint64    `json:"epoch"`
	Commitment   hx        `json:"commitment"`
	Recipient    recipient `json:"recipient"`
	Sender       hx        `json:"sender"`
}

type recipient struct {
	Kind uint64 `json:"kind"`
	ID   hx     `json:"id"`
	Key  hx     `json:"key"`
}

func (r recipient) encode() []byte { return array(num(r.Kind), bstr(r.ID), bstr(r.Key)) }

func (i info) encodeAs(label string) []byte {
	return array(tstr(label), bstr(i.Organization), num(i.Kind), bstr(i.Resource), num(i.Epoch),
		bstr(i.Commitment), i.Recipient.encode(), bstr(i.Sender))
}

func (i info) encode() []byte { return i.encodeAs(wire.LabelEnvelope) }

// sealed is an envelope in its parts.
type sealed struct{ info, enc, ct, signature []byte }

func (s sealed) encode() []byte {
	return array(num(1), bstr(s.info), bstr(s.enc), bstr(s.ct), bstr(s.signature))
}

// signedBy returns the same parts with a new signature.
func (s sealed) signedBy(by signer) sealed {
	h := sha256.Sum256(s.info)
	s.signature = by.sign(wire.LabelEnvelope, cat(h[:], s.enc, s.ct))
	return s
}

// sealKey seals key to public under encoded info.
func sealKey(name string, key, encoded, public []byte, by signer) sealed {
	enc, ct := hpkeSeal(public, encoded, key, random("envelope "+name, 64))
	return sealed{info: encoded, enc: enc, ct: ct}.signedBy(by)
}

func envelopeVectors() []envelopeVector {
	k := newDataKey("enveloped key", context{random("organization", 32), random("resource", 16), 1, 3})
	other := newDataKey("other enveloped key", k.context)
	to, elsewhere := newXWing(random("recipient", 32)), newXWing(random("other recipient", 32))
	by, mallory := newSigner("sender"), newSigner("mallory")
	want := info{
		k.Organization, k.Kind, k.Resource, k.Epoch, k.commitment(),
		recipient{1, random("member", 32), keyName(to.public)}, random("device", 32),
	}
	good := sealKey("good", k.key, want.encode(), to.public, by)
	var out []envelopeVector
	add := func(name, rule string, want info, b []byte) *envelopeVector {
		out = append(out, envelopeVector{Name: name, Rule: rule, Seed: to.seed, SenderKey: by.public(), Want: want, Envelope: b})
		v := &out[len(out)-1]
		if rule == "" {
			v.Key = k.key
		}
		return v
	}

	add("a field's key to a member", "", want, good.encode())
	user := newDataKey("enveloped user key", context{make([]byte, 32), make([]byte, 32), 5, 1})
	toDevice := info{user.Organization, 5, user.Resource, 1, user.commitment(), recipient{3, random("device", 32), keyName(to.public)}, random("device", 32)}
	add("a user key of generation 1 to a device", "", toDevice, sealKey("user", user.key, toDevice.encode(), to.public, by).encode()).Key = user.key
	toGroup := want
	toGroup.Recipient = recipient{2, random("group", 16), keyName(to.public)}
	add("a field's key to a group", "", toGroup, sealKey("group", k.key, toGroup.encode(), to.public, by).encode())

	bytes := good.encode()
	add("empty", "E-1", want, nil)
	add("cut short", "E-1", want, bytes[:len(bytes)-1])
	add("followed by a byte", "E-1", want, cat(bytes, []byte{0}))
	add("longer than the limit", "E-1", want, array(num(1), bstr(want.encode()), bstr(good.enc), bstr(good.ct), bstr(make([]byte, 4096))))
	add("length in a longer form", "E-1", want, cat(bytes[:2], []byte{0x59, 0, bytes[3]}, bytes[4:]))
	add("info not in a byte string", "E-1", want, array(num(1), want.encode(), bstr(good.enc), bstr(good.ct), bstr(good.signature)))
	add("four parts", "E-1", want, array(num(1), bstr(good.info), bstr(good.enc), bstr(good.ct)))
	add("version 0", "E-1", want, cat([]byte{0x85, 0}, bytes[2:]))
	add("version 2", "E-2", want, cat([]byte{0x85, 2}, bytes[2:]))

	part := func(name, rule string, change func(*sealed)) {
		s := good
		change(&s)
		add(name, rule, want, s.encode())
	}
	part("encapsulation cut short", "E-3", func(s *sealed) { s.enc = s.enc[1:] })
	part("ciphertext cut short", "E-3", func(s *sealed) { s.ct = s.ct[1:] })
	part("ciphertext too long", "E-3", func(s *sealed) { s.ct = cat(s.ct, []byte{0}) })
	part("signature cut short", "E-3", func(s *sealed) { s.signature = s.signature[1:] })
	part("signature with a byte 0 after it", "E-3", func(s *sealed) { s.signature = cat(s.signature, []byte{0}) })
	part("no signature", "E-3", func(s *sealed) { s.signature = nil })

	// Made by the sender as it stands: only the info is at fault.
	withInfo := func(name, rule string, encoded []byte) {
		add(name, rule, want, sealKey(name, k.key, encoded, to.public, by).encode())
	}
	enc := want.encode()
	withInfo("info with a length in a longer form", "E-4", cat(enc[:1], []byte{0x78, enc[1] & 0x1f}, enc[2:]))
	withInfo("info followed by a byte", "E-4", cat(enc, []byte{0}))
	withInfo("info with seven items", "E-4", array(tstr(wire.LabelEnvelope), bstr(want.Organization), num(1), bstr(want.Resource), num(3), bstr(want.Commitment), want.Recipient.encode()))
	withInfo("info of another label", "E-4", want.encodeAs(wire.LabelEntry))
	withInfo("commitment cut short", "E-4", array(tstr(wire.LabelEnvelope), bstr(want.Organization), num(1), bstr(want.Resource), num(3),
		bstr(want.Commitment[1:]), want.Recipient.encode(), bstr(want.Sender)))
	withInfo("empty info", "E-4", nil)

	for _, c := range []struct {
		name   string
		change func(*info)
	}{
		{"another organization", func(i *info) { i.Organization = flip(i.Organization, 0) }},
		{"another kind", func(i *info) { i.Kind = 2 }},
		{"another resource", func(i *info) { i.Resource = flip(i.Resource, 0) }},
		{"a resource of another length", func(i *info) { i.Resource = i.Resource[:15] }},
		{"another epoch", func(i *info) { i.Epoch = 4 }},
		{"another commitment", func(i *info) { i.Commitment = other.commitment() }},
		{"another kind of recipient", func(i *info) { i.Recipient.Kind = 3 }},
		{"another recipient", func(i *info) { i.Recipient.ID = flip(i.Recipient.ID, 0) }},
		{"another key of the recipient", func(i *info) { i.Recipient.Key = keyName(elsewhere.public) }},
		{"another sender", func(i *info) { i.Sender = flip(i.Sender, 0) }},
	} {
		i := want
		c.change(&i)
		withInfo(c.name, "E-5", i.encode())
	}

	add("signed by somebody else", "E-6", want, good.signedBy(mallory).encode())
	part("signature altered", "E-6", func(s *sealed) { s.signature = flip(s.signature, 0) })
	part("signature with S not below l", "E-6", func(s *sealed) { s.signature = malleated(s.signature) })
	part("signature whose R has a part of small order", "E-6", func(s *sealed) {
		h := sha256.Sum256(s.info)
		s.signature = by.offsetR(wire.LabelEnvelope, cat(h[:], s.enc, s.ct))
	})
	part("encapsulation altered after signing", "E-6", func(s *sealed) { s.enc = flip(s.enc, 0) })
	part("ciphertext altered after signing", "E-6", func(s *sealed) { s.ct = flip(s.ct, 0) })
	h := sha256.Sum256(good.info)
	part("signature under another label", "E-6", func(s *sealed) { s.signature = by.sign(wire.LabelEntry, cat(h[:], s.enc, s.ct)) })
	part("signature over the info itself", "E-6", func(s *sealed) { s.signature = by.sign(wire.LabelEnvelope, cat(s.info, s.enc, s.ct)) })
	v := add("sender's key is the identity", "E-6", want, nil)
	v.SenderKey = identityPoint()
	forged := good
	forged.signature = cat(identityPoint(), make([]byte, 32)) // R is the identity and S is 0: fits every message
	v.Envelope = forged.encode()

	v = add("sealed to another key", "E-7", want, nil)
	v.Want.Recipient.Key = keyName(elsewhere.public)
	v.Envelope = sealKey("elsewhere", k.key, v.Want.encode(), elsewhere.public, by).encode()

	again := func(name, rule string, change func(*sealed)) {
		part(name, rule, func(s *sealed) { change(s); *s = s.signedBy(by) })
	}
	for i, u := range lowOrderPoints() {
		again("encapsulation with point of low order "+string(rune('1'+i)), "E-8", func(s *sealed) { s.enc = withPoint(s.enc, u) })
	}
	again("encapsulation with the top bit set", "E-8", func(s *sealed) { s.enc = cat(s.enc[:1119], []byte{s.enc[1119] | 0x80}) })

	again("ML-KEM half of the encapsulation altered", "E-9", func(s *sealed) { s.enc = flip(s.enc, 0) })
	again("X25519 half of the encapsulation altered", "E-9", func(s *sealed) { s.enc = flip(s.enc, 1088) })
	again("ciphertext altered", "E-9", func(s *sealed) { s.ct = flip(s.ct, 0) })
	again("tag altered", "E-9", func(s *sealed) { s.ct = flip(s.ct, -1) })
	moved := want
	moved.Epoch = 4
	wrong := sealKey("moved", k.key, moved.encode(), to.public, by)
	wrong.info = want.encode()
	add("sealed under another info", "E-9", want, wrong.signedBy(by).encode())
	misled := sealKey("misled", k.key, want.encode(), elsewhere.public, by)
	add("sealed to another key than the info names", "E-9", want, misled.encode())

	add("another key than the one committed to", "E-10", want, sealKey("other", other.key, want.encode(), to.public, by).encode())
	return out
}
