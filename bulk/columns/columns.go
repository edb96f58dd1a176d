// Package columns seals and opens the columns of CSV and JSON Lines files: it
// puts fieldcrypt behind connector/tabular.
//
// [Seal] seals named columns under the present keys of their fields; [Open]
// opens every token that the caller's keys open, wherever it stands, and
// leaves the rest as tokens; [Rekey] seals tokens of earlier epochs again, and
// [PlanRekey] says what that would do. All stream. None commits anything: the
// caller writes to a place of its own and gives it its name only after success.
//
// The package compiles for js/wasm. Its API may change until release 1.0.0.
package columns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

var (
	// ErrForeignToken: a cell to be sealed holds a token that is not one of
	// this record and field (attack 23).
	ErrForeignToken = errors.New("holds a token that is not one of this record and field")
	// ErrUnknownKey: a token's key is not one of this organization, as far as
	// the log goes that was just read; or the token was altered.
	ErrUnknownKey = errors.New("a token under a key that this organization's log does not know")
	// ErrWrongField: a token stands in a column that holds another field (attack 19).
	ErrWrongField = errors.New("a token of another field than the column's")
	// ErrKeyChanged: a field's key was changed while the file was sealed, so
	// that it would go out under a key that somebody may have lost (P7).
	ErrKeyChanged = errors.New("the key of a field was changed while the file was sealed")
	// ErrMixed: one column holds tokens of several fields.
	ErrMixed = errors.New("one column holds tokens of several fields")
)

// Column is a column of a file and the field that it holds.
type Column struct {
	Name  string
	Field string // label
}

// File says how to read a file.
type File struct {
	Format   tabular.Format
	Comma    byte
	RecordID string // column; sealing needs it
	// Dataset tells apart files whose record ids clash. It is part of the
	// record's name, so the same word is needed again to check records.
	Dataset  string
	Progress func(bytes int64)
	Warn     func(tabular.Place, tabular.Change)
	// Failed decides about a cell that cannot be sealed or opened, see
	// tabular.Options.
	Failed func(tabular.Place, error) error
}

func (f File) options() tabular.Options {
	return tabular.Options{
		Format: f.Format, Comma: f.Comma, RecordID: f.RecordID,
		Progress: f.Progress, Warn: f.Warn, Failed: f.Failed,
	}
}

// name is a row's record name. The file's own name is not part of it.
func (f File) name(record string) (fieldcrypt.Name, error) {
	return fieldcrypt.Record{Connector: tabular.Connector, Account: f.Dataset, Kind: tabular.RecordKind, ID: record}.Name()
}

// each does one thing to every cell, with the name of its record: the zero one
// where records are not checked. Cells of a row stand together.
func (f File) each(cells []tabular.Cell, checked bool, do func(c *tabular.Cell, name fieldcrypt.Name) error) {
	var name fieldcrypt.Name
	record := ""
	for i := range cells {
		c := &cells[i]
		if checked && (i == 0 || c.Record != record) {
			var err error
			if name, err = f.name(c.Record); err != nil {
				c.Err = err
				continue
			}
			record = c.Record
		}
		c.Err = do(c, name)
	}
}

// SealReport counts what Seal did.
type SealReport struct {
	tabular.Report
	Kept int64 // cells that held a token of their record and field already
}

// Seal seals the columns of in and writes the file to out. At the end it reads
// the log once more: where a field was closed or has another key by then, it
// returns ErrKeyChanged or why the field cannot be written, and out is to be
// thrown away.
func Seal(ctx context.Context, w *workspace.Workspace, in io.Reader, out io.Writer, f File, cols []Column) (SealReport, error) {
	write := make(map[string]*fieldcrypt.Key, len(cols))
	o := f.options()
	for _, c := range cols {
		key, err := w.WriteKey(ctx, c.Field)
		if err != nil {
			return SealReport{}, &FieldError{Field: c.Field, Err: err}
		}
		write[c.Name] = key
		o.Columns = append(o.Columns, c.Name)
	}
	ring, owners, err := w.Ring(ctx)
	if err != nil {
		return SealReport{}, err
	}
	s := &sealer{file: f, write: write, ring: ring, owners: owners}
	r, err := tabular.Process(ctx, in, out, o, s.transform)
	if err == nil {
		err = unchanged(ctx, w, cols, write)
	}
	return SealReport{Report: r, Kept: s.kept}, err
}

// unchanged tells, by the log as it is now, whether what was sealed may go out.
func unchanged(ctx context.Context, w *workspace.Workspace, cols []Column, write map[string]*fieldcrypt.Key) error {
	if err := w.Sync(ctx); err != nil {
		return err
	}
	for _, c := range cols {
		key, err := w.WriteKey(ctx, c.Field)
		if err == nil && key.ID() != write[c.Name].ID() {
			err = fmt.Errorf("field %.80q: %w", c.Field, ErrKeyChanged)
		}
		if err != nil {
			return &FieldError{Field: c.Field, Err: err}
		}
	}
	return nil
}

// FieldError names the field that a failure is about.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() } // which names it
func (e *FieldError) Unwrap() error { return e.Err }

type sealer struct {
	file   File
	write  map[string]*fieldcrypt.Key
	ring   *fieldcrypt.Ring
	owners *workspace.KeyOwners

	mu   sync.Mutex
	kept int64
}

func (s *sealer) transform(_ context.Context, cells []tabular.Cell) error {
	var kept int64
	s.file.each(cells, true, func(c *tabular.Cell, name fieldcrypt.Name) (err error) {
		if fieldcrypt.LooksLike(c.Value) {
			if !s.ours(c, name) {
				return ErrForeignToken
			}
			kept++
			return nil
		}
		v := fieldcrypt.Value{Type: valueType(c.Type), Data: c.Value}
		if c.New, err = s.write[c.Column].AppendSeal(c.New[:0], name, v); err == nil {
			c.Replace, c.NewType = true, connector.Text
		}
		return err
	})
	s.mu.Lock()
	s.kept += kept
	s.mu.Unlock()
	return nil
}

// ours tells whether a cell holds a token of its own record and field, of
// whatever epoch, that really opens.
func (s *sealer) ours(c *tabular.Cell, name fieldcrypt.Name) bool {
	t, err := fieldcrypt.Parse(c.Value)
	if err != nil {
		return false
	}
	owner, ok := s.owners.Find(t.KeyID)
	now, found := s.owners.Find(s.write[c.Column].ID())
	if !ok || !found || owner.Resource != now.Resource {
		return false
	}
	key := s.ring.Key(t.KeyID)
	if key == nil {
		return false
	}
	v, binding, err := key.OpenToken(t, name)
	clear(v.Data)
	return err == nil && binding == fieldcrypt.Bound
}

func valueType(t connector.Type) fieldcrypt.Type {
	if t == connector.JSON {
		return fieldcrypt.JSON
	}
	return fieldcrypt.Text
}

// FieldCount counts the tokens of one field in one column.
type FieldCount struct {
	Column  string
	Field   string // label, or "" where the caller may not read it
	ID      officer.ResourceID
	Granted bool
	Opened  int64
	Left    int64 // left as tokens: the field is not granted to the caller
}

// OpenReport counts what Open did.
type OpenReport struct {
	tabular.Report
	Fields    []FieldCount
	Opened    int64
	Left      int64 // tokens of fields that are not granted
	Unchecked int64 // opened, but no record id was given to check
	Drafts    int64 // opened, but sealed before their record had an id
	Failed    int64
	Mixed     []string // columns that hold tokens of several fields
	Bare      []string // columns that were to hold a field and hold no token
}

// Open opens the tokens of in and writes the file to out. cols, which may be
// empty, says of some columns which field they hold; a token of another field
// there is refused. If one column holds tokens of several fields, Open returns
// ErrMixed after everything was written.
func Open(ctx context.Context, w *workspace.Workspace, in io.Reader, out io.Writer, f File, cols []Column) (OpenReport, error) {
	keys, err := newReader(ctx, w, cols)
	if err != nil {
		return OpenReport{}, err
	}
	o := &opener{file: f, reader: keys, counts: map[countKey]*FieldCount{}}
	opts := f.options()
	opts.Prefix = fieldcrypt.Prefix
	r, err := tabular.Process(ctx, in, out, opts, o.transform)
	o.report.Report = r
	for _, c := range r.Columns {
		o.report.Failed += c.Failed
	}
	o.summarize()
	for _, c := range cols {
		if !slices.ContainsFunc(r.Columns, func(has tabular.ColumnReport) bool { return has.Column == c.Name }) {
			o.report.Bare = append(o.report.Bare, c.Name)
		}
	}
	if err == nil && len(o.report.Mixed) > 0 {
		err = ErrMixed
	}
	return o.report, err
}
