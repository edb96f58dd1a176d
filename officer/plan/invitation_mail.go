package plan

import (
	"bytes"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

const (
	// MaxInvitationGroups bounds the groups of one invitation: the message has
	// room for as many names of the greatest length.
	MaxInvitationGroups = 16
	// invitationStep is what every mail of an invitation is padded to a
	// multiple of, so that a store does not tell yes from no by its length.
	invitationStep = 8192
	// maxInvitationMail bounds what is sealed within one, in steps.
	maxInvitationMail = 4 * invitationStep
	mailParts         = 2
)

// mailWire is CBOR[version, sealed].
type mailWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Sealed  []byte
}

// InvitationMessage is what the inviter leaves in the mailbox for an invited
// person, who cannot read the directory. The reader holds each opening against
// the log's own commitment.
type InvitationMessage struct {
	_            struct{} `cbor:",toarray"`
	Role         officer.Role
	Organization officer.Opening // the organization's name
	Name, Email  officer.Opening // the inviter's
	Groups       []officer.Opening
}

func (m InvitationMessage) check() error {
	if m.Role < officer.RoleOfficer || m.Role > officer.RoleGuest {
		return fmt.Errorf("%w: role", ErrInvitation)
	}
	if len(m.Groups) > MaxInvitationGroups {
		return fmt.Errorf("%w: more than %d groups", ErrInvitation, MaxInvitationGroups)
	}
	texts := map[officer.TextKind][]officer.Opening{
		officer.TextOrganization: {m.Organization}, officer.TextName: {m.Name}, officer.TextEmail: {m.Email}, officer.TextGroup: m.Groups,
	}
	for kind, list := range texts {
		for _, o := range list {
			if o.Kind != kind || o.Check() != nil {
				return fmt.Errorf("%w: %w", ErrInvitation, officer.ErrOpening)
			}
		}
	}
	return nil
}

// SealMessage seals the inviter's message for whoever has the line.
func (i *Invitation) SealMessage(m InvitationMessage) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if m.Groups == nil {
		m.Groups = []officer.Opening{}
	}
	return i.sealMail(wire.LabelInviteMessage, m)
}

// OpenMessage reverses SealMessage. Whether its openings are those of the log
// is the caller's to check.
func (i *Invitation) OpenMessage(b []byte) (InvitationMessage, error) {
	var m InvitationMessage
	if err := i.openMail(wire.LabelInviteMessage, b, &m); err != nil {
		return m, err
	}
	return m, m.check()
}

// The kinds of answer.
const (
	accepted = 1
	declined = 2
)

// answerWire is CBOR[kind, signing, envelope, card]; the last three are empty
// where the answer is no.
type answerWire struct {
	_        struct{} `cbor:",toarray"`
	Kind     uint8
	Signing  []byte // with which the card's device signed the envelope
	Envelope []byte // the answer's own key, sealed to the inviter's user key
	Card     []byte // the card file under that key
}

// Answer is what an invited person has answered.
type Answer struct {
	Declined bool
	Card     officer.CardFile // unless declined
}

// Accept makes the answer of somebody who wants to be let in: their card,
// sealed to the inviter's user key, which the caller took from its verified
// log, and authenticated under the invitation's secret.
func (i *Invitation) Accept(card officer.CardFile, inviterKey []byte, by *keyring.Device) ([]byte, error) {
	key, err := datakey.Generate(i.context(answerEpoch))
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	sealed, err := envelope.Seal(key, MemberRecipient(i.Inviter, inviterKey), inviterKey, by)
	if err != nil {
		return nil, err
	}
	file, err := key.Seal(wire.LabelInviteCard, card.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return i.sealMail(wire.LabelInviteAnswer, answerWire{Kind: accepted, Signing: by.Record().Signing, Envelope: sealed, Card: file})
}

// Decline makes the answer of somebody who does not.
func (i *Invitation) Decline() ([]byte, error) {
	return i.sealMail(wire.LabelInviteAnswer, answerWire{Kind: declined, Signing: []byte{}, Envelope: []byte{}, Card: []byte{}})
}

// OpenAnswer reads an answer. key gives the inviter's user key whose public
// half has a hash; its errors are passed on. Everything else that is wrong is
// ErrInvitation, and the answer is nobody's.
func (i *Invitation) OpenAnswer(b []byte, key func(officer.Hash) (*envelope.PrivateKey, error)) (Answer, error) {
	var w answerWire
	if err := i.openMail(wire.LabelInviteAnswer, b, &w); err != nil {
		return Answer{}, err
	}
	switch {
	case w.Kind == declined && len(w.Signing)+len(w.Envelope)+len(w.Card) == 0:
		return Answer{Declined: true}, nil
	case w.Kind != accepted:
		return Answer{}, fmt.Errorf("%w: kind of answer", ErrInvitation)
	}
	e, err := envelope.Parse(w.Envelope)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	claims := e.Claims()
	private, err := key(claims.Recipient.Key)
	if err != nil {
		return Answer{}, err
	}
	opened, err := e.Open(private, w.Signing, envelope.Info{
		Context: i.context(answerEpoch), Commitment: claims.Commitment,
		Recipient: MemberRecipient(i.Inviter, private.Public()), Sender: claims.Sender,
	})
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	defer opened.Destroy()
	text, err := opened.Unseal(wire.LabelInviteCard, w.Card, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	card, err := officer.DecodeCardFile(text)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	// Whoever signed the envelope is whose card it is.
	if d := card.Card.Device(); d.ID() != claims.Sender || !bytes.Equal(d.Signing, w.Signing) || !bytes.Equal(card.Encode(), text) {
		return Answer{}, fmt.Errorf("%w: somebody else's card", ErrInvitation)
	}
	return Answer{Card: card}, nil
}

// sealMail encodes, pads and seals what one side leaves for the other.
func (i *Invitation) sealMail(label string, v any) ([]byte, error) {
	b := append(wire.MustMarshal(v), 0x80)
	b = append(b, make([]byte, (invitationStep-len(b)%invitationStep)%invitationStep)...)
	if len(b) > maxInvitationMail {
		return nil, fmt.Errorf("%w: %w", ErrInvitation, wire.ErrTooLarge)
	}
	sealed, err := i.key.Seal(label, b, nil)
	if err != nil {
		return nil, err
	}
	return wire.MustMarshal(mailWire{Version: wire.Version, Sealed: sealed}), nil
}

func (i *Invitation) openMail(label string, b []byte, v any) error {
	if len(b) > wire.MaxMail {
		return fmt.Errorf("%w: %w", ErrInvitation, wire.ErrTooLarge)
	}
	if err := wire.CheckVersion(b, "mail of an invitation", mailParts); err != nil {
		return fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	var w mailWire
	if err := wire.Unmarshal(b, &w, wire.MaxMail); err != nil {
		return fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	plain, err := i.key.Unseal(label, w.Sealed, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	body := bytes.TrimRight(plain, "\x00")
	if len(plain) > maxInvitationMail || len(plain)%invitationStep != 0 || len(plain)-len(body) >= invitationStep || !bytes.HasSuffix(body, []byte{0x80}) {
		return fmt.Errorf("%w: padding", ErrInvitation)
	}
	if err := wire.Unmarshal(body[:len(body)-1], v, maxInvitationMail); err != nil {
		return fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	return nil
}
