package bulk_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/workspace"
)

// during applies while before runs before every call.
func (s *site) during(t *testing.T, c bulk.Config, before func(o connectortest.Operation, call int)) (bulk.Report, error) {
	t.Helper()
	f := connectortest.NewFaulty(s.system)
	f.Before = before
	c.Records = f
	return apply(t.Context(), c)
}

// sealed tells whether a matter's ssn is a token.
func (s *site) sealed(matter int) bool {
	return strings.HasPrefix(s.system.Peek("matter", s.matters[matter], s.ssn.ID), `"us1.`)
}

func reasons(r bulk.Report) []bulk.Reason {
	var list []bulk.Reason
	for _, f := range r.Findings {
		list = append(list, f.Reason)
	}
	return list
}

// What people do while a field is enabled, and what comes of it.
func TestPeopleAtWork(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		before func(s *site, o connectortest.Operation, call int)
		err    error
		want   []bulk.Reason
		check  func(t *testing.T, s *site)
	}{
		"a value is edited": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 {
					s.system.Put("matter", s.matters[3], s.ssn.ID, `"edited"`)
				}
			}, nil, nil,
			func(t *testing.T, s *site) {
				_, err := newJob(t, s.config(s.Open("alice"), s.ssn.ID)).Disable(t.Context())
				must(t, err)
				if got := s.system.Peek("matter", s.matters[3], s.ssn.ID); got != `"edited"` {
					t.Errorf("the edit was lost: %s", got)
				}
			},
		},
		"a value is edited each time": {
			func(s *site, o connectortest.Operation, _ int) {
				if o == connectortest.OpWrite {
					s.system.Put("matter", s.matters[3], s.ssn.ID, `"edited again"`)
				}
			}, bulk.ErrLeft, []bulk.Reason{bulk.ChangedOften}, func(t *testing.T, s *site) {
				if s.sealed(3) || !s.sealed(4) {
					t.Error("not the one record alone")
				}
			},
		},
		"a value is taken away": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 {
					s.system.Clear("matter", s.matters[3], s.ssn.ID)
				}
			}, nil, nil, nil,
		},
		"a value becomes something like a token": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 {
					s.system.Put("matter", s.matters[3], s.ssn.ID, `"us1.hello"`)
				}
			}, bulk.ErrLeft, []bulk.Reason{bulk.LooksLike}, func(t *testing.T, s *site) {
				if got := s.system.Peek("matter", s.matters[3], s.ssn.ID); got != `"us1.hello"` {
					t.Errorf("it was touched: %s", got)
				}
			},
		},
		"a record is deleted": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 {
					s.system.Drop("matter", s.matters[3])
				}
			}, bulk.ErrLeft, []bulk.Reason{bulk.RecordGone}, nil,
		},
		"the field is renamed": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 1 {
					s.system.Redefine(s.ssn.ID, func(d *connector.Definition) { d.Name = "Renamed" })
				}
			}, nil, nil, nil,
		},
		"the field is deleted": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 2 {
					s.system.Delete(s.ssn.ID)
				}
			}, connector.ErrNotFound, []bulk.Reason{bulk.FieldGone}, func(*testing.T, *site) {},
		},
		"answers come without values": {
			func(s *site, o connectortest.Operation, call int) {
				if o == connectortest.OpWrite && call == 2 {
					s.system.Set(func(c *connectortest.Settings) { c.Withheld = true })
				}
			}, connector.ErrWithheld, nil, func(*testing.T, *site) {},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			r, err := s.during(t, s.config(s.Open("alice"), s.ssn.ID), func(o connectortest.Operation, call int) { x.before(s, o, call) })
			if !errors.Is(err, x.err) || x.err == nil && err != nil {
				t.Fatalf("%v", err)
			}
			if got := reasons(r); !slices.Equal(got, x.want) {
				t.Errorf("findings %+v", r.Findings)
			}
			if x.check != nil {
				x.check(t, s)
			}
		})
	}
}

// What the outside system may do to tokens.
func TestSystemsThatAlter(t *testing.T) {
	t.Parallel()
	cut := func(_ string, data json.RawMessage) json.RawMessage {
		if len(data) > 100 {
			return json.RawMessage(string(data[:60]) + `"`)
		}
		return data
	}
	for name, x := range map[string]struct {
		settings func(*connectortest.Settings)
		keeps    int
		err      error
		sealed   bool // some value may be a token afterwards
	}{
		"says that it is short":       {func(s *connectortest.Settings) { s.Says = map[connector.FieldType]int{connector.TextLine: 50} }, 0, bulk.ErrLeft, false},
		"is short when probed":        {func(s *connectortest.Settings) { s.Keeps = map[connector.FieldType]int{connector.TextLine: 50} }, 0, connector.ErrTooLong, false},
		"may not be probed":           {func(s *connectortest.Settings) { s.NoProbe = true }, 0, bulk.ErrLength, false},
		"may not be probed, is known": {func(s *connectortest.Settings) { s.NoProbe = true }, 255, nil, true},
		"is known wrongly and cuts": {func(s *connectortest.Settings) {
			s.Keeps = map[connector.FieldType]int{connector.TextLine: 50}
		}, 255, bulk.ErrAltered, false},
		"cuts after all": {func(s *connectortest.Settings) { s.Alter = cut }, 0, bulk.ErrAltered, false},
		"changes the case": {func(s *connectortest.Settings) {
			s.Alter = func(_ string, data json.RawMessage) json.RawMessage {
				if strings.HasPrefix(string(data), `"us1.`) {
					return json.RawMessage(strings.ToLower(string(data)))
				}
				return data
			}
		}, 0, bulk.ErrAltered, false},
		"refuses": {func(s *connectortest.Settings) {
			s.Refuse = func(string, json.RawMessage) error { return connector.ErrRefused }
		}, 0, bulk.ErrLeft, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			before := s.system.Dump()
			s.system.Set(x.settings)
			c := s.config(s.Open("alice"), s.ssn.ID)
			if x.keeps > 0 {
				c.Keeps = map[connector.FieldType]int{connector.TextLine: x.keeps}
			}
			_, err := apply(t.Context(), c)
			if !errors.Is(err, x.err) || x.err == nil && err != nil {
				t.Fatalf("%v", err)
			}
			if !x.sealed && !slices.Equal(s.system.Dump(), before) {
				t.Errorf("not what it was:\n%s", strings.Join(s.system.Dump(), "\n"))
			}
		})
	}
}

// A token is cut, and the program dies before it hears of it: nothing but the
// journal has the value, and the next run puts it back.
func TestCutAndKilled(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		d := newDrill(t)
		_, err := d.client(faults{})
		must(t, err)
		d.system.Set(func(s *connectortest.Settings) {
			s.Alter = func(_ string, data json.RawMessage) json.RawMessage {
				if len(data) > 100 {
					return json.RawMessage(string(data[:60]) + `"`)
				}
				return data
			}
		})
		c, err := d.client(faults{connector: []connectortest.Fault{{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Persisted, Dead: killed}}})
		must(t, err)
		if _, err := apply(t.Context(), c.Config); err == nil {
			t.Fatal("no error")
		}
		if killed == slices.Equal(values(d.system.Dump()), values(d.before)) {
			t.Fatalf("killed %v: the drill shows nothing", killed)
		}
		c, err = d.client(faults{})
		must(t, err)
		if _, err := apply(t.Context(), c.Config); !errors.Is(err, bulk.ErrAltered) {
			t.Errorf("%v", err)
		}
		if got := values(d.system.Dump()); !slices.Equal(got, values(d.before)) {
			t.Errorf("not what it was:\n%s", strings.Join(got, "\n"))
		}
	}
}

// values are the lines of a dump that hold something.
func values(dump []string) []string {
	return slices.DeleteFunc(slices.Clone(dump), func(line string) bool {
		return !strings.HasPrefix(line, "record") || strings.HasSuffix(line, `" `)
	})
}

func TestTooLongOffersTheTwin(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	before := s.system.Dump()
	s.system.Set(func(c *connectortest.Settings) { c.Says = map[connector.FieldType]int{connector.TextLine: 50} })
	c := s.config(s.Open("alice"), s.ssn.ID)
	p, err := newJob(t, c).Plan(t.Context())
	if err != nil || p.Fields[0].TooLong != 4 || p.Writes != 0 || p.Findings[0].Reason != bulk.TooLong {
		t.Fatalf("%v %+v", err, p)
	}
	c.Targets[0].Twin = true
	_, err = apply(t.Context(), c)
	must(t, err)
	if s.system.Holds("078-05") {
		t.Error("a value is left in clear")
	}
	_, err = newJob(t, c).Undo(t.Context())
	must(t, err)
	if !slices.Equal(s.system.Dump(), before) {
		t.Error("not what it was")
	}
}

// Undo leaves what a person changed since, and the field stays protected.
func TestUndoLeavesWhatWasChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	w := s.Open("alice")
	c := s.config(w, s.ssn.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	s.system.Put("matter", s.matters[3], s.ssn.ID, `"by hand"`)
	s.system.Put("matter", s.matters[8], s.ssn.ID, `"sealed by another program"`)
	other := c
	other.Journal = newSite(t, 0).journal
	_, err = apply(t.Context(), bulk.Config{Workspace: w, Records: justOne{s.system, s.matters[8]}, Journal: other.Journal, Clock: s.clock, Targets: c.Targets})
	must(t, err)
	r, err := newJob(t, c).Undo(t.Context())
	if !errors.Is(err, bulk.ErrLeft) || !slices.Equal(reasons(r), []bulk.Reason{bulk.ChangedSince, bulk.ChangedSince}) || r.Findings[0].Record != s.matters[3] || r.Findings[1].Record != s.matters[8] {
		t.Fatalf("%v %+v", err, r.Findings)
	}
	if got := s.system.Peek("matter", s.matters[3], s.ssn.ID); got != `"by hand"` {
		t.Errorf("overwritten: %s", got)
	}
	if got := s.system.Peek("matter", s.matters[4], s.ssn.ID); got != secret(4) {
		t.Errorf("not undone: %s", got)
	}
	if f := w.Fields(t.Context()); f[0].Ended {
		t.Error("the field was ended although a token is left")
	}
	// Disable opens whatever opens.
	_, err = newJob(t, c).Disable(t.Context())
	must(t, err)
	if got := s.system.Peek("matter", s.matters[8], s.ssn.ID); got != `"sealed by another program"` {
		t.Errorf("%s", got)
	}
}

// justOne shows one record.
type justOne struct {
	*connectortest.Memory
	id string
}

func (o justOne) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	p, err := o.Memory.List(ctx, kind, fields, cursor)
	p.Total = -1
	p.Records = slices.DeleteFunc(p.Records, func(r connector.Record) bool { return r.ID != o.id })
	return p, err
}

// The journal is deleted in the middle and at the end: nothing is lost, and
// disable needs none.
func TestJournalDeleted(t *testing.T) {
	t.Parallel()
	d := newDrill(t)
	c, err := d.client(faults{connector: []connectortest.Fault{{Operation: connectortest.OpWrite, Call: 2, Outcome: connectortest.Persisted, Dead: true}}})
	must(t, err)
	if err := enable(t.Context(), c.Config); err == nil {
		t.Fatal("no error")
	}
	d.journal.Delete()
	c, err = d.client(faults{})
	must(t, err)
	must(t, enable(t.Context(), c.Config))
	d.journal.Delete()
	sealedOnce(t, d)
}

func TestExportComesFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	before := s.system.Dump()
	c := s.config(s.Open("alice"), s.ssn.ID)
	full := errors.New("no space left")
	c.Export = func(write func(io.Writer) error) error {
		if err := write(io.Discard); err != nil {
			return err
		}
		return full
	}
	if _, err := apply(t.Context(), c); !errors.Is(err, full) || !slices.Equal(s.system.Dump(), before) {
		t.Errorf("%v", err)
	}
	// Values that were taken away since the plan are missing in the export.
	j := newJob(t, c)
	p, err := j.Plan(t.Context())
	must(t, err)
	s.system.Clear("matter", s.matters[3], s.ssn.ID)
	if _, err := j.Apply(t.Context(), p); !errors.Is(err, bulk.ErrExport) {
		t.Errorf("%v", err)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	w := s.Open("alice")
	odd := s.system.AddField(connector.Definition{Name: "Odd", Kind: "bill", Type: connector.TextLine})
	for name, x := range map[string]struct {
		targets []string
		want    error
	}{
		"unknown":         {[]string{"4711"}, connector.ErrNotFound},
		"twice":           {[]string{s.ssn.ID, s.ssn.ID}, bulk.ErrTarget},
		"of another kind": {[]string{odd.ID}, bulk.ErrTarget},
	} {
		if _, err := bulk.NewJob(t.Context(), s.config(w, x.targets...)); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newJob(t, s.config(w, s.ssn.ID)).Undo(t.Context()); !errors.Is(err, bulk.ErrTarget) {
		t.Errorf("undo of what was never enabled: %v", err)
	}
	c := s.config(w, s.ssn.ID)
	c.Targets[0].To = []string{"nobody@example.com"}
	if _, err := apply(t.Context(), c); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("to nobody: %v", err)
	}
}

// A value that goes back is altered, and the program dies before it hears of
// it. The next run lists it; the journal has the token.
func TestAlteredOnTheWayBackAndKilled(t *testing.T) {
	t.Parallel()
	d := newDrill(t)
	enabled(t, d)
	d.system.Set(func(s *connectortest.Settings) {
		s.Alter = func(_ string, data json.RawMessage) json.RawMessage {
			if strings.Contains(string(data), "078-05") {
				return json.RawMessage(`"altered"`)
			}
			return data
		}
	})
	c, err := d.client(faults{connector: []connectortest.Fault{{Operation: connectortest.OpWrite, Call: 2, Outcome: connectortest.Persisted, Dead: true}}})
	must(t, err)
	if err := errorOf(disable)(t.Context(), c.Config); err == nil {
		t.Fatal("no error")
	}
	if !d.system.Holds("altered") {
		t.Fatal("the drill shows nothing")
	}
	d.system.Set(func(s *connectortest.Settings) { s.Alter = nil })
	c, err = d.client(faults{})
	must(t, err)
	r, err := newJob(t, c.Config).Disable(t.Context())
	if !errors.Is(err, bulk.ErrLeft) || !slices.Contains(reasons(r), bulk.ChangedSince) {
		t.Fatalf("%v %+v", err, r.Findings)
	}
	entries, err := d.journal.Lookup(t.Context(), r.Job, "matter", []string{r.Findings[0].Record})
	must(t, err)
	if !slices.ContainsFunc(entries, func(e bulk.Entry) bool { return e.State == bulk.Skipped && strings.HasPrefix(e.Replaced, "us1.") }) {
		t.Errorf("the token is not in the journal: %+v", entries)
	}
}

// Events tell each page, and the rate.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	c := s.config(s.Open("alice"), s.ssn.ID)
	var events []bulk.Event
	c.Events = func(e bulk.Event) { events = append(events, e) }
	_, err := s.during(t, c, func(connectortest.Operation, int) { s.clock.Advance(time.Second) })
	must(t, err)
	var kinds []string
	for _, e := range events {
		if e.Call == "enable" {
			kinds = append(kinds, string(e.Kind))
		}
	}
	if got := strings.Join(kinds, " "); got != "started page page page page finished" {
		t.Errorf("%s", got)
	}
	i := slices.IndexFunc(events, func(e bulk.Event) bool { return e.Call == "enable" && e.Kind == bulk.EventPage && e.Records == 6 })
	if i < 0 || events[i].Total != 10 || events[i].Rate <= 0 || events[i].Left <= 0 || events[i].Changed != 2 || events[i].Job == "" {
		t.Errorf("%+v", events)
	}
}

// What is held does not grow with the number of records.
func TestMemoryIsFlat(t *testing.T) {
	held := func(n int) (most int) {
		s := newSite(t, n)
		pages := 0
		c := s.config(s.Open("alice"), s.ssn.ID)
		c.Journal = &counting{Journal: s.journal, most: &most}
		c.Events = func(e bulk.Event) {
			if e.Kind == bulk.EventPage {
				pages++
			}
		}
		_, err := apply(t.Context(), c)
		must(t, err)
		if pages < n/3 {
			t.Errorf("%d pages", pages)
		}
		return most
	}
	if small, large := held(30), held(300); large > small || large == 0 {
		t.Errorf("%d entries at once with 30 records, %d with 300", small, large)
	}
}

// counting tells the largest list that the journal was given at once.
type counting struct {
	bulk.Journal
	most *int
}

func (c *counting) Intend(ctx context.Context, job string, e []bulk.Entry) error {
	*c.most = max(*c.most, len(e))
	return c.Journal.Intend(ctx, job, e)
}

func (c *counting) Settle(ctx context.Context, job string, e []bulk.Entry) error {
	*c.most = max(*c.most, len(e))
	return c.Journal.Settle(ctx, job, e)
}

// A protected field that people deleted is listed, and the others are repaired.
func TestRepairWithoutADeletedField(t *testing.T) {
	t.Parallel()
	d := newDrill(t)
	enabled(t, d)
	d.system.Put("matter", d.matters[0], d.ssn.ID, `"typed since"`)
	d.system.Delete(d.fields[1])
	c := d.config(d.Open("alice"))
	r, err := apply(t.Context(), c)
	if err != nil || !slices.Equal(reasons(r), []bulk.Reason{bulk.FieldGone}) || !d.sealed(0) {
		t.Errorf("%v %+v", err, r.Findings)
	}
	if _, err := apply(t.Context(), d.config(d.Open("alice"), d.fields...)); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("named: %v", err)
	}
}
