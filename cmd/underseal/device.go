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
	"github.com/underseal/underseal/workspace"
)

func newDeviceCommand(a *app) *cobra.Command {
	return noun("device", "Your devices, and those of others", "Your devices, and those of others: list them, add one, remove one that is lost.",
		newDeviceListCommand(a), newDevicePairCommand(a), newDeviceJoinCommand(a), newDeviceRemoveCommand(a))
}

type jsonDevice struct {
	Device    string     `json:"device"`
	Member    string     `json:"member"`
	Kind      string     `json:"kind"`
	Label     string     `json:"label"`
	This      bool       `json:"this"`
	Added     time.Time  `json:"added"`
	AddedBy   string     `json:"added_by"`
	Removed   bool       `json:"removed"`
	RemovedAt *time.Time `json:"removed_at,omitempty"`
	RemovedBy string     `json:"removed_by,omitempty"`
}

type jsonDevices struct {
	Devices []jsonDevice `json:"devices"`
}

// The kinds of device, as people and --json call them.
const (
	kindInstallation = "installation"
	kindPaper        = "paper"
	kindPassphrase   = "passphrase"
)

func kindOf(k officer.DeviceKind) string {
	switch k {
	case officer.DevicePaperKit:
		return kindPaper
	case officer.DevicePassphraseBackup:
		return kindPassphrase
	default:
		return kindInstallation
	}
}

func jsonDeviceOf(d workspace.DeviceInfo) jsonDevice {
	j := jsonDevice{
		Device: d.ID.String(), Member: d.Member.String(), Kind: kindOf(d.Record.Kind), Label: d.LabelText,
		This: d.This, Added: d.AddedTime, AddedBy: d.AddedBy.String(), Removed: d.Removed,
	}
	if d.Removed {
		j.RemovedAt, j.RemovedBy = &d.RemovedTime, d.RemovedBy.String()
	}
	return j
}

// shortID is as much of an id as people compare and type.
const shortID = 8

// labelShown is a device's label. Of somebody's first device the log has a
// commitment alone, until they add another one.
func labelShown(s string) string {
	if s == "" {
		return "(name not shared)"
	}
	return term.Escape(s)
}

// deviceName is a device in a sentence.
func deviceName(d workspace.DeviceInfo) string {
	return fmt.Sprintf("%s (%s, %s)", labelShown(d.LabelText), kindOf(d.Record.Kind), d.ID.String()[:shortID])
}

func newDeviceListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list [EMAIL]", Short: "List your devices, or a colleague's", Args: optionalArg("EMAIL"),
		Long: `List your devices, or a colleague's: computers, paper kits and passphrase backups,
with those that were removed and who removed them.`,
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			member, err := deviceOwner(ctx, w, args)
			if err != nil {
				return err
			}
			list, err := w.Devices(ctx, member)
			if err != nil {
				return err
			}
			if a.json {
				out := jsonDevices{[]jsonDevice{}}
				for _, d := range list {
					out.Devices = append(out.Devices, jsonDeviceOf(d))
				}
				a.printJSON(out, nil)
				return nil
			}
			t := a.table()
			t.row("DEVICE", "LABEL", "KIND", "ADDED", "STATE")
			for _, d := range list {
				state := ""
				switch {
				case d.Removed:
					state = fmt.Sprintf("removed %s by %s", day(d.RemovedTime), d.RemovedBy.String()[:shortID])
				case d.This:
					state = "this one"
				}
				t.row(d.ID.String()[:shortID], labelShown(d.LabelText), kindOf(d.Record.Kind), day(d.AddedTime), state)
			}
			return t.flush()
		}),
	}
}

func day(t time.Time) string { return t.Local().Format(time.DateOnly) }

// deviceOwner is the member with an email, or the caller.
func deviceOwner(ctx context.Context, w *workspace.Workspace, args []string) (officer.MemberID, error) {
	if len(args) > 0 {
		m, err := w.MemberByEmail(ctx, args[0])
		if err != nil {
			return officer.MemberID{}, err
		}
		return m.ID, nil
	}
	if err := standing(w); err != nil {
		return officer.MemberID{}, err
	}
	return w.Me().ID, nil
}

// findDevice finds a device by the beginning of its id, or one of the caller's
// own by its label.
func findDevice(ctx context.Context, w *workspace.Workspace, name string) (officer.DeviceID, error) {
	var found []officer.DeviceID
	add := func(id officer.DeviceID) {
		for _, f := range found {
			if f == id {
				return
			}
		}
		found = append(found, id)
	}
	for _, m := range w.State().Members() {
		for _, id := range m.Devices {
			if len(name) >= shortID && strings.HasPrefix(id.String(), strings.ToLower(name)) {
				add(id)
			}
		}
	}
	if m := w.Me(); m != nil {
		own, err := w.Devices(ctx, m.ID)
		if err != nil {
			return officer.DeviceID{}, err
		}
		for _, d := range own {
			if d.LabelText == name && !d.Removed {
				add(d.ID)
			}
		}
	}
	switch len(found) {
	case 0:
		return officer.DeviceID{}, fmt.Errorf("%.80q: %w", name, errNoDevice)
	case 1:
		return found[0], nil
	default:
		return officer.DeviceID{}, fmt.Errorf("device %.80q: %w", name, workspace.ErrAmbiguous)
	}
}

type jsonRemoval struct {
	jsonDevice
	Own       bool     `json:"own"`
	Rotated   []string `json:"rotated"`
	Closed    []string `json:"closed"`
	Envelopes int      `json:"envelopes"`
	Skipped   int      `json:"skipped"`
	Ends      bool     `json:"recovery_ends"`
	jsonValuesLeft
	Brought []jsonDevice `json:"brought"`
	Done    bool         `json:"done"`
}

func newDeviceRemoveCommand(a *app) *cobra.Command {
	var dryRun, yes bool
	c := &cobra.Command{
		Use: "remove DEVICE", Short: "Remove a device that is lost, or a backup that others saw", Args: oneArg("DEVICE"),
		Long: `Remove a device that is lost, or a backup that others saw: another one of your
own, or, as an officer, anybody's. DEVICE is its label, if it is yours, or the
beginning of its id, as underseal device list shows it.

What the device could reach gets new keys, in the same step; what you cannot
give new keys is closed, until somebody with the share right opens it again. What
it had before it keeps: its copies are beyond anybody's reach.`,
		Example: "underseal device remove laptop --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.canConfirm(yes || dryRun); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				id, err := findDevice(cmd.Context(), w, args[0])
				if err == nil {
					err = a.removeDevice(cmd.Context(), w, id, dryRun, yes)
				}
				if errors.Is(err, officer.ErrLast) {
					return withHint(err, "it is the member's last device: make a backup first, or add another device")
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would change")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) removeDevice(ctx context.Context, w *workspace.Workspace, id officer.DeviceID, dryRun, yes bool) error {
	r, err := w.PlanRemoval(ctx, id)
	if err != nil {
		return err
	}
	left := a.valuesLeft(ctx, w, r.Renewal)
	a.sayRemoval(ctx, w, r, left)
	if !dryRun {
		if err := a.confirm(ctx, yes, "Remove it, and change these keys?"); err != nil {
			return err
		}
		if r, err = w.RemoveDevice(ctx, id); err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(jsonRemovalOf(ctx, w, r, left, !dryRun), nil)
	}
	if dryRun {
		a.say("nothing was changed")
		return nil
	}
	a.say("removed %s", deviceName(r.Device))
	switch {
	case r.Unenrolled:
		a.next("underseal recovery enroll")
	case r.Own:
		a.next("underseal backup list, to see whether a backup is left")
	default:
		a.next("underseal org catch-up, once they have used another device: it seals the new keys to them")
	}
	return nil
}

func jsonRemovalOf(ctx context.Context, w *workspace.Workspace, r workspace.Removal, left jsonValuesLeft, done bool) jsonRemoval {
	x := newWords(ctx, w)
	j := jsonRemoval{
		jsonDevice: jsonDeviceOf(r.Device), Own: r.Own, Rotated: x.keys(r.RotatedGroups, r.Rotated), Closed: x.keys(r.ClosedGroups, r.Closed),
		Envelopes: r.Envelopes, Skipped: r.Skipped, Ends: r.Unenrolled, jsonValuesLeft: left, Brought: []jsonDevice{}, Done: done,
	}
	for _, d := range r.Added {
		j.Brought = append(j.Brought, jsonDeviceOf(d))
	}
	return j
}

// sayRemoval is the plan, for the person who confirms it.
func (a *app) sayRemoval(ctx context.Context, w *workspace.Workspace, r workspace.Removal, left jsonValuesLeft) {
	x := newWords(ctx, w)
	a.say("%s of %s, added %s", deviceName(r.Device), x.member(r.Device.Member), day(r.Device.AddedTime))
	if r.Own {
		a.say("  your user key     is replaced, and sealed to the devices that you keep")
	} else {
		a.say("  their user key    is closed, until another device of theirs makes the next")
	}
	if list := x.keys(r.RotatedGroups, r.Rotated); len(list) > 0 {
		a.say("  get a new key     %s", strings.Join(list, ", "))
	}
	if list := x.keys(r.ClosedGroups, r.Closed); len(list) > 0 {
		a.say("  are closed        %s, until somebody with the share right opens them again", strings.Join(list, ", "))
	}
	a.sayEnvelopes(r.Renewal)
	if r.Unenrolled {
		a.say("  recovery          %s", enrollAgain)
	}
	a.sayValuesLeft(left)
	for _, d := range r.Added {
		a.say("  it had added      %s: is that yours? If not, remove it too", term.EscapeTo(deviceName(d), term.MaxShown))
	}
}

// enrollAgain is for whose next user key too few officers hold shares of.
const enrollAgain = "has to be enrolled again: underseal recovery enroll"

// sayEnvelopes is the end of every plan of a removal.
func (a *app) sayEnvelopes(r workspace.Renewal) {
	a.say("  sealed again      %s, to those who stay", count(int64(r.Envelopes), "key", "keys"))
	if r.Skipped > 0 {
		a.say("  to seal later     %s, to those whose own keys are closed", count(int64(r.Skipped), "key", "keys"))
	}
}

// optionalArg wants one argument at most.
func optionalArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s takes one %s at most, and got %d", called(cmd), name, len(args))
		}
		return nil
	}
}
