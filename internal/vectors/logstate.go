package main

import (
	"bytes"
	"slices"
)

// state is what a log says, in the order in which things were added; grants
// are in the order of their principals, openings in that of text and resource.
type state struct {
	Length    int             `json:"length"`
	Head      hx              `json:"head"`
	Name      hx              `json:"name"`
	Directory hx              `json:"directory"`
	Members   []stateMember   `json:"members"`
	Resources []stateResource `json:"resources"`
	Groups    []stateGroup    `json:"groups,omitempty"`
	Policy    []uint64        `json:"policy,omitempty"` // fields 1 to 7, if one was set
	Requests  []stateRequest  `json:"requests,omitempty"`
	Openings  []stateOpening  `json:"openings"`
}

type stateMember struct {
	ID       hx             `json:"id"`
	Role     uint64         `json:"role"`
	Expires  uint64         `json:"expires,omitempty"`
	Name     hx             `json:"name"`
	Email    hx             `json:"email"`
	UserKeys []stateUserKey `json:"user_keys"` // from generation 1
	Closed   bool           `json:"closed"`
	Removed  bool           `json:"removed,omitempty"`
	Devices  []stateDevice  `json:"devices"`

	Enrolments []stateEnrolment `json:"enrolments,omitempty"` // from number 1
}

type stateUserKey struct {
	Commitment hx `json:"commitment"`
	Author     hx `json:"author,omitempty"`
}

type stateDevice struct {
	ID      hx   `json:"id"`
	Removed bool `json:"removed"`
}

type stateResource struct {
	ID     hx           `json:"id"`
	Kind   uint64       `json:"kind"`
	Label  hx           `json:"label"`
	Ended  bool         `json:"ended"`
	Epochs []stateEpoch `json:"epochs"`
	Grants []stateGrant `json:"grants"`
}

type stateEpoch struct {
	Commitment hx   `json:"commitment"`
	Author     hx   `json:"author"`
	Closed     bool `json:"closed"`
}

type stateGrant struct {
	Member  hx            `json:"member,omitempty"`
	Group   hx            `json:"group,omitempty"`
	Rights  uint64        `json:"rights"`
	Senders []stateSender `json:"senders"` // in the order in which they were added
	Helpers []stateSender `json:"helpers,omitempty"`
}

type stateSender struct {
	Device hx     `json:"device"`
	Epoch  uint64 `json:"epoch"`
}

type stateOpening struct {
	Text     hx     `json:"text"`
	Resource hx     `json:"resource"`
	Epoch    uint64 `json:"epoch"`
}

// today is the state at the end of the story, written out by hand.
func (s *scenario) today() *state {
	a, b, c, d := s.alice.id(), s.bob.id(), s.carol.id(), s.dora.id()
	alice, bob, carol, dora := s.alice.first.id(), s.bob.first.id(), s.carol.first.id(), s.dora.first.id()
	epochs, by, grants, member, shown := s.shownEpochs, shownSenders, shownGrants, s.shownMember, shownResource
	to := func(member []byte, rights uint64, senders []stateSender) stateGrant {
		return stateGrant{Member: member, Rights: rights, Senders: senders}
	}
	ended := func(r stateResource) stateResource { r.Ended = true; return r }
	name := newOpening(textOrganization, "Example LLP")
	var openings []stateOpening
	for _, o := range []opening{
		s.directory.label, name, s.alice.name, s.alice.email, s.bob.email, s.carol.name, s.carol.email, s.dora.name, s.dora.email, s.phone.label,
	} {
		openings = append(openings, stateOpening{o.commitment(), s.directory.id, 1})
	}
	openings = append(openings, stateOpening{s.bob.name.commitment(), s.directory.id, 3}, stateOpening{s.phone.label.commitment(), s.phone.id, 1})
	sortOpenings(openings)
	return &state{
		Length: 26, Head: s.head, Name: name.commitment(), Directory: s.directory.id,
		Members: []stateMember{
			member(s.alice, 1, 0, []stateDevice{{ID: alice}, {ID: s.aliceKit.id(), Removed: true}}, alice),
			member(s.bob, 2, 0, []stateDevice{{ID: bob}, {ID: s.bobPhone.id(), Removed: true}}, bob),
			member(s.carol, 3, carolExpires, []stateDevice{{ID: carol}, {ID: s.carolPhone.id(), Removed: true}}, carol),
			member(s.dora, 1, 0, []stateDevice{{ID: dora}}),
		},
		Resources: []stateResource{
			shown(s.directory, epochs(s.directory, true, alice, alice, dora),
				grants(to(a, 7, by(nil)), to(b, 3, by(alice, 1, 3)), to(d, 7, by(alice, 1)))),
			shown(s.phone, epochs(s.phone, true, alice, alice, bob, alice), grants(to(a, 7, by(nil)), to(b, 7, by(alice, 1)))),
			shown(s.address, epochs(s.address, true, alice, alice, alice, alice),
				grants(to(a, 7, by(nil)), to(c, 1, by(alice, 1, 4)), to(d, 3, by(alice, 4)))),
			shown(s.folder, epochs(s.folder, false, bob), grants(to(b, 7, by(nil)), to(c, 3, by(bob, 1)))),
			ended(shown(s.fax, epochs(s.fax, false, alice, alice),
				grants(to(a, 7, by(nil)), to(b, 7, by(alice, 1)), to(c, 3, by(alice, 1)), to(d, 1, by(alice, 1))))),
		},
		Openings: openings,
	}
}

// shownEpochs are a resource's epochs by their authors; the last one is open or not.
func (f *firm) shownEpochs(r *resource, open bool, authors ...[]byte) []stateEpoch {
	var out []stateEpoch
	for i, author := range authors {
		closed := i < len(authors)-1 || !open
		out = append(out, stateEpoch{Commitment: r.key(f, uint64(i)+1).commitment(), Author: author, Closed: closed})
	}
	return out
}

func shownSenders(device []byte, epochs ...uint64) []stateSender {
	out := []stateSender{}
	for _, e := range epochs {
		out = append(out, stateSender{device, e})
	}
	return out
}

// shownGrants puts grants to members before those to groups, by id.
func shownGrants(list ...stateGrant) []stateGrant {
	slices.SortFunc(list, func(x, y stateGrant) int {
		if (x.Group == nil) != (y.Group == nil) {
			return len(x.Group) - len(y.Group)
		}
		return slices.Compare(cat(x.Member, x.Group), cat(y.Member, y.Group))
	})
	return list
}

func (f *firm) shownMember(p *person, role, expires uint64, devices []stateDevice, authors ...[]byte) stateMember {
	keys := []stateUserKey{{Commitment: p.user.commitment()}}
	for i, author := range authors {
		keys = append(keys, stateUserKey{f.userKey(p, uint64(i)+2).commitment(), author})
	}
	return stateMember{
		ID: p.id(), Role: role, Expires: expires, Name: p.name.commitment(), Email: p.email.commitment(), UserKeys: keys, Devices: devices,
	}
}

func shownResource(r *resource, epochs []stateEpoch, grants []stateGrant) stateResource {
	return stateResource{ID: r.id, Kind: r.kind, Label: r.label.commitment(), Epochs: epochs, Grants: grants}
}

func sortOpenings(openings []stateOpening) {
	slices.SortFunc(openings, func(x, y stateOpening) int {
		return bytes.Compare(cat(x.Text, x.Resource), cat(y.Text, y.Resource))
	})
}
