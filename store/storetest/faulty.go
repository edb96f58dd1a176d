package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// ErrFault is what a call returns that fails by plan, unless the plan has
// another error.
var ErrFault = errors.New("the store failed by plan")

// Operation names a method of the contract.
type Operation string

// The operations that can fail.
const (
	Append        Operation = "Append"
	Read          Operation = "Read"
	PutEnvelope   Operation = "PutEnvelope"
	ListEnvelopes Operation = "ListEnvelopes"
	PutBlob       Operation = "PutBlob"
	GetBlob       Operation = "GetBlob"
	PutMail       Operation = "PutMail"
	ListMail      Operation = "ListMail"
	DeleteMail    Operation = "DeleteMail"
	GetLease      Operation = "GetLease"
	SwapLease     Operation = "SwapLease"
)

// writes tells whether o changes the store, so that it can fail and persist.
func (o Operation) writes() bool {
	switch o {
	case Append, PutEnvelope, PutBlob, PutMail, DeleteMail, SwapLease:
		return true
	default:
		return false
	}
}

// Outcome is how a call fails.
type Outcome string

// The outcomes.
const (
	// Failed: nothing happened, and the caller gets an error.
	Failed Outcome = "failed"
	// Persisted: it happened, and the caller gets an error all the same, as
	// when an answer is lost.
	Persisted Outcome = "failed but persisted"
)

// Fault is one line of a plan.
type Fault struct {
	Operation Operation
	Call      int // which call of this operation, from 1
	Outcome   Outcome
	// Dead makes every later call of any operation fail too, with nothing
	// happening: the client crashed or lost its connection for good.
	Dead bool
	Err  error // what the caller gets; nil is ErrFault
}

// String is the fault in words, fit for a subtest's name.
func (f Fault) String() string {
	s := fmt.Sprintf("%s %d %s", f.Operation, f.Call, f.Outcome)
	if f.Dead {
		s += ", then dead"
	}
	return s
}

// Faulty is a store that fails by plan. It is safe for use by several
// goroutines, but which of them makes the nth call is then up to chance.
type Faulty struct {
	under store.Store

	mu    sync.Mutex
	plan  []Fault
	fired []bool
	calls map[Operation]int
	order []Operation
	dead  error
}

var _ store.Store = (*Faulty)(nil)

// NewFaulty wraps s so that it fails by plan. With no plan it only counts.
func NewFaulty(s store.Store, plan ...Fault) *Faulty {
	return &Faulty{under: s, plan: slices.Clone(plan), fired: make([]bool, len(plan)), calls: map[Operation]int{}}
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
	return !slices.Contains(f.fired, false)
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
			outcomes = append(outcomes, Persisted)
		}
		for _, outcome := range outcomes {
			for _, dead := range []bool{false, true} {
				table = append(table, Fault{Operation: o, Call: count[o], Outcome: outcome, Dead: dead})
			}
		}
	}
	return table
}

// EveryFault runs work on a fresh store without faults, and then, for each
// call that it made and each way in which that call can fail, on another fresh
// store that fails so. Fault is nil in the first run. Work makes the same calls
// each time until the fault, checks what its caller is told, and then that
// nothing is lost: with the store under the faulty one, which always works.
func EveryFault(t *testing.T, fresh func(t *testing.T) store.Store, work func(t *testing.T, faulty, under store.Store, fault *Fault)) {
	t.Helper()
	var calls []Operation
	ok := t.Run("no fault", func(t *testing.T) {
		under := fresh(t)
		f := NewFaulty(under)
		work(t, f, under, nil)
		calls = f.Calls()
	})
	if !ok {
		return
	}
	if len(calls) == 0 {
		t.Fatal("the work does not call the store: there is nothing to fail")
	}
	for _, fault := range Faults(calls) {
		t.Run(fault.String(), func(t *testing.T) {
			under := fresh(t)
			f := NewFaulty(under, fault)
			work(t, f, under, &fault)
			if !f.Fired() {
				t.Errorf("%s never happened: the work made other calls than without faults", fault)
			}
		})
	}
}

// do makes one call of operation o.
func (f *Faulty) do(o Operation, call func() error) error {
	f.mu.Lock()
	f.calls[o]++
	f.order = append(f.order, o)
	if f.dead != nil {
		f.mu.Unlock()
		return f.dead
	}
	var planned *Fault
	for i, p := range f.plan {
		if p.Operation == o && p.Call == f.calls[o] {
			planned, f.fired[i] = &f.plan[i], true
		}
	}
	if planned == nil {
		f.mu.Unlock()
		return call()
	}
	err := planned.Err
	if err == nil {
		err = ErrFault
	}
	err = fmt.Errorf("%s: %w", planned, err)
	if planned.Dead {
		f.dead = err
	}
	f.mu.Unlock()
	if planned.Outcome == Persisted {
		// What would have failed anyway fails for its own reason.
		if own := call(); own != nil {
			return own
		}
	}
	return err
}

// Append implements store.Log.
func (f *Faulty) Append(ctx context.Context, at uint64, entry []byte) error {
	return f.do(Append, func() error { return f.under.Append(ctx, at, entry) })
}

// Read implements store.Log.
func (f *Faulty) Read(ctx context.Context, from uint64, limit int) (entries [][]byte, err error) {
	err = f.do(Read, func() error { entries, err = f.under.Read(ctx, from, limit); return err })
	return entries, err
}

// PutEnvelope implements store.Envelopes.
func (f *Faulty) PutEnvelope(ctx context.Context, to store.Index, envelope []byte) error {
	return f.do(PutEnvelope, func() error { return f.under.PutEnvelope(ctx, to, envelope) })
}

// ListEnvelopes implements store.Envelopes.
func (f *Faulty) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) (envelopes [][]byte, next string, err error) {
	err = f.do(ListEnvelopes, func() error {
		envelopes, next, err = f.under.ListEnvelopes(ctx, to, cursor, limit)
		return err
	})
	return envelopes, next, err
}

// PutBlob implements store.Blobs. A call that persisted does not tell the name.
func (f *Faulty) PutBlob(ctx context.Context, data []byte) (name wire.Hash, err error) {
	err = f.do(PutBlob, func() error { name, err = f.under.PutBlob(ctx, data); return err })
	if err != nil {
		return wire.Hash{}, err
	}
	return name, nil
}

// GetBlob implements store.Blobs.
func (f *Faulty) GetBlob(ctx context.Context, name wire.Hash) (data []byte, err error) {
	err = f.do(GetBlob, func() error { data, err = f.under.GetBlob(ctx, name); return err })
	return data, err
}

// PutMail implements store.Mailboxes.
func (f *Faulty) PutMail(ctx context.Context, box store.Index, data []byte) error {
	return f.do(PutMail, func() error { return f.under.PutMail(ctx, box, data) })
}

// ListMail implements store.Mailboxes.
func (f *Faulty) ListMail(ctx context.Context, box store.Index, limit int) (messages []store.Message, err error) {
	err = f.do(ListMail, func() error { messages, err = f.under.ListMail(ctx, box, limit); return err })
	return messages, err
}

// DeleteMail implements store.Mailboxes.
func (f *Faulty) DeleteMail(ctx context.Context, box store.Index, id wire.Hash) error {
	return f.do(DeleteMail, func() error { return f.under.DeleteMail(ctx, box, id) })
}

// GetLease implements store.Leases.
func (f *Faulty) GetLease(ctx context.Context, name string) (l store.Lease, err error) {
	err = f.do(GetLease, func() error { l, err = f.under.GetLease(ctx, name); return err })
	return l, err
}

// SwapLease implements store.Leases. A call that persisted does not tell what
// was written.
func (f *Faulty) SwapLease(ctx context.Context, l store.Lease) (written store.Lease, err error) {
	err = f.do(SwapLease, func() error { written, err = f.under.SwapLease(ctx, l); return err })
	if err != nil {
		return store.Lease{}, err
	}
	return written, nil
}

// Info implements store.Store.
func (f *Faulty) Info() store.Info { return f.under.Info() }

// Close implements store.Store.
func (f *Faulty) Close() error { return f.under.Close() }
