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

const (
	pinParts = 7
	// maxPin fits the longest path that a store can have, with room.
	maxPin = 16 * wire.MaxBinding
	// maxSynced is the end of the year 9999: later times cannot be printed.
	maxSynced = 253402300799
)

func (p pinWire) mac(d *keyring.Device) []byte {
	p.MAC = nil
	return d.MAC(wire.LabelPin, wire.MustMarshal(p))
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
	if err := wire.Unmarshal(b, &w, maxPin); err != nil {
		return Pin{}, w, fmt.Errorf("pin: %w: %w", ErrLocal, err)
	}
	if w.Synced > maxSynced {
		return Pin{}, w, fmt.Errorf("pin: %w", ErrLocal)
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

func (w *Workspace) savePin(ctx context.Context) error {
	org, head := w.pin.Organization, w.state.Head()
	// Another command of this device may have seen more, or something else,
	// since the pin was read; what was seen is never forgotten.
	seen, err := loadPin(w.local, w.me.Keys())
	switch {
	case errors.Is(err, ErrNoOrganization):
	case err != nil:
		return err
	case seen.Organization != org:
		return ErrPinned
	case seen.Head.Length > head.Length:
		head = seen.Head // Sync holds the store to it
	case seen.Head != w.pin.Head:
		if err := w.leadsTo(ctx, seen.Head, head); err != nil {
			return err
		}
	}
	w.pin = Pin{Organization: org, Location: w.store.Info().Location, Head: head, Synced: w.synced()}
	p := pinWire{
		Version: wire.Version, Organization: org, Location: w.pin.Location,
		Length: w.pin.Head.Length, Hash: w.pin.Head.Hash, Synced: uint64(min(max(w.pin.Synced.Unix(), 0), maxSynced)),
	}
	p.MAC = p.mac(w.me.Keys())
	b := wire.MustMarshal(p)
	if len(b) > maxPin { // it could not be read again
		return fmt.Errorf("pin: the store's location: %w", wire.ErrTooLarge)
	}
	return w.local.Save(pinFile, b)
}

// leadsTo checks that the history of a verified head has an older head in it.
func (w *Workspace) leadsTo(ctx context.Context, older, head officer.Head) error {
	last := older.Hash
	for at := older.Length; at < head.Length; {
		batch, err := w.read(ctx, at, head.Length-at)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return ErrRollback
		}
		for _, b := range batch {
			e, err := officer.DecodeEntry(b)
			if err != nil || e.Previous != last {
				return ErrFork
			}
			last, at = officer.EntryHash(b), at+1
		}
	}
	if last != head.Hash {
		return ErrFork
	}
	return nil
}

// saveHead pins the present head and keeps the verified state. The pin is
// written first: a cache that is behind the pin costs a replay, a pin behind
// the cache would forget what was seen.
func (w *Workspace) saveHead(ctx context.Context) error {
	if err := w.savePin(ctx); err != nil {
		return err
	}
	if w.pin.Head != w.state.Head() {
		return nil // another command has seen more, and this state is not held to it yet
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
	if s.Organization() != w.pin.Organization {
		return nil, fmt.Errorf("cache: %w", ErrLocal)
	}
	// The pin is the older one where two commands wrote at once, or somebody
	// set it back: this device has seen what it has verified.
	if s.Head().Length > w.pin.Head.Length {
		w.pin.Head = s.Head()
	}
	return s, nil
}
