package columns_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// rekey is columns.Rekey. Where the whole input is there beforehand, PlanRekey has
// said exactly what it does, and changed nothing.
func rekey(t *testing.T, w *workspace.Workspace, in io.Reader, file columns.File, cols ...columns.Column) (string, columns.RekeyReport, error) {
	t.Helper()
	var plan columns.RekeyReport
	var planned error
	text, whole := in.(*strings.Reader)
	if whole {
		must(t, w.Sync(t.Context()))
		head := w.State().Head()
		plan, planned = columns.PlanRekey(t.Context(), w, text, file, cols)
		must(t, w.Sync(t.Context()))
		if w.State().Head() != head {
			t.Error("a plan changed the log")
		}
		if _, err := text.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	r, err := columns.Rekey(t.Context(), w, in, &out, file, cols)
	if whole && (errorText(planned) != errorText(err) || err == nil && said(plan) != said(r)) {
		t.Errorf("planned %v\n%s\ndone    %v\n%s", planned, said(plan), err, said(r))
	}
	return out.String(), r, err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// said is what a report says of tokens.
func said(r columns.RekeyReport) string {
	s := fmt.Sprintf("%d rows, %d sealed, %d kept, %d left, %d failed, mixed %q\n", r.Rows, r.Sealed, r.Kept, r.Left, r.Failed, r.Mixed)
	for _, f := range r.Fields {
		s += fmt.Sprintf("%s %s: %d, %d, %d %v, of epochs %v\n", f.Column, f.Field, f.Sealed, f.Kept, f.Left, f.Err, f.Epochs)
	}
	return s
}

// A file of three epochs becomes one of the present; every other byte stays.
func TestRekey(t *testing.T) {
	t.Parallel()
	f := firm(t)
	w := f.Open("alice")
	rows := strings.SplitAfter(people, "\n")
	text := rows[0]
	for i, row := range rows[1:4] {
		if i > 0 {
			must(t, w.Rotate(t.Context(), "ssn"))
		}
		text += strings.SplitAfter(sealed(t, w, rows[0]+row), "\n")[1]
	}
	got, r, err := rekey(t, w, strings.NewReader(text), csvFile())
	if err != nil || r.Sealed != 2 || r.Kept != 3 || r.Left+r.Failed != 0 || r.Rows != 3 || len(r.Fields) != 2 || r.Fields[1].Sealed != 2 || r.Fields[1].Field != "ssn" {
		t.Fatalf("%v %+v", err, r)
	}
	if e := r.Fields[1].Epochs; !slices.Equal(e, []columns.EpochCount{{Epoch: 1, Values: 1}, {Epoch: 2, Values: 1}, {Epoch: 3, Values: 1}}) {
		t.Errorf("epochs %v", e)
	}
	was, is := strings.Split(text, ","), strings.Split(got, ",")
	changed := 0
	for i := range was {
		switch {
		case was[i] == is[i]:
		case strings.HasPrefix(was[i], "us1.") && strings.HasPrefix(is[i], "us1."):
			changed++
		default:
			t.Errorf("%s became %s", was[i], is[i])
		}
	}
	if len(was) != len(is) || changed != 2 {
		t.Errorf("%d cells changed", changed)
	}
	if plain, o, err := open(t, w, got, csvFile()); err != nil || plain != people || o.Opened != 5 {
		t.Errorf("%v %s", err, plain)
	}
	// Once more, nothing is left to do.
	if again, r, err := rekey(t, w, strings.NewReader(got), csvFile(), both()...); err != nil || again != got || r.Kept != 5 {
		t.Errorf("%v %+v", err, r)
	}
}

// What the caller may not read, or not write, is left and said to be.
func TestRekeyLeaves(t *testing.T) {
	t.Parallel()
	f := firm(t)
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Add("alice", "carol", officer.RoleMember)
	w := f.Open("alice")
	must(t, w.Grant(t.Context(), "phone", "carol@example.com", officer.Read|officer.Write))
	text := sealed(t, w, people)
	must(t, w.Rotate(t.Context(), "phone"))
	for who, want := range map[string]error{"bob": workspace.ErrNotGranted, "dora": workspace.ErrNotGranted} {
		got, r, err := rekey(t, f.Open(who), strings.NewReader(text), csvFile())
		if err != nil || got != text || r.Left != 5 || r.Sealed != 0 || !errors.Is(r.Fields[0].Err, want) {
			t.Errorf("%s: %v %+v", who, err, r)
		}
	}
	if closed, err := f.Open("dora").Revoke(t.Context(), "phone", "bob@example.com"); err != nil || !closed {
		t.Fatalf("%v %v", closed, err)
	}
	if got, r, err := rekey(t, f.Open("carol"), strings.NewReader(text), csvFile()); err != nil || got != text || !errors.Is(r.Fields[0].Err, officer.ErrClosed) {
		t.Errorf("%v %+v", err, r)
	}
	// Whoever shares it opens the next epoch.
	if _, r, err := rekey(t, f.Open("alice"), strings.NewReader(text), csvFile()); err != nil || r.Sealed != 2 || r.Kept != 3 {
		t.Errorf("%v %+v", err, r)
	}
	if _, _, err := rekey(t, w, strings.NewReader(text), columns.File{Format: tabular.CSV}); !errors.Is(err, tabular.ErrOptions) {
		t.Errorf("without records: %v", err)
	}
}

// Tokens that were moved, of another firm, or altered are refused, and nothing
// of the file is to be kept.
func TestAttack20MovedTokensInAFileToRekey(t *testing.T) {
	t.Parallel()
	f := firm(t)
	w := f.Open("alice")
	text := sealed(t, w, people)
	must(t, w.Rotate(t.Context(), "ssn"))
	if _, r, err := rekey(t, w, strings.NewReader(text), csvFile()); err != nil || r.Sealed != 3 {
		t.Fatalf("without the attack: %v %+v", err, r)
	}
	foreign := sealed(t, firm(t).Open("alice"), people)
	cell := func(text string, row, col int) string {
		return strings.Split(strings.Split(text, "\n")[row], ",")[col]
	}
	swap := func(a, b string) string {
		return strings.NewReplacer(a, b, b, a).Replace(text)
	}
	for what, c := range map[string]struct {
		text string
		want error
	}{
		"rows":     {swap(cell(text, 1, 3), cell(text, 2, 3)), nil},
		"columns":  {swap(cell(text, 1, 2), cell(text, 1, 3)), columns.ErrMixed},
		"foreign":  {strings.Replace(text, cell(text, 1, 3), cell(foreign, 1, 3), 1), columns.ErrUnknownKey},
		"expected": {swap(cell(text, 1, 2), cell(text, 1, 3)), columns.ErrWrongField},
	} {
		var cols []columns.Column
		if what == "expected" {
			cols = both()
		}
		_, _, err := rekey(t, w, strings.NewReader(c.text), csvFile(), cols...)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Attack 11, in a file: who is taken out while it is rekeyed has no key of what
// goes out as done.
func TestAttack11RevokedWhileRekeyingAFile(t *testing.T) {
	t.Parallel()
	for what, revoked := range map[string]bool{"no": false, "yes": true} {
		f := firm(t)
		w := f.Open("alice")
		text := sealed(t, w, people)
		must(t, w.Rotate(t.Context(), "phone"))
		in := &atEnd{strings.NewReader(text), func() {
			if revoked {
				if _, err := f.Open("alice").Revoke(t.Context(), "phone", "bob@example.com"); err != nil {
					t.Error(err)
				}
			}
		}}
		if _, _, err := rekey(t, w, in, csvFile()); errors.Is(err, columns.ErrKeyChanged) != revoked || !revoked && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
