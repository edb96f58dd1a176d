package main

import (
	"context"
	"errors"
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

// Two programs of one home: each opens the lock file anew, as two processes do.
func TestHomeLock(t *testing.T) {
	t.Parallel()
	home := homeDir(t.TempDir())
	unlock, err := home.Lock(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := home.Lock(ended, "notes"); !errors.Is(err, context.Canceled) {
		t.Errorf("locked twice: %v", err)
	}
	other, err := home.Lock(ended, "other")
	if err != nil {
		t.Errorf("another file: %v", err)
	} else {
		other()
	}
	next := make(chan error, 1)
	go func() {
		free, err := home.Lock(t.Context(), "notes")
		if err == nil {
			free()
		}
		next <- err
	}()
	unlock()
	if err := <-next; err != nil {
		t.Error(err)
	}
	free, err := homeDir(filepath.Join(string(home), "nowhere")).Lock(ended, "notes")
	if err != nil {
		t.Errorf("without a folder: %v", err)
	} else {
		free()
	}
}
