package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/workspace"
)

func newInviteConfirmCommand(a *app) *cobra.Command {
	var digits string
	c := &cobra.Command{
		Use: "confirm [ID]", Short: "Let somebody in who has accepted", Args: atMostOne("ID"),
		Long: `Let somebody in who has accepted an invitation that you made on this device.
You still have to be allowed to: as an officer, or, for a guest, as a member while
the policy says so. Compare the safety number with them first, by voice or in person: it is what
keeps out whoever has read the line on its way. Give it with --safety-number where
there is no terminal to confirm on. Without an ID it is the only one that was
accepted.

Where two different people have answered, or one answer is no and another yes,
nobody is let in, and the invitation is withdrawn. underseal invite list and
underseal status tell of it from then on.`,
		Example: "underseal invite confirm 1f2e3d4c",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withInvitations(cmd.Context(), func(w *workspace.Workspace) error {
				info, err := findInvitation(cmd.Context(), w, firstArg(args), func(i workspace.InvitationInfo) bool {
					return i.Status == workspace.InvitationAccepted || i.Status == workspace.InvitationContested && !i.Withdrawn
				})
				if err != nil {
					return err
				}
				return a.confirmInvitation(cmd.Context(), w, info, digits)
			})
		},
	}
	c.Flags().StringVar(&digits, "safety-number", "", "the 60 `DIGITS` that they read to you")
	return c
}

func (a *app) confirmInvitation(ctx context.Context, w *workspace.Workspace, info workspace.InvitationInfo, digits string) error {
	if info.Status != workspace.InvitationAccepted {
		m, err := w.ConfirmInvitation(ctx, info.ID, info.Member, false)
		if err != nil {
			return err
		}
		return a.confirmed(w, m, "let in already:") // by a command that ended before it said so
	}
	card := info.Card
	if err := w.CheckCard(ctx, card, info.Role); err != nil {
		return err
	}
	a.say("name    %s", term.Escape(card.Name.Text))
	a.say("email   %s", term.Escape(card.Email.Text))
	a.say("role    %s", info.Role)
	compared := digits != "" || !info.InPerson
	if compared {
		err := a.compareSafetyNumber(ctx, card.Card.ID(), digits,
			"Call them, at a number that you know; they see theirs with: underseal identity show\nDid they read you exactly these digits?")
		if err != nil {
			return err
		}
	}
	m, err := w.ConfirmInvitation(ctx, info.ID, card.Card.ID(), compared)
	if err != nil {
		return err
	}
	return a.confirmed(w, m, "added")
}

// confirmed says who is in by an invitation.
func (a *app) confirmed(w *workspace.Workspace, m workspace.MemberInfo, how string) error {
	if a.json {
		a.printJSON(jsonMemberOf(w, m), nil)
	}
	a.say("%s %s <%s> as %s", how, term.Escape(m.NameText), term.Escape(m.EmailText), m.Role)
	a.next("underseal field grant FIELD --to %s", arg(m.EmailText))
	return nil
}
