package plan_test

import (
	"fmt"
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// firm has members of one card each, groups of fifty, and fields that alice
// shares; member 1 reads reach of them by a grant of their own, and what the
// first group is granted.
func firm(b *testing.B, members, groups, fields, reach int) (*world, *person, officer.MemberID) {
	b.Helper()
	alice := newPerson(b, "alice")
	w := newWorld(b, alice)
	var ops []officer.Operation
	flush := func() {
		b.Helper()
		if len(ops) > 0 {
			w.do(alice, &plan.Plan{Operations: ops}, nil)
			ops = nil
		}
	}
	add := func(op ...officer.Operation) {
		if ops = append(ops, op...); len(ops) > 200 {
			flush()
		}
	}
	var ids []officer.MemberID
	for i := range members {
		p := newPerson(b, fmt.Sprintf("member %d", i))
		add(&officer.MemberAdded{Card: p.u.Card().Card.Bytes(), Role: officer.RoleMember})
		ids = append(ids, p.id())
	}
	flush()
	var to []officer.Principal
	for g := range groups {
		list := []officer.GroupMemberItem{{Member: alice.id(), Rights: officer.Read | officer.Share}}
		for i := range 50 {
			list = append(list, officer.GroupMemberItem{Member: ids[(g*50+i)%members], Rights: officer.Read})
		}
		label := officer.Opening{Kind: officer.TextGroup, Text: fmt.Sprint("group ", g)}
		pl, key, err := w.author(alice).CreateGroup(label, list, w.keys["directory"])
		w.do(alice, pl, err)
		w.keys[fmt.Sprint("group ", g)] = key
		to = append(to, officer.GroupPrincipal(officer.GroupID(key.Context().Resource)))
	}
	for i := range fields {
		id := officer.ResourceID{1, byte(i), byte(i >> 8)}
		key, err := datakey.Generate(wire.KeyContext{Organization: w.state.Organization(), Resource: id[:], Kind: wire.KindField, Epoch: 1})
		must(b, err)
		w.keys[fmt.Sprint("field ", i)] = key
		add(&officer.KeyCreated{
			Resource: id, Of: wire.KindField, Binding: officer.Binding{Connector: "tabular"},
			Commitment: key.Commitment(), Label: officer.Hash{2, byte(i), byte(i >> 8)},
		}, &officer.Grant{Resource: id, Principal: to[i%len(to)], Rights: officer.Read})
		if i < reach {
			add(&officer.Grant{Resource: id, Principal: officer.MemberPrincipal(ids[1]), Rights: officer.Read})
		}
	}
	flush()
	return w, alice, ids[1]
}

// BenchmarkRemoveMember removes one of a thousand members, and shows what the
// plan holds: it grows with what the member could reach, not with the firm.
func BenchmarkRemoveMember(b *testing.B) {
	for _, c := range []struct{ members, groups, fields, reach int }{
		{250, 5, 2500, 500}, {1000, 20, 10000, 500}, {1000, 20, 10000, 10000},
	} {
		b.Run(fmt.Sprintf("%d-members-%d-fields-%d-reached", c.members, c.fields, c.reach), func(b *testing.B) {
			w, alice, gone := firm(b, c.members, c.groups, c.fields, c.reach)
			held := map[officer.Hash]*plan.Key{}
			for _, k := range w.keys {
				held[k.Commitment()] = k
			}
			of := func(e officer.Epoch) (*plan.Key, error) { return held[e.Commitment], nil }
			var pl *plan.Plan
			b.ReportAllocs()
			for b.Loop() {
				var err error
				pl, err = w.author(alice).RemoveMember(gone, plan.Held{
					Resource: func(r *officer.Resource) (*plan.Key, error) { return of(r.Epoch()) },
					Group:    func(g *officer.Group) (*plan.Key, error) { return of(g.Epoch()) },
				})
				must(b, err)
			}
			b.ReportMetric(float64(len(pl.Operations)), "operations")
			b.ReportMetric(float64(len(pl.Envelopes)), "envelopes")
			must(b, pl.Pack())
			b.ReportMetric(float64(len(pl.Blobs)), "blobs")
			blobs := map[officer.Hash][]byte{}
			for i, blob := range pl.Blobs {
				blobs[pl.Operations[i+1].(*officer.OperationsBlob).Hash] = blob
			}
			h := w.state.Head()
			e, err := officer.Entry{
				Organization: w.state.Organization(), Sequence: h.Length, Previous: h.Hash, Time: clock(), Author: alice.device.ID(), Operations: pl.Operations,
			}.Sign(alice.device.Sign)
			must(b, err)
			_, err = w.state.ApplyWith(func(name officer.Hash) ([]byte, error) { return blobs[name], nil }, e)
			must(b, err)
		})
	}
}
