package workspace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

var noDay time.Time

func TestChangeRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := firmOfGroups(t)
	none := workspace.Consent{}
	dir := func(who string) officer.Rights {
		s := f.Open("alice").State()
		return s.Directory().Rights(officer.MemberPrincipal(id(f, who)))
	}
	// Promotion: they can let somebody in at once.
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "carol"), officer.RoleOfficer, noDay, none))
	if dir("carol") != rws {
		t.Errorf("the directory: %s", dir("carol"))
	}
	f.Add("carol", "new", officer.RoleMember)
	// A role hands out no key.
	if got := f.Open("carol").State().Rights(id(f, "carol"), f.Open("alice").State().Directory()); got != rws {
		t.Errorf("carol: %s", got)
	}
	if w, err := f.Open("carol").Field(ctx, "will"); err != nil || w.Mine != rw {
		t.Errorf("carol has %s of will, %v", w.Mine, err)
	}
	// Demotion: reads on, and cannot let anybody read names.
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "carol"), officer.RoleMember, noDay, none))
	if dir("carol") != rw {
		t.Errorf("the directory: %s", dir("carol"))
	}
	if len(f.Open("carol").Members(ctx)) != 6 || f.Open("carol").OrganizationName(ctx) == "" {
		t.Error("carol no longer reads names")
	}
	// Stepping down.
	must(t, f.Open("dora").ChangeRole(ctx, id(f, "dora"), officer.RoleMember, noDay, none))
	if err := f.Open("dora").NewField(ctx, "x"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("dora: %v", err)
	}
	// A guest: no names any more, fields as granted.
	var g *workspace.GuestError
	if err := f.Open("alice").ChangeRole(ctx, id(f, "bob"), officer.RoleGuest, noDay, none); !errors.As(err, &g) || len(g.Shares) != 1 || len(g.Manages)+len(g.Through) != 0 {
		t.Errorf("bob shares will: %v", err)
	}
	if _, err := f.Open("dora").Revoke(ctx, "will", "bob@example.com"); err != nil {
		t.Fatal(err)
	}
	day := workspacetest.Clock().Add(48 * time.Hour)
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "bob"), officer.RoleGuest, day, none))
	bob := f.Open("bob")
	if m := bob.State().Member(id(f, "bob")); m.Role != officer.RoleGuest || m.Expires != uint64(day.Unix()) || dir("bob") != 0 {
		t.Errorf("%+v", m)
	}
	must(t, f.Open("alice").NewField(ctx, "unseen"))
	if _, err := bob.Field(ctx, "unseen"); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("bob reads a new label: %v", err)
	}
	if _, err := opens(t, f.Open("bob"), seal(t, f.Open("alice"), "ssn", "x")); err != nil {
		t.Errorf("bob's own field: %v", err)
	}
	// Another last day, and a member again.
	later := day.Add(24 * time.Hour)
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "bob"), officer.RoleGuest, later, none))
	if m := f.Open("bob").Me(); m.Role != officer.RoleGuest || m.Expires != uint64(later.Unix()) {
		t.Errorf("%+v", m)
	}
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "bob"), officer.RoleMember, noDay, none))
	if m := f.Open("bob").Me(); m.Expires != 0 || dir("bob") != rw || f.Open("bob").OrganizationName(ctx) == "" {
		t.Errorf("%+v", m)
	}
}

func TestChangeRoleRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := firmOfGroups(t)
	f.Join("eve")
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "dora"), officer.RoleMember, noDay, workspace.Consent{}))
	must(t, f.Open("alice").AddToGroup(ctx, "team", "carol@example.com", officer.Read|officer.Share))
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "erin"), workspace.Consent{})
	must(t, err)
	past, day := workspacetest.Clock().Add(-time.Hour), workspacetest.Clock().Add(time.Hour)
	head := f.Open("alice").State().Head()
	for what, c := range map[string]struct {
		by    string
		who   officer.MemberID
		role  officer.Role
		until time.Time
		want  error
	}{
		"by a member":               {"bob", id(f, "bob"), officer.RoleOfficer, noDay, officer.ErrAuthority},
		"by who stepped down":       {"dora", id(f, "bob"), officer.RoleOfficer, noDay, officer.ErrAuthority},
		"by a stranger":             {"eve", id(f, "bob"), officer.RoleOfficer, noDay, workspace.ErrNotMember},
		"nobody":                    {"alice", officer.MemberID{1}, officer.RoleOfficer, noDay, workspace.ErrNoSuch},
		"who was removed":           {"alice", id(f, "erin"), officer.RoleOfficer, noDay, workspace.ErrMemberRemoved},
		"the same":                  {"alice", id(f, "bob"), officer.RoleMember, noDay, workspace.ErrSameRole},
		"the last officer":          {"alice", id(f, "alice"), officer.RoleMember, noDay, workspace.ErrOfficers},
		"no role":                   {"alice", id(f, "bob"), 9, noDay, officer.ErrRole},
		"a member until a day":      {"alice", id(f, "bob"), officer.RoleOfficer, day, workspace.ErrGuestsOnly}, // the role is a known one
		"a guest until yesterday":   {"alice", id(f, "bob"), officer.RoleGuest, past, workspace.ErrExpired},
		"a guest who shares":        {"alice", id(f, "bob"), officer.RoleGuest, day, officer.ErrRights},
		"a guest who manages":       {"alice", id(f, "carol"), officer.RoleGuest, day, officer.ErrRights},
		"the last officer, a guest": {"alice", id(f, "alice"), officer.RoleGuest, day, workspace.ErrOfficers},
	} {
		if err := f.Open(c.by).ChangeRole(ctx, c.who, c.role, c.until, workspace.Consent{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "bob"), officer.RoleOfficer, noDay, workspace.Consent{}))
	if err := f.Open("bob").ChangeRole(ctx, id(f, "bob"), officer.RoleGuest, noDay, workspace.Consent{}); !errors.Is(err, workspace.ErrSelf) {
		t.Errorf("oneself, a guest: %v", err)
	}
}

// TestGuestExpires: from the day on nothing is sealed to them, and officers are
// told.
func TestGuestExpires(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Join("gina")
	day := workspacetest.Clock().Add(time.Hour)
	alice := f.Open("alice")
	if err := alice.AddGuest(ctx, f.People["gina"].Me.Card(), workspacetest.Clock()); !errors.Is(err, workspace.ErrExpired) {
		t.Errorf("over at once: %v", err)
	}
	must(t, alice.AddGuest(ctx, f.People["gina"].Me.Card(), day))
	must(t, alice.NewField(ctx, "ssn"))
	must(t, alice.Grant(ctx, "ssn", "gina@example.com", officer.Read))
	if len(alice.ExpiredGuests(ctx)) != 0 {
		t.Error("expired too early")
	}
	c := f.People["alice"].Config(f.Store)
	c.Now = func() time.Time { return day }
	late, err := workspace.Open(ctx, c)
	must(t, err)
	if list := late.ExpiredGuests(ctx); len(list) != 1 || list[0].EmailText != "gina@example.com" {
		t.Errorf("%+v", list)
	}
	if a, err := late.AccessOf(ctx, id(f, "gina")); err != nil || len(a) != 1 || !a[0].Expired || a[0].Rights != officer.Read || a[0].Time.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
	must(t, late.Rotate(ctx, "ssn"))
	if _, err := opens(t, f.Open("gina"), seal(t, late, "ssn", "new")); err == nil {
		t.Error("gina reads on")
	}
	c = f.People["gina"].Config(f.Store)
	c.Now = func() time.Time { return day }
	gina, err := workspace.Open(ctx, c)
	must(t, err)
	b, err := kit.New(officer.DevicePaperKit, f.ID, "kit")
	must(t, err)
	if err := gina.AddDevice(ctx, b.Keys(), b.Label()); !errors.Is(err, workspace.ErrExpired) {
		t.Errorf("one more device: %v", err)
	}
	if _, err := gina.BeginPairing(ctx, 0); !errors.Is(err, workspace.ErrExpired) {
		t.Errorf("pairing: %v", err)
	}
	if _, err := late.RemoveMember(ctx, id(f, "gina"), workspace.Consent{}); err != nil {
		t.Error(err)
	}
	if len(late.ExpiredGuests(ctx)) != 0 {
		t.Error("proposed again")
	}
}

// TestGuestOfThePastBecomesMember: one entry ends the time and grants the
// directory; what was changed meanwhile a sharer grants again.
func TestGuestOfThePastBecomesMember(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Join("gina")
	day := workspacetest.Clock().Add(time.Hour)
	alice := f.Open("alice")
	must(t, alice.AddGuest(ctx, f.People["gina"].Me.Card(), day))
	must(t, alice.NewField(ctx, "ssn"))
	must(t, alice.Grant(ctx, "ssn", "gina@example.com", officer.Read))
	c := f.People["alice"].Config(f.Store)
	c.Now = func() time.Time { return day }
	late, err := workspace.Open(ctx, c)
	must(t, err)
	must(t, late.Rotate(ctx, "ssn"))
	token := seal(t, late, "ssn", "new")
	head := late.State().Head().Length
	must(t, late.ChangeRole(ctx, id(f, "gina"), officer.RoleMember, noDay, workspace.Consent{}))
	if n := late.State().Head().Length - head; n != 1 {
		t.Errorf("%d entries", n)
	}
	gina := f.Open("gina")
	if m := gina.Me(); m.Role != officer.RoleMember || m.Expires != 0 || gina.State().Directory().Rights(officer.MemberPrincipal(m.ID)) != rw {
		t.Errorf("%+v", m)
	}
	if gina.OrganizationName(ctx) == "" {
		t.Error("she does not read the directory")
	}
	must(t, late.Grant(ctx, "ssn", "gina@example.com", officer.Read))
	if got, err := opens(t, f.Open("gina"), token); err != nil || got != "new" {
		t.Errorf("what was changed meanwhile: %q, %v", got, err)
	}
}

// TestStepDownFromAClosedDirectory: the role goes at once, the right to share the
// directory once that is open.
func TestStepDownFromAClosedDirectory(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := firmOfGroups(t)
	dir := f.Open("alice").State().Directory().ID
	p := &plan.Plan{Operations: []officer.Operation{&officer.KeyClosed{Resource: dir, Epoch: 1}}}
	appendAs(t, f, f.People["dora"], p)
	alice := id(f, "alice")
	without := &withholding{f.Store, envelope.Recipient{Kind: envelope.ToMember, ID: alice[:]}.Index()}
	rightsOf := func() officer.Rights {
		return f.Open("alice").State().Directory().Rights(officer.MemberPrincipal(id(f, "dora")))
	}
	step := func(st store.Store) error {
		return f.OpenOn("alice", st).ChangeRole(ctx, id(f, "dora"), officer.RoleMember, noDay, workspace.Consent{})
	}
	must(t, step(without))
	if m := f.Open("dora").Me(); m.Role != officer.RoleMember || rightsOf() != rws {
		t.Errorf("%+v, %s", m, rightsOf())
	}
	if err := step(without); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("still closed: %v", err)
	}
	must(t, step(f.Store))
	if rightsOf() != rw {
		t.Errorf("dora has %s", rightsOf())
	}
	if err := step(f.Store); !errors.Is(err, workspace.ErrSameRole) {
		t.Errorf("once more: %v", err)
	}
	if f.Open("dora").OrganizationName(ctx) == "" {
		t.Error("dora does not read the directory any more")
	}
}

// TestStepDownOfAHolder: an officer whose share colleagues need goes on being one,
// unless that is meant.
func TestStepDownOfAHolder(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	_, err := f.Open("bob").EnrollRecovery(ctx, 2, []string{"omar@example.com", "olga@example.com"})
	must(t, err)
	step := func(meant workspace.Consent) error {
		return f.Open("alice").ChangeRole(ctx, id(f, "omar"), officer.RoleMember, noDay, meant)
	}
	head := f.Open("alice").State().Head()
	if err := step(workspace.Consent{}); !errors.Is(err, workspace.ErrRecovery) {
		t.Errorf("an officer who holds a share that is needed: %v", err)
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	must(t, step(workspace.Consent{Recovery: true}))
	if !f.Open("bob").RecoveryDue() {
		t.Error("nobody tells Bob to enrol again")
	}
}
