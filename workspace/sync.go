package workspace

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// Names of the local files.
const (
	pinFile   = "organization.pin"
	cacheFile = "organization.cache"
)

// Pin is what a device remembers of its organization: which it is, where it
// rests, and the highest head seen.
type Pin struct {
	Organization officer.OrganizationID
	Location     string
	Head         officer.Head
	Synced       time.Time
}

type pinWire struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Organization officer.OrganizationID
	Location     string
	Length       uint64
	Hash         officer.Hash
	Synced       uint64
	MAC          []byte
}

const pinParts = 7

func (p pinWire) mac(d *keyring.Device) []byte {
	p.MAC = nil
	return d.MAC("pin", wire.MustMarshal(p))
}

// ReadPin reads the pin of a device that may be locked; only an unlocked
// device can tell whether it was altered.
func ReadPin(l Local) (Pin, error) {
	p, _, err := readPin(l)
	return p, err
}

func readPin(l Local) (Pin, pinWire, error) {
	var w pinWire
	b, err := l.Load(pinFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Pin{}, w, ErrNoOrganization
	} else if err != nil {
		return Pin{}, w, err
	}
	if err := wire.CheckVersion(b, "pin", pinParts); err != nil {
		return Pin{}, w, fmt.Errorf("%w: %w", ErrLocal, err) // a wire.VersionError, or damage
	}
	if err := wire.Unmarshal(b, &w, 4*wire.MaxBinding); err != nil {
		return Pin{}, w, fmt.Errorf("pin: %w: %w", ErrLocal, err)
	}
	return Pin{
		Organization: w.Organization, Location: w.Location,
		Head: officer.Head{Length: w.Length, Hash: w.Hash}, Synced: time.Unix(int64(w.Synced), 0).UTC(),
	}, w, nil
}

func loadPin(l Local, d *keyring.Device) (Pin, error) {
	p, w, err := readPin(l)
	if err != nil {
		return Pin{}, err
	}
	if subtle.ConstantTimeCompare(w.mac(d), w.MAC) != 1 {
		return Pin{}, fmt.Errorf("pin: %w", ErrLocal)
	}
	return p, nil
}

func (w *Workspace) savePin(org officer.OrganizationID) error {
	w.pin = Pin{Organization: org, Location: w.store.Info().Location, Head: w.state.Head(), Synced: w.now()}
	// Another command of this device may have seen more meanwhile; what was
	// seen is never forgotten.
	if seen, err := loadPin(w.local, w.me.Keys()); err == nil && seen.Organization == org && seen.Head.Length > w.pin.Head.Length {
		w.pin.Head = seen.Head
	}
	p := pinWire{
		Version: wire.Version, Organization: org, Location: w.pin.Location,
		Length: w.pin.Head.Length, Hash: w.pin.Head.Hash, Synced: uint64(max(w.pin.Synced.Unix(), 0)),
	}
	p.MAC = p.mac(w.me.Keys())
	return w.local.Save(pinFile, wire.MustMarshal(p))
}

// saveHead pins the present head and keeps the verified state. The pin is
// written first: a cache that is behind the pin costs a replay, a pin behind
// the cache would forget what was seen.
func (w *Workspace) saveHead() error {
	if err := w.savePin(w.state.Organization()); err != nil {
		return err
	}
	body := w.state.EncodeCache()
	return w.local.Save(cacheFile, append(w.me.Keys().MAC(wire.LabelCache, body), body...))
}

const macSize = 32

func (w *Workspace) loadCache() (*officer.State, error) {
	b, err := w.local.Load(cacheFile)
	if err != nil {
		return nil, err
	}
	if len(b) < macSize || subtle.ConstantTimeCompare(w.me.Keys().MAC(wire.LabelCache, b[macSize:]), b[:macSize]) != 1 {
		return nil, fmt.Errorf("cache: %w", ErrLocal)
	}
	s, err := officer.DecodeCache(b[macSize:])
	if err != nil {
		return nil, err
	}
	if s.Organization() != w.pin.Organization || s.Head().Length > w.pin.Head.Length {
		return nil, fmt.Errorf("cache: %w", ErrLocal)
	}
	return s, nil
}

// readBatch is how many entries are read and verified at a time: enough to
// make the copy of the state that each Apply costs unimportant.
const readBatch = 8192

// Sync reads what is new in the store, verifies it and pins the new head. A
// store that has lost what this device saw, or tells another story, is
// refused and nothing changes.
func (w *Workspace) Sync(ctx context.Context) error {
	state := w.state
	from := uint64(0)
	if state != nil {
		from = state.Head().Length - 1 // the last known entry again: is it still the same?
	}
	pinned := w.pin.Head.Length == 0
	for {
		batch, err := w.store.Read(ctx, from, readBatch)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
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
			batch, from = batch[1:], from+1
		}
		if len(batch) == 0 {
			break
		}
		if state == nil {
			state, err = officer.Replay(w.pin.Organization, batch)
		} else {
			state, err = state.Apply(batch...)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLog, err)
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
	advanced := w.state == nil || state.Head() != w.state.Head() || w.pin.Head != state.Head()
	w.state = state
	if advanced {
		w.keys.relist()
	}
	if advanced || w.rebuilt != nil {
		return w.saveHead()
	}
	return w.savePin(state.Organization()) // a new "last synced"
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

// Entries reads the log up to the pinned head and returns its decoded entries,
// after verifying that they are the ones that were verified.
func (w *Workspace) Entries(ctx context.Context) ([]officer.Entry, error) {
	var out []officer.Entry
	var last officer.Hash
	length := w.state.Head().Length
	for at := uint64(0); at < length; {
		batch, err := w.store.Read(ctx, at, int(min(readBatch, length-at)))
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		if len(batch) == 0 {
			return nil, ErrRollback
		}
		for _, b := range batch {
			e, err := officer.DecodeEntry(b)
			if err != nil {
				return nil, fmt.Errorf("read log: %w", err)
			}
			if e.Sequence != at || e.Previous != last {
				return nil, ErrFork
			}
			last = officer.EntryHash(b)
			out = append(out, e)
			at++
		}
	}
	if last != w.state.Head().Hash {
		return nil, ErrFork
	}
	return out, nil
}
