package officer_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// Operations outside an entry are applied in its place, or not at all.
func TestBlob(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create field phone; create field fax; add bob as member; grant phone to bob r; grant fax to bob r")
	whole := o.Ops("remove bob; rotate phone; close fax")
	op := o.Outside(whole[1:]...)
	good := o.Blobs[op.Hash]

	fails := func(name string, want error, ops ...officer.Operation) {
		t.Helper()
		refused(t, name, o.For(t).TryOps("alice", ops...), want)
	}
	changed := func(change func(*officer.OperationsBlob)) officer.Operation {
		c := *op
		change(&c)
		return &c
	}
	fails("a blob that is not there", officer.ErrIncomplete, whole[0], changed(func(b *officer.OperationsBlob) { b.Hash[0] ^= 1 }))
	fails("a larger size", officer.ErrIncomplete, whole[0], changed(func(b *officer.OperationsBlob) { b.Size++ }))
	fails("another count", officer.ErrIncomplete, whole[0], changed(func(b *officer.OperationsBlob) { b.Count++ }))
	fails("size 0", officer.ErrOperation, whole[0], changed(func(b *officer.OperationsBlob) { b.Size = 0 }))
	fails("a size above the limit", officer.ErrOperation, whole[0], changed(func(b *officer.OperationsBlob) { b.Size = wire.MaxBlob + 1 }))
	fails("count 0", officer.ErrOperation, whole[0], changed(func(b *officer.OperationsBlob) { b.Count = 0 }))
	fails("a count above the limit", officer.ErrOperation, whole[0], changed(func(b *officer.OperationsBlob) { b.Count = wire.MaxOperations + 1 }))
	fails("a part of what is owed", officer.ErrIncomplete, whole[0], o.Outside(whole[1]))
	fails("the removal behind the rest", officer.ErrIncomplete, op, whole[0])
	fails("a blob in a blob", officer.ErrOperation, whole[0], o.Outside(op))
	fails("genesis in a blob", officer.ErrOperation, o.Outside(&officer.Genesis{Card: o.Person("alice").File.Card.Bytes()}))
	fails("an operation of a newer program", officer.ErrUnknownOp, o.Outside(&anyOp{number: 20}))
	many := slices.Repeat([]officer.Operation{o.Outside(o.Op("reseal phone to bob"))}, 65)
	accepted(t, "64 blobs", o.For(t).TryOps("alice", many[:64]...))
	fails("65 blobs", officer.ErrOperation, many...)

	entry := o.Sign("alice", o.Entry("alice", whole[0], op))
	_, err := o.State.Apply(entry)
	refused(t, "without blobs", err, officer.ErrIncomplete)
	broken := errors.New("the store is away")
	_, err = o.State.ApplyWith(func(officer.Hash) ([]byte, error) { return nil, broken }, entry)
	refused(t, "a store that is away", err, broken)
	for _, other := range [][]byte{nil, good[:len(good)-1], append(slices.Clone(good), 0), append([]byte{good[0] ^ 1}, good[1:]...)} {
		_, err = o.State.ApplyWith(func(officer.Hash) ([]byte, error) { return other, nil }, entry)
		refused(t, "another blob", err, officer.ErrIncomplete)
	}
	// What nobody signed costs no blob.
	forged := slices.Clone(entry)
	forged[len(forged)-1] ^= 1
	asked := 0
	_, err = o.State.ApplyWith(func(officer.Hash) ([]byte, error) { asked++; return good, nil }, forged)
	refused(t, "forged", err, officer.ErrSignature)
	if asked != 0 {
		t.Error("a blob was asked for before the signature was checked")
	}

	accepted(t, "whole", o.Append(entry))
	if o.Resource("phone").Epoch().Number != 2 || !o.Resource("fax").Epoch().Closed || !o.State.Member(o.Person("bob").ID()).Removed {
		t.Error("not all of it was applied")
	}
	if ops, err := op.Open(good); err != nil || len(ops) != 2 {
		t.Errorf("opened: %d operations, %v", len(ops), err)
	}
	for _, ops := range [][]officer.Operation{nil, slices.Repeat([]officer.Operation{whole[1]}, wire.MaxOperations+1)} {
		if _, _, err := officer.EncodeBlob(ops); !errors.Is(err, wire.ErrTooLarge) {
			t.Errorf("a blob of %d operations: %v", len(ops), err)
		}
	}
}

// FuzzBlob reads bytes as a blob of operations: what is accepted has no second
// encoding.
func FuzzBlob(f *testing.F) {
	o := officertest.New(f, "alice").Do("alice: create field phone")
	for _, script := range []string{"rotate phone", "close phone; remove bob", "create group team of alice*; policy fields=2", "withdraw one; end phone"} {
		f.Add(o.Blobs[o.Outside(o.Ops(script)...).Hash], uint64(len(o.Ops(script))))
	}
	f.Fuzz(func(t *testing.T, b []byte, count uint64) {
		op := &officer.OperationsBlob{Hash: sha256.Sum256(b), Size: uint64(len(b)), Count: count}
		ops, err := op.Open(b)
		if err != nil {
			return
		}
		if uint64(len(ops)) != count {
			t.Fatalf("%d operations, want %d", len(ops), count)
		}
		if len(ops) == 0 {
			return
		}
		again, same, err := officer.EncodeBlob(ops)
		if err != nil || !bytes.Equal(again, b) || *same != *op {
			t.Fatalf("a second encoding: %x, %v", b, err)
		}
	})
}
