package officer

import (
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// checkRole accepts a role with the expiry that comes with it.
func checkRole(role Role, expires uint64) error {
	switch {
	case role < RoleOfficer || role > RoleGuest:
		return ErrRole
	case expires != 0 && role != RoleGuest:
		return fmt.Errorf("%w: only guests expire", ErrOperation)
	case expires > maxTime:
		return fmt.Errorf("%w: expiry", ErrOperation)
	default:
		return nil
	}
}

func (tx *transaction) applyMemberRemoved(o *MemberRemoved) error {
	if _, err := tx.present(o.Member); err != nil {
		return err
	}
	if o.Member == tx.member {
		return fmt.Errorf("%w: nobody removes themself: they would know the next keys", ErrAuthority)
	}
	tx.requireReach(o.Member)
	own := MemberPrincipal(o.Member)
	without := func(p Principal) bool { return comparePrincipal(p, own) == 0 }
	for id, g := range tx.s.groups {
		if g.Has(o.Member) && tx.leaveGroup(id, o.Member) {
			left, ended := without, GroupPrincipal(id)
			without = func(p Principal) bool { return left(p) || comparePrincipal(p, ended) == 0 }
			delete(tx.mustRotateGroup, id)
		}
	}
	for id, r := range tx.s.resources {
		if slices.ContainsFunc(r.Grants, func(g GrantState) bool { return without(g.Principal) }) {
			r = tx.s.changeResource(id)
			r.Grants = slices.DeleteFunc(slices.Clone(r.Grants), func(g GrantState) bool { return without(g.Principal) })
		}
	}
	tx.endEnrolment(o.Member)
	m := tx.s.changeMember(o.Member)
	m.Removed, m.RemovedAt, m.KeyClosed = true, tx.sequence, true
	for _, id := range m.Devices {
		if d := tx.s.changeDevice(id); !d.Removed {
			d.Removed, d.RemovedAt = true, tx.sequence
		}
	}
	tx.mustOfficers = true
	return nil
}

// leaveGroup takes a member out of a group, and tells whether that ends it.
func (tx *transaction) leaveGroup(id GroupID, m MemberID) (ended bool) {
	g := tx.s.changeGroup(id)
	i, _ := g.find(m)
	g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
	return g.Ended()
}

func (tx *transaction) applyRoleChanged(o *RoleChanged) error {
	m, err := tx.present(o.Member)
	if err != nil {
		return err
	}
	if err := checkRole(o.Role, o.Expires); err != nil {
		return err
	}
	if o.Role == m.Role {
		return fmt.Errorf("%w: the role that they have", ErrOperation)
	}
	if o.Role == RoleGuest && tx.s.closedToGuest(o.Member) {
		return fmt.Errorf("%w: guest", ErrRights)
	}
	m = tx.s.changeMember(o.Member)
	m.Role, m.Expires = o.Role, o.Expires
	tx.mustOfficers = true
	return nil
}

// closedToGuest tells whether a member has what guests do not get.
func (s *State) closedToGuest(m MemberID) bool {
	for _, g := range s.groups {
		if g.Manages(m) {
			return true
		}
	}
	for _, r := range s.resources {
		if rights := s.Rights(m, r); rights.Has(Share) || rights != 0 && r.Kind == wire.KindDirectory {
			return true
		}
	}
	return false
}

// officers counts those who are there.
func (s *State) officers() (n uint64) {
	for _, m := range s.members {
		if m.Role == RoleOfficer && !m.Removed {
			n++
		}
	}
	return n
}
