package bench

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/cloudflare/circl/hpke"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
	"github.com/underseal/underseal/officer/plan"
)

// A removal replaces every key that the removed one could reach.
const (
	removalGroup  = 50 // members of a group
	removalFields = 10_000
)

// removalCases are a firm of the size, the same reach in smaller and
// larger firms, and other reaches in the same firm. Each field is read by one
// group; the removed one is in the first, which reads as many as are reached.
var removalCases = []struct{ members, groups, reach int }{
	{1000, 20, 500},
	{250, 5, 500}, {4000, 80, 500},
	{1000, 20, 100}, {1000, 20, 2000}, {1000, 20, removalFields},
}

// removalPeople are made once: keys are costly.
var removalPeople = sync.OnceValue(func() []*officertest.Person {
	list := make([]*officertest.Person, 4000)
	for i := range list {
		list[i] = officertest.NewPerson(fmt.Sprintf("employee %d", i))
	}
	return list
})

// removalFirm is a firm before somebody is removed from it.
type removalFirm struct {
	state  *officer.State
	author plan.Author
	held   plan.Held
	gone   officer.MemberID
}

func newRemovalFirm(b *testing.B, members, groups, reach int) *removalFirm {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	identity, secret, err := keyring.NewIdentity("Alice Adams", "alice@example.com", "laptop")
	must(err)
	alice, err := identity.Unlock(secret)
	must(err)
	genesis, _, err := plan.Found(alice, "Example LLP", officertest.Start())
	must(err)
	f := &removalFirm{author: plan.Author{Device: alice.Keys(), Now: officertest.Start()}}
	f.state, err = officer.Replay(officer.OrganizationOf(genesis), [][]byte{genesis})
	must(err)

	keys := map[officer.Hash]*plan.Key{}
	key := func(kind wire.KeyKind, id []byte) *plan.Key {
		k, err := datakey.Generate(wire.KeyContext{Organization: f.state.Organization(), Resource: id, Kind: kind, Epoch: 1})
		must(err)
		keys[k.Commitment()] = k
		return k
	}
	var ops []officer.Operation
	add := func(most int, list ...officer.Operation) {
		if ops = append(ops, list...); len(ops) <= most {
			return
		}
		h := f.state.Head()
		e, err := officer.Entry{
			Organization: f.state.Organization(), Sequence: h.Length, Previous: h.Hash, Time: officertest.Start(),
			Author: alice.Keys().ID(), Operations: ops,
		}.Sign(alice.Keys().Sign)
		must(err)
		f.state, err = f.state.Apply(e)
		must(err)
		ops = nil
	}

	directory := officer.ResourceID{9}
	add(0, &officer.KeyCreated{
		Resource: directory, Of: wire.KindDirectory, Binding: officer.Binding{Connector: "underseal"},
		Commitment: key(wire.KindDirectory, directory[:]).Commitment(), Label: numbered("removal directory", 0),
	})
	people := removalPeople()[:members-1] // and alice
	for _, p := range people {
		add(200, &officer.MemberAdded{Card: p.File.Card.Bytes(), Role: officer.RoleMember},
			&officer.Grant{Resource: directory, Principal: p.Principal(), Rights: officer.Read})
	}
	add(0)
	for g := range groups {
		id := officer.GroupID{8, byte(g)}
		seed := key(wire.KindGroup, id[:])
		private, err := envelope.NewPrivateKey(seed.Raw())
		must(err)
		items := []officer.GroupMemberItem{{Member: alice.Member(), Rights: officer.Read | officer.Share}}
		for i := range removalGroup - 1 {
			p := people[(g*(removalGroup-1)+i)%len(people)]
			items = append(items, officer.GroupMemberItem{Member: p.File.Card.ID(), Rights: officer.Read})
		}
		slices.SortFunc(items, func(a, b officer.GroupMemberItem) int { return a.Member.Compare(b.Member) })
		add(0, &officer.GroupCreated{Group: id, Commitment: seed.Commitment(), Public: private.Public(), Label: numbered("removal group", g), Members: items})
	}
	for i := range removalFields {
		var id officer.ResourceID
		binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
		g := 0
		if i >= reach {
			g = 1 + i%(groups-1)
		}
		add(200, &officer.KeyCreated{
			Resource: id, Of: wire.KindField, Binding: officer.Binding{Connector: "tabular"},
			Commitment: key(wire.KindField, id[:]).Commitment(), Label: numbered("removal field", i),
		}, &officer.Grant{Resource: id, Principal: officer.GroupPrincipal(officer.GroupID{8, byte(g)}), Rights: officer.Read})
	}
	add(0)
	of := func(e officer.Epoch) (*plan.Key, error) {
		if k := keys[e.Commitment]; k != nil {
			return k, nil
		}
		return nil, plan.ErrNoKey
	}
	f.author.State, f.gone = f.state, people[0].File.Card.ID()
	f.held = plan.Held{
		Resource: func(r *officer.Resource) (*plan.Key, error) { return of(r.Epoch()) },
		Group:    func(g *officer.Group) (*plan.Key, error) { return of(g.Epoch()) },
	}
	return f
}

// least is the fewest envelopes that the design allows: of each key that the
// removed one could reach, one for each who keeps it.
func (f *removalFirm) least() (envelopes int) {
	gone := officer.MemberPrincipal(f.gone)
	for _, g := range f.state.Groups() {
		if g.Has(f.gone) {
			envelopes += len(g.Members) - 1
		}
	}
	for _, r := range f.state.Resources() {
		if f.state.Rights(f.gone, r) == 0 {
			continue
		}
		envelopes += len(r.Grants)
		if r.Rights(gone) != 0 {
			envelopes--
		}
	}
	return envelopes
}

// BenchmarkRemoval plans the removal of one person and signs and replays its
// entry, as the officer's client does before it uploads anything. "least" is as
// many keys sealed and signed as it takes, by the libraries alone, on all cores,
// to keys that were read once.
func BenchmarkRemoval(b *testing.B) {
	for _, c := range removalCases {
		name := fmt.Sprintf("%d-members-%d-reached", c.members, c.reach)
		firm := sync.OnceValue(func() *removalFirm { return newRemovalFirm(b, c.members, c.groups, c.reach) })
		b.Run(name+"/ours", func(b *testing.B) { benchRemoval(b, firm()) })
		b.Run(name+"/least", func(b *testing.B) { benchLeast(b, firm().least()) })
	}
}

func benchRemoval(b *testing.B, f *removalFirm) {
	b.Helper()
	var p *plan.Plan
	var bytes int
	b.ReportAllocs()
	report, start := cpuTime(b), used(b)
	for b.Loop() {
		var err error
		if p, err = f.author.RemoveMember(f.gone, f.held); err != nil {
			b.Fatal(err)
		}
		bytes = f.commit(b, p)
	}
	report()
	if least := f.least(); len(p.Envelopes) != least {
		b.Fatalf("%d envelopes, the least is %d", len(p.Envelopes), least)
	}
	for _, e := range p.Envelopes {
		bytes += len(e.Envelope)
	}
	b.ReportMetric(float64(len(p.Envelopes)), "envelopes/op")
	b.ReportMetric(float64(len(p.Envelopes)+1), "signatures/op")
	b.ReportMetric(float64(bytes)/1e6, "MB/op")
	b.ReportMetric(float64(used(b)-start)/float64(b.N)/float64(len(p.Envelopes)), "cpu-ns-each/op")
}

// commit signs the plan's entry and replays it; it returns the entry's bytes,
// with those of operations that ride outside.
func (f *removalFirm) commit(b *testing.B, p *plan.Plan) (size int) {
	b.Helper()
	if err := p.Pack(); err != nil {
		b.Fatal(err)
	}
	h := f.state.Head()
	e, err := officer.Entry{
		Organization: f.state.Organization(), Sequence: h.Length, Previous: h.Hash, Time: officertest.Start(),
		Author: f.author.Device.ID(), Operations: p.Operations,
	}.Sign(f.author.Device.Sign)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.state.ApplyWith(p.Blob, e); err != nil {
		b.Fatal(err)
	}
	for _, blob := range p.Blobs {
		size += len(blob)
	}
	return size + len(e)
}

func benchLeast(b *testing.B, envelopes int) {
	b.Helper()
	scheme := hpke.KEM_XWING.Scheme()
	to, _, err := scheme.GenerateKeyPair()
	if err != nil {
		b.Fatal(err)
	}
	_, signer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	suite := hpke.NewSuite(hpke.KEM_XWING, hpke.KDF_HKDF_SHA256, hpke.AEAD_ChaCha20Poly1305)
	info, key := make([]byte, 200), make([]byte, datakey.Size)
	seal := func() error {
		s, err := suite.NewSender(to, info)
		if err != nil {
			return err
		}
		enc, sealer, err := s.Setup(rand.Reader)
		if err != nil {
			return err
		}
		ct, err := sealer.Seal(key, nil)
		ed25519.Sign(signer, append(enc, ct...))
		return err
	}
	report := cpuTime(b)
	for b.Loop() {
		cores := runtime.GOMAXPROCS(0)
		var all sync.WaitGroup
		for core := range cores {
			all.Go(func() {
				for i := core; i < envelopes; i += cores {
					if err := seal(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		ed25519.Sign(signer, info) // the entry
		all.Wait()
	}
	report()
	b.ReportMetric(float64(envelopes), "envelopes/op")
	b.ReportMetric(float64(envelopes+1), "signatures/op")
}
