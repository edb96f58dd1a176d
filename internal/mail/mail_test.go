package mail_test

import (
	"bufio"
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
	"slices"
	"strconv"
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

// TestNoPasswordWithoutTLS: a program that listens where the server of this
// computer should be offers mechanisms from whose exchange a password can be
// guessed, or none. It hears of no account.
func TestNoPasswordWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, mechanisms := range []string{"CRAM-MD5", "NTLM", "SCRAM-SHA-1 SCRAM-SHA-256", "PLAIN LOGIN"} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		heard := make(chan []string, 1)
		conns := make(chan net.Conn, 1)
		go func() { heard <- listen(l, conns, mechanisms) }()
		_, port, err := net.SplitHostPort(l.Addr().String())
		must(t, err)
		number, err := strconv.Atoi(port)
		must(t, err)
		account := mail.Account{Host: "127.0.0.1", Port: number, User: "alice", Password: secret.New([]byte("correct horse")), From: "alice@example.com"}
		if err := mail.Send(t.Context(), account, message()); !errors.Is(err, mail.ErrNoTLS) || !errors.Is(err, mail.ErrSend) {
			t.Errorf("%s: %v", mechanisms, err)
		}
		must(t, (<-conns).Close()) // the client may leave it open
		must(t, l.Close())
		said := <-heard
		if len(said) == 0 || slices.ContainsFunc(said, func(s string) bool { return !strings.HasPrefix(s, "EHLO ") && s != "QUIT" }) {
			t.Errorf("%s: heard %q", mechanisms, said)
		}
	}
}

// listen answers one client as a mail server without TLS, and tells what it was
// told.
func listen(l net.Listener, conns chan<- net.Conn, mechanisms string) (heard []string) {
	c, err := l.Accept()
	if err != nil {
		close(conns)
		return nil
	}
	conns <- c
	answer := "220 sink\r\n"
	for lines := bufio.NewScanner(c); ; {
		if _, err := c.Write([]byte(answer)); err != nil || !lines.Scan() {
			return heard
		}
		heard = append(heard, lines.Text())
		switch verb, _, _ := strings.Cut(lines.Text(), " "); verb {
		case "EHLO":
			answer = "250-sink\r\n250 AUTH " + mechanisms + "\r\n"
		case "QUIT":
			answer = "221 bye\r\n"
		default:
			answer = "535 no\r\n"
		}
	}
}
