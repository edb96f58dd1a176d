package officer_test

import (
	"fmt"
	"strings"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// place is what an actor is in the group "team".
type place string

const (
	outside place = ""
	belongs place = "in"
	manages place = "managing"
)

// groupActors are those who try operations on groups. "team" has guests in it
// and is granted nothing; "board" shares "second".
func groupActors() []actor {
	var list []actor
	for _, role := range []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest} {
		for _, p := range []place{outside, belongs, manages} {
			if role != officer.RoleGuest || p != manages {
				list = append(list, actor{name: fmt.Sprintf("%s%s", role, p), role: role, place: p})
			}
		}
	}
	return list
}

func actorsOf(op officer.OpKind) []actor {
	if op >= officer.OpGroupCreated && op < officer.OpResourceEnded {
		return groupActors()
	}
	return actors()
}

// placeInGroups adds to the base what operations on groups need.
func placeInGroups(o *officertest.Org) *officertest.Org {
	people := []string{"alice*", "pat", "greta", "omar"}
	o.Do("alice: add omar as officer; add late as member; add pat as member; add lena as guest")
	for _, a := range groupActors() {
		o.Do(fmt.Sprintf("alice: add %s as %s", a.name, a.role), fmt.Sprintf("%s: add device %[1]s/laptop", a.name))
		switch a.place {
		case belongs:
			people = append(people, a.name)
		case manages:
			people = append(people, a.name+"*")
		}
	}
	return o.Do(
		"alice: create group team of "+strings.Join(people, ","),
		"alice: create group board of alice*,omar; grant second to group board rs",
		"alice: rotate group team",
	)
}

func (a actor) managing(also bool) error {
	return a.notGuest(a.place == manages || also)
}

// groupAuthority are the rows of the operations on groups.
var groupAuthority = []authorityRow{
	{officer.OpGroupCreated, true, false, false, []attempt{
		{"with oneself", "create group new of ME*,other", func(a actor) error { return a.officerOr(false) }},
		{"without oneself", "create group new of alice*,other", always(officer.ErrAuthority)},
		{"that one does not manage", "create group new of ME,alice*", always(officer.ErrAuthority)},
	}},
	{officer.OpGroupMemberAdded, true, true, false, []attempt{
		{"somebody", "join late to team", func(a actor) error { return a.managing(false) }},
		{"a guest", "join lena to team", func(a actor) error { return a.managing(false) }},
		{"somebody as manager", "join late* to team", func(a actor) error { return a.managing(false) }},
		{"a guest as manager", "join lena* to team", func(a actor) error {
			if err := a.managing(false); err != nil {
				return err
			}
			return officer.ErrRights
		}},
		{"more for oneself", "join ME* to team", func(a actor) error { return a.managing(false) }},
		{"less for an officer", "join alice to team", func(a actor) error {
			if err := a.managing(false); err != nil {
				return err
			}
			return a.officerOr(false)
		}},
	}},
	{officer.OpGroupMemberRemoved, true, true, false, []attempt{
		{"somebody", "take pat from team; close group team", func(a actor) error { return a.managing(a.is(officer.RoleOfficer)) }},
		{"somebody, and rotated", "take pat from team; rotate group team", func(a actor) error {
			return a.notGuest(a.place == manages || a.is(officer.RoleOfficer) && a.place == belongs)
		}},
		{"an officer", "take omar from team; close group team", func(a actor) error { return a.officerOr(false) }},
		{"oneself", "take ME from team; close group team", always(officer.ErrAuthority)},
	}},
	{officer.OpGroupRotated, true, true, false, []attempt{
		{"at any time", "rotate group team", func(a actor) error { return a.managing(false) }},
		{"before it is owed", "rotate group team; take pat from team; close group team@3", func(a actor) error {
			if err := a.managing(false); err != nil {
				return err
			}
			return officer.ErrEpoch
		}},
		{"another than the one owed", "take pat from team; close group team; rotate group board", always(officer.ErrAuthority)},
	}},
	{officer.OpGroupClosed, true, true, true, []attempt{
		{"at any time", "close group team", func(a actor) error { return a.managing(a.is(officer.RoleOfficer)) }},
		{"what a removal owes", "remove device ME/laptop; rotate user ME; close group team", func(a actor) error {
			return allow(a.place != outside || a.is(officer.RoleOfficer))
		}},
	}},
	{officer.OpGroupResealed, true, true, false, []attempt{
		{"the present epoch", "reseal group team to pat", func(a actor) error { return a.managing(false) }},
		{"an old epoch", "reseal group team@1 to pat", func(a actor) error { return a.managing(false) }},
	}},
}
