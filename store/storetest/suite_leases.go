package storetest

import (
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/underseal/underseal/store"
)

func leaseTests() []testCase {
	return []testCase{
		{"swaps versions", checkLeaseSwaps},
		{"refuses names and holders that are none", checkLeaseNames},
		{"keeps names apart", checkLeaseApart},
		{"gives each version to one client", checkLeaseRaces},
		{"can be taken, renewed and taken over", checkTakeLease},
	}
}

func checkLeaseSwaps(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	if _, err := a.GetLease(t.Context(), "bulk"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before: got %v, want ErrNotFound", err)
	}
	want := store.Lease{Name: "bulk"}
	for version := range uint64(4) {
		for _, wrong := range []uint64{version + 1, version + 1000, version - 1} {
			l := store.Lease{Name: "bulk", Holder: "wrong", Version: wrong}
			if _, err := b.SwapLease(t.Context(), l); err == nil {
				t.Errorf("version %d swapped as %d", version, wrong)
			} else if wrong != math.MaxUint64 && !errors.Is(err, store.ErrConflict) {
				t.Errorf("version %d as %d: got %v, want ErrConflict", version, wrong, err)
			}
		}
		zone := time.FixedZone("elsewhere", 3600)
		l := store.Lease{Name: "bulk", Holder: "Ann <ann@example.com> \"x\" äöü \x00", Version: version, Expires: expiry().Add(time.Duration(version)).In(zone)}
		got, err := a.SwapLease(t.Context(), l)
		must(t, err)
		want = l
		want.Version++
		sameLease(t, got, want)
		got, err = b.GetLease(t.Context(), "bulk")
		must(t, err)
		sameLease(t, got, want)
	}
	// A lease that never was and one that is long over can be written too.
	got, err := b.SwapLease(t.Context(), store.Lease{Name: "bulk", Version: want.Version})
	must(t, err)
	sameLease(t, got, store.Lease{Name: "bulk", Version: want.Version + 1})
}

func sameLease(t *testing.T, got, want store.Lease) {
	t.Helper()
	if got.Name != want.Name || got.Holder != want.Holder || got.Version != want.Version || !got.Expires.Equal(want.Expires) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func checkLeaseNames(t *testing.T, open func() store.Store) {
	s := open()
	for _, name := range []string{"", "a/b", `a\b`, "../x", "a b", "a_b", "a:b", "ä", "a\x00", "%2e", strings.Repeat("a", store.MaxLeaseName+1)} {
		if _, err := s.GetLease(t.Context(), name); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("get %q: got %v, want ErrInvalid", name, err)
		}
		if _, err := s.SwapLease(t.Context(), store.Lease{Name: name}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("swap %q: got %v, want ErrInvalid", name, err)
		}
	}
	for what, l := range map[string]store.Lease{
		"long holder":     {Name: "bulk", Holder: strings.Repeat("a", store.MaxLeaseHolder+1)},
		"holder in bytes": {Name: "bulk", Holder: "\xff"},
		"last version":    {Name: "bulk", Version: math.MaxUint64},
		"year 10000":      {Name: "bulk", Expires: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := s.SwapLease(t.Context(), l); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", what, err)
		}
	}
	longest := store.Lease{Name: strings.Repeat("Z", store.MaxLeaseName), Holder: strings.Repeat("\x01", store.MaxLeaseHolder), Expires: expiry()}
	_, err := s.SwapLease(t.Context(), longest)
	must(t, err)
	got, err := s.GetLease(t.Context(), longest.Name)
	must(t, err)
	longest.Version++
	sameLease(t, got, longest)
}

// Names that file systems like to take for the same, or for something else.
func checkLeaseApart(t *testing.T, open func() store.Store) {
	s := open()
	names := []string{"bulk", "Bulk", "BULK", "bulk.", ".bulk", ".", "..", "...", "con", "NUL.txt", "-", "--", "b-u.l-k", "0"}
	for _, name := range names {
		_, err := s.SwapLease(t.Context(), store.Lease{Name: name, Holder: "holder of " + name, Expires: expiry()})
		must(t, err)
	}
	for _, name := range names {
		l, err := s.GetLease(t.Context(), name)
		must(t, err)
		sameLease(t, l, store.Lease{Name: name, Holder: "holder of " + name, Version: 1, Expires: expiry()})
	}
}

func checkLeaseRaces(t *testing.T, open func() store.Store) {
	const rounds = 10
	var wait sync.WaitGroup
	var wins [rounds]atomic.Int32
	for range clients {
		s := open()
		wait.Go(func() {
			for version := range uint64(rounds) {
				_, err := s.SwapLease(t.Context(), store.Lease{Name: "race", Version: version, Expires: expiry()})
				switch {
				case err == nil:
					wins[version].Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
				// Somebody has it now, perhaps already later ones.
				if l, err := s.GetLease(t.Context(), "race"); err != nil || l.Version <= version {
					t.Errorf("after version %d was swapped: %d, %v", version, l.Version, err)
				}
			}
		})
	}
	wait.Wait()
	for version := range wins {
		if n := wins[version].Load(); n != 1 {
			t.Errorf("version %d was swapped %d times", version, n)
		}
	}
}

func checkTakeLease(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	now := expiry()
	take := func(s store.Store, holder string, at time.Time) (store.Lease, error) {
		return store.TakeLease(t.Context(), s, "bulk", holder, at, time.Minute)
	}
	l, err := take(a, "ann", now)
	must(t, err)
	sameLease(t, l, store.Lease{Name: "bulk", Holder: "ann", Version: 1, Expires: now.Add(time.Minute)})
	held, err := take(b, "ben", now.Add(time.Second))
	if !errors.Is(err, store.ErrLeaseHeld) || held.Holder != "ann" {
		t.Errorf("taken from %s: %v", held.Holder, err)
	}
	_, err = take(a, "ann", now.Add(30*time.Second)) // renewed
	must(t, err)
	if _, err = take(b, "ben", now.Add(70*time.Second)); !errors.Is(err, store.ErrLeaseHeld) {
		t.Errorf("taken although renewed: %v", err)
	}
	l, err = take(b, "ben", now.Add(90*time.Second)) // to the instant
	must(t, err)
	sameLease(t, l, store.Lease{Name: "bulk", Holder: "ben", Version: 3, Expires: now.Add(150 * time.Second)})
	if _, err = take(a, "ann", now.Add(91*time.Second)); !errors.Is(err, store.ErrLeaseHeld) {
		t.Errorf("taken back: %v", err)
	}
}
