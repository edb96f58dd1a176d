package plan_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/officer/plan/escrow"
)

// splitting is a person's author who can split keys.
func (w *world) splitting(p *person) plan.Author {
	a := w.author(p)
	a.Escrow = escrow.Shamir{}
	return a
}

// share opens the envelope of an officer's share of the present enrolment.
func (w *world) share(of *officer.Member, holder *person) (uint64, *datakey.Key) {
	w.t.Helper()
	e := of.Enrolment()
	x, ok := e.ShareOf(holder.id())
	if !ok {
		w.t.Fatal("no share")
	}
	for _, f := range w.filed {
		parsed, err := envelope.Parse(f.Envelope)
		must(w.t, err)
		c := parsed.Claims()
		want := envelope.Info{
			Context: officer.ShareContext(w.state.Organization(), of.ID, e.Number, x.Index), Commitment: x.Commitment,
			Recipient: plan.MemberRecipient(holder.id(), holder.userKey.Private.Public()), Sender: e.Author,
		}
		if string(c.Encode()) != string(want.Encode()) || w.state.MayHoldShare(of.ID, e.Number, x.Index, holder.id(), c.Recipient.Key, c.Sender) != nil {
			continue
		}
		signing, _ := w.state.SigningKey(c.Sender)
		key, err := parsed.Open(holder.userKey.Private, signing, want)
		must(w.t, err)
		return x.Index, key
	}
	w.t.Fatal("no envelope with the share")
	return 0, nil
}

// request makes a fresh device ask for somebody, through an officer.
func (w *world) request(by *person, member officer.MemberID) *person {
	w.t.Helper()
	fresh := newPerson(w.t, "fresh")
	record := fresh.device.Record()
	file, err := officer.DecodeRequestFile(officer.RequestFile{
		Organization: w.state.Organization(), Device: record, Label: fresh.u.DeviceLabel(),
		Acceptance: fresh.device.Sign(wire.LabelDevice, officer.RequestPayload(w.state.Organization(), record.Encode())),
	}.Encode())
	must(w.t, err)
	reason, err := keyring.NewOpening(officer.TextReason, "everything burnt")
	must(w.t, err)
	p, err := w.author(by).RequestRecovery(member, file, reason, w.keys["directory"])
	w.do(by, p, err)
	return fresh
}

func (w *world) approve(holder, fresh *person) {
	w.t.Helper()
	r := w.state.Request(fresh.device.ID())
	index, share := w.share(w.state.Member(r.Member), holder)
	p, err := w.author(holder).ApproveRecovery(r, index, share)
	w.do(holder, p, err)
}

// shares are those that the fresh device may accept.
func (w *world) shares(fresh *person) map[uint64]*datakey.Key {
	w.t.Helper()
	r := w.state.Request(fresh.device.ID())
	got := map[uint64]*datakey.Key{}
	for _, f := range w.filed {
		parsed, err := envelope.Parse(f.Envelope)
		must(w.t, err)
		c := parsed.Claims()
		for _, a := range r.Approvals {
			x, _ := w.state.Member(r.Member).Enrolment().Share(a.Index)
			want := envelope.Info{
				Context: officer.ShareContext(w.state.Organization(), r.Member, r.Number, a.Index), Commitment: x.Commitment,
				Recipient: plan.DeviceRecipient(r.Record), Sender: a.By,
			}
			if string(c.Encode()) == string(want.Encode()) && w.state.MayRecover(r.Device, r.Number, a.Index, c.Sender) == nil {
				signing, _ := w.state.SigningKey(c.Sender)
				key, err := parsed.Open(fresh.device.Encryption(), signing, want)
				must(w.t, err)
				got[a.Index] = key
			}
		}
	}
	return got
}

// TestRecover: two of three officers bring a colleague back, who then holds all
// that they held, with every key replaced, and is enrolled again.
func TestRecover(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	olga, omar := w.add(alice, "olga", officer.RoleOfficer), w.add(alice, "omar", officer.RoleOfficer)
	bob := w.add(alice, "bob", officer.RoleMember)
	phone := w.secondDevice(bob)
	w.create(alice, "ssn", wire.KindField)
	grant, err := w.author(alice).Grant(w.keys["ssn"], officer.MemberPrincipal(bob.id()), officer.Read|officer.Write|officer.Share)
	w.do(alice, grant, err)
	holders := []officer.MemberID{alice.id(), olga.id(), omar.id()}

	_, err = w.splitting(bob).Enroll(bob.userKey, 2, holders)
	refusedAs(t, "the default policy", err, plan.ErrThreshold)
	policy := officer.DefaultPolicy()
	policy.Officers, policy.Recovery = 2, 2
	w.do(alice, &plan.Plan{Operations: []officer.Operation{&policy}}, nil)
	_, err = w.author(bob).Enroll(bob.userKey, 2, holders)
	refusedAs(t, "without a way to split", err, plan.ErrNoEscrow)
	for threshold, want := range map[int]error{-1: plan.ErrThreshold, 0: plan.ErrThreshold, 1: plan.ErrThreshold, 2: nil, 3: nil, 4: plan.ErrThreshold} {
		p, err := w.splitting(bob).Enroll(bob.userKey, threshold, holders)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("threshold %d: %v", threshold, err)
		} else if want == nil && threshold == 2 {
			w.do(bob, p, nil)
		}
	}
	// Rotating the user key enrols again, at once.
	next, err := w.splitting(bob).RemoveOwnDevice(phone.device.ID(), bob.userKey, plan.Held{Resource: w.held})
	w.do(bob, next, err)
	if e := w.state.Member(bob.id()).Enrolment(); e == nil || e.Number != 2 || e.Generation != 2 || next.Unenrolled {
		t.Fatalf("after a rotation: %+v", e)
	}

	reopened, key, err := w.author(alice).Rotate(w.keys["directory"]) // bob, who only reads it, had to close it
	w.do(alice, reopened, err)
	w.keys["directory"] = key

	fresh := w.request(olga, bob.id())
	w.approve(olga, fresh)
	r := w.state.Request(fresh.device.ID())
	_, err = plan.OpenEscrow(w.state, r, escrow.Shamir{}, w.shares(fresh))
	refusedAs(t, "one share", err, escrow.ErrThreshold)
	w.approve(omar, fresh)
	cur, err := plan.OpenEscrow(w.state, w.state.Request(fresh.device.ID()), escrow.Shamir{}, w.shares(fresh))
	must(t, err)
	p, err := w.splitting(fresh).FinishRecovery(w.state.Request(fresh.device.ID()), cur, plan.Held{})
	w.do(fresh, p, err)
	m := w.state.Member(bob.id())
	if m.UserKey().Generation != 3 || m.Enrolment() == nil || m.Enrolment().Number != 3 || len(m.Devices) != 3 {
		t.Errorf("afterwards %+v", m)
	}
	for _, id := range m.Devices {
		if d := w.state.Device(id); d.Removed == (id == fresh.device.ID()) {
			t.Errorf("device %s removed: %v", id, d.Removed)
		}
	}
	if !w.resource("ssn").Epoch().Closed { // the shared key was not held, in this test
		t.Error("the field that was in reach was left as it was")
	}
	// Who is no officer any more counts no more.
	w.do(alice, &plan.Plan{Operations: []officer.Operation{&officer.RoleChanged{Member: omar.id(), Role: officer.RoleMember}}}, nil)
	if n := len(w.state.Holders(m.Enrolment())); n != 2 || len(w.state.SharesOf(omar.id())) != 1 {
		t.Errorf("%d officers hold a share", n)
	}
}

func refusedAs(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
