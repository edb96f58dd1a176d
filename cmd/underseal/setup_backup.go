package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/workspace"
)

const backupLater = "later"

func (s setupAnswers) checkBackup() error {
	switch s.backup {
	case "", backupLater:
		if s.backupOut != "" {
			return errors.New("--backup-out needs --backup paper or --backup passphrase")
		}
	case kindPaper, kindPassphrase:
	default:
		return errors.New("--backup is paper, passphrase or later")
	}
	return nil
}

// setupBackup is the last step: a lost secret is lost data. It urges, and makes
// and checks a backup if the person wants to; status goes on until there is one.
func (a *app) setupBackup(ctx context.Context, s setupAnswers) error {
	a.say("\nStep 3 of 3: a backup. Without one, the loss of this device is the loss of your keys.")
	home, err := a.home()
	if err != nil {
		return err
	}
	if _, err := workspace.ReadPin(homeDir(home)); errors.Is(err, workspace.ErrNoOrganization) {
		a.say("  It is made once you belong to an organization.")
		return nil
	}
	// Not to be asked for a passphrase, for no more than a reminder.
	if a.held == nil && a.locked(ctx) && s.backup == "" {
		if !workspace.ReadBackedUp(homeDir(home)) {
			a.next("underseal backup create --out kit.pdf")
		}
		a.next("underseal status")
		return nil
	}
	return a.with(ctx, func(w *workspace.Workspace) error {
		if w.Me() == nil {
			a.say("  It is made once an officer has added you: underseal backup create --out kit.pdf")
			return nil
		}
		switch done, err := w.BackedUp(); {
		case err != nil:
			return err
		case done:
			a.say("  You have one that was rehearsed.")
			a.next("underseal status")
			return nil
		}
		return a.offerBackup(ctx, w, s)
	})
}

func (a *app) offerBackup(ctx context.Context, w *workspace.Workspace, s setupAnswers) error {
	f := backupFlags{kind: s.backup, out: s.backupOut, paper: "a4", passphraseFile: s.passphraseFile}
	if f.kind == "" {
		p, err := a.prompt()
		if err != nil { // nobody to urge
			f.kind = backupLater
		} else {
			choice, err := p.Choose(ctx, "  Which one?", []string{
				"a paper kit: a page to print and lock away",
				"a file under a passphrase, to keep on another medium",
				"none now",
			})
			if err != nil {
				return err
			}
			f.kind = [...]string{kindPaper, kindPassphrase, backupLater}[choice]
		}
	}
	if f.kind == backupLater {
		a.next("underseal backup create --out kit.pdf, and soon")
		return nil
	}
	if err := a.ask(ctx, &f.out, "backup-out", "  The file to write, such as kit.pdf:", notEmpty); err != nil {
		return err
	}
	if _, err := a.createBackup(ctx, w, f); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return a.offerCheck(ctx, w, f)
}

// offerCheck proves the new backup at once, if somebody is there who can.
func (a *app) offerCheck(ctx context.Context, w *workspace.Workspace, f backupFlags) error {
	p, err := a.prompt()
	if err != nil {
		return nil //nolint:nilerr // status will nag
	}
	question := "Check it now, with the printed page in your hand?"
	args := []string(nil)
	if f.kind == kindPassphrase {
		question, args = "Check it now? It asks for the passphrase of the backup", []string{f.out}
	}
	ok, err := p.Confirm(ctx, question)
	if err != nil || !ok {
		return err
	}
	_, err = a.checkBackup(ctx, w, args, "")
	return err
}
