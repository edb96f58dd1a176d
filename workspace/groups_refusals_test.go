package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// TestGroupRefusals is what cannot be done with groups: a clear error, and
// nothing in the log.
func TestGroupRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := team(t)
	f.Add("alice", "gina", officer.RoleGuest)
	f.Add("alice", "rob", officer.RoleMember)
	alice := f.Open("alice")
	_, err := alice.RemoveMember(ctx, f.People["rob"].Me.Member(), workspace.Consent{})
	must(t, err)
	must(t, alice.NewField(ctx, "ssn"))
	must(t, alice.NewGroup(ctx, "alone", nil))
	must(t, alice.NewGroup(ctx, "guests", []string{"gina@example.com"}))
	must(t, alice.NewGroup(ctx, "sharers", nil))
	must(t, alice.Grant(ctx, "ssn", "sharers", officer.Read|officer.Share))
	// Somebody whose email is a group's name: nobody is guessed.
	must(t, alice.NewGroup(ctx, "zoe@example.com", nil))
	f.Add("alice", "zoe", officer.RoleMember)
	head := f.Open("alice").State().Head()
	dora, bob := f.Open("dora"), f.Open("bob")
	alice = f.Open("alice")
	remove := func(w *workspace.Workspace, group, email string) error {
		_, err := w.RemoveFromGroup(ctx, group, email)
		return err
	}
	for what, c := range map[string]struct{ err, want error }{
		"the last one":               {remove(dora, "alone", "alice@example.com"), officer.ErrLast},
		"oneself":                    {remove(alice, "team", "alice@example.com"), workspace.ErrSelf},
		"not in it":                  {remove(alice, "team", "carol@example.com"), workspace.ErrNotInGroup},
		"no manager takes out":       {remove(bob, "team", "alice@example.com"), officer.ErrAuthority},
		"nobody manages":             {alice.AddToGroup(ctx, "team", "alice@example.com", belongs), officer.ErrLast},
		"a removed member":           {alice.AddToGroup(ctx, "team", "rob@example.com", belongs), workspace.ErrMemberRemoved},
		"a group of a removed":       {alice.NewGroup(ctx, "new", []string{"rob@example.com"}), workspace.ErrMemberRemoved},
		"grant to a removed":         {alice.Grant(ctx, "ssn", "rob@example.com", officer.Read), workspace.ErrMemberRemoved},
		"a guest manages":            {alice.AddToGroup(ctx, "team", "gina@example.com", manages), officer.ErrRights},
		"a guest among sharers":      {alice.AddToGroup(ctx, "sharers", "gina@example.com", belongs), officer.ErrRights},
		"share to a guest's group":   {alice.Grant(ctx, "ssn", "guests", officer.Read|officer.Share), officer.ErrRights},
		"by who does not manage":     {bob.AddToGroup(ctx, "team", "carol@example.com", belongs), workspace.ErrNotGranted},
		"by an officer outside":      {dora.AddToGroup(ctx, "team", "carol@example.com", belongs), workspace.ErrNotGranted},
		"rotation by an officer":     {dora.RotateGroup(ctx, "team"), workspace.ErrNotGranted},
		"a name in other letters":    {alice.NewGroup(ctx, "TEAM", nil), workspace.ErrTaken},
		"an email":                   {alice.NewGroup(ctx, "Bob@example.com", nil), workspace.ErrTaken},
		"a name that is both":        {alice.Grant(ctx, "ssn", "zoe@example.com", officer.Read), workspace.ErrAmbiguous},
		"an empty name":              {alice.NewGroup(ctx, "", nil), officer.ErrText},
		"a member makes one":         {bob.NewGroup(ctx, "mine", nil), officer.ErrAuthority},
		"grant by who does not hold": {dora.Grant(ctx, "ssn", "team", officer.Read), workspace.ErrNotGranted},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something is in the log")
	}
	must(t, alice.AddToGroup(ctx, "team", "gina@example.com", belongs)) // a guest reads what the team does
}

// TestOrphanedGroup: an officer outside takes out whoever manages a group, and
// lets somebody manage it who is in it, without reading anything.
func TestOrphanedGroup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := team(t)
	must(t, f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read|officer.Write|officer.Share))
	dora := f.Open("dora")
	_, err := dora.RemoveFromGroup(ctx, "team", "alice@example.com")
	must(t, err)
	if g, err := dora.Group(ctx, "team"); err != nil || !g.Orphaned() || !g.Epoch().Closed {
		t.Fatalf("%+v, %v", g, err)
	}
	if err := dora.AddToGroup(ctx, "team", "carol@example.com", manages); !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("somebody else: %v", err)
	}
	must(t, dora.AddToGroup(ctx, "team", "bob@example.com", manages))
	c, err := f.Open("bob").CatchUp(ctx)
	must(t, err)
	if len(c.Opened) != 1 || len(c.OpenedGroups) != 1 || len(c.Waiting)+len(c.WaitingGroups) != 0 {
		t.Errorf("%+v", c)
	}
	must(t, f.Open("bob").AddToGroup(ctx, "team", "carol@example.com", belongs))
	whoOpens(t, f, token, map[string]bool{"alice": true, "bob": true, "carol": true, "dora": false})
	whoOpens(t, f, seal(t, f.Open("bob"), "phone", "new"), map[string]bool{"alice": true, "bob": true, "carol": true, "dora": false})
}
