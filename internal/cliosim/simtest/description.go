// Package simtest validates requests to Clio's API, and answers to them,
// against its public description (testdata/clio).
//
// [Load] reads the description once, [Description.Transport] puts it between
// a client and the network: whatever breaks the description fails the test.
// The simulator's own tests and those of whatever speaks to it use it, so that
// both are held to what Clio published and not to each other.
//
// Where the description is known to be wrong or silent it is corrected, each
// time with the reason, in [Load].
//
// For tests only: internal/deptest refuses any other import.
package simtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Description is Clio's API description, ready to validate with.
type Description struct {
	doc *openapi3.T
}

// Load reads the description of this checkout.
func Load(t testing.TB) *Description {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "testdata", "clio", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	correct(raw)
	if text, err = json.Marshal(raw); err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return &Description{doc: doc}
}

// Operations are the described ones, such as "GET /matters/{id}.json", of
// which the path begins with one of these.
func (d *Description) Operations(prefixes ...string) []string {
	var found []string
	for path, item := range d.doc.Paths.Map() {
		for method := range item.Operations() {
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) }) {
				found = append(found, method+" "+path)
			}
		}
	}
	slices.Sort(found)
	return found
}

// root is the folder of go.mod, in or above the working directory.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod in or above the working directory")
		}
		dir = up
	}
}

// at walks into nested objects.
func at(v any, path ...string) map[string]any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	m, _ := v.(map[string]any)
	return m
}

// correct makes the description strict, so that a misspelt name is found, and
// true, where the API is known to differ from it.
func correct(doc map[string]any) {
	schemas := at(doc, "components", "schemas")
	for name, schema := range schemas {
		s := at(schema)
		flatten(s, schemas)
		// Unset attributes are answered as null, which no schema says.
		s["nullable"] = true
		for _, p := range at(s, "properties") {
			loosen(at(p))
		}
		// The meta of lists is described in prose only: checkMeta.
		if !strings.HasSuffix(name, "_List") {
			s["additionalProperties"] = false
		}
		// Checkboxes are booleans, and an account without the permission gets
		// bare ids.
		if v := at(s, "properties", "value"); v != nil && strings.HasPrefix(name, "CustomFieldValue") {
			at(s, "properties")["value"] = map[string]any{"nullable": true}
		}
	}
	for path, methods := range at(doc, "paths") {
		for method, operation := range at(methods) {
			data := at(operation, "requestBody", "content", "application/json", "schema", "properties", "data")
			if data == nil {
				continue
			}
			strict(data)
			correctBody(path, method, data)
		}
	}
}

// flatten replaces allOf by the properties of all its parts, as strictness
// would otherwise make each part refuse the other's.
func flatten(s, schemas map[string]any) {
	parts, ok := s["allOf"].([]any)
	if !ok {
		return
	}
	delete(s, "allOf")
	s["type"] = "object"
	properties := map[string]any{}
	for _, part := range parts {
		p := at(part)
		if ref, ok := p["$ref"].(string); ok {
			p = at(schemas[ref[strings.LastIndexByte(ref, '/')+1:]])
			flatten(p, schemas)
		}
		for name, is := range at(p, "properties") {
			properties[name] = is
		}
	}
	s["properties"] = properties
}

func loosen(p map[string]any) {
	if p == nil || p["$ref"] != nil {
		return
	}
	p["nullable"] = true
	loosen(at(p["items"]))
}

// strict lets a body's objects have what is described and nothing else.
func strict(s map[string]any) {
	if s == nil {
		return
	}
	s["nullable"] = true // an attribute is cleared by null
	if properties := at(s, "properties"); properties != nil {
		s["additionalProperties"] = false
		for _, p := range properties {
			strict(at(p))
		}
	}
	strict(at(s["items"]))
}

func correctBody(path, method string, data map[string]any) {
	data["nullable"] = false
	if element := at(data, "properties", "custom_field_values", "items", "properties"); element != nil {
		element["value"] = map[string]any{"nullable": true}
		if element["id"] != nil { // described as integers, answered as text
			element["id"] = map[string]any{"type": "string", "pattern": "^[a-z_]+-[0-9]+$"}
		}
	}
	if method != "post" {
		return
	}
	required, _ := data["required"].([]any)
	switch path {
	case "/custom_fields.json": // the API refuses a field without it
		data["required"] = append(required, "display_order")
	case "/contacts.json": // a person's name is made of its parts
		data["required"] = []any{"type"}
	case "/notes.json": // of a matter or of a contact
		data["required"] = []any{"type"}
	}
}
