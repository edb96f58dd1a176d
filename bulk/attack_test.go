package bulk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// protected is a site whose ssn, and a second field of matters, are enabled.
func protected(t *testing.T) (s *site, second connector.Definition) {
	t.Helper()
	s = newSite(t, 10)
	second = s.system.AddField(connector.Definition{Name: "Minor's name", Kind: "matter", Type: connector.TextLine})
	s.system.Put("matter", s.matters[3], second.ID, `"Zoë"`)
	_, err := apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID, second.ID))
	must(t, err)
	return s, second
}

// attacked shows that verify holds without the attack, attacks, and returns
// what verify finds, after showing that neither enabling nor disabling touches
// what was planted.
func attacked(t *testing.T, s *site, attack func(), planted ...[2]string) bulk.Report {
	t.Helper()
	w := s.Open("alice")
	if r, err := verify(t.Context(), s.config(w)); err != nil || len(r.Findings) != 0 {
		t.Fatalf("without the attack: %v %+v", err, r.Findings)
	}
	attack()
	r, err := verify(t.Context(), s.config(w))
	if !errors.Is(err, bulk.ErrNotVerified) {
		t.Errorf("verify: %v", err)
	}
	peek := func() (list []string) {
		for _, p := range planted {
			list = append(list, s.system.Peek("matter", p[0], p[1]))
		}
		return list
	}
	before := peek()
	_, err = apply(t.Context(), s.config(w))
	if len(planted) > 0 && !errors.Is(err, bulk.ErrLeft) {
		t.Errorf("repair: %v", err)
	}
	_, err = newJob(t, s.config(w)).Disable(t.Context())
	if len(planted) > 0 && !errors.Is(err, bulk.ErrLeft) {
		t.Errorf("disable: %v", err)
	}
	if !slices.Equal(peek(), before) {
		t.Errorf("what was planted was touched: %q, was %q", peek(), before)
	}
	return r
}

// swap exchanges what two places of matters hold.
func (s *site) swap(a, b [2]string) {
	x, y := s.system.Peek("matter", a[0], a[1]), s.system.Peek("matter", b[0], b[1])
	s.system.Put("matter", a[0], a[1], y)
	s.system.Put("matter", b[0], b[1], x)
}

func TestAttack19SwappedFields(t *testing.T) {
	t.Parallel()
	s, second := protected(t)
	a, b := [2]string{s.matters[3], s.ssn.ID}, [2]string{s.matters[3], second.ID}
	r := attacked(t, s, func() { s.swap(a, b) }, a, b)
	if !slices.Equal(reasons(r), []bulk.Reason{bulk.OtherField, bulk.OtherField}) {
		t.Errorf("%+v", r.Findings)
	}
}

func TestAttack20SwappedRecords(t *testing.T) {
	t.Parallel()
	s, _ := protected(t)
	a, b := [2]string{s.matters[3], s.ssn.ID}, [2]string{s.matters[4], s.ssn.ID}
	r := attacked(t, s, func() { s.swap(a, b) }, a, b)
	if !slices.Equal(reasons(r), []bulk.Reason{bulk.OtherRecord, bulk.OtherRecord}) {
		t.Errorf("%+v", r.Findings)
	}
}

// A token of another firm, one that was altered, one that was made before its
// record had an id, text that begins like a token, and plaintext.
func TestAttack23WhatDoesNotBelong(t *testing.T) {
	t.Parallel()
	foreign, _ := protected(t)
	theirs := foreign.system.Peek("matter", foreign.matters[3], foreign.ssn.ID)
	for name, x := range map[string]struct {
		plant func(t *testing.T, s *site, mine string) string
		want  bulk.Reason
	}{
		"another organization's": {func(*testing.T, *site, string) string { return theirs }, bulk.OtherOwner},
		"altered": {func(_ *testing.T, _ *site, mine string) string {
			i, c := len(mine)-20, "A"
			if mine[i] == 'A' {
				c = "B"
			}
			return mine[:i] + c + mine[i+1:]
		}, bulk.Altered},
		"a draft": {func(t *testing.T, s *site, _ string) string {
			w := s.Open("alice")
			f, err := w.FieldAt(t.Context(), officer.Binding{Connector: "memory", Account: "firm-1", Kind: "matter", ID: s.ssn.ID})
			must(t, err)
			key, err := w.WriteKeyOf(t.Context(), f.ID)
			must(t, err)
			token, err := key.Seal(fieldcrypt.NewDraft(), fieldcrypt.TextValue("x"))
			must(t, err)
			return `"` + token + `"`
		}, bulk.DraftToken},
		"like a token": {func(*testing.T, *site, string) string { return `"us1."` }, bulk.LooksLike},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := protected(t)
			at := [2]string{s.matters[3], s.ssn.ID}
			r := attacked(t, s, func() {
				s.system.Put("matter", at[0], at[1], x.plant(t, s, s.system.Peek("matter", at[0], at[1])))
			}, at)
			if !slices.Equal(reasons(r), []bulk.Reason{x.want}) {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
	t.Run("plaintext", func(t *testing.T) {
		t.Parallel()
		s, _ := protected(t)
		s.system.Put("matter", s.matters[0], s.ssn.ID, `"in clear"`)
		w := s.Open("alice")
		r, err := verify(t.Context(), s.config(w))
		if !errors.Is(err, bulk.ErrNotVerified) || !slices.Equal(reasons(r), []bulk.Reason{bulk.InClear}) {
			t.Errorf("%v %+v", err, r.Findings)
		}
		_, err = apply(t.Context(), s.config(w)) // repair
		must(t, err)
		_, err = verify(t.Context(), s.config(w))
		must(t, err)
	})
	t.Run("a twin that the log does not name", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, 0)
		fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
		m := s.system.AddRecord("matter")
		s.system.Put("matter", m, fee.ID, "12")
		trap := s.system.AddField(connector.Definition{Name: "Fee (sealed)", Kind: "matter", Type: connector.TextArea})
		s.system.Put("matter", m, trap.ID, `"theirs"`)
		_, err := apply(t.Context(), s.config(s.Open("alice"), fee.ID))
		must(t, err)
		if got := s.system.Peek("matter", m, trap.ID); got != `"theirs"` {
			t.Errorf("the name alone made it a twin: %s", got)
		}
	})
}

// lying answers lists as it likes.
type lying struct {
	*connectortest.Memory
	list func(p connector.Page) connector.Page
}

func (l lying) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	p, err := l.Memory.List(ctx, kind, fields, cursor)
	return l.list(p), err
}

func TestAttack25DroppedAndRepeatedRecords(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		list func(s *site, p connector.Page) connector.Page
		want []bulk.Reason
	}{
		"nothing": {func(_ *site, p connector.Page) connector.Page { return p }, nil},
		"reordered": {func(_ *site, p connector.Page) connector.Page {
			slices.Reverse(p.Records)
			return p
		}, nil},
		"dropped, and counted": {func(s *site, p connector.Page) connector.Page {
			p.Records = slices.DeleteFunc(p.Records, func(r connector.Record) bool { return r.ID == s.matters[3] })
			return p
		}, []bulk.Reason{bulk.OtherTotal, bulk.MissingRecord}},
		"dropped, and the count is forged": {func(s *site, p connector.Page) connector.Page {
			p.Records = slices.DeleteFunc(p.Records, func(r connector.Record) bool { return r.ID == s.matters[3] })
			p.Total--
			return p
		}, []bulk.Reason{bulk.MissingRecord}},
		"one that was never worked on is dropped": {func(s *site, p connector.Page) connector.Page {
			p.Records = slices.DeleteFunc(p.Records, func(r connector.Record) bool { return r.ID == s.matters[0] })
			return p
		}, []bulk.Reason{bulk.OtherTotal}},
		"repeated": {func(s *site, p connector.Page) connector.Page {
			if p.Next == "" {
				p.Records = append(p.Records, connector.Record{Kind: "matter", ID: s.matters[3], Version: "v"})
			}
			return p
		}, []bulk.Reason{bulk.Repeated, bulk.EmptiedSince, bulk.EmptiedSince}},
		"the list does not end": {func(_ *site, p connector.Page) connector.Page {
			p.Next = "1"
			return p
		}, nil},
		"the list goes in circles": {func(s *site, p connector.Page) connector.Page {
			if p.Next == "" {
				p.Next = s.matters[2]
			}
			return p
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := protected(t)
			c := s.config(s.Open("alice"))
			c.Records = lying{s.system, func(p connector.Page) connector.Page { return x.list(s, p) }}
			r, err := verify(t.Context(), c)
			switch {
			case strings.HasPrefix(name, "the list"):
				if !errors.Is(err, connector.ErrMalformed) {
					t.Errorf("%v", err)
				}
			case x.want == nil && err != nil, x.want != nil && !errors.Is(err, bulk.ErrNotVerified):
				t.Errorf("%v", err)
			case !slices.Equal(reasons(r), x.want):
				t.Errorf("%+v", r.Findings)
			}
		})
	}
	t.Run("a record that was deleted", func(t *testing.T) {
		t.Parallel()
		s, _ := protected(t)
		s.system.Drop("matter", s.matters[3])
		r, err := verify(t.Context(), s.config(s.Open("alice")))
		if err != nil || !slices.Equal(reasons(r), []bulk.Reason{bulk.RecordGone}) {
			t.Errorf("%v %+v", err, r.Findings)
		}
	})
}

// Attack 50 and 11: the log goes on, goes back, or takes the field away while
// work is under way. No unit begins by a log that was not just read.
func TestAttack50TheLogWhileWorking(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		meanwhile func(ctx context.Context, w *workspace.Workspace, id officer.ResourceID) error
		back      bool
		want      error
		writes    int // of 12 values, two to four of them in the first unit
	}{
		"nothing": {func(context.Context, *workspace.Workspace, officer.ResourceID) error { return nil }, false, nil, 12},
		"rotated": {func(ctx context.Context, w *workspace.Workspace, id officer.ResourceID) error {
			return w.RotateOf(ctx, id)
		}, false, nil, 12},
		"ended": {func(ctx context.Context, w *workspace.Workspace, id officer.ResourceID) error {
			return w.EndField(ctx, id)
		}, false, bulk.ErrKeyChanged, 2},
		"the log back": {func(context.Context, *workspace.Workspace, officer.ResourceID) error { return nil }, true, workspace.ErrRollback, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 30)
			s.system.Set(func(c *connectortest.Settings) { c.PageSize = 5 })
			back := false
			st := &hostile.Store{Store: s.Store, OnRead: func(_ uint64, entries [][]byte) [][]byte {
				if back {
					return nil
				}
				return entries
			}}
			c := s.config(s.OpenOn("alice", st), s.ssn.ID)
			c.Targets[0].Label = "ssn"
			done := false
			r, err := s.during(t, c, func(o connectortest.Operation, _ int) {
				if o != connectortest.OpWrite || done {
					return
				}
				done = true
				w := s.Open("alice")
				must(t, x.meanwhile(t.Context(), w, w.Fields(t.Context())[0].ID))
				back = x.back
			})
			if !errors.Is(err, x.want) || x.want == nil && err != nil || r.Fields[0].Changed != int64(x.writes) {
				t.Errorf("%v after %d values", err, r.Fields[0].Changed)
			}
			if name == "rotated" {
				v, err := verify(t.Context(), s.config(s.Open("alice")))
				if err != nil || v.Fields[0].Of(bulk.Old) != 2 || v.Fields[0].Of(bulk.Sealed) != 10 {
					t.Errorf("%v %+v", err, v.Fields)
				}
			}
		})
	}
}
