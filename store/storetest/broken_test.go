package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
)

// brokenEnv tells a child which broken store to run the suite on.
const brokenEnv = "UNDERSEAL_TEST_BROKEN"

// The suite finds what it is there to find: each of these stores breaks one
// promise, and the test that checks the promise fails.
func TestSuiteBites(t *testing.T) {
	t.Parallel()
	broken := map[string]struct {
		store func(m *storetest.Memory) store.Store
		fails string // the test that must
	}{
		"appends anywhere":       {func(m *storetest.Memory) store.Store { return &appendsAnywhere{Memory: m} }, "Log/refuses_every_position_but_the_next"},
		"says yes to everybody":  {func(m *storetest.Memory) store.Store { return &saysYes{Memory: m} }, "Log/gives_each_position_to_one_writer"},
		"forgets the last":       {func(m *storetest.Memory) store.Store { return &forgetsLast{Memory: m} }, "Log/reads_what_was_appended,_everywhere"},
		"keeps what it is given": {func(m *storetest.Memory) store.Store { return &sharesMemory{Memory: m} }, "Log/shares_no_memory"},
		"sorts envelopes":        {func(m *storetest.Memory) store.Store { return &sortsEnvelopes{Memory: m} }, "Envelopes/lists_in_order_of_arrival,_by_pages"},
		"files twice":            {func(m *storetest.Memory) store.Store { return &filesTwice{Memory: m} }, "Envelopes/files_the_same_envelope_once"},
		"takes anything":         {func(m *storetest.Memory) store.Store { return &takesAnything{Memory: m} }, "Blobs/bounds_blobs"},
		"newest mail first":      {func(m *storetest.Memory) store.Store { return &newestFirst{Memory: m} }, "Mailboxes/delivers,_oldest_first"},
		"swaps without looking":  {func(m *storetest.Memory) store.Store { return &swapsBlindly{Memory: m} }, "Leases/gives_each_version_to_one_client"},
		"has no patience":        {func(m *storetest.Memory) store.Store { return &ignoresContext{Memory: m} }, "Store/a_context_that_is_done_writes_nothing"},
		"mixes leases":           {func(m *storetest.Memory) store.Store { return &foldsCase{Memory: m} }, "Model"},
	}
	if name := os.Getenv(brokenEnv); name != "" {
		storetest.Run(t, func(*testing.T) func() store.Store {
			s := broken[name].store(storetest.NewMemory(organization()))
			return func() store.Store { return s }
		})
		return
	}
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			only := "^TestSuiteBites$"
			for level := range strings.SplitSeq(b.fails, "/") {
				only += "/^" + regexp.QuoteMeta(level) + "$"
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+only, "-rapid.nofailfile", "-rapid.shrinktime=0s")
			cmd.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestSuiteBites/"+b.fails+" ") {
				t.Errorf("%s does not fail: %v\n%.2000s", b.fails, err, out)
			}
		})
	}
}

type appendsAnywhere struct{ *storetest.Memory }

func (s *appendsAnywhere) Append(ctx context.Context, _ uint64, entry []byte) error {
	entries, err := s.Read(ctx, 0, 1<<30)
	if err != nil {
		return err
	}
	return s.Memory.Append(ctx, uint64(len(entries)), entry)
}

type saysYes struct{ *storetest.Memory }

func (s *saysYes) Append(ctx context.Context, at uint64, entry []byte) error {
	err := s.Memory.Append(ctx, at, entry)
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

type forgetsLast struct{ *storetest.Memory }

func (s *forgetsLast) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	entries, err := s.Memory.Read(ctx, from, limit)
	return entries[:max(0, len(entries)-1)], err
}

type sharesMemory struct {
	*storetest.Memory
	mu  sync.Mutex
	log [][]byte
}

func (s *sharesMemory) Append(ctx context.Context, at uint64, entry []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Memory.Append(ctx, at, entry)
	if err == nil {
		s.log = append(s.log, entry)
	}
	return err
}

func (s *sharesMemory) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.Memory.Read(ctx, from, limit)
	for i := range entries {
		entries[i] = s.log[from+uint64(i)]
	}
	return entries, err
}

// sortsEnvelopes lists by content, and its cursor is the last content.
type sortsEnvelopes struct{ *storetest.Memory }

func (s *sortsEnvelopes) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	all, _, err := s.Memory.ListEnvelopes(ctx, to, "", 1<<30)
	var after [][]byte
	for len(after) < limit {
		var least []byte
		for _, e := range all {
			if string(e) > cursor && (least == nil || bytes.Compare(e, least) < 0) {
				least = e
			}
		}
		if least == nil {
			break
		}
		after, cursor = append(after, least), string(least)
	}
	return after, cursor, err
}

type filesTwice struct{ *storetest.Memory }

func (s *filesTwice) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	envelopes, next, err := s.Memory.ListEnvelopes(ctx, to, cursor, limit)
	if len(envelopes) > 0 {
		envelopes = append(envelopes, envelopes[0])
	}
	return envelopes, next, err
}

type takesAnything struct{ *storetest.Memory }

func (s *takesAnything) PutBlob(ctx context.Context, data []byte) (wire.Hash, error) {
	if len(data) > wire.MaxBlob {
		return wire.Hash{}, nil
	}
	return s.Memory.PutBlob(ctx, data)
}

type newestFirst struct{ *storetest.Memory }

func (s *newestFirst) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	messages, err := s.Memory.ListMail(ctx, box, limit)
	for i, j := 0, len(messages)-1; i < j; i, j = i+1, j-1 {
		messages[i], messages[j] = messages[j], messages[i]
	}
	return messages, err
}

type swapsBlindly struct{ *storetest.Memory }

func (s *swapsBlindly) SwapLease(ctx context.Context, l store.Lease) (store.Lease, error) {
	written, err := s.Memory.SwapLease(ctx, l)
	if errors.Is(err, store.ErrConflict) {
		l.Version++
		return l, nil
	}
	return written, err
}

type ignoresContext struct{ *storetest.Memory }

func (s *ignoresContext) PutMail(ctx context.Context, box store.Index, data []byte) error {
	return s.Memory.PutMail(context.WithoutCancel(ctx), box, data)
}

type foldsCase struct{ *storetest.Memory }

func (s *foldsCase) SwapLease(ctx context.Context, l store.Lease) (store.Lease, error) {
	l.Name = strings.ToLower(l.Name)
	return s.Memory.SwapLease(ctx, l)
}
