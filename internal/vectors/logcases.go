package main

import (
	"crypto/sha256"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// cases collects the vectors of log.json.
type cases struct {
	entries map[string]hx
	vectors []logVector
}

// refuse adds a log that ends with an entry that is refused.
func (c *cases) refuse(s *scenario, rule, name string, b []byte) {
	c.vectors = append(c.vectors, logVector{Name: name, Kind: "replay", Rule: rule, Organization: s.id, Log: s.after(rule+": "+name, b)})
}

// refuseOps is refuse for an entry that is as it should be but for its operations.
func (c *cases) refuseOps(s *scenario, by device, rule, name string, ops ...[]byte) {
	c.refuse(s, rule, name, s.next(by, ops...).encode())
}

// refusing is refuseOps of one organization.
func (c *cases) refusing(s *scenario) func(by device, rule, name string, ops ...[]byte) {
	return func(by device, rule, name string, ops ...[]byte) { c.refuseOps(s, by, rule, name, ops...) }
}

// toldWith are the cases of a story that has come to its end, after all of it.
func (c *cases) toldWith(s *scenario, today *state) ([]logVector, map[string]hx) {
	whole := logVector{Name: "the whole story", Kind: "replay", Organization: s.id, Log: s.names, State: today}
	return append([]logVector{whole}, c.vectors...), c.entries
}

func logVectors() ([]logVector, map[string]hx) {
	c := &cases{entries: map[string]hx{}}
	s := story(c.entries, map[string]func(*scenario){
		"founded":   c.founded,
		"people":    c.people,
		"resources": c.resources,
		"at work":   func(s *scenario) { c.atWork(s); c.authority(s); c.owed(s); c.allowed(s) },
		"closed":    c.closed,
		"today":     func(s *scenario) { c.today(s); c.allowedToday(s); c.orphaned(s); c.userKeys(s) },
		"ended":     func(s *scenario) { c.ended(s); c.outside(s) },
	})
	all, entries := c.toldWith(s, s.today())
	founder := logVector{Name: "a founder alone", Kind: "replay", Organization: s.id, Log: s.names[:1]}
	return append([]logVector{founder}, all...), entries
}

// founded are the faults of the first entry and of entries as such.
func (c *cases) founded(s *scenario) {
	replay := func(name, rule string, org []byte, entries ...[]byte) {
		v := logVector{Name: name, Kind: "replay", Rule: rule, Organization: org, Log: []string{}}
		for i, b := range entries {
			n := rule + ": " + name
			if i > 0 {
				n += ", then"
			}
			s.file(n, b)
			v.Log = append(v.Log, n)
		}
		c.vectors = append(c.vectors, v)
	}
	first := func(name, rule string, e entry) {
		b := e.encode()
		replay(name, rule, sum(wire.LabelOrganization, b), b)
	}
	zero := make([]byte, 32)
	genesis := entry{org: zero, previous: zero, time: startTime, by: s.alice.first, ops: [][]byte{opGenesis("Example LLP", s.alice)}}
	with := func(change func(*entry)) entry { e := genesis; change(&e); return e }

	replay("empty log", "L-22", s.id)
	c.vectors = append(c.vectors, logVector{Name: "another organization is pinned", Kind: "replay", Rule: "L-7", Organization: flip(s.id, 0), Log: s.names})
	first("first entry is not genesis", "L-8", with(func(e *entry) { e.ops = [][]byte{opMember(s.alice.card(), 1, 0, nil)} }))
	first("genesis twice in the first entry", "L-8", with(func(e *entry) { e.ops = [][]byte{e.ops[0], opGenesis("Other LLP", s.bob)} }))
	first("genesis and another operation", "L-8", with(func(e *entry) { e.ops = [][]byte{e.ops[0], opMember(s.bob.card(), 2, 0, nil)} }))
	first("genesis by another device than the founder's", "L-8", with(func(e *entry) { e.by = s.bob.first }))
	badCard := signed(s.alice.body(), s.alice.first.signIn.sign(wire.LabelCard, s.alice.body()))
	first("genesis with a card that is not self-signed", "L-8", with(func(e *entry) {
		e.ops = [][]byte{op(1, bstr(random("nonce", 16)), bstr(badCard), bstr(zero))}
	}))
	first("genesis with a sequence", "L-6", with(func(e *entry) { e.sequence = 1 }))
	first("genesis with a previous entry", "L-6", with(func(e *entry) { e.previous = random("previous", 32) }))
	first("genesis with an organization", "L-7", with(func(e *entry) { e.org = random("organization", 32) }))
	unsigned := genesis.signedBy(s.bob.first.signing)
	replay("genesis signed by somebody else", "L-10", sum(wire.LabelOrganization, unsigned), unsigned)

	alice := s.alice.first
	plain := s.next(alice, opCreate(s.directory, binding("underseal", "", "", "")))
	good := plain.encode()
	body := plain.body()
	c.refuse(s, "L-1", "entry cut short", good[:len(good)-1])
	c.refuse(s, "L-1", "entry followed by a byte", cat(good, []byte{0}))
	c.refuse(s, "L-1", "empty entry", nil)
	c.refuse(s, "L-1", "entry of four items", cat([]byte{0x84}, good[1:], num(0)))
	sign := func(body []byte) []byte { return signed(body, alice.signing.sign(wire.LabelEntry, body)) }
	c.refuse(s, "L-1", "body of indefinite length", sign(cat([]byte{0xbf}, body[1:], []byte{0xff})))
	c.refuse(s, "L-1", "body with an unknown field", sign(cat([]byte{0xa7}, body[1:], num(7), num(0))))
	c.refuse(s, "L-1", "body followed by a byte", sign(cat(body, []byte{0})))
	c.refuse(s, "L-1", "operation of three items", sign(fields(bstr(s.id), num(1), bstr(s.head), num(startTime), bstr(alice.id()), array(array(num(2), num(0), num(0))))))
	c.refuse(s, "L-1", "operation number above 255", sign(fields(bstr(s.id), num(1), bstr(s.head), num(startTime), bstr(alice.id()), array(array(num(256), fields())))))
	c.refuse(s, "L-1", "version 0", cat([]byte{0x83, 0}, good[2:]))
	c.refuse(s, "L-2", "version 2", cat([]byte{0x83, 2}, good[2:]))
	c.refuse(s, "L-3", "no operation", s.next(alice).encode())
	late := plain
	late.time = 253402300800
	c.refuse(s, "L-3", "a time in the year 10000", late.encode())
	for _, n := range []uint64{0, 20, 21, 24, 33, 255} {
		c.refuseOps(s, alice, "L-4", "operation "+string(appendDecimal(n)), array(num(n), fields()))
	}
	unknown := s.next(alice, array(num(20), fields()))
	c.refuse(s, "L-10", "an unknown operation signed by another device", unknown.signedBy(s.bob.first.signing))
	c.refuse(s, "L-9", "an unknown operation by a device that is not in the log", s.next(s.bob.first, array(num(20), fields())).encode())
	c.refuse(s, "L-10", "a malformed operation signed by another device", s.next(alice, op(8, num(0))).signedBy(s.bob.first.signing))
	c.refuseOps(s, alice, "L-4", "operation 20 after one that is known", opCreate(s.directory, binding("underseal", "", "", "")), array(num(20), fields()))

	change := func(rule, name string, f func(*entry)) {
		e := plain
		f(&e)
		c.refuse(s, rule, name, e.encode())
	}
	change("L-6", "sequence repeated", func(e *entry) { e.sequence = 0 })
	change("L-6", "sequence left out", func(e *entry) { e.sequence = 2 })
	change("L-6", "another previous entry", func(e *entry) { e.previous = flip(e.previous, 0) })
	change("L-7", "of another organization", func(e *entry) { e.org = flip(e.org, 0) })
	change("L-9", "by a device that is not in the log", func(e *entry) { e.by = s.bob.first })
	c.refuse(s, "L-10", "signed by another device", plain.signedBy(s.bob.first.signing))
	c.refuse(s, "L-10", "signed by the sign-in key", plain.signedBy(alice.signIn))
	c.refuse(s, "L-10", "signature altered", flip(good, -1))
	c.refuse(s, "L-10", "body altered after signing", signed(late.withTime(startTime+1).body(), alice.signing.sign(wire.LabelEntry, body)))
	c.refuse(s, "L-10", "signature under another label", signed(body, alice.signing.sign(wire.LabelCard, body)))
	c.refuse(s, "L-10", "signature with S not below l", signed(body, malleated(alice.signing.sign(wire.LabelEntry, body))))
	c.refuse(s, "L-10", "signature whose R has a part of small order", signed(body, alice.signing.offsetR(wire.LabelEntry, body)))
	c.refuse(s, "L-10", "signature of 65 bytes, the last one 0", signed(body, cat(alice.signing.sign(wire.LabelEntry, body), []byte{0})))
	c.refuse(s, "L-10", "no signature", signed(body, nil))
	digest := sha256.Sum256(body)
	c.refuse(s, "L-10", "signature over a hash of the body", signed(body, alice.signing.sign(wire.LabelEntry, digest[:])))
	c.refuseOps(s, alice, "L-11", "genesis again", opGenesis("Other LLP", s.bob))
}

func (e entry) withTime(t uint64) entry { e.time = t; return e }

func appendDecimal(n uint64) []byte {
	if n < 10 {
		return []byte{byte('0' + n)}
	}
	return append(appendDecimal(n/10), byte('0'+n%10))
}

// people are the faults of letting somebody in.
func (c *cases) people(s *scenario) {
	alice, bob := s.alice.first, s.bob
	card := bob.card()
	badSignature := signed(bob.body(), bob.first.signIn.sign(wire.LabelCard, bob.body()))
	small := *bob
	small.first.recordInstead = deviceRecord(1, bob.first.encryption.public, identityPoint(), bob.first.signIn.public(), bob.first.label.commitment())
	c.refuseOps(s, alice, "L-12", "card that is not self-signed", opMember(badSignature, 2, 0, nil))
	c.refuseOps(s, alice, "L-12", "card whose signing key is the identity", opMember(signed(small.body(), cat(identityPoint(), make([]byte, 32))), 2, 0, nil))
	c.refuseOps(s, alice, "L-13", "role 0", opMember(card, 0, 0, nil))
	c.refuseOps(s, alice, "L-13", "role 4", opMember(card, 4, 0, nil))
	c.refuseOps(s, alice, "L-5", "a member who expires", opMember(card, 2, carolExpires, nil))
	c.refuseOps(s, alice, "L-5", "a guest until the year 10000", opMember(card, 3, 253402300800, nil))
	c.refuseOps(s, alice, "L-5", "expiry present and 0", op(2, bstr(card), num(3), num(0)))
	c.refuseOps(s, alice, "L-5", "invitation hash of 31 bytes", opMember(card, 2, 0, bobsInvitation()[1:]))
	c.refuseOps(s, alice, "L-5", "invitation present and empty", op(2, bstr(card), num(2), nil, bstr(nil)))
	c.refuseOps(s, alice, "L-5", "unknown field", op(2, bstr(card), num(2), nil, nil, num(1)))
	c.refuseOps(s, alice, "L-5", "without role", op(2, bstr(card)))
	c.refuseOps(s, alice, "L-5", "fields as an array", array(num(2), array(bstr(card), num(2))))
	c.refuseOps(s, alice, "L-14", "the founder's card again", opMember(s.alice.card(), 2, 0, nil))
	c.refuseOps(s, alice, "L-14", "one card twice in one entry", opMember(card, 2, 0, nil), opMember(card, 2, 0, nil))
	c.refuseOps(s, alice, "L-14", "one invitation twice", opMember(card, 2, 0, bobsInvitation()), opMember(s.carol.card(), 2, 0, bobsInvitation()))
	again := *bob
	again.first = s.alice.first
	c.refuseOps(s, alice, "L-14", "a card with the founder's device", opMember(again.card(), 2, 0, nil))
	again = *bob
	again.user, again.sealing = s.alice.user, s.alice.sealing
	c.refuseOps(s, alice, "L-14", "a card with the founder's user key", opMember(again.card(), 2, 0, nil))
	again = *bob
	again.name = s.alice.name
	c.refuseOps(s, alice, "L-14", "a card with the founder's name's commitment", opMember(again.card(), 2, 0, nil))
	c.refuseOps(s, alice, "L-14", "a second directory", opCreate(s.tax.as(s, 3), binding("underseal", "", "", "")))
}

// as is the same resource as another kind.
func (r *resource) as(s *scenario, kind uint64) *resource {
	n := *r
	n.kind = kind
	n.epochs = []dataKey{n.key(s.firm, 1)}
	return &n
}

// resources are the faults of making resources.
func (c *cases) resources(s *scenario) {
	alice, tabular := s.alice.first, binding("tabular", "", "", "")
	create := func(rule, name string, ops ...[]byte) { c.refuseOps(s, alice, rule, name, ops...) }
	create("L-5", "kind 0", opCreate(s.tax.as(s, 0), tabular))
	create("L-5", "kind 4", opCreate(s.tax.as(s, 4), tabular))
	create("L-5", "binding without connector", opCreate(s.tax, binding("", "", "", "")))
	create("L-5", "binding of three parts", opCreate(s.tax, binding("tabular", "", "")))
	long := make([]byte, 1025)
	for i := range long {
		long[i] = 'a'
	}
	create("L-5", "binding with an id of 1025 bytes", opCreate(s.tax, binding("clio", "", "", string(long))))
	k := s.tax.epochs[0]
	label := bstr(s.tax.label.commitment())
	public := newXWing(random("public key of a field", 32)).public
	create("L-5", "field with a public key", op(6, bstr(s.tax.id), num(1), tabular, bstr(k.commitment()), label, bstr(public)))
	create("L-5", "resource id of 15 bytes", op(6, bstr(s.tax.id[1:]), num(1), tabular, bstr(k.commitment()), label))
	folder := s.tax.as(s, 2)
	fk := bstr(folder.epochs[0].commitment())
	create("L-19", "folder without public key", op(6, bstr(s.tax.id), num(2), tabular, fk, label))
	create("L-19", "folder with a key of 1215 bytes", op(6, bstr(s.tax.id), num(2), tabular, fk, label, bstr(public[1:])))
	create("L-19", "folder with point of low order", op(6, bstr(s.tax.id), num(2), tabular, fk, label, bstr(withPoint(public, lowOrderPoints()[3]))))
	create("L-19", "folder with ML-KEM coefficient of 3329", op(6, bstr(s.tax.id), num(2), tabular, fk, label, bstr(withCoefficient(public))))
	create("L-14", "folder with somebody's user key", op(6, bstr(s.tax.id), num(2), tabular, fk, label, bstr(s.bob.sealing.public)))
	create("L-14", "resource id of the directory", op(6, bstr(s.directory.id), num(1), tabular, bstr(k.commitment()), label))
	create("L-14", "commitment of the directory's key", op(6, bstr(s.tax.id), num(1), tabular, bstr(s.directory.present().commitment()), label))
	create("L-14", "key id of the directory's key with another commitment", op(6, bstr(s.tax.id), num(1), tabular, bstr(flip(s.directory.present().commitment(), -1)), label))
	create("L-14", "commitment of a user key", op(6, bstr(s.tax.id), num(1), tabular, bstr(s.bob.user.commitment()), label))
	create("L-14", "label of the directory", op(6, bstr(s.tax.id), num(1), tabular, bstr(k.commitment()), bstr(s.directory.label.commitment())))
	clio := binding("clio", "acme", "custom-field", "1")
	create("L-14", "one binding twice", opCreate(s.tax, clio), opCreate(s.phone, clio))
	c.refuseOps(s, s.bob.first, "L-11", "a member makes a field", opCreate(s.tax, tabular))
	c.refuseOps(s, s.carol.first, "L-11", "a guest makes a folder", opCreate(folder, tabular))
	c.refuseOps(s, s.bob.first, "L-11", "a member makes a directory", opCreate(s.tax.as(s, 3), tabular))
}

// ask adds a question about an envelope: may this member hold this epoch, sealed
// to this key by this sender?
func (c *cases) ask(s *scenario, name, rule string, r *resource, epoch uint64, who *person, key []byte, sender device) {
	c.vectors = append(c.vectors, logVector{
		Name: name, Kind: "envelope", Rule: rule, Organization: s.id, Log: slices.Clone(s.names),
		Resource: r.id, Epoch: epoch, Member: who.id(), Key: keyName(key), Sender: sender.id(),
	})
}

// today are the questions about envelopes.
func (c *cases) today(s *scenario) {
	c.refuseOps(s, s.dora.first, "L-11", "an officer who reads rotates what the entry does not owe", s.rotation(s.address))
	ask := func(name, rule string, r *resource, epoch uint64, who *person, key []byte, sender device) {
		c.ask(s, name, rule, r, epoch, who, key, sender)
	}
	alice, bob, dora := s.alice.first, s.bob.first, s.dora.first
	first := s.bob.sealing.public
	second := newXWing(s.userKey(s.bob, 2).key).public
	ask("by the author of the epoch", "", s.phone, 4, s.bob, second, alice)
	ask("by the author of an earlier epoch", "", s.phone, 1, s.bob, first, alice)
	ask("by oneself as author", "", s.phone, 3, s.bob, second, bob)
	ask("to an earlier generation of the user key", "", s.phone, 4, s.bob, first, alice)
	ask("by who sealed it again", "", s.directory, 3, s.bob, second, alice)
	ask("by the author of the epoch, an officer", "", s.directory, 3, s.bob, second, dora)
	ask("to somebody granted later", "", s.address, 1, s.dora, s.dora.sealing.public, alice)
	ask("of a closed epoch", "", s.folder, 1, s.carol, s.carol.sealing.public, bob)

	ask("of an unknown resource", "L-23", s.tax, 1, s.bob, second, alice)
	ask("to an unknown member", "L-23", s.phone, 4, newPerson("Mallory"), newPerson("Mallory").sealing.public, alice)
	ask("of epoch 0", "L-24", s.phone, 0, s.bob, second, alice)
	ask("of an epoch that is not yet open", "L-24", s.phone, 5, s.bob, second, alice)
	ask("to somebody whose grant was revoked", "L-25", s.phone, 1, s.dora, s.dora.sealing.public, alice)
	ask("to somebody who was never granted it", "L-25", s.phone, 4, s.carol, s.carol.sealing.public, alice)
	ask("to a guest of the directory", "L-25", s.directory, 3, s.carol, s.carol.sealing.public, alice)
	ask("to a key that is not the member's", "L-26", s.phone, 4, s.bob, s.dora.sealing.public, alice)
	ask("to a device's key", "L-26", s.phone, 4, s.bob, bob.encryption.public, alice)
	ask("by a member who may share but did not", "L-27", s.phone, 4, s.bob, second, bob)
	ask("by an officer without a grant", "L-27", s.phone, 4, s.bob, second, dora)
	ask("by the author of another epoch", "L-27", s.directory, 2, s.bob, second, dora)
	ask("by who granted another epoch", "L-27", s.directory, 3, s.dora, s.dora.sealing.public, alice)
	granted := s.then("Alice grants Dora the directory again", alice, opGrant(s.directory, s.dora.id(), 7))
	c.ask(granted, "by who granted it, not the author of the epoch", "", s.directory, 3, s.dora, s.dora.sealing.public, alice)
	ask("by a device that is not in the log", "L-27", s.phone, 4, s.bob, second, newDevice("Mallory's laptop", 1))
}
