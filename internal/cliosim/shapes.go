package cliosim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// shapesJSON is derived from Clio's public API description by
// TestShapesAreTheDescription.
//
//go:embed shapes.json
var shapesJSON []byte

// shapes is what answers and requests may look like.
type shapes struct {
	// Schemas maps a schema to its attributes. The type of an attribute is
	// "integer", "string", "boolean", "number", "object", "[string]", a
	// schema's name behind "@", or a list of it "[@Name]".
	Schemas map[string]map[string]string `json:"schemas"`
	// Operations maps "PATCH /matters/{id}" to what it takes.
	Operations map[string]operation `json:"operations"`
}

// operation is what a method on a path takes.
type operation struct {
	// Params are the query parameters.
	Params []string `json:"params"`
	// Body maps the attributes of the body's data to their JSON type, which a
	// closed list of values follows: "string Person|Company".
	Body map[string]string `json:"body,omitempty"`
	// Required are the attributes of the body's data that must be there.
	Required []string `json:"required,omitempty"`
}

func parseShapes() (*shapes, error) {
	var s shapes
	if err := json.Unmarshal(shapesJSON, &s); err != nil {
		return nil, fmt.Errorf("cliosim: shapes: %w", err)
	}
	return &s, nil
}

// field is one name of a fields parameter, with what stood in its braces.
type field struct {
	name string
	sub  []string
}

// barely is what is answered of an object where nothing else is asked.
func (s *shapes) barely(schema string) []string {
	var names []string
	for _, name := range []string{"id", "etag"} {
		if _, ok := s.Schemas[schema][name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// parseFields parses the fields parameter for an answer of the given schema.
func (s *shapes) parseFields(schema, text string) ([]field, *apiError) {
	attrs := s.Schemas[schema]
	var fields []field
	if text == "" {
		for _, name := range s.barely(schema) {
			fields = append(fields, field{name: name})
		}
		return fields, nil
	}
	for rest := text; rest != ""; {
		end := strings.IndexAny(rest, ",{}")
		if end < 0 {
			end = len(rest)
		}
		f := field{name: strings.TrimSpace(rest[:end])}
		kind, known := attrs[f.name]
		if !known {
			return nil, badRequest("%s is not a valid field", f.name)
		}
		rest = rest[end:]
		if strings.HasPrefix(rest, "{") {
			inner, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return nil, badRequest("fields: a brace is not closed")
			}
			if strings.Contains(inner, "{") {
				return nil, badRequest("fields: only one level of nested fields can be asked for")
			}
			of, nested := refersTo(kind)
			if !nested {
				return nil, badRequest("%s is not a valid field: it has no fields of its own", f.name)
			}
			for name := range strings.SplitSeq(inner, ",") {
				name = strings.TrimSpace(name)
				if _, ok := s.Schemas[of][name]; !ok {
					return nil, badRequest("%s is not a valid field", name)
				}
				f.sub = append(f.sub, name)
			}
			rest = after
		}
		fields = append(fields, f)
		if rest == "" {
			break
		}
		if rest[0] != ',' || len(rest) == 1 {
			return nil, badRequest("fields: unexpected %q", rest)
		}
		rest = rest[1:]
	}
	return fields, nil
}

// refersTo is the schema that an attribute of this type holds.
func refersTo(kind string) (schema string, ok bool) {
	return strings.CutPrefix(strings.Trim(kind, "[]"), "@")
}

// checkBody tells what in data the operation does not take.
func (s *shapes) checkBody(op operation, data map[string]any, creating bool) *apiError {
	for name, value := range data {
		kind, ok := op.Body[name]
		if !ok {
			return badRequest("%s cannot be written", name)
		}
		if err := checkType(name, kind, value); err != nil {
			return err
		}
	}
	if !creating {
		return nil
	}
	for _, name := range op.Required {
		if data[name] == nil || data[name] == "" {
			return unprocessable("%s can't be blank", name)
		}
	}
	return nil
}

func checkType(name, kind string, value any) *apiError {
	if value == nil {
		return nil
	}
	kind, allowed, closed := strings.Cut(kind, " ")
	ok := true
	switch kind {
	case "string", "date", "date-time":
		var text string
		if text, ok = value.(string); ok && closed && !slices.Contains(strings.Split(allowed, "|"), text) {
			return unprocessable("%s must be one of %s", name, strings.ReplaceAll(allowed, "|", ", "))
		}
		if ok && kind == "date" && text != "" && !isDate(text) {
			return unprocessable("%s is not a date", name)
		}
	case "integer", "number":
		_, ok = value.(json.Number)
	case "boolean":
		_, ok = value.(bool)
	case "array":
		_, ok = value.([]any)
	case "object":
		_, ok = value.(map[string]any)
	}
	if !ok {
		return unprocessable("%s must be of type %s", name, kind)
	}
	return nil
}
