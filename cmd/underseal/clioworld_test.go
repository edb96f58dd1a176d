package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/underseal/underseal/internal/cliosim"
)

const (
	clioClient = "underseal-simulated"
	clioSecret = "a-client-secret-of-the-firm"
)

// clioUser is who somebody is in Clio.
func clioUser(who string) string { return who + "@harbor.example" }

// clioWorld is a world with a Clio account, served from this process.
type clioWorld struct {
	*world
	sim    *cliosim.Sim
	url    string
	fields map[string]int64

	mu     sync.Mutex
	tokens []string // that Clio gave out
	decide string   // what people do on Clio's page
	user   string   // who they are there
}

// newClioWorld makes a firm (world.found) and a Clio account of 12 matters and
// 15 contacts.
func newClioWorld(t *testing.T) *clioWorld {
	t.Helper()
	return clioWorldOf(t, 12, 15)
}

func clioWorldOf(t *testing.T, matters, contacts int) *clioWorld {
	t.Helper()
	w := &clioWorld{world: newWorld(t), decide: "approve", user: clioUser("alice")}
	w.found()
	sim, err := cliosim.Open(t.Context(), cliosim.Config{
		Path: w.path("clio.db"), Relaxed: true, Settings: cliosim.Settings{RateLimit: 100_000},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.sim = sim
	server := httptest.NewServer(w.listening(sim.Handler()))
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	firm, err := sim.Seed(t.Context(), cliosim.SeedOptions{
		Matters: matters, Contacts: contacts, App: cliosim.App{ID: clioClient, Secret: clioSecret, Loopback: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.url, w.fields = server.URL, firm.Fields
	w.world.browse = w.page
	w.write("client-secret", clioSecret+"\n")
	return w
}

// listening remembers the tokens that Clio gives out.
func (w *clioWorld) listening(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth/token" {
			h.ServeHTTP(rw, r)
			return
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		var got struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if json.Unmarshal(rec.Body.Bytes(), &got) == nil {
			w.mu.Lock()
			for _, token := range []string{got.Access, got.Refresh} {
				if token != "" {
					w.tokens = append(w.tokens, token)
				}
			}
			w.mu.Unlock()
		}
		for name, values := range rec.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
	})
}

// page is what people do in their browser: they decide on Clio's page.
func (w *clioWorld) page(ctx context.Context, address string) error {
	w.mu.Lock()
	decide, user := w.decide, w.user
	w.mu.Unlock()
	return decideOn(ctx, address, user, decide)
}

// decideOn opens Clio's page and presses one of its buttons; "" presses none.
func decideOn(ctx context.Context, address, user, decide string) error {
	page, err := url.Parse(address)
	if err != nil || decide == "" {
		return err
	}
	form := page.Query()
	form.Set("user", user)
	form.Set("decision", decide)
	page.RawQuery = ""
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, page.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// browserMain is the browser that scripts have: it allows everything in the
// name of $CLIO_USER.
func browserMain() int {
	if err := decideOn(context.Background(), os.Args[1], os.Getenv("CLIO_USER"), "approve"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// as says who somebody is in Clio, and what they press there.
func (w *clioWorld) as(user, decide string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.user, w.decide = user, decide
}

func (w *clioWorld) connectArgs(more ...string) []string {
	return append([]string{
		"clio", "connect", "--base-url", w.url, "--client-id", clioClient, "--client-secret-file", "@client-secret", "--port", "0",
	}, more...)
}

// connected is a world in which Alice is connected.
func connectedWorld(t *testing.T) *clioWorld {
	t.Helper()
	w := newClioWorld(t)
	w.run("alice", w.connectArgs()...)
	return w
}

// person does something in Clio's own pages.
func (w *clioWorld) person(method, path string, data any) json.RawMessage {
	w.t.Helper()
	got, _, err := w.sim.Person(w.t.Context(), clioUser("alice"), method, path, data)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// values are all values of a field as Clio keeps them.
func (w *clioWorld) values(field string) []cliosim.Value {
	w.t.Helper()
	all, err := w.sim.Values(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var list []cliosim.Value
	for _, v := range all {
		if v.Field == w.fields[field] && string(v.JSON) != "null" {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		w.t.Fatalf("%s has no values", field)
	}
	return list
}

// dump is what Clio holds, as text.
func (w *clioWorld) dump() string {
	w.t.Helper()
	var b strings.Builder
	for _, path := range []string{"/matters?fields=id,custom_field_values{id,value,custom_field}", "/contacts?fields=id,custom_field_values{id,value,custom_field}", "/custom_fields?fields=id,name,required,deleted"} {
		var all []json.RawMessage
		if err := json.Unmarshal(w.person(http.MethodGet, path, nil), &all); err != nil {
			w.t.Fatal(err)
		}
		for _, one := range all {
			if !bytes.Contains(one, []byte(`"deleted":true`)) {
				b.Write(append(one, '\n'))
			}
		}
	}
	return etag.ReplaceAllString(b.String(), "")
}

// etag counts changes, also those that were taken back.
var etag = regexp.MustCompile(`"etag":"(\\"[^"]*)*",`)

// same fails at the first line in which two dumps differ.
func (w *clioWorld) same(before, after string) {
	w.t.Helper()
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			w.t.Fatalf("not as it was:\n%s\n%s", was[i], is[i])
		}
	}
	if len(was) != len(is) {
		w.t.Fatalf("%d lines were there, %d are", len(was), len(is))
	}
}

// edit has somebody type a value into a field that has one.
func (w *clioWorld) edit(v cliosim.Value, value any) {
	w.t.Helper()
	kind := map[string]string{"Matter": "matters", "Contact": "contacts"}[v.Parent]
	w.person(http.MethodPatch, fmt.Sprintf("/%s/%d", kind, v.Record), map[string]any{
		"custom_field_values": []any{map[string]any{"id": v.ID, "value": value}},
	})
}

// streamed reads the lines of --json: events, and the last as T.
func streamed[T any](t *testing.T, text string) (events []map[string]any, last T) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines[:len(lines)-1] {
		strictly[docEvent](t, line+"\n")
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events, strictly[T](t, lines[len(lines)-1]+"\n")
}

// exports are the sealed copies in somebody's home.
func (w *clioWorld) exports(who string) []string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.path(who), exportsFolder, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// serveClio is the command clio of scripts.
func serveClio(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: clio MATTERS CONTACTS")
	}
	matters, err := strconv.Atoi(args[0])
	ts.Check(err)
	contacts, err := strconv.Atoi(args[1])
	ts.Check(err)
	sim, err := cliosim.Open(context.Background(), cliosim.Config{
		Path: ts.MkAbs("clio.db"), Relaxed: true, Settings: cliosim.Settings{RateLimit: 100_000},
	})
	ts.Check(err)
	_, err = sim.Seed(context.Background(), cliosim.SeedOptions{Matters: matters, Contacts: contacts})
	ts.Check(err)
	server := httptest.NewServer(sim.Handler())
	ts.Defer(func() {
		server.Close()
		ts.Check(sim.Close())
	})
	ts.Setenv("CLIO", server.URL)
	ts.Check(os.WriteFile(ts.MkAbs("secret"), []byte(cliosim.DefaultApp().Secret+"\n"), 0o600))
}
