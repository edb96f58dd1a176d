package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// writeHelp writes the help of a command: what it does, how it is called, its
// flags, examples, and its exit status.
func writeHelp(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	part := func(title, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			b.WriteString("\n" + title + "\n" + text + "\n")
		}
	}
	fmt.Fprintln(&b, description(c))
	part("Usage:", "  "+c.UseLine())
	for _, g := range c.Groups() {
		part(g.Title, listing(c, g.ID))
	}
	title := "Commands:"
	if len(c.Groups()) > 0 {
		title = "More:"
	}
	part(title, listing(c, ""))
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.AddFlagSet(c.LocalFlags())
	flags.AddFlagSet(c.InheritedFlags())
	part("Flags:", flags.FlagUsages())
	part("Example:", indent(c.Example))
	if c.HasParent() {
		part("Exit status:", indent(exitNames()))
	} else {
		part("Exit status:", exitTable())
		var b strings.Builder
		for _, v := range environment() {
			fmt.Fprintf(&b, "  %-26s %s\n", v.name, v.means)
		}
		part("Environment:", b.String())
	}
	if c.HasAvailableSubCommands() {
		part("More about a command:", fmt.Sprintf("  %s COMMAND --help", c.CommandPath()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// variable is one of the environment that the program reads.
type variable struct{ name, means string }

func environment() []variable {
	return []variable{
		{"UNDERSEAL_HOME", "the folder of all state"},
		{"UNDERSEAL_PASSPHRASE_FILE", "a file whose first line is the passphrase of the key file"},
	}
}

func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

// listing lists the commands of one group, or of none.
func listing(c *cobra.Command, group string) string {
	var b strings.Builder
	for _, sub := range c.Commands() {
		if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
			fmt.Fprintf(&b, "  %-*s  %s\n", sub.NamePadding(), sub.Name(), sub.Short)
		}
	}
	return b.String()
}

func indent(text string) string {
	if text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n  ")
}

// exitNames is the list of exit codes for a reader who knows them, in lines.
func exitNames() string {
	const width = 76
	line, lines := "", []string{}
	for _, c := range classes() {
		item := fmt.Sprintf("%d %s, ", c.code, c.name)
		if len(line)+len(item) > width {
			lines, line = append(lines, strings.TrimSpace(line)), ""
		}
		line += item
	}
	lines = append(lines, strings.TrimSuffix(line, ", ")+"; underseal help explains them")
	return strings.Join(lines, "\n")
}

// exitTable explains the exit codes.
func exitTable() string {
	var b strings.Builder
	for _, c := range classes() {
		fmt.Fprintf(&b, "  %3d  %-11s  %s\n", c.code, c.name, c.means)
	}
	return b.String()
}
