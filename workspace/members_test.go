package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

const (
	rw  = officer.Read | officer.Write
	rws = rw | officer.Share
)

// firmOfGroups has officers alice and dora, members bob, carol and erin. Bob
// reads ssn by his own grant, case through the group team of alice's, and shares
// will, which is dora's and not alice's.
func firmOfGroups(t *testing.T) *workspacetest.Firm {
	t.Helper()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	for _, who := range []string{"bob", "carol", "erin"} {
		f.Add("alice", who, officer.RoleMember)
	}
	w := f.Open("alice")
	for _, l := range []string{"ssn", "case"} {
		must(t, w.NewField(ctx, l))
	}
	must(t, w.Grant(ctx, "ssn", "bob@example.com", rw))
	must(t, w.Grant(ctx, "ssn", "carol@example.com", rw))
	must(t, w.NewGroup(ctx, "team", []string{"bob@example.com", "carol@example.com"}))
	must(t, w.Grant(ctx, "case", "team", rw))
	d := f.Open("dora")
	must(t, d.NewField(ctx, "will"))
	must(t, d.Grant(ctx, "will", "bob@example.com", rws))
	must(t, d.Grant(ctx, "will", "carol@example.com", rw))
	return f
}

func id(f *workspacetest.Firm, who string) officer.MemberID { return f.People[who].Me.Member() }

// TestRemoveMember: the plan says what then happens, and everybody who stays
// goes on.
func TestRemoveMember(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := firmOfGroups(t)
	backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	old := map[string]string{}
	for _, l := range []string{"ssn", "case", "will"} {
		old[l] = seal(t, f.Open("bob"), l, "old")
	}
	alice := f.Open("alice")
	before := alice.State().Head()
	planned, err := alice.PlanMemberRemoval(ctx, id(f, "bob"))
	must(t, err)
	if f.Open("alice").State().Head() != before {
		t.Fatal("a plan was carried out")
	}
	done, err := alice.RemoveMember(ctx, id(f, "bob"), workspace.Consent{})
	must(t, err)
	for what, r := range map[string]workspace.MemberRemoval{"planned": planned, "done": done} {
		// The directory, ssn and case; will is dora's.
		if len(r.Rotated) != 3 || len(r.Closed) != 1 || len(r.RotatedGroups) != 1 || len(r.Devices) != 2 || len(r.Lost) != 0 || r.Envelopes == 0 {
			t.Errorf("%s: %+v", what, r)
			continue
		}
		if o := r.Openers[r.Closed[0]]; len(o) != 1 || o[0] != id(f, "dora") {
			t.Errorf("%s: will waits for %v", what, o)
		}
	}
	if n := alice.State().Head().Length - before.Length; n != 1 {
		t.Errorf("%d entries", n)
	}
	if _, err := f.Open("alice").RemoveMember(ctx, id(f, "bob"), workspace.Consent{}); !errors.Is(err, workspace.ErrMemberRemoved) {
		t.Errorf("twice: %v", err)
	}
	for l, writer := range map[string]string{"ssn": "alice", "case": "carol", "will": "dora"} {
		fresh := seal(t, f.Open(writer), l, "new")
		for _, tok := range []string{old[l], fresh} {
			if _, err := opens(t, f.Open("carol"), tok); err != nil {
				t.Errorf("carol, %s: %v", l, err)
			}
		}
		if mustParse(t, old[l]).KeyID == mustParse(t, fresh).KeyID {
			t.Errorf("%s: written under the key that bob had", l)
		}
		if _, err := opens(t, f.Open("bob"), fresh); !errors.Is(err, workspace.ErrRemoved) {
			t.Errorf("bob, %s: %v", l, err)
		}
	}
	if _, err := opens(t, f.Open("alice"), old["will"]); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("alice gained a key: %v", err)
	}
	// Who comes back makes a new card, with the same email.
	again := workspacetest.NewPerson(t, "bob")
	f.People["bob again"] = again
	_, err = workspace.Join(ctx, again.Config(f.Store), f.ID)
	must(t, err)
	must(t, f.Open("alice").AddMember(ctx, again.Me.Card(), officer.RoleMember))
	m, err := f.Open("alice").MemberWas(ctx, "bob@example.com")
	if err != nil || m.ID != again.Me.Member() {
		t.Errorf("who bob is now: %v, %v", m.ID, err)
	}
}

// TestRemovalRefused: nothing is changed, and the error says why.
func TestRemovalRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "gone", officer.RoleMember)
	f.Join("eve")
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "gone"), workspace.Consent{})
	must(t, err)
	p := f.Open("alice").Policy()
	two := p
	two.Officers = 2
	must(t, f.Open("alice").SetPolicy(ctx, p, two))
	must(t, f.Open("dora").NewField(ctx, "only dora's"))
	head := f.Open("alice").State().Head()
	for what, c := range map[string]struct {
		by   string
		who  officer.MemberID
		want error
	}{
		"by a member":           {"bob", id(f, "dora"), officer.ErrAuthority},
		"by a stranger":         {"eve", id(f, "bob"), workspace.ErrNotMember},
		"by one who is gone":    {"gone", id(f, "bob"), workspace.ErrRemoved},
		"oneself":               {"alice", id(f, "alice"), workspace.ErrSelf},
		"nobody":                {"alice", officer.MemberID{1}, workspace.ErrNoSuch},
		"one who joined":        {"alice", id(f, "eve"), workspace.ErrNoSuch},
		"removed already":       {"alice", id(f, "gone"), workspace.ErrMemberRemoved},
		"fewer than the policy": {"alice", id(f, "dora"), workspace.ErrOfficers},
	} {
		if _, err := f.Open(c.by).PlanMemberRemoval(ctx, c.who); !errors.Is(err, c.want) {
			t.Errorf("%s, planned: %v", what, err)
		}
		if _, err := f.Open(c.by).RemoveMember(ctx, c.who, workspace.Consent{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	must(t, f.Open("alice").SetPolicy(ctx, two, p))
	if _, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{}); !errors.Is(err, workspace.ErrLoss) {
		t.Errorf("what dora alone reads: %v", err)
	}
	r, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{Loss: true})
	if err != nil || len(r.Lost) != 1 || len(r.Closed) != 1 || len(r.Openers[r.Closed[0]]) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := f.Open("alice").Grant(ctx, "only dora's", "gone@example.com", officer.Read); !errors.Is(err, workspace.ErrNoSuch) && !errors.Is(err, workspace.ErrMemberRemoved) {
		t.Errorf("granted to who is gone: %v", err)
	}
}

// TestLargeRemoval rides outside its entry, and what it reports is what it did.
func TestLargeRemoval(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const fields = 150
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	w := f.Open("alice")
	for i := range fields {
		l := fmt.Sprint("field ", i)
		must(t, w.NewField(ctx, l))
		must(t, w.Grant(ctx, l, "bob@example.com", officer.Read))
	}
	head := w.State().Head()
	r, err := w.RemoveMember(ctx, id(f, "bob"), workspace.Consent{})
	if err != nil || len(r.Rotated) != fields+1 || r.Envelopes != fields+1 {
		t.Errorf("%d rotated, %d envelopes, %v", len(r.Rotated), r.Envelopes, err)
	}
	if n := w.State().Head().Length - head.Length; n != 1 {
		t.Errorf("%d entries", n)
	}
	if _, err := f.Open("alice").VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

// TestAttack51RemovalFaults interrupts a removal, a change of role and a policy
// at every call of the store: nothing half-done shows, and the same device
// completes it.
func TestAttack51RemovalFaults(t *testing.T) {
	t.Parallel()
	done := map[string]func(*workspace.Workspace, officer.MemberID) bool{
		"remove": func(w *workspace.Workspace, bob officer.MemberID) bool { return w.State().Member(bob).Removed },
		"role": func(w *workspace.Workspace, bob officer.MemberID) bool {
			return w.State().Member(bob).Role == officer.RoleOfficer
		},
		"policy": func(w *workspace.Workspace, _ officer.MemberID) bool { return w.Policy().Groups == officer.RoleMember },
	}
	for what, operation := range map[string]func(context.Context, *workspace.Workspace, officer.MemberID) error{
		"remove": func(ctx context.Context, w *workspace.Workspace, bob officer.MemberID) error {
			_, err := w.RemoveMember(ctx, bob, workspace.Consent{})
			return err
		},
		"role": func(ctx context.Context, w *workspace.Workspace, bob officer.MemberID) error {
			return w.ChangeRole(ctx, bob, officer.RoleOfficer, noDay, workspace.Consent{})
		},
		"policy": func(ctx context.Context, w *workspace.Workspace, _ officer.MemberID) error {
			next := officer.DefaultPolicy()
			next.Groups = officer.RoleMember
			return w.SetPolicy(ctx, officer.DefaultPolicy(), next)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var f *workspacetest.Firm
			var token string
			fresh := func(t *testing.T) store.Store {
				f = workspacetest.NewFirm(t, "alice")
				f.Add("alice", "bob", officer.RoleMember)
				f.Add("alice", "carol", officer.RoleMember)
				w := f.Open("alice")
				must(t, w.NewField(t.Context(), "ssn"))
				must(t, w.NewGroup(t.Context(), "team", []string{"bob@example.com", "carol@example.com"}))
				must(t, w.Grant(t.Context(), "ssn", "team", rw))
				token = seal(t, w, "ssn", "078-05-1120")
				return f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				ctx := t.Context()
				w, err := f.TryOpen("alice", faulty)
				if err == nil {
					err = operation(ctx, w, id(f, "bob"))
				}
				if fault == nil && err != nil {
					t.Fatal(err)
				}
				if err != nil && !errors.Is(err, storetest.ErrFault) {
					t.Errorf("an error of its own: %v", err)
				}
				// All of it or nothing, for everybody.
				carol := f.OpenOn("carol", under)
				if got, err := opens(t, carol, token); err != nil || got != "078-05-1120" {
					t.Errorf("carol: %q, %v", got, err)
				}
				if err == nil && !done[what](carol, id(f, "bob")) {
					t.Error("done, and not there")
				}
				again := f.OpenOn("alice", under)
				err = operation(ctx, again, id(f, "bob"))
				if err != nil && !errors.Is(err, workspace.ErrMemberRemoved) && !errors.Is(err, workspace.ErrSameRole) {
					t.Errorf("again: %v", err)
				}
				if !done[what](f.OpenOn("carol", under), id(f, "bob")) {
					t.Error("not done in the end")
				}
				if _, err := again.VerifyLog(ctx); err != nil {
					t.Error(err)
				}
				if _, err := opens(t, f.OpenOn("carol", under), seal(t, f.OpenOn("alice", under), "ssn", "x")); err != nil {
					t.Errorf("a new value: %v", err)
				}
			})
		})
	}
}
