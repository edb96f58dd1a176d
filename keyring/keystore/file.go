package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"filippo.io/age"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
)

// The cost of one guess at a passphrase, as the base-2 logarithm of scrypt's
// N (r is 8, p is 1). It is compiled in: a file says what it was made with,
// and is refused unread outside of these bounds (attack 36, P8).
const (
	// WorkFactor is written: 256 MiB and about a second, as stock age does.
	WorkFactor = 18
	// MinWorkFactor is the least that is read, OWASP's minimum for scrypt. A
	// lower one would be a file made weak, and would let whoever made it try
	// passphrases on its reader at no cost of their own (attack 40).
	MinWorkFactor = 17
	// MaxWorkFactor is the most: 1 GiB and some four seconds. Twice that
	// stops a small machine, and leaves room for two doublings to come.
	MaxWorkFactor = 20
)

// MaxFile bounds a key file in bytes. One that is written has 259.
const MaxFile = 1024

// WorkFactorError says that a key file claims a cost outside of what is
// compiled in. It is found before the passphrase is asked for.
type WorkFactorError struct {
	LogN     int // as the file says
	Min, Max int // as this program allows
}

func (e *WorkFactorError) Error() string {
	return fmt.Sprintf("the key file has scrypt work factor %d; allowed are %d to %d", e.LogN, e.Min, e.Max)
}

// File keeps each secret in a file of its own, ACCOUNT.age: an age file under
// a passphrase that holds the secret's text form and a line end. Opening one
// costs a second, on purpose.
type File struct {
	dir  string
	ask  Passphrase
	cost cost
}

var _ Store = &File{}

// cost is the three work factors, so that tests may try every bit of a file.
type cost struct{ write, least, most int }

// NewFile returns a store of files in dir, which is made, for the user alone,
// when the first secret is saved. A nil ask gives ErrNoPassphrase where a
// passphrase is needed.
func NewFile(dir string, ask Passphrase) *File {
	if ask == nil {
		ask = func(context.Context, Purpose) (*secret.Bytes, error) { return nil, ErrNoPassphrase }
	}
	return &File{dir: dir, ask: ask, cost: cost{write: WorkFactor, least: MinWorkFactor, most: MaxWorkFactor}}
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
	r, err := age.NewScryptRecipient(string(pass.Expose())) // age takes no less lasting type
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	r.SetWorkFactor(c.write)
	text := FormatSecret(s)
	defer text.Destroy()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err == nil {
		_, err = w.Write(text.Expose())
	}
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal the key file: %w", err)
	}
	return out.Bytes(), nil
}

// check looks at a file as far as that goes without the passphrase.
func (c cost) check(data []byte) error {
	_, err := age.Decrypt(bytes.NewReader(data), identity{cost: c})
	var wf *WorkFactorError
	switch {
	case errors.Is(err, errChecked):
		return nil
	case errors.As(err, &wf):
		return wf
	default:
		// age's message may quote the file, which need not be a key file.
		return fmt.Errorf("%w: not an age file under one passphrase", ErrDamaged)
	}
}

// open returns the secret in a file that passed check.
//
// age wraps the file key with ChaCha20-Poly1305, for which one can make a
// stanza that opens under two passphrases, to two different file keys. That
// is as far as it goes: the header's MAC, an HMAC-SHA256 under HKDF of the
// file key, fits one of them, and the size of a stanza is fixed, so that no
// more than two can be aimed at (attack 40; TestAttack40… makes one).
func (c cost) open(data []byte, pass *secret.Bytes) (*secret.Bytes, error) {
	inner, err := age.NewScryptIdentity(string(pass.Expose()))
	if err != nil {
		return nil, ErrWrongPassphrase // it is empty
	}
	inner.SetMaxWorkFactor(c.most)
	r, err := age.Decrypt(bytes.NewReader(data), identity{cost: c, inner: inner})
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	plain, err := io.ReadAll(r) // shorter than the file
	defer clear(plain)
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	text, found := bytes.CutSuffix(plain, []byte("\n"))
	if !found {
		return nil, fmt.Errorf("%w: no line end", ErrDamaged)
	}
	line := secret.New(text)
	defer line.Destroy()
	return ParseSecret(line)
}

// errChecked stops age once the stanza has been looked at.
var errChecked = errors.New("checked")

// identity admits a single scrypt stanza within the bounds; the rest is age's.
type identity struct {
	cost  cost
	inner age.Identity // nil to check only
}

// Unwrap implements [age.Identity].
func (i identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" || len(stanzas[0].Args) != 2 {
		return nil, ErrDamaged
	}
	logN, err := strconv.Atoi(stanzas[0].Args[1])
	if err != nil || strconv.Itoa(logN) != stanzas[0].Args[1] {
		return nil, ErrDamaged
	}
	if logN < i.cost.least || logN > i.cost.most {
		return nil, &WorkFactorError{LogN: logN, Min: i.cost.least, Max: i.cost.most}
	}
	if i.inner == nil {
		return nil, errChecked
	}
	return i.inner.Unwrap(stanzas)
}
