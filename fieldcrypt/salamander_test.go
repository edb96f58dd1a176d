package fieldcrypt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/wire"
)

// An "invisible salamander" is a ciphertext that opens under two keys, to
// different values: a sender who knows both shows one thing to one reader and
// another to the other. ChaCha20-Poly1305 does not prevent it, because the
// tag is a polynomial in the ciphertext, so that two tags being equal is one
// linear equation, and one free block of ciphertext solves it.

// half is one of the two keys of a salamander.
type half struct {
	key        []byte // XChaCha20-Poly1305
	associated []byte

	stream []byte   // key stream for the plaintext
	r, s   *big.Int // of Poly1305
}

var (
	polyPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 130), big.NewInt(5))
	two128    = new(big.Int).Lsh(big.NewInt(1), 128)
)

// littleEndian is the number of up to 17 bytes.
func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// setup derives what the key gives for the nonce, with n bytes of key stream.
func (h *half) setup(t *testing.T, nonce []byte, n int) {
	t.Helper()
	subkey, err := chacha20.HChaCha20(h.key, nonce[:16])
	if err != nil {
		t.Fatal(err)
	}
	c, err := chacha20.NewUnauthenticatedCipher(subkey, append(make([]byte, 4), nonce[16:]...))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64+n)
	c.XORKeyStream(block, block)
	h.stream = block[64:]
	for _, i := range []int{3, 7, 11, 15} {
		block[i] &= 15
	}
	for _, i := range []int{4, 8, 12} {
		block[i] &= 252
	}
	h.r, h.s = littleEndian(block[:16]), littleEndian(block[16:32])
}

// blocks are the 17-byte numbers that Poly1305 adds up for a ciphertext, and
// the index of the ciphertext's block i among them.
func (h *half) blocks(ct []byte, i int) (numbers []*big.Int, at int) {
	add := func(b []byte) {
		for len(b) > 0 {
			block := make([]byte, 17)
			n := copy(block[:16], b)
			block[16] = 1
			numbers = append(numbers, littleEndian(block))
			b = b[n:]
		}
	}
	add(h.associated)
	at = len(numbers) + i
	add(ct)
	lengths := binary.LittleEndian.AppendUint64(nil, uint64(len(h.associated)))
	add(binary.LittleEndian.AppendUint64(lengths, uint64(len(ct))))
	return numbers, at
}

// tag is the polynomial's value before s is added, with block free left out,
// and the factor of that block.
func (h *half) tag(ct []byte, free int) (sum, factor *big.Int) {
	numbers, at := h.blocks(ct, free)
	sum = new(big.Int)
	for i, n := range numbers {
		power := new(big.Int).Exp(h.r, big.NewInt(int64(len(numbers)-i)), polyPrime)
		if i == at {
			factor = power
			continue
		}
		sum.Add(sum, power.Mul(power, n))
	}
	return sum.Mod(sum, polyPrime), factor
}

// solve sets ciphertext block free so that both keys give one tag, which it
// appends; nil where the block would not be one of 16 bytes.
func solve(a, b *half, ct []byte, free int) []byte {
	sumA, factorA := a.tag(ct, free)
	sumB, factorB := b.tag(ct, free)
	inverse := new(big.Int).Sub(factorA, factorB)
	if inverse.ModInverse(inverse.Mod(inverse, polyPrime), polyPrime) == nil {
		return nil
	}
	// (sumA + factorA·x) + sA ≡ (sumB + factorB·x) + sB modulo 2^128, both
	// brackets being reduced modulo 2^130 - 5: they differ by sB - sA and a
	// small multiple of 2^128.
	for k := int64(-4); k <= 4; k++ {
		x := new(big.Int).Mul(two128, big.NewInt(k))
		x.Add(x, b.s).Sub(x, a.s).Sub(x, sumA).Add(x, sumB)
		x.Mul(x, inverse).Mod(x, polyPrime).Sub(x, two128) // without the bit after the block
		if x.Sign() < 0 || x.Cmp(two128) >= 0 {
			continue
		}
		block := x.FillBytes(make([]byte, 16))
		slices.Reverse(block)
		out := slices.Clone(ct)
		copy(out[16*free:], block)

		full := func(h *half) *big.Int {
			sum, factor := h.tag(out, free)
			n := new(big.Int).Add(x, two128)
			sum.Add(sum, n.Mul(n, factor)).Mod(sum, polyPrime).Add(sum, h.s)
			return sum.Mod(sum, two128)
		}
		if tag := full(a); tag.Cmp(full(b)) == 0 {
			t := tag.FillBytes(make([]byte, 16))
			slices.Reverse(t)
			return append(out, t...)
		}
	}
	return nil
}

// salamander finds a nonce and a ciphertext of three blocks that opens under
// both keys, and to what a token may hold: binary values that begin
// differently.
func salamander(t *testing.T, a, b *half) (nonce, sealed []byte) {
	t.Helper()
	nonce = make([]byte, chacha20poly1305.NonceSizeX)
	plain := slices.Concat([]byte{byte(Binary)}, []byte("shown to one"), make([]byte, 34), []byte{padMark})
	for try := range uint64(1 << 22) {
		binary.LittleEndian.PutUint64(nonce, try)
		b.setup(t, nonce, len(plain))
		a.setup(t, nonce, len(plain))
		ct := make([]byte, len(plain))
		for i := range ct {
			ct[i] = plain[i] ^ a.stream[i]
		}
		last := len(ct) - 1
		if ct[0]^b.stream[0] != byte(Binary) || ct[last]^b.stream[last] != padMark {
			continue // the other reader would see no value
		}
		if sealed := solve(a, b, ct, 1); sealed != nil {
			return nonce, sealed
		}
	}
	t.Fatal("none was found")
	return nil, nil
}

// halfOf is the key and the associated data of a record's tokens.
func halfOf(t *testing.T, dk *DataKey, name Name) (*half, *RecordKey) {
	t.Helper()
	k := NewKey(dk)
	tag := k.Tag(name)
	h := hmac.New(sha256.New, dk.Derive(wire.LabelKeyRec).Expose())
	h.Write(tag[:])
	r := recordKey(t, k, name)
	return &half{key: h.Sum(nil), associated: r.associated[:]}, r
}

func bareOpen(t *testing.T, h *half, nonce, sealed []byte) []byte {
	t.Helper()
	aead, err := chacha20poly1305.NewX(h.key)
	if err != nil {
		t.Fatal(err)
	}
	pt, err := aead.Open(nil, nonce, sealed, h.associated)
	if err != nil {
		return nil
	}
	return pt
}

// One ciphertext is made for two data keys. The bare AEAD opens it under both.
// A token names its key, and the log has one key for one id, so nobody is
// shown the second value.
func TestAttack28InvisibleSalamander(t *testing.T) {
	t.Parallel()
	name := recordName(t, "1")
	dkA, dkB := dataKey(t, 1, 1, 1), dataKey(t, 2, 1, 1)
	a, recordA := halfOf(t, dkA, name)
	b, recordB := halfOf(t, dkB, name)
	opens(t, NewKey(dkA), name, seal(t, NewKey(dkA), name, TextValue("x")), TextValue("x"))

	// The forger knows both keys and takes the associated data into account.
	nonce, sealed := salamander(t, a, b)
	shownA, shownB := bareOpen(t, a, nonce, sealed), bareOpen(t, b, nonce, sealed)
	if shownA == nil || shownB == nil || slices.Equal(shownA, shownB) {
		t.Fatalf("not a salamander: %x, %x", shownA, shownB)
	}

	onlyA, onlyB, both := NewRing(NewKey(dkA)), NewRing(NewKey(dkB)), NewRing(NewKey(dkA), NewKey(dkB))
	opened := map[string]string{}
	for _, c := range []struct {
		header         [1 + KeyIDSize + TagSize]byte
		opens, refuses *Ring
		value          []byte
	}{
		{recordA.header, onlyA, onlyB, shownA},
		{recordB.header, onlyB, onlyA, shownB},
	} {
		token := textOf(slices.Concat(c.header[:], nonce, sealed))
		for _, ring := range []*Ring{c.opens, both} {
			v, _, err := ring.Open(token, name)
			if err != nil || v.Type != Binary || !slices.Equal(v.Data, c.value[1:len(c.value)-1]) {
				t.Errorf("as a token of its own key: %q, %v", v.Data, err)
			}
		}
		if v, _, err := c.refuses.Open(token, name); !errors.Is(err, ErrUnknownKey) || v.Data != nil {
			t.Errorf("the second key opens it: %q, %v", v.Data, err)
		}
		opened[token] = string(c.value)
	}
	if len(opened) != 2 {
		t.Error("one text was shown as two values")
	}

	// The key id of one with the record tag of the other is nobody's token.
	mixed := slices.Concat(recordA.header[:1+KeyIDSize], recordB.header[1+KeyIDSize:], nonce, sealed)
	v, binding, err := both.Open(textOf(mixed), Name{})
	refused(t, "mixed header", v, binding, err, ReasonCiphertext)
}

// A salamander made without regard to the commitments, which are in the
// associated data, opens under neither key.
func TestAttack28WithoutTheCommitment(t *testing.T) {
	t.Parallel()
	name := recordName(t, "1")
	dkA, dkB := dataKey(t, 1, 1, 1), dataKey(t, 2, 1, 1)
	a, recordA := halfOf(t, dkA, name)
	b, _ := halfOf(t, dkB, name)
	bareA, bareB := &half{key: a.key}, &half{key: b.key}
	nonce, sealed := salamander(t, bareA, bareB)
	if bareOpen(t, bareA, nonce, sealed) == nil || bareOpen(t, bareB, nonce, sealed) == nil {
		t.Fatal("not a salamander")
	}
	if bareOpen(t, a, nonce, sealed) != nil || bareOpen(t, b, nonce, sealed) != nil {
		t.Error("the associated data does not count")
	}
	v, binding, err := NewKey(dkA).Open(textOf(slices.Concat(recordA.header[:], nonce, sealed)), name)
	refused(t, "without associated data", v, binding, err, ReasonCiphertext)
}
