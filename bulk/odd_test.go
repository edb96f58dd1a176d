package bulk_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
)

// One value that is refused on its way back, since its option was removed
// meanwhile, keeps nothing but itself and the twin.
func TestOptionThatIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	f := s.system.AddField(connector.Definition{Name: "Plea", Kind: "matter", Type: connector.Picklist, Required: true})
	option := func(i int) string { return []string{`"1"`, `"2"`}[i%2] }
	for i, m := range s.matters {
		s.system.Put("matter", m, f.ID, option(i))
	}
	before := s.system.Dump()
	c := s.config(s.Open("alice"), f.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	s.system.Set(func(c *connectortest.Settings) {
		c.Refuse = func(field string, data json.RawMessage) error {
			if field == f.ID && string(data) == option(1) {
				return connector.ErrRefused
			}
			return nil
		}
	})
	r, err := newJob(t, c).Disable(t.Context())
	if !errors.Is(err, bulk.ErrLeft) || r.Fields[0].Changed != 5 || r.Fields[0].Skipped != 5 {
		t.Errorf("%v %+v", err, r.Fields)
	}
	s.system.Set(func(c *connectortest.Settings) { c.Refuse = nil })
	_, err = newJob(t, c).Disable(t.Context())
	must(t, err)
	if after := s.system.Dump(); !slices.Equal(after, before) {
		t.Errorf("not what it was:\n%s", strings.Join(after, "\n"))
	}
}

// unversioned gives every version of a record the same name.
type unversioned struct{ *connectortest.Memory }

func (u unversioned) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	p, err := u.Memory.List(ctx, kind, fields, cursor)
	for i := range p.Records {
		p.Records[i].Version = "1"
	}
	return p, err
}

func (u unversioned) Write(ctx context.Context, r connector.Record, changes []connector.Change) (connector.Record, error) {
	now, err := u.Get(ctx, r.Kind, r.ID, nil)
	if err != nil {
		return now, err
	}
	r.Version = now.Version
	after, err := u.Memory.Write(ctx, r, changes)
	after.Version = "1"
	return after, err
}

// A system whose versions do not change cannot tell that a person edits: that is
// said, once.
func TestVersionsThatDoNotChange(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"versions": 0, "none": 1} {
		s := newSite(t, 10)
		warnings := 0
		c := s.config(s.Open("alice"), s.ssn.ID)
		if name == "none" {
			c.Records = unversioned{s.system}
		}
		c.Events = func(e bulk.Event) {
			if e.Kind == bulk.EventWarning && strings.Contains(e.Warning, "written over") {
				warnings++
			}
		}
		if _, err := apply(t.Context(), c); err != nil || warnings != want {
			t.Errorf("%s: %v, %d warnings", name, err, warnings)
		}
	}
}

// Half a surrogate pair comes back as it was, or is not said to have come back.
func TestHalfASurrogatePair(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(string, json.RawMessage) json.RawMessage{
		"kept": nil,
		"replaced": func(_ string, data json.RawMessage) json.RawMessage {
			return json.RawMessage(strings.ReplaceAll(string(data), `\ud83d`, `\ufffd`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 1)
			const value = `"a \ud83d"`
			s.system.Put("matter", s.matters[0], s.ssn.ID, value)
			c := s.config(s.Open("alice"), s.ssn.ID)
			_, err := apply(t.Context(), c)
			must(t, err)
			s.system.Set(func(c *connectortest.Settings) { c.Alter = alter })
			r, err := newJob(t, c).Disable(t.Context())
			got := s.system.Peek("matter", s.matters[0], s.ssn.ID)
			if alter == nil && (err != nil || got != value) {
				t.Errorf("%v %s", err, got)
			}
			if alter != nil && (!errors.Is(err, bulk.ErrLeft) || !strings.HasPrefix(got, `"us1.`) || !slices.Equal(reasons(r), []bulk.Reason{bulk.AlteredAndBack})) {
				t.Errorf("%v %s %+v", err, got, r.Findings)
			}
		})
	}
}
