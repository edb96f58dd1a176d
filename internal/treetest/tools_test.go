package treetest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wanted is how tests ask for a program (testenv.Tool and what wraps it): its name
// and its Debian package.
var wanted = regexp.MustCompile(`(?i)tool\((?:t, )?"([\w-]+)", "([\w-]+)"`)

// alwaysThere are packages that every Debian with this checkout has.
var alwaysThere = []string{"bsdutils", "git"}

// TestToolsAreInstalled keeps scripts/install.sh complete: where everything is
// required, a fresh machine would fail otherwise.
func TestToolsAreInstalled(t *testing.T) {
	t.Parallel()
	files := checkout(t)
	i := slices.IndexFunc(files, func(f file) bool { return f.name == "scripts/install.sh" })
	if i < 0 {
		t.Fatal("scripts/install.sh is missing")
	}
	for _, line := range uninstalled(files, files[i].content) {
		t.Error(line)
	}
}

func uninstalled(files []file, script string) (found []string) {
	asked := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.name, ".go") || strings.HasPrefix(f.name, "internal/testenv/") || strings.HasPrefix(f.name, "internal/treetest/") {
			continue
		}
		for _, m := range wanted.FindAllStringSubmatch(f.content, -1) {
			debian := m[2]
			if asked[debian] || slices.Contains(alwaysThere, debian) {
				continue
			}
			asked[debian] = true
			if !regexp.MustCompile(`(?m)^\s"\S+ ` + regexp.QuoteMeta(debian) + ` `).MatchString(script) {
				found = append(found, f.name+" needs "+m[1]+": scripts/install.sh does not install "+debian)
			}
		}
	}
	if len(asked) == 0 {
		found = append(found, "no program is asked for")
	}
	return found
}

func TestUninstalledBites(t *testing.T) {
	t.Parallel()
	const script = "tools=(\n\t\"age age the tests\"\n\t\"pdftoppm poppler-utils the tests\"\n)\n"
	for _, c := range []struct {
		code  string
		found int
	}{
		{`testenv.Tool(t, "pdftotext", "poppler-utils"); testenv.Tool(t, "age", "age")`, 0},
		{`w.tool("zbarimg", "zbar-tools", "-q")`, 1},
		{`testenv.Tool(t, "script", "bsdutils"); testenv.Tool(t, "ag", "ag")`, 1},
		{`nothing`, 1},
	} {
		if got := uninstalled([]file{{"a/a_test.go", c.code}}, script); len(got) != c.found {
			t.Errorf("%s: found %q, want %d", c.code, got, c.found)
		}
	}
}
