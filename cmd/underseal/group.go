package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newGroupCommand(a *app) *cobra.Command {
	return noun("group", "Groups of people who are granted things together", `Groups of people who are granted things together: what a group is granted, all
who are in it can open.`,
		newGroupNewCommand(a), newGroupAddCommand(a), newGroupRemoveCommand(a), newGroupListCommand(a), newGroupRotateCommand(a))
}

func groupRules() []rule {
	return []rule{
		{workspace.ErrNotInGroup, classInput, "see: underseal group list GROUP"},
	}
}

type jsonGroupMember struct {
	Email   string `json:"email"`
	Member  string `json:"member"`
	Manages bool   `json:"manages"`
}

type jsonGroupGrant struct {
	Kind     string   `json:"kind"`
	Label    string   `json:"label"`
	Resource string   `json:"resource"`
	Rights   []string `json:"rights"`
}

type jsonGroup struct {
	Name     string            `json:"name"`
	Group    string            `json:"group"`
	Epoch    uint64            `json:"epoch"`
	Closed   bool              `json:"closed"`
	Ended    bool              `json:"ended"`
	Orphaned bool              `json:"orphaned"`
	Members  []jsonGroupMember `json:"members"`
	Grants   []jsonGroupGrant  `json:"grants"`
}

type jsonGroups struct {
	Groups []jsonGroup `json:"groups"`
}

func jsonGroupOf(g workspace.GroupInfo) jsonGroup {
	j := jsonGroup{
		Name: g.NameText, Group: g.ID.String(), Epoch: g.Epoch().Number, Closed: g.Epoch().Closed,
		Ended: g.Ended(), Orphaned: !g.Ended() && g.Orphaned(), Members: []jsonGroupMember{},
	}
	for _, m := range g.People {
		j.Members = append(j.Members, jsonGroupMember{Email: m.EmailText, Member: m.Member.String(), Manages: m.Rights.Has(officer.Share)})
	}
	slices.SortFunc(j.Members, func(a, b jsonGroupMember) int {
		return cmp.Or(strings.Compare(a.Email, b.Email), strings.Compare(a.Member, b.Member))
	})
	j.Grants = jsonGrants(g.Reads)
	return j
}

func jsonGrants(list []workspace.GroupReads) []jsonGroupGrant {
	out := []jsonGroupGrant{}
	for _, r := range list {
		out = append(out, jsonGroupGrant{
			Kind: string(r.Kind), Label: r.LabelText, Resource: r.ID.String(), Rights: rightsList(r.Rights),
		})
	}
	return out
}

// printGroup prints a group that was just changed, as JSON.
func (a *app) printGroup(ctx context.Context, w *workspace.Workspace, name string) error {
	g, err := w.Group(ctx, name)
	if err == nil && a.json {
		a.printJSON(jsonGroupOf(g), nil)
	}
	return err
}

// whatItReads lists what a group is granted, for a sentence.
func whatItReads(g jsonGroup) string { return grantsInWords(g.Grants, "nothing so far") }

func grantsInWords(grants []jsonGroupGrant, none string) string {
	var list []string
	for _, r := range grants {
		what := r.Kind + " " + shown(r.Label)
		if r.Kind == string(workspace.ThingDirectory) {
			what = "the directory"
		}
		list = append(list, fmt.Sprintf("%s (%s)", what, strings.Join(r.Rights, ", ")))
	}
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}

func newGroupNewCommand(a *app) *cobra.Command {
	var members []string
	c := &cobra.Command{
		Use: "new NAME", Short: "Make a group, which you manage", Args: oneArg("NAME"),
		Long: `Make a group, which you manage. You are in it: whoever makes a group knows its
key. It is granted nothing until somebody grants it something.`,
		Example: "underseal group new Litigation --member bob@example.com --member carol@example.com",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if err := w.NewGroup(ctx, args[0], members); err != nil {
				return err
			}
			g, err := w.Group(ctx, args[0])
			if err != nil {
				return err
			}
			a.say("made group %s of %s", term.Escape(args[0]), count(int64(len(g.Members)), "member", "members"))
			a.next("underseal field grant FIELD --to-group %s", arg(args[0]))
			return a.printGroup(ctx, w, args[0])
		}),
	}
	c.Flags().StringArrayVar(&members, "member", nil, "the `EMAIL` of somebody to be in it; repeatable")
	return c
}

func newGroupAddCommand(a *app) *cobra.Command {
	var manages, dryRun bool
	c := &cobra.Command{
		Use: "add GROUP EMAIL", Short: "Let somebody into a group", Args: twoArgs("GROUP", "EMAIL"),
		Long: `Let somebody into a group. They can open everything that the group is granted,
with all that was sealed in it before. With --manages they also let others in, take
them out and change its key; --manages=false takes that from somebody who is in it.

With --dry-run it says what they could open then and cannot now, and changes nothing.

Only who manages a group can do that. In a group that nobody manages any more, an
officer lets somebody manage it who is in it already.`,
		Example: "underseal group add Litigation carol@example.com --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, rights := cmd.Context(), officer.Rights(0)
			switch {
			case manages:
				rights = officer.Read | officer.Share
			case cmd.Flags().Changed("manages"):
				rights = officer.Read
			}
			return a.with(ctx, func(w *workspace.Workspace) error {
				if dryRun {
					return a.planGroupAddition(ctx, w, args[0], args[1], rights)
				}
				if err := w.AddToGroup(ctx, args[0], args[1], rights); err != nil {
					return manageHint(ctx, w, args[0], err)
				}
				g, err := w.Group(ctx, args[0])
				if err != nil {
					return err
				}
				how := "is in"
				if slices.ContainsFunc(g.People, func(m workspace.GroupMemberInfo) bool {
					return strings.EqualFold(m.EmailText, args[1]) && m.Rights.Has(officer.Share)
				}) {
					how = "manages"
				}
				a.say("%s %s group %s", term.Escape(args[1]), how, term.Escape(g.NameText))
				a.say("  they can open     %s", whatItReads(jsonGroupOf(g)))
				if len(g.Reads) > 0 {
					a.say("  what was sealed in these before included")
				}
				return a.printGroup(ctx, w, args[0])
			})
		},
	}
	c.Flags().BoolVar(&manages, "manages", false, "they manage the group, too")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what they could open, and change nothing")
	return c
}

// jsonGroupAddition is what an addition would do.
type jsonGroupAddition struct {
	Group   string           `json:"group"`
	Name    string           `json:"name"`
	Member  string           `json:"member"`
	Email   string           `json:"email"`
	Manages bool             `json:"manages"`
	Opens   []jsonGroupGrant `json:"opens"`         // and cannot now
	Opened  []jsonGroupGrant `json:"opens_already"` // and can now
	Done    bool             `json:"done"`
}

func (a *app) planGroupAddition(ctx context.Context, w *workspace.Workspace, group, email string, rights officer.Rights) error {
	r, err := w.PlanGroupAddition(ctx, group, email, rights)
	if err != nil {
		return manageHint(ctx, w, group, err)
	}
	j := jsonGroupAddition{
		Group: r.Group.ID.String(), Name: r.Group.NameText, Member: r.Member.ID.String(), Email: r.Member.EmailText,
		Manages: r.Rights.Has(officer.Share), Opens: jsonGrants(r.Opens), Opened: jsonGrants(r.Opened),
	}
	if a.json {
		a.printJSON(j, nil)
		return nil
	}
	how := "would be in"
	if j.Manages {
		how = "would manage"
	}
	a.say("%s %s group %s", shown(j.Email), how, shown(j.Name))
	a.say("  could open then   %s", grantsInWords(j.Opens, "nothing that they cannot open now"))
	if len(j.Opens) > 0 {
		a.say("  what was sealed in these before included")
	}
	if len(j.Opened) > 0 {
		a.say("  can open already  %s", grantsInWords(j.Opened, ""))
	}
	a.say("nothing was changed")
	return nil
}
