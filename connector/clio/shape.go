package clio

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// The shapes of Clio's answers, as far as they are asked for. A key that is
// missing stays nil, which differs from one that is null.

type listShape[T any] struct {
	Data *[]T `json:"data"`
	Meta struct {
		Paging struct {
			Next string `json:"next"`
		} `json:"paging"`
		Records *int `json:"records"`
	} `json:"meta"`
}

type showShape[T any] struct {
	Data *T `json:"data"`
}

type idShape struct {
	ID int64 `json:"id"`
}

type recordShape struct {
	ID     int64         `json:"id"`
	Etag   string        `json:"etag"`
	Values *[]valueShape `json:"custom_field_values"`
}

type valueShape struct {
	ID    json.RawMessage `json:"id"`
	Value json.RawMessage `json:"value"`
	Field *idShape        `json:"custom_field"`
}

type fieldShape struct {
	ID       int64  `json:"id"`
	Etag     string `json:"etag"`
	Name     string `json:"name"`
	Parent   string `json:"parent_type"`
	Type     string `json:"field_type"`
	Required bool   `json:"required"`
	Deleted  bool   `json:"deleted"`
	Order    int32  `json:"display_order"`
}

type setShape struct {
	ID     int64      `json:"id"`
	Name   string     `json:"name"`
	Fields *[]idShape `json:"custom_fields"`
}

type whoShape struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	Account *struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	} `json:"account"`
}

// The same as lists of what to ask for.
const (
	recordFields = "id,etag"
	valueFields  = "id,etag,custom_field_values{id,value,custom_field}"
	fieldFields  = "id,etag,name,parent_type,field_type,required,deleted,display_order"
	setFields    = "id,name,custom_fields{id}"
	whoFields    = "id,name,email,account{id,name}"
)

// Bounds of what an answer names.
const (
	maxNameBytes = 1000
	maxValueID   = 64
	// maxFilter bounds the fields that a request names one by one; more are
	// picked out of the answer.
	maxFilter = 100
)

func malformed(what string) error {
	return fmt.Errorf("clio: %s: %w", what, connector.ErrMalformed)
}

// record checks a record of an answer and picks the values of fields.
func (r recordShape) record(kind string, fields []string) (connector.Record, error) {
	if r.ID <= 0 || !isEtag(r.Etag) {
		return connector.Record{}, malformed("a record without id or etag")
	}
	out := connector.Record{Kind: kind, ID: strconv.FormatInt(r.ID, 10), Version: r.Etag}
	if len(fields) == 0 {
		return out, nil
	}
	fail := func(err error) (connector.Record, error) {
		return connector.Record{}, &connector.RecordError{Kind: kind, ID: out.ID, Err: err}
	}
	if r.Values == nil {
		return fail(connector.ErrWithheld)
	}
	asked := make(map[string]bool, len(fields))
	for _, f := range fields {
		asked[f] = true
	}
	for _, v := range *r.Values {
		// An element of bare ids is what accounts get that may not see values.
		// Nobody can tell whose it is, so the record is not known at all.
		if v.ID == nil || v.Value == nil || v.Field == nil {
			return fail(connector.ErrWithheld)
		}
		value, err := v.value()
		if err != nil {
			return fail(err)
		}
		was, ours := asked[value.Field]
		if !ours {
			continue
		}
		if !was {
			return fail(malformed("two elements of one field"))
		}
		asked[value.Field] = false
		out.Values = append(out.Values, value)
	}
	return out, nil
}

func (v valueShape) value() (connector.Value, error) {
	out := connector.Value{Field: strconv.FormatInt(v.Field.ID, 10)}
	if v.Field.ID <= 0 {
		return out, malformed("a value of no field")
	}
	if string(v.Value) != "null" {
		out.Data = v.Value
	}
	if string(v.ID) == "null" {
		if out.Data != nil {
			return out, malformed("a value without id")
		}
		return out, nil
	}
	if json.Unmarshal(v.ID, &out.ID) != nil || !isValueID(out.ID) {
		return out, malformed("a value's id")
	}
	return out, nil
}

// isValueID tells whether s looks like "text_line-1".
func isValueID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxValueID
}

// isEtag tells whether s is an entity tag that can be sent back: quoted, as
// Clio's are, and not the "*" that matches everything.
func isEtag(s string) bool {
	opaque := strings.TrimPrefix(s, "W/")
	if len(s) > maxEtag || len(opaque) < 3 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' {
		return false
	}
	opaque = opaque[1 : len(opaque)-1]
	return headerSafe(opaque) && !strings.Contains(opaque, `"`)
}

// isCondition tells whether s can be an If-Match that asks for one version: an
// entity tag, or a word that no record has.
func isCondition(s string) bool {
	return isEtag(s) || headerSafe(s) && len(s) <= maxEtag && !strings.ContainsAny(s, `*,"`)
}

// definition checks a definition of an answer.
func (f fieldShape) definition() (connector.Definition, error) {
	kind := kindOf(f.Parent)
	if f.ID <= 0 || !isEtag(f.Etag) || kind == "" || !isFieldType(f.Type) || !isName(f.Name) {
		return connector.Definition{}, malformed("a custom field")
	}
	return connector.Definition{
		ID: strconv.FormatInt(f.ID, 10), Name: f.Name, Kind: kind, Type: connector.FieldType(f.Type),
		Required: f.Required, Deleted: f.Deleted, Version: f.Etag,
	}, nil
}

// kindOf is the kind of a parent_type.
func kindOf(parent string) string {
	switch parent {
	case "Matter":
		return Matter
	case "Contact":
		return Contact
	default:
		return ""
	}
}

// parentOf is the parent_type of a kind.
func parentOf(kind string) (string, error) {
	switch kind {
	case Matter:
		return "Matter", nil
	case Contact:
		return "Contact", nil
	default:
		return "", fmt.Errorf("clio: no kind %.20q: %w", kind, connector.ErrNotFound)
	}
}

// isFieldType tells whether s is a word. One that Clio adds is passed on: it
// holds no token, which is all that anybody asks of it.
func isFieldType(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// isName tells whether s can be somebody's name for something. It may hold
// anything that UTF-8 can; whoever shows it escapes it.
func isName(s string) bool { return s != "" && len(s) <= maxNameBytes && utf8.ValidString(s) }

// number reads an id that a caller names.
func number(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
		return 0, fmt.Errorf("clio: no id %.20q: %w", id, connector.ErrNotFound)
	}
	return n, nil
}

// plural is the path of a kind's records.
func plural(kind string) (string, error) {
	if _, err := parentOf(kind); err != nil {
		return "", err
	}
	return api + kind + "s", nil
}

const api = "/api/v4/"

// only is the query that asks for the values of these fields.
func only(fields []string) (url.Values, error) {
	if len(fields) == 0 {
		return url.Values{"fields": {recordFields}}, nil
	}
	q := url.Values{"fields": {valueFields}}
	for _, f := range fields {
		if _, err := number(f); err != nil {
			return nil, err
		}
	}
	if len(fields) <= maxFilter {
		q["custom_field_ids[]"] = fields
	}
	return q, nil
}

func exists(message string) bool { return strings.Contains(message, "already exists") }
