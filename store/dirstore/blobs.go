package dirstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

func blobFile(name wire.Hash) string {
	hex := name.String()
	return blobDir + "/" + hex[:2] + "/" + hex
}

// PutBlob implements store.Blobs. A damaged blob is left to people: it fails
// with store.ErrDamaged.
func (s *Store) PutBlob(ctx context.Context, data []byte) (wire.Hash, error) {
	name := wire.Hash(sha256.Sum256(data))
	if err := store.CheckItem(data, wire.MaxBlob); err != nil {
		return wire.Hash{}, err
	}
	if err := ctx.Err(); err != nil {
		return wire.Hash{}, err
	}
	_, err := s.GetBlob(ctx, name)
	if err == nil {
		return name, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return wire.Hash{}, err
	}
	s.beginWriting()
	if err := s.dir.Mkdir(blobDir + "/" + name.String()[:2]); err != nil {
		return wire.Hash{}, writing(err)
	}
	// Replacing is fine: whoever else writes this name writes these bytes.
	if err := s.dir.Write(blobFile(name), data); err != nil {
		return wire.Hash{}, writing(err)
	}
	return name, nil
}

// GetBlob implements store.Blobs.
func (s *Store) GetBlob(ctx context.Context, name wire.Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := s.dir.Read(blobFile(name), wire.MaxBlob)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("blob %s: %w", name, store.ErrNotFound)
	case err != nil:
		return nil, reading(err)
	case sha256.Sum256(data) != name:
		return nil, damaged(blobFile(name), "is not what its name says")
	}
	return data, nil
}
