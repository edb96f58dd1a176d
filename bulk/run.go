package bulk

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/underseal/underseal/connector"
)

// run is one call of a Job.
type run struct {
	job     *Job
	call    string
	id      string
	pass    string // names its sightings
	passes  int    // further ones
	leases  *leases
	started time.Time
	before  connector.Usage

	mu     sync.Mutex
	report Report
	counts map[*field]*FieldCounts
	totals map[string]int // by kind; -1 where nobody says
	events sync.Mutex     // one event at a time

	unversioned sync.Once // warned that edits cannot be told
}

func (j *Job) begin(call string, d Direction) *run {
	r := &run{job: j, call: call, started: j.now(), counts: map[*field]*FieldCounts{}, totals: map[string]int{}}
	if d != "" {
		r.id = j.ID(d)
	}
	r.pass = j.process + "-" + call + "-" + r.started.UTC().Format("150405.000000000")
	if m, ok := j.c.Records.(connector.Meter); ok {
		r.before = m.Usage()
	}
	r.report.Total = -1
	j.run = r
	r.event(Event{Kind: EventStarted})
	return r
}

// call is a call of the job, and its report.
func (j *Job) call(ctx context.Context, d Direction, do func() error) (Report, error) {
	r := j.begin(string(d), d)
	err := do()
	return r.end(ctx, err), err
}

// end is the report of the call.
func (r *run) end(ctx context.Context, err error) Report {
	r.leases.release(context.WithoutCancel(ctx))
	r.mu.Lock()
	rep := r.snapshot()
	r.mu.Unlock()
	if m, ok := r.job.c.Records.(connector.Meter); ok {
		u := m.Usage()
		rep.Usage = connector.Usage{Requests: u.Requests - r.before.Requests, Waits: u.Waits - r.before.Waits, Waited: u.Waited - r.before.Waited}
	}
	if r.id != "" {
		if t, e := r.job.c.Journal.Tally(context.WithoutCancel(ctx), r.id); e == nil {
			rep.Tally = t
		}
	}
	e := Event{Kind: EventFinished}
	if err != nil {
		e.Warning = err.Error()
	}
	r.event(e)
	return rep
}

// snapshot is the report so far; r.mu is held.
func (r *run) snapshot() Report {
	rep := r.report
	rep.Call, rep.Job, rep.Place, rep.Started, rep.Ended = r.call, r.id, r.job.place, r.started, r.job.now()
	rep.Fields = nil
	for _, f := range r.job.fields {
		rep.Fields = append(rep.Fields, r.countsOf(f))
	}
	return rep
}

// expect notes how many records of a kind there are.
func (r *run) expect(kind string, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals[kind] = total
	r.report.Total = 0
	for _, n := range r.totals {
		if n < 0 {
			r.report.Total = -1
			return
		}
		r.report.Total += int64(n)
	}
}

// count changes the counts of a field.
func (r *run) count(f *field, change func(*FieldCounts)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts[f]
	if c == nil {
		c = &FieldCounts{Field: f.def.ID, Name: f.def.Name}
		r.counts[f] = c
	}
	change(c)
}

// met counts records.
func (r *run) met(n int64) {
	r.mu.Lock()
	r.report.Records += n
	r.mu.Unlock()
}

// tally counts what a record holds in a field.
func (r *run) tally(f *field, s seen) {
	r.count(f, func(c *FieldCounts) {
		c.Records++
		c.States[s.state]++
		c.Longest = max(c.Longest, length(s.token))
		switch s.state {
		case Sealed, Old, Unreadable, Blocked:
			c.addEpoch(s.epoch, 1)
		case Absent, Unset, Cleared, Plain, Foreign, Suspicious, states:
		}
	})
}

// any tells whether some field's counts are so.
func (r *run) any(so func(FieldCounts) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.counts {
		if so(*c) {
			return true
		}
	}
	return false
}

// of are the counts of a field.
func (r *run) of(f *field) FieldCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.countsOf(f)
}

// countsOf is of while r.mu is held.
func (r *run) countsOf(f *field) FieldCounts {
	c := FieldCounts{Field: f.def.ID, Name: f.def.Name}
	if have := r.counts[f]; have != nil {
		c = *have
		c.Epochs = slices.Clone(c.Epochs)
	}
	return c
}

// recount forgets what was met and found, but not what was written, before
// everything is read once more.
func (r *run) recount() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Records, r.report.Findings, r.report.More = 0, nil, 0
	for f, c := range r.counts {
		r.counts[f] = &FieldCounts{Field: c.Field, Name: c.Name, Changed: c.Changed, SealedAgain: c.SealedAgain}
	}
}

// find notes a finding.
func (r *run) find(f *field, rec connector.Record, state State, why Reason) {
	x := Finding{Kind: rec.Kind, Record: rec.ID, State: state, Reason: why}
	if f != nil {
		x.Field, x.Name = f.def.ID, f.def.Name
	}
	r.mu.Lock()
	if len(r.report.Findings) < MaxFindings {
		r.report.Findings = append(r.report.Findings, x)
	} else {
		r.report.More++
	}
	r.mu.Unlock()
	r.event(Event{Kind: EventFinding, Finding: x})
}

// blind warns, once, that a person's edit between reading and writing is lost.
func (r *run) blind() {
	r.unversioned.Do(func() {
		r.warn("the outside system does not tell the versions of a record apart: what a person changes while this runs may be written over")
	})
}

func (r *run) warn(text string) { r.event(Event{Kind: EventWarning, Warning: text}) }

// event tells the caller, with what is common to all events.
func (r *run) event(e Event) {
	if r.job.c.Events == nil {
		return
	}
	r.mu.Lock()
	e.Time, e.Call, e.Job = r.job.now(), r.call, r.id
	e.Records, e.Total = r.report.Records, r.report.Total
	for _, c := range r.counts {
		e.Changed += c.Changed
		e.Skipped += c.Skipped
	}
	r.mu.Unlock()
	if spent := e.Time.Sub(r.started); spent > 0 && e.Records > 0 {
		e.Rate = float64(e.Records) / spent.Minutes()
		if e.Total > e.Records {
			e.Left = time.Duration(float64(e.Total-e.Records) / e.Rate * float64(time.Minute))
		}
	}
	r.events.Lock()
	defer r.events.Unlock()
	r.job.c.Events(e)
}

// stopped tells why a field is worked on no further.
func (r *run) stopped(f *field) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return f.stop
}

// stop ends the work on a field; the first reason stays.
func (r *run) stop(f *field, why error) {
	r.mu.Lock()
	if f.stop == nil {
		f.stop = why
	}
	r.mu.Unlock()
	r.warn(f.String() + ": " + why.Error())
}
