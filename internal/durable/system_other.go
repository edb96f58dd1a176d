//go:build !windows

package durable

import (
	"errors"
	"io/fs"
	"syscall"
)

// canSyncDir: a directory is flushed like a file.
const canSyncDir = true

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// isUnsupported includes EPERM and EACCES, with which FAT and Android refuse
// hard links; if they are meant, the next way gets the same answer.
func isUnsupported(err error) bool {
	for _, code := range []syscall.Errno{
		syscall.EPERM, syscall.EACCES, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.EMLINK,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return errors.Is(err, errUnsupported)
}

// patiently does it once; only on Windows do others get in the way.
func patiently(rename func() error) error { return rename() }
