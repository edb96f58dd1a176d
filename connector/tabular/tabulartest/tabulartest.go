// Package tabulartest has what tests and benchmarks of connector/tabular and
// of its callers need: files of any number of rows, transformations that stand
// for sealing and opening without any cryptography, and one benchmark into
// which any transformation can be put.
//
// Compatibility: none is promised; it is for tests.
package tabulartest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
)

// mark stands for a record id while a template is cut at its ids.
const mark = "\uE000"

// Rows streams a file of n rows: those of template, over and over, each with a
// new record id in place of the one in the column id. Everything else is as in
// the template, a byte order mark and the header included. The template's last
// line must end in a line ending; a CSV template's delimiter is the comma. In
// JSON Lines the ids are strings.
func Rows(f tabular.Format, template []byte, id string, n int64) (io.Reader, error) {
	if bytes.Contains(template, []byte(mark)) || !bytes.HasSuffix(template, []byte{'\n'}) {
		return nil, errors.New("the template holds U+E000 or has no last line ending")
	}
	var marked bytes.Buffer
	o := tabular.Options{Format: f, Columns: []string{id}, Workers: 1}
	_, err := tabular.Process(context.Background(), bytes.NewReader(template), &marked, o, func(_ context.Context, cells []tabular.Cell) error {
		for i := range cells {
			cells[i].Replace, cells[i].New = true, append(cells[i].New, mark...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lines, err := records(f, marked.Bytes())
	if err != nil {
		return nil, err
	}
	r := &rows{n: n}
	if f == tabular.CSV {
		r.buf, lines = append(r.buf, lines[0]...), lines[1:]
	}
	for _, line := range lines {
		before, after, ok := bytes.Cut(line, []byte(mark))
		if !ok {
			return nil, errors.New("a row of the template has no record id")
		}
		r.parts = append(r.parts, [2][]byte{before, after})
	}
	if len(r.parts) == 0 {
		return nil, errors.New("the template has no rows")
	}
	return r, nil
}

// records cuts a file into its records, with their line endings.
func records(f tabular.Format, b []byte) ([][]byte, error) {
	if f == tabular.JSONLines {
		return slices.Collect(bytes.Lines(b)), nil
	}
	var out [][]byte
	for r, from := csv.NewReader(bytes.NewReader(b)), int64(0); ; from = r.InputOffset() {
		_, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b[from:r.InputOffset()])
	}
}

type rows struct {
	parts [][2][]byte // of each row, what stands before and after the id
	n, i  int64
	buf   []byte
	off   int
}

func (r *rows) Read(p []byte) (int, error) {
	if r.off == len(r.buf) {
		r.buf, r.off = r.buf[:0], 0
		for len(r.buf) < 64<<10 && r.i < r.n {
			part := r.parts[r.i%int64(len(r.parts))]
			r.buf = fmt.Appendf(append(r.buf, part[0]...), "R%08d", r.i)
			r.buf = append(r.buf, part[1]...)
			r.i++
		}
		if len(r.buf) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, r.buf[r.off:])
	r.off += n
	return n, nil
}

// Prefix begins the tokens that Seal makes.
const Prefix = "us1."

// ErrToken is what Open sets on a cell that Seal did not make.
var ErrToken = errors.New("not a token of this test")

// Seal is a Transform that writes every cell into a token without hiding it:
// Prefix and the base64url of its type and value.
func Seal(_ context.Context, cells []tabular.Cell) error {
	var plain []byte
	for i := range cells {
		c := &cells[i]
		plain = append(append(plain[:0], byte(c.Type)), c.Value...)
		c.New = base64.RawURLEncoding.AppendEncode(append(c.New, Prefix...), plain)
		c.Replace = true
	}
	return nil
}

// Open is the Transform that undoes Seal.
func Open(_ context.Context, cells []tabular.Cell) error {
	for i := range cells {
		c := &cells[i]
		text, ok := bytes.CutPrefix(c.Value, []byte(Prefix))
		plain, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
		if !ok || err != nil || len(plain) < 2 {
			c.Err = ErrToken
			continue
		}
		c.Replace, c.NewType, c.New = true, connector.Type(plain[0]), append(c.New, plain[1:]...)
	}
	return nil
}

// Same is a Transform that puts every value in its own place.
func Same(_ context.Context, cells []tabular.Cell) error {
	for i := range cells {
		c := &cells[i]
		c.Replace, c.NewType, c.New = true, c.Type, append(c.New, c.Value...)
	}
	return nil
}

// Nothing is a Transform that replaces nothing.
func Nothing(context.Context, []tabular.Cell) error { return nil }
