package tabular_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

// Each fuzz target has its seeds in testdata/fuzz/, and adds the people file.

func FuzzCSVIdentity(f *testing.F) {
	f.Add(rows(legislators(f), 8000), uint16(100), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint16, comma byte) {
		o := tabular.Options{Format: tabular.CSV, Comma: ",;|\t"[comma%4], Workers: 2}
		want, columns, wantErr := readAll(in, o.Comma)
		if o.Columns = columns; len(columns) == 0 {
			o.Prefix = "us1."
		}
		var got collector
		out, r, err := process(string(in), tabular.WithChunk(o, int(chunk)), got.same)
		if !bytes.HasPrefix(in, []byte(out)) {
			t.Fatalf("in  %q\nout %q", in, out)
		}
		if stricter(err) {
			return
		}
		if err != nil || wantErr != nil {
			sameFault(t, err, wantErr, int64(len(want)))
			return
		}
		if out != string(in) {
			t.Fatalf("in  %q\nout %q", in, out)
		}
		if r.Rows != int64(len(want)-1) || r.Requoted != 0 {
			t.Fatalf("%d rows, report %+v", len(want)-1, r)
		}
		if o.Prefix == "" {
			sameCells(t, want, columns, got.cells)
		}
	})
}

// rows are the first whole rows of a file, up to n bytes.
func rows(file []byte, n int) []byte { return file[:bytes.LastIndexByte(file[:n], '\n')+1] }

// collector keeps copies of the cells that come by.
type collector struct {
	mu    sync.Mutex
	cells []tabular.Cell
}

func (k *collector) same(ctx context.Context, cells []tabular.Cell) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range cells {
		c.Value = bytes.Clone(c.Value)
		k.cells = append(k.cells, c)
	}
	return tabulartest.Same(ctx, cells)
}

// stricter tells whether err is one that encoding/csv would not report.
func stricter(err error) bool {
	for _, e := range []error{tabular.ErrLineEnding, tabular.ErrEncoding, tabular.ErrNotUTF8, tabular.ErrEmpty, tabular.ErrTooLarge} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// readAll is encoding/csv on the whole file at once: the records up to the
// first fault, and the columns whose names occur once.
func readAll(in []byte, comma byte) (recs [][]string, columns []string, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(in, []byte("\ufeff"))))
	r.Comma = rune(comma)
	for {
		rec, err := r.Read()
		if err == io.EOF {
			err = nil
		}
		if rec == nil || err != nil {
			if len(recs) > 0 {
				for _, name := range recs[0] {
					if i := slices.Index(recs[0], name); !slices.Contains(recs[0][i+1:], name) {
						columns = append(columns, name)
					}
				}
			}
			return recs, columns, err
		}
		recs = append(recs, rec)
	}
}

func sameFault(t *testing.T, got, want error, records int64) {
	t.Helper()
	var at *tabular.Error
	var p *csv.ParseError
	if !errors.As(got, &at) || !errors.As(want, &p) {
		t.Fatalf("got %v, want %v", got, want)
	}
	kinds := map[error][]error{
		csv.ErrBareQuote: {tabular.ErrBareQuote}, csv.ErrFieldCount: {tabular.ErrCellCount},
		csv.ErrQuote: {tabular.ErrQuote, tabular.ErrUnclosedQuote},
	}
	if !slices.ContainsFunc(kinds[p.Err], func(e error) bool { return errors.Is(got, e) }) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if at.Row != records || at.Line < int64(p.StartLine) || at.Line > int64(p.Line) {
		t.Fatalf("got %v, want row %d, %v", got, records, want)
	}
}

// sameCells checks that each value that encoding/csv read came as a cell.
func sameCells(t *testing.T, recs [][]string, columns []string, got []tabular.Cell) {
	t.Helper()
	var want, have []string
	for _, rec := range recs[1:] {
		for i, name := range recs[0] {
			if rec[i] != "" && slices.Contains(columns, name) {
				want = append(want, name+"="+rec[i])
			}
		}
	}
	for _, c := range got {
		have = append(have, c.Column+"="+strings.ReplaceAll(string(c.Value), "\r\n", "\n"))
	}
	slices.Sort(want) // batches come in any order
	slices.Sort(have)
	if !slices.Equal(want, have) {
		t.Fatalf("got  %q\nwant %q", have, want)
	}
}

func FuzzCSVRoundTrip(f *testing.F) {
	f.Add(rows(legislators(f), 8000), uint16(100), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint16, comma byte) {
		o := tabular.Options{
			Format: tabular.CSV, Comma: ",;|\t"[comma%4], Workers: 2,
			Warn: func(at tabular.Place, c tabular.Change) { t.Errorf("%v: %v", at, c) },
		}
		if _, o.Columns, _ = readAll(in, o.Comma); len(o.Columns) == 0 {
			return // no column to choose
		}
		roundTrip(t, string(in), tabular.WithChunk(o, int(chunk)))
	})
}

func roundTrip(t *testing.T, in string, o tabular.Options) {
	t.Helper()
	sealed, _, err := process(in, o, tabulartest.Seal)
	if err != nil {
		if _, _, err := process(in, o, tabulartest.Same); err == nil {
			t.Fatalf("refused only where it is sealed: %q", in)
		}
		return
	}
	o.Columns, o.Prefix = nil, tabulartest.Prefix
	if _, r, err := process(in, o, tabulartest.Nothing); err != nil || len(r.Columns) > 0 {
		return // plaintext that looks like a token: nothing else could be opened
	}
	opened, _, err := process(sealed, o, tabulartest.Open)
	if err != nil || opened != in {
		t.Fatalf("in     %q\nsealed %q\nopened %q\n%v", in, sealed, opened, err)
	}
}

func FuzzJSONLinesIdentity(f *testing.F) {
	f.Add(rows(asJSONLines(f, legislators(f)), 8000), uint16(100))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint16) {
		var got collector
		o := tabular.Options{Format: tabular.JSONLines, Columns: []string{"a", "b", "phone"}, Workers: 2}
		out, r, err := process(string(in), tabular.WithChunk(o, int(chunk)), got.same)
		if !bytes.HasPrefix(in, []byte(out)) {
			t.Fatalf("in  %q\nout %q", in, out)
		}
		for _, e := range []error{tabular.ErrDuplicateColumn, tabular.ErrNotUTF8, tabular.ErrEncoding} {
			if errors.Is(err, e) {
				return
			}
		}
		want, rows, valid := readLines(bytes.TrimPrefix(in, []byte("\ufeff")), o.Columns)
		if done := err == nil || errors.Is(err, tabular.ErrUnknownColumn); done != valid {
			t.Fatalf("%q: %v, but valid is %v", in, err, valid)
		}
		if !valid {
			return
		}
		if out != string(in) || r.Rows != rows {
			t.Fatalf("in  %q\nout %q\n%d rows, report %+v", in, out, rows, r)
		}
		var have []string
		for _, c := range got.cells {
			v := string(c.Value)
			if c.Type == connector.Text {
				v = string(tabular.AppendJSONString(nil, c.Value))
			}
			have = append(have, c.Column+"="+v)
		}
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(want, have) {
			t.Fatalf("got  %q\nwant %q", have, want)
		}
	})
}

// readLines is encoding/json on each line by itself.
func readLines(in []byte, columns []string) (cells []string, rows int64, valid bool) {
	for line := range bytes.Lines(in) {
		line = bytes.Trim(line, " \t\r\n")
		if len(line) == 0 {
			continue
		}
		var m map[string]json.RawMessage
		if !utf8.Valid(line) || line[0] != '{' || json.Unmarshal(line, &m) != nil {
			return nil, rows, false
		}
		rows++
		for _, name := range columns {
			if v := string(m[name]); v != "" && v != "null" && v != `""` {
				cells = append(cells, name+"="+v)
			}
		}
	}
	return cells, rows, true
}

func FuzzJSONLinesRoundTrip(f *testing.F) {
	f.Add(rows(asJSONLines(f, legislators(f)), 8000), uint16(100), "phone")
	f.Fuzz(func(t *testing.T, in []byte, chunk uint16, column string) {
		o := tabular.Options{Format: tabular.JSONLines, Columns: []string{column}, Workers: 2}
		roundTrip(t, string(in), tabular.WithChunk(o, int(chunk)))
	})
}
