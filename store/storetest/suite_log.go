package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

func logTests() []testCase {
	return []testCase{
		{"begins empty", checkLogEmpty},
		{"reads what was appended, everywhere", checkLogReads},
		{"refuses every position but the next", checkLogPositions},
		{"bounds entries", checkLogSizes},
		{"shares no memory", checkLogMemory},
		{"gives each position to one writer", checkLogRaces},
		{"shows readers a growing prefix", checkLogReaders},
	}
}

func checkLogEmpty(t *testing.T, open func() store.Store) {
	for _, from := range []uint64{0, 1, 1000, math.MaxUint64} {
		entries, err := open().Read(t.Context(), from, 10)
		if err != nil || len(entries) != 0 {
			t.Errorf("from %d: %d entries, %v", from, len(entries), err)
		}
	}
}

func checkLogReads(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	var all [][]byte
	for i := range 25 {
		entry := fmt.Appendf(nil, "entry %d\x00\xff\r\n", i)
		must(t, a.Append(t.Context(), uint64(i), entry))
		all = append(all, entry)
		seen, err := b.Read(t.Context(), uint64(i), 5)
		must(t, err)
		same(t, "at once elsewhere", seen, [][]byte{entry})
	}
	for _, s := range []store.Store{a, b, open()} {
		for _, c := range []struct {
			from  uint64
			limit int
			want  [][]byte
		}{
			{0, 25, all}, {0, 1000, all}, {0, math.MaxInt, all}, {0, 1, all[:1]}, {3, 4, all[3:7]},
			{24, 5, all[24:]}, {25, 5, nil}, {26, 5, nil}, {math.MaxUint64, 5, nil}, {0, 0, nil}, {0, -1, nil},
		} {
			got, err := s.Read(t.Context(), c.from, c.limit)
			must(t, err)
			same(t, fmt.Sprintf("from %d, at most %d", c.from, c.limit), got, c.want)
		}
	}
}

func checkLogPositions(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	var all [][]byte
	for length := range uint64(3) {
		for _, at := range []uint64{0, 1, 2, 3, 4, 999, 1000, 1 << 40, math.MaxUint64} {
			if at == length {
				continue
			}
			if err := b.Append(t.Context(), at, []byte("wrong")); !errors.Is(err, store.ErrConflict) {
				t.Errorf("at %d of %d: got %v, want ErrConflict", at, length, err)
			}
		}
		entry := fmt.Appendf(nil, "right %d", length)
		must(t, a.Append(t.Context(), length, entry))
		all = append(all, entry)
		got, err := b.Read(t.Context(), 0, 100)
		must(t, err)
		same(t, "after conflicts", got, all)
	}
	// The same bytes at the same place are a conflict too.
	if err := a.Append(t.Context(), 0, all[0]); !errors.Is(err, store.ErrConflict) {
		t.Errorf("again: got %v, want ErrConflict", err)
	}
}

func checkLogSizes(t *testing.T, open func() store.Store) {
	s := open()
	var at uint64
	sizes(t, wire.MaxEntry, func(item []byte) error {
		err := s.Append(t.Context(), at, item)
		if err == nil {
			at++
		}
		return err
	})
	entries, err := s.Read(t.Context(), 0, 10)
	must(t, err)
	if len(entries) != 2 || len(entries[1]) != wire.MaxEntry {
		t.Errorf("%d entries", len(entries))
	}
}

func checkLogMemory(t *testing.T, open func() store.Store) {
	s := open()
	entry := []byte("entry")
	must(t, s.Append(t.Context(), 0, entry))
	entry[0] = 'X'
	got, err := s.Read(t.Context(), 0, 1)
	must(t, err)
	same(t, "after the writer's change", got, [][]byte{[]byte("entry")})
	got[0][1] = 'X'
	got, err = s.Read(t.Context(), 0, 1)
	must(t, err)
	same(t, "after the reader's change", got, [][]byte{[]byte("entry")})
}

// Every client appends as real ones do, reading again after each conflict.
func checkLogRaces(t *testing.T, open func() store.Store) {
	const each = 25
	var wait sync.WaitGroup
	won := make([]map[uint64][]byte, clients)
	for c := range clients {
		s := open()
		won[c] = map[uint64][]byte{}
		wait.Go(func() {
			var next uint64
			for i := 0; i < each; {
				entry := fmt.Appendf(nil, "client %d entry %d", c, i)
				err := s.Append(t.Context(), next, entry)
				switch {
				case err == nil:
					won[c][next] = entry
					i++
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("client %d: %v", c, err)
					return
				}
				newer, err := s.Read(t.Context(), next, 1000)
				if err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
				if len(newer) == 0 {
					t.Errorf("client %d: nothing at %d after a conflict or an append there", c, next)
					return
				}
				next += uint64(len(newer))
			}
		})
	}
	wait.Wait()
	all, err := open().Read(t.Context(), 0, 1000)
	must(t, err)
	if len(all) != clients*each {
		t.Fatalf("%d entries, want %d", len(all), clients*each)
	}
	owners := 0
	for c := range clients {
		for at, entry := range won[c] {
			owners++
			if !bytes.Equal(all[at], entry) {
				t.Errorf("position %d: client %d was told that it wrote %q, but it holds %q", at, c, entry, all[at])
			}
		}
	}
	if owners != len(all) {
		t.Errorf("%d positions were won, want %d", owners, len(all))
	}
}

func checkLogReaders(t *testing.T, open func() store.Store) {
	const total = 40
	writer := open()
	var written sync.WaitGroup
	done := make(chan struct{})
	for range clients - 1 {
		s := open()
		written.Go(func() {
			var seen [][]byte
			for last := false; !last; {
				select {
				case <-done:
					last = true // and once more, to see everything
				default:
				}
				now, err := s.Read(t.Context(), 0, 1000)
				if err != nil {
					t.Error(err)
					return
				}
				if len(now) < len(seen) || !slices.EqualFunc(now[:len(seen)], seen, bytes.Equal) {
					t.Errorf("%s after %s", brief(now), brief(seen))
					return
				}
				seen = now
			}
			if len(seen) != total {
				t.Errorf("%d entries at the end, want %d", len(seen), total)
			}
		})
	}
	for i := range total {
		if err := writer.Append(t.Context(), uint64(i), fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	written.Wait()
}
