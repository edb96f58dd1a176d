package officer

import (
	"bytes"
	"maps"
	"slices"
	"sort"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// GroupPrincipal names a group.
func GroupPrincipal(id GroupID) Principal {
	return Principal{Kind: PrincipalGroup, ID: append([]byte(nil), id[:]...)}
}

// Group returns the group that the principal names.
func (p Principal) Group() (GroupID, bool) {
	if p.Kind != PrincipalGroup || len(p.ID) != len(GroupID{}) {
		return GroupID{}, false
	}
	return GroupID(p.ID), true
}

// Group is a named set of members with a key pair of its own. What is granted
// to it is sealed to its key, and its seed to each of its members.
type Group struct {
	ID      GroupID
	Label   Hash // commitment
	Created uint64
	Epochs  []Epoch
	Members []GroupMember // ordered by member; empty once the group has ended
}

// GroupMember is a member's place in a group.
type GroupMember struct {
	Member   MemberID
	Rights   Rights // Read: belongs; Read and Share: belongs and manages
	Since    uint64 // sequence of the entry since which the member belongs
	Sequence uint64 // of the entry that last changed it
	Senders  []Sender
	Helpers  []Sender // as of a grant: they did not manage the group
}

// Epoch is the present epoch.
func (g *Group) Epoch() Epoch { return g.Epochs[len(g.Epochs)-1] }

// EpochNumber returns the epoch with a number.
func (g *Group) EpochNumber(n uint64) (Epoch, bool) { return numbered(g.Epochs, n) }

// Context is what the seed of the group's epoch n belongs to.
func (g *Group) Context(org OrganizationID, n uint64) KeyContext {
	return KeyContext{Organization: org, Resource: append([]byte(nil), g.ID[:]...), Kind: wire.KindGroup, Epoch: n}
}

func (g *Group) find(m MemberID) (int, bool) {
	return slices.BinarySearchFunc(g.Members, m, func(x GroupMember, m MemberID) int { return x.Member.Compare(m) })
}

// Has tells whether a member is in the group.
func (g *Group) Has(m MemberID) bool { _, ok := g.find(m); return ok }

// Manages tells whether a member is in the group and may change who is.
func (g *Group) Manages(m MemberID) bool {
	i, ok := g.find(m)
	return ok && g.Members[i].Rights.Has(Share)
}

// Orphaned tells whether nobody manages the group: an officer removed whoever
// did. An officer may let one of its members manage it.
func (g *Group) Orphaned() bool {
	return !slices.ContainsFunc(g.Members, func(x GroupMember) bool { return x.Rights.Has(Share) })
}

// Ended tells whether the group has no members any more, and with them no
// grants: it ended when its last member was removed.
func (g *Group) Ended() bool { return len(g.Members) == 0 }

// Group returns a group, or nil.
func (s *State) Group(id GroupID) *Group { return s.groups[id] }

// Groups lists all groups in the order in which they were created, those that
// have ended too.
func (s *State) Groups() []*Group {
	out := slices.Collect(maps.Values(s.groups))
	sort.Slice(out, func(i, j int) bool {
		if out[i].Created != out[j].Created {
			return out[i].Created < out[j].Created
		}
		return bytes.Compare(out[i].ID[:], out[j].ID[:]) < 0
	})
	return out
}

// Rights returns a member's rights on a resource: those of the member's own
// grant and of the groups that the member is in, together.
func (s *State) Rights(m MemberID, r *Resource) Rights {
	rights := r.Rights(MemberPrincipal(m))
	for g := range r.groupGrants() {
		if group := s.groups[GroupID(g.Principal.ID)]; group != nil && group.Has(m) {
			rights |= g.Rights
		}
	}
	return rights
}

// groupGrants are the grants to groups, which stand behind those to members.
func (r *Resource) groupGrants() func(func(GrantState) bool) {
	return func(yield func(GrantState) bool) {
		for i := len(r.Grants) - 1; i >= 0 && r.Grants[i].Principal.Kind == PrincipalGroup; i-- {
			if !yield(r.Grants[i]) {
				return
			}
		}
	}
}

// Access is one way in which a member may read a resource.
type Access struct {
	Resource *Resource
	Through  *Group // or nil for a grant of the member's own
	Rights   Rights
	Since    uint64 // sequence of the entry since which this way is open
}

// Reach lists every way in which a member may read something, by resource in
// the order of [State.Resources], the member's own grant first.
func (s *State) Reach(m MemberID) []Access {
	var out []Access
	for _, r := range s.Resources() {
		out = append(out, s.accessOf(m, r)...)
	}
	return out
}

// Readers lists every way in which a resource is read, by member.
func (s *State) Readers(r *Resource) map[MemberID][]Access {
	out := map[MemberID][]Access{}
	note := func(m MemberID) {
		if _, done := out[m]; !done {
			out[m] = s.accessOf(m, r)
		}
	}
	for _, g := range r.Grants {
		if m, ok := g.Principal.Member(); ok {
			note(m)
		} else if group := s.groups[GroupID(g.Principal.ID)]; group != nil {
			for _, x := range group.Members {
				note(x.Member)
			}
		}
	}
	return out
}

func (s *State) accessOf(m MemberID, r *Resource) (out []Access) {
	if i, ok := r.find(MemberPrincipal(m)); ok {
		out = append(out, Access{Resource: r, Rights: r.Grants[i].Rights, Since: r.Grants[i].Since})
	}
	for g := range r.groupGrants() {
		group := s.groups[GroupID(g.Principal.ID)]
		if group == nil {
			continue
		}
		if i, ok := group.find(m); ok {
			out = append(out, Access{Resource: r, Through: group, Rights: g.Rights, Since: max(g.Since, group.Members[i].Since)})
		}
	}
	return out
}

// SealToGroup returns the public key to which keys for a group may be sealed
// now, and its hash (P2, attack 6).
func (s *State) SealToGroup(id GroupID) (public []byte, hash Hash, err error) {
	g := s.groups[id]
	switch {
	case g == nil || g.Ended():
		return nil, Hash{}, ErrUnknown
	case g.Epoch().Closed:
		return nil, Hash{}, ErrClosed
	}
	public = g.Epoch().Public
	return slices.Clone(public), pubkey.Hash(public), nil
}

// MayHoldGroup tells whether the log lets a member receive the seed of a
// group's epoch from a sender under the user key with a hash (P3): the member
// is in the group, the hash is that of one of the member's user keys, and the
// sender made the epoch, or let the member in or re-sealed the seed at it.
func (s *State) MayHoldGroup(id GroupID, epoch uint64, member MemberID, key Hash, sender DeviceID) error {
	g, m := s.groups[id], s.members[member]
	if g == nil || m == nil {
		return ErrUnknown
	}
	e, ok := g.EpochNumber(epoch)
	if !ok {
		return ErrEpoch
	}
	i, ok := g.find(member)
	if !ok {
		return ErrRights
	}
	if !m.hasUserKey(key) {
		return ErrKey
	}
	return maySend(e, sender, g.Members[i].Senders, g.Members[i].Helpers)
}

// MayHoldThrough tells whether the log lets a member receive a resource's
// epoch that was sealed to a group, under the group's key with a hash (P3).
func (s *State) MayHoldThrough(id GroupID, resource ResourceID, epoch uint64, member MemberID, key Hash, sender DeviceID) error {
	g, r := s.groups[id], s.resources[resource]
	if g == nil || r == nil {
		return ErrUnknown
	}
	e, ok := r.EpochNumber(epoch)
	if !ok {
		return ErrEpoch
	}
	i, ok := r.find(GroupPrincipal(id))
	if !ok || !g.Has(member) {
		return ErrRights
	}
	if !slices.ContainsFunc(g.Epochs, func(e Epoch) bool { return pubkey.Hash(e.Public) == key }) {
		return ErrKey
	}
	return maySend(e, sender, r.Grants[i].Senders, r.Grants[i].Helpers)
}

func (m *Member) hasUserKey(key Hash) bool {
	return slices.ContainsFunc(m.UserKeys, func(k UserKey) bool { return pubkey.Hash(k.Public) == key })
}

// maySend lets who made an epoch send its key, and who announced it.
func maySend(e Epoch, sender DeviceID, senders, helpers []Sender) error {
	s := Sender{Device: sender, Epoch: e.Number}
	if e.Author == sender || slices.Contains(senders, s) || slices.Contains(helpers, s) {
		return nil
	}
	return ErrAuthority
}

func numbered(epochs []Epoch, n uint64) (Epoch, bool) {
	if n == 0 || n > uint64(len(epochs)) {
		return Epoch{}, false
	}
	return epochs[n-1], true
}

func (s *State) changeGroup(id GroupID) *Group {
	return change(s, s.groups, id, func(g Group) Group {
		g.Epochs, g.Members = slices.Clone(g.Epochs), slices.Clone(g.Members)
		for i := range g.Members { // appending copies what another state holds
			g.Members[i].Senders = slices.Clip(g.Members[i].Senders)
			g.Members[i].Helpers = slices.Clip(g.Members[i].Helpers)
		}
		return g
	})
}
