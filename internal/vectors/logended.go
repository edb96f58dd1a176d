package main

// ended are the ways of ending a resource, and what becomes of fax, which has
// ended in its second epoch and is granted to everybody.
func (c *cases) ended(s *scenario) {
	alice, bob, carol, dora := s.alice.first, s.bob.first, s.carol.first, s.dora.first
	a, b, g, d := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id()
	by := c.refusing(s)
	tax := func(bound []byte) []byte { return opCreate(s.tax, bound) }
	device := newDevice("Carol's tablet", 1)
	tablet := s.then("Carol adds a tablet", carol, opDevice(g, device.record(), device.accept(s.id, g)))

	by(alice, "L-18", "rotated after its end", s.rotation(s.fax))
	by(alice, "L-18", "granted after its end", opGrant(s.fax, b, 3))
	by(alice, "L-18", "granted again as it was after its end", opGrant(s.fax, b, 7))
	by(alice, "L-18", "re-sealed after its end", opReseal(s.fax, 2, b))
	by(alice, "L-18", "re-sealed in an old epoch after its end", opReseal(s.fax, 1, b))
	by(alice, "L-18", "ended twice", opEnd(s.fax))
	by(alice, "L-18", "ended twice in one entry", opEnd(s.address), opEnd(s.address))
	by(alice, "L-18", "rotated after its end in one entry", opEnd(s.address), s.rotation(s.address))
	by(dora, "L-18", "an officer takes share of what nobody shares and has ended",
		opRevoke(s.fax, a), opRevoke(s.fax, b), opGrant(s.fax, d, 5))
	by(alice, "L-16", "closed after its end", opClose(s.fax))
	by(alice, "L-16", "filed under a resource that has ended", opDirectory(s.fax, s.fax.label))
	by(alice, "L-15", "unknown resource ended", opEnd(s.tax))
	by(alice, "L-15", "the directory ended", opEnd(s.directory))
	by(alice, "L-5", "ended resource id of 15 bytes", op(32, bstr(s.address.id[1:])))
	by(alice, "L-5", "ended without resource", op(32))
	by(alice, "L-5", "ended with a field too many", op(32, bstr(s.address.id), num(1)))
	by(bob, "L-11", "ended by a member without a grant", opEnd(s.address))
	by(carol, "L-11", "ended by a guest", opEnd(s.folder))
	c.refuseOps(tablet, carol, "L-11", "a guest ends what the entry owes",
		opRemoveDevice(device), s.opUserKey(s.carol, 3, s.userKey(s.carol, 2)), opEnd(s.address))
	by(alice, "L-11", "one's own grant revoked after the end", opRevoke(s.fax, a))
	by(carol, "L-11", "revoked after the end by a guest", opRevoke(s.fax, b))
	by(bob, "L-11", "an officer revoked after the end", opRevoke(s.fax, d))
	c.refuseOps(tablet, alice, "L-20", "a device removed, with a resource left open beside one that has ended", opRemoveDevice(device))

	by(alice, "L-14", "a binding twice, before its resource ends", tax(addressBinding()), opEnd(s.address))
	by(alice, "L-14", "a binding that was free used twice", tax(faxBinding()), opCreate(s.resource("another fax", 1), faxBinding()))
	by(alice, "L-14", "the id of a resource that has ended", op(6, bstr(s.fax.id), num(1), faxBinding(), bstr(s.tax.present().commitment()), bstr(s.tax.label.commitment())))
	by(alice, "L-14", "the label of a resource that has ended", op(6, bstr(s.tax.id), num(1), faxBinding(), bstr(s.tax.present().commitment()), bstr(s.fax.label.commitment())))

	c.accept(s, alice, "a binding that is free again", tax(faxBinding()))
	c.accept(s, alice, "a binding freed and used in one entry", opEnd(s.address), tax(addressBinding()))
	c.accept(s, alice, "a binding that is no place used twice", tax(binding("tabular", "", "", "")))
	c.accept(s, dora, "an officer without a grant ends a folder that is closed", opEnd(s.folder))
	c.accept(s, bob, "a member with share ends a field", opEnd(s.phone))
	c.accept(s, alice, "made and ended in one entry", tax(faxBinding()), opGrant(s.tax, b, 1), opRevoke(s.tax, b), opEnd(s.tax))
	c.accept(s, alice, "rotated and ended in one entry", s.rotation(s.phone), opEnd(s.phone))
	c.accept(s, alice, "an end pays what a revocation owes", opRevoke(s.phone, b), opEnd(s.phone))
	c.accept(s, alice, "its label filed in the directory after its end", opDirectory(s.directory, s.fax.label))
	c.accept(tablet, alice, "a device removed of a member who was granted what has ended", opRemoveDevice(device), opClose(s.address))
	c.accept(tablet, alice, "an end pays what the removal of a device owes", opRemoveDevice(device), opEnd(s.address))
	log := c.accept(s, dora, "revoked after the end, and nothing owed", opRevoke(s.fax, g))
	c.ask(s, "of a resource that has ended", "", s.fax, 2, s.carol, newXWing(s.userKey(s.carol, 2).key).public, alice)
	c.vectors = append(c.vectors, logVector{
		Name: "of a resource that has ended, after the revocation", Kind: "envelope", Rule: "L-25", Organization: s.id, Log: log,
		Resource: s.fax.id, Epoch: 2, Member: g, Key: keyName(s.carol.sealing.public), Sender: alice.id(),
	})
}
