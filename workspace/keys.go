package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// keyRef names one epoch of one key: a resource's, a group's or a user key.
type keyRef struct {
	resource string // raw id
	kind     wire.KeyKind
	epoch    uint64
}

func refOf(c wire.KeyContext) keyRef { return keyRef{string(c.Resource), c.Kind, c.Epoch} }

// keys finds and opens the caller's keys. Envelopes are listed once and
// decapsulated when they are needed; every key is checked against the log.
type keys struct {
	w      *Workspace
	mine   officer.Hash // where envelopes to the caller's member are filed
	device officer.Hash // where those to this device are

	cursors  map[officer.Hash]string
	listed   map[officer.Hash]bool // read to the end since the log was read
	unopened map[keyRef][]*envelope.Envelope
	open     map[keyRef]*datakey.Key
	users    map[uint64]*keyring.UserKey
	groups   map[keyRef]*envelope.PrivateKey // of seeds that are open
	// none is, by resource or group (epoch 0), the epoch from which on no
	// envelope opens: looked for once, or a field of many epochs would be looked
	// through for each.
	none map[keyRef]uint64
}

func newKeys(w *Workspace) *keys {
	id := w.me.Member()
	k := &keys{
		w:      w,
		mine:   envelope.Recipient{Kind: envelope.ToMember, ID: id[:]}.Index(),
		device: plan.DeviceRecipient(w.me.Keys().Record()).Index(),
		open:   map[keyRef]*datakey.Key{},
		users:  map[uint64]*keyring.UserKey{},
		groups: map[keyRef]*envelope.PrivateKey{},
	}
	if first := w.me.FirstUserKey(); first != nil {
		k.users[1] = first
	}
	k.relist()
	return k
}

// relist makes the next look read the envelopes from the beginning: one that
// the log did not allow yet when it was listed may be allowed now.
func (k *keys) relist() {
	k.cursors = map[officer.Hash]string{}
	k.unopened = map[keyRef][]*envelope.Envelope{}
	k.look()
}

// look makes the next look go on where the last one ended.
func (k *keys) look() {
	k.listed = map[officer.Hash]bool{}
	k.none = map[keyRef]uint64{}
}

const (
	// listPage is how many envelopes are read at a time.
	listPage = 256
	// maxListed bounds how many envelopes are looked at for one recipient: a
	// hostile store may go on for ever. Those that matter to a long-lived
	// member are a thousandth of it.
	maxListed = 1 << 20
	// maxCandidates is how many envelopes for one key to one recipient are kept
	// unopened. Each honest sender files one, so more mean a flood: they are
	// tried, and what is worthless makes room.
	maxCandidates = 8
)

// fetch lists what is new under one index.
func (k *keys) fetch(ctx context.Context, index officer.Hash) error {
	for n := 0; !k.listed[index]; {
		list, next, err := k.w.store.ListEnvelopes(ctx, index, k.cursors[index], listPage)
		if err != nil {
			return fmt.Errorf("list envelopes: %w", err)
		}
		for _, b := range list {
			if err := k.file(ctx, index, b); err != nil {
				return err
			}
		}
		n += len(list)
		k.listed[index] = len(list) == 0 || next == k.cursors[index] || n >= maxListed
		k.cursors[index] = next
	}
	return nil
}

// file keeps an envelope if the log lets the caller accept what it claims. A
// store may hold anything; what it says is not an error.
func (k *keys) file(ctx context.Context, index officer.Hash, b []byte) error {
	e, err := envelope.Parse(b)
	if err != nil {
		return nil //nolint:nilerr // not ours to judge
	}
	want, err := k.expected(e.Claims())
	if err != nil || want.Recipient.Index() != index || !bytes.Equal(want.Encode(), e.Claims().Encode()) {
		return nil //nolint:nilerr // as above
	}
	ref, to := refOf(want.Context), want.Recipient.Key
	// Only those to the same recipient: to try others may list other indexes,
	// and this one is being listed.
	if k.candidates(ref, to) >= maxCandidates {
		if _, err := k.try(ctx, ref, to); err != nil && !errors.Is(err, ErrKeyMissing) {
			return err
		}
	}
	if key := k.open[ref]; key != nil && key.Commitment() == want.Commitment {
		return nil
	}
	if k.candidates(ref, to) < maxCandidates {
		k.unopened[ref] = append(k.unopened[ref], e)
	}
	return nil
}

func (k *keys) candidates(ref keyRef, to officer.Hash) (n int) {
	for _, e := range k.unopened[ref] {
		if e.Claims().Recipient.Key == to {
			n++
		}
	}
	return n
}

// expected is the whole context that the verified log gives for an envelope
// of these claims, of which it believes who sent it alone (spec/log.md,
// "Accepting envelopes"); an error if the log lets the caller accept none.
func (k *keys) expected(c envelope.Info) (envelope.Info, error) {
	s, me := k.w.state, k.w.Me()
	if me == nil {
		return envelope.Info{}, ErrNotMember
	}
	switch c.Context.Kind {
	case wire.KindField, wire.KindFolder, wire.KindDirectory:
		return k.expectedResource(c, me.ID)
	case wire.KindGroup:
		if len(c.Context.Resource) != len(officer.GroupID{}) {
			return envelope.Info{}, officer.ErrUnknown
		}
		id := officer.GroupID(c.Context.Resource)
		if err := s.MayHoldGroup(id, c.Context.Epoch, me.ID, c.Recipient.Key, c.Sender); err != nil {
			return envelope.Info{}, err
		}
		g := s.Group(id)
		e, _ := g.EpochNumber(c.Context.Epoch)
		return envelope.Info{
			Context: g.Context(s.Organization(), e.Number), Commitment: e.Commitment,
			Recipient: envelope.Recipient{Kind: envelope.ToMember, ID: me.ID[:], Key: c.Recipient.Key}, Sender: c.Sender,
		}, nil
	case wire.KindUser:
		n := c.Context.Epoch
		if err := s.MayHoldUserKey(me.ID, n, k.w.me.Keys().ID(), c.Sender); err != nil {
			return envelope.Info{}, err
		}
		return envelope.Info{
			Context: officer.UserKeyContext(s.Organization(), me.ID, n), Commitment: me.UserKeys[n-1].Commitment,
			Recipient: plan.DeviceRecipient(k.w.me.Keys().Record()), Sender: c.Sender,
		}, nil
	default:
		return envelope.Info{}, officer.ErrUnknown
	}
}

// expectedResource is expected for a resource's key, to the caller or to a group
// that the caller is in.
func (k *keys) expectedResource(c envelope.Info, me officer.MemberID) (envelope.Info, error) {
	if len(c.Context.Resource) != len(officer.ResourceID{}) {
		return envelope.Info{}, officer.ErrUnknown
	}
	s, id := k.w.state, officer.ResourceID(c.Context.Resource)
	to := envelope.Recipient{Kind: envelope.ToMember, ID: me[:], Key: c.Recipient.Key}
	var err error
	if c.Recipient.Kind == envelope.ToGroup && len(c.Recipient.ID) == len(officer.GroupID{}) {
		to.Kind, to.ID = envelope.ToGroup, c.Recipient.ID
		err = s.MayHoldThrough(officer.GroupID(to.ID), id, c.Context.Epoch, me, to.Key, c.Sender)
	} else {
		err = s.MayHold(id, c.Context.Epoch, me, to.Key, c.Sender)
	}
	if err != nil {
		return envelope.Info{}, err
	}
	r := s.Resource(id)
	e, _ := r.EpochNumber(c.Context.Epoch)
	return envelope.Info{Context: r.Context(s.Organization(), e.Number), Commitment: e.Commitment, Recipient: to, Sender: c.Sender}, nil
}

// try opens one of the envelopes that are kept for a key; to, unless it is zero,
// names the recipient's key. The worthless ones are dropped; what cannot be
// tried now is kept.
func (k *keys) try(ctx context.Context, ref keyRef, to officer.Hash) (*datakey.Key, error) {
	list := k.unopened[ref]
	delete(k.unopened, ref)
	for i, e := range list {
		if to != (officer.Hash{}) && e.Claims().Recipient.Key != to {
			k.unopened[ref] = append(k.unopened[ref], e)
			continue
		}
		key, err := k.openEnvelope(ctx, e)
		switch {
		case err == nil:
			k.open[ref] = key
			return key, nil
		case errors.Is(err, envelope.ErrOpen):
		case keyWithheld(err): // the key that it is sealed to
			k.unopened[ref] = append(k.unopened[ref], e)
		default:
			k.unopened[ref] = append(k.unopened[ref], list[i:]...)
			return nil, err
		}
	}
	return nil, ErrKeyMissing
}

func (k *keys) openEnvelope(ctx context.Context, e *envelope.Envelope) (*datakey.Key, error) {
	want, err := k.expected(e.Claims())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", envelope.ErrOpen, err)
	}
	sender, ok := k.w.state.SigningKey(want.Sender)
	if !ok {
		return nil, envelope.ErrOpen
	}
	to := k.w.me.Keys().Encryption()
	switch want.Recipient.Kind {
	case envelope.ToMember:
		user, err := k.userByHash(ctx, want.Recipient.Key)
		if err != nil {
			return nil, err
		}
		to = user.Private
	case envelope.ToGroup:
		if to, err = k.groupByHash(ctx, officer.GroupID(want.Recipient.ID), want.Recipient.Key); err != nil {
			return nil, err
		}
	case envelope.ToDevice:
	}
	return e.Open(to, sender, want)
}

// hold remembers a key that the caller has just made, if the log has it: a
// plan that was given up for another made keys that nobody knows.
func (k *keys) hold(key *datakey.Key) {
	if key == nil {
		return
	}
	c := key.Context()
	var e officer.Epoch
	if r := k.w.state.Resource(officer.ResourceID(c.Resource)); r != nil {
		e, _ = r.EpochNumber(c.Epoch)
	} else if g := k.w.state.Group(officer.GroupID(c.Resource)); g != nil {
		e, _ = g.EpochNumber(c.Epoch)
	}
	if e.Commitment == key.Commitment() {
		k.open[refOf(c)] = key
		k.look()
	}
}

// destroy clears every key that was opened. The first user key belongs to the
// identity.
func (k *keys) destroy() {
	for _, key := range k.open {
		key.Destroy()
	}
	for _, private := range k.groups {
		private.Destroy()
	}
	for _, u := range k.users {
		if u != k.w.me.FirstUserKey() {
			u.Destroy()
		}
	}
	*k = *newKeys(k.w)
}
