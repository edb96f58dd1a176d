package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

const (
	// readBatch is how many entries are verified at a time: enough to make
	// the copy of the state that each Apply costs unimportant.
	readBatch = 8192
	// readPage is how many are read at a time, and readBytes after how many
	// bytes a batch ends: a store full of the largest junk there can be does
	// not fill the memory.
	readPage  = 256
	readBytes = 32 << 20
)

// read reads up to limit entries from a position, and no more than a batch;
// none at the log's end.
func (w *Workspace) read(ctx context.Context, from, limit uint64) ([][]byte, error) {
	var batch [][]byte
	limit = min(limit, readBatch)
	for size := 0; uint64(len(batch)) < limit && size < readBytes; {
		want := int(min(readPage, limit-uint64(len(batch))))
		page, err := w.store.Read(ctx, from+uint64(len(batch)), want)
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		batch = append(batch, page...)
		for _, b := range page {
			size += len(b)
		}
		if len(page) < want {
			break
		}
	}
	return batch, nil
}

// Sync reads what is new in the store, verifies it and pins the new head. A
// store that has lost what this device saw, or tells another story, is
// refused and nothing changes. Now and then it holds the log against what
// colleagues' devices say they have seen, see [Workspace.Sightings].
func (w *Workspace) Sync(ctx context.Context) error {
	again := true
	for range maxAttempts {
		if err := w.syncOnce(ctx); err != nil {
			return err
		}
		switch {
		case w.pin.Head.Length > w.state.Head().Length:
			// Another command of this device has seen more: so shall this one.
		case len(w.sightings) > 0 && again:
			again = false // a colleague may have been faster than this reading
		default:
			return nil
		}
	}
	return ErrRollback
}

// blobs gives the operations that ride outside their entries.
func (w *Workspace) blobs(ctx context.Context) officer.Blobs {
	return func(name officer.Hash) ([]byte, error) { return w.store.GetBlob(ctx, name) }
}

func (w *Workspace) syncOnce(ctx context.Context) error {
	state := w.state
	from := uint64(0)
	if state != nil {
		from = state.Head().Length - 1 // the last known entry again: is it still the same?
	}
	pinned := w.pin.Head.Length == 0
	for {
		batch, err := w.read(ctx, from, readBatch)
		if err != nil {
			return err
		}
		// The entry at the pinned head must be the one that was pinned.
		if n := w.pin.Head.Length; n > from && n <= from+uint64(len(batch)) {
			if officer.EntryHash(batch[n-1-from]) != w.pin.Head.Hash {
				return ErrFork
			}
			pinned = true
		}
		if state != nil && from == state.Head().Length-1 {
			if len(batch) == 0 {
				return ErrRollback
			}
			if officer.EntryHash(batch[0]) != state.Head().Hash {
				return ErrFork
			}
			batch = batch[1:]
		}
		if len(batch) == 0 {
			break
		}
		if state == nil {
			state, err = officer.ReplayWith(w.blobs(ctx), w.pin.Organization, batch)
		} else {
			state, err = state.ApplyWith(w.blobs(ctx), batch...)
		}
		if err != nil {
			return logError(err)
		}
		from = state.Head().Length
	}
	if state == nil {
		if w.pin.Head.Length > 0 {
			return ErrRollback
		}
		return fmt.Errorf("%w: %w", ErrLog, officer.ErrEmpty)
	}
	if !pinned {
		return ErrRollback
	}
	if err := w.compareHeads(ctx, state); err != nil {
		return err
	}
	advanced := w.state == nil || state.Head() != w.state.Head() || w.pin.Head != state.Head()
	before := w.state
	w.state = state
	if advanced {
		w.keys.relist()
	} else {
		w.keys.look()
	}
	save := w.savePin // a new "last synced"
	if advanced || w.rebuilt != nil {
		save = w.saveHead
	}
	if err := save(ctx); err != nil {
		w.state = before
		return err
	}
	return nil
}

// logError tells a log that does not verify from a store that failed while a part
// of it was read. One that has lost that part shows a log that nobody can verify.
func logError(err error) error {
	if failed := blobFailure(err); failed != nil {
		return fmt.Errorf("read log: %w", failed)
	}
	return fmt.Errorf("%w: %w", ErrLog, err)
}

// blobFailure is what a store said that failed on a blob; nil if it has none, or
// another.
func blobFailure(err error) error {
	var blob *officer.BlobError
	if errors.As(err, &blob) && !errors.Is(blob.Err, store.ErrNotFound) {
		return blob.Err
	}
	return nil
}

// VerifyLog verifies the whole log of the store from genesis, without the
// cache, against the pinned head.
func (w *Workspace) VerifyLog(ctx context.Context) (*officer.State, error) {
	v := &Workspace{store: w.store, local: discard{}, me: w.me, now: w.now, pin: w.pin}
	v.keys = newKeys(v)
	if err := v.Sync(ctx); err != nil {
		return nil, err
	}
	return v.state, nil
}

// discard is a Local that keeps nothing.
type discard struct{}

func (discard) Load(string) ([]byte, error) { return nil, fs.ErrNotExist }
func (discard) Save(string, []byte) error   { return nil }

func (discard) Lock(context.Context, string) (func(), error) { return func() {}, nil }

// Entries reads the log up to the pinned head and returns its decoded entries,
// after verifying that they are the ones that were verified.
func (w *Workspace) Entries(ctx context.Context) ([]officer.Entry, error) {
	return w.entriesFrom(ctx, 0)
}

// entriesFrom is Entries from a position on: the chain leads from there to the
// verified head.
func (w *Workspace) entriesFrom(ctx context.Context, from uint64) (out []officer.Entry, err error) {
	err = w.walk(ctx, w.state.Head(), from, func(e officer.Entry, _ officer.Hash) { out = append(out, e) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// walk reads the entries from a position to a verified head. What it shows is
// what was verified if it ends without an error, and not before.
func (w *Workspace) walk(ctx context.Context, head officer.Head, from uint64, show func(officer.Entry, officer.Hash)) error {
	var last officer.Hash
	for at := from; at < head.Length; {
		batch, err := w.read(ctx, at, head.Length-at)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return ErrRollback
		}
		for _, b := range batch {
			e, err := officer.DecodeEntry(b)
			if err != nil {
				return fmt.Errorf("read log: %w", err)
			}
			if e.Sequence != at || e.Previous != last && (at != from || from == 0) {
				return ErrFork
			}
			last = officer.EntryHash(b)
			show(e, last)
			at++
		}
	}
	if from < head.Length && last != head.Hash {
		return ErrFork
	}
	return nil
}
