package columns_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
)

// atEnd runs something when the input has been read.
type atEnd struct {
	io.Reader
	do func()
}

func (r *atEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF && r.do != nil {
		r.do()
		r.do = nil
	}
	return n, err
}

// Attack 11, while a long file is sealed: somebody is taken out of a field, or
// the field is closed. What was sealed under the key that they have does not
// go out as done (P7).
func TestAttack11RevokedWhileSealing(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "dora", officer.RoleOfficer)
	for what, attack := range map[string]func(){
		"nothing": nil,
		"another field": func() {
			must(t, f.Open("alice").Rotate(ctx, "ssn"))
		},
		"rotated": func() {
			if _, err := f.Open("alice").Revoke(ctx, "phone", "bob@example.com"); err != nil {
				t.Error(err)
			}
		},
		"closed": func() {
			must(t, f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read))
			if closed, err := f.Open("dora").Revoke(ctx, "phone", "bob@example.com"); err != nil || !closed {
				t.Error(closed, err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			if what == "closed" || what == "rotated" { // after "rotated" Bob is out already
				must(t, f.Open("alice").Rotate(ctx, "phone"))
				must(t, f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read))
			}
			w := f.Open("alice")
			var out bytes.Buffer
			_, err := columns.Seal(ctx, w, &atEnd{strings.NewReader(people), attack}, &out, csvFile(), both()[:1])
			switch what {
			case "rotated":
				if !errors.Is(err, columns.ErrKeyChanged) {
					t.Errorf("%v", err)
				}
			case "closed":
				if !errors.Is(err, officer.ErrClosed) {
					t.Errorf("%v", err)
				}
				must(t, f.Open("alice").Rotate(ctx, "phone"))
			default:
				must(t, err)
			}
		})
	}
}

// Attack 10, by one cell: somebody who may open an epoch puts a token into the
// file under a key that nobody else was given. With --keep-going the rest of
// the file opens; without, the place is named.
func TestAttack10OneCellOfAWithheldKey(t *testing.T) {
	t.Parallel()
	f := firm(t)
	s := sealed(t, f.Open("alice"), people)
	must(t, f.Open("alice").Grant(t.Context(), "ssn", "bob@example.com", officer.Read))
	if got, _, err := open(t, f.Open("bob"), s, csvFile()); err != nil || got != people { // without the attack
		t.Fatal(err)
	}
	var ssn []byte
	for _, r := range f.Open("alice").Fields(t.Context()) {
		if r.LabelText == "ssn" {
			ssn = r.ID[:]
		}
	}
	bad := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, list [][]byte) [][]byte {
		var out [][]byte
		for _, b := range list {
			if e, err := envelope.Parse(b); err == nil && !bytes.Equal(e.Claims().Context.Resource, ssn) || err == nil && e.Claims().Context.Kind == wire.KindDirectory {
				out = append(out, b)
			}
		}
		return out
	}}
	_, _, err := open(t, f.OpenOn("bob", bad), s, csvFile())
	var at *tabular.Error
	if !errors.Is(err, workspace.ErrKeyMissing) || !errors.As(err, &at) || at.Column != "ssn" || at.Row != 1 {
		t.Errorf("%v", err)
	}
	file := csvFile()
	failed := 0
	file.Failed = func(_ tabular.Place, err error) error {
		if !errors.Is(err, workspace.ErrKeyMissing) {
			t.Error(err)
		}
		failed++
		return nil
	}
	got, rep, err := open(t, f.OpenOn("bob", bad), s, file)
	if err != nil || failed != 3 || rep.Failed != 3 || rep.Opened != 2 || !strings.Contains(got, "202-224-0003") {
		t.Errorf("%v, %d, %+v", err, failed, rep)
	}
}

// A check that was asked for is made, or it is said that it was not: a column
// named twice is refused, one without any token is listed.
func TestChecksThatCannotBeMade(t *testing.T) {
	t.Parallel()
	f := firm(t)
	s := sealed(t, f.Open("alice"), people)
	_, rep, err := open(t, f.Open("alice"), s, csvFile(), both()...)
	if err != nil || len(rep.Bare) != 0 {
		t.Errorf("%v, %v", err, rep.Bare)
	}
	if _, _, err := open(t, f.Open("alice"), s, csvFile(), both()[0], columns.Column{Name: "phone", Field: "ssn"}); !errors.Is(err, tabular.ErrOptions) {
		t.Errorf("named twice: %v", err)
	}
	// Attack 23: the column's tokens were replaced by plaintext.
	plain := strings.Split(s, "\n")
	for i := 1; i < 4; i++ {
		if j := strings.LastIndex(plain[i], "us1."); j >= 0 {
			plain[i] = plain[i][:j] + "000-00-0000"
		}
	}
	_, rep, err = open(t, f.Open("alice"), strings.Join(plain, "\n"), csvFile(), columns.Column{Name: "ssn", Field: "ssn"}, columns.Column{Name: "phnoe", Field: "phone"})
	if err != nil || len(rep.Bare) != 2 || rep.Bare[0] != "ssn" || rep.Bare[1] != "phnoe" {
		t.Errorf("%v, %v", err, rep.Bare)
	}
}

// Tokens where none are expected, in the header or among the record ids, are
// not opened into something else and do not make a record of their own.
func TestTokensInOddPlaces(t *testing.T) {
	t.Parallel()
	f := firm(t)
	s := sealed(t, f.Open("alice"), people)
	token := strings.Split(strings.Split(s, "\n")[1], ",")[2]
	header := strings.Replace(s, "id,name", "id,"+token, 1)
	got, _, err := open(t, f.Open("alice"), header, csvFile())
	if err != nil || !strings.HasPrefix(got, "id,"+token) {
		t.Errorf("header: %v\n%s", err, got)
	}
	ids := strings.Replace(s, "\n1,", "\n"+token+",", 1)
	if _, _, err := open(t, f.Open("alice"), ids, csvFile()); err == nil {
		t.Error("a token as record id opens with the row's tokens")
	}
	var out bytes.Buffer
	_, err = columns.Seal(t.Context(), f.Open("alice"), strings.NewReader("id,phone\n"+token+",x\n"), &out, csvFile(), both()[:1])
	must(t, err)
	if _, _, err := open(t, f.Open("alice"), out.String(), csvFile()); err == nil {
		t.Error("a record id that is a token of another record was opened")
	}
}
