package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const exitHelp = `

Exit status: 0 done; 1 error; 2 usage; 3 not set up; 4 locked; 5 not allowed;
6 unusable input; 7 refused, because something was altered, moved or set back;
8 storage (exists, full, read-only, no store); 9 busy. See doc/cli.md.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "underseal",
		Short: "Keep data in other people's systems readable only to those you name",
		Long: `Underseal seals values before they leave your device. Only the members whom
your organization's officers let in can open them; the place where they rest
cannot.

Begin with: underseal setup` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print data as JSON on standard output")
	root.PersistentFlags().StringVar(&a.keyStore, "key-store", "", "where a new device secret rests: os or file")
	root.AddCommand(
		newSetupCommand(a), newStatusCommand(a), newIdentityCommand(a), newOrgCommand(a), newMemberCommand(a),
		newFieldCommand(a), newSealCommand(a), newOpenCommand(a), newLogCommand(a),
		newUnlockCommand(a), newLockCommand(a), newAgentCommand(a), newVersionCommand(a),
	)
	for _, c := range root.Commands() {
		finish(c)
	}
	return root
}

// finish gives every command what all of them have: its exit status in the
// help text, and usage errors of the right class.
func finish(c *cobra.Command) {
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	c.Long = long + exitHelp
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		finish(sub)
	}
}

// noun makes a command that only holds others.
func noun(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{fmt.Errorf("%s needs a verb", cmd.CommandPath())}
		},
	}
	c.AddCommand(verbs...)
	return c
}

// required marks flags without which a command cannot run.
func required(c *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := c.MarkFlagRequired(f); err != nil {
			panic(err) // a flag of this very command
		}
	}
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := "devel"
			if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
				v = info.Main.Version
			}
			if a.json {
				a.printJSON(struct {
					Version string `json:"version"`
					Go      string `json:"go"`
					Format  int    `json:"format"`
				}{v, runtime.Version(), 1})
				return nil
			}
			a.print("underseal %s, format 1, %s, %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
