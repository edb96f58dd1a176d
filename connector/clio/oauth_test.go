package clio

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/secret"
)

func TestSite(t *testing.T) {
	t.Parallel()
	for name, base := range regions {
		s, err := Region(name)
		if err != nil || s.Name() != name || s.URL() != base {
			t.Errorf("%s: %s %s %v", name, s.Name(), s.URL(), err)
		}
	}
	for base, want := range map[string]string{
		"https://app.clio.com": "us", "https://EU.app.clio.com/": "eu",
		"https://clio.example:8443": "clio.example:8443", "http://127.0.0.1:80": "127.0.0.1:80", "http://localhost:1": "localhost:1",
	} {
		if s, err := At(base); err != nil || s.Name() != want {
			t.Errorf("%s: %q %v", base, s.Name(), err)
		}
	}
	for _, base := range []string{
		"", "app.clio.com", "http://app.clio.com", "https://app.clio.com/api", "https://app.clio.com?x", "https://app.clio.com?",
		"https://u:p@app.clio.com", "https://app.clio.com#x", "ftp://127.0.0.1", "https://us", "https://EU/", "https://" + strings.Repeat("a", maxURL), "::",
	} {
		_, err := At(base)
		is(t, err, ErrSite)
	}
	for _, region := range []string{"", "US", "uk", strings.Repeat("x", 1000)} {
		_, err := Region(region)
		is(t, err, ErrSite)
		if err != nil && len(err.Error()) > 100 {
			t.Error("an error as long as what it is about")
		}
	}
	if (Site{}).URL() != "" {
		t.Error("no site has a URL")
	}
}

func app(t *testing.T) App {
	t.Helper()
	site, err := Region("ca")
	if err != nil {
		t.Fatal(err)
	}
	return App{site, "client id", secret.New([]byte("client-secret"))}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	a := app(t)
	s, err := a.SignIn("http://127.0.0.1:1234/callback")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" || u.Host != "ca.app.clio.com" || u.Path != "/oauth/authorize" {
		t.Fatalf("%s %v", s.URL, err)
	}
	q := u.Query()
	challenge := sha256.Sum256([]byte(s.verifier))
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "client id", "redirect_uri": "http://127.0.0.1:1234/callback", "state": s.State,
		"redirect_on_decline": "true", "code_challenge_method": "S256",
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
	} {
		if len(q[name]) != 1 || q.Get(name) != want {
			t.Errorf("%s: %q", name, q[name])
		}
	}
	if strings.Contains(s.URL, "client-secret") || strings.Contains(s.URL, s.verifier) || len(s.State) < 43 || len(s.verifier) < 43 {
		t.Error("the URL tells too much, or state and verifier too little")
	}
	again, err := a.SignIn("http://127.0.0.1:1234/callback")
	if err != nil || again.State == s.State || again.verifier == s.verifier {
		t.Error("the same state twice")
	}
	if _, err := (App{}).SignIn(""); !errors.Is(err, ErrSite) {
		t.Error(err)
	}
}

// caDouble stands in for the Canadian site.
func caDouble(t *testing.T, answer func(sent) reply) *double {
	t.Helper()
	return &double{t: t, clock: &testClock{now: start}, answer: answer, host: "ca.app.clio.com"}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	s, err := app(t).SignIn("http://127.0.0.1:1234/callback")
	if err != nil {
		t.Fatal(err)
	}
	d := caDouble(t, script(t, ok(`{"token_type":"bearer","access_token":"a","refresh_token":"r","expires_in":2592000}`)))
	tokens, err := s.Exchange(t.Context(), d, d.clock, "the-code")
	if err != nil || string(tokens.Access.Expose()) != "a" || string(tokens.Refresh.Expose()) != "r" || !tokens.Expires.Equal(start.Add(30*24*time.Hour)) {
		t.Errorf("%+v %v", tokens, err)
	}
	form, err := url.ParseQuery(d.seen[0].body)
	if err != nil || d.seen[0].path != "/oauth/token" || d.seen[0].method != methodPost || len(d.seen[0].query) != 0 {
		t.Fatalf("%s %v", d.seen[0], err)
	}
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": "the-code", "redirect_uri": "http://127.0.0.1:1234/callback",
		"code_verifier": s.verifier, "client_id": "client id", "client_secret": "client-secret",
	} {
		if form.Get(name) != want {
			t.Errorf("%s: %q", name, form.Get(name))
		}
	}
	for name, c := range map[string]struct {
		code  string
		reply reply
		want  error
	}{
		"wrong credentials": {"c", reply{status: 401, body: `{"error":"invalid_client"}`}, connector.ErrUnauthorized},
		"a code twice":      {"c", reply{status: 400, body: `{"error":"invalid_grant"}`}, connector.ErrUnauthorized},
		"an app forbidden":  {"c", reply{status: 403}, connector.ErrForbidden},
		"lost":              {"c", lost, connector.ErrUncertain},
		"cut off":           {"c", cutOff, connector.ErrUncertain},
		"not sent":          {"c", notSent, connector.ErrUnavailable},
		"busy":              {"c", reply{status: 503}, connector.ErrUnavailable},
		"no refresh token":  {"c", ok(`{"access_token":"a"}`), connector.ErrMalformed},
		"no access token":   {"c", ok(`{"refresh_token":"a"}`), connector.ErrMalformed},
		"not JSON":          {"c", ok(`<html>`), connector.ErrMalformed},
		"too long":          {"c", ok("%s", strings.Repeat(" ", maxTokenAnswer+1)), connector.ErrMalformed},
		"a long token":      {"c", ok(`{"access_token":"%s","refresh_token":"r"}`, strings.Repeat("a", maxToken+1)), connector.ErrMalformed},
		"no code":           {"", ok(`{}`), connector.ErrMalformed},
		"a code of two":     {"a\nb", ok(`{}`), connector.ErrMalformed},
	} {
		d := caDouble(t, script(t, c.reply))
		tokens, err := s.Exchange(t.Context(), d, d.clock, c.code)
		if !errors.Is(err, c.want) || tokens.Access != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(d.requests()); n > 1 {
			t.Errorf("%s: the code was sent %d times", name, n)
		}
		if err != nil && strings.Contains(err.Error(), "client-secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLifeIsBounded(t *testing.T) {
	t.Parallel()
	for life, want := range map[string]time.Time{
		"0": {}, "-5": {}, "60": start.Add(time.Minute), "9223372036854775807": start.Add(maxLife),
	} {
		s, err := app(t).SignIn("x")
		if err != nil {
			t.Fatal(err)
		}
		d := caDouble(t, script(t, ok(`{"access_token":"a","refresh_token":"r","expires_in":%s}`, life)))
		if tokens, err := s.Exchange(t.Context(), d, d.clock, "c"); err != nil || !tokens.Expires.Equal(want) {
			t.Errorf("%s: %s %v", life, tokens.Expires, err)
		}
	}
}

func TestDeauthorize(t *testing.T) {
	t.Parallel()
	tokens := Tokens{Access: secret.New([]byte("access-1")), Refresh: secret.New([]byte("refresh-1"))}
	for name, c := range map[string]struct {
		reply reply
		want  error
	}{
		"done":       {reply{status: 200}, nil},
		"no content": {reply{status: 204}, nil},
		"it ended":   {reply{status: 401}, nil},
		"busy":       {reply{status: 503}, connector.ErrUnavailable},
		"lost":       {lost, connector.ErrUncertain},
		"forbidden":  {reply{status: 403}, connector.ErrForbidden},
	} {
		d := caDouble(t, script(t, c.reply))
		if err := app(t).Deauthorize(t.Context(), d, tokens); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		s := d.seen[0]
		if s.path != "/oauth/deauthorize" || s.header["Authorization"] != "Bearer access-1" || s.body != "token=access-1" {
			t.Errorf("%s: %s", name, s)
		}
	}
	if err := (App{}).Deauthorize(t.Context(), nil, tokens); !errors.Is(err, ErrSite) {
		t.Error(err)
	}
}
