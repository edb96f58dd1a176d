package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
)

// maxClientSecret bounds the file: such secrets have less than a hundred
// characters.
const maxClientSecret = 4096

// readClientSecret reads the first line of a file, of a pipe, or of standard
// input where the name is "-".
func (a *app) readClientSecret(name string) (*secret.Bytes, error) {
	in := io.Reader(a.stdin)
	if name != "-" {
		f, err := os.Open(name) // #nosec G304 -- the person named it
		if err != nil {
			var at *fs.PathError
			if errors.As(err, &at) {
				err = at.Err
			}
			return nil, fmt.Errorf("%s: %w: %w", term.Escape(name), errClientSecret, err)
		}
		defer func() { _ = f.Close() }() // only read
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o044 != 0 && runtime.GOOS != "windows" {
			a.warn("%s: other users can read the client secret; chmod 600 changes that", term.Escape(name))
		}
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxClientSecret+1))
	defer clear(b)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSpace(line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", term.Escape(name), errClientSecret, err)
	case len(b) > maxClientSecret, len(line) == 0:
		return nil, fmt.Errorf("%s: %w: its first line should be the secret", term.Escape(name), errClientSecret)
	}
	for _, c := range line {
		if c <= ' ' || c > '~' {
			return nil, fmt.Errorf("%s: %w: it holds a character that no secret of Clio has", term.Escape(name), errClientSecret)
		}
	}
	return secret.New(line), nil
}
