// Package mail hands one message to a person's own mail server. [Send] wants
// TLS with a certificate that the system trusts, unless the server is this very
// computer and asks for no password, and never falls back. The message is plain
// text.
//
// The package is the command line's, promises nothing, and is not for js/wasm.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/underseal/underseal/internal/secret"
)

var (
	// ErrAccount: the account cannot be used as it is given.
	ErrAccount = errors.New("not a mail account")
	// ErrAddress: not an address that mail can be sent to.
	ErrAddress = errors.New("not a mail address")
	// ErrSend is wrapped by every failure of the server or of the way to it.
	// Whether the message was taken may be unknown.
	ErrSend = errors.New("the mail could not be sent")
	// ErrNoTLS: the server does not encrypt. Nothing was sent, no password
	// either. It comes within ErrSend.
	ErrNoTLS = errors.New("the mail server offers no encryption (TLS)")
)

// implicitTLS is the port on which TLS comes before anything else (RFC 8314);
// on every other it is asked for and demanded.
const implicitTLS = 465

// Account is where mail is handed in.
type Account struct {
	Host     string
	Port     int // 0 is 587
	User     string
	Password *secret.Bytes // nil: the server asks for none
	From     string
	// Roots are the authorities that may vouch for the server; nil means the
	// system's.
	Roots *x509.CertPool
	// Timeout bounds each step of the exchange; 0 is half a minute.
	Timeout time.Duration
}

// Message is a mail of plain text.
type Message struct{ To, Subject, Text string }

// loopback tells whether a host is this very computer, by its name alone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Check tells whether mail could be sent, without asking anybody.
func (a Account) Check() error {
	switch {
	case a.Host == "" || strings.ContainsAny(a.Host, " \t\r\n/@"):
		return fmt.Errorf("%w: host", ErrAccount)
	case a.Port < 0 || a.Port > 65535:
		return fmt.Errorf("%w: port", ErrAccount)
	case mail.NewMsg().From(a.From) != nil:
		return fmt.Errorf("%w: sender", ErrAddress)
	}
	return nil
}

// Send hands a message over. Its errors hold nothing of the message and no
// password.
func Send(ctx context.Context, a Account, m Message) error {
	if err := a.Check(); err != nil {
		return err
	}
	msg := mail.NewMsg()
	if msg.From(a.From) != nil {
		return fmt.Errorf("%w: sender", ErrAddress)
	}
	if msg.To(m.To) != nil {
		return fmt.Errorf("%w: recipient", ErrAddress)
	}
	msg.Subject(m.Subject)
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.SetDate()
	msg.SetMessageID()
	client, err := mail.NewClient(a.Host, a.options()...)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAccount, err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		if strings.Contains(err.Error(), noTLS) {
			return fmt.Errorf("%w: %w", ErrSend, ErrNoTLS)
		}
		return fmt.Errorf("%w: %w", ErrSend, err)
	}
	return nil
}

// noTLS is how the library, which has no error of its own for it, says that a
// server without encryption was left alone.
const noTLS = "does not support STARTTLS"

func (a Account) options() []mail.Option {
	port := a.Port
	if port == 0 {
		port = mail.DefaultPortTLS
	}
	timeout := a.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	policy := mail.TLSMandatory
	// Any program can listen where the server of this computer is not running.
	// It would get the password, or what one can guess it from: no mechanism
	// that goes without encryption withholds both.
	if loopback(a.Host) && a.Password == nil {
		policy = mail.TLSOpportunistic
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTLSPolicy(policy), mail.WithTimeout(timeout), mail.WithoutNoop(),
		mail.WithTLSConfig(&tls.Config{ServerName: a.Host, MinVersion: tls.VersionTLS12, RootCAs: a.Roots}),
	}
	if port == implicitTLS {
		options = append(options, mail.WithSSL())
	}
	if a.Password != nil {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(a.User), mail.WithPassword(string(a.Password.Expose())))
	}
	return options
}
