package officer

import (
	"encoding/binary"
	"math"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// cacheWriter appends the parts of a state.
type cacheWriter struct {
	b       []byte
	members map[MemberID]uint64 // places in the list of members
	devices map[DeviceID]uint64
	groups  map[GroupID]uint64
}

func (w *cacheWriter) fixed(b []byte)  { w.b = append(w.b, b...) }
func (w *cacheWriter) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *cacheWriter) count(n int)     { w.number(uint64(n)) }

func (w *cacheWriter) flag(v bool) {
	if v {
		w.number(1)
	} else {
		w.number(0)
	}
}

func (w *cacheWriter) bytes(b []byte) {
	w.count(len(b))
	w.fixed(b)
}

func (w *cacheWriter) member(m *Member) {
	w.number(uint64(m.Role))
	w.fixed(m.Name[:])
	w.fixed(m.Email[:])
	w.count(len(m.UserKeys))
	for i, k := range m.UserKeys {
		w.fixed(k.Public)
		w.fixed(k.Commitment[:])
		if i > 0 { // the first comes with the card
			w.fixed(k.Previous)
			w.number(w.devices[k.Author])
		}
		w.number(k.Sequence)
	}
	w.flag(m.KeyClosed)
	w.count(len(m.Devices))
	for _, id := range m.Devices {
		w.number(w.devices[id])
	}
	w.number(w.devices[m.AddedBy])
	w.number(m.Added)
	w.number(m.Expires)
	w.flag(m.Removed)
	if m.Removed {
		w.number(m.RemovedAt)
	}
	w.enrolments(m.Enrolments)
}

func (w *cacheWriter) record(d DeviceRecord) {
	w.number(uint64(d.Kind))
	w.fixed(d.Encryption)
	w.fixed(d.Signing)
	w.fixed(d.SignIn)
	w.fixed(d.Label[:])
}

func (w *cacheWriter) device(d *Device) {
	w.number(w.members[d.Member])
	w.record(d.Record)
	w.number(w.devices[d.AddedBy])
	w.number(d.Added)
	w.number(d.AtKey)
	w.flag(d.Removed)
	if d.Removed {
		w.number(d.RemovedAt)
	}
}

func (w *cacheWriter) resource(r *Resource) {
	w.number(uint64(r.Kind))
	for _, s := range []string{r.Binding.Connector, r.Binding.Account, r.Binding.Kind, r.Binding.ID} {
		w.bytes([]byte(s))
	}
	w.fixed(r.Label[:])
	w.number(r.Created)
	w.flag(r.Ended)
	w.epochs(r.Epochs, r.Kind == wire.KindFolder)
	w.count(len(r.Grants))
	for _, g := range r.Grants {
		w.number(uint64(g.Principal.Kind))
		if m, ok := g.Principal.Member(); ok {
			w.number(w.members[m])
		} else {
			w.number(w.groups[GroupID(g.Principal.ID)])
		}
		w.number(uint64(g.Rights))
		w.number(g.Since)
		w.number(g.Sequence)
		w.senders(g.Senders)
		w.senders(g.Helpers)
	}
}

func (w *cacheWriter) policy(p Policy) {
	for _, r := range []Role{p.Fields, p.Folders, p.Groups, p.Guests} {
		w.number(uint64(r))
	}
	for _, n := range []uint64{p.Officers, p.Recovery, p.Names} {
		w.number(n)
	}
}

func (w *cacheWriter) group(g *Group) {
	w.fixed(g.Label[:])
	w.number(g.Created)
	w.epochs(g.Epochs, true)
	w.count(len(g.Members))
	for _, x := range g.Members {
		w.number(w.members[x.Member])
		w.number(uint64(x.Rights))
		w.number(x.Since)
		w.number(x.Sequence)
		w.senders(x.Senders)
		w.senders(x.Helpers)
	}
}

func (w *cacheWriter) epochs(list []Epoch, public bool) {
	w.count(len(list))
	for i, e := range list {
		w.fixed(e.Commitment[:])
		if public {
			w.fixed(e.Public)
		}
		if i > 0 {
			w.fixed(e.Previous)
			w.number(e.From)
		}
		w.number(w.devices[e.Author])
		w.number(e.Sequence)
		w.flag(e.Closed)
		if e.Closed {
			w.number(e.ClosedAt)
		}
	}
}

func (w *cacheWriter) senders(list []Sender) {
	w.count(len(list))
	for _, s := range list {
		w.number(w.devices[s.Device])
		w.number(s.Epoch)
	}
}

func (w *cacheWriter) openings(list []SealedOpening) {
	w.count(len(list))
	for _, o := range list {
		w.fixed(o.Resource[:])
		w.number(o.Epoch)
		w.bytes(o.Sealed)
	}
}

// cacheReader takes the parts of a state. After a failure it returns zeros,
// so that a look at failed at the end is enough.
type cacheReader struct {
	b       []byte
	failed  bool
	members []MemberID
	devices []DeviceID
	groups  []GroupID
	senders []Sender // room for those of the next grants
	binding Binding  // the last one: most have a word in common with it
}

func (r *cacheReader) check(ok bool) {
	if !ok {
		r.failed, r.b = true, nil
	}
}

// fixed returns n bytes, zeros after a failure.
func (r *cacheReader) fixed(n int) []byte {
	if r.check(n <= len(r.b)); r.failed {
		return make([]byte, n)
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *cacheReader) hash() Hash         { return Hash(r.fixed(len(Hash{}))) }
func (r *cacheReader) memberID() MemberID { return MemberID(r.hash()) }
func (r *cacheReader) deviceID() DeviceID { return DeviceID(r.hash()) }

func (r *cacheReader) groupID() GroupID { return GroupID(r.fixed(len(GroupID{}))) }

func (r *cacheReader) number() uint64 { return r.upTo(math.MaxUint64) }

// upTo returns a number in its shortest form that is at most limit.
func (r *cacheReader) upTo(limit uint64) uint64 {
	n, size := binary.Uvarint(r.b)
	shortest := size == 1 || size > 1 && r.b[size-1] != 0
	if r.check(shortest && n <= limit); r.failed {
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is the length of a list whose items take size bytes or more each, so
// that memory is spent only on what can be there.
func (r *cacheReader) count(size int) int { return int(r.upTo(uint64(len(r.b) / size))) }

// some is the length of a list that is never empty.
func (r *cacheReader) some(size int) int {
	n := r.count(size)
	r.check(n > 0)
	return max(n, 1)
}

func (r *cacheReader) flag() bool    { return r.upTo(1) == 1 }
func (r *cacheReader) bytes() []byte { return r.fixed(r.count(1)) }

// place is a place in a list of n items.
func (r *cacheReader) place(n int) int {
	i := int(r.upTo(uint64(max(n, 1) - 1)))
	r.check(n > 0)
	return i
}

func (r *cacheReader) deviceAt() (id DeviceID) {
	if i := r.place(len(r.devices)); !r.failed {
		id = r.devices[i]
	}
	return id
}

func (r *cacheReader) memberAt() (id MemberID) {
	if i := r.place(len(r.members)); !r.failed {
		id = r.members[i]
	}
	return id
}

// ascending reads a list of ids of so many bytes.
func ascending[K any](r *cacheReader, size int, read func(*cacheReader) K, compare func(a, b K) int) []K {
	var list []K
	for range r.count(size) {
		id := read(r)
		if r.check(len(list) == 0 || compare(list[len(list)-1], id) < 0); r.failed {
			return nil
		}
		list = append(list, id)
	}
	return list
}

func (r *cacheReader) member(id MemberID) *Member {
	m := &Member{ID: id, Role: Role(r.upTo(math.MaxUint8)), Name: r.hash(), Email: r.hash()}
	r.check(m.Role >= RoleOfficer && m.Role <= RoleGuest)
	m.UserKeys = make([]UserKey, r.some(pubkey.KEMSize))
	for i := range m.UserKeys {
		k := UserKey{Generation: uint64(i) + 1, Public: r.fixed(pubkey.KEMSize), Commitment: r.hash()}
		if i > 0 {
			k.Previous, k.Author = r.fixed(sealedKeySize), r.deviceAt()
		}
		k.Sequence = r.number()
		m.UserKeys[i] = k
	}
	m.KeyClosed = r.flag()
	m.Devices = make([]DeviceID, r.some(1))
	for i := range m.Devices {
		m.Devices[i] = r.deviceAt()
	}
	m.AddedBy, m.Added, m.Expires = r.deviceAt(), r.number(), r.number()
	if m.Removed = r.flag(); m.Removed {
		m.RemovedAt = r.number()
	}
	m.Enrolments = r.enrolments(len(m.UserKeys))
	return m
}

func (r *cacheReader) record() DeviceRecord {
	return DeviceRecord{
		Kind: DeviceKind(r.upTo(math.MaxUint8)), Encryption: r.fixed(pubkey.KEMSize),
		Signing: r.fixed(pubkey.SigningSize), SignIn: r.fixed(pubkey.SigningSize), Label: r.hash(),
	}
}

func (r *cacheReader) device(id DeviceID) *Device {
	d := &Device{ID: id, Member: r.memberAt(), Record: r.record()}
	d.AddedBy, d.Added, d.AtKey = r.deviceAt(), r.number(), r.number()
	if d.Removed = r.flag(); d.Removed {
		d.RemovedAt = r.number()
	}
	return d
}

func (r *cacheReader) resource(id ResourceID) *Resource {
	res := &Resource{ID: id, Kind: KeyKind(r.upTo(math.MaxUint8))}
	r.check(res.Kind >= wire.KindField && res.Kind <= wire.KindDirectory)
	for _, part := range []*string{&r.binding.Connector, &r.binding.Account, &r.binding.Kind, &r.binding.ID} {
		if b := r.bytes(); string(b) != *part {
			*part = string(b)
		}
	}
	res.Binding = r.binding
	res.Label, res.Created, res.Ended = r.hash(), r.number(), r.flag()
	res.Epochs = r.epochs(res.Kind == wire.KindFolder)
	res.Grants = make([]GrantState, r.count(7))
	for i := range res.Grants {
		res.Grants[i] = r.grant()
		r.check(i == 0 || comparePrincipal(res.Grants[i-1].Principal, res.Grants[i].Principal) < 0)
	}
	return res
}

func (r *cacheReader) policy() Policy {
	role := func() Role { return Role(r.upTo(uint64(RoleGuest))) }
	p := Policy{Fields: role(), Folders: role(), Groups: role(), Guests: role(), Officers: r.number(), Recovery: r.number(), Names: r.number()}
	r.check(p.valid())
	return p
}

func (r *cacheReader) group(id GroupID) *Group {
	g := &Group{ID: id, Label: r.hash(), Created: r.number(), Epochs: r.epochs(true)}
	g.Members = make([]GroupMember, r.count(6))
	for i := range g.Members {
		x := GroupMember{Member: r.memberAt(), Rights: r.rights(), Since: r.number(), Sequence: r.number(), Senders: r.sendersOf(), Helpers: r.sendersOf()}
		r.check(x.Rights != Read|Write && x.Rights != allRights)
		r.check(i == 0 || g.Members[i-1].Member.Compare(x.Member) < 0)
		g.Members[i] = x
	}
	return g
}

func (r *cacheReader) epochs(public bool) []Epoch {
	list := make([]Epoch, r.some(len(Hash{})))
	for i := range list {
		e := Epoch{Number: uint64(i) + 1, Commitment: r.hash()}
		if public {
			e.Public = r.fixed(pubkey.KEMSize)
		}
		if i > 0 {
			e.Previous, e.From = r.fixed(sealedKeySize), r.upTo(uint64(i))
			r.check(e.From > 0)
		}
		e.Author, e.Sequence = r.deviceAt(), r.number()
		if e.Closed = r.flag(); e.Closed {
			e.ClosedAt = r.number()
		}
		list[i] = e
	}
	return list
}

func (r *cacheReader) grant() GrantState {
	g := GrantState{Principal: Principal{Kind: PrincipalKind(r.upTo(uint64(PrincipalGroup)))}}
	if g.Principal.Kind == PrincipalGroup {
		if i := r.place(len(r.groups)); !r.failed {
			g.Principal.ID = r.groups[i][:]
		}
	} else {
		r.check(g.Principal.Kind == PrincipalMember)
		if i := r.place(len(r.members)); !r.failed {
			g.Principal.ID = r.members[i][:]
		}
	}
	g.Rights, g.Since, g.Sequence, g.Senders, g.Helpers = r.rights(), r.number(), r.number(), r.sendersOf(), r.sendersOf()
	return g
}

func (r *cacheReader) rights() Rights {
	rights := Rights(r.upTo(uint64(allRights)))
	r.check(rights.valid())
	return rights
}

func (r *cacheReader) sendersOf() (list []Sender) {
	if n := r.count(2); n > 0 {
		if n > len(r.senders) {
			r.senders = make([]Sender, max(n, 1024))
		}
		list, r.senders = r.senders[:n:n], r.senders[n:]
	}
	for i := range list {
		list[i] = Sender{Device: r.deviceAt(), Epoch: r.number()}
	}
	return list
}

func (r *cacheReader) openings() []SealedOpening {
	list := make([]SealedOpening, r.some(len(ResourceID{})))
	for i := range list {
		list[i] = SealedOpening{Resource: ResourceID(r.fixed(len(ResourceID{}))), Epoch: r.number(), Sealed: r.bytes()}
	}
	return list
}
