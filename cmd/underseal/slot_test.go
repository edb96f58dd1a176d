package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSlots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, free := takeSlot(dir)
	second, freeSecond := takeSlot(dir)
	defer freeSecond()
	if len(first) != 16 || len(second) != 16 || first == second {
		t.Fatalf("%q %q", first, second)
	}
	free()
	if again, free := takeSlot(dir); again != first {
		t.Errorf("%q does not follow %q", again, first)
	} else {
		free()
	}
	if err := os.WriteFile(filepath.Join(dir, "process-0.lock"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other, free := takeSlot(dir); len(other) != 16 || other == first || other == second {
		t.Errorf("%q", other)
	} else {
		free()
	}
	if name, free := takeSlot(filepath.Join(dir, "nowhere")); name != "" {
		t.Errorf("%q without a folder", name)
	} else {
		free()
	}
}
