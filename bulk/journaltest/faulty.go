package journaltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/underseal/underseal/bulk"
)

// ErrFault is what a call returns that fails by plan.
var ErrFault = errors.New("the journal failed by plan")

// Operation names a method of the contract.
type Operation string

// The operations that can fail.
const (
	OpPutJob  Operation = "PutJob"
	OpJob     Operation = "Job"
	OpJobs    Operation = "Jobs"
	OpIntend  Operation = "Intend"
	OpSettle  Operation = "Settle"
	OpLookup  Operation = "Lookup"
	OpSkipped Operation = "Skipped"
	OpTally   Operation = "Tally"
	OpSee     Operation = "See"
	OpUnseen  Operation = "Unseen"
	OpEndPass Operation = "EndPass"
)

// writes tells whether o changes the journal, so that it can fail and persist.
func (o Operation) writes() bool {
	return slices.Contains([]Operation{OpPutJob, OpIntend, OpSettle, OpSee, OpEndPass}, o)
}

// Fault is one line of a plan.
type Fault struct {
	Operation Operation
	Call      int  // which call of this operation, from 1
	Persisted bool // it happened all the same
	Dead      bool // every later call fails too, with nothing happening
}

// String is the fault in words, fit for a subtest's name.
func (f Fault) String() string {
	s := fmt.Sprintf("%s %d failed", f.Operation, f.Call)
	if f.Persisted {
		s += " but persisted"
	}
	if f.Dead {
		s += ", then dead"
	}
	return s
}

// Faults is the fault table of a run: for each call, every way in which it can
// fail, alone and with everything after it.
func Faults(calls []Operation) []Fault {
	var table []Fault
	count := map[Operation]int{}
	for _, o := range calls {
		count[o]++
		for _, dead := range []bool{false, true} {
			table = append(table, Fault{o, count[o], false, dead})
			if o.writes() {
				table = append(table, Fault{o, count[o], true, dead})
			}
		}
	}
	return table
}

// Faulty is a journal that fails by plan.
type Faulty struct {
	under bulk.Journal

	mu    sync.Mutex
	plan  []Fault
	fired int
	calls map[Operation]int
	order []Operation
	dead  bool
}

var _ bulk.Journal = (*Faulty)(nil)

// NewFaulty wraps j so that it fails by plan. With no plan it only counts.
func NewFaulty(j bulk.Journal, plan ...Fault) *Faulty {
	return &Faulty{under: j, plan: plan, calls: map[Operation]int{}}
}

// Calls returns the operations that were called, in order.
func (f *Faulty) Calls() []Operation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// Fired tells whether every fault of the plan happened.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired == len(f.plan)
}

func (f *Faulty) do(o Operation, call func() error) error {
	f.mu.Lock()
	f.calls[o]++
	f.order = append(f.order, o)
	i := slices.IndexFunc(f.plan, func(p Fault) bool { return p.Operation == o && p.Call == f.calls[o] })
	if f.dead {
		i = -1
	}
	dead := f.dead
	if i >= 0 {
		f.fired++
		f.dead = f.plan[i].Dead
	}
	f.mu.Unlock()
	switch {
	case dead:
		return fmt.Errorf("dead: %w", ErrFault)
	case i < 0:
		return call()
	}
	if f.plan[i].Persisted {
		if err := call(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", f.plan[i], ErrFault)
}

func result[T any](f *Faulty, o Operation, call func() (T, error)) (T, error) {
	var v T
	err := f.do(o, func() (err error) {
		v, err = call()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// PutJob implements bulk.Jobs.
func (f *Faulty) PutJob(ctx context.Context, j bulk.JobInfo) error {
	return f.do(OpPutJob, func() error { return f.under.PutJob(ctx, j) })
}

// Job implements bulk.Jobs.
func (f *Faulty) Job(ctx context.Context, id string) (bulk.JobInfo, error) {
	return result(f, OpJob, func() (bulk.JobInfo, error) { return f.under.Job(ctx, id) })
}

// Jobs implements bulk.Jobs.
func (f *Faulty) Jobs(ctx context.Context) ([]bulk.JobInfo, error) {
	return result(f, OpJobs, func() ([]bulk.JobInfo, error) { return f.under.Jobs(ctx) })
}

// Intend implements bulk.Entries.
func (f *Faulty) Intend(ctx context.Context, job string, e []bulk.Entry) error {
	return f.do(OpIntend, func() error { return f.under.Intend(ctx, job, e) })
}

// Settle implements bulk.Entries.
func (f *Faulty) Settle(ctx context.Context, job string, e []bulk.Entry) error {
	return f.do(OpSettle, func() error { return f.under.Settle(ctx, job, e) })
}

// Lookup implements bulk.Entries.
func (f *Faulty) Lookup(ctx context.Context, job, kind string, records []string) ([]bulk.Entry, error) {
	return result(f, OpLookup, func() ([]bulk.Entry, error) { return f.under.Lookup(ctx, job, kind, records) })
}

// Skipped implements bulk.Entries.
func (f *Faulty) Skipped(ctx context.Context, job string, skip, limit int) ([]bulk.Entry, error) {
	return result(f, OpSkipped, func() ([]bulk.Entry, error) { return f.under.Skipped(ctx, job, skip, limit) })
}

// Tally implements bulk.Entries.
func (f *Faulty) Tally(ctx context.Context, job string) (bulk.Tally, error) {
	return result(f, OpTally, func() (bulk.Tally, error) { return f.under.Tally(ctx, job) })
}

// See implements bulk.Sightings.
func (f *Faulty) See(ctx context.Context, pass, kind string, records []string) ([]string, error) {
	return result(f, OpSee, func() ([]string, error) { return f.under.See(ctx, pass, kind, records) })
}

// Unseen implements bulk.Sightings.
func (f *Faulty) Unseen(ctx context.Context, pass, job string, after bulk.RecordID, limit int) ([]bulk.RecordID, error) {
	return result(f, OpUnseen, func() ([]bulk.RecordID, error) { return f.under.Unseen(ctx, pass, job, after, limit) })
}

// EndPass implements bulk.Sightings.
func (f *Faulty) EndPass(ctx context.Context, pass string) error {
	return f.do(OpEndPass, func() error { return f.under.EndPass(ctx, pass) })
}
