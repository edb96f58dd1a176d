package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

const scheme = dirstore.Scheme

func newOrgCommand(a *app) *cobra.Command {
	return noun("org", "Your organization", "Your organization: found it, join it, see it.",
		newOrgNewCommand(a), newOrgJoinCommand(a), newOrgShowCommand(a), newOrgStatusCommand(a), newOrgRekeyCommand(a), newOrgCatchUpCommand(a), newOrgHeadCommand(a), newOrgEvidenceCommand(a))
}

// storePath is the folder of a store's address.
func storePath(address string) (string, error) {
	path, ok := strings.CutPrefix(address, scheme)
	if !ok || path == "" {
		return "", fmt.Errorf("%.200q: %w", address, errStoreAddress)
	}
	return path, nil
}

// openStore opens the store at an address, and refuses one that says it is
// another organization's before anything of it is read. What it says is not
// proof: the log is.
func (a *app) openStore(address string, org officer.OrganizationID) (store.Store, error) {
	path, err := storePath(address)
	if err != nil {
		return nil, err
	}
	st, err := dirstore.Open(path)
	if err != nil {
		return nil, err
	}
	if st.Info().Organization != org {
		_ = st.Close() // nothing was written
		return nil, fmt.Errorf("%s: %w", path, errOtherOrganization)
	}
	return st, nil
}

func newOrgNewCommand(a *app) *cobra.Command {
	var address string
	c := &cobra.Command{
		Use: "new NAME --store ADDRESS", Short: "Found an organization, with you as its first officer", Args: oneArg("NAME"),
		Long: `Found an organization in an empty folder, with you as its first officer. The
folder is the store: put it where your colleagues can reach it. It holds nothing
that opens without somebody's device, but whoever can write to it can delete it:
keep copies.`,
		Example: `underseal org new "Example LLP" --store dir:/srv/firm`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(args[0]); err != nil {
				return &usageError{err: fmt.Errorf("the name: %w", err)}
			}
			o, err := a.orgNew(cmd.Context(), args[0], address)
			if err == nil && a.json {
				a.printJSON(o, nil)
			}
			return err
		},
	}
	c.Flags().StringVar(&address, "store", "", "`ADDRESS` where it shall rest, such as dir:/srv/firm")
	required(c, "store")
	return c
}

func (a *app) orgNew(ctx context.Context, name, address string) (o jsonOrganization, err error) {
	home, err := a.home()
	if err != nil {
		return o, err
	}
	path, err := storePath(address)
	if err != nil {
		return o, err
	}
	me, err := a.unlock(ctx)
	if err != nil {
		return o, err
	}
	defer me.Lock()
	w, err := workspace.Create(ctx, workspace.Config{Local: homeDir(home), Identity: me, Now: a.now}, strings.TrimSpace(name),
		func(org officer.OrganizationID) (store.Store, error) { return dirstore.Create(path, org) })
	if err != nil {
		return o, err
	}
	defer func() { _ = w.Store().Close() }() // every write was flushed when it was made
	a.warnOfStore(w)
	a.say("founded %s", term.Escape(name))
	o = a.showOrganization(ctx, w)
	a.sayUnlock(ctx)
	a.next("underseal field new phone")
	a.say("      underseal invite create --role member, for each colleague")
	a.say("who is given no invitation types, with the folder as they see it:")
	a.say("  underseal setup --store %s --fingerprint %s", arg(w.Store().Info().Location), o.Fingerprint)
	return o, nil
}

func newOrgJoinCommand(a *app) *cobra.Command {
	var address, fingerprint string
	c := &cobra.Command{
		Use: "join --store ADDRESS --fingerprint FINGERPRINT", Short: "Pin an organization on this device", Args: noArgs,
		Long: `Pin an organization on this device: from now on no other organization and no
older state of this one is accepted. Get the fingerprint from an officer, not
from the store. Until an officer has added your card, you read nothing.

If the store has moved, join again with its new address.`,
		Example: "underseal org join --store dir:/srv/firm --fingerprint underseal-org1…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := a.orgJoin(cmd.Context(), address, fingerprint)
			if err == nil && a.json {
				a.printJSON(o, nil)
			}
			return err
		},
	}
	c.Flags().StringVar(&address, "store", "", "`ADDRESS` where it rests, such as dir:/srv/firm")
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "the organization's `FINGERPRINT`, from an officer")
	required(c, "store", "fingerprint")
	return c
}

func (a *app) orgJoin(ctx context.Context, address, fingerprint string) (o jsonOrganization, err error) {
	home, err := a.home()
	if err != nil {
		return o, err
	}
	org, err := parseFingerprint(fingerprint)
	if err != nil {
		return o, err
	}
	if _, _, err := a.loadIdentity(); err != nil {
		return o, err
	}
	switch pin, err := workspace.ReadPin(homeDir(home)); {
	case err == nil:
		return a.rejoin(ctx, pin, address, org)
	case !errors.Is(err, workspace.ErrNoOrganization):
		return o, err
	}
	err = a.pin(ctx, homeDir(home), address, org, func(w *workspace.Workspace) { o = a.joined(ctx, w) })
	return o, err
}

// pin joins an organization with this device's identity, and shows it to then.
func (a *app) pin(ctx context.Context, home homeDir, address string, org officer.OrganizationID, then func(*workspace.Workspace)) error {
	st, err := a.openStore(address, org)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // nothing is written by joining
	me, err := a.unlock(ctx)
	if err != nil {
		return err
	}
	defer me.Lock()
	w, err := workspace.Join(ctx, workspace.Config{Store: st, Local: home, Identity: me, Now: a.now}, org)
	if err != nil {
		return err
	}
	defer w.Close()
	then(w)
	return nil
}

// parseFingerprint reads a fingerprint that was typed or given by a flag.
func parseFingerprint(typed string) (officer.OrganizationID, error) {
	org, err := officer.ParseFingerprint(strings.TrimSpace(typed))
	if err != nil {
		return org, &usageError{err: fmt.Errorf("the fingerprint: %w", err)}
	}
	return org, nil
}

// checkFingerprint is what ask takes as a fingerprint.
func checkFingerprint(text string) error {
	_, err := officer.ParseFingerprint(text)
	return err
}

// rejoin is a second join of the same organization: its store has moved. The
// pinned head holds at the new place as well.
func (a *app) rejoin(ctx context.Context, pin workspace.Pin, address string, org officer.OrganizationID) (o jsonOrganization, err error) {
	if pin.Organization != org {
		return o, workspace.ErrPinned
	}
	w, done, err := a.openAt(ctx, address, org)
	if err != nil {
		return o, err
	}
	defer done()
	return a.joined(ctx, w), nil
}

func (a *app) joined(ctx context.Context, w *workspace.Workspace) jsonOrganization {
	a.warnOfStore(w)
	o := a.showOrganization(ctx, w)
	a.sayUnlock(ctx)
	if w.Me() == nil {
		a.say("waiting for an officer: nothing opens until your card is added")
		a.next("underseal identity card --out you.card, and give it to an officer")
		return o
	}
	a.next("underseal field list")
	return o
}

// sayUnlock tells those who would be asked for the passphrase each time how to
// be asked once.
func (a *app) sayUnlock(ctx context.Context) {
	if a.locked(ctx) {
		a.next("underseal unlock, so that commands do not ask for the passphrase each time")
	}
}

func newOrgShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the organization, its fingerprint and its head", Args: noArgs,
		Long: `Show the organization: its fingerprint, which colleagues need to join, its store,
and how far its log has come.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			if _, err := w.CompareHeads(ctx); err != nil {
				return err
			}
			if o := a.showOrganization(ctx, w); a.json {
				a.printJSON(o, nil)
			}
			return nil
		}),
	}
}

type jsonHead struct {
	Entries uint64    `json:"entries"`
	Hash    string    `json:"hash"`
	Time    time.Time `json:"time,omitzero"`
}

type jsonOrganization struct {
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint"`
	Store       string   `json:"store"`
	Members     int      `json:"members"`
	Fields      int      `json:"fields"`
	Head        jsonHead `json:"head"`
	Waiting     bool     `json:"waiting"`
}

func headOf(f workspace.Freshness) jsonHead {
	return jsonHead{Entries: f.Head.Length, Hash: f.Head.Hash.String(), Time: f.HeadTime}
}

// showOrganization describes the organization, and prints that for people.
func (a *app) showOrganization(ctx context.Context, w *workspace.Workspace) jsonOrganization {
	f := w.Freshness()
	o := jsonOrganization{
		Name: w.OrganizationName(ctx), Fingerprint: officer.FormatFingerprint(w.Organization()),
		Store: w.Store().Info().Location, Members: len(w.State().Members()), Fields: len(w.Fields(ctx)),
		Head: headOf(f), Waiting: w.Me() == nil,
	}
	if a.json {
		return o
	}
	if o.Name != "" {
		a.print("organization  %s", term.Escape(o.Name))
	}
	a.print("fingerprint   %s", o.Fingerprint)
	a.print("store         %s", term.Escape(o.Store))
	a.print("members       %d", o.Members)
	a.print("fields        %d", o.Fields)
	a.print("log           %s, the last %s", count(int64(o.Head.Entries), "entry", "entries"), age(f.HeadTime, a.now()))
	a.print("fresh         %s", a.freshWords(ctx, w))
	return o
}
