package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func clock() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

// person is a member with a device; more devices are further persons with the
// same member.
type person struct {
	u       *keyring.Unlocked
	device  *keyring.Device
	userKey *keyring.UserKey
	older   []*keyring.UserKey
}

func newPerson(t testing.TB, name string) *person {
	t.Helper()
	id, s, err := keyring.NewIdentity(name, name+"@example.com", "laptop")
	must(t, err)
	u, err := id.Unlock(s)
	must(t, err)
	return &person{u: u, device: u.Keys(), userKey: u.FirstUserKey()}
}

func (p *person) id() officer.MemberID { return p.u.Member() }

// world is a log and everything that was filed, with the keys of everybody.
type world struct {
	t       testing.TB
	entries [][]byte
	state   *officer.State
	filed   []plan.Filed
	keys    map[string]*plan.Key // newest key of a resource, by name
}

func newWorld(t testing.TB, founder *person) *world {
	t.Helper()
	genesis, _, err := plan.Found(founder.u, "Example LLP", clock())
	must(t, err)
	s, err := officer.Replay(officer.OrganizationOf(genesis), [][]byte{genesis})
	must(t, err)
	w := &world{t: t, entries: [][]byte{genesis}, state: s, keys: map[string]*plan.Key{}}
	w.create(founder, "directory", wire.KindDirectory)
	return w
}

func (w *world) author(p *person) plan.Author {
	return plan.Author{State: w.state, Device: p.device, Now: clock()}
}

func (w *world) try(p *person, pl *plan.Plan) error {
	w.t.Helper()
	h := w.state.Head()
	e, err := officer.Entry{
		Organization: w.state.Organization(), Sequence: h.Length, Previous: h.Hash, Time: clock(), Author: p.device.ID(), Operations: pl.Operations,
	}.Sign(p.device.Sign)
	must(w.t, err)
	next, err := w.state.Apply(e)
	if err != nil {
		return err
	}
	w.entries, w.state = append(w.entries, e), next
	w.filed = append(w.filed, pl.Envelopes...)
	return nil
}

func (w *world) do(p *person, pl *plan.Plan, err error) {
	w.t.Helper()
	must(w.t, err)
	must(w.t, w.try(p, pl))
}

func (w *world) create(p *person, name string, kind wire.KeyKind) {
	w.t.Helper()
	label, err := keyring.NewOpening(officer.TextLabel, name)
	must(w.t, err)
	pl, key, err := w.author(p).CreateResource(kind, officer.Binding{Connector: "tabular"}, label, p.id(), w.keys["directory"])
	w.do(p, pl, err)
	w.keys[name] = key
}

func (w *world) add(by *person, name string, role officer.Role) *person {
	w.t.Helper()
	p := newPerson(w.t, name)
	pl, err := w.author(by).AddMember(p.u.Card(), role, time.Time{}, w.keys["directory"])
	w.do(by, pl, err)
	return p
}

func (w *world) resource(name string) *officer.Resource {
	return w.state.Resource(officer.ResourceID(w.keys[name].Context().Resource))
}

// held is what somebody holds who was given all newest keys.
func (w *world) held(r *officer.Resource) (*plan.Key, error) {
	for _, k := range w.keys {
		if k.Commitment() == r.Epoch().Commitment {
			return k, nil
		}
	}
	return nil, plan.ErrNoKey
}

// opens tries every filed envelope for a resource's present epoch.
func (w *world) opens(name string, id officer.MemberID, user *keyring.UserKey) bool {
	w.t.Helper()
	r := w.resource(name)
	for _, f := range w.filed {
		e, err := envelope.Parse(f.Envelope)
		must(w.t, err)
		c := e.Claims()
		if string(c.Context.Resource) != string(r.ID[:]) || c.Context.Epoch != r.Epoch().Number || c.Recipient.Key != user.Private.Hash() {
			continue
		}
		if w.state.MayHold(r.ID, r.Epoch().Number, id, c.Recipient.Key, c.Sender) != nil {
			continue
		}
		sender, _ := w.state.SigningKey(c.Sender)
		want := envelope.Info{Context: r.Context(w.state.Organization(), r.Epoch().Number), Commitment: r.Epoch().Commitment, Recipient: c.Recipient, Sender: c.Sender}
		if _, err := e.Open(user.Private, sender, want); err == nil {
			return true
		}
	}
	return false
}

// secondDevice adds a device to a person's member and returns it.
func (w *world) secondDevice(p *person) *person {
	w.t.Helper()
	d, err := keyring.NewDevice(keyring.GenerateSecret(), officer.DeviceInstallation, officer.Hash{byte(len(w.entries))})
	must(w.t, err)
	pl, err := w.author(p).AddDevice(p.id(), d.Record(), plan.Acceptance(w.state.Organization(), p.id(), d), p.userKey)
	w.do(p, pl, err)
	return &person{u: p.u, device: d, userKey: p.userKey}
}

func TestCreateGrantRevoke(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	w.create(alice, "closing", wire.KindFolder)
	if len(w.resource("closing").Epoch().Public) == 0 || len(w.resource("phone").Epoch().Public) != 0 {
		t.Error("a folder has a public key, a field has none")
	}
	for _, name := range []string{"phone", "closing"} {
		if w.opens(name, bob.id(), bob.userKey) || !w.opens(name, alice.id(), alice.userKey) {
			t.Errorf("%s before the grant", name)
		}
		pl, err := w.author(alice).Grant(w.keys[name], officer.MemberPrincipal(bob.id()), officer.Read)
		w.do(alice, pl, err)
		if !w.opens(name, bob.id(), bob.userKey) {
			t.Errorf("%s after the grant", name)
		}
		pl, next, err := w.author(alice).Revoke(w.keys[name], officer.MemberPrincipal(bob.id()))
		w.do(alice, pl, err)
		w.keys[name] = next
		if w.opens(name, bob.id(), bob.userKey) || !w.opens(name, alice.id(), alice.userKey) {
			t.Errorf("%s after the revocation", name)
		}
	}
	if !w.opens("directory", bob.id(), bob.userKey) {
		t.Error("a member reads the directory")
	}
	guest := w.add(alice, "guido", officer.RoleGuest)
	if w.opens("directory", guest.id(), guest.userKey) {
		t.Error("a guest reads the directory")
	}
	if _, err := officer.Replay(w.state.Organization(), w.entries); err != nil {
		t.Error(err)
	}
}

func TestRotateWantsThePresentKey(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	w.create(alice, "phone", wire.KindField)
	old := w.keys["phone"]
	pl, next, err := w.author(alice).Rotate(old)
	w.do(alice, pl, err)
	w.keys["phone"] = next
	if _, _, err := w.author(alice).Rotate(old); !errors.Is(err, plan.ErrNoKey) {
		t.Errorf("rotating by an old key: %v", err)
	}
	c := next.Context()
	other, err := datakey.Generate(c)
	must(t, err)
	if _, _, err := w.author(alice).Rotate(other); !errors.Is(err, plan.ErrNoKey) {
		t.Errorf("rotating by a key that the log does not know: %v", err)
	}
	got, err := next.OpenPrevious(w.resource("phone").Epoch().Previous, old.Context(), old.Commitment())
	if err != nil || !got.Raw().Equal(old.Raw()) {
		t.Errorf("history: %v", err)
	}
}

func TestOpeningsRoundTrip(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	w.create(alice, "phone", wire.KindField)
	label := w.resource("phone").Label
	places := w.state.Openings(label)
	if len(places) != 2 {
		t.Fatalf("%d openings", len(places))
	}
	for _, p := range places {
		for name, key := range w.keys {
			o, err := plan.OpenOpening(key, p.Sealed, label)
			mine := p.Resource == officer.ResourceID(key.Context().Resource)
			if mine && (err != nil || o.Text != "phone") || !mine && err == nil {
				t.Errorf("under %s: %q, %v", name, o.Text, err)
			}
		}
	}
}

// TestRemoveOwnDevice: one entry brings a new user key and new epochs; the
// stolen device, which keeps all it had, opens nothing that follows.
func TestRemoveOwnDevice(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	w.create(alice, "phone", wire.KindField)
	stolen := w.secondDevice(alice)
	if !w.opens("phone", alice.id(), stolen.userKey) {
		t.Fatal("the second device did not open before")
	}
	pl, err := w.author(alice).RemoveOwnDevice(stolen.device.ID(), alice.userKey, plan.Held{Resource: w.held})
	must(t, err)
	var kinds []officer.OpKind
	for _, op := range pl.Operations {
		kinds = append(kinds, op.Kind())
	}
	if kinds[0] != officer.OpDeviceRemoved || !slices.Contains(kinds, officer.OpUserKey) {
		t.Errorf("operations %v", kinds)
	}
	must(t, w.try(alice, pl))
	if w.opens("phone", alice.id(), stolen.userKey) || w.opens("directory", alice.id(), stolen.userKey) {
		t.Error("the stolen device opens a new epoch")
	}
	// The remaining device opens the new user key and, by it, the new epochs.
	m := w.state.Member(alice.id())
	gen := m.UserKey()
	var fresh *keyring.UserKey
	for _, f := range w.filed {
		e, err := envelope.Parse(f.Envelope)
		must(t, err)
		if c := e.Claims(); c.Context.Kind == wire.KindUser && c.Context.Epoch == gen.Generation {
			want := envelope.Info{
				Context: officer.UserKeyContext(w.state.Organization(), m.ID, gen.Generation), Commitment: gen.Commitment,
				Recipient: plan.DeviceRecipient(alice.device.Record()), Sender: alice.device.ID(),
			}
			key, err := e.Open(alice.device.Encryption(), w.state.Device(alice.device.ID()).Record.Signing, want)
			must(t, err)
			fresh, err = keyring.OpenUserKey(key, gen.Public)
			must(t, err)
			if _, err := e.Open(stolen.device.Encryption(), w.state.Device(alice.device.ID()).Record.Signing, want); err == nil {
				t.Error("the stolen device opens the new user key")
			}
		}
	}
	if fresh == nil || !w.opens("phone", alice.id(), fresh) || !w.opens("directory", alice.id(), fresh) {
		t.Error("the remaining device does not open what follows")
	}
	// Attack 15: the removed device signs on.
	if err := w.try(stolen, &plan.Plan{Operations: []officer.Operation{&officer.KeyClosed{Resource: w.resource("phone").ID, Epoch: 2}}}); !errors.Is(err, officer.ErrAuthor) {
		t.Errorf("the removed device signs: %v", err)
	}
}

// TestRemoveDeviceByOfficer: what the officer reads is rotated, the rest is
// closed (attack 60), and the member's user key is closed.
func TestRemoveDeviceByOfficer(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	w.create(alice, "phone", wire.KindField)
	w.create(dora, "ssn", wire.KindField)
	pl, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(dora.id()), officer.Read|officer.Write)
	w.do(alice, pl, err)
	stolen := w.secondDevice(dora)

	pl, err = w.author(alice).RemoveDevice(stolen.device.ID(), plan.Held{Resource: w.held})
	must(t, err)
	if !slices.ContainsFunc(pl.Skipped, func(p officer.Principal) bool { m, ok := p.Member(); return ok && m == dora.id() }) {
		t.Error("keys were sealed to a user key that the thief has")
	}
	// Attack 58: without any one of its operations the entry is refused.
	for i := 1; i < len(pl.Operations); i++ {
		part := &plan.Plan{Operations: slices.Delete(slices.Clone(pl.Operations), i, i+1)}
		before := w.state.Head()
		if err := w.try(alice, part); !errors.Is(err, officer.ErrIncomplete) || w.state.Head() != before {
			t.Errorf("without operation %d: %v", i, err)
		}
	}
	must(t, w.try(alice, pl))
	if m := w.state.Member(dora.id()); !m.KeyClosed {
		t.Error("the user key is still open")
	}
	if !w.resource("ssn").Epoch().Closed || w.resource("phone").Epoch().Closed {
		t.Error("what alice does not hold is closed, what she holds is rotated")
	}
	if _, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(dora.id()), officer.Read); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("sealing to a closed user key: %v", err)
	}
	if _, err := w.author(alice).RemoveDevice(stolen.device.ID(), plan.Held{Resource: w.held}); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("removing it twice: %v", err)
	}
}

func Example() {
	t := &testing.B{}
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)

	p, err := w.author(alice).Grant(w.keys["phone"], officer.MemberPrincipal(bob.id()), officer.Read)
	fmt.Println(len(p.Operations), len(p.Envelopes), err)
	fmt.Println(w.try(alice, p), w.state.Head().Length)
	// Output:
	// 1 1 <nil>
	// <nil> 5
}
