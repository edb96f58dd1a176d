package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newOrgStatusCommand(a *app) *cobra.Command {
	var read bool
	c := &cobra.Command{
		Use: "status", Short: "Show what is under earlier keys, what is closed, and for whom it waits", Args: noArgs,
		Long: `Show what removals and changed keys left to do: how many values of the connected Clio
account are under which epoch of their field's key, as they were last read, or with
--read as they are now; which keys are closed, so that nobody may seal under them,
and who may open the next; what was not sealed to somebody whose own key was closed;
guests whose time is over; and who is no officer any more and may share the
directory still.`,
		Example: "underseal org status --read",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if read {
				return a.withClio(cmd.Context(), shortPatience, 0, func(x *account) error {
					if err := x.readEpochs(cmd.Context()); err != nil {
						return err
					}
					return a.orgStatus(cmd.Context(), x.w)
				})
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error { return a.orgStatus(cmd.Context(), w) })
		},
	}
	c.Flags().BoolVar(&read, "read", false, "read the records of the Clio account now")
	return c
}

// readEpochs reads the records of protected fields and keeps what is found.
func (x *account) readEpochs(ctx context.Context) error {
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	if err := x.count(ctx, v, v.isSigned); err != nil {
		return err
	}
	return x.saveLook(v)
}

type jsonOrgStatus struct {
	Account string            `json:"account,omitempty"` // that was read
	Fields  []jsonFieldEpochs `json:"fields"`
	Earlier int64             `json:"values_under_earlier_keys"`
	Closed  []jsonClosed      `json:"closed"`
	Missed  []jsonMissed      `json:"missed"`
	Guests  []jsonGuest       `json:"expired_guests"`
	Demoted []string          `json:"demoted"` // who were officers and may share the directory still
}

type jsonFieldEpochs struct {
	Name    string       `json:"name"`
	ID      string       `json:"id"`    // the definition's
	Epoch   uint64       `json:"epoch"` // the present one
	Closed  bool         `json:"closed"`
	Read    *time.Time   `json:"read,omitempty"` // when its values were counted
	Values  []epochCount `json:"values"`
	Earlier int64        `json:"values_under_earlier_keys"`
}

type jsonClosed struct {
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Epoch    uint64       `json:"epoch"`
	WaitsFor []string     `json:"waits_for"`
	Orphaned bool         `json:"orphaned"`
	Readers  []string     `json:"readers"` // who read it or are in it, where it is orphaned
	Sharers  []jsonSharer `json:"sharers"` // to whose grant an officer may add share then
	Mine     bool         `json:"yours_to_open"`
}

type jsonSharer struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type jsonMissed struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Epoch    uint64   `json:"epoch"`
	Who      []string `json:"who"`
	WaitsFor []string `json:"waits_for"`
	Mine     bool     `json:"yours_to_seal"`
}

type jsonGuest struct {
	Email   string    `json:"email"`
	Expired time.Time `json:"expired"`
}

func (a *app) orgStatus(ctx context.Context, w *workspace.Workspace) error {
	if err := standing(w); errors.Is(err, workspace.ErrRemoved) {
		return err
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	l, err := loadLook(homeDir(home), a.me.Keys(), "")
	if err != nil {
		return err
	}
	p := w.Pending(ctx)
	out := jsonOrgStatus{Fields: []jsonFieldEpochs{}, Closed: []jsonClosed{}, Missed: []jsonMissed{}, Guests: []jsonGuest{}, Demoted: emails(p.Demoted)}
	if l != nil {
		out.Account = l.Account
		out.Fields = a.epochsAt(ctx, w, l)
	}
	for _, f := range out.Fields {
		out.Earlier += f.Earlier
	}
	for _, c := range p.Closed {
		x := jsonClosed{Kind: string(c.Kind), Name: c.Text, Epoch: c.Epoch, WaitsFor: emails(c.Openers), Orphaned: c.Orphaned(), Readers: emails(c.Readers), Sharers: []jsonSharer{}, Mine: c.Mine}
		for _, to := range c.Sharers {
			x.Sharers = append(x.Sharers, jsonSharer{string(to.Kind), to.Text})
		}
		out.Closed = append(out.Closed, x)
	}
	for _, m := range p.Missed {
		x := jsonMissed{Kind: string(m.Kind), Name: m.Text, Epoch: m.Epoch, Who: []string{}, WaitsFor: emails(m.Holders), Mine: m.Mine}
		for _, who := range m.Who {
			x.Who = append(x.Who, who.Text)
		}
		out.Missed = append(out.Missed, x)
	}
	for _, g := range p.Expired {
		out.Guests = append(out.Guests, jsonGuest{g.EmailText, time.Unix(int64(min(g.Expires, 1<<40)), 0).UTC()}) // #nosec G115 -- as bounded
	}
	if len(out.Guests) > 0 {
		a.warnGuestClock(w)
	}
	if a.json {
		a.printJSON(out, nil)
		return nil
	}
	return a.printOrgStatus(out, p, w.Me() != nil && w.Me().Role == officer.RoleOfficer)
}

// epochsAt are the protected fields of the account that was read last.
func (a *app) epochsAt(ctx context.Context, w *workspace.Workspace, l *look) []jsonFieldEpochs {
	list := []jsonFieldEpochs{}
	signed, _ := protectedAt(ctx, w, l.Account)
	for id, p := range signed {
		e := p.Epoch()
		f := jsonFieldEpochs{Name: p.LabelText, ID: id, Epoch: e.Number, Closed: e.Closed, Values: []epochCount{}}
		if at := l.epochsOf(id); at != nil {
			f.Read, f.Values = &at.Read, at.Epochs
			for _, x := range at.Epochs {
				if x.Ended || x.Resource != p.ID.String() || x.Epoch < e.Number || e.Closed {
					f.Earlier += x.Values
				}
			}
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b jsonFieldEpochs) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	return list
}

func emails(list []workspace.MemberInfo) []string {
	out := []string{}
	for _, m := range list {
		if m.EmailText == "" {
			out = append(out, "member "+m.ID.String()[:shortID])
		} else {
			out = append(out, m.EmailText)
		}
	}
	return out
}

func (a *app) printOrgStatus(s jsonOrgStatus, p workspace.Pending, isOfficer bool) error {
	if err := a.printEpochs(s); err != nil {
		return err
	}
	for _, c := range p.Closed {
		a.print("closed   %s, epoch %d: %s", thingWords(c.Thing), c.Epoch, opensHint(c))
	}
	for i, m := range s.Missed {
		a.print("missed   %s, epoch %d, by %s: %s", thingWords(p.Missed[i].Thing), m.Epoch, escaped(m.Who), sealsHint(m))
	}
	for _, g := range s.Guests {
		a.print("guest    %s: the time was over on %s", shown(g.Email), day(g.Expired))
	}
	for _, who := range s.Demoted {
		a.print("demoted  %s: is no officer any more, and may share the directory still, until an officer takes that: underseal member role %s --role member", shown(who), arg(who))
	}
	if len(s.Closed)+len(s.Missed)+len(s.Guests)+len(s.Demoted) == 0 {
		a.say("nothing is closed, and nobody waits for a key")
	}
	mine := slices.ContainsFunc(s.Closed, func(c jsonClosed) bool { return c.Mine && c.Kind != string(workspace.ThingMember) }) ||
		slices.ContainsFunc(s.Missed, func(m jsonMissed) bool { return m.Mine })
	switch {
	case mine:
		a.next("underseal org catch-up")
	case len(s.Guests) > 0 && isOfficer:
		a.next("underseal member remove %s", arg(s.Guests[0].Email))
	case len(s.Demoted) > 0 && isOfficer && len(s.Closed) == 0:
		a.next("underseal member role %s --role member", arg(s.Demoted[0]))
	case s.Earlier > 0:
		a.next("underseal org rekey")
	}
	return nil
}

// printEpochs says where the values are, and how old that knowledge is.
func (a *app) printEpochs(s jsonOrgStatus) error {
	if len(s.Fields) == 0 {
		return nil
	}
	t := a.table()
	t.row("FIELD", "EPOCH", "UNDER IT", "UNDER EARLIER KEYS", "READ")
	for _, f := range s.Fields {
		if f.Read == nil {
			t.row(shown(f.Name), fmt.Sprint(f.Epoch), "?", "?", "never")
			continue
		}
		var present int64
		for _, e := range f.Values {
			present += e.Values
		}
		t.row(shown(f.Name), fmt.Sprint(f.Epoch), fmt.Sprint(present-f.Earlier), fmt.Sprintf("%d%s", f.Earlier, underWords(f)), age(*f.Read, a.now()))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if slices.ContainsFunc(s.Fields, func(f jsonFieldEpochs) bool { return f.Read == nil }) {
		a.say("some values were never counted here: underseal org status --read")
	}
	return nil
}

// underWords says how many values are under which earlier epoch.
func underWords(f jsonFieldEpochs) string {
	var parts []string
	for _, e := range f.Values {
		switch {
		case e.Ended:
			parts = append(parts, fmt.Sprintf("%d of an ended field", e.Values))
		case e.Epoch < f.Epoch || f.Closed:
			parts = append(parts, fmt.Sprintf("epoch %d: %d", e.Epoch, e.Values))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func escaped(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, shown(s))
	}
	return strings.Join(out, ", ")
}

// thingWords is what something is called in a sentence.
func thingWords(t workspace.Thing) string {
	switch t.Kind {
	case workspace.ThingDirectory:
		return "the directory"
	case workspace.ThingMember:
		return "the user key of " + shown(t.Text)
	default:
		return string(t.Kind) + " " + shown(t.Text)
	}
}

// opensHint says who opens the next epoch of what is closed, and how.
func opensHint(c workspace.ClosedKey) string {
	command := "underseal org catch-up"
	switch c.Kind {
	case workspace.ThingField:
		command = "underseal field rotate " + arg(c.Text)
	case workspace.ThingGroup:
		command = "underseal group rotate " + arg(c.Text)
	case workspace.ThingMember:
		return "it waits for " + escaped(emails(c.Openers)) + ", whose next command makes a new one"
	case workspace.ThingFolder, workspace.ThingSecret, workspace.ThingDirectory:
	}
	switch {
	case c.Mine:
		return "it waits for you: " + command
	case !c.Orphaned():
		return fmt.Sprintf("it waits for %s: %s", escaped(emails(c.Openers)), command)
	case len(c.Readers) == 0:
		return "nobody can open it any more"
	}
	to := emails(c.Readers)[0]
	switch c.Kind {
	case workspace.ThingField:
		return sharesHint(c)
	case workspace.ThingGroup:
		return fmt.Sprintf("nobody may open it until an officer lets one of %s manage it: underseal group add %s %s --manages", escaped(emails(c.Readers)), arg(c.Text), arg(to))
	default:
		return "nobody may open it until an officer gives the share right to one of " + escaped(emails(c.Readers))
	}
}

// sharesHint says to whom an officer gives the right to share a field, where
// nobody has it: to whom the field is granted, and not to who reads it through
// a group.
func sharesHint(c workspace.ClosedKey) string {
	if len(c.Sharers) == 0 { // groups with guests in them
		return "nobody may open it until an officer takes the guests out of a group that reads it: underseal access show " + arg(c.Text)
	}
	var names []string
	for _, t := range c.Sharers {
		names = append(names, thingName(t))
	}
	flag, then := "--to", ""
	if t := c.Sharers[0]; t.Kind == workspace.ThingGroup {
		flag, then = "--to-group", "; a group that is closed is opened first"
	}
	return fmt.Sprintf("nobody may open it until an officer gives the share right to one of %s: underseal field grant %s %s %s --rights share%s",
		strings.Join(names, ", "), arg(c.Text), flag, arg(c.Sharers[0].Text), then)
}

// thingName is a member's email or what a group is called.
func thingName(t workspace.Thing) string {
	if t.Kind == workspace.ThingMember {
		return shown(t.Text)
	}
	return thingWords(t)
}

// sealsHint says who seals again what somebody missed.
func sealsHint(m jsonMissed) string {
	switch {
	case m.Mine:
		return "it waits for you: underseal org catch-up"
	case len(m.WaitsFor) == 0:
		return "nobody can seal it to them"
	default:
		return "it waits for the next change by " + few(m.WaitsFor)
	}
}
