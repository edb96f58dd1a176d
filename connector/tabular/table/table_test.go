package table_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/table"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func open(t *testing.T, path string, o table.Options) *table.Table {
	t.Helper()
	tab, err := table.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestTable(t *testing.T) {
	t.Parallel()
	for format, x := range map[tabular.Format]struct {
		name, content string
		edit          func(old, text string) string
	}{
		tabular.CSV: {"people.csv", "\xef\xbb\xbfid,\"ssn, of a > b\",name\r\n1,078-05-1120,Ada\r\n\"2\",,\r\n3,,\"C, D\"\r\n", func(old, text string) string {
			return strings.Replace(old, "078-05-1120", text, 1)
		}},
		tabular.JSONLines: {"people.jsonl", `{"id":"1","ssn, of a > b":"078-05-1120", "n": 1.50}` + "\n" + `{"id":2,"ssn, of a > b":null}` + "\n" + `{"id":"3"}`, func(old, text string) string {
			return strings.Replace(old, "078-05-1120", text, 1)
		}},
	} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
				path := write(t, x.name, x.content)
				o := table.Options{Format: format, RecordID: "id"}
				return connectortest.Fixture{
					Records: open(t, path, o), Kind: tabular.RecordKind, Field: "ssn, of a %3E b", IDs: []string{"1", "2", "3"}, NothingNew: true,
					Edit: func(t *testing.T, _, text string) {
						if err := os.WriteFile(path, []byte(x.edit(read(t, path), text)), 0o600); err != nil {
							t.Fatal(err)
						}
					},
					Reopen: func(t *testing.T) connector.Records { return open(t, path, o) },
				}
			})
		})
	}
}

// Only the value that was written changes, and only when it is flushed.
func TestEveryOtherByteStays(t *testing.T) {
	t.Parallel()
	const before = "id;ssn;n\r\n1;\"078\r\n05\"; x \r\n2;\"a\"\"b\";\n3;c;"
	path := write(t, "a.csv", before)
	tab := open(t, path, table.Options{Format: tabular.CSV, Comma: ';', RecordID: "id", Dataset: "d"})
	p, err := tab.List(t.Context(), tabular.RecordKind, []string{"ssn"}, "")
	if err != nil || len(p.Records) != 3 || string(p.Records[0].Values[0].Data) != `"078\r\n05"` {
		t.Fatalf("%v %+v", err, p)
	}
	if _, err := tab.Write(t.Context(), p.Records[1], []connector.Change{{Field: "ssn", ID: p.Records[1].Values[0].ID, Data: []byte(`"us1.x"`)}}); err != nil {
		t.Fatal(err)
	}
	if read(t, path) != before {
		t.Error("written before the flush")
	}
	if err := tab.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), strings.Replace(before, `"a""b"`, `"us1.x"`, 1); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := tab.Flush(t.Context()); err != nil {
		t.Errorf("nothing to flush: %v", err)
	}
}

func TestUnsound(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		content string
		o       table.Options
		want    error
	}{
		"no ids":       {"id,a\n1,2\n", table.Options{Format: tabular.CSV}, tabular.ErrOptions},
		"no column":    {"a,b\n1,2\n", table.Options{Format: tabular.CSV, RecordID: "id"}, tabular.ErrUnknownColumn},
		"twice":        {"id,a\n1,2\n1,3\n", table.Options{Format: tabular.CSV, RecordID: "id"}, tabular.ErrDuplicateRecord},
		"empty":        {"", table.Options{Format: tabular.CSV, RecordID: "id"}, tabular.ErrEmpty},
		"not an array": {"[1]\n{\"id\":1,\"a\":2}\n", table.Options{Format: tabular.JSONLines, RecordID: "id"}, tabular.ErrNotObject},
	} {
		if _, err := table.Open(t.Context(), write(t, "a", x.content), x.o); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A page is a part of the file, and the next goes on after it.
func TestPages(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("id,v\n")
	for i := range 2500 {
		fmt.Fprintf(&b, "%d,value %d\n", i, i)
	}
	tab := open(t, write(t, "a.csv", b.String()), table.Options{Format: tabular.CSV, RecordID: "id"})
	n := 0
	for cursor := ""; ; {
		p, err := tab.List(t.Context(), tabular.RecordKind, []string{"v"}, cursor)
		if err != nil || p.Total != 2500 {
			t.Fatalf("%v %d", err, p.Total)
		}
		for _, r := range p.Records {
			if r.ID != fmt.Sprint(n) || string(r.Values[0].Data) != fmt.Sprintf(`"value %d"`, n) {
				t.Fatalf("row %d is %+v", n, r)
			}
			n++
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if n != 2500 {
		t.Errorf("%d rows", n)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "table")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(path, []byte("id,ssn\n1,078-05-1120\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	t, err := table.Open(ctx, path, table.Options{Format: tabular.CSV, RecordID: "id"})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := t.List(ctx, tabular.RecordKind, []string{"ssn"}, "")
	fmt.Println(string(page.Records[0].Values[0].Data), err)
	// Output: "078-05-1120" <nil>
}
