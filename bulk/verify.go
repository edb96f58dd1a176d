package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// Verify reads every record anew and checks that each value of the fields is
// nothing, or a token that opens for its record. It changes nothing.
//
// It returns ErrNotVerified where it found what should not be; the report lists
// it. What it lists besides, such as values that a person took away, is for
// people to look at.
func (j *Job) Verify(ctx context.Context) (Report, error) {
	r := j.begin("verify", Enable)
	err := j.verify(ctx)
	if e := j.c.Journal.EndPass(context.WithoutCancel(ctx), r.pass); e != nil {
		err = errors.Join(err, fmt.Errorf("journal: %w", e))
	}
	return r.end(ctx, err), err
}

func (j *Job) verify(ctx context.Context) error {
	if err := j.reread(ctx); err != nil {
		return err
	}
	j.run.id = j.ID(Enable)
	v := &verifier{job: j, met: map[string]*tallyOf{}, read: map[string]bool{}}
	if err := v.recall(ctx); err != nil {
		return err
	}
	for _, f := range j.fields {
		if f.gone {
			j.run.find(f, connector.Record{Kind: f.def.Kind}, Absent, FieldGone)
		} else {
			v.read[f.def.Kind] = true
		}
	}
	if err := j.pages(ctx, func(fields []*field, p connector.Page) error { return v.page(ctx, fields, p) }); err != nil {
		return err
	}
	for kind, t := range v.met {
		// Records that were made or deleted while we read change the total.
		if t.first >= 0 && t.first == t.last && t.records != int64(t.first) {
			v.bad = true
			j.run.find(nil, connector.Record{Kind: kind}, Absent, OtherTotal)
		}
	}
	if err := v.unseen(ctx); err != nil {
		return err
	}
	if v.bad {
		return ErrNotVerified
	}
	return nil
}

type tallyOf struct {
	records     int64
	first, last int // Total by the first and the last page
}

type verifier struct {
	job  *Job
	met  map[string]*tallyOf // by kind
	read map[string]bool     // kinds
	bad  bool
	// jobs are those that sealed some of the fields, and which, by definition id.
	jobs map[string]map[string]bool
}

// recall finds the jobs of the journal that sealed the fields as they are now:
// a field that took the place of one that has ended begins anew.
func (v *verifier) recall(ctx context.Context) error {
	jobs, err := v.job.c.Journal.Jobs(ctx)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	v.jobs = map[string]map[string]bool{}
	for _, info := range jobs {
		if !v.job.sealedBy(info) {
			continue
		}
		for _, x := range info.Fields {
			if slices.ContainsFunc(v.job.fields, func(f *field) bool { return f.resource == x.Resource && f.def.ID == x.Field }) {
				if v.jobs[info.ID] == nil {
					v.jobs[info.ID] = map[string]bool{}
				}
				v.jobs[info.ID][x.Field] = true
			}
		}
	}
	return nil
}

func (v *verifier) page(ctx context.Context, fields []*field, p connector.Page) error {
	j := v.job
	if len(p.Records) == 0 {
		return nil
	}
	kind := p.Records[0].Kind
	t := v.met[kind]
	if t == nil {
		t = &tallyOf{first: p.Total}
		v.met[kind] = t
	}
	t.last = p.Total
	seen, err := j.see(ctx, j.run.pass, p)
	if err != nil {
		return err
	}
	again := map[string]int{}
	for _, id := range seen {
		again[id]++
	}
	known := map[[2]string][]Entry{} // by record and field
	for id, fields := range v.jobs {
		entries, err := j.lookup(ctx, id, p)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if at := [2]string{e.Record, e.Field}; fields[e.Field] {
				known[at] = append(known[at], e)
			}
		}
	}
	for id, times := range again {
		for range times {
			v.bad = true
			j.run.find(nil, connector.Record{Kind: kind, ID: id}, Absent, Repeated)
		}
		t.records -= int64(times)
	}
	for _, r := range p.Records {
		t.records++
		j.run.met(1)
		if err := v.record(fields, r, known); err != nil {
			return err
		}
	}
	j.run.event(Event{Kind: EventPage})
	return nil
}

// record checks the fields of one record.
func (v *verifier) record(fields []*field, r connector.Record, known map[[2]string][]Entry) error {
	j := v.job
	name, err := j.recordName(r)
	if err != nil {
		return &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
	}
	for _, f := range fields {
		s := j.look(f, r, name)
		entries := known[[2]string{r.ID, f.def.ID}]
		unheard := slices.ContainsFunc(entries, func(e Entry) bool { return e.State == Intended && e.Token != "" && j.lost(e, name, s) })
		clear(s.value.Data)
		j.run.tally(f, s)
		if unheard {
			j.run.find(f, r, s.state, NeverHeardOf)
		}
		switch {
		case s.state.Empty():
			if !unheard && slices.ContainsFunc(entries, func(e Entry) bool { return e.State == Done }) {
				j.run.find(f, r, s.state, EmptiedSince)
			}
		case s.state == Plain:
			v.bad = true
			j.run.find(f, r, s.state, InClear)
		case s.state > Old:
			v.bad = true
			j.run.find(f, r, s.state, s.reason)
		}
	}
	return nil
}

// lost tells whether a token that was about to be written, as far as anybody
// heard, is not there, nor what it opens to: a person has changed the value at
// that very time, or the outside system the token.
func (j *Job) lost(e Entry, name fieldcrypt.Name, s seen) bool {
	there := s.original.Data
	switch {
	case e.Token == s.token, s.state == Unreadable:
		return false
	case s.state == Sealed, s.state == Old:
		data, ok := spelled(s.value)
		if !ok {
			return false
		}
		there = data
	}
	return !j.opensTo(e.Token, name, there)
}

// unseen asks for the records that the journal knows and the list did not have:
// a record that is there all the same was withheld (attack 25).
func (v *verifier) unseen(ctx context.Context) error {
	asked := map[RecordID]bool{}
	for id := range v.jobs {
		if err := v.unseenOf(ctx, id, asked); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) unseenOf(ctx context.Context, job string, asked map[RecordID]bool) error {
	j := v.job
	after := RecordID{}
	for {
		list, err := j.c.Journal.Unseen(ctx, j.run.pass, job, after, MaxLookup)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		for _, id := range list {
			after = id
			if asked[id] || !v.read[id.Kind] {
				continue
			}
			asked[id] = true
			r := connector.Record{Kind: id.Kind, ID: id.ID}
			switch _, err := j.c.Records.Get(ctx, id.Kind, id.ID, nil); {
			case err == nil:
				v.bad = true
				j.run.find(nil, r, Absent, MissingRecord)
			case errors.Is(err, connector.ErrNotFound):
				j.run.find(nil, r, Absent, RecordGone)
			default:
				return err
			}
		}
		if len(list) < MaxLookup {
			return nil
		}
	}
}

// lookup is Journal.Lookup for the records of a page, which are of one kind.
func (j *Job) lookup(ctx context.Context, id string, p connector.Page) (list []Entry, err error) {
	if id == "" {
		return nil, nil
	}
	return inChunks(p, func(kind string, ids []string) ([]Entry, error) { return j.c.Journal.Lookup(ctx, id, kind, ids) })
}

// see is Journal.See for the records of a page.
func (j *Job) see(ctx context.Context, pass string, p connector.Page) (again []string, err error) {
	return inChunks(p, func(kind string, ids []string) ([]string, error) { return j.c.Journal.See(ctx, pass, kind, ids) })
}

// inChunks asks the journal about as many records at once as it takes.
func inChunks[T any](p connector.Page, ask func(kind string, ids []string) ([]T, error)) (list []T, err error) {
	ids := make([]string, 0, len(p.Records))
	for _, r := range p.Records {
		ids = append(ids, r.ID)
	}
	for part := range slices.Chunk(ids, MaxLookup) {
		some, err := ask(p.Records[0].Kind, part)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		list = append(list, some...)
	}
	return list, nil
}
