package officer

import (
	"fmt"

	"github.com/underseal/underseal/internal/wire"
)

// OpKind numbers an operation.
type OpKind uint8

// The operations of format version 1 that this program replays. The numbers
// between are specified in spec/log-reserved.md and refused here.
const (
	OpGenesis       OpKind = 1
	OpMemberAdded   OpKind = 2
	OpDeviceAdded   OpKind = 3
	OpDeviceRemoved OpKind = 4
	OpUserKey       OpKind = 5
	OpKeyCreated    OpKind = 6
	OpKeyRotated    OpKind = 7
	OpKeyClosed     OpKind = 8
	OpGrant         OpKind = 9
	OpRevoke        OpKind = 10
	OpDirectory     OpKind = 11
	OpKeyResealed   OpKind = 12
	OpResourceEnded OpKind = 32
)

// String is the operation's word in spec/log.md.
func (k OpKind) String() string {
	switch k {
	case OpGenesis:
		return "genesis"
	case OpMemberAdded:
		return "member added"
	case OpDeviceAdded:
		return "device added"
	case OpDeviceRemoved:
		return "device removed"
	case OpUserKey:
		return "user key rotated"
	case OpKeyCreated:
		return "key created"
	case OpKeyRotated:
		return "key rotated"
	case OpKeyClosed:
		return "key closed"
	case OpGrant:
		return "grant"
	case OpRevoke:
		return "revoke"
	case OpDirectory:
		return "directory"
	case OpKeyResealed:
		return "key re-sealed"
	case OpResourceEnded:
		return "resource ended"
	case OpMemberRemoved:
		return "member removed"
	case OpRoleChanged:
		return "role changed"
	case OpPolicy:
		return "policy"
	case OpInvitationWithdrawn:
		return "invitation withdrawn"
	case OpBlob:
		return "operations blob"
	case OpGroupCreated:
		return "group created"
	case OpGroupMemberAdded:
		return "group member added"
	case OpGroupMemberRemoved:
		return "group member removed"
	case OpGroupRotated:
		return "group rotated"
	case OpGroupClosed:
		return "group closed"
	case OpGroupResealed:
		return "group key re-sealed"
	case OpRecoveryEnrolled:
		return "recovery enrolled"
	case OpRecoveryEnded:
		return "recovery ended"
	case OpRecoveryRequested:
		return "recovery requested"
	case OpRecoveryApproved:
		return "recovery approved"
	case OpRecoveryFinished:
		return "recovery finished"
	default:
		return fmt.Sprintf("operation %d", uint8(k))
	}
}

// Operation is one change of the organization; each type below is one.
type Operation interface {
	Kind() OpKind
}

// Genesis founds an organization: its author's card becomes the first officer.
type Genesis struct {
	Nonce [16]byte `cbor:"1,keyasint"`
	Card  []byte   `cbor:"2,keyasint"`
	Name  Hash     `cbor:"3,keyasint"` // commitment to the organization's name
}

// MemberAdded lets somebody in.
type MemberAdded struct {
	Card    []byte `cbor:"1,keyasint"`
	Role    Role   `cbor:"2,keyasint"`
	Expires uint64 `cbor:"3,keyasint,omitempty"` // unix seconds until the end of the year 9999, guests only; from then on clients stop sealing to them
	Invite  []byte `cbor:"4,keyasint,omitempty"` // 32 bytes: hash of the invitation that was answered
}

// DeviceAdded gives a member one more device.
type DeviceAdded struct {
	Member     MemberID `cbor:"1,keyasint"`
	Device     []byte   `cbor:"2,keyasint"` // its record
	Acceptance []byte   `cbor:"3,keyasint"` // its own signature, see [AcceptancePayload]
}

// DeviceRemoved takes a device away. The entry must also rotate or close every
// key that the device could reach.
type DeviceRemoved struct {
	Device DeviceID `cbor:"1,keyasint"`
}

// UserKeyRotated is a member's next user key.
type UserKeyRotated struct {
	Member     MemberID `cbor:"1,keyasint"`
	Generation uint64   `cbor:"2,keyasint"`
	Public     []byte   `cbor:"3,keyasint"`
	Commitment Hash     `cbor:"4,keyasint"`
	Previous   []byte   `cbor:"5,keyasint"` // the previous seed under the new one
}

// KeyCreated makes a resource with its first epoch. The author's member holds
// all rights.
type KeyCreated struct {
	Resource   ResourceID `cbor:"1,keyasint"`
	Of         KeyKind    `cbor:"2,keyasint"` // field, folder or directory
	Binding    Binding    `cbor:"3,keyasint"`
	Commitment Hash       `cbor:"4,keyasint"`
	Label      Hash       `cbor:"5,keyasint"`           // commitment to the resource's label
	Public     []byte     `cbor:"6,keyasint,omitempty"` // folders: the epoch's X-Wing key
}

// KeyRotated opens a resource's next epoch.
type KeyRotated struct {
	Resource   ResourceID `cbor:"1,keyasint"`
	Epoch      uint64     `cbor:"2,keyasint"`
	Commitment Hash       `cbor:"3,keyasint"`
	Previous   []byte     `cbor:"4,keyasint"` // an earlier key under the new one
	Public     []byte     `cbor:"5,keyasint,omitempty"`
	From       uint64     `cbor:"6,keyasint,omitempty"` // the epoch of that key, if it is not the present one
}

// KeyClosed ends a resource's epoch without opening the next: nobody may
// write under it any more.
type KeyClosed struct {
	Resource ResourceID `cbor:"1,keyasint"`
	Epoch    uint64     `cbor:"2,keyasint"`
}

// Grant gives a principal rights on a resource, with its history.
type Grant struct {
	Resource  ResourceID `cbor:"1,keyasint"`
	Principal Principal  `cbor:"2,keyasint"`
	Rights    Rights     `cbor:"3,keyasint"`
}

// Revoke takes all of a principal's rights on a resource. The entry must also
// open the next epoch or close the present one.
type Revoke struct {
	Resource  ResourceID `cbor:"1,keyasint"`
	Principal Principal  `cbor:"2,keyasint"`
}

// Directory carries openings of committed texts, sealed under a resource's
// key: any text under the directory's, for members; a resource's label under
// its own too, for whoever may read it.
type Directory struct {
	Resource ResourceID      `cbor:"1,keyasint"`
	Epoch    uint64          `cbor:"2,keyasint"`
	Items    []DirectoryItem `cbor:"3,keyasint"`
}

// DirectoryItem is CBOR[commitment, sealed opening].
type DirectoryItem struct {
	_          struct{} `cbor:",toarray"`
	Commitment Hash
	Sealed     []byte
}

// KeyResealed announces that the author sealed an epoch's key again to a
// principal who is granted it, so that the envelope is accepted.
type KeyResealed struct {
	Resource  ResourceID `cbor:"1,keyasint"`
	Epoch     uint64     `cbor:"2,keyasint"`
	Principal Principal  `cbor:"3,keyasint"`
}

// ResourceEnded takes a field or folder out of use for good. Its key stays
// with those who were granted it, its binding is free for another resource.
type ResourceEnded struct {
	Resource ResourceID `cbor:"1,keyasint"`
}

// Kind implements [Operation].
func (*Genesis) Kind() OpKind { return OpGenesis }

// Kind implements [Operation].
func (*MemberAdded) Kind() OpKind { return OpMemberAdded }

// Kind implements [Operation].
func (*DeviceAdded) Kind() OpKind { return OpDeviceAdded }

// Kind implements [Operation].
func (*DeviceRemoved) Kind() OpKind { return OpDeviceRemoved }

// Kind implements [Operation].
func (*UserKeyRotated) Kind() OpKind { return OpUserKey }

// Kind implements [Operation].
func (*KeyCreated) Kind() OpKind { return OpKeyCreated }

// Kind implements [Operation].
func (*KeyRotated) Kind() OpKind { return OpKeyRotated }

// Kind implements [Operation].
func (*KeyClosed) Kind() OpKind { return OpKeyClosed }

// Kind implements [Operation].
func (*Grant) Kind() OpKind { return OpGrant }

// Kind implements [Operation].
func (*Revoke) Kind() OpKind { return OpRevoke }

// Kind implements [Operation].
func (*Directory) Kind() OpKind { return OpDirectory }

// Kind implements [Operation].
func (*KeyResealed) Kind() OpKind { return OpKeyResealed }

// Kind implements [Operation].
func (*ResourceEnded) Kind() OpKind { return OpResourceEnded }

func newOperation(k OpKind) Operation {
	switch k {
	case OpGenesis:
		return new(Genesis)
	case OpMemberAdded:
		return new(MemberAdded)
	case OpDeviceAdded:
		return new(DeviceAdded)
	case OpDeviceRemoved:
		return new(DeviceRemoved)
	case OpUserKey:
		return new(UserKeyRotated)
	case OpKeyCreated:
		return new(KeyCreated)
	case OpKeyRotated:
		return new(KeyRotated)
	case OpKeyClosed:
		return new(KeyClosed)
	case OpGrant:
		return new(Grant)
	case OpRevoke:
		return new(Revoke)
	case OpDirectory:
		return new(Directory)
	case OpKeyResealed:
		return new(KeyResealed)
	case OpResourceEnded:
		return new(ResourceEnded)
	case OpMemberRemoved:
		return new(MemberRemoved)
	case OpRoleChanged:
		return new(RoleChanged)
	case OpPolicy:
		return new(Policy)
	case OpInvitationWithdrawn:
		return new(InvitationWithdrawn)
	case OpBlob:
		return new(OperationsBlob)
	case OpGroupCreated:
		return new(GroupCreated)
	case OpGroupMemberAdded:
		return new(GroupMemberAdded)
	case OpGroupMemberRemoved:
		return new(GroupMemberRemoved)
	case OpGroupRotated:
		return new(GroupRotated)
	case OpGroupClosed:
		return new(GroupClosed)
	case OpGroupResealed:
		return new(GroupResealed)
	case OpRecoveryEnrolled:
		return new(RecoveryEnrolled)
	case OpRecoveryEnded:
		return new(RecoveryEnded)
	case OpRecoveryRequested:
		return new(RecoveryRequested)
	case OpRecoveryApproved:
		return new(RecoveryApproved)
	case OpRecoveryFinished:
		return new(RecoveryFinished)
	default:
		return nil
	}
}

func decodeOperation(w opWire) (Operation, error) {
	op := newOperation(w.Kind)
	if op == nil {
		return nil, ErrUnknownOp
	}
	if err := wire.Unmarshal(w.Body, op, wire.MaxEntry); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOperation, err)
	}
	return op, nil
}

// AcceptancePayload is what a new device signs, under the label
// "underseal/v1/device", to agree to serve a member of an organization:
// CBOR[organization, member, record].
func AcceptancePayload(org OrganizationID, member MemberID, record []byte) []byte {
	return wire.MustMarshal([]any{org, member, record})
}
