package fieldcrypt

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Sealed is the outcome for one value of a batch.
type Sealed struct {
	Token string
	Err   error
}

// SealBatch seals many values on all cores: values[i] of records[i] becomes
// outcome i, and one failure does not touch the others. The lists must be
// equally long; otherwise every outcome is ErrRecord.
func (k *Key) SealBatch(records []Name, values []Value) []Sealed {
	out := make([]Sealed, len(values))
	each(len(values), func(i int) {
		if len(records) != len(values) {
			out[i].Err = ErrRecord
			return
		}
		out[i].Token, out[i].Err = k.Seal(records[i], values[i])
	})
	return out
}

// Opened is the outcome for one token of a batch.
type Opened struct {
	Value   Value
	Binding Binding
	Err     error
}

// OpenBatch opens many tokens on all cores: outcome i is that of tokens[i],
// and one failure does not touch the others. records is nil, and no record is
// checked, or as long as tokens; otherwise every outcome is ErrRecord.
func (r *Ring) OpenBatch(tokens []string, records []Name) []Opened {
	out := make([]Opened, len(tokens))
	each(len(tokens), func(i int) {
		var name Name
		if records != nil {
			if len(records) != len(tokens) {
				out[i].Err = ErrRecord
				return
			}
			name = records[i]
		}
		o := &out[i]
		o.Value, o.Binding, o.Err = r.Open(tokens[i], name)
	})
	return out
}

// batchStep is how many a goroutine takes at once: some 50 µs of work, beside
// which starting it and taking turns cost nothing.
const batchStep = 64

// each calls f for 0 … n-1, on as many cores as have something to do. In a
// browser there is one.
func each(n int, f func(i int)) {
	var taken atomic.Int64
	work := func() {
		for {
			end := int(taken.Add(batchStep))
			for i := end - batchStep; i < min(end, n); i++ {
				f(i)
			}
			if end >= n {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+batchStep-1)/batchStep) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
