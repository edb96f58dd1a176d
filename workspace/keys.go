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

// keyRef names one epoch of one key: a resource's, or a user key.
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
	// none is, by resource, the epoch from which on no envelope opens: looked
	// for once, or a field of many epochs would be looked through for each.
	none map[officer.ResourceID]uint64
}

func newKeys(w *Workspace) *keys {
	id := w.me.Member()
	k := &keys{
		w:      w,
		mine:   envelope.Recipient{Kind: envelope.ToMember, ID: id[:]}.Index(),
		device: plan.DeviceRecipient(w.me.Keys().Record()).Index(),
		open:   map[keyRef]*datakey.Key{},
		users:  map[uint64]*keyring.UserKey{},
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
	k.none = map[officer.ResourceID]uint64{}
}

const (
	// listPage is how many envelopes are read at a time.
	listPage = 256
	// maxListed bounds how many envelopes are looked at for one recipient: a
	// hostile store may go on for ever. Those that matter to a long-lived
	// member are a thousandth of it.
	maxListed = 1 << 20
	// maxCandidates is how many envelopes for one key are kept unopened. Each
	// honest sender files one, so more mean a flood: they are tried, and what
	// is worthless makes room.
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
	ref := refOf(want.Context)
	if len(k.unopened[ref]) >= maxCandidates {
		if _, err := k.try(ctx, ref); err != nil && !errors.Is(err, ErrKeyMissing) {
			return err
		}
	}
	if key := k.open[ref]; key != nil && key.Commitment() == want.Commitment {
		return nil
	}
	if len(k.unopened[ref]) < maxCandidates {
		k.unopened[ref] = append(k.unopened[ref], e)
	}
	return nil
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
		if len(c.Context.Resource) != len(officer.ResourceID{}) {
			return envelope.Info{}, officer.ErrUnknown
		}
		id := officer.ResourceID(c.Context.Resource)
		if err := s.MayHold(id, c.Context.Epoch, me.ID, c.Recipient.Key, c.Sender); err != nil {
			return envelope.Info{}, err
		}
		r := s.Resource(id)
		e, _ := r.EpochNumber(c.Context.Epoch)
		return envelope.Info{
			Context: r.Context(s.Organization(), e.Number), Commitment: e.Commitment,
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

// try opens one of the envelopes that are kept for a key. The worthless ones
// are dropped; what cannot be tried now is kept.
func (k *keys) try(ctx context.Context, ref keyRef) (*datakey.Key, error) {
	list := k.unopened[ref]
	delete(k.unopened, ref)
	for i, e := range list {
		key, err := k.openEnvelope(ctx, e)
		switch {
		case err == nil:
			k.open[ref] = key
			return key, nil
		case errors.Is(err, envelope.ErrOpen):
		case errors.Is(err, ErrKeyMissing), errors.Is(err, ErrHistory): // the user key that it is sealed to
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
	if want.Recipient.Kind == envelope.ToMember {
		user, err := k.userByHash(ctx, want.Recipient.Key)
		if err != nil {
			return nil, err
		}
		to = user.Private
	}
	return e.Open(to, sender, want)
}

// user returns the caller's user key of a generation.
func (k *keys) user(ctx context.Context, generation uint64) (*keyring.UserKey, error) {
	if u := k.users[generation]; u != nil {
		return u, nil
	}
	m := k.w.Me()
	if m == nil {
		return nil, ErrNotMember
	}
	if generation == 0 || generation > uint64(len(m.UserKeys)) {
		return nil, officer.ErrEpoch
	}
	gen := m.UserKeys[generation-1]
	context := officer.UserKeyContext(k.w.Organization(), m.ID, generation)
	// A later generation opens this one by its history.
	if int(generation) < len(m.UserKeys) {
		later, err := k.user(ctx, generation+1)
		if err == nil {
			raw, err := later.Key.OpenPrevious(m.UserKeys[generation].Previous, context, gen.Commitment)
			if err != nil {
				return nil, fmt.Errorf("user key %d: %w: %w", generation, ErrHistory, err)
			}
			return k.keepUser(generation, raw, gen.Public)
		}
	}
	if err := k.fetch(ctx, k.device); err != nil {
		return nil, err
	}
	raw, err := k.try(ctx, refOf(context))
	if err != nil {
		return nil, fmt.Errorf("user key %d: %w", generation, err)
	}
	return k.keepUser(generation, raw, gen.Public)
}

func (k *keys) keepUser(generation uint64, raw *datakey.Key, public []byte) (*keyring.UserKey, error) {
	u, err := keyring.OpenUserKey(raw, public)
	if err != nil {
		return nil, fmt.Errorf("user key %d: %w", generation, err)
	}
	k.users[generation] = u
	return u, nil
}

// resource returns the key of one epoch of a resource: from an envelope, or
// through the history of a later epoch.
func (k *keys) resource(ctx context.Context, r *officer.Resource, epoch uint64) (*datakey.Key, error) {
	if err := k.w.requireMe(); err != nil {
		return nil, err
	}
	if !r.Rights(officer.MemberPrincipal(k.w.me.Member())).Has(officer.Read) {
		return nil, ErrNotGranted
	}
	if _, ok := r.EpochNumber(epoch); !ok {
		return nil, officer.ErrEpoch
	}
	// Look for the lowest epoch from here on that opens by an envelope; a
	// grant comes with one for the epoch of its time, and history leads back.
	var found *datakey.Key
	for e := epoch; e <= r.Epoch().Number && found == nil; e++ {
		if none, ok := k.none[r.ID]; ok && e >= none {
			break
		}
		var err error
		if found, err = k.direct(ctx, r, e); err != nil && !errors.Is(err, ErrKeyMissing) {
			return nil, err
		}
	}
	if found == nil {
		if none, ok := k.none[r.ID]; !ok || epoch < none {
			k.none[r.ID] = epoch
		}
		return nil, fmt.Errorf("resource %s, epoch %d: %w", r.ID, epoch, ErrKeyMissing)
	}
	for found.Context().Epoch > epoch {
		cur, _ := r.EpochNumber(found.Context().Epoch)
		n := cur.From
		if n < epoch { // left out: who opened the next epoch did not hold it
			return nil, fmt.Errorf("resource %s, epoch %d: %w", r.ID, epoch, ErrKeyMissing)
		}
		older, _ := r.EpochNumber(n)
		context := r.Context(k.w.Organization(), n)
		prev, err := found.OpenPrevious(cur.Previous, context, older.Commitment)
		if err != nil {
			return nil, fmt.Errorf("resource %s, epoch %d: %w: %w", r.ID, n, ErrHistory, err)
		}
		k.open[refOf(context)] = prev
		found = prev
	}
	return found, nil
}

// direct opens an epoch by an envelope.
func (k *keys) direct(ctx context.Context, r *officer.Resource, epoch uint64) (*datakey.Key, error) {
	ref := keyRef{string(r.ID[:]), r.Kind, epoch}
	e, _ := r.EpochNumber(epoch)
	if key := k.open[ref]; key != nil && key.Commitment() == e.Commitment {
		return key, nil
	}
	if err := k.fetch(ctx, k.mine); err != nil {
		return nil, err
	}
	if key := k.open[ref]; key != nil && key.Commitment() == e.Commitment {
		return key, nil // tried while it was listed
	}
	return k.try(ctx, ref)
}

func (k *keys) userByHash(ctx context.Context, h officer.Hash) (*keyring.UserKey, error) {
	m := k.w.Me()
	for _, u := range m.UserKeys {
		if plan.MemberRecipient(m.ID, u.Public).Key == h {
			return k.user(ctx, u.Generation)
		}
	}
	return nil, envelope.ErrOpen
}

// hold remembers a key that the caller has just made, if the log has it: a
// plan that was given up for another made keys that nobody knows.
func (k *keys) hold(key *datakey.Key) {
	if key == nil {
		return
	}
	c := key.Context()
	r := k.w.state.Resource(officer.ResourceID(c.Resource))
	if r == nil {
		return
	}
	if e, ok := r.EpochNumber(c.Epoch); ok && e.Commitment == key.Commitment() {
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
	for _, u := range k.users {
		if u != k.w.me.FirstUserKey() {
			u.Destroy()
		}
	}
	*k = *newKeys(k.w)
}
