package main

import "bytes"

// atWork are the faults of operations whose author may use them.
func (c *cases) atWork(s *scenario) {
	alice, bob, carol, dora := s.alice.first, s.bob.first, s.carol.first, s.dora.first
	a, b, g := s.alice.id(), s.bob.id(), s.carol.id()
	by := c.refusing(s)
	rotated := func(r *resource, epoch uint64, commitment, previous, public []byte) []byte {
		return op(7, bstr(r.id), num(epoch), bstr(commitment), bstr(previous), optionalBytes(public))
	}
	next := s.phone.key(s.firm, 2)
	prev := next.prev(s.phone.present())
	folderNext := s.folder.key(s.firm, 2)
	folderPrev := folderNext.prev(s.folder.present())

	// Devices and user keys.
	desk := newDevice("Alice's desk", 1)
	add := func(d device, acceptance []byte) []byte { return opDevice(a, d.record(), acceptance) }
	for _, f := range faultyRecords() {
		d := newDevice("faulty", 1)
		d.recordInstead = f.record
		by(alice, "L-5", "device record: "+f.name, add(d, d.accept(s.id, a)))
	}
	by(alice, "L-5", "acceptance for another organization", add(desk, desk.accept(flip(s.id, 0), a)))
	by(alice, "L-5", "acceptance for another member", add(desk, desk.accept(s.id, b)))
	by(alice, "L-5", "acceptance by the adding device", add(desk, alice.accept(s.id, a)))
	by(alice, "L-5", "no acceptance", add(desk, nil))
	by(alice, "L-14", "a device twice", add(s.aliceKit, s.aliceKit.accept(s.id, a)))
	same := desk
	same.signing = s.bobPhone.signing
	by(alice, "L-14", "a device with the signing key of another", add(same, same.accept(s.id, a)))
	same = desk
	same.label = s.bobPhone.label
	by(alice, "L-14", "a device with the label's commitment of another", add(same, same.accept(s.id, a)))
	user := func(generation uint64, public, commitment, previous []byte) []byte {
		return op(5, bstr(a), num(generation), bstr(public), bstr(commitment), bstr(previous))
	}
	k := s.userKey(s.alice, 2)
	public, userPrev := newXWing(k.key).public, k.prev(s.alice.user)
	by(alice, "L-16", "user key generation 1", user(1, public, k.commitment(), userPrev))
	by(alice, "L-16", "user key generation 3", user(3, public, k.commitment(), userPrev))
	by(alice, "L-16", "user key rotated twice in one entry", s.opUserKey(s.alice, 2, s.alice.user), s.opUserKey(s.alice, 3, k))
	by(alice, "L-5", "previous user key of 71 bytes", user(2, public, k.commitment(), userPrev[1:]))
	by(alice, "L-19", "user key with point of low order", user(2, withPoint(public, lowOrderPoints()[4]), k.commitment(), userPrev))
	by(alice, "L-19", "user key with ML-KEM coefficient of 3329", user(2, withCoefficient(public), k.commitment(), userPrev))
	by(alice, "L-14", "a device's key as user key", user(2, alice.encryption.public, k.commitment(), userPrev))
	by(alice, "L-14", "the user key that it replaces", user(2, s.alice.sealing.public, k.commitment(), userPrev))
	by(alice, "L-14", "commitment of the user key that it replaces", user(2, public, s.alice.user.commitment(), userPrev))
	by(alice, "L-15", "removal of an unknown device", opRemoveDevice(desk))
	by(dora, "L-21", "removal of somebody's last device", opRemoveDevice(carol), opClose(s.address), opClose(s.folder))

	// Epochs.
	by(alice, "L-16", "the present epoch again", rotated(s.phone, 1, next.commitment(), prev, nil))
	by(alice, "L-16", "an epoch left out", rotated(s.phone, 3, next.commitment(), prev, nil))
	past := func(from uint64) []byte {
		return op(7, bstr(s.phone.id), num(2), bstr(next.commitment()), bstr(prev), nil, num(from))
	}
	by(alice, "L-16", "an epoch from the present one, said", past(1))
	by(alice, "L-16", "an epoch from itself", past(2))
	by(alice, "L-5", "an epoch from 0, said", past(0))
	by(alice, "L-16", "two epochs in one entry", s.rotation(s.phone), op(7, bstr(s.phone.id), num(3), bstr(s.phone.key(s.firm, 3).commitment()), bstr(prev)))
	by(alice, "L-16", "rotated in the entry that makes it", opCreate(s.tax, binding("tabular", "", "", "")), s.rotation(s.tax))
	by(alice, "L-16", "closed in the entry that makes it", opCreate(s.tax, binding("tabular", "", "", "")), opClose(s.tax))
	by(alice, "L-16", "closed in the entry that rotates it", s.rotation(s.phone), op(8, bstr(s.phone.id), num(2)))
	by(alice, "L-16", "closing of another epoch", op(8, bstr(s.phone.id), num(2)))
	by(alice, "L-16", "closing twice", opClose(s.phone), opClose(s.phone))
	by(alice, "L-5", "previous key of 71 bytes", rotated(s.phone, 2, next.commitment(), prev[1:], nil))
	by(alice, "L-5", "no previous key", rotated(s.phone, 2, next.commitment(), nil, nil))
	by(alice, "L-5", "field rotated with a public key", rotated(s.phone, 2, next.commitment(), prev, public))
	by(bob, "L-19", "folder rotated without public key", rotated(s.folder, 2, folderNext.commitment(), folderPrev, nil))
	by(bob, "L-19", "folder rotated to a point of low order", rotated(s.folder, 2, folderNext.commitment(), folderPrev, withPoint(public, lowOrderPoints()[1])))
	by(bob, "L-14", "folder rotated to its own key", rotated(s.folder, 2, folderNext.commitment(), folderPrev, newXWing(s.folder.present().key).public))
	by(alice, "L-14", "rotated to its own commitment", rotated(s.phone, 2, s.phone.present().commitment(), prev, nil))

	// Grants.
	for _, rights := range []uint64{0, 2, 4, 6, 8, 9} {
		by(alice, "L-17", "rights "+string(appendDecimal(rights)), opGrant(s.phone, b, rights))
	}
	by(dora, "L-17", "rights that the author lacks", opGrant(s.phone, b, 3))
	by(alice, "L-17", "share to a guest", opGrant(s.address, g, 5))
	by(alice, "L-17", "the directory to a guest", opGrant(s.directory, g, 1))
	by(alice, "L-5", "grant to a principal of kind 3", op(9, bstr(s.phone.id), principal(3, random("group", 16)), num(1)))
	by(alice, "L-5", "grant to a principal of kind 0", op(9, bstr(s.phone.id), principal(0, b), num(1)))
	by(alice, "L-5", "revocation from a principal of kind 3", op(10, bstr(s.phone.id), principal(3, random("group", 16))), s.rotation(s.phone))
	by(alice, "L-5", "revocation from an id of 31 bytes", op(10, bstr(s.phone.id), principal(1, b[1:])), s.rotation(s.phone))
	by(alice, "L-5", "re-sealed to a principal of kind 3", op(12, bstr(s.phone.id), num(1), principal(3, random("group", 16))))
	by(alice, "L-5", "grant to an id of 31 bytes", op(9, bstr(s.phone.id), principal(1, b[1:]), num(1)))
	by(alice, "L-5", "principal of three items", op(9, bstr(s.phone.id), array(num(1), bstr(b), num(0)), num(1)))
	by(alice, "L-15", "grant to somebody unknown", opGrant(s.phone, newPerson("Mallory").id(), 1))
	by(alice, "L-15", "revocation of no grant", opRevoke(s.phone, g), s.rotation(s.phone))
	by(alice, "L-15", "re-sealed to somebody without a grant", opReseal(s.phone, 1, g))
	by(alice, "L-16", "re-sealed epoch 0", opReseal(s.phone, 0, b))
	by(alice, "L-16", "re-sealed epoch that is not open", opReseal(s.phone, 2, b))
	by(alice, "L-18", "grant after closing", opClose(s.phone), opGrant(s.phone, b, 7))
	by(alice, "L-21", "the last sharer gives share up", opGrant(s.address, a, 3))
	by(alice, "L-15", "unknown resource rotated", s.rotation(s.tax))
	by(alice, "L-15", "unknown resource closed", opClose(s.tax))
	by(alice, "L-15", "unknown resource granted", opGrant(s.tax, b, 1))
	by(alice, "L-15", "unknown resource revoked", opRevoke(s.tax, b))
	by(alice, "L-15", "filed under an unknown resource", opDirectory(s.tax, s.alice.name))
	by(alice, "L-15", "unknown resource re-sealed", opReseal(s.tax, 1, b))

	// Openings.
	file := func(epoch uint64, items ...[]byte) []byte {
		return op(11, bstr(s.phone.id), num(epoch), array(items...))
	}
	item := func(text, sealed []byte) []byte { return array(bstr(text), bstr(sealed)) }
	label, text := s.phone.label.commitment(), bytes.Repeat([]byte{7}, 128)
	by(alice, "L-5", "no items", file(1))
	by(alice, "L-5", "empty opening", file(1, item(label, nil)))
	by(alice, "L-5", "opening of 2049 bytes", file(1, item(label, make([]byte, 2049))))
	by(alice, "L-15", "a text that the log does not name", file(1, item(random("text", 32), text)))
	by(alice, "L-15", "a name filed under a field", file(1, item(s.alice.name.commitment(), text)))
	by(alice, "L-15", "another field's label filed under a field", file(1, item(s.address.label.commitment(), text)))
	by(alice, "L-16", "filed under an epoch that is not open", file(2, item(label, text)))
	by(alice, "L-16", "filed under a closed epoch", opClose(s.phone), file(1, item(label, text)))
}

// authority are operations that their author may not use.
func (c *cases) authority(s *scenario) {
	alice, bob, carol, dora := s.alice.first, s.bob.first, s.carol.first, s.dora.first
	a, b, g, d := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id()
	by := func(d device, name string, ops ...[]byte) { c.refuseOps(s, d, "L-11", name, ops...) }
	eve := newPerson("Eve")
	desk := newDevice("Eve's desk", 1)

	by(bob, "a member adds a member", opMember(eve.card(), 2, 0, nil))
	by(carol, "a guest adds a guest", opMember(eve.card(), 3, 0, nil))
	by(bob, "genesis by a member", opGenesis("Other LLP", eve))
	by(dora, "an officer adds a device to somebody else", opDevice(b, desk.record(), desk.accept(s.id, b)))
	by(bob, "a member adds a device to somebody else", opDevice(a, desk.record(), desk.accept(s.id, a)))
	by(bob, "a member removes somebody else's device", opRemoveDevice(s.aliceKit), s.rotation(s.directory), s.rotation(s.phone), opClose(s.address))
	by(carol, "a guest removes somebody else's device", opRemoveDevice(s.aliceKit))
	by(s.aliceKit, "a device removes itself", opRemoveDevice(s.aliceKit), s.opUserKey(s.alice, 2, s.alice.user), s.rotation(s.directory), s.rotation(s.phone), s.rotation(s.address))
	by(dora, "an officer rotates somebody else's user key", s.opUserKey(s.bob, 2, s.bob.user))

	by(bob, "rotated with write alone", s.rotation(s.address))
	by(dora, "rotated by an officer without a grant", s.rotation(s.folder))
	by(carol, "rotated by a guest", s.rotation(s.address))
	by(bob, "closed with write alone", opClose(s.address))
	by(carol, "closed by a guest", opClose(s.address))
	by(bob, "granted with write alone", opGrant(s.address, d, 1))
	by(dora, "granted by an officer without a grant", opGrant(s.folder, d, 1))
	by(carol, "granted onward by a guest", opGrant(s.address, d, 1))
	by(bob, "revoked with write alone", opRevoke(s.address, g), opClose(s.address))
	by(carol, "revoked by a guest", opRevoke(s.address, b), opClose(s.address))
	by(alice, "one's own grant revoked", opRevoke(s.phone, a), s.rotation(s.phone))
	by(alice, "one's own grant revoked after closing", opClose(s.phone), opRevoke(s.phone, a))
	by(dora, "revoked, then rotated by an officer who does not read it", opRevoke(s.address, b), s.rotation(s.address))
	by(dora, "filed by an officer without a grant", opDirectory(s.folder, s.folder.label))
	by(carol, "filed by a guest", opDirectory(s.address, s.address.label))
	by(bob, "opening replaced with write alone", opDirectory(s.directory, s.bob.name))
	by(dora, "re-sealed by an officer without a grant", opReseal(s.folder, 1, g))
	by(carol, "re-sealed by a guest", opReseal(s.address, 1, b))
}

// owed are entries that take access away and do not replace the keys.
func (c *cases) owed(s *scenario) {
	alice, dora, b := s.alice.first, s.dora.first, s.bob.id()
	by := func(d device, name string, ops ...[]byte) { c.refuseOps(s, d, "L-20", name, ops...) }
	tabular := binding("tabular", "", "", "")

	by(alice, "revocation alone", opRevoke(s.phone, b))
	by(alice, "revocation with another resource's rotation", opRevoke(s.phone, b), s.rotation(s.address))
	by(alice, "rotation before the revocation", s.rotation(s.phone), opRevoke(s.phone, b))
	by(alice, "two revocations and one rotation", opRevoke(s.phone, b), opRevoke(s.address, b), s.rotation(s.phone))
	by(alice, "made, granted and revoked", opCreate(s.tax, tabular), opGrant(s.tax, b, 1), opRevoke(s.tax, b))

	user, rest := s.opUserKey(s.alice, 2, s.alice.user), [][]byte{s.rotation(s.directory), s.rotation(s.phone), s.rotation(s.address)}
	removal := func(ops ...[]byte) [][]byte { return append([][]byte{opRemoveDevice(s.aliceKit)}, ops...) }
	by(alice, "removal of an own device alone", removal()...)
	by(alice, "removal of an own device without user key", removal(rest...)...)
	by(alice, "removal of an own device without rotations", removal(user)...)
	by(alice, "removal of an own device with one rotation left out", removal(user, rest[0], rest[2])...)
	by(alice, "user key rotated before the removal", append([][]byte{user}, removal(rest...)...)...)
	by(alice, "rotations before the removal", append(append([][]byte{}, rest...), removal(user)...)...)

	by(dora, "removal of somebody's device alone", opRemoveDevice(s.bobPhone))
	by(dora, "removal of somebody's device with a folder left open", opRemoveDevice(s.bobPhone), s.rotation(s.directory), opClose(s.phone), opClose(s.address))
}

// closed are the faults of using what is closed or removed.
func (c *cases) closed(s *scenario) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	b, g, d := s.bob.id(), s.carol.id(), s.dora.id()
	by := c.refusing(s)
	by(s.aliceKit, "L-9", "by a device that its own member removed", opGrant(s.address, d, 1))
	by(s.bobPhone, "L-9", "by a device that an officer removed", s.opUserKey(s.bob, 2, s.bob.user))
	by(dora, "L-15", "a removed device removed again", opRemoveDevice(s.bobPhone))
	by(alice, "L-14", "a removed device added again", opDevice(s.alice.id(), s.aliceKit.record(), s.aliceKit.accept(s.id, s.alice.id())))
	by(alice, "L-18", "grant to a closed user key", opGrant(s.address, b, 1))
	by(alice, "L-18", "re-sealed to a closed user key", opReseal(s.directory, 3, b))
	by(bob, "L-18", "grant of a closed epoch", opGrant(s.folder, g, 1))
	by(dora, "L-16", "a closed epoch closed again", opClose(s.folder))
	by(bob, "L-16", "filed under a closed epoch of a folder", opDirectory(s.folder, s.folder.label))
}

// orphaned are the ways of taking a resource from who shares it, and of giving
// share back.
func (c *cases) orphaned(s *scenario) {
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	a, b, g, d := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id()
	by := c.refusing(s)
	by(bob, "L-11", "a sharer revokes an officer", opRevoke(s.phone, a), s.rotation(s.phone))
	by(bob, "L-11", "a sharer gives an officer less", opGrant(s.phone, a, 3))
	c.accept(s, bob, "a sharer gives an officer the same", opGrant(s.phone, a, 7))
	by(dora, "L-11", "an officer takes share while somebody shares", opGrant(s.address, d, 7))
	c.accept(s, dora, "an officer revokes the last sharer", opRevoke(s.folder, b))

	taken := [][]byte{opRevoke(s.address, a), opClose(s.address)}
	after := func(ops ...[]byte) [][]byte { return append(append([][]byte{}, taken...), ops...) }
	by(dora, "L-11", "an officer on an orphaned resource takes write from a reader", after(opGrant(s.address, d, 5))...)
	by(dora, "L-11", "an officer on an orphaned resource gives no share", after(opGrant(s.address, d, 3))...)
	by(dora, "L-11", "an officer on an orphaned resource gives share to who does not read it", after(opGrant(s.address, b, 5))...)
	by(dora, "L-17", "an officer on an orphaned resource gives share to a guest", after(opGrant(s.address, g, 5))...)
	by(dora, "L-18", "an officer restores share, then grants of a closed epoch", after(opGrant(s.address, d, 7), opGrant(s.address, b, 1))...)
	by(alice, "L-21", "an officer revokes the other sharer and gives up share", opRevoke(s.phone, b), s.rotation(s.phone), opGrant(s.phone, a, 3))
	c.accept(s, dora, "an officer opens the next epoch of what nobody shares, and takes share",
		opRevoke(s.address, a), s.rotation(s.address), opGrant(s.address, d, 7), opGrant(s.address, b, 1))
	log := c.accept(s, dora, "an officer closes what nobody shares, and takes share", after(opGrant(s.address, d, 7))...)
	c.vectors = append(c.vectors, logVector{
		Name: "by who restored share alone", Kind: "envelope", Rule: "L-27", Organization: s.id, Log: log,
		Resource: s.address.id, Epoch: 4, Member: d, Key: keyName(s.dora.sealing.public), Sender: dora.id(),
	})
}

// userKeys are the questions about envelopes of user keys. Bob's phone and
// Carol's were added under generation 1, which their first devices made, and
// removed; both went on to generation 2.
func (c *cases) userKeys(s *scenario) {
	tablet := newDevice("Bob's tablet", 1)
	log := s.after("Bob adds a tablet", s.next(s.bob.first, opDevice(s.bob.id(), tablet.record(), tablet.accept(s.id, s.bob.id()))).encode())
	ask := func(name, rule string, who *person, generation uint64, to, sender device) {
		c.vectors = append(c.vectors, logVector{
			Name: name, Kind: "user key", Rule: rule, Organization: s.id, Log: log,
			Member: who.id(), Epoch: generation, Device: to.id(), Sender: sender.id(),
		})
	}
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	ask("a user key by the device that made it", "", s.bob, 2, bob, bob)
	ask("the first user key by the card's device", "", s.bob, 1, bob, bob)
	ask("the present user key by the device that added another", "", s.bob, 2, tablet, bob)
	ask("a user key to a device of somebody else", "L-28", s.bob, 2, alice, bob)
	ask("a user key to a removed device", "L-28", s.bob, 2, s.bobPhone, bob)
	ask("a user key to an unknown device", "L-28", s.bob, 2, newDevice("Mallory's laptop", 1), bob)
	ask("a user key of an unknown member", "L-28", newPerson("Mallory"), 1, bob, bob)
	ask("user key 0", "L-29", s.bob, 0, bob, bob)
	ask("a user key that is not there yet", "L-29", s.bob, 3, bob, bob)
	ask("a user key by another device of the member's", "L-30", s.bob, 2, bob, tablet)
	ask("a user key by a removed device of the member's", "L-30", s.bob, 2, bob, s.bobPhone)
	ask("a user key by the officer who let the member in", "L-30", s.bob, 1, bob, alice)
	ask("a user key by an officer", "L-30", s.bob, 2, bob, dora)
	ask("the first user key by nobody", "L-30", s.bob, 1, bob, newDevice("Mallory's laptop", 1))
}
