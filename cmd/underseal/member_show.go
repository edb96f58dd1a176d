package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

type jsonMembership struct {
	Group   string `json:"group"`
	Name    string `json:"name"`
	Manages bool   `json:"manages"`
	Entry   uint64 `json:"entry"`
}

type jsonMemberShown struct {
	jsonMember
	Added     time.Time        `json:"added"`
	Entry     uint64           `json:"entry"`
	AddedBy   string           `json:"added_by"`
	RemovedAt *time.Time       `json:"removed_at,omitempty"`
	RemovedBy string           `json:"removed_by,omitempty"`
	List      []jsonDevice     `json:"device_list"`
	Groups    []jsonMembership `json:"groups"`
	Access    []jsonAccess     `json:"access"`
}

func newMemberShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show [EMAIL]", Short: "Show somebody: role, devices, groups, what they can open", Args: optionalArg("EMAIL"),
		Long: `Show somebody, or yourself: role and since when, the whole safety number, devices,
groups, and what they can open. Who was removed can be shown too.`,
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			j, err := memberShown(ctx, w, args)
			if err != nil {
				return err
			}
			if a.json {
				a.printJSON(j, nil)
				return nil
			}
			return a.printMember(j)
		}),
	}
}

func memberShown(ctx context.Context, w *workspace.Workspace, args []string) (j jsonMemberShown, err error) {
	m, err := memberOf(ctx, w, args)
	if err != nil {
		return j, err
	}
	x := newWords(ctx, w)
	j = jsonMemberShown{
		jsonMember: jsonMemberOf(w, m), Entry: m.Added, AddedBy: x.device(m.AddedBy),
		List: []jsonDevice{}, Groups: []jsonMembership{},
	}
	devices, err := w.Devices(ctx, m.ID)
	if err != nil {
		return j, err
	}
	for _, d := range devices {
		j.List = append(j.List, jsonDeviceOf(d))
		if m.Removed && d.RemovedAt == m.RemovedAt {
			j.RemovedAt, j.RemovedBy = &d.RemovedTime, x.device(d.RemovedBy)
		}
	}
	j.Added = devices[0].AddedTime // the card's, which came with the member
	for _, g := range w.State().Groups() {
		for _, p := range g.Members {
			if p.Member == m.ID {
				j.Groups = append(j.Groups, jsonMembership{g.ID.String(), groupText(ctx, w, g), p.Rights.Has(officer.Share), p.Since})
			}
		}
	}
	list, err := w.AccessOf(ctx, m.ID)
	j.Access = jsonAccessOf(ctx, w, list)
	return j, err
}

// memberOf is the member with an email, who may have been removed, or the caller.
func memberOf(ctx context.Context, w *workspace.Workspace, args []string) (workspace.MemberInfo, error) {
	if len(args) > 0 {
		return w.MemberWas(ctx, args[0])
	}
	if w.Me() != nil {
		for _, m := range w.Members(ctx) {
			if m.ID == w.Me().ID {
				return m, nil
			}
		}
	}
	return workspace.MemberInfo{}, standing(w)
}

func (a *app) printMember(j jsonMemberShown) error {
	a.print("%s <%s>", shown(j.Name), shown(j.Email))
	role := j.Role
	switch {
	case j.Removed:
		role = "was " + role + ", removed " + day(*j.RemovedAt) + " by " + j.RemovedBy
	case j.Expired:
		role += ", until " + lastDay(*j.Expires) + ": their time is over"
	case j.Expires != nil:
		role += ", until " + lastDay(*j.Expires)
	}
	a.print("role           %s", role)
	a.print("added          %s by %s, entry %d", day(j.Added), j.AddedBy, j.Entry)
	if j.Closed && !j.Removed {
		a.print("key            closed: nothing is sealed to them until they used another device")
	}
	a.print("safety number  %s", j.SafetyNumber[:35])
	a.print("               %s", j.SafetyNumber[36:])
	for _, d := range j.List {
		state := ""
		if d.Removed {
			state = ", removed " + day(*d.RemovedAt)
		}
		a.print("device         %s, %s (%s)%s", d.Device[:shortID], labelShown(d.Label), d.Kind, state)
	}
	for _, g := range j.Groups {
		manages := ""
		if g.Manages {
			manages = ", which they manage"
		}
		a.print("group          %s%s", shown(g.Name), manages)
	}
	for _, x := range j.Access {
		line := x.thing() + ": " + strings.Join(x.Rights, ", ") + "; " + x.through() + "; since " + x.since()
		if s := x.state(); s != "" {
			line += "; " + s
		}
		a.print("can open       %s", line)
	}
	return nil
}

// lastDay is the last day of somebody whose time is over at a moment.
func lastDay(t time.Time) string { return day(t.Add(-time.Second)) }
