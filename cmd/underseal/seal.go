package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/workspace"
)

// fileFlags are the flags that seal and open share.
type fileFlags struct {
	out, recordID, dataset, format, delimiter string
	columns                                   []string
	force                                     bool
}

func (f *fileFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "", "file to write, or - for standard output")
	c.Flags().StringVar(&f.dataset, "dataset", "", "a word that tells apart files whose record ids clash")
	c.Flags().StringVar(&f.format, "format", "", "csv or jsonl (default: by the file's name)")
	c.Flags().StringVar(&f.delimiter, "delimiter", ",", "what separates the cells of a CSV file: , ; | or tab")
	c.Flags().BoolVar(&f.force, "force", false, "replace the output if it exists")
	required(c, "out")
}

// parseColumns reads COLUMN or COLUMN=FIELD.
func (f *fileFlags) parseColumns() ([]columns.Column, error) {
	var out []columns.Column
	for _, s := range f.columns {
		name, field, ok := strings.Cut(s, "=")
		if !ok {
			field = name
		}
		if name == "" || field == "" {
			return nil, &usageError{errors.New("--column takes COLUMN or COLUMN=FIELD")}
		}
		out = append(out, columns.Column{Name: name, Field: field})
	}
	return out, nil
}

// file turns the flags into what the engine takes.
func (f *fileFlags) file(input string) (columns.File, error) {
	out := columns.File{RecordID: f.recordID, Dataset: f.dataset}
	switch f.format {
	case "csv":
		out.Format = tabular.CSV
	case "jsonl", "ndjson":
		out.Format = tabular.JSONLines
	case "":
		var err error
		if out.Format, err = tabular.Detect(input); err != nil {
			return out, err
		}
	default:
		return out, &usageError{errors.New("a format is csv or jsonl")}
	}
	switch f.delimiter {
	case "tab", "\t":
		out.Comma = '\t'
	case ",", ";", "|":
		out.Comma = f.delimiter[0]
	default:
		return out, &usageError{errors.New("a delimiter is , ; | or tab")}
	}
	return out, nil
}

// stream is an opened input and the output that appears only when complete.
type stream struct {
	in    *os.File
	size  int64 // of the input, or -1
	out   io.Writer
	file  *durable.File // nil for standard output
	force bool
}

// openStream opens input and output, after the checks that need no work: the
// input is there, the output is not, and they are not the same file.
func (a *app) openStream(input, out string, force bool, mode durable.Mode) (*stream, error) {
	s := &stream{in: a.stdin, size: -1, out: a.stdout, force: force}
	if input != "-" {
		f, err := os.Open(input)
		if err != nil {
			return nil, err
		}
		s.in = f
		if info, err := f.Stat(); err != nil {
			return nil, errors.Join(err, f.Close())
		} else if info.IsDir() {
			return nil, errors.Join(&durable.Error{Path: input, Kind: durable.ErrNotRegular}, f.Close())
		} else if info.Mode().IsRegular() {
			s.size = info.Size()
		}
	}
	if out == "-" {
		return s, nil
	}
	if err := checkOutput(s.in, out, force); err != nil {
		return nil, errors.Join(err, s.closeInput(a))
	}
	f, err := durable.Create(out, mode)
	if err != nil {
		return nil, errors.Join(err, s.closeInput(a))
	}
	s.file, s.out = f, f
	return s, nil
}

func checkOutput(in *os.File, out string, force bool) error {
	info, err := os.Stat(out)
	if err != nil {
		return nil // durable.Create says what is wrong with the place, if anything
	}
	if mine, err := in.Stat(); err == nil && os.SameFile(mine, info) {
		return errSameFile
	}
	if !force {
		return fmt.Errorf("%s: %w", out, errOutputExists)
	}
	return nil
}

func (s *stream) closeInput(a *app) error {
	if s.in == a.stdin {
		return nil
	}
	return s.in.Close()
}

// abort discards the output; after commit it does nothing.
func (s *stream) abort(a *app) {
	if s.file != nil {
		s.file.Abort()
	}
	_ = s.closeInput(a)
}

func (s *stream) commit() error {
	if s.file == nil {
		return nil
	}
	return s.file.Commit(s.force)
}

// progress shows a bar for long work where somebody watches.
func (a *app) progress(size int64, what string) (func(int64), func()) {
	f, ok := a.stderr.(*os.File)
	const longWork = 8 << 20 // bytes: shorter work is done before a bar could be read
	if !ok || a.json || size < longWork || !term.IsTerminal(f) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(f),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	return func(n int64) { _ = bar.Set64(n) }, func() { _ = bar.Clear() }
}

func newSealCommand(a *app) *cobra.Command {
	var f fileFlags
	c := &cobra.Command{
		Use: "seal FILE", Short: "Seal columns of a CSV or JSON Lines file", Args: cobra.ExactArgs(1),
		Long: `Seal columns of a CSV or JSON Lines file. Every other byte stays as it is. Empty
cells stay empty. A token that is already one of its record and field is kept;
any other token in a column to be sealed is an error. FILE may be - for standard
input.

    underseal seal people.csv --out sealed.csv --record-id id \
        --column phone --column address=home-address`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			return a.seal(cmd.Context(), w, args[0], f)
		}),
	}
	f.add(c)
	c.Flags().StringVar(&f.recordID, "record-id", "", "the column with each row's own id")
	c.Flags().StringArrayVar(&f.columns, "column", nil, "COLUMN, or COLUMN=FIELD where the names differ; repeat it")
	required(c, "record-id", "column")
	return c
}

type jsonColumn struct {
	Column   string `json:"column"`
	Field    string `json:"field,omitempty"`
	Cells    int64  `json:"cells"`
	Replaced int64  `json:"replaced"`
	Empty    int64  `json:"empty"`
	Failed   int64  `json:"failed"`
}

func (a *app) seal(ctx context.Context, w *workspace.Workspace, input string, f fileFlags) error {
	cols, err := f.parseColumns()
	if err != nil {
		return err
	}
	file, err := f.file(input)
	if err != nil {
		return err
	}
	s, err := a.openStream(input, f.out, f.force, durable.Shared)
	if err != nil {
		return err
	}
	defer s.abort(a)
	bar, end := a.progress(s.size, "sealing")
	file.Progress = bar
	file.Warn = a.warnOfChange(input)
	r, err := columns.Seal(ctx, w, s.in, s.out, file, cols)
	end()
	if err != nil {
		return inFile(input, err)
	}
	if err := s.commit(); err != nil {
		return err
	}
	out := struct {
		Rows    int64        `json:"rows"`
		Sealed  int64        `json:"sealed"`
		Kept    int64        `json:"kept"`
		Columns []jsonColumn `json:"columns"`
		Out     string       `json:"out"`
	}{Rows: r.Rows, Kept: r.Kept, Out: f.out}
	for i, c := range r.Columns {
		out.Sealed += c.Replaced
		out.Columns = append(out.Columns, jsonColumn{c.Column, cols[i].Field, c.Cells, c.Replaced, c.Empty, c.Failed})
	}
	if a.json && f.out != "-" {
		a.printJSON(out)
	}
	for i, c := range r.Columns {
		a.say("%s: sealed %d values as field %s, %d empty", term.Escape(c.Column), c.Replaced, term.Escape(cols[i].Field), c.Empty)
	}
	if r.Kept > 0 {
		a.say("kept %d tokens that were sealed before", r.Kept)
	}
	a.say("%d rows", r.Rows)
	if f.out != "-" {
		a.say("wrote %s", term.Escape(f.out))
		a.next("underseal open %s --out plain.csv --record-id %s", term.Escape(f.out), term.Escape(f.recordID))
	}
	return nil
}

// inFile puts the input's name before an error about its content.
func inFile(input string, err error) error {
	var at *tabular.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", term.Escape(nameOf(input)), err)
	}
	return err
}

func nameOf(input string) string {
	if input == "-" {
		return "standard input"
	}
	return input
}

// warnOfChange tells, before a row is written, that a cell's own spelling will
// not come back.
func (a *app) warnOfChange(input string) func(tabular.Place, tabular.Change) {
	const most = 10
	n := 0
	return func(p tabular.Place, c tabular.Change) {
		n++
		switch {
		case n <= most:
			a.warn("%s: %s: %s", term.Escape(nameOf(input)), p, c)
		case n == most+1:
			a.warn("%s: more such cells; they are counted, not shown", term.Escape(nameOf(input)))
		}
	}
}
