package keystore

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
)

func TestTextForm(t *testing.T) {
	t.Parallel()
	const want = "UNDERSEAL-SECRET-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SY0VU6X" // spec/key-store.md
	if got := string(FormatSecret(counting()).Expose()); got != want {
		t.Errorf("got %s", got)
	}
	for name, text := range map[string]string{
		"empty": "", "white space": want + "\n", "half": want[:40], "mixed case": strings.ToLower(want[:1]) + want[1:],
		"another secret's checksum": want[:75] + "Q",
		"another prefix":            strings.Replace(want, "SECRET", "SEKRET", 1),
	} {
		_, err := ParseSecret(secret.New([]byte(text)))
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := secret.New(rapid.SliceOfN(rapid.Byte(), SecretSize, SecretSize).Draw(t, "secret"))
		text := FormatSecret(s)
		if got, err := ParseSecret(text); err != nil || !got.Equal(s) {
			t.Fatal(err)
		}
		lower := secret.New([]byte(strings.ToLower(string(text.Expose()))))
		if got, err := ParseSecret(lower); err != nil || !got.Equal(s) {
			t.Fatal(err)
		}
	})
}

// The size of a device secret stands in two packages, so that neither needs
// the other.
func TestSecretSize(t *testing.T) {
	t.Parallel()
	if SecretSize != keyring.SecretSize {
		t.Errorf("a device secret has %d bytes here and %d there", SecretSize, keyring.SecretSize)
	}
}
