package columns

import (
	"bytes"
	"context"
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

type opener struct {
	file   File
	ring   *fieldcrypt.Ring
	owners *workspace.KeyOwners
	expect map[string]officer.ResourceID // column → field

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
	var name fieldcrypt.Name // zero where records are not checked
	record := ""
	for i := range cells {
		c := &cells[i]
		if o.file.RecordID != "" && (i == 0 || c.Record != record) {
			var err error
			if name, err = o.file.name(c.Record); err != nil {
				c.Err = err
				continue
			}
			record = c.Record
		}
		c.Err = o.open(c, name, t)
	}
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
	token, err := fieldcrypt.Parse(c.Value)
	if err != nil {
		return err
	}
	owner, known := o.owners.Find(token.KeyID)
	if !known {
		return ErrUnknownKey
	}
	if want, ok := o.expect[c.Column]; ok && want != owner.Resource {
		return ErrWrongField
	}
	if !owner.Granted {
		t.at(c.Column, owner).Left++
		t.Left++
		return nil
	}
	if owner.Err != nil { // granted, yet the store has no key: never skipped over (attack 10)
		return &FieldError{Field: owner.Label, Err: owner.Err}
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
