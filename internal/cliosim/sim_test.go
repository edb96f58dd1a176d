package cliosim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/cliosim"
	"github.com/underseal/underseal/internal/cliosim/simtest"
)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a simulator with a server, a clock and a client that validates.
type world struct {
	t         *testing.T
	sim       *cliosim.Sim
	server    *httptest.Server
	clock     *clock
	firm      cliosim.Firm
	transport *simtest.Transport
	client    *http.Client
	token     string
}

// newWorld starts a simulator with a small firm and more requests a minute
// than any test makes.
func newWorld(t *testing.T, change ...func(*cliosim.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	cfg := cliosim.Config{
		Path: filepath.Join(t.TempDir(), "clio.db"), Now: w.clock.now,
		Settings: cliosim.Settings{RateLimit: 100_000}, Relaxed: true,
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.sim, err = cliosim.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.noError(w.sim.Close()) })
	w.firm, err = w.sim.Seed(t.Context(), cliosim.SeedOptions{Seed: 1, Matters: 12, Contacts: 20, Notes: 3, Activities: 3})
	w.noError(err)
	w.server = httptest.NewServer(w.sim.Handler())
	t.Cleanup(w.server.Close)
	w.transport = simtest.Load(t).Transport(t, nil)
	w.client = &http.Client{Transport: w.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	tokens, err := w.sim.Issue(t.Context(), w.firm.Users[0], w.firm.App)
	w.noError(err)
	w.token = tokens.Access
	return w
}

func (w *world) noError(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// do sends a request; body is a JSON text, headers are pairs.
func (w *world) do(method, path, body string, headers ...string) reply {
	w.t.Helper()
	got, err := w.try(w.t.Context(), method, path, body, headers...)
	w.noError(err)
	return got
}

func (w *world) try(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, w.server.URL+path, reader)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := w.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	got := reply{status: a.StatusCode, header: a.Header, body: string(text)}
	if err != nil {
		return got, err
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&got.json)
	}
	return got, err
}

// get walks into the JSON of a reply: names, and numbers as text for lists.
func (r reply) get(path ...string) any {
	var v any = r.json
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := 0
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) text(path ...string) string { return fmt.Sprint(r.get(path...)) }

// want fails the test unless the reply has this status.
func (w *world) want(status int, r reply) reply {
	w.t.Helper()
	if r.status != status {
		w.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

const (
	matter  = "/api/v4/matters/20000001"
	contact = "/api/v4/contacts/10000001"
)

// TestEveryOperation performs each described operation once, so that each
// answer was validated.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.Settings.LaxRequired = true })
	bodies := map[string][2]string{
		"custom_fields":     {`"name":"A","parent_type":"Matter","field_type":"text_line","display_order":1`, `"name":"B"`},
		"custom_field_sets": {`"name":"A"`, `"name":"B"`},
		"matters":           {`"description":"A","client":{"id":10000001}`, `"status":"closed"`},
		"contacts":          {`"type":"Person","first_name":"A","last_name":"B"`, `"last_name":"C"`},
		"groups":            {`"name":"A"`, `"name":"B"`},
		"notes":             {`"type":"Contact","contact":{"id":10000001},"subject":"A"`, `"subject":"B"`},
		"activities":        {`"type":"TimeEntry","date":"2026-01-01"`, `"note":"B"`},
	}
	for resource, body := range bodies {
		path := "/api/v4/" + resource
		made := w.want(201, w.do("POST", path+".json", `{"data":{`+body[0]+`}}`)).text("data", "id")
		one := path + "/" + made + ".json"
		w.want(200, w.do("PATCH", one, `{"data":{`+body[1]+`}}`))
		w.want(200, w.do("GET", one, ""))
		w.want(200, w.do("GET", map[bool]string{true: path + ".json?type=Contact", false: path + ".json"}[resource == "notes"], ""))
		w.want(204, w.do("DELETE", one, ""))
	}
	for _, path := range []string{"/users.json", "/users/300001.json", "/users/who_am_i.json"} {
		w.want(200, w.do("GET", "/api/v4"+path, ""))
	}
	for _, path := range []string{"/client", "/contacts", "/related_contacts"} {
		w.want(200, w.do("GET", matter+path+".json", ""))
	}
	done := w.transport.Covered()
	operations := simtest.Load(t).Operations("/custom_field", "/matters", "/contacts", "/users", "/groups", "/notes", "/activities")
	if len(operations) < 35 {
		t.Fatalf("only %d operations: %q", len(operations), operations)
	}
	for _, op := range operations {
		if done[op+" 200"]+done[op+" 201"]+done[op+" 204"] == 0 {
			t.Errorf("%s was not performed", op)
		}
	}
}

func TestAnswersAsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{
		"/matters.json", "/matters", matter[7:], "/contacts", contact[7:], "/custom_fields.json", "/custom_field_sets",
		"/users", "/users/who_am_i.json", "/groups", "/notes.json?type=Matter", "/activities",
		matter[7:] + "/client", matter[7:] + "/contacts", matter[7:] + "/related_contacts.json",
	} {
		w.want(200, w.do("GET", "/api/v4"+path, ""))
	}
	got := w.want(200, w.do("GET", "/api/v4/users/who_am_i?fields=id,name,email,roles,account{id,name}", ""))
	if got.text("data", "email") != "alice@harbor.example" || got.text("data", "account", "name") != "Harbor & Partners" {
		t.Error(got.body)
	}
	got = w.want(200, w.do("GET", "/api/v4/matters?fields=id,etag,client{name,type},custom_field_values{id,field_name,field_type,value,custom_field,picklist_option,contact,matter},custom_field_set_associations{id,display_order}&limit=5&order=id(asc)", ""))
	if got.text("meta", "records") != "12" || got.get("meta", "paging", "next") == nil {
		t.Error(got.body)
	}
	w.want(200, w.do("GET", "/api/v4/contacts?fields=id,etag,name,first_name,type,created_at,updated_at,company,email_addresses{address},custom_field_values{id,value,created_at}", ""))
	w.want(200, w.do("GET", "/api/v4/custom_fields?fields=id,name,parent_type,field_type,required,displayed,deleted,display_order,picklist_options{id,option,deleted_at}", ""))
	w.want(200, w.do("GET", "/api/v4/custom_field_sets?fields=id,name,parent_type,displayed,custom_fields{id,name}", ""))
}
