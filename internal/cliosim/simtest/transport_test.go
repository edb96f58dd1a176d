package simtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim/simtest"
)

// recorder is a test that counts its faults.
type recorder struct {
	testing.TB
	found []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.found = append(r.found, fmt.Sprintf(format, args...))
}

// answers is a server.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func answer(status int, body string, headers ...string) answers {
	return func(*http.Request) (*http.Response, error) {
		a := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			a.Header.Set(name, "1")
		}
		a.Header.Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i+1 < len(headers); i += 2 {
			a.Header.Set(headers[i], headers[i+1])
		}
		return a, nil
	}
}

// TestValidatorBites shows for each rule something that breaks it, beside the
// same that does not.
func TestValidatorBites(t *testing.T) {
	t.Parallel()
	d := simtest.Load(t)
	const (
		empty = `{"data":[],"meta":{"paging":{},"records":0}}`
		one   = `{"data":{"id":1,"etag":"\"a\""}}`
		list  = "GET /matters.json"
		show  = "GET /matters/1.json"
		patch = "PATCH /matters/1.json"
	)
	value := func(element string) string { return `{"data":{"custom_field_values":[` + element + `]}}` }
	values := func(element string) string { return `{"data":{"id":1,"custom_field_values":[` + element + `]}}` }
	for _, c := range []struct {
		request, body string
		server        answers
		ok            bool
	}{
		// Requests.
		{list, "", answer(200, empty), true},
		{"GET /matters?limit=200&offset=3&ids[]=1&ids[]=2&status=open,closed&order=id(asc)&billable=true", "", answer(200, empty), true},
		{"GET /nonsense", "", answer(200, empty), false},
		{"GET /matters/x", "", answer(200, one), false},
		{"GET /matters?nonsense=1", "", answer(200, empty), false},
		{"GET /matters?limit=x", "", answer(200, empty), false},
		{"GET /matters?limit=1&limit=2", "", answer(200, empty), false},
		{"GET /matters?order=up", "", answer(200, empty), false},
		{"GET /matters?billable=perhaps", "", answer(200, empty), false},
		{"GET /matters?status=open,lost", "", answer(200, empty), false},
		{list, "{}", answer(200, empty), false},
		{patch, `{"data":{"location":"A"}}`, answer(200, one), true},
		{patch, `{"data":{"location":null}}`, answer(200, one), true},
		{patch, `{"data":{"locaton":"A"}}`, answer(200, one), false},
		{patch, `{"data":{"location":1}}`, answer(200, one), false},
		{patch, `{"data":null}`, answer(200, one), false},
		{patch, `{"location":"A"}`, answer(200, one), false},
		{patch, `{"data":`, answer(200, one), false},
		{patch, "", answer(200, one), false},
		{patch, value(`{"id":"text_line-1","value":"x"}`), answer(200, one), true},
		{patch, value(`{"id":"checkbox-1","value":true}`), answer(200, one), true},
		{patch, value(`{"id":"text_line-1","_destroy":true}`), answer(200, one), true},
		{patch, value(`{"custom_field":{"id":1},"value":null}`), answer(200, one), true},
		{patch, value(`{"id":1,"value":"x"}`), answer(200, one), false},
		{patch, value(`{"id":"text_line-1","val":"x"}`), answer(200, one), false},
		{"POST /custom_fields.json", `{"data":{"name":"A","parent_type":"Matter","field_type":"text_line","display_order":1}}`, answer(201, one), true},
		{"POST /custom_fields.json", `{"data":{"name":"A","parent_type":"Matter","field_type":"text_line"}}`, answer(201, one), false},
		{"POST /custom_fields.json", `{"data":{"name":"A","parent_type":"matter","field_type":"text_line","display_order":1}}`, answer(201, one), false},

		// Answers.
		{show, "", answer(200, one), true},
		{show, "", answer(200, one, "Content-Type", "text/html"), false},
		{show, "", answer(200, one, "X-RateLimit-Reset", ""), false},
		{show, "", answer(200, `{"data":{"id":"1"}}`), false},
		{show, "", answer(200, `{"data":{"nonsense":1}}`), false},
		{show, "", answer(200, `{"data":null}`), false},
		{show, "", answer(200, `[]`), false},
		{show, "", answer(200, `{`), false},
		{show, "", answer(202, one), false},
		{show, "", answer(200, values(`{"id":"text_line-1","value":"x","custom_field":{"id":1}}`)), true},
		{show, "", answer(200, values(`{"id":null,"value":null},{"id":"checkbox-2","value":true}`)), true},
		{show, "", answer(200, values(`{"id":1}`)), false},
		{list, "", answer(200, `{"data":[]}`), false},
		{list, "", answer(200, `{"data":[],"meta":{"paging":{}}}`), false},
		{list, "", answer(200, `{"data":[],"meta":{"paging":{"next":"/relative"},"records":0}}`), false},
		{show, "", answer(404, `{"error":{"type":"A","message":"B"}}`), true},
		{show, "", answer(404, `{"error":"A"}`), false},
		{show, "", answer(401, `{"error":"invalid_token","error_description":"B"}`), true},
		{show, "", answer(401, `{"error":"invalid_token"}`), false},
		{show, "", answer(401, `{"error":{"type":"A","message":"B"}}`), false},
		{show, "", answer(304, ""), true},
		{show, "", answer(304, one), false},
		{show, "", answer(503, "<html>", "Content-Type", "text/html"), true},
		{"DELETE /matters/1.json", "", answer(204, ""), true},
		{"DELETE /matters/1.json", "", answer(204, one), false},
	} {
		found := &recorder{TB: t}
		method, path, _ := strings.Cut(c.request, " ")
		var body io.Reader
		if c.body != "" {
			body = strings.NewReader(c.body)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://clio.example/api/v4"+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		v := d.Transport(found, c.server)
		a, err := v.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(a.Body); err != nil {
			t.Error(err)
		}
		_ = a.Body.Close()
		if (len(found.found) == 0) != c.ok {
			t.Errorf("%s %s: ok is %v: %.300q", c.request, c.body, c.ok, found.found)
		}
		if len(v.Covered()) != 1 {
			t.Errorf("%s: covered %v", c.request, v.Covered())
		}
	}
}

// TestPassesOn: what is not the API's, and what ends early, reaches the
// client as it is.
func TestPassesOn(t *testing.T) {
	t.Parallel()
	d := simtest.Load(t)
	broken := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{}))}, nil
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://clio.example/api/v4/matters", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Transport(t, answers(broken)).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(a.Body); string(text) != "{" || err == nil {
		t.Errorf("%q, %v", text, err)
	}
	_ = a.Body.Close()
	r.URL.Path = "/oauth/token"
	other, err := d.Transport(t, answer(http.StatusOK, "anything")).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Body.Close()
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
