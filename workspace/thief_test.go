package workspace_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// former is an epoch to which another one's history leads.
type former struct {
	context    wire.KeyContext
	commitment officer.Hash
	sealed     []byte
}

// chains are all histories in the log, by the commitment that they begin at; and
// what each key of the log is called.
func chains(s *officer.State) (links map[officer.Hash]former, called map[officer.Hash]string) {
	links, called = map[officer.Hash]former{}, map[officer.Hash]string{}
	add := func(what string, epochs []officer.Epoch, context func(officer.OrganizationID, uint64) wire.KeyContext) {
		for _, e := range epochs {
			called[e.Commitment] = fmt.Sprintf("%s, epoch %d", what, e.Number)
			if e.Number > 1 {
				links[e.Commitment] = former{context(s.Organization(), e.From), epochs[e.From-1].Commitment, e.Previous}
			}
		}
	}
	for _, r := range s.Resources() {
		add("resource "+r.ID.String(), r.Epochs, r.Context)
	}
	for _, g := range s.Groups() {
		add("group "+g.ID.String(), g.Epochs, g.Context)
	}
	for _, m := range s.Members() {
		for i, k := range m.UserKeys {
			called[k.Commitment] = fmt.Sprintf("user key %d of %s", k.Generation, m.ID)
			if i > 0 {
				p := m.UserKeys[i-1]
				links[k.Commitment] = former{officer.UserKeyContext(s.Organization(), m.ID, p.Generation), p.Commitment, k.Previous}
			}
		}
	}
	return links, called
}

// loot is what a device opens with every envelope that was ever filed, whatever
// the log says of it: the commitments of its keys.
func loot(t *testing.T, f *workspacetest.Firm, s *officer.State, me *keyring.Unlocked) map[officer.Hash]bool {
	t.Helper()
	first := me.Keys().Encryption()
	privates := map[officer.Hash]*envelope.PrivateKey{first.Hash(): first}
	links, _ := chains(s)
	found := map[officer.Hash]bool{}
	var note func(*datakey.Key)
	note = func(k *datakey.Key) {
		if found[k.Commitment()] {
			return
		}
		found[k.Commitment()] = true
		if kind := k.Context().Kind; kind == wire.KindUser || kind == wire.KindGroup {
			p, err := envelope.NewPrivateKey(k.Raw())
			must(t, err)
			privates[p.Hash()] = p
		}
		if l, ok := links[k.Commitment()]; ok {
			earlier, err := k.OpenPrevious(l.sealed, l.context, l.commitment)
			must(t, err)
			note(earlier)
		}
	}
	if u := me.FirstUserKey(); u != nil {
		note(u.Key)
	}
	var filed []*envelope.Envelope
	list := func(to envelope.Recipient) {
		page, _, err := f.Store.ListEnvelopes(t.Context(), to.Index(), "", 10_000)
		must(t, err)
		for _, b := range page {
			e, err := envelope.Parse(b)
			must(t, err)
			filed = append(filed, e)
		}
	}
	list(plan.DeviceRecipient(me.Keys().Record()))
	for _, m := range s.Members() {
		list(envelope.Recipient{Kind: envelope.ToMember, ID: m.ID[:]})
	}
	for _, g := range s.Groups() {
		list(envelope.Recipient{Kind: envelope.ToGroup, ID: g.ID[:]})
	}
	for more := true; more; {
		more = false
		for _, e := range filed {
			c := e.Claims()
			private := privates[c.Recipient.Key]
			if private == nil || found[c.Commitment] {
				continue
			}
			sender, _ := s.SigningKey(c.Sender)
			k, err := e.Open(private, sender, c)
			must(t, err)
			note(k)
			more = true
		}
	}
	return found
}

// granted are the keys that a device's member was granted until it was removed,
// and what each group that they were in had ever been granted by then. A device
// that comes later gets what its member has kept.
func granted(t *testing.T, f *workspacetest.Firm, me *keyring.Unlocked) (may map[officer.Hash]bool, s *officer.State) {
	t.Helper()
	entries, err := f.Store.Read(t.Context(), 0, 10_000)
	must(t, err)
	s, err = officer.Replay(f.ID, entries[:1])
	must(t, err)
	may = map[officer.Hash]bool{}
	ever := map[officer.GroupID]map[officer.Hash]bool{}
	note := func(in map[officer.Hash]bool, epochs []officer.Epoch) {
		for _, e := range epochs {
			in[e.Commitment] = true
		}
	}
	for n := 1; ; n++ {
		m, d := s.Member(me.Member()), s.Device(me.Keys().ID())
		here := m != nil && (d == nil || !d.Removed)
		for _, r := range s.Resources() {
			if here && s.Rights(m.ID, r) != 0 {
				note(may, r.Epochs)
			}
		}
		for _, g := range s.Groups() {
			if ever[g.ID] == nil {
				ever[g.ID] = map[officer.Hash]bool{}
			}
			note(ever[g.ID], g.Epochs)
			for _, r := range s.Resources() {
				if r.Rights(officer.GroupPrincipal(g.ID)) != 0 {
					note(ever[g.ID], r.Epochs)
				}
			}
			if here && g.Has(m.ID) {
				maps.Copy(may, ever[g.ID])
			}
		}
		if here {
			for _, k := range m.UserKeys {
				may[k.Commitment] = true
			}
		}
		if n == len(entries) {
			return may, s
		}
		s, err = s.Apply(entries[n])
		must(t, err)
	}
}

// thief names a device that has a key too many; "" if there is none.
func thief(t *testing.T, f *workspacetest.Firm, devices []*keyring.Unlocked) string {
	t.Helper()
	for _, me := range devices {
		may, s := granted(t, f, me)
		if len(may) == 0 {
			t.Fatal("a device that was never granted anything")
		}
		for c := range loot(t, f, s, me) {
			if !may[c] {
				_, called := chains(s)
				return me.Card().Email.Text + " has the key of " + called[c]
			}
		}
	}
	return ""
}
