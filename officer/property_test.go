package officer_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// TestHistories replays random histories: officer and the model of the spec
// agree on every entry, on the rule that refuses it, and on the state after
// it; and what the design promises holds.
func TestHistories(t *testing.T) {
	t.Parallel()
	people := map[string]*officertest.Person{}
	for _, name := range somePeople {
		people[name] = officertest.NewPerson(name)
	}
	good, bad, ended, outside := map[officer.OpKind]int{}, map[rule]int{}, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		o := officertest.NewFrom(rt, people["alice"], "Example LLP")
		for _, p := range people {
			o.Use(p)
		}
		genesis, err := officer.DecodeEntry(o.Log[0])
		if err != nil {
			rt.Fatal(err)
		}
		m := newModel(genesis)
		h := historian{rt, o}
		begin := func(lines ...string) {
			for _, line := range lines {
				entry := o.Write(line)
				decoded, err := officer.DecodeEntry(entry)
				if next, rule := m.apply(decoded); err == nil && rule == 0 && o.Append(entry) == nil {
					m = next
				} else {
					rt.Fatalf("%q is refused", line)
				}
			}
		}
		if h.chance(80) {
			begin(
				"alice: add olga as officer; add bob as member; add carol as member; add greta as guest",
				"alice: create directory people; create field phone; grant people to olga rws; grant people to bob r",
				"bob: create folder case; grant case to greta rw; grant case to carol rws",
				"bob: add device bob/laptop",
				"greta: add device greta/kit",
				"alice: add device alice/laptop",
				"alice: create group team of alice*,bob,carol*; grant phone to group team rw",
			)
			if h.chance(60) {
				begin("alice: policy officers=2 recovery=2", "bob: enroll bob 2 with alice,olga", "olga: request bob/fresh")
			}
			if h.o.State.Policy().Recovery > 0 && h.chance(50) {
				begin("alice: approve bob/fresh by alice", "olga: approve bob/fresh by olga")
			}
		}
		for range 5 + h.below(40) {
			line := h.line()
			entry := o.Write(line)
			decoded, err := officer.DecodeEntry(entry)
			if err != nil {
				rt.Fatal(err)
			}
			before, cache := o.State, o.State.EncodeCache()
			if h.chance(20) {
				o.State = through(rt, o.State)
			}
			if len(decoded.Operations) > 1 && h.chance(15) { // some of it rides outside
				from := h.below(len(decoded.Operations))
				if o.State.Device(decoded.Author) == nil { // what takes over stands in the entry
					from = max(from, 1)
				}
				e := o.Entry(strings.Split(line, ":")[0], append(slices.Clone(decoded.Operations[:from]), o.Outside(decoded.Operations[from:]...))...)
				entry = o.Sign(strings.Split(line, ":")[0], e)
				outside++
			}
			err = o.Append(entry)
			if !bytes.Equal(before.EncodeCache(), cache) {
				rt.Fatalf("%q changed the state before it", line)
			}
			next, refusedBy := m.apply(decoded)
			byRule := errors.Is(err, ruleErrors[refusedBy]) || refusedBy == 18 && errors.Is(err, officer.ErrEnded)
			if (err == nil) != (next != nil) || err != nil && !byRule {
				rt.Fatalf("%q: officer says %v, the model L-%d", line, err, refusedBy)
			}
			if err != nil {
				bad[refusedBy]++
				if errors.Is(err, officer.ErrEnded) {
					ended++
				}
				continue
			}
			m = next
			if got, want := dumpState(o.State), m.dump(); got != want {
				rt.Fatalf("%q: the states differ\nofficer:\n%s\nmodel:\n%s", line, got, want)
			}
			promises(rt, line, before, o.State, decoded)
			for _, op := range decoded.Operations {
				good[op.Kind()]++
			}
		}
		again, err := officer.ReplayWith(o.Blob, o.ID, o.Log)
		if err != nil {
			rt.Fatalf("replay of all: %v", err)
		}
		if !bytes.Equal(again.EncodeCache(), o.State.EncodeCache()) {
			rt.Fatal("replay of all gives another state")
		}
	})
	t.Logf("accepted %v, refused by %v, %d because of an end", good, bad, ended)
	if good[officer.OpUserKey] < 30 {
		return // too few histories to ask for anything
	}
	// Histories in which nothing ever works, or fails, would show nothing.
	wanted := []officer.OpKind{officer.OpUserKey, officer.OpKeyCreated, officer.OpKeyRotated, officer.OpKeyClosed, officer.OpGrant, officer.OpGroupRotated}
	if good[officer.OpUserKey] > 150 { // enough of them for what is rare
		wanted = append(wanted, officer.OpMemberAdded, officer.OpDeviceAdded, officer.OpDeviceRemoved, officer.OpRevoke, officer.OpDirectory,
			officer.OpKeyResealed, officer.OpGroupCreated, officer.OpGroupMemberAdded, officer.OpGroupMemberRemoved, officer.OpGroupClosed,
			officer.OpGroupResealed, officer.OpMemberRemoved, officer.OpRoleChanged, officer.OpPolicy, officer.OpInvitationWithdrawn, officer.OpResourceEnded)
	}
	if good[officer.OpUserKey] > 700 {
		wanted = append(wanted, officer.OpRecoveryEnrolled, officer.OpRecoveryEnded, officer.OpRecoveryRequested, officer.OpRecoveryApproved, officer.OpRecoveryFinished)
	}
	for _, k := range wanted {
		if good[k] == 0 {
			t.Errorf("%s was accepted %d times", k, good[k])
		}
	}
	if outside == 0 {
		t.Error("no operation was outside its entry")
	}
	for _, r := range []rule{9, 11, 14, 15, 16, 17, 18, 20} {
		if bad[r] == 0 {
			t.Errorf("L-%d refused %d times", r, bad[r])
		}
	}
}
