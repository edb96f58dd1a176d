// Package table shows a CSV or JSON Lines file as connector.Records, so that
// bulk work can plan, apply, verify and undo on it as on any outside system.
//
// [Open] a file, work, and [Table.Flush]: what was written since rests in
// memory until then and is streamed through tabular.Process into a file beside
// it, which is synced and takes its name. Every byte that is not a changed
// value stays as it was. A row that somebody else has changed meanwhile refuses
// the whole Flush. To seal or open a file in one pass, into another file,
// bulk/columns is simpler and faster: here each page is a pass over the file.
//
// What is empty cannot be filled: there is no element, and none can be made.
//
// Its API may change until release 1.0.0.
package table

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/internal/durable"
)

// pageSize is large because each page is a pass over the file, and small
// enough for a page of long rows to fit into memory.
const pageSize = 1000

// element is the id of every element: a column has one in each row.
const element = "cell"

// Options say how to read a file.
type Options struct {
	Format   tabular.Format
	Comma    byte
	RecordID string // column; required
	// Dataset tells apart files whose record ids clash. It is the account of
	// the place, and so a part of every token's record.
	Dataset string
}

// Table is an open file. It is safe for several goroutines.
type Table struct {
	path    string
	o       Options
	columns []string

	mu sync.Mutex
	// rows are those of the last page, by id, as they are in the file.
	rows map[string]*row
	// pending are the values that were written and not flushed, and the rows
	// that they were written over.
	pending map[string]*pending
}

// row is what a row holds, by column; what is empty is not there.
type row struct {
	id    string
	cells map[string]cell
}

type cell struct {
	t    connector.Type
	text string
}

type pending struct {
	base    string // version of the row in the file
	changed map[string]*cell
}

var (
	_ connector.Records = (*Table)(nil)
	_ connector.Flusher = (*Table)(nil)
)

// Open reads the file once: its columns, and whether it is sound.
func Open(ctx context.Context, path string, o Options) (*Table, error) {
	if o.RecordID == "" {
		return nil, fmt.Errorf("%w: no column for record ids", tabular.ErrOptions)
	}
	t := &Table{path: path, o: o, rows: map[string]*row{}, pending: map[string]*pending{}}
	var err error
	if t.columns, err = t.header(); err != nil {
		return nil, err
	}
	return t, t.scan(ctx, func(*row) {})
}

// id of a column: a definition's id holds no ">".
var toID = strings.NewReplacer("%", "%25", ">", "%3E")

// column is the column of a definition's id.
func (t *Table) column(id string) (string, bool) {
	i := slices.IndexFunc(t.columns, func(c string) bool { return toID.Replace(c) == id })
	if i < 0 {
		return "", false
	}
	return t.columns[i], true
}

// Capabilities implements connector.Records. The version of a row is checked
// when it is flushed.
func (t *Table) Capabilities() connector.Capabilities {
	return connector.Capabilities{Conditional: true, Partial: true, Kinds: []string{tabular.RecordKind}, PageSize: pageSize, Parallel: 1}
}

// Place implements connector.Reader.
func (t *Table) Place(ctx context.Context) (connector.Place, error) {
	return connector.Place{Connector: tabular.Connector, Account: t.o.Dataset, Name: t.path}, ctx.Err()
}

// Definitions implements connector.Reader: a column is a field of text.
func (t *Table) Definitions(ctx context.Context) ([]connector.Definition, error) {
	var list []connector.Definition
	for _, c := range t.columns {
		list = append(list, connector.Definition{ID: toID.Replace(c), Name: c, Kind: tabular.RecordKind, Type: connector.TextArea, Version: "1"})
	}
	return list, ctx.Err()
}

// List implements connector.Reader. The cursor is the last row's id.
func (t *Table) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	var p connector.Page
	if kind != tabular.RecordKind {
		return p, fmt.Errorf("kind %.40q: %w", kind, connector.ErrNotFound)
	}
	ids, total, err := t.ids(ctx, cursor)
	if err != nil {
		return p, err
	}
	if len(ids) > pageSize {
		ids = ids[:pageSize]
		p.Next = ids[pageSize-1]
	}
	if err := t.load(ctx, ids); err != nil {
		return p, err
	}
	p.Total = total
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		p.Records = append(p.Records, t.record(t.rows[id], fields))
	}
	return p, nil
}

// Get implements connector.Reader.
func (t *Table) Get(ctx context.Context, kind, id string, fields []string) (connector.Record, error) {
	t.mu.Lock()
	r := t.rows[id]
	t.mu.Unlock()
	if r == nil && kind == tabular.RecordKind {
		there := false
		err := t.eachID(ctx, func(has string) { there = there || has == id })
		if err == nil && there {
			err = t.load(ctx, []string{id})
		}
		if err != nil {
			return connector.Record{}, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r = t.rows[id]; r == nil || kind != tabular.RecordKind {
		return connector.Record{}, &connector.RecordError{Kind: kind, ID: id, Err: connector.ErrNotFound}
	}
	return t.record(r, fields), ctx.Err()
}

// now is the row with what was written to it; t.mu is held.
func (t *Table) now(r *row) *row {
	p := t.pending[r.id]
	if p == nil {
		return r
	}
	n := &row{r.id, maps.Clone(r.cells)}
	for column, c := range p.changed {
		if c == nil {
			delete(n.cells, column)
		} else {
			n.cells[column] = *c
		}
	}
	return n
}

// record is the row as it is now; t.mu is held.
func (t *Table) record(r *row, fields []string) connector.Record {
	r = t.now(r)
	rec := connector.Record{Kind: tabular.RecordKind, ID: r.id, Version: r.version()}
	for _, f := range fields {
		if column, ok := t.column(f); ok {
			if c, there := r.cells[column]; there {
				rec.Values = append(rec.Values, connector.Value{Field: f, ID: element, Data: c.json()})
			}
		}
	}
	return rec
}

// version is a hash of the row's cells.
func (r *row) version() string {
	h := sha256.New()
	for _, column := range slices.Sorted(maps.Keys(r.cells)) {
		c := r.cells[column]
		_, _ = fmt.Fprintf(h, "%d:%s%d:%d:%s", len(column), column, c.t, len(c.text), c.text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// json is the value as a JSON text.
func (c cell) json() json.RawMessage {
	if c.t == connector.JSON {
		return json.RawMessage(c.text)
	}
	return tabular.AppendJSONString(nil, []byte(c.text))
}

// cellOf is a JSON text as the file will hold it. A CSV file has text alone.
func (t *Table) cellOf(data json.RawMessage) (*cell, error) {
	var s string
	switch {
	case data == nil:
		return nil, nil
	case !json.Valid(data):
		return nil, connector.ErrRefused
	case json.Unmarshal(data, &s) == nil && (t.o.Format == tabular.CSV || bytes.Equal(tabular.AppendJSONString(nil, []byte(s)), data)):
		return &cell{connector.Text, s}, nil
	case t.o.Format == tabular.CSV:
		return &cell{connector.Text, string(data)}, nil
	}
	return &cell{connector.JSON, string(data)}, nil
}

// Write implements connector.Writer. The change is in the file after Flush.
func (t *Table) Write(ctx context.Context, r connector.Record, changes []connector.Change) (connector.Record, error) {
	fail := func(err error) (connector.Record, error) {
		return connector.Record{}, &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
	}
	if _, err := t.Get(ctx, r.Kind, r.ID, nil); err != nil {
		return connector.Record{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.rows[r.ID]
	now := t.now(at)
	if now.version() != r.Version {
		return fail(connector.ErrConflict)
	}
	next := pending{base: at.version(), changed: map[string]*cell{}}
	if p := t.pending[r.ID]; p != nil {
		next.base, next.changed = p.base, maps.Clone(p.changed)
	}
	var fields []string
	for _, c := range changes {
		column, ok := t.column(c.Field)
		if !ok {
			return fail(fmt.Errorf("field %.80q: %w", c.Field, connector.ErrNotFound))
		}
		value, err := t.cellOf(c.Data)
		if _, there := at.cells[column]; err != nil || !there || c.Remove || column == t.o.RecordID {
			return fail(fmt.Errorf("field %.80q: %w", c.Field, connector.ErrRefused))
		}
		next.changed[column] = value
		fields = append(fields, c.Field)
	}
	t.pending[r.ID] = &next
	return t.record(at, fields), nil
}

// Flush implements connector.Flusher. If a row was changed by somebody else,
// nothing is written and what was pending is forgotten: ErrConflict.
func (t *Table) Flush(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == 0 {
		return nil
	}
	todo := t.pending
	t.pending, t.rows = map[string]*pending{}, map[string]*row{}
	in, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	before, err := in.Stat()
	if err != nil {
		return err
	}
	// Private: the file may hold values in clear, and only its owner is known.
	out, err := durable.Create(t.path, durable.Private)
	if err != nil {
		return err
	}
	defer out.Abort()
	met := 0
	if _, err := tabular.Process(ctx, in, out, t.options(t.values()), func(_ context.Context, cells []tabular.Cell) error {
		return byRow(cells, func(part []tabular.Cell) error {
			p := todo[part[0].Record]
			if p == nil {
				return nil
			}
			met++
			if rowOf(part).version() != p.base {
				return &connector.RecordError{Kind: tabular.RecordKind, ID: part[0].Record, Err: connector.ErrConflict}
			}
			for i := range part {
				c := &part[i]
				if value, ok := p.changed[c.Column]; ok {
					c.Replace, c.NewType, c.New = true, connector.Text, nil
					if value != nil {
						c.NewType, c.New = value.t, []byte(value.text)
					}
				}
			}
			return nil
		})
	}); err != nil {
		return err
	}
	if met != len(todo) {
		return fmt.Errorf("%w: a row is gone", connector.ErrConflict)
	}
	// What was saved while we read would be lost under what we read.
	now, err := os.Stat(t.path)
	if err != nil || !os.SameFile(before, now) || before.Size() != now.Size() || !before.ModTime().Equal(now.ModTime()) {
		return fmt.Errorf("%w: the file was saved while it was copied", connector.ErrConflict)
	}
	return out.Commit(true)
}

// options for one pass. One worker keeps the order of rows.
func (t *Table) options(columns []string) tabular.Options {
	return tabular.Options{Format: t.o.Format, Comma: t.o.Comma, RecordID: t.o.RecordID, Columns: columns, Workers: 1}
}

// values are the columns without that of the ids.
func (t *Table) values() []string {
	return slices.DeleteFunc(slices.Clone(t.columns), func(c string) bool { return c == t.o.RecordID })
}

// byRow calls do for the cells of each row, which stand together.
func byRow(cells []tabular.Cell, do func([]tabular.Cell) error) error {
	for len(cells) > 0 {
		n := slices.IndexFunc(cells, func(c tabular.Cell) bool { return c.Record != cells[0].Record })
		if n < 0 {
			n = len(cells)
		}
		if err := do(cells[:n]); err != nil {
			return err
		}
		cells = cells[n:]
	}
	return nil
}

func rowOf(cells []tabular.Cell) *row {
	r := &row{cells[0].Record, map[string]cell{}}
	for _, c := range cells {
		r.cells[c.Column] = cell{c.Type, string(c.Value)}
	}
	return r
}

// scan calls do for every row that is not empty.
func (t *Table) scan(ctx context.Context, do func(*row)) error {
	columns := t.values()
	if len(columns) == 0 {
		return nil
	}
	return t.pass(ctx, t.options(columns), func(cells []tabular.Cell) error {
		return byRow(cells, func(part []tabular.Cell) error {
			do(rowOf(part))
			return nil
		})
	})
}

func (t *Table) pass(ctx context.Context, o tabular.Options, do func([]tabular.Cell) error) error {
	in, err := os.Open(t.path)
	if err != nil {
		return err
	}
	_, err = tabular.Process(ctx, in, io.Discard, o, func(_ context.Context, cells []tabular.Cell) error { return do(cells) })
	return errors.Join(err, in.Close())
}

// eachID calls do for the id of every row.
func (t *Table) eachID(ctx context.Context, do func(id string)) error {
	o := t.options([]string{t.o.RecordID})
	o.RecordID = ""
	return t.pass(ctx, o, func(cells []tabular.Cell) error {
		for _, c := range cells {
			id := string(c.Value)
			if c.Type == connector.JSON && c.Value[0] == '"' {
				if err := json.Unmarshal(c.Value, &id); err != nil {
					return connector.ErrMalformed
				}
			}
			do(id)
		}
		return nil
	})
}

// ids are the ids of the rows after one, at most one more than a page, and how
// many rows there are.
func (t *Table) ids(ctx context.Context, after string) (list []string, total int, err error) {
	found := after == ""
	err = t.eachID(ctx, func(id string) {
		total++
		if found && len(list) <= pageSize {
			list = append(list, id)
		}
		found = found || id == after
	})
	if err == nil && !found {
		err = fmt.Errorf("the row after which to go on: %w", connector.ErrConflict)
	}
	return list, total, err
}

// load reads the rows with some ids, in place of those that were held.
func (t *Table) load(ctx context.Context, ids []string) error {
	rows := make(map[string]*row, len(ids))
	for _, id := range ids {
		rows[id] = &row{id, map[string]cell{}}
	}
	if err := t.scan(ctx, func(r *row) {
		if _, wanted := rows[r.id]; wanted {
			rows[r.id] = r
		}
	}); err != nil {
		return err
	}
	t.mu.Lock()
	t.rows = rows
	t.mu.Unlock()
	return nil
}
