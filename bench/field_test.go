package bench

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
)

// fieldValue has 16 bytes.
const fieldValue = "202-224-3441 ext"

// BenchmarkField seals and opens one value, beside Tink's XChaCha20-Poly1305
// and base64 on the same value with associated data of the same length.
// tink-subtle is its primitive without the key set that its users hold.
func BenchmarkField(b *testing.B) {
	key, record := fieldKey(b), fieldRecord(b, "C000127")
	recordKey, err := key.Record(record)
	if err != nil {
		b.Fatal(err)
	}
	bare, err := subtle.NewXChaCha20Poly1305(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	v := fieldcrypt.TextValue(fieldValue)
	token, err := key.Seal(record, v)
	if err != nil {
		b.Fatal(err)
	}
	text, buf := []byte(token), make([]byte, 0, 2*len(token))
	peers := []struct {
		name string
		peer tinkPeer
	}{{"tink", newPeer(newTink(b))}, {"tink-subtle", newPeer(bare)}}

	b.Run("seal", func(b *testing.B) {
		for _, p := range peers {
			each(b, p.name, func() error {
				_, err := p.peer.seal(v.Data)
				return err
			})
		}
		each(b, "cached", func() error {
			_, err := recordKey.AppendSeal(nil, v)
			return err
		})
		each(b, "cached-append", func() error {
			_, err := recordKey.AppendSeal(buf, v)
			return err
		})
		each(b, "derived", func() error {
			_, err := key.Seal(record, v)
			return err
		})
	})
	b.Run("open", func(b *testing.B) {
		for _, p := range peers {
			sealed, err := p.peer.seal(v.Data)
			if err != nil {
				b.Fatal(err)
			}
			each(b, p.name, func() error {
				_, err := p.peer.open(sealed)
				return err
			})
		}
		each(b, "cached", func() error {
			_, err := recordKey.Open(token)
			return err
		})
		each(b, "cached-append", func() error {
			_, _, err := recordKey.AppendOpen(buf, text)
			return err
		})
		each(b, "derived", func() error {
			_, _, err := key.Open(token, record)
			return err
		})
	})
}

// BenchmarkFieldBatch seals and opens values of many records on all cores,
// beside a loop over them.
func BenchmarkFieldBatch(b *testing.B) {
	const n = 10_000
	key := fieldKey(b)
	ring := fieldcrypt.NewRing(key)
	records, values, tokens := make([]fieldcrypt.Name, n), make([]fieldcrypt.Value, n), make([]string, n)
	for i := range n {
		records[i], values[i] = fieldRecord(b, fmt.Sprint(i)), fieldcrypt.TextValue(fieldValue)
		var err error
		if tokens[i], err = key.Seal(records[i], values[i]); err != nil {
			b.Fatal(err)
		}
	}
	each(b, "seal/loop", func() error {
		out := make([]fieldcrypt.Sealed, n)
		for i := range out {
			out[i].Token, out[i].Err = key.Seal(records[i], values[i])
		}
		return out[n-1].Err
	})
	each(b, "seal/batch", func() error { return key.SealBatch(records, values)[n-1].Err })
	each(b, "open/loop", func() error {
		out := make([]fieldcrypt.Opened, n)
		for i := range out {
			out[i].Value, out[i].Binding, out[i].Err = ring.Open(tokens[i], records[i])
		}
		return out[n-1].Err
	})
	each(b, "open/batch", func() error { return ring.OpenBatch(tokens, records)[n-1].Err })
}

// each measures f.
func each(b *testing.B, name string, f func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func fieldKey(b *testing.B) *fieldcrypt.Key {
	b.Helper()
	k, err := envelope.GenerateKey(envelope.KeyContext{Resource: make([]byte, 16), Kind: envelope.KindField, Epoch: 1})
	if err != nil {
		b.Fatal(err)
	}
	return fieldcrypt.NewKey(k)
}

func fieldRecord(b *testing.B, id string) fieldcrypt.Name {
	b.Helper()
	n, err := fieldcrypt.Record{Connector: "tabular", Kind: "row", ID: id}.Name()
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// tinkPeer is an AEAD of Tink with associated data as long as a token's.
type tinkPeer struct {
	aead tink.AEAD
	data []byte
}

func newPeer(a tink.AEAD) tinkPeer {
	return tinkPeer{aead: a, data: []byte("field 31a2/record C000127/organization 9f04d")}
}

func (p tinkPeer) seal(value []byte) (string, error) {
	ct, err := p.aead.Encrypt(value, p.data)
	return base64.RawURLEncoding.EncodeToString(ct), err
}

func (p tinkPeer) open(text string) ([]byte, error) {
	ct, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return p.aead.Decrypt(ct, p.data)
}
