// Package officer is the public half of the membership log: cards, entries,
// operations, authority rules and replay. It works on public keys only, so
// that a relay may link it (P11); making keys and plans is officer/plan's work.
//
// Start from [Replay] with the entries of a store and the organization's id;
// it verifies chain, signatures and authority from genesis and returns a
// [State], a value that answers who belongs, who may read what, and which
// envelopes are to be accepted. [State.Apply] extends it; a State never
// changes. Entries are made with [Entry.Sign].
//
// Compatibility: the layouts are spec/card.md, spec/device.md and spec/log*.md,
// format version 1. Until release 1.0.0 they may change together with their
// vectors; afterwards logs of every version replay for ever.
package officer

import (
	"github.com/underseal/underseal/internal/wire"
)

// The identifiers, under the names this package's callers use.
type (
	// OrganizationID is an organization's id and fingerprint.
	OrganizationID = wire.OrganizationID
	// MemberID is the fingerprint of a member's card.
	MemberID = wire.MemberID
	// DeviceID is the hash of a device record.
	DeviceID = wire.DeviceID
	// ResourceID names a field, folder or directory.
	ResourceID = wire.ResourceID
	// GroupID names a group.
	GroupID = wire.GroupID
	// Hash is a SHA-256 value.
	Hash = wire.Hash
	// KeyKind says what a key is the key of.
	KeyKind = wire.KeyKind
	// KeyContext says what one epoch's key belongs to.
	KeyContext = wire.KeyContext
)

// Role is a member's role in the organization.
type Role uint8

// The roles.
const (
	RoleOfficer Role = 1
	RoleMember  Role = 2
	RoleGuest   Role = 3
)

// String is the design's word for the role.
func (r Role) String() string {
	switch r {
	case RoleOfficer:
		return "officer"
	case RoleMember:
		return "member"
	case RoleGuest:
		return "guest"
	default:
		return "unknown role"
	}
}

// ParseRole reads a role's word.
func ParseRole(s string) (Role, error) {
	for _, r := range []Role{RoleOfficer, RoleMember, RoleGuest} {
		if s == r.String() {
			return r, nil
		}
	}
	return 0, ErrRole
}

// Rights is a set of rights on a resource.
type Rights uint8

// The rights. Write and Share include Read: there is no writing or sharing
// without holding the key.
const (
	Read  Rights = 1
	Write Rights = 2
	Share Rights = 4

	allRights = Read | Write | Share
)

// Has tells whether all rights of o are in r.
func (r Rights) Has(o Rights) bool { return r&o == o }

func (r Rights) valid() bool { return r != 0 && r&^allRights == 0 && r.Has(Read) }

// String lists the rights, such as "read, write".
func (r Rights) String() string {
	s := ""
	for _, x := range []struct {
		r Rights
		n string
	}{{Read, "read"}, {Write, "write"}, {Share, "share"}} {
		if r.Has(x.r) {
			if s != "" {
				s += ", "
			}
			s += x.n
		}
	}
	if s == "" {
		return "none"
	}
	return s
}

// PrincipalKind says what a principal is.
type PrincipalKind uint8

// The kinds of principal.
const (
	PrincipalMember PrincipalKind = 1
	PrincipalGroup  PrincipalKind = 2
)

// Principal is who a grant is for: CBOR[kind, id].
type Principal struct {
	_    struct{} `cbor:",toarray"`
	Kind PrincipalKind
	ID   []byte
}

// MemberPrincipal names a member.
func MemberPrincipal(id MemberID) Principal {
	return Principal{Kind: PrincipalMember, ID: append([]byte(nil), id[:]...)}
}

// Member returns the member that the principal names.
func (p Principal) Member() (MemberID, bool) {
	if p.Kind != PrincipalMember || len(p.ID) != len(MemberID{}) {
		return MemberID{}, false
	}
	return MemberID(p.ID), true
}

// Binding says where a resource lives: CBOR[connector, account, kind, id]. It
// is readable by the store. A field of files has connector "tabular" and the
// rest empty: its label is not a place and stays sealed.
type Binding struct {
	_         struct{} `cbor:",toarray"`
	Connector string
	Account   string
	Kind      string
	ID        string
}

func (b Binding) valid() bool {
	if b.Connector == "" {
		return false
	}
	for _, s := range []string{b.Connector, b.Account, b.Kind, b.ID} {
		if len(s) > wire.MaxBinding {
			return false
		}
	}
	return true
}
