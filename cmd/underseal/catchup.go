package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/workspace"
)

type jsonCaughtUp struct {
	Opened  []string `json:"opened"`
	Sealed  int      `json:"sealed"`
	Waiting []string `json:"waiting"`
	Missed  []string `json:"missed"`
}

func newOrgCatchUpCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "catch-up", Short: "Open what removals closed, and seal what others missed", Args: noArgs,
		Long: `Open what removals closed and waits for you, because you share it or manage the
group, and seal again to your colleagues what they are granted and missed while
their own keys were closed. Nobody can open more by it than they were granted. The
second part happens by itself, too, with the next change that you make.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			x := newWords(ctx, w)
			c, err := w.CatchUp(ctx)
			if err != nil {
				return err
			}
			out := jsonCaughtUp{x.keys(c.OpenedGroups, c.Opened), c.Sealed, x.keys(c.WaitingGroups, c.Waiting), x.keys(c.MissedGroups, c.Missed)}
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
			for _, what := range out.Waiting {
				a.warn("%s stays closed: the store does not give you its key", what)
			}
			for _, what := range out.Missed {
				a.warn("%s stays closed: its key was made while yours was closed; somebody else who may open it has to, see underseal org status", what)
			}
			if len(out.Opened)+c.Sealed+len(out.Waiting)+len(out.Missed) == 0 {
				a.say("nothing waits for you")
			}
			return nil
		}),
	}
}
