package officer

import (
	"iter"
	"slices"
)

// Missed lists the principals who are granted a resource and to whom its present
// key was not sealed: when it was made, their own key was closed. Whoever reads
// the resource seals it to them again (operation 12), once theirs is no longer
// closed. Of an epoch that is closed these are only the principals with share:
// one of them opens the next, and seals that to all.
//
// The word of a sharer is taken for it that they were sealed it since, and not
// that of others, see [GrantState.Helpers]: it decides whether somebody may be
// removed without loss.
func (s *State) Missed(r *Resource) (list []Principal) {
	e := r.Epoch()
	if r.Ended {
		return nil
	}
	for _, g := range r.Grants {
		if e.Closed && !g.Rights.Has(Share) || announced(g.Senders, e.Number) {
			continue
		}
		if m, ok := g.Principal.Member(); ok {
			if s.members[m].closedAt(s, e.Sequence) {
				list = append(list, g.Principal)
			}
		} else if id, ok := g.Principal.Group(); ok && s.groups[id].closedAt(e.Sequence) {
			list = append(list, g.Principal)
		}
	}
	return list
}

// MissedGroup is Missed for those who are in a group and its present seed, which
// whoever else is in the group seals again (operation 30); of an epoch that is
// closed, for those who manage the group.
func (s *State) MissedGroup(g *Group) (list []MemberID) {
	e := g.Epoch()
	for _, x := range g.Members {
		if (!e.Closed || x.Rights.Has(Share)) && !announced(x.Senders, e.Number) && s.members[x.Member].closedAt(s, e.Sequence) {
			list = append(list, x.Member)
		}
	}
	return list
}

// Helped tells whether somebody who does not share a resource says that they
// sealed its present key to a principal.
func (r *Resource) Helped(p Principal) bool {
	i, ok := r.find(p)
	return ok && announced(r.Grants[i].Helpers, r.Epoch().Number)
}

// Helped tells whether somebody who does not manage the group says that they
// sealed its present seed to a member.
func (g *Group) Helped(m MemberID) bool {
	i, ok := g.find(m)
	return ok && announced(g.Members[i].Helpers, g.Epoch().Number)
}

// Opens tells whether a member was sealed the present key of a resource, or of a
// group through which they read it, closed or not, as far as the log tells: they
// are granted it and have not missed it. It may say no of somebody who holds an
// earlier seed of the group, which is enough.
func (s *State) Opens(id MemberID, r *Resource) bool {
	m, e := s.members[id], r.Epoch()
	if i, ok := r.find(MemberPrincipal(id)); ok && (announced(r.Grants[i].Senders, e.Number) || !m.closedAt(s, e.Sequence)) {
		return true
	}
	for grant := range r.groupGrants() {
		g := s.groups[GroupID(grant.Principal.ID)]
		if g == nil || !announced(grant.Senders, e.Number) && g.closedAt(e.Sequence) {
			continue
		}
		if s.OpensGroup(id, g) {
			return true
		}
	}
	return false
}

// OpensGroup is Opens for the present seed of a group that the member is in.
func (s *State) OpensGroup(id MemberID, g *Group) bool {
	e := g.Epoch()
	i, ok := g.find(id)
	return ok && (announced(g.Members[i].Senders, e.Number) || !s.members[id].closedAt(s, e.Sequence))
}

// Kept tells whether somebody who is no guest opens a resource, and whether one
// of them can go on with it: shares it, or can be given share because nobody
// does. without are left out.
func (s *State) Kept(r *Resource, without ...MemberID) (opened, goesOn bool) {
	shared := false
	for id := range s.reading(r) {
		if s.members[id].Role == RoleGuest || slices.Contains(without, id) {
			continue
		}
		opens, shares := s.Opens(id, r), s.Rights(id, r).Has(Share)
		if opens && shares {
			return true, true
		}
		opened, shared = opened || opens, shared || shares
	}
	return opened, opened && !shared
}

// reading yields who reads a resource, those who do in several ways several times:
// most askers are content with the first.
func (s *State) reading(r *Resource) iter.Seq[MemberID] {
	return func(yield func(MemberID) bool) {
		for _, grant := range r.Grants {
			if id, ok := grant.Principal.Member(); ok {
				if !yield(id) {
					return
				}
			} else if g := s.groups[GroupID(grant.Principal.ID)]; g != nil {
				for _, x := range g.Members {
					if !yield(x.Member) {
						return
					}
				}
			}
		}
	}
}

func announced(list []Sender, epoch uint64) bool {
	return slices.ContainsFunc(list, func(x Sender) bool { return x.Epoch == epoch })
}

// closedAt tells whether an entry could seal nothing to the member: an earlier
// one, or itself, had removed a device of theirs, and none had brought a new
// user key since.
func (m *Member) closedAt(s *State, sequence uint64) bool {
	// From the last user key that the entry could know.
	var since uint64
	for _, k := range m.UserKeys {
		if k.Sequence <= sequence {
			since = k.Sequence
		}
	}
	return slices.ContainsFunc(m.Devices, func(id DeviceID) bool {
		d := s.devices[id]
		return d.Removed && d.RemovedAt > since && d.RemovedAt <= sequence
	})
}

// closedAt is the same of a group.
func (g *Group) closedAt(sequence uint64) bool {
	var e Epoch
	for _, x := range g.Epochs {
		if x.Sequence <= sequence {
			e = x
		}
	}
	return e.Closed && e.ClosedAt <= sequence
}
