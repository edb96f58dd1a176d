package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// What people do in the system, behind the back of the program under test.
// Methods that name something which is not there panic: the test is wrong.

// AddField makes a definition and returns it with its id.
func (m *Memory) AddField(d connector.Definition) connector.Definition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addField(d)
}

func (m *Memory) addField(d connector.Definition) connector.Definition {
	m.next++
	d.ID = strconv.Itoa(m.next)
	d.Sets = slices.Clone(d.Sets)
	m.stamp(&d)
	m.defs = append(m.defs, d)
	return m.describe(d)
}

func (m *Memory) stamp(d *connector.Definition) {
	m.version++
	d.Version = "d" + strconv.Itoa(m.version)
}

// AddRecord makes a record without values and returns its id.
func (m *Memory) AddRecord(kind string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	r := &stored{Record: connector.Record{Kind: kind, ID: strconv.Itoa(m.next)}}
	m.touch(r)
	m.records[kind] = append(m.records[kind], r)
	return r.ID
}

// Put sets a value, given as a JSON text, as a person does.
func (m *Memory) Put(kind, id, field, data string) {
	m.edit(kind, id, func(r *stored) {
		i := slices.IndexFunc(r.Values, func(v connector.Value) bool { return v.Field == field })
		if i < 0 {
			r.Values = append(r.Values, connector.Value{Field: field})
			i = len(r.Values) - 1
		}
		if r.Values[i].ID == "" {
			r.Values[i].ID = valueID(id, m.definition(field))
		}
		r.Values[i].Data = json.RawMessage(data)
	})
}

// Unset gives a field the element without id that stands for "never set".
func (m *Memory) Unset(kind, id, field string) {
	m.edit(kind, id, func(r *stored) { r.Values = append(r.Values, connector.Value{Field: field}) })
}

// Clear empties a field and keeps its element.
func (m *Memory) Clear(kind, id, field string) {
	m.edit(kind, id, func(r *stored) {
		for i := range r.Values {
			if r.Values[i].Field == field {
				r.Values[i].Data = nil
			}
		}
	})
}

func (m *Memory) edit(kind, id string, change func(*stored)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(kind, id)
	if r == nil {
		panic(fmt.Sprintf("no %s %s", kind, id))
	}
	change(r)
	m.touch(r)
}

// Drop deletes a record.
func (m *Memory) Drop(kind, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[kind] = slices.DeleteFunc(m.records[kind], func(r *stored) bool { return r.ID == id })
}

// Redefine changes a definition.
func (m *Memory) Redefine(id string, change func(*connector.Definition)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.definition(id)
	change(d)
	m.stamp(d)
}

// Peek returns what a record holds in a field, "" for nothing.
func (m *Memory) Peek(kind, id, field string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.find(kind, id); r != nil {
		if v, ok := r.Value(field); ok {
			return string(v.Data)
		}
	}
	return ""
}

// Fields returns the definitions that are not deleted.
func (m *Memory) Fields() []connector.Definition {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []connector.Definition
	for _, d := range m.defs {
		if !d.Deleted {
			list = append(list, m.describe(d))
		}
	}
	return list
}

// Dump returns all that the API would answer for records and definitions, one
// line for each value and definition, without versions, sorted.
func (m *Memory) Dump() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for _, d := range m.defs {
		if !d.Deleted {
			lines = append(lines, fmt.Sprintf("field %s %q %s %s required=%v sets=%v", d.ID, d.Name, d.Kind, d.Type, d.Required, d.Sets))
		}
	}
	for kind, list := range m.records {
		for _, r := range list {
			lines = append(lines, fmt.Sprintf("record %s %s", kind, r.ID))
			for _, v := range r.Values {
				if d := m.definition(v.Field); d != nil && !d.Deleted {
					lines = append(lines, fmt.Sprintf("record %s %s field %s element %q %s", kind, r.ID, v.Field, v.ID, v.Data))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

const maxName = 32 // characters of a field's name, as in Clio

// CreateField implements connector.Definer.
func (m *Memory) CreateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return connector.Definition{}, err
	}
	if d.Name == "" || utf8.RuneCountInString(d.Name) > maxName {
		return connector.Definition{}, fmt.Errorf("name: %w", connector.ErrRefused)
	}
	return m.addField(d), nil
}

// UpdateField implements connector.Definer.
func (m *Memory) UpdateField(ctx context.Context, d connector.Definition) (connector.Definition, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return connector.Definition{}, err
	}
	at := m.definition(d.ID)
	switch {
	case at == nil || at.Deleted:
		return connector.Definition{}, connector.ErrNotFound
	case at.Version != d.Version:
		return connector.Definition{}, connector.ErrConflict
	case d.Name == "" || utf8.RuneCountInString(d.Name) > maxName:
		return connector.Definition{}, fmt.Errorf("name: %w", connector.ErrRefused)
	}
	at.Name, at.Required = d.Name, d.Required
	m.stamp(at)
	return m.describe(*at), nil
}

// DeleteField implements connector.Definer.
func (m *Memory) DeleteField(ctx context.Context, d connector.Definition) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	at := m.definition(d.ID)
	switch {
	case at == nil || at.Deleted:
		return connector.ErrNotFound
	case at.Version != d.Version:
		return connector.ErrConflict
	}
	m.remove(at)
	return nil
}

// Delete removes a field as a person does.
func (m *Memory) Delete(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(m.definition(id))
}

func (m *Memory) remove(d *connector.Definition) {
	d.Deleted = true
	m.stamp(d)
	for _, r := range m.records[d.Kind] {
		r.Values = slices.DeleteFunc(slices.Clone(r.Values), func(v connector.Value) bool { return v.Field == d.ID })
	}
}

// Holds tells whether any value of any record contains text.
func (m *Memory) Holds(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.records {
		for _, r := range list {
			for _, v := range r.Values {
				if bytes.Contains(v.Data, []byte(text)) {
					return true
				}
			}
		}
	}
	return false
}
