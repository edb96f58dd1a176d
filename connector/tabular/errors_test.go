package tabular_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

// secret stands in every value of TestErrors and may be in no error's text.
const secret = "SeCrEt"

func TestErrors(t *testing.T) {
	t.Parallel()
	csvOf := func(c ...string) tabular.Options {
		return tabular.Options{Format: tabular.CSV, RecordID: "id", Columns: c}
	}
	jsonOf := func(c ...string) tabular.Options {
		return tabular.Options{Format: tabular.JSONLines, RecordID: "id", Columns: c}
	}
	open := tabular.Options{Format: tabular.CSV, Prefix: "us1."}
	long := strings.Repeat("x", tabular.MaxCell+1)
	giant := strings.Repeat("x", tabular.MaxRecord)
	tests := []struct {
		name string
		o    tabular.Options
		in   string
		err  error
		at   string // the place in words
		text string // part of the message
	}{
		{"empty file", csvOf("a"), "", tabular.ErrEmpty, "", ""},
		{"mark alone", csvOf("a"), "\ufeff", tabular.ErrEmpty, "", ""},
		{"blank lines alone", csvOf("a"), "\n\r\n\n", tabular.ErrEmpty, "", ""},
		{"UTF-16 little endian", csvOf("a"), "\xff\xfea\x00", tabular.ErrEncoding, "line 1", "UTF-8"},
		{"UTF-16 big endian", jsonOf("a"), "\xfe\xff\x00a", tabular.ErrEncoding, "line 1", ""},
		{"UTF-32 big endian", csvOf("a"), "\x00\x00\xfe\xff\x00\x00\x00a", tabular.ErrEncoding, "line 1", ""},
		{"CR alone", csvOf("a"), "id,a\r1,SeCrEt\r", tabular.ErrLineEnding, "line 1", ""},
		{"unknown column", csvOf("c"), "id,a,b\n1,SeCrEt,x\n", tabular.ErrUnknownColumn, `column "c"`, `the file has "id", "a", "b"`},
		{"unknown id column", csvOf("a"), "no,a,\"b\n\"\n1,SeCrEt,x\n", tabular.ErrUnknownColumn, `column "id"`, `"no", "a", "b\n"`},
		{"mark and unknown column", csvOf("c"), "\ufeffid,a\n", tabular.ErrUnknownColumn, `column "c"`, `has "id", "a"`},
		{"unknown JSON column", jsonOf("a", "c"), "\n{\"id\":1,\"a\":\"SeCrEt\"}\n{\"id\":2,\"b\":1}", tabular.ErrUnknownColumn, `column "c"`, `the file has "id", "a"`},
		{"duplicate column", csvOf("a"), "id,a,a\n1,SeCrEt,x\n", tabular.ErrDuplicateColumn, `column "a"`, ""},
		{"duplicate id column", csvOf("a"), "id,a,id\n1,SeCrEt,x\n", tabular.ErrDuplicateColumn, `column "id"`, ""},
		{"duplicate member", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\",\"\\u0061\":2}\n", tabular.ErrDuplicateColumn, `row 1, line 1, byte 21, column "a"`, ""},
		{"duplicate member not chosen", jsonOf("a"), "{\"id\":1,\"b\":\"SeCrEt\",\"b\":2}\n", tabular.ErrDuplicateColumn, `row 1, line 1, byte 21, column "b"`, ""},
		{"duplicate id", csvOf("a"), "id,a\n1,x\n\n2,y\n\"1\",SeCrEt\n", tabular.ErrDuplicateRecord, `row 3, line 5, record "1", column "id"`, ""},
		{"duplicate id when opening", tabular.Options{Format: tabular.CSV, Prefix: "us1.", RecordID: "id"}, "id,a\n1,x\n1,SeCrEt\n", tabular.ErrDuplicateRecord, `row 2, line 3, record "1", column "id"`, ""},
		{"duplicate JSON id", jsonOf("a"), "{\"id\":1,\"a\":2}\n{\"id\":\"1\",\"a\":\"SeCrEt\"}", tabular.ErrDuplicateRecord, `row 2, line 2, record "1", column "id"`, ""},
		{"empty id", csvOf("a"), "id,a\n1,x\n\"\",SeCrEt\n", tabular.ErrRecordID, `row 2, line 3, column "id"`, "empty"},
		{"empty JSON id", jsonOf("a"), "{\"a\":\"SeCrEt\",\"id\":\"\"}", tabular.ErrRecordID, `row 1, line 1, column "id"`, "empty"},
		{"no JSON id", jsonOf("a"), "\n{\"a\":\"SeCrEt\"}", tabular.ErrRecordID, `row 1, line 2, column "id"`, "missing"},
		{"JSON id null", jsonOf("a"), "{\"a\":\"SeCrEt\",\"id\":null}", tabular.ErrRecordID, `row 1, line 1, byte 19, column "id"`, ""},
		{"JSON id half a surrogate pair", jsonOf("a"), "{\"id\":\"\\ud800\",\"a\":\"SeCrEt\"}", tabular.ErrRecordID, `row 1, line 1, byte 6, column "id"`, ""},
		{"id not UTF-8", csvOf("a"), "id,a\n\xff,SeCrEt\n", tabular.ErrRecordID, `row 1, line 2, column "id"`, "UTF-8"},
		{"id too long", csvOf("a"), "id,a\n" + strings.Repeat("i", tabular.MaxRecordID+1) + ",SeCrEt\n", tabular.ErrTooLarge, `row 1, line 2, column "id"`, ""},
		{"value not UTF-8", csvOf("a"), "id,a\n1,x\n2,SeCrEt\xc3\n", tabular.ErrNotUTF8, `row 2, line 3, record "2", column "a"`, ""},
		{"quoted value not UTF-8", csvOf("a"), "id,a\n1,x\n2,\"SeCrEt\"\"\n\xc3\"\n", tabular.ErrNotUTF8, `row 2, line 3, record "2", column "a"`, ""},
		{"JSON line not UTF-8", jsonOf("a"), "{\"id\":1,\"b\":\"SeCrEt\xff\"}\n", tabular.ErrNotUTF8, "row 1, line 1", ""},
		{"half a surrogate pair", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\\ud800\"}\n", tabular.ErrNotUTF8, `row 1, line 1, record "1", column "a"`, ""},
		{"halves the wrong way round", jsonOf("a"), "{\"id\":1,\"a\":[\"SeCrEt\\udc00\\ud800\"]}\n", tabular.ErrNotUTF8, `row 1, line 1, record "1", column "a"`, ""},
		{"too few cells", csvOf("a"), "id,a,b\n1,x,y\n2,SeCrEt\n", tabular.ErrCellCount, `row 2, line 3, record "2"`, "2, and the header has 3"},
		{"too many cells", csvOf("a"), "id,a\n1,SeCrEt,y\n", tabular.ErrCellCount, `row 1, line 2, record "1"`, "3, and the header has 2"},
		{"too few cells when opening", open, "id,a,b\n1,SeCrEt\n", tabular.ErrCellCount, `row 1, line 2`, ""},
		{"wrong delimiter", csvOf("a"), "id;a\n1;SeCrEt\n", tabular.ErrUnknownColumn, `column "id"`, `the file has "id;a"`},
		{"ends inside quotes", csvOf("a"), "id,a,b\n1,x,y\n2,\"SeCrEt\nmore,z\n", tabular.ErrUnclosedQuote, `row 2, line 3, record "2", column "a"`, ""},
		{"ends inside quotes, CRLF", csvOf("a"), "id,a\r\n1,\"SeCrEt\r\n", tabular.ErrUnclosedQuote, `row 1, line 2, record "1", column "a"`, ""},
		{"ends right after a quote", csvOf("a"), "id,a\n1,\"", tabular.ErrUnclosedQuote, `row 1, line 2, record "1", column "a"`, ""},
		{"ends inside quotes after a doubled one", csvOf("a"), "id,a\n1,\"SeCrEt\"\"", tabular.ErrUnclosedQuote, `row 1, line 2, record "1", column "a"`, ""},
		{"header ends inside quotes", csvOf("a"), "id,\"a\n1,SeCrEt\n", tabular.ErrUnclosedQuote, "line 1", ""},
		{"bare quote", csvOf("a"), "id,a\n1,SeCrEt \"x\"\n", tabular.ErrBareQuote, `row 1, line 2, byte 10, record "1", column "a"`, ""},
		{"bare quote, odd", csvOf("a"), "id,a\n0,\"x\"\n1,SeCrEt\"\n2,\"y\nz\"\n", tabular.ErrBareQuote, `row 2, line 3, byte 9, record "1", column "a"`, ""},
		{"bare quote in the header", csvOf("a"), "\nid, \"a\"\n1,SeCrEt\n", tabular.ErrBareQuote, "line 2, byte 5", ""},
		{"text after a quote", csvOf("a"), "id,a\n1,\"SeCrEt\"x\n", tabular.ErrQuote, `row 1, line 2, byte 10, record "1", column "a"`, ""},
		{"text after a quote, further down", csvOf("a"), "id,a,b\n1,x,\"SeCrEt\ny\" \n2,,\n", tabular.ErrQuote, `row 1, line 3, byte 2, record "1", column "b"`, ""},
		{"CRCRLF after a quote", csvOf("a"), "id,a\n1,\"SeCrEt\"\r\r\n", tabular.ErrQuote, `row 1, line 2, byte 10, record "1", column "a"`, ""},
		{"cell too large", csvOf("a"), "id,a\n1,x\n2," + long + "\n", tabular.ErrTooLarge, `row 2, line 3, record "2", column "a"`, "cell"},
		{"JSON cell too large", jsonOf("a"), `{"id":1,"a":"` + long + `"}`, tabular.ErrTooLarge, `row 1, line 1, record "1", column "a"`, "cell"},
		{"row too large", csvOf("a"), "id,a,b\n1,x,y\n2,SeCrEt," + giant + "\n3,x,y\n", tabular.ErrTooLarge, "row 2, line 3", "row"},
		{"row too large, quoted", csvOf("a"), "id,a,b\n1,x,y\n2,SeCrEt,\"" + giant + giant, tabular.ErrTooLarge, `row 2, line 3, record "2"`, "a quote may not be closed"},
		{"row too large for its cells", csvOf("a"), "id,a,b\n1,x,y\n2," + giant, tabular.ErrTooLarge, `row 2, line 3, record "2"`, "row"},
		{"earlier fault than a row too large", csvOf("a"), "id,a,b\n1,x,SeCrEt\"y\n2,x,\"" + giant + giant, tabular.ErrBareQuote, `row 1, line 2, byte 11, record "1", column "b"`, ""},
		{"header too large", csvOf("a"), "id,a," + giant + "\n1,SeCrEt,y\n", tabular.ErrTooLarge, "line 1", "row"},
		{"JSON line too large", jsonOf("a"), "{\"id\":1,\"a\":1}\n{\"id\":2,\"b\":\"" + giant + "\"}", tabular.ErrTooLarge, "row 2, line 2", "row"},
		{"too many columns", csvOf("a"), "id,a" + strings.Repeat(",", tabular.MaxColumns), tabular.ErrTooLarge, "", "columns"},
		{"too many members", jsonOf("a"), "{" + members(tabular.MaxColumns+1) + "}", tabular.ErrTooLarge, `row 1, line 1, byte 201883, column "m16384"`, "members"},
		{"not JSON", jsonOf("a"), "{\"id\":1,\"a\":2}\nSeCrEt\n", tabular.ErrJSON, "row 2, line 2, byte 1", ""},
		{"broken JSON value", jsonOf("a"), "{\"id\":1,\"a\":SeCrEt}\n", tabular.ErrJSON, `row 1, line 1, byte 12, column "a"`, ""},
		{"JSON over two lines", jsonOf("a"), "{\"id\":1,\n\"a\":\"SeCrEt\"}\n", tabular.ErrJSON, `row 1, line 1, byte 8, column "id"`, ""},
		{"JSON value over two lines", jsonOf("a"), "{\"id\":1,\"a\":[\n\"SeCrEt\"]}\n", tabular.ErrJSON, `row 1, line 1, byte 12, column "a"`, ""},
		{"JSON closed in the next line", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\"\n}\n", tabular.ErrJSON, "row 1, line 1, byte 22", ""},
		{"truncated JSON", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt", tabular.ErrJSON, `row 1, line 1, byte 12, column "a"`, ""},
		{"trailing comma", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\",}", tabular.ErrJSON, `row 1, line 1, byte 21, column "a"`, ""},
		{"two objects", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\"} {}", tabular.ErrJSON, "row 1, line 1, byte 22", ""},
		{"CR between objects", jsonOf("a"), "{\"id\":1,\"a\":\"SeCrEt\"}\r{\"id\":2,\"a\":1}", tabular.ErrJSON, "row 1, line 1, byte 22", ""},
		{"JSON array", jsonOf("a"), "[\"SeCrEt\"]\n", tabular.ErrNotObject, `row 1, line 1, byte 1`, ""},
		{"JSON string", jsonOf("a"), "\"SeCrEt\"\n", tabular.ErrNotObject, `row 1, line 1, byte 1`, ""},
		{"mark in the middle", jsonOf("a"), "{\"id\":1,\"a\":2}\n\ufeff{\"id\":2,\"a\":\"SeCrEt\"}\n", tabular.ErrJSON, "row 2, line 2, byte 1", ""},
	}
	for _, tt := range tests {
		for _, chunk := range []int{1, 1 << 16} {
			if chunk == 1 && len(tt.in) > 1<<20 {
				continue // slow, and one chunk anyway
			}
			t.Run(fmt.Sprintf("%s/chunk=%d", tt.name, chunk), func(t *testing.T) {
				t.Parallel()
				_, _, err := process(tt.in, tabular.WithChunk(tt.o, chunk), tabulartest.Same)
				if !errors.Is(err, tt.err) {
					t.Fatalf("got %v, want %v", err, tt.err)
				}
				var at *tabular.Error
				if got := ""; errors.As(err, &at) {
					got = at.Place.String()
					if got != tt.at {
						t.Errorf("at %s, want %s", got, tt.at)
					}
				} else if tt.at != "" {
					t.Errorf("%v has no place", err)
				}
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%q lacks %q", err, tt.text)
				}
				if strings.Contains(err.Error(), secret) || len(err.Error()) > 300 {
					t.Errorf("the error shows a value or is too long: %v", err)
				}
			})
		}
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"m%d":"x"`, i)
	}
	return b.String()
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]tabular.Options{
		"no format":           {Columns: []string{"a"}},
		"nothing chosen":      {Format: tabular.CSV},
		"columns and prefix":  {Format: tabular.CSV, Columns: []string{"a"}, Prefix: "us1."},
		"delimiter":           {Format: tabular.CSV, Columns: []string{"a"}, Comma: 'x'},
		"quote as delimiter":  {Format: tabular.CSV, Columns: []string{"a"}, Comma: '"'},
		"record id is chosen": {Format: tabular.CSV, Columns: []string{"a", "id"}, RecordID: "id"},
		"twice":               {Format: tabular.JSONLines, Columns: []string{"a", "a"}},
		"too many":            {Format: tabular.CSV, Columns: make([]string, tabular.MaxColumns+1)},
	} {
		out, _, err := process("id,a\n1,2\n", o, tabulartest.Same)
		if !errors.Is(err, tabular.ErrOptions) || out != "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// TestLimits: what is exactly at a bound is accepted.
func TestLimits(t *testing.T) {
	t.Parallel()
	cell := strings.Repeat("x", tabular.MaxCell)
	fill := strings.Repeat("y", tabular.MaxRecord-len("1,2,\n"))
	header := "id,a" + strings.Repeat(",", tabular.MaxColumns-2) + "\n"
	for name, in := range map[string]string{
		"cell":      "id,a,b\n1," + cell + ",\n",
		"record":    "id,a,b\n1,2," + fill + "\n3,4,\n",
		"last":      "id,a,b\n1,2," + fill + "y",
		"record id": "id,a\n" + strings.Repeat("i", tabular.MaxRecordID) + ",2\n",
		"large":     "id,a,b\n" + large(20, cell[:tabular.MaxCell/2]),
		"columns":   header + "1,2" + strings.Repeat(",", tabular.MaxColumns-2) + "\n",
	} {
		o := tabular.Options{Format: tabular.CSV, RecordID: "id", Columns: []string{"a"}}
		if got, _, err := process(in, o, tabulartest.Same); err != nil || got != in {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := "{\"id\":1,\"a\":\"" + strings.Repeat("x", tabular.MaxRecord-len("{\"id\":1,\"a\":\"\"}\n")) + "\"}\n{\"b\":\"\",\"id\":2}"
	if got, _, err := process(in, tabular.Options{Format: tabular.JSONLines, RecordID: "id", Columns: []string{"b"}}, tabulartest.Same); err != nil || got != in {
		t.Errorf("JSON line: %v", err)
	}
}

func large(n int, cell string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,\"\"\"%s\",\r\n", i, cell)
	}
	return b.String()
}

func TestUnknownColumnListIsShort(t *testing.T) {
	t.Parallel()
	header := strings.Repeat("a name of considerable length that nobody will ever want to read in full,", 1000) + "\x1b[2J\n"
	_, _, err := process(header, tabular.Options{Format: tabular.CSV, Columns: []string{"\x1b"}}, tabulartest.Same)
	if !errors.Is(err, tabular.ErrUnknownColumn) || len(err.Error()) > 4000 || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "and 961 more") {
		t.Error(err)
	}
}
