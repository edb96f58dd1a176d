package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// later opens the firm as somebody, hours after what workspacetest does.
func later(f *workspacetest.Firm, name string, st store.Store, hours int) (*workspace.Workspace, error) {
	c := f.People[name].Config(st)
	c.Now = func() time.Time { return workspacetest.Clock().Add(time.Duration(hours) * time.Hour) }
	return workspace.Open(context.Background(), c)
}

func seenBox(f *workspacetest.Firm, of string) store.Index {
	return wire.Sum(wire.LabelLastSeenBox, wire.MustMarshal([]any{f.ID, f.People[of].Me.Keys().ID()}))
}

// statement is what somebody's device could sign with a program of its own.
func statement(l workspace.LastSeen, p *workspacetest.Person) []byte {
	body := wire.MustMarshal(l)
	return wire.MustMarshal([]any{uint64(1), body, p.Me.Keys().Sign(wire.LabelLastSeen, body)})
}

// forked is a firm whose store shows Alice one history and whoever opens the
// branch another. Alice and Dora are officers, Bob is a member.
func forked(t *testing.T) (*workspacetest.Firm, store.Store) {
	t.Helper()
	f := firm(t)
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Open("dora")
	f.Open("bob")
	log, err := f.Store.Read(t.Context(), 0, 100)
	must(t, err)
	other := storetest.NewMemory(f.ID)
	for i, e := range log {
		must(t, other.Append(t.Context(), uint64(i), e))
	}
	return f, &branch{Store: f.Store, log: other}
}

// Attack 12: two members are shown two logs that both verify, and the store
// never mixes them up. The statements that their devices leave give it away.
func TestAttack12StatementsExposeTheFork(t *testing.T) {
	t.Parallel()
	f, other := forked(t)
	// Without the attack: Dora and Alice work on one log, and state so.
	dora, err := later(f, "dora", f.Store, 1)
	must(t, err)
	must(t, dora.NewField(t.Context(), "before"))
	must(t, dora.Announce(t.Context()))
	alice, err := later(f, "alice", f.Store, 2)
	must(t, err)
	if len(alice.Sightings()) != 0 {
		t.Fatalf("%+v", alice.Sightings())
	}
	length := alice.State().Head().Length
	log, err := f.Store.Read(t.Context(), length-1, 1)
	must(t, err)
	must(t, other.Append(t.Context(), length-1, log[0]))

	// From here on there are two.
	dora, err = later(f, "dora", other, 2)
	must(t, err)
	must(t, alice.NewField(t.Context(), "phone"))
	must(t, alice.Announce(t.Context()))
	must(t, dora.NewField(t.Context(), "fax"))
	must(t, dora.Announce(t.Context()))
	bob, err := later(f, "bob", &withheld{Store: other, box: seenBox(f, "alice")}, 1)
	must(t, err)
	must(t, bob.Announce(t.Context()))

	// An officer's statement refuses the log, in either of the two.
	var met *workspace.SightingError
	pinned := bytes.Clone(f.People["alice"].Home.Files["organization.pin"])
	for range 2 { // and again: nothing is forgotten
		if _, err := later(f, "alice", f.Store, 3); !errors.As(err, &met) || !errors.Is(err, workspace.ErrFork) ||
			met.Sighting.Device != f.People["dora"].Me.Keys().ID() {
			t.Errorf("alice: %v", err)
		}
	}
	if !bytes.Equal(pinned, f.People["alice"].Home.Files["organization.pin"]) {
		t.Error("something was pinned")
	}
	if _, err := later(f, "dora", other, 3); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("dora: %v", err)
	}

	// Where the store keeps the officer's back, a member's warns.
	hide := &withheld{Store: f.Store, box: seenBox(f, "dora")}
	alice, err = later(f, "alice", hide, 3)
	must(t, err)
	if list := alice.Sightings(); len(list) != 1 || !list[0].Fork || list[0].Member != f.People["bob"].Me.Member() {
		t.Fatalf("%+v", list)
	}
	// And two people who compare heads need no store.
	theirs := bob.State().Head()
	mine, err := alice.HeadAt(t.Context(), theirs.Length)
	must(t, err)
	if mine == theirs || officer.HeadNumber(f.ID, mine) == officer.HeadNumber(f.ID, theirs) {
		t.Error("one number for two histories")
	}
	if common, err := alice.HeadAt(t.Context(), length); err != nil || common.Hash != officer.EntryHash(log[0]) {
		t.Errorf("%v, %v", common, err)
	}
}

// withheld is a store that keeps one mailbox back.
type withheld struct {
	store.Store
	box store.Index
}

func (s *withheld) ListMail(c context.Context, box store.Index, limit int) ([]store.Message, error) {
	if box == s.box {
		return nil, nil
	}
	return s.Store.ListMail(c, box, limit)
}

// Attack 11: the store hides a removal from somebody who has never seen it.
// Colleagues' statements tell that there is more, and the view is not fresh.
func TestAttack11StatementsTellOfMore(t *testing.T) {
	t.Parallel()
	f := firm(t)
	f.Add("alice", "carol", officer.RoleMember)
	carol, err := later(f, "carol", f.Store, 1)
	must(t, err)
	before := carol.Freshness()
	alice := f.Open("alice")
	must(t, alice.Announce(t.Context()))
	stale := &hostile.Store{Store: f.Store, OnRead: func(from uint64, entries [][]byte) [][]byte {
		if from >= before.Head.Length {
			return nil
		}
		return entries[:min(uint64(len(entries)), before.Head.Length-from)]
	}}
	carol, err = later(f, "carol", stale, 2) // without the attack: nothing is hidden yet
	must(t, err)
	if len(carol.Sightings()) != 0 || !carol.Freshness().Synced.After(before.Synced) {
		t.Fatalf("%+v", carol.Sightings())
	}
	must(t, alice.NewField(t.Context(), "phone"))
	must(t, alice.Announce(t.Context()))
	carol, err = later(f, "carol", stale, 3)
	must(t, err)
	list, fresh := carol.Sightings(), carol.Freshness()
	if len(list) != 1 || list[0].Fork || list[0].Length != before.Head.Length+1 || list[0].Member != f.People["alice"].Me.Member() {
		t.Errorf("%+v", list)
	}
	if want := workspacetest.Clock().Add(2 * time.Hour); !fresh.Synced.Equal(want) {
		t.Errorf("synced %v", fresh.Synced)
	}
	carol, err = later(f, "carol", f.Store, 3) // the truth reaches her
	must(t, err)
	if len(carol.Sightings()) != 0 || carol.State().Head().Length != before.Head.Length+1 {
		t.Errorf("%+v", carol.Sightings())
	}
}

// Statements that are none are passed over: forged, of another organization or
// another device, of a device that was removed, junk in heaps. None stops
// anybody, and none makes anybody warn.
func TestAttack12FalseStatements(t *testing.T) {
	t.Parallel()
	f, evil := firm(t), workspacetest.NewFirm(t, "mallory")
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "gone", officer.RoleMember)
	f.Open("gone")
	_, err := f.Open("alice").RemoveMember(t.Context(), f.People["gone"].Me.Member(), workspace.Consent{})
	must(t, err)
	head := f.Open("dora").State().Head()
	dora, bob := f.People["dora"], f.People["bob"]
	says := func(org officer.OrganizationID, of *workspacetest.Person, length uint64, hash byte) workspace.LastSeen {
		return workspace.LastSeen{Organization: org, Device: of.Me.Keys().ID(), Length: length, Hash: officer.Hash{hash}, Seconds: 1}
	}
	true1 := statement(says(f.ID, dora, head.Length, 7), dora)
	late := says(f.ID, dora, head.Length, 7)
	late.Seconds = 1 << 62
	flipped := bytes.Clone(true1)
	flipped[len(flipped)-1] ^= 1
	newer := bytes.Clone(true1)
	newer[1] = 2
	for what, c := range map[string]struct {
		box string
		b   []byte
	}{
		"junk":                     {"dora", []byte("junk")},
		"forged":                   {"dora", statement(says(f.ID, dora, head.Length, 7), bob)},
		"altered":                  {"dora", flipped},
		"of a version to come":     {"dora", newer},
		"of another organization":  {"dora", statement(says(evil.ID, dora, head.Length, 7), dora)},
		"of another device":        {"bob", true1},
		"of an empty log":          {"dora", statement(says(f.ID, dora, 0, 7), dora)},
		"of a time that is none":   {"dora", statement(late, dora)},
		"of a removed device":      {"gone", statement(says(f.ID, f.People["gone"], head.Length, 7), f.People["gone"])},
		"of nobody's device":       {"dora", statement(says(f.ID, evil.People["mallory"], head.Length, 7), evil.People["mallory"])},
		"with something behind it": {"dora", append(bytes.Clone(true1), 0)},
	} {
		bad := storetest.NewMemory(f.ID)
		copyLog(t, f, bad)
		must(t, bad.PutMail(t.Context(), seenBox(f, c.box), c.b))
		w, err := later(&workspacetest.Firm{Store: f.Store, ID: f.ID, People: map[string]*workspacetest.Person{"alice": clone(f.People["alice"])}}, "alice", bad, 5)
		if err != nil || len(w.Sightings()) != 0 {
			t.Errorf("%s: %v, %+v", what, err, w.Sightings())
		}
	}
	// What they are made of is true otherwise, and counts.
	must(t, f.Store.PutMail(t.Context(), seenBox(f, "dora"), true1))
	if _, err := later(f, "alice", f.Store, 5); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("a true one: %v", err)
	}
	list, err := f.Store.ListMail(t.Context(), seenBox(f, "dora"), 10)
	must(t, err)
	for _, m := range list {
		must(t, f.Store.DeleteMail(t.Context(), seenBox(f, "dora"), m.ID))
	}

	// A flood costs each client a bounded look, and the owner clears it away.
	for i := range 100 {
		must(t, f.Store.PutMail(t.Context(), seenBox(f, "bob"), fmt.Appendf(nil, "junk %d", i)))
	}
	count := &counted{Store: f.Store}
	_, err = later(f, "alice", count, 6)
	must(t, err)
	if count.mail == 0 || count.mail > 20*16 || count.lists > 20 {
		t.Errorf("%d messages in %d lists", count.mail, count.lists)
	}
	w, err := later(f, "bob", f.Store, 6)
	must(t, err)
	for range 2 {
		must(t, f.Open("alice").NewField(t.Context(), fmt.Sprint("field ", w.State().Head().Length)))
		w, err = later(f, "bob", f.Store, 7)
		must(t, err)
		must(t, w.Announce(t.Context()))
	}
	if list, err = f.Store.ListMail(t.Context(), seenBox(f, "bob"), 1000); err != nil || len(list) != 1 {
		t.Errorf("%d messages are left, %v", len(list), err)
	}
	// A statement of a length that no log has is only a warning, by whom.
	must(t, f.Store.PutMail(t.Context(), seenBox(f, "bob"), statement(says(f.ID, bob, 1<<63, 7), bob)))
	w, err = later(f, "alice", f.Store, 8)
	if err != nil || len(w.Sightings()) != 1 || w.Sightings()[0].Fork || w.Sightings()[0].Member != bob.Me.Member() {
		t.Errorf("%v, %+v", err, w.Sightings())
	}
}

type counted struct {
	store.Store
	lists, mail int
}

func (s *counted) ListMail(c context.Context, box store.Index, limit int) ([]store.Message, error) {
	list, err := s.Store.ListMail(c, box, limit)
	s.lists, s.mail = s.lists+1, s.mail+len(list)
	return list, err
}

func clone(p *workspacetest.Person) *workspacetest.Person {
	c := *p
	c.Home = p.Home.Clone()
	return &c
}

func copyLog(t *testing.T, f *workspacetest.Firm, to store.Store) {
	t.Helper()
	log, err := f.Store.Read(t.Context(), 0, 1000)
	must(t, err)
	for i, e := range log {
		must(t, to.Append(t.Context(), uint64(i), e))
	}
}

// Attack 12: what one was shown, and what the other, are two files that a third
// person checks with neither home nor store. Lost races are not taken for it.
func TestAttack12EvidenceOfTheFork(t *testing.T) {
	t.Parallel()
	f, other := forked(t)
	write := func(who string, st store.Store, cause error) *workspace.Evidence {
		t.Helper()
		var b bytes.Buffer
		_, err := workspace.WriteEvidence(t.Context(), f.People[who].Config(st), cause, &b)
		must(t, err)
		e, err := workspace.ReadEvidence(t.Context(), &b)
		must(t, err)
		return e
	}
	// Without the attack there is nothing to see.
	if shared, fork, err := write("alice", f.Store, nil).Part(write("dora", other, nil)); err != nil || fork || shared == 0 {
		t.Fatalf("%d, %v, %v", shared, fork, err)
	}
	length := f.Open("alice").State().Head().Length
	alice := f.Open("alice")
	must(t, alice.NewField(t.Context(), "phone"))
	dora, err := later(f, "dora", other, 1)
	must(t, err)
	must(t, dora.NewField(t.Context(), "fax"))
	must(t, dora.Announce(t.Context()))
	_, cause := later(f, "alice", f.Store, 1)

	one, two := write("alice", f.Store, cause), write("dora", other, nil)
	shared, fork, err := one.Part(two)
	if err != nil || !fork || shared != length || !one.Seen(shared, two) || !two.Seen(shared, one) {
		t.Errorf("%d, %v, %v", shared, fork, err)
	}
	if one.Author(shared) != f.People["alice"].Me.Keys().ID() || two.Author(shared) != f.People["dora"].Me.Keys().ID() {
		t.Error("other authors")
	}
	// One file alone has Dora's signature against the log.
	found := 0
	for _, s := range one.Statements {
		if s.Fork && s.Device == f.People["dora"].Me.Keys().ID() {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%+v", one.Statements)
	}

	// Somebody who holds an entry that lost the race has one more entry, and
	// nobody who has seen the log go on by it.
	lost := storetest.NewMemory(f.ID)
	log, err := other.Read(t.Context(), 0, int(length)+1)
	must(t, err)
	for i, e := range log {
		must(t, lost.Append(t.Context(), uint64(i), e))
	}
	three := write("bob", lost, nil) // Bob has pinned what comes before
	if shared, fork, err := one.Part(three); err != nil || !fork || shared != length || three.Seen(shared, one) {
		t.Errorf("a lost race: %d, %v, %v, seen %v", shared, fork, err, three.Seen(shared, one))
	}
	if _, _, err := one.Part(write2(t, workspacetest.NewFirm(t, "mallory"))); !errors.Is(err, officer.ErrOrganization) {
		t.Errorf("another organization: %v", err)
	}
}

func write2(t *testing.T, f *workspacetest.Firm) *workspace.Evidence {
	t.Helper()
	var b bytes.Buffer
	_, err := workspace.WriteEvidence(t.Context(), f.People["mallory"].Config(f.Store), nil, &b)
	must(t, err)
	e, err := workspace.ReadEvidence(t.Context(), &b)
	must(t, err)
	return e
}

// Attack 12: evidence that was altered anywhere, cut short or put together from
// two is refused.
func TestAttack12AlteredEvidence(t *testing.T) {
	t.Parallel()
	f := firm(t)
	var b bytes.Buffer
	sum, err := workspace.WriteEvidence(t.Context(), f.People["alice"].Config(f.Store), nil, &b)
	must(t, err)
	whole := b.Bytes()
	if _, err := workspace.ReadEvidence(t.Context(), bytes.NewReader(whole)); err != nil || sum.Entries < 3 || sum.Statements != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	refused := func(what string, b []byte) {
		t.Helper()
		var version *wire.VersionError
		if _, err := workspace.ReadEvidence(t.Context(), bytes.NewReader(b)); !errors.Is(err, workspace.ErrEvidence) && !errors.As(err, &version) {
			t.Errorf("%s: %v", what, err)
		}
	}
	step := 1 + len(whole)/200
	for i := 0; i < len(whole); i += step {
		altered := bytes.Clone(whole)
		altered[i] ^= 1
		refused(fmt.Sprint("byte ", i), altered)
		refused(fmt.Sprint("cut at ", i), whole[:i])
	}
	refused("something behind it", append(bytes.Clone(whole), 0))
	refused("nothing", nil)
	refused("twice", append(bytes.Clone(whole), whole...))
}
