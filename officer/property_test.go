package officer_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

var (
	somePeople    = []string{"alice", "olga", "bob", "carol", "greta"}
	someDevices   = []string{"first", "laptop", "kit"}
	someResources = []string{"phone", "fax", "ssn", "case", "docs", "people"}
	somePlaces    = []string{"12", "99"}
	someRights    = []string{"r", "rw", "rs", "rws", "w"}
)

// historian draws histories in which some entries are valid and others are
// nearly so.
type historian struct {
	*rapid.T
	o *officertest.Org
}

// below draws a number from 0 to n-1, all as likely: the library's own ranges
// prefer small numbers, by which no history gets anywhere.
func (h historian) below(n int) int {
	v := 0
	for range bits.Len(uint(n)) + 3 {
		v <<= 1
		if rapid.Bool().Draw(h.T, "bit") {
			v |= 1
		}
	}
	return v % n
}

func (h historian) pick(from []string) string { return from[h.below(len(from))] }

// person is mostly somebody who belongs.
func (h historian) person() string {
	name := h.pick(somePeople)
	if h.o.State.Member(h.o.Person(name).ID()) == nil && h.chance(50) {
		return h.person()
	}
	return name
}

// resource is mostly one that there is.
func (h historian) resource() string {
	name := h.pick(someResources)
	if h.o.Resource(name) == nil && h.chance(60) {
		return h.resource()
	}
	return name
}

func (h historian) device() string          { return h.person() + "/" + h.pick(someDevices) }
func (h historian) chance(percent int) bool { return h.below(100) < percent }

// author is mostly somebody who may author something.
func (h historian) author() string {
	if h.chance(40) {
		return h.living("alice")
	}
	return h.living(h.person())
}

// numbered says a resource with the epoch that fits, or now and then another.
func (h historian) numbered(name string) string {
	if h.chance(90) {
		return name
	}
	return fmt.Sprintf("%s@%d", name, 1+h.below(4))
}

// taking is what ends the epochs of resources that somebody could reach.
func (h historian) taking(resources ...string) string {
	s := ""
	for _, name := range resources {
		if h.chance(10) { // forgotten
			continue
		}
		s += "; " + h.pick([]string{"rotate", "close"}) + " " + name
	}
	return s
}

// reach are the resources on which somebody has rights.
func (h historian) reach(person string) (list []string) {
	for _, name := range someResources {
		if h.o.Rights(name, person) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// living is mostly a device of somebody's that was not removed.
func (h historian) living(person string) string {
	for range 5 {
		d := person + "/" + h.pick(someDevices)
		if there := h.o.State.Device(h.o.Author(d).ID()); there != nil && !there.Removed {
			return d
		}
	}
	return person + "/" + h.pick(someDevices)
}

func (h historian) text() string {
	switch h.pick([]string{"name", "email", "label", "device", "organization"}) {
	case "name":
		return h.person() + ".name"
	case "email":
		return h.person() + ".email"
	case "label":
		return h.resource() + ".label"
	case "device":
		return h.device()
	default:
		return "organization"
	}
}

// step is an operation, with those that it requires.
func (h historian) step(author string) string {
	me, _, _ := strings.Cut(author, "/")
	if h.chance(15) {
		me = h.person()
	}
	switch h.pick([]string{
		"member", "member", "device", "device", "remove own", "remove", "user key", "create", "create", "create",
		"rotate", "close", "grant", "grant", "grant", "grant", "revoke", "revoke", "file", "reseal", "reseal or end",
	}) {
	case "member":
		s := fmt.Sprintf("add %s as %s", h.person(), h.pick([]string{"officer", "member", "member", "guest"}))
		if h.chance(30) {
			s += " answering " + h.pick([]string{"one", "two", "three"})
		}
		return s
	case "device":
		return "add device " + me + "/" + h.pick(someDevices)
	case "remove own":
		return "remove device " + h.living(me) + "; rotate user " + me + h.taking(h.reach(me)...)
	case "remove":
		name := h.person()
		return "remove device " + h.living(name) + h.taking(h.reach(name)...)
	case "user key":
		return "rotate user " + h.numbered(me)
	case "create":
		name := h.resource()
		kind := map[string]string{"phone": "field", "fax": "field", "ssn": "field", "case": "folder", "docs": "folder", "people": "directory"}[name]
		if h.chance(40) {
			name += " at " + h.pick(somePlaces)
		}
		return "create " + kind + " " + name
	case "rotate":
		return "rotate " + h.numbered(h.resource())
	case "close":
		return "close " + h.numbered(h.resource())
	case "grant":
		return fmt.Sprintf("grant %s to %s %s", h.resource(), h.person(), h.pick(someRights))
	case "revoke":
		name := h.resource()
		return fmt.Sprintf("revoke %s from %s", name, h.person()) + h.taking(name)
	case "file":
		if h.chance(50) {
			name := h.resource()
			return "file " + name + ".label under " + h.numbered(name)
		}
		return "file " + h.text() + " under " + h.numbered(h.resource())
	case "reseal or end":
		if h.chance(60) { // what has ended is of little use to a history
			return "end " + h.resource()
		}
		fallthrough
	default:
		return fmt.Sprintf("reseal %s to %s", h.numbered(h.resource()), h.person())
	}
}

// line is an entry of one to three steps.
func (h historian) line() string {
	author := h.author()
	steps := []string{h.step(author)}
	for h.chance(20) && len(steps) < 3 {
		steps = append(steps, h.step(author))
	}
	return author + ": " + strings.Join(steps, "; ")
}

// TestHistories replays random histories: officer and the model of the spec
// agree on every entry, on the rule that refuses it, and on the state after
// it; and what the design promises holds.
func TestHistories(t *testing.T) {
	t.Parallel()
	people := map[string]*officertest.Person{}
	for _, name := range somePeople {
		people[name] = officertest.NewPerson(name)
	}
	good, bad, ended := map[officer.OpKind]int{}, map[rule]int{}, 0
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
			)
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
		again, err := officer.Replay(o.ID, o.Log)
		if err != nil {
			rt.Fatalf("replay of all: %v", err)
		}
		if !bytes.Equal(again.EncodeCache(), o.State.EncodeCache()) {
			rt.Fatal("replay of all gives another state")
		}
	})
	t.Logf("accepted %v, refused by %v, %d because of an end", good, bad, ended)
	if good[officer.OpUserKey] < 50 {
		return // too few histories to ask for everything
	}
	// Histories in which nothing ever works, or fails, would show nothing.
	for k := officer.OpMemberAdded; k <= officer.OpKeyResealed; k++ {
		if good[k] == 0 {
			t.Errorf("%s was accepted %d times", k, good[k])
		}
	}
	if good[officer.OpResourceEnded] == 0 {
		t.Error("no resource ended")
	}
	for _, r := range []rule{9, 11, 14, 15, 16, 17, 18, 20} {
		if bad[r] == 0 {
			t.Errorf("L-%d refused %d times", r, bad[r])
		}
	}
}

// keepsShare tells whether somebody who had share still has it.
func keepsShare(was, is *officer.Resource) bool {
	return slices.ContainsFunc(was.Grants, func(g officer.GrantState) bool {
		return g.Rights.Has(officer.Share) && is.Rights(g.Principal).Has(officer.Share)
	})
}

// endedStays checks that what has ended stays so, and that nobody gets it who
// did not have it.
func endedStays(t *rapid.T, line string, was, is *officer.Resource) {
	t.Helper()
	if is.Ended && !is.Epoch().Closed {
		t.Fatalf("%q: %s has ended and is open", line, is.ID)
	}
	if was == nil || !was.Ended {
		return
	}
	if !is.Ended || len(is.Epochs) != len(was.Epochs) {
		t.Fatalf("%q: %s goes on after its end", line, is.ID)
	}
	for _, g := range is.Grants {
		if was.Rights(g.Principal) != g.Rights {
			t.Fatalf("%q: %s is granted after its end", line, is.ID)
		}
	}
}

// promises checks what holds after every entry.
func promises(t *rapid.T, line string, before, after *officer.State, e officer.Entry) {
	t.Helper()
	author := after.Device(e.Author).Member
	byOfficer := after.Member(author).Role == officer.RoleOfficer
	created, removed, revoked := map[officer.ResourceID]bool{}, map[officer.MemberID]bool{}, map[officer.ResourceID]bool{}
	for _, op := range e.Operations {
		switch o := op.(type) {
		case *officer.KeyCreated:
			created[o.Resource] = true
		case *officer.DeviceRemoved:
			removed[after.Device(o.Device).Member] = true
		case *officer.Revoke:
			revoked[o.Resource] = true
		}
	}
	places := map[officer.Binding]bool{}
	for _, r := range after.Resources() {
		was := before.Resource(r.ID)
		endedStays(t, line, was, r)
		if r.Binding.ID != "" && !r.Ended {
			if places[r.Binding] {
				t.Fatalf("%q: two resources at %v", line, r.Binding)
			}
			places[r.Binding] = true
		}
		sharers := 0
		for i, e := range r.Epochs {
			if e.Number != uint64(i)+1 || i < len(r.Epochs)-1 && !e.Closed {
				t.Fatalf("%q: epoch %d is number %d, closed %v", line, i+1, e.Number, e.Closed)
			}
		}
		for _, g := range r.Grants {
			if g.Rights.Has(officer.Share) {
				sharers++
			}
			id, _ := g.Principal.Member()
			gained := g.Rights
			if was != nil {
				gained &^= was.Rights(g.Principal)
			}
			// More rights come from who had them and share, or made it.
			mine := officer.Read | officer.Write | officer.Share
			if !created[r.ID] {
				mine = was.Rights(officer.MemberPrincipal(author))
			}
			// Or share alone from an officer, where nobody keeps it.
			if was != nil && byOfficer && !keepsShare(was, r) {
				mine |= r.Rights(officer.MemberPrincipal(author)) & officer.Share
				if gained == officer.Share && was.Rights(g.Principal).Has(officer.Read) {
					continue
				}
			}
			if gained != 0 && !(mine.Has(officer.Share) && mine.Has(gained)) {
				t.Fatalf("%q: %s gained %s, of an author with %s", line, id, gained, mine)
			}
			if after.Member(id).Role == officer.RoleGuest && g.Rights.Has(officer.Share) {
				t.Fatalf("%q: a guest shares", line)
			}
		}
		if sharers == 0 && !(was != nil && (was.Orphaned() || byOfficer && revoked[r.ID])) {
			t.Fatalf("%q: nobody shares %s", line, r.ID)
		}
		if was == nil {
			continue
		}
		for _, g := range was.Grants {
			id, _ := g.Principal.Member()
			if !byOfficer && after.Member(id).Role == officer.RoleOfficer && !r.Rights(g.Principal).Has(g.Rights) {
				t.Fatalf("%q: who is no officer took rights from an officer", line)
			}
		}
		renewed := len(r.Epochs) > len(was.Epochs) || r.Epoch().Closed
		if revoked[r.ID] && !renewed {
			t.Fatalf("%q: revoked, and epoch %d goes on", line, r.Epoch().Number)
		}
		for id := range removed {
			if was.Rights(officer.MemberPrincipal(id)) != 0 && !renewed {
				t.Fatalf("%q: a device is gone, and epoch %d goes on", line, r.Epoch().Number)
			}
		}
		if len(r.Epochs) > len(was.Epochs) && r.Rights(officer.MemberPrincipal(author)) == 0 {
			t.Fatalf("%q: who made epoch %d is not granted it", line, r.Epoch().Number)
		}
	}
	for id := range removed {
		is, was := after.Member(id), before.Member(id)
		if !is.KeyClosed && len(is.UserKeys) == len(was.UserKeys) {
			t.Fatalf("%q: a device is gone, and the user key goes on", line)
		}
	}
	devices := 0
	for _, m := range after.Members() {
		for _, id := range m.Devices {
			if !after.Device(id).Removed {
				devices++
			}
		}
		if devices == 0 {
			t.Fatalf("%q: %s has no device", line, m.ID)
		}
		devices = 0
	}
}
