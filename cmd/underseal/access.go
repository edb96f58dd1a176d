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

func newAccessCommand(a *app) *cobra.Command {
	return noun("access", "Who can open what", "Who can open what, by the log: it is what nobody can change unseen.", newAccessShowCommand(a))
}

// accessRules are those of members too: they are asked for in one place.
func accessRules() []rule { return memberRules() }

// jsonAccess is one way in which somebody may open something.
type jsonAccess struct {
	Kind     string    `json:"kind"`
	Label    string    `json:"label"`
	Resource string    `json:"resource"`
	Email    string    `json:"email"`
	Member   string    `json:"member"`
	Rights   []string  `json:"rights"`
	Through  string    `json:"through,omitempty"`
	Group    string    `json:"group,omitempty"`
	Entry    uint64    `json:"entry"`
	Since    time.Time `json:"since"`
	Closed   bool      `json:"closed"`
	Ended    bool      `json:"ended"`
	Expired  bool      `json:"expired"`
}

func jsonAccessOf(ctx context.Context, w *workspace.Workspace, list []workspace.Access) []jsonAccess {
	out := []jsonAccess{}
	for _, x := range list {
		thing := w.Thing(ctx, x.Resource)
		j := jsonAccess{
			Kind: string(thing.Kind), Label: thing.Text, Resource: x.Resource.ID.String(), Rights: rightsList(x.Rights),
			Entry: x.Since, Since: x.Time, Closed: x.Resource.Epoch().Closed && !x.Resource.Ended, Ended: x.Resource.Ended, Expired: x.Expired,
		}
		if x.Member.Member != nil {
			j.Email, j.Member = x.Member.EmailText, x.Member.ID.String()
		}
		if x.Through != nil {
			j.Through, j.Group = groupText(ctx, w, x.Through), x.Through.ID.String()
		}
		out = append(out, j)
	}
	return out
}

func groupText(ctx context.Context, w *workspace.Workspace, g *officer.Group) string {
	s, _ := w.Text(ctx, g.Label, officer.TextGroup)
	return s
}

// state is what hinders an access, in words.
func (j jsonAccess) state() string {
	var list []string
	if j.Ended {
		list = append(list, "ended")
	}
	if j.Closed {
		list = append(list, "closed")
	}
	if j.Expired {
		list = append(list, "guest whose time is over")
	}
	return strings.Join(list, ", ")
}

func (j jsonAccess) through() string {
	if j.Group == "" {
		return "own grant"
	}
	return "group " + shown(j.Through)
}

func (j jsonAccess) since() string { return fmt.Sprintf("entry %d, %s", j.Entry, day(j.Since)) }

// thing is a resource in a table.
func (j jsonAccess) thing() string {
	if j.Kind == string(workspace.ThingDirectory) {
		return "the directory"
	}
	return j.Kind + " " + shown(j.Label)
}

type jsonAccessOfThing struct {
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	ID      string       `json:"id"`
	Removed bool         `json:"removed"`
	Ended   bool         `json:"ended"`
	Closed  bool         `json:"closed"`
	Waits   []string     `json:"waits_for"`
	Members []string     `json:"members"`
	Access  []jsonAccess `json:"access"`
}

func newAccessShowCommand(a *app) *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use: "show WHO|WHAT", Short: "Show who can open something, or what somebody can open", Args: oneArg("WHO or WHAT"),
		Long: `Show who can open something, or what somebody can open: by which grant, through
which group, and since when. WHO is a member's email or the name of a group; WHAT
is the label of a field, the name of a secret, or directory. Times are what the
authors' clocks said; entries are those of underseal log show.

What somebody had before it was taken from them, they may have kept.`,
		Example: "underseal access show phone",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch workspace.ThingKind(kind) {
			case "", workspace.ThingMember, workspace.ThingGroup, workspace.ThingField, workspace.ThingFolder, workspace.ThingSecret, workspace.ThingDirectory:
			default:
				return &usageError{errors.New("--kind is member, group, field, folder, secret or directory"), cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if err := standing(w); err != nil {
					return err
				}
				return a.showAccess(cmd.Context(), w, args[0], workspace.ThingKind(kind))
			})
		},
	}
	c.Flags().StringVar(&kind, "kind", "", "which `KIND` is meant, where several have that name")
	choices(c, "kind", "member", "group", "field", "folder", "secret", "directory")
	return c
}

func (a *app) showAccess(ctx context.Context, w *workspace.Workspace, name string, kind workspace.ThingKind) error {
	found, err := w.Things(ctx, name, kind)
	switch {
	case err != nil:
		return err
	case len(found) > 1 && found[0].Kind != found[1].Kind:
		return withHint(fmt.Errorf("%.80q: %w", name, workspace.ErrAmbiguous), fmt.Sprintf("give --kind %s or --kind %s", found[0].Kind, found[1].Kind))
	case len(found) > 1 && !found[0].Ended:
		return fmt.Errorf("%.80q: %w", name, workspace.ErrAmbiguous)
	}
	t := found[len(found)-1] // of those that have ended, the last
	j := jsonAccessOfThing{Kind: string(t.Kind), Name: t.Text, Waits: []string{}, Members: []string{}}
	var list []workspace.Access
	switch t.Kind {
	case workspace.ThingMember:
		j.ID, j.Removed = t.Member.ID.String(), t.Ended
		list, err = w.AccessOf(ctx, t.Member.ID)
	case workspace.ThingGroup:
		g := w.State().Group(t.Group)
		j.ID, j.Ended, j.Closed = g.ID.String(), t.Ended, g.Epoch().Closed && !t.Ended
		j.groupOf(ctx, w, g)
		list, err = w.AccessThrough(ctx, g.ID)
	default:
		r := w.State().Resource(t.Resource)
		j.ID, j.Ended, j.Closed = r.ID.String(), t.Ended, r.Epoch().Closed && !t.Ended
		if x := newWords(ctx, w); j.Closed {
			for _, m := range w.Openers(r.ID) {
				j.Waits = append(j.Waits, x.member(m))
			}
		}
		list, err = w.AccessTo(ctx, r.ID)
	}
	if err != nil {
		return err
	}
	j.Access = jsonAccessOf(ctx, w, list)
	if a.json {
		a.printJSON(j, nil)
		return nil
	}
	return a.printAccess(j)
}

func (j *jsonAccessOfThing) groupOf(ctx context.Context, w *workspace.Workspace, g *officer.Group) {
	x := newWords(ctx, w)
	for _, m := range g.Members {
		j.Members = append(j.Members, x.member(m.Member))
		if j.Closed && m.Rights.Has(officer.Share) {
			j.Waits = append(j.Waits, x.member(m.Member))
		}
	}
}

func (a *app) printAccess(j jsonAccessOfThing) error {
	name := term.Escape(j.Name)
	switch {
	case j.Removed:
		a.say("%s was removed and opens nothing any more; see: underseal member show %s", name, arg(j.Name))
	case j.Ended:
		a.say("%s %s has ended: it is no longer in use", j.Kind, name)
	case j.Closed && len(j.Waits) > 0:
		a.say("%s %s is closed until one of these opens it again: %s", j.Kind, name, strings.Join(j.Waits, ", "))
	case j.Closed:
		a.say("%s %s is closed, and nobody has the right to open it again: an officer gives it back to somebody first", j.Kind, name)
	}
	if len(j.Members) > 0 {
		a.say("group %s: %s", name, strings.Join(j.Members, ", "))
	}
	if len(j.Access) == 0 {
		if !j.Removed {
			a.say("nothing, and nobody")
		}
		return nil
	}
	t := a.table()
	switch j.Kind {
	case string(workspace.ThingMember):
		t.row("WHAT", "MAY", "THROUGH", "SINCE", "STATE")
		for _, x := range j.Access {
			t.row(x.thing(), strings.Join(x.Rights, ", "), x.through(), x.since(), x.state())
		}
	case string(workspace.ThingGroup):
		t.row("WHAT", "MAY", "SINCE", "STATE")
		for _, x := range j.Access {
			t.row(x.thing(), strings.Join(x.Rights, ", "), x.since(), x.state())
		}
	default:
		t.row("WHO", "MAY", "THROUGH", "SINCE", "STATE")
		for _, x := range j.Access {
			x.Closed, x.Ended = false, false // said above
			t.row(shown(x.Email), strings.Join(x.Rights, ", "), x.through(), x.since(), x.state())
		}
	}
	return t.flush()
}
