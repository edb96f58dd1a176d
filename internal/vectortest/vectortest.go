// Package vectortest reads the test vectors of testdata/vectors for the tests
// that hold a package against them. The form of the files is described in
// testdata/vectors/README.md. The package is for tests alone.
package vectortest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Hex is bytes that JSON shows in hexadecimal.
type Hex []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// Array returns h as an array such as wire.Hash, whose length it must have.
func Array[A ~[32]byte | ~[16]byte | ~[8]byte](tb testing.TB, h Hex) (a A) {
	tb.Helper()
	if len(h) != len(a) {
		tb.Fatalf("%d bytes in the vector, want %d", len(h), len(a))
	}
	for i := range h {
		a[i] = h[i]
	}
	return a
}

// File is a file of vectors of type V.
type File[V any] struct {
	Format  string
	Version int
	Source  string
	Entries map[string]Hex
	Vectors []V
}

// Load reads the vectors of a format, such as "token". It fails the test for
// a file of another format or version, and for one without vectors.
func Load[V any](tb testing.TB, format string) File[V] {
	tb.Helper()
	root, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			tb.Fatal("not inside the module")
		}
		root = filepath.Dir(root)
	}
	b, err := os.ReadFile(filepath.Join(root, "testdata", "vectors", format+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var f File[V]
	if err := json.Unmarshal(b, &f); err != nil {
		tb.Fatal(err)
	}
	if f.Format != "underseal "+format+" vectors" || f.Version != 1 {
		tb.Fatalf("%s.json holds %q, version %d", format, f.Format, f.Version)
	}
	if len(f.Vectors) == 0 {
		tb.Fatalf("%s.json holds no vector", format)
	}
	return f
}

// Classes tells for each rule of a page of spec/ how its refusal is told.
type Classes map[string]func(error) bool

// Is is the class of errors that wrap target.
func Is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// Check fails the test unless err is of the rule's class, or nil where there
// is no rule.
func (c Classes) Check(tb testing.TB, rule string, err error) {
	tb.Helper()
	class, known := c[rule]
	switch {
	case rule == "" && err != nil:
		tb.Errorf("refused: %v", err)
	case rule == "":
	case !known:
		tb.Errorf("rule %s has no class in this test", rule)
	case err == nil:
		tb.Errorf("accepted, want refused by %s", rule)
	case !class(err):
		tb.Errorf("refused with %v, which is not %s", err, rule)
	}
}

// Used fails the test for a class that no vector has asked for: a rule that is
// not tested.
func (c Classes) Used(tb testing.TB, rules []string) {
	tb.Helper()
	seen := map[string]bool{}
	for _, r := range rules {
		seen[r] = true
	}
	for r := range c {
		if !seen[r] {
			tb.Errorf("no vector breaks %s", r)
		}
	}
}
