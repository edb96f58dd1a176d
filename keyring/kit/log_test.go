package kit_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// The log takes a backup as a device of its member, and the words find it
// there among the devices of all; of nobody else is it a device.
func TestAddedToTheLog(t *testing.T) {
	t.Parallel()
	org := officertest.New(t, "alice")
	alice := org.Person("alice").ID()
	var backups []*kit.Backup
	for _, kind := range []officer.DeviceKind{officer.DevicePaperKit, officer.DevicePassphraseBackup} {
		b, err := kit.New(kind, org.ID, "backup")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Destroy()
		if err := org.Append(org.Chain("alice", []officer.Operation{b.Added(alice)})...); err != nil {
			t.Fatal(err)
		}
		if d := org.State.Device(b.ID()); d == nil || d.Member != alice || d.Record.Kind != kind {
			t.Errorf("the log has %+v", d)
		}
		backups = append(backups, b)
	}
	records := func(yield func(officer.DeviceRecord) bool) {
		for _, id := range org.State.Member(alice).Devices {
			if !yield(org.State.Device(id).Record) {
				return
			}
		}
	}
	for _, b := range backups {
		c, err := kit.Parse(b.Words())
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Find(org.ID, records)
		if err != nil || d.ID() != b.ID() {
			t.Errorf("found %v, %v", d, err)
		}
	}

	stranger, err := kit.New(officer.DevicePaperKit, officer.OrganizationID{1}, "backup")
	if err != nil {
		t.Fatal(err)
	}
	if err := org.Append(org.Chain("alice", []officer.Operation{stranger.Added(alice)})...); !errors.Is(err, officer.ErrOperation) {
		t.Errorf("a backup of another organization: %v", err)
	}
}
