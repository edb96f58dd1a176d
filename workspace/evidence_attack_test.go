package workspace_test

import (
	"bytes"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAttack12MadeUpFork: a member who wants the store, or whoever keeps it, to
// look as if it kept two histories signs one of their own, entry by entry. It
// verifies, and is no proof: nobody else has seen it.
func TestAttack12MadeUpFork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	n := len(entriesOf(t, f.Store))
	own := &replaced{Store: f.Store, entries: entriesOf(t, f.Store)}
	bob := *f.People["bob"]
	bob.Home = &workspacetest.Local{}
	_, err := workspace.Join(ctx, bob.Config(own), f.ID)
	must(t, err)
	for range 2 { // what a member may do alone
		w, err := workspace.Open(ctx, bob.Config(own))
		must(t, err)
		must(t, w.Rotate(ctx, "ssn"))
	}
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	must(t, alice.NewField(ctx, "fax"))
	mine, honest := evidenceOf(t, bob.Config(own)), evidenceOf(t, f.People["alice"].Config(f.Store))
	shared, fork, err := mine.Part(honest)
	if err != nil || !fork || shared != uint64(n) {
		t.Fatalf("they part after %d of %d: %v, %v", shared, n, fork, err)
	}
	if mine.Seen(shared, honest) {
		t.Error("a member's own word is proof")
	}
	if !honest.Seen(shared, mine) { // an officer's is
		t.Error("an officer's word is none")
	}
	// The same history, once somebody else has seen it: then two are kept.
	other := *f.People["alice"]
	other.Home = &workspacetest.Local{}
	w, err := workspace.Join(ctx, other.Config(own), f.ID)
	must(t, err)
	must(t, w.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write))
	if seen := evidenceOf(t, bob.Config(own)); !seen.Seen(shared, honest) {
		t.Error("two who have seen it are not believed")
	}
}

func evidenceOf(t *testing.T, c workspace.Config) *workspace.Evidence {
	t.Helper()
	var b bytes.Buffer
	_, err := workspace.WriteEvidence(t.Context(), c, nil, &b)
	must(t, err)
	e, err := workspace.ReadEvidence(t.Context(), &b)
	must(t, err)
	return e
}
