package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAttack14SomebodyElseLetIn: the officer lets in somebody who has read the
// line and answered in the place of who was invited. That person is told so, and
// not that the invitation was withdrawn; neither of the two is told it of
// themselves.
func TestAttack14SomebodyElseLetIn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	info, inv := invite(t, alice, workspace.InvitationRequest{InPerson: true})
	bob, mallory := workspacetest.NewPerson(t, "bob"), workspacetest.NewPerson(t, "mallory")
	f.People["bob"], f.People["mallory"] = bob, mallory
	must(t, accept(t, f.Store, bob, inv))
	list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
	must(t, err)
	must(t, f.Store.DeleteMail(ctx, inv.Mailbox(), list[1].ID)) // before the officer has seen it
	must(t, accept(t, f.Store, mallory, inv))
	_, err = alice.ConfirmInvitation(ctx, info.ID, mallory.Me.Member(), false)
	must(t, err)
	check := func(name string, want workspace.InvitationStatus) {
		t.Helper()
		got, found, err := f.Open(name).AnsweredInvitation(ctx)
		if err != nil || !found || got.Status != want || got.Member != mallory.Me.Member() {
			t.Errorf("%s sees %v of %v, %v, %v", name, got.Status, got.Member, found, err)
		}
	}
	check("bob", workspace.InvitationTaken)
	check("mallory", workspace.InvitationJoined)
	var taken *workspace.InvitationTakenError
	if _, err := workspace.OpenInvitation(ctx, bob.Config(f.Store), inv); !errors.As(err, &taken) || taken.Member != mallory.Me.Member() || !errors.Is(err, workspace.ErrInvitationSpent) {
		t.Errorf("bob opens it again: %v", err)
	}
	if _, err := workspace.OpenInvitation(ctx, mallory.Config(f.Store), inv); !errors.Is(err, workspace.ErrInvitationSpent) || errors.As(err, &taken) {
		t.Errorf("mallory opens it again: %v", err)
	}
	// Let in by another line, bob still learns whose the first one was.
	must(t, alice.AddMember(ctx, bob.Me.Card(), officer.RoleMember))
	check("bob", workspace.InvitationTaken)
}

// TestAttack14NoBesideYes: whoever has read the line says no beside the yes of
// who was invited, or in its place. Neither passes for a no, and nobody is in.
func TestAttack14NoBesideYes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for what, taken := range map[string]bool{"beside it": false, "in its place": true} {
		f := workspacetest.NewFirm(t, "alice")
		alice := f.Open("alice")
		info, inv := invite(t, alice, workspace.InvitationRequest{InPerson: true})
		bob := workspacetest.NewPerson(t, "bob")
		must(t, accept(t, f.Store, bob, inv))
		if got := status(t, alice, info.ID).Status; got != workspace.InvitationAccepted {
			t.Fatal(got)
		}
		if taken {
			list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
			must(t, err)
			must(t, f.Store.DeleteMail(ctx, inv.Mailbox(), list[1].ID))
		}
		no, err := inv.Decline()
		must(t, err)
		must(t, f.Store.PutMail(ctx, inv.Mailbox(), no))
		if got := status(t, alice, info.ID).Status; got != workspace.InvitationContested {
			t.Errorf("%s: alice sees %v", what, got)
		}
		if _, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationContested) {
			t.Errorf("%s: confirmed: %v", what, err)
		}
		if got := len(f.Open("alice").Members(ctx)); got != 1 {
			t.Errorf("%s: %d members", what, got)
		}
	}
}

// TestDecliningKeepsTheAccepted: a stranger's line that is declined does not make
// a device forget the invitation that it has accepted.
func TestDecliningKeepsTheAccepted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, stranger := workspacetest.NewFirm(t, "alice"), workspacetest.NewFirm(t, "alice")
	bob := workspacetest.NewPerson(t, "bob")
	f.People["bob"] = bob
	info, inv := invite(t, f.Open("alice"), workspace.InvitationRequest{})
	must(t, accept(t, f.Store, bob, inv))
	theirs, other := invite(t, stranger.Open("alice"), workspace.InvitationRequest{})
	c := bob.Config(stranger.Store)
	i, err := workspace.OpenInvitation(ctx, c, other)
	must(t, err)
	must(t, i.Decline(ctx, c))
	if got := status(t, stranger.Open("alice"), theirs.ID).Status; got != workspace.InvitationDeclined {
		t.Errorf("who invited sees %v", got)
	}
	if got, found, err := f.Open("bob").AnsweredInvitation(ctx); err != nil || !found || got.ID != info.ID || got.Status != workspace.InvitationAccepted {
		t.Errorf("bob's own: %v, %v, %v", got.Status, found, err)
	}
	// That one itself is declined as before.
	i, err = workspace.OpenInvitation(ctx, bob.Config(f.Store), inv)
	must(t, err)
	must(t, i.Decline(ctx, bob.Config(f.Store)))
	if got, _, err := f.Open("bob").AnsweredInvitation(ctx); err != nil || got.Status != workspace.InvitationDeclined {
		t.Errorf("bob's own, declined: %v, %v", got.Status, err)
	}
}

// TestInvitationUnreadable: an answer to a user key that this device cannot open
// is told, and hides neither the other answers nor the other invitations.
func TestInvitationUnreadable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	b, err := kit.New(officer.DevicePaperKit, f.ID, "x")
	must(t, err)
	must(t, alice.AddDevice(ctx, b.Keys(), b.Label()))
	_, err = alice.RemoveDevice(ctx, b.Keys().ID())
	must(t, err)
	if got := alice.Me().UserKey().Generation; got != 2 {
		t.Fatalf("user key %d", got)
	}
	first, inv := invite(t, alice, workspace.InvitationRequest{})
	second, _ := invite(t, alice, workspace.InvitationRequest{})
	bob := workspacetest.NewPerson(t, "bob")
	must(t, accept(t, f.Store, bob, inv))
	late := &withholding{f.Store, plan.DeviceRecipient(f.People["alice"].Me.Keys().Record()).Index()}
	w := f.OpenOn("alice", late)
	if got := status(t, w, first.ID); got.Status != workspace.InvitationPending || got.Unreadable != 1 {
		t.Errorf("of the first: %v, %d unreadable", got.Status, got.Unreadable)
	}
	if got := status(t, w, second.ID); got.Status != workspace.InvitationPending || got.Unreadable != 0 {
		t.Errorf("of the second: %v, %d unreadable", got.Status, got.Unreadable)
	}
	// An answer to the key that does open counts beside it.
	old := f.Open("alice").Me().UserKeys[0].Public
	answer, err := inv.Accept(bob.Me.Card(), old, bob.Me.Keys())
	must(t, err)
	must(t, f.Store.PutMail(ctx, inv.Mailbox(), answer))
	if got := status(t, w, first.ID); got.Status != workspace.InvitationAccepted || got.Unreadable != 1 || got.Member != bob.Me.Member() {
		t.Errorf("beside it: %v, %d unreadable", got.Status, got.Unreadable)
	}
	// With the store's help all of them do.
	if got := status(t, f.Open("alice"), first.ID); got.Status != workspace.InvitationAccepted || got.Unreadable != 0 {
		t.Errorf("with the key: %v, %d unreadable", got.Status, got.Unreadable)
	}
}
