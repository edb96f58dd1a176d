package workspace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// threeOf is a firm of alice and dora, who are its officers, and bob.
func threeOf(t *testing.T) *workspacetest.Firm {
	t.Helper()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	return f
}

// dorasWill is that firm, with guests, when dora has made the field will.
func dorasWill(t *testing.T, guests ...string) (f *workspacetest.Firm, dora *workspace.Workspace) {
	t.Helper()
	f = threeOf(t)
	for _, g := range guests {
		f.Add("alice", g, officer.RoleGuest)
	}
	dora = f.Open("dora")
	must(t, dora.NewField(t.Context(), "will"))
	return f, dora
}

// loseLaptop has an officer remove somebody's laptop, who has a spare computer.
// What it gives lets them go on with the spare.
func loseLaptop(t *testing.T, f *workspacetest.Firm, by, who string) (back func()) {
	t.Helper()
	spare := secondComputer(t, f, who)
	_, err := f.Open(by).RemoveDevice(t.Context(), f.People[who].Me.Keys().ID())
	must(t, err)
	return func() {
		t.Helper()
		f.People[who] = &workspacetest.Person{Name: who, Me: spare, Home: &workspacetest.Local{}}
		_, err := workspace.Join(t.Context(), f.People[who].Config(f.Store), f.ID)
		must(t, err)
		must(t, f.Open(who).RenewUserKey(t.Context()))
	}
}

// TestRemoveMemberWhoHoldsAlone: bob shares the will, but its key was changed
// while his own was closed, and only dora has it. Her removal would lose what is
// under it, whatever he is granted.
func TestRemoveMemberWhoHoldsAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, returned := range []bool{false, true} {
		f, dora := dorasWill(t)
		must(t, dora.Grant(ctx, "will", "bob@example.com", rws))
		back := loseLaptop(t, f, "dora", "bob")
		token := seal(t, f.Open("dora"), "will", "to whom it may concern")
		if returned {
			back()
		}
		planned, err := f.Open("alice").PlanMemberRemoval(ctx, id(f, "dora"))
		if err != nil || len(planned.Lost) != 1 {
			t.Errorf("returned %v: lost %v, %v", returned, planned.Lost, err)
		}
		if _, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{}); !errors.Is(err, workspace.ErrLoss) {
			t.Fatalf("returned %v: %v", returned, err)
		}
		if !returned {
			back()
		}
		_, err = f.Open("dora").CatchUp(ctx)
		must(t, err)
		_, err = f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{})
		must(t, err)
		if _, err := opens(t, f.Open("bob"), token); err != nil {
			t.Errorf("returned %v: bob: %v", returned, err)
		}
		_, err = f.Open("bob").CatchUp(ctx)
		must(t, err)
		seal(t, f.Open("bob"), "will", "more")
	}
}

// TestRemoveMemberWhoHoldsWithTheOfficer: the officer reads the will, and changes
// its key for bob, so that nothing is lost.
func TestRemoveMemberWhoHoldsWithTheOfficer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, dora := dorasWill(t)
	must(t, dora.Grant(ctx, "will", "bob@example.com", rws))
	must(t, dora.Grant(ctx, "will", "alice@example.com", officer.Read))
	back := loseLaptop(t, f, "dora", "bob")
	token := seal(t, f.Open("dora"), "will", "to whom it may concern")
	back()
	r, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{})
	if err != nil || len(r.Lost) != 0 {
		t.Fatalf("lost %v, %v", r.Lost, err)
	}
	if _, err := opens(t, f.Open("bob"), token); err != nil {
		t.Errorf("bob: %v", err)
	}
}

// TestRevokeLeavesGuests: nobody can be given share on what guests alone read, so
// the last of the others is not revoked.
func TestRevokeLeavesGuests(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, dora := dorasWill(t, "gina")
	must(t, dora.Grant(ctx, "will", "gina@example.com", officer.Read))
	will, err := dora.Field(ctx, "will")
	must(t, err)
	if _, err := f.Open("alice").RevokeOf(ctx, will.ID, "dora@example.com"); !errors.Is(err, officer.ErrLast) {
		t.Fatalf("the last who is no guest: %v", err)
	}
	must(t, f.Open("dora").Grant(ctx, "will", "bob@example.com", officer.Read))
	if closed, err := f.Open("alice").RevokeOf(ctx, will.ID, "dora@example.com"); err != nil || !closed {
		t.Fatalf("with bob left: %v, %v", closed, err)
	}
	must(t, f.Open("alice").GrantOf(ctx, will.ID, "bob@example.com", rws))
	_, err = f.Open("bob").CatchUp(ctx)
	must(t, err)
}

// TestRemoveFromGroupLeavesGuests is the same of the last in a group who is no
// guest.
func TestRemoveFromGroupLeavesGuests(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, dora := dorasWill(t, "gina")
	must(t, dora.NewGroup(ctx, "team", []string{"bob@example.com", "gina@example.com"}))
	must(t, dora.Grant(ctx, "will", "team", rw))
	will, err := dora.Field(ctx, "will")
	must(t, err)
	token := seal(t, f.Open("bob"), "will", "to whom it may concern")
	_, err = f.Open("alice").RevokeOf(ctx, will.ID, "dora@example.com")
	must(t, err)
	_, err = f.Open("alice").RemoveFromGroup(ctx, "team", "dora@example.com")
	must(t, err)
	for what, do := range map[string]func() error{
		"planned": func() error { _, err := f.Open("alice").PlanGroupRemoval(ctx, "team", "bob@example.com"); return err },
		"done":    func() error { _, err := f.Open("alice").RemoveFromGroup(ctx, "team", "bob@example.com"); return err },
	} {
		if err := do(); !errors.Is(err, officer.ErrLast) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := opens(t, f.Open("bob"), token); err != nil {
		t.Errorf("bob: %v", err)
	}
}

// TestStepDownWhileOthersMissed: dora is an officer and shares the directory, but
// not with the key of today. Alice, who has it, does not give up her own share
// before dora was sealed it: nobody could let anybody in any more.
func TestStepDownWhileOthersMissed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := threeOf(t)
	back := loseLaptop(t, f, "alice", "dora")
	step := func() error {
		return f.Open("alice").ChangeRole(ctx, id(f, "alice"), officer.RoleMember, time.Time{}, workspace.Consent{})
	}
	if err := step(); !errors.Is(err, officer.ErrLast) {
		t.Errorf("before dora is back: %v", err)
	}
	back()
	must(t, step()) // sealed to her on the way
	f.Add("dora", "carol", officer.RoleMember)
	if _, err := f.Open("dora").MemberByEmail(ctx, "carol@example.com"); err != nil {
		t.Error(err)
	}
}

// TestLowerOneselfWhileOthersMissed is the same of a field.
func TestLowerOneselfWhileOthersMissed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := threeOf(t)
	w := f.Open("alice")
	must(t, w.NewField(ctx, "will"))
	must(t, w.Grant(ctx, "will", "bob@example.com", rws))
	back := loseLaptop(t, f, "alice", "bob")
	lower := func() error { return f.Open("alice").Grant(ctx, "will", "alice@example.com", rw) }
	if err := lower(); !errors.Is(err, officer.ErrLast) {
		t.Errorf("before bob is back: %v", err)
	}
	back()
	must(t, lower())
	seal(t, f.Open("bob"), "will", "more")
	must(t, f.Open("bob").Rotate(ctx, "will"))
}

// TestRevokeBySomebodyWhoReads: bob shares the will, but nothing can be sealed to
// him now. Alice, who only reads it, takes it from dora without opening an epoch
// that she could not seal to him when he is back.
func TestRevokeBySomebodyWhoReads(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, missed := range []bool{false, true} {
		f, dora := dorasWill(t)
		f.Add("alice", "erin", officer.RoleOfficer)
		must(t, dora.Grant(ctx, "will", "bob@example.com", rws))
		must(t, dora.Grant(ctx, "will", "alice@example.com", officer.Read))
		by := "erin" // who does not read it, and so closes it
		if missed {
			by = "alice" // who opens its next epoch, without bob
		}
		back := loseLaptop(t, f, by, "bob")
		closed, err := f.Open("alice").Revoke(ctx, "will", "dora@example.com")
		if missed {
			if !errors.Is(err, officer.ErrLast) {
				t.Fatalf("%v, %v", closed, err)
			}
			back()
			_, err = f.Open("dora").CatchUp(ctx)
			must(t, err)
			_, err = f.Open("alice").Revoke(ctx, "will", "dora@example.com")
			must(t, err)
		} else {
			if err != nil || !closed {
				t.Fatalf("%v, %v", closed, err)
			}
			back()
		}
		seal(t, f.Open("bob"), "will", "more")
		must(t, f.Open("bob").Rotate(ctx, "will"))
	}
}

// TestLowerAGroupWhileOthersMissed: alice shares the will through a group alone.
func TestLowerAGroupWhileOthersMissed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := dorasWill(t)
	must(t, f.Open("alice").NewGroup(ctx, "team", nil))
	must(t, f.Open("dora").Grant(ctx, "will", "team", rws))
	must(t, f.Open("alice").Grant(ctx, "will", "bob@example.com", rws))
	_, err := f.Open("alice").Revoke(ctx, "will", "dora@example.com")
	must(t, err)
	back := loseLaptop(t, f, "alice", "bob")
	if err := f.Open("alice").Grant(ctx, "will", "team", rw); !errors.Is(err, officer.ErrLast) {
		t.Errorf("before bob is back: %v", err)
	}
	back()
	must(t, f.Open("alice").Grant(ctx, "will", "team", rw))
	must(t, f.Open("bob").Rotate(ctx, "will"))
}

// TestGuestGoesOn: while a guest's time is over nothing is sealed to them. When
// it goes on they open what was made meanwhile, through a group, too.
func TestGuestGoesOn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for what, role := range map[string]officer.Role{"as a guest": officer.RoleGuest, "as a member": officer.RoleMember} {
		f := workspacetest.NewFirm(t, "alice")
		f.Add("alice", "gina", officer.RoleGuest)
		alice := f.Open("alice")
		for _, l := range []string{"will", "case"} {
			must(t, alice.NewField(ctx, l))
		}
		must(t, alice.NewGroup(ctx, "team", []string{"gina@example.com"}))
		must(t, alice.Grant(ctx, "will", "gina@example.com", officer.Read))
		must(t, alice.Grant(ctx, "case", "team", officer.Read))
		must(t, alice.ChangeRole(ctx, id(f, "gina"), officer.RoleGuest, workspacetest.Clock().Add(time.Hour), workspace.Consent{}))
		c := f.People["alice"].Config(f.Store)
		c.Now = func() time.Time { return workspacetest.Clock().Add(2 * time.Hour) }
		alice, err := workspace.Open(ctx, c)
		must(t, err)
		must(t, alice.Rotate(ctx, "will"))
		must(t, alice.RotateGroup(ctx, "team"))
		must(t, alice.Rotate(ctx, "case"))
		var tokens []string
		for _, l := range []string{"will", "case"} {
			tokens = append(tokens, seal(t, alice, l, "new"))
		}
		for _, tok := range tokens {
			if _, err := opens(t, f.Open("gina"), tok); err == nil {
				t.Errorf("%s: sealed to her when her time was over", what)
			}
		}
		var until time.Time
		if role == officer.RoleGuest {
			until = c.Now().Add(time.Hour)
		}
		must(t, alice.ChangeRole(ctx, id(f, "gina"), role, until, workspace.Consent{}))
		for i, tok := range tokens {
			if _, err := opens(t, f.Open("gina"), tok); err != nil {
				t.Errorf("%s, %d: %v", what, i, err)
			}
		}
	}
}
