//go:build !js

package sqlitejournal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/bulk/sqlitejournal"
)

func open(t *testing.T, path string) *sqlitejournal.Journal {
	t.Helper()
	j, err := sqlitejournal.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func TestJournal(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) func() bulk.Journal {
		path := filepath.Join(t.TempDir(), "a journal? 100%#.db")
		return func() bulk.Journal { return open(t, path) }
	})
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.db")
	j := open(t, path)
	if err := j.Intend(t.Context(), "job", []bulk.Entry{{Kind: "matter", Record: "1", Field: "2", Token: "us1.a"}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 {
		t.Errorf("%v %v", names, err)
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("this is a text and no database, and it is long enough to have had a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitejournal.Open(t.Context(), other); !errors.Is(err, sqlitejournal.ErrDamaged) {
		t.Errorf("a text: %v", err)
	}
	if _, err := sqlitejournal.Open(t.Context(), dir); err == nil {
		t.Error("a directory was opened")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	j, err := sqlitejournal.Open(ctx, filepath.Join(dir, "journal.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = j.Close() }()
	jobs, err := j.Jobs(ctx)
	fmt.Println(len(jobs), err)
	// Output: 0 <nil>
}
