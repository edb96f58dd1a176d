package officer

import (
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/pubkey"
)

// transaction is the application of one entry. Each operation sees what those
// before it did; roles do not change, and what an entry owes has to come after
// the operation that owes it.
type transaction struct {
	s        *State
	author   DeviceID
	member   MemberID         // the author's
	role     Role             // the author's, 0 in genesis
	request  *RecoveryRequest // of an author who belongs to nobody until it takes over
	sequence uint64

	mustRotate      map[ResourceID]uint64   // what has to be rotated or closed, with the epoch that may not stay open
	touched         map[ResourceID]struct{} // whose sharers are counted at the end
	mustRotateGroup map[GroupID]uint64      // the same of groups
	touchedGroups   map[GroupID]struct{}    // whose managers are counted at the end
	blobs           int                     // of the entry so far
	mustOfficers    bool                    // whether the officers are counted at the end
	mustUserKey     bool                    // a device of one's own is removed: a new user key is due
}

// authority is the table role × operation of spec/log.md; what depends on a
// resource's rights is checked with the operation.
func authority(role Role, op OpKind) bool {
	switch op {
	case OpGenesis:
		return role == 0 // the first entry has no author who belongs
	case OpMemberRemoved, OpRoleChanged, OpPolicy, OpRecoveryRequested, OpRecoveryApproved:
		return role == RoleOfficer
	case OpMemberAdded, OpKeyCreated, OpKeyRotated, OpGrant, OpRevoke, OpDirectory, OpKeyResealed, OpResourceEnded,
		OpGroupCreated, OpGroupMemberAdded, OpGroupMemberRemoved, OpGroupRotated, OpGroupResealed, OpInvitationWithdrawn:
		return role == RoleOfficer || role == RoleMember
	case OpDeviceAdded, OpDeviceRemoved, OpUserKey, OpKeyClosed, OpGroupClosed, OpBlob,
		OpRecoveryEnrolled, OpRecoveryEnded, OpRecoveryFinished:
		return role != 0 // of their own; officers may remove others' devices; guests close what a removal of theirs requires
	default:
		return false
	}
}

func (tx *transaction) apply(op Operation) error {
	if !authority(tx.role, op.Kind()) || (tx.request != nil) != (op.Kind() == OpRecoveryFinished) {
		return ErrAuthority
	}
	tx.s.applied++
	switch o := op.(type) {
	case *Genesis:
		return tx.applyGenesis(o)
	case *MemberAdded:
		return tx.applyMemberAdded(o)
	case *DeviceAdded:
		return tx.applyDeviceAdded(o)
	case *DeviceRemoved:
		return tx.applyDeviceRemoved(o)
	case *UserKeyRotated:
		return tx.applyUserKey(o)
	case *KeyCreated:
		return tx.applyKeyCreated(o)
	case *KeyRotated:
		return tx.applyKeyRotated(o)
	case *KeyClosed:
		return tx.applyKeyClosed(o)
	case *Grant:
		return tx.applyGrant(o)
	case *Revoke:
		return tx.applyRevoke(o)
	case *Directory:
		return tx.applyDirectory(o)
	case *KeyResealed:
		return tx.applyKeyResealed(o)
	case *ResourceEnded:
		return tx.applyResourceEnded(o)
	case *MemberRemoved:
		return tx.applyMemberRemoved(o)
	case *RoleChanged:
		return tx.applyRoleChanged(o)
	case *Policy:
		return tx.applyPolicy(o)
	case *InvitationWithdrawn:
		return tx.applyInvitationWithdrawn(o)
	case *OperationsBlob:
		return tx.applyBlob(o)
	case *GroupCreated:
		return tx.applyGroupCreated(o)
	case *GroupMemberAdded:
		return tx.applyGroupMemberAdded(o)
	case *GroupMemberRemoved:
		return tx.applyGroupMemberRemoved(o)
	case *GroupRotated:
		return tx.applyGroupRotated(o)
	case *GroupClosed:
		return tx.applyGroupClosed(o)
	case *GroupResealed:
		return tx.applyGroupResealed(o)
	case *RecoveryEnrolled:
		return tx.applyRecoveryEnrolled(o)
	case *RecoveryEnded:
		return tx.applyRecoveryEnded(o)
	case *RecoveryRequested:
		return tx.applyRecoveryRequested(o)
	case *RecoveryApproved:
		return tx.applyRecoveryApproved(o)
	case *RecoveryFinished:
		return tx.applyRecoveryFinished(o)
	default:
		return ErrUnknownOp
	}
}

// officer tells whether the author is an officer.
func (tx *transaction) officer() bool { return tx.role == RoleOfficer }

func (tx *transaction) self() Principal { return MemberPrincipal(tx.member) }

// take notes what may be named once.
func take[K comparable](taken map[K]struct{}, k K, what string) error {
	if _, dup := taken[k]; dup {
		return fmt.Errorf("%s: %w", what, ErrDuplicate)
	}
	taken[k] = struct{}{}
	return nil
}

// claimKey registers a commitment; a key id is never used twice (P5).
func (tx *transaction) claimKey(c Hash) error {
	return take(tx.s.taken.keyIDs, [8]byte(c[:8]), "key id")
}

// claimTexts registers commitments to texts. Each stands for one thing: a card
// or a folder that copies a commitment would be shown under somebody else's
// name, by an opening that its maker need not even know.
func (tx *transaction) claimTexts(commitments ...Hash) error {
	for _, c := range commitments {
		if err := take(tx.s.taken.texts, c, "text"); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) addMember(c *Card, role Role, expires uint64) error {
	s := tx.s
	if s.members[c.ID()] != nil || s.devices[c.Device().ID()] != nil {
		return fmt.Errorf("card: %w", ErrDuplicate)
	}
	if err := tx.claimKey(c.UserKeyCommitment()); err != nil {
		return err
	}
	if err := tx.claimPublic(c.UserKey()); err != nil {
		return err
	}
	id, dev := c.ID(), c.Device().ID()
	put(s, s.members, id, &Member{
		ID: id, Role: role, Name: c.Name(), Email: c.Email(),
		UserKeys: []UserKey{{Generation: 1, Public: c.UserKey(), Commitment: c.UserKeyCommitment(), Sequence: tx.sequence}},
		Devices:  []DeviceID{dev}, AddedBy: tx.author, Added: tx.sequence, Expires: expires,
	})
	put(s, s.devices, dev, &Device{ID: dev, Member: id, Record: c.Device(), AddedBy: tx.author, Added: tx.sequence, AtKey: 1})
	if err := tx.claimTexts(c.Name(), c.Email()); err != nil {
		return err
	}
	return tx.claimDevice(c.Device())
}

func (tx *transaction) applyGenesis(g *Genesis) error {
	c, err := ParseCard(g.Card)
	if err != nil {
		return err
	}
	tx.s.name = g.Name
	if err := tx.claimTexts(g.Name); err != nil {
		return err
	}
	return tx.addMember(c, RoleOfficer, 0)
}

func (tx *transaction) applyMemberAdded(o *MemberAdded) error {
	if err := checkRole(o.Role, o.Expires); err != nil {
		return err
	}
	if !tx.s.policy.LetsIn(tx.role, o.Role) {
		return ErrAuthority
	}
	if len(o.Invite) != 0 {
		if len(o.Invite) != len(Hash{}) {
			return fmt.Errorf("%w: invitation hash", ErrOperation)
		}
		if err := take(tx.s.taken.invites, Hash(o.Invite), "invitation"); err != nil {
			return err
		}
	}
	c, err := ParseCard(o.Card)
	if err != nil {
		return err
	}
	return tx.addMember(c, o.Role, o.Expires)
}

func (tx *transaction) applyDeviceAdded(o *DeviceAdded) error {
	if o.Member != tx.member { // nobody adds a device to somebody else: it would read for them
		return ErrAuthority
	}
	d, err := tx.newDevice(o.Member, o.Device, o.Acceptance)
	if err != nil {
		return err
	}
	m := tx.s.changeMember(tx.member)
	m.Devices = append(m.Devices, d.ID())
	put(tx.s, tx.s.devices, d.ID(), &Device{
		ID: d.ID(), Member: o.Member, Record: d, AddedBy: tx.author, Added: tx.sequence, AtKey: m.UserKey().Generation,
	})
	return tx.claimDevice(d)
}

func (tx *transaction) applyDeviceRemoved(o *DeviceRemoved) error {
	d := tx.s.changeDevice(o.Device)
	if d == nil || d.Removed {
		return ErrUnknown
	}
	own := d.Member == tx.member
	if !own && !tx.officer() {
		return ErrAuthority
	}
	if o.Device == tx.author { // it would know the keys that lock it out
		return fmt.Errorf("%w: a device does not remove itself", ErrAuthority)
	}
	d.Removed, d.RemovedAt = true, tx.sequence
	m := tx.s.changeMember(d.Member)
	if !slices.ContainsFunc(m.Devices, func(id DeviceID) bool { return !tx.s.devices[id].Removed }) {
		return fmt.Errorf("last device: %w", ErrLast)
	}
	if own {
		tx.mustUserKey = true
	} else {
		m.KeyClosed = true // until the member makes the next
	}
	tx.requireReach(m.ID)
	return nil
}

func (tx *transaction) applyUserKey(o *UserKeyRotated) error {
	if o.Member != tx.member {
		return ErrAuthority
	}
	m := tx.s.changeMember(tx.member)
	if o.Generation != m.UserKey().Generation+1 {
		return ErrEpoch
	}
	if m.UserKey().Sequence == tx.sequence {
		return fmt.Errorf("%w: twice in one entry", ErrEpoch)
	}
	if len(o.Previous) != sealedKeySize {
		return fmt.Errorf("%w: previous key", ErrOperation)
	}
	if err := tx.claimKey(o.Commitment); err != nil {
		return err
	}
	if err := tx.claimKEM(o.Public); err != nil {
		return err
	}
	m.UserKeys = append(m.UserKeys, UserKey{
		Generation: o.Generation, Public: o.Public, Commitment: o.Commitment, Previous: o.Previous, Author: tx.author, Sequence: tx.sequence,
	})
	m.KeyClosed = false
	tx.mustUserKey = false
	tx.endEnrolment(o.Member) // it holds the key before
	return nil
}

// sealedKeySize is nonce, key and tag of datakey.SealPrevious, repeated here
// because this package does not link what opens it.
const sealedKeySize = 24 + 32 + 16

// claimPublic registers a public key; no key serves two purposes.
func (tx *transaction) claimPublic(public []byte) error { return tx.claimKey(pubkey.Hash(public)) }

func (tx *transaction) claimKEM(public []byte) error {
	if err := pubkey.CheckKEM(public); err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return tx.claimPublic(public)
}

func (tx *transaction) claimDevice(d DeviceRecord) error {
	if err := tx.claimTexts(d.Label); err != nil {
		return err
	}
	for _, k := range [][]byte{d.Encryption, d.Signing, d.SignIn} {
		if err := tx.claimPublic(k); err != nil {
			return err
		}
	}
	return nil
}

// require notes that the entry has to rotate or close a resource, and that
// what it did so far does not count: who rotates before revoking knows a key
// that the revoked one may have been handed. What has ended stays closed, and
// nothing is owed for it.
func (tx *transaction) require(id ResourceID, r *Resource) {
	if r.Ended {
		return
	}
	if tx.mustRotate == nil {
		tx.mustRotate = map[ResourceID]uint64{}
	}
	tx.mustRotate[id] = r.Epoch().Number
}

// requireReach requires everything that a member may read: so much a device of
// theirs could reach.
func (tx *transaction) requireReach(m MemberID) {
	for id, r := range tx.s.resources {
		if tx.s.Rights(m, r) != 0 {
			tx.require(id, r)
		}
	}
	for _, g := range tx.s.groups {
		if g.Has(m) {
			tx.requireGroup(g)
		}
	}
}

// finish checks what the entry as a whole owes (attack 58), in the order of the
// spec: which rule refuses is the same for every reader.
func (tx *transaction) finish() error {
	if id, bad := least(tx.mustRotate, func(id ResourceID, open uint64) bool {
		e := tx.s.resources[id].Epoch()
		return e.Number == open && !e.Closed
	}); bad {
		return fmt.Errorf("resource %s: %w", id, ErrIncomplete)
	}
	if tx.mustUserKey {
		return fmt.Errorf("user key: %w", ErrIncomplete)
	}
	if id, bad := least(tx.touched, func(id ResourceID, _ struct{}) bool {
		return tx.s.resources[id].Orphaned()
	}); bad {
		return fmt.Errorf("resource %s: sharer: %w", id, ErrLast)
	}
	if id, bad := least(tx.mustRotateGroup, func(id GroupID, open uint64) bool {
		e := tx.s.groups[id].Epoch()
		return e.Number == open && !e.Closed
	}); bad {
		return fmt.Errorf("group %s: %w", id, ErrIncomplete)
	}
	if id, bad := least(tx.touchedGroups, func(id GroupID, _ struct{}) bool {
		g := tx.s.groups[id]
		return g.Orphaned() && !g.Ended()
	}); bad {
		return fmt.Errorf("group %s: manager: %w", id, ErrLast)
	}
	if tx.mustOfficers && tx.s.officers() < tx.s.policy.Officers {
		return fmt.Errorf("officers: %w", ErrLast)
	}
	return nil
}

// least returns the first id, in their order, of which something holds, so
// that a refusal always reads the same.
func least[K ~[16]byte, V any](m map[K]V, holds func(K, V) bool) (found K, ok bool) {
	for id, v := range m {
		if holds(id, v) && (!ok || compareIDs(id, found) < 0) {
			found, ok = id, true
		}
	}
	return found, ok
}
