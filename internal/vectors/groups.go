package main

// A group is a resource of kind 4: an id, a label and epochs with keys.

func (f *firm) group(name string) *resource {
	g := &resource{id: random("group "+name, 16), kind: 4, label: newOpening(textGroup, name)}
	g.epochs = []dataKey{g.key(f, 1)}
	return g
}

func (r *resource) public() []byte { return newXWing(r.present().key).public }

// belongs is an item of the members of a new group.
func belongs(p *person, rights uint64) []byte { return array(bstr(p.id()), num(rights)) }

// opGroup makes a group of members in the order of their ids.
func opGroup(g *resource, members ...[]byte) []byte {
	return op(13, bstr(g.id), bstr(g.present().commitment()), bstr(g.public()), bstr(g.label.commitment()), array(ordered(members)...))
}

func opJoin(g *resource, member []byte, rights uint64) []byte {
	return op(14, bstr(g.id), bstr(member), num(rights))
}

func opTake(g *resource, member []byte) []byte { return op(15, bstr(g.id), bstr(member)) }

// opRotateGroup opens the next epoch of g for the operations that follow too.
func (f *firm) opRotateGroup(g *resource) []byte {
	b := f.groupRotation(g)
	g.epochs = append(g.epochs, g.key(f, uint64(len(g.epochs))+1))
	return b
}

// groupRotation is the operation alone.
func (f *firm) groupRotation(g *resource) []byte {
	next := g.key(f, uint64(len(g.epochs))+1)
	return op(16, bstr(g.id), num(next.Epoch), bstr(next.commitment()), bstr(next.prev(g.present())), bstr(newXWing(next.key).public))
}

func opCloseGroup(g *resource) []byte { return op(29, bstr(g.id), num(g.present().Epoch)) }

func opResealGroup(g *resource, epoch uint64, to []byte) []byte {
	return op(30, bstr(g.id), num(epoch), bstr(to))
}

func opGrantGroup(r, g *resource, rights uint64) []byte {
	return op(9, bstr(r.id), principal(2, g.id), num(rights))
}

func opRevokeGroup(r, g *resource) []byte { return op(10, bstr(r.id), principal(2, g.id)) }

// opResealToGroup re-seals a key of epoch 1.
func opResealToGroup(r, g *resource) []byte {
	return op(12, bstr(r.id), num(1), principal(2, g.id))
}

// teams is the organization of log-groups.json.
type teams struct {
	*scenario
	eve                 *person
	evesPhone           device
	team, board, circle *resource
	spare               *resource // that is never made
}

// groupStory tells the history of log-groups.json, as story does.
func groupStory(entries map[string]hx, at map[string]func(*teams)) *teams {
	s := &teams{scenario: newScenario(entries, "Groups LLP"), eve: newPerson("Eve Member"), evesPhone: newDevice("Eve's phone", 1)}
	s.team, s.board, s.circle, s.spare = s.group("team"), s.group("board"), s.group("circle"), s.group("spare")
	alice, bob, dora, eve := s.alice.first, s.bob.first, s.dora.first, s.eve.first
	a, b, d, e := s.alice.id(), s.bob.id(), s.dora.id(), s.eve.id()
	chapter, end := chapters(s, at)
	plain := binding("tabular", "", "", "")

	s.do("Alice makes the directory", alice, opCreate(s.directory, binding("underseal", "", "", "")))
	s.do("Alice adds Bob", alice, opMember(s.bob.card(), 2, 0, nil), opGrant(s.directory, b, 3))
	s.do("Alice adds Carol as a guest", alice, opMember(s.carol.card(), 3, 0, nil))
	s.do("Alice adds Dora as an officer", alice, opMember(s.dora.card(), 1, 0, nil), opGrant(s.directory, d, 7))
	s.do("Alice adds Eve", alice, opMember(s.eve.card(), 2, 0, nil), opGrant(s.directory, e, 1))
	s.do("Alice makes the field phone", alice, opCreate(s.phone, plain))
	s.do("Alice makes the field home-address", alice, opCreate(s.address, plain))
	s.do("Bob makes a folder", bob, opCreate(s.folder, plain))
	chapter("resources")
	s.do("Alice makes the group team", alice, opGroup(s.team, belongs(s.alice, 5), belongs(s.bob, 5), belongs(s.eve, 1)), opDirectory(s.directory, s.team.label))
	s.do("Dora makes the group board", dora, opGroup(s.board, belongs(s.dora, 5), belongs(s.alice, 1)))
	s.do("Alice makes the group circle", alice, opGroup(s.circle, belongs(s.alice, 5), belongs(s.carol, 1), belongs(s.bob, 1)))
	s.do("Alice grants phone and home-address to groups", alice, opGrantGroup(s.phone, s.team, 3), opGrantGroup(s.phone, s.circle, 1), opGrantGroup(s.address, s.board, 1))
	s.do("Bob grants the folder to team", bob, opGrantGroup(s.folder, s.team, 5))
	chapter("at work")
	s.do("Bob opens the next epoch of team", bob, s.opRotateGroup(s.team))
	s.do("Bob lets Dora into team", bob, opJoin(s.team, d, 1))
	s.do("Eve adds a phone", eve, opDevice(e, s.evesPhone.record(), s.evesPhone.accept(s.id, e)))
	chapter("a device to lose")
	s.do("Alice removes Eve's phone", alice, opRemoveDevice(s.evesPhone), opCloseGroup(s.team), s.opRotate(s.directory), opClose(s.phone), opClose(s.folder))
	chapter("closed")
	s.do("Eve makes her next user key", eve, s.opUserKey(s.eve, 2, s.eve.user))
	s.do("Bob opens team again", bob, s.opRotateGroup(s.team))
	s.do("Alice seals team to Eve again", alice, opResealGroup(s.team, 3, e))
	s.do("Eve seals team to Bob again", eve, opResealGroup(s.team, 3, s.bob.id()))
	s.do("Alice opens phone again", alice, s.opRotate(s.phone), opResealToGroup(s.phone, s.team))
	s.do("Bob seals phone to team again", bob, opResealToGroup(s.phone, s.team))
	s.do("Dora takes Eve from team", dora, opTake(s.team, e), s.opRotateGroup(s.team), s.opRotate(s.phone), s.opRotate(s.folder))
	s.do("Alice takes Dora from board", alice, opTake(s.board, d), s.opRotateGroup(s.board), s.opRotate(s.address))
	chapter("orphaned")
	s.do("Alice manages board", alice, opJoin(s.board, a, 5))
	s.do("Alice takes phone from circle", alice, opRevokeGroup(s.phone, s.circle), s.opRotate(s.phone))
	chapter("today")
	end()
	return s
}
