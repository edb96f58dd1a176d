package columns_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

const people = "id,name,phone,ssn\n1,Ada,202-224-0001,078-05-1120\n2,Bea,,219-09-9999\n3,\"Cid, Jr.\",\"202-224-0003\",457-55-5462\n"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// firm is Alice with fields phone and ssn, and Bob who reads phone.
func firm(t *testing.T) *workspacetest.Firm {
	t.Helper()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	w := f.Open("alice")
	must(t, w.NewField(t.Context(), "phone"))
	must(t, w.NewField(t.Context(), "ssn"))
	must(t, w.Grant(t.Context(), "phone", "bob@example.com", officer.Read))
	return f
}

func csvFile() columns.File { return columns.File{Format: tabular.CSV, RecordID: "id"} }

func both() []columns.Column {
	return []columns.Column{{Name: "phone", Field: "phone"}, {Name: "ssn", Field: "ssn"}}
}

func sealed(t *testing.T, w *workspace.Workspace, in string) string {
	t.Helper()
	var out bytes.Buffer
	_, err := columns.Seal(t.Context(), w, strings.NewReader(in), &out, csvFile(), both())
	must(t, err)
	return out.String()
}

func open(t *testing.T, w *workspace.Workspace, in string, file columns.File, cols ...columns.Column) (string, columns.OpenReport, error) {
	t.Helper()
	var out bytes.Buffer
	r, err := columns.Open(t.Context(), w, strings.NewReader(in), &out, file, cols)
	return out.String(), r, err
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	f := firm(t)
	var out bytes.Buffer
	r, err := columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(people), &out, csvFile(), both())
	must(t, err)
	if r.Rows != 3 || r.Columns[0].Replaced != 2 || r.Columns[0].Empty != 1 || r.Columns[1].Replaced != 3 || r.Kept != 0 {
		t.Errorf("report %+v", r)
	}
	s := out.String()
	for _, secret := range []string{"202-224", "078-05", "219-09", "457-55"} {
		if strings.Contains(s, secret) {
			t.Errorf("%s is still there", secret)
		}
	}
	got, rep, err := open(t, f.Open("alice"), s, csvFile())
	if err != nil || got != people {
		t.Errorf("%v\n%s", err, got)
	}
	if rep.Opened != 5 || rep.Left != 0 || rep.Unchecked != 0 || rep.Failed != 0 || len(rep.Fields) != 2 || rep.Fields[0].Field != "phone" || rep.Fields[1].Opened != 3 {
		t.Errorf("report %+v", rep)
	}
	// Without record ids everything opens too, and is said not to be checked.
	got, rep, err = open(t, f.Open("alice"), s, columns.File{Format: tabular.CSV})
	if err != nil || got != people || rep.Unchecked != 5 {
		t.Errorf("unchecked: %v, %+v\n%s", err, rep, got)
	}
	// Bob reads phone.
	got, rep, err = open(t, f.Open("bob"), s, csvFile())
	if err != nil || rep.Opened != 2 || rep.Left != 3 || !strings.Contains(got, "202-224-0003") || strings.Contains(got, "457-55") {
		t.Errorf("bob: %v, %+v\n%s", err, rep, got)
	}
	// Sealing again keeps every token.
	out.Reset()
	r, err = columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(s), &out, csvFile(), both())
	if err != nil || out.String() != s || r.Kept != 5 || r.Columns[0].Replaced != 0 {
		t.Errorf("again: %v, %+v", err, r)
	}
}

// TestWholeFile is the outcome on the real file: three columns sealed, two of
// them granted, byte for byte.
func TestWholeFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/legislators.csv")
	must(t, err)
	f := firm(t)
	w := f.Open("alice")
	must(t, w.NewField(t.Context(), "home-address"))
	cols := append(both()[:1], columns.Column{Name: "address", Field: "home-address"}, columns.Column{Name: "birthday", Field: "ssn"})
	var out bytes.Buffer
	r, err := columns.Seal(t.Context(), w, bytes.NewReader(data), &out, csvFile(), cols)
	must(t, err)
	if r.Rows != 537 {
		t.Fatalf("%d rows", r.Rows)
	}
	got, _, err := open(t, f.Open("alice"), out.String(), csvFile(), cols...)
	if err != nil || got != string(data) {
		t.Errorf("not the same bytes: %v", err)
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	f := firm(t)
	in := `{"id":"1","phone":"202-224-0001","ssn": 78051120 ,"x":[1, 2]}` + "\n" + `{"id":2,"phone":"\u0041","ssn":{"a":1.50}}` + "\n"
	file := columns.File{Format: tabular.JSONLines, RecordID: "id"}
	var out bytes.Buffer
	_, err := columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(in), &out, file, both())
	must(t, err)
	if strings.Contains(out.String(), "78051120") || strings.Contains(out.String(), "1.50") || !strings.Contains(out.String(), `"x":[1, 2]`) {
		t.Errorf("sealed: %s", out.String())
	}
	if got, _, err := open(t, f.Open("alice"), out.String(), file); err != nil || got != in {
		t.Errorf("%v\n%s", err, got)
	}
}

// Attack 23: a token where plaintext was expected. Only a token of this very
// record and field is kept; every other is an error and nothing is sealed.
func TestAttack23ForeignTokenInACellToSeal(t *testing.T) {
	t.Parallel()
	f, g := firm(t), firm(t)
	mine := sealed(t, f.Open("alice"), people)
	rows := strings.Split(mine, "\n")
	cell := func(row, col int) string { return strings.Split(rows[row], ",")[col] }
	theirs := strings.Split(strings.Split(sealed(t, g.Open("alice"), people), "\n")[1], ",")[2]
	put := func(token string) string { return "id,phone,ssn\n1," + token + ",x\n" }

	var out bytes.Buffer
	_, err := columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(put(cell(1, 2))), &out, csvFile(), both())
	must(t, err) // without the attack
	for what, token := range map[string]string{
		"another organization's": theirs,
		"another record's":       strings.Trim(cell(3, 3), `"`),
		"another field's":        cell(1, 3),
		"an altered one":         cell(1, 2)[:50] + "A" + cell(1, 2)[51:] + "AAAA",
		"the word":               "us1.",
	} {
		out.Reset()
		_, err := columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(put(token)), &out, csvFile(), both())
		var at *tabular.Error
		if !errors.Is(err, columns.ErrForeignToken) || !errors.As(err, &at) || at.Row != 1 || at.Column != "phone" || at.Record != "1" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Attacks 19 and 20 on a whole file; see also ADR 7.
func TestAttack19And20MovedTokens(t *testing.T) {
	t.Parallel()
	f := firm(t)
	in := "id,phone,ssn\n1,202-224-0001,078-05-1120\n2,202-224-0002,219-09-9999\n"
	s := sealed(t, f.Open("alice"), in)
	rows := strings.Split(s, "\n")
	a, b := strings.Split(rows[1], ","), strings.Split(rows[2], ",")
	if got, _, err := open(t, f.Open("alice"), s, csvFile(), both()...); err != nil || got != in { // without the attack
		t.Fatal(err)
	}
	join := func(rows ...[]string) string {
		out := "id,phone,ssn\n"
		for _, r := range rows {
			out += strings.Join(r, ",") + "\n"
		}
		return out
	}
	fields := join([]string{"1", a[2], a[1]}, b)
	records := join([]string{"1", b[1], a[2]}, []string{"2", a[1], b[2]})
	all := join([]string{"1", a[2], a[1]}, []string{"2", b[2], b[1]})

	_, _, err := open(t, f.Open("alice"), fields, csvFile(), both()...)
	if !errors.Is(err, columns.ErrWrongField) {
		t.Errorf("19, fields named: %v", err)
	}
	_, rep, err := open(t, f.Open("alice"), fields, csvFile())
	if !errors.Is(err, columns.ErrMixed) || len(rep.Mixed) != 2 {
		t.Errorf("19, fields not named: %v, %v", err, rep.Mixed)
	}
	_, _, err = open(t, f.Open("alice"), all, csvFile(), both()...)
	if !errors.Is(err, columns.ErrWrongField) {
		t.Errorf("19, whole columns: %v", err)
	}
	_, _, err = open(t, f.Open("alice"), records, csvFile())
	var o *fieldcrypt.OpenError
	if !errors.As(err, &o) || o.Reason != fieldcrypt.ReasonRecord {
		t.Errorf("20: %v", err)
	}
	// Where the record is not known they open, and are marked.
	_, rep, err = open(t, f.Open("alice"), records, columns.File{Format: tabular.CSV})
	if err != nil || rep.Unchecked != 4 {
		t.Errorf("20, records not named: %v, %+v", err, rep)
	}
}

// Attack 10: a key that is granted and withheld ends the work; it is not
// taken for a field that is not granted.
func TestAttack10WithheldKey(t *testing.T) {
	t.Parallel()
	f := firm(t)
	s := sealed(t, f.Open("alice"), people)
	bad := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, list [][]byte) [][]byte {
		var out [][]byte
		for _, b := range list {
			if e, err := envelope.Parse(b); err == nil && e.Claims().Context.Kind == wire.KindDirectory {
				out = append(out, b)
			}
		}
		return out
	}}
	_, _, err := open(t, f.OpenOn("bob", bad), s, csvFile())
	if !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("%v", err)
	}
}

func TestKeepGoing(t *testing.T) {
	t.Parallel()
	f := firm(t)
	s := sealed(t, f.Open("alice"), people)
	i := strings.Index(s, "us1.") + 80
	other := "A"
	if s[i] == 'A' {
		other = "B"
	}
	bad := s[:i] + other + s[i+1:]
	var places []tabular.Place
	file := csvFile()
	file.Failed = func(p tabular.Place, err error) error {
		if !errors.Is(err, fieldcrypt.ErrOpen) && !errors.Is(err, columns.ErrUnknownKey) {
			t.Errorf("%v", err)
		}
		places = append(places, p)
		return nil
	}
	got, rep, err := open(t, f.Open("alice"), bad, file)
	if err != nil || rep.Failed != 1 || rep.Opened != 4 || len(places) != 1 || places[0].Column != "phone" || places[0].Row != 1 {
		t.Errorf("%v %+v %v", err, rep, places)
	}
	if !strings.Contains(got, bad[i-80:i+20]) || !strings.Contains(got, "457-55-5462") {
		t.Errorf("the cell was not left as it was:\n%s", got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := firm(t)
	var out bytes.Buffer
	_, err := columns.Seal(t.Context(), f.Open("alice"), strings.NewReader(people), &out, csvFile(), []columns.Column{{Name: "phone", Field: "fax"}})
	var fe *columns.FieldError
	if !errors.As(err, &fe) || fe.Field != "fax" || !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("unknown field: %v", err)
	}
	_, err = columns.Seal(t.Context(), f.Open("bob"), strings.NewReader(people), &out, csvFile(), both()[:1])
	if !errors.Is(err, workspace.ErrNotGranted) {
		t.Errorf("sealing with the right to read: %v", err)
	}
	if _, _, err := open(t, f.Open("alice"), people, csvFile(), columns.Column{Name: "phone", Field: "fax"}); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("unknown field to check: %v", err)
	}
	// A file of the same ids under another data set is another record.
	s := sealed(t, f.Open("alice"), people)
	file := csvFile()
	file.Dataset = "clients"
	if _, _, err := open(t, f.Open("alice"), s, file); !errors.Is(err, fieldcrypt.ErrOpen) {
		t.Errorf("another data set: %v", err)
	}
	if out.Len() != 0 {
		t.Error("something was written")
	}
}
