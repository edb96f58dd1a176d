package cliosim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/cliosim"
)

// TestFaults does the same change under every fault: what the client sees,
// and whether the change was made.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   cliosim.Fault
		status  int // 0: an error
		written bool
		body    string
	}{
		{"429", cliosim.Fault{Do: cliosim.DoStatus, Status: 429, RetryAfter: cliosim.Duration(7 * time.Second)}, 429, false, `"type":"TooManyRequests"`},
		{"500", cliosim.Fault{Do: cliosim.DoStatus, Status: 500}, 500, false, `"type"`},
		{"500 after", cliosim.Fault{Do: cliosim.DoStatus, Status: 500, After: true}, 500, true, `"type"`},
		{"502", cliosim.Fault{Do: cliosim.DoStatus, Status: 502}, 502, false, "<html>"},
		{"503 after", cliosim.Fault{Do: cliosim.DoStatus, Status: 503, After: true}, 503, true, "<html>"},
		{"401", cliosim.Fault{Do: cliosim.DoStatus, Status: 401}, 401, false, `"error":"invalid_token"`},
		{"403", cliosim.Fault{Do: cliosim.DoStatus, Status: 403}, 403, false, "ForbiddenError"},
		{"expired", cliosim.Fault{Do: cliosim.DoExpire}, 401, false, "expired"},
		{"revoked", cliosim.Fault{Do: cliosim.DoRevoke}, 401, false, "revoked"},
		{"cut", cliosim.Fault{Do: cliosim.DoCut}, 0, false, ""},
		{"cut after", cliosim.Fault{Do: cliosim.DoCut, After: true}, 0, true, ""},
		{"truncated", cliosim.Fault{Do: cliosim.DoTruncate, After: true, Bytes: 5}, 0, true, `{"dat`},
		{"slow", cliosim.Fault{Do: cliosim.DoSlow, After: true, Every: cliosim.Duration(time.Millisecond)}, 200, true, `"location":"new"`},
		{"skewed", cliosim.Fault{Do: cliosim.DoSkew, After: true, Skew: cliosim.Duration(-time.Hour)}, 200, true, `"location":"new"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.transport.Lenient(true)
			c.fault.Route, c.fault.Method, c.fault.From = "/api/v4/matters/*", "PATCH", 2
			w.noError(w.sim.SetFaults([]cliosim.Fault{c.fault}))
			patch := func(to string) (reply, error) {
				return w.try(t.Context(), "PATCH", matter+".json?fields=location", `{"data":{"location":"`+to+`"}}`)
			}
			if r, err := patch("old"); err != nil || r.status != 200 {
				t.Fatalf("the first: %v %v", r, err)
			}
			w.want(200, w.do("GET", matter, "")) // another method does not count
			r, err := patch("new")
			if (err != nil) != (c.status == 0) || c.status != 0 && r.status != c.status || !strings.Contains(r.body, c.body) {
				t.Errorf("the second: %v %+v", err, r)
			}
			switch c.name {
			case "429":
				if r.header.Get("Retry-After") != "7" || r.header.Get("X-RateLimit-Remaining") != "0" {
					t.Errorf("%v", r.header)
				}
			case "skewed":
				at, err := http.ParseTime(r.header.Get("Date"))
				if err != nil || !at.Equal(w.clock.now().Add(-time.Hour)) {
					t.Errorf("Date %s", r.header.Get("Date"))
				}
				if want := fmt.Sprint(w.clock.now().Add(time.Minute - time.Hour).Unix()); r.header.Get("X-RateLimit-Reset") != want {
					t.Errorf("reset %s, want %s", r.header.Get("X-RateLimit-Reset"), want)
				}
			case "expired", "revoked":
				w.want(401, w.do("GET", matter, ""))
				tokens, err := w.sim.Issue(t.Context(), w.firm.Users[0], w.firm.App)
				w.noError(err)
				w.token = tokens.Access
			}
			want := map[bool]string{true: "new", false: "old"}[c.written]
			if r := w.do("GET", matter+"?fields=location", ""); r.text("data", "location") != want {
				t.Errorf("location %s, want %s", r.text("data", "location"), want)
			}
			if r, err := patch("third"); err != nil || r.status != 200 {
				t.Errorf("the third: %v %v", r, err)
			}
			if got := w.sim.Counters().Requests["PATCH /api/v4/matters/*"]; got[200]+got[c.status] == 0 || got[c.status] == 0 && c.name != "truncated" {
				t.Errorf("counted %v", got)
			}
		})
	}
}

// TestHang answers nothing until the client leaves or the simulator closes,
// and has performed the request or not.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		w := newWorld(t)
		w.noError(w.sim.SetFaults([]cliosim.Fault{{Route: "/api/v4/matters/*", Method: "PATCH", From: 1, To: 2, Do: cliosim.DoHang, After: after}}))
		hang := func(ctx context.Context) error {
			_, err := w.try(ctx, "PATCH", matter, `{"data":{"location":"new"}}`)
			return err
		}
		counted := func() { // the request hangs when it was counted
			for w.sim.Counters().Requests["PATCH /api/v4/matters/*"][0] == 0 {
				<-time.After(time.Millisecond)
			}
		}
		ctx, leave := context.WithCancel(t.Context())
		go func() { counted(); leave() }()
		if err := hang(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", after, err)
		}
		want := map[bool]string{true: "new", false: "<nil>"}[after]
		if got := w.do("GET", matter+"?fields=location", "").text("data", "location"); got != want {
			t.Errorf("after %v: location %s", after, got)
		}
		w.sim.ResetCounters()
		go func() { counted(); _ = w.sim.Close() }()
		if err := hang(t.Context()); err == nil {
			t.Errorf("after %v: an answer after the end", after)
		}
	}
}

// TestFaultCounts: each fault counts for itself; of two that are due the
// first happens.
func TestFaultCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noError(w.sim.SetFaults([]cliosim.Fault{
		{Route: "/api/v4/users/who_am_i", From: 3, To: 5, Do: cliosim.DoStatus, Status: 503},
		{Route: "/api/v4/users/*", From: 5, To: -1, Do: cliosim.DoStatus, Status: 500},
		{Route: "/api/v4/users/**", From: 99, Do: cliosim.DoCut},
		{Route: "/oauth/**", From: 1, Do: cliosim.DoStatus, Status: 502},
	}))
	var got []int
	for range 7 {
		got = append(got, w.do("GET", "/api/v4/users/who_am_i.json", "").status)
	}
	if fmt.Sprint(got) != "[200 200 503 503 503 500 500]" {
		t.Errorf("got %v", got)
	}
	w.want(502, w.form("/oauth/token", grant("x")))
	w.want(400, w.form("/oauth/token", grant("x")))
	w.noError(w.sim.SetFaults(nil))
	w.want(200, w.do("GET", "/api/v4/users/who_am_i", ""))
}

func TestBadFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, f := range []cliosim.Fault{
		{Route: "[", From: 1, Do: cliosim.DoCut},
		{Route: "/x", Do: cliosim.DoCut},
		{Route: "/x", From: 3, To: 2, Do: cliosim.DoCut},
		{Route: "/x", From: 1, Do: "explode"},
		{Route: "/x", From: 1, Do: cliosim.DoStatus, Status: 200},
		{Route: "/x", From: 1, Do: cliosim.DoTruncate},
		{Route: "/x", From: 1, Do: cliosim.DoExpire, After: true},
	} {
		if err := w.sim.SetFaults([]cliosim.Fault{f}); err == nil {
			t.Errorf("%+v is accepted", f)
		}
	}
}

// sim sends a request to the simulator's own pages.
func (w *world) admin(status int, method, path, body string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+"/_sim/"+path, strings.NewReader(body))
	w.noError(err)
	a, err := http.DefaultClient.Do(r)
	w.noError(err)
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	w.noError(err)
	got := reply{status: a.StatusCode, header: a.Header, body: string(text)}
	return w.want(status, got)
}

// TestAdmin does over HTTP what the methods do.
func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ssn := w.firm.Fields["SSN"]
	const alice = `"email":"alice@harbor.example"`
	edit := fmt.Sprintf(`{%s,"method":"PATCH","path":"/contacts/10000001?fields=title","data":{"title":"Dr"}}`, alice)
	got := w.admin(200, "POST", "person", edit)
	if !strings.Contains(got.body, `"data":{"title":"Dr"},"etag":"\"`) {
		t.Error(got.body)
	}
	rename := fmt.Sprintf(`{%s,"method":"PATCH","path":"/custom_fields/%d","data":{"name":"Tax id"}}`, alice, ssn)
	w.admin(200, "POST", "person", rename)
	if r := w.do("GET", fmt.Sprintf("/api/v4/custom_fields/%d?fields=name", ssn), ""); r.text("data", "name") != "Tax id" {
		t.Error(r.body)
	}
	w.admin(200, "POST", "person", fmt.Sprintf(`{%s,"method":"DELETE","path":"/custom_fields/%d"}`, alice, ssn))
	w.admin(404, "POST", "person", fmt.Sprintf(`{%s,"method":"DELETE","path":"/custom_fields/1"}`, alice))
	w.admin(500, "POST", "person", `{"email":"nobody","method":"GET","path":"/matters"}`)

	w.admin(200, "PUT", "settings", `{"rate_limit":3,"search_lag":"-1s"}`)
	if s := w.sim.Settings(); s.RateLimit != 3 || s.SearchLag >= 0 || s.TextLine != 255 {
		t.Errorf("%+v", s)
	}
	w.admin(400, "PUT", "settings", `{"window":3}`)
	w.admin(200, "PUT", "settings", `{"rate_limit":1000}`)
	w.admin(200, "POST", "index", "")

	w.admin(200, "DELETE", "counters", "")
	w.admin(200, "PUT", "faults", `{"faults":[{"route":"/api/v4/matters","from":1,"do":"status","status":429,"retry_after":"2s"}]}`)
	w.want(429, w.do("GET", "/api/v4/matters", ""))
	if got := w.admin(200, "GET", "counters", "").body; got != `{"requests":{"GET /api/v4/matters":{"429":1}},"total":1,"limited":1}` {
		t.Error(got)
	}
	w.admin(400, "PUT", "faults", `{"faults":[{"route":"/x"}]}`)

	w.admin(200, "POST", "permit", fmt.Sprintf(`{%s,"permissions":{"no_definitions":true}}`, alice))
	w.want(403, w.do("GET", "/api/v4/custom_fields", ""))
	w.admin(200, "POST", "members", `{"set":600001,"fields":[500002]}`)
	w.admin(200, "POST", "expire", `{`+alice+`}`)
	w.want(401, w.do("GET", "/api/v4/matters", ""))
	got = w.admin(200, "POST", "token", fmt.Sprintf(`{%s,"app":%q}`, alice, w.firm.App))
	w.token = strings.Split(got.body, `"`)[3]
	w.want(200, w.do("GET", "/api/v4/matters", ""))
	w.admin(200, "POST", "revoke", fmt.Sprintf(`{"token":%q}`, w.token))
	w.want(401, w.do("GET", "/api/v4/matters", ""))
	w.admin(200, "POST", "revoke", `{`+alice+`}`)

	stored, err := w.sim.Values(t.Context())
	w.noError(err)
	if got := w.admin(200, "GET", "values", "").body; strings.Count(got, `"record":`) != len(stored) || len(stored) != w.firm.Values {
		t.Errorf("%d values, %d seeded", len(stored), w.firm.Values)
	}
	w.admin(404, "GET", "nonsense", "")
	w.admin(400, "POST", "token", "{")
}
