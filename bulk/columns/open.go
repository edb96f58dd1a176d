package columns

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type countKey struct {
	column string
	id     officer.ResourceID
}

// reader is what it takes to read tokens of columns.
type reader struct {
	ring   *fieldcrypt.Ring
	owners *workspace.KeyOwners
	expect map[string]officer.ResourceID // column → field
}

func newReader(ctx context.Context, w *workspace.Workspace, cols []Column) (r reader, err error) {
	if r.ring, r.owners, err = w.Ring(ctx); err != nil {
		return r, err
	}
	r.expect = map[string]officer.ResourceID{}
	for _, c := range cols {
		field, err := w.Field(ctx, c.Field)
		if err != nil {
			return r, &FieldError{Field: c.Field, Err: err}
		}
		if _, twice := r.expect[c.Name]; twice {
			return r, fmt.Errorf("%w: column %.80q is named twice", tabular.ErrOptions, c.Name)
		}
		r.expect[c.Name] = field.ID
	}
	return r, nil
}

// token is a cell's token and whose it is. One of a field that is not granted to
// the caller is no error, and there is no key for it.
func (r reader) token(c *tabular.Cell) (token fieldcrypt.Token, owner workspace.KeyOwner, err error) {
	if token, err = fieldcrypt.Parse(c.Value); err != nil {
		return token, owner, err
	}
	owner, known := r.owners.Find(token.KeyID)
	if !known {
		return token, owner, ErrUnknownKey
	}
	if want, ok := r.expect[c.Column]; ok && want != owner.Resource {
		return token, owner, ErrWrongField
	}
	if owner.Granted && owner.Err != nil { // yet the store has no key: never skipped over (attack 10)
		return token, owner, &FieldError{Field: owner.Label, Err: owner.Err}
	}
	return token, owner, nil
}

type opener struct {
	reader
	file File

	mu     sync.Mutex
	counts map[countKey]*FieldCount
	report OpenReport
}

// tally is what one batch adds to the report.
type tally struct {
	counts map[countKey]*FieldCount
	OpenReport
}

func (t *tally) at(column string, o workspace.KeyOwner) *FieldCount {
	k := countKey{column, o.Resource}
	c := t.counts[k]
	if c == nil {
		c = &FieldCount{Column: column, Field: o.Label, ID: o.Resource, Granted: o.Granted}
		t.counts[k] = c
	}
	return c
}

func (o *opener) transform(_ context.Context, cells []tabular.Cell) error {
	t := &tally{counts: map[countKey]*FieldCount{}}
	o.file.each(cells, o.file.RecordID != "", func(c *tabular.Cell, name fieldcrypt.Name) error { return o.open(c, name, t) })
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report.Opened += t.Opened
	o.report.Left += t.Left
	o.report.Unchecked += t.Unchecked
	o.report.Drafts += t.Drafts
	for k, c := range t.counts {
		if sum := o.counts[k]; sum != nil {
			sum.Opened += c.Opened
			sum.Left += c.Left
		} else {
			o.counts[k] = c
		}
	}
	return nil
}

func (o *opener) open(c *tabular.Cell, name fieldcrypt.Name, t *tally) error {
	token, owner, err := o.token(c)
	if err != nil {
		return err
	}
	if !owner.Granted {
		t.at(c.Column, owner).Left++
		t.Left++
		return nil
	}
	value, typ, binding, err := o.ring.Key(token.KeyID).AppendOpenToken(c.New[:0], token, name)
	if err != nil {
		return err
	}
	switch typ {
	case fieldcrypt.Text:
		c.NewType = connector.Text
	case fieldcrypt.JSON:
		c.NewType = connector.JSON
	default:
		return fieldcrypt.ErrValueType
	}
	c.New, c.Replace = value, true
	t.at(c.Column, owner).Opened++
	t.Opened++
	switch binding {
	case fieldcrypt.Bound:
	case fieldcrypt.Unchecked:
		t.Unchecked++
	case fieldcrypt.Draft:
		t.Drafts++
	}
	return nil
}

// summarize orders the counts: by column as the file has them, then by field.
func (o *opener) summarize() {
	order := make(map[string]int, len(o.report.Columns))
	for i, c := range o.report.Columns {
		order[c.Column] = i
	}
	for _, c := range o.counts {
		o.report.Fields = append(o.report.Fields, *c)
	}
	slices.SortFunc(o.report.Fields, func(a, b FieldCount) int {
		if a.Column != b.Column {
			return order[a.Column] - order[b.Column]
		}
		if n := strings.Compare(a.Field, b.Field); n != 0 {
			return n
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	for i := 1; i < len(o.report.Fields); i++ {
		col := o.report.Fields[i].Column
		if col == o.report.Fields[i-1].Column && !slices.Contains(o.report.Mixed, col) {
			o.report.Mixed = append(o.report.Mixed, col)
		}
	}
}
