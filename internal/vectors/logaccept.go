package main

import "slices"

// accept adds a log that ends with an entry that is as it should be, and returns it.
func (c *cases) accept(s *scenario, by device, name string, ops ...[]byte) []string {
	log := s.after("accepted: "+name, s.next(by, ops...).encode())
	c.vectors = append(c.vectors, logVector{Name: name, Kind: "replay", Organization: s.id, Log: log})
	return log
}

// then is the scenario with one more entry, which the story does not have.
func (s *scenario) then(name string, by device, ops ...[]byte) *scenario {
	fork, firm := *s, *s.firm
	firm.names = slices.Clone(s.names)
	fork.firm = &firm
	fork.do(name, by, ops...)
	return &fork
}

// allowed are operations that their author may use, where one might think not.
func (c *cases) allowed(s *scenario) {
	bob, dora, g := s.bob.first, s.dora.first, s.carol.id()
	c.accept(s, dora, "an officer without a grant revokes and closes", opRevoke(s.folder, g), opClose(s.folder))
	c.accept(s, bob, "a member with share revokes and rotates", opRevoke(s.folder, g), s.rotation(s.folder))
	c.accept(s, bob, "re-sealed by a member who reads and writes", opReseal(s.address, 1, g))
	c.accept(s, bob, "a member who reads the directory files what is not there", opDirectory(s.directory, s.address.label, s.folder.label))
}

// allowedToday are the same at the end of the story, when Dora, an officer,
// reads and writes home-address and may not share it.
func (c *cases) allowedToday(s *scenario) {
	dora, g := s.dora.first, s.carol.id()
	revoke, rotate, shut := opRevoke(s.address, g), s.rotation(s.address), opClose(s.address)
	c.accept(s, dora, "an officer without share revokes and closes", revoke, shut)
	c.accept(s, dora, "an officer who reads rotates what the entry owes", revoke, rotate)
	c.accept(s, dora, "an officer who reads closes and rotates what the entry owes", revoke, shut, rotate)
	c.refuseOps(s, s.bob.first, "L-11", "re-sealed by who read it once", opReseal(s.address, 1, g))
	closed := s.then("Dora closes home-address", dora, shut)
	k, first := s.phone.key(s.firm, 5), s.phone.key(s.firm, 1)
	c.accept(s, s.alice.first, "a sharer goes on from an earlier epoch", op(7, bstr(s.phone.id), num(5), bstr(k.commitment()), bstr(k.prev(first)), nil, num(1)))
	c.refuseOps(s, s.alice.first, "L-16", "a sharer goes on from the present epoch, said",
		op(7, bstr(s.phone.id), num(5), bstr(k.commitment()), bstr(k.prev(first)), nil, num(4)))
	c.refuseOps(closed, dora, "L-11", "an officer who reads opens the next epoch of what is closed", rotate)
	c.accept(closed, dora, "a revocation of what is closed already", revoke)
	c.accept(closed, dora, "an officer who reads opens the next epoch of what was closed before it was owed", revoke, rotate)
}
