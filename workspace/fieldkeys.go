package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
)

// WriteKey is WriteKeyOf for the field with a label.
func (w *Workspace) WriteKey(ctx context.Context, label string) (*fieldcrypt.Key, error) {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return nil, err
	}
	return w.WriteKeyOf(ctx, f.ID)
}

// WriteKeyOf returns the key under which values of a field are sealed now: that
// of the present epoch in the log as it was last read, so that whoever writes
// for long calls Sync and WriteKeyOf again now and then. It needs the right to
// write, and an epoch that is not closed (P7): one that is, a sharer succeeds
// by the next.
func (w *Workspace) WriteKeyOf(ctx context.Context, field officer.ResourceID) (*fieldcrypt.Key, error) {
	f, err := w.mayWrite(ctx, field)
	if err != nil {
		return nil, err
	}
	if err := w.reopen(ctx, f.Resource); err != nil {
		return nil, fmt.Errorf("%s: %w", f.called(), err)
	}
	r := w.state.Resource(field)
	key, err := w.keys.resource(ctx, r, r.Epoch().Number)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.called(), err)
	}
	return fieldcrypt.NewKey(key), nil
}

// Writable tells why WriteKeyOf would fail, by the log as it was last read, and
// changes nothing: what is closed and the caller may open stays closed.
func (w *Workspace) Writable(ctx context.Context, field officer.ResourceID) error {
	f, err := w.mayWrite(ctx, field)
	switch {
	case err != nil:
		return err
	case f.Ended:
		return fmt.Errorf("%s: %w", f.called(), officer.ErrEnded)
	case f.Epoch().Closed && !f.Mine.Has(officer.Share):
		return fmt.Errorf("%s: %w", f.called(), officer.ErrClosed)
	}
	if _, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number); err != nil {
		return fmt.Errorf("%s: %w", f.called(), err)
	}
	return nil
}

func (w *Workspace) mayWrite(ctx context.Context, field officer.ResourceID) (FieldInfo, error) {
	if err := w.requireMe(); err != nil {
		return FieldInfo{}, err
	}
	f, err := w.FieldByID(ctx, field)
	if err == nil && !f.Mine.Has(officer.Write) {
		err = fmt.Errorf("%s: the right to write is %w", f.called(), ErrNotGranted)
	}
	return f, err
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
