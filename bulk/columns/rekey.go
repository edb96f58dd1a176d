package columns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// ErrDraft: a token was sealed before its record had an id. Any row may claim it.
var ErrDraft = errors.New("a token that was sealed before its record had an id")

// RekeyCount counts the tokens of one field in one column.
type RekeyCount struct {
	Column string
	Field  string // label, or "" where the caller may not read it
	ID     officer.ResourceID
	Sealed int64 // again
	Kept   int64 // under the present epoch already
	Left   int64 // as they were, for Err
	Err    error
	Epochs []EpochCount // of all these tokens as they were read, in order
}

// EpochCount counts the tokens under one epoch of a field.
type EpochCount struct {
	Epoch  uint64
	Values int64
}

// under counts a token under an epoch.
func (c *RekeyCount) under(epoch uint64) {
	at, found := slices.BinarySearchFunc(c.Epochs, epoch, func(e EpochCount, n uint64) int { return cmp.Compare(e.Epoch, n) })
	if !found {
		c.Epochs = slices.Insert(c.Epochs, at, EpochCount{Epoch: epoch})
	}
	c.Epochs[at].Values++
}

// RekeyReport counts what Rekey did.
type RekeyReport struct {
	tabular.Report
	Fields             []RekeyCount
	Sealed, Kept, Left int64
	Failed             int64
	Mixed              []string // columns that hold tokens of several fields
}

// Rekey seals again, under the present epoch of its field and for the same
// record, every token of in that is under an earlier one, and writes the file to
// out; every other byte stays. A token of a field that the caller may not read or
// write, or that is closed and not theirs to open again, stays too, and is
// counted. f needs a RecordID: a token goes on only in the row that it was sealed
// for. cols is that of Open, and so is ErrMixed.
//
// At the end it reads the log once more: where a field was closed or has another
// key by then, it returns ErrKeyChanged or why the field cannot be written, and
// out is to be thrown away.
func Rekey(ctx context.Context, w *workspace.Workspace, in io.Reader, out io.Writer, f File, cols []Column) (RekeyReport, error) {
	return rekey(ctx, w, in, out, f, cols, false)
}

// PlanRekey counts what Rekey would do, and fails where that would. It changes
// nothing: what is closed and the caller may open again counts as theirs to seal
// under, and stays closed.
func PlanRekey(ctx context.Context, w *workspace.Workspace, in io.Reader, f File, cols []Column) (RekeyReport, error) {
	return rekey(ctx, w, in, io.Discard, f, cols, true)
}

func rekey(ctx context.Context, w *workspace.Workspace, in io.Reader, out io.Writer, f File, cols []Column, dry bool) (RekeyReport, error) {
	if f.RecordID == "" {
		return RekeyReport{}, fmt.Errorf("%w: no column of record ids", tabular.ErrOptions)
	}
	keys, err := newReader(ctx, w, cols)
	if err != nil {
		return RekeyReport{}, err
	}
	r := &rekeyer{reader: keys, w: w, file: f, dry: dry, targets: map[officer.ResourceID]*target{}, counts: map[countKey]*RekeyCount{}}
	opts := f.options()
	opts.Prefix = fieldcrypt.Prefix
	done, err := tabular.Process(ctx, in, out, opts, r.transform)
	report := r.report(done)
	if err == nil && !dry {
		err = r.unchanged(ctx)
	}
	if err == nil && len(report.Mixed) > 0 {
		err = ErrMixed
	}
	return report, err
}

type rekeyer struct {
	reader
	w    *workspace.Workspace // under mu
	file File
	dry  bool // only count

	mu      sync.Mutex
	targets map[officer.ResourceID]*target
	counts  map[countKey]*RekeyCount
}

// target is what becomes of the tokens of a field: a key to seal them under, which
// a plan does without, or why there is none.
type target struct {
	key *fieldcrypt.Key
	err error
	// epoch is the present one that may be written under; 0 where it is closed.
	epoch uint64
}

// target finds it once; to open the epoch of a closed field is left to the first
// token that needs it.
func (r *rekeyer) target(ctx context.Context, id officer.ResourceID) (*target, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.targets[id]
	if t == nil {
		key, err := r.key(ctx, id)
		if err != nil && !errors.Is(err, workspace.ErrNotGranted) && !errors.Is(err, officer.ErrClosed) && !errors.Is(err, officer.ErrEnded) {
			return nil, err
		}
		t = &target{key: key, err: err}
		if e := r.w.State().Resource(id).Epoch(); !e.Closed {
			t.epoch = e.Number
		}
		r.targets[id] = t
	}
	return t, nil
}

func (r *rekeyer) key(ctx context.Context, id officer.ResourceID) (*fieldcrypt.Key, error) {
	if r.dry {
		return nil, r.w.Writable(ctx, id)
	}
	return r.w.WriteKeyOf(ctx, id)
}

func (r *rekeyer) transform(ctx context.Context, cells []tabular.Cell) error {
	r.file.each(cells, true, func(c *tabular.Cell, name fieldcrypt.Name) error { return r.cell(ctx, c, name) })
	return nil
}

func (r *rekeyer) cell(ctx context.Context, c *tabular.Cell, name fieldcrypt.Name) error {
	token, owner, err := r.token(c)
	if err != nil {
		return err
	}
	if !owner.Granted {
		r.count(c.Column, owner, func(x *RekeyCount) { x.Left, x.Err = x.Left+1, workspace.ErrNotGranted })
		return nil
	}
	v, binding, err := r.ring.Key(token.KeyID).OpenToken(token, name)
	if err != nil {
		return err
	}
	defer clear(v.Data)
	if binding != fieldcrypt.Bound {
		return ErrDraft
	}
	to, err := r.target(ctx, owner.Resource)
	switch {
	case err != nil:
		return &FieldError{Field: owner.Label, Err: err}
	case owner.Epoch == to.epoch:
		r.count(c.Column, owner, func(x *RekeyCount) { x.Kept++ })
	case to.err != nil:
		r.count(c.Column, owner, func(x *RekeyCount) { x.Left, x.Err = x.Left+1, to.err })
	case r.dry:
		r.count(c.Column, owner, func(x *RekeyCount) { x.Sealed++ })
	default:
		if c.New, err = to.key.AppendSeal(c.New[:0], name, v); err != nil {
			return err
		}
		c.Replace, c.NewType = true, connector.Text
		r.count(c.Column, owner, func(x *RekeyCount) { x.Sealed++ })
	}
	return nil
}

func (r *rekeyer) count(column string, o workspace.KeyOwner, change func(*RekeyCount)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := countKey{column, o.Resource}
	if r.counts[k] == nil {
		r.counts[k] = &RekeyCount{Column: column, Field: o.Label, ID: o.Resource}
	}
	r.counts[k].under(o.Epoch)
	change(r.counts[k])
}

// unchanged tells, by the log as it is now, whether what was sealed may go out.
func (r *rekeyer) unchanged(ctx context.Context) error {
	if err := r.w.Sync(ctx); err != nil {
		return err
	}
	for id, t := range r.targets {
		if t.err != nil {
			continue
		}
		key, err := r.w.WriteKeyOf(ctx, id)
		if err == nil && key.ID() != t.key.ID() {
			err = ErrKeyChanged
		}
		if err != nil {
			f, _ := r.w.FieldByID(ctx, id) // its name is for people
			return &FieldError{Field: f.LabelText, Err: fmt.Errorf("field %.80q: %w", f.LabelText, err)}
		}
	}
	return nil
}

// report orders the counts: by column as the file has them, then by field.
func (r *rekeyer) report(done tabular.Report) RekeyReport {
	out := RekeyReport{Report: done}
	order := make(map[string]int, len(done.Columns))
	for i, c := range done.Columns {
		order[c.Column] = i
		out.Failed += c.Failed
	}
	for _, c := range r.counts {
		out.Fields = append(out.Fields, *c)
		out.Sealed, out.Kept, out.Left = out.Sealed+c.Sealed, out.Kept+c.Kept, out.Left+c.Left
	}
	slices.SortFunc(out.Fields, func(a, b RekeyCount) int {
		if a.Column != b.Column {
			return order[a.Column] - order[b.Column]
		}
		if n := strings.Compare(a.Field, b.Field); n != 0 {
			return n
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	for i := 1; i < len(out.Fields); i++ {
		if col := out.Fields[i].Column; col == out.Fields[i-1].Column && !slices.Contains(out.Mixed, col) {
			out.Mixed = append(out.Mixed, col)
		}
	}
	return out
}
