package keystore

import (
	"context"
	"errors"
	"fmt"
)

// The kinds of store, as --key-store names them.
const (
	KindOS   = "os"
	KindFile = "file"
)

var (
	// ErrNoStore says that no kind was asked for, and none suggests itself.
	ErrNoStore = errors.New("no key store: choose --key-store os, " +
		"or --key-store file with a passphrase (UNDERSEAL_PASSPHRASE_FILE)")
	// ErrKind is wrapped for a kind of store that there is not.
	ErrKind = errors.New(`a key store is "os" or "file"`)
	// ErrNoPassphrase says that a passphrase is needed and nobody can be asked.
	ErrNoPassphrase = errors.New("no passphrase: set UNDERSEAL_PASSPHRASE_FILE, or run on a terminal")
)

// Choice is what Choose decides by. This package reads no environment of its
// own.
type Choice struct {
	// Kind is the person's explicit choice, by flag or recorded earlier: "",
	// KindOS or KindFile.
	Kind string
	// Dir is the directory for the key file.
	Dir string
	// PassphraseFile is the value of UNDERSEAL_PASSPHRASE_FILE, or "".
	PassphraseFile string
	// Ask asks a person for the passphrase (see Prompt); nil if there is no
	// terminal. PassphraseFile goes before it.
	Ask Passphrase
	// Warn is told of what is allowed but unwise, such as a passphrase file
	// open to others; nil says nothing.
	Warn func(error)
}

// Choose returns the store to use:
//
//   - c.Kind, if it names one;
//   - otherwise the file, if c.PassphraseFile is set: whoever sets it has
//     said so, and a program that runs unattended must not depend on whether
//     somebody is logged in just then;
//   - otherwise the operating system's keyring, if it answers;
//   - otherwise none: ErrNoStore, with the reason why no keyring answers.
//
// It never falls back from one to the other: a secret in a place nobody
// expects is a secret nobody protects or finds again.
func Choose(ctx context.Context, c Choice) (Store, error) {
	return choose(ctx, c, NewOS())
}

func choose(ctx context.Context, c Choice, ring *OS) (Store, error) {
	switch {
	case c.Kind == KindOS:
		return ring, nil
	case c.Kind == KindFile, c.Kind == "" && c.PassphraseFile != "":
		ask := c.Ask
		if c.PassphraseFile != "" {
			ask = PassphraseFile(c.PassphraseFile, c.Warn)
		}
		return NewFile(c.Dir, ask), nil
	case c.Kind != "":
		return nil, fmt.Errorf("%w, not %.20q", ErrKind, c.Kind)
	}
	if err := ring.Available(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoStore, err)
	}
	return ring, nil
}
