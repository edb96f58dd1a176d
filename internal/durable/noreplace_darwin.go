package durable

import (
	"path"

	"golang.org/x/sys/unix"
)

// renameNoReplace uses renameatx_np(RENAME_EXCL), which APFS, HFS+ and some
// others have; the rest answer ENOTSUP before doing anything.
// Names are looked up from open directories, so that no link leads outside.
func (d *Dir) renameNoReplace(temp, name string) error {
	from, err := d.root.Open(path.Dir(temp))
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // only looked up in
	to, err := d.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }() // only looked up in
	return unix.RenameatxNp(int(from.Fd()), path.Base(temp), int(to.Fd()), path.Base(name), unix.RENAME_EXCL)
}
