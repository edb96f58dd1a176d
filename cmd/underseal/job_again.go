package main

import (
	"context"
	"errors"
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
	untickedFlag(c, &f.unticked)
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
	if err := x.a.canConfirm(yes || !info.Direction.Opens()); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	exp := &exporter{}
	c := bulk.Config{Targets: info.Targets(), Events: watching.event, Unticked: bulk.Counting(f.unticked)}
	if (info.Direction == bulk.Enable || info.Direction == bulk.Rekey) && !info.Exported {
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
	if !info.Direction.Opens() {
		x.a.say("%s", foldNames(callWords(string(info.Direction))+":", j.Names(), "  "))
	} else if err := x.opens(ctx, j.Names(), yes); err != nil {
		return err
	}
	r, err := goOn(ctx, j, info.Direction)
	if err != nil && r.Job == "" {
		return resumable(info.ID, x.closedHint(ctx, err))
	}
	end()
	return errors.Join(x.finish(ctx, r, exp.path, x.closedHint(ctx, err)), x.noteRun(r))
}

// goOn makes the calls of a direction.
func goOn(ctx context.Context, j *bulk.Job, d bulk.Direction) (bulk.Report, error) {
	switch d {
	case bulk.Disable:
		return j.Disable(ctx)
	case bulk.Undo:
		return j.Undo(ctx)
	case bulk.UndoRekey:
		return j.UndoRekey(ctx)
	case bulk.Rekey:
		p, err := j.PlanRekey(ctx)
		if err != nil {
			return bulk.Report{}, err
		}
		return j.Rekey(ctx, p)
	default:
		p, err := j.Plan(ctx)
		if err != nil {
			return bulk.Report{}, err
		}
		return j.Apply(ctx, p)
	}
}

func newJobUndoCommand(a *app) *cobra.Command {
	var f enableFlags
	c := &cobra.Command{
		Use: "undo [ID]", Short: "Take back what a job sealed", Args: maxOneArg("ID"),
		Long: `Take back what a job sealed: each value becomes what it was, and everybody who uses
the Clio account sees it. Values that somebody changed since stay as they are, and
are listed; so are those that a job of another device sealed, which is undone there.
Without an ID it is the last job that sealed something. It asks first.

Of a job of underseal org rekey it puts the earlier tokens back: nothing becomes
visible, and the values are under the earlier key again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.undo(cmd.Context(), first(args), f) })
		},
	}
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	rateFlag(c, &f.rate)
	untickedFlag(c, &f.unticked)
	return c
}

func (x *account) undo(ctx context.Context, id string, f enableFlags) error {
	if err := x.a.canConfirm(f.yes); err != nil {
		return err
	}
	info, err := x.a.findJob(ctx, x.home, id, func(j bulk.JobInfo) bool { return j.Direction == bulk.Enable })
	switch {
	case err != nil:
		return err
	case info.Place.Account != x.conn.Account:
		return fmt.Errorf("%w: the job is for %s", errOtherAccount, term.Escape(info.Place.Account))
	case info.Direction != bulk.Enable && info.Direction != bulk.Rekey:
		return fmt.Errorf("job %s: %w", info.ID, errNotUndoable)
	}
	watching, end := x.a.watch()
	defer end()
	c := bulk.Config{Targets: info.Targets(), Events: watching.event, Unticked: bulk.Counting(f.unticked)}
	j, err := x.again(ctx, info, info.Direction, c)
	if err != nil {
		return err
	}
	d := bulk.Undo
	if info.Direction == bulk.Rekey {
		d = bulk.UndoRekey
		x.a.say("%s", foldNames(callWords(string(d))+":", j.Names(), "  "))
		x.a.say("the values stay sealed, under the earlier key again")
		err = x.a.confirm(ctx, f.yes, "Put the earlier tokens back now?")
	} else {
		err = x.opens(ctx, j.Names(), f.yes)
	}
	if err != nil {
		return err
	}
	r, err := goOn(ctx, j, d)
	end()
	return errors.Join(x.finish(ctx, r, "", x.closedHint(ctx, err)), x.noteRun(r))
}

// noteRun keeps what a job that was gone on with left under which epoch.
func (x *account) noteRun(r bulk.Report) error {
	l, err := loadLook(x.home, x.a.me.Keys(), x.conn.Account)
	if err != nil || l == nil || r.Job == "" {
		return err
	}
	l.noteEpochs(r.Counts, x.a.now())
	return l.save(x.home, x.a.me.Keys())
}
