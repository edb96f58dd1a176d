package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// Memory is a store in memory, for tests of what stands on the contract. It
// is what every other implementation is compared with, so it is as plain as
// can be: one mutex, maps and slices. Closing it does nothing.
type Memory struct {
	organization wire.OrganizationID

	mu        sync.Mutex
	log       [][]byte
	envelopes map[store.Index][][]byte
	blobs     map[wire.Hash][]byte
	mail      map[store.Index][]store.Message
	leases    map[string]store.Lease
}

var _ store.Store = (*Memory)(nil)

// NewMemory returns an empty store of organization.
func NewMemory(organization wire.OrganizationID) *Memory {
	return &Memory{
		organization: organization,
		envelopes:    map[store.Index][][]byte{},
		blobs:        map[wire.Hash][]byte{},
		mail:         map[store.Index][]store.Message{},
		leases:       map[string]store.Lease{},
	}
}

// Append implements store.Log.
func (m *Memory) Append(ctx context.Context, at uint64, entry []byte) error {
	if err := store.CheckItem(entry, wire.MaxEntry); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if at != uint64(len(m.log)) {
		return fmt.Errorf("the log holds %d entries, not %d: %w", len(m.log), at, store.ErrConflict)
	}
	m.log = append(m.log, bytes.Clone(entry))
	return nil
}

// Read implements store.Log.
func (m *Memory) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return page(m.log, from, limit), nil
}

// page copies up to limit items from position from.
func page(items [][]byte, from uint64, limit int) [][]byte {
	if from >= uint64(len(items)) || limit <= 0 {
		return nil
	}
	items = items[from:]
	items = items[:min(limit, len(items))]
	out := make([][]byte, len(items))
	for i, item := range items {
		out[i] = bytes.Clone(item)
	}
	return out
}

// PutEnvelope implements store.Envelopes.
func (m *Memory) PutEnvelope(ctx context.Context, to store.Index, envelope []byte) error {
	if err := store.CheckItem(envelope, wire.MaxEnvelope); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range m.envelopes[to] {
		if bytes.Equal(e, envelope) {
			return nil
		}
	}
	m.envelopes[to] = append(m.envelopes[to], bytes.Clone(envelope))
	return nil
}

// ListEnvelopes implements store.Envelopes.
func (m *Memory) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	var from uint64
	if cursor != "" {
		var err error
		if from, err = strconv.ParseUint(cursor, 10, 64); err != nil || from > uint64(len(m.envelopes[to])) {
			return nil, "", fmt.Errorf("a cursor of %d bytes: %w", len(cursor), store.ErrInvalid)
		}
	}
	envelopes := page(m.envelopes[to], from, limit)
	return envelopes, strconv.FormatUint(from+uint64(len(envelopes)), 10), nil
}

// PutBlob implements store.Blobs.
func (m *Memory) PutBlob(ctx context.Context, data []byte) (wire.Hash, error) {
	if err := store.CheckItem(data, wire.MaxBlob); err != nil {
		return wire.Hash{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return wire.Hash{}, err
	}
	name := wire.Hash(sha256.Sum256(data))
	m.blobs[name] = bytes.Clone(data)
	return name, nil
}

// GetBlob implements store.Blobs.
func (m *Memory) GetBlob(ctx context.Context, name wire.Hash) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.blobs[name]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !ok:
		return nil, fmt.Errorf("blob %s: %w", name, store.ErrNotFound)
	}
	return bytes.Clone(data), nil
}

// PutMail implements store.Mailboxes.
func (m *Memory) PutMail(ctx context.Context, box store.Index, data []byte) error {
	if err := store.CheckItem(data, wire.MaxMail); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	id := wire.Hash(sha256.Sum256(data))
	for _, have := range m.mail[box] {
		if have.ID == id {
			return nil
		}
	}
	m.mail[box] = append(m.mail[box], store.Message{ID: id, Data: bytes.Clone(data)})
	return nil
}

// ListMail implements store.Mailboxes.
func (m *Memory) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []store.Message
	for _, have := range m.mail[box] {
		if len(out) >= limit {
			break
		}
		out = append(out, store.Message{ID: have.ID, Data: bytes.Clone(have.Data)})
	}
	return out, nil
}

// DeleteMail implements store.Mailboxes.
func (m *Memory) DeleteMail(ctx context.Context, box store.Index, id wire.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var kept []store.Message
	for _, have := range m.mail[box] {
		if have.ID != id {
			kept = append(kept, have)
		}
	}
	m.mail[box] = kept
	return nil
}

// GetLease implements store.Leases.
func (m *Memory) GetLease(ctx context.Context, name string) (store.Lease, error) {
	if err := store.CheckLeaseName(name); err != nil {
		return store.Lease{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.leases[name]
	switch {
	case ctx.Err() != nil:
		return store.Lease{}, ctx.Err()
	case !ok:
		return store.Lease{}, fmt.Errorf("lease %s: %w", name, store.ErrNotFound)
	}
	return l, nil
}

// SwapLease implements store.Leases.
func (m *Memory) SwapLease(ctx context.Context, l store.Lease) (store.Lease, error) {
	if err := store.CheckLease(l); err != nil {
		return store.Lease{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Lease{}, err
	}
	if now := m.leases[l.Name].Version; now != l.Version {
		return store.Lease{}, fmt.Errorf("lease %s has version %d, not %d: %w", l.Name, now, l.Version, store.ErrConflict)
	}
	l.Version++
	l.Expires = l.Expires.UTC().Round(0)
	m.leases[l.Name] = l
	return l, nil
}

// Info implements store.Store.
func (m *Memory) Info() store.Info {
	return store.Info{Location: "memory:", Organization: m.organization}
}

// Close implements store.Store.
func (m *Memory) Close() error { return nil }
