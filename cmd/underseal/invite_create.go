package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/qrterm"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

const (
	deliverPrint = "print"
	deliverMail  = "mail"
)

// inviteFlags are the flags of a new invitation.
type inviteFlags struct {
	role, expires, hint, until string
	groups                     []string
	inPerson                   bool
	deliverFlags
}

func newInviteCreateCommand(a *app) *cobra.Command {
	var f inviteFlags
	c := &cobra.Command{
		Use: "create --role ROLE", Short: "Invite somebody, by a line that they paste", Args: noArgs,
		Long: `Invite somebody. You get one line, which they paste on their device: hand it over,
or have it sent by your own mail server with --deliver mail. It works once, until
it expires. Whoever has it can ask to be let in; nobody is before you confirm.

To confirm you compare their safety number with them, by voice or in person. Only
a line that you hand over in person (--in-person), on paper or from screen to
camera, spares you that.

An officer lets people in and takes care of fields; a member reads what is
granted; a guest, such as outside counsel, sees nobody else's name, and stays, with
--until, to a last day.

Officers invite. Members invite guests, where an officer has said so: underseal
policy set --guests members.`,
		Example: `underseal invite create --role member --for "Bob, new paralegal"
underseal invite create --role member --group litigation --deliver mail \
    --to bob@example.com --smtp-host smtp.example.com --smtp-user alice \
    --smtp-from alice@example.com --smtp-password-file ~/.smtp`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := f.request()
			if err != nil {
				return &usageError{err, cmd}
			}
			return a.withInvitations(cmd.Context(), func(w *workspace.Workspace) error { return a.createInvitation(cmd.Context(), w, f, r) })
		},
	}
	c.Flags().StringVar(&f.role, "role", "", "their `ROLE`, one of officer, member, guest")
	c.Flags().StringArrayVar(&f.groups, "group", nil, "a `GROUP` that you manage, and that they will be in; may be repeated")
	c.Flags().StringVar(&f.until, "until", "", "a guest's last day, a `DATE` such as 2030-12-31")
	c.Flags().StringVar(&f.expires, "expires", "7d", "how long it can be accepted and confirmed: `TIME` such as 12h, 7d")
	c.Flags().StringVar(&f.hint, "for", "", "a `NOTE` for yourself: whom it is for")
	c.Flags().BoolVar(&f.inPerson, "in-person", false, "you hand the line over in person")
	f.add(c)
	required(c, "role")
	choices(c, "role", "officer", "member", "guest")
	return c
}

func (f inviteFlags) request() (r workspace.InvitationRequest, err error) {
	if err := f.check(); err != nil {
		return r, err
	}
	if f.inPerson && f.deliver == deliverMail {
		return r, errors.New("give either --in-person or --deliver mail: a mail passes through many hands")
	}
	r = workspace.InvitationRequest{Groups: f.groups, Hint: strings.TrimSpace(f.hint), InPerson: f.inPerson}
	if r.Hint == "" && f.deliver == deliverMail {
		r.Hint = f.to
	}
	if r.Role, err = officer.ParseRole(f.role); err != nil {
		return r, fmt.Errorf("%w: it is officer, member or guest", err)
	}
	if r.Until, err = parseUntil("--until", f.until); err != nil {
		return r, err
	}
	if !r.Until.IsZero() && r.Role != officer.RoleGuest {
		return r, withHint(errors.New("--until is for guests"), "a last day goes with --role guest; how long the line works is --expires TIME")
	}
	r.Life, err = parseLife(f.expires)
	return r, err
}

// parseLife reads a time such as 30m, 12h or 7d.
func parseLife(s string) (time.Duration, error) {
	var d time.Duration
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.ParseUint(days, 10, 8)
		if err != nil {
			return 0, fmt.Errorf("--expires %.40q: it takes 30m, 12h, 7d", s)
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return 0, fmt.Errorf("--expires %.40q: it takes 30m, 12h, 7d", s)
		}
	}
	if d <= 0 || d > workspace.MaxInvitationLife {
		return 0, workspace.ErrInvitationTime
	}
	return d, nil
}

func (a *app) createInvitation(ctx context.Context, w *workspace.Workspace, f inviteFlags, r workspace.InvitationRequest) error {
	account, err := a.mailAccount(ctx, f.deliverFlags) // before there is anything to deliver
	if err != nil {
		return err
	}
	defer account.Password.Destroy()
	info, err := w.CreateInvitation(ctx, r)
	if err != nil {
		return err
	}
	return a.deliver(ctx, w, info, f.deliverFlags, account)
}

func newInviteShowCommand(a *app) *cobra.Command {
	var f deliverFlags
	c := &cobra.Command{
		Use: "show [ID]", Short: "Show the line of an open invitation once more", Args: atMostOne("ID"),
		Long: `Show the line of an invitation that you made on this device and that nobody has
answered, once more, or send it by mail. Without an ID it is the only open one.`,
		Example: "underseal invite show 1f2e3d4c",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return &usageError{err, cmd}
			}
			return a.withInvitations(cmd.Context(), func(w *workspace.Workspace) error {
				info, err := findInvitation(cmd.Context(), w, firstArg(args), func(i workspace.InvitationInfo) bool { return i.Status == workspace.InvitationPending })
				if err != nil {
					return err
				}
				if info.InPerson && f.deliver == deliverMail {
					return &usageError{errors.New("this invitation is to be handed over in person; make another to send it"), cmd}
				}
				account, err := a.mailAccount(cmd.Context(), f)
				if err != nil {
					return err
				}
				defer account.Password.Destroy()
				return a.deliver(cmd.Context(), w, info, f, account)
			})
		},
	}
	f.add(c)
	return c
}

// atMostOne accepts no argument or one, which is called name in the help.
func atMostOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s takes one %s, and got %d", called(cmd), name, len(args))
		}
		return nil
	}
}

// deliver prints the line of an invitation, or sends it.
func (a *app) deliver(ctx context.Context, w *workspace.Workspace, info workspace.InvitationInfo, f deliverFlags, account mailAccount) error {
	line, err := w.InvitationLine(ctx, info.ID)
	if err != nil {
		return err
	}
	defer line.Destroy()
	id := info.ID.String()[:shortID]
	out := jsonInvitationLine{jsonInvitation: jsonInvitationOf(ctx, w, info), Delivered: f.deliver}
	if f.deliver == deliverMail {
		if err := sendInvitation(ctx, w.Me().Role, info, account, f.to, line); err != nil {
			return withHint(err, fmt.Sprintf("the invitation is made: underseal invite show %s sends it again, underseal invite withdraw %s ends it", id, id))
		}
		a.say("sent invitation %s to %s; it expires on %s", id, term.Escape(f.to), a.moment(info.Expires))
	} else {
		out.Line = string(line.Expose())
		if !a.json {
			a.print("%s", out.Line)
			a.drawInvitation(line)
		}
		a.say("invitation %s, %s, expires on %s; whoever has this line can ask to be let in", id, info.Role, a.moment(info.Expires))
	}
	if a.json {
		a.printJSON(out, nil)
	}
	a.next("underseal invite confirm %s, when they have accepted: underseal invite list shows it", id)
	return nil
}

// drawInvitation shows the line as a QR code, where a person sees the line itself,
// and there is room: who has it put into a file wants no copy on the screen.
func (a *app) drawInvitation(line *secret.Bytes) {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(f) {
		return
	}
	if out, ok := a.output().(*os.File); !ok || !term.IsTerminal(out) {
		return
	}
	code, columns, err := qrterm.Draw(line)
	if err != nil {
		return // the line is there
	}
	defer code.Destroy()
	if columns <= term.Columns(f) {
		_, _ = f.Write(code.Expose()) // as with every line for people
	}
}

func newInviteWithdrawCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "Take an invitation back", Args: oneArg("ID"),
		Long: `Take an invitation back that you made on this device: from then on it lets nobody
in. Everybody sees in the log that one was withdrawn.`,
		Example: "underseal invite withdraw 1f2e3d4c",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withInvitations(cmd.Context(), func(w *workspace.Workspace) error {
				ctx := cmd.Context()
				info, err := findInvitation(ctx, w, args[0], nil)
				if err != nil {
					return err
				}
				if err := w.WithdrawInvitation(ctx, info.ID); err != nil {
					if errors.Is(err, workspace.ErrInvitationSpent) {
						return withHint(err, "who was let in is taken out with: underseal member remove EMAIL")
					}
					return err
				}
				if a.json {
					if info.Withdrawn = true; info.Status != workspace.InvitationContested {
						info.Status = workspace.InvitationWithdrawn
					}
					a.printJSON(jsonInvitationOf(ctx, w, info), nil)
				}
				a.say("withdrew invitation %s", info.ID.String()[:shortID])
				return nil
			})
		},
	}
}
