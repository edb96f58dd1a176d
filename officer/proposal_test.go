package officer_test

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// proposalOf is a proposal for an organization's present head, signed by some.
func proposalOf(o *officertest.Org, words string) officer.PolicyProposal {
	p, _ := o.Op(words).(*officer.Policy)
	return officer.PolicyProposal{Organization: o.State.Organization(), Head: o.State.Head(), Policy: *p}
}

func TestPolicyProposal(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: add olga as officer; add omar as officer; add bob as member",
		"alice: policy officers=3 recovery=3",
	)
	p := proposalOf(base, "policy recovery=2 by=olga,omar")
	text := p.Encode()
	read, err := officer.DecodePolicyProposal(append([]byte("Dear Omar,\r\n"), append(text, "Olga\n"...)...))
	if err != nil || string(read.Encode()) != string(text) {
		t.Fatalf("read and written again: %v", err)
	}
	signers, err := read.Signers(base.State)
	if err != nil || len(signers) != 2 || signers[0] != base.Person("olga").ID() {
		t.Errorf("signed by %v, %v", signers, err)
	}
	if !read.Policy.Same(proposalOf(base, "policy recovery=2").Policy) || read.Policy.Same(proposalOf(base, "policy recovery=0").Policy) {
		t.Error("which policies are the same")
	}
	foreign, later, altered := p, p, p
	foreign.Organization[0] ^= 1
	later.Head.Length++
	altered.Policy.Names = 1
	for what, c := range map[string]struct {
		p    officer.PolicyProposal
		want error
	}{
		"of another organization": {foreign, officer.ErrOrganization},
		"for another head":        {later, officer.ErrStaleProposal},
		"altered when signed":     {altered, officer.ErrAuthority},
		"signed by a member":      {proposalOf(base, "policy recovery=2 by=bob"), officer.ErrAuthority},
		"signed twice":            {proposalOf(base, "policy recovery=2 by=olga,olga"), officer.ErrAuthority},
	} {
		if _, err := c.p.Signers(base.State); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := p.Signers(base.Fork().Do("bob: rotate user bob").State); !errors.Is(err, officer.ErrStaleProposal) {
		t.Errorf("after another entry: %v", err)
	}
	block, _ := pem.Decode(text)
	invalid := p
	invalid.Policy.Recovery = 200
	newer := append([]byte(nil), block.Bytes...)
	newer[1] = 2
	for what, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":           {"", officer.ErrProposal},
		"two":               {string(text) + string(text), officer.ErrProposal},
		"a card":            {string(base.Person("alice").File.Encode()), officer.ErrProposal},
		"cut":               {string(text[:len(text)/2]), officer.ErrProposal},
		"a letter less":     {strings.Replace(string(text), "A", "", 1), officer.ErrProposal},
		"too long":          {string(text) + strings.Repeat(" ", officer.MaxProposalText), wire.ErrTooLarge},
		"no policy":         {string(invalid.Encode()), officer.ErrProposal},
		"of a later format": {string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: newer})), officer.ErrProposal},
		"more behind":       {string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: append(block.Bytes, 0)})), officer.ErrProposal},
	} {
		if _, err := officer.DecodePolicyProposal([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var version *wire.VersionError
	if _, err := officer.DecodePolicyProposal(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: newer})); !errors.As(err, &version) {
		t.Errorf("a later format is not named: %v", err)
	}
}

func FuzzDecodePolicyProposal(f *testing.F) {
	base := officertest.New(f, "alice").Do("alice: add olga as officer")
	f.Add(proposalOf(base, "policy officers=2 recovery=2 by=olga").Encode())
	f.Add([]byte("-----BEGIN UNDERSEAL POLICY PROPOSAL-----\nhQFA\n-----END UNDERSEAL POLICY PROPOSAL-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := officer.DecodePolicyProposal(b)
		if err != nil {
			return
		}
		again, err := officer.DecodePolicyProposal(p.Encode())
		if err != nil || string(again.Encode()) != string(p.Encode()) {
			t.Fatalf("the proposal written again differs: %v", err)
		}
		_, _ = p.Signers(base.State) // refuses or not, and does not fall over
	})
}
