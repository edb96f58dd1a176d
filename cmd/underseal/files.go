package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
)

// fileFlags are the flags that seal and open share.
type fileFlags struct {
	out, recordID, dataset, format, delimiter string
	columns                                   []string
	force                                     bool
}

func (f *fileFlags) add(c *cobra.Command) {
	f.addTo(c)
	required(c, "out")
	c.ValidArgsFunction = files
}

// addTo adds the flags where they are not all that a command has.
func (f *fileFlags) addTo(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "", "`FILE` to write, or - for standard output")
	c.Flags().StringVar(&f.dataset, "dataset", "", "a `WORD` that tells apart files whose record ids clash")
	c.Flags().StringVar(&f.format, "format", "", "`FORMAT` of the file, csv or jsonl (default: by its name)")
	c.Flags().StringVar(&f.delimiter, "delimiter", ",", "`SIGN` between the cells of a CSV file, one of , ; | tab")
	c.Flags().BoolVar(&f.force, "force", false, "replace the output if it exists")
	must(c.RegisterFlagCompletionFunc("out", files))
	choices(c, "format", "csv", "jsonl")
	choices(c, "delimiter", ",", ";", "|", "tab")
}

// parseColumns reads COLUMN or COLUMN=FIELD. A name with "=" in it needs the
// second form, whose last "=" is the one that counts.
func (f *fileFlags) parseColumns() ([]columns.Column, error) {
	var out []columns.Column
	for _, s := range f.columns {
		name, field := s, s
		if i := strings.LastIndexByte(s, '='); i >= 0 {
			name, field = s[:i], s[i+1:]
		}
		if name == "" || field == "" {
			return nil, fmt.Errorf("--column %.80q: it takes COLUMN or COLUMN=FIELD", s)
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
			return out, fmt.Errorf("%s: %w", term.Escape(nameOf(input)), err)
		}
	default:
		return out, errors.New("a format is csv or jsonl")
	}
	switch f.delimiter {
	case "tab", "\t", `\t`:
		out.Comma = '\t'
	case ",", ";", "|":
		out.Comma = f.delimiter[0]
	default:
		return out, errors.New("a delimiter is , ; | or tab")
	}
	return out, nil
}

// parse does what needs no key.
func (f *fileFlags) parse(cmd *cobra.Command, input string) (columns.File, []columns.Column, error) {
	cols, err := f.parseColumns()
	if err != nil {
		return columns.File{}, nil, &usageError{err, cmd}
	}
	file, err := f.file(input)
	if err != nil && !errors.Is(err, tabular.ErrFormat) {
		err = &usageError{err, cmd}
	}
	return file, cols, err
}

// again is the flags that the way back needs as well.
func (f *fileFlags) again() string {
	s := " --record-id " + arg(f.recordID)
	if f.dataset != "" {
		s += " --dataset " + arg(f.dataset)
	}
	if f.format != "" {
		s += " --format " + arg(f.format)
	}
	if f.delimiter != "," {
		s += " --delimiter " + arg(f.delimiter)
	}
	return s
}

// stream is an opened input and the output that appears only when complete.
type stream struct {
	in     io.Reader
	size   int64 // of the input, or -1
	out    io.Writer
	file   *durable.File // nil for standard output, or none
	force  bool
	opened *os.File // nil for standard input
}

// openInput opens an input, for what writes no output.
func (a *app) openInput(ctx context.Context, input string) (*stream, error) {
	s, _, err := a.openIn(ctx, input)
	return s, err
}

func (a *app) openIn(ctx context.Context, input string) (*stream, fs.FileInfo, error) {
	s := &stream{size: -1, out: io.Discard}
	in := a.stdin
	if input != "-" {
		var err error
		if in, err = os.Open(input); err != nil {
			return nil, nil, inputError(err)
		}
		s.opened = in
	}
	info, err := in.Stat()
	switch {
	case err != nil:
		return nil, nil, errors.Join(inputError(err), s.close())
	case info.IsDir():
		return nil, nil, errors.Join(&durable.Error{Path: input, Kind: durable.ErrNotRegular}, s.close())
	case info.Mode().IsRegular():
		s.size, s.in = info.Size(), in
	default:
		s.in = interruptible(ctx, in)
	}
	return s, info, nil
}

// openStream opens input and output, after the checks that need no work: the
// input is there, the output is not, and they are not the same file.
func (a *app) openStream(ctx context.Context, input string, f fileFlags, mode durable.Mode) (*stream, error) {
	s, info, err := a.openIn(ctx, input)
	if err != nil {
		return nil, err
	}
	if err := a.checkOutput(info, f); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.force = f.force
	if f.out == "-" {
		s.out = a.stdout
		return s, nil
	}
	out, err := durable.Create(f.out, mode)
	if err != nil {
		return nil, errors.Join(outputError(f.out, err), s.close())
	}
	s.file, s.out = out, out
	return s, nil
}

// inputError names the file once.
func inputError(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", term.Escape(at.Path), at.Err)
	}
	return err
}

// checkOutput refuses an output that exists, or that is the input: by another
// spelling, a link, or the shell's redirection.
func (a *app) checkOutput(in fs.FileInfo, f fileFlags) error {
	if f.out == "-" {
		out, ok := a.output().(*os.File)
		if !ok {
			return nil
		}
		if info, err := out.Stat(); err == nil && info.Mode().IsRegular() && os.SameFile(in, info) {
			return errSameFile
		}
		return nil
	}
	info, err := os.Stat(f.out)
	switch {
	case err != nil:
		return nil //nolint:nilerr // durable.Create says what is wrong with the place, if anything
	case os.SameFile(in, info):
		return fmt.Errorf("%s: %w", term.Escape(f.out), errSameFile)
	case !info.Mode().IsRegular():
		return &durable.Error{Path: f.out, Kind: durable.ErrNotRegular}
	case !f.force:
		return fmt.Errorf("%s: %w", term.Escape(f.out), errOutputExists)
	}
	return nil
}

// interruptible reads a pipe or a terminal so that the end of ctx ends a Read
// that waits.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		_ = w.CloseWithError(err) // never fails, by its documentation
	}()
	context.AfterFunc(ctx, func() { _ = r.CloseWithError(context.Cause(ctx)); _ = w.CloseWithError(context.Cause(ctx)) })
	return r
}

func (s *stream) close() error {
	if s.opened == nil {
		return nil
	}
	return s.opened.Close()
}

// abort discards the output; after commit it does nothing.
func (s *stream) abort() {
	if s.file != nil {
		s.file.Abort()
	}
	_ = s.close() // only read
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

// inFile puts the input's name before an error about its content.
func inFile(input string, err error) error {
	var at *tabular.Error
	if errors.As(err, &at) && errors.Is(err, tabular.ErrCellCount) {
		// Cells of such a row may have slipped: what stands where the id
		// should be may be a value.
		place := at.Place
		place.Record = ""
		err = &tabular.Error{Place: place, Err: at.Err}
	}
	if at != nil || errors.Is(err, tabular.ErrEmpty) || errors.Is(err, tabular.ErrTooLarge) {
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
