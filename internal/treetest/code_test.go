package treetest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documented finds packages without exactly one comment that says what they
// are for.
func documented(dir string, sources []source) []string {
	var comments, files int
	var found []string
	for _, s := range sources {
		if s.isTest() {
			continue
		}
		files++
		if s.tree.Doc == nil {
			continue
		}
		comments++
		want := "Package " + s.tree.Name.Name + " "
		if s.tree.Name.Name == "main" {
			want = "Command " + path.Base(dir) + " "
		}
		if !strings.HasPrefix(s.tree.Doc.Text(), want) {
			found = append(found, fmt.Sprintf("%s: its comment does not begin with %q", s.name, want))
		}
	}
	if files > 0 && comments != 1 {
		found = append(found, fmt.Sprintf("%s: %d package comments, want 1", dir, comments))
	}
	return found
}

// public tells whether the package in dir is for programs to call. A suite of
// tests (storetest) is not: an example has no test to run it in.
func public(dir string) bool {
	if strings.HasSuffix(dir, "test") {
		return false
	}
	top, _, _ := strings.Cut(dir, "/")
	return !slices.Contains([]string{"internal", "cmd", "wasm", "bench", "tools", "testdata", "spec", "."}, top)
}

// exemplified finds public packages without an example that runs.
func exemplified(dir string, sources []source) []string {
	if !public(dir) {
		return nil
	}
	for _, s := range sources {
		for _, f := range functions(s, "Example") {
			for _, c := range s.tree.Comments {
				text := strings.ToLower(c.Text())
				within := c.Pos() > f.Body.Pos() && c.End() < f.Body.End()
				if within && (strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")) {
					return nil
				}
			}
		}
	}
	return []string{dir + ": a public package without an Example that has an output"}
}

// tested finds packages without any test. A package whose code is for one
// system alone has tests where that system is.
func tested(dir string, sources []source) []string {
	var code int
	for _, s := range sources {
		if len(functions(s, "Test"))+len(functions(s, "Fuzz"))+len(functions(s, "Example")) > 0 && s.isTest() {
			return nil
		}
		if !s.isTest() && len(s.tree.Decls) > 0 {
			code++
		}
	}
	// What only tests call is tested by them; these programs run as a part of
	// make test each.
	whole := []string{"internal/demo", "internal/vectors", "internal/wasmsize"}
	if code == 0 || strings.HasSuffix(dir, "test") || slices.Contains(whole, dir) {
		return nil
	}
	return []string{dir + ": a package without a test"}
}

// functions are the top-level functions whose name starts with prefix.
func functions(s source, prefix string) []*ast.FuncDecl {
	var found []*ast.FuncDecl
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, prefix) {
			found = append(found, f)
		}
	}
	return found
}

// skipping finds tests that skip by themselves: only internal/testenv does,
// so that CI sees what was missing. A rapid.T that skips draws another case, a
// fuzz target that skips an input waits for the next.
func skipping(s source) []string {
	if s.dir() == "internal/testenv" {
		return nil
	}
	return calls(s, "skips by itself: use internal/testenv", func(around []ast.Node, on, name string) bool {
		fuzz := slices.ContainsFunc(around, func(n ast.Node) bool {
			f, ok := n.(*ast.FuncDecl)
			return ok && strings.HasPrefix(f.Name.Name, "Fuzz")
		})
		return !fuzz && !strings.HasSuffix(s.name, "fuzz_test.go") && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) &&
			slices.Contains([]string{"t", "b", "f", "tb"}, on) && paramType(around, on) != "rapid.T"
	})
}

// sleeping finds tests that wait for a time instead of for an event. Under
// testing/synctest a sleep takes no time and ends when all others wait.
func sleeping(s source) []string {
	synctest := slices.ContainsFunc(s.tree.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
	if !s.isTest() || synctest {
		return nil
	}
	return calls(s, "sleeps: wait for the event, or use testing/synctest", func(_ []ast.Node, on, name string) bool {
		return on == "time" && name == "Sleep"
	})
}

// calls finds calls of the form on.name() that match; around are the nodes
// that the call is in.
func calls(s source, what string, match func(around []ast.Node, on, name string) bool) []string {
	var found []string
	var around []ast.Node // the nodes that n is in, and n
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		around = append(around, n)
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			if on, ok := sel.X.(*ast.Ident); ok && match(around, on.Name, sel.Sel.Name) {
				found = append(found, fmt.Sprintf("%s:%d: %s", s.name, s.fset.Position(n.Pos()).Line, what))
			}
		}
		return true
	})
	return found
}

// paramType is the type, without a "*", of the parameter of the innermost
// function of around that has one of this name.
func paramType(around []ast.Node, name string) string {
	for _, n := range slices.Backward(around) {
		var params *ast.FieldList
		switch f := n.(type) {
		case *ast.FuncLit:
			params = f.Type.Params
		case *ast.FuncDecl:
			params = f.Type.Params
		default:
			continue
		}
		for _, p := range params.List {
			if slices.ContainsFunc(p.Names, func(i *ast.Ident) bool { return i.Name == name }) {
				return strings.TrimPrefix(types.ExprString(p.Type), "*")
			}
		}
	}
	return ""
}

// labels finds labels outside the one file that has them all, and two names
// for one label: what is sealed or signed for one purpose must not pass for
// another.
func labels(sources []source) []string {
	const home = "internal/wire/labels.go"
	var found []string
	seen := map[string]bool{}
	for _, s := range sources {
		if s.isTest() {
			continue // a test may write out what it expects
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil || !strings.HasPrefix(text, "underseal/v") {
				return true
			}
			at := fmt.Sprintf("%s:%d", s.name, s.fset.Position(n.Pos()).Line)
			if s.name != home {
				found = append(found, fmt.Sprintf("%s: the label %q belongs in %s", at, text, home))
			} else if seen[text] {
				found = append(found, fmt.Sprintf("%s: a second label %q", at, text))
			}
			seen[text] = true
			return true
		})
	}
	if len(seen) == 0 {
		found = append(found, home+": no label was found")
	}
	return found
}

// seeded finds fuzz targets without a committed corpus, which as ordinary
// tests would test nothing.
func seeded(s source, files []file) []string {
	var found []string
	for _, f := range functions(s, "Fuzz") {
		corpus := path.Join(s.dir(), "testdata/fuzz", f.Name.Name) + "/"
		if s.isTest() && !slices.ContainsFunc(files, func(f file) bool { return strings.HasPrefix(f.name, corpus) }) {
			found = append(found, fmt.Sprintf("%s: %s has no seeds in %s", s.name, f.Name.Name, corpus))
		}
	}
	return found
}

func TestCode(t *testing.T) {
	t.Parallel()
	files := checkout(t)
	sources := parse(t, files)
	var found []string
	for dir, pkg := range packages(sources) {
		found = append(found, documented(dir, pkg)...)
		found = append(found, exemplified(dir, pkg)...)
		found = append(found, tested(dir, pkg)...)
	}
	for _, s := range sources {
		found = append(found, skipping(s)...)
		found = append(found, sleeping(s)...)
		found = append(found, seeded(s, files)...)
	}
	found = append(found, labels(sources)...)
	slices.Sort(found)
	for _, line := range found {
		t.Error(line)
	}
}

func TestCodeChecksBite(t *testing.T) {
	t.Parallel()
	pkg := func(check func(string, []source) []string) func([]source) []string {
		return func(s []source) []string { return check(s[0].dir(), s) }
	}
	one := func(check func(source) []string) func([]source) []string {
		return func(s []source) []string { return check(s[0]) }
	}
	withSeed := func(s []source) []string { return seeded(s[0], []file{{"a/testdata/fuzz/FuzzA/0", ""}}) }
	example := "package a_test\nfunc Example() {\n\tprint()\n\t// Output: x\n}\n"

	for _, c := range []struct {
		check func([]source) []string
		name  string
		code  string
		found int
	}{
		{pkg(documented), "a/a.go", "// Package a is.\npackage a\n", 0},
		{pkg(documented), "a/a.go", "package a\n", 1},
		{pkg(documented), "a/a.go", "// This is a.\npackage a\n", 1},
		{pkg(documented), "cmd/a/a.go", "// Command a is.\npackage main\n", 0},
		{pkg(documented), "cmd/a/a.go", "// Package main is.\npackage main\n", 1},
		{pkg(documented), "a/a_test.go", "package a\n", 0},
		{pkg(exemplified), "a/a_test.go", example, 0},
		{pkg(exemplified), "a/a_test.go", strings.Replace(example, "Output", "Prints", 1), 1},
		{pkg(exemplified), "a/a.go", "package a\n", 1},
		{pkg(exemplified), "internal/a/a.go", "package a\n", 0},
		{pkg(tested), "a/a.go", "package a\nvar A = 1\n", 1},
		{pkg(tested), "a/a_test.go", "package a\nfunc TestA() {}\n", 0},
		{pkg(tested), "a/doc.go", "package a\n", 0},
		{pkg(tested), "a/atest/a.go", "package atest\nvar A = 1\n", 0},
		{one(skipping), "a/a_test.go", "package a\nfunc x(t *T) { t.Skip() }\n", 1},
		{one(skipping), "a/a_test.go", "package a\nfunc x(tb TB) { if y { tb.Skipf() }; z.Skip() }\n", 1},
		{one(skipping), "a/a_test.go", "package a\nfunc x(t *testing.T) { y(func(t *rapid.T) { t.Skip() }) }\n", 0},
		{one(skipping), "a/a_test.go", "package a\nfunc x(t *rapid.T) { y(func(t *testing.T) { t.Skip() }) }\n", 1},
		{one(skipping), "a/a_test.go", "package a\nfunc FuzzX(f *F) { y(func(t *testing.T) { t.Skip() }) }\n", 0},
		{one(skipping), "a/fuzz_test.go", "package a\nfunc check(t *testing.T) { t.Skip() }\n", 0},
		{one(skipping), "internal/testenv/a.go", "package a\nfunc x(t *T) { t.Skip() }\n", 0},
		{one(sleeping), "a/a_test.go", "package a\nfunc x() { time.Sleep(1) }\n", 1},
		{one(sleeping), "a/a_test.go", "package a\nimport `time`\nimport \"testing/synctest\"\nfunc x() { time.Sleep(1) }\n", 0},
		{one(sleeping), "a/a.go", "package a\nfunc x() { time.Sleep(1) }\n", 0},
		{labels, "internal/wire/labels.go", "package wire\nconst ( A = `underseal/v1/a`; B = \"underseal/v1/b\" )\n", 0},
		{labels, "internal/wire/labels.go", "package wire\nconst ( A = `underseal/v1/a`; B = \"underseal/v1/a\" )\n", 1},
		{labels, "a/a.go", "package a\nconst A = `underseal/v1/a`\n", 1},
		{labels, "a/a.go", "package a\n", 1},
		{withSeed, "a/a_test.go", "package a\nfunc FuzzA(f *F) {}\n", 0},
		{withSeed, "a/a_test.go", "package a\nfunc FuzzB(f *F) {}\n", 1},
		{withSeed, "b/a_test.go", "package b\nfunc FuzzA(f *F) {}\n", 1},
	} {
		if got := c.check(parse(t, []file{{c.name, c.code}})); len(got) != c.found {
			t.Errorf("%s %q: found %q, want %d", c.name, c.code, got, c.found)
		}
	}
}
