package fieldcrypt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The store hands out one data key in two epochs: a token of one is not one
// of the other.
func TestAttack18OneKeyInTwoEpochs(t *testing.T) {
	t.Parallel()
	name := recordName(t, "1")
	first, second := NewKey(dataKey(t, 1, 1, 1)), NewKey(dataKey(t, 1, 1, 2))
	token := seal(t, first, name, TextValue("secret"))
	opens(t, first, name, token, TextValue("secret"))
	if v, _, err := second.Open(token, name); !errors.Is(err, ErrUnknownKey) || v.Data != nil {
		t.Errorf("the other epoch: %v", err)
	}
	if first.ID() == second.ID() || first.Tag(name) == second.Tag(name) {
		t.Error("two epochs share an id or a tag")
	}
}

// Two fields of one record: their tokens are swapped.
func TestAttack19SwappedFields(t *testing.T) {
	t.Parallel()
	name := recordName(t, "matter 7")
	phone, ssn := fieldKey(t, 1), fieldKey(t, 2)
	a, b := seal(t, phone, name, TextValue("202-224-3441")), seal(t, ssn, name, TextValue("078-05-1120"))
	opens(t, phone, name, a, TextValue("202-224-3441"))
	opens(t, ssn, name, b, TextValue("078-05-1120"))
	for what, c := range map[string]struct {
		k *Key
		t string
	}{"phone's key": {phone, b}, "ssn's key": {ssn, a}} {
		if v, _, err := c.k.Open(c.t, name); !errors.Is(err, ErrUnknownKey) || v.Data != nil {
			t.Errorf("%s: %v", what, err)
		}
		if v, err := recordKey(t, c.k, name).Open(c.t); !errors.Is(err, ErrUnknownKey) || v.Data != nil {
			t.Errorf("%s, record: %v", what, err)
		}
		// With the key id of the place where it is put.
		raw := rawOf(t, c.t)
		id := c.k.ID()
		copy(raw[1:], id[:])
		v, binding, err := c.k.Open(textOf(raw), name)
		refused(t, what+", relabelled", v, binding, err, ReasonCiphertext)
		// And the tag.
		tag := c.k.Tag(name)
		copy(raw[1+KeyIDSize:], tag[:])
		v, binding, err = c.k.Open(textOf(raw), name)
		refused(t, what+", relabelled with the tag", v, binding, err, ReasonCiphertext)
	}
}

// Two records of one field: a token is moved to the other record.
func TestAttack20SwappedRecords(t *testing.T) {
	t.Parallel()
	k := fieldKey(t, 1)
	seven, eight := recordName(t, "matter 7"), recordName(t, "matter 8")
	token := seal(t, k, seven, TextValue("of 7"))
	opens(t, k, seven, token, TextValue("of 7"))

	// Where the record is known, it is refused.
	v, b, err := k.Open(token, eight)
	refused(t, "in another record", v, b, err, ReasonRecord)
	_, err = recordKey(t, k, eight).Open(token)
	refused(t, "with another record's key", Value{}, 0, err, ReasonRecord)
	for what, r := range map[string]Record{
		"another generation": {Connector: "tabular", Kind: "row", ID: "matter 7", Generation: 1},
		"another kind":       {Connector: "tabular", Kind: "column", ID: "matter 7"},
		"another account":    {Connector: "tabular", Account: "a", Kind: "row", ID: "matter 7"},
		"another connector":  {Connector: "clio", Kind: "row", ID: "matter 7"},
	} {
		n, err := r.Name()
		if err != nil {
			t.Fatal(err)
		}
		v, b, err := k.Open(token, n)
		refused(t, what, v, b, err, ReasonRecord)
	}

	// Where it is not known, the value is marked.
	if v, b, err := k.Open(token, Name{}); err != nil || b != Unchecked || string(v.Data) != "of 7" {
		t.Errorf("record not known: %q, %s, %v", v.Data, b, err)
	}

	// With the tag of the record where it is put, it does not decrypt.
	raw := rawOf(t, token)
	tag := k.Tag(eight)
	copy(raw[1+KeyIDSize:], tag[:])
	v, b, err = k.Open(textOf(raw), eight)
	refused(t, "relabelled", v, b, err, ReasonCiphertext)
}

// The type is inside: no bit outside changes it.
func TestAttack22FlippedType(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	v := TextValue("1") // which is also a JSON text
	token := seal(t, k, name, v)
	opens(t, k, name, token, v)
	asJSON := seal(t, k, name, Value{Type: JSON, Data: []byte("1")})
	opens(t, k, name, asJSON, Value{Type: JSON, Data: []byte("1")})
	for flip := 1; flip < 256; flip++ { // 1^2 makes JSON of text, 0x80 a draft
		raw := rawOf(t, token)
		raw[fixedSize] ^= byte(flip)
		v, b, err := k.Open(textOf(raw), name)
		refused(t, fmt.Sprintf("type ^ %#x", flip), v, b, err, ReasonCiphertext)
	}
}

// Every bit of a token counts.
func TestAttack26EveryBit(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	v := TextValue("202-224-3441")
	token := seal(t, k, name, v)
	opens(t, k, name, token, v)
	raw := rawOf(t, token)
	for i := range len(raw) * 8 {
		bad := bytes.Clone(raw)
		bad[i/8] ^= 1 << (i % 8)
		for _, n := range []Name{name, {}} {
			v, b, err := k.Open(textOf(bad), n)
			what := fmt.Sprintf("bit %d", i)
			switch at := i / 8; {
			case at == 0 && bad[0] == 0:
				refused(t, what, v, b, err, ReasonForm)
			case at == 0:
				var ve *VersionError
				if !errors.As(err, &ve) || v.Data != nil {
					t.Errorf("%s: %v", what, err)
				}
			case at < 1+KeyIDSize:
				if !errors.Is(err, ErrUnknownKey) || v.Data != nil {
					t.Errorf("%s: %v", what, err)
				}
			default:
				refused(t, what, v, b, err, ReasonCiphertext)
			}
		}
	}
}

// So does every character of its text.
func TestAttack26EveryCharacter(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	v := TextValue("202-224-3441")
	token := seal(t, k, name, v)
	opens(t, k, name, token, v)
	for i := range token {
		for c := range 256 {
			if byte(c) == token[i] {
				continue
			}
			bad := []byte(token)
			bad[i] = byte(c)
			if v, b, err := k.Open(string(bad), Name{}); err == nil || v.Data != nil || b != 0 {
				t.Fatalf("character %d replaced by %q opens", i, byte(c))
			}
		}
	}
}

// The length of a token tells the value's length in steps of 16 bytes, and
// nothing of its content.
func TestAttack42LengthsInSteps(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	sizes := map[int][]int{} // length of a token → lengths of values
	for n := range 200 {
		token := seal(t, k, name, TextValue(strings.Repeat("a", n)))
		// Values that would compress differently.
		random := make([]byte, n)
		for i := range random {
			random[i] = byte(i*167 + n)
		}
		for _, v := range []Value{{Type: Binary, Data: random}, {Type: Binary, Data: make([]byte, n)}} {
			if other := seal(t, k, name, v); len(other) != len(token) {
				t.Errorf("%d bytes: %d and %d characters", n, len(token), len(other))
			}
		}
		if len(token) != TokenSize(n) {
			t.Errorf("%d bytes: %d characters, TokenSize says %d", n, len(token), TokenSize(n))
		}
		if got := len(rawOf(t, token).sealed()); got%padStep != 0 {
			t.Errorf("%d bytes: sealed to %d", n, got)
		}
		sizes[len(token)] = append(sizes[len(token)], n)
	}
	// 0 to 14 bytes share a length, then 16 each, until 200 cuts the last.
	for size, lengths := range sizes {
		want := padStep
		switch {
		case lengths[0] == 0:
			want = padStep - 1
		case lengths[len(lengths)-1] == 199:
			continue
		}
		if len(lengths) != want {
			t.Errorf("%d characters: values of %v bytes", size, lengths)
		}
	}
}

// Records without an id: no two share a name, and their tokens say that they
// belong to no place.
func TestAttack65Drafts(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	token := seal(t, k, name, TextValue("of 1"))
	opens(t, k, name, token, TextValue("of 1"))

	names, tags := map[string]bool{}, map[Tag]bool{}
	for range 1000 {
		d := NewDraft()
		names[string(d.encoded)], tags[k.Tag(d)] = true, true
	}
	if len(names) != 1000 || len(tags) != 1000 {
		t.Fatalf("%d names and %d tags of 1000 drafts", len(names), len(tags))
	}

	a, b := NewDraft(), NewDraft()
	ta, tb := seal(t, k, a, TextValue("of a")), seal(t, k, b, TextValue("of b"))
	for what, n := range map[string]Name{"its own name": a, "another draft's": b, "a record's": name, "no name": {}} {
		if v, binding, err := k.Open(ta, n); err != nil || binding != Draft || string(v.Data) != "of a" {
			t.Errorf("%s: %q, %s, %v", what, v.Data, binding, err)
		}
	}
	// Their keys are different ones: a token of one record does not open
	// under the other's.
	_, err := recordKey(t, k, a).Open(tb)
	refused(t, "another draft's key", Value{}, 0, err, ReasonRecord)
	raw := rawOf(t, tb)
	tag := k.Tag(a)
	copy(raw[1+KeyIDSize:], tag[:])
	v, binding, err := k.Open(textOf(raw), a)
	refused(t, "relabelled as another draft's", v, binding, err, ReasonCiphertext)
	// Nor can a bound token be passed off as a draft, or a draft as bound.
	for what, token := range map[string]string{"bound as draft": token, "draft as bound": ta} {
		raw := rawOf(t, token)
		raw[fixedSize] ^= draftFlag
		v, binding, err := k.Open(textOf(raw), name)
		refused(t, what, v, binding, err, ReasonCiphertext)
	}

	// Sealed again once the id is known.
	opened, _, err := k.Open(ta, name)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, k, name, seal(t, k, name, opened), TextValue("of a"))
}
