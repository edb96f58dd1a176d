package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type recoveryStart struct {
	name, email, device, store, fingerprint, out string
	force                                        bool
}

type jsonRecoveryStart struct {
	Device       string `json:"device"`
	SafetyNumber string `json:"safety_number"`
	Out          string `json:"out"`
}

func newRecoveryStartCommand(a *app) *cobra.Command {
	var f recoveryStart
	c := &cobra.Command{
		Use: "start --out FILE", Short: "Ask to be brought back, on an empty device", Args: noArgs,
		Long: `Ask to be brought back, on an empty device: you have lost every other one, and
every backup. It makes this device's keys and writes a file for an officer, which
holds no secret. Officers who call you compare the safety number that is shown.
Get the fingerprint of your organization from an officer by voice, or from a
colleague, who types underseal org show.

Type it again to write the file once more. If you have a backup, type instead:
underseal backup restore

` + keyStoreHelp,
		Example: `underseal recovery start --out bob.request --store dir:/srv/firm --fingerprint underseal-org1…`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.recoveryDevice(cmd.Context(), f); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error { return a.startRecovery(w, f) })
		},
	}
	c.Flags().StringVar(&f.name, "name", "", "your `NAME`, as colleagues know it")
	c.Flags().StringVar(&f.email, "email", "", "your `EMAIL`")
	c.Flags().StringVar(&f.device, "device", "", "`LABEL` of this device (default: its host name)")
	c.Flags().StringVar(&f.store, "store", "", "`ADDRESS` where your organization rests, such as dir:/srv/firm")
	c.Flags().StringVar(&f.fingerprint, "fingerprint", "", "your organization's `FINGERPRINT`, from an officer or a colleague")
	c.Flags().StringVar(&f.out, "out", "", "`FILE` to write for an officer, or - for standard output")
	c.Flags().BoolVar(&f.force, "force", false, "replace the file if it exists")
	a.addKeyStore(c)
	required(c, "out")
	must(c.RegisterFlagCompletionFunc("out", files))
	return c
}

// recoveryDevice makes this device and pins the organization, as far as that was
// not done before.
func (a *app) recoveryDevice(ctx context.Context, f recoveryStart) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	switch _, _, err := a.loadIdentity(); {
	case errors.Is(err, errNoIdentity):
		if err := a.askIdentity(ctx, "", f.name, f.email, f.device); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	switch _, err := workspace.ReadPin(homeDir(home)); {
	case err == nil:
		return nil
	case !errors.Is(err, workspace.ErrNoOrganization):
		return err
	}
	if err := a.ask(ctx, &f.store, "store", "The folder where your organization rests, such as /srv/firm:", notEmpty); err != nil {
		return err
	}
	if err := a.ask(ctx, &f.fingerprint, "fingerprint", "Its fingerprint (underseal-org1…), from an officer or a colleague:", checkFingerprint); err != nil {
		return err
	}
	org, err := parseFingerprint(f.fingerprint)
	if err != nil {
		return err
	}
	if f.store, err = storeAddress(f.store); err != nil {
		return err
	}
	return a.pin(ctx, homeDir(home), f.store, org, func(*workspace.Workspace) {})
}

func (a *app) startRecovery(w *workspace.Workspace, f recoveryStart) error {
	file, err := w.RecoveryRequest()
	if err != nil {
		return err
	}
	if err := a.writeOutput(f.out, f.force, file.Encode()); err != nil {
		return err
	}
	id := file.Device.ID()
	if a.json {
		a.printJSON(jsonRecoveryStart{Device: id.String(), SafetyNumber: officer.DeviceSafetyNumber(id), Out: f.out}, nil)
	}
	lines := safetyLines(officer.MemberID(id))
	a.say("the safety number of this device, which you read to each officer who calls you:")
	a.say("    %s\n    %s", lines[0], lines[1])
	if f.out != "-" {
		a.say("wrote %s: give it to an officer, who types: underseal recovery request %s --for YOUR-EMAIL --reason TEXT", term.Escape(f.out), arg(filepath.Base(f.out)))
	}
	a.next("underseal recovery finish, when enough officers have approved")
	return nil
}

// thenFinish ends what status tells a device that waits for officers.
const thenFinish = "; then: underseal recovery finish"

// recoveryPending is what a device that asks to be recovered waits for, or "".
func recoveryPending(w *workspace.Workspace) string {
	r := w.State().Request(w.DeviceID())
	if r == nil || r.Ended {
		return ""
	}
	return fmt.Sprintf("%d of the %d officers that it takes have approved your recovery%s",
		w.State().Approvers(r), w.State().Member(r.Member).Enrolment().Threshold, thenFinish)
}

type jsonRecovered struct {
	Member   string   `json:"member"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Device   string   `json:"device"`
	Removed  []string `json:"removed"`
	Wrong    []uint64 `json:"wrong_shares"`
	Enrolled bool     `json:"enrolled"`
}

func newRecoveryFinishCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "finish", Short: "Become yourself again, when enough officers have approved", Args: noArgs,
		Long: `Become yourself again on this device, when enough officers have approved. Every
other device and backup of yours ends, and every key that they could reach is
changed, or closed until somebody with the share right opens it again. A share
that is not the one of your enrolment is refused, and its officer named. Type it
again after an interruption: it goes on where it stopped.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			r, err := w.FinishRecovery(ctx)
			if err != nil {
				return recoveryHint(err)
			}
			home, err := a.home()
			if err != nil {
				return err
			}
			// The secret and its account stay: it is the same device.
			if err := homeDir(home).Save(identityFile, r.Identity.Encode()); err != nil {
				return err
			}
			out := jsonRecovered{
				Member: r.Member.ID.String(), Name: r.Member.NameText, Email: r.Member.EmailText, Device: r.Identity.Device().String(),
				Removed: []string{}, Wrong: []uint64{}, Enrolled: !r.Unenrolled,
			}
			for _, id := range r.Removed {
				out.Removed = append(out.Removed, id.String())
			}
			for _, s := range r.Wrong {
				out.Wrong = append(out.Wrong, s.Index)
				a.warn("not the share of your enrolment: %s", s)
			}
			if a.json {
				a.printJSON(out, nil)
			}
			a.say("you are %s <%s> again, on this device; %s ended", shown(r.Member.NameText), shown(r.Member.EmailText), count(int64(len(r.Removed)), "other device or backup", "other devices and backups"))
			if r.Unenrolled {
				a.say("officers can no longer bring you back: underseal recovery enroll")
			}
			a.next("underseal backup create; the last one ended too")
			return nil
		}),
	}
}

// recoveryHint says what to do about too few shares.
func recoveryHint(err error) error {
	var short *workspace.ThresholdError
	if !errors.As(err, &short) {
		return err
	}
	switch {
	case len(short.Wrong) > 0:
		return withHint(err, "another officer approves in the place of that one; officers see whose share it is: underseal recovery list")
	case len(short.Missing) > 0:
		return withHint(err, "that officer types once more: underseal recovery approve")
	default:
		return withHint(err, "more officers approve first: underseal recovery approve; nothing was recovered")
	}
}
