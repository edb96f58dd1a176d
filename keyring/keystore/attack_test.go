package keystore

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"

	"github.com/underseal/underseal/internal/secret"
)

// TestAttack36WorkFactor: a key file names its own KDF cost, very low or
// absurdly high. It is refused before a passphrase is asked for or a byte of
// memory is spent, whatever the passphrase.
func TestAttack36WorkFactor(t *testing.T) {
	t.Parallel()
	if MinWorkFactor != 17 || WorkFactor != 18 || MaxWorkFactor != 20 {
		t.Error("the bounds differ from spec/key-store.md")
	}
	plain := string(FormatSecret(counting()).Expose()) + "\n"
	honest := encrypt(t, plain, mustRecipient(t, goodPassphrase, 10))
	claim := func(logN string) []byte {
		return bytes.Replace(honest, []byte(" 10\n"), []byte(" "+logN+"\n"), 1)
	}
	f := NewFile(t.TempDir(), nil)
	for logN := MinWorkFactor; logN <= MaxWorkFactor; logN++ {
		replace(t, f, claim(fmt.Sprint(logN)))
		if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrNoPassphrase) { // so it was asked for
			t.Fatalf("without the attack, work factor %d: %v", logN, err)
		}
	}

	f.ask = neverAsked(t)
	for _, logN := range []int{1, 2, 10} { // true files, so cheap to guess at
		replace(t, f, encrypt(t, plain, mustRecipient(t, goodPassphrase, logN)))
		var wf *WorkFactorError
		if _, err := f.Load(t.Context(), account); !errors.As(err, &wf) || wf.LogN != logN {
			t.Errorf("work factor %d: %v", logN, err)
		}
	}
	for _, logN := range []string{"16", "21", "22", "30", "31", "62", "63", "64", "1000000"} { // claims alone
		replace(t, f, claim(logN))
		var wf *WorkFactorError
		if _, err := f.Load(t.Context(), account); !errors.As(err, &wf) || fmt.Sprint(wf.LogN) != logN {
			t.Errorf("work factor %s: %v", logN, err)
		}
	}
	for _, logN := range []string{"017", "+17", "-17", "0x11", "1e1", "17 17", "", "0", "18446744073709551634", "١٧"} {
		replace(t, f, claim(logN))
		var wf *WorkFactorError
		if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrDamaged) && !errors.As(err, &wf) {
			t.Errorf("work factor %q: %v", logN, err)
		}
	}
}

// TestAttack40PartitioningOracle: whoever supplies the file makes its stanza
// open under two passphrases, and learns from the answer which of the two its
// owner has. ChaCha20-Poly1305 allows such a stanza; the header's MAC commits
// to one file key, so the file opens under one passphrase, and refuses the
// other exactly as it refuses any.
func TestAttack40PartitioningOracle(t *testing.T) {
	t.Parallel()
	const one, two = "the passphrase of one", "the passphrase of two"
	st, keyOne, keyTwo := salamander(t, one, two)
	f := cheapFile(t, nil)
	load := func(pass string, data []byte) error {
		replace(t, f, data)
		f.ask = says(pass)
		s, err := f.Load(t.Context(), account)
		if err == nil && !s.Equal(counting()) {
			t.Error("another secret came out")
		}
		return err
	}
	forOne := assemble(t, st, keyOne, keyOne)
	forTwo := assemble(t, st, keyTwo, keyTwo)
	if err := errors.Join(load(one, forOne), load(two, forTwo)); err != nil {
		t.Fatalf("without the attack: %v", err)
	}
	neither := load("a third passphrase", forOne)
	for name, err := range map[string]error{
		"two, MAC and payload for one": load(two, forOne),
		"one, MAC and payload for two": load(one, forTwo),
		"two, payload for two":         load(two, assemble(t, st, keyOne, keyTwo)),
		"one, payload for two":         load(one, assemble(t, st, keyOne, keyTwo)),
		"neither":                      neither,
	} {
		if !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("%s: %v", name, err)
		} else if err.Error() != neither.Error() {
			t.Errorf("%s can be told apart: %v", name, err)
		}
	}
}

// A longer stanza could be aimed at more passphrases: its size is fixed.
func TestAttack40LongStanza(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	st, key := stanza(t, goodPassphrase)
	replace(t, f, assemble(t, st, key, key))
	if _, err := f.Load(t.Context(), account); err != nil {
		t.Fatalf("without the attack: %v", err)
	}
	for _, n := range []int{16, 31, 33, 48, 64, 512} {
		long := *st
		long.Body = slices.Concat(st.Body, make([]byte, 512))[:n]
		replace(t, f, assemble(t, &long, key, key))
		if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestAttack40AttemptsBounded: one Load asks once. How often it is called is
// up to a person at a terminal; no server ever gets to ask.
func TestAttack40AttemptsBounded(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	mustSave(t, f, counting())
	asked := 0
	f.ask = func(context.Context, Purpose) (*secret.Bytes, error) {
		asked++
		return secret.New([]byte("wrong")), nil
	}
	if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrWrongPassphrase) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

var b64 = base64.RawStdEncoding

func wrapKey(t *testing.T, pass string, salt []byte) []byte {
	t.Helper()
	k, err := scrypt.Key([]byte(pass), append([]byte("age-encryption.org/v1/scrypt"), salt...), 1<<cheap.write, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func stanza(t *testing.T, pass string) (*age.Stanza, []byte) {
	t.Helper()
	salt, fileKey := make([]byte, 16), bytes.Repeat([]byte{7}, 16)
	aead, err := chacha20poly1305.New(wrapKey(t, pass, salt))
	if err != nil {
		t.Fatal(err)
	}
	return &age.Stanza{
		Type: "scrypt", Args: []string{b64.EncodeToString(salt), fmt.Sprint(cheap.write)},
		Body: aead.Seal(nil, make([]byte, 12), fileKey, nil),
	}, fileKey
}

// salamander makes a stanza that opens under both passphrases, and returns the
// file key that each gives. The tag of 16 bytes c under a key (r, s) is
// ((c·r² + n·r) mod p + s) mod 2¹²⁸, n being the block of lengths; that both
// keys give the same tag is a linear equation in c.
func salamander(t *testing.T, one, two string) (st *age.Stanza, keyOne, keyTwo []byte) {
	t.Helper()
	for try := range uint32(1000) {
		salt := binary.BigEndian.AppendUint32(make([]byte, 12), try)
		k1, k2 := wrapKey(t, one, salt), wrapKey(t, two, salt)
		for _, c := range collide(t, k1, k2) {
			st := &age.Stanza{Type: "scrypt", Args: []string{b64.EncodeToString(salt), fmt.Sprint(cheap.write)}, Body: c}
			keyOne, err1 := unwrap(t, one, st)
			keyTwo, err2 := unwrap(t, two, st)
			if err1 == nil && err2 == nil {
				if bytes.Equal(keyOne, keyTwo) {
					t.Fatal("both give the same file key")
				}
				return st, keyOne, keyTwo
			}
		}
	}
	t.Fatal("no salamander found: the attack is not tried")
	return nil, nil, nil
}

func unwrap(t *testing.T, pass string, st *age.Stanza) ([]byte, error) {
	t.Helper()
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		t.Fatal(err)
	}
	return id.Unwrap([]*age.Stanza{st})
}

func collide(t *testing.T, k1, k2 []byte) (bodies [][]byte) {
	t.Helper()
	bit := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	p := new(big.Int).Sub(bit(130), big.NewInt(5))
	n := new(big.Int).Add(bit(128), bit(64+4)) // lengths 0 and 16, little-endian, and the final bit
	r1, s1 := poly1305Key(t, k1)
	r2, s2 := poly1305Key(t, k2)
	mul := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	sub := func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }
	factor := new(big.Int).ModInverse(new(big.Int).Mod(sub(mul(r1, r1), mul(r2, r2)), p), p)
	if factor == nil {
		return nil
	}
	for k := int64(-4); k <= 4; k++ {
		right := new(big.Int).Add(sub(s2, s1), mul(big.NewInt(k), bit(128)))
		c := mul(sub(right, mul(n, sub(r1, r2))), factor)
		c.Mod(c, p)
		if c.BitLen() != 129 { // a whole block has its 129th bit set
			continue
		}
		block := sub(c, bit(128)).FillBytes(make([]byte, 16))
		slices.Reverse(block)
		tag := mul(c, mul(r1, r1))
		tag.Add(tag, mul(n, r1)).Mod(tag, p).Add(tag, s1).Mod(tag, bit(128))
		mac := tag.FillBytes(make([]byte, 16))
		slices.Reverse(mac)
		bodies = append(bodies, append(block, mac...))
	}
	return bodies
}

func poly1305Key(t *testing.T, key []byte) (r, s *big.Int) {
	t.Helper()
	c, err := chacha20.NewUnauthenticatedCipher(key, make([]byte, 12))
	if err != nil {
		t.Fatal(err)
	}
	k := make([]byte, 32)
	c.XORKeyStream(k, k)
	for _, i := range []int{3, 7, 11, 15} {
		k[i] &= 15
	}
	for _, i := range []int{4, 8, 12} {
		k[i] &= 252
	}
	slices.Reverse(k[:16])
	slices.Reverse(k[16:])
	return new(big.Int).SetBytes(k[:16]), new(big.Int).SetBytes(k[16:])
}

// assemble writes an age file with this stanza, its header's MAC under one
// file key and its payload, a device secret, under another.
func assemble(t *testing.T, st *age.Stanza, macKey, payloadKey []byte) []byte {
	t.Helper()
	derive := func(key, salt []byte, info string) []byte {
		k, err := hkdf.Key(sha256.New, key, salt, info, 32)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var b bytes.Buffer
	b.WriteString("age-encryption.org/v1\n-> " + st.Type + " " + strings.Join(st.Args, " ") + "\n")
	body := b64.EncodeToString(st.Body)
	for len(body) >= 64 {
		b.WriteString(body[:64] + "\n")
		body = body[64:]
	}
	b.WriteString(body + "\n---")
	mac := hmac.New(sha256.New, derive(macKey, nil, "header"))
	mac.Write(b.Bytes())
	b.WriteString(" " + b64.EncodeToString(mac.Sum(nil)) + "\n")

	nonce := bytes.Repeat([]byte{9}, 16)
	b.Write(nonce)
	aead, err := chacha20poly1305.New(derive(payloadKey, nonce, "payload"))
	if err != nil {
		t.Fatal(err)
	}
	last := append(make([]byte, 11), 1)
	plain := append(slices.Clone(FormatSecret(counting()).Expose()), '\n')
	return append(b.Bytes(), aead.Seal(nil, last, plain, nil)...)
}

// FuzzCheck: no file makes check panic, and whatever passes names a cost
// within the bounds.
func FuzzCheck(f *testing.F) {
	frozen, err := os.ReadFile("testdata/frozen/v1.age")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frozen)
	f.Add(bytes.Replace(frozen, []byte(" 18\n"), []byte(" 62\n"), 1))
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n\n--- "))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cost{least: MinWorkFactor, most: MaxWorkFactor}
		var wf *WorkFactorError
		switch err := c.check(data); {
		case err == nil:
			if !bytes.HasPrefix(data, []byte("age-encryption.org/v1\n-> scrypt ")) {
				t.Error("not a file under a passphrase")
			}
		case errors.As(err, &wf):
			if wf.LogN >= wf.Min && wf.LogN <= wf.Max {
				t.Errorf("refused within the bounds: %v", err)
			}
		case !errors.Is(err, ErrDamaged):
			t.Error(err)
		}
	})
}
