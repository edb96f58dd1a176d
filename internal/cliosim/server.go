package cliosim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds what a request may carry.
const maxBody = 4 << 20

// server answers the requests of one region.
type server struct {
	sim    *Sim
	region string
}

// answer is a whole answer. It is made before anything is sent, so that all
// writes are on the disk by then and a fault can change it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, data any) (*answer, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	a := &answer{status: status, header: http.Header{}, body: body}
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	return a, nil
}

// failure is the answer to an error.
func failure(err error) *answer {
	var known *apiError
	if !errors.As(err, &known) {
		known = &apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: err.Error()}
	}
	a, err := jsonAnswer(known.status, known.body())
	if err != nil {
		a = &answer{status: http.StatusInternalServerError, header: http.Header{}}
	}
	if known.status == http.StatusUnauthorized && known.flat {
		a.header.Set("WWW-Authenticate", `Bearer error="`+known.kind+`"`)
	}
	return a
}

// ServeHTTP lets the faults that are due happen around the answer.
func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		a := failure(&apiError{status: http.StatusRequestEntityTooLarge, kind: "BadRequestError", message: "the request is too long"})
		v.sim.spend("", a.header)
		v.sim.count(r, a.status)
		v.send(w, r, a, nil)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		v.send(w, r, v.sim.admin(r, body), nil)
		return
	}
	if due := v.sim.due(r); due != nil {
		v.fail(w, r, body, due)
		return
	}
	a := v.answer(r, body)
	v.sim.count(r, a.status)
	v.send(w, r, a, nil)
}

func (v *server) answer(r *http.Request, body []byte) *answer {
	if path, ok := strings.CutPrefix(r.URL.Path, "/api/v4/"); ok {
		return v.api(r, "/"+strings.TrimSuffix(path, ".json"), body)
	}
	if strings.HasPrefix(r.URL.Path, "/oauth/") {
		a, err := v.sim.oauth(r, body, v.region)
		if err != nil {
			return failure(err)
		}
		return a
	}
	return failure(notFound("The page"))
}

// send writes the answer. Slowly is how its body is written, at once where nil.
func (v *server) send(w http.ResponseWriter, r *http.Request, a *answer, slowly func(http.ResponseWriter, []byte)) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Date") == "" {
		h.Set("Date", v.sim.now().Format(http.TimeFormat))
	}
	for name, values := range a.header {
		h[name] = values
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead || len(a.body) == 0 {
		return
	}
	if slowly != nil {
		slowly(w, a.body)
		return
	}
	_ = write(w, a.body) // a client that left needs no answer
}

// write sends JSON, or a page that html/template made.
func write(w io.Writer, body []byte) error {
	_, err := w.Write(body)
	return err
}

// api answers a request to the API: who asks, whether they may yet, what.
func (v *server) api(r *http.Request, path string, body []byte) *answer {
	s := v.sim
	rates := http.Header{}
	var c *caller
	err := s.within(r.Context(), false, func(t *tx) (err error) {
		c, err = t.bearer(r, v.region)
		return err
	})
	if err != nil {
		s.spend("", rates)
		return withHeader(failure(err), rates)
	}
	if !s.spend(c.token, rates) {
		limited := &apiError{status: http.StatusTooManyRequests, kind: "RateLimited", message: "Rate limit exceeded"}
		return withHeader(failure(limited), rates)
	}
	q := r.URL.Query()
	a, err := s.perform(r.Context(), c, request{
		method: r.Method, path: path, query: q, header: r.Header, body: body, base: base(r),
	})
	if err != nil {
		return withHeader(failure(err), rates)
	}
	return withHeader(a, rates)
}

// base is the address that links to further pages start with.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + strings.TrimSuffix(r.URL.Path, ".json") + ".json"
}

func withHeader(a *answer, h http.Header) *answer {
	for name, values := range h {
		a.header[name] = values
	}
	return a
}

// caller is whoever asks.
type caller struct {
	user  *record
	token string
	lacks Permissions
}

// request is a request to the API, over HTTP or by a person.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
	base         string
}

// kinds are the resources by the first part of their path.
var kinds = map[string]*kind{
	"custom_fields": {
		name: "custom_field", schema: "CustomField", first: 500_001, search: []string{"$.name"}, admin: true,
		filters: map[string]string{"field_type": "text $.field_type", "parent_type": "title $.parent_type"},
	},
	"custom_field_sets": {
		name: "custom_field_set", schema: "CustomFieldSet", first: 600_001, search: []string{"$.name"}, admin: true,
		filters: map[string]string{"parent_type": "title $.parent_type", "displayed": "bool $.displayed"},
	},
	"matters": {
		name: "matter", schema: "Matter", first: 20_000_001, parent: "Matter",
		search: []string{"$.display_number", "$.description", "$.number"},
		filters: map[string]string{
			"client_id": "int $.client.id", "responsible_attorney_id": "int $.responsible_attorney.id",
			"originating_attorney_id": "int $.originating_attorney.id", "billable": "bool $.billable", "group_id": "int $.group.id",
		},
	},
	"contacts": {
		name: "contact", schema: "Contact", first: 10_000_001, parent: "Contact",
		search:  []string{"$.name", "$.title"},
		filters: map[string]string{"type": "text $.type", "client_only": "bool $.is_client"},
	},
	"users": {
		name: "user", schema: "User", first: 300_001, search: []string{"$.name"},
		filters: map[string]string{"enabled": "bool $.enabled", "subscription_type": "text $.subscription_type", "name": "text $.name"},
	},
	"groups": {
		name: "group", schema: "Group", first: 400_001, search: []string{"$.name"},
		filters: map[string]string{"name": "text $.name", "type": "text $.type"},
	},
	"notes": {
		name: "note", schema: "Note", first: 30_000_001, search: []string{"$.subject", "$.detail"},
		filters: map[string]string{"type": "text $.type", "matter_id": "int $.matter.id", "contact_id": "int $.contact.id"},
	},
	"activities": {
		name: "activity", schema: "Activity", first: 40_000_001, search: []string{"$.note"},
		filters: map[string]string{"type": "text $.type", "matter_id": "int $.matter.id", "user_id": "int $.user.id"},
	},
}

// kind is one kind of record.
type kind struct {
	// name in the table of records; schema of its answers.
	name, schema string
	// first id that is given; kinds share no ids, so that a mistaken one shows.
	first int64
	// parent is the parent_type of the custom fields whose values it holds.
	parent string
	// search is what query looks through; filters maps parameters to the type
	// and place of what they compare with.
	search  []string
	filters map[string]string
	// admin: what describes all records, which not everybody may change.
	admin bool
}

// perform answers a request of somebody known.
func (s *Sim) perform(ctx context.Context, c *caller, q request) (*answer, error) {
	parts := strings.Split(strings.Trim(q.path, "/"), "/")
	k := kinds[parts[0]]
	if k == nil {
		return nil, notFound("The page")
	}
	for _, retired := range s.Settings().RetiredVersions {
		if retired == q.header.Get("X-API-VERSION") {
			return nil, &apiError{status: http.StatusGone, kind: "GoneError", message: "This version of the API is retired"}
		}
	}
	pattern, id := "/"+parts[0], int64(0)
	if len(parts) > 1 && parts[1] != "who_am_i" {
		if id = number(parts[1]); id <= 0 {
			return nil, notFound("The record")
		}
		pattern += "/{id}"
	} else if len(parts) > 1 {
		pattern += "/who_am_i"
	}
	if len(parts) > 2 {
		pattern = "/" + parts[0] + "/{matter_id}/" + strings.Join(parts[2:], "/")
	}
	op, ok := s.shapes.Operations[q.method+" "+pattern]
	if !ok {
		return nil, notFound("The page")
	}
	if err := c.may(k, q.method); err != nil {
		return nil, err
	}
	if err := knownParams(op, q.query); err != nil {
		return nil, err
	}
	if pattern == "/users/who_am_i" {
		id = c.user.id
	}
	var a *answer
	err := s.within(ctx, q.method != http.MethodGet, func(t *tx) (err error) {
		w := &work{tx: t, c: c, k: k, op: op, q: q, id: id}
		switch {
		case len(parts) > 2:
			a, err = w.related(parts[2])
		case q.method == http.MethodGet && id == 0:
			a, err = w.list()
		case q.method == http.MethodGet:
			a, err = w.show()
		case q.method == http.MethodPost:
			a, err = w.create()
		case q.method == http.MethodPatch:
			a, err = w.update()
		default:
			a, err = w.destroy()
		}
		return err
	})
	return a, err
}

// may tells whether the caller may do this to records of this kind.
func (c *caller) may(k *kind, method string) error {
	writing := method != http.MethodGet
	if k.admin && (c.lacks.NoDefinitions || writing && c.lacks.NoFieldAdmin) || writing && c.lacks.ReadOnly {
		return forbidden()
	}
	return nil
}

// knownParams refuses what would otherwise be left out without a word.
func knownParams(op operation, q url.Values) error {
	known := map[string]bool{"offset": true}
	for _, name := range op.Params {
		known[name] = true
	}
	for name := range q {
		if !known[name] {
			return badRequest("%s is not a parameter of this request", name)
		}
	}
	return nil
}

// work is one request under way.
type work struct {
	*tx
	c  *caller
	k  *kind
	op operation
	q  request
	id int64
}

// data is the body's data.
func (w *work) data() (map[string]any, error) {
	media, _, err := mime.ParseMediaType(w.q.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, badRequest("the body is not JSON by its content type")
	}
	var body struct {
		Data map[string]any `json:"data"`
	}
	if err := decode(w.q.body, &body); err != nil {
		return nil, badRequest("the body cannot be read as JSON")
	}
	if body.Data == nil {
		return nil, badRequest("data is missing")
	}
	return body.Data, nil
}
