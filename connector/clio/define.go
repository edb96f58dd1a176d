package clio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

const (
	customFields = api + "custom_fields"
	fieldSets    = api + "custom_field_sets"
)

// Definitions implements [connector.Reader].
func (c *Connector) Definitions(ctx context.Context) ([]connector.Definition, error) {
	fields, err := c.fields(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := all[setShape](ctx, c, fieldSets+".json", url.Values{"fields": {setFields}})
	if err != nil {
		return nil, err
	}
	of := map[int64][]connector.Set{}
	for _, s := range sets {
		if s.Fields == nil {
			return nil, fmt.Errorf("clio: the fields of a set: %w", connector.ErrWithheld)
		}
		for _, f := range *s.Fields {
			of[f.ID] = append(of[f.ID], connector.Set{ID: strconv.FormatInt(s.ID, 10), Name: s.Name})
		}
	}
	found := make([]connector.Definition, 0, len(fields))
	for _, f := range fields {
		d, err := f.definition()
		if err != nil {
			return nil, err
		}
		d.Sets = of[f.ID]
		d.MaxLength = c.longest(d.Type)
		found = append(found, d)
	}
	return found, nil
}

// fields lists the definitions in the order of their ids. Those that are there
// and those that were deleted are asked for apart, since Clio does not say
// what a list without the question holds; what is deleted between the two is
// in both, and deleted.
func (c *Connector) fields(ctx context.Context) ([]fieldShape, error) {
	byID := map[int64]fieldShape{}
	for _, deleted := range []string{"false", "true"} {
		found, err := all[fieldShape](ctx, c, customFields+".json", url.Values{"fields": {fieldFields}, "deleted": {deleted}})
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			byID[f.ID] = f
		}
	}
	fields := make([]fieldShape, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		fields = append(fields, byID[id])
	}
	return fields, nil
}

// CreateField implements [connector.Definer]. The field comes last of its kind
// and is shown on every record. It is in no set, whatever d says: Clio's API
// has no way to put a field into one, a person does that.
func (c *Connector) CreateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	none := connector.Definition{}
	parent, err := parentOf(d.Kind)
	if err != nil {
		return none, err
	}
	if !isName(d.Name) || utf8.RuneCountInString(d.Name) > MaxName || !isFieldType(string(d.Type)) {
		return none, fmt.Errorf("clio: a field's name has 1 to %d characters: %w", MaxName, connector.ErrRefused)
	}
	made, err := c.create(ctx, map[string]any{
		"name": d.Name, "parent_type": parent, "field_type": d.Type, "required": d.Required,
	}, parent)
	if err != nil {
		return none, err
	}
	out, err := made.definition()
	if err != nil {
		return none, err
	}
	out.MaxLength = c.longest(out.Type)
	return out, nil
}

// standing asks for one definition.
func (c *Connector) standing(ctx context.Context, id int64, soon bool) (connector.Definition, error) {
	body, err := c.do(ctx, call{
		method: methodGet, path: customFields + "/" + strconv.FormatInt(id, 10) + ".json",
		query: url.Values{"fields": {fieldFields}}.Encode(), want: statusOK, soon: soon,
	})
	if err != nil {
		return connector.Definition{}, err
	}
	field, err := readField(body, id)
	if err != nil {
		return connector.Definition{}, err
	}
	return field.definition()
}

// create makes a field once. When no answer came it looks for one that was not
// there before, and makes a second only where there is none.
func (c *Connector) create(ctx context.Context, data map[string]any, parent string) (fieldShape, error) {
	before, err := c.fields(ctx)
	if err != nil {
		return fieldShape{}, err
	}
	known := map[int64]bool{}
	var order int32
	for _, f := range before {
		known[f.ID] = true
		if f.Parent == parent && !f.Deleted {
			order = max(order, f.Order)
		}
	}
	data["display_order"] = min(order, math.MaxInt32-1) + 1
	r := call{
		method: methodPost, path: customFields + ".json", want: statusCreated, once: true,
		query: url.Values{"fields": {fieldFields}}.Encode(), body: envelope(data),
	}
	var a attempts
	for {
		a.n++
		body, err := c.do(ctx, r)
		if err == nil {
			return readField(body, 0)
		}
		if !errors.Is(err, connector.ErrUncertain) || ctx.Err() != nil {
			return fieldShape{}, err
		}
		now, failed := c.fields(ctx)
		if failed != nil {
			return fieldShape{}, fmt.Errorf("%w: %w", connector.ErrUncertain, failed)
		}
		for _, f := range now {
			if !known[f.ID] && !f.Deleted && f.Name == data["name"] && f.Parent == parent && connector.FieldType(f.Type) == data["field_type"] {
				return f, nil
			}
		}
		if err := c.pause(ctx, &a, &repeat{cause: fmt.Errorf("clio: make a field: %w", connector.ErrUnavailable), fault: true}); err != nil {
			return fieldShape{}, err
		}
	}
}

// envelope is a request's body. What goes into it is made here and can be
// encoded.
func envelope(data any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"data": data}) //nolint:errchkjson // types of this package alone
	return out.Bytes()
}

// readField reads the one field of an answer, of this id unless it is 0.
func readField(body []byte, id int64) (fieldShape, error) {
	var answer showShape[fieldShape]
	if err := decode(body, &answer); err != nil {
		return fieldShape{}, err
	}
	if answer.Data == nil || answer.Data.ID <= 0 || id != 0 && answer.Data.ID != id {
		return fieldShape{}, malformed("another field")
	}
	return *answer.Data, nil
}

// UpdateField implements [connector.Definer]. Where the answer was lost it
// looks whether the field is as asked for, and is ErrConflict if it is not.
func (c *Connector) UpdateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	none := connector.Definition{}
	id, err := number(d.ID)
	if err != nil {
		return none, err
	}
	if !isName(d.Name) || utf8.RuneCountInString(d.Name) > MaxName || !isEtag(d.Version) {
		return none, fmt.Errorf("clio: a field's name has 1 to %d characters: %w", MaxName, connector.ErrRefused)
	}
	path, q := customFields+"/"+d.ID+".json", url.Values{"fields": {fieldFields}}.Encode()
	body, err := c.do(ctx, call{
		method: methodPatch, path: path, query: q, want: statusOK, ifMatch: d.Version,
		body: envelope(map[string]any{"name": d.Name, "required": d.Required}),
	})
	lost := errors.Is(err, connector.ErrUncertain) && ctx.Err() == nil
	var out connector.Definition
	if lost {
		out, err = c.standing(ctx, id, false)
	} else if err == nil {
		var field fieldShape
		if field, err = readField(body, id); err == nil {
			out, err = field.definition()
		}
	}
	if err != nil {
		return none, err
	}
	if out.Name != d.Name || out.Required != d.Required {
		if lost {
			return none, fmt.Errorf("clio: a custom field: %w", connector.ErrConflict)
		}
		return none, fmt.Errorf("clio: a custom field is not as asked for: %w", connector.ErrRefused)
	}
	out.Sets, out.MaxLength = d.Sets, c.longest(out.Type)
	return out, nil
}

// DeleteField implements [connector.Definer]. Since values go with it, it
// looks first that the field is still the one of d; Clio offers no condition.
func (c *Connector) DeleteField(ctx context.Context, d connector.Definition) error {
	id, err := number(d.ID)
	if err != nil {
		return err
	}
	is, err := c.standing(ctx, id, true)
	switch {
	case err != nil:
		return err
	case is.Deleted:
		return fmt.Errorf("clio: a custom field: %w", connector.ErrNotFound)
	case is.Version != d.Version || is.Name != d.Name || is.Kind != d.Kind || is.Type != d.Type:
		return fmt.Errorf("clio: a custom field: %w", connector.ErrConflict)
	}
	_, err = c.do(ctx, call{method: methodDelete, path: customFields + "/" + d.ID + ".json", want: statusNoContent, soon: true})
	return err
}
