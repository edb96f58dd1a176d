package plan_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// reader is what somebody opens with a user key of theirs and everything that
// was ever filed. obeys says whether they accept only what the log lets them.
type reader struct {
	w     *world
	p     *person
	obeys bool
	keys  map[officer.Hash]*plan.Key // by commitment
}

func (w *world) reader(p *person, obeys bool) *reader {
	w.t.Helper()
	r := &reader{w: w, p: p, obeys: obeys, keys: map[officer.Hash]*plan.Key{}}
	for more := true; more; {
		more = r.envelopes() || r.history()
	}
	return r
}

// privates are the keys by which envelopes open: of the user, and of groups.
func (r *reader) privates() []*envelope.PrivateKey {
	list := []*envelope.PrivateKey{r.p.userKey.Private}
	for _, u := range r.p.older {
		list = append(list, u.Private)
	}
	for _, k := range r.keys {
		if k.Context().Kind == wire.KindGroup {
			private, err := envelope.NewPrivateKey(k.Raw())
			must(r.w.t, err)
			list = append(list, private)
		}
	}
	return list
}

func (r *reader) may(c envelope.Info) bool {
	s, id := r.w.state, c.Context.Resource
	switch {
	case c.Recipient.Kind == envelope.ToDevice:
		return false
	case !r.obeys:
		return true
	case c.Recipient.Kind == envelope.ToGroup:
		return s.MayHoldThrough(officer.GroupID(c.Recipient.ID), officer.ResourceID(id), c.Context.Epoch, r.p.id(), c.Recipient.Key, c.Sender) == nil
	case c.Context.Kind == wire.KindGroup:
		return s.MayHoldGroup(officer.GroupID(id), c.Context.Epoch, r.p.id(), c.Recipient.Key, c.Sender) == nil
	default:
		return s.MayHold(officer.ResourceID(id), c.Context.Epoch, r.p.id(), c.Recipient.Key, c.Sender) == nil
	}
}

func (r *reader) envelopes() (more bool) {
	privates := r.privates()
	for _, f := range r.w.filed {
		e, err := envelope.Parse(f.Envelope)
		must(r.w.t, err)
		c := e.Claims()
		if _, have := r.keys[c.Commitment]; have || !r.may(c) {
			continue
		}
		sender, _ := r.w.state.SigningKey(c.Sender)
		for _, private := range privates {
			if k, err := e.Open(private, sender, c); err == nil {
				r.keys[c.Commitment], more = k, true
			}
		}
	}
	return more
}

// history follows every key that is held to those before it.
func (r *reader) history() (more bool) {
	step := func(context func(uint64) officer.KeyContext, epochs []officer.Epoch) {
		for i := len(epochs) - 1; i > 0; i-- {
			k := r.keys[epochs[i].Commitment]
			from := epochs[i].From
			if k == nil || r.keys[epochs[from-1].Commitment] != nil {
				continue
			}
			older, err := k.OpenPrevious(epochs[i].Previous, context(from), epochs[from-1].Commitment)
			must(r.w.t, err)
			r.keys[older.Commitment()], more = older, true
		}
	}
	org := r.w.state.Organization()
	for _, g := range r.w.state.Groups() {
		step(func(n uint64) officer.KeyContext { return g.Context(org, n) }, g.Epochs)
	}
	for _, x := range r.w.state.Resources() {
		step(func(n uint64) officer.KeyContext { return x.Context(org, n) }, x.Epochs)
	}
	return more
}

// reads lists the names of resources whose epoch 1 and present epoch are held.
func (r *reader) reads(epoch func(*officer.Resource) officer.Epoch) string {
	var names []string
	for name := range r.w.keys {
		if x := r.w.resource(name); x != nil && r.keys[epoch(x).Commitment] != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func first(r *officer.Resource) officer.Epoch { return r.Epochs[0] }

// holds returns what a reader holds, for plans.
func (r *reader) holds() plan.Held {
	of := func(e officer.Epoch) (*datakey.Key, error) {
		if k := r.keys[e.Commitment]; k != nil {
			return k, nil
		}
		return nil, plan.ErrNoKey
	}
	return plan.Held{
		Resource: func(x *officer.Resource) (*plan.Key, error) { return of(x.Epoch()) },
		Group:    func(g *officer.Group) (*plan.Key, error) { return of(g.Epoch()) },
	}
}

func (w *world) heldBy(p *person) plan.Held { return w.reader(p, true).holds() }

// logAndKeysAgree checks that who is granted something opens it, and that
// nobody else does who obeys the log.
func (w *world) logAndKeysAgree(people ...*person) {
	w.t.Helper()
	for _, p := range people {
		r := w.reader(p, true)
		for name := range w.keys {
			x := w.resource(name)
			if x == nil || x.Epoch().Closed {
				continue
			}
			granted, opens := w.state.Rights(p.id(), x) != 0, r.keys[x.Epoch().Commitment] != nil
			if granted != opens {
				w.t.Errorf("%s: granted %v, opens %v", name, granted, opens)
			}
		}
	}
}

func groupLabel(t *testing.T, name string) officer.Opening {
	t.Helper()
	o, err := keyring.NewOpening(officer.TextGroup, name)
	must(t, err)
	return o
}

func (w *world) group(t *testing.T, by *person, name string, rights map[*person]officer.Rights) officer.GroupID {
	t.Helper()
	var members []officer.GroupMemberItem
	for p, r := range rights {
		members = append(members, officer.GroupMemberItem{Member: p.id(), Rights: r})
	}
	pl, key, err := w.author(by).CreateGroup(groupLabel(t, name), members, w.present("directory", by))
	w.do(by, pl, err)
	return officer.GroupID(key.Context().Resource)
}

// TestGroupLife takes a group through its life: who is in it opens what it is
// granted, with its history, and who was taken out opens nothing that follows,
// though they kept every envelope.
func TestGroupLife(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	dora := w.add(alice, "dora", officer.RoleOfficer)
	bob, carol, eve := w.add(alice, "bob", officer.RoleMember), w.add(alice, "carol", officer.RoleMember), w.add(alice, "eve", officer.RoleMember)
	all := []*person{alice, dora, bob, carol, eve}
	w.create(alice, "phone", wire.KindField)
	w.create(bob, "case", wire.KindFolder)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 5, eve: 1})
	to := officer.GroupPrincipal(team)

	pl, err := w.author(alice).Grant(w.present("phone", alice), to, officer.Read|officer.Write)
	w.do(alice, pl, err)
	pl, err = w.author(bob).Grant(w.present("case", bob), to, officer.Read|officer.Share)
	w.do(bob, pl, err)
	w.logAndKeysAgree(all...)
	if got := w.reader(eve, true).reads((*officer.Resource).Epoch); got != "case directory phone" {
		t.Fatalf("eve reads %s", got)
	}

	// A group key made anew: the resources keep their epochs, and are still read.
	pl, _, err = w.author(bob).RotateGroup(w.seed(team, bob))
	w.do(bob, pl, err)
	pl, err = w.author(bob).AddToGroup(w.seed(team, bob), carol.id(), officer.Read)
	w.do(bob, pl, err)
	w.logAndKeysAgree(all...)

	// Eve keeps all that she has and leaves.
	was := w.reader(eve, false)
	pl, err = w.author(alice).RemoveFromGroup(team, eve.id(), w.heldBy(alice))
	w.do(alice, pl, err)
	for i := 1; i < len(pl.Operations); i++ { // attack 58
		short := *pl
		short.Operations = append(slices.Clone(pl.Operations[:i]), pl.Operations[i+1:]...)
		if err := w.try(alice, &short); !errors.Is(err, officer.ErrIncomplete) && !errors.Is(err, officer.ErrUnknown) {
			t.Errorf("without %s: %v", pl.Operations[i].Kind(), err)
		}
	}
	after := w.reader(eve, false)
	if got := after.reads(first); got != was.reads(first) {
		t.Errorf("eve had %s and has %s", was.reads(first), got)
	}
	if got := after.reads((*officer.Resource).Epoch); got != "directory" {
		t.Errorf("eve opens the present epochs of %s", got)
	}
	w.logAndKeysAgree(all...)
	if w.resource("case").Epoch().Closed || w.resource("case").Epoch().Number != 2 {
		t.Error("alice shares case through the group, and did not rotate it")
	}

	// Dora, an officer outside, takes carol out: she gains no key (attack 60).
	pl, err = w.author(dora).RemoveFromGroup(team, carol.id(), w.heldBy(dora))
	w.do(dora, pl, err)
	if !w.state.Group(team).Epoch().Closed || !w.resource("phone").Epoch().Closed {
		t.Error("what dora does not hold is not closed")
	}
	if got := w.reader(dora, false).reads((*officer.Resource).Epoch); got != "directory" {
		t.Errorf("dora opens %s", got)
	}
	if _, err := w.author(alice).Grant(w.present("phone", alice), to, officer.Read); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("sealed to a closed group: %v", err)
	}
	// Whoever manages and shares goes on.
	pl, _, err = w.author(bob).RotateGroup(w.seed(team, bob))
	w.do(bob, pl, err)
	pl, _, err = w.author(alice).Rotate(w.present("phone", alice))
	w.do(alice, pl, err)
	w.logAndKeysAgree(all...)

	// What was not sealed to the group in time is sealed again.
	r := w.resource("phone")
	if i := slices.IndexFunc(r.Grants, func(g officer.GrantState) bool { return g.Principal.Kind == officer.PrincipalGroup }); len(r.Grants[i].Senders) == 0 {
		t.Error("the group's grant has no sender")
	}
	pl, err = w.author(alice).Reseal(w.present("phone", alice), to)
	must(t, err)
	if len(pl.Operations) != 0 || len(pl.Envelopes) != 1 {
		t.Errorf("the author of an epoch announces what it may send: %v", pl.Operations)
	}
	pl, err = w.author(alice).ResealGroup(w.seed(team, alice), bob.id())
	must(t, err)
	if len(pl.Operations) != 1 || len(pl.Envelopes) != 1 {
		t.Errorf("re-sealed by who did not make the epoch: %v", pl.Operations)
	}
	w.do(alice, pl, nil)
}

// A member who removes a stolen device of theirs closes the groups that they
// do not manage, and rotates what they can go on reading.
func TestStolenDeviceInGroups(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	w.create(bob, "case", wire.KindFolder)
	team := w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, bob: 1})
	to := officer.GroupPrincipal(team)
	for _, g := range []struct {
		by     *person
		name   string
		rights officer.Rights
	}{{alice, "phone", officer.Read | officer.Share}, {bob, "case", officer.Read}} {
		pl, err := w.author(g.by).Grant(w.present(g.name, g.by), to, g.rights)
		w.do(g.by, pl, err)
	}
	stolen := w.secondDevice(bob)
	thief := w.reader(stolen, false)
	pl, err := w.author(bob).RemoveOwnDevice(stolen.device.ID(), bob.userKey, w.heldBy(bob))
	w.do(bob, pl, err)
	if !w.state.Group(team).Epoch().Closed || !w.resource("phone").Epoch().Closed || w.resource("case").Epoch().Closed {
		t.Error("the group and what is shared through it alone is to be closed, the own folder rotated")
	}
	if i := slices.IndexFunc(pl.Skipped, func(p officer.Principal) bool { return p.Kind == officer.PrincipalGroup }); i < 0 {
		t.Errorf("a key was sealed to a closed group: %v", pl.Skipped)
	}
	pl, _, err = w.author(alice).RotateGroup(w.seed(team, alice))
	w.do(alice, pl, err)
	pl, _, err = w.author(alice).Rotate(w.present("phone", alice))
	w.do(alice, pl, err)
	again := w.reader(stolen, false)
	if got := again.reads((*officer.Resource).Epoch); got != "directory" || !w.resource("directory").Epoch().Closed {
		t.Errorf("the thief opens %s", got) // of the directory, which bob does not share, the epoch that was closed
	}
	if !maps.Equal(index(thief), index(again)) {
		t.Error("the thief has learned something")
	}
	if _, err := w.author(alice).RestoreGroup(team, bob.id()); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("restored what somebody manages: %v", err)
	}
	if _, err := w.author(alice).RestoreGroup(team, officer.MemberID{}); !errors.Is(err, officer.ErrUnknown) {
		t.Errorf("restored to nobody: %v", err)
	}
}

func index(r *reader) map[officer.Hash]bool {
	out := map[officer.Hash]bool{}
	for h := range r.keys {
		out[h] = true
	}
	return out
}

// present is the key of a resource's present epoch, as somebody opens it.
func (w *world) present(name string, p *person) *plan.Key {
	w.t.Helper()
	k, err := w.heldBy(p).Resource(w.resource(name))
	must(w.t, err)
	return k
}

// seed is that of a group's present epoch, as somebody opens it.
func (w *world) seed(id officer.GroupID, p *person) *plan.Key {
	w.t.Helper()
	k, err := w.heldBy(p).Group(w.state.Group(id))
	must(w.t, err)
	return k
}

// A sharer who opens an epoch and seals it to nobody stops nobody: the others
// go on from the epoch before, and read what was written until then.
func TestRotatePastMissingEpoch(t *testing.T) {
	t.Parallel()
	alice := newPerson(t, "alice")
	w := newWorld(t, alice)
	bob := w.add(alice, "bob", officer.RoleMember)
	w.create(alice, "phone", wire.KindField)
	pl, err := w.author(alice).Grant(w.present("phone", alice), officer.MemberPrincipal(bob.id()), officer.Read|officer.Share)
	w.do(alice, pl, err)
	first := w.present("phone", alice)
	pl, _, err = w.author(bob).Rotate(first)
	must(t, err)
	pl.Envelopes = nil
	w.do(bob, pl, nil)
	if _, err := w.heldBy(alice).Resource(w.resource("phone")); !errors.Is(err, plan.ErrNoKey) {
		t.Fatalf("alice opens what was sealed to nobody: %v", err)
	}
	if _, _, err := w.author(alice).Rotate(first); !errors.Is(err, plan.ErrNoKey) {
		t.Errorf("rotated from an earlier epoch without asking: %v", err)
	}
	pl, _, err = w.author(alice).RotatePast(first)
	w.do(alice, pl, err)
	e := w.resource("phone").Epoch()
	if e.Number != 3 || e.From != 1 {
		t.Errorf("epoch %d from %d", e.Number, e.From)
	}
	r := w.reader(bob, true)
	if r.keys[e.Commitment] == nil || r.keys[first.Commitment()] == nil {
		t.Error("bob does not read on")
	}
	w.logAndKeysAgree(alice, bob)
}
