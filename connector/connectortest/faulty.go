package connectortest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/underseal/underseal/connector"
)

// Operation names a method of the contract.
type Operation string

// The operations that can fail.
const (
	OpPlace       Operation = "Place"
	OpDefinitions Operation = "Definitions"
	OpList        Operation = "List"
	OpGet         Operation = "Get"
	OpWrite       Operation = "Write"
	OpCreate      Operation = "CreateField"
	OpUpdate      Operation = "UpdateField"
	OpDelete      Operation = "DeleteField"
	OpProbe       Operation = "Probe"
	OpChanged     Operation = "Changed"
)

// writes tells whether o changes the system, so that it can fail and persist.
func (o Operation) writes() bool {
	return slices.Contains([]Operation{OpWrite, OpCreate, OpUpdate, OpDelete}, o)
}

// Outcome is how a call fails.
type Outcome string

// The outcomes.
const (
	// Failed: nothing happened, and the caller gets connector.ErrUnavailable.
	Failed Outcome = "failed"
	// Lost: nothing happened, and the caller gets connector.ErrUncertain.
	Lost Outcome = "failed, answer lost"
	// Persisted: it happened, and the caller gets connector.ErrUncertain.
	Persisted Outcome = "failed but persisted"
)

// Fault is one line of a plan.
type Fault struct {
	Operation Operation
	Call      int // which call of this operation, from 1
	Outcome   Outcome
	// Dead makes every later call fail too, with nothing happening: the
	// program crashed or was cut off for good.
	Dead bool
}

// String is the fault in words, fit for a subtest's name.
func (f Fault) String() string {
	s := fmt.Sprintf("%s %d %s", f.Operation, f.Call, f.Outcome)
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
		outcomes := []Outcome{Failed}
		if o.writes() {
			outcomes = append(outcomes, Lost, Persisted)
		}
		for _, outcome := range outcomes {
			for _, dead := range []bool{false, true} {
				table = append(table, Fault{o, count[o], outcome, dead})
			}
		}
	}
	return table
}

// Faulty is a Memory that fails by plan, and one program's way to it.
type Faulty struct {
	*Memory
	// Before, where set, runs before each call: people do something.
	Before func(o Operation, call int)
	// After, where set, runs after each call that happened.
	After func(o Operation, call int)

	mu    sync.Mutex
	plan  []Fault
	fired int
	calls map[Operation]int
	order []Operation
	dead  error
}

var (
	_ connector.Records  = (*Faulty)(nil)
	_ connector.Definer  = (*Faulty)(nil)
	_ connector.Prober   = (*Faulty)(nil)
	_ connector.Budgeter = (*Faulty)(nil)
	_ connector.Meter    = (*Faulty)(nil)
	_ connector.Recent   = (*Faulty)(nil)
)

// NewFaulty wraps m so that it fails by plan. With no plan it only counts.
func NewFaulty(m *Memory, plan ...Fault) *Faulty {
	return &Faulty{Memory: m, plan: plan, calls: map[Operation]int{}}
}

// Calls returns the operations that were called, in order.
func (f *Faulty) Calls() []Operation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// Fired tells whether every fault of the plan happened. A test whose fault
// never happened has shown nothing.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired == len(f.plan)
}

// do makes one call.
func (f *Faulty) do(o Operation, call func() error) error {
	f.mu.Lock()
	f.calls[o]++
	n := f.calls[o]
	f.order = append(f.order, o)
	if f.dead != nil {
		defer f.mu.Unlock()
		return f.dead
	}
	i := slices.IndexFunc(f.plan, func(p Fault) bool { return p.Operation == o && p.Call == n })
	var planned *Fault
	if i >= 0 {
		planned = &f.plan[i]
		f.fired++
	}
	f.mu.Unlock()
	if f.Before != nil {
		f.Before(o, n)
	}
	if planned == nil {
		err := call()
		if f.After != nil {
			f.After(o, n)
		}
		return err
	}
	err := fmt.Errorf("%s: %w", planned, connector.ErrUncertain)
	if planned.Outcome == Failed {
		err = fmt.Errorf("%s: %w", planned, connector.ErrUnavailable)
	}
	if planned.Dead {
		f.mu.Lock()
		f.dead = fmt.Errorf("%s: %w", planned, connector.ErrUnavailable)
		f.mu.Unlock()
	}
	if planned.Outcome == Persisted {
		if own := call(); own != nil {
			return own // what would have failed anyway fails for its own reason
		}
	}
	return err
}

// result is do for calls that answer something.
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

// Place implements connector.Reader.
func (f *Faulty) Place(ctx context.Context) (connector.Place, error) {
	return result(f, OpPlace, func() (connector.Place, error) { return f.Memory.Place(ctx) })
}

// Definitions implements connector.Reader.
func (f *Faulty) Definitions(ctx context.Context) ([]connector.Definition, error) {
	return result(f, OpDefinitions, func() ([]connector.Definition, error) { return f.Memory.Definitions(ctx) })
}

// List implements connector.Reader.
func (f *Faulty) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	return result(f, OpList, func() (connector.Page, error) { return f.Memory.List(ctx, kind, fields, cursor) })
}

// Get implements connector.Reader.
func (f *Faulty) Get(ctx context.Context, kind, id string, fields []string) (connector.Record, error) {
	return result(f, OpGet, func() (connector.Record, error) { return f.Memory.Get(ctx, kind, id, fields) })
}

// Write implements connector.Writer.
func (f *Faulty) Write(ctx context.Context, r connector.Record, changes []connector.Change) (connector.Record, error) {
	return result(f, OpWrite, func() (connector.Record, error) { return f.Memory.Write(ctx, r, changes) })
}

// CreateField implements connector.Definer.
func (f *Faulty) CreateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	return result(f, OpCreate, func() (connector.Definition, error) { return f.Memory.CreateField(ctx, d) })
}

// UpdateField implements connector.Definer.
func (f *Faulty) UpdateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	return result(f, OpUpdate, func() (connector.Definition, error) { return f.Memory.UpdateField(ctx, d) })
}

// DeleteField implements connector.Definer.
func (f *Faulty) DeleteField(ctx context.Context, d connector.Definition) error {
	return f.do(OpDelete, func() error { return f.Memory.DeleteField(ctx, d) })
}

// Probe implements connector.Prober.
func (f *Faulty) Probe(ctx context.Context, kind string, t connector.FieldType, n int) error {
	return f.do(OpProbe, func() error { return f.Memory.Probe(ctx, kind, t, n) })
}

// Changed implements connector.Recent.
func (f *Faulty) Changed(ctx context.Context, kind string, fields []string, since time.Time, cursor string) (connector.Page, error) {
	return result(f, OpChanged, func() (connector.Page, error) { return f.Memory.Changed(ctx, kind, fields, since, cursor) })
}
