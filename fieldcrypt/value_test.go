package fieldcrypt

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/wire"
)

func TestValueForms(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		what string
		t    Type
		data string
		want error
	}{
		{"text", Text, "Grüße, 世界", nil},
		{"empty text", Text, "", nil},
		{"byte order mark and zero byte", Text, "\ufeffa\x00", nil},
		{"text that ends like padding", Text, "a\u0080\x00\x00", nil},
		{"half a character", Text, "a\xc3", ErrValueForm},
		{"surrogate", Text, "\xed\xa0\x80", ErrValueForm},
		{"overlong", Text, "\xc0\xaf", ErrValueForm},

		{"number", JSON, "-1.50e+300", nil},
		{"true", JSON, "true", nil},
		{"null", JSON, "null", nil},
		{"string", JSON, `"\u0041"`, nil},
		{"object with spaces inside", JSON, `{ "a" : [1, 2] }`, nil},
		{"duplicate members stay as they are", JSON, `{"a":1,"a":2}`, nil},
		{"no JSON", JSON, "", ErrValueForm},
		{"space before", JSON, " 1", ErrValueForm},
		{"line break after", JSON, "1\n", ErrValueForm},
		{"two texts", JSON, "1 2", ErrValueForm},
		{"comma at the end", JSON, "[1,]", ErrValueForm},
		{"leading zero", JSON, "01", ErrValueForm},
		{"not a number", JSON, "NaN", ErrValueForm},
		{"single quotes", JSON, "'a'", ErrValueForm},
		{"byte order mark", JSON, "\ufeff1", ErrValueForm},
		{"string that is not UTF-8", JSON, "\"\xff\"", ErrValueForm},
		{"control character in a string", JSON, "\"\n\"", ErrValueForm},
		{"nested 10,000 deep", JSON, deep(10_000), nil},
		{"nested deeper", JSON, deep(10_001), ErrValueForm},

		{"bytes", Binary, "\x00\x80\xff", nil},
		{"no bytes", Binary, "", nil},

		{"type 0", 0, "a", ErrValueType},
		{"type 4", 4, "a", ErrValueType},
		{"draft flag", 0x81, "a", ErrValueType},
	} {
		if err := (Value{Type: c.t, Data: []byte(c.data)}).check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// What a hostile holder of the key writes is refused unless this package
// would have written it.
func TestPlaintextForms(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	r := recordKey(t, k, name)
	pad := func(s string, n int) string { return s + strings.Repeat("\x00", n) }
	if token := sealRaw(r, []byte(pad("\x01ab\x80", 12))); true {
		opens(t, k, name, token, TextValue("ab"))
	}
	for what, pt := range map[string]string{
		"no mark":                      pad("\x01ab", 13),
		"another mark":                 pad("\x01ab\x81", 12),
		"only zeros":                   pad("", 16),
		"only a mark":                  pad("\x80", 15),
		"a whole block of padding":     pad("\x01ab\x80", 28),
		"mark in the block before":     pad("\x01"+strings.Repeat("a", 14)+"\x80", 16),
		"no type":                      pad("\x00ab\x80", 12),
		"unknown type":                 pad("\x04ab\x80", 12),
		"unknown type, draft":          pad("\x84ab\x80", 12),
		"type 0, draft":                pad("\x80ab\x80", 12),
		"flag of no meaning":           pad("\x41ab\x80", 12),
		"text that is not UTF-8":       pad("\x01\xff\x80", 13),
		"JSON with a space":            pad("\x021 \x80", 12),
		"JSON that is none":            pad("\x02\x80", 14),
		"more than MaxValue":           pad("\x03"+strings.Repeat("a", MaxValue+1)+"\x80", 13),
		"a character across the mark":  pad("\x01a\xc3\x80", 12),
		"nothing but type and padding": pad("\x01", 15),
	} {
		if len(pt)%padStep != 0 {
			t.Fatalf("%s: %d bytes", what, len(pt))
		}
		v, b, err := k.Open(sealRaw(r, []byte(pt)), name)
		refused(t, what, v, b, err, ReasonPlaintext)
	}
}

func TestRecordNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", wire.MaxBinding)
	for _, r := range []Record{
		{Connector: "c", ID: "1"},
		{Connector: "c", Account: "a", Kind: "k", ID: "1", Generation: 1<<64 - 1},
		{Connector: long, Account: long, Kind: long, ID: long},
	} {
		if n, err := r.Name(); err != nil || n.encoded == nil {
			t.Errorf("%.20q: %v", r.ID, err)
		}
	}
	for what, r := range map[string]Record{
		"nothing":           {},
		"no id":             {Connector: "c"},
		"no connector":      {ID: "1"},
		"long connector":    {Connector: long + "a", ID: "1"},
		"long account":      {Connector: "c", Account: long + "a", ID: "1"},
		"long kind":         {Connector: "c", Kind: long + "a", ID: "1"},
		"long id":           {Connector: "c", ID: long + "a"},
		"id is not UTF-8":   {Connector: "c", ID: "\xff"},
		"kind is not UTF-8": {Connector: "c", Kind: "\xff", ID: "1"},
	} {
		if n, err := r.Name(); !errors.Is(err, ErrRecord) || n.encoded != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// No two records share a name, however their parts are cut.
func TestRecordNamesAreInjective(t *testing.T) {
	t.Parallel()
	seen := map[string]Record{}
	parts := []string{"", "a", "b", "ab", "aab"}
	for _, connector := range parts[1:] {
		for _, account := range parts {
			for _, kind := range parts {
				for _, id := range parts[1:] {
					for generation := range uint64(2) {
						r := Record{Connector: connector, Account: account, Kind: kind, ID: id, Generation: generation}
						n, err := r.Name()
						if err != nil {
							t.Fatal(err)
						}
						if other, dup := seen[string(n.encoded)]; dup {
							t.Fatalf("%+v and %+v", r, other)
						}
						seen[string(n.encoded)] = r
					}
				}
			}
		}
	}
	if draft := NewDraft(); bytes.HasPrefix(draft.encoded, []byte{0x85}) {
		t.Error("a draft's name may be a record's")
	}
}

// FuzzOpen: a plaintext of any bytes, sealed by a hostile holder of the key,
// opens only if it is what this package writes for the value.
func FuzzOpen(f *testing.F) {
	k := fieldKey(f, 1)
	name := recordName(f, "1")
	r := recordKey(f, k, name)
	f.Fuzz(func(t *testing.T, pt []byte) {
		if len(pt) == 0 || len(pt)%padStep != 0 || len(pt) > MaxValue+2*padStep {
			return // no token has this length
		}
		v, b, err := k.Open(sealRaw(r, pt), name)
		if err != nil {
			refused(t, "plaintext", v, b, err, ReasonPlaintext)
			return
		}
		if err := v.check(); err != nil {
			t.Fatalf("%x: opened to what may not be sealed: %v", pt, err)
		}
		if again := appendPadded(nil, v, b == Draft); !bytes.Equal(again, pt) {
			t.Fatalf("%x opened to %d %q, which is written %x", pt, v.Type, v.Data, again)
		}
	})
}
