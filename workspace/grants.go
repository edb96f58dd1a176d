package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Grant is GrantOf for the field with a label.
func (w *Workspace) Grant(ctx context.Context, label, to string, rights officer.Rights) error {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return err
	}
	return w.GrantOf(ctx, f.ID, to, rights)
}

// GrantOf gives rights on a field, with its history, to a member by their email
// or to a group by its name. Where they have these rights already, the present
// key is sealed to them again: the store may have lost it, or whoever opened the
// epoch left them out. Where nobody shares the field any more, an officer gives
// share back to somebody who reads it, beside what they have and whatever else is
// asked for: they give themself the rest.
func (w *Workspace) GrantOf(ctx context.Context, field officer.ResourceID, to string, rights officer.Rights) error {
	f, p, err := w.fieldAndPrincipal(ctx, field, to)
	if err != nil {
		return err
	}
	if f.Ended {
		return fmt.Errorf("%s: %w", f.called(), officer.ErrEnded)
	}
	if f.Mine.Has(officer.Share) {
		if err := w.reopen(ctx, f.Resource); err != nil {
			return err
		}
	}
	if !rights.Has(officer.Share) && f.Resource.Rights(p).Has(officer.Share) {
		w.settle(ctx) // who can share it may be fewer afterwards
	}
	if id, ok := p.Group(); ok && w.state.Group(id).Manages(w.me.Member()) {
		if err := w.reopenGroup(ctx, id); err != nil {
			return fmt.Errorf("group %.80q: %w", to, err)
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		f, p, err := w.fieldAndPrincipal(ctx, field, to)
		if err != nil {
			return nil, err
		}
		if f.Orphaned() && rights.Has(officer.Share) && w.Me().Role == officer.RoleOfficer {
			return a.Restore(f.ID, p)
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		if err != nil {
			return nil, err
		}
		if f.Mine.Has(officer.Share) && f.Resource.Rights(p) == rights {
			return a.Reseal(key, p)
		}
		next, err := a.Grant(key, p, rights)
		if err == nil && f.Resource.Rights(p).Has(officer.Share) && !rights.Has(officer.Share) {
			err = w.stranded(next, f.ID) // the caller may have shared it by this grant alone
		}
		return next, err
	})
}

// Revoke is RevokeOf for the field with a label.
func (w *Workspace) Revoke(ctx context.Context, label, from string) (closed bool, err error) {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return false, err
	}
	return w.RevokeOf(ctx, f.ID, from)
}

// RevokeOf takes the rights on a field from a member by their email or from a
// group by its name, and opens the field's next epoch; an officer who does not
// hold the field, or to whom the store does not give its key, closes it instead,
// and closed tells so. A field that has ended is closed already. A member who is
// in a group that is granted the field goes on reading it through the group. It
// fails with officer.ErrLast where nobody could go on with a field that it closes.
func (w *Workspace) RevokeOf(ctx context.Context, field officer.ResourceID, from string) (closed bool, err error) {
	var next *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		closed, next = false, nil // of an attempt that came to nothing
		f, to, err := w.fieldAndPrincipal(ctx, field, from)
		if err != nil {
			return nil, err
		}
		if f.Resource.Rights(to) == 0 {
			return nil, fmt.Errorf("grant of %s to %.80q: %w", f.called(), from, ErrNoSuch)
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		var p *plan.Plan
		if err == nil {
			p, next, err = a.Revoke(key, to)
		}
		if err == nil && !f.Mine.Has(officer.Share) { // who shares it would miss what only sharers seal again
			err = w.stranded(p, f.ID)
		}
		// Nobody keeps their access because the author has no key to go on with.
		noKey := f.Ended || errors.Is(err, ErrNotGranted) || errors.Is(err, ErrKeyMissing) || errors.Is(err, officer.ErrClosed) || errors.Is(err, officer.ErrLast)
		if id, member := to.Member(); noKey && (!member || id != w.me.Member()) && (w.Me().Role == officer.RoleOfficer || f.Mine.Has(officer.Share)) {
			if len(f.Grants) == 1 { // a field that nobody reads any more is lost
				return nil, fmt.Errorf("reader of %s: %w", f.called(), officer.ErrLast)
			}
			closed, next = true, nil
			if p, err = a.CloseRevoke(f.ID, to); err == nil { // nor one that guests alone do
				err = w.stranded(p, f.ID)
			}
			return p, err
		}
		return p, err
	})
	if err != nil {
		return false, err
	}
	w.keys.hold(next)
	return closed, nil
}

// labelled is Field for those who belong.
func (w *Workspace) labelled(ctx context.Context, label string) (FieldInfo, error) {
	if err := w.requireMe(); err != nil {
		return FieldInfo{}, err
	}
	return w.Field(ctx, label)
}

func (w *Workspace) fieldAndPrincipal(ctx context.Context, field officer.ResourceID, name string) (f FieldInfo, p officer.Principal, err error) {
	if err := w.requireMe(); err != nil {
		return f, p, err
	}
	if f, err = w.FieldByID(ctx, field); err != nil {
		return f, p, err
	}
	p, err = w.Principal(ctx, name)
	return f, p, err
}

// Principal finds who has a name: a member's email, or a group's name. It fails
// with ErrAmbiguous where it is both.
func (w *Workspace) Principal(ctx context.Context, name string) (officer.Principal, error) {
	m, err := w.MemberByEmail(ctx, name)
	if err != nil && !errors.Is(err, ErrNoSuch) {
		return officer.Principal{}, err
	}
	g, groupErr := w.group(ctx, name)
	switch {
	case groupErr == nil && err == nil:
		return officer.Principal{}, fmt.Errorf("member or group %.80q: %w", name, ErrAmbiguous)
	case err == nil:
		return officer.MemberPrincipal(m.ID), nil
	case groupErr == nil:
		return officer.GroupPrincipal(g.ID), nil
	case !errors.Is(groupErr, ErrNoSuch):
		return officer.Principal{}, groupErr
	}
	if _, was := w.MemberWas(ctx, name); was == nil {
		err = fmt.Errorf("member %.80q: %w", name, ErrMemberRemoved)
	}
	return officer.Principal{}, err
}
