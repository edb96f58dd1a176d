package officer_test

import (
	"fmt"
	"testing"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// missedBase: bob shares phone, carol and dave read it, and bob and dave missed
// its present key. Bob manages team with alice, carol is in it; he missed its seed.
func missedBase(t *testing.T) *officertest.Org {
	t.Helper()
	return officertest.New(t, "alice").Do(
		"alice: add bob as member; add carol as member; add dave as member; add greta as guest",
		"alice: create field phone; grant phone to bob rws; grant phone to carol rw; grant phone to dave r; grant phone to greta r",
		"alice: create group team of alice*,bob*,carol",
		"bob: add device bob/laptop", "carol: add device carol/laptop", "dave: add device dave/laptop",
		"alice: remove device dave/laptop; rotate phone",
		"alice: remove device bob/laptop; rotate phone; rotate group team",
		"bob: rotate user bob", "dave: rotate user dave",
	)
}

func helpersOf(o *officertest.Org, who string) []officer.Sender {
	p := o.Person(who).Principal()
	for _, g := range o.Resource("phone").Grants {
		if g.Principal.Kind == p.Kind && string(g.Principal.ID) == string(p.ID) {
			return g.Helpers
		}
	}
	return nil
}

// TestHelpers: who reads seals again. That opens the envelope to the recipient,
// and says nothing of who has the key: that a sharer says.
func TestHelpers(t *testing.T) {
	t.Parallel()
	o := missedBase(t)
	check(t, o,
		refusal{"carol: reseal phone to bob", nil},
		refusal{"carol: reseal phone to greta", nil},
		refusal{"carol: reseal phone@1 to bob", nil},
		refusal{"greta: reseal phone to bob", officer.ErrAuthority},
		refusal{"carol: reseal group team to bob", nil},
		refusal{"dave: reseal group team to bob", officer.ErrAuthority},
		refusal{"carol: reseal group team to dave", officer.ErrUnknown},
		refusal{"alice: revoke phone from carol; rotate phone", nil},
		refusal{"alice: remove device carol/laptop; rotate phone; rotate group team; reseal phone to carol", officer.ErrClosed},
	)
	phone := func() *officer.Resource { return o.Resource("phone") }
	bob, carol := o.Person("bob"), o.Person("carol")
	key := pubkey.Hash(o.State.Member(bob.ID()).UserKey().Public)
	may := func() error {
		return o.State.MayHold(phone().ID, phone().Epoch().Number, bob.ID(), key, carol.Device(officertest.FirstDevice).ID())
	}
	if n := len(o.State.Missed(phone())); n != 2 || may() == nil {
		t.Fatalf("%d missed it; carol may send it: %v", n, may() == nil)
	}
	o.Do("carol: reseal phone to bob", "carol: reseal group team to bob")
	if err := may(); err != nil {
		t.Errorf("carol sealed it again: %v", err)
	}
	if len(o.State.Missed(phone())) != 2 || !phone().Helped(bob.Principal()) || o.State.Opens(bob.ID(), phone()) {
		t.Error("carol's word is taken for it that bob has the key")
	}
	team := o.State.Group(o.GroupID("team"))
	if len(o.State.MissedGroup(team)) != 1 || !team.Helped(bob.ID()) || o.State.OpensGroup(bob.ID(), team) {
		t.Error("carol's word is taken for it that bob has the seed")
	}
	o.Do("bob: reseal phone to bob; reseal group team to bob")
	if len(o.State.Missed(phone())) != 1 || len(o.State.MissedGroup(o.State.Group(team.ID))) != 0 {
		t.Error("bob's own word is not taken")
	}
	o.Do("alice: revoke phone from bob; rotate phone", "alice: grant phone to bob r")
	if len(helpersOf(o, "bob")) != 0 {
		t.Error("helpers outlast the grant")
	}
}

// TestHelpersAreBounded: a flood leaves one device of a member for each epoch,
// the last, and takes nobody else's place.
func TestHelpersAreBounded(t *testing.T) {
	t.Parallel()
	o := missedBase(t).Do("dave: reseal phone to bob")
	epochs := len(o.Resource("phone").Epochs)
	for i := range 5 {
		o.Do(fmt.Sprintf("carol: add device carol/%d", i))
		for e := 1; e <= epochs; e++ {
			line := fmt.Sprintf("carol/%d: reseal phone@%d to bob", i, e)
			o.Do(line, line)
		}
	}
	list := helpersOf(o, "bob")
	if len(list) != epochs+1 {
		t.Errorf("%d helpers of %d epochs", len(list), epochs)
	}
	last, dave := o.State.Member(o.Person("carol").ID()).Devices, o.State.Member(o.Person("dave").ID()).Devices[0]
	for _, x := range list[1:] {
		if x.Device != last[len(last)-1] {
			t.Errorf("epoch %d by %s", x.Epoch, x.Device)
		}
	}
	if list[0].Device != dave {
		t.Error("dave lost his place")
	}
	decoded, err := officer.DecodeCache(o.State.EncodeCache())
	if err != nil || string(decoded.EncodeCache()) != string(o.State.EncodeCache()) {
		t.Errorf("the cache: %v", err)
	}
}

// TestMissedOfClosed: of a closed epoch those who would open the next are told,
// if they cannot, and nobody else.
func TestMissedOfClosed(t *testing.T) {
	t.Parallel()
	o := missedBase(t).Do("alice: close phone", "alice: close group team")
	if list := o.State.Missed(o.Resource("phone")); len(list) != 1 || string(list[0].ID) != string(o.Person("bob").Principal().ID) {
		t.Errorf("%v", list)
	}
	if list := o.State.MissedGroup(o.Group("team")); len(list) != 1 || list[0] != o.Person("bob").ID() {
		t.Errorf("%v", list)
	}
	check(t, o, refusal{"carol: reseal phone to bob; reseal group team to bob", nil})
	o.Do("bob: rotate phone", "bob: rotate group team")
	if len(o.State.Missed(o.Resource("phone")))+len(o.State.MissedGroup(o.Group("team"))) != 0 {
		t.Error("missed by who was there")
	}
}
