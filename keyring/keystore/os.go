package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	gokeyring "github.com/zalando/go-keyring"

	"github.com/underseal/underseal/internal/secret"
)

// service is the name under which the keyring files our secrets.
const service = "underseal"

const (
	// probeTime is how long a keyring may take to answer at all. Starting its
	// daemon on a slow machine takes two seconds.
	probeTime = 5 * time.Second
	// promptTime is how long it may take to do what it was asked: it may ask
	// the person to unlock it, and people look for passwords.
	promptTime = 2 * time.Minute
)

// ring is what is used of go-keyring.
type ring interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

// OS keeps secrets in the operating system's keyring: Secret Service (GNOME
// Keyring, KWallet, KeePassXC) on Linux, Keychain on macOS, Credential Manager
// on Windows. It protects them from other users and from a thief of the
// locked device, not from other programs of the same user.
//
// No keyring can create exclusively. So Save looks first; that is enough
// because an account belongs to one device, whose secret is made once.
type OS struct {
	ring  ring
	probe func(context.Context) error
}

var _ Store = &OS{}

// NewOS returns the keyring of this user's session. It is not spoken to yet.
func NewOS() *OS { return &OS{ring: system{}, probe: probe} }

// Name implements [Store].
func (*OS) Name() string { return KindOS }

// Available tells within seconds whether a keyring answers, without asking
// the person anything, or returns ErrUnavailable with the reason. One that is
// locked does answer: it will ask when it is used.
func (o *OS) Available(ctx context.Context) error {
	_, err := within(ctx, probeTime, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, o.probe(ctx)
	})
	if err != nil {
		return fmt.Errorf("%w: no keyring answers: %w", ErrUnavailable, err)
	}
	return nil
}

// Load implements [Store].
func (o *OS) Load(ctx context.Context, account string) (*secret.Bytes, error) {
	if err := checkAccount(account); err != nil {
		return nil, err
	}
	if err := o.Available(ctx); err != nil {
		return nil, err
	}
	return o.get(ctx, account)
}

// Save implements [Store].
func (o *OS) Save(ctx context.Context, account string, s *secret.Bytes) error {
	if err := errors.Join(checkAccount(account), checkSecret(s)); err != nil {
		return err
	}
	if err := o.Available(ctx); err != nil {
		return err
	}
	switch old, err := o.get(ctx, account); {
	case err == nil:
		old.Destroy()
		return fmt.Errorf("%w: account %s", ErrKeyExists, account)
	case errors.Is(err, ErrDamaged): // something is there, and it is not ours to replace
		return fmt.Errorf("%w: account %s, damaged", ErrKeyExists, account)
	case !errors.Is(err, ErrNoKey):
		return err
	}
	text := FormatSecret(s)
	value := string(text.Expose()) // go-keyring takes no less lasting type
	text.Destroy()
	_, err := within(ctx, promptTime, func(context.Context) (struct{}, error) {
		return struct{}{}, o.ring.Set(service, account, value)
	})
	if err != nil {
		err = fmt.Errorf("%w: save in the keyring: %w", ErrUnavailable, err)
		return errors.Join(err, o.undo(ctx, account, s))
	}
	again, err := o.get(ctx, account)
	if err != nil {
		return fmt.Errorf("%w: read back from the keyring: %w", ErrUnavailable, err)
	}
	defer again.Destroy()
	if !again.Equal(s) {
		return fmt.Errorf("%w: the keyring did not keep what it was given", ErrUnavailable)
	}
	return nil
}

// undo removes a secret whose saving was reported as failed but happened. It
// is tried although ctx may have ended.
func (o *OS) undo(ctx context.Context, account string, s *secret.Bytes) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTime)
	defer cancel()
	got, err := o.get(ctx, account)
	if err != nil {
		return nil // nothing of ours is there; the failure itself is reported
	}
	defer got.Destroy()
	if !got.Equal(s) {
		return nil
	}
	return o.remove(ctx, account)
}

// Delete implements [Store].
func (o *OS) Delete(ctx context.Context, account string) error {
	if err := checkAccount(account); err != nil {
		return err
	}
	if err := o.Available(ctx); err != nil {
		return err
	}
	return o.remove(ctx, account)
}

func (o *OS) get(ctx context.Context, account string) (*secret.Bytes, error) {
	text, err := within(ctx, promptTime, func(context.Context) (*secret.Bytes, error) {
		s, err := o.ring.Get(service, account)
		return secret.Take([]byte(s)), err
	})
	switch {
	case errors.Is(err, gokeyring.ErrNotFound):
		return nil, fmt.Errorf("%w: account %s in the keyring", ErrNoKey, account)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer text.Destroy()
	return ParseSecret(text)
}

func (o *OS) remove(ctx context.Context, account string) error {
	_, err := within(ctx, promptTime, func(context.Context) (struct{}, error) {
		return struct{}{}, o.ring.Delete(service, account)
	})
	switch {
	case errors.Is(err, gokeyring.ErrNotFound):
		return fmt.Errorf("%w: account %s in the keyring", ErrNoKey, account)
	case err != nil:
		return fmt.Errorf("%w: delete from the keyring: %w", ErrUnavailable, err)
	}
	return nil
}

// errNoAnswer is why within gave up.
var errNoAnswer = errors.New("no answer in time")

// within runs f and waits for it no longer than limit or ctx allow. go-keyring
// can be given neither, and waits for ever for a bus or a prompt that never
// answers; then its goroutine is left behind, in a program about to end.
func within[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f(ctx)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

// system is go-keyring itself.
type system struct{}

// Get implements [ring].
func (system) Get(service, user string) (string, error) { return gokeyring.Get(service, user) }

// Set implements [ring].
func (system) Set(service, user, text string) error { return gokeyring.Set(service, user, text) }

// Delete implements [ring].
func (system) Delete(service, user string) error { return gokeyring.Delete(service, user) }
