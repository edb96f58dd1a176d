package officer

import (
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// change returns a resource that this transaction may change.
func (tx *transaction) change(id ResourceID) (*Resource, error) {
	r := tx.s.changeResource(id)
	if r == nil {
		return nil, ErrUnknown
	}
	return r, nil
}

// ownConnector is the connector of bindings that are no place in an outside
// system: the directory's, and those of organization secrets.
const ownConnector = "underseal"

func (tx *transaction) applyKeyCreated(o *KeyCreated) error {
	s := tx.s
	switch o.Of {
	case wire.KindField:
		if tx.role > s.policy.Fields {
			return ErrAuthority
		}
	case wire.KindFolder:
		if tx.role > s.policy.Folders {
			return ErrAuthority
		}
	case wire.KindDirectory:
		if !tx.officer() {
			return ErrAuthority
		}
		if s.hasDir {
			return fmt.Errorf("directory: %w", ErrDuplicate)
		}
	default:
		return fmt.Errorf("%w: kind of key", ErrOperation)
	}
	if !o.Binding.valid() {
		return fmt.Errorf("%w: binding", ErrOperation)
	}
	// Whatever a policy lets members make: what programs of the organization act
	// upon is an officer's word, such as where they sign in.
	if o.Binding.Connector == ownConnector && !tx.officer() {
		return ErrAuthority
	}
	if err := tx.claimID(o.Resource, "resource"); err != nil {
		return err
	}
	if o.Binding.ID != "" {
		if err := take(s.taken.bindings, o.Binding, "binding"); err != nil {
			return err
		}
	}
	if err := tx.checkEpochKey(o.Of, o.Commitment, o.Public); err != nil {
		return err
	}
	if err := tx.claimTexts(o.Label); err != nil {
		return err
	}
	put(s, s.resources, o.Resource, &Resource{
		ID: o.Resource, Kind: o.Of, Binding: o.Binding, Label: o.Label, Created: tx.sequence,
		Epochs: []Epoch{{Number: 1, Commitment: o.Commitment, Public: o.Public, Author: tx.author, Sequence: tx.sequence}},
		Grants: []GrantState{{Principal: tx.self(), Rights: allRights, Since: tx.sequence, Sequence: tx.sequence}},
	})
	if o.Of == wire.KindDirectory {
		s.directory, s.hasDir = o.Resource, true
	}
	return nil
}

func (tx *transaction) checkEpochKey(kind KeyKind, commitment Hash, public []byte) error {
	if err := tx.claimKey(commitment); err != nil {
		return err
	}
	if kind == wire.KindFolder || kind == wire.KindGroup {
		return tx.claimKEM(public)
	}
	if len(public) != 0 {
		return fmt.Errorf("%w: public key of a key that has none", ErrOperation)
	}
	return nil
}

func (tx *transaction) applyKeyRotated(o *KeyRotated) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	// Who rotates knows the new key: sharers, and officers who read it anyway
	// and take somebody's access in this entry (attack 60).
	rights := tx.rights(r)
	if !rights.Has(Share) && !(tx.officer() && rights.Has(Read) && tx.owes(o.Resource)) {
		return ErrAuthority
	}
	if r.Ended {
		return ErrEnded
	}
	return tx.openEpoch(&r.Epochs, r.Kind, Epoch{Number: o.Epoch, Commitment: o.Commitment, Public: o.Public, Previous: o.Previous, From: o.From})
}

// openEpoch adds the next epoch to those of a resource or group.
func (tx *transaction) openEpoch(epochs *[]Epoch, kind KeyKind, next Epoch) error {
	cur := &(*epochs)[len(*epochs)-1]
	if next.Number != cur.Number+1 || cur.Sequence == tx.sequence {
		return ErrEpoch
	}
	if next.From >= cur.Number {
		return ErrEpoch
	}
	if next.From == 0 {
		next.From = cur.Number
	}
	if len(next.Previous) != sealedKeySize {
		return fmt.Errorf("%w: previous key", ErrOperation)
	}
	if err := tx.checkEpochKey(kind, next.Commitment, next.Public); err != nil {
		return err
	}
	cur.close(tx.sequence)
	next.Author, next.Sequence = tx.author, tx.sequence
	*epochs = append(*epochs, next)
	return nil
}

// closeEpoch closes the present epoch of a resource or group.
func (tx *transaction) closeEpoch(epochs []Epoch, number uint64) error {
	cur := &epochs[len(epochs)-1]
	if number != cur.Number || cur.Closed || cur.Sequence == tx.sequence {
		return ErrEpoch
	}
	cur.close(tx.sequence)
	return nil
}

func (e *Epoch) close(at uint64) {
	if !e.Closed {
		e.Closed, e.ClosedAt = true, at
	}
}

// rights are those of the author's member on a resource.
func (tx *transaction) rights(r *Resource) Rights { return tx.s.Rights(tx.member, r) }

// owes tells whether this entry already has to rotate the resource.
func (tx *transaction) owes(id ResourceID) bool {
	_, ok := tx.mustRotate[id]
	return ok
}

func (tx *transaction) applyKeyClosed(o *KeyClosed) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	// Closing hands out nothing, so whoever removes a device of their own may
	// close what it could reach and they cannot rotate.
	if !tx.officer() && !tx.rights(r).Has(Share) && !tx.owes(o.Resource) {
		return ErrAuthority
	}
	return tx.closeEpoch(r.Epochs, o.Epoch)
}

func (tx *transaction) applyGrant(o *Grant) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	to, err := tx.recipient(o.Principal)
	if err != nil {
		return err
	}
	own, held := tx.rights(r), r.Rights(o.Principal)
	// Share alone hands out no key: an officer needs none to give it back.
	restores := tx.officer() && r.Orphaned() && held != 0 && o.Rights == held|Share
	if !restores && !own.Has(Share) {
		return ErrAuthority
	}
	if !restores && (!o.Rights.valid() || !own.Has(o.Rights)) {
		return ErrRights
	}
	if to.officer && !tx.officer() && !o.Rights.Has(held) {
		return fmt.Errorf("%w: only officers lower an officer's rights", ErrAuthority)
	}
	if (o.Rights.Has(Share) || r.Kind == wire.KindDirectory) && to.guest() {
		return fmt.Errorf("%w: guest", ErrRights)
	}
	if r.Ended {
		return ErrEnded
	}
	if to.closed || r.Epoch().Closed && !restores {
		return ErrClosed
	}
	tx.touch(o.Resource)
	i, found := r.find(o.Principal)
	if !found {
		r.Grants = slices.Insert(r.Grants, i, GrantState{Principal: o.Principal, Since: tx.sequence})
	}
	g := &r.Grants[i]
	g.Rights, g.Sequence = o.Rights, tx.sequence
	if !restores {
		addSender(&g.Senders, tx.author, r.Epoch().Number)
	}
	return nil
}

// ownGrant says why nobody revokes a grant by which they have rights.
const ownGrant = "nobody takes rights from themself: they would know the next key"

// recipient is what the rules ask of a principal that is there.
type recipient struct {
	officer bool        // an officer: a group never is one, whoever is in it
	closed  bool        // nothing may be sealed to it
	guest   func() bool // it is a guest, or has one in it
}

func (tx *transaction) recipient(p Principal) (recipient, error) {
	if id, ok := p.Member(); ok {
		m, err := tx.present(id)
		if err != nil {
			return recipient{}, err
		}
		return recipient{
			officer: m.Role == RoleOfficer, closed: m.KeyClosed,
			guest: func() bool { return m.Role == RoleGuest },
		}, nil
	}
	id, ok := p.Group()
	if !ok {
		return recipient{}, fmt.Errorf("%w: principal", ErrOperation)
	}
	g := tx.s.groups[id]
	if g == nil || g.Ended() {
		return recipient{}, fmt.Errorf("group: %w", ErrUnknown)
	}
	return recipient{closed: g.Epoch().Closed, guest: func() bool {
		return slices.ContainsFunc(g.Members, func(x GroupMember) bool { return tx.s.members[x.Member].Role == RoleGuest })
	}}, nil
}

func (tx *transaction) applyRevoke(o *Revoke) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	from, err := tx.recipient(o.Principal)
	if err != nil {
		return err
	}
	if !tx.officer() && !tx.rights(r).Has(Share) {
		return ErrAuthority
	}
	if id, ok := o.Principal.Member(); ok && id == tx.member {
		return fmt.Errorf("%w: %s", ErrAuthority, ownGrant)
	}
	if from.officer && !tx.officer() {
		return fmt.Errorf("%w: only officers revoke an officer's grant", ErrAuthority)
	}
	i, found := r.find(o.Principal)
	if !found {
		return fmt.Errorf("grant: %w", ErrUnknown)
	}
	before := tx.rights(r)
	r.Grants = slices.Delete(slices.Clone(r.Grants), i, i+1)
	if tx.rights(r) != before { // of a group that the author is in
		return fmt.Errorf("%w: %s", ErrAuthority, ownGrant)
	}
	tx.require(o.Resource, r)
	return nil
}

func (tx *transaction) touch(id ResourceID) {
	if tx.touched == nil {
		tx.touched = map[ResourceID]struct{}{}
	}
	tx.touched[id] = struct{}{}
}

func (tx *transaction) applyDirectory(o *Directory) error {
	r := tx.s.resources[o.Resource]
	if r == nil {
		return ErrUnknown
	}
	if !tx.rights(r).Has(Read) {
		return ErrAuthority
	}
	if cur := r.Epoch(); o.Epoch != cur.Number || cur.Closed {
		return ErrEpoch
	}
	if len(o.Items) == 0 {
		return fmt.Errorf("%w: no items", ErrOperation)
	}
	for _, it := range o.Items {
		if len(it.Sealed) == 0 || len(it.Sealed) > 2*wire.MaxText {
			return fmt.Errorf("%w: sealed opening", ErrOperation)
		}
		if _, known := tx.s.taken.texts[it.Commitment]; !known {
			return fmt.Errorf("text: %w", ErrUnknown)
		}
		if r.Kind != wire.KindDirectory && r.Label != it.Commitment { // nobody would look for it there
			return fmt.Errorf("text of this resource: %w", ErrUnknown)
		}
		if err := tx.putOpening(r, it, o.Epoch); err != nil {
			return err
		}
	}
	return nil
}

// putOpening files an opening. A reader may add one where there is none; only
// a sharer may replace one, or a reader could make every name unreadable.
func (tx *transaction) putOpening(r *Resource, it DirectoryItem, epoch uint64) error {
	next := SealedOpening{Resource: r.ID, Epoch: epoch, Sealed: it.Sealed}
	list := tx.s.changeOpenings(it.Commitment)
	if i := slices.IndexFunc(list, func(o SealedOpening) bool { return o.Resource == r.ID }); i < 0 {
		list = append(list, next)
	} else if tx.rights(r).Has(Share) {
		list[i] = next
	} else {
		return ErrAuthority
	}
	tx.s.openings[it.Commitment] = list
	return nil
}

func (tx *transaction) applyKeyResealed(o *KeyResealed) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	to, err := tx.recipient(o.Principal)
	if err != nil {
		return err
	}
	rights := tx.rights(r)
	if !rights.Has(Read) { // who holds the key may hand it to who is granted it
		return ErrAuthority
	}
	if _, ok := r.EpochNumber(o.Epoch); !ok {
		return ErrEpoch
	}
	i, found := r.find(o.Principal)
	if !found {
		return fmt.Errorf("grant: %w", ErrUnknown)
	}
	if r.Ended {
		return ErrEnded
	}
	if to.closed {
		return ErrClosed
	}
	tx.announce(&r.Grants[i].Senders, &r.Grants[i].Helpers, rights.Has(Share), o.Epoch)
	return nil
}

// announce notes that the author sealed an epoch's key again. Of who neither
// shares nor manages, one device of a member is noted for each epoch: the last.
// A list is not longer than there are members and epochs, whoever fills it, and
// nobody's word makes room for another's.
func (tx *transaction) announce(senders, helpers *[]Sender, shares bool, epoch uint64) {
	if shares {
		addSender(senders, tx.author, epoch)
		return
	}
	list := *helpers
	for i, x := range list {
		if x.Epoch == epoch && tx.s.devices[x.Device].Member == tx.member {
			if x.Device != tx.author {
				list = slices.Clone(list)
				list[i].Device = tx.author
				*helpers = list
			}
			return
		}
	}
	*helpers = append(*helpers, Sender{Device: tx.author, Epoch: epoch})
}

func (tx *transaction) applyResourceEnded(o *ResourceEnded) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	if r.Kind == wire.KindDirectory { // without it nobody could be let in any more
		return fmt.Errorf("field or folder: %w", ErrUnknown)
	}
	if !tx.officer() && !tx.rights(r).Has(Share) {
		return ErrAuthority
	}
	if r.Ended {
		return ErrEnded
	}
	r.Ended = true
	r.Epochs[len(r.Epochs)-1].close(tx.sequence)
	if r.Binding.ID != "" {
		delete(tx.s.taken.bindings, r.Binding)
	}
	return nil
}
