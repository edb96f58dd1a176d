package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// losing takes envelopes and keeps none, as a store that loses them, or whoever
// seals a key to nobody.
type losing struct{ store.Store }

func (losing) PutEnvelope(context.Context, store.Index, []byte) error { return nil }

// TestReaderSealsToWhoShares: the officer who shared the will with bob is gone, its
// key was made while bob's was closed and is closed now. Only carol has it, who may
// read. She seals it to bob, and he goes on.
func TestReaderSealsToWhoShares(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	dora := f.Open("dora")
	must(t, dora.NewField(ctx, "will"))
	must(t, dora.Grant(ctx, "will", "bob@example.com", rws))
	must(t, dora.Grant(ctx, "will", "carol@example.com", officer.Read))
	back := loseLaptop(t, f, "dora", "bob")
	token := seal(t, f.Open("dora"), "will", "to whom it may concern")
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{Loss: true})
	must(t, err)
	back()
	c, err := f.Open("bob").CatchUp(ctx)
	if err != nil || len(c.Missed) != 1 || len(c.Opened) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	waits(t, f.Open("carol"), "field will 2 waits for bob",
		"directory directory 3 missed by bob@example.com, from alice+carol", "field will 2 missed by bob@example.com, from carol")
	for _, m := range f.Open("carol").Pending(ctx).Missed {
		if !m.Mine {
			t.Errorf("%s is not said to be hers", m.Text)
		}
	}
	c, err = f.Open("carol").CatchUp(ctx)
	if err != nil || c.Sealed != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, m := range f.Open("carol").Pending(ctx).Missed {
		if m.Mine {
			t.Errorf("%s is still said to be hers", m.Text)
		}
	}
	if _, err := opens(t, f.Open("bob"), token); err != nil {
		t.Errorf("bob: %v", err)
	}
	c, err = f.Open("bob").CatchUp(ctx)
	if err != nil || len(c.Opened) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	// Carol's word for it that bob has the directory is not taken, alice's is.
	waits(t, f.Open("bob"), "directory directory 3 missed by bob@example.com, from alice+carol")
	_, err = f.Open("alice").CatchUp(ctx)
	must(t, err)
	waits(t, f.Open("bob"))
	again := seal(t, f.Open("bob"), "will", "more")
	for _, tok := range []string{token, again} {
		if _, err := opens(t, f.Open("carol"), tok); err != nil {
			t.Errorf("carol: %v", err)
		}
	}
}

// TestMemberOfAGroupSealsToWhoManagesIt is the same of a group's seed.
func TestMemberOfAGroupSealsToWhoManagesIt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	must(t, f.Open("dora").NewGroup(ctx, "team", []string{"carol@example.com"}))
	must(t, f.Open("dora").AddToGroup(ctx, "team", "bob@example.com", officer.Read|officer.Share))
	must(t, f.Open("alice").NewField(ctx, "will"))
	must(t, f.Open("alice").Grant(ctx, "will", "team", rw))
	back := loseLaptop(t, f, "dora", "bob")
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{Loss: true})
	must(t, err)
	back()
	c, err := f.Open("bob").CatchUp(ctx)
	if err != nil || len(c.MissedGroups) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	c, err = f.Open("carol").CatchUp(ctx)
	if err != nil || c.Sealed != 2 { // the directory too
		t.Fatalf("%+v, %v", c, err)
	}
	c, err = f.Open("bob").CatchUp(ctx)
	if err != nil || len(c.OpenedGroups) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = f.Open("alice").CatchUp(ctx)
	must(t, err)
	token := seal(t, f.Open("alice"), "will", "x")
	for _, who := range []string{"bob", "carol"} {
		if _, err := opens(t, f.Open(who), token); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// TestLiarHelpsNobody: carol says that she sealed the will to bob, and did not. An
// officer is still told that dora's removal loses it, and whoever is asked seals it
// all the same.
func TestLiarHelpsNobody(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	for _, who := range []string{"bob", "carol", "erin"} {
		f.Add("alice", who, officer.RoleMember)
	}
	f.Add("alice", "dora", officer.RoleOfficer)
	dora := f.Open("dora")
	must(t, dora.NewField(ctx, "will"))
	must(t, dora.Grant(ctx, "will", "bob@example.com", rws))
	must(t, dora.Grant(ctx, "will", "carol@example.com", rw))
	back := loseLaptop(t, f, "dora", "bob")
	token := seal(t, f.Open("dora"), "will", "to whom it may concern")
	back()
	c, err := f.OpenOn("carol", losing{f.Store}).CatchUp(ctx)
	if err != nil || c.Sealed == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := opens(t, f.Open("bob"), token); err == nil {
		t.Fatal("bob has it")
	}
	planned, err := f.Open("alice").PlanMemberRemoval(ctx, id(f, "dora"))
	if err != nil || len(planned.Lost) != 1 {
		t.Errorf("lost %v, %v", planned.Lost, err)
	}
	if c, err := f.Open("erin").CatchUp(ctx); err != nil || c.Sealed != 0 {
		t.Errorf("another reader: %+v, %v", c, err)
	}
	if c, err := f.Open("dora").CatchUp(ctx); err != nil || c.Sealed == 0 {
		t.Errorf("who shares it: %+v, %v", c, err)
	}
	if _, err := opens(t, f.Open("bob"), token); err != nil {
		t.Error(err)
	}
}

// TestSealAgain: the store lost what bob was sent, of a field, a group and what the
// group reads, and nothing of that is in the log. Carol, who may only read, seals it
// to him again; guests and those who are granted nothing get nothing.
func TestSealAgain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	for _, who := range []string{"bob", "carol"} {
		f.Add("alice", who, officer.RoleMember)
	}
	f.Add("alice", "erin", officer.RoleMember)
	f.Add("alice", "gina", officer.RoleGuest)
	alice := f.Open("alice")
	for _, l := range []string{"will", "case"} {
		must(t, alice.NewField(ctx, l))
	}
	must(t, alice.NewGroup(ctx, "team", []string{"carol@example.com"}))
	must(t, alice.Grant(ctx, "case", "team", officer.Read))
	must(t, alice.Grant(ctx, "will", "carol@example.com", officer.Read))
	must(t, alice.Grant(ctx, "will", "gina@example.com", officer.Read))
	lost := f.OpenOn("alice", losing{f.Store})
	must(t, lost.Grant(ctx, "will", "bob@example.com", rws))
	must(t, lost.AddToGroup(ctx, "team", "bob@example.com", belongs))
	will, secret := seal(t, alice, "will", "x"), seal(t, alice, "case", "y")
	bob := f.Open("bob")
	if _, err := bob.MissingKey(ctx, "case"); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("who may not share it: %v", err)
	}
	m, err := bob.MissingKey(ctx, "will")
	if err != nil || m.From != 0 || len(m.Holders) != 2 || m.Holders[0].EmailText != "alice@example.com" {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := bob.RotatePast(ctx, m); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("past it without any key: %v", err)
	}
	if n, err := f.Open("erin").SealAgain(ctx, "bob@example.com"); err != nil || n != 1 { // the directory
		t.Errorf("%d, %v", n, err)
	}
	if _, err := f.Open("gina").SealAgain(ctx, "bob@example.com"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("by a guest: %v", err)
	}
	n, err := f.Open("carol").SealAgain(ctx, "bob@example.com")
	if err != nil || n != 4 { // the directory, the will, the group, and the case to the group
		t.Fatalf("%d, %v", n, err)
	}
	for _, tok := range []string{will, secret} {
		if _, err := opens(t, f.Open("bob"), tok); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Open("bob").MissingKey(ctx, "will"); !errors.Is(err, workspace.ErrKeyHeld) {
		t.Error(err)
	}
	length := f.Open("alice").State().Head().Length
	if n, err := f.Open("carol").SealAgain(ctx, "bob@example.com"); err != nil || n != 4 || f.Open("alice").State().Head().Length != length {
		t.Errorf("again, which the log has: %d, %v", n, err)
	}
}

// hostileEpochs: mallory shares the will and manages the team with alice, opens an
// epoch of both, seals it to nobody and writes under it.
func hostileEpochs(t *testing.T) (f *workspacetest.Firm, before, between string) {
	t.Helper()
	ctx := t.Context()
	f = workspacetest.NewFirm(t, "alice")
	f.Add("alice", "mallory", officer.RoleMember)
	f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "will"))
	must(t, alice.NewGroup(ctx, "team", []string{"bob@example.com"}))
	must(t, alice.AddToGroup(ctx, "team", "mallory@example.com", officer.Read|officer.Share))
	must(t, alice.Grant(ctx, "will", "mallory@example.com", rws))
	must(t, alice.Grant(ctx, "will", "team", rw))
	before = seal(t, f.Open("bob"), "will", "before")
	mallory := f.OpenOn("mallory", losing{f.Store})
	must(t, mallory.RotateGroup(ctx, "team"))
	must(t, mallory.Rotate(ctx, "will"))
	return f, before, seal(t, mallory, "will", "between")
}

// TestRotatePast: a sharer who opens an epoch for nobody stops nobody. Alice goes
// on past it, and what was sealed before still opens. What was sealed between is an
// error that says what it is, until somebody who has the key seals it again.
func TestRotatePast(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, before, between := hostileEpochs(t)
	alice := f.Open("alice")
	if _, err := alice.WriteKey(ctx, "will"); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Fatalf("nothing is missing: %v", err)
	}
	list, err := alice.MissingKeys(ctx)
	if err != nil || len(list) != 2 || list[0].Kind != workspace.ThingGroup || list[1].Kind != workspace.ThingField {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, m := range list {
		if m.Epoch != 2 || m.From != 1 || m.Author.EmailText != "mallory@example.com" || m.Holders[0].EmailText != "mallory@example.com" || len(m.Holders) != 2 {
			t.Errorf("%+v", m)
		}
		must(t, alice.RotatePast(ctx, m))
		if err := f.Open("alice").RotatePast(ctx, m); !errors.Is(err, workspace.ErrKeyHeld) {
			t.Errorf("once more: %v", err)
		}
	}
	after := seal(t, f.Open("bob"), "will", "after")
	for _, who := range []string{"alice", "bob", "mallory"} {
		for _, tok := range []string{before, after} {
			if _, err := opens(t, f.Open(who), tok); err != nil {
				t.Errorf("%s: %v", who, err)
			}
		}
	}
	_, owners, err := f.Open("alice").Ring(ctx)
	must(t, err)
	if o, ok := owners.Find(mustParse(t, between).KeyID); !ok || !o.Granted || !errors.Is(o.Err, workspace.ErrPassed) || !errors.Is(o.Err, workspace.ErrKeyMissing) {
		t.Errorf("what was sealed between: %+v", o)
	}
	// Had mallory kept the key, or a colleague, it is not lost.
	mallory := f.Open("mallory")
	if _, err := mallory.SealAgain(ctx, "bob@example.com"); err != nil {
		t.Error(err)
	}
	if _, err := opens(t, f.Open("bob"), between); err == nil {
		t.Error("the envelope to mallory was lost too, and it opens")
	}
}

// TestSealAgainBetween: whoever has the key of an epoch that was gone past seals it
// to the others at last, and nothing is lost.
func TestSealAgainBetween(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "mallory", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "will"))
	must(t, alice.Grant(ctx, "will", "mallory@example.com", rws))
	must(t, alice.Grant(ctx, "will", "carol@example.com", rw))
	carol := id(f, "carol")
	mallory := f.OpenOn("mallory", onlyTo{f.Store, envelope.Recipient{Kind: envelope.ToMember, ID: carol[:]}.Index()})
	must(t, mallory.Rotate(ctx, "will"))
	between := seal(t, f.Open("carol"), "will", "between")
	m, err := f.Open("alice").MissingKey(ctx, "will")
	must(t, err)
	must(t, f.Open("alice").RotatePast(ctx, m))
	if _, err := opens(t, f.Open("alice"), between); err == nil {
		t.Fatal("it opens")
	}
	if n, err := f.Open("carol").SealAgain(ctx, "alice@example.com"); err != nil || n != 3 { // the directory, epochs 3 and 2
		t.Fatalf("%d, %v", n, err)
	}
	if v, err := opens(t, f.Open("alice"), between); err != nil || v != "between" {
		t.Errorf("%q, %v", v, err)
	}
}

// onlyTo keeps what is sealed to one recipient.
type onlyTo struct {
	store.Store
	to store.Index
}

func (s onlyTo) PutEnvelope(ctx context.Context, to store.Index, b []byte) error {
	if to != s.to {
		return nil
	}
	return s.Store.PutEnvelope(ctx, to, b)
}

// TestEveryFaultOfRotatePast: every store call fails once, in every way, and then
// the same device goes on.
func TestEveryFaultOfRotatePast(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	var before string
	fresh := func(t *testing.T) store.Store {
		f, before, _ = hostileEpochs(t)
		return f.Store
	}
	past := func(ctx context.Context, w *workspace.Workspace) error {
		list, err := w.MissingKeys(ctx)
		for _, m := range list {
			if err == nil {
				err = w.RotatePast(ctx, m)
			}
		}
		return err
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			err = past(ctx, w)
		}
		if fault == nil && err != nil || err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
		must(t, past(ctx, f.OpenOn("alice", under)))
		if s := f.OpenOn("alice", under).State(); s.Groups()[0].Epoch().From != 1 {
			t.Error("the group goes on from another epoch")
		}
		after := seal(t, f.OpenOn("bob", under), "will", "after")
		whoOpens(t, f, before, map[string]bool{"alice": true, "bob": true})
		whoOpens(t, f, after, map[string]bool{"alice": true, "bob": true, "mallory": true})
	})
}
