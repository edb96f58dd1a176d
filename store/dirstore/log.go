package dirstore

import (
	"context"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// Append implements store.Log.
func (s *Store) Append(ctx context.Context, at uint64, entry []byte) error {
	if err := store.CheckItem(entry, wire.MaxEntry); err != nil {
		return err
	}
	s.beginWriting()
	return s.log.append(ctx, at, entry)
}

// Read implements store.Log. It fails with store.ErrDamaged if an entry from
// position from on is missing while later ones are there, or is empty or too
// large.
func (s *Store) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	return s.log.list(ctx, from, limit)
}
