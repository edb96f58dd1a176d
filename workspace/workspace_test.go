package workspace_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func name(t *testing.T, id string) fieldcrypt.Name {
	t.Helper()
	n, err := fieldcrypt.Record{Connector: "tabular", ID: id}.Name()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func seal(t *testing.T, w *workspace.Workspace, field, value string) string {
	t.Helper()
	k, err := w.WriteKey(t.Context(), field)
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Seal(name(t, "r1"), fieldcrypt.TextValue(value))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// opens tells what somebody reads in a token, or the error.
func opens(t *testing.T, w *workspace.Workspace, token string) (string, error) {
	t.Helper()
	ring, _, err := w.Ring(t.Context())
	if err != nil {
		return "", err
	}
	v, _, err := ring.Open(token, name(t, "r1"))
	return string(v.Data), err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhoReadsWhat is the outcome in small: two members, an outsider, two
// fields, a grant, a revocation, history.
func TestWhoReadsWhat(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Join("eve")
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.NewField(ctx, "ssn"))
	phone1 := seal(t, alice, "phone", "202-224-3441")
	ssn := seal(t, alice, "ssn", "078-05-1120")
	must(t, alice.Grant(ctx, "phone", "bob@example.com", officer.Read))

	bob := f.Open("bob")
	if got, err := opens(t, bob, phone1); err != nil || got != "202-224-3441" {
		t.Errorf("bob reads phone: %q, %v", got, err)
	}
	if got, err := opens(t, bob, ssn); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob reads ssn: %q, %v", got, err)
	}
	if _, err := bob.WriteKey(ctx, "phone"); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("bob may only read, and seals: %v", err)
	}
	if got, err := opens(t, f.Open("eve"), phone1); !errors.Is(err, workspace.ErrNotMember) {
		t.Errorf("eve reads phone: %q, %v", got, err)
	}

	closed, err := alice.Revoke(ctx, "phone", "BOB@example.com")
	if err != nil || closed {
		t.Fatal(closed, err)
	}
	phone2 := seal(t, alice, "phone", "new number")
	if a, b := mustParse(t, phone1).KeyID, mustParse(t, phone2).KeyID; a == b {
		t.Error("the epoch did not change")
	}
	bob = f.Open("bob")
	if got, err := opens(t, bob, phone2); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob reads phone after the revocation: %q, %v", got, err)
	}
	for _, tok := range []string{phone1, phone2} { // history
		if _, err := opens(t, f.Open("alice"), tok); err != nil {
			t.Errorf("alice: %v", err)
		}
	}
	// A later grant comes with the history.
	f.Add("alice", "carol", officer.RoleMember)
	must(t, f.Open("alice").Grant(ctx, "phone", "carol@example.com", officer.Read|officer.Write))
	carol := f.Open("carol")
	for _, tok := range []string{phone1, phone2} {
		if _, err := opens(t, carol, tok); err != nil {
			t.Errorf("carol: %v", err)
		}
	}
	if got := carol.OrganizationName(ctx); got != "Example LLP" {
		t.Errorf("organization %q", got)
	}
	if got := len(carol.Members(ctx)); got != 3 {
		t.Errorf("%d members", got)
	}
}

func mustParse(t *testing.T, token string) fieldcrypt.Token {
	t.Helper()
	tok, err := fieldcrypt.Parse([]byte(token))
	must(t, err)
	return tok
}

// TestCloseByOfficerWithoutKey: an officer who does not hold a field takes it
// from somebody by closing it; a sharer opens the next epoch.
func TestCloseByOfficerWithoutKey(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	dora := f.Open("dora")
	must(t, dora.NewField(ctx, "ssn"))
	must(t, dora.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write))
	old := seal(t, f.Open("bob"), "ssn", "078-05-1120")

	alice := f.Open("alice")
	closed, err := alice.Revoke(ctx, "ssn", "bob@example.com")
	if err != nil || !closed {
		t.Fatal(closed, err)
	}
	if _, err := opens(t, f.Open("alice"), old); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("alice gained a key by removing bob: %v", err)
	}
	// Nobody writes under the closed epoch; the first sharer who wants to
	// write opens the next.
	dora = f.Open("dora")
	if r, err := dora.Field(ctx, "ssn"); err != nil || !r.Epoch().Closed {
		t.Fatalf("ssn is not closed: %v", err)
	}
	fresh := seal(t, dora, "ssn", "new")
	if r, err := dora.Field(ctx, "ssn"); err != nil || r.Epoch().Closed || r.Epoch().Number != 2 {
		t.Errorf("ssn was not opened again: %v", err)
	}
	if mustParse(t, old).KeyID == mustParse(t, fresh).KeyID {
		t.Error("written under the closed epoch")
	}
	for _, tok := range []string{old, fresh} {
		if _, err := opens(t, f.Open("dora"), tok); err != nil {
			t.Errorf("dora: %v", err)
		}
	}
	if _, err := opens(t, f.Open("bob"), fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	bob := f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	for what, err := range map[string]error{
		"second field of a label":   alice.NewField(ctx, "phone"),
		"second member of a card":   alice.AddMember(ctx, bob.Me.Card(), officer.RoleMember),
		"second member of an email": alice.AddMember(ctx, workspacetest.NewPerson(t, "BOB").Me.Card(), officer.RoleMember),
	} {
		if !errors.Is(err, workspace.ErrTaken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"unknown member": alice.Grant(ctx, "phone", "nobody@example.com", officer.Read),
		"unknown field":  alice.Grant(ctx, "fax", "bob@example.com", officer.Read),
	} {
		if !errors.Is(err, workspace.ErrNoSuch) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := alice.Revoke(ctx, "phone", "bob@example.com"); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("revoke of what was not granted: %v", err)
	}
	if err := alice.NewField(ctx, strings.Repeat("x", 2000)); !errors.Is(err, officer.ErrText) {
		t.Errorf("long label: %v", err)
	}
	if err := f.Open("bob").NewField(ctx, "mine"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member makes a field: %v", err)
	}
	if err := f.Open("bob").AddMember(ctx, workspacetest.NewPerson(t, "mallory").Me.Card(), officer.RoleMember); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member adds a member: %v", err)
	}
}

// TestCacheAndPin: the cache serves, and anything that is wrong with it costs
// a replay, never a wrong answer; an altered pin is refused.
func TestCacheAndPin(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	must(t, f.Open("alice").NewField(ctx, "phone"))
	if err := workspace.Rebuilt(f.Open("alice")); err != nil {
		t.Fatalf("the cache did not serve: %v", err)
	}
	home := f.People["alice"].Home
	for i := range home.Files["organization.cache"] {
		if i%97 != 0 {
			continue
		}
		saved := home.Clone()
		home.Files["organization.cache"][i] ^= 1
		w := f.Open("alice")
		if workspace.Rebuilt(w) == nil {
			t.Fatalf("byte %d of the cache altered, and used", i)
		}
		if _, err := w.Field(ctx, "phone"); err != nil {
			t.Fatal(err)
		}
		home.Files = saved.Files
	}
	delete(home.Files, "organization.cache")
	if workspace.Rebuilt(f.Open("alice")) == nil {
		t.Error("no cache, and none missed")
	}
	pin := home.Files["organization.pin"]
	for i := range pin {
		pin[i] ^= 1
		if _, err := f.TryOpen("alice", f.Store); err == nil {
			t.Fatalf("byte %d of the pin altered, and accepted", i)
		}
		pin[i] ^= 1
	}
	f.Open("alice")
}

// TestEveryFault runs each operation against every way in which a store call
// can fail, and then checks that nothing was lost and the operation can be
// done again (attack 51, store writes).
func TestEveryFault(t *testing.T) {
	t.Parallel()
	operations := map[string]func(context.Context, *workspace.Workspace, *workspacetest.Person) error{
		"new field": func(ctx context.Context, w *workspace.Workspace, _ *workspacetest.Person) error {
			return w.NewField(ctx, "fax")
		},
		"add member": func(ctx context.Context, w *workspace.Workspace, carol *workspacetest.Person) error {
			return w.AddMember(ctx, carol.Me.Card(), officer.RoleMember)
		},
		"grant": func(ctx context.Context, w *workspace.Workspace, _ *workspacetest.Person) error {
			return w.Grant(ctx, "phone", "bob@example.com", officer.Read|officer.Write)
		},
		"revoke": func(ctx context.Context, w *workspace.Workspace, _ *workspacetest.Person) error {
			_, err := w.Revoke(ctx, "ssn", "bob@example.com")
			return err
		},
		"rotate": func(ctx context.Context, w *workspace.Workspace, _ *workspacetest.Person) error {
			return w.Rotate(ctx, "ssn")
		},
	}
	for what, operation := range operations {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var f *workspacetest.Firm
			var carol *workspacetest.Person
			var token string
			fresh := func(t *testing.T) store.Store {
				f = workspacetest.NewFirm(t, "alice")
				f.Add("alice", "bob", officer.RoleMember)
				carol = f.Join("carol")
				w := f.Open("alice")
				must(t, w.NewField(t.Context(), "phone"))
				must(t, w.NewField(t.Context(), "ssn"))
				must(t, w.Grant(t.Context(), "ssn", "bob@example.com", officer.Read))
				token = seal(t, w, "ssn", "078-05-1120")
				return f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				ctx := t.Context()
				w, err := f.TryOpen("alice", faulty)
				if err == nil {
					err = operation(ctx, w, carol)
				}
				if fault == nil && err != nil {
					t.Fatal(err)
				}
				if err != nil && !errors.Is(err, storetest.ErrFault) {
					t.Errorf("an error of its own: %v", err)
				}
				// The same device goes on with the store that works.
				again := f.OpenOn("alice", under)
				err = operation(ctx, again, carol)
				if err != nil && !errors.Is(err, workspace.ErrTaken) && !errors.Is(err, workspace.ErrNoSuch) {
					t.Errorf("again: %v", err)
				}
				if got, err := opens(t, f.OpenOn("alice", under), token); err != nil || got != "078-05-1120" {
					t.Errorf("the old value: %q, %v", got, err)
				}
				if _, err := again.VerifyLog(ctx); err != nil {
					t.Error(err)
				}
				if _, err := opens(t, f.OpenOn("alice", under), seal(t, f.OpenOn("alice", under), "ssn", "x")); err != nil {
					t.Errorf("a new value: %v", err)
				}
			})
		})
	}
}

// TestCreateFaults: founding an organization, interrupted at every store call.
func TestCreateFaults(t *testing.T) {
	t.Parallel()
	var id officer.OrganizationID
	var p *workspacetest.Person
	fresh := func(t *testing.T) store.Store {
		p = workspacetest.NewPerson(t, "alice")
		return storetest.NewMemory(officer.OrganizationID{})
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		_, err := workspace.Create(ctx, p.Config(nil), "Example LLP", func(o officer.OrganizationID) (store.Store, error) {
			id = o
			return faulty, nil
		})
		if fault == nil && err != nil {
			t.Fatal(err)
		}
		if err == nil {
			w, err := workspace.Open(ctx, p.Config(under))
			if err != nil || w.OrganizationName(ctx) != "Example LLP" || w.Organization() != id {
				t.Errorf("founded, but: %v", err)
			}
			return
		}
		if !errors.Is(err, storetest.ErrFault) {
			t.Errorf("an error of its own: %v", err)
		}
		// Either nothing is pinned, and another store can be taken; or the
		// organization exists and Open completes it.
		w, err := workspace.Open(ctx, p.Config(under))
		if errors.Is(err, workspace.ErrNoOrganization) {
			return
		}
		must(t, err)
		must(t, w.NewField(ctx, "phone"))
		if _, err := opens(t, w, seal(t, w, "phone", "x")); err != nil {
			t.Error(err)
		}
	})
}
