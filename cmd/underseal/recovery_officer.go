package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newRecoveryRequestCommand(a *app) *cobra.Command {
	var email, reason string
	c := &cobra.Command{
		Use: "request FILE --for EMAIL --reason TEXT", Short: "Bring a colleague's new device before the officers", Args: oneArg("FILE"),
		Long: `Bring a colleague's new device before the officers, by the file that recovery
start has written. FILE may be - for standard input. Nobody is recovered by it: as
many officers as the threshold approve, each after a call. All officers, and the
colleague's other devices if there are any, see the request and its reason.`,
		Example: `underseal recovery request bob.request --for bob@example.com --reason "laptop and kit burnt"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(reason); err != nil {
				return &usageError{fmt.Errorf("the reason: %w", err), cmd}
			}
			text, err := a.readSmall(args[0], officer.MaxRequestText+1)
			if err != nil {
				return err
			}
			file, err := officer.DecodeRequestFile(text)
			if err != nil {
				return fmt.Errorf("%s: %w", nameOf(args[0]), err)
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				r, err := w.RequestRecovery(cmd.Context(), file, email, strings.TrimSpace(reason))
				if err != nil {
					return err
				}
				if a.json {
					a.printJSON(jsonRecoveryRequestOf(r), nil)
				}
				a.say("asked to recover %s on device %s; %d of these approve: %s", shown(r.Of.EmailText), r.Device.String()[:shortID], r.Threshold, a.approvers(cmd.Context(), w, r))
				if r.Mine() {
					a.next("underseal recovery approve %s, with your colleague on the telephone", r.Device.String()[:shortID])
				}
				a.say("each of the others types: underseal recovery approve")
				return nil
			})
		},
	}
	c.Flags().StringVar(&email, "for", "", "`EMAIL` of the colleague")
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` that tells the other officers why")
	required(c, "for", "reason")
	c.ValidArgsFunction = files
	return c
}

// approvers are those who can approve a request.
func (a *app) approvers(ctx context.Context, w *workspace.Workspace, r workspace.RequestInfo) string {
	x := newWords(ctx, w)
	var names []string
	for _, id := range w.State().Holders(w.State().Member(r.Member).Enrolment()) {
		names = append(names, x.member(id))
	}
	return strings.Join(names, ", ")
}

func newRecoveryApproveCommand(a *app) *cobra.Command {
	var digits string
	c := &cobra.Command{
		Use: "approve [REQUEST]", Short: "Give your share for a colleague's recovery", Args: optionalArg("REQUEST"),
		Long: `Give your share for a colleague's recovery. Call the colleague, on a number that
you know: not one from an email. They read the safety number of their new device
to you, which recovery start has shown. It is what keeps a stranger out who
writes in their name. Give it with --safety-number where there is no terminal to
confirm on.

REQUEST is the beginning of its id, as recovery list shows it; without it, it is
the only one that waits for you.`,
		Example: "underseal recovery approve",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			r, err := findRequest(ctx, w, args)
			if err != nil {
				return err
			}
			if r.Mine() {
				if err := a.confirmRecovery(ctx, r, digits); err != nil {
					return err
				}
			}
			if r, err = w.ApproveRecovery(ctx, r.Device); err != nil {
				return err
			}
			if a.json {
				a.printJSON(jsonRecoveryRequestOf(r), nil)
			}
			a.say("approved; %d of %d officers have", len(r.Approved), r.Threshold)
			if uint64(len(r.Approved)) >= r.Threshold {
				a.next("your colleague types: underseal recovery finish")
			}
			return nil
		}),
	}
	c.Flags().StringVar(&digits, "safety-number", "", "the 60 `DIGITS` that your colleague read to you")
	return c
}

// findRequest finds a request by the beginning of its id, or the only one that
// waits for the caller.
func findRequest(ctx context.Context, w *workspace.Workspace, args []string) (found workspace.RequestInfo, err error) {
	list, err := w.Requests(ctx)
	if err != nil {
		return found, err
	}
	n := 0
	for _, r := range list {
		named := len(args) > 0 && len(args[0]) >= shortID && strings.HasPrefix(r.Device.String(), strings.ToLower(args[0]))
		if named || len(args) == 0 && r.Mine() {
			found, n = r, n+1
		}
	}
	switch {
	case n == 1:
		return found, nil
	case len(args) > 0:
		return found, fmt.Errorf("request %.80q: %w", args[0], errNoneWaits)
	case n == 0:
		return found, errNoneWaits
	default:
		return found, errWhichRequest
	}
}

// confirmRecovery compares the digits that were given, or asks.
func (a *app) confirmRecovery(ctx context.Context, r workspace.RequestInfo, digits string) error {
	a.say("to be recovered  %s <%s>", term.Escape(r.Of.NameText), term.Escape(r.Of.EmailText))
	a.say("because          %s", term.EscapeTo(shown(r.ReasonText), term.MaxShown))
	a.say("asked            by %s on %s", shown(r.Requester.EmailText), day(r.Time))
	a.say("on               %s (%s)", term.EscapeTo(shown(r.LabelText), term.MaxShown), r.Device.String()[:shortID])
	a.say("approved         %d of %d", len(r.Approved), r.Threshold)
	return a.compareDigits(ctx, officer.MemberID(r.Device), digits, errDeviceNumber, "The safety number of the new device:",
		"Call your colleague, on a number that you know.\nDid they read you exactly these digits, and do they want to be recovered?")
}
