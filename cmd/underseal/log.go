package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newLogCommand(a *app) *cobra.Command {
	return noun("log", "The membership log", newLogShowCommand(a), newLogVerifyCommand(a))
}

type jsonEntry struct {
	Sequence   uint64    `json:"sequence"`
	Time       time.Time `json:"time"`
	Author     string    `json:"author"`
	Operations []string  `json:"operations"`
}

func newLogShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what happened, in plain words", Args: cobra.NoArgs,
		Long: `Show what happened, in plain words, oldest first. Times are what the authors'
clocks said; the order is what the signatures prove.`,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, _ []string) error {
			ctx := cmd.Context()
			entries, err := w.Entries(ctx)
			if err != nil {
				return err
			}
			words := newWords(ctx, w)
			out := struct {
				Entries []jsonEntry `json:"entries"`
			}{[]jsonEntry{}}
			for _, e := range entries {
				j := jsonEntry{Sequence: e.Sequence, Time: e.Time, Author: words.device(e.Author)}
				for _, op := range e.Operations {
					j.Operations = append(j.Operations, words.operation(op))
				}
				out.Entries = append(out.Entries, j)
			}
			if a.json {
				a.printJSON(out)
				return nil
			}
			for _, e := range out.Entries {
				a.print("%d  %s  %s", e.Sequence, e.Time.Local().Format("2006-01-02 15:04"), e.Author)
				for _, op := range e.Operations {
					a.print("     %s", op)
				}
			}
			return nil
		}),
	}
}

func newLogVerifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Verify the whole log from its beginning", Args: cobra.NoArgs,
		RunE: a.withWorkspace(func(cmd *cobra.Command, w *workspace.Workspace, _ []string) error {
			s, err := w.VerifyLog(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				h := s.Head()
				a.printJSON(struct {
					Verified bool     `json:"verified"`
					Head     jsonHead `json:"head"`
				}{true, jsonHead{h.Length, h.Hash.String(), s.HeadTime()}})
				return nil
			}
			a.print("verified %d entries: chain, signatures and authority hold, and the head is the one this device pinned", s.Head().Length)
			return nil
		}),
	}
}

// words turns ids into what people call them.
type words struct {
	members map[officer.MemberID]string
	devices map[officer.DeviceID]officer.MemberID
	fields  map[officer.ResourceID]string
}

func newWords(ctx context.Context, w *workspace.Workspace) *words {
	x := &words{members: map[officer.MemberID]string{}, devices: map[officer.DeviceID]officer.MemberID{}, fields: map[officer.ResourceID]string{}}
	for _, m := range w.Members(ctx) {
		x.members[m.ID] = shown(m.EmailText)
		for _, d := range m.Devices {
			x.devices[d] = m.ID
		}
	}
	for _, r := range w.State().Resources() {
		label, ok := w.Text(ctx, r.Label, officer.TextLabel)
		if !ok {
			label = r.ID.String()[:8]
		}
		x.fields[r.ID] = fmt.Sprintf("%s %s", r.Kind, term.Escape(label))
		if d := w.State().Directory(); d != nil && d.ID == r.ID {
			x.fields[r.ID] = "the directory"
		}
	}
	return x
}

func (x *words) member(id officer.MemberID) string {
	if s, ok := x.members[id]; ok && s != "(sealed)" {
		return s
	}
	return "member " + id.String()[:8]
}

func (x *words) device(id officer.DeviceID) string {
	if m, ok := x.devices[id]; ok {
		return x.member(m)
	}
	return "device " + id.String()[:8]
}

func (x *words) principal(p officer.Principal) string {
	if id, ok := p.Member(); ok {
		return x.member(id)
	}
	return "a group"
}

func (x *words) card(b []byte) string {
	c, err := officer.ParseCard(b)
	if err != nil {
		return "an unreadable card"
	}
	return x.member(c.ID())
}

func (x *words) operation(op officer.Operation) string {
	switch o := op.(type) {
	case *officer.Genesis:
		return "founded the organization"
	case *officer.MemberAdded:
		return fmt.Sprintf("added %s as %s", x.card(o.Card), o.Role)
	case *officer.DeviceAdded:
		return "added a device of " + x.member(o.Member)
	case *officer.DeviceRemoved:
		return "removed a device of " + x.device(o.Device)
	case *officer.UserKeyRotated:
		return fmt.Sprintf("changed the user key of %s, generation %d", x.member(o.Member), o.Generation)
	case *officer.KeyCreated:
		return "made " + x.fields[o.Resource]
	case *officer.KeyRotated:
		return fmt.Sprintf("opened epoch %d of %s", o.Epoch, x.fields[o.Resource])
	case *officer.KeyClosed:
		return fmt.Sprintf("closed epoch %d of %s", o.Epoch, x.fields[o.Resource])
	case *officer.Grant:
		return fmt.Sprintf("granted %s of %s to %s", o.Rights, x.fields[o.Resource], x.principal(o.Principal))
	case *officer.Revoke:
		return fmt.Sprintf("took %s away from %s", x.fields[o.Resource], x.principal(o.Principal))
	case *officer.Directory:
		return fmt.Sprintf("sealed %d name(s) for whoever reads %s", len(o.Items), x.fields[o.Resource])
	case *officer.KeyResealed:
		return fmt.Sprintf("sealed epoch %d of %s again to %s", o.Epoch, x.fields[o.Resource], x.principal(o.Principal))
	default:
		return op.Kind().String()
	}
}
