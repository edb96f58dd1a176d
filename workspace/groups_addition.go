package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// GroupAddition is what it does to let a member into a group.
type GroupAddition struct {
	Group  GroupInfo
	Member MemberInfo
	Rights officer.Rights // in the group
	// Opens is what the group is granted and the member cannot read yet, with its
	// history; Opened is what they read already.
	Opens, Opened []GroupReads
}

// PlanGroupAddition says what AddToGroup would do now, and fails where that would.
// Nothing is changed.
func (w *Workspace) PlanGroupAddition(ctx context.Context, group, email string, rights officer.Rights) (r GroupAddition, err error) {
	g, m, err := w.groupAndMember(ctx, group, email)
	if err != nil {
		return r, err
	}
	p, err := w.planAddition(ctx, w.author(), group, email, rights)
	// One that is closed gets its next epoch first, by who manages it.
	if err == nil && len(p.Operations) > 0 && !g.Epoch().Closed {
		_, _, err = w.sign(p) // what replay would refuse is not proposed
	}
	if err != nil {
		return r, err
	}
	if r.Group, err = w.Group(ctx, group); err != nil {
		return r, err
	}
	r.Member, r.Rights = m, wanted(g, m.ID, rights)
	for _, x := range r.Group.Reads {
		if w.state.Rights(m.ID, x.Resource).Has(officer.Read) {
			r.Opened = append(r.Opened, x)
		} else {
			r.Opens = append(r.Opens, x)
		}
	}
	return r, nil
}

// wanted are the rights in a group that are asked for.
func wanted(g *officer.Group, m officer.MemberID, rights officer.Rights) officer.Rights {
	if rights == 0 {
		return max(rightsIn(g, m), officer.Read)
	}
	return rights
}

func (w *Workspace) planAddition(ctx context.Context, a plan.Author, group, email string, rights officer.Rights) (*plan.Plan, error) {
	g, m, err := w.groupAndMember(ctx, group, email)
	if err != nil {
		return nil, err
	}
	had, want := rightsIn(g, m.ID), wanted(g, m.ID, rights)
	if g.Orphaned() && had != 0 && want.Has(officer.Share) && w.Me().Role == officer.RoleOfficer {
		return a.RestoreGroup(g.ID, m.ID)
	}
	if !g.Manages(w.me.Member()) {
		return nil, fmt.Errorf("to manage group %.80q is %w", group, ErrNotGranted)
	}
	seed, err := w.keys.group(ctx, g, g.Epoch().Number)
	if err != nil {
		return nil, fmt.Errorf("group %.80q: %w", group, err)
	}
	if had == want {
		return a.ResealGroup(seed, m.ID)
	}
	return a.AddToGroup(seed, m.ID, want)
}
