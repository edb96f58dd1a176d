package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestCommitted makes all vectors anew and compares them with those that are
// committed, byte for byte.
func TestCommitted(t *testing.T) {
	t.Parallel()
	const committed = "../../testdata/vectors"
	dir := t.TempDir()
	if err := run([]string{"-out", dir}, io.Discard); err != nil {
		t.Fatal(err)
	}
	made, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(files()) {
		t.Fatalf("%d files were written, want %d", len(made), len(files()))
	}
	for _, path := range made {
		name := filepath.Base(path)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the generator writes: run make vectors and look at the difference", name)
		}
	}
	kept, err := filepath.Glob(filepath.Join(committed, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != len(made) {
		t.Errorf("%s has %d files, the generator writes %d", committed, len(kept), len(made))
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-out", "x", "y"}, {"-no"}, {"-out", filepath.Join(t.TempDir(), "missing")}} {
		if err := run(args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
