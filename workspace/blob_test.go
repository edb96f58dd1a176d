package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestOperationsOutsideTheEntry: an entry whose operations ride in a blob is
// read with the blob, and refused without it, with nothing changed.
func TestOperationsOutsideTheEntry(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	dora := f.Add("alice", "dora", officer.RoleOfficer)
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	phone := alice.State().Resources()[1]
	blob, op, err := officer.EncodeBlob([]officer.Operation{&officer.KeyClosed{Resource: phone.ID, Epoch: 1}})
	must(t, err)
	appendAs(t, f, dora, &plan.Plan{Operations: []officer.Operation{op}})

	head := alice.State().Head()
	if err := alice.Sync(ctx); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrIncomplete) {
		t.Errorf("without its blob: %v", err)
	}
	// A store that is away says nothing of the log.
	away := storetest.NewFaulty(f.Store, storetest.Fault{Operation: storetest.GetBlob, Call: 1})
	if _, err := f.TryOpen("alice", away); !errors.Is(err, storetest.ErrFault) || errors.Is(err, workspace.ErrLog) || errors.Is(err, officer.ErrIncomplete) {
		t.Errorf("from a store that fails on the blob: %v", err)
	}
	if !away.Fired() {
		t.Error("nobody asked for the blob")
	}
	lies := &lyingBlobs{f.Store}
	if _, err := f.TryOpen("alice", lies); !errors.Is(err, workspace.ErrLog) || !errors.Is(err, officer.ErrIncomplete) {
		t.Errorf("with another blob: %v", err)
	}
	if alice.State().Head() != head {
		t.Error("a refused entry changed the state")
	}
	name, err := f.Store.PutBlob(ctx, blob)
	must(t, err)
	if name != op.Hash {
		t.Fatalf("the store names the blob %s", name)
	}
	must(t, alice.Sync(ctx))
	if !alice.State().Resource(phone.ID).Epoch().Closed {
		t.Error("what the blob says was not applied")
	}
}

// lyingBlobs is a store that gives something else for every blob.
type lyingBlobs struct{ store.Store }

func (*lyingBlobs) GetBlob(context.Context, officer.Hash) ([]byte, error) {
	return []byte("something else"), nil
}
