package tabular_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/tabulartest"
)

var chosen = []string{"birthday", "phone", "address"}

func legislators(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("../../testdata/legislators.csv")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// aeadSeal has the cost of a real token with a record key at hand.
func aeadSeal(tb testing.TB) tabular.Transform {
	tb.Helper()
	a, err := chacha20poly1305.NewX(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return func(_ context.Context, cells []tabular.Cell) error {
		buf := make([]byte, chacha20poly1305.NonceSizeX, 512)
		for i := range cells {
			c := &cells[i]
			_, _ = rand.Read(buf)
			ct := a.Seal(buf, buf, c.Value, nil)
			c.New = base64.RawURLEncoding.AppendEncode(append(c.New, tabulartest.Prefix...), ct)
			c.Replace = true
		}
		return nil
	}
}

func BenchmarkCSV(b *testing.B) {
	template := legislators(b)
	for _, n := range []int64{1e4, 1e5, 1e6} {
		for _, t := range []struct {
			name string
			t    tabular.Transform
		}{{"nothing", tabulartest.Nothing}, {"fake", tabulartest.Seal}, {"aead", aeadSeal(b)}} {
			b.Run(fmt.Sprintf("%s/rows=%d", t.name, n), func(b *testing.B) {
				o := tabular.Options{Format: tabular.CSV, Columns: chosen}
				tabulartest.Bench(b, template, "id", n, o, t.t)
			})
		}
		b.Run(fmt.Sprintf("aead+ids/rows=%d", n), func(b *testing.B) {
			o := tabular.Options{Format: tabular.CSV, Columns: chosen, RecordID: "id"}
			tabulartest.Bench(b, template, "id", n, o, aeadSeal(b))
		})
	}
}

// BenchmarkCSVPeer is the straightforward program: read, seal, write.
func BenchmarkCSVPeer(b *testing.B) {
	template := legislators(b)
	a, err := chacha20poly1305.NewX(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	const n = 1e5
	for _, aead := range []bool{false, true} {
		b.Run(fmt.Sprintf("aead=%v/rows=%d", aead, int(n)), func(b *testing.B) {
			b.SetBytes(tabulartest.Size(b, template, "id", n, tabular.Options{Format: tabular.CSV}))
			for b.Loop() {
				in, err := tabulartest.Rows(tabular.CSV, template, "id", n)
				if err != nil {
					b.Fatal(err)
				}
				r, w := csv.NewReader(in), csv.NewWriter(io.Discard)
				r.ReuseRecord = true
				for {
					rec, err := r.Read()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if aead {
						for _, i := range []int{2, 8, 9} {
							nonce := make([]byte, chacha20poly1305.NonceSizeX, 256)
							_, _ = rand.Read(nonce)
							rec[i] = base64.RawURLEncoding.EncodeToString(a.Seal(nonce, nonce, []byte(rec[i]), nil))
						}
					}
					if err := w.Write(rec); err != nil {
						b.Fatal(err)
					}
				}
				w.Flush()
			}
		})
	}
}

// asJSONLines writes a CSV file as objects with string members.
func asJSONLines(tb testing.TB, src []byte) []byte {
	tb.Helper()
	recs, err := csv.NewReader(bytes.NewReader(src)).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, rec := range recs[1:] {
		m := map[string]string{}
		for i, name := range recs[0] {
			m[name] = rec[i]
		}
		if err := enc.Encode(m); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

func BenchmarkJSONLines(b *testing.B) {
	template := asJSONLines(b, legislators(b))
	for _, n := range []int64{1e4, 1e5} {
		b.Run(fmt.Sprintf("aead/rows=%d", n), func(b *testing.B) {
			o := tabular.Options{Format: tabular.JSONLines, Columns: chosen}
			tabulartest.Bench(b, template, "id", n, o, aeadSeal(b))
		})
	}
}
