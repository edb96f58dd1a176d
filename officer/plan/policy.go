package plan

import (
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// SetPolicy sets the organization's policy, with the signatures that others
// gave for it, see Cosign. The signatures count at the present head alone.
func (a Author) SetPolicy(policy officer.Policy, cosigned ...officer.Cosignature) *Plan {
	policy.Cosigned = cosigned
	return &Plan{Operations: []officer.Operation{&policy}}
}

// Cosign is an officer's signature under a policy that another officer is about
// to set as the next entry. Whoever signs has looked at every field of it.
func (a Author) Cosign(policy officer.Policy) officer.Cosignature {
	payload := policy.Payload(a.State.Organization(), a.State.Head())
	return officer.Cosignature{Device: a.Device.ID(), Signature: a.Device.Sign(wire.LabelPolicy, payload)}
}

// WithdrawInvitation ends an invitation that nobody has answered.
func (a Author) WithdrawInvitation(invite officer.Hash) (*Plan, error) {
	if a.State.InvitationSpent(invite) {
		return nil, fmt.Errorf("invitation: %w", officer.ErrDuplicate)
	}
	return &Plan{Operations: []officer.Operation{&officer.InvitationWithdrawn{Invite: invite}}}, nil
}

// AddInvited is AddMember for who answered an invitation, which is spent by
// it, and lets them into groups whose present seeds are given.
func (a Author) AddInvited(
	card officer.CardFile, role officer.Role, expires time.Time, invite officer.Hash, directory *Key, groups ...*Key,
) (*Plan, error) {
	if a.State.InvitationSpent(invite) {
		return nil, fmt.Errorf("invitation: %w", officer.ErrDuplicate)
	}
	p, err := a.AddMember(card, role, expires, directory)
	if err != nil {
		return nil, err
	}
	p.Operations[0].(*officer.MemberAdded).Invite = invite[:]
	for _, seed := range groups {
		p.Operations = append(p.Operations, &officer.GroupMemberAdded{
			Group: officer.GroupID(seed.Context().Resource), Member: card.Card.ID(), Rights: officer.Read,
		})
		// As for the directory: the log learns this key from this very entry.
		if err := a.seal(p, seed, officer.MemberPrincipal(card.Card.ID()), card.Card.UserKey()); err != nil {
			return nil, err
		}
	}
	return p, nil
}
