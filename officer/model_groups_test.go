package officer_test

import (
	"fmt"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// modelGroup is a group; it has ended when nobody is in it.
type modelGroup struct {
	epoch    int
	openedBy officer.DeviceID
	openedAt int
	closed   bool
	rights   map[string]officer.Rights // by modelMemberKey: 1 belongs, 5 manages too
	senders  map[string]string
	helpers  map[string]string
}

func modelKey(p officer.Principal) string             { return fmt.Sprintf("%d %x", p.Kind, p.ID) }
func modelMemberKey(id officer.MemberID) string       { return modelKey(officer.MemberPrincipal(id)) }
func modelGroupKey(id officer.GroupID) string         { return modelKey(officer.GroupPrincipal(id)) }
func (g modelGroup) has(id officer.MemberID) bool     { _, in := g.rights[modelMemberKey(id)]; return in }
func (g modelGroup) manages(id officer.MemberID) bool { return g.rights[modelMemberKey(id)] == 5 }

func (g modelGroup) orphaned() bool {
	for _, rights := range g.rights {
		if rights == 5 {
			return false
		}
	}
	return true
}

// rightsOf are a member's: of the own grant and those of groups, together.
func (m *model) rightsOf(id officer.MemberID, r modelResource) officer.Rights {
	rights := r.rights[modelMemberKey(id)]
	for group, g := range m.groups {
		if g.has(id) {
			rights |= r.rights[modelGroupKey(group)]
		}
	}
	return rights
}

// modelRecipient is a principal that is there.
type modelRecipient struct {
	key                    string
	officer, guest, closed bool
}

func (m *model) principal(p officer.Principal) modelRecipient {
	to := modelRecipient{key: modelKey(p)}
	if id, ok := p.Group(); ok {
		g, known := m.groups[id]
		must(known && len(g.rights) > 0, 15)
		to.closed = g.closed
		for id, member := range m.members {
			to.guest = to.guest || g.has(id) && member.role == officer.RoleGuest
		}
		return to
	}
	id, ok := p.Member()
	must(ok, 5)
	member := m.there(id)
	to.officer, to.guest, to.closed = member.role == officer.RoleOfficer, member.role == officer.RoleGuest, member.closed
	return to
}

func (m *model) newID(id [16]byte) {
	_, known := m.resources[id]
	must(!known, 14)
	_, known = m.groups[id]
	must(!known, 14)
}

func (m *model) oweReach(id officer.MemberID) {
	for resource, r := range m.resources {
		if m.rightsOf(id, r) != 0 {
			m.owe(resource)
		}
	}
	for group, g := range m.groups {
		if g.has(id) {
			m.owedGroups[group] = g.epoch
		}
	}
}

func (m *model) group(id officer.GroupID) modelGroup {
	g, ok := m.groups[id]
	must(ok && len(g.rights) > 0, 15)
	return g
}

func (m *model) groupsAtTheEnd() {
	for id, epoch := range m.owedGroups {
		must(len(m.groups[id].rights) == 0 || m.groups[id].epoch != epoch || m.groups[id].closed, 20)
	}
	for id := range m.touchedGroups {
		must(len(m.groups[id].rights) == 0 || !m.groups[id].orphaned(), 21)
	}
}

// beInGroup checks what a member may be in a group.
func (m *model) beInGroup(id officer.MemberID, rights officer.Rights) modelMember {
	member := m.there(id)
	must(rights == 1 || rights == 5, 17)
	must(member.role != officer.RoleGuest || rights == 1, 17)
	return member
}

func (m *model) groupOperation(op officer.Operation) {
	switch o := op.(type) {
	case *officer.GroupCreated:
		must(m.role <= m.policy.Groups, 11)
		m.newID(o.Group)
		for i := range o.Members {
			must(i == 0 || o.Members[i-1].Member.Compare(o.Members[i].Member) < 0, 5)
		}
		must(len(o.Members) > 0, 5)
		g := modelGroup{epoch: 1, openedBy: m.author, openedAt: m.sequence, rights: map[string]officer.Rights{}, senders: map[string]string{}, helpers: map[string]string{}}
		for _, x := range o.Members {
			must(!m.beInGroup(x.Member, x.Rights).closed, 18)
			g.rights[modelMemberKey(x.Member)] = x.Rights
		}
		must(g.manages(m.me), 11)
		m.epochKey(wire.KindGroup, o.Commitment, o.Public)
		m.claimText(o.Label)
		m.groups[o.Group] = g
	case *officer.GroupMemberAdded:
		m.groupMemberAdded(o)
	case *officer.GroupMemberRemoved:
		g := m.group(o.Group)
		must(m.isOfficer() || g.manages(m.me), 11)
		must(o.Member != m.me, 11)
		must(m.isOfficer() || m.members[o.Member].role != officer.RoleOfficer, 11)
		must(g.has(o.Member), 15)
		must(len(g.rights) > 1, 21)
		for id, r := range m.resources {
			if r.rights[modelGroupKey(o.Group)] != 0 {
				m.owe(id)
			}
		}
		delete(g.rights, modelMemberKey(o.Member))
		delete(g.senders, modelMemberKey(o.Member))
		delete(g.helpers, modelMemberKey(o.Member))
		m.owedGroups[o.Group] = g.epoch
	case *officer.GroupRotated:
		g := m.group(o.Group)
		_, owed := m.owedGroups[o.Group]
		must(g.manages(m.me) || m.isOfficer() && g.has(m.me) && owed, 11)
		must(int(o.Epoch) == g.epoch+1 && g.openedAt != m.sequence, 16)
		must(int(o.From) < g.epoch, 16)
		must(len(o.Previous) == 72, 5)
		m.epochKey(wire.KindGroup, o.Commitment, o.Public)
		g.epoch++
		g.closed, g.openedBy, g.openedAt = false, m.author, m.sequence
		m.groups[o.Group] = g
	case *officer.GroupClosed:
		g := m.group(o.Group)
		_, owed := m.owedGroups[o.Group]
		must(m.isOfficer() || g.manages(m.me) || owed, 11)
		must(int(o.Epoch) == g.epoch && !g.closed && g.openedAt != m.sequence, 16)
		g.closed = true
		m.groups[o.Group] = g
	case *officer.GroupResealed:
		g := m.group(o.Group)
		must(g.has(m.me), 11)
		must(o.Epoch >= 1 && int(o.Epoch) <= g.epoch, 16)
		must(g.has(o.Member), 15)
		must(!m.members[o.Member].closed, 18)
		if g.manages(m.me) {
			m.addSender(g.senders, modelMemberKey(o.Member), int(o.Epoch))
		} else {
			m.addHelper(g.helpers, modelMemberKey(o.Member), int(o.Epoch))
		}
	default:
		m.memberOperation(op)
	}
}

func (m *model) groupMemberAdded(o *officer.GroupMemberAdded) {
	g, key := m.group(o.Group), modelMemberKey(o.Member)
	restores := m.isOfficer() && g.orphaned() && g.has(o.Member) && o.Rights == 5
	must(restores || g.manages(m.me), 11)
	to := m.beInGroup(o.Member, o.Rights)
	must(to.role != officer.RoleOfficer || m.isOfficer() || g.rights[key]&^o.Rights == 0, 11)
	for _, r := range m.resources {
		rights := r.rights[modelGroupKey(o.Group)]
		must(to.role != officer.RoleGuest || rights&officer.Share == 0 && (rights == 0 || r.kind != wire.KindDirectory), 17)
	}
	must(!to.closed && (!g.closed || restores), 18)
	g.rights[key] = o.Rights
	if !restores {
		m.addSender(g.senders, key, g.epoch)
	}
	m.touchedGroups[o.Group] = true
}
