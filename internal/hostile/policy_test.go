package hostile_test

import (
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// injected makes a store put an entry of an attacker's behind, or in the place
// of, an entry of the log.
func injected(t *testing.T, f *workspacetest.Firm, at uint64, replace bool, op officer.Operation, author officer.DeviceID, sign func(string, []byte) []byte) *hostile.Store {
	t.Helper()
	log, err := f.Store.Read(t.Context(), 0, 1000)
	must(t, err)
	entry, err := officer.Entry{
		Organization: f.ID, Sequence: at, Previous: officer.EntryHash(log[at-1]), Time: workspacetest.Clock(), Author: author, Operations: []officer.Operation{op},
	}.Sign(sign)
	must(t, err)
	forged := append(append([][]byte{}, log[:at]...), entry)
	if rest := log[min(at, uint64(len(log))):]; replace && len(rest) > 0 {
		forged = append(forged, rest[1:]...)
	}
	return &hostile.Store{Store: f.Store, OnRead: func(from uint64, _ [][]byte) [][]byte {
		if from >= uint64(len(forged)) {
			return nil
		}
		return forged[from:]
	}}
}

// refusedEverywhere opens a firm on a bad store as a device that was up to
// date, as one without a cache, and as one that joins.
func refusedEverywhere(t *testing.T, f *workspacetest.Firm, what string, bad *hostile.Store) {
	t.Helper()
	truth := f.Open("alice").State().Head()
	for _, who := range []string{"alice", "bob"} {
		kept := f.People[who].Home.Clone()
		// Of what the cache holds only the last entry is read again.
		if w, err := f.TryOpen(who, bad); err == nil && w.State().Head() != truth {
			t.Errorf("%s: %s opens it, with %d entries", what, who, w.State().Head().Length)
		}
		delete(f.People[who].Home.Files, "organization.cache")
		if _, err := f.TryOpen(who, bad); err == nil {
			t.Errorf("%s: %s opens it without a cache", what, who)
		}
		f.People[who].Home.Files = kept.Files
		f.Open(who) // nothing was lost
	}
	p := workspacetest.NewPerson(t, "zoe")
	if _, err := workspace.Join(t.Context(), p.Config(bad), f.ID); !errors.Is(err, workspace.ErrLog) {
		t.Errorf("%s: joined: %v", what, err)
	}
	if len(bad.Put)+len(bad.Appended) != 0 {
		t.Errorf("%s: something was written", what)
	}
}

// forgers are who could sign an entry of the store's: a stranger, a member, and
// nobody, in an officer's name.
func forgers(t *testing.T, f *workspacetest.Firm) map[string]struct {
	author officer.DeviceID
	sign   func(string, []byte) []byte
} {
	t.Helper()
	mallory, bob, alice := workspacetest.NewPerson(t, "mallory").Me.Keys(), f.People["bob"].Me.Keys(), f.People["alice"].Me.Keys()
	return map[string]struct {
		author officer.DeviceID
		sign   func(string, []byte) []byte
	}{
		"a stranger":               {mallory.ID(), mallory.Sign},
		"a member":                 {bob.ID(), bob.Sign},
		"a member as an officer":   {alice.ID(), bob.Sign},
		"a stranger as an officer": {alice.ID(), mallory.Sign},
		"nobody as an officer":     {alice.ID(), func(string, []byte) []byte { return make([]byte, 64) }},
	}
}

// Attack 2: the store flips the policy, as a device opens or joins. A policy
// comes from an officer's signature in the log and from nowhere else.
func TestAttack2FlippedPolicy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	strict := officer.DefaultPolicy()
	strict.Officers, strict.Recovery = 2, 2
	must(t, f.Open("alice").SetPolicy(ctx, officer.DefaultPolicy(), strict)) // without the attack
	must(t, f.Open("alice").NewField(ctx, "after"))
	f.Open("bob")
	head := f.Open("alice").State().Head().Length
	lax := officer.DefaultPolicy()
	lax.Fields, lax.Groups, lax.Guests, lax.Names = officer.RoleMember, officer.RoleMember, officer.RoleMember, 1
	one := strict // what one officer could set, if it was one
	one.Fields = officer.RoleMember
	for who, by := range forgers(t, f) {
		refusedEverywhere(t, f, "put behind by "+who+", as one officer may", injected(t, f, head, false, &one, by.author, by.sign))
		refusedEverywhere(t, f, "put behind by "+who, injected(t, f, head, false, &lax, by.author, by.sign))
		refusedEverywhere(t, f, "put into its place by "+who, injected(t, f, head-3, true, &lax, by.author, by.sign))
	}
	// Lowered by an officer alone, though it takes two.
	alice := f.People["alice"].Me.Keys()
	refusedEverywhere(t, f, "lowered by one officer", injected(t, f, head, false, ptr(officer.DefaultPolicy()), alice.ID(), alice.Sign))
	// An older policy, by an older log.
	stale := &hostile.Store{Store: f.Store, OnRead: func(from uint64, entries [][]byte) [][]byte {
		if from >= head-2 {
			return nil
		}
		return entries[:min(uint64(len(entries)), head-2-from)]
	}}
	for _, who := range []string{"alice", "bob"} {
		if _, err := f.TryOpen(who, stale); !errors.Is(err, workspace.ErrRollback) {
			t.Errorf("%s opens the log before the policy: %v", who, err)
		}
		if !f.Open(who).Policy().Same(strict) {
			t.Errorf("%s has another policy", who)
		}
	}
	if err := f.Open("bob").NewField(ctx, "bob's"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("bob makes a field: %v", err)
	}
}

// Attack 4: the store adds an officer to what it answers: by an entry, or by a
// role, or in the place of another. Officers come from the log alone, and
// whoever asks for them gets those.
func TestAttack4InjectedOfficer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	f.Add("alice", "erin", officer.RoleMember)
	must(t, f.Open("alice").ChangeRole(ctx, id(f, "erin"), officer.RoleOfficer, time.Time{}, workspace.Consent{})) // without the attack
	f.Open("bob")
	head := f.Open("alice").State().Head().Length
	mallory := workspacetest.NewPerson(t, "mallory")
	for what, op := range map[string]officer.Operation{
		"a stranger": &officer.MemberAdded{Card: mallory.Me.Card().Card.Bytes(), Role: officer.RoleOfficer},
		"a member":   &officer.RoleChanged{Member: id(f, "bob"), Role: officer.RoleOfficer},
	} {
		for who, by := range forgers(t, f) {
			refusedEverywhere(t, f, what+", behind, by "+who, injected(t, f, head, false, op, by.author, by.sign))
			refusedEverywhere(t, f, what+", in the place of erin, by "+who, injected(t, f, head-1, true, op, by.author, by.sign))
		}
	}
	w := f.Open("bob")
	got := map[officer.MemberID]bool{}
	for _, m := range w.Members(ctx) {
		if m.Role == officer.RoleOfficer {
			got[m.ID] = true
		}
	}
	if len(got) != 3 || !got[id(f, "alice")] || !got[id(f, "dora")] || !got[id(f, "erin")] {
		t.Errorf("bob sees %d officers", len(got))
	}
}

// Attack 11 again, after a removal: a log that ends before it is refused by who
// has seen it. Who has not can be kept in the dark; what they seal shows the
// epoch, and no key that was made after the removal reaches who is gone.
func TestAttack11HiddenRemoval(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := practice(t)
	before := f.Open("carol").State().Head()
	stale := &hostile.Store{Store: f.Store, OnRead: func(from uint64, entries [][]byte) [][]byte {
		if from >= before.Length {
			return nil
		}
		return entries[:min(uint64(len(entries)), before.Length-from)]
	}}
	must(t, reads(t, f.Open("carol"), seal(t, f.Open("carol"), "case"))) // without the attack
	_, err := f.Open("alice").RemoveMember(ctx, id(f, "bob"), workspace.Consent{})
	must(t, err)
	fresh := seal(t, f.Open("alice"), "case")
	for _, who := range []string{"alice"} {
		if _, err := f.TryOpen(who, stale); !errors.Is(err, workspace.ErrRollback) {
			t.Errorf("%s: %v", who, err)
		}
		delete(f.People[who].Home.Files, "organization.cache")
		if _, err := f.TryOpen(who, stale); !errors.Is(err, workspace.ErrRollback) {
			t.Errorf("%s, without a cache: %v", who, err)
		}
	}
	carol, err := f.TryOpen("carol", stale)
	must(t, err)
	if carol.Freshness().Head != before {
		t.Error("carol saw the removal")
	}
	old, err := fieldcrypt.Parse([]byte(seal(t, carol, "case")))
	must(t, err)
	now, err := fieldcrypt.Parse([]byte(fresh))
	must(t, err)
	if old.KeyID == now.KeyID {
		t.Error("the token does not show its epoch")
	}
	if err := reads(t, carol, fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("carol: %v", err)
	}
	carol = f.Open("carol") // the truth reaches her
	must(t, reads(t, carol, fresh))
	if _, err := f.TryOpen("carol", stale); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("carol, who knows: %v", err)
	}
}

// Attack 52 again: two officers remove each other, remove the same person, or
// one removes whom the other grants, promotes or lets into a group. One of the
// two is first; the other plans again, or is told why it cannot.
func TestAttack52RemovalsAtOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	none := workspace.Consent{}
	remove := func(who string) func(*workspacetest.Firm, *workspace.Workspace) error {
		return func(f *workspacetest.Firm, w *workspace.Workspace) error {
			_, err := w.RemoveMember(ctx, id(f, who), workspace.Consent{Loss: true})
			return err
		}
	}
	for what, c := range map[string]struct {
		dora  func(*workspacetest.Firm, *workspace.Workspace) error // who is second
		alice func(*workspacetest.Firm, *workspace.Workspace) error
		want  error // of dora
	}{
		"each other":         {remove("alice"), remove("dora"), workspace.ErrRemoved},
		"the same person":    {remove("bob"), remove("bob"), workspace.ErrMemberRemoved},
		"two people":         {remove("bob"), remove("carol"), nil},
		"a removal, a field": {remove("bob"), func(_ *workspacetest.Firm, w *workspace.Workspace) error { return w.NewField(ctx, "new") }, nil},
		"a grant, a removal": {func(_ *workspacetest.Firm, w *workspace.Workspace) error {
			return w.Grant(ctx, "will", email("bob"), readWrite)
		}, remove("bob"), workspace.ErrMemberRemoved},
		"a role, a removal": {func(f *workspacetest.Firm, w *workspace.Workspace) error {
			return w.ChangeRole(ctx, id(f, "bob"), officer.RoleOfficer, time.Time{}, none)
		}, remove("bob"), workspace.ErrMemberRemoved},
		"a removal, a grant": {remove("bob"), func(_ *workspacetest.Firm, w *workspace.Workspace) error {
			return w.Grant(ctx, "ssn", email("bob"), readWrite)
		}, nil},
		"a removal, stepping": {remove("bob"), func(f *workspacetest.Firm, w *workspace.Workspace) error {
			return w.ChangeRole(ctx, id(f, "dora"), officer.RoleMember, time.Time{}, none)
		}, officer.ErrAuthority},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := practice(t)
			race := &racing{Store: f.Store, before: func() {
				if err := c.alice(f, f.Open("alice")); err != nil {
					t.Errorf("alice: %v", err)
				}
			}}
			w, err := f.TryOpen("dora", race)
			must(t, err)
			err = c.dora(f, w)
			if race.before != nil {
				t.Fatal("there was no race")
			}
			gone := errors.Is(c.want, workspace.ErrMemberRemoved) && errors.Is(err, workspace.ErrNoSuch) // by email
			if !errors.Is(err, c.want) && !gone {
				t.Errorf("dora: %v", err)
			}
			s, err := f.Open("alice").VerifyLog(ctx)
			must(t, err)
			// Nobody who is gone is sealed to: no key of theirs is newer than they.
			for _, m := range s.Members() {
				if !m.Removed {
					continue
				}
				h := newHunterOf(t, f, nameOf(f, m.ID), s)
				for commitment, key := range made(s, m.RemovedAt) {
					if h.keys[commitment] != nil {
						t.Errorf("%s has the new key of %s", nameOf(f, m.ID), key)
					}
				}
			}
		})
	}
}

func nameOf(f *workspacetest.Firm, m officer.MemberID) string {
	for name, p := range f.People {
		if p.Me.Member() == m {
			return name
		}
	}
	return ""
}
