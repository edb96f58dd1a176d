package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
)

func joined(list []string) string { return strings.Join(list, ", ") }

func newJobResumeCommand(a *app) *cobra.Command {
	var f enableFlags
	c := &cobra.Command{
		Use: "resume [ID]", Short: "Go on with a job where it stopped", Args: maxOneArg("ID"),
		Long: `Go on with a job where it stopped: by Ctrl-C, a crash, or a network that was gone.
Without an ID it is the one that is not finished. What is done already is found, and
not done twice.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.resume(cmd.Context(), first(args), f) })
		},
	}
	rateFlag(c, &f.rate)
	c.Flags().StringVar(&f.export, "export", "", "`FILE` for the sealed copy, if the job had not written it yet")
	c.Flags().BoolVar(&f.noCopy, "no-export", false, "write no sealed copy")
	c.MarkFlagsMutuallyExclusive("export", "no-export")
	must(c.RegisterFlagCompletionFunc("export", files))
	return c
}

func (x *account) resume(ctx context.Context, id string, f enableFlags) error {
	info, err := x.a.findJob(ctx, x.home, id, func(j bulk.JobInfo) bool { return j.State != bulk.Finished })
	if err != nil {
		return err
	}
	if info.Place.Account != x.conn.Account {
		return fmt.Errorf("%w: the job is for %s", errOtherAccount, term.Escape(info.Place.Account))
	}
	watching, end := x.a.watch()
	defer end()
	exp := &exporter{}
	c := bulk.Config{Targets: info.Targets(), Events: watching.event}
	if info.Direction == bulk.Enable && !info.Exported {
		exp = x.exporter(f)
		c.Export = exp.export()
	}
	j, err := x.job(ctx, c)
	if err != nil {
		return err
	}
	x.a.say("%s: %s", callWords(string(info.Direction)), term.EscapeTo(joined(jsonJobOf(info).Fields), maxMessage))
	var r bulk.Report
	switch info.Direction {
	case bulk.Disable:
		r, err = j.Disable(ctx)
	case bulk.Undo:
		r, err = j.Undo(ctx)
	default:
		var p bulk.Plan
		if p, err = j.Plan(ctx); err != nil {
			return resumable(info.ID, err)
		}
		r, err = j.Apply(ctx, p)
	}
	end()
	return x.finish(ctx, r, exp.path, err)
}

func newJobUndoCommand(a *app) *cobra.Command {
	var rate int
	var yes bool
	c := &cobra.Command{
		Use: "undo [ID]", Short: "Take back what a job sealed", Args: maxOneArg("ID"),
		Long: `Take back what a job sealed: each value becomes what it was, and everybody who uses
the Clio account sees it. Values that somebody changed since stay as they are, and
are listed. Without an ID it is the last job that sealed something. It asks first.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := (&enableFlags{rate: rate}).check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, rate, func(x *account) error { return x.undo(cmd.Context(), first(args), yes) })
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	rateFlag(c, &rate)
	return c
}

func (x *account) undo(ctx context.Context, id string, yes bool) error {
	if err := x.a.canConfirm(yes); err != nil {
		return err
	}
	info, err := x.a.findJob(ctx, x.home, id, func(j bulk.JobInfo) bool { return j.Direction == bulk.Enable })
	switch {
	case err != nil:
		return err
	case info.Place.Account != x.conn.Account:
		return fmt.Errorf("%w: the job is for %s", errOtherAccount, term.Escape(info.Place.Account))
	case info.Direction != bulk.Enable:
		return fmt.Errorf("job %s: %w", info.ID, errNotUndoable)
	}
	x.a.say("undo takes back what was sealed in: %s", term.EscapeTo(joined(jsonJobOf(info).Fields), maxMessage))
	x.a.say("the values become visible to all who use the Clio account, and to Clio itself")
	if err := x.a.confirm(ctx, yes, "Undo it now?"); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	j, err := x.job(ctx, bulk.Config{Targets: info.Targets(), Events: watching.event})
	if err != nil {
		return err
	}
	r, err := j.Undo(ctx)
	end()
	return x.finish(ctx, r, "", err)
}
