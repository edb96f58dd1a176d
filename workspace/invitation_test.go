package workspace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// line is the line of an invitation, as somebody who was sent it has it.
func line(t testing.TB, w *workspace.Workspace, id officer.Hash) *plan.Invitation {
	t.Helper()
	s, err := w.InvitationLine(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := plan.ParseInvitation(s)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// invite has Alice invite somebody as a member.
func invite(t testing.TB, w *workspace.Workspace, r workspace.InvitationRequest) (workspace.InvitationInfo, *plan.Invitation) {
	t.Helper()
	if r.Role == 0 {
		r.Role = officer.RoleMember
	}
	info, err := w.CreateInvitation(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return info, line(t, w, info.ID)
}

// accept has a person accept an invitation in an empty home.
func accept(t testing.TB, st store.Store, p *workspacetest.Person, inv *plan.Invitation) error {
	t.Helper()
	i, err := workspace.OpenInvitation(context.Background(), p.Config(st), inv)
	if err != nil {
		return err
	}
	_, err = i.Accept(context.Background(), p.Config(st), "alice@example.com")
	return err
}

// status is what the officer sees of an invitation.
func status(t testing.TB, w *workspace.Workspace, id officer.Hash) workspace.InvitationInfo {
	t.Helper()
	list, err := w.Invitations(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.ID == id {
			return i
		}
	}
	t.Fatal("no such invitation")
	return workspace.InvitationInfo{}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	info, inv := invite(t, alice, workspace.InvitationRequest{Hint: "bob@example.com"})
	if got := status(t, alice, info.ID); got.Status != workspace.InvitationPending || got.Hint != "bob@example.com" || !got.Expires.Equal(workspacetest.Clock().Add(workspace.InvitationLife)) {
		t.Errorf("%+v", got)
	}
	bob := workspacetest.NewPerson(t, "bob")
	f.People["bob"] = bob
	i, err := workspace.OpenInvitation(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, inv)
	must(t, err)
	if _, err := i.Offer("mallory@example.com"); !errors.Is(err, workspace.ErrNotOfficer) {
		t.Errorf("another email: %v", err)
	}
	offer, err := i.Offer(" Alice@example.com ")
	must(t, err)
	if offer.Name != "Example LLP" || offer.InviterName != "alice" || offer.Inviter != f.People["alice"].Me.Member() || offer.Role != officer.RoleMember {
		t.Errorf("%+v", offer)
	}
	if _, err := i.Accept(ctx, bob.Config(f.Store), "mallory@example.com"); !errors.Is(err, workspace.ErrNotOfficer) || len(bob.Home.Files) != 0 {
		t.Errorf("another email: %v, %d files", err, len(bob.Home.Files))
	}
	w, err := i.Accept(ctx, bob.Config(f.Store), "alice@example.com")
	must(t, err)
	if got, ok, err := w.AnsweredInvitation(ctx); err != nil || !ok || got.Status != workspace.InvitationAccepted || got.ID != info.ID {
		t.Errorf("bob: %+v, %v, %v", got, ok, err)
	}
	_, err = i.Accept(ctx, bob.Config(f.Store), "alice@example.com") // once more
	must(t, err)
	alice = f.Open("alice")
	answered := status(t, alice, info.ID)
	if answered.Status != workspace.InvitationAccepted || answered.Card.Card.ID() != bob.Me.Member() || answered.Card.Email.Text != "bob@example.com" {
		t.Errorf("%+v", answered)
	}
	if _, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), false); !errors.Is(err, workspace.ErrNotCompared) {
		t.Errorf("not compared: %v", err)
	}
	m, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true)
	must(t, err)
	if m.EmailText != "bob@example.com" || m.Role != officer.RoleMember {
		t.Errorf("%+v", m)
	}
	if _, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true); err != nil {
		t.Errorf("confirmed once more: %v", err)
	}
	must(t, alice.Grant(ctx, "phone", "bob@example.com", officer.Read|officer.Write))
	seal(t, f.Open("bob"), "phone", "202-224-3441")
	if got := status(t, alice, info.ID).Status; got != workspace.InvitationJoined {
		t.Errorf("alice sees %v", got)
	}
	if got, _, err := f.Open("bob").AnsweredInvitation(ctx); err != nil || got.Status != workspace.InvitationJoined {
		t.Errorf("bob sees %v, %v", got.Status, err)
	}
	if list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10); err != nil || len(list) != 0 {
		t.Errorf("left in the mailbox: %d, %v", len(list), err)
	}
	if _, err := alice.InvitationLine(ctx, info.ID); !errors.Is(err, workspace.ErrInvitationSpent) {
		t.Errorf("line of a spent invitation: %v", err)
	}
}

// TestInvitationIntoGroups lets somebody in who is in groups at once, and reads
// what was sealed before.
func TestInvitationIntoGroups(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.NewGroup(ctx, "litigation", nil))
	must(t, alice.Grant(ctx, "phone", "litigation", officer.Read))
	before := seal(t, alice, "phone", "202-224-3441")
	info, inv := invite(t, alice, workspace.InvitationRequest{Groups: []string{"litigation"}, InPerson: true})
	bob := workspacetest.NewPerson(t, "bob")
	f.People["bob"] = bob
	i, err := workspace.OpenInvitation(ctx, bob.Config(f.Store), inv)
	must(t, err)
	if offer, err := i.Offer("alice@example.com"); err != nil || len(offer.Groups) != 1 || offer.Groups[0] != "litigation" {
		t.Errorf("%+v, %v", offer, err)
	}
	must(t, accept(t, f.Store, bob, inv))
	_, err = f.Open("alice").ConfirmInvitation(ctx, info.ID, bob.Me.Member(), false)
	must(t, err) // handed over in person
	if got, err := opens(t, f.Open("bob"), before); err != nil || got != "202-224-3441" {
		t.Errorf("bob reads %q, %v", got, err)
	}
	for name, want := range map[string]error{"nobody": workspace.ErrNoSuch} {
		if _, err := alice.CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleMember, Groups: []string{name}}); !errors.Is(err, want) {
			t.Errorf("group %s: %v", name, err)
		}
	}
}

// TestInvitationOfAGuest lets a guest in until a day, which has to come yet.
func TestInvitationOfAGuest(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	day := workspacetest.Clock().Add(time.Hour)
	for want, r := range map[error]workspace.InvitationRequest{
		workspace.ErrGuestsOnly: {Role: officer.RoleMember, Until: day},
		workspace.ErrExpired:    {Role: officer.RoleGuest, Until: workspacetest.Clock()},
	} {
		if _, err := alice.CreateInvitation(ctx, r); !errors.Is(err, want) {
			t.Errorf("%v, and not %v", err, want)
		}
	}
	info, inv := invite(t, alice, workspace.InvitationRequest{Role: officer.RoleGuest, Until: day})
	late, lateInv := invite(t, alice, workspace.InvitationRequest{Role: officer.RoleGuest, Until: day})
	if got := status(t, f.Open("alice"), info.ID); !got.Until.Equal(day) {
		t.Errorf("kept: %+v", got)
	}
	gina, gus := workspacetest.NewPerson(t, "gina"), workspacetest.NewPerson(t, "gus")
	must(t, accept(t, f.Store, gina, inv))
	must(t, accept(t, f.Store, gus, lateInv))
	m, err := f.Open("alice").ConfirmInvitation(ctx, info.ID, gina.Me.Member(), true)
	must(t, err)
	if m.Role != officer.RoleGuest || m.Expires != uint64(day.Unix()) {
		t.Errorf("%+v", m.Member)
	}
	c := f.People["alice"].Config(f.Store)
	c.Now = func() time.Time { return day }
	w, err := workspace.Open(ctx, c)
	must(t, err)
	head := w.State().Head()
	if _, err := w.ConfirmInvitation(ctx, late.ID, gus.Me.Member(), true); !errors.Is(err, workspace.ErrExpired) {
		t.Errorf("after that day: %v", err)
	}
	if w.State().Head() != head {
		t.Error("something was written")
	}
}

// TestInvitationDeclinedAndWithdrawn: both sides see it, and nobody is let in.
func TestInvitationDeclinedAndWithdrawn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	info, inv := invite(t, alice, workspace.InvitationRequest{})
	bob := workspacetest.NewPerson(t, "bob")
	f.People["bob"] = bob
	i, err := workspace.OpenInvitation(ctx, bob.Config(f.Store), inv)
	must(t, err)
	must(t, i.Decline(ctx, bob.Config(f.Store)))
	if got := status(t, alice, info.ID).Status; got != workspace.InvitationDeclined {
		t.Errorf("alice sees %v", got)
	}
	if _, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationDeclined) {
		t.Errorf("confirmed after no: %v", err)
	}
	must(t, alice.WithdrawInvitation(ctx, info.ID))
	must(t, alice.WithdrawInvitation(ctx, info.ID))

	info, inv = invite(t, alice, workspace.InvitationRequest{})
	must(t, accept(t, f.Store, bob, inv))
	must(t, alice.WithdrawInvitation(ctx, info.ID))
	if got := status(t, alice, info.ID).Status; got != workspace.InvitationWithdrawn {
		t.Errorf("alice sees %v", got)
	}
	if got, _, err := f.Open("bob").AnsweredInvitation(ctx); err != nil || got.Status != workspace.InvitationWithdrawn {
		t.Errorf("bob sees %v, %v", got.Status, err)
	}
	if err := accept(t, f.Store, workspacetest.NewPerson(t, "carol"), inv); !errors.Is(err, workspace.ErrInvitationSpent) {
		t.Errorf("carol accepts: %v", err)
	}
	if got := len(f.Open("alice").Members(ctx)); got != 1 {
		t.Errorf("%d members", got)
	}
}

// TestInvitationRefused is what cannot be made, opened, accepted or confirmed;
// nothing is changed by the attempt.
func TestInvitationRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	alice, dora := f.Open("alice"), f.Open("dora")
	for what, r := range map[string]struct {
		workspace.InvitationRequest
		want error
	}{
		"no role":             {workspace.InvitationRequest{}, officer.ErrRole},
		"unknown role":        {workspace.InvitationRequest{Role: 4}, officer.ErrRole},
		"open for a second":   {workspace.InvitationRequest{Role: 2, Life: time.Second}, workspace.ErrInvitationTime},
		"open for ever":       {workspace.InvitationRequest{Role: 2, Life: 1 << 62}, workspace.ErrInvitationTime},
		"expired from birth":  {workspace.InvitationRequest{Role: 2, Life: -time.Hour}, workspace.ErrInvitationTime},
		"a group that is not": {workspace.InvitationRequest{Role: 2, Groups: []string{"x"}}, workspace.ErrNoSuch},
		"a hint of two lines": {workspace.InvitationRequest{Role: 2, Hint: "a\nb"}, officer.ErrText},
	} {
		if _, err := alice.CreateInvitation(ctx, r.InvitationRequest); !errors.Is(err, r.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.Open("bob").CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleMember}); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member invites: %v", err)
	}
	if list, err := alice.Invitations(ctx); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}

	info, inv := invite(t, alice, workspace.InvitationRequest{})
	carol := workspacetest.NewPerson(t, "carol")
	late := carol.Config(f.Store)
	late.Now = func() time.Time { return workspacetest.Clock().Add(workspace.InvitationLife) }
	if _, err := workspace.OpenInvitation(ctx, late, inv); !errors.Is(err, workspace.ErrInvitationExpired) {
		t.Errorf("expired: %v", err)
	}
	other := workspacetest.NewFirm(t, "alice")
	if err := accept(t, other.Store, carol, inv); !errors.Is(err, workspace.ErrInvitationStore) {
		t.Errorf("another organization's store: %v", err)
	}
	if err := accept(t, storetest.NewMemory(f.ID), carol, inv); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("an empty store: %v", err)
	}
	if _, err := alice.ConfirmInvitation(ctx, info.ID, carol.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationOpen) {
		t.Errorf("not answered: %v", err)
	}
	if _, err := dora.ConfirmInvitation(ctx, info.ID, carol.Me.Member(), true); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("another officer's: %v", err)
	}
	if err := accept(t, f.Store, f.People["bob"], inv); !errors.Is(err, workspace.ErrTaken) {
		t.Errorf("a member accepts: %v", err)
	}
	// The email of somebody who is in already.
	imitation := workspacetest.NewPerson(t, "BOB")
	must(t, accept(t, f.Store, imitation, inv))
	if _, err := alice.ConfirmInvitation(ctx, info.ID, imitation.Me.Member(), true); !errors.Is(err, workspace.ErrTaken) {
		t.Errorf("an email that is taken: %v", err)
	}
	// By the officer's clock it is over, whatever the other's says.
	atNoon := f.People["alice"].Config(f.Store)
	atNoon.Now = late.Now
	w, err := workspace.Open(ctx, atNoon)
	must(t, err)
	if got := status(t, w, info.ID).Status; got != workspace.InvitationExpired {
		t.Errorf("alice sees %v", got)
	}
	if _, err := w.ConfirmInvitation(ctx, info.ID, imitation.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := w.InvitationLine(ctx, info.ID); !errors.Is(err, workspace.ErrInvitationExpired) {
		t.Errorf("line of an expired invitation: %v", err)
	}
	// A home of another organization.
	elsewhere := other.Add("alice", "erin", officer.RoleMember)
	_, inv = invite(t, alice, workspace.InvitationRequest{})
	if err := accept(t, f.Store, elsewhere, inv); !errors.Is(err, workspace.ErrPinned) {
		t.Errorf("pinned elsewhere: %v", err)
	}
	if got := len(f.Open("alice").Members(ctx)); got != 3 {
		t.Errorf("%d members", got)
	}
}

// TestInvitationOfNoOfficer: who invited is an officer no more.
func TestInvitationOfNoOfficer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	alice := f.Open("alice")
	info, inv := invite(t, alice, workspace.InvitationRequest{})
	carol := workspacetest.NewPerson(t, "carol")
	must(t, accept(t, f.Store, carol, inv))
	must(t, f.Open("dora").ChangeRole(ctx, f.People["alice"].Me.Member(), officer.RoleMember, time.Time{}, workspace.Consent{}))
	if _, err := f.Open("alice").ConfirmInvitation(ctx, info.ID, carol.Me.Member(), true); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("confirmed by a member: %v", err)
	}
	if err := accept(t, f.Store, workspacetest.NewPerson(t, "erin"), inv); !errors.Is(err, workspace.ErrInviter) {
		t.Errorf("accepted: %v", err)
	}
}

// TestInvitationsAreKeptSealed: the officer's home holds nothing of an
// invitation in clear, and one that was altered is noticed.
func TestInvitationsAreKeptSealed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	info, inv := invite(t, alice, workspace.InvitationRequest{Hint: "the new paralegal"})
	notIn(t, "alice's home", f.People["alice"].Home.Files, append(secretsOf(inv), []byte("the new paralegal"))...)
	file := f.People["alice"].Home.Files["invitations.sealed"]
	file[len(file)-1] ^= 1
	if _, err := f.Open("alice").Invitations(ctx); !errors.Is(err, workspace.ErrLocal) {
		t.Errorf("altered: %v", err)
	}
	file[len(file)-1] ^= 1
	if got := status(t, f.Open("alice"), info.ID).Status; got != workspace.InvitationPending {
		t.Errorf("alice sees %v", got)
	}
}

// TestInvitationsAreForgotten: those that nothing comes of any more make room,
// the oldest first.
func TestInvitationsAreForgotten(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	now := workspacetest.Clock()
	c := f.People["alice"].Config(f.Store)
	c.Now = func() time.Time { return now }
	alice, err := workspace.Open(ctx, c)
	must(t, err)
	for range 40 {
		_, err := alice.CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleMember, Life: time.Hour})
		must(t, err)
	}
	now = now.Add(2 * time.Hour)
	last, err := alice.CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleMember})
	must(t, err)
	list, err := alice.Invitations(ctx)
	if err != nil || len(list) != 33 || list[32].ID != last.ID {
		t.Errorf("%d, %v", len(list), err)
	}
}

// TestInvitationFaults: every way in which a call of the store can fail while an
// invitation is made, accepted, confirmed and withdrawn, by an officer and by a
// member of a guest (attack 51).
func TestInvitationFaults(t *testing.T) {
	t.Parallel()
	type world struct {
		f    *workspacetest.Firm
		info workspace.InvitationInfo
		inv  *plan.Invitation
		bob  *workspacetest.Person
		by   string // who invites
		as   officer.Role
	}
	steps := map[string]func(ctx context.Context, x *world, st store.Store) error{
		"create": func(ctx context.Context, x *world, st store.Store) error {
			w, err := x.f.TryOpen(x.by, st)
			if err != nil {
				return err
			}
			_, err = w.CreateInvitation(ctx, workspace.InvitationRequest{Role: x.as})
			return err
		},
		"accept": func(ctx context.Context, x *world, st store.Store) error {
			i, err := workspace.OpenInvitation(ctx, x.bob.Config(st), x.inv)
			if err != nil {
				return err
			}
			_, err = i.Accept(ctx, x.bob.Config(st), x.by+"@example.com")
			return err
		},
		"confirm": func(ctx context.Context, x *world, st store.Store) error {
			w, err := x.f.TryOpen(x.by, st)
			if err != nil {
				return err
			}
			_, err = w.ConfirmInvitation(ctx, x.info.ID, x.bob.Me.Member(), true)
			return err
		},
		"withdraw": func(ctx context.Context, x *world, st store.Store) error {
			w, err := x.f.TryOpen(x.by, st)
			if err != nil {
				return err
			}
			return w.WithdrawInvitation(ctx, x.info.ID)
		},
	}
	everything := func(what string, by string, as officer.Role) {
		step := steps[what]
		t.Run(by+" "+what, func(t *testing.T) {
			t.Parallel()
			x := &world{by: by, as: as}
			fresh := func(t *testing.T) store.Store {
				x.f = lenientTo(t, by)
				x.bob = workspacetest.NewPerson(t, "bob")
				x.f.People["bob"] = x.bob
				x.info, x.inv = invite(t, x.f.Open(by), workspace.InvitationRequest{Role: as})
				if what == "confirm" {
					x.bob = acceptFrom(t, x.f, "bob", by, x.inv)
				}
				return x.f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				ctx := t.Context()
				err := step(ctx, x, faulty)
				if fault == nil && err != nil {
					t.Fatal(err)
				}
				if err != nil && !errors.Is(err, storetest.ErrFault) {
					t.Errorf("an error of its own: %v", err)
				}
				if err := step(ctx, x, under); err != nil {
					t.Errorf("again: %v", err)
				}
				w := x.f.OpenOn(by, under)
				// Whatever was left behind can be seen, shown again and ended.
				list, err := w.Invitations(ctx)
				must(t, err)
				for _, i := range list {
					switch i.Status {
					case workspace.InvitationPending:
						line(t, w, i.ID).Destroy()
					case workspace.InvitationAccepted, workspace.InvitationJoined:
						_, err := w.ConfirmInvitation(ctx, i.ID, x.bob.Me.Member(), true)
						must(t, err)
						if x.f.OpenOn("bob", under).Me() == nil {
							t.Error("confirmed, and bob is not in")
						}
					case workspace.InvitationWithdrawn:
					default:
						t.Errorf("an invitation is %v", i.Status)
					}
				}
				if _, err := w.VerifyLog(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
	for what := range steps {
		everything(what, "alice", officer.RoleMember)
		everything(what, "mona", officer.RoleGuest)
	}
}

// secretsOf is what of an invitation nobody but its two sides may see.
func secretsOf(inv *plan.Invitation) [][]byte {
	encoded, text := inv.Encode(), inv.Line()
	return [][]byte{encoded.Expose()[4:36], text.Expose(), text.Expose()[40:80]}
}

func notIn(t *testing.T, where string, files map[string][]byte, secrets ...[]byte) {
	t.Helper()
	for name, b := range files {
		for _, s := range secrets {
			if containsAnyForm(b, secret.New(s)) {
				t.Errorf("%s: %s holds a secret of the invitation", where, name)
			}
		}
	}
}
