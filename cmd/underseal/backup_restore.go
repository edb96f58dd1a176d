package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan/escrow"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

type restoreFlags struct {
	store, fingerprint, device, passphraseFile string
	inSetup                                    bool
}

func newBackupRestoreCommand(a *app) *cobra.Command {
	var f restoreFlags
	c := &cobra.Command{
		Use: "restore [FILE]", Short: "Become yourself again on an empty device", Args: optionalArg("FILE"),
		Long: `Become yourself again on an empty device, by a backup alone: this device becomes
a new one of yours, with a secret of its own. The backup stays as it is. Run it
again after an interruption: it goes on where it stopped.

` + backupInputHelp + `

Words do not say which organization they are of: compare the fingerprint that is
shown with the one that is printed beside them, or give it by --fingerprint.

` + keyStoreHelp,
		Example: `underseal backup restore --store dir:/srv/firm
underseal backup restore me.age --store dir:/srv/firm`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.restore(cmd.Context(), args, f) },
	}
	c.Flags().StringVar(&f.store, "store", "", "`ADDRESS` where the organization rests, such as dir:/srv/firm")
	c.Flags().StringVar(&f.fingerprint, "fingerprint", "", "the organization's `FINGERPRINT`, as it is printed on the page")
	c.Flags().StringVar(&f.device, "device", "", "`LABEL` of this device (default: its host name)")
	addPassphraseFile(c, &f.passphraseFile)
	a.addKeyStore(c)
	c.ValidArgsFunction = files
	return c
}

func (a *app) restore(ctx context.Context, args []string, f restoreFlags) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	id, conf, err := a.loadIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		id = nil
	case err != nil:
		return err
	default:
		// An attempt that was interrupted has an identity and no pin.
		if _, err := workspace.ReadPin(homeDir(home)); !errors.Is(err, workspace.ErrNoOrganization) {
			return errors.Join(errIdentityExists, err)
		}
	}
	if err := a.ask(ctx, &f.store, "store", "The folder where your organization rests, such as /srv/firm:", notEmpty); err != nil {
		return err
	}
	if f.store, err = storeAddress(f.store); err != nil {
		return err
	}
	b, err := a.readBackup(ctx, args, f.passphraseFile)
	if err != nil {
		return err
	}
	defer b.Destroy()
	st, org, err := a.storeOf(ctx, b, f)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // every write was flushed when it was made
	r, err := workspace.OpenBackup(ctx, workspace.Config{Store: st, Now: a.now}, org, b)
	if err != nil {
		return err
	}
	defer r.Close()
	m := r.Member()
	if id != nil && id.Member() != m.ID {
		return errIdentityExists
	}
	a.say("the backup is of %s <%s>, %s of %s", shown(m.NameText), shown(m.EmailText), m.Role, shown(r.OrganizationName(ctx)))
	var s *secret.Bytes
	if id == nil {
		id, s, err = a.newInstallation(ctx, homeDir(home), r, f.device)
	} else {
		s, err = a.deviceSecret(ctx, conf)
	}
	if err != nil {
		return err
	}
	a.held = s // run destroys it
	me, err := id.Unlock(s)
	if err != nil {
		return err
	}
	defer me.Lock()
	w, err := r.Finish(ctx, workspace.Config{Store: st, Local: homeDir(home), Identity: me, Now: a.now, Escrow: escrow.Shamir{}})
	if err != nil {
		return err
	}
	defer w.Close()
	a.warnOfStore(w)
	if !a.json || !f.inSetup { // which prints the status
		a.showIdentity(id)
	}
	a.sayUnlock(ctx)
	a.next("underseal device list; if a device is lost, remove it: underseal device remove")
	return nil
}

// storeOf opens the store of the organization that the backup is of. Where the
// backup does not say, a person or a flag does: the store is not asked whom to
// trust.
func (a *app) storeOf(ctx context.Context, b *kit.Copy, f restoreFlags) (store.Store, officer.OrganizationID, error) {
	org, known := b.Organization()
	if f.fingerprint != "" {
		given, err := parseFingerprint(f.fingerprint)
		if err != nil {
			return nil, org, err
		}
		if known && given != org {
			return nil, org, kit.ErrOtherOrganization
		}
		org, known = given, true
	}
	if known {
		st, err := a.openStore(f.store, org)
		return st, org, err
	}
	path, err := storePath(f.store)
	if err != nil {
		return nil, org, err
	}
	st, err := dirstore.Open(path)
	if err != nil {
		return nil, org, err
	}
	org = st.Info().Organization
	if err = a.confirmFingerprint(ctx, org); err != nil {
		_ = st.Close() // nothing was written
		return nil, org, err
	}
	return st, org, nil
}

func (a *app) confirmFingerprint(ctx context.Context, org officer.OrganizationID) error {
	return a.confirmOr(ctx, "give the fingerprint that is printed beside the words: --fingerprint",
		fmt.Sprintf(`The store says that it is of the organization

    %s

Is that the fingerprint on the page, letter by letter?`, officer.FormatFingerprint(org)))
}

// newInstallation makes this device, and keeps it before anybody knows of it.
func (a *app) newInstallation(ctx context.Context, home homeDir, r *workspace.Restoring, label string) (*keyring.Identity, *secret.Bytes, error) {
	label = deviceLabel(label)
	if err := a.setupKeyStore(ctx); err != nil {
		return nil, nil, err
	}
	ks, err := a.chooseStore(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	id, s, err := r.NewInstallation(ctx, label)
	if err != nil {
		return nil, nil, err
	}
	if err := a.saveIdentity(ctx, home, ks, id, s); err != nil {
		s.Destroy()
		return nil, nil, err
	}
	a.say("this device is %s; its secret is in %s", term.Escape(label), keyStoreName(ks.Name()))
	return id, s, nil
}
