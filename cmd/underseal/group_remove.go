package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newGroupListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list [GROUP]", Short: "List the groups, or who is in one and what it can open", Args: optionalArg("GROUP"),
		Long: "List the groups with their members; or, of one, who is in it and what it can open.",
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if len(args) > 0 {
				g, err := w.Group(ctx, args[0])
				if err != nil {
					return err
				}
				return a.showGroup(jsonGroupOf(g))
			}
			out := jsonGroups{[]jsonGroup{}}
			for _, g := range w.Groups(ctx) {
				out.Groups = append(out.Groups, jsonGroupOf(g))
			}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			if len(out.Groups) == 0 {
				a.say("there are no groups yet")
				if w.Me() != nil {
					a.next("underseal group new NAME --member EMAIL")
				}
				return nil
			}
			t := a.table()
			t.row("GROUP", "EPOCH", "MEMBERS", "CAN OPEN")
			for _, g := range out.Groups {
				var who []string
				for _, m := range g.Members {
					who = append(who, shown(m.Email))
				}
				t.row(shown(g.Name), epochOf(g), strings.Join(who, ", "), whatItReads(g))
			}
			return t.flush()
		}),
	}
}

func epochOf(g jsonGroup) string {
	epoch := fmt.Sprint(g.Epoch)
	switch {
	case g.Ended:
		epoch += " (ended)"
	case g.Closed:
		epoch += " (closed)"
	}
	return epoch
}

func (a *app) showGroup(g jsonGroup) error {
	if a.json {
		a.printJSON(g, nil)
		return nil
	}
	t := a.table()
	t.row("MEMBER", "MANAGES IT")
	for _, m := range g.Members {
		manages := ""
		if m.Manages {
			manages = "yes"
		}
		t.row(shown(m.Email), manages)
	}
	if err := t.flush(); err != nil {
		return err
	}
	a.say("epoch             %s", epochOf(g))
	a.say("can open          %s", whatItReads(g))
	if g.Orphaned {
		a.say("nobody manages it; an officer lets somebody do it who is in it")
		a.next("underseal group add %s EMAIL --manages", arg(g.Name))
	}
	return nil
}

func newGroupRotateCommand(a *app) *cobra.Command {
	var past pastFlags
	c := &cobra.Command{
		Use: "rotate GROUP", Short: "Change the key of a group, or open a closed one again", Args: oneArg("GROUP"),
		Long: `Change the key of a group for all who are in it. It is what opens a group again
that was closed: by somebody who took a member or a device away and does not manage
the group. What the group is granted keeps its keys.` + pastLong + ` What
was sealed to the group meanwhile, somebody who reads it otherwise seals to it again:
underseal org catch-up --for-group GROUP.`,
		Example: "underseal group rotate Litigation",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if past.past {
				m, err := w.MissingGroupKey(ctx, args[0])
				if err != nil {
					return err
				}
				if _, err := a.goPast(ctx, w, past.yes, m); err != nil {
					return err
				}
				return a.printGroup(ctx, w, args[0])
			}
			if err := w.RotateGroup(ctx, args[0]); err != nil {
				return manageHint(ctx, w, args[0], err)
			}
			a.say("changed the key of group %s", term.Escape(args[0]))
			return a.printGroup(ctx, w, args[0])
		}),
	}
	past.add(c, "go on without the present key, which is missing here")
	return c
}

type jsonGroupRemoval struct {
	Group     string   `json:"group"`
	Name      string   `json:"name"`
	Member    string   `json:"member"`
	Email     string   `json:"email"`
	Rotated   []string `json:"rotated"`
	Closed    []string `json:"closed"`
	Keeps     []string `json:"keeps"`
	Envelopes int      `json:"envelopes"`
	Skipped   int      `json:"skipped"`
	jsonValuesLeft
	Done bool `json:"done"`
}

func newGroupRemoveCommand(a *app) *cobra.Command {
	var dryRun, yes bool
	c := &cobra.Command{
		Use: "remove GROUP EMAIL", Short: "Take somebody out of a group, and change every key it has", Args: twoArgs("GROUP", "EMAIL"),
		Long: `Take somebody out of a group. The group's key and the keys of everything that it
is granted are changed in the same step, for those who stay; what you cannot give
new keys is closed, until somebody with the share right opens it again. What they
could open before, they may have kept.`,
		Example: "underseal group remove Litigation bob@example.com --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.canConfirm(yes || dryRun); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				return a.removeFromGroup(cmd.Context(), w, args[0], args[1], dryRun, yes)
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what it would do, and change nothing")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) removeFromGroup(ctx context.Context, w *workspace.Workspace, group, email string, dryRun, yes bool) error {
	r, err := w.PlanGroupRemoval(ctx, group, email)
	if err != nil {
		return takenOutHint(ctx, w, group, err)
	}
	// Now: afterwards the group may be none that they read.
	x, left := newWords(ctx, w), a.valuesLeft(ctx, w, r.Renewal)
	if !a.json {
		a.sayGroupRemoval(x, r, left)
	}
	if !dryRun {
		if err := a.confirm(ctx, yes, "Take them out, and change these keys?"); err != nil {
			return err
		}
		if r, err = w.RemoveFromGroup(ctx, group, email); err != nil {
			return takenOutHint(ctx, w, group, err)
		}
	}
	if a.json {
		a.printJSON(jsonGroupRemovalOf(x, r, left, !dryRun), nil)
	}
	if dryRun {
		a.say("nothing was changed")
		return nil
	}
	a.say("took %s out of group %s", term.Escape(email), term.Escape(r.Group.NameText))
	if len(r.ClosedGroups)+len(r.Closed) > 0 {
		a.next("tell those who share what is closed, or manage the group; they type: underseal org catch-up")
	}
	return nil
}

// managers are those who manage a group, besides the caller.
func managers(g workspace.GroupInfo, besides officer.MemberID) []string {
	var list []string
	for _, m := range jsonGroupOf(g).Members {
		switch {
		case !m.Manages || m.Member == besides.String():
		case m.Email == "":
			list = append(list, "member "+m.Member[:shortID])
		default:
			list = append(list, m.Email)
		}
	}
	return list
}

// manageHint says who manages a group, where that is what the caller does not do.
func manageHint(ctx context.Context, w *workspace.Workspace, group string, err error) error {
	if !errors.Is(err, workspace.ErrNotGranted) && !errors.Is(err, officer.ErrAuthority) {
		return err
	}
	g, failed := w.Group(ctx, group)
	if failed != nil || g.Manages(w.Me().ID) {
		return err
	}
	if list := managers(g, w.Me().ID); len(list) > 0 {
		return withHint(err, "ask who manages the group: "+term.EscapeTo(strings.Join(list, ", "), maxMessage))
	}
	return withHint(err, fmt.Sprintf("nobody manages it; an officer lets somebody do it who is in it: underseal group add %s EMAIL --manages", arg(group)))
}

// takenOutHint says who takes somebody out of a group whom the caller cannot.
func takenOutHint(ctx context.Context, w *workspace.Workspace, group string, err error) error {
	me := w.Me()
	switch self := errors.Is(err, workspace.ErrSelf); {
	case self && me.Role == officer.RoleOfficer:
		return withHint(err, "another officer takes you out: whoever does it knows none of the new keys that you could know")
	case !self && !errors.Is(err, officer.ErrAuthority):
		return err
	}
	hint := "ask an officer"
	if g, failed := w.Group(ctx, group); failed == nil && (errors.Is(err, workspace.ErrSelf) || !g.Manages(me.ID)) {
		if list := managers(g, me.ID); len(list) > 0 {
			hint += ", or, for who is no officer, who manages the group: " + term.EscapeTo(strings.Join(list, ", "), maxMessage)
		}
	}
	return withHint(err, hint)
}

func jsonGroupRemovalOf(x *words, r workspace.GroupRemoval, left jsonValuesLeft, done bool) jsonGroupRemoval {
	j := jsonGroupRemoval{
		Group: r.Group.ID.String(), Name: r.Group.NameText, Member: r.Member.ID.String(), Email: r.Member.EmailText,
		Rotated: x.keys(r.RotatedGroups, r.Rotated), Closed: x.keys(r.ClosedGroups, r.Closed), Keeps: []string{},
		Envelopes: r.Envelopes, Skipped: r.Skipped, jsonValuesLeft: left, Done: done,
	}
	for _, k := range r.Keeps {
		j.Keeps = append(j.Keeps, x.fields[k.Resource.ID])
	}
	return j
}

// sayGroupRemoval is the plan, for the person who confirms it.
func (a *app) sayGroupRemoval(x *words, r workspace.GroupRemoval, left jsonValuesLeft) {
	a.say("%s leaves group %s", shown(r.Member.EmailText), shown(r.Group.NameText))
	if list := x.keys(r.RotatedGroups, r.Rotated); len(list) > 0 {
		a.say("  get a new key     %s", strings.Join(list, ", "))
	}
	if list := x.keys(r.ClosedGroups, r.Closed); len(list) > 0 {
		a.say("  are closed        %s, until somebody who shares them, or manages the group, opens them again", strings.Join(list, ", "))
	}
	a.sayEnvelopes(r.Renewal)
	a.sayValuesLeft(left)
	for _, k := range r.Keeps {
		how := "by a grant of their own"
		if k.Through != nil {
			how = "through another group"
		}
		a.say("  they still open   %s, %s", x.fields[k.Resource.ID], how)
	}
}

// twoArgs wants two arguments.
func twoArgs(one, two string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 {
			return nil
		}
		err := fmt.Errorf("%s needs a %s and an %s, and got %d", called(cmd), one, two, len(args))
		if len(args) < 2 {
			return err
		}
		return withHint(err, `put quotes round what has spaces: "like this"`)
	}
}
