package workspace

import (
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
const (
	handedFile  = "handed.cbor"
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

func (w *Workspace) loadHanded() (h handedWire, err error) {
	b, err := w.local.Load(handedFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return h, nil
	case err != nil:
		return h, err
	}
	if err := wire.CheckVersion(b, "keys handed out", handedParts); err != nil {
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

// saveHanded keeps what was handed out, if it is another than before.
func (w *Workspace) saveHanded(before, h handedWire) error {
	if slices.EqualFunc(before.List, h.List, handed.equal) && slices.EqualFunc(before.Devices, h.Devices, handedDevice.equal) {
		return nil
	}
	if len(h.List)+len(h.Devices) == 0 {
		return w.local.Save(handedFile, nil)
	}
	h.Version = wire.Version
	return w.local.Save(handedFile, wire.MustMarshal(h))
}

func (h handed) equal(x handed) bool {
	return string(h.Resource) == string(x.Resource) && h.Kind == x.Kind && h.Epoch == x.Epoch &&
		h.To.Kind == x.To.Kind && string(h.To.ID) == string(x.To.ID) && h.To.Key == x.To.Key
}

// noteHanded remembers what a plan is about to hand out of the keys of today.
// Keys that the plan makes are nobody's unless its entry is appended.
func (w *Workspace) noteHanded(p *plan.Plan) error {
	before, err := w.loadHanded()
	if err != nil {
		return err
	}
	h := w.noteDevice(before, p)
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
		if w.isLoose(x) && !slices.ContainsFunc(h.List, x.equal) {
			h.List = append(slices.Clip(h.List), x)
		}
	}
	return w.saveHanded(before, h)
}

// in tells whether a key is the present one of a state, and open; and whether
// the state's log allows the recipient to have it.
func (h handed) in(s *officer.State, w *Workspace) (present, allowed bool) {
	var to officer.Principal
	if h.To.Kind == envelope.ToMember {
		to = officer.MemberPrincipal(officer.MemberID(h.To.ID))
	} else {
		to = officer.GroupPrincipal(officer.GroupID(h.To.ID))
	}
	if h.Kind == wire.KindGroup {
		g := s.Group(officer.GroupID(h.Resource))
		if g == nil || g.Ended() || g.Epoch().Number != h.Epoch || g.Epoch().Closed {
			return false, false
		}
		m, _ := to.Member()
		return true, g.Has(m) && h.To.Key == w.presentKey(s, to)
	}
	r := s.Resource(officer.ResourceID(h.Resource))
	if r == nil || r.Ended || r.Epoch().Number != h.Epoch || r.Epoch().Closed {
		return false, false
	}
	return true, r.Rights(to) != 0 && h.To.Key == w.presentKey(s, to)
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

// loose is what of it somebody has now whom the log does not allow it.
func (w *Workspace) loose(h handedWire) (loose handedWire) {
	for _, x := range h.List {
		if w.isLoose(x) {
			loose.List = append(loose.List, x)
		}
	}
	for _, d := range h.Devices {
		if w.isLooseDevice(d) {
			loose.Devices = append(loose.Devices, d)
		}
	}
	return loose
}

func (w *Workspace) isLoose(h handed) bool {
	present, allowed := h.in(w.state, w)
	return present && !allowed
}
