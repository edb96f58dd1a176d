package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// directoryKey returns the directory's present key.
func (w *Workspace) directoryKey(ctx context.Context) (*datakey.Key, error) {
	d := w.state.Directory()
	if d == nil {
		return nil, fmt.Errorf("directory: %w", ErrKeyMissing)
	}
	return w.keys.resource(ctx, d, d.Epoch().Number)
}

// Text opens a committed text, if the caller may read one of its openings. An
// opening that does not match the commitment is as good as none.
func (w *Workspace) Text(ctx context.Context, commitment officer.Hash, kind officer.TextKind) (string, bool) {
	s, err := w.text(ctx, commitment, kind)
	return s, err == nil && s != ""
}

// text is Text that tells "not for the caller", which is "" and no error, from
// a store that fails or keeps back the key: nobody may take such a text for
// one that is not there, or names could be given twice.
func (w *Workspace) text(ctx context.Context, commitment officer.Hash, kind officer.TextKind) (string, error) {
	o, err := w.opening(ctx, commitment, kind)
	return o.Text, err
}

// opening is text with the salt, the zero value where text has none.
func (w *Workspace) opening(ctx context.Context, commitment officer.Hash, kind officer.TextKind) (officer.Opening, error) {
	var withheld error
	for _, o := range w.state.Openings(commitment) {
		r := w.state.Resource(o.Resource)
		if r == nil {
			continue
		}
		key, err := w.keys.resource(ctx, r, o.Epoch)
		switch {
		case errors.Is(err, ErrNotGranted), errors.Is(err, ErrNotMember), errors.Is(err, ErrRemoved), errors.Is(err, ErrHistory):
		case err != nil:
			withheld = err
		default:
			if t, err := plan.OpenOpening(key, o.Sealed, commitment); err == nil && t.Kind == kind {
				return t, nil
			}
		}
	}
	return officer.Opening{}, withheld
}

// MemberInfo is a member with the texts that the caller may read; others are
// empty.
type MemberInfo struct {
	*officer.Member
	NameText, EmailText string
}

// OrganizationName is the organization's name, or "" for those who may not read it.
func (w *Workspace) OrganizationName(ctx context.Context) string {
	s, _ := w.Text(ctx, w.state.Name(), officer.TextOrganization)
	return s
}

// Members lists the organization's people.
func (w *Workspace) Members(ctx context.Context) []MemberInfo {
	list, _ := w.members(ctx)
	return list
}

// members is Members with the first reason, if there is one, for which an
// email could not be read that the caller should be able to read.
func (w *Workspace) members(ctx context.Context) (list []MemberInfo, withheld error) {
	for _, m := range w.state.Members() {
		i := MemberInfo{Member: m}
		if m.ID == w.me.Member() { // one's own are known without the directory
			i.NameText, i.EmailText = w.me.Card().Name.Text, w.me.Card().Email.Text
		} else {
			var err error
			i.NameText, _ = w.Text(ctx, m.Name, officer.TextName)
			if i.EmailText, err = w.text(ctx, m.Email, officer.TextEmail); withheld == nil {
				withheld = err
			}
		}
		list = append(list, i)
	}
	return list, withheld
}

// MemberByEmail finds the one member with an email; case does not matter.
func (w *Workspace) MemberByEmail(ctx context.Context, email string) (MemberInfo, error) {
	list, err := w.members(ctx)
	if err != nil {
		return MemberInfo{}, err
	}
	var found []MemberInfo
	for _, m := range list {
		if !m.Removed && m.EmailText != "" && strings.EqualFold(m.EmailText, email) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return MemberInfo{}, fmt.Errorf("member %.80q: %w", email, ErrNoSuch)
	case 1:
		return found[0], nil
	default:
		return MemberInfo{}, fmt.Errorf("member %.80q: %w", email, ErrAmbiguous)
	}
}

// CheckCard says whether the caller may let a card's owner in with a role; a
// program asks before it has the safety number compared. By a member it takes the
// policy (ErrGuestPolicy).
func (w *Workspace) CheckCard(ctx context.Context, f officer.CardFile, as officer.Role) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	if w.state.Member(f.Card.ID()) != nil {
		return fmt.Errorf("card: %w", ErrTaken)
	}
	if err := w.requireInviter(as); err != nil {
		return err
	}
	list, err := w.members(ctx)
	if err != nil {
		return err
	}
	for _, m := range list {
		if !m.Removed && strings.EqualFold(m.EmailText, f.Email.Text) {
			return fmt.Errorf("email %.80q: %w", f.Email.Text, ErrTaken)
		}
	}
	return nil
}

// AddMember lets somebody in, as CheckCard says. The caller has compared the
// card's safety number with its owner.
func (w *Workspace) AddMember(ctx context.Context, f officer.CardFile, role officer.Role) error {
	return w.addCard(ctx, f, role, time.Time{})
}

// addCard lets somebody in, a guest until a time.
func (w *Workspace) addCard(ctx context.Context, f officer.CardFile, role officer.Role, until time.Time) error {
	if err := w.requireInviter(role); err != nil {
		return err
	}
	if err := w.checkExpiry(role, until); err != nil {
		return err
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return err
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.CheckCard(ctx, f, role); err != nil {
			return nil, err
		}
		key, err := w.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		return a.AddMember(f, role, until, key)
	})
}
