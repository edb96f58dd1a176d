package workspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

var (
	// ErrInvitationExpired: the invitation's time is over.
	ErrInvitationExpired = errors.New("the invitation has expired")
	// ErrInvitationSpent: somebody was let in by the invitation (see
	// [InvitationTakenError]), or it was withdrawn.
	ErrInvitationSpent = errors.New("the invitation was used already, or taken back")
	// ErrInvitationWithdrawn: the invitation was taken back.
	ErrInvitationWithdrawn = errors.New("the invitation was withdrawn")
	// ErrInvitationDeclined: the invited person does not want to be let in.
	ErrInvitationDeclined = errors.New("the invitation was declined")
	// ErrInvitationOpen: nobody has answered the invitation yet.
	ErrInvitationOpen = errors.New("nobody has answered the invitation yet")
	// ErrInvitationContested: two different cards answered one invitation, or a
	// no stands beside a card, so one of the answers may not be that of who was
	// invited. Nobody is let in.
	ErrInvitationContested = errors.New("one invitation has two different answers")
	// ErrInvitationLost: the store does not hold what was left for the
	// invited person.
	ErrInvitationLost = errors.New("the store does not hold this invitation")
	// ErrInvitationStore: the store holds another organization than the one that
	// the invitation is to.
	ErrInvitationStore = errors.New("the store holds another organization than the invitation is to")
	// ErrInviter: who invites is no officer, and no member who may let guests in
	// and offers to do that; or not any more.
	ErrInviter = errors.New("who sent the invitation may not let you in by it")
	// ErrNotOfficer: the email is not that of the officer who invites.
	ErrNotOfficer = errors.New("this is not the email of the officer who invites you")
	// ErrNotInviter: the email is not that of the member who invites.
	ErrNotInviter = errors.New("this is not the email of the person who invites you")
	// ErrNotCompared: the safety number has to be compared first.
	ErrNotCompared = errors.New("the safety number was not compared")
	// ErrInvitationClock: an invitation is open for longer than any is, or was made
	// in the future, so one of two clocks is wrong by days.
	ErrInvitationClock = errors.New("this device's clock, or that of who made the invitation, is far off")
	// ErrInvitations: this device keeps as many invitations as it can.
	ErrInvitations = errors.New("too many invitations are open on this device")
	// ErrInvitationTime: an invitation is open for at least a minute and at
	// most MaxInvitationLife.
	ErrInvitationTime = errors.New("an invitation is open for 1 minute to 30 days")
)

const (
	// InvitationLife is how long an invitation is open if nobody says
	// otherwise.
	InvitationLife = 7 * 24 * time.Hour
	// MaxInvitationLife bounds it: a line that nobody remembers still lets
	// somebody ask to be let in.
	MaxInvitationLife = 30 * 24 * time.Hour
	minInvitationLife = time.Minute
	// maxClockOff is by how much two clocks may differ before an invitation is
	// refused for it.
	maxClockOff = 24 * time.Hour
)

// InvitationTakenError says who was let in by an invitation: somebody else than
// the caller, as far as the caller said who they are. It is an
// [ErrInvitationSpent].
type InvitationTakenError struct{ Member officer.MemberID }

// Error names nobody: the caller may not be allowed to know.
func (*InvitationTakenError) Error() string {
	return "somebody else was let in by your invitation"
}

// Unwrap returns ErrInvitationSpent.
func (*InvitationTakenError) Unwrap() error { return ErrInvitationSpent }

// InvitationStatus is how far an invitation has come.
type InvitationStatus uint8

// What an invitation may be. Contested is seen by who invites alone, taken by
// who was invited.
const (
	InvitationPending   InvitationStatus = iota // nobody has answered
	InvitationAccepted                          // who invites has to confirm
	InvitationDeclined                          // the invited person said no
	InvitationContested                         // two different answers: nobody is let in
	InvitationExpired                           // its time was over first
	InvitationWithdrawn                         // it was taken back
	InvitationJoined                            // somebody was let in
	InvitationTaken                             // somebody else was let in
	InvitationSuspended                         // who invites may not let anybody in by it as things stand
)

// String is the word for the status.
func (s InvitationStatus) String() string {
	words := [...]string{"pending", "accepted", "declined", "contested", "expired", "withdrawn", "joined", "taken", "suspended"}
	if int(s) < len(words) {
		return words[s]
	}
	return "unknown"
}

// err is why an invitation of that status lets nobody in.
func (s InvitationStatus) err() error {
	switch s {
	case InvitationPending:
		return ErrInvitationOpen
	case InvitationDeclined:
		return ErrInvitationDeclined
	case InvitationContested:
		return ErrInvitationContested
	case InvitationExpired:
		return ErrInvitationExpired
	case InvitationWithdrawn:
		return ErrInvitationWithdrawn
	case InvitationJoined, InvitationTaken:
		return ErrInvitationSpent
	case InvitationSuspended:
		return ErrInviter
	default:
		return nil
	}
}

// InvitationRequest says who is invited, and how.
type InvitationRequest struct {
	Role   officer.Role
	Until  time.Time     // when a guest's time ends; zero for never
	Groups []string      // names of groups that the inviter manages
	Life   time.Duration // 0 is InvitationLife
	Hint   string        // for whom it is, to the inviter alone; may be empty
	// InPerson: the line is handed over from hand to hand. Only then may it be
	// confirmed without comparing the safety number.
	InPerson bool
}

// InvitationInfo is an invitation as one side knows it.
type InvitationInfo struct {
	ID       officer.Hash // names it in the log
	Status   InvitationStatus
	Role     officer.Role
	Until    time.Time // when a guest's time ends; zero for never, and unknown to the invited
	Groups   []officer.GroupID
	Hint     string
	InPerson bool
	Created  time.Time
	Expires  time.Time // of the invitation
	// Card is that of who has answered: for InvitationAccepted.
	Card officer.CardFile
	// Member is who has answered, if anybody has; for InvitationTaken, who was
	// let in instead.
	Member officer.MemberID
	// Unreadable counts answers that were passed over: they are sealed to a key
	// of the inviter's that this device cannot open. They may be anybody's.
	Unreadable int
	// Withdrawn: it was taken back, in the log; for InvitationContested, too.
	Withdrawn bool
}

// ClockBehind tells by how much the caller's clock is behind the time that the
// last entry of the log claims. One of the two is wrong then; expiry is judged
// by the caller's.
func (w *Workspace) ClockBehind() time.Duration {
	return max(0, w.state.HeadTime().Sub(w.now()))
}

// CreateInvitation makes an invitation: by an officer, or, of a guest, by a member
// where the policy lets members let guests in (else ErrGuestPolicy). It is kept
// sealed on this device, then its message is left in the store; InvitationLine
// gives the line. One whose message did not get there can be shown again or
// withdrawn.
func (w *Workspace) CreateInvitation(ctx context.Context, r InvitationRequest) (InvitationInfo, error) {
	if err := w.requireInviter(r.Role); err != nil {
		return InvitationInfo{}, err
	}
	if r.Life == 0 {
		r.Life = InvitationLife
	}
	if r.Life < minInvitationLife || r.Life > MaxInvitationLife {
		return InvitationInfo{}, ErrInvitationTime
	}
	if r.Role < officer.RoleOfficer || r.Role > officer.RoleGuest {
		return InvitationInfo{}, officer.ErrRole
	}
	if err := w.checkExpiry(r.Role, r.Until); err != nil {
		return InvitationInfo{}, err
	}
	if r.Hint != "" {
		if err := (officer.Opening{Kind: officer.TextName, Text: r.Hint}).Check(); err != nil || len(r.Hint) > maxHint {
			return InvitationInfo{}, fmt.Errorf("for whom the invitation is: %w", officer.ErrText)
		}
	}
	groups, err := w.invitingGroups(ctx, r.Groups, r.Role)
	if err != nil {
		return InvitationInfo{}, err
	}
	inv, err := plan.NewInvitation(plan.Terms{
		Organization: w.Organization(), Inviter: w.me.Member(), Head: w.state.Head(),
		Expires: w.now().Add(r.Life), Store: w.store.Info().Location,
	})
	if err != nil {
		return InvitationInfo{}, err
	}
	defer inv.Destroy()
	rec := issued{Role: r.Role, Until: expiresAt(r.Until), Groups: groups, Hint: r.Hint, InPerson: number(r.InPerson), Created: unix(w.now())}
	mail, err := w.invitationMessage(ctx, inv, rec)
	if err != nil {
		return InvitationInfo{}, err
	}
	if err := w.keepIssued(inv, rec); err != nil {
		return InvitationInfo{}, err
	}
	if err := w.store.PutMail(ctx, inv.Mailbox(), mail); err != nil {
		return InvitationInfo{}, fmt.Errorf("leave the invitation in the store: %w", err)
	}
	return rec.info(inv), nil
}

// invitingGroups finds groups by name that the caller may let others into, who
// get a role.
func (w *Workspace) invitingGroups(ctx context.Context, names []string, as officer.Role) ([]officer.GroupID, error) {
	list := []officer.GroupID{}
	if len(names) > plan.MaxInvitationGroups {
		return nil, fmt.Errorf("an invitation has at most %d groups: %w", plan.MaxInvitationGroups, ErrInvitations)
	}
	for _, name := range names {
		g, err := w.group(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := w.checkInto(g.ID, as); err != nil {
			return nil, fmt.Errorf("group %.80q: %w", name, err)
		}
		list = append(list, g.ID)
	}
	return list, nil
}

// invitationMessage seals what the invited person, who cannot read the
// directory, is to be shown.
func (w *Workspace) invitationMessage(ctx context.Context, inv *plan.Invitation, rec issued) ([]byte, error) {
	m := plan.InvitationMessage{Role: rec.Role, Name: w.me.Card().Name, Email: w.me.Card().Email}
	var err error
	if m.Organization, err = w.opening(ctx, w.state.Name(), officer.TextOrganization); err != nil {
		return nil, err
	}
	if m.Organization.Text == "" {
		return nil, fmt.Errorf("name of the organization: %w", ErrKeyMissing)
	}
	if m.Name.Text == "" { // a device that was restored without them
		me := w.Me()
		if m.Name, err = w.opening(ctx, me.Name, officer.TextName); err != nil {
			return nil, err
		}
		if m.Email, err = w.opening(ctx, me.Email, officer.TextEmail); err != nil {
			return nil, err
		}
	}
	for _, id := range rec.Groups {
		g := w.state.Group(id)
		if g == nil || g.Ended() {
			continue
		}
		o, err := w.opening(ctx, g.Label, officer.TextGroup)
		if err != nil {
			return nil, err
		}
		m.Groups = append(m.Groups, o)
	}
	return inv.SealMessage(m)
}

// InvitationLine gives the line of an invitation that is still open, once more,
// and leaves its message in the store again if that has lost it.
func (w *Workspace) InvitationLine(ctx context.Context, id officer.Hash) (*secret.Bytes, error) {
	inv, rec, err := w.findIssued(id)
	if err != nil {
		return nil, err
	}
	defer inv.Destroy()
	info, mail, err := w.lookIssued(ctx, inv, rec)
	if err != nil {
		return nil, err
	}
	if info.Status != InvitationPending {
		if err := w.notOpen(info); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("it is answered: %w", ErrTaken)
	}
	if !mail.message {
		b, err := w.invitationMessage(ctx, inv, rec)
		if err != nil {
			return nil, err
		}
		if err := w.store.PutMail(ctx, inv.Mailbox(), b); err != nil {
			return nil, fmt.Errorf("leave the invitation in the store: %w", err)
		}
	}
	return inv.Line(), nil
}

// Invitations lists the invitations that were made on this device, in their
// order, with what has become of them.
func (w *Workspace) Invitations(ctx context.Context) ([]InvitationInfo, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	list, err := w.loadIssued()
	if err != nil {
		return nil, err
	}
	infos := []InvitationInfo{}
	for _, rec := range list {
		inv, err := rec.open()
		if err != nil {
			return nil, err
		}
		info, _, err := w.lookIssued(ctx, inv, rec)
		inv.Destroy()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// WithdrawInvitation takes an invitation back, in the log: whoever answers it
// from then on is let in by nobody. It is fine for one that was withdrawn, and
// fails with ErrInvitationSpent for one by which somebody was let in.
func (w *Workspace) WithdrawInvitation(ctx context.Context, id officer.Hash) error {
	if err := w.requireWithdrawer(); err != nil {
		return err
	}
	inv, rec, err := w.findIssued(id)
	if err != nil {
		return err
	}
	defer inv.Destroy()
	return w.withdraw(ctx, inv, rec)
}

func (w *Workspace) withdraw(ctx context.Context, inv *plan.Invitation, rec issued) error {
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if a.State.InvitationSpent(inv.Hash()) {
			return nil, nil
		}
		return a.WithdrawInvitation(inv.Hash())
	})
	if err != nil {
		return err
	}
	w.sweepInvitation(ctx, inv)
	if w.answeredBy(rec) {
		return ErrInvitationSpent
	}
	return nil
}

// sweepInvitation deletes the mail of an invitation that is spent, as far as
// the store lets: it opens for whoever has the line, and is of no use to them.
func (w *Workspace) sweepInvitation(ctx context.Context, inv *plan.Invitation) {
	list, err := w.store.ListMail(ctx, inv.Mailbox(), maxInvitationMail)
	if err != nil {
		return
	}
	for _, m := range list {
		if w.store.DeleteMail(ctx, inv.Mailbox(), m.ID) != nil {
			return
		}
	}
}

func number(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// unix is a time as it is kept: whole seconds, within what can be printed.
func unix(t time.Time) uint64 { return uint64(min(max(t.Unix(), 0), maxSynced)) }
