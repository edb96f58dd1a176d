package officer_test

import (
	"maps"
	"slices"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// modelEnrolment is one of a member's, by number from 1; it is never changed in
// place.
type modelEnrolment struct {
	threshold int
	holders   []officer.MemberID
	author    officer.DeviceID
	ended     bool
}

type modelRequest struct {
	member    officer.MemberID
	number    int
	record    officer.DeviceRecord
	approvals []officer.Approval
	by        officer.DeviceID
	ended     bool
}

// present is the number of a member's present enrolment, or 0.
func (m *model) present(id officer.MemberID) int {
	if n := len(m.enrolments[id]); n > 0 && !m.enrolments[id][n-1].ended {
		return n
	}
	return 0
}

func (m *model) endPresent(id officer.MemberID) {
	n := m.present(id)
	if n == 0 {
		return
	}
	m.enrolments[id] = slices.Clone(m.enrolments[id])
	m.enrolments[id][n-1].ended = true
	for device, r := range m.requests {
		if r.member == id {
			r.ended = true
			m.requests[device] = r
		}
	}
}

func (m *model) isStillOfficer(id officer.MemberID) bool {
	return m.members[id].role == officer.RoleOfficer && !m.members[id].removed
}

// begin finds who the author is: a member, or a device that only asks.
func (m *model) begin() {
	if r, asks := m.requests[m.author]; asks && !r.ended {
		m.nobody, m.me, m.role = true, officer.MemberID{}, m.members[r.member].role
		return
	}
	d, ok := m.devices[m.author]
	must(ok && !d.removed, 9)
	m.nobody, m.me, m.role = false, d.member, m.members[d.member].role
}

func (m *model) recoveryOperation(op officer.Operation) {
	switch o := op.(type) {
	case *officer.RecoveryEnrolled:
		m.enrol(o)
	case *officer.RecoveryEnded:
		must(o.Member == m.me, 11)
		must(m.present(m.me) != 0 && m.present(m.me) == int(o.Number), 15)
		m.endPresent(m.me)
		m.userKeyOwed = true
	case *officer.RecoveryRequested:
		must(o.Member != m.me, 11)
		m.there(o.Member)
		n := m.present(o.Member)
		must(n != 0, 15)
		must(n == int(o.Number), 16)
		var d officer.DeviceRecord
		must(wire.Unmarshal(o.Device, &d, wire.MaxCard) == nil, 5)
		must(pubkey.Verify(d.Signing, wire.LabelDevice, officer.AcceptancePayload(m.org, officer.MemberID{}, o.Device), o.Acceptance) == nil, 5)
		must(d.Kind == officer.DeviceInstallation, 5)
		_, known := m.devices[d.ID()]
		_, asked := m.requests[d.ID()]
		must(!known && !asked, 14)
		m.claimText(o.Reason)
		m.claimDevice(d)
		m.requests[d.ID()] = modelRequest{member: o.Member, number: n, record: d, by: m.author}
	case *officer.RecoveryApproved:
		r, known := m.requests[o.Device]
		must(known && !r.ended && r.member == o.Member, 15)
		must(r.number == int(o.Number), 16)
		holders := m.enrolments[r.member][r.number-1].holders
		must(o.Index >= 1 && int(o.Index) <= len(holders) && holders[o.Index-1] == m.me, 15)
		must(!slices.ContainsFunc(r.approvals, func(a officer.Approval) bool { return a.Index == o.Index }), 15)
		r.approvals = append(slices.Clone(r.approvals), officer.Approval{Index: o.Index, By: m.author})
		m.requests[o.Device] = r
	case *officer.RecoveryFinished:
		m.finish(o)
	}
}

func (m *model) enrol(o *officer.RecoveryEnrolled) {
	must(o.Member == m.me, 11)
	me := m.members[m.me]
	must(int(o.Number) == len(m.enrolments[m.me])+1, 16)
	must(int(o.Generation) == me.generation && !me.closed, 16)
	must(m.policy.Recovery != 0 && o.Threshold >= m.policy.Recovery && int(o.Threshold) <= len(o.Shares) && len(o.Shares) <= 255, 5)
	must(len(o.Sealed) == 72, 5)
	m.claimKey(o.Commitment)
	e := modelEnrolment{threshold: int(o.Threshold), author: m.author}
	for i, x := range o.Shares {
		must(int(x.Index) == i+1, 5)
		must(m.isStillOfficer(x.Officer) && x.Officer != m.me && !slices.Contains(e.holders, x.Officer), 15)
		e.holders = append(e.holders, x.Officer)
		m.claimKey(x.Commitment)
	}
	must(m.present(m.me) == 0, 20)
	m.enrolments[m.me] = append(slices.Clone(m.enrolments[m.me]), e)
}

func (m *model) finish(o *officer.RecoveryFinished) {
	r := m.requests[m.author]
	must(o.Member == r.member && o.Device == m.author, 15)
	must(int(o.Number) == r.number, 16)
	e := m.enrolments[r.member][r.number-1]
	n := 0
	for _, a := range r.approvals {
		if m.isStillOfficer(e.holders[a.Index-1]) {
			n++
		}
	}
	must(n >= e.threshold, 11)
	for id, d := range m.devices {
		if d.member == r.member {
			m.devices[id] = modelDevice{member: d.member, removed: true}
		}
	}
	m.devices[m.author] = modelDevice{member: r.member}
	m.endPresent(r.member)
	m.nobody, m.me = false, r.member
	m.userKeyOwed = true
	m.oweReach(r.member)
}

func (m *model) dumpRecovery(say func(string, ...any)) {
	for id, list := range m.enrolments {
		for i, e := range list {
			say("enrolment %d of %s: %d of %v by %s ended %v", i+1, id, e.threshold, e.holders, e.author, e.ended)
		}
	}
	for id, r := range m.requests {
		say("request %s for %s, enrolment %d, by %s ended %v: %s", id, r.member, r.number, r.by, r.ended, approvalWords(r.approvals))
	}
}

func approvalWords(list []officer.Approval) (words []string) {
	for _, a := range list {
		words = append(words, string(rune('0'+a.Index))+" "+a.By.String())
	}
	return words
}

func dumpRecovery(s *officer.State, say func(string, ...any)) (texts []officer.Hash) {
	for _, m := range s.Members() {
		for _, e := range m.Enrolments {
			var holders []officer.MemberID
			for _, x := range e.Shares {
				holders = append(holders, x.Officer)
			}
			say("enrolment %d of %s: %d of %v by %s ended %v", e.Number, m.ID, e.Threshold, holders, e.Author, e.Ended)
		}
	}
	for _, r := range s.Requests() {
		say("request %s for %s, enrolment %d, by %s ended %v: %s", r.Device, r.Member, r.Number, r.By, r.Ended, approvalWords(r.Approvals))
		texts = append(texts, r.Reason)
		if s.Device(r.Device) == nil {
			texts = append(texts, r.Record.Label)
		}
	}
	return texts
}

func (m *model) cloneRecovery(c *model) {
	c.enrolments, c.requests = maps.Clone(m.enrolments), maps.Clone(m.requests)
}
