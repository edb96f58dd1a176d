package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

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
		if name, ok := workspace.SecretName(r); ok {
			x.fields[r.ID] = "secret " + term.Escape(name)
		}
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
		return fmt.Sprintf("changed the key of %s, epoch %d", x.fields[o.Resource], o.Epoch)
	case *officer.KeyClosed:
		return fmt.Sprintf("closed %s after epoch %d", x.fields[o.Resource], o.Epoch)
	case *officer.Grant:
		return fmt.Sprintf("let %s %s %s", x.principal(o.Principal), rightsInWords(o.Rights), x.fields[o.Resource])
	case *officer.Revoke:
		return fmt.Sprintf("took %s away from %s", x.fields[o.Resource], x.principal(o.Principal))
	case *officer.Directory:
		return fmt.Sprintf("sealed %s for the readers of %s", count(int64(len(o.Items)), "name", "names"), x.fields[o.Resource])
	case *officer.KeyResealed:
		return fmt.Sprintf("sealed epoch %d of %s again to %s", o.Epoch, x.fields[o.Resource], x.principal(o.Principal))
	case *officer.ResourceEnded:
		return "ended " + x.fields[o.Resource]
	case *officer.MemberRemoved:
		return "removed " + x.member(o.Member)
	case *officer.RoleChanged:
		return fmt.Sprintf("made %s %s", x.member(o.Member), o.Role)
	case *officer.Policy:
		return "set the policy"
	case *officer.OperationsBlob:
		return fmt.Sprintf("and %s that ride outside the entry", count(int64(o.Count), "operation", "operations"))
	case *officer.InvitationWithdrawn:
		return "withdrew an invitation"
	case *officer.GroupMemberAdded:
		return fmt.Sprintf("let %s into a group", x.member(o.Member))
	case *officer.GroupMemberRemoved:
		return fmt.Sprintf("took %s out of a group", x.member(o.Member))
	default:
		return op.Kind().String()
	}
}

// rightsInWords lists rights as a sentence does.
func rightsInWords(r officer.Rights) string {
	words := rightsList(r)
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

// rightsList lists rights for --json.
func rightsList(r officer.Rights) []string {
	list := []string{}
	for _, right := range []officer.Rights{officer.Read, officer.Write, officer.Share} {
		if r.Has(right) {
			list = append(list, right.String())
		}
	}
	return list
}
