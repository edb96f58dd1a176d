package workspace_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// recoverable is a firm of three officers and Bob, who shares a field with Alice
// and is enrolled with all three, two of whom bring him back.
func recoverable(t *testing.T) (f *workspacetest.Firm, token string) {
	t.Helper()
	ctx := t.Context()
	f = workspacetest.NewFirm(t, "alice")
	f.Add("alice", "olga", officer.RoleOfficer)
	f.Add("alice", "omar", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	p := alice.Policy()
	p.Officers, p.Recovery = 2, 2
	must(t, alice.SetPolicy(ctx, alice.Policy(), p))
	must(t, alice.NewField(ctx, "ssn"))
	must(t, alice.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	_, err := f.Open("bob").EnrollRecovery(ctx, 0, nil)
	must(t, err)
	return f, seal(t, alice, "ssn", "078-05-1120")
}

// strand makes the fresh device of somebody who has lost everything, and has an
// officer put its request into the log.
func strand(t *testing.T, f *workspacetest.Firm, fresh, by, who string) officer.DeviceID {
	t.Helper()
	file := requestOf(t, f, fresh)
	r, err := f.Open(by).RequestRecovery(t.Context(), file, who+"@example.com", "the laptop was stolen")
	must(t, err)
	return r.Device
}

func requestOf(t *testing.T, f *workspacetest.Firm, fresh string) officer.RequestFile {
	t.Helper()
	f.Join(fresh)
	file, err := f.Open(fresh).RecoveryRequest()
	must(t, err)
	file, err = officer.DecodeRequestFile(file.Encode())
	must(t, err)
	return file
}

func approve(t *testing.T, f *workspacetest.Firm, id officer.DeviceID, by ...string) {
	t.Helper()
	for _, name := range by {
		_, err := f.Open(name).ApproveRecovery(t.Context(), id)
		must(t, err)
	}
}

// finish has a fresh device take over, and keeps its identity as a program does.
func finish(t *testing.T, f *workspacetest.Firm, fresh string, st store.Store) (workspace.Recovered, error) {
	t.Helper()
	w, err := f.TryOpen(fresh, st)
	if err != nil {
		return workspace.Recovered{}, err
	}
	r, err := w.FinishRecovery(t.Context())
	if err == nil {
		adopt(t, f, fresh, r.Identity)
	}
	return r, err
}

func adopt(t *testing.T, f *workspacetest.Firm, name string, id *keyring.Identity) {
	t.Helper()
	again, err := keyring.ParseIdentity(id.Encode())
	must(t, err)
	must(t, f.People[name].Become(again))
}

// TestRecovery: two of three officers bring a colleague back who has lost
// everything, and who then has what they had, alone.
func TestRecovery(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := recoverable(t)
	id := strand(t, f, "fresh", "olga", "bob")
	list, err := f.Open("omar").Recoveries(ctx)
	must(t, err)
	if len(list) != 1 || list[0].Member.EmailText != "bob@example.com" || list[0].Left() != 3 || len(list[0].Requests) != 1 {
		t.Fatalf("%+v", list)
	}
	r := list[0].Requests[0]
	if r.ReasonText != "the laptop was stolen" || r.LabelText != "fresh's laptop" || r.Requester.NameText != "olga" || !r.Mine() || r.Threshold != 2 || len(r.Approved) != 0 {
		t.Errorf("what an officer sees: %+v", r)
	}
	if got := f.Open("fresh"); officer.DeviceSafetyNumber(got.DeviceID()) != r.SafetyNumber() {
		t.Error("the fresh device shows another safety number")
	}
	approve(t, f, id, "omar")
	if r, err := f.Open("omar").Request(ctx, id); err != nil || r.Mine() || len(r.Approved) != 1 || r.Approved[0].NameText != "omar" {
		t.Errorf("after an approval: %+v, %v", r, err)
	}
	approve(t, f, id, "alice")
	got, err := finish(t, f, "fresh", f.Store)
	must(t, err)
	if got.Member.NameText != "bob" || len(got.Removed) != 1 || got.Unenrolled || len(got.Wrong) != 0 {
		t.Errorf("%+v", got)
	}
	fresh := f.Open("fresh")
	if fresh.Me().ID != f.People["bob"].Me.Member() || fresh.RecoveryDue() {
		t.Error("not who was to be recovered, or not enrolled again")
	}
	if v, err := opens(t, fresh, token); err != nil || v != "078-05-1120" {
		t.Errorf("%q, %v", v, err)
	}
	if v, err := opens(t, f.Open("alice"), seal(t, fresh, "ssn", "new")); err != nil || v != "new" {
		t.Errorf("what is written afterwards: %q, %v", v, err)
	}
	// The old laptop, with all it has, reads nothing of it.
	if _, err := opens(t, f.Open("bob"), seal(t, fresh, "ssn", "new")); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the lost device: %v", err)
	}
	if e := fresh.Me().Enrolment(); e.Number != 2 || e.Threshold != 2 || len(e.Shares) != 3 {
		t.Errorf("%+v", e)
	}
	// Once more does no harm.
	if again, err := fresh.FinishRecovery(ctx); err != nil || again.Identity.Member() != fresh.Me().ID {
		t.Errorf("again: %v", err)
	}
	if _, err := fresh.VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

// TestEnrolAgain: whatever replaces a user key enrols it again in the same
// entry, and enrolling twice alike changes nothing.
func TestEnrolAgain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	bob := f.Open("bob")
	_, err := bob.EnrollRecovery(ctx, 2, []string{"omar@example.com", "olga@example.com", "ALICE@example.com"})
	must(t, err)
	if n := bob.Me().Enrolment().Number; n != 1 {
		t.Errorf("enrolment %d", n)
	}
	r, err := bob.EnrollRecovery(ctx, 2, []string{"omar@example.com", "olga@example.com"})
	must(t, err)
	if r.Enrolment.Number != 2 || r.Enrolment.Generation != 2 || len(r.Holders) != 2 { // under another user key
		t.Errorf("%+v", r)
	}
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	restore(t, f, "desk", c)
	_, err = f.Open("bob").RemoveDevice(ctx, f.People["desk"].Me.Keys().ID())
	must(t, err)
	e := f.Open("bob").Me().Enrolment()
	if e == nil || e.Number != 3 || e.Generation != 3 || len(e.Shares) != 2 {
		t.Fatalf("%+v", e)
	}
	// With one officer less it cannot, and says so.
	alice := f.Open("alice")
	omar := f.People["omar"].Me.Member()
	if got, err := alice.PlanMemberRemoval(ctx, omar); err != nil || !slices.Equal(got.Unrecoverable, []officer.MemberID{f.People["bob"].Me.Member()}) {
		t.Errorf("%v, %v", got.Unrecoverable, err)
	}
	if _, err := alice.RemoveMember(ctx, omar, workspace.Consent{}); !errors.Is(err, workspace.ErrRecovery) {
		t.Errorf("removal of a holder: %v", err)
	}
	_, err = alice.RemoveMember(ctx, omar, workspace.Consent{Recovery: true, Loss: true})
	must(t, err)
	if !f.Open("bob").RecoveryDue() {
		t.Error("nobody tells Bob to enrol")
	}
	must(t, f.Open("bob").EndRecovery(ctx))
	if bob := f.Open("bob"); bob.Me().Enrolment() != nil || bob.Me().UserKey().Generation != 4 {
		t.Error("it has not ended")
	}
	if err := f.Open("bob").EndRecovery(ctx); !errors.Is(err, workspace.ErrNoRecovery) {
		t.Errorf("ended twice: %v", err)
	}
}

// TestRecoveryRefusals: each wrong step says what is wrong, and changes nothing.
func TestRecoveryRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := recoverable(t)
	file := requestOf(t, f, "fresh")
	other := requestOf(t, workspacetest.NewFirm(t, "mallory"), "stranger")
	taken := strand(t, f, "second", "olga", "bob")
	secondFile, err := f.Open("second").RecoveryRequest()
	must(t, err)
	f.Add("alice", "carol", officer.RoleMember)
	alice, bob, carol, fresh := f.Open("alice"), f.Open("bob"), f.Open("carol"), f.Open("fresh")
	enroll := func(w *workspace.Workspace, n int, emails ...string) error {
		_, err := w.EnrollRecovery(ctx, n, emails)
		return err
	}
	request := func(w *workspace.Workspace, file officer.RequestFile, email, reason string) error {
		_, err := w.RequestRecovery(ctx, file, email, reason)
		return err
	}
	approve := func(w *workspace.Workspace, id officer.DeviceID) error {
		_, err := w.ApproveRecovery(ctx, id)
		return err
	}
	ends := func(w *workspace.Workspace) error { _, err := w.FinishRecovery(ctx); return err }
	head := alice.State().Head()
	for what, c := range map[string]struct {
		got  func() error
		want error
	}{
		"a threshold above the officers":        {func() error { return enroll(bob, 4) }, plan.ErrThreshold},
		"a threshold above the chosen ones":     {func() error { return enroll(bob, 3, "olga@example.com", "omar@example.com") }, plan.ErrThreshold},
		"a threshold below the policy's":        {func() error { return enroll(bob, 1) }, plan.ErrThreshold},
		"a negative threshold":                  {func() error { return enroll(bob, -1) }, plan.ErrThreshold},
		"an officer without enough others":      {func() error { return enroll(alice, 3) }, plan.ErrThreshold},
		"oneself":                               {func() error { return enroll(alice, 2, "alice@example.com", "olga@example.com") }, workspace.ErrSelf},
		"no officer":                            {func() error { return enroll(bob, 2, "carol@example.com", "olga@example.com") }, workspace.ErrHolder},
		"twice the same":                        {func() error { return enroll(bob, 2, "olga@example.com", "olga@example.com") }, workspace.ErrNamedTwice}, // nobody has taken anything
		"nobody":                                {func() error { return enroll(bob, 2, "nobody@example.com") }, workspace.ErrNoSuch},
		"a request of another firm":             {func() error { return request(alice, other, "bob@example.com", "x") }, officer.ErrOrganization},
		"a request by a member":                 {func() error { return request(carol, file, "bob@example.com", "x") }, officer.ErrAuthority},
		"a request for oneself":                 {func() error { return request(alice, file, "alice@example.com", "x") }, workspace.ErrSelf},
		"a request for who is not enrolled":     {func() error { return request(alice, file, "carol@example.com", "x") }, workspace.ErrNoRecovery},
		"a request for nobody":                  {func() error { return request(alice, file, "nobody@example.com", "x") }, workspace.ErrNoSuch},
		"a request without a reason":            {func() error { return request(alice, file, "bob@example.com", "") }, officer.ErrText},
		"a request for somebody else":           {func() error { return request(alice, secondFile, "olga@example.com", "x") }, workspace.ErrTaken},
		"the same request":                      {func() error { return request(alice, secondFile, "bob@example.com", "x") }, nil},
		"approval by a member":                  {func() error { return approve(carol, taken) }, officer.ErrAuthority},
		"approval of what nobody asked":         {func() error { return approve(alice, officer.DeviceID{1}) }, workspace.ErrNoSuch},
		"finishing without a request":           {func() error { return ends(fresh) }, workspace.ErrNoRequest},
		"finishing on a device of a member":     {func() error { return ends(carol) }, workspace.ErrBelongs},
		"asking on a device of a member":        {func() error { _, err := carol.RecoveryRequest(); return err }, workspace.ErrBelongs},
		"ending what one has not":               {func() error { return carol.EndRecovery(ctx) }, workspace.ErrNoRecovery},
		"listing as nobody":                     {func() error { _, err := fresh.Recoveries(ctx); return err }, workspace.ErrNotMember},
		"enrolling as nobody":                   {func() error { return enroll(fresh, 2) }, workspace.ErrNotMember},
		"a member's own look at others' shares": {func() error { return carolSees(ctx, carol) }, nil},
	} {
		err := c.got()
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	if got := f.Open("alice").State().Head(); got != head {
		t.Errorf("%d entries, there were %d", got.Length, head.Length)
	}
	// One who holds no share; and requests end with their enrolment.
	must(t, enroll(bob, 2, "olga@example.com", "omar@example.com"))
	if err := approve(f.Open("alice"), taken); !errors.Is(err, workspace.ErrRequestEnded) {
		t.Errorf("approval of what has ended: %v", err)
	}
	if err := ends(f.Open("second")); !errors.Is(err, workspace.ErrRequestEnded) {
		t.Errorf("finishing what has ended: %v", err)
	}
	if err := request(f.Open("alice"), secondFile, "bob@example.com", "x"); !errors.Is(err, workspace.ErrRequestEnded) {
		t.Errorf("asking again with the same device: %v", err)
	}
	id := strand(t, f, "third", "olga", "bob")
	if err := approve(f.Open("alice"), id); !errors.Is(err, workspace.ErrNoShare) {
		t.Errorf("approval without a share: %v", err)
	}
}

func carolSees(ctx context.Context, w *workspace.Workspace) error {
	list, err := w.Recoveries(ctx)
	if err != nil || len(list) > 0 {
		return errors.Join(err, errors.New("others' recoveries"))
	}
	return nil
}

// TestAttack51RecoveryFaults interrupts every step at every store call: the
// same step works afterwards, and the member is one person on one device.
func TestAttack51RecoveryFaults(t *testing.T) {
	t.Parallel()
	steps := map[string]struct {
		before func(*testing.T, *workspacetest.Firm) // what comes before the step
		step   func(*testing.T, *workspacetest.Firm, store.Store) error
		after  []string // who still has to approve
	}{
		"enrol": {
			func(t *testing.T, f *workspacetest.Firm) { must(t, f.Open("bob").EndRecovery(t.Context())) },
			func(t *testing.T, f *workspacetest.Firm, st store.Store) error {
				w, err := f.TryOpen("bob", st)
				if err == nil {
					_, err = w.EnrollRecovery(t.Context(), 2, nil)
				}
				return err
			}, nil,
		},
		"request": {
			func(t *testing.T, f *workspacetest.Firm) { requestOf(t, f, "fresh") },
			func(t *testing.T, f *workspacetest.Firm, st store.Store) error {
				file, err := f.Open("fresh").RecoveryRequest()
				must(t, err)
				w, err := f.TryOpen("olga", st)
				if err == nil {
					_, err = w.RequestRecovery(t.Context(), file, "bob@example.com", "stolen")
				}
				return err
			}, []string{"alice", "olga"},
		},
		"approve": {
			func(t *testing.T, f *workspacetest.Firm) { strand(t, f, "fresh", "olga", "bob") },
			func(t *testing.T, f *workspacetest.Firm, st store.Store) error {
				w, err := f.TryOpen("omar", st)
				if err == nil {
					_, err = w.ApproveRecovery(t.Context(), f.People["fresh"].Me.Keys().ID())
				}
				return err
			}, []string{"alice"},
		},
		"finish": {
			func(t *testing.T, f *workspacetest.Firm) {
				approve(t, f, strand(t, f, "fresh", "olga", "bob"), "alice", "olga")
			},
			func(t *testing.T, f *workspacetest.Firm, st store.Store) error {
				_, err := finish(t, f, "fresh", st)
				return err
			}, []string{},
		},
		"end": {
			func(*testing.T, *workspacetest.Firm) {},
			func(t *testing.T, f *workspacetest.Firm, st store.Store) error {
				w, err := f.TryOpen("bob", st)
				if err == nil {
					if err = w.EndRecovery(t.Context()); errors.Is(err, workspace.ErrNoRecovery) {
						err = nil // done before
					}
				}
				return err
			}, nil,
		},
	}
	for what, s := range steps {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var f *workspacetest.Firm
			var token string
			fresh := func(t *testing.T) store.Store {
				f, token = recoverable(t)
				s.before(t, f)
				return f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				err := s.step(t, f, faulty)
				if fault == nil && err != nil || err != nil && !errors.Is(err, storetest.ErrFault) {
					t.Fatal(err)
				}
				must(t, s.step(t, f, under))
				if s.after != nil {
					approve(t, f, f.People["fresh"].Me.Keys().ID(), s.after...)
					if len(s.after) > 0 {
						_, err := finish(t, f, "fresh", under)
						must(t, err)
					}
					if v, err := opens(t, f.OpenOn("fresh", under), token); err != nil || v != "078-05-1120" {
						t.Errorf("recovered, and reads %q, %v", v, err)
					}
				} else if v, err := opens(t, f.OpenOn("bob", under), token); err != nil || v != "078-05-1120" {
					t.Errorf("bob reads %q, %v", v, err)
				}
				if _, err := f.OpenOn("alice", under).VerifyLog(t.Context()); err != nil {
					t.Error(err)
				}
				members := 0
				for _, m := range f.OpenOn("alice", under).State().Members() {
					if m.ID == f.People["bob"].Me.Member() {
						members++
					}
				}
				if members != 1 {
					t.Errorf("bob is %d members", members)
				}
			})
		})
	}
}
