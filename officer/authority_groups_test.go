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
	recovery := op >= officer.OpRecoveryEnrolled && op <= officer.OpRecoveryFinished && op != officer.OpBlob
	if op >= officer.OpGroupCreated && op < officer.OpResourceEnded && !recovery {
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
	{officer.OpGroupCreated, true, true, false, []attempt{
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
		{"the present epoch", "reseal group team to pat", func(a actor) error { return a.managing(a.place == belongs) }},
		{"an old epoch", "reseal group team@1 to pat", func(a actor) error { return a.managing(a.place == belongs) }},
		{"to who is not in it", "reseal group team to late", func(a actor) error {
			if err := a.managing(a.place == belongs); err != nil {
				return err
			}
			return officer.ErrUnknown
		}},
	}},
}

// memberAuthority are the rows of the operations on members and policy.
var memberAuthority = []authorityRow{
	{officer.OpMemberRemoved, true, false, false, []attempt{
		{"somebody", "remove pat; close group team", func(a actor) error { return a.officerOr(false) }},
		{"an officer", "remove omar; close group team; close group board; close second", func(a actor) error { return a.officerOr(false) }},
		{"oneself", "remove ME; close group team", always(officer.ErrAuthority)},
	}},
	{officer.OpRoleChanged, true, false, false, []attempt{
		{"a member to officer", "make pat officer", func(a actor) error { return a.officerOr(false) }},
		{"an officer to member", "make omar member", func(a actor) error { return a.officerOr(false) }},
		{"a member to guest", "make pat guest", func(a actor) error { return a.officerOr(false) }},
		{"oneself", "make ME guest", func(a actor) error {
			if err := a.officerOr(false); err != nil || a.place != manages {
				return err
			}
			return officer.ErrRights
		}},
	}},
	{officer.OpPolicy, true, false, false, []attempt{
		{"any", "policy fields=2", func(a actor) error { return a.officerOr(false) }},
		{"a threshold", "policy officers=3 recovery=3", func(a actor) error { return a.officerOr(false) }},
	}},
	{officer.OpBlob, true, true, true, []attempt{
		{"what one may", "BLOB rotate user ME", always(nil)},
		{"what one may not", "BLOB rotate user pat", always(officer.ErrAuthority)},
	}},
	{officer.OpInvitationWithdrawn, true, true, false, []attempt{
		// Members make invitations too, where the policy lets them. Whose one is
		// the log does not say: who names it has its line.
		{"any", "withdraw word", func(a actor) error { return a.notGuest(true) }},
	}},
}

// laxAttempts are made where the policy lets members make fields and groups
// and let guests in, but not make folders.
var laxAttempts = map[officer.OpKind][]attempt{
	officer.OpMemberAdded: {
		{"a guest", "add new as guest", func(a actor) error { return a.notGuest(true) }},
		{"a member", "add new as member", func(a actor) error { return a.officerOr(false) }},
		{"an officer", "add new as officer", func(a actor) error { return a.officerOr(false) }},
	},
	officer.OpKeyCreated: {
		{"a field", "create field new", func(a actor) error { return a.notGuest(true) }},
		{"a folder", "create folder new", func(a actor) error { return a.officerOr(false) }},
		{"the directory", "create directory new", func(a actor) error { return a.officerOr(false) }},
	},
	officer.OpGroupCreated: {
		{"with oneself", "create group new of ME*,other", func(a actor) error { return a.notGuest(true) }},
		{"without oneself", "create group new of alice*,other", always(officer.ErrAuthority)},
	},
}
