package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// setupAnswers are the questions of setup, each with a flag.
type setupAnswers struct {
	name, email, device, firm, store, fingerprint string
}

func newSetupCommand(a *app) *cobra.Command {
	var s setupAnswers
	c := &cobra.Command{
		Use: "setup", Short: "Set up this device, step by step", Args: cobra.NoArgs,
		Long: `Set up this device, step by step: your identity, then your organization, founded
or joined. Every question has a flag. Run it again after an interruption: it goes
on where it stopped.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.setup(cmd.Context(), s) },
	}
	c.Flags().StringVar(&s.name, "name", "", "your name, as colleagues know it")
	c.Flags().StringVar(&s.email, "email", "", "your email")
	c.Flags().StringVar(&s.device, "device", "", "what to call this device (default: its host name)")
	c.Flags().StringVar(&s.firm, "firm", "", "found an organization of this name")
	c.Flags().StringVar(&s.fingerprint, "fingerprint", "", "join the organization with this fingerprint")
	c.Flags().StringVar(&s.store, "store", "", "where the organization rests, such as dir:/srv/firm")
	c.MarkFlagsMutuallyExclusive("firm", "fingerprint")
	return c
}

// ask returns an answer given by flag, or asks for it.
func (a *app) ask(ctx context.Context, given *string, flag, question string) error {
	for strings.TrimSpace(*given) == "" {
		p, err := a.prompt()
		if err != nil {
			return withHint(err, "give --"+flag)
		}
		if *given, err = p.Line(ctx, question); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) setup(ctx context.Context, s setupAnswers) error {
	id, conf, err := a.loadIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		a.say("Step 1 of 3: who you are. Colleagues see this; the store does not.")
		if err := a.ask(ctx, &s.name, "name", "Your name:"); err != nil {
			return err
		}
		if err := a.ask(ctx, &s.email, "email", "Your email:"); err != nil {
			return err
		}
		if id, err = a.newIdentity(ctx, s.name, s.email, s.device); err != nil {
			return err
		}
		if _, conf, err = a.loadIdentity(); err != nil {
			return err
		}
		a.say("Made your identity; its secret rests in the %s key store.", conf.KeyStore)
	case err != nil:
		return err
	default:
		a.say("Step 1 of 3: you are %s <%s> already.", term.Escape(id.Card().Name.Text), term.Escape(id.Card().Email.Text))
	}
	if err := a.sayBackup(conf); err != nil {
		return err
	}
	return a.setupOrganization(ctx, s)
}

// sayBackup is the reminder: a lost secret is lost data.
func (a *app) sayBackup(c config) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	a.say("Step 2 of 3: a copy. If this device is lost and there is no copy, nothing brings your keys back.")
	if c.KeyStore == keystore.KindFile {
		a.say("  Copy %s to a safe place, and keep its passphrase apart from it.", term.Escape(home))
	} else {
		a.say("  The secret is in this system's keyring: include the keyring and %s in this device's backup.", term.Escape(home))
	}
	return nil
}

func (a *app) setupOrganization(ctx context.Context, s setupAnswers) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	if pin, err := workspace.ReadPin(homeDir(home)); err == nil {
		a.say("Step 3 of 3: this device belongs to %s already.", officer.FormatFingerprint(pin.Organization))
		a.next("underseal status")
		return nil
	} else if !errors.Is(err, workspace.ErrNoOrganization) {
		return err
	}
	a.say("Step 3 of 3: your organization.")
	if s.firm == "" && s.fingerprint == "" {
		p, err := a.prompt()
		if err != nil {
			return withHint(err, "give --firm NAME to found one, or --fingerprint to join one")
		}
		choice, err := p.Choose(ctx, "Your organization:", []string{
			"found a new one, with me as its first officer",
			"join one; I have its fingerprint from an officer",
			"later",
		})
		if err != nil {
			return err
		}
		switch choice {
		case 0:
			err = a.ask(ctx, &s.firm, "firm", "Its name:")
		case 1:
			err = a.ask(ctx, &s.fingerprint, "fingerprint", "Its fingerprint (underseal-org1…):")
		default:
			a.next(`underseal org new "YOUR FIRM" --store dir:/path, or underseal org join`)
			return nil
		}
		if err != nil {
			return err
		}
	}
	if err := a.ask(ctx, &s.store, "store", "The folder where it rests, such as dir:/srv/firm:"); err != nil {
		return err
	}
	if !strings.Contains(s.store, ":") { // a bare path is what people type
		path, err := filepath.Abs(s.store)
		if err != nil {
			return err
		}
		s.store = "dir:" + path
	}
	if s.firm != "" {
		return a.orgNew(ctx, s.firm, s.store)
	}
	if err := a.orgJoin(ctx, s.store, s.fingerprint); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}
