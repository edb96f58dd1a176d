package officer

// The operations on groups.
const (
	OpGroupCreated       OpKind = 13
	OpGroupMemberAdded   OpKind = 14
	OpGroupMemberRemoved OpKind = 15
	OpGroupRotated       OpKind = 16
	OpGroupClosed        OpKind = 29
	OpGroupResealed      OpKind = 30
)

// GroupCreated makes a group with its first epoch. The author's member is among
// its members and manages it.
type GroupCreated struct {
	Group      GroupID           `cbor:"1,keyasint"`
	Commitment Hash              `cbor:"2,keyasint"`
	Public     []byte            `cbor:"3,keyasint"` // the epoch's X-Wing key
	Label      Hash              `cbor:"4,keyasint"` // commitment to the group's name
	Members    []GroupMemberItem `cbor:"5,keyasint"` // in ascending order of the id
}

// GroupMemberItem is CBOR[member, rights].
type GroupMemberItem struct {
	_      struct{} `cbor:",toarray"`
	Member MemberID
	Rights Rights // Read, or Read and Share: manages
}

// GroupMemberAdded lets a member into a group, or changes what they may do in it.
type GroupMemberAdded struct {
	Group  GroupID  `cbor:"1,keyasint"`
	Member MemberID `cbor:"2,keyasint"`
	Rights Rights   `cbor:"3,keyasint"` // Read, or Read and Share: manages
}

// GroupMemberRemoved takes a member out of a group. The entry must also rotate
// or close the group and everything that the group is granted.
type GroupMemberRemoved struct {
	Group  GroupID  `cbor:"1,keyasint"`
	Member MemberID `cbor:"2,keyasint"`
}

// GroupRotated opens a group's next epoch.
type GroupRotated struct {
	Group      GroupID `cbor:"1,keyasint"`
	Epoch      uint64  `cbor:"2,keyasint"`
	Commitment Hash    `cbor:"3,keyasint"`
	Previous   []byte  `cbor:"4,keyasint"` // an earlier seed under the new one
	Public     []byte  `cbor:"5,keyasint"`
	From       uint64  `cbor:"6,keyasint,omitempty"` // the epoch of that seed, if it is not the present one
}

// GroupClosed ends a group's epoch without opening the next: nothing may be
// sealed to it any more.
type GroupClosed struct {
	Group GroupID `cbor:"1,keyasint"`
	Epoch uint64  `cbor:"2,keyasint"`
}

// GroupResealed announces that the author sealed the seed of an epoch again to
// a member of the group, so that the envelope is accepted.
type GroupResealed struct {
	Group  GroupID  `cbor:"1,keyasint"`
	Epoch  uint64   `cbor:"2,keyasint"`
	Member MemberID `cbor:"3,keyasint"`
}

// Kind implements [Operation].
func (*GroupCreated) Kind() OpKind { return OpGroupCreated }

// Kind implements [Operation].
func (*GroupMemberAdded) Kind() OpKind { return OpGroupMemberAdded }

// Kind implements [Operation].
func (*GroupMemberRemoved) Kind() OpKind { return OpGroupMemberRemoved }

// Kind implements [Operation].
func (*GroupRotated) Kind() OpKind { return OpGroupRotated }

// Kind implements [Operation].
func (*GroupClosed) Kind() OpKind { return OpGroupClosed }

// Kind implements [Operation].
func (*GroupResealed) Kind() OpKind { return OpGroupResealed }
