package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/underseal/underseal/internal/testenv"
)

// TestScripts runs the stories in testdata/script. Beside testscript's own
// commands they have:
//
//	alice ARGS, bob ARGS, eve ARGS   run underseal as that person
//	fails CODE WHO ARGS              the same, with this exit code
//	status CODE COMMAND ARGS         run a program, with this exit code
//	firm                             found an organization; see world.found
//	words NAME                       put the six words of the last stderr into $NAME
//	field FILE NAME VALUE            put a member of a JSON object into $NAME
//	edit FILE OLD NEW                replace the one occurrence of a text
//	swap FILE COLUMN I J             exchange the cells of two rows, counted from 1
//	exchange FILE COLUMN COLUMN I    exchange two cells of a row
//	flip FILE COLUMN I               change one sign near the end of a cell
//	alien FILE                       give every token another key id
//	hardlink FILE NAME               give a file a second name
//	append FILE LINE                 add a line
//	columns A B OUT COLUMN...        these columns of A and the other ones of B
//	clio MATTERS CONTACTS            serve a Clio at $CLIO, whose application's
//	                                 secret is in the file secret
func TestScripts(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			h, ctx := newHolder()
			env.Defer(func() {
				h.close()
				if err := lockAll(env.WorkDir); err != nil {
					t.Error(err)
				}
			})
			for _, p := range people {
				home := filepath.Join(env.WorkDir, "homes", p.who)
				s, err := h.makeHome(ctx, home, p.name, emailOf(p.who))
				if err != nil {
					return err
				}
				s.Destroy()
			}
			data, err := filepath.Abs("../../testdata/legislators.csv")
			if err != nil {
				return err
			}
			env.Setenv("PEOPLE", data)
			env.Setenv("HOMES", filepath.Join(env.WorkDir, "homes"))
			env.Setenv("XDG_RUNTIME_DIR", os.Getenv("XDG_RUNTIME_DIR"))
			env.Setenv("LC_ALL", "C.UTF-8")
			env.Setenv("CLIO_USER", clioUser("alice"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"alice":    as("alice"),
			"bob":      as("bob"),
			"eve":      as("eve"),
			"fails":    fails,
			"firm":     firm,
			"status":   status,
			"field":    jsonString,
			"words":    sixWords,
			"edit":     edit,
			"columns":  mergeColumns,
			"swap":     onCells("swap FILE COLUMN ROW ROW", 2, 2, swapCells),
			"exchange": onCells("exchange FILE COLUMN COLUMN ROW", 3, 1, swapCells),
			"flip":     onCells("flip FILE COLUMN ROW", 2, 1, flipCell),
			"alien":    alien,
			"append":   appendLine,
			"damage":   damage,
			"clio":     serveClio,
			"hardlink": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.Link(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
			},
		},
		RequireUniqueNames: true,
		ContinueOnError:    true,
	})
}

func as(who string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := runAs(ts, who, args)
		if neg == (err == nil) {
			ts.Fatalf("%s: underseal %s: %v", who, strings.Join(args, " "), err)
		}
	}
}

func runAs(ts *testscript.TestScript, who string, args []string) error {
	ts.Setenv("UNDERSEAL_HOME", filepath.Join(ts.Getenv("HOMES"), who))
	return ts.Exec("underseal", args...)
}

// sixWords keeps the words that a command has just shown.
func sixWords(ts *testscript.TestScript, neg bool, args []string) {
	_, words, found := strings.Cut(ts.ReadFile("stderr"), "the six words:")
	words, _, _ = strings.Cut(words, "\n")
	if neg || len(args) != 1 || !found || len(strings.Fields(words)) != 6 {
		ts.Fatalf("usage: words NAME, after a command that showed six")
	}
	ts.Setenv(args[0], strings.TrimSpace(words))
}

func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE WHO ARGS")
	}
	wantExit(ts, args[0], runAs(ts, args[1], args[2:]))
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND ARGS")
	}
	wantExit(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func wantExit(ts *testscript.TestScript, code string, err error) {
	var exit *exec.ExitError
	switch want, convErr := strconv.Atoi(code); {
	case convErr != nil:
		ts.Fatalf("not an exit code: %s", code)
	case !errors.As(err, &exit):
		ts.Fatalf("did not fail: %v", err)
	case exit.ExitCode() != want:
		ts.Fatalf("exit %d, want %d", exit.ExitCode(), want)
	}
}

func firm(ts *testscript.TestScript, _ bool, _ []string) {
	must := func(who string, args ...string) {
		if err := runAs(ts, who, args); err != nil {
			ts.Fatalf("%s: underseal %s: %v", who, strings.Join(args, " "), err)
		}
	}
	must("alice", "org", "new", "Example LLP", "--store", "dir:"+ts.MkAbs("firm"))
	must("alice", "org", "show", "--json")
	fingerprint := member(ts, ts.ReadFile("stdout"), "fingerprint")
	ts.Setenv("FINGERPRINT", fingerprint)
	must("bob", "org", "join", "--store", "dir:"+ts.MkAbs("firm"), "--fingerprint", fingerprint)
	must("eve", "org", "join", "--store", "dir:"+ts.MkAbs("firm"), "--fingerprint", fingerprint)
	must("bob", "identity", "card", "--out", ts.MkAbs("bob.card"))
	must("bob", "identity", "show", "--json")
	must("alice", "member", "add", ts.MkAbs("bob.card"), "--role", "member", "--safety-number", member(ts, ts.ReadFile("stdout"), "safety_number"))
	for _, f := range []string{"phone", "address", "birthday"} {
		must("alice", "field", "new", f)
	}
	for _, f := range []string{"phone", "address"} {
		must("alice", "field", "grant", f, "--to", "bob@example.com")
	}
}

// member is a member of a JSON object that is a string.
func member(ts *testscript.TestScript, object, name string) string {
	_, rest, ok := strings.Cut(object, fmt.Sprintf("%q:\"", name))
	value, _, end := strings.Cut(rest, `"`)
	if !ok || !end {
		ts.Fatalf("no %s in %s", name, object)
	}
	return value
}

func jsonString(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: field FILE NAME VARIABLE")
	}
	ts.Setenv(args[2], member(ts, ts.ReadFile(args[0]), args[1]))
}

func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%q is %d times in %s", args[1], strings.Count(text, args[1]), args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// mergeColumns writes OUT: of each row of A the cells of these columns, and of
// the same row of B all others, every byte as it stands there.
func mergeColumns(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: columns A B OUT COLUMN...")
	}
	a, b := rawCells(ts.ReadFile(args[0])), rawCells(ts.ReadFile(args[1]))
	if len(a) != len(b) || len(a) == 0 {
		ts.Fatalf("%d and %d rows", len(a), len(b))
	}
	for _, name := range args[3:] {
		i := columnOf(ts, a, name)
		for row := range b {
			b[row][i] = a[row][i]
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(joinCells(b)), 0o600))
}

// onCells is a command on cells of a file: names of columns first, then rows.
func onCells(usage string, columns, rows int, change func(cells []*string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != columns+rows {
			ts.Fatalf("usage: %s", usage)
		}
		text := rawCells(ts.ReadFile(args[0]))
		var cells []*string
		for _, column := range args[1:columns] {
			for _, row := range args[columns:] {
				i, err := strconv.Atoi(row)
				ts.Check(err)
				cells = append(cells, &text[i][columnOf(ts, text, column)])
			}
		}
		change(cells)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(joinCells(text)), 0o600))
	}
}

// swapCells exchanges two cells and leaves what ends each where it is.
func swapCells(cells []*string) {
	a, endA := cutEnd(*cells[0])
	b, endB := cutEnd(*cells[1])
	*cells[0], *cells[1] = b+endA, a+endB
}

func cutEnd(cell string) (text, end string) {
	text = strings.TrimRight(cell, "\r\n,")
	return text, cell[len(text):]
}

func flipCell(cells []*string) {
	text, end := cutEnd(*cells[0])
	at := len(text) - 4
	*cells[0] = text[:at] + other(text[at]) + text[at+1:] + end
}

// other is another sign of a token's alphabet.
func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func alien(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: alien FILE")
	}
	parts := strings.Split(ts.ReadFile(args[0]), "us1.")
	for i, p := range parts[1:] {
		parts[i+1] = p[:6] + other(p[6]) + p[7:]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(parts, "us1.")), 0o600))
}

func appendLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE LINE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+args[1]+"\n"), 0o600))
}

func columnOf(ts *testscript.TestScript, rows [][]string, name string) int {
	i := slices.IndexFunc(rows[0], func(cell string) bool { return strings.Trim(cell, "\r\n,") == name })
	if i < 0 {
		ts.Fatalf("no column %s", name)
	}
	return i
}

func joinCells(rows [][]string) string {
	var out strings.Builder
	for _, row := range rows {
		out.WriteString(strings.Join(row, ""))
	}
	return out.String()
}

// rawCells splits a CSV file after its delimiters and line ends, and decodes
// nothing: put together again, the cells are the file.
func rawCells(text string) [][]string {
	var rows [][]string
	var row []string
	start, quoted := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '\n'):
			row = append(row, text[start:i+1])
			start = i + 1
			if c == '\n' {
				rows, row = append(rows, row), nil
			}
		}
	}
	if start < len(text) {
		row = append(row, text[start:])
	}
	if row != nil {
		rows = append(rows, row)
	}
	return rows
}

// damage changes a file of a home: damage WHO FILE garbage|newer|gone|mended,
// or the name of another home, whose file it becomes. The file as it was is
// put back by "mended".
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: damage WHO FILE HOW")
	}
	path := filepath.Join(ts.Getenv("HOMES"), args[0], args[1])
	saved := path + ".saved"
	if _, err := os.Stat(saved); err != nil {
		b, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(saved, b, 0o600))
	}
	b, err := os.ReadFile(saved)
	ts.Check(err)
	switch args[2] {
	case "garbage":
		b = append([]byte("garbage"), b...)
	case "newer":
		if b[0] == '{' {
			b = []byte(strings.Replace(string(b), `"version":1`, `"version":2`, 1))
		} else {
			b[1] = 23 // the first member of the array, far ahead
		}
	case "gone":
		ts.Check(os.Remove(path))
		return
	case "mended":
	default:
		b, err = os.ReadFile(filepath.Join(ts.Getenv("HOMES"), args[2], args[1]))
		ts.Check(err)
	}
	ts.Check(os.WriteFile(path, b, 0o600))
}
