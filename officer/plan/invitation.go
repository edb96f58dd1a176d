package plan

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// InvitationPrefix is how the line of an invitation begins.
const InvitationPrefix = "underseal-invite"

const (
	// MaxInvitation bounds an invitation in bytes: all of it but the store's
	// address has 163 at most. Its line has at most 842 characters, within
	// which the checksum finds three wrong ones wherever they are.
	MaxInvitation = 512
	// MaxInvitationStore bounds the address of the store within it, in bytes.
	MaxInvitationStore = 320
	// maxInvitationTime is the end of the year 9999, as in the log.
	maxInvitationTime = 253402300799
)

// ErrInvitation is wrapped by every error about a line, message or answer that
// is not the one form expected, or does not belong to the invitation.
var ErrInvitation = errors.New("not a valid invitation")

// Terms are what an invitation says in the open to whoever has its line.
type Terms struct {
	Organization officer.OrganizationID
	Inviter      officer.MemberID // an officer, or a member who invites a guest
	Head         officer.Head     // that the inviter saw: attack 12
	Expires      time.Time        // whole seconds; judged by the inviter's clock
	Store        string           // the address where the organization rests
}

// termsWire is CBOR[organization, inviter, length, hash, expires, store].
type termsWire struct {
	_            struct{} `cbor:",toarray"`
	Organization officer.OrganizationID
	Inviter      officer.MemberID
	Length       uint64
	Hash         officer.Hash
	Expires      uint64
	Store        string
}

// invitationWire is the line: CBOR[version, secret, terms].
type invitationWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Secret  [datakey.Size]byte
	Terms   termsWire
}

const invitationParts = 3

func (t Terms) wire() termsWire {
	return termsWire{
		Organization: t.Organization, Inviter: t.Inviter, Length: t.Head.Length, Hash: t.Head.Hash,
		Expires: uint64(t.Expires.Unix()), Store: t.Store,
	}
}

func (t Terms) check() error {
	at := t.Expires.Unix()
	switch {
	case t.Organization.IsZero() || t.Head.Length == 0:
		return fmt.Errorf("%w: no organization", ErrInvitation)
	case at < 1 || at > maxInvitationTime:
		return fmt.Errorf("%w: expiry", ErrInvitation)
	case len(t.Store) > MaxInvitationStore:
		return fmt.Errorf("%w: the address of the store has more than %d bytes", ErrInvitation, MaxInvitationStore)
	case (officer.Opening{Kind: officer.TextLabel, Text: t.Store}).Check() != nil:
		return fmt.Errorf("%w: address of the store", ErrInvitation)
	}
	return nil
}

// Invitation is one line by which one person is let in (spec/invitation.md).
// Everything that belongs to it derives from its secret and terms: whoever
// altered one of them would look into another mailbox.
type Invitation struct {
	Terms
	key *datakey.Key
}

// NewInvitation makes an invitation with a fresh secret.
func NewInvitation(t Terms) (*Invitation, error) {
	t.Expires = t.Expires.Truncate(time.Second)
	s := secret.Random(datakey.Size)
	defer s.Destroy()
	return newInvitation(t, s)
}

func newInvitation(t Terms, s *secret.Bytes) (*Invitation, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	key, err := datakey.New(t.context(1), s)
	if err != nil {
		return nil, err
	}
	return &Invitation{Terms: t, key: key}, nil
}

// The epochs of an invitation's keys.
const (
	invitationEpoch = 1 // of its secret
	answerEpoch     = 2 // of the key that the card of an answer is sealed under
)

// context is that of the invitation's keys: the organization, and the hash of
// the terms.
func (t Terms) context(epoch uint64) wire.KeyContext {
	terms := wire.Sum(wire.LabelInvite, wire.MustMarshal(t.wire()))
	return wire.KeyContext{Organization: t.Organization, Resource: terms[:], Kind: wire.KindInvitation, Epoch: epoch}
}

// ParseInvitation reads a line, with spaces, tabs and line ends around it.
func ParseInvitation(line *secret.Bytes) (*Invitation, error) {
	text := strings.Trim(string(line.Expose()), " \t\r\n")
	b, err := bech32text.DecodeUpTo(InvitationPrefix, MaxInvitation, text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	s := secret.Take(b)
	defer s.Destroy()
	return DecodeInvitation(s)
}

// DecodeInvitation reads what Encode wrote.
func DecodeInvitation(b *secret.Bytes) (*Invitation, error) {
	if err := wire.CheckVersion(b.Expose(), "invitation", invitationParts); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	var w invitationWire
	// An error of the decoder tells of forms and lengths, not of values.
	if err := wire.Unmarshal(b.Expose(), &w, MaxInvitation); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	s := secret.Take(w.Secret[:])
	defer s.Destroy()
	t := w.Terms
	if t.Expires > maxInvitationTime {
		return nil, fmt.Errorf("%w: expiry", ErrInvitation)
	}
	return newInvitation(Terms{
		Organization: t.Organization, Inviter: t.Inviter, Head: officer.Head{Length: t.Length, Hash: t.Hash},
		Expires: time.Unix(int64(t.Expires), 0).UTC(), Store: t.Store,
	}, s)
}

// Encode returns the bytes of the line. They are as secret as the line.
func (i *Invitation) Encode() *secret.Bytes {
	w := invitationWire{Version: wire.Version, Terms: i.wire()}
	copy(w.Secret[:], i.key.Raw().Expose())
	defer clear(w.Secret[:])
	return secret.Take(wire.MustMarshal(w))
}

// Line is the line that the invited person pastes; whoever has it can answer.
func (i *Invitation) Line() *secret.Bytes {
	b := i.Encode()
	defer b.Destroy()
	return secret.New([]byte(bech32text.Encode(InvitationPrefix, b.Expose())))
}

// Hash names the invitation in the log, once it was answered or withdrawn. It
// is the commitment to the secret, and hides it.
func (i *Invitation) Hash() officer.Hash { return i.key.Commitment() }

// Mailbox is where message and answer are left. It is all that the store
// learns of an invitation that nobody has answered.
func (i *Invitation) Mailbox() officer.Hash {
	b := i.key.Derive(wire.LabelInviteBox)
	defer b.Destroy()
	return officer.Hash(b.Expose())
}

// Destroy clears the secret.
func (i *Invitation) Destroy() { i.key.Destroy() }
