//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || windows)

package term

import (
	"errors"
	"os"
)

func openControlling() (in, out *os.File, err error) { return nil, nil, errors.ErrUnsupported }

func echoOff(*os.File) (restore func(), err error) { return nil, errors.ErrUnsupported }
