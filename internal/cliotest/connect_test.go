package cliotest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport/loopback"
)

// browse is a browser that decides on Clio's page and follows it back.
func browse(t *testing.T, page, decision, user string) {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	form.Set("decision", decision)
	form.Set("user", user)
	u.RawQuery = ""
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if b, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Request.URL.String(), "http://127.0.0.1:") {
		t.Errorf("%d %s %v", answer.StatusCode, b, err)
	}
}

// TestConnect: from Clio's page by way of the browser to tokens that work, and
// to their end.
func TestConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	app := w.app()
	sign := func(decision string) (clio.SignIn, loopback.Answer) {
		l, err := loopback.Listen(t.Context(), 0, "/callback")
		w.check(err)
		in, err := app.SignIn(l.URL())
		w.check(err)
		done := make(chan loopback.Answer, 1)
		go func() {
			answer, err := l.Wait(t.Context(), in.State)
			if err != nil {
				t.Error(err)
			}
			done <- answer
		}()
		browse(t, in.URL, decision, w.firm.Users[0])
		return in, <-done
	}
	if _, answer := sign("deny"); answer != (loopback.Answer{Error: "access_denied"}) {
		t.Errorf("%+v", answer)
	}
	in, answer := sign("approve")
	if answer.Code == "" {
		t.Fatalf("%+v", answer)
	}
	// Whoever saw the code has no use of it: the verifier is not theirs.
	other, err := app.SignIn("http://127.0.0.1:1/callback")
	w.check(err)
	_, err = other.Exchange(t.Context(), w.transport, w.clock, answer.Code)
	want(t, err, connector.ErrUnauthorized)
	wrong := app
	wrong.Secret = secret.New([]byte("another"))
	stranger, err := wrong.SignIn("http://127.0.0.1:1/callback")
	w.check(err)
	_, err = stranger.Exchange(t.Context(), w.transport, w.clock, answer.Code)
	want(t, err, connector.ErrUnauthorized)

	tokens, err := in.Exchange(t.Context(), w.transport, w.clock, answer.Code)
	w.check(err)
	_, err = in.Exchange(t.Context(), w.transport, w.clock, answer.Code)
	want(t, err, connector.ErrUnauthorized)
	c := w.connect(1, func(cfg *clio.Config) { cfg.Tokens = tokens })
	if _, err := c.Place(t.Context()); err != nil {
		t.Error(err)
	}
	w.check(app.Deauthorize(t.Context(), w.transport, tokens))
	c = w.connect(1, func(cfg *clio.Config) { cfg.Tokens = tokens })
	_, err = c.Place(t.Context())
	want(t, err, connector.ErrUnauthorized)
	w.check(app.Deauthorize(t.Context(), w.transport, tokens))
}

// TestFields: a twin is made, written, and removed with all that it holds.
func TestFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	made, err := c.CreateField(t.Context(), connector.Definition{
		Name: strings.Repeat("ä", 32), Kind: clio.Matter, Type: connector.TextArea, Required: true,
	})
	w.check(err)
	find := func(id string) (connector.Definition, bool) {
		defs, err := c.Definitions(t.Context())
		w.check(err)
		for _, d := range defs {
			if d.ID == id {
				return d, true
			}
		}
		return connector.Definition{}, false
	}
	if d, ok := find(made.ID); !ok || d.Name != made.Name || d.Type != connector.TextArea || !d.Required || d.Deleted || d.Version != made.Version || d.MaxLength != 65536 {
		t.Errorf("%+v, made %+v", d, made)
	}
	_, err = c.CreateField(t.Context(), connector.Definition{Name: strings.Repeat("a", 33), Kind: clio.Matter, Type: connector.TextArea})
	want(t, err, connector.ErrRefused)
	old := made
	made.Name, made.Required = "Renamed", false
	made, err = c.UpdateField(t.Context(), made)
	w.check(err)
	if d, _ := find(made.ID); d.Name != "Renamed" || d.Required || d.Version != made.Version {
		t.Errorf("%+v", d)
	}
	_, err = c.UpdateField(t.Context(), old)
	want(t, err, connector.ErrConflict)
	want(t, c.DeleteField(t.Context(), old), connector.ErrConflict)

	r := w.all(c, clio.Matter, []string{made.ID})[0]
	r, err = c.Write(t.Context(), r, []connector.Change{{Field: made.ID, Data: text("sealed")}})
	w.check(err)
	v, _ := r.Value(made.ID)
	w.check(c.DeleteField(t.Context(), made))
	if d, ok := find(made.ID); !ok || !d.Deleted {
		t.Errorf("%+v", d)
	}
	want(t, c.DeleteField(t.Context(), made), connector.ErrNotFound)
	r, err = c.Get(t.Context(), clio.Matter, r.ID, []string{made.ID})
	w.check(err)
	if len(r.Values) != 0 {
		t.Errorf("%+v", r)
	}
	_, err = c.Write(t.Context(), r, []connector.Change{{Field: made.ID, ID: v.ID, Data: text("sealed")}})
	want(t, err, connector.ErrNotFound)

	// All that went by was held against Clio's description.
	checked := w.described.Covered()
	for _, exchange := range []string{
		"GET /custom_fields.json 200", "POST /custom_fields.json 201", "PATCH /custom_fields/{id}.json 200", "PATCH /custom_fields/{id}.json 412",
		"DELETE /custom_fields/{id}.json 204", "GET /custom_field_sets.json 200", "PATCH /matters/{id}.json 200", "PATCH /matters/{id}.json 422",
	} {
		if checked[exchange] == 0 {
			t.Errorf("%s was not checked: %v", exchange, checked)
		}
	}

	// Sets are seen; those of Clio's own making stay as they are.
	sets := 0
	defs, err := c.Definitions(t.Context())
	w.check(err)
	for _, d := range defs {
		sets += len(d.Sets)
	}
	if sets != 5 {
		t.Errorf("%d fields in sets", sets)
	}
}

// TestProbe: what a field keeps is found out, and nothing of it stays.
func TestProbe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	c := w.connect(0)
	before := w.stored()
	longest := func(kind connector.FieldType) int {
		defs, err := c.Definitions(t.Context())
		w.check(err)
		for _, d := range defs {
			if d.Type == kind {
				return d.MaxLength
			}
			if !d.Deleted && strings.HasPrefix(d.Name, "Underseal probe") {
				t.Errorf("left behind: %+v", d)
			}
		}
		return -1
	}
	w.check(c.Probe(t.Context(), clio.Contact, connector.TextLine, 255))
	want(t, c.Probe(t.Context(), clio.Contact, connector.TextLine, 256), connector.ErrTooLong)
	w.check(c.Probe(t.Context(), clio.Matter, connector.TextArea, 65536))
	settings := w.sim.Settings()
	settings.TextArea = 1000
	w.sim.SetSettings(settings)
	want(t, c.Probe(t.Context(), clio.Matter, connector.TextArea, 1001), connector.ErrTooLong)
	if a, b := longest(connector.TextLine), longest(connector.TextArea); a != 255 || b != 1000 {
		t.Errorf("%d, %d", a, b)
	}
	// One that a crash left behind goes with the next.
	_, err := c.CreateField(t.Context(), connector.Definition{Name: "Underseal probe 0a1b2c3d", Kind: clio.Matter, Type: connector.TextLine})
	w.check(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, c.Probe(ctx, clio.Matter, connector.TextArea, 5), context.Canceled)
	w.check(c.Probe(t.Context(), clio.Matter, connector.TextArea, 5))
	longest(connector.TextLine)
	after := w.stored()
	if len(after) != len(before) {
		t.Errorf("%d values, were %d", len(after), len(before))
	}
	for name, value := range before {
		if after[name] != value {
			t.Errorf("%s: %s, was %s", name, after[name], value)
		}
	}
}
