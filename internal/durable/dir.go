package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Bounds on what a directory may hold before its reader gives up.
const (
	// maxNames is ten times the largest directory that a store makes of
	// itself, and small enough to hold in memory.
	maxNames = 1 << 20
	// namesBatch is how many names are asked for at once.
	namesBatch = 4096
)

// Temporary files are named so that nobody mistakes them for anything else.
const (
	tempPrefix = ".underseal-"
	tempSuffix = ".tmp"
)

// Dir makes and reads files below one directory, and never outside of it: it
// follows no link that leads out, whoever planted it. Names are relative, with
// "/" between their parts. It is safe for use by several goroutines.
type Dir struct {
	root *os.Root
	temp string // where files grow; "" is beside the file
	mode Mode
	like fs.FileMode // the root's bits, for Inherited
	name string      // of a Sub, for errors
}

// OpenDir opens the directory at path. Files grow in its subdirectory temp,
// which is made when it is first needed, or beside their final name if temp
// is "".
func OpenDir(path, temp string, mode Mode) (*Dir, error) {
	abs, err := filepath.Abs(path) // see noreplace_windows.go
	if err != nil {
		return nil, wrap(path, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, wrap(path, err)
	}
	return newDir(root, temp, mode)
}

func newDir(root *os.Root, temp string, mode Mode) (*Dir, error) {
	d := &Dir{root: root, temp: temp, mode: mode}
	if mode == Inherited {
		info, err := root.Stat(".")
		if err != nil {
			_ = root.Close() // nothing was written
			return nil, wrap(root.Name(), err)
		}
		d.like = info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSticky)
	}
	return d, nil
}

// Sub opens a subdirectory, anew each time: on NFS it is the opening of a
// directory that makes the client ask the server what is in it, instead of
// answering from a cache that may be half a minute old. Files that grow in it
// do so beside their final name. Errors name files as seen from d.
func (d *Dir) Sub(name string) (*Dir, error) {
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, d.wrap(name, err)
	}
	sub, err := newDir(root, "", d.mode)
	if err != nil {
		return nil, err
	}
	sub.name = path.Join(d.name, name)
	return sub, nil
}

// wrap names the file as seen from the Dir that OpenDir returned.
func (d *Dir) wrap(name string, err error) error {
	return wrap(path.Join(d.name, name), err)
}

// Close lets go of the directory. What was written stays.
func (d *Dir) Close() error { return d.root.Close() }

// Write replaces name by data, or creates it; see WriteFile.
func (d *Dir) Write(name string, data []byte) error { return d.write(name, data, true) }

// Create creates name with data, or fails with ErrExists; see CreateFile.
func (d *Dir) Create(name string, data []byte) error { return d.write(name, data, false) }

func (d *Dir) write(name string, data []byte, overwrite bool) error {
	f, err := d.begin(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit(overwrite)
}

// Read returns the content of a regular file of at most limit bytes.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, d.wrap(name, err)
	}
	data, err := readAll(f, limit)
	if err != nil {
		return nil, named(err, path.Join(d.name, name))
	}
	return data, nil
}

// Stat describes name itself, not what a link points to.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	info, err := d.root.Lstat(name)
	return info, d.wrap(name, err)
}

// Names returns the names in a directory, in no order, those of temporary
// files left out. Names that come or go meanwhile may be missing.
func (d *Dir) Names(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, d.wrap(name, err)
	}
	defer func() { _ = f.Close() }() // only read
	var names []string
	for len(names) <= maxNames {
		batch, err := f.Readdirnames(namesBatch)
		for _, n := range batch {
			if !isTemp(n) {
				names = append(names, n)
			}
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, d.wrap(name, err)
		}
	}
	return nil, &Error{Path: path.Join(d.name, name), Kind: ErrTooLarge}
}

// Mkdir creates a directory whose parent exists; that it exists already is fine.
func (d *Dir) Mkdir(name string) error {
	perm := fs.FileMode(0o700)
	if d.mode != Private {
		perm = 0o777
	}
	err := d.root.Mkdir(name, perm)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return d.wrap(name, err)
	}
	if d.mode == Inherited && runtime.GOOS != "windows" {
		// Where bits cannot be set (FAT, some network shares) the mount
		// decides, so a refusal is not an error.
		if err := d.root.Chmod(name, d.like); err != nil && !isUnsupported(err) {
			return d.wrap(name, err)
		}
	}
	return d.sync(path.Dir(name), name)
}

// Remove deletes a file; that there is none is fine.
func (d *Dir) Remove(name string) error {
	err := d.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return d.wrap(name, err)
	}
	return d.sync(path.Dir(name), name)
}

// RemoveTree deletes a directory with all that is in it, without flushing: it
// is for what nobody needs any more.
func (d *Dir) RemoveTree(name string) error { return d.wrap(name, d.root.RemoveAll(name)) }

// RemoveStale deletes the temporary files in the directory name that have not
// changed since before: what a crash left behind. Whoever was merely slow
// loses no more than an attempt.
func (d *Dir) RemoveStale(name string, before time.Time) error {
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return d.wrap(name, err)
	}
	defer func() { _ = f.Close() }() // only read
	names, err := f.Readdirnames(namesBatch)
	if err != nil && !errors.Is(err, io.EOF) {
		return d.wrap(name, err)
	}
	for _, n := range names {
		stray := path.Join(name, n)
		info, err := d.root.Lstat(stray)
		if err != nil || !isTemp(n) || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue
		}
		if err := d.root.Remove(stray); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d.wrap(stray, err)
		}
	}
	return nil
}

// sync flushes the directory name, so that a file's name survives a loss of
// power; failures are told of the file.
func (d *Dir) sync(name, file string) error {
	if !canSyncDir {
		return nil
	}
	f, err := d.root.Open(name)
	if err != nil {
		return d.wrap(file, err)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if isUnsupported(err) {
		return nil // network file systems that order such things themselves
	}
	return d.wrap(file, err)
}

func tempName() string {
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return tempPrefix + hex.EncodeToString(random[:]) + tempSuffix
}

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
