package officer_test

import (
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// there returns a member who was not removed.
func (m *model) there(id officer.MemberID) modelMember {
	member, known := m.members[id]
	must(known && !member.removed, 15)
	return member
}

func (m *model) officers() (n int) {
	for _, member := range m.members {
		if member.role == officer.RoleOfficer && !member.removed {
			n++
		}
	}
	return n
}

func (m *model) memberOperation(op officer.Operation) {
	switch o := op.(type) {
	case *officer.MemberRemoved:
		member := m.there(o.Member)
		must(o.Member != m.me, 11)
		m.oweReach(o.Member)
		key := modelMemberKey(o.Member)
		for id, g := range m.groups {
			if !g.has(o.Member) {
				continue
			}
			delete(g.rights, key)
			delete(g.senders, key)
			delete(g.helpers, key)
			if len(g.rights) == 0 {
				for _, r := range m.resources {
					delete(r.rights, modelGroupKey(id))
					delete(r.senders, modelGroupKey(id))
					delete(r.helpers, modelGroupKey(id))
				}
			}
		}
		for _, r := range m.resources {
			delete(r.rights, key)
			delete(r.senders, key)
			delete(r.helpers, key)
		}
		for id, d := range m.devices {
			if d.member == o.Member {
				d.removed = true
				m.devices[id] = d
			}
		}
		m.endPresent(o.Member)
		member.removed, member.closed = true, true
		m.members[o.Member] = member
		m.countOfficers = true
	case *officer.RoleChanged:
		member := m.there(o.Member)
		must(o.Role >= 1 && o.Role <= 3, 13)
		must(o.Expires == 0 || o.Role == officer.RoleGuest, 5)
		must(o.Role != member.role, 5)
		if o.Role == officer.RoleGuest {
			for _, r := range m.resources {
				rights := m.rightsOf(o.Member, r)
				must(rights&officer.Share == 0 && (rights == 0 || r.kind != wire.KindDirectory), 17)
			}
			for _, g := range m.groups {
				must(!g.manages(o.Member), 17)
			}
		}
		member.role = o.Role
		m.members[o.Member] = member
		m.countOfficers = true
	case *officer.Policy:
		m.setPolicy(o)
	case *officer.InvitationWithdrawn:
		must(!m.invites[o.Invite], 14)
		m.invites[o.Invite] = true
	}
}

func (m *model) setPolicy(o *officer.Policy) {
	for _, r := range []officer.Role{o.Fields, o.Folders, o.Groups, o.Guests} {
		must(r == 1 || r == 2, 5)
	}
	must(o.Officers >= 1 && o.Officers <= 255 && o.Names <= 1 && len(o.Cosigned) <= 255, 5)
	must(o.Recovery == 0 || o.Recovery >= 2 && o.Recovery <= o.Officers, 5)
	signers := map[officer.MemberID]bool{}
	for _, c := range o.Cosigned {
		d, known := m.devices[c.Device]
		must(known && !d.removed && m.members[d.member].role == officer.RoleOfficer && d.member != m.me && !signers[d.member], 11)
		signers[d.member] = true
		must(pubkey.Verify(m.signing[c.Device], wire.LabelPolicy, o.Payload(m.org, m.before), c.Signature) == nil, 11)
	}
	must(o.Recovery >= m.policy.Recovery || len(signers) >= int(m.policy.Recovery)-1, 11)
	m.policy = *o
	m.policy.Cosigned = nil
	m.countOfficers = true
}
