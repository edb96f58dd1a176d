package officer

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// cacheLayout changes whenever the layout does, or what replay makes of the
// same log; a cache of another layout is thrown away and the log is verified
// from genesis.
const cacheLayout = "underseal state cache 11\n"

// EncodeCache writes the verified state, for [DecodeCache]; equal states give
// equal bytes. It is not self-protecting: the caller keeps it under a MAC of
// its own device and never in the store.
//
// The layout is private to this package. It is not CBOR, because a large
// firm's state is read at every start: fields of fixed length one after the
// other, numbers as varints, lists as a count and items in ascending order of
// their ids, members and devices named by their places in the lists of them.
// What follows from the rest is left out.
func (s *State) EncodeCache() []byte {
	guess := 1500*(len(s.members)+len(s.devices)) + 300*len(s.resources) + 200*len(s.openings) // growing would copy it often
	w := cacheWriter{
		b: make([]byte, 0, guess), members: map[MemberID]uint64{}, devices: map[DeviceID]uint64{}, groups: map[GroupID]uint64{},
	}
	w.fixed([]byte(cacheLayout))
	w.fixed(s.org[:])
	w.number(s.head.Length)
	w.fixed(s.head.Hash[:])
	w.number(uint64(s.headTime.Unix()))
	w.number(s.applied)
	w.fixed(s.name[:])

	members := ordered(s.members, MemberID.Compare)
	w.count(len(members))
	for i, id := range members {
		w.members[id] = uint64(i)
		w.fixed(id[:])
	}
	devices := ordered(s.devices, compareDevices)
	w.count(len(devices))
	for i, id := range devices {
		w.devices[id] = uint64(i)
		w.fixed(id[:])
	}
	groups := ordered(s.groups, compareIDs)
	w.count(len(groups))
	for i, id := range groups {
		w.groups[id] = uint64(i)
		w.fixed(id[:])
	}
	for _, id := range members {
		w.member(s.members[id])
	}
	for _, id := range devices {
		w.device(s.devices[id])
	}
	for _, id := range groups {
		w.group(s.groups[id])
	}
	w.count(len(s.resources))
	for _, id := range ordered(s.resources, compareIDs) {
		w.fixed(id[:])
		w.resource(s.resources[id])
	}
	w.count(len(s.requests))
	for _, id := range ordered(s.requests, compareDevices) {
		w.fixed(id[:])
		w.request(s.requests[id])
	}
	w.policy(s.policy)
	w.flag(s.hasDir)
	if s.hasDir {
		w.fixed(s.directory[:])
	}
	w.count(len(s.openings))
	for _, h := range ordered(s.openings, compareHashes) {
		w.fixed(h[:])
		w.openings(s.openings[h])
	}
	w.count(len(s.taken.invites))
	for _, h := range ordered(s.taken.invites, compareHashes) {
		w.fixed(h[:])
	}
	return w.b
}

func compareDevices(a, b DeviceID) int   { return bytes.Compare(a[:], b[:]) }
func compareHashes(a, b Hash) int        { return bytes.Compare(a[:], b[:]) }
func compareIDs[K ~[16]byte](a, b K) int { return bytes.Compare(a[:], b[:]) }

func ordered[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}

// DecodeCache reads what EncodeCache wrote and keeps parts of b, which the
// caller does not change afterwards. The caller has checked its MAC: only the
// form is checked here, so that no later use of the state fails. An error
// means: verify from genesis.
func DecodeCache(b []byte) (*State, error) {
	if !bytes.HasPrefix(b, []byte(cacheLayout)) {
		return nil, fmt.Errorf("%w: another layout", ErrCache)
	}
	r := cacheReader{b: b[len(cacheLayout):]}
	s := &State{org: OrganizationID(r.hash())}
	s.head = Head{Length: r.number(), Hash: r.hash()}
	s.headTime = time.Unix(int64(r.upTo(maxTime)), 0).UTC()
	s.applied = r.number()
	s.name = r.hash()

	r.members = ascending(&r, len(MemberID{}), (*cacheReader).memberID, MemberID.Compare)
	r.devices = ascending(&r, len(DeviceID{}), (*cacheReader).deviceID, compareDevices)
	r.groups = ascending(&r, len(GroupID{}), (*cacheReader).groupID, compareIDs)
	s.members = make(map[MemberID]*Member, len(r.members))
	for _, id := range r.members {
		s.members[id] = r.member(id)
	}
	s.devices = make(map[DeviceID]*Device, len(r.devices))
	for _, id := range r.devices {
		s.devices[id] = r.device(id)
	}
	s.groups = make(map[GroupID]*Group, len(r.groups))
	for _, id := range r.groups {
		s.groups[id] = r.group(id)
	}
	n := r.count(len(ResourceID{}))
	s.resources = make(map[ResourceID]*Resource, n)
	for prev := (ResourceID{}); n > 0; n-- {
		id := ResourceID(r.fixed(len(prev)))
		r.check(len(s.resources) == 0 || compareIDs(prev, id) < 0)
		s.resources[id], prev = r.resource(id), id
	}
	s.requests = map[DeviceID]*RecoveryRequest{}
	for prev, n := (DeviceID{}), r.count(len(DeviceID{})); n > 0; n-- {
		id := r.deviceID()
		r.check(len(s.requests) == 0 || compareDevices(prev, id) < 0)
		s.requests[id], prev = r.request(id, s), id
	}
	s.policy = r.policy()
	if s.hasDir = r.flag(); s.hasDir {
		s.directory = ResourceID(r.fixed(len(s.directory)))
		r.check(s.resources[s.directory] != nil)
	}
	n = r.count(len(Hash{}))
	s.openings = make(map[Hash][]SealedOpening, n)
	for prev := (Hash{}); n > 0; n-- {
		h := r.hash()
		r.check(len(s.openings) == 0 || compareHashes(prev, h) < 0)
		s.openings[h], prev = r.openings(), h
	}
	invites := ascending(&r, len(Hash{}), (*cacheReader).hash, compareHashes)
	r.check(len(r.b) == 0)
	if r.failed {
		return nil, ErrCache
	}
	s.taken.invites = make(map[Hash]struct{}, len(invites))
	for _, h := range invites {
		s.taken.invites[h] = struct{}{}
	}
	return s, nil
}

// named is what the log must have named for this state to come about. A cache
// leaves it out, but for invitations, and it is found when the first entry
// is applied: most commands apply none.
func (s *State) named() taken {
	keys := len(s.resources) + 3*len(s.devices) + 2*len(s.members)
	t := taken{
		keyIDs:   make(map[[8]byte]struct{}, keys),
		texts:    make(map[Hash]struct{}, 1+2*len(s.members)+len(s.devices)+len(s.resources)),
		bindings: make(map[Binding]struct{}, len(s.resources)),
		invites:  maps.Clone(s.taken.invites),
	}
	key := func(h Hash) { t.keyIDs[[8]byte(h[:8])] = struct{}{} }
	public := func(k []byte) { key(pubkey.Hash(k)) }
	t.texts[s.name] = struct{}{}
	for _, m := range s.members {
		t.texts[m.Name], t.texts[m.Email] = struct{}{}, struct{}{}
		for _, k := range m.UserKeys {
			key(k.Commitment)
			public(k.Public)
		}
		for _, e := range m.Enrolments {
			key(e.Commitment)
			for _, x := range e.Shares {
				key(x.Commitment)
			}
		}
	}
	device := func(d DeviceRecord) {
		t.texts[d.Label] = struct{}{}
		public(d.Encryption)
		public(d.Signing)
		public(d.SignIn)
	}
	for _, d := range s.devices {
		device(d.Record)
	}
	for _, r := range s.requests {
		t.texts[r.Reason] = struct{}{}
		device(r.Record)
	}
	for _, g := range s.groups {
		t.texts[g.Label] = struct{}{}
		for _, e := range g.Epochs {
			key(e.Commitment)
			public(e.Public)
		}
	}
	for _, r := range s.resources {
		t.texts[r.Label] = struct{}{}
		if r.Binding.ID != "" && !r.Ended {
			t.bindings[r.Binding] = struct{}{}
		}
		for _, e := range r.Epochs {
			key(e.Commitment)
			if r.Kind == wire.KindFolder {
				public(e.Public)
			}
		}
	}
	return t
}
