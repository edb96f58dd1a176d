package plan_test

import (
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

func TestPolicyPlans(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	policy := officer.DefaultPolicy()
	policy.Officers, policy.Recovery = 2, 2
	w.do(alice, w.author(alice).SetPolicy(policy), nil)
	lower := officer.DefaultPolicy()
	if err := w.try(alice, w.author(alice).SetPolicy(lower)); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("the threshold lowered alone: %v", err)
	}
	stale := w.author(dora).Cosign(lower)
	w.create(alice, "phone", wire.KindField)
	if err := w.try(alice, w.author(alice).SetPolicy(lower, stale)); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("lowered by a signature for an earlier place: %v", err)
	}
	w.do(alice, w.author(alice).SetPolicy(lower, w.author(dora).Cosign(lower)), nil)
	if p := w.state.Policy(); p.Recovery != 0 || p.Officers != 1 {
		t.Errorf("policy %+v", p)
	}
}

// An invitation is answered once, and whoever answers it is in the groups that
// it names from the first entry on (attack 14).
func TestAddInvited(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	w.create(alice, "phone", wire.KindField)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5})
	pl, err := w.author(alice).Grant(w.present("phone", alice), officer.GroupPrincipal(team), officer.Read)
	w.do(alice, pl, err)

	bob, carol := newPerson(t, "bob"), newPerson(t, "carol")
	invite, other := officer.Hash{1}, officer.Hash{2}
	pl, err = w.author(alice).AddInvited(bob.u.Card(), officer.RoleMember, time.Time{}, invite, w.present("directory", alice), w.seed(team, alice))
	w.do(alice, pl, err)
	w.logAndKeysAgree(alice, bob)
	if got := w.reader(bob, true).reads((*officer.Resource).Epoch); got != "directory phone" {
		t.Errorf("bob reads %s", got)
	}
	if _, err := w.author(alice).AddInvited(carol.u.Card(), officer.RoleMember, time.Time{}, invite, w.present("directory", alice)); !errors.Is(err, officer.ErrDuplicate) {
		t.Errorf("answered twice: %v", err)
	}
	pl, err = w.author(alice).WithdrawInvitation(other)
	w.do(alice, pl, err)
	if _, err := w.author(alice).WithdrawInvitation(other); !errors.Is(err, officer.ErrDuplicate) {
		t.Errorf("withdrawn twice: %v", err)
	}
	if _, err := w.author(alice).AddInvited(carol.u.Card(), officer.RoleMember, time.Time{}, other, w.present("directory", alice)); !errors.Is(err, officer.ErrDuplicate) {
		t.Errorf("answered after it was withdrawn: %v", err)
	}
}
