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

type jsonGrant struct {
	Email  string   `json:"email"`
	Member string   `json:"member"`
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
	list := []jsonField{}
	for _, f := range fields {
		j := jsonField{
			Label: f.LabelText, Resource: f.ID.String(), Epoch: f.Epoch().Number, Closed: f.Epoch().Closed, Ended: f.Ended,
			Mine: rightsList(f.Mine), Grants: []jsonGrant{},
		}
		for _, g := range f.Grants {
			if id, ok := g.Principal.Member(); ok {
				j.Grants = append(j.Grants, jsonGrant{Email: emails[id], Member: id.String(), Rights: rightsList(g.Rights)})
			}
		}
		slices.SortFunc(j.Grants, func(a, b jsonGrant) int {
			return cmp.Or(strings.Compare(a.Email, b.Email), strings.Compare(a.Member, b.Member))
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
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			out := jsonFields{jsonFieldsOf(ctx, w, w.Fields(ctx)...)}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			if len(out.Fields) == 0 {
				a.say("there are no fields yet")
				a.next("underseal field new LABEL")
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
					who = append(who, shown(g.Email))
				}
				t.row(shown(f.Label), epoch, mine, strings.Join(who, ", "))
			}
			return t.flush()
		}),
	}
}

func newFieldGrantCommand(a *app) *cobra.Command {
	var to, rights string
	c := &cobra.Command{
		Use: "grant LABEL --to EMAIL", Short: "Let somebody read a field", Args: oneArg("LABEL"),
		Long: `Let somebody read a field, with everything that was sealed in it before. With
--rights read they read; with write, the default, they also seal; with share
they also let others read.`,
		Example: "underseal field grant phone --to bob@example.com --rights read",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRights(rights)
			if err != nil {
				return &usageError{err, cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if err := w.Grant(cmd.Context(), args[0], to, r); err != nil {
					return err
				}
				a.say("%s may %s field %s, what was sealed before included", term.Escape(to), rightsInWords(r), term.Escape(args[0]))
				return a.printField(cmd.Context(), w, args[0])
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "the member's `EMAIL`")
	c.Flags().StringVar(&rights, "rights", "write", "their `RIGHTS`, read, write or share; each includes those before it")
	required(c, "to")
	choices(c, "rights", "read", "write", "share")
	return c
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
	var from string
	c := &cobra.Command{
		Use: "revoke LABEL --from EMAIL", Short: "Take a field away from somebody, and change its key", Args: oneArg("LABEL"),
		Long: `Take a field away from somebody, and change its key: what is sealed from now on,
they cannot open. What they could read before, they may have kept. Values sealed
earlier stay under the earlier key until they are sealed again.`,
		Example: "underseal field revoke phone --from bob@example.com",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			closed, err := w.Revoke(ctx, args[0], from)
			if err != nil {
				return err
			}
			if closed {
				a.say("took field %s from %s; you do not hold it, so it is closed until somebody with the share right types: underseal field rotate %s",
					term.Escape(args[0]), term.Escape(from), arg(args[0]))
			} else {
				a.say("took field %s from %s and changed its key", term.Escape(args[0]), term.Escape(from))
				a.say("values sealed before stay under the earlier key; open the file and seal it again to change them")
			}
			return a.printField(ctx, w, args[0])
		}),
	}
	c.Flags().StringVar(&from, "from", "", "the member's `EMAIL`")
	required(c, "from")
	return c
}

func newFieldRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rotate LABEL", Short: "Change the key of a field, or open a closed one again", Args: oneArg("LABEL"),
		Long: `Change the key of a field for all who may read it. It is what opens a field again
that was closed: by an officer who took it from somebody and does not hold it.
Values sealed earlier stay readable, and under the earlier key until they are
sealed again.`,
		Example: "underseal field rotate phone",
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
			if err := w.Rotate(ctx, args[0]); err != nil {
				return err
			}
			a.say("changed the key of field %s", term.Escape(args[0]))
			return a.printField(ctx, w, args[0])
		}),
	}
}
