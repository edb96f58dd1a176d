package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
)

// MaxFile bounds a key file in bytes. One that is written has 259.
const MaxFile = 1024

// File keeps each secret in a file of its own, ACCOUNT.age: an age file under
// a passphrase that holds the secret's text form and a line end. Opening one
// costs a second, on purpose.
type File struct {
	dir  string
	ask  Passphrase
	cost cost
}

var _ Store = &File{}

// NewFile returns a store of files in dir, which is made, for the user alone,
// when the first secret is saved. A nil ask gives ErrNoPassphrase where a
// passphrase is needed.
func NewFile(dir string, ask Passphrase) *File {
	if ask == nil {
		ask = func(context.Context, Purpose) (*secret.Bytes, error) { return nil, ErrNoPassphrase }
	}
	return &File{dir: dir, ask: ask, cost: compiledIn()}
}

// Name implements [Store].
func (*File) Name() string { return KindFile }

// Path is where the secret of an account is, or would be.
func (f *File) Path(account string) string { return filepath.Join(f.dir, account+".age") }

// Load implements [Store].
func (f *File) Load(ctx context.Context, account string) (*secret.Bytes, error) {
	if err := checkAccount(account); err != nil {
		return nil, err
	}
	data, err := durable.ReadFile(f.Path(account), MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNoKey, f.Path(account))
	case errors.Is(err, durable.ErrTooLarge), errors.Is(err, durable.ErrNotRegular):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := f.cost.check(data); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(account), err)
	}
	pass, err := f.ask(ctx, ToOpen)
	if err != nil {
		return nil, err
	}
	defer pass.Destroy()
	s, err := f.cost.open(data, pass)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(account), err)
	}
	return s, nil
}

// Save implements [Store]. The passphrase must satisfy [CheckPassphrase].
func (f *File) Save(ctx context.Context, account string, s *secret.Bytes) error {
	if err := errors.Join(checkAccount(account), checkSecret(s)); err != nil {
		return err
	}
	path := f.Path(account)
	if _, err := os.Lstat(path); err == nil { // before anybody is asked to invent a passphrase
		return fmt.Errorf("%w: %s", ErrKeyExists, path)
	}
	if err := durable.MkdirAll(f.dir, durable.Private); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	pass, err := f.ask(ctx, ToSave)
	if err != nil {
		return err
	}
	defer pass.Destroy()
	if err := CheckPassphrase(pass); err != nil {
		return err
	}
	data, err := f.cost.seal(s, pass)
	if err != nil {
		return err
	}
	err = durable.CreateFile(path, data, durable.Private)
	if errors.Is(err, durable.ErrExists) {
		return fmt.Errorf("%w: %s", ErrKeyExists, path)
	}
	if err == nil {
		err = f.verify(path, s, pass)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), f.undo(account, data))
	}
	return nil
}

// verify opens what is now on the disk. The second that it takes is spent
// once in a device's life, and a secret that does not open again is lost.
func (f *File) verify(path string, s, pass *secret.Bytes) error {
	data, err := durable.ReadFile(path, MaxFile)
	if err != nil {
		return err
	}
	again, err := f.cost.open(data, pass)
	if err != nil {
		return err
	}
	defer again.Destroy()
	if !again.Equal(s) {
		return fmt.Errorf("%w: %s does not hold what was written", ErrDamaged, path)
	}
	return nil
}

// undo removes a file whose saving was reported as failed, if it is there and
// is this one: no two files sealed are alike.
func (f *File) undo(account string, data []byte) error {
	got, err := durable.ReadFile(f.Path(account), MaxFile)
	if err != nil || !bytes.Equal(got, data) {
		return nil //nolint:nilerr // nothing of ours is there; the failure itself is reported
	}
	return f.remove(account)
}

// Delete implements [Store].
func (f *File) Delete(_ context.Context, account string) error {
	if err := checkAccount(account); err != nil {
		return err
	}
	if _, err := os.Lstat(f.Path(account)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoKey, f.Path(account))
	}
	return f.remove(account)
}

func (f *File) remove(account string) error {
	d, err := durable.OpenDir(f.dir, "", durable.Private)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := errors.Join(d.Remove(account+".age"), d.Close()); err != nil {
		return fmt.Errorf("%w: delete: %w", ErrUnavailable, err)
	}
	return nil
}

// seal returns an age file with the text form of s and a line end.
func (c cost) seal(s, pass *secret.Bytes) ([]byte, error) {
	text := FormatSecret(s)
	defer text.Destroy()
	line := secret.Take(append(bytes.Clone(text.Expose()), '\n'))
	defer line.Destroy()
	return c.sealText(line, pass)
}

// open returns the secret in a file that passed check.
func (c cost) open(data []byte, pass *secret.Bytes) (*secret.Bytes, error) {
	plain, err := c.openText(data, pass)
	if err != nil {
		return nil, err
	}
	defer plain.Destroy()
	text, found := bytes.CutSuffix(plain.Expose(), []byte("\n"))
	if !found {
		return nil, fmt.Errorf("%w: no line end", ErrDamaged)
	}
	line := secret.New(text)
	defer line.Destroy()
	return ParseSecret(line)
}
