package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
)

// acceptFlags are the questions of an invitation, each with a flag.
type acceptFlags struct {
	from, store, officer, inviter, digits string
	step                                  string // of setup, before who they are is asked
	setupAnswers
}

// whoSees stands beside the questions for name and email.
const whoSees = "Colleagues see this; whoever keeps the store does not."

func newInviteAcceptCommand(a *app) *cobra.Command {
	var f acceptFlags
	c := &cobra.Command{
		Use: "accept --from FILE", Short: "Accept an invitation on this device", Args: secretFromFile,
		Long: `Accept an invitation that somebody gave to you. It is checked first: the
organization's whole log, and who invites. You type from memory the email of the
person who is your firm's security officer, and only then you are shown who
invites you; --confirm-officer gives it where there is no terminal to ask on.

A member who is no officer can make you a guest and nothing else. You are told so,
and asked for the email of that person: --confirm-inviter.

This device gets an identity, if it has none, and belongs to that organization
from then on. Nothing opens until who invited you has compared your safety number
with you and confirmed.

` + keyStoreHelp,
		Example: "underseal invite accept --from invitation.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := a.acceptInvitation(cmd.Context(), f)
			if err == nil && a.json {
				a.printJSON(o, nil)
			}
			return err
		},
	}
	f.addFrom(c)
	c.Flags().StringVar(&f.officer, "confirm-officer", "", "the `EMAIL` of your firm's security officer, from memory")
	c.Flags().StringVar(&f.inviter, "confirm-inviter", "", "the `EMAIL` of who invites you as a guest, from memory")
	c.MarkFlagsMutuallyExclusive("confirm-officer", "confirm-inviter")
	c.Flags().StringVar(&f.digits, "safety-number", "", "the 60 `DIGITS` of the safety number of who invites you, if they gave it to you")
	c.Flags().StringVar(&f.name, "name", "", "your `NAME`, as colleagues know it, if this device has no identity yet")
	c.Flags().StringVar(&f.email, "email", "", "your `EMAIL`, if this device has no identity yet")
	c.Flags().StringVar(&f.device, "device", "", "`LABEL` of this device (default: its host name)")
	a.addKeyStore(c)
	return c
}

func (f *acceptFlags) addFrom(c *cobra.Command) {
	c.Flags().StringVar(&f.from, "from", "", "`FILE` with the line, or - for standard input")
	c.Flags().StringVar(&f.store, "store", "", "`ADDRESS` of the store, where you see it elsewhere than who invites you")
	must(c.RegisterFlagCompletionFunc("from", files))
}

// openInvitation reads a line and verifies what it leads to.
func (a *app) openInvitation(ctx context.Context, f acceptFlags) (i *workspace.Invited, c workspace.Config, done func(), err error) {
	inv, err := a.readInvitation(ctx, f.from)
	if err != nil {
		return nil, c, nil, err
	}
	address, err := lineStore(inv.Store, f.store)
	if err != nil {
		inv.Destroy()
		return nil, c, nil, err
	}
	if _, err := a.prompt(); err == nil { // somebody can see where it leads, and interrupt
		a.say("store          %s", term.Escape(address))
	}
	c, done, err = a.invitedConfig(address, inv)
	if err != nil {
		inv.Destroy()
		return nil, c, nil, err
	}
	if i, err = workspace.OpenInvitation(ctx, c, inv); err != nil {
		done()
		return nil, c, nil, a.whoWasLetIn(err)
	}
	return i, c, done, nil
}

// lineStore is the address to open for an invitation: the one that was given, or
// the line's. Whoever made the line chose that, and it is opened before anything
// is asked: it may not make this computer sign in at another one, as Windows does
// at \\host\share, nor depend on where the command was started.
func lineStore(line, given string) (string, error) {
	if given != "" {
		return storeAddress(given)
	}
	path, err := storePath(line)
	if err == nil && !localFolder(path, runtime.GOOS == "windows") {
		err = fmt.Errorf("%.200q: %w", line, errLineStore)
	}
	return line, err
}

// localFolder tells whether a path is whole, and names a drive where there are
// drives.
func localFolder(path string, windows bool) bool {
	slash := func(at int) bool { return len(path) > at && (path[at] == '/' || path[at] == '\\') }
	if windows {
		return len(path) > 2 && (path[0]|0x20 >= 'a' && path[0]|0x20 <= 'z') && path[1] == ':' && slash(2)
	}
	return strings.HasPrefix(path, "/") && !slash(1)
}

// whoWasLetIn tells somebody whose invitation is spent whether it was they.
func (a *app) whoWasLetIn(err error) error {
	var taken *workspace.InvitationTakenError
	if !errors.As(err, &taken) {
		return err
	}
	if id, _, err := a.loadIdentity(); err == nil && id.Member() == taken.Member {
		return workspace.ErrInvitationSpent
	}
	return withHint(err, "tell your officer at once; if it was you, on another device: underseal device pair, there")
}

func (a *app) invitedConfig(address string, inv *plan.Invitation) (c workspace.Config, done func(), err error) {
	st, err := a.openStore(address, inv.Organization)
	if err != nil {
		return c, nil, withHint(err, "check the path and whether the folder is mounted; where you see it elsewhere than the officer, give --store")
	}
	return workspace.Config{Store: st, Now: a.now}, func() {
		inv.Destroy()
		_ = st.Close() // every write was flushed when it was made
	}, nil
}

type jsonAccepted struct {
	Organization        string    `json:"organization"`
	Fingerprint         string    `json:"fingerprint"`
	Officer             string    `json:"officer"`
	OfficerEmail        string    `json:"officer_email"`
	OfficerSafetyNumber string    `json:"officer_safety_number"`
	InviterRole         string    `json:"inviter_role"` // of the officer, who may be a member that invites a guest
	Role                string    `json:"role"`
	Groups              []string  `json:"groups"`
	Expires             time.Time `json:"expires"`
	SafetyNumber        string    `json:"safety_number"`
}

func (a *app) acceptInvitation(ctx context.Context, f acceptFlags) (out jsonAccepted, err error) {
	home, err := a.home()
	if err != nil {
		return out, err
	}
	i, c, done, err := a.openInvitation(ctx, f)
	if err != nil {
		return out, err
	}
	defer done()
	offer, email, err := a.checkOffer(ctx, i, f)
	if err != nil {
		return out, err
	}
	if _, _, err := a.loadIdentity(); errors.Is(err, errNoIdentity) {
		a.say("%s", strings.TrimPrefix(f.step+" "+whoSees, " "))
		if err := a.setupIdentity(ctx, f.setupAnswers); err != nil {
			return out, err
		}
	} else if err != nil {
		return out, err
	}
	me, err := a.unlock(ctx)
	if err != nil {
		return out, err
	}
	defer me.Lock()
	c.Local, c.Identity = homeDir(home), me
	w, err := i.Accept(ctx, c, email)
	if err != nil {
		return out, err
	}
	defer w.Close()
	a.warnOfStore(w)
	out = jsonAccepted{
		Organization: offer.Name, Fingerprint: officer.FormatFingerprint(offer.Organization), Officer: offer.InviterName, OfficerEmail: offer.InviterEmail,
		OfficerSafetyNumber: officer.SafetyNumber(offer.Inviter), InviterRole: offer.InviterRole.String(), Role: offer.Role.String(), Groups: append([]string{}, offer.Groups...),
		Expires: offer.Expires, SafetyNumber: officer.SafetyNumber(me.Member()),
	}
	lines := safetyLines(me.Member())
	who := "your officer"
	if offer.InviterRole != officer.RoleOfficer {
		who = "who invited you"
	}
	a.say("accepted; nothing opens until %s has confirmed, by %s", who, a.moment(offer.Expires))
	a.say("your safety number, which they compare with you by voice:\n\n    %s\n    %s\n", lines[0], lines[1])
	a.sayUnlock(ctx)
	a.next("underseal invite list, to see whether %s has confirmed", who)
	return out, nil
}

// inviterAttempts bounds how often the email may be mistyped.
const inviterAttempts = 3

// The questions, of an officer and of a member. The second is the easier one for
// somebody who makes an organization of their own, so it says before what comes of
// it: a guest, and nothing that a colleague would be.
const (
	whoIsOfficer = "Who is your firm's security officer? Type their email, from memory:"
	noOfficer    = "Who invites you is no officer of it: you would be a guest there, and nothing else.\nIf it is your own firm's, stop here: its security officer lets you in."
	whoInvites   = "Who invites you as a guest? Type their email, from memory:"
	joinOfficer  = "It is your officer's. If you have it from somewhere else, compare it; they will call you in any case.\nDo you want to join, by this officer's invitation?"
	joinAsGuest  = "It is that of who invites you. If you have it from somewhere else, compare it; they will call you in any case.\nDo you want to join as a guest, by this person's invitation?"
)

// checkOffer asks for the inviter's email before anything is shown, then shows
// who invites and asks whether that is right.
func (a *app) checkOffer(ctx context.Context, i *workspace.Invited, f acceptFlags) (offer workspace.Offer, email string, err error) {
	byOfficer := i.InviterRole() == officer.RoleOfficer
	if given := f.officer + f.inviter; given != "" {
		if f.officer != "" && !byOfficer {
			return offer, "", errNoOfficer
		}
		if offer, err = i.Offer(given); err != nil {
			return offer, "", err
		}
		if f.digits != "" && a.compareSafetyNumber(ctx, offer.Inviter, f.digits, "") != nil {
			return offer, "", errInviterNumber
		}
		a.showOffer(offer)
		lines := safetyLines(offer.Inviter)
		a.say("safety number of the %s:\n    %s\n    %s", offer.InviterRole, lines[0], lines[1])
		return offer, given, nil
	}
	who, join, flag := whoIsOfficer, joinOfficer, "--confirm-officer"
	if !byOfficer {
		who, join, flag = whoInvites, joinAsGuest, "--confirm-inviter"
	}
	p, err := a.prompt()
	if err != nil {
		return offer, "", withHint(err, "give "+flag+" EMAIL, from memory and not from the invitation's mail")
	}
	a.say("The invitation leads to an organization whose log is whole.")
	if !byOfficer {
		a.say("%s", noOfficer)
	}
	for range inviterAttempts {
		if email, err = p.Line(ctx, who); err != nil {
			return offer, "", err
		}
		if offer, err = i.Offer(email); err == nil {
			break
		}
		a.say("%s", err)
	}
	if err != nil {
		return offer, "", err
	}
	a.showOffer(offer)
	if f.digits != "" {
		if a.compareSafetyNumber(ctx, offer.Inviter, f.digits, "") != nil {
			return offer, "", errInviterNumber
		}
	}
	return offer, email, a.compareSafetyNumber(ctx, offer.Inviter, "", join)
}

// showOffer prints what the organization says of itself, each on a line of its
// own.
func (a *app) showOffer(o workspace.Offer) {
	a.say("organization   %s", term.Escape(o.Name))
	a.say("%-14s %s <%s>", o.InviterRole, term.Escape(o.InviterName), term.Escape(o.InviterEmail))
	a.say("you would be   %s", o.Role)
	var groups []string
	for _, g := range o.Groups {
		groups = append(groups, term.Escape(g))
	}
	if len(groups) > 0 {
		a.say("in groups      %s", strings.Join(groups, ", "))
	}
}

func newInviteDeclineCommand(a *app) *cobra.Command {
	var f acceptFlags
	c := &cobra.Command{
		Use: "decline --from FILE", Short: "Decline an invitation", Args: secretFromFile,
		Long: `Decline an invitation: who made it sees that you did, and nobody is let in by it
any more. It needs no identity on this device.`,
		Example: "underseal invite decline --from invitation.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			i, c, done, err := a.openInvitation(ctx, f)
			if err != nil {
				return err
			}
			defer done()
			switch _, _, err := a.loadIdentity(); {
			case errors.Is(err, errNoIdentity):
			case err != nil:
				return err
			default:
				home, err := a.home()
				if err != nil {
					return err
				}
				me, err := a.unlock(ctx)
				if err != nil {
					return err
				}
				defer me.Lock()
				c.Local, c.Identity = homeDir(home), me
			}
			if err := i.Decline(ctx, c); err != nil {
				return err
			}
			if a.json {
				a.printJSON(struct {
					Status string `json:"status"`
				}{workspace.InvitationDeclined.String()}, nil)
			}
			sees := "the officer"
			if i.InviterRole() != officer.RoleOfficer {
				sees = "who invited you"
			}
			a.say("declined; %s sees it", sees)
			return nil
		},
	}
	f.addFrom(c)
	return c
}
