package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

// Apply makes what is missing, signs the fields, writes the export, and seals
// every value in clear. The plan is a fresh one of this job. Apply may be ended
// at any instant and called again, by this or another process.
//
// It returns ErrLeft where all went well but some values had to be left, which
// the report lists.
func (j *Job) Apply(ctx context.Context, p Plan) (Report, error) {
	return j.call(ctx, Enable, func() error { return j.apply(ctx, p) })
}

func (j *Job) apply(ctx context.Context, p Plan) error {
	if err := j.sync(ctx); err != nil {
		return err
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	info, err := j.register(ctx, Enable)
	if err != nil {
		return err
	}
	err = j.seal(ctx, p, &info)
	return j.close(ctx, info, err)
}

// seal is all of Apply that comes after signing.
func (j *Job) seal(ctx context.Context, p Plan, info *JobInfo) error {
	if err := j.refreshForWriting(ctx); err != nil {
		return err
	}
	if err := j.relax(ctx); err != nil {
		return err
	}
	if err := j.probe(ctx, p); err != nil {
		return err
	}
	if err := j.export(ctx, p, info); err != nil {
		return err
	}
	if err := j.work(ctx, func(ctx context.Context, fields []*field, p connector.Page) error {
		return j.page(ctx, fields, p, j.toSeal)
	}); err != nil {
		return err
	}
	if err := j.require(ctx); err != nil {
		return err
	}
	return j.left(someSkipped)
}

// someSkipped tells that not every value of a field was written.
func someSkipped(c FieldCounts) bool { return c.Skipped > 0 }

// left is why a run that came to its end is not a success.
func (j *Job) left(some func(FieldCounts) bool) error {
	var errs []error
	for _, f := range j.fields {
		err := j.run.stopped(f)
		if f.gone && len(j.c.Targets) == 0 {
			j.run.find(f, connector.Record{Kind: f.def.Kind}, Absent, FieldGone)
			continue // nobody asked for it by name
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 && j.run.any(some) {
		return ErrLeft
	}
	return errors.Join(errs...)
}

// register puts the job into the journal, or finds it there.
func (j *Job) register(ctx context.Context, d Direction) (JobInfo, error) {
	id := j.ID(d)
	j.run.id = id
	info, err := j.c.Journal.Job(ctx, id)
	if err != nil && !errors.Is(err, ErrNoJob) {
		return info, fmt.Errorf("journal: %w", err)
	}
	if err != nil {
		info = JobInfo{ID: id, Started: j.now()}
	}
	if info.State == Finished {
		info.Exported = false // what was entered since is in no copy
	}
	info.Organization, info.Place, info.Direction = j.c.Workspace.Organization(), j.place, d
	info.State, info.Updated = Running, j.now()
	info.Fields = nil
	for _, f := range j.fields {
		jf := JobField{Resource: f.resource, Field: f.def.ID, Name: f.def.Name}
		if f.twin != nil {
			jf.Twin = f.twin.ID
		}
		info.Fields = append(info.Fields, jf)
	}
	if err := j.c.Journal.PutJob(ctx, info); err != nil {
		return info, fmt.Errorf("journal: %w", err)
	}
	return info, nil
}

// close notes how a run ended.
func (j *Job) close(ctx context.Context, info JobInfo, err error) error {
	info.State, info.Updated = Stopped, j.now()
	if err == nil || errors.Is(err, ErrLeft) {
		info.State = Finished
	}
	j.run.mu.Lock()
	info.Counts = j.run.snapshot().Counts
	j.run.mu.Unlock()
	if e := j.c.Journal.PutJob(context.WithoutCancel(ctx), info); e != nil {
		err = errors.Join(err, fmt.Errorf("journal: %w", e))
	}
	return err
}

// refresh reads the log and takes keys anew where it has grown. While sealing,
// a field that can no longer be written ends the run.
func (j *Job) refresh(ctx context.Context) error {
	if d := Direction(j.run.call); d == Enable || d == Rekey {
		return j.refreshForWriting(ctx)
	}
	return j.sync(ctx)
}

// refreshForWriting takes the keys to write with, all as of one head.
func (j *Job) refreshForWriting(ctx context.Context) error {
	for range maxTries {
		if err := j.sync(ctx); err != nil {
			return err
		}
		if j.taken == j.head && !j.keyless() {
			return nil
		}
		for _, f := range j.fields {
			if f.gone {
				continue
			}
			key, err := j.c.Workspace.WriteKeyOf(ctx, f.resource)
			if err != nil {
				if errors.Is(err, officer.ErrClosed) {
					err = &ClosedError{Field: f.resource, Err: err}
				}
				return fmt.Errorf("%w: %w", ErrKeyChanged, err)
			}
			f.key = key
		}
		j.taken = j.head
		// To take a key may have opened an epoch: then once more.
	}
	return fmt.Errorf("log: %w", store.ErrConflict) // it grows all the time
}

func (j *Job) keyless() bool {
	for _, f := range j.fields {
		if f.key == nil && !f.gone {
			return true
		}
	}
	return false
}

// probe makes sure that the holders keep the longest token of the plan.
func (j *Job) probe(ctx context.Context, p Plan) error {
	type what struct {
		kind string
		t    connector.FieldType
	}
	longest := map[what]int{}
	for _, f := range j.fields {
		f.keeps = j.keeps(f.holder())
		n := p.longest(f.def.ID)
		if f.keeps > 0 {
			n = min(n, f.keeps)
		}
		if f.stop == nil && n > 0 {
			w := what{f.def.Kind, f.holder().Type}
			longest[w] = max(longest[w], n)
		}
	}
	prober, ok := j.c.Records.(connector.Prober)
	for w, n := range longest {
		if !ok || j.c.Keeps[w.t] >= n {
			continue
		}
		err := prober.Probe(ctx, w.kind, w.t, n)
		if errors.Is(err, connector.ErrForbidden) {
			return fmt.Errorf("%s of %d characters on a %s: %w: %w", w.t, n, w.kind, ErrLength, err)
		}
		if err != nil {
			return fmt.Errorf("%s of %d characters on a %s: %w", w.t, n, w.kind, err)
		}
	}
	return nil
}

// keeps is the most characters that a definition keeps as far as is known.
func (j *Job) keeps(d connector.Definition) int {
	known := j.c.Keeps[d.Type]
	if known == 0 || d.MaxLength > 0 && d.MaxLength < known {
		return d.MaxLength
	}
	return known
}

// toSeal decides what enabling does to a record.
func (j *Job) toSeal(ctx context.Context, w *writer, fields []*field, r connector.Record, count bool) ([]*edit, error) {
	var edits []*edit
	err := w.eachField(fields, r, count, func(f *field, name fieldcrypt.Name, s seen, unwritten []Entry) error {
		again := f.again(s, Enable)
		if !again {
			clear(s.value.Data)
		}
		switch {
		case s.state.Empty():
		case s.beside:
			edits = append(edits, dropFalse(f, r, s))
		case s.state == Plain, again:
			edits = w.plus(edits, unwritten, f, r, name, s)
		case s.state == Sealed, s.state == Old:
			w.forget(unwritten)
		default:
			return w.refuse(ctx, f, r, name, s)
		}
		return nil
	})
	return edits, err
}

// eachField looks at the fields of a record that were not stopped, and at what the
// journal recalls of them.
func (w *writer) eachField(fields []*field, r connector.Record, count bool, do func(f *field, name fieldcrypt.Name, s seen, unwritten []Entry) error) error {
	name, err := w.j.recordName(r)
	if err != nil {
		return &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
	}
	for _, f := range fields {
		if w.j.run.stopped(f) != nil {
			continue
		}
		s := w.j.look(f, r, name)
		var unwritten []Entry
		if count {
			w.j.run.tally(f, s)
			unwritten = w.recalled(f, r, name, s)
		}
		if err := do(f, name, s, unwritten); err != nil {
			return err
		}
	}
	return nil
}

// again tells whether a token takes the place of the one that stands there.
func (f *field) again(s seen, d Direction) bool {
	if d == Rekey {
		return !s.beside && (s.state == Old || s.state == Sealed && f.closed)
	}
	return !s.beside && s.state == Old && s.past
}

// plus adds the edit that seals a value, or lists the value if there is none.
func (w *writer) plus(edits []*edit, unwritten []Entry, f *field, r connector.Record, name fieldcrypt.Name, s seen) []*edit {
	e, why := w.j.sealing(f, r, name, s)
	if e == nil {
		w.forget(unwritten)
		w.skip(f, r, s.state, why)
		return edits
	}
	e.unwritten = unwritten
	return append(edits, e)
}

// refuse leaves a value that is not to be written over, and lists it.
func (w *writer) refuse(ctx context.Context, f *field, r connector.Record, name fieldcrypt.Name, s seen) error {
	healed, err := w.afterCrash(ctx, f, r, name, s)
	if err != nil {
		return err
	}
	if healed {
		s = s.as(Plain, AlteredAndBack)
	}
	w.skip(f, r, s.state, s.reason)
	return nil
}

// sealing is the edit that seals a value, or that of a token of an ended field
// again, or why there is none.
func (j *Job) sealing(f *field, r connector.Record, name fieldcrypt.Name, s seen) (*edit, Reason) {
	value := s.value
	if s.state == Plain {
		value = sealable(f.def.Type, s.original.Data)
	}
	token, err := f.key.Seal(name, value)
	if err != nil {
		return nil, ValueNotSealed
	}
	if f.keeps > 0 && length(token) > f.keeps {
		return nil, TooLong
	}
	return j.replacing(f, r, s, token, func() bool {
		v, binding, err := f.key.Open(token, name)
		defer clear(v.Data)
		return err == nil && binding == fieldcrypt.Bound && v.Type == value.Type && bytes.Equal(v.Data, value.Data)
	}), ""
}

// replacing is the edit that puts a token in the place of a value, or of another
// token that opens to the same. opens tells whether it opens to that.
func (j *Job) replacing(f *field, r connector.Record, s seen, token string, opens func() bool) *edit {
	again := s.state != Plain
	e := &edit{f: f, again: again, entry: Entry{Kind: r.Kind, Record: r.ID, Field: f.def.ID, Token: token, Replaced: s.token, State: Intended}}
	e.is = j.epochOf(f, token)
	if again {
		e.was = s.epoch
	}
	e.changes = []connector.Change{{Field: f.holder().ID, ID: s.holder.ID, Data: quoted(token)}}
	if f.twin != nil && !again {
		e.changes = append(e.changes, connector.Change{Field: f.def.ID, ID: s.original.ID})
	}
	e.landed = func(after connector.Record) bool {
		return holds(after, f.holder().ID, token) && (f.twin == nil || holdsNothing(after, f.def.ID)) && opens()
	}
	e.mine = func(after connector.Record) bool {
		if f.twin != nil && !holdsNothing(after, f.def.ID) {
			return false
		}
		got, ok := after.Value(f.holder().ID)
		word, isText := text(got.Data)
		return ok && isText && (word == token || cut(token, word))
	}
	e.back = func(after connector.Record) []connector.Change {
		if again {
			return heldBefore(f, after, s.token)
		}
		return restored(f, after, s.original.Data, s.token)
	}
	return e
}

// heldBefore are the changes that bring a token back into its holder.
func heldBefore(f *field, r connector.Record, token string) []connector.Change {
	holder, _ := element(r, f.holder().ID)
	return []connector.Change{{Field: f.holder().ID, ID: holder.ID, Data: quoted(token)}}
}

// dropFalse is the edit that empties a checkbox beside the token that counts.
func dropFalse(f *field, r connector.Record, s seen) *edit {
	e := &edit{f: f, entry: Entry{Kind: r.Kind, Record: r.ID, Field: f.def.ID, Token: s.token, State: Intended}}
	e.changes = []connector.Change{{Field: f.def.ID, ID: s.original.ID}}
	e.landed = func(after connector.Record) bool { return holdsNothing(after, f.def.ID) }
	e.mine = func(connector.Record) bool { return false }
	e.back = func(now connector.Record) []connector.Change {
		original, _ := element(now, f.def.ID)
		return []connector.Change{{Field: f.def.ID, ID: original.ID, Data: s.original.Data}}
	}
	return e
}

// restored are the changes that bring a value back into a record as it is now,
// and into the twin what stood there.
func restored(f *field, r connector.Record, value json.RawMessage, before string) []connector.Change {
	original, _ := element(r, f.def.ID)
	list := []connector.Change{{Field: f.def.ID, ID: original.ID, Data: value}}
	if f.twin == nil {
		return list
	}
	holder, times := element(r, f.twin.ID)
	switch {
	case before != "":
		list = append(list, connector.Change{Field: f.twin.ID, ID: holder.ID, Data: quoted(before)})
	case times > 0 && holder.ID != "":
		list = append(list, connector.Change{Field: f.twin.ID, ID: holder.ID, Remove: true})
	}
	return list
}

// holds tells whether a record has a text in a field.
func holds(r connector.Record, field, want string) bool {
	v, times := element(r, field)
	got, ok := text(v.Data)
	return times == 1 && ok && got == want
}

func holdsNothing(r connector.Record, field string) bool {
	v, times := element(r, field)
	return times <= 1 && empty(v.Data)
}

// afterCrash looks whether text that is no token is what the outside system
// made of one that this job wrote before it was ended; then the value goes back
// and the field is stopped.
func (w *writer) afterCrash(ctx context.Context, f *field, r connector.Record, name fieldcrypt.Name, s seen) (healed bool, err error) {
	if s.token == "" || s.reason != LooksLike && s.reason != Altered && s.reason != OtherOwner {
		return false, nil
	}
	if f.twin != nil && !holdsNothing(r, f.def.ID) {
		return false, nil // the value is there
	}
	j := w.j
	for _, entry := range w.intended[[2]string{r.ID, f.def.ID}] {
		if !cut(entry.Token, s.token) {
			continue
		}
		// What rests in a file may be of anybody's making: only what was sealed
		// for this field goes into it.
		if token, err := fieldcrypt.Parse([]byte(entry.Token)); err != nil {
			continue
		} else if owner, _ := j.keys.owners.Find(token.KeyID); !f.ever[owner.Resource] {
			continue
		}
		v, _, err := j.keys.ring.Open(entry.Token, name)
		if err != nil {
			continue
		}
		data, ok := spelled(v)
		if !ok {
			continue
		}
		e := &edit{
			f: f, entry: entry,
			back: func(now connector.Record) []connector.Change { return restored(f, now, data, entry.Replaced) },
		}
		if j.opensTo(entry.Replaced, name, data) { // it was sealed again, and never in clear
			e.back = func(now connector.Record) []connector.Change { return heldBefore(f, now, entry.Replaced) }
		}
		_, why, err := w.putBack(context.WithoutCancel(ctx), e, r)
		if err != nil {
			return false, &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: fmt.Errorf("%w: %w", ErrNotPutBack, err)}
		}
		w.close(entry, Skipped, why)
		j.run.stop(f, fmt.Errorf("%s: %w", f, ErrAltered))
		return true, nil
	}
	return false, nil
}

// opensTo tells whether the caller can open a token, and to this value.
func (j *Job) opensTo(token string, name fieldcrypt.Name, data json.RawMessage) bool {
	v, _, err := j.keys.ring.Open(token, name)
	defer clear(v.Data)
	got, ok := spelled(v)
	return err == nil && ok && same(got, data)
}
