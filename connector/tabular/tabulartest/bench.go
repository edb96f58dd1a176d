package tabulartest

import (
	"context"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/underseal/underseal/connector/tabular"
)

// Bench measures Process on a file of the given number of rows, made by Rows
// from template with new ids in the column id. It reports MB/s of the input,
// rows/s, and the peak of the heap that the work added, in MB.
func Bench(b *testing.B, template []byte, id string, n int64, o tabular.Options, t tabular.Transform) {
	b.Helper()
	size := Size(b, template, id, n, o)
	b.SetBytes(size)
	stop := WatchHeap()
	for b.Loop() {
		in, err := Rows(o.Format, template, id, n)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tabular.Process(context.Background(), in, io.Discard, o, t); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(stop())/1e6, "peak-MB")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// Size is the number of bytes of such a file.
func Size(tb testing.TB, template []byte, id string, n int64, o tabular.Options) int64 {
	tb.Helper()
	in, err := Rows(o.Format, template, id, n)
	if err != nil {
		tb.Fatal(err)
	}
	size, err := io.Copy(io.Discard, in)
	if err != nil {
		tb.Fatal(err)
	}
	return size
}

// WatchHeap looks at the heap every few milliseconds until the function it
// returns is called, which gives the highest value above that at the start.
func WatchHeap() (peak func() uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	start := m.HeapAlloc
	var top atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top.Store(max(top.Load(), m.HeapAlloc))
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return max(top.Load(), start) - start
	}
}
