package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// GroupRemoval is what it does to take a member out of a group, in one entry of
// the log.
type GroupRemoval struct {
	Group  GroupInfo
	Member MemberInfo
	Renewal
	// Keeps is what the group is granted and the member reads otherwise: by a
	// grant of their own, or through another group.
	Keeps []officer.Access
}

// PlanGroupRemoval says what RemoveFromGroup would do now. Nothing is changed.
func (w *Workspace) PlanGroupRemoval(ctx context.Context, group, email string) (GroupRemoval, error) {
	r, _, err := w.planGroupRemoval(ctx, w.author(), group, email)
	return r, err
}

// RemoveFromGroup takes a member out of a group. The same entry replaces or
// closes the group's key and every key that the group is granted (P7): what the
// caller does not hold is closed, and the caller gains nothing (attack 60). It
// fails with officer.ErrLast where nobody could go on with what it closes.
func (w *Workspace) RemoveFromGroup(ctx context.Context, group, email string) (r GroupRemoval, err error) {
	err = w.commit(ctx, func(a plan.Author) (p *plan.Plan, err error) {
		r, p, err = w.planGroupRemoval(ctx, a, group, email)
		return p, err
	})
	if err != nil {
		return r, err
	}
	w.keys.relist() // the envelopes of the new keys may have been seen too early
	return r, nil
}

func (w *Workspace) planGroupRemoval(ctx context.Context, a plan.Author, group, email string) (r GroupRemoval, p *plan.Plan, err error) {
	if err := w.requireMe(); err != nil {
		return r, nil, err
	}
	if r.Group, err = w.Group(ctx, group); err != nil {
		return r, nil, err
	}
	if r.Member, err = w.MemberWas(ctx, email); err != nil {
		return r, nil, err
	}
	switch id := r.Member.ID; {
	case !r.Group.Has(id):
		return r, nil, fmt.Errorf("member %.80q, group %.80q: %w", email, group, ErrNotInGroup)
	case id == w.me.Member(): // they would know the next key
		return r, nil, fmt.Errorf("group %.80q: %w", group, ErrSelf)
	}
	for _, x := range w.state.Reach(r.Member.ID) {
		if x.Resource.Rights(officer.GroupPrincipal(r.Group.ID)) != 0 && (x.Through == nil || x.Through.ID != r.Group.ID) {
			r.Keeps = append(r.Keeps, x)
		}
	}
	p, err = a.RemoveFromGroup(r.Group.ID, r.Member.ID, w.held(ctx))
	if err != nil {
		return r, nil, err
	}
	r.Renewal = renewalOf(p)
	var reads []officer.ResourceID // what is closed already, too
	for _, x := range r.Group.Reads {
		reads = append(reads, x.Resource.ID)
	}
	return r, p, w.stranded(p, reads...)
}
