// Package journaltest is one suite of tests for every implementation of
// bulk.Journal, with a reference implementation in memory and a wrapper that
// fails by plan.
//
// It is for tests alone (internal/deptest) and promises nothing.
package journaltest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/underseal/underseal/bulk"
)

// Memory is a journal in memory.
type Memory struct {
	mu      sync.Mutex
	jobs    map[string]bulk.JobInfo
	entries map[string][]bulk.Entry // by job, in the order of arrival
	met     map[string]map[bulk.RecordID]bool
}

var _ bulk.Journal = (*Memory)(nil)

// NewMemory makes an empty journal.
func NewMemory() *Memory {
	return &Memory{jobs: map[string]bulk.JobInfo{}, entries: map[string][]bulk.Entry{}, met: map[string]map[bulk.RecordID]bool{}}
}

// Delete forgets everything, as when somebody deletes the file.
func (m *Memory) Delete() {
	n := NewMemory()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs, m.entries, m.met = n.jobs, n.entries, n.met
}

func (m *Memory) enter(ctx context.Context) error {
	m.mu.Lock()
	return ctx.Err()
}

// PutJob implements bulk.Jobs.
func (m *Memory) PutJob(ctx context.Context, j bulk.JobInfo) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err == nil {
		m.jobs[j.ID] = clone(j)
	}
	return err
}

func clone(j bulk.JobInfo) bulk.JobInfo {
	j.Fields = slices.Clone(j.Fields)
	j.Counts.Fields = slices.Clone(j.Counts.Fields)
	for i := range j.Counts.Fields {
		j.Counts.Fields[i].Epochs = slices.Clone(j.Counts.Fields[i].Epochs)
	}
	return j
}

// Job implements bulk.Jobs.
func (m *Memory) Job(ctx context.Context, id string) (bulk.JobInfo, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return bulk.JobInfo{}, err
	}
	j, ok := m.jobs[id]
	if !ok {
		return bulk.JobInfo{}, fmt.Errorf("job %s: %w", id, bulk.ErrNoJob)
	}
	return clone(j), nil
}

// Jobs implements bulk.Jobs.
func (m *Memory) Jobs(ctx context.Context) ([]bulk.JobInfo, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []bulk.JobInfo
	for _, j := range m.jobs {
		list = append(list, clone(j))
	}
	slices.SortFunc(list, func(a, b bulk.JobInfo) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Intend implements bulk.Entries.
func (m *Memory) Intend(ctx context.Context, job string, entries []bulk.Entry) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.State, e.Reason = bulk.Intended, ""
		m.put(job, e)
	}
	return nil
}

func (m *Memory) put(job string, e bulk.Entry) {
	list := m.entries[job]
	for i, old := range list {
		if old.Kind == e.Kind && old.Record == e.Record && old.Field == e.Field && old.Token == e.Token && old.Replaced == e.Replaced {
			list[i] = e
			return
		}
	}
	m.entries[job] = append(list, e)
}

// Settle implements bulk.Entries.
func (m *Memory) Settle(ctx context.Context, job string, entries []bulk.Entry) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	for _, e := range entries {
		m.put(job, e)
	}
	for _, e := range entries {
		if e.State == bulk.Done {
			m.entries[job] = slices.DeleteFunc(m.entries[job], func(old bulk.Entry) bool {
				return old.State == bulk.Skipped && old.Kind == e.Kind && old.Record == e.Record && old.Field == e.Field
			})
		}
	}
	return nil
}

// Lookup implements bulk.Entries.
func (m *Memory) Lookup(ctx context.Context, job, kind string, records []string) ([]bulk.Entry, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []bulk.Entry
	for _, e := range m.entries[job] {
		if e.Kind == kind && slices.Contains(records, e.Record) {
			list = append(list, e)
		}
	}
	return list, nil
}

// Skipped implements bulk.Entries.
func (m *Memory) Skipped(ctx context.Context, job string, skip, limit int) ([]bulk.Entry, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []bulk.Entry
	for _, e := range m.entries[job] {
		if e.State == bulk.Skipped {
			list = append(list, e)
		}
	}
	list = list[min(skip, len(list)):]
	return list[:min(limit, len(list))], nil
}

// Tally implements bulk.Entries.
func (m *Memory) Tally(ctx context.Context, job string) (t bulk.Tally, err error) {
	err = m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return t, err
	}
	for _, e := range m.entries[job] {
		switch e.State {
		case bulk.Intended:
			t.Intended++
		case bulk.Done:
			t.Done++
		case bulk.Skipped:
			t.Skipped++
		}
	}
	return t, nil
}

// See implements bulk.Sightings.
func (m *Memory) See(ctx context.Context, pass, kind string, records []string) (again []string, err error) {
	err = m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if m.met[pass] == nil {
		m.met[pass] = map[bulk.RecordID]bool{}
	}
	for _, r := range records {
		id := bulk.RecordID{Kind: kind, ID: r}
		if m.met[pass][id] {
			again = append(again, r)
		}
		m.met[pass][id] = true
	}
	return again, nil
}

// Unseen implements bulk.Sightings.
func (m *Memory) Unseen(ctx context.Context, pass, job string, after bulk.RecordID, limit int) ([]bulk.RecordID, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []bulk.RecordID
	for _, e := range m.entries[job] {
		id := bulk.RecordID{Kind: e.Kind, ID: e.Record}
		if e.State == bulk.Done && !m.met[pass][id] && compare(id, after) > 0 {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, compare)
	list = slices.Compact(list)
	return list[:min(limit, len(list))], nil
}

func compare(a, b bulk.RecordID) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// EndPass implements bulk.Sightings.
func (m *Memory) EndPass(ctx context.Context, pass string) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err == nil {
		delete(m.met, pass)
	}
	return err
}
