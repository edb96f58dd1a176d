package main

import (
	"strings"
	"testing"
)

// Every bad file is refused with the place, exit status 6 and a hint, leaves
// no output, and shows nothing of a value.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	const secret = "SECRET-0123"
	late := peopleCSV(9000) // in another chunk than the header, after much was written
	args := []string{"--record-id", "id", "--column", "phone"}
	for _, c := range []struct {
		name, content string
		args          []string
		texts         []string
	}{
		{"unknown column", "id,phone\n1," + secret + "\n", []string{"--record-id", "id", "--column", "fone=phone"},
			[]string{`column "fone": unknown column; the file has "id", "phone"`, "hint: check --column"}},
		{"unknown record id", "id,phone\n1," + secret + "\n", []string{"--record-id", "nr", "--column", "phone"},
			[]string{`column "nr": unknown column`}},
		{"unknown field", "id,phone\n1," + secret + "\n", []string{"--record-id", "id", "--column", "phone=fone"},
			[]string{`field "fone": no such name in the directory`, "underseal field list"}},
		{"column named twice in the file", "id,phone,phone\n1," + secret + ",x\n", args,
			[]string{`column "phone": the column occurs twice`}},
		{"duplicate id", "id,phone\n1,x\n1," + secret + "\n", args,
			[]string{`row 2, line 3, record "1", column "id": the record id occurs a second time`, "every row needs an id of its own"}},
		{"duplicate id, late", late + "p7,x," + secret + ",x,x\r\n", args,
			[]string{`row 9001, line 9002, record "p7", column "id": the record id occurs a second time`}},
		{"empty id", "id,phone\n," + secret + "\n", args,
			[]string{`row 1, line 2`, "unusable record id"}},
		{"long id", "id,phone\n" + strings.Repeat("x", 2000) + "," + secret + "\n", args,
			[]string{`row 1, line 2`, "unusable record id"}},
		{"value that is not UTF-8", "id,phone\n1,x\n2," + secret + "\xff\n", args,
			[]string{`row 2, line 3, record "2", column "phone": not UTF-8`, "save the file as CSV UTF-8 first"}},
		{"id that is not UTF-8", "id,phone\n\xff," + secret + "\n", args,
			[]string{`row 1, line 2`, "unusable record id"}},
		{"UTF-16", "\xff\xfei\x00d\x00,\x00p\x00", args,
			[]string{"UTF-16", "save the file as CSV UTF-8 first"}},
		{"too many cells", "id,phone\n1,x\n2," + secret + ",y\n", args,
			[]string{`row 2, line 3`, "wrong number of cells"}},
		{"too few cells", "id,name,phone\n1,x,y\n2," + secret + "\n", args,
			[]string{`row 2, line 3`, "wrong number of cells"}},
		{"too few cells, late", late + "q1," + secret + "\r\n", args,
			[]string{`row 9001, line 9002`, "wrong number of cells"}},
		{"ends inside quotes", "id,phone\n1,x\n2,\"" + secret + "\n", args,
			[]string{`row 2, line 3`, "the file ends inside a quoted cell", "cut short or a quote is missing"}},
		{"quote in a cell", "id,phone\n1," + secret + "\"x\n", args,
			[]string{`row 1, line 2, byte`, "a quote in a cell that is not quoted", "nothing was written"}},
		{"text after a quote", "id,phone\n1,\"" + secret + "\"x\n", args,
			[]string{`row 1, line 2, byte`, "text after the closing quote"}},
		{"empty", "", args, []string{"the file is empty: it has no header", "the first line must name the columns"}},
		{"line ends of an old Macintosh", "id,phone\r1," + secret + "\r", args,
			[]string{"lines must end in LF or CRLF"}},
		{"long value", "id,phone\n1," + strings.Repeat(secret, 1<<17) + "\n", args,
			[]string{`row 1, line 2, record "1", column "phone": the value is too long`, "a value may have 1 MiB"}},
	} {
		w.write("in.csv", c.content)
		r := w.fails(classInput, "alice", append([]string{"seal", "@in.csv", "--out", "@out.csv"}, c.args...), c.texts...)
		if !strings.Contains(r.stderr, "in.csv") && c.name != "unknown field" {
			t.Errorf("%s: the file is not named: %s", c.name, r.stderr)
		}
		if strings.Contains(r.stderr, secret) {
			t.Errorf("%s: the value is shown: %s", c.name, r.stderr)
		}
		w.absent("out.csv")
		if w.read("in.csv") != c.content {
			t.Errorf("%s: the input was changed", c.name)
		}
		if t.Failed() {
			t.Fatalf("in case %q", c.name)
		}
	}
	// What was there before is there after a failure, too.
	w.write("in.csv", "id,phone\n1,x\n1,y\n")
	w.write("out.csv", "precious")
	w.fails(classInput, "alice", append([]string{"seal", "@in.csv", "--out", "@out.csv", "--force"}, args...))
	if w.read("out.csv") != "precious" {
		t.Error("the output was replaced by nothing")
	}
	w.noTemporary(w.dir)
}

// A file that was sealed opens to its own bytes, whatever its dialect.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	for name, content := range map[string]string{
		"spreadsheet":     peopleCSV(50),
		"byte order mark": "\xef\xbb\xbf" + peopleCSV(2),
		"no last newline": strings.TrimSuffix(peopleCSV(3), "\r\n"),
		"unix":            strings.ReplaceAll(peopleCSV(3), "\r\n", "\n"),
		"header alone":    "id,phone,address,birthday\n",
		"lines in cells":  "id,phone,address,birthday\n1,\"a\nb\r\nc\",\"d,e\",\n2,\"\"\"\",\" \",x\n",
		"blank lines":     "id,phone,address,birthday\n\n1,x,y,z\n\n\n2,x,y,z\n",
		"other bytes":     "id,phone,address,birthday,name\n1,x,y,z,\xff\xfe\n",
	} {
		w.write("in.csv", content)
		w.run("alice", "seal", "@in.csv", "--out", "@sealed.csv", "--force", "--record-id", "id",
			"--column", "phone", "--column", "address", "--column", "birthday")
		w.run("alice", "open", "@sealed.csv", "--out", "@plain.csv", "--force", "--record-id", "id")
		if got := w.read("plain.csv"); got != content {
			t.Errorf("%s: %q became %q", name, content, got)
		}
	}
}

// A cell whose own spelling cannot come back is told of before it is written.
func TestWarnings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	rows := "id,phone\n"
	for i := range 15 {
		rows += "r" + string(rune('a'+i)) + ",\"a,b\"\n"
	}
	w.write("in.csv", rows)
	w.run("alice", "seal", "@in.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	// Another program takes the quotes away that sealing kept.
	w.write("bare.csv", strings.ReplaceAll(w.read("sealed.csv"), `"`, ""))
	r := w.run("alice", "open", "@bare.csv", "--out", "@plain.csv", "--record-id", "id")
	if w.read("plain.csv") != rows {
		t.Errorf("%q", w.read("plain.csv"))
	}
	if n := strings.Count(r.stderr, "quotes had to be added"); n != 10 || !strings.Contains(r.stderr, "more such cells") {
		t.Errorf("%d warnings\n%s", n, r.stderr)
	}
}
