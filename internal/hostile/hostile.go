// Package hostile holds the adversaries of spec/threat-model.md as code: a
// store that lies. Its tests perform published attacks (doc/attacks.md) on
// whole clients; attacks on one format stand beside that format's package,
// under the same numbers.
//
// It is for tests only: internal/deptest refuses any other import.
package hostile

import (
	"context"

	"github.com/underseal/underseal/store"
)

// Store is a store under an adversary's control: it answers like the store
// under it, but for the calls that have a hook.
type Store struct {
	store.Store
	// OnRead sees every answer of Read and returns what the client gets.
	OnRead func(from uint64, entries [][]byte) [][]byte
	// OnList sees every answer of ListEnvelopes.
	OnList func(to store.Index, envelopes [][]byte) [][]byte
	// OnInfo sees what the store says of itself.
	OnInfo func(store.Info) store.Info
	// Appended and Put collect what the client wrote.
	Appended [][]byte
	Put      []Filed
}

// Filed is an envelope that a client put.
type Filed struct {
	To       store.Index
	Envelope []byte
}

// Read implements store.Log.
func (s *Store) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	entries, err := s.Store.Read(ctx, from, limit)
	if err == nil && s.OnRead != nil {
		entries = s.OnRead(from, entries)
	}
	return entries, err
}

// ListEnvelopes implements store.Envelopes.
func (s *Store) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	list, next, err := s.Store.ListEnvelopes(ctx, to, cursor, limit)
	if err == nil && s.OnList != nil {
		list = s.OnList(to, list)
	}
	return list, next, err
}

// Append implements store.Log.
func (s *Store) Append(ctx context.Context, at uint64, entry []byte) error {
	s.Appended = append(s.Appended, entry)
	return s.Store.Append(ctx, at, entry)
}

// PutEnvelope implements store.Envelopes.
func (s *Store) PutEnvelope(ctx context.Context, to store.Index, envelope []byte) error {
	s.Put = append(s.Put, Filed{To: to, Envelope: envelope})
	return s.Store.PutEnvelope(ctx, to, envelope)
}

// Info implements store.Store.
func (s *Store) Info() store.Info {
	i := s.Store.Info()
	if s.OnInfo != nil {
		i = s.OnInfo(i)
	}
	return i
}
