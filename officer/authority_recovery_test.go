package officer_test

import (
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// enrollInBase adds to the base what operations on recovery need: "pat" can be
// recovered by any two officers, and "pat/fresh" asks for it. For every actor,
// and for "quinn", a device "fresh" has the approvals that it takes.
func enrollInBase(o *officertest.Org) *officertest.Org {
	holders := "alice,omar"
	for _, a := range actors() {
		if a.role == officer.RoleOfficer {
			holders += "," + a.name
		}
	}
	o.Do(
		"alice: policy officers=2 recovery=2; add quinn as member",
		"pat: enroll pat 2 with "+holders, "quinn: enroll quinn 2 with alice,omar",
		"alice: request pat/fresh; request quinn/fresh; approve quinn/fresh by alice", "omar: approve quinn/fresh by omar",
	)
	for _, a := range actors() {
		o.Do(
			a.name+": enroll "+a.name+" 2 with alice,omar",
			"alice: request "+a.name+"/fresh; approve "+a.name+"/fresh by alice", "omar: approve "+a.name+"/fresh by omar",
		)
	}
	return o
}

// recoveryAuthority are the rows of the operations on recovery.
var recoveryAuthority = []authorityRow{
	{officer.OpRecoveryEnrolled, true, true, true, []attempt{
		{"oneself", "rotate user ME; enroll ME+ 2 with alice,omar", always(nil)},
		{"oneself again, with the key of before", "enroll ME 2 with alice,omar", always(officer.ErrIncomplete)},
		{"another", "enroll other 2 with alice,omar", always(officer.ErrAuthority)},
	}},
	{officer.OpRecoveryEnded, true, true, true, []attempt{
		{"one's own", "unenroll ME; rotate user ME", always(nil)},
		{"another's", "unenroll pat; rotate user ME", always(officer.ErrAuthority)},
	}},
	{officer.OpRecoveryRequested, true, false, false, []attempt{
		{"for another", "request pat/newer", func(a actor) error { return a.officerOr(false) }},
		{"for oneself", "request ME/newer", always(officer.ErrAuthority)},
	}},
	{officer.OpRecoveryApproved, true, false, false, []attempt{
		{"one's own share", "approve pat/fresh by ME", func(a actor) error { return a.officerOr(false) }},
		{"another's share", "approve pat/fresh by omar", func(a actor) error {
			if err := a.officerOr(false); err != nil {
				return err
			}
			return officer.ErrUnknown
		}},
	}},
	{officer.OpRecoveryFinished, true, true, true, []attempt{
		{"by a device of one's own", "finish quinn/fresh; rotate user quinn", always(officer.ErrAuthority)},
		{"by the requesting device", "AS ME/fresh finish ME/fresh; rotate user ME CLOSE", always(nil)},
		{"by a requesting device, later in its entry", "AS ME/fresh rotate user ME; finish ME/fresh CLOSE", always(officer.ErrAuthority)},
	}},
}
