package main

import (
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// invitationVector is one vector of invitation.json; which fields are set
// depends on its kind, see testdata/vectors/README.md.
type invitationVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`
	Line string `json:"line"`

	// of a line
	Secret       hx     `json:"secret,omitempty"`
	Organization hx     `json:"organization,omitempty"`
	Inviter      hx     `json:"inviter,omitempty"`
	Length       uint64 `json:"length,omitempty"`
	Hash         hx     `json:"hash,omitempty"`
	Expires      uint64 `json:"expires,omitempty"`
	Store        string `json:"store,omitempty"`
	Invite       hx     `json:"invite,omitempty"`
	Mailbox      hx     `json:"mailbox,omitempty"`

	// of mail
	Mail    hx       `json:"mail,omitempty"`
	UserKey hx       `json:"user_key,omitempty"` // the seed of the inviter's
	Role    uint64   `json:"role,omitempty"`
	Texts   []string `json:"texts,omitempty"` // organization, name, email, groups
	Answer  uint64   `json:"answer,omitempty"`
	Member  hx       `json:"member,omitempty"` // whose card it is
	Email   string   `json:"email,omitempty"`
}

const invitePrefix = "underseal-invite"

// invitation is one in its parts.
type invitation struct {
	secret, organization, inviter, hash []byte
	length, expires                     uint64
	store                               string
}

func (i invitation) terms() []byte {
	return array(bstr(i.organization), bstr(i.inviter), num(i.length), bstr(i.hash), num(i.expires), tstr(i.store))
}

func (i invitation) encode() []byte { return array(num(1), bstr(i.secret), i.terms()) }

func (i invitation) line() string { return inviteLine(i.encode()) }

func inviteLine(b []byte) string { return bech32(invitePrefix, groupsOf(b), checkBech32) }

func (i invitation) key(epoch uint64) dataKey {
	return dataKey{context{i.organization, sum(wire.LabelInvite, i.terms()), 9, epoch}, i.secret}
}

// mail seals content, padded to a multiple of step.
func (i invitation) mail(label string, content []byte, step int) []byte {
	b := cat(content, []byte{0x80})
	b = cat(b, make([]byte, (step-len(b)%step)%step))
	return array(num(1), bstr(i.key(1).seal(label, b, nil, random("nonce "+string(content), 24))))
}

const inviteStep = 8192

func invitationVectors() []invitationVector {
	alice, bob := newPerson("Alice Invites"), newPerson("Bob Invited")
	good := invitation{
		secret: random("secret of an invitation", 32), organization: random("organization", 32), inviter: alice.id(),
		hash: random("head of an invitation", 32), length: 4711, expires: 1772960400, store: "dir:/srv/firm",
	}
	return append(inviteLineVectors(good), append(inviteMessageVectors(good), inviteAnswerVectors(good, alice, bob)...)...)
}

func inviteLineVectors(good invitation) (out []invitationVector) {
	add := func(name string, i invitation, line string) {
		out = append(out, invitationVector{
			Name: name, Kind: "line", Line: line, Secret: i.secret, Organization: i.organization, Inviter: i.inviter, Length: i.length, Hash: i.hash,
			Expires: i.expires, Store: i.store, Invite: i.key(1).commitment(), Mailbox: i.key(1).derive(wire.LabelInviteBox),
		})
	}
	change := func(f func(*invitation)) invitation {
		i := good
		f(&i)
		return i
	}
	add("lower case", good, good.line())
	add("upper case", good, strings.ToUpper(good.line()))
	add("white space around it", good, " \t\r\n"+good.line()+"\r\n")
	long := change(func(i *invitation) {
		i.store, i.length, i.expires = "dir:"+strings.Repeat("ü", 158), 1<<64-1, 253402300799
	})
	add("the longest", long, long.line())
	short := change(func(i *invitation) { i.store, i.length, i.expires = "x", 1, 1 })
	add("the shortest", short, short.line())

	bad := func(name, rule, line string) {
		out = append(out, invitationVector{Name: name, Kind: "line", Rule: rule, Line: line})
	}
	line, b := good.line(), good.encode()
	// A whole number of groups has no bits to spare.
	spare := change(func(i *invitation) {
		for len(i.encode())%5 == 0 {
			i.store += "x"
		}
	}).encode()
	padded := groupsOf(spare)
	padded[len(padded)-1] |= 1
	bad("empty", "I-1", "")
	bad("mixed case", "I-1", strings.ToUpper(line[:17])+line[17:])
	bad("one character altered", "I-1", line[:60]+map[bool]string{true: "p", false: "q"}[line[60] == 'q']+line[61:])
	bad("cut short", "I-1", line[:len(line)-1])
	bad("a space within", "I-1", line[:60]+" "+line[60:])
	bad("of another prefix", "I-1", bech32("underseal-org", groupsOf(b), checkBech32))
	bad("checksum of Bech32m", "I-1", bech32(invitePrefix, groupsOf(b), 0x2bc830a3))
	bad("bits set beyond the last byte", "I-1", bech32(invitePrefix, padded, checkBech32))
	bad("within a link", "I-1", "https://example.com/#"+line)
	bad("513 bytes", "I-1", inviteLine(cat(b, make([]byte, 513-len(b)))))
	bad("a byte after it", "I-2", inviteLine(cat(b, []byte{0})))
	bad("without its last byte", "I-2", inviteLine(b[:len(b)-1]))
	bad("version 0", "I-2", inviteLine(cat([]byte{b[0], 0}, b[2:])))
	bad("a secret of 31 bytes", "I-2", change(func(i *invitation) { i.secret = i.secret[1:] }).line())
	bad("five terms", "I-2", inviteLine(array(num(1), bstr(good.secret), array(bstr(good.organization), bstr(good.inviter), num(1), bstr(good.hash), num(1)))))
	bad("a number in a longer form", "I-2", inviteLine(cat([]byte{0x83, 0x18, 0x01}, b[2:])))
	bad("version 2", "I-3", inviteLine(cat([]byte{b[0], 2}, b[2:])))
	bad("no organization", "I-4", change(func(i *invitation) { i.organization = make([]byte, 32) }).line())
	bad("of an empty log", "I-4", change(func(i *invitation) { i.length = 0 }).line())
	bad("expired in 1970", "I-4", change(func(i *invitation) { i.expires = 0 }).line())
	bad("expires in the year 10000", "I-4", change(func(i *invitation) { i.expires = 253402300800 }).line())
	bad("no store", "I-4", change(func(i *invitation) { i.store = "" }).line())
	bad("a store of 321 bytes", "I-4", change(func(i *invitation) { i.store = strings.Repeat("x", 321) }).line())
	bad("a store with a line feed", "I-4", change(func(i *invitation) { i.store = "dir:/srv\n/firm" }).line())
	return out
}

func inviteMessageVectors(good invitation) (out []invitationVector) {
	org, name := newOpening(textOrganization, "Example LLP"), newOpening(textName, "Alice Invites")
	email, group := newOpening(textEmail, "alice@example.com"), newOpening(textGroup, "litigation")
	message := func(role uint64, org, name, email opening, groups ...opening) []byte {
		var list [][]byte
		for _, g := range groups {
			list = append(list, g.encode())
		}
		return array(num(role), org.encode(), name.encode(), email.encode(), array(list...))
	}
	add := func(name, rule string, mail []byte, role uint64, texts ...string) {
		out = append(out, invitationVector{Name: name, Kind: "message", Rule: rule, Line: good.line(), Mail: mail, Role: role, Texts: texts})
	}
	sealed := func(content []byte) []byte { return good.mail(wire.LabelInviteMessage, content, inviteStep) }
	content := message(2, org, name, email, group)
	mail := sealed(content)
	add("without groups", "", sealed(message(3, org, name, email)), 3, "Example LLP", "Alice Invites", "alice@example.com")
	add("with a group", "", mail, 2, "Example LLP", "Alice Invites", "alice@example.com", "litigation")
	elsewhere := good
	elsewhere.expires++
	add("of an invitation with other terms", "I-5", elsewhere.mail(wire.LabelInviteMessage, content, inviteStep), 0)
	add("sealed as an answer", "I-5", good.mail(wire.LabelInviteAnswer, content, inviteStep), 0)
	add("altered", "I-5", flip(mail, 5000), 0)
	add("cut short", "I-5", mail[:len(mail)-1], 0)
	add("empty", "I-5", []byte{0x82, 1, 0x40}, 0)
	add("padded to 512 bytes", "I-5", good.mail(wire.LabelInviteMessage, content, 512), 0)
	add("version 2", "I-3", cat([]byte{0x82, 2}, mail[2:]), 0)
	add("role 0", "I-6", sealed(message(0, org, name, email)), 0)
	add("role 4", "I-6", sealed(message(4, org, name, email)), 0)
	add("a name in the place of the email", "I-6", sealed(message(2, org, name, name)), 0)
	add("a label among the groups", "I-6", sealed(message(2, org, name, email, newOpening(3, "litigation"))), 0)
	add("an email with a line feed", "I-6", sealed(message(2, org, name, newOpening(textEmail, "alice\n@example.com"))), 0)
	add("seventeen groups", "I-6", sealed(message(2, org, name, email, repeated(group, 17)...)), 0)
	add("four parts", "I-6", sealed(array(num(2), org.encode(), name.encode(), email.encode())), 0)
	return out
}

func repeated(o opening, n int) []opening {
	list := make([]opening, n)
	for i := range list {
		list[i] = o
	}
	return list
}

func inviteAnswerVectors(good invitation, alice, bob *person) (out []invitationVector) {
	add := func(name, rule string, content []byte) *invitationVector {
		out = append(out, invitationVector{
			Name: name, Kind: "answer", Rule: rule, Line: good.line(), UserKey: alice.user.key, Mail: good.mail(wire.LabelInviteAnswer, content, inviteStep),
		})
		return &out[len(out)-1]
	}
	// parts of an answer, by whoever signs it
	build := func(i invitation, by *person, cardText string, change func(*info)) []byte {
		key := newDataKey("key of an answer", i.key(2).context)
		want := info{key.Organization, key.Kind, key.Resource, key.Epoch, key.commitment(), recipient{1, alice.id(), keyName(alice.sealing.public)}, by.first.id()}
		if change != nil {
			change(&want)
		}
		e := sealKey("answer", key.key, want.encode(), alice.sealing.public, by.first.signing).encode()
		card := key.seal(wire.LabelInviteCard, []byte(cardText), nil, random("nonce of a card", 24))
		return array(num(1), bstr(by.first.signing.public()), bstr(e), bstr(card))
	}
	file := func(p *person) string { return pemText("UNDERSEAL CARD", cardFile(p.card(), p.name, p.email)) }
	yes := build(good, bob, file(bob), nil)
	v := add("yes", "", yes)
	v.Answer, v.Member, v.Email = 1, bob.id(), bob.email.text
	nothing := bstr(nil)
	add("no", "", array(num(2), nothing, nothing, nothing)).Answer = 2

	add("of number 0", "I-7", array(num(0), nothing, nothing, nothing))
	add("of number 3", "I-7", array(num(3), nothing, nothing, nothing))
	add("no with a part of a yes", "I-7", array(num(2), bstr(bob.first.signing.public()), nothing, nothing))
	add("yes without its parts", "I-7", array(num(1), nothing, nothing, nothing))
	add("three parts", "I-7", array(num(2), nothing, nothing))
	elsewhere := good
	elsewhere.organization = random("other organization", 32)
	add("for another organization", "I-7", build(elsewhere, bob, file(bob), nil))
	add("sealed to another member", "I-7", build(good, bob, file(bob), func(i *info) { i.Recipient.ID = bob.id() }))
	add("sealed to a device", "I-7", build(good, bob, file(bob), func(i *info) { i.Recipient.Kind = 3 }))
	add("of the invitation's own epoch", "I-7", build(good, bob, file(bob), func(i *info) { i.Epoch = 1 }))
	add("of another commitment", "I-7", build(good, bob, file(bob), func(i *info) { i.Commitment = flip(i.Commitment, 0) }))
	mallory := newPerson("Mallory Invited")
	add("somebody else's card", "I-7", build(good, mallory, file(bob), nil))
	add("sent in another's name", "I-7", build(good, mallory, file(mallory), func(i *info) { i.Sender = bob.first.id() }))
	add("a card that is none", "I-7", build(good, bob, "Bob", nil))
	add("a card in lines of another length", "I-7", build(good, bob, wrapped("UNDERSEAL CARD", cardFile(bob.card(), bob.name, bob.email), 60, "\n"), nil))
	return out
}
