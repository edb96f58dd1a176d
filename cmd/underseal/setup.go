package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// setupAnswers are the questions of setup, each with a flag.
type setupAnswers struct {
	name, email, device, firm, store, fingerprint string
	backup, backupOut                             string
	invitation, confirmOfficer, confirmInviter    string
	pair, restore, passphraseFile                 string
	paste, found                                  bool // which question is asked next
}

func newSetupCommand(a *app) *cobra.Command {
	var s setupAnswers
	c := &cobra.Command{
		Use: "setup", Short: "Set up this device, step by step", Args: noArgs,
		Long: `Set up this device, step by step: your identity, your organization, founded or
joined, and a backup of your keys. Every question has a flag. Run it again after
an interruption: it goes on where it stopped.

An empty device begins with an invitation, by founding an organization, with
another device of yours, which shows a code (underseal device pair), or with a
backup. --restore is a passphrase backup, or a text with the words of a paper kit;
without a terminal the words need --fingerprint as well.

` + keyStoreHelp,
		Example: `underseal setup
underseal setup --name "Alice Officer" --email alice@example.com \
    --firm "Example LLP" --store dir:/srv/firm
underseal setup --restore me.age --store dir:/srv/firm`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(s.check(), s.checkBackup()); err != nil {
				return &usageError{err, cmd}
			}
			err := a.setup(cmd.Context(), s)
			if err == nil && a.json {
				err = a.status(cmd.Context())
			}
			return err
		},
	}
	c.Flags().StringVar(&s.name, "name", "", "your `NAME`, as colleagues know it")
	c.Flags().StringVar(&s.email, "email", "", "your `EMAIL`")
	c.Flags().StringVar(&s.device, "device", "", "`LABEL` of this device (default: its host name)")
	c.Flags().StringVar(&s.firm, "firm", "", "found an organization of this `NAME`")
	c.Flags().StringVar(&s.fingerprint, "fingerprint", "", "join the organization with this `FINGERPRINT`")
	c.Flags().StringVar(&s.invitation, "invitation", "", "join by the invitation in this `FILE`, or - for standard input")
	c.Flags().StringVar(&s.confirmOfficer, "confirm-officer", "", "the `EMAIL` of your firm's security officer, from memory, with --invitation")
	c.Flags().StringVar(&s.confirmInviter, "confirm-inviter", "", "the `EMAIL` of who invites you as a guest, from memory, with --invitation")
	c.MarkFlagsMutuallyExclusive("confirm-officer", "confirm-inviter")
	c.Flags().StringVar(&s.pair, "pair", "", "become another device of yours, by the code in this `FILE`, or - for standard input")
	c.Flags().StringVar(&s.store, "store", "", "`ADDRESS` where the organization rests, such as dir:/srv/firm")
	c.Flags().StringVar(&s.backup, "backup", "", "`KIND` of backup to make: paper, passphrase, or later")
	c.Flags().StringVar(&s.backupOut, "backup-out", "", "`FILE` to write the backup to")
	choices(c, "backup", kindPaper, kindPassphrase, backupLater)
	c.Flags().StringVar(&s.restore, "restore", "", "become yourself again by the backup in this `FILE`, or - for standard input")
	c.Flags().StringVar(&s.passphraseFile, "passphrase-file", "", "`FILE` whose first line is the passphrase of the backup")
	must(c.RegisterFlagCompletionFunc("backup-out", files))
	must(c.RegisterFlagCompletionFunc("restore", files))
	must(c.RegisterFlagCompletionFunc("passphrase-file", files))
	must(c.RegisterFlagCompletionFunc("invitation", files))
	must(c.RegisterFlagCompletionFunc("pair", files))
	a.addKeyStore(c)
	return c
}

// check refuses flags that say two things at once.
func (s setupAnswers) check() error {
	switch {
	case s.firm != "" && s.fingerprint != "":
		return errors.New("give either --firm, to found one, or --fingerprint, to join one")
	case s.invitation != "" && s.firm+s.fingerprint != "":
		return errors.New("give --invitation alone: it says which organization to join")
	case s.restore != "" && s.name+s.email+s.firm+s.invitation != "":
		return errors.New("give --restore alone: the backup says who you are")
	case s.pair != "" && s.restore+s.firm+s.fingerprint+s.invitation != "":
		return errors.New("give --pair alone: the other device says who you are")
	default:
		return nil
	}
}

// ask returns an answer given by flag, or asks for it until check likes it.
func (a *app) ask(ctx context.Context, given *string, flag, question string, check func(string) error) error {
	if *given != "" {
		if err := check(*given); err != nil {
			return &usageError{err: err}
		}
		return nil
	}
	p, err := a.prompt()
	if err != nil {
		return withHint(err, "give --"+flag)
	}
	for {
		answer, err := p.Line(ctx, question)
		if err != nil {
			return err
		}
		if err = check(answer); err == nil {
			*given = answer
			return nil
		}
		a.say("%s", err)
	}
}

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("it cannot be empty")
	}
	return nil
}

func (a *app) setup(ctx context.Context, s setupAnswers) error {
	id, _, err := a.loadIdentity()
	if err != nil && !errors.Is(err, errNoIdentity) {
		return err
	}
	belongs, err := a.setupBeginning(ctx, id, &s)
	if err != nil {
		return err
	}
	if !belongs {
		if err := a.setupOrganization(ctx, s); err != nil {
			return err
		}
	}
	if _, _, err := a.loadIdentity(); errors.Is(err, errNoIdentity) {
		return nil // a pairing that waits for the other device
	}
	return a.setupBackup(ctx, s)
}

func (a *app) setupIdentity(ctx context.Context, s setupAnswers) error {
	if err := a.askIdentity(ctx, "  ", s.name, s.email, s.device); err != nil {
		return err
	}
	_, conf, err := a.loadIdentity()
	if err != nil {
		return err
	}
	a.say("  Made your identity. Its secret is in %s.", keyStoreName(conf.KeyStore))
	return nil
}

func keyStoreName(kind string) string {
	if kind == keystore.KindFile {
		return "a file under your passphrase"
	}
	return "this system's keyring"
}

// setupKeyStore asks where the secret shall rest if no place suggests itself.
// Nothing is chosen without saying so.
func (a *app) setupKeyStore(ctx context.Context) error {
	_, err := a.chooseStore(ctx, "")
	if !errors.Is(err, keystore.ErrNoStore) {
		return err
	}
	p, promptErr := a.prompt()
	if promptErr != nil {
		return err
	}
	a.say("  No keyring of this system answers, which would keep the secret of this device.")
	choice, promptErr := p.Choose(ctx, "  Where shall it rest?", []string{
		"in a file, under a passphrase that I choose now",
		"nowhere yet; I start the keyring first",
	})
	if promptErr != nil {
		return promptErr
	}
	if choice != 0 {
		return err
	}
	a.keyStore = keystore.KindFile
	return nil
}

func (a *app) setupOrganization(ctx context.Context, s setupAnswers) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	if pin, err := workspace.ReadPin(homeDir(home)); err == nil {
		a.say("\nStep 2 of 3: this device belongs to an organization already.")
		a.say("  %s", officer.FormatFingerprint(pin.Organization))
		return nil
	} else if !errors.Is(err, workspace.ErrNoOrganization) {
		return err
	}
	a.say("\nStep 2 of 3: your organization.")
	if s.found {
		if err := a.ask(ctx, &s.firm, "firm", "  Its name:", notEmpty); err != nil {
			return err
		}
	}
	if s.firm == "" && s.fingerprint == "" && s.invitation == "" {
		if err := a.askOrganization(ctx, &s); err != nil {
			return err
		}
	}
	if s.invitation != "" || s.paste {
		return a.setupInvited(ctx, s, "")
	}
	if s.firm == "" && s.fingerprint == "" {
		a.next(`underseal setup, when you are ready`)
		return nil
	}
	where := "  The folder where it shall rest, empty or new, such as /srv/firm:"
	if s.firm == "" {
		where = "  The folder where it rests, such as /srv/firm:"
	}
	if err := a.ask(ctx, &s.store, "store", where, notEmpty); err != nil {
		return err
	}
	if s.store, err = storeAddress(s.store); err != nil {
		return err
	}
	if s.firm != "" {
		_, err = a.orgNew(ctx, s.firm, s.store)
	} else {
		_, err = a.orgJoin(ctx, s.store, s.fingerprint)
	}
	return err
}

func (a *app) askOrganization(ctx context.Context, s *setupAnswers) error {
	p, err := a.prompt()
	if err != nil {
		return withHint(err, "give --firm NAME to found one, or --invitation FILE or --fingerprint to join one")
	}
	choice, err := p.Choose(ctx, "  What do you want?", []string{
		"found a new one, with me as its first officer",
		"join one; I have an invitation",
		"join one; I have its fingerprint from an officer",
		"neither for now",
	})
	switch {
	case err != nil:
		return err
	case choice == 0:
		return a.ask(ctx, &s.firm, "firm", "  Its name:", notEmpty)
	case choice == 1:
		s.paste = true
		return nil
	case choice == 2:
		return a.ask(ctx, &s.fingerprint, "fingerprint", "  Its fingerprint (underseal-org1…):", checkFingerprint)
	}
	return nil
}

// setupInvited joins by an invitation. step is where that makes the identity.
func (a *app) setupInvited(ctx context.Context, s setupAnswers, step string) error {
	_, err := a.acceptInvitation(ctx, acceptFlags{from: s.invitation, store: s.store, officer: s.confirmOfficer, inviter: s.confirmInviter, setupAnswers: s, step: step})
	return err
}

// storeAddress makes an address of what people type: often a bare path, which
// may begin with the home folder's sign or, on Windows, with a drive.
func storeAddress(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if strings.HasPrefix(typed, scheme) {
		return typed, nil
	}
	if rest, ok := strings.CutPrefix(typed, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		typed = filepath.Join(home, rest)
	}
	path, err := filepath.Abs(typed)
	if err != nil {
		return "", err
	}
	return scheme + path, nil
}
