package workspace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
