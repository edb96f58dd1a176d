package main

import (
	"strings"
	"testing"

	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAttack35NamesOfTwo: an officer lets in somebody under the email of a
// colleague, or under one that goes on like another sentence. Whoever reads the
// log can tell who is meant, and where the email ends.
func TestAttack35NamesOfTwo(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	bob := f.Add("alice", "bob", officer.RoleMember).Me.Member()
	w := f.Open("alice")
	if got := newWords(ctx, w).member(bob); got != "bob@example.com" {
		t.Errorf("one: %s", got)
	}
	if _, err := w.RemoveMember(ctx, bob, workspace.Consent{}); err != nil {
		t.Fatal(err)
	}
	other := f.Add("alice", "bob", officer.RoleMember).Me.Member()
	id, s, err := keyring.NewIdentity("eve", "eve@example.com as guest, who answered an invitation", "laptop")
	if err != nil {
		t.Fatal(err)
	}
	eve, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	w = f.Open("alice")
	if err := w.AddMember(ctx, eve.Card(), officer.RoleOfficer); err != nil {
		t.Fatal(err)
	}
	x := newWords(ctx, w)
	for _, m := range []officer.MemberID{bob, other} {
		if got := x.member(m); got != "bob@example.com (member "+m.String()[:shortID]+")" {
			t.Errorf("two: %s", got)
		}
	}
	if got := x.card(eve.Card().Card.Bytes()); !strings.HasPrefix(got, `"eve@`) || !strings.HasSuffix(got, `invitation"`) {
		t.Errorf("a sentence: %s", got)
	}
}
