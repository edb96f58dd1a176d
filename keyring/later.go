package keyring

import (
	"fmt"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// laterVersion is the identity file of a later device of a member: one that did
// not sign the card. Files of version 1 stay what the first device has, so that
// programs that know no other devices go on reading them.
const laterVersion = 2

// laterWire is CBOR[version, card, name, email, CBOR[record, label], envelope].
type laterWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Card    []byte
	Name    officer.Opening
	Email   officer.Opening
	Device  laterDevice
	UserKey []byte
}

type laterDevice struct {
	_      struct{} `cbor:",toarray"`
	Record []byte
	Label  officer.Opening
}

// NewInstallation makes one more device of a member whose first user key the
// caller has opened. The openings of name and email may be missing: not
// everybody may read the directory. The returned secret is the only thing that
// opens the identity again. An officer.DeviceAdded brings the device into the
// log.
func NewInstallation(card officer.CardFile, first *UserKey, deviceLabel string) (*Identity, *secret.Bytes, error) {
	if err := checkLater(card, first); err != nil {
		return nil, nil, err
	}
	label, err := NewOpening(officer.TextDevice, deviceLabel)
	if err != nil {
		return nil, nil, fmt.Errorf("device label: %w", err)
	}
	s, d, err := newInstallation(label)
	if err != nil {
		return nil, nil, err
	}
	defer d.Destroy()
	id, err := sealIdentity(card, label, d, first.Key)
	if err != nil {
		s.Destroy()
		return nil, nil, err
	}
	return id, s, nil
}

// PairedInstallation is NewInstallation for a device that the log has already:
// it was made before the member's user key could be opened. The label is that
// of its record.
func PairedInstallation(card officer.CardFile, first *UserKey, d *Device, label officer.Opening) (*Identity, error) {
	if err := checkLater(card, first); err != nil {
		return nil, err
	}
	if d.Record().Kind != officer.DeviceInstallation || label.Kind != officer.TextDevice || label.Check() != nil || label.Commitment() != d.Record().Label {
		return nil, fmt.Errorf("device label: %w", officer.ErrOpening)
	}
	return sealIdentity(card, label, d, first.Key)
}

// checkLater holds what a later device is made of together: the openings and
// the first user key are those of the card.
func checkLater(card officer.CardFile, first *UserKey) error {
	if err := checkOpenings(card); err != nil {
		return err
	}
	if first.Key.Commitment() != card.Card.UserKeyCommitment() || first.Private.Hash() != pubkey.Hash(card.Card.UserKey()) {
		return fmt.Errorf("user key: %w", ErrMismatch)
	}
	return nil
}

// Written is a device whose secret is written down, as the member it stands
// for, while that member is restored. It has no file, and the store has its
// user keys. Lock destroys d.
func Written(d *Device, card officer.CardFile) *Unlocked {
	return &Unlocked{Identity: &Identity{card: card, record: d.Record()}, device: d}
}

// checkOpenings holds the openings that are there against the card.
func checkOpenings(c officer.CardFile) error {
	for _, t := range []struct {
		o          officer.Opening
		kind       officer.TextKind
		commitment officer.Hash
	}{{c.Name, officer.TextName, c.Card.Name()}, {c.Email, officer.TextEmail, c.Card.Email()}} {
		if t.o != (officer.Opening{}) && (t.o.Kind != t.kind || t.o.Check() != nil || t.o.Commitment() != t.commitment) {
			return officer.ErrOpening
		}
	}
	return nil
}

func isLater(b []byte) bool { return len(b) > 1 && b[0] == 0x80|identityParts && b[1] == laterVersion }

func (id *Identity) encodeLater() []byte {
	return wire.MustMarshal(laterWire{
		Version: laterVersion, Card: id.card.Card.Bytes(), Name: id.card.Name, Email: id.card.Email,
		Device: laterDevice{Record: id.record.Encode(), Label: id.label}, UserKey: id.sealed,
	})
}

func parseLater(b []byte) (*Identity, error) {
	var w laterWire
	if err := wire.Unmarshal(b, &w, maxIdentity); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	card, err := officer.ParseCard(w.Card)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	file := officer.CardFile{Card: card, Name: w.Name, Email: w.Email}
	if err := checkOpenings(file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	record, err := officer.ParseDeviceRecord(w.Device.Record)
	if err != nil {
		return nil, fmt.Errorf("%w: device: %w", ErrIdentity, err)
	}
	l := w.Device.Label
	switch {
	case record.Kind != officer.DeviceInstallation, record.ID() == card.Device().ID():
		return nil, fmt.Errorf("%w: not a later device", ErrIdentity)
	case l.Kind != officer.TextDevice, l.Check() != nil, l.Commitment() != record.Label:
		return nil, fmt.Errorf("%w: %w", ErrIdentity, officer.ErrOpening)
	}
	id := &Identity{card: file, record: record, label: l, sealed: w.UserKey}
	id.encode()
	return id, nil
}
