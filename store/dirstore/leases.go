package dirstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/store"
)

// maxLease is several times what the longest lease needs.
const maxLease = 4096

// leaseFile is the content of a version of a lease. People read it when a job
// hangs, hence JSON.
type leaseFile struct {
	Name    string    `json:"name"`
	Holder  string    `json:"holder"`
	Version uint64    `json:"version"`
	Expires time.Time `json:"expires"`
}

// leaseFolder is a lease's folder. Names may differ in case alone, may end
// with a dot or be those of a Windows device; folders may not.
func leaseFolder(name string) string {
	var b strings.Builder
	b.WriteString(leaseDir + "/lease-")
	for _, c := range []byte(name) {
		switch {
		case 'A' <= c && c <= 'Z':
			b.WriteByte('_')
			b.WriteByte(c - 'A' + 'a')
		case c == '.':
			b.WriteString("__")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// A lease is the last item of a sequence; version v is at position v-1.
func (s *Store) lease(name string) (*sequence, error) {
	if err := store.CheckLeaseName(name); err != nil {
		return nil, err
	}
	return s.sequence(leaseFolder(name), ".json", maxLease), nil
}

// GetLease implements store.Leases.
func (s *Store) GetLease(ctx context.Context, name string) (store.Lease, error) {
	q, err := s.lease(name)
	if err != nil {
		return store.Lease{}, err
	}
	count, data, err := q.last(ctx)
	switch {
	case err != nil:
		return store.Lease{}, err
	case count == 0:
		return store.Lease{}, fmt.Errorf("lease %s: %w", name, store.ErrNotFound)
	}
	var f leaseFile
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&f); err != nil {
		return store.Lease{}, damaged(q.file(count-1), "is not what this program wrote")
	}
	l := store.Lease(f)
	if err := store.CheckLease(l); err != nil || l.Name != name || l.Version != count {
		return store.Lease{}, damaged(q.file(count-1), "is not what its name says")
	}
	return l, nil
}

// SwapLease implements store.Leases.
func (s *Store) SwapLease(ctx context.Context, l store.Lease) (store.Lease, error) {
	if err := store.CheckLease(l); err != nil {
		return store.Lease{}, err
	}
	q, err := s.lease(l.Name)
	if err != nil {
		return store.Lease{}, err
	}
	at := l.Version
	l.Version++
	l.Expires = l.Expires.UTC().Round(0) // as it will be read: no zone, no monotonic clock
	data, err := json.MarshalIndent(leaseFile(l), "", "  ")
	if err != nil {
		return store.Lease{}, fmt.Errorf("encode lease %s: %w", l.Name, err)
	}
	s.beginWriting()
	if err := q.append(ctx, at, append(data, '\n')); err != nil {
		return store.Lease{}, err
	}
	q.forget(at)
	return l, nil
}
