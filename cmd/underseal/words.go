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
	groups  map[officer.GroupID]string
}

func newWords(ctx context.Context, w *workspace.Workspace) *words {
	x := &words{members: map[officer.MemberID]string{}, devices: map[officer.DeviceID]officer.MemberID{}, fields: map[officer.ResourceID]string{}, groups: map[officer.GroupID]string{}}
	people := w.Members(ctx)
	bearers := map[string]int{} // of an email: who was removed and came back, or who looks like another
	for _, m := range people {
		bearers[strings.ToLower(m.EmailText)]++
	}
	for _, m := range people {
		x.members[m.ID] = quoted(m.EmailText)
		if m.EmailText != "" && bearers[strings.ToLower(m.EmailText)] > 1 {
			x.members[m.ID] += " (member " + m.ID.String()[:shortID] + ")"
		}
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
	for _, g := range w.State().Groups() {
		x.groups[g.ID] = "group " + shown(groupText(ctx, w, g))
	}
	return x
}

// quoted is an email within a sentence. What is no email, such as the rest of
// another sentence, stands in quotes.
func quoted(email string) string {
	s := shown(email)
	if email == "" || !strings.ContainsAny(s, " \"'()<>,;") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// keys lists keys that are changed or closed, those of groups first.
func (x *words) keys(groups []officer.GroupID, resources []officer.ResourceID) []string {
	list := []string{}
	for _, id := range groups {
		list = append(list, x.groups[id])
	}
	for _, id := range resources {
		list = append(list, x.fields[id])
	}
	return list
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

func (x *words) card(b []byte) string {
	c, err := officer.ParseCard(b)
	if err != nil {
		return "an unreadable card"
	}
	return x.member(c.ID())
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
