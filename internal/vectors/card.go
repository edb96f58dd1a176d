package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// cardVector is one vector of card.json.
type cardVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Card         hx     `json:"card,omitempty"`
	Member       hx     `json:"member,omitempty"`
	UserKey      hx     `json:"user_key,omitempty"`
	Commitment   hx     `json:"commitment,omitempty"`
	Device       hx     `json:"device,omitempty"`
	File         string `json:"file,omitempty"`
	TextKind     uint64 `json:"text_kind,omitempty"`
	Salt         hx     `json:"salt,omitempty"`
	Text         string `json:"text,omitempty"`
	Encoded      hx     `json:"encoded,omitempty"`
	SafetyNumber string `json:"safety_number,omitempty"`
	Organization hx     `json:"organization,omitempty"`
	Fingerprint  string `json:"fingerprint,omitempty"`
}

// The kinds of committed text.
const (
	textName         = 1
	textEmail        = 2
	textLabel        = 3
	textDevice       = 4
	textOrganization = 5
	textGroup        = 6
)

// opening opens a commitment to a text.
type opening struct {
	kind uint64
	salt []byte
	text string
}

func newOpening(kind uint64, text string) opening {
	return opening{kind, random(fmt.Sprintf("salt %d %s", kind, text), 32), text}
}

func (o opening) encode() []byte     { return array(num(o.kind), bstr(o.salt), tstr(o.text)) }
func (o opening) commitment() []byte { return sum(wire.LabelText, o.encode()) }

// padded is the opening as it is sealed.
func (o opening) padded() []byte { return padTo64(o.encode()) }

func cardVectors() []cardVector {
	var out []cardVector
	p := newPerson("Bob Member")
	card := p.card()
	out = append(out, cardVector{
		Name: "a card", Kind: "card", Card: card, Member: p.id(), UserKey: p.sealing.public, Commitment: p.user.commitment(),
		Device: p.first.id(), SafetyNumber: safetyNumber(p.id()),
	})
	bad := func(name, rule string, b []byte) {
		out = append(out, cardVector{Name: name, Kind: "card", Rule: rule, Card: b})
	}
	// Signed by the first device as it stands: only the body is at fault.
	badBody := func(name, rule string, body []byte) {
		bad(name, rule, signed(body, p.first.signing.sign(wire.LabelCard, body)))
	}
	user, commitment, dev := p.sealing.public, p.user.commitment(), p.first.record()
	name, email := p.name.commitment(), p.email.commitment()
	bad("empty", "C-1", nil)
	bad("cut short", "C-1", card[:len(card)-1])
	bad("followed by a byte", "C-1", cat(card, []byte{0}))
	bad("longer than the limit", "C-1", signed(p.body(), make([]byte, 8192)))
	bad("four items", "C-1", cat([]byte{0x84}, card[1:], num(0)))
	badBody("unknown field", "C-1", fields(bstr(user), bstr(commitment), bstr(dev), bstr(name), bstr(email), num(1)))
	badBody("without email", "C-1", fields(bstr(user), bstr(commitment), bstr(dev), bstr(name)))
	badBody("commitment of 31 bytes", "C-1", cardBody(user, commitment[1:], dev, name, email))
	bad("version 0", "C-1", cat([]byte{0x83, 0}, card[2:]))
	bad("version 2", "C-2", cat([]byte{0x83, 2}, card[2:]))
	badBody("user key of 1215 bytes", "C-3", cardBody(user[1:], commitment, dev, name, email))
	for i, u := range lowOrderPoints() {
		badBody(fmt.Sprintf("user key with point of low order %d", i+1), "C-3", cardBody(withPoint(user, u), commitment, dev, name, email))
	}
	badBody("user key with ML-KEM coefficient of 3329", "C-3", cardBody(withCoefficient(user), commitment, dev, name, email))
	badBody("user key with ML-KEM coefficient of 3329 in the last place", "C-3", cardBody(withCoefficientAt(user, 767), commitment, dev, name, email))
	for _, f := range faultyRecords() {
		badBody("device: "+f.name, "C-4", cardBody(user, commitment, f.record, name, email))
	}
	// The identity as signing key: R the identity and S zero fit every message.
	small := deviceRecord(1, p.first.encryption.public, identityPoint(), p.first.signIn.public(), p.first.label.commitment())
	bad("signed with the identity as key", "C-4", signed(cardBody(user, commitment, small, name, email), cat(identityPoint(), make([]byte, 32))))
	shared := deviceRecord(1, user, p.first.signing.public(), p.first.signIn.public(), p.first.label.commitment())
	badBody("one key for the user and the device", "C-5", cardBody(user, commitment, shared, name, email))
	bad("signature altered", "C-6", flip(card, -1))
	bad("signature with S not below l", "C-6", signed(p.body(), malleated(p.first.signing.sign(wire.LabelCard, p.body()))))
	bad("signature whose R has a part of small order", "C-6", signed(p.body(), p.first.signing.offsetR(wire.LabelCard, p.body())))
	bad("signature of 65 bytes, the last one 0", "C-6", signed(p.body(), cat(p.first.signing.sign(wire.LabelCard, p.body()), []byte{0})))
	bad("signed by the sign-in key", "C-6", signed(p.body(), p.first.signIn.sign(wire.LabelCard, p.body())))
	bad("signed under another label", "C-6", signed(p.body(), p.first.signing.sign(wire.LabelEntry, p.body())))
	bad("email exchanged after signing", "C-6", signed(cardBody(user, commitment, dev, name, name), p.first.signing.sign(wire.LabelCard, p.body())))
	bad("no signature", "C-6", signed(p.body(), nil))

	out = append(out, cardFileVectors(p)...)
	out = append(out, openingVectors()...)
	for i := range 3 {
		id := random(fmt.Sprintf("safety number %d", i), 32)
		out = append(out, cardVector{Name: fmt.Sprintf("safety number %d", i+1), Kind: "safety number", Member: id, SafetyNumber: safetyNumber(id)})
	}
	return append(out, fingerprintVectors()...)
}

// safetyNumber is 60 digits in groups of five.
func safetyNumber(id []byte) string {
	b := expand(extract(nil, id), []byte(wire.LabelSafetyNumber), 60)
	var groups []string
	for ; len(b) > 0; b = b[5:] {
		n := uint64(b[0])<<32 | uint64(b[1])<<24 | uint64(b[2])<<16 | uint64(b[3])<<8 | uint64(b[4])
		groups = append(groups, fmt.Sprintf("%05d", n%100000))
	}
	return strings.Join(groups, " ")
}

func cardFile(card []byte, name, email opening) []byte {
	return array(num(1), bstr(card), name.encode(), email.encode())
}

func pemText(kind string, b []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
}

// wrapped is PEM with lines of another length, or another end of line.
func wrapped(kind string, b []byte, width int, end string) string {
	text := "-----BEGIN " + kind + "-----" + end
	digits := base64.StdEncoding.EncodeToString(b)
	for ; len(digits) > width; digits = digits[width:] {
		text += digits[:width] + end
	}
	return text + digits + end + "-----END " + kind + "-----" + end
}

// altered has the first from replaced.
func altered(s, from, to string) string {
	if !strings.Contains(s, from) {
		panic("nothing to alter: " + from)
	}
	return strings.Replace(s, from, to, 1)
}

func cardFileVectors(p *person) []cardVector {
	const kind = "UNDERSEAL CARD"
	good := cardFile(p.card(), p.name, p.email)
	file := func(name, rule string, b []byte) cardVector {
		return cardVector{Name: name, Kind: "card file", Rule: rule, File: pemText(kind, b)}
	}
	ok := file("a card file", "", good)
	ok.Card, ok.Member = p.card(), p.id()
	faulty := signed(p.body(), p.first.signIn.sign(wire.LabelCard, p.body()))
	renamed := func(o opening, change func(*opening)) opening { change(&o); return o }
	empty, long := newOpening(textName, ""), newOpening(textName, strings.Repeat("a", 1025))
	named := func(o opening) []byte {
		q := *p
		q.name = o
		return cardFile(q.card(), o, q.email)
	}
	return []cardVector{
		ok,
		{Name: "text around the block", Kind: "card file", Card: p.card(), Member: p.id(), File: "From: bob@example.com\n\n" + pemText(kind, good) + "\nRegards\n"},
		{Name: "no block", Kind: "card file", Rule: "C-7", File: "hello\n"},
		{Name: "lines of 76 characters that end with CR LF", Kind: "card file", Card: p.card(), Member: p.id(), File: wrapped(kind, good, 76, "\r\n")},
		{Name: "two blocks", Kind: "card file", Rule: "C-7", File: pemText(kind, good) + pemText(kind, good)},
		{Name: "block of another type before it", Kind: "card file", Rule: "C-7", File: pemText("CERTIFICATE", good) + pemText(kind, good)},
		{Name: "first line twice", Kind: "card file", Rule: "C-7", File: "-----BEGIN UNDERSEAL CARD-----\n" + pemText(kind, good)},
		{Name: "without its last line", Kind: "card file", Rule: "C-7", File: strings.TrimSuffix(pemText(kind, good), "-----END UNDERSEAL CARD-----\n")},
		{Name: "with a header", Kind: "card file", Rule: "C-7", File: altered(pemText(kind, good), "CARD-----\n", "CARD-----\nName: Bob\n\n")},
		{Name: "base64 with bits beyond the last byte", Kind: "card file", Rule: "C-7", File: altered(pemText(kind, good), "Q==", "R==")},
		{Name: "base64 without padding", Kind: "card file", Rule: "C-7", File: altered(pemText(kind, good), "Q==", "Q")},
		{Name: "block of another type", Kind: "card file", Rule: "C-7", File: pemText("CERTIFICATE", good)},
		{Name: "longer than the limit", Kind: "card file", Rule: "C-7", File: pemText(kind, good) + strings.Repeat("\n", 3*8192)},
		file("cut short", "C-7", good[:len(good)-1]),
		file("five items", "C-7", cat([]byte{0x85}, good[1:], num(0))),
		file("version 2", "C-2", cat([]byte{0x84, 2}, good[2:])),
		file("card with a wrong signature", "C-6", cardFile(faulty, p.name, p.email)),
		file("another name", "C-8", cardFile(p.card(), renamed(p.name, func(o *opening) { o.text = "Mallory" }), p.email)),
		file("another salt", "C-8", cardFile(p.card(), p.name, renamed(p.email, func(o *opening) { o.salt = flip(o.salt, 0) }))),
		file("name and email exchanged", "C-8", cardFile(p.card(), p.email, p.name)),
		file("a name of another kind", "C-8", named(newOpening(textLabel, "Bob Member"))),
		file("empty name", "C-9", named(empty)),
		file("name of 1025 bytes", "C-9", named(long)),
	}
}

func openingVectors() []cardVector {
	var out []cardVector
	for _, o := range []opening{
		newOpening(textName, "Alice Officer"), newOpening(textEmail, "alice@example.com"), newOpening(textLabel, "phone"),
		newOpening(textDevice, "Alice's laptop"), newOpening(textOrganization, "Example LLP"), newOpening(textName, "Åse 佐藤"), newOpening(textLabel, "\u00a0\U0001f511"),
		newOpening(textLabel, strings.Repeat("a", 1024)), newOpening(textLabel, strings.Repeat("a", 64-38)), newOpening(textLabel, strings.Repeat("a", 64-37)),
	} {
		out = append(out, cardVector{
			Name: fmt.Sprintf("opening of kind %d, %d bytes", o.kind, len(o.text)), Kind: "opening",
			TextKind: o.kind, Salt: o.salt, Text: o.text, Commitment: o.commitment(), Encoded: o.padded(),
		})
	}
	o := newOpening(textName, "Alice Officer")
	bad := func(name, rule string, b []byte) {
		out = append(out, cardVector{Name: name, Kind: "opening", Rule: rule, Commitment: o.commitment(), Encoded: b})
	}
	good := o.padded()
	bad("empty", "C-10", nil)
	bad("not padded", "C-10", o.encode())
	bad("a step of padding too many", "C-10", cat(good, make([]byte, 64)))
	bad("a byte of padding too few", "C-10", good[:len(good)-1])
	bad("a byte of padding too many", "C-10", cat(good, []byte{0}))
	bad("no mark", "C-10", cat(o.encode(), make([]byte, 64-len(o.encode()))))
	bad("mark other than 0x80", "C-10", cat(o.encode(), []byte{0x81}, make([]byte, 63-len(o.encode()))))
	bad("array of two", "C-10", cat(array(num(1), bstr(o.salt)), []byte{0x80}, make([]byte, 64-37)))
	bad("kind in a longer form", "C-10", padTo64(array(unhex("1801"), bstr(o.salt), tstr(o.text))))
	for _, unseen := range []struct{ name, text string }{
		{"a text with a line feed", "Alice\nOfficer"}, {"a text with a change of direction", "Alice \u202eOfficer"},
		{"a text with a character without width", "Alice\u200bOfficer"}, {"a text with a tag", "Alice\U000e0041"},
		{"a text with a space before it", " Alice"}, {"a text with a space after it", "Alice "}, {"an empty text", ""},
	} {
		o := newOpening(textName, unseen.text)
		out = append(out, cardVector{Name: unseen.name, Kind: "opening", Rule: "C-9", Commitment: o.commitment(), Encoded: o.padded()})
	}
	bad("another text", "C-8", newOpening(textName, "Alice Member").padded())
	bad("the text as an email", "C-8", opening{textEmail, o.salt, o.text}.padded())
	return out
}

func padTo64(b []byte) []byte {
	b = cat(b, []byte{0x80})
	return cat(b, make([]byte, (64-len(b)%64)%64))
}

func fingerprintVectors() []cardVector {
	id := random("organization", 32)
	const prefix = "underseal-org"
	text := bech32(prefix, groupsOf(id), checkBech32)
	padded := groupsOf(id)
	padded[len(padded)-1] |= 1
	good := func(name, s string) cardVector {
		return cardVector{Name: name, Kind: "fingerprint", Organization: id, Fingerprint: s}
	}
	bad := func(name, s string) cardVector {
		return cardVector{Name: name, Kind: "fingerprint", Rule: "C-11", Fingerprint: s}
	}
	i := strings.LastIndex(text, "1") + 5
	other := "q"
	if text[i] == 'q' {
		other = "p"
	}
	return []cardVector{
		good("lower case", text),
		good("upper case", strings.ToUpper(text)),
		good("white space around it", " \t"+text+"\r\n"),
		bad("no-break space after it", text+"\u00a0"),
		bad("mixed case", strings.ToUpper(text[:1])+text[1:]),
		bad("one character altered", text[:i]+other+text[i+1:]),
		bad("cut short", text[:len(text)-1]),
		bad("of another prefix", bech32("underseal-key", groupsOf(id), checkBech32)),
		bad("31 bytes", bech32(prefix, groupsOf(id[1:]), checkBech32)),
		bad("bits set beyond the last byte", bech32(prefix, padded, checkBech32)),
		bad("checksum of Bech32m", bech32(prefix, groupsOf(id), checkBech32m)),
		bad("hyphens between groups", text[:20]+"-"+text[20:]),
	}
}
