package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// FieldInfo is a field with the texts that the caller may read.
type FieldInfo struct {
	*officer.Resource
	LabelText string         // "" where the caller may not read it
	Mine      officer.Rights // the caller's rights
}

// Fields lists the organization's fields.
func (w *Workspace) Fields(ctx context.Context) []FieldInfo {
	list, _ := w.fields(ctx)
	return list
}

// fields is Fields with the first reason, if there is one, for which a label
// could not be read that the caller should be able to read.
func (w *Workspace) fields(ctx context.Context) (list []FieldInfo, withheld error) {
	me := officer.MemberPrincipal(w.me.Member())
	for _, r := range w.state.Resources() {
		if r.Kind != wire.KindField {
			continue
		}
		f := FieldInfo{Resource: r, Mine: r.Rights(me)}
		var err error
		if f.LabelText, err = w.text(ctx, r.Label, officer.TextLabel); withheld == nil {
			withheld = err
		}
		list = append(list, f)
	}
	return list, withheld
}

// Field finds the one field with a label.
func (w *Workspace) Field(ctx context.Context, label string) (FieldInfo, error) {
	list, err := w.fields(ctx)
	if err != nil {
		return FieldInfo{}, err
	}
	var found []FieldInfo
	for _, f := range list {
		if f.LabelText == label {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return FieldInfo{}, fmt.Errorf("field %.80q: %w", label, ErrNoSuch)
	case 1:
		return found[0], nil
	default:
		return FieldInfo{}, fmt.Errorf("field %.80q: %w", label, ErrAmbiguous)
	}
}

// NewField makes a field for values in files.
func (w *Workspace) NewField(ctx context.Context, label string) error {
	o, err := keyring.NewOpening(officer.TextLabel, label)
	if err != nil {
		return fmt.Errorf("label: %w", err)
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return err
	}
	var made *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		switch _, err := w.Field(ctx, label); {
		case err == nil, errors.Is(err, ErrAmbiguous):
			return nil, fmt.Errorf("field %.80q: %w", label, ErrTaken)
		case !errors.Is(err, ErrNoSuch):
			return nil, err
		}
		dir, err := w.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		var p *plan.Plan
		p, made, err = a.CreateResource(wire.KindField, officer.Binding{Connector: "tabular"}, o, w.me.Member(), dir)
		return p, err
	})
	if err == nil {
		w.keys.hold(made)
	}
	return err
}

// Grant gives a member rights on a field, with its history. Where they have
// these rights already, the present key is sealed to them again: the store may
// have lost it, or whoever opened the epoch left them out. Where nobody shares
// the field any more, an officer gives share back to somebody who reads it.
func (w *Workspace) Grant(ctx context.Context, label, email string, rights officer.Rights) error {
	f, _, err := w.fieldAndMember(ctx, label, email)
	if err != nil {
		return err
	}
	if f.Mine.Has(officer.Share) {
		if err := w.reopen(ctx, f.Resource); err != nil {
			return err
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		f, m, err := w.fieldAndMember(ctx, label, email)
		if err != nil {
			return nil, err
		}
		if f.Orphaned() && rights.Has(officer.Share) && w.Me().Role == officer.RoleOfficer {
			return a.Restore(f.ID, m.ID)
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		if err != nil {
			return nil, err
		}
		if f.Mine.Has(officer.Share) && f.Resource.Rights(officer.MemberPrincipal(m.ID)) == rights {
			return a.Reseal(key, m.ID)
		}
		return a.Grant(key, m.ID, rights)
	})
}

// Revoke takes a member's rights on a field and opens the field's next epoch;
// an officer who does not hold the field, or to whom the store does not give
// its key, closes it instead, and closed tells so.
func (w *Workspace) Revoke(ctx context.Context, label, email string) (closed bool, err error) {
	var next *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		closed, next = false, nil // of an attempt that came to nothing
		f, m, err := w.fieldAndMember(ctx, label, email)
		if err != nil {
			return nil, err
		}
		if f.Resource.Rights(officer.MemberPrincipal(m.ID)) == 0 {
			return nil, fmt.Errorf("grant of field %.80q to %.80q: %w", label, email, ErrNoSuch)
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		var p *plan.Plan
		if err == nil {
			p, next, err = a.Revoke(key, m.ID)
		}
		// Nobody keeps their access because the author has no key to go on with.
		noKey := errors.Is(err, ErrNotGranted) || errors.Is(err, ErrKeyMissing) || errors.Is(err, officer.ErrClosed)
		if noKey && m.ID != w.me.Member() && (w.Me().Role == officer.RoleOfficer || f.Mine.Has(officer.Share)) {
			if len(f.Grants) == 1 { // a field that nobody reads any more is lost
				return nil, fmt.Errorf("reader of field %.80q: %w", label, officer.ErrLast)
			}
			closed = true
			return a.CloseRevoke(f.ID, m.ID)
		}
		return p, err
	})
	if err != nil {
		return false, err
	}
	w.keys.hold(next)
	return closed, nil
}

func (w *Workspace) fieldAndMember(ctx context.Context, label, email string) (FieldInfo, MemberInfo, error) {
	if err := w.requireMe(); err != nil {
		return FieldInfo{}, MemberInfo{}, err
	}
	f, err := w.Field(ctx, label)
	if err != nil {
		return FieldInfo{}, MemberInfo{}, err
	}
	m, err := w.MemberByEmail(ctx, email)
	return f, m, err
}

// WriteKey returns the key under which values of a field are sealed now. It
// needs the right to write, and an epoch that is not closed (P7): one that is,
// a sharer succeeds by the next.
func (w *Workspace) WriteKey(ctx context.Context, label string) (*fieldcrypt.Key, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	f, err := w.Field(ctx, label)
	if err != nil {
		return nil, err
	}
	if !f.Mine.Has(officer.Write) {
		return nil, fmt.Errorf("field %.80q: the right to write is %w", label, ErrNotGranted)
	}
	if err := w.reopen(ctx, f.Resource); err != nil {
		return nil, fmt.Errorf("field %.80q: %w", label, err)
	}
	r := w.state.Resource(f.ID)
	key, err := w.keys.resource(ctx, r, r.Epoch().Number)
	if err != nil {
		return nil, fmt.Errorf("field %.80q: %w", label, err)
	}
	return fieldcrypt.NewKey(key), nil
}

// Ring returns the keys of every epoch of every field that the caller may
// read, and who the key ids belong to. That a key is granted but missing in
// the store is in its KeyOwner: it is an error only where a token needs it.
func (w *Workspace) Ring(ctx context.Context) (*fieldcrypt.Ring, *KeyOwners, error) {
	if err := w.requireMe(); err != nil {
		return nil, nil, err
	}
	var list []*fieldcrypt.Key
	owners := &KeyOwners{byID: map[fieldcrypt.KeyID]KeyOwner{}}
	for _, f := range w.Fields(ctx) {
		for _, e := range f.Epochs {
			o := KeyOwner{Label: f.LabelText, Resource: f.ID, Epoch: e.Number, Granted: f.Mine.Has(officer.Read)}
			if o.Granted {
				key, err := w.keys.resource(ctx, f.Resource, e.Number)
				if err != nil {
					o.Err = fmt.Errorf("field %.80q: %w", f.LabelText, err)
				} else {
					list = append(list, fieldcrypt.NewKey(key))
				}
			}
			owners.byID[fieldcrypt.KeyID(e.Commitment[:8])] = o
		}
	}
	return fieldcrypt.NewRing(list...), owners, nil
}

// KeyOwner says what a token's key id stands for.
type KeyOwner struct {
	Label    string // "" where the caller may not read it
	Resource officer.ResourceID
	Epoch    uint64
	Granted  bool
	Err      error // granted, but the key could not be had
}

// KeyOwners finds key ids that the verified log knows.
type KeyOwners struct{ byID map[fieldcrypt.KeyID]KeyOwner }

// Find tells what a key id stands for; false means that the log does not know
// it: a token of another organization, or a log that is behind.
func (k *KeyOwners) Find(id fieldcrypt.KeyID) (KeyOwner, bool) {
	o, ok := k.byID[id]
	return o, ok
}
