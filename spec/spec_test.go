package spec_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/underseal/underseal/officer"
)

// table returns the rows of the first table after a line that begins with
// heading, without its head, cell by cell.
func table(t *testing.T, page, heading string) [][]string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	found := false
	for line := range strings.SplitSeq(string(b), "\n") {
		switch {
		case !found:
			found = strings.HasPrefix(line, heading)
		case strings.HasPrefix(line, "|"):
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			rows = append(rows, cells)
		case len(rows) > 0 || strings.HasPrefix(line, "#"):
			found = false
		}
		if !found && len(rows) > 0 {
			break
		}
	}
	if len(rows) < 3 {
		t.Fatalf("%s: no table after %q", page, heading)
	}
	return rows[2:]
}

// constants evaluates the constants of one file of a package, which must not
// need the package's other files.
func constants(t *testing.T, path string) map[string]constant.Value {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{}).Check("wire", fset, []*ast.File{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]constant.Value{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok {
			out[name] = c.Val()
		}
	}
	return out
}

func TestLabels(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, v := range constants(t, "../internal/wire/labels.go") {
		want = append(want, constant.StringVal(v))
	}
	for _, row := range table(t, "suite.md", "## Labels") {
		got = append(got, row[0])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("suite.md has\n%s\nlabels.go has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	want := constants(t, "../internal/wire/limits.go")
	got := map[string]string{}
	for _, row := range table(t, "suite.md", "## Limits") {
		got[row[0]] = row[1]
	}
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("suite.md has %v", slices.Sorted(maps.Keys(got)))
	}
	for name, v := range want {
		if got[name] != v.ExactString() {
			t.Errorf("%s: suite.md says %s, limits.go %s", name, got[name], v.ExactString())
		}
	}
}

// unknown is how a program names an operation that it does not implement.
func unknown(number int) string { return fmt.Sprintf("operation %d", number) }

func TestOperations(t *testing.T) {
	t.Parallel()
	words := map[string]string{} // by number
	for _, row := range table(t, "log.md", "## Operations") {
		words[row[0]] = row[1]
	}
	reserved := table(t, "log-reserved.md", "## Operations")
	for _, row := range reserved {
		if words[row[0]] != "" {
			t.Errorf("both pages have operation %s", row[0])
		}
		number, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		words[row[0]] = unknown(number)
	}
	// All numbers are given out from 1 on, on one of the two pages.
	for number := 1; number <= len(words); number++ {
		if got := officer.OpKind(number).String(); got != words[fmt.Sprint(number)] {
			t.Errorf("operation %d: the pages say %q, the program %q", number, words[fmt.Sprint(number)], got)
		}
	}
	if next := len(words) + 1; officer.OpKind(next).String() != unknown(next) {
		t.Errorf("the program knows %q, which no page has", officer.OpKind(next))
	}
}

// TestSections wants a section with a table of fields for every operation.
func TestSections(t *testing.T) {
	t.Parallel()
	pages := map[string]string{} // by heading of a section
	names, err := filepath.Glob("log*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range names {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^### .*$`).FindAllString(string(b), -1) {
			pages[m] = page
		}
	}
	for _, page := range []string{"log.md", "log-reserved.md"} {
		for _, row := range table(t, page, "## Operations") {
			heading := "### " + row[0] + " " + row[1]
			if pages[heading] == "" {
				t.Errorf("no page has %q", heading)
				continue
			}
			for i, field := range table(t, pages[heading], heading) {
				if field[0] != fmt.Sprint(i+1) || field[1] == "" || field[2] == "" {
					t.Errorf("%s: field %d is %q", row[1], i+1, field)
				}
			}
		}
	}
}

// TestLinks wants every link to another page, and to a heading of it, to lead
// somewhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor := regexp.MustCompile(`[^a-z0-9 -]`)
	places := map[string]bool{}
	text := map[string]string{}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text[page], places[page] = string(b), true
		for _, h := range heading.FindAllStringSubmatch(string(b), -1) {
			anchor := notInAnchor.ReplaceAllString(strings.ToLower(h[1]), "")
			places[page+"#"+strings.ReplaceAll(anchor, " ", "-")] = true
		}
	}
	links := 0
	for page, s := range text {
		for _, m := range regexp.MustCompile(`\]\(([a-z-]*\.md)?(#[^)]*)?\)`).FindAllStringSubmatch(s, -1) {
			to := m[1]
			if to == "" {
				to = page
			}
			if links++; !places[to+m[2]] {
				t.Errorf("%s: nothing is at %s", page, to+m[2])
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// A rule is the letter of a page and a number.
var rule = regexp.MustCompile(`(?m)^\| ([A-Z])-([0-9]+) \|`)

// rules are the numbers of rules that a page defines, as "T-4".
func rules(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range rule.FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1]+"-"+m[2])
	}
	return out
}

// TestRules wants every rule defined once, everything that refers to one to
// find it, and every rule of a page with vectors to be broken by one.
func TestRules(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 9 {
		t.Fatal(pages, err)
	}
	defined := map[string]string{}
	for _, page := range pages {
		for _, r := range rules(t, page) {
			if defined[r] != "" {
				t.Errorf("%s is defined in %s and %s", r, defined[r], page)
			}
			defined[r] = page
		}
	}
	mention := regexp.MustCompile(`\b[SDCELTOQ]-[0-9]+\b`)
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range mention.FindAllString(string(b), -1) {
			if defined[r] == "" {
				t.Errorf("%s mentions %s, which no page defines", page, r)
			}
		}
	}

	broken := map[string]bool{}
	for _, name := range []string{"suite", "device", "card", "envelope", "token", "log", "log-groups", "log-members", "log-recovery", "secret", "pairing", "evidence"} {
		b, err := os.ReadFile("../testdata/vectors/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var f struct{ Vectors []struct{ Rule string } }
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		for _, v := range f.Vectors {
			broken[v.Rule] = true
			if v.Rule != "" && defined[v.Rule] == "" {
				t.Errorf("%s.json breaks %s, which no page defines", name, v.Rule)
			}
		}
		for _, r := range rules(t, name+".md") {
			if !broken[r] && !withoutVector[r] {
				t.Errorf("no vector breaks %s", r)
			}
			if broken[r] && withoutVector[r] {
				t.Errorf("a vector breaks %s: take it out of the list", r)
			}
		}
	}
}

// withoutVector are rules that no vector can break, or only a huge one.
var withoutVector = map[string]bool{
	"S-22": true, // two public keys for one commitment: a log that nobody can be made to write
	// The course of a pairing, in which one thing follows another.
	"Q-7": true, "Q-8": true, "Q-9": true, "Q-10": true, "Q-11": true,
	"T-11": true, // a value of more than a megabyte
}
