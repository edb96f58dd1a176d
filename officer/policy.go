package officer

import (
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/wire"
)

// Policy is what an organization lets members do, and what it asks for
// (operation 19). Every policy is complete. A client takes it from the log and
// from nowhere else (attacks 2, 5 and 34).
type Policy struct {
	Fields   Role   `cbor:"1,keyasint"` // the highest role number that may create fields: RoleOfficer or RoleMember
	Folders  Role   `cbor:"2,keyasint"` // the same for folders
	Groups   Role   `cbor:"3,keyasint"` // the same for groups
	Guests   Role   `cbor:"4,keyasint"` // the same for letting guests in
	Officers uint64 `cbor:"5,keyasint"` // the least number of officers, 1 to 255
	Recovery uint64 `cbor:"6,keyasint"` // the least threshold of a recovery, 2 to 255; 0: nobody enrols
	Names    uint64 `cbor:"7,keyasint"` // 1: documents keep readable names in the outside system
	// Cosigned are other officers' signatures, for a lower threshold.
	Cosigned []Cosignature `cbor:"8,keyasint,omitempty"`
}

// Cosignature is CBOR[device, signature], see [Policy.Payload].
type Cosignature struct {
	_         struct{} `cbor:",toarray"`
	Device    DeviceID
	Signature []byte
}

// DefaultPolicy holds until an organization sets another.
func DefaultPolicy() Policy {
	return Policy{Fields: RoleOfficer, Folders: RoleMember, Groups: RoleOfficer, Guests: RoleOfficer, Officers: 1}
}

// Payload is what other officers sign, under the label "underseal/v1/policy":
// CBOR[organization, sequence, previous, the policy without its signatures].
// The head is the one that the policy's entry comes after, so that a signature
// counts for one place in one log.
func (p Policy) Payload(org OrganizationID, head Head) []byte {
	p.Cosigned = nil
	return wire.MustMarshal([]any{org, head.Length, head.Hash, p})
}

// LetsIn tells whether somebody of one role may let somebody in with another:
// officers anybody, members guests alone, where the policy says so.
func (p Policy) LetsIn(by, as Role) bool {
	return by == RoleOfficer || by == RoleMember && p.Guests == RoleMember && as == RoleGuest
}

// Policy is the one in force.
func (s *State) Policy() Policy { return s.policy }

// InvitationSpent tells whether an invitation was answered or withdrawn.
func (s *State) InvitationSpent(invite Hash) bool {
	_, spent := s.taken.invites[invite]
	return spent
}

func (p Policy) valid() bool {
	for _, r := range []Role{p.Fields, p.Folders, p.Groups, p.Guests} {
		if r != RoleOfficer && r != RoleMember {
			return false
		}
	}
	return p.Officers >= 1 && p.Officers <= maxOfficers && p.Names <= 1 &&
		(p.Recovery == 0 || p.Recovery >= 2 && p.Recovery <= p.Officers)
}

// maxOfficers bounds what a policy asks for, and with it the signatures and
// shares that one operation may carry.
const maxOfficers = 255

func (tx *transaction) applyPolicy(o *Policy) error {
	if !o.valid() || len(o.Cosigned) > maxOfficers {
		return fmt.Errorf("%w: policy", ErrOperation)
	}
	signers, err := o.signers(tx.s)
	switch {
	case err != nil:
		return err
	case slices.Contains(signers, tx.member):
		return fmt.Errorf("%w: two signatures of one officer", ErrAuthority)
	}
	if before := tx.s.policy.Recovery; o.Recovery < before && uint64(len(signers))+1 < before {
		return fmt.Errorf("%w: a lower threshold takes as many officers as it was", ErrAuthority)
	}
	tx.s.policy = *o
	tx.s.policy.Cosigned = nil
	tx.mustOfficers = true
	return nil
}

func (tx *transaction) applyInvitationWithdrawn(o *InvitationWithdrawn) error {
	return take(tx.s.taken.invites, o.Invite, "invitation")
}
