package bech32text

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/btcsuite/btcd/btcutil/bech32"
	"pgregory.net/rapid"
)

const hrp = "underseal-secret-"

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestKnownTexts(t *testing.T) {
	for _, c := range []struct{ name, hrp, hex, text string }{
		{"BIP 173's shortest", "a", "", "a12uel5l"},
		{"BIP 173's longest prefix", "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", "",
			"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs"},
		{"BIP 173's sentence", "split", "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d",
			"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"},
		{"a device secret", hrp, hex.EncodeToString(counting(32)),
			"underseal-secret-1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sy0vu6x"},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := Encode(c.hrp, data); got != c.text {
			t.Errorf("%s: got %s, want %s", c.name, got, c.text)
		}
		for _, s := range []string{c.text, strings.ToUpper(c.text)} {
			if got, err := Decode(c.hrp, len(data), s); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %s: %x, %v", c.name, s, got, err)
			}
		}
	}
}

// age has its own Bech32: what we write as its prefix, it reads, and back.
func TestAgeReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		id, err := age.ParseX25519Identity(strings.ToUpper(Encode("age-secret-key-", key)))
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode("age-secret-key-", 32, id.String())
		if err != nil || !bytes.Equal(again, key) {
			t.Fatalf("not the same key: %v", err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	data := counting(32)
	good := Encode(hrp, data)
	if _, err := Decode(hrp, 32, good); err != nil {
		t.Fatal(err)
	}
	groups, err := bech32.ConvertBits(data, 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bech32.EncodeM(hrp, groups)
	if err != nil {
		t.Fatal(err)
	}
	padded := bytes.Clone(groups)
	padded[len(padded)-1] |= 1
	p, err := bech32.Encode(hrp, padded)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"empty":               "",
		"one byte less":       Encode(hrp, data[:31]),
		"one byte more":       Encode(hrp, append(counting(32), 0)),
		"another prefix":      Encode("underseal-secrex-", data),
		"mixed case":          strings.ToUpper(good[:1]) + good[1:],
		"mixed case prefix":   strings.ToUpper(hrp) + good[len(hrp):],
		"Bech32m":             m,
		"bits in the padding": p,
		"white space":         good[:30] + " " + good[31:],
		"line end":            good + "\n",
		"not in the alphabet": good[:30] + "b" + good[31:],
		"separator in data":   good[:30] + "1" + good[31:],
		"full-width letter":   good[:30] + "ａ" + good[33:],
		"Kelvin sign":         strings.Replace(good, "k", "\u212a", 1),
		"huge":                good + strings.Repeat("q", 1<<20),
	} {
		if _, err := Decode(hrp, 32, s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every single substitution, and Bech32's weakness: "q" before a final "p".
	for i := range len(good) {
		for _, c := range "qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio-" {
			if s := good[:i] + string(c) + good[i+1:]; s != good {
				if _, err := Decode(hrp, 32, s); !errors.Is(err, ErrMalformed) {
					t.Fatalf("position %d, %q: %v", i, c, err)
				}
			}
		}
	}
}

func TestInsertionWeaknessDoesNotMatter(t *testing.T) {
	// Find a text that ends in "p": with "q" put before it the checksum still
	// holds, so the library alone accepts it.
	for i := range 4096 {
		data := []byte{byte(i), byte(i >> 8), 7, 7, 7}
		s := Encode("x", data)
		if !strings.HasSuffix(s, "p") {
			continue
		}
		longer := s[:len(s)-1] + "qp"
		if _, _, err := bech32.DecodeNoLimit(longer); err != nil {
			t.Fatalf("the weakness is not where it was: %v", err)
		}
		for n := range 10 {
			if got, err := Decode("x", n, longer); err == nil {
				t.Fatalf("%s accepted as %x", longer, got)
			}
		}
		return
	}
	t.Fatal("no text ends in p")
}

func TestErrorsHoldNothingOfTheText(t *testing.T) {
	good := strings.ToUpper(Encode(hrp, counting(32)))
	for i := len(hrp) + 1; i < len(good); i++ {
		for _, bad := range []string{good[:i] + "~" + good[i+1:], good[:i] + "Q" + good[i+1:], good[:i]} {
			if bad == good {
				continue
			}
			_, err := Decode(hrp, 32, bad)
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			// The data part in either case, any four characters of it.
			said := strings.ToUpper(err.Error())
			for j := len(hrp) + 1; j+4 <= len(bad); j++ {
				if strings.Contains(said, bad[j:j+4]) {
					t.Fatalf("the error holds %q: %v", bad[j:j+4], err)
				}
			}
		}
	}
}

func TestFaultsOfTheCallerPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"no prefix":         func() { Encode("", nil) },
		"upper-case prefix": func() { Encode("A", nil) },
		"space in prefix":   func() { Encode("a b", nil) },
		"long prefix":       func() { Encode(strings.Repeat("a", 84), nil) },
		"long data":         func() { Encode("a", make([]byte, MaxSize+1)) },
		"negative size":     func() { _, _ = Decode("a", -1, "") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(hrp, counting(32)), 32)
	f.Add(strings.ToUpper(Encode(hrp, counting(32))), 32)
	f.Add("underseal-secret-1q", 1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n &= MaxSize - 1
		data, err := Decode(hrp, n, s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || data != nil {
				t.Fatalf("%x, %v", data, err)
			}
			return
		}
		again := Encode(hrp, data)
		if len(data) != n || (again != s && strings.ToUpper(again) != s) {
			t.Fatalf("a second spelling is accepted: %q", s)
		}
	})
}

// TestDecodeUpTo reads texts of every length, and no length that no whole
// number of bytes has, none or too many.
func TestDecodeUpTo(t *testing.T) {
	t.Parallel()
	const most = 70
	for n := 1; n <= most; n++ {
		text := Encode(hrp, counting(n))
		if got, err := DecodeUpTo(hrp, most, text); err != nil || !bytes.Equal(got, counting(n)) {
			t.Errorf("%d bytes: %x, %v", n, got, err)
		}
		if got, err := DecodeUpTo(hrp, most, strings.ToUpper(text)); err != nil || !bytes.Equal(got, counting(n)) {
			t.Errorf("%d bytes in upper case: %x, %v", n, got, err)
		}
		for i := range text {
			for _, c := range []byte{'q', 'P', text[i] ^ 1} {
				if c == text[i] {
					continue
				}
				if got, err := DecodeUpTo(hrp, most, text[:i]+string(c)+text[i+1:]); !errors.Is(err, ErrMalformed) {
					t.Errorf("%d bytes, character %d altered: %x, %v", n, i, got, err)
				}
			}
		}
	}
	for what, text := range map[string]string{
		"nothing": "", "no bytes": Encode(hrp, nil), "a byte too many": Encode(hrp, counting(most+1)),
		"another prefix": Encode("underseal-other", counting(32)), "a space after it": Encode(hrp, counting(32)) + " ",
	} {
		if got, err := DecodeUpTo(hrp, most, text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %x, %v", what, got, err)
		}
	}
}
