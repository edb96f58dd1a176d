package tabular_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

var errTest = errors.New("of this test")

// manyRows is a small file of many chunks.
func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("id,a\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,v%d\n", i, i)
	}
	return b.String()
}

func small(workers int) tabular.Options {
	return tabular.WithChunk(tabular.Options{Format: tabular.CSV, Columns: []string{"a"}, RecordID: "id", Workers: workers}, 64)
}

// TestOrder: batches that take different times come out in order, several of
// them are in work at once, and no more than the workers.
func TestOrder(t *testing.T) {
	t.Parallel()
	const workers = 4
	synctest.Test(t, func(t *testing.T) {
		in := manyRows(500)
		var now, top atomic.Int64
		var calls atomic.Int64
		got, _, err := process(in, small(workers), func(ctx context.Context, cells []tabular.Cell) error {
			n := now.Add(1)
			defer now.Add(-1)
			for {
				old := top.Load()
				if n <= old || top.CompareAndSwap(old, n) {
					break
				}
			}
			time.Sleep(time.Duration(calls.Add(1)%7) * time.Second) // the bubble's clock
			return tabulartest.Same(ctx, cells)
		})
		if err != nil || got != in {
			t.Errorf("order was not kept: %v", err)
		}
		if top.Load() != workers {
			t.Errorf("%d batches at once, want %d", top.Load(), workers)
		}
	})
}

// writer lets n writes pass and then does as its function says.
type writer struct {
	n    int
	then func([]byte) (int, error)
	out  bytes.Buffer
}

func (w *writer) Write(p []byte) (int, error) {
	if w.n--; w.n < 0 {
		return w.then(p)
	}
	return w.out.Write(p)
}

// TestStops: whatever goes wrong, Process returns that error, writes nothing
// more, and leaves no goroutine behind, which the bubble would report.
func TestStops(t *testing.T) {
	t.Parallel()
	in := manyRows(500)
	for _, workers := range []int{1, 2, 8} {
		run := func(name string, want error, f func(ctx context.Context, cancel context.CancelCauseFunc, w *writer) error) {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(context.Background())
					defer cancel(nil)
					w := &writer{n: 5}
					err := f(ctx, cancel, w)
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
					if !strings.HasPrefix(in, w.out.String()) || w.out.Len() == len(in) {
						t.Errorf("%d bytes written, or other ones", w.out.Len())
					}
				})
			})
		}
		run("write error", errTest, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			w.then = func([]byte) (int, error) { return 0, errTest }
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), tabulartest.Same)
			return err
		})
		run("short write", io.ErrShortWrite, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			w.then = func(p []byte) (int, error) { return len(p) - 1, nil }
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), tabulartest.Same)
			return err
		})
		run("read error", errTest, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			w.n = 1 << 30
			r := io.MultiReader(strings.NewReader(in[:1000]), iotest.ErrReader(errTest))
			_, err := tabular.Process(ctx, r, w, small(workers), tabulartest.Same)
			return err
		})
		// Not the end of the file: what wraps io.EOF says that there was more.
		run("read error that wraps EOF", io.EOF, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			w.n = 1 << 30
			r := io.MultiReader(strings.NewReader(in[:1000]), iotest.ErrReader(fmt.Errorf("cut short: %w", io.EOF)))
			_, err := tabular.Process(ctx, r, w, small(workers), tabulartest.Same)
			return err
		})
		run("idle reader", io.ErrNoProgress, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			_, err := tabular.Process(ctx, idle{}, w, small(workers), tabulartest.Same)
			return err
		})
		run("transform error", errTest, func(ctx context.Context, _ context.CancelCauseFunc, w *writer) error {
			w.n = 1 << 30
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), func(ctx context.Context, cells []tabular.Cell) error {
				if cells[0].Record > "300" {
					return errTest
				}
				return tabulartest.Same(ctx, cells)
			})
			return err
		})
		run("cancelled before", context.Canceled, func(ctx context.Context, cancel context.CancelCauseFunc, w *writer) error {
			cancel(nil)
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), tabulartest.Same)
			return err
		})
		run("cancelled while writing", errTest, func(ctx context.Context, cancel context.CancelCauseFunc, w *writer) error {
			w.then = func(p []byte) (int, error) { cancel(errTest); return len(p), nil }
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), tabulartest.Same)
			return err
		})
		run("cancelled while reading", errTest, func(ctx context.Context, cancel context.CancelCauseFunc, w *writer) error {
			w.n = 1 << 30
			r := io.MultiReader(strings.NewReader(in[:1000]), during(func() { cancel(errTest) }), strings.NewReader(in[1000:]))
			_, err := tabular.Process(ctx, r, w, small(workers), tabulartest.Same)
			return err
		})
		run("cancelled while transforming", errTest, func(ctx context.Context, cancel context.CancelCauseFunc, w *writer) error {
			w.n = 1 << 30
			_, err := tabular.Process(ctx, strings.NewReader(in), w, small(workers), func(ctx context.Context, cells []tabular.Cell) error {
				if cells[0].Record > "300" {
					cancel(errTest)
					<-ctx.Done()
					return ctx.Err()
				}
				return tabulartest.Same(ctx, cells)
			})
			return err
		})
	}
}

// idle gives nothing, for ever.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// during calls a function while it is read.
type during func()

func (f during) Read([]byte) (int, error) { f(); return 0, io.EOF }

// TestWarnCanStop: the row that Warn tells of is not written when Warn ends
// the context.
func TestWarnCanStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(context.Background())
	o := tabular.WithChunk(tabular.Options{Format: tabular.CSV, Columns: []string{"a"}}, 1)
	o.Warn = func(at tabular.Place, _ tabular.Change) { cancel(fmt.Errorf("%w: %v", errTest, at)) }
	var out bytes.Buffer
	_, err := tabular.Process(ctx, strings.NewReader("a\nx\ny\nz\n"), &out, o, func(_ context.Context, cells []tabular.Cell) error {
		for i := range cells {
			if string(cells[i].Value) == "y" {
				cells[i].Replace, cells[i].New = true, []byte("y,y")
			}
		}
		return nil
	})
	if !errors.Is(err, errTest) || !strings.Contains(err.Error(), "row 2") || strings.Contains(out.String(), "y") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestReaders: how the input arrives makes no difference.
func TestReaders(t *testing.T) {
	t.Parallel()
	in := string(legislators(t))
	for name, r := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(strings.NewReader(in)), "half": iotest.HalfReader(strings.NewReader(in)),
		"data with EOF": iotest.DataErrReader(strings.NewReader(in)),
	} {
		var out bytes.Buffer
		o := tabular.WithChunk(tabular.Options{Format: tabular.CSV, Columns: chosen, RecordID: "id"}, 3000)
		if rep, err := tabular.Process(context.Background(), r, &out, o, tabulartest.Same); err != nil || out.String() != in || rep.Rows != 537 {
			t.Errorf("%s: %+v, %v", name, rep, err)
		}
	}
}

// TestMemory: the heap stays below one bound for a file and for one ten
// times as long (32 MB of CSV), but for the set of record ids where these are asked for.
func TestMemory(t *testing.T) {
	const (
		bound  = 16 << 20 // measured: 5 to 10 MB with two workers
		perRow = 128      // measured: 60 to 80 bytes
	)
	template := legislators(t)
	for _, f := range []tabular.Format{tabular.CSV, tabular.JSONLines} {
		sizes := []int64{1e4, 1e5}
		if f == tabular.JSONLines {
			sizes = []int64{2e3, 2e4} // slow under the race detector
			template = asJSONLines(t, template)
		}
		for _, n := range sizes {
			for id, limit := range map[string]uint64{"": bound, "id": bound + perRow*uint64(n)} {
				in, err := tabulartest.Rows(f, template, "id", n)
				if err != nil {
					t.Fatal(err)
				}
				peak := tabulartest.WatchHeap()
				o := tabular.Options{Format: f, Columns: chosen, RecordID: id, Workers: 2}
				r, err := tabular.Process(context.Background(), in, io.Discard, o, tabulartest.Seal)
				if got := peak(); err != nil || r.Rows != n || got > limit {
					t.Errorf("%v, %d rows, ids in %q: %d bytes of heap, %v", f, n, id, got, err)
				}
			}
		}
	}
}
