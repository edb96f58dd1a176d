package dirstore

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/store"
)

// accessError is a failure of the file system in the contract's words.
type accessError struct {
	text  string
	kind  error
	cause error
}

func (e *accessError) Error() string   { return e.text }
func (e *accessError) Unwrap() []error { return []error{e.kind, e.cause} }

// writing says in the contract's words why something could not be written.
func writing(err error) error {
	switch {
	case errors.Is(err, durable.ErrFull):
		return say(err, store.ErrFull, store.ErrFull.Error())
	case errors.Is(err, durable.ErrDenied):
		return say(err, store.ErrReadOnly, store.ErrReadOnly.Error())
	}
	return reading(err)
}

// reading says in the contract's words why something could not be read.
func reading(err error) error {
	switch {
	case errors.Is(err, durable.ErrDenied):
		return say(err, store.ErrReadOnly, "cannot be read by this user")
	case errors.Is(err, durable.ErrNotRegular), errors.Is(err, durable.ErrTooLarge), errors.Is(err, durable.ErrOutside),
		errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%w: %w", err, store.ErrDamaged)
	}
	return err
}

func say(err, kind error, text string) error {
	var e *durable.Error
	if errors.As(err, &e) {
		text = e.Path + ": " + text
	}
	return &accessError{text: text, kind: kind, cause: err}
}

// damaged says what is wrong with a file of the store.
func damaged(path, what string) error {
	return fmt.Errorf("%s %s: %w", path, what, store.ErrDamaged)
}
