package fieldcrypt

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
)

// dataKey is the key of 32 bytes of n for an epoch of a field.
func dataKey(tb testing.TB, n, field byte, epoch uint64) *DataKey {
	tb.Helper()
	c := wire.KeyContext{Organization: wire.OrganizationID{1}, Resource: bytes.Repeat([]byte{field}, 16), Kind: wire.KindField, Epoch: epoch}
	k, err := datakey.New(c, secret.New(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// fieldKey is a key that most tests use; other values of n are other fields.
func fieldKey(tb testing.TB, n byte) *Key {
	tb.Helper()
	return NewKey(dataKey(tb, n, n, 1))
}

func recordName(tb testing.TB, id string) Name {
	tb.Helper()
	n, err := Record{Connector: "tabular", Kind: "row", ID: id}.Name()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func recordKey(tb testing.TB, k *Key, n Name) *RecordKey {
	tb.Helper()
	r, err := k.Record(n)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func seal(tb testing.TB, k *Key, n Name, v Value) string {
	tb.Helper()
	t, err := k.Seal(n, v)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// opens fails the test unless token opens to v.
func opens(tb testing.TB, k *Key, n Name, token string, v Value) {
	tb.Helper()
	got, binding, err := k.Open(token, n)
	if err != nil || got.Type != v.Type || !bytes.Equal(got.Data, v.Data) || binding != Bound {
		tb.Fatalf("without the attack: %d %q, %s, %v", got.Type, got.Data, binding, err)
	}
}

// refused fails the test unless the outcome is a refusal for the reason, whose
// text does not tell it, with no value beside it.
func refused(tb testing.TB, name string, v Value, b Binding, err error, want Reason) {
	tb.Helper()
	var oe *OpenError
	if !errors.Is(err, ErrOpen) || !errors.As(err, &oe) || oe.Reason != want {
		tb.Errorf("%s: %v (%+v), want a refusal for %s", name, err, oe, want)
	} else if err.Error() != ErrOpen.Error() {
		tb.Errorf("%s: the text tells the cause: %v", name, err)
	}
	if v.Data != nil || v.Type != 0 || b != 0 {
		tb.Errorf("%s: %+v, %s beside the error", name, v, b)
	}
}

// rawOf is the bytes of a token.
func rawOf(tb testing.TB, token string) rawToken {
	tb.Helper()
	t, err := Parse([]byte(token))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(t.raw())
}

// textOf is the text of a token's bytes.
func textOf(raw []byte) string {
	text := make([]byte, textSize(len(raw)))
	encodeText(text, raw)
	return Prefix + string(text)
}

// sealRaw seals any plaintext, as a hostile holder of the key can.
func sealRaw(r *RecordKey, plaintext []byte) string {
	raw := append(r.header[:], make([]byte, chacha20poly1305.NonceSizeX)...)
	return textOf(r.aead.Seal(raw, rawToken(raw).nonce(), plaintext, r.associated[:]))
}

// drawValue draws any value that may be sealed.
func drawValue(t *rapid.T) Value {
	switch rapid.SampledFrom([]Type{Text, JSON, Binary}).Draw(t, "type") {
	case Text:
		return TextValue(rapid.String().Filter(func(s string) bool { return !strings.HasPrefix(s, Prefix) }).Draw(t, "text"))
	case JSON:
		var v any
		switch rapid.IntRange(0, 4).Draw(t, "kind of JSON") {
		case 0:
			v = rapid.Float64().Draw(t, "number")
		case 1:
			v = rapid.Bool().Draw(t, "boolean")
		case 2:
			v = rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "object")
		case 3:
			v = rapid.SliceOf(rapid.String()).Draw(t, "array")
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return Value{Type: JSON, Data: b}
	default:
		return Value{Type: Binary, Data: rapid.SliceOf(rapid.Byte()).Draw(t, "binary")}
	}
}

// drawName draws any record's name.
func drawName(t *rapid.T, label string) Name {
	text := rapid.StringN(1, 8, -1)
	r := Record{
		Connector:  text.Draw(t, label+" connector"),
		Account:    rapid.StringN(0, 8, -1).Draw(t, label+" account"),
		Kind:       rapid.StringN(0, 8, -1).Draw(t, label+" kind"),
		ID:         text.Draw(t, label+" id"),
		Generation: rapid.Uint64().Draw(t, label+" generation"),
	}
	n, err := r.Name()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
