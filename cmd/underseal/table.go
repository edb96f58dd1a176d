package main

import (
	"strings"
	"text/tabwriter"
)

// table prints aligned columns on standard output.
type table struct{ w *tabwriter.Writer }

func (a *app) table() table { return table{tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)} }

func (t table) row(cells ...string) {
	// A failing standard output shows when the table is flushed.
	_, _ = t.w.Write([]byte(strings.TrimRight(strings.Join(cells, "\t"), "\t") + "\n"))
}

func (t table) flush() error { return t.w.Flush() }
