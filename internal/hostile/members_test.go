package hostile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

const (
	readWrite = officer.Read | officer.Write
	allRights = readWrite | officer.Share
)

func id(f *workspacetest.Firm, who string) officer.MemberID { return f.People[who].Me.Member() }

func email(who string) string { return who + "@example.com" }

// secondDevice restores somebody from a backup onto one more device.
func secondDevice(t *testing.T, f *workspacetest.Firm, who, name string) {
	t.Helper()
	ctx := t.Context()
	b, err := kit.New(officer.DevicePaperKit, f.ID, name)
	must(t, err)
	must(t, f.Open(who).AddDevice(ctx, b.Keys(), b.Label()))
	c, err := kit.Parse(b.Words())
	must(t, err)
	r, err := workspace.OpenBackup(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, f.ID, c)
	must(t, err)
	defer r.Close()
	identity, s, err := r.NewInstallation(ctx, name)
	must(t, err)
	identity, err = keyring.ParseIdentity(identity.Encode())
	must(t, err)
	me, err := identity.Unlock(s)
	must(t, err)
	f.People[name] = &workspacetest.Person{Name: name, Me: me, Home: &workspacetest.Local{}}
	_, err = r.Finish(ctx, f.People[name].Config(f.Store))
	must(t, err)
}

// practice is a firm with officers alice and dora, members bob and carol, a
// group "team" of alice's with both in it, the field "ssn" by bob's own grant,
// "case" through the group, "will", which dora and bob share and alice does not
// read, "closed", which is closed already, and a secret.
func practice(t *testing.T) *workspacetest.Firm {
	t.Helper()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	w := f.Open("alice")
	for _, l := range []string{"ssn", "case"} {
		must(t, w.NewField(ctx, l))
	}
	must(t, w.Grant(ctx, "ssn", email("bob"), readWrite))
	must(t, w.Rotate(ctx, "ssn"))
	must(t, w.NewGroup(ctx, "team", []string{email("bob"), email("carol")}))
	must(t, w.Grant(ctx, "case", "team", readWrite))
	must(t, w.PutSecret(ctx, "clio", secret.New([]byte("first")), []string{email("bob")}))
	d := f.Open("dora")
	for _, l := range []string{"will", "closed"} {
		must(t, d.NewField(ctx, l))
		must(t, d.Grant(ctx, l, email("bob"), allRights))
	}
	must(t, d.Grant(ctx, "closed", email("carol"), officer.Read))
	closed, err := f.Open("alice").Revoke(ctx, "closed", email("carol"))
	if err != nil || !closed {
		t.Fatalf("closed %v, %v", closed, err)
	}
	return f
}

// Attack 60, and P7: somebody who was removed keeps all that they have: their
// homes, one of them on a stolen device, every key of their open sessions, every
// envelope and the whole log, before and after. They open what they opened before
// the removal, to the key, and nothing of what follows.
func TestAttack60ExMemberOpensNothingNew(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	secondDevice(t, f, "bob", "bob's stolen laptop")
	secondDevice(t, f, "bob", "bob's old desk")
	if _, err := f.Open("bob").RemoveDevice(ctx, f.People["bob's old desk"].Me.Keys().ID()); err != nil { // a second user key
		t.Fatal(err)
	}
	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	_, err := f.Open("alice").RemoveDevice(ctx, f.People["bob's stolen laptop"].Me.Keys().ID())
	must(t, err)
	must(t, f.Open("bob").RenewUserKey(ctx))
	must(t, f.Open("alice").Grant(ctx, "ssn", email("bob"), readWrite))
	must(t, f.Open("dora").Rotate(ctx, "will"))
	must(t, f.Open("dora").Grant(ctx, "will", email("bob"), allRights))
	old := map[string]string{}
	for l, who := range map[string]string{"ssn": "alice", "case": "carol", "will": "dora"} {
		old[l] = seal(t, f.Open(who), l)
	}

	// Everything that bob and the thief have, unlocked, before the removal.
	mine := []*keyring.Unlocked{f.People["bob"].Me, f.People["bob's stolen laptop"].Me, f.People["bob's old desk"].Me}
	before := f.Open("alice").State()
	had := newHunter(t, nil, mine...)
	had.hunt(t, f.Store, before)
	for l, token := range old {
		if !opensWith(t, had, token) {
			t.Errorf("before the removal bob does not open %s", l)
		}
	}
	homes := map[string]*workspacetest.Local{}
	for _, who := range []string{"bob", "bob's stolen laptop", "bob's old desk"} {
		homes[who] = f.People[who].Home.Clone()
	}

	// The removal, and a life after it that touches every kind of key.
	alice := f.Open("alice")
	_, err = alice.RemoveMember(ctx, id(f, "bob"), workspace.Consent{Loss: true})
	must(t, err)
	at := alice.State().Head().Length - 1
	fresh := map[string]string{}
	for l, who := range map[string]string{"ssn": "alice", "case": "alice", "will": "dora", "closed": "dora"} {
		fresh[l] = seal(t, f.Open(who), l)
	}
	must(t, f.Open("dora").Rotate(ctx, "will"))
	alice = f.Open("alice")
	must(t, alice.Rotate(ctx, "ssn"))
	must(t, alice.RotateGroup(ctx, "team"))
	must(t, alice.PutSecret(ctx, "clio", secret.New([]byte("second")), nil))
	must(t, alice.NewField(ctx, "later"))
	f.Add("alice", "newcomer", officer.RoleMember)
	must(t, f.Open("alice").Grant(ctx, "ssn", email("newcomer"), readWrite))
	must(t, f.Open("alice").AddToGroup(ctx, "team", email("newcomer"), officer.Read))
	secondDevice(t, f, "carol", "carol's desk")
	if _, err := f.Open("carol").RemoveDevice(ctx, f.People["carol's desk"].Me.Keys().ID()); err != nil {
		t.Fatal(err)
	}
	fresh["ssn again"], fresh["later"] = seal(t, f.Open("newcomer"), "ssn"), seal(t, f.Open("alice"), "later")
	after := f.Open("alice").State()

	// By every key they ever had, in everything that there is.
	ex := newHunter(t, had, mine...)
	ex.hunt(t, f.Store, after)
	if !ex.same(had) {
		t.Errorf("%d keys before, %d after", len(had.keys), len(ex.keys))
	}
	later := made(after, at)
	kinds := map[string]int{}
	for c, what := range later {
		kinds[what[:4]]++
		if ex.keys[c] != nil {
			t.Errorf("the ex-member has the new key of %s", what)
		}
	}
	if kinds["reso"] < 8 || kinds["grou"] < 2 || kinds["user"] < 2 {
		t.Fatalf("the life after was too short: %v", kinds)
	}
	for l, token := range old { // what they had
		if !opensWith(t, ex, token) {
			t.Errorf("%s, which they had, is gone: the test hunts badly", l)
		}
	}
	for l, token := range fresh {
		if opensWith(t, ex, token) {
			t.Errorf("they open the new %s", l)
		}
	}
	newcomer := after.Member(id(f, "newcomer"))
	for what, text := range map[string]officer.Hash{"name": newcomer.Name, "email": newcomer.Email} {
		if ex.reads(after, text) {
			t.Errorf("they read the %s of who came later", what)
		}
		if !newHunterOf(t, f, "alice", after).reads(after, text) {
			t.Errorf("nobody reads the %s: the test shows nothing", what)
		}
	}
	// Without the removal the same hunt succeeds.
	if !opensWith(t, newHunterOf(t, f, "carol", after), fresh["case"]) {
		t.Error("carol, who stayed, does not open what is new")
	}
	// And through the client, from the homes as they were and as they are.
	for who, home := range homes {
		for _, h := range []*workspacetest.Local{f.People[who].Home, home} {
			f.People[who].Home = h
			w := f.Open(who)
			if _, _, err := w.Ring(ctx); !errors.Is(err, workspace.ErrRemoved) {
				t.Errorf("%s: %v", who, err)
			}
			if _, err := w.Secret(ctx, "clio"); err == nil {
				t.Errorf("%s reads the secret", who)
			}
		}
	}
	// Attack 60: who removed gained nothing either.
	remover := newHunterOf(t, f, "alice", after)
	for _, l := range []string{"will", "closed"} {
		if opensWith(t, remover, fresh[l]) || l == "will" && opensWith(t, remover, old[l]) {
			t.Errorf("alice gained %s by removing bob", l)
		}
	}
}

func newHunterOf(t *testing.T, f *workspacetest.Firm, who string, s *officer.State) *hunter {
	t.Helper()
	h := newHunter(t, nil, f.People[who].Me)
	h.hunt(t, f.Store, s)
	return h
}

// opensWith tries a token with every key that somebody found.
func opensWith(t *testing.T, h *hunter, token string) bool {
	t.Helper()
	for _, k := range h.keys {
		if v, _, err := fieldcrypt.NewRing(fieldcrypt.NewKey(k)).Open(token, record(t)); err == nil {
			return string(v.Data) == "078-05-1120"
		}
	}
	return false
}

// rewrite lets its caller change the last entry's operations and sign it anew.
func rewrite(t *testing.T, f *workspacetest.Firm, by string, change func(e *officer.Entry)) error {
	t.Helper()
	ctx := t.Context()
	log, err := f.Store.Read(ctx, 0, 1000)
	must(t, err)
	e, err := officer.DecodeEntry(log[len(log)-1])
	must(t, err)
	change(&e)
	b, err := e.Sign(f.People[by].Me.Keys().Sign)
	must(t, err)
	_, err = officer.Replay(f.ID, append(log[:len(log)-1:len(log)-1], b))
	return err
}

// Attack 58 again, with the removal of a member, groups and a closed epoch: an
// entry without any one of the renewals that it owes is refused, and so is the
// removal alone.
func TestAttack58PartOfMemberRemoval(t *testing.T) {
	t.Parallel()
	f := practice(t)
	alice := f.Open("alice")
	_, err := alice.RemoveMember(t.Context(), id(f, "bob"), workspace.Consent{})
	must(t, err)
	must(t, rewrite(t, f, "alice", func(*officer.Entry) {})) // without the attack
	var whole officer.Entry
	must(t, rewrite(t, f, "alice", func(e *officer.Entry) { whole = *e }))
	if len(whole.Operations) < 6 {
		t.Fatalf("only %d operations", len(whole.Operations))
	}
	for i, op := range whole.Operations {
		err := rewrite(t, f, "alice", func(e *officer.Entry) {
			e.Operations = append(append([]officer.Operation{}, e.Operations[:i]...), e.Operations[i+1:]...)
		})
		if op.Kind() == officer.OpMemberRemoved {
			continue // the rest alone are rotations that alice may make, or not
		}
		if !errors.Is(err, officer.ErrIncomplete) {
			t.Errorf("without %s: %v", op.Kind(), err)
		}
	}
	if err := rewrite(t, f, "alice", func(e *officer.Entry) { e.Operations = e.Operations[:1] }); !errors.Is(err, officer.ErrIncomplete) {
		t.Errorf("the removal alone: %v", err)
	}
	// Nor by another author who may remove, nor under the old signature.
	if err := rewrite(t, f, "carol", func(e *officer.Entry) { e.Author = f.People["carol"].Me.Keys().ID() }); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("by a member: %v", err)
	}
	if err := rewrite(t, f, "carol", func(*officer.Entry) {}); !errors.Is(err, officer.ErrSignature) {
		t.Errorf("signed by another: %v", err)
	}
}

// Attack 15 again, with an officer who was removed: nothing that they sign
// counts, whatever its date; what they signed before stays.
func TestAttack15RemovedOfficer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	dora := f.People["dora"].Me.Keys()
	must(t, f.Open("dora").Rotate(ctx, "will")) // without the attack
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "dora"), workspace.Consent{Loss: true})
	must(t, err)
	s := f.Open("alice").State()
	for what, op := range map[string]officer.Operation{
		"makes an officer": &officer.RoleChanged{Member: id(f, "carol"), Role: officer.RoleOfficer},
		"removes alice":    &officer.MemberRemoved{Member: id(f, "alice")},
		"sets the policy":  ptr(officer.DefaultPolicy()),
		"closes a field":   &officer.KeyClosed{Resource: s.Resources()[1].ID, Epoch: s.Resources()[1].Epoch().Number},
	} {
		for _, date := range []time.Time{workspacetest.Clock().Add(-24 * time.Hour), time.Unix(0, 0), workspacetest.Clock().Add(time.Hour)} {
			entry, err := officer.Entry{
				Organization: f.ID, Sequence: s.Head().Length, Previous: s.Head().Hash, Time: date, Author: dora.ID(), Operations: []officer.Operation{op},
			}.Sign(dora.Sign)
			must(t, err)
			if _, err := s.Apply(entry); !errors.Is(err, officer.ErrAuthor) {
				t.Errorf("dora %s at %s: %v", what, date, err)
			}
		}
	}
	must(t, f.Open("carol").Sync(ctx))
}

func ptr[T any](v T) *T { return &v }

// Attack 16 again, with roles that changed: who stepped down, or was made a
// guest, may what their role lets them, from that entry on.
func TestAttack16ChangedRoles(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	none := workspace.Consent{}
	role := func(by, who string, r officer.Role) error {
		return f.Open(by).ChangeRole(ctx, id(f, who), r, time.Time{}, none)
	}
	must(t, role("dora", "carol", officer.RoleOfficer)) // without the attack
	must(t, role("carol", "carol", officer.RoleMember))
	must(t, role("alice", "dora", officer.RoleMember))
	try := func(who string) map[string]error {
		w := f.Open(who)
		_, removed := w.RemoveMember(ctx, id(f, "bob"), none)
		next := w.Policy()
		next.Groups = officer.RoleMember
		return map[string]error{
			"a role": w.ChangeRole(ctx, id(f, who), officer.RoleOfficer, time.Time{}, none), "a removal": removed,
			"a policy": w.SetPolicy(ctx, w.Policy(), next), "a field": w.NewField(ctx, "mine"), "a group": w.NewGroup(ctx, "ours", nil),
		}
	}
	head := f.Open("alice").State().Head()
	for _, who := range []string{"dora", "carol", "bob"} {
		for what, err := range try(who) {
			if !errors.Is(err, officer.ErrAuthority) {
				t.Errorf("%s, %s: %v", who, what, err)
			}
		}
		// And without the client's own checks, in replay.
		d := f.People[who].Me.Keys()
		s := f.Open("alice").State()
		for _, op := range []officer.Operation{
			&officer.RoleChanged{Member: id(f, who), Role: officer.RoleOfficer}, ptr(officer.DefaultPolicy()), &officer.MemberRemoved{Member: id(f, "alice")},
		} {
			entry, err := officer.Entry{
				Organization: f.ID, Sequence: s.Head().Length, Previous: s.Head().Hash, Time: time.Now(), Author: d.ID(), Operations: []officer.Operation{op},
			}.Sign(d.Sign)
			must(t, err)
			if _, err := s.Apply(entry); !errors.Is(err, officer.ErrAuthority) {
				t.Errorf("%s, %s: %v", who, op.Kind(), err)
			}
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	// A guest shares nothing on, though they did as a member.
	must(t, role("alice", "carol", officer.RoleGuest))
	if err := f.Open("carol").Grant(ctx, "case", email("dora"), officer.Read); err == nil {
		t.Error("a guest grants on")
	}
}

// Attack 14: a grant to who was removed, to them and through what they were in.
func TestAttack14GrantToARemovedMember(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	must(t, f.Open("alice").Grant(ctx, "case", email("bob"), officer.Read)) // without the attack
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "bob"), workspace.Consent{})
	must(t, err)
	w := f.Open("alice")
	head := w.State().Head()
	for what, err := range map[string]error{
		"a grant":   w.Grant(ctx, "ssn", email("bob"), officer.Read),
		"a place":   w.AddToGroup(ctx, "team", email("bob"), officer.Read),
		"a role":    w.ChangeRole(ctx, id(f, "bob"), officer.RoleOfficer, time.Time{}, workspace.Consent{}),
		"the card":  w.AddMember(ctx, f.People["bob"].Me.Card(), officer.RoleMember),
		"a removal": second(w.RemoveMember(ctx, id(f, "bob"), workspace.Consent{})),
	} {
		if !errors.Is(err, workspace.ErrNoSuch) && !errors.Is(err, workspace.ErrMemberRemoved) && !errors.Is(err, workspace.ErrTaken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	alice := f.People["alice"].Me.Keys()
	s := f.Open("alice").State()
	for _, op := range []officer.Operation{
		&officer.Grant{Resource: s.Resources()[1].ID, Principal: officer.MemberPrincipal(id(f, "bob")), Rights: officer.Read},
		&officer.GroupMemberAdded{Group: s.Groups()[0].ID, Member: id(f, "bob"), Rights: officer.Read},
		&officer.RoleChanged{Member: id(f, "bob"), Role: officer.RoleOfficer},
		&officer.KeyResealed{Resource: s.Resources()[1].ID, Epoch: 1, Principal: officer.MemberPrincipal(id(f, "bob"))},
	} {
		entry, err := officer.Entry{
			Organization: f.ID, Sequence: s.Head().Length, Previous: s.Head().Hash, Time: time.Now(), Author: alice.ID(), Operations: []officer.Operation{op},
		}.Sign(alice.Sign)
		must(t, err)
		if _, err := s.Apply(entry); !errors.Is(err, officer.ErrUnknown) {
			t.Errorf("%s: %v", op.Kind(), err)
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
}

func second[A any](_ A, err error) error { return err }
