package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/underseal/underseal/internal/durable"
)

// newManCommand writes the manual pages; it is for those who package the
// program.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write the manual pages", Args: oneArg("FOLDER"), Hidden: true,
		Long: "Write the manual pages, one for every command, into a folder, which is made.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := durable.MkdirAll(args[0], durable.Shared); err != nil {
				return err
			}
			return writeManual(args[0], cmd.Root())
		},
	}
}

func writeManual(folder string, c *cobra.Command) error {
	path := filepath.Join(folder, pageName(c)+".1")
	if err := durable.WriteFile(path, []byte(page(c)), durable.Shared); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() { // hidden, or help
			continue
		}
		if err := writeManual(folder, sub); err != nil {
			return err
		}
	}
	return nil
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// page is a manual page in the language of man(7). It has no date, so that
// the same program gives the same page.
func page(c *cobra.Command) string {
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, ".SH %s\n", name) }
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q %q\n", strings.ToUpper(pageName(c)), "underseal "+version(), "Underseal")
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(pageName(c)), roff(strings.ToLower(c.Short[:1])+c.Short[1:]))
	section("SYNOPSIS")
	fmt.Fprintf(&b, ".B %s\n", roff(c.UseLine()))
	section("DESCRIPTION")
	for i, paragraph := range strings.Split(description(c), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		fmt.Fprintln(&b, roff(paragraph))
	}
	section("OPTIONS")
	option := func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, ".TP\n%s\n%s\n", roff(strings.TrimSpace("--"+f.Name+" "+kind)), roff(usage))
	}
	c.LocalFlags().VisitAll(option)
	c.InheritedFlags().VisitAll(option)
	if c.Example != "" {
		section("EXAMPLES")
		fmt.Fprintf(&b, ".nf\n%s\n.fi\n", roff(c.Example))
	}
	section("EXIT STATUS")
	for _, e := range classes() {
		fmt.Fprintf(&b, ".TP\n%d (%s)\n%s\n", e.code, e.name, roff(e.means))
	}
	section("ENVIRONMENT")
	for _, v := range environment() {
		fmt.Fprintf(&b, ".TP\n%s\n%s\n", v.name, roff(v.means))
	}
	section("SEE ALSO")
	var also []string
	if c.HasParent() {
		also = append(also, pageName(c.Parent())+"(1)")
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			also = append(also, pageName(sub)+"(1)")
		}
	}
	fmt.Fprintln(&b, roff(strings.Join(also, ", ")))
	return b.String()
}

// roff writes a text so that it is shown as it is.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
