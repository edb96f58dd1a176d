// Package keystore is where a device's secret rests: the operating system's
// keyring ([OS]), or a file under a passphrase ([File]), behind the one
// interface [Store]. Package keyring says what the secret is and derives the
// device's keys from it; package agent holds it between commands.
//
// Use [Choose] for the rule of the command line: what the person said counts,
// then UNDERSEAL_PASSPHRASE_FILE, then a keyring that answers, and nothing is
// ever fallen back to silently.
//
// What the stores hold is fixed in spec/key-store.md and stays readable: a
// line of text that a person can copy, and a standard age file that stock age
// opens without Underseal. The package is not for js/wasm.
package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/secret"
)

// SecretSize is the length of a device secret in bytes.
const SecretSize = 32

// secretPrefix is the human-readable part of a device secret as text.
const secretPrefix = "underseal-secret-"

// Errors of every store, wrapped with detail, never with a part of a secret.
var (
	// ErrNoKey: the store answers, and has no secret under this account.
	ErrNoKey = errors.New("no key in the key store")
	// ErrKeyExists: the account has a secret already. Nothing was written.
	ErrKeyExists = errors.New("a key is already in the key store")
	// ErrWrongPassphrase is the one error for whatever fails once a
	// passphrase is in play (attack 40): from outside, a wrong passphrase and
	// a changed file cannot be told apart.
	ErrWrongPassphrase = errors.New("wrong passphrase, or the key file is damaged")
	// ErrDamaged: what the store holds is no device secret, whatever the passphrase.
	ErrDamaged = errors.New("the stored key is damaged")
	// ErrUnavailable: the store cannot be reached, read or written.
	ErrUnavailable = errors.New("the key store is not available")
)

// Store holds device secrets, each under an account: a short name in lower
// case, digits and "-", at most 64 bytes, which is not secret.
type Store interface {
	// Name is "os" or "file", as in --key-store.
	Name() string
	// Load returns the secret of SecretSize bytes, which the caller destroys,
	// or ErrNoKey, ErrWrongPassphrase, ErrDamaged, ErrUnavailable.
	Load(ctx context.Context, account string) (*secret.Bytes, error)
	// Save stores a secret of SecretSize bytes and returns once it has read
	// it back, or ErrKeyExists: it never overwrites. After any other error
	// nothing of it is left, as far as the store can still be reached.
	Save(ctx context.Context, account string, s *secret.Bytes) error
	// Delete removes the secret, for ever, or returns ErrNoKey.
	Delete(ctx context.Context, account string) error
}

// FormatSecret returns the text form of a device secret,
// "UNDERSEAL-SECRET-1…": upper case, so that the eye tells it from what is
// public. It is as secret as the secret.
func FormatSecret(s *secret.Bytes) *secret.Bytes {
	return secret.Take(bytes.ToUpper([]byte(bech32text.Encode(secretPrefix, s.Expose()))))
}

// ParseSecret reads the text form of a device secret, without white space
// around it, in upper or lower case, or returns ErrDamaged.
func ParseSecret(text *secret.Bytes) (*secret.Bytes, error) {
	b, err := bech32text.Decode(secretPrefix, SecretSize, string(text.Expose()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return secret.Take(b), nil
}

var accountForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// checkAccount guards what becomes a file name and a keyring's attribute.
func checkAccount(account string) error {
	if !accountForm.MatchString(account) {
		return fmt.Errorf("account %.80q: not 1 to 64 lower-case letters, digits or \"-\"", account)
	}
	return nil
}

// checkSecret guards against storing what could not be loaded again.
func checkSecret(s *secret.Bytes) error {
	if s.Len() != SecretSize {
		return fmt.Errorf("a device secret has %d bytes, not %d", SecretSize, s.Len())
	}
	return nil
}
