package cliosim

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed pages.html
var pagesHTML string

// page renders one of the pages of pages.html.
func page(status int, name string, data any) (*answer, error) {
	pages, err := template.New("").Parse(pagesHTML)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	a := &answer{status: status, header: http.Header{}, body: b.Bytes()}
	a.header.Set("Content-Type", "text/html; charset=utf-8")
	a.header.Set("Cache-Control", "no-store")
	a.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	return a, nil
}

// wrong is the page for a request that must not be sent back to where it says
// it came from.
func wrong(why string) (*answer, error) { return page(http.StatusBadRequest, "wrong", why) }

func redirect(to string, q url.Values) (*answer, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	all := u.Query()
	for name, values := range q {
		if values[0] != "" {
			all[name] = values
		}
	}
	u.RawQuery = all.Encode()
	a := &answer{status: http.StatusFound, header: http.Header{}}
	a.header.Set("Location", u.String())
	return a, nil
}

// authorize answers GET and POST /oauth/authorize. The page's form posts what
// the address had, the user who decides, and the decision.
func (t *tx) authorize(r *http.Request, q url.Values, region string) (*answer, error) {
	app, err := t.app(q.Get("client_id"), region)
	if err != nil {
		return nil, err
	}
	if app == nil {
		return wrong("No application of this id is registered in this region.")
	}
	to, state := q.Get("redirect_uri"), q.Get("state")
	if !app.allows(to, r.Host) {
		return wrong("The redirect URI is not the one that was registered.")
	}
	if q.Get("response_type") != "code" {
		return redirect(to, url.Values{"error": {"unsupported_response_type"}, "state": {state}})
	}
	method := q.Get("code_challenge_method")
	if q.Get("code_challenge") != "" && method == "" {
		method = "plain"
	}
	if method != "" && method != "plain" && method != "S256" {
		return redirect(to, url.Values{"error": {"invalid_request"}, "state": {state}})
	}
	email, decision := q.Get("user"), q.Get("decision")
	if r.Method == http.MethodGet {
		email, decision = t.sim.cfg.AutoApprove, "approve"
		if email == "" {
			return t.askApproval(app, q)
		}
	}
	if decision != "approve" {
		if q.Get("redirect_on_decline") == "true" {
			return redirect(to, url.Values{"error": {"access_denied"}, "state": {state}})
		}
		return page(http.StatusOK, "declined", nil)
	}
	user, err := t.user(email)
	if err != nil {
		return nil, err
	}
	if user == nil || !user.is("enabled") {
		return wrong("There is no such user.")
	}
	code, err := t.give(token{
		kind: "code", app: app.ID, user: user.id, region: region,
		data: grant{Redirect: to, Challenge: q.Get("code_challenge"), Method: method},
	}, codeLife)
	if err != nil {
		return nil, err
	}
	return redirect(to, url.Values{"code": {code}, "state": {state}})
}

func (t *tx) askApproval(app *App, q url.Values) (*answer, error) {
	users, err := t.records("kind = 'user' AND json_extract(data, '$.enabled') ORDER BY id")
	if err != nil {
		return nil, err
	}
	var emails []string
	for _, u := range users {
		emails = append(emails, u.text("email"))
	}
	hidden := map[string]string{}
	for name := range q {
		if name != "user" && name != "decision" {
			hidden[name] = q.Get(name)
		}
	}
	return page(http.StatusOK, "approve", map[string]any{"App": app.ID, "Users": emails, "Hidden": hidden})
}

// oauth answers what is below /oauth.
func (s *Sim) oauth(r *http.Request, body []byte, region string) (*answer, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, oauthError(http.StatusBadRequest, "invalid_request", "The form cannot be read")
	}
	var a *answer
	switch r.Method + " " + r.URL.Path {
	case "GET /oauth/approval":
		return page(http.StatusOK, "code", r.URL.Query().Get("code"))
	case "GET /oauth/authorize", "POST /oauth/authorize":
		if r.Method == http.MethodGet {
			form = r.URL.Query()
		}
		err = s.within(r.Context(), true, func(t *tx) (err error) {
			a, err = t.authorize(r, form, region)
			return err
		})
	case "POST /oauth/token":
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			return nil, oauthError(http.StatusBadRequest, "invalid_request", "The request is not a form")
		}
		err = s.within(r.Context(), true, func(t *tx) error {
			data, err := t.exchange(form, region)
			if err != nil {
				return err
			}
			a, err = jsonAnswer(http.StatusOK, data)
			return err
		})
		if a != nil {
			a.header.Set("Cache-Control", "no-store")
		}
	case "POST /oauth/deauthorize":
		err = s.within(r.Context(), true, func(t *tx) error {
			c, err := t.bearer(r, region)
			if err != nil {
				return err
			}
			k, err := t.token(form.Get("token"))
			if err != nil {
				return err
			}
			if k == nil || k.user != c.user.id {
				return oauthError(http.StatusBadRequest, "invalid_request", "The token is not one of this user")
			}
			if err := t.revoke(k.text); err != nil {
				return err
			}
			a, err = jsonAnswer(http.StatusOK, map[string]any{})
			return err
		})
	default:
		return nil, notFound("The page")
	}
	return a, err
}
