package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// errDone says that a file was used after Commit or Abort: a fault of the caller.
var errDone = errors.New("already committed or aborted")

// File is output that appears under its name when it is complete, or never.
// It is for one goroutine. Defer Abort, which does nothing after Commit.
type File struct {
	dir   *Dir
	owned bool // dir is closed with the file
	file  *os.File
	name  string
	temp  string
	shown string // the name as the caller said it
	bad   error  // the first failure; a file with one cannot be committed
	done  bool
}

// staleAfter is when a temporary file has been left behind for certain: its
// writer would have written to it since.
const staleAfter = 24 * time.Hour

// Create begins a file that Commit will put at path. The directory must exist.
// What is at path already must be a regular file, so that --out /dev/null
// does not end as a file in /dev and a link is not written through.
func Create(path string, mode Mode) (*File, error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return nil, &Error{Path: path, Cause: syscall.EISDIR}
	}
	d, err := OpenDir(filepath.Dir(path), "", mode)
	if err != nil {
		return nil, err // it names the directory
	}
	if mode == Private {
		// What a crash left is plaintext; that it cannot be cleared away is no
		// reason to stop.
		_ = d.RemoveStale(".", time.Now().Add(-staleAfter))
	}
	f, err := d.begin(filepath.Base(path))
	if err != nil {
		_ = d.Close() // the error at hand says more
		return nil, named(err, path)
	}
	f.owned, f.shown = true, path
	return f, nil
}

func (d *Dir) begin(name string) (*File, error) {
	if err := d.replaceable(name); err != nil {
		return nil, err
	}
	f := &File{dir: d, name: name, shown: path.Join(d.name, name)}
	in := d.temp
	if in == "" {
		in = path.Dir(name)
	}
	f.temp = path.Join(in, tempName())
	perm := fs.FileMode(0o600)
	if d.mode != Private {
		perm = 0o666
	}
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	var err error
	f.file, err = d.root.OpenFile(f.temp, flags, perm)
	if errors.Is(err, fs.ErrNotExist) && d.temp != "" {
		if err := d.Mkdir(d.temp); err != nil {
			return nil, err
		}
		f.file, err = d.root.OpenFile(f.temp, flags, perm)
	}
	if err != nil {
		return nil, d.wrap(name, err)
	}
	if d.mode == Inherited && runtime.GOOS != "windows" {
		if err := f.file.Chmod(d.like & 0o666); err != nil && !isUnsupported(err) {
			f.Abort()
			return nil, d.wrap(name, err)
		}
	}
	return f, nil
}

// replaceable tells whether name is free or a regular file.
func (d *Dir) replaceable(name string) error {
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return d.wrap(name, err)
	case !info.Mode().IsRegular():
		return &Error{Path: path.Join(d.name, name), Kind: ErrNotRegular}
	}
	return nil
}

// Write appends to the file. After a failure, such as ErrFull, nothing more
// can be written, and Commit returns the same error.
func (f *File) Write(p []byte) (int, error) {
	if f.done {
		return 0, &Error{Path: f.shown, Cause: errDone}
	}
	if f.bad != nil {
		return 0, f.bad
	}
	n, err := f.file.Write(p)
	if err != nil {
		f.bad = wrap(f.shown, err)
	}
	return n, f.bad
}

// Commit flushes the file and gives it its name. With overwrite it replaces a
// regular file in one step; without, it fails with ErrExists if anything has
// the name. In either case the file is finished: on failure, what was written
// is discarded, unless the failure is that of flushing the directory at the
// very end, when the complete file is in place but a loss of power might undo
// that.
func (f *File) Commit(overwrite bool) error {
	if f.done {
		return &Error{Path: f.shown, Cause: errDone}
	}
	defer f.Abort()
	if f.bad != nil {
		return f.bad
	}
	err := f.file.Sync()
	if cerr := f.file.Close(); err == nil {
		err = cerr // network file systems report a full disk here
	}
	f.file = nil
	if err == nil {
		err = f.publish(overwrite)
	}
	if err == nil {
		err = f.dir.sync(path.Dir(f.name), f.name)
	}
	return named(err, f.shown)
}

func (f *File) publish(overwrite bool) error {
	if !overwrite {
		return f.dir.exclusively(f.temp, f.name, link, noReplace, reserve)
	}
	if err := f.dir.replaceable(f.name); err != nil {
		return err
	}
	return patiently(func() error { return f.dir.root.Rename(f.temp, f.name) })
}

// Abort discards the file. After Commit it does nothing. A temporary file
// that cannot be removed is left for RemoveStale.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if f.file != nil {
		_ = f.file.Close() // discarded anyway
	}
	_ = f.dir.root.Remove(f.temp) // usually gone or renamed already
	if f.owned {
		_ = f.dir.Close() // nothing was written through it
	}
}
