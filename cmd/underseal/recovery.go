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
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace"
)

func newRecoveryCommand(a *app) *cobra.Command {
	return noun("recovery", "Bring back a colleague, by several officers together", `Bring back a colleague who has lost every device and backup, by several officers
together. Who wants to be brought back enrols before: recovery enroll. Then

  the colleague, on a new device:   underseal recovery start --out me.request
  an officer, with that file:       underseal recovery request me.request --for EMAIL --reason TEXT
  each officer, after a call:       underseal recovery approve
  the colleague again:              underseal recovery finish

Each step is in the log, where every officer sees it.`,
		newRecoveryEnrollCommand(a), newRecoveryEndCommand(a), newRecoveryListCommand(a),
		newRecoveryStartCommand(a), newRecoveryRequestCommand(a), newRecoveryApproveCommand(a), newRecoveryFinishCommand(a))
}

var (
	errDeviceNumber = errors.New("the safety number is not that of the device")
	errWhichRequest = errors.New("several requests wait for you")
	errNoneWaits    = errors.New("no request waits for you")
)

func recoveryRules() []rule {
	return []rule{
		{errDeviceNumber, classRefused, "read the digits again with your colleague, by voice; if they differ, approve nothing"},
		{errWhichRequest, classInput, "say which, by the beginning of its id: underseal recovery list"},
		{errNoneWaits, classInput, "see: underseal recovery list"},
		{workspace.ErrNoRecovery, classDenied, "they enrol before anything is lost: underseal recovery enroll; a backup brings back too: underseal backup restore"},
		{workspace.ErrRequestEnded, classInput, "ask again with a new device: underseal recovery start, with UNDERSEAL_HOME set to an empty folder"},
		{workspace.ErrNoRequest, classInput, "an officer types: underseal recovery request FILE --for EMAIL"},
		{workspace.ErrNamedTwice, classUsage, "name each officer once, or nobody for all of them"},
		{workspace.ErrHolder, classInput, "see who is an officer: underseal member list"},
		{workspace.ErrWrongShare, classRefused, ""},
		{workspace.ErrShares, classDenied, ""},
		{workspace.ErrNoShare, classDenied, "see who holds one: underseal recovery list"},
		{workspace.ErrBelongs, classSetup, "set UNDERSEAL_HOME to an empty folder for a new device"},
		{officer.ErrRequest, classInput, "ask for the file again: underseal recovery start"},
		{plan.ErrThreshold, classInput, "see what is asked for: underseal policy show; and who is an officer: underseal member list"},
		{plan.ErrNoEscrow, classError, "use a newer underseal"},
	}
}

type jsonHolder struct {
	Share  uint64 `json:"share"`
	Email  string `json:"email"`
	Member string `json:"member"`
	Counts bool   `json:"counts"`
}

type jsonRecovery struct {
	Email     string       `json:"email"`
	Member    string       `json:"member"`
	Number    uint64       `json:"number"`
	Threshold uint64       `json:"threshold"`
	Left      int          `json:"left"`
	Enrolled  time.Time    `json:"enrolled"`
	Holders   []jsonHolder `json:"holders"`
}

type jsonRecoveries struct {
	Recoveries []jsonRecovery        `json:"recoveries"`
	Requests   []jsonRecoveryRequest `json:"requests"`
}

type jsonRecoveryRequest struct {
	Request      string       `json:"request"`
	For          string       `json:"for"`
	Member       string       `json:"member"`
	Reason       string       `json:"reason"`
	Label        string       `json:"label"`
	By           string       `json:"by"`
	Time         time.Time    `json:"time"`
	SafetyNumber string       `json:"safety_number"`
	Threshold    uint64       `json:"threshold"`
	Approved     []jsonHolder `json:"approved"`
	Mine         bool         `json:"mine"`
	Ended        bool         `json:"ended"`
}

func jsonHolders(list []workspace.HolderInfo) []jsonHolder {
	out := []jsonHolder{}
	for _, h := range list {
		out = append(out, jsonHolder{Share: h.Index, Email: h.EmailText, Member: h.ID.String(), Counts: h.Counts})
	}
	return out
}

func jsonRecoveryOf(r workspace.RecoveryInfo) jsonRecovery {
	return jsonRecovery{
		Email: r.Member.EmailText, Member: r.Member.ID.String(), Number: r.Enrolment.Number, Threshold: r.Enrolment.Threshold,
		Left: r.Left(), Enrolled: r.Time, Holders: jsonHolders(r.Holders),
	}
}

func jsonRecoveryRequestOf(r workspace.RequestInfo) jsonRecoveryRequest {
	return jsonRecoveryRequest{
		Request: r.Device.String(), For: r.Of.EmailText, Member: r.Member.String(), Reason: r.ReasonText, Label: r.LabelText,
		By: r.Requester.EmailText, Time: r.Time, SafetyNumber: r.SafetyNumber(), Threshold: r.Threshold,
		Approved: jsonHolders(r.Approved), Mine: r.Mine(), Ended: r.Ended,
	}
}

func newRecoveryEnrollCommand(a *app) *cobra.Command {
	var threshold int
	var emails []string
	c := &cobra.Command{
		Use: "enroll", Short: "Let several officers together bring you back", Args: noArgs,
		Long: `Let several officers together bring you back, should you lose every device and
backup. Your key is split among them: as many as the threshold open it together,
one fewer opens nothing. An organization that wants it says so in its policy:
underseal policy set --recovery.

Type it again to change officers or threshold, or to end a request in your name
that is not yours. Your key is replaced by that; what was encrypted for you before
stays in reach of as many officers as the threshold who kept their shares, until
its own keys change: underseal field rotate. It is renewed by itself whenever your
key changes.`,
		Example: "underseal recovery enroll --threshold 2",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("threshold") && threshold < 1 {
				return &usageError{errors.New("--threshold is a number of officers, from 2"), cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				r, err := w.EnrollRecovery(cmd.Context(), threshold, emails)
				if errors.Is(err, workspace.ErrSelf) {
					return withHint(err, "name officers other than yourself: who has lost everything has lost their own share too")
				} else if err != nil {
					return err
				}
				if a.json {
					a.printJSON(jsonRecoveryOf(r), nil)
				}
				a.say("any %d of these can bring you back together: %s", r.Enrolment.Threshold, holderNames(r.Holders))
				a.next("underseal backup create, if you have none: it brings you back alone, and at once")
				return nil
			})
		},
	}
	c.Flags().IntVar(&threshold, "threshold", 0, "`NUMBER` of officers that it takes (default: what the policy asks for)")
	c.Flags().StringArrayVar(&emails, "officer", nil, "`EMAIL` of an officer who shall hold a share; repeat it (default: all)")
	return c
}

// holderNames lists holders with their shares, those who no longer count too.
func holderNames(list []workspace.HolderInfo) string {
	var names []string
	for _, h := range list {
		name := fmt.Sprintf("%s (share %d", shown(h.EmailText), h.Index)
		if !h.Counts {
			name += ", no officer any more"
		}
		names = append(names, name+")")
	}
	return strings.Join(names, ", ")
}

func newRecoveryEndCommand(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "end", Short: "Take back that officers can bring you back", Args: noArgs,
		Long: `Take back that officers can bring you back, and change your key. What was
encrypted for you before stays in reach of as many officers as the threshold who
kept their shares, until its own keys change: underseal field rotate.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.canConfirm(yes); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if err := a.confirm(cmd.Context(), yes, "Officers can no longer bring you back then. End it?"); err != nil {
					return err
				}
				if err := w.EndRecovery(cmd.Context()); err != nil {
					return err
				}
				if a.json {
					a.printJSON(struct {
						Ended bool `json:"ended"`
					}{true}, nil)
				}
				a.say("officers can no longer bring you back")
				a.next("underseal backup create")
				return nil
			})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func newRecoveryListCommand(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "Show who can be brought back by whom, and who asks for it", Args: noArgs,
		Long: `Show who can be brought back by whom, and who asks for it: as an officer
everybody's, otherwise your own. With --all requests that have ended too.`,
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			list, err := w.Recoveries(ctx)
			if err != nil {
				return err
			}
			requests, err := w.Requests(ctx)
			if err != nil {
				return err
			}
			out := jsonRecoveries{[]jsonRecovery{}, []jsonRecoveryRequest{}}
			for _, r := range list {
				out.Recoveries = append(out.Recoveries, jsonRecoveryOf(r))
			}
			var open []workspace.RequestInfo
			for _, r := range requests {
				if all || !r.Ended {
					open, out.Requests = append(open, r), append(out.Requests, jsonRecoveryRequestOf(r))
				}
			}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			return a.showRecoveries(list, open)
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "requests that have ended too")
	return c
}

func (a *app) showRecoveries(list []workspace.RecoveryInfo, requests []workspace.RequestInfo) error {
	if len(list) == 0 {
		a.say("there are no enrolments yet")
	} else if err := a.showEnrolled(list); err != nil {
		return err
	}
	if len(requests) == 0 {
		return nil
	}
	if len(list) > 0 {
		a.print("")
	}
	return a.showRequests(requests)
}

func (a *app) showEnrolled(list []workspace.RecoveryInfo) error {
	t := a.table()
	t.row("WHO", "TAKES", "OFFICERS", "SINCE")
	for _, r := range list {
		takes := fmt.Sprintf("%d of %d", r.Enrolment.Threshold, r.Left())
		if uint64(r.Left()) < r.Enrolment.Threshold {
			takes += ", too few"
		}
		t.row(shown(r.Member.EmailText), takes, holderNames(r.Holders), day(r.Time))
	}
	return t.flush()
}

func (a *app) showRequests(requests []workspace.RequestInfo) error {
	t := a.table()
	t.row("REQUEST", "FOR", "WHY", "ASKED BY", "APPROVED", "STATE")
	waits := ""
	for _, r := range requests {
		id, state := r.Device.String()[:shortID], "open"
		switch {
		case r.Ended:
			state = "ended"
		case r.Mine():
			state, waits = "waits for you", id
		}
		t.row(id, shown(r.Of.EmailText), term.EscapeTo(shown(r.ReasonText), term.MaxShown), shown(r.Requester.EmailText),
			fmt.Sprintf("%d of %d", len(r.Approved), r.Threshold), state)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if waits != "" {
		a.next("underseal recovery approve %s, with your colleague on the telephone", waits)
	}
	return nil
}
