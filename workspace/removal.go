package workspace

import (
	"context"
	"fmt"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Renewal is what a removal does to keys, in the entry that removes.
type Renewal struct {
	// Rotated get a new key; Closed are those whose key the caller cannot
	// replace: somebody who shares them opens the next epoch.
	Rotated, Closed []officer.ResourceID
	// RotatedGroups and ClosedGroups are the same of groups: who manages one
	// that is closed opens its next epoch.
	RotatedGroups, ClosedGroups []officer.GroupID
	// Envelopes is how many keys are sealed again.
	Envelopes int
	// Skipped keep their grants, and get the new keys when their own is no longer
	// closed: see [Workspace.CatchUp].
	Skipped int
	// Unenrolled: the caller's enrolment into recovery ends with their user key, and
	// too few officers hold shares to enrol again by itself.
	Unenrolled bool
}

// renewalOf reads a plan before it is packed.
func renewalOf(p *plan.Plan) (r Renewal) {
	for _, op := range p.Operations {
		switch o := op.(type) {
		case *officer.KeyRotated:
			r.Rotated = append(r.Rotated, o.Resource)
		case *officer.KeyClosed:
			r.Closed = append(r.Closed, o.Resource)
		case *officer.GroupRotated:
			r.RotatedGroups = append(r.RotatedGroups, o.Group)
		case *officer.GroupClosed:
			r.ClosedGroups = append(r.ClosedGroups, o.Group)
		}
	}
	r.Envelopes, r.Skipped, r.Unenrolled = len(p.Envelopes), len(p.Skipped), p.Unenrolled
	return r
}

// stranded fails with officer.ErrLast where a plan leaves a resource with nobody
// who can go on with it, and with whom somebody could before: those who would
// open it are guests, or missed its key.
func (w *Workspace) stranded(p *plan.Plan, of ...officer.ResourceID) error {
	_, next, err := w.sign(p)
	if err != nil {
		return err
	}
	for _, id := range of {
		r := w.state.Resource(id)
		if r == nil || r.Ended {
			continue
		}
		opened, goesOn := w.state.Kept(r)
		stillOpened, stillGoesOn := next.Kept(next.Resource(id))
		if opened && !stillOpened || goesOn && !stillGoesOn {
			return fmt.Errorf("resource %s: who can go on with it: %w", id, officer.ErrLast)
		}
	}
	return nil
}

// Removal is what the removal of a device does, in one entry of the log.
type Removal struct {
	Device DeviceInfo
	// Own: the member's user key is replaced. Otherwise it is closed until one
	// of their devices makes the next.
	Own bool
	Renewal
	// Added are devices that the removed one brought in, itself or by others that
	// were removed since, and that stay: whoever held it may hold them (attack 62).
	Added []DeviceInfo
}

// PlanRemoval says what RemoveDevice would do now. Nothing is changed.
func (w *Workspace) PlanRemoval(ctx context.Context, id officer.DeviceID) (Removal, error) {
	if err := w.requireMe(); err != nil {
		return Removal{}, err
	}
	r, err := w.describeRemoval(ctx, id)
	if err != nil {
		return r, err
	}
	p, err := w.planRemoval(ctx, w.author(), id)
	if err != nil {
		return r, err
	}
	r.Renewal = renewalOf(p)
	_, _, err = w.sign(p) // what replay would refuse is not proposed
	return r, err
}

// RemoveDevice takes away a device: another one of the caller's own, or by an
// officer anybody's. One entry removes it and replaces or closes every key that
// it could reach (P7). It fails with ErrDeviceRemoved where that was done.
func (w *Workspace) RemoveDevice(ctx context.Context, id officer.DeviceID) (Removal, error) {
	if err := w.requireMe(); err != nil {
		return Removal{}, err
	}
	r, err := w.describeRemoval(ctx, id)
	if err != nil {
		return r, err
	}
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil { // the other one was faster
			return nil, err
		}
		p, err := w.planRemoval(ctx, a, id)
		if err == nil {
			r.Renewal = renewalOf(p)
		}
		return p, err
	})
	if err != nil {
		return r, err
	}
	w.keys.relist() // the envelopes of the new keys may have been seen too early
	return r, nil
}

func (w *Workspace) describeRemoval(ctx context.Context, id officer.DeviceID) (Removal, error) {
	d := w.state.Device(id)
	if d == nil {
		return Removal{}, fmt.Errorf("device: %w", ErrNoSuch)
	}
	list, err := w.Devices(ctx, d.Member)
	if err != nil {
		return Removal{}, err
	}
	r := Removal{Own: d.Member == w.me.Member()}
	brought := map[officer.DeviceID]bool{id: true} // it, and those of it that are gone
	for _, i := range list {                       // in the order in which they were added
		switch {
		case i.ID == id:
			r.Device = i
		case brought[i.AddedBy] && i.Removed:
			brought[i.ID] = true
		case brought[i.AddedBy]:
			r.Added = append(r.Added, i)
		}
	}
	return r, nil
}

func (w *Workspace) planRemoval(ctx context.Context, a plan.Author, id officer.DeviceID) (*plan.Plan, error) {
	switch d := w.state.Device(id); {
	case d == nil:
		return nil, fmt.Errorf("device: %w", ErrNoSuch)
	case d.Removed:
		return nil, fmt.Errorf("device: %w", ErrDeviceRemoved)
	case id == w.me.Keys().ID():
		return nil, ErrThisDevice
	case d.Member != w.me.Member() && w.Me().Role != officer.RoleOfficer:
		return nil, officer.ErrAuthority
	case w.devicesLeft(d.Member) < 2:
		return nil, fmt.Errorf("device of a member: %w", officer.ErrLast)
	case d.Member != w.me.Member():
		return a.RemoveDevice(id, w.held(ctx))
	}
	user, err := w.keys.user(ctx, w.Me().UserKey().Generation)
	if err != nil {
		return nil, err
	}
	return a.RemoveOwnDevice(id, user, w.held(ctx))
}

func (w *Workspace) devicesLeft(member officer.MemberID) (n int) {
	for _, id := range w.state.Member(member).Devices {
		if !w.state.Device(id).Removed {
			n++
		}
	}
	return n
}

// held gives the keys that a plan rotates from. One that is not to be had does
// not keep a device in.
func (w *Workspace) held(ctx context.Context) plan.Held {
	held := func(key *plan.Key, err error) (*plan.Key, error) {
		if err != nil && keyWithheld(err) {
			return nil, fmt.Errorf("%w: %w", plan.ErrNoKey, err)
		}
		return key, err
	}
	return plan.Held{
		Resource: func(r *officer.Resource) (*plan.Key, error) { return held(w.keys.resource(ctx, r, r.Epoch().Number)) },
		Group:    func(g *officer.Group) (*plan.Key, error) { return held(w.keys.group(ctx, g, g.Epoch().Number)) },
	}
}
