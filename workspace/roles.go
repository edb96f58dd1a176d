package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

var (
	// ErrSelf: somebody else has to do this to the caller.
	ErrSelf = errors.New("nobody does this to themself")
	// ErrMemberRemoved: the person was removed.
	ErrMemberRemoved = errors.New("removed from the organization already")
	// ErrSameRole: the member has the role already, until the same day.
	ErrSameRole = errors.New("that is their role already")
	// ErrGuestsOnly: a last day was given for somebody who is to be no guest.
	ErrGuestsOnly = errors.New("only guests are let in until a day")
	// ErrExpired: a guest's time is over, or would be over at once.
	ErrExpired = errors.New("the guest's time is over")
	// ErrKeyClosed: a device of the member was removed, and none has made the
	// next user key, so nothing can be sealed to them.
	ErrKeyClosed = errors.New("nothing can be sealed to the member until another device of theirs was used")
)

// GuestError says what a member has that guests do not get.
type GuestError struct {
	Shares  []officer.ResourceID // that they may share
	Manages []officer.GroupID    // groups that they manage
	Through []officer.GroupID    // groups that share, or read the directory
}

func (e *GuestError) Error() string { return "they have rights that a guest does not get" }

// Unwrap makes it an officer.ErrRights.
func (e *GuestError) Unwrap() error { return officer.ErrRights }

// MemberWas is MemberByEmail that finds who was removed, too: whoever is there
// before those who are not, and of those the last.
func (w *Workspace) MemberWas(ctx context.Context, email string) (MemberInfo, error) {
	m, err := w.MemberByEmail(ctx, email)
	if !errors.Is(err, ErrNoSuch) {
		return m, err
	}
	found := false
	for _, i := range w.Members(ctx) {
		if i.Removed && i.EmailText != "" && strings.EqualFold(i.EmailText, email) {
			m, found = i, true
		}
	}
	if !found {
		return m, err
	}
	return m, nil
}

// present is the member with an id, who has not been removed.
func (w *Workspace) present(id officer.MemberID) (*officer.Member, error) {
	switch m := w.state.Member(id); {
	case m == nil:
		return nil, fmt.Errorf("member: %w", ErrNoSuch)
	case m.Removed:
		return nil, fmt.Errorf("member: %w", ErrMemberRemoved)
	default:
		return m, nil
	}
}

// Expired tells whether a member is a guest whose time is over by the caller's
// clock: nothing is sealed to them any more.
func (w *Workspace) Expired(m *officer.Member) bool {
	now := w.now().Unix()
	return !m.Removed && m.Expires != 0 && now >= 0 && uint64(now) >= m.Expires
}

// ExpiredGuests lists guests whose time is over and whom an officer may remove:
// what they had before they can read until then.
func (w *Workspace) ExpiredGuests(ctx context.Context) (list []MemberInfo) {
	for _, m := range w.Members(ctx) {
		if w.Expired(m.Member) {
			list = append(list, m)
		}
	}
	return list
}

// AddGuest lets a guest in until a time, or for good with the zero time, as
// CheckCard says. The caller has compared the card's safety number with its owner.
func (w *Workspace) AddGuest(ctx context.Context, f officer.CardFile, until time.Time) error {
	return w.addCard(ctx, f, officer.RoleGuest, until)
}

func (w *Workspace) checkExpiry(role officer.Role, until time.Time) error {
	switch {
	case until.IsZero():
		return nil
	case role != officer.RoleGuest:
		return ErrGuestsOnly
	case !until.After(w.now()):
		return fmt.Errorf("%w: the day lies in the past", ErrExpired)
	}
	return nil
}

// ChangeRole gives a member another role, by an officer, and a guest another
// last day; the zero time is none. A role hands out no key but that of the
// directory: an officer gets it with all rights, a member to read and write,
// and from a guest it is taken in the same entry. While the directory is closed, or
// nothing can be sealed to them, an officer who becomes a member keeps the right to
// share it; the same role once more takes it.
//
// A guest whose time is over becomes a member like any other. What got new keys in
// between they are granted again by whoever shares it.
//
// Who becomes a guest gives up what guests do not get first: a *GuestError says
// what. It fails with ErrRecovery where colleagues are left with too few officers
// to recover them, unless the caller consents, and with officer.ErrLast where
// nobody could go on with the directory: those who are left missed its key.
func (w *Workspace) ChangeRole(ctx context.Context, id officer.MemberID, role officer.Role, until time.Time, meant Consent) error {
	if role < officer.RoleOfficer || role > officer.RoleGuest {
		return officer.ErrRole
	}
	if err := w.checkExpiry(role, until); err != nil {
		return err
	}
	if err := w.checkRole(id, role, until, meant); err != nil {
		return err
	}
	if err := w.reopenDirectory(ctx); err != nil && !keyWithheld(err) {
		return err
	}
	if id == w.me.Member() {
		w.settle(ctx) // who can share less afterwards
	}
	over := w.Expired(w.state.Member(id))
	var next *datakey.Key
	err := w.commit(ctx, func(a plan.Author) (p *plan.Plan, err error) {
		next = nil // of an attempt that came to nothing
		if err := w.checkRole(id, role, until, meant); err != nil {
			return nil, err
		}
		p, next, err = w.planRole(ctx, a, id, role, until)
		if dir := a.State.Directory(); err == nil && dir != nil {
			err = w.stranded(p, dir.ID)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	w.keys.hold(next)
	if over {
		_, _ = w.sealAgain(ctx, officer.MemberPrincipal(id)) // the change is done
	}
	return nil
}

// ofDirectory are the rights on the directory that come with a role.
func ofDirectory(role officer.Role) officer.Rights {
	switch role {
	case officer.RoleOfficer:
		return officer.Read | officer.Write | officer.Share
	case officer.RoleMember:
		return officer.Read | officer.Write
	default:
		return 0
	}
}

func expiresAt(until time.Time) uint64 {
	if until.IsZero() {
		return 0
	}
	return uint64(until.Unix()) // after now, by checkExpiry
}

// checkRole says why a change of role would be refused.
func (w *Workspace) checkRole(id officer.MemberID, role officer.Role, until time.Time, meant Consent) error {
	if err := w.requireOfficer(); err != nil {
		return err
	}
	m, err := w.present(id)
	if err != nil {
		return err
	}
	if dir := w.state.Directory(); m.Role == role && m.Expires == expiresAt(until) &&
		(role == officer.RoleGuest || dir == nil || dir.Rights(officer.MemberPrincipal(id)) == ofDirectory(role)) {
		return ErrSameRole
	}
	if m.Role == officer.RoleOfficer && role != officer.RoleOfficer {
		if err := w.oneOfficerLess(); err != nil {
			return err
		}
		if len(unrecoverable(sharesOf(w.state, id))) > 0 && !meant.Recovery {
			return ErrRecovery
		}
	}
	if role != officer.RoleGuest || m.Role == officer.RoleGuest {
		return nil
	}
	if id == w.me.Member() { // nobody takes the directory from themself
		return fmt.Errorf("guest: %w", ErrSelf)
	}
	return w.fitForGuest(id)
}

// oneOfficerLess tells whether the organization can do without an officer.
func (w *Workspace) oneOfficerLess() error {
	have, want := officers(w.state), w.state.Policy().Officers
	if have <= want {
		return fmt.Errorf("%w: %d, and %d would be left", ErrOfficers, want, have-1)
	}
	return nil
}

// fitForGuest lists what a member has to give up first.
func (w *Workspace) fitForGuest(id officer.MemberID) error {
	e := &GuestError{}
	for _, g := range w.state.Groups() {
		if g.Manages(id) {
			e.Manages = append(e.Manages, g.ID)
		}
	}
	through := map[officer.GroupID]bool{}
	dir := w.state.Directory()
	for _, a := range w.state.Reach(id) {
		ofDirectory := dir != nil && a.Resource.ID == dir.ID
		switch {
		case a.Through == nil && a.Rights.Has(officer.Share) && !ofDirectory && !a.Resource.Ended:
			e.Shares = append(e.Shares, a.Resource.ID)
		case a.Through != nil && (a.Rights.Has(officer.Share) || ofDirectory) && !through[a.Through.ID]:
			through[a.Through.ID] = true
			e.Through = append(e.Through, a.Through.ID)
		}
	}
	if len(e.Shares)+len(e.Manages)+len(e.Through) > 0 {
		return e
	}
	return nil
}

// planRole is the change of role with what it does to the directory.
func (w *Workspace) planRole(ctx context.Context, a plan.Author, id officer.MemberID, role officer.Role, until time.Time) (*plan.Plan, *datakey.Key, error) {
	m := a.State.Member(id)
	if m.Role == role && role == officer.RoleGuest { // the log changes the role alone, so it changes twice
		between, err := a.ChangeRole(id, officer.RoleMember, time.Time{})
		if err != nil {
			return nil, nil, err
		}
		last, err := a.ChangeRole(id, role, until)
		if err == nil {
			between.Join(last)
		}
		return between, nil, err
	}
	change, err := &plan.Plan{}, error(nil)
	if m.Role != role {
		change, err = a.ChangeRole(id, role, until)
	}
	dir := a.State.Directory()
	if err != nil || dir == nil {
		return change, nil, err
	}
	to := officer.MemberPrincipal(id)
	key, err := w.directoryKey(ctx)
	if err != nil && !keyWithheld(err) {
		return nil, nil, err
	}
	open := err == nil && !dir.Epoch().Closed
	if role == officer.RoleGuest {
		// What has ended nobody can be granted less of.
		for _, r := range a.State.Resources() {
			if r.Ended && r.Rights(to).Has(officer.Share) {
				gone, err := a.CloseRevoke(r.ID, to)
				if err != nil {
					return nil, nil, err
				}
				gone.Join(change)
				change = gone
			}
		}
		if dir.Rights(to) == 0 {
			return change, nil, nil
		}
		return w.withoutDirectory(a, key, open, change, to)
	}
	rights := ofDirectory(role)
	switch has := dir.Rights(to); {
	case has == rights:
		return change, nil, nil
	case has.Has(rights) && (!open || m.KeyClosed) && m.Role != role:
		return change, nil, nil // what they may do less can wait, the role cannot
	case m.KeyClosed:
		return nil, nil, ErrKeyClosed
	case err != nil:
		return nil, nil, err
	}
	grant, err := a.GrantBeyond(key, id, rights)
	if err == nil {
		change.Join(grant)
	}
	return change, nil, err
}

// withoutDirectory takes the directory from who becomes a guest, and lets the
// others go on with its next epoch.
func (w *Workspace) withoutDirectory(a plan.Author, key *datakey.Key, open bool, change *plan.Plan, from officer.Principal) (*plan.Plan, *datakey.Key, error) {
	id := a.State.Directory().ID
	if !open {
		p, err := a.CloseRevoke(id, from)
		if err == nil {
			p.Join(change)
		}
		return p, nil, err
	}
	p, next, err := a.Revoke(key, from)
	if err == nil {
		p.Join(change)
	}
	return p, next, err
}
