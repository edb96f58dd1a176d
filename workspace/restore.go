package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// Restoring is a member's organization, opened by a backup, until the member
// has a device again. Close it.
type Restoring struct{ w *Workspace }

// OpenBackup opens the organization with the given id by a backup alone: it
// verifies the log from genesis, finds the backup's device in it and opens the
// member's user keys. Nothing is kept anywhere. The id comes from the backup,
// or from the fingerprint that is printed with it; c needs no identity and no
// home.
func OpenBackup(ctx context.Context, c Config, org officer.OrganizationID, b WrittenDown) (*Restoring, error) {
	w := newWorkspace(c)
	w.pin = Pin{Organization: org, Location: c.Store.Info().Location}
	if err := w.readAsNobody(ctx); err != nil { // who is asking is known when the log is
		return nil, err
	}
	var all []officer.DeviceID
	for _, m := range w.state.Members() {
		all = append(all, m.Devices...)
	}
	d, err := findBackup(w.state, all, b)
	if err != nil {
		return nil, err
	}
	card, err := w.cardOf(ctx, w.state.Member(w.state.Device(d.ID()).Member))
	if err != nil {
		d.Destroy()
		return nil, err
	}
	w.me = keyring.Written(d, officer.CardFile{Card: card})
	w.keys = newKeys(w)
	r := &Restoring{w}
	file, _, err := w.openCard(ctx, card)
	if err != nil {
		r.Close()
		return nil, err
	}
	w.me = keyring.Written(d, file)
	return r, nil
}

// readAsNobody verifies the log of the pin's organization from genesis, for a
// caller who is not known before it is read, or has no place in it. Nothing is kept
// anywhere, and nothing opens.
func (w *Workspace) readAsNobody(ctx context.Context) error {
	s := keyring.GenerateSecret()
	defer s.Destroy()
	nobody, err := keyring.NewDevice(s, officer.DeviceInstallation, officer.Hash{})
	if err != nil {
		return err
	}
	w.local, w.me, w.keys = discard{}, keyring.Written(nobody, officer.CardFile{}), &keys{w: w}
	defer w.me.Lock()
	return w.Sync(ctx)
}

// openCard opens the user keys, of which it returns the first, and the openings
// of the member's card as far as the member may read them.
func (w *Workspace) openCard(ctx context.Context, card *officer.Card) (file officer.CardFile, first *keyring.UserKey, err error) {
	if first, err = w.keys.user(ctx, 1); err != nil { // by way of the present one
		return file, nil, err
	}
	file.Card = card
	if file.Name, err = w.opening(ctx, card.Name(), officer.TextName); err != nil && !keyWithheld(err) {
		return file, nil, err
	}
	if file.Email, err = w.opening(ctx, card.Email(), officer.TextEmail); err != nil && !keyWithheld(err) {
		return file, nil, err
	}
	return file, first, nil
}

// cardOf reads the card by which a member was let in. It vouches for itself:
// the member's id is its fingerprint.
func (w *Workspace) cardOf(ctx context.Context, m *officer.Member) (*officer.Card, error) {
	list, err := w.read(ctx, m.Added, 1)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		e, err := officer.DecodeEntry(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStore, err)
		}
		ops, err := w.operations(ctx, e)
		if err != nil {
			return nil, err
		}
		for _, op := range ops {
			var b []byte
			switch o := op.(type) {
			case *officer.Genesis:
				b = o.Card
			case *officer.MemberAdded:
				b = o.Card
			default:
				continue
			}
			if card, err := officer.ParseCard(b); err == nil && card.ID() == m.ID {
				return card, nil
			}
		}
	}
	return nil, fmt.Errorf("card of the member: %w", ErrStore)
}

// Member is who is restored, with name and email as far as they may read them.
func (r *Restoring) Member() MemberInfo {
	card := r.w.me.Card()
	return MemberInfo{Member: r.w.Me(), NameText: card.Name.Text, EmailText: card.Email.Text}
}

// OrganizationName is the organization's name, or "" for those who may not
// read it.
func (r *Restoring) OrganizationName(ctx context.Context) string { return r.w.OrganizationName(ctx) }

// Backup is the id of the backup's device.
func (r *Restoring) Backup() officer.DeviceID { return r.w.me.Keys().ID() }

// NewInstallation makes the member's new device. The caller keeps identity and
// secret before Finish puts the device into the log: one whose secret is lost
// cannot arise.
func (r *Restoring) NewInstallation(ctx context.Context, label string) (*keyring.Identity, *secret.Bytes, error) {
	first, err := r.w.keys.user(ctx, 1)
	if err != nil {
		return nil, nil, err
	}
	return keyring.NewInstallation(r.w.me.Card(), first, label)
}

// Finish adds the new device to the member, signed by the backup's, and pins
// the organization in the home of c, whose identity is the new device's. It
// goes on where an attempt that failed has stopped. The backup is rehearsed by
// it. A user key that an officer has closed is replaced.
func (r *Restoring) Finish(ctx context.Context, c Config) (*Workspace, error) {
	if c.Identity.Member() != r.w.me.Member() {
		return nil, keyring.ErrMismatch
	}
	if err := r.w.AddDevice(ctx, c.Identity.Keys(), c.Identity.DeviceLabel()); err != nil {
		return nil, err
	}
	// Before the pin, with which the home is whole and nothing goes on from here.
	home := newWorkspace(c)
	if err := home.saveRehearsal(r.Backup(), home.now()); err != nil {
		return nil, err
	}
	w, err := settle(ctx, c, r.w)
	if err != nil {
		return nil, err
	}
	if err := w.RenewUserKey(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// settle pins in a new device's home the organization that from has verified
// without one. What was verified is not forgotten.
func settle(ctx context.Context, c Config, from *Workspace) (*Workspace, error) {
	w := newWorkspace(c)
	w.keys = newKeys(w)
	pin, err := loadPin(w.local, w.me.Keys())
	switch {
	case w.notPinned() == nil:
		pin = Pin{Organization: from.Organization(), Location: w.store.Info().Location, Head: from.state.Head()}
	case err != nil:
		return nil, err
	case pin.Organization != from.Organization():
		return nil, ErrPinned
	}
	w.pin = pin
	return w, w.Sync(ctx)
}

// Close clears the backup's keys, and what was opened with them.
func (r *Restoring) Close() {
	r.w.Close()
	r.w.me.Lock()
}
