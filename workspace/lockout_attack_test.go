package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// TestAttack62LockedOut: a stolen device whose program asks nobody removes
// itself, and so would know the keys that lock it out; an officer's removes the
// last device of a colleague. The log refuses both.
func TestAttack62LockedOut(t *testing.T) {
	t.Parallel()
	f, _ := firmOfTwo(t)
	restore(t, f, "desk", backUp(t, f, "bob", officer.DevicePaperKit, "kit"))
	bob, alice := f.People["bob"].Me.Keys(), f.People["alice"].Me.Keys()
	for what, d := range map[string]*keyring.Device{"bob's": bob, "alice's": alice} {
		if _, err := f.TryOpen("bob", forged(t, f, d.ID(), d.Sign, &officer.DeviceRemoved{Device: d.ID()})); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrAuthority) {
			t.Errorf("%s removes itself: %v", what, err)
		}
	}
	lonely := f.Add("alice", "carol", officer.RoleMember).Me.Keys().ID()
	if _, err := f.TryOpen("bob", forged(t, f, alice.ID(), alice.Sign, &officer.DeviceRemoved{Device: lonely})); !errors.Is(err, officer.ErrLast) {
		t.Errorf("the last device of a colleague: %v", err)
	}
}
