package officer_test

import (
	"fmt"
	"sort"
	"strings"

	"github.com/underseal/underseal/officer"
)

// dump writes what a model says, one fact a line.
func (m *model) dump() string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for id, x := range m.members {
		say("member %s %s generation %d closed %v removed %v", id, x.role, x.generation, x.closed, x.removed)
	}
	for id, d := range m.devices {
		say("device %s of %s removed %v", id, d.member, d.removed)
	}
	m.dumpRecovery(say)
	say("policy %+v", m.policy)
	for id, r := range m.resources {
		say("resource %s %s %v epoch %d by %s at %d closed %v ended %v", id, r.kind, r.at, r.epoch, r.openedBy, r.openedAt, r.closed, r.ended)
		for p, rights := range r.rights {
			say("grant %s to %s: %s by %s, %s", id, p, rights, r.senders[p], r.helpers[p])
		}
	}
	for id, g := range m.groups {
		say("group %s epoch %d by %s at %d closed %v", id, g.epoch, g.openedBy, g.openedAt, g.closed)
		for member, rights := range g.rights {
			say("in group %s %s: %s by %s, %s", id, member, rights, g.senders[member], g.helpers[member])
		}
	}
	for place, what := range m.openings {
		say("opening of %s under %s: %s", place.text, place.resource, what)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// dumpState writes the same of a state, by what it answers.
func dumpState(s *officer.State) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	var texts []officer.Hash
	texts = append(texts, s.Name())
	for _, m := range s.Members() {
		texts = append(texts, m.Name, m.Email)
		say("member %s %s generation %d closed %v removed %v", m.ID, m.Role, m.UserKey().Generation, m.KeyClosed, m.Removed)
		for _, id := range m.Devices {
			d := s.Device(id)
			texts = append(texts, d.Record.Label)
			say("device %s of %s removed %v", id, d.Member, d.Removed)
		}
	}
	texts = append(texts, dumpRecovery(s, say)...)
	say("policy %+v", s.Policy())
	for _, r := range s.Resources() {
		texts = append(texts, r.Label)
		e := r.Epoch()
		say("resource %s %s %v epoch %d by %s at %d closed %v ended %v", r.ID, r.Kind, r.Binding, e.Number, e.Author, e.Sequence, e.Closed, r.Ended)
		for _, g := range r.Grants {
			say("grant %s to %s: %s by %s, %s", r.ID, modelKey(g.Principal), g.Rights, senderWords(g.Senders), senderWords(g.Helpers))
		}
	}
	for _, g := range s.Groups() {
		texts = append(texts, g.Label)
		e := g.Epoch()
		say("group %s epoch %d by %s at %d closed %v", g.ID, e.Number, e.Author, e.Sequence, e.Closed)
		for _, x := range g.Members {
			say("in group %s %s: %s by %s, %s", g.ID, modelMemberKey(x.Member), x.Rights, senderWords(x.Senders), senderWords(x.Helpers))
		}
	}
	for _, text := range texts {
		for _, o := range s.Openings(text) {
			say("opening of %s under %s: %d %x", text, o.Resource, o.Epoch, o.Sealed)
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func senderWords(senders []officer.Sender) string {
	var list []string
	for _, x := range senders {
		list = append(list, fmt.Sprintf("%s@%d ", x.Device, x.Epoch))
	}
	sort.Strings(list)
	return strings.Join(list, "")
}
