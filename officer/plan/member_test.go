package plan_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Who was removed keeps every envelope and every key that they had, and opens
// nothing that follows; the remover gains nothing (attacks 58 and 60).
func TestRemoveMember(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	bob, eve := w.add(alice, "bob", officer.RoleMember), w.add(alice, "eve", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	w.create(alice, "ssn", wire.KindField)
	w.create(eve, "case", wire.KindFolder)
	w.create(eve, "diary", wire.KindFolder)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 1, eve: 5})
	for _, g := range []struct {
		by     *person
		name   string
		to     officer.Principal
		rights officer.Rights
	}{
		{alice, "phone", officer.GroupPrincipal(team), officer.Read | officer.Write},
		{eve, "case", officer.GroupPrincipal(team), officer.Read},
		{alice, "ssn", officer.MemberPrincipal(bob.id()), officer.Read},
	} {
		pl, err := w.author(g.by).Grant(w.present(g.name, g.by), g.to, g.rights)
		w.do(g.by, pl, err)
	}
	stolen := w.secondDevice(eve)
	if lost := plan.Lost(w.state, eve.id()); len(lost) != 1 || lost[0].ID != w.resource("diary").ID {
		t.Errorf("lost: %v", lost)
	}
	ssn := w.resource("ssn").Epoch().Number
	pl, err := w.author(alice).RemoveMember(eve.id(), w.heldBy(alice))
	must(t, err)
	for i := 1; i < len(pl.Operations); i++ {
		short := *pl
		short.Operations = append(slices.Clone(pl.Operations[:i]), pl.Operations[i+1:]...)
		if err := w.try(alice, &short); !errors.Is(err, officer.ErrIncomplete) {
			t.Errorf("without %s: %v", pl.Operations[i].Kind(), err)
		}
	}
	w.do(alice, pl, nil)
	if got := w.resource("ssn").Epoch().Number; got != ssn || len(pl.Operations) != 1+1+4 {
		t.Errorf("the plan touches what eve could not reach: %d operations", len(pl.Operations))
	}
	for _, d := range []*person{eve, stolen} {
		was := w.reader(d, false)
		for name := range w.keys {
			r := w.resource(name)
			if was.keys[r.Epoch().Commitment] != nil && !r.Epoch().Closed {
				t.Errorf("eve opens what follows of %s", name)
			}
		}
	}
	for _, name := range []string{"case", "diary"} { // of the one alice was only in the group, of the other nothing
		if e := w.resource(name).Epoch(); e.Closed == (name == "case") {
			t.Errorf("%s: closed %v", name, e.Closed)
		}
	}
	w.logAndKeysAgree(alice, dora, bob)
	if !w.resource("diary").Orphaned() {
		t.Error("somebody shares the diary")
	}
	if _, err := w.author(alice).RemoveMember(eve.id(), plan.Held{}); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := w.author(alice).Grant(w.present("phone", alice), officer.MemberPrincipal(eve.id()), 1); err == nil {
		t.Error("granted to who was removed")
	}
}

// A group ends with its last member, and what it was granted is renewed.
func TestRemoveLastOfGroup(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora, bob := w.add(alice, "dora", officer.RoleOfficer), w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	solo := w.group(t, dora, "solo", map[*person]officer.Rights{dora: 5})
	pl, err := w.author(alice).Grant(w.present("phone", alice), officer.GroupPrincipal(solo), officer.Read)
	w.do(alice, pl, err)
	pl, err = w.author(alice).RemoveMember(dora.id(), w.heldBy(alice))
	w.do(alice, pl, err)
	if g := w.state.Group(solo); !g.Ended() || len(w.resource("phone").Grants) != 1 || w.resource("phone").Epoch().Number != 2 {
		t.Errorf("the group goes on: %+v", g)
	}
	w.logAndKeysAgree(alice, bob)

	pl, err = w.author(alice).ChangeRole(bob.id(), officer.RoleOfficer, time.Time{})
	w.do(alice, pl, err)
	if w.state.Member(bob.id()).Role != officer.RoleOfficer {
		t.Error("bob is no officer")
	}
	pl, err = w.author(alice).ChangeRole(alice.id(), officer.RoleMember, time.Time{})
	w.do(alice, pl, err)
	pl, err = w.author(bob).ChangeRole(bob.id(), officer.RoleMember, time.Time{})
	must(t, err)
	if err := w.try(bob, pl); !errors.Is(err, officer.ErrLast) {
		t.Errorf("the last officer steps down: %v", err)
	}
	if _, err := w.author(bob).ChangeRole(alice.id(), officer.RoleOfficer, clock()); !errors.Is(err, officer.ErrRole) {
		t.Errorf("an officer who expires: %v", err)
	}
	if _, err := w.author(bob).ChangeRole(dora.id(), officer.RoleOfficer, time.Time{}); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("a role for who was removed: %v", err)
	}
}
