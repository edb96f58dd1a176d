package hostile_test

import (
	"bytes"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
)

// hunter looks for keys without the client's rules: it tries every envelope of
// a store with every private key that it has, every link of every history with
// every key, and every opening, until nothing new comes out. What it finds,
// everybody with the same keys can find.
type hunter struct {
	private map[officer.Hash]*envelope.PrivateKey // by public key
	keys    map[officer.Hash]*datakey.Key         // by commitment
}

// newHunter has what the devices hold, and what somebody found before.
func newHunter(t *testing.T, found *hunter, devices ...*keyring.Unlocked) *hunter {
	t.Helper()
	h := &hunter{private: map[officer.Hash]*envelope.PrivateKey{}, keys: map[officer.Hash]*datakey.Key{}}
	for _, d := range devices {
		h.holdPrivate(d.Keys().Encryption())
		if u := d.FirstUserKey(); u != nil {
			h.hold(t, u.Key)
		}
	}
	if found != nil {
		for _, k := range found.keys {
			h.hold(t, k)
		}
		for _, p := range found.private {
			h.holdPrivate(p)
		}
	}
	return h
}

func (h *hunter) holdPrivate(p *envelope.PrivateKey) {
	h.private[envelope.PublicKeyHash(p.Public())] = p
}

// hold adds a key, and the private key that it is the seed of, if it is one.
func (h *hunter) hold(t *testing.T, k *datakey.Key) (isNew bool) {
	t.Helper()
	if h.keys[k.Commitment()] != nil {
		return false
	}
	h.keys[k.Commitment()] = k
	if kind := k.Context().Kind; kind == wire.KindUser || kind == wire.KindGroup || kind == wire.KindFolder {
		p, err := envelope.NewPrivateKey(k.Raw())
		must(t, err)
		h.holdPrivate(p)
	}
	return true
}

// everyEnvelope lists what a store has for anybody that a log names.
func everyEnvelope(t *testing.T, st store.Store, s *officer.State) (list []*envelope.Envelope) {
	t.Helper()
	var indexes []officer.Hash
	for _, m := range s.Members() {
		indexes = append(indexes, envelope.Recipient{Kind: envelope.ToMember, ID: m.ID[:]}.Index())
		for _, id := range m.Devices {
			indexes = append(indexes, plan.DeviceRecipient(s.Device(id).Record).Index())
		}
	}
	for _, g := range s.Groups() {
		indexes = append(indexes, envelope.Recipient{Kind: envelope.ToGroup, ID: g.ID[:]}.Index())
	}
	for _, index := range indexes {
		for cursor := ""; ; {
			page, next, err := st.ListEnvelopes(t.Context(), index, cursor, 256)
			must(t, err)
			for _, b := range page {
				e, err := envelope.Parse(b)
				must(t, err)
				list = append(list, e)
			}
			if len(page) == 0 || next == cursor {
				break
			}
			cursor = next
		}
	}
	return list
}

// link is one step of a history, from a newer key to an older one.
type link struct {
	sealed     []byte
	context    wire.KeyContext
	commitment officer.Hash
}

func everyLink(s *officer.State) (list []link) {
	epochs := func(all []officer.Epoch, context func(officer.OrganizationID, uint64) wire.KeyContext) {
		for _, e := range all {
			if len(e.Previous) > 0 {
				list = append(list, link{e.Previous, context(s.Organization(), e.From), all[e.From-1].Commitment})
			}
		}
	}
	for _, r := range s.Resources() {
		epochs(r.Epochs, r.Context)
	}
	for _, g := range s.Groups() {
		epochs(g.Epochs, g.Context)
	}
	for _, m := range s.Members() {
		for i, u := range m.UserKeys {
			if i > 0 {
				list = append(list, link{u.Previous, officer.UserKeyContext(s.Organization(), m.ID, u.Generation-1), m.UserKeys[i-1].Commitment})
			}
		}
	}
	return list
}

// hunt finds all that is to be found in a store.
func (h *hunter) hunt(t *testing.T, st store.Store, s *officer.State) {
	t.Helper()
	envelopes, links := everyEnvelope(t, st, s), everyLink(s)
	if len(envelopes) == 0 {
		t.Fatal("an empty store")
	}
	for again := true; again; {
		again = false
		for _, e := range envelopes {
			c := e.Claims()
			sender, ok := s.SigningKey(c.Sender)
			if !ok || h.keys[c.Commitment] != nil {
				continue
			}
			for _, p := range h.private {
				if k, err := e.Open(p, sender, c); err == nil && h.hold(t, k) {
					again = true
				}
			}
		}
		for _, l := range links {
			if h.keys[l.commitment] != nil {
				continue
			}
			for _, k := range h.keys {
				if older, err := k.OpenPrevious(l.sealed, l.context, l.commitment); err == nil && h.hold(t, older) {
					again = true
				}
			}
		}
	}
}

// reads tells whether the hunter opens a committed text.
func (h *hunter) reads(s *officer.State, text officer.Hash) bool {
	for _, o := range s.Openings(text) {
		for _, k := range h.keys {
			if _, err := plan.OpenOpening(k, o.Sealed, text); err == nil {
				return true
			}
		}
	}
	return false
}

// made lists every key that a log names from a position on.
func made(s *officer.State, from uint64) map[officer.Hash]string {
	all := map[officer.Hash]string{}
	for _, r := range s.Resources() {
		for _, e := range r.Epochs {
			if e.Sequence >= from {
				all[e.Commitment] = "resource " + r.ID.String()
			}
		}
	}
	for _, g := range s.Groups() {
		for _, e := range g.Epochs {
			if e.Sequence >= from {
				all[e.Commitment] = "group " + g.ID.String()
			}
		}
	}
	for _, m := range s.Members() {
		for _, u := range m.UserKeys {
			if u.Sequence >= from {
				all[u.Commitment] = "user key of " + m.ID.String()
			}
		}
	}
	return all
}

// same tells whether two hunters have found the same.
func (h *hunter) same(o *hunter) bool {
	if len(h.keys) != len(o.keys) {
		return false
	}
	for c, k := range h.keys {
		other := o.keys[c]
		if other == nil || !bytes.Equal(k.Context().Resource, other.Context().Resource) {
			return false
		}
	}
	return true
}
