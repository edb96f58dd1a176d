package main

import (
	"context"
	"errors"
	"strings"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/workspace"
)

// beginning is how somebody comes to an organization on an empty device.
type beginning int

const (
	beginPlainly beginning = iota // with an identity; the organization is asked for next
	beginInvited
	beginFounding
	beginPaired
	beginRestored
)

// beginnings are the answers to the first question, in the order of the words.
var beginnings = [...]beginning{beginInvited, beginFounding, beginPaired, beginRestored, beginPlainly}

// askBeginning asks how to begin, unless a flag or an earlier run has said it.
func (a *app) askBeginning(ctx context.Context, home homeDir, s setupAnswers) (beginning, error) {
	switch {
	case s.restore != "":
		return beginRestored, nil
	case s.pair != "", s.answersNothing() && workspace.PairingJoined(home):
		return beginPaired, nil
	case !s.answersNothing():
		return beginPlainly, nil
	}
	p, err := a.prompt()
	if err != nil {
		return beginPlainly, nil //nolint:nilerr // the questions that follow say what is missing
	}
	choice, err := p.Choose(ctx, "How do you begin?", []string{
		"I have an invitation",
		"I want to found an organization, with me as its first officer",
		"I have another device, which shows a code for this one",
		"I have a backup: a paper kit, or a file under a passphrase",
		"none of these; I make my keys, and the rest comes later",
	})
	if err != nil {
		return 0, err
	}
	return beginnings[choice], nil
}

// answersNothing tells that no flag says who this is, nor where they belong.
func (s setupAnswers) answersNothing() bool {
	return s.name+s.email+s.firm+s.fingerprint+s.invitation == ""
}

// setupBeginning brings somebody to an identity, which id is if there is one, and
// tells whether it came with an organization.
func (a *app) setupBeginning(ctx context.Context, id *keyring.Identity, s *setupAnswers) (belongs bool, err error) {
	home, err := a.home()
	if err != nil {
		return false, err
	}
	var how beginning
	if id != nil {
		how, err = interrupted(id, homeDir(home))
	} else {
		how, err = a.askBeginning(ctx, homeDir(home), *s)
	}
	switch {
	case err != nil:
		return false, err
	case how == beginInvited: // before anything is made: what is wrong is mostly the line
		a.say("\nStep 1 of 3: your invitation.")
		return true, a.setupInvited(ctx, *s, "\nStep 2 of 3: who you are.")
	case how == beginPaired:
		return true, a.join(ctx, joinFlags{from: s.pair, store: s.store, device: s.device, wait: workspace.PairingTime, inSetup: true})
	case how == beginRestored:
		return true, a.setupRestored(ctx, *s)
	case id != nil:
		a.say("Step 1 of 3: you are %s <%s> already.", term.Escape(id.Card().Name.Text), term.Escape(id.Card().Email.Text))
		return false, nil
	}
	s.found = how == beginFounding
	a.say("Step 1 of 3: who you are. %s", whoSees)
	return false, a.setupIdentity(ctx, *s)
}

// interrupted tells whether a pairing, or a restoring, was interrupted at its end:
// the identity is that of a later device, which belongs to no organization yet.
func interrupted(id *keyring.Identity, home homeDir) (beginning, error) {
	if id.Device() == id.Card().Card.Device().ID() {
		return beginPlainly, nil
	}
	switch _, err := workspace.ReadPin(home); {
	case !errors.Is(err, workspace.ErrNoOrganization):
		return beginPlainly, err
	case workspace.PairingJoined(home):
		return beginPaired, nil
	default:
		return beginRestored, nil
	}
}

// setupRestored is setup for somebody who has a backup.
func (a *app) setupRestored(ctx context.Context, s setupAnswers) error {
	f := restoreFlags{store: s.store, fingerprint: s.fingerprint, device: s.device, passphraseFile: s.passphraseFile, inSetup: true}
	if s.restore != "" {
		return a.restore(ctx, []string{s.restore}, f)
	}
	p, err := a.prompt()
	if err != nil {
		return withHint(err, "give --restore FILE")
	}
	choice, err := p.Choose(ctx, "Which one is it?", []string{
		"a paper kit; I type its words, or what its code says",
		"a file",
	})
	switch {
	case err != nil:
		return err
	case choice == 0:
		return a.restore(ctx, nil, f)
	}
	var file string
	if err := a.ask(ctx, &file, "restore", "The file, such as me.age:", notEmpty); err != nil {
		return err
	}
	return a.restore(ctx, []string{strings.TrimSpace(file)}, f)
}
