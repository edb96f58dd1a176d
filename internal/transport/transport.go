// Package transport is how the project's code speaks HTTP without linking an
// HTTP client: natively it is internal/transport/nethttp, in a browser fetch.
//
// Use a Transport for single requests; retries, pacing and credentials are the
// caller's, since only the caller knows what may be sent twice. The package is
// internal and promises nothing to others.
package transport

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"net/url"
)

// Transport sends one request and returns its answer, whatever its status.
// It follows no redirect, keeps no cookies, and adds no credentials.
type Transport interface {
	// Do returns an error only where no answer came: ErrRefused if the URL is
	// not one to send anything to, ErrNotSent if the request surely did not
	// reach the server, ErrLost if it may have. The caller closes the answer's
	// Body.
	Do(ctx context.Context, r Request) (*Response, error)
}

// Request is one HTTP request.
type Request struct {
	Method string
	URL    string
	Header Header
	// Body is sent with its length; nil sends none.
	Body []byte
}

// Response is the answer to a request.
type Response struct {
	Status int
	Header Header
	Body   io.ReadCloser
}

// Header holds header fields by canonical name ("Content-Type"), one value each:
// of several the first.
type Header map[string]string

// The errors of Do, wrapped with detail, never with a header or a body.
var (
	// ErrNotSent: the request did not reach the server.
	ErrNotSent = errors.New("the server could not be reached")
	// ErrLost: the connection broke before the answer was there.
	ErrLost = errors.New("the connection broke before the answer came")
	// ErrRefused: the URL is not https, or not a URL at all.
	ErrRefused = errors.New("not a URL that anything is sent to")
	// ErrTooLarge: the answer exceeds its bound.
	ErrTooLarge = errors.New("the answer is too large")
)

// ReadAll reads an answer's body up to limit bytes and closes it. A body that
// breaks off is ErrLost, a longer one ErrTooLarge.
func ReadAll(r *Response, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	closed := r.Body.Close()
	switch {
	case int64(len(b)) > limit:
		return nil, ErrTooLarge
	case err != nil || closed != nil:
		return nil, ErrLost
	}
	return b, nil
}

// Secure tells whether nobody on the way can read or change what goes to u:
// https, or http to this machine itself, for a simulator or a redirect. A URL
// with a password or a fragment is not for requests and never secure.
func Secure(u *url.URL) bool {
	if u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	switch u.Scheme {
	case "https":
		return true
	case "http":
		ip, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	default:
		return false
	}
}
