// Package connectortest is one suite of tests for every implementation of
// connector.Records, with a reference implementation in memory and a wrapper
// that fails by plan.
//
// [Run] is the suite. [Memory] is an outside system that a test plays people
// in: it edits, deletes and renames behind the back of the program under test.
// [Faulty] makes numbered calls fail.
//
// It is for tests alone (internal/deptest) and promises nothing.
package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// Memory is an outside system in memory. It is safe for several goroutines.
type Memory struct {
	mu       sync.Mutex
	settings Settings
	place    connector.Place
	defs     []connector.Definition
	records  map[string][]*stored // by kind, in the order in which they were made
	next     int                  // number of the next definition or value
	version  int
	usage    connector.Usage
}

// Settings are what differs between outside systems.
type Settings struct {
	PageSize int // 0: 3, so that small tests have pages
	Parallel int // 0: 1
	// Keeps is how many characters a type really keeps, 0 for all; the rest
	// is cut without a word. Definitions say nothing of it.
	Keeps map[connector.FieldType]int
	// Says is the MaxLength in definitions.
	Says map[connector.FieldType]int
	// NoProbe forbids to probe.
	NoProbe bool
	// Withheld gives answers without values.
	Withheld bool
	// Alter changes what is stored, by definition id.
	Alter func(field string, data json.RawMessage) json.RawMessage
	// Refuse refuses a value, by definition id.
	Refuse func(field string, data json.RawMessage) error
	// Budget is what Memory says of its rate.
	Budget connector.Budget
}

type stored struct {
	connector.Record
	changed time.Time // by Memory's own time
}

var (
	_ connector.Records  = (*Memory)(nil)
	_ connector.Definer  = (*Memory)(nil)
	_ connector.Prober   = (*Memory)(nil)
	_ connector.Budgeter = (*Memory)(nil)
	_ connector.Meter    = (*Memory)(nil)
	_ connector.Recent   = (*Memory)(nil)
)

// NewMemory makes a system without fields and records, at memory, "firm-1".
func NewMemory(s Settings) *Memory {
	if s.PageSize == 0 {
		s.PageSize = 3
	}
	if s.Parallel == 0 {
		s.Parallel = 1
	}
	return &Memory{
		settings: s, records: map[string][]*stored{}, next: 1,
		place: connector.Place{Connector: "memory", Account: "firm-1", Name: "Example LLP"},
	}
}

// Set changes the settings.
func (m *Memory) Set(change func(*Settings)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.settings)
}

// Capabilities implements connector.Records.
func (m *Memory) Capabilities() connector.Capabilities {
	return connector.Capabilities{
		Conditional: true, Partial: true, Kinds: []string{"matter", "contact"},
		PageSize: m.settings.PageSize, Parallel: m.settings.Parallel,
	}
}

// Budget implements connector.Budgeter.
func (m *Memory) Budget() connector.Budget { return m.settings.Budget }

// Usage implements connector.Meter.
func (m *Memory) Usage() connector.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage
}

// enter begins a call.
func (m *Memory) enter(ctx context.Context) error {
	m.mu.Lock()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.usage.Requests++
	return nil
}

// Place implements connector.Reader.
func (m *Memory) Place(ctx context.Context) (connector.Place, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	return m.place, err
}

// Definitions implements connector.Reader.
func (m *Memory) Definitions(ctx context.Context) ([]connector.Definition, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []connector.Definition
	for _, d := range m.defs {
		list = append(list, m.describe(d))
	}
	return list, nil
}

func (m *Memory) describe(d connector.Definition) connector.Definition {
	d.Sets = slices.Clone(d.Sets)
	d.MaxLength = m.settings.Says[d.Type]
	return d
}

// List implements connector.Reader.
func (m *Memory) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	return m.list(ctx, kind, fields, time.Time{}, cursor)
}

// Changed implements connector.Recent. Memory's time has nothing to do with a
// test's Clock: it goes on by a second with every change.
func (m *Memory) Changed(ctx context.Context, kind string, fields []string, since time.Time, cursor string) (connector.Page, error) {
	return m.list(ctx, kind, fields, since, cursor)
}

func (m *Memory) list(ctx context.Context, kind string, fields []string, since time.Time, cursor string) (connector.Page, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return connector.Page{}, err
	}
	if !slices.Contains([]string{"matter", "contact"}, kind) {
		return connector.Page{}, fmt.Errorf("kind %.40q: %w", kind, connector.ErrNotFound)
	}
	if m.settings.Withheld && len(fields) > 0 {
		return connector.Page{}, connector.ErrWithheld
	}
	after := 0
	if cursor != "" {
		if after, err = strconv.Atoi(cursor); err != nil {
			return connector.Page{}, connector.ErrMalformed
		}
	}
	all := slices.DeleteFunc(slices.Clone(m.records[kind]), func(r *stored) bool { return r.changed.Before(since) })
	p := connector.Page{Total: len(all), At: m.time()}
	for _, r := range all {
		if number(r.ID) <= after {
			continue
		}
		if len(p.Records) == m.settings.PageSize {
			p.Next = p.Records[len(p.Records)-1].ID
			break
		}
		p.Records = append(p.Records, r.with(fields))
	}
	return p, nil
}

func number(id string) int {
	n, _ := strconv.Atoi(id)
	return n
}

// with copies the record with its values of some fields.
func (r *stored) with(fields []string) connector.Record {
	c := connector.Record{Kind: r.Kind, ID: r.ID, Version: r.Version}
	for _, v := range r.Values {
		if slices.Contains(fields, v.Field) {
			v.Data = bytes.Clone(v.Data)
			c.Values = append(c.Values, v)
		}
	}
	return c
}

func (m *Memory) find(kind, id string) *stored {
	for _, r := range m.records[kind] {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func (m *Memory) definition(id string) *connector.Definition {
	for i := range m.defs {
		if m.defs[i].ID == id {
			return &m.defs[i]
		}
	}
	return nil
}

// Get implements connector.Reader.
func (m *Memory) Get(ctx context.Context, kind, id string, fields []string) (connector.Record, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return connector.Record{}, err
	}
	if m.settings.Withheld && len(fields) > 0 {
		return connector.Record{}, connector.ErrWithheld
	}
	r := m.find(kind, id)
	if r == nil {
		return connector.Record{}, &connector.RecordError{Kind: kind, ID: id, Err: connector.ErrNotFound}
	}
	return r.with(fields), nil
}

// Write implements connector.Writer.
func (m *Memory) Write(ctx context.Context, r connector.Record, changes []connector.Change) (connector.Record, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return connector.Record{}, err
	}
	fail := func(err error) (connector.Record, error) {
		return connector.Record{}, &connector.RecordError{Kind: r.Kind, ID: r.ID, Err: err}
	}
	at := m.find(r.Kind, r.ID)
	if at == nil {
		return fail(connector.ErrNotFound)
	}
	if at.Version != r.Version {
		return fail(connector.ErrConflict)
	}
	next := stored{Record: at.with(m.fields(r.Kind))}
	var fields []string
	for _, c := range changes {
		if err := m.change(&next, c); err != nil {
			return fail(fmt.Errorf("field %s: %w", c.Field, err))
		}
		fields = append(fields, c.Field)
	}
	*at = next
	m.touch(at)
	return at.with(fields), nil
}

// fields are the ids of all definitions of a kind.
func (m *Memory) fields(kind string) []string {
	var ids []string
	for _, d := range m.defs {
		if d.Kind == kind {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func (m *Memory) touch(r *stored) {
	m.version++
	r.Version, r.changed = "v"+strconv.Itoa(m.version), m.time()
}

// time is Memory's own.
func (m *Memory) time() time.Time {
	return Start.AddDate(10, 0, 0).Add(time.Duration(m.version) * time.Second)
}

func (m *Memory) change(r *stored, c connector.Change) error {
	d := m.definition(c.Field)
	if d == nil || d.Deleted || d.Kind != r.Kind {
		return connector.ErrNotFound
	}
	i := slices.IndexFunc(r.Values, func(v connector.Value) bool { return v.Field == c.Field && v.ID != "" })
	switch {
	case c.ID == "" && i >= 0:
		return fmt.Errorf("%w: it has an element already", connector.ErrRefused)
	case c.ID != "" && (i < 0 || r.Values[i].ID != c.ID):
		return fmt.Errorf("%w: no such element", connector.ErrRefused)
	case c.ID == "" && (c.Remove || c.Data == nil):
		return fmt.Errorf("%w: nothing to empty", connector.ErrRefused)
	}
	if (c.Remove || c.Data == nil) && d.Required {
		return fmt.Errorf("%w: it is required", connector.ErrRefused)
	}
	if c.Remove {
		r.Values = slices.Delete(r.Values, i, i+1)
		return nil
	}
	data, err := m.keep(d, c.Data)
	if err != nil {
		return err
	}
	if i < 0 {
		// What stood for "never set" gives way to the element.
		r.Values = slices.DeleteFunc(r.Values, func(v connector.Value) bool { return v.Field == c.Field })
		r.Values = append(r.Values, connector.Value{Field: c.Field, ID: valueID(r.ID, d), Data: data})
		return nil
	}
	r.Values[i].Data = data
	return nil
}

// valueID is the id of a record's element: such as text_line-7-2.
func valueID(record string, d *connector.Definition) string {
	return string(d.Type) + "-" + record + "-" + d.ID
}

// keep is what the system makes of a value.
func (m *Memory) keep(d *connector.Definition, data json.RawMessage) (json.RawMessage, error) {
	if data == nil {
		return nil, nil
	}
	if !json.Valid(data) {
		return nil, connector.ErrRefused
	}
	if m.settings.Refuse != nil {
		if err := m.settings.Refuse(d.ID, data); err != nil {
			return nil, err
		}
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		if d.Type.HoldsToken() {
			return nil, connector.ErrRefused
		}
	} else if n := m.settings.Keeps[d.Type]; n > 0 && utf8.RuneCountInString(text) > n {
		cut, err := json.Marshal(string([]rune(text)[:n]))
		if err != nil {
			return nil, err
		}
		data = cut
	}
	if m.settings.Alter != nil {
		data = m.settings.Alter(d.ID, data)
	}
	return bytes.Clone(data), nil
}

// Probe implements connector.Prober.
func (m *Memory) Probe(ctx context.Context, _ string, t connector.FieldType, n int) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	switch keeps := m.settings.Keeps[t]; {
	case err != nil:
		return err
	case m.settings.NoProbe:
		return connector.ErrForbidden
	case keeps > 0 && n > keeps:
		return connector.ErrTooLong
	}
	return nil
}

// Start is the time at which a Clock starts.
var Start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// Clock is a clock that moves when somebody sleeps on it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
	// OnSleep, where set, runs before each sleep ends.
	OnSleep func(time.Duration)
}

var _ connector.Clock = (*Clock)(nil)

// Now implements connector.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.IsZero() {
		c.now = Start
	}
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now.Add(d)
}

// Sleep implements connector.Clock.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Advance(d)
	if c.OnSleep != nil {
		c.OnSleep(d)
	}
	return ctx.Err()
}
