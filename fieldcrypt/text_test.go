package fieldcrypt

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// FuzzText compares with the standard library: what encodeText writes is what
// it writes, and decodeText accepts exactly what encodes back to itself.
func FuzzText(f *testing.F) {
	std := base64.RawURLEncoding
	f.Add([]byte("Zm9vYmFy"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text := make([]byte, textSize(len(b)))
		encodeText(text, b)
		if want := std.AppendEncode(nil, b); !bytes.Equal(text, want) {
			t.Fatalf("%x: %q, want %q", b, text, want)
		}
		back := make([]byte, len(b))
		if !decodeText(back, text) || !bytes.Equal(back, b) {
			t.Fatalf("%x comes back as %x", b, back)
		}

		// Now b as text.
		raw := make([]byte, len(b)*6/8)
		got := decodeText(raw, b)
		decoded, err := std.DecodeString(string(b))
		want := err == nil && std.EncodeToString(decoded) == string(b)
		if got != want {
			t.Fatalf("%q: accepted %v, want %v", b, got, want)
		}
		if got && !bytes.Equal(raw, decoded) {
			t.Fatalf("%q: %x, want %x", b, raw, decoded)
		}
	})
}

func TestTextLengths(t *testing.T) {
	t.Parallel()
	for n := range 64 {
		b := bytes.Repeat([]byte{0xff}, n)
		text := make([]byte, textSize(n))
		encodeText(text, b)
		if want := base64.RawURLEncoding.EncodeToString(b); string(text) != want {
			t.Errorf("%d bytes: %q, want %q", n, text, want)
		}
		if back := make([]byte, n); !decodeText(back, text) || !bytes.Equal(back, b) {
			t.Errorf("%d bytes come back as %x", n, back)
		}
	}
}
