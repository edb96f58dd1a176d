package escrow

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
)

func little(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, scalarSize))
	slices.Reverse(b)
	return b
}

func number(b []byte) *big.Int {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// q is the group's order as RFC 9496 writes it.
func q() *big.Int {
	n, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	return n.Add(n, new(big.Int).Lsh(big.NewInt(1), 252))
}

// TestSplitAndJoin: as many shares as the threshold give the key back, whichever
// they are, by Lagrange's interpolation as the page writes it; fewer do not.
func TestSplitAndJoin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(rt, "shares")
		threshold := rapid.IntRange(1, n).Draw(rt, "threshold")
		key, parts, err := Shamir{}.Split(threshold, n)
		if err != nil || len(parts) != n || key.Len() != scalarSize {
			rt.Fatalf("%d shares: %v", len(parts), err)
		}
		order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(rt, "order")
		some := map[uint64]*secret.Bytes{}
		for _, i := range order[:threshold-1] {
			some[uint64(i)+1] = parts[i]
		}
		if _, err := (Shamir{}).Join(threshold, some); !errors.Is(err, ErrThreshold) {
			rt.Fatalf("one share too few: %v", err)
		}
		for _, i := range order[threshold-1:] {
			some[uint64(i)+1] = parts[i]
			got, err := Shamir{}.Join(threshold, some)
			if err != nil || !got.Equal(key) {
				rt.Fatalf("%d shares of %d: %v", len(some), threshold, err)
			}
		}
		if want := interpolate(order[:threshold], parts); want.Cmp(number(key.Expose())) != 0 {
			rt.Fatal("not the interpolation of the page")
		}
		if threshold > 1 { // a share changed gives another key
			first := order[0]
			b := number(parts[first].Expose())
			b.Add(b, big.NewInt(1)).Mod(b, q())
			wrong := map[uint64]*secret.Bytes{}
			for _, i := range order[:threshold] {
				wrong[uint64(i)+1] = parts[i]
			}
			wrong[uint64(first)+1] = secret.New(little(b))
			if got, err := (Shamir{}).Join(threshold, wrong); err != nil || got.Equal(key) {
				rt.Fatalf("with a wrong share: %v", err)
			}
		}
	})
}

// interpolate is f(0) from the shares with some places.
func interpolate(places []int, parts []*secret.Bytes) *big.Int {
	sum, order := new(big.Int), q()
	for _, i := range places {
		term := number(parts[i].Expose())
		for _, j := range places {
			if i != j {
				term.Mul(term, big.NewInt(int64(j+1)))
				term.Mul(term, new(big.Int).ModInverse(new(big.Int).Mod(big.NewInt(int64(j-i)), order), order))
			}
		}
		sum.Add(sum, term)
	}
	return sum.Mod(sum, order)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int{{0, 3}, {4, 3}, {2, 256}, {1, 0}, {-1, 2}} {
		if _, _, err := (Shamir{}).Split(c[0], c[1]); !errors.Is(err, ErrThreshold) {
			t.Errorf("%d of %d: %v", c[0], c[1], err)
		}
	}
	good := secret.New(little(big.NewInt(7)))
	below := secret.New(little(new(big.Int).Sub(q(), big.NewInt(1))))
	for name, c := range map[string]struct {
		parts map[uint64]*secret.Bytes
		want  error
	}{
		"two":                {map[uint64]*secret.Bytes{1: good, 255: below}, nil},
		"one":                {map[uint64]*secret.Bytes{1: good}, ErrThreshold},
		"index 0":            {map[uint64]*secret.Bytes{0: good, 1: good}, ErrShare},
		"index 256":          {map[uint64]*secret.Bytes{1: good, 256: good}, ErrShare},
		"the order":          {map[uint64]*secret.Bytes{1: good, 2: secret.New(little(q()))}, ErrShare},
		"the order and more": {map[uint64]*secret.Bytes{1: good, 2: secret.New(little(new(big.Int).Add(q(), big.NewInt(7))))}, ErrShare},
		"all ones":           {map[uint64]*secret.Bytes{1: good, 2: secret.New(bytes.Repeat([]byte{255}, 32))}, ErrShare},
		"31 bytes":           {map[uint64]*secret.Bytes{1: good, 2: secret.New(make([]byte, 31))}, ErrShare},
		"none":               {map[uint64]*secret.Bytes{1: good, 2: nil}, ErrShare},
	} {
		if _, err := (Shamir{}).Join(2, c.parts); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := (Shamir{}).Join(0, map[uint64]*secret.Bytes{1: good}); !errors.Is(err, ErrThreshold) {
		t.Errorf("threshold 0: %v", err)
	}
}

// TestOrder holds the order's words against its number, and keys at its edge.
func TestOrder(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, w := range order {
		for j := range 8 {
			b = append(b, byte(w>>(8*j)))
		}
	}
	if number(b).Cmp(q()) != 0 {
		t.Errorf("the order is %s", hex.EncodeToString(b))
	}
	for n, want := range map[int64]bool{-2: true, -1: true, 0: false, 1: false} {
		if got := reduced(little(new(big.Int).Add(q(), big.NewInt(n)))); got != want {
			t.Errorf("the order and %d: %v", n, got)
		}
	}
	if !(Shamir{}).Valid(secret.New(make([]byte, 32))) || (Shamir{}).Valid(secret.New(bytes.Repeat([]byte{16}, 32))) {
		t.Error("what is valid")
	}
}
