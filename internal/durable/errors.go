package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// The kinds of failure that callers tell apart. Each comes inside an *Error.
var (
	// ErrExists: the name is taken and was left as it is.
	ErrExists = errors.New("already exists")
	// ErrFull: the device or the user's quota is full.
	ErrFull = errors.New("no space left")
	// ErrDenied: this user may not do that there, or the file system is
	// mounted read-only.
	ErrDenied = errors.New("permission denied")
	// ErrNotRegular: a directory, link, pipe or device is where a file should be.
	ErrNotRegular = errors.New("not a regular file")
	// ErrOutside: the name leads out of the Dir, by a link or by "..".
	ErrOutside = errors.New("leads out of its folder")
	// ErrTooLarge: the file or directory is larger than its reader allows.
	ErrTooLarge = errors.New("larger than allowed")
)

// Error names the file that a person knows, not the temporary one, and says
// which kind of failure it was.
type Error struct {
	Path  string
	Kind  error // one of the kinds above, or nil
	Cause error // the operating system's, or nil
}

func (e *Error) Error() string {
	if e.Kind != nil {
		return e.Path + ": " + e.Kind.Error()
	}
	return e.Path + ": " + e.Cause.Error()
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	all := make([]error, 0, 2)
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// wrap says that err happened to name.
func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := &Error{Path: name, Cause: cause(err)}
	switch {
	case errors.Is(err, fs.ErrExist):
		e.Kind = ErrExists
	case isFull(err):
		e.Kind = ErrFull
	case isDenied(err):
		e.Kind = ErrDenied
	case isOutside(err):
		e.Kind = ErrOutside
	}
	return e
}

// named makes an error speak of the path that the caller said.
func named(err error, path string) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Path: path, Kind: e.Kind, Cause: e.Cause}
	}
	return wrap(path, err)
}

// isOutside recognizes the error of os.Root for a path that escapes, which has
// no name: it alone says of a path what no system call said.
func isOutside(err error) bool {
	var p *fs.PathError
	var l *os.LinkError
	var code syscall.Errno
	return (errors.As(err, &p) || errors.As(err, &l)) && !errors.As(err, &code) && !errors.Is(err, fs.ErrClosed)
}

// cause strips the layers that would repeat a path, a temporary one even.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	var s *os.SyscallError
	switch {
	case errors.As(err, &p):
		return cause(p.Err)
	case errors.As(err, &l):
		return cause(l.Err)
	case errors.As(err, &s):
		return cause(s.Err)
	}
	return err
}
