package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
)

func newJobResumeCommand(a *app) *cobra.Command {
	var f enableFlags
	var yes bool
	c := &cobra.Command{
		Use: "resume [ID]", Short: "Go on with a job where it stopped", Args: maxOneArg("ID"),
		Long: `Go on with a job where it stopped: by Ctrl-C, a crash, or a network that was gone.
Without an ID it is the one that is not finished. What is done already is found, and
not done twice. It asks first where values become visible.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.resume(cmd.Context(), first(args), f, yes) })
		},
	}
	rateFlag(c, &f.rate)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().StringVar(&f.export, "export", "", "`FILE` for the sealed copy, if the job had not written it yet")
	c.Flags().BoolVar(&f.noCopy, "no-export", false, "write no sealed copy")
	must(c.RegisterFlagCompletionFunc("export", files))
	return c
}

// again makes a job that the journal knows, to go on with it. What a file says
// is a hint: the job is the one of its id, or none.
func (x *account) again(ctx context.Context, info bulk.JobInfo, d bulk.Direction, c bulk.Config) (*bulk.Job, error) {
	j, err := x.job(ctx, c)
	if err != nil {
		return nil, err
	}
	if d != info.Direction || j.ID(d) != info.ID {
		return nil, fmt.Errorf("job %s: %w", term.Escape(info.ID), errOtherJob)
	}
	return j, nil
}

// opens asks before values become visible, also where a job was to make them so
// already: that somebody wanted it is known by a file alone.
func (x *account) opens(ctx context.Context, names []string, yes bool) error {
	x.a.say("%s", foldNames("opened again:", names, "  "))
	x.a.say("the values become visible to all who use the Clio account, and to Clio itself")
	return x.a.confirm(ctx, yes, "Open them now?")
}

func (x *account) resume(ctx context.Context, id string, f enableFlags, yes bool) error {
	info, err := x.a.findJob(ctx, x.home, id, func(j bulk.JobInfo) bool { return j.State != bulk.Finished })
	if err != nil {
		return err
	}
	if info.Place.Account != x.conn.Account {
		return fmt.Errorf("%w: the job is for %s", errOtherAccount, term.Escape(info.Place.Account))
	}
	if err := x.a.canConfirm(yes || info.Direction == bulk.Enable); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	exp := &exporter{}
	c := bulk.Config{Targets: info.Targets(), Events: watching.event}
	if info.Direction == bulk.Enable && !info.Exported {
		exp = x.exporter(f)
		if err := exp.check(); err != nil {
			return err
		}
		c.Export = exp.export()
	}
	j, err := x.again(ctx, info, info.Direction, c)
	if err != nil {
		return err
	}
	if info.Direction == bulk.Enable {
		x.a.say("%s", foldNames(callWords(string(info.Direction))+":", j.Names(), "  "))
	} else if err := x.opens(ctx, j.Names(), yes); err != nil {
		return err
	}
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
	watching, end := x.a.watch()
	defer end()
	j, err := x.again(ctx, info, bulk.Enable, bulk.Config{Targets: info.Targets(), Events: watching.event})
	if err != nil {
		return err
	}
	if err := x.opens(ctx, j.Names(), yes); err != nil {
		return err
	}
	r, err := j.Undo(ctx)
	end()
	return x.finish(ctx, r, "", err)
}
