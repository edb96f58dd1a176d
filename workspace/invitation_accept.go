package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Invited is an organization as an invitation leads to it, while the invited
// person has not answered. Nothing is kept on the device, and nothing of the
// organization is shown before [Invited.Offer] was given the inviter's email.
type Invited struct {
	w       *Workspace
	inv     *plan.Invitation
	message plan.InvitationMessage
}

// Offer is what an invited person is asked to accept. Every text is one that
// the verified log commits to. They say what the organization says of itself:
// who it is shows by the inviter's safety number alone.
type Offer struct {
	Organization officer.OrganizationID
	Name         string // the organization's
	Inviter      officer.MemberID
	InviterRole  officer.Role // officer; or member, and then Role is guest
	InviterName  string
	InviterEmail string
	Role         officer.Role
	Groups       []string
	Expires      time.Time
}

// OpenInvitation verifies what an invitation leads to: the log from genesis,
// which is that of the organization (attack 13:
// ErrInvitationStore) and has the head that the
// inviter saw (attack 12: ErrFork, ErrRollback), somebody who invites and may, by
// the log's own policy (ErrInviter), and the message that they left. c needs neither identity nor home: an identity
// tells whether it was the caller who was let in already (ErrInvitationSpent), and
// not somebody else ([InvitationTakenError]). Expiry is judged by the caller's clock
// (ErrInvitationExpired), and one that is days behind is told by it (ErrInvitationClock).
// The invitation stays the caller's.
func OpenInvitation(ctx context.Context, c Config, inv *plan.Invitation) (*Invited, error) {
	w := newWorkspace(c)
	if !w.now().Before(inv.Expires) {
		return nil, ErrInvitationExpired
	}
	if inv.Expires.After(w.now().Add(MaxInvitationLife + maxClockOff)) {
		return nil, ErrInvitationClock
	}
	// Told apart from a fork, which it is not.
	switch first, err := w.read(ctx, 0, 1); {
	case err != nil:
		return nil, err
	case len(first) == 1 && officer.OrganizationOf(first[0]) != inv.Organization:
		return nil, ErrInvitationStore
	}
	w.pin = Pin{Organization: inv.Organization, Location: c.Store.Info().Location, Head: inv.Head}
	me := officer.MemberID{}
	if c.Identity != nil {
		me = c.Identity.Member()
	}
	if err := w.readAsNobody(ctx); err != nil {
		return nil, err
	}
	if w.state.InvitationSpent(inv.Hash()) {
		return nil, w.spentError(ctx, inv.Hash(), me)
	}
	if !w.mayInvite(inv.Inviter, officer.RoleGuest) { // the least that anybody lets others in as
		return nil, ErrInviter
	}
	i := &Invited{w: w, inv: inv}
	return i, i.readMessage(ctx, w.state.Member(inv.Inviter))
}

// InviterRole is the role of who invites. A member invites guests alone; a program
// says so before it asks whose email it is.
func (i *Invited) InviterRole() officer.Role { return i.w.state.Member(i.inv.Inviter).Role }

// readMessage finds the inviter's message. One whose openings are not those of
// the log is not it. Neither is one that offers what its sender cannot give, as a
// member's does that is about anything but a guest; where there is no other, that
// is what is said.
func (i *Invited) readMessage(ctx context.Context, o *officer.Member) error {
	list, err := i.w.store.ListMail(ctx, i.inv.Mailbox(), maxInvitationMail)
	if err != nil {
		return fmt.Errorf("list messages: %w", err)
	}
	labels := map[officer.Hash]bool{}
	for _, g := range i.w.state.Groups() {
		labels[g.Label] = true
	}
	missing := ErrInvitationLost
	for _, mail := range list {
		m, err := i.inv.OpenMessage(mail.Data)
		if err != nil {
			continue
		}
		same := m.Organization.Commitment() == i.w.state.Name() && m.Name.Commitment() == o.Name && m.Email.Commitment() == o.Email
		for _, g := range m.Groups {
			same = same && labels[g.Commitment()]
		}
		switch {
		case same && i.w.mayInvite(o.ID, m.Role):
			i.message = m
			return nil
		case same:
			missing = ErrInviter
		}
	}
	return missing
}

// Offer tells what the invitation offers, to somebody who knows the email of
// the inviter; case does not matter. Whoever does not is told nothing
// (ErrNotOfficer; ErrNotInviter where a member invites).
func (i *Invited) Offer(email string) (Offer, error) {
	if !strings.EqualFold(strings.TrimSpace(email), i.message.Email.Text) {
		if i.InviterRole() != officer.RoleOfficer {
			return Offer{}, ErrNotInviter
		}
		return Offer{}, ErrNotOfficer
	}
	o := Offer{
		Organization: i.inv.Organization, Name: i.message.Organization.Text, Inviter: i.inv.Inviter, InviterRole: i.InviterRole(),
		InviterName: i.message.Name.Text, InviterEmail: i.message.Email.Text, Role: i.message.Role, Expires: i.inv.Expires,
	}
	for _, g := range i.message.Groups {
		o.Groups = append(o.Groups, g.Text)
	}
	return o, nil
}

// Accept pins the organization in the home of c and answers with the card of
// its identity, sealed to the inviter. email is the inviter's, as for Offer.
// From then on no other organization is opened there (attack 7). Nothing opens
// until the inviter has confirmed. It may be called again after an interruption
// and answers with the same card.
func (i *Invited) Accept(ctx context.Context, c Config, email string) (*Workspace, error) {
	offer, err := i.Offer(email)
	if err != nil {
		return nil, err
	}
	w := newWorkspace(c)
	w.keys = newKeys(w)
	switch pin, err := loadPin(w.local, w.me.Keys()); {
	case errors.Is(err, ErrNoOrganization):
		// What was verified just now is not forgotten.
		w.pin = Pin{Organization: i.inv.Organization, Location: w.store.Info().Location, Head: i.w.state.Head()}
	case err != nil:
		return nil, err
	case pin.Organization != i.inv.Organization:
		return nil, ErrPinned
	default:
		w.pin = pin
	}
	if i.w.state.Member(w.me.Member()) != nil {
		return nil, fmt.Errorf("your card: %w", ErrTaken)
	}
	key, _, err := i.w.state.SealTo(i.inv.Inviter, w.now())
	if err != nil {
		return nil, fmt.Errorf("the inviter's key: %w", err)
	}
	if w.me.Card().Email.Text == "" {
		return nil, fmt.Errorf("your card: %w", officer.ErrOpening)
	}
	rec, err := i.answer(w, offer.Role, false, func() ([]byte, error) { return i.inv.Accept(w.me.Card(), key, w.me.Keys()) })
	if err != nil {
		return nil, err
	}
	if err := w.Sync(ctx); err != nil {
		return nil, err
	}
	return w, i.put(ctx, rec)
}

// Decline answers no. identity and home of c may be nil: then nothing is
// remembered here; neither is it beside another invitation that was accepted.
func (i *Invited) Decline(ctx context.Context, c Config) error {
	if c.Identity == nil || c.Local == nil {
		b, err := i.inv.Decline()
		if err != nil {
			return err
		}
		return i.put(ctx, b)
	}
	rec, err := i.answer(newWorkspace(c), i.message.Role, true, i.inv.Decline)
	if err != nil {
		return err
	}
	return i.put(ctx, rec)
}

// answer makes the answer and keeps it at home, before the store has it; what
// was kept by an attempt before is given once more.
func (i *Invited) answer(w *Workspace, role officer.Role, no bool, build func() ([]byte, error)) ([]byte, error) {
	var kept answeredWire
	found, err := loadSealed(w.local, w.me.Keys(), acceptedFile, &kept, answeredParts)
	if err != nil {
		return nil, err
	}
	if found && kept.Invite == i.inv.Hash() && kept.Declined == number(no) {
		return kept.Answer, nil
	}
	b, err := build()
	if err != nil {
		return nil, err
	}
	if no && found && kept.Declined == 0 && kept.Invite != i.inv.Hash() {
		return b, nil // a stranger's line must not make home forget the one that counts
	}
	return b, saveSealed(w.local, w.me.Keys(), acceptedFile, answeredWire{
		Version: wire.Version, Invite: i.inv.Hash(), Organization: i.inv.Organization, Inviter: i.inv.Inviter,
		Role: role, Expires: unix(i.inv.Expires), Declined: number(no), Answer: b,
	})
}

func (i *Invited) put(ctx context.Context, answer []byte) error {
	if err := i.w.store.PutMail(ctx, i.inv.Mailbox(), answer); err != nil {
		return fmt.Errorf("leave the answer in the store: %w", err)
	}
	return nil
}

// AnsweredInvitation tells of the invitation that was answered on this device,
// and what has become of it; false where there is none. Of one that is spent the
// log is read.
func (w *Workspace) AnsweredInvitation(ctx context.Context) (InvitationInfo, bool, error) {
	var r answeredWire
	found, err := loadSealed(w.local, w.me.Keys(), acceptedFile, &r, answeredParts)
	if err != nil || !found || r.Organization != w.Organization() {
		return InvitationInfo{}, false, err
	}
	info := InvitationInfo{
		ID: r.Invite, Role: r.Role, Expires: time.Unix(int64(min(r.Expires, maxSynced)), 0).UTC(), Member: w.me.Member(), Status: InvitationAccepted,
	}
	switch {
	case w.state.InvitationSpent(r.Invite):
		by, used, err := w.letInBy(ctx, r.Invite)
		switch {
		case err != nil:
			return InvitationInfo{}, false, err
		case !used:
			info.Status, info.Withdrawn = InvitationWithdrawn, true
		case by == w.me.Member():
			info.Status = InvitationJoined
		default:
			info.Status, info.Member = InvitationTaken, by
		}
	case r.Declined == 1:
		info.Status = InvitationDeclined
	case !w.now().Before(info.Expires):
		info.Status = InvitationExpired
	case !w.mayInvite(r.Inviter, r.Role):
		info.Status = InvitationSuspended
	}
	return info, true, nil
}

// letInBy finds in the log who was let in by an invitation; false where nobody
// was.
func (w *Workspace) letInBy(ctx context.Context, invite officer.Hash) (officer.MemberID, bool, error) {
	for e, err := range w.Log(ctx, 0, w.state.Head().Length) {
		if err != nil {
			return officer.MemberID{}, false, err
		}
		for _, op := range e.Operations {
			m, ok := op.(*officer.MemberAdded)
			if !ok || !bytes.Equal(m.Invite, invite[:]) {
				continue
			}
			card, err := officer.ParseCard(m.Card)
			if err != nil {
				return officer.MemberID{}, false, fmt.Errorf("read log: %w", err)
			}
			return card.ID(), true, nil
		}
	}
	return officer.MemberID{}, false, nil
}

// spentError says why a spent invitation lets me in no more. Somebody else in
// the place of who is invited is never passed off as a mere withdrawal.
func (w *Workspace) spentError(ctx context.Context, invite officer.Hash, me officer.MemberID) error {
	by, used, err := w.letInBy(ctx, invite)
	switch {
	case err != nil:
		return err
	case used && by != me:
		return &InvitationTakenError{Member: by}
	}
	return ErrInvitationSpent
}
