package officer_test

import (
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/officer"
)

type proposalVector struct {
	Name, Rule, File string
	Organization     vectortest.Hex
	Log              []string
	Policy           []uint64
	Signers          []vectortest.Hex
}

// TestProposalVectors reads testdata/vectors/policy-proposal.json, which was
// made without this package.
func TestProposalVectors(t *testing.T) { //nolint:tparallel // it counts the rules
	t.Parallel()
	classes := vectortest.Classes{
		"Y-1": newer,
		"Y-2": vectortest.Is(officer.ErrProposal),
		"Y-3": vectortest.Is(officer.ErrProposal),
		"Y-4": vectortest.Is(officer.ErrOrganization),
		"Y-5": vectortest.Is(officer.ErrStaleProposal),
		"Y-6": vectortest.Is(officer.ErrAuthority),
	}
	var rules []string
	file := vectortest.Load[proposalVector](t, "policy-proposal")
	for _, v := range file.Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Rule+": "+v.Name, func(t *testing.T) {
			var log [][]byte
			for _, name := range v.Log {
				log = append(log, file.Entries[name])
			}
			state, err := officer.Replay(vectortest.Array[officer.OrganizationID](t, v.Organization), log)
			if err != nil {
				t.Fatal(err)
			}
			p, err := officer.DecodePolicyProposal([]byte(v.File))
			var signers []officer.MemberID
			if err == nil {
				signers, err = p.Signers(state)
			}
			classes.Check(t, v.Rule, err)
			if err == nil {
				v.same(t, p.Policy, signers)
			}
		})
	}
	classes.Used(t, rules)
}

func (v proposalVector) same(t *testing.T, p officer.Policy, signers []officer.MemberID) {
	t.Helper()
	got := []uint64{uint64(p.Fields), uint64(p.Folders), uint64(p.Groups), uint64(p.Guests), p.Officers, p.Recovery, p.Names}
	for i, n := range v.Policy {
		if got[i] != n {
			t.Errorf("policy %v", got)
		}
	}
	if len(v.Policy) != len(got) || len(signers) != len(v.Signers) {
		t.Fatalf("policy %v, signers %v", got, signers)
	}
	for i, want := range v.Signers {
		if signers[i] != vectortest.Array[officer.MemberID](t, want) {
			t.Errorf("signers %v", signers)
		}
	}
}
