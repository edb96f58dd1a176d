package fieldcrypt

import (
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
)

func testKey(tb testing.TB) *Key {
	tb.Helper()
	k, err := datakey.Generate(wire.KeyContext{Resource: make([]byte, 16), Kind: wire.KindField, Epoch: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return NewKey(k)
}

func testName(tb testing.TB, id string) Name {
	tb.Helper()
	n, err := Record{Connector: "tabular", ID: id}.Name()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func BenchmarkField(b *testing.B) {
	k, name := testKey(b), testName(b, "C000127")
	v := TextValue("202-224-3441 abc")
	rk, err := k.Record(name)
	if err != nil {
		b.Fatal(err)
	}
	tok, err := k.Seal(name, v)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("seal/cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rk.AppendSeal(nil, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal/derived", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Seal(name, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open/cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t, err := Parse([]byte(tok))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := rk.Open(t); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open/derived", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := k.Open(tok, name); err != nil {
				b.Fatal(err)
			}
		}
	})
}
