package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// ways that this system may have, by name.
func ways() map[string]way {
	return map[string]way{"link": link, "rename": noReplace, "reserve": reserve}
}

// One of several writers wins, whichever way each of them goes, and readers
// see nothing or the whole.
func TestEveryWayIsExclusiveAgainstEveryOther(t *testing.T) {
	t.Parallel()
	const writers, rounds, size = 6, 40, 64 << 10
	mixes := map[string][]way{"mixed": {link, noReplace, reserve}}
	for name, w := range ways() {
		mixes[name] = []way{w}
	}
	for name, mix := range mixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			for round := range rounds {
				target := fmt.Sprintf("%d.entry", round)
				var wins atomic.Int32
				var wait sync.WaitGroup
				start := make(chan struct{})
				for i := range writers {
					content := make([]byte, size)
					for j := range content {
						content[j] = byte(i)
					}
					f, err := d.begin(target)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := f.Write(content); err != nil {
						t.Fatal(err)
					}
					wait.Go(func() {
						<-start
						err := d.exclusively(f.temp, f.name, mix[i%len(mix)])
						switch {
						case err == nil:
							wins.Add(1)
						case !errors.Is(err, ErrExists):
							t.Errorf("writer %d: %v", i, err)
						}
						f.Abort()
					})
				}
				done := make(chan struct{})
				watched := make(chan struct{})
				go func() {
					defer close(watched)
					for {
						checkWhole(t, filepath.Join(d.root.Name(), target), size)
						select {
						case <-done:
							return
						default:
						}
					}
				}()
				close(start)
				wait.Wait()
				close(done)
				<-watched
				if wins.Load() != 1 {
					t.Fatalf("round %d: %d winners", round, wins.Load())
				}
				checkWhole(t, filepath.Join(d.root.Name(), target), size)
			}
			names, err := d.Names(".")
			if err != nil || len(names) != rounds {
				t.Errorf("%d files, %v", len(names), err)
			}
			onlyCount(t, d.root.Name(), rounds)
		})
	}
}

func checkWhole(t *testing.T, path string, size int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return // not yet there, or reserved
	}
	if len(data) != size || data[0] != data[size-1] {
		t.Errorf("%s: a part of %d bytes is visible", path, len(data))
	}
}

func onlyCount(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != want {
		t.Errorf("%d names, %v; want %d", len(entries), err, want)
	}
}

func TestExclusivelyTriesTheNextWay(t *testing.T) {
	t.Parallel()
	refuse := func(code error) way {
		return func(*Dir, string, string) error { return &os.LinkError{Op: "link", Err: code} }
	}
	// lost does what it should, and then the network fails.
	lost := func(code error) way {
		return func(d *Dir, temp, name string) error {
			if err := link(d, temp, name); err != nil {
				return err
			}
			return &os.LinkError{Op: "link", Err: code}
		}
	}
	for _, c := range []struct {
		name    string
		ways    []way
		want    error
		content string
	}{
		{"the first", []way{link, refuse(syscall.EIO)}, nil, "new"},
		{"the second", []way{refuse(syscall.EPERM), noReplace}, nil, "new"},
		{"the third", []way{refuse(syscall.EPERM), refuse(syscall.EINVAL), reserve}, nil, "new"},
		{"none", []way{refuse(syscall.EACCES), refuse(errUnsupported)}, ErrDenied, "(no file)"},
		{"full", []way{refuse(syscall.ENOSPC), link}, ErrFull, "(no file)"},
		{"read-only", []way{refuse(syscall.EROFS), link}, ErrDenied, "(no file)"},
		{"broken", []way{refuse(syscall.EIO), link}, syscall.EIO, "(no file)"},
		{"answer lost", []way{lost(syscall.EIO)}, nil, "new"},
		{"repeated by the network", []way{lost(syscall.EEXIST)}, nil, "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			f, err := d.begin("name")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("new")); err != nil {
				t.Fatal(err)
			}
			if err := d.exclusively(f.temp, f.name, c.ways...); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			f.Abort()
			if got := read(t, filepath.Join(d.root.Name(), "name")); got != c.content {
				t.Errorf("got %q, want %q", got, c.content)
			}
		})
	}
}

// A reservation is given back if the rename fails, and kept from others.
func TestReserve(t *testing.T) {
	t.Parallel()
	d := open(t)
	if err := reserve(d, "no such temporary file", "name"); err == nil {
		t.Error("reserved for nothing")
	}
	onlyCount(t, d.root.Name(), 0)

	if err := os.WriteFile(filepath.Join(d.root.Name(), "name"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Create("name", []byte("x")); !errors.Is(err, ErrExists) {
		t.Errorf("took what another had reserved: %v", err)
	}
}

func open(t *testing.T) *Dir {
	t.Helper()
	d, err := OpenDir(t.TempDir(), "", Private)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDir(t, d) })
	return d
}
