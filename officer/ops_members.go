package officer

// The operations on members who are there, on policy and on invitations.
const (
	OpMemberRemoved       OpKind = 17
	OpRoleChanged         OpKind = 18
	OpPolicy              OpKind = 19
	OpInvitationWithdrawn OpKind = 31
)

// MemberRemoved takes a member and all their devices away, with every right
// that they had. The entry must also rotate or close what they could reach.
type MemberRemoved struct {
	Member MemberID `cbor:"1,keyasint"`
}

// RoleChanged gives a member another role.
type RoleChanged struct {
	Member  MemberID `cbor:"1,keyasint"`
	Role    Role     `cbor:"2,keyasint"`
	Expires uint64   `cbor:"3,keyasint,omitempty"` // as in [MemberAdded]
}

// Kind implements [Operation].
func (*MemberRemoved) Kind() OpKind { return OpMemberRemoved }

// Kind implements [Operation].
func (*RoleChanged) Kind() OpKind { return OpRoleChanged }

// InvitationWithdrawn ends an invitation that nobody has answered.
type InvitationWithdrawn struct {
	Invite Hash `cbor:"1,keyasint"`
}

// Kind implements [Operation].
func (*Policy) Kind() OpKind { return OpPolicy }

// Kind implements [Operation].
func (*InvitationWithdrawn) Kind() OpKind { return OpInvitationWithdrawn }
