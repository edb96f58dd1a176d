package plan

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// CreateGroup makes a group with its first epoch, seals its seed to the members
// and files the label under the directory. The author's member is to be among
// them and to manage it.
func (a Author) CreateGroup(label officer.Opening, members []officer.GroupMemberItem, directory *Key) (*Plan, *Key, error) {
	var id officer.GroupID
	_, _ = rand.Read(id[:])
	key, err := datakey.Generate(wire.KeyContext{Organization: a.State.Organization(), Resource: id[:], Kind: wire.KindGroup, Epoch: 1})
	if err != nil {
		return nil, nil, err
	}
	public, err := publicOf(key)
	if err != nil {
		return nil, nil, err
	}
	members = slices.SortedFunc(slices.Values(members), func(x, y officer.GroupMemberItem) int { return x.Member.Compare(y.Member) })
	p := &Plan{Operations: []officer.Operation{&officer.GroupCreated{
		Group: id, Commitment: key.Commitment(), Public: public, Label: label.Commitment(), Members: members,
	}}}
	for _, m := range members {
		if err := a.sealTo(p, key, officer.MemberPrincipal(m.Member)); err != nil {
			return nil, nil, err
		}
	}
	return p, key, p.AddOpenings(directory, label)
}

// AddToGroup lets a member into a group, whose present seed it seals to them:
// they read everything that the group is granted, with its history.
func (a Author) AddToGroup(seed *Key, m officer.MemberID, rights officer.Rights) (*Plan, error) {
	p := &Plan{Operations: []officer.Operation{&officer.GroupMemberAdded{
		Group: officer.GroupID(seed.Context().Resource), Member: m, Rights: rights,
	}}}
	return p, a.sealTo(p, seed, officer.MemberPrincipal(m))
}

// RestoreGroup lets a member of a group that nobody manages manage it, by an
// officer. It hands out no key and needs none.
func (a Author) RestoreGroup(id officer.GroupID, m officer.MemberID) (*Plan, error) {
	switch g := a.State.Group(id); {
	case g == nil || !g.Has(m):
		return nil, officer.ErrUnknown
	case !g.Orphaned():
		return nil, fmt.Errorf("%w: somebody manages it", officer.ErrAuthority)
	}
	return &Plan{Operations: []officer.Operation{
		&officer.GroupMemberAdded{Group: id, Member: m, Rights: officer.Read | officer.Share},
	}}, nil
}

// RemoveFromGroup takes a member out of a group: the group and what it is
// granted is rotated where the author may, and closed where not.
func (a Author) RemoveFromGroup(id officer.GroupID, m officer.MemberID, held Held) (*Plan, error) {
	g := a.State.Group(id)
	if g == nil || !g.Has(m) {
		return nil, officer.ErrUnknown
	}
	p := &Plan{Operations: []officer.Operation{&officer.GroupMemberRemoved{Group: id, Member: m}}}
	n := a.renewal(p, held)
	n.left = func(group officer.GroupID, member officer.MemberID) bool { return group == id && member == m }
	return p, n.each(func() error {
		if err := n.renewGroup(g); err != nil {
			return err
		}
		for _, r := range a.State.Resources() {
			if r.Rights(officer.GroupPrincipal(id)) != 0 {
				if err := n.renew(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// RotateGroup opens a group's next epoch for all who are in it, the author
// among them. Resources keep their epochs.
func (a Author) RotateGroup(held *Key) (*Plan, *Key, error) {
	return a.rotateGroup(held, false)
}

func (a Author) rotateGroup(held *Key, past bool) (*Plan, *Key, error) {
	p := &Plan{}
	n := a.renewal(p, Held{})
	n.past = past
	if n.author == nil || !n.keeps(officer.MemberPrincipal(n.author.ID)) {
		return nil, nil, fmt.Errorf("your own key: %w", officer.ErrClosed)
	}
	g := a.State.Group(officer.GroupID(held.Context().Resource))
	if g == nil {
		return nil, nil, officer.ErrUnknown
	}
	next, err := n.rotateGroup(g, held)
	return p, next, err
}

// RotateGroupPast is RotatePast for a group. held is the seed of an earlier
// epoch. What was sealed to the group in between opens only for those who hold
// its seeds, until somebody seals it again.
func (a Author) RotateGroupPast(held *Key) (*Plan, *Key, error) {
	return a.rotateGroup(held, true)
}

// ResealGroup seals the seed of a group's epoch once more to one of its
// members. The plan has no operation where the log lets the author send it
// already.
func (a Author) ResealGroup(seed *Key, m officer.MemberID) (*Plan, error) {
	public, hash, err := a.State.SealTo(m, a.Now)
	if err != nil {
		return nil, err
	}
	c := seed.Context()
	p, id := &Plan{}, officer.GroupID(c.Resource)
	if a.State.MayHoldGroup(id, c.Epoch, m, hash, a.Device.ID()) != nil {
		p.Operations = append(p.Operations, &officer.GroupResealed{Group: id, Epoch: c.Epoch, Member: m})
	}
	return p, a.seal(p, seed, officer.MemberPrincipal(m), public)
}

// renewGroup rotates a group that the entry owes, or closes it.
func (n *renewal) renewGroup(g *officer.Group) error {
	self := n.author.ID
	may := g.Manages(self) || n.author.Role == officer.RoleOfficer && g.Has(self)
	if may && !n.left(g.ID, self) && n.keeps(officer.MemberPrincipal(self)) && n.managedOn(g) {
		key, err := n.held.group(g)
		if err == nil {
			var next *Key
			if next, err = n.rotateGroup(g, key); err == nil {
				n.spend(next)
				return nil
			}
		}
		if !errors.Is(err, ErrNoKey) {
			return fmt.Errorf("group %s: %w", g.ID, err)
		}
	}
	n.groups[g.ID] = nil
	closeGroup(n.p, g)
	return nil
}

func closeGroup(p *Plan, g *officer.Group) {
	if e := g.Epoch(); !e.Closed {
		p.Operations = append(p.Operations, &officer.GroupClosed{Group: g.ID, Epoch: e.Number})
	}
}

// CloseGroup is Close for a group: whoever manages it opens the next epoch.
func (a Author) CloseGroup(id officer.GroupID) (*Plan, error) {
	g := a.State.Group(id)
	if g == nil || g.Ended() {
		return nil, officer.ErrUnknown
	}
	p := &Plan{}
	closeGroup(p, g)
	return p, nil
}

// managedOn is sharedOn for a group.
func (n *renewal) managedOn(g *officer.Group) bool {
	managed := false
	for _, x := range g.Members {
		if !x.Rights.Has(officer.Share) || n.left(g.ID, x.Member) {
			continue
		}
		if _, err := n.publicKey(officer.MemberPrincipal(x.Member)); err == nil {
			return true
		}
		managed = true
	}
	return !managed
}

func (n *renewal) rotateGroup(g *officer.Group, held *Key) (*Key, error) {
	c, present := held.Context(), g.Epoch().Number
	from := c.Epoch
	if e, ok := g.EpochNumber(from); !ok || held.Commitment() != e.Commitment || from != present && !n.past {
		return nil, ErrNoKey
	}
	c.Epoch = present + 1
	next, err := datakey.Generate(c)
	if err != nil {
		return nil, err
	}
	prev, err := next.SealPrevious(held)
	if err != nil {
		return nil, err
	}
	public, err := publicOf(next)
	if err != nil {
		return nil, err
	}
	op := &officer.GroupRotated{Group: g.ID, Epoch: c.Epoch, Commitment: next.Commitment(), Previous: prev, Public: public}
	if from != present {
		op.From = from
	}
	n.p.Operations = append(n.p.Operations, op)
	n.groups[g.ID] = public
	var to []officer.Principal
	for _, x := range g.Members {
		if !n.left(g.ID, x.Member) {
			to = append(to, officer.MemberPrincipal(x.Member))
		}
	}
	return next, n.sealAll(next, to)
}
