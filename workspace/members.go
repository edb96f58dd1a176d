package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

var (
	// ErrLoss: what nobody else reads would be lost.
	ErrLoss = errors.New("what nobody else can open would be lost with them")
	// ErrRecovery: colleagues could no longer be recovered.
	ErrRecovery = errors.New("colleagues could no longer be recovered by their officers")
)

// Consent says which consequences of a removal are meant.
type Consent struct {
	Loss     bool // that Lost is lost
	Recovery bool // that colleagues cannot be recovered any more
}

// Check tells which consequence of a removal is not meant: ErrLoss, ErrRecovery.
func (c Consent) Check(r MemberRemoval) error {
	switch {
	case len(r.Lost) > 0 && !c.Loss:
		return ErrLoss
	case len(r.Unrecoverable) > 0 && !c.Recovery:
		return ErrRecovery
	}
	return nil
}

// ShareLoss is a colleague's recovery of which somebody held a share.
type ShareLoss struct {
	Member    officer.MemberID // who enrolled
	Threshold int              // how many officers it takes
	Left      int              // how many are left who hold a share
}

// unrecoverable are those whom too few officers are left to recover, of whom
// there were enough.
func unrecoverable(list []ShareLoss) (members []officer.MemberID) {
	for _, l := range list {
		if l.Left+1 == l.Threshold {
			members = append(members, l.Member)
		}
	}
	return members
}

// sharesOf lists the recoveries of which an officer holds a share.
func sharesOf(s *officer.State, id officer.MemberID) (list []ShareLoss) {
	if s.Member(id).Role != officer.RoleOfficer {
		return nil // their share does not count already
	}
	for _, m := range s.SharesOf(id) {
		e := m.Enrolment()
		list = append(list, ShareLoss{Member: m.ID, Threshold: int(e.Threshold), Left: len(s.Holders(e)) - 1})
	}
	return list
}

// MemberRemoval is what the removal of a member does, in one entry of the log.
type MemberRemoval struct {
	Member MemberInfo
	Renewal
	// Devices of theirs end, backups among them.
	Devices []DeviceInfo
	// EndedGroups had nobody else in them.
	EndedGroups []officer.GroupID
	// Openers are, for what is closed, those who share it and so open its next
	// epoch; Managers are the same of groups. Where there is nobody, an officer
	// first gives that right to somebody who reads it, or is in it.
	Openers  map[officer.ResourceID][]officer.MemberID
	Managers map[officer.GroupID][]officer.MemberID
	// Lost is what nobody but the member, and guests, can open, or nobody else
	// could go on with: with them it is lost, but for copies of theirs.
	Lost []officer.ResourceID
	// Shares are the recoveries of which they hold a share.
	Shares []ShareLoss
	// Unrecoverable are those of them that have too few officers left.
	Unrecoverable []officer.MemberID
}

// PlanMemberRemoval says what RemoveMember would do now. Nothing is changed.
func (w *Workspace) PlanMemberRemoval(ctx context.Context, id officer.MemberID) (MemberRemoval, error) {
	if err := w.checkMemberRemoval(id); err != nil {
		return MemberRemoval{}, err
	}
	r, err := w.describeMemberRemoval(ctx, id)
	if err != nil {
		return r, err
	}
	a := w.author()
	p, err := a.RemoveMember(id, w.held(ctx))
	if err != nil {
		return r, err
	}
	r.renew(p)
	_, next, err := w.sign(p)
	if err != nil {
		return r, err
	}
	r.after(next)
	return r, nil
}

// RemoveMember takes a member away, by an officer. One entry removes them with
// every device, right and place in a group, and replaces or closes every key
// that they could reach (P7); what the caller was not granted is closed, so the
// caller gains no key (attack 60).
//
// It can be called again after a failure; it fails with ErrMemberRemoved where
// it was done. It fails with ErrLoss where something is lost by it, and with
// ErrRecovery where it leaves colleagues with too few officers to recover them,
// unless the caller consents to that.
func (w *Workspace) RemoveMember(ctx context.Context, id officer.MemberID, meant Consent) (MemberRemoval, error) {
	if err := w.checkMemberRemoval(id); err != nil {
		return MemberRemoval{}, err
	}
	r, err := w.describeMemberRemoval(ctx, id)
	if err != nil {
		return r, err
	}
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.checkMemberRemoval(id); err != nil { // somebody else was faster
			return nil, err
		}
		r.before(a.State)
		p, err := a.RemoveMember(id, w.held(ctx))
		if err != nil {
			return nil, err
		}
		r.renew(p)
		return p, meant.Check(r)
	})
	if err != nil {
		return r, err
	}
	w.keys.relist() // the envelopes of the new keys may have been seen too early
	r.after(w.state)
	return r, nil
}

// checkMemberRemoval says why a removal would be refused.
func (w *Workspace) checkMemberRemoval(id officer.MemberID) error {
	if err := w.requireOfficer(); err != nil {
		return err
	}
	m, err := w.present(id)
	switch {
	case err != nil:
		return err
	case id == w.me.Member():
		return fmt.Errorf("removal: %w", ErrSelf)
	case m.Role == officer.RoleOfficer:
		return w.oneOfficerLess()
	}
	return nil
}

func (w *Workspace) describeMemberRemoval(ctx context.Context, id officer.MemberID) (r MemberRemoval, err error) {
	members := w.Members(ctx)
	r.Member = members[slices.IndexFunc(members, func(m MemberInfo) bool { return m.ID == id })]
	devices, err := w.Devices(ctx, id)
	if err != nil {
		return r, err
	}
	for _, d := range devices {
		if !d.Removed {
			r.Devices = append(r.Devices, d)
		}
	}
	r.before(w.state)
	return r, nil
}

// before fills in what only the state before the removal tells.
func (r *MemberRemoval) before(s *officer.State) {
	r.Lost, r.EndedGroups = nil, nil
	for _, lost := range plan.Lost(s, r.Member.ID) {
		r.Lost = append(r.Lost, lost.ID)
	}
	for _, g := range s.Groups() {
		if len(g.Members) == 1 && g.Has(r.Member.ID) {
			r.EndedGroups = append(r.EndedGroups, g.ID)
		}
	}
	r.Shares = sharesOf(s, r.Member.ID)
	r.Unrecoverable = unrecoverable(r.Shares)
}

// renew fills in what the plan does. What gets a new key is not lost: the caller
// had it.
func (r *MemberRemoval) renew(p *plan.Plan) {
	r.Renewal = renewalOf(p)
	r.Lost = slices.DeleteFunc(r.Lost, func(id officer.ResourceID) bool { return slices.Contains(r.Rotated, id) })
}

// after fills in who goes on with what was closed.
func (r *MemberRemoval) after(s *officer.State) {
	r.Openers, r.Managers = map[officer.ResourceID][]officer.MemberID{}, map[officer.GroupID][]officer.MemberID{}
	for _, id := range r.Closed {
		r.Openers[id] = openers(s, s.Resource(id))
	}
	for _, id := range r.ClosedGroups {
		r.Managers[id] = managers(s.Group(id))
	}
}

// openers are those who may open the next epoch of a resource that is closed,
// in the order in which they were added.
func openers(s *officer.State, r *officer.Resource) (list []officer.MemberID) {
	for id := range s.Readers(r) { // and not all members: there may be thousands of resources
		if s.Rights(id, r).Has(officer.Share) {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, func(a, b officer.MemberID) int {
		return cmp.Or(cmp.Compare(s.Member(a).Added, s.Member(b).Added), a.Compare(b))
	})
	return list
}

func managers(g *officer.Group) (list []officer.MemberID) {
	for _, m := range g.Members {
		if m.Rights.Has(officer.Share) {
			list = append(list, m.Member)
		}
	}
	return list
}

// Openers are those who share a resource, and so open its next epoch when it is
// closed.
func (w *Workspace) Openers(id officer.ResourceID) []officer.MemberID {
	r := w.state.Resource(id)
	if r == nil {
		return nil
	}
	return openers(w.state, r)
}
