package workspace

import (
	"context"
	"slices"

	"github.com/underseal/underseal/officer"
)

// Pending is what removals, and the end of guests' time, left for somebody to
// do. [Workspace.CatchUp] does what of it waits for the caller.
type Pending struct {
	Closed  []ClosedKey
	Missed  []MissedKey
	Expired []MemberInfo // guests; an officer removes them
	// Demoted were officers and may still share the directory, which could not be
	// taken from them at that moment: an officer gives them their role once more,
	// see [Workspace.ChangeRole].
	Demoted []MemberInfo
}

// ClosedKey is a key under whose present epoch nobody may seal any more.
type ClosedKey struct {
	Thing        // of [ThingMember]: the member's user key
	Epoch uint64 // or generation, that is closed
	// Openers may open the next epoch; of a user key it is its owner, whose next
	// command does.
	Openers []MemberInfo
	// Readers are, where there are no openers, those whom an officer may give the
	// right to share, or the management of the group, which they read or are in.
	Readers []MemberInfo
	// Sharers are, of a resource without openers, the members and groups to whose
	// grants an officer may add the right to share. Who reads it through a group
	// alone gets it with the group.
	Sharers []Thing
	Mine    bool // the caller is one of the Openers
}

// Orphaned tells whether nobody may open the next epoch until an officer has
// given somebody that right.
func (c ClosedKey) Orphaned() bool { return len(c.Openers) == 0 }

// MissedKey is the present epoch of a key that was not sealed to some who are
// granted it, since their own keys were closed when it was made; of one that is
// closed, to some who would open the next. Holders may seal it to them, and do so
// with the next change that they make: who shares it or manages the group, then who
// reads it or is in the group.
type MissedKey struct {
	Thing
	Epoch   uint64
	Who     []Thing // members and groups
	Holders []MemberInfo
	// Mine: the caller is one of the Holders, and CatchUp seals it, or opens the
	// next epoch. What a colleague says to have sealed already, CatchUp of who
	// only reads it does not seal again; [Workspace.SealAgain] does.
	Mine bool
}

// Pending lists what waits for somebody, by the log as it was read last. It
// changes nothing.
func (w *Workspace) Pending(ctx context.Context) Pending {
	p := Pending{Expired: w.ExpiredGuests(ctx)}
	people := w.people(ctx)
	if dir := w.state.Directory(); dir != nil {
		for _, g := range dir.Grants {
			m, ok := g.Principal.Member()
			if i := people[m]; ok && i.Member != nil && !i.Removed && i.Role == officer.RoleMember && g.Rights.Has(officer.Share) {
				p.Demoted = append(p.Demoted, i)
			}
		}
	}
	for _, r := range w.state.Resources() {
		missed := w.state.Missed(r)
		closed := r.Epoch().Closed && !r.Ended
		if !closed && len(missed) == 0 {
			continue
		}
		k := ClosedKey{Thing: w.Thing(ctx, r), Epoch: r.Epoch().Number, Openers: presentOf(people, openers(w.state, r))}
		if k.Orphaned() {
			for m := range w.state.Readers(r) {
				k.Readers = append(k.Readers, people[m])
			}
			k.Sharers = w.sharersToBe(ctx, people, r)
		}
		var who []Thing
		helped := true
		for _, to := range missed {
			helped = helped && r.Helped(to)
			if m, ok := to.Member(); ok {
				who = append(who, memberThing(people[m]))
			} else if id, ok := to.Group(); ok {
				who = append(who, w.groupThing(ctx, w.state.Group(id)))
			}
		}
		w.add(&p, k, closed, missing{who, presentOf(people, w.keyHolders(r)), helped})
	}
	for _, g := range w.state.Groups() {
		missed := w.state.MissedGroup(g)
		closed := g.Epoch().Closed && !g.Ended()
		if !closed && len(missed) == 0 {
			continue
		}
		k := ClosedKey{Thing: w.groupThing(ctx, g), Epoch: g.Epoch().Number, Openers: presentOf(people, managers(g))}
		if k.Orphaned() {
			for _, m := range g.Members {
				k.Readers = append(k.Readers, people[m.Member])
			}
		}
		var who []Thing
		helped := true
		for _, m := range missed {
			helped = helped && g.Helped(m)
			who = append(who, memberThing(people[m]))
		}
		w.add(&p, k, closed, missing{who, presentOf(people, w.seedHolders(g)), helped})
	}
	for _, m := range w.state.Members() {
		if m.KeyClosed && !m.Removed {
			w.add(&p, ClosedKey{Thing: memberThing(people[m.ID]), Epoch: m.UserKey().Generation, Openers: presentOf(people, []officer.MemberID{m.ID})}, true, missing{})
		}
	}
	return p
}

// keyHolders are those who have the present key of a resource, by the log.
func (w *Workspace) keyHolders(r *officer.Resource) (list []officer.MemberID) {
	for m := range w.state.Readers(r) {
		if w.state.Opens(m, r) {
			list = append(list, m)
		}
	}
	return list
}

// seedHolders are those who have the present seed of a group, by the log.
func (w *Workspace) seedHolders(g *officer.Group) (list []officer.MemberID) {
	for _, m := range g.Members {
		if w.state.OpensGroup(m.Member, g) {
			list = append(list, m.Member)
		}
	}
	return list
}

// sharersToBe are the members and groups that are granted a resource and may be
// granted share: no guests, and no groups with a guest in them.
func (w *Workspace) sharersToBe(ctx context.Context, people map[officer.MemberID]MemberInfo, r *officer.Resource) (list []Thing) {
	guest := func(m officer.GroupMember) bool { return people[m.Member].Role == officer.RoleGuest }
	for _, g := range r.Grants {
		if m, ok := g.Principal.Member(); ok && people[m].Role != officer.RoleGuest {
			list = append(list, memberThing(people[m]))
		} else if id, ok := g.Principal.Group(); ok {
			if team := w.state.Group(id); !slices.ContainsFunc(team.Members, guest) {
				list = append(list, w.groupThing(ctx, team))
			}
		}
	}
	return list
}

// missing is who missed a key, who has it by the log, and whether somebody who only
// reads it says to have sealed it to each of them.
type missing struct {
	who     []Thing
	readers []MemberInfo
	helped  bool
}

func (w *Workspace) add(p *Pending, k ClosedKey, closed bool, missed missing) {
	me := w.me.Member()
	isMe := func(m MemberInfo) bool { return m.ID == me }
	k.Mine = slices.ContainsFunc(k.Openers, isMe)
	slices.SortFunc(k.Readers, func(a, b MemberInfo) int { return a.ID.Compare(b.ID) })
	if closed {
		p.Closed = append(p.Closed, k)
	}
	if len(missed.who) == 0 {
		return
	}
	holders := slices.DeleteFunc(slices.Clone(k.Openers), func(m MemberInfo) bool { // who missed it has nothing to seal
		return slices.ContainsFunc(missed.who, func(t Thing) bool { return t.Kind == ThingMember && t.Member.ID == m.ID })
	})
	mine := slices.ContainsFunc(holders, isMe)
	slices.SortFunc(missed.readers, func(a, b MemberInfo) int { return a.ID.Compare(b.ID) })
	for _, m := range missed.readers {
		if m.Role == officer.RoleGuest || slices.ContainsFunc(k.Openers, func(o MemberInfo) bool { return o.ID == m.ID }) {
			continue
		}
		holders = append(holders, m)
		mine = mine || isMe(m) && !missed.helped
	}
	p.Missed = append(p.Missed, MissedKey{Thing: k.Thing, Epoch: k.Epoch, Who: missed.who, Holders: holders, Mine: mine})
}

// presentOf are those of the members who have not been removed.
func presentOf(people map[officer.MemberID]MemberInfo, ids []officer.MemberID) (list []MemberInfo) {
	for _, id := range ids {
		if m := people[id]; m.Member != nil && !m.Removed {
			list = append(list, m)
		}
	}
	return list
}

func memberThing(m MemberInfo) Thing {
	return Thing{Kind: ThingMember, Text: m.EmailText, Member: m, Ended: m.Removed}
}

func (w *Workspace) groupThing(ctx context.Context, g *officer.Group) Thing {
	name, _ := w.Text(ctx, g.Label, officer.TextGroup)
	return Thing{Kind: ThingGroup, Text: name, Group: g.ID, Ended: g.Ended()}
}
