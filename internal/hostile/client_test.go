package hostile_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// The attacks of this file go against a whole client: by the store, by members
// who do not use our program, and by two commands at once.

// rawEnvelope is an envelope's outer form, for altering it.
type rawEnvelope struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Info      []byte
	Enc       []byte
	CT        []byte
	Signature []byte
}

// junk has an envelope's claims and a ciphertext that does not open, signed by
// whoever is given, or by nobody.
func junk(t *testing.T, b []byte, n int, by *keyring.Device) []byte {
	t.Helper()
	var e rawEnvelope
	must(t, wire.Unmarshal(b, &e, wire.MaxEnvelope))
	e.CT[n%len(e.CT)] ^= byte(1 + n/len(e.CT))
	if by != nil {
		sum := sha256.Sum256(e.Info)
		e.Signature = by.Sign(wire.LabelEnvelope, append(append(sum[:], e.Enc...), e.CT...))
	}
	return wire.MustMarshal(e)
}

// dropping is a store whose writer leaves out envelopes.
type dropping struct {
	store.Store
	drop func(store.Index) bool
}

func (d *dropping) PutEnvelope(ctx context.Context, to store.Index, b []byte) error {
	if d.drop(to) {
		return nil
	}
	return d.Store.PutEnvelope(ctx, to, b)
}

func indexOf(p *workspacetest.Person) store.Index {
	return plan.MemberRecipient(p.Me.Member(), p.Me.Card().Card.UserKey()).Index()
}

// heldKey is a key that somebody with a program of their own has.
func heldKey(t *testing.T, f *workspacetest.Firm, who string, r *officer.Resource) *plan.Key {
	t.Helper()
	p, s := f.People[who], f.Open(who).State()
	list, _, err := f.Store.ListEnvelopes(t.Context(), indexOf(p), "", 10000)
	must(t, err)
	for _, b := range list {
		e, err := envelope.Parse(b)
		must(t, err)
		sender, _ := s.SigningKey(e.Claims().Sender)
		if e.Claims().Commitment != r.Epoch().Commitment {
			continue
		}
		key, err := e.Open(p.Me.FirstUserKey().Private, sender, e.Claims())
		must(t, err)
		return key
	}
	t.Fatalf("%s does not hold the key", who)
	return nil
}

// act writes an entry as a program would that asks nobody but the log.
func act(t *testing.T, f *workspacetest.Firm, who string, p *plan.Plan, err error) {
	t.Helper()
	must(t, err)
	me, head := f.People[who].Me.Keys(), f.Open(who).State().Head()
	for _, e := range p.Envelopes {
		must(t, f.Store.PutEnvelope(t.Context(), e.Index, e.Envelope))
	}
	entry, err := officer.Entry{
		Organization: f.ID, Sequence: head.Length, Previous: head.Hash, Time: workspacetest.Clock(), Author: me.ID(), Operations: p.Operations,
	}.Sign(me.Sign)
	must(t, err)
	must(t, f.Store.Append(t.Context(), head.Length, entry))
	f.Open(who)
}

func author(f *workspacetest.Firm, who string) plan.Author {
	return plan.Author{State: f.Open(who).State(), Device: f.People[who].Me.Keys(), Now: workspacetest.Clock()}
}

// Attack 10, by a flood: worthless envelopes that claim to be the true one,
// unsigned by the store or signed by a member who may send, do not push out
// the true one, wherever it stands.
func TestAttack10FloodedEnvelopes(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	token := seal(t, f.Open("alice"), "ssn")
	spy := &hostile.Store{Store: f.Store}
	must(t, f.OpenOn("alice", spy).Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, reads(t, f.Open("bob"), token)) // without the attack
	good := spy.Put[0]
	for who, by := range map[string]*keyring.Device{"the store": nil, "alice's device": f.People["alice"].Me.Keys()} {
		for _, first := range []bool{true, false} {
			bad := &hostile.Store{Store: f.Store, OnList: func(to store.Index, l [][]byte) [][]byte {
				if to != good.To || len(l) == 0 {
					return l
				}
				var flood [][]byte
				for i := range 300 {
					flood = append(flood, junk(t, good.Envelope, i, by))
				}
				if first {
					return append(flood, l...)
				}
				return append(l, flood...)
			}}
			if err := reads(t, f.OpenOn("bob", bad), token); err != nil {
				t.Errorf("flooded by %s, first %v: %v", who, first, err)
			}
		}
	}
}

// Attack 10, lost for good: the store loses an envelope. Whoever granted it
// grants it again, as the hint says, and it is there.
func TestAttack10LostEnvelopeIsSealedAgain(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "dora", officer.RoleOfficer)
	must(t, f.Open("alice").Grant(ctx, "ssn", "dora@example.com", officer.Read|officer.Write|officer.Share))
	token := seal(t, f.Open("alice"), "ssn")
	bob := indexOf(f.People["bob"])
	lossy := &dropping{Store: f.Store, drop: func(to store.Index) bool { return to == bob }}
	must(t, f.OpenOn("alice", lossy).Grant(ctx, "ssn", "bob@example.com", officer.Read))
	if err := reads(t, f.Open("bob"), token); err == nil {
		t.Fatal("the envelope was not lost")
	}
	n := f.Open("alice").Freshness().Head.Length
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, reads(t, f.Open("bob"), token))
	if got := f.Open("alice").Freshness().Head.Length; got != n {
		t.Error("the log knew already that alice may send it")
	}
	// The same by somebody who did not grant it: the log has to say so.
	other := &hostile.Store{Store: f.Store, OnList: func(to store.Index, l [][]byte) [][]byte {
		var out [][]byte
		for _, b := range l {
			e, err := envelope.Parse(b)
			must(t, err)
			if to != bob || e.Claims().Sender != f.People["alice"].Me.Keys().ID() || e.Claims().Context.Kind == wire.KindDirectory {
				out = append(out, b)
			}
		}
		return out
	}}
	if err := reads(t, f.OpenOn("bob", other), token); err == nil {
		t.Fatal("the envelopes of alice were not lost")
	}
	must(t, f.Open("dora").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, reads(t, f.OpenOn("bob", other), token))
	if got := f.Open("alice").Freshness().Head.Length; got != n+1 {
		t.Errorf("%d entries, want one that announces the envelope", got-n)
	}
}

// Attack 10, by cost: a member opens many epochs and leaves somebody out of
// all of them. Looking for the keys takes a look through the store, not one
// for each pair of epochs.
func TestAttack10ManyWithheldEpochs(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	bob := indexOf(f.People["bob"])
	mean := &dropping{Store: f.Store, drop: func(to store.Index) bool { return to == bob }}
	w := f.OpenOn("alice", mean)
	for range 40 {
		must(t, w.Rotate(ctx, "ssn"))
	}
	lists := 0
	count := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, l [][]byte) [][]byte { lists++; return l }}
	ring, _, err := f.OpenOn("bob", count).Ring(ctx)
	must(t, err)
	if ring.Len() != 1 { // the epoch of his grant
		t.Errorf("bob holds %d keys", ring.Len())
	}
	if lists > 10 {
		t.Errorf("%d looks through the store", lists)
	}
}

// Attack 10, by failing once: a store that fails while names are read does not
// make a client think that a name is free.
func TestAttack10NameIsNotFreeBecauseTheStoreFails(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	dir := f.Open("alice").State().Directory()
	p, _, err := author(f, "alice").Rotate(heldKey(t, f, "alice", dir))
	act(t, f, "alice", p, err)
	f.Add("alice", "dora", officer.RoleOfficer) // who has no envelope of the first epoch
	if err := f.Open("dora").NewField(ctx, "ssn"); !errors.Is(err, workspace.ErrTaken) {
		t.Fatalf("without the attack: %v", err)
	}
	for after := range 6 {
		calls := 0
		bad := &failing{Store: f.Store, fails: func() bool { calls++; return calls > after }}
		w, err := f.TryOpen("dora", bad)
		must(t, err)
		if err := w.NewField(ctx, "ssn"); err == nil {
			t.Fatalf("a second field of the label after %d calls", after)
		}
		if err := w.CheckCard(ctx, workspacetest.NewPerson(t, "bob").Me.Card(), officer.RoleMember); err == nil {
			t.Errorf("a second member of the email after %d calls", after)
		}
	}
}

// failing is a store that fails to list envelopes.
type failing struct {
	store.Store
	fails func() bool
}

func (s *failing) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	if s.fails() {
		return nil, "", storetest.ErrFault
	}
	return s.Store.ListEnvelopes(ctx, to, cursor, limit)
}

// Endless answers: a store that always has one more page, or a log of the
// largest junk, costs bounded time and memory (attack 39).
func TestAttack39EndlessStore(t *testing.T) {
	t.Parallel()
	f := firm(t)
	token := seal(t, f.Open("alice"), "ssn")
	must(t, reads(t, f.Open("alice"), token)) // without the attack

	big, served := make([]byte, wire.MaxEntry), 0
	head := f.Open("alice").Freshness().Head.Length
	pages := &endlessLog{Store: f.Store, from: head, junk: big, served: &served}
	if _, err := f.TryOpen("alice", pages); !errors.Is(err, workspace.ErrLog) {
		t.Errorf("%v", err)
	}
	if served > 512<<20 {
		t.Errorf("read %d MiB before looking at any of it", served>>20)
	}
	if _, err := f.TryOpen("alice", &endlessList{Store: f.Store}); err != nil {
		t.Fatal(err)
	}
	w := f.OpenOn("alice", &endlessList{Store: f.Store})
	if _, err := w.WriteKey(t.Context(), "ssn"); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("%v", err)
	}
}

type endlessLog struct {
	store.Store
	from   uint64
	junk   []byte
	served *int
}

func (s *endlessLog) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	out, err := s.Store.Read(ctx, from, limit)
	for len(out) < limit {
		*s.served += len(s.junk)
		out = append(out, s.junk)
	}
	return out, err
}

// endlessList never comes to an end: each cursor gives another page of junk.
type endlessList struct{ store.Store }

func (*endlessList) ListEnvelopes(_ context.Context, _ store.Index, cursor string, limit int) ([][]byte, string, error) {
	out := make([][]byte, limit)
	for i := range out {
		out[i] = []byte{0}
	}
	next := "a"
	if cursor == next {
		next = "b"
	}
	return out, next, nil
}

// Attack 12, within one device: two commands run at once and are shown two
// histories. The second to finish does not forget what the first has seen.
func TestAttack12TwoCommandsOfOneDevice(t *testing.T) {
	t.Parallel()
	for what, grows := range map[string][2]int{"as long": {1, 1}, "longer": {2, 1}, "shorter": {1, 2}} {
		f := firm(t)
		ctx := t.Context()
		log, err := f.Store.Read(ctx, 0, 100)
		must(t, err)
		fork := storetest.NewMemory(f.ID)
		for i, e := range log {
			must(t, fork.Append(ctx, uint64(i), e))
		}
		labels := []string{"phone", "fax"}
		copied := *f.People["alice"] // signs both histories: a copy of the device, with the store
		copied.Home = f.People["alice"].Home.Clone()
		other, err := workspace.Open(ctx, copied.Config(&branch{Store: f.Store, log: fork}))
		must(t, err)
		for i := range grows[1] {
			must(t, other.NewField(ctx, labels[i]))
		}
		thief := *f.People["alice"]
		thief.Home = f.People["alice"].Home.Clone()
		w, err := workspace.Open(ctx, thief.Config(f.Store))
		must(t, err)
		for i := range grows[0] {
			must(t, w.NewField(ctx, labels[i]))
		}
		// One command reads the first history; before it has pinned anything,
		// another command reads the second.
		inside := false
		bad := &hostile.Store{Store: f.Store}
		bad.OnRead = func(_ uint64, entries [][]byte) [][]byte {
			if !inside {
				inside = true
				if _, err := f.TryOpen("alice", &branch{Store: f.Store, log: fork}); err != nil {
					t.Fatal(err)
				}
			}
			return entries
		}
		if _, err := f.TryOpen("alice", bad); !errors.Is(err, workspace.ErrFork) && !errors.Is(err, workspace.ErrRollback) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := f.TryOpen("alice", f.Store); err == nil {
			t.Errorf("%s: the other history is accepted later", what)
		}
		f.OpenOn("alice", &branch{Store: f.Store, log: fork}) // what was pinned first
	}
}

// Attack 52, with a plan that is made again and becomes another: the key of
// the plan that was given up is never used.
func TestAttack52KeyOfAnAbandonedPlan(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	for _, who := range []string{"dora", "eve"} {
		f.Add("alice", who, officer.RoleOfficer)
	}
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, f.Open("alice").Grant(ctx, "ssn", "dora@example.com", officer.Read|officer.Write|officer.Share))
	race := &racing{Store: f.Store}
	dora := f.OpenOn("dora", race)
	race.before = func() { // while Dora rotates, Eve takes the field from her
		closed, err := f.Open("eve").Revoke(ctx, "ssn", "dora@example.com")
		if err != nil || !closed {
			t.Fatal(closed, err)
		}
	}
	closed, err := dora.Revoke(ctx, "ssn", "bob@example.com")
	if err != nil || !closed {
		t.Fatalf("dora could only close: %v, %v", closed, err)
	}
	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	must(t, f.Open("alice").Grant(ctx, "ssn", "dora@example.com", officer.Read|officer.Write|officer.Share))
	must(t, dora.Sync(ctx)) // the same program goes on
	if err := reads(t, f.Open("alice"), seal(t, dora, "ssn")); err != nil {
		t.Errorf("dora seals under a key that nobody has: %v", err)
	}
}

// racing runs something before its first Append.
type racing struct {
	store.Store
	before func()
}

func (s *racing) Append(ctx context.Context, at uint64, entry []byte) error {
	if f := s.before; f != nil {
		s.before = nil
		f()
	}
	return s.Store.Append(ctx, at, entry)
}

// A sharer opens an epoch and seals it to nobody. The others keep what they
// had, and can take the field from whoever did it.
func TestRogueEpochDoesNotProtectItsMaker(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	token := seal(t, f.Open("alice"), "ssn")
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	bob := indexOf(f.People["bob"])
	must(t, f.OpenOn("bob", &dropping{Store: f.Store, drop: func(to store.Index) bool { return to != bob }}).Rotate(ctx, "ssn"))
	must(t, reads(t, f.Open("alice"), token))
	if _, err := f.Open("alice").WriteKey(ctx, "ssn"); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("%v", err)
	}
	closed, err := f.Open("alice").Revoke(ctx, "ssn", "bob@example.com")
	if err != nil || !closed {
		t.Errorf("closed %v, %v", closed, err)
	}
	if err := reads(t, f.Open("bob"), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob: %v", err)
	}
}

// An officer with a program of their own makes a second field of a label, or
// lets in a second member under an email. Nobody is taken for the other:
// what is named by it is refused.
func TestTwinsAreAmbiguous(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "mallory", officer.RoleOfficer)
	f.Add("alice", "carol", officer.RoleMember)
	must(t, f.Open("alice").Grant(ctx, "ssn", "carol@example.com", officer.Read|officer.Write)) // without the attack
	seal(t, f.Open("carol"), "ssn")
	dir := heldKey(t, f, "mallory", f.Open("mallory").State().Directory())

	label, err := keyring.NewOpening(officer.TextLabel, "ssn")
	must(t, err)
	p, twin, err := author(f, "mallory").CreateResource(wire.KindField, officer.Binding{Connector: "tabular"}, label, f.People["mallory"].Me.Member(), dir)
	act(t, f, "mallory", p, err)
	p, err = author(f, "mallory").Grant(twin, officer.MemberPrincipal(f.People["carol"].Me.Member()), officer.Read|officer.Write)
	act(t, f, "mallory", p, err)
	// She makes the true label unreadable where she can: in the directory.
	w := f.Open("mallory")
	for _, r := range w.State().Resources() {
		if r.Kind == wire.KindField && r.ID != officer.ResourceID(twin.Context().Resource) {
			c := dir.Context()
			act(t, f, "mallory", &plan.Plan{Operations: []officer.Operation{&officer.Directory{
				Resource: officer.ResourceID(c.Resource), Epoch: c.Epoch, Items: []officer.DirectoryItem{{Commitment: r.Label, Sealed: make([]byte, 104)}},
			}}}, nil)
		}
	}
	for _, who := range []string{"alice", "carol"} {
		if _, err := f.Open(who).WriteKey(ctx, "ssn"); !errors.Is(err, workspace.ErrAmbiguous) {
			t.Errorf("%s seals in one of two fields: %v", who, err)
		}
	}

	must(t, f.Open("alice").NewField(ctx, "phone"))
	for _, email := range []string{"bob", "BOB"} {
		sock := workspacetest.NewPerson(t, email)
		p, err := author(f, "mallory").AddMember(sock.Me.Card(), officer.RoleMember, time.Time{}, dir)
		act(t, f, "mallory", p, err)
		if err := f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read); !errors.Is(err, workspace.ErrAmbiguous) {
			t.Errorf("alice grants to one of two: %v", err)
		}
	}
}
