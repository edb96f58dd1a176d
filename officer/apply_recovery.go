package officer

import (
	"fmt"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// maxShares is what an index of one byte can name.
const maxShares = 255

func (tx *transaction) applyRecoveryEnrolled(o *RecoveryEnrolled) error {
	if o.Member != tx.member { // nobody puts somebody else's key into escrow (attack 2)
		return ErrAuthority
	}
	m := tx.s.changeMember(o.Member)
	if o.Number != uint64(len(m.Enrolments))+1 || o.Generation != m.UserKey().Generation || m.KeyClosed {
		return ErrEpoch
	}
	least, shares := tx.s.policy.Recovery, uint64(len(o.Shares))
	if least == 0 || o.Threshold < least || o.Threshold > shares || shares > maxShares {
		return fmt.Errorf("%w: threshold", ErrOperation)
	}
	if len(o.Sealed) != sealedKeySize {
		return fmt.Errorf("%w: sealed user key", ErrOperation)
	}
	if err := tx.claimKey(o.Commitment); err != nil {
		return err
	}
	held := map[MemberID]struct{}{o.Member: {}}
	for i, x := range o.Shares {
		if x.Index != uint64(i)+1 {
			return fmt.Errorf("%w: index of a share", ErrOperation)
		}
		if _, twice := held[x.Officer]; twice || !tx.s.isOfficer(x.Officer) {
			return fmt.Errorf("another officer: %w", ErrUnknown)
		}
		held[x.Officer] = struct{}{}
		if err := tx.claimKey(x.Commitment); err != nil {
			return err
		}
	}
	// Whoever keeps as many of its shares as its threshold opens what it holds for
	// ever, whatever the next one asks for.
	if m.Enrolment() != nil {
		return fmt.Errorf("user key of the enrolment before: %w", ErrIncomplete)
	}
	m.Enrolments = append(m.Enrolments, Enrolment{
		Number: o.Number, Threshold: o.Threshold, Commitment: o.Commitment, Generation: o.Generation,
		Sealed: o.Sealed, Shares: o.Shares, Author: tx.author, Sequence: tx.sequence,
	})
	return nil
}

func (tx *transaction) applyRecoveryEnded(o *RecoveryEnded) error {
	if o.Member != tx.member {
		return ErrAuthority
	}
	if e := tx.s.members[o.Member].Enrolment(); e == nil || e.Number != o.Number {
		return fmt.Errorf("enrolment: %w", ErrUnknown)
	}
	tx.endEnrolment(o.Member)
	tx.mustUserKey = true // what the shares open is worth nothing from then on
	return nil
}

// endEnrolment ends the member's present enrolment, if there is one, and every
// request that was for it.
func (tx *transaction) endEnrolment(id MemberID) {
	if tx.s.members[id].Enrolment() == nil {
		return
	}
	m := tx.s.changeMember(id)
	m.Enrolments[len(m.Enrolments)-1].Ended = true
	for device, r := range tx.s.requests {
		if r.Member == id && !r.Ended {
			tx.s.changeRequest(device).Ended = true
		}
	}
}

func (tx *transaction) applyRecoveryRequested(o *RecoveryRequested) error {
	if o.Member == tx.member { // who has a device of theirs needs no officers
		return ErrAuthority
	}
	m, err := tx.present(o.Member)
	if err != nil {
		return err
	}
	e := m.Enrolment()
	if e == nil {
		return fmt.Errorf("enrolment: %w", ErrUnknown)
	}
	if o.Number != e.Number {
		return ErrEpoch
	}
	d, err := tx.newDevice(MemberID{}, o.Device, o.Acceptance)
	if err != nil {
		return err
	}
	if d.Kind != DeviceInstallation {
		return fmt.Errorf("%w: kind of device", ErrOperation)
	}
	put(tx.s, tx.s.requests, d.ID(), &RecoveryRequest{
		Device: d.ID(), Record: d, Member: o.Member, Number: o.Number, Reason: o.Reason, By: tx.author, Sequence: tx.sequence,
	})
	if err := tx.claimTexts(o.Reason); err != nil {
		return err
	}
	return tx.claimDevice(d)
}

// newDevice checks the record and acceptance of a device that is to be new.
func (tx *transaction) newDevice(member MemberID, record, acceptance []byte) (DeviceRecord, error) {
	d, err := decodeDevice(record)
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrOperation, err)
	}
	if tx.s.devices[d.ID()] != nil || tx.s.requests[d.ID()] != nil {
		return d, fmt.Errorf("device: %w", ErrDuplicate)
	}
	if pubkey.Verify(d.Signing, wire.LabelDevice, AcceptancePayload(tx.s.org, member, record), acceptance) != nil {
		return d, fmt.Errorf("%w: the device did not accept", ErrOperation)
	}
	return d, nil
}

func (tx *transaction) applyRecoveryApproved(o *RecoveryApproved) error {
	r := tx.s.requests[o.Device]
	if r == nil || r.Ended || r.Member != o.Member {
		return fmt.Errorf("request: %w", ErrUnknown)
	}
	if o.Number != r.Number {
		return ErrEpoch
	}
	if x, ok := tx.s.members[o.Member].Enrolment().ShareOf(tx.member); !ok || x.Index != o.Index || r.Approved(o.Index) {
		return fmt.Errorf("share: %w", ErrUnknown)
	}
	r = tx.s.changeRequest(o.Device)
	r.Approvals = append(r.Approvals, Approval{Index: o.Index, By: tx.author, Sequence: tx.sequence})
	return nil
}

// applyRecoveryFinished is the first operation of an entry by a requesting
// device: apply lets no other of its come before, and it nowhere else.
func (tx *transaction) applyRecoveryFinished(o *RecoveryFinished) error {
	r := tx.request
	if o.Member != r.Member || o.Device != r.Device {
		return fmt.Errorf("request: %w", ErrUnknown)
	}
	if o.Number != r.Number {
		return ErrEpoch
	}
	m := tx.s.changeMember(o.Member)
	if tx.s.Approvers(r) < m.Enrolment().Threshold {
		return fmt.Errorf("%w: fewer officers approved than the threshold", ErrAuthority)
	}
	for _, id := range m.Devices {
		if d := tx.s.changeDevice(id); !d.Removed {
			d.Removed, d.RemovedAt = true, tx.sequence
		}
	}
	m.Devices = append(m.Devices, r.Device)
	put(tx.s, tx.s.devices, r.Device, &Device{
		ID: r.Device, Member: o.Member, Record: r.Record, AddedBy: r.Approvals[len(r.Approvals)-1].By,
		Added: tx.sequence, AtKey: m.UserKey().Generation,
	})
	tx.endEnrolment(o.Member)
	tx.request, tx.member = nil, o.Member
	tx.mustUserKey = true
	tx.requireReach(o.Member)
	return nil
}
