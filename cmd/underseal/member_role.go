package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// memberRules are the rules about members who are there.
func memberRules() []rule {
	return []rule{
		{workspace.ErrMemberRemoved, classInput, "see: underseal member list --all; who comes back is let in with a new card"},
		{workspace.ErrSameRole, classInput, "see: underseal member list"},
		{workspace.ErrSelf, classDenied, "somebody else who may do it does it; to step down: underseal member role EMAIL --role member"},
		{workspace.ErrGuestsOnly, classUsage, hintLastDay},
		{workspace.ErrExpired, classInput, "an officer gives them a day to come: underseal member role EMAIL --role guest --expires DATE; if this device's clock is wrong, set it"},
		{workspace.ErrKeyClosed, classDenied, "they use another device of theirs, or a backup, first"},
		{workspace.ErrLoss, classDenied, "have them first grant it to somebody, with underseal field grant, or type underseal org catch-up; or give --lose"},
		{workspace.ErrRecovery, classDenied, "they enrol again first: underseal recovery enroll; or give --without-recovery"},
	}
}

// errExpires: a last day is for guests.
var errExpires = errors.New("--expires is for guests")

const hintLastDay = "a last day goes with --role guest"

const roleWords = "it is officer, member or guest"

// parseLastDay reads the last day of a guest, in local time, or an exact moment.
func parseLastDay(s string) (time.Time, error) { return parseUntil("--expires", s) }

// parseUntil is parseLastDay of another flag.
func parseUntil(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%s takes a day such as 2030-12-31, the last one, or a time such as 2030-12-31T18:00:00Z", flag)
}

func newMemberRoleCommand(a *app) *cobra.Command {
	var role, expires string
	var meant workspace.Consent
	c := &cobra.Command{
		Use: "role EMAIL --role ROLE", Short: "Give somebody another role, or a guest another last day", Args: oneArg("EMAIL"),
		Long: `Give somebody another role, or a guest another last day. A role hands out no key,
but that of the directory: an officer gets it with all rights, so that they can let
people in and take care of fields that they are granted; a guest no longer reads
names. Who becomes a guest first gives up what guests do not get: sharing, and
managing groups.`,
		Example: `underseal member role dora@example.com --role officer
  underseal member role counsel@example.org --role guest --expires 2030-12-31`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := officer.ParseRole(role)
			if err != nil {
				return &usageError{fmt.Errorf("%w: %s", err, roleWords), cmd}
			}
			until, err := parseLastDay(expires)
			if err == nil && r != officer.RoleGuest && !until.IsZero() {
				err = withHint(errExpires, hintLastDay)
			}
			if err != nil {
				return &usageError{err, cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				return a.changeRole(cmd.Context(), w, args[0], r, until, meant)
			})
		},
	}
	c.Flags().StringVar(&role, "role", "", "their `ROLE`, one of officer, member, guest")
	c.Flags().StringVar(&expires, "expires", "", "a guest's last day, a `DATE` such as 2030-12-31")
	c.Flags().BoolVar(&meant.Recovery, "without-recovery", false, "also where colleagues lose their recovery by it")
	required(c, "role")
	choices(c, "role", "officer", "member", "guest")
	return c
}

// officerFinds is MemberWas for what officers alone do: a guest, who reads no
// emails, is told that it is not theirs to do, and not that nobody is there.
func officerFinds(ctx context.Context, w *workspace.Workspace, email string) (workspace.MemberInfo, error) {
	if err := standing(w); err != nil {
		return workspace.MemberInfo{}, err
	}
	if w.Me().Role != officer.RoleOfficer {
		return workspace.MemberInfo{}, officer.ErrAuthority
	}
	return w.MemberWas(ctx, email)
}

func (a *app) changeRole(ctx context.Context, w *workspace.Workspace, email string, role officer.Role, until time.Time, meant workspace.Consent) error {
	m, err := officerFinds(ctx, w, email)
	if err != nil {
		return err
	}
	before := m.Role
	if !until.IsZero() {
		a.warnClockBehind(w, guestsTime)
	}
	if err := w.ChangeRole(ctx, m.ID, role, until, meant); err != nil {
		return roleHint(ctx, w, err)
	}
	m.Member = w.State().Member(m.ID)
	if a.json {
		a.printJSON(jsonMemberOf(w, m), nil)
	}
	switch {
	case before == role && until.IsZero():
		a.say("%s is a guest for good", term.Escape(email))
	case !until.IsZero():
		a.say("%s is a guest until %s", term.Escape(email), lastDay(until))
	default:
		a.say("%s is %s instead of %s", term.Escape(email), role, before)
	}
	if before != officer.RoleOfficer && role == officer.RoleOfficer {
		a.next("underseal field grant FIELD --to %s --rights share, for what they shall take care of", arg(email))
	}
	if before == officer.RoleOfficer {
		a.say("what they were granted they still read; see: underseal member show %s", arg(email))
	}
	return nil
}

// roleHint says what somebody gives up first.
func roleHint(ctx context.Context, w *workspace.Workspace, err error) error {
	var g *workspace.GuestError
	if !errors.As(err, &g) {
		return err
	}
	x := newWords(ctx, w)
	var list []string
	for _, id := range g.Shares {
		list = append(list, "sharing "+x.fields[id])
	}
	for _, id := range g.Manages {
		list = append(list, "managing group "+shown(groupText(ctx, w, w.State().Group(id))))
	}
	for _, id := range g.Through {
		list = append(list, "being in group "+shown(groupText(ctx, w, w.State().Group(id))))
	}
	return withHint(err, fmt.Sprintf("first end: %s", term.EscapeTo(strings.Join(list, ", "), maxMessage)))
}
