package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// The membership log of a large firm: 100,000 operations, most of them grants.
const (
	logOperations = 100_000
	logMembers    = 1_000
	logResources  = 10_000
)

// longLog is a log with the entry that comes next.
type longLog struct {
	org     officer.OrganizationID
	entries [][]byte
	next    []byte
}

// logWriter writes entries of one author without replaying them.
type logWriter struct {
	longLog
	author *officertest.Device
	batch  int // operations in one entry
	ops    []officer.Operation
	count  int
}

func (w *logWriter) add(ops ...officer.Operation) {
	for _, op := range ops {
		w.ops = append(w.ops, op)
		w.count++
		if len(w.ops) >= w.batch {
			w.flush()
		}
	}
}

func (w *logWriter) flush() {
	if len(w.ops) > 0 {
		w.entries = append(w.entries, w.sign(w.ops...))
		w.ops = nil
	}
}

func (w *logWriter) sign(ops ...officer.Operation) []byte {
	e := officer.Entry{Organization: w.org, Time: officertest.Start(), Author: w.author.ID(), Operations: ops}
	if n := len(w.entries); n > 0 {
		e.Sequence, e.Previous = uint64(n), officer.EntryHash(w.entries[n-1])
	}
	b, err := e.Sign(w.author.Sign)
	if err != nil {
		panic(err) // a fault of this file
	}
	if w.org.IsZero() {
		w.org = officer.OrganizationOf(b)
	}
	return b
}

// numbered is 32 bytes that stand for a commitment nobody opens here.
func numbered(what string, n int) officer.Hash {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d", what, n))
}

// people are the firm's members, made once: keys are costly.
var people = sync.OnceValue(func() []*officertest.Person {
	list := make([]*officertest.Person, logMembers)
	for i := range list {
		list[i] = officertest.NewPerson(fmt.Sprintf("member %d", i))
	}
	return list
})

// writeLog writes a log with so many operations in one entry. Its resources
// are in a thousand steps, each with its label's opening under the directory.
func writeLog(batch int) longLog {
	rng := rand.New(rand.NewPCG(1, 2)) // the same log in every run
	all := people()
	w := &logWriter{batch: 1, author: all[0].Device(officertest.FirstDevice)}
	w.add(&officer.Genesis{Card: all[0].File.Card.Bytes(), Name: numbered("organization", 0)})
	directory := officer.ResourceID{1}
	w.add(&officer.KeyCreated{
		Resource: directory, Of: wire.KindDirectory, Binding: officer.Binding{Connector: "underseal"},
		Commitment: numbered("directory", 1), Label: numbered("directory", 2),
	})
	w.batch = batch
	file := func(commitments ...officer.Hash) officer.Operation {
		op := &officer.Directory{Resource: directory, Epoch: 1}
		for _, c := range commitments {
			op.Items = append(op.Items, officer.DirectoryItem{Commitment: c, Sealed: make([]byte, 24+64+16)})
		}
		return op
	}
	for _, p := range all[1:] {
		w.add(
			&officer.MemberAdded{Card: p.File.Card.Bytes(), Role: officer.RoleMember},
			&officer.Grant{Resource: directory, Principal: p.Principal(), Rights: officer.Read | officer.Write},
			file(p.File.Name.Commitment(), p.File.Email.Commitment()),
		)
	}
	resource := func(i int) (id officer.ResourceID) {
		binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
		return id
	}
	for i := 0; i < logResources; i += 10 {
		labels := make([]officer.Hash, 10)
		for j := range labels {
			labels[j] = numbered("label", i+j)
			w.add(&officer.KeyCreated{
				Resource: resource(i + j), Of: wire.KindField, Commitment: numbered("key", i+j), Label: labels[j],
				Binding: officer.Binding{Connector: "clio", Account: "1024", Kind: "custom-field", ID: fmt.Sprint(370000 + i + j)},
			})
		}
		w.add(file(labels...))
	}
	for i := 0; w.count < logOperations; i++ {
		w.add(&officer.Grant{
			Resource: resource(i % logResources), Principal: all[1+rng.IntN(logMembers-1)].Principal(), Rights: officer.Read | officer.Write,
		})
	}
	w.flush()
	w.next = w.sign(&officer.KeyRotated{
		Resource: resource(0), Epoch: 2, Commitment: numbered("rotated", 0), Previous: make([]byte, datakey.SealedKeySize),
	})
	return w.longLog
}

// logShapes are the two ends of what a log looks like.
var logShapes = []struct {
	name string
	log  func() longLog
}{
	{"10-per-entry", sync.OnceValue(func() longLog { return writeLog(10) })},
	{"1-per-entry", sync.OnceValue(func() longLog { return writeLog(1) })},
}

func replay(b *testing.B, l longLog) *officer.State {
	b.Helper()
	s, err := officer.Replay(l.org, l.entries)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkLogReplay is the first verification from genesis; budget 5 s.
func BenchmarkLogReplay(b *testing.B) {
	for _, shape := range logShapes {
		b.Run(shape.name, func(b *testing.B) {
			l := shape.log()
			size := 0
			for _, e := range l.entries {
				size += len(e)
			}
			b.ReportAllocs()
			report := cpuTime(b)
			for b.Loop() {
				replay(b, l)
			}
			report()
			b.ReportMetric(float64(size)/1e6, "log-MB")
			b.ReportMetric(logOperations*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// BenchmarkLogWarm is opening the same log from the cache of its verified
// state; budget 50 ms, of which the MAC takes its part.
func BenchmarkLogWarm(b *testing.B) {
	cache := replay(b, logShapes[0].log()).EncodeCache()
	open := func(b *testing.B) {
		b.Helper()
		if _, err := officer.DecodeCache(cache); err != nil {
			b.Fatal(err)
		}
	}
	mac := func() { hmac.New(sha256.New, make([]byte, 32)).Write(cache) }
	for _, c := range []struct {
		name string
		run  func(b *testing.B)
	}{
		{"decode", open},
		{"mac", func(*testing.B) { mac() }},
		{"together", func(b *testing.B) { b.Helper(); mac(); open(b) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			report := cpuTime(b)
			for b.Loop() {
				c.run(b)
			}
			report()
			b.ReportMetric(float64(len(cache))/1e6, "cache-MB")
		})
	}
}

// BenchmarkLogSave is writing the cache, after every entry that is new.
func BenchmarkLogSave(b *testing.B) {
	s := replay(b, logShapes[0].log())
	b.ReportAllocs()
	report := cpuTime(b)
	for b.Loop() {
		s.EncodeCache()
	}
	report()
}

// BenchmarkLogAppend is one more entry on a state of 100,000 operations,
// replayed or from the cache; budget 20 ms.
func BenchmarkLogAppend(b *testing.B) {
	l := logShapes[0].log()
	replayed := replay(b, l)
	cached, err := officer.DecodeCache(replayed.EncodeCache())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		state *officer.State
	}{{"replayed", replayed}, {"cached", cached}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			report := cpuTime(b)
			for b.Loop() {
				if _, err := c.state.Apply(l.next); err != nil {
					b.Fatal(err)
				}
			}
			report()
		})
	}
}
