package workspace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// dated opens the firm as somebody whose clock says what they like.
func dated(t *testing.T, f *workspacetest.Firm, name string, at time.Time) *workspace.Workspace {
	t.Helper()
	c := f.People[name].Config(f.Store)
	c.Now = func() time.Time { return at }
	w, err := workspace.Open(t.Context(), c)
	must(t, err)
	return w
}

// TestAttack62BackDatedAlarm: what a thief's device does, and what an officer
// asks for, is dated by their own clock. Whoever sets that back is seen all the
// same, until somebody who is believed has written after it.
func TestAttack62BackDatedAlarm(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	restore(t, f, "desk", c)
	f.Add("alice", "carol", officer.RoleMember)
	since := workspacetest.Clock().Add(-30 * 24 * time.Hour)
	for _, who := range []string{"alice", "desk"} {
		if list, err := acts(f.Open(who).Alarms(ctx, since)); err != nil || len(list) != 0 {
			t.Fatalf("%s: before anything happened: %+v, %v", who, list, err)
		}
	}
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	fresh := f.Join("mallory")
	r, err := f.Open("mallory").RecoveryRequest()
	must(t, err)
	_, err = dated(t, f, "olga", long).RequestRecovery(ctx, r, "bob@example.com", "all is lost")
	must(t, err)
	desk := f.People["desk"].Me.Keys().ID()
	_, err = dated(t, f, "bob", long).RemoveDevice(ctx, desk)
	must(t, err)
	// And goes on, to have something of that time after it.
	must(t, dated(t, f, "bob", long).Grant(ctx, "ssn", "carol@example.com", officer.Read))
	for _, who := range []string{"alice", "desk", "omar"} {
		list, err := acts(f.Open(who).Alarms(ctx, since))
		if err != nil || len(list) != 2 || list[0].Requested != fresh.Me.Keys().ID() || list[1].Removed != desk {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
	}
	// An officer's later entry says when it was at the latest.
	must(t, f.Open("alice").NewField(ctx, "fax"))
	for _, who := range []string{"alice", "desk", "omar"} {
		if list, err := acts(f.Open(who).Alarms(ctx, workspacetest.Clock())); err != nil || len(list) != 2 {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
		if list, err := acts(f.Open(who).Alarms(ctx, workspacetest.Clock().Add(time.Second))); err != nil || len(list) != 0 {
			t.Errorf("%s is told for ever: %+v, %v", who, list, err)
		}
	}
}

// acts are the alarms of what devices did to one another.
func acts(list []workspace.Alarm, err error) ([]workspace.Alarm, error) {
	return slices.DeleteFunc(list, func(a workspace.Alarm) bool { return a.Added != officer.DeviceID{} }), err
}

// TestAlarmOfAnAddedDevice: a member's other devices and officers are told of one
// more device until it is removed; colleagues are not.
func TestAlarmOfAnAddedDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	f.Add("alice", "carol", officer.RoleMember)
	laptop := f.People["bob"].Me.Keys().ID()
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	kitID := c2id(t, f, c)
	restore(t, f, "desk", c)
	desk := f.People["desk"].Me.Keys().ID()
	for _, who := range []string{"alice", "bob", "desk"} {
		list, err := f.Open(who).Alarms(ctx, workspacetest.Clock())
		if err != nil || len(list) != 2 || list[0].Added != kitID || list[0].By != laptop || list[1].Added != desk || list[1].By != kitID ||
			list[1].Member != f.People["bob"].Me.Member() || !list[1].Time.Equal(workspacetest.Clock()) {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
	}
	if list, err := f.Open("carol").Alarms(ctx, workspacetest.Clock()); err != nil || len(list) != 0 {
		t.Errorf("a colleague is told %+v, %v", list, err)
	}
	_, err := f.Open("bob").RemoveDevice(ctx, desk)
	must(t, err)
	list, err := f.Open("alice").Alarms(ctx, workspacetest.Clock())
	if err != nil || len(list) != 2 || list[0].Added != kitID || list[1].Removed != desk {
		t.Errorf("after it was removed: %+v, %v", list, err)
	}
}
