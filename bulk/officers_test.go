package bulk_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
)

// An officer who can open nothing of a field, because it was never granted or
// because the store withholds its key, ends the protection of nothing.
func TestAttack10DisableWithoutKeys(t *testing.T) {
	t.Parallel()
	for name, withheld := range map[string]bool{"not granted": false, "withheld": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 10)
			s.Add("alice", "bob", officer.RoleOfficer)
			c := s.config(s.Open("alice"), s.ssn.ID)
			if withheld {
				c.Targets[0].To = []string{s.People["bob"].Email()}
			}
			_, err := apply(t.Context(), c)
			must(t, err)
			before := s.system.Dump()
			st := &hostile.Store{Store: s.Store}
			if withheld {
				st.OnList = func(store.Index, [][]byte) [][]byte { return nil }
			}
			c = s.config(s.OpenOn("bob", st), s.ssn.ID)
			_, err = newJob(t, c).Disable(t.Context())
			if err == nil || !withheld && !errors.Is(err, workspace.ErrNotGranted) {
				t.Errorf("%v", err)
			}
			if fields := s.Open("alice").Fields(t.Context()); len(fields) != 1 || fields[0].Ended {
				t.Errorf("the field has ended: %+v", fields)
			}
			if !slices.Equal(s.system.Dump(), before) {
				t.Error("something was changed")
			}
		})
	}
}

// A repair is not covered by the copy that was made before.
func TestRepairIsExported(t *testing.T) {
	t.Parallel()
	s := newSite(t, 5)
	var copies []int
	c := s.config(s.Open("alice"), s.ssn.ID)
	c.Export = func(write func(io.Writer) error) error {
		var b bytes.Buffer
		err := write(&b)
		copies = append(copies, bytes.Count(b.Bytes(), []byte("\n")))
		return err
	}
	_, err := apply(t.Context(), c)
	must(t, err)
	s.system.Put("matter", s.matters[0], s.ssn.ID, `"entered since"`)
	r, err := apply(t.Context(), c)
	must(t, err)
	if !slices.Equal(copies, []int{2, 3}) || r.Exported != 3 {
		t.Errorf("%v %+v", copies, r)
	}
}

// A definition that the outside system calls a field's twin and that stands on
// other records is none.
func TestTwinOfAnotherKind(t *testing.T) {
	t.Parallel()
	s := newSite(t, 5)
	fee := s.system.AddField(connector.Definition{Name: "Fee", Kind: "matter", Type: connector.Numeric})
	for _, m := range s.matters {
		s.system.Put("matter", m, fee.ID, "12")
	}
	c := s.config(s.Open("alice"), fee.ID)
	_, err := apply(t.Context(), c)
	must(t, err)
	for _, d := range s.system.Fields() {
		if d.Name == "Fee (sealed)" {
			s.system.Redefine(d.ID, func(d *connector.Definition) { d.Kind = "contact" })
		}
	}
	if _, err := newJob(t, c).Disable(t.Context()); err == nil {
		t.Error("disabled")
	}
	if n := len(s.system.Fields()); n != 4 {
		t.Errorf("%d fields: one was deleted", n)
	}
}
