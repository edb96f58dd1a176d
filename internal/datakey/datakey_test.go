package datakey

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
)

// context is a field's context with small ids.
func context(organization, resource byte, epoch uint64) wire.KeyContext {
	return wire.KeyContext{
		Organization: wire.OrganizationID{organization},
		Resource:     bytes.Repeat([]byte{resource}, 16),
		Kind:         wire.KindField,
		Epoch:        epoch,
	}
}

// raw is a key of 32 bytes of n.
func raw(n byte) *secret.Bytes { return secret.New(bytes.Repeat([]byte{n}, Size)) }

func newKey(tb testing.TB, c wire.KeyContext, key *secret.Bytes) *Key {
	tb.Helper()
	k, err := New(c, key)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// drawContext draws any acceptable context; small values, so that two of them
// are sometimes equal.
func drawContext(t *rapid.T, label string) wire.KeyContext {
	c := context(rapid.ByteRange(0, 2).Draw(t, label+" organization"), rapid.ByteRange(0, 2).Draw(t, label+" resource"), rapid.Uint64Range(1, 3).Draw(t, label+" epoch"))
	c.Kind = wire.KeyKind(rapid.Uint8Range(1, 4).Draw(t, label+" kind"))
	return c
}

// expand is HKDF-SHA256 written out from RFC 5869, for one block.
func expand(key []byte, label string, c wire.KeyContext) []byte {
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	base := mac([]byte(wire.LabelDataKey), key)
	return mac(base, []byte(label), []byte{0}, c.Encode(), []byte{1})
}

func TestDerivationIsAsSpecified(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, b := drawContext(t, "context"), rapid.SliceOfN(rapid.Byte(), Size, Size).Draw(t, "key")
		k, err := New(c, secret.New(b))
		if err != nil {
			t.Fatal(err)
		}
		commitment := k.Commitment()
		if want := expand(b, wire.LabelCommit, c); !bytes.Equal(commitment[:], want) {
			t.Errorf("commitment %s, want %x", commitment, want)
		}
		if id := k.ID(); !bytes.Equal(id[:], commitment[:8]) {
			t.Errorf("id %x", id)
		}
		for _, label := range []string{wire.LabelKeyTag, wire.LabelKeyRec, wire.LabelKeyPrev, wire.LabelKeyName} {
			if got, want := k.Derive(label), expand(b, label, c); !got.Equal(secret.New(want)) {
				t.Errorf("%s: %x, want %x", label, got.Expose(), want)
			}
		}
		if !k.Raw().Equal(secret.New(b)) {
			t.Error("Raw is not the key")
		}
	})
}

// One data key used again in another epoch, resource or organization gets
// another id, and nothing that is derived from it is the same.
func TestAttack18OneKeyInTwoContexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawContext(t, "a"), drawContext(t, "b")
		ka, err := New(a, raw(7))
		if err != nil {
			t.Fatal(err)
		}
		kb, err := New(b, raw(7))
		if err != nil {
			t.Fatal(err)
		}
		same := bytes.Equal(a.Encode(), b.Encode())
		if (ka.Commitment() == kb.Commitment()) != same || (ka.ID() == kb.ID()) != same {
			t.Errorf("commitments of %+v and %+v: %s, %s", a, b, ka.Commitment(), kb.Commitment())
		}
		for _, label := range []string{wire.LabelKeyTag, wire.LabelKeyRec, wire.LabelKeyPrev, wire.LabelKeyName} {
			if ka.Derive(label).Equal(kb.Derive(label)) != same {
				t.Errorf("%s for %+v and %+v", label, a, b)
			}
		}
	})
}

func TestPurposesAreSeparate(t *testing.T) {
	t.Parallel()
	k := newKey(t, context(1, 1, 1), raw(1))
	seen := map[string]string{string(k.Raw().Expose()): "the key itself"}
	for _, label := range []string{wire.LabelCommit, wire.LabelKeyTag, wire.LabelKeyRec, wire.LabelKeyPrev, wire.LabelKeyName} {
		d := string(k.Derive(label).Expose())
		if other, dup := seen[d]; dup {
			t.Errorf("%s is the same as %s", label, other)
		}
		seen[d] = label
	}
}

// Only the key that was committed to, in its context, is accepted; the
// commitment is compared whole.
func TestOpenWantsTheCommittedKey(t *testing.T) {
	t.Parallel()
	c := context(1, 2, 3)
	commitment := newKey(t, c, raw(1)).Commitment()
	if k, err := Open(c, raw(1), commitment); err != nil || k.Commitment() != commitment {
		t.Fatal(err)
	}
	for i := range len(commitment) * 8 {
		bad := commitment
		bad[i/8] ^= 1 << (i % 8)
		if k, err := Open(c, raw(1), bad); !errors.Is(err, ErrCommitment) || k != nil {
			t.Errorf("bit %d of the commitment: %v", i, err)
		}
	}
	for i := range Size * 8 {
		b := bytes.Repeat([]byte{1}, Size)
		b[i/8] ^= 1 << (i % 8)
		if k, err := Open(c, secret.New(b), commitment); !errors.Is(err, ErrCommitment) || k != nil {
			t.Errorf("bit %d of the key: %v", i, err)
		}
	}
	for _, other := range []wire.KeyContext{context(2, 2, 3), context(1, 3, 3), context(1, 2, 4)} {
		if _, err := Open(other, raw(1), commitment); !errors.Is(err, ErrCommitment) {
			t.Errorf("context %+v: %v", other, err)
		}
	}
}

// A key that is missing or short is an error of its own and never replaced.
func TestAttack10MissingKey(t *testing.T) {
	t.Parallel()
	c := context(1, 1, 1)
	if _, err := New(c, raw(1)); err != nil {
		t.Fatal("without the attack:", err)
	}
	for name, s := range map[string]*secret.Bytes{
		"nil": nil, "empty": secret.New(nil), "short": secret.New(make([]byte, Size-1)), "long": secret.New(make([]byte, Size+1)),
	} {
		if k, err := New(c, s); !errors.Is(err, ErrSize) || k != nil {
			t.Errorf("New, %s: %v", name, err)
		}
		if k, err := Open(c, s, wire.Hash{}); !errors.Is(err, ErrSize) || k != nil {
			t.Errorf("Open, %s: %v", name, err)
		}
	}
	if k, err := New(wire.KeyContext{}, raw(1)); !errors.Is(err, wire.ErrContext) || k != nil {
		t.Errorf("no context: %v", err)
	}
	if k, err := Generate(wire.KeyContext{}); !errors.Is(err, wire.ErrContext) || k != nil {
		t.Errorf("Generate without context: %v", err)
	}
}

func TestKeyIsItsOwn(t *testing.T) {
	t.Parallel()
	c, s := context(1, 1, 1), raw(1)
	k := newKey(t, c, s)
	id := k.ID()
	s.Destroy()
	c.Resource[0] = 9
	k.Context().Resource[0] = 8
	if again := newKey(t, k.Context(), k.Raw()); again.ID() != id || k.Context().Resource[0] != 1 {
		t.Error("the key changed with what it was made from")
	}
	other, err := Generate(k.Context())
	if err != nil || other.ID() == id {
		t.Errorf("Generate: %v", err)
	}
}

// After Destroy nothing is derived or sealed: it would be under a key that
// everybody can compute.
func TestDestroyedKeyDoesNothing(t *testing.T) {
	t.Parallel()
	k, newer := newKey(t, context(1, 1, 1), raw(1)), newKey(t, context(1, 1, 2), raw(2))
	k.Destroy()
	if k.Raw().Len() != 0 {
		t.Error("the key is still there")
	}
	if _, err := newer.SealPrevious(k); !errors.Is(err, ErrSize) {
		t.Errorf("SealPrevious of a destroyed key: %v", err)
	}
	for name, f := range map[string]func(){
		"Derive":       func() { k.Derive(wire.LabelKeyTag) },
		"Seal":         func() { _, _ = k.Seal(wire.LabelKeyName, nil, nil) },
		"Unseal":       func() { _, _ = k.Unseal(wire.LabelKeyName, make([]byte, 40), nil) },
		"SealPrevious": func() { _, _ = k.SealPrevious(newer) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s works after Destroy", name)
				}
			}()
			f()
		}()
	}
}

func TestSealRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, err := New(drawContext(t, "context"), raw(rapid.Byte().Draw(t, "key")))
		if err != nil {
			t.Fatal(err)
		}
		label := rapid.SampledFrom([]string{wire.LabelKeyName, wire.LabelKeyPrev}).Draw(t, "label")
		pt, extra := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext"), rapid.SliceOf(rapid.Byte()).Draw(t, "extra")
		sealed, err := k.Seal(label, pt, extra)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Unseal(label, sealed, extra)
		if err != nil || !bytes.Equal(got, pt) {
			t.Fatalf("%x, %v; want %x", got, err, pt)
		}
		again, err := k.Seal(label, pt, extra)
		if err != nil || bytes.Equal(again, sealed) {
			t.Fatalf("sealed to the same bytes twice: %v", err)
		}
	})
}

// What is sealed opens only under its key, label and extra, whole and as it was.
func TestUnsealRefuses(t *testing.T) {
	t.Parallel()
	k := newKey(t, context(1, 1, 1), raw(1))
	sealed, err := k.Seal(wire.LabelKeyName, []byte("a name"), []byte("extra"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Unseal(wire.LabelKeyName, sealed, []byte("extra")); err != nil {
		t.Fatal(err)
	}
	refused := func(name string, k *Key, label string, sealed, extra []byte) {
		t.Helper()
		if pt, err := k.Unseal(label, sealed, extra); !errors.Is(err, ErrSealed) || pt != nil {
			t.Errorf("%s: %x, %v", name, pt, err)
		}
	}
	for i := range len(sealed) * 8 {
		bad := bytes.Clone(sealed)
		bad[i/8] ^= 1 << (i % 8)
		refused(fmt.Sprint("bit ", i), k, wire.LabelKeyName, bad, []byte("extra"))
	}
	for n := range len(sealed) {
		refused(fmt.Sprint("first ", n), k, wire.LabelKeyName, sealed[:n], []byte("extra"))
	}
	refused("longer", k, wire.LabelKeyName, append(bytes.Clone(sealed), 0), []byte("extra"))
	refused("another label", k, wire.LabelKeyPrev, sealed, []byte("extra"))
	refused("another extra", k, wire.LabelKeyName, sealed, []byte("Extra"))
	refused("no extra", k, wire.LabelKeyName, sealed, nil)
	refused("another key", newKey(t, context(1, 1, 1), raw(2)), wire.LabelKeyName, sealed, []byte("extra"))
	refused("another epoch", newKey(t, context(1, 1, 2), raw(1)), wire.LabelKeyName, sealed, []byte("extra"))
}

// A reader of a newer epoch who is handed a wrong older key refuses it, even
// where whoever sealed it holds the newer key.
func TestAttack61WrongOlderKey(t *testing.T) {
	t.Parallel()
	c1, c2 := context(1, 1, 1), context(1, 1, 2)
	first, second, wrong := newKey(t, c1, raw(1)), newKey(t, c2, raw(2)), newKey(t, c1, raw(3))
	sealed, err := second.SealPrevious(first)
	if err != nil {
		t.Fatal(err)
	}
	got, err := second.OpenPrevious(sealed, c1, first.Commitment())
	if err != nil || !got.Raw().Equal(first.Raw()) {
		t.Fatal("without the attack:", err)
	}
	if len(sealed) != SealedKeySize {
		t.Errorf("%d bytes, want %d", len(sealed), SealedKeySize)
	}

	// Sealed for what it is: bound to the wrong commitment.
	honest, err := second.SealPrevious(wrong)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := second.OpenPrevious(honest, c1, first.Commitment()); !errors.Is(err, ErrSealed) || k != nil {
		t.Errorf("another key's link: %v", err)
	}
	// Sealed by a holder of the newer key as if it were the first.
	lying, err := second.Seal(wire.LabelKeyPrev, wrong.Raw().Expose(), historyContext(second.Commitment(), first.Commitment()))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := second.OpenPrevious(lying, c1, first.Commitment()); !errors.Is(err, ErrCommitment) || k != nil {
		t.Errorf("a wrong key under the right name: %v", err)
	}
	short, err := second.Seal(wire.LabelKeyPrev, nil, historyContext(second.Commitment(), first.Commitment()))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := second.OpenPrevious(short, c1, first.Commitment()); !errors.Is(err, ErrSize) || k != nil {
		t.Errorf("no key in the link: %v", err)
	}
	// The right link in another place of the chain.
	third := newKey(t, context(1, 1, 3), raw(4))
	if k, err := third.OpenPrevious(sealed, c1, first.Commitment()); !errors.Is(err, ErrSealed) || k != nil {
		t.Errorf("a link of another epoch: %v", err)
	}
	if k, err := second.OpenPrevious(sealed, context(1, 2, 1), first.Commitment()); !errors.Is(err, ErrCommitment) || k != nil {
		t.Errorf("another resource: %v", err)
	}
}

// sealedName is "a name" sealed by newKey(context(1, 1, 1), raw(1)) under
// LabelKeyName with "extra".
const sealedName = "186b7dfd7e06fea6d91cac131415dd854821a51f1514d68b" +
	"e58f08b7eb53144436d6fb694468c2a9a11514f765b3"

// FuzzUnseal: a fuzzer, which does not hold the key, finds no second thing
// that opens, and nothing that panics.
func FuzzUnseal(f *testing.F) {
	good, err := hex.DecodeString(sealedName)
	if err != nil {
		f.Fatal(err)
	}
	k := newKey(f, context(1, 1, 1), raw(1))
	if pt, err := k.Unseal(wire.LabelKeyName, good, []byte("extra")); err != nil || string(pt) != "a name" {
		f.Fatalf("the one thing that opens does not: %q, %v", pt, err)
	}
	f.Fuzz(func(t *testing.T, sealed, extra []byte) {
		pt, err := k.Unseal(wire.LabelKeyName, sealed, extra)
		if bytes.Equal(sealed, good) && string(extra) == "extra" {
			if err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, ErrSealed) {
			t.Fatalf("%x with %x opens to %x: %v", sealed, extra, pt, err)
		}
		if _, err := k.OpenPrevious(sealed, context(1, 1, 1), wire.Hash{}); !errors.Is(err, ErrSealed) {
			t.Fatal(err)
		}
	})
}
