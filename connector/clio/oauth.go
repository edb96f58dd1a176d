package clio

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport"
)

const (
	maxTokenAnswer = 64 << 10 // bytes
	maxToken       = 4096     // bytes of a token, a secret or a code
	maxLife        = 400 * 24 * time.Hour
	// early is how long before its end an access token is not used any more.
	early = time.Minute
)

// App is an application that a firm registered with Clio.
type App struct {
	Site   Site
	ID     string
	Secret *secret.Bytes
}

// Tokens are what Clio gave an App after a person approved it. Whoever has
// them, and the App, acts as that person.
type Tokens struct {
	Access  *secret.Bytes
	Refresh *secret.Bytes
	// Expires is when Access ends, by the clock of this machine; zero where
	// that is not known.
	Expires time.Time
}

// SignIn is one person's way to Clio's page and back.
type SignIn struct {
	// URL is Clio's page, to be opened in a browser.
	URL string
	// State is what the browser brings back unchanged; anything else is not
	// the answer to this.
	State string

	app      App
	redirect string
	verifier string
}

// SignIn begins one. redirect is where the browser is to come back to, as it
// is registered with Clio. Errors are ErrSite.
func (a App) SignIn(redirect string) (SignIn, error) {
	if err := a.check(); err != nil {
		return SignIn{}, err
	}
	s := SignIn{State: random(), app: a, redirect: redirect, verifier: random()}
	challenge := sha256.Sum256([]byte(s.verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {redirect}, "state": {s.State},
		"redirect_on_decline": {"true"},
		// Clio does not say that it knows PKCE (RFC 7636): it does no harm
		// where it is not known, and a code that leaks is of no use where it is.
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	s.URL = a.Site.URL() + "/oauth/authorize?" + q.Encode()
	return s, nil
}

// random is 32 random bytes as text.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (a App) check() error {
	if a.Site.base == nil {
		return ErrSite
	}
	if a.ID == "" || len(a.ID) > maxToken || !headerSafe(string(a.Secret.Expose())) {
		return errors.New("clio: the app's id or secret is missing")
	}
	return nil
}

// Exchange turns the code that the browser brought back into tokens. A code
// works once: after ErrUncertain the person signs in again. Errors are
// connector.ErrUnauthorized where Clio refuses code or app,
// connector.ErrUnavailable, connector.ErrUncertain, connector.ErrMalformed.
func (s SignIn) Exchange(ctx context.Context, t transport.Transport, clock connector.Clock, code string) (Tokens, error) {
	if !headerSafe(code) {
		return Tokens{}, fmt.Errorf("clio: the code: %w", connector.ErrMalformed)
	}
	tokens, _, err := s.app.grant(ctx, t, clock, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.redirect}, "code_verifier": {s.verifier},
	})
	if err == nil && tokens.Refresh == nil {
		err = fmt.Errorf("clio: no refresh token: %w", connector.ErrMalformed)
	}
	if err != nil {
		return Tokens{}, unanswered(err)
	}
	return tokens, nil
}

// refresh asks once for a new access token. It returns the answer's status; t's
// own errors are not translated, for the caller repeats it.
func (a App) refresh(ctx context.Context, t transport.Transport, clock connector.Clock, old Tokens) (Tokens, int, error) {
	tokens, status, err := a.grant(ctx, t, clock, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {string(old.Refresh.Expose())},
	})
	if err == nil && tokens.Refresh == nil {
		tokens.Refresh = old.Refresh // it stays valid
	}
	return tokens, status, err
}

// Deauthorize ends the tokens, all that came of the same approval. That they
// had ended before is no error.
func (a App) Deauthorize(ctx context.Context, t transport.Transport, tokens Tokens) error {
	if err := a.check(); err != nil {
		return err
	}
	status, _, err := a.post(ctx, t, "/oauth/deauthorize", url.Values{"token": {string(tokens.Access.Expose())}},
		transport.Header{"Authorization": "Bearer " + string(tokens.Access.Expose())})
	switch {
	case err != nil:
		return unanswered(err)
	case status == statusOK || status == statusNoContent || status == statusUnauthorized:
		return nil
	default:
		return fmt.Errorf("clio: deauthorize: %w", statusError(status, nil))
	}
}

// unanswered names a failure of the transport by the contract's words.
func unanswered(err error) error {
	switch {
	case errors.Is(err, transport.ErrLost):
		return fmt.Errorf("clio: %w: %w", connector.ErrUncertain, err)
	case errors.Is(err, transport.ErrNotSent):
		return fmt.Errorf("clio: %w: %w", connector.ErrUnavailable, err)
	default:
		return err
	}
}

// post sends a form to the site, once.
func (a App) post(ctx context.Context, t transport.Transport, path string, form url.Values, h transport.Header) (int, []byte, error) {
	header := transport.Header{"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": userAgent}
	for name, value := range h {
		header[name] = value
	}
	res, err := t.Do(ctx, transport.Request{Method: methodPost, URL: a.Site.URL() + path, Header: header, Body: []byte(form.Encode())})
	if err != nil {
		return 0, nil, err
	}
	body, err := transport.ReadAll(res, maxTokenAnswer)
	if errors.Is(err, transport.ErrTooLarge) {
		return 0, nil, fmt.Errorf("clio: %w: %w", connector.ErrMalformed, err)
	}
	return res.Status, body, err
}

// grant asks for tokens. Its errors are those of the transport, and for an
// answer that came those of statusError; with the answer's status.
func (a App) grant(ctx context.Context, t transport.Transport, clock connector.Clock, form url.Values) (Tokens, int, error) {
	if err := a.check(); err != nil {
		return Tokens{}, 0, err
	}
	form.Set("client_id", a.ID)
	form.Set("client_secret", string(a.Secret.Expose()))
	now := clock.Now()
	status, body, err := a.post(ctx, t, "/oauth/token", form, nil)
	if err != nil {
		return Tokens{}, status, err
	}
	if status == statusBadRequest {
		status = statusUnauthorized // invalid_grant: revoked, or a code twice
	}
	if status != statusOK {
		return Tokens{}, status, fmt.Errorf("clio: sign-in: %w", statusError(status, nil))
	}
	defer clear(body)
	var answer struct {
		Type    string `json:"token_type"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"`
	}
	if json.Unmarshal(body, &answer) != nil || !headerSafe(answer.Access) || answer.Refresh != "" && !headerSafe(answer.Refresh) {
		return Tokens{}, status, fmt.Errorf("clio: sign-in: %w", connector.ErrMalformed)
	}
	tokens := Tokens{Access: secret.New([]byte(answer.Access))}
	if answer.Refresh != "" {
		tokens.Refresh = secret.New([]byte(answer.Refresh))
	}
	if life := min(answer.Expires, int64(maxLife/time.Second)); life > 0 {
		tokens.Expires = now.Add(time.Duration(life) * time.Second)
	}
	return tokens, status, nil
}

// headerSafe tells whether s can stand in a header: visible ASCII, not empty,
// bounded.
func headerSafe(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxToken
}
