package cliosim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// maxFieldName is the longest name of a custom field, in characters.
const maxFieldName = 32

// lists are the attributes that hold items with ids of their own, written one
// by one: with an id changed, with _destroy removed, without an id added.
var lists = map[string]bool{
	"email_addresses": true, "phone_numbers": true, "addresses": true, "web_sites": true, "instant_messengers": true,
	"custom_field_set_associations": true, "relationships": true, "picklist_options": true,
}

// create answers POST.
func (w *work) create() (*answer, error) {
	data, err := w.data()
	if err != nil {
		return nil, err
	}
	switch data["type"] {
	case "Matter": // the description wants a matter and a contact of every note
		w.op.Required = without(w.op.Required, "contact")
	case "Contact":
		w.op.Required = without(w.op.Required, "matter")
	case "Person": // whose name is made of its parts
		w.op.Required = without(w.op.Required, "name")
	}
	if bad := w.sim.shapes.checkBody(w.op, data, true); bad != nil {
		return nil, bad
	}
	r := &record{kind: w.k.name, data: map[string]any{}}
	if r.id, err = w.next(w.k.name, w.k.first); err != nil {
		return nil, err
	}
	if err := w.apply(r, data); err != nil {
		return nil, err
	}
	w.begin(r)
	return w.store(http.StatusCreated, r, data, true)
}

// update answers PATCH.
func (w *work) update() (*answer, error) {
	r, err := w.found()
	if err != nil {
		return nil, err
	}
	if match := w.q.header.Get("If-Match"); match != "" && !matches(match, r.etag()) {
		return nil, &apiError{status: http.StatusPreconditionFailed, kind: "PreconditionFailedError", message: "The record was changed by somebody else"}
	}
	data, err := w.data()
	if err != nil {
		return nil, err
	}
	if w.k.name == "custom_field" {
		if r.is("deleted") {
			return nil, notFound("The record")
		}
		for _, name := range []string{"field_type", "parent_type"} {
			if given, ok := data[name]; ok && given != r.data[name] {
				return nil, unprocessable("%s cannot be changed", name)
			}
			delete(data, name)
		}
	}
	if bad := w.sim.shapes.checkBody(w.op, data, false); bad != nil {
		return nil, bad
	}
	if err := w.apply(r, data); err != nil {
		return nil, err
	}
	return w.store(http.StatusOK, r, data, false)
}

func without(list []string, name string) []string {
	var out []string
	for _, one := range list {
		if one != name {
			out = append(out, one)
		}
	}
	return out
}

// store writes the record and the values that came with it, and answers.
func (w *work) store(status int, r *record, data map[string]any, creating bool) (*answer, error) {
	if err := w.put(r); err != nil {
		return nil, err
	}
	if w.k.parent != "" {
		if err := w.writeValues(r, data["custom_field_values"], creating); err != nil {
			return nil, err
		}
	}
	return w.one(status, w.k.schema, r)
}

// apply changes the attributes that data has.
func (w *work) apply(r *record, data map[string]any) error {
	for name, given := range data {
		switch {
		case name == "custom_field_values":
		case lists[name]:
			items, err := w.items(name, r.data[name], given)
			if err != nil {
				return err
			}
			r.data[name] = items
		default:
			if err := w.exists(name, given); err != nil {
				return err
			}
			r.data[name] = given
		}
	}
	return w.derive(r, data)
}

// exists refuses a reference to a record that is not there.
func (w *work) exists(name string, given any) error {
	inside, ok := given.(map[string]any)
	of, refers := refersTo(w.sim.shapes.Schemas[w.k.schema][name])
	if !ok || !refers || referred[of] == "" {
		return nil
	}
	r, err := w.get(referred[of], number(inside))
	if err == nil && r == nil {
		return unprocessable("%s could not be found", name)
	}
	return err
}

// items applies a request's list to the one that is held.
func (w *work) items(name string, held, given any) ([]any, error) {
	out, _ := held.([]any)
	list, _ := given.([]any)
	now := w.now.UTC().Format("2006-01-02T15:04:05Z")
	for _, change := range list {
		change, ok := change.(map[string]any)
		if !ok {
			return nil, unprocessable("%s must be a list of objects", name)
		}
		change = maps.Clone(change)
		destroy := change["_destroy"] == true || change["_deleted"] == true
		delete(change, "_destroy")
		delete(change, "_deleted")
		id := number(change["id"])
		if id == 0 {
			n, err := w.item()
			if err != nil {
				return nil, err
			}
			change["id"], change["etag"], change["created_at"], change["updated_at"] = n, `"`+n.String()+`-1"`, now, now
			out = append(out, change)
			continue
		}
		at := -1
		for i, item := range out {
			if number(item) == id {
				at = i
			}
		}
		if at < 0 {
			return nil, unprocessable("%s: %d could not be found", name, id)
		}
		item, ok := out[at].(map[string]any)
		if !ok {
			return nil, unprocessable("%s: %d could not be found", name, id)
		}
		switch {
		case destroy && name == "picklist_options": // values may still hold it
			item["deleted_at"] = now
		case destroy:
			out = append(out[:at], out[at+1:]...)
		default:
			maps.Copy(item, change)
			item["updated_at"] = now
		}
	}
	if out == nil {
		out = []any{}
	}
	return out, nil
}

// derive keeps attributes that follow from others.
func (w *work) derive(r *record, data map[string]any) error {
	switch w.k.name {
	case "custom_field":
		name := r.text("name")
		if name == "" {
			return unprocessable("name can't be blank")
		}
		if utf8.RuneCountInString(name) > maxFieldName {
			return unprocessable("name is too long (maximum is %d characters)", maxFieldName)
		}
		if number(r.data["display_order"]) == 0 && r.data["display_order"] == nil {
			return unprocessable("display_order can't be blank")
		}
	case "matter":
		if status, ok := data["status"].(string); ok {
			r.data["status"] = title(status)
		}
		r.data["client_id"] = number(r.data["client"])
	case "contact":
		if r.text("type") == "Person" {
			name := r.text("first_name")
			for _, more := range []string{r.text("middle_name"), r.text("last_name")} {
				if more != "" {
					name += " " + more
				}
			}
			if name != "" {
				r.data["name"] = name
			}
		}
		if r.text("name") == "" {
			return unprocessable("name can't be blank")
		}
		r.data["primary_email_address"] = first(r.data["email_addresses"], "address")
		r.data["primary_phone_number"] = first(r.data["phone_numbers"], "number")
	}
	return nil
}

func first(list any, name string) any {
	items, _ := list.([]any)
	if len(items) == 0 {
		return nil
	}
	item, _ := items[0].(map[string]any)
	return item[name]
}

// begin sets what a new record starts with.
func (w *work) begin(r *record) {
	start := func(name string, value any) {
		if _, ok := r.data[name]; !ok {
			r.data[name] = value
		}
	}
	switch w.k.name {
	case "custom_field":
		start("displayed", true)
		start("required", false)
		start("deleted", false)
		start("picklist_options", []any{})
	case "custom_field_set":
		start("displayed", false)
		start("parent_type", "Matter")
		start("custom_fields", []any{})
	case "matter":
		n := r.id - w.k.first + 1
		start("number", n)
		start("display_number", fmt.Sprintf("%05d", n))
		start("status", "Open")
		start("billable", true)
		start("open_date", w.now.Format("2006-01-02"))
	case "contact":
		start("is_client", false)
	case "group":
		start("type", "AdhocGroup")
	case "note":
		start("author", map[string]any{"id": w.c.user.id})
		start("detail_text_type", "plain_text")
	case "activity":
		start("user", map[string]any{"id": w.c.user.id})
		start("billed", false)
	}
}

// destroy answers DELETE. A custom field stays, marked as deleted.
func (w *work) destroy() (*answer, error) {
	r, err := w.found()
	if err != nil {
		return nil, err
	}
	if w.k.name == "custom_field" {
		if r.is("deleted") {
			return nil, notFound("The record")
		}
		r.data["deleted"] = true
		err = w.put(r)
	} else {
		err = w.exec("DELETE FROM record WHERE kind = ? AND id = ?", r.kind, r.id)
		if err == nil {
			err = w.exec("DELETE FROM value WHERE kind = ? AND parent = ?", r.kind, r.id)
		}
	}
	return &answer{status: http.StatusNoContent, header: http.Header{}}, err
}

// idJSON is an id as JSON holds it.
func idJSON(id int64) json.Number { return json.Number(strconv.FormatInt(id, 10)) }
