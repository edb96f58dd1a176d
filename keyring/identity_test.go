package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

func newIdentity(t testing.TB) (*Identity, *secret.Bytes) {
	t.Helper()
	id, s, err := NewIdentity("Alice Officer", "alice@example.com", "laptop")
	if err != nil {
		t.Fatal(err)
	}
	return id, s
}

func TestIdentityRoundTrip(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	again, err := ParseIdentity(id.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if again.Member() != id.Member() || again.Card().Email.Text != "alice@example.com" || again.DeviceLabel().Text != "laptop" {
		t.Error("not what was encoded")
	}
	u, err := again.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	if u.Keys().ID() != id.Device() || pubkey.Hash(u.FirstUserKey().Private.Public()) != pubkey.Hash(id.Card().Card.UserKey()) {
		t.Error("the unlocked keys are not those of the card")
	}
	payload := []byte("payload")
	if err := pubkey.Verify(id.Card().Card.SigningKey(), wire.LabelEntry, payload, u.Keys().Sign(wire.LabelEntry, payload)); err != nil {
		t.Error(err)
	}
	if bytes.Equal(u.Keys().MAC("a", payload), u.Keys().MAC("b", payload)) || len(u.Keys().MAC("a", payload)) != 32 {
		t.Error("a MAC without its label")
	}
	u.Lock()
	if u.Keys().Encryption().Hash() == (officer.Hash{}) {
		t.Error("the public half is gone with the secret one")
	}
	other, _ := newIdentity(t)
	if other.Member() == id.Member() || other.Device() == id.Device() {
		t.Error("two identities are one")
	}
}

// TestDeviceKeysAreFixed pins the derivation: a device secret, such as one on
// paper, gives the same keys for ever.
func TestDeviceKeysAreFixed(t *testing.T) {
	t.Parallel()
	s := secret.New(bytes.Repeat([]byte{7}, SecretSize))
	d, err := NewDevice(s, officer.DeviceInstallation, officer.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	const want = "356a4c59"
	if got := hex.EncodeToString(d.Record().Signing)[:8]; got != want {
		t.Errorf("signing key begins %s, want %s", got, want)
	}
	paper, err := NewDevice(s, officer.DevicePaperKit, officer.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if paper.ID() == d.ID() || !bytes.Equal(paper.Record().Encryption, d.Record().Encryption) {
		t.Error("the kind belongs to the id and not to the keys")
	}
	if err := pubkey.CheckKEM(d.Record().Encryption); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := NewDevice(secret.New(make([]byte, n)), officer.DeviceInstallation, officer.Hash{}); !errors.Is(err, ErrSecret) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestUnlockRefuses(t *testing.T) {
	t.Parallel()
	id, s := newIdentity(t)
	if _, err := id.Unlock(s); err != nil { // what is refused below is not refused as it is
		t.Fatal(err)
	}
	if _, err := id.Unlock(GenerateSecret()); !errors.Is(err, ErrMismatch) {
		t.Errorf("another secret: %v", err)
	}
	if _, err := id.Unlock(secret.New(nil)); !errors.Is(err, ErrSecret) {
		t.Errorf("no secret: %v", err)
	}
}

// TestEveryBitOfTheFile: an altered identity file is refused when it is read
// or when it is unlocked; it never unlocks to other keys.
func TestEveryBitOfTheFile(t *testing.T) {
	t.Parallel()
	first, s := newIdentity(t)
	later, ls := laterOf(t, first, s, "desk")
	everyBit(t, first, s)
	everyBit(t, later, ls)
}

func everyBit(t *testing.T, id *Identity, s *secret.Bytes) {
	t.Helper()
	good := id.Encode()
	for i := 0; i < len(good); i++ {
		if i > 200 && i%13 != 0 { // the heads of all parts, and a sample of the long keys
			continue
		}
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		bad, err := ParseIdentity(b)
		if err == nil {
			_, err = bad.Unlock(s)
			if !errors.Is(err, envelope.ErrOpen) && !errors.Is(err, ErrMismatch) && !errors.Is(err, wire.ErrMalformed) && !versioned(err) {
				t.Errorf("byte %d: %v", i, err)
			}
		}
		if err == nil {
			t.Errorf("byte %d altered, and unlocked", i)
		}
	}
	for _, n := range []int{0, 1, 2, 100, len(good) - 1} {
		if _, err := ParseIdentity(good[:n]); !errors.Is(err, ErrIdentity) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	if _, err := ParseIdentity(make([]byte, 1<<20)); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
	newer := append([]byte{0x86, 3}, good[2:]...)
	var v *wire.VersionError
	if _, err := ParseIdentity(newer); !errors.As(err, &v) || v.Version != 3 {
		t.Errorf("newer: %v", err)
	}
}

func versioned(err error) bool {
	var v *wire.VersionError
	return errors.As(err, &v)
}

func TestTextsAreChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", wire.MaxText+1)
	for _, c := range [][3]string{{"", "a@b", "d"}, {"n", "", "d"}, {"n", "a@b", ""}, {long, "a@b", "d"}, {"n", long, "d"}, {"n", "a@b", long}, {"\xff", "a@b", "d"}} {
		if _, _, err := NewIdentity(c[0], c[1], c[2]); !errors.Is(err, officer.ErrText) {
			t.Errorf("%.5q: %v", c, err)
		}
	}
}

func TestOpenUserKeyWantsTheVeryKey(t *testing.T) {
	t.Parallel()
	a, s := newIdentity(t)
	u, err := a.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenUserKey(u.FirstUserKey().Key, a.Card().Card.UserKey()); err != nil {
		t.Fatal(err)
	}
	b, _ := newIdentity(t)
	if _, err := OpenUserKey(u.FirstUserKey().Key, b.Card().Card.UserKey()); err == nil {
		t.Error("a seed that does not give the public key")
	}
}

func FuzzParseIdentity(f *testing.F) {
	id, s := newIdentity(f)
	f.Add(id.Encode())
	later, _ := laterOf(f, id, s, "desk")
	f.Add(later.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := ParseIdentity(b); err == nil && !bytes.Equal(id.Encode(), b) {
			t.Error("a second encoding is accepted")
		}
	})
}
