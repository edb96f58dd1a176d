package officer_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// through returns the state as it comes back from its cache.
func through(t officertest.TB, s *officer.State) *officer.State {
	t.Helper()
	b := s.EncodeCache()
	again, err := officer.DecodeCache(b)
	if err != nil {
		t.Fatalf("cache: %v", err)
	}
	if !bytes.Equal(again.EncodeCache(), b) {
		t.Fatalf("the cache of a state from a cache differs")
	}
	return again
}

// busy is an organization in which everything has happened that can.
func busy(t officertest.TB) *officertest.Org {
	t.Helper()
	return officertest.New(t, "alice").Do(
		"alice: create directory people; file organization under people; file alice.name under people",
		"alice: add bob as member answering word; grant people to bob rw; file bob.name under people; file bob.email under people",
		"alice: add olga as officer; add greta as guest until 1800000000",
		"alice: create field phone; grant phone to bob rws; grant phone to greta r; file phone.label under phone",
		"bob: create folder case; grant case to greta rw; file case.label under case; file case.label under people",
		"bob: add device bob/laptop; add device bob/kit",
		"olga: remove device bob/kit; close phone; close people; close case",
		"bob/laptop: rotate user bob",
		"alice: rotate phone; reseal phone to bob; rotate people",
		"bob: rotate case; reseal case@1 to greta; grant case to alice rws",
		"alice: revoke case from greta; rotate case",
		"alice: file bob/laptop under people; close phone",
		"alice: create field ssn at 12; grant ssn to bob rw; create field fax at 13",
		"alice: end ssn; policy guests=2 officers=2 recovery=2; withdraw another",
		"alice: add xenia as member; make xenia guest until 1900000000",
		"alice: remove xenia",
		"alice: create group team of alice*,bob,olga*; file team.group under people; grant fax to group team rws",
		"bob: grant case to group team r",
		"olga: create group board of olga*,greta; rotate group team; reseal group team@1 to bob",
		"olga: take greta from board; close group board; create group spare of olga*,greta; close group team",
		"bob: enroll bob 2 with alice,olga",
		"bob: rotate user bob; enroll bob+ 2 with olga,alice",
		"olga: request bob/new; request bob/newer", "alice: file bob/new.reason under people",
		"alice: approve bob/new by alice",
		"greta: enroll greta 2 with olga,alice; rotate user greta; enroll greta+@2 2 with alice,olga",
	)
}

func TestCacheKeepsEverything(t *testing.T) {
	t.Parallel()
	o := busy(t)
	again := through(t, o.State)
	if again.Organization() != o.ID || again.Head() != o.State.Head() || !again.HeadTime().Equal(o.State.HeadTime()) || again.Name() != o.Name.Commitment() {
		t.Error("organization, head, time or name differ")
	}
	same := func(what string, a, b any) {
		t.Helper()
		if x, y := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); x != y {
			t.Errorf("%s:\n%s\n%s", what, x, y)
		}
	}
	for i, m := range again.Members() {
		same("member", m, o.State.Members()[i])
		for _, id := range m.Devices {
			same("device", again.Device(id), o.State.Device(id))
		}
	}
	for i, g := range again.Groups() {
		same("group", g, o.State.Groups()[i])
	}
	for i, r := range again.Resources() {
		same("resource", r, o.State.Resources()[i])
		same("openings", again.Openings(r.Label), o.State.Openings(r.Label))
	}
	same("directory", again.Directory(), o.State.Directory())
	if again.Directory().ID != o.ResourceID("people") {
		t.Error("another directory")
	}
	if p := again.Policy(); p.Guests != officer.RoleMember || p.Officers != 2 || p.Recovery != 2 || p.Fields != officer.RoleOfficer {
		t.Errorf("another policy: %+v", p)
	}
	label := o.State.Resource(o.ResourceID("case")).Label
	if list := again.Openings(label); len(list) != 2 || list[1].Resource != o.ResourceID("people") {
		t.Errorf("openings of a label: %v", list)
	}
}

// What a log has named once stays named in a state from a cache.
func TestCacheKeepsWhatIsTaken(t *testing.T) {
	t.Parallel()
	o := busy(t)
	o.Do("alice: rotate phone")
	bound := func(id byte) officer.Operation {
		return &officer.KeyCreated{
			Resource: officer.ResourceID{id}, Of: wire.KindField, Commitment: officer.Hash{id}, Label: officer.Hash{id},
			Binding: officer.Binding{Connector: "clio", Account: "1", Kind: "custom-field", ID: "7"},
		}
	}
	if err := o.TryOps("alice", bound(8)); err != nil {
		t.Fatal(err)
	}
	op := func(words string, change func(*officer.GroupCreated)) officer.Operation {
		g := o.Op(words).(*officer.GroupCreated)
		change(g)
		return g
	}
	commitment := o.Resource("phone").Epochs[1].Commitment
	for name, ops := range map[string][]officer.Operation{
		"member":               {o.Op("add bob as member")},
		"invitation withdrawn": {o.Op("add carol as member answering another")},
		"invitation":           {o.Op("add carol as member answering word")},
		"resource":             {o.Op("create field phone")},
		"directory":            {o.Op("create directory people2")},
		"binding":              {bound(9)},
		"key id of an old epoch": {&officer.KeyCreated{
			Resource: officer.ResourceID{1}, Of: wire.KindField, Binding: officer.Binding{Connector: "x"}, Commitment: commitment, Label: officer.Hash{1},
		}},
		"group":              {o.Op("create group team of alice*")},
		"group key":          {op("create group new of alice*", func(g *officer.GroupCreated) { g.Public = o.Group("team").Epochs[0].Public })},
		"group's commitment": {op("create group new of alice*", func(g *officer.GroupCreated) { g.Commitment = o.Group("team").Epochs[0].Commitment })},
		"group's label":      {op("create group new of alice*", func(g *officer.GroupCreated) { g.Label = o.GroupLabel("team").Commitment() })},
		"text": {&officer.KeyCreated{
			Resource: officer.ResourceID{1}, Of: wire.KindField, Binding: officer.Binding{Connector: "x"}, Commitment: officer.Hash{1}, Label: o.Name.Commitment(),
		}},
		"folder key": {&officer.KeyCreated{
			Resource: officer.ResourceID{1}, Of: wire.KindFolder, Binding: officer.Binding{Connector: "x"}, Commitment: officer.Hash{1}, Label: officer.Hash{2},
			Public: o.Resource("case").Epochs[0].Public,
		}},
	} {
		entry := o.Sign("alice", o.Entry("alice", ops...))
		_, want := o.State.Apply(entry)
		_, got := through(t, o.State).Apply(entry)
		if !errors.Is(got, officer.ErrDuplicate) || !errors.Is(want, officer.ErrDuplicate) {
			t.Errorf("%s: %v from the cache, %v without", name, got, want)
		}
	}
	// Once more after an entry, when what is taken has been found again.
	next, err := through(t, o.State).Apply(o.Write("alice: add dora as member answering other"))
	if err != nil {
		t.Fatal(err)
	}
	o.Do("alice: add dora as member answering other")
	if !bytes.Equal(next.EncodeCache(), o.State.EncodeCache()) {
		t.Error("the states differ")
	}
	if _, err := next.Apply(o.Write("alice: add fred as member answering word")); !errors.Is(err, officer.ErrDuplicate) {
		t.Errorf("invitation: %v", err)
	}
}

// Lists longer than any that an entry may hold: they grow entry by entry.
func TestLongLists(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	const n = wire.MaxElements + 10
	o := officertest.New(t, "alice").Do("alice: create field phone", "alice: create directory people", "alice: add bob as member; grant phone to bob r")
	var entries [][]officer.Operation
	var packed []officer.Operation
	for i := range n {
		h := officer.Hash{0xff, byte(i >> 16), byte(i >> 8), byte(i)}
		id := officer.ResourceID(h[:16])
		entries = append(entries, []officer.Operation{ // an entry opens one epoch
			&officer.KeyRotated{Resource: o.ResourceID("phone"), Epoch: uint64(i) + 2, Commitment: h, Previous: make([]byte, 72)},
		})
		packed = append(packed,
			&officer.KeyResealed{Resource: o.ResourceID("phone"), Epoch: uint64(i) + 2, Principal: o.Person("bob").Principal()},
			&officer.KeyCreated{Resource: id, Of: wire.KindField, Binding: officer.Binding{Connector: "x"}, Commitment: officer.Hash{0xfe, h[1], h[2], h[3]}, Label: h},
			&officer.Directory{Resource: id, Epoch: 1, Items: []officer.DirectoryItem{{Commitment: h, Sealed: []byte{1}}}},
		)
	}
	entries = append(entries, slices.Collect(slices.Chunk(packed, 3000))...)
	if err := o.Append(o.Chain("alice", entries...)...); err != nil {
		t.Fatal(err)
	}
	s := through(t, o.State)
	phone := s.Resource(o.ResourceID("phone"))
	filed := 0
	for _, r := range s.Resources() {
		filed += len(s.Openings(r.Label))
	}
	if len(phone.Epochs) != n+1 || len(phone.Grants[0].Senders)+len(phone.Grants[1].Senders) != n+1 || filed != n {
		t.Errorf("%d epochs, %d openings", len(phone.Epochs), filed)
	}
	o.State = s
	o.Do(fmt.Sprintf("alice: file phone.label under phone@%d; file phone.label under people; rotate phone", n+1))
	if list := o.State.Openings(phone.Label); len(list) != 2 {
		t.Errorf("openings of a label: %v", list)
	}
}

func TestCacheOfAnotherLayout(t *testing.T) {
	t.Parallel()
	b := officertest.New(t, "alice").State.EncodeCache()
	for name, bad := range map[string][]byte{
		"empty":      nil,
		"layout":     append([]byte("underseal state cache 1\n"), b[24:]...),
		"cut short":  b[:len(b)-1],
		"too long":   append(slices.Clone(b), 0),
		"only a tag": b[:24],
	} {
		if s, err := officer.DecodeCache(bad); !errors.Is(err, officer.ErrCache) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every cut and every changed byte gives an error or a state that works.
func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	b := busy(t).State.EncodeCache()
	refused := 0
	for i := range b {
		if i%31 != 0 && len(b)-i > 500 { // keys take most of it and are alike
			continue
		}
		if _, err := officer.DecodeCache(b[:i]); err == nil {
			t.Errorf("cut at %d: accepted", i)
		}
		bad := slices.Clone(b)
		bad[i] ^= 0x41
		if s, err := officer.DecodeCache(bad); err != nil {
			refused++
		} else {
			use(s)
		}
	}
	if refused < 5 {
		t.Errorf("only %d changes were refused", refused)
	}
}

// use asks a state everything.
func use(s *officer.State) {
	s.EncodeCache()
	s.Directory()
	for _, m := range s.Members() {
		_ = m.UserKey()
		_, _, _ = s.SealTo(m.ID, officertest.Start())
		for _, id := range m.Devices {
			s.SigningKey(id)
		}
		for _, g := range s.Groups() {
			_, _, _ = s.SealToGroup(g.ID)
			_ = g.Epoch()
			_ = s.MayHoldGroup(g.ID, 1, m.ID, officer.Hash{}, m.AddedBy)
		}
		s.Reach(m.ID)
		s.SharesOf(m.ID)
		if e := m.Enrolment(); e != nil {
			s.Holders(e)
			_ = s.MayHoldShare(m.ID, e.Number, 1, m.ID, officer.Hash{}, m.AddedBy)
		}
		for _, r := range s.Resources() {
			_ = s.MayHold(r.ID, r.Epoch().Number, m.ID, officer.Hash{}, m.AddedBy)
			s.Openings(r.Label)
			_ = r.Context(s.Organization(), 1)
		}
	}
	for _, r := range s.Requests() {
		s.Approvers(r)
		_ = s.MayRecover(r.Device, r.Number, 1, r.By)
	}
	_, _ = s.Apply([]byte("x"))
}

// Numbers that stand for no role, kind or rights are refused, although only a
// program that keeps its device's secret badly would ever meet them.
func TestCacheOfNonsense(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create field phone")
	b := o.State.EncodeCache()
	name := o.Person("alice").File.Name.Commitment()
	role := bytes.Index(b, name[:]) - 1
	kind := bytes.Index(b, []byte("\x07tabular")) - 1
	rights := len(b) - len("\x07\x01\x01\x00\x00\x00\x01\x02\x01\x01\x01\x00\x00\x00\x00\x00") // rights, since, sequence, no senders, helpers or requests, policy, no directory, openings or invitations
	for what, c := range map[string]struct {
		at   int
		good byte
		bad  []byte
	}{
		"role":   {role, 1, []byte{0, 4, 255}},
		"kind":   {kind, 1, []byte{0, 4, 5}},
		"rights": {rights, 7, []byte{0, 2, 4, 6, 8}},
	} {
		if b[c.at] != c.good {
			t.Fatalf("%s is not where it is looked for: %d", what, b[c.at])
		}
		for _, v := range c.bad {
			bad := slices.Clone(b)
			bad[c.at] = v
			if _, err := officer.DecodeCache(bad); !errors.Is(err, officer.ErrCache) {
				t.Errorf("%s %d: %v", what, v, err)
			}
		}
	}
}
