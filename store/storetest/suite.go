package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// Opener makes a new, empty store and returns what opens it: each call is
// another client of that one store, as if on another machine. It sees to it
// that the clients are closed when the test ends.
type Opener func(t *testing.T) func() store.Store

// clients is how many clients the tests of concurrency use.
const clients = 4

// Run checks every promise of the contract.
func Run(t *testing.T, fresh Opener) {
	t.Helper()
	for _, part := range []struct {
		name  string
		tests []testCase
	}{
		{"Log", logTests()},
		{"Envelopes", envelopeTests()},
		{"Blobs", blobTests()},
		{"Mailboxes", mailTests()},
		{"Leases", leaseTests()},
		{"Store", storeTests()},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range part.tests {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.check(t, fresh(t))
				})
			}
		})
	}
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		checkModel(t, fresh)
	})
}

type testCase struct {
	name  string
	check func(t *testing.T, open func() store.Store)
}

func storeTests() []testCase {
	return []testCase{
		{"tells whose it is", checkInfo},
		{"a context that is done writes nothing", checkDone},
		{"parts do not touch each other", checkApart},
	}
}

func checkInfo(t *testing.T, open func() store.Store) {
	a, b := open().Info(), open().Info()
	if a.Location == "" || a.Location != b.Location {
		t.Errorf("locations %q and %q; want one that opens it again", a.Location, b.Location)
	}
	if a.Organization.IsZero() || a.Organization != b.Organization {
		t.Errorf("organizations %v and %v", a.Organization, b.Organization)
	}
}

func checkDone(t *testing.T, open func() store.Store) {
	s := open()
	live := t.Context()
	box, data := index("box"), []byte("kept")
	must(t, s.PutMail(live, box, data))

	done, cancel := context.WithCancel(live)
	cancel()
	item := []byte("never")
	for name, call := range map[string]func() error{
		"Append":        func() error { return s.Append(done, 0, item) },
		"Read":          func() error { _, err := s.Read(done, 0, 1); return err },
		"PutEnvelope":   func() error { return s.PutEnvelope(done, box, item) },
		"ListEnvelopes": func() error { _, _, err := s.ListEnvelopes(done, box, "", 1); return err },
		"PutBlob":       func() error { _, err := s.PutBlob(done, item); return err },
		"GetBlob":       func() error { _, err := s.GetBlob(done, hash(item)); return err },
		"PutMail":       func() error { return s.PutMail(done, box, item) },
		"ListMail":      func() error { _, err := s.ListMail(done, box, 1); return err },
		"DeleteMail":    func() error { return s.DeleteMail(done, box, hash(data)) },
		"GetLease":      func() error { _, err := s.GetLease(done, "never"); return err },
		"SwapLease":     func() error { _, err := s.SwapLease(done, store.Lease{Name: "never"}); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}

	entries, err := s.Read(live, 0, 1)
	must(t, err)
	envelopes, _, err := s.ListEnvelopes(live, box, "", 1)
	must(t, err)
	mail, err := s.ListMail(live, box, 9)
	must(t, err)
	if len(entries) != 0 || len(envelopes) != 0 || len(mail) != 1 {
		t.Errorf("%d entries, %d envelopes, %d messages; want 0, 0, 1", len(entries), len(envelopes), len(mail))
	}
	if _, err := s.GetBlob(live, hash(item)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("blob: %v", err)
	}
	if _, err := s.GetLease(live, "never"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("lease: %v", err)
	}
}

// The same bytes everywhere: each part keeps its own.
func checkApart(t *testing.T, open func() store.Store) {
	s, ctx := open(), t.Context()
	item := []byte("the same everywhere")
	at := hash(item)
	must(t, s.PutMail(ctx, at, item))
	must(t, s.PutEnvelope(ctx, at, item))
	must(t, s.Append(ctx, 0, item))
	if _, err := s.GetBlob(ctx, at); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a blob that was never put: %v", err)
	}
	_, err := s.PutBlob(ctx, item)
	must(t, err)
	must(t, s.DeleteMail(ctx, at, at))
	entries, err := s.Read(ctx, 0, 9)
	must(t, err)
	envelopes, _, err := s.ListEnvelopes(ctx, at, "", 9)
	must(t, err)
	data, err := s.GetBlob(ctx, at)
	must(t, err)
	mail, err := s.ListMail(ctx, at, 9)
	must(t, err)
	same(t, "entries", entries, [][]byte{item})
	same(t, "envelopes", envelopes, [][]byte{item})
	same(t, "blob", [][]byte{data}, [][]byte{item})
	if len(mail) != 0 {
		t.Errorf("%d messages after the only one was deleted", len(mail))
	}
}

// must stops the test at an error that should not be.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same stops the test unless two lists of items are equal. It does not print
// long ones.
func same(t testing.TB, what string, got, want [][]byte) {
	t.Helper()
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("%s: got %s, want %s", what, brief(got), brief(want))
	}
}

func brief(items [][]byte) string {
	var b bytes.Buffer
	for i, item := range items {
		if i == 10 {
			fmt.Fprintf(&b, " … (%d)", len(items))
			break
		}
		fmt.Fprintf(&b, " %.16q", item)
	}
	return fmt.Sprintf("[%s ]", &b)
}

func index(name string) store.Index { return wire.Sum("underseal/test/index", []byte(name)) }

func hash(data []byte) wire.Hash { return sha256.Sum256(data) }

// expiry is a time that every store can keep, to the nanosecond.
func expiry() time.Time { return time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.UTC) }

// sizes checks that put takes items of one byte and of limit bytes, and
// refuses empty and larger ones.
func sizes(t *testing.T, limit int, put func(item []byte) error) {
	t.Helper()
	must(t, put([]byte{0}))
	must(t, put(bytes.Repeat([]byte{0xff}, limit)))
	if err := put(make([]byte, limit+1)); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("%d bytes: got %v, want ErrTooLarge", limit+1, err)
	}
	for _, empty := range [][]byte{nil, {}} {
		if err := put(empty); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("an empty item: got %v, want ErrInvalid", err)
		}
	}
}
