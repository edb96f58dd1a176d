package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

var (
	// ErrNoRecovery: the member is not enrolled, so officers cannot bring them
	// back.
	ErrNoRecovery = errors.New("not enrolled into recovery by officers")
	// ErrRequestEnded: a request came to nothing, or was finished.
	ErrRequestEnded = errors.New("the request for recovery has ended")
	// ErrNoRequest: no officer has put the request of this device into the log.
	ErrNoRequest = errors.New("no officer has put the request of this device into the log yet")
	// ErrNoShare: the caller holds no share of that recovery.
	ErrNoShare = errors.New("you hold no share of this recovery")
	// ErrShares: too few shares are there, see ThresholdError.
	ErrShares = errors.New("too few shares to recover anybody")
	// ErrNamedTwice: an officer was chosen twice to hold a share.
	ErrNamedTwice = errors.New("named twice")
	// ErrHolder: who was chosen to hold a share is no officer.
	ErrHolder = errors.New("only officers hold shares of a recovery")
	// ErrWrongShare: a share is not the one that its officer was given.
	ErrWrongShare = errors.New("a share is not that of the enrolment")
	// ErrBelongs: the device is a member's, and needs no recovery.
	ErrBelongs = errors.New("this device belongs to a member already")
)

// RecoveryInfo is a member's present enrolment into recovery.
type RecoveryInfo struct {
	Member    MemberInfo
	Enrolment *officer.Enrolment
	Time      time.Time // when they enrolled, as their clock had it
	Holders   []HolderInfo
	Requests  []RequestInfo // those that have not ended
}

// Left is how many of the holders still are officers.
func (r RecoveryInfo) Left() (n int) {
	for _, h := range r.Holders {
		if h.Counts {
			n++
		}
	}
	return n
}

// HolderInfo is somebody who holds a share.
type HolderInfo struct {
	MemberInfo
	Index  uint64 // of the share, from 1
	Counts bool   // they still are an officer
}

// RequestInfo is a fresh device that asks to be a member's.
type RequestInfo struct {
	*officer.RecoveryRequest
	Of                    MemberInfo // who is to be recovered
	ReasonText, LabelText string     // "" where the caller may not read them
	Requester             MemberInfo // the officer who put it into the log
	Time                  time.Time
	Approved              []HolderInfo // whose share was re-sealed, in order
	Threshold             uint64
	Share                 uint64 // the index of the caller's own share; 0 if they hold none
}

// SafetyNumber is what the caller compares by voice with whoever holds the
// device.
func (r RequestInfo) SafetyNumber() string { return officer.DeviceSafetyNumber(r.Device) }

// Mine tells whether the caller may approve the request and has not.
func (r RequestInfo) Mine() bool {
	return r.Share != 0 && !r.RecoveryRequest.Approved(r.Share) && !r.Ended
}

// RecoveryDue tells whether the policy asks for recovery and the caller is not
// enrolled, or too few of their officers are left.
func (w *Workspace) RecoveryDue() bool {
	m, p := w.Me(), w.state.Policy()
	if m == nil || p.Recovery == 0 {
		return false
	}
	e := m.Enrolment()
	return e == nil || uint64(len(w.state.Holders(e))) < e.Threshold
}

// EnrollRecovery puts the caller's user key into escrow with officers, as many
// of whom as the threshold can bring the caller back. Without emails these are
// all officers but the caller; a threshold of 0 is the policy's. It takes the
// place of an earlier enrolment, replaces the user key that this held, and ends
// the requests for it; one that is the same, and for which nobody asks, is left
// alone. What was sealed to the old user key stays in reach of officers who keep
// shares, and of a device to which they were re-sealed, until its keys are
// rotated. It fails with ErrNamedTwice where the emails name somebody twice.
func (w *Workspace) EnrollRecovery(ctx context.Context, threshold int, emails []string) (RecoveryInfo, error) {
	if err := w.requireMe(); err != nil {
		return RecoveryInfo{}, err
	}
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		holders, err := w.enrolWith(ctx, emails)
		if err != nil {
			return nil, err
		}
		t := threshold
		if t == 0 {
			t = int(w.state.Policy().Recovery)
		}
		if err := plan.CheckThreshold(w.state.Policy(), t, len(holders)); err != nil {
			return nil, err
		}
		if e := w.Me().Enrolment(); e != nil && e.Threshold == uint64(t) && slices.Equal(officersOf(e), holders) && !w.asked(w.me.Member()) {
			return nil, nil
		}
		user, err := w.keys.user(ctx, w.Me().UserKey().Generation)
		if err != nil {
			return nil, err
		}
		return a.Enroll(user, t, holders)
	})
	if err != nil {
		return RecoveryInfo{}, err
	}
	w.keys.relist()
	list, err := w.Recoveries(ctx)
	if err != nil {
		return RecoveryInfo{}, err
	}
	i := slices.IndexFunc(list, func(r RecoveryInfo) bool { return r.Member.ID == w.me.Member() })
	if i < 0 { // somebody ended it between
		return RecoveryInfo{}, ErrNoRecovery
	}
	return list[i], nil
}

// asked tells whether a request to recover a member is open.
func (w *Workspace) asked(m officer.MemberID) bool {
	return slices.ContainsFunc(w.state.Requests(), func(r *officer.RecoveryRequest) bool { return r.Member == m && !r.Ended })
}

func officersOf(e *officer.Enrolment) (list []officer.MemberID) {
	for _, s := range e.Shares {
		list = append(list, s.Officer)
	}
	return list
}

// enrolWith returns the officers with some emails, or all but the caller, in
// the order in which they were let in.
func (w *Workspace) enrolWith(ctx context.Context, emails []string) (list []officer.MemberID, err error) {
	chosen := map[officer.MemberID]bool{}
	for _, email := range emails {
		m, err := w.PresentByEmail(ctx, email)
		switch {
		case err != nil:
			return nil, err
		case m.ID == w.me.Member():
			return nil, fmt.Errorf("%.80q: %w", email, ErrSelf)
		case m.Role != officer.RoleOfficer:
			return nil, fmt.Errorf("%.80q: %w", email, ErrHolder)
		case chosen[m.ID]:
			return nil, fmt.Errorf("%.80q: %w", email, ErrNamedTwice)
		}
		chosen[m.ID] = true
	}
	for _, m := range w.state.Members() {
		if m.Role == officer.RoleOfficer && !m.Removed && m.ID != w.me.Member() && (len(emails) == 0 || chosen[m.ID]) {
			list = append(list, m.ID)
		}
	}
	return list, nil
}

// EndRecovery ends the caller's enrolment and replaces their user key. What was
// sealed to the old one stays in reach of as many officers as the threshold,
// until its keys are rotated.
func (w *Workspace) EndRecovery(ctx context.Context) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	ended := false
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		if w.Me().Enrolment() == nil {
			return nil, ErrNoRecovery
		}
		user, err := w.keys.user(ctx, w.Me().UserKey().Generation)
		if err != nil {
			return nil, err
		}
		ended = true
		return a.EndRecovery(user)
	})
	if err == nil && ended {
		w.keys.relist()
	}
	return err
}

// Recoveries lists the present enrolments, in the order in which the members
// were let in: for an officer everybody's, for others their own.
func (w *Workspace) Recoveries(ctx context.Context) ([]RecoveryInfo, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	people := w.people(ctx)
	requests, err := w.requests(ctx, people)
	if err != nil {
		return nil, err
	}
	var list []RecoveryInfo
	for _, m := range w.state.Members() {
		e := m.Enrolment()
		if e == nil || m.ID != w.me.Member() && w.Me().Role != officer.RoleOfficer {
			continue
		}
		at, err := w.timeAt(ctx, e.Sequence)
		if err != nil {
			return nil, err
		}
		r := RecoveryInfo{Member: people[m.ID], Enrolment: e, Time: at, Holders: w.holders(e, people)}
		for _, q := range requests {
			if q.Member == m.ID && !q.Ended {
				r.Requests = append(r.Requests, q)
			}
		}
		list = append(list, r)
	}
	return list, nil
}

func (w *Workspace) holders(e *officer.Enrolment, people map[officer.MemberID]MemberInfo) (list []HolderInfo) {
	still := w.state.Holders(e)
	for _, s := range e.Shares {
		list = append(list, HolderInfo{MemberInfo: people[s.Officer], Index: s.Index, Counts: slices.Contains(still, s.Officer)})
	}
	return list
}

// timeAt is what the author of an entry said it was.
func (w *Workspace) timeAt(ctx context.Context, sequence uint64) (time.Time, error) {
	list, err := w.read(ctx, sequence, 1)
	if err != nil {
		return time.Time{}, err
	}
	if len(list) != 1 {
		return time.Time{}, ErrRollback
	}
	e, err := officer.DecodeEntry(list[0])
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return e.Time, nil
}

// Requests lists the requests for recovery, those that have ended too, in the
// order in which they were made: for an officer everybody's, for others those
// for themself.
func (w *Workspace) Requests(ctx context.Context) ([]RequestInfo, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	return w.requests(ctx, w.people(ctx))
}

func (w *Workspace) requests(ctx context.Context, people map[officer.MemberID]MemberInfo) (list []RequestInfo, err error) {
	for _, r := range w.state.Requests() {
		if r.Member != w.me.Member() && w.Me().Role != officer.RoleOfficer {
			continue
		}
		e := w.state.Member(r.Member).Enrolments[r.Number-1]
		i := RequestInfo{RecoveryRequest: r, Of: people[r.Member], Threshold: e.Threshold}
		i.Requester = people[w.state.Device(r.By).Member]
		if i.Time, err = w.timeAt(ctx, r.Sequence); err != nil {
			return nil, err
		}
		i.ReasonText, _ = w.Text(ctx, r.Reason, officer.TextReason)
		i.LabelText, _ = w.Text(ctx, r.Record.Label, officer.TextDevice)
		for _, a := range r.Approvals {
			i.Approved = append(i.Approved, w.holders(&e, people)[a.Index-1])
		}
		if s, ok := e.ShareOf(w.me.Member()); ok && w.Me().Role == officer.RoleOfficer {
			i.Share = s.Index
		}
		list = append(list, i)
	}
	return list, nil
}

// RecoveryRequest is what this device, which belongs to nobody, hands to an
// officer: it is the fresh device of somebody who has lost all others.
func (w *Workspace) RecoveryRequest() (officer.RequestFile, error) {
	if w.Me() != nil {
		return officer.RequestFile{}, ErrBelongs
	}
	if d := w.state.Device(w.me.Keys().ID()); d != nil {
		return officer.RequestFile{}, ErrRemoved
	}
	record := w.me.Keys().Record()
	return officer.RequestFile{
		Organization: w.Organization(), Device: record, Label: w.me.DeviceLabel(),
		Acceptance: w.me.Keys().Sign(wire.LabelDevice, officer.RequestPayload(w.Organization(), record.Encode())),
	}, nil
}
