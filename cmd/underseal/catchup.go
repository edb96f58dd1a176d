package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/workspace"
)

type jsonCaughtUp struct {
	Opened   []string `json:"opened"`
	Sealed   int      `json:"sealed"`
	Waiting  []string `json:"waiting"`
	Missed   []string `json:"missed"`
	GonePast []string `json:"gone_past,omitempty"`
}

func newOrgCatchUpCommand(a *app) *cobra.Command {
	var past pastFlags
	var who principalFlags
	c := &cobra.Command{
		Use: "catch-up", Short: "Open what removals closed, and seal what others missed", Args: noArgs,
		Long: `Open what removals closed and waits for you, because you share it or manage the
group, and seal again to your colleagues what they are granted and missed while
their own keys were closed. Nobody can open more by it than they were granted. The
second part happens by itself, too, with the next change that you make.

With --for it seals to one colleague, or with --for-group to one group, everything
that they are granted and that you can open yourself: the store may have lost it, and
nobody can see that but they.` + pastLong,
		Example: "underseal org catch-up\nunderseal org catch-up --for bob@example.com",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			if who != (principalFlags{}) {
				return a.sealAgain(ctx, w, who)
			}
			return a.catchUp(ctx, w, past)
		}),
	}
	past.add(c, "go on without keys that are missing here")
	c.Flags().StringVar(&who.email, "for", "", "seal again what the member with this `EMAIL` is granted")
	c.Flags().StringVar(&who.group, "for-group", "", "seal again what the `GROUP` is granted")
	c.MarkFlagsMutuallyExclusive("for", "for-group", "past-missing")
	return c
}

// sealAgain seals to one member or group what they are granted.
func (a *app) sealAgain(ctx context.Context, w *workspace.Workspace, to principalFlags) error {
	name, who, err := to.find(ctx, w)
	if err != nil {
		return err
	}
	n, err := w.SealAgain(ctx, name)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(jsonCaughtUp{Opened: []string{}, Sealed: n, Waiting: []string{}, Missed: []string{}}, nil)
		return nil
	}
	a.say("sealed %s to %s again", count(int64(n), "key", "keys"), who)
	return nil
}

func (a *app) catchUp(ctx context.Context, w *workspace.Workspace, past pastFlags) error {
	x := newWords(ctx, w)
	c, err := w.CatchUp(ctx)
	if err != nil {
		return err
	}
	out := jsonCaughtUp{
		x.keys(c.OpenedGroups, c.Opened), c.Sealed, x.keys(c.WaitingGroups, c.Waiting), x.keys(c.MissedGroups, c.Missed), nil,
	}
	if past.past {
		list, err := w.MissingKeys(ctx)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			done, err := a.goPast(ctx, w, past.yes, list...)
			if err != nil {
				return err
			}
			out.GonePast = done
		}
	}
	if a.json {
		a.printJSON(out, nil)
		return nil
	}
	for _, what := range out.Opened {
		a.say("opened %s again", what)
	}
	if c.Sealed > 0 {
		a.say("sealed %s to those who had missed them", count(int64(c.Sealed), "key", "keys"))
	}
	if len(out.Opened)+c.Sealed+len(out.Waiting)+len(out.Missed)+len(out.GonePast) == 0 {
		a.say("nothing waits for you")
	}
	if past.past {
		return nil
	}
	for _, what := range out.Waiting {
		a.warn("%s stays closed: the store does not give you its key; ask a colleague who reads it: underseal org catch-up --for %s", what, arg(a.me.Card().Email.Text))
	}
	for _, what := range out.Missed {
		a.warn("%s stays closed: its key was made while yours was closed; a colleague who has it seals it to you, see underseal org status", what)
	}
	return nil
}
