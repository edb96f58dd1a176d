package main

import (
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// proposalVector is one vector of policy-proposal.json. Its log is a list of
// names of entries.
type proposalVector struct {
	Name string `json:"name"`
	Rule string `json:"rule,omitempty"`

	Organization hx       `json:"organization"`
	Log          []string `json:"log"`
	File         string   `json:"file"`

	Policy  []uint64 `json:"policy,omitempty"`
	Signers []hx     `json:"signers,omitempty"`
}

// officers is the organization of policy-proposal.json: three officers, of
// whom two recover, a member, and a phone that was removed.
type officers struct {
	*firm
	alice, dora, omar, bob *person
	phone                  device
}

func newOfficers(entries map[string]hx) *officers {
	o := &officers{
		alice: newPerson("Alice Officer"), dora: newPerson("Dora Officer"), omar: newPerson("Omar Officer"), bob: newPerson("Bob Member"),
		phone: newDevice("Dora's phone", 1),
	}
	o.firm = newFirm(entries, "Proposals LLP", o.alice)
	o.do("Alice adds Dora, Omar and Bob", o.alice.first, opMember(o.dora.card(), 1, 0, nil), opMember(o.omar.card(), 1, 0, nil), opMember(o.bob.card(), 2, 0, nil))
	o.do("Dora adds a phone", o.dora.first, opDevice(o.dora.id(), o.phone.record(), o.phone.accept(o.id, o.dora.id())))
	o.do("Dora removes her phone", o.dora.first, opRemoveDevice(o.phone), o.opUserKey(o.dora, 2, o.dora.user))
	o.do("Alice sets a policy", o.alice.first, o.opPolicy(standard().with(4, 3).with(5, 3)))
	return o
}

const proposalPEM = "UNDERSEAL POLICY PROPOSAL"

// signature is an item of the list of signatures.
func signature(by device, signature []byte) []byte { return array(bstr(by.id()), bstr(signature)) }

// signedBy are the signatures of some for a policy at the present head.
func (o *officers) signedBy(r rules, by ...device) (list [][]byte) {
	for _, d := range by {
		list = append(list, signature(d, o.cosign(r, d)))
	}
	return list
}

// policyMap is the map of a policy; without signatures it has no list of them.
func policyMap(r rules, signatures ...[]byte) []byte {
	items := r.items()
	if len(signatures) > 0 {
		items = append(items, array(signatures...))
	}
	return fields(items...)
}

// proposal are the items of a proposal for the present head.
func (o *officers) proposal(policy []byte) [][]byte {
	return [][]byte{num(1), bstr(o.id), num(o.length), bstr(o.head), policy}
}

func proposalVectors() ([]proposalVector, map[string]hx) {
	entries := map[string]hx{}
	o := newOfficers(entries)
	log, lower := o.names, standard().with(4, 2).with(5, 2)
	dora, omar := o.dora.first, o.omar.first
	var out []proposalVector
	text := func(rule, name, file string) {
		out = append(out, proposalVector{Name: name, Rule: rule, Organization: o.id, Log: log, File: file})
	}
	add := func(rule, name string, items [][]byte) { text(rule, name, pemText(proposalPEM, array(items...))) }
	good := func(name, file string, by ...*person) {
		text("", name, file)
		v := &out[len(out)-1]
		v.Policy = lower[:]
		for _, p := range by {
			v.Signers = append(v.Signers, p.id())
		}
	}
	whole := o.proposal(policyMap(lower, o.signedBy(lower, dora, omar)...))
	content := array(whole...)
	file := pemText(proposalPEM, content)
	good("without signatures", pemText(proposalPEM, array(o.proposal(policyMap(lower))...)))
	good("with one signature", pemText(proposalPEM, array(o.proposal(policyMap(lower, o.signedBy(lower, omar)...))...)), o.omar)
	good("with two signatures", file, o.dora, o.omar)
	good("text around the block", "Dear Omar,\n\n"+file+"\nDora\n", o.dora, o.omar)
	good("lines of 76 characters that end with CR LF", wrapped(proposalPEM, content, 76, "\r\n"), o.dora, o.omar)

	add("Y-1", "of version 2", replaced(whole, 0, num(2)))
	text("Y-2", "no block", "hello\n")
	text("Y-2", "two blocks", file+file)
	text("Y-2", "a block of another type", pemText("UNDERSEAL CARD", content))
	text("Y-2", "a block of another type before it", pemText("CERTIFICATE", content)+file)
	text("Y-2", "without its last line", altered(file, "-----END "+proposalPEM+"-----\n", ""))
	text("Y-2", "a character that is not base64", altered(file, "\n", "\n*"))
	text("Y-2", "more than 65536 bytes of text", file+strings.Repeat("\n", 65537-len(file)))
	long := [][]byte{signature(dora, make([]byte, 32768))}
	add("Y-2", "more than 32768 bytes of content", o.proposal(policyMap(lower, long...)))
	add("Y-2", "one item more", append(o.proposal(policyMap(lower)), num(0)))
	add("Y-2", "without the policy", whole[:4])
	text("Y-2", "a byte behind the content", pemText(proposalPEM, cat(content, []byte{0})))
	add("Y-2", "a version in a longer form", replaced(whole, 0, unhex("1801")))
	add("Y-2", "an organization of 31 bytes", replaced(whole, 1, bstr(o.id[1:])))
	add("Y-2", "a hash of 31 bytes", replaced(whole, 3, bstr(o.head[1:])))
	add("Y-2", "an unknown field", replaced(whole, 4, fields(append(lower.items(), array(o.signedBy(lower, dora)...), num(1))...)))
	for place, what := range []string{"fields", "folders", "groups", "guests"} {
		add("Y-3", what+" for guests", o.proposal(policyMap(lower.with(place, 3))))
	}
	add("Y-3", "no officers", o.proposal(policyMap(lower.with(4, 0).with(5, 0))))
	add("Y-3", "256 officers", o.proposal(policyMap(lower.with(4, 256))))
	add("Y-3", "a threshold of 1", o.proposal(policyMap(lower.with(5, 1))))
	add("Y-3", "a threshold above the officers", o.proposal(policyMap(lower.with(5, 3))))
	add("Y-3", "names 2", o.proposal(policyMap(lower.with(6, 2))))
	add("Y-4", "of another organization", replaced(whole, 1, bstr(flip(o.id, 0))))
	add("Y-5", "for an earlier length", replaced(whole, 2, num(o.length-1)))
	add("Y-5", "for another hash", replaced(whole, 3, bstr(flip(o.head, 0))))
	signed := func(name string, list ...[]byte) { add("Y-6", name, o.proposal(policyMap(lower, list...))) }
	signed("by a device that is not there", o.signedBy(lower, newDevice("Mallory's laptop", 1))...)
	signed("by a device that was removed", o.signedBy(lower, o.phone)...)
	signed("by a member", o.signedBy(lower, o.bob.first)...)
	signed("by one officer twice", o.signedBy(lower, dora, dora)...)
	signed("by another's key", signature(dora, o.cosign(lower, omar)))
	signed("for another policy", signature(dora, o.cosign(lower.with(0, 2), dora)))
	payload := array(bstr(o.id), num(o.length), bstr(o.head), policyMap(lower))
	signed("under another label", signature(dora, dora.signing.sign(wire.LabelEntry, payload)))
	signed("for another place", signature(dora, dora.signing.sign(wire.LabelPolicy, array(bstr(o.id), num(o.length+1), bstr(o.head), policyMap(lower)))))
	signed("empty", signature(dora, nil))

	o.do("Bob makes his next user key", o.bob.first, o.opUserKey(o.bob, 2, o.bob.user))
	log = o.names
	text("Y-5", "after another entry", file)
	return out, entries
}
