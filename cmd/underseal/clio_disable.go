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
)

func newClioDisableCommand(a *app) *cobra.Command {
	var f enableFlags
	c := &cobra.Command{
		Use: "disable NAME...", Short: "Open custom fields again, for all who use the account", Args: someArgs("NAME"),
		Long: `Open custom fields again: every token that you can open becomes the value that it
was, and everybody who uses the Clio account sees it. The fields are no longer
protected, and the fields that held their tokens are deleted once they are empty.
It asks first.

Tokens that you cannot open stay, and are counted or listed.`,
		Example: "underseal clio disable SSN",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.disable(cmd.Context(), args, f) })
		},
	}
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	rateFlag(c, &f.rate)
	onFlag(c, &f.on)
	untickedFlag(c, &f.unticked)
	return c
}

func (x *account) disable(ctx context.Context, names []string, f enableFlags) error {
	if err := x.a.canConfirm(f.yes); err != nil {
		return err
	}
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	found, err := v.protectedNamed(names, f.on)
	if err != nil {
		return err
	}
	if err := x.leftOpen(ctx, v, found); err != nil {
		return err
	}
	var targets []bulk.Target
	var labels []string
	for _, d := range found {
		p, signed := v.signed[d.ID]
		if !signed {
			p = v.opened[d.ID] // tokens may be left in it
		}
		targets = append(targets, bulk.Target{Field: d.ID, Label: p.LabelText, Twin: p.Twin != ""})
		labels = append(labels, d.Name)
	}
	x.a.say("%s", foldNames("opened again:", labels, "  "))
	x.a.say("%s", foldText(fmt.Sprintf("every value of %s becomes visible to all who use the Clio account %s, and to Clio itself",
		count(int64(len(targets)), "field", "fields"), term.Escape(v.place.Name))))
	if err := x.a.confirm(ctx, f.yes, "Open them now?"); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	j, err := x.job(ctx, bulk.Config{Targets: targets, Events: watching.event, Unticked: bulk.Counting(f.unticked)})
	if err != nil {
		return err
	}
	r, err := j.Disable(ctx)
	end()
	return errors.Join(x.finish(ctx, r, "", err), x.noteSealed(v, r))
}

// leftOpen refuses fields that are not protected any more, unless tokens were
// left in them, or the twin that held them.
func (x *account) leftOpen(ctx context.Context, v *view, found []connector.Definition) error {
	var targets []bulk.Target
	for _, d := range found {
		_, signed := v.signed[d.ID]
		twin := v.opened[d.ID].Twin
		left := slices.ContainsFunc(v.defs, func(d connector.Definition) bool { return d.ID == twin && !d.Deleted })
		if !signed && !left {
			targets = append(targets, bulk.Target{Field: d.ID, Label: d.Name})
		}
	}
	if len(targets) == 0 {
		return nil
	}
	watching, end := x.a.watch()
	defer end()
	watching.quiet = true
	j, err := x.job(ctx, bulk.Config{Targets: targets, Events: watching.event})
	if err != nil {
		return err
	}
	p, err := j.Plan(ctx)
	if err != nil {
		return err
	}
	for _, f := range p.Fields {
		if f.Tokens() == 0 {
			return fmt.Errorf("%s: %w", term.Escape(f.Name), errNotProtected)
		}
	}
	return nil
}
