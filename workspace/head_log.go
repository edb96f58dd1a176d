package workspace

import (
	"context"
	"fmt"
	"iter"

	"github.com/underseal/underseal/officer"
)

// LogEntry is an entry of the verified log. Operations that ride in a blob
// follow the one that stands for them.
type LogEntry struct {
	officer.Entry
	Hash officer.Hash
}

// Log shows the entries of the verified log from a position up to, and without,
// another, in their order. The store is read twice: once to know, by the hashes
// that lead to the verified head, which entries are the true ones, and once to
// show these. So nothing is shown that was not verified, and of a long log
// nothing is kept but 32 bytes for each entry. The first error ends it.
func (w *Workspace) Log(ctx context.Context, from, to uint64) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		head := w.state.Head()
		end := min(to, head.Length)
		hashes := make([]officer.Hash, 0, end-min(from, end))
		if err := w.walk(ctx, head, from, func(e officer.Entry, h officer.Hash) {
			if e.Sequence < end {
				hashes = append(hashes, h)
			}
		}); err != nil {
			yield(LogEntry{}, err)
			return
		}
		for at := from; at < end; {
			batch, err := w.read(ctx, at, min(end, at+readPage)-at)
			if err == nil && len(batch) == 0 {
				err = ErrRollback
			}
			if err != nil {
				yield(LogEntry{}, err)
				return
			}
			for _, b := range batch {
				e, err := w.logEntry(ctx, b, hashes[at-from])
				if !yield(e, err) || err != nil {
					return
				}
				at++
			}
		}
	}
}

func (w *Workspace) logEntry(ctx context.Context, b []byte, want officer.Hash) (e LogEntry, err error) {
	if e.Hash = officer.EntryHash(b); e.Hash != want {
		return e, ErrFork
	}
	if e.Entry, err = officer.DecodeEntry(b); err != nil {
		return e, fmt.Errorf("read log: %w", err)
	}
	e.Operations, err = w.operations(ctx, e.Entry)
	return e, err
}

// operations are those of an entry, with those that ride in its blobs behind the
// operation that stands for them.
func (w *Workspace) operations(ctx context.Context, e officer.Entry) (list []officer.Operation, err error) {
	for _, op := range e.Operations {
		list = append(list, op)
		blob, ok := op.(*officer.OperationsBlob)
		if !ok {
			continue
		}
		raw, err := w.store.GetBlob(ctx, blob.Hash)
		if err != nil {
			return nil, fmt.Errorf("read operations of entry %d: %w", e.Sequence, err)
		}
		ops, err := blob.Open(raw)
		if err != nil {
			return nil, fmt.Errorf("read operations of entry %d: %w: %w", e.Sequence, ErrLog, err)
		}
		list = append(list, ops...)
	}
	return list, nil
}
