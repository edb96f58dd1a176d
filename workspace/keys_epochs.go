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
	raw, err := k.try(ctx, refOf(context), officer.Hash{})
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

func (k *keys) userByHash(ctx context.Context, h officer.Hash) (*keyring.UserKey, error) {
	m := k.w.Me()
	for _, u := range m.UserKeys {
		if plan.MemberRecipient(m.ID, u.Public).Key == h {
			return k.user(ctx, u.Generation)
		}
	}
	return nil, envelope.ErrOpen
}

// groupByHash returns the private key of one of a group's epochs.
func (k *keys) groupByHash(ctx context.Context, id officer.GroupID, h officer.Hash) (*envelope.PrivateKey, error) {
	g := k.w.state.Group(id)
	for _, e := range g.Epochs {
		if plan.GroupRecipient(id, e.Public).Key != h {
			continue
		}
		seed, err := k.group(ctx, g, e.Number)
		if err != nil {
			return nil, err
		}
		ref := refOf(seed.Context())
		if private := k.groups[ref]; private != nil && private.Hash() == h {
			return private, nil
		}
		private, err := envelope.NewPrivateKey(seed.Raw())
		if err != nil {
			return nil, err
		}
		if private.Hash() != h { // S-22: whoever opened the epoch published another key
			private.Destroy()
			break
		}
		k.groups[ref] = private
		return private, nil
	}
	return nil, envelope.ErrOpen
}

// group returns the seed of one epoch of a group.
func (k *keys) group(ctx context.Context, g *officer.Group, epoch uint64) (*datakey.Key, error) {
	if err := k.w.requireMe(); err != nil {
		return nil, err
	}
	if !g.Has(k.w.me.Member()) {
		return nil, ErrNotGranted
	}
	return k.epoch(ctx, chain{
		what: "group", id: g.ID[:], kind: wire.KindGroup, epochs: g.Epochs,
		context: func(n uint64) wire.KeyContext { return g.Context(k.w.Organization(), n) },
	}, epoch)
}

// resource returns the key of one epoch of a resource, which is granted to the
// caller or to a group that the caller is in.
func (k *keys) resource(ctx context.Context, r *officer.Resource, epoch uint64) (*datakey.Key, error) {
	if err := k.w.requireMe(); err != nil {
		return nil, err
	}
	me := k.w.me.Member()
	if !k.w.state.Rights(me, r).Has(officer.Read) {
		return nil, ErrNotGranted
	}
	c := chain{
		what: "resource", id: r.ID[:], kind: r.Kind, epochs: r.Epochs,
		context: func(n uint64) wire.KeyContext { return r.Context(k.w.Organization(), n) },
	}
	for _, grant := range r.Grants {
		if id, ok := grant.Principal.Group(); ok {
			if g := k.w.state.Group(id); g != nil && g.Has(me) {
				c.groups = append(c.groups, id)
			}
		}
	}
	return k.epoch(ctx, c, epoch)
}

// chain is a key by its epochs, each of which leads to an earlier one.
type chain struct {
	what    string
	id      []byte
	kind    wire.KeyKind
	epochs  []officer.Epoch
	context func(uint64) wire.KeyContext
	groups  []officer.GroupID // to which envelopes that the caller may open are sealed
}

func (c chain) ref(n uint64) keyRef { return keyRef{string(c.id), c.kind, n} }

// epoch returns the key of one epoch: from an envelope, or through the history
// of a later one.
func (k *keys) epoch(ctx context.Context, c chain, epoch uint64) (*datakey.Key, error) {
	present := uint64(len(c.epochs))
	if epoch == 0 || epoch > present {
		return nil, officer.ErrEpoch
	}
	// Look for the lowest epoch from here on that opens by an envelope; a
	// grant comes with one for the epoch of its time, and history leads back.
	var broken error
	for e := epoch; e <= present; e++ {
		if none, ok := k.none[c.ref(0)]; ok && e >= none {
			break
		}
		found, err := k.direct(ctx, c, e)
		switch {
		case err == nil:
			if found, err = k.back(c, found, epoch); err == nil {
				return found, nil
			} else if broken == nil {
				broken = err // a later epoch's history may lead past it
			}
		case !errors.Is(err, ErrKeyMissing):
			return nil, err
		}
	}
	if broken != nil {
		return nil, broken
	}
	if none, ok := k.none[c.ref(0)]; !ok || epoch < none {
		k.none[c.ref(0)] = epoch
	}
	return nil, fmt.Errorf("%s %x, epoch %d: %w", c.what, c.id, epoch, ErrKeyMissing)
}

// back follows the history from a key to the one of an earlier epoch. Every link
// is checked against its commitment (attack 61).
func (k *keys) back(c chain, found *datakey.Key, epoch uint64) (*datakey.Key, error) {
	for found.Context().Epoch > epoch {
		cur := c.epochs[found.Context().Epoch-1]
		n := cur.From
		if n < epoch { // left out: who opened the next epoch did not hold it
			return nil, fmt.Errorf("%s %x, epoch %d: %w: %w", c.what, c.id, epoch, ErrKeyMissing, ErrPassed)
		}
		context := c.context(n)
		prev, err := found.OpenPrevious(cur.Previous, context, c.epochs[n-1].Commitment)
		if err != nil {
			return nil, fmt.Errorf("%s %x, epoch %d: %w: %w", c.what, c.id, n, ErrHistory, err)
		}
		k.open[refOf(context)] = prev
		found = prev
	}
	return found, nil
}

// direct opens an epoch by an envelope: to the caller, or to one of the groups.
func (k *keys) direct(ctx context.Context, c chain, epoch uint64) (*datakey.Key, error) {
	ref, commitment := c.ref(epoch), c.epochs[epoch-1].Commitment
	for i := -1; i < len(c.groups); i++ {
		if key := k.open[ref]; key != nil && key.Commitment() == commitment {
			return key, nil
		}
		index := k.mine
		if i >= 0 {
			index = envelope.Recipient{Kind: envelope.ToGroup, ID: c.groups[i][:]}.Index()
		}
		if err := k.fetch(ctx, index); err != nil {
			return nil, err
		}
		if key := k.open[ref]; key != nil && key.Commitment() == commitment {
			return key, nil // tried while it was listed
		}
		if key, err := k.try(ctx, ref, officer.Hash{}); !errors.Is(err, ErrKeyMissing) {
			return key, err
		}
	}
	return nil, ErrKeyMissing
}
