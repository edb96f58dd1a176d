package cliosim

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// value is what one record has in one custom field. Raw is JSON, nil where the
// value is there and null.
type value struct {
	id, parent, field, version int64
	created, updated           int64
	raw                        json.RawMessage
}

// name is the value's id in the API: its number is not the field's.
func (x *value) name(def *record) string {
	return def.text("field_type") + "-" + strconv.FormatInt(x.id, 10)
}

func (t *tx) definitions(parent string) ([]*record, error) {
	return t.records(`kind = 'custom_field' AND json_extract(data, '$.parent_type') = ? AND NOT json_extract(data, '$.deleted')
		ORDER BY json_extract(data, '$.display_order'), id`, parent)
}

// valuesOf returns the values of records by record and field.
func (t *tx) valuesOf(kind string, parents []int64) (map[int64]map[int64]*value, error) {
	args := []any{kind}
	for _, p := range parents {
		args = append(args, p)
	}
	found := map[int64]map[int64]*value{}
	rows, err := t.QueryContext(t.ctx, `SELECT id, parent, field, version, created, updated, value FROM value
		WHERE kind = ? AND parent IN (`+marks(len(parents))+")", args...)
	if err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		x := &value{}
		var raw sql.NullString
		if err := rows.Scan(&x.id, &x.parent, &x.field, &x.version, &x.created, &x.updated, &raw); err != nil {
			return nil, fmt.Errorf("cliosim: %w", err)
		}
		if raw.Valid {
			x.raw = json.RawMessage(raw.String)
		}
		if found[x.parent] == nil {
			found[x.parent] = map[int64]*value{}
		}
		found[x.parent][x.field] = x
	}
	return found, rows.Err()
}

// elements renders the custom_field_values of a record: what is stored, and an
// element without an id for each field that is shown and was never set.
func (v *view) elements(r *record, sub []string) ([]any, error) {
	out := []any{}
	shown := map[int64]bool{}
	associations, _ := r.data["custom_field_set_associations"].([]any)
	for _, a := range associations {
		if a, ok := a.(map[string]any); ok {
			for _, id := range v.sets[number(a["custom_field_set"])] {
				shown[id] = true
			}
		}
	}
	for _, def := range v.defs {
		if v.only != nil && !v.only[def.id] {
			continue
		}
		x := v.values[r.id][def.id]
		if x == nil && !v.shown[def.id] && !shown[def.id] {
			continue
		}
		e, err := v.element(def, x, sub)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// element renders one value; x is nil where it was never set.
func (v *view) element(def *record, x *value, sub []string) (map[string]any, error) {
	var id any
	if x != nil {
		id = x.name(def)
	}
	if v.c.lacks.StripValues {
		return map[string]any{"id": id}, nil
	}
	out := map[string]any{}
	for _, name := range sub {
		switch name {
		case "id":
			out[name] = id
		case "field_name":
			out[name] = def.text("name")
		case "field_type":
			out[name] = def.text("field_type")
		case "field_required":
			out[name] = def.is("required")
		case "field_displayed":
			out[name] = def.is("displayed")
		case "field_display_order":
			out[name] = def.data["display_order"]
		case "soft_deleted":
			out[name] = false
		case "custom_field":
			out[name] = map[string]any{"id": def.id, "etag": `"` + def.etag() + `"`}
		default:
			set, err := v.ofValue(def, x, name)
			if err != nil {
				return nil, err
			}
			out[name] = set
		}
	}
	return out, nil
}

// ofValue is an attribute that only a value that was set has.
func (v *view) ofValue(def *record, x *value, name string) (any, error) {
	if x == nil {
		return nil, nil
	}
	switch name {
	case "etag":
		return `"` + (&record{kind: "value", id: x.id, version: x.version}).etag() + `"`, nil
	case "created_at":
		return stamp(x.created), nil
	case "updated_at":
		return stamp(x.updated), nil
	case "value":
		return v.plain(def, x), nil
	}
	if x.raw == nil {
		return nil, nil
	}
	var held any
	if err := decode(x.raw, &held); err != nil {
		return nil, fmt.Errorf("cliosim: value %d: %w", x.id, err)
	}
	of, _ := refersTo(v.sim.shapes.Schemas["CustomFieldValue"][name])
	switch def.text("field_type") {
	case "picklist":
		if o := option(def, number(held)); o != nil && name == "picklist_option" {
			return v.nested(of, o, v.sim.shapes.barely(of))
		}
	case name: // contact, matter
		return v.nested(of, map[string]any{"id": held}, v.sim.shapes.barely(of))
	}
	return nil, nil
}

// plain is the value as the API answers it.
func (v *view) plain(def *record, x *value) any {
	if x.raw == nil {
		return nil
	}
	kind := def.text("field_type")
	if v.sim.Settings().JSONNumbers && (kind == "numeric" || kind == "currency") {
		var text string
		if json.Unmarshal(x.raw, &text) == nil {
			return json.Number(text)
		}
	}
	return x.raw
}

// writeValues applies the custom_field_values of a request to a record.
func (w *work) writeValues(r *record, list any, creating bool) error {
	items, ok := list.([]any)
	if list != nil && !ok {
		return unprocessable("custom_field_values must be of type array")
	}
	values, err := w.valuesOf(r.kind, []int64{r.id})
	if err != nil {
		return err
	}
	held := values[r.id]
	if held == nil {
		held = map[int64]*value{}
	}
	touched := map[int64]bool{}
	for _, item := range items {
		one, ok := item.(map[string]any)
		if !ok {
			return unprocessable("custom_field_values must be a list of objects")
		}
		def, err := w.writeValue(r, held, one)
		if err != nil {
			return err
		}
		touched[def] = true
	}
	if w.sim.Settings().LaxRequired {
		return nil
	}
	defs, err := w.definitions(w.k.parent)
	if err != nil {
		return err
	}
	for _, def := range defs {
		empty := held[def.id] == nil || held[def.id].raw == nil
		if def.is("required") && empty && (touched[def.id] || creating && def.is("displayed")) {
			return unprocessable("custom field %s is required", def.text("name"))
		}
	}
	return nil
}

// writeValue applies one element and returns the field it is of.
func (w *work) writeValue(r *record, held map[int64]*value, one map[string]any) (int64, error) {
	for name := range one {
		switch name {
		case "id", "value", "custom_field", "_destroy":
		default:
			return 0, badRequest("custom_field_values: %s cannot be written", name)
		}
	}
	var x *value
	def := number(one["custom_field"])
	if id, ok := one["id"]; ok && id != nil {
		if x = named(held, id); x == nil {
			return 0, &apiError{status: 404, kind: "RecordNotFoundError", message: fmt.Sprintf("custom field value %v could not be found", id)}
		}
		if def != 0 && def != x.field {
			return 0, unprocessable("custom field value %v is of another custom field", id)
		}
		def = x.field
	}
	if def == 0 {
		return 0, unprocessable("custom_field_values: custom_field is missing")
	}
	field, err := w.get("custom_field", def)
	if err != nil {
		return 0, err
	}
	if field == nil || field.is("deleted") || field.text("parent_type") != w.k.parent {
		return 0, unprocessable("custom field %d could not be found", def)
	}
	if x != nil && one["id"] != x.name(field) {
		return 0, &apiError{status: 404, kind: "RecordNotFoundError", message: fmt.Sprintf("custom field value %v could not be found", one["id"])}
	}
	if destroy, _ := one["_destroy"].(bool); destroy {
		if x == nil {
			return 0, unprocessable("custom_field_values: _destroy needs an id")
		}
		delete(held, def)
		return def, w.exec("DELETE FROM value WHERE id = ?", x.id)
	}
	given, ok := one["value"]
	if !ok {
		return 0, unprocessable("custom_field_values: value is missing")
	}
	if x == nil && held[def] != nil {
		return 0, unprocessable("custom field value for custom field %d already exists", def)
	}
	raw, err := w.normal(field, given)
	if err != nil {
		return 0, err
	}
	if x == nil {
		x = &value{parent: r.id, field: def}
		held[def] = x
	}
	x.raw = raw
	var text any
	if raw != nil {
		text = string(raw)
	}
	now := w.now.UnixMilli()
	return def, w.exec(`INSERT INTO value (kind, parent, field, version, created, updated, value) VALUES (?, ?, ?, 1, ?, ?, ?)
		ON CONFLICT (kind, parent, field) DO UPDATE SET value = excluded.value, updated = excluded.updated, version = version + 1`,
		r.kind, r.id, def, now, now, text)
}

// named finds the value that an id such as "text_line-1" names.
func named(held map[int64]*value, id any) *value {
	text, _ := id.(string)
	at := strings.LastIndexByte(text, '-')
	if at < 0 {
		return nil
	}
	n, err := strconv.ParseInt(text[at+1:], 10, 64)
	if err != nil {
		return nil
	}
	for _, x := range held {
		if x.id == n {
			return x
		}
	}
	return nil
}
