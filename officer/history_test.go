package officer_test

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

var (
	somePeople    = []string{"alice", "olga", "bob", "carol", "greta"}
	someDevices   = []string{"first", "laptop", "kit"}
	someResources = []string{"phone", "fax", "ssn", "case", "docs", "people"}
	somePlaces    = []string{"12", "99"}
	someGroups    = []string{"team", "board"}
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
		"group", "group", "group", "group", "role", "role or removal", "recovery", "recovery", "recovery",
	}) {
	case "recovery":
		return h.recoveryStep(author, me)
	case "role or removal":
		if h.chance(50) {
			name := h.person()
			return "remove " + name + h.taking(h.reach(name)...) + h.takingGroups(h.groupsOf(name)...)
		}
		fallthrough
	case "role":
		if h.chance(20) {
			return h.policyStep()
		}
		return "make " + h.person() + " " + h.pick([]string{"officer", "member", "guest"})
	case "group":
		return h.groupStep()
	case "member":
		s := fmt.Sprintf("add %s as %s", h.person(), h.pick([]string{"officer", "member", "member", "guest"}))
		if h.chance(30) {
			s += " answering " + h.pick([]string{"one", "two", "three"})
		}
		return s
	case "device":
		return "add device " + me + "/" + h.pick(someDevices)
	case "remove own":
		return "remove device " + h.living(me) + "; rotate user " + me + h.taking(h.reach(me)...) + h.takingGroups(h.groupsOf(me)...)
	case "remove":
		name := h.person()
		return "remove device " + h.living(name) + h.taking(h.reach(name)...) + h.takingGroups(h.groupsOf(name)...)
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
		if h.chance(15) {
			return "rotate " + h.resource() + " from " + h.pick([]string{"1", "1", "2", "3"})
		}
		return "rotate " + h.numbered(h.resource())
	case "close":
		return "close " + h.numbered(h.resource())
	case "grant":
		return fmt.Sprintf("grant %s to %s %s", h.resource(), h.principal(), h.pick(someRights))
	case "revoke":
		name := h.resource()
		return fmt.Sprintf("revoke %s from %s", name, h.principal()) + h.taking(name)
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
		return fmt.Sprintf("reseal %s to %s", h.numbered(h.resource()), h.principal())
	}
}

// line is an entry of one to three steps.
func (h historian) line() string {
	if h.chance(8) {
		return h.takeover()
	}
	author := h.author()
	steps := []string{h.step(author)}
	for h.chance(20) && len(steps) < 3 {
		steps = append(steps, h.step(author))
	}
	return author + ": " + strings.Join(steps, "; ")
}

// principal is somebody, or a group.
func (h historian) principal() string {
	if h.chance(25) {
		return "group " + h.group()
	}
	return h.person()
}

// group is mostly one that there is.
func (h historian) group() string {
	name := h.pick(someGroups)
	if h.o.Group(name) == nil && h.chance(60) {
		return h.group()
	}
	return name
}

// groupsOf are the groups that somebody is in.
func (h historian) groupsOf(person string) (list []string) {
	for _, name := range someGroups {
		if g := h.o.Group(name); g != nil && g.Has(h.o.Person(person).ID()) {
			list = append(list, name)
		}
	}
	return list
}

// takingGroups is what ends the epochs of groups that somebody was in.
func (h historian) takingGroups(groups ...string) string {
	s := ""
	for _, name := range groups {
		if !h.chance(10) {
			s += "; " + h.pick([]string{"rotate", "close"}) + " group " + name
		}
	}
	return s
}

// granted are the resources that a group has rights on.
func (h historian) granted(group string) (list []string) {
	for _, name := range someResources {
		if r := h.o.Resource(name); r != nil && r.Rights(officer.GroupPrincipal(h.o.GroupID(group))) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// groupStep is an operation on a group, with those that it requires.
func (h historian) groupStep() string {
	name := h.group()
	if h.chance(10) {
		name = h.numbered(name)
	}
	plain, _, _ := strings.Cut(name, "@")
	star := func() string { return h.pick([]string{"", "", "*"}) }
	if h.o.Group(plain) == nil {
		var people []string
		for _, p := range somePeople {
			if h.chance(60) {
				people = append(people, p+h.pick([]string{"", "*"}))
			}
		}
		if len(people) == 0 || h.chance(60) {
			people = slices.DeleteFunc(people, func(p string) bool { return strings.HasPrefix(p, "alice") })
			people = append(people, "alice*")
		}
		return "create group " + plain + " of " + strings.Join(people, ",")
	}
	switch h.pick([]string{"join", "join", "take", "take", "rotate", "close", "reseal"}) {
	case "join":
		return "join " + h.person() + star() + " to " + plain
	case "take":
		return "take " + h.person() + " from " + plain + h.takingGroups(plain) + h.taking(h.granted(plain)...)
	case "rotate":
		return "rotate group " + name
	case "close":
		return "close group " + name
	default:
		return "reseal group " + name + " to " + h.person()
	}
}

// policyStep sets a policy, or withdraws an invitation.
func (h historian) policyStep() string {
	switch h.pick([]string{"who", "officers", "recovery", "withdraw"}) {
	case "who":
		return "policy " + h.pick([]string{"fields", "folders", "groups", "guests"}) + "=" + h.pick([]string{"1", "2", "2", "3"})
	case "officers":
		return "policy officers=" + h.pick([]string{"1", "2", "3"})
	case "recovery":
		s := "policy officers=2 recovery=" + h.pick([]string{"0", "1", "2"})
		if h.chance(70) {
			s += " by=" + h.pick([]string{"olga", "bob", "olga,alice"})
		}
		return s
	default:
		return "withdraw " + h.pick([]string{"one", "two", "three"})
	}
}
