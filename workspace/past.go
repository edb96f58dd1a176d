package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// ErrKeyHeld: the key is not missing, so that nothing has to be gone past.
var ErrKeyHeld = errors.New("this device has the key")

// MissingKey is the present key of a resource that the caller shares, or of a group
// that they manage, which the log grants them and this device cannot get: whoever
// opened the epoch sealed it to nobody, or the store has lost it. The next epoch can
// be opened all the same, by [Workspace.RotatePast].
type MissingKey struct {
	Thing
	Epoch uint64 // the present one
	// From is the last epoch whose key this device has. What was sealed after it
	// opens only for those who have its key. 0: it has none, and nobody goes on
	// without one.
	From uint64
	// Author opened Epoch.
	Author MemberInfo
	// Holders are colleagues to whom, by the log, the key was sealed, the author
	// first. Each of them can seal it again, see [Workspace.SealAgain]: ask them
	// before anything else.
	Holders []MemberInfo
}

// MissingKeys lists what the caller may open the next epoch of and lacks the present
// key of, groups first; closed or not. A store that fails is an error: nothing is
// missing because it was not looked for.
func (w *Workspace) MissingKeys(ctx context.Context) (list []MissingKey, err error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	add := func(m MissingKey, err error) error {
		if err == nil {
			list = append(list, m)
		} else if !errors.Is(err, ErrKeyHeld) {
			return err
		}
		return nil
	}
	for _, g := range w.state.Groups() {
		if g.Manages(w.me.Member()) {
			if err := add(w.missingGroup(ctx, g)); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range w.state.Resources() {
		if !r.Ended && w.state.Rights(w.me.Member(), r).Has(officer.Share) {
			if err := add(w.missingResource(ctx, r)); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// MissingKey describes the field with a label of which the caller lacks the present
// key. It fails with ErrKeyHeld where this device has it.
func (w *Workspace) MissingKey(ctx context.Context, label string) (MissingKey, error) {
	f, err := w.labelled(ctx, label)
	switch {
	case err != nil:
		return MissingKey{}, err
	case !f.Mine.Has(officer.Share):
		return MissingKey{}, fmt.Errorf("%s: the right to share is %w", f.called(), ErrNotGranted)
	}
	return w.missingResource(ctx, f.Resource)
}

// MissingGroupKey is MissingKey for the group with a name.
func (w *Workspace) MissingGroupKey(ctx context.Context, name string) (MissingKey, error) {
	if err := w.requireMe(); err != nil {
		return MissingKey{}, err
	}
	g, err := w.group(ctx, name)
	switch {
	case err != nil:
		return MissingKey{}, err
	case !g.Manages(w.me.Member()):
		return MissingKey{}, fmt.Errorf("to manage group %.80q is %w", name, ErrNotGranted)
	}
	return w.missingGroup(ctx, g)
}

func (w *Workspace) missingResource(ctx context.Context, r *officer.Resource) (MissingKey, error) {
	key, err := w.lastResource(ctx, r)
	if err != nil {
		return MissingKey{}, err
	}
	return w.missing(ctx, w.Thing(ctx, r), r.Epoch(), key, w.keyHolders(r)), nil
}

func (w *Workspace) missingGroup(ctx context.Context, g *officer.Group) (MissingKey, error) {
	seed, err := w.lastGroup(ctx, g)
	if err != nil {
		return MissingKey{}, err
	}
	return w.missing(ctx, w.groupThing(ctx, g), g.Epoch(), seed, w.seedHolders(g)), nil
}

func (w *Workspace) missing(ctx context.Context, t Thing, e officer.Epoch, last *datakey.Key, holders []officer.MemberID) MissingKey {
	people, m := w.people(ctx), MissingKey{Thing: t, Epoch: e.Number}
	if last != nil {
		m.From = last.Context().Epoch
	}
	if d := w.state.Device(e.Author); d != nil {
		m.Author = people[d.Member]
	}
	for _, x := range presentOf(people, holders) {
		if x.ID != w.me.Member() && x.Role != officer.RoleGuest { // guests seal nothing
			m.Holders = append(m.Holders, x)
		}
	}
	slices.SortFunc(m.Holders, func(a, b MemberInfo) int { return a.ID.Compare(b.ID) })
	if i := slices.IndexFunc(m.Holders, func(x MemberInfo) bool { return m.Author.Member != nil && x.ID == m.Author.ID }); i > 0 {
		author := m.Holders[i]
		m.Holders = slices.Insert(slices.Delete(m.Holders, i, i+1), 0, author)
	}
	return m
}

// lastResource is the last key of a resource that this device has, or nil; ErrKeyHeld
// where that is the present one.
func (w *Workspace) lastResource(ctx context.Context, r *officer.Resource) (*datakey.Key, error) {
	if r.Ended {
		return nil, officer.ErrEnded
	}
	return lastKey(r.Epoch().Number, func(n uint64) (*datakey.Key, error) { return w.keys.resource(ctx, r, n) })
}

// lastGroup is lastResource for a group's seed.
func (w *Workspace) lastGroup(ctx context.Context, g *officer.Group) (*datakey.Key, error) {
	return lastKey(g.Epoch().Number, func(n uint64) (*datakey.Key, error) { return w.keys.group(ctx, g, n) })
}

func lastKey(present uint64, get func(uint64) (*datakey.Key, error)) (*datakey.Key, error) {
	for n := present; n > 0; n-- {
		switch key, err := get(n); {
		case err == nil && n == present:
			return nil, ErrKeyHeld
		case err == nil:
			return key, nil
		case !keyWithheld(err): // a store that is away has lost nothing
			return nil, err
		}
	}
	return nil, nil
}

// RotatePast opens the next epoch past a key that is missing, for all who are
// granted the resource or are in the group. What was sealed in the epochs between
// opens only for those who have their keys: the caller has been told so, and whom
// to ask. It fails with ErrKeyHeld where the key has come meanwhile, and with
// ErrKeyMissing where this device holds no earlier one, or somebody has opened
// another epoch since m was made.
func (w *Workspace) RotatePast(ctx context.Context, m MissingKey) error {
	var next *datakey.Key
	err := w.commit(ctx, func(a plan.Author) (p *plan.Plan, err error) {
		next = nil // of an attempt that came to nothing
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		var last *datakey.Key
		var present uint64
		g, r := w.state.Group(m.Group), w.state.Resource(m.Resource)
		switch {
		case m.Kind == ThingGroup && g != nil:
			present = g.Epoch().Number
			last, err = w.lastGroup(ctx, g)
		case r != nil:
			present = r.Epoch().Number
			last, err = w.lastResource(ctx, r)
		default:
			err = ErrNoSuch
		}
		switch {
		case err != nil:
			return nil, err
		case last == nil || present != m.Epoch:
			return nil, ErrKeyMissing
		case m.Kind == ThingGroup:
			p, next, err = a.RotateGroupPast(last)
		default:
			p, next, err = a.RotatePast(last)
		}
		return p, err
	})
	if err == nil {
		w.keys.hold(next)
	}
	return err
}
