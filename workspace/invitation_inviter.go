package workspace

import (
	"errors"
	"fmt"

	"github.com/underseal/underseal/officer"
)

// ErrGuestPolicy: only officers let guests in, as long as the policy says so. It
// comes with officer.ErrAuthority.
var ErrGuestPolicy = errors.New("the policy lets only officers let guests in")

// requireInviter refuses everybody who may not let others in with a role now:
// officers may with any, members with that of a guest, where the policy in force
// says so. Replay judges it once more.
func (w *Workspace) requireInviter(as officer.Role) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	switch by := w.Me().Role; {
	case w.state.Policy().LetsIn(by, as):
		return nil
	case by == officer.RoleMember && as == officer.RoleGuest:
		return fmt.Errorf("%w: %w", ErrGuestPolicy, officer.ErrAuthority)
	default:
		return officer.ErrAuthority
	}
}

// requireWithdrawer refuses guests, who make no invitations. Members end theirs
// also where the policy does not let them make any by now.
func (w *Workspace) requireWithdrawer() error {
	if err := w.requireMe(); err != nil {
		return err
	}
	if w.Me().Role == officer.RoleGuest {
		return officer.ErrAuthority
	}
	return nil
}

// mayInvite tells the same of somebody else.
func (w *Workspace) mayInvite(by officer.MemberID, as officer.Role) bool {
	m := w.state.Member(by)
	return m != nil && !m.Removed && w.state.Policy().LetsIn(m.Role, as)
}

// notOpen says why an invitation that was made here lets nobody in now.
func (w *Workspace) notOpen(i InvitationInfo) error {
	if i.Status == InvitationSuspended {
		return w.requireInviter(i.Role)
	}
	return i.Status.err()
}

// checkInto says why the caller may not let somebody into a group who gets a role.
func (w *Workspace) checkInto(group officer.GroupID, as officer.Role) error {
	switch g := w.state.Group(group); {
	case g == nil, g.Ended():
		return officer.ErrEnded
	case !g.Manages(w.me.Member()):
		return officer.ErrAuthority
	case as == officer.RoleGuest && w.state.ClosedToGuests(g.ID):
		return fmt.Errorf("guest: %w", officer.ErrRights)
	}
	return nil
}
