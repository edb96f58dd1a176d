package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// laterOf makes one more device of a member.
func laterOf(t testing.TB, id *Identity, s *secret.Bytes, label string) (*Identity, *secret.Bytes) {
	t.Helper()
	u, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Lock()
	later, ls, err := NewInstallation(id.Card(), u.FirstUserKey(), label)
	if err != nil {
		t.Fatal(err)
	}
	return later, ls
}

func TestLaterDevice(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	later, ls := laterOf(t, id, s, "desk")
	if later.Encode()[1] != laterVersion || id.Encode()[1] != wire.Version {
		t.Error("not the versions that are said")
	}
	again, err := ParseIdentity(later.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if again.Member() != id.Member() || again.Device() == id.Device() || again.Device() != later.Device() ||
		again.DeviceLabel().Text != "desk" || again.Card().Email.Text != "alice@example.com" {
		t.Error("not what was encoded")
	}
	u, err := again.Unlock(ls)
	if err != nil {
		t.Fatal(err)
	}
	if u.Keys().ID() != later.Device() || u.FirstUserKey().Key.Commitment() != id.Card().Card.UserKeyCommitment() {
		t.Error("other keys")
	}
	// And one more from that one.
	third, ts := laterOf(t, again, ls, "phone")
	if _, err := third.Unlock(ts); err != nil {
		t.Error(err)
	}
	u.Lock()
}

// TestLaterDeviceWithoutNames: a guest who restores may not read the directory.
func TestLaterDeviceWithoutNames(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	u, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	later, ls, err := NewInstallation(officer.CardFile{Card: id.Card().Card}, u.FirstUserKey(), "desk")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseIdentity(later.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Unlock(ls); err != nil || again.Card().Name.Text != "" {
		t.Errorf("%q, %v", again.Card().Name.Text, err)
	}
}

// TestWritten: a backup's device stands for its member, with no key of theirs.
func TestWritten(t *testing.T) {
	t.Parallel()
	id, _ := newIdentity(t)
	d, err := NewDevice(GenerateSecret(), officer.DevicePaperKit, officer.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	u := Written(d, id.Card())
	if u.Member() != id.Member() || u.Device() != d.ID() || u.FirstUserKey() != nil {
		t.Error("not that device of that member")
	}
	u.Lock()
}

// TestAttack9LaterDeviceOfSomebodyElse: whoever can write to a home cannot give
// a device another member, another device's place or another user key.
func TestAttack9LaterDeviceOfSomebodyElse(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	later, ls := laterOf(t, id, s, "desk")
	other, otherSecret := newIdentity(t)
	otherLater, _ := laterOf(t, other, otherSecret, "desk")
	if _, err := later.Unlock(ls); err != nil { // as it is, it is not refused
		t.Fatal(err)
	}
	if _, err := later.Unlock(s); !errors.Is(err, ErrMismatch) {
		t.Errorf("the first device's secret: %v", err)
	}
	with := func(change func(*Identity)) *Identity {
		c := *later
		change(&c)
		c.encode()
		return &c
	}
	for name, c := range map[string]struct {
		id   *Identity
		want error
	}{
		"another member's card":       {with(func(i *Identity) { i.card = other.card }), envelope.ErrOpen},
		"another device":              {with(func(i *Identity) { i.record, i.label = otherLater.record, otherLater.label }), ErrMismatch},
		"another member's user key":   {with(func(i *Identity) { i.sealed = otherLater.sealed }), envelope.ErrOpen},
		"the first device's envelope": {with(func(i *Identity) { i.sealed = id.sealed }), envelope.ErrOpen},
		"somebody else entirely":      {otherLater, ErrMismatch},
	} {
		parsed, err := ParseIdentity(c.id.Encode())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := parsed.Unlock(ls); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A key that the store or a thief chose, sealed by the device itself: the
	// card commits to the right one.
	u, err := later.Unlock(ls)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Unlock(otherSecret)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := sealIdentity(later.card, later.label, u.Keys(), foreign.FirstUserKey().Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forged.Unlock(ls); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("a chosen user key: %v", err)
	}
	if _, _, err := NewInstallation(later.Card(), foreign.FirstUserKey(), "x"); !errors.Is(err, ErrMismatch) {
		t.Errorf("made with another member's key: %v", err)
	}
}

func TestLaterDeviceRefused(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	later, _ := laterOf(t, id, s, "desk")
	with := func(change func(*Identity)) []byte {
		c := *later
		change(&c)
		return c.encodeLater()
	}
	if _, err := ParseIdentity(with(func(*Identity) {})); err != nil {
		t.Fatal(err)
	}
	opening := func(kind officer.TextKind) officer.Opening {
		o, err := NewOpening(kind, "x")
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for name, b := range map[string][]byte{
		"the first device":    with(func(i *Identity) { i.record, i.label = id.record, id.label }),
		"a paper kit":         with(func(i *Identity) { i.record.Kind = officer.DevicePaperKit }),
		"no kind":             with(func(i *Identity) { i.record.Kind = 9 }),
		"one key twice":       with(func(i *Identity) { i.record.SignIn = i.record.Signing }),
		"no key":              with(func(i *Identity) { i.record.Encryption = nil }),
		"another label":       with(func(i *Identity) { i.label = opening(officer.TextDevice) }),
		"a label of no kind":  with(func(i *Identity) { i.label.Kind = officer.TextName }),
		"another name":        with(func(i *Identity) { i.card.Name = opening(officer.TextName) }),
		"the email as a name": with(func(i *Identity) { i.card.Name = i.card.Email }),
	} {
		if _, err := ParseIdentity(b); !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := NewInstallation(officer.CardFile{Card: id.Card().Card, Name: id.Card().Email}, &UserKey{}, "x"); !errors.Is(err, officer.ErrOpening) {
		t.Errorf("a wrong opening: %v", err)
	}
	u, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewInstallation(id.Card(), u.FirstUserKey(), ""); !errors.Is(err, officer.ErrText) {
		t.Errorf("no label: %v", err)
	}
	long := strings.Repeat("x", wire.MaxText) // the longest texts that there may be
	l, ls, err := NewIdentity(long, long, long)
	if err != nil {
		t.Fatal(err)
	}
	longest, _ := laterOf(t, l, ls, long)
	if _, err := ParseIdentity(longest.Encode()); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// TestIdentitiesOpenForEver: a file of each version, kept.
func TestIdentitiesOpenForEver(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1", "2"} {
		read := func(what string) []byte {
			b, err := os.ReadFile(filepath.Join("testdata", "frozen", what+"-"+version+".hex"))
			if err != nil {
				t.Fatal(err)
			}
			b, err = hex.DecodeString(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		file := read("identity")
		id, err := ParseIdentity(file)
		if err != nil {
			t.Fatalf("version %s: %v", version, err)
		}
		if !bytes.Equal(id.Encode(), file) || id.Card().Name.Text != "Alice Officer" {
			t.Errorf("version %s reads as another", version)
		}
		if _, err := id.Unlock(secret.New(read("secret"))); err != nil {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

// TestPairedInstallation: a device that was made before its member was known
// is held to card, label and user key.
func TestPairedInstallation(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	u, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Lock()
	label, err := NewOpening(officer.TextDevice, "phone")
	if err != nil {
		t.Fatal(err)
	}
	fresh := GenerateSecret()
	d, err := NewDevice(fresh, officer.DeviceInstallation, label.Commitment())
	if err != nil {
		t.Fatal(err)
	}
	paired, err := PairedInstallation(id.Card(), u.FirstUserKey(), d, label)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseIdentity(paired.Encode()); err != nil || again.Device() != d.ID() || again.Member() != id.Member() {
		t.Errorf("not what was encoded: %v", err)
	} else if _, err := again.Unlock(fresh); err != nil {
		t.Error(err)
	}
	other, err := NewOpening(officer.TextDevice, "phone")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PairedInstallation(id.Card(), u.FirstUserKey(), d, other); !errors.Is(err, officer.ErrOpening) {
		t.Errorf("another label: %v", err)
	}
	kit, err := NewDevice(fresh, officer.DevicePaperKit, label.Commitment())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PairedInstallation(id.Card(), u.FirstUserKey(), kit, label); !errors.Is(err, officer.ErrOpening) {
		t.Errorf("a backup: %v", err)
	}
	stranger, _ := newIdentity(t)
	if _, err := PairedInstallation(stranger.Card(), u.FirstUserKey(), d, label); !errors.Is(err, ErrMismatch) {
		t.Errorf("another's card: %v", err)
	}
}
