package tabular

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// csvFormat is what is known of a CSV file once its header is read.
type csvFormat struct {
	o      *Options
	header []string
	id     int   // the column of record ids, or -1
	pick   []int // the chosen columns, ascending
}

func newCSVFormat(o *Options) *csvFormat { return &csvFormat{o: o, id: -1} }

// begin reads the header.
func (f *csvFormat) begin(c *chunk) (bool, error) {
	if c.line == 1 {
		if err := skipMark(c); err != nil {
			return false, err
		}
	}
	r := csv.NewReader(bytes.NewReader(c.raw[c.skip:]))
	r.Comma, r.FieldsPerRecord = rune(f.o.Comma), -1
	header, err := r.Read()
	switch {
	case err == io.EOF:
		c.skip = len(c.raw)
		return false, nil
	case err != nil:
		at := f.fault(c, 0, c.line, header, err)
		at.Row = 0
		return false, at
	case c.cut || int(r.InputOffset()) > MaxRecord:
		return false, &Error{Place{Line: c.line}, tooLarge("bytes in a row, a number", MaxRecord)}
	}
	c.skip += int(r.InputOffset())
	f.header = header
	return true, f.choose()
}

// choose finds the columns by their names.
func (f *csvFormat) choose() error {
	if len(f.header) > MaxColumns {
		return tooLarge("columns, a number", MaxColumns)
	}
	index := make(map[string]int, len(f.header))
	twice := map[string]bool{}
	for i, name := range f.header {
		if strings.ContainsRune(name, '\r') {
			return &Error{Place{Line: 1}, ErrLineEnding}
		}
		if _, ok := index[name]; ok {
			twice[name] = true
		}
		index[name] = i
	}
	find := func(name string) (int, error) {
		i, ok := index[name]
		switch {
		case !ok:
			return 0, unknownColumn(name, f.header)
		case twice[name]:
			return 0, &Error{Place{Column: name}, ErrDuplicateColumn}
		}
		return i, nil
	}
	var err error
	if f.o.RecordID != "" {
		if f.id, err = find(f.o.RecordID); err != nil {
			return err
		}
	}
	for _, name := range f.o.Columns {
		i, err := find(name)
		if err != nil {
			return err
		}
		f.pick = append(f.pick, i)
	}
	slices.Sort(f.pick)
	return nil
}

func (f *csvFormat) end() error { return ErrEmpty }

// fault turns an error of the library into ours, with its place: rows were
// read from data before, and partial are the cells before the fault.
func (f *csvFormat) fault(c *chunk, rows int64, line int64, partial []string, err error) *Error {
	data := c.raw[c.skip:]
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return &Error{Place{Row: rows + 1}, err}
	}
	at := Place{Row: rows + 1, Line: line + int64(p.StartLine) - 1}
	if f.id >= 0 && f.id < len(partial) {
		at.Record = partial[f.id]
	}
	quoteAt := byteAt(data, p.Line, p.Column) == '"'
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		err = ErrBareQuote
	case errors.Is(err, csv.ErrQuote) && quoteAt:
		err = ErrQuote
	case c.cut:
		return &Error{at, fmt.Errorf("%w; a quote may not be closed", tooLarge("bytes in a row, a number", MaxRecord))}
	case errors.Is(err, csv.ErrQuote):
		err = ErrUnclosedQuote
	default:
		return &Error{at, fmt.Errorf("%w: %d, and the header has %d", ErrCellCount, len(partial), len(f.header))}
	}
	if len(partial) < len(f.header) {
		at.Column = f.header[len(partial)]
	}
	if quoteAt {
		at.Line, at.Byte = line+int64(p.Line)-1, int64(p.Column)
	}
	return &Error{at, err}
}

// byteAt is the byte at a line and column that the library named, both from
// 1, or 0 where there is none.
func byteAt(data []byte, line, column int) byte {
	for ; line > 1; line-- {
		data = data[bytes.IndexByte(data, '\n')+1:]
	}
	if column < 1 || column > len(data) {
		return 0
	}
	return data[column-1]
}

// csvParser parses chunks for one goroutine.
type csvParser struct {
	f   *csvFormat
	src bytes.Reader
	buf *bufio.Reader
}

func (f *csvFormat) parser() parser {
	p := &csvParser{f: f}
	p.buf = bufio.NewReaderSize(&p.src, chunkSize)
	return p
}

// parse finds the record ids and the selected cells of a chunk.
func (p *csvParser) parse(c *chunk) error {
	f, data := p.f, c.raw[c.skip:]
	p.src.Reset(data)
	p.buf.Reset(&p.src)
	r := csv.NewReader(p.buf)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = rune(f.o.Comma), len(f.header), true
	// The chunk's line that data begins in.
	line := c.line + int64(bytes.Count(c.raw[:c.skip], []byte{'\n'}))
	at := cursor{r: r, data: data, comma: f.o.Comma, lineNo: 1}
	for {
		start := int(r.InputOffset())
		rec, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return f.fault(c, c.rows, line, rec, err)
		}
		c.rows++
		end := int(r.InputOffset())
		if c.cut || end-start > MaxRecord {
			return &Error{Place{Row: c.rows, Line: line + int64(at.lineNo) - 1}, tooLarge("bytes in a row, a number", MaxRecord)}
		}
		if !at.record(start, end) {
			return &Error{Place{Row: c.rows}, ErrLocate}
		}
		if err := p.row(c, rec, &at, line); err != nil {
			return err
		}
	}
}

// row takes up one record's id and cells.
func (p *csvParser) row(c *chunk, rec []string, at *cursor, line int64) error {
	f, id := p.f, ""
	if f.id >= 0 {
		id = rec[f.id]
		idLine, _ := at.r.FieldPos(f.id)
		if err := c.addID(id, f.o.RecordID, line+int64(idLine)-1); err != nil {
			return err
		}
	}
	if f.o.Prefix != "" {
		for i, v := range rec {
			if strings.HasPrefix(v, f.o.Prefix) {
				if err := p.cell(c, rec, i, id, at, line); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, i := range f.pick {
		if rec[i] == "" {
			c.columns[c.column(f.header[i])].Empty++
			continue
		}
		if err := p.cell(c, rec, i, id, at, line); err != nil {
			return err
		}
	}
	return nil
}

// cell takes up cell i of a record.
func (p *csvParser) cell(c *chunk, rec []string, i int, id string, at *cursor, line int64) error {
	name := p.f.header[i]
	s := slot{}
	var ok bool
	s.start, s.end, ok = at.field(i, len(rec))
	s.line = line + int64(at.fieldLine) - 1
	fail := func(err error) error {
		return &Error{Place{Row: c.rows, Line: s.line, Record: id, Column: name}, err}
	}
	if !ok {
		return fail(ErrLocate)
	}
	value := at.data[s.start:s.end]
	if value[0] == '"' {
		if s.quoted = true; len(value) < 2 || value[len(value)-1] != '"' {
			return fail(ErrLocate)
		}
		value = value[1 : len(value)-1]
		if bytes.IndexByte(value, '"') >= 0 {
			mark := len(c.text)
			if c.text, ok = appendUndoubled(c.text, value); !ok {
				return fail(ErrLocate)
			}
			value = c.text[mark:len(c.text):len(c.text)]
		}
	}
	if !sameText(value, rec[i]) {
		return fail(ErrLocate)
	}
	if len(value) > MaxCell {
		return fail(tooLarge("bytes in a cell, a number", MaxCell))
	}
	// With a prefix the cell claims to be a token, which the Transform judges.
	if p.f.o.Prefix == "" && !utf8.Valid(value) {
		return fail(ErrNotUTF8)
	}
	s.start, s.end = s.start+c.skip, s.end+c.skip
	c.add(id, name, connector.Text, value, s)
	return nil
}

// appendUndoubled appends the text between a cell's quotes with single quotes
// for doubled ones, and tells whether every quote was doubled.
func appendUndoubled(dst, s []byte) ([]byte, bool) {
	for {
		i := bytes.IndexByte(s, '"')
		if i < 0 {
			return append(dst, s...), true
		}
		if i+1 == len(s) || s[i+1] != '"' {
			return dst, false
		}
		dst = append(dst, s[:i+1]...)
		s = s[i+2:]
	}
}

// sameText tells whether located is parsed, but for the library's turning of
// CRLF into LF.
func sameText(located []byte, parsed string) bool {
	if string(located) == parsed {
		return true
	}
	return string(bytes.ReplaceAll(located, []byte("\r\n"), []byte{'\n'})) == parsed
}

// appendNew writes a new value as the old one was: quoted where that was.
func (f *csvFormat) appendNew(dst []byte, c *chunk, i int) ([]byte, Change, error) {
	cell, s := &c.cells[i], &c.slots[i]
	v, change, err := cell.New, Change(0), error(nil)
	if cell.NewType == connector.JSON {
		change = Converted
		if v, err = textOfJSON(v); err != nil {
			return dst, 0, err
		}
	} else if cell.NewType != connector.Text || !utf8.Valid(v) {
		return dst, 0, ErrNewValue
	}
	if !s.quoted {
		if !f.needsQuotes(v, c.raw[s.end:]) {
			return append(dst, v...), change, nil
		}
		if change == 0 {
			change = Requoted
		}
	}
	dst = append(dst, '"')
	for {
		q := bytes.IndexByte(v, '"')
		if q < 0 {
			break
		}
		dst = append(append(dst, v[:q+1]...), '"')
		v = v[q+1:]
	}
	return append(append(dst, v...), '"'), change, nil
}

// needsQuotes tells whether v, written without quotes before the bytes next,
// would be read as something else.
func (f *csvFormat) needsQuotes(v, next []byte) bool {
	if len(v) == 0 {
		return len(f.header) == 1 // a blank line is no row
	}
	if v[len(v)-1] == '\r' && (len(next) == 0 || next[0] == '\n') {
		return true // the CR would belong to the line's end
	}
	for _, b := range v {
		if b == '"' || b == '\n' || b == f.o.Comma {
			return true
		}
	}
	return false
}
