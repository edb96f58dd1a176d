package workspace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// Access is one way in which a member may open something, as the log grants it.
type Access struct {
	officer.Access
	Member MemberInfo
	// Time is what the clock of whoever opened this way said; entry number
	// Since of the log says so.
	Time time.Time
	// Expired: the member is a guest whose time is over. They open what they
	// could before, and nothing is sealed to them any more.
	Expired bool
}

// AccessOf lists every way in which a member may open something, the directory
// among them. A removed member has none.
func (w *Workspace) AccessOf(ctx context.Context, id officer.MemberID) ([]Access, error) {
	i := slices.IndexFunc(w.Members(ctx), func(m MemberInfo) bool { return m.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("member: %w", ErrNoSuch)
	}
	m := w.Members(ctx)[i]
	var list []Access
	for _, a := range w.state.Reach(id) {
		list = append(list, Access{Access: a, Member: m, Expired: w.Expired(m.Member)})
	}
	return w.dated(ctx, list)
}

// AccessTo lists every way in which a field, a secret, a folder or the
// directory is opened, by member in the order in which they were added.
func (w *Workspace) AccessTo(ctx context.Context, id officer.ResourceID) ([]Access, error) {
	r := w.state.Resource(id)
	if r == nil {
		return nil, fmt.Errorf("resource: %w", ErrNoSuch)
	}
	readers := w.state.Readers(r)
	var list []Access
	for _, m := range w.Members(ctx) {
		for _, a := range readers[m.ID] {
			list = append(list, Access{Access: a, Member: m, Expired: w.Expired(m.Member)})
		}
	}
	return w.dated(ctx, list)
}

// dated fills in what the authors' clocks said.
func (w *Workspace) dated(ctx context.Context, list []Access) ([]Access, error) {
	at, err := w.EntryTimes(ctx, func(yield func(uint64) bool) {
		for _, a := range list {
			if !yield(a.Since) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Time = at[list[i].Since]
	}
	return list, nil
}

// EntryTimes tells what the authors' clocks said in entries of the log, by
// their number.
func (w *Workspace) EntryTimes(ctx context.Context, numbers func(yield func(uint64) bool)) (map[uint64]time.Time, error) {
	from, at := w.state.Head().Length, map[uint64]time.Time{}
	for n := range numbers {
		from, at[n] = min(from, n), time.Time{}
	}
	entries, err := w.entriesFrom(ctx, from)
	if err != nil || len(at) == 0 {
		return at, err
	}
	for n := range at {
		if n-from < uint64(len(entries)) {
			at[n] = entries[n-from].Time
		}
	}
	return at, nil
}

// Kind of what access can be shown to.
type ThingKind string

// The kinds of thing.
const (
	ThingMember    ThingKind = "member"
	ThingGroup     ThingKind = "group"
	ThingField     ThingKind = "field"
	ThingFolder    ThingKind = "folder"
	ThingSecret    ThingKind = "secret"
	ThingDirectory ThingKind = "directory"
)

// Thing is something with a name: who has it, or what they have, can be asked.
type Thing struct {
	Kind     ThingKind
	Text     string
	Member   MemberInfo         // of a member
	Group    officer.GroupID    // of a group
	Resource officer.ResourceID // of everything else
	Ended    bool               // a resource or group that has ended, a member who was removed
}

// Things lists what has a name: the present member with an email before one who
// was removed, and a field that is in use before one that has ended. kind may
// be "", for all. It fails with ErrNoSuch where nothing has the name.
func (w *Workspace) Things(ctx context.Context, name string, kind ThingKind) ([]Thing, error) {
	var list []Thing
	var withheld error
	text := func(c officer.Hash, k officer.TextKind) string {
		s, err := w.text(ctx, c, k)
		if withheld == nil {
			withheld = err
		}
		return s
	}
	switch m, err := w.MemberWas(ctx, name); {
	case err == nil:
		list = append(list, Thing{Kind: ThingMember, Text: m.EmailText, Member: m, Ended: m.Removed})
	case kind == ThingMember:
		return nil, err
	}
	for _, g := range w.state.Groups() {
		if s := text(g.Label, officer.TextGroup); s == name {
			list = append(list, Thing{Kind: ThingGroup, Text: s, Group: g.ID, Ended: g.Ended()})
		}
	}
	for _, r := range w.state.Resources() {
		t := Thing{Kind: ThingField, Resource: r.ID, Ended: r.Ended}
		secret, isSecret := SecretName(r)
		switch dir := w.state.Directory(); {
		case dir != nil && dir.ID == r.ID:
			t.Kind, t.Text = ThingDirectory, string(ThingDirectory)
		case isSecret:
			t.Kind, t.Text = ThingSecret, secret
		case r.Kind == wire.KindFolder:
			t.Kind, t.Text = ThingFolder, text(r.Label, officer.TextLabel)
		default:
			t.Text = text(r.Label, officer.TextLabel)
		}
		if t.Text == name {
			list = append(list, t)
		}
	}
	if kind != "" {
		list = slices.DeleteFunc(list, func(t Thing) bool { return t.Kind != kind })
	}
	if slices.ContainsFunc(list, func(t Thing) bool { return !t.Ended }) {
		list = slices.DeleteFunc(list, func(t Thing) bool { return t.Ended })
	}
	if len(list) == 0 {
		if withheld != nil {
			return nil, withheld
		}
		return nil, fmt.Errorf("%.80q: %w", name, ErrNoSuch)
	}
	return list, nil
}
