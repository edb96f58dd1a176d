package main

import (
	"math/big"
	"slices"
)

func (c *cases) withoutPolicy(s *helpers) {
	e := s.enrol(s.bob, 1, 1, s.bob.user, 2, s.alice, s.dora)
	c.refuseOps(s.scenario, s.bob.first, "L-5", "enrolled while the policy lets nobody", e.op())
}

func (c *cases) enrolments(s *helpers) {
	bob, e := s.bob.first, s.first
	by := c.refusing(s.scenario)
	shares := func(items ...[]byte) []byte { return e.with(7, array(items...)) }
	share := func(o *person, index uint64, i int) []byte {
		return array(bstr(o.id()), num(index), bstr(e.shares[i].commitment()))
	}
	by(s.alice.first, "L-11", "somebody else enrolled by an officer", e.op())
	by(bob, "L-15", "enrolled with oneself", shares(share(s.alice, 1, 0), share(s.bob, 2, 1)))
	by(bob, "L-15", "enrolled with a member", shares(share(s.alice, 1, 0), share(s.greta, 2, 1)))
	by(bob, "L-15", "enrolled with somebody unknown", shares(share(s.alice, 1, 0), share(s.frank, 2, 1)))
	by(bob, "L-15", "enrolled with one officer twice", shares(share(s.alice, 1, 0), share(s.alice, 2, 1)))
	by(bob, "L-5", "indexes from 0", shares(share(s.alice, 0, 0), share(s.dora, 1, 1)))
	by(bob, "L-5", "an index left out", shares(share(s.alice, 1, 0), share(s.dora, 3, 1)))
	by(bob, "L-5", "indexes out of order", shares(share(s.alice, 2, 0), share(s.dora, 1, 1)))
	by(bob, "L-5", "no shares", shares())
	by(bob, "L-5", "a threshold below the policy's", e.with(3, num(1)))
	by(bob, "L-5", "a threshold above the shares", e.with(3, num(3)))
	by(bob, "L-5", "a threshold of 0", e.with(3, num(0)))
	by(bob, "L-5", "a sealed seed of 71 bytes", e.with(6, bstr(e.sealed()[1:])))
	by(bob, "L-5", "no sealed seed", op(22, e.items()[:5]...))
	by(bob, "L-16", "enrolment 0", e.with(2, num(0)))
	by(bob, "L-16", "the first enrolment is the second", e.with(2, num(2)))
	by(bob, "L-16", "the seed of a generation to come", e.with(5, num(2)))
	by(bob, "L-16", "the seed of an earlier generation", s.opUserKey(s.bob, 2, s.bob.user), e.op())
	by(bob, "L-14", "the key id of the escrow key is taken", e.with(4, bstr(s.phone.present().commitment())))
	by(bob, "L-14", "one commitment for two shares", shares(share(s.alice, 1, 0), share(s.dora, 2, 0)))
	by(bob, "L-14", "a share that is the escrow key", e.with(4, bstr(e.shares[0].commitment())))
	by(bob, "L-15", "the end of what is not", opEndRecovery(s.bob, 1), s.opUserKey(s.bob, 2, s.bob.user))
	by(s.alice.first, "L-15", "asked for who is not enrolled", s.opRequest(s.bob, 1, s.fresh))
	closed := s.then("Alice removes Bob's phone", s.alice.first, opRemoveDevice(s.bobPhone), s.rotation(s.phone), s.rotation(s.folder))
	c.refuseOps(closed, bob, "L-16", "enrolled with a closed user key", e.op())
	c.accept(s.scenario, s.carol.first, "a guest enrols", s.enrol(s.carol, 1, 1, s.carol.user, 2, s.alice, s.dora, s.eve).op())
	c.accept(s.scenario, s.alice.first, "an officer enrols with others", s.enrol(s.alice, 1, 1, s.alice.user, 2, s.dora, s.eve).op())
	twice := s.enrol(s.bob, 2, 1, s.bob.user, 3, s.alice, s.dora, s.eve)
	c.refuseOps(s.scenario, bob, "L-20", "enrolled twice in an entry, and the user key kept", e.op(), twice.op())
	c.accept(s.scenario, bob, "enrolled, then the key replaced", e.op(), s.opUserKey(s.bob, 2, s.bob.user))
}

func (c *cases) enrolled(s *helpers) {
	bob := s.bob.first
	by := c.refusing(s.scenario)
	user := s.opUserKey(s.bob, 2, s.bob.user)
	by(bob, "L-16", "an enrolment's number again", s.first.op())
	by(bob, "L-20", "enrolled again, and the user key kept", s.enrol(s.bob, 2, 1, s.bob.user, 3, s.alice, s.dora, s.eve).op())
	by(bob, "L-20", "an enrolment ended, and the user key kept", opEndRecovery(s.bob, 1))
	by(bob, "L-15", "an enrolment ended after it has ended by a new user key", user, opEndRecovery(s.bob, 1))
	by(bob, "L-15", "another enrolment ended", opEndRecovery(s.bob, 2), user)
	by(s.alice.first, "L-11", "somebody else's enrolment ended", opEndRecovery(s.bob, 1))
	c.accept(s.scenario, bob, "an enrolment ended", opEndRecovery(s.bob, 1), user)
	c.accept(s.scenario, s.alice.first, "an officer who holds a share becomes a member", opRole(s.dora, 2, 0))
}

func (c *cases) requests(s *helpers) {
	alice := s.alice.first
	by := c.refusing(s.scenario)
	nobody := make([]byte, 32)
	good := func(d device) ([]byte, []byte) { return d.record(), d.accept(s.id, nobody) }
	record, acceptance := good(s.stray)
	why := reasonOf(s.stray).commitment()
	by(s.bob.first, "L-11", "a member asks", s.opRequest(s.greta, 1, s.stray))
	by(s.bob.first, "L-11", "a member asks for themself", s.opRequest(s.bob, 2, s.stray))
	by(alice, "L-11", "an officer asks for themself", s.opRequest(s.alice, 1, s.stray))
	by(alice, "L-15", "asked for somebody unknown", s.opRequest(s.frank, 1, s.stray))
	by(alice, "L-16", "asked for an enrolment that has ended", s.opRequest(s.bob, 1, s.stray))
	by(alice, "L-5", "accepted for the member", opRequestAs(s.bob, 2, record, s.stray.accept(s.id, s.bob.id()), why))
	by(alice, "L-5", "accepted for another organization", opRequestAs(s.bob, 2, record, s.stray.accept(nobody, nobody), why))
	by(alice, "L-5", "accepted by another device", opRequestAs(s.bob, 2, record, s.second.accept(s.id, nobody), why))
	by(alice, "L-5", "a paper kit asks", s.opRequest(s.bob, 2, newDevice("a kit of nobody", 2)))
	by(alice, "L-5", "a record cut short", opRequestAs(s.bob, 2, record[:len(record)-1], acceptance, why))
	by(alice, "L-5", "no reason", op(26, bstr(s.bob.id()), num(2), bstr(record), bstr(acceptance)))
	by(alice, "L-14", "a device asks twice", s.opRequest(s.bob, 2, s.fresh))
	by(alice, "L-14", "a device of a member asks", s.opRequest(s.greta, 1, s.bobPhone))
	by(alice, "L-14", "a reason that is another text", opRequestAs(s.bob, 2, record, acceptance, s.phone.label.commitment()))
	by(s.bob.first, "L-14", "a requesting device is added", opDevice(s.bob.id(), s.fresh.record(), s.fresh.accept(s.id, s.bob.id())))
	for _, what := range []struct {
		name string
		op   []byte
	}{
		{"adds itself", opDevice(s.bob.id(), s.stray.record(), s.stray.accept(s.id, s.bob.id()))},
		{"replaces the user key", s.opUserKey(s.bob, 3, s.userKey(s.bob, 2))},
		{"closes a field", opClose(s.phone)},
		{"founds another", opGenesis("Recovery LLP again", s.frank)},
		{"approves itself", opApprove(s.bob, s.fresh, 2, 1)},
	} {
		by(s.fresh, "L-11", "a requesting device "+what.name, what.op)
	}
	by(s.stray, "L-9", "a device that nobody asked for finishes", opFinish(s.bob, s.stray, 2))
	c.accept(s.scenario, s.dora.first, "asked once more", s.opRequest(s.bob, 2, s.stray))
}

func (c *cases) approvals(s *helpers) {
	dora, alice := s.dora.first, s.alice.first
	by := c.refusing(s.scenario)
	by(s.greta.first, "L-11", "a member approves", opApprove(s.bob, s.fresh, 2, 1))
	by(dora, "L-15", "an officer approves with another's share", opApprove(s.bob, s.fresh, 2, 1))
	by(dora, "L-15", "approved with share 0", opApprove(s.bob, s.fresh, 2, 0))
	by(dora, "L-15", "approved with a share that is not", opApprove(s.bob, s.fresh, 2, 4))
	by(dora, "L-15", "approved for a device that does not ask", opApprove(s.bob, s.stray, 2, 2))
	by(dora, "L-15", "approved for a device of the member", opApprove(s.bob, s.bobPhone, 2, 2))
	by(dora, "L-15", "approved for somebody else", opApprove(s.greta, s.fresh, 1, 2))
	by(dora, "L-16", "approved with a share of an earlier enrolment", opApprove(s.bob, s.fresh, 1, 2))
	by(dora, "L-15", "approved twice", opApprove(s.bob, s.fresh, 2, 2), opApprove(s.bob, s.fresh, 2, 2))
	ended := s.then("Bob replaces his key", s.bob.first, s.opUserKey(s.bob, 3, s.userKey(s.bob, 2)))
	c.refuseOps(ended, dora, "L-15", "approved after the enrolment has ended", opApprove(s.bob, s.fresh, 2, 2))
	c.refuseOps(ended, s.fresh, "L-9", "finished after the enrolment has ended", opFinish(s.bob, s.fresh, 2))
	c.refuseOps(ended, alice, "L-14", "asked again with a device whose request has ended", s.opRequest(s.greta, 1, s.fresh))
	c.accept(s.scenario, dora, "approved for both devices", opApprove(s.bob, s.fresh, 2, 2), opApprove(s.bob, s.second, 2, 2))
}

func (c *cases) tooFew(s *helpers) {
	whole := s.takeover(s.fresh)
	c.refuseOps(s.scenario, s.fresh, "L-11", "finished with one approval of two", whole...)
}

// takeover are the operations of Bob's recovery on a device, without the escrow.
func (s *helpers) takeover(d device) [][]byte {
	return [][]byte{opFinish(s.bob, d, 2), s.opUserKey(s.bob, 3, s.userKey(s.bob, 2)), s.rotation(s.phone), opClose(s.folder)}
}

func (c *cases) finishes(s *helpers) {
	by := c.refusing(s.scenario)
	whole := s.takeover(s.fresh)
	for i, what := range []string{"the user key", "a field", "a folder"} {
		by(s.fresh, "L-20", "finished, with "+what+" left as it was", slices.Delete(slices.Clone(whole), i+1, i+2)...)
	}
	by(s.fresh, "L-11", "finished after another operation", whole[1], whole[0], whole[2], whole[3])
	by(s.fresh, "L-11", "finished twice", append(slices.Clone(whole), whole[0])...)
	by(s.bob.first, "L-11", "finished by a device of the member", whole...)
	by(s.alice.first, "L-11", "finished by an officer", whole[0])
	by(s.second, "L-15", "finished for another device", whole...)
	by(s.second, "L-11", "finished without an approval", s.takeover(s.second)...)
	by(s.fresh, "L-15", "finished for another member", opFinish(s.greta, s.fresh, 1))
	by(s.fresh, "L-16", "finished for another enrolment", opFinish(s.bob, s.fresh, 1))
	by(s.fresh, "L-11", "a folder rotated that the member only reads", whole[0], whole[1], whole[2], s.rotation(s.folder))
	less := s.then("Alice makes Eve a member", s.alice.first, opRole(s.eve, 2, 0))
	c.refuseOps(less, s.fresh, "L-11", "finished with an approval by who is no officer any more", whole...)
	gone := s.then("Alice removes Eve", s.alice.first, opRemoveMember(s.eve))
	c.refuseOps(gone, s.fresh, "L-11", "finished with an approval by who was removed", whole...)
	closed := s.then("Dora removes Bob's phone", s.dora.first, opRemoveDevice(s.bobPhone), opClose(s.phone), opClose(s.folder))
	c.accept(closed, s.fresh, "finished while the user key is closed", whole[0], whole[1])
	more := s.then("Alice approves as well", s.alice.first, opApprove(s.bob, s.fresh, 2, 1))
	c.accept(more, s.fresh, "finished with more approvals than it takes", whole...)
	c.accept(s.scenario, s.fresh, "finished, and the member goes on", append(slices.Clone(whole), opGrant(s.phone, s.carol.id(), 1))...)
	inside, name := c.blob("the rest of a recovery", whole[1:]...)
	b := s.next(s.fresh, whole[0], inside).encode()
	c.vectors = append(c.vectors, logVector{Name: "finished, with the rest outside", Kind: "replay", Organization: s.id, Log: s.after("finished, with the rest outside", b), Blobs: []string{name}})
	outside, name := c.blob("a whole recovery", whole...)
	b = s.next(s.fresh, outside).encode()
	c.vectors = append(c.vectors, logVector{Name: "finished outside the entry", Kind: "replay", Rule: "L-11", Organization: s.id, Log: s.after("L-11: finished outside the entry", b), Blobs: []string{name}})
}

func (c *cases) afterwards(s *helpers) {
	by := c.refusing(s.scenario)
	by(s.bob.first, "L-9", "by a device from before the recovery", opClose(s.phone))
	by(s.second, "L-9", "by another device that asked", opFinish(s.bob, s.second, 2))
	by(s.fresh, "L-11", "finished once more", opFinish(s.bob, s.fresh, 2))
	by(s.dora.first, "L-15", "approved after it was finished", opApprove(s.bob, s.fresh, 2, 2))
	by(s.fresh, "L-11", "the recovered device removes itself", opRemoveDevice(s.fresh))
	c.accept(s.scenario, s.fresh, "the recovered device is the member's", opGrant(s.phone, s.greta.id(), 3))
	c.vectors = append(c.vectors,
		logVector{Name: "the user key that the recovered device made", Kind: "user key", Organization: s.id, Log: slices.Clone(s.names), Member: s.bob.id(), Epoch: 3, Device: s.fresh.id(), Sender: s.fresh.id()},
		logVector{Name: "a user key by an officer who approved", Kind: "user key", Rule: "L-30", Organization: s.id, Log: slices.Clone(s.names), Member: s.bob.id(), Epoch: 2, Device: s.fresh.id(), Sender: s.eve.first.id()},
	)
	c.share(s, "a share of an enrolment that has ended", "L-42", s.bob, 2, 1, s.alice, s.alice.sealing.public, s.bob.first)
	c.recovered(s, "to a device that has taken over", "L-46", s.fresh, 2, 2, s.dora.first)
}

func (c *cases) requestsEnd(s *helpers) {
	by := c.refusing(s.scenario)
	by(s.third, "L-9", "finished for who was removed", opFinish(s.greta, s.third, 1))
	by(s.alice.first, "L-15", "asked for who was removed", s.opRequest(s.greta, 1, s.stray))
	by(s.dora.first, "L-15", "approved for who was removed", opApprove(s.greta, s.third, 1, 2))
	c.share(s, "of who was removed", "L-41", s.greta, 1, 1, s.alice, s.alice.sealing.public, s.greta.first)
}

// share asks whether an officer may hold a share.
func (c *cases) share(s *helpers, name, rule string, of *person, number, index uint64, holder *person, key []byte, sender device) {
	c.vectors = append(c.vectors, logVector{
		Name: name, Kind: "share", Rule: rule, Organization: s.id, Log: slices.Clone(s.names),
		Member: of.id(), Epoch: number, Index: index, Officer: holder.id(), Key: keyName(key), Sender: sender.id(),
	})
}

func (c *cases) sharesOfOfficers(s *helpers) {
	bob, alice := s.bob.first, s.alice.sealing.public
	c.share(s, "a share by who enrolled", "", s.bob, 2, 1, s.alice, alice, bob)
	c.share(s, "another's of the same", "", s.bob, 2, 3, s.eve, s.eve.sealing.public, bob)
	c.share(s, "of somebody unknown", "L-41", s.frank, 1, 1, s.alice, alice, bob)
	c.share(s, "to somebody unknown", "L-41", s.bob, 2, 1, s.frank, s.frank.sealing.public, bob)
	c.share(s, "of who is not enrolled", "L-41", s.carol, 1, 1, s.alice, alice, s.carol.first)
	c.share(s, "of the enrolment before", "L-42", s.bob, 1, 1, s.alice, alice, bob)
	c.share(s, "of an enrolment to come", "L-42", s.bob, 3, 1, s.alice, alice, bob)
	c.share(s, "another officer's", "L-43", s.bob, 2, 2, s.alice, alice, bob)
	c.share(s, "with index 0", "L-43", s.bob, 2, 0, s.alice, alice, bob)
	c.share(s, "with an index that is not", "L-43", s.bob, 2, 4, s.alice, alice, bob)
	c.share(s, "to a member", "L-43", s.bob, 2, 1, s.greta, s.greta.sealing.public, bob)
	c.share(s, "to another's key", "L-44", s.bob, 2, 1, s.alice, s.dora.sealing.public, bob)
	c.share(s, "to a device's key", "L-44", s.bob, 2, 1, s.alice, s.alice.first.encryption.public, bob)
	c.share(s, "by another device of the member", "L-45", s.bob, 2, 1, s.alice, alice, s.bobPhone)
	c.share(s, "by another officer", "L-45", s.bob, 2, 1, s.alice, alice, s.dora.first)
}

// recovered asks whether a requesting device may hold a share.
func (c *cases) recovered(s *helpers, name, rule string, d device, number, index uint64, sender device) {
	c.vectors = append(c.vectors, logVector{
		Name: name, Kind: "re-sealed share", Rule: rule, Organization: s.id, Log: slices.Clone(s.names),
		Device: d.id(), Epoch: number, Index: index, Sender: sender.id(),
	})
}

func (c *cases) sharesOfTheDevice(s *helpers) {
	c.recovered(s, "a share by who approved", "", s.fresh, 2, 2, s.dora.first)
	c.recovered(s, "another by who approved", "", s.fresh, 2, 3, s.eve.first)
	c.recovered(s, "to a device that does not ask", "L-46", s.stray, 2, 2, s.dora.first)
	c.recovered(s, "to a device of the member", "L-46", s.bobPhone, 2, 2, s.dora.first)
	c.recovered(s, "of another enrolment", "L-47", s.fresh, 1, 2, s.dora.first)
	c.recovered(s, "by who has not approved", "L-48", s.fresh, 2, 1, s.alice.first)
	c.recovered(s, "another's by who approved", "L-48", s.fresh, 2, 2, s.eve.first)
	c.recovered(s, "to another device that asks", "L-48", s.second, 2, 2, s.dora.first)
	c.recovered(s, "by a device of the member", "L-48", s.fresh, 2, 2, s.bob.first)
}

// escrows are shares and what they open.
func (c *cases) escrows(s *helpers) {
	e := s.again
	ask := func(name, rule string, result []byte, parts ...part) {
		c.vectors = append(c.vectors, logVector{
			Name: name, Kind: "escrow", Rule: rule, Organization: s.id, Log: slices.Clone(s.names), Member: s.bob.id(), Epoch: 2, Parts: parts, Seed: result,
		})
	}
	share := func(i uint64) part { return part{i, e.shares[i-1].key} }
	ask("the first and the second share", "", e.user.key, share(1), share(2))
	ask("the third and the first", "", e.user.key, share(3), share(1))
	ask("all of them", "", e.user.key, share(1), share(2), share(3))
	wrong := new(big.Int).Add(fromLittle(e.shares[1].key), big.NewInt(1))
	ask("a wrong share", "S-21", nil, share(1), part{2, little(wrong.Mod(wrong, order()))})
	ask("one share under another index", "S-21", nil, share(1), part{3, e.shares[1].key})
	ask("a share of the enrolment before", "S-21", nil, share(1), part{2, s.first.shares[1].key})
	ask("a share in another encoding", "S-21", nil, share(1), part{2, little(new(big.Int).Add(fromLittle(e.shares[1].key), order()))})
}
