package plan

import (
	"time"

	"github.com/underseal/underseal/officer"
)

// RemoveMember takes a member away, with every device and right: what they
// could reach is rotated where the author holds it, and closed where not
// (attack 60). The plan costs what the member could reach.
func (a Author) RemoveMember(m officer.MemberID, held Held) (*Plan, error) {
	if member := a.State.Member(m); member == nil || member.Removed {
		return nil, officer.ErrUnknown
	}
	p := &Plan{Operations: []officer.Operation{&officer.MemberRemoved{Member: m}}}
	n := a.renewal(p, held)
	n.left = func(_ officer.GroupID, member officer.MemberID) bool { return member == m }
	n.without = func(to officer.Principal) bool {
		if g, ok := to.Group(); ok { // it ends with its last member
			group := a.State.Group(g)
			return len(group.Members) == 1 && group.Has(m)
		}
		id, _ := to.Member()
		return id == m
	}
	return p, n.reach(m)
}

// Lost lists what a member reads and would be lost with them, unless their
// removal changes its key: nobody else but guests opens it, or those who do could
// neither share it nor be given that, because who shares it missed its key.
func Lost(s *officer.State, m officer.MemberID) (list []*officer.Resource) {
	for _, a := range s.Reach(m) {
		if r := a.Resource; !r.Ended && (len(list) == 0 || list[len(list)-1] != r) && strands(s, r, m) {
			list = append(list, r)
		}
	}
	return list
}

func strands(s *officer.State, r *officer.Resource, m officer.MemberID) bool {
	opened, goesOn := s.Kept(r, m)
	if !opened || goesOn {
		return !opened
	}
	_, before := s.Kept(r)
	return before
}

// ChangeRole gives a member another role; expires is for guests, and zero for
// never. It hands out no key.
func (a Author) ChangeRole(m officer.MemberID, role officer.Role, expires time.Time) (*Plan, error) {
	switch member := a.State.Member(m); {
	case member == nil || member.Removed:
		return nil, officer.ErrUnknown
	case role == officer.RoleGuest || expires.IsZero():
	default:
		return nil, officer.ErrRole
	}
	op := &officer.RoleChanged{Member: m, Role: role}
	if !expires.IsZero() {
		op.Expires = uint64(expires.Unix())
	}
	return &Plan{Operations: []officer.Operation{op}}, nil
}

// GrantBeyond is Grant to a member whose time as a guest ends in the same entry:
// that it is over now does not count.
func (a Author) GrantBeyond(key *Key, to officer.MemberID, rights officer.Rights) (*Plan, error) {
	a.Now = time.Time{}
	return a.Grant(key, officer.MemberPrincipal(to), rights)
}
