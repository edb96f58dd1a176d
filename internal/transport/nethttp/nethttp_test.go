package nethttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/underseal/underseal/internal/transport"
	"github.com/underseal/underseal/internal/transport/nethttp"
)

// serve starts a server and returns its address and a transport.
func serve(t *testing.T, h http.HandlerFunc) (string, *nethttp.Transport) {
	t.Helper()
	s := httptest.NewServer(h)
	c := nethttp.New(nethttp.Options{})
	t.Cleanup(func() { c.Close(); s.Close() })
	return s.URL, c
}

func get(u string) transport.Request { return transport.Request{Method: http.MethodGet, URL: u} }

func TestExchange(t *testing.T) {
	t.Parallel()
	u, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPatch || r.ContentLength != 3 || string(b) != "abc" || r.Header.Get("If-Match") != `"1"` {
			t.Errorf("%s %d %q %v", r.Method, r.ContentLength, b, r.Header)
		}
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie was kept")
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Add("X-Twice", "one")
		w.Header().Add("X-Twice", "two")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	})
	for range 2 {
		res, err := c.Do(t.Context(), transport.Request{
			Method: http.MethodPatch, URL: u, Body: []byte("abc"), Header: transport.Header{"If-Match": `"1"`},
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := transport.ReadAll(res, 10)
		if err != nil || string(b) != "short" || res.Status != http.StatusTeapot || res.Header["X-Twice"] != "one" {
			t.Errorf("%d %q %v %v", res.Status, b, res.Header, err)
		}
	}
}

// TestAttack21Redirect: where an answer leads is never requested.
func TestAttack21Redirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		u, c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		res, err := c.Do(t.Context(), get(u))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transport.ReadAll(res, 1000); err != nil || res.Status != status {
			t.Errorf("%d: %d %v", status, res.Status, err)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	c := nethttp.New(nethttp.Options{})
	for _, u := range []string{"http://192.0.2.1/", "https://u:p@127.0.0.1/", "ftp://127.0.0.1/", "", "::", "https://127.0.0.1/%zz"} {
		if _, err := c.Do(t.Context(), get(u)); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := c.Do(t.Context(), transport.Request{Method: "a b", URL: "https://127.0.0.1/"}); !errors.Is(err, transport.ErrRefused) {
		t.Errorf("method: %v", err)
	}
}

// TestNotSent: nothing of the request left this machine, so it may be sent
// again whatever it does.
func TestNotSent(t *testing.T) {
	t.Parallel()
	c := nethttp.New(nethttp.Options{})
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u := "http://" + l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), get(u)); !errors.Is(err, transport.ErrNotSent) || !strings.Contains(err.Error(), "nothing listens") {
			t.Error(err)
		}
	})
	t.Run("no such name", func(t *testing.T) {
		t.Parallel()
		if _, err := c.Do(t.Context(), get("https://nowhere.invalid/")); !errors.Is(err, transport.ErrNotSent) {
			t.Error(err)
		}
	})
	for name, config := range map[string]*tls.Config{"stranger": {}, "old": {MaxVersion: tls.VersionTLS11}} {
		t.Run("certificate, "+name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }))
			s.TLS = config // an old server is what is tested
			s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			s.StartTLS()
			defer s.Close()
			o := nethttp.Options{}
			if name == "old" {
				// Its certificate is accepted, its version is not.
				o.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
				o.TLS.MinVersion = tls.VersionTLS10 // raised by New
			}
			if _, err := nethttp.New(o).Do(t.Context(), get(s.URL)); !errors.Is(err, transport.ErrNotSent) {
				t.Error(err)
			}
		})
	}
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Do(ctx, get("http://127.0.0.1:1/"))
		if !errors.Is(err, transport.ErrNotSent) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestLost: the server had the request, so it may have acted; and it has it
// once, since only the caller knows what may be sent again.
func TestLost(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}
	var calls atomic.Int32
	u, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/fine" {
			return
		}
		cut(w)
	})
	// Also on a connection that was used before, where net/http might repeat.
	for _, path := range []string{"/cut", "/fine", "/cut"} {
		for _, method := range []string{http.MethodPatch, http.MethodPost, http.MethodDelete} {
			calls.Store(0)
			res, err := c.Do(t.Context(), transport.Request{Method: method, URL: u + path, Body: []byte("{}")})
			if path == "/fine" {
				if err != nil {
					t.Fatal(err)
				}
				_, _ = transport.ReadAll(res, 1)
			} else if !errors.Is(err, transport.ErrLost) || errors.Is(err, context.Canceled) {
				t.Errorf("%s %s: %v", method, path, err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%s %s: sent %d times", method, path, n)
			}
		}
	}
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	u, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		started <- struct{}{}
		<-release
	})
	defer close(release)

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := c.Do(ctx, get(u+"/header")); !errors.Is(err, transport.ErrLost) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	res, err := c.Do(ctx, get(u+"/body"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-started; cancel() }()
	if b, err := transport.ReadAll(res, 10); !errors.Is(err, transport.ErrLost) || b != nil {
		t.Error(err)
	}

	short := nethttp.New(nethttp.Options{Timeout: 1})
	if _, err := short.Do(t.Context(), get(u)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestBounded: neither header nor body of an answer fill the memory, and what
// breaks off is not taken for the end.
func TestBounded(t *testing.T) {
	t.Parallel()
	u, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("a", 1<<20))
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "only this")
		}
	})
	if _, err := c.Do(t.Context(), get(u+"/header")); !errors.Is(err, transport.ErrLost) {
		t.Error(err)
	}
	res, err := c.Do(t.Context(), get(u+"/short"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := transport.ReadAll(res, 1000); !errors.Is(err, transport.ErrLost) {
		t.Errorf("%q %v", b, err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.TLS.Version < tls.VersionTLS12 {
			t.Errorf("%+v", r.TLS)
		}
	}))
	defer s.Close()
	c := nethttp.New(nethttp.Options{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig})
	defer c.Close()
	res, err := c.Do(t.Context(), get(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.ReadAll(res, 0); err != nil || res.Status != http.StatusOK {
		t.Error(res.Status, err)
	}
}
