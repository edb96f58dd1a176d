package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
)

// enableFlags are those of clio enable.
type enableFlags struct {
	to, toGroups   []string
	on, export     string
	rate           int
	dryRun, yes    bool
	repair, noCopy bool
	twin           bool
	unticked       string
}

func newClioEnableCommand(a *app) *cobra.Command {
	var f enableFlags
	c := &cobra.Command{
		Use: "enable NAME...", Short: "Seal custom fields, with everything that is in them",
		Long: `Seal custom fields, with everything that is in them. First it says what that
means: how many values and requests, how long, and what stops working. Then it
asks. The values stay in Clio, as tokens that only you and --to can open.

Numbers, dates, times, amounts, checkboxes, choices, emails, addresses and
references cannot hold a token: their tokens go to a new field beside them. It can be
ended at any moment, and goes on with underseal job resume.

A copy of all values is written first, sealed: underseal open reads it. With
--repair it seals what was found in clear in fields that are protected already;
without a NAME, in all of them.

Where a checkbox says false beside a sealed value, nobody can tell a person who
unticked it from a form that says so by itself: both stay and are listed, until
--unticked says which of the two counts.`,
		Example: `underseal clio enable SSN "Minor's name" --to bob@example.com
underseal clio enable --repair --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.repair {
				return nil
			}
			return someArgs("NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.enable(cmd.Context(), args, f) })
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do, and change nothing")
	c.Flags().BoolVar(&f.repair, "repair", false, "seal what was found in clear in protected fields")
	c.Flags().StringVar(&f.export, "export", "", "`FILE` for the sealed copy (default: in the home folder, under exports)")
	c.Flags().BoolVar(&f.noCopy, "no-export", false, "write no sealed copy first")
	c.Flags().BoolVar(&f.twin, "twin", false, "put the tokens into a new field also where the field itself holds text")
	untickedFlag(c, &f.unticked)
	must(c.RegisterFlagCompletionFunc("export", files))
	return c
}

// add adds the flags that accept has as well.
func (f *enableFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.to, "to", nil, "`EMAIL` of a colleague who may read and write the fields; repeat it")
	c.Flags().StringArrayVar(&f.toGroups, "to-group", nil, "`GROUP` that may read and write the fields; repeat it")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	rateFlag(c, &f.rate)
	onFlag(c, &f.on)
}

func rateFlag(c *cobra.Command, rate *int) {
	c.Flags().IntVar(rate, "rate", 0, "at most `N` requests a minute (default: what Clio allows)")
}

func untickedFlag(c *cobra.Command, which *string) {
	c.Flags().StringVar(which, "unticked", "", "of a checkbox that says false beside a sealed value, `WHICH` counts: entered or sealed")
	must(c.RegisterFlagCompletionFunc("unticked", cobra.FixedCompletions([]string{string(bulk.CountsEntered), string(bulk.CountsSealed)}, cobra.ShellCompDirectiveNoFileComp)))
}

func (f *enableFlags) check(cmd *cobra.Command) error {
	switch bulk.Counting(f.unticked) {
	case "", bulk.CountsEntered, bulk.CountsSealed:
	default:
		return &usageError{errors.New("--unticked is entered or sealed"), cmd}
	}
	switch {
	case f.rate < 0:
		return &usageError{errors.New("--rate is a number of requests a minute"), cmd}
	case f.export != "" && f.noCopy:
		return &usageError{errors.New("give either --export or --no-export"), cmd}
	}
	return checkOn(cmd, f.on)
}

// targets are the fields that enable works on.
func (x *account) targets(ctx context.Context, v *view, names []string, f enableFlags) ([]bulk.Target, error) {
	found, err := named(v.defs, names, f.on)
	if err != nil {
		return nil, err
	}
	if f.repair && len(names) == 0 {
		if len(v.signed) == 0 {
			return nil, errNothingToDo
		}
		found = slices.DeleteFunc(slices.Clone(v.defs), func(d connector.Definition) bool {
			_, signed := v.signed[d.ID]
			return !signed || d.Deleted
		})
	}
	var list []bulk.Target
	for _, d := range found {
		p, signed := v.signed[d.ID]
		switch {
		case f.repair && !signed:
			return nil, fmt.Errorf("%s: %w", term.Escape(d.Name), errNotProtected)
		case signed && f.twin && p.Twin == "":
			return nil, fmt.Errorf("%s: %w", term.Escape(d.Name), errSealedInPlace)
		case signed:
			list = append(list, bulk.Target{Field: d.ID, Label: p.LabelText, To: f.to, Twin: p.Twin != ""})
		default:
			label := labelOf(ctx, x.w, d)
			if err := checkLabel(label); err != nil {
				return nil, fmt.Errorf("%s: %w", term.Escape(d.Name), err)
			}
			list = append(list, bulk.Target{Field: d.ID, Label: label, To: f.to, Twin: f.twin})
		}
	}
	return list, nil
}

func (x *account) enable(ctx context.Context, names []string, f enableFlags) error {
	if err := x.a.canConfirm(f.yes || f.dryRun); err != nil {
		return err
	}
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	if f.to, err = x.a.checkShares(ctx, x.w, f.to, f.toGroups); err != nil {
		return err
	}
	targets, err := x.targets(ctx, v, names, f)
	if err != nil {
		return err
	}
	exp := x.exporter(f)
	if err := exp.check(); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	watching.quiet = f.dryRun
	j, err := x.job(ctx, bulk.Config{Targets: targets, Events: watching.event, Export: exp.export(), Unticked: bulk.Counting(f.unticked)})
	if err != nil {
		return err
	}
	p, err := j.Plan(ctx)
	if err != nil {
		return err
	}
	s := x.forecast(v, p, targets, f, exp)
	x.a.sayForecast(s)
	if f.dryRun {
		x.a.say("nothing was changed")
		if x.a.json {
			x.a.printJSON(s.json(), nil)
		}
		return nil
	}
	if err := x.a.confirm(ctx, f.yes, s.question()); err != nil {
		return err
	}
	for _, t := range targets {
		for _, d := range v.defs {
			if d.ID == t.Field {
				v.look.settle(d) // whoever enables it has seen it
			}
		}
	}
	if err := x.saveLook(v); err != nil {
		return err
	}
	if err := x.grantMore(ctx, v, targets, f.to); err != nil {
		return err
	}
	r, err := j.Apply(ctx, p)
	end()
	return errors.Join(x.finish(ctx, r, exp.path, err), x.noteSealed(v, r))
}

// noteSealed keeps which fields hold nothing in clear after a job.
func (x *account) noteSealed(v *view, r bulk.Report) error {
	for _, f := range r.Fields {
		left := f.Of(bulk.Plain) + f.Of(bulk.Blocked) - (f.Changed - f.SealedAgain)
		if r.Call != string(bulk.Enable) || left <= 0 && f.Skipped == 0 && f.Records > 0 {
			v.look.sealed(f.Field)
		}
	}
	v.look.noteEpochs(r.Counts, x.a.now())
	return x.saveLook(v)
}

// grantMore lets colleagues read fields that are protected already.
func (x *account) grantMore(ctx context.Context, v *view, targets []bulk.Target, to []string) error {
	for _, t := range targets {
		p, signed := v.signed[t.Field]
		if !signed {
			continue
		}
		for _, name := range to {
			who, err := x.w.Principal(ctx, name)
			if err != nil {
				return err
			}
			// Nobody has less afterwards, and whoever does not share the field
			// may name those who have it: two officers type the same.
			has := p.Rights(who)
			can := has
			if m, ok := who.Member(); ok {
				can = x.w.State().Rights(m, p.Resource) // through groups, too
			}
			if can.Has(officer.Read|officer.Write) && !p.Mine.Has(officer.Share) {
				continue
			}
			if err := x.w.GrantOf(ctx, p.ID, name, has|officer.Read|officer.Write); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish says what a job did, keeps the report, and names what to type next.
func (x *account) finish(ctx context.Context, r bulk.Report, export string, err error) error {
	rep := jsonReportOf(r, export)
	x.a.keepReport(x.home, rep)
	if err != nil && r.Job != "" && !errors.Is(err, bulk.ErrLeft) {
		err = resumable(r.Job, err)
	}
	if x.a.json {
		x.a.printJSON(rep, err)
		return err
	}
	if err != nil && !errors.Is(err, bulk.ErrLeft) {
		return err
	}
	if e := x.a.printReport(rep, findingsOf(rep)); e != nil {
		return e
	}
	if export != "" && r.Exported > 0 {
		x.a.say("a sealed copy of all values is in %s", term.Escape(export))
		x.a.say("  underseal open %s --out FILE reads it", arg(export))
	}
	switch {
	case r.Call == string(bulk.Enable):
		x.sayLooseTwins(ctx)
		x.a.next("underseal clio verify")
	case r.Call == string(bulk.Rekey), r.Call == string(bulk.UndoRekey):
		x.a.next("underseal org status")
	default:
		x.a.next("underseal clio fields")
	}
	return err
}

// resumable adds how the job goes on, where it does.
func resumable(job string, err error) error {
	if errors.Is(err, bulk.ErrBusy) {
		return err
	}
	p := classify(err)
	hint := "underseal job resume " + job
	if p.hint != "" && p.class != classInterrupted {
		hint = p.hint + "; then: " + hint
	} else {
		hint = "go on with: " + hint
	}
	return withHint(err, hint)
}
