package workspace

import (
	"context"
	"slices"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// SealAgain seals to a member, by their email, or to a group, by its name,
// everything that they are granted, or are in, and whose key the caller holds:
// the store may have lost it, or whoever opened an epoch may have left them out,
// and neither can be seen in the log. Of a member these are also the keys that
// are granted to their groups. Epochs that the history leads past are sealed as
// well. Nobody is granted anything by it; guests cannot do it. It tells how many
// keys it sealed, and can be called again at any time.
func (w *Workspace) SealAgain(ctx context.Context, name string) (sealed int, err error) {
	if err := w.requireMe(); err != nil {
		return 0, err
	}
	if w.Me().Role == officer.RoleGuest {
		return 0, officer.ErrAuthority
	}
	to, err := w.Principal(ctx, name)
	if err != nil {
		return 0, err
	}
	return w.sealAgain(ctx, to)
}

// maxAgain bounds the envelopes of one entry, and with them its memory.
const maxAgain = 4096

// sealAgain goes through what a principal is granted in as many entries as it
// takes.
func (w *Workspace) sealAgain(ctx context.Context, to officer.Principal) (sealed int, err error) {
	for done := 0; ; {
		n, total, got := 0, 0, 0
		err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
			if err := w.requireMe(); err != nil {
				return nil, err
			}
			list := w.again(a, to)
			p := &plan.Plan{}
			got = 0 // of an attempt that came to nothing
			for n, total = 0, len(list); done+n < total && len(p.Envelopes) < maxAgain; n++ {
				one, err := list[done+n](ctx)
				if keyWithheld(err) { // not held, or nothing is sealed to them now
					continue
				} else if err != nil {
					return nil, err
				}
				p.Join(one)
			}
			if len(p.Envelopes) == 0 {
				return nil, nil
			}
			got = len(p.Envelopes)
			return p, nil
		})
		if err == nil {
			sealed += got
		}
		done += n
		if err != nil || done >= total {
			return sealed, err
		}
	}
}

// again lists what can be sealed again to a principal, one key each, always in
// the same order: groups first.
func (w *Workspace) again(a plan.Author, to officer.Principal) (list []func(context.Context) (*plan.Plan, error)) {
	me, all := w.me.Member(), []officer.Principal{to}
	if m, ok := to.Member(); ok {
		for _, g := range a.State.Groups() {
			if !g.Has(m) {
				continue
			}
			all = append(all, officer.GroupPrincipal(g.ID))
			if !g.Has(me) {
				continue
			}
			for _, n := range unlinked(g.Epochs) {
				list = append(list, func(ctx context.Context) (*plan.Plan, error) {
					seed, err := w.keys.group(ctx, g, n)
					if err != nil {
						return nil, err
					}
					return a.ResealGroup(seed, m)
				})
			}
		}
	}
	for _, r := range a.State.Resources() {
		if r.Ended || !a.State.Rights(me, r).Has(officer.Read) {
			continue
		}
		for _, p := range all {
			if r.Rights(p) == 0 {
				continue
			}
			for _, n := range unlinked(r.Epochs) {
				list = append(list, func(ctx context.Context) (*plan.Plan, error) {
					key, err := w.keys.resource(ctx, r, n)
					if err != nil {
						return nil, err
					}
					return a.Reseal(key, p)
				})
			}
		}
	}
	return list
}

// unlinked are the numbers of the present epoch and of those that the history of
// no later one leads to: each needs an envelope of its own.
func unlinked(epochs []officer.Epoch) (list []uint64) {
	linked := map[uint64]bool{}
	for _, e := range epochs {
		linked[e.From] = true
	}
	for _, e := range slices.Backward(epochs) {
		if !linked[e.Number] {
			list = append(list, e.Number)
		}
	}
	return list
}
