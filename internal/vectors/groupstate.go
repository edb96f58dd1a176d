package main

import (
	"bytes"
	"slices"
)

type stateGroup struct {
	ID      hx                 `json:"id"`
	Label   hx                 `json:"label"`
	Epochs  []stateEpoch       `json:"epochs"`
	Members []stateGroupMember `json:"members"` // in the order of their ids
}

type stateGroupMember struct {
	Member  hx            `json:"member"`
	Rights  uint64        `json:"rights"`
	Senders []stateSender `json:"senders"`
	Helpers []stateSender `json:"helpers,omitempty"`
}

// today is the state at the end of the story of groups, written out by hand.
func (s *teams) today() *state {
	alice, bob, carol, dora, eve := s.alice.first.id(), s.bob.first.id(), s.carol.first.id(), s.dora.first.id(), s.eve.first.id()
	by := shownSenders
	own := func(p *person, rights uint64, senders []stateSender) stateGrant {
		return stateGrant{Member: p.id(), Rights: rights, Senders: senders}
	}
	to := func(g *resource, rights uint64, senders []stateSender) stateGrant {
		return stateGrant{Group: g.id, Rights: rights, Senders: senders}
	}
	in := func(p *person, rights uint64, senders []stateSender) stateGroupMember {
		return stateGroupMember{Member: p.id(), Rights: rights, Senders: senders}
	}
	group := func(g *resource, epochs []stateEpoch, members ...stateGroupMember) stateGroup {
		return stateGroup{g.id, g.label.commitment(), epochs, members}
	}
	helpedBob, helpedTeam := in(s.bob, 5, by(nil)), to(s.team, 3, by(alice, 1))
	helpedBob.Helpers, helpedTeam.Helpers = by(eve, 3), by(bob, 1)
	state := &state{
		Length: int(s.length), Head: s.head, Name: newOpening(textOrganization, "Groups LLP").commitment(), Directory: s.directory.id,
		Members: []stateMember{
			s.shownMember(s.alice, 1, 0, []stateDevice{{ID: alice}}), s.shownMember(s.bob, 2, 0, []stateDevice{{ID: bob}}),
			s.shownMember(s.carol, 3, 0, []stateDevice{{ID: carol}}), s.shownMember(s.dora, 1, 0, []stateDevice{{ID: dora}}),
			s.shownMember(s.eve, 2, 0, []stateDevice{{ID: eve}, {ID: s.evesPhone.id(), Removed: true}}, eve),
		},
		Resources: []stateResource{
			shownResource(s.directory, s.shownEpochs(s.directory, true, alice, alice), shownGrants(
				own(s.alice, 7, by(nil)), own(s.bob, 3, by(alice, 1)), own(s.dora, 7, by(alice, 1)), own(s.eve, 1, by(alice, 1)))),
			shownResource(s.phone, s.shownEpochs(s.phone, true, alice, alice, dora, alice), shownGrants(own(s.alice, 7, by(nil)), helpedTeam)),
			shownResource(s.address, s.shownEpochs(s.address, true, alice, alice), shownGrants(own(s.alice, 7, by(nil)), to(s.board, 1, by(alice, 1)))),
			shownResource(s.folder, s.shownEpochs(s.folder, true, bob, dora), shownGrants(own(s.bob, 7, by(nil)), to(s.team, 5, by(bob, 1)))),
		},
		Groups: []stateGroup{
			group(s.team, s.shownEpochs(s.team, true, alice, bob, bob, dora), in(s.alice, 5, by(nil)), helpedBob, in(s.dora, 1, by(bob, 2))),
			group(s.board, s.shownEpochs(s.board, true, dora, alice), in(s.alice, 5, by(nil))),
			group(s.circle, s.shownEpochs(s.circle, true, alice), in(s.alice, 5, by(nil)), in(s.carol, 1, by(nil)), in(s.bob, 1, by(nil))),
		},
		Openings: []stateOpening{{s.team.label.commitment(), s.directory.id, 1}},
	}
	for _, g := range state.Groups {
		sortGroupMembers(g.Members)
	}
	return state
}

func sortGroupMembers(list []stateGroupMember) {
	slices.SortFunc(list, func(x, y stateGroupMember) int { return bytes.Compare(x.Member, y.Member) })
}
