package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// errUnsupported says that a file system cannot do what was tried, so that the
// next way may be.
var errUnsupported = errors.New("not supported by the file system")

// A way gives the complete file temp its name if nothing has that name.
//
// Writers on one folder may use different ways, because what a file system can
// do depends on the client too: one machine mounts a share by NFS, another by
// SMB. So every way must be exclusive against every other. All three are,
// because each depends on the file system's own refusal to create a name that
// exists; a lock file beside it would bind only those who look for it.
type way func(d *Dir, temp, name string) error

// exclusively tries the ways in their order until one is supported.
func (d *Dir) exclusively(temp, name string, ways ...way) error {
	var first error
	for _, w := range ways {
		err := w(d, temp, name)
		switch {
		case err == nil:
			return nil
		case d.same(temp, name):
			// The name was given and the answer was lost: a server answers a
			// request that the network repeated with "exists". The temporary
			// name still stands, so it is the same file and not a later one
			// that got its number.
			return nil
		case errors.Is(err, fs.ErrExist):
			return &Error{Path: path.Join(d.name, name), Kind: ErrExists, Cause: fs.ErrExist}
		case !isUnsupported(err):
			return d.wrap(name, err)
		case first == nil:
			first = err
		}
	}
	return d.wrap(name, first)
}

// same tells whether both names are of one file.
func (d *Dir) same(a, b string) bool {
	ai, err := d.root.Lstat(a)
	if err != nil {
		return false
	}
	bi, err := d.root.Lstat(b)
	return err == nil && os.SameFile(ai, bi)
}

// link is the first way: a hard link, which every system refuses to make over
// an existing name. FAT, exFAT, Android and some network shares have none.
func link(d *Dir, temp, name string) error { return d.root.Link(temp, name) }

// noReplace is the second way: a rename that the kernel or the server refuses
// if the name exists. See noreplace_*.go.
func noReplace(d *Dir, temp, name string) error { return d.renameNoReplace(temp, name) }

// reserve is the last way (exFAT on macOS): an empty file is created
// exclusively under the name, which is then ours to replace by a plain rename.
// Part of the content is never visible, but an empty file is for an instant;
// if the writer dies in it, for ever. Readers wait for an empty file and then
// call it damaged. Nobody but a person may remove it, because its writer could
// be asleep, and would replace what another had put there meanwhile.
func reserve(d *Dir, temp, name string) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	err = patiently(func() error { return d.root.Rename(temp, name) })
	if err == nil {
		return nil
	}
	// Give the name back, unless the rename happened after all.
	if info, serr := d.root.Lstat(name); serr == nil && info.Size() == 0 {
		_ = d.root.Remove(name) // the error at hand says more
	}
	return err
}
