package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

const (
	// leaseTime is long against a write and short against a person's
	// patience: it is what others wait for when a holder died.
	leaseTime = 2 * time.Minute
	// slots is how many processes can share a job. There is one lease for
	// each and not for each unit, because leases stay in the store for ever.
	slots = 16
	// preparing begins the holder text while fields are signed, when the job
	// has no id yet.
	preparing = "preparing "
)

// leases are those of one run. It is safe for several goroutines.
type leases struct {
	store   store.Leases
	clock   connector.Clock
	base    string
	process string

	mu      sync.Mutex
	account store.Lease
	unit    store.Lease // with no name while none is held
	// stale is what was seen of a held slot: one that nobody renews for
	// leaseTime by this clock is over, whatever its own time says.
	stale map[string]sighting
}

type sighting struct {
	version uint64
	since   time.Time
}

func (j *Job) newLeases() (*leases, error) {
	name, err := wire.Marshal([]any{j.place.Connector, j.place.Account})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(name)
	return &leases{
		store: j.c.Workspace.Store(), clock: j.clock, process: j.process,
		base: "bulk-" + hex.EncodeToString(sum[:8]), stale: map[string]sighting{},
	}, nil
}

// takeAccount takes the account for holder, in place of what this process held.
func (l *leases) takeAccount(ctx context.Context, holder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if own := l.account; own.Name != "" && own.Holder != holder {
		own.Holder, own.Expires = holder, now.Add(leaseTime)
		if got, err := l.store.SwapLease(ctx, own); err == nil {
			l.account = got
			return nil
		}
	}
	got, err := take(ctx, l.store, l.base, holder, now)
	if errors.Is(err, store.ErrLeaseHeld) && got.Holder == preparing+l.process {
		// An earlier process of this name was killed while it was signing.
		got.Holder, got.Expires = holder, now.Add(leaseTime)
		got, err = l.store.SwapLease(ctx, got)
	}
	if errors.Is(err, store.ErrLeaseHeld) {
		return &BusyError{Holder: got.Holder, Until: got.Expires}
	}
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	l.account = got
	return nil
}

// take is store.TakeLease against others who are as fast.
func take(ctx context.Context, s store.Leases, name, holder string, now time.Time) (l store.Lease, err error) {
	for range 4 {
		if l, err = store.TakeLease(ctx, s, name, holder, now, leaseTime); !errors.Is(err, store.ErrConflict) {
			return l, err
		}
	}
	return l, err
}

// BusyError says who is at work on the account. It is ErrBusy.
type BusyError struct {
	Holder string // direction and job id
	Until  time.Time
}

func (e *BusyError) Error() string { return fmt.Sprintf("%v: %.80q", ErrBusy, e.Holder) }

// Unwrap makes errors.Is(err, ErrBusy) hold.
func (e *BusyError) Unwrap() error { return ErrBusy }

// Preparing tells whether the other is only signing fields, which is short.
func (e *BusyError) Preparing() bool { return strings.HasPrefix(e.Holder, preparing) }

// takeUnit takes the slot of unit n. It returns ErrLease, and until when, where
// another process has it.
func (l *leases) takeUnit(ctx context.Context, n int) (until time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	name := l.base + "-" + strconv.Itoa(n%slots)
	got, err := take(ctx, l.store, name, l.process, now)
	if errors.Is(err, store.ErrLeaseHeld) {
		if s := l.stale[name]; s.version != got.Version {
			l.stale[name] = sighting{got.Version, now}
			return got.Expires, ErrLease
		} else if now.Sub(s.since) < leaseTime {
			return got.Expires, ErrLease
		}
		got.Holder, got.Expires = l.process, now.Add(leaseTime)
		if got, err = l.store.SwapLease(ctx, got); errors.Is(err, store.ErrConflict) {
			return now.Add(leaseTime), ErrLease
		}
	}
	if errors.Is(err, store.ErrConflict) {
		return now.Add(leaseTime), ErrLease
	}
	if err != nil {
		return until, fmt.Errorf("lease: %w", err)
	}
	l.unit = got
	return until, nil
}

// keep is called before each write: it renews what is due. It returns ErrBusy
// or ErrLease where somebody else has taken over.
func (l *leases) keep(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.renew(ctx, &l.account); err != nil {
		if errors.Is(err, ErrLease) {
			return &BusyError{Holder: "somebody who took it over"}
		}
		return err
	}
	return l.renew(ctx, &l.unit)
}

func (l *leases) renew(ctx context.Context, at *store.Lease) error {
	now := l.clock.Now()
	if at.Name == "" || at.Expires.Sub(now) > leaseTime*2/3 {
		return nil
	}
	got, err := take(ctx, l.store, at.Name, at.Holder, now)
	switch {
	case err == nil:
		*at = got
		return nil
	case errors.Is(err, store.ErrLeaseHeld), errors.Is(err, store.ErrConflict):
		return ErrLease
	case ctx.Err() == nil && at.Expires.After(now):
		return nil // it still holds: the store may answer by then
	default:
		return fmt.Errorf("lease: %w", err)
	}
}

// leaveUnit gives the slot back.
func (l *leases) leaveUnit(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(ctx, &l.unit)
}

// release gives everything back.
func (l *leases) release(ctx context.Context) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(ctx, &l.unit)
	l.leave(ctx, &l.account)
}

// leave lets a lease expire at once. Where that fails it expires by itself.
func (l *leases) leave(ctx context.Context, at *store.Lease) {
	if at.Name == "" {
		return
	}
	at.Expires = l.clock.Now()
	_, _ = l.store.SwapLease(ctx, *at)
	*at = store.Lease{}
}
