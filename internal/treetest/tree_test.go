package treetest

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// file is one file of the checkout; name has slashes and starts at its root.
type file struct {
	name    string
	content string
}

// lines counts as an editor does.
func (f file) lines() int { return strings.Count(f.content, "\n") }

func (f file) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// text tells whether f is written by people for people, which data is not.
func (f file) text() bool {
	return !slices.Contains(strings.Split(path.Dir(f.name), "/"), "testdata") ||
		slices.Contains([]string{".js", ".mjs", ".ts", ".md"}, path.Ext(f.name)) ||
		strings.HasPrefix(path.Base(f.name), "package")
}

// source is a parsed Go file.
type source struct {
	file
	fset *token.FileSet
	tree *ast.File
}

// dir is the folder of a Go file, "." for the root.
func (s source) dir() string { return path.Dir(s.name) }

// checkout reads every file that git knows, and those that it would add.
func checkout(t *testing.T) []file {
	t.Helper()
	root := "../.."
	_, err := os.Stat(filepath.Join(root, ".git"))
	testenv.Require(t, "a git checkout", err == nil, "git clone the project")
	testenv.Tool(t, "git", "git")
	// A checkout may belong to another user, from which git keeps away.
	out, err := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []file
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet in git
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{name, string(content)})
	}
	if len(files) < 50 {
		t.Fatalf("only %d files: this is not the checkout", len(files))
	}
	return files
}

// parse parses the Go files that are part of a package.
func parse(t *testing.T, files []file) []source {
	t.Helper()
	var sources []source
	for _, f := range files {
		if path.Ext(f.name) != ".go" || strings.Contains(f.name, "testdata/") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, f.name, f.content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		sources = append(sources, source{f, fset, tree})
	}
	if len(sources) == 0 {
		t.Fatal("no Go file was found")
	}
	return sources
}

// packages groups Go files by folder.
func packages(sources []source) map[string][]source {
	byDir := map[string][]source{}
	for _, s := range sources {
		byDir[s.dir()] = append(byDir[s.dir()], s)
	}
	return byDir
}
