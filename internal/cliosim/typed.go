package cliosim

import (
	"encoding/json"
	"math/big"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,10})?$`)

// normal checks a value against the type of its field and brings it into the
// form in which it is kept and answered; nil where it is empty. What normal
// returned comes out of it unchanged.
func (w *work) normal(field *record, given any) (json.RawMessage, error) {
	kind := field.text("field_type")
	if given == nil || given == "" {
		return nil, nil
	}
	bad := unprocessable("value of custom field %s is not a valid %s", field.text("name"), kind)
	if kind == "checkbox" {
		switch given {
		case true, "true":
			return json.RawMessage("true"), nil
		case false, "false":
			return json.RawMessage("false"), nil
		}
		return nil, bad
	}
	text, ok := given.(string)
	if n, isNumber := given.(json.Number); isNumber {
		text, ok = n.String(), true
		switch kind {
		case "numeric", "currency", "picklist", "contact", "matter":
		default:
			return nil, bad
		}
	}
	if !ok {
		return nil, bad
	}
	settings := w.sim.Settings()
	switch kind {
	case "text_line":
		ok = utf8.RuneCountInString(text) <= settings.TextLine
	case "text_area":
		ok = len(text) <= settings.TextArea
	case "email":
		at, err := mail.ParseAddress(text)
		ok = err == nil && at.Address == text && utf8.RuneCountInString(text) <= settings.TextLine
	case "url":
		u, err := url.Parse(text)
		ok = err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && utf8.RuneCountInString(text) <= settings.TextLine
	case "date":
		ok = isDate(text)
	case "time":
		text, ok = clock(text)
	case "numeric", "currency":
		text, ok = amount(text, kind == "currency")
	case "picklist":
		o := option(field, number(text))
		ok = o != nil && o["deleted_at"] == nil
	case "contact", "matter":
		r, err := w.get(kind, number(text))
		if err != nil {
			return nil, err
		}
		ok = r != nil
	}
	if !ok && (kind == "text_line" || kind == "text_area") {
		return nil, unprocessable("value of custom field %s is too long", field.text("name"))
	}
	if !ok {
		return nil, bad
	}
	return json.Marshal(text)
}

// clock brings a time of the day into the form 15:04:05.
func clock(text string) (string, bool) {
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format(time.TimeOnly), true
		}
	}
	return "", false
}

// amount brings a decimal into its shortest form, money into two decimals.
func amount(text string, money bool) (string, bool) {
	if !decimal.MatchString(text) {
		return "", false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false
	}
	if money {
		return r.FloatString(2), true
	}
	text = r.FloatString(10)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), "."), true
}

// option is a picklist field's option of this id.
func option(field *record, id int64) map[string]any {
	options, _ := field.data["picklist_options"].([]any)
	for _, o := range options {
		if o, ok := o.(map[string]any); ok && id != 0 && number(o) == id {
			return o
		}
	}
	return nil
}
