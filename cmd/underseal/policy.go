package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newPolicyCommand(a *app) *cobra.Command {
	return noun("policy", "What your organization's officers have decided", `What your organization's officers have decided: who may make fields, folders and
groups, who may let guests in, how many officers there have to be, and how many of
them recover a colleague. It is signed in the log, and taken from nowhere else.`,
		newPolicyShowCommand(a), newPolicySetCommand(a), newPolicyCosignCommand(a))
}

func policyRules() []rule {
	return []rule{
		{workspace.ErrPolicy, classInput, "see: underseal policy set --help"},
		{workspace.ErrPolicyChanged, classBusy, "look at it again: underseal policy show"},
		{workspace.ErrProposals, classInput, "give copies of one proposal, each signed by another officer"},
		{workspace.ErrCosignatures, classDenied, "write a proposal for them to sign: underseal policy set … --out FILE"},
		{workspace.ErrOfficers, classDenied, "make somebody an officer first: underseal member role EMAIL --role officer"},
		{officer.ErrStaleProposal, classInput, "make the proposal again: underseal policy set … --out FILE, and have it signed before anything else is done"},
		{officer.ErrProposal, classInput, "give the file as underseal policy set --out, or underseal policy cosign, wrote it"},
		{officer.ErrOrganization, classRefused, "it was made for another organization"},
	}
}

// setting is one value of a policy.
type setting struct {
	name    string // of the flag, and in --json
	values  string
	meaning string
	get     func(officer.Policy) string
	set     func(*officer.Policy, string) error
}

const (
	officersOnly = "officers"
	membersToo   = "members"
	namesSealed  = "sealed"
	namesPlain   = "readable"
)

// settings are all values of a policy, as people choose and read them.
func settings() []setting {
	role := func(name, meaning string, at func(*officer.Policy) *officer.Role) setting {
		return setting{
			name: name, values: officersOnly + ", or " + membersToo + " too", meaning: meaning,
			get: func(p officer.Policy) string {
				if *at(&p) == officer.RoleOfficer {
					return officersOnly
				}
				return membersToo
			},
			set: func(p *officer.Policy, s string) error {
				switch s {
				case officersOnly:
					*at(p) = officer.RoleOfficer
				case membersToo:
					*at(p) = officer.RoleMember
				default:
					return fmt.Errorf("--%s is %s or %s", name, officersOnly, membersToo)
				}
				return nil
			},
		}
	}
	number := func(name, values, meaning string, at func(*officer.Policy) *uint64) setting {
		return setting{
			name: name, values: values, meaning: meaning,
			get: func(p officer.Policy) string { return strconv.FormatUint(*at(&p), 10) },
			set: func(p *officer.Policy, s string) (err error) {
				if *at(p), err = strconv.ParseUint(s, 10, 8); err != nil {
					return fmt.Errorf("--%s is a number from 0 to 255", name)
				}
				return nil
			},
		}
	}
	return []setting{
		role("fields", "who may make fields", func(p *officer.Policy) *officer.Role { return &p.Fields }),
		role("folders", "who may make folders", func(p *officer.Policy) *officer.Role { return &p.Folders }),
		role("groups", "who may make groups", func(p *officer.Policy) *officer.Role { return &p.Groups }),
		role("guests", "who may let guests in", func(p *officer.Policy) *officer.Role { return &p.Guests }),
		number("officers", "1 to 255", "how many officers there are at least", func(p *officer.Policy) *uint64 { return &p.Officers }),
		number("recovery", "2 to 255, or 0 for none",
			"how many officers recover a colleague, at least", func(p *officer.Policy) *uint64 { return &p.Recovery }),
		{
			name: "document-names", values: namesSealed + " or " + namesPlain, meaning: "the names of documents in the outside system",
			get: func(p officer.Policy) string {
				if p.Names == 0 {
					return namesSealed
				}
				return namesPlain
			},
			set: func(p *officer.Policy, s string) error {
				switch s {
				case namesSealed:
					p.Names = 0
				case namesPlain:
					p.Names = 1
				default:
					return fmt.Errorf("--document-names is %s or %s", namesSealed, namesPlain)
				}
				return nil
			},
		},
	}
}

type jsonSetting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Meaning string `json:"meaning"`
}

type jsonPolicy struct {
	Policy []jsonSetting `json:"policy"`
}

func jsonPolicyOf(p officer.Policy) jsonPolicy {
	j := jsonPolicy{[]jsonSetting{}}
	for _, s := range settings() {
		j.Policy = append(j.Policy, jsonSetting{s.name, s.get(p), s.get(officer.DefaultPolicy()), s.meaning})
	}
	return j
}

func newPolicyShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what was decided, and what holds by default", Args: noArgs,
		Long: "Show what was decided, and what holds by default, in plain words.",
		RunE: a.withWorkspace(func(_ context.Context, w *workspace.Workspace, _ []string) error {
			j := jsonPolicyOf(w.Policy())
			if a.json {
				a.printJSON(j, nil)
				return nil
			}
			t := a.table()
			t.row("SETTING", "VALUE", "DEFAULT", "MEANING")
			for _, s := range j.Policy {
				t.row(s.Name, s.Value, s.Default, s.Meaning)
			}
			return t.flush()
		}),
	}
}

type jsonChange struct {
	Name    string `json:"name"`
	From    string `json:"from"`
	To      string `json:"to"`
	Meaning string `json:"meaning"`
}

func changesOf(from, to officer.Policy) []jsonChange {
	list := []jsonChange{}
	for _, s := range settings() {
		if b, c := s.get(from), s.get(to); b != c {
			list = append(list, jsonChange{s.name, b, c, s.meaning})
		}
	}
	return list
}

func (a *app) sayChanges(list []jsonChange) {
	for _, c := range list {
		a.say("  %-15s %s instead of %s: %s", c.Name, c.To, c.From, c.Meaning)
	}
}

type jsonPolicySet struct {
	jsonPolicy
	Changes []jsonChange `json:"changes"`
	Signers int          `json:"signers"`
	Out     string       `json:"out,omitempty"`
	Done    bool         `json:"done"`
}

// policySet is what underseal policy set was given.
type policySet struct {
	out        string
	force, yes bool
	cosigned   []string
	flags      *pflag.FlagSet
}

func newPolicySetCommand(a *app) *cobra.Command {
	o := &policySet{}
	c := &cobra.Command{
		Use: "set", Short: "Decide anew", Args: noArgs,
		Long: `Decide anew. What no flag names stays as it is. What changes is shown and
confirmed.

To lower the threshold of recovery takes as many officers as it was. With --out
the policy is written to a proposal; the others sign it with underseal policy
cosign, each on a copy or one after the other, and you give what they signed with
--cosigned. Nothing else may happen in the organization meanwhile.`,
		Example: `underseal policy set --officers 3 --recovery 2
  underseal policy set --recovery 0 --out proposal.txt
  underseal policy set --cosigned signed-by-dora.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.flags = cmd.Flags()
			changes := false
			for _, s := range settings() {
				if changes = changes || o.flags.Changed(s.name); o.flags.Changed(s.name) {
					p := officer.DefaultPolicy()
					if err := s.set(&p, o.flags.Lookup(s.name).Value.String()); err != nil {
						return &usageError{err, cmd}
					}
				}
			}
			switch {
			case changes == (len(o.cosigned) > 0):
				return &usageError{fmt.Errorf("give what is to change, or --cosigned with what others signed"), cmd}
			case len(o.cosigned) > 0 && o.out != "":
				return &usageError{fmt.Errorf("--out is for a proposal that nobody signed yet"), cmd}
			}
			if err := a.canConfirm(o.yes || o.out != ""); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if changes {
					return a.setPolicy(cmd.Context(), w, o)
				}
				return a.setCosigned(cmd.Context(), w, o)
			})
		},
	}
	for _, s := range settings() {
		c.Flags().String(s.name, "", s.meaning+": `VALUE` is "+s.values)
	}
	for _, f := range []string{"fields", "folders", "groups", "guests"} {
		choices(c, f, officersOnly, membersToo)
	}
	choices(c, "document-names", namesSealed, namesPlain)
	c.Flags().StringArrayVar(&o.cosigned, "cosigned", nil, "a proposal in a `FILE` that others signed; repeatable")
	c.Flags().StringVar(&o.out, "out", "", "write a proposal to `FILE`, or - for standard output, and change nothing")
	c.Flags().BoolVar(&o.force, "force", false, "replace the file if it exists")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	must(c.RegisterFlagCompletionFunc("out", files))
	must(c.RegisterFlagCompletionFunc("cosigned", files))
	return c
}

func (a *app) setPolicy(ctx context.Context, w *workspace.Workspace, o *policySet) error {
	looked := w.Policy()
	next := looked
	for _, s := range settings() {
		if !o.flags.Changed(s.name) {
			continue
		}
		if err := s.set(&next, o.flags.Lookup(s.name).Value.String()); err != nil {
			return err
		}
	}
	proposal, err := w.ProposePolicy(next)
	if err != nil {
		return err
	}
	need := w.CosignersOf(next)
	j := jsonPolicySet{jsonPolicy: jsonPolicyOf(next), Changes: changesOf(looked, next), Signers: need, Out: o.out}
	if len(j.Changes) == 0 {
		a.say("the policy says so already")
		return a.policyDone(j, o.out == "")
	}
	a.say("the policy would change:")
	a.sayChanges(j.Changes)
	if o.out != "" {
		if err := a.writeOutput(o.out, o.force, proposal.Encode()); err != nil {
			return err
		}
		if o.out != "-" {
			a.say("wrote %s; nothing was changed", term.Escape(o.out))
		}
		a.next("give it to %s, who types: underseal policy cosign --from FILE --out SIGNED", count(int64(need), "other officer", "other officers"))
		return a.policyDone(j, false)
	}
	if need > 0 {
		return fmt.Errorf("%w: %d, and you", workspace.ErrCosignatures, need)
	}
	if err := a.confirm(ctx, o.yes, "Set it?"); err != nil {
		return err
	}
	if err := w.SetPolicy(ctx, looked, next); err != nil {
		return err
	}
	a.say("set the policy")
	return a.policyDone(j, true)
}

func (a *app) policyDone(j jsonPolicySet, done bool) error {
	if j.Done = done; a.json {
		a.printJSON(j, nil)
	}
	return nil
}
