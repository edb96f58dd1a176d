package main

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands are all commands, the hidden ones too.
func commands(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		list = append(list, commands(sub)...)
	}
	return list
}

func newTestRoot() *cobra.Command {
	var out bytes.Buffer
	return newRoot(&app{stdout: &out, stderr: &out})
}

// Every command says what it does, how it is called and how it ends, and the
// contract knows it with all its flags.
func TestHelp(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	all := commands(newTestRoot())
	if len(all) < 25 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, c := range all {
		var b bytes.Buffer
		if err := writeHelp(&b, c); err != nil {
			t.Fatal(err)
		}
		help, ours := b.String(), c.Parent() == nil || c.Parent().Name() != "completion"
		for _, want := range []string{"\nUsage:\n", "\nFlags:\n", "--json", "\nExit status:\n", "interrupted"} {
			if !strings.Contains(help, want) {
				t.Errorf("%s: its help has no %q", c.CommandPath(), want)
			}
		}
		for line := range strings.Lines(help) {
			if ours && utf8.RuneCountInString(line) > 121 {
				t.Errorf("%s: a long line: %s", c.CommandPath(), line)
			}
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || ours && (c.Long == "" || !strings.HasSuffix(c.Long, ".") && !strings.HasSuffix(c.Long, "setup")) {
			t.Errorf("%s: %q, %q", c.CommandPath(), c.Short, c.Long)
		}
		if c.HasParent() && !c.Runnable() {
			t.Errorf("%s does nothing", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: %q", c.CommandPath(), f.Name, f.Usage)
			}
			if ours && !c.Hidden && f.Name != "help" && !strings.Contains(doc, "--"+f.Name) {
				t.Errorf("%s --%s is not in doc/cli.md", c.CommandPath(), f.Name)
			}
		})
	}
}

// The same program writes the same pages, one for each command that is shown.
func TestManual(t *testing.T) {
	t.Parallel()
	var first map[string]string
	for range 2 {
		dir := t.TempDir()
		if err := writeManual(dir, newTestRoot()); err != nil {
			t.Fatal(err)
		}
		pages := map[string]string{}
		for path, content := range contents(t, dir) {
			pages[filepath.Base(path)] = content
		}
		if first == nil {
			first = pages
		}
		for name, page := range pages {
			if page != first[name] {
				t.Errorf("%s differs", name)
			}
			for _, want := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH OPTIONS\n", ".SH EXIT STATUS\n"} {
				if strings.Count(page, want) != 1 {
					t.Errorf("%s: %q is there %d times", name, want, strings.Count(page, want))
				}
			}
		}
	}
	for _, c := range commands(newTestRoot()) {
		shown := true
		for up := c; up.HasParent(); up = up.Parent() {
			shown = shown && up.IsAvailableCommand()
		}
		if _, there := first[pageName(c)+".1"]; there != shown {
			t.Errorf("%s: a page: %t", c.CommandPath(), there)
		}
	}
	if err := writeManual(filepath.Join(t.TempDir(), "nowhere"), newTestRoot()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
}
