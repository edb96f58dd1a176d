package killtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaultsAreListed holds doc/faults.md against the tests.
func TestFaultsAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../doc/faults.md")
	must(t, err)
	page := string(text)
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	tests := func(dir string) map[string]bool {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
		must(t, err)
		found := map[string]bool{}
		for _, f := range files {
			code, err := os.ReadFile(f)
			must(t, err)
			for _, m := range function.FindAllStringSubmatch(string(code), -1) {
				found[m[1]] = true
			}
		}
		return found
	}
	named := map[string]bool{}
	group := regexp.MustCompile("`([a-z/]+)`: ((?:`\\w+`(?:, )?)+)")
	rows := 0
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| fault |") || strings.HasPrefix(line, "| what |") {
			continue
		}
		rows++
		groups := group.FindAllStringSubmatch(line, -1)
		if len(groups) == 0 {
			t.Errorf("no test for: %s", line)
		}
		for _, g := range groups {
			existing := tests(g[1])
			for _, name := range regexp.MustCompile(`\w+`).FindAllString(g[2], -1) {
				if !existing[name] {
					t.Errorf("doc/faults.md names %s of %s, which does not exist", name, g[1])
				}
				if g[1] == "internal/killtest" {
					named[name] = true
				}
			}
		}
	}
	own := tests("internal/killtest")
	delete(own, "TestMain")
	for name := range own {
		if !named[name] {
			t.Errorf("doc/faults.md lacks %s", name)
		}
	}
	if rows < 25 || len(own) < 10 {
		t.Errorf("%d rows, %d tests", rows, len(own))
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
