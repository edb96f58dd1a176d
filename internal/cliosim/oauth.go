package cliosim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// App is an application that somebody registered with Clio.
type App struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	// Redirects are the addresses it may send people back to, compared as they
	// are.
	Redirects []string `json:"redirects"`
	// Loopback also allows every http://127.0.0.1:PORT address.
	Loopback bool `json:"loopback"`
	// Region it is registered in, that of the configuration where empty.
	Region string `json:"region"`
	// Permissions limit what its tokens can do, whoever they belong to.
	Permissions Permissions `json:"permissions"`
}

// Permissions are what a user or an application lacks. The zero value lacks
// nothing.
type Permissions struct {
	// NoDefinitions: /custom_fields and /custom_field_sets answer 403.
	NoDefinitions bool `json:"no_definitions"`
	// StripValues: values of custom fields come back as bare ids, without an
	// error.
	StripValues bool `json:"strip_values"`
	// NoFieldAdmin: custom fields and sets can be read only.
	NoFieldAdmin bool `json:"no_field_admin"`
	// ReadOnly: nothing can be written.
	ReadOnly bool `json:"read_only"`
}

func (p Permissions) with(q Permissions) Permissions {
	return Permissions{
		NoDefinitions: p.NoDefinitions || q.NoDefinitions, StripValues: p.StripValues || q.StripValues,
		NoFieldAdmin: p.NoFieldAdmin || q.NoFieldAdmin, ReadOnly: p.ReadOnly || q.ReadOnly,
	}
}

// codeLife is how long an authorization code can be exchanged.
const codeLife = 10 * time.Minute

// token is a row of the table of tokens: an authorization code, an access or
// a refresh token. Those of one approval are a family.
type token struct {
	text, kind, family, app string
	user                    int64
	region                  string
	expires                 int64 // milliseconds since 1970, 0 never
	revoked                 bool
	data                    grant
}

// grant is what an authorization code was given for.
type grant struct {
	Redirect  string `json:"redirect,omitempty"`
	Challenge string `json:"challenge,omitempty"`
	Method    string `json:"method,omitempty"`
}

// Register adds an application, or replaces the one of this id.
func (s *Sim) Register(ctx context.Context, app App) error {
	if app.Region == "" {
		app.Region = s.cfg.Region
	}
	data, err := json.Marshal(app) //nolint:gosec // a simulated secret, kept where the simulator reads it
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	return s.within(ctx, true, func(t *tx) error {
		return t.exec("INSERT INTO app (id, data) VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data", app.ID, string(data))
	})
}

func (t *tx) app(id, region string) (*App, error) {
	var data string
	err := t.QueryRowContext(t.ctx, "SELECT data FROM app WHERE id = ?", id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	var app App
	if err := decode([]byte(data), &app); err != nil {
		return nil, fmt.Errorf("cliosim: app: %w", err)
	}
	if app.Region != region {
		return nil, nil
	}
	return &app, nil
}

// allows tells whether people may be sent back to this address.
func (a *App) allows(redirect, host string) bool {
	if slices.Contains(a.Redirects, redirect) || redirect == "https://"+host+"/oauth/approval" || redirect == "http://"+host+"/oauth/approval" {
		return true
	}
	u, err := url.Parse(redirect)
	return err == nil && a.Loopback && u.Scheme == "http" && u.Hostname() == "127.0.0.1" && u.Port() != "" && u.User == nil && u.Fragment == ""
}

func (t *tx) token(text string) (*token, error) {
	k := &token{}
	var data string
	err := t.QueryRowContext(t.ctx, "SELECT token, kind, family, app, user, region, expires, revoked, data FROM token WHERE token = ?", text).
		Scan(&k.text, &k.kind, &k.family, &k.app, &k.user, &k.region, &k.expires, &k.revoked, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	return k, json.Unmarshal([]byte(data), &k.data)
}

// give makes a token and keeps it.
func (t *tx) give(k token, life time.Duration) (string, error) {
	var err error
	if k.text, err = t.sim.random(); err != nil {
		return "", err
	}
	if k.family == "" {
		k.family = k.text
	}
	if life > 0 {
		k.expires = t.now.Add(life).UnixMilli()
	}
	data, err := json.Marshal(k.data)
	if err != nil {
		return "", fmt.Errorf("cliosim: %w", err)
	}
	return k.text, t.exec("INSERT INTO token (token, kind, family, app, user, region, expires, revoked, data) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
		k.text, k.kind, k.family, k.app, k.user, k.region, k.expires, string(data))
}

// Tokens are what an application holds after somebody approved it.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	// ExpiresIn is how many seconds the access token lasts.
	ExpiresIn int `json:"expires_in"`
}

// Issue gives tokens for a user to the application of this id, as if the user
// had approved it.
func (s *Sim) Issue(ctx context.Context, email, app string) (Tokens, error) {
	var tokens Tokens
	err := s.within(ctx, true, func(t *tx) error {
		a, err := t.app(app, s.cfg.Region)
		if err != nil {
			return err
		}
		if a == nil {
			return fmt.Errorf("cliosim: no application %q in region %s", app, s.cfg.Region)
		}
		user, err := t.user(email)
		if err != nil {
			return err
		}
		if user == nil {
			return fmt.Errorf("cliosim: no user %s", email)
		}
		tokens, err = t.issue(token{app: app, user: user.id, region: s.cfg.Region})
		return err
	})
	return tokens, err
}

func (t *tx) issue(k token) (Tokens, error) {
	life := time.Duration(t.sim.Settings().TokenLife)
	k.kind = "refresh"
	refresh, err := t.give(k, 0)
	if err != nil {
		return Tokens{}, err
	}
	if k.family == "" {
		k.family = refresh
	}
	k.kind = "access"
	access, err := t.give(k, life)
	return Tokens{Access: access, Refresh: refresh, ExpiresIn: int(life / time.Second)}, err
}

func (t *tx) user(email string) (*record, error) {
	found, err := t.records("kind = 'user' AND lower(json_extract(data, '$.email')) = lower(?)", email)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// revoke ends every token of the family that text belongs to.
func (t *tx) revoke(text string) error {
	return t.exec("UPDATE token SET revoked = 1 WHERE family = (SELECT family FROM token WHERE token = ?)", text)
}

// RevokeToken ends an access or refresh token and all that came from the same
// approval, as a person can in Clio's settings.
func (s *Sim) RevokeToken(ctx context.Context, token string) error {
	return s.within(ctx, true, func(t *tx) error { return t.revoke(token) })
}

// RevokeUser ends all tokens of a user.
func (s *Sim) RevokeUser(ctx context.Context, email string) error {
	return s.within(ctx, true, func(t *tx) error {
		return t.exec("UPDATE token SET revoked = 1 WHERE user = (SELECT id FROM record WHERE kind = 'user' AND lower(json_extract(data, '$.email')) = lower(?))", email)
	})
}

// ExpireTokens lets all access tokens of a user expire; refresh tokens stay.
func (s *Sim) ExpireTokens(ctx context.Context, email string) error {
	return s.within(ctx, true, func(t *tx) error {
		return t.exec("UPDATE token SET expires = 1 WHERE kind = 'access' AND user = (SELECT id FROM record WHERE kind = 'user' AND lower(json_extract(data, '$.email')) = lower(?))", email)
	})
}

// Permit sets what a user lacks.
func (s *Sim) Permit(ctx context.Context, email string, p Permissions) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	return s.within(ctx, true, func(t *tx) error {
		user, err := t.user(email)
		if err != nil {
			return err
		}
		if user == nil {
			return fmt.Errorf("cliosim: no user %s", email)
		}
		return t.exec("INSERT INTO permission (user, data) VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data", user.id, string(data))
	})
}

// bearer is the user whose token r carries, and what they may do.
func (t *tx) bearer(r *http.Request, region string) (*caller, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return nil, invalidToken("The access token is missing")
	}
	k, err := t.token(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	switch {
	case k == nil, k.kind != "access", k.region != region:
		return nil, invalidToken("The access token is invalid")
	case k.revoked:
		return nil, invalidToken("The access token was revoked")
	case k.expires <= t.now.UnixMilli():
		return nil, invalidToken("The access token expired")
	}
	c := &caller{token: k.text}
	if c.user, err = t.get("user", k.user); err != nil {
		return nil, err
	}
	app, err := t.app(k.app, region)
	if err != nil {
		return nil, err
	}
	if c.user == nil || !c.user.is("enabled") || app == nil {
		return nil, invalidToken("The access token is invalid")
	}
	var data string
	err = t.QueryRowContext(t.ctx, "SELECT data FROM permission WHERE user = ?", k.user).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	if data != "" {
		if err := json.Unmarshal([]byte(data), &c.lacks); err != nil {
			return nil, fmt.Errorf("cliosim: permissions: %w", err)
		}
	}
	c.lacks = c.lacks.with(app.Permissions)
	return c, nil
}

func oauthError(status int, kind, why string) *apiError {
	return &apiError{status: status, kind: kind, message: why, flat: true}
}

// exchange answers POST /oauth/token.
func (t *tx) exchange(form url.Values, region string) (any, error) {
	app, err := t.app(form.Get("client_id"), region)
	if err != nil {
		return nil, err
	}
	if app == nil || subtle.ConstantTimeCompare([]byte(app.Secret), []byte(form.Get("client_secret"))) != 1 {
		return nil, oauthError(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	invalid := oauthError(http.StatusBadRequest, "invalid_grant", "The grant is invalid, expired, revoked, or was issued to another client")
	kinds := map[string]string{"authorization_code": "code", "refresh_token": "refresh"}
	names := map[string]string{"authorization_code": "code", "refresh_token": "refresh_token"}
	how := form.Get("grant_type")
	if kinds[how] == "" {
		return nil, oauthError(http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported")
	}
	k, err := t.token(form.Get(names[how]))
	if err != nil {
		return nil, err
	}
	if k == nil || k.kind != kinds[how] || k.app != app.ID || k.region != region || k.revoked || k.expires != 0 && k.expires <= t.now.UnixMilli() {
		return nil, invalid
	}
	life := time.Duration(t.sim.Settings().TokenLife)
	if how == "refresh_token" {
		next := token{kind: "access", family: k.family, app: k.app, user: k.user, region: region}
		access, err := t.give(next, life)
		return map[string]any{"token_type": "bearer", "access_token": access, "expires_in": int(life / time.Second)}, err
	}
	if k.data.Redirect != form.Get("redirect_uri") || !k.data.proven(form.Get("code_verifier")) {
		return nil, invalid
	}
	if err := t.exec("UPDATE token SET revoked = 1 WHERE token = ?", k.text); err != nil {
		return nil, err
	}
	tokens, err := t.issue(token{app: k.app, user: k.user, region: region})
	return map[string]any{
		"token_type": "bearer", "access_token": tokens.Access, "refresh_token": tokens.Refresh, "expires_in": tokens.ExpiresIn,
	}, err
}

// proven tells whether verifier belongs to the challenge (RFC 7636); where
// there was no challenge any does.
func (g grant) proven(verifier string) bool {
	got := verifier
	switch {
	case g.Challenge == "":
		return true
	case g.Method == "S256":
		sum := sha256.Sum256([]byte(verifier))
		got = urlText(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(g.Challenge)) == 1
}
