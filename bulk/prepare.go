package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// unsigned tells whether the log does not say that the field is protected.
func (f *field) unsigned() bool { return f.resource == (officer.ResourceID{}) || f.ended }

// prepare takes the account and signs the fields that are not signed yet.
func (j *Job) prepare(ctx context.Context) error {
	var err error
	if j.run.leases, err = j.newLeases(); err != nil {
		return err
	}
	for {
		holder := string(Enable) + " " + j.ID(Enable)
		signing := slices.ContainsFunc(j.fields, (*field).unsigned)
		if signing {
			holder = preparing + j.process
		}
		err := j.run.leases.takeAccount(ctx, holder)
		var busy *BusyError
		switch {
		case errors.As(err, &busy) && busy.Preparing():
			// Somebody else is signing, the same fields perhaps.
			j.run.event(Event{Kind: EventWaiting, Until: busy.Until})
			if err := j.clock.Sleep(ctx, patience/3); err != nil {
				return err
			}
		case err != nil:
			return err
		case !signing:
			return nil
		}
		if err := j.reread(ctx); err != nil {
			return err
		}
		if busy != nil {
			continue
		}
		for _, f := range j.fields {
			if f.unsigned() && !f.gone {
				if err := j.sign(ctx, f); err != nil {
					return fmt.Errorf("%s: %w", f, err)
				}
			}
		}
		if err := j.reread(ctx); err != nil {
			return err
		}
		if slices.ContainsFunc(j.fields, (*field).unsigned) {
			return fmt.Errorf("%w: the log does not have it although it was signed", ErrTarget)
		}
	}
}

// sign makes the twin, where one is needed, and then the field of the log.
func (j *Job) sign(ctx context.Context, f *field) error {
	at := officer.Binding{Connector: j.place.Connector, Account: j.place.Account, Kind: f.def.Kind, ID: f.def.ID}
	switch {
	case f.twin != nil: // a field that has ended left it, with tokens perhaps
		at.ID += separator + f.twin.ID
	case f.twinned:
		twin, err := j.twinFor(ctx, f)
		if err != nil {
			return err
		}
		at.ID += separator + twin.ID
	}
	label := f.target.Label
	if label == "" {
		label = f.def.Name
	}
	_, err := j.c.Workspace.NewFieldAt(ctx, label, at, f.target.To)
	if errors.Is(err, workspace.ErrTaken) && f.target.Label == "" {
		// Matters and contacts may have fields of one name.
		_, err = j.c.Workspace.NewFieldAt(ctx, label+" ("+f.def.Kind+")", at, f.target.To)
	}
	return err
}

const (
	// maxName is the characters of a field's name, as Clio bounds it.
	maxName = 32
	// star ends a twin's name while the original or the twin is optional that
	// shall not be.
	star = " *"
)

// twinName is the nth choice for the name of a twin, without star.
func twinName(name string, n int) string {
	suffix := " (sealed)"
	if n > 1 {
		suffix = " (sealed " + strconv.Itoa(n) + ")"
	}
	runes := []rune(strings.TrimSpace(name))
	if most := maxName - len(star) - len(suffix); len(runes) > most {
		runes = runes[:most]
	}
	return strings.TrimSpace(string(runes)) + suffix
}

// maxTwins bounds the search for a free name.
const maxTwins = 100

// twinFor finds the twin that a crash left over, or makes one.
func (j *Job) twinFor(ctx context.Context, f *field) (connector.Definition, error) {
	definer, ok := j.c.Records.(connector.Definer)
	if !ok {
		return connector.Definition{}, fmt.Errorf("a field of type %s needs a twin, and %s lets programs make none: %w", f.def.Type, j.place.Connector, ErrTarget)
	}
	for tries := range 2 {
		if tries > 0 { // the answer to the first was lost
			if err := j.define(ctx); err != nil {
				return connector.Definition{}, err
			}
		}
		name, left, err := j.twinLeft(ctx, f)
		if err != nil || left != nil {
			if left == nil {
				left = &connector.Definition{}
			}
			return *left, err
		}
		if f.def.Required {
			name += star
		}
		d, err := definer.CreateField(ctx, connector.Definition{Name: name, Kind: f.def.Kind, Type: connector.TextArea, Sets: slices.Clone(f.def.Sets)})
		if err == nil {
			j.defs = append(slices.Clip(j.defs), d) // its name is taken
		}
		if !errors.Is(err, connector.ErrUncertain) {
			return d, err
		}
	}
	return connector.Definition{}, connector.ErrUncertain
}

// twinLeft looks for a twin that nothing is bound to and that is empty, and for
// a free name.
func (j *Job) twinLeft(ctx context.Context, f *field) (free string, left *connector.Definition, err error) {
	bound := map[string]bool{}
	for _, s := range j.c.Workspace.FieldsAt(ctx, j.place.Connector, j.place.Account) {
		original, twin, _ := strings.Cut(s.Binding.ID, separator)
		bound[original], bound[twin] = true, true
	}
	for n := 1; n <= maxTwins; n++ {
		name := twinName(f.def.Name, n)
		i := slices.IndexFunc(j.defs, func(d connector.Definition) bool {
			return !d.Deleted && d.Kind == f.def.Kind && strings.EqualFold(strings.TrimSuffix(d.Name, star), name)
		})
		if i < 0 {
			return name, nil, nil
		}
		d := j.defs[i]
		if d.Type != connector.TextArea || bound[d.ID] {
			continue
		}
		if nothing, err := j.nothingIn(ctx, d); err != nil {
			return "", nil, err
		} else if nothing {
			return "", &d, nil
		}
	}
	return "", nil, fmt.Errorf("no free name for a twin: %w", ErrTarget)
}

// nothingIn reads all records and tells whether a field is empty in each.
func (j *Job) nothingIn(ctx context.Context, d connector.Definition) (bool, error) {
	nothing := true
	err := eachPage(func(cursor string) (connector.Page, error) {
		return j.list(ctx, unit{kind: d.Kind, cursor: cursor}, []string{d.ID})
	}, func(p connector.Page) (bool, error) {
		for _, r := range p.Records {
			for _, v := range r.Values {
				nothing = nothing && (v.Field != d.ID || empty(v.Data))
			}
		}
		return nothing, nil
	})
	return nothing && err == nil, err
}

// redefine changes the name or Required of a definition as it is now, where
// change says that there is something to change.
func (j *Job) redefine(ctx context.Context, at *connector.Definition, change func(*connector.Definition) bool) error {
	definer, ok := j.c.Records.(connector.Definer)
	if !ok {
		return fmt.Errorf("%s lets programs change no field: %w", j.place.Connector, ErrTarget)
	}
	var err error
	for range maxTries {
		d := *at
		if !change(&d) {
			return nil
		}
		var got connector.Definition
		if got, err = definer.UpdateField(ctx, d); err == nil {
			*at = got
			return nil
		}
		if !errors.Is(err, connector.ErrConflict) && !errors.Is(err, connector.ErrUncertain) {
			break
		}
		defs, readErr := j.c.Records.Definitions(ctx)
		if readErr != nil {
			return fmt.Errorf("definitions: %w", readErr)
		}
		i := slices.IndexFunc(defs, func(d connector.Definition) bool { return d.ID == at.ID && !d.Deleted })
		if i < 0 {
			return connector.ErrNotFound
		}
		*at = defs[i]
	}
	return err
}

// starred marks a twin whose original shall be required in the end.
func starred(d *connector.Definition) bool {
	if strings.HasSuffix(d.Name, star) {
		return false
	}
	name := []rune(d.Name)
	if len(name) > maxName-len(star) {
		name = name[:maxName-len(star)]
	}
	d.Name = string(name) + star
	return true
}

// relax makes originals with a twin optional, so that they can be empty.
func (j *Job) relax(ctx context.Context) error {
	for _, f := range j.fields {
		if f.twin == nil || f.stop != nil || !f.def.Required {
			continue
		}
		if err := j.redefine(ctx, f.twin, starred); err != nil {
			return fmt.Errorf("%s: its twin: %w", f, err)
		}
		if err := j.redefine(ctx, &f.def, func(d *connector.Definition) bool {
			change := d.Required
			d.Required = false
			return change
		}); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}

// require makes the twins required whose originals were, where nothing is left
// in the original.
func (j *Job) require(ctx context.Context) error {
	for _, f := range j.fields {
		if f.twin == nil || j.run.stopped(f) != nil || j.run.of(f).Skipped > 0 {
			continue
		}
		if err := j.redefine(ctx, f.twin, func(d *connector.Definition) bool {
			name, marked := strings.CutSuffix(d.Name, star)
			d.Name, d.Required = name, d.Required || marked
			return marked
		}); err != nil {
			return fmt.Errorf("%s: its twin: %w", f, err)
		}
	}
	return nil
}
