package killtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
)

// place is where a value stands.
type place struct {
	kind   string
	record int64
	field  int64
}

// definition is a custom field.
type definition struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Parent   string `json:"parent_type"`
	Type     string `json:"field_type"`
	Required bool   `json:"required"`
	Deleted  bool   `json:"deleted"`
}

// snapshot is all that Clio tells of custom fields, by its plain API, which
// knows nothing of Underseal.
type snapshot struct {
	fields   map[int64]definition // those that are not deleted
	elements map[place]string     // every element of custom_field_values: its id and its value
	values   map[place]string     // the JSON of those that hold something
}

// look takes a snapshot.
func (w *world) look() snapshot {
	w.t.Helper()
	s := snapshot{fields: map[int64]definition{}, elements: map[place]string{}, values: map[place]string{}}
	for _, d := range list[definition](w, "custom_fields", "id,name,parent_type,field_type,required,deleted") {
		if !d.Deleted {
			s.fields[d.ID] = d
		}
	}
	type record struct {
		ID     int64
		Values []struct {
			ID    json.RawMessage
			Value json.RawMessage
			Field struct{ ID int64 } `json:"custom_field"`
		} `json:"custom_field_values"`
	}
	for _, kind := range []string{"matter", "contact"} {
		for _, r := range list[record](w, kind+"s", "id,custom_field_values{id,value,custom_field}") {
			for _, v := range r.Values {
				at := place{kind, r.ID, v.Field.ID}
				if _, twice := s.elements[at]; twice {
					w.t.Errorf("%v comes twice", at)
				}
				s.elements[at] = string(v.ID) + " " + string(v.Value)
				if v := string(v.Value); v != "" && v != "null" && v != `""` {
					s.values[at] = v
				}
			}
		}
	}
	return s
}

func list[T any](w *world, path, fields string) []T {
	w.t.Helper()
	var all []T
	for next := "/api/v4/" + path + ".json?order=id(asc)&limit=200&fields=" + url.QueryEscape(fields); next != ""; {
		var page struct {
			Data []T
			Meta struct{ Paging struct{ Next string } }
		}
		w.request(http.MethodGet, next, nil, &page)
		all = append(all, page.Data...)
		next = strings.TrimPrefix(page.Meta.Paging.Next, w.address)
	}
	return all
}

// field is the definition of a name.
func (s snapshot) field(t testing.TB, name string) definition {
	t.Helper()
	for _, d := range s.fields {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no field %q", name)
	return definition{}
}

// holding is how many records have a value in one of these fields.
func (s snapshot) holding(t testing.TB, names ...string) int {
	t.Helper()
	records := map[place]bool{}
	for _, name := range names {
		d := s.field(t, name)
		for at := range s.values {
			if at.field == d.ID {
				records[place{kind: at.kind, record: at.record}] = true
			}
		}
	}
	return len(records)
}

// twinOf is what the name of a field that holds another's tokens ends in.
const twinOf = " (sealed)"

func isToken(value string) bool { return strings.HasPrefix(value, `"us1.`) }

// judgement is what became of the values that some fields had.
type judgement struct {
	sealed  int // opened to what they were
	lost    int // neither there nor opened to what they were
	doubled int // sealed twice, kept twice, or in a field that was made twice
	clear   int // as they were
	other   int // elements elsewhere that are not what they were
}

func (j judgement) String() string {
	return fmt.Sprintf("%d sealed, %d in clear, %d lost, %d doubled, %d others changed", j.sealed, j.clear, j.lost, j.doubled, j.other)
}

// judge compares before with what is there now, opening the tokens of the
// named fields as Alice, whose command reads a file that this test writes.
func (w *world) judge(before snapshot, names ...string) judgement {
	w.t.Helper()
	var j judgement
	now := w.look()
	named := map[int64]bool{}
	twins := map[int64]int64{} // of originals
	for _, name := range names {
		d := before.field(w.t, name)
		named[d.ID] = true
		for _, x := range now.fields {
			if _, old := before.fields[x.ID]; !old && strings.HasPrefix(x.Name, name+twinOf) {
				if twins[d.ID] != 0 {
					w.t.Errorf("%s has two fields for its tokens", name)
					j.doubled++
				}
				twins[d.ID] = x.ID
			}
		}
	}
	if n := len(before.fields) + len(twins); len(now.fields) != n {
		w.t.Errorf("%d fields, want %d", len(now.fields), n)
	}
	tokens := map[place]string{} // by the place of the original
	for at := range before.elements {
		if !named[at.field] {
			if before.elements[at] != now.elements[at] {
				j.other++
			}
			continue
		}
		here, twin := now.values[at], now.values[place{at.kind, at.record, twins[at.field]}]
		switch {
		case here != "" && twin != "":
			j.doubled++
		case isToken(here):
			tokens[at] = here
		case twin != "":
			tokens[at] = twin
		}
	}
	opened := w.open(tokens)
	for at := range before.elements {
		if !named[at.field] {
			continue
		}
		was, got := before.values[at], now.values[at]
		token, has := tokens[at]
		switch {
		case isToken(opened[at]):
			j.doubled++
		case has && was != "" && opened[at] == was:
			j.sealed++
		case !has && was == got && was != "":
			j.clear++
		case was != "" || has || got != "":
			j.lost++
			w.t.Logf("%v: was %s, is %.60s %.12s, opened %.60s", at, was, got, token, opened[at])
		}
	}
	return j
}

// open opens tokens with the command and returns what they say, as JSON.
func (w *world) open(tokens map[place]string) map[place]string {
	w.t.Helper()
	var file bytes.Buffer
	var order []place
	for at, token := range tokens {
		order = append(order, at)
		fmt.Fprintf(&file, "{\"%d\":%s}\n", at.field, token) // a column for each field
	}
	found := map[place]string{}
	if len(order) == 0 {
		return found
	}
	w.write("tokens.jsonl", file.String())
	w.run("alice", "open", "tokens.jsonl", "--out", "opened.jsonl", "--force")
	text, err := os.ReadFile(w.path("opened.jsonl"))
	must(w.t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != len(order) {
		w.t.Fatalf("%d lines opened of %d", len(lines), len(order))
	}
	for i, line := range lines {
		var row map[string]json.RawMessage
		must(w.t, json.Unmarshal([]byte(line), &row))
		found[order[i]] = string(row[strconv.FormatInt(order[i].field, 10)])
	}
	return found
}
