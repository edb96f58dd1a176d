package cliosim_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/cliosim"
)

const back = "http://127.0.0.1:54321/callback"

// open asks for a page without a token.
func (w *world) open(path string, q url.Values) reply {
	w.t.Helper()
	return w.do("GET", path+"?"+q.Encode(), "", "Authorization", "")
}

func (w *world) form(path string, q url.Values, headers ...string) reply {
	w.t.Helper()
	headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	return w.do("POST", path, q.Encode(), headers...)
}

func request(changes ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"underseal-simulated"}, "redirect_uri": {back}, "state": {"s&1"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	return q
}

// sentTo is the address that a reply redirects to.
func (w *world) sentTo(r reply) *url.URL {
	w.t.Helper()
	w.want(http.StatusFound, r)
	u, err := url.Parse(r.header.Get("Location"))
	w.noError(err)
	return u
}

// approve takes the page's way to a code.
func (w *world) approve(q url.Values) string {
	w.t.Helper()
	q.Set("user", "bob@harbor.example")
	q.Set("decision", "approve")
	u := w.sentTo(w.form("/oauth/authorize", q))
	if u.Query().Get("state") != q.Get("state") || u.Query().Get("code") == "" {
		w.t.Fatalf("sent to %s", u)
	}
	return u.Query().Get("code")
}

func grant(code string, changes ...string) url.Values {
	q := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back},
		"client_id": {"underseal-simulated"}, "client_secret": {"simulated-secret"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	return q
}

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.want(200, w.open("/oauth/authorize", request()))
	for _, want := range []string{`<form method="post" action="/oauth/authorize">`, `value="approve"`, `value="decline"`, "bob@harbor.example", `value="s&amp;1"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page.body, "erin@") {
		t.Error("a disabled user may approve")
	}
	code := w.approve(request())
	got := w.want(200, w.form("/oauth/token", grant(code)))
	if got.text("token_type") != "bearer" || got.text("expires_in") != "2592000" || got.text("refresh_token") == "" {
		t.Error(got.body)
	}
	w.want(400, w.form("/oauth/token", grant(code))) // used once

	who := func(token string) reply {
		return w.do("GET", "/api/v4/users/who_am_i?fields=email", "", "Authorization", "Bearer "+token)
	}
	access, refresh := got.text("access_token"), got.text("refresh_token")
	if r := w.want(200, who(access)); r.text("data", "email") != "bob@harbor.example" {
		t.Error(r.body)
	}
	w.clock.add(30*24*time.Hour - time.Second)
	w.want(200, who(access))
	w.clock.add(time.Second)
	expired := w.want(401, who(access))
	if expired.text("error") != "invalid_token" || expired.get("error_description") == nil {
		t.Error(expired.body)
	}
	for range 2 { // the refresh token stays valid
		got = w.want(200, w.form("/oauth/token", grant("", "grant_type", "refresh_token", "refresh_token", refresh)))
		if got.get("refresh_token") != nil || got.text("access_token") == access {
			t.Error(got.body)
		}
		w.want(200, who(got.text("access_token")))
	}
	fresh := got.text("access_token")
	w.want(200, w.form("/oauth/deauthorize", url.Values{"token": {fresh}}, "Authorization", "Bearer "+fresh))
	w.want(401, who(fresh))
	w.want(400, w.form("/oauth/token", grant("", "grant_type", "refresh_token", "refresh_token", refresh)))
}

func TestDecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.sentTo(w.form("/oauth/authorize", request("decision", "decline", "redirect_on_decline", "true")))
	if u.Query().Get("error") != "access_denied" || u.Query().Get("state") != "s&1" {
		t.Errorf("sent to %s", u)
	}
	if got := w.want(200, w.form("/oauth/authorize", request("decision", "decline"))); !strings.Contains(got.body, "Declined") {
		t.Error(got.body)
	}
}

func TestAutoApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.AutoApprove = "carol@harbor.example" })
	u := w.sentTo(w.open("/oauth/authorize", request()))
	w.want(200, w.form("/oauth/token", grant(u.Query().Get("code"))))
}

func TestRefusedAuthorizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, q := range []url.Values{
		request("client_id", "nobody"), request("redirect_uri", "https://evil.example/"), request("redirect_uri", "http://localhost:1/"),
		request("redirect_uri", "http://127.0.0.1/x"), request("redirect_uri", "http://127.0.0.1:1@evil.example/"), request("redirect_uri", ""),
	} {
		w.want(400, w.open("/oauth/authorize", q)) // and nobody is sent anywhere
	}
	for _, q := range []url.Values{request("response_type", "token"), request("code_challenge", "x", "code_challenge_method", "S512")} {
		if u := w.sentTo(w.open("/oauth/authorize", q)); u.Query().Get("error") == "" || u.Query().Get("code") != "" {
			t.Errorf("sent to %s", u)
		}
	}
	w.want(400, w.form("/oauth/authorize", request("decision", "approve", "user", "erin@harbor.example")))
	w.noError(w.sim.Register(t.Context(), cliosim.App{ID: "exact", Secret: "s", Redirects: []string{back}}))
	w.want(200, w.open("/oauth/authorize", request("client_id", "exact")))
	w.want(400, w.open("/oauth/authorize", request("client_id", "exact", "redirect_uri", back+"/")))
	approval := w.server.URL + "/oauth/approval"
	u := w.sentTo(w.form("/oauth/authorize", request("client_id", "exact", "redirect_uri", approval, "decision", "approve", "user", "bob@harbor.example")))
	if got := w.open(u.Path, u.Query()); !strings.Contains(got.body, u.Query().Get("code")) {
		t.Error(got.body)
	}
}

func TestRefusedExchanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		changes []string
		status  int
		kind    string
	}{
		{[]string{"client_secret", "wrong"}, 401, "invalid_client"},
		{[]string{"client_id", "nobody"}, 401, "invalid_client"},
		{[]string{"code", "wrong"}, 400, "invalid_grant"},
		{[]string{"redirect_uri", back + "x"}, 400, "invalid_grant"},
		{[]string{"grant_type", "password"}, 400, "unsupported_grant_type"},
		{[]string{"grant_type", "refresh_token", "refresh_token", "wrong"}, 400, "invalid_grant"},
	} {
		got := w.want(c.status, w.form("/oauth/token", grant(w.approve(request()), c.changes...)))
		if got.text("error") != c.kind || got.get("error_description") == nil {
			t.Errorf("%v: %s", c.changes, got.body)
		}
	}
	late := w.approve(request())
	w.clock.add(10 * time.Minute)
	w.want(400, w.form("/oauth/token", grant(late)))
	w.want(400, w.do("POST", "/oauth/token", grant(w.approve(request())).Encode()))
	w.want(404, w.do("GET", "/oauth/token", ""))
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sum := sha256.Sum256([]byte("verifier"))
	hashed := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, c := range []struct {
		challenge, method, verifier string
		status                      int
	}{
		{hashed, "S256", "verifier", 200}, {hashed, "S256", "other", 400}, {hashed, "S256", "", 400}, {hashed, "S256", hashed, 400},
		{"verifier", "plain", "verifier", 200}, {"verifier", "", "verifier", 200}, {"verifier", "", "other", 400}, {"", "", "unasked", 200},
	} {
		code := w.approve(request("code_challenge", c.challenge, "code_challenge_method", c.method))
		if got := w.form("/oauth/token", grant(code, "code_verifier", c.verifier)); got.status != c.status {
			t.Errorf("%+v: status %d", c, got.status)
		}
	}
}

// TestRegions: nothing of one region is known in another.
func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.approve(request())
	eu := httptest.NewServer(w.sim.RegionHandler("eu"))
	t.Cleanup(eu.Close)
	us := w.server
	w.server = eu
	w.want(401, w.do("GET", "/api/v4/users/who_am_i", ""))
	w.want(400, w.open("/oauth/authorize", request()))
	w.want(401, w.form("/oauth/token", grant(code)))
	w.server = us
	w.want(200, w.do("GET", "/api/v4/users/who_am_i", ""))
	w.want(200, w.form("/oauth/token", grant(code)))
}

func TestTokensThatEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/api/v4/users/who_am_i"
	w.want(401, w.do("GET", path, "", "Authorization", ""))
	w.want(401, w.do("GET", path, "", "Authorization", "Basic "+w.token))
	w.want(401, w.do("GET", path, "", "Authorization", "Bearer x"))
	tokens, err := w.sim.Issue(t.Context(), "bob@harbor.example", w.firm.App)
	w.noError(err)
	w.want(401, w.do("GET", path, "", "Authorization", "Bearer "+tokens.Refresh))
	w.noError(w.sim.ExpireTokens(t.Context(), "bob@harbor.example"))
	w.want(401, w.do("GET", path, "", "Authorization", "Bearer "+tokens.Access))
	w.want(200, w.form("/oauth/token", grant("", "grant_type", "refresh_token", "refresh_token", tokens.Refresh)))
	w.noError(w.sim.RevokeUser(t.Context(), "bob@harbor.example"))
	w.want(400, w.form("/oauth/token", grant("", "grant_type", "refresh_token", "refresh_token", tokens.Refresh)))
	w.want(200, w.do("GET", path, "")) // the others' stay
	w.noError(w.sim.RevokeToken(t.Context(), w.token))
	got := w.want(401, w.do("GET", path, ""))
	var flat map[string]string
	if err := json.Unmarshal([]byte(got.body), &flat); err != nil || flat["error"] != "invalid_token" {
		t.Error(got.body)
	}
}
