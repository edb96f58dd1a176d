package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonStatus struct {
	Identity     *jsonIdentity `json:"identity"`
	KeyStore     string        `json:"key_store,omitempty"`
	Locked       bool          `json:"locked"`
	UnlockedFor  int           `json:"unlocked_seconds"`
	Fingerprint  string        `json:"fingerprint,omitempty"`
	Organization string        `json:"organization,omitempty"`
	Store        string        `json:"store,omitempty"`
	Role         string        `json:"role,omitempty"`
	Pending      string        `json:"pending,omitempty"`
	Head         *jsonHead     `json:"head,omitempty"`
	Synced       *time.Time    `json:"synced,omitempty"`
	Backup       string        `json:"backup"`
}

func newStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show who you are, which organization, and what is pending", Args: cobra.NoArgs,
		Long: `Show who you are, which organization, whether this device is locked, what is
pending, and how old the last head is. It never asks for a passphrase: while
locked it shows what was seen last.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

func (a *app) status(ctx context.Context) error {
	s := jsonStatus{Locked: true, Backup: "none recorded"}
	id, conf, err := a.loadIdentity()
	if errors.Is(err, errNoIdentity) {
		if a.json {
			a.printJSON(s)
			return nil
		}
		a.print("nothing is set up on this device")
		a.next("underseal setup")
		return nil
	} else if err != nil {
		return err
	}
	card := id.Card()
	s.Identity = &jsonIdentity{
		Name: card.Name.Text, Email: card.Email.Text, Member: id.Member().String(), Device: id.Device().String(),
		DeviceLabel: id.DeviceLabel().Text, SafetyNumber: officer.SafetyNumber(id.Member()),
	}
	s.KeyStore = conf.KeyStore
	d := a.unlockedFor(ctx)
	s.UnlockedFor = int(d.Seconds())
	// Only a key file needs a person; everything else answers by itself.
	s.Locked = d == 0 && conf.KeyStore == keystore.KindFile && a.getenv("UNDERSEAL_PASSPHRASE_FILE") == ""
	problem := a.statusOrganization(ctx, &s)
	if a.json {
		a.printJSON(s)
		return problem
	}
	a.printStatus(s)
	return problem
}

// statusOrganization fills in what is known of the organization: by looking,
// if that needs nobody, else from the pin.
func (a *app) statusOrganization(ctx context.Context, s *jsonStatus) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	pin, err := workspace.ReadPin(homeDir(home))
	if errors.Is(err, workspace.ErrNoOrganization) {
		s.Pending = "no organization yet"
		return nil
	} else if err != nil {
		return err
	}
	s.Fingerprint, s.Store = officer.FormatFingerprint(pin.Organization), pin.Location
	s.Head, s.Synced = &jsonHead{Entries: pin.Head.Length, Hash: pin.Head.Hash.String()}, &pin.Synced
	if s.Locked {
		return nil
	}
	w, done, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	f := w.Freshness()
	s.Organization = w.OrganizationName(ctx)
	s.Head, s.Synced = &jsonHead{f.Head.Length, f.Head.Hash.String(), f.HeadTime}, &f.Synced
	if m := w.Me(); m != nil {
		s.Role = m.Role.String()
		for _, r := range w.Fields(ctx) {
			if r.Epoch().Closed && r.Mine.Has(officer.Share) {
				s.Pending = "a closed field waits for somebody with the share right to open its next epoch"
			}
		}
	} else {
		s.Pending = "waiting for an officer to add your card"
	}
	return nil
}

func (a *app) printStatus(s jsonStatus) {
	a.print("you           %s <%s>, on %s", term.Escape(s.Identity.Name), term.Escape(s.Identity.Email), term.Escape(s.Identity.DeviceLabel))
	switch {
	case s.UnlockedFor > 0:
		a.print("key           %s key store, unlocked for %s", s.KeyStore, time.Duration(s.UnlockedFor)*time.Second)
	case s.Locked:
		a.print("key           %s key store, locked", s.KeyStore)
	default:
		a.print("key           %s key store, opens when needed", s.KeyStore)
	}
	if s.Fingerprint != "" {
		if s.Organization != "" {
			a.print("organization  %s", term.Escape(s.Organization))
		}
		a.print("fingerprint   %s", s.Fingerprint)
		a.print("store         %s", term.Escape(s.Store))
		if s.Role != "" {
			a.print("role          %s", s.Role)
		}
		if s.Head.Time.IsZero() {
			a.print("log           %d entries; last read %s ago", s.Head.Entries, age(a.now().Sub(*s.Synced)))
		} else {
			a.print("log           %d entries, the last %s ago; last read %s ago", s.Head.Entries, age(a.now().Sub(s.Head.Time)), age(a.now().Sub(*s.Synced)))
		}
	}
	a.print("backup        %s: keep a copy of UNDERSEAL_HOME and, for a key file, of its passphrase", s.Backup)
	if s.Pending != "" {
		a.print("pending       %s", s.Pending)
	}
	switch {
	case s.Fingerprint == "":
		a.next(`underseal org new "YOUR FIRM" --store dir:/path, or underseal org join`)
	case s.Locked:
		a.next("underseal unlock")
	case s.Role == "":
		a.next("underseal identity card --out you.card, and give it to an officer")
	}
}
