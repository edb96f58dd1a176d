package officer

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// State is what a verified log says. It is a value: it never changes, and is
// safe for concurrent use. Everything it returns is a copy or must not be
// changed.
type State struct {
	org       OrganizationID
	head      Head
	headTime  time.Time
	applied   uint64 // operations
	name      Hash
	members   map[MemberID]*Member
	devices   map[DeviceID]*Device
	resources map[ResourceID]*Resource
	groups    map[GroupID]*Group
	requests  map[DeviceID]*RecoveryRequest
	directory ResourceID
	hasDir    bool
	policy    Policy
	openings  map[Hash][]SealedOpening
	taken     taken
	blobs     Blobs // while it is being made
	// own are the members, devices, resources, groups and (by commitment) lists
	// of openings that this state shares with no other, so that they may be
	// changed while it is being made; nil in a state that somebody has seen.
	own map[any]struct{}
}

// taken is what the log has named and may not name again. All of it but
// invites follows from the rest of the state, see named.
type taken struct {
	keyIDs   map[[8]byte]struct{} // of commitments and public keys
	texts    map[Hash]struct{}    // commitments to texts
	bindings map[Binding]struct{} // of resources that have not ended
	invites  map[Hash]struct{}
}

// UserKey is one generation of a member's user key.
type UserKey struct {
	Generation uint64
	Public     []byte // X-Wing, 1216 bytes
	Commitment Hash
	Previous   []byte   // the previous seed under this one; empty in generation 1
	Author     DeviceID // who made it; zero in generation 1, which the card brings
	Sequence   uint64
}

// Member is a person in the organization.
type Member struct {
	ID        MemberID
	Role      Role
	Name      Hash // commitment
	Email     Hash // commitment
	UserKeys  []UserKey
	KeyClosed bool // the user key was reachable by a removed device: seal nothing to it
	Devices   []DeviceID
	AddedBy   DeviceID
	Added     uint64 // sequence of the entry
	Expires   uint64 // unix seconds, or 0
	Removed   bool   // no longer belongs: holds no rights, and every device is removed
	RemovedAt uint64 // sequence of the removal
	// Enrolments are the member's escrows by number; only the last can be one
	// that has not ended.
	Enrolments []Enrolment
}

// UserKey is the present generation.
func (m *Member) UserKey() UserKey { return m.UserKeys[len(m.UserKeys)-1] }

// Device is an installation of a member.
type Device struct {
	ID        DeviceID
	Member    MemberID
	Record    DeviceRecord
	AddedBy   DeviceID
	Added     uint64 // sequence of the entry
	AtKey     uint64 // the member's user-key generation when it was added
	Removed   bool
	RemovedAt uint64 // sequence of the removal
}

// Epoch is one generation of a resource's key.
type Epoch struct {
	Number     uint64 // from 1
	Commitment Hash
	Public     []byte   // folders: X-Wing key
	Previous   []byte   // an earlier key under this one; empty in epoch 1
	From       uint64   // the epoch of that key: the one before, unless its key was missing; 0 in epoch 1
	Author     DeviceID // who made it
	Sequence   uint64
	Closed     bool
	ClosedAt   uint64 // sequence of the entry that closed it, which may have opened the next
}

// GrantState is a principal's present rights on a resource.
type GrantState struct {
	Principal Principal
	Rights    Rights
	Since     uint64 // sequence of the entry since which the principal has a grant
	Sequence  uint64 // of the entry that last changed it
	Senders   []Sender
	// Helpers are devices of members who did not share the resource when they
	// announced an epoch, for each epoch one of a member. Their envelopes are
	// accepted like a sender's; their word is not taken for who holds a key.
	Helpers []Sender
}

// Sender is a device that announced an envelope of an epoch to a principal.
type Sender struct {
	Device DeviceID
	Epoch  uint64
}

// Resource is what a key protects.
type Resource struct {
	ID      ResourceID
	Kind    KeyKind
	Binding Binding
	Label   Hash // commitment
	Created uint64
	Epochs  []Epoch
	Grants  []GrantState // ordered by principal
	Ended   bool         // no longer in use: its present epoch stays closed, its binding is free
}

// Epoch is the present epoch.
func (r *Resource) Epoch() Epoch { return r.Epochs[len(r.Epochs)-1] }

// EpochNumber returns the epoch with a number.
func (r *Resource) EpochNumber(n uint64) (Epoch, bool) {
	return numbered(r.Epochs, n)
}

// Context is what a key of the resource's epoch n belongs to.
func (r *Resource) Context(org OrganizationID, n uint64) KeyContext {
	return KeyContext{Organization: org, Resource: append([]byte(nil), r.ID[:]...), Kind: r.Kind, Epoch: n}
}

func comparePrincipal(a, b Principal) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return bytes.Compare(a.ID, b.ID)
}

func (r *Resource) find(p Principal) (int, bool) {
	return slices.BinarySearchFunc(r.Grants, p, func(g GrantState, p Principal) int { return comparePrincipal(g.Principal, p) })
}

// Rights returns the rights of the principal's own grant, 0 for none. What a
// member may do, also through groups, is [State.Rights].
func (r *Resource) Rights(p Principal) Rights {
	if i, ok := r.find(p); ok {
		return r.Grants[i].Rights
	}
	return 0
}

// Orphaned tells whether nobody has share on the resource: an officer revoked
// it from whoever did. An officer may give it back to somebody who reads.
func (r *Resource) Orphaned() bool {
	return !slices.ContainsFunc(r.Grants, func(g GrantState) bool { return g.Rights.Has(Share) })
}

// SealedOpening is where the opening of a committed text rests.
type SealedOpening struct {
	Resource ResourceID
	Epoch    uint64
	Sealed   []byte
}

// Organization is the id.
func (s *State) Organization() OrganizationID { return s.org }

// Head names the last entry.
func (s *State) Head() Head { return s.head }

// HeadTime is the time that the last entry claims.
func (s *State) HeadTime() time.Time { return s.headTime }

// Operations is how many operations the log has, those that ride in blobs and
// those that stand for them among them.
func (s *State) Operations() uint64 { return s.applied }

// Name is the commitment to the organization's name.
func (s *State) Name() Hash { return s.name }

// Member returns a member, or nil.
func (s *State) Member(id MemberID) *Member { return s.members[id] }

// Members lists all members in the order in which they were added, those who
// were removed too.
func (s *State) Members() []*Member {
	out := make([]*Member, 0, len(s.members))
	for _, m := range s.members {
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Added != out[j].Added {
			return out[i].Added < out[j].Added
		}
		return out[i].ID.Compare(out[j].ID) < 0
	})
	return out
}

// Device returns a device, or nil.
func (s *State) Device(id DeviceID) *Device { return s.devices[id] }

// Resource returns a resource, or nil.
func (s *State) Resource(id ResourceID) *Resource { return s.resources[id] }

// Resources lists all resources in the order in which they were created.
func (s *State) Resources() []*Resource {
	out := make([]*Resource, 0, len(s.resources))
	for _, r := range s.resources {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Created != out[j].Created {
			return out[i].Created < out[j].Created
		}
		return bytes.Compare(out[i].ID[:], out[j].ID[:]) < 0
	})
	return out
}

// Directory returns the directory, or nil before it was made.
func (s *State) Directory() *Resource {
	if !s.hasDir {
		return nil
	}
	return s.Resource(s.directory)
}

// Openings tells where openings of a committed text rest, at most one for
// each resource.
func (s *State) Openings(commitment Hash) []SealedOpening {
	return slices.Clone(s.openings[commitment])
}

// SigningKey returns the key with which a device signs envelopes; removed
// devices keep theirs, for what they sent before.
func (s *State) SigningKey(id DeviceID) (ed25519.PublicKey, bool) {
	d := s.devices[id]
	if d == nil {
		return nil, false
	}
	return ed25519.PublicKey(d.Record.Signing), true
}

// SealTo returns the public key to which keys for a member may be sealed now,
// and its hash (P2). It refuses members whose user key is closed, and guests
// whose time is over.
func (s *State) SealTo(id MemberID, now time.Time) (public []byte, hash Hash, err error) {
	m := s.members[id]
	switch {
	case m == nil:
		return nil, Hash{}, ErrUnknown
	case m.KeyClosed, m.Expires != 0 && now.Unix() >= 0 && uint64(now.Unix()) >= m.Expires:
		return nil, Hash{}, ErrClosed
	}
	k := m.UserKey()
	return append([]byte(nil), k.Public...), pubkey.Hash(k.Public), nil
}

// MayHold tells whether the log lets a member receive a resource's epoch from
// a sender under the user key with a hash (P3): the member has a grant of their
// own, the hash is that of one of the member's user keys, and the sender made
// the epoch, or granted or re-sealed it to the member.
func (s *State) MayHold(id ResourceID, epoch uint64, member MemberID, key Hash, sender DeviceID) error {
	r, m := s.Resource(id), s.members[member]
	if r == nil || m == nil {
		return ErrUnknown
	}
	e, ok := r.EpochNumber(epoch)
	if !ok {
		return ErrEpoch
	}
	i, ok := r.find(MemberPrincipal(member))
	if !ok || !r.Grants[i].Rights.Has(Read) {
		return ErrRights
	}
	if !m.hasUserKey(key) {
		return ErrKey
	}
	return maySend(e, sender, r.Grants[i].Senders, r.Grants[i].Helpers)
}

// MayHoldUserKey tells whether the log lets a device receive a generation of a
// member's user key from a sender (P3): the device is the member's and not
// removed, and the sender made that generation, or added the device while it
// was the present one. The card's device made generation 1.
func (s *State) MayHoldUserKey(member MemberID, generation uint64, device, sender DeviceID) error {
	m, d := s.members[member], s.devices[device]
	if m == nil || d == nil || d.Member != member || d.Removed {
		return ErrUnknown
	}
	if generation == 0 || generation > uint64(len(m.UserKeys)) {
		return ErrEpoch
	}
	made := m.UserKeys[generation-1].Author
	if generation == 1 {
		made = m.Devices[0]
	}
	// The first device was added by who let the member in, who has no user key
	// of theirs to send.
	added := generation == d.AtKey && sender == d.AddedBy && slices.Contains(m.Devices, sender)
	if sender != made && !added {
		return ErrAuthority
	}
	return nil
}

// clone copies what holds members, devices, resources and groups; they themselves are
// copied when they are changed.
func (s *State) clone() *State {
	c := *s
	c.members, c.devices, c.resources = maps.Clone(s.members), maps.Clone(s.devices), maps.Clone(s.resources)
	c.groups, c.requests, c.openings = maps.Clone(s.groups), maps.Clone(s.requests), maps.Clone(s.openings)
	if s.taken.keyIDs == nil { // from a cache
		c.taken = s.named()
	} else {
		c.taken = taken{
			keyIDs: maps.Clone(s.taken.keyIDs), texts: maps.Clone(s.taken.texts),
			bindings: maps.Clone(s.taken.bindings), invites: maps.Clone(s.taken.invites),
		}
	}
	c.own = map[any]struct{}{}
	return &c
}

func newState() *State {
	return &State{
		members:   map[MemberID]*Member{},
		devices:   map[DeviceID]*Device{},
		resources: map[ResourceID]*Resource{},
		groups:    map[GroupID]*Group{},
		requests:  map[DeviceID]*RecoveryRequest{},
		openings:  map[Hash][]SealedOpening{},
		policy:    DefaultPolicy(),
		taken: taken{
			keyIDs: map[[8]byte]struct{}{}, texts: map[Hash]struct{}{},
			bindings: map[Binding]struct{}{}, invites: map[Hash]struct{}{},
		},
		own: map[any]struct{}{},
	}
}

// put adds v, which nobody else holds, to one of the state's maps.
func put[K comparable, V any](s *State, in map[K]*V, id K, v *V) {
	in[id] = v
	s.own[v] = struct{}{}
}

// change returns what one of the state's maps holds for id, copied first where
// another state holds it too; nil if there is nothing.
func change[K comparable, V any](s *State, in map[K]*V, id K, clone func(V) V) *V {
	v := in[id]
	if v == nil {
		return nil
	}
	if _, own := s.own[v]; !own {
		c := clone(*v)
		v = &c
		put(s, in, id, v)
	}
	return v
}

func (s *State) changeOpenings(commitment Hash) []SealedOpening {
	if _, own := s.own[commitment]; !own {
		s.openings[commitment] = slices.Clone(s.openings[commitment])
		s.own[commitment] = struct{}{}
	}
	return s.openings[commitment]
}

func (s *State) changeMember(id MemberID) *Member {
	return change(s, s.members, id, func(m Member) Member {
		m.UserKeys, m.Devices = slices.Clone(m.UserKeys), slices.Clone(m.Devices)
		m.Enrolments = slices.Clone(m.Enrolments)
		return m
	})
}

func (s *State) changeDevice(id DeviceID) *Device {
	return change(s, s.devices, id, func(d Device) Device { return d })
}

func (s *State) changeResource(id ResourceID) *Resource {
	return change(s, s.resources, id, func(r Resource) Resource {
		r.Epochs, r.Grants = slices.Clone(r.Epochs), slices.Clone(r.Grants)
		for i := range r.Grants { // appending copies what another state holds
			r.Grants[i].Senders = slices.Clip(r.Grants[i].Senders)
			r.Grants[i].Helpers = slices.Clip(r.Grants[i].Helpers)
		}
		return r
	})
}

// UserKeyContext is what a member's user key of a generation belongs to. The
// first is made before membership and has neither organization nor member.
func UserKeyContext(org OrganizationID, member MemberID, generation uint64) KeyContext {
	if generation == 1 {
		return KeyContext{Resource: make([]byte, len(member)), Kind: wire.KindUser, Epoch: 1}
	}
	return KeyContext{Organization: org, Resource: append([]byte(nil), member[:]...), Kind: wire.KindUser, Epoch: generation}
}
