package tabular_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

func process(in string, o tabular.Options, t tabular.Transform) (string, tabular.Report, error) {
	var out bytes.Buffer
	r, err := tabular.Process(context.Background(), strings.NewReader(in), &out, o, t)
	return out.String(), r, err
}

// upper marks what it got, so that a test sees value and type.
func upper(_ context.Context, cells []tabular.Cell) error {
	for i := range cells {
		c := &cells[i]
		c.Replace = true
		c.New = fmt.Appendf(c.New, "<%s>", bytes.ToUpper(c.Value))
		if c.Type == connector.JSON {
			c.New = fmt.Appendf(c.New, "json")
		}
	}
	return nil
}

func TestProcess(t *testing.T) {
	t.Parallel()
	const bom = "\ufeff"
	tests := []struct {
		name     string
		o        tabular.Options
		in, want string
		rows     int64
	}{
		{"csv quoting and endings", tabular.Options{Format: tabular.CSV, Columns: []string{"b"}},
			bom + "\n\r\na,b,\"c\"\r\n\r\n1,x,\"z\"\n 2 ,\"y\",\n\n\"3\",\"q\"\"r\",\"\"\r\n4,,\n5,\"\",w",
			bom + "\n\r\na,b,\"c\"\r\n\r\n1,<X>,\"z\"\n 2 ,\"<Y>\",\n\n\"3\",\"<Q\"\"R>\",\"\"\r\n4,,\n5,\"\",w", 5},
		{"csv line breaks inside a cell", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}},
			"a,b\n\"x\r\ny\nz\",1\n", "a,b\n\"<X\r\nY\nZ>\",1\n", 1},
		{"csv lone CR and last line without ending", tabular.Options{Format: tabular.CSV, Columns: []string{"b"}},
			"a,b\n1,x\ry\r\r\n2,z\r", "a,b\n1,<X\rY\r>\r\n2,<Z>\r", 2},
		{"csv semicolon", tabular.Options{Format: tabular.CSV, Comma: ';', Columns: []string{"b"}},
			"a;b\n1,5;x,y\n", "a;b\n1,5;<X,Y>\n", 1},
		{"csv tab", tabular.Options{Format: tabular.CSV, Comma: '\t', Columns: []string{"b", "a"}},
			"a\tb\n1\tx\n", "a\tb\n<1>\t<X>\n", 1},
		{"csv one column, blank lines and an empty cell", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}},
			"a\n\nx\n\"\"\n\n", "a\n\n<X>\n\"\"\n\n", 2},
		{"csv header alone", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}}, "a", "a", 0},
		{"csv NUL", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}}, "a,b\n\x00x,\x00\n", "a,b\n<\x00X>,\x00\n", 1},
		{"csv not UTF-8 elsewhere", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}}, "a,\xff\nx,\xfe\n", "a,\xff\n<X>,\xfe\n", 1},
		{"csv twice named, not chosen", tabular.Options{Format: tabular.CSV, Columns: []string{"a"}}, "a,b,b\nx,1,2\n", "a,b,b\n<X>,1,2\n", 1},
		{"csv prefix, any column", tabular.Options{Format: tabular.CSV, Prefix: "us1."},
			"a,b,b\nus1.x,us1,\"us1.\"\n us1.,\"us1.\"\"\",\n", "a,b,b\n<US1.X>,us1,\"<US1.>\"\n us1.,\"<US1.\"\">\",\n", 2},
		{"jsonl keeps the rest", tabular.Options{Format: tabular.JSONLines, Columns: []string{"a", "n"}},
			bom + " { \"z\" : \"\\u0041\\/\" ,\"a\":\"x\", \"n\" : [1, 2 ] }\r\n\n  \r\n{\"n\":1.50,\"\\u0061\":null}\n{\"a\":\"\"}",
			bom + " { \"z\" : \"\\u0041\\/\" ,\"a\":\"<X>\", \"n\" : \"<[1, 2 ]>json\" }\r\n\n  \r\n{\"n\":\"<1.50>json\",\"\\u0061\":null}\n{\"a\":\"\"}", 3},
		{"jsonl spellings", tabular.Options{Format: tabular.JSONLines, Columns: []string{"a"}},
			`{"a":"\u0041"}` + "\n" + `{"a":"\"\n"}` + "\n" + `{"a":"é\u00e9"}` + "\n" + `{"a":true}` + "\n" + `{"a":{"b":"c"}}` + "\n" + `{"a":"\u001f"}`,
			`{"a":"<\"\\U0041\">json"}` + "\n" + `{"a":"<\"\n>"}` + "\n" + `{"a":"<\"É\\U00E9\">json"}` + "\n" + `{"a":"<TRUE>json"}` + "\n" + `{"a":"<{\"B\":\"C\"}>json"}` + "\n" + `{"a":"<` + `\u001f` + `>"}`, 6},
		{"jsonl prefix", tabular.Options{Format: tabular.JSONLines, Prefix: "us1."},
			`{"a":"us1.x","b":["us1.y"],"c":"\u0075s1.z","d":"us1","e":5}`, `{"a":"<US1.X>","b":["us1.y"],"c":"<US1.Z>","d":"us1","e":5}`, 1},
		{"jsonl empty", tabular.Options{Format: tabular.JSONLines, Columns: []string{"a"}}, "", "", 0},
		{"jsonl no records", tabular.Options{Format: tabular.JSONLines, Columns: []string{"a"}}, "\n\r\n", "\n\r\n", 0},
	}
	for _, tt := range tests {
		for _, chunk := range []int{1, 7, 1 << 16} {
			t.Run(fmt.Sprintf("%s/chunk=%d", tt.name, chunk), func(t *testing.T) {
				t.Parallel()
				got, r, err := process(tt.in, tabular.WithChunk(tt.o, chunk), upper)
				if err != nil {
					t.Fatal(err)
				}
				if got != tt.want {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
				if r.Rows != tt.rows || r.Requoted != 0 {
					t.Errorf("report %+v, want %d rows", r, tt.rows)
				}
			})
		}
	}
}

// TestLegislators seals and opens the people file, which has quotes, commas
// and line breaks in its cells, in all its variants.
func TestLegislators(t *testing.T) {
	t.Parallel()
	plain := legislators(t)
	lf := bytes.ReplaceAll(plain, []byte("\r\n"), []byte("\n"))
	crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
	lines := asJSONLines(t, plain)
	columns := []string{"birthday", "phone", "offices"}
	for name, tt := range map[string]struct {
		f  tabular.Format
		in []byte
	}{
		"csv": {tabular.CSV, plain}, "csv lf": {tabular.CSV, lf}, "csv crlf": {tabular.CSV, crlf},
		"csv mark": {tabular.CSV, append([]byte("\ufeff"), plain...)}, "csv no last ending": {tabular.CSV, bytes.TrimSpace(plain)},
		"jsonl": {tabular.JSONLines, lines}, "jsonl crlf": {tabular.JSONLines, bytes.ReplaceAll(lines, []byte("\n"), []byte("\r\n"))},
	} {
		for _, workers := range []int{0, 1, 5} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				t.Parallel()
				warn := func(at tabular.Place, c tabular.Change) { t.Errorf("%v: %v", at, c) }
				o := tabular.Options{Format: tt.f, Columns: columns, RecordID: "id", Workers: workers, Warn: warn}
				sealed, r, err := process(string(tt.in), tabular.WithChunk(o, 4096), tabulartest.Seal)
				if err != nil {
					t.Fatal(err)
				}
				if r.Rows != 537 || len(r.Columns) != 3 {
					t.Fatalf("report %+v", r)
				}
				for i, c := range r.Columns {
					if c.Column != columns[i] || c.Cells+c.Empty != 537 || c.Replaced != c.Cells || c.Failed != 0 {
						t.Errorf("report of a column: %+v", c)
					}
				}
				if strings.Contains(sealed, "202-224-3441") || strings.Contains(sealed, "1958-10-13") {
					t.Error("a sealed value is still there")
				}
				o = tabular.Options{Format: tt.f, Prefix: tabulartest.Prefix, Workers: workers, Warn: warn}
				opened, r2, err := process(sealed, o, tabulartest.Open)
				if err != nil {
					t.Fatal(err)
				}
				if opened != string(tt.in) {
					t.Error("the opened file differs from the original")
				}
				slices.SortFunc(r2.Columns, func(a, b tabular.ColumnReport) int {
					return slices.Index(columns, a.Column) - slices.Index(columns, b.Column)
				})
				for i := range r.Columns {
					r.Columns[i].Empty = 0 // not counted with a prefix
				}
				if !reflect.DeepEqual(r, r2) {
					t.Errorf("sealed %+v, opened %+v", r, r2)
				}
			})
		}
	}
}

// TestRewritten opens a file that another program has written anew in
// between: values are right, quotes are added where they must be, and the
// caller is told of each before its row is written.
func TestRewritten(t *testing.T) {
	t.Parallel()
	plain := legislators(t)
	sealed, _, err := process(string(plain), tabular.Options{Format: tabular.CSV, Columns: []string{"phone", "offices"}}, tabulartest.Seal)
	if err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	recs, err := csv.NewReader(strings.NewReader(sealed)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rewritten, out bytes.Buffer
	w := csv.NewWriter(&rewritten)
	if err := w.WriteAll(recs); err != nil {
		t.Fatal(err)
	}
	var places []tabular.Place
	o := tabular.Options{Format: tabular.CSV, Prefix: tabulartest.Prefix, RecordID: "id", Warn: func(at tabular.Place, c tabular.Change) {
		if c != tabular.Requoted || strings.Contains(out.String(), at.Record) {
			t.Errorf("%v: %v, or after the row was written", at, c)
		}
		places = append(places, at)
	}}
	r, err := tabular.Process(context.Background(), &rewritten, &out, o, tabulartest.Open)
	if err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("values differ")
	}
	need := 0
	for _, rec := range want[1:] {
		if strings.ContainsAny(rec[12], ",\"\n") {
			need++
		}
	}
	if need == 0 || r.Requoted != int64(need) || len(places) != need || places[0].Column != "offices" || places[0].Row != 1 {
		t.Errorf("requoted %d, told of %d, want %d", r.Requoted, len(places), need)
	}
}

// TestQuotesAdded has the cases in which a new value cannot stand without
// quotes, and the nearest ones in which it can.
func TestQuotesAdded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, new, want string
		added         bool
	}{
		{"a,b\n1,x\n", "p,q", "a,b\n1,\"p,q\"\n", true},
		{"a,b\n1,x\n", "p\"q", "a,b\n1,\"p\"\"q\"\n", true},
		{"a,b\n1,x\n", "p\nq", "a,b\n1,\"p\nq\"\n", true},
		{"a,b\n1,x\n", "p\r", "a,b\n1,\"p\r\"\n", true},
		{"a,b\n1,x", "p\r", "a,b\n1,\"p\r\"", true},
		{"a,b\n1,x\r\n", "p\r", "a,b\n1,p\r\r\n", false},
		{"a,b\n1,x\r", "p\r", "a,b\n1,p\r\r", false},
		{"b,a\nx,1\n", "p\r", "b,a\np\r,1\n", false},
		{"a,b\n1,x\n", " p;q'", "a,b\n1, p;q'\n", false},
		{"a,b\n1,x\n", "", "a,b\n1,\n", false},
		{"b\nx\n", "", "b\n\"\"\n", true},
		{"b\n\"x\"\n", "", "b\n\"\"\n", false},
	} {
		told := 0
		o := tabular.Options{Format: tabular.CSV, Columns: []string{"b"}, Warn: func(tabular.Place, tabular.Change) { told++ }}
		got, r, err := process(tt.in, o, func(_ context.Context, cells []tabular.Cell) error {
			cells[0].Replace, cells[0].New = true, []byte(tt.new)
			return nil
		})
		if err != nil || got != tt.want || (r.Requoted == 1) != tt.added || (told == 1) != tt.added {
			t.Errorf("%q in %q: got %q, told %d, %v", tt.new, tt.in, got, told, err)
		}
		recs, err := csv.NewReader(strings.NewReader(got)).ReadAll()
		if err != nil || len(recs) != 2 || recs[1][slices.Index(recs[0], "b")] != tt.new {
			t.Errorf("%q in %q reads as %q, %v", tt.new, tt.in, recs, err)
		}
	}
}

// TestConverted opens tokens in the other format than they were sealed in.
func TestConverted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, want string }{
		{`12.50`, "12.50"}, {`"\u0041,\/"`, `"A,/"`}, {`[1,"x"]`, `"[1,""x""]"`}, {`true`, "true"}, {`"\ud83d\ude00"`, "😀"},
	} {
		told := 0
		o := tabular.Options{Format: tabular.CSV, Columns: []string{"b"}, Warn: func(_ tabular.Place, c tabular.Change) {
			if told++; c != tabular.Converted {
				t.Errorf("%s: %v", tt.json, c)
			}
		}}
		got, r, err := process("a,b\n1,x\n", o, func(_ context.Context, cells []tabular.Cell) error {
			cells[0].Replace, cells[0].NewType, cells[0].New = true, connector.JSON, []byte(tt.json)
			return nil
		})
		if want := "a,b\n1," + tt.want + "\n"; err != nil || got != want || r.Converted != 1 || told != 1 {
			t.Errorf("%s: got %q, want %q, told %d, %v", tt.json, got, want, told, err)
		}
	}
	sealed, _, err := process("a,b\n1,\"x \"\"y\"\"\"\n", tabular.Options{Format: tabular.CSV, Columns: []string{"b"}}, tabulartest.Seal)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(sealed, "us1.")
	lines := `{"b":"us1.` + token[:strings.IndexByte(token, '"')] + `"}`
	got, r, err := process(lines, tabular.Options{Format: tabular.JSONLines, Prefix: "us1."}, tabulartest.Open)
	if want := `{"b":"x \"y\""}`; err != nil || got != want || r.Converted != 0 {
		t.Errorf("got %q, want %q, %v", got, want, err)
	}
}

// TestFailed: a cell that cannot be opened stays, is told of with its place,
// and everything else goes on.
func TestFailed(t *testing.T) {
	t.Parallel()
	in := "id,a,b\n1,us1.AXg,us1.!\n2,us1.,z\n3,us1.AXk,\"us1.%\"\n"
	want := "id,a,b\n1,x,us1.!\n2,us1.,z\n3,y,\"us1.%\"\n"
	for _, chunk := range []int{1, 1 << 16} {
		var places []string
		o := tabular.Options{Format: tabular.CSV, Prefix: "us1.", RecordID: "id", Failed: func(at tabular.Place, err error) error {
			if !errors.Is(err, tabulartest.ErrToken) {
				t.Error(err)
			}
			places = append(places, at.String())
			return nil
		}}
		got, r, err := process(in, tabular.WithChunk(o, chunk), tabulartest.Open)
		if err != nil || got != want {
			t.Fatalf("got %q, want %q, %v", got, want, err)
		}
		wantPlaces := []string{
			`row 1, line 2, record "1", column "b"`, `row 2, line 3, record "2", column "a"`, `row 3, line 4, record "3", column "b"`,
		}
		if !slices.Equal(places, wantPlaces) {
			t.Errorf("places %q", places)
		}
		wantReport := []tabular.ColumnReport{{Column: "a", Cells: 3, Replaced: 2, Failed: 1}, {Column: "b", Cells: 2, Failed: 2}}
		if !reflect.DeepEqual(r.Columns, wantReport) {
			t.Errorf("report %+v", r.Columns)
		}

		// Without the callback, and where it says so, the work ends there.
		var at *tabular.Error
		o.Failed = nil
		out, _, err := process(in, tabular.WithChunk(o, chunk), tabulartest.Open)
		if !errors.As(err, &at) || !errors.Is(err, tabulartest.ErrToken) || at.Row != 1 || at.Column != "b" || strings.Contains(out, "x") {
			t.Errorf("%q, %v", out, err)
		}
		stop := errors.New("stop")
		o.Failed = func(tabular.Place, error) error { return stop }
		if _, _, err := process(in, tabular.WithChunk(o, chunk), tabulartest.Open); !errors.Is(err, stop) {
			t.Error(err)
		}
	}
}

// TestNewValue: what would break the file is refused, cell by cell.
func TestNewValue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		f    tabular.Format
		kind connector.Type
		new  string
	}{
		{tabular.CSV, connector.Text, "\xff"}, {tabular.CSV, connector.JSON, "nope"}, {tabular.CSV, connector.JSON, `"\ud800"`},
		{tabular.CSV, connector.JSON, ""}, {tabular.CSV, 7, "x"}, {tabular.JSONLines, connector.Text, "\xff"},
		{tabular.JSONLines, connector.JSON, `1,"admin":true`}, {tabular.JSONLines, connector.JSON, "[1,\n2]"},
		{tabular.JSONLines, connector.JSON, " 1"}, {tabular.JSONLines, connector.JSON, ""}, {tabular.JSONLines, 0, "x"},
	} {
		in := map[tabular.Format]string{tabular.CSV: "a\nx\n", tabular.JSONLines: "{\"a\":\"x\"}\n"}[tt.f]
		o := tabular.Options{Format: tt.f, Columns: []string{"a"}}
		set := func(_ context.Context, cells []tabular.Cell) error {
			cells[0].Replace, cells[0].NewType, cells[0].New = true, tt.kind, []byte(tt.new)
			return nil
		}
		if _, _, err := process(in, o, set); !errors.Is(err, tabular.ErrNewValue) {
			t.Errorf("%v, %v %q: %v", tt.f, tt.kind, tt.new, err)
		}
		o.Failed = func(tabular.Place, error) error { return nil }
		if got, r, err := process(in, o, set); err != nil || got != in || r.Columns[0].Failed != 1 {
			t.Errorf("%v, %v %q: %q, %v", tt.f, tt.kind, tt.new, got, err)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	plain := legislators(t)
	var out bytes.Buffer
	var seen []int64
	o := tabular.Options{Format: tabular.CSV, Columns: []string{"phone"}, Progress: func(n int64) {
		if n < int64(out.Len()) { // Nothing is replaced, so as much came out.
			t.Error("told after the next bytes were written")
		}
		seen = append(seen, n)
	}}
	if _, err := tabular.Process(context.Background(), bytes.NewReader(plain), &out, tabular.WithChunk(o, 5000), tabulartest.Nothing); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(seen) || len(seen) < 10 || seen[len(seen)-1] != int64(len(plain)) {
		t.Errorf("progress %d", seen)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]tabular.Format{"a.csv": tabular.CSV, "b/C.CSV": tabular.CSV, "x.jsonl": tabular.JSONLines, "x.y.NDJSON": tabular.JSONLines} {
		if f, err := tabular.Detect(name); err != nil || f != want {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	for _, name := range []string{"", "-", "csv", "a.tsv", "a.json", "a.csv.gz"} {
		if _, err := tabular.Detect(name); !errors.Is(err, tabular.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleProcess() {
	in := strings.NewReader("id,name,phone\n7,\"Adams, Ann\",555-0100\n8,Baker,\n")
	var sealed, opened strings.Builder

	// Seal chosen columns.
	o := tabular.Options{Format: tabular.CSV, RecordID: "id", Columns: []string{"name", "phone"}}
	r, err := tabular.Process(context.Background(), in, &sealed, o, tabulartest.Seal)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(sealed.String())
	fmt.Printf("%d rows; %s: %d replaced, %d empty\n", r.Rows, r.Columns[1].Column, r.Columns[1].Replaced, r.Columns[1].Empty)

	// Open every cell that is a token.
	o = tabular.Options{Format: tabular.CSV, Prefix: tabulartest.Prefix}
	if _, err := tabular.Process(context.Background(), strings.NewReader(sealed.String()), &opened, o, tabulartest.Open); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(opened.String())
	// Output:
	// id,name,phone
	// 7,"us1.AUFkYW1zLCBBbm4",us1.ATU1NS0wMTAw
	// 8,us1.AUJha2Vy,
	// 2 rows; phone: 1 replaced, 1 empty
	// id,name,phone
	// 7,"Adams, Ann",555-0100
	// 8,Baker,
}
