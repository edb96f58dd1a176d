package bulk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/table"
)

// A file is a system like any other: sealed in place, verified, and opened
// again byte for byte.
func TestFileInPlace(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"people.csv":   "id,name,ssn\r\n1,\"A, da\",078-05-1120\r\n2,Bea,\r\n3,\"C\"\"id\",\"457\r\n55\"\r\n",
		"people.jsonl": `{"id":"1", "ssn" : 78051120}` + "\n" + `{"id":2,"name":"\u0041da","ssn":null}` + "\n" + `{"id":"3","name":"Cid","ssn":{"a":1.50}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 0)
			path := filepath.Join(t.TempDir(), name)
			must(t, os.WriteFile(path, []byte(content), 0o600))
			format, err := tabular.Detect(name)
			must(t, err)
			read := func() string {
				b, err := os.ReadFile(path)
				must(t, err)
				return string(b)
			}
			w := s.Open("alice")
			config := func() bulk.Config {
				tab, err := table.Open(t.Context(), path, table.Options{Format: format, RecordID: "id", Dataset: "people"})
				must(t, err)
				c := s.config(w, "ssn", "name")
				c.Records = tab
				return c
			}
			r, err := apply(t.Context(), config())
			if err != nil || r.Sum(func(f bulk.FieldCounts) int64 { return f.Changed }) != int64(strings.Count(read(), "us1.")) {
				t.Fatalf("%v %+v\n%s", err, r, read())
			}
			if got := read(); strings.Contains(got, "A, da") || strings.Contains(got, "1.50") || strings.Contains(got, `C""id`) {
				t.Errorf("left in clear:\n%s", got)
			}
			v, err := verify(t.Context(), config())
			if err != nil || v.Records != 3 {
				t.Errorf("%v %+v", err, v)
			}
			_, err = newJob(t, config()).Disable(t.Context())
			must(t, err)
			if read() != content {
				t.Errorf("%q, want %q", read(), content)
			}
		})
	}
}

// Somebody saves the file while a unit is at work: their file stays, the unit
// does not count, and the next run does it.
func TestFileSavedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSite(t, 0)
	path := filepath.Join(t.TempDir(), "a.csv")
	must(t, os.WriteFile(path, []byte("id,ssn\n1,one\n2,two\n"), 0o600))
	const theirs = "id,ssn\n1,one\n2,edited\n"
	tab, err := table.Open(t.Context(), path, table.Options{Format: tabular.CSV, RecordID: "id"})
	must(t, err)
	c := s.config(s.Open("alice"), "ssn")
	c.Records = tab
	saved := &savedMeanwhile{Table: tab, save: func() { must(t, os.WriteFile(path, []byte(theirs), 0o600)) }}
	c.Records = saved
	r, err := apply(t.Context(), c)
	if !errors.Is(err, connector.ErrConflict) || r.Tally.Done != 0 {
		t.Errorf("%v %+v", err, r.Tally)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != theirs {
		t.Errorf("%v %s", err, b)
	}
	c.Records = tab
	_, err = apply(t.Context(), c)
	must(t, err)
	_, err = newJob(t, c).Disable(t.Context())
	must(t, err)
	if b, err := os.ReadFile(path); err != nil || string(b) != theirs {
		t.Errorf("%v %s", err, b)
	}
}

type savedMeanwhile struct {
	*table.Table
	save func()
}

func (s *savedMeanwhile) Flush(ctx context.Context) error {
	s.save()
	return s.Table.Flush(ctx)
}
