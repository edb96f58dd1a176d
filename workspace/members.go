package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// ErrRecovery: colleagues could no longer be recovered.
var ErrRecovery = errors.New("colleagues could no longer be recovered by their officers")

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
	// Lost is what nobody but the member, and guests, can read: with them it is
	// lost, but for copies of theirs.
	Lost []officer.ResourceID
	// Unrecoverable lose a share of their recovery, and have too few left.
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
	a := plan.Author{State: w.state, Device: w.me.Keys(), Now: w.now()}
	p, err := a.RemoveMember(id, w.held(ctx))
	if err != nil {
		return r, err
	}
	r.Renewal = renewalOf(p)
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
// it was done. Where it leaves colleagues without enough officers to recover
// them, it fails with ErrRecovery unless unrecoverable says that this is meant.
func (w *Workspace) RemoveMember(ctx context.Context, id officer.MemberID, unrecoverable bool) (MemberRemoval, error) {
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
		if len(r.Unrecoverable) > 0 && !unrecoverable {
			return nil, ErrRecovery
		}
		p, err := a.RemoveMember(id, w.held(ctx))
		if err == nil {
			r.Renewal = renewalOf(p)
		}
		return p, err
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
	r.Unrecoverable = unrecoverable(s, r.Member.ID)
}

// unrecoverable lists whom too few officers could recover without one.
func unrecoverable(*officer.State, officer.MemberID) []officer.MemberID { return nil }

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
	readers := s.Readers(r)
	for _, m := range s.Members() {
		if _, reads := readers[m.ID]; reads && s.Rights(m.ID, r).Has(officer.Share) {
			list = append(list, m.ID)
		}
	}
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

// ClosedResource is a resource that nobody may write under until somebody opens
// its next epoch.
type ClosedResource struct {
	*officer.Resource
	Openers []officer.MemberID // who may; nobody where it is orphaned
}

// Closed lists what is closed and not ended, with those whom it waits for.
func (w *Workspace) Closed() (list []ClosedResource) {
	for _, r := range w.state.Resources() {
		if r.Epoch().Closed && !r.Ended {
			list = append(list, ClosedResource{Resource: r, Openers: openers(w.state, r)})
		}
	}
	return list
}
