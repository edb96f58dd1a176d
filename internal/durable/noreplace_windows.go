package durable

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// renameNoReplace uses MoveFileEx without MOVEFILE_REPLACE_EXISTING. It takes
// paths, so it would follow a junction that an adversary puts in the way at
// this very moment; but it runs only where hard links are refused, and file
// systems without hard links (FAT, exFAT) have no junctions either.
func (d *Dir) renameNoReplace(temp, name string) error {
	from, err := windows.UTF16PtrFromString(filepath.Join(d.root.Name(), filepath.FromSlash(temp)))
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(filepath.Join(d.root.Name(), filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	return patiently(func() error { return windows.MoveFileEx(from, to, windows.MOVEFILE_WRITE_THROUGH) })
}
