package officer_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// refusal is a line that is refused, alone on a base on which others are not.
type refusal struct {
	line string
	want error
}

// check tries each line on the same state.
func check(t *testing.T, base *officertest.Org, lines ...refusal) {
	t.Helper()
	for _, c := range lines {
		if err := base.For(t).Try(c.line); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.line, err, c.want)
		}
	}
}

// A guest removes a stolen device without anybody's help: what it could reach
// is closed until somebody who shares it opens the next epoch.
func TestGuestRemovesOwnDevice(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: add greta as guest",
		"alice: create folder case; grant case to greta rw",
		"alice: create folder other",
		"greta: add device greta/phone",
	)
	check(t, base,
		refusal{"greta: close case", officer.ErrAuthority},
		refusal{"greta/phone: remove device greta/first; rotate user greta", officer.ErrIncomplete},
		refusal{"greta/phone: remove device greta/first; close case", officer.ErrIncomplete},
		refusal{"greta/phone: close case; remove device greta/first; rotate user greta", officer.ErrAuthority},
		refusal{"greta/phone: remove device greta/first; rotate user greta; rotate case", officer.ErrAuthority},
		refusal{"greta/phone: remove device greta/first; rotate user greta; close case; close other", officer.ErrAuthority},
		refusal{"greta/phone: remove device greta/first; rotate user greta; close case", nil},
	)
}

// Nothing is sealed to a user key that a removed device may know.
func TestClosedUserKey(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: add bob as member",
		"alice: create field phone; grant phone to bob r",
		"alice: create field fax",
		"bob: add device bob/laptop",
		"alice: remove device bob/laptop; rotate phone",
	)
	closed := []string{"alice: reseal phone to bob", "alice: reseal phone@1 to bob", "alice: grant fax to bob r"}
	for _, line := range closed {
		check(t, base, refusal{line, officer.ErrClosed})
	}
	base.Do("bob: rotate user bob")
	for _, line := range closed {
		check(t, base, refusal{line, nil})
	}
}

// A card brings keys that nobody has: not even its own, on a second card.
func TestCardKeysOnce(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add bob as member")
	bob, mallory := o.Person("bob"), o.Person("mallory")
	add := func(user []byte, commitment officer.Hash, d *officertest.Device) error {
		c, err := officer.NewCard(user, commitment, d.Record, officer.Hash{1}, officer.Hash{2}, d.Sign)
		if err != nil {
			t.Fatal(err)
		}
		return o.Fork().TryOps("alice", &officer.MemberAdded{Card: c.Bytes(), Role: officer.RoleMember})
	}
	first := func(p *officertest.Person) *officertest.Device { return p.Device(officertest.FirstDevice) }
	user, commitment := mallory.File.Card.UserKey(), mallory.File.Card.UserKeyCommitment()
	accepted(t, "a card", add(user, commitment, first(mallory)))
	refused(t, "another's user key", add(bob.File.Card.UserKey(), commitment, first(mallory)), officer.ErrDuplicate)
	refused(t, "another's commitment", add(user, bob.File.Card.UserKeyCommitment(), first(mallory)), officer.ErrDuplicate)
	refused(t, "another's device", add(user, commitment, first(bob)), officer.ErrDuplicate)
	refused(t, "the card again", o.Try("alice: add bob as guest"), officer.ErrDuplicate)
	relabelled := officertest.NewDevice("bob", officertest.FirstDevice)
	relabelled.Record.Label = officer.Hash{3}
	refused(t, "another's device under a new label", add(user, commitment, relabelled), officer.ErrDuplicate)
}

// A commitment to a text is of one thing: nothing is shown under a name or
// label that was made for something else.
func TestTextsNamedOnce(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do("alice: add bob as member", "alice: create field phone")
	alice, bob := base.Person("alice"), base.Person("bob")

	folder := func(label officer.Hash) officer.Operation {
		op := base.Op("create folder case").(*officer.KeyCreated)
		op.Label = label
		return op
	}
	card := func(name, email officer.Hash) officer.Operation {
		mallory := officertest.NewPerson("mallory")
		c, err := officer.NewCard(mallory.File.Card.UserKey(), mallory.File.Card.UserKeyCommitment(), mallory.Device(officertest.FirstDevice).Record, name, email, mallory.Device(officertest.FirstDevice).Sign)
		if err != nil {
			t.Fatal(err)
		}
		return &officer.MemberAdded{Card: c.Bytes(), Role: officer.RoleMember}
	}
	device := func(label officer.Hash) officer.Operation {
		d := officertest.NewDevice("bob", "laptop")
		d.Record.Label = label
		return &officer.DeviceAdded{Member: bob.ID(), Device: d.Record.Encode(), Acceptance: d.Accept(base.ID, bob.ID())}
	}
	fresh := officer.Hash{1}
	for name, c := range map[string]struct {
		author string
		op     officer.Operation
		want   error
	}{
		"folder":                       {"bob", folder(fresh), nil},
		"folder with a field's label":  {"bob", folder(base.Label("phone").Commitment()), officer.ErrDuplicate},
		"folder with a member's name":  {"bob", folder(alice.File.Name.Commitment()), officer.ErrDuplicate},
		"folder with the organization": {"bob", folder(base.Name.Commitment()), officer.ErrDuplicate},
		"card":                         {"alice", card(fresh, officer.Hash{2}), nil},
		"card with a member's name":    {"alice", card(alice.File.Name.Commitment(), fresh), officer.ErrDuplicate},
		"card with a member's email":   {"alice", card(fresh, bob.File.Email.Commitment()), officer.ErrDuplicate},
		"card with one text for two":   {"alice", card(fresh, fresh), officer.ErrDuplicate},
		"device":                       {"bob", device(fresh), nil},
		"device with another's label":  {"bob", device(alice.Device(officertest.FirstDevice).Record.Label), officer.ErrDuplicate},
	} {
		if err := base.For(t).TryOps(c.author, c.op); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
