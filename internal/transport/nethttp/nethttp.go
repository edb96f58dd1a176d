// Package nethttp is the transport of programs: net/http with bounds on time
// and size, TLS 1.2 at least, and none of what a browser would do by itself
// (redirects, cookies, passwords in URLs).
//
// Use New once for a program and share it: connections are kept and used
// again. The package is internal and promises nothing to others.
package nethttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/underseal/underseal/internal/transport"
)

// The bounds of an exchange.
const (
	connectTimeout = 10 * time.Second // to connect, and again for TLS
	answerTimeout  = 60 * time.Second // from the request to the answer's header
	// wholeTimeout ends an exchange that trickles: pages of records are read
	// within seconds.
	wholeTimeout   = 3 * time.Minute
	idleTimeout    = 90 * time.Second
	maxHeader      = 64 << 10 // bytes of the answer's header
	maxConnections = 16       // to one host
)

// Options are what a caller may want otherwise; the zero value is right for
// programs.
type Options struct {
	// Timeout bounds an exchange from its start to the end of the answer's body;
	// 0 stands for three minutes.
	Timeout time.Duration
	// TLS is used in place of the system's certificates; its lowest version is
	// raised to 1.2.
	TLS *tls.Config
	// Wrap, where set, is put round what speaks to the network: something that
	// counts or checks what passes.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Transport sends requests by net/http. It may be used by several goroutines.
type Transport struct {
	client  *http.Transport
	through http.RoundTripper // client, or what is round it
	timeout time.Duration
}

var _ transport.Transport = (*Transport)(nil)

// New makes a transport. It goes through the proxy that the environment names,
// but never to this machine itself.
func New(o Options) *Transport {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
		config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	}
	if o.Timeout <= 0 {
		o.Timeout = wholeTimeout
	}
	t := &Transport{
		timeout: o.Timeout,
		client: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  min(answerTimeout, o.Timeout),
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
			MaxConnsPerHost:        maxConnections,
			MaxIdleConnsPerHost:    maxConnections,
			ForceAttemptHTTP2:      true,
			// What is read is what was sent: a few bytes never become gigabytes.
			DisableCompression: true,
		},
	}
	t.through = t.client
	if o.Wrap != nil {
		t.through = o.Wrap(t.client)
	}
	return t
}

// Close gives the connections back that nobody uses.
func (t *Transport) Close() { t.client.CloseIdleConnections() }

// Do implements [transport.Transport].
func (t *Transport) Do(ctx context.Context, r transport.Request) (*transport.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil || !transport.Secure(u) {
		return nil, transport.ErrRefused // the URL is not quoted: it may hold a code
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	// A request has surely not been sent if it never had a connection. Whatever
	// happens after that may have happened after the server acted; net/http
	// itself repeats a request only where it wrote nothing of it, or where it is
	// a GET.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		cancel()
		return nil, transport.ErrRefused
	}
	if len(r.Body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	// Not http.Client: it would follow redirects and keep cookies.
	res, err := t.through.RoundTrip(req) //nolint:bodyclose // the caller closes it with the answer
	if err != nil {
		defer cancel()
		return nil, lost(ctx, connected.Load(), err)
	}
	header := make(transport.Header, len(res.Header))
	for name, values := range res.Header {
		header[name] = values[0]
	}
	return &transport.Response{Status: res.StatusCode, Header: header, Body: &body{res.Body, cancel}}, nil
}

// lost says what became of a request without an answer, in words of our own:
// those of net/http quote what the server sent.
func lost(ctx context.Context, connected bool, err error) error {
	result := transport.ErrNotSent
	if connected {
		result = transport.ErrLost
	}
	var (
		name *net.DNSError
		cert *tls.CertificateVerificationError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", result, ctx.Err())
	case connected:
		return result
	case errors.As(err, &name):
		return fmt.Errorf("%w: its name is not known here", result)
	case errors.As(err, &cert):
		return fmt.Errorf("%w: its certificate is not accepted", result)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nothing listens there", result)
	default:
		return result
	}
}

// body ends the time that an exchange may take when the answer was read.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
