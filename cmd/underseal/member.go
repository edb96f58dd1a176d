package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newMemberCommand(a *app) *cobra.Command {
	return noun("member", "The people of your organization", "The people of your organization: let them in, show them, change what they are, remove them.",
		newMemberAddCommand(a), newMemberListCommand(a), newMemberShowCommand(a), newMemberRoleCommand(a), newMemberRemoveCommand(a))
}

func newMemberAddCommand(a *app) *cobra.Command {
	var role, digits, expires string
	c := &cobra.Command{
		Use: "add CARD --role ROLE", Short: "Let somebody in, by their card", Args: oneArg("CARD"),
		Long: `Let somebody in, by their card. Compare the safety number with the card's owner,
by voice or in person: it is what keeps somebody else's card out. Give it with
--safety-number where there is no terminal to confirm on. CARD may be - for
standard input.

An officer lets people in and takes care of fields; a member reads what is
granted; a guest, such as outside counsel, sees nobody else's name.`,
		Example: "underseal member add bob.card --role member",
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
			card, err := a.readCard(args[0])
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				return a.addMember(cmd.Context(), w, card, r, until, digits)
			})
		},
	}
	c.Flags().StringVar(&role, "role", "", "their `ROLE`, one of officer, member, guest")
	c.Flags().StringVar(&digits, "safety-number", "", "the 60 `DIGITS` that the card's owner read to you")
	c.Flags().StringVar(&expires, "expires", "", "a guest's last day, a `DATE` such as 2030-12-31")
	required(c, "role")
	choices(c, "role", "officer", "member", "guest")
	c.ValidArgsFunction = files
	return c
}

func (a *app) readCard(name string) (card officer.CardFile, err error) {
	text, err := a.readSmall(name, 4*wire.MaxCard) // the text form is a third larger, and has lines
	if err != nil {
		return card, err
	}
	if card, err = officer.DecodeCardFile(text); err != nil {
		return card, fmt.Errorf("%s: %w", nameOf(name), err)
	}
	return card, nil
}

// readSmall reads an input of at most so many bytes; "-" is standard input.
func (a *app) readSmall(name string, most int64) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(a.stdin, most))
	}
	return durable.ReadFile(name, most)
}

func (a *app) addMember(ctx context.Context, w *workspace.Workspace, card officer.CardFile, role officer.Role, until time.Time, digits string) error {
	if w.Me() != nil && w.State().Member(card.Card.ID()) != nil {
		return fmt.Errorf("%s: %w", term.Escape(card.Email.Text), errMember)
	}
	if err := w.CheckCard(ctx, card, role); err != nil {
		return err
	}
	if err := a.confirmSafetyNumber(ctx, card, digits); err != nil {
		return err
	}
	if !until.IsZero() {
		a.warnClockBehind(w, guestsTime)
	}
	var err error
	if role == officer.RoleGuest {
		err = w.AddGuest(ctx, card, until)
	} else {
		err = w.AddMember(ctx, card, role)
	}
	if err != nil {
		return err
	}
	if a.json {
		m := w.State().Member(card.Card.ID())
		a.printJSON(jsonMemberOf(w, workspace.MemberInfo{Member: m, NameText: card.Name.Text, EmailText: card.Email.Text}), nil)
	}
	a.say("added %s <%s> as %s", term.Escape(card.Name.Text), term.Escape(card.Email.Text), role)
	a.next("underseal field grant FIELD --to %s", arg(card.Email.Text))
	return nil
}

// confirmSafetyNumber compares the digits that were given, or asks.
func (a *app) confirmSafetyNumber(ctx context.Context, card officer.CardFile, digits string) error {
	if digits == "" { // before the question, and not within it (attack 5)
		a.say("The card is of: %s <%s>", term.Escape(card.Name.Text), term.Escape(card.Email.Text))
	}
	return a.compareSafetyNumber(ctx, card.Card.ID(), digits,
		"Call its owner, who sees the number with: underseal identity show\nDid they read you exactly these digits?")
}

type jsonMember struct {
	Member       string     `json:"member"`
	Name         string     `json:"name"`
	Email        string     `json:"email"`
	Role         string     `json:"role"`
	Expires      *time.Time `json:"expires,omitempty"`
	Expired      bool       `json:"expired"`
	Removed      bool       `json:"removed"`
	Devices      int        `json:"devices"`
	Closed       bool       `json:"closed"`
	SafetyNumber string     `json:"safety_number"`
}

type jsonMembers struct {
	Members []jsonMember `json:"members"`
}

func jsonMemberOf(w *workspace.Workspace, m workspace.MemberInfo) jsonMember {
	j := jsonMember{
		Member: m.ID.String(), Name: m.NameText, Email: m.EmailText, Role: m.Role.String(), Expired: w.Expired(m.Member),
		Removed: m.Removed, Devices: len(m.Devices), Closed: m.KeyClosed, SafetyNumber: officer.SafetyNumber(m.ID),
	}
	if m.Expires != 0 {
		t := time.Unix(int64(m.Expires), 0).UTC() // at most the end of the year 9999
		j.Expires = &t
	}
	return j
}

// role is the role in a table.
func (j jsonMember) role() string {
	switch {
	case j.Removed:
		return "removed (" + j.Role + ")"
	case j.Expired:
		return j.Role + ", time is over"
	case j.Expires != nil:
		return j.Role + " until " + lastDay(*j.Expires)
	default:
		return j.Role
	}
}

func newMemberListCommand(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the people of your organization", Args: noArgs,
		Long: `List the people of your organization, with --all also those who were removed. With
--json the whole safety numbers are there, to be compared again.`,
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			out := jsonMembers{[]jsonMember{}}
			for _, m := range w.Members(ctx) {
				if all || !m.Removed {
					out.Members = append(out.Members, jsonMemberOf(w, m))
				}
			}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			t := a.table()
			t.row("NAME", "EMAIL", "ROLE", "DEVICES", "SAFETY NUMBER")
			for _, m := range out.Members {
				t.row(shown(m.Name), shown(m.Email), m.role(), fmt.Sprint(m.Devices), m.SafetyNumber[:11]+" …")
			}
			if err := t.flush(); err != nil {
				return err
			}
			if me := w.Me(); me != nil && me.Role == officer.RoleOfficer {
				over := w.ExpiredGuests(ctx)
				if len(over) > 0 {
					a.warnGuestClock(w)
				}
				for _, g := range over {
					a.next("underseal member remove %s, whose time as a guest is over", arg(g.EmailText))
				}
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "also those who were removed")
	return c
}
