package hostile_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
)

// vault is a store whose every byte lies open to whoever runs it, and which
// checks nothing: what it is altered to hold, it gives. Its slices of bytes are
// never changed in place, so that a clone is cheap.
type vault struct {
	store.Store // leases, and what it says of itself
	Entries     [][]byte
	Envelopes   map[store.Index][][]byte
	Blobs       map[wire.Hash][]byte
	Mail        map[store.Index][]store.Message
}

// newVault takes over a store into which one person alone has written.
func newVault(t *testing.T, st store.Store, s *officer.State) *vault {
	t.Helper()
	v := &vault{Store: st, Envelopes: map[store.Index][][]byte{}, Blobs: map[wire.Hash][]byte{}, Mail: map[store.Index][]store.Message{}}
	var err error
	v.Entries, err = st.Read(t.Context(), 0, 1000)
	must(t, err)
	for _, m := range s.Members() {
		indexes := []store.Index{envelope.Recipient{Kind: envelope.ToMember, ID: m.ID[:]}.Index()}
		for _, d := range m.Devices {
			indexes = append(indexes, plan.DeviceRecipient(s.Device(d).Record).Index())
		}
		for _, i := range indexes {
			v.Envelopes[i] = listed(t, st, i)
		}
	}
	return v
}

func (v *vault) clone() *vault {
	c := &vault{v.Store, slices.Clone(v.Entries), maps.Clone(v.Envelopes), maps.Clone(v.Blobs), maps.Clone(v.Mail)}
	for i, list := range c.Envelopes {
		c.Envelopes[i] = slices.Clone(list)
	}
	for i, list := range c.Mail {
		c.Mail[i] = slices.Clone(list)
	}
	return c
}

// indexes are those of a map, in an order that stays.
func indexes[V any](m map[store.Index]V) []store.Index {
	return slices.SortedFunc(maps.Keys(m), func(a, b store.Index) int { return cmp.Compare(string(a[:]), string(b[:])) })
}

// size counts what is in the log and among the envelopes.
func (v *vault) size() (n int) {
	for _, list := range v.Envelopes {
		n += len(list)
	}
	return n + len(v.Entries)
}

// Append implements store.Log.
func (v *vault) Append(_ context.Context, at uint64, entry []byte) error {
	if at != uint64(len(v.Entries)) {
		return store.ErrConflict
	}
	v.Entries = append(v.Entries, bytes.Clone(entry))
	return nil
}

// Read implements store.Log.
func (v *vault) Read(_ context.Context, from uint64, limit int) ([][]byte, error) {
	if from >= uint64(len(v.Entries)) {
		return nil, nil
	}
	rest := v.Entries[from:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

// PutEnvelope implements store.Envelopes.
func (v *vault) PutEnvelope(_ context.Context, to store.Index, b []byte) error {
	if !slices.ContainsFunc(v.Envelopes[to], func(have []byte) bool { return bytes.Equal(have, b) }) {
		v.Envelopes[to] = append(v.Envelopes[to], bytes.Clone(b))
	}
	return nil
}

// ListEnvelopes implements store.Envelopes.
func (v *vault) ListEnvelopes(_ context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(cursor); err != nil {
			return nil, "", store.ErrInvalid
		}
	}
	rest := v.Envelopes[to][min(from, len(v.Envelopes[to])):]
	rest = rest[:min(limit, len(rest))]
	return slices.Clone(rest), strconv.Itoa(from + len(rest)), nil
}

// PutBlob implements store.Blobs.
func (v *vault) PutBlob(_ context.Context, data []byte) (wire.Hash, error) {
	name := wire.Hash(sha256.Sum256(data))
	v.Blobs[name] = bytes.Clone(data)
	return name, nil
}

// GetBlob implements store.Blobs, but for the check of the hash.
func (v *vault) GetBlob(_ context.Context, name wire.Hash) ([]byte, error) {
	b, ok := v.Blobs[name]
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", name, store.ErrNotFound)
	}
	return bytes.Clone(b), nil
}

// PutMail implements store.Mailboxes.
func (v *vault) PutMail(_ context.Context, box store.Index, data []byte) error {
	m := store.Message{ID: sha256.Sum256(data), Data: bytes.Clone(data)}
	if !slices.ContainsFunc(v.Mail[box], func(have store.Message) bool { return have.ID == m.ID }) {
		v.Mail[box] = append(v.Mail[box], m)
	}
	return nil
}

// ListMail implements store.Mailboxes.
func (v *vault) ListMail(_ context.Context, box store.Index, limit int) ([]store.Message, error) {
	list := v.Mail[box]
	return slices.Clone(list[:min(limit, len(list))]), nil
}

// DeleteMail implements store.Mailboxes.
func (v *vault) DeleteMail(_ context.Context, box store.Index, id wire.Hash) error {
	v.Mail[box] = slices.DeleteFunc(slices.Clone(v.Mail[box]), func(m store.Message) bool { return m.ID == id })
	return nil
}

// damage are the ways in which a thief alters some bytes that rest.
var damage = map[string]func(b, other []byte) []byte{
	"first bit":  func(b, _ []byte) []byte { b[0] ^= 0x80; return b },
	"middle bit": func(b, _ []byte) []byte { b[len(b)/2] ^= 1; return b },
	"last bit":   func(b, _ []byte) []byte { b[len(b)-1] ^= 1; return b },
	"cut":        func(b, _ []byte) []byte { return b[:len(b)/2] },
	"empty":      func([]byte, []byte) []byte { return []byte{} },
	"longer":     func(b, _ []byte) []byte { return append(b, 0) },
	"another's":  func(_, other []byte) []byte { return other },
}
