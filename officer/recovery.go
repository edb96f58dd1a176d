package officer

import (
	"bytes"
	"maps"
	"slices"
	"sort"

	"github.com/underseal/underseal/internal/wire"
)

// Enrolment is a member's escrow: the seed of the user key sealed under a key
// of which as many shares as the threshold give it back (spec/log-recovery.md).
type Enrolment struct {
	Number     uint64 // from 1
	Threshold  uint64
	Commitment Hash
	Generation uint64 // of the user key
	Sealed     []byte // its seed
	Shares     []ShareOwner
	Author     DeviceID
	Sequence   uint64
	Ended      bool
}

// Share is the share with an index.
func (e *Enrolment) Share(index uint64) (ShareOwner, bool) {
	if index == 0 || index > uint64(len(e.Shares)) {
		return ShareOwner{}, false
	}
	return e.Shares[index-1], true
}

// ShareOf is a member's share.
func (e *Enrolment) ShareOf(m MemberID) (ShareOwner, bool) {
	i := slices.IndexFunc(e.Shares, func(s ShareOwner) bool { return s.Officer == m })
	return e.Share(uint64(i + 1))
}

// RecoveryRequest is a fresh device that asks to be a member's.
type RecoveryRequest struct {
	Device    DeviceID
	Record    DeviceRecord
	Member    MemberID
	Number    uint64 // of the enrolment
	Reason    Hash   // commitment
	By        DeviceID
	Sequence  uint64
	Approvals []Approval
	Ended     bool // it was finished, or the enrolment ended otherwise
}

// Approval says that a share was re-sealed to a requesting device.
type Approval struct {
	Index    uint64 // of the share
	By       DeviceID
	Sequence uint64
}

// Approved tells whether a share was re-sealed to the device.
func (r *RecoveryRequest) Approved(index uint64) bool {
	return slices.ContainsFunc(r.Approvals, func(a Approval) bool { return a.Index == index })
}

// Enrolment is the member's present enrolment, or nil.
func (m *Member) Enrolment() *Enrolment {
	if n := len(m.Enrolments); n > 0 && !m.Enrolments[n-1].Ended {
		return &m.Enrolments[n-1]
	}
	return nil
}

// SharesOf lists the members in whose present enrolment somebody holds a share,
// in the order of [State.Members].
func (s *State) SharesOf(holder MemberID) (list []*Member) {
	for _, m := range s.Members() {
		if e := m.Enrolment(); e != nil {
			if _, ok := e.ShareOf(holder); ok {
				list = append(list, m)
			}
		}
	}
	return list
}

// Holders are those who hold a share of an enrolment and still are officers;
// fewer than its threshold recover nobody.
func (s *State) Holders(e *Enrolment) (list []MemberID) {
	for _, x := range e.Shares {
		if s.isOfficer(x.Officer) {
			list = append(list, x.Officer)
		}
	}
	return list
}

func (s *State) isOfficer(id MemberID) bool {
	m := s.members[id]
	return m != nil && m.Role == RoleOfficer && !m.Removed
}

// Request returns a requesting device, also one whose request has ended, or nil.
func (s *State) Request(id DeviceID) *RecoveryRequest { return s.requests[id] }

// Requests lists all requests in the order in which they were made, those that
// have ended too.
func (s *State) Requests() []*RecoveryRequest {
	out := slices.Collect(maps.Values(s.requests))
	sort.Slice(out, func(i, j int) bool {
		if out[i].Sequence != out[j].Sequence {
			return out[i].Sequence < out[j].Sequence
		}
		return bytes.Compare(out[i].Device[:], out[j].Device[:]) < 0
	})
	return out
}

// Approvers counts the approvals of a request by those who still are officers.
func (s *State) Approvers(r *RecoveryRequest) (n uint64) {
	m := s.members[r.Member]
	for _, a := range r.Approvals {
		if x, ok := m.Enrolments[r.Number-1].Share(a.Index); ok && s.isOfficer(x.Officer) {
			n++
		}
	}
	return n
}

// MayHoldShare tells whether the log lets an officer receive a share of a
// member's enrolment from a sender under the user key with a hash (P3).
func (s *State) MayHoldShare(member MemberID, number, index uint64, holder MemberID, key Hash, sender DeviceID) error {
	m, o := s.members[member], s.members[holder]
	if m == nil || o == nil || m.Enrolment() == nil {
		return ErrUnknown
	}
	e := m.Enrolment()
	if e.Number != number {
		return ErrEpoch
	}
	if x, ok := e.Share(index); !ok || x.Officer != holder {
		return ErrRights
	}
	if !o.hasUserKey(key) {
		return ErrKey
	}
	if e.Author != sender {
		return ErrAuthority
	}
	return nil
}

// MayRecover tells whether the log lets a requesting device receive a share
// from a sender (P3): whoever announced it.
func (s *State) MayRecover(device DeviceID, number, index uint64, sender DeviceID) error {
	r := s.requests[device]
	if r == nil || r.Ended {
		return ErrUnknown
	}
	if r.Number != number {
		return ErrEpoch
	}
	if !slices.ContainsFunc(r.Approvals, func(a Approval) bool { return a.Index == index && a.By == sender }) {
		return ErrAuthority
	}
	return nil
}

func (s *State) changeRequest(id DeviceID) *RecoveryRequest {
	return change(s, s.requests, id, func(r RecoveryRequest) RecoveryRequest {
		r.Approvals = slices.Clone(r.Approvals)
		return r
	})
}

// EscrowContext is what a member's escrow key of an enrolment belongs to.
func EscrowContext(org OrganizationID, member MemberID, number uint64) KeyContext {
	return KeyContext{Organization: org, Resource: bytes.Clone(member[:]), Kind: wire.KindEscrow, Epoch: number}
}

// ShareContext is what the share with an index, 1 to 255, belongs to.
func ShareContext(org OrganizationID, member MemberID, number, index uint64) KeyContext {
	return KeyContext{Organization: org, Resource: append(bytes.Clone(member[:]), byte(index)), Kind: wire.KindShare, Epoch: number}
}
