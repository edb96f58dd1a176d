package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// TestCSVStory runs the demo of a file with the real program: it checks every row itself
// and fails where the story is not true.
func TestCSVStory(t *testing.T) {
	testenv.NotShort(t)
	binary := filepath.Join(t.TempDir(), "underseal")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/underseal").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out bytes.Buffer
	if err := tellCSV(t.Context(), binary, "../../testdata/legislators.csv", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"537 rows", "byte for byte the file that she sealed (172753 bytes)", "All 537 rows were checked",
		"(exit 5)", "(exit 7)", `row 1, line 2, record "C000127", column "phone"`, "Nothing was written.", "bin/underseal setup",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story lacks %q", want)
		}
	}
}

// TestClioStory runs the demo of a firm with the real programs, on a smaller
// firm: it checks every value itself and fails where the story is not true.
func TestClioStory(t *testing.T) {
	testenv.NotShort(t)
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "../../cmd/underseal", "../../cmd/underseal-cliosim").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out bytes.Buffer
	if err := tellClio(t.Context(), filepath.Join(dir, "underseal"), filepath.Join(dir, "underseal-cliosim"), 300, 450, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"750 records, 12 custom fields", "raised for this demo", "killed (SIGKILL) when 300 of 750", "every value in 12 protected fields is sealed, and opens",
		"WHAT CLIO STORES", "us1.", "the same.", "\ninterrupted, resumed, verified, undone\n", "bin/underseal setup",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story lacks %q", want)
		}
	}
}
