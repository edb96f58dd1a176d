package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/workspace"
)

// Disable ends the protection of the fields and opens every token that the
// caller can open: the values become visible to all who use the account. It may
// be ended at any instant and called again.
//
// It returns ErrLeft where something was left, which the report lists; a twin
// that holds something is not deleted.
func (j *Job) Disable(ctx context.Context) (Report, error) { return j.revert(ctx, Disable) }

// Undo takes back what the job that enabled these fields sealed: only values
// that still hold a token of its journal, or one that was sealed since and opens
// to the same (Rekey). Others are listed as changed since, and then Undo returns
// ErrLeft; where a token is left, the field stays protected.
func (j *Job) Undo(ctx context.Context) (Report, error) { return j.revert(ctx, Undo) }

func (j *Job) revert(ctx context.Context, d Direction) (Report, error) {
	return j.call(ctx, d, func() error { return j.reverting(ctx, d) })
}

func (j *Job) reverting(ctx context.Context, d Direction) error {
	if err := j.reread(ctx); err != nil {
		return err
	}
	if id := j.ID(d); id == "" {
		return fmt.Errorf("a field that is not protected: %w", ErrTarget)
	}
	if err := j.openable(); err != nil {
		return err
	}
	return j.alone(ctx, d, func(*JobInfo) error { return j.open(ctx, d) })
}

// openable refuses fields of which the caller can open nothing: they would be
// protected no more, and their values be tokens all the same.
func (j *Job) openable() error {
	for _, f := range j.fields {
		owner, known := j.keys.owners.Find(f.keyID)
		switch {
		case f.gone:
		case !known || !owner.Granted:
			return fmt.Errorf("%s: %w", f, workspace.ErrNotGranted)
		case owner.Err != nil:
			return fmt.Errorf("%s: %w", f, owner.Err)
		}
	}
	return nil
}

// open is all of Disable and Undo that comes after the job is known.
func (j *Job) open(ctx context.Context, d Direction) error {
	if d == Disable {
		if err := j.end(ctx, j.fields); err != nil {
			return err
		}
	}
	for _, f := range j.fields {
		if f.twin == nil || f.stop != nil || !f.twin.Required {
			continue
		}
		// It must be possible to empty it.
		if err := j.redefine(ctx, f.twin, func(d *connector.Definition) bool {
			marked := starred(d)
			change := marked || d.Required
			d.Required = false
			return change
		}); err != nil {
			return fmt.Errorf("%s: its twin: %w", f, err)
		}
	}
	o := &opener{job: j, direction: d, enabled: j.ID(Enable)}
	if err := j.work(ctx, o.page); err != nil {
		return err
	}
	clean, since, err := j.tokenless(ctx)
	if err != nil {
		return err
	}
	if d == Undo {
		if err := j.end(ctx, clean); err != nil {
			return err
		}
		// Somebody may have sealed a value until then.
		if slices.ContainsFunc(clean, func(f *field) bool { return f.twin != nil }) {
			if clean, since, err = j.tokenless(ctx); err != nil {
				return err
			}
		}
	}
	left := j.present()
	for _, f := range clean {
		done, err := o.withoutTwin(ctx, f, since)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if done {
			left--
		}
	}
	if left > 0 {
		return j.left(func(FieldCounts) bool { return true })
	}
	return j.left(someSkipped)
}

// present is how many fields the outside system still shows.
func (j *Job) present() int {
	n := 0
	for _, f := range j.fields {
		if !f.gone {
			n++
		}
	}
	return n
}

// end takes fields out of use in the log.
func (j *Job) end(ctx context.Context, fields []*field) error {
	for _, f := range fields {
		if f.ended {
			continue
		}
		if err := j.c.Workspace.EndField(ctx, f.resource); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return j.sync(ctx)
}

// tokenless reads all records and returns the fields in which no token is left
// and, of those with a twin, nothing in the twin. Of a kind of which records
// were not listed it returns none. since is when the pass began with a kind, by
// the outside system's time.
func (j *Job) tokenless(ctx context.Context) (clean []*field, since map[string]time.Time, err error) {
	left := map[*field]bool{}
	since = map[string]time.Time{}
	met := j.newCensus()
	defer func() { err = errors.Join(err, met.end(ctx)) }()
	err = j.pages(ctx, func(fields []*field, p connector.Page) error {
		kind := fields[0].def.Kind
		if _, begun := since[kind]; !begun {
			since[kind] = p.At
		}
		if err := met.page(ctx, kind, p); err != nil {
			return err
		}
		for _, r := range p.Records {
			for _, f := range fields {
				holder, times := element(r, f.holder().ID)
				word, isText := text(holder.Data)
				switch {
				case times > 1:
					left[f] = true
				case empty(holder.Data):
				case f.twin != nil, isText && fieldcrypt.LooksLike([]byte(word)):
					left[f] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	short, err := met.short(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range j.fields {
		if f.stop == nil && !f.gone && !left[f] && !short[f.def.Kind] {
			clean = append(clean, f)
		}
	}
	return clean, since, nil
}

// opener decides what goes back.
type opener struct {
	job       *Job
	direction Direction
	enabled   string // id of the job that sealed
	// sealed are, of the records at hand, the tokens that it wrote, by record
	// and field.
	sealed map[[2]string][]string
}

func (o *opener) page(ctx context.Context, fields []*field, p connector.Page) error {
	o.sealed = map[[2]string][]string{}
	if o.direction == Undo {
		entries, err := o.job.lookup(ctx, o.enabled, p)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Token != "" {
				at := [2]string{e.Record, e.Field}
				o.sealed[at] = append(o.sealed[at], e.Token)
			}
		}
	}
	return o.job.page(ctx, fields, p, o.decide)
}

func (o *opener) decide(_ context.Context, w *writer, fields []*field, r connector.Record, count bool) ([]*edit, error) {
	var edits []*edit
	err := w.eachField(fields, r, count, func(f *field, name fieldcrypt.Name, s seen, _ []Entry) error {
		switch {
		case s.state.Empty():
		case s.state == Plain && !s.replaces:
			if count && !w.afterReturn(f, r, name, s) && o.typedSince(f, r, name, s) {
				w.skip(f, r, s.state, ChangedSince)
			}
		case s.state > Old:
			w.skip(f, r, s.state, s.reason)
		case o.direction == Undo && !o.unchanged(f, r, name, s):
			why := ChangedSince
			if len(o.sealed[[2]string{r.ID, f.def.ID}]) == 0 {
				why = SealedElsewhere
			}
			clear(s.value.Data)
			w.skip(f, r, s.state, why)
		case s.state == Plain:
			edits = append(edits, dropToken(f, r, s))
		default:
			data, ok := spelled(s.value)
			if !ok {
				w.skip(f, r, s.state, ValueNotSealed)
				return nil
			}
			edits = append(edits, opening(f, r, s, data))
		}
		return nil
	})
	return edits, err
}

// unchanged tells whether the token that stands there is one that the job wrote,
// or opens to the same as one.
func (o *opener) unchanged(f *field, r connector.Record, name fieldcrypt.Name, s seen) bool {
	tokens := o.sealed[[2]string{r.ID, f.def.ID}]
	if slices.Contains(tokens, s.token) {
		return true
	}
	v, _, err := o.job.keys.ring.Open(s.token, name)
	defer clear(v.Data)
	data, ok := spelled(v)
	return err == nil && ok && slices.ContainsFunc(tokens, func(t string) bool { return o.job.opensTo(t, name, data) })
}

// typedSince tells whether a value in clear is another than the one that the
// job sealed there last: a person typed it over the token.
func (o *opener) typedSince(f *field, r connector.Record, name fieldcrypt.Name, s seen) bool {
	tokens := o.sealed[[2]string{r.ID, f.def.ID}]
	if len(tokens) == 0 {
		return false
	}
	v, _, err := o.job.keys.ring.Open(tokens[len(tokens)-1], name)
	if err != nil {
		return false // what it was cannot be told
	}
	defer clear(v.Data)
	data, ok := spelled(v)
	return ok && !same(s.original.Data, data)
}

// afterReturn looks whether a value that an earlier run brought back, and never
// heard of, is what its token opens to. If it is not, a person changed it or
// the outside system did: the journal has the token. It tells whether there was
// such a run.
func (w *writer) afterReturn(f *field, r connector.Record, name fieldcrypt.Name, s seen) (returned bool) {
	for _, e := range w.intended[[2]string{r.ID, f.def.ID}] {
		returned = true
		v, _, err := w.j.keys.ring.Open(e.Replaced, name)
		if err != nil {
			continue
		}
		data, ok := spelled(v)
		if ok && same(s.original.Data, data) {
			w.close(e, Done, "")
		} else {
			w.close(e, Skipped, ChangedSince)
			w.j.run.count(f, func(c *FieldCounts) { c.Skipped++ })
			w.j.run.find(f, r, s.state, ChangedSince)
		}
		clear(v.Data)
	}
	return returned
}

// opening is the edit that brings a value back.
func opening(f *field, r connector.Record, s seen, data []byte) *edit {
	e := &edit{f: f, entry: Entry{Kind: r.Kind, Record: r.ID, Field: f.def.ID, Replaced: s.token, State: Intended}}
	e.was = s.epoch
	e.changes = restored(f, r, data, "")
	e.landed = func(after connector.Record) bool {
		v, times := element(after, f.def.ID)
		return times == 1 && same(v.Data, data) && (f.twin == nil || holdsNothing(after, f.twin.ID))
	}
	// What somebody wrote since cannot be told from what the system made of it.
	e.mine = func(connector.Record) bool { return false }
	e.back = func(now connector.Record) []connector.Change {
		list := heldBefore(f, now, s.token)
		if f.twin != nil {
			original, _ := element(now, f.def.ID)
			list = append(list, connector.Change{Field: f.def.ID, ID: original.ID})
		}
		return list
	}
	return e
}

// dropToken is the edit that takes the token out of the twin of a value that a
// person has entered since. The journal keeps the token.
func dropToken(f *field, r connector.Record, s seen) *edit {
	e := &edit{f: f, entry: Entry{Kind: r.Kind, Record: r.ID, Field: f.def.ID, Replaced: s.token, State: Intended}}
	e.changes = []connector.Change{{Field: f.twin.ID, ID: s.holder.ID, Remove: true}}
	e.landed = func(after connector.Record) bool { return holdsNothing(after, f.twin.ID) }
	e.mine = func(connector.Record) bool { return false }
	e.back = func(now connector.Record) []connector.Change { return heldBefore(f, now, s.token) }
	return e
}
