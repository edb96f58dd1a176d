package main

import (
	"bytes"
	"slices"
)

// ordered sorts encoded items by their bytes, which begin with an id.
func ordered(items [][]byte) [][]byte {
	items = slices.Clone(items)
	slices.SortFunc(items, bytes.Compare)
	return items
}

func groupVectors() ([]logVector, map[string]hx) {
	c := &cases{entries: map[string]hx{}}
	s := groupStory(c.entries, map[string]func(*teams){
		"resources":        c.makingGroups,
		"at work":          func(s *teams) { c.joining(s); c.leaving(s); c.groupEpochs(s); c.grantingGroups(s) },
		"a device to lose": c.losingDevices,
		"closed":           c.closedGroups,
		"orphaned":         c.orphanedGroups,
		"today":            c.groupEnvelopes,
	})
	return c.toldWith(s.scenario, s.today())
}

func (c *cases) makingGroups(s *teams) {
	alice, g := s.alice.first, s.spare
	by := c.refusing(s.scenario)
	me, bob := belongs(s.alice, 5), belongs(s.bob, 1)
	raw := func(id, commitment, public, label []byte, members ...[]byte) []byte {
		return op(13, bstr(id), bstr(commitment), bstr(public), bstr(label), array(members...))
	}
	commitment, public, label := g.present().commitment(), g.public(), g.label.commitment()
	with := func(members ...[]byte) []byte { return raw(g.id, commitment, public, label, ordered(members)...) }
	both := ordered([][]byte{me, bob})

	by(s.bob.first, "L-11", "a group made by a member", opGroup(g, belongs(s.bob, 5)))
	by(s.carol.first, "L-11", "a group made by a guest", opGroup(g, belongs(s.carol, 1)))
	by(alice, "L-11", "a group without its author", with(belongs(s.bob, 5)))
	by(alice, "L-11", "a group that its author does not manage", with(belongs(s.alice, 1), belongs(s.bob, 5)))
	by(alice, "L-5", "a group of nobody", with())
	by(alice, "L-5", "a group of one twice", with(me, me))
	by(alice, "L-5", "members out of order", raw(g.id, commitment, public, label, both[1], both[0]))
	by(alice, "L-5", "a member of three items", with(me, array(bstr(s.bob.id()), num(1), num(0))))
	by(alice, "L-5", "group id of 15 bytes", raw(g.id[1:], commitment, public, label, me))
	by(alice, "L-5", "group without label", op(13, bstr(g.id), bstr(commitment), bstr(public), nil, array(me)))
	for _, rights := range []uint64{0, 2, 3, 4, 7} {
		by(alice, "L-17", "a group with somebody of rights "+string(appendDecimal(rights)), with(me, belongs(s.bob, rights)))
	}
	by(alice, "L-17", "a group that a guest manages", with(me, belongs(s.carol, 5)))
	by(alice, "L-15", "a group with somebody unknown", with(me, belongs(newPerson("Mallory"), 1)))
	by(alice, "L-19", "a group without key", raw(g.id, commitment, nil, label, me))
	by(alice, "L-19", "a group with point of low order", raw(g.id, commitment, withPoint(public, lowOrderPoints()[2]), label, me))
	by(alice, "L-19", "a group with ML-KEM coefficient of 3329", raw(g.id, commitment, withCoefficient(public), label, me))
	by(alice, "L-14", "a group with the id of a resource", raw(s.phone.id, commitment, public, label, me))
	by(alice, "L-14", "a group twice", opGroup(g, me), opGroup(g, me))
	by(alice, "L-14", "a group with a user key", raw(g.id, commitment, s.bob.sealing.public, label, me))
	by(alice, "L-14", "a group with the folder's key", raw(g.id, commitment, s.folder.public(), label, me))
	by(alice, "L-14", "a group with the commitment of a field", raw(g.id, s.phone.present().commitment(), public, label, me))
	by(alice, "L-14", "a group with the label of a field", raw(g.id, commitment, public, s.phone.label.commitment(), me))
	by(alice, "L-14", "a resource with the id of a group", opGroup(g, me),
		op(6, bstr(g.id), num(1), binding("tabular", "", "", ""), bstr(s.tax.present().commitment()), bstr(s.tax.label.commitment())))
	by(alice, "L-16", "a group rotated in the entry that makes it", opGroup(g, me), s.groupRotation(g))
	by(alice, "L-16", "a group closed in the entry that makes it", opGroup(g, me), opCloseGroup(g))
	c.accept(s.scenario, alice, "a group of its author alone", opGroup(g, me))
	c.accept(s.scenario, alice, "a group with a guest", opGroup(g, me, belongs(s.carol, 1)))
	c.accept(s.scenario, alice, "made and granted in one entry", opGroup(g, me, bob), opGrantGroup(s.phone, g, 7), opJoin(g, s.dora.id(), 5))
}

func (c *cases) joining(s *teams) {
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	a, g, d, e := s.alice.id(), s.carol.id(), s.dora.id(), s.eve.id()
	by := c.refusing(s.scenario)
	by(eve, "L-11", "let in by who does not manage the group", opJoin(s.team, d, 1))
	by(dora, "L-11", "let in by an officer outside", opJoin(s.team, d, 1))
	by(alice, "L-11", "an officer who does not manage the group takes more", opJoin(s.board, a, 5))
	by(s.carol.first, "L-11", "let in by a guest", opJoin(s.circle, d, 1))
	by(bob, "L-11", "a member who manages takes it from an officer", opJoin(s.team, a, 1))
	by(bob, "L-17", "let in with rights 3", opJoin(s.team, d, 3))
	by(bob, "L-17", "a guest in a group that shares", opJoin(s.team, g, 1))
	by(alice, "L-17", "a guest who manages", opJoin(s.circle, g, 5))
	by(alice, "L-17", "a guest in a group that reads the directory", opGroup(s.spare, belongs(s.alice, 5)), opGrantGroup(s.directory, s.spare, 1), opJoin(s.spare, g, 1))
	by(bob, "L-15", "somebody unknown let in", opJoin(s.team, newPerson("Mallory").id(), 1))
	by(bob, "L-15", "let into an unknown group", opJoin(s.spare, d, 1))
	by(alice, "L-21", "the last who manages gives it up", opJoin(s.circle, a, 1))
	by(bob, "L-5", "group id of 17 bytes", op(14, bstr(cat(s.team.id, []byte{0})), bstr(d), num(1)))
	c.accept(s.scenario, bob, "a member who manages gives it up", opJoin(s.team, s.bob.id(), 1))
	c.accept(s.scenario, bob, "let in, and to manage", opJoin(s.team, d, 1), opJoin(s.team, e, 5))
	c.accept(s.scenario, alice, "an officer lowers an officer", opJoin(s.team, a, 1))
	c.accept(s.scenario, alice, "a guest let into a group that reads", opJoin(s.circle, g, 1))
}

func (c *cases) leaving(s *teams) {
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	a, b, g, d, e := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id(), s.eve.id()
	by := c.refusing(s.scenario)
	rest := [][]byte{s.groupRotation(s.team), s.rotation(s.phone), s.rotation(s.folder)}
	with := func(first []byte, more ...[]byte) [][]byte { return append([][]byte{first}, more...) }
	take := opTake(s.team, e)
	by(bob, "L-20", "taken out, and nothing renewed", take)
	by(bob, "L-20", "taken out, with a folder left open", with(take, rest[0])...)
	by(alice, "L-20", "taken out, with the group left open", with(take, rest[1:]...)...)
	by(alice, "L-20", "rotated before somebody is taken out", append(slices.Clone(rest), take)...)
	by(eve, "L-11", "taken out by who does not manage the group", opTake(s.team, b), opCloseGroup(s.team))
	by(s.carol.first, "L-11", "taken out by a guest", opTake(s.circle, b), opCloseGroup(s.circle))
	by(bob, "L-11", "an officer taken out by a member", with(opTake(s.team, a), rest...)...)
	by(bob, "L-11", "oneself taken out", with(opTake(s.team, b), rest...)...)
	by(dora, "L-11", "taken out by an officer outside, who rotates", with(take, rest[0])...)
	by(dora, "L-11", "taken out by an officer outside, who rotates a field", with(take, opCloseGroup(s.team), rest[1])...)
	by(alice, "L-15", "taken out who is not in it", opTake(s.team, g))
	by(alice, "L-15", "taken out twice", append(with(take, rest...), take)...)
	by(alice, "L-15", "taken out of an unknown group", opTake(s.spare, e))
	by(alice, "L-5", "taken out without member", op(15, bstr(s.team.id)))
	by(alice, "L-18", "taken out, closed, and let somebody in", opTake(s.team, e), opCloseGroup(s.team), opJoin(s.team, d, 1))
	c.accept(s.scenario, alice, "taken out by an officer who manages the group and shares", with(take, rest...)...)
	c.accept(s.scenario, dora, "taken out by an officer outside", take, opCloseGroup(s.team), opClose(s.phone), opClose(s.folder))
	c.accept(s.scenario, bob, "taken out by a member who closes what is not theirs to rotate",
		take, s.groupRotation(s.team), opClose(s.phone), s.rotation(s.folder))
	c.accept(s.scenario, alice, "an officer takes out the other one who manages", opTake(s.team, b), s.groupRotation(s.team), s.rotation(s.phone), opClose(s.folder))
	orphan := s.in(s.then("Dora takes Alice and Bob from circle", dora, opTake(s.circle, a), opTake(s.circle, b), opCloseGroup(s.circle), opClose(s.phone)))
	c.refuseOps(orphan.scenario, dora, "L-21", "the last one of a group taken out", opTake(s.circle, g))
	c.refuseOps(orphan.scenario, alice, "L-17", "a guest is to manage what nobody manages", opJoin(s.circle, g, 5))
}

// in is the organization at another point of its history.
func (s *teams) in(at *scenario) *teams {
	n := *s
	n.scenario = at
	return &n
}

func (c *cases) groupEpochs(s *teams) {
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	d, e := s.dora.id(), s.eve.id()
	by := c.refusing(s.scenario)
	next := s.team.key(s.firm, 2)
	prev, public := next.prev(s.team.present()), newXWing(next.key).public
	rotated := func(epoch uint64, commitment, previous, public []byte) []byte {
		return op(16, bstr(s.team.id), num(epoch), bstr(commitment), bstr(previous), bstr(public))
	}
	by(eve, "L-11", "a group rotated by who does not manage it", s.groupRotation(s.team))
	by(alice, "L-11", "a group rotated by an officer in it, not owed", s.groupRotation(s.board))
	by(dora, "L-11", "a group rotated by an officer outside", s.groupRotation(s.team))
	by(bob, "L-16", "a group's present epoch again", rotated(1, next.commitment(), prev, public))
	by(bob, "L-16", "a group's epoch left out", rotated(3, next.commitment(), prev, public))
	third := s.team.key(s.firm, 3)
	by(bob, "L-16", "two epochs of a group in one entry", s.groupRotation(s.team), rotated(3, third.commitment(), third.prev(next), newXWing(third.key).public))
	by(bob, "L-5", "a group's previous seed of 71 bytes", rotated(2, next.commitment(), prev[1:], public))
	by(bob, "L-14", "a group rotated to its own key", rotated(2, next.commitment(), prev, s.team.public()))
	by(bob, "L-14", "a group rotated to its own commitment", rotated(2, s.team.present().commitment(), prev, public))
	by(bob, "L-19", "a group rotated to a point of low order", rotated(2, next.commitment(), prev, withPoint(public, lowOrderPoints()[1])))
	by(bob, "L-15", "an unknown group rotated", s.groupRotation(s.spare))
	by(eve, "L-11", "a group closed by who does not manage it", opCloseGroup(s.team))
	by(s.carol.first, "L-11", "a group closed by a guest in it", opCloseGroup(s.circle))
	by(bob, "L-16", "a group closed twice", opCloseGroup(s.team), opCloseGroup(s.team))
	by(bob, "L-16", "a group closed in the entry that rotates it", s.groupRotation(s.team), op(29, bstr(s.team.id), num(2)))
	by(bob, "L-16", "another epoch of a group closed", op(29, bstr(s.team.id), num(2)))
	by(bob, "L-15", "an unknown group closed", opCloseGroup(s.spare))
	by(bob, "L-5", "a group closed without epoch", op(29, bstr(s.team.id)))
	by(s.carol.first, "L-11", "a group re-sealed by a guest in it", opResealGroup(s.circle, 1, s.bob.id()))
	by(dora, "L-11", "a group re-sealed by an officer outside", opResealGroup(s.team, 1, e))
	by(bob, "L-16", "a group's epoch 0 re-sealed", opResealGroup(s.team, 0, e))
	by(bob, "L-16", "a group's epoch re-sealed that is not open", opResealGroup(s.team, 2, e))
	by(bob, "L-15", "a group re-sealed to who is not in it", opResealGroup(s.team, 1, d))
	by(bob, "L-15", "an unknown group re-sealed", opResealGroup(s.spare, 1, e))
	c.accept(s.scenario, eve, "a group re-sealed by who belongs to it", opResealGroup(s.team, 1, s.bob.id()))
	c.accept(s.scenario, dora, "a group closed by an officer outside", opCloseGroup(s.team))
	c.accept(s.scenario, bob, "a group closed and opened again", opCloseGroup(s.team), s.groupRotation(s.team))
}

func (c *cases) grantingGroups(s *teams) {
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	g := s.carol.id()
	by := c.refusing(s.scenario)
	by(alice, "L-15", "granted to an unknown group", opGrantGroup(s.phone, s.spare, 1))
	by(alice, "L-15", "revoked from an unknown group", opRevokeGroup(s.phone, s.spare), s.rotation(s.phone))
	by(alice, "L-15", "re-sealed to an unknown group", opResealToGroup(s.phone, s.spare))
	by(alice, "L-15", "revoked from a group without a grant", opRevokeGroup(s.address, s.team), s.rotation(s.address))
	by(alice, "L-15", "re-sealed to a group without a grant", opResealToGroup(s.address, s.team))
	by(alice, "L-5", "granted to a group id of 15 bytes", op(9, bstr(s.phone.id), principal(2, s.team.id[1:]), num(1)))
	by(alice, "L-5", "granted to a member as a group", op(9, bstr(s.phone.id), principal(2, g), num(1)))
	by(alice, "L-5", "granted to a group as a member", op(9, bstr(s.phone.id), principal(1, s.team.id), num(1)))
	by(alice, "L-17", "share to a group with a guest in it", opGrantGroup(s.phone, s.circle, 5))
	by(alice, "L-17", "the directory to a group with a guest in it", opGrantGroup(s.directory, s.circle, 1))
	by(bob, "L-11", "granted by who reads and writes through a group", opGrant(s.phone, g, 1))
	by(eve, "L-17", "write granted by who shares through a group that does not write", opGrant(s.folder, g, 3))
	by(eve, "L-11", "the grant revoked through which one shares", opRevokeGroup(s.folder, s.team), s.rotation(s.folder))
	by(bob, "L-11", "a group's grant revoked by who has no share", opRevokeGroup(s.phone, s.team), opClose(s.phone))
	by(dora, "L-11", "rotated by an officer who does not read it", opRevokeGroup(s.folder, s.team), s.rotation(s.folder))
	by(alice, "L-20", "a group's grant revoked, and nothing renewed", opRevokeGroup(s.phone, s.team))
	by(alice, "L-18", "granted to a group that is closed", opCloseGroup(s.circle), opGrantGroup(s.address, s.circle, 1))
	by(alice, "L-18", "re-sealed to a group that is closed", opCloseGroup(s.circle), opResealToGroup(s.phone, s.circle))
	c.accept(s.scenario, eve, "granted by who shares through a group", opGrant(s.folder, g, 1))
	c.accept(s.scenario, eve, "rotated by who shares through a group", s.rotation(s.folder))
	c.accept(s.scenario, eve, "less for a group by who shares through it", opGrantGroup(s.folder, s.team, 1))
	c.accept(s.scenario, bob, "a group's grant revoked by who shares without it", opRevokeGroup(s.folder, s.team), s.rotation(s.folder))
	c.accept(s.scenario, alice, "a group's grant revoked by an officer in it who keeps all by their own", opRevokeGroup(s.phone, s.team), s.rotation(s.phone))
	c.accept(s.scenario, bob, "the last sharer leaves it to a group", opGrant(s.folder, s.bob.id(), 1))
	c.accept(s.scenario, alice, "the directory to a group", opGrantGroup(s.directory, s.team, 1))
}

func (c *cases) losingDevices(s *teams) {
	by := c.refusing(s.scenario)
	remove := opRemoveDevice(s.evesPhone)
	user := s.opUserKey(s.eve, 2, s.eve.user)
	by(s.alice.first, "L-20", "somebody's device removed, with a group left open", remove, s.rotation(s.directory), opClose(s.phone), opClose(s.folder))
	by(s.alice.first, "L-20", "somebody's device removed, with what is read through a group left open", remove, opCloseGroup(s.team), s.rotation(s.directory), opClose(s.phone))
	by(s.eve.first, "L-20", "an own device removed, with a group left open", remove, user, opClose(s.directory), opClose(s.phone), s.rotation(s.folder))
	by(s.eve.first, "L-11", "a group rotated by who removes an own device and does not manage it", remove, user, s.groupRotation(s.team))
	by(s.eve.first, "L-11", "a group closed before it is owed", opCloseGroup(s.team), remove, user)
	c.accept(s.scenario, s.eve.first, "an own device removed", remove, user, opCloseGroup(s.team), opClose(s.directory), opClose(s.phone), s.rotation(s.folder))
	c.accept(s.scenario, s.dora.first, "somebody's device removed by an officer in the group", remove, s.groupRotation(s.team), s.rotation(s.directory), s.rotation(s.phone), s.rotation(s.folder))
}

func (c *cases) closedGroups(s *teams) {
	alice, bob := s.alice.first, s.bob.first
	by := c.refusing(s.scenario)
	by(alice, "L-18", "granted to what is closed", opGrantGroup(s.address, s.team, 1))
	by(alice, "L-18", "re-sealed to what is closed", opResealToGroup(s.phone, s.team))
	by(bob, "L-18", "let into what is closed", opJoin(s.team, s.dora.id(), 5))
	by(bob, "L-18", "a group re-sealed to a closed user key", opResealGroup(s.team, 2, s.eve.id()))
	by(alice, "L-18", "a closed user key let into a group", opJoin(s.circle, s.eve.id(), 1))
	by(alice, "L-18", "a group with a closed user key", opGroup(s.spare, belongs(s.alice, 5), belongs(s.eve, 1)))
	by(alice, "L-16", "what is closed closed again", opCloseGroup(s.team)) //nolint:dupword // a sentence
	c.accept(s.scenario, bob, "a group re-sealed while it is closed", opResealGroup(s.team, 2, s.dora.id()))
}

func (c *cases) orphanedGroups(s *teams) {
	next, older := s.team.key(s.firm, 5), s.team.key(s.firm, 2)
	past := func(from uint64) []byte {
		return op(16, bstr(s.team.id), num(5), bstr(next.commitment()), bstr(next.prev(older)), bstr(newXWing(next.key).public), num(from))
	}
	c.accept(s.scenario, s.bob.first, "a group goes on from an earlier epoch", past(2))
	c.refuseOps(s.scenario, s.bob.first, "L-16", "a group goes on from its present epoch, said", past(4))
	c.refuseOps(s.scenario, s.bob.first, "L-16", "a group goes on from an epoch to come", past(6))
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	not := func(d device, name string, ops ...[]byte) { c.refuseOps(s.scenario, d, "L-11", name, ops...) }
	not(dora, "an officer lets themself into what nobody manages", opJoin(s.board, s.dora.id(), 5))
	not(bob, "a member lets somebody manage what nobody manages", opJoin(s.board, s.alice.id(), 5))
	not(dora, "an officer changes nothing in what nobody manages", opJoin(s.board, s.alice.id(), 1))
	not(alice, "what nobody manages is rotated", s.groupRotation(s.board))
	c.accept(s.scenario, dora, "an officer outside lets somebody manage what nobody manages", opJoin(s.board, s.alice.id(), 5))
	c.accept(s.scenario, dora, "an officer lets somebody manage what nobody manages and is closed", opCloseGroup(s.board), opJoin(s.board, s.alice.id(), 5))
}

// groupEnvelopes are the questions about envelopes of groups and to them.
func (c *cases) groupEnvelopes(s *teams) {
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	mallory := newPerson("Mallory")
	seed := func(name, rule string, g *resource, epoch uint64, who *person, key []byte, sender device) {
		c.vectors = append(c.vectors, logVector{
			Name: name, Kind: "group envelope", Rule: rule, Organization: s.id, Log: slices.Clone(s.names),
			Group: g.id, Epoch: epoch, Member: who.id(), Key: keyName(key), Sender: sender.id(),
		})
	}
	bobs, doras := s.bob.sealing.public, s.dora.sealing.public
	seed("a group's seed by who made the epoch", "", s.team, 4, s.bob, bobs, dora)
	seed("a group's first seed by who made the group", "", s.team, 1, s.bob, bobs, alice)
	seed("a group's seed by who let the member in", "", s.team, 2, s.dora, doras, bob)
	seed("a group's seed by who belonged to it and sealed it again", "", s.team, 3, s.bob, bobs, eve)
	seed("of an unknown group", "L-31", s.spare, 1, s.bob, bobs, alice)
	seed("of a resource", "L-31", s.phone, 1, s.bob, bobs, alice)
	seed("of a group to an unknown member", "L-31", s.team, 4, mallory, mallory.sealing.public, dora)
	seed("of a group's epoch 0", "L-32", s.team, 0, s.bob, bobs, dora)
	seed("of a group's epoch that is not open", "L-32", s.team, 5, s.bob, bobs, dora)
	seed("of a group to who was taken out", "L-33", s.team, 1, s.eve, s.eve.sealing.public, alice)
	seed("of a group to an officer outside", "L-33", s.circle, 1, s.dora, doras, alice)
	seed("of a group to a key that is not the member's", "L-34", s.team, 4, s.bob, doras, dora)
	seed("of a group to a device's key", "L-34", s.team, 4, s.bob, bob.encryption.public, dora)
	seed("of a group by who manages it but did not make the epoch", "L-35", s.team, 4, s.bob, bobs, alice)
	seed("of a group by who let the member in, of another epoch", "L-35", s.team, 4, s.dora, doras, bob)
	seed("of a group by who belonged to it and sealed another epoch", "L-35", s.team, 2, s.bob, bobs, eve)
	seed("of a group by who belonged to it and sealed it to another", "L-35", s.team, 3, s.dora, doras, eve)
	seed("of a group that is to be managed, by who said so", "L-35", s.board, 1, s.alice, s.alice.sealing.public, alice)

	through := func(name, rule string, r *resource, epoch uint64, g *resource, who *person, key []byte, sender device) {
		c.vectors = append(c.vectors, logVector{
			Name: name, Kind: "envelope to a group", Rule: rule, Organization: s.id, Log: slices.Clone(s.names),
			Resource: r.id, Epoch: epoch, Group: g.id, Member: who.id(), Key: keyName(key), Sender: sender.id(),
		})
	}
	first, third, present := newXWing(s.team.key(s.firm, 1).key).public, newXWing(s.team.key(s.firm, 3).key).public, s.team.public()
	through("a field's key to a group by who made the epoch", "", s.phone, 3, s.team, s.bob, present, dora)
	through("to an earlier key of the group", "", s.phone, 1, s.team, s.bob, first, alice)
	through("by who granted it", "", s.folder, 1, s.team, s.alice, first, bob)
	through("to who came later", "", s.phone, 1, s.team, s.dora, third, alice)
	through("by who reads it and sealed it again", "", s.phone, 1, s.team, s.dora, present, bob)
	through("of an unknown resource", "L-36", s.tax, 1, s.team, s.bob, present, alice)
	through("to an unknown group", "L-36", s.phone, 1, s.spare, s.bob, present, alice)
	through("of a field's epoch 0", "L-37", s.phone, 0, s.team, s.bob, present, alice)
	through("of a field's epoch that is not open", "L-37", s.phone, 5, s.team, s.bob, present, alice)
	through("to a group without a grant", "L-38", s.address, 1, s.team, s.bob, present, alice)
	through("to a group whose grant was revoked", "L-38", s.phone, 1, s.circle, s.bob, s.circle.public(), alice)
	through("to a group, opened by who was taken out", "L-38", s.phone, 1, s.team, s.eve, first, alice)
	through("to a group, opened by an officer outside", "L-38", s.address, 1, s.board, s.dora, s.board.public(), alice)
	through("to another group's key", "L-39", s.phone, 3, s.team, s.bob, s.circle.public(), dora)
	through("to a member's key", "L-39", s.phone, 3, s.team, s.bob, bobs, dora)
	through("by who shares it but did not send it", "L-40", s.folder, 2, s.team, s.bob, present, bob)
	through("by who reads it and sealed another epoch", "L-40", s.phone, 2, s.team, s.dora, present, bob)
	through("by who was taken out", "L-40", s.phone, 3, s.team, s.bob, present, eve)
}
