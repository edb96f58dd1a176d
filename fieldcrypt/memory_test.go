package fieldcrypt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// No value is left behind in the memory that was lent, and none is in memory
// that is used again.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	r := recordKey(t, k, name)
	for _, n := range []int{20, 200, 20_000} {
		secret := bytes.Repeat([]byte("hunter2-"), n/8)
		v := Value{Type: Text, Data: secret}
		left := func(what string, b []byte, used int) {
			t.Helper()
			if bytes.Contains(b[used:cap(b)], secret[:16]) {
				t.Errorf("%s of %d bytes: the value is behind the result", what, n)
			}
		}
		for what, dst := range map[string][]byte{"new": nil, "short": make([]byte, 0, 40), "long": make([]byte, 0, 4*TokenSize(n)), "after others": append(make([]byte, 0, 999), "others"...)} {
			out, err := r.AppendSeal(dst, v)
			if err != nil {
				t.Fatal(err)
			}
			left("sealed, "+what, out[:cap(out)], 0)
			left("sealed, "+what+", lent", dst[:cap(dst)], 0)
			token := out[len(dst):]

			out, _, err = r.AppendOpen(slices.Clone(dst), token)
			if err != nil || !bytes.Equal(out[len(dst):], secret) {
				t.Fatal(err)
			}
			left("opened, "+what, out[:cap(out)], len(out))

			bad := bytes.Clone(token)
			if at := len(bad) - 20; bad[at] != 'A' {
				bad[at] = 'A'
			} else {
				bad[at] = 'B'
			}
			lent := make([]byte, 0, 2*len(bad))
			if _, _, err := r.AppendOpen(lent, bad); !errors.Is(err, ErrOpen) {
				t.Fatal(err)
			}
			left("refused", lent[:cap(lent)], 0)
		}

		// What a key keeps for its next use.
		token := seal(t, k, name, v)
		if _, _, err := k.Open(token, name); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			d := k.deriver()
			left("kept by the key", d.buf[:cap(d.buf)], 0)
			if d.record != (RecordKey{}) || d.sum != [32]byte{} {
				t.Error("a key keeps a record's key")
			}
		}
	}
}

// Values stay what they are while the key goes on working.
func TestResultsAreNotReused(t *testing.T) {
	t.Parallel()
	k := fieldKey(t, 1)
	ring := NewRing(k)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var values [][]byte
			var tokens []string
			var want []string
			for i := range 200 {
				text := fmt.Sprintf("value %d of %d", i, w)
				name, err := Record{Connector: "tabular", ID: text}.Name()
				if err != nil {
					t.Error(err)
					return
				}
				token, err := k.Seal(name, TextValue(text))
				if err != nil {
					t.Error(err)
					return
				}
				v, b, err := ring.Open(token, name)
				if err != nil || b != Bound {
					t.Error(b, err)
					return
				}
				values, tokens, want = append(values, v.Data), append(tokens, token), append(want, text)
			}
			for i, o := range ring.OpenBatch(tokens, nil) {
				if string(values[i]) != want[i] || string(o.Value.Data) != want[i] {
					t.Errorf("%q became %q and %q", want[i], values[i], o.Value.Data)
				}
			}
		})
	}
	wg.Wait()
}

// Batches of every size keep the order, and one failure does not touch the
// others.
func TestBatches(t *testing.T) {
	t.Parallel()
	k := fieldKey(t, 1)
	ring := NewRing(k)
	for _, n := range []int{0, 1, batchStep - 1, batchStep, batchStep + 1, 10*batchStep + 3} {
		names, values := make([]Name, n), make([]Value, n)
		for i := range n {
			names[i], values[i] = recordName(t, fmt.Sprint(i)), TextValue(fmt.Sprint("value ", i))
		}
		broken := n / 2
		if n > 0 {
			values[broken] = Value{Type: 9}
		}
		sealed := k.SealBatch(names, values)
		if len(sealed) != n {
			t.Fatalf("%d outcomes of %d", len(sealed), n)
		}
		tokens := make([]string, n)
		for i, s := range sealed {
			if (s.Err != nil) != (i == broken) || s.Err != nil && (!errors.Is(s.Err, ErrValueType) || s.Token != "") {
				t.Fatalf("%d of %d: %q, %v", i, n, s.Token, s.Err)
			}
			tokens[i] = s.Token
		}
		for i, o := range ring.OpenBatch(tokens, names) {
			if i == broken {
				if !errors.Is(o.Err, ErrNotToken) || o.Value.Data != nil {
					t.Fatalf("%d of %d: %+v", i, n, o)
				}
			} else if o.Err != nil || o.Binding != Bound || string(o.Value.Data) != fmt.Sprint("value ", i) {
				t.Fatalf("%d of %d: %q, %s, %v", i, n, o.Value.Data, o.Binding, o.Err)
			}
		}
		if n == 0 {
			continue
		}
		for _, records := range [][]Name{{}, names[1:], append(slices.Clone(names), Name{})} {
			for _, s := range k.SealBatch(records, values) {
				if !errors.Is(s.Err, ErrRecord) || s.Token != "" {
					t.Fatalf("%d records for %d values: %v", len(records), n, s.Err)
				}
			}
			for _, o := range ring.OpenBatch(tokens, records) {
				if !errors.Is(o.Err, ErrRecord) || o.Value.Data != nil {
					t.Fatalf("%d records for %d tokens: %v", len(records), n, o.Err)
				}
			}
		}
	}
	if out := k.SealBatch(nil, []Value{TextValue("x")}); !errors.Is(out[0].Err, ErrRecord) {
		t.Errorf("no records: %v", out[0].Err)
	}
}

// each takes every index once, whatever the number of cores.
func TestEach(t *testing.T) {
	t.Parallel()
	for n := range 5*batchStep + 2 {
		taken := make([]int32, n)
		each(n, func(i int) { taken[i]++ }) // a second taker would be a race
		for i, c := range taken {
			if c != 1 {
				t.Fatalf("%d of %d was taken %d times", i, n, c)
			}
		}
	}
}
