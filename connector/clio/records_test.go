package clio

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

const matter7 = `{"data":{"id":7,"etag":"\"v2\"","custom_field_values":[{"id":"text_line-1","value":"<a&b>","custom_field":{"id":3,"etag":"\"x\""}}]}}`

func TestPlaceAndUser(t *testing.T) {
	t.Parallel()
	c, d := connect(t, script(t, ok(`{"data":{"id":1,"name":"Alice","email":"alice@example.com","account":{"id":1234,"name":"Firm"}}}`)))
	for range 2 {
		p, err := c.Place(t.Context())
		if err != nil || p != (connector.Place{Connector: "clio", Account: "us:1234", Name: "Firm"}) {
			t.Errorf("%+v %v", p, err)
		}
		u, err := c.User(t.Context())
		if err != nil || u != (User{ID: "1", Name: "Alice", Email: "alice@example.com"}) {
			t.Errorf("%+v %v", u, err)
		}
	}
	if got := d.requests(); !slices.Equal(got, []string{"GET /api/v4/users/who_am_i.json?fields=id%2Cname%2Cemail%2Caccount%7Bid%2Cname%7D "}) {
		t.Errorf("%q", got)
	}
	for _, body := range []string{
		`{}`, `{"data":{"id":1}}`, `{"data":{"id":0,"account":{"id":1}}}`, `{"data":{"id":1,"account":{"id":0}}}`,
		`{"data":{"id":1,"name":"` + strings.Repeat("a", maxNameBytes+1) + `","account":{"id":1}}}`,
	} {
		c, _ := connect(t, script(t, ok("%s", body)))
		_, err := c.Place(t.Context())
		is(t, err, connector.ErrMalformed)
	}
}

// page is a page of matters without values.
func page(next string, ids ...int) reply {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"etag":"\"v\"","custom_field_values":[]}`, id)
	}
	return ok(`{"data":[%s],"meta":{"paging":{%s},"records":3}}`, b.String(), next)
}

func TestList(t *testing.T) {
	t.Parallel()
	c, d := connect(t, script(t, page(`"next":"https://app.clio.com/api/v4/matters?page_token=abc&limit=200"`, 1, 5), page("", 9)))
	var ids []string
	cursor := ""
	for {
		p, err := c.List(t.Context(), Matter, []string{"3"}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			ids = append(ids, r.ID)
		}
		if p.Total != 3 {
			t.Errorf("total %d", p.Total)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if !slices.Equal(ids, []string{"1", "5", "9"}) {
		t.Errorf("%q", ids)
	}
	want := []string{
		"GET /api/v4/matters.json?custom_field_ids%5B%5D=3&fields=id%2Cetag%2Ccustom_field_values%7Bid%2Cvalue%2Ccustom_field%7D&limit=200&order=id%28asc%29 ",
		"GET /api/v4/matters.json?limit=200&page_token=abc ",
	}
	if got := d.requests(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}

	// Nor does the next page go back.
	c, _ = connect(t, script(t, page("", 4)))
	_, err := c.List(t.Context(), Matter, nil, "4 page_token=abc")
	is(t, err, connector.ErrMalformed)
	for _, cursor := range []string{"x", "4", "-1 a=b", "04 a=b", "4 a=%zz", "4 " + strings.Repeat("a", maxURL+1)} {
		_, err := c.List(t.Context(), Matter, nil, cursor)
		is(t, err, connector.ErrMalformed)
	}
	_, err = c.List(t.Context(), "document", nil, "")
	is(t, err, connector.ErrNotFound)
	_, err = c.List(t.Context(), Matter, []string{"x"}, "")
	is(t, err, connector.ErrNotFound)
}

// TestAttack21Links: a link is followed at the same address only.
func TestAttack21Links(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]reply{
		"another host":  page(`"next":"https://evil.example/api/v4/matters?page_token=a"`, 1),
		"another port":  page(`"next":"https://app.clio.com:444/api/v4/matters?page_token=a"`, 1),
		"no TLS":        page(`"next":"http://app.clio.com/api/v4/matters?page_token=a"`, 1),
		"another path":  page(`"next":"https://app.clio.com/api/v4/contacts?page_token=a"`, 1),
		"a password":    page(`"next":"https://a:b@app.clio.com/api/v4/matters?page_token=a"`, 1),
		"a path up":     page(`"next":"https://app.clio.com/api/v4/x/../matters?page_token=a"`, 1),
		"relative":      page(`"next":"/api/v4/matters?page_token=a"`, 1),
		"not a URL":     page(`"next":"::"`, 1),
		"too long":      page(`"next":"https://app.clio.com/api/v4/matters?page_token=`+strings.Repeat("a", maxURL)+`"`, 1),
		"itself":        page(`"next":"https://app.clio.com/api/v4/matters?fields=id%2Cetag&limit=200&order=id%28asc%29"`, 1),
		"an empty page": page(`"next":"https://app.clio.com/api/v4/matters?page_token=a"`),
		"out of order":  page("", 2, 1),
		"twice":         page("", 2, 2),
		"no id":         page("", 0),
		"no data":       ok(`{}`),
		"too many": page("", slices.Collect(func(yield func(int) bool) {
			for i := 1; i < 202 && yield(i); i++ {
			}
		})...),
		"not JSON":       ok(`<html>`),
		"not UTF-8":      ok("{\"data\":[],\"x\":\"\xff\"}"),
		"a redirect":     {status: 302, header: transport.Header{"Location": "https://evil.example/"}},
		"another status": {status: 206, body: `{"data":[]}`},
	} {
		c, d := connect(t, script(t, p))
		if _, err := c.List(t.Context(), Matter, nil, ""); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			is(t, err, connector.ErrMalformed)
		}
		if n := len(d.requests()); n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// TestNothing: three kinds of nothing, and what was withheld is none of them.
func TestNothing(t *testing.T) {
	t.Parallel()
	record := func(values string) reply { return ok(`{"data":{"id":7,"etag":"\"v\"",%s}}`, values) }
	for name, c := range map[string]struct {
		values string
		want   []connector.Value
		err    error
	}{
		"no element":     {`"custom_field_values":[]`, nil, nil},
		"never set":      {`"custom_field_values":[{"id":null,"value":null,"custom_field":{"id":3}}]`, []connector.Value{{Field: "3"}}, nil},
		"emptied":        {`"custom_field_values":[{"id":"text_line-1","value":null,"custom_field":{"id":3}}]`, []connector.Value{{Field: "3", ID: "text_line-1"}}, nil},
		"a text":         {`"custom_field_values":[{"id":"text_line-1","value":"a","custom_field":{"id":3}}]`, []connector.Value{{Field: "3", ID: "text_line-1", Data: raw(`"a"`)}}, nil},
		"an empty text":  {`"custom_field_values":[{"id":"text_line-1","value":"","custom_field":{"id":3}}]`, []connector.Value{{Field: "3", ID: "text_line-1", Data: raw(`""`)}}, nil},
		"its spelling":   {`"custom_field_values":[{"id":"numeric-1","value":1.50e0,"custom_field":{"id":3}}]`, []connector.Value{{Field: "3", ID: "numeric-1", Data: raw(`1.50e0`)}}, nil},
		"another field":  {`"custom_field_values":[{"id":"text_line-1","value":"a","custom_field":{"id":4}}]`, nil, nil},
		"nothing at all": {`"x":1`, nil, connector.ErrWithheld},
		"null":           {`"custom_field_values":null`, nil, connector.ErrWithheld},
		"bare ids":       {`"custom_field_values":[{"id":"text_line-1"}]`, nil, connector.ErrWithheld},
		"no value":       {`"custom_field_values":[{"id":"text_line-1","custom_field":{"id":3}}]`, nil, connector.ErrWithheld},
		"no field":       {`"custom_field_values":[{"id":"text_line-1","value":"a"}]`, nil, connector.ErrWithheld},
		"field null":     {`"custom_field_values":[{"id":"text_line-1","value":"a","custom_field":null}]`, nil, connector.ErrWithheld},
		"an empty one":   {`"custom_field_values":[{}]`, nil, connector.ErrWithheld},
		"two":            {`"custom_field_values":[{"id":"a","value":"a","custom_field":{"id":3}},{"id":"b","value":"a","custom_field":{"id":3}}]`, nil, connector.ErrMalformed},
		"a value no id":  {`"custom_field_values":[{"id":null,"value":"a","custom_field":{"id":3}}]`, nil, connector.ErrMalformed},
		"an odd id":      {`"custom_field_values":[{"id":"a b","value":"a","custom_field":{"id":3}}]`, nil, connector.ErrMalformed},
		"a long id":      {`"custom_field_values":[{"id":"` + strings.Repeat("a", 65) + `","value":"a","custom_field":{"id":3}}]`, nil, connector.ErrMalformed},
		"a numeric id":   {`"custom_field_values":[{"id":5,"value":"a","custom_field":{"id":3}}]`, nil, connector.ErrMalformed},
		"field 0":        {`"custom_field_values":[{"id":"a","value":"a","custom_field":{"id":0}}]`, nil, connector.ErrMalformed},
	} {
		conn, _ := connect(t, script(t, record(c.values)))
		r, err := conn.Get(t.Context(), Matter, "7", []string{"3"})
		if c.err != nil {
			is(t, err, c.err)
			if err != nil && !strings.HasPrefix(err.Error(), "matter 7: ") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || r.Version != `"v"` || !slices.EqualFunc(r.Values, c.want, func(a, b connector.Value) bool {
			return a.Field == b.Field && a.ID == b.ID && string(a.Data) == string(b.Data)
		}) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"data":{"id":8,"etag":"\"v\""}}`:      connector.ErrMalformed, // another record
		`{"data":{"id":7,"etag":"v"}}`:          connector.ErrMalformed, // nothing to write by
		`{"data":{"id":7,"etag":"*"}}`:          connector.ErrMalformed, // would match everything
		`{"data":{"id":7,"etag":"\"a\r\nb\""}}`: connector.ErrMalformed,
		`{"data":{"id":7}}`:                     connector.ErrMalformed,
		`{"data":null}`:                         connector.ErrMalformed,
		`{"data":{"id":"7","etag":"\"v\""}}`:    connector.ErrMalformed,
		``:                                      connector.ErrMalformed,
	} {
		c, _ := connect(t, script(t, ok("%s", body)))
		_, err := c.Get(t.Context(), Matter, "7", nil)
		is(t, err, want)
	}
	c, d := connect(t, script(t))
	for _, id := range []string{"", "0", "-1", "07", "7/../8", "7?x"} {
		_, err := c.Get(t.Context(), Matter, id, nil)
		is(t, err, connector.ErrNotFound)
	}
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	c, d := connect(t, script(t, ok(matter7)))
	r, err := c.Write(t.Context(), connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}, []connector.Change{
		{Field: "3", ID: "text_line-1", Data: raw(`"<a&b>"`)},
		{Field: "4", Data: raw(`true`)},
		{Field: "5", ID: "date-9"},
		{Field: "6", ID: "numeric-2", Remove: true},
	})
	if err != nil || r.Version != `"v2"` || len(r.Values) != 1 || string(r.Values[0].Data) != `"<a&b>"` {
		t.Errorf("%+v %v", r, err)
	}
	if d.seen[0].header["If-Match"] != `"v1"` || d.seen[0].header["Authorization"] != "Bearer access-1" {
		t.Errorf("%v", d.seen[0].header)
	}
	want := `{"data":{"custom_field_values":[{"id":"text_line-1","value":"<a&b>"},{"custom_field":{"id":4},"value":true},{"id":"date-9","value":null},{"id":"numeric-2","_destroy":true}]}}` + "\n"
	if d.seen[0].body != want || d.seen[0].path != "/api/v4/matters/7.json" {
		t.Errorf("%s", d.seen[0])
	}
	if f := d.seen[0].query["custom_field_ids[]"]; !slices.Equal(f, []string{"3", "4", "5", "6"}) {
		t.Errorf("%q", f)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	c, d := connect(t, script(t))
	good := connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}
	change := connector.Change{Field: "3", Data: raw(`"a"`)}
	for name, x := range map[string]struct {
		r       connector.Record
		changes []connector.Change
	}{
		"no change":         {good, nil},
		"no version":        {connector.Record{Kind: Matter, ID: "7"}, []connector.Change{change}},
		"every version":     {connector.Record{Kind: Matter, ID: "7", Version: "*"}, []connector.Change{change}},
		"a header":          {connector.Record{Kind: Matter, ID: "7", Version: "\"a\"\r\nX: \"b\""}, []connector.Change{change}},
		"twice":             {good, []connector.Change{change, change}},
		"not JSON":          {good, []connector.Change{{Field: "3", Data: raw(`a`)}}},
		"two values":        {good, []connector.Change{{Field: "3", Data: raw(`1,2`)}}},
		"odd id":            {good, []connector.Change{{Field: "3", ID: `a"`, Data: raw(`1`)}}},
		"remove nothing":    {good, []connector.Change{{Field: "3", Remove: true}}},
		"remove and a data": {good, []connector.Change{{Field: "3", ID: "a", Remove: true, Data: raw(`1`)}}},
	} {
		if _, err := c.Write(t.Context(), x.r, x.changes); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			is(t, err, connector.ErrRefused)
		}
	}
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
