package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

const (
	pendingConfirm = "waiting for the person who invited you: they compare your safety number with you and confirm; see it with underseal identity show"
	pendingTaken   = "somebody else was let in by your invitation: tell your officer at once"
	pendingOver    = "nobody will confirm your invitation, it is %s: ask your officer for another one"
	pendingSuspend = "who invited you may not let anybody in as things stand: ask them, or an officer of theirs"
	pendingOfficer = "your organization wants officers to be able to bring you back, and has too few of them besides you: underseal invite create --role officer, or underseal member role EMAIL --role officer"
	pendingEnroll  = "officers cannot bring you back, as your organization wants it: underseal recovery enroll"
)

// statusJoining fills in what somebody waits for who is no member yet.
func statusJoining(ctx context.Context, w *workspace.Workspace, s *jsonStatus) error {
	if asks := recoveryPending(w); asks != "" {
		s.Pending = append(s.Pending, asks)
		return nil
	}
	i, found, err := w.AnsweredInvitation(ctx)
	if err != nil {
		return err
	}
	switch {
	case found && i.Status == workspace.InvitationAccepted:
		s.invited, s.Pending = true, append(s.Pending, pendingConfirm)
	case found && i.Status == workspace.InvitationTaken:
		s.Pending = append(s.Pending, pendingTaken)
	case found && slices.Contains([]workspace.InvitationStatus{workspace.InvitationExpired, workspace.InvitationWithdrawn, workspace.InvitationDeclined}, i.Status):
		s.Pending = append(s.Pending, fmt.Sprintf(pendingOver, i.Status))
	case found && i.Status == workspace.InvitationSuspended:
		s.Pending = append(s.Pending, pendingSuspend)
	default:
		s.Pending = append(s.Pending, pendingCard)
	}
	return nil
}

// hintInvited has the hint for who is no member yet lead to the invitation that
// they have answered, where there is one.
func hintInvited(ctx context.Context, w *workspace.Workspace, err error) error {
	var hinted *hintError
	if !errors.Is(err, workspace.ErrNotMember) || errors.As(err, &hinted) {
		return err
	}
	i, found, failed := w.AnsweredInvitation(ctx)
	switch {
	case failed != nil, !found, i.Status == workspace.InvitationJoined:
		return err
	case i.Status == workspace.InvitationAccepted:
		return withHint(err, "wait until the person who invited you has confirmed; see: underseal invite list")
	case i.Status == workspace.InvitationTaken:
		return withHint(err, pendingTaken)
	default:
		return withHint(err, "see what has become of your invitation: underseal invite list")
	}
}

// statusInvitations tells who invites whether somebody has answered. Another
// command that works on the invitations knows better: then nothing is said.
func (a *app) statusInvitations(ctx context.Context, w *workspace.Workspace, s *jsonStatus) error {
	name := filepath.Join(s.Home, invitationsLock)
	if w.Me() == nil {
		return nil
	} else if _, err := os.Stat(name); err != nil {
		return nil // nobody was invited from here
	}
	lock, err := lockSlot(name)
	if errors.Is(err, errSlotTaken) {
		return nil
	} else if err == nil { // where files cannot be locked, commands are run one by one
		defer freeSlot(lock)
	}
	list, err := w.Invitations(ctx)
	if err != nil {
		return err
	}
	for _, i := range list {
		id := i.ID.String()[:shortID]
		switch i.Status {
		case workspace.InvitationAccepted:
			s.Pending = append(s.Pending, fmt.Sprintf("%s <%s> has accepted your invitation: underseal invite confirm %s", term.Escape(i.Card.Name.Text), term.Escape(i.Card.Email.Text), id))
		case workspace.InvitationContested:
			if !i.Withdrawn || a.now().Before(i.Expires.Add(alarmFor)) {
				s.Pending = append(s.Pending, contestedLine(id, i.Role.String(), i.Withdrawn))
			}
		default:
		}
	}
	return nil
}

// contestedLine says what to do about an invitation with two different answers.
func contestedLine(id, role string, withdrawn bool) string {
	line := "invitation " + id + " has two different answers, so somebody else may have its line; it lets nobody in: "
	if !withdrawn {
		return line + "underseal invite withdraw " + id
	}
	return line + "ask by voice who has answered, and hand the next one over in another way: underseal invite create --role " + role + " --in-person"
}

// statusRecovery tells whether officers can bring somebody back, where the
// policy wants that.
func statusRecovery(w *workspace.Workspace, s *jsonStatus) {
	if !w.RecoveryDue() {
		return
	}
	others := uint64(0)
	for _, m := range w.State().Members() {
		if m.Role == officer.RoleOfficer && !m.Removed && m.ID != w.Me().ID {
			others++
		}
	}
	switch {
	case others >= w.State().Policy().Recovery:
		s.Pending = append(s.Pending, pendingEnroll)
	case w.Me().Role == officer.RoleOfficer:
		s.Pending = append(s.Pending, pendingOfficer)
	}
}
