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

func newOrgCommand(a *app) *cobra.Command {
	return noun("org", "Your organization", newOrgNewCommand(a), newOrgJoinCommand(a), newOrgShowCommand(a))
}

// openStore opens the store at an address.
func (a *app) openStore(address string, org officer.OrganizationID) (store.Store, error) {
	path, ok := strings.CutPrefix(address, dirstore.Scheme)
	if !ok || path == "" {
		return nil, errStoreAddress
	}
	st, err := dirstore.Open(path)
	if err != nil {
		return nil, err
	}
	if err := checkOrganization(st, org); err != nil {
		_ = st.Close()
		return nil, err
	}
	return st, nil
}

func newOrgNewCommand(a *app) *cobra.Command {
	var address string
	c := &cobra.Command{
		Use: "new NAME", Short: "Found an organization, with you as its first officer", Args: cobra.ExactArgs(1),
		Long: `Found an organization in an empty folder, with you as its first officer. The
folder is the store: put it where your colleagues can reach it. It holds nothing
that opens without somebody's device, and whoever can write to it can delete it:
keep copies.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.orgNew(cmd.Context(), args[0], address)
		},
	}
	c.Flags().StringVar(&address, "store", "", "where it rests, such as dir:/srv/firm")
	required(c, "store")
	return c
}

func (a *app) orgNew(ctx context.Context, name, address string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(address, dirstore.Scheme)
	if !ok || path == "" {
		return errStoreAddress
	}
	me, err := a.unlock(ctx)
	if err != nil {
		return err
	}
	defer me.Lock()
	w, err := workspace.Create(ctx, workspace.Config{Local: homeDir(home), Identity: me, Now: a.now}, strings.TrimSpace(name),
		func(org officer.OrganizationID) (store.Store, error) { return dirstore.Create(path, org) })
	if err != nil {
		return err
	}
	defer func() { _ = w.Store().Close() }()
	for _, warning := range w.Store().Info().Warnings {
		a.warn("%s", warning)
	}
	a.say("founded %s", term.Escape(name))
	a.showOrganization(ctx, w)
	a.next("underseal field new phone; colleagues type: underseal org join --store %s --fingerprint %s", term.Escape(address), officer.FormatFingerprint(w.Organization()))
	return nil
}

func newOrgJoinCommand(a *app) *cobra.Command {
	var address, fingerprint string
	c := &cobra.Command{
		Use: "join", Short: "Pin an organization on this device", Args: cobra.NoArgs,
		Long: `Pin an organization on this device: from now on no other organization and no
older state of this one is accepted. Get the fingerprint from an officer, not
from the store. Until an officer has added your card, you read nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.orgJoin(cmd.Context(), address, fingerprint)
		},
	}
	c.Flags().StringVar(&address, "store", "", "where it rests, such as dir:/srv/firm")
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "the organization's fingerprint, from an officer")
	required(c, "store", "fingerprint")
	return c
}

func (a *app) orgJoin(ctx context.Context, address, fingerprint string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	org, err := officer.ParseFingerprint(fingerprint)
	if err != nil {
		return &usageError{err}
	}
	if _, _, err := a.loadIdentity(); err != nil {
		return err
	}
	st, err := a.openStore(address, org)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	me, err := a.unlock(ctx)
	if err != nil {
		return err
	}
	defer me.Lock()
	w, err := workspace.Join(ctx, workspace.Config{Store: st, Local: homeDir(home), Identity: me, Now: a.now}, org)
	if errors.Is(err, workspace.ErrPinned) {
		return a.rejoin(home, org)
	} else if err != nil {
		return err
	}
	for _, warning := range st.Info().Warnings {
		a.warn("%s", warning)
	}
	a.showOrganization(ctx, w)
	if w.Me() == nil {
		a.say("waiting for an officer: nothing opens until your card is added")
		a.next("underseal identity card --out you.card, and give it to an officer")
		return nil
	}
	a.next("underseal field list")
	return nil
}

// rejoin answers a second join of the same organization.
func (a *app) rejoin(home string, org officer.OrganizationID) error {
	pin, err := workspace.ReadPin(homeDir(home))
	if err != nil {
		return err
	}
	if pin.Organization != org {
		return workspace.ErrPinned
	}
	return withHint(fmt.Errorf("%w: the same one", workspace.ErrPinned), "nothing to do; see: underseal status")
}

func newOrgShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the organization, its fingerprint and its head", Args: cobra.NoArgs,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, _ []string) error {
			a.showOrganization(cmd.Context(), w)
			return nil
		}),
	}
}

type jsonHead struct {
	Entries uint64    `json:"entries"`
	Hash    string    `json:"hash"`
	Time    time.Time `json:"time"`
}

func (a *app) showOrganization(ctx context.Context, w *workspace.Workspace) {
	name, f := w.OrganizationName(ctx), w.Freshness()
	print := officer.FormatFingerprint(w.Organization())
	members, fields := len(w.State().Members()), len(w.Fields(ctx))
	if a.json {
		a.printJSON(struct {
			Name        string   `json:"name"`
			Fingerprint string   `json:"fingerprint"`
			Store       string   `json:"store"`
			Members     int      `json:"members"`
			Fields      int      `json:"fields"`
			Head        jsonHead `json:"head"`
			Waiting     bool     `json:"waiting"`
		}{name, print, w.Store().Info().Location, members, fields, jsonHead{f.Head.Length, f.Head.Hash.String(), f.HeadTime}, w.Me() == nil})
		return
	}
	if name != "" {
		a.print("organization  %s", term.Escape(name))
	}
	a.print("fingerprint   %s", print)
	a.print("store         %s", term.Escape(w.Store().Info().Location))
	a.print("people        %d, with %d field(s)", members, fields)
	a.print("log           %d entries, the last %s ago", f.Head.Length, age(a.now().Sub(f.HeadTime)))
}

// age prints a duration as people say it.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "in the future, by its author's clock; 0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
