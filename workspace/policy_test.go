package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// officersFirm has officers alice, dora and ed, and the member bob.
func officersFirm(t *testing.T) *workspacetest.Firm {
	t.Helper()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "ed", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	return f
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := officersFirm(t)
	p := officer.DefaultPolicy()
	if !f.Open("bob").Policy().Same(p) {
		t.Error("not the default")
	}
	three := p
	three.Officers, three.Recovery, three.Groups = 3, 3, officer.RoleMember
	must(t, f.Open("alice").SetPolicy(ctx, p, three))
	must(t, f.Open("dora").SetPolicy(ctx, p, three)) // is so already
	if !f.Open("bob").Policy().Same(three) {
		t.Error("not set")
	}
	other := p
	other.Guests = officer.RoleMember
	if err := f.Open("alice").SetPolicy(ctx, p, other); !errors.Is(err, workspace.ErrPolicyChanged) {
		t.Errorf("looked at another: %v", err)
	}
	low := three
	low.Recovery = 2
	if n := f.Open("alice").CosignersOf(low); n != 2 {
		t.Errorf("%d have to sign", n)
	}
	head := f.Open("alice").State().Head()
	if err := f.Open("alice").SetPolicy(ctx, three, low); !errors.Is(err, workspace.ErrCosignatures) {
		t.Errorf("lowered by one: %v", err)
	}
	// One after the other, or each a copy.
	proposal, err := f.Open("alice").ProposePolicy(low)
	must(t, err)
	proposal, err = officer.DecodePolicyProposal(proposal.Encode())
	must(t, err)
	byDora, err := f.Open("dora").CosignPolicy(proposal)
	must(t, err)
	twice, err := f.Open("dora").CosignPolicy(byDora)
	if err != nil || len(twice.Policy.Cosigned) != 1 {
		t.Errorf("signed twice: %v", err)
	}
	byBoth, err := f.Open("ed").CosignPolicy(byDora)
	must(t, err)
	byEd, err := f.Open("ed").CosignPolicy(proposal)
	must(t, err)
	byAlice, err := f.Open("alice").CosignPolicy(proposal)
	must(t, err)
	another := low
	another.Groups = officer.RoleOfficer
	different, err := f.Open("alice").ProposePolicy(another)
	must(t, err)
	forged := byDora
	forged.Policy.Cosigned = []officer.Cosignature{{Device: byDora.Policy.Cosigned[0].Device, Signature: make([]byte, 64)}}
	foreign := byBoth
	foreign.Organization[0] ^= 1
	for what, c := range map[string]struct {
		who    string
		copies []officer.PolicyProposal
		want   error
	}{
		"nobody signed":           {"alice", []officer.PolicyProposal{proposal}, workspace.ErrCosignatures},
		"one signed":              {"alice", []officer.PolicyProposal{byDora, byDora}, workspace.ErrCosignatures},
		"oneself":                 {"alice", []officer.PolicyProposal{byAlice, byDora}, workspace.ErrCosignatures},
		"two policies":            {"alice", []officer.PolicyProposal{byDora, different}, workspace.ErrProposals},
		"not their signature":     {"alice", []officer.PolicyProposal{forged, byEd}, officer.ErrAuthority},
		"of another organization": {"alice", []officer.PolicyProposal{foreign}, officer.ErrOrganization},
		"by a member":             {"bob", []officer.PolicyProposal{byBoth}, officer.ErrAuthority},
		"none":                    {"alice", nil, officer.ErrProposal},
	} {
		if err := f.Open(c.who).SetCosignedPolicy(ctx, c.copies...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.Open("bob").CosignPolicy(proposal); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member signs: %v", err)
	}
	if f.Open("alice").State().Head() != head {
		t.Fatal("something was written")
	}
	must(t, f.Open("alice").SetCosignedPolicy(ctx, byAlice, byEd, byDora))
	if !f.Open("bob").Policy().Same(low) {
		t.Error("not lowered")
	}
	must(t, f.Open("alice").SetCosignedPolicy(ctx, byBoth)) // is so already
	// Stale: the signatures count for one place in the log.
	must(t, f.Open("alice").SetPolicy(ctx, low, three))
	if err := f.Open("alice").SetCosignedPolicy(ctx, byBoth); !errors.Is(err, officer.ErrStaleProposal) {
		t.Errorf("stale: %v", err)
	}
	if _, err := f.Open("ed").CosignPolicy(byDora); !errors.Is(err, officer.ErrStaleProposal) {
		t.Errorf("signed when stale: %v", err)
	}
}

func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := officersFirm(t)
	p := officer.DefaultPolicy()
	for what, c := range map[string]struct {
		who    string
		change func(*officer.Policy)
		want   error
	}{
		"by a member":            {"bob", func(p *officer.Policy) { p.Groups = 2 }, officer.ErrAuthority},
		"too many officers":      {"alice", func(p *officer.Policy) { p.Officers = 4 }, workspace.ErrOfficers},
		"no officers":            {"alice", func(p *officer.Policy) { p.Officers = 0 }, workspace.ErrPolicy},
		"one recovers":           {"alice", func(p *officer.Policy) { p.Recovery = 1 }, workspace.ErrPolicy},
		"more than the officers": {"alice", func(p *officer.Policy) { p.Officers, p.Recovery = 2, 3 }, workspace.ErrPolicy},
		"a guest's role":         {"alice", func(p *officer.Policy) { p.Fields = officer.RoleGuest }, workspace.ErrPolicy},
		"names":                  {"alice", func(p *officer.Policy) { p.Names = 2 }, workspace.ErrPolicy},
	} {
		next := p
		c.change(&next)
		if err := f.Open(c.who).SetPolicy(ctx, p, next); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := f.Open(c.who).ProposePolicy(next); !errors.Is(err, c.want) {
			t.Errorf("%s, proposed: %v", what, err)
		}
	}
	if !f.Open("alice").Policy().Same(p) {
		t.Error("something was written")
	}
}
