package officer_test

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// model is replay once more, written from the pseudo-code of spec/log.md and
// from nothing else: slow, obvious, and copied as a whole before each entry.
// It takes entries that are decoded, of good form and in their place.
type model struct {
	members   map[officer.MemberID]modelMember
	devices   map[officer.DeviceID]modelDevice
	signing   map[officer.DeviceID][]byte // never copied: a device's key never changes
	resources map[officer.ResourceID]modelResource
	groups    map[officer.GroupID]modelGroup
	directory bool
	policy    officer.Policy
	keyIDs    map[[8]byte]bool
	texts     map[officer.Hash]bool
	invites   map[officer.Hash]bool
	bindings  map[officer.Binding]bool
	openings  map[modelPlace]string

	enrolments map[officer.MemberID][]modelEnrolment
	requests   map[officer.DeviceID]modelRequest

	// Of the entry that is being applied.
	author        officer.DeviceID
	me            officer.MemberID
	role          officer.Role
	sequence      int
	owed          map[officer.ResourceID]int
	touched       map[officer.ResourceID]bool
	owedGroups    map[officer.GroupID]int
	touchedGroups map[officer.GroupID]bool
	userKeyOwed   bool
	countOfficers bool
	before        officer.Head
	org           officer.OrganizationID
	userKeyOpened bool
	nobody        bool // the author is a device that only asks
}

type modelMember struct {
	role       officer.Role
	generation int
	closed     bool
	removed    bool
}

type modelDevice struct {
	member  officer.MemberID
	removed bool
}

type modelResource struct {
	kind     officer.KeyKind
	label    officer.Hash
	at       officer.Binding
	ended    bool
	epoch    int
	openedBy officer.DeviceID
	openedAt int
	closed   bool
	rights   map[string]officer.Rights // by modelPrincipal
	senders  map[string]string         // sorted words "device@epoch "
	helpers  map[string]string
}

type modelPlace struct {
	text     officer.Hash
	resource officer.ResourceID
}

// rule is the number of the rule in spec/log.md by which an entry is refused.
type rule int

// ruleErrors are the errors that stand for the rules; L-18 has ErrEnded too.
var ruleErrors = map[rule]error{
	5: officer.ErrOperation, 9: officer.ErrAuthor, 11: officer.ErrAuthority, 12: officer.ErrCard, 13: officer.ErrRole,
	14: officer.ErrDuplicate, 15: officer.ErrUnknown, 16: officer.ErrEpoch, 17: officer.ErrRights, 18: officer.ErrClosed,
	19: officer.ErrKey, 20: officer.ErrIncomplete, 21: officer.ErrLast,
}

func newModel(genesis officer.Entry) *model {
	m := &model{
		members: map[officer.MemberID]modelMember{}, devices: map[officer.DeviceID]modelDevice{},
		resources: map[officer.ResourceID]modelResource{}, groups: map[officer.GroupID]modelGroup{}, keyIDs: map[[8]byte]bool{}, texts: map[officer.Hash]bool{},
		signing: map[officer.DeviceID][]byte{}, invites: map[officer.Hash]bool{}, bindings: map[officer.Binding]bool{}, openings: map[modelPlace]string{},
	}
	m.enrolments, m.requests = map[officer.MemberID][]modelEnrolment{}, map[officer.DeviceID]modelRequest{}
	m.policy = officer.Policy{Fields: 1, Folders: 2, Groups: 1, Guests: 1, Officers: 1}
	op := genesis.Operations[0].(*officer.Genesis)
	m.claimText(op.Name)
	m.addMember(op.Card, officer.RoleOfficer)
	return m
}

func (m *model) clone() *model {
	c := *m
	c.members, c.devices, c.resources = maps.Clone(m.members), maps.Clone(m.devices), maps.Clone(m.resources)
	c.keyIDs, c.texts, c.invites, c.bindings = maps.Clone(m.keyIDs), maps.Clone(m.texts), maps.Clone(m.invites), maps.Clone(m.bindings)
	c.openings = maps.Clone(m.openings)
	m.cloneRecovery(&c)
	for id, r := range c.resources {
		r.rights, r.senders, r.helpers = maps.Clone(r.rights), maps.Clone(r.senders), maps.Clone(r.helpers)
		c.resources[id] = r
	}
	c.groups = maps.Clone(m.groups)
	for id, g := range c.groups {
		g.rights, g.senders, g.helpers = maps.Clone(g.rights), maps.Clone(g.senders), maps.Clone(g.helpers)
		c.groups[id] = g
	}
	return &c
}

func must(ok bool, r rule) {
	if !ok {
		panic(r)
	}
}

// apply returns the state after an entry, or the rule that refuses it.
func (m *model) apply(e officer.Entry) (next *model, refusedBy rule) {
	defer func() {
		if r := recover(); r != nil {
			next, refusedBy = nil, r.(rule) // anything else is a fault of this file
		}
	}()
	n := m.clone()
	n.author, n.sequence = e.Author, int(e.Sequence)
	n.before, n.org = officer.Head{Length: e.Sequence, Hash: e.Previous}, e.Organization
	n.begin()
	n.owed, n.touched = map[officer.ResourceID]int{}, map[officer.ResourceID]bool{}
	n.owedGroups, n.touchedGroups = map[officer.GroupID]int{}, map[officer.GroupID]bool{}
	n.userKeyOwed, n.userKeyOpened, n.countOfficers = false, false, false
	for _, op := range e.Operations {
		n.operation(op)
	}
	for id, epoch := range n.owed {
		must(n.resources[id].epoch != epoch || n.resources[id].closed, 20)
	}
	must(!n.userKeyOwed, 20)
	for id := range n.touched {
		sharer := false
		for _, rights := range n.resources[id].rights {
			sharer = sharer || rights&officer.Share != 0
		}
		must(sharer, 21)
	}
	n.groupsAtTheEnd()
	must(!n.countOfficers || n.officers() >= int(n.policy.Officers), 21)
	return n, 0
}

func (m *model) claimKey(h officer.Hash) {
	must(!m.keyIDs[[8]byte(h[:8])], 14)
	m.keyIDs[[8]byte(h[:8])] = true
}

func (m *model) claimText(h officer.Hash) {
	must(!m.texts[h], 14)
	m.texts[h] = true
}

func (m *model) claimDevice(d officer.DeviceRecord) {
	m.signing[d.ID()] = d.Signing
	m.claimText(d.Label)
	for _, k := range [][]byte{d.Encryption, d.Signing, d.SignIn} {
		m.claimKey(pubkey.Hash(k))
	}
}

func (m *model) addMember(card []byte, role officer.Role) {
	c, err := officer.ParseCard(card)
	must(err == nil, 12)
	_, known := m.members[c.ID()]
	must(!known, 14)
	_, known = m.devices[c.Device().ID()]
	must(!known, 14)
	m.claimKey(c.UserKeyCommitment())
	m.claimKey(pubkey.Hash(c.UserKey()))
	m.claimText(c.Name())
	m.claimText(c.Email())
	m.claimDevice(c.Device())
	m.members[c.ID()] = modelMember{role: role, generation: 1}
	m.devices[c.Device().ID()] = modelDevice{member: c.ID()}
}

func (m *model) isOfficer() bool { return m.role == officer.RoleOfficer }

// resource returns a resource that is there, and my rights on it.
func (m *model) resource(id officer.ResourceID) (modelResource, officer.Rights) {
	r, ok := m.resources[id]
	must(ok, 15)
	return r, m.rightsOf(m.me, r)
}

func (m *model) operation(op officer.Operation) {
	// The authority table, by role alone.
	switch op.Kind() {
	case officer.OpMemberRemoved, officer.OpRoleChanged, officer.OpPolicy,
		officer.OpRecoveryRequested, officer.OpRecoveryApproved:
		must(m.isOfficer(), 11)
	case officer.OpMemberAdded, officer.OpKeyCreated, officer.OpKeyRotated, officer.OpGrant, officer.OpRevoke, officer.OpDirectory, officer.OpKeyResealed, officer.OpResourceEnded,
		officer.OpGroupCreated, officer.OpGroupMemberAdded, officer.OpGroupMemberRemoved, officer.OpGroupRotated, officer.OpGroupResealed, officer.OpInvitationWithdrawn:
		must(m.role != officer.RoleGuest, 11)
	}
	must(m.nobody == (op.Kind() == officer.OpRecoveryFinished), 11)
	m.recoveryOperation(op)
	switch o := op.(type) {
	case *officer.Genesis:
		panic(rule(11))
	case *officer.MemberAdded:
		must(o.Role >= 1 && o.Role <= 3, 13)
		must(o.Expires == 0 || o.Role == officer.RoleGuest, 5)
		must(m.isOfficer() || o.Role == officer.RoleGuest && m.role <= m.policy.Guests, 11)
		if len(o.Invite) > 0 {
			must(len(o.Invite) == 32, 5)
			must(!m.invites[officer.Hash(o.Invite)], 14)
			m.invites[officer.Hash(o.Invite)] = true
		}
		m.addMember(o.Card, o.Role)
	case *officer.DeviceAdded:
		m.deviceAdded(o)
	case *officer.DeviceRemoved:
		m.deviceRemoved(o)
	case *officer.UserKeyRotated:
		must(o.Member == m.me, 11)
		me := m.members[m.me]
		must(int(o.Generation) == me.generation+1 && !m.userKeyOpened, 16)
		must(len(o.Previous) == 72, 5)
		m.claimKey(o.Commitment)
		must(pubkey.CheckKEM(o.Public) == nil, 19)
		m.claimKey(pubkey.Hash(o.Public))
		me.generation++
		me.closed = false
		m.members[m.me] = me
		m.userKeyOpened, m.userKeyOwed = true, false
		m.endPresent(m.me)
	case *officer.KeyCreated:
		m.keyCreated(o)
	case *officer.KeyRotated:
		m.keyRotated(o)
	case *officer.KeyClosed:
		r, mine := m.resource(o.Resource)
		_, owed := m.owed[o.Resource]
		must(m.isOfficer() || mine&officer.Share != 0 || owed, 11)
		must(int(o.Epoch) == r.epoch && !r.closed && r.openedAt != m.sequence, 16)
		r.closed = true
		m.resources[o.Resource] = r
	case *officer.Grant:
		m.grant(o)
	case *officer.Revoke:
		r, mine := m.resource(o.Resource)
		p := m.principal(o.Principal)
		must(m.isOfficer() || mine&officer.Share != 0, 11)
		must(p.key != modelMemberKey(m.me), 11)
		must(!p.officer || m.isOfficer(), 11)
		_, granted := r.rights[p.key]
		must(granted, 15)
		delete(r.rights, p.key)
		delete(r.senders, p.key)
		delete(r.helpers, p.key)
		must(m.rightsOf(m.me, r) == mine, 11)
		m.owe(o.Resource)
	case *officer.Directory:
		m.fileOpenings(o)
	case *officer.KeyResealed:
		r, mine := m.resource(o.Resource)
		p := m.principal(o.Principal)
		must(mine&officer.Read != 0, 11)
		must(o.Epoch >= 1 && int(o.Epoch) <= r.epoch, 16)
		_, granted := r.rights[p.key]
		must(granted, 15)
		must(!r.ended, 18)
		must(!p.closed, 18)
		if mine&officer.Share != 0 {
			m.addSender(r.senders, p.key, int(o.Epoch))
		} else {
			m.addHelper(r.helpers, p.key, int(o.Epoch))
		}
	case *officer.ResourceEnded:
		r, mine := m.resource(o.Resource)
		must(r.kind != wire.KindDirectory, 15)
		must(m.isOfficer() || mine&officer.Share != 0, 11)
		must(!r.ended, 18)
		r.ended, r.closed = true, true
		m.resources[o.Resource] = r
		delete(m.bindings, r.at)
	default:
		m.groupOperation(op)
	}
}

func (m *model) owe(id officer.ResourceID) {
	if r := m.resources[id]; !r.ended {
		m.owed[id] = r.epoch
	}
}

func (m *model) deviceAdded(o *officer.DeviceAdded) {
	must(o.Member == m.me, 11)
	var d officer.DeviceRecord
	must(wire.Unmarshal(o.Device, &d, wire.MaxCard) == nil, 5)
	_, known := m.devices[d.ID()]
	_, asked := m.requests[d.ID()]
	must(!known && !asked, 14)
	m.devices[d.ID()] = modelDevice{member: m.me}
	m.claimDevice(d)
}

func (m *model) deviceRemoved(o *officer.DeviceRemoved) {
	d, ok := m.devices[o.Device]
	must(ok && !d.removed, 15)
	must(d.member == m.me || m.isOfficer(), 11)
	must(o.Device != m.author, 11)
	d.removed = true
	m.devices[o.Device] = d
	left := 0
	for _, other := range m.devices {
		if other.member == d.member && !other.removed {
			left++
		}
	}
	must(left > 0, 21)
	if d.member == m.me {
		m.userKeyOwed = true
	} else {
		owner := m.members[d.member]
		owner.closed = true
		m.members[d.member] = owner
	}
	m.oweReach(d.member)
}

func (m *model) epochKey(kind officer.KeyKind, commitment officer.Hash, public []byte) {
	m.claimKey(commitment)
	if kind == wire.KindFolder || kind == wire.KindGroup {
		must(pubkey.CheckKEM(public) == nil, 19)
		m.claimKey(pubkey.Hash(public))
	} else {
		must(len(public) == 0, 5)
	}
}

func (m *model) keyCreated(o *officer.KeyCreated) {
	must(o.Of != wire.KindField || m.role <= m.policy.Fields, 11)
	must(o.Of != wire.KindFolder || m.role <= m.policy.Folders, 11)
	must(o.Of != wire.KindDirectory || m.isOfficer(), 11)
	must(o.Of != wire.KindDirectory || !m.directory, 14)
	must(o.Binding.Connector != "underseal" || m.isOfficer(), 11)
	m.newID(o.Resource)
	if o.Binding.ID != "" {
		must(!m.bindings[o.Binding], 14)
		m.bindings[o.Binding] = true
	}
	m.epochKey(o.Of, o.Commitment, o.Public)
	m.claimText(o.Label)
	m.directory = m.directory || o.Of == wire.KindDirectory
	m.resources[o.Resource] = modelResource{
		kind: o.Of, label: o.Label, at: o.Binding, epoch: 1, openedBy: m.author, openedAt: m.sequence,
		rights: map[string]officer.Rights{modelMemberKey(m.me): 7}, senders: map[string]string{}, helpers: map[string]string{},
	}
}

func (m *model) keyRotated(o *officer.KeyRotated) {
	r, mine := m.resource(o.Resource)
	_, owed := m.owed[o.Resource]
	must(mine&officer.Share != 0 || m.isOfficer() && mine&officer.Read != 0 && owed, 11)
	must(!r.ended, 18)
	must(int(o.Epoch) == r.epoch+1 && r.openedAt != m.sequence, 16)
	must(int(o.From) < r.epoch, 16)
	must(len(o.Previous) == 72, 5)
	m.epochKey(r.kind, o.Commitment, o.Public)
	r.epoch++
	r.closed, r.openedBy, r.openedAt = false, m.author, m.sequence
	m.resources[o.Resource] = r
}

func (m *model) grant(o *officer.Grant) {
	r, mine := m.resource(o.Resource)
	to := m.principal(o.Principal)
	held, orphaned := r.rights[to.key], true
	for _, rights := range r.rights {
		orphaned = orphaned && rights&officer.Share == 0
	}
	restores := m.isOfficer() && orphaned && held != 0 && o.Rights == held|officer.Share
	if !restores {
		must(mine&officer.Share != 0, 11)
		must(slices.Contains([]officer.Rights{1, 3, 5, 7}, o.Rights) && o.Rights&^mine == 0, 17)
	}
	must(!to.officer || m.isOfficer() || held&^o.Rights == 0, 11)
	must(!to.guest || o.Rights&officer.Share == 0 && r.kind != wire.KindDirectory, 17)
	must(!r.ended, 18)
	must(!to.closed && (!r.closed || restores), 18)
	r.rights[to.key] = o.Rights
	if !restores {
		m.addSender(r.senders, to.key, r.epoch)
	}
	m.touched[o.Resource] = true
}

func (m *model) addSender(senders map[string]string, to string, epoch int) {
	word := fmt.Sprintf("%s@%d ", m.author, epoch)
	if !strings.Contains(senders[to], word) {
		words := strings.SplitAfter(senders[to]+word, " ")
		sort.Strings(words)
		senders[to] = strings.Join(words, "")
	}
}

// addHelper notes one device of each member for an epoch, the last.
func (m *model) addHelper(helpers map[string]string, to string, epoch int) {
	words := []string{fmt.Sprintf("%s@%d ", m.author, epoch)}
	for _, word := range strings.SplitAfter(helpers[to], " ") {
		for id, d := range m.devices {
			if word == fmt.Sprintf("%s@%d ", id, epoch) && d.member == m.me {
				word = ""
			}
		}
		words = append(words, word)
	}
	sort.Strings(words)
	helpers[to] = strings.Join(words, "")
}

func (m *model) fileOpenings(o *officer.Directory) {
	r, mine := m.resource(o.Resource)
	must(mine&officer.Read != 0, 11)
	must(int(o.Epoch) == r.epoch && !r.closed, 16)
	must(len(o.Items) > 0, 5)
	for _, it := range o.Items {
		must(len(it.Sealed) >= 1 && len(it.Sealed) <= 2048, 5)
		must(m.texts[it.Commitment] && (r.kind == wire.KindDirectory || r.label == it.Commitment), 15)
		place := modelPlace{it.Commitment, o.Resource}
		_, there := m.openings[place]
		must(!there || mine&officer.Share != 0, 11)
		m.openings[place] = fmt.Sprintf("%d %x", o.Epoch, it.Sealed)
	}
}
