package plan

import (
	"errors"

	"github.com/underseal/underseal/officer"
)

// maxMissed bounds the envelopes of one plan of SealMissed, and with them its
// memory: 5 MB. Whoever missed more gets it by the next.
const maxMissed = 4096

// SealMissed seals again what members and groups are granted and missed while
// their own keys were closed, as far as the author reads it, or is in the group,
// and holds the key. Every operation is announced, also where the log lets the
// author send the key already: by that the log tells that it was done. Guests
// seal nothing.
//
// Who shares a resource opens the next epoch of one that is closed instead, see
// [Author.Rotate]. Who does not leaves to others what somebody has announced
// already.
func (a Author) SealMissed(held Held) (*Plan, error) {
	p := &Plan{}
	d := a.State.Device(a.Device.ID())
	if d == nil || a.State.Member(d.Member).Role == officer.RoleGuest {
		return p, nil
	}
	self := officer.MemberPrincipal(d.Member)
	for _, g := range a.State.Groups() {
		manages := g.Manages(d.Member)
		if !g.Has(d.Member) || manages && g.Epoch().Closed {
			continue
		}
		for _, m := range a.State.MissedGroup(g) {
			if !manages && (m == d.Member || g.Helped(m)) {
				continue
			}
			op := &officer.GroupResealed{Group: g.ID, Epoch: g.Epoch().Number, Member: m}
			if err := a.sealMissed(p, op, officer.MemberPrincipal(m), func() (*Key, error) { return held.group(g) }); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range a.State.Resources() {
		rights := a.State.Rights(d.Member, r)
		shares := rights.Has(officer.Share)
		if !rights.Has(officer.Read) || shares && r.Epoch().Closed {
			continue
		}
		for _, to := range a.State.Missed(r) {
			if !shares && (to.Kind == self.Kind && string(to.ID) == string(self.ID) || r.Helped(to)) {
				continue
			}
			op := &officer.KeyResealed{Resource: r.ID, Epoch: r.Epoch().Number, Principal: to}
			if err := a.sealMissed(p, op, to, func() (*Key, error) { return held.resource(r) }); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// sealMissed leaves out whom nothing can be sealed to now, and what the author
// does not hold.
func (a Author) sealMissed(p *Plan, op officer.Operation, to officer.Principal, key func() (*Key, error)) error {
	if len(p.Envelopes) >= maxMissed {
		return nil
	}
	public, _, err := a.publicKey(to)
	if errors.Is(err, officer.ErrClosed) {
		return nil
	} else if err != nil {
		return err
	}
	k, err := key()
	if errors.Is(err, ErrNoKey) {
		return nil
	} else if err != nil {
		return err
	}
	p.Operations = append(p.Operations, op)
	return a.seal(p, k, to, public)
}
