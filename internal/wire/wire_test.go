package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type sample struct {
	A uint64   `cbor:"1,keyasint"`
	B [4]byte  `cbor:"2,keyasint"`
	C []byte   `cbor:"3,keyasint"`
	D string   `cbor:"4,keyasint,omitempty"`
	E []uint64 `cbor:"5,keyasint,omitempty"`
}

func TestCanonicalOnly(t *testing.T) {
	good := MustMarshal(sample{A: 7, B: [4]byte{1, 2, 3, 4}, C: []byte{9}, D: "x"})
	if got, want := hex.EncodeToString(good), "a40107024401020304034109046178"; got != want {
		t.Fatalf("encoding %s, want %s", got, want)
	}
	var s sample
	if err := Unmarshal(good, &s, 100); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"long integer":       "a4011807024401020304034109046178",
		"unsorted keys":      "a40244010203040107034109046178",
		"duplicate key":      "a501070107024401020304034109046178",
		"unknown field":      "a50107024401020304034109046178186300",
		"null bytes":         "a30107024401020304 03f6",
		"short fixed bytes":  "a30107024301020303 4109",
		"long fixed bytes":   "a30107024501020304050341 09",
		"missing field":      "a2010703 4109",
		"empty optional":     "a4010702440102030403410904 60",
		"indefinite string":  "a3010702440102030403 5f4109ff",
		"tag":                "a301c107 02440102030403 4109",
		"trailing byte":      "a30107024401020304034109 00",
		"text for bytes":     "a301070264414243440341 09",
		"invalid utf-8":      "a401070244010203040341 090461ff",
		"array of bytes":     "a3010702840102030403 4109",
		"float":              "a301f94700 0244010203040341 09",
		"huge length":        "a3010702440102030403 5bffffffffffffffff",
		"deep nesting":       "a401070244010203040341 0905 818181818181818181818100",
		"string for integer": "a3016137 0244010203040341 09",
	}
	for name, h := range bad {
		b, err := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
		if err != nil {
			t.Fatal(name, err)
		}
		var s sample
		if err := Unmarshal(b, &s, 100); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: accepted or wrong error: %v", name, err)
		}
	}
	if err := Unmarshal(good, &s, len(good)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit: %v", err)
	}
}

func TestCheckVersion(t *testing.T) {
	var ve *VersionError
	for h, want := range map[string]uint64{"8302": 2, "8317": 23, "831818": 24, "831820": 32} {
		b, _ := hex.DecodeString(h)
		if err := CheckVersion(b, "log entry", 3); !errors.As(err, &ve) || ve.Version != want {
			t.Errorf("%s: %v", h, err)
		}
	}
	if err := CheckVersion([]byte{0x83, 1}, "x", 3); err != nil {
		t.Error(err)
	}
	for _, b := range [][]byte{nil, {0x83}, {0x84, 1}, {0x83, 0x61}, {0x83, 24}, {0x83, 0}, {0x83, 24, 0}, {0x83, 24, 1}, {0x83, 24, 23}} {
		if err := CheckVersion(b, "x", 3); !errors.Is(err, ErrMalformed) || errors.As(err, &ve) {
			t.Errorf("% x: %v", b, err)
		}
	}
}

// TestLabelsDistinct reads the constants from the source, so that a new label
// cannot be forgotten here.
func TestLabelsDistinct(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "labels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range v.Names {
			lit := v.Values[i].(*ast.BasicLit).Value
			if other, dup := seen[lit]; dup {
				t.Errorf("%s and %s are both %s", name.Name, other, lit)
			}
			seen[lit] = name.Name
		}
		return true
	})
	if len(seen) < 20 {
		t.Fatalf("only %d labels found", len(seen))
	}
}

// Data of a newer format version is refused, with the version named, before
// anything of it is looked at.
func TestAttack37UnknownVersionIsNamed(t *testing.T) {
	t.Parallel()
	if err := CheckVersion(MustMarshal([]any{Version, "anything"}), "card", 2); err != nil {
		t.Fatal("this program's version:", err)
	}
	for _, v := range []uint64{2, 23, 24, 255} {
		err := CheckVersion(MustMarshal([]any{v, "anything"}), "card", 2)
		var ve *VersionError
		if !errors.As(err, &ve) || ve.Version != v || ve.Format != "card" {
			t.Errorf("version %d: %v", v, err)
		} else if want := fmt.Sprintf("card of format version %d; this program knows version 1", v); err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

// Arrays and maps count towards the depth, the outermost and empty ones too.
func TestDepth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		open, inside string
		deep         int
		ok           bool
	}{
		{"81", "00", MaxDepth, true},
		{"81", "80", MaxDepth - 1, true},
		{"a100", "a0", MaxDepth - 1, true},
		{"81", "00", MaxDepth + 1, false},
		{"81", "80", MaxDepth, false},
		{"a100", "a0", MaxDepth, false},
	} {
		b, err := hex.DecodeString(strings.Repeat(c.open, c.deep) + c.inside)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := Unmarshal(b, &v, 100); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// A few bytes that claim to be many, or to be nested deep, cost a few bytes.
func TestAttack39CostIsBounded(t *testing.T) {
	type tree struct {
		_     struct{} `cbor:",toarray"`
		Items [][][][][][][][]byte
		Bytes []byte
		Text  string
	}
	good := MustMarshal(tree{Items: [][][][][][][][]byte{}, Bytes: []byte{1}, Text: "a"})
	var v tree
	if err := Unmarshal(good, &v, 1<<20); err != nil {
		t.Fatal("without the attack:", err)
	}
	nested := strings.Repeat("81", 5000) + "00"
	for name, h := range map[string]string{
		"bytes of 2^63-1":     "83805b7fffffffffffffff6161",
		"bytes of 2^40":       "83805b00000100000000006161",
		"text of 2^40":        "838041017b0000010000000000",
		"array of 2^40":       "839b000001000000000041016161",
		"array over the most": "83992001" + strings.Repeat("80", MaxElements+1) + "41016161",
		"map of 2^40":         "83bb000001000000000041016161",
		"nested 5,000 deep":   "83" + nested + "41016161",
		"nested maps":         strings.Repeat("a100", 5000) + "00",
		"indefinite":          "839f" + strings.Repeat("80", 100) + "ff41016161",
		"duplicate key":       "a2010201 03",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
		if err != nil {
			t.Fatal(name, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var v tree
		err = Unmarshal(b, &v, 1<<20)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes for an input of %d", name, used, len(b))
		}
	}
}

func TestMarshalFaults(t *testing.T) {
	t.Parallel()
	if b, err := Marshal(make(chan int)); err == nil {
		t.Errorf("a channel was encoded: %x", b)
	}
	defer func() {
		if recover() == nil {
			t.Error("MustMarshal of a channel did not panic")
		}
	}()
	MustMarshal(make(chan int))
}

// What is encoded decodes to itself.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := sample{
			A: rapid.Uint64().Draw(t, "a"),
			B: [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "b")),
			C: rapid.SliceOf(rapid.Byte()).Draw(t, "c"),
			D: rapid.String().Draw(t, "d"),
			E: rapid.SliceOfN(rapid.Uint64(), 0, 9).Draw(t, "e"),
		}
		b := MustMarshal(in)
		var out sample
		if err := Unmarshal(b, &out, len(b)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(MustMarshal(out), b) || out.A != in.A || out.D != in.D {
			t.Fatalf("%+v came back as %+v", in, out)
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(MustMarshal(sample{A: 1, C: []byte{1}}))
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s sample
		if err := Unmarshal(b, &s, 1<<16); err == nil && !bytes.Equal(MustMarshal(s), b) {
			t.Fatalf("accepted a second encoding: % x", b)
		}
	})
}
