package workspace_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// guestsBy sets who lets guests in.
func guestsBy(t *testing.T, f *workspacetest.Firm, by officer.Role) {
	t.Helper()
	w := f.Open("alice")
	next := w.Policy()
	next.Guests = by
	must(t, w.SetPolicy(t.Context(), w.Policy(), next))
}

// lenientTo is a firm in which somebody may invite guests: Alice, who founded it,
// or a member.
func lenientTo(t *testing.T, who string) *workspacetest.Firm {
	t.Helper()
	if who == "alice" {
		return workspacetest.NewFirm(t, "alice")
	}
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", who, officer.RoleMember)
	guestsBy(t, f, officer.RoleMember)
	return f
}

// acceptFrom has somebody accept who knows whose email to type.
func acceptFrom(t *testing.T, f *workspacetest.Firm, name, inviter string, inv *plan.Invitation) *workspacetest.Person {
	t.Helper()
	p := workspacetest.NewPerson(t, name)
	f.People[name] = p
	i, err := workspace.OpenInvitation(t.Context(), p.Config(f.Store), inv)
	must(t, err)
	_, err = i.Accept(t.Context(), p.Config(f.Store), inviter+"@example.com")
	must(t, err)
	return p
}

// unchanged fails where the log has grown since head was taken.
func unchanged(t *testing.T, f *workspacetest.Firm, what string, head officer.Head) {
	t.Helper()
	if f.Open("alice").State().Head() != head {
		t.Errorf("%s: something was written", what)
	}
}

// TestWhoInvites is the whole table: who invites, under which policy, as what.
// What is allowed goes its way to the end; what is not leaves no trace.
func TestWhoInvites(t *testing.T) {
	t.Parallel()
	roles := []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest}
	for _, policy := range roles[:2] {
		for _, by := range roles {
			t.Run(fmt.Sprintf("guests by %ss, invited by an %s", policy, by), func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				f := workspacetest.NewFirm(t, "alice")
				f.Add("alice", "bob", by)
				guestsBy(t, f, policy)
				for _, as := range roles {
					head := f.Open("alice").State().Head()
					bob := f.Open("bob")
					info, err := bob.CreateInvitation(ctx, workspace.InvitationRequest{Role: as})
					if may := by == officer.RoleOfficer || by == officer.RoleMember && policy == by && as == officer.RoleGuest; !may {
						if !errors.Is(err, officer.ErrAuthority) || errors.Is(err, workspace.ErrGuestPolicy) != (by == officer.RoleMember && as == officer.RoleGuest) {
							t.Errorf("as %s: %v", as, err)
						}
						// Nor by the card alone.
						err = bob.AddMember(ctx, workspacetest.NewPerson(t, "carol").Me.Card(), as)
						if !errors.Is(err, officer.ErrAuthority) {
							t.Errorf("by the card, as %s: %v", as, err)
						}
						unchanged(t, f, as.String(), head)
						continue
					}
					must(t, err)
					name := fmt.Sprintf("carol%d", as)
					carol := acceptFrom(t, f, name, "bob", line(t, bob, info.ID))
					m, err := f.Open("bob").ConfirmInvitation(ctx, info.ID, carol.Me.Member(), true)
					must(t, err)
					if w := f.Open(name); m.Role != as || w.Me().Role != as || w.State().Device(w.Me().AddedBy).Member != id(f, "bob") {
						t.Errorf("as %s: %+v", as, m.Member)
					}
				}
				if list, err := f.Open("bob").Invitations(ctx); err != nil || len(list) != map[officer.Role]int{1: 3, 2: int(policy) - 1}[by] {
					t.Errorf("%d invitations are left, %v", len(list), err)
				}
			})
		}
	}
}

// TestMemberInvitesGuest: the guest is told who invites and as what, is in the
// groups that the member manages, and reads what those read.
func TestMemberInvitesGuest(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := lenientTo(t, "bob")
	alice := f.Open("alice")
	next := alice.Policy()
	next.Groups = officer.RoleMember
	must(t, alice.SetPolicy(ctx, alice.Policy(), next))
	must(t, alice.NewGroup(ctx, "partners", nil))
	must(t, alice.NewField(ctx, "phone"))
	must(t, f.Open("bob").NewGroup(ctx, "matter 7", nil))
	must(t, f.Open("bob").NewGroup(ctx, "staff", nil))
	alice = f.Open("alice")
	must(t, alice.Grant(ctx, "phone", "matter 7", officer.Read))
	must(t, alice.Grant(ctx, "phone", "staff", officer.Read|officer.Share))
	token := seal(t, alice, "phone", "202-224-3441")

	bob, day := f.Open("bob"), workspacetest.Clock().Add(time.Hour)
	head := bob.State().Head()
	for group, want := range map[string]error{"partners": officer.ErrAuthority, "staff": officer.ErrRights, "nobody": workspace.ErrNoSuch} {
		if _, err := bob.CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleGuest, Groups: []string{group}}); !errors.Is(err, want) {
			t.Errorf("into %s: %v", group, err)
		}
	}
	unchanged(t, f, "refused groups", head)
	info, inv := invite(t, bob, workspace.InvitationRequest{Role: officer.RoleGuest, Until: day, Groups: []string{"matter 7"}})
	gina := workspacetest.NewPerson(t, "gina")
	f.People["gina"] = gina
	i, err := workspace.OpenInvitation(ctx, gina.Config(f.Store), inv)
	must(t, err)
	if _, err := i.Offer("alice@example.com"); i.InviterRole() != officer.RoleMember || !errors.Is(err, workspace.ErrNotInviter) {
		t.Errorf("an officer's email: %v", err)
	}
	offer, err := i.Offer("Bob@example.com")
	must(t, err)
	if offer.Inviter != id(f, "bob") || offer.InviterRole != officer.RoleMember || offer.InviterName != "bob" || offer.Role != officer.RoleGuest || len(offer.Groups) != 1 || offer.Groups[0] != "matter 7" {
		t.Errorf("%+v", offer)
	}
	if _, err := i.Accept(ctx, gina.Config(f.Store), "alice@example.com"); !errors.Is(err, workspace.ErrNotInviter) || len(gina.Home.Files) != 0 {
		t.Errorf("an officer's email: %v, %d files", err, len(gina.Home.Files))
	}
	_, err = i.Accept(ctx, gina.Config(f.Store), "bob@example.com")
	must(t, err)
	if _, err := f.Open("alice").ConfirmInvitation(ctx, info.ID, gina.Me.Member(), true); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("confirmed by an officer: %v", err)
	}
	if _, err := bob.ConfirmInvitation(ctx, info.ID, gina.Me.Member(), false); !errors.Is(err, workspace.ErrNotCompared) {
		t.Errorf("not compared: %v", err)
	}
	m, err := f.Open("bob").ConfirmInvitation(ctx, info.ID, gina.Me.Member(), true)
	must(t, err)
	if m.EmailText != "gina@example.com" || m.Expires != uint64(day.Unix()) {
		t.Errorf("%+v", m)
	}
	w := f.Open("gina")
	if got, err := opens(t, w, token); err != nil || got != "202-224-3441" {
		t.Errorf("gina reads %q, %v", got, err)
	}
	if got, _, err := w.AnsweredInvitation(ctx); err != nil || got.Status != workspace.InvitationJoined {
		t.Errorf("gina sees %v, %v", got.Status, err)
	}
	// Officers see who she is; to take her out is theirs.
	if m, err := f.Open("alice").MemberByEmail(ctx, "gina@example.com"); err != nil || m.Role != officer.RoleGuest {
		t.Errorf("alice sees %+v, %v", m, err)
	}
	if _, err := f.Open("bob").RemoveMember(ctx, id(f, "gina"), workspace.Consent{}); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("removed by a member: %v", err)
	}
	_, err = f.Open("alice").RemoveMember(ctx, id(f, "gina"), workspace.Consent{})
	must(t, err)
}

// TestInvitationSuspended: roles and policy change before somebody is let in.
// Both sides see it, nothing is changed by trying, and where things change back
// the invitation is good again.
func TestInvitationSuspended(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change  func(t *testing.T, f *workspacetest.Firm)
		want    error // of who confirms
		end     error // of who withdraws
		inviter workspace.InvitationStatus
		guest   workspace.InvitationStatus
	}{
		"the policy is another": {
			func(t *testing.T, f *workspacetest.Firm) { guestsBy(t, f, officer.RoleOfficer) },
			workspace.ErrGuestPolicy, nil, workspace.InvitationSuspended, workspace.InvitationSuspended,
		},
		"bob is a guest": {
			func(t *testing.T, f *workspacetest.Firm) { become(t, f, officer.RoleGuest) },
			officer.ErrAuthority, officer.ErrAuthority, workspace.InvitationSuspended, workspace.InvitationSuspended,
		},
		"bob is removed": {
			func(t *testing.T, f *workspacetest.Firm) {
				_, err := f.Open("alice").RemoveMember(t.Context(), id(f, "bob"), workspace.Consent{})
				must(t, err)
			},
			workspace.ErrRemoved, workspace.ErrRemoved, 0, workspace.InvitationSuspended,
		},
		"bob manages the group no more": {
			func(t *testing.T, f *workspacetest.Firm) {
				w := f.Open("alice")
				must(t, w.AddToGroup(t.Context(), "matter 7", "alice@example.com", officer.Read|officer.Share))
				_, err := w.RemoveFromGroup(t.Context(), "matter 7", "bob@example.com")
				must(t, err)
			},
			officer.ErrAuthority, nil, workspace.InvitationAccepted, workspace.InvitationAccepted,
		},
		"bob is an officer, and the policy another": {
			func(t *testing.T, f *workspacetest.Firm) {
				guestsBy(t, f, officer.RoleOfficer)
				become(t, f, officer.RoleOfficer)
			},
			nil, workspace.ErrInvitationSpent, workspace.InvitationAccepted, workspace.InvitationAccepted,
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			f := lenientTo(t, "bob")
			alice := f.Open("alice")
			must(t, alice.NewGroup(ctx, "matter 7", []string{"bob@example.com"}))
			r := workspace.InvitationRequest{Role: officer.RoleGuest}
			if what == "bob manages the group no more" {
				must(t, alice.AddToGroup(ctx, "matter 7", "bob@example.com", officer.Read|officer.Share))
				r.Groups = []string{"matter 7"}
			}
			info, inv := invite(t, f.Open("bob"), r)
			open, openInv := invite(t, f.Open("bob"), workspace.InvitationRequest{Role: officer.RoleGuest})
			gina := acceptFrom(t, f, "gina", "bob", inv)
			c.change(t, f)
			head := f.Open("alice").State().Head()
			bob := f.Open("bob")
			list, err := bob.Invitations(ctx)
			if c.inviter == 0 && !errors.Is(err, c.want) || c.inviter != 0 && (err != nil || list[0].Status != c.inviter) {
				t.Errorf("bob sees %+v, %v", list, err)
			}
			if got, _, err := f.Open("gina").AnsweredInvitation(ctx); err != nil || got.Status != c.guest {
				t.Errorf("gina sees %v, %v", got.Status, err)
			}
			suspended := c.guest == workspace.InvitationSuspended
			if _, err := bob.InvitationLine(ctx, open.ID); suspended && !errors.Is(err, c.want) || !suspended && err != nil {
				t.Errorf("the line of another: %v", err)
			}
			if _, err := workspace.OpenInvitation(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, openInv); suspended && !errors.Is(err, workspace.ErrInviter) || !suspended && err != nil {
				t.Errorf("another is opened: %v", err)
			}
			if _, err := bob.ConfirmInvitation(ctx, info.ID, gina.Me.Member(), true); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("confirmed: %v", err)
			}
			if c.want != nil {
				unchanged(t, f, what, head)
			}
			if errors.Is(c.want, workspace.ErrGuestPolicy) { // and back
				guestsBy(t, f, officer.RoleMember)
				_, err := f.Open("bob").ConfirmInvitation(ctx, info.ID, gina.Me.Member(), true)
				must(t, err)
				guestsBy(t, f, officer.RoleOfficer)
				info = open
			}
			if err := f.Open("bob").WithdrawInvitation(ctx, info.ID); !errors.Is(err, c.end) || c.end == nil && err != nil {
				t.Errorf("withdrawn: %v", err)
			}
		})
	}
}

// become has Alice change Bob's role.
func become(t *testing.T, f *workspacetest.Firm, role officer.Role) {
	t.Helper()
	must(t, f.Open("alice").ChangeRole(t.Context(), id(f, "bob"), role, time.Time{}, workspace.Consent{}))
}

// rigged is the firm's store with an entry of Bob's program, which lets somebody
// in by an invitation and does not ask whether it may.
func rigged(t *testing.T, f *workspacetest.Firm, p *workspacetest.Person, inv *plan.Invitation, as officer.Role) store.Store {
	t.Helper()
	bob, hash := f.People["bob"].Me.Keys(), inv.Hash()
	return forged(t, f, bob.ID(), bob.Sign, &officer.MemberAdded{Card: p.Me.Card().Card.Bytes(), Role: as, Invite: hash[:]})
}

// TestAttack16MemberInvitesMore: a member's rigged program offers more than a
// guest's place, and writes it into the log. The invited person's program refuses
// the offer, everybody's the entry; under another policy a guest's place too.
func TestAttack16MemberInvitesMore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := lenientTo(t, "bob")
	info, inv := invite(t, f.Open("bob"), workspace.InvitationRequest{Role: officer.RoleGuest})
	list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
	must(t, err)
	honest, err := inv.OpenMessage(list[0].Data)
	must(t, err)
	carol := workspacetest.NewPerson(t, "carol")
	offered := func(roles ...officer.Role) (*workspace.Invited, error) {
		t.Helper()
		list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
		must(t, err)
		for _, m := range list {
			must(t, f.Store.DeleteMail(ctx, inv.Mailbox(), m.ID))
		}
		for _, role := range roles {
			m := honest
			m.Role = role
			b, err := inv.SealMessage(m)
			must(t, err)
			must(t, f.Store.PutMail(ctx, inv.Mailbox(), b))
		}
		return workspace.OpenInvitation(ctx, carol.Config(f.Store), inv)
	}
	for _, role := range []officer.Role{officer.RoleMember, officer.RoleOfficer} {
		if _, err := offered(role); !errors.Is(err, workspace.ErrInviter) {
			t.Errorf("offered to be %s: %v", role, err)
		}
	}
	i, err := offered(officer.RoleOfficer, officer.RoleGuest, officer.RoleMember) // beside the honest one
	must(t, err)
	if offer, err := i.Offer("bob@example.com"); err != nil || offer.Role != officer.RoleGuest {
		t.Errorf("%+v, %v", offer, err)
	}
	f.People["carol"] = carol
	_, err = i.Accept(ctx, carol.Config(f.Store), "bob@example.com")
	must(t, err)
	everybody := func(what string, st store.Store) {
		t.Helper()
		for _, who := range []string{"alice", "bob", "carol"} {
			if _, err := f.TryOpen(who, st); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrAuthority) {
				t.Errorf("%s, %s: %v", what, who, err)
			}
		}
	}
	everybody("a member", rigged(t, f, carol, inv, officer.RoleMember))
	everybody("an officer", rigged(t, f, carol, inv, officer.RoleOfficer))
	guestsBy(t, f, officer.RoleOfficer)
	everybody("a guest, against the policy", rigged(t, f, carol, inv, officer.RoleGuest))
	guestsBy(t, f, officer.RoleMember)
	if _, err := f.TryOpen("alice", rigged(t, f, carol, inv, officer.RoleGuest)); err != nil {
		t.Errorf("what a member may: %v", err)
	}
	m, err := f.Open("bob").ConfirmInvitation(ctx, info.ID, carol.Me.Member(), true)
	if err != nil || m.Role != officer.RoleGuest {
		t.Errorf("%v, %v", m.Role, err)
	}
}

// TestAttack2GuestPolicyOfTheStore: no policy that a store serves lets a member
// invite, or an invited person be let in by one: neither a policy that no officer
// signed, nor an older log.
func TestAttack2GuestPolicyOfTheStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := lenientTo(t, "bob")
	long := f.Open("alice").State().Head().Length
	old := &replaced{Store: f.Store, entries: entriesOf(t, f.Store)}
	guestsBy(t, f, officer.RoleOfficer)
	lax := officer.DefaultPolicy()
	lax.Guests = officer.RoleMember
	bob := f.People["bob"].Me.Keys()
	flipped := forged(t, f, bob.ID(), bob.Sign, &lax)
	f.Open("bob")
	for what, c := range map[string]struct {
		store store.Store
		want  error
	}{
		"no officer's": {flipped, officer.ErrAuthority},
		"an old log":   {old, workspace.ErrRollback},
	} {
		if _, err := f.TryOpen("bob", c.store); !errors.Is(err, c.want) {
			t.Errorf("%s: bob opens it: %v", what, err)
		}
	}
	// Bob's program plays along: his line names the old log's head or the new one's.
	for what, st := range map[string]store.Store{"no officer's": flipped, "an old log": old, "as it is": f.Store} {
		state := f.Open("alice").State()
		inv, err := plan.NewInvitation(plan.Terms{
			Organization: f.ID, Inviter: id(f, "bob"), Head: state.Head(), Expires: workspacetest.Clock().Add(time.Hour), Store: "dir:/srv/firm",
		})
		must(t, err)
		_, err = workspace.OpenInvitation(ctx, workspacetest.NewPerson(t, "gina").Config(st), inv)
		if want := map[string]error{"no officer's": workspace.ErrLog, "an old log": workspace.ErrRollback, "as it is": workspace.ErrInviter}[what]; !errors.Is(err, want) {
			t.Errorf("%s: gina opens it: %v", what, err)
		}
	}
	// By the old log a rigged program can invite and add. It is another history
	// from there on, and nobody who has seen the policy follows it.
	gina := workspacetest.NewPerson(t, "gina")
	e, err := officer.Entry{
		Organization: f.ID, Sequence: long, Previous: officer.EntryHash(old.entries[long-1]), Time: workspacetest.Clock(), Author: bob.ID(),
		Operations: []officer.Operation{&officer.MemberAdded{Card: gina.Me.Card().Card.Bytes(), Role: officer.RoleGuest}},
	}.Sign(bob.Sign)
	must(t, err)
	must(t, old.Append(ctx, long, e))
	for _, who := range []string{"alice", "bob"} {
		if _, err := f.TryOpen(who, old); !errors.Is(err, workspace.ErrFork) {
			t.Errorf("another history: %s: %v", who, err)
		}
	}
}
