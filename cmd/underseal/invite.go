package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/mail"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
)

func newInviteCommand(a *app) *cobra.Command {
	return noun("invite", "Let people in by a line that they paste", `Let people in by a line that they paste. An officer makes it, or, for a guest, a
member where the policy says so; whoever is invited accepts it on their own
device; who made it compares their safety number with them and confirms.`,
		newInviteCreateCommand(a), newInviteShowCommand(a), newInviteListCommand(a), newInviteConfirmCommand(a), newInviteWithdrawCommand(a),
		newInviteAcceptCommand(a), newInviteDeclineCommand(a))
}

var (
	errNoInvitation    = errors.New("there is no such invitation")
	errNoneOpen        = errors.New("no invitation is open on this device")
	errWhichInvitation = errors.New("several invitations may be meant")
	errInvitationFile  = errors.New("there is not one line of an invitation in it")
	errInvitationBusy  = errors.New("another command of this device works on its invitations")
	errMailPassword    = errors.New("the password of the mail account is missing")
	errLineStore       = errors.New("the invitation leads to a store that is not in a folder of this computer")
	errInviterNumber   = errors.New("this is not the safety number of the person who invites you")
	errNoOfficer       = errors.New("who invites you is no officer of that organization")
)

func inviteRules() []rule {
	const another = "ask your officer for another one"
	return []rule{
		{errNoInvitation, classInput, "see: underseal invite list"},
		{errNoneOpen, classInput, ""},
		{errWhichInvitation, classInput, "say which, by the beginning of its id: underseal invite list"},
		{errInvitationFile, classInput, "paste it whole; it begins with underseal-invite1 and is one line"},
		{errInvitationBusy, classBusy, "wait until it has ended"},
		{errMailPassword, classInput, "give --smtp-password-file FILE; with --smtp-remember it is asked for once"},
		{errLineStore, classInput, "ask your officer, and not by this invitation, where the store is, and give it: --store ADDRESS"},
		{errNoOfficer, classRefused, "if you know who invites you, as a guest: --confirm-inviter EMAIL, from memory; where you are to be a member, do not accept it"},
		{errInviterNumber, classRefused, "ask them for it again; if it differs, somebody else made this invitation: do not accept it"},
		{mail.ErrAccount, classUsage, "give --smtp-host, --smtp-port and --smtp-from"},
		{mail.ErrAddress, classUsage, "an address looks like name@example.com"},
		{mail.ErrNoTLS, classUnavailable, "no password is sent in clear: have TLS turned on there, then send the invitation again: underseal invite show"},
		{mail.ErrSend, classUnavailable, "the invitation is made: underseal invite show sends it again, underseal invite withdraw ends it"},
		{plan.ErrInvitation, classInput, "paste the whole line, as it was sent; if that is what you did, " + another},
		{workspace.ErrInvitationExpired, classInput, "an officer makes another one; if this device's clock is wrong, set it"},
		{workspace.ErrInvitationClock, classInput, "set the clock that is wrong; if it is not this one, ask for another invitation"},
		{workspace.ErrInvitationSpent, classRefused, "each is for one person, once; tell your officer, and ask for another one"},
		{workspace.ErrInvitationWithdrawn, classRefused, "see: underseal invite list"},
		{workspace.ErrInvitationDeclined, classRefused, "if that was a mistake, make another: underseal invite create"},
		{workspace.ErrInvitationOpen, classInput, "wait until they have accepted; see: underseal invite list"},
		{workspace.ErrInvitationContested, classRefused, "somebody else may have the line, and nobody was let in; ask by voice who has answered, and hand the next one over in another way"},
		{workspace.ErrInvitationLost, classRefused, "who made it leaves it there again: underseal invite show; or " + another},
		{workspace.ErrInvitationStore, classRefused, "check --store, and the fingerprint with an officer"},
		{workspace.ErrGuestPolicy, classDenied, "an officer lets members do it: underseal policy set --guests members"},
		{workspace.ErrInviter, classRefused, another + "; do not use this one"},
		{workspace.ErrNotOfficer, classRefused, "if you are sure of your officer's email, somebody else made this invitation: do not accept it"},
		{workspace.ErrNotInviter, classRefused, "if you are sure of their email, somebody else made this invitation: do not accept it"},
		{workspace.ErrNotCompared, classRefused, "call them, and give what they read to you: --safety-number \"DIGITS\""},
		{workspace.ErrInvitations, classInput, "end some: underseal invite withdraw"},
		{workspace.ErrInvitationTime, classUsage, "--expires takes 30m, 12h, 7d"},
	}
}

type jsonInvitation struct {
	ID           string    `json:"id"`
	Status       string    `json:"status"`
	Mine         bool      `json:"mine"` // this device was invited, and has not invited
	Role         string    `json:"role"`
	Until        time.Time `json:"until,omitzero"` // when a guest's time ends
	Groups       []string  `json:"groups"`
	For          string    `json:"for"`
	InPerson     bool      `json:"in_person"`
	Unreadable   int       `json:"unreadable"` // answers that were passed over
	Withdrawn    bool      `json:"withdrawn"`  // in the log; one that is contested, too
	Created      time.Time `json:"created,omitzero"`
	Expires      time.Time `json:"expires"`
	Name         string    `json:"name"`  // of who has accepted
	Email        string    `json:"email"` // of who has accepted
	SafetyNumber string    `json:"safety_number"`
}

type jsonInvitations struct {
	Invitations []jsonInvitation `json:"invitations"`
}

type jsonInvitationLine struct {
	jsonInvitation
	Line      string `json:"line"`
	Delivered string `json:"delivered"`
}

func jsonInvitationOf(ctx context.Context, w *workspace.Workspace, i workspace.InvitationInfo) jsonInvitation {
	j := jsonInvitation{
		ID: i.ID.String(), Status: i.Status.String(), Role: i.Role.String(), Groups: []string{}, For: i.Hint, InPerson: i.InPerson, Unreadable: i.Unreadable, Withdrawn: i.Withdrawn,
		Created: i.Created, Expires: i.Expires, Until: i.Until,
	}
	for _, id := range i.Groups {
		if g := w.State().Group(id); g != nil {
			name, _ := w.Text(ctx, g.Label, officer.TextGroup)
			j.Groups = append(j.Groups, name)
		}
	}
	switch i.Status {
	case workspace.InvitationAccepted:
		if i.Card.Card != nil {
			j.Name, j.Email, j.SafetyNumber = i.Card.Name.Text, i.Card.Email.Text, officer.SafetyNumber(i.Member)
		}
	case workspace.InvitationJoined, workspace.InvitationTaken:
		if m := w.State().Member(i.Member); m != nil {
			j.Name, _ = w.Text(ctx, m.Name, officer.TextName)
			j.Email, _ = w.Text(ctx, m.Email, officer.TextEmail)
			j.SafetyNumber = officer.SafetyNumber(i.Member)
		}
	case workspace.InvitationPending, workspace.InvitationDeclined, workspace.InvitationContested, workspace.InvitationExpired, workspace.InvitationWithdrawn,
		workspace.InvitationSuspended:
		// nobody has come by it
	}
	return j
}

// withInvitations is the body of a command that works on the invitations of
// this device, one command at a time.
func (a *app) withInvitations(ctx context.Context, f func(*workspace.Workspace) error) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	return a.with(ctx, func(w *workspace.Workspace) error {
		lock, err := lockSlot(filepath.Join(home, invitationsLock))
		if errors.Is(err, errSlotTaken) {
			return errInvitationBusy
		} else if err == nil { // where files cannot be locked, commands are run one by one
			defer freeSlot(lock)
		}
		a.warnClockBehind(w, "an invitation has expired")
		return f(w)
	})
}

// invitationsLock is the file in the home folder that is locked meanwhile.
const invitationsLock = "invitations.lock"

// findInvitation finds one by the beginning of its id; without one, the only
// one that wait accepts, or one that is suspended: why, it says when it is tried.
func findInvitation(ctx context.Context, w *workspace.Workspace, id string, wait func(workspace.InvitationInfo) bool) (workspace.InvitationInfo, error) {
	list, err := w.Invitations(ctx)
	if err != nil {
		return workspace.InvitationInfo{}, err
	}
	var found, suspended []workspace.InvitationInfo
	for _, i := range list {
		if id == "" && wait(i) || id != "" && len(id) >= 4 && strings.HasPrefix(i.ID.String(), strings.ToLower(id)) {
			found = append(found, i)
		} else if i.Status == workspace.InvitationSuspended {
			suspended = append(suspended, i)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && id == "":
		return workspace.InvitationInfo{}, errWhichInvitation
	case len(found) > 1:
		return workspace.InvitationInfo{}, withHint(fmt.Errorf("%d invitations: %w", len(found), workspace.ErrAmbiguous), "name one by its id; see: underseal invite list")
	case id == "" && slices.ContainsFunc(list, func(i workspace.InvitationInfo) bool { return i.Status == workspace.InvitationPending }):
		return workspace.InvitationInfo{}, workspace.ErrInvitationOpen
	case id == "" && len(suspended) > 0:
		return suspended[0], nil
	case id == "":
		return workspace.InvitationInfo{}, withHint(errNoneOpen, "underseal invite create --role member; what has become of others: underseal invite list")
	default:
		return workspace.InvitationInfo{}, errNoInvitation
	}
}

func firstArg(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// maxInvitationFile bounds the file with a line: a mail that was saved.
const maxInvitationFile = 256 << 10

// readInvitation finds the one line of an invitation in a file, which may be a
// whole mail that was saved as text, or asks for it.
func (a *app) readInvitation(ctx context.Context, from string) (*plan.Invitation, error) {
	var text *secret.Bytes
	switch from {
	case "":
		p, err := a.prompt()
		if err != nil {
			return nil, withHint(err, "give --from FILE, or --from - for standard input")
		}
		if text, err = p.Secret(ctx, "Paste your invitation (it is not shown), then press Enter:"); err != nil {
			return nil, err
		}
	case "-":
		b, err := io.ReadAll(io.LimitReader(a.stdin, maxInvitationFile))
		if err != nil {
			return nil, err
		}
		text = secret.Take(b)
	default:
		b, err := durable.ReadFile(from, maxInvitationFile)
		if err != nil {
			return nil, err
		}
		text = secret.Take(b)
	}
	defer text.Destroy()
	where := "what was pasted"
	if from != "" {
		where = nameOf(from)
	}
	var line []byte
	for _, word := range bytes.Fields(text.Expose()) {
		if !bytes.HasPrefix(bytes.ToLower(word), []byte(plan.InvitationPrefix+"1")) {
			continue
		}
		if line != nil && !bytes.Equal(line, word) {
			return nil, fmt.Errorf("%s: %w", where, errInvitationFile)
		}
		line = word
	}
	if line == nil {
		return nil, fmt.Errorf("%s: %w", where, errInvitationFile)
	}
	s := secret.New(line)
	defer s.Destroy()
	return plan.ParseInvitation(s)
}

func newInviteListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List invitations, and what has become of them", Args: noArgs,
		Long: `List the invitations that you made on this device, and the one by which you were
invited on it, with what has become of them: pending, accepted, declined,
contested, expired, withdrawn, joined, or suspended: who made it may not let
anybody in by it, as things stand.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withInvitations(cmd.Context(), func(w *workspace.Workspace) error { return a.listInvitations(cmd.Context(), w) })
		},
	}
}

func (a *app) listInvitations(ctx context.Context, w *workspace.Workspace) error {
	out := jsonInvitations{[]jsonInvitation{}}
	if w.Me() != nil {
		list, err := w.Invitations(ctx)
		if err != nil {
			return err
		}
		for _, i := range list {
			out.Invitations = append(out.Invitations, jsonInvitationOf(ctx, w, i))
		}
	}
	mine, found, err := w.AnsweredInvitation(ctx)
	if err != nil {
		return err
	}
	if found {
		j := jsonInvitationOf(ctx, w, mine)
		j.Mine = true
		out.Invitations = append(out.Invitations, j)
	}
	if a.json {
		a.printJSON(out, nil)
		return nil
	}
	if len(out.Invitations) == 0 {
		a.say("there are no invitations on this device")
		if me := w.Me(); me != nil && me.Role == officer.RoleOfficer {
			a.next("underseal invite create --role member")
		}
		return nil
	}
	t := a.table()
	t.row("ID", "FOR", "ROLE", "STATUS", "EXPIRES", "WHO")
	accepted, unreadable, taken := "", "", false
	var contested []jsonInvitation
	for _, i := range out.Invitations {
		who, hint := "", term.Escape(i.For)
		if i.Email != "" {
			who = term.Escape(i.Email)
		}
		switch {
		case i.Mine:
			hint, taken = "(you)", i.Status == workspace.InvitationTaken.String()
		case i.Status == workspace.InvitationAccepted.String():
			accepted = i.ID[:shortID]
		case i.Status == workspace.InvitationContested.String():
			contested = append(contested, i)
		}
		if i.Unreadable > 0 {
			unreadable = i.ID[:shortID]
		}
		t.row(i.ID[:shortID], hint, i.Role, i.Status, a.moment(i.Expires), who)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if unreadable != "" {
		a.warn("an answer to invitation %s is sealed to a key of yours that this device cannot open, and was passed over; it may be anybody's", unreadable)
	}
	for _, i := range contested {
		a.warn("%s", contestedLine(i.ID[:shortID], i.Role, i.Withdrawn))
	}
	if taken {
		a.warn("%s", pendingTaken)
	}
	if accepted != "" {
		a.next("underseal invite confirm %s", accepted)
	}
	return nil
}
