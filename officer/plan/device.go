package plan

import (
	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// MemberRecipient names a member's user key as an envelope's recipient.
func MemberRecipient(id officer.MemberID, public []byte) envelope.Recipient {
	return envelope.Recipient{Kind: envelope.ToMember, ID: append([]byte(nil), id[:]...), Key: pubkey.Hash(public)}
}

// GroupRecipient names a group's key as an envelope's recipient.
func GroupRecipient(id officer.GroupID, public []byte) envelope.Recipient {
	return envelope.Recipient{Kind: envelope.ToGroup, ID: append([]byte(nil), id[:]...), Key: pubkey.Hash(public)}
}

// DeviceRecipient names a device's key as an envelope's recipient.
func DeviceRecipient(d officer.DeviceRecord) envelope.Recipient {
	id := d.ID()
	return envelope.Recipient{Kind: envelope.ToDevice, ID: id[:], Key: pubkey.Hash(d.Encryption)}
}

// AddDevice gives the author's member one more device, which has accepted by
// its own signature, and seals the present user key to it.
func (a Author) AddDevice(member officer.MemberID, record officer.DeviceRecord, acceptance []byte, userKey *keyring.UserKey) (*Plan, error) {
	p := &Plan{Operations: []officer.Operation{&officer.DeviceAdded{Member: member, Device: record.Encode(), Acceptance: acceptance}}}
	return p, a.sealToDevice(p, userKey.Key, record)
}

func (a Author) sealToDevice(p *Plan, key *Key, d officer.DeviceRecord) error {
	r := DeviceRecipient(d)
	b, err := envelope.Seal(key, r, d.Encryption, a.Device)
	if err != nil {
		return err
	}
	p.Envelopes = append(p.Envelopes, Filed{Index: r.Index(), Envelope: b})
	return nil
}

// RemoveOwnDevice takes away one of the author's own devices: a new user key
// for the devices that remain, and the next epoch of every resource that the
// member can share. What the member only reads is closed, and a sharer opens
// the next epoch (spec/log.md, "device removed").
//
// A key that the store keeps back does not keep a device in: what it could
// reach is closed instead.
func (a Author) RemoveOwnDevice(device officer.DeviceID, userKey *keyring.UserKey, held Held) (*Plan, error) {
	d := a.State.Device(device)
	if d == nil || d.Removed {
		return nil, officer.ErrUnknown
	}
	m := a.State.Member(d.Member)
	p := &Plan{Operations: []officer.Operation{&officer.DeviceRemoved{Device: device}}}
	return p, a.replaceReach(p, m, device, userKey, held)
}

// RefuseDevice is for a device to which the author's user key was sealed, and
// which did not get into the log: one entry names it, takes it away, and
// replaces every key that it could reach.
func (a Author) RefuseDevice(record officer.DeviceRecord, acceptance []byte, userKey *keyring.UserKey, held Held) (*Plan, error) {
	d := a.State.Device(a.Device.ID())
	if d == nil || d.Removed {
		return nil, officer.ErrAuthor
	}
	m := a.State.Member(d.Member)
	p := &Plan{Operations: []officer.Operation{
		&officer.DeviceAdded{Member: m.ID, Device: record.Encode(), Acceptance: acceptance},
		&officer.DeviceRemoved{Device: record.ID()},
	}}
	return p, a.replaceReach(p, m, record.ID(), userKey, held)
}

// replaceReach makes the author's next user key, for all devices but one, and
// replaces or closes every key that the present one opens.
func (a Author) replaceReach(p *Plan, m *officer.Member, without officer.DeviceID, userKey *keyring.UserKey, held Held) error {
	next, err := a.rotateUserKey(p, m, userKey, without)
	if err != nil {
		return err
	}
	defer next.Destroy()
	n := a.renewal(p, held)
	n.users[m.ID] = next.Private.Public()
	return n.reach(m.ID)
}

// RemoveDevice takes away somebody else's device, by an officer: the member's
// user key is closed until the member makes the next; what the officer holds
// is rotated, what the officer does not hold is closed (attack 60).
func (a Author) RemoveDevice(device officer.DeviceID, held Held) (*Plan, error) {
	d := a.State.Device(device)
	if d == nil || d.Removed {
		return nil, officer.ErrUnknown
	}
	m := a.State.Member(d.Member)
	p := &Plan{Operations: []officer.Operation{&officer.DeviceRemoved{Device: device}}}
	n := a.renewal(p, held)
	n.users[m.ID] = nil
	return p, n.reach(m.ID)
}

// rotateUserKey makes the member's next user key, for all devices but one, and
// puts it into escrow if the one before was.
func (a Author) rotateUserKey(p *Plan, m *officer.Member, cur *keyring.UserKey, without officer.DeviceID) (*keyring.UserKey, error) {
	next, err := a.nextUserKey(p, m, cur, without)
	if err != nil {
		return nil, err
	}
	if err := a.enrollAgain(p, m, next); err != nil {
		next.Destroy()
		return nil, err
	}
	return next, nil
}

// nextUserKey makes the member's next user key, for all devices but one.
func (a Author) nextUserKey(p *Plan, m *officer.Member, cur *keyring.UserKey, without officer.DeviceID) (*keyring.UserKey, error) {
	gen := m.UserKey().Generation + 1
	key, err := datakey.Generate(officer.UserKeyContext(a.State.Organization(), m.ID, gen))
	if err != nil {
		return nil, err
	}
	prev, err := key.SealPrevious(cur.Key)
	if err != nil {
		return nil, err
	}
	private, err := envelope.NewPrivateKey(key.Raw())
	if err != nil {
		return nil, err
	}
	p.Operations = append(p.Operations, &officer.UserKeyRotated{
		Member: m.ID, Generation: gen, Public: private.Public(), Commitment: key.Commitment(), Previous: prev,
	})
	for _, id := range m.Devices {
		if d := a.State.Device(id); id != without && !d.Removed {
			if err := a.sealToDevice(p, key, d.Record); err != nil {
				return nil, err
			}
		}
	}
	return &keyring.UserKey{Key: key, Private: private}, nil
}

// Acceptance is a new device's agreement to serve a member of an organization.
func Acceptance(org officer.OrganizationID, member officer.MemberID, d *keyring.Device) []byte {
	return d.Sign(wire.LabelDevice, officer.AcceptancePayload(org, member, d.Record().Encode()))
}
