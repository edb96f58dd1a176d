package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// FieldInfo is a field with the texts that the caller may read. One that is
// Ended is no longer in use: it neither bears its label nor holds its place any
// more, and whoever was granted it keeps its keys for what is left of it.
type FieldInfo struct {
	*officer.Resource
	LabelText string         // "" where the caller may not read it
	Mine      officer.Rights // the caller's rights
}

// called is how an error names the field.
func (f FieldInfo) called() string {
	if f.LabelText == "" {
		return "field " + f.ID.String()
	}
	return fmt.Sprintf("field %.80q", f.LabelText)
}

// tabular is the binding of a field for values in files, which is no place.
var tabular = officer.Binding{Connector: "tabular"}

// Fields lists the organization's fields, also those that have ended.
func (w *Workspace) Fields(ctx context.Context) []FieldInfo {
	list, _ := w.fields(ctx, isField)
	return list
}

// FieldsAt lists the fields of one account of an outside system, also those
// that have ended.
func (w *Workspace) FieldsAt(ctx context.Context, connector, account string) []FieldInfo {
	list, _ := w.fields(ctx, func(r *officer.Resource) bool {
		return isField(r) && r.Binding.Connector == connector && r.Binding.Account == account
	})
	return list
}

// isField tells fields from the organization's secrets, which are of the same
// kind, and from what is of another.
func isField(r *officer.Resource) bool {
	return r.Kind == wire.KindField && r.Binding.Connector != ownConnector
}

// ownConnector is the connector of bindings that are no place in an outside
// system.
const ownConnector = "underseal"

// fields lists some of the resources with the first reason, if there is one,
// for which a label could not be read that the caller should be able to read.
func (w *Workspace) fields(ctx context.Context, which func(*officer.Resource) bool) (list []FieldInfo, withheld error) {
	for _, r := range w.state.Resources() {
		if !which(r) {
			continue
		}
		f, err := w.fieldInfo(ctx, r)
		if withheld == nil {
			withheld = err
		}
		list = append(list, f)
	}
	return list, withheld
}

func (w *Workspace) fieldInfo(ctx context.Context, r *officer.Resource) (FieldInfo, error) {
	label, err := w.text(ctx, r.Label, officer.TextLabel)
	return FieldInfo{Resource: r, LabelText: label, Mine: w.state.Rights(w.me.Member(), r)}, err
}

// Field finds the one field with a label, among those that have not ended. It
// fails with officer.ErrEnded where all have.
func (w *Workspace) Field(ctx context.Context, label string) (FieldInfo, error) {
	list, err := w.fields(ctx, isField)
	if err != nil {
		return FieldInfo{}, err
	}
	var found []FieldInfo
	none := ErrNoSuch
	for _, f := range list {
		switch {
		case f.LabelText != label:
		case f.Ended:
			none = officer.ErrEnded
		default:
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return FieldInfo{}, fmt.Errorf("field %.80q: %w", label, none)
	case 1:
		return found[0], nil
	default:
		return FieldInfo{}, fmt.Errorf("field %.80q: %w", label, ErrAmbiguous)
	}
}

// FieldAt finds the field at a place, which is at most one that has not ended.
func (w *Workspace) FieldAt(ctx context.Context, at officer.Binding) (FieldInfo, error) {
	if at.ID != "" {
		for _, r := range w.state.Resources() {
			if r.Kind == wire.KindField && !r.Ended && r.Binding == at {
				f, _ := w.fieldInfo(ctx, r) // its place is enough to know it by
				return f, nil
			}
		}
	}
	return FieldInfo{}, fmt.Errorf("field at %s %.80q: %w", at.Connector, at.ID, ErrNoSuch)
}

// FieldByID returns a field, which may have ended.
func (w *Workspace) FieldByID(ctx context.Context, id officer.ResourceID) (FieldInfo, error) {
	r := w.state.Resource(id)
	if r == nil || r.Kind != wire.KindField {
		return FieldInfo{}, fmt.Errorf("field %s: %w", id, ErrNoSuch)
	}
	f, _ := w.fieldInfo(ctx, r) // as above
	return f, nil
}

// NewField makes a field for values in files.
func (w *Workspace) NewField(ctx context.Context, label string) error {
	_, err := w.newField(ctx, label, tabular, nil)
	return err
}

// NewFieldAt makes the field for a place in an outside system, which the
// connector names. The caller holds it with all rights; the members, by email, and
// groups, by name, in to may read and write it. All of it is one entry of the log.
//
// It fails with ErrTaken where the label or the place belongs to another field
// that has not ended; FieldAt tells which.
func (w *Workspace) NewFieldAt(ctx context.Context, label string, at officer.Binding, to []string) (FieldInfo, error) {
	if at.ID == "" || at.Connector == ownConnector {
		return FieldInfo{}, fmt.Errorf("field %.80q: %w: the binding is no place", label, officer.ErrOperation)
	}
	id, err := w.newField(ctx, label, at, to)
	if err != nil {
		return FieldInfo{}, err
	}
	return w.FieldByID(ctx, id)
}

func (w *Workspace) newField(ctx context.Context, label string, at officer.Binding, to []string) (id officer.ResourceID, err error) {
	o, err := keyring.NewOpening(officer.TextLabel, label)
	if err != nil {
		return id, fmt.Errorf("label: %w", err)
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return id, err
	}
	var made *datakey.Key
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		if err := w.free(ctx, label, at); err != nil {
			return nil, err
		}
		dir, err := w.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		var p *plan.Plan
		if p, made, err = a.CreateResource(wire.KindField, at, o, w.me.Member(), dir); err != nil {
			return nil, err
		}
		granted := map[string]bool{principalKey(officer.MemberPrincipal(w.me.Member())): true}
		return p, w.grantNew(ctx, a, p, made, granted, to, officer.Read|officer.Write)
	})
	if err != nil {
		return id, err
	}
	w.keys.hold(made)
	return officer.ResourceID(made.Context().Resource), nil
}

// free fails with ErrTaken where a field that has not ended has the label or
// the place.
func (w *Workspace) free(ctx context.Context, label string, at officer.Binding) error {
	switch _, err := w.Field(ctx, label); {
	case err == nil, errors.Is(err, ErrAmbiguous):
		return fmt.Errorf("field %.80q: %w", label, ErrTaken)
	case !errors.Is(err, ErrNoSuch) && !errors.Is(err, officer.ErrEnded):
		return err
	}
	if f, err := w.FieldAt(ctx, at); err == nil {
		return fmt.Errorf("the place of %s: %w", f.called(), ErrTaken)
	}
	return nil
}

// EndField takes a field out of use for good: nobody seals values under its key
// or is granted it any more, its label and its place are free, and whoever was
// granted it keeps what they have. It needs the right to share or an officer,
// and no key. A field that has ended is left as it is.
//
// The caller has seen to it that no value is left that others will need.
func (w *Workspace) EndField(ctx context.Context, field officer.ResourceID) error {
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		if f, err := w.FieldByID(ctx, field); err != nil || f.Ended {
			return nil, err
		}
		return a.End(field)
	})
}

// grantNew adds to the plan of a new resource the rights of members, by their
// emails, and groups, by their names, who are not granted it already.
func (w *Workspace) grantNew(
	ctx context.Context, a plan.Author, p *plan.Plan, key *datakey.Key, granted map[string]bool, to []string, rights officer.Rights,
) error {
	for _, name := range to {
		who, err := w.Principal(ctx, name)
		if err != nil {
			return err
		}
		if granted[principalKey(who)] {
			continue
		}
		granted[principalKey(who)] = true
		g, err := a.Grant(key, who, rights)
		if err != nil {
			return fmt.Errorf("member or group %.80q: %w", name, err)
		}
		p.Join(g)
	}
	return nil
}

func principalKey(p officer.Principal) string { return string(append([]byte{byte(p.Kind)}, p.ID...)) }
