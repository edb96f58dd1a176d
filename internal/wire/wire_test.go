package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
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
	for h, want := range map[string]uint64{"8302": 2, "831820": 32, "8300": 0} {
		b, _ := hex.DecodeString(h)
		if err := CheckVersion(b, "log entry", 3); !errors.As(err, &ve) || ve.Version != want {
			t.Errorf("%s: %v", h, err)
		}
	}
	if err := CheckVersion([]byte{0x83, 1}, "x", 3); err != nil {
		t.Error(err)
	}
	for _, b := range [][]byte{nil, {0x83}, {0x84, 1}, {0x83, 0x61}, {0x83, 24}} {
		if err := CheckVersion(b, "x", 3); !errors.Is(err, ErrMalformed) {
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

func TestKeyContextEncoding(t *testing.T) {
	c := KeyContext{Organization: OrganizationID{1}, Resource: bytes.Repeat([]byte{2}, 16), Kind: KindField, Epoch: 3}
	want := "845820" + "01" + strings.Repeat("00", 31) + "50" + strings.Repeat("02", 16) + "0103"
	if got := hex.EncodeToString(c.Encode()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
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
