package transport_test

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/underseal/underseal/internal/transport"
)

func TestReadAll(t *testing.T) {
	t.Parallel()
	broken := io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(io.ErrUnexpectedEOF))
	for name, c := range map[string]struct {
		body  io.Reader
		close error
		want  error
	}{
		"nothing":         {strings.NewReader(""), nil, nil},
		"up to the bound": {strings.NewReader("abcd"), nil, nil},
		"one more":        {strings.NewReader("abcde"), nil, transport.ErrTooLarge},
		"endless":         {endless{}, nil, transport.ErrTooLarge},
		"broken off":      {broken, nil, transport.ErrLost},
		"broken at close": {strings.NewReader("ab"), io.ErrUnexpectedEOF, transport.ErrLost},
	} {
		b := &body{Reader: c.body, err: c.close}
		got, err := transport.ReadAll(&transport.Response{Body: b}, 4)
		if !errors.Is(err, c.want) || (err != nil) != (c.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && got != nil {
			t.Errorf("%s: %d bytes of an answer that is not whole", name, len(got))
		}
		if !b.closed {
			t.Errorf("%s: not closed", name)
		}
	}
}

func TestSecure(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"https://app.clio.com/api/v4":   true,
		"https://10.0.0.1:8443":         true,
		"http://127.0.0.1:8080/x":       true,
		"http://127.9.9.9":              true,
		"http://[::1]:80/":              true,
		"http://localhost:1":            true,
		"http://localhost.example":      false,
		"http://app.clio.com":           false,
		"http://10.0.0.1":               false,
		"http://0.0.0.0":                false,
		"http://127.0.0.1.example.com/": false,
		"https://user:pw@app.clio.com":  false,
		"https://user@app.clio.com":     false,
		"https://app.clio.com/#x":       false,
		"https:opaque":                  false,
		"https:///path":                 false,
		"ftp://127.0.0.1":               false,
		"//app.clio.com":                false,
		"":                              false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if transport.Secure(u) != want {
			t.Errorf("%q: %v", raw, !want)
		}
	}
}

type body struct {
	io.Reader
	err    error
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return b.err
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
