package workspace

import (
	"context"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// CaughtUp is what CatchUp did.
type CaughtUp struct {
	// Opened and OpenedGroups were closed and have a next epoch now.
	Opened       []officer.ResourceID
	OpenedGroups []officer.GroupID
	// Sealed is how many keys were sealed again to somebody who missed them.
	Sealed int
	// Waiting and WaitingGroups are what the caller should have opened, and the
	// store does not give the key.
	Waiting       []officer.ResourceID
	WaitingGroups []officer.GroupID
	// Missed and MissedGroups are what the caller may open and cannot, since its key
	// was made while their own was closed: somebody else who may has to.
	Missed       []officer.ResourceID
	MissedGroups []officer.GroupID
}

// CatchUp does what removals, and changes that failed, left to the caller: it
// replaces what this device has handed out in vain (see [HandedOut]), opens the
// next epoch of what is closed and the caller shares, or manages, and seals what
// members and groups missed while their own keys were closed, as far as the caller
// reads it, or is in the group. Nobody is granted more by it than the log grants
// them. It can be called again at any time.
func (w *Workspace) CatchUp(ctx context.Context) (CaughtUp, error) {
	var c CaughtUp
	if err := w.requireMe(); err != nil {
		return c, err
	}
	if err := w.RenewUserKey(ctx); err != nil {
		return c, err
	}
	if err := w.TakeBack(ctx); err != nil {
		return c, err
	}
	me := w.me.Member()
	for _, g := range w.state.Groups() { // first: resources are sealed to them
		if !g.Manages(me) || !g.Epoch().Closed {
			continue
		}
		switch err := w.reopenGroup(ctx, g.ID); {
		case err == nil:
			c.OpenedGroups = append(c.OpenedGroups, g.ID)
		case keyWithheld(err) && !w.state.OpensGroup(me, g):
			c.MissedGroups = append(c.MissedGroups, g.ID)
		case keyWithheld(err):
			c.WaitingGroups = append(c.WaitingGroups, g.ID)
		default:
			return c, err
		}
	}
	for _, r := range w.state.Resources() {
		if r.Ended || !r.Epoch().Closed || !w.state.Rights(me, r).Has(officer.Share) {
			continue
		}
		switch err := w.rotate(ctx, r.ID, true); {
		case err == nil:
			c.Opened = append(c.Opened, r.ID)
		case keyWithheld(err) && !w.state.Opens(me, r):
			c.Missed = append(c.Missed, r.ID)
		case keyWithheld(err):
			c.Waiting = append(c.Waiting, r.ID)
		default:
			return c, err
		}
	}
	var err error
	c.Sealed, err = w.sealMissed(ctx)
	return c, err
}

// sealMissed seals again what others missed, in as many entries as it takes.
func (w *Workspace) sealMissed(ctx context.Context) (sealed int, err error) {
	for {
		n := 0
		err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
			n = 0 // of an attempt that came to nothing
			if err := w.requireMe(); err != nil {
				return nil, err
			}
			p, err := a.SealMissed(w.held(ctx))
			if err != nil || len(p.Operations) == 0 {
				return nil, err
			}
			n = len(p.Envelopes)
			return p, nil
		})
		if err != nil || n == 0 {
			return sealed, err
		}
		sealed += n
	}
}

// settle is sealMissed beside a change of the caller's: what it cannot do now, the
// next change of somebody who shares it does.
func (w *Workspace) settle(ctx context.Context) { _, _ = w.sealMissed(ctx) }
