package officer

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// Reasons for which a proposal is refused.
var (
	ErrProposal      = errors.New("not a valid proposal of a policy")
	ErrStaleProposal = errors.New("the log has gone on since the proposal was made")
)

// PolicyProposal is a policy that takes several officers' signatures, as it goes
// from one to the next: PEM around CBOR[version, organization, length, hash,
// policy] (spec/policy-proposal.md). Its signatures count at one head of one log.
type PolicyProposal struct {
	Organization OrganizationID
	Head         Head   // the one that the policy's entry comes after
	Policy       Policy // with the signatures so far
}

type proposalWire struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Organization OrganizationID
	Length       uint64
	Hash         Hash
	Policy       Policy
}

const (
	proposalParts = 5
	proposalPEM   = "UNDERSEAL POLICY PROPOSAL"
	// maxProposal fits the signatures of as many officers as there may be, of
	// 103 bytes each.
	maxProposal = 32 << 10
	// MaxProposalText fits the text of every proposal: base64 and line breaks.
	MaxProposalText = 2 * maxProposal
)

// Same tells whether two policies say the same, whoever has signed them.
func (p Policy) Same(q Policy) bool {
	p.Cosigned, q.Cosigned = nil, nil
	return bytes.Equal(wire.MustMarshal(p), wire.MustMarshal(q))
}

// Encode returns the proposal's text.
func (p PolicyProposal) Encode() []byte {
	b := wire.MustMarshal(proposalWire{
		Version: wire.Version, Organization: p.Organization, Length: p.Head.Length, Hash: p.Head.Hash, Policy: p.Policy,
	})
	return pem.EncodeToMemory(&pem.Block{Type: proposalPEM, Bytes: b})
}

// DecodePolicyProposal reads a proposal's text and checks its form. What it
// proposes, and who signed it, [PolicyProposal.Signers] holds against a log.
func DecodePolicyProposal(text []byte) (PolicyProposal, error) {
	if len(text) > MaxProposalText {
		return PolicyProposal{}, fmt.Errorf("%w: %w", ErrProposal, wire.ErrTooLarge)
	}
	content, err := textBlock(text, proposalPEM, ErrProposal)
	if err != nil {
		return PolicyProposal{}, err
	}
	if err := wire.CheckVersion(content, "policy proposal", proposalParts); err != nil {
		return PolicyProposal{}, fmt.Errorf("%w: %w", ErrProposal, err)
	}
	var w proposalWire
	if err := wire.Unmarshal(content, &w, maxProposal); err != nil {
		return PolicyProposal{}, fmt.Errorf("%w: %w", ErrProposal, err)
	}
	if !w.Policy.valid() || len(w.Policy.Cosigned) > maxOfficers {
		return PolicyProposal{}, fmt.Errorf("%w: policy", ErrProposal)
	}
	return PolicyProposal{Organization: w.Organization, Head: Head{Length: w.Length, Hash: w.Hash}, Policy: w.Policy}, nil
}

// Signers returns the officers who signed a proposal for the present head of a
// log, in the order of their signatures. It refuses a proposal of another
// organization or head, and one with a signature that replay would refuse.
func (p PolicyProposal) Signers(s *State) ([]MemberID, error) {
	switch {
	case p.Organization != s.org:
		return nil, ErrOrganization
	case p.Head != s.head:
		return nil, ErrStaleProposal
	}
	return p.Policy.signers(s)
}

// signers checks the signatures under a policy that follows a state's head.
func (p Policy) signers(s *State) (list []MemberID, err error) {
	payload := p.Payload(s.org, s.head)
	signed := map[MemberID]struct{}{}
	for _, c := range p.Cosigned {
		d := s.devices[c.Device]
		if d == nil || d.Removed || s.members[d.Member].Role != RoleOfficer {
			return nil, fmt.Errorf("%w: a signature that is not an officer's", ErrAuthority)
		}
		if _, twice := signed[d.Member]; twice {
			return nil, fmt.Errorf("%w: two signatures of one officer", ErrAuthority)
		}
		signed[d.Member] = struct{}{}
		if pubkey.Verify(d.Record.Signing, wire.LabelPolicy, payload, c.Signature) != nil {
			return nil, fmt.Errorf("%w: an officer's signature that does not verify", ErrAuthority)
		}
		list = append(list, d.Member)
	}
	return list, nil
}
