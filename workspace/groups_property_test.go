package workspace_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// oracle says by names alone who may open what: it knows nothing of keys,
// epochs, envelopes or the log.
type oracle struct {
	grants map[string]map[string]bool // by field, of members and groups
	in     map[string]map[string]bool // by group
}

func (o *oracle) reads(who, field string) bool {
	for to := range o.grants[field] {
		if to == who || o.in[to][who] {
			return true
		}
	}
	return false
}

// year is a firm in which things happen at random.
type year struct {
	t      *rapid.T
	random *rand.Rand // evenly, which rapid's own numbers are not
	f      *workspacetest.Firm
	oracle oracle
	tokens map[string][]string          // by field
	lost   map[string]bool              // whose device was removed, and who has not used another yet
	spare  map[string]*keyring.Unlocked // a second computer of theirs
	done   map[string]int
}

var (
	yearPeople = []string{"alice", "dora", "bob", "carol", "eve"}
	yearFields = []string{"phone", "ssn"}
	yearGroups = []string{"team", "board"}
)

// evenly makes a source of random numbers from rapid's, most of which are small.
func evenly(t *rapid.T) *rand.Rand {
	var seed [32]byte
	copy(seed[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
	return rand.New(rand.NewChaCha8(seed))
}

func draw[T any](y *year, list ...T) T { return list[y.random.IntN(len(list))] }

func emailOf(who string) string { return who + "@example.com" }

// secondComputer gives somebody one more device.
func secondComputer(t *testing.T, f *workspacetest.Firm, who string) *keyring.Unlocked {
	t.Helper()
	me := f.People[who].Me
	id, s, err := keyring.NewInstallation(me.Card(), me.FirstUserKey(), "spare")
	must(t, err)
	spare, err := id.Unlock(s)
	must(t, err)
	must(t, f.Open(who).AddDevice(t.Context(), spare.Keys(), spare.DeviceLabel()))
	return spare
}

// step lets somebody do something, which they may not be allowed to.
func (y *year) step(t *testing.T) {
	ctx := t.Context()
	by, other := draw(y, append(yearPeople, "alice", "alice", "alice", "dora")...), draw(y, yearPeople...)
	field, group := draw(y, yearFields...), draw(y, yearGroups...)
	if y.lost[by] {
		return
	}
	to, email := other, emailOf(other)
	if draw(y, true, false) {
		to, email = group, group
	}
	w := y.f.Open(by)
	what := draw(y, "grant", "grant", "revoke", "revoke", "rotate", "add", "add", "remove", "remove", "rotate group", "lose")
	var err error
	switch what {
	case "grant":
		rights := draw(y, officer.Read, officer.Read|officer.Write, officer.Read|officer.Write|officer.Share)
		if to == "alice" { // so that somebody can always go on
			return
		}
		if err = w.Grant(ctx, field, email, rights); err == nil {
			y.oracle.grants[field][to] = true
		}
	case "revoke":
		from := draw(y, slices.Sorted(maps.Keys(y.oracle.grants[field]))...)
		if from == "alice" {
			return
		}
		if !slices.Contains(yearGroups, from) {
			email = emailOf(from)
		} else {
			email = from
		}
		if _, err = w.Revoke(ctx, field, email); err == nil {
			delete(y.oracle.grants[field], from)
		}
	case "rotate":
		err = w.Rotate(ctx, field)
	case "add":
		if other == "alice" {
			return
		}
		rights := draw(y, 0, belongs, manages)
		if err = w.AddToGroup(ctx, group, emailOf(other), rights); err == nil {
			y.oracle.in[group][other] = true
		}
	case "remove":
		other = draw(y, slices.Sorted(maps.Keys(y.oracle.in[group]))...)
		if other == "alice" {
			return
		}
		if _, err = w.RemoveFromGroup(ctx, group, emailOf(other)); err == nil {
			delete(y.oracle.in[group], other)
		}
	case "rotate group":
		err = w.RotateGroup(ctx, group)
	case "lose":
		if other == "alice" || other == by || y.lost[other] || y.spare[other] != nil {
			return
		}
		y.spare[other] = secondComputer(t, y.f, other)
		must(t, w.Sync(ctx))
		if _, err = w.RemoveDevice(ctx, y.f.People[other].Me.Keys().ID()); err == nil {
			y.lost[other] = true
		} else {
			delete(y.spare, other) // it stays, and is not used
		}
	}
	switch {
	case err == nil:
		y.done[what]++
	case isOneOf(err, []error{
		workspace.ErrNotGranted, workspace.ErrNoSuch, workspace.ErrNotInGroup, workspace.ErrSelf, workspace.ErrKeyMissing,
		officer.ErrAuthority, officer.ErrRights, officer.ErrClosed, officer.ErrLast,
	}):
	default:
		y.t.Fatalf("%s by %s: %v", what, by, err)
	}
}

// sealNow has somebody who may write seal a value, in fields that are open.
func (y *year) sealNow(t *testing.T) {
	for _, field := range yearFields {
		k, err := y.f.Open("alice").WriteKey(t.Context(), field)
		if errors.Is(err, officer.ErrClosed) {
			continue
		}
		must(t, err)
		token, err := k.Seal(name(t, "r1"), fieldcrypt.TextValue(fmt.Sprint(len(y.tokens[field]))))
		must(t, err)
		y.tokens[field] = append(y.tokens[field], token)
	}
}

// check compares who opens what with the oracle. Before removals were followed
// up, those who may read can have missed a key; nobody has one too many.
func (y *year) check(t *testing.T, all bool, people ...string) {
	for _, who := range people {
		if y.lost[who] {
			continue
		}
		w := y.f.Open(who)
		for field, tokens := range y.tokens {
			for i, token := range tokens {
				_, err := opens(t, w, token)
				if may := y.oracle.reads(who, field); err == nil && !may || all && err != nil && may {
					y.t.Fatalf("%s, value %d of %s: may open it: %v, does: %v (%v)", who, i, field, may, err == nil, err)
				}
			}
		}
	}
}

// TestYear lets people grant, revoke, join, leave and lose devices at random,
// through their own fields' grants and through groups. When those who lost a
// device have used another, and colleagues have gone on with what removals left
// them, everybody opens exactly what they are granted, from its first value on.
func TestYear(t *testing.T) {
	t.Parallel()
	done := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		y := &year{
			t: rt, random: evenly(rt), f: workspacetest.NewFirm(t, "alice"), tokens: map[string][]string{}, lost: map[string]bool{},
			spare: map[string]*keyring.Unlocked{}, done: done,
			oracle: oracle{grants: map[string]map[string]bool{}, in: map[string]map[string]bool{}},
		}
		for _, who := range yearPeople[1:] {
			role := officer.RoleMember
			if who == "dora" {
				role = officer.RoleOfficer
			}
			y.f.Add("alice", who, role)
		}
		w := y.f.Open("alice")
		for _, field := range yearFields {
			must(t, w.NewField(ctx, field))
			y.oracle.grants[field] = map[string]bool{"alice": true}
		}
		for i, group := range yearGroups {
			other := yearPeople[2+i]
			must(t, w.NewGroup(ctx, group, []string{emailOf(other)}))
			y.oracle.in[group] = map[string]bool{"alice": true, other: true}
		}
		y.sealNow(t)
		for range 4 + y.random.IntN(13) {
			y.step(t)
			if draw(y, true, false, false, false) {
				y.sealNow(t)
				y.check(t, false, draw(y, yearPeople...))
			}
		}
		for _, who := range yearPeople {
			if y.lost[who] {
				y.f.People[who] = &workspacetest.Person{Name: who, Me: y.spare[who], Home: &workspacetest.Local{}}
				_, err := workspace.Join(ctx, y.f.People[who].Config(y.f.Store), y.f.ID)
				must(t, err)
				must(t, y.f.Open(who).RenewUserKey(ctx))
				delete(y.lost, who)
			}
		}
		_, err := y.f.Open("alice").CatchUp(ctx)
		must(t, err)
		y.sealNow(t)
		y.check(t, true, yearPeople...)
		if p := y.f.Open("alice").Pending(ctx); len(p.Closed)+len(p.Missed) != 0 {
			rt.Fatalf("still pending: %+v", p)
		}
	})
	t.Logf("done: %v", done)
	for _, what := range []string{"grant", "revoke", "rotate", "add", "remove", "rotate group", "lose"} {
		if done[what] == 0 && !testing.Short() { // which has too few lives for that
			t.Errorf("nobody did: %s", what)
		}
	}
}
