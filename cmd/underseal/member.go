package main

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newMemberCommand(a *app) *cobra.Command {
	return noun("member", "The people of your organization", newMemberAddCommand(a), newMemberListCommand(a))
}

func newMemberAddCommand(a *app) *cobra.Command {
	var role, digits string
	c := &cobra.Command{
		Use: "add CARD", Short: "Let somebody in, by their card", Args: cobra.ExactArgs(1),
		Long: `Let somebody in, by their card. Compare the safety number with the card's owner,
by voice or in person: it is what keeps somebody else's card out. Give it with
--safety-number where there is no terminal to confirm on.`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			r, err := officer.ParseRole(role)
			if err != nil {
				return &usageError{fmt.Errorf("%w: officer, member or guest", err)}
			}
			text, err := durable.ReadFile(args[0], 4*wire.MaxCard)
			if err != nil {
				return err
			}
			card, err := officer.DecodeCardFile(text)
			if err != nil {
				return err
			}
			if err := w.CheckCard(cmd.Context(), card); err != nil {
				return err
			}
			if err := a.confirmSafetyNumber(cmd, card, digits); err != nil {
				return err
			}
			if err := w.AddMember(cmd.Context(), card, r); err != nil {
				return err
			}
			a.say("added %s <%s> as %s", term.Escape(card.Name.Text), term.Escape(card.Email.Text), r)
			if a.json {
				a.printJSON(jsonMemberOf(workspace.MemberInfo{Member: w.State().Member(card.Card.ID()), NameText: card.Name.Text, EmailText: card.Email.Text}))
			}
			a.next("underseal field grant FIELD --to %s", term.Escape(card.Email.Text))
			return nil
		}),
	}
	c.Flags().StringVar(&role, "role", "", "officer, member or guest")
	c.Flags().StringVar(&digits, "safety-number", "", "the 60 digits that the card's owner read to you")
	required(c, "role")
	return c
}

// confirmSafetyNumber compares the digits that were given, or asks.
func (a *app) confirmSafetyNumber(cmd *cobra.Command, card officer.CardFile, digits string) error {
	number := officer.SafetyNumber(card.Card.ID())
	if digits != "" {
		plain := func(s string) []byte { return []byte(strings.Join(strings.Fields(s), "")) }
		if subtle.ConstantTimeCompare(plain(digits), plain(number)) != 1 {
			return errSafetyNumber
		}
		return nil
	}
	p, err := a.prompt()
	if err != nil {
		return withHint(err, "compare the safety number by voice and give it: --safety-number \"DIGITS\"")
	}
	lines := safetyLines(card.Card.ID())
	ok, err := p.Confirm(cmd.Context(), fmt.Sprintf(
		"The card says: %s <%s>\n\n    %s\n    %s\n\nDid its owner read you exactly these digits, by voice or in person?",
		term.Escape(card.Name.Text), term.Escape(card.Email.Text), lines[0], lines[1]))
	if err != nil {
		return err
	}
	if !ok {
		return errNotConfirmed
	}
	return nil
}

type jsonMember struct {
	Member       string `json:"member"`
	Name         string `json:"name"`
	Email        string `json:"email"`
	Role         string `json:"role"`
	Devices      int    `json:"devices"`
	Closed       bool   `json:"closed"`
	SafetyNumber string `json:"safety_number"`
}

func jsonMemberOf(m workspace.MemberInfo) jsonMember {
	return jsonMember{
		Member: m.ID.String(), Name: m.NameText, Email: m.EmailText, Role: m.Role.String(),
		Devices: len(m.Devices), Closed: m.KeyClosed, SafetyNumber: officer.SafetyNumber(m.ID),
	}
}

func newMemberListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the people of your organization", Args: cobra.NoArgs,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, _ []string) error {
			list := w.Members(cmd.Context())
			if a.json {
				out := struct {
					Members []jsonMember `json:"members"`
				}{[]jsonMember{}}
				for _, m := range list {
					out.Members = append(out.Members, jsonMemberOf(m))
				}
				a.printJSON(out)
				return nil
			}
			t := a.table()
			t.row("NAME", "EMAIL", "ROLE", "DEVICES", "SAFETY NUMBER BEGINS")
			for _, m := range list {
				t.row(shown(m.NameText), shown(m.EmailText), m.Role.String(), fmt.Sprint(len(m.Devices)), officer.SafetyNumber(m.ID)[:11])
			}
			return t.flush()
		}),
	}
}

// shown is a text from the directory, or what stands for one that the caller
// may not read.
func shown(s string) string {
	if s == "" {
		return "(sealed)"
	}
	return term.Escape(s)
}

func newFieldCommand(a *app) *cobra.Command {
	return noun("field", "Fields and who may read them",
		newFieldNewCommand(a), newFieldListCommand(a), newFieldGrantCommand(a), newFieldRevokeCommand(a))
}

func newFieldNewCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "new LABEL", Short: "Make a field with a key of its own", Args: cobra.ExactArgs(1),
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			if err := w.NewField(cmd.Context(), args[0]); err != nil {
				return err
			}
			a.say("made field %s; only you can read it so far", term.Escape(args[0]))
			if a.json {
				return a.printField(cmd, w, args[0])
			}
			a.next("underseal field grant %s --to EMAIL", term.Escape(args[0]))
			return nil
		}),
	}
}

func (a *app) printField(cmd *cobra.Command, w *workspace.Workspace, label string) error {
	f, err := w.Field(cmd.Context(), label)
	if err == nil {
		a.printJSON(a.jsonFieldOf(cmd, w, f))
	}
	return err
}

type jsonGrant struct {
	Email  string `json:"email"`
	Member string `json:"member"`
	Rights string `json:"rights"`
}

type jsonField struct {
	Label    string      `json:"label"`
	Resource string      `json:"resource"`
	Epoch    uint64      `json:"epoch"`
	Closed   bool        `json:"closed"`
	Mine     string      `json:"my_rights"`
	Grants   []jsonGrant `json:"grants"`
}

func (a *app) jsonFieldOf(cmd *cobra.Command, w *workspace.Workspace, f workspace.FieldInfo) jsonField {
	out := jsonField{Label: f.LabelText, Resource: f.ID.String(), Epoch: f.Epoch().Number, Closed: f.Epoch().Closed, Mine: f.Mine.String()}
	for _, g := range f.Grants {
		if id, ok := g.Principal.Member(); ok {
			m := w.Members(cmd.Context())
			for _, i := range m {
				if i.ID == id {
					out.Grants = append(out.Grants, jsonGrant{Email: i.EmailText, Member: id.String(), Rights: g.Rights.String()})
				}
			}
		}
	}
	return out
}

func newFieldListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the fields and who may read them", Args: cobra.NoArgs,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, _ []string) error {
			list := w.Fields(cmd.Context())
			out := struct {
				Fields []jsonField `json:"fields"`
			}{[]jsonField{}}
			for _, f := range list {
				out.Fields = append(out.Fields, a.jsonFieldOf(cmd, w, f))
			}
			if a.json {
				a.printJSON(out)
				return nil
			}
			t := a.table()
			t.row("FIELD", "EPOCH", "YOU MAY", "GRANTED TO")
			for _, f := range out.Fields {
				epoch := fmt.Sprint(f.Epoch)
				if f.Closed {
					epoch += " (closed)"
				}
				var who []string
				for _, g := range f.Grants {
					who = append(who, shown(g.Email))
				}
				t.row(shown(f.Label), epoch, f.Mine, strings.Join(who, ", "))
			}
			return t.flush()
		}),
	}
}

func newFieldGrantCommand(a *app) *cobra.Command {
	var to, rights string
	c := &cobra.Command{
		Use: "grant LABEL", Short: "Let somebody read a field", Args: cobra.ExactArgs(1),
		Long: `Let somebody read a field, with everything that was sealed in it before. With
--rights read they read; with write, the default, they also seal; with share
they also let others read.`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			r, err := parseRights(rights)
			if err != nil {
				return &usageError{err}
			}
			if err := w.Grant(cmd.Context(), args[0], to, r); err != nil {
				return err
			}
			a.say("granted %s of field %s, its history included, to %s", r, term.Escape(args[0]), term.Escape(to))
			if a.json {
				return a.printField(cmd, w, args[0])
			}
			return nil
		}),
	}
	c.Flags().StringVar(&to, "to", "", "the member's email")
	c.Flags().StringVar(&rights, "rights", "write", "read, write or share; each includes those before it")
	required(c, "to")
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
		Use: "revoke LABEL", Short: "Take a field away from somebody, and change its key", Args: cobra.ExactArgs(1),
		Long: `Take a field away from somebody, and change its key: what is sealed from now on,
they cannot open. What they could read before, they may have kept. Values sealed
earlier stay under the earlier key until they are sealed again.`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, args []string) error {
			closed, err := w.Revoke(cmd.Context(), args[0], from)
			if err != nil {
				return err
			}
			if closed {
				a.say("revoked; you do not hold this field, so its key is closed until somebody with the share right opens the next epoch")
			} else {
				a.say("revoked; field %s has a new key", term.Escape(args[0]))
			}
			if a.json {
				return a.printField(cmd, w, args[0])
			}
			return nil
		}),
	}
	c.Flags().StringVar(&from, "from", "", "the member's email")
	required(c, "from")
	return c
}
