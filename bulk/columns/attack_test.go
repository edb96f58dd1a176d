package columns_test

import (
	"bytes"
	"context"
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
	"github.com/underseal/underseal/workspace/workspacetest"
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
	revoke := func(who string) func(context.Context, *workspacetest.Firm) error {
		return func(ctx context.Context, f *workspacetest.Firm) error {
			_, err := f.Open(who).Revoke(ctx, "phone", "bob@example.com")
			return err
		}
	}
	for what, c := range map[string]struct {
		attack func(context.Context, *workspacetest.Firm) error
		want   error
	}{
		"nothing":       {func(context.Context, *workspacetest.Firm) error { return nil }, nil},
		"another field": {func(ctx context.Context, f *workspacetest.Firm) error { return f.Open("alice").Rotate(ctx, "ssn") }, nil},
		"rotated":       {revoke("alice"), columns.ErrKeyChanged},
		"closed":        {revoke("dora"), columns.ErrKeyChanged}, // who does not hold it; Alice's client opens the next epoch
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := firm(t)
			f.Add("alice", "dora", officer.RoleOfficer)
			in := &atEnd{strings.NewReader(people), func() {
				if err := c.attack(t.Context(), f); err != nil {
					t.Error(err)
				}
			}}
			var out bytes.Buffer
			if _, err := columns.Seal(t.Context(), f.Open("alice"), in, &out, csvFile(), both()[:1]); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
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
