package plan_test

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// renew makes a member's next user key.
func (w *world) renew(p *person) {
	w.t.Helper()
	pl, err := w.author(p).RenewUserKey(p.userKey)
	w.do(p, pl, err)
	gen := w.state.Member(p.id()).UserKey()
	for _, f := range pl.Envelopes {
		e, err := envelope.Parse(f.Envelope)
		must(w.t, err)
		key, err := e.Open(p.device.Encryption(), ed25519.PublicKey(p.device.Record().Signing), envelope.Info{
			Context: officer.UserKeyContext(w.state.Organization(), p.id(), gen.Generation), Commitment: gen.Commitment,
			Recipient: plan.DeviceRecipient(p.device.Record()), Sender: p.device.ID(),
		})
		if err != nil {
			continue // another device's
		}
		p.older = append(p.older, p.userKey)
		p.userKey, err = keyring.OpenUserKey(key, gen.Public)
		must(w.t, err)
		return
	}
	w.t.Fatal("the new user key is not sealed to its maker")
}

// TestSealMissed: while somebody's key is closed, keys are made anew without
// them. Whoever shares these seals them, and by the log it is done once.
func TestSealMissed(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob, carol := w.add(alice, "bob", officer.RoleMember), w.add(alice, "carol", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	w.create(alice, "case", wire.KindFolder)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 1, carol: 1})
	for _, g := range []struct {
		name string
		to   officer.Principal
	}{{"phone", officer.MemberPrincipal(bob.id())}, {"case", officer.GroupPrincipal(team)}} {
		pl, err := w.author(alice).Grant(w.present(g.name, alice), g.to, officer.Read)
		w.do(alice, pl, err)
	}
	missed := func() (n int) {
		for _, r := range w.state.Resources() {
			n += len(w.state.Missed(r))
		}
		for _, g := range w.state.Groups() {
			n += len(w.state.MissedGroup(g))
		}
		return n
	}
	seal := func(by *person, want int) {
		t.Helper()
		pl, err := w.author(by).SealMissed(w.heldBy(by))
		must(t, err)
		if len(pl.Envelopes) != want || len(pl.Operations) != want {
			t.Fatalf("%d keys are sealed, want %d", len(pl.Envelopes), want)
		}
		if want > 0 {
			w.do(by, pl, nil)
		}
	}
	stolen := w.secondDevice(bob)
	if missed() != 0 {
		t.Fatalf("%d missed, and nothing was removed", missed())
	}
	pl, err := w.author(alice).RemoveDevice(stolen.device.ID(), w.heldBy(alice))
	w.do(alice, pl, err)
	if missed() != 3 { // phone, the directory, the group
		t.Errorf("%d missed", missed())
	}
	seal(alice, 0) // nothing can be sealed to bob yet
	w.renew(bob)
	seal(carol, 2) // reads the directory, is in the group: her word does not count
	seal(carol, 0)
	seal(alice, 3)
	if missed() != 0 {
		t.Errorf("%d still missed", missed())
	}
	seal(alice, 0)
	w.logAndKeysAgree(alice, bob, carol)

	// A group that is changed, and not closed, misses nothing.
	pl, _, err = w.author(alice).Rotate(w.present("case", alice))
	w.do(alice, pl, err)
	pl, _, err = w.author(alice).RotateGroup(w.seed(team, alice))
	w.do(alice, pl, err)
	if missed() != 0 {
		t.Errorf("%d missed by who was there", missed())
	}
}

// TestNobodyToSealAgain: an officer who only reads does not make a key that all
// who share it would miss, since nobody could seal it to them; closed, it is
// opened again by the first of them.
func TestNobodyToSealAgain(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(bob, "case", wire.KindFolder)
	pl, err := w.author(bob).Grant(w.present("case", bob), officer.MemberPrincipal(alice.id()), officer.Read)
	w.do(bob, pl, err)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 5})
	pl, err = w.author(alice).AddToGroup(w.seed(team, alice), alice.id(), officer.Read)
	w.do(alice, pl, err)
	stolen := w.secondDevice(bob)
	pl, err = w.author(alice).RemoveDevice(stolen.device.ID(), w.heldBy(alice))
	w.do(alice, pl, err)
	if !w.resource("case").Epoch().Closed || !w.state.Group(team).Epoch().Closed {
		t.Fatal("made anew for nobody who could hand it on")
	}
	w.renew(bob)
	pl, _, err = w.author(bob).Rotate(w.present("case", bob))
	w.do(bob, pl, err)
	pl, _, err = w.author(bob).RotateGroup(w.seed(team, bob))
	w.do(bob, pl, err)
	if _, err := w.heldBy(alice).Resource(w.resource("case")); errors.Is(err, plan.ErrNoKey) {
		t.Error("alice reads it no more")
	}
}
