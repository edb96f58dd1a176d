package workspace

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
)

const (
	// MaxSecret is the most bytes that an organization secret may have: what
	// systems give to each other to sign in with has a tenth of it.
	MaxSecret = 4096
	// maxSecretMail bounds how many messages are looked at for one secret. An
	// honest mailbox has one, and two while it is sealed again.
	maxSecretMail = 64

	secretKind = "secret"
)

func secretBinding(name string) officer.Binding {
	return officer.Binding{Connector: ownConnector, Kind: secretKind, ID: name}
}

// SecretName returns the name of the organization secret that a resource is
// the key of.
func SecretName(r *officer.Resource) (string, bool) {
	return r.Binding.ID, r.Kind == wire.KindField && r.Binding == secretBinding(r.Binding.ID)
}

// SecretField is the resource under whose key an organization secret rests: by
// its ID, GrantOf and RevokeOf say who may have the secret. Whoever is taken
// out has seen it; PutSecret a new one.
func (w *Workspace) SecretField(ctx context.Context, name string) (FieldInfo, error) {
	f, err := w.FieldAt(ctx, secretBinding(name))
	if err != nil {
		return f, fmt.Errorf("secret %.80q: %w", name, ErrNoSuch)
	}
	return f, nil
}

// PutSecret seals a small secret for the caller, for the members with the
// emails in to, and for whoever is granted the one that it takes the place of
// and can be sealed to now. Only officers can. The name is readable by the
// store, the value is not.
//
// Every value has a resource of its own, whose label is its digest, and a new
// one ends the one before in the same entry of the log. So the log says which
// value is in force: neither a store nor a reader can pass another off as it.
// Put again, the same value is left where it is.
func (w *Workspace) PutSecret(ctx context.Context, name string, value *secret.Bytes, to []string) error {
	if n := value.Len(); n == 0 || n > MaxSecret {
		return fmt.Errorf("secret %.80q: %w", name, ErrSecretSize)
	}
	if err := w.requireMe(); err != nil {
		return err
	}
	if held, err := w.Secret(ctx, name); err == nil {
		same := held.Equal(value)
		held.Destroy()
		if same {
			return w.grantSecret(ctx, name, to)
		}
	}
	label, err := keyring.NewOpening(officer.TextLabel, secretDigest(value))
	if err != nil {
		return err
	}
	var made *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (p *plan.Plan, err error) {
		p, made, err = w.planSecret(ctx, a, name, label, value, to)
		return p, err
	})
	if err != nil {
		return err
	}
	w.keys.hold(made)
	w.sweepSecret(ctx, name)
	return nil
}

func (w *Workspace) planSecret(
	ctx context.Context, a plan.Author, name string, label officer.Opening, value *secret.Bytes, to []string,
) (*plan.Plan, *datakey.Key, error) {
	if err := w.requireMe(); err != nil {
		return nil, nil, err
	}
	p, granted := &plan.Plan{}, map[string]bool{principalKey(officer.MemberPrincipal(w.me.Member())): true}
	before, err := w.SecretField(ctx, name)
	if err == nil {
		if p, err = a.End(before.ID); err != nil { // first, to free the binding
			return nil, nil, err
		}
	}
	// The label is for those who may read the value, and not for the directory.
	create, key, err := a.CreateResource(wire.KindField, secretBinding(name), label, w.me.Member(), nil)
	if err != nil {
		return nil, nil, err
	}
	p.Join(create)
	if before.Resource != nil {
		for _, g := range before.Grants {
			if granted[principalKey(g.Principal)] {
				continue
			}
			switch again, err := a.Grant(key, g.Principal, g.Rights); {
			case errors.Is(err, officer.ErrClosed):
				p.Skipped = append(p.Skipped, g.Principal)
				continue
			case err != nil:
				return nil, nil, err
			default:
				p.Join(again)
			}
			granted[principalKey(g.Principal)] = true
		}
	}
	if err := w.grantNew(ctx, a, p, key, granted, to, officer.Read); err != nil {
		return nil, nil, err
	}
	token, err := sealSecret(fieldcrypt.NewKey(key), name, value)
	if err != nil {
		return nil, nil, err
	}
	p.Mail = append(p.Mail, plan.Message{Box: w.secretBox(officer.ResourceID(key.Context().Resource)), Data: token})
	return p, key, nil
}

// grantSecret lets members and groups read a secret who may not do so yet.
func (w *Workspace) grantSecret(ctx context.Context, name string, to []string) error {
	for _, who := range to {
		f, err := w.SecretField(ctx, name)
		if err != nil {
			return err
		}
		p, err := w.Principal(ctx, who)
		if err != nil {
			return err
		}
		rights := f.Resource.Rights(p)
		if m, ok := p.Member(); ok {
			rights = w.state.Rights(m, f.Resource)
		}
		if !rights.Has(officer.Read) {
			if err := w.GrantOf(ctx, f.ID, who, officer.Read); err != nil {
				return err
			}
		}
	}
	return nil
}

// Secret returns an organization secret. It fails with ErrNoSuch where the log
// has none of that name, with ErrNotGranted where it is not for the caller, and
// with ErrSecretMissing where the store does not give the value.
func (w *Workspace) Secret(ctx context.Context, name string) (*secret.Bytes, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	f, err := w.SecretField(ctx, name)
	if err != nil {
		return nil, err
	}
	if !f.Mine.Has(officer.Read) {
		return nil, fmt.Errorf("secret %.80q: %w", name, ErrNotGranted)
	}
	value, old, err := w.readSecret(ctx, f, name)
	if err != nil {
		return nil, fmt.Errorf("secret %.80q: %w", name, err)
	}
	if len(old) > 0 && f.Mine.Has(officer.Write) && !f.Epoch().Closed {
		// The secret is in hand: that it could not be sealed again is for the
		// next who can.
		_ = w.resealSecret(ctx, f, name, value, old)
	}
	return value, nil
}

// readSecret opens a secret's value, and tells which messages hold it under an
// earlier epoch.
func (w *Workspace) readSecret(ctx context.Context, f FieldInfo, name string) (value *secret.Bytes, old []wire.Hash, err error) {
	digest, err := w.text(ctx, f.Label, officer.TextLabel)
	switch {
	case err != nil:
		return nil, nil, err
	case digest == "":
		return nil, nil, officer.ErrOpening
	}
	missing := ErrSecretMissing
	var list []*fieldcrypt.Key
	for _, e := range f.Epochs {
		key, err := w.keys.resource(ctx, f.Resource, e.Number)
		if err != nil {
			missing = err // unless another epoch's is enough
			continue
		}
		list = append(list, fieldcrypt.NewKey(key))
	}
	messages, err := w.store.ListMail(ctx, w.secretBox(f.ID), maxSecretMail)
	if err != nil {
		return nil, nil, fmt.Errorf("list messages: %w", err)
	}
	value, holders, err := findSecret(fieldcrypt.NewRing(list...), name, digest, messages)
	switch {
	case err != nil:
		return nil, nil, err
	case value == nil:
		return nil, nil, missing
	}
	present := f.Epoch().Commitment
	for _, h := range holders {
		if h.under != fieldcrypt.KeyID(present[:fieldcrypt.KeyIDSize]) {
			old = append(old, h.message)
		}
	}
	return value, old, nil
}

// holder is a message that holds a secret's value, and the key it is under.
type holder struct {
	message wire.Hash
	under   fieldcrypt.KeyID
}

// findSecret looks for the value with a digest among messages; nil if none
// holds it. What does not open, or is another value, is passed over: anybody
// may put messages into a mailbox.
func findSecret(ring *fieldcrypt.Ring, name, digest string, messages []store.Message) (value *secret.Bytes, holders []holder, err error) {
	record, err := secretRecord(name)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range messages {
		token, err := fieldcrypt.Parse(m.Data)
		if err != nil {
			continue
		}
		v, bound, err := ring.Open(string(m.Data), record)
		if err != nil {
			continue
		}
		found := secret.Take(v.Data)
		sized := found.Len() > 0 && found.Len() <= MaxSecret
		same := subtle.ConstantTimeCompare([]byte(secretDigest(found)), []byte(digest)) == 1
		if bound != fieldcrypt.Bound || v.Type != fieldcrypt.Binary || !sized || !same {
			found.Destroy()
			continue
		}
		value.Destroy()
		value, holders = found, append(holders, holder{m.ID, token.KeyID})
	}
	return value, holders, nil
}

// resealSecret seals a secret under the present epoch and deletes what holds it
// under earlier ones, once the store is seen to hold the new message.
func (w *Workspace) resealSecret(ctx context.Context, f FieldInfo, name string, value *secret.Bytes, old []wire.Hash) error {
	key, err := w.WriteKeyOf(ctx, f.ID)
	if err != nil {
		return err
	}
	token, err := sealSecret(key, name, value)
	if err != nil {
		return err
	}
	box := w.secretBox(f.ID)
	if err := w.store.PutMail(ctx, box, token); err != nil {
		return err
	}
	list, err := w.store.ListMail(ctx, box, maxSecretMail)
	if err != nil {
		return err
	}
	for _, m := range list {
		if string(m.Data) == string(token) {
			return w.deleteMail(ctx, box, old)
		}
	}
	return ErrSecretMissing
}

func (w *Workspace) deleteMail(ctx context.Context, box store.Index, ids []wire.Hash) error {
	for _, id := range ids {
		if err := w.store.DeleteMail(ctx, box, id); err != nil {
			return err
		}
	}
	return nil
}

// sweepSecret deletes the values of a name that are no longer in force, as far
// as the store lets: who could read them could have kept them.
func (w *Workspace) sweepSecret(ctx context.Context, name string) {
	for _, r := range w.state.Resources() {
		if !r.Ended || r.Binding != secretBinding(name) {
			continue
		}
		box := w.secretBox(r.ID)
		list, err := w.store.ListMail(ctx, box, maxSecretMail)
		if err != nil {
			return
		}
		for _, m := range list {
			if w.store.DeleteMail(ctx, box, m.ID) != nil {
				return
			}
		}
	}
}

func (w *Workspace) secretBox(id officer.ResourceID) store.Index {
	return secretBox(w.Organization(), id)
}

// secretBox is the mailbox in which the value of a secret rests.
func secretBox(org officer.OrganizationID, id officer.ResourceID) store.Index {
	return wire.Sum(wire.LabelSecret, wire.MustMarshal([]any{org, id}))
}

// secretDigest is the label of the resource of a secret's value.
func secretDigest(value *secret.Bytes) string {
	return wire.Sum(wire.LabelSecretValue, value.Expose()).String()
}

func secretRecord(name string) (fieldcrypt.Name, error) {
	return fieldcrypt.Record{Connector: ownConnector, Kind: secretKind, ID: name}.Name()
}

func sealSecret(key *fieldcrypt.Key, name string, value *secret.Bytes) ([]byte, error) {
	record, err := secretRecord(name)
	if err != nil {
		return nil, err
	}
	token, err := key.Seal(record, fieldcrypt.Value{Type: fieldcrypt.Binary, Data: value.Expose()})
	return []byte(token), err
}
