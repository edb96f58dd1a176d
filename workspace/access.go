package workspace

import (
	"context"
	"errors"
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
	members := w.Members(ctx)
	i := slices.IndexFunc(members, func(m MemberInfo) bool { return m.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("member: %w", ErrNoSuch)
	}
	m := members[i]
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

// AccessThrough lists what a group opens, without its members.
func (w *Workspace) AccessThrough(ctx context.Context, id officer.GroupID) ([]Access, error) {
	g := w.state.Group(id)
	if g == nil {
		return nil, fmt.Errorf("group: %w", ErrNoSuch)
	}
	var list []Access
	for _, r := range w.state.Resources() {
		for _, x := range r.Grants {
			if to, ok := x.Principal.Group(); ok && to == id {
				list = append(list, Access{Access: officer.Access{Resource: r, Through: g, Rights: x.Rights, Since: x.Since}})
			}
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

// ThingKind says what a thing is.
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

// Thing is something with a name: who opens it, or what they open, can be asked.
type Thing struct {
	Kind     ThingKind
	Text     string             // its name; "" where the caller may not read it
	Member   MemberInfo         // of a member
	Group    officer.GroupID    // of a group
	Resource officer.ResourceID // of everything else
	Ended    bool               // a resource or group that has ended, a member who was removed
}

// Thing names a resource.
func (w *Workspace) Thing(ctx context.Context, r *officer.Resource) Thing {
	t, _ := w.thing(ctx, r)
	return t
}

func (w *Workspace) thing(ctx context.Context, r *officer.Resource) (Thing, error) {
	t := Thing{Kind: ThingField, Resource: r.ID, Ended: r.Ended}
	if dir := w.state.Directory(); dir != nil && dir.ID == r.ID {
		t.Kind, t.Text = ThingDirectory, string(ThingDirectory)
		return t, nil
	}
	if name, ok := SecretName(r); ok {
		t.Kind, t.Text = ThingSecret, name
		return t, nil
	}
	if r.Kind == wire.KindFolder {
		t.Kind = ThingFolder
	}
	var err error
	t.Text, err = w.text(ctx, r.Label, officer.TextLabel)
	return t, err
}

// Things lists what has a name: who is there before who was removed, and what is
// in use before what has ended. kind may be "", for all. It fails with ErrNoSuch
// where nothing has the name.
func (w *Workspace) Things(ctx context.Context, name string, kind ThingKind) ([]Thing, error) {
	var list []Thing
	var withheld error
	note := func(t Thing, err error) {
		if withheld == nil {
			withheld = err
		}
		if err == nil && t.Text == name && (kind == "" || t.Kind == kind) {
			list = append(list, t)
		}
	}
	if kind == "" || kind == ThingMember {
		m, err := w.MemberWas(ctx, name)
		switch {
		case err == nil:
			list = append(list, Thing{Kind: ThingMember, Text: m.EmailText, Member: m, Ended: m.Removed})
		case !errors.Is(err, ErrNoSuch):
			return nil, err
		}
	}
	for _, g := range w.state.Groups() {
		s, err := w.text(ctx, g.Label, officer.TextGroup)
		note(Thing{Kind: ThingGroup, Text: s, Group: g.ID, Ended: g.Ended()}, err)
	}
	for _, r := range w.state.Resources() {
		note(w.thing(ctx, r))
	}
	if slices.ContainsFunc(list, func(t Thing) bool { return !t.Ended }) {
		list = slices.DeleteFunc(list, func(t Thing) bool { return t.Ended })
	}
	switch {
	case len(list) > 0:
		return list, nil
	case withheld != nil:
		return nil, withheld
	}
	return nil, fmt.Errorf("%.80q: %w", name, ErrNoSuch)
}
