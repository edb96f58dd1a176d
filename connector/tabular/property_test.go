package tabular_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

// text draws what is hard on a CSV or JSON file. (Generators are made for each
// test: rapid's are not safe for tests that run at the same time.)
func text() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "B7", " ", "\t", ",", ";", `"`, `""`, "'", "\n", "\r", "\r\n", "\x00", "\x1f", `\`, `\u0041`, "/", "é", "😀", "\u2028", "\ufeff", "us1.", "us1", "=1+1",
	}), 0, 5), func(s []string) string { return strings.Join(s, "") })
}

func drawEnding(t *rapid.T) string {
	return rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")
}

// quotes tells whether a cell cannot stand without them; in the last column a
// CR at its end would join the line's ending.
func quotes(v string, comma byte) bool {
	return strings.ContainsAny(v, "\"\n"+string(comma)) || strings.HasSuffix(v, "\r")
}

// drawCSV draws a CSV file with the columns c0, c1, … in every style.
func drawCSV(t *rapid.T, comma byte, columns int) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(t, "mark"))
	blank := func() {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "blank") {
			b.WriteString(drawEnding(t))
		}
	}
	record := func(cells []string) {
		for i, v := range cells {
			if i > 0 {
				b.WriteByte(comma)
			}
			if quotes(v, comma) || v == "" && columns == 1 || rapid.Bool().Draw(t, "quoted") {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			b.WriteString(v)
		}
	}
	blank()
	header := make([]string, columns)
	for i := range header {
		header[i] = columnName(i)
	}
	record(header)
	for range rapid.IntRange(0, 12).Draw(t, "rows") {
		b.WriteString(drawEnding(t))
		blank()
		record(rapid.SliceOfN(text(), columns, columns).Draw(t, "row"))
	}
	if rapid.Bool().Draw(t, "last ending") {
		b.WriteString(drawEnding(t))
		blank()
	}
	return b.String()
}

func columnName(i int) string { return "c" + string(rune('0'+i)) }

func drawColumns(t *rapid.T, columns int) []string {
	names := make([]string, columns)
	for i := range names {
		names[i] = columnName(i)
	}
	return rapid.Permutation(names).Draw(t, "columns")[:rapid.IntRange(1, columns).Draw(t, "chosen")]
}

// TestSealOpenCSV: sealing and opening gives the same bytes, in every style,
// and never has to add a quote; the sealed file has the same cells but for the
// chosen ones.
func TestSealOpenCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom([]byte(",;|\t")).Draw(t, "comma")
		columns := rapid.IntRange(1, 4).Draw(t, "columns")
		in := drawCSV(t, comma, columns)
		o := tabular.Options{
			Format: tabular.CSV, Comma: comma, Columns: drawColumns(t, columns), Workers: rapid.IntRange(1, 3).Draw(t, "workers"),
			Warn: func(at tabular.Place, c tabular.Change) { t.Errorf("%v: %v", at, c) },
		}
		o = tabular.WithChunk(o, rapid.SampledFrom([]int{1, 5, 30, 1 << 16}).Draw(t, "chunk"))
		if strings.Contains(in, "us1.") {
			// Plaintext that looks like a token would be taken for one.
			in = strings.ReplaceAll(in, "us1.", "us1_")
		}
		sealed, r, err := process(in, o, tabulartest.Seal)
		if err != nil {
			t.Fatal(err)
		}
		sameShape(t, in, sealed, comma, o.Columns, r)
		o.Columns, o.Prefix = nil, tabulartest.Prefix
		opened, _, err := process(sealed, o, tabulartest.Open)
		if err != nil || opened != in {
			t.Fatalf("in     %q\nsealed %q\nopened %q\n%v", in, sealed, opened, err)
		}
	})
}

func readCSV(t *rapid.T, in string, comma byte) [][]string {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(in, "\ufeff")))
	r.Comma = rune(comma)
	recs, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

func sameShape(t *rapid.T, in, sealed string, comma byte, chosen []string, r tabular.Report) {
	a, b := readCSV(t, in, comma), readCSV(t, sealed, comma)
	if len(a) != len(b) || r.Rows != int64(len(a)-1) || !slices.Equal(a[0], b[0]) {
		t.Fatalf("%d and %d records, report %+v", len(a), len(b), r)
	}
	replaced := int64(0)
	for i := 1; i < len(a); i++ {
		for j, name := range a[0] {
			switch token := a[i][j] != "" && slices.Contains(chosen, name); {
			case token && !strings.HasPrefix(b[i][j], tabulartest.Prefix):
				t.Fatalf("%q became %q", a[i][j], b[i][j])
			case token:
				replaced++
			case a[i][j] != b[i][j]:
				t.Fatalf("%q became %q", a[i][j], b[i][j])
			}
		}
	}
	for _, c := range r.Columns {
		replaced -= c.Replaced
	}
	if replaced != 0 {
		t.Fatalf("%d too few reported: %+v", replaced, r)
	}
}

// TestRewrittenCSV: another program reads the sealed file and writes it in its
// own style; opening it then gives the same values, and tells of each cell
// that had to be quoted.
func TestRewrittenCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// encoding/csv writes one empty cell as a blank line, which is no row.
		columns := rapid.IntRange(2, 4).Draw(t, "columns")
		in := strings.ReplaceAll(drawCSV(t, ',', columns), "us1.", "us1_")
		o := tabular.Options{Format: tabular.CSV, Columns: drawColumns(t, columns)}
		sealed, _, err := process(in, o, tabulartest.Seal)
		if err != nil {
			t.Fatal(err)
		}
		var rewritten bytes.Buffer
		w := csv.NewWriter(&rewritten)
		if err := w.WriteAll(readCSV(t, sealed, ',')); err != nil {
			t.Fatal(err)
		}
		told := int64(0)
		opened, r, err := process(rewritten.String(), tabular.Options{Format: tabular.CSV, Prefix: tabulartest.Prefix, Warn: func(_ tabular.Place, c tabular.Change) {
			if told++; c != tabular.Requoted {
				t.Error(c)
			}
		}}, tabulartest.Open)
		if err != nil {
			t.Fatal(err)
		}
		// encoding/csv takes a CR from before each LF whenever it reads.
		want, got := lfOnly(readCSV(t, in, ',')), lfOnly(readCSV(t, opened, ','))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
		if told != r.Requoted {
			t.Fatalf("told of %d, report %+v", told, r)
		}
	})
}

func lfOnly(recs [][]string) [][]string {
	for _, rec := range recs {
		for i, v := range rec {
			for strings.Contains(v, "\r\n") {
				v = strings.ReplaceAll(v, "\r\n", "\n")
			}
			rec[i] = v
		}
	}
	return recs
}

// drawJSON draws JSON Lines in every style.
func drawJSON(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(t, "mark"))
	space := func() { b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\t ", "\r"}).Draw(t, "space")) }
	rows := rapid.IntRange(0, 8).Draw(t, "rows")
	for i := range rows {
		space()
		b.WriteByte('{')
		for j := range rapid.IntRange(0, 4).Draw(t, "members") {
			if j > 0 {
				b.WriteByte(',')
			}
			space()
			b.WriteString(`"` + columnName(j) + `"`)
			space()
			b.WriteByte(':')
			space()
			b.WriteString(jsonValue().Draw(t, "value"))
			space()
		}
		b.WriteByte('}')
		space()
		if i+1 < rows || rapid.Bool().Draw(t, "last ending") {
			b.WriteString(drawEnding(t))
			b.WriteString(rapid.SampledFrom([]string{"", "", " \r\n", "\n\n"}).Draw(t, "blank"))
		}
	}
	return b.String()
}

func jsonValue() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{`1`, `-1.50e+3`, `true`, `false`, `null`, `""`, `[ 1 , {"x":"y"}]`, `{"a":1, "a":2}`, `[]`, `"\/"`, `"\u0041"`, `"\ud83d\ude00"`, `"\u001F"`, `"\b"`}),
		rapid.Map(text(), func(s string) string { return string(tabular.AppendJSONString(nil, []byte(s))) }),
		rapid.Map(text(), func(s string) string {
			b, _ := json.Marshal(s) // escapes <, >, & and U+2028, so other spellings
			return string(b)
		}),
	)
}

// TestSealOpenJSONLines: as for CSV.
func TestSealOpenJSONLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := strings.ReplaceAll(drawJSON(t), "us1.", "us1_")
		o := tabular.Options{Format: tabular.JSONLines, Columns: drawColumns(t, 4), Workers: rapid.IntRange(1, 3).Draw(t, "workers")}
		for i := 0; i < len(o.Columns); {
			if !strings.Contains(in, `"`+o.Columns[i]+`"`) {
				o.Columns = slices.Delete(o.Columns, i, i+1) // it would be unknown
				continue
			}
			i++
		}
		if len(o.Columns) == 0 {
			t.Skip("no column to choose in this file")
		}
		o = tabular.WithChunk(o, rapid.SampledFrom([]int{1, 5, 30, 1 << 16}).Draw(t, "chunk"))
		sealed, r, err := process(in, o, tabulartest.Seal)
		if err != nil {
			t.Fatal(err)
		}
		tokens := int64(strings.Count(sealed, tabulartest.Prefix))
		for _, c := range r.Columns {
			tokens -= c.Replaced
		}
		if tokens != 0 {
			t.Fatalf("%d tokens more than reported: %+v", tokens, r)
		}
		o.Columns, o.Prefix = nil, tabulartest.Prefix
		opened, _, err := process(sealed, o, tabulartest.Open)
		if err != nil || opened != in {
			t.Fatalf("in     %q\nsealed %q\nopened %q\n%v", in, sealed, opened, err)
		}
	})
}

// TestJSONString: the canonical spelling reads as the text, and is the one of
// RFC 8785.
func TestJSONString(t *testing.T) {
	t.Parallel()
	all := make([]byte, 0, 0x80)
	for b := range byte(0x80) {
		all = append(all, b)
	}
	const want = `"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f` +
		`\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f` +
		` !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_` + "`abcdefghijklmnopqrstuvwxyz{|}~\x7f\""
	if got := string(tabular.AppendJSONString(nil, all)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(tabular.AppendJSONString([]byte("x"), []byte("\u20ac\u2028<é😀"))); got != "x\"\u20ac\u2028<é😀\"" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		var got string
		if err := json.Unmarshal(tabular.AppendJSONString(nil, []byte(want)), &got); err != nil || got != want {
			t.Fatalf("%q became %q, %v", want, got, err)
		}
	})
}
