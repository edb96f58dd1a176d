package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newFieldCommand(a *app) *cobra.Command {
	return noun("field", "Fields and who may read them", `Fields, each with a key of its own, and who may read them. A column of a file is
sealed as a field.`,
		newFieldNewCommand(a), newFieldListCommand(a), newFieldGrantCommand(a), newFieldRevokeCommand(a), newFieldRotateCommand(a))
}

// jsonGrant is a grant to a member, or to a group: then email and member are "".
type jsonGrant struct {
	Email  string   `json:"email"`
	Member string   `json:"member"`
	Name   string   `json:"group_name,omitempty"`
	Group  string   `json:"group,omitempty"`
	Rights []string `json:"rights"`
}

type jsonField struct {
	Label    string      `json:"label"`
	Resource string      `json:"resource"`
	Epoch    uint64      `json:"epoch"`
	Closed   bool        `json:"closed"`
	Ended    bool        `json:"ended"`
	Mine     []string    `json:"my_rights"`
	Grants   []jsonGrant `json:"grants"`
}

type jsonFields struct {
	Fields []jsonField `json:"fields"`
}

// jsonFieldsOf describes fields, with the emails that the caller may read.
func jsonFieldsOf(ctx context.Context, w *workspace.Workspace, fields ...workspace.FieldInfo) []jsonField {
	emails := map[officer.MemberID]string{}
	for _, m := range w.Members(ctx) {
		emails[m.ID] = m.EmailText
	}
	groups := map[officer.GroupID]string{}
	for _, g := range w.State().Groups() {
		groups[g.ID], _ = w.Text(ctx, g.Label, officer.TextGroup)
	}
	list := []jsonField{}
	for _, f := range fields {
		j := jsonField{
			Label: f.LabelText, Resource: f.ID.String(), Epoch: f.Epoch().Number, Closed: f.Epoch().Closed, Ended: f.Ended,
			Mine: rightsList(f.Mine), Grants: []jsonGrant{},
		}
		for _, g := range f.Grants {
			if id, ok := g.Principal.Member(); ok {
				j.Grants = append(j.Grants, jsonGrant{Email: emails[id], Member: id.String(), Rights: rightsList(g.Rights)})
			} else if id, ok := g.Principal.Group(); ok {
				j.Grants = append(j.Grants, jsonGrant{Name: groups[id], Group: id.String(), Rights: rightsList(g.Rights)})
			}
		}
		slices.SortFunc(j.Grants, func(a, b jsonGrant) int {
			return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Email, b.Email), strings.Compare(a.Member, b.Member))
		})
		list = append(list, j)
	}
	return list
}

// printField prints a field that was just changed, as JSON.
func (a *app) printField(ctx context.Context, w *workspace.Workspace, label string) error {
	f, err := w.Field(ctx, label)
	if err == nil && a.json {
		a.printJSON(jsonFieldsOf(ctx, w, f)[0], nil)
	}
	return err
}

func newFieldNewCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "new LABEL", Short: "Make a field with a key of its own", Args: oneArg("LABEL"),
		Long: `Make a field with a key of its own. Only you can read it until you grant it to
others.`,
		Example: "underseal field new phone",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if err := w.NewField(ctx, args[0]); err != nil {
				return err
			}
			a.say("made field %s; only you can read it so far", term.Escape(args[0]))
			a.next("underseal field grant %s --to EMAIL", arg(args[0]))
			return a.printField(ctx, w, args[0])
		}),
	}
}

func newFieldListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the fields and who may read them", Args: noArgs,
		Long: "List the fields, the epochs of their keys, your own rights, and who may read them.",
		RunE: a.withStanding(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			out := jsonFields{jsonFieldsOf(ctx, w, w.Fields(ctx)...)}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			if len(out.Fields) == 0 {
				a.say("there are no fields yet")
				if m := w.Me(); m != nil && (m.Role == officer.RoleOfficer || m.Role == officer.RoleMember && w.State().Policy().Fields == officer.RoleMember) {
					a.next("underseal field new LABEL")
				}
				return nil
			}
			t := a.table()
			t.row("FIELD", "EPOCH", "YOU MAY", "READERS")
			for _, f := range out.Fields {
				epoch := fmt.Sprint(f.Epoch)
				switch {
				case f.Ended:
					epoch += " (ended)"
				case f.Closed:
					epoch += " (closed)"
				}
				mine := strings.Join(f.Mine, ", ")
				if mine == "" {
					mine = "nothing"
				}
				var who []string
				for _, g := range f.Grants {
					if g.Group != "" {
						who = append(who, "group "+shown(g.Name))
					} else {
						who = append(who, shown(g.Email))
					}
				}
				t.row(shown(f.Label), epoch, mine, strings.Join(who, ", "))
			}
			return t.flush()
		}),
	}
}

func newFieldGrantCommand(a *app) *cobra.Command {
	var to principalFlags
	var rights string
	c := &cobra.Command{
		Use: "grant LABEL --to EMAIL | --to-group GROUP", Short: "Let somebody, or a group, read a field", Args: oneArg("LABEL"),
		Long: `Let somebody, or all who are in a group, read a field, with everything that was
sealed in it before. With --rights read they read; with write, the default, they
also seal; with share they also let others read. Whoever is let into the group
later reads it too.`,
		Example: "underseal field grant phone --to bob@example.com --rights read\nunderseal field grant phone --to-group Litigation",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRights(rights)
			if err != nil {
				return &usageError{err, cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				name, who, err := to.find(cmd.Context(), w)
				if err != nil {
					return err
				}
				if err := w.Grant(cmd.Context(), args[0], name, r); err != nil {
					return err
				}
				has, err := rightsOf(cmd.Context(), w, args[0], name)
				if err != nil {
					return err
				}
				a.say("%s may %s field %s, what was sealed before included", who, rightsInWords(has), term.Escape(args[0]))
				if has != r {
					a.say("nobody shared it: they were given that beside what they had, and give themself the rest")
				}
				return a.printField(cmd.Context(), w, args[0])
			})
		},
	}
	to.add(c, "to")
	c.Flags().StringVar(&rights, "rights", "write", "their `RIGHTS`, read, write or share; each includes those before it")
	choices(c, "rights", "read", "write", "share")
	return c
}

// rightsOf are those that a member or a group is granted on a field by now: an
// officer who gives share back gives nothing else.
func rightsOf(ctx context.Context, w *workspace.Workspace, label, name string) (officer.Rights, error) {
	f, err := w.Field(ctx, label)
	if err != nil {
		return 0, err
	}
	p, err := w.Principal(ctx, name)
	return f.Resource.Rights(p), err
}

// principalFlags name a member or a group.
type principalFlags struct{ email, group string }

// add gives a command the flags --FLAG and --FLAG-group, one of which it needs.
func (p *principalFlags) add(c *cobra.Command, flag string) {
	c.Flags().StringVar(&p.email, flag, "", "the member's `EMAIL`")
	c.Flags().StringVar(&p.group, flag+"-group", "", "the `GROUP`")
	c.MarkFlagsOneRequired(flag, flag+"-group")
	c.MarkFlagsMutuallyExclusive(flag, flag+"-group")
}

// find returns the name, and what the principal is called in a sentence. An
// email is never taken for a group, nor a group for an email.
func (p *principalFlags) find(ctx context.Context, w *workspace.Workspace) (name, who string, err error) {
	if p.group != "" {
		_, err := w.Group(ctx, p.group)
		return p.group, "group " + term.Escape(p.group), err
	}
	_, err = w.PresentByEmail(ctx, p.email)
	return p.email, term.Escape(p.email), err
}

func parseRights(s string) (officer.Rights, error) {
	switch s {
	case "read":
		return officer.Read, nil
	case "write":
		return officer.Read | officer.Write, nil
	case "share":
		return officer.Read | officer.Write | officer.Share, nil
	default:
		return 0, errors.New("rights are read, write or share")
	}
}

func newFieldRevokeCommand(a *app) *cobra.Command {
	var from principalFlags
	c := &cobra.Command{
		Use: "revoke LABEL --from EMAIL | --from-group GROUP", Short: "Take a field away from somebody, or a group, and change its key", Args: oneArg("LABEL"),
		Long: `Take a field away from somebody, or from a group, and change its key: what is
sealed from now on, they cannot open. What they could read before, they may have
kept. Values sealed earlier stay under the earlier key until they are sealed again.

Whoever reads the field in another way, by a grant of their own or through another
group, goes on reading it.`,
		Example: "underseal field revoke phone --from bob@example.com",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			name, who, err := from.find(ctx, w)
			if err != nil {
				return err
			}
			closed, err := w.Revoke(ctx, args[0], name)
			if err != nil {
				return a.readsOtherwise(ctx, w, args[0], from.email, err)
			}
			if closed {
				a.say("took field %s from %s; you do not hold it, so it is closed until somebody with the share right types: underseal field rotate %s",
					term.Escape(args[0]), who, arg(args[0]))
			} else {
				a.say("took field %s from %s and changed its key", term.Escape(args[0]), who)
				a.say("values sealed before stay under the earlier key; open the file and seal it again to change them")
			}
			if err := a.readsOtherwise(ctx, w, args[0], from.email, nil); err != nil {
				return err
			}
			return a.printField(ctx, w, args[0])
		}),
	}
	from.add(c, "from")
	return c
}

// readsOtherwise warns that somebody from whom a field was taken reads it
// through groups; where that was all that they had, it is the hint.
func (a *app) readsOtherwise(ctx context.Context, w *workspace.Workspace, label, email string, failed error) error {
	if failed != nil && !errors.Is(failed, workspace.ErrNoSuch) || email == "" {
		return failed
	}
	f, err := w.Field(ctx, label)
	m, noMember := w.MemberByEmail(ctx, email)
	if err != nil || noMember != nil {
		return failed
	}
	for _, x := range w.State().Reach(m.ID) {
		if x.Resource.ID != f.ID || x.Through == nil {
			continue
		}
		name, _ := w.Text(ctx, x.Through.Label, officer.TextGroup)
		if failed != nil {
			failed = &reworded{failed, fmt.Sprintf("%.80q has no grant of their own of field %.80q", email, label)}
			return withHint(failed, fmt.Sprintf("they read it through a group: underseal group remove %s %s", arg(name), arg(email)))
		}
		a.warn("%s still reads field %s through group %s", term.Escape(email), term.Escape(label), shown(name))
	}
	return failed
}

func newFieldRotateCommand(a *app) *cobra.Command {
	var past pastFlags
	c := &cobra.Command{
		Use: "rotate LABEL", Short: "Change the key of a field, or open a closed one again", Args: oneArg("LABEL"),
		Long: `Change the key of a field for all who may read it. It is what opens a field again
that was closed: by an officer who took it from somebody and does not hold it.
Values sealed earlier stay readable, and under the earlier key until they are
sealed again.` + pastLong,
		Example: "underseal field rotate phone",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if past.past {
				m, err := w.MissingKey(ctx, args[0])
				if err != nil {
					return err
				}
				if _, err := a.goPast(ctx, w, past.yes, m); err != nil {
					return err
				}
				return a.printField(ctx, w, args[0])
			}
			if err := w.Rotate(ctx, args[0]); err != nil {
				return err
			}
			a.say("changed the key of field %s", term.Escape(args[0]))
			return a.printField(ctx, w, args[0])
		}),
	}
	past.add(c, "go on without the present key, which is missing here")
	return c
}
