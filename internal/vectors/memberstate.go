package main

// today is the state at the end of the story of members, written out by hand.
func (s *staff) today() *state {
	alice, bob, carol, dora, eve := s.alice.first.id(), s.bob.first.id(), s.carol.first.id(), s.dora.first.id(), s.eve.first.id()
	by := shownSenders
	own := func(p *person, rights uint64, senders []stateSender) stateGrant {
		return stateGrant{Member: p.id(), Rights: rights, Senders: senders}
	}
	removed := func(m stateMember) stateMember {
		m.Removed, m.Closed = true, true
		for i := range m.Devices {
			m.Devices[i].Removed = true
		}
		return m
	}
	fax := shownResource(s.fax, s.shownEpochs(s.fax, false, alice), shownGrants(own(s.alice, 7, by(nil))))
	fax.Ended = true
	team := stateGroup{s.team.id, s.team.label.commitment(), s.shownEpochs(s.team, true, alice, alice), []stateGroupMember{
		{Member: s.alice.id(), Rights: 5, Senders: by(nil)}, {Member: s.bob.id(), Rights: 1, Senders: by(nil)},
	}}
	sortGroupMembers(team.Members)
	return &state{
		Length: int(s.length), Head: s.head, Name: newOpening(textOrganization, "Members LLP").commitment(), Directory: s.directory.id,
		Policy: []uint64{1, 2, 1, 1, 1, 0, 0},
		Members: []stateMember{
			s.shownMember(s.alice, 2, 0, []stateDevice{{ID: alice}}), s.shownMember(s.bob, 1, 0, []stateDevice{{ID: bob}}),
			s.shownMember(s.carol, 3, carolExpires, []stateDevice{{ID: carol}}), removed(s.shownMember(s.dora, 1, 0, []stateDevice{{ID: dora}})),
			removed(s.shownMember(s.eve, 2, 0, []stateDevice{{ID: eve}, {ID: s.evesPhone.id()}})),
		},
		Resources: []stateResource{
			shownResource(s.directory, s.shownEpochs(s.directory, false, alice, alice), shownGrants(own(s.alice, 7, by(nil)), own(s.bob, 3, by(alice, 1)))),
			shownResource(s.phone, s.shownEpochs(s.phone, true, alice, alice), shownGrants(own(s.alice, 7, by(nil)))),
			shownResource(s.address, s.shownEpochs(s.address, false, alice, alice), shownGrants(own(s.alice, 7, by(nil)), stateGrant{Group: s.team.id, Rights: 3, Senders: by(alice, 1)})),
			fax,
			shownResource(s.folder, s.shownEpochs(s.folder, false, eve), shownGrants(own(s.bob, 7, by(eve, 1)))),
		},
		Groups: []stateGroup{
			team,
			{s.solo.id, s.solo.label.commitment(), s.shownEpochs(s.solo, true, dora), []stateGroupMember{}},
		},
		Openings: []stateOpening{},
	}
}
