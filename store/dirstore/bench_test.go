package dirstore

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/underseal/underseal/store"
)

const benchEntry = 300 // bytes, a typical entry

func benchStore(b *testing.B, entries int) (s *Store, path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "store")
	s, err := Create(path, organization())
	check(b, err)
	b.Cleanup(func() { check(b, s.Close()) })
	entry := make([]byte, benchEntry)
	for at := range entries {
		folder := filepath.Join(path, "log", fmt.Sprintf("%010d", at/span*span))
		if at%span == 0 {
			check(b, os.Mkdir(folder, 0o755))
		}
		entry[0] = byte(at)
		check(b, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%010d.entry", at)), entry, 0o644))
	}
	return s, path
}

func BenchmarkAppend(b *testing.B) {
	s, _ := benchStore(b, 0)
	entry := make([]byte, benchEntry)
	var at uint64
	for b.Loop() {
		check(b, s.Append(b.Context(), at, entry))
		at++
	}
}

func BenchmarkPutEnvelope(b *testing.B) {
	s, _ := benchStore(b, 0)
	at := 0
	for b.Loop() {
		check(b, s.PutEnvelope(b.Context(), store.Index{}, fmt.Appendf(nil, "%01500d", at)))
		at++
	}
}

// BenchmarkRead reads a log of 100,000 entries by pages, as a client does that
// sees it for the first time.
func BenchmarkRead(b *testing.B) {
	const entries = 100_000
	s, _ := benchStore(b, entries)
	for _, page := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("page=%d", page), func(b *testing.B) {
			b.SetBytes(entries * benchEntry)
			for b.Loop() {
				var at uint64
				for {
					some, err := s.Read(b.Context(), at, page)
					check(b, err)
					if len(some) == 0 {
						break
					}
					at += uint64(len(some))
				}
				if at != entries {
					b.Fatalf("%d entries", at)
				}
			}
			b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkReadEnd is what a client does that has seen the log of 100,000
// entries before.
func BenchmarkReadEnd(b *testing.B) {
	const entries = 100_000
	_, path := benchStore(b, entries)
	for b.Loop() {
		s, err := Open(path)
		check(b, err)
		some, err := s.Read(b.Context(), entries-1, 1000)
		check(b, err)
		if len(some) != 1 {
			b.Fatalf("%d entries", len(some))
		}
		check(b, s.Close())
	}
}
