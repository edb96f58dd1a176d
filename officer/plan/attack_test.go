package plan_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// TestNoKeyForNobody: whose user key was closed makes no key that they could
// not open tomorrow, and still can take somebody's access.
func TestNoKeyForNobody(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	pl, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(bob.id()), officer.Read)
	w.do(alice, pl, err)
	pl, next, err := w.author(alice).Rotate(w.keys["phone"]) // without a closed key
	w.do(alice, pl, err)
	w.keys["phone"] = next

	lost := w.secondDevice(alice)
	pl, err = w.author(dora).RemoveDevice(lost.device.ID(), plan.Held{Resource: func(r *officer.Resource) (*plan.Key, error) {
		if r.Rights(officer.MemberPrincipal(dora.id())) == 0 {
			return nil, plan.ErrNoKey
		}
		return w.held(r)
	}})
	w.do(dora, pl, err)
	if !w.state.Member(alice.id()).KeyClosed {
		t.Fatal("alice's user key is open")
	}
	if _, _, err := w.author(alice).Rotate(w.keys["phone"]); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("rotate: %v", err)
	}
	if _, _, err := w.author(alice).Revoke(w.keys["phone"], officer.MemberPrincipal(bob.id())); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("revoke: %v", err)
	}
	pl, err = w.author(alice).CloseRevoke(w.resource("phone").ID, officer.MemberPrincipal(bob.id()))
	w.do(alice, pl, err)
	// Removing a device of somebody else closes what alice could not keep.
	stolen := w.secondDevice(dora)
	pl, err = w.author(alice).RemoveDevice(stolen.device.ID(), plan.Held{Resource: w.held})
	must(t, err)
	for _, op := range pl.Operations {
		if op.Kind() == officer.OpKeyRotated {
			t.Error("alice makes a key that she cannot keep")
		}
	}
	must(t, w.try(alice, pl))
}

// TestWithheldKeyDoesNotKeepADevice: the store keeps back the key of one
// resource; the device goes all the same, and the resource is closed.
func TestWithheldKeyDoesNotKeepADevice(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	w.create(alice, "phone", wire.KindField)
	w.create(alice, "ssn", wire.KindField)
	stolen := w.secondDevice(alice)
	id := w.resource("ssn").ID
	pl, err := w.author(alice).RemoveOwnDevice(stolen.device.ID(), alice.userKey, plan.Held{Resource: func(r *officer.Resource) (*plan.Key, error) {
		if r.ID == id {
			return nil, plan.ErrNoKey
		}
		return w.held(r)
	}})
	w.do(alice, pl, err)
	if !w.resource("ssn").Epoch().Closed || w.resource("phone").Epoch().Closed {
		t.Error("what is kept back is closed, the rest is rotated")
	}
}

// TestReseal: who may send already needs no operation, who shares announces
// it, and nobody seals to whom the log does not grant.
func TestReseal(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora, bob := w.add(alice, "dora", officer.RoleOfficer), w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	for id, r := range map[officer.MemberID]officer.Rights{dora.id(): officer.Read | officer.Share, bob.id(): officer.Read} {
		pl, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(id), r)
		w.do(alice, pl, err)
	}
	lose := func() { w.filed = nil }
	for _, p := range []*person{alice, dora} {
		lose()
		pl, err := w.author(p).Reseal(w.keys["phone"], officer.MemberPrincipal(bob.id()))
		must(t, err)
		if len(pl.Envelopes) != 1 || (p == alice) != (len(pl.Operations) == 0) {
			t.Errorf("%d envelopes, %d operations", len(pl.Envelopes), len(pl.Operations))
		}
		if len(pl.Operations) == 0 {
			w.filed = append(w.filed, pl.Envelopes...)
		} else {
			must(t, w.try(p, pl))
		}
		if !w.opens("phone", bob.id(), bob.userKey) {
			t.Error("bob does not open it")
		}
	}
	eve := w.add(alice, "eve", officer.RoleMember)
	pl, err := w.author(dora).Reseal(w.keys["phone"], officer.MemberPrincipal(eve.id()))
	must(t, err)
	if err := w.try(dora, pl); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("to whom nothing is granted: %v", err)
	}
	if slices.ContainsFunc(w.resource("phone").Grants, func(g officer.GrantState) bool { id, _ := g.Principal.Member(); return id == eve.id() }) {
		t.Error("eve is granted")
	}
}

// TestRestore: an officer who reads nothing takes a field from its only sharer
// and gives it to somebody who reads it.
func TestRestore(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora, bob := w.add(alice, "dora", officer.RoleOfficer), w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	pl, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(bob.id()), officer.Read)
	w.do(alice, pl, err)
	id := w.resource("phone").ID
	if _, err := w.author(dora).Restore(id, officer.MemberPrincipal(bob.id())); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("while alice shares it: %v", err)
	}
	pl, err = w.author(dora).CloseRevoke(id, officer.MemberPrincipal(alice.id()))
	w.do(dora, pl, err)
	if _, err := w.author(dora).Restore(id, officer.MemberPrincipal(dora.id())); !errors.Is(err, officer.ErrRights) {
		t.Errorf("to whom nothing is granted: %v", err)
	}
	if _, err := w.author(dora).Restore(officer.ResourceID{}, officer.MemberPrincipal(bob.id())); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("of nothing: %v", err)
	}
	pl, err = w.author(dora).Restore(id, officer.MemberPrincipal(bob.id()))
	w.do(dora, pl, err)
	if len(pl.Envelopes) != 0 || w.resource("phone").Rights(officer.MemberPrincipal(bob.id())) != officer.Read|officer.Share {
		t.Error("bob does not share it, or was sent a key")
	}
	pl, next, err := w.author(bob).Rotate(w.keys["phone"])
	w.do(bob, pl, err)
	if w.resource("phone").Epoch().Commitment != next.Commitment() {
		t.Error("bob did not open the next epoch")
	}
}
