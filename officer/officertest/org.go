// Package officertest builds organizations for tests: people with real keys,
// and logs written as short scripts.
//
//	o := officertest.New(t, "alice")
//	o.Do(
//		"alice: add bob as member",
//		"alice: create field phone; grant phone to bob rw",
//		"alice: revoke phone from bob; rotate phone",
//	)
//	err := o.Try("bob: grant phone to bob rws") // refused
//
// A line is one entry: the author ("bob", or "bob/laptop" for a device other
// than the first), a colon, and operations separated by semicolons:
//
//	add PERSON as ROLE [until SECONDS] [answering WORD]
//	add device PERSON/LABEL
//	remove device PERSON/LABEL
//	remove PERSON
//	make PERSON ROLE [until SECONDS]
//	policy WORD=NUMBER... [by=PERSON,PERSON...]
//	withdraw WORD
//	rotate user PERSON[@GENERATION]
//	create KIND NAME [at PLACE]
//	rotate NAME[@EPOCH] [from EPOCH]
//	close NAME[@EPOCH]
//	grant NAME to PERSON RIGHTS
//	revoke NAME from PERSON
//	file TEXT under NAME[@EPOCH]
//	reseal NAME[@EPOCH] to PERSON
//	end NAME
//	create group GROUP of PERSON[*],PERSON[*]...
//	join PERSON[*] to GROUP
//	take PERSON from GROUP
//	rotate group GROUP[@EPOCH]
//	close group GROUP[@EPOCH]
//	reseal group GROUP[@EPOCH] to PERSON
//	enroll PERSON[+][@NUMBER] THRESHOLD with PERSON,PERSON...
//	unenroll PERSON[@NUMBER]
//	request PERSON/LABEL[@NUMBER]
//	approve PERSON/LABEL[@NUMBER] by PERSON
//	finish PERSON/LABEL[@NUMBER]
//
// A plus says that the entry rotates the person's user key before. A star says
// that a person manages the group. In "grant", "revoke" and
// "reseal" the words "group GROUP" may stand for a person.
//
// RIGHTS is of the letters r, w and s; TEXT is PERSON.name, PERSON.email,
// PERSON/LABEL, PERSON/LABEL.reason, NAME.label, GROUP.group or "organization"; PLACE is the id of a binding, which
// is empty if there is none. People and resources exist from
// their first mention. Without a number, an operation names the epoch that
// fits the state before the entry.
//
// The package is for tests alone (internal/deptest) and promises nothing.
package officertest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// TB is what of a test is needed; *testing.T, *testing.B and *rapid.T have it.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Org is an organization whose log grows.
type Org struct {
	ID    officer.OrganizationID
	Log   [][]byte       // as a store would hold it
	State *officer.State // after the last entry of Log
	Name  officer.Opening
	Blobs map[officer.Hash][]byte // as a store would hold them

	t      TB
	people map[string]*Person
	kinds  map[string]officer.KeyKind // of resources, by name
}

// Start is the time of genesis; each entry claims one minute more.
func Start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// New founds an organization.
func New(t TB, founder string) *Org {
	t.Helper()
	return NewWith(t, founder, "Example LLP")
}

// NewWith founds an organization with a name; another name gives another id.
func NewWith(t TB, founder, name string) *Org {
	t.Helper()
	return NewFrom(t, NewPerson(founder), name)
}

// NewFrom is NewWith for a founder made before: keys are costly.
func NewFrom(t TB, p *Person, name string) *Org {
	t.Helper()
	o := &Org{t: t, Blobs: map[officer.Hash][]byte{}, people: map[string]*Person{}, kinds: map[string]officer.KeyKind{}}
	o.Name = NewOpening(officer.TextOrganization, name)
	o.Use(p)
	e := officer.Entry{Time: Start(), Author: p.Device(FirstDevice).ID(), Operations: []officer.Operation{
		&officer.Genesis{Nonce: [16]byte(seed(name)), Card: p.File.Card.Bytes(), Name: o.Name.Commitment()},
	}}
	genesis := o.must(e.Sign(p.Device(FirstDevice).Sign))
	o.ID = officer.OrganizationOf(genesis)
	o.Log = [][]byte{genesis}
	var err error
	if o.State, err = officer.Replay(o.ID, o.Log); err != nil {
		t.Fatalf("genesis: %v", err)
	}
	return o
}

// Fork returns an organization with the same log that grows by itself.
func (o *Org) Fork() *Org {
	n := *o
	n.Log = append([][]byte(nil), o.Log...)
	return &n
}

// For returns the organization with failures going to another test.
func (o *Org) For(t TB) *Org {
	n := o.Fork()
	n.t = t
	return n
}

func (o *Org) must(b []byte, err error) []byte {
	o.t.Helper()
	if err != nil {
		o.t.Fatalf("%v", err)
	}
	return b
}

// Person returns the person with a name.
func (o *Org) Person(name string) *Person {
	if o.people[name] == nil {
		o.people[name] = NewPerson(name)
	}
	return o.people[name]
}

// Use puts a person made elsewhere in the place of the one with that name.
func (o *Org) Use(p *Person) { o.people[p.Name] = p }

// ResourceID is the id of the resource with a name.
func (o *Org) ResourceID(name string) officer.ResourceID {
	h := sha256.Sum256([]byte("resource\x00" + name))
	return officer.ResourceID(h[:16])
}

// Resource is the resource in the present state, or nil.
func (o *Org) Resource(name string) *officer.Resource { return o.State.Resource(o.ResourceID(name)) }

// Rights are a person's rights on a resource in the present state, also
// through groups.
func (o *Org) Rights(resource, person string) officer.Rights {
	r := o.Resource(resource)
	if r == nil {
		return 0
	}
	return o.State.Rights(o.Person(person).ID(), r)
}

// Label is the opening of a resource's label, which is its name.
func (o *Org) Label(resource string) officer.Opening {
	return NewOpening(officer.TextLabel, resource)
}

// Key is the key of a resource's epoch.
func (o *Org) Key(resource string, epoch uint64) *datakey.Key {
	id := o.ResourceID(resource)
	kind := o.kinds[resource]
	if kind == 0 {
		kind = wire.KindField
	}
	c := officer.KeyContext{Organization: o.ID, Resource: id[:], Kind: kind, Epoch: epoch}
	return dataKey(c, resource, fmt.Sprint(epoch))
}

// Entry is an entry by an author on the present head, not yet signed.
func (o *Org) Entry(author string, ops ...officer.Operation) officer.Entry {
	return officer.Entry{
		Organization: o.ID,
		Sequence:     o.State.Head().Length,
		Previous:     o.State.Head().Hash,
		Time:         Start().Add(time.Duration(o.State.Head().Length) * time.Minute),
		Author:       o.Author(author).ID(),
		Operations:   ops,
	}
}

// Author is the device that "bob" or "bob/laptop" names.
func (o *Org) Author(author string) *Device {
	name, label, ok := strings.Cut(author, "/")
	if !ok {
		label = FirstDevice
	}
	return o.Person(name).Device(label)
}

// Sign signs an entry as an author.
func (o *Org) Sign(author string, e officer.Entry) []byte {
	o.t.Helper()
	return o.must(e.Sign(o.Author(author).Sign))
}

// Write makes the entry of a line on the present head without appending it.
func (o *Org) Write(line string) []byte {
	o.t.Helper()
	author, ops := o.parse(line)
	return o.Sign(author, o.Entry(author, ops...))
}

// Chain makes an author's entries that follow each other on the present head,
// without appending them: a long log costs less so than one by one.
func (o *Org) Chain(author string, entries ...[]officer.Operation) [][]byte {
	o.t.Helper()
	var out [][]byte
	for _, ops := range entries {
		e := o.Entry(author, ops...)
		if n := len(out); n > 0 {
			e.Sequence += uint64(n)
			e.Previous = officer.EntryHash(out[n-1])
		}
		out = append(out, o.Sign(author, e))
	}
	return out
}

// Append applies entries and, if they are accepted, keeps them.
func (o *Org) Append(entries ...[]byte) error {
	next, err := o.State.ApplyWith(o.Blob, entries...)
	if err != nil {
		return err
	}
	o.State, o.Log = next, append(o.Log[:len(o.Log):len(o.Log)], entries...)
	return nil
}

// Blob is what a store answers.
func (o *Org) Blob(name officer.Hash) ([]byte, error) {
	if b, ok := o.Blobs[name]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("no blob %s", name)
}

// Outside puts operations into a blob, and returns what stands for them.
func (o *Org) Outside(ops ...officer.Operation) *officer.OperationsBlob {
	o.t.Helper()
	b, op, err := officer.EncodeBlob(ops)
	if err != nil {
		o.t.Fatalf("blob: %v", err)
	}
	o.Blobs[op.Hash] = b
	return op
}

// Try appends the entry of a line, or says why it is refused.
func (o *Org) Try(line string) error {
	o.t.Helper()
	return o.Append(o.Write(line))
}

// TryOps is Try for operations made by hand.
func (o *Org) TryOps(author string, ops ...officer.Operation) error {
	o.t.Helper()
	return o.Append(o.Sign(author, o.Entry(author, ops...)))
}

// Do appends the entries of lines, which must be accepted.
func (o *Org) Do(lines ...string) *Org {
	o.t.Helper()
	for _, line := range lines {
		if err := o.Try(line); err != nil {
			o.t.Fatalf("%q is refused: %v", line, err)
		}
	}
	return o
}
