package cliosim

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite shapes.json")

// described is what shapes need of an OpenAPI description.
type described struct {
	Ref        string               `json:"$ref"`
	Type       string               `json:"type"`
	Format     string               `json:"format"`
	Enum       []any                `json:"enum"`
	Items      *described           `json:"items"`
	Properties map[string]described `json:"properties"`
	Required   []string             `json:"required"`
	AllOf      []described          `json:"allOf"`
}

type description struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name string `json:"name"`
			In   string `json:"in"`
		} `json:"parameters"`
		RequestBody struct {
			Content map[string]struct {
				Schema described `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]described `json:"schemas"`
	} `json:"components"`
}

// resources are the paths that the simulator answers.
var resources = []string{"/custom_fields", "/custom_field_sets", "/matters", "/contacts", "/users", "/groups", "/notes", "/activities"}

// derive makes the shapes out of the description.
func derive(d description) shapes {
	s := shapes{Schemas: map[string]map[string]string{}, Operations: map[string]operation{}}
	for path, methods := range d.Paths {
		path = strings.TrimSuffix(path, ".json")
		if !slices.ContainsFunc(resources, func(r string) bool { return path == r || strings.HasPrefix(path, r+"/") }) {
			continue
		}
		for method, m := range methods {
			op := operation{Params: []string{}}
			for _, p := range m.Parameters {
				if p.In == "query" {
					op.Params = append(op.Params, p.Name)
				}
			}
			data := m.RequestBody.Content["application/json"].Schema.Properties["data"]
			op.Required = data.Required
			for name, attr := range data.Properties {
				if op.Body == nil {
					op.Body = map[string]string{}
				}
				op.Body[name] = bodyType(attr)
			}
			s.Operations[strings.ToUpper(method)+" "+path] = op
		}
	}
	var add func(name string)
	add = func(name string) {
		if s.Schemas[name] != nil {
			return
		}
		attrs := map[string]string{}
		s.Schemas[name] = attrs
		for _, part := range append(d.Components.Schemas[name].AllOf, described{Ref: "#/components/schemas/" + name}) {
			if of, ok := strings.CutPrefix(part.Ref, "#/components/schemas/"); ok {
				part = d.Components.Schemas[of]
			}
			for attr, is := range part.Properties {
				attrs[attr] = attrType(is)
				if of, ok := refersTo(attrs[attr]); ok {
					add(of)
				}
			}
		}
	}
	for _, name := range []string{"CustomField", "CustomFieldSet", "Matter", "Contact", "User", "Group", "Note", "Activity", "Client", "MatterContacts", "RelatedContacts"} {
		add(name)
	}
	return s
}

func attrType(a described) string {
	switch {
	case a.Ref != "":
		return "@" + a.Ref[strings.LastIndexByte(a.Ref, '/')+1:]
	case a.Type == "array":
		return "[" + attrType(*a.Items) + "]"
	}
	return a.Type
}

func bodyType(a described) string {
	kind := a.Type
	if a.Format == "date" || a.Format == "date-time" {
		kind = a.Format
	}
	var allowed []string
	for _, v := range a.Enum {
		allowed = append(allowed, v.(string))
	}
	if allowed != nil {
		kind += " " + strings.Join(allowed, "|")
	}
	return kind
}

// TestShapesAreTheDescription keeps what the simulator works from in step
// with the public description; -update rewrites it.
func TestShapesAreTheDescription(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../testdata/clio/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	want := derive(d)
	if len(want.Operations) < 30 || len(want.Schemas) < 40 {
		t.Fatalf("%d operations, %d schemas: the description is cut", len(want.Operations), len(want.Schemas))
	}
	for _, op := range want.Operations {
		slices.Sort(op.Params)
		slices.Sort(op.Required)
	}
	var b bytes.Buffer
	b.WriteString("{\"schemas\": {\n")
	writeLines(t, &b, want.Schemas)
	b.WriteString("},\n\"operations\": {\n")
	writeLines(t, &b, want.Operations)
	b.WriteString("}}\n")
	if *update {
		if err := os.WriteFile("shapes.json", b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), shapesJSON) {
		t.Error("shapes.json is not what the description says: go test -run ShapesAreTheDescription -update")
	}
}

// writeLines writes the entries of a JSON object, one a line.
func writeLines[V any](t *testing.T, b *bytes.Buffer, m map[string]V) {
	t.Helper()
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteString(",\n")
		}
		line, err := json.Marshal(m[name])
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("\"" + name + "\": ")
		b.Write(line)
	}
	b.WriteString("\n")
}
