package officer_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// resign encodes a decoded entry again, under the signature that it has.
func resign(t officertest.TB, e officer.Entry, b []byte) []byte {
	t.Helper()
	var parts []any
	if err := wire.Unmarshal(b, &parts, wire.MaxEntry); err != nil {
		t.Fatalf("%v", err)
	}
	signature, _ := parts[2].([]byte)
	again, err := e.Sign(func(string, []byte) []byte { return signature })
	if err != nil {
		t.Fatalf("%v", err)
	}
	return again
}

func TestEntry(t *testing.T) {
	t.Parallel()
	o := busy(t)
	for i, b := range o.Log {
		e, err := officer.DecodeEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(resign(t, e, b), b) {
			t.Errorf("entry %d has another encoding", i)
		}
		if e.Sequence != uint64(i) || i > 0 && (e.Previous != officer.EntryHash(o.Log[i-1]) || e.Organization != o.ID) {
			t.Errorf("entry %d is not in its place", i)
		}
		if want := officertest.Start().Add(time.Duration(i) * time.Minute); !e.Time.Equal(want) {
			t.Errorf("entry %d is of %v", i, e.Time)
		}
	}
	if want := (officer.Head{Length: uint64(len(o.Log)), Hash: officer.EntryHash(o.Log[len(o.Log)-1])}); o.State.Head() != want {
		t.Errorf("head %v", o.State.Head())
	}
	// The ids as the spec writes them.
	sum := func(label string, b []byte) [32]byte { return sha256.Sum256(append([]byte(label+"\x00"), b...)) }
	if o.ID != sum("underseal/v1/organization", o.Log[0]) || officer.EntryHash(o.Log[1]) != sum("underseal/v1/entry-hash", o.Log[1]) {
		t.Error("an id is not of the bytes that it should be of")
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice")
	sign := func(change func(*officer.Entry)) ([]byte, error) {
		e := o.Entry("alice", o.Op("create field phone"))
		change(&e)
		return e.Sign(o.Author("alice").Sign)
	}
	if b, err := sign(func(*officer.Entry) {}); err != nil || o.Fork().Append(b) != nil {
		t.Fatal(err)
	}
	small := &officer.KeyClosed{Epoch: 1}
	for name, c := range map[string]struct {
		change func(*officer.Entry)
		want   error
	}{
		"no operation":        {func(e *officer.Entry) { e.Operations = nil }, officer.ErrOperation},
		"too many operations": {func(e *officer.Entry) { e.Operations = bytesOf(small, wire.MaxOperations+1) }, officer.ErrOperation},
		"too large":           {func(e *officer.Entry) { e.Operations = bytesOf(&anyOp{number: 9, A: make([]byte, 1<<19)}, 2) }, wire.ErrTooLarge},
		"after the year 9999": {func(e *officer.Entry) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, wire.ErrMalformed},
	} {
		if _, err := sign(c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := sign(func(e *officer.Entry) { e.Operations = []officer.Operation{&anyOp{A: func() {}}} }); err == nil {
		t.Error("an operation without an encoding: signed")
	}
	// The ends of time.
	for _, at := range []time.Time{{}, time.Unix(-5, 0), time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999, time.UTC)} {
		b, err := sign(func(e *officer.Entry) { e.Time = at })
		if err != nil {
			t.Fatal(err)
		}
		e, err := officer.DecodeEntry(b)
		if want := max(at.Unix(), 0); err != nil || e.Time.Unix() != want {
			t.Errorf("%v: %v, %v", at, e.Time, err)
		}
	}
	// As many operations as an entry may have, and one more than that.
	b, err := sign(func(e *officer.Entry) { e.Operations = bytesOf(small, wire.MaxOperations) })
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "8,192 operations on nothing", o.Append(b), officer.ErrUnknown)
}

func bytesOf(op officer.Operation, n int) []officer.Operation {
	list := make([]officer.Operation, n)
	for i := range list {
		list[i] = op
	}
	return list
}

// A refused entry of many is named, the first of those that are wrong.
func TestErrorNamesEntry(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add bob as member")
	var entries [][]officer.Operation
	for i := range 200 {
		entries = append(entries, []officer.Operation{o.Op(fmt.Sprintf("create folder %d", i))})
	}
	good := o.Chain("bob", entries...)
	if err := o.Fork().Append(good...); err != nil {
		t.Fatal(err)
	}
	entries[150] = []officer.Operation{o.Op("create folder x"), o.Op("create field no")}
	for _, forged := range []int{0, 31, 32, 149, 150} {
		bad := o.Chain("bob", entries...)
		e, err := officer.DecodeEntry(bad[forged])
		if err != nil {
			t.Fatal(err)
		}
		bad[forged] = o.Sign("alice", e) // whose signature it is not
		for i := forged + 1; i < len(bad); i++ {
			next, err := officer.DecodeEntry(bad[i])
			if err != nil {
				t.Fatal(err)
			}
			next.Previous = officer.EntryHash(bad[i-1])
			bad[i] = o.Sign("bob", next)
		}
		err = o.Fork().Append(bad...)
		ee, ok := errors.AsType[*officer.EntryError](err)
		if !ok || ee.Sequence != uint64(2+forged) || !errors.Is(ee, officer.ErrSignature) || ee.Operation != -1 {
			t.Errorf("forged at %d: %v", forged, err)
		}
	}
	err := o.Fork().Append(o.Chain("bob", entries...)...)
	ee, ok := errors.AsType[*officer.EntryError](err)
	if !ok || ee.Sequence != 152 || ee.Operation != 1 || ee.Kind != "key created" || !errors.Is(ee, officer.ErrAuthority) {
		t.Errorf("without a forgery: %v", err)
	}
}
