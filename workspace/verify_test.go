package workspace_test

import (
	"context"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// readings counts what is read of a log.
type readings struct {
	store.Store
	entries, blobs int
}

func (r *readings) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	list, err := r.Store.Read(ctx, from, limit)
	r.entries += len(list)
	return list, err
}

func (r *readings) GetBlob(ctx context.Context, name officer.Hash) ([]byte, error) {
	r.blobs++
	return r.Store.GetBlob(ctx, name)
}

// TestVerifyReadsOnce: to verify the log from genesis takes one reading of it and
// of its blobs, and that counts the operations which the log shows, whoever starts
// from the cache too.
func TestVerifyReadsOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	dora := f.Add("alice", "dora", officer.RoleOfficer)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.Rotate(ctx, "phone"))
	phone := alice.State().Resources()[1]
	blob, op, err := officer.EncodeBlob([]officer.Operation{&officer.KeyClosed{Resource: phone.ID, Epoch: 2}})
	must(t, err)
	_, err = f.Store.PutBlob(ctx, blob)
	must(t, err)
	appendAs(t, f, dora, &plan.Plan{Operations: []officer.Operation{op}})

	r := &readings{Store: f.Store}
	w := f.OpenOn("alice", r)
	*r = readings{Store: f.Store}
	s, err := w.VerifyLog(ctx)
	must(t, err)
	if head := s.Head(); head != w.State().Head() || r.entries != int(head.Length) || r.blobs != 1 {
		t.Errorf("%d entries and %d blobs were read of a log of %d", r.entries, r.blobs, head.Length)
	}
	var shown, inBlobs uint64
	for e, err := range w.Log(ctx, 0, s.Head().Length) {
		must(t, err)
		shown += uint64(len(e.Operations))
		for _, op := range e.Operations {
			if op.Kind() == officer.OpKeyClosed {
				inBlobs++
			}
		}
	}
	if inBlobs != 1 || s.Operations() != shown || w.State().Operations() != shown {
		t.Errorf("%d operations verified, %d in the cache, %d shown, %d of them in a blob", s.Operations(), w.State().Operations(), shown, inBlobs)
	}
}
