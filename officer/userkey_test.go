package officer_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// TestMayHoldUserKey: a device takes a user key from the device that made it,
// or from the one that added it when that key was the present one.
func TestMayHoldUserKey(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do(
		"alice: add bob as member; add carol as officer",
		"bob: add device bob/laptop",
		"bob/laptop: rotate user bob",
		"bob: add device bob/phone",
		"bob: add device bob/lost",
		"bob/laptop: remove device bob/lost; rotate user bob",
	)
	s := o.State
	id := func(person, device string) officer.DeviceID { return o.Person(person).Device(device).Record.ID() }
	first, laptop, phone := id("bob", "first"), id("bob", "laptop"), id("bob", "phone")
	for _, c := range []struct {
		what       string
		generation uint64
		to, from   officer.DeviceID
		want       error
	}{
		{"the card's device to itself", 1, first, first, nil},
		{"1 by the card's device, which added the laptop", 1, laptop, first, nil},
		{"1 by the card's device, to a device of later", 1, phone, first, nil},
		{"2 by its author", 2, first, laptop, nil},
		{"2 by who added the phone then", 2, phone, first, nil},
		{"3 by its author", 3, phone, laptop, nil},
		{"3 by who added the phone before", 3, phone, first, officer.ErrAuthority},
		{"2 by who added the laptop before", 2, laptop, first, officer.ErrAuthority},
		{"2 by the phone", 2, first, phone, officer.ErrAuthority},
		{"1 by the officer who let bob in", 1, first, id("alice", "first"), officer.ErrAuthority},
		{"1 by nobody", 1, first, officer.DeviceID{}, officer.ErrAuthority},
		{"2 by an officer", 2, first, id("carol", "first"), officer.ErrAuthority},
		{"0", 0, first, first, officer.ErrEpoch},
		{"4", 4, first, laptop, officer.ErrEpoch},
		{"2 to a removed device", 2, id("bob", "lost"), laptop, officer.ErrUnknown},
		{"2 to somebody else's device", 2, id("carol", "first"), laptop, officer.ErrUnknown},
		{"2 to no device", 2, officer.DeviceID{}, laptop, officer.ErrUnknown},
	} {
		if err := s.MayHoldUserKey(o.Person("bob").ID(), c.generation, c.to, c.from); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if err := s.MayHoldUserKey(officer.MemberID{}, 1, first, first); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("of nobody: %v", err)
	}
}
