package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/store"
)

// checkModel drives clients of the store and a Memory with the same random
// calls and compares what each returns. What it makes smaller on a failure is
// the list of calls.
func checkModel(t *testing.T, fresh Opener) {
	rapid.Check(t, func(r *rapid.T) {
		open := fresh(t)
		m := model{ctx: t.Context(), want: NewMemory(open().Info().Organization)}
		for range clients {
			m.got = append(m.got, open())
		}
		r.Repeat(map[string]func(*rapid.T){
			"append": m.append, "read": m.read,
			"envelope": m.envelope, "blob": m.blob, "mail": m.mail, "delete": m.delete, "lease": m.lease,
		})
	})
}

type model struct {
	ctx     context.Context
	got     []store.Store
	want    *Memory
	cursors [3]struct{ got, want string }
}

func (m *model) client(r *rapid.T) store.Store {
	return rapid.SampledFrom(m.got).Draw(r, "client")
}

func item(r *rapid.T) []byte {
	return rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 2).Draw(r, "item")
}

// box draws one of few, so that they are met again.
func box(r *rapid.T) (int, store.Index) {
	n := rapid.IntRange(0, 2).Draw(r, "box")
	return n, index(fmt.Sprint("box ", n))
}

func limit(r *rapid.T) int { return rapid.IntRange(-1, 5).Draw(r, "limit") }

// agree compares errors by what they are in the contract.
func agree(r *rapid.T, got, want error) bool {
	for _, kind := range []error{store.ErrConflict, store.ErrNotFound, store.ErrInvalid, store.ErrTooLarge} {
		if errors.Is(got, kind) != errors.Is(want, kind) {
			r.Fatalf("got %v, want %v", got, want)
		}
	}
	if (got == nil) != (want == nil) {
		r.Fatalf("got %v, want %v", got, want)
	}
	return got == nil
}

func equal(r *rapid.T, got, want [][]byte) {
	if !slices.EqualFunc(got, want, bytes.Equal) {
		r.Fatalf("got %s, want %s", brief(got), brief(want))
	}
}

func (m *model) append(r *rapid.T) {
	at, entry := rapid.Uint64Range(0, 8).Draw(r, "at"), item(r)
	if rapid.Bool().Draw(r, "right") {
		at = uint64(len(m.want.log))
	}
	agree(r, m.client(r).Append(m.ctx, at, entry), m.want.Append(m.ctx, at, entry))
}

func (m *model) read(r *rapid.T) {
	from, limit := rapid.Uint64Range(0, 8).Draw(r, "from"), limit(r)
	got, err := m.client(r).Read(m.ctx, from, limit)
	want, wantErr := m.want.Read(m.ctx, from, limit)
	if agree(r, err, wantErr) {
		equal(r, got, want)
	}
}

func (m *model) envelope(r *rapid.T) {
	n, to := box(r)
	envelope := item(r)
	agree(r, m.client(r).PutEnvelope(m.ctx, to, envelope), m.want.PutEnvelope(m.ctx, to, envelope))
	limit, cursors := limit(r), &m.cursors[n]
	if rapid.Bool().Draw(r, "from the beginning") {
		cursors.got, cursors.want = "", ""
	}
	var got, want [][]byte
	var err, wantErr error
	got, cursors.got, err = m.client(r).ListEnvelopes(m.ctx, to, cursors.got, limit)
	want, cursors.want, wantErr = m.want.ListEnvelopes(m.ctx, to, cursors.want, limit)
	agree(r, err, wantErr)
	equal(r, got, want)
}

func (m *model) blob(r *rapid.T) {
	data := item(r)
	if rapid.Bool().Draw(r, "put") {
		name, err := m.client(r).PutBlob(m.ctx, data)
		want, wantErr := m.want.PutBlob(m.ctx, data)
		if agree(r, err, wantErr); name != want {
			r.Fatalf("got %s, want %s", name, want)
		}
	}
	got, err := m.client(r).GetBlob(m.ctx, hash(data))
	want, wantErr := m.want.GetBlob(m.ctx, hash(data))
	agree(r, err, wantErr)
	equal(r, [][]byte{got}, [][]byte{want})
}

func (m *model) mail(r *rapid.T) {
	_, to := box(r)
	data := item(r)
	agree(r, m.client(r).PutMail(m.ctx, to, data), m.want.PutMail(m.ctx, to, data))
	m.sameMail(r, to)
}

func (m *model) delete(r *rapid.T) {
	_, to := box(r)
	id := hash(item(r))
	agree(r, m.client(r).DeleteMail(m.ctx, to, id), m.want.DeleteMail(m.ctx, to, id))
	m.sameMail(r, to)
}

func (m *model) sameMail(r *rapid.T, box store.Index) {
	limit := limit(r)
	got, err := m.client(r).ListMail(m.ctx, box, limit)
	want, wantErr := m.want.ListMail(m.ctx, box, limit)
	agree(r, err, wantErr)
	if !slices.EqualFunc(got, want, func(a, b store.Message) bool { return a.ID == b.ID && bytes.Equal(a.Data, b.Data) }) {
		r.Fatalf("got %v, want %v", got, want)
	}
}

func (m *model) lease(r *rapid.T) {
	l := store.Lease{
		Name:    rapid.SampledFrom([]string{"a", "A", "b", "no name"}).Draw(r, "name"),
		Holder:  rapid.StringN(0, 3, -1).Draw(r, "holder"),
		Version: rapid.Uint64Range(0, 3).Draw(r, "version"),
		Expires: expiry(),
	}
	got, err := m.client(r).SwapLease(m.ctx, l)
	want, wantErr := m.want.SwapLease(m.ctx, l)
	if agree(r, err, wantErr); got != want {
		r.Fatalf("got %+v, want %+v", got, want)
	}
	got, err = m.client(r).GetLease(m.ctx, l.Name)
	want, wantErr = m.want.GetLease(m.ctx, l.Name)
	if agree(r, err, wantErr); got != want {
		r.Fatalf("got %+v, want %+v", got, want)
	}
}
