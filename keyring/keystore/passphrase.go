package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"unicode"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/secret"
)

const (
	// MinPassphrase is the least number of characters of a new passphrase.
	// The file can be guessed at offline, for ever, and the passphrase is
	// all that protects it: for a password that stands alone NIST SP 800-63B
	// (revision 4, 3.1.1.2) demands 15. Four words have more. There are no
	// rules about kinds of characters, for the reasons given there.
	MinPassphrase = 15
	// MaxPassphrase bounds a passphrase in bytes: sixteen lines of text.
	MaxPassphrase = 1024
)

var (
	// ErrPassphrase is wrapped, with the reason, where a passphrase cannot be used.
	ErrPassphrase = errors.New("passphrase not usable")
	// ErrOpenToOthers is the warning that other users of the machine may
	// read the passphrase file. It is no error: secrets that a container is
	// given often are, where there are no other users.
	ErrOpenToOthers = errors.New("other users can read the passphrase file")
)

// Purpose says what a passphrase is asked for.
type Purpose int

// The purposes.
const (
	ToOpen Purpose = iota // a key file that exists
	ToSave                // a new key file: the passphrase is new too
)

// Passphrase returns a passphrase, which the caller destroys. Its bytes are
// used as they are: no Unicode normalization, because stock age does none and
// must open the file with what the person types. Somebody whose keyboards
// compose accents differently keeps to plain letters.
type Passphrase func(ctx context.Context, why Purpose) (*secret.Bytes, error)

// CheckPassphrase tells whether p may protect a new key file: at least
// MinPassphrase characters of UTF-8 that can be typed and seen.
func CheckPassphrase(p *secret.Bytes) error {
	b := p.Expose()
	switch n := utf8.RuneCount(b); {
	case n < MinPassphrase:
		return fmt.Errorf("%w: %d characters, at least %d are needed (four words, for instance)", ErrPassphrase, n, MinPassphrase)
	case len(b) > MaxPassphrase:
		return fmt.Errorf("%w: more than %d bytes", ErrPassphrase, MaxPassphrase)
	case !utf8.Valid(b):
		return fmt.Errorf("%w: not UTF-8", ErrPassphrase)
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if !unicode.IsPrint(r) { // a byte order mark, a tab, a zero-width space
			return fmt.Errorf("%w: it holds a character that cannot be seen", ErrPassphrase)
		}
		b = b[size:]
	}
	return nil
}

// SecretPrompter asks a person for something that is not shown while typed.
type SecretPrompter interface {
	Secret(ctx context.Context, question string) (*secret.Bytes, error)
}

// promptAttempts bounds how often Prompt asks for a new passphrase.
const promptAttempts = 3

// Prompt asks for the passphrase of the key file on p: once to open, and to
// save until it is good enough and was typed twice the same.
func Prompt(p SecretPrompter) Passphrase { return PromptFor(p, "the key file") }

// PromptFor is Prompt for something else that is under a passphrase.
func PromptFor(p SecretPrompter, what string) Passphrase {
	return func(ctx context.Context, why Purpose) (*secret.Bytes, error) {
		if why == ToOpen {
			return p.Secret(ctx, fmt.Sprintf("passphrase of %s:", what))
		}
		question := fmt.Sprintf("new passphrase for %s, at least %d characters:", what, MinPassphrase)
		for range promptAttempts {
			first, err := p.Secret(ctx, question)
			if err != nil {
				return nil, err
			}
			if err := CheckPassphrase(first); err != nil {
				first.Destroy()
				question = err.Error() + "; another:"
				continue
			}
			second, err := p.Secret(ctx, "the same again:")
			if err != nil {
				first.Destroy()
				return nil, err
			}
			same := first.Equal(second)
			second.Destroy()
			if same {
				return first, nil
			}
			first.Destroy()
			question = "they differ; new passphrase:"
		}
		return nil, fmt.Errorf("%w: %d attempts", ErrPassphrase, promptAttempts)
	}
}

// PassphraseFile reads the passphrase from the first line of a file, or a
// pipe, each time anew. The line end, LF or CRLF, does not belong to it. If
// other users may read the file, warn (if not nil) gets an error that wraps
// ErrOpenToOthers.
func PassphraseFile(path string, warn func(error)) Passphrase {
	return func(context.Context, Purpose) (*secret.Bytes, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("passphrase file: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("passphrase file: %w", err)
		}
		if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && warn != nil {
			warn(fmt.Errorf("%w: %s has mode %04o, not 0600", ErrOpenToOthers, path, info.Mode().Perm()))
		}
		return firstLine(f)
	}
}

func firstLine(r io.Reader) (*secret.Bytes, error) {
	buf := make([]byte, MaxPassphrase+2) // CR LF
	defer clear(buf)
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		for end := n + m; n < end; n++ {
			if buf[n] == '\n' {
				return line(buf[:n])
			}
		}
		if errors.Is(err, io.EOF) {
			return line(buf[:n])
		}
		if err != nil {
			return nil, fmt.Errorf("passphrase file: %w", err)
		}
	}
	return line(buf)
}

func line(b []byte) (*secret.Bytes, error) {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("%w: the first line of the passphrase file is empty", ErrPassphrase)
	case len(b) > MaxPassphrase:
		return nil, fmt.Errorf("%w: the first line of the passphrase file exceeds %d bytes", ErrPassphrase, MaxPassphrase)
	}
	return secret.New(b), nil
}
