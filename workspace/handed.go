package workspace

import (
	"context"
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
// notes at home what was handed out; when a later entry shows that the log does
// not allow it, the key is replaced. spec/model/groups.pml shows the need.
const (
	handedFile  = "handed.cbor"
	handedParts = 2 // version, list
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
}

func (w *Workspace) loadHanded() ([]handed, error) {
	b, err := w.local.Load(handedFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := wire.CheckVersion(b, "keys handed out", handedParts); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLocal, err)
	}
	var h handedWire
	if err := wire.Unmarshal(b, &h, maxHanded); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", handedFile, ErrLocal, err)
	}
	for _, x := range h.List {
		if !x.valid() {
			return nil, fmt.Errorf("%s: %w", handedFile, ErrLocal)
		}
	}
	return h.List, nil
}

func (h handed) valid() bool {
	to := h.To.Kind == envelope.ToMember && len(h.To.ID) == len(officer.MemberID{}) ||
		h.To.Kind == envelope.ToGroup && len(h.To.ID) == len(officer.GroupID{})
	return to && len(h.Resource) == len(officer.ResourceID{})
}

// saveHanded keeps a list, if it is another than before.
func (w *Workspace) saveHanded(before, list []handed) error {
	if slices.EqualFunc(before, list, handed.equal) {
		return nil
	}
	if len(list) == 0 {
		return w.local.Save(handedFile, nil)
	}
	return w.local.Save(handedFile, wire.MustMarshal(handedWire{Version: wire.Version, List: list}))
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
	list := slices.Clone(before)
	for _, f := range p.Envelopes {
		e, err := envelope.Parse(f.Envelope)
		if err != nil {
			return err
		}
		c := e.Claims()
		h := handed{Resource: c.Context.Resource, Kind: c.Context.Kind, Epoch: c.Context.Epoch, To: c.Recipient}
		if !h.valid() { // a device's, which gets user keys
			continue
		}
		if present, allowed := h.in(w.state, w); present && !allowed && !slices.ContainsFunc(list, h.equal) {
			list = append(list, h)
		}
	}
	return w.saveHanded(before, list)
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

// takeBack replaces the keys that were handed out to somebody to whom the log
// does not allow them. What it cannot do now, the next change does: the change
// that it follows is done.
func (w *Workspace) takeBack(ctx context.Context) {
	if w.takingBack {
		return
	}
	w.takingBack = true
	defer func() { w.takingBack = false }()
	before, err := w.loadHanded()
	if err != nil || len(before) == 0 {
		return
	}
	loose := w.loose(before)
	var groups []officer.GroupID
	for _, h := range loose {
		if h.Kind != wire.KindGroup {
			continue
		}
		// Whoever has a group's seed has what the group reads.
		g := w.state.Group(officer.GroupID(h.Resource))
		groups = append(groups, g.ID)
		to := plan.GroupRecipient(g.ID, g.Epoch().Public)
		for _, r := range w.state.Resources() {
			if x := (handed{Resource: r.ID[:], Kind: r.Kind, Epoch: r.Epoch().Number, To: to}); r.Rights(officer.GroupPrincipal(g.ID)) != 0 && !slices.ContainsFunc(loose, x.equal) {
				loose = append(loose, x)
			}
		}
	}
	if w.saveHanded(before, loose) != nil {
		return
	}
	for _, id := range groups {
		if w.rotateGroup(ctx, id, false) != nil {
			return
		}
	}
	for _, h := range loose {
		if h.Kind == wire.KindGroup || len(w.loose([]handed{h})) == 0 { // replaced for another
			continue
		}
		if w.rotate(ctx, officer.ResourceID(h.Resource), false) != nil {
			return
		}
	}
	_ = w.saveHanded(loose, w.loose(loose)) // kept, it is looked at again
}

// loose are the keys of today that somebody has whom the log does not allow it.
func (w *Workspace) loose(list []handed) (loose []handed) {
	for _, h := range list {
		if present, allowed := h.in(w.state, w); present && !allowed {
			loose = append(loose, h)
		}
	}
	return loose
}
