package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"filippo.io/age"

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

// WorkFactorError says that a file claims a cost outside of what is
// compiled in. It is found before the passphrase is asked for.
type WorkFactorError struct {
	LogN     int // as the file says
	Min, Max int // as this program allows
}

func (e *WorkFactorError) Error() string {
	return fmt.Sprintf("the file has scrypt work factor %d; allowed are %d to %d", e.LogN, e.Min, e.Max)
}

// cost is the three work factors, so that tests may try every bit of a file.
type cost struct{ write, least, most int }

// compiledIn are the work factors of every file but a test's.
func compiledIn() cost { return cost{write: WorkFactor, least: MinWorkFactor, most: MaxWorkFactor} }

// SealText returns an age file under a passphrase, which must satisfy
// [CheckPassphrase], that holds text. Stock age opens it. A key file is one;
// so is a passphrase backup (package kit).
func SealText(text, pass *secret.Bytes) ([]byte, error) {
	if err := CheckPassphrase(pass); err != nil {
		return nil, err
	}
	return compiledIn().sealText(text, pass)
}

// CheckText looks at a file of SealText, which the caller has bounded, as far
// as that goes without the passphrase: it returns ErrDamaged or a
// [WorkFactorError] before anybody is asked for one.
func CheckText(data []byte) error { return compiledIn().check(data) }

// OpenText returns the text in a file of SealText, which the caller destroys,
// or ErrDamaged, a [WorkFactorError], or ErrWrongPassphrase.
func OpenText(data []byte, pass *secret.Bytes) (*secret.Bytes, error) {
	if err := CheckText(data); err != nil {
		return nil, err
	}
	return compiledIn().openText(data, pass)
}

func (c cost) sealText(text, pass *secret.Bytes) ([]byte, error) {
	r, err := age.NewScryptRecipient(string(pass.Expose())) // age takes no less lasting type
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	r.SetWorkFactor(c.write)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err == nil {
		_, err = w.Write(text.Expose())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal under the passphrase: %w", err)
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
		// age's message may quote the file, which need not be one of ours.
		return fmt.Errorf("%w: not an age file under one passphrase", ErrDamaged)
	}
}

// openText returns the content of a file that passed check.
//
// age wraps the file key with ChaCha20-Poly1305, for which one can make a
// stanza that opens under two passphrases, to two different file keys. That
// is as far as it goes: the header's MAC, an HMAC-SHA256 under HKDF of the
// file key, fits one of them, and the size of a stanza is fixed, so that no
// more than two can be aimed at (attack 40; TestAttack40… makes one).
func (c cost) openText(data []byte, pass *secret.Bytes) (*secret.Bytes, error) {
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
	if err != nil {
		clear(plain)
		return nil, ErrWrongPassphrase
	}
	return secret.Take(plain), nil
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
