package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "underseal",
		Short: "Keep data in other people's systems readable only to those you name",
		Long: `Underseal seals values before they leave your device. Only the members whom
your organization's officers let in can open them; the place where they rest
cannot.

Begin with: underseal setup`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		// How many letters may differ for a suggestion.
		SuggestionsMinimumDistance: 2,

		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("underseal {{.Version}}\n")
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { _ = writeHelp(a.stdout, c) }) // the output remembers
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print data as JSON on standard output")
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"begin", "To begin:", []*cobra.Command{newSetupCommand(a), newStatusCommand(a)}},
		{"files", "Files:", []*cobra.Command{newSealCommand(a), newOpenCommand(a)}},
		{"organization", "Your organization:", []*cobra.Command{
			newIdentityCommand(a), newOrgCommand(a), newInviteCommand(a), newMemberCommand(a), newGroupCommand(a),
			newFieldCommand(a), newAccessCommand(a), newPolicyCommand(a), newLogCommand(a),
			newDeviceCommand(a), newBackupCommand(a), newRecoveryCommand(a),
		}},
		{"systems", "Other systems:", []*cobra.Command{newClioCommand(a), newJobCommand(a)}},
		{"device", "This device:", []*cobra.Command{newUnlockCommand(a), newLockCommand(a)}},
		{"", "", []*cobra.Command{newVersionCommand(a), newManCommand(), newAgentCommand()}},
	} {
		if g.id != "" {
			root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		}
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Long = "Show the help of a command", "Show the help of a command."
			c.Run, c.RunE = nil, help
		case "completion":
			c.Short = "Print what lets a shell complete commands: bash, fish, powershell, zsh"
			c.Long = "Print what lets a shell complete commands, values and names of files."
			c.Example = "source <(underseal completion bash)"
			c.Args, c.RunE = noArgs, needsVerb
		}
	}
	a.finish(root)
	return root
}

// finish notes when a command of ours is reached: every error before that is
// one of the command line.
func (a *app) finish(c *cobra.Command) {
	if body := c.RunE; body != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			a.began = true
			a.route(cmd)
			return body(cmd, args)
		}
	}
	for _, sub := range c.Commands() {
		a.finish(sub)
	}
}

// noun makes a command that only holds others.
func noun(use, short, long string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: noArgs, RunE: needsVerb, SuggestionsMinimumDistance: 2}
	c.AddCommand(verbs...)
	return c
}

func needsVerb(cmd *cobra.Command, _ []string) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		verbs = append(verbs, c.Name())
	}
	return &usageError{fmt.Errorf("%s needs one of: %s", called(cmd), strings.Join(verbs, ", ")), cmd}
}

// called is the command as errors name it, which begin with the program's name.
func called(cmd *cobra.Command) string {
	return strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
}

// noArgs refuses an argument, which is often a command that there is not.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return fmt.Errorf("%s takes no argument, and got %q", called(cmd), args[0])
	}
	err := fmt.Errorf("unknown command %q", strings.TrimSpace(called(cmd)+" "+args[0]))
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return withHint(err, fmt.Sprintf("did you mean: %s %s", cmd.CommandPath(), strings.Join(like, ", or ")))
	}
	return err
}

// secretFromFile refuses an argument of a command that takes a secret, and does
// not repeat it: what is printed may be kept.
func secretFromFile(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return withHint(fmt.Errorf("%s takes no argument: others on this computer can see it", called(cmd)), "give a file by --from FILE, or --from - for standard input")
}

// oneArg wants one argument, which is called name in the help.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return needs(cmd, name)
		case len(args) > 1:
			return withHint(fmt.Errorf("%s takes one %s, and got %d", called(cmd), name, len(args)), `put quotes round what has spaces: "like this"`)
		}
		return nil
	}
}

// needs says which argument is missing.
func needs(cmd *cobra.Command, name string) error {
	article := "a"
	if strings.ContainsRune("AEIO", rune(name[0])) {
		article = "an"
	}
	return fmt.Errorf("%s needs %s %s", called(cmd), article, name)
}

// required marks flags without which a command cannot run.
func required(c *cobra.Command, flags ...string) {
	for _, f := range flags {
		must(c.MarkFlagRequired(f))
	}
}

// choices completes a flag by its few values.
func choices(c *cobra.Command, flag string, values ...string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// files completes a flag, or the argument, by the names of files.
func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// must is for what can only fail where a flag's name is mistyped here.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func help(cmd *cobra.Command, args []string) error {
	c, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return &usageError{fmt.Errorf("no help for %q", strings.Join(args, " ")), cmd.Root()}
	}
	c.InitDefaultHelpFlag() // as if it had been called
	c.InitDefaultVersionFlag()
	return c.Help()
}

// version is the release, as the module's version says it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// formatVersion is that of what is sealed and signed (spec/suite.md).
const formatVersion = 1

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Long: "Print the version of the program and of its formats.", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				a.printJSON(jsonVersion{version(), runtime.Version(), formatVersion}, nil)
				return nil
			}
			a.print("underseal %s, format %d, %s, %s/%s", version(), formatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

type jsonVersion struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	Format  int    `json:"format"`
}
