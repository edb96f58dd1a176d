package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

var (
	// ErrPolicy: a policy that no organization could keep.
	ErrPolicy = errors.New("the policy contradicts itself")
	// ErrPolicyChanged: the policy in force is not the one that was looked at.
	ErrPolicyChanged = errors.New("somebody else has changed the policy meanwhile")
	// ErrCosignatures: a policy that only several officers can set.
	ErrCosignatures = errors.New("other officers have to sign this policy")
	// ErrProposals: proposals that are not copies of one.
	ErrProposals = errors.New("these are proposals of different policies")
	// ErrOfficers: the organization would have fewer officers than it asks for.
	ErrOfficers = errors.New("fewer officers than the policy asks for")
)

// Policy is the one in force. It comes from the verified log and from nowhere
// else (attacks 2, 5 and 34).
func (w *Workspace) Policy() officer.Policy { return w.state.Policy() }

// CosignersOf tells how many other officers have to sign a policy before the
// caller may set it: a lower threshold of recovery takes as many officers as it
// was, and the caller is one of them.
func (w *Workspace) CosignersOf(p officer.Policy) int { return cosigners(w.state, p) }

func cosigners(s *officer.State, p officer.Policy) int {
	if before := s.Policy().Recovery; p.Recovery < before {
		return int(before) - 1
	}
	return 0
}

// SetPolicy puts a policy in the place of the one that the caller has looked
// at, by an officer. It fails with ErrPolicyChanged where another one is in
// force by now, and with ErrCosignatures where it takes more officers, see
// ProposePolicy. A policy that is in force already is left.
func (w *Workspace) SetPolicy(ctx context.Context, looked, next officer.Policy) error {
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		switch err := w.checkPolicy(next); {
		case err != nil:
			return nil, err
		case a.State.Policy().Same(next):
			return nil, nil
		case !a.State.Policy().Same(looked):
			return nil, ErrPolicyChanged
		}
		if n := cosigners(a.State, next); n > 0 {
			return nil, fmt.Errorf("%w: %d, and you", ErrCosignatures, n)
		}
		return a.SetPolicy(next), nil
	})
}

// ProposePolicy makes the proposal of a policy for the present head. Nothing is
// changed: other officers sign it with CosignPolicy, and then one who has not
// sets it with SetCosignedPolicy. Any entry of anybody in between makes it
// stale.
func (w *Workspace) ProposePolicy(next officer.Policy) (officer.PolicyProposal, error) {
	if err := w.checkPolicy(next); err != nil {
		return officer.PolicyProposal{}, err
	}
	next.Cosigned = nil
	return officer.PolicyProposal{Organization: w.Organization(), Head: w.state.Head(), Policy: next}, nil
}

// CheckProposal tells who has signed a proposal, by an officer. It refuses one
// of another organization or head, one that no officer could set, and one with
// a signature that does not count.
func (w *Workspace) CheckProposal(p officer.PolicyProposal) ([]officer.MemberID, error) {
	signers, err := p.Signers(w.state)
	if err != nil {
		return nil, fmt.Errorf("proposal: %w", err)
	}
	return signers, w.checkPolicy(p.Policy)
}

// CosignPolicy adds the caller's signature to a proposal, every field of which
// they were shown. One that they have signed is left as it is.
func (w *Workspace) CosignPolicy(p officer.PolicyProposal) (officer.PolicyProposal, error) {
	signers, err := w.CheckProposal(p)
	if err != nil || slices.Contains(signers, w.me.Member()) {
		return p, err
	}
	a := w.author()
	p.Policy.Cosigned = append(slices.Clone(p.Policy.Cosigned), a.Cosign(p.Policy))
	return p, nil
}

// SetCosignedPolicy sets the policy of a proposal, of which each copy may bring
// other signatures. The caller's own is none of those that are needed.
func (w *Workspace) SetCosignedPolicy(ctx context.Context, copies ...officer.PolicyProposal) error {
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if len(copies) == 0 {
			return nil, officer.ErrProposal
		}
		first := copies[0]
		if err := w.requireOfficer(); err != nil {
			return nil, err
		}
		if first.Organization == w.Organization() && a.State.Policy().Same(first.Policy) {
			return nil, nil
		}
		var signatures []officer.Cosignature
		seen := map[officer.MemberID]bool{w.me.Member(): true}
		for _, p := range copies {
			if p.Organization != first.Organization || p.Head != first.Head || !p.Policy.Same(first.Policy) {
				return nil, ErrProposals
			}
			signers, err := w.CheckProposal(p)
			if err != nil {
				return nil, err
			}
			for i, m := range signers {
				if !seen[m] {
					seen[m] = true
					signatures = append(signatures, p.Policy.Cosigned[i])
				}
			}
		}
		if need := cosigners(a.State, first.Policy); len(signatures) < need {
			return nil, fmt.Errorf("%w: %d, and %d did", ErrCosignatures, need, len(signatures))
		}
		return a.SetPolicy(first.Policy, signatures...), nil
	})
}

// checkPolicy says in words why a policy would be refused; replay refuses it
// too. The signatures are another matter.
func (w *Workspace) checkPolicy(p officer.Policy) error {
	if err := w.requireOfficer(); err != nil {
		return err
	}
	for _, r := range []officer.Role{p.Fields, p.Folders, p.Groups, p.Guests} {
		if r != officer.RoleOfficer && r != officer.RoleMember {
			return fmt.Errorf("%w: a role that is neither officer nor member", ErrPolicy)
		}
	}
	switch {
	case p.Officers < 1:
		return fmt.Errorf("%w: an organization has an officer", ErrPolicy)
	case p.Recovery == 1:
		return fmt.Errorf("%w: one officer alone is no threshold of recovery", ErrPolicy)
	case p.Recovery > p.Officers:
		return fmt.Errorf("%w: a recovery by %d officers, and at least %d %s asked for", ErrPolicy, p.Recovery, p.Officers, are(p.Officers))
	case p.Names > 1:
		return fmt.Errorf("%w: names are readable or not", ErrPolicy)
	}
	if n := officers(w.state); n < p.Officers {
		return fmt.Errorf("%w: %d, and there %s %d", ErrOfficers, p.Officers, are(n), n)
	}
	return nil
}

func are(n uint64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// requireOfficer refuses everybody who is not an officer of the organization.
func (w *Workspace) requireOfficer() error {
	if err := w.requireMe(); err != nil {
		return err
	}
	if w.Me().Role != officer.RoleOfficer {
		return officer.ErrAuthority
	}
	return nil
}

// officers counts those who are there.
func officers(s *officer.State) (n uint64) {
	for _, m := range s.Members() {
		if m.Role == officer.RoleOfficer && !m.Removed {
			n++
		}
	}
	return n
}
