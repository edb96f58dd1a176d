package bulk

import (
	"context"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// Plan is what Apply would find now. It holds no value.
type Plan struct {
	Report
	// Writes is how many records would be written, each once for all fields.
	Writes int64
	// Requests is the least number that Apply and Verify will need: pages to
	// be read for the export, for the work and for verifying, and one for each
	// record to be written.
	Requests int64
	// Budget is what the outside system allows now, and Time what Requests
	// take at that; 0 where it says nothing.
	Budget connector.Budget
	Time   time.Duration
	// Twins are the fields, by name, whose tokens need a twin that does not
	// exist yet, and Unsigned those that are not protected yet.
	Twins, Unsigned []string
}

// longest is the longest token of a field.
func (p Plan) longest(field string) int {
	for _, c := range p.Fields {
		if c.Field == field {
			return c.Longest
		}
	}
	return 0
}

// values are those that the export will have at least.
func (p Plan) values() int64 {
	return p.Sum(func(c FieldCounts) int64 { return c.Of(Plain) + c.Of(Sealed) + c.Of(Old) })
}

// Plan reads all records once and says what Apply would do. It changes nothing,
// neither there nor in the log.
func (j *Job) Plan(ctx context.Context) (Plan, error) { return j.planned(ctx, Enable) }

func (j *Job) planned(ctx context.Context, d Direction) (Plan, error) {
	r := j.begin("plan", "")
	p, err := j.plan(ctx, d)
	p.Report = r.end(ctx, err)
	p.Job = j.ID(d)
	return p, err
}

func (j *Job) plan(ctx context.Context, d Direction) (p Plan, err error) {
	if err := j.reread(ctx); err != nil {
		return p, err
	}
	var pages int64
	for _, f := range j.fields {
		f.keeps = j.keeps(f.holder())
		if f.twinned && f.twin == nil {
			p.Twins = append(p.Twins, f.def.Name)
			f.keeps = j.c.Keeps[connector.TextArea]
		}
		if f.unsigned() {
			p.Unsigned = append(p.Unsigned, f.def.Name)
		}
	}
	err = j.pages(ctx, func(fields []*field, page connector.Page) error {
		pages++
		for _, r := range page.Records {
			j.run.met(1)
			writes, err := j.planRecord(fields, r, d)
			if err != nil {
				return err
			}
			if writes {
				p.Writes++
			}
		}
		j.run.event(Event{Kind: EventPage})
		return nil
	})
	p.Requests = 2*pages + p.Writes
	if j.c.Export != nil {
		p.Requests += pages
	}
	if b, ok := j.c.Records.(connector.Budgeter); ok {
		p.Budget = b.Budget()
		if p.Budget.Requests > 0 {
			windows := (p.Requests + int64(p.Budget.Requests) - 1) / int64(p.Budget.Requests)
			p.Time = time.Duration(windows) * p.Budget.Window
		}
	}
	return p, err
}

// planRecord counts a record, and tells whether it would be written.
func (j *Job) planRecord(fields []*field, r connector.Record, d Direction) (writes bool, err error) {
	name, err := j.recordName(r)
	if err != nil {
		return false, &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
	}
	for _, f := range fields {
		s := j.look(f, r, name)
		size := len(s.value.Data)
		clear(s.value.Data)
		j.run.tally(f, s)
		switch {
		case s.beside:
			writes = d == Enable
		case d == Enable && s.state == Plain, f.again(s, d):
			if s.state == Plain {
				size = len(sealable(f.def.Type, s.original.Data).Data)
			}
			n := fieldcrypt.TokenSize(size)
			fits := f.keeps == 0 || n <= f.keeps
			j.run.count(f, func(c *FieldCounts) {
				c.Longest = max(c.Longest, n)
				switch {
				case s.state != Plain && fits:
					c.SealedAgain++
				case !fits && s.state == Plain:
					c.TooLong++
				}
			})
			if fits {
				writes = true
			} else {
				j.run.find(f, r, s.state, TooLong)
			}
		case s.state > Old:
			j.run.find(f, r, s.state, s.reason)
		}
	}
	return writes, nil
}
