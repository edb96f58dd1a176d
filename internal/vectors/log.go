package main

import (
	"fmt"

	"github.com/underseal/underseal/internal/wire"
)

// logVector is one vector of log.json. Its log is a list of names of entries.
type logVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Organization hx       `json:"organization"` // that is pinned
	Log          []string `json:"log"`
	Blobs        []string `json:"blobs,omitempty"` // names of what a store holds besides
	State        *state   `json:"state,omitempty"` // after a log that replays

	// Of kind "envelope": may this member hold this epoch, sealed to this key
	// by this sender?
	Resource hx     `json:"resource,omitempty"`
	Epoch    uint64 `json:"epoch,omitempty"`
	Group    hx     `json:"group,omitempty"`
	Member   hx     `json:"member,omitempty"`
	Key      hx     `json:"recipient_key,omitempty"`
	Sender   hx     `json:"sender,omitempty"`
	// Of kind "group envelope": the same of a group's seed. Of kind "envelope
	// to a group": the resource's key was sealed to the group's.
	// Of kind "user key": may this device hold this generation (Epoch) of the
	// member's user key, from this sender?
	Device hx `json:"device,omitempty"`
	// Of kind "share": may this officer hold the share with this index of the
	// member's enrolment (Epoch)? Of kind "re-sealed share": may this requesting
	// device?
	Index   uint64 `json:"index,omitempty"`
	Officer hx     `json:"officer,omitempty"`
	// Of kind "escrow": shares of the member's enrolment (Epoch), and the seed
	// that they open.
	Parts []part `json:"parts,omitempty"`
	Seed  hx     `json:"seed,omitempty"`
}

// entry is a log entry before it is encoded.
type entry struct {
	org      []byte
	sequence uint64
	previous []byte
	time     uint64
	by       device
	ops      [][]byte
}

func (e entry) body() []byte {
	return fields(bstr(e.org), num(e.sequence), bstr(e.previous), num(e.time), bstr(e.by.id()), array(e.ops...))
}

func (e entry) encode() []byte { return e.signedBy(e.by.signing) }

func (e entry) signedBy(s signer) []byte { return signed(e.body(), s.sign(wire.LabelEntry, e.body())) }

// firm is an organization whose log grows.
type firm struct {
	id      []byte
	entries map[string]hx // by name, of every firm
	names   []string      // of this firm's log
	length  uint64
	head    []byte
}

const startTime = 1767323045 // 2026-01-02 03:04:05 UTC

func newFirm(entries map[string]hx, name string, founder *person) *firm {
	f := &firm{entries: entries}
	e := entry{org: make([]byte, 32), previous: make([]byte, 32), time: startTime, by: founder.first, ops: [][]byte{opGenesis(name, founder)}}
	f.id = sum(wire.LabelOrganization, e.encode())
	f.append("genesis of "+name, e.encode())
	return f
}

// next is the entry that comes next.
func (f *firm) next(by device, ops ...[]byte) entry {
	return entry{org: f.id, sequence: f.length, previous: f.head, time: startTime + 60*f.length, by: by, ops: ops}
}

// do appends an entry.
func (f *firm) do(name string, by device, ops ...[]byte) { f.append(name, f.next(by, ops...).encode()) }

func (f *firm) append(name string, b []byte) {
	f.file(name, b)
	f.names = append(f.names, name)
	f.length++
	f.head = sum(wire.LabelEntryHash, b)
}

func (f *firm) file(name string, b []byte) {
	if _, dup := f.entries[name]; dup {
		panic("two entries named " + name)
	}
	f.entries[name] = b
}

// after is the log with one more entry, which is filed but not appended.
func (f *firm) after(name string, b []byte) []string {
	f.file(name, b)
	return append(append([]string{}, f.names...), name)
}

// resource is a resource with the keys of its epochs.
type resource struct {
	id     []byte
	kind   uint64
	label  opening
	epochs []dataKey
}

func (f *firm) resource(name string, kind uint64) *resource {
	r := &resource{id: random("resource "+name, 16), kind: kind, label: newOpening(textLabel, name)}
	r.epochs = []dataKey{r.key(f, 1)}
	return r
}

// key is the key of an epoch, whether it was opened or not.
func (r *resource) key(f *firm, epoch uint64) dataKey {
	return newDataKey(fmt.Sprintf("%s, epoch %d", r.label.text, epoch), context{f.id, r.id, r.kind, epoch})
}

func (r *resource) present() dataKey { return r.epochs[len(r.epochs)-1] }

func op(kind uint64, items ...[]byte) []byte { return array(num(kind), fields(items...)) }

func optional(n uint64) []byte {
	if n == 0 {
		return nil
	}
	return num(n)
}

func optionalBytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	return bstr(b)
}

func opGenesis(name string, founder *person) []byte {
	return op(1, bstr(random("nonce of "+name, 16)), bstr(founder.card()), bstr(newOpening(textOrganization, name).commitment()))
}

func opMember(card []byte, role, expires uint64, invite []byte) []byte {
	return op(2, bstr(card), num(role), optional(expires), optionalBytes(invite))
}

func opDevice(member, record, acceptance []byte) []byte {
	return op(3, bstr(member), bstr(record), bstr(acceptance))
}

func opRemoveDevice(d device) []byte { return op(4, bstr(d.id())) }

// userKey is the next generation of a user key.
func (f *firm) userKey(p *person, generation uint64) dataKey {
	return newDataKey(fmt.Sprintf("user key %d of %s", generation, p.name.text), context{f.id, p.id(), 5, generation})
}

func (f *firm) opUserKey(p *person, generation uint64, older dataKey) []byte {
	k := f.userKey(p, generation)
	return op(5, bstr(p.id()), num(generation), bstr(newXWing(k.key).public), bstr(k.commitment()), bstr(k.prev(older)))
}

func binding(parts ...string) []byte {
	var items [][]byte
	for _, p := range parts {
		items = append(items, tstr(p))
	}
	return array(items...)
}

func opCreate(r *resource, bound []byte) []byte {
	k := r.epochs[0]
	var public []byte
	if r.kind == 2 {
		public = bstr(newXWing(k.key).public)
	}
	return op(6, bstr(r.id), num(r.kind), bound, bstr(k.commitment()), bstr(r.label.commitment()), public)
}

// opRotate opens the next epoch of r for the operations that follow too.
func (f *firm) opRotate(r *resource) []byte {
	b := f.rotation(r)
	r.epochs = append(r.epochs, r.key(f, uint64(len(r.epochs))+1))
	return b
}

// rotation is the operation alone.
func (f *firm) rotation(r *resource) []byte {
	next := r.key(f, uint64(len(r.epochs))+1)
	var public []byte
	if r.kind == 2 {
		public = bstr(newXWing(next.key).public)
	}
	return op(7, bstr(r.id), num(next.Epoch), bstr(next.commitment()), bstr(next.prev(r.present())), public)
}

func opClose(r *resource) []byte { return op(8, bstr(r.id), num(r.present().Epoch)) }

func principal(kind uint64, id []byte) []byte { return array(num(kind), bstr(id)) }

func opGrant(r *resource, to []byte, rights uint64) []byte {
	return op(9, bstr(r.id), principal(1, to), num(rights))
}

func opRevoke(r *resource, from []byte) []byte { return op(10, bstr(r.id), principal(1, from)) }

func opDirectory(r *resource, texts ...opening) []byte {
	var items [][]byte
	k := r.present()
	for _, o := range texts {
		c := o.commitment()
		items = append(items, array(bstr(c), bstr(k.seal(wire.LabelKeyName, o.padded(), c, random("directory "+o.text+r.label.text, 24)))))
	}
	return op(11, bstr(r.id), num(k.Epoch), array(items...))
}

func opEnd(r *resource) []byte { return op(32, bstr(r.id)) }

func opReseal(r *resource, epoch uint64, to []byte) []byte {
	return op(12, bstr(r.id), num(epoch), principal(1, to))
}
