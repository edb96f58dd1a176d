package workspace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// pending says what is pending, a line each.
func pending(t *testing.T, w *workspace.Workspace) string {
	t.Helper()
	must(t, w.Sync(t.Context()))
	var list []string
	names := func(of []workspace.MemberInfo) string {
		var list []string
		for _, m := range of {
			name, _, _ := strings.Cut(m.EmailText, "@")
			list = append(list, name)
		}
		slices.Sort(list)
		return strings.Join(list, "+")
	}
	p := w.Pending(t.Context())
	for _, c := range p.Closed {
		line := fmt.Sprintf("%s %s %d waits for %s", c.Kind, c.Text, c.Epoch, names(c.Openers))
		if c.Orphaned() {
			line = fmt.Sprintf("%s %s %d is orphaned, read by %s", c.Kind, c.Text, c.Epoch, names(c.Readers))
		}
		if c.Mine {
			line += ", me"
		}
		list = append(list, line)
	}
	for _, m := range p.Missed {
		var who []string
		for _, x := range m.Who {
			who = append(who, x.Text)
		}
		list = append(list, fmt.Sprintf("%s %s %d missed by %s, from %s", m.Kind, m.Text, m.Epoch, strings.Join(who, "+"), names(m.Holders)))
	}
	for _, m := range p.Expired {
		list = append(list, "expired "+m.EmailText)
	}
	for _, m := range p.Demoted {
		list = append(list, "demoted "+m.EmailText)
	}
	return strings.Join(list, "\n")
}

func waits(t *testing.T, w *workspace.Workspace, want ...string) {
	t.Helper()
	if got := pending(t, w); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// Pending says what is closed and whom it waits for, until it is done.
func TestPending(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	for _, who := range []string{"carol", "dora"} {
		f.Add("alice", who, officer.RoleMember)
	}
	f.Add("alice", "bob", officer.RoleOfficer)
	f.Add("alice", "olga", officer.RoleOfficer)
	alice, olga := f.Open("alice"), f.Open("olga")
	waits(t, alice)
	ssn := newFieldAt(t, alice, "SSN", matter("12"), "bob@example.com", "carol@example.com")
	// Bob makes a group and shares with it what Olga does not hold.
	bob := f.Open("bob")
	must(t, bob.NewGroup(ctx, "litigation", []string{"carol@example.com", "dora@example.com"}))
	must(t, bob.Sync(ctx))

	must(t, olga.Sync(ctx))
	if closed, err := olga.RevokeOf(ctx, ssn.ID, "carol@example.com"); err != nil || !closed {
		t.Fatalf("%v %v", closed, err)
	}
	waits(t, alice, "field SSN 1 waits for alice, me")
	waits(t, bob, "field SSN 1 waits for alice")
	if _, err := olga.RemoveMember(ctx, f.People["dora"].Me.Member(), workspace.Consent{}); err != nil {
		t.Fatal(err)
	}
	waits(t, alice, "field SSN 1 waits for alice, me", "group litigation 1 waits for bob")
	waits(t, bob, "field SSN 1 waits for alice", "group litigation 1 waits for bob, me")
	waits(t, olga, "field SSN 1 waits for alice", "group litigation 1 waits for bob")

	// Alice loses the right to share: nobody has it any more.
	if _, err := olga.RevokeOf(ctx, ssn.ID, "alice@example.com"); err != nil {
		t.Fatal(err)
	}
	waits(t, olga, "field SSN 1 is orphaned, read by bob", "group litigation 1 waits for bob")
	must(t, olga.GrantOf(ctx, ssn.ID, "bob@example.com", officer.Read|officer.Write|officer.Share))
	waits(t, bob, "field SSN 1 waits for bob, me", "group litigation 1 waits for bob, me")
	if _, err := bob.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	waits(t, bob)
	waits(t, olga)
}

// What somebody missed while their own key was closed waits for whoever shares
// it, and the key for its owner.
func TestPendingMissed(t *testing.T) {
	t.Parallel()
	f, _ := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	alice := f.Open("alice")
	if _, err := alice.RemoveDevice(t.Context(), f.People["bob"].Me.Keys().ID()); err != nil {
		t.Fatal(err)
	}
	waits(t, alice, "member bob@example.com 1 waits for bob",
		"directory directory 2 missed by bob@example.com, from alice", "field ssn 2 missed by bob@example.com, from alice")
	bob := restore(t, f, "bob again", c)
	must(t, bob.RenewUserKey(t.Context()))
	waits(t, alice, "directory directory 2 missed by bob@example.com, from alice", "field ssn 2 missed by bob@example.com, from alice")
	if done, err := alice.CatchUp(t.Context()); err != nil || done.Sealed != 2 {
		t.Errorf("%+v %v", done, err)
	}
	waits(t, alice)
}

// An officer who was made a member while the directory was closed may share it until
// they get the role once more, and Pending says so.
func TestPendingDemoted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	f.Add("alice", "olga", officer.RoleOfficer)
	c := backUp(t, f, "olga", officer.DevicePaperKit, "kit")
	alice, olga := f.Open("alice"), f.People["olga"].Me.Member()
	if _, err := alice.RemoveDevice(ctx, f.People["olga"].Me.Keys().ID()); err != nil {
		t.Fatal(err)
	}
	must(t, alice.ChangeRole(ctx, olga, officer.RoleMember, time.Time{}, workspace.Consent{}))
	if got := pending(t, alice); !strings.HasSuffix(got, "\ndemoted olga@example.com") {
		t.Errorf("got\n%s", got)
	}
	must(t, restore(t, f, "olga again", c).RenewUserKey(ctx))
	must(t, alice.Sync(ctx))
	must(t, alice.ChangeRole(ctx, olga, officer.RoleMember, time.Time{}, workspace.Consent{}))
	if got := pending(t, alice); strings.Contains(got, "demoted") {
		t.Errorf("got\n%s", got)
	}
}

// CatchUp tells what the store withholds from what the caller has missed.
func TestCatchUpOfWhatWasMissed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	f.Add("alice", "dora", officer.RoleMember)
	f.Add("alice", "olga", officer.RoleOfficer)
	alice := f.Open("alice")
	must(t, alice.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	must(t, alice.Grant(ctx, "ssn", "dora@example.com", officer.Read))
	must(t, alice.NewGroup(ctx, "team", []string{"dora@example.com"}))
	must(t, alice.AddToGroup(ctx, "team", "bob@example.com", officer.Read|officer.Share))
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	must(t, alice.Sync(ctx))
	if _, err := alice.RemoveDevice(ctx, f.People["bob"].Me.Keys().ID()); err != nil { // bob misses the next epochs
		t.Fatal(err)
	}
	if _, err := f.Open("olga").RemoveMember(ctx, f.People["dora"].Me.Member(), workspace.Consent{}); err != nil { // who closes them
		t.Fatal(err)
	}
	bob := restore(t, f, "bob again", c)
	must(t, bob.Sync(ctx))
	got, err := bob.CatchUp(ctx)
	if err != nil || len(got.Missed) != 1 || len(got.MissedGroups) != 1 || len(got.Waiting)+len(got.WaitingGroups)+len(got.Opened) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
