package main

import (
	"encoding/binary"
	"fmt"

	"github.com/underseal/underseal/internal/wire"
)

// evidenceVector is one vector of evidence.json. A file is a list of names of
// parts, which are the file one after the other.
type evidenceVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	File  []string `json:"file"`
	Other []string `json:"other,omitempty"`

	// Of kind "file".
	Organization hx        `json:"organization,omitempty"`
	Length       uint64    `json:"length,omitempty"`
	Head         hx        `json:"head,omitempty"`
	Statements   []sighted `json:"statements,omitzero"`
	// Of kind "two files".
	Shared  uint64 `json:"shared,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

// sighted is a statement with what the log beside it says of it.
type sighted struct {
	Device hx     `json:"device"`
	Length uint64 `json:"length"`
	Is     string `json:"is"`
}

// Kinds of frame.
const (
	frameHeader = iota + 1
	frameBlob
	frameEntry
	frameStatement
	frameEnd
)

func frameOf(kind byte, content []byte) []byte {
	return cat([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(len(content))), content)
}

// evidence is what evidence.json is made of: parts of files by name, and people.
type evidence struct {
	parts            map[string]hx
	vectors          []evidenceVector
	alice, dora, bob *person
}

// history is a firm whose log can part from another's.
type history struct {
	*firm
	log []string // the parts of a file up to here, blobs left out
}

func (e *evidence) part(name string, b []byte) string {
	if old, ok := e.parts[name]; ok && string(old) != string(b) {
		panic("two parts named " + name)
	}
	e.parts[name] = b
	return name
}

// end is the name of the last frame.
func (e *evidence) end(entries, statements uint64) string {
	return e.part(fmt.Sprintf("end: %d, %d", entries, statements), frameOf(frameEnd, array(num(entries), num(statements))))
}

// open is how a file of an organization begins.
func (e *evidence) open(f *firm, name string) []string {
	return []string{e.part("first line", []byte("underseal evidence\n")), e.part("organization: "+name, frameOf(frameHeader, array(num(1), bstr(f.id))))}
}

// fork is a copy of the history, which goes on in its own way.
func (h *history) fork() *history {
	f := *h.firm
	return &history{&f, append([]string{}, h.log...)}
}

// then appends an entry.
func (e *evidence) then(h *history, name string, by device, ops ...[]byte) *history {
	b := h.next(by, ops...).encode()
	h.log = append(h.log, e.part("entry: "+name, frameOf(frameEntry, b)))
	h.length++
	h.head = sum(wire.LabelEntryHash, b)
	return h
}

// says is a statement about a head.
func (e *evidence) says(name string, h *history, by device) string {
	return e.saysOf(name, h, by, h.length, h.head)
}

// saysOf is a statement about any head.
func (e *evidence) saysOf(name string, h *history, by device, length uint64, hash []byte) string {
	return e.statement(name, by, wire.LabelLastSeen, lastSeenBody(h.id, by.id(), length, hash, startTime+3600))
}

// statement is a statement that may be wrong.
func (e *evidence) statement(name string, by device, label string, body []byte) string {
	return e.part("statement: "+name, frameOf(frameStatement, signed(body, by.signing.sign(label, body))))
}

// whole is the file of a history, with statements.
func (e *evidence) whole(h *history, statements ...string) []string {
	return joined(h.log, statements, []string{e.end(h.length, uint64(len(statements)))})
}

func joined(lists ...[]string) []string {
	out := []string{}
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func (e *evidence) good(name string, file []string, h *history, statements ...sighted) {
	e.vectors = append(e.vectors, evidenceVector{
		Name: name, Kind: "file", File: file, Organization: h.id, Length: h.length, Head: h.head,
		Statements: append([]sighted{}, statements...),
	})
}

func (e *evidence) bad(rule, name string, file ...string) {
	e.vectors = append(e.vectors, evidenceVector{Name: name, Kind: "file", Rule: rule, File: joined(file)})
}

func (e *evidence) two(verdict, name string, shared uint64, file, other []string) {
	e.vectors = append(e.vectors, evidenceVector{Name: name, Kind: "two files", File: file, Other: other, Shared: shared, Verdict: verdict})
}

// guests is an operation that is small: the standard policy but for its guests.
func (h *history) guests(whose uint64) []byte { return h.opPolicy(standard().with(3, whose)) }

func evidenceVectors() ([]evidenceVector, map[string]hx) {
	e := &evidence{
		parts: map[string]hx{},
		alice: newPerson("Alice Officer"), dora: newPerson("Dora Officer"), bob: newPerson("Bob Member"),
	}
	h := e.found("Evidence LLP", e.alice)
	e.then(h, "Alice adds Dora and Bob", e.alice.first, opMember(e.dora.card(), 1, 0, nil), opMember(e.bob.card(), 2, 0, nil))
	e.files(h)
	e.forks(h)
	return e.vectors, e.parts
}

func (e *evidence) found(name string, founder *person) *history {
	f := newFirm(map[string]hx{}, name, founder)
	log := append(e.open(f, name), e.part("entry: genesis of "+name, frameOf(frameEntry, f.entries["genesis of "+name])))
	return &history{f, log}
}

func (e *evidence) files(h *history) {
	alice, bob := e.alice.first, e.bob.first
	whole := e.whole(h)
	line, org, genesis, adds, end := whole[0], whole[1], whole[2], whole[3], whole[4]
	after := e.then(h.fork(), "Alice sets a policy", alice, h.guests(2))
	policy := after.log[4]
	own, other := e.says("Alice has seen Bob added", h, alice), e.says("Bob has seen a policy", after, bob)
	forged := e.saysOf("Bob has seen something else", h, bob, 2, random("another entry", 32))
	e.good("a log", whole, h)
	e.good("with a statement of the same history", e.whole(h, own), h, sighted{alice.id(), 2, "same"})
	e.good("with a statement of an earlier head", e.whole(after, own), after, sighted{alice.id(), 2, "same"})
	e.good("with a statement that is ahead", e.whole(h, other), h, sighted{bob.id(), 3, "ahead"})
	e.good("with a statement that is a fork", e.whole(h, own, forged), h, sighted{alice.id(), 2, "same"}, sighted{bob.id(), 2, "fork"})
	e.good("with one statement twice", e.whole(h, own, own), h, sighted{alice.id(), 2, "same"}, sighted{alice.id(), 2, "same"})

	const form = "V-1"
	e.bad(form, "empty")
	e.bad(form, "another first line", joined([]string{e.part("first line of another file", []byte("underseal journal \n"))}, whole[1:])...)
	e.bad(form, "the first line with CR LF", joined([]string{e.part("first line with CR LF", []byte("underseal evidence\r\n"))}, whole[1:])...)
	e.bad(form, "the first line alone", line)
	header := func(name string, content []byte) {
		e.bad(form, name, line, e.part("organization: "+name, frameOf(frameHeader, content)), genesis, adds, end)
	}
	header("of version 2", array(num(2), bstr(h.id)))
	header("a version in a longer form", cat([]byte{0x82, 0x18, 1}, bstr(h.id)))
	header("an organization of 31 bytes", array(num(1), bstr(h.id[1:])))
	header("with an item more", array(num(1), bstr(h.id), num(0)))
	header("a first frame of 257 bytes", array(num(1), bstr(make([]byte, 252))))
	e.bad(form, "without organization", line, genesis, adds, end)
	e.bad(form, "an organization twice", line, org, org, genesis, adds, end)
	e.bad(form, "an organization after the entries", line, genesis, adds, org, end)
	e.bad(form, "a frame of kind 0", line, org, genesis, adds, e.part("frame of kind 0", frameOf(0, []byte{0})), end)
	e.bad(form, "a frame of kind 6", line, org, genesis, adds, e.part("frame of kind 6", frameOf(6, []byte{0})), end)
	e.bad(form, "an empty frame", line, org, genesis, adds, e.part("empty statement", frameOf(frameStatement, nil)), end)
	e.bad(form, "a statement of 257 bytes", line, org, genesis, adds, e.part("statement of 257 bytes", frameOf(frameStatement, make([]byte, 257))), end)
	e.bad(form, "an entry that says to have 4 GiB", line, org, genesis, e.part("head of 4 GiB", []byte{frameEntry, 255, 255, 255, 255}))
	e.bad(form, "without the last frame", line, org, genesis, adds)
	e.bad(form, "cut short in a length", line, org, genesis, adds, e.part("head cut short", []byte{frameEnd, 0}))
	e.bad(form, "cut short in a content", line, org, genesis, adds, e.part("end cut short", e.parts[end][:6]))
	e.bad(form, "a last frame with an item more", line, org, genesis, adds, e.part("end with an item more", frameOf(frameEnd, array(num(2), num(0), num(0)))))
	e.bad(form, "a byte behind it", line, org, genesis, adds, end, e.part("a byte", []byte{0}))
	e.bad(form, "twice", joined(whole, whole)...)
	e.bad(form, "an entry after a statement", line, org, genesis, adds, own, policy, e.end(3, 1))
	e.bad(form, "a statement before the entries", line, org, own, genesis, adds, e.end(2, 1))

	const log = "V-2"
	e.bad(log, "no entries", line, org, e.end(0, 0))
	e.bad(log, "without the first entry", line, org, adds, e.end(1, 0))
	e.bad(log, "without an entry between", line, org, genesis, policy, e.end(2, 0))
	e.bad(log, "an entry twice", line, org, genesis, adds, adds, e.end(3, 0))
	e.bad(log, "of another organization", line, e.part("organization: another one", frameOf(frameHeader, array(num(1), bstr(flip(h.id, 0))))), genesis, adds, end)
	wrong := func(name string, b []byte) {
		e.bad(log, name, line, org, genesis, adds, e.part("entry: "+name, frameOf(frameEntry, b)), e.end(3, 0))
	}
	next := h.next(alice, h.guests(2))
	wrong("signed by another device", next.signedBy(bob.signing))
	wrong("an entry of version 2", array(num(2), bstr(next.body()), bstr(alice.signing.sign(wire.LabelEntry, next.body()))))
	wrong("what its author may not do", h.next(bob, h.guests(2)).encode())

	e.blobs(h)
	e.statements(h)

	const numbers = "V-5"
	e.bad(numbers, "an entry less than it says", line, org, genesis, e.end(2, 0))
	e.bad(numbers, "an entry more than it says", line, org, genesis, adds, e.end(1, 0))
	e.bad(numbers, "a statement less than it says", line, org, genesis, adds, e.end(2, 1))
	e.bad(numbers, "a statement more than it says", line, org, genesis, adds, own, e.end(2, 0))
}

// blobs are files with operations that ride outside an entry.
func (e *evidence) blobs(h *history) {
	alice := e.alice.first
	ops := array(h.guests(2))
	blob := e.part("blob: a policy", frameOf(frameBlob, ops))
	more := array(opRole(e.bob, 3, startTime+1e6))
	role := e.part("blob: Bob becomes a guest", frameOf(frameBlob, more))
	log := h.log
	one := e.then(h.fork(), "Alice sets a policy by a blob", alice, opBlob(ops, 1))
	both := e.then(h.fork(), "Alice sets a policy and makes Bob a guest by blobs", alice, opBlob(ops, 1), opBlob(more, 1))
	again := e.then(h.fork(), "Alice sets a policy by a blob that is named twice", alice, opBlob(ops, 1), opBlob(ops, 1))
	name, two, twice := one.log[4], both.log[4], again.log[4]
	next := e.then(one.fork(), "Alice sets the policy again by a blob", alice, opBlob(ops, 1))
	end, after := e.end(3, 0), next.log[5]
	e.good("with a blob", joined(log, []string{blob, name, end}), one)
	e.good("with two blobs, in another order than the entry's", joined(log, []string{role, blob, two, end}), both)
	e.good("a blob that an entry names twice", joined(log, []string{blob, twice, end}), again)
	e.good("a blob that two entries name", joined(log, []string{blob, name, blob, after, e.end(4, 0)}), next)
	e.bad("V-2", "without a blob", joined(log, []string{name, end})...)
	e.bad("V-2", "without the second blob", joined(log, []string{blob, two, end})...)
	e.bad("V-2", "a blob before the first alone of two entries that name it", joined(log, []string{blob, name, after, e.end(4, 0)})...)
	const rule = "V-3"
	e.bad(rule, "a blob that no entry names", joined(log, []string{blob, role, name, end})...)
	e.bad(rule, "a blob before the entry before", joined(log[:3], []string{blob, log[3], name, end})...)
	e.bad(rule, "a blob twice", joined(log, []string{blob, blob, name, end})...)
	e.bad(rule, "a blob after the entry", joined(log, []string{blob, name, role, end})...)
	e.bad(rule, "a blob before a statement", joined(log, []string{blob, e.says("Alice has seen Bob added", h, alice), e.end(2, 1)})...)
}

// statements are files with a statement that does not count.
func (e *evidence) statements(h *history) {
	alice, bob := e.alice.first, e.bob.first
	bad := func(name, statement string) { e.bad("V-4", name, e.whole(h, statement)...) }
	body := lastSeenBody(h.id, alice.id(), 2, h.head, startTime)
	bad("junk", e.part("statement: junk", frameOf(frameStatement, []byte("junk"))))
	bad("a statement of version 2", e.part("statement: version 2", frameOf(frameStatement, array(num(2), bstr(body), bstr(alice.signing.sign(wire.LabelLastSeen, body))))))
	bad("a statement of no entries", e.saysOf("no entries", h, alice, 0, h.head))
	bad("a statement of another organization", e.statement("another organization", alice, wire.LabelLastSeen, lastSeenBody(flip(h.id, 0), alice.id(), 2, h.head, startTime)))
	bad("a statement of a device that is not in the log", e.says("Mallory", h, newDevice("Mallory's laptop", 1)))
	bad("signed for another device", e.statement("Bob signs for Alice", bob, wire.LabelLastSeen, body))
	bad("signed under another label", e.statement("under another label", alice, wire.LabelEntry, body))
	gone := e.then(h.fork(), "Alice removes Bob", alice, opRemoveMember(e.bob))
	e.bad("V-4", "a statement of a device that was removed since", e.whole(gone, e.says("Bob has seen himself added", h, bob))...)
}

// forks are pairs of files.
func (e *evidence) forks(h *history) {
	alice, dora, bob := e.alice.first, e.dora.first, e.bob.first
	a := e.then(h.fork(), "Alice sets a policy", alice, h.guests(2))
	seen := e.then(a.fork(), "Dora sets another policy after it", dora, h.guests(1))
	b := e.then(h.fork(), "Bob makes his next user key", bob, h.opUserKey(e.bob, 2, e.bob.user))
	own := e.then(b.fork(), "Bob makes one more", bob, h.opUserKey(e.bob, 3, h.userKey(e.bob, 2)))
	later := e.then(own.fork(), "Dora sets a policy after Bob's keys", dora, h.guests(2))
	honest := e.whole(seen)

	const proof, part, same = "proof", "part", "one history"
	e.two(proof, "an entry of another member follows in both", 2, honest, e.whole(e.then(b.fork(), "Dora sets a policy after Bob's key", dora, h.guests(2))))
	e.two(proof, "an entry of another member follows later on", 2, honest, e.whole(later))
	e.two(proof, "a statement of another member", 2, honest, e.whole(b, e.says("Alice has seen Bob's key", b, alice)))
	e.two(proof, "a statement of an officer about their own entry", 2, e.whole(a, e.says("Alice has seen her policy", a, alice)), e.whole(later))
	e.two(part, "an entry that lost a race", 2, honest, e.whole(b))
	e.two(part, "two entries that nobody has seen", 2, e.whole(a), e.whole(b))
	e.two(part, "a member's own entry follows", 2, honest, e.whole(own))
	e.two(part, "a member's own statement", 2, honest, e.whole(b, e.says("Bob has seen his key", b, bob)))
	e.two(part, "a statement of the head before", 2, honest, e.whole(b, e.says("Alice has seen Bob added", h, alice)))
	e.two(part, "a statement that is a fork", 2, honest, e.whole(b, e.says("Dora has seen Alice's policy", a, dora)))
	e.two(part, "a statement that is ahead", 2, honest, e.whole(b, e.saysOf("Dora has seen more", h, dora, 9, b.head)))
	mine := e.then(h.fork(), "Dora sets a policy", dora, h.guests(1))
	demoted := e.then(h.fork(), "Alice makes Dora a member", alice, opRole(e.dora, 2, 0))
	after := e.then(demoted.fork(), "Bob makes his next user key then", bob, demoted.opUserKey(e.bob, 2, e.bob.user))
	e.two(part, "the word of who is an officer in one log alone", 2, e.whole(mine, e.says("Dora has seen her policy", mine, dora)), e.whole(after))
	e.two(same, "one goes on", 2, honest, e.whole(h))
	e.two(same, "the same twice", 4, honest, honest)
	e.two("two organizations", "of two organizations", 0, honest, e.whole(e.found("Other LLP", e.bob)))
}
