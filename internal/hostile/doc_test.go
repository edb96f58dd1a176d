package hostile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAttacksAreListed holds doc/attacks.md against the tests: every attack
// test is on the page, and every test on the page exists where it says.
func TestAttacksAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../doc/attacks.md")
	must(t, err)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	existing := map[string]bool{} // "package: test"
	attacks := 0
	must(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path) // #nosec G304 G122 -- this module's own files
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel("../..", filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range function.FindAllStringSubmatch(string(code), -1) {
			existing[filepath.ToSlash(pkg)+": "+m[1]] = true
			if strings.HasPrefix(m[1], "TestAttack") && !strings.HasPrefix(m[1], "TestAttacks") {
				attacks++
				if !strings.Contains(string(page), "`"+m[1]+"`") {
					t.Errorf("doc/attacks.md lacks %s of %s", m[1], pkg)
				}
			}
		}
		return nil
	}))
	if attacks < 50 {
		t.Fatalf("only %d attack tests found", attacks)
	}
	// A cell lists `package`: `Test`, `Test`; `package`: `Test`.
	group := regexp.MustCompile("`([a-z/]+)`: ((?:`\\w+`(?:, )?)+)")
	named := 0
	for _, m := range group.FindAllStringSubmatch(string(page), -1) {
		for _, test := range regexp.MustCompile(`\w+`).FindAllString(m[2], -1) {
			named++
			if !existing[m[1]+": "+test] {
				t.Errorf("doc/attacks.md names %s of %s, which does not exist", test, m[1])
			}
		}
	}
	if named < attacks {
		t.Errorf("%d tests named, %d attack tests exist", named, attacks)
	}
	// The attacks that what is built so far has to defeat.
	for _, n := range []string{
		"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
		"18", "19", "20", "21", "22", "23", "25", "26", "27", "28", "36", "37", "38", "39", "40", "41", "42",
		"43", "45", "46", "47", "50", "51", "52", "58", "60", "61", "62", "63", "64", "65", "67",
	} {
		if !regexp.MustCompile(`(?m)^\| ` + n + ` \|.*: ` + "`").Match(page) {
			t.Errorf("attack %s has no test", n)
		}
	}
}
