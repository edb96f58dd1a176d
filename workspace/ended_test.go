package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestEndField: a field that has ended frees its label and its place, hands out
// nothing, and stays readable for those who read it.
func TestEndField(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	alice := f.Open("alice")
	ended := newFieldAt(t, alice, "SSN", matter("12"), "bob@example.com", "carol@example.com")
	token := sealOf(t, alice, ended.ID, "078-05-1120")
	head := alice.State().Head()
	must(t, alice.EndField(ctx, ended.ID))
	must(t, alice.EndField(ctx, ended.ID)) // and once only
	if got := alice.State().Head().Length; got != head.Length+1 {
		t.Errorf("%d entries for one end", got-head.Length)
	}

	got, err := alice.FieldByID(ctx, ended.ID)
	if err != nil || !got.Ended || got.LabelText != "SSN" {
		t.Errorf("the field is %q, ended %v, %v", got.LabelText, got.Ended, err)
	}
	_, label := alice.Field(ctx, "SSN")
	_, write := alice.WriteKeyOf(ctx, ended.ID)
	_, byLabel := alice.WriteKey(ctx, "SSN")
	for what, err := range map[string]error{
		"found by its label": label, "written": write, "written by its label": byLabel, "rotated": alice.RotateOf(ctx, ended.ID),
		"granted": alice.GrantOf(ctx, ended.ID, "dora@example.com", officer.Read), "granted again": alice.GrantOf(ctx, ended.ID, "bob@example.com", officer.Read|officer.Write),
		"granted by who does not hold it": f.Open("dora").GrantOf(ctx, ended.ID, "dora@example.com", officer.Read),
	} {
		if !errors.Is(err, officer.ErrEnded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := alice.FieldAt(ctx, matter("12")); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("found at its place: %v", err)
	}

	// Another takes label and place, and is the one that is found.
	next := newFieldAt(t, alice, "SSN", matter("12"), "bob@example.com")
	if got, err := alice.Field(ctx, "SSN"); err != nil || got.ID != next.ID {
		t.Errorf("by its label: %v", err)
	}
	if got, err := alice.FieldAt(ctx, matter("12")); err != nil || got.ID != next.ID {
		t.Errorf("at its place: %v", err)
	}
	if list := alice.FieldsAt(ctx, "clio", "us:1234"); len(list) != 2 || !list[0].Ended || list[1].Ended {
		t.Errorf("%d fields at the account", len(list))
	}

	// What was sealed is still read, also by a device that opens the firm now.
	bob := f.Open("bob")
	for _, tok := range []string{token, sealOf(t, bob, next.ID, "x")} {
		if _, err := opens(t, bob, tok); err != nil {
			t.Errorf("bob: %v", err)
		}
	}
	// Until it is taken: by whoever shares it, or by an officer.
	for _, by := range []string{"alice", "dora"} {
		email := map[string]string{"alice": "bob@example.com", "dora": "carol@example.com"}[by]
		if closed, err := f.Open(by).RevokeOf(ctx, ended.ID, email); err != nil || !closed {
			t.Errorf("%s: closed %v, %v", by, closed, err)
		}
	}
	if v, err := opens(t, f.Open("bob"), token); err == nil {
		t.Errorf("bob reads %q after the revocation", v)
	}
	alice = f.Open("alice")
	if v, err := opens(t, alice, token); err != nil || v != "078-05-1120" {
		t.Errorf("alice: %q, %v", v, err)
	}
	if _, err := alice.VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

func TestEndFieldAuthority(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Join("eve")
	alice := f.Open("alice")
	one, two, three := newFieldAt(t, alice, "one", matter("1"), "bob@example.com"), newFieldAt(t, alice, "two", matter("2")), newFieldAt(t, alice, "three", matter("3"))
	must(t, alice.GrantOf(ctx, three.ID, "bob@example.com", officer.Read|officer.Write|officer.Share))
	bob := f.Open("bob")
	for what, c := range map[string]struct{ err, want error }{
		"a writer":     {bob.EndField(ctx, one.ID), officer.ErrAuthority},
		"a stranger":   {f.Open("eve").EndField(ctx, one.ID), workspace.ErrNotMember},
		"no field":     {alice.EndField(ctx, officer.ResourceID{1}), workspace.ErrNoSuch},
		"no directory": {alice.EndField(ctx, alice.State().Directory().ID), workspace.ErrNoSuch},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	must(t, f.Open("dora").EndField(ctx, two.ID)) // an officer who does not hold it
	must(t, bob.EndField(ctx, three.ID))          // a sharer who is no officer, and has to read the log first
	if got, err := f.Open("alice").FieldByID(ctx, one.ID); err != nil || got.Ended {
		t.Errorf("a refused end: %v, %v", got.Ended, err)
	}
}

// TestEndMeetsWork: a field is ended while another client writes. The writer
// goes on until it reads the log, and then is told; nothing it wrote is lost.
func TestEndMeetsWork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	ssn := newFieldAt(t, alice, "SSN", matter("12"), "bob@example.com")
	bob := f.Open("bob")
	must(t, alice.EndField(ctx, ssn.ID))
	late := sealOf(t, bob, ssn.ID, "late")
	must(t, bob.Sync(ctx))
	if _, err := bob.WriteKeyOf(ctx, ssn.ID); !errors.Is(err, officer.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if v, err := opens(t, alice, late); err != nil || v != "late" {
		t.Errorf("what came late: %q, %v", v, err)
	}
}

func TestEndFaults(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	var ssn officer.ResourceID
	fresh := func(t *testing.T) store.Store {
		f = workspacetest.NewFirm(t, "alice")
		ssn = newFieldAt(t, f.Open("alice"), "SSN", matter("12")).ID
		return f.Store
	}
	end := func(ctx context.Context, w *workspace.Workspace) error { return w.EndField(ctx, ssn) }
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			err = end(ctx, w)
		}
		if fault == nil && err != nil {
			t.Fatal(err)
		}
		if err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Errorf("an error of its own: %v", err)
		}
		again := f.OpenOn("alice", under)
		must(t, end(ctx, again))
		if got, err := again.FieldByID(ctx, ssn); err != nil || !got.Ended {
			t.Errorf("ended %v, %v", got.Ended, err)
		}
	})
}
