package main

// stateEnrolment is an enrolment as a reader shows it.
type stateEnrolment struct {
	Threshold  uint64       `json:"threshold"`
	Commitment hx           `json:"commitment"`
	Generation uint64       `json:"generation"`
	Shares     []stateShare `json:"shares"`
	Author     hx           `json:"author"`
	Ended      bool         `json:"ended"`
}

type stateShare struct {
	Officer    hx `json:"officer"`
	Commitment hx `json:"commitment"`
}

type stateRequest struct {
	Device    hx              `json:"device"`
	Member    hx              `json:"member"`
	Number    uint64          `json:"number"`
	Reason    hx              `json:"reason"`
	By        hx              `json:"by"`
	Approvals []stateApproval `json:"approvals"`
	Ended     bool            `json:"ended"`
}

type stateApproval struct {
	Index uint64 `json:"index"`
	By    hx     `json:"by"`
}

// part is a share by its index.
type part struct {
	Index uint64 `json:"index"`
	Share hx     `json:"share"`
}

func (e escrow) shown(author device, ended bool) stateEnrolment {
	out := stateEnrolment{e.threshold, e.key.commitment(), e.generation, nil, author.id(), ended}
	for i, o := range e.officers {
		out.Shares = append(out.Shares, stateShare{o.id(), e.shares[i].commitment()})
	}
	return out
}

// today is the state at the end of the story of recovery, written out by hand.
func (s *helpers) today() *state {
	alice, bob, dora, eve := s.alice.first.id(), s.bob.first, s.dora.first.id(), s.eve.first.id()
	by := shownSenders
	member := func(p *person, role uint64) stateMember {
		return s.shownMember(p, role, 0, []stateDevice{{ID: p.first.id()}})
	}
	own := func(p *person, rights uint64, senders []stateSender) stateGrant {
		return stateGrant{Member: p.id(), Rights: rights, Senders: senders}
	}
	recovered := s.shownMember(s.bob, 2, 0, []stateDevice{{bob.id(), true}, {s.bobPhone.id(), true}, {ID: s.fresh.id()}}, bob.id(), s.fresh.id())
	recovered.Enrolments = []stateEnrolment{
		s.first.shown(bob, true), s.again.shown(bob, true), s.enrol(s.bob, 3, 3, s.userKey(s.bob, 3), 2, s.dora, s.alice).shown(s.fresh, false),
	}
	greta := s.shownMember(s.greta, 2, 0, []stateDevice{{s.greta.first.id(), true}})
	greta.Removed, greta.Closed = true, true
	greta.Enrolments = []stateEnrolment{s.enrol(s.greta, 1, 1, s.greta.user, 2, s.alice, s.dora).shown(s.greta.first, true)}
	request := func(d device, of *person, number uint64, by []byte, approvals ...stateApproval) stateRequest {
		return stateRequest{d.id(), of.id(), number, reasonOf(d).commitment(), by, append([]stateApproval{}, approvals...), true}
	}
	return &state{
		Length: int(s.length), Head: s.head, Name: newOpening(textOrganization, "Recovery LLP").commitment(), Directory: s.directory.id,
		Policy:  []uint64{1, 2, 1, 1, 2, 2, 0},
		Members: []stateMember{member(s.alice, 1), recovered, member(s.carol, 3), member(s.dora, 1), member(s.eve, 1), greta},
		Resources: []stateResource{
			shownResource(s.directory, s.shownEpochs(s.directory, true, alice), shownGrants(own(s.alice, 7, by(nil)))),
			shownResource(s.phone, s.shownEpochs(s.phone, true, alice, s.fresh.id()), shownGrants(own(s.alice, 7, by(nil)), own(s.bob, 7, by(alice, 1)))),
			shownResource(s.folder, s.shownEpochs(s.folder, false, alice), shownGrants(own(s.alice, 7, by(nil)), own(s.bob, 1, by(alice, 1)))),
		},
		Requests: []stateRequest{
			request(s.fresh, s.bob, 2, alice, stateApproval{2, dora}, stateApproval{3, eve}),
			request(s.second, s.bob, 2, eve), request(s.third, s.greta, 1, alice),
		},
		Openings: []stateOpening{{reasonOf(s.fresh).commitment(), s.directory.id, 1}},
	}
}
