package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// life is a firm in which random people make random plans. reached says who
// was ever allowed a key, by its commitment: to have rights once gives the key
// of then and, by the history, all before it, and nothing that comes later.
type life struct {
	*world
	t       *rapid.T
	people  []*person
	groups  []officer.GroupID
	reached map[officer.Hash]map[officer.MemberID]bool
	done    map[string]int
}

func (l *life) note() {
	allow := func(epochs []officer.Epoch, m officer.MemberID) {
		for _, e := range epochs {
			if l.reached[e.Commitment] == nil {
				l.reached[e.Commitment] = map[officer.MemberID]bool{}
			}
			l.reached[e.Commitment][m] = true
		}
	}
	for _, p := range l.people {
		for _, r := range l.state.Resources() {
			if l.state.Rights(p.id(), r) != 0 {
				allow(r.Epochs, p.id())
			}
		}
		for _, g := range l.state.Groups() {
			if g.Has(p.id()) {
				allow(g.Epochs, p.id())
			}
		}
	}
}

func pick[T any](t *rapid.T, what string, list []T) T {
	return list[rapid.IntRange(0, len(list)-1).Draw(t, what)]
}

// step makes a plan, which may turn out to be nobody's to make.
func (l *life) step() {
	by, other := pick(l.t, "by", l.people), pick(l.t, "other", l.people)
	a, held := l.author(by), l.heldBy(by)
	r := pick(l.t, "resource", l.state.Resources())
	g := pick(l.t, "group", l.groups)
	to := officer.MemberPrincipal(other.id())
	if rapid.Bool().Draw(l.t, "to a group") {
		to = officer.GroupPrincipal(g)
	}
	key, noKey := held.Resource(r)
	seed, noSeed := held.Group(l.state.Group(g))
	rights := pick(l.t, "rights", []officer.Rights{1, 3, 5, 7})
	what := pick(l.t, "what", []string{"grant", "grant", "grant", "revoke", "rotate", "rotate", "join", "join", "take", "take", "rotate group", "remove", "reseal"})
	var p *plan.Plan
	var err error
	switch what {
	case "grant", "revoke", "rotate", "reseal":
		if err = noKey; err != nil {
			break
		}
		switch what {
		case "grant":
			p, err = a.Grant(key, to, rights)
		case "revoke":
			p, _, err = a.Revoke(key, to)
		case "rotate":
			p, _, err = a.Rotate(key)
		default:
			p, err = a.Reseal(key, to)
		}
	case "join":
		if err = noSeed; err == nil {
			p, err = a.AddToGroup(seed, other.id(), pick(l.t, "place", []officer.Rights{1, 1, 5}))
		}
	case "take":
		p, err = a.RemoveFromGroup(g, other.id(), held)
	case "rotate group":
		if err = noSeed; err == nil {
			p, _, err = a.RotateGroup(seed)
		}
	case "remove":
		if len(l.people) > 3 && rapid.IntRange(0, 3).Draw(l.t, "really") == 0 {
			p, err = a.RemoveMember(other.id(), held)
		}
	}
	if err != nil || p == nil || len(p.Operations) == 0 {
		return
	}
	if err := l.try(by, p); err == nil {
		l.done[what]++
	} else if errors.Is(err, officer.ErrIncomplete) {
		l.t.Fatalf("%s by %s: a plan that lacks what it owes: %v", what, by.id(), err)
	}
	l.note()
}

// TestLife lets people grant, revoke, join, leave and be removed at random.
// Whatever they kept, and whether they obey the log or not, they open no key
// that was made after they lost the right to it.
func TestLife(t *testing.T) {
	t.Parallel()
	done := map[string]int{}
	alice, dora := newPerson(t, "alice"), newPerson(t, "dora")
	others := []*person{newPerson(t, "bob"), newPerson(t, "carol"), newPerson(t, "eve")}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, alice)
		l := &life{world: w, t: rt, people: append([]*person{alice, dora}, others...), reached: map[officer.Hash]map[officer.MemberID]bool{}, done: done}
		pl, err := w.author(alice).AddMember(dora.u.Card(), officer.RoleOfficer, time.Time{}, w.keys["directory"])
		w.do(alice, pl, err)
		for _, p := range others {
			pl, err := w.author(alice).AddMember(p.u.Card(), officer.RoleMember, time.Time{}, w.keys["directory"])
			w.do(alice, pl, err)
		}
		w.create(alice, "phone", wire.KindField)
		w.create(others[0], "case", wire.KindFolder)
		l.groups = append(l.groups,
			w.group(t, alice, "team", map[*person]officer.Rights{alice: 5, others[0]: 5, others[1]: 1}),
			w.group(t, dora, "board", map[*person]officer.Rights{dora: 5, alice: 1, others[2]: 1}))
		l.note()
		for range 15 {
			l.step()
		}
		for _, p := range l.people {
			for c := range w.reader(p, false).keys {
				if !l.reached[c][p.id()] {
					rt.Fatalf("somebody opens a key that was never theirs: %s", l.keyName(c))
				}
			}
			for c := range w.reader(p, true).keys {
				if !l.reached[c][p.id()] {
					rt.Fatalf("somebody is let open a key that was never theirs: %s", l.keyName(c))
				}
			}
		}
		again, err := officer.Replay(w.state.Organization(), w.entries)
		if err != nil || !slices.Equal(again.EncodeCache(), w.state.EncodeCache()) {
			rt.Fatalf("replay: %v", err)
		}
	})
	t.Logf("done %v", done)
	for _, what := range []string{"grant", "rotate", "join", "take"} {
		if done[what] == 0 && !testing.Short() { // which has too few lives for that
			t.Errorf("nobody did: %s", what)
		}
	}
}

func (l *life) keyName(c officer.Hash) string {
	for _, r := range l.state.Resources() {
		for _, e := range r.Epochs {
			if e.Commitment == c {
				return fmt.Sprintf("resource %s, epoch %d", r.ID, e.Number)
			}
		}
	}
	for _, g := range l.state.Groups() {
		for _, e := range g.Epochs {
			if e.Commitment == c {
				return fmt.Sprintf("group %s, epoch %d", g.ID, e.Number)
			}
		}
	}
	return c.String()
}
