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
	}
	if c.HasAvailableSubCommands() {
		part("More about a command:", fmt.Sprintf("  %s COMMAND --help", c.CommandPath()))
	}
	_, err := io.WriteString(w, b.String())
	return err
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

// exitNames is the list of exit codes for a reader who knows them.
func exitNames() string {
	var names []string
	for _, c := range classes() {
		names = append(names, fmt.Sprintf("%d %s", c.code, c.name))
	}
	return wrapAt(strings.Join(names, ", ")+"; underseal help explains them", 76)
}

// exitTable explains the exit codes.
func exitTable() string {
	var b strings.Builder
	for _, c := range classes() {
		fmt.Fprintf(&b, "  %3d  %-11s  %s\n", c.code, c.name, c.means)
	}
	return b.String()
}

// wrapAt breaks a text at its spaces into lines of at most width bytes.
func wrapAt(text string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}
