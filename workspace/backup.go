package workspace

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// WrittenDown is a backup as it was read back; *kit.Copy of keyring/kit is one.
type WrittenDown interface {
	// Find returns the device that the backup opens among the records of the
	// verified log of an organization; the caller destroys it.
	Find(org officer.OrganizationID, records iter.Seq[officer.DeviceRecord]) (*keyring.Device, error)
}

// BackupInfo is a backup of the caller's.
type BackupInfo struct {
	DeviceInfo
	// Rehearsed is when it was last read back and opened the user key, with
	// this device; zero for never. Only a backup that was rehearsed counts.
	Rehearsed time.Time
}

// Counts tells whether somebody could rely on it.
func (b BackupInfo) Counts() bool { return !b.Removed && !b.Rehearsed.IsZero() }

// Backups lists the caller's backups, the removed ones among them.
func (w *Workspace) Backups(ctx context.Context) ([]BackupInfo, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	seen, err := w.rehearsals()
	if err != nil {
		return nil, err
	}
	devices, err := w.Devices(ctx, w.me.Member())
	if err != nil {
		return nil, err
	}
	list := []BackupInfo{}
	for _, d := range devices {
		if d.Backup() {
			list = append(list, BackupInfo{DeviceInfo: d, Rehearsed: seen[d.ID]})
		}
	}
	return list, nil
}

// BackedUp tells whether the caller has a backup that counts; a program says so
// until there is one.
func (w *Workspace) BackedUp() (bool, error) {
	if err := w.requireMe(); err != nil {
		return false, err
	}
	seen, err := w.rehearsals()
	if err != nil {
		return false, err
	}
	for _, id := range w.Me().Devices {
		if d := w.state.Device(id); !d.Removed && d.Record.Kind != officer.DeviceInstallation && !seen[id].IsZero() {
			return true, nil
		}
	}
	return false, nil
}

// Rehearse proves that a backup which was read back restores the caller: it
// opens one of their devices, which was not removed, and with it the present
// user key from the store. This device remembers it.
func (w *Workspace) Rehearse(ctx context.Context, b WrittenDown) (BackupInfo, error) {
	if err := w.requireMe(); err != nil {
		return BackupInfo{}, err
	}
	d, err := findBackup(w.state, w.Me().Devices, b)
	if err != nil {
		return BackupInfo{}, err
	}
	// As the restore will do it, from this very store.
	as := &Workspace{store: w.store, local: discard{}, now: w.now, state: w.state, me: keyring.Written(d, w.me.Card())}
	as.keys = newKeys(as)
	_, err = as.keys.user(ctx, w.Me().UserKey().Generation)
	as.Close()
	as.me.Lock()
	if err != nil {
		return BackupInfo{}, err
	}
	if err := w.saveRehearsal(d.ID(), w.now()); err != nil {
		return BackupInfo{}, err
	}
	list, err := w.Backups(ctx)
	if err != nil {
		return BackupInfo{}, err
	}
	for _, b := range list {
		if b.ID == d.ID() {
			return b, nil
		}
	}
	return BackupInfo{}, fmt.Errorf("backup: %w", ErrNoSuch)
}

// findBackup returns the device that a backup opens among some; the caller
// destroys it.
func findBackup(s *officer.State, among []officer.DeviceID, b WrittenDown) (*keyring.Device, error) {
	d, err := b.Find(s.Organization(), func(yield func(officer.DeviceRecord) bool) {
		for _, id := range among {
			if !yield(s.Device(id).Record) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if known := s.Device(d.ID()); known == nil || known.Removed {
		d.Destroy()
		return nil, fmt.Errorf("backup: %w", ErrDeviceRemoved)
	}
	return d, nil
}

// rehearsedFile says which backups were rehearsed here, and when.
const rehearsedFile = "backups.rehearsed"

// rehearsedWire is CBOR[version, list, MAC].
type rehearsedWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	List    []rehearsal
	MAC     []byte
}

type rehearsal struct {
	_      struct{} `cbor:",toarray"`
	Device officer.DeviceID
	Time   uint64 // unix seconds
}

const (
	rehearsedParts = 3
	// maxRehearsals bounds the file: somebody makes a backup now and then. The
	// oldest rehearsals are forgotten.
	maxRehearsals = 256
	maxRehearsed  = maxRehearsals*64 + 64
)

func (r rehearsedWire) mac(d *keyring.Device) []byte {
	r.MAC = nil
	return d.MAC(wire.LabelRehearse, wire.MustMarshal(r))
}

func readRehearsals(l Local) (r rehearsedWire, err error) {
	b, err := l.Load(rehearsedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	} else if err != nil {
		return r, err
	}
	if err := wire.CheckVersion(b, "list of rehearsals", rehearsedParts); err != nil {
		return r, fmt.Errorf("%s: %w: %w", rehearsedFile, ErrLocal, err)
	}
	if err := wire.Unmarshal(b, &r, maxRehearsed); err != nil {
		return r, fmt.Errorf("%s: %w: %w", rehearsedFile, ErrLocal, err)
	}
	return r, nil
}

// ReadBackedUp tells what a device that may be locked remembers of rehearsals.
// Only an unlocked one can tell whether that was altered and whether the backup
// is still one.
func ReadBackedUp(l Local) bool {
	r, err := readRehearsals(l)
	return err == nil && len(r.List) > 0
}

// rehearsals is what this device remembers. An altered list counts for nothing:
// then the person rehearses again.
func (w *Workspace) rehearsals() (map[officer.DeviceID]time.Time, error) {
	r, err := readRehearsals(w.local)
	var newer *wire.VersionError
	if errors.As(err, &newer) || err != nil && !errors.Is(err, ErrLocal) {
		return nil, err
	}
	seen := map[officer.DeviceID]time.Time{}
	if err != nil || subtle.ConstantTimeCompare(r.mac(w.me.Keys()), r.MAC) != 1 {
		return seen, nil //nolint:nilerr // as the comment above says
	}
	for _, x := range r.List {
		seen[x.Device] = time.Unix(int64(min(x.Time, maxSynced)), 0).UTC()
	}
	return seen, nil
}

func (w *Workspace) saveRehearsal(id officer.DeviceID, at time.Time) error {
	if _, err := w.rehearsals(); err != nil {
		return err // a newer program's
	}
	r := rehearsedWire{Version: wire.Version}
	old, err := readRehearsals(w.local)
	if err == nil && subtle.ConstantTimeCompare(old.mac(w.me.Keys()), old.MAC) == 1 {
		for _, x := range old.List {
			if x.Device != id {
				r.List = append(r.List, x)
			}
		}
	}
	r.List = append(r.List, rehearsal{Device: id, Time: uint64(min(max(at.Unix(), 1), maxSynced))})
	r.List = r.List[max(0, len(r.List)-maxRehearsals):]
	r.MAC = r.mac(w.me.Keys())
	return w.local.Save(rehearsedFile, wire.MustMarshal(r))
}
