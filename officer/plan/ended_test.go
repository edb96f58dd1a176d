package plan_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// touches tells whether a plan has an operation on a resource.
func touches(p *plan.Plan, id officer.ResourceID) bool {
	for _, op := range p.Operations {
		switch o := op.(type) {
		case *officer.KeyRotated:
			if o.Resource == id {
				return true
			}
		case *officer.KeyClosed:
			if o.Resource == id {
				return true
			}
		}
	}
	return false
}

// TestEnd: what has ended is not rotated, shared or closed by any plan, and
// devices are removed without it.
func TestEnd(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	w.create(alice, "phone", wire.KindField)
	w.create(alice, "ssn", wire.KindField)
	pl, err := w.author(alice).Grant(w.keys["ssn"], officer.MemberPrincipal(dora.id()), officer.Read)
	w.do(alice, pl, err)
	id := w.resource("ssn").ID
	pl, err = w.author(dora).End(id) // no key is needed
	w.do(dora, pl, err)
	if !w.resource("ssn").Ended || !w.opens("ssn", alice.id(), alice.userKey) {
		t.Error("the end took the key away")
	}

	_, again := w.author(alice).End(id)
	_, _, rotate := w.author(alice).Rotate(w.keys["ssn"])
	_, _, revoke := w.author(alice).Revoke(w.keys["ssn"], officer.MemberPrincipal(dora.id()))
	_, restore := w.author(alice).Restore(id, officer.MemberPrincipal(dora.id()))
	for what, err := range map[string]error{"end": again, "rotate": rotate, "revoke and rotate": revoke, "restore": restore} {
		if !errors.Is(err, officer.ErrEnded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.author(alice).End(officer.ResourceID{1}); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("an unknown resource: %v", err)
	}

	own, other := w.secondDevice(alice), w.secondDevice(dora)
	pl, err = w.author(alice).RemoveDevice(other.device.ID(), plan.Held{Resource: w.held})
	must(t, err)
	if touches(pl, id) {
		t.Error("the removal of a device touches what has ended")
	}
	must(t, w.try(alice, pl))
	pl, err = w.author(alice).RemoveOwnDevice(own.device.ID(), alice.userKey, plan.Held{Resource: func(r *officer.Resource) (*plan.Key, error) {
		if r.ID == id {
			t.Error("the key of what has ended is asked for")
		}
		return w.held(r)
	}})
	must(t, err)
	if touches(pl, id) {
		t.Error("the removal of an own device touches what has ended")
	}
	must(t, w.try(alice, pl))
	pl, err = w.author(alice).CloseRevoke(id, officer.MemberPrincipal(dora.id()))
	w.do(alice, pl, err)
	if w.resource("ssn").Rights(officer.MemberPrincipal(dora.id())) != 0 {
		t.Error("dora still reads it")
	}
}
