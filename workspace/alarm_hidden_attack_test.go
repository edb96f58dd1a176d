package workspace_test

import (
	"slices"
	"testing"

	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// thiefOf is the device of somebody, used by a program that believes nobody:
// it appends what it likes, in one entry, in a blob or not.
func thiefOf(t *testing.T, f *workspacetest.Firm, who string, hidden bool, ops ...officer.Operation) {
	t.Helper()
	if hidden {
		blob, op, err := officer.EncodeBlob(ops)
		must(t, err)
		_, err = f.Store.PutBlob(t.Context(), blob)
		must(t, err)
		ops = []officer.Operation{op}
	}
	appendAs(t, f, f.People[who], &plan.Plan{Operations: ops})
}

// removalOf are the operations by which a device removes another of its member.
func removalOf(t *testing.T, f *workspacetest.Firm, who string, id officer.DeviceID) []officer.Operation {
	t.Helper()
	w := f.Open(who)
	a := plan.Author{State: w.State(), Device: f.People[who].Me.Keys(), Now: workspacetest.Clock()}
	p, err := a.RemoveOwnDevice(id, f.People[who].Me.FirstUserKey(), plan.Held{})
	must(t, err)
	for _, e := range p.Envelopes {
		must(t, f.Store.PutEnvelope(t.Context(), e.Index, e.Envelope))
	}
	return p.Operations
}

// TestAttack62HiddenAlarm: a thief's program writes what it does to the owner's
// devices so that it does not stand in the entry itself but in a blob, or beside
// what it does to somebody else's. Owner and officers are told all the same.
func TestAttack62HiddenAlarm(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	told := func(f *workspacetest.Firm, who string, by, removed officer.DeviceID) {
		t.Helper()
		list, err := f.Open(who).Alarms(ctx, workspacetest.Clock())
		if err != nil || !slices.ContainsFunc(list, func(a workspace.Alarm) bool { return a.By == by && a.Removed == removed }) {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
	}
	t.Run("in a blob", func(t *testing.T) {
		t.Parallel()
		f, _ := firmOfTwo(t)
		restore(t, f, "desk", backUp(t, f, "bob", officer.DevicePaperKit, "kit"))
		laptop, desk := f.People["bob"].Me, f.People["desk"].Me.Keys().ID()
		thiefOf(t, f, "bob", true, removalOf(t, f, "bob", desk)...)
		for _, who := range []string{"alice", "desk"} {
			told(f, who, laptop.Keys().ID(), desk)
		}
	})
	t.Run("beside a colleague's", func(t *testing.T) {
		t.Parallel()
		f, _ := firmOfTwo(t)
		f.Add("alice", "dora", officer.RoleOfficer)
		f.Add("alice", "carol", officer.RoleMember)
		carols := secondComputer(t, f, "carol").Keys().ID()
		spare := secondComputer(t, f, "alice")
		ops := removalOf(t, f, "alice", spare.Keys().ID())
		// Carol reads the directory, which is replaced for the owner's sake.
		thiefOf(t, f, "alice", false, append([]officer.Operation{&officer.DeviceRemoved{Device: carols}}, ops...)...)
		f.People["spare"] = &workspacetest.Person{Name: "spare", Me: spare, Home: &workspacetest.Local{}}
		_, err := workspace.Join(ctx, f.People["spare"].Config(f.Store), f.ID)
		must(t, err)
		for _, who := range []string{"dora", "spare"} {
			told(f, who, f.People["alice"].Me.Keys().ID(), spare.Keys().ID())
		}
	})
}

// TestAttack62LaunderedDevice: a stolen device brings in one, which brings in
// another and is removed by it. Whoever removes the stolen one is told of the one
// that is left, although the stolen one did not bring it in itself.
func TestAttack62LaunderedDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	stolen := f.People["bob"].Me.Keys().ID()
	as := func(name string, me *keyring.Unlocked) {
		f.People[name] = &workspacetest.Person{Name: name, Me: me, Home: &workspacetest.Local{}}
		_, err := workspace.Join(ctx, f.People[name].Config(f.Store), f.ID)
		must(t, err)
	}
	as("second", secondComputer(t, f, "bob"))
	as("third", secondComputer(t, f, "second"))
	_, err := f.Open("third").RemoveDevice(ctx, f.People["second"].Me.Keys().ID())
	must(t, err)
	r, err := f.Open("alice").PlanRemoval(ctx, stolen)
	must(t, err)
	if len(r.Added) != 1 || r.Added[0].ID != f.People["third"].Me.Keys().ID() {
		t.Errorf("brought in by the stolen device, and there still: %+v", r.Added)
	}
}

// TestCardInABlob: whoever was let in by an operation that rides outside its
// entry is restored from a backup like anybody else.
func TestCardInABlob(t *testing.T) {
	t.Parallel()
	f := workspacetest.NewFirm(t, "alice")
	bob := f.Join("bob")
	thiefOf(t, f, "alice", true, &officer.MemberAdded{Card: bob.Me.Card().Card.Bytes(), Role: officer.RoleMember})
	w := restore(t, f, "desk", backUp(t, f, "bob", officer.DevicePaperKit, "kit"))
	if w.Me() == nil || w.Me().ID != bob.Me.Member() {
		t.Error("somebody else was restored")
	}
}
