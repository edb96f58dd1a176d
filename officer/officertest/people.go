package officertest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// FirstDevice is the label of the device that a person's card brings.
const FirstDevice = "first"

// Device is a device with its secret keys. It is an envelope.Signer.
type Device struct {
	Record officer.DeviceRecord
	Label  officer.Opening
	Key    *envelope.PrivateKey

	signing ed25519.PrivateKey
}

// NewDevice makes a device. The same name and label give the same keys.
func NewDevice(name, label string) *Device {
	signIn := ed25519.NewKeyFromSeed(seed(name, label, "sign in"))
	d := &Device{
		Label:   NewOpening(officer.TextDevice, label, name),
		Key:     privateKey(seed(name, label, "encryption")),
		signing: ed25519.NewKeyFromSeed(seed(name, label, "signing")),
	}
	d.Record = officer.DeviceRecord{
		Kind:       officer.DeviceInstallation,
		Encryption: d.Key.Public(),
		Signing:    public(d.signing),
		SignIn:     public(signIn),
		Label:      d.Label.Commitment(),
	}
	return d
}

// ID is the record's hash.
func (d *Device) ID() officer.DeviceID { return d.Record.ID() }

// Sign returns Ed25519(label ‖ 0x00 ‖ payload).
func (d *Device) Sign(label string, payload []byte) []byte {
	return ed25519.Sign(d.signing, wire.Labelled(label, payload))
}

// Accept is the device's own signature with which it is added to a member.
func (d *Device) Accept(org officer.OrganizationID, member officer.MemberID) []byte {
	return d.Sign(wire.LabelDevice, officer.AcceptancePayload(org, member, d.Record.Encode()))
}

// Person is somebody with a card, a user key and devices.
type Person struct {
	Name string
	File officer.CardFile

	devices map[string]*Device
}

// NewPerson makes a person. The same name gives the same keys.
func NewPerson(name string) *Person {
	d := NewDevice(name, FirstDevice)
	p := &Person{Name: name, devices: map[string]*Device{FirstDevice: d}}
	p.File.Name = NewOpening(officer.TextName, name, "name")
	p.File.Email = NewOpening(officer.TextEmail, name+"@example.com", "email")
	key := p.UserKey(officer.OrganizationID{}, 1)
	card, err := officer.NewCard(privateKey(key.Raw().Expose()).Public(), key.Commitment(), d.Record, p.File.Name.Commitment(), p.File.Email.Commitment(), d.Sign)
	if err != nil {
		panic(err) // a fault of this package
	}
	p.File.Card = card
	return p
}

// ID is the member id.
func (p *Person) ID() officer.MemberID { return p.File.Card.ID() }

// Principal names the person in grants.
func (p *Person) Principal() officer.Principal { return officer.MemberPrincipal(p.ID()) }

// Device returns the person's device with a label and makes it at first use.
func (p *Person) Device(label string) *Device {
	if p.devices[label] == nil {
		p.devices[label] = NewDevice(p.Name, label)
	}
	return p.devices[label]
}

// UserKey is a generation of the person's user key in an organization; the
// first belongs to none.
func (p *Person) UserKey(org officer.OrganizationID, generation uint64) *datakey.Key {
	var id officer.MemberID
	if generation > 1 {
		id = p.ID()
	}
	return dataKey(officer.UserKeyContext(org, id, generation), p.Name, "user key", fmt.Sprint(generation))
}

// PrivateKey is the key pair that a generation of the user key is the seed of.
func (p *Person) PrivateKey(org officer.OrganizationID, generation uint64) *envelope.PrivateKey {
	return privateKey(p.UserKey(org, generation).Raw().Expose())
}

// NewOpening commits to a text; the salt is made from the words.
func NewOpening(kind officer.TextKind, text string, salt ...string) officer.Opening {
	return officer.Opening{Kind: kind, Text: text, Salt: [officer.SaltSize]byte(seed(append(salt, text, "salt")...))}
}

// seed is 32 bytes made from words, so that every run has the same keys.
func seed(words ...string) []byte {
	h := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return h[:]
}

func public(k ed25519.PrivateKey) []byte { return k.Public().(ed25519.PublicKey) }

func privateKey(seed []byte) *envelope.PrivateKey {
	k, err := envelope.NewPrivateKey(secret.New(seed))
	if err != nil {
		panic(err) // a seed of 32 bytes always expands
	}
	return k
}

func dataKey(c officer.KeyContext, words ...string) *datakey.Key {
	k, err := datakey.New(c, secret.New(seed(words...)))
	if err != nil {
		panic(err) // as above
	}
	return k
}
