package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/underseal/underseal"

// targets are the systems of which the import graph is checked.
var targets = []target{
	{"linux", "amd64"},
	{"darwin", "arm64"},
	{"windows", "amd64"},
	browser,
}

type target struct{ os, arch string }

var browser = target{"js", "wasm"}

// graph maps a package to what its files, tests left out, import. Packages of
// this module are written "./officer", all others as they are imported.
type graph map[string][]string

// own lists the packages of this module.
func (g graph) own() []string {
	var own []string
	for _, p := range slices.Sorted(maps.Keys(g)) {
		if strings.HasPrefix(p, "./") {
			own = append(own, p)
		}
	}
	return own
}

// chain finds the shortest way from a package to one that denied says yes to,
// as a list that starts with from; nil where there is none. Only the first
// step counts unless deep is set.
func (g graph) chain(from string, deep bool, denied func(string) bool) []string {
	cameFrom := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if p != from && !deep {
			continue
		}
		for _, imported := range g[p] {
			if _, seen := cameFrom[imported]; seen {
				continue
			}
			cameFrom[imported] = p
			if denied(imported) {
				way := []string{imported}
				for ; p != ""; p = cameFrom[p] {
					way = append(way, p)
				}
				slices.Reverse(way)
				return way
			}
			queue = append(queue, imported)
		}
	}
	return nil
}

// matches tells whether package p is one of patterns: a package, a package and
// all below it where the pattern ends in "/...", or every package of this
// module whose name ends in what follows a "*".
func matches(p string, patterns ...string) bool {
	for _, pattern := range patterns {
		if end, ok := strings.CutPrefix(pattern, "*"); ok {
			if strings.HasPrefix(p, "./") && strings.HasSuffix(p, end) {
				return true
			}
			continue
		}
		if top, below := strings.CutSuffix(pattern, "/..."); below {
			if p == top || strings.HasPrefix(p, top+"/") {
				return true
			}
		} else if p == pattern {
			return true
		}
	}
	return false
}

// load asks the go command for the graph of one target.
func load(t *testing.T, on target) graph {
	t.Helper()
	// -e: a package none of whose files is for this target is no error.
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Imports,GoFiles,Error,Standard", "./...")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOOS="+on.os, "GOARCH="+on.arch, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s/%s: %v\n%s", on.os, on.arch, err, stderr.Bytes())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
			GoFiles    []string
			Standard   bool
			Error      *struct{ Err string }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil && len(p.GoFiles) > 0 {
			t.Fatalf("%s for %s/%s: %s", p.ImportPath, on.os, on.arch, p.Error.Err)
		}
		if len(p.GoFiles) == 0 && !p.Standard {
			continue
		}
		for i, imported := range p.Imports {
			p.Imports[i] = short(imported)
		}
		g[short(p.ImportPath)] = p.Imports
	}
}

func short(path string) string {
	if path == module {
		return "./"
	}
	if rest, ok := strings.CutPrefix(path, module+"/"); ok {
		return "./" + rest
	}
	return path
}

// root is the folder of the module. It touches every Go file below, so that
// the go command, which cannot see what a child process reads, does not take
// an old result of this test for the present one.
func root(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "dist"):
			return fs.SkipDir
		case filepath.Ext(name) == ".go" || name == "go.mod":
			_, err := os.Stat(path)
			// An editor's or a test's temporary file may be gone by now.
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(fmt.Errorf("reading the module: %w", err))
	}
	return root
}
