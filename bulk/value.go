package bulk

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
)

// empty tells whether data is nothing. The empty string is: systems turn it
// into no value and back as they like.
func empty(data json.RawMessage) bool {
	d := string(bytes.TrimSpace(data))
	return d == "" || d == "null" || d == `""`
}

// text returns the text of a JSON string; false for any other JSON text.
func text(data json.RawMessage) (string, bool) {
	d := bytes.TrimSpace(data)
	if len(d) == 0 || d[0] != '"' {
		return "", false
	}
	var s string
	if json.Unmarshal(d, &s) != nil {
		return "", false
	}
	return s, true
}

// sealable is a value as it is sealed. Text keeps its type only where its
// spelling would come back the same.
func sealable(t connector.FieldType, data json.RawMessage) fieldcrypt.Value {
	if t.HoldsToken() {
		if s, ok := text(data); ok && bytes.Equal(tabular.AppendJSONString(nil, []byte(s)), data) {
			return fieldcrypt.TextValue(s)
		}
	}
	return fieldcrypt.Value{Type: fieldcrypt.JSON, Data: bytes.Clone(data)}
}

// spelled is the JSON text of a value that was opened; false for a type that
// no field of an outside system has.
func spelled(v fieldcrypt.Value) (json.RawMessage, bool) {
	switch v.Type {
	case fieldcrypt.Text:
		return tabular.AppendJSONString(nil, v.Data), true
	case fieldcrypt.JSON:
		return v.Data, true
	default:
		return nil, false
	}
}

// quoted is a token as a JSON text: it has no character to escape.
func quoted(token string) json.RawMessage { return json.RawMessage(`"` + token + `"`) }

// length is a text's length as fields count it.
func length(s string) int { return utf8.RuneCountInString(s) }

// same tells whether two JSON texts mean the same value: spelling, the order of
// members and trailing zeros do not matter.
func same(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, okX := decoded(a)
	y, okY := decoded(b)
	return okX && okY && equal(x, y)
}

func decoded(data json.RawMessage) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return v, true
}

func equal(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(x.String(), y.String())
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, ok := y[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case string:
		// The decoder makes one character of every half of a surrogate pair
		// that stands alone: only the same spelling is the same then.
		return x == b && !strings.ContainsRune(x, utf8.RuneError)
	default: // nil, bool
		return a == b
	}
}

// maxNumber bounds the digits of numbers that are compared by value: an
// exponent could otherwise ask for any amount of memory.
const maxNumber = 400

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > maxNumber || len(b) > maxNumber || hugeExponent(a) || hugeExponent(b) {
		return false
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

// hugeExponent tells whether a number has an exponent of more than 3 digits.
func hugeExponent(s string) bool {
	i := strings.IndexAny(s, "eE")
	return i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 3
}
