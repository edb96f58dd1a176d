package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/mail"
	"github.com/underseal/underseal/internal/mail/mailtest"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

// certificate makes one for addresses, vouched for by itself.
func certificate(t *testing.T, addresses ...net.IP) (roots *x509.CertPool, files []string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sink"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: addresses,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
		files = append(files, "--"+name, path)
	}
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return roots, files
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func message() mail.Message {
	return mail.Message{To: "bob@example.com", Subject: "Einladung für Bob", Text: "One line.\n" + strings.Repeat("q", 400) + "\n"}
}

// TestSend: in clear on this computer, and with TLS and a password.
func TestSend(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	account := mail.Account{Host: "127.0.0.1", Port: sink.Port, From: "Alice Officer <alice@example.com>"}
	must(t, mail.Send(t.Context(), account, message()))
	got := sink.Mails(t)
	if len(got) != 1 || got[0].TLS || got[0].From != "alice@example.com" || len(got[0].To) != 1 || got[0].To[0] != "bob@example.com" {
		t.Fatalf("%+v", got)
	}
	if head, _, _ := strings.Cut(got[0].Content, "\r\n\r\n"); !strings.Contains(head, "text/plain") || strings.Contains(head, "Bob\r\n") || !strings.Contains(head, "Subject: =?UTF-8?q?Einladung_f=C3=BCr_Bob?=") {
		t.Errorf("head:\n%s", head)
	}

	roots, files := certificate(t, net.IPv4(127, 0, 0, 1))
	password := secret.New([]byte("correct horse"))
	sink = mailtest.Start(t, append(files, "--user", "alice", "--password", "correct horse")...)
	account = mail.Account{Host: "127.0.0.1", Port: sink.Port, User: "alice", Password: password, From: "alice@example.com", Roots: roots}
	must(t, mail.Send(t.Context(), account, message()))
	if got := sink.Mails(t); len(got) != 1 || !got[0].TLS || got[0].User != "alice" {
		t.Errorf("%+v", got)
	}
	for what, change := range map[string]func(*mail.Account){
		"a wrong password":             func(a *mail.Account) { a.Password = secret.New([]byte("battery staple")) },
		"no password":                  func(a *mail.Account) { a.Password = nil },
		"a certificate of nobody's":    func(a *mail.Account) { a.Roots = x509.NewCertPool() },
		"a certificate of another one": func(a *mail.Account) { a.Host = "localhost" },
	} {
		other := account
		change(&other)
		err := mail.Send(t.Context(), other, message())
		if !errors.Is(err, mail.ErrSend) || strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), "staple") || strings.Contains(err.Error(), "qqq") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := sink.Mails(t); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestTLSIsDemanded: to another computer nothing is sent in clear.
func TestTLSIsDemanded(t *testing.T) {
	t.Parallel()
	var outside net.IP
	list, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range list {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			outside = ip.IP
		}
	}
	testenv.Require(t, "a network", outside != nil, "give this computer an address besides the loopback's")
	account := func(s *mailtest.Sink, roots *x509.CertPool) mail.Account {
		return mail.Account{Host: outside.String(), Port: s.Port, From: "alice@example.com", Roots: roots, Timeout: 10 * time.Second}
	}
	open := mailtest.Start(t, "--listen", outside.String())
	if err := mail.Send(t.Context(), account(open, nil), message()); !errors.Is(err, mail.ErrSend) {
		t.Errorf("a server without TLS: %v", err)
	}
	if got := open.Mails(t); len(got) != 0 {
		t.Errorf("sent in clear: %+v", got)
	}
	roots, files := certificate(t, outside)
	closed := mailtest.Start(t, append(files, "--listen", outside.String())...)
	must(t, mail.Send(t.Context(), account(closed, roots), message()))
	if got := closed.Mails(t); len(got) != 1 || !got[0].TLS {
		t.Errorf("%+v", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	good := mail.Account{Host: "127.0.0.1", Port: 1, From: "alice@example.com", Timeout: time.Second}
	for what, c := range map[string]struct {
		change func(*mail.Account, *mail.Message)
		want   error
	}{
		"no host":              {func(a *mail.Account, _ *mail.Message) { a.Host = "" }, mail.ErrAccount},
		"a link for a host":    {func(a *mail.Account, _ *mail.Message) { a.Host = "http://mail" }, mail.ErrAccount},
		"a port above":         {func(a *mail.Account, _ *mail.Message) { a.Port = 65536 }, mail.ErrAccount},
		"no sender":            {func(a *mail.Account, _ *mail.Message) { a.From = "" }, mail.ErrAddress},
		"no recipient":         {func(_ *mail.Account, m *mail.Message) { m.To = "" }, mail.ErrAddress},
		"a recipient of lines": {func(_ *mail.Account, m *mail.Message) { m.To = "bob@example.com\r\nBcc: eve@example.com" }, mail.ErrAddress},
		"nobody answers":       {func(*mail.Account, *mail.Message) {}, mail.ErrSend},
	} {
		a, m := good, message()
		c.change(&a, &m)
		if err := mail.Send(t.Context(), a, m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
