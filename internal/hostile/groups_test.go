package hostile_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// team is Alice and Dora, officers, and Bob, Carol and Eve, members; the group
// "team" is Alice's, who manages it with Bob, and has Carol; it reads "ssn".
func team(t *testing.T) (f *workspacetest.Firm, token string) {
	t.Helper()
	f, ctx := firm(t), t.Context()
	f.Add("alice", "carol", officer.RoleMember)
	f.Add("alice", "eve", officer.RoleMember)
	f.Add("alice", "dora", officer.RoleOfficer)
	w := f.Open("alice")
	must(t, w.NewGroup(ctx, "team", []string{"bob@example.com", "carol@example.com"}))
	must(t, w.AddToGroup(ctx, "team", "bob@example.com", officer.Read|officer.Share))
	must(t, w.Grant(ctx, "ssn", "team", officer.Read|officer.Write))
	token = seal(t, w, "ssn")
	must(t, reads(t, f.Open("bob"), token))
	must(t, reads(t, f.Open("carol"), token))
	return f, token
}

func group(t *testing.T, f *workspacetest.Firm) *officer.Group {
	t.Helper()
	g, err := f.Open("alice").Group(t.Context(), "team")
	must(t, err)
	return g.Group
}

// listed is what a store has filed at an index.
func listed(t *testing.T, st store.Store, to store.Index) [][]byte {
	t.Helper()
	list, _, err := st.ListEnvelopes(t.Context(), to, "", 1000)
	must(t, err)
	return list
}

// keyOf opens the first envelope of a kind that is filed for somebody, as a
// member does who does not use our program.
func keyOf(t *testing.T, f *workspacetest.Firm, index store.Index, kind wire.KeyKind, private *envelope.PrivateKey) *datakey.Key {
	t.Helper()
	for _, b := range listed(t, f.Store, index) {
		e, err := envelope.Parse(b)
		must(t, err)
		sender, ok := f.Open("alice").State().SigningKey(e.Claims().Sender)
		if e.Claims().Context.Kind != kind || !ok {
			continue
		}
		if k, err := e.Open(private, sender, e.Claims()); err == nil {
			return k
		}
	}
	t.Fatalf("no key of kind %d", kind)
	return nil
}

// appendAs signs operations as somebody's device, whose program does not ask
// whether they make sense, with the envelopes that go with them.
func appendAs(t *testing.T, f *workspacetest.Firm, who string, p *plan.Plan) {
	t.Helper()
	s, d := f.Open(who).State(), f.People[who].Me.Keys()
	for _, e := range p.Envelopes {
		must(t, f.Store.PutEnvelope(t.Context(), e.Index, e.Envelope))
	}
	b, err := officer.Entry{
		Organization: s.Organization(), Sequence: s.Head().Length, Previous: s.Head().Hash,
		Time: workspacetest.Clock(), Author: d.ID(), Operations: p.Operations,
	}.Sign(d.Sign)
	must(t, err)
	must(t, f.Store.Append(t.Context(), s.Head().Length, b))
}

// Attack 6: the group's key is swapped, so that what is shared with the group
// from now on opens for somebody else. The store can do so only by showing
// another log, which is refused; what is sealed opens with the log's key alone.
func TestAttack6SwappedGroupKey(t *testing.T) {
	t.Parallel()
	f, _ := team(t)
	ctx := t.Context()
	must(t, f.Open("alice").RotateGroup(ctx, "team"))
	f.Open("dora")
	mallory := workspacetest.NewPerson(t, "mallory")
	swap := func(sign func(string, []byte) []byte) func(uint64, [][]byte) [][]byte {
		return func(_ uint64, entries [][]byte) [][]byte {
			out := slices.Clone(entries)
			for i, b := range entries {
				e, err := officer.DecodeEntry(b)
				must(t, err)
				for _, op := range e.Operations {
					switch o := op.(type) {
					case *officer.GroupCreated:
						o.Public = mallory.Me.Card().Card.UserKey()
					case *officer.GroupRotated:
						o.Public = mallory.Me.Card().Card.UserKey()
					default:
						continue
					}
					out[i], err = e.Sign(sign)
					must(t, err)
				}
			}
			return out
		}
	}
	for what, sign := range map[string]func(string, []byte) []byte{
		"signed by mallory": mallory.Me.Keys().Sign, "not signed": func(string, []byte) []byte { return make([]byte, 64) },
		"signed by a member": f.People["bob"].Me.Keys().Sign,
	} {
		bad := &hostile.Store{Store: f.Store, OnRead: swap(sign)}
		delete(f.People["dora"].Home.Files, "organization.cache")
		if _, err := f.TryOpen("dora", bad); !errors.Is(err, workspace.ErrFork) && !errors.Is(err, workspace.ErrLog) {
			t.Errorf("%s: %v", what, err)
		}
		// Who joins has seen nothing that a hash could be held against.
		if _, err := workspace.Join(ctx, workspacetest.NewPerson(t, "zoe").Config(bad), f.ID); !errors.Is(err, workspace.ErrLog) {
			t.Errorf("%s: zoe joins: %v", what, err)
		}
		if len(bad.Put)+len(bad.Appended) != 0 {
			t.Errorf("%s: something was written", what)
		}
	}
	must(t, f.Open("alice").NewField(ctx, "phone"))
	watch := &hostile.Store{Store: f.Store}
	must(t, f.OpenOn("alice", watch).Grant(ctx, "phone", "team", officer.Read))
	g := group(t, f)
	want := plan.GroupRecipient(g.ID, g.Epoch().Public)
	if len(watch.Put) != 1 || watch.Put[0].To != want.Index() {
		t.Fatalf("%d envelopes for one grant", len(watch.Put))
	}
	e, err := envelope.Parse(watch.Put[0].Envelope)
	must(t, err)
	if e.Claims().Recipient.Key != want.Key {
		t.Error("sealed to another key than the group's present one")
	}
}

// Attack 6 from within: who manages a group opens an epoch and publishes a key
// of their own beside it, to read what is sealed to the group and keep it from
// the others. The seed must reproduce the key; whoever reads otherwise still
// does, and a manager's next rotation and the next reseal mend it.
func TestAttack6PublicKeyNotOfTheSeed(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	ctx := t.Context()
	g := group(t, f)
	bob := f.People["bob"].Me
	seed := keyOf(t, f, indexOf(f.People["bob"]), wire.KindGroup, bob.FirstUserKey().Private)
	p, _, err := (plan.Author{State: f.Open("bob").State(), Device: bob.Keys(), Now: workspacetest.Clock()}).RotateGroup(seed)
	must(t, err)
	own, err := envelope.NewPrivateKey(keyring.GenerateSecret())
	must(t, err)
	p.Operations[0].(*officer.GroupRotated).Public = own.Public()
	appendAs(t, f, "bob", p)

	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	fresh := seal(t, f.Open("alice"), "ssn")
	must(t, reads(t, f.Open("alice"), fresh))
	must(t, reads(t, f.Open("carol"), token)) // sealed to the epoch before
	if _, err := f.Open("carol").WriteKey(ctx, "ssn"); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("carol uses a key that is not the seed's: %v", err)
	}
	must(t, f.Open("alice").RotateGroup(ctx, "team"))
	must(t, f.Open("alice").Grant(ctx, "ssn", "team", officer.Read|officer.Write))
	must(t, reads(t, f.Open("carol"), fresh))
	if group(t, f).Epoch().Number != g.Epoch().Number+2 {
		t.Error("not rotated past it")
	}
}

// Attack 10: the store keeps back a group's seed, or what was sealed to the
// group. Nothing is made anew and nothing is written; and it does not keep in
// the group who is taken out.
func TestAttack10WithheldGroupKeys(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	ctx := t.Context()
	g := group(t, f)
	to := envelope.Recipient{Kind: envelope.ToGroup, ID: g.ID[:]}.Index()
	attacks := map[string]func(store.Index, [][]byte) [][]byte{
		"the seed": func(_ store.Index, list [][]byte) [][]byte {
			return slices.DeleteFunc(list, func(b []byte) bool {
				e, err := envelope.Parse(b)
				return err == nil && e.Claims().Context.Kind == wire.KindGroup
			})
		},
		"what is sealed to it": func(at store.Index, list [][]byte) [][]byte {
			if at == to {
				return nil
			}
			return list
		},
	}
	for what, attack := range attacks {
		bad := &hostile.Store{Store: f.Store, OnList: attack}
		if err := reads(t, f.OpenOn("bob", bad), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
			t.Errorf("%s withheld: bob reads: %v", what, err)
		}
		_, owners, err := f.OpenOn("bob", bad).Ring(ctx)
		must(t, err)
		parsed, err := fieldcrypt.Parse([]byte(token))
		must(t, err)
		if o, ok := owners.Find(parsed.KeyID); !ok || !o.Granted || !errors.Is(o.Err, workspace.ErrKeyMissing) {
			t.Errorf("%s withheld: bob is told %+v", what, o)
		}
		if _, err := f.OpenOn("bob", bad).WriteKey(ctx, "ssn"); !errors.Is(err, workspace.ErrKeyMissing) {
			t.Errorf("%s withheld: bob seals: %v", what, err)
		}
		if len(bad.Put)+len(bad.Appended) != 0 {
			t.Errorf("%s withheld: something was written", what)
		}
	}
	bad := &hostile.Store{Store: f.Store, OnList: attacks["the seed"]}
	w := f.OpenOn("bob", bad)
	for op, err := range map[string]error{
		"rotate": w.RotateGroup(ctx, "team"), "add": w.AddToGroup(ctx, "team", "eve@example.com", officer.Read),
		"seal again": w.AddToGroup(ctx, "team", "carol@example.com", officer.Read),
	} {
		if !errors.Is(err, workspace.ErrKeyMissing) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if len(bad.Put)+len(bad.Appended) != 0 {
		t.Error("something was written")
	}
	must(t, reads(t, f.Open("bob"), token)) // nothing was lost

	r, err := w.RemoveFromGroup(ctx, "team", "carol@example.com")
	must(t, err)
	if len(r.ClosedGroups) != 1 || len(r.Closed) != 1 || r.Envelopes != 0 {
		t.Errorf("taken out without the seed: %+v", r.Renewal)
	}
	_, err = f.Open("alice").CatchUp(ctx)
	must(t, err)
	fresh := seal(t, f.Open("alice"), "ssn")
	must(t, reads(t, f.Open("bob"), fresh))
	if err := reads(t, f.Open("carol"), fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("carol: %v", err)
	}
}

// Attack 10 by many: forged envelopes to the group and to its members, with the
// claims of the good ones, do not keep these from being found.
func TestAttack10FloodedGroup(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	bad := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, list [][]byte) [][]byte {
		var out [][]byte
		for _, b := range list {
			for n := range 20 {
				out = append(out, junk(t, b, n, nil))
			}
			out = append(out, b)
		}
		return out
	}}
	for _, who := range []string{"bob", "carol"} {
		must(t, reads(t, f.OpenOn(who, bad), token))
	}
}

// Attack 17: envelopes of and to groups are filed elsewhere, or sent by somebody
// who holds the key and was not let to. Nobody accepts them.
func TestAttack17GroupEnvelopesReaddressed(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	ctx := t.Context()
	must(t, f.Open("alice").NewGroup(ctx, "board", []string{"eve@example.com"}))
	g := group(t, f)
	board, err := f.Open("alice").Group(ctx, "board")
	must(t, err)
	toTeam, toBoard := plan.GroupRecipient(g.ID, g.Epoch().Public), plan.GroupRecipient(board.ID, board.Epoch().Public)

	// Bob holds all that the team does, and hands it on to Eve: the seed to
	// herself, the field's key to her and to her group, signed by himself.
	bob, eve := f.People["bob"].Me, f.People["eve"].Me
	seed := keyOf(t, f, indexOf(f.People["bob"]), wire.KindGroup, bob.FirstUserKey().Private)
	private, err := envelope.NewPrivateKey(seed.Raw())
	must(t, err)
	ssn := keyOf(t, f, toTeam.Index(), wire.KindField, private)
	toEve := plan.MemberRecipient(eve.Member(), eve.Card().Card.UserKey())
	for _, x := range []struct {
		key *datakey.Key
		to  envelope.Recipient
		pub []byte
	}{{seed, toEve, eve.Card().Card.UserKey()}, {ssn, toEve, eve.Card().Card.UserKey()}, {ssn, toBoard, board.Epoch().Public}} {
		b, err := envelope.Seal(x.key, x.to, x.pub, bob.Keys())
		must(t, err)
		must(t, f.Store.PutEnvelope(ctx, x.to.Index(), b))
	}
	// And the store files everybody's under everybody's index.
	all := listed(t, f.Store, toTeam.Index())
	for _, who := range []string{"alice", "bob", "carol", "eve"} {
		all = append(all, listed(t, f.Store, indexOf(f.People[who]))...)
	}
	bad := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, list [][]byte) [][]byte { return append(list, all...) }}
	if err := reads(t, f.OpenOn("eve", bad), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("eve opens what is not hers: %v", err)
	}
	must(t, reads(t, f.OpenOn("carol", bad), token)) // the good ones are still found

	// A key that Bob made up, for the epoch that is there: not announced.
	made, err := datakey.Generate(ssn.Context())
	must(t, err)
	b, err := envelope.Seal(made, toTeam, g.Epoch().Public, bob.Keys())
	must(t, err)
	only := &hostile.Store{Store: f.Store, OnList: func(at store.Index, list [][]byte) [][]byte {
		if at == toTeam.Index() {
			return [][]byte{b}
		}
		return list
	}}
	if _, err := f.OpenOn("carol", only).WriteKey(ctx, "ssn"); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("carol seals under bob's key: %v", err)
	}
	// What was sealed to the group before Carol left is no use to her for what
	// follows, however often it is sent.
	_, err = f.Open("alice").RemoveFromGroup(ctx, "team", "carol@example.com")
	must(t, err)
	fresh := seal(t, f.Open("alice"), "ssn")
	if err := reads(t, f.OpenOn("carol", bad), fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("carol: %v", err)
	}
	must(t, reads(t, f.OpenOn("bob", bad), fresh))
}

// Attack 52: two officers, or two managers, change one group at once. The loser
// plans again from what the winner did, and nobody is left in.
func TestAttack52TwoChangeOneGroup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for what, second := range map[string]func(*workspace.Workspace) error{
		"take out another": func(w *workspace.Workspace) error {
			_, err := w.RemoveFromGroup(ctx, "team", "bob@example.com")
			return err
		},
		"take out the same": func(w *workspace.Workspace) error {
			_, err := w.RemoveFromGroup(ctx, "team", "carol@example.com")
			if errors.Is(err, workspace.ErrNotInGroup) {
				return nil
			}
			return errors.Join(errors.New("taken out twice"), err)
		},
		"let somebody in": func(w *workspace.Workspace) error { return w.AddToGroup(ctx, "team", "eve@example.com", officer.Read) },
		"rotate":          func(w *workspace.Workspace) error { return w.RotateGroup(ctx, "team") },
		"grant":           func(w *workspace.Workspace) error { return w.Grant(ctx, "phone", "team", officer.Read) },
		"the same name":   func(w *workspace.Workspace) error { return w.NewGroup(ctx, "board", nil) },
	} {
		for _, outside := range []bool{false, true} { // the first one is in the group, or closes it
			f, _ := team(t)
			must(t, f.Open("alice").NewField(ctx, "phone"))
			first, loser := f.Open("bob"), f.Open("alice")
			if outside {
				first = f.Open("dora")
			}
			_, err := first.RemoveFromGroup(ctx, "team", "carol@example.com")
			must(t, err)
			err = second(loser)
			// What is closed meanwhile stays so: the loser is told.
			if closed := outside && (what == "let somebody in" || what == "grant"); err != nil && (!closed || !errors.Is(err, officer.ErrClosed)) {
				t.Errorf("%s after %v: %v", what, outside, err)
			}
			_, err = f.Open("alice").CatchUp(ctx)
			must(t, err)
			fresh := seal(t, f.Open("alice"), "ssn")
			if err := reads(t, f.Open("carol"), fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
				t.Errorf("%s: carol is still in: %v", what, err)
			}
			if err := reads(t, f.Open("bob"), fresh); (err == nil) != (what != "take out another") {
				t.Errorf("%s: bob: %v", what, err)
			}
			if _, err := f.Open("dora").VerifyLog(ctx); err != nil {
				t.Error(err)
			}
		}
	}
}

// Attack 60: an officer who is in no group takes somebody out, and keeps all
// that the store ever held. By that they open nothing: what they were not
// granted is closed, and whoever manages and shares goes on without them.
func TestAttack60RemovalThroughGroups(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	ctx := t.Context()
	watch := &hostile.Store{Store: f.Store}
	r, err := f.OpenOn("dora", watch).RemoveFromGroup(ctx, "team", "carol@example.com")
	must(t, err)
	if len(r.ClosedGroups) != 1 || len(r.Closed) != 1 || len(watch.Put) != 0 {
		t.Errorf("%+v, and %d envelopes", r.Renewal, len(watch.Put))
	}
	_, err = f.Open("alice").CatchUp(ctx)
	must(t, err)
	fresh := seal(t, f.Open("alice"), "ssn")
	for who, want := range map[string]bool{"alice": true, "bob": true, "carol": false, "dora": false} {
		for _, token := range []string{token, fresh} {
			if err := reads(t, f.Open(who), token); (err == nil) != want {
				t.Errorf("%s: %v", who, err)
			}
		}
	}
	// With her own hands, and everything that is filed.
	dora := f.People["dora"].Me
	for _, p := range []string{"alice", "bob", "carol", "dora", "eve"} {
		for _, b := range append(listed(t, f.Store, indexOf(f.People[p])), listed(t, f.Store, plan.GroupRecipient(group(t, f).ID, nil).Index())...) {
			e, err := envelope.Parse(b)
			must(t, err)
			sender, _ := f.Open("alice").State().SigningKey(e.Claims().Sender)
			if k, err := e.Open(dora.FirstUserKey().Private, sender, e.Claims()); err == nil && k.Context().Kind != wire.KindDirectory {
				t.Errorf("dora opens a key of kind %d", k.Context().Kind)
			}
		}
	}
}

// Attack 61: who manages a group opens its next epoch over a wrong older seed.
// Nobody takes it for the older one; what does not need it still opens.
func TestAttack61WrongOlderGroupKey(t *testing.T) {
	t.Parallel()
	f, token := team(t)
	ctx := t.Context()
	bob := f.People["bob"].Me
	seed := keyOf(t, f, indexOf(f.People["bob"]), wire.KindGroup, bob.FirstUserKey().Private)
	a := plan.Author{State: f.Open("bob").State(), Device: bob.Keys(), Now: workspacetest.Clock()}
	p, next, err := a.RotateGroup(seed)
	must(t, err)
	wrong, err := datakey.Generate(seed.Context())
	must(t, err)
	p.Operations[0].(*officer.GroupRotated).Previous, err = next.SealPrevious(wrong)
	must(t, err)
	appendAs(t, f, "bob", p)

	must(t, reads(t, f.Open("carol"), token)) // who has an envelope of the seed before needs no history
	must(t, f.Open("alice").AddToGroup(ctx, "team", "eve@example.com", officer.Read))
	if err := reads(t, f.Open("eve"), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("eve, by the wrong history: %v", err)
	}
	// The field's next epoch is sealed to the group's present key, and leads back
	// by the field's own history.
	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	must(t, reads(t, f.Open("eve"), token))
}
