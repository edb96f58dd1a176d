package treetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// listed is a test as a page names it: the folder of its package, and its name.
type listed struct{ pkg, test string }

func (l listed) String() string { return l.test + " of " + l.pkg }

var group = regexp.MustCompile("`([a-z/]+)`: ((?:`\\w+`(?:, )?)+)")

// named are the tests that a text names, as `package`: `Test`, `Test`;
// `package`: `Test`.
func named(text string) (list []listed) {
	for _, g := range group.FindAllStringSubmatch(text, -1) {
		for _, test := range regexp.MustCompile(`\w+`).FindAllString(g[2], -1) {
			list = append(list, listed{g[1], test})
		}
	}
	return list
}

// tests are those that there are, in order.
func tests(sources []source) (list []listed) {
	for _, s := range sources {
		if !s.isTest() {
			continue
		}
		for _, f := range slices.Concat(functions(s, "Test"), functions(s, "Fuzz")) {
			list = append(list, listed{s.dir(), f.Name.Name})
		}
	}
	return list
}

// missing finds tests that a page names and that there are not.
func missing(page, text string, sources []source) (found []string) {
	there := tests(sources)
	for _, l := range named(text) {
		if !slices.Contains(there, l) {
			found = append(found, fmt.Sprintf("%s names %s, which does not exist", page, l))
		}
	}
	return found
}

// rows are the lines of the tables of a page, without those that begin one.
func rows(text string) (list []string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "| ---")
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") && !head {
			list = append(list, line)
		}
	}
	return list
}

// content is a file of the checkout.
func content(t *testing.T, files []file, name string) string {
	t.Helper()
	i := slices.IndexFunc(files, func(f file) bool { return f.name == name })
	if i < 0 {
		t.Fatalf("%s is missing", name)
	}
	return files[i].content
}

// TestAttacksAreListed holds doc/attacks.md against the tests: every attack
// test is on the page, and every test on the page exists where it says.
func TestAttacksAreListed(t *testing.T) {
	t.Parallel()
	files := checkout(t)
	sources := parse(t, files)
	page := content(t, files, "doc/attacks.md")
	for _, line := range missing("doc/attacks.md", page, sources) {
		t.Error(line)
	}
	attacks := 0
	for _, l := range tests(sources) {
		if !strings.HasPrefix(l.test, "TestAttack") || strings.HasPrefix(l.test, "TestAttacks") {
			continue
		}
		attacks++
		if !strings.Contains(page, "`"+l.test+"`") {
			t.Errorf("doc/attacks.md lacks %s", l)
		}
	}
	if n := len(named(page)); attacks < 50 || n < attacks {
		t.Errorf("%d tests named, %d attack tests exist", n, attacks)
	}
	// The attacks that what is built so far has to defeat.
	for _, n := range []string{
		"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
		"18", "19", "20", "21", "22", "23", "25", "26", "27", "28", "36", "37", "38", "39", "40", "41", "42",
		"43", "45", "46", "47", "50", "51", "52", "58", "60", "61", "62", "63", "64", "65", "67",
	} {
		if !regexp.MustCompile(`(?m)^\| ` + n + ` \|.*: ` + "`").MatchString(page) {
			t.Errorf("attack %s has no test", n)
		}
	}
}

// TestFaultsAreListed holds doc/faults.md against the tests.
func TestFaultsAreListed(t *testing.T) {
	t.Parallel()
	const drills = "internal/killtest"
	files := checkout(t)
	sources := parse(t, files)
	page := content(t, files, "doc/faults.md")
	table := rows(page)
	for _, line := range table {
		if len(named(line)) == 0 {
			t.Errorf("no test for: %s", line)
		}
	}
	all := strings.Join(table, "\n")
	for _, line := range missing("doc/faults.md", all, sources) {
		t.Error(line)
	}
	own := 0
	for _, l := range tests(sources) {
		if l.pkg != drills || l.test == "TestMain" {
			continue
		}
		own++
		if !slices.Contains(named(all), l) {
			t.Errorf("doc/faults.md lacks %s", l)
		}
	}
	if len(table) < 25 || own < 10 {
		t.Errorf("%d rows, %d tests", len(table), own)
	}
	// What has to be survived, whatever else is listed.
	for _, fault := range []string{
		"wrong id or secret", "wrong region", "token revoked in the middle", "permission missing", "field deleted while running",
		"field renamed while running", "edited by a person while running", "looks like a token", "two officers start the same job",
		"killed while holding the lease", "disk full under the journal", "journal deleted", "SIGKILL at random instants",
		"SIGKILL at every numbered write", "network gone for an hour", "never taken for \"empty\"",
	} {
		if !strings.Contains(page, fault) {
			t.Errorf("doc/faults.md lacks %q", fault)
		}
	}
}

func TestMissingBites(t *testing.T) {
	t.Parallel()
	sources := parse(t, []file{{"a/b/a_test.go", "package a\nfunc TestA() {}\nfunc FuzzB() {}\nfunc (x) TestC() {}\n"}, {"a/b/a.go", "package a\nfunc TestD() {}\n"}})
	for text, want := range map[string]int{
		"| x | `a/b`: `TestA`, `FuzzB` |":   0,
		"| x | `a`: `TestA`; `a/b`: `Fu` |": 2,
		"| x | `a/b`: `TestC`, `TestD` |":   2,
		"TestE":                             0,
	} {
		if got := missing("page", text, sources); len(got) != want {
			t.Errorf("%s: found %q, want %d", text, got, want)
		}
	}
	if got := rows("text\n\n| what | test |\n| --- | --- |\n| a | b |\n| c | d |\n\n| e |\n"); !slices.Equal(got, []string{"| a | b |", "| c | d |", "| e |"}) {
		t.Errorf("rows %q", got)
	}
}
