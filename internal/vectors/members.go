package main

import (
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

func opRemoveMember(p *person) []byte { return op(17, bstr(p.id())) }

func opRole(p *person, role, expires uint64) []byte {
	return op(18, bstr(p.id()), num(role), optional(expires))
}

// rules are the numbers of a policy: fields, folders, groups, guests,
// officers, recovery, names.
type rules [7]uint64

func standard() rules { return rules{1, 2, 1, 1, 1, 0, 0} }

func (r rules) with(place int, n uint64) rules { r[place] = n; return r }

func (r rules) items() (items [][]byte) {
	for _, n := range r {
		items = append(items, num(n))
	}
	return items
}

// opPolicy sets a policy that others have signed for the next place of the log.
func (f *firm) opPolicy(r rules, by ...device) []byte {
	var signatures [][]byte
	for _, d := range by {
		signatures = append(signatures, array(bstr(d.id()), bstr(f.cosign(r, d))))
	}
	if signatures == nil {
		return op(19, r.items()...)
	}
	return op(19, append(r.items(), array(signatures...))...)
}

func (f *firm) cosign(r rules, d device) []byte {
	return d.signing.sign(wire.LabelPolicy, array(bstr(f.id), num(f.length), bstr(f.head), fields(r.items()...)))
}

func opWithdraw(invite []byte) []byte { return op(31, bstr(invite)) }

// staff is the organization of log-members.json.
type staff struct {
	*scenario
	eve, frank *person
	evesPhone  device
	team, solo *resource
}

// staffStory tells the history of log-members.json, as story does.
func staffStory(entries map[string]hx, at map[string]func(*staff)) *staff {
	s := &staff{scenario: newScenario(entries, "Members LLP"), eve: newPerson("Eve Member"), frank: newPerson("Frank"), evesPhone: newDevice("Eve's phone", 1)}
	s.team, s.solo = s.group("team"), s.group("solo")
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	b, d, e := s.bob.id(), s.dora.id(), s.eve.id()
	chapter, end := chapters(s, at)
	plain := binding("tabular", "", "", "")

	s.do("Alice makes the directory", alice, opCreate(s.directory, binding("underseal", "", "", "")))
	s.do("Alice adds Bob", alice, opMember(s.bob.card(), 2, 0, bobsInvitation()), opGrant(s.directory, b, 3))
	s.do("Alice adds Carol as a guest", alice, opMember(s.carol.card(), 3, 0, nil))
	s.do("Alice adds Dora as an officer", alice, opMember(s.dora.card(), 1, 0, nil), opGrant(s.directory, d, 7))
	s.do("Alice adds Eve", alice, opMember(s.eve.card(), 2, 0, nil), opGrant(s.directory, e, 1))
	s.do("Alice makes the field phone", alice, opCreate(s.phone, plain), opGrant(s.phone, e, 1))
	s.do("Alice makes the field home-address", alice, opCreate(s.address, plain))
	s.do("Alice makes and ends the field fax", alice, opCreate(s.fax, plain), opGrant(s.fax, e, 3), opEnd(s.fax))
	s.do("Eve makes a folder", eve, opCreate(s.folder, plain), opGrant(s.folder, b, 3))
	s.do("Eve adds a phone", eve, opDevice(e, s.evesPhone.record(), s.evesPhone.accept(s.id, e)))
	s.do("Alice makes the group team", alice, opGroup(s.team, belongs(s.alice, 5), belongs(s.eve, 5), belongs(s.bob, 1)), opGrantGroup(s.address, s.team, 3))
	s.do("Dora makes the group solo", dora, opGroup(s.solo, belongs(s.dora, 5)))
	s.do("Alice grants home-address to solo", alice, opGrantGroup(s.address, s.solo, 1))
	chapter("at work")
	s.do("Alice sets a policy", alice, s.opPolicy(rules{2, 1, 2, 2, 2, 2, 1}))
	chapter("policy")
	s.do("Alice and Dora set the standard policy", alice, s.opPolicy(standard(), dora))
	s.do("Alice withdraws an invitation", alice, opWithdraw(random("invitation of Frank", 32)))
	s.do("Alice makes Bob an officer", alice, opRole(s.bob, 1, 0))
	s.do("Alice makes Carol a member", alice, opRole(s.carol, 2, 0))
	s.do("Alice makes Carol a guest again", alice, opRole(s.carol, 3, carolExpires))
	s.do("Alice removes Eve", alice, opRemoveMember(s.eve), s.opRotateGroup(s.team), s.opRotate(s.directory), s.opRotate(s.phone),
		s.opRotate(s.address), opClose(s.folder))
	chapter("removed")
	s.do("Bob takes share of the folder", bob, opGrant(s.folder, b, 7))
	s.do("Bob removes Dora", bob, opRemoveMember(s.dora), opClose(s.directory), opClose(s.address))
	chapter("ended")
	s.do("Alice steps down", alice, opRole(s.alice, 2, 0))
	chapter("today")
	end()
	return s
}

func memberVectors() ([]logVector, map[string]hx) {
	c := &cases{entries: map[string]hx{}}
	s := staffStory(c.entries, map[string]func(*staff){
		"at work": func(s *staff) { c.roles(s); c.removals(s); c.policies(s); c.withdrawals(s) },
		"policy":  c.underPolicy,
		"removed": c.afterRemoval,
		"ended":   c.afterGroupsEnd,
		"today":   c.lastOfficer,
	})
	return c.toldWith(s.scenario, s.today())
}

func (c *cases) roles(s *staff) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	by := c.refusing(s.scenario)
	by(bob, "L-11", "a role changed by a member", opRole(s.carol, 2, 0))
	by(bob, "L-11", "a member makes themself an officer", opRole(s.bob, 1, 0))
	by(s.carol.first, "L-11", "a guest makes themself a member", opRole(s.carol, 2, 0))
	by(alice, "L-15", "a role for somebody unknown", opRole(s.frank, 2, 0))
	by(alice, "L-13", "role 0 for somebody", opRole(s.bob, 0, 0))
	by(alice, "L-13", "role 4 for somebody", opRole(s.bob, 4, 0))
	by(alice, "L-5", "the role that somebody has", opRole(s.bob, 2, 0))
	by(alice, "L-5", "a guest gets another expiry alone", opRole(s.carol, 3, carolExpires))
	by(alice, "L-5", "an officer who expires", opRole(s.bob, 1, carolExpires))
	by(alice, "L-5", "a guest of the year 10000", opRole(s.bob, 3, 253402300800))
	by(alice, "L-5", "an expiry of 0", op(18, bstr(s.bob.id()), num(3), num(0)))
	by(alice, "L-5", "no role", op(18, bstr(s.bob.id())))
	by(alice, "L-17", "a guest who reads the directory", opRole(s.bob, 3, 0))
	by(alice, "L-17", "a guest who shares", opRevoke(s.directory, s.eve.id()), s.rotation(s.directory), opRole(s.eve, 3, 0))
	by(alice, "L-17", "a guest who manages a group", opMember(s.frank.card(), 2, 0, nil), opJoin(s.team, s.frank.id(), 5), opRole(s.frank, 3, 0))
	by(alice, "L-17", "a guest who shares through a group", opMember(s.frank.card(), 2, 0, nil), opJoin(s.team, s.frank.id(), 1),
		opGrantGroup(s.address, s.team, 5), opRole(s.frank, 3, 0))
	by(dora, "L-21", "the last officers step down", opRole(s.alice, 2, 0), opRole(s.dora, 2, 0))
	by(bob, "L-11", "authority comes with the next entry", opRole(s.bob, 1, 0), opRole(s.carol, 2, 0))
	c.accept(s.scenario, alice, "a member becomes a guest in a group that reads", opMember(s.frank.card(), 2, 0, nil), opJoin(s.team, s.frank.id(), 1), opRole(s.frank, 3, carolExpires))
	c.accept(s.scenario, dora, "an officer steps down and goes on in the entry", opRole(s.dora, 2, 0), opRole(s.bob, 1, 0))
	c.accept(s.scenario, alice, "there and back", opRole(s.bob, 1, 0), opRole(s.bob, 2, 0))
}

func (c *cases) removals(s *staff) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	by := c.refusing(s.scenario)
	remove := opRemoveMember(s.eve)
	rest := [][]byte{s.groupRotation(s.team), s.rotation(s.directory), s.rotation(s.phone), s.rotation(s.address), opClose(s.folder)}
	whole := append([][]byte{remove}, rest...)
	by(alice, "L-20", "a member removed, and nothing else", remove)
	for i, what := range []string{"group", "directory", "field", "field of a group", "folder"} {
		by(alice, "L-20", "a member removed, with a "+what+" left open", slices.Delete(slices.Clone(whole), i+1, i+2)...)
	}
	by(alice, "L-20", "rotated before a member is removed", append(slices.Clone(rest), remove)...)
	by(alice, "L-11", "oneself removed", opRemoveMember(s.alice))
	by(bob, "L-11", "a member removed by a member", remove, opCloseGroup(s.team))
	by(s.carol.first, "L-11", "a member removed by a guest", remove)
	by(alice, "L-15", "somebody unknown removed", opRemoveMember(s.frank))
	by(alice, "L-15", "a member removed twice", append(slices.Clone(whole), remove)...)
	by(alice, "L-5", "nobody removed", op(17))
	by(dora, "L-11", "rotated by an officer without a grant", remove, opCloseGroup(s.team), s.rotation(s.phone))
	by(dora, "L-11", "a group rotated by an officer outside", remove, s.groupRotation(s.team))
	by(alice, "L-15", "a member removed, and granted something", append(slices.Clone(whole), opGrant(s.phone, s.eve.id(), 1))...)
	by(alice, "L-15", "a member removed, and let into a group", append(slices.Clone(whole), opJoin(s.team, s.eve.id(), 1))...)
	c.accept(s.scenario, alice, "a member removed", whole...)
	c.accept(s.scenario, dora, "a member removed by an officer who holds less", remove, opCloseGroup(s.team), s.rotation(s.directory),
		opClose(s.phone), opClose(s.address), opClose(s.folder))
	c.accept(s.scenario, alice, "a guest removed", opRemoveMember(s.carol))
	c.accept(s.scenario, alice, "a member removed, and a resource ended", append(slices.Clone(whole[:3]), opEnd(s.phone), rest[3], opEnd(s.folder))...)
	c.accept(s.scenario, alice, "an officer removed, and a group ended", opRemoveMember(s.dora), s.rotation(s.directory), s.rotation(s.address))
}

func (c *cases) policies(s *staff) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	by := c.refusing(s.scenario)
	by(bob, "L-11", "a policy by a member", s.opPolicy(standard()))
	by(s.carol.first, "L-11", "a policy by a guest", s.opPolicy(standard()))
	for i, what := range []string{"fields", "folders", "groups", "guests"} {
		by(alice, "L-5", what+" for nobody", s.opPolicy(standard().with(i, 0)))
		by(alice, "L-5", what+" for guests", s.opPolicy(standard().with(i, 3)))
	}
	by(alice, "L-5", "a policy of 0 officers", s.opPolicy(standard().with(4, 0)))
	by(alice, "L-5", "a policy of 256 officers", s.opPolicy(standard().with(4, 256)))
	by(alice, "L-5", "a threshold of 1", s.opPolicy(standard().with(4, 2).with(5, 1)))
	by(alice, "L-5", "a threshold above the officers", s.opPolicy(standard().with(4, 2).with(5, 3)))
	by(alice, "L-5", "names 2", s.opPolicy(standard().with(6, 2)))
	by(alice, "L-5", "a policy without names", op(19, standard().items()[:6]...))
	by(alice, "L-5", "no signatures, in a list", op(19, append(standard().items(), array())...))
	by(alice, "L-11", "a signature of one's own", s.opPolicy(standard(), alice))
	by(alice, "L-11", "a signature of a member", s.opPolicy(standard(), bob))
	by(alice, "L-11", "two signatures of one officer", s.opPolicy(standard(), dora, dora))
	by(alice, "L-11", "a signature of an unknown device", s.opPolicy(standard(), newDevice("Mallory's laptop", 1)))
	forged := func(signature []byte) []byte {
		return op(19, append(standard().items(), array(array(bstr(dora.id()), bstr(signature))))...)
	}
	by(alice, "L-11", "a signature for another policy", forged(s.cosign(standard().with(0, 2), dora)))
	by(alice, "L-11", "a signature under another label", forged(dora.signing.sign(wire.LabelEntry,
		array(bstr(s.id), num(s.length), bstr(s.head), fields(standard().items()...)))))
	by(alice, "L-11", "a signature for another place", forged(dora.signing.sign(wire.LabelPolicy,
		array(bstr(s.id), num(s.length-1), bstr(s.head), fields(standard().items()...)))))
	by(alice, "L-11", "no signature under a policy", forged(nil))
	by(alice, "L-21", "a policy of more officers than there are", s.opPolicy(standard().with(4, 3)))
	c.accept(s.scenario, alice, "a policy that others signed without need", s.opPolicy(standard(), dora))
	c.accept(s.scenario, alice, "a policy that its entry provides for", s.opPolicy(standard().with(4, 3)), opRole(s.bob, 1, 0))
}

func (c *cases) withdrawals(s *staff) {
	alice, fresh := s.alice.first, random("invitation of nobody", 32)
	by := c.refusing(s.scenario)
	by(s.carol.first, "L-11", "an invitation withdrawn by a guest", opWithdraw(fresh))
	by(alice, "L-14", "an invitation withdrawn that was answered", opWithdraw(bobsInvitation()))
	by(alice, "L-14", "an invitation withdrawn twice", opWithdraw(fresh), opWithdraw(fresh))
	by(alice, "L-14", "an invitation answered that was withdrawn", opWithdraw(fresh), opMember(s.frank.card(), 2, 0, fresh))
	by(alice, "L-14", "an invitation withdrawn as it is answered", opMember(s.frank.card(), 2, 0, fresh), opWithdraw(fresh))
	by(alice, "L-5", "an invitation of 31 bytes withdrawn", opWithdraw(fresh[1:]))
	c.accept(s.scenario, s.bob.first, "an invitation withdrawn by a member", opWithdraw(fresh))
	c.accept(s.scenario, alice, "one invitation withdrawn, another answered", opWithdraw(fresh), opMember(s.frank.card(), 2, 0, random("another invitation", 32)))
}

// underPolicy finds a policy that lets members make fields and groups and add
// guests, and lets officers alone make folders; with 2 officers and threshold 2.
func (c *cases) underPolicy(s *staff) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	plain := binding("tabular", "", "", "")
	by := c.refusing(s.scenario)
	by(bob, "L-11", "a folder that the policy keeps for officers", opCreate(s.tax.as(s.scenario, 2), plain))
	by(s.carol.first, "L-11", "a field by a guest, whatever the policy", opCreate(s.tax, plain))
	by(bob, "L-11", "an organization secret by a member, whatever the policy", opCreate(s.tax, binding("underseal", "", "secret", "clio")))
	by(bob, "L-11", "a member added by a member, whatever the policy", opMember(s.frank.card(), 2, 0, nil))
	by(bob, "L-11", "an officer added by a member, whatever the policy", opMember(s.frank.card(), 1, 0, nil))
	by(s.carol.first, "L-11", "a guest added by a guest, whatever the policy", opMember(s.frank.card(), 3, 0, nil))
	by(alice, "L-21", "an officer removed below the policy", opRemoveMember(s.dora), s.rotation(s.directory), s.rotation(s.address))
	by(alice, "L-21", "an officer steps down below the policy", opRole(s.alice, 2, 0))
	by(alice, "L-11", "the threshold lowered by one officer", s.opPolicy(standard()))
	by(alice, "L-11", "the threshold lowered by one officer and a member", s.opPolicy(standard(), bob))
	c.accept(s.scenario, alice, "a policy that keeps the threshold", s.opPolicy(rules{1, 2, 1, 1, 2, 2, 0}))
	c.accept(s.scenario, bob, "a field by a member", opCreate(s.tax, plain))
	c.accept(s.scenario, bob, "a group by a member", opGroup(s.group("reading circle"), belongs(s.bob, 5)))
	c.accept(s.scenario, bob, "a guest added by a member", opMember(s.frank.card(), 3, carolExpires, nil))
	c.accept(s.scenario, bob, "a guest added by a member who invited them", opMember(s.frank.card(), 3, carolExpires, random("invitation of Frank", 32)))
	by(bob, "L-11", "a member added by a member who invited them", opMember(s.frank.card(), 2, 0, random("invitation of Frank", 32)))
	c.accept(s.scenario, dora, "an officer removed and another made", opRole(s.bob, 1, 0), opRemoveMember(s.alice), s.rotation(s.directory),
		opClose(s.phone), s.rotation(s.address), opCloseGroup(s.team))
}

func (c *cases) afterRemoval(s *staff) {
	alice, bob := s.alice.first, s.bob.first
	e := s.eve.id()
	by := c.refusing(s.scenario)
	by(s.eve.first, "L-9", "by who was removed", s.opUserKey(s.eve, 2, s.eve.user))
	by(s.evesPhone, "L-9", "by another device of who was removed", s.opUserKey(s.eve, 2, s.eve.user))
	by(alice, "L-14", "who was removed added again by the same card", opMember(s.eve.card(), 2, 0, nil))
	by(alice, "L-15", "granted to who was removed", opGrant(s.phone, e, 1))
	by(alice, "L-15", "revoked from who was removed", opRevoke(s.phone, e), s.rotation(s.phone))
	by(alice, "L-15", "re-sealed to who was removed", opReseal(s.phone, 1, e))
	by(alice, "L-15", "a role for who was removed", opRole(s.eve, 1, 0))
	by(alice, "L-15", "removed again", opRemoveMember(s.eve))
	by(alice, "L-15", "who was removed let into a group", opJoin(s.team, e, 1))
	by(alice, "L-15", "who was removed taken out of a group", opTake(s.team, e))
	by(alice, "L-15", "a group with who was removed", opGroup(s.group("new"), belongs(s.alice, 5), belongs(s.eve, 1)))
	by(alice, "L-15", "a group re-sealed to who was removed", opResealGroup(s.team, 1, e))
	by(alice, "L-15", "a device of who was removed", opRemoveDevice(s.evesPhone))
	by(alice, "L-11", "a policy signed by who was removed", s.opPolicy(standard(), s.eve.first))
	by(alice, "L-11", "an officer takes share of what they do not read", opGrant(s.folder, s.alice.id(), 5))
	by(bob, "L-11", "an orphaned resource rotated", s.rotation(s.folder))
	c.accept(s.scenario, alice, "an officer outside gives share of what is orphaned", opGrant(s.folder, s.bob.id(), 7))
}

func (c *cases) afterGroupsEnd(s *staff) {
	alice := s.alice.first
	by := c.refusing(s.scenario)
	by(alice, "L-15", "granted to a group that has ended", opGrantGroup(s.phone, s.solo, 1))
	by(alice, "L-15", "revoked from a group that has ended", opRevokeGroup(s.address, s.solo), s.rotation(s.address))
	by(alice, "L-15", "let into a group that has ended", opJoin(s.solo, s.alice.id(), 5))
	by(alice, "L-15", "a group rotated that has ended", s.groupRotation(s.solo))
	by(alice, "L-15", "a group closed that has ended", opCloseGroup(s.solo))
	by(alice, "L-14", "the id of a group that has ended", opGroup(s.solo, belongs(s.alice, 5)))
}

func (c *cases) lastOfficer(s *staff) {
	bob := s.bob.first
	by := c.refusing(s.scenario)
	by(bob, "L-21", "the last officer steps down", opRole(s.bob, 2, 0))
	by(s.alice.first, "L-11", "by who is no officer any more", opRole(s.carol, 2, 0))
	by(s.dora.first, "L-9", "by an officer who was removed", opRole(s.carol, 2, 0))
	c.accept(s.scenario, s.alice.first, "who is no officer goes on sharing", opGrant(s.phone, s.bob.id(), 7))
	c.accept(s.scenario, bob, "the last officer steps down for another", opRole(s.alice, 1, 0), opRole(s.bob, 2, 0))
	c.ask(s.scenario, "by who was removed since", "", s.folder, 1, s.bob, s.bob.sealing.public, s.eve.first)
	c.ask(s.scenario, "to who was removed", "L-25", s.phone, 1, s.eve, s.eve.sealing.public, s.alice.first)
	c.vectors = append(c.vectors, logVector{
		Name: "a user key to a device of who was removed", Kind: "user key", Rule: "L-28", Organization: s.id, Log: slices.Clone(s.names),
		Member: s.eve.id(), Epoch: 1, Device: s.evesPhone.id(), Sender: s.eve.first.id(),
	})
}
