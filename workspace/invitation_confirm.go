package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// maxInvitationMail bounds how many messages of a mailbox are looked at: an
// honest one has a message, an answer, and the same answer once more.
const maxInvitationMail = 64

// invitationMail is what a mailbox holds that belongs to its invitation.
type invitationMail struct {
	message  bool // the inviter's own
	declined bool
	cards    []officer.CardFile // different ones
	// unreadable counts answers to a key of the inviter's that does not open.
	// Whoever has the line may leave such; they must not hide the others.
	unreadable int
}

// readInvitation looks into the mailbox of an invitation. Whoever may write into
// the store may put anything there: what does not open is passed over.
func (w *Workspace) readInvitation(ctx context.Context, inv *plan.Invitation) (mail invitationMail, err error) {
	list, err := w.store.ListMail(ctx, inv.Mailbox(), maxInvitationMail)
	if err != nil {
		return mail, fmt.Errorf("list messages: %w", err)
	}
	seen := map[officer.MemberID]bool{}
	for _, m := range list {
		if _, err := inv.OpenMessage(m.Data); err == nil {
			mail.message = true
			continue
		}
		a, err := inv.OpenAnswer(m.Data, func(h officer.Hash) (*envelope.PrivateKey, error) {
			u, err := w.keys.userByHash(ctx, h)
			if err != nil {
				return nil, err
			}
			return u.Private, nil
		})
		switch {
		case errors.Is(err, plan.ErrInvitation), errors.Is(err, envelope.ErrOpen):
		case keyWithheld(err), errors.Is(err, datakey.ErrCommitment):
			mail.unreadable++
		case err != nil:
			return mail, err
		case a.Declined:
			mail.declined = true
		case !seen[a.Card.Card.ID()]:
			seen[a.Card.Card.ID()] = true
			mail.cards = append(mail.cards, a.Card)
		}
	}
	return mail, nil
}

// answeredBy tells whether the card that answered an invitation was let in.
func (w *Workspace) answeredBy(rec issued) bool {
	return rec.Member != officer.MemberID{} && w.state.Member(rec.Member) != nil
}

// lookIssued says what has become of an invitation that was made here, and
// remembers whose card it saw first: a store that swaps one answer for another
// is told by it.
func (w *Workspace) lookIssued(ctx context.Context, inv *plan.Invitation, rec issued) (InvitationInfo, invitationMail, error) {
	info := rec.info(inv)
	if w.state.InvitationSpent(inv.Hash()) {
		info.Status, info.Withdrawn = InvitationWithdrawn, true
		switch {
		case w.answeredBy(rec):
			info.Status, info.Withdrawn = InvitationJoined, false
		case rec.Contested == 1:
			info.Status = InvitationContested
		}
		return info, invitationMail{}, nil
	}
	mail, err := w.readInvitation(ctx, inv)
	if err != nil {
		return info, mail, err
	}
	info.Unreadable = mail.unreadable
	for _, c := range mail.cards {
		if rec.Member == (officer.MemberID{}) {
			rec.Member, info.Member = c.Card.ID(), c.Card.ID()
			if err := w.keepIssued(inv, rec); err != nil {
				return info, mail, err
			}
		}
		if c.Card.ID() != rec.Member {
			info.Status = InvitationContested
			return info, mail, w.keepContested(inv, rec)
		}
	}
	switch {
	case mail.declined && rec.Member != (officer.MemberID{}):
		info.Status = InvitationContested
		return info, mail, w.keepContested(inv, rec)
	case rec.Contested == 1: // whatever the store shows by now
		info.Status = InvitationContested
	case mail.declined:
		info.Status = InvitationDeclined
	case !w.now().Before(info.Expires):
		info.Status = InvitationExpired
	case w.requireInviter(rec.Role) != nil:
		info.Status = InvitationSuspended
	case len(mail.cards) == 1:
		info.Status, info.Card = InvitationAccepted, mail.cards[0]
	}
	return info, mail, nil
}

// keepContested remembers that an invitation had two different answers.
func (w *Workspace) keepContested(inv *plan.Invitation, rec issued) error {
	if rec.Contested == 1 {
		return nil
	}
	rec.Contested = 1
	return w.keepIssued(inv, rec)
}

// ConfirmInvitation lets in whoever has answered an invitation that was made on
// this device. card is the fingerprint that the inviter was shown, and compared
// says that its safety number was compared with its owner by voice or in
// person; without that only a line that was handed over in person lets
// somebody in (ErrNotCompared).
//
// Two different answers, a no beside a card among them, withdraw the invitation
// and let nobody in (ErrInvitationContested); InvitationInfo tells of it from then
// on. An invitation changes nothing that is not answered, or spent, or whose time
// by this device's clock is over (ErrInvitationExpired), or made by a clock that
// was far ahead of what it says now (ErrInvitationClock). Neither does one by
// somebody who may not let others in like that any more (officer.ErrAuthority,
// ErrGuestPolicy). It may be called again after a lost answer or a crash: for who
// is in by it already it cleans up, and that is all.
func (w *Workspace) ConfirmInvitation(ctx context.Context, id officer.Hash, card officer.MemberID, compared bool) (MemberInfo, error) {
	inv, rec, err := w.findIssued(id)
	if err != nil {
		return MemberInfo{}, err
	}
	defer inv.Destroy()
	info, _, err := w.lookIssued(ctx, inv, rec)
	if err != nil {
		return MemberInfo{}, err
	}
	rec.Member = info.Member // who was seen just now
	if info.Status == InvitationContested || info.Status == InvitationAccepted && info.Card.Card.ID() != card {
		if err := w.keepContested(inv, rec); err != nil { // before the answers are gone
			return MemberInfo{}, err
		}
		if err := w.withdraw(ctx, inv, rec); err != nil {
			return MemberInfo{}, err
		}
		return MemberInfo{}, ErrInvitationContested
	}
	if info.Status == InvitationJoined && info.Member == card {
		w.sweepInvitation(ctx, inv)
		return w.memberInfo(ctx, card)
	}
	if err := w.notOpen(info); err != nil {
		return MemberInfo{}, err
	}
	if w.now().Before(info.Created.Add(-maxClockOff)) { // it cannot tell whether the time is over
		return MemberInfo{}, ErrInvitationClock
	}
	if !compared && !info.InPerson {
		return MemberInfo{}, ErrNotCompared
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return MemberInfo{}, err
	}
	for _, id := range info.Groups {
		if err := w.checkInto(id, info.Role); err != nil {
			return MemberInfo{}, fmt.Errorf("group of the invitation: %w", err)
		}
		if err := w.reopenGroup(ctx, id); err != nil {
			return MemberInfo{}, err
		}
	}
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) { return w.planInvited(ctx, a, inv, info) })
	if err != nil {
		return MemberInfo{}, err
	}
	w.sweepInvitation(ctx, inv)
	return w.memberInfo(ctx, card)
}

// memberInfo returns a member with the texts that the caller may read.
func (w *Workspace) memberInfo(ctx context.Context, id officer.MemberID) (MemberInfo, error) {
	for _, m := range w.Members(ctx) {
		if m.ID == id {
			return m, nil
		}
	}
	return MemberInfo{}, fmt.Errorf("member: %w", ErrNoSuch)
}

func (w *Workspace) planInvited(ctx context.Context, a plan.Author, inv *plan.Invitation, info InvitationInfo) (*plan.Plan, error) {
	if a.State.InvitationSpent(inv.Hash()) {
		if a.State.Member(info.Card.Card.ID()) != nil {
			return nil, nil // an answer of the store was lost, or another command was faster
		}
		return nil, ErrInvitationWithdrawn
	}
	if err := w.checkExpiry(info.Role, info.Until); err != nil {
		return nil, err
	}
	if err := w.CheckCard(ctx, info.Card, info.Role); err != nil {
		return nil, err
	}
	directory, err := w.directoryKey(ctx)
	if err != nil {
		return nil, err
	}
	var seeds []*datakey.Key
	for _, id := range info.Groups {
		if err := w.checkInto(id, info.Role); err != nil {
			return nil, fmt.Errorf("group of the invitation: %w", err)
		}
		g := a.State.Group(id)
		seed, err := w.keys.group(ctx, g, g.Epoch().Number)
		if err != nil {
			return nil, fmt.Errorf("group of the invitation: %w", err)
		}
		seeds = append(seeds, seed)
	}
	return a.AddInvited(info.Card, info.Role, info.Until, inv.Hash(), directory, seeds...)
}
