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

func (tx *transaction) applyKeyCreated(o *KeyCreated) error {
	s := tx.s
	switch o.Of {
	case wire.KindField:
		if !tx.officer() { // default policy: the firm's fields are the officers' affair
			return ErrAuthority
		}
	case wire.KindFolder:
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
	if s.resources[o.Resource] != nil {
		return fmt.Errorf("resource: %w", ErrDuplicate)
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
		Grants: []GrantState{{Principal: tx.self(), Rights: allRights, Sequence: tx.sequence}},
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
	if kind == wire.KindFolder {
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
	rights := r.Rights(tx.self())
	if !rights.Has(Share) && !(tx.officer() && rights.Has(Read) && tx.owes(o.Resource)) {
		return ErrAuthority
	}
	if r.Ended {
		return ErrEnded
	}
	cur := r.Epoch()
	if o.Epoch != cur.Number+1 || cur.Sequence == tx.sequence {
		return ErrEpoch
	}
	if len(o.Previous) != sealedKeySize {
		return fmt.Errorf("%w: previous key", ErrOperation)
	}
	if err := tx.checkEpochKey(r.Kind, o.Commitment, o.Public); err != nil {
		return err
	}
	r.Epochs[len(r.Epochs)-1].Closed = true
	r.Epochs = append(r.Epochs, Epoch{
		Number: o.Epoch, Commitment: o.Commitment, Public: o.Public, Previous: o.Previous, Author: tx.author, Sequence: tx.sequence,
	})
	return nil
}

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
	if !tx.officer() && !r.Rights(tx.self()).Has(Share) && !tx.owes(o.Resource) {
		return ErrAuthority
	}
	if cur := r.Epoch(); o.Epoch != cur.Number || cur.Closed || cur.Sequence == tx.sequence {
		return ErrEpoch
	}
	r.Epochs[len(r.Epochs)-1].Closed = true
	return nil
}

func (tx *transaction) applyGrant(o *Grant) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	id, err := memberOf(o.Principal)
	if err != nil {
		return err
	}
	m := tx.s.members[id]
	if m == nil {
		return fmt.Errorf("member: %w", ErrUnknown)
	}
	own, held := r.Rights(tx.self()), r.Rights(o.Principal)
	// Share alone hands out no key: an officer needs none to give it back.
	restores := tx.officer() && r.Orphaned() && held != 0 && o.Rights == held|Share
	if !restores && !own.Has(Share) {
		return ErrAuthority
	}
	if !restores && (!o.Rights.valid() || !own.Has(o.Rights)) {
		return ErrRights
	}
	if m.Role == RoleOfficer && !tx.officer() && !o.Rights.Has(held) {
		return fmt.Errorf("%w: only officers lower an officer's rights", ErrAuthority)
	}
	if m.Role == RoleGuest && (o.Rights.Has(Share) || r.Kind == wire.KindDirectory) {
		return fmt.Errorf("%w: guest", ErrRights)
	}
	if r.Ended {
		return ErrEnded
	}
	if m.KeyClosed || r.Epoch().Closed && !restores {
		return ErrClosed
	}
	tx.touch(o.Resource)
	sender := Sender{Device: tx.author, Epoch: r.Epoch().Number}
	i, found := r.find(o.Principal)
	if !found {
		r.Grants = slices.Insert(r.Grants, i, GrantState{Principal: o.Principal})
	}
	g := &r.Grants[i]
	g.Rights, g.Sequence = o.Rights, tx.sequence
	if !restores && !slices.Contains(g.Senders, sender) {
		g.Senders = append(g.Senders, sender)
	}
	return nil
}

// memberOf accepts the principals that there are: members.
func memberOf(p Principal) (MemberID, error) {
	id, ok := p.Member()
	if !ok {
		return id, fmt.Errorf("%w: principal", ErrOperation)
	}
	return id, nil
}

func (tx *transaction) applyRevoke(o *Revoke) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	id, err := memberOf(o.Principal)
	if err != nil {
		return err
	}
	if !tx.officer() && !r.Rights(tx.self()).Has(Share) {
		return ErrAuthority
	}
	if id == tx.member {
		return fmt.Errorf("%w: nobody revokes their own grant: they would know the next key", ErrAuthority)
	}
	if m := tx.s.members[id]; m != nil && m.Role == RoleOfficer && !tx.officer() {
		return fmt.Errorf("%w: only officers revoke an officer's grant", ErrAuthority)
	}
	i, found := r.find(o.Principal)
	if !found {
		return fmt.Errorf("grant: %w", ErrUnknown)
	}
	r.Grants = slices.Delete(slices.Clone(r.Grants), i, i+1)
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
	if !r.Rights(tx.self()).Has(Read) {
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
	} else if r.Rights(tx.self()).Has(Share) {
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
	id, err := memberOf(o.Principal)
	if err != nil {
		return err
	}
	if !r.Rights(tx.self()).Has(Share) {
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
	if tx.s.members[id].KeyClosed {
		return ErrClosed
	}
	sender := Sender{Device: tx.author, Epoch: o.Epoch}
	if g := &r.Grants[i]; !slices.Contains(g.Senders, sender) {
		g.Senders = append(g.Senders, sender)
	}
	return nil
}

func (tx *transaction) applyResourceEnded(o *ResourceEnded) error {
	r, err := tx.change(o.Resource)
	if err != nil {
		return err
	}
	if r.Kind == wire.KindDirectory { // without it nobody could be let in any more
		return fmt.Errorf("field or folder: %w", ErrUnknown)
	}
	if !tx.officer() && !r.Rights(tx.self()).Has(Share) {
		return ErrAuthority
	}
	if r.Ended {
		return ErrEnded
	}
	r.Ended = true
	r.Epochs[len(r.Epochs)-1].Closed = true
	if r.Binding.ID != "" {
		delete(tx.s.taken.bindings, r.Binding)
	}
	return nil
}
