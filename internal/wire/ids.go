package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Identifiers. Those of 32 bytes are hashes and certify what they name; those
// of 16 bytes are random.
type (
	// Hash is a SHA-256 value.
	Hash [32]byte
	// OrganizationID is SHA-256(label ‖ genesis entry), the organization's fingerprint.
	OrganizationID [32]byte
	// MemberID is the fingerprint of a member's card.
	MemberID [32]byte
	// DeviceID is the hash of a device record.
	DeviceID [32]byte
	// ResourceID names a field, folder or directory.
	ResourceID [16]byte
	// GroupID names a group.
	GroupID [16]byte
)

// IsZero tells whether h is all zero.
func (h Hash) IsZero() bool { return h == Hash{} }

// IsZero tells whether id is all zero, which stands for "no organization yet".
func (id OrganizationID) IsZero() bool { return id == OrganizationID{} }

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// String is the id in hexadecimal; people are shown the text form of officer.FormatFingerprint.
func (id OrganizationID) String() string { return hex.EncodeToString(id[:]) }

// String is the id in hexadecimal.
func (id MemberID) String() string { return hex.EncodeToString(id[:]) }

// String is the id in hexadecimal.
func (id DeviceID) String() string { return hex.EncodeToString(id[:]) }

// String is the id in hexadecimal.
func (id ResourceID) String() string { return hex.EncodeToString(id[:]) }

// String is the id in hexadecimal.
func (id GroupID) String() string { return hex.EncodeToString(id[:]) }

// Compare orders member ids by their bytes.
func (id MemberID) Compare(o MemberID) int { return bytes.Compare(id[:], o[:]) }

// Labelled returns label ‖ 0x00 ‖ payload, the form in which a label stands
// before everything that is hashed, signed or expanded. The zero byte ends the
// label, so that one label may begin like another.
func Labelled(label string, payload []byte) []byte {
	b := make([]byte, 0, len(label)+1+len(payload))
	return append(append(append(b, label...), 0), payload...)
}

// Sum is SHA-256(label ‖ 0x00 ‖ parts). Callers hash either one variable part or parts of
// fixed length, so the concatenation is unambiguous; structures are encoded
// as CBOR first.
func Sum(label string, parts ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte(label))
	h.Write([]byte{0})
	for _, p := range parts {
		h.Write(p)
	}
	var out Hash
	h.Sum(out[:0])
	return out
}

// KeyKind says what a key is the key of.
type KeyKind uint8

// The kinds of key.
const (
	KindField     KeyKind = 1
	KindFolder    KeyKind = 2
	KindDirectory KeyKind = 3
	KindGroup     KeyKind = 4
	KindUser      KeyKind = 5
	KindEscrow    KeyKind = 7 // a member's, of one enrolment into recovery
	KindShare     KeyKind = 8 // an officer's, of an escrow key
	// KindInvitation is for what one invitation keeps from everybody else; the
	// log names such keys by their commitment alone (spec/invitation.md).
	KindInvitation KeyKind = 9
)

// String is the design's word for the kind.
func (k KeyKind) String() string {
	switch k {
	case KindField:
		return "field"
	case KindFolder:
		return "folder"
	case KindDirectory:
		return "directory"
	case KindGroup:
		return "group"
	case KindUser:
		return "user"
	case KindEscrow:
		return "escrow"
	case KindShare:
		return "share"
	case KindInvitation:
		return "invitation"
	default:
		return "unknown kind"
	}
}

// KeyContext is what a key belongs to. It is bound into the key's commitment
// and into everything derived from it, so that one key value used in two
// places gives unrelated results (attack 18).
type KeyContext struct {
	Organization OrganizationID
	// Resource is a ResourceID, a GroupID, for an invitation the Hash of its
	// terms, for a user or escrow key the MemberID, for a share the MemberID
	// and its index in one byte;
	// for a user key of generation 1, made before membership, Organization
	// and Resource are zero (32 zero bytes each).
	Resource []byte
	Kind     KeyKind
	// Epoch counts from 1; for a user key it is the generation, for escrow
	// keys and shares the number of the enrolment.
	Epoch uint64
}

// ErrContext is wrapped by every refusal of a KeyContext.
var ErrContext = errors.New("unacceptable key context")

// Check accepts a context of a known kind, with a resource of the length that
// the kind has and an epoch that counts from 1. What it refuses would bind a
// key to nothing, or to a place that no log names.
func (c KeyContext) Check() error {
	want := len(ResourceID{})
	switch c.Kind {
	case KindField, KindFolder, KindDirectory, KindGroup:
	case KindUser, KindEscrow:
		want = len(MemberID{})
	case KindShare:
		want = len(MemberID{}) + 1
	case KindInvitation:
		want = len(Hash{})
	default:
		return fmt.Errorf("%w: kind %d", ErrContext, uint8(c.Kind))
	}
	if len(c.Resource) != want {
		return fmt.Errorf("%w: resource id of %d bytes, want %d", ErrContext, len(c.Resource), want)
	}
	if c.Epoch == 0 {
		return fmt.Errorf("%w: epoch 0", ErrContext)
	}
	return nil
}

// Clone returns a copy that shares no memory with c.
func (c KeyContext) Clone() KeyContext {
	c.Resource = bytes.Clone(c.Resource)
	return c
}

// Encode returns C = CBOR[organization, resource, kind, epoch].
func (c KeyContext) Encode() []byte {
	return MustMarshal([]any{c.Organization, c.Resource, uint8(c.Kind), c.Epoch})
}
