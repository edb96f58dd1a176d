package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/mail"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// mailFile is the officer's mail account, sealed under a key that derives from
// the device secret (spec/device.md, "Sealed at home").
const mailFile = "mail.sealed"

const mailVersion = 1

// mailAccount is a mail account as it is kept at home.
type mailAccount struct {
	Host     string
	Port     int
	User     string
	From     string
	Password *secret.Bytes // nil: the server asks for none
}

// deliverFlags say how a line gets to who is invited.
type deliverFlags struct {
	deliver, to              string
	host, user, from, pwFile string
	port                     int
	remember                 bool
}

func (f *deliverFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.deliver, "deliver", deliverPrint, "`HOW` the line gets to them: print or mail")
	c.Flags().StringVar(&f.to, "to", "", "`ADDRESS` to send it to, with --deliver mail")
	c.Flags().StringVar(&f.host, "smtp-host", "", "your mail server's `HOST`")
	c.Flags().IntVar(&f.port, "smtp-port", 0, "its `PORT` (default 587; 465 is TLS from the start)")
	c.Flags().StringVar(&f.user, "smtp-user", "", "`NAME` to sign in with there")
	c.Flags().StringVar(&f.from, "smtp-from", "", "your own `ADDRESS`")
	c.Flags().StringVar(&f.pwFile, "smtp-password-file", "", "`FILE` whose first line is the password, or - for standard input")
	c.Flags().BoolVar(&f.remember, "smtp-remember", false, "keep the account on this device, sealed, for the next time")
	choices(c, "deliver", deliverPrint, deliverMail)
	must(c.RegisterFlagCompletionFunc("smtp-password-file", files))
}

func (f deliverFlags) check() error {
	switch {
	case f.deliver == deliverMail && f.to == "":
		return errors.New("--deliver mail needs --to ADDRESS")
	case f.deliver == deliverPrint && f != (deliverFlags{deliver: deliverPrint}):
		return errors.New("--to and --smtp-… are for --deliver mail")
	case f.deliver != deliverPrint && f.deliver != deliverMail:
		return errors.New("--deliver is print or mail")
	}
	return nil
}

// mailAccount is the account that the flags name, or the one that is kept.
func (a *app) mailAccount(ctx context.Context, f deliverFlags) (m mailAccount, err error) {
	if f.deliver != deliverMail {
		return m, nil
	}
	home, err := a.home()
	if err != nil {
		return m, err
	}
	kept, err := loadMail(homeDir(home), a.me.Keys())
	if err != nil {
		return m, err
	}
	m = mailAccount{Host: f.host, Port: f.port, User: f.user, From: f.from}
	if f.host == "" && f.user == "" && f.from == "" && f.port == 0 {
		m = kept
	}
	if f.pwFile != "" {
		if m.Password, err = a.readMailPassword(f.pwFile); err != nil {
			return m, err
		}
	}
	if m.Host == "" || m.From == "" {
		return m, fmt.Errorf("%w: none is given", mail.ErrAccount)
	}
	if m.User != "" && m.Password == nil {
		p, err := a.prompt()
		if err != nil {
			return m, errMailPassword
		}
		if m.Password, err = p.Secret(ctx, "The password of your mail account:"); err != nil {
			return m, err
		}
	}
	account := mail.Account{Host: m.Host, Port: m.Port, User: m.User, From: m.From}
	if err := account.Check(); err != nil {
		return m, err
	}
	if f.remember {
		if err := m.save(homeDir(home), a.me.Keys()); err != nil {
			return m, err
		}
	}
	return m, nil
}

// maxMailPassword bounds the file with it.
const maxMailPassword = 4096

// readMailPassword reads the first line of a file, which may have spaces in it.
func (a *app) readMailPassword(name string) (*secret.Bytes, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(io.LimitReader(a.stdin, maxMailPassword))
	} else {
		b, err = durable.ReadFile(name, maxMailPassword)
	}
	defer clear(b)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
		return nil, fmt.Errorf("%s: %w", term.Escape(name), errMailPassword)
	}
	return secret.New(line), nil
}

// mailWire is what is sealed, as JSON.
type mailWire struct {
	Version  int    `json:"version"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	User     string `json:"user"`
	From     string `json:"from"`
	Password []byte `json:"password"`
}

// loadMail reads the account that is kept; the zero value where there is none.
func loadMail(home workspace.Local, d *keyring.Device) (m mailAccount, err error) {
	b, err := home.Load(mailFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	} else if err != nil {
		return m, err
	}
	s, err := d.OpenSealed(mailFile, b)
	if err != nil {
		return m, fmt.Errorf("%s: %w", mailFile, err)
	}
	defer s.Destroy()
	var w mailWire
	switch err := json.Unmarshal(s.Expose(), &w); {
	case err != nil: // its text would show what it failed at
		return m, fmt.Errorf("%s: %w", mailFile, keyring.ErrSealed)
	case w.Version > mailVersion:
		return m, &wire.VersionError{Format: mailFile, Version: uint64(w.Version)}
	case w.Version < 1:
		return m, fmt.Errorf("%s: %w", mailFile, keyring.ErrSealed)
	}
	m = mailAccount{Host: w.Host, Port: w.Port, User: w.User, From: w.From}
	if len(w.Password) > 0 {
		m.Password = secret.Take(w.Password)
	}
	return m, nil
}

func (m mailAccount) save(home workspace.Local, d *keyring.Device) error {
	body, err := json.Marshal(mailWire{mailVersion, m.Host, m.Port, m.User, m.From, m.Password.Expose()}) // #nosec G117 -- it is sealed before it rests anywhere
	if err != nil {
		return err
	}
	s := secret.Take(body)
	defer s.Destroy()
	b, err := d.Seal(mailFile, s)
	if err != nil {
		return err
	}
	return home.Save(mailFile, b)
}

// The texts of the mail: of an officer's, and of a member's, who invites a guest.
// They have no link: who is led to a page types their line there, and a mail from
// anybody can have one. Nor have they the email that is asked for.
const (
	officersMail = `Hello,

you are invited to read what your firm keeps sealed with Underseal. Three steps:

1. Install Underseal. Your firm tells you how; this mail has no link to it.
` + invitationSteps + `
You will be asked for the email of your firm's security officer: type it from
memory, and not from this mail. Then call that person, at a number that you
know: you compare a safety number, and without that nothing opens.
`
	membersMail = `Hello,

you are invited, as a guest, to read what a firm keeps sealed with Underseal. Three
steps:

1. Install Underseal. Who invites you tells you how; this mail has no link to it.
` + invitationSteps + `
You will be asked for the email of the person who invites you: type it from
memory, and not from this mail. Then call that person, at a number that you
know: you compare a safety number, and without that nothing opens.
`
	invitationSteps = `2. Start it by typing: underseal setup
   When it asks how you begin, choose "I have an invitation".
3. Paste this, which is one line even if it is shown in several:

%s

It works once, for you alone, until %s. Do not pass it on.
`
)

func sendInvitation(ctx context.Context, by officer.Role, info workspace.InvitationInfo, m mailAccount, to string, line *secret.Bytes) error {
	text := officersMail
	if by != officer.RoleOfficer {
		text = membersMail
	}
	return mail.Send(ctx, mail.Account{Host: m.Host, Port: m.Port, User: m.User, Password: m.Password, From: m.From}, mail.Message{
		To: strings.TrimSpace(to), Subject: "Your invitation to Underseal", Text: fmt.Sprintf(text, line.Expose(), info.Expires.Local().Format("2 January 2006, 15:04")),
	})
}
