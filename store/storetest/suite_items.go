package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

func envelopeTests() []testCase {
	return []testCase{
		{"lists in order of arrival, by pages", checkEnvelopePages},
		{"files the same envelope once", checkEnvelopeOnce},
		{"bounds envelopes", checkEnvelopeSizes},
		{"refuses cursors that it never gave", checkEnvelopeCursors},
		{"skips nothing while others write", checkEnvelopeFollowers},
	}
}

func checkEnvelopePages(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	to, other := index("alice"), index("bob")
	none, first, err := b.ListEnvelopes(t.Context(), to, "", 10)
	must(t, err)
	same(t, "at first", none, nil)

	var all [][]byte
	for i := range 7 {
		e := fmt.Appendf(nil, "envelope %d\x00", 7-i) // arrival is not the order of anything else
		must(t, []store.Store{a, b}[i%2].PutEnvelope(t.Context(), to, e))
		must(t, a.PutEnvelope(t.Context(), other, fmt.Appendf(nil, "for another %d", i)))
		all = append(all, e)
	}
	for _, s := range []store.Store{a, b, open()} {
		for _, limit := range []int{1, 2, 3, 7, 100} {
			same(t, fmt.Sprintf("pages of %d", limit), drain(t, s, to, "", limit), all)
		}
		same(t, "from the cursor of the empty box", drain(t, s, to, first, 3), all)
		for _, limit := range []int{0, -1} {
			got, next, err := s.ListEnvelopes(t.Context(), to, "", limit)
			must(t, err)
			same(t, "nothing asked", got, nil)
			same(t, "after nothing", drain(t, s, to, next, 100), all)
		}
	}
	// Every cursor ever given stays valid, also at another client.
	var cursors []string
	cursor := ""
	for range all {
		_, next, err := a.ListEnvelopes(t.Context(), to, cursor, 1)
		must(t, err)
		cursors = append(cursors, next)
		cursor = next
	}
	late := []byte("a late one")
	must(t, b.PutEnvelope(t.Context(), to, late))
	for i, cursor := range cursors {
		same(t, "old cursor", drain(t, open(), to, cursor, 4), append(slices.Clone(all[i+1:]), late))
	}
}

// drain lists everything after cursor.
func drain(t *testing.T, s store.Store, to store.Index, cursor string, limit int) [][]byte {
	t.Helper()
	var all [][]byte
	for {
		some, next, err := s.ListEnvelopes(t.Context(), to, cursor, limit)
		must(t, err)
		if len(some) > limit {
			t.Fatalf("%d envelopes, at most %d asked", len(some), limit)
		}
		if len(some) == 0 {
			return all
		}
		all, cursor = append(all, some...), next
	}
}

func checkEnvelopeOnce(t *testing.T, open func() store.Store) {
	to := index("alice")
	const different = 5
	// All clients put the same envelopes at the same time, twice.
	var wait sync.WaitGroup
	for c := range clients {
		s := open()
		wait.Go(func() {
			for i := range 2 * different {
				if err := s.PutEnvelope(t.Context(), to, fmt.Appendf(nil, "envelope %d", (i+c)%different)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	got := drain(t, open(), to, "", 100)
	count := map[string]int{}
	for _, e := range got {
		count[string(e)]++
	}
	if len(got) != different || len(count) != different {
		t.Errorf("got %s, want %d different", brief(got), different)
	}
	// The same bytes for another recipient are another envelope.
	s := open()
	must(t, s.PutEnvelope(t.Context(), index("bob"), []byte("envelope 0")))
	same(t, "bob's", drain(t, s, index("bob"), "", 9), [][]byte{[]byte("envelope 0")})
}

func checkEnvelopeSizes(t *testing.T, open func() store.Store) {
	s := open()
	sizes(t, wire.MaxEnvelope, func(item []byte) error { return s.PutEnvelope(t.Context(), index("alice"), item) })
	if got := drain(t, s, index("alice"), "", 9); len(got) != 2 || len(got[1]) != wire.MaxEnvelope {
		t.Errorf("%d envelopes, want 2", len(got))
	}
}

func checkEnvelopeCursors(t *testing.T, open func() store.Store) {
	for _, cursor := range []string{"x", "-1", "../../../etc/passwd", "0x10", " 0", string(make([]byte, 1<<20))} {
		if _, _, err := open().ListEnvelopes(t.Context(), index("alice"), cursor, 9); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%.20q: got %v, want ErrInvalid", cursor, err)
		}
	}
}

// Whoever follows with a cursor sees every envelope once, whatever the order
// in which concurrent writers finish.
func checkEnvelopeFollowers(t *testing.T, open func() store.Store) {
	const each = 15
	to := index("alice")
	var writers, followers sync.WaitGroup
	done := make(chan struct{})
	for c := range clients {
		s := open()
		writers.Go(func() {
			for i := range each {
				if err := s.PutEnvelope(t.Context(), to, fmt.Appendf(nil, "client %d envelope %d", c, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		s := open()
		followers.Go(func() {
			seen, cursor := map[string]int{}, ""
			for last := false; !last; {
				select {
				case <-done:
					last = true
				default:
				}
				for {
					some, next, err := s.ListEnvelopes(t.Context(), to, cursor, 3)
					if err != nil {
						t.Error(err)
						return
					}
					if cursor = next; len(some) == 0 {
						break
					}
					for _, e := range some {
						seen[string(e)]++
					}
				}
			}
			for e, n := range seen {
				if n != 1 {
					t.Errorf("%q came %d times", e, n)
				}
			}
			if len(seen) != clients*each {
				t.Errorf("saw %d envelopes, want %d", len(seen), clients*each)
			}
		})
	}
	writers.Wait()
	close(done)
	followers.Wait()
}

func blobTests() []testCase {
	return []testCase{
		{"returns what was put", checkBlobs},
		{"bounds blobs", checkBlobSizes},
	}
}

func checkBlobs(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	data := []byte("blob\x00\xff")
	if _, err := a.GetBlob(t.Context(), hash(data)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before: got %v, want ErrNotFound", err)
	}
	var wait sync.WaitGroup
	for _, s := range []store.Store{a, b, a, b} {
		wait.Go(func() {
			name, err := s.PutBlob(t.Context(), []byte("blob\x00\xff"))
			if err != nil || name != hash(data) {
				t.Errorf("got %s, %v; want the SHA-256", name, err)
			}
		})
	}
	wait.Wait()
	for _, s := range []store.Store{a, b, open()} {
		got, err := s.GetBlob(t.Context(), hash(data))
		must(t, err)
		same(t, "blob", [][]byte{got}, [][]byte{data})
		got[0] = 'X'
		got, err = s.GetBlob(t.Context(), hash(data))
		must(t, err)
		same(t, "after the caller's changes", [][]byte{got}, [][]byte{data})
	}
}

func checkBlobSizes(t *testing.T, open func() store.Store) {
	s := open()
	sizes(t, wire.MaxBlob, func(item []byte) error { _, err := s.PutBlob(t.Context(), item); return err })
	if _, err := s.GetBlob(t.Context(), hash(nil)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the empty blob: got %v, want ErrNotFound", err)
	}
}

func mailTests() []testCase {
	return []testCase{
		{"delivers, oldest first", checkMail},
		{"keeps the same message once", checkMailOnce},
		{"bounds messages", checkMailSizes},
		{"loses nothing under concurrency", checkMailRaces},
	}
}

func checkMail(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	box := index("box")
	texts := []string{"one", "two", "three", "four", "five"}
	for i, text := range texts {
		must(t, []store.Store{a, b}[i%2].PutMail(t.Context(), box, []byte(text)))
		must(t, a.PutMail(t.Context(), index("another box"), []byte("not yours "+text)))
	}
	wantMail(t, open(), box, texts)
	for _, limit := range []int{-1, 0, 1, 3} {
		got, err := a.ListMail(t.Context(), box, limit)
		must(t, err)
		for i, m := range got {
			if i >= limit || string(m.Data) != texts[i] {
				t.Errorf("at most %d: message %d is %q", limit, i, m.Data)
			}
		}
		if len(got) != max(limit, 0) {
			t.Errorf("at most %d: got %d messages", limit, len(got))
		}
	}
	for range 2 { // deleting again is fine
		must(t, b.DeleteMail(t.Context(), box, hash([]byte("one"))))
		must(t, b.DeleteMail(t.Context(), box, hash([]byte("three"))))
	}
	must(t, b.DeleteMail(t.Context(), index("no such box"), hash([]byte("two"))))
	wantMail(t, a, box, []string{"two", "four", "five"})
	// What was deleted can come again, and is then the newest.
	must(t, a.PutMail(t.Context(), box, []byte("one")))
	wantMail(t, b, box, []string{"two", "four", "five", "one"})
}

func wantMail(t *testing.T, s store.Store, box store.Index, want []string) {
	t.Helper()
	got, err := s.ListMail(t.Context(), box, 1000)
	must(t, err)
	var texts []string
	for _, m := range got {
		if m.ID != hash(m.Data) {
			t.Errorf("the id of %.20q is %s, not its SHA-256", m.Data, m.ID)
		}
		texts = append(texts, string(m.Data))
	}
	if !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}

func checkMailOnce(t *testing.T, open func() store.Store) {
	box := index("box")
	var wait sync.WaitGroup
	for range clients {
		s := open()
		wait.Go(func() {
			for range 3 {
				if err := s.PutMail(t.Context(), box, []byte("the same")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	s := open()
	wantMail(t, s, box, []string{"the same"})
	must(t, s.DeleteMail(t.Context(), box, hash([]byte("the same"))))
	wantMail(t, open(), box, nil)
}

func checkMailSizes(t *testing.T, open func() store.Store) {
	s := open()
	sizes(t, wire.MaxMail, func(item []byte) error { return s.PutMail(t.Context(), index("box"), item) })
	got, err := s.ListMail(t.Context(), index("box"), 9)
	must(t, err)
	if len(got) != 2 || len(got[1].Data) != wire.MaxMail {
		t.Errorf("%d messages, want 2", len(got))
	}
}

// Clients put and delete their own messages while others do: what is left is
// exactly what was not deleted.
func checkMailRaces(t *testing.T, open func() store.Store) {
	const each = 10
	box := index("box")
	var wait sync.WaitGroup
	for c := range clients {
		s := open()
		wait.Go(func() {
			for i := range each {
				data := fmt.Appendf(nil, "client %d message %d", c, i)
				if err := s.PutMail(t.Context(), box, data); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					if err := s.DeleteMail(t.Context(), box, hash(data)); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.ListMail(t.Context(), box, 1000); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	got, err := open().ListMail(t.Context(), box, 1000)
	must(t, err)
	if len(got) != clients*each/2 {
		t.Errorf("%d messages, want %d", len(got), clients*each/2)
	}
}
