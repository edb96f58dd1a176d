package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// maxTries bounds how often one record is decided anew: somebody else who
// writes it again and again is let be.
const maxTries = 6

// edit is what is to be written to one field of a record.
type edit struct {
	f     *field
	again bool // a token takes the place of another that opens to the same
	// was and is are the epochs of the token that is there and of what takes its
	// place; zero where it is none.
	was, is EpochCount
	// unwritten are entries of tokens that never got there.
	unwritten []Entry
	entry     Entry // what the journal gets
	changes   []connector.Change
	// landed tells whether a record holds what was intended.
	landed func(connector.Record) bool
	// mine tells whether a record holds what the system may have made of it,
	// and nothing that a person wrote.
	mine func(connector.Record) bool
	// back puts what stood there back into a record as it is now.
	back func(connector.Record) []connector.Change
}

// decide tells what is to be written to a record; it counts what it sees if
// told to.
type decide func(ctx context.Context, w *writer, fields []*field, r connector.Record, count bool) ([]*edit, error)

// task is a record with what is to be written to it.
type task struct {
	fields []*field
	record connector.Record
	edits  []*edit
}

// writer writes the edits of one unit.
type writer struct {
	j      *Job
	decide decide

	// intended is what earlier runs meant to write and never heard of, by
	// record and field.
	intended map[[2]string][]Entry

	mu      sync.Mutex
	settled []Entry
}

// recall asks the journal what earlier runs left open on a page.
func (w *writer) recall(ctx context.Context, p connector.Page) error {
	entries, err := w.j.lookup(ctx, w.j.run.id, p)
	if err != nil {
		return err
	}
	w.intended = map[[2]string][]Entry{}
	for _, e := range entries {
		if at := [2]string{e.Record, e.Field}; e.State == Intended {
			w.intended[at] = append(w.intended[at], e)
		}
	}
	return nil
}

// recalled closes what earlier runs left open of a value and is there. It
// returns what was never written: the value stands there as it was.
func (w *writer) recalled(f *field, r connector.Record, name fieldcrypt.Name, s seen) (unwritten []Entry) {
	for _, e := range w.intended[[2]string{r.ID, f.def.ID}] {
		there := s.original.Data
		if s.state != Plain {
			there, _ = spelled(s.value)
		}
		switch {
		case e.Token == "": // a value that was to go back: afterReturn looks
		case s.state == Sealed || s.state == Old:
			if e.Token == s.token {
				w.close(e, Done, "")
			} else if e.Replaced == s.token || w.j.opensTo(e.Token, name, there) {
				unwritten = append(unwritten, e)
			}
		case s.state == Plain && w.j.opensTo(e.Token, name, there):
			unwritten = append(unwritten, e)
		}
	}
	return unwritten
}

// forget closes entries of tokens that were never written and of which nothing
// more will be heard.
func (w *writer) forget(unwritten []Entry) {
	for _, e := range unwritten {
		w.close(e, Skipped, ChangedSince)
	}
}

// close notes what became of an entry that an earlier run left open.
func (w *writer) close(e Entry, state EntryState, why Reason) {
	e.State, e.Reason = state, why
	w.mu.Lock()
	w.settled = append(w.settled, e)
	w.mu.Unlock()
}

// skip notes that a value is left alone.
func (w *writer) skip(f *field, r connector.Record, state State, why Reason) {
	w.mu.Lock()
	w.settled = append(w.settled, Entry{Kind: r.Kind, Record: r.ID, Field: f.def.ID, State: Skipped, Reason: why})
	w.mu.Unlock()
	w.j.run.count(f, func(c *FieldCounts) { c.Skipped++ })
	w.j.run.find(f, r, state, why)
}

// flush gives the journal what became of the values of the unit.
func (w *writer) flush(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settled) == 0 {
		return nil
	}
	if f, ok := w.j.c.Records.(connector.Flusher); ok {
		if err := f.Flush(context.WithoutCancel(ctx)); err != nil {
			return err // none of it is there, and none of it counts
		}
	}
	if err := w.j.c.Journal.Settle(context.WithoutCancel(ctx), w.j.run.id, w.settled); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	w.settled = nil
	return nil
}

func (w *writer) settle(e *edit, state EntryState, why Reason) {
	entry := e.entry
	entry.State, entry.Reason = state, why
	w.mu.Lock()
	for _, u := range e.unwritten { // what is done next forgets them
		u.State, u.Reason = Skipped, ChangedSince
		w.settled = append(w.settled, u)
	}
	w.settled = append(w.settled, entry)
	w.mu.Unlock()
	w.j.run.count(e.f, func(c *FieldCounts) {
		if state == Done {
			c.Changed++
			c.addEpoch(e.was, -1)
			c.addEpoch(e.is, 1)
			if e.again {
				c.SealedAgain++
			}
		} else {
			c.Skipped++
		}
	})
	if state == Skipped {
		w.j.run.find(e.f, connector.Record{Kind: entry.Kind, ID: entry.Record}, Plain, why)
	}
}

// page decides about the records of a page and writes them.
func (j *Job) page(ctx context.Context, fields []*field, p connector.Page, d decide) error {
	w := &writer{j: j, decide: d}
	err := w.page(ctx, fields, p)
	return errors.Join(err, w.flush(ctx))
}

func (w *writer) page(ctx context.Context, fields []*field, p connector.Page) error {
	j := w.j
	if err := w.recall(ctx, p); err != nil {
		return err
	}
	var tasks []task
	var entries []Entry
	for _, r := range p.Records {
		j.run.met(1)
		edits, err := w.decide(ctx, w, fields, r, true)
		if err != nil {
			return err
		}
		if len(edits) > 0 {
			tasks = append(tasks, task{fields, r, edits})
			entries = append(entries, intents(edits)...)
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	if err := j.c.Journal.Intend(ctx, j.run.id, entries); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	// After a failure nothing more is begun, but the writes that are out may
	// come back: their answers count.
	var g errgroup.Group
	g.SetLimit(max(1, j.caps.Parallel))
	var failed atomic.Bool
	for _, t := range tasks {
		g.Go(func() error {
			if failed.Load() {
				return nil
			}
			err := w.write(ctx, t)
			if err != nil {
				failed.Store(true)
			}
			return err
		})
	}
	return g.Wait()
}

func intents(edits []*edit) []Entry {
	list := make([]Entry, 0, len(edits))
	for _, e := range edits {
		list = append(list, e.entry)
	}
	return list
}

func ids(fields []*field) []string {
	var list []string
	for _, f := range fields {
		list = append(list, f.ids()...)
	}
	return list
}

// write brings one record to what was decided, or finds out why not.
func (w *writer) write(ctx context.Context, t task) error {
	j := w.j
	for range maxTries {
		t.edits = w.going(t.edits)
		if len(t.edits) == 0 {
			return nil
		}
		if err := j.run.leases.keep(ctx); err != nil {
			return err
		}
		var changes []connector.Change
		for _, e := range t.edits {
			changes = append(changes, e.changes...)
		}
		lost := false
		after, err := j.c.Records.Write(ctx, t.record, changes)
		switch {
		case err == nil:
			if !j.caps.Conditional || after.Version == t.record.Version {
				j.run.blind()
			}
			return w.check(ctx, t, after)
		case errors.Is(err, connector.ErrConflict):
		case errors.Is(err, connector.ErrUncertain):
			if after, err = j.get(ctx, t); err == nil && arrived(t.edits, after) {
				return w.check(ctx, t, after)
			}
			lost = true
		case errors.Is(err, connector.ErrNotFound):
			if again, err := w.missing(ctx, &t); err != nil || !again {
				return err
			}
		case errors.Is(err, connector.ErrRefused), errors.Is(err, connector.ErrTooLong):
			if len(t.edits) > 1 {
				return w.each(ctx, t)
			}
			why := RefusedThere
			if errors.Is(err, connector.ErrTooLong) {
				why = TooLong
			}
			w.settle(t.edits[0], Skipped, why)
			return nil
		default:
			return err
		}
		if gone, err := w.anew(ctx, &t, lost); err != nil || gone {
			return err
		}
	}
	for _, e := range t.edits {
		w.settle(e, Skipped, ChangedOften)
	}
	return nil
}

// going leaves out the fields that were stopped meanwhile.
func (w *writer) going(edits []*edit) []*edit {
	var list []*edit
	for _, e := range edits {
		if w.j.run.stopped(e.f) == nil {
			list = append(list, e)
		}
	}
	return list
}

// arrived tells whether a record holds all that was intended, or what the system
// made of it.
func arrived(edits []*edit, r connector.Record) bool {
	return !slices.ContainsFunc(edits, func(e *edit) bool { return !e.landed(r) && !e.mine(r) })
}

func (j *Job) get(ctx context.Context, t task) (connector.Record, error) {
	return j.c.Records.Get(ctx, t.record.Kind, t.record.ID, ids(t.fields))
}

// anew reads the record and decides again; gone tells that nothing is left to
// be done. lost tells that the answer to a write was.
func (w *writer) anew(ctx context.Context, t *task, lost bool) (gone bool, err error) {
	r, err := w.j.get(ctx, *t)
	if errors.Is(err, connector.ErrNotFound) {
		for _, e := range t.edits {
			w.settle(e, Skipped, RecordGone)
		}
		return true, nil
	}
	if err != nil {
		return false, err
	}
	// What landed already is done, whoever changed the record beside it.
	var rest []*field
	for _, e := range t.edits {
		if e.landed(r) {
			w.settle(e, Done, "")
		} else {
			rest = append(rest, e.f)
		}
	}
	before, was := t.edits, t.record
	t.record = r
	if t.edits, err = w.decide(ctx, w, rest, r, false); err != nil {
		return false, err
	}
	w.overtaken(before, rest, t.edits)
	for _, e := range before {
		there := holds(r, e.f.holder().ID, e.entry.Token) // a checkbox beside it was to be emptied
		if e.entry.Token != "" && !there && slices.Contains(rest, e.f) {
			w.unwritten(e, t.edits, lost && !untouched(e.f, was, r))
		}
	}
	if len(t.edits) == 0 {
		return true, nil
	}
	if err := w.j.c.Journal.Intend(ctx, w.j.run.id, intents(t.edits)); err != nil {
		return false, fmt.Errorf("journal: %w", err)
	}
	return false, nil
}

// unwritten hands on what is known of an edit that has not landed. Where nobody
// can tell whether it was written, its entry stays open, for verify to look at.
func (w *writer) unwritten(e *edit, now []*edit, unknown bool) {
	list := e.unwritten
	if !unknown {
		list = append(list, e.entry)
	}
	if i := slices.IndexFunc(now, func(n *edit) bool { return n.f == e.f }); i >= 0 {
		now[i].unwritten = append(now[i].unwritten, list...)
		return
	}
	w.forget(list)
}

// overtaken lists values that were to go back and whose place holds something
// else now: the token that they were is in the journal. What the new decision
// listed itself is not listed twice.
func (w *writer) overtaken(before []*edit, rest []*field, now []*edit) {
	for _, e := range before {
		goes := slices.ContainsFunc(now, func(n *edit) bool { return n.f == e.f })
		if e.entry.Token == "" && slices.Contains(rest, e.f) && !goes && !w.listed(e) {
			w.settle(e, Skipped, ChangedSince)
		}
	}
}

// listed tells whether the value of an edit was left alone in this unit.
func (w *writer) listed(e *edit) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.settled, func(s Entry) bool {
		return s.State == Skipped && s.Kind == e.entry.Kind && s.Record == e.entry.Record && s.Field == e.entry.Field
	})
}

// missing finds out whether the record or one of its fields is gone.
func (w *writer) missing(ctx context.Context, t *task) (again bool, err error) {
	defs, err := w.j.c.Records.Definitions(ctx)
	if err != nil {
		return false, fmt.Errorf("definitions: %w", err)
	}
	there := map[string]bool{}
	for _, d := range defs {
		there[d.ID] = !d.Deleted
	}
	var left []*field
	lost := false
	for _, f := range t.fields {
		ok := true
		for _, id := range f.ids() {
			ok = ok && there[id]
		}
		if ok {
			left = append(left, f)
			continue
		}
		lost = true
		if w.j.run.stopped(f) == nil {
			w.j.run.stop(f, fmt.Errorf("%s: %w", f, connector.ErrNotFound))
		}
	}
	for _, e := range t.edits {
		if !lost {
			break // then it is the record; reading it again tells
		}
		if w.j.run.stopped(e.f) != nil {
			w.settle(e, Skipped, FieldGone)
		}
	}
	t.fields, t.edits = left, w.going(t.edits)
	return len(t.edits) > 0, nil
}

// each writes the fields of a record one by one, because one is refused.
func (w *writer) each(ctx context.Context, t task) error {
	for _, e := range t.edits {
		one := task{fields: []*field{e.f}, record: t.record, edits: []*edit{e}}
		if gone, err := w.anew(ctx, &one, false); err != nil {
			return err
		} else if gone {
			continue
		}
		if err := w.write(ctx, one); err != nil {
			return err
		}
	}
	return nil
}
