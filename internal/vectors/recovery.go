package main

import (
	"fmt"
	"math/big"

	"github.com/underseal/underseal/internal/wire"
)

const textReason = 7

// escrow is one enrolment of a member, with what is secret of it.
type escrow struct {
	member             *person
	number, generation uint64
	threshold          uint64
	user, key          dataKey
	officers           []*person
	shares             []dataKey // share i at i - 1
}

// shareKey is a share with an index as a data key.
func (f *firm) shareKey(p *person, number, index uint64, value []byte) dataKey {
	return dataKey{context{f.id, cat(p.id(), []byte{byte(index)}), 8, number}, value}
}

// enrol splits a member's key by a polynomial whose coefficients come from names.
func (f *firm) enrol(p *person, number, generation uint64, user dataKey, threshold int, officers ...*person) escrow {
	name := fmt.Sprintf("escrow %d of %s", number, p.name.text)
	e := escrow{member: p, number: number, generation: generation, threshold: uint64(threshold), user: user, officers: officers}
	var polynomial []*big.Int
	for i := range threshold {
		polynomial = append(polynomial, scalar(random(fmt.Sprintf("%s, coefficient %d", name, i), 64)))
	}
	e.key = dataKey{context{f.id, p.id(), 7, number}, little(polynomial[0])}
	for i := range officers {
		x, value := big.NewInt(int64(i+1)), new(big.Int)
		for j := threshold - 1; j >= 0; j-- { // Horner's scheme
			value.Mul(value, x)
			value.Add(value, polynomial[j])
			value.Mod(value, order())
		}
		e.shares = append(e.shares, f.shareKey(p, number, uint64(i+1), little(value)))
	}
	return e
}

func (e escrow) sealed() []byte {
	return e.key.seal(wire.LabelEscrow, e.user.key, e.user.commitment(), random(fmt.Sprintf("seal of escrow %d of %s", e.number, e.member.name.text), 24))
}

// items are the fields of operation 22.
func (e escrow) items() [][]byte {
	var shares [][]byte
	for i, o := range e.officers {
		shares = append(shares, array(bstr(o.id()), num(uint64(i+1)), bstr(e.shares[i].commitment())))
	}
	return [][]byte{
		bstr(e.member.id()), num(e.number), num(e.threshold), bstr(e.key.commitment()), num(e.generation), bstr(e.sealed()), array(shares...),
	}
}

func (e escrow) op() []byte { return op(22, e.items()...) }

// with is the operation with another field in a place, from 1.
func (e escrow) with(place int, item []byte) []byte {
	items := e.items()
	items[place-1] = item
	return op(22, items...)
}

func opEndRecovery(p *person, number uint64) []byte { return op(23, bstr(p.id()), num(number)) }

func reasonOf(d device) opening { return newOpening(textReason, "why "+d.label.text) }

func (f *firm) opRequest(p *person, number uint64, d device) []byte {
	return opRequestAs(p, number, d.record(), d.accept(f.id, make([]byte, 32)), reasonOf(d).commitment())
}

func opRequestAs(p *person, number uint64, record, acceptance, reason []byte) []byte {
	return op(26, bstr(p.id()), num(number), bstr(record), bstr(acceptance), bstr(reason))
}

func opApprove(p *person, d device, number, index uint64) []byte {
	return op(27, bstr(p.id()), bstr(d.id()), num(number), num(index))
}

func opFinish(p *person, d device, number uint64) []byte {
	return op(28, bstr(p.id()), bstr(d.id()), num(number))
}

// helpers is the organization of log-recovery.json.
type helpers struct {
	*scenario
	eve, frank, greta           *person
	fresh, second, third, stray device
	first, again                escrow
}

// recoveryStory tells the history of log-recovery.json, as story does.
func recoveryStory(entries map[string]hx, at map[string]func(*helpers)) *helpers {
	s := &helpers{
		scenario: newScenario(entries, "Recovery LLP"), eve: newPerson("Eve Officer"), frank: newPerson("Frank"), greta: newPerson("Greta Member"),
		fresh: newDevice("Bob's next laptop", 1), second: newDevice("another laptop", 1), third: newDevice("Greta's laptop", 1), stray: newDevice("a laptop of nobody", 1),
	}
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	b := s.bob.id()
	chapter, end := chapters(s, at)
	s.do("Alice makes the directory", alice, opCreate(s.directory, binding("underseal", "", "", "")))
	for _, x := range []struct {
		p    *person
		role uint64
	}{{s.bob, 2}, {s.carol, 3}, {s.dora, 1}, {s.eve, 1}, {s.greta, 2}} {
		s.do("Alice adds "+x.p.name.text, alice, opMember(x.p.card(), x.role, 0, nil))
	}
	s.do("Alice makes the field phone", alice, opCreate(s.phone, binding("tabular", "", "", "")), opGrant(s.phone, b, 7))
	s.do("Alice makes a folder", alice, opCreate(s.folder, binding("tabular", "", "", "")), opGrant(s.folder, b, 1))
	s.do("Bob adds his phone", bob, opDevice(b, s.bobPhone.record(), s.bobPhone.accept(s.id, b)))
	chapter("before the policy")
	s.do("Alice sets a policy of recovery", alice, s.opPolicy(rules{1, 2, 1, 1, 2, 2, 0}))
	s.first = s.enrol(s.bob, 1, 1, s.bob.user, 2, s.alice, s.dora)
	chapter("nobody enrolled")
	s.do("Bob enrols with two officers", bob, s.first.op())
	chapter("enrolled")
	next := s.userKey(s.bob, 2)
	s.again = s.enrol(s.bob, 2, 2, next, 2, s.alice, s.dora, s.eve)
	s.do("Bob replaces his key and enrols with three", bob, s.opUserKey(s.bob, 2, s.bob.user), s.again.op())
	s.do("Greta enrols", s.greta.first, s.enrol(s.greta, 1, 1, s.greta.user, 2, s.alice, s.dora).op())
	s.do("Alice asks for Bob", alice, s.opRequest(s.bob, 2, s.fresh), opDirectory(s.directory, reasonOf(s.fresh)))
	s.do("Eve asks for Bob too, with another device", s.eve.first, s.opRequest(s.bob, 2, s.second))
	chapter("requested")
	s.do("Dora approves", dora, opApprove(s.bob, s.fresh, 2, 2))
	chapter("one approval")
	s.do("Eve approves", s.eve.first, opApprove(s.bob, s.fresh, 2, 3))
	chapter("approved")
	s.do("Bob takes over", s.fresh, opFinish(s.bob, s.fresh, 2), s.opUserKey(s.bob, 3, next), s.opRotate(s.phone), opClose(s.folder),
		s.enrol(s.bob, 3, 3, s.userKey(s.bob, 3), 2, s.dora, s.alice).op())
	chapter("recovered")
	s.do("Alice asks for Greta", alice, s.opRequest(s.greta, 1, s.third))
	s.do("Alice removes Greta", alice, opRemoveMember(s.greta))
	chapter("today")
	end()
	return s
}

func recoveryVectors() ([]logVector, map[string]hx) {
	c := &cases{entries: map[string]hx{}}
	s := recoveryStory(c.entries, map[string]func(*helpers){
		"before the policy": c.withoutPolicy,
		"nobody enrolled":   c.enrolments,
		"enrolled":          c.enrolled,
		"requested":         func(s *helpers) { c.requests(s); c.approvals(s); c.sharesOfOfficers(s) },
		"one approval":      c.tooFew,
		"approved":          func(s *helpers) { c.finishes(s); c.sharesOfTheDevice(s); c.escrows(s) },
		"recovered":         c.afterwards,
		"today":             c.requestsEnd,
	})
	return c.toldWith(s.scenario, s.today())
}
