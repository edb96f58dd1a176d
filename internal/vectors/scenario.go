package main

// scenario is the organization of log.json with everybody and everything in
// it, at some point of its history.
type scenario struct {
	*firm
	alice, bob, carol, dora                *person
	aliceKit, bobPhone, carolPhone         device
	directory, phone, address, folder, tax *resource
	fax                                    *resource
}

const carolExpires = startTime + 90*24*3600

func addressBinding() []byte { return binding("clio", "acme", "custom-field", "4711") }

func faxBinding() []byte { return binding("clio", "us:1234", "contact", "12>99") }

func bobsInvitation() []byte { return random("invitation of Bob", 32) }

// newScenario founds an organization; the others and the resources are there to
// be added.
func newScenario(entries map[string]hx, name string) *scenario {
	s := &scenario{
		alice: newPerson("Alice Officer"), bob: newPerson("Bob Member"), carol: newPerson("Carol Guest"), dora: newPerson("Dora Officer"),
		aliceKit: newDevice("Alice's paper kit", 2), bobPhone: newDevice("Bob's phone", 1), carolPhone: newDevice("Carol's phone", 1),
	}
	s.firm = newFirm(entries, name, s.alice)
	s.directory, s.phone, s.address = s.resource("directory", 3), s.resource("phone", 1), s.resource("home-address", 1)
	s.folder, s.tax, s.fax = s.resource("Smith v. Jones", 2), s.resource("tax-id", 1), s.resource("fax", 1)
	return s
}

// chapters are the places of a story where something else is told: chapter calls
// what at has for the one that begins, with the state that it finds, and end
// makes sure that the story had them all.
func chapters[S any](s S, at map[string]func(S)) (chapter func(name string), end func()) {
	visited := 0
	chapter = func(name string) {
		if f := at[name]; f != nil {
			f(s)
			visited++
		}
	}
	end = func() {
		if visited != len(at) {
			panic("a chapter that the story does not have")
		}
	}
	return chapter, end
}

// story tells the history of log.json, and what else is told in its chapters.
func story(entries map[string]hx, at map[string]func(*scenario)) *scenario {
	s := newScenario(entries, "Example LLP")
	alice, bob, carol, dora := s.alice.first, s.bob.first, s.carol.first, s.dora.first
	a, b, c, d := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id()
	chapter, end := chapters(s, at)

	chapter("founded")
	s.do("Alice makes the directory", alice, opCreate(s.directory, binding("underseal", "", "", "")),
		opDirectory(s.directory, s.directory.label, newOpening(textOrganization, "Example LLP"), s.alice.name, s.alice.email))
	chapter("people")
	s.do("Alice adds Bob", alice, opMember(s.bob.card(), 2, 0, bobsInvitation()), opGrant(s.directory, b, 3), opDirectory(s.directory, s.bob.name, s.bob.email))
	s.do("Alice adds Carol as a guest", alice, opMember(s.carol.card(), 3, carolExpires, nil), opDirectory(s.directory, s.carol.name, s.carol.email))
	s.do("Alice adds Dora as an officer", alice, opMember(s.dora.card(), 1, 0, nil), opGrant(s.directory, d, 7), opDirectory(s.directory, s.dora.name, s.dora.email))
	chapter("resources")
	s.do("Alice makes the field phone", alice, opCreate(s.phone, binding("tabular", "", "", "")), opDirectory(s.phone, s.phone.label),
		opDirectory(s.directory, s.phone.label), opGrant(s.phone, b, 7), opGrant(s.phone, d, 5))
	s.do("Alice makes the field home-address", alice, opCreate(s.address, addressBinding()),
		opGrant(s.address, c, 3), opGrant(s.address, b, 3))
	s.do("Bob makes a folder", bob, opCreate(s.folder, binding("clio", "acme", "folder", "99")), opGrant(s.folder, c, 3))
	s.do("Alice adds a paper kit", alice, opDevice(a, s.aliceKit.record(), s.aliceKit.accept(s.id, a)))
	s.do("Bob adds his phone", bob, opDevice(b, s.bobPhone.record(), s.bobPhone.accept(s.id, b)))
	chapter("at work")
	s.do("Alice takes home-address from Bob", alice, opRevoke(s.address, b), s.opRotate(s.address))
	s.do("Alice removes her paper kit", alice, opRemoveDevice(s.aliceKit), s.opUserKey(s.alice, 2, s.alice.user),
		s.opRotate(s.directory), s.opRotate(s.phone), s.opRotate(s.address))
	s.do("Dora removes Bob's phone", dora, opRemoveDevice(s.bobPhone), s.opRotate(s.directory), opClose(s.phone), opClose(s.folder))
	chapter("closed")
	s.do("Bob makes his next user key", bob, s.opUserKey(s.bob, 2, s.bob.user))
	s.do("Bob opens the next epoch of phone", bob, s.opRotate(s.phone))
	s.do("Alice seals the directory to Bob again", alice, opReseal(s.directory, 3, b))
	s.do("Carol adds her phone", carol, opDevice(c, s.carolPhone.record(), s.carolPhone.accept(s.id, c)))
	s.do("Carol removes her phone", carol, opRemoveDevice(s.carolPhone), s.opUserKey(s.carol, 2, s.carol.user), opClose(s.address))
	s.do("Alice opens the next epoch of home-address", alice, s.opRotate(s.address))
	s.do("Alice files Bob's name again", alice, opDirectory(s.directory, s.bob.name))
	s.do("Dora closes phone, Bob opens it later", dora, opClose(s.phone))
	s.do("Alice takes phone from Dora", alice, opRevoke(s.phone, d), s.opRotate(s.phone))
	s.do("Alice gives Carol less and Dora more", alice, opGrant(s.address, d, 3), opGrant(s.address, c, 1))
	chapter("today")
	s.do("Alice makes the field fax", alice, opCreate(s.fax, faxBinding()), opGrant(s.fax, b, 7), opGrant(s.fax, c, 3), opGrant(s.fax, d, 1))
	s.do("Alice opens the next epoch of fax", alice, s.opRotate(s.fax))
	s.do("Alice ends fax", alice, opEnd(s.fax))
	chapter("ended")
	end()
	return s
}
