package cliosim

import (
	"net/http"
	"strconv"
	"strings"
)

// related kinds by the schema that an attribute refers to. What is not here
// is part of the record itself.
var referred = map[string]string{
	"Contact_base": "contact", "User_base": "user", "Matter_base": "matter", "Group_base": "group", "Note_base": "note",
	"Account_base": "account", "CustomField_base": "custom_field", "CustomField": "custom_field",
	"CustomFieldMatterSelection_base": "matter",
}

// view renders records as they are asked for.
type view struct {
	*work
	seen   map[string]map[int64]*record
	defs   []*record // the fields of the parent that are not deleted, in order
	shown  map[int64]bool
	values map[int64]map[int64]*value // by record and field
	sets   map[int64][]int64          // the fields of each set
	only   map[int64]bool             // custom_field_ids[], nil all
}

// view prepares to render records, which are of the request's kind.
func (w *work) view(records []*record, fields []field) (*view, error) {
	v := &view{work: w, seen: map[string]map[int64]*record{}}
	asked := false
	for _, f := range fields {
		asked = asked || f.name == "custom_field_values"
	}
	if !asked || w.k.parent == "" {
		return v, nil
	}
	for _, text := range w.q.query["custom_field_ids[]"] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badRequest("custom_field_ids is not a list of numbers")
		}
		if v.only == nil {
			v.only = map[int64]bool{}
		}
		v.only[n] = true
	}
	ids := make([]int64, len(records))
	for i, r := range records {
		ids[i] = r.id
	}
	var err error
	if v.defs, err = w.definitions(w.k.parent); err != nil {
		return nil, err
	}
	if v.values, err = w.valuesOf(w.k.name, ids); err != nil {
		return nil, err
	}
	return v, v.showing()
}

// showing finds which fields are shown on every record, and which with a set.
func (v *view) showing() error {
	v.shown, v.sets = map[int64]bool{}, map[int64][]int64{}
	sets, err := v.records("kind = 'custom_field_set' AND json_extract(data, '$.parent_type') = ?", v.k.parent)
	if err != nil {
		return err
	}
	for _, set := range sets {
		members, _ := set.data["custom_fields"].([]any)
		for _, m := range members {
			v.sets[set.id] = append(v.sets[set.id], number(m))
			if set.is("displayed") {
				v.shown[number(m)] = true
			}
		}
	}
	for _, d := range v.defs {
		if d.is("displayed") {
			v.shown[d.id] = true
		}
	}
	return nil
}

// show answers one record.
func (w *work) show() (*answer, error) {
	r, err := w.found()
	if err != nil {
		return nil, err
	}
	if matches(w.q.header.Get("If-None-Match"), r.etag()) {
		a := &answer{status: http.StatusNotModified, header: http.Header{}}
		a.header.Set("ETag", `"`+r.etag()+`"`)
		return a, nil
	}
	return w.one(http.StatusOK, w.k.schema, r)
}

// found is the record that the request is about.
func (w *work) found() (*record, error) {
	r, err := w.get(w.k.name, w.id)
	if err == nil && r == nil {
		return nil, notFound("The record")
	}
	return r, err
}

// one answers with one record.
func (w *work) one(status int, schema string, r *record) (*answer, error) {
	fields, bad := w.sim.shapes.parseFields(schema, w.q.query.Get("fields"))
	if bad != nil {
		return nil, bad
	}
	v, err := w.view([]*record{r}, fields)
	if err != nil {
		return nil, err
	}
	data, err := v.object(schema, r, fields)
	if err != nil {
		return nil, err
	}
	a, err := jsonAnswer(status, map[string]any{"data": data})
	if err != nil {
		return nil, err
	}
	a.header.Set("ETag", `"`+r.etag()+`"`)
	return a, nil
}

// matches tells whether a header such as If-Match names this etag.
func matches(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || one == `"`+etag+`"` {
			return true
		}
	}
	return false
}

// object renders the asked fields of a record.
func (v *view) object(schema string, r *record, fields []field) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range fields {
		kind := v.sim.shapes.Schemas[schema][f.name]
		of, refers := refersTo(kind)
		sub := f.sub
		if sub == nil {
			sub = v.sim.shapes.barely(of)
		}
		var err error
		switch {
		case f.name == "custom_field_values":
			out[f.name], err = v.elements(r, sub)
		case !refers:
			out[f.name] = v.attribute(r, f.name)
		case strings.HasPrefix(kind, "["):
			out[f.name], err = v.many(of, r.data[f.name], sub)
		default:
			out[f.name], err = v.nested(of, r.data[f.name], sub)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// attribute is a plain attribute, null where the record lacks it.
func (v *view) attribute(r *record, name string) any {
	switch name {
	case "id":
		return r.id
	case "etag":
		return `"` + r.etag() + `"`
	case "created_at":
		return stamp(r.created)
	case "updated_at":
		return stamp(r.updated)
	}
	return r.data[name]
}

func (v *view) many(schema string, list any, sub []string) ([]any, error) {
	items, _ := list.([]any)
	out := make([]any, 0, len(items))
	for _, item := range items {
		one, err := v.nested(schema, item, sub)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out = append(out, one)
		}
	}
	return out, nil
}

// nested renders what an attribute refers to, or holds.
func (v *view) nested(schema string, at any, sub []string) (any, error) {
	inside, ok := at.(map[string]any)
	if !ok {
		return nil, nil
	}
	out := map[string]any{}
	kind := referred[schema]
	if kind == "" {
		for _, name := range sub {
			out[name] = inside[name]
		}
		return out, nil
	}
	r, err := v.cached(kind, number(inside))
	if err != nil || r == nil {
		return nil, err
	}
	for _, name := range sub {
		// One level of braces: what is nested deeper is never rendered.
		out[name] = v.attribute(r, name)
	}
	return out, nil
}

func (v *view) cached(kind string, id int64) (*record, error) {
	if r, ok := v.seen[kind][id]; ok {
		return r, nil
	}
	r, err := v.get(kind, id)
	if err != nil {
		return nil, err
	}
	if v.seen[kind] == nil {
		v.seen[kind] = map[int64]*record{}
	}
	v.seen[kind][id] = r
	return r, nil
}

// related answers what hangs off a matter.
func (w *work) related(what string) (*answer, error) {
	m, err := w.found()
	if err != nil {
		return nil, err
	}
	ids := []any{}
	if what != "related_contacts" && m.data["client"] != nil {
		ids = append(ids, number(m.data["client"]))
	}
	contacts, schema := kinds["contacts"], map[string]string{"client": "Client", "contacts": "MatterContacts", "related_contacts": "RelatedContacts"}[what]
	if what == "client" {
		r, err := w.get("contact", number(m.data["client"]))
		if err != nil || r == nil {
			return nil, notFound("The client")
		}
		return w.one(http.StatusOK, schema, r)
	}
	others, _ := m.data["relationships"].([]any)
	for _, other := range others {
		if o, ok := other.(map[string]any); ok {
			ids = append(ids, number(o["contact"]))
		}
	}
	sel := &selection{}
	sel.and("kind = 'contact'")
	sel.and("id IN ("+marks(len(ids))+")", ids...)
	fields, bad := w.sim.shapes.parseFields(schema, w.q.query.Get("fields"))
	if bad != nil {
		return nil, bad
	}
	list := *w
	list.k = contacts
	found, meta, err := list.page(sel)
	if err != nil {
		return nil, err
	}
	v, err := list.view(found, fields)
	if err != nil {
		return nil, err
	}
	data := make([]any, len(found))
	for i, r := range found {
		if data[i], err = v.object(schema, r, fields); err != nil {
			return nil, err
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"data": data, "meta": meta})
}
