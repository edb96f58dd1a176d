package clio

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
)

// firm is an account of few words: definitions, and the value of one matter.
type firm struct {
	fields []fieldShape
	next   int64
	etag   int
	value  json.RawMessage // of the field that was made last
	values int             // writes of values
	keeps  int             // characters
	refuse bool            // every write of a matter

	// odd is asked first; its answer goes out after the request was performed
	// where perform is set.
	odd func(s sent) (r reply, instead, perform bool)
}

func (f *firm) answer(s sent) reply {
	if f.odd != nil {
		if r, instead, perform := f.odd(s); instead {
			if perform {
				f.perform(s)
			}
			return r
		}
	}
	return f.perform(s)
}

func (f *firm) show(x fieldShape) reply {
	b, err := json.Marshal(map[string]any{"data": x})
	if err != nil {
		panic(err)
	}
	return reply{status: 200, body: string(b)}
}

func (f *firm) perform(s sent) reply {
	f.etag++
	var body struct {
		Data struct {
			fieldShape
			Values []map[string]json.RawMessage `json:"custom_field_values"`
		} `json:"data"`
	}
	if s.body != "" && json.Unmarshal([]byte(s.body), &body) != nil {
		return reply{status: 400}
	}
	switch {
	case s.path == "/api/v4/custom_field_sets.json":
		return ok(`{"data":[{"id":50,"name":"Identity","custom_fields":[{"id":1},{"id":2}]},{"id":51,"custom_fields":[{"id":2}]}]}`)
	case s.path == "/api/v4/custom_fields.json" && s.method == methodGet:
		shown := slices.DeleteFunc(slices.Clone(f.fields), func(x fieldShape) bool { return fmt.Sprint(x.Deleted) != s.query.Get("deleted") })
		b, err := json.Marshal(map[string]any{"data": shown})
		if err != nil {
			panic(err)
		}
		return reply{status: 200, body: string(b)}
	case s.path == "/api/v4/custom_fields.json":
		x := body.Data.fieldShape
		f.next++
		x.ID, x.Etag = 100+f.next, fmt.Sprintf(`"f%d"`, f.etag)
		f.fields = append(f.fields, x)
		f.value = nil
		r := f.show(x)
		r.status = 201
		return r
	case strings.HasPrefix(s.path, "/api/v4/custom_fields/"):
		for i := range f.fields {
			x := &f.fields[i]
			if s.path != fmt.Sprintf("/api/v4/custom_fields/%d.json", x.ID) {
				continue
			}
			switch s.method {
			case methodDelete:
				x.Deleted = true
				return reply{status: 204}
			case methodPatch:
				if s.header["If-Match"] != x.Etag {
					return stale
				}
				x.Name, x.Required, x.Etag = body.Data.Name, body.Data.Required, fmt.Sprintf(`"f%d"`, f.etag)
			}
			return f.show(*x)
		}
		return reply{status: 404}
	case s.path == "/api/v4/matters.json":
		return ok(`{"data":[{"id":7,"etag":"\"m\""}],"meta":{"records":1}}`)
	case s.path == "/api/v4/matters/7.json":
		if s.method == methodPatch {
			f.values++
			if f.refuse {
				return status(422, "ArgumentError")
			}
			f.value = body.Data.Values[0]["value"]
			var text string
			if json.Unmarshal(f.value, &text) == nil && f.keeps > 0 && len(text) > f.keeps {
				f.value = raw(`"` + text[:f.keeps] + `"`)
			}
		}
		if f.value == nil {
			return ok(`{"data":{"id":7,"etag":"\"m\"","custom_field_values":[]}}`)
		}
		return ok(`{"data":{"id":7,"etag":"\"m\"","custom_field_values":[{"id":"text_line-1","value":%s,"custom_field":{"id":%d}}]}}`, f.value, 100+f.next)
	}
	return reply{status: 404}
}

func newFirm() *firm {
	return &firm{fields: []fieldShape{
		{ID: 1, Etag: `"a"`, Name: "SSN", Parent: "Matter", Type: "text_line", Order: 3},
		{ID: 2, Etag: `"b"`, Name: "Notes", Parent: "Contact", Type: "text_area", Required: true, Order: 9},
		{ID: 3, Etag: `"c"`, Name: "Gone", Parent: "Matter", Type: "date", Deleted: true, Order: 8},
		{ID: 4, Etag: `"d"`, Name: "New of Clio", Parent: "Matter", Type: "hologram", Order: 4},
	}}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	c, d := connect(t, newFirm().answer)
	got, err := c.Definitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []connector.Definition{
		{ID: "1", Name: "SSN", Kind: Matter, Type: connector.TextLine, Version: `"a"`, Sets: []connector.Set{{ID: "50", Name: "Identity"}}, MaxLength: 255},
		{ID: "2", Name: "Notes", Kind: Contact, Type: connector.TextArea, Required: true, Version: `"b"`, Sets: []connector.Set{{ID: "50", Name: "Identity"}, {ID: "51"}}, MaxLength: 65536},
		{ID: "3", Name: "Gone", Kind: Matter, Type: connector.Date, Deleted: true, Version: `"c"`},
		{ID: "4", Name: "New of Clio", Kind: Matter, Type: "hologram", Version: `"d"`},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if n := len(d.requests()); n != 3 {
		t.Errorf("%d requests", n)
	}
	for name, r := range map[string]reply{
		"forbidden":  status(403, "ForbiddenError"),
		"no name":    ok(`{"data":[{"id":1,"etag":"\"a\"","parent_type":"Matter","field_type":"date"}]}`),
		"no parent":  ok(`{"data":[{"id":1,"etag":"\"a\"","name":"a","parent_type":"Bill","field_type":"date"}]}`),
		"odd type":   ok(`{"data":[{"id":1,"etag":"\"a\"","name":"a","parent_type":"Matter","field_type":"a b"}]}`),
		"long name":  ok(`{"data":[{"id":1,"etag":"\"a\"","name":"%s","parent_type":"Matter","field_type":"date"}]}`, strings.Repeat("a", maxNameBytes+1)),
		"stripped":   ok(`{"data":[{"id":1}]}`),
		"of the set": ok(`{"data":[{"id":50}]}`),
	} {
		f := newFirm()
		f.odd = func(s sent) (reply, bool, bool) {
			return r, (name == "of the set") == (s.path == "/api/v4/custom_field_sets.json"), false
		}
		want := map[string]error{"forbidden": connector.ErrForbidden, "of the set": connector.ErrWithheld}[name]
		if want == nil {
			want = connector.ErrMalformed
		}
		c, _ := connect(t, f.answer)
		if _, err := c.Definitions(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCreateField: exactly one field is made, whatever becomes of the answer.
func TestCreateField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   reply
		perform bool
		posts   int
	}{
		"fine":                  {reply{}, false, 1},
		"made, answer lost":     {lost, true, 1},
		"made, answer cut off":  {reply{status: 201, body: "{", after: errors.New("reset")}, true, 1},
		"made, gateway gave up": {reply{status: 504}, true, 1},
		"not made, answer lost": {lost, false, 2},
		"not sent":              {notSent, false, 2},
		"busy":                  {reply{status: 429}, false, 2},
	} {
		f := newFirm()
		// One of the same name was there before: it is not the new one.
		f.fields = append(f.fields, fieldShape{ID: 90, Etag: `"z"`, Name: "SSN (sealed)", Parent: "Matter", Type: "text_area"})
		posts := 0
		f.odd = func(s sent) (reply, bool, bool) {
			if s.method != methodPost {
				return reply{}, false, false
			}
			posts++
			return c.first, posts == 1 && name != "fine", c.perform
		}
		conn, _ := connect(t, f.answer)
		d, err := conn.CreateField(t.Context(), connector.Definition{
			Name: "SSN (sealed)", Kind: Matter, Type: connector.TextArea, Required: true, Sets: []connector.Set{{ID: "50"}},
		})
		if err != nil || d.ID != "101" || d.Name != "SSN (sealed)" || !d.Required || d.Kind != Matter || d.MaxLength != 65536 || len(d.Sets) != 0 {
			t.Errorf("%s: %+v %v", name, d, err)
		}
		if posts != c.posts || len(f.fields) != 6 || f.fields[5].Order != 5 {
			t.Errorf("%s: %d posts, %+v", name, posts, f.fields[4:])
		}
	}
	f := newFirm()
	f.odd = func(s sent) (reply, bool, bool) { return lost, s.method == methodPost, false }
	conn, _ := connect(t, f.answer)
	_, err := conn.CreateField(t.Context(), connector.Definition{Name: "a", Kind: Matter, Type: connector.TextArea})
	is(t, err, connector.ErrUnavailable)
	for name, want := range map[string]error{"": connector.ErrRefused, strings.Repeat("ä", 33): connector.ErrRefused, "\xff": connector.ErrRefused} {
		_, err := conn.CreateField(t.Context(), connector.Definition{Name: name, Kind: Matter, Type: connector.TextArea})
		is(t, err, want)
	}
	_, err = conn.CreateField(t.Context(), connector.Definition{Name: "a", Kind: "bill", Type: connector.TextArea})
	is(t, err, connector.ErrNotFound)
}

func TestUpdateField(t *testing.T) {
	t.Parallel()
	ssn := connector.Definition{ID: "1", Name: "SSN old", Kind: Matter, Type: connector.TextLine, Version: `"a"`, Sets: []connector.Set{{ID: "50"}}}
	for name, c := range map[string]struct {
		odd     reply
		perform bool
		version string
		want    error
	}{
		"fine":             {reply{}, false, `"a"`, nil},
		"done, lost":       {lost, true, `"a"`, nil},
		"not done, lost":   {lost, false, `"a"`, nil},
		"changed by other": {reply{}, false, `"x"`, connector.ErrConflict},
		"lost and changed": {lost, false, `"x"`, connector.ErrConflict},
		"forbidden":        {status(403, "ForbiddenError"), false, `"a"`, connector.ErrForbidden},
		"not as asked":     {ok(`{"data":{"id":1,"etag":"\"q\"","name":"SSN","parent_type":"Matter","field_type":"text_line"}}`), false, `"a"`, connector.ErrRefused},
		"another":          {ok(`{"data":{"id":2,"etag":"\"q\"","name":"SSN old","parent_type":"Matter","field_type":"text_line"}}`), false, `"a"`, connector.ErrMalformed},
	} {
		f, n := newFirm(), 0
		f.odd = func(s sent) (reply, bool, bool) {
			if s.method == methodPatch {
				n++
			}
			return c.odd, s.method == methodPatch && n == 1 && (c.odd.status != 0 || c.odd.err != nil), c.perform
		}
		conn, _ := connect(t, f.answer)
		d := ssn
		d.Version = c.version
		got, err := conn.UpdateField(t.Context(), d)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.want == nil && (err != nil || got.Name != "SSN old" || got.Version == `"a"` || !slices.Equal(got.Sets, ssn.Sets) || got.MaxLength != 255) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestDeleteField(t *testing.T) {
	t.Parallel()
	ssn := connector.Definition{ID: "1", Name: "SSN", Kind: Matter, Type: connector.TextLine, Version: `"a"`}
	for name, c := range map[string]struct {
		change  func(*connector.Definition)
		odd     reply
		perform bool
		want    error
	}{
		"fine":           {nil, reply{}, false, nil},
		"done, lost":     {nil, lost, true, nil},
		"not done, lost": {nil, lost, false, nil},
		"forbidden":      {nil, status(403, "ForbiddenError"), false, connector.ErrForbidden},
		"changed":        {func(d *connector.Definition) { d.Version = `"x"` }, reply{}, false, connector.ErrConflict},
		"another name":   {func(d *connector.Definition) { d.Name = "x" }, reply{}, false, connector.ErrConflict},
		"another type":   {func(d *connector.Definition) { d.Type = connector.Date }, reply{}, false, connector.ErrConflict},
		"deleted before": {func(d *connector.Definition) { d.ID = "3" }, reply{}, false, connector.ErrNotFound},
		"never there":    {func(d *connector.Definition) { d.ID = "77" }, reply{}, false, connector.ErrNotFound},
		"no id":          {func(d *connector.Definition) { d.ID = "x" }, reply{}, false, connector.ErrNotFound},
	} {
		f, n := newFirm(), 0
		f.odd = func(s sent) (reply, bool, bool) {
			if s.method == methodDelete {
				n++
			}
			return c.odd, s.method == methodDelete && n == 1 && (c.odd.status != 0 || c.odd.err != nil), c.perform
		}
		conn, _ := connect(t, f.answer)
		d := ssn
		if c.change != nil {
			c.change(&d)
		}
		if err := conn.DeleteField(t.Context(), d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if f.fields[0].Deleted != (c.want == nil) {
			t.Errorf("%s: deleted is %v", name, f.fields[0].Deleted)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	f := newFirm()
	f.keeps = 300
	// Left behind by a probe that crashed, and somebody's own of nearly the
	// same name.
	f.fields = append(f.fields,
		fieldShape{ID: 60, Etag: `"p"`, Name: "Underseal probe 0123abcd", Parent: "Contact", Type: "text_line"},
		fieldShape{ID: 61, Etag: `"q"`, Name: "Underseal probe results", Parent: "Matter", Type: "text_line"})
	c, _ := connect(t, f.answer)
	for _, x := range []struct {
		n, longest int
		want       error
	}{{300, 300, nil}, {301, 300, connector.ErrTooLong}, {1, 300, nil}, {250, 300, nil}, {400, 300, connector.ErrTooLong}} {
		if err := c.Probe(t.Context(), Matter, connector.TextLine, x.n); !errors.Is(err, x.want) {
			t.Errorf("%d: %v", x.n, err)
		}
		if n := c.longest(connector.TextLine); n != x.longest {
			t.Errorf("%d: at most %d characters", x.n, n)
		}
	}
	for _, x := range f.fields {
		if probeName.MatchString(x.Name) && !x.Deleted || x.ID == 61 && x.Deleted || x.ID < 50 && x.Deleted != (x.ID == 3) {
			t.Errorf("%+v", x)
		}
	}
	if f.value != nil {
		t.Errorf("a value stays: %s", f.value)
	}
	if n := c.longest(connector.TextArea); n != 65536 {
		t.Errorf("a text area: %d", n)
	}
}

func TestProbeFails(t *testing.T) {
	t.Parallel()
	f := newFirm()
	f.refuse = true
	c, _ := connect(t, f.answer)
	// The record refuses every change: that says nothing of lengths.
	err := c.Probe(t.Context(), Matter, connector.TextArea, 1000)
	is(t, err, connector.ErrRefused)
	if errors.Is(err, connector.ErrTooLong) || c.longest(connector.TextArea) != 65536 {
		t.Error(err)
	}
	for _, x := range f.fields {
		if probeName.MatchString(x.Name) && !x.Deleted {
			t.Errorf("%+v", x)
		}
	}
	for _, n := range []int{0, -1, maxProbe + 1} {
		is(t, c.Probe(t.Context(), Matter, connector.TextArea, n), connector.ErrRefused)
	}
	is(t, c.Probe(t.Context(), Matter, connector.Date, 5), connector.ErrRefused)
	is(t, c.Probe(t.Context(), "bill", connector.TextArea, 5), connector.ErrNotFound)

	// Somebody edits the record all the time.
	f = newFirm()
	f.odd = func(s sent) (reply, bool, bool) {
		return stale, s.method == methodPatch && strings.HasPrefix(s.path, "/api/v4/matters/"), false
	}
	c, _ = connect(t, f.answer)
	is(t, c.Probe(t.Context(), Matter, connector.TextArea, 5), connector.ErrConflict)

	// No record, or no right to make a field.
	f = newFirm()
	f.odd = func(s sent) (reply, bool, bool) { return ok(`{"data":[]}`), s.path == "/api/v4/matters.json", false }
	c, _ = connect(t, f.answer)
	is(t, c.Probe(t.Context(), Matter, connector.TextArea, 5), connector.ErrNotFound)
	f = newFirm()
	f.odd = func(s sent) (reply, bool, bool) { return status(403, "E"), s.method == methodPost, false }
	c, _ = connect(t, f.answer)
	is(t, c.Probe(t.Context(), Matter, connector.TextArea, 5), connector.ErrForbidden)

	// The field cannot be deleted again: that is said.
	f = newFirm()
	f.odd = func(s sent) (reply, bool, bool) { return status(403, "E"), s.method == methodDelete, false }
	c, _ = connect(t, f.answer)
	err = c.Probe(t.Context(), Matter, connector.TextArea, 5)
	is(t, err, connector.ErrForbidden)
	if err == nil || !strings.Contains(err.Error(), "Underseal probe 00000000 stays behind") {
		t.Error(err)
	}
}

func TestProbeText(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 13, 255, 256, 65536} {
		if got := probeText(n); len(got) != n || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%d: %d", n, len(got))
		}
	}
}

// Nobody who has looked whether a field is empty deletes it an hour later.
func TestDeleteFieldSoonOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, method := range []string{methodGet, methodDelete} {
		for _, what := range []reply{notSent, lost, {status: 503}} {
			f := newFirm()
			conn, d := connect(t, func(s sent) reply {
				if s.method == method && s.at.Before(start.Add(time.Hour)) {
					return what
				}
				return f.answer(s)
			})
			err := conn.DeleteField(t.Context(), connector.Definition{ID: "1", Name: "SSN", Kind: Matter, Type: connector.TextLine, Version: `"a"`})
			is(t, err, connector.ErrUnavailable)
			if took := d.clock.Now().Sub(start); took > 3*time.Minute || f.fields[0].Deleted {
				t.Errorf("%s %+v: after %s, deleted is %v", method, what, took, f.fields[0].Deleted)
			}
		}
	}
}
