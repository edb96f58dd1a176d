package workspace_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

var errDown = errors.New("the store is down")

// watched is a store that keeps every envelope that was ever uploaded, as
// somebody does who means to use them; and whose next append meets what race
// and fault say.
type watched struct {
	store.Store
	filed []envelope.Info
	// epochs are those of groups by their public key, and seeds those in the log.
	epochs map[officer.Hash]uint64
	seeds  map[officer.Hash]bool
	race   func()    // somebody else is faster
	fault  raceFault // what becomes of the entry
}

type raceFault string

const (
	noFault raceFault = "none"
	dropped raceFault = "never arrives" // or the program dies before it
	unheard raceFault = "arrives, and the answer does not"
)

func (s *watched) PutEnvelope(ctx context.Context, to store.Index, b []byte) error {
	e, err := envelope.Parse(b)
	if err != nil {
		return err
	}
	s.filed = append(s.filed, e.Claims())
	return s.Store.PutEnvelope(ctx, to, b)
}

func (s *watched) Append(ctx context.Context, at uint64, entry []byte) error {
	race, fault := s.race, s.fault
	s.race, s.fault = nil, noFault
	if race != nil {
		race()
	}
	if fault == dropped {
		return errDown
	}
	err := s.Store.Append(ctx, at, entry)
	if fault == unheard {
		return errDown
	}
	return err
}

// reaches tells whether somebody has what a key was ever sealed to: their own
// user key, or a group's seed, of then or later, that reached them. Whether the
// log allows it is not asked.
func (s *watched) reaches(who officer.MemberID, key envelope.Info) bool {
	for _, i := range s.filed {
		if i.Context.Kind != key.Context.Kind || string(i.Context.Resource) != string(key.Context.Resource) || i.Commitment != key.Commitment {
			continue
		}
		switch i.Recipient.Kind {
		case envelope.ToMember:
			if string(i.Recipient.ID) == string(who[:]) {
				return true
			}
		case envelope.ToGroup:
			for _, seed := range s.filed {
				if seed.Context.Kind == wire.KindGroup && string(seed.Context.Resource) == string(i.Recipient.ID) &&
					s.seeds[seed.Commitment] && seed.Context.Epoch >= s.epochs[i.Recipient.Key] && s.reaches(who, seed) {
					return true
				}
			}
		case envelope.ToDevice:
		}
	}
	return false
}

// TestRaces lets two officers act at once on a store that loses entries and
// answers, with programs that die between the uploads and the entry. Whatever
// happened: the next try brings every command to its end, whoever is granted a
// field opens it, and nobody else has its present key by any envelope that was
// ever uploaded.
func TestRaces(t *testing.T) {
	t.Parallel()
	done := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		f := workspacetest.NewFirm(t, "alice")
		s := &watched{Store: f.Store, epochs: map[officer.Hash]uint64{}, seeds: map[officer.Hash]bool{}}
		f.Store = s
		f.Add("alice", "dora", officer.RoleOfficer)
		for _, who := range []string{"bob", "eve"} {
			f.Add("alice", who, officer.RoleMember)
		}
		alice := f.Open("alice")
		both := officer.Read | officer.Write | officer.Share
		for _, field := range []string{"phone", "ssn"} {
			must(t, alice.NewField(ctx, field))
			must(t, alice.Grant(ctx, field, "dora@example.com", both))
		}
		must(t, alice.NewGroup(ctx, "team", []string{"dora@example.com", "bob@example.com"}))
		must(t, alice.AddToGroup(ctx, "team", "dora@example.com", officer.Read|officer.Share))

		random := evenly(rt)
		one := func(list ...string) string { return list[random.IntN(len(list))] }
		// command is something that an officer has their program do.
		command := func(field, email string) (string, func(w *workspace.Workspace) error) {
			to := one(email, "team")
			switch what := one("grant", "grant", "revoke", "rotate", "join", "take", "remove"); what {
			case "grant":
				return what, func(w *workspace.Workspace) error { return w.Grant(ctx, field, to, officer.Read) }
			case "revoke":
				return what, func(w *workspace.Workspace) error { _, err := w.Revoke(ctx, field, to); return err }
			case "rotate":
				return what, func(w *workspace.Workspace) error { return w.Rotate(ctx, field) }
			case "join":
				return what, func(w *workspace.Workspace) error { return w.AddToGroup(ctx, "team", email, officer.Read) }
			case "take":
				return what, func(w *workspace.Workspace) error { _, err := w.RemoveFromGroup(ctx, "team", email); return err }
			default:
				if random.IntN(3) > 0 {
					return "rotate", func(w *workspace.Workspace) error { return w.Rotate(ctx, field) }
				}
				return what, func(w *workspace.Workspace) error {
					m, err := w.PresentByEmail(ctx, email)
					if err == nil {
						_, err = w.RemoveMember(ctx, m.ID, workspace.Consent{})
					}
					return err
				}
			}
		}
		for range 6 + random.IntN(8) {
			by, other := "alice", "dora"
			if random.IntN(2) == 0 {
				by, other = other, by
			}
			field, email := one("phone", "ssn"), one("bob", "eve")+"@example.com"
			what, do := command(field, email)
			w := f.Open(by)
			s.fault = []raceFault{noFault, noFault, dropped, unheard}[random.IntN(4)]
			against := "alone"
			if random.IntN(2) == 0 {
				name, theirs := command(field, email)
				against = name
				s.race = func() { _ = theirs(f.OpenOn(other, s)) }
			}
			fault := s.fault
			err := do(w)
			s.race, s.fault = nil, noFault
			if errors.Is(err, errDown) {
				err = do(f.Open(by)) // the program is started again
			}
			if errors.Is(err, errDown) || errors.Is(err, store.ErrConflict) || errors.Is(err, workspace.ErrLog) || errors.Is(err, workspace.ErrFork) {
				rt.Fatalf("%s by %s against %s, entry %s: %v", what, by, against, fault, err)
			}
			if err == nil {
				done[what]++
			}
			s.note(f.Open("alice").State())
		}
		// Whoever left something half done goes on with something else.
		for _, who := range []string{"alice", "dora"} {
			must(t, f.Open(who).Rotate(ctx, "phone"))
			_, err := f.Open(who).CatchUp(ctx)
			must(t, err)
		}
		state := f.Open("alice").State()
		s.note(state)
		for _, who := range []string{"bob", "eve"} {
			id := f.People[who].Me.Member()
			for _, r := range state.Resources() {
				e := r.Epoch()
				has := s.reaches(id, envelope.Info{Context: r.Context(state.Organization(), e.Number), Commitment: e.Commitment})
				if may := state.Rights(id, r) != 0; has && !may || may && !has && !e.Closed {
					rt.Fatalf("%s and %s: may read %v, has the present key %v", who, r.ID, may, has)
				}
			}
		}
	})
	t.Logf("done: %v", done)
	for _, what := range []string{"grant", "revoke", "rotate", "join", "take", "remove"} {
		if done[what] == 0 && !testing.Short() { // which has too few lives for that
			t.Error("nobody did:", what)
		}
	}
}

// A key is sealed to somebody and uploaded, and the entry that would allow it
// never gets into the log, because a colleague has removed them meanwhile, or
// the program died. No removal replaces such a key; who handed it out does.
func TestHandedOut(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	grant := func(to string) func(*workspace.Workspace) error {
		return func(w *workspace.Workspace) error { return w.Grant(ctx, "ssn", to, officer.Read) }
	}
	join := func(w *workspace.Workspace) error {
		return w.AddToGroup(ctx, "team", "eve@example.com", officer.Read)
	}
	take := func(w *workspace.Workspace) error {
		_, err := w.RemoveFromGroup(ctx, "team", "eve@example.com")
		return err
	}
	remove := func(w *workspace.Workspace) error {
		m, err := w.PresentByEmail(ctx, "eve@example.com")
		if err == nil {
			_, err = w.RemoveMember(ctx, m.ID, workspace.Consent{})
		}
		return err
	}
	for name, c := range map[string]struct {
		in               bool // eve is in the group
		hands, meanwhile func(*workspace.Workspace) error
		refused          bool
	}{
		"grant, the member is removed":     {hands: grant("eve@example.com"), meanwhile: remove, refused: true},
		"grant, the group lost a member":   {in: true, hands: grant("team"), meanwhile: take},
		"grant, a member of it is removed": {in: true, hands: grant("team"), meanwhile: remove},
		"let into a group, and removed":    {hands: join, meanwhile: remove, refused: true},
	} {
		for _, died := range []bool{false, true} {
			f := workspacetest.NewFirm(t, "alice")
			s := &watched{Store: f.Store, epochs: map[officer.Hash]uint64{}, seeds: map[officer.Hash]bool{}}
			f.Store = s
			f.Add("alice", "dora", officer.RoleOfficer)
			eve := f.Add("alice", "eve", officer.RoleMember).Me.Member()
			alice := f.Open("alice")
			must(t, alice.NewField(ctx, "phone"))
			must(t, alice.NewField(ctx, "ssn"))
			must(t, alice.NewGroup(ctx, "team", []string{"dora@example.com"}))
			must(t, alice.AddToGroup(ctx, "team", "dora@example.com", officer.Read|officer.Share))
			must(t, alice.Grant(ctx, "phone", "team", officer.Read))
			if c.in {
				must(t, join(alice))
			}
			holds := func(label string) bool {
				state := f.Open("alice").State()
				s.note(state)
				for _, x := range f.Open("alice").Fields(ctx) {
					if r := state.Resource(x.ID); x.LabelText == label {
						return s.reaches(eve, envelope.Info{Context: r.Context(state.Organization(), r.Epoch().Number), Commitment: r.Epoch().Commitment})
					}
				}
				t.Fatal(label)
				return false
			}
			lost := "ssn"
			if name == "let into a group, and removed" {
				lost = "phone"
			}
			if died {
				s.fault = dropped
				if err := c.hands(f.Open("alice")); !errors.Is(err, errDown) {
					t.Fatalf("%s: %v", name, err)
				}
				must(t, c.meanwhile(f.Open("dora")))
				if !holds(lost) {
					t.Fatalf("%s: there is nothing to take back", name)
				}
				must(t, f.Open("alice").NewField(ctx, "something else"))
			} else {
				s.race = func() { must(t, c.meanwhile(f.OpenOn("dora", s))) }
				if err := c.hands(f.Open("alice")); (err != nil) != c.refused {
					t.Errorf("%s: %v", name, err)
				}
			}
			if holds("ssn") || holds("phone") {
				t.Errorf("%s, died: %v: eve has a key of today", name, died)
			}
		}
	}
}

// note takes down what the log says of groups, which is public.
func (s *watched) note(state *officer.State) {
	for _, g := range state.Groups() {
		for _, e := range g.Epochs {
			s.epochs[envelope.PublicKeyHash(e.Public)], s.seeds[e.Commitment] = e.Number, true
		}
	}
}
