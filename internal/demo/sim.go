package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// clioAPI reads a Clio, here a simulated one, as any program of a firm may.
type clioAPI struct {
	ctx   context.Context
	base  string
	token string
}

// maxAnswer bounds an answer: a page of 200 records has some hundred KB.
const maxAnswer = 64 << 20

func (c *clioAPI) do(method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.base+path, in)
	if err != nil {
		return err
	}
	if c.token != "" && strings.HasPrefix(path, "/api/") {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// clioValue is an element of custom_field_values.
type clioValue struct {
	ID    any             `json:"id"`
	Value json.RawMessage `json:"value"`
	Field struct {
		ID int64 `json:"id"`
	} `json:"custom_field"`
}

// clioRecord is a matter or a contact.
type clioRecord struct {
	Kind   string      `json:"-"`
	ID     int64       `json:"id"`
	Number string      `json:"display_number"`
	Name   string      `json:"name"`
	Values []clioValue `json:"custom_field_values"`
}

// called is what people call a record.
func (r clioRecord) called() string {
	if r.Kind == "matter" {
		return "matter " + r.Number
	}
	return r.Name
}

// key names a record for programs.
func (r clioRecord) key() string { return fmt.Sprintf("%s %d", r.Kind, r.ID) }

func (r clioRecord) value(field int64) json.RawMessage {
	for _, v := range r.Values {
		if v.Field.ID == field {
			return v.Value
		}
	}
	return nil
}

// clioField is a custom field.
type clioField struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Parent   string `json:"parent_type"`
	Type     string `json:"field_type"`
	Required bool   `json:"required"`
	Deleted  bool   `json:"deleted"`
}

func list[T any](c *clioAPI, path, fields string) ([]T, error) {
	var all []T
	next := "/api/v4/" + path + ".json?order=id(asc)&limit=200&fields=" + url.QueryEscape(fields)
	for next != "" {
		var page struct {
			Data []T
			Meta struct{ Paging struct{ Next string } }
		}
		if err := c.do(http.MethodGet, next, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		next = strings.TrimPrefix(page.Meta.Paging.Next, c.base)
	}
	return all, nil
}

// everything is what the account holds in custom fields.
type everything struct {
	fields  []clioField
	records []clioRecord
}

func (c *clioAPI) everything() (everything, error) {
	var all everything
	fields, err := list[clioField](c, "custom_fields", "id,name,parent_type,field_type,required,deleted")
	if err != nil {
		return all, err
	}
	all.fields = slices.DeleteFunc(fields, func(f clioField) bool { return f.Deleted })
	for _, kind := range []struct{ path, kind, name string }{{"matters", "matter", "display_number"}, {"contacts", "contact", "name"}} {
		records, err := list[clioRecord](c, kind.path, "id,"+kind.name+",custom_field_values{id,value,custom_field}")
		if err != nil {
			return all, err
		}
		for _, r := range records {
			r.Kind = kind.kind
			all.records = append(all.records, r)
		}
	}
	return all, nil
}

// text is all of it as one text, to be compared.
func (e everything) text() (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	for _, f := range e.fields {
		if err := enc.Encode(f); err != nil {
			return "", err
		}
	}
	for _, r := range e.records {
		fmt.Fprintf(&b, "%s ", r.Kind)
		if err := enc.Encode(r); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
