package durable

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/windows"
)

// canSyncDir: a directory cannot be flushed on Windows; NTFS keeps its names
// in a journal, and renames are asked to be written through.
const canSyncDir = false

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.ERROR_WRITE_PROTECT)
}

// isUnsupported includes "access denied", with which some shares refuse hard
// links; if it is meant, the next way gets the same answer.
func isUnsupported(err error) bool {
	for _, code := range []windows.Errno{
		windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SUPPORTED, windows.ERROR_INVALID_PARAMETER,
		windows.ERROR_ACCESS_DENIED, windows.ERROR_CALL_NOT_IMPLEMENTED,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return errors.Is(err, errUnsupported)
}

// patiently repeats what virus scanners and indexers disturb: they open every
// new file for some milliseconds, and meanwhile it cannot be renamed.
func patiently(rename func() error) error {
	const pause, tries = 10 * time.Millisecond, 50
	var err error
	for range tries {
		err = rename()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_LOCK_VIOLATION) &&
			!errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(pause)
	}
	return err
}
