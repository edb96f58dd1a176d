package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
)

// A store that never fails passes the suite through Faulty too.
func TestFaultyWithoutPlan(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) func() store.Store {
		m := storetest.NewMemory(organization())
		return func() store.Store { return storetest.NewFaulty(m) }
	})
}

// Every operation fails as planned: nothing happened, or it happened and the
// caller is not told.
func TestFaultyOutcomes(t *testing.T) {
	t.Parallel()
	to, data := store.Index{1}, []byte("data")
	id := hashOf(t, data)
	calls := map[storetest.Operation]func(ctx context.Context, s store.Store) error{
		storetest.Append:      func(ctx context.Context, s store.Store) error { return s.Append(ctx, 1, data) },
		storetest.Read:        func(ctx context.Context, s store.Store) error { _, err := s.Read(ctx, 0, 9); return err },
		storetest.PutEnvelope: func(ctx context.Context, s store.Store) error { return s.PutEnvelope(ctx, to, data) },
		storetest.ListEnvelopes: func(ctx context.Context, s store.Store) error {
			_, _, err := s.ListEnvelopes(ctx, to, "", 9)
			return err
		},
		storetest.PutBlob: func(ctx context.Context, s store.Store) error { _, err := s.PutBlob(ctx, data); return err },
		storetest.GetBlob: func(ctx context.Context, s store.Store) error {
			_, err := s.GetBlob(ctx, hashOf(t, []byte("before")))
			return err
		},
		storetest.PutMail:  func(ctx context.Context, s store.Store) error { return s.PutMail(ctx, to, data) },
		storetest.ListMail: func(ctx context.Context, s store.Store) error { _, err := s.ListMail(ctx, to, 9); return err },
		storetest.DeleteMail: func(ctx context.Context, s store.Store) error {
			return s.DeleteMail(ctx, to, hashOf(t, []byte("before")))
		},
		storetest.GetLease: func(ctx context.Context, s store.Store) error { _, err := s.GetLease(ctx, "bulk"); return err },
		storetest.SwapLease: func(ctx context.Context, s store.Store) error {
			_, err := s.SwapLease(ctx, store.Lease{Name: "bulk", Version: 1})
			return err
		},
	}
	fresh := func(t *testing.T) store.Store {
		t.Helper()
		s, before := storetest.NewMemory(organization()), []byte("before")
		check(t, s.Append(t.Context(), 0, before))
		check(t, s.PutEnvelope(t.Context(), to, before))
		check(t, s.PutMail(t.Context(), to, before))
		_, err := s.PutBlob(t.Context(), before)
		check(t, err)
		_, err = s.SwapLease(t.Context(), store.Lease{Name: "bulk"})
		check(t, err)
		return s
	}
	// snapshot says all that a store holds.
	snapshot := func(t *testing.T, s store.Store) string {
		t.Helper()
		entries, err := s.Read(t.Context(), 0, 9)
		check(t, err)
		envelopes, _, err := s.ListEnvelopes(t.Context(), to, "", 9)
		check(t, err)
		mail, err := s.ListMail(t.Context(), to, 9)
		check(t, err)
		l, err := s.GetLease(t.Context(), "bulk")
		check(t, err)
		_, blobErr := s.GetBlob(t.Context(), id)
		return fmt.Sprintf("%s %s %s %d %v", entries, envelopes, mail, l.Version, blobErr)
	}
	writes := 0
	for operation, call := range calls {
		under := fresh(t)
		before := snapshot(t, under)
		check(t, call(t.Context(), under))
		after := snapshot(t, under)
		if before != after {
			writes++
		}
		for _, fault := range storetest.Faults([]storetest.Operation{operation}) {
			under := fresh(t)
			f := storetest.NewFaulty(under, fault)
			if f.Fired() {
				t.Errorf("%s: fired before any call", fault)
			}
			if err := call(t.Context(), f); !errors.Is(err, storetest.ErrFault) {
				t.Errorf("%s: got %v, want ErrFault", fault, err)
			}
			if !f.Fired() || !slices.Equal(f.Calls(), []storetest.Operation{operation}) {
				t.Errorf("%s: fired %v, calls %v", fault, f.Fired(), f.Calls())
			}
			want := before
			if fault.Outcome == storetest.Persisted {
				want = after
			}
			if got := snapshot(t, under); got != want {
				t.Errorf("%s: holds %s, want %s", fault, got, want)
			}
			// The next call works, unless everything is dead.
			_, err := f.Read(t.Context(), 0, 9)
			if errors.Is(err, storetest.ErrFault) != fault.Dead {
				t.Errorf("%s: the next call: %v", fault, err)
			}
			check(t, f.Close())
		}
	}
	if writes != 6 || len(calls) != 11 {
		t.Errorf("%d of %d operations write; want 6 of 11", writes, len(calls))
	}
}

func TestFaultyPlans(t *testing.T) {
	t.Parallel()
	own := errors.New("the network is down")
	f := storetest.NewFaulty(storetest.NewMemory(organization()),
		storetest.Fault{Operation: storetest.Append, Call: 2, Outcome: storetest.Failed, Err: own},
		storetest.Fault{Operation: storetest.Append, Call: 4, Outcome: storetest.Persisted},
		storetest.Fault{Operation: storetest.Append, Call: 99, Outcome: storetest.Failed},
	)
	for i, want := range []struct {
		at  uint64
		err error
	}{
		{0, nil}, {1, own}, {1, nil}, {2, storetest.ErrFault}, {2, store.ErrConflict}, {3, nil},
	} {
		if err := f.Append(t.Context(), want.at, []byte("entry")); !errors.Is(err, want.err) {
			t.Errorf("call %d: got %v, want %v", i+1, err, want.err)
		}
	}
	if f.Fired() {
		t.Error("the fault of call 99 has not fired")
	}
	// What would fail anyway fails for its own reason.
	f = storetest.NewFaulty(storetest.NewMemory(organization()), storetest.Fault{Operation: storetest.Append, Call: 1, Outcome: storetest.Persisted})
	if err := f.Append(t.Context(), 7, []byte("entry")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range storetest.Faults([]storetest.Operation{storetest.Read, storetest.Append, storetest.Read}) {
		got = append(got, f.String())
	}
	want := []string{
		"Read 1 failed", "Read 1 failed, then dead",
		"Append 1 failed", "Append 1 failed, then dead",
		"Append 1 failed but persisted", "Append 1 failed but persisted, then dead",
		"Read 2 failed", "Read 2 failed, then dead",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// How EveryFault is used: appending an entry that must be in the log once and
// be known to be there, whatever fails.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	entry := []byte("wanted")
	add := func(ctx context.Context, s store.Store) error {
		for {
			entries, err := s.Read(ctx, 0, 100)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(entries, func(e []byte) bool { return bytes.Equal(e, entry) }) {
				return nil
			}
			err = s.Append(ctx, uint64(len(entries)), entry)
			if err == nil || !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
	runs := 0
	storetest.EveryFault(t, func(*testing.T) store.Store {
		return storetest.NewMemory(organization())
	}, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		runs++
		err := add(t.Context(), faulty)
		if (err != nil) != (fault != nil) {
			t.Fatalf("got %v", err)
		}
		if fault != nil && !fault.Dead { // again, as a person would
			check(t, add(t.Context(), faulty))
		}
		check(t, add(t.Context(), under))
		entries, err := under.Read(t.Context(), 0, 9)
		check(t, err)
		if len(entries) != 1 {
			t.Errorf("it is there %d times", len(entries))
		}
	})
	if want := 1 + 2 + 4; runs != want { // Read and Append
		t.Errorf("%d runs, want %d", runs, want)
	}
}

func hashOf(t *testing.T, data []byte) wire.Hash {
	t.Helper()
	name, err := storetest.NewMemory(organization()).PutBlob(t.Context(), data)
	check(t, err)
	return name
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
