package fieldcrypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/wire"
)

// Every way to seal makes a token that every way to open opens.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	k := fieldKey(t, 1)
	ring := NewRing(fieldKey(t, 2), k)
	rapid.Check(t, func(t *rapid.T) {
		v, name := drawValue(t), drawName(t, "record")
		r, err := k.Record(name)
		if err != nil {
			t.Fatal(err)
		}
		before := rapid.SliceOf(rapid.Byte()).Draw(t, "dst")

		var tokens []string
		add := func(token string, err error) {
			if err != nil {
				t.Fatal(err)
			}
			if len(token) != TokenSize(len(v.Data)) || !LooksLike([]byte(token)) {
				t.Fatalf("%d characters, want %d: %s", len(token), TokenSize(len(v.Data)), token)
			}
			tokens = append(tokens, token)
		}
		add(k.Seal(name, v))
		appended, err := k.AppendSeal(slices.Clip(before), name, v)
		add(string(bytes.TrimPrefix(appended, before)), err)
		appended, err = r.AppendSeal(slices.Clip(before), v)
		add(string(bytes.TrimPrefix(appended, before)), err)
		for _, s := range k.SealBatch([]Name{name, name}, []Value{v, v}) {
			add(s.Token, s.Err)
		}

		same := func(how string, typ Type, data []byte, b Binding, want Binding, err error) {
			if err != nil || typ != v.Type || !bytes.Equal(data, v.Data) || data == nil || b != want {
				t.Fatalf("%s: %d %q, %s, %v; want %d %q, %s", how, typ, data, b, err, v.Type, v.Data, want)
			}
		}
		for i, token := range tokens {
			if slices.Contains(tokens[:i], token) {
				t.Fatal("sealed to the same token twice")
			}
			got, b, err := k.Open(token, name)
			same("Key.Open", got.Type, got.Data, b, Bound, err)
			got, b, err = k.Open(token, Name{})
			same("Key.Open, no record", got.Type, got.Data, b, Unchecked, err)
			got, b, err = ring.Open(token, name)
			same("Ring.Open", got.Type, got.Data, b, Bound, err)
			got, err = r.Open(token)
			same("RecordKey.Open", got.Type, got.Data, Bound, Bound, err)
			parsed, err := Parse([]byte(token))
			if err != nil || parsed.KeyID != k.ID() || parsed.Tag != k.Tag(name) {
				t.Fatalf("parsed as %x, %x: %v", parsed.KeyID, parsed.Tag, err)
			}
			got, b, err = k.OpenToken(parsed, name)
			same("Key.OpenToken", got.Type, got.Data, b, Bound, err)

			out, typ, b, err := k.AppendOpenToken(slices.Clip(before), parsed, name)
			if !bytes.HasPrefix(out, before) {
				t.Fatal("AppendOpenToken does not append")
			}
			same("Key.AppendOpenToken", typ, out[len(before):], b, Bound, err)
			out, typ, err = r.AppendOpen(slices.Clip(before), []byte(token))
			if !bytes.HasPrefix(out, before) {
				t.Fatal("AppendOpen does not append")
			}
			same("RecordKey.AppendOpen", typ, out[len(before):], Bound, Bound, err)
		}
		for _, o := range ring.OpenBatch(tokens, slices.Repeat([]Name{name}, len(tokens))) {
			same("OpenBatch", o.Value.Type, o.Value.Data, o.Binding, Bound, o.Err)
		}
		for _, o := range ring.OpenBatch(tokens, nil) {
			same("OpenBatch, no records", o.Value.Type, o.Value.Data, o.Binding, Unchecked, o.Err)
		}
	})
}

// Tags and record keys are what spec/token.md says.
func TestDerivationIsAsSpecified(t *testing.T) {
	t.Parallel()
	dk := dataKey(t, 1, 1, 1)
	k := NewKey(dk)
	mac := func(label string, message []byte) []byte {
		h := hmac.New(sha256.New, dk.Derive(label).Expose())
		h.Write(message)
		return h.Sum(nil)
	}
	name := recordName(t, "C000127")
	want := wire.MustMarshal([]any{"tabular", "", "row", "C000127", 0})
	if !bytes.Equal(name.encoded, want) {
		t.Fatalf("name %x, want %x", name.encoded, want)
	}
	tag := k.Tag(name)
	if !bytes.Equal(tag[:], mac(wire.LabelKeyTag, want)[:8]) {
		t.Errorf("tag %x", tag)
	}
	d := k.deriver()
	if err := k.derive(d, tag, false); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.sum[:], mac(wire.LabelKeyRec, tag[:])) {
		t.Errorf("record key %x", d.sum)
	}
	commitment := dk.Commitment()
	if want := slices.Concat([]byte("us1\x01"), commitment[:], tag[:]); !bytes.Equal(d.record.associated[:], want) {
		t.Errorf("associated data %x, want %x", d.record.associated, want)
	}
}

// The largest value fits, one byte more does not, and the empty one is a value.
func TestSizes(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	// On both sides of every boundary: of a padding step, of what a Token
	// holds itself, of a value.
	for _, n := range []int{0, 1, 13, 14, 15, 30, 31, 93, 94, 95, 1000, MaxValue - 1, MaxValue} {
		v := Value{Type: Binary, Data: bytes.Repeat([]byte{0x80}, n)}
		token := seal(t, k, name, v)
		opens(t, k, name, token, v)
		parsed, err := Parse([]byte(token))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // opening does not use the token up
			if got, _, err := k.OpenToken(parsed, name); err != nil || !bytes.Equal(got.Data, v.Data) {
				t.Errorf("%d bytes, parsed: %v", n, err)
			}
		}
		if len(token) != TokenSize(n) {
			t.Errorf("%d bytes: %d characters, want %d", n, len(token), TokenSize(n))
		}
	}
	long := Value{Type: Binary, Data: make([]byte, MaxValue+1)}
	if token, err := k.Seal(name, long); !errors.Is(err, ErrValueTooLong) || token != "" {
		t.Errorf("one byte too many: %v", err)
	}
	raw := append([]byte{1}, make([]byte, maxRaw+padStep-1)...)
	if _, err := Parse([]byte(textOf(raw[:maxRaw]))); err != nil || maxRaw != rawSize(MaxValue) {
		t.Errorf("a token of %d bytes: %v", maxRaw, err)
	}
	if _, err := Parse([]byte(textOf(raw))); !errors.Is(err, ErrOpen) {
		t.Errorf("a token of too many bytes: %v", err)
	}
	if n := TokenSize(126); n > 255 || TokenSize(127) <= 255 {
		t.Errorf("a field of 255 characters: a value of 126 bytes takes %d", n)
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	r := recordKey(t, k, name)
	if _, err := k.Record(Name{}); !errors.Is(err, ErrRecord) {
		t.Errorf("Record without a record: %v", err)
	}
	for _, c := range []struct {
		what string
		name Name
		v    Value
		want error
	}{
		{"no record", Name{}, TextValue("x"), ErrRecord},
		{"no type", name, Value{Data: []byte("x")}, ErrValueType},
		{"unknown type", name, Value{Type: 4, Data: []byte("x")}, ErrValueType},
		{"draft flag as a type", name, Value{Type: 0x81, Data: []byte("x")}, ErrValueType},
		{"not UTF-8", name, TextValue("a\xff"), ErrValueForm},
		{"not JSON", name, Value{Type: JSON, Data: []byte("{")}, ErrValueForm},
		{"a token", name, TextValue(seal(t, k, name, TextValue("x"))), ErrIsToken},
		{"what claims to be a token", name, TextValue("us1. yes"), ErrIsToken},
	} {
		dst := []byte("before")
		if token, err := k.Seal(c.name, c.v); !errors.Is(err, c.want) || token != "" {
			t.Errorf("%s: %q, %v", c.what, token, err)
		}
		if out, err := k.AppendSeal(dst, c.name, c.v); !errors.Is(err, c.want) || string(out) != "before" {
			t.Errorf("%s, appended: %q, %v", c.what, out, err)
		}
		if errors.Is(c.want, ErrRecord) {
			continue
		}
		if out, err := r.AppendSeal(dst, c.v); !errors.Is(err, c.want) || string(out) != "before" {
			t.Errorf("%s, record key: %q, %v", c.what, out, err)
		}
	}
}

// On an error the methods that append return dst as it was.
func TestAppendOnError(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	r := recordKey(t, k, name)
	flipped := rawOf(t, seal(t, k, name, TextValue("x")))
	flipped[len(flipped)-1] ^= 1
	for what, token := range map[string]string{
		"not a token": "x", "not base64url": Prefix + "!", "short": Prefix + "AQ", "altered": textOf(flipped),
		"another record": seal(t, k, recordName(t, "2"), TextValue("x")), "another key": seal(t, fieldKey(t, 2), name, TextValue("x")),
	} {
		dst := append(make([]byte, 0, 512), "before"...)
		if out, typ, err := r.AppendOpen(dst, []byte(token)); err == nil || typ != 0 || string(out) != "before" {
			t.Errorf("%s, record key: %q, %v", what, out, err)
		}
		parsed, err := Parse([]byte(token))
		if err != nil {
			parsed = Token{}
		}
		if out, typ, b, err := k.AppendOpenToken(dst, parsed, name); err == nil || typ != 0 || b != 0 || string(out) != "before" {
			t.Errorf("%s: %q, %v", what, out, err)
		}
	}
}

func TestZeroToken(t *testing.T) {
	t.Parallel()
	v, b, err := fieldKey(t, 1).OpenToken(Token{}, Name{})
	refused(t, "zero token", v, b, err, ReasonForm)
}

func TestRing(t *testing.T) {
	t.Parallel()
	a, b := fieldKey(t, 1), fieldKey(t, 2)
	ring := NewRing(a, b, a)
	if ring.Len() != 2 || ring.Key(a.ID()) != a || ring.Key(b.ID()) != b || ring.Key(KeyID{}) != nil {
		t.Errorf("ring of %d keys", ring.Len())
	}
	name := recordName(t, "1")
	for _, k := range []*Key{a, b} {
		if v, _, err := ring.Open(seal(t, k, name, TextValue("x")), name); err != nil || string(v.Data) != "x" {
			t.Error(err)
		}
	}
	if _, _, err := ring.Open(seal(t, fieldKey(t, 3), name, TextValue("x")), name); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key that is not held: %v", err)
	}
	if _, _, err := ring.Open("plain text", name); !errors.Is(err, ErrNotToken) {
		t.Errorf("no token: %v", err)
	}
	// Two keys of one id cannot come from a log; here they are made so.
	twin := fieldKey(t, 3)
	twin.id = a.id
	if NewRing(a, twin).Key(a.id) != a {
		t.Error("a second key of one id took the place of the first")
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	once := func(s fmt.Stringer) {
		if w := s.String(); w == "unknown" || seen[w] {
			t.Errorf("%T %d is called %q", s, s, w)
		} else {
			seen[w] = true
		}
	}
	for r := ReasonForm; r <= ReasonPlaintext; r++ {
		once(r)
	}
	for b := Bound; b <= Draft; b++ {
		once(b)
	}
	for _, s := range []fmt.Stringer{Reason(0), ReasonPlaintext + 1, Binding(0), Draft + 1} {
		if s.String() != "unknown" {
			t.Errorf("%T %d has a word", s, s)
		}
	}
}
