package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonStatus struct {
	Home         string        `json:"home"`
	Identity     *jsonIdentity `json:"identity"`
	KeyStore     string        `json:"key_store,omitempty"`
	Locked       bool          `json:"locked"`
	UnlockedFor  int           `json:"unlocked_seconds"`
	Organization string        `json:"organization,omitempty"`
	Fingerprint  string        `json:"fingerprint,omitempty"`
	Store        string        `json:"store,omitempty"`
	Role         string        `json:"role,omitempty"`
	Head         *jsonHead     `json:"head,omitempty"`
	Synced       *time.Time    `json:"synced,omitempty"`
	Clio         *jsonClioSeen `json:"clio,omitempty"`
	Backup       bool          `json:"backup"`
	Pending      []string      `json:"pending"`

	invited, removed bool
}

// What may be pending.
const (
	pendingSetup   = "set up this device"
	pendingJoin    = "found or join an organization"
	pendingCard    = "waiting for an officer to add your card"
	pendingRemoved = "this device was removed from the organization"
	pendingBackup  = "no backup of your keys was rehearsed; make one with underseal backup create, then underseal backup check"
	pendingClosed  = "keys are closed, or were missed by somebody, and wait for you; open them with underseal org catch-up"
	pendingOthers  = "removals left something for others to do; see: underseal org status"
	pendingClear   = "protected fields of Clio held values in clear; see: underseal clio status"
)

func newStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show who you are, which organization, and what is pending", Args: noArgs,
		Long: `Show who you are, which organization, whether this device is locked, what is
pending, and how old what was last seen is. It never asks for a passphrase: while
locked it shows what was seen last.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

func (a *app) status(ctx context.Context) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	s := jsonStatus{Home: home, Locked: true, Pending: []string{}}
	id, conf, err := a.loadIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		s.Pending, err = append(s.Pending, pendingSetup), nil
	case err != nil:
		return err
	default:
		j := jsonIdentityOf(id)
		s.Identity, s.KeyStore = &j, conf.KeyStore
		s.UnlockedFor = int(a.unlockedFor(ctx).Seconds())
		s.Locked = a.locked(ctx)
		// Even where the store cannot be read, what is known is shown.
		err = a.statusOrganization(ctx, &s)
	}
	if err == nil && s.Identity != nil && s.Clio == nil {
		s.Clio, err = a.clioSeen(homeDir(home)) // locked, or no organization
	}
	if s.Clio != nil && len(s.Clio.Clear) > 0 {
		s.Pending = append(s.Pending, pendingClear)
	}
	if s.Role != "" && !s.Backup {
		s.Pending = append(s.Pending, pendingBackup)
	}
	if a.json {
		a.printJSON(s, err)
		return err
	}
	a.printStatus(s, err != nil)
	return err
}

// locked tells whether a command that needs the device secret would ask for
// a passphrase. A keyring answers by itself, a passphrase file too.
func (a *app) locked(ctx context.Context) bool {
	_, conf, err := a.loadIdentity()
	return err == nil && conf.KeyStore == keystore.KindFile &&
		a.getenv("UNDERSEAL_PASSPHRASE_FILE") == "" && a.unlockedFor(ctx) == 0
}

// statusOrganization fills in what is known of the organization: by looking,
// if that needs nobody, else from the pin.
func (a *app) statusOrganization(ctx context.Context, s *jsonStatus) error {
	pin, err := workspace.ReadPin(homeDir(s.Home))
	if errors.Is(err, workspace.ErrNoOrganization) {
		s.Pending = append(s.Pending, pendingJoin)
		return nil
	} else if err != nil {
		return err
	}
	s.Fingerprint, s.Store = officer.FormatFingerprint(pin.Organization), pin.Location
	s.Backup = workspace.ReadBackedUp(homeDir(s.Home))
	s.Head, s.Synced = &jsonHead{Entries: pin.Head.Length, Hash: pin.Head.Hash.String()}, &pin.Synced
	if s.Locked {
		return nil
	}
	w, done, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if s.Clio, err = a.clioSeen(homeDir(s.Home)); err != nil {
		return err
	}
	f := w.Freshness()
	head := headOf(f)
	s.Organization, s.Head, s.Synced = w.OrganizationName(ctx), &head, &f.Synced
	if err := a.statusDevices(ctx, w, s); err != nil {
		return err
	}
	if err := a.statusSightings(ctx, w, s); err != nil {
		return err
	}
	if m := w.Me(); m != nil {
		s.Role = m.Role.String()
	} else if id, _, err := a.loadIdentity(); err == nil && w.State().Device(id.Device()) != nil {
		s.removed, s.Pending = true, append(s.Pending, pendingRemoved)
	} else if err := statusJoining(ctx, w, s); err != nil {
		return err
	}
	if err := a.statusInvitations(ctx, w, s); err != nil {
		return err
	}
	if err := statusHanded(ctx, w, s); err != nil {
		return err
	}
	p := w.Pending(ctx)
	switch {
	case slices.ContainsFunc(p.Closed, func(c workspace.ClosedKey) bool { return c.Mine }), slices.ContainsFunc(p.Missed, func(m workspace.MissedKey) bool { return m.Mine }):
		s.Pending = append(s.Pending, pendingClosed)
	case len(p.Closed)+len(p.Missed)+len(p.Expired)+len(p.Demoted) > 0 && s.Role == officer.RoleOfficer.String():
		s.Pending = append(s.Pending, pendingOthers)
	}
	return nil
}

func (a *app) printStatus(s jsonStatus, failed bool) {
	if s.Identity == nil {
		a.print("nothing is set up on this device")
		a.next("underseal setup")
		return
	}
	a.print("you           %s <%s>, on %s", term.Escape(s.Identity.Name), term.Escape(s.Identity.Email), term.Escape(s.Identity.DeviceLabel))
	state := "opens when needed"
	switch {
	case s.UnlockedFor > 0:
		state = "unlocked for " + lasting(time.Duration(s.UnlockedFor)*time.Second)
	case s.Locked:
		state = "locked"
	}
	a.print("secret        in %s, %s", keyStoreName(s.KeyStore), state)
	a.print("home          %s", term.Escape(s.Home))
	if s.Fingerprint != "" {
		if s.Organization != "" {
			a.print("organization  %s", term.Escape(s.Organization))
		}
		a.print("fingerprint   %s", s.Fingerprint)
		a.print("store         %s", term.Escape(s.Store))
		if s.Role != "" {
			a.print("role          %s", s.Role)
		}
		backup := "none that was rehearsed"
		if s.Backup {
			backup = "rehearsed"
		}
		a.print("backup        %s", backup)
		entries := count(int64(s.Head.Entries), "entry", "entries")
		if !s.Head.Time.IsZero() {
			entries += ", the last " + age(s.Head.Time, a.now())
		}
		a.print("log           %s; read %s", entries, age(*s.Synced, a.now()))
	}
	a.printClioSeen(s.Clio)
	for _, p := range s.Pending {
		a.print("pending       %s", p)
	}
	switch {
	case failed, s.removed: // the hint says what to do, or there is nothing
	case s.Fingerprint == "":
		a.next(`underseal setup, or underseal org new, or underseal org join`)
	case s.Locked:
		a.next("underseal unlock")
	case slices.ContainsFunc(s.Pending, func(p string) bool { return strings.HasSuffix(p, thenFinish) }):
		a.next("underseal recovery finish, when enough officers have approved")
	case s.invited:
		a.next("underseal invite list, to see whether you were let in")
	case s.Role == "":
		a.next("underseal identity card --out you.card, and give it to an officer")
	}
}
