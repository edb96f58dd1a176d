package loopback_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/transport/loopback"
)

const state = "S3cret-state-of-this-very-request"

type waited struct {
	loopback.Answer
	err error
}

func listen(ctx context.Context, t *testing.T) (*loopback.Listener, <-chan waited) {
	t.Helper()
	l, err := loopback.Listen(t.Context(), 0, "/callback")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan waited, 1)
	go func() {
		a, err := l.Wait(ctx, state)
		done <- waited{a, err}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return l, done
}

func call(t *testing.T, method, u, host string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("header: %v", res.Header)
	}
	for _, secret := range []string{state, "the-code", "access_denied"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	return res.StatusCode, string(b), nil
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]loopback.Answer{
		"code=the-code&state=" + state:       {Code: "the-code"},
		"error=access_denied&state=" + state: {Error: "access_denied"},
	} {
		l, done := listen(t.Context(), t)
		if !strings.HasPrefix(l.URL(), "http://127.0.0.1:") || !strings.HasSuffix(l.URL(), "/callback") {
			t.Errorf("URL: %s", l.URL())
		}
		if status, _, err := call(t, http.MethodGet, l.URL()+"?"+query, ""); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %v", query, status, err)
		}
		if got := <-done; got.err != nil || got.Answer != want {
			t.Errorf("%s: %+v", query, got)
		}
		// One answer, then nobody is at home.
		if _, _, err := call(t, http.MethodGet, l.URL()+"?"+query, ""); err == nil {
			t.Errorf("%s: answered twice", query)
		}
	}
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	l, done := listen(t.Context(), t)
	good := "?code=the-code&state=" + state
	base := strings.TrimSuffix(l.URL(), "/callback")
	for name, c := range map[string]struct{ method, url, host string }{
		"no state":         {"GET", l.URL() + "?code=the-code", ""},
		"another state":    {"GET", l.URL() + "?code=the-code&state=x", ""},
		"state too long":   {"GET", l.URL() + good + "x", ""},
		"state twice":      {"GET", l.URL() + good + "&state=" + state, ""},
		"code twice":       {"GET", l.URL() + good + "&code=b", ""},
		"code and error":   {"GET", l.URL() + good + "&error=access_denied", ""},
		"neither":          {"GET", l.URL() + "?state=" + state, ""},
		"an odd error":     {"GET", l.URL() + "?error=%1b%5b&state=" + state, ""},
		"a long error":     {"GET", l.URL() + "?error=" + strings.Repeat("a", 65) + "&state=" + state, ""},
		"a long code":      {"GET", l.URL() + "?code=" + strings.Repeat("a", 4097) + "&state=" + state, ""},
		"bad escape":       {"GET", l.URL() + good + "&x=%zz", ""},
		"another path":     {"GET", base + "/callback/" + good, ""},
		"an escaped path":  {"GET", base + "/%63allback" + good, ""},
		"the root":         {"GET", base + "/" + good, ""},
		"another method":   {"POST", l.URL() + good, ""},
		"only the header":  {"PUT", l.URL() + good, ""},
		"another name":     {"GET", l.URL() + good, "evil.example"},
		"localhost's name": {"GET", l.URL() + good, "localhost"},
	} {
		if status, _, err := call(t, c.method, c.url, c.host); err != nil || status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, status, err)
		}
	}
	// None of them ended the wait.
	if status, _, err := call(t, http.MethodGet, l.URL()+good, ""); err != nil || status != http.StatusOK {
		t.Fatalf("%d %v", status, err)
	}
	if got := <-done; got.err != nil || got.Code != "the-code" {
		t.Errorf("%+v", got)
	}
}

func TestTooManyStrangers(t *testing.T) {
	t.Parallel()
	l, done := listen(t.Context(), t)
	for range 1001 {
		if _, _, err := call(t, http.MethodGet, l.URL(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-done; !errors.Is(got.err, loopback.ErrStrangers) {
		t.Errorf("%+v", got)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l, done := listen(ctx, t)
	cancel()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%+v", got)
	}
	if _, _, err := call(t, http.MethodGet, l.URL(), ""); err == nil {
		t.Error("still there")
	}

	l, done = listen(t.Context(), t)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := <-done; got.err == nil {
		t.Errorf("%+v", got)
	}
	if err := l.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	for path, port := range map[string]int{"": 0, "callback": 0, "/": 70000, "/x": -1} {
		if _, err := loopback.Listen(t.Context(), port, path); err == nil {
			t.Errorf("%d %q", port, path)
		}
	}
	l, err := loopback.Listen(t.Context(), 0, "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Wait(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a state that is empty: %v", err)
	}
}
