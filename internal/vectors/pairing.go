package main

import (
	"crypto/sha256"
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// pairingVector is one vector of pairing.json.
type pairingVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Typed     string `json:"typed,omitempty"`
	Code      hx     `json:"code,omitempty"`
	Text      string `json:"text,omitempty"`
	Mailbox   hx     `json:"mailbox,omitempty"`
	OfferKey  hx     `json:"offer_key,omitempty"`
	AnswerKey hx     `json:"answer_key,omitempty"`
	RevealKey hx     `json:"reveal_key,omitempty"`

	Offer  hx `json:"offer,omitempty"` // messages
	Answer hx `json:"answer,omitempty"`
	Reveal hx `json:"reveal,omitempty"`

	Organization hx       `json:"organization,omitempty"`
	Member       hx       `json:"member,omitempty"`
	Device       hx       `json:"device,omitempty"` // id
	Length       uint64   `json:"length,omitempty"`
	Head         hx       `json:"head,omitempty"`
	Expires      uint64   `json:"expires,omitempty"`
	Label        string   `json:"label,omitempty"`
	Nonce        hx       `json:"nonce,omitempty"`
	Words        []uint64 `json:"words,omitempty"`
}

// hashOf names a message as a store does.
func hashOf(message []byte) []byte {
	h := sha256.Sum256(message)
	return h[:]
}

const pairingPrefix = "underseal-pair-"

// pairing is a pairing with everything that both sides know.
type pairing struct {
	code, org, member []byte
	old, fresh        device
	nonce             []byte
}

func newPairing(name string) pairing {
	return pairing{
		code: random("pairing code "+name, 16), org: random("organization", 32), member: random("member", 32),
		old: newDevice("old device", 1), fresh: newDevice("new device", 1), nonce: random("pairing nonce "+name, 32),
	}
}

func (p pairing) key(label string) []byte {
	return expand(extract([]byte(wire.LabelPairing), p.code), labelled(label, nil), 32)
}

func (p pairing) seal(label string, plain []byte) hx {
	return xseal(p.key(label), random("nonce "+string(sum(label, plain)), 24), plain, labelled(label, nil))
}

// offerItems are the items of an offer without its signature.
func (p pairing) offerItems() [][]byte {
	return [][]byte{
		num(1), bstr(p.org), bstr(p.member), bstr(p.old.record()), num(7), bstr(random("head", 32)), num(1772356500),
		bstr(sum(wire.LabelPairingNonce, p.nonce)),
	}
}

func (p pairing) signed(items [][]byte, by signer, label string) hx {
	body := array(append(append([][]byte{}, items...), bstr(nil))...)
	return p.seal(wire.LabelPairingOffer, array(append(append([][]byte{}, items...), bstr(by.sign(label, body)))...))
}

func (p pairing) offer() hx { return p.signed(p.offerItems(), p.old.signing, wire.LabelPairingSign) }

func (p pairing) answerItems() [][]byte {
	return [][]byte{num(1), bstr(hashOf(p.offer())), bstr(p.fresh.record()), bstr(p.fresh.label.padded()), bstr(p.fresh.accept(p.org, p.member))}
}

func (p pairing) answer() hx { return p.seal(wire.LabelPairingAnswer, array(p.answerItems()...)) }

func (p pairing) reveal() hx {
	return p.seal(wire.LabelPairingReveal, array(num(1), bstr(hashOf(p.answer())), bstr(p.nonce)))
}

func (p pairing) words() []uint64 {
	d := sum(wire.LabelPairingWords, array(bstr(p.org), bstr(p.member), bstr(p.old.record()), bstr(p.fresh.record()), bstr(p.nonce)))
	words := make([]uint64, 6)
	for i := range words {
		for j := 11 * i; j < 11*(i+1); j++ {
			words[i] = words[i]<<1 | uint64(d[j/8]>>(7-j%8)&1)
		}
	}
	return words
}

// replaced returns items with one of them changed.
func replaced(items [][]byte, i int, item []byte) [][]byte {
	items = append([][]byte{}, items...)
	items[i] = item
	return items
}

func pairingVectors() []pairingVector {
	return append(append(codeVectors(), offerVectors()...), answerVectors()...)
}

func codeVectors() (out []pairingVector) {
	p := newPairing("of the page")
	p.code = make([]byte, 16)
	for i := range p.code {
		p.code[i] = byte(i)
	}
	text := strings.ToUpper(bech32(pairingPrefix, groupsOf(p.code), checkBech32))
	bare := text[len(pairingPrefix)+1:]
	add := func(rule, name, typed string) {
		v := pairingVector{Name: name, Kind: "code", Rule: rule, Typed: typed}
		if rule == "" {
			v.Code, v.Text, v.Mailbox = p.code, text, p.key(wire.LabelPairingBox)
			v.OfferKey, v.AnswerKey, v.RevealKey = p.key(wire.LabelPairingOffer), p.key(wire.LabelPairingAnswer), p.key(wire.LabelPairingReveal)
		}
		out = append(out, v)
	}
	add("", "the text", text)
	add("", "without its prefix", bare)
	add("", "in lower case", strings.ToLower(text))
	add("", "in groups, with hyphens and spaces", " "+bare[:4]+"-"+bare[4:8]+" "+bare[8:]+"\n")
	const rule = "Q-1"
	add(rule, "empty", "")
	add(rule, "the prefix alone", text[:len(pairingPrefix)+1])
	add(rule, "a character too few", bare[1:])
	add(rule, "a character too many", bare+"Q")
	add(rule, "a wrong character", "P"+bare[1:])
	add(rule, "two characters swapped", bare[:3]+bare[4:5]+bare[3:4]+bare[5:])
	add(rule, "a character that is not in the alphabet", "B"+bare[1:])
	add(rule, "in mixed case", strings.ToLower(bare[:8])+bare[8:])
	add(rule, "the prefix in another case", text[:len(pairingPrefix)+1]+strings.ToLower(bare))
	add(rule, "another prefix", "UNDERSEAL-KEY-1"+bare)
	add(rule, "the checksum of Bech32m", strings.ToUpper(bech32(pairingPrefix, groupsOf(p.code), checkBech32m)))
	long := groupsOf(p.code)
	long[25] |= 1
	add(rule, "bits beyond the last byte", strings.ToUpper(bech32(pairingPrefix, long, checkBech32)))
	return out
}

func offerVectors() (out []pairingVector) {
	p := newPairing("one")
	add := func(rule, name string, message hx) {
		v := pairingVector{Name: name, Kind: "offer", Rule: rule, Code: p.code, Offer: message}
		if rule == "" {
			v.Organization, v.Member, v.Device = p.org, p.member, p.old.id()
			v.Length, v.Head, v.Expires, v.Nonce = 7, random("head", 32), 1772356500, sum(wire.LabelPairingNonce, p.nonce)
		}
		out = append(out, v)
	}
	items, sign := p.offerItems(), wire.LabelPairingSign
	add("", "an offer", p.offer())
	add("Q-2", "altered at its end", flip(p.offer(), -1))
	add("Q-2", "altered in its nonce", flip(p.offer(), 0))
	add("Q-2", "cut short", p.offer()[:len(p.offer())-1])
	add("Q-2", "shorter than a nonce", p.offer()[:23])
	add("Q-2", "under another code", newPairing("two").offer())
	add("Q-2", "an answer in its place", p.answer())
	add("Q-2", "of 4097 bytes", p.seal(wire.LabelPairingOffer, make([]byte, 4097-40)))
	add("Q-3", "of version 2", p.signed(replaced(items, 0, num(2)), p.old.signing, sign))
	add("Q-3", "without its last item", p.seal(wire.LabelPairingOffer, array(items...)))
	add("Q-3", "a version in a longer form", p.signed(replaced(items, 0, unhex("1801")), p.old.signing, sign))
	add("Q-3", "an organization of 31 bytes", p.signed(replaced(items, 1, bstr(p.org[1:])), p.old.signing, sign))
	add("Q-3", "of no entries", p.signed(replaced(items, 4, num(0)), p.old.signing, sign))
	add("Q-3", "signed by another device", p.signed(items, p.fresh.signing, sign))
	add("Q-3", "signed by the sign-in key", p.signed(items, p.old.signIn, sign))
	add("Q-3", "signed under another label", p.signed(items, p.old.signing, wire.LabelDevice))
	add("Q-3", "changed after it was signed", p.seal(wire.LabelPairingOffer, array(append(replaced(items, 4, num(8)), bstr(p.old.signing.sign(sign, array(append(items, bstr(nil))...))))...)))
	for _, f := range faultyRecords() {
		add("Q-3", "with a record of a "+f.name, p.signed(replaced(items, 3, bstr(f.record)), p.old.signing, sign))
	}
	return out
}

func answerVectors() (out []pairingVector) {
	p := newPairing("one")
	add := func(rule, name string, message hx) {
		v := pairingVector{Name: name, Kind: "answer", Rule: rule, Code: p.code, Offer: p.offer(), Answer: message}
		if rule == "" {
			v.Device, v.Label = p.fresh.id(), "new device"
		}
		out = append(out, v)
	}
	items := p.answerItems()
	sealed := func(items [][]byte) hx { return p.seal(wire.LabelPairingAnswer, array(items...)) }
	// with is an answer of another device, which agrees.
	with := func(d device) [][]byte {
		return [][]byte{items[0], items[1], bstr(d.record()), bstr(d.label.padded()), bstr(d.accept(p.org, p.member))}
	}
	add("", "an answer", p.answer())
	add("Q-2", "altered", flip(p.answer(), 30))
	add("Q-2", "the offer in its place", p.offer())
	add("Q-4", "of version 2", sealed(replaced(items, 0, num(2))))
	add("Q-4", "with one item more", sealed(append(replaced(items, 0, items[0]), num(1))))
	add("Q-4", "to another offer", sealed(replaced(items, 1, bstr(hashOf(newPairing("two").offer())))))
	add("Q-5", "of a paper kit", sealed(with(newDevice("a kit", 2))))
	add("Q-5", "with the label of another device", sealed(replaced(items, 3, bstr(p.old.label.padded()))))
	add("Q-5", "with a label that is not padded", sealed(replaced(items, 3, bstr(array(num(4), bstr(random("salt", 32)), tstr("x"))))))
	named := newDevice("named", 1)
	named.label = newOpening(textName, "a name")
	add("Q-5", "with a label of another kind", sealed(with(named)))
	add("Q-5", "accepted for another member", sealed(replaced(items, 4, bstr(p.fresh.accept(p.org, flip(p.member, 0))))))
	add("Q-5", "accepted for another organization", sealed(replaced(items, 4, bstr(p.fresh.accept(flip(p.org, 0), p.member)))))
	add("Q-5", "accepted by another device", sealed(replaced(items, 4, bstr(p.old.accept(p.org, p.member)))))
	for _, f := range faultyRecords() {
		add("Q-5", "with a record of a "+f.name, sealed(replaced(items, 2, bstr(f.record))))
	}

	reveal := func(rule, name string, message hx) {
		v := pairingVector{Name: name, Kind: "reveal", Rule: rule, Code: p.code, Offer: p.offer(), Answer: p.answer(), Reveal: message}
		if rule == "" {
			v.Nonce, v.Words = p.nonce, p.words()
		}
		out = append(out, v)
	}
	parts := [][]byte{num(1), bstr(hashOf(p.answer())), bstr(p.nonce)}
	said := func(items [][]byte) hx { return p.seal(wire.LabelPairingReveal, array(items...)) }
	reveal("", "a reveal", p.reveal())
	reveal("Q-2", "altered", flip(p.reveal(), -20))
	reveal("Q-6", "of version 2", said(replaced(parts, 0, num(2))))
	reveal("Q-6", "of another answer", said(replaced(parts, 1, bstr(hashOf(p.offer())))))
	reveal("Q-6", "with another nonce", said(replaced(parts, 2, bstr(flip(p.nonce, 31)))))
	reveal("Q-6", "with a nonce of 31 bytes", said(replaced(parts, 2, bstr(p.nonce[1:]))))
	return out
}
