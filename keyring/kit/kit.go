// Package kit makes backups of a member and reads them back: a paper kit, to
// print, and a passphrase backup, a file that stock age opens.
//
// A backup is a device whose secret is written down. [New] makes one; put
// [Backup.Added] into the log, hand out [Backup.Paper] or [Backup.File], and
// let the person prove that it was kept: [Parse] what they type or scan, or
// [OpenFile], and [Copy.Rehearse]. A backup that was never rehearsed does not
// count. To restore, [Copy.Find] the device in a log that was verified from
// genesis.
//
// Compatibility: the formats are spec/backup.md, version 1. Until release
// 1.0.0 they may change; afterwards backups of every version open for ever.
// The package is not for js/wasm.
package kit

import (
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// Errors of this package, wrapped with detail, never with a part of a secret.
var (
	// ErrKind: the operation is not for this kind of device.
	ErrKind = errors.New("not the kind of backup for this")
	// ErrMalformed: what was typed, scanned or opened is no backup.
	ErrMalformed = errors.New("not a backup")
	// ErrChecksum: every word is one of the list, but together they are not
	// the words of a backup.
	ErrChecksum = errors.New("the words do not belong together: one is wrong, or some have changed places")
	// ErrOtherOrganization: the backup says that it is of another one.
	ErrOtherOrganization = errors.New("the backup is of another organization")
	// ErrOtherDevice: the backup is well-formed and opens none of the devices
	// that were asked about.
	ErrOtherDevice = errors.New("the backup belongs to another device")
)

// Backup is a new device of kind paper kit or passphrase backup, with its
// secret. It is safe for concurrent use until Destroy.
type Backup struct {
	kind   officer.DeviceKind
	org    officer.OrganizationID
	label  officer.Opening
	secret *secret.Bytes
	keys   *keyring.Device
}

// New makes a backup of a fresh secret for a member of an organization. The
// label is how people will find it in the list of devices, such as "paper kit
// of 2 March".
func New(kind officer.DeviceKind, org officer.OrganizationID, label string) (*Backup, error) {
	opening, err := keyring.NewOpening(officer.TextDevice, label)
	if err != nil {
		return nil, fmt.Errorf("device label: %w", err)
	}
	return newBackup(kind, org, opening, keyring.GenerateSecret())
}

// newBackup takes s over.
func newBackup(kind officer.DeviceKind, org officer.OrganizationID, label officer.Opening, s *secret.Bytes) (*Backup, error) {
	if !written(kind) {
		s.Destroy()
		return nil, fmt.Errorf("%w: device kind %d", ErrKind, kind)
	}
	keys, err := keyring.NewDevice(s, kind, label.Commitment())
	if err != nil {
		s.Destroy()
		return nil, err
	}
	return &Backup{kind: kind, org: org, label: label, secret: s, keys: keys}, nil
}

// written tells whether a device's secret is written down.
func written(kind officer.DeviceKind) bool {
	return kind == officer.DevicePaperKit || kind == officer.DevicePassphraseBackup
}

// ID is the device's id.
func (b *Backup) ID() officer.DeviceID { return b.keys.ID() }

// Label is the opening of the device's label.
func (b *Backup) Label() officer.Opening { return b.label }

// Keys is the device's secret half, which Destroy clears.
func (b *Backup) Keys() *keyring.Device { return b.keys }

// Added is the operation that gives a member this device, with its acceptance.
func (b *Backup) Added(member officer.MemberID) *officer.DeviceAdded {
	record := b.keys.Record().Encode()
	return &officer.DeviceAdded{
		Member:     member,
		Device:     record,
		Acceptance: b.keys.Sign(wire.LabelDevice, officer.AcceptancePayload(b.org, member, record)),
	}
}

// Text is the text form, "UNDERSEAL-BACKUP-1…": organization, beginning of the
// device id, and secret. It is as secret as the secret; the caller destroys it.
func (b *Backup) Text() *secret.Bytes { return formatText(b.org, b.ID(), b.secret) }

// Words is the secret as 24 words with a space between each; the caller
// destroys it.
func (b *Backup) Words() *secret.Bytes { return formatWords(b.secret) }

// Destroy clears the secret and the keys.
func (b *Backup) Destroy() {
	b.secret.Destroy()
	b.keys.Destroy()
}

// Details is what a backup says of itself to people. Nothing reads it back.
type Details struct {
	Organization string    // the firm's name
	Name, Email  string    // the member's
	Store        string    // where the firm's store is, as the command line takes it, or ""
	Made         time.Time // the day
}

// check keeps a line end or a hidden character out of what will be a line.
func (d Details) check() error {
	for _, t := range []struct {
		what, text string
		kind       officer.TextKind
	}{
		{"organization", d.Organization, officer.TextOrganization},
		{"name", d.Name, officer.TextName},
		{"email", d.Email, officer.TextEmail},
		{"store", d.Store, officer.TextLabel},
	} {
		if t.what == "store" && t.text == "" {
			continue
		}
		if err := (officer.Opening{Kind: t.kind, Text: t.text}).Check(); err != nil {
			return fmt.Errorf("%s: %w", t.what, err)
		}
	}
	if d.Made.IsZero() {
		return errDay
	}
	return nil
}

// errDay: without a day the PDF would bear the one on which it was drawn, by
// a clock of its own.
var errDay = errors.New("the day on which the backup is made is missing")

func (d Details) day() string { return d.Made.Format(time.DateOnly) }
