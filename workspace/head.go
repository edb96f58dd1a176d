package workspace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

// LastSeen is a device's signed statement of the head that it has seen
// (spec/last-seen.md).
type LastSeen struct {
	Organization officer.OrganizationID `cbor:"1,keyasint"`
	Device       officer.DeviceID       `cbor:"2,keyasint"`
	Length       uint64                 `cbor:"3,keyasint"` // of the log, at least 1
	Hash         officer.Hash           `cbor:"4,keyasint"` // of its last entry
	Seconds      uint64                 `cbor:"5,keyasint"` // the device's clock, in Unix seconds

	// Raw is the statement as it was signed.
	Raw []byte `cbor:"-"`
}

// Head is what the device has seen.
func (l LastSeen) Head() officer.Head { return officer.Head{Length: l.Length, Hash: l.Hash} }

// Time is when, by the device's clock.
func (l LastSeen) Time() time.Time { return time.Unix(int64(min(l.Seconds, maxSynced)), 0).UTC() }

// lastSeenWire is CBOR[version, body, signature].
type lastSeenWire struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Body      []byte
	Signature []byte
}

const (
	lastSeenParts = 3
	// maxLastSeen fits a statement, which has at most 196 bytes.
	maxLastSeen = 256
	// maxSeenMail bounds how many messages are looked at for one device, whose
	// box has one, and two while it is replaced.
	maxSeenMail = 16
	// seenEvery is how often a client asks for others' statements. It asks for
	// maxSeenAsked of them, other ones each time, and passes over those that
	// are more than maxSeenBack entries behind: to check one, all entries since
	// are read.
	seenEvery    = time.Hour
	maxSeenAsked = 16
	maxSeenBack  = 8192
)

func signLastSeen(d *keyring.Device, org officer.OrganizationID, head officer.Head, now time.Time) []byte {
	body := wire.MustMarshal(LastSeen{
		Organization: org, Device: d.ID(), Length: head.Length, Hash: head.Hash,
		Seconds: uint64(min(max(now.Unix(), 0), maxSynced)),
	})
	return wire.MustMarshal(lastSeenWire{Version: wire.Version, Body: body, Signature: d.Sign(wire.LabelLastSeen, body)})
}

// openLastSeen reads a statement and checks that it is one of the organization,
// signed by a device of its log that was not removed.
func openLastSeen(s *officer.State, b []byte) (LastSeen, error) {
	return readLastSeen(b, s.Organization(), func(id officer.DeviceID) []byte {
		if d := s.Device(id); d != nil && !d.Removed {
			return d.Record.Signing
		}
		return nil
	})
}

func readLastSeen(b []byte, org officer.OrganizationID, key func(officer.DeviceID) []byte) (l LastSeen, err error) {
	var w lastSeenWire
	if err := wire.CheckVersion(b, "last-seen statement", lastSeenParts); err != nil {
		return l, err
	}
	if err := wire.Unmarshal(b, &w, maxLastSeen); err != nil {
		return l, err
	}
	if err := wire.Unmarshal(w.Body, &l, maxLastSeen); err != nil {
		return l, err
	}
	if l.Length == 0 || l.Seconds > maxSynced {
		return l, fmt.Errorf("last-seen statement: %w", wire.ErrMalformed)
	}
	if l.Organization != org {
		return l, officer.ErrOrganization
	}
	signing := key(l.Device)
	if signing == nil {
		return l, officer.ErrAuthor
	}
	if pubkey.Verify(signing, wire.LabelLastSeen, w.Body, w.Signature) != nil {
		return l, officer.ErrSignature
	}
	l.Raw = b
	return l, nil
}

// lastSeenBox is the mailbox in which a device's statement rests.
func lastSeenBox(org officer.OrganizationID, id officer.DeviceID) store.Index {
	return wire.Sum(wire.LabelLastSeenBox, wire.MustMarshal([]any{org, id}))
}

// lastSeen returns the furthest statement of a device that the store gives.
// What is none is passed over: anybody may put messages into a mailbox.
func (w *Workspace) lastSeen(ctx context.Context, s *officer.State, id officer.DeviceID) (best LastSeen) {
	list, err := w.store.ListMail(ctx, lastSeenBox(s.Organization(), id), maxSeenMail)
	if err != nil {
		return best // a store can keep statements back in any case
	}
	for _, m := range list {
		if l, err := openLastSeen(s, m.Data); err == nil && l.Device == id && l.Length > best.Length {
			best = l
		}
	}
	return best
}

// Sighting is the statement of a colleague's device that does not go with the
// log which the store shows here.
type Sighting struct {
	LastSeen
	Member officer.MemberID
	// Fork: the log here has another entry at that place. Otherwise the device
	// has seen more than the store shows.
	Fork bool
}

// SightingError refuses a log because of an officer's statement, or one of this
// very device; it is an ErrFork.
type SightingError struct{ Sighting Sighting }

func (e *SightingError) Error() string {
	return fmt.Sprintf("%v: device %.8s has seen another entry %d", ErrFork, e.Sighting.Device, e.Sighting.Length-1)
}

func (e *SightingError) Unwrap() error { return ErrFork }

// Sightings are the statements of colleagues that do not go with the log, as
// [Workspace.Sync] or [Workspace.CompareHeads] has found them last. Nobody is
// stopped by those of members and guests: any of them could say so to be in the
// way. They are for the person, who compares heads with that colleague.
func (w *Workspace) Sightings() []Sighting { return w.sightings }

// HeadAt is the head that the verified log had when it had so many entries, at
// least one and no more than it has now.
func (w *Workspace) HeadAt(ctx context.Context, length uint64) (h officer.Head, err error) {
	if length == 0 || length > w.state.Head().Length {
		return h, fmt.Errorf("entry %d: %w", length, ErrNoSuch)
	}
	err = w.walk(ctx, w.state.Head(), length-1, func(e officer.Entry, hash officer.Hash) {
		if e.Sequence == length-1 {
			h = officer.Head{Length: length, Hash: hash}
		}
	})
	return h, err
}

// CompareHeads holds the log against colleagues' statements now, also where
// Sync has done so a short time ago.
func (w *Workspace) CompareHeads(ctx context.Context) ([]Sighting, error) {
	w.due = true
	err := w.Sync(ctx)
	return w.sightings, err
}

// compareHeads asks for statements, if it is time. Only that of an officer, who
// is trusted to say what is so, or of this device refuses the log.
func (w *Workspace) compareHeads(ctx context.Context, s *officer.State) error {
	hour := w.now().Unix() / int64(seenEvery/time.Second)
	if !w.due && w.pin.Synced.Unix()/int64(seenEvery/time.Second) == hour {
		return nil
	}
	w.due = false
	head, own := s.Head(), w.me.Keys().ID()
	from := head.Length
	var list []Sighting
	for _, d := range seenAsked(s, own, uint64(hour)) {
		l := w.lastSeen(ctx, s, d.ID)
		if d.ID == own {
			w.announced = l.Head()
		}
		if l.Length == 0 || head.Length > maxSeenBack && l.Length < head.Length-maxSeenBack {
			continue
		}
		list = append(list, Sighting{LastSeen: l, Member: d.Member})
		from = min(from, l.Length-1)
	}
	var hashes []officer.Hash
	if w.walk(ctx, head, from, func(_ officer.Entry, h officer.Hash) { hashes = append(hashes, h) }) != nil {
		return nil //nolint:nilerr // nothing is known by it; what is asked for next, is
	}
	w.sightings = nil
	for _, x := range list {
		if x.Fork = x.Length <= head.Length; x.Fork && hashes[x.Length-1-from] == x.Hash {
			continue
		}
		if x.Fork && (x.Device == own || s.Member(x.Member).Role == officer.RoleOfficer) {
			return &SightingError{x}
		}
		w.sightings = append(w.sightings, x)
	}
	return nil
}

// synced is the time for the pin. While a colleague says otherwise it stays: the
// view is as old as that, and it is asked again before long.
func (w *Workspace) synced() time.Time {
	if len(w.sightings) > 0 && !w.pin.Synced.IsZero() {
		return w.pin.Synced
	}
	return w.now()
}

// seenAsked are the devices whose statements are asked for: this one, and of
// officers and of the others as many as there is room for, by turns.
func seenAsked(s *officer.State, own officer.DeviceID, turn uint64) []*officer.Device {
	var officers, others, asked []*officer.Device
	for _, m := range s.Members() {
		for _, id := range m.Devices {
			switch d := s.Device(id); {
			case d.Removed || d.Record.Kind != officer.DeviceInstallation:
			case id == own:
				asked = append(asked, d)
			case m.Role == officer.RoleOfficer:
				officers = append(officers, d)
			default:
				others = append(others, d)
			}
		}
	}
	asked = append(asked, window(officers, max(maxSeenAsked/2, maxSeenAsked-len(others)), turn)...)
	return append(asked, window(others, maxSeenAsked-len(asked)+1, turn)...)
}

// window takes n of a list, the next ones each turn.
func window(list []*officer.Device, n int, turn uint64) []*officer.Device {
	if len(list) <= n {
		return list
	}
	at := int(turn % uint64(len(list)) * uint64(n) % uint64(len(list)))
	return append(slices.Clone(list[at:]), list[:at]...)[:n]
}

// Announce states to colleagues how far this device has seen the log, if that
// has changed since it last did. A client calls it when it has done what it was
// asked for. An error takes nothing away from that, and may be passed over: the
// next call makes up for it.
func (w *Workspace) Announce(ctx context.Context) error {
	head := w.pin.Head
	if w.Me() == nil || head == w.announced || head != w.state.Head() {
		return nil
	}
	box := lastSeenBox(w.Organization(), w.me.Keys().ID())
	old, err := w.store.ListMail(ctx, box, maxSeenSwept)
	if err != nil {
		return fmt.Errorf("list messages: %w", err)
	}
	statement := signLastSeen(w.me.Keys(), w.Organization(), head, w.now())
	if err := w.store.PutMail(ctx, box, statement); err != nil {
		return fmt.Errorf("put a statement: %w", err)
	}
	w.announced = head
	for _, m := range old {
		if string(m.Data) == string(statement) {
			continue
		}
		if err := w.store.DeleteMail(ctx, box, m.ID); err != nil {
			return fmt.Errorf("delete a message: %w", err)
		}
	}
	return nil
}

// maxSeenSwept bounds how many messages are deleted at a time, what others have
// put there among them.
const maxSeenSwept = 64
