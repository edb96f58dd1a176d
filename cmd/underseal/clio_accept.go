package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
)

func newClioAcceptCommand(a *app) *cobra.Command {
	var f enableFlags
	var enable bool
	c := &cobra.Command{
		Use: "accept NAME", Short: "Settle a New, Removed or Changed field", Args: oneArg("NAME"),
		Long: `Settle a New, Removed or Changed field: from now on it is known as it is. A new one
stays plain, unless --enable seals it; what that means is said, and asked, as by
underseal clio enable.`,
		Example: `underseal clio accept "Passport number" --enable`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			patience := shortPatience
			if enable {
				patience = 0
			}
			return a.withClio(cmd.Context(), patience, f.rate, func(x *account) error {
				if enable {
					return x.enable(cmd.Context(), args, f)
				}
				return x.accept(cmd.Context(), args[0], f.on)
			})
		},
	}
	c.Flags().BoolVar(&enable, "enable", false, "seal it, as underseal clio enable does")
	f.add(c)
	return c
}

func (x *account) accept(ctx context.Context, name, on string) error {
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	shown, was, err := v.accept(name, on)
	if err != nil {
		return err
	}
	if err := x.saveLook(v); err != nil {
		return err
	}
	x.a.say("%s is settled (%s)", term.Escape(shown), was)
	if x.a.json {
		x.a.printJSON(v.json(), nil)
		return nil
	}
	x.a.next("underseal clio fields")
	return nil
}

// accept settles the field that somebody means, which may be gone, and tells
// its name and what was new about it.
func (v *view) accept(name, on string) (shown string, was news, err error) {
	all := v.defs
	for _, s := range v.removed {
		all = append(all[:len(all):len(all)], connector.Definition{ID: s.ID, Name: s.Name, Kind: s.Kind})
	}
	d, err := namedOne(all, name, on)
	if err != nil {
		return "", noNews, err
	}
	for _, s := range v.removed {
		if s.ID == d.ID {
			v.look.forget(d.ID)
			v.compare()
			return s.Name, isRemoved, nil
		}
	}
	if was = v.news[d.ID]; was == noNews {
		return "", noNews, fmt.Errorf("%s: %w", term.Escape(d.Name), errNotSettled)
	}
	v.look.settle(d)
	v.compare()
	return d.Name, was, nil
}
