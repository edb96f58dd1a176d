package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// TestAttack46EndWithoutTheThreshold: a fresh device whose program does not ask
// for shares ends its recovery with the approvals of fewer officers than it
// takes. It would open nothing by that, but be the member from then on: the log
// refuses it for that reason and no other.
func TestAttack46EndWithoutTheThreshold(t *testing.T) {
	t.Parallel()
	f, _ := recoverable(t)
	id := strand(t, f, "mallory", "olga", "bob")
	mallory := f.People["mallory"].Me.Keys()
	end := &officer.RecoveryFinished{Member: f.People["bob"].Me.Member(), Device: id, Number: 1}
	for n, by := range []string{"", "olga"} {
		if by != "" {
			approve(t, f, id, by)
		}
		if _, err := f.TryOpen("bob", forged(t, f, id, mallory.Sign, end)); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrAuthority) {
			t.Errorf("with %d approvals: %v", n, err)
		}
	}
	// One officer does not count twice.
	olga := f.People["olga"].Me
	share, _ := f.Open("alice").State().Member(end.Member).Enrolment().ShareOf(olga.Member())
	twice := &officer.RecoveryApproved{Member: end.Member, Device: id, Number: 1, Index: share.Index}
	if _, err := f.TryOpen("bob", forged(t, f, olga.Keys().ID(), olga.Keys().Sign, twice)); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("olga approves twice: %v", err)
	}
	approve(t, f, id, "omar") // with all of them it lacks the rest of the entry
	if _, err := f.TryOpen("bob", forged(t, f, id, mallory.Sign, end)); !errors.Is(err, officer.ErrIncomplete) {
		t.Errorf("with two approvals: %v", err)
	}
}
