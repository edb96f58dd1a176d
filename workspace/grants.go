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
func (w *Workspace) Grant(ctx context.Context, label, email string, rights officer.Rights) error {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return err
	}
	return w.GrantOf(ctx, f.ID, email, rights)
}

// GrantOf gives a member rights on a field, with its history. Where they have
// these rights already, the present key is sealed to them again: the store may
// have lost it, or whoever opened the epoch left them out. Where nobody shares
// the field any more, an officer gives share back to somebody who reads it.
func (w *Workspace) GrantOf(ctx context.Context, field officer.ResourceID, email string, rights officer.Rights) error {
	f, _, err := w.fieldAndMember(ctx, field, email)
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
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		f, m, err := w.fieldAndMember(ctx, field, email)
		if err != nil {
			return nil, err
		}
		if f.Orphaned() && rights.Has(officer.Share) && w.Me().Role == officer.RoleOfficer {
			return a.Restore(f.ID, officer.MemberPrincipal(m.ID))
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		if err != nil {
			return nil, err
		}
		if f.Mine.Has(officer.Share) && f.Resource.Rights(officer.MemberPrincipal(m.ID)) == rights {
			return a.Reseal(key, officer.MemberPrincipal(m.ID))
		}
		return a.Grant(key, officer.MemberPrincipal(m.ID), rights)
	})
}

// Revoke is RevokeOf for the field with a label.
func (w *Workspace) Revoke(ctx context.Context, label, email string) (closed bool, err error) {
	f, err := w.labelled(ctx, label)
	if err != nil {
		return false, err
	}
	return w.RevokeOf(ctx, f.ID, email)
}

// RevokeOf takes a member's rights on a field and opens the field's next epoch;
// an officer who does not hold the field, or to whom the store does not give
// its key, closes it instead, and closed tells so. A field that has ended is
// closed already.
func (w *Workspace) RevokeOf(ctx context.Context, field officer.ResourceID, email string) (closed bool, err error) {
	var next *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		closed, next = false, nil // of an attempt that came to nothing
		f, m, err := w.fieldAndMember(ctx, field, email)
		if err != nil {
			return nil, err
		}
		if f.Resource.Rights(officer.MemberPrincipal(m.ID)) == 0 {
			return nil, fmt.Errorf("grant of %s to %.80q: %w", f.called(), email, ErrNoSuch)
		}
		key, err := w.keys.resource(ctx, f.Resource, f.Epoch().Number)
		var p *plan.Plan
		if err == nil {
			p, next, err = a.Revoke(key, officer.MemberPrincipal(m.ID))
		}
		// Nobody keeps their access because the author has no key to go on with.
		noKey := f.Ended || errors.Is(err, ErrNotGranted) || errors.Is(err, ErrKeyMissing) || errors.Is(err, officer.ErrClosed)
		if noKey && m.ID != w.me.Member() && (w.Me().Role == officer.RoleOfficer || f.Mine.Has(officer.Share)) {
			if len(f.Grants) == 1 { // a field that nobody reads any more is lost
				return nil, fmt.Errorf("reader of %s: %w", f.called(), officer.ErrLast)
			}
			closed = true
			return a.CloseRevoke(f.ID, officer.MemberPrincipal(m.ID))
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

func (w *Workspace) fieldAndMember(ctx context.Context, field officer.ResourceID, email string) (FieldInfo, MemberInfo, error) {
	if err := w.requireMe(); err != nil {
		return FieldInfo{}, MemberInfo{}, err
	}
	f, err := w.FieldByID(ctx, field)
	if err != nil {
		return FieldInfo{}, MemberInfo{}, err
	}
	m, err := w.MemberByEmail(ctx, email)
	return f, m, err
}
