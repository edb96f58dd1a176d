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
