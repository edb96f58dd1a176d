// Package durable writes files so that a crash, a full disk or a second
// writer never leaves a part of one at its final name, and so that what was
// reported as written survives a loss of power.
//
// Every file grows under a temporary name in the same file system, is flushed
// to the device, gets its name in one step, and then its directory is flushed.
// Use WriteFile to replace a small file, CreateFile to create one that must
// not exist yet, Create for output whose length is not known, and Dir for a
// tree such as a store, which it never leaves through links or "..".
//
// It is internal: its API may change with any release.
package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Mode says who may read what is made.
type Mode uint8

const (
	// Private is for the user alone: files 0600, directories 0700.
	Private Mode = iota
	// Shared leaves it to the umask: files 0666, directories 0777, less the umask.
	Shared
	// Inherited gives what is made in a Dir the permission bits of the Dir's
	// root (files without execution), whatever the umask: so whoever set up a
	// shared folder decides once for everybody who writes into it. For a
	// single file, the directory that it lies in decides.
	Inherited
)

// WriteFile replaces path by data, or creates it. At every instant path holds
// the old or the new content in whole. It refuses to replace what is not a
// regular file, symbolic links included.
func WriteFile(path string, data []byte, mode Mode) error {
	return writeFile(path, data, mode, true)
}

// CreateFile creates path with data, or fails with ErrExists and writes
// nothing. Of several at once, on one machine or on several, one succeeds. The
// content appears in whole; only on a file system with neither hard links nor
// exclusive renames may an empty file be seen for an instant before it.
func CreateFile(path string, data []byte, mode Mode) error {
	return writeFile(path, data, mode, false)
}

func writeFile(path string, data []byte, mode Mode, overwrite bool) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit(overwrite)
}

// ReadFile returns the content of a regular file of at most limit bytes. It
// follows symbolic links and does not hang on a named pipe. It fails with
// ErrTooLarge, ErrNotRegular or an error that wraps fs.ErrNotExist.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, wrap(path, err)
	}
	data, err := readAll(f, limit)
	return data, named(err, path)
}

// MkdirAll creates path and the directories above it that are missing, each
// flushed to the device before the next.
func MkdirAll(path string, mode Mode) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &Error{Path: path, Cause: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return wrap(path, err)
	}
	parent := filepath.Dir(path)
	if err := MkdirAll(parent, mode); err != nil {
		return err
	}
	d, err := OpenDir(parent, "", mode)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // nothing was written through it
	return d.Mkdir(filepath.Base(path))
}

// readAll reads and closes f, a file of at most limit bytes.
func readAll(f *os.File, limit int64) ([]byte, error) {
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &Error{Kind: ErrNotRegular}
	case info.Size() > limit:
		return nil, &Error{Kind: ErrTooLarge}
	}
	// Exactly the size it has: files made here never change, and one that
	// grows meanwhile cannot exceed the limit.
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}
