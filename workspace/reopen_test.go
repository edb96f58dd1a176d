package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// appendAs writes an entry of somebody's device.
func appendAs(t *testing.T, f *workspacetest.Firm, p *workspacetest.Person, pl *plan.Plan) {
	t.Helper()
	s := f.Open(p.Name).State()
	e, err := officer.Entry{
		Organization: s.Organization(), Sequence: s.Head().Length, Previous: s.Head().Hash,
		Time: workspacetest.Clock(), Author: p.Me.Keys().ID(), Operations: pl.Operations,
	}.Sign(p.Me.Keys().Sign)
	must(t, err)
	for _, x := range pl.Envelopes {
		must(t, f.Store.PutEnvelope(t.Context(), x.Index, x.Envelope))
	}
	must(t, f.Store.Append(t.Context(), s.Head().Length, e))
}

// TestClosedDirectoryIsOpenedAgain: a member who removes a device of their own
// has to close what they only read, the directory among it. That must not stop
// the organization.
func TestClosedDirectoryIsOpenedAgain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	bob := f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.Grant(ctx, "phone", "bob@example.com", officer.Read))
	token := seal(t, alice, "phone", "202-224-3441")

	laptop, err := keyring.NewDevice(keyring.GenerateSecret(), officer.DeviceInstallation, officer.Hash{1})
	must(t, err)
	author := func() plan.Author {
		return plan.Author{State: f.Open("bob").State(), Device: bob.Me.Keys(), Now: workspacetest.Clock()}
	}
	pl, err := author().AddDevice(bob.Me.Member(), laptop.Record(), plan.Acceptance(f.ID, bob.Me.Member(), laptop), bob.Me.FirstUserKey())
	must(t, err)
	appendAs(t, f, bob, pl)
	pl, err = author().RemoveOwnDevice(laptop.ID(), bob.Me.FirstUserKey(), plan.Held{})
	must(t, err)
	appendAs(t, f, bob, pl)
	if d := f.Open("alice").State().Directory(); !d.Epoch().Closed {
		t.Fatal("the directory is not closed")
	}

	alice = f.Open("alice")
	must(t, alice.NewField(ctx, "fax")) // opens the directory's next epoch
	if d := alice.State().Directory(); d.Epoch().Closed || d.Epoch().Number != 2 {
		t.Error("the directory was not opened again")
	}
	f.Add("alice", "carol", officer.RoleMember)
	must(t, f.Open("alice").Grant(ctx, "phone", "carol@example.com", officer.Read)) // opens phone's
	for _, who := range []string{"alice", "bob", "carol"} {
		w := f.Open(who)
		if got, err := opens(t, w, token); err != nil || got != "202-224-3441" {
			t.Errorf("%s: %q, %v", who, got, err)
		}
		if len(w.Members(ctx)) != 3 || w.Members(ctx)[2].EmailText != "carol@example.com" {
			t.Errorf("%s does not read the directory", who)
		}
	}
	if fresh := seal(t, f.Open("alice"), "phone", "new"); mustParse(t, fresh).KeyID == mustParse(t, token).KeyID {
		t.Error("written under the closed epoch")
	}
}

// TestClose: what was opened is cleared, and opened again when needed.
func TestClose(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	w := f.Open("alice")
	must(t, w.NewField(ctx, "phone"))
	token := seal(t, w, "phone", "x")
	w.Close()
	if _, err := opens(t, w, token); err != nil {
		t.Error(err)
	}
	f.People["alice"].Me.Lock()
	if _, _, err := w.Ring(ctx); err != nil {
		t.Error(err)
	}
	w.Close()
	if got, err := opens(t, w, token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("a closed workspace with a locked identity opens: %q, %v", got, err)
	}
}

// TestLastSharerIsNotIrreplaceable: an officer who does not hold a field takes
// it from its last sharer, and gives share to another reader; a field is not
// taken from its last reader, whose copy of the key is the only one.
func TestLastSharerIsNotIrreplaceable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	dora := f.Open("dora")
	must(t, dora.NewField(ctx, "ssn"))
	if _, err := f.Open("alice").Revoke(ctx, "ssn", "dora@example.com"); !errors.Is(err, officer.ErrLast) {
		t.Errorf("the last reader: %v", err)
	}
	all := officer.Read | officer.Write | officer.Share
	must(t, dora.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write))
	must(t, dora.Grant(ctx, "ssn", "carol@example.com", all))
	token := seal(t, dora, "ssn", "078-05-1120")
	if _, err := f.Open("carol").Revoke(ctx, "ssn", "dora@example.com"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member takes a field from an officer: %v", err)
	}
	for _, who := range []string{"dora", "carol"} {
		if closed, err := f.Open("alice").Revoke(ctx, "ssn", who+"@example.com"); err != nil || !closed {
			t.Fatalf("%s: %v, %v", who, closed, err)
		}
	}
	if r, err := f.Open("alice").Field(ctx, "ssn"); err != nil || !r.Orphaned() {
		t.Fatal("somebody still shares the field")
	}
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", all))
	bob := f.Open("bob")
	if got, err := opens(t, bob, seal(t, bob, "ssn", "new")); err != nil || got != "new" {
		t.Errorf("bob goes on: %q, %v", got, err)
	}
	if got, err := opens(t, bob, token); err != nil || got != "078-05-1120" {
		t.Errorf("bob reads what was: %q, %v", got, err)
	}
	if _, err := opens(t, f.Open("alice"), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("alice gained a key: %v", err)
	}
}
