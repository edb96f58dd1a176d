package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// protection is what the log says of one custom field.
type protection struct {
	workspace.FieldInfo
	Twin string // definition id of the field that holds its tokens, or ""
}

// protectedAt are the custom fields of an account that the log says are
// protected, by definition id, and the twins that hold tokens.
func protectedAt(ctx context.Context, w *workspace.Workspace, account string) (fields map[string]protection, twins map[string]bool) {
	fields, twins = map[string]protection{}, map[string]bool{}
	for _, f := range w.FieldsAt(ctx, clioConnector, account) {
		if f.Ended {
			continue
		}
		original, twin, _ := strings.Cut(f.Binding.ID, ">")
		if _, known := fields[original]; known {
			continue // the first counts
		}
		fields[original] = protection{f, twin}
		if twin != "" {
			twins[twin] = true
		}
	}
	return fields, twins
}

// openedAt are the custom fields of an account that were protected and are not
// any more, by definition id, as they were protected last. Tokens may be left in
// them: whoever disabled them could not open all, or never came to the end.
func openedAt(ctx context.Context, w *workspace.Workspace, account string) map[string]protection {
	protected, _ := protectedAt(ctx, w, account)
	fields := map[string]protection{}
	for _, f := range w.FieldsAt(ctx, clioConnector, account) {
		original, twin, _ := strings.Cut(f.Binding.ID, ">")
		if _, now := protected[original]; !now {
			fields[original] = protection{f, twin}
		}
	}
	return fields
}

// clioConnector is Clio's name in bindings (spec/clio.md).
const clioConnector = "clio"

// named finds the fields that somebody means: by name, as Clio has it or in
// other letters, or by id where no field has that name.
func named(defs []connector.Definition, names []string, on string) ([]connector.Definition, error) {
	var found []connector.Definition
	for _, name := range names {
		d, err := namedOne(defs, name, on)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(f connector.Definition) bool { return f.ID == d.ID }) {
			continue
		}
		found = append(found, d)
	}
	return found, nil
}

func namedOne(defs []connector.Definition, name, on string) (connector.Definition, error) {
	for _, like := range []func(connector.Definition) bool{
		func(d connector.Definition) bool { return d.Name == name },
		func(d connector.Definition) bool {
			return strings.EqualFold(strings.TrimSpace(d.Name), strings.TrimSpace(name))
		},
		func(d connector.Definition) bool { return d.ID == name },
	} {
		var found []connector.Definition
		for _, d := range defs {
			if !d.Deleted && (on == "" || d.Kind == on) && like(d) {
				found = append(found, d)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return connector.Definition{}, ambiguous(name, found)
		}
	}
	return connector.Definition{}, fmt.Errorf("%s: %w", term.Escape(name), errNoClioField)
}

func ambiguous(name string, found []connector.Definition) error {
	err := fmt.Errorf("%s: %w", term.Escape(name), errClioAmbiguous)
	if found[0].Kind != found[1].Kind {
		return withHint(err, "say which: --on matter, or --on contact")
	}
	var ids []string
	for _, d := range found {
		ids = append(ids, d.ID)
	}
	return withHint(err, "give the id instead of the name: "+term.Escape(strings.Join(ids, ", ")))
}

// protectedNamed finds the fields that are protected, or were, that somebody
// means, by the names
// that they have for members. Clio's name of one counts only where it is the
// same: otherwise whoever can rename a field chooses which is opened.
func (v *view) protectedNamed(names []string, on string) ([]connector.Definition, error) {
	labelled := make([]connector.Definition, 0, len(v.signed))
	for _, d := range v.defs {
		if p, signed := v.signed[d.ID]; signed && p.LabelText != "" {
			d.Name = p.LabelText
			labelled = append(labelled, d)
		}
	}
	var found []connector.Definition
	for _, name := range names {
		d, err := namedOne(labelled, name, on)
		if errors.Is(err, errNoClioField) {
			d, err = v.calledThere(name, on)
		}
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(f connector.Definition) bool { return f.ID == d.ID }) {
			found = append(found, d)
		}
	}
	return found, nil
}

// calledThere finds a protected field by Clio's name.
func (v *view) calledThere(name, on string) (connector.Definition, error) {
	d, err := namedOne(v.defs, name, on)
	if err != nil {
		return d, err
	}
	p, signed := v.signed[d.ID]
	if !signed {
		if p, signed = v.opened[d.ID]; !signed {
			return d, fmt.Errorf("%s: %w", term.Escape(d.Name), errNotProtected)
		}
	}
	name = strings.TrimSpace(d.Name)
	same := []string{"", name, fmt.Sprintf("%s (%s)", name, d.Kind), fmt.Sprintf("%s (%s %s)", name, d.Kind, d.ID)} // as labelOf
	if !slices.Contains(same, p.LabelText) {
		return d, withHint(fmt.Errorf("%s: %w %s", term.Escape(d.Name), errRenamed, term.Escape(p.LabelText)),
			"if that is the one you mean: underseal clio disable "+arg(p.LabelText))
	}
	d.Name = cmp.Or(p.LabelText, d.Name)
	return d, nil
}

// labelOf is the name that a field gets in the organization: that of Clio,
// with more where another field bears it.
func labelOf(ctx context.Context, w *workspace.Workspace, d connector.Definition) string {
	name := strings.TrimSpace(d.Name)
	for _, label := range []string{name, fmt.Sprintf("%s (%s)", name, d.Kind)} {
		if _, err := w.Field(ctx, label); errors.Is(err, workspace.ErrNoSuch) || errors.Is(err, officer.ErrEnded) {
			return label
		}
	}
	return fmt.Sprintf("%s (%s %s)", name, d.Kind, d.ID)
}

// checkLabel refuses a label that no officer could sign, before anything is
// read or sealed. Nothing is left out of it silently: what members read would
// then be another name than Clio's, and perhaps that of another field.
func checkLabel(label string) error {
	if (officer.Opening{Kind: officer.TextLabel, Text: label}).Check() != nil {
		return errFieldName
	}
	return nil
}

// fieldState is how a field stands.
type fieldState string

// The states of a field, as clio fields shows them.
const (
	statePlain     fieldState = "plain"
	stateSealed    fieldState = "sealed"
	statePartly    fieldState = "partly"
	stateProtected fieldState = "protected" // not counted: sealed or partly
	stateRemoved   fieldState = "removed"
)

// stateOf judges a field by the log, and by its counts where they are known.
func stateOf(protected bool, c *bulk.FieldCounts) fieldState {
	switch {
	case c == nil && protected:
		return stateProtected
	case c == nil:
		return statePlain
	case protected && c.Of(bulk.Plain)+c.Of(bulk.Blocked)+c.Of(bulk.Suspicious) == 0:
		return stateSealed
	case protected || c.Tokens() > 0:
		return statePartly
	default:
		return statePlain
	}
}
