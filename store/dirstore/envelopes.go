package dirstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

const (
	// pageOfEnvelopes is how many are read at once to find out what is filed.
	pageOfEnvelopes = 1000
	// lostRaces in a row without seeing who won: somebody else's writes do not
	// become visible, and trying on would never end.
	lostRaces = 100
)

// filed is what this Store knows to be filed under one index: the hashes of
// the first next envelopes. Envelopes never change, so it stays true.
type filed struct {
	mu     sync.Mutex
	next   uint64
	hashes map[wire.Hash]struct{}
}

// The envelopes of one recipient are a sequence, and a cursor is a position
// in it. So no envelope can come to lie before a cursor, whatever the clocks
// of its writers: positions are given out in the order of arrival.
func (s *Store) envelopes(to store.Index) *sequence {
	return s.sequence(envelopeDir+"/"+to.String(), ".envelope", wire.MaxEnvelope)
}

// PutEnvelope implements store.Envelopes. It takes a position only after it
// has seen everything before it, so the same envelope is never filed twice,
// not even by two machines at once.
func (s *Store) PutEnvelope(ctx context.Context, to store.Index, envelope []byte) error {
	if err := store.CheckItem(envelope, wire.MaxEnvelope); err != nil {
		return err
	}
	s.beginWriting()
	q, f := s.envelopes(to), s.filedUnder(to)
	hash := wire.Hash(sha256.Sum256(envelope))
	f.mu.Lock()
	defer f.mu.Unlock()
	for lost := 0; ; lost++ {
		before := f.next
		if err := f.update(ctx, q); err != nil {
			return err
		}
		if _, ok := f.hashes[hash]; ok {
			return nil
		}
		if f.next > before {
			lost = 0
		}
		err := q.append(ctx, f.next, envelope)
		if err == nil {
			f.hashes[hash] = struct{}{}
			f.next++
		}
		if !errors.Is(err, store.ErrConflict) || lost == lostRaces {
			return err
		}
	}
}

func (s *Store) filedUnder(to store.Index) *filed {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.filed[to]
	if f == nil {
		f = &filed{hashes: map[wire.Hash]struct{}{}}
		s.filed[to] = f
	}
	return f
}

// update reads what came since.
func (f *filed) update(ctx context.Context, q *sequence) error {
	for {
		envelopes, err := q.list(ctx, f.next, pageOfEnvelopes)
		if err != nil {
			return err
		}
		for _, e := range envelopes {
			f.hashes[sha256.Sum256(e)] = struct{}{}
		}
		f.next += uint64(len(envelopes))
		if len(envelopes) < pageOfEnvelopes {
			return nil
		}
	}
}

// ListEnvelopes implements store.Envelopes. It fails with store.ErrDamaged if
// envelopes are missing, also those that a cursor tells have been there.
func (s *Store) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	var from uint64
	if cursor != "" {
		var ok bool
		if from, ok = parsePosition(cursor); !ok {
			return nil, "", fmt.Errorf("a cursor of %d bytes: %w", len(cursor), store.ErrInvalid)
		}
	}
	q := s.envelopes(to)
	envelopes, err := q.list(ctx, from, limit)
	if err != nil {
		return nil, "", err
	}
	if len(envelopes) == 0 && from > 0 {
		before, err := q.has(from - 1)
		if err != nil {
			return nil, "", err
		}
		if !before {
			return nil, "", damaged(q.file(from-1), "has been read and is missing")
		}
	}
	return envelopes, fmt.Sprintf("%0*d", digits, from+uint64(len(envelopes))), nil
}
