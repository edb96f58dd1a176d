package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
)

func TestTakeLease(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory(wire.OrganizationID{})
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	take := func(holder string, at time.Time) (store.Lease, error) {
		return store.TakeLease(t.Context(), s, "bulk", holder, at, time.Minute)
	}
	first, err := take("alice", now)
	if err != nil || first.Holder != "alice" || !first.Expires.Equal(now.Add(time.Minute)) {
		t.Fatal(first, err)
	}
	if l, err := take("bob", now.Add(59*time.Second)); !errors.Is(err, store.ErrLeaseHeld) || l.Holder != "alice" {
		t.Errorf("held: %v, %v", l, err)
	}
	if l, err := take("alice", now.Add(30*time.Second)); err != nil || !l.Expires.Equal(now.Add(90*time.Second)) {
		t.Errorf("renewed: %v, %v", l, err)
	}
	if l, err := take("bob", now.Add(90*time.Second)); err != nil || l.Holder != "bob" {
		t.Errorf("expired: %v, %v", l, err)
	}
	if _, err := s.SwapLease(t.Context(), first); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an old version is swapped: %v", err)
	}
	if _, err := store.TakeLease(t.Context(), s, "", "alice", now, time.Minute); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
}

// Somebody who wants to run a job takes a lease first; a second one is told
// who has it.
func ExampleTakeLease() {
	s := storetest.NewMemory(wire.OrganizationID{})
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, who := range []string{"alice", "bob"} {
		l, err := store.TakeLease(context.Background(), s, "bulk", who, now, time.Minute)
		fmt.Println(who, "sees", l.Holder, errors.Is(err, store.ErrLeaseHeld))
	}
	// Output:
	// alice sees alice false
	// bob sees alice true
}
