//go:build !race

package fieldcrypt

import (
	"bytes"
	"errors"
	"testing"
)

// Not under the race detector, where sync.Pool forgets things at random.

// The budgets for memory: nothing but the result with a record key at hand,
// and one small allocation more where it is derived.
func TestAllocations(t *testing.T) {
	k, name := fieldKey(t, 1), recordName(t, "1")
	r, ring := recordKey(t, k, name), NewRing(k)
	for _, n := range []int{0, 16, 94} {
		v := Value{Type: Text, Data: bytes.Repeat([]byte("a"), n)}
		token := seal(t, k, name, v)
		text, buf := []byte(token), make([]byte, 0, 2*len(token))
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what string
			most float64
			f    func() error
		}{
			{"RecordKey.AppendSeal", 0, func() error { _, err := r.AppendSeal(buf, v); return err }},
			{"RecordKey.AppendSeal, new", 1, func() error { _, err := r.AppendSeal(nil, v); return err }},
			{"RecordKey.AppendOpen", 0, func() error { _, _, err := r.AppendOpen(buf, text); return err }},
			{"RecordKey.Open", 1, func() error { _, err := r.Open(token); return err }},
			{"Parse", 0, func() error { _, err := Parse(text); return err }},
			{"Key.AppendSeal", 1, func() error { _, err := k.AppendSeal(buf, name, v); return err }},
			{"Key.Seal", 2, func() error { _, err := k.Seal(name, v); return err }},
			{"Key.AppendOpenToken", 1, func() error { _, _, _, err := k.AppendOpenToken(buf, parsed, name); return err }},
			{"Key.OpenToken", 2, func() error { _, _, err := k.OpenToken(parsed, name); return err }},
			{"Key.Open", 2, func() error { _, _, err := k.Open(token, name); return err }},
			{"Ring.Open", 2, func() error { _, _, err := ring.Open(token, name); return err }},
		} {
			var failed error
			if got := testing.AllocsPerRun(500, func() { failed = errors.Join(failed, c.f()) }); got > c.most || failed != nil {
				t.Errorf("%s of %d bytes: %v allocations, at most %v; %v", c.what, n, got, c.most, failed)
			}
		}
	}
}
