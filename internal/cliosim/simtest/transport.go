package simtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Transport is a transport over next, or [http.DefaultTransport] where it is
// nil, that validates what passes: the query, the body and the answer of every
// request to /api/v4. What is found fails the test, and the request goes on.
func (d *Description) Transport(t testing.TB, next http.RoundTripper) *Transport {
	t.Helper()
	if next == nil {
		next = http.DefaultTransport
	}
	return &Transport{t: t, d: d, next: next, covered: map[string]int{}}
}

// Transport validates requests and answers.
type Transport struct {
	t    testing.TB
	d    *Description
	next http.RoundTripper

	mu      sync.Mutex
	covered map[string]int
	lenient bool
}

// Lenient stops or starts validating requests, for tests of what the server
// does with bad ones. Answers are validated all the same.
func (v *Transport) Lenient(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lenient = on
}

// Covered are the validated exchanges by "GET /matters/{id}.json 200".
func (v *Transport) Covered() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	covered := map[string]int{}
	for name, n := range v.covered {
		covered[name] = n
	}
	return covered
}

// RoundTrip performs the request.
func (v *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	path, ours := strings.CutPrefix(r.URL.Path, "/api/v4")
	if !ours {
		return v.next.RoundTrip(r)
	}
	pattern, operation := v.d.operation(path, r.Method)
	v.mu.Lock()
	lenient := v.lenient
	v.mu.Unlock()
	if !lenient {
		if err := checkRequest(operation, r); err != nil {
			v.t.Errorf("request %s %s: %v", r.Method, r.URL.RequestURI(), err)
		}
	}
	answer, err := v.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	body, failed := io.ReadAll(answer.Body)
	if err := answer.Body.Close(); err != nil && failed == nil {
		failed = err
	}
	answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{failed}))
	if failed != nil {
		return answer, nil //nolint:nilerr // the client finds out when it reads
	}
	if err := v.d.checkAnswer(operation, answer, body); err != nil {
		v.t.Errorf("answer %d to %s %s: %v\n%.2000s", answer.StatusCode, r.Method, r.URL.RequestURI(), err, body)
	}
	v.mu.Lock()
	v.covered[fmt.Sprintf("%s %s %d", r.Method, pattern, answer.StatusCode)]++
	v.mu.Unlock()
	return answer, nil
}

// failing ends a body as the connection did.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// operation finds what is described for a path below /api/v4.
func (d *Description) operation(path, method string) (string, *openapi3.Operation) {
	parts := strings.Split(strings.TrimSuffix(path, ".json")+".json", "/")
	for _, pattern := range d.doc.Paths.InMatchingOrder() {
		of := strings.Split(pattern, "/")
		if len(of) == len(parts) && slices.EqualFunc(of, parts, segment) {
			return pattern, d.doc.Paths.Value(pattern).GetOperation(method)
		}
	}
	return path, nil
}

func segment(pattern, part string) bool {
	if !strings.HasPrefix(pattern, "{") {
		return pattern == part
	}
	_, err := strconv.ParseInt(strings.TrimSuffix(part, ".json"), 10, 64)
	return err == nil && strings.HasSuffix(pattern, ".json") == strings.HasSuffix(part, ".json")
}

func checkRequest(op *openapi3.Operation, r *http.Request) error {
	if op == nil {
		return errors.New("not described")
	}
	var errs []error
	for name, values := range r.URL.Query() {
		errs = append(errs, checkParameter(op, name, values))
	}
	if op.RequestBody == nil {
		if r.Body != nil && r.ContentLength != 0 {
			errs = append(errs, errors.New("no body is described"))
		}
		return errors.Join(errs...)
	}
	if r.GetBody == nil {
		return errors.Join(append(errs, errors.New("no body, or one that cannot be read twice"))...)
	}
	body, err := r.GetBody()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); got != "application/json" {
		errs = append(errs, fmt.Errorf("content type %q", got))
	}
	schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
	return errors.Join(append(errs, visit(schema, text))...)
}

// checkParameter checks the values of one parameter of a query.
func checkParameter(op *openapi3.Operation, name string, values []string) error {
	if name == "offset" { // described in prose only
		name = "limit"
	}
	p := op.Parameters.GetByInAndName("query", name)
	if p == nil {
		return fmt.Errorf("parameter %s is not described", name)
	}
	if len(values) > 1 && !strings.HasSuffix(name, "[]") {
		return fmt.Errorf("parameter %s is there %d times", name, len(values))
	}
	schema := p.Schema.Value
	if name == "status" { // "It accepts comma-separated statuses", says the prose
		values = strings.Split(values[0], ",")
	}
	for _, text := range values {
		if err := schema.VisitJSON(typed(schema, text)); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return nil
}

// typed is the text of a query as its schema's type.
func typed(schema *openapi3.Schema, text string) any {
	switch {
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case schema.Type.Is("boolean"):
		if is, err := strconv.ParseBool(text); err == nil {
			return is
		}
	}
	return text
}

// visit validates JSON.
func visit(schema *openapi3.Schema, text []byte) error {
	var data any
	if err := json.Unmarshal(text, &data); err != nil {
		return err
	}
	return schema.VisitJSON(data, openapi3.MultiErrors())
}

func (d *Description) checkAnswer(op *openapi3.Operation, answer *http.Response, body []byte) error {
	status := answer.StatusCode
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if _, err := strconv.ParseInt(answer.Header.Get(name), 10, 64); err != nil && status < 500 {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		if len(body) != 0 {
			return errors.New("a body")
		}
		return nil
	}
	if status >= 500 {
		return nil // gateways answer what they like
	}
	if got := answer.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		return fmt.Errorf("content type %q", got)
	}
	if status >= 400 {
		return d.checkError(status, body)
	}
	if op == nil || op.Responses.Status(status) == nil {
		return errors.New("not described")
	}
	media := op.Responses.Status(status).Value.Content.Get("application/json; charset=utf-8")
	if media == nil {
		return errors.New("no body is described")
	}
	if err := visit(media.Schema.Value, body); err != nil {
		return err
	}
	return checkMeta(body)
}

// checkError accepts the shape of the API and, where it is about the token,
// that of the authorization server (RFC 6750).
func (d *Description) checkError(status int, body []byte) error {
	if status != http.StatusUnauthorized {
		return visit(d.doc.Components.Schemas["Error"].Value, body)
	}
	var flat struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &flat); err != nil {
		return err
	}
	if flat.Error == "" || flat.Description == "" {
		return errors.New("not the error of an authorization server")
	}
	return nil
}

// checkMeta checks what goes with a list.
func checkMeta(body []byte) error {
	var list struct {
		Data json.RawMessage `json:"data"`
		Meta *struct {
			Paging  map[string]string `json:"paging"`
			Records *int              `json:"records"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	if !bytes.HasPrefix(list.Data, []byte("[")) {
		if list.Meta != nil || !bytes.HasPrefix(list.Data, []byte("{")) {
			return errors.New("neither a record nor a list")
		}
		return nil
	}
	if list.Meta == nil || list.Meta.Paging == nil || list.Meta.Records == nil {
		return errors.New("a list without its meta")
	}
	for name, link := range list.Meta.Paging {
		if u, err := url.Parse(link); err != nil || !u.IsAbs() || name != "next" && name != "previous" {
			return fmt.Errorf("paging: %s %q", name, link)
		}
	}
	return nil
}
