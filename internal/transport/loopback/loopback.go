// Package loopback waits at this machine's own address for the one request by
// which a browser comes back from signing in somewhere (RFC 8252, section 7.3).
//
// Use Listen, open the page that is to lead back to URL, and Wait. The package
// is internal and promises nothing to others.
package loopback

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	maxHeader = 16 << 10 // bytes of a request's header, and so of its URL
	maxParam  = 4096     // bytes of a parameter
	// maxStrangers is how many wrong requests are answered: a page that guesses
	// states never gets near one, and is cut short.
	maxStrangers = 1000
	timeout      = 10 * time.Second // to read a request and to write its answer
)

// ErrStrangers: something on this machine keeps calling the address without
// knowing the state.
var ErrStrangers = errors.New("too many requests that are not the expected one")

// Listener waits at an address of this machine.
type Listener struct {
	net  net.Listener
	path string
}

// Answer is what the browser brought back.
type Answer struct {
	Code string
	// Error is the error's code where there is no Code: "access_denied" if the
	// person declined. It is the other side's word, of letters and "_" only.
	Error string
}

// Listen opens 127.0.0.1 at a port, 0 for a free one. The path begins with "/".
func Listen(ctx context.Context, port int, path string) (*Listener, error) {
	if port < 0 || port > 65535 || path == "" || path[0] != '/' {
		return nil, fmt.Errorf("not a port and a path: %d %q", port, path)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	return &Listener{net: l, path: path}, nil
}

// URL is where the browser is to come back to.
func (l *Listener) URL() string { return "http://" + l.net.Addr().String() + l.path }

// Close stops waiting. It may be called more than once.
func (l *Listener) Close() error {
	if err := l.net.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Wait answers requests until one comes with this state, or until ctx ends,
// and closes the listener. Requests without it are refused and change nothing:
// any page that a browser shows can send them.
func (l *Listener) Wait(ctx context.Context, state string) (Answer, error) {
	h := &handler{listener: l, state: state, host: l.net.Addr().String(), done: make(chan result, 1)}
	server := &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader,
		ReadTimeout: timeout, WriteTimeout: timeout,
		// What strangers send is nothing to report.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	server.SetKeepAlivesEnabled(false)
	var stopped error
	served := make(chan struct{})
	go func() {
		stopped = server.Serve(l.net)
		close(served)
	}()
	defer func() { <-served }()
	select {
	case r := <-h.done:
		// Shutdown lets the page be delivered.
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		if err := server.Shutdown(finish); err != nil {
			_ = server.Close()
		}
		return r.Answer, r.err
	case <-served:
		_ = server.Close()
		return Answer{}, fmt.Errorf("listen for the browser: %w", stopped)
	case <-ctx.Done():
		_ = server.Close()
		return Answer{}, ctx.Err()
	}
}

type result struct {
	Answer
	err error
}

type handler struct {
	listener *Listener
	state    string
	host     string
	done     chan result

	mu        sync.Mutex
	finished  bool
	strangers int
}

// finish hands over the first result.
func (h *handler) finish(r result) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.finished {
		return false
	}
	h.finished = true
	h.done <- r
	return true
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	// A name that somebody else made point here is not this address.
	answer, ok := h.answer(r)
	if r.Host != h.host || r.Method != http.MethodGet || r.URL.EscapedPath() != h.listener.path || !ok {
		h.stranger()
		page(w, http.StatusBadRequest, "This is not the page you are looking for.")
		return
	}
	if !h.finish(result{Answer: answer}) {
		page(w, http.StatusGone, "This was answered before.")
		return
	}
	if answer.Code == "" {
		page(w, http.StatusOK, "Nothing was connected. You can close this page.")
		return
	}
	page(w, http.StatusOK, "Done. You can close this page and go back to where you came from.")
}

// answer reads a request's parameters; false if they are not those of an
// answer with the right state.
func (h *handler) answer(r *http.Request) (Answer, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Answer{}, false
	}
	for _, values := range q {
		if len(values) != 1 || len(values[0]) > maxParam {
			return Answer{}, false
		}
	}
	if h.state == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(h.state)) != 1 {
		return Answer{}, false
	}
	a := Answer{Code: q.Get("code"), Error: q.Get("error")}
	if (a.Code == "") == (a.Error == "") || !word(a.Error) {
		return Answer{}, false
	}
	return a, true
}

// word tells whether s is fit to be shown.
func word(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func (h *handler) stranger() {
	h.mu.Lock()
	h.strangers++
	over := h.strangers > maxStrangers
	h.mu.Unlock()
	if over {
		h.finish(result{err: ErrStrangers})
	}
}

// page writes one sentence; nothing of the request is in it.
func page(w http.ResponseWriter, status int, sentence string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><meta charset=utf-8><title>Underseal</title><p>"+sentence+"</p>\n")
}
