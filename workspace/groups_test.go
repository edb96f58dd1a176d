package workspace_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

const (
	belongs = officer.Read
	manages = officer.Read | officer.Share
)

// whoOpens checks who opens a value.
func whoOpens(t *testing.T, f *workspacetest.Firm, token string, who map[string]bool) {
	t.Helper()
	for name, want := range who {
		if _, err := opens(t, f.Open(name), token); (err == nil) != want {
			t.Errorf("%s opens %s: %v, want %v: %v", name, token[:12], err == nil, want, err)
		}
	}
}

// team is Alice, an officer, with bob, carol and dora, an officer too, and a
// group of Alice and Bob that reads phone.
func team(t *testing.T) (*workspacetest.Firm, string) {
	t.Helper()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	w := f.Open("alice")
	must(t, w.NewField(ctx, "phone"))
	token := seal(t, w, "phone", "202-224-3441")
	must(t, w.NewGroup(ctx, "team", []string{"bob@example.com"}))
	must(t, w.Grant(ctx, "phone", "team", officer.Read|officer.Write))
	return f, token
}

// TestGroups takes a group through its life: what it is granted, its members
// read and seal, with the history; who was taken out opens nothing that
// follows.
func TestGroups(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, one := team(t)
	whoOpens(t, f, one, map[string]bool{"alice": true, "bob": true, "carol": false, "dora": false})
	two := seal(t, f.Open("bob"), "phone", "by bob")
	whoOpens(t, f, two, map[string]bool{"alice": true, "bob": true})

	// The group's key is changed; the field keeps its epoch.
	alice := f.Open("alice")
	must(t, alice.RotateGroup(ctx, "Team"))
	must(t, alice.AddToGroup(ctx, "team", "carol@example.com", 0))
	whoOpens(t, f, one, map[string]bool{"alice": true, "bob": true, "carol": true, "dora": false})
	three := seal(t, f.Open("carol"), "phone", "by carol")

	g, err := f.Open("carol").Group(ctx, "team")
	must(t, err)
	if g.NameText != "team" || len(g.People) != 3 || len(g.Reads) != 1 || g.Reads[0].LabelText != "phone" || g.Reads[0].Rights != officer.Read|officer.Write || g.Epoch().Number != 2 {
		t.Errorf("the group: %+v", g)
	}

	alice = f.Open("alice")
	planned, err := alice.PlanGroupRemoval(ctx, "team", "bob@example.com")
	must(t, err)
	r, err := alice.RemoveFromGroup(ctx, "team", "bob@example.com")
	must(t, err)
	if len(r.Rotated) != 1 || len(r.RotatedGroups) != 1 || len(r.Closed)+len(r.ClosedGroups)+r.Skipped != 0 || len(r.Keeps) != 0 ||
		planned.Envelopes != r.Envelopes || r.Envelopes != 4 { // the group to two, the field to alice and to the group
		t.Errorf("planned %+v, done %+v", planned.Renewal, r.Renewal)
	}
	fresh := seal(t, f.Open("alice"), "phone", "new")
	whoOpens(t, f, fresh, map[string]bool{"alice": true, "bob": false, "carol": true})
	whoOpens(t, f, three, map[string]bool{"alice": true, "carol": true})
	if _, err := f.Open("bob").WriteKey(ctx, "phone"); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("bob seals: %v", err)
	}

	// Taken from the group.
	closed, err := f.Open("alice").Revoke(ctx, "phone", "team")
	if err != nil || closed {
		t.Fatal(closed, err)
	}
	whoOpens(t, f, seal(t, f.Open("alice"), "phone", "newer"), map[string]bool{"alice": true, "carol": false})
}

// TestClosedByOfficerOutside: an officer outside takes somebody out, and gains
// no key (attack 60); who manages and shares goes on.
func TestClosedByOfficerOutside(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := team(t)
	must(t, f.Open("alice").AddToGroup(ctx, "team", "carol@example.com", manages))
	r, err := f.Open("dora").RemoveFromGroup(ctx, "team", "bob@example.com")
	must(t, err)
	if len(r.Closed) != 1 || len(r.ClosedGroups) != 1 || len(r.Rotated)+len(r.RotatedGroups) != 0 {
		t.Errorf("done %+v", r.Renewal)
	}
	whoOpens(t, f, token, map[string]bool{"alice": true, "carol": true, "dora": false})
	if _, err := f.Open("carol").WriteKey(ctx, "phone"); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("carol seals under a closed epoch: %v", err)
	}
	// Alice opens the field's next epoch while the group is closed still, and
	// carol the group's: the log tells what the group missed.
	must(t, f.Open("alice").Rotate(ctx, "phone"))
	fresh := seal(t, f.Open("alice"), "phone", "new")
	whoOpens(t, f, fresh, map[string]bool{"alice": true, "bob": false, "carol": false, "dora": false})
	must(t, f.Open("carol").RotateGroup(ctx, "team"))
	whoOpens(t, f, fresh, map[string]bool{"carol": false})
	c, err := f.Open("alice").CatchUp(ctx)
	must(t, err)
	if c.Sealed != 1 || len(c.Opened)+len(c.OpenedGroups)+len(c.Waiting)+len(c.WaitingGroups) != 0 {
		t.Errorf("caught up: %+v", c)
	}
	if c, err := f.Open("alice").CatchUp(ctx); err != nil || c.Sealed != 0 {
		t.Errorf("again: %+v, %v", c, err)
	}
	whoOpens(t, f, fresh, map[string]bool{"alice": true, "bob": false, "carol": true, "dora": false})
}

// TestMissedByMember: an officer removes a device of somebody's; what was made
// anew without them comes back with the next change of whoever shares it, and
// nobody grants it again.
func TestMissedByMember(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := team(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	_, err := f.Open("alice").RemoveDevice(ctx, f.People["bob"].Me.Keys().ID())
	must(t, err)
	fresh := seal(t, f.Open("alice"), "phone", "new")
	again := restore(t, f, "bob again", c)
	must(t, again.RenewUserKey(ctx))
	if _, err := opens(t, f.Open("bob again"), fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Fatalf("before anybody sealed it again: %v", err)
	}
	must(t, f.Open("alice").NewField(ctx, "fax"))
	must(t, f.Open("alice").Rotate(ctx, "fax")) // some change of hers
	whoOpens(t, f, token, map[string]bool{"bob again": true})
	whoOpens(t, f, fresh, map[string]bool{"bob again": true, "carol": false})
	if got := f.Open("bob again").OrganizationName(ctx); got != "Example LLP" {
		t.Errorf("the directory is not read: %q", got)
	}
}

// TestPlanGroupAddition says what somebody would read before they can, and refuses
// what the addition would.
func TestPlanGroupAddition(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := team(t)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "ssn"))
	must(t, alice.Grant(ctx, "ssn", "team", officer.Read))
	must(t, alice.Grant(ctx, "ssn", "carol@example.com", officer.Read))
	head := alice.State().Head()
	names := func(list []workspace.GroupReads) (out []string) {
		for _, r := range list {
			out = append(out, r.LabelText)
		}
		return out
	}
	r, err := alice.PlanGroupAddition(ctx, "team", "carol@example.com", 0)
	must(t, err)
	if opens, opened := names(r.Opens), names(r.Opened); !slices.Equal(opens, []string{"phone"}) || !slices.Equal(opened, []string{"ssn"}) || r.Rights != officer.Read || r.Member.EmailText != "carol@example.com" || r.Group.NameText != "team" {
		t.Errorf("%v, %v, %+v", opens, opened, r)
	}
	if r, err := alice.PlanGroupAddition(ctx, "team", "bob@example.com", belongs); err != nil || len(r.Opens) != 0 {
		t.Errorf("who is in it: %+v, %v", r, err)
	}
	for by, want := range map[string]error{"bob": workspace.ErrNotGranted, "dora": workspace.ErrNotGranted} {
		if _, err := f.Open(by).PlanGroupAddition(ctx, "team", "carol@example.com", 0); !errors.Is(err, want) {
			t.Errorf("by %s: %v", by, err)
		}
	}
	if _, err := alice.PlanGroupAddition(ctx, "team", "nobody@example.com", 0); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("nobody: %v", err)
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	whoOpens(t, f, token, map[string]bool{"carol": false})
}
