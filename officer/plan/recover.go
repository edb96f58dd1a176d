package plan

import (
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// Escrow splits a fresh key into shares, and puts it together again:
// escrow.Shamir is one. The browser's build has none.
type Escrow interface {
	// Split makes a key and its shares with the indexes 1, 2, … in order.
	Split(threshold, shares int) (key *secret.Bytes, parts []*secret.Bytes, err error)
	// Join gives the key back from at least threshold shares by index.
	Join(threshold int, parts map[uint64]*secret.Bytes) (*secret.Bytes, error)
	// Valid tells whether a share has the form of one.
	Valid(part *secret.Bytes) bool
}

var (
	// ErrNoEscrow: the program cannot split keys.
	ErrNoEscrow = errors.New("this program does not split keys among officers")
	// ErrThreshold: the threshold is below the policy's, above the number of
	// officers who are to hold a share, or the policy lets nobody enrol.
	ErrThreshold = errors.New("not a threshold that the policy and the number of officers allow")
)

// CheckThreshold accepts a threshold for so many officers.
func CheckThreshold(p officer.Policy, threshold, officers int) error {
	switch {
	case p.Recovery == 0:
		return fmt.Errorf("%w: the policy lets nobody enrol", ErrThreshold)
	case threshold < 0 || uint64(threshold) < p.Recovery:
		return fmt.Errorf("%w: %d, and the policy asks for %d", ErrThreshold, threshold, p.Recovery)
	case threshold > officers:
		return fmt.Errorf("%w: %d of %d officers", ErrThreshold, threshold, officers)
	default:
		return nil
	}
}

// Enroll puts the present user key of the author's member into escrow: as many
// of the officers as the threshold can bring the member back. It takes the
// place of an earlier enrolment, and then a next user key that of the present
// one: whoever keeps shares of what was before opens nothing of what follows.
func (a Author) Enroll(userKey *keyring.UserKey, threshold int, officers []officer.MemberID) (*Plan, error) {
	d := a.State.Device(a.Device.ID())
	if d == nil || d.Removed {
		return nil, officer.ErrAuthor
	}
	p, m := &Plan{}, a.State.Member(d.Member)
	if m.Enrolment() == nil {
		return p, a.enroll(p, m, userKey, threshold, officers)
	}
	next, err := a.nextUserKey(p, m, userKey, officer.DeviceID{})
	if err != nil {
		return nil, err
	}
	defer next.Destroy()
	return p, a.enroll(p, m, next, threshold, officers)
}

func (a Author) enroll(p *Plan, m *officer.Member, userKey *keyring.UserKey, threshold int, officers []officer.MemberID) error {
	if a.Escrow == nil {
		return ErrNoEscrow
	}
	if err := CheckThreshold(a.State.Policy(), threshold, len(officers)); err != nil {
		return err
	}
	org, number := a.State.Organization(), uint64(len(m.Enrolments))+1
	raw, parts, err := a.Escrow.Split(threshold, len(officers))
	if err != nil {
		return err
	}
	defer raw.Destroy()
	key, err := datakey.New(officer.EscrowContext(org, m.ID, number), raw)
	if err != nil {
		return err
	}
	defer key.Destroy()
	user := userKey.Key.Commitment()
	sealed, err := key.Seal(wire.LabelEscrow, userKey.Key.Raw().Expose(), user[:])
	if err != nil {
		return err
	}
	op := &officer.RecoveryEnrolled{
		Member: m.ID, Number: number, Threshold: uint64(threshold), Commitment: key.Commitment(),
		Generation: userKey.Key.Context().Epoch, Sealed: sealed,
	}
	for i, id := range officers {
		index := uint64(i) + 1
		share, err := datakey.New(officer.ShareContext(org, m.ID, number, index), parts[i])
		if err != nil {
			return err
		}
		op.Shares = append(op.Shares, officer.ShareOwner{Officer: id, Index: index, Commitment: share.Commitment()})
		// To the key that the log names, whatever a store says (attack 3).
		err = a.sealTo(p, share, officer.MemberPrincipal(id))
		share.Destroy()
		parts[i].Destroy()
		if err != nil {
			return fmt.Errorf("officer %s: %w", id, err)
		}
	}
	p.Operations = append(p.Operations, op)
	return nil
}

// enrollAgain puts the next user key into escrow where the one before was, with
// those who hold shares and still can. If too few of them are left the plan is
// Unenrolled.
func (a Author) enrollAgain(p *Plan, m *officer.Member, next *keyring.UserKey) error {
	e := m.Enrolment()
	if e == nil {
		return nil
	}
	var officers []officer.MemberID
	for _, id := range a.State.Holders(e) {
		if _, _, err := a.State.SealTo(id, a.Now); err == nil && id != m.ID {
			officers = append(officers, id)
		}
	}
	threshold := int(max(e.Threshold, a.State.Policy().Recovery))
	if a.Escrow == nil || CheckThreshold(a.State.Policy(), threshold, len(officers)) != nil {
		p.Unenrolled = true
		return nil //nolint:nilerr // what could not be is said, and is no failure
	}
	return a.enroll(p, m, next, threshold, officers)
}

// EndRecovery ends the enrolment of the author's member, and makes the next
// user key: whoever keeps shares opens nothing of what follows.
func (a Author) EndRecovery(userKey *keyring.UserKey) (*Plan, error) {
	d := a.State.Device(a.Device.ID())
	if d == nil || d.Removed {
		return nil, officer.ErrAuthor
	}
	m := a.State.Member(d.Member)
	e := m.Enrolment()
	if e == nil {
		return nil, officer.ErrUnknown
	}
	p := &Plan{Operations: []officer.Operation{&officer.RecoveryEnded{Member: m.ID, Number: e.Number}}}
	next, err := a.nextUserKey(p, m, userKey, officer.DeviceID{})
	if err != nil {
		return nil, err
	}
	next.Destroy()
	return p, nil
}

// RequestRecovery brings somebody's fresh device before the officers, with the
// reason and the device's label filed under the directory.
func (a Author) RequestRecovery(member officer.MemberID, f officer.RequestFile, reason officer.Opening, directory *Key) (*Plan, error) {
	m := a.State.Member(member)
	if m == nil || m.Enrolment() == nil {
		return nil, officer.ErrUnknown
	}
	p := &Plan{Operations: []officer.Operation{&officer.RecoveryRequested{
		Member: member, Number: m.Enrolment().Number, Device: f.Device.Encode(), Acceptance: f.Acceptance, Reason: reason.Commitment(),
	}}}
	return p, p.AddOpenings(directory, reason, f.Label)
}

// ApproveRecovery re-seals the author's share to a requesting device, whose
// safety number the caller has compared.
func (a Author) ApproveRecovery(r *officer.RecoveryRequest, index uint64, share *Key) (*Plan, error) {
	p := &Plan{Operations: []officer.Operation{&officer.RecoveryApproved{
		Member: r.Member, Device: r.Device, Number: r.Number, Index: index,
	}}}
	return p, a.sealToDevice(p, share, r.Record)
}

// OpenEscrow puts shares together, each of which was checked against its
// commitment, and opens the user key that the member's enrolment holds.
func OpenEscrow(s *officer.State, r *officer.RecoveryRequest, by Escrow, shares map[uint64]*Key) (*keyring.UserKey, error) {
	m := s.Member(r.Member)
	e := m.Enrolment()
	if e == nil || e.Number != r.Number {
		return nil, officer.ErrUnknown
	}
	parts := map[uint64]*secret.Bytes{}
	for index, share := range shares {
		parts[index] = share.Raw()
	}
	raw, err := by.Join(int(e.Threshold), parts)
	if err != nil {
		return nil, err
	}
	defer raw.Destroy()
	key, err := datakey.Open(officer.EscrowContext(s.Organization(), m.ID, e.Number), raw, e.Commitment)
	if err != nil {
		return nil, fmt.Errorf("escrow key: %w", err)
	}
	defer key.Destroy()
	gen := m.UserKeys[e.Generation-1]
	seed, err := key.Unseal(wire.LabelEscrow, e.Sealed, gen.Commitment[:])
	if err != nil {
		return nil, fmt.Errorf("user key %d: %w", e.Generation, err)
	}
	taken := secret.Take(seed)
	defer taken.Destroy()
	user, err := datakey.Open(officer.UserKeyContext(s.Organization(), m.ID, e.Generation), taken, gen.Commitment)
	if err != nil {
		return nil, fmt.Errorf("user key %d: %w", e.Generation, err)
	}
	return keyring.OpenUserKey(user, gen.Public)
}

// FinishRecovery has the requesting device, which is the author's, take the
// member over: it alone is left, the user key is replaced, and so is every key
// that the member could reach, or it is closed. cur is the present user key.
func (a Author) FinishRecovery(r *officer.RecoveryRequest, cur *keyring.UserKey, held Held) (*Plan, error) {
	m := a.State.Member(r.Member)
	p := &Plan{Operations: []officer.Operation{&officer.RecoveryFinished{Member: r.Member, Device: r.Device, Number: r.Number}}}
	alone := *m
	alone.Devices = nil
	next, err := a.rotateUserKey(p, &alone, cur, officer.DeviceID{})
	if err != nil {
		return nil, err
	}
	defer next.Destroy()
	if err := a.sealToDevice(p, next.Key, r.Record); err != nil {
		return nil, err
	}
	n := a.renewal(p, held)
	n.author = m
	n.users[m.ID] = next.Private.Public()
	return p, n.reach(m.ID)
}
