package bulk_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// rekeyWhile rekeys the fields of a site of which the next epoch was opened,
// while somebody does something at the first write.
func rekeyWhile(t *testing.T, s *site, c bulk.Config, deed func()) (bulk.Report, error) {
	t.Helper()
	rotate(t, s.Open("alice"))
	f := connectortest.NewFaulty(s.system)
	f.Before = func(o connectortest.Operation, call int) {
		if o == connectortest.OpWrite && call == 1 {
			deed()
		}
	}
	c.Records = f
	return rekey(t.Context(), c)
}

// What is moved or planted while values are sealed again is refused, listed and
// left, also in the records that were not read yet. Without that, all of them are
// sealed again.
func TestAttack19And20MovedWhileRekeying(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		a, b func(s *site, second string) [2]string
		want bulk.Reason
	}{
		"between records, read already": {
			func(s *site, _ string) [2]string { return [2]string{s.matters[3], s.ssn.ID} },
			func(s *site, _ string) [2]string { return [2]string{s.matters[4], s.ssn.ID} }, bulk.OtherRecord,
		},
		"between records, not read yet": {
			func(s *site, _ string) [2]string { return [2]string{s.matters[8], s.ssn.ID} },
			func(s *site, _ string) [2]string { return [2]string{s.matters[9], s.ssn.ID} }, bulk.OtherRecord,
		},
		"between fields": {
			func(s *site, _ string) [2]string { return [2]string{s.matters[3], s.ssn.ID} },
			func(s *site, second string) [2]string { return [2]string{s.matters[3], second} }, bulk.OtherField,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, second := protected(t)
			c := s.config(s.Open("alice"))
			if r, err := rekeyWhile(t, s, c, func() {}); err != nil || again(r) != 5 {
				t.Fatalf("without the attack: %v %+v", err, r)
			}
			a, b := x.a(s, second.ID), x.b(s, second.ID)
			var planted [2]string
			peek := func() [2]string {
				return [2]string{s.system.Peek("matter", a[0], a[1]), s.system.Peek("matter", b[0], b[1])}
			}
			r, err := rekeyWhile(t, s, c, func() {
				s.swap(a, b)
				planted = peek()
			})
			if !errors.Is(err, bulk.ErrLeft) || len(r.Findings) < 1 || len(r.Findings) > 2 {
				t.Errorf("%v %+v", err, r.Findings)
			}
			for _, why := range reasons(r) {
				if why != x.want {
					t.Errorf("%s", why)
				}
			}
			if got := peek(); got != planted {
				t.Errorf("it was touched: %q, was %q", got, planted)
			}
			s.swap(a, b)
			if _, err := rekey(t.Context(), c); err != nil {
				t.Errorf("put back: %v", err)
			}
		})
	}
}

// Foreign, altered and invented tokens stay what and where they are, and no
// plaintext is taken for a token or the other way round.
func TestAttack23PlantedWhileRekeying(t *testing.T) {
	t.Parallel()
	foreign, _ := protected(t)
	s, _ := protected(t)
	mine := s.system.Peek("matter", s.matters[8], s.ssn.ID)
	planted := map[int]string{
		3: foreign.system.Peek("matter", foreign.matters[3], foreign.ssn.ID), 4: `"us1.hello"`,
		8: mine[:len(mine)-30] + strings.Repeat("A", 29) + `"`, 9: `"in clear"`,
	}
	r, err := rekeyWhile(t, s, s.config(s.Open("alice")), func() {
		for i, token := range planted {
			s.system.Put("matter", s.matters[i], s.ssn.ID, token)
		}
	})
	got := reasons(r)
	slices.Sort(got)
	want := []bulk.Reason{bulk.OtherOwner, bulk.Altered, bulk.LooksLike}
	slices.Sort(want)
	if !errors.Is(err, bulk.ErrLeft) || !slices.Equal(got, want) {
		t.Errorf("%v %+v", err, r.Findings)
	}
	for i, token := range planted {
		if s.system.Peek("matter", s.matters[i], s.ssn.ID) != token {
			t.Errorf("matter %d was touched", i)
		}
	}
}

// Tokens that the caller cannot open are counted and left.
func TestRekeyWithoutTheKey(t *testing.T) {
	t.Parallel()
	s, fields, _ := halfOpened(t)
	s.Add("alice", "bob", officer.RoleMember)
	c := s.config(s.Open("alice"), fields...)
	for i := range c.Targets {
		c.Targets[i].To = []string{"bob@example.com"}
	}
	c.Records = justOne{s.system, s.matters[0]}
	_, err := apply(t.Context(), c) // which signs them
	must(t, err)
	before := s.system.Dump()
	r, err := rekey(t.Context(), s.config(s.Open("bob"), fields...))
	if !errors.Is(err, bulk.ErrLeft) || of(r, bulk.Unreadable) != 13 || !strings.HasPrefix(epochs(r.Fields[0]), "ended 1:") {
		t.Errorf("%v %+v", err, r)
	}
	for _, why := range reasons(r) {
		if why != bulk.NotGranted {
			t.Errorf("%s", why)
		}
	}
	if !slices.Equal(s.system.Dump(), before) {
		t.Error("something was changed")
	}
}

// Who loses the right to write while rekeying stops with the unit under way.
func TestAttack11RevokedWhileRekeying(t *testing.T) {
	t.Parallel()
	for name, revoked := range map[string]bool{"no": false, "yes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shared(t)
			for i := range 20 {
				s.system.Put("matter", s.matters[i%10], s.ssn.ID, secret(3))
			}
			s.system.Set(func(c *connectortest.Settings) { c.PageSize = 2 })
			_, err := apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID))
			must(t, err)
			r, err := rekeyWhile(t, s, s.config(s.Open("bob"), s.ssn.ID), func() {
				if revoked {
					w := s.Open("alice")
					_, err := w.RevokeOf(t.Context(), w.Fields(t.Context())[0].ID, "bob@example.com")
					must(t, err)
				}
			})
			if !revoked {
				if err != nil || again(r) != 10 {
					t.Errorf("without the attack: %v %+v", err, r)
				}
				return
			}
			if !errors.Is(err, bulk.ErrKeyChanged) || !errors.Is(err, workspace.ErrNotGranted) || again(r) != 2 {
				t.Errorf("%v %+v", err, r)
			}
			w := s.Open("alice")
			if r, err = rekey(t.Context(), s.config(w, s.ssn.ID)); err != nil || again(r) != 10 {
				t.Errorf("%v %+v", err, r)
			}
			if v, err := verify(t.Context(), s.config(w)); err != nil || epochs(v.Fields[0]) != "3:10" {
				t.Errorf("%v %+v", err, v)
			}
		})
	}
}

// A store that withholds the log or sets it back while values are sealed again
// stops the job before its next unit; an older log is never rekeyed by.
func TestAttack50RekeyByALogThatIsWithheld(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		withhold bool
		want     error
		writes   int64
	}{"no": {false, nil, 12}, "yes": {true, workspace.ErrRollback, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 30)
			s.system.Set(func(c *connectortest.Settings) { c.PageSize = 5 })
			_, err := apply(t.Context(), s.config(s.Open("alice"), s.ssn.ID))
			must(t, err)
			back := false
			st := &hostile.Store{Store: s.Store, OnRead: func(_ uint64, entries [][]byte) [][]byte {
				if back {
					return nil
				}
				return entries
			}}
			rotate(t, s.Open("alice"))
			c := s.config(s.OpenOn("alice", st), s.ssn.ID)
			r, err := rekeyWhile(t, s, c, func() { back = x.withhold })
			if !errors.Is(err, x.want) || x.want == nil && err != nil || r.Fields[0].Changed != x.writes {
				t.Errorf("%v after %d values", err, r.Fields[0].Changed)
			}
			back = false
			_, err = rekey(t.Context(), s.config(s.Open("alice"), s.ssn.ID))
			must(t, err)
			if v, err := verify(t.Context(), s.config(s.Open("alice"))); err != nil || epochs(v.Fields[0]) != "3:12" {
				t.Errorf("%v %+v", err, v)
			}
		})
	}
}

// Where sealing again is cut, heard of or not, the token that was there comes
// back; no value is in clear meanwhile.
func TestAttack51CutWhileRekeying(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"answered": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t)
			rotated(t, d)
			before := d.system.Dump()
			all := strings.Join(before, "\n")
			d.system.Set(func(x *connectortest.Settings) {
				x.Alter = func(_ string, data json.RawMessage) json.RawMessage {
					if text := string(data); strings.HasPrefix(text, `"us1.`) && !strings.Contains(all, text) {
						return json.RawMessage(text[:60] + `"`)
					}
					return data
				}
			})
			f := faults{}
			if killed {
				f.connector = []connectortest.Fault{{Operation: connectortest.OpWrite, Call: 1, Outcome: connectortest.Persisted, Dead: true}}
			}
			c, err := d.client(f)
			must(t, err)
			if _, err := rekey(t.Context(), c.Config); err == nil || killed == slices.Equal(d.system.Dump(), before) {
				t.Fatalf("the drill shows nothing: %v", err)
			}
			c, err = d.client(faults{})
			must(t, err)
			if _, err := rekey(t.Context(), c.Config); !errors.Is(err, bulk.ErrAltered) {
				t.Errorf("%v", err)
			}
			if after := d.system.Dump(); !slices.Equal(after, before) {
				t.Errorf("not what it was:\n%s\n\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			d.system.Set(func(x *connectortest.Settings) { x.Alter = nil })
			_, err = rekey(t.Context(), c.Config)
			must(t, err)
			rekeyed(t, d)
		})
	}
}
