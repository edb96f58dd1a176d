package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// GroupInfo is a group with the texts that the caller may read. One that has
// Ended has nobody in it and nothing granted, and does not bear its name any
// more.
type GroupInfo struct {
	*officer.Group
	NameText string // "" where the caller may not read it
	People   []GroupMemberInfo
	Reads    []GroupReads
}

// GroupMemberInfo is a member's place in a group.
type GroupMemberInfo struct {
	officer.GroupMember
	NameText, EmailText string // "" where the caller may not read it
}

// GroupReads is what a group is granted, with its history: whoever is let in
// reads it from its first epoch on.
type GroupReads struct {
	*officer.Resource
	Kind      ThingKind
	LabelText string // "" where the caller may not read it
	Rights    officer.Rights
}

// Groups lists the organization's groups, also those that have ended.
func (w *Workspace) Groups(ctx context.Context) []GroupInfo {
	var list []GroupInfo
	people := w.people(ctx)
	for _, g := range w.state.Groups() {
		list = append(list, w.groupInfo(ctx, g, people))
	}
	return list
}

// Group finds the one group with a name, among those that have not ended; case
// does not matter. It fails with officer.ErrEnded where all have.
func (w *Workspace) Group(ctx context.Context, name string) (GroupInfo, error) {
	g, err := w.group(ctx, name)
	if err != nil {
		return GroupInfo{}, err
	}
	return w.groupInfo(ctx, g, w.people(ctx)), nil
}

// group is Group without the texts.
func (w *Workspace) group(ctx context.Context, name string) (*officer.Group, error) {
	var found []*officer.Group
	none := ErrNoSuch
	for _, g := range w.state.Groups() {
		// A name that is withheld may be this one.
		text, err := w.text(ctx, g.Label, officer.TextGroup)
		switch {
		case err != nil:
			return nil, err
		case text == "" || !strings.EqualFold(text, name):
		case g.Ended():
			none = officer.ErrEnded
		default:
			found = append(found, g)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("group %.80q: %w", name, none)
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("group %.80q: %w", name, ErrAmbiguous)
	}
}

func (w *Workspace) people(ctx context.Context) map[officer.MemberID]MemberInfo {
	people := map[officer.MemberID]MemberInfo{}
	for _, m := range w.Members(ctx) {
		people[m.ID] = m
	}
	return people
}

func (w *Workspace) groupInfo(ctx context.Context, g *officer.Group, people map[officer.MemberID]MemberInfo) GroupInfo {
	i := GroupInfo{Group: g}
	i.NameText, _ = w.Text(ctx, g.Label, officer.TextGroup)
	for _, x := range g.Members {
		m := people[x.Member]
		i.People = append(i.People, GroupMemberInfo{GroupMember: x, NameText: m.NameText, EmailText: m.EmailText})
	}
	p := officer.GroupPrincipal(g.ID)
	for _, r := range w.state.Resources() {
		if rights := r.Rights(p); rights != 0 {
			t := w.Thing(ctx, r)
			i.Reads = append(i.Reads, GroupReads{Resource: r, Kind: t.Kind, LabelText: t.Text, Rights: rights})
		}
	}
	return i
}

// NewGroup makes a group of the caller, who manages it, and of the members with
// the emails. Its name is taken where a group that has not ended has it, or
// where it is somebody's email.
func (w *Workspace) NewGroup(ctx context.Context, name string, emails []string) error {
	o, err := keyring.NewOpening(officer.TextGroup, name)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return err
	}
	var made *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		made = nil // of an attempt that came to nothing
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		switch _, err := w.Principal(ctx, name); {
		case err == nil, errors.Is(err, ErrAmbiguous):
			return nil, fmt.Errorf("group %.80q: %w", name, ErrTaken)
		case !errors.Is(err, ErrNoSuch) && !errors.Is(err, officer.ErrEnded):
			return nil, err
		}
		members := []officer.GroupMemberItem{{Member: w.me.Member(), Rights: officer.Read | officer.Share}}
		in := map[officer.MemberID]bool{w.me.Member(): true}
		for _, email := range emails {
			m, err := w.PresentByEmail(ctx, email)
			if err != nil {
				return nil, err
			}
			if _, _, err := w.state.SealTo(m.ID, w.now()); err != nil {
				return nil, fmt.Errorf("member %.80q: %w", email, err)
			}
			if !in[m.ID] {
				in[m.ID] = true
				members = append(members, officer.GroupMemberItem{Member: m.ID, Rights: officer.Read})
			}
		}
		dir, err := w.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		var p *plan.Plan
		p, made, err = a.CreateGroup(o, members, dir)
		return p, err
	})
	if err != nil {
		return err
	}
	w.keys.hold(made)
	return nil
}

// AddToGroup lets a member into a group: they read everything that the group is
// granted (GroupInfo.Reads), with its history. Rights are read, or read and
// share for who manages the group; 0 leaves them to whoever is in it already.
// Where they have these rights, the present seed is sealed to them again.
//
// In a group that nobody manages, an officer lets somebody manage it who is in
// it, without reading anything by that.
func (w *Workspace) AddToGroup(ctx context.Context, group, email string, rights officer.Rights) error {
	g, _, err := w.groupAndMember(ctx, group, email)
	if err != nil {
		return err
	}
	if g.Manages(w.me.Member()) {
		if err := w.reopenGroup(ctx, g.ID); err != nil {
			return fmt.Errorf("group %.80q: %w", group, err)
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) { return w.planAddition(ctx, a, group, email, rights) })
}

func rightsIn(g *officer.Group, m officer.MemberID) officer.Rights {
	switch {
	case g.Manages(m):
		return officer.Read | officer.Share
	case g.Has(m):
		return officer.Read
	default:
		return 0
	}
}

// RotateGroup opens a group's next epoch for all who are in it; it also ends the
// state of a group that was closed. What the group is granted keeps its epochs.
func (w *Workspace) RotateGroup(ctx context.Context, group string) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	g, err := w.group(ctx, group)
	if err != nil {
		return err
	}
	if err := w.rotateGroup(ctx, g.ID, false); err != nil {
		return fmt.Errorf("group %.80q: %w", group, err)
	}
	return nil
}

// rotateGroup opens the next epoch of a group; onlyClosed leaves one alone that
// somebody else has opened meanwhile.
func (w *Workspace) rotateGroup(ctx context.Context, id officer.GroupID, onlyClosed bool) error {
	var next *datakey.Key
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		next = nil // of an attempt that came to nothing
		g := w.state.Group(id)
		if onlyClosed && !g.Epoch().Closed {
			return nil, nil
		}
		if !g.Manages(w.me.Member()) {
			return nil, fmt.Errorf("to manage it is %w", ErrNotGranted)
		}
		seed, err := w.keys.group(ctx, g, g.Epoch().Number)
		if err != nil {
			return nil, err
		}
		var p *plan.Plan
		p, next, err = a.RotateGroup(seed)
		return p, err
	})
	if err == nil {
		w.keys.hold(next)
	}
	return err
}

// reopenGroup opens the next epoch of a group that was closed, if the caller
// manages it.
func (w *Workspace) reopenGroup(ctx context.Context, id officer.GroupID) error {
	if !w.state.Group(id).Epoch().Closed {
		return nil
	}
	return w.rotateGroup(ctx, id, true)
}

func (w *Workspace) groupAndMember(ctx context.Context, group, email string) (*officer.Group, MemberInfo, error) {
	if err := w.requireMe(); err != nil {
		return nil, MemberInfo{}, err
	}
	g, err := w.group(ctx, group)
	if err != nil {
		return nil, MemberInfo{}, err
	}
	m, err := w.PresentByEmail(ctx, email)
	return g, m, err
}

// PresentByEmail is MemberByEmail that says of whom was removed that they were:
// it fails with ErrMemberRemoved.
func (w *Workspace) PresentByEmail(ctx context.Context, email string) (MemberInfo, error) {
	m, err := w.MemberWas(ctx, email)
	if err == nil && m.Removed {
		err = fmt.Errorf("member %.80q: %w", email, ErrMemberRemoved)
	}
	return m, err
}
