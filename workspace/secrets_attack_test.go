package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAttack16SecretOfAMember: where a policy lets members make fields, one makes
// a secret under the name that programs look for, such as the application by which
// colleagues sign in to an outside system, and lets them read it. Only an officer's
// word is taken for that.
func TestAttack16SecretOfAMember(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	alice := f.Open("alice")
	p := alice.Policy()
	p.Fields = officer.RoleMember
	must(t, alice.SetPolicy(ctx, alice.Policy(), p))
	bob := f.Open("bob")
	must(t, bob.NewField(ctx, "notes"))
	put := func(w *workspace.Workspace, value string) error {
		s := secret.New([]byte(value))
		defer s.Destroy()
		return w.PutSecret(ctx, "clio", s, []string{"carol@example.com"})
	}
	if err := put(bob, "bob's own application"); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("a member's: %v", err)
	}
	if _, err := f.Open("carol").Secret(ctx, "clio"); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("a colleague finds %v", err)
	}
	must(t, put(f.Open("alice"), "the firm's application"))
	s, err := f.Open("carol").Secret(ctx, "clio")
	must(t, err)
	defer s.Destroy()
	if string(s.Expose()) != "the firm's application" {
		t.Error("another value")
	}
}
