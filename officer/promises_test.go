package officer_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// keepsShare tells whether somebody who had share still has it.
func keepsShare(was, is *officer.Resource) bool {
	return slices.ContainsFunc(was.Grants, func(g officer.GrantState) bool {
		return g.Rights.Has(officer.Share) && is.Rights(g.Principal).Has(officer.Share)
	})
}

// endedStays checks that what has ended stays so, and that nobody gets it who
// did not have it.
func endedStays(t *rapid.T, line string, was, is *officer.Resource) {
	t.Helper()
	if is.Ended && !is.Epoch().Closed {
		t.Fatalf("%q: %s has ended and is open", line, is.ID)
	}
	if was == nil || !was.Ended {
		return
	}
	if !is.Ended || len(is.Epochs) != len(was.Epochs) {
		t.Fatalf("%q: %s goes on after its end", line, is.ID)
	}
	for _, g := range is.Grants {
		if was.Rights(g.Principal) != g.Rights {
			t.Fatalf("%q: %s is granted after its end", line, is.ID)
		}
	}
}

// promises checks what holds after every entry.
func promises(t *rapid.T, line string, before, after *officer.State, e officer.Entry) {
	t.Helper()
	author := after.Device(e.Author).Member
	byOfficer := before.Member(author).Role == officer.RoleOfficer
	created, removed, revoked := map[officer.ResourceID]bool{}, map[officer.MemberID]bool{}, map[officer.ResourceID]bool{}
	gone := false // whether somebody is
	taken := map[officer.GroupID]map[officer.MemberID]bool{}
	for _, op := range e.Operations {
		switch o := op.(type) {
		case *officer.KeyCreated:
			created[o.Resource] = true
		case *officer.DeviceRemoved:
			removed[after.Device(o.Device).Member] = true
		case *officer.MemberRemoved:
			removed[o.Member], gone = true, true
		case *officer.Revoke:
			revoked[o.Resource] = true
		case *officer.GroupMemberRemoved:
			if taken[o.Group] == nil {
				taken[o.Group] = map[officer.MemberID]bool{}
			}
			taken[o.Group][o.Member] = true
		}
	}
	places := map[officer.Binding]bool{}
	for _, r := range after.Resources() {
		was := before.Resource(r.ID)
		endedStays(t, line, was, r)
		if r.Binding.ID != "" && !r.Ended {
			if places[r.Binding] {
				t.Fatalf("%q: two resources at %v", line, r.Binding)
			}
			places[r.Binding] = true
		}
		sharers := 0
		for i, e := range r.Epochs {
			if e.Number != uint64(i)+1 || i < len(r.Epochs)-1 && !e.Closed {
				t.Fatalf("%q: epoch %d is number %d, closed %v", line, i+1, e.Number, e.Closed)
			}
		}
		for _, g := range r.Grants {
			if g.Rights.Has(officer.Share) {
				sharers++
			}
		}
		// More rights come from who had them and shares, or manages a group
		// that has them, or made the resource.
		mine := officer.Read | officer.Write | officer.Share
		if !created[r.ID] {
			mine = before.Rights(author, was)
		}
		if was != nil && byOfficer && !keepsShare(was, r) { // an officer may have given share back
			mine |= after.Rights(author, r)
		}
		for _, m := range after.Members() {
			has := after.Rights(m.ID, r)
			gained := has
			if was != nil && before.Member(m.ID) != nil {
				gained &^= before.Rights(m.ID, was)
			}
			restored := was != nil && byOfficer && !keepsShare(was, r) && gained == officer.Share
			if gained != 0 && !restored && !(mine.Has(gained) && (mine.Has(officer.Share) || managesOne(before, after, author))) {
				t.Fatalf("%q: %s gained %s, of an author with %s", line, m.ID, gained, mine)
			}
			if m.Role == officer.RoleGuest && (has.Has(officer.Share) || has != 0 && r.Kind == wire.KindDirectory) {
				t.Fatalf("%q: a guest has %s on a %s", line, has, r.Kind)
			}
		}
		if sharers == 0 && !(was != nil && (was.Orphaned() || byOfficer && (revoked[r.ID] || gone))) {
			t.Fatalf("%q: nobody shares %s", line, r.ID)
		}
		if was == nil {
			continue
		}
		for _, g := range was.Grants {
			id, own := g.Principal.Member()
			if own && !byOfficer && after.Member(id).Role == officer.RoleOfficer && !r.Rights(g.Principal).Has(g.Rights) {
				t.Fatalf("%q: who is no officer took rights from an officer", line)
			}
		}
		renewed := len(r.Epochs) > len(was.Epochs) || r.Epoch().Closed
		if revoked[r.ID] && !renewed {
			t.Fatalf("%q: revoked, and epoch %d goes on", line, r.Epoch().Number)
		}
		for id := range removed {
			if before.Rights(id, was) != 0 && !renewed {
				t.Fatalf("%q: a device is gone, and epoch %d goes on", line, r.Epoch().Number)
			}
		}
		for g := range taken {
			if was.Rights(officer.GroupPrincipal(g)) != 0 && !renewed {
				t.Fatalf("%q: somebody was taken from a group, and epoch %d goes on", line, r.Epoch().Number)
			}
		}
		if len(r.Epochs) > len(was.Epochs) && after.Rights(author, r) == 0 {
			t.Fatalf("%q: who made epoch %d is not granted it", line, r.Epoch().Number)
		}
	}
	for id := range removed {
		is, was := after.Member(id), before.Member(id)
		if is.Removed && (!is.KeyClosed || len(after.Reach(id)) != 0) {
			t.Fatalf("%q: somebody is removed and reads", line)
		}
		if !is.KeyClosed && len(is.UserKeys) == len(was.UserKeys) {
			t.Fatalf("%q: a device is gone, and the user key goes on", line)
		}
	}
	devices, officers := 0, 0
	for _, m := range after.Members() {
		if m.Removed {
			for _, id := range m.Devices {
				if !after.Device(id).Removed {
					t.Fatalf("%q: somebody is removed, and a device is not", line)
				}
			}
			continue
		}
		if m.Role == officer.RoleOfficer {
			officers++
		}
		for _, id := range m.Devices {
			if !after.Device(id).Removed {
				devices++
			}
		}
		if devices == 0 {
			t.Fatalf("%q: %s has no device", line, m.ID)
		}
		devices = 0
	}
	if officers == 0 {
		t.Fatalf("%q: nobody is an officer", line)
	}
	groupPromises(t, line, before, after, taken, removed)
}

// managesOne tells whether somebody manages a group, before or after.
func managesOne(before, after *officer.State, m officer.MemberID) bool {
	manages := func(g *officer.Group) bool { return g.Manages(m) }
	return slices.ContainsFunc(before.Groups(), manages) || slices.ContainsFunc(after.Groups(), manages)
}

// groupPromises checks what holds of groups after every entry.
func groupPromises(t *rapid.T, line string, before, after *officer.State, taken map[officer.GroupID]map[officer.MemberID]bool, removed map[officer.MemberID]bool) {
	t.Helper()
	for _, g := range after.Groups() {
		was := before.Group(g.ID)
		if g.Ended() {
			if was == nil || !was.Ended() && len(removed) == 0 {
				t.Fatalf("%q: nobody is in a group", line)
			}
			for _, r := range after.Resources() {
				if r.Rights(officer.GroupPrincipal(g.ID)) != 0 {
					t.Fatalf("%q: a group has ended, and is granted something", line)
				}
			}
			continue
		}
		if g.Orphaned() && (was == nil || len(taken[g.ID]) == 0 && len(removed) == 0 && !was.Orphaned()) {
			t.Fatalf("%q: nobody manages a group", line)
		}
		if was == nil {
			continue
		}
		renewed := len(g.Epochs) > len(was.Epochs) || g.Epoch().Closed
		for id := range taken[g.ID] {
			if was.Has(id) && !renewed {
				t.Fatalf("%q: somebody was taken from a group, and epoch %d goes on", line, g.Epoch().Number)
			}
		}
		for id := range removed {
			if was.Has(id) && !renewed {
				t.Fatalf("%q: a device is gone, and the group's epoch %d goes on", line, g.Epoch().Number)
			}
		}
		for _, x := range g.Members {
			if after.Member(x.Member).Role == officer.RoleGuest && x.Rights.Has(officer.Share) {
				t.Fatalf("%q: a guest manages a group", line)
			}
		}
	}
	readersAgree(t, line, after)
}

// readersAgree holds what a member reaches against who reads a resource.
func readersAgree(t *rapid.T, line string, s *officer.State) {
	t.Helper()
	ways := map[string]int{}
	for _, m := range s.Members() {
		for _, a := range s.Reach(m.ID) {
			ways[fmt.Sprint(m.ID, a.Resource.ID, a.Through != nil, a.Rights, a.Since)]++
			if !s.Rights(m.ID, a.Resource).Has(a.Rights) {
				t.Fatalf("%q: %s reaches more than %s may", line, a.Resource.ID, m.ID)
			}
		}
	}
	for _, r := range s.Resources() {
		for m, list := range s.Readers(r) {
			for _, a := range list {
				ways[fmt.Sprint(m, a.Resource.ID, a.Through != nil, a.Rights, a.Since)]--
			}
		}
	}
	for way, n := range ways {
		if n != 0 {
			t.Fatalf("%q: %s is in one list only", line, way)
		}
	}
}
