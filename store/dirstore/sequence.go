package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/store"
)

const (
	// span is how many items share a folder. A folder with 100,000 names is
	// slow on FAT and over networks, and finding the end of a sequence means
	// listing one folder.
	span = 1000
	// digits make the names of a folder sort as their positions do.
	digits = 10
	// maxPosition is what digits can name.
	maxPosition = 10_000_000_000
	// readers at once hide the time that a disk or a file server takes per file.
	readers = 16
	// patience is how long an empty file may take to be filled, and pause how
	// often it is looked at; see durable.CreateFile for where that happens.
	patience = time.Second
	pause    = 10 * time.Millisecond
	// maxLooks at a position that is there and not listed are more than any
	// file system needs to make up its mind.
	maxLooks = 10
)

// sequence is a list of items that grows by compare-and-swap: one file each,
// named by its position. The log is one, so are the envelopes of one
// recipient and the versions of one lease.
//
// It is linearizable because a position is created exclusively, only after the
// one before it is seen, and never changed. By induction there are no gaps:
// one that is found is damage.
type sequence struct {
	dir    *durable.Dir
	path   string // the folder, with "/"
	suffix string
	limit  int // bytes per item
	// required: that the folder is missing is damage, not an empty sequence.
	required bool
	noted    func(name string)
}

func (s *Store) sequence(path, suffix string, limit int) *sequence {
	return &sequence{dir: s.dir, path: path, suffix: suffix, limit: limit, noted: s.warnings.copied}
}

func (q *sequence) folder(at uint64) string {
	return fmt.Sprintf("%s/%0*d", q.path, digits, at/span*span)
}

func (q *sequence) file(at uint64) string {
	return fmt.Sprintf("%s/%s", q.folder(at), q.name(at))
}

func (q *sequence) name(at uint64) string {
	return fmt.Sprintf("%0*d%s", digits, at, q.suffix)
}

// parsePosition reads the digits of a name, in the one form that they have.
func parsePosition(name string) (uint64, bool) {
	if len(name) != digits {
		return 0, false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	at, err := strconv.ParseUint(name, 10, 64)
	return at, err == nil
}

// append writes item at position at if the sequence holds exactly at items;
// otherwise store.ErrConflict.
func (q *sequence) append(ctx context.Context, at uint64, item []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	before, err := q.continues(ctx, at)
	if err != nil {
		return err
	}
	after, err := q.has(at + 1)
	if err != nil {
		return err
	}
	// Looked for first because a lost race is then cheap.
	switch taken, err := q.has(at); {
	case err != nil:
		return err
	case taken:
		return q.conflict(ctx, at)
	case !before:
		return fmt.Errorf("%s does not hold %d: %w", q.path, at, store.ErrConflict)
	case after:
		// That was looked for earlier, and is never there earlier.
		return damaged(q.file(at), "is missing, and later ones are there")
	case at >= maxPosition:
		return fmt.Errorf("%s holds all that it can number: %w", q.path, store.ErrFull)
	}
	if at%span == 0 {
		for _, folder := range []string{q.path, q.folder(at)} {
			if err := q.dir.Mkdir(folder); err != nil {
				return writing(err)
			}
		}
	}
	err = q.dir.Create(q.file(at), item)
	if errors.Is(err, durable.ErrExists) {
		return q.conflict(ctx, at)
	}
	return writing(err)
}

// continues tells whether position at comes right after something, or is the
// first of an empty sequence. One whose beginning is forgotten is not empty.
func (q *sequence) continues(ctx context.Context, at uint64) (bool, error) {
	if at > 0 {
		return q.has(at - 1)
	}
	later, err := q.beyond(ctx, 0)
	return !later, err
}

// conflict is what an append gets whose position is taken: the conflict, or
// what is wrong with that which took it, or else it would try for ever.
func (q *sequence) conflict(ctx context.Context, at uint64) error {
	if _, err := q.read(ctx, q.dir, q.file(at), at); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", q.file(at), store.ErrConflict)
}

// has tells whether something is at position at.
func (q *sequence) has(at uint64) (bool, error) {
	switch _, err := q.dir.Stat(q.file(at)); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, reading(err)
	}
	return true, nil
}

// read returns the item at position at, which is name in dir. It waits for one
// that is reserved and not yet written.
func (q *sequence) read(ctx context.Context, dir *durable.Dir, name string, at uint64) ([]byte, error) {
	for since := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		item, err := dir.Read(name, int64(q.limit))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, damaged(q.file(at), "has vanished")
		case err != nil:
			return nil, reading(err)
		case len(item) > 0:
			return item, nil
		case time.Since(since) > patience:
			return nil, damaged(q.file(at), "is empty")
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// list returns up to limit items from position from, in order and without
// gaps.
func (q *sequence) list(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	var items [][]byte
	looks := 0 // in vain at one position
	for at := from; len(items) < limit && at < maxPosition; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some, more, err := q.page(ctx, at, limit-len(items))
		if err != nil {
			return nil, err
		}
		items = append(items, some...)
		at += uint64(len(some))
		if len(some) > 0 {
			looks = 0
		}
		if len(items) == limit || len(some) > 0 && at%span == 0 {
			continue
		}
		// Nothing is at position at: the end, or a gap.
		if !more {
			if more, err = q.beyond(ctx, at); err != nil {
				return nil, err
			}
		}
		if !more {
			return items, nil
		}
		// Something is beyond it. Folders are not listed in an instant, so it
		// may have come meanwhile; but then it is there by now.
		there, err := q.has(at)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, damaged(q.file(at), "is missing, and later ones are there")
		}
		// Where capitals do not matter, another spelling is found by its name
		// and never listed by it.
		if looks++; looks > maxLooks {
			return nil, damaged(q.file(at), "is there and is not listed")
		}
	}
	return items, nil
}

// page returns up to limit items from position from that lie in one folder,
// and whether later ones lie there after a gap.
func (q *sequence) page(ctx context.Context, from uint64, limit int) (items [][]byte, more bool, err error) {
	folder, err := q.dir.Sub(q.folder(from))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, reading(err)
	}
	defer func() { _ = folder.Close() }() // only read
	there, err := q.positions(folder, ".", from/span*span)
	if err != nil {
		return nil, false, err
	}
	run := 0
	for i := from % span; i < span && there[i]; i++ {
		run++
	}
	for i := from%span + uint64(run); i < span; i++ {
		more = more || there[i]
	}
	items = make([][]byte, min(run, limit))
	group, ctx := errgroup.WithContext(ctx)
	for w := range min(readers, len(items)) {
		group.Go(func() error {
			for i := w; i < len(items); i += readers {
				at := from + uint64(i)
				item, err := q.read(ctx, folder, q.name(at), at)
				if err != nil {
					return err
				}
				items[i] = item
			}
			return nil
		})
	}
	return items, more, group.Wait()
}

// positions tells which positions from first on are taken in a folder.
func (q *sequence) positions(dir *durable.Dir, folder string, first uint64) (there [span]bool, err error) {
	names, err := dir.Names(folder)
	if err != nil {
		return there, reading(err)
	}
	for _, name := range names {
		number, ok := strings.CutSuffix(name, q.suffix)
		at, isNumber := parsePosition(number)
		if ok && isNumber && at >= first && at < first+span {
			there[at-first] = true
		} else if !isDesktop(name) {
			q.noted(q.folder(first) + "/" + name)
		}
	}
	return there, nil
}

// folders returns the first positions of the folders there are, in no order.
func (q *sequence) folders() ([]uint64, error) {
	names, err := q.dir.Names(q.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && q.required:
		return nil, damaged(q.path, "is missing")
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, reading(err)
	}
	var firsts []uint64
	for _, name := range names {
		if first, ok := parsePosition(name); ok && first%span == 0 {
			firsts = append(firsts, first)
		} else if !isDesktop(name) {
			q.noted(q.path + "/" + name)
		}
	}
	return firsts, nil
}

// beyond tells whether a folder later than that of position at holds anything.
func (q *sequence) beyond(ctx context.Context, at uint64) (bool, error) {
	firsts, err := q.folders()
	if err != nil {
		return false, err
	}
	for _, first := range firsts {
		if first <= at {
			continue
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		_, found, err := q.highest(first)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// highest returns the highest position in the folder that begins with first.
func (q *sequence) highest(first uint64) (at uint64, found bool, err error) {
	there, err := q.positions(q.dir, q.folder(first), first)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil // removed since, or never made
	}
	for i, is := range there {
		if is {
			at, found = first+uint64(i), true
		}
	}
	return at, found, err
}

// last returns how many items there are and the last of them; none is no error.
func (q *sequence) last(ctx context.Context) (count uint64, item []byte, err error) {
	firsts, err := q.folders()
	if err != nil {
		return 0, nil, err
	}
	slices.Sort(firsts)
	for _, first := range slices.Backward(firsts) {
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		at, found, err := q.highest(first)
		if err != nil {
			return 0, nil, err
		}
		if found {
			item, err := q.read(ctx, q.dir, q.file(at), at)
			return at + 1, item, err
		}
	}
	return 0, nil, ctx.Err()
}

// forget removes the folders that lie far before position at, for sequences
// of which only the end is of interest. A slow writer that still expects to
// be there finds no folder and loses, as it must.
func (q *sequence) forget(at uint64) {
	if at%span != 0 || at < 2*span {
		return
	}
	firsts, err := q.folders()
	if err != nil {
		return // the next time is good enough
	}
	for _, first := range firsts {
		if first <= at-2*span {
			_ = q.dir.RemoveTree(q.folder(first)) // as above
		}
	}
}
