package main

import (
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// deviceVector is one vector of device.json.
type deviceVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Secret         hx `json:"secret,omitempty"`
	EncryptionSeed hx `json:"encryption_seed,omitempty"`
	SigningSeed    hx `json:"signing_seed,omitempty"`
	SignInSeed     hx `json:"sign_in_seed,omitempty"`
	LocalKey       hx `json:"local_key,omitempty"`

	DeviceKind   uint64 `json:"device_kind,omitempty"`
	Label        hx     `json:"label,omitempty"`
	Record       hx     `json:"record,omitempty"`
	ID           hx     `json:"id,omitempty"`
	Organization hx     `json:"organization,omitempty"`
	Member       hx     `json:"member,omitempty"`
	Payload      hx     `json:"payload,omitempty"`
	Acceptance   hx     `json:"acceptance,omitempty"`
}

// device is a device with its secret half.
type device struct {
	secret          []byte
	kind            uint64
	label           opening
	encryption      xwing
	signing, signIn signer
	seeds           [4][]byte // encryption, signing, sign-in, local
	recordInstead   []byte    // in the place of the record, where that is at fault
}

func newDevice(name string, kind uint64) device {
	return deviceOf(random("device secret "+name, 32), kind, newOpening(textDevice, name))
}

func deviceOf(secret []byte, kind uint64, label opening) device {
	d := device{secret: secret, kind: kind, label: label}
	base := extract([]byte(wire.LabelDevKeys), d.secret)
	for i, label := range []string{wire.LabelDevEncryption, wire.LabelDevSigning, wire.LabelDevSignIn, wire.LabelDevLocal} {
		d.seeds[i] = expand(base, labelled(label, nil), 32)
	}
	d.encryption = newXWing(d.seeds[0])
	d.signing, d.signIn = signerFrom(d.seeds[1]), signerFrom(d.seeds[2])
	return d
}

func (d device) record() []byte {
	if d.recordInstead != nil {
		return d.recordInstead
	}
	return deviceRecord(d.kind, d.encryption.public, d.signing.public(), d.signIn.public(), d.label.commitment())
}

func deviceRecord(kind uint64, encryption, signing, signIn, label []byte) []byte {
	return fields(num(kind), bstr(encryption), bstr(signing), bstr(signIn), bstr(label))
}

func (d device) id() []byte { return sum(wire.LabelDeviceID, d.record()) }

func acceptancePayload(org, member, record []byte) []byte {
	return array(bstr(org), bstr(member), bstr(record))
}

func (d device) accept(org, member []byte) []byte {
	return d.signing.sign(wire.LabelDevice, acceptancePayload(org, member, d.record()))
}

// faultyRecord is a device record with one fault.
type faultyRecord struct {
	name, rule string
	record     []byte
}

func faultyRecords() []faultyRecord {
	d := newDevice("faulty", 1)
	enc, sig, in, label := d.encryption.public, d.signing.public(), d.signIn.public(), d.label.commitment()
	return []faultyRecord{
		{"kind 0", "D-2", deviceRecord(0, enc, sig, in, label)},
		{"kind 4", "D-2", deviceRecord(4, enc, sig, in, label)},
		{"encryption key of 1215 bytes", "D-3", deviceRecord(1, enc[1:], sig, in, label)},
		{"encryption key with point of low order", "D-3", deviceRecord(1, withPoint(enc, lowOrderPoints()[2]), sig, in, label)},
		{"encryption key with ML-KEM coefficient of 3329", "D-3", deviceRecord(1, withCoefficient(enc), sig, in, label)},
		{"signing key is the identity", "D-3", deviceRecord(1, enc, identityPoint(), in, label)},
		{"signing key outside the prime-order group", "D-3", deviceRecord(1, enc, torsioned(sig), in, label)},
		{"sign-in key is the identity", "D-3", deviceRecord(1, enc, sig, identityPoint(), label)},
		{"one key for signing and signing in", "D-4", deviceRecord(1, enc, sig, sig, label)},
		{"label of 31 bytes", "D-1", deviceRecord(1, enc, sig, in, label[1:])},
		{"unknown field", "D-1", fields(num(1), bstr(enc), bstr(sig), bstr(in), bstr(label), num(1))},
		{"without sign-in key", "D-1", fields(num(1), bstr(enc), bstr(sig), nil, bstr(label))},
		{"kind in a longer form", "D-1", fields(unhex("1801"), bstr(enc), bstr(sig), bstr(in), bstr(label))},
	}
}

func deviceVectors() []deviceVector {
	var out []deviceVector
	for kind, name := range []string{1: "Alice's laptop", 2: "paper kit", 3: "passphrase backup"} {
		if kind == 0 {
			continue
		}
		d := newDevice(name, uint64(kind))
		out = append(out, deviceVector{
			Name: name, Kind: "keys", Secret: d.secret,
			EncryptionSeed: d.seeds[0], SigningSeed: d.seeds[1], SignInSeed: d.seeds[2], LocalKey: d.seeds[3],
			DeviceKind: d.kind, Label: d.label.commitment(), Record: d.record(), ID: d.id(),
		})
	}
	whole := newDevice("Alice's laptop", 1)
	out = append(out, deviceVector{Name: "a record", Kind: "record", Record: whole.record(), ID: whole.id()})
	for _, f := range faultyRecords() {
		out = append(out, deviceVector{Name: f.name, Kind: "record", Rule: f.rule, Record: f.record})
	}
	d, org, member := newDevice("accepting", 1), random("organization", 32), random("member", 32)
	acceptance := func(name, rule string, sig []byte) {
		out = append(out, deviceVector{
			Name: name, Kind: "acceptance", Rule: rule, Organization: org, Member: member, Record: d.record(),
			Payload: acceptancePayload(org, member, d.record()), Acceptance: sig,
		})
	}
	acceptance("an acceptance", "", d.accept(org, member))
	acceptance("of another organization", "D-5", d.accept(flip(org, 0), member))
	acceptance("of another member", "D-5", d.accept(org, flip(member, 0)))
	acceptance("by another device", "D-5", newDevice("other", 1).signing.sign(wire.LabelDevice, acceptancePayload(org, member, d.record())))
	acceptance("by the sign-in key", "D-5", d.signIn.sign(wire.LabelDevice, acceptancePayload(org, member, d.record())))
	acceptance("under another label", "D-5", d.signing.sign(wire.LabelCard, acceptancePayload(org, member, d.record())))
	acceptance("of 65 bytes, the last one 0", "D-5", cat(d.accept(org, member), []byte{0}))
	acceptance("empty", "D-5", nil)
	return out
}

// person is a member with a first device and a user key of generation 1.
type person struct {
	name, email opening
	first       device
	user        dataKey
	sealing     xwing
}

func newPerson(name string) *person {
	p := &person{
		name: newOpening(textName, name), email: newOpening(textEmail, strings.ToLower(strings.Fields(name)[0])+"@example.com"),
		first: newDevice(name+"'s laptop", 1),
		user:  newDataKey("user key of "+name, context{make([]byte, 32), make([]byte, 32), 5, 1}),
	}
	p.sealing = newXWing(p.user.key)
	return p
}

func cardBody(userKey, commitment, device, name, email []byte) []byte {
	return fields(bstr(userKey), bstr(commitment), bstr(device), bstr(name), bstr(email))
}

func (p *person) body() []byte {
	return cardBody(p.sealing.public, p.user.commitment(), p.first.record(), p.name.commitment(), p.email.commitment())
}

func (p *person) id() []byte { return sum(wire.LabelFingerprint, p.body()) }

func (p *person) card() []byte {
	return signed(p.body(), p.first.signing.sign(wire.LabelCard, p.body()))
}

// signed is the outer form of cards and log entries.
func signed(body, signature []byte) []byte { return array(num(1), bstr(body), bstr(signature)) }
