package workspace

import (
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

// keys finds and opens the caller's keys. Envelopes are listed once and
// decapsulated when they are needed; every key is checked against the log.
type keys struct {
	w        *Workspace
	cursors  map[officer.Hash]string
	unopened map[keyRef][]*envelope.Envelope
	open     map[keyRef]*datakey.Key
	users    map[uint64]*keyring.UserKey
}

func newKeys(w *Workspace) *keys {
	return &keys{
		w:        w,
		cursors:  map[officer.Hash]string{},
		unopened: map[keyRef][]*envelope.Envelope{},
		open:     map[keyRef]*datakey.Key{},
		users:    map[uint64]*keyring.UserKey{1: w.me.FirstUserKey()},
	}
}

// relist makes the next look read the envelopes from the beginning: one that
// the log did not allow yet when it was listed may be allowed now.
func (k *keys) relist() {
	k.cursors = map[officer.Hash]string{}
	k.unopened = map[keyRef][]*envelope.Envelope{}
}

// listPage is how many envelopes are read at a time.
const listPage = 256

// maxCandidates bounds how many envelopes for one epoch are kept: a hostile
// store may file any number, and each costs a decapsulation to try. Only
// envelopes whose claims the log allows count, and each honest sender files one.
const maxCandidates = 64

// fetch lists what is new for one recipient.
func (k *keys) fetch(ctx context.Context, to envelope.Recipient) error {
	index := to.Index()
	for {
		list, next, err := k.w.store.ListEnvelopes(ctx, index, k.cursors[index], listPage)
		if err != nil {
			return fmt.Errorf("list envelopes: %w", err)
		}
		for _, b := range list {
			e, err := envelope.Parse(b)
			if err != nil {
				continue // not ours to judge: a store may hold anything
			}
			c := e.Claims()
			ref := keyRef{string(c.Context.Resource), c.Context.Kind, c.Context.Epoch}
			if c.Recipient.Index() == index && len(k.unopened[ref]) < maxCandidates && k.allowed(c) == nil {
				k.unopened[ref] = append(k.unopened[ref], e)
			}
		}
		if len(list) == 0 || next == k.cursors[index] {
			return nil
		}
		k.cursors[index] = next
	}
}

// allowed asks the verified log whether an envelope's claims are ones that it
// lets the caller accept.
func (k *keys) allowed(c envelope.Info) error {
	s := k.w.state
	switch c.Context.Kind {
	case wire.KindField, wire.KindFolder, wire.KindDirectory:
		if len(c.Context.Resource) != len(officer.ResourceID{}) || c.Context.Organization != s.Organization() {
			return officer.ErrUnknown
		}
		return s.MayHold(officer.ResourceID(c.Context.Resource), c.Context.Epoch, k.w.me.Member(), c.Recipient.Key, c.Sender)
	case wire.KindUser:
		return nil // judged in user, which knows the generation
	default:
		return officer.ErrUnknown
	}
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
	// A later generation opens this one by its history.
	if int(generation) < len(m.UserKeys) {
		later, err := k.user(ctx, generation+1)
		if err == nil {
			raw, err := later.Key.OpenPrevious(m.UserKeys[generation].Previous, officer.UserKeyContext(k.w.Organization(), m.ID, generation), gen.Commitment)
			if err != nil {
				return nil, fmt.Errorf("user key %d: %w", generation, err)
			}
			return k.keepUser(generation, raw, gen.Public)
		}
	}
	if err := k.fetch(ctx, plan.DeviceRecipient(k.w.me.Keys().Record())); err != nil {
		return nil, err
	}
	want := envelope.Info{
		Context:    officer.UserKeyContext(k.w.Organization(), m.ID, generation),
		Commitment: gen.Commitment,
		Recipient:  plan.DeviceRecipient(k.w.me.Keys().Record()),
	}
	for _, e := range k.unopened[keyRef{string(want.Context.Resource), wire.KindUser, generation}] {
		// Sent by the device that made the generation, or that added this device.
		want.Sender = e.Claims().Sender
		if added := k.w.state.Device(k.w.me.Keys().ID()).AddedBy; want.Sender != gen.Author && want.Sender != added {
			continue
		}
		sender, ok := k.w.state.SigningKey(want.Sender)
		if !ok {
			continue
		}
		if raw, err := e.Open(k.w.me.Keys().Encryption(), sender, want); err == nil {
			return k.keepUser(generation, raw, gen.Public)
		}
	}
	return nil, fmt.Errorf("user key %d: %w", generation, ErrKeyMissing)
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
		var err error
		if found, err = k.direct(ctx, r, e); err != nil && !errors.Is(err, ErrKeyMissing) {
			return nil, err
		}
	}
	if found == nil {
		return nil, fmt.Errorf("resource %s, epoch %d: %w", r.ID, epoch, ErrKeyMissing)
	}
	for found.Context().Epoch > epoch {
		n := found.Context().Epoch
		cur, _ := r.EpochNumber(n)
		older, _ := r.EpochNumber(n - 1)
		prev, err := found.OpenPrevious(cur.Previous, r.Context(k.w.Organization(), n-1), older.Commitment)
		if err != nil {
			return nil, fmt.Errorf("resource %s, epoch %d: history: %w", r.ID, n-1, err)
		}
		k.open[keyRef{string(r.ID[:]), r.Kind, n - 1}] = prev
		found = prev
	}
	return found, nil
}

// direct opens an epoch by an envelope.
func (k *keys) direct(ctx context.Context, r *officer.Resource, epoch uint64) (*datakey.Key, error) {
	ref := keyRef{string(r.ID[:]), r.Kind, epoch}
	if key := k.open[ref]; key != nil {
		return key, nil
	}
	if len(k.unopened[ref]) == 0 {
		me := k.w.Me()
		if err := k.fetch(ctx, plan.MemberRecipient(me.ID, me.UserKey().Public)); err != nil {
			return nil, err
		}
	}
	e, _ := r.EpochNumber(epoch)
	for _, env := range k.unopened[ref] {
		c := env.Claims()
		if k.allowed(c) != nil {
			continue
		}
		user, err := k.userByHash(ctx, c.Recipient.Key)
		if err != nil {
			continue
		}
		sender, ok := k.w.state.SigningKey(c.Sender)
		if !ok {
			continue
		}
		key, err := env.Open(user.Private, sender, envelope.Info{
			Context:    r.Context(k.w.Organization(), epoch),
			Commitment: e.Commitment,
			Recipient:  envelope.Recipient{Kind: envelope.ToMember, ID: c.Recipient.ID, Key: user.Private.Hash()},
			Sender:     c.Sender,
		})
		if err != nil {
			continue
		}
		k.open[ref] = key
		return key, nil
	}
	return nil, ErrKeyMissing
}

func (k *keys) userByHash(ctx context.Context, h officer.Hash) (*keyring.UserKey, error) {
	m := k.w.Me()
	for _, u := range m.UserKeys {
		if plan.MemberRecipient(m.ID, u.Public).Key == h {
			return k.user(ctx, u.Generation)
		}
	}
	return nil, officer.ErrKey
}

// hold remembers a key that the caller has just made.
func (k *keys) hold(key *datakey.Key) {
	c := key.Context()
	k.open[keyRef{string(c.Resource), c.Kind, c.Epoch}] = key
}
