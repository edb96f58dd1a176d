package tabular

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// chunk is a run of whole records on its way from the reader through a worker
// to the emitter, and what became of it. Chunks are used again and again.
type chunk struct {
	raw  []byte // the bytes of the file
	line int64  // the physical line that raw begins in, from 1
	read int64  // bytes of the file up to the end of raw
	skip int    // bytes of raw before the first record: mark, blank lines, header
	cut  bool   // raw is a beginning of a record beyond MaxRecord

	rows    int64
	ids     []rowID // one per row where ids were asked for
	cells   []Cell
	slots   []slot         // where the cells are, in the file's order
	text    []byte         // backs the values that had to be decoded
	columns []ColumnReport // of this chunk alone
	index   map[string]int // into columns
	exist   []string       // JSON Lines: the columns of the first row

	out    []byte // the new bytes, empty if nothing was replaced
	events []event
	err    error // rows in it count from this chunk's first
	done   chan struct{}
}

type rowID struct {
	hash [idHash]byte
	text string
	line int64
}

// slot is the place of a cell.
type slot struct {
	start, end int // in raw
	row        int64
	line       int64
	column     int  // in columns
	quoted     bool // CSV
}

// event is something to tell of a cell: it failed, or it will look different.
type event struct {
	cell   int
	err    error
	change Change
}

func (c *chunk) reset() {
	clear(c.index)
	if c.index == nil {
		c.index = map[string]int{}
	}
	// A rare giant row must not keep its room in every chunk.
	if cap(c.raw) > 8*chunkSize {
		c.raw = nil
	}
	if cap(c.out) > 16*chunkSize {
		c.out = nil
	}
	if cap(c.text) > 8*chunkSize {
		c.text = nil
	}
	*c = chunk{
		raw: c.raw[:0], ids: c.ids[:0], cells: c.cells[:0], slots: c.slots[:0], text: c.text[:0],
		columns: c.columns[:0], index: c.index, out: c.out[:0], events: c.events[:0], done: c.done,
	}
}

// column is the place of name in c.columns.
func (c *chunk) column(name string) int {
	i, ok := c.index[name]
	if !ok {
		i = len(c.columns)
		c.index[name] = i
		c.columns = append(c.columns, ColumnReport{Column: name})
	}
	return i
}

// add takes up a cell.
func (c *chunk) add(record, column string, t connector.Type, value []byte, s slot) {
	s.row, s.column = c.rows, c.column(column)
	c.columns[s.column].Cells++
	c.slots = append(c.slots, s)
	n := len(c.cells)
	if n == cap(c.cells) {
		c.cells = append(c.cells, Cell{})
	} else {
		c.cells = c.cells[:n+1]
	}
	spare := c.cells[n].New[:0]
	if cap(spare) > maxSpare {
		spare = nil
	}
	c.cells[n] = Cell{Record: record, Column: column, Type: t, Value: value[:len(value):len(value)], NewType: connector.Text, New: spare}
}

// addID takes up the id of row c.rows or refuses it.
func (c *chunk) addID(id, column string, line int64) error {
	var err error
	switch {
	case id == "":
		err = fmt.Errorf("%w: it is empty", ErrRecordID)
	case len(id) > MaxRecordID:
		err = fmt.Errorf("%w: %w", ErrRecordID, tooLarge("bytes, a number", MaxRecordID))
	case !utf8.ValidString(id):
		err = fmt.Errorf("%w: it is %w", ErrRecordID, ErrNotUTF8)
	default:
		c.ids = append(c.ids, rowID{hashID(id), id, line})
		return nil
	}
	return &Error{Place{Row: c.rows, Line: line, Column: column}, err}
}

// place is the place of a cell; before is how many rows came before the chunk.
func (c *chunk) place(cell int, before int64) Place {
	s := c.slots[cell]
	return Place{Row: before + s.row, Line: s.line, Record: c.cells[cell].Record, Column: c.cells[cell].Column}
}

// work does all that can be done without knowing the chunks before.
func (c *chunk) work(ctx context.Context, f format, p parser, t Transform) error {
	if c.skip == len(c.raw) {
		return nil // before the header is read, there is no parser yet
	}
	if err := p.parse(c); err != nil {
		return err
	}
	if len(c.cells) == 0 {
		return nil
	}
	if err := t(ctx, c.cells); err != nil {
		return err
	}
	c.render(f)
	return nil
}

// render puts the new values between the old bytes.
func (c *chunk) render(f format) {
	from := 0
	for i := range c.cells {
		cell, s := &c.cells[i], c.slots[i]
		err := cell.Err
		if err == nil && cell.Replace {
			mark := len(c.out)
			c.out = append(c.out, c.raw[from:s.start]...)
			var change Change
			if c.out, change, err = f.appendNew(c.out, c, i); err != nil {
				c.out = c.out[:mark]
			} else {
				from = s.end
				c.columns[s.column].Replaced++
				if change != 0 {
					c.events = append(c.events, event{cell: i, change: change})
				}
			}
		}
		if err != nil {
			c.columns[s.column].Failed++
			c.events = append(c.events, event{cell: i, err: err})
		}
	}
	if from > 0 {
		c.out = append(c.out, c.raw[from:]...)
	}
}

// output is what is to be written for this chunk.
func (c *chunk) output() []byte {
	if len(c.out) > 0 {
		return c.out
	}
	return c.raw
}
