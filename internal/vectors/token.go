package main

import (
	"encoding/base64"
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// tokenVector is one vector of token.json.
type tokenVector struct {
	Name string `json:"name"`
	Rule string `json:"rule,omitempty"`

	Context context `json:"context"` // of the key that is held
	Key     hx      `json:"key"`
	Record  *record `json:"record,omitempty"` // absent: the record is not known
	Token   string  `json:"token"`

	// Of tokens that open.
	Type    uint64 `json:"type,omitempty"`
	Value   *hx    `json:"value,omitempty"`
	Binding string `json:"binding,omitempty"`
	// And on the way there, for whoever looks for a fault.
	RecordName hx `json:"record_name,omitempty"`
	RecordTag  hx `json:"record_tag,omitempty"`
	RecordKey  hx `json:"record_key,omitempty"`
	Plaintext  hx `json:"plaintext,omitempty"`
	Associated hx `json:"associated_data,omitempty"`
}

type record struct {
	Connector  string `json:"connector"`
	Account    string `json:"account"`
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Generation uint64 `json:"generation"`
}

func (r record) name() []byte {
	return array(tstr(r.Connector), tstr(r.Account), tstr(r.Kind), tstr(r.ID), num(r.Generation))
}

func draftName(name string) []byte { return array(tstr(wire.LabelDraft), bstr(random(name, 16))) }

func recordTag(k dataKey, name []byte) []byte { return mac(k.derive(wire.LabelKeyTag), name)[:8] }
func recordKey(k dataKey, tag []byte) []byte  { return mac(k.derive(wire.LabelKeyRec), tag) }

func associated(k dataKey, tag []byte) []byte {
	return cat([]byte(wire.LabelToken), []byte{1}, k.commitment(), tag)
}

// rawToken seals a plaintext as it is.
func rawToken(k dataKey, name, plaintext []byte) []byte {
	tag := recordTag(k, name)
	nonce := random("token nonce "+string(name)+string(plaintext), 24)
	return cat([]byte{1}, k.id(), tag, xseal(recordKey(k, tag), nonce, plaintext, associated(k, tag)))
}

func tokenText(raw []byte) string {
	return wire.LabelToken + "." + base64.RawURLEncoding.EncodeToString(raw)
}

func padded(typ byte, value []byte) []byte {
	b := cat([]byte{typ}, value, []byte{0x80})
	return cat(b, make([]byte, (16-len(b)%16)%16))
}

func tokenVectors() []tokenVector {
	org := random("organization", 32)
	k := newDataKey("field key", context{org, random("field", 16), 1, 1})
	row := record{Connector: "tabular", Kind: "row", ID: "C000127"}
	var out []tokenVector

	good := func(name string, k dataKey, r *record, recordName []byte, typ byte, value string, binding string) {
		tag, v := recordTag(k, recordName), hx(value)
		pt := padded(typ, v)
		out = append(out, tokenVector{
			Name: name, Context: k.context, Key: k.key, Record: r, Token: tokenText(rawToken(k, recordName, pt)),
			Type: uint64(typ &^ 0x80), Value: &v, Binding: binding,
			RecordName: recordName, RecordTag: tag, RecordKey: recordKey(k, tag), Plaintext: pt, Associated: associated(k, tag),
		})
	}
	const bound, unchecked, draft = "bound", "record not checked", "not bound"
	good("text", k, &row, row.name(), 1, "202-224-3441", bound)
	good("text of one padding step less a byte", k, &row, row.name(), 1, strings.Repeat("a", 14), bound)
	good("text that needs a step of padding alone", k, &row, row.name(), 1, strings.Repeat("a", 15), bound)
	good("longest text for 255 characters", k, &row, row.name(), 1, strings.Repeat("a", 126), bound)
	good("empty text", k, &row, row.name(), 1, "", bound)
	good("text that ends like padding", k, &row, row.name(), 1, "a\u0080\x00\x00", bound)
	good("text of several scripts with a mark of byte order", k, &row, row.name(), 1, "\ufeffÅse 佐藤 🔑\r\n", bound)
	good("JSON number", k, &row, row.name(), 2, "1.50", bound)
	good("JSON object with a name twice and white space inside", k, &row, row.name(), 2, `{"a": 1,  "a": "\ud800"}`, bound)
	good("JSON string in its plain spelling", k, &row, row.name(), 2, `"abc"`, bound)
	good("binary", k, &row, row.name(), 3, "\xff\x00\x80", bound)
	good("empty binary", k, &row, row.name(), 3, "", bound)
	good("no record given", k, nil, row.name(), 1, "202-224-3441", unchecked)
	clio := record{"clio", "acme-llp", "matter", "Müller v. 9.5 GmbH", 3}
	good("record with all parts", k, &clio, clio.name(), 1, "202-224-3441", bound)
	good("draft, no record given", k, nil, draftName("draft"), 0x81, "new", draft)
	good("draft, record given", k, &row, draftName("draft"), 0x81, "new", draft)
	second := newDataKey("field key, epoch 2", context{org, random("field", 16), 1, 2})
	good("second epoch", second, &row, row.name(), 1, "202-224-3441", bound)

	bad := func(name, rule string, r *record, token string) {
		out = append(out, tokenVector{Name: name, Rule: rule, Context: k.context, Key: k.key, Record: r, Token: token})
	}
	raw := rawToken(k, row.name(), padded(1, []byte("202-224-3441")))
	text := tokenText(raw)
	badRaw := func(name, rule string, raw []byte) { bad(name, rule, &row, tokenText(raw)) }
	badPlain := func(name, rule string, plaintext []byte) { badRaw(name, rule, rawToken(k, row.name(), plaintext)) }

	bad("empty", "T-1", &row, "")
	bad("plaintext", "T-1", &row, "202-224-3441")
	bad("prefix in upper case", "T-1", &row, "US1."+text[4:])
	bad("space before the prefix", "T-1", &row, " "+text)
	bad("prefix of another format", "T-1", &row, "us2."+text[4:])
	bad("prefix without its full stop", "T-1", &row, "us1"+text[4:])

	bad("prefix alone", "T-2", &row, "us1.")
	bad("space after", "T-2", &row, text+" ")
	bad("line feed after", "T-2", &row, text+"\n")
	bad("line feed inside", "T-2", &row, text[:40]+"\n"+text[40:])
	bad("carriage return inside", "T-2", &row, text[:40]+"\r"+text[40:])
	bad("padding", "T-2", &row, text+"==")
	bad("alphabet of base64", "T-2", &row, tokenText(cat(raw[:40], []byte{0xff, 0xff}, raw[42:])))
	last := &out[len(out)-1]
	last.Token = strings.NewReplacer("-", "+", "_", "/").Replace(last.Token)
	bad("one character more", "T-2", &row, text+"AAA")
	bad("bits left over", "T-2", &row, text[:len(text)-1]+nextLetter(text[len(text)-1]))
	bad("letter that is not of the alphabet", "T-2", &row, text[:20]+"é"+text[22:])

	badRaw("version 0", "T-4", cat([]byte{0}, raw[1:]))
	badRaw("version 2", "T-3", cat([]byte{2}, raw[1:]))
	badRaw("version 2 and nothing else", "T-3", []byte{2})

	badRaw("no plaintext at all", "T-4", cat(raw[:41], raw[57:]))
	badRaw("header alone", "T-4", raw[:41])
	badRaw("one byte short", "T-4", raw[:len(raw)-1])
	badRaw("one byte long", "T-4", cat(raw, []byte{0}))

	other := newDataKey("other field's key", context{org, random("other field", 16), 1, 1})
	foreign := newDataKey("foreign key", context{random("other organization", 32), random("field", 16), 1, 1})
	badRaw("of another field", "T-5", rawToken(other, row.name(), padded(1, []byte("x"))))
	badRaw("of another epoch", "T-5", rawToken(second, row.name(), padded(1, []byte("x"))))
	badRaw("of another organization", "T-5", rawToken(foreign, row.name(), padded(1, []byte("x"))))
	badRaw("key id altered", "T-5", flip(raw, 1))

	underID := func(from dataKey) []byte {
		b := rawToken(from, row.name(), padded(1, []byte("x")))
		copy(b[1:9], k.id())
		return b
	}
	badRaw("of another field under this key id", "T-6", underID(other))
	badRaw("of another epoch under this key id", "T-6", underID(second))
	badRaw("record tag altered", "T-6", flip(raw, 9))
	badRaw("nonce altered", "T-6", flip(raw, 17))
	badRaw("ciphertext altered", "T-6", flip(raw, 41))
	badRaw("tag altered", "T-6", flip(raw, -1))
	badRaw("cut by one step", "T-6", cat(rawToken(k, row.name(), padded(1, make([]byte, 20)))[:73]))
	tag := recordTag(k, row.name())
	sealWith := func(ad []byte) []byte {
		return cat([]byte{1}, k.id(), tag, xseal(recordKey(k, tag), random("ad nonce", 24), padded(1, []byte("x")), ad))
	}
	badRaw("without the commitment in the associated data", "T-6", sealWith(cat([]byte(wire.LabelToken), []byte{1}, tag)))
	badRaw("commitment of another key in the associated data", "T-6", sealWith(associated(other, tag)))

	for _, c := range []struct {
		name string
		r    record
	}{
		{"of another record", record{"tabular", "", "row", "C000128", 0}},
		{"of another connector", record{"clio", "", "row", "C000127", 0}},
		{"of another account", record{"tabular", "a", "row", "C000127", 0}},
		{"of another kind", record{"tabular", "", "", "C000127", 0}},
		{"of another generation", record{"tabular", "", "row", "C000127", 1}},
	} {
		badRaw(c.name, "T-7", rawToken(k, c.r.name(), padded(1, []byte("x"))))
	}
	badRaw("draft name without the draft flag", "T-7", rawToken(k, draftName("draft"), padded(1, []byte("x"))))

	badPlain("no mark", "T-8", cat([]byte{1}, []byte(strings.Repeat("a", 15))))
	badPlain("mark other than 0x80", "T-8", cat([]byte{1}, []byte("a"), []byte{0x81}, make([]byte, 13)))
	badPlain("a step of padding too many", "T-8", cat(padded(1, []byte("a")), make([]byte, 16)))
	badPlain("zeros alone", "T-8", make([]byte, 16))
	badPlain("a mark and no type", "T-8", cat([]byte{0x80}, make([]byte, 15)))
	badPlain("type 0", "T-9", padded(0, []byte("a")))
	badPlain("type 4", "T-9", padded(4, []byte("a")))
	badPlain("type 0 with the draft flag", "T-9", padded(0x80, []byte("a")))
	badPlain("text that is not UTF-8", "T-10", padded(1, []byte{0xff}))
	badPlain("text with a surrogate", "T-10", padded(1, []byte{0xed, 0xa0, 0x80}))
	badPlain("JSON cut short", "T-10", padded(2, []byte(`{"a":`)))
	badPlain("empty JSON", "T-10", padded(2, nil))
	badPlain("two JSON texts", "T-10", padded(2, []byte("1 2")))
	badPlain("JSON with white space before it", "T-10", padded(2, []byte(" 1")))
	badPlain("JSON with a line feed after it", "T-10", padded(2, []byte("1\n")))
	badPlain("JSON number with a zero before it", "T-10", padded(2, []byte("01")))
	badPlain("JSON nested 10,001 levels deep", "T-10", padded(2, []byte(strings.Repeat("[", 10001)+strings.Repeat("]", 10001))))
	badPlain("JSON with a byte order mark", "T-10", padded(2, []byte("\ufeff1")))
	badPlain("JSON with a vertical tab after it", "T-10", padded(2, []byte("1\v")))
	badPlain("JSON that is not UTF-8", "T-10", padded(2, []byte("\"\xff\"")))
	return out
}

// nextLetter sets the lowest bit of the last letter, which encodes nothing in
// a text whose length is 2 or 3 modulo 4.
func nextLetter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)+1])
}
