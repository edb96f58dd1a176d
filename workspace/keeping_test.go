package workspace_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// keeping is a firm in which nobody is spared: whoever is an officer may go, step
// down or lose a computer, and whoever shares may give it up.
type keeping struct {
	t       *rapid.T
	random  *rand.Rand
	f       *workspacetest.Firm
	fields  map[string]officer.ResourceID
	tokens  map[string][]string          // by field
	lost    map[string]bool              // whose computer was removed, and who is not back yet
	spare   map[string]*keyring.Unlocked // on which they come back
	gone    map[string]bool              // who was removed
	devices []*keyring.Unlocked          // that there ever were
	done    map[string]int
	trace   []string
}

var (
	keepPeople = []string{"alice", "dora", "bob", "carol", "gina"}
	keepFields = []string{"will", "ssn"}
)

func (k *keeping) pick(list ...string) string { return list[k.random.IntN(len(list))] }

// open is nil for who is not there, or has no computer at hand.
func (k *keeping) open(who string) *workspace.Workspace {
	if k.lost[who] || k.gone[who] {
		return nil
	}
	return k.f.Open(who)
}

// back lets somebody go on with their spare computer.
func (k *keeping) back(t *testing.T, who string) {
	k.f.People[who] = &workspacetest.Person{Name: who, Me: k.spare[who], Home: &workspacetest.Local{}}
	_, err := workspace.Join(t.Context(), k.f.People[who].Config(k.f.Store), k.f.ID)
	must(t, err)
	must(t, k.f.Open(who).RenewUserKey(t.Context()))
	delete(k.lost, who)
	delete(k.spare, who)
}

// step lets somebody do something, which they may not be allowed to.
func (k *keeping) step(t *testing.T) {
	ctx := t.Context()
	by, other := k.pick(keepPeople...), k.pick(keepPeople...)
	field := k.fields[k.pick(keepFields...)]
	to := k.pick("team", emailOf(other))
	w := k.open(by)
	if w == nil {
		if k.lost[by] && !k.gone[by] && k.random.IntN(2) == 0 {
			k.back(t, by)
			k.trace = append(k.trace, "back "+by)
		}
		return
	}
	what := k.pick("grant", "grant", "revoke", "revoke", "rotate", "add", "out", "turn", "lose", "lose", "lose", "remove", "remove", "role", "seal", "seal", "seal", "catch up")
	var err error
	arg := ""
	switch what {
	case "grant":
		rights := []officer.Rights{officer.Read, rw, rws}[k.random.IntN(3)]
		arg = fmt.Sprint(to, " ", rights, " ", field)
		err = w.GrantOf(ctx, field, to, rights)
	case "revoke":
		arg = fmt.Sprint(to, " ", field)
		_, err = w.RevokeOf(ctx, field, to)
	case "rotate":
		arg = fmt.Sprint(field)
		err = w.RotateOf(ctx, field)
	case "add":
		arg = other
		err = w.AddToGroup(ctx, "team", emailOf(other), []officer.Rights{0, belongs, manages}[k.random.IntN(3)])
	case "out":
		arg = other
		_, err = w.RemoveFromGroup(ctx, "team", emailOf(other))
	case "turn":
		err = w.RotateGroup(ctx, "team")
	case "lose":
		arg = other
		if other == by || k.open(other) == nil || k.spare[other] != nil || w.Me().Role != officer.RoleOfficer {
			return
		}
		k.spare[other] = secondComputer(t, k.f, other)
		k.devices = append(k.devices, k.spare[other])
		must(t, w.Sync(ctx))
		if _, err = w.RemoveDevice(ctx, k.f.People[other].Me.Keys().ID()); err == nil {
			k.lost[other] = true
		} else {
			delete(k.spare, other)
		}
	case "remove":
		arg = other
		if k.random.IntN(3) > 0 || k.gone[other] {
			return
		}
		if _, err = w.RemoveMember(ctx, id(k.f, other), workspace.Consent{}); err == nil {
			k.gone[other] = true
		}
	case "role":
		role := []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest}[k.random.IntN(3)]
		arg = fmt.Sprint(other, " ", role)
		err = w.ChangeRole(ctx, id(k.f, other), role, time.Time{}, workspace.Consent{})
	case "seal":
		var key *fieldcrypt.Key
		if key, err = w.WriteKeyOf(ctx, field); err == nil {
			for l, id := range k.fields {
				if id == field {
					token, err := key.Seal(name(t, "r1"), fieldcrypt.TextValue(fmt.Sprint(len(k.tokens[l]))))
					must(t, err)
					k.tokens[l] = append(k.tokens[l], token)
				}
			}
		}
	case "catch up":
		_, err = w.CatchUp(ctx)
	}
	k.trace = append(k.trace, fmt.Sprintf("%s: %s %s: %v", by, what, arg, err))
	var guest *workspace.GuestError
	switch {
	case err == nil:
		k.done[what]++
	case errors.As(err, &guest):
	case isOneOf(err, []error{
		workspace.ErrNotGranted, workspace.ErrNoSuch, workspace.ErrNotInGroup, workspace.ErrSelf, workspace.ErrKeyMissing,
		workspace.ErrLoss, workspace.ErrSameRole, workspace.ErrKeyClosed, workspace.ErrOfficers, workspace.ErrMemberRemoved,
		officer.ErrAuthority, officer.ErrRights, officer.ErrClosed, officer.ErrLast, officer.ErrEnded,
	}):
	default:
		k.t.Fatalf("%s by %s: %v", what, by, err)
	}
}

// check: what the log says of who opens is so, and every value is opened by
// somebody who is there and no guest.
func (k *keeping) check(t *testing.T) {
	kept := map[string]map[int]bool{}
	for _, who := range keepPeople {
		w := k.open(who)
		if w == nil {
			continue
		}
		s := w.State()
		for l, field := range k.fields {
			r := s.Resource(field)
			if kept[l] == nil {
				kept[l] = map[int]bool{}
			}
			all := true
			for i, token := range k.tokens[l] {
				_, err := opens(t, w, token)
				all = all && err == nil
				if err == nil && w.Me().Role != officer.RoleGuest {
					kept[l][i] = true
				}
			}
			if s.Opens(id(k.f, who), r) && !all {
				k.t.Fatalf("%s opens %s by the log, and not all of it\n%v", who, l, k.trace)
			}
		}
	}
	for l, tokens := range k.tokens {
		for i := range tokens {
			if !kept[l][i] {
				k.t.Fatalf("value %d of %s is lost\n%v", i, l, k.trace)
			}
		}
		s := k.f.Open(k.someone()).State()
		if _, goesOn := s.Kept(s.Resource(k.fields[l])); !goesOn {
			k.t.Fatalf("nobody can go on with %s\n%v", l, k.trace)
		}
	}
}

// someone is there.
func (k *keeping) someone() string {
	for _, who := range keepPeople {
		if k.open(who) != nil {
			return who
		}
	}
	return ""
}

// TestNothingIsLost lets people do at random what they may, and nobody consents
// to a loss. Every value stays with somebody who is there and no guest, who can go
// on with its field or be given that; whom the log takes for somebody who opens a
// field opens all of it; and no device that there ever was, with every envelope
// that was ever filed and a program that believes no log, has a key that its
// member, or a group of theirs, was never granted while it was theirs.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	done := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		k := &keeping{
			t: rt, random: evenly(rt), f: workspacetest.NewFirm(t, "alice"), tokens: map[string][]string{}, lost: map[string]bool{},
			spare: map[string]*keyring.Unlocked{}, gone: map[string]bool{}, done: done, fields: map[string]officer.ResourceID{},
		}
		k.f.Add("alice", "dora", officer.RoleOfficer)
		k.f.Add("alice", "bob", officer.RoleMember)
		k.f.Add("alice", "carol", officer.RoleMember)
		k.f.Add("alice", "gina", officer.RoleGuest)
		for i, by := range []string{"alice", "dora"} {
			w := k.f.Open(by)
			must(t, w.NewField(ctx, keepFields[i]))
			f, err := w.Field(ctx, keepFields[i])
			must(t, err)
			k.fields[keepFields[i]] = f.ID
			must(t, w.GrantOf(ctx, f.ID, "bob@example.com", rws))
		}
		must(t, k.f.Open("dora").NewGroup(ctx, "team", []string{"bob@example.com", "gina@example.com"}))
		must(t, k.f.Open("dora").GrantOf(ctx, k.fields["ssn"], "team", rw))
		for _, who := range keepPeople {
			k.devices = append(k.devices, k.f.People[who].Me)
		}
		for range 8 + k.random.IntN(16) {
			k.step(t)
		}
		for _, who := range keepPeople {
			if k.lost[who] && !k.gone[who] {
				k.back(t, who)
			}
		}
		k.check(t)
		for range 2 {
			for _, who := range keepPeople {
				if w := k.open(who); w != nil {
					_, err := w.CatchUp(ctx)
					must(t, err)
				}
			}
		}
		k.check(t)
		if bad := thief(t, k.f, k.devices); bad != "" {
			rt.Fatalf("%s\n%v", bad, k.trace)
		}
	})
	t.Logf("done: %v", done)
	for _, what := range []string{"grant", "revoke", "rotate", "add", "out", "turn", "lose", "remove", "role", "seal", "catch up"} {
		if done[what] == 0 && !testing.Short() { // which has too few lives for that
			t.Errorf("nobody did: %s", what)
		}
	}
}
