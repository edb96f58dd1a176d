package fieldcrypt_test

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
)

// newDataKey makes the first epoch's key of a new field. A program keeps its
// commitment where nobody else writes, and the key sealed in envelopes.
func newDataKey() *fieldcrypt.DataKey {
	field := make([]byte, 16)
	_, _ = rand.Read(field)
	k, err := envelope.GenerateKey(envelope.KeyContext{Resource: field, Kind: envelope.KindField, Epoch: 1})
	if err != nil {
		panic(err)
	}
	return k
}

// One value of one record becomes a token, and the token the value.
func Example() {
	key := fieldcrypt.NewKey(newDataKey())
	record, err := fieldcrypt.Record{Connector: "example", Kind: "contact", ID: "1042"}.Name()
	if err != nil {
		fmt.Println(err)
		return
	}

	token, err := key.Seal(record, fieldcrypt.TextValue("202-224-3441"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token[:4], len(token), fieldcrypt.TokenSize(len("202-224-3441")))

	value, binding, err := key.Open(token, record)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(value.Data), binding)

	// Another record: somebody moved the token.
	other, err := fieldcrypt.Record{Connector: "example", Kind: "contact", ID: "1043"}.Name()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = key.Open(token, other)
	fmt.Println(err, errors.Is(err, fieldcrypt.ErrOpen))

	// Output:
	// us1. 102 102
	// 202-224-3441 bound
	// the token cannot be opened true
}

// Somebody holds the keys of several fields and epochs, and tokens of all of
// them, in no order.
func ExampleRing_OpenBatch() {
	phone, address := fieldcrypt.NewKey(newDataKey()), fieldcrypt.NewKey(newDataKey())
	ssn := fieldcrypt.NewKey(newDataKey()) // not granted to the reader
	record, err := fieldcrypt.Record{Connector: "example", ID: "1042"}.Name()
	if err != nil {
		fmt.Println(err)
		return
	}
	var tokens []string
	for _, s := range []struct {
		key  *fieldcrypt.Key
		text string
	}{{phone, "202-224-3441"}, {ssn, "078-05-1120"}, {address, "311 Hart Senate Office Building"}} {
		token, err := s.key.Seal(record, fieldcrypt.TextValue(s.text))
		if err != nil {
			fmt.Println(err)
			return
		}
		tokens = append(tokens, token)
	}

	ring := fieldcrypt.NewRing(phone, address)
	for _, o := range ring.OpenBatch(tokens, nil) {
		switch {
		case errors.Is(o.Err, fieldcrypt.ErrUnknownKey):
			fmt.Println("left as it is:", o.Err)
		case o.Err != nil:
			fmt.Println(o.Err)
		default:
			fmt.Printf("%s (%s)\n", o.Value.Data, o.Binding)
		}
	}

	// Output:
	// 202-224-3441 (record not checked)
	// left as it is: sealed under a key that is not held here
	// 311 Hart Senate Office Building (record not checked)
}

// A record's key serves for several values, here into memory that is used
// again and again.
func ExampleRecordKey_AppendSeal() {
	key := fieldcrypt.NewKey(newDataKey())
	record, err := fieldcrypt.Record{Connector: "example", ID: "1042"}.Name()
	if err != nil {
		fmt.Println(err)
		return
	}
	recordKey, err := key.Record(record)
	if err != nil {
		fmt.Println(err)
		return
	}
	var token, data []byte
	for _, text := range []string{"a first version", "a second one"} {
		if token, err = recordKey.AppendSeal(token[:0], fieldcrypt.TextValue(text)); err != nil {
			fmt.Println(err)
			return
		}
		if data, _, err = recordKey.AppendOpen(data[:0], token); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(data))
	}

	// Output:
	// a first version
	// a second one
}

// A new record has no id yet: its values are drafts until it has one.
func ExampleNewDraft() {
	key := fieldcrypt.NewKey(newDataKey())
	token, err := key.Seal(fieldcrypt.NewDraft(), fieldcrypt.TextValue("settled for 1,200,000"))
	if err != nil {
		fmt.Println(err)
		return
	}

	// Later, at the first sight of the record's id.
	record, err := fieldcrypt.Record{Connector: "example", ID: "1044"}.Name()
	if err != nil {
		fmt.Println(err)
		return
	}
	value, binding, err := key.Open(token, record)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(binding)
	if binding == fieldcrypt.Draft {
		token, err = key.Seal(record, value)
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	_, binding, err = key.Open(token, record)
	fmt.Println(binding, err)

	// Output:
	// not bound
	// bound <nil>
}
