package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func matter(id string) officer.Binding {
	return officer.Binding{Connector: "clio", Account: "us:1234", Kind: "matter", ID: id}
}

func newFieldAt(t *testing.T, w *workspace.Workspace, label string, at officer.Binding, to ...string) workspace.FieldInfo {
	t.Helper()
	f, err := w.NewFieldAt(t.Context(), label, at, to)
	must(t, err)
	return f
}

// sealOf seals a value under a field's present key.
func sealOf(t *testing.T, w *workspace.Workspace, field officer.ResourceID, value string) string {
	t.Helper()
	k, err := w.WriteKeyOf(t.Context(), field)
	must(t, err)
	token, err := k.Seal(name(t, "r1"), fieldcrypt.TextValue(value))
	must(t, err)
	return token
}

// TestFieldAtPlace: a field and its grants are one entry of the log, and those
// granted read and write what rests there from then on.
func TestFieldAtPlace(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleGuest)
	f.Add("alice", "dora", officer.RoleMember)
	alice := f.Open("alice")
	before := alice.State().Head().Length
	ssn := newFieldAt(t, alice, "SSN (matter)", matter("12"),
		"BOB@example.com", "carol@example.com", "bob@example.com", "alice@example.com")
	if got := alice.State().Head().Length; got != before+1 {
		t.Errorf("%d entries for one field", got-before)
	}
	entries, err := alice.Entries(ctx)
	must(t, err)
	grants := 0
	for _, op := range entries[len(entries)-1].Operations {
		if op.Kind() == officer.OpGrant {
			grants++
		}
	}
	if grants != 2 {
		t.Errorf("%d grants for two who are named twice, and the maker", grants)
	}
	if ssn.LabelText != "SSN (matter)" || ssn.Binding != matter("12") || ssn.Ended || ssn.Mine != officer.Read|officer.Write|officer.Share {
		t.Errorf("the new field is %q at %v with %v", ssn.LabelText, ssn.Binding, ssn.Mine)
	}
	token := sealOf(t, alice, ssn.ID, "078-05-1120")
	for _, who := range []string{"bob", "carol"} {
		w := f.Open(who)
		got, err := w.FieldAt(ctx, matter("12"))
		if err != nil || got.ID != ssn.ID || got.LabelText != "SSN (matter)" || got.Mine != officer.Read|officer.Write {
			t.Errorf("%s finds %q with %v, %v", who, got.LabelText, got.Mine, err)
		}
		for _, tok := range []string{token, sealOf(t, w, ssn.ID, "078-05-1120")} {
			if v, err := opens(t, w, tok); err != nil || v != "078-05-1120" {
				t.Errorf("%s reads %q, %v", who, v, err)
			}
		}
	}
	// Who is not granted it knows the place, and has no key.
	dora := f.Open("dora")
	if got, err := dora.FieldAt(ctx, matter("12")); err != nil || got.Mine != 0 {
		t.Errorf("dora: %v, %v", got.Mine, err)
	}
	if _, err := dora.WriteKeyOf(ctx, ssn.ID); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("dora writes: %v", err)
	}
	if _, err := opens(t, dora, token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("dora reads: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.NewField(ctx, "fax"))
	here := newFieldAt(t, alice, "SSN", matter("12"))
	other := matter("12")
	other.Kind = "contact"
	newFieldAt(t, alice, "SSN of a contact", other)
	twin := newFieldAt(t, alice, "Settlement", matter("12>99"))
	elsewhere := matter("12")
	elsewhere.Account = "eu:1234"
	newFieldAt(t, alice, "SSN in Europe", elsewhere)

	if got := alice.FieldsAt(ctx, "clio", "us:1234"); len(got) != 3 || got[0].ID != here.ID || got[2].ID != twin.ID {
		t.Errorf("%d fields of the account", len(got))
	}
	if got := alice.FieldsAt(ctx, "clio", "us:12"); len(got) != 0 {
		t.Errorf("%d fields of an account that has none", len(got))
	}
	if got := alice.Fields(ctx); len(got) != 6 {
		t.Errorf("%d fields", len(got))
	}
	if got, err := alice.FieldByID(ctx, twin.ID); err != nil || got.LabelText != "Settlement" {
		t.Errorf("%q, %v", got.LabelText, err)
	}
	_, place := alice.NewFieldAt(ctx, "again", matter("12"), nil)
	_, label := alice.NewFieldAt(ctx, "phone", matter("13"), nil)
	for what, err := range map[string]error{"a place twice": place, "a label twice": label} {
		if !errors.Is(err, workspace.ErrTaken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, none := alice.FieldAt(ctx, matter("14"))
	_, values := alice.FieldAt(ctx, officer.Binding{Connector: "tabular"}) // no place
	_, directory := alice.FieldByID(ctx, alice.State().Directory().ID)
	_, unknown := alice.FieldByID(ctx, officer.ResourceID{1})
	_, write := alice.WriteKeyOf(ctx, officer.ResourceID{1})
	_, revoke := alice.RevokeOf(ctx, officer.ResourceID{1}, "alice@example.com")
	_, reader := alice.NewFieldAt(ctx, "new", matter("15"), []string{"nobody@example.com"})
	for what, err := range map[string]error{
		"no field there": none, "values in files": values, "the directory": directory, "unknown id": unknown, "write": write,
		"grant":  alice.GrantOf(ctx, officer.ResourceID{1}, "alice@example.com", officer.Read),
		"rotate": alice.RotateOf(ctx, officer.ResourceID{1}), "revoke": revoke, "unknown reader": reader,
	} {
		if !errors.Is(err, workspace.ErrNoSuch) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, at := range map[string]officer.Binding{
		"no id": {Connector: "clio", Account: "us:1234", Kind: "matter"}, "no connector": {ID: "12"},
	} {
		if _, err := alice.NewFieldAt(ctx, "new", at, nil); !errors.Is(err, officer.ErrOperation) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := alice.Field(ctx, "new"); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("a field that was refused is there: %v", err)
	}
}

// TestPlaceRace: two officers make the field of one place at once; one of them
// makes it and the other is told, and finds it (attack 52).
func TestPlaceRace(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	alice, dora := f.Open("alice"), f.Open("dora") // both have read the same log
	made := newFieldAt(t, alice, "SSN", matter("12"), "dora@example.com")
	if _, err := dora.NewFieldAt(ctx, "SSN of dora", matter("12"), nil); !errors.Is(err, workspace.ErrTaken) {
		t.Errorf("the second: %v", err)
	}
	if got, err := dora.FieldAt(ctx, matter("12")); err != nil || got.ID != made.ID || got.LabelText != "SSN" {
		t.Errorf("the second finds %q, %v", got.LabelText, err)
	}
}

// TestPlaceFaults makes a field with grants while every store call fails in
// every way: it is there whole or not at all, and a second attempt settles it.
func TestPlaceFaults(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	fresh := func(t *testing.T) store.Store {
		f = workspacetest.NewFirm(t, "alice")
		f.Add("alice", "bob", officer.RoleMember)
		return f.Store
	}
	enable := func(ctx context.Context, w *workspace.Workspace) error {
		_, err := w.NewFieldAt(ctx, "SSN", matter("12"), []string{"bob@example.com"})
		return err
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			err = enable(ctx, w)
		}
		if fault == nil && err != nil {
			t.Fatal(err)
		}
		if err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Errorf("an error of its own: %v", err)
		}
		again := f.OpenOn("alice", under)
		if _, err := again.FieldAt(ctx, matter("12")); errors.Is(err, workspace.ErrNoSuch) {
			must(t, enable(ctx, again))
		}
		bob := f.OpenOn("bob", under)
		got, err := bob.FieldAt(ctx, matter("12"))
		must(t, err)
		for _, w := range []*workspace.Workspace{again, bob} {
			if v, err := opens(t, bob, sealOf(t, w, got.ID, "x")); err != nil || v != "x" {
				t.Errorf("%q, %v", v, err)
			}
		}
	})
}

// TestLongWork: a workspace stays open for hours while others change the log.
// After Sync it writes under the new key, reads what others wrote under it, and
// notices what was taken from it.
func TestLongWork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	alice := f.Open("alice")
	ssn := newFieldAt(t, alice, "SSN", matter("12"), "bob@example.com", "carol@example.com")
	worker := f.Open("bob")
	var tokens []string
	keyIDs := map[fieldcrypt.KeyID]bool{}
	write := func(w *workspace.Workspace) {
		t.Helper()
		token := sealOf(t, w, ssn.ID, "078-05-1120")
		tokens = append(tokens, token)
		keyIDs[mustParse(t, token).KeyID] = true
	}
	write(worker)

	must(t, alice.RotateOf(ctx, ssn.ID))
	write(worker) // has not seen it
	if len(keyIDs) != 1 {
		t.Fatal("the key changed under a worker that did not read the log")
	}
	must(t, worker.Sync(ctx))
	write(worker)
	if len(keyIDs) != 2 {
		t.Fatal("the worker goes on with the old key after it read the log")
	}

	// Somebody is taken out, and the field has another key again.
	closed, err := alice.RevokeOf(ctx, ssn.ID, "carol@example.com")
	if err != nil || closed {
		t.Fatal(closed, err)
	}
	write(alice)
	must(t, worker.Sync(ctx))
	write(worker)
	if len(keyIDs) != 3 {
		t.Fatalf("%d keys after three epochs", len(keyIDs))
	}
	for _, w := range []*workspace.Workspace{worker, alice} {
		for i, token := range tokens {
			if v, err := opens(t, w, token); err != nil || v != "078-05-1120" {
				t.Errorf("token %d: %q, %v", i, v, err)
			}
		}
	}

	// Closed by an officer who does not hold it: the worker stops until a
	// sharer comes by.
	f.Add("alice", "erin", officer.RoleMember)
	must(t, alice.Sync(ctx))
	must(t, alice.GrantOf(ctx, ssn.ID, "erin@example.com", officer.Read))
	if closed, err := f.Open("dora").RevokeOf(ctx, ssn.ID, "erin@example.com"); err != nil || !closed {
		t.Fatal(closed, err)
	}
	must(t, worker.Sync(ctx))
	if _, err := worker.WriteKeyOf(ctx, ssn.ID); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("writes under a closed epoch: %v", err)
	}
	must(t, alice.Sync(ctx))
	write(alice)
	must(t, worker.Sync(ctx))
	write(worker)
	if len(keyIDs) != 4 {
		t.Errorf("%d keys after four epochs", len(keyIDs))
	}

	// What is taken from the worker itself.
	if closed, err := alice.RevokeOf(ctx, ssn.ID, "bob@example.com"); err != nil || closed {
		t.Fatal(closed, err)
	}
	must(t, worker.Sync(ctx))
	if _, err := worker.WriteKeyOf(ctx, ssn.ID); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("writes after the revocation: %v", err)
	}
	if got := worker.Now(); !got.Equal(workspacetest.Clock()) {
		t.Errorf("the clock says %v", got)
	}
}
