package durable

import (
	"path"

	"golang.org/x/sys/unix"
)

// renameNoReplace uses renameat2(RENAME_NOREPLACE), which FAT, exFAT, SMB and
// most others have; those that do not answer EINVAL before doing anything.
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
	return unix.Renameat2(int(from.Fd()), path.Base(temp), int(to.Fd()), path.Base(name), unix.RENAME_NOREPLACE)
}
