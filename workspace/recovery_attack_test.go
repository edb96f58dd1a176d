package workspace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/officer/plan/escrow"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// forged is the firm's store with one more entry, that claims to be of a device
// and is signed by another.
func forged(t *testing.T, f *workspacetest.Firm, author officer.DeviceID, sign func(string, []byte) []byte, ops ...officer.Operation) store.Store {
	t.Helper()
	s := f.Open("alice").State()
	e, err := officer.Entry{
		Organization: s.Organization(), Sequence: s.Head().Length, Previous: s.Head().Hash, Time: workspacetest.Clock(), Author: author, Operations: ops,
	}.Sign(sign)
	must(t, err)
	return &longer{f.Store, s.Head().Length, e}
}

// sharesOf opens what is sealed to an officer of everybody's shares, with keys
// that they keep for ever.
func sharesOf(t *testing.T, f *workspacetest.Firm, name string) map[officer.MemberID]map[uint64]map[uint64]*datakey.Key {
	t.Helper()
	p, s := f.People[name], f.Open("alice").State()
	id := p.Me.Member()
	list, _, err := f.Store.ListEnvelopes(t.Context(), envelope.Recipient{Kind: envelope.ToMember, ID: id[:]}.Index(), "", 1000)
	must(t, err)
	all := map[officer.MemberID]map[uint64]map[uint64]*datakey.Key{}
	for _, b := range list {
		e, err := envelope.Parse(b)
		must(t, err)
		c := e.Claims()
		if c.Context.Kind != wire.KindShare {
			continue
		}
		sender, _ := s.SigningKey(c.Sender)
		key, err := e.Open(p.Me.FirstUserKey().Private, sender, c)
		must(t, err)
		m, index := officer.MemberID(c.Context.Resource[:32]), uint64(c.Context.Resource[32])
		if all[m] == nil {
			all[m] = map[uint64]map[uint64]*datakey.Key{}
		}
		if all[m][c.Context.Epoch] == nil {
			all[m][c.Context.Epoch] = map[uint64]*datakey.Key{}
		}
		all[m][c.Context.Epoch][index] = key
	}
	return all
}

// openEscrow tries a key on the escrow of an enrolment.
func openEscrow(s *officer.State, m *officer.Member, e officer.Enrolment, raw *secret.Bytes) error {
	key, err := datakey.Open(officer.EscrowContext(s.Organization(), m.ID, e.Number), raw, e.Commitment)
	if err != nil {
		return err
	}
	c := m.UserKeys[e.Generation-1].Commitment
	_, err = key.Unseal(wire.LabelEscrow, e.Sealed, c[:])
	return err
}

// TestAttack2NobodyIsEnrolled: no policy that a store serves enrols anybody, and
// neither does one that officers have set; it takes the member's own signature.
func TestAttack2NobodyIsEnrolled(t *testing.T) {
	t.Parallel()
	f, _ := firmOfTwo(t)
	f.Add("alice", "olga", officer.RoleOfficer)
	f.Add("alice", "omar", officer.RoleOfficer)
	p := officer.DefaultPolicy()
	p.Officers, p.Recovery = 2, 2
	bob, mallory := f.People["bob"].Me, workspacetest.NewPerson(t, "mallory")
	for name, sign := range map[string]func(string, []byte) []byte{"nobody": mallory.Me.Keys().Sign, "a member": bob.Keys().Sign} {
		author := f.People["alice"].Me.Keys().ID()
		if name == "a member" {
			author = bob.Keys().ID()
		}
		if _, err := f.TryOpen("bob", forged(t, f, author, sign, &p)); !errors.Is(err, workspace.ErrLog) {
			t.Errorf("a policy signed by %s: %v", name, err)
		}
	}
	alice := f.Open("alice")
	must(t, alice.SetPolicy(t.Context(), alice.Policy(), p))
	if w := f.Open("bob"); w.Me().Enrolment() != nil || !w.RecoveryDue() {
		t.Error("a policy has enrolled somebody")
	}
	// Not even an officer enrols somebody else.
	key, parts, err := escrow.Shamir{}.Split(2, 2)
	must(t, err)
	escrowKey, err := datakey.New(officer.EscrowContext(f.ID, bob.Member(), 1), key)
	must(t, err)
	op := &officer.RecoveryEnrolled{Member: bob.Member(), Number: 1, Threshold: 2, Commitment: escrowKey.Commitment(), Generation: 1, Sealed: make([]byte, 72)}
	for i, name := range []string{"alice", "olga"} {
		share, err := datakey.New(officer.ShareContext(f.ID, bob.Member(), 1, uint64(i+1)), parts[i])
		must(t, err)
		op.Shares = append(op.Shares, officer.ShareOwner{Officer: f.People[name].Me.Member(), Index: uint64(i + 1), Commitment: share.Commitment()})
	}
	a := f.People["alice"].Me.Keys()
	if _, err := f.TryOpen("bob", forged(t, f, a.ID(), a.Sign, op)); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("enrolled by an officer: %v", err)
	}
	_, err = f.Open("bob").EnrollRecovery(t.Context(), 0, nil)
	must(t, err)
}

// TestAttack3SwappedRecoveryKey: while Bob replaces his key, the store shows him
// another key of an officer, to which the next share would go. He seals to what
// the log says, or not at all.
func TestAttack3SwappedRecoveryKey(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	restore(t, f, "desk", c)
	desk := f.People["desk"].Me.Keys().ID()
	omar, mallory := f.People["omar"].Me, workspacetest.NewPerson(t, "mallory")
	next, err := datakey.Generate(officer.UserKeyContext(f.ID, omar.Member(), 2))
	must(t, err)
	private, err := envelope.NewPrivateKey(next.Raw())
	must(t, err)
	previous, err := next.SealPrevious(mallory.Me.FirstUserKey().Key)
	must(t, err)
	swap := &officer.UserKeyRotated{Member: omar.Member(), Generation: 2, Public: private.Public(), Commitment: next.Commitment(), Previous: previous}
	for name, author := range map[string]officer.DeviceID{"in omar's name": omar.Keys().ID(), "in their own": mallory.Me.Keys().ID()} {
		w := f.Open("bob")
		before := w.State().Head()
		f2 := forged(t, f, author, mallory.Me.Keys().Sign, swap)
		if _, err := f.TryOpen("bob", f2); !errors.Is(err, workspace.ErrLog) {
			t.Errorf("%s: %v", name, err)
		}
		if got := f.Open("bob").State().Head(); got != before {
			t.Errorf("%s: the log went on", name)
		}
	}
	_, err = f.Open("bob").RemoveDevice(ctx, desk)
	must(t, err)
	e := f.Open("bob").Me().Enrolment()
	if e == nil || e.Number != 2 {
		t.Fatalf("the rotation did not enrol again: %+v", e)
	}
	shares := sharesOf(t, f, "omar")[f.People["bob"].Me.Member()][2]
	if len(shares) != 1 {
		t.Errorf("omar has %d shares under the key that the log names", len(shares))
	}
}

// TestAttack46OnlyAThresholdRecovers: somebody who reads Bob's mail asks in his
// name. One officer believes it; nothing comes of that, and the operator cannot
// make up the approval of another.
func TestAttack46OnlyAThresholdRecovers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := recoverable(t)
	id := strand(t, f, "mallory", "olga", "bob")
	approve(t, f, id, "olga")
	var short *workspace.ThresholdError
	if _, err := f.Open("mallory").FinishRecovery(ctx); !errors.As(err, &short) || short.Have != 1 || short.Need != 2 || len(short.Wrong) != 0 {
		t.Fatalf("with one share: %v", err)
	}
	omar, mallory := f.People["omar"].Me, f.People["mallory"].Me
	e := f.Open("alice").State().Member(f.People["bob"].Me.Member()).Enrolment()
	share, _ := e.ShareOf(omar.Member())
	op := &officer.RecoveryApproved{Member: f.People["bob"].Me.Member(), Device: id, Number: 1, Index: share.Index}
	finished := &officer.RecoveryFinished{Member: op.Member, Device: id, Number: 1}
	for name, st := range map[string]store.Store{
		"an approval in omar's name": forged(t, f, omar.Keys().ID(), mallory.Keys().Sign, op),
		"a second one of olga's":     forged(t, f, f.People["olga"].Me.Keys().ID(), f.People["olga"].Me.Keys().Sign, op),
		"one by the device itself":   forged(t, f, id, mallory.Keys().Sign, op),
		"the end without it":         forged(t, f, id, mallory.Keys().Sign, finished),
	} {
		if _, err := f.TryOpen("mallory", st); !errors.Is(err, workspace.ErrLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v, err := opens(t, f.Open("bob"), token); err != nil || v != "078-05-1120" {
		t.Errorf("bob lost what he had: %q, %v", v, err)
	}
	// The same with two who have called Bob, and the device is his.
	approve(t, f, id, "omar")
	_, err := finish(t, f, "mallory", f.Store)
	must(t, err)
}

// lie is an officer's share as the device of a dishonest officer sends it: a
// random one, announced in the log.
func lie(t *testing.T, f *workspacetest.Firm, name string, id officer.DeviceID) {
	t.Helper()
	s, me := f.Open("alice").State(), f.People[name].Me
	r := s.Request(id)
	owner, _ := s.Member(r.Member).Enrolment().ShareOf(me.Member())
	wrong, err := datakey.Generate(officer.ShareContext(f.ID, r.Member, r.Number, owner.Index))
	must(t, err)
	to := plan.DeviceRecipient(r.Record)
	b, err := envelope.Seal(wrong, to, r.Record.Encryption, me.Keys())
	must(t, err)
	must(t, f.Store.PutEnvelope(t.Context(), to.Index(), b))
	e, err := officer.Entry{
		Organization: f.ID, Sequence: s.Head().Length, Previous: s.Head().Hash, Time: workspacetest.Clock(), Author: me.Keys().ID(),
		Operations: []officer.Operation{&officer.RecoveryApproved{Member: r.Member, Device: id, Number: r.Number, Index: owner.Index}},
	}.Sign(me.Keys().Sign)
	must(t, err)
	must(t, f.Store.Append(t.Context(), s.Head().Length, e))
}

// TestAttack47WrongShare: fewer shares than the threshold recover nothing, a
// wrong one among them neither, and its officer is named; whoever only forges
// one frames nobody.
func TestAttack47WrongShare(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := recoverable(t)
	id := strand(t, f, "fresh", "alice", "bob")
	var short *workspace.ThresholdError
	if _, err := f.Open("fresh").FinishRecovery(ctx); !errors.As(err, &short) || short.Have != 0 {
		t.Fatalf("without a share: %v", err)
	}
	lie(t, f, "olga", id)
	approve(t, f, id, "alice")
	head := f.Open("alice").State().Head()
	_, err := f.Open("fresh").FinishRecovery(ctx)
	if !errors.As(err, &short) || !errors.Is(err, workspace.ErrWrongShare) || short.Have != 1 || len(short.Wrong) != 1 || short.Wrong[0].Officer != f.People["olga"].Me.Member() {
		t.Fatalf("with a wrong share: %v", err)
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was done all the same")
	}
	// The operator signs a share in omar's name, whose own it keeps back.
	approve(t, f, id, "omar")
	s := f.Open("alice").State()
	r := s.Request(id)
	owner, _ := s.Member(r.Member).Enrolment().ShareOf(f.People["omar"].Me.Member())
	junk, err := datakey.Generate(officer.ShareContext(f.ID, r.Member, r.Number, owner.Index))
	must(t, err)
	forgery, err := envelope.Seal(junk, plan.DeviceRecipient(r.Record), r.Record.Encryption, disguised{f.People["omar"].Me.Keys().ID(), workspacetest.NewPerson(t, "mallory").Me.Keys()})
	must(t, err)
	st := &replacing{f.Store, plan.DeviceRecipient(r.Record).Index(), f.People["omar"].Me.Keys().ID(), forgery}
	_, err = f.OpenOn("fresh", st).FinishRecovery(ctx)
	if !errors.As(err, &short) || len(short.Wrong) != 1 || len(short.Missing) != 1 || short.Missing[0].Officer != f.People["omar"].Me.Member() {
		t.Fatalf("with a forged share: %v", err)
	}
	got, err := finish(t, f, "fresh", f.Store)
	must(t, err)
	if len(got.Wrong) != 1 || got.Wrong[0].Officer != f.People["olga"].Me.Member() {
		t.Errorf("the wrong share is not named afterwards: %v", got.Wrong)
	}
	if v, err := opens(t, f.Open("fresh"), token); err != nil || v != "078-05-1120" {
		t.Errorf("%q, %v", v, err)
	}
}

// disguised signs with one device's key in the name of another.
type disguised struct {
	id   officer.DeviceID
	real envelope.Signer
}

func (d disguised) ID() officer.DeviceID                     { return d.id }
func (d disguised) Sign(label string, payload []byte) []byte { return d.real.Sign(label, payload) }

// replacing is a store that shows another envelope in the place of those that
// one device has sent to one recipient.
type replacing struct {
	store.Store
	index store.Index
	from  officer.DeviceID
	by    []byte
}

func (r *replacing) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	list, next, err := r.Store.ListEnvelopes(ctx, to, cursor, limit)
	for i, b := range list {
		if e, parseErr := envelope.Parse(b); to == r.index && parseErr == nil && e.Claims().Sender == r.from {
			list[i] = r.by
		}
	}
	return list, next, err
}

// TestAttack62RequestedRecovery: a request in somebody's name is told to them
// and to every officer, and ended by whoever has lost nothing.
func TestAttack62RequestedRecovery(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := recoverable(t)
	id := strand(t, f, "mallory", "olga", "bob")
	approve(t, f, id, "olga", "omar") // whom somebody has deceived
	for _, who := range []string{"bob", "alice", "olga", "omar"} {
		list, err := f.Open(who).Alarms(ctx, time.Time{})
		if err != nil || len(list) != 1 || list[0].Requested != id || list[0].By != f.People["olga"].Me.Keys().ID() {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
	}
	_, err := f.Open("bob").EnrollRecovery(ctx, 0, nil)
	must(t, err)
	if _, err := f.Open("mallory").FinishRecovery(ctx); !errors.Is(err, workspace.ErrRequestEnded) {
		t.Errorf("after Bob has ended it: %v", err)
	}
	if v, err := opens(t, f.Open("bob"), token); err != nil || v != "078-05-1120" {
		t.Errorf("%q, %v", v, err)
	}
	// What mallory was sent opens the escrow, and with it no key of today.
	olga, omar := sharesOf(t, f, "olga"), sharesOf(t, f, "omar")
	bob := f.People["bob"].Me.Member()
	sent := map[uint64]*secret.Bytes{}
	for _, shares := range []map[uint64]*datakey.Key{olga[bob][1], omar[bob][1]} {
		for index, key := range shares {
			sent[index] = key.Raw()
		}
	}
	key, err := escrow.Shamir{}.Join(2, sent)
	must(t, err)
	s := f.Open("alice").State()
	must(t, openEscrow(s, s.Member(bob), s.Member(bob).Enrolments[0], key))
	if e := s.Member(bob).Enrolments[0]; e.Generation == s.Member(bob).UserKey().Generation {
		t.Error("whoever has the shares of an enrolment that has ended has the present user key")
	}
	// The same where nobody looks: a request with its approvals goes through.
	second := strand(t, f, "second", "olga", "bob")
	approve(t, f, second, "olga", "omar")
	_, err = finish(t, f, "second", f.Store)
	must(t, err)
}

// TestAttack67OneEscrowOnce: who helped Bob, and has all that his recovery
// brought to light, opens neither what Bob has from then on nor Carol's escrow.
func TestAttack67OneEscrowOnce(t *testing.T) {
	t.Parallel()
	f, token := recoverable(t)
	f.Add("alice", "carol", officer.RoleMember)
	_, err := f.Open("carol").EnrollRecovery(t.Context(), 0, nil)
	must(t, err)
	bob, carol := f.People["bob"].Me.Member(), f.People["carol"].Me.Member()
	id := strand(t, f, "fresh", "olga", "bob")
	approve(t, f, id, "olga", "omar")
	// Olga keeps everything, and learns what omar sent besides.
	olga, omar := sharesOf(t, f, "olga"), sharesOf(t, f, "omar")
	first := map[uint64]*secret.Bytes{}
	for _, shares := range []map[uint64]*datakey.Key{olga[bob][1], omar[bob][1]} {
		for index, key := range shares {
			first[index] = key.Raw()
		}
	}
	key, err := escrow.Shamir{}.Join(2, first)
	must(t, err)
	s := f.Open("alice").State()
	must(t, openEscrow(s, s.Member(bob), s.Member(bob).Enrolments[0], key)) // so it was opened

	_, err = finish(t, f, "fresh", f.Store)
	must(t, err)
	s = f.Open("alice").State()
	olga = sharesOf(t, f, "olga")
	for what, c := range map[string]struct {
		m    officer.MemberID
		e    int
		with map[uint64]*secret.Bytes
	}{
		"Bob's next escrow, with the key of the one before": {bob, 1, first},
		"Carol's, with the key of Bob's":                    {carol, 0, first},
		"Bob's next, with one share of it":                  {bob, 1, one(olga[bob][2], first)},
		"Carol's, with one share of it":                     {carol, 0, one(olga[carol][1], first)},
	} {
		raw, err := escrow.Shamir{}.Join(2, c.with)
		must(t, err)
		if err := openEscrow(s, s.Member(c.m), s.Member(c.m).Enrolments[c.e], raw); !errors.Is(err, datakey.ErrCommitment) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s.Member(bob).UserKey().Generation != 2 || s.Member(bob).Enrolment().Number != 2 {
		t.Error("key and escrow were not replaced")
	}
	if v, err := opens(t, f.Open("fresh"), token); err != nil || v != "078-05-1120" {
		t.Errorf("%q, %v", v, err)
	}
}

// one is a share with another of an earlier escrow in the place of those that
// are missing.
func one(share map[uint64]*datakey.Key, rest map[uint64]*secret.Bytes) map[uint64]*secret.Bytes {
	out := map[uint64]*secret.Bytes{}
	for index, raw := range rest {
		out[index] = raw
	}
	for index, key := range share {
		out[index] = key.Raw()
	}
	return out
}
