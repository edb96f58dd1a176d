package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// jsonWaiting is what is closed, and whom it waits for.
type jsonWaiting struct {
	What  string   `json:"what"`
	Waits []string `json:"waits_for"`
}

// jsonShare is a colleague's recovery of which somebody held a share.
type jsonShare struct {
	Email     string `json:"email"`
	Threshold int    `json:"threshold"`
	Left      int    `json:"left"`
}

type jsonMemberRemoval struct {
	jsonMember
	Rotated   []string      `json:"rotated"`
	Closed    []jsonWaiting `json:"closed_keys"`
	Ended     []string      `json:"ended"`
	Lost      []string      `json:"lost"`
	Ending    []jsonDevice  `json:"ending"`
	Shares    []jsonShare   `json:"shares"`
	Envelopes int           `json:"envelopes"`
	Skipped   int           `json:"skipped"`
	jsonValuesLeft
	Done bool `json:"done"`
}

func newMemberRemoveCommand(a *app) *cobra.Command {
	var dryRun, yes bool
	var meant workspace.Consent
	c := &cobra.Command{
		Use: "remove EMAIL", Short: "Remove somebody, and change every key that they could reach", Args: oneArg("EMAIL"),
		Long: `Remove somebody, with their devices, backups, rights and places in groups, and
change every key that they could reach, in one step. What you cannot read yourself
is closed instead, and waits for somebody who may share it. What is about to change
is shown and confirmed.

What they had before they may have kept: that is beyond anybody's reach. Values
under earlier keys are sealed anew by a job; see underseal status.`,
		Example: "underseal member remove bob@example.com --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.canConfirm(yes || dryRun); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				return a.removeMember(cmd.Context(), w, args[0], dryRun, yes, meant)
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would change")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&meant.Loss, "lose", false, "also where something is lost that nobody else can open")
	c.Flags().BoolVar(&meant.Recovery, "without-recovery", false, "also where colleagues lose their recovery by it")
	return c
}

func (a *app) removeMember(ctx context.Context, w *workspace.Workspace, email string, dryRun, yes bool, meant workspace.Consent) error {
	m, err := officerFinds(ctx, w, email)
	if err != nil {
		return err
	}
	if m.Member != nil && w.Expired(m.Member) {
		a.warnGuestClock(w)
	}
	r, err := w.PlanMemberRemoval(ctx, m.ID)
	if err != nil {
		return removalHint(err)
	}
	left := a.valuesLeft(ctx, w, r.Renewal)
	a.sayMemberRemoval(ctx, w, r, left)
	if !dryRun {
		if err := meant.Check(r); err != nil { // before there is a question
			return err
		}
		if err := a.confirm(ctx, yes, fmt.Sprintf("Remove %s, and change these keys?", term.Escape(email))); err != nil {
			return err
		}
		if r, err = w.RemoveMember(ctx, m.ID, meant); err != nil {
			return removalHint(err)
		}
		r.Member.Member = w.State().Member(m.ID)
	}
	if a.json {
		a.printJSON(jsonMemberRemovalOf(ctx, w, r, left, !dryRun), nil)
	}
	if dryRun {
		a.say("nothing was changed")
		if err := meant.Check(r); err != nil {
			a.say("it would be refused: %s; %s", err, classify(err).hint)
			return nil
		}
		a.next("underseal member remove %s", arg(email))
		return nil
	}
	a.say("removed %s", term.Escape(email))
	switch {
	case len(r.Closed)+len(r.ClosedGroups) > 0:
		a.next("tell those whom the closed keys wait for; they type: underseal org catch-up")
	case len(r.Rotated) > 1: // more than the directory
		a.next("underseal org rekey: values that were sealed before are still under keys that they had")
	}
	return nil
}

// removalHint has a hint where the rule's own is about something else.
func removalHint(err error) error {
	if errors.Is(err, workspace.ErrSelf) {
		return withHint(err, "another officer removes you: whoever does it knows none of the new keys that you could know")
	}
	return err
}

// waiting is what a removal closes, with those who open it again.
func (x *words) waiting(r workspace.MemberRemoval) []jsonWaiting {
	people := func(ids []officer.MemberID) []string {
		list := []string{}
		for _, id := range ids {
			list = append(list, x.member(id))
		}
		return list
	}
	list := []jsonWaiting{}
	for _, id := range r.ClosedGroups {
		list = append(list, jsonWaiting{x.groups[id], people(r.Managers[id])})
	}
	for _, id := range r.Closed {
		list = append(list, jsonWaiting{x.fields[id], people(r.Openers[id])})
	}
	return list
}

func jsonMemberRemovalOf(ctx context.Context, w *workspace.Workspace, r workspace.MemberRemoval, left jsonValuesLeft, done bool) jsonMemberRemoval {
	x := newWords(ctx, w)
	j := jsonMemberRemoval{
		jsonMember: jsonMemberOf(w, r.Member), Rotated: x.keys(r.RotatedGroups, r.Rotated), Closed: x.waiting(r),
		Ended: x.keys(r.EndedGroups, nil), Lost: x.keys(nil, r.Lost),
		Ending: []jsonDevice{}, Shares: []jsonShare{}, Envelopes: r.Envelopes, Skipped: r.Skipped, jsonValuesLeft: left, Done: done,
	}
	for _, d := range r.Devices {
		j.Ending = append(j.Ending, jsonDeviceOf(d))
	}
	for _, l := range r.Shares {
		j.Shares = append(j.Shares, jsonShare{x.member(l.Member), l.Threshold, l.Left})
	}
	return j
}

// sayMemberRemoval is the plan, for the person who confirms it.
func (a *app) sayMemberRemoval(ctx context.Context, w *workspace.Workspace, r workspace.MemberRemoval, left jsonValuesLeft) {
	x := newWords(ctx, w)
	a.say("%s <%s>, %s", shown(r.Member.NameText), shown(r.Member.EmailText), r.Member.Role)
	for _, d := range r.Devices {
		a.say("  ends              %s", deviceName(d))
	}
	if list := x.keys(r.RotatedGroups, r.Rotated); len(list) > 0 {
		a.say("  get a new key     %s", strings.Join(list, ", "))
	}
	for _, c := range x.waiting(r) {
		who := "nobody: an officer first gives the share right back to somebody who reads it"
		if len(c.Waits) > 0 {
			who = strings.Join(c.Waits, ", ")
		}
		a.say("  is closed         %s, until it is opened again by %s", c.What, who)
	}
	if list := x.keys(r.EndedGroups, nil); len(list) > 0 {
		a.say("  end               %s, of which they are the last", strings.Join(list, ", "))
	}
	for _, s := range x.keys(nil, r.Lost) {
		a.say("  IS LOST           %s: nobody else reads it and could go on with it. Have them grant it to somebody first, or type underseal org catch-up", s)
	}
	for _, l := range r.Shares {
		a.say("  holds a share     of the recovery of %s, which takes %d; left are %d", x.member(l.Member), l.Threshold, l.Left)
	}
	a.sayEnvelopes(r.Renewal)
	a.sayValuesLeft(left)
}
