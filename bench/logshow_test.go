package bench

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// An organization whose size does not grow with its history.
const (
	shownMembers = 200
	shownFields  = 20
)

// BenchmarkLogShow shows, and verifies, all of a log of so many entries, mostly
// one operation to each, beside a program that reads and decodes them and believes
// what it reads. Both read the same file, so that memory counts the reader's own.
func BenchmarkLogShow(b *testing.B) {
	for _, entries := range []int{10_000, 100_000} {
		w, st := shownLog(b, entries)
		run := func(name string, work func(b *testing.B)) {
			b.Run(fmt.Sprintf("%d/%s", entries, name), func(b *testing.B) {
				resetPeak()
				report := cpuTime(b)
				for b.Loop() {
					work(b)
				}
				report()
				b.ReportMetric(peak(b), "peak-MB")
			})
		}
		run("show", func(b *testing.B) {
			b.Helper()
			n := 0
			for _, err := range w.Log(b.Context(), 0, w.State().Head().Length) {
				fatal(b, err)
				n++
			}
			if n != entries {
				b.Fatalf("%d of %d entries", n, entries)
			}
		})
		run("verify", func(b *testing.B) {
			b.Helper()
			s, err := w.VerifyLog(b.Context())
			fatal(b, err)
			if s.Head().Length != uint64(entries) {
				b.Fatalf("%d of %d entries", s.Head().Length, entries)
			}
		})
		run("read", func(b *testing.B) {
			b.Helper()
			for at := 0; at < entries; {
				page, err := st.Read(b.Context(), uint64(at), 256)
				fatal(b, err)
				for _, e := range page {
					if _, err := officer.DecodeEntry(e); err != nil {
						b.Fatal(err)
					}
				}
				at += len(page)
			}
		})
	}
}

// shownLog is a firm with a history of so many entries, open.
func shownLog(b *testing.B, entries int) (*workspace.Workspace, *logFile) {
	b.Helper()
	f := workspacetest.NewFirm(b, "alice")
	alice := f.People["alice"].Me.Keys()
	st := newLogFile(b, f.Store)
	var head officer.Head
	add := func(ops ...officer.Operation) {
		for _, op := range ops {
			e, err := officer.Entry{
				Organization: f.ID, Sequence: head.Length, Previous: head.Hash, Time: workspacetest.Clock(), Author: alice.ID(),
				Operations: []officer.Operation{op},
			}.Sign(alice.Sign)
			fatal(b, err)
			head = officer.Head{Length: head.Length + 1, Hash: officer.EntryHash(e)}
			st.write(b, e)
		}
	}
	// The founder's own entries, and what they hold.
	first, err := f.Store.Read(b.Context(), 0, 256)
	fatal(b, err)
	for _, e := range first {
		head = officer.Head{Length: head.Length + 1, Hash: officer.EntryHash(e)}
		st.write(b, e)
	}
	members := people()[:shownMembers]
	for _, p := range members {
		add(&officer.MemberAdded{Card: p.File.Card.Bytes(), Role: officer.RoleMember})
	}
	for i := range shownFields {
		add(&officer.KeyCreated{
			Resource: officer.ResourceID{7, byte(i)}, Of: wire.KindField, Commitment: numbered("shown key", i), Label: numbered("shown label", i),
			Binding: officer.Binding{Connector: "clio", Account: "1024", Kind: "custom-field", ID: fmt.Sprint(i)},
		})
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for head.Length < uint64(entries) {
		add(&officer.Grant{
			Resource: officer.ResourceID{7, byte(rng.IntN(shownFields))}, Principal: members[rng.IntN(shownMembers)].Principal(), Rights: officer.Read | officer.Write,
		})
	}
	st.done(b)
	return f.OpenOn("alice", st), st
}

// logFile is a store whose log rests in one file, and not in memory.
type logFile struct {
	store.Store
	file *os.File
	out  *bufio.Writer
	ends []int64
}

func newLogFile(b *testing.B, rest store.Store) *logFile {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	fatal(b, err)
	b.Cleanup(func() { fatal(b, file.Close()) })
	return &logFile{Store: rest, file: file, out: bufio.NewWriter(file), ends: []int64{0}}
}

func (l *logFile) write(b *testing.B, e []byte) {
	b.Helper()
	_, err := l.out.Write(e)
	fatal(b, err)
	l.ends = append(l.ends, l.ends[len(l.ends)-1]+int64(len(e)))
}

func (l *logFile) done(b *testing.B) {
	b.Helper()
	fatal(b, l.out.Flush())
}

func (l *logFile) Read(_ context.Context, from uint64, limit int) ([][]byte, error) {
	last := uint64(len(l.ends) - 1)
	if from >= last {
		return nil, nil
	}
	to := min(last, from+uint64(limit))
	page := make([]byte, l.ends[to]-l.ends[from])
	if _, err := l.file.ReadAt(page, l.ends[from]); err != nil {
		return nil, err
	}
	var list [][]byte
	for i := from; i < to; i++ {
		list = append(list, page[l.ends[i]-l.ends[from]:l.ends[i+1]-l.ends[from]:l.ends[i+1]-l.ends[from]])
	}
	return list, nil
}
