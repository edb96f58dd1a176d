package hostile_test

import (
	"fmt"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// world is a firm that has lived for a while, and all that its store has of it:
//
//   - officers alice, dora and omar, of whom two recover a colleague; omar is
//     pairing a tablet, which has answered;
//   - bob, who manages the group "team" with alice, with a phone that was paired
//     and a desk that was removed by an officer; carol, in "team", who was
//     recovered onto a new laptop; eve and frank, who were removed; gwen, who has
//     accepted an invitation that nobody has confirmed;
//   - "ssn" of alice's, granted to bob, "case", granted to "team", and "will" of
//     dora's, granted to bob and to her group "board", which is closed; "settlement" and
//     "shut", which are closed, one by an operation in a blob; a secret;
//   - of every key several epochs, and of every epoch a value.
type world struct {
	f      *workspacetest.Firm
	v      *vault
	tokens []sealedValue
	homes  map[string]*workspacetest.Local
	early  map[string]*workspacetest.Local // the same devices, longer ago
	gwen   *workspacetest.Person
	invite officer.Hash
	texts  []string // that no store may read
}

// sealedValue is a token and what is in it.
type sealedValue struct {
	field, token, value string
	record              fieldcrypt.Name
}

// readers are the devices whose view is looked at.
func readers() []string { return []string{"alice", "dora", "bob", "bob's phone", "carol's laptop"} }

// seal writes a value of its own under a field's present key.
func (w *world) seal(t *testing.T, who string, fields ...string) {
	t.Helper()
	for _, field := range fields {
		k, err := w.f.Open(who).WriteKey(t.Context(), field)
		must(t, err)
		for range 2 {
			n := len(w.tokens)
			record, err := fieldcrypt.Record{Connector: "tabular", ID: fmt.Sprint("r", n)}.Name()
			must(t, err)
			value := fmt.Sprintf("value %d of %s", n, field)
			token, err := k.Seal(record, fieldcrypt.TextValue(value))
			must(t, err)
			w.tokens = append(w.tokens, sealedValue{field, token, value, record})
		}
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	w := &world{f: f, homes: map[string]*workspacetest.Local{}, early: map[string]*workspacetest.Local{}}
	w.v = newVault(t, f.Store, f.Open("alice").State())
	f.Store = w.v
	for who, role := range map[string]officer.Role{"dora": officer.RoleOfficer, "omar": officer.RoleOfficer, "bob": officer.RoleMember, "carol": officer.RoleMember, "eve": officer.RoleMember, "frank": officer.RoleMember} {
		f.Add("alice", who, role)
	}
	alice, policy := f.Open("alice"), f.Open("alice").Policy()
	policy.Officers, policy.Recovery = 2, 2
	must(t, alice.SetPolicy(ctx, alice.Policy(), policy))
	for _, l := range []string{"ssn", "case", "shut"} {
		must(t, alice.NewField(ctx, l))
	}
	must(t, alice.Grant(ctx, "ssn", email("bob"), readWrite))
	must(t, alice.Grant(ctx, "ssn", email("eve"), readWrite))
	must(t, alice.NewGroup(ctx, "team", []string{email("bob"), email("carol"), email("eve")}))
	must(t, alice.AddToGroup(ctx, "team", email("bob"), officer.Read|officer.Share))
	must(t, alice.Grant(ctx, "case", "team", readWrite))
	must(t, alice.Grant(ctx, "shut", "team", readWrite))
	for _, value := range []string{"the first secret", "the second secret"} {
		must(t, alice.PutSecret(ctx, "clio", secret.New([]byte(value)), []string{email("bob")}))
	}
	dora := f.Open("dora")
	for _, l := range []string{"will", "settlement"} {
		must(t, dora.NewField(ctx, l))
	}
	must(t, dora.NewGroup(ctx, "board", []string{email("carol"), email("eve"), email("frank")}))
	must(t, dora.Grant(ctx, "will", email("bob"), allRights))
	must(t, dora.Grant(ctx, "will", "board", readWrite))
	must(t, dora.Grant(ctx, "settlement", email("frank"), readWrite))
	w.seal(t, "alice", "ssn", "case", "shut")
	w.seal(t, "dora", "will", "settlement")

	w.pair(t, "bob", "bob's phone")
	w.recover(t)
	w.renewBob(t)
	for _, who := range readers() {
		f.Open(who)
		w.early[who] = f.People[who].Home.Clone()
	}

	// Eve leaves, then frank: each closes what alice cannot replace.
	must2(f.Open("alice").RemoveMember(ctx, id(f, "eve"), workspace.Consent{}))(t)
	w.seal(t, "bob", "ssn", "case")
	must2(f.Open("dora").CatchUp(ctx))(t)
	w.seal(t, "dora", "will")
	must(t, f.Open("alice").RotateGroup(ctx, "team"))
	must(t, f.Open("alice").Rotate(ctx, "case"))
	must2(f.Open("alice").RemoveMember(ctx, id(f, "frank"), workspace.Consent{}))(t)
	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	must(t, f.Open("bob").Rotate(ctx, "will"))
	w.seal(t, "bob's phone", "ssn", "case")
	w.seal(t, "bob", "will")
	w.shut(t)
	w.meet(t)
	for who, p := range f.People {
		o, err := f.TryOpen(who, w.v)
		if who == "eve" || who == "frank" {
			continue
		}
		must(t, err)
		must(t, o.Announce(ctx))
		w.homes[who] = p.Home.Clone()
	}
	w.texts = append(w.texts, "Example LLP", "laptop", "the first secret", "the second secret", "the laptop was stolen", "value 1", "@example.com", "the new paralegal")
	return w
}

func must2[T any](_ T, err error) func(*testing.T) {
	return func(t *testing.T) { t.Helper(); must(t, err) }
}

// pair gives somebody one more device by a code.
func (w *world) pair(t *testing.T, who, name string) {
	t.Helper()
	ctx := t.Context()
	p, j, s := w.meetDevice(t, who, name)
	a, err := p.Answer(ctx)
	must(t, err)
	must(t, p.Confirm(ctx, a.Words))
	must(t, j.Confirm(ctx, a.Words))
	identity, err := j.Identity(ctx)
	must(t, err)
	me, err := identity.Unlock(s)
	must(t, err)
	person := &workspacetest.Person{Name: name, Me: me, Home: &workspacetest.Local{}}
	must2(j.Finish(ctx, person.Config(w.v)))(t)
	w.f.People[name] = person
}

// meetDevice has a device answer somebody's code.
func (w *world) meetDevice(t *testing.T, who, name string) (*workspace.Pairing, *workspace.Joining, *secret.Bytes) {
	t.Helper()
	ctx := t.Context()
	p, err := w.f.Open(who).BeginPairing(ctx, 0)
	must(t, err)
	home := &workspacetest.Local{}
	j, err := workspace.JoinPairing(ctx, workspace.Config{Store: w.v, Local: home, Now: workspacetest.Clock}, p.Code())
	must(t, err)
	s, _, err := j.NewDevice(name)
	must(t, err)
	must(t, j.Answer(ctx))
	return p, j, s
}

// recover brings carol back onto a laptop, by two officers.
func (w *world) recover(t *testing.T) {
	t.Helper()
	ctx, f := t.Context(), w.f
	must2(f.Open("carol").EnrollRecovery(ctx, 0, nil))(t)
	f.Join("carol's laptop")
	file, err := f.Open("carol's laptop").RecoveryRequest()
	must(t, err)
	r, err := f.Open("dora").RequestRecovery(ctx, file, email("carol"), "the laptop was stolen")
	must(t, err)
	for _, by := range []string{"dora", "omar"} {
		must2(f.Open(by).ApproveRecovery(ctx, r.Device))(t)
	}
	got, err := f.Open("carol's laptop").FinishRecovery(ctx)
	must(t, err)
	identity, err := keyring.ParseIdentity(got.Identity.Encode())
	must(t, err)
	must(t, f.People["carol's laptop"].Become(identity))
	must2(f.Open("alice").CatchUp(ctx))(t)
	must2(f.Open("dora").CatchUp(ctx))(t)
	w.seal(t, "carol's laptop", "case", "will")
}

// renewBob has an officer remove a device of bob's, and bob make his next key.
func (w *world) renewBob(t *testing.T) {
	t.Helper()
	ctx, f := t.Context(), w.f
	secondDevice(t, f, "bob", "bob's desk")
	must2(f.Open("alice").RemoveDevice(ctx, f.People["bob's desk"].Me.Keys().ID()))(t)
	must(t, f.Open("bob").RenewUserKey(ctx))
	for _, who := range []string{"alice", "bob", "dora"} {
		must2(f.Open(who).CatchUp(ctx))(t)
	}
	w.seal(t, "alice", "ssn", "case")
}

// shut closes two fields, one of them by an operation outside its entry.
func (w *world) shut(t *testing.T) {
	t.Helper()
	s := w.f.Open("alice").State()
	field, err := w.f.Open("alice").Field(t.Context(), "shut")
	must(t, err)
	blob, op, err := officer.EncodeBlob([]officer.Operation{&officer.KeyClosed{Resource: field.ID, Epoch: s.Resource(field.ID).Epoch().Number}})
	must(t, err)
	must2(w.v.PutBlob(t.Context(), blob))(t)
	appendAs(t, w.f, "alice", &plan.Plan{Operations: []officer.Operation{op}})
}

// meet leaves an invitation and a pairing under way.
func (w *world) meet(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	info, err := w.f.Open("alice").CreateInvitation(ctx, workspace.InvitationRequest{Role: officer.RoleMember, Groups: []string{"team"}, Hint: "the new paralegal"})
	must(t, err)
	line, err := w.f.Open("alice").InvitationLine(ctx, info.ID)
	must(t, err)
	inv, err := plan.ParseInvitation(line)
	must(t, err)
	w.gwen = workspacetest.NewPerson(t, "gwen")
	i, err := workspace.OpenInvitation(ctx, w.gwen.Config(w.v), inv)
	must(t, err)
	must2(i.Accept(ctx, w.gwen.Config(w.v), email("alice")))(t)
	w.invite = info.ID
	w.meetDevice(t, "omar", "omar's tablet")
}
