package officer

// The operations of recovery by a threshold of officers.
const (
	OpRecoveryEnrolled  OpKind = 22
	OpRecoveryEnded     OpKind = 23
	OpRecoveryRequested OpKind = 26
	OpRecoveryApproved  OpKind = 27
	OpRecoveryFinished  OpKind = 28
)

// RecoveryEnrolled splits a fresh escrow key of the author's member, under
// which the seed of the user key is sealed, among officers.
type RecoveryEnrolled struct {
	Member     MemberID     `cbor:"1,keyasint"`
	Number     uint64       `cbor:"2,keyasint"` // of the enrolment, from 1
	Threshold  uint64       `cbor:"3,keyasint"` // shares that it takes, 2 to len(Shares)
	Commitment Hash         `cbor:"4,keyasint"` // of the escrow key
	Generation uint64       `cbor:"5,keyasint"` // of the user key
	Sealed     []byte       `cbor:"6,keyasint"` // its seed under the escrow key
	Shares     []ShareOwner `cbor:"7,keyasint"`
}

// ShareOwner is CBOR[officer, index, commitment of the share].
type ShareOwner struct {
	_          struct{} `cbor:",toarray"`
	Officer    MemberID
	Index      uint64 // from 1
	Commitment Hash
}

// RecoveryEnded ends the author's member's enrolment. The entry must also
// rotate the user key.
type RecoveryEnded struct {
	Member MemberID `cbor:"1,keyasint"`
	Number uint64   `cbor:"2,keyasint"`
}

// RecoveryRequested brings a fresh device of a member who has none left, by an
// officer. It is nobody's until the recovery is finished.
type RecoveryRequested struct {
	Member     MemberID `cbor:"1,keyasint"`
	Number     uint64   `cbor:"2,keyasint"` // of the enrolment
	Device     []byte   `cbor:"3,keyasint"` // its record
	Acceptance []byte   `cbor:"4,keyasint"` // its own signature, see [RequestPayload]
	Reason     Hash     `cbor:"5,keyasint"` // commitment to why, for the officers who are to approve
}

// RecoveryApproved announces that the author re-sealed a share to a requesting
// device.
type RecoveryApproved struct {
	Member MemberID `cbor:"1,keyasint"`
	Device DeviceID `cbor:"2,keyasint"`
	Number uint64   `cbor:"3,keyasint"`
	Index  uint64   `cbor:"4,keyasint"` // of the share
}

// RecoveryFinished is the first operation of an entry by a requesting device,
// which takes the member over. The entry must also rotate the user key, and
// rotate or close all that the member could reach.
type RecoveryFinished struct {
	Member MemberID `cbor:"1,keyasint"`
	Device DeviceID `cbor:"2,keyasint"`
	Number uint64   `cbor:"3,keyasint"`
}

// Kind implements [Operation].
func (*RecoveryEnrolled) Kind() OpKind { return OpRecoveryEnrolled }

// Kind implements [Operation].
func (*RecoveryEnded) Kind() OpKind { return OpRecoveryEnded }

// Kind implements [Operation].
func (*RecoveryRequested) Kind() OpKind { return OpRecoveryRequested }

// Kind implements [Operation].
func (*RecoveryApproved) Kind() OpKind { return OpRecoveryApproved }

// Kind implements [Operation].
func (*RecoveryFinished) Kind() OpKind { return OpRecoveryFinished }

// RequestPayload is what a fresh device signs, under the label
// "underseal/v1/device", to be recovered to: [AcceptancePayload] of no member.
// Who has lost every device has lost the card too, and knows the organization
// alone; whom the device is for, it says when it takes over.
func RequestPayload(org OrganizationID, record []byte) []byte {
	return AcceptancePayload(org, MemberID{}, record)
}
