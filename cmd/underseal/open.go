package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/workspace"
)

func newOpenCommand(a *app) *cobra.Command {
	var f fileFlags
	var keepGoing bool
	c := &cobra.Command{
		Use: "open FILE", Short: "Open the tokens of a CSV or JSON Lines file", Args: cobra.ExactArgs(1),
		Long: `Open the tokens of a CSV or JSON Lines file, wherever they stand; tokens
describe themselves, so exports and reports open too. What you may not read stays
a token. With --record-id every token must belong to its row; without it, the
count says that records were not checked. With --column COLUMN=FIELD every token
of a column must be of that field.

A token that was altered or moved is an error that names file, row, record and
column; --keep-going leaves it as it is, goes on, and still fails at the end. The
output is readable by you alone.`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			return a.openFile(cmd.Context(), w, args[0], f, keepGoing)
		}),
	}
	f.add(c)
	c.Flags().StringVar(&f.recordID, "record-id", "", "the column with each row's own id, to check every token's record")
	c.Flags().StringArrayVar(&f.columns, "column", nil, "COLUMN, or COLUMN=FIELD: check that its tokens are of that field; repeat it")
	c.Flags().BoolVar(&keepGoing, "keep-going", false, "leave cells that fail as they are, report them all, fail at the end")
	return c
}

// failures collects what Failed is told.
type failures struct {
	a         *app
	input     string
	keepGoing bool
	count     int
	list      []jsonFailure
}

type jsonFailure struct {
	File   string `json:"file"`
	Row    int64  `json:"row"`
	Line   int64  `json:"line"`
	Record string `json:"record,omitempty"`
	Column string `json:"column"`
	Reason string `json:"reason"`
}

// maxFailures bounds what is kept for --json; the count goes on.
const maxFailures = 1000

func (f *failures) failed(p tabular.Place, err error) error {
	if !f.keepGoing {
		return &tabular.Error{Place: p, Err: diagnosis(err)}
	}
	f.count++
	if f.a.json {
		if len(f.list) < maxFailures {
			f.list = append(f.list, jsonFailure{nameOf(f.input), p.Row, p.Line, p.Record, p.Column, diagnosis(err).Error()})
		}
		return nil
	}
	f.a.say("%s: %s: %v", term.Escape(nameOf(f.input)), p, diagnosis(err))
	return nil
}

// diagnosis adds the local cause to the one error that tokens have.
func diagnosis(err error) error {
	var o *fieldcrypt.OpenError
	if !errors.As(err, &o) {
		return err
	}
	switch o.Reason {
	case fieldcrypt.ReasonRecord:
		return fmt.Errorf("%w: it belongs to another record", err)
	case fieldcrypt.ReasonForm:
		return fmt.Errorf("%w: it is not whole", err)
	default:
		return fmt.Errorf("%w: it was altered", err)
	}
}

func (a *app) openFile(ctx context.Context, w *workspace.Workspace, input string, f fileFlags, keepGoing bool) error {
	cols, err := f.parseColumns()
	if err != nil {
		return err
	}
	file, err := f.file(input)
	if err != nil {
		return err
	}
	s, err := a.openStream(input, f.out, f.force, durable.Private)
	if err != nil {
		return err
	}
	defer s.abort(a)
	fails := &failures{a: a, input: input, keepGoing: keepGoing}
	bar, end := a.progress(s.size, "opening")
	file.Progress = bar
	file.Warn = a.warnOfChange(input)
	file.Failed = fails.failed
	r, err := columns.Open(ctx, w, s.in, s.out, file, cols)
	end()
	mixed := errors.Is(err, columns.ErrMixed)
	if mixed && !keepGoing {
		return fmt.Errorf("%s: column %s: %w", term.Escape(nameOf(input)), term.Escape(strings.Join(r.Mixed, ", ")), err)
	}
	if err != nil && !mixed {
		return inFile(input, err)
	}
	if err := s.commit(); err != nil {
		return err
	}
	a.sayOpened(w, r, f, fails)
	if mixed {
		return fmt.Errorf("%s: column %s: %w", term.Escape(nameOf(input)), term.Escape(strings.Join(r.Mixed, ", ")), err)
	}
	if fails.count > 0 {
		return fmt.Errorf("%s: %d %w", term.Escape(nameOf(input)), fails.count, errCells)
	}
	return nil
}

func (a *app) sayOpened(w *workspace.Workspace, r columns.OpenReport, f fileFlags, fails *failures) {
	if a.json {
		if f.out != "-" {
			a.printJSON(openedJSON(r, f, fails))
		}
		return
	}
	for _, c := range r.Fields {
		name := term.Escape(c.Field)
		if name == "" {
			name = "(sealed name)"
		}
		if c.Opened > 0 {
			a.say("%s: opened %d values of field %s", term.Escape(c.Column), c.Opened, name)
		}
		if c.Left > 0 {
			a.say("%s: left %d tokens of field %s, which is not granted to you", term.Escape(c.Column), c.Left, name)
		}
	}
	if r.Unchecked > 0 {
		a.say("records were not checked for %d values: give --record-id", r.Unchecked)
	}
	if r.Drafts > 0 {
		a.say("%d values are not bound to a record: they were sealed before it had an id", r.Drafts)
	}
	fresh := w.Freshness()
	a.say("%d rows; the log was read just now and its last entry is %s old", r.Rows, age(a.now().Sub(fresh.HeadTime)))
	if f.out != "-" {
		a.say("wrote %s", term.Escape(f.out))
	}
}

type jsonOpenedField struct {
	Column  string `json:"column"`
	Field   string `json:"field"`
	Granted bool   `json:"granted"`
	Opened  int64  `json:"opened"`
	Left    int64  `json:"left"`
}

type jsonOpened struct {
	Rows      int64             `json:"rows"`
	Opened    int64             `json:"opened"`
	Left      int64             `json:"left"`
	Unchecked int64             `json:"records_not_checked"`
	Drafts    int64             `json:"not_bound"`
	Failed    int64             `json:"failed"`
	Fields    []jsonOpenedField `json:"fields"`
	Failures  []jsonFailure     `json:"failures,omitempty"`
	Out       string            `json:"out"`
}

func openedJSON(r columns.OpenReport, f fileFlags, fails *failures) jsonOpened {
	out := jsonOpened{
		Rows: r.Rows, Opened: r.Opened, Left: r.Left, Unchecked: r.Unchecked, Drafts: r.Drafts,
		Failed: r.Failed, Fields: []jsonOpenedField{}, Failures: fails.list, Out: f.out,
	}
	for _, c := range r.Fields {
		out.Fields = append(out.Fields, jsonOpenedField{c.Column, c.Field, c.Granted, c.Opened, c.Left})
	}
	return out
}
