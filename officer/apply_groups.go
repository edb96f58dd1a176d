package officer

import (
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// group returns a group that this transaction may change.
func (tx *transaction) group(id GroupID) (*Group, error) {
	g := tx.s.changeGroup(id)
	if g == nil || g.Ended() {
		return nil, fmt.Errorf("group: %w", ErrUnknown)
	}
	return g, nil
}

// present returns somebody who belongs.
func (tx *transaction) present(id MemberID) (*Member, error) {
	m := tx.s.members[id]
	if m == nil || m.Removed {
		return nil, fmt.Errorf("member: %w", ErrUnknown)
	}
	return m, nil
}

// groupRights accepts what a member may be in a group.
func groupRights(r Rights, m *Member) error {
	if r != Read && r != Read|Share {
		return ErrRights
	}
	if m.Role == RoleGuest && r.Has(Share) {
		return fmt.Errorf("%w: guest", ErrRights)
	}
	return nil
}

// claimID takes an id that neither a resource nor a group has.
func (tx *transaction) claimID(id [16]byte, what string) error {
	if tx.s.resources[id] != nil || tx.s.groups[id] != nil {
		return fmt.Errorf("%s: %w", what, ErrDuplicate)
	}
	return nil
}

func (tx *transaction) applyGroupCreated(o *GroupCreated) error {
	if tx.role > tx.s.policy.Groups {
		return ErrAuthority
	}
	if err := tx.claimID(o.Group, "group"); err != nil {
		return err
	}
	for i := 1; i < len(o.Members); i++ {
		if o.Members[i-1].Member.Compare(o.Members[i].Member) >= 0 {
			return fmt.Errorf("%w: order of members", ErrOperation)
		}
	}
	if len(o.Members) == 0 {
		return fmt.Errorf("%w: no members", ErrOperation)
	}
	g := &Group{
		ID: o.Group, Label: o.Label, Created: tx.sequence,
		Epochs: []Epoch{{Number: 1, Commitment: o.Commitment, Public: o.Public, Author: tx.author, Sequence: tx.sequence}},
	}
	for _, x := range o.Members {
		m, err := tx.present(x.Member)
		if err != nil {
			return err
		}
		if err := groupRights(x.Rights, m); err != nil {
			return err
		}
		if m.KeyClosed {
			return ErrClosed
		}
		g.Members = append(g.Members, GroupMember{Member: x.Member, Rights: x.Rights, Since: tx.sequence, Sequence: tx.sequence})
	}
	if !g.Manages(tx.member) { // who makes it knows the seed
		return fmt.Errorf("%w: to make a group that one does not manage", ErrAuthority)
	}
	if err := tx.checkEpochKey(wire.KindGroup, o.Commitment, o.Public); err != nil {
		return err
	}
	if err := tx.claimTexts(o.Label); err != nil {
		return err
	}
	put(tx.s, tx.s.groups, o.Group, g)
	return nil
}

func (tx *transaction) applyGroupMemberAdded(o *GroupMemberAdded) error {
	g, err := tx.group(o.Group)
	if err != nil {
		return err
	}
	i, found := g.find(o.Member)
	// To let a member of the group manage it hands out no key: where nobody
	// does, an officer needs none for it.
	restores := tx.officer() && g.Orphaned() && found && o.Rights == Read|Share
	if !restores && !g.Manages(tx.member) {
		return ErrAuthority
	}
	m, err := tx.present(o.Member)
	if err != nil {
		return err
	}
	if err := groupRights(o.Rights, m); err != nil {
		return err
	}
	if found && m.Role == RoleOfficer && !tx.officer() && !o.Rights.Has(g.Members[i].Rights) {
		return fmt.Errorf("%w: only officers lower an officer's rights", ErrAuthority)
	}
	if m.Role == RoleGuest && tx.s.ClosedToGuests(o.Group) {
		return fmt.Errorf("%w: guest", ErrRights)
	}
	if m.KeyClosed || g.Epoch().Closed && !restores {
		return ErrClosed
	}
	if !found {
		g.Members = slices.Insert(g.Members, i, GroupMember{Member: o.Member, Since: tx.sequence})
	}
	x := &g.Members[i]
	x.Rights, x.Sequence = o.Rights, tx.sequence
	if !restores {
		addSender(&x.Senders, tx.author, g.Epoch().Number)
	}
	if tx.touchedGroups == nil {
		tx.touchedGroups = map[GroupID]struct{}{}
	}
	tx.touchedGroups[o.Group] = struct{}{}
	return nil
}

// ClosedToGuests tells whether a group has what guests do not get: a right to
// share, or the directory.
func (s *State) ClosedToGuests(id GroupID) bool {
	for _, r := range s.resources {
		if rights := r.Rights(GroupPrincipal(id)); rights.Has(Share) || rights != 0 && r.Kind == wire.KindDirectory {
			return true
		}
	}
	return false
}

func addSender(list *[]Sender, device DeviceID, epoch uint64) {
	if s := (Sender{Device: device, Epoch: epoch}); !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

func (tx *transaction) applyGroupMemberRemoved(o *GroupMemberRemoved) error {
	g, err := tx.group(o.Group)
	if err != nil {
		return err
	}
	if !tx.officer() && !g.Manages(tx.member) {
		return ErrAuthority
	}
	if o.Member == tx.member {
		return fmt.Errorf("%w: nobody takes themself out: they would know the next key", ErrAuthority)
	}
	if m := tx.s.members[o.Member]; m != nil && m.Role == RoleOfficer && !tx.officer() {
		return fmt.Errorf("%w: only officers take an officer out", ErrAuthority)
	}
	i, found := g.find(o.Member)
	if !found {
		return fmt.Errorf("member of the group: %w", ErrUnknown)
	}
	if len(g.Members) == 1 {
		return fmt.Errorf("member of the group: %w", ErrLast)
	}
	g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
	tx.requireGroup(g)
	p := GroupPrincipal(o.Group)
	for id, r := range tx.s.resources {
		if r.Rights(p) != 0 {
			tx.require(id, r)
		}
	}
	return nil
}

func (tx *transaction) requireGroup(g *Group) {
	if tx.mustRotateGroup == nil {
		tx.mustRotateGroup = map[GroupID]uint64{}
	}
	tx.mustRotateGroup[g.ID] = g.Epoch().Number
}

func (tx *transaction) owesGroup(id GroupID) bool { _, ok := tx.mustRotateGroup[id]; return ok }

func (tx *transaction) applyGroupRotated(o *GroupRotated) error {
	g, err := tx.group(o.Group)
	if err != nil {
		return err
	}
	if !g.Manages(tx.member) && !(tx.officer() && g.Has(tx.member) && tx.owesGroup(o.Group)) {
		return ErrAuthority
	}
	next := Epoch{Number: o.Epoch, Commitment: o.Commitment, Public: o.Public, Previous: o.Previous, From: o.From}
	return tx.openEpoch(&g.Epochs, wire.KindGroup, next)
}

func (tx *transaction) applyGroupClosed(o *GroupClosed) error {
	g, err := tx.group(o.Group)
	if err != nil {
		return err
	}
	if !tx.officer() && !g.Manages(tx.member) && !tx.owesGroup(o.Group) {
		return ErrAuthority
	}
	return tx.closeEpoch(g.Epochs, o.Epoch)
}

func (tx *transaction) applyGroupResealed(o *GroupResealed) error {
	g, err := tx.group(o.Group)
	if err != nil {
		return err
	}
	if !g.Has(tx.member) {
		return ErrAuthority
	}
	if _, ok := g.EpochNumber(o.Epoch); !ok {
		return ErrEpoch
	}
	i, found := g.find(o.Member)
	if !found {
		return fmt.Errorf("member of the group: %w", ErrUnknown)
	}
	if tx.s.members[o.Member].KeyClosed {
		return ErrClosed
	}
	x := &g.Members[i]
	tx.announce(&x.Senders, &x.Helpers, g.Manages(tx.member), o.Epoch)
	return nil
}
