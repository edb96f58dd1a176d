package workspace

import (
	"context"
	"errors"
	"slices"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// HandedOut is a present key that this device has sealed to somebody for a change
// that did not get into the log. They may have it, and were never granted it.
type HandedOut struct {
	Thing // of [ThingMember]: the caller's own user key, and what it reaches
	// Mine: the caller may replace or close it, and TakeBack does. Otherwise one of
	// Openers rotates it.
	Mine    bool
	Openers []MemberInfo
}

// HandedOut lists what this device should take back, by the log as it was read
// last. It reads nothing but a file at home.
func (w *Workspace) HandedOut(ctx context.Context) ([]HandedOut, error) {
	all, err := w.loadHanded(ctx)
	if err != nil || w.Me() == nil {
		return nil, err
	}
	due := w.loose(all)
	if len(due.List)+len(due.Devices) == 0 {
		return nil, nil
	}
	var list []HandedOut
	add := func(h HandedOut) {
		for _, x := range list {
			if x.Kind == h.Kind && x.Group == h.Group && x.Resource == h.Resource {
				return
			}
		}
		list = append(list, h)
	}
	people := w.people(ctx)
	if len(due.Devices) > 0 {
		me := people[w.me.Member()]
		add(HandedOut{Thing: memberThing(me), Mine: true, Openers: []MemberInfo{me}})
	}
	for _, x := range due.List {
		if g := w.state.Group(officer.GroupID(x.Resource)); g != nil {
			add(HandedOut{w.groupThing(ctx, g), w.mayReplaceGroup(g), presentOf(people, managers(g))})
		} else if r := w.state.Resource(officer.ResourceID(x.Resource)); r != nil {
			add(HandedOut{w.Thing(ctx, r), w.mayReplace(r), presentOf(people, openers(w.state, r))})
		}
	}
	return list, nil
}

func (w *Workspace) mayReplace(r *officer.Resource) bool {
	return w.Me().Role == officer.RoleOfficer || w.state.Rights(w.me.Member(), r).Has(officer.Share)
}

func (w *Workspace) mayReplaceGroup(g *officer.Group) bool {
	return w.Me().Role == officer.RoleOfficer || g.Manages(w.me.Member())
}

// TakeBack replaces the keys of HandedOut that the caller may replace, and closes
// what the caller may close only, or the store does not give. It can be called at
// any time, and again: another program of this device that is about to hand a key
// out starts again then, with the next key.
func (w *Workspace) TakeBack(ctx context.Context) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	if w.following {
		return nil
	}
	w.following = true
	defer func() { w.following = false }()
	return w.takeBack(ctx)
}

func (w *Workspace) takeBack(ctx context.Context) error {
	all, err := w.loadHanded(ctx)
	if err != nil || len(all.List)+len(all.Devices) == 0 {
		return err
	}
	due := w.loose(all)
	var groups []handed
	for _, h := range due.List {
		if h.Kind != wire.KindGroup {
			continue
		}
		// Whoever has a group's seed has what the group reads.
		g := w.state.Group(officer.GroupID(h.Resource))
		groups = append(groups, h)
		to := plan.GroupRecipient(g.ID, g.Epoch().Public)
		for _, r := range w.state.Resources() {
			x := handed{Resource: r.ID[:], Kind: r.Kind, Epoch: r.Epoch().Number, To: to}
			if r.Rights(officer.GroupPrincipal(g.ID)) != 0 && !slices.ContainsFunc(due.List, x.equal) {
				due.List = append(due.List, x)
			}
		}
	}
	if err := w.updateHanded(ctx, func(now handedWire) handedWire { return w.open(now).and(due) }); err != nil {
		return err
	}
	for _, d := range due.Devices {
		if err := w.refuseDevice(ctx, d); err != nil {
			return err
		}
	}
	for _, h := range groups {
		if w.standing(h) != loose { // replaced for another
			continue
		}
		if err := w.replaceGroup(ctx, officer.GroupID(h.Resource)); err != nil {
			return err
		}
	}
	for _, h := range due.List {
		if h.Kind == wire.KindGroup || w.standing(h) != loose {
			continue
		}
		if err := w.replace(ctx, officer.ResourceID(h.Resource)); err != nil {
			return err
		}
	}
	return w.updateHanded(ctx, w.open) // kept, it is looked at again
}

// replace opens a resource's next epoch, or closes the present one where the
// caller has no key to go on with. What others alone can replace is left.
func (w *Workspace) replace(ctx context.Context, id officer.ResourceID) error {
	r := w.state.Resource(id)
	if !w.mayReplace(r) {
		return nil
	}
	if w.state.Rights(w.me.Member(), r).Has(officer.Share) {
		if err := w.rotate(ctx, id, false); !noKey(err) {
			return err
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if w.Me() == nil || !w.mayReplace(w.state.Resource(id)) || w.state.Resource(id).Epoch().Closed {
			return nil, nil
		}
		return a.Close(id)
	})
}

// replaceGroup is replace for a group.
func (w *Workspace) replaceGroup(ctx context.Context, id officer.GroupID) error {
	g := w.state.Group(id)
	if g.Ended() || !w.mayReplaceGroup(g) {
		return nil
	}
	if g.Manages(w.me.Member()) {
		if err := w.rotateGroup(ctx, id, false); !noKey(err) {
			return err
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		g := w.state.Group(id)
		if w.Me() == nil || g.Ended() || !w.mayReplaceGroup(g) || g.Epoch().Closed {
			return nil, nil
		}
		return a.CloseGroup(id)
	})
}

// noKey tells that a key was not replaced since it is not to be had, or not to be
// replaced by the caller any more.
func noKey(err error) bool {
	return err != nil && (keyWithheld(err) || errors.Is(err, plan.ErrNoKey) || errors.Is(err, officer.ErrAuthority))
}
