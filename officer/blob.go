package officer

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// OpBlob numbers [OperationsBlob].
const OpBlob OpKind = 25

// OperationsBlob stands for operations that ride outside the entry, because
// they are too many for it. They are applied in its place, all or nothing.
type OperationsBlob struct {
	Hash  Hash   `cbor:"1,keyasint"` // SHA-256 of the blob, the name under which a store keeps it
	Size  uint64 `cbor:"2,keyasint"` // in bytes, at most wire.MaxBlob
	Count uint64 `cbor:"3,keyasint"` // of operations, 1 to wire.MaxOperations
}

// Kind implements [Operation].
func (*OperationsBlob) Kind() OpKind { return OpBlob }

// Blobs gives a store's blob by its name. It is asked only for those that an
// entry names whose signature holds. Replay
// returns its error in a [*BlobError].
type Blobs func(name Hash) ([]byte, error)

// maxBlobs bounds the blobs of one entry, and with them what it costs to read.
const maxBlobs = 64

// errNoBlobs: a log with blobs was given without them.
var errNoBlobs = errors.New("no blobs are given")

// EncodeBlob makes a blob of operations, at most wire.MaxOperations of them,
// and the operation that stands for it.
func EncodeBlob(ops []Operation) ([]byte, *OperationsBlob, error) {
	list, err := encodeOperations(ops)
	if err != nil {
		return nil, nil, err
	}
	b, err := wire.Marshal(list)
	if err != nil {
		return nil, nil, err
	}
	if len(ops) == 0 || len(ops) > wire.MaxOperations || len(b) > wire.MaxBlob {
		return nil, nil, fmt.Errorf("operations blob: %w: %d operations, %d bytes", wire.ErrTooLarge, len(ops), len(b))
	}
	return b, &OperationsBlob{Hash: sha256.Sum256(b), Size: uint64(len(b)), Count: uint64(len(ops))}, nil
}

// Open checks a blob against the operation that stands for it and returns its
// operations.
func (o *OperationsBlob) Open(b []byte) ([]Operation, error) {
	if uint64(len(b)) != o.Size || Hash(sha256.Sum256(b)) != o.Hash {
		return nil, fmt.Errorf("%w: another blob", ErrIncomplete)
	}
	var list []opWire
	if err := wire.Unmarshal(b, &list, wire.MaxBlob); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOperation, err)
	}
	if uint64(len(list)) != o.Count {
		return nil, fmt.Errorf("%w: a blob of %d operations", ErrIncomplete, len(list))
	}
	ops := make([]Operation, len(list))
	for i, w := range list {
		var err error
		if ops[i], err = decodeOperation(w); err != nil {
			return nil, fmt.Errorf("operation %d of the blob (%s): %w", i+1, w.Kind, err)
		}
		if ops[i].Kind() == OpBlob || ops[i].Kind() == OpGenesis {
			return nil, fmt.Errorf("%w: %s in a blob", ErrOperation, w.Kind)
		}
	}
	return ops, nil
}

// hasBlobs tells whether an entry needs more than itself.
func (d *decoded) hasBlobs() bool {
	for _, op := range d.Operations {
		if op.Kind() == OpBlob {
			return true
		}
	}
	return false
}

// applyBlob applies what a blob holds. The signature of an entry with blobs is
// checked before any of them is asked for: what nobody signed costs nothing.
func (tx *transaction) applyBlob(o *OperationsBlob) error {
	if tx.blobs++; tx.blobs > maxBlobs {
		return fmt.Errorf("%w: too many blobs", ErrOperation)
	}
	if o.Size == 0 || o.Size > wire.MaxBlob || o.Count == 0 || o.Count > wire.MaxOperations {
		return fmt.Errorf("%w: size of a blob", ErrOperation)
	}
	b, err := tx.s.blobs(o.Hash)
	if err != nil {
		return &BlobError{err}
	}
	ops, err := o.Open(b)
	if err != nil {
		return err
	}
	for i, op := range ops {
		if err := tx.apply(op); err != nil {
			return fmt.Errorf("operation %d of the blob (%s): %w", i+1, op.Kind(), err)
		}
	}
	return nil
}

func noBlobs(Hash) ([]byte, error) { return nil, errNoBlobs }

func verifyBody(key []byte, d *decoded) error {
	if pubkey.Verify(key, wire.LabelEntry, d.body, d.signature) != nil {
		return ErrSignature
	}
	return nil
}
