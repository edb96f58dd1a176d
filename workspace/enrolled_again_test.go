package workspace_test

import (
	"testing"
	"time"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestPlanCountsANewEnrolment: a dry run seals as many keys as the removal does,
// those of a new enrolment among them, and tells where there will be none.
func TestPlanCountsANewEnrolment(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	removal := func() (planned, done workspace.Removal) {
		b, err := kit.New(officer.DevicePaperKit, f.ID, "a kit")
		must(t, err)
		must(t, f.Open("bob").AddDevice(ctx, b.Keys(), b.Label()))
		planned, err = f.Open("bob").PlanRemoval(ctx, b.ID())
		must(t, err)
		done, err = f.Open("bob").RemoveDevice(ctx, b.ID())
		must(t, err)
		return planned, done
	}
	planned, done := removal()
	if planned.Envelopes != done.Envelopes || planned.Unenrolled || done.Unenrolled || f.Open("bob").Me().Enrolment() == nil {
		t.Errorf("planned %+v, done %+v", planned.Renewal, done.Renewal)
	}
	_, err := f.Open("bob").EnrollRecovery(ctx, 3, nil)
	must(t, err)
	must(t, f.Open("alice").ChangeRole(ctx, f.People["olga"].Me.Member(), officer.RoleMember, time.Time{}, workspace.Consent{Recovery: true}))
	planned, done = removal()
	if planned.Envelopes != done.Envelopes || !planned.Unenrolled || !done.Unenrolled || f.Open("bob").Me().Enrolment() != nil {
		t.Errorf("planned %+v, done %+v", planned.Renewal, done.Renewal)
	}
}

// TestGrantOfAnOrphanGivesShareAlone: whatever else is asked for.
func TestGrantOfAnOrphanGivesShareAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "olga", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	must(t, f.Open("alice").NewField(ctx, "ssn"))
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	_, err := f.Open("olga").Revoke(ctx, "ssn", "alice@example.com")
	must(t, err)
	must(t, f.Open("olga").Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	if got := resourceOf(t, f, "ssn").Rights(officer.MemberPrincipal(f.People["bob"].Me.Member())); got != officer.Read|officer.Share {
		t.Errorf("got %v", got)
	}
}
