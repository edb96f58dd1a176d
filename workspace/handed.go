package workspace

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// Envelopes are in the store before the entry that allows them. If the entry
// never gets into the log, because somebody removed the recipient first, the
// store went away, or this program died, then somebody may have a key of today
// that nobody was ever granted, and that no removal replaces. So who uploads
// notes at home what was handed out; while the log does not allow it, the next
// change of this device, or TakeBack, replaces the key. spec/model/groups.pml
// shows the need.
//
// handed.cbor is MAC (32), CBOR[version, list, devices]. One that was altered
// neither stops this device nor makes it replace keys: it is set aside, see
// [Workspace.HandedAltered].
const (
	handedFile  = "handed.cbor"
	alteredFile = "handed.altered"
	handedParts = 3 // version, list, devices
	maxHanded   = 1 << 20
)

// handed is a present key of a resource or group, sealed to a recipient.
type handed struct {
	_        struct{} `cbor:",toarray"`
	Resource []byte
	Kind     wire.KeyKind
	Epoch    uint64
	To       envelope.Recipient
}

type handedWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	List    []handed
	Devices []handedDevice
}

// loadHanded reads the notes.
func (w *Workspace) loadHanded(ctx context.Context) (handedWire, error) {
	h, _, err := w.readHanded()
	if !errors.Is(err, ErrLocal) {
		return h, err
	}
	unlock, err := w.local.Lock(ctx, handedFile)
	if err != nil {
		return handedWire{}, err
	}
	defer unlock()
	return w.settleHanded()
}

// readHanded reads the notes as they lie there, with their bytes.
func (w *Workspace) readHanded() (h handedWire, b []byte, err error) {
	b, err = w.local.Load(handedFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return h, nil, nil
	case err != nil:
		return h, nil, err
	}
	h, err = w.parseHanded(b)
	return h, b, err
}

// settleHanded reads the notes, which are locked. What this device did not write is
// put aside, where the first of it stays: somebody may find out from it what was
// noted.
func (w *Workspace) settleHanded() (handedWire, error) {
	h, b, err := w.readHanded()
	if !errors.Is(err, ErrLocal) {
		return h, err
	}
	switch there, err := w.HandedAltered(); {
	case err != nil:
		return handedWire{}, err
	case !there:
		if err := w.local.Save(alteredFile, b); err != nil {
			return handedWire{}, err
		}
	}
	return handedWire{}, w.local.Save(handedFile, nil)
}

// HandedAltered tells whether the notes of what this device has handed out were
// altered at home once, and set aside as handed.altered: what [Workspace.TakeBack]
// would have replaced it may not know. Whoever was told deletes that file.
func (w *Workspace) HandedAltered() (bool, error) {
	b, err := w.local.Load(alteredFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && len(b) > 0, err
}

// parseHanded fails with ErrLocal for what this device did not write, and with a
// wire.VersionError for what a newer program of it did.
func (w *Workspace) parseHanded(b []byte) (h handedWire, err error) {
	if len(b) < macSize || subtle.ConstantTimeCompare(w.me.Keys().MAC(wire.LabelHanded, b[macSize:]), b[:macSize]) != 1 {
		return h, fmt.Errorf("%s: %w", handedFile, ErrLocal)
	}
	b = b[macSize:]
	if err := wire.CheckVersion(b, "keys handed out", handedParts); err != nil {
		if v := (*wire.VersionError)(nil); errors.As(err, &v) {
			return h, err
		}
		return h, fmt.Errorf("%w: %w", ErrLocal, err)
	}
	if err := wire.Unmarshal(b, &h, maxHanded); err != nil {
		return h, fmt.Errorf("%s: %w: %w", handedFile, ErrLocal, err)
	}
	for _, x := range h.List {
		if !x.valid() {
			return h, fmt.Errorf("%s: %w", handedFile, ErrLocal)
		}
	}
	for _, d := range h.Devices {
		if _, err := officer.ParseDeviceRecord(d.Record); err != nil {
			return h, fmt.Errorf("%s: %w: %w", handedFile, ErrLocal, err)
		}
	}
	return h, nil
}

func (h handed) valid() bool {
	to := h.To.Kind == envelope.ToMember && len(h.To.ID) == len(officer.MemberID{}) ||
		h.To.Kind == envelope.ToGroup && len(h.To.ID) == len(officer.GroupID{})
	return to && len(h.Resource) == len(officer.ResourceID{})
}

// updateHanded changes the notes as they are now: another program of this device
// may have noted something since they were read, and none does meanwhile.
func (w *Workspace) updateHanded(ctx context.Context, change func(handedWire) handedWire) error {
	unlock, err := w.local.Lock(ctx, handedFile)
	if err != nil {
		return err
	}
	defer unlock()
	before, err := w.settleHanded()
	if err != nil {
		return err
	}
	h := change(before)
	if slices.EqualFunc(before.List, h.List, handed.equal) && slices.EqualFunc(before.Devices, h.Devices, handedDevice.equal) {
		return nil
	}
	if len(h.List)+len(h.Devices) == 0 {
		return w.local.Save(handedFile, nil)
	}
	h.Version = wire.Version
	body := wire.MustMarshal(h)
	if len(body) > maxHanded || len(h.List) > wire.MaxElements { // it could not be read again
		return fmt.Errorf("%s: %w", handedFile, wire.ErrTooLarge)
	}
	return w.local.Save(handedFile, append(w.me.Keys().MAC(wire.LabelHanded, body), body...))
}

// and is everything that either notes.
func (h handedWire) and(o handedWire) handedWire {
	list, devices := slices.Clone(h.List), slices.Clone(h.Devices)
	for _, x := range o.List {
		if !slices.ContainsFunc(list, x.equal) {
			list = append(list, x)
		}
	}
	for _, d := range o.Devices {
		if !slices.ContainsFunc(devices, d.equal) {
			devices = append(devices, d)
		}
	}
	return handedWire{List: list, Devices: devices}
}

func (h handed) equal(x handed) bool {
	return string(h.Resource) == string(x.Resource) && h.Kind == x.Kind && h.Epoch == x.Epoch &&
		h.To.Kind == x.To.Kind && string(h.To.ID) == string(x.To.ID) && h.To.Key == x.To.Key
}

// noteHanded remembers what a plan is about to hand out of the keys of today.
// Keys that the plan makes are nobody's unless its entry is appended.
func (w *Workspace) noteHanded(ctx context.Context, p *plan.Plan) error {
	note := w.deviceOf(p)
	for _, f := range p.Envelopes {
		e, err := envelope.Parse(f.Envelope)
		if err != nil {
			return err
		}
		c := e.Claims()
		x := handed{Resource: c.Context.Resource, Kind: c.Context.Kind, Epoch: c.Context.Epoch, To: c.Recipient}
		if !x.valid() { // a device's, which gets user keys
			continue
		}
		if w.standing(x) == loose {
			note.List = append(note.List, x)
		}
	}
	// In a home where nothing can be locked another program of this device that
	// saves at the same moment may overwrite it: so it is read back. A restore has no
	// home yet, and what it is given forgets: that does not stop it.
	for range 3 {
		h, err := w.loadHanded(ctx)
		if err != nil {
			return err
		}
		both := h.and(note)
		if len(both.List) == len(h.List) && len(both.Devices) == len(h.Devices) {
			return nil
		}
		if err := w.updateHanded(ctx, note.and); err != nil {
			return err
		}
	}
	return nil
}

// standing is what the log, as it was read last, says of what was handed out.
type standing int

const (
	// ahead: nothing yet. Another program of this device has read more of the log,
	// or a pairing goes on.
	ahead standing = iota
	// loose: somebody has a present key whom the log does not allow it.
	loose
	// settled: the log allows it, or the key is no present one any more.
	settled
)

func (w *Workspace) standing(h handed) standing {
	var to officer.Principal
	if h.To.Kind == envelope.ToMember {
		to = officer.MemberPrincipal(officer.MemberID(h.To.ID))
	} else {
		to = officer.GroupPrincipal(officer.GroupID(h.To.ID))
	}
	var epoch officer.Epoch
	var ended, allowed bool
	if h.Kind == wire.KindGroup {
		g := w.state.Group(officer.GroupID(h.Resource))
		if g == nil {
			return ahead
		}
		m, _ := to.Member()
		epoch, ended, allowed = g.Epoch(), g.Ended(), g.Has(m)
	} else {
		r := w.state.Resource(officer.ResourceID(h.Resource))
		if r == nil {
			return ahead
		}
		epoch, ended, allowed = r.Epoch(), r.Ended, r.Rights(to) != 0
	}
	switch {
	case ended:
		return settled
	case epoch.Number < h.Epoch:
		return ahead
	case epoch.Number > h.Epoch, epoch.Closed, allowed && h.To.Key == w.presentKey(w.state, to):
		return settled
	default:
		return loose
	}
}

// presentKey is the hash of the key to which keys for a principal are sealed
// now; zero if none are.
func (w *Workspace) presentKey(s *officer.State, to officer.Principal) (hash officer.Hash) {
	var err error
	if m, ok := to.Member(); ok {
		_, hash, err = s.SealTo(m, w.now())
	} else if g, ok := to.Group(); ok {
		_, hash, err = s.SealToGroup(g)
	}
	if err != nil {
		return officer.Hash{}
	}
	return hash
}

// which are those of the notes of which something is so.
func (w *Workspace) which(h handedWire, is func(standing) bool) (of handedWire) {
	for _, x := range h.List {
		if is(w.standing(x)) {
			of.List = append(of.List, x)
		}
	}
	for _, d := range h.Devices {
		if is(w.deviceStanding(d)) {
			of.Devices = append(of.Devices, d)
		}
	}
	return of
}

// loose is what of it somebody has now whom the log does not allow it.
func (w *Workspace) loose(h handedWire) handedWire {
	return w.which(h, func(s standing) bool { return s == loose })
}

// open is what of it has to be kept in mind.
func (w *Workspace) open(h handedWire) handedWire {
	return w.which(h, func(s standing) bool { return s != settled })
}
