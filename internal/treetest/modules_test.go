package treetest

import (
	"regexp"
	"testing"
)

var required = regexp.MustCompile(`(?m)^(?:require)?\s+([\w.-]+\.[\w.-]+/\S+) v\S+`)

// TestModulesAreExplained keeps doc/dependencies.md complete.
func TestModulesAreExplained(t *testing.T) {
	t.Parallel()
	files := checkout(t)
	for _, line := range unexplained(content(t, files, "go.mod"), content(t, files, "doc/dependencies.md")) {
		t.Error(line)
	}
}

// unexplained finds modules that a go.mod requires and a document leaves out.
func unexplained(gomod, doc string) []string {
	modules := required.FindAllStringSubmatch(gomod, -1)
	if len(modules) == 0 {
		return []string{"no module was found in go.mod"}
	}
	var found []string
	for _, m := range modules {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(m[1]) + "`").MatchString(doc) {
			found = append(found, "doc/dependencies.md does not say why there is "+m[1])
		}
	}
	return found
}

func TestUnexplainedBites(t *testing.T) {
	t.Parallel()
	const gomod = "module example.com/m\n\ngo 1.26\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b/v2 v2.0.0 // indirect\n)\nrequire example.com/c v0.1.0\n"
	for _, c := range []struct {
		gomod, doc string
		found      int
	}{
		{gomod, "`example.com/a`, `example.com/b/v2`, `example.com/c`", 0},
		{gomod, "`example.com/a`, `example.com/b`", 2},
		{"module example.com/m\n", "", 1},
	} {
		if got := unexplained(c.gomod, c.doc); len(got) != c.found {
			t.Errorf("%q: found %q, want %d", c.doc, got, c.found)
		}
	}
}
