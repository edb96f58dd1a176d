package clio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport"
)

var (
	notSent = reply{err: transport.ErrNotSent}
	lost    = reply{err: transport.ErrLost}
	cutOff  = reply{status: 200, body: `{"data":`, after: errors.New("reset")}
	stale   = reply{status: 412, body: `{"error":{"type":"PreconditionFailedError","message":"x"}}`}
)

func status(n int, errorType string) reply {
	return reply{status: n, body: fmt.Sprintf(`{"error":{"type":%q,"message":"no SSN 078-05-1120 here"}}`, errorType)}
}

// TestFaults is the table of what can happen to a read and to a write.
func TestFaults(t *testing.T) {
	t.Parallel()
	good := ok(matter7)
	all := []error{
		connector.ErrConflict, connector.ErrNotFound, connector.ErrForbidden, connector.ErrWithheld, connector.ErrUnauthorized,
		connector.ErrUncertain, connector.ErrUnavailable, connector.ErrRefused, connector.ErrTooLong, connector.ErrMalformed,
	}
	e := func(errs ...error) []error { return errs }
	for name, c := range map[string]struct {
		replies     []reply
		read, write []error // nil: it succeeds
	}{
		"fine":                     {[]reply{good}, nil, nil},
		"not sent, then fine":      {[]reply{notSent, notSent, good}, nil, nil},
		"lost, then fine":          {[]reply{lost, good}, nil, nil},
		"cut off, then fine":       {[]reply{cutOff, good}, nil, nil},
		"503, then fine":           {[]reply{{status: 503, body: "<html>"}, good}, nil, nil},
		"500, 502, 504, then fine": {[]reply{status(500, "E"), status(502, "E"), status(504, "E"), good}, nil, nil},
		"408, then fine":           {[]reply{status(408, "E"), good}, nil, nil},
		"429, then fine":           {[]reply{status(429, "E"), good}, nil, nil},
		"500 for ever":             {repeated(status(500, "E"), maxFaults), e(connector.ErrUnavailable), e(connector.ErrUncertain, connector.ErrUnavailable)},
		"403":                      {[]reply{status(403, "ForbiddenError")}, e(connector.ErrForbidden), e(connector.ErrForbidden)},
		"404":                      {[]reply{status(404, "E")}, e(connector.ErrNotFound), e(connector.ErrNotFound)},
		"409":                      {[]reply{status(409, "E")}, e(connector.ErrConflict), e(connector.ErrConflict)},
		"410":                      {[]reply{status(410, "E"), good}, e(connector.ErrRefused), nil},
		"412":                      {[]reply{stale}, e(connector.ErrConflict), e(connector.ErrConflict)},
		// A lost answer: who changed it is not known.
		"lost, then 412":      {[]reply{lost, stale}, nil, e(connector.ErrUncertain)},
		"cut off, then 412":   {[]reply{cutOff, stale}, nil, e(connector.ErrUncertain)},
		"502, then 412":       {[]reply{status(502, "E"), stale}, nil, e(connector.ErrUncertain)},
		"lost, then 404":      {[]reply{lost, status(404, "E")}, nil, e(connector.ErrUncertain, connector.ErrNotFound)},
		"lost, then 422":      {[]reply{lost, status(422, "E")}, nil, e(connector.ErrUncertain, connector.ErrRefused)},
		"not sent, then 412":  {[]reply{notSent, stale}, nil, e(connector.ErrConflict)},
		"429, then 412":       {[]reply{status(429, "E"), stale}, nil, e(connector.ErrConflict)},
		"a redirect":          {[]reply{{status: 303, header: transport.Header{"Location": "https://evil.example/"}}}, e(connector.ErrMalformed), e(connector.ErrMalformed, connector.ErrUncertain)},
		"another status":      {[]reply{{status: 202, body: matter7}}, e(connector.ErrMalformed), e(connector.ErrMalformed, connector.ErrUncertain)},
		"not JSON":            {[]reply{ok("<html>")}, e(connector.ErrMalformed), e(connector.ErrMalformed, connector.ErrUncertain)},
		"another record":      {[]reply{ok(`{"data":{"id":8,"etag":"\"v\""}}`)}, e(connector.ErrMalformed), e(connector.ErrMalformed, connector.ErrUncertain)},
		"stripped of values":  {[]reply{ok(`{"data":{"id":7,"etag":"\"v\""}}`)}, e(connector.ErrWithheld), e(connector.ErrWithheld, connector.ErrUncertain)},
		"too long":            {[]reply{{status: 200, body: strings.Repeat(" ", maxAnswer+1)}}, e(connector.ErrMalformed), e(connector.ErrMalformed, connector.ErrUncertain)},
		"exists meanwhile":    {[]reply{{status: 422, body: `{"error":{"type":"ArgumentError","message":"custom field value for custom field 3 already exists"}}`}}, e(connector.ErrConflict), e(connector.ErrConflict)},
		"another error shape": {[]reply{{status: 403, body: `{"error":"forbidden","error_description":"x"}`}}, e(connector.ErrForbidden), e(connector.ErrForbidden)},
	} {
		for method, want := range map[string][]error{"GET": c.read, "PATCH": c.write} {
			if want == nil && (strings.Contains(name, "then 4") || name == "410") {
				continue // of a read or a write only
			}
			conn, d := connect(t, script(t, c.replies...))
			var err error
			if method == "GET" {
				_, err = conn.Get(t.Context(), Matter, "7", []string{"3"})
			} else {
				_, err = conn.Write(t.Context(), connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}, []connector.Change{{Field: "3", Data: raw(`"a"`)}})
			}
			for _, sentinel := range all {
				wanted := false
				for _, w := range want {
					wanted = wanted || errors.Is(w, sentinel)
				}
				if errors.Is(err, sentinel) != wanted {
					t.Errorf("%s, %s: %v", name, method, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "078-05") {
				t.Errorf("%s: the error holds a value: %v", name, err)
			}
			// Every attempt is the very same request.
			seen := d.requests()
			for _, s := range seen {
				if s != seen[0] {
					t.Errorf("%s, %s: %s", name, method, s)
				}
			}
			if n := conn.Counters(); n.Requests != int64(len(seen)) || n.Retries != int64(len(seen)-1) {
				t.Errorf("%s: %+v for %d requests", name, n, len(seen))
			}
		}
	}
}

func repeated(r reply, n int) []reply {
	var out []reply
	for range n {
		out = append(out, r)
	}
	return out
}

// TestRefusedField: a field that was deleted meanwhile is not a bad value.
func TestRefusedField(t *testing.T) {
	t.Parallel()
	field := `{"data":{"id":3,"etag":"\"f\"","name":"SSN","parent_type":"Matter","field_type":"text_line","deleted":%v}}`
	for name, c := range map[string]struct {
		field reply
		want  error
	}{
		"deleted":    {ok(field, true), connector.ErrNotFound},
		"gone":       {status(404, "E"), connector.ErrNotFound},
		"there":      {ok(field, false), connector.ErrRefused},
		"not to see": {status(403, "E"), connector.ErrRefused},
	} {
		conn, _ := connect(t, script(t, status(422, "ArgumentError"), c.field))
		_, err := conn.Write(t.Context(), connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}, []connector.Change{{Field: "3", Data: raw(`"a"`)}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		var named *connector.RecordError
		if !errors.As(err, &named) || named.ID != "7" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOutage: an hour without a network is survived, and patience has an end.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, away := range []time.Duration{time.Hour, 3 * time.Hour} {
		for _, what := range []reply{notSent, lost, {status: 503}, {status: 429}} {
			c, d := connect(t, func(s sent) reply {
				if s.at.Before(start.Add(away)) {
					return what
				}
				return ok(matter7)
			})
			_, err := c.Get(t.Context(), Matter, "7", nil)
			if away < usualPatience && err != nil {
				t.Errorf("%s: %v", away, err)
			}
			if away > usualPatience {
				is(t, err, connector.ErrUnavailable)
				if took := d.clock.Now().Sub(start); took < usualPatience || took > usualPatience+2*time.Minute {
					t.Errorf("gave up after %s", took)
				}
			}
			// At most one a minute once it has lasted.
			if n := len(d.requests()); n < 30 || n > 300 {
				t.Errorf("%s, %+v: %d requests", away, what, n)
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	// Between half and all of it, by chance.
	for _, c := range []struct {
		chance byte
		want   []time.Duration
	}{
		{0x00, []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second}},
		{0x80, []time.Duration{751 * time.Millisecond, 1502 * time.Millisecond, 3004 * time.Millisecond}},
	} {
		n := 0
		conn, d := connect(t, func(sent) reply {
			if n++; n > len(c.want) {
				return ok(matter7)
			}
			return lost
		}, func(cfg *Config) { cfg.Chance = constant(c.chance) })
		if _, err := conn.Get(t.Context(), Matter, "7", nil); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			got := d.seen[i+1].at.Sub(d.seen[i].at)
			if (got - want).Abs() > 10*time.Millisecond*(1<<i) {
				t.Errorf("%x, wait %d: %s, want %s", c.chance, i, got, want)
			}
		}
	}
	// What the server asks for is kept to, and no longer than that.
	c, d := connect(t, script(t, reply{status: 503, header: transport.Header{"Retry-After": "40"}},
		reply{status: 429, header: transport.Header{"Retry-After": "20"}}, ok(matter7)))
	if _, err := c.Get(t.Context(), Matter, "7", nil); err != nil {
		t.Fatal(err)
	}
	if a, b := d.seen[1].at.Sub(d.seen[0].at), d.seen[2].at.Sub(d.seen[1].at); a != 40*time.Second || b != 20*time.Second {
		t.Errorf("%s, %s", a, b)
	}
	if n := c.Counters(); n.Limited != 1 || n.Waits != 2 || n.Waited != 20*time.Second || n.BackedOff != 40*time.Second {
		t.Errorf("%+v", n)
	}
	if u := c.Usage(); u.Requests != 3 || u.Waits != 2 || u.Waited != time.Minute {
		t.Errorf("%+v", u)
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// TestCanceled: a write that was under way is uncertain, whoever called it
// off.
func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := connect(t, func(sent) reply { cancel(); return lost })
	_, err := c.Write(ctx, connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}, []connector.Change{{Field: "3", Data: raw(`"a"`)}})
	is(t, err, connector.ErrUncertain, context.Canceled)
	_, err = c.Get(ctx, Matter, "7", nil)
	is(t, err, context.Canceled)
	if errors.Is(err, connector.ErrUncertain) {
		t.Error(err)
	}
}

// TestTokens: one new access token, whoever asks for it, and the refresh token
// stays where none comes.
func TestTokens(t *testing.T) {
	t.Parallel()
	var kept []Tokens
	valid := "access-2"
	answer := func(s sent) reply {
		switch {
		case s.path == "/oauth/token":
			for _, want := range []string{"grant_type=refresh_token", "refresh_token=refresh-1", "client_id=client", "client_secret=client-secret"} {
				if !strings.Contains(s.body, want) {
					t.Errorf("%q lacks %q", s.body, want)
				}
			}
			if s.header["Authorization"] != "" {
				t.Error("a bearer beside the client's secret")
			}
			return ok(`{"token_type":"bearer","access_token":%q,"expires_in":3600}`, valid)
		case s.header["Authorization"] != "Bearer "+valid:
			return reply{status: 401, body: `{"error":"invalid_token","error_description":"x"}`}
		}
		return ok(matter7)
	}
	c, d := connect(t, answer, func(cfg *Config) {
		cfg.Keep = func(_ context.Context, tokens Tokens) error { kept = append(kept, tokens); return nil }
	})
	if _, err := c.Get(t.Context(), Matter, "7", nil); err != nil {
		t.Fatal(err)
	}
	if n := len(d.requests()); n != 3 || len(kept) != 1 {
		t.Errorf("%d requests, %d kept", n, len(kept))
	}
	k := kept[0]
	if string(k.Access.Expose()) != "access-2" || string(k.Refresh.Expose()) != "refresh-1" || !k.Expires.Equal(start.Add(time.Hour)) {
		t.Error("not what Clio gave")
	}
	// Before it ends a new one is asked for, which saves a 401.
	valid = "access-3"
	_ = d.clock.Sleep(t.Context(), time.Hour-30*time.Second)
	if _, err := c.Get(t.Context(), Matter, "7", nil); err != nil {
		t.Fatal(err)
	}
	if n := len(d.requests()); n != 2 || c.Counters().Refreshes != 2 {
		t.Errorf("%d requests, %+v", n, c.Counters())
	}
}

func TestNoMoreAccess(t *testing.T) {
	t.Parallel()
	unauthorized := reply{status: 401, body: `{"error":"invalid_token","error_description":"revoked"}`}
	fresh := ok(`{"access_token":"access-2"}`)
	boom := errors.New("disk full")
	for name, c := range map[string]struct {
		replies []reply
		change  func(*Config)
		want    error
	}{
		"still not accepted":       {[]reply{unauthorized, fresh, unauthorized}, nil, connector.ErrUnauthorized},
		"revoked":                  {[]reply{unauthorized, {status: 400, body: `{"error":"invalid_grant"}`}}, nil, connector.ErrUnauthorized},
		"app revoked":              {[]reply{unauthorized, unauthorized}, nil, connector.ErrUnauthorized},
		"nothing to refresh with":  {[]reply{unauthorized}, func(c *Config) { c.Tokens.Refresh = nil }, connector.ErrUnauthorized},
		"an answer of no sense":    {[]reply{unauthorized, ok(`{}`)}, nil, connector.ErrMalformed},
		"a token of two lines":     {[]reply{unauthorized, ok(`{"access_token":"a\r\nb"}`)}, nil, connector.ErrMalformed},
		"a new one cannot be kept": {[]reply{unauthorized, fresh}, func(c *Config) { c.Keep = func(context.Context, Tokens) error { return boom } }, boom},
	} {
		conn, _ := connect(t, script(t, c.replies...), func(cfg *Config) {
			if c.change != nil {
				c.change(cfg)
			}
		})
		_, err := conn.Get(t.Context(), Matter, "7", nil)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What ends is asked for again; what is refused is not.
	c, d := connect(t, script(t, unauthorized, lost, notSent, reply{status: 503}, reply{status: 429}, fresh, ok(matter7)))
	if _, err := c.Get(t.Context(), Matter, "7", nil); err != nil {
		t.Error(err)
	}
	if n := len(d.requests()); n != 7 {
		t.Errorf("%d requests", n)
	}
}

// TestTrace: what a program may log holds no secret and no value (attack 38).
func TestTrace(t *testing.T) {
	t.Parallel()
	var events []Event
	c, _ := connect(t, script(t, reply{status: 401}, ok(`{"access_token":"access-2"}`), lost, ok(matter7)),
		func(cfg *Config) { cfg.Trace = func(e Event) { events = append(events, e) } })
	if _, err := c.Write(t.Context(), connector.Record{Kind: Matter, ID: "7", Version: `"v1"`}, []connector.Change{{Field: "3", Data: raw(`"value"`)}}); err != nil {
		t.Fatal(err)
	}
	if len(events) != 4 {
		t.Fatalf("%+v", events)
	}
	for i, want := range []Event{
		{Method: "PATCH", Path: "/api/v4/matters/7.json", Attempt: 1, Status: 401},
		{Method: "POST", Path: "/oauth/token", Attempt: 1, Status: 200},
		{Method: "PATCH", Path: "/api/v4/matters/7.json", Attempt: 2, Lost: transport.ErrLost},
		{Method: "PATCH", Path: "/api/v4/matters/7.json", Attempt: 3, Status: 200},
	} {
		if events[i] != want {
			t.Errorf("%+v, want %+v", events[i], want)
		}
	}
	text := fmt.Sprintf("%+v %#v %+v", events, c.cfg.Tokens, c.cfg.App)
	for _, secret := range []string{"access-1", "access-2", "refresh-1", "client-secret", "value", "fields"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q in %s", secret, text)
		}
	}
}

// TestAttack21And38NothingDependsOnValues: the same requests go out whatever the values
// are, also where they look like links (attacks 21 and 38).
func TestAttack21And38NothingDependsOnValues(t *testing.T) {
	t.Parallel()
	var first string
	for _, value := range []string{`"078-05-1120"`, `"us1.AAAA"`, `"https://evil.example/x"`, `"<img src=//evil.example>"`, `"ftp://127.0.0.1/\u0000"`, `"` + strings.Repeat("a", 60000) + `"`} {
		c, d := connect(t, func(s sent) reply {
			if s.method == methodGet && s.path == "/api/v4/matters.json" {
				return ok(`{"data":[{"id":7,"etag":"\"v\"","custom_field_values":[{"id":"url-1","value":%s,"custom_field":{"id":3}}]}]}`, value)
			}
			return ok(`{"data":{"id":7,"etag":"\"v\"","custom_field_values":[{"id":"url-1","value":%s,"custom_field":{"id":3}}]}}`, value)
		})
		page, err := c.List(t.Context(), Matter, []string{"3"}, "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Get(t.Context(), Matter, page.Records[0].ID, []string{"3"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(t.Context(), r, []connector.Change{{Field: "3", ID: "url-1", Data: r.Values[0].Data}}); err != nil {
			t.Fatal(err)
		}
		took := d.clock.Now().Sub(start)
		seen := strings.ReplaceAll(strings.Join(d.requests(), "\n"), strings.TrimSpace(value), "VALUE") + took.String()
		if first == "" {
			first = seen
		}
		if seen != first {
			t.Errorf("%.40s: %s\nnot\n%s", value, seen, first)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	site, err := Region("us")
	if err != nil {
		t.Fatal(err)
	}
	s := func(text string) *secret.Bytes { return secret.New([]byte(text)) }
	for name, change := range map[string]func(*Config){
		"no site":         func(c *Config) { c.App.Site = Site{} },
		"no app":          func(c *Config) { c.App.ID = "" },
		"no secret":       func(c *Config) { c.App.Secret = nil },
		"no tokens":       func(c *Config) { c.Tokens = Tokens{} },
		"a token of two":  func(c *Config) { c.Tokens = Tokens{Access: s("a\r\nX: b")} },
		"no transport":    func(c *Config) { c.Transport = nil },
		"negative budget": func(c *Config) { c.Budget = -1 },
		"no patience":     func(c *Config) { c.Patience = -1 },
	} {
		cfg := Config{App: App{site, "id", s("secret")}, Tokens: Tokens{Access: s("a")}, Transport: &double{}}
		if _, err := New(cfg); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
