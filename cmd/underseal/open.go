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
		Use:   "open FILE --out FILE",
		Short: "Open the tokens of a CSV or JSON Lines file", Args: oneArg("FILE"),
		Long: `Open the tokens of a CSV or JSON Lines file, wherever they stand; tokens
describe themselves, so exports and reports open too. What you may not read stays
a token. With --record-id every token must belong to its row; without it, the
count says that records were not checked. With --column COLUMN=FIELD every token
of a column must be of that field. FILE may be - for standard input.

A token that was altered or moved is an error that names file, row, record and
column; --keep-going leaves it as it is, goes on, and still fails at the end. The
output is readable by you alone.`,
		Example: "underseal open sealed.csv --out plain.csv --record-id id",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, cols, err := f.parse(cmd, args[0])
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				fails := &failures{a: a, input: args[0], keepGoing: keepGoing}
				return a.openFile(cmd.Context(), w, f, file, cols, fails)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.recordID, "record-id", "", "the `COLUMN` with each row's own id, to check every token's record")
	c.Flags().StringArrayVar(&f.columns, "column", nil, "`COLUMN` whose tokens must be of the field of its name, or COLUMN=FIELD; repeat it")
	c.Flags().BoolVar(&keepGoing, "keep-going", false, "leave cells that fail as they are, report them all, fail at the end")
	return c
}

// failures collects what columns.File.Failed is told.
type failures struct {
	a         *app
	input     string
	keepGoing bool
	count     int64
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
	err = diagnosis(err)
	if !f.keepGoing {
		return &tabular.Error{Place: p, Err: err}
	}
	f.count++
	if len(f.list) < maxFailures {
		f.list = append(f.list, jsonFailure{f.input, p.Row, p.Line, p.Record, p.Column, err.Error()})
	}
	f.a.say("%s: %s: %v", term.Escape(nameOf(f.input)), p, err)
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
		return withHint(fmt.Errorf("%w: it belongs to another record", err),
			"rows were mixed up, or --record-id or --dataset is not what it was when the file was sealed; without --record-id records are not checked")
	case fieldcrypt.ReasonForm:
		return fmt.Errorf("%w: it is not whole", err)
	default:
		return fmt.Errorf("%w: it was altered", err)
	}
}

func (a *app) openFile(ctx context.Context, w *workspace.Workspace, f fileFlags, file columns.File, cols []columns.Column, fails *failures) error {
	s, err := a.openStream(ctx, fails.input, f, durable.Private)
	if err != nil {
		return err
	}
	defer s.abort()
	bar, end := a.progress(s.size, "opening")
	file.Progress, file.Warn, file.Failed = bar, a.warnOfChange(fails.input), fails.failed
	r, err := columns.Open(ctx, w, s.in, s.out, file, cols)
	end()
	mixed := errors.Is(err, columns.ErrMixed)
	switch {
	case mixed:
		err = fmt.Errorf("%s: column %s: %w", term.Escape(nameOf(fails.input)), term.Escape(strings.Join(r.Mixed, ", ")), err)
		if !fails.keepGoing {
			return err
		}
	case err != nil:
		return inFile(fails.input, err)
	case fails.count > 0:
		err = fmt.Errorf("%s: %d %w", term.Escape(nameOf(fails.input)), fails.count, errCells)
	}
	if err := s.commit(); err != nil {
		return err
	}
	a.sayOpened(w, r, f, fails, err)
	return err
}

func (a *app) sayOpened(w *workspace.Workspace, r columns.OpenReport, f fileFlags, fails *failures, err error) {
	if a.json {
		a.printJSON(openedJSON(r, f, fails), err)
		return
	}
	for _, c := range r.Fields {
		name := shown(c.Field)
		if c.Opened > 0 {
			a.say("%s: opened %s of field %s", term.Escape(c.Column), count(c.Opened, "value", "values"), name)
		}
		if c.Left > 0 {
			a.say("%s: left %s of field %s, which is not granted to you", term.Escape(c.Column), count(c.Left, "token", "tokens"), name)
		}
	}
	if len(r.Fields) == 0 {
		a.say("the file holds no token")
	}
	for _, c := range r.Bare {
		a.warn("%s: no cell holds a token, so that none could be checked", term.Escape(c))
	}
	if r.Unchecked > 0 {
		a.say("records were not checked for %s: give --record-id to check them", count(r.Unchecked, "value", "values"))
	}
	if r.Drafts > 0 {
		a.say("%s not bound to a record: sealed before it had an id", count(r.Drafts, "value is", "values are"))
	}
	a.say("%s; the log was read just now, its last entry was made %s", count(r.Rows, "row", "rows"), age(w.Freshness().HeadTime, a.now()))
	if f.out != "-" {
		a.say("wrote %s, which only you may read", term.Escape(f.out))
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
	Requoted  int64             `json:"requoted"`
	Converted int64             `json:"converted"`
	Fields    []jsonOpenedField `json:"fields"`
	Bare      []string          `json:"columns_without_tokens"`
	Failures  []jsonFailure     `json:"failures"`
	Out       string            `json:"out"`
}

func openedJSON(r columns.OpenReport, f fileFlags, fails *failures) jsonOpened {
	out := jsonOpened{
		Rows: r.Rows, Opened: r.Opened, Left: r.Left, Unchecked: r.Unchecked, Drafts: r.Drafts, Failed: r.Failed,
		Requoted: r.Requoted, Converted: r.Converted, Fields: []jsonOpenedField{}, Failures: append([]jsonFailure{}, fails.list...), Bare: append([]string{}, r.Bare...), Out: f.out,
	}
	for _, c := range r.Fields {
		out.Fields = append(out.Fields, jsonOpenedField{c.Column, c.Field, c.Granted, c.Opened, c.Left})
	}
	return out
}
