package plan

import (
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/officer"
)

// Held gives the present keys that an author holds, or ErrNoKey where the store
// does not give one. A function that is not there holds nothing.
type Held struct {
	Resource func(*officer.Resource) (*Key, error)
	Group    func(*officer.Group) (*Key, error)
}

func (h Held) resource(r *officer.Resource) (*Key, error) {
	if h.Resource == nil {
		return nil, ErrNoKey
	}
	return h.Resource(r)
}

func (h Held) group(g *officer.Group) (*Key, error) {
	if h.Group == nil {
		return nil, ErrNoKey
	}
	return h.Group(g)
}

// renewal replaces keys that somebody is no longer to have, in one plan, for
// those who stay. It rotates what the author holds and may open, and closes the
// rest; groups come first, so that resources are sealed to their new keys.
type renewal struct {
	Author
	p       *Plan
	held    Held
	past    bool // past a missing key
	author  *officer.Member
	users   map[officer.MemberID][]byte // new user keys in the place of those in the log; nil: closed
	groups  map[officer.GroupID][]byte  // the same of groups
	without func(officer.Principal) bool
	left    func(officer.GroupID, officer.MemberID) bool // who is no longer in a group
	many    bool                                         // what is to be sealed waits for file
	sealings
}

func (a Author) renewal(p *Plan, held Held) *renewal {
	n := &renewal{
		Author: a, p: p, held: held, users: map[officer.MemberID][]byte{}, groups: map[officer.GroupID][]byte{},
		without: func(officer.Principal) bool { return false },
		left:    func(officer.GroupID, officer.MemberID) bool { return false },
	}
	if d := a.State.Device(a.Device.ID()); d != nil {
		n.author = a.State.Member(d.Member)
	}
	return n
}

// publicKey is the key to which keys for a principal may be sealed when the
// plan's operations are done.
func (n *renewal) publicKey(to officer.Principal) ([]byte, error) {
	var public []byte
	var replaced bool
	if m, ok := to.Member(); ok {
		public, replaced = n.users[m]
	} else if g, ok := to.Group(); ok {
		public, replaced = n.groups[g]
	}
	if replaced && public == nil {
		return nil, officer.ErrClosed
	}
	if replaced {
		return public, nil
	}
	public, _, err := n.Author.publicKey(to)
	return public, err
}

// keeps tells whether the author would hold what is sealed to a principal.
func (n *renewal) keeps(to officer.Principal) bool {
	if _, err := n.publicKey(to); err != nil || n.author == nil || n.without(to) {
		return false
	}
	if g, ok := to.Group(); ok {
		return n.State.Group(g).Has(n.author.ID) && !n.left(g, n.author.ID)
	}
	m, _ := to.Member()
	return m == n.author.ID
}

// sealAll seals a new key to principals, and notes those it cannot be sealed to.
func (n *renewal) sealAll(key *Key, to []officer.Principal) error {
	for _, p := range to {
		public, err := n.publicKey(p)
		if errors.Is(err, officer.ErrClosed) {
			n.p.Skipped = append(n.p.Skipped, p)
			continue
		} else if err != nil {
			return err
		}
		r, err := recipient(p, public)
		if err != nil {
			return err
		}
		n.list = append(n.list, sealing{key, r, public})
	}
	if n.many {
		return nil
	}
	return n.file(n.p, n.Device)
}

// spend is for a new key that only others will use, once it is sealed to them.
func (n *renewal) spend(key *Key) { n.spent = append(n.spent, key) }

// each replaces keys one after the other, and seals them together.
func (n *renewal) each(replace func() error) error {
	n.many = true
	defer n.forget()
	if err := replace(); err != nil {
		return err
	}
	return n.file(n.p, n.Device)
}

// remain are the principals of a resource who keep their grants.
func (n *renewal) remain(r *officer.Resource) (list []officer.Principal) {
	for _, g := range r.Grants {
		if !n.without(g.Principal) {
			list = append(list, g.Principal)
		}
	}
	return list
}

// rotate opens a resource's next epoch, for the author among others.
func (n *renewal) rotate(held *Key) (*Key, error) {
	r := n.State.Resource(officer.ResourceID(held.Context().Resource))
	switch {
	case r == nil:
		return nil, officer.ErrUnknown
	case r.Ended:
		return nil, officer.ErrEnded
	}
	at := held.Context().Epoch
	if e, ok := r.EpochNumber(at); !ok || held.Commitment() != e.Commitment || at != r.Epoch().Number && !n.past {
		return nil, ErrNoKey
	}
	if n.author != nil && n.State.Rights(n.author.ID, r) != 0 && !n.keepsOne(n.remain(r)) {
		return nil, fmt.Errorf("your own key: %w", officer.ErrClosed)
	}
	next, op, err := n.nextKey(held, r.Epoch().Number)
	if err != nil {
		return nil, err
	}
	n.p.Operations = append(n.p.Operations, op)
	return next, n.sealAll(next, n.remain(r))
}

func (n *renewal) keepsOne(list []officer.Principal) bool {
	for _, p := range list {
		if n.keeps(p) {
			return true
		}
	}
	return false
}

// reach replaces every key that a member can reach now.
func (n *renewal) reach(m officer.MemberID) error {
	return n.each(func() error {
		for _, g := range n.State.Groups() {
			if g.Has(m) && !n.without(officer.GroupPrincipal(g.ID)) {
				if err := n.renewGroup(g); err != nil {
					return err
				}
			}
		}
		for _, r := range n.State.Resources() {
			if n.State.Rights(m, r) != 0 {
				if err := n.renew(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// renew rotates a resource that the entry owes, or closes it.
func (n *renewal) renew(r *officer.Resource) error {
	if r.Ended {
		return nil
	}
	rights := n.State.Rights(n.author.ID, r)
	may := rights.Has(officer.Share) || n.author.Role == officer.RoleOfficer && rights.Has(officer.Read)
	// A new key that the author could not keep would be nobody's tomorrow.
	if may && n.keepsOne(n.remain(r)) && n.sharedOn(r) {
		key, err := n.held.resource(r)
		if err == nil {
			var next *Key
			if next, err = n.rotate(key); err == nil {
				n.spend(next)
				return nil
			}
		}
		if !errors.Is(err, ErrNoKey) {
			return fmt.Errorf("resource %s: %w", r.ID, err)
		}
	}
	closeResource(n.p, r)
	return nil
}

// sharedOn tells whether somebody who shares a resource gets its next key, or
// nobody shares it anyway. Where all who do are closed, those who missed the key
// could be sealed it by nobody: better the first of them opens the next epoch.
func (n *renewal) sharedOn(r *officer.Resource) bool {
	shared := false
	for _, g := range r.Grants {
		if !g.Rights.Has(officer.Share) || n.without(g.Principal) {
			continue
		}
		if _, err := n.publicKey(g.Principal); err == nil {
			return true
		}
		shared = true
	}
	return !shared
}

func closeResource(p *Plan, r *officer.Resource) {
	if e := r.Epoch(); !e.Closed {
		p.Operations = append(p.Operations, &officer.KeyClosed{Resource: r.ID, Epoch: e.Number})
	}
}

// publicKey is the key to which keys for a principal may be sealed now, as the
// log names it (P2), and its hash.
func (a Author) publicKey(to officer.Principal) ([]byte, officer.Hash, error) {
	if m, ok := to.Member(); ok {
		return a.State.SealTo(m, a.Now)
	}
	if g, ok := to.Group(); ok {
		return a.State.SealToGroup(g)
	}
	return nil, officer.Hash{}, officer.ErrUnknown
}

// sealTo files key for a principal, under the key that the log names (P2).
func (a Author) sealTo(p *Plan, key *Key, to officer.Principal) error {
	public, _, err := a.publicKey(to)
	if err != nil {
		return err
	}
	return a.seal(p, key, to, public)
}

func (a Author) seal(p *Plan, key *Key, to officer.Principal, public []byte) error {
	r, err := recipient(to, public)
	if err != nil {
		return err
	}
	b, err := envelope.Seal(key, r, public, a.Device)
	if err != nil {
		return err
	}
	p.Envelopes = append(p.Envelopes, Filed{Index: r.Index(), Envelope: b})
	return nil
}

// recipient names a principal with the public key that is sealed to.
func recipient(to officer.Principal, public []byte) (envelope.Recipient, error) {
	if m, ok := to.Member(); ok {
		return MemberRecipient(m, public), nil
	}
	if g, ok := to.Group(); ok {
		return GroupRecipient(g, public), nil
	}
	return envelope.Recipient{}, officer.ErrUnknown
}
