package plan_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/officer"
)

// However many cores seal, a plan names what it seals in one order: the same
// keys to the same recipients, each that may read and no other.
func TestSealsOnAllCoresInOneOrder(t *testing.T) {
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob, gone := w.add(alice, "bob", officer.RoleMember), w.add(alice, "gone", officer.RoleMember)
	group := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 1, gone: 1})
	for i := range 20 {
		name := fmt.Sprint("field ", i)
		w.create(alice, name, 1)
		p, err := w.author(alice).Grant(w.keys[name], officer.GroupPrincipal(group), officer.Read)
		w.do(alice, p, err)
	}
	sealed := func(cores int) (list []string) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		p, err := w.author(alice).RemoveMember(gone.id(), w.heldBy(alice))
		must(t, err)
		for _, f := range p.Envelopes {
			e, err := envelope.Parse(f.Envelope)
			must(t, err)
			c := e.Claims()
			if c.Recipient.Index() != f.Index {
				t.Error("filed elsewhere")
			}
			if id := gone.id(); string(c.Recipient.ID) == string(id[:]) {
				t.Error("sealed to who is removed")
			}
			list = append(list, fmt.Sprintf("%x %d to %d %x", c.Context.Resource, c.Context.Epoch, c.Recipient.Kind, c.Recipient.ID))
		}
		return list
	}
	one, four := sealed(1), sealed(4)
	if len(one) != len(four) || len(one) < 40 {
		t.Fatalf("%d and %d envelopes", len(one), len(four))
	}
	// The groups' new keys differ from plan to plan, their order does not.
	for i := range one {
		if one[i] != four[i] {
			t.Errorf("%d: %s, then %s", i, one[i], four[i])
		}
	}
}
