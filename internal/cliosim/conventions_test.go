package cliosim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/cliosim"
)

func TestFieldsSyntax(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.transport.Lenient(true)
	for _, c := range []struct {
		path, fields string
		status       int
		want         string // in the body
	}{
		{matter, "", 200, `{"data":{"etag":"\"`},
		{matter, "id", 200, `{"data":{"id":20000001}}`},
		{matter, "id,description", 200, `"description":`},
		{matter, "id, description", 200, `"description":`},
		{matter, "client", 200, `"client":{"etag":"`},
		{matter, "client{id,name}", 200, `"name":`},
		{matter, "matter_stage{id,name}", 200, `"matter_stage":null`},
		{matter, "account_balances", 200, `"account_balances":[]`},
		{matter, "nonsense", 400, "nonsense is not a valid field"},
		{matter, "client{nonsense}", 400, "nonsense is not a valid field"},
		{matter, "id{x}", 400, "id is not a valid field"},
		{matter, "custom_field_values{custom_field{id}}", 400, "one level"},
		{matter, "client{id", 400, "not closed"},
		{matter, "client{id}}", 400, "unexpected"},
		{matter, "client{id}id", 400, "unexpected"},
		{matter, "id,", 400, "unexpected"},
		{matter, ",id", 400, "is not a valid field"},
		{"/api/v4/matters", "id,client{id}", 200, `"client":{"id":`},
		{"/api/v4/matters", "nonsense", 400, "nonsense is not a valid field"},
		{matter + "/client", "id,name", 200, `"name":`},
	} {
		got := w.do("GET", c.path+"?fields="+strings.ReplaceAll(c.fields, " ", "%20"), "")
		if got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s fields=%s: status %d: %.200s", c.path, c.fields, got.status, got.body)
		}
	}
	got := w.want(200, w.do("PATCH", matter+"?fields=id,location", `{"data":{"location":"Haarlem"}}`))
	if got.body != `{"data":{"id":20000001,"location":"Haarlem"}}` {
		t.Error(got.body)
	}
	got = w.want(200, w.do("PATCH", matter, `{"data":{"location":"Delft"}}`))
	if got.get("data", "location") != nil || got.get("data", "etag") == nil {
		t.Error(got.body)
	}
	got = w.want(201, w.do("POST", "/api/v4/groups?fields=name,type", `{"data":{"name":"Few"}}`))
	if got.body != `{"data":{"name":"Few","type":"AdhocGroup"}}` {
		t.Error(got.body)
	}
}

// ids collects the ids of all pages, and how many pages there were.
func (w *world) ids(path, way string) (ids []string, pages int) {
	w.t.Helper()
	for path != "" {
		got := w.want(200, w.do("GET", path, ""))
		list, _ := got.get("data").([]any)
		for i := range list {
			ids = append(ids, got.text("data", fmt.Sprint(i), "id"))
		}
		pages++
		next, _ := got.get("meta", "paging", way).(string)
		path = strings.TrimPrefix(next, w.server.URL)
	}
	return ids, pages
}

func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := make([]string, 20)
	for i := range want {
		want[i] = fmt.Sprint(10_000_001 + i)
	}
	for _, c := range []struct {
		query string
		pages int
		way   string // of the links
	}{
		{"limit=7&order=id(asc)", 3, "page_token"},
		{"limit=20&order=id(asc)", 1, ""},
		{"limit=7", 3, "offset"},
		{"limit=1&offset=0&order=id(asc)", 20, "offset"},
		{"", 1, ""},
	} {
		first := w.want(200, w.do("GET", "/api/v4/contacts.json?fields=id&"+c.query, ""))
		link := first.text("meta", "paging", "next")
		if c.way != "" && (!strings.Contains(link, c.way+"=") || !strings.Contains(link, "fields=id")) {
			t.Errorf("%s: next is %s", c.query, link)
		}
		if _, ok := first.get("meta", "paging").(map[string]any)["previous"]; ok || first.text("meta", "records") != "20" {
			t.Errorf("%s: %v", c.query, first.get("meta"))
		}
		got, pages := w.ids("/api/v4/contacts.json?fields=id&"+c.query, "next")
		if !slices.Equal(got, want) || pages != c.pages {
			t.Errorf("%s: %d pages: %v", c.query, pages, got)
		}
	}
	// A record made meanwhile does not move what a cursor points at.
	path := "/api/v4/contacts.json?fields=id&limit=19&order=id(asc)"
	next := strings.TrimPrefix(w.do("GET", path, "").text("meta", "paging", "next"), w.server.URL)
	made := w.fresh("contacts")
	if got, _ := w.ids(next, "next"); !slices.Equal(got, []string{want[19], made[len("/api/v4/contacts/"):]}) {
		t.Errorf("after a new record: %v", got)
	}
	// Back from the end.
	last := w.want(200, w.do("GET", next, ""))
	back, _ := w.ids(strings.TrimPrefix(last.text("meta", "paging", "previous"), w.server.URL), "previous")
	if !slices.Equal(back, want[:19]) {
		t.Errorf("back: %v", back)
	}

	w.transport.Lenient(true)
	for _, bad := range []string{"limit=0", "limit=201", "limit=x", "offset=-1", "offset=10000", "offset=x", "order=nonsense(asc)", "order=id", "page_token=x&order=id(asc)", "page_token=e30", "order=client(asc)", "nonsense=1"} {
		w.want(400, w.do("GET", "/api/v4/contacts?"+bad, ""))
	}
}

// TestOffsetStops: paging by offset ends at the cap, by cursor it does not.
func TestOffsetStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.Settings.OffsetCap = 10 })
	if got, _ := w.ids("/api/v4/contacts?fields=id&limit=4", "next"); len(got) != 10 {
		t.Errorf("by offset: %d records", len(got))
	}
	w.want(400, w.do("GET", "/api/v4/contacts?offset=10", ""))
	if got, _ := w.ids("/api/v4/contacts?fields=id&limit=4&order=id(asc)", "next"); len(got) != 20 {
		t.Errorf("by cursor: %d records", len(got))
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func(path string) string {
		return w.want(200, w.do("GET", "/api/v4/"+path, "")).text("meta", "records")
	}
	w.clock.add(time.Hour)
	since := w.clock.now().Format(time.RFC3339)
	if got := count("contacts?updated_since=" + since); got != "0" {
		t.Errorf("%s contacts since now", got)
	}
	w.want(200, w.do("PATCH", contact, `{"data":{"title":"Dr"}}`))
	made := w.fresh("contacts")
	for path, want := range map[string]string{
		"contacts?updated_since=" + since:         "2",
		"contacts?created_since=" + since:         "1",
		"contacts?ids[]=10000001&ids[]=10000003":  "2",
		"contacts?ids[]=20000001":                 "0",
		"contacts?query=fRe":                      "1",
		"contacts?query=%25":                      "0",
		"custom_fields":                           "12",
		"custom_fields?parent_type=matter":        "6",
		"custom_fields?field_type=picklist":       "1",
		"custom_fields?deleted=true":              "0",
		"custom_fields?visible_and_required=true": "2",
		"custom_fields?query=SSN":                 "1",
		"custom_field_sets?parent_type=Matter":    "1",
		"custom_field_sets?displayed=true":        "1",
		"users":                                   "5",
		"users?enabled=true":                      "4",
		"users?role=admin":                        "1",
		"users?role=billing":                      "1",
		"groups?type=AccountGroup":                "1",
		"notes?type=Matter":                       "3",
		"notes?type=Contact":                      "0",
		"activities?user_id=300001":               "3",
		"matters?status=open,pending,closed":      "12",
		"matters?client_id=1":                     "0",
		"matters?order=created_at(desc)&limit=3":  "12",
	} {
		if got := count(path); got != want {
			t.Errorf("%s: %s records, want %s", path, got, want)
		}
	}
	w.want(204, w.do("DELETE", made, ""))
	w.want(404, w.do("GET", made, ""))
	w.transport.Lenient(true)
	for _, bad := range []string{"contacts?ids[]=x", "contacts?created_since=yesterday", "users?enabled=x", "notes", "matters?client_id=x", "matters?practice_area_id=1"} {
		w.want(400, w.do("GET", "/api/v4/"+bad, ""))
	}
}

// TestSearchLags: what is new is missing from searches, and from them alone.
func TestSearchLags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.Settings.SearchLag = cliosim.Duration(time.Minute) })
	found := func(kind string) string {
		return w.want(200, w.do("GET", "/api/v4/"+kind+"?query=Fresh", "")).text("meta", "records")
	}
	for i, kind := range []string{"contacts", "matters"} {
		path := w.fresh(kind)
		if got := found(kind); got != "0" {
			t.Errorf("%s: found at once", kind)
		}
		w.want(200, w.do("GET", path, ""))
		if i == 0 {
			w.clock.add(time.Minute)
		} else {
			w.noError(w.sim.Index(t.Context()))
		}
		if got := found(kind); got != "1" {
			t.Errorf("%s: still missing", kind)
		}
	}
}

func TestETags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.want(200, w.do("GET", matter, ""))
	tag := got.header.Get("ETag")
	if got.get("data", "etag") != tag || !strings.HasPrefix(tag, `"`) {
		t.Errorf("header %s, attribute %v", tag, got.get("data", "etag"))
	}
	if r := w.want(304, w.do("GET", matter, "", "If-None-Match", tag)); r.body != "" || r.header.Get("ETag") != tag {
		t.Errorf("304: %q", r.body)
	}
	w.want(200, w.do("GET", matter, "", "If-None-Match", `"other"`))
	changed := w.want(200, w.do("PATCH", matter, `{"data":{"location":"A"}}`, "If-Match", tag))
	if changed.header.Get("ETag") == tag || changed.get("data", "etag") != changed.header.Get("ETag") {
		t.Errorf("the etag stays %s", tag)
	}
	w.want(412, w.do("PATCH", matter, `{"data":{"location":"B"}}`, "If-Match", tag))
	if r := w.do("GET", matter+"?fields=location", ""); r.text("data", "location") != "A" {
		t.Error(r.body)
	}
	w.want(200, w.do("GET", matter, "", "If-None-Match", tag))
	w.want(200, w.do("PATCH", matter, `{"data":{"location":"C"}}`, "If-Match", "*"))

	// A value of a custom field is a part of its record.
	tag = w.do("GET", matter, "").header.Get("ETag")
	path := w.fresh("contacts")
	before := w.do("GET", path, "").header.Get("ETag")
	w.want(200, w.do("PATCH", path, write(fmt.Sprintf(`{"custom_field":{"id":%d},"value":"1"}`, w.firm.Fields["SSN"])), "If-Match", before))
	w.want(412, w.do("PATCH", path, `{"data":{"title":"Dr"}}`, "If-Match", before))
	w.want(304, w.do("GET", matter, "", "If-None-Match", tag)) // of other records nothing changed

	// What a person does changes it as well.
	_, etag, err := w.sim.Person(t.Context(), "bob@harbor.example", "PATCH", "/matters/20000001?fields=etag", map[string]any{"location": "D"})
	w.noError(err)
	if etag == tag {
		t.Error("a person's change keeps the etag")
	}
	w.want(412, w.do("PATCH", matter, `{"data":{"location":"E"}}`, "If-Match", tag))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.transport.Lenient(true)
	for _, c := range []struct {
		method, path, body string
		status             int
		kind               string
	}{
		{"GET", "/matters/1", "", 404, "RecordNotFoundError"},
		{"GET", "/nonsense", "", 404, "RecordNotFoundError"},
		{"GET", "/matters/x", "", 404, "RecordNotFoundError"},
		{"POST", "/users", `{"data":{}}`, 404, "RecordNotFoundError"},
		{"PATCH", "/matters/1", `{"data":{}}`, 404, "RecordNotFoundError"},
		{"PATCH", "/matters/20000001", `{"data":`, 400, "BadRequestError"},
		{"PATCH", "/matters/20000001", `{"data":{}} {}`, 400, "BadRequestError"},
		{"PATCH", "/matters/20000001", `{}`, 400, "BadRequestError"},
		{"PATCH", "/matters/20000001", `{"data":{"nonsense":1}}`, 400, "BadRequestError"},
		{"PATCH", "/matters/20000001", `{"data":{"description":1}}`, 422, "ArgumentError"},
		{"PATCH", "/matters/20000001", `{"data":{"status":"lost"}}`, 422, "ArgumentError"},
		{"PATCH", "/matters/20000001", `{"data":{"open_date":"soon"}}`, 422, "ArgumentError"},
		{"PATCH", "/matters/20000001", `{"data":{"client":{"id":1}}}`, 422, "ArgumentError"},
		{"POST", "/matters", `{"data":{"description":"No client"}}`, 422, "ArgumentError"},
		{"POST", "/contacts", `{"data":{"type":"Person"}}`, 422, "ArgumentError"},
		{"POST", "/custom_fields", `{"data":{"name":"A","parent_type":"Matter","field_type":"text_line"}}`, 422, "ArgumentError"},
	} {
		got := w.want(c.status, w.do(c.method, "/api/v4"+c.path, c.body))
		if got.text("error", "type") != c.kind || got.get("error", "message") == nil {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, got.body)
		}
	}
	w.want(400, w.do("PATCH", matter, `{"data":{}}`, "Content-Type", "text/plain"))
	w.setting(func(s *cliosim.Settings) { s.RetiredVersions = []string{"4.0.1"} })
	w.want(410, w.do("GET", matter, "", "X-API-VERSION", "4.0.1"))
	w.want(200, w.do("GET", matter, "", "X-API-VERSION", "4.0.2"))
	if got := w.do("PATCH", matter, `{"data":{"location":"`+strings.Repeat("a", 5<<20)+`"}}`); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("5 MiB: status %d", got.status)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.Settings = cliosim.Settings{} })
	w.clock.add(15 * time.Second)
	reset := fmt.Sprint(w.clock.now().Add(45 * time.Second).Unix())
	get := func(token string) reply {
		return w.do("GET", "/api/v4/users/who_am_i", "", "Authorization", "Bearer "+token)
	}
	for i := range 50 {
		r := w.want(200, get(w.token))
		h := r.header
		if h.Get("X-RateLimit-Limit") != "50" || h.Get("X-RateLimit-Remaining") != fmt.Sprint(49-i) || h.Get("X-RateLimit-Reset") != reset {
			t.Fatalf("request %d: %v", i, h)
		}
	}
	limited := w.want(429, get(w.token))
	if h := limited.header; h.Get("Retry-After") != "45" || h.Get("X-RateLimit-Remaining") != "0" || limited.get("error", "type") == nil {
		t.Errorf("%v %s", h, limited.body)
	}
	w.clock.add(44500 * time.Millisecond)
	if h := w.want(429, get(w.token)).header; h.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %s", h.Get("Retry-After"))
	}
	tokens, err := w.sim.Issue(t.Context(), "bob@harbor.example", w.firm.App)
	w.noError(err)
	w.want(200, get(tokens.Access)) // each token has its own
	if h := get("x").header; h.Get("X-RateLimit-Remaining") != "50" {
		t.Errorf("without a token: %v", h)
	}
	w.clock.add(500 * time.Millisecond)
	w.want(200, get(w.token))
	if got := w.sim.Counters(); got.Limited != 2 || got.Requests["GET /api/v4/users/who_am_i"][200] != 52 {
		t.Errorf("%+v", got)
	}

	w.setting(func(s *cliosim.Settings) { s.RateLimit, s.Window = 2, cliosim.Duration(1500*time.Millisecond) })
	w.want(200, get(w.token))
	w.want(200, get(w.token))
	w.want(429, get(w.token))
}
