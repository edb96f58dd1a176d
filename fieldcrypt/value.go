package fieldcrypt

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/wire"
)

// Type says what a value is. It is sealed with the value (attack 22).
type Type uint8

// The types of value.
const (
	// Text is UTF-8.
	Text Type = 1
	// JSON is one JSON text (RFC 8259) other than a string in its plain
	// spelling: a number, boolean, object, array, or a string whose spelling
	// has to come back as it was. The bytes are kept as they are.
	JSON Type = 2
	// Binary is any bytes.
	Binary Type = 3
)

// MaxValue is the most bytes that a value may have.
const MaxValue = wire.MaxValue

// Value is a typed value. Data belongs to the holder of the Value.
type Value struct {
	Type Type
	Data []byte
}

// TextValue is a Text value.
func TextValue(s string) Value { return Value{Type: Text, Data: []byte(s)} }

// check accepts the values that a token may hold, in one canonical form.
func (v Value) check() error {
	if len(v.Data) > MaxValue {
		return ErrValueTooLong
	}
	switch v.Type {
	case Text:
		if !utf8.Valid(v.Data) {
			return ErrValueForm
		}
	case JSON:
		if !utf8.Valid(v.Data) || !json.Valid(v.Data) || spaced(v.Data) {
			return ErrValueForm
		}
	case Binary:
	default:
		return ErrValueType
	}
	return nil
}

// spaced tells whether white space surrounds a JSON text; inside it is kept.
func spaced(b []byte) bool { return len(bytes.TrimSpace(b)) != len(b) }

const (
	padStep   = 16   // plaintexts grow in steps of 16 bytes (attack 42)
	padMark   = 0x80 // ISO/IEC 7816-4: one mark, then zeros
	draftFlag = 0x80 // in the type byte: the record had no id yet
)

// appendPadded appends type ‖ value ‖ 0x80 ‖ zeros, a multiple of 16 bytes.
func appendPadded(dst []byte, v Value, draft bool) []byte {
	t := byte(v.Type)
	if draft {
		t |= draftFlag
	}
	dst = append(dst, t)
	dst = append(dst, v.Data...)
	dst = append(dst, padMark)
	var zeros [padStep]byte
	n := 1 + len(v.Data) + 1
	return append(dst, zeros[:(padStep-n%padStep)%padStep]...)
}

// plain is what a token held.
type plain struct {
	typ   Type
	draft bool
	data  []byte // in the memory that the token was decrypted in
}

// value copies it into memory of its own.
func (p plain) value() Value {
	return Value{Type: p.typ, Data: append(make([]byte, 0, len(p.data)), p.data...)}
}

// unpad reverses appendPadded and accepts nothing that it would not write.
// The plaintext is authentic here, so its form reveals nothing to a forger.
func unpad(pt []byte) (p plain, ok bool) {
	body := bytes.TrimRight(pt, "\x00")
	if len(body) < 2 || body[len(body)-1] != padMark || len(pt)-len(body) >= padStep {
		return plain{}, false
	}
	p = plain{typ: Type(body[0] &^ draftFlag), draft: body[0]&draftFlag != 0, data: body[1 : len(body)-1]}
	if (Value{Type: p.typ, Data: p.data}).check() != nil {
		return plain{}, false
	}
	return p, true
}

// Record says where a value belongs. All parts are public to whoever sees the
// record; none is sealed.
type Record struct {
	_          struct{} `cbor:",toarray"`
	Connector  string
	Account    string
	Kind       string
	ID         string
	Generation uint64
}

// Name is the encoded name of a record, or of a draft. The zero Name stands
// for a record that is not known.
type Name struct {
	encoded []byte
	draft   bool
}

// Name encodes the record: CBOR[connector, account, kind, id, generation].
func (r Record) Name() (Name, error) {
	if r.ID == "" || r.Connector == "" {
		return Name{}, ErrRecord
	}
	for _, s := range []string{r.Connector, r.Account, r.Kind, r.ID} {
		if len(s) > wire.MaxBinding || !utf8.ValidString(s) {
			return Name{}, ErrRecord
		}
	}
	b, err := wire.Marshal(r)
	return Name{encoded: b}, err
}

// NewDraft names a record that has no id yet, CBOR["draft", 16 random bytes],
// so that no two new records share a name (attack 65). Its tokens open
// anywhere as Draft and are to be sealed again once the id is known.
func NewDraft() Name {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return Name{encoded: wire.MustMarshal([]any{wire.LabelDraft, id}), draft: true}
}

// Binding says what is known of a token's place.
type Binding uint8

// The bindings.
const (
	// Bound: the token belongs to the record that was named.
	Bound Binding = iota + 1
	// Unchecked: no record was named; the token may have been moved.
	Unchecked
	// Draft: sealed before its record had an id; not bound to any place.
	Draft
)

// String is the word shown to people.
func (b Binding) String() string {
	switch b {
	case Bound:
		return "bound"
	case Unchecked:
		return "record not checked"
	case Draft:
		return "not bound"
	default:
		return "unknown"
	}
}
