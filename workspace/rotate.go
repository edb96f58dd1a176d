package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Rotate is RotateOf for the field with a label.
func (w *Workspace) Rotate(ctx context.Context, label string) error {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return err
	}
	return w.RotateOf(ctx, f.ID)
}

// RotateOf opens a field's next epoch for all who are granted it; it also ends
// the state of a field that was closed.
func (w *Workspace) RotateOf(ctx context.Context, field officer.ResourceID) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	if _, err := w.FieldByID(ctx, field); err != nil {
		return err
	}
	return w.rotate(ctx, field, false)
}

// rotate opens the next epoch of a resource; onlyClosed leaves one alone that
// somebody else has opened meanwhile.
func (w *Workspace) rotate(ctx context.Context, id officer.ResourceID, onlyClosed bool) error {
	var next *datakey.Key
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		next = nil // of an attempt that came to nothing
		r := w.state.Resource(id)
		if onlyClosed && !r.Epoch().Closed {
			return nil, nil
		}
		key, err := w.keys.resource(ctx, r, r.Epoch().Number)
		if err != nil {
			return nil, err
		}
		var p *plan.Plan
		p, next, err = a.Rotate(key)
		return p, err
	})
	if err == nil {
		w.keys.hold(next)
	}
	return err
}

// reopen opens the next epoch of a resource that was closed, if the caller
// shares it: the first sharer who wants to write or to grant does so
// (spec/log.md, "key closed").
func (w *Workspace) reopen(ctx context.Context, r *officer.Resource) error {
	if r.Ended {
		return officer.ErrEnded
	}
	if !r.Epoch().Closed {
		return nil
	}
	if !w.state.Rights(w.me.Member(), r).Has(officer.Share) {
		return officer.ErrClosed
	}
	if err := w.rotate(ctx, r.ID, true); err != nil {
		return fmt.Errorf("open the next epoch: %w", err)
	}
	return nil
}

// reopenDirectory is reopen for the directory, which every officer shares:
// somebody who removed a device of their own may have had to close it.
func (w *Workspace) reopenDirectory(ctx context.Context) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	d := w.state.Directory()
	if d == nil {
		return nil
	}
	return w.reopen(ctx, d)
}
