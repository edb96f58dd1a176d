package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonCosigned struct {
	Changes  []jsonChange `json:"changes"`
	SignedBy []string     `json:"signed_by"`
	Missing  int          `json:"missing"`
	Out      string       `json:"out"`
}

func newPolicyCosignCommand(a *app) *cobra.Command {
	var from, out string
	var force, yes bool
	c := &cobra.Command{
		Use: "cosign --from FILE --out FILE", Short: "Sign a policy that another officer proposes", Args: noArgs,
		Long: `Sign a policy that another officer proposes. Everything that it changes is shown,
and asked. Speak with whoever proposes it: a lower threshold means that fewer of
you can open what a colleague can.`,
		Example: "underseal policy cosign --from proposal.txt --out signed-by-dora.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.canConfirm(yes); err != nil {
				return err
			}
			p, err := a.readProposal(from)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if err := a.sayProposal(cmd.Context(), w, p); err != nil {
					return err
				}
				if err := a.confirm(cmd.Context(), yes, "Do you agree, and sign it?"); err != nil {
					return err
				}
				if p, err = w.CosignPolicy(p); err != nil {
					return err
				}
				if err := a.writeOutput(out, force, p.Encode()); err != nil {
					return err
				}
				j, err := a.jsonCosignedOf(cmd.Context(), w, p)
				if err != nil {
					return err
				}
				if j.Out = out; a.json {
					a.printJSON(j, nil)
				}
				if out != "-" {
					a.say("wrote %s", term.Escape(out))
				}
				a.next("give it back to whoever proposed it: underseal policy set --cosigned FILE")
				return nil
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "the proposal in a `FILE`, or - for standard input")
	c.Flags().StringVar(&out, "out", "", "`FILE` to write, or - for standard output")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it exists")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	required(c, "from", "out")
	must(c.RegisterFlagCompletionFunc("from", files))
	must(c.RegisterFlagCompletionFunc("out", files))
	return c
}

func (a *app) readProposal(name string) (p officer.PolicyProposal, err error) {
	text, err := a.readSmall(name, officer.MaxProposalText)
	if err != nil {
		return p, err
	}
	if p, err = officer.DecodePolicyProposal(text); err != nil {
		return p, fmt.Errorf("%s: %w", nameOf(name), err)
	}
	return p, nil
}

func (a *app) jsonCosignedOf(ctx context.Context, w *workspace.Workspace, p officer.PolicyProposal) (jsonCosigned, error) {
	j := jsonCosigned{Changes: changesOf(w.Policy(), p.Policy), SignedBy: []string{}}
	signers, err := w.CheckProposal(p)
	if err != nil {
		return j, err
	}
	x := newWords(ctx, w)
	for _, m := range signers {
		j.SignedBy = append(j.SignedBy, x.member(m))
	}
	j.Missing = max(0, w.CosignersOf(p.Policy)-len(signers))
	return j, nil
}

// sayProposal shows everything that a proposal changes, and who has signed it.
func (a *app) sayProposal(ctx context.Context, w *workspace.Workspace, p officer.PolicyProposal) error {
	j, err := a.jsonCosignedOf(ctx, w, p)
	if err != nil {
		return err
	}
	a.say("the policy would change:")
	a.sayChanges(j.Changes)
	for _, who := range j.SignedBy {
		a.say("  signed by       %s", who)
	}
	return nil
}

func (a *app) setCosigned(ctx context.Context, w *workspace.Workspace, o *policySet) error {
	var copies []officer.PolicyProposal
	for _, name := range o.cosigned {
		p, err := a.readProposal(name)
		if err != nil {
			return err
		}
		copies = append(copies, p)
	}
	next := copies[0].Policy
	j := jsonPolicySet{jsonPolicy: jsonPolicyOf(next), Changes: changesOf(w.Policy(), next), Signers: w.CosignersOf(next)}
	if len(j.Changes) == 0 && copies[0].Organization == w.Organization() {
		a.say("the policy says so already")
		return a.policyDone(j, true)
	}
	for _, p := range copies {
		if err := a.sayProposal(ctx, w, p); err != nil {
			return err
		}
	}
	if err := a.confirm(ctx, o.yes, "Set it?"); err != nil {
		return err
	}
	if err := w.SetCosignedPolicy(ctx, copies...); err != nil {
		return err
	}
	a.say("set the policy")
	return a.policyDone(j, true)
}
