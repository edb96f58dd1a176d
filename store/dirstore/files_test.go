package dirstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file and makes the folders above it.
func write(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
}

func mkdir(t testing.TB, path ...string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Join(path...), 0o755))
}

// remove removes what must be there.
func remove(t testing.TB, path string) {
	t.Helper()
	_, err := os.Lstat(path)
	check(t, err)
	check(t, os.RemoveAll(path))
}

// replace changes what must be in a file.
func replace(t testing.TB, path, old, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	write(t, path, strings.Replace(string(data), old, to, 1))
}

// match returns the one file of the store that the pattern means.
func match(t testing.TB, path, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path, pattern))
	check(t, err)
	if len(found) != 1 {
		t.Fatalf("%s: %q", pattern, found)
	}
	return found[0]
}

// tree is the content of every regular file below path, and of links their
// target.
func tree(t testing.TB, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		switch {
		case d.Type().IsRegular():
			data, err := os.ReadFile(name)
			files[rel] = string(data)
			return err
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			files[rel] = "-> " + target
			return err
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}
