package officer_test

import (
	"fmt"
	"strings"

	"github.com/underseal/underseal/officer"
)

var askingDevices = []string{"fresh", "other", "laptop"}

// recoveryStep is an operation on recovery, with those that it requires.
func (h historian) recoveryStep(author, me string) string {
	switch h.pick([]string{"enrol", "enrol", "enrol", "end", "request", "request", "request", "approve", "approve", "approve", "approve"}) {
	case "enrol":
		var holders []string
		for _, p := range somePeople {
			if m := h.o.State.Member(h.o.Person(p).ID()); h.chance(15) || m != nil && m.Role == officer.RoleOfficer && p != me {
				holders = append(holders, p)
			}
		}
		if len(holders) == 0 {
			holders = []string{"alice"}
		}
		again, plus := "", ""
		if m := h.o.State.Member(h.o.Person(me).ID()); m != nil && m.Enrolment() != nil && h.chance(80) {
			again, plus = "rotate user "+me+"; ", "+"
		}
		return again + fmt.Sprintf("enroll %s%s %s with %s", me, plus, h.pick([]string{"2", "2", "2", "2", "1", "3"}), strings.Join(holders, ","))
	case "end":
		return "unenroll " + h.numbered(me) + "; rotate user " + me
	case "request":
		return "request " + h.numbered(h.enrolled()+"/"+h.pick(askingDevices))
	default:
		person, _, _ := strings.Cut(author, "/")
		return "approve " + h.numbered(h.asking()) + " by " + h.pick([]string{person, person, person, h.person()})
	}
}

// enrolled is mostly somebody who can be recovered.
func (h historian) enrolled() string {
	name := h.person()
	if m := h.o.State.Member(h.o.Person(name).ID()); (m == nil || m.Enrolment() == nil) && h.chance(70) {
		return h.enrolled()
	}
	return name
}

// asking is mostly a device that asks to be somebody's.
func (h historian) asking() string {
	var open []string
	for _, p := range somePeople {
		for _, label := range askingDevices {
			if r := h.o.State.Request(h.o.Author(p + "/" + label).ID()); r != nil && !r.Ended {
				open = append(open, p+"/"+label)
			}
		}
	}
	if len(open) == 0 || h.chance(10) {
		return h.person() + "/" + h.pick(askingDevices)
	}
	return h.pick(open)
}

// takeover is the entry of a device that asks.
func (h historian) takeover() string {
	device := h.asking()
	name, _, _ := strings.Cut(device, "/")
	s := device + ": finish " + h.numbered(device) + "; rotate user " + name + h.taking(h.reach(name)...) + h.takingGroups(h.groupsOf(name)...)
	if h.chance(20) {
		return device + ": " + h.step(device)
	}
	return s
}
