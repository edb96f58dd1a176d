package workspace_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// containsAnyForm looks for a secret in the forms in which it might leak.
func containsAnyForm(b []byte, s *secret.Bytes) bool {
	raw := s.Expose()
	return slices.ContainsFunc([][]byte{
		raw, []byte(hex.EncodeToString(raw)), []byte(base64.StdEncoding.EncodeToString(raw)), []byte(base64.RawURLEncoding.EncodeToString(raw)),
	}, func(form []byte) bool { return bytes.Contains(b, form) })
}

// listener is a store that writes down all that it is given.
type listener struct {
	store.Store
	heard map[string][]byte
}

func (l *listener) hear(what string, parts ...[]byte) {
	l.heard[fmt.Sprintf("%s %d", what, len(l.heard))] = bytes.Join(parts, nil)
}

func (l *listener) Append(ctx context.Context, at uint64, e []byte) error {
	l.hear("entry", e)
	return l.Store.Append(ctx, at, e)
}

func (l *listener) PutEnvelope(ctx context.Context, to store.Index, e []byte) error {
	l.hear("envelope", to[:], e)
	return l.Store.PutEnvelope(ctx, to, e)
}

func (l *listener) PutMail(ctx context.Context, box store.Index, b []byte) error {
	l.hear("mail", box[:], b)
	return l.Store.PutMail(ctx, box, b)
}

func (l *listener) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	l.hear("list", box[:])
	return l.Store.ListMail(ctx, box, limit)
}

func (l *listener) DeleteMail(ctx context.Context, box store.Index, id wire.Hash) error {
	l.hear("delete", box[:], id[:])
	return l.Store.DeleteMail(ctx, box, id)
}

// TestAttack43StoreSeesNoLine searches all that a store is given during the
// whole life of an invitation for its secret, its line, the keys that derive
// from it and the names within; the mailbox it does see.
func TestAttack43StoreSeesNoLine(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	ear := &listener{f.Store, map[string][]byte{}}
	alice := f.OpenOn("alice", ear)
	info, inv := invite(t, alice, workspace.InvitationRequest{Hint: "the new paralegal"})
	bob := workspacetest.NewPerson(t, "bob")
	must(t, accept(t, ear, bob, inv))
	_, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true)
	must(t, err)
	secrets := append(secretsOf(inv), keysOf(t, inv)...)
	notIn(t, "the store", ear.heard, append(secrets, []byte("the new paralegal"), []byte("bob@example.com"), []byte("Example LLP"))...)
	box := inv.Mailbox()
	found := 0
	for _, b := range ear.heard {
		if bytes.Contains(b, box[:]) {
			found++
		}
	}
	if found < 4 { // message, look, answer, look: the search finds what is there
		t.Errorf("the mailbox was heard %d times", found)
	}
}

// keysOf is what derives from an invitation's secret, as spec/invitation.md says.
func keysOf(t *testing.T, inv *plan.Invitation) (list [][]byte) {
	t.Helper()
	terms := wire.Sum(wire.LabelInvite, wire.MustMarshal([]any{
		inv.Organization, inv.Inviter, inv.Head.Length, inv.Head.Hash, uint64(inv.Expires.Unix()), inv.Store,
	}))
	raw := secret.New(inv.Encode().Expose()[4:36])
	key, err := datakey.New(wire.KeyContext{Organization: inv.Organization, Resource: terms[:], Kind: wire.KindInvitation, Epoch: 1}, raw)
	must(t, err)
	if key.Commitment() != inv.Hash() {
		t.Fatal("not the keys of the invitation")
	}
	for _, label := range []string{wire.LabelInviteMessage, wire.LabelInviteAnswer, wire.LabelInviteCard} {
		list = append(list, key.Derive(label).Expose())
	}
	return list
}

// TestAttack12InvitationExposesFork: a store that shows the invited person
// another history than the officer's is exposed by the head in the line.
func TestAttack12InvitationExposesFork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	must(t, alice.NewField(ctx, "phone"))
	_, inv := invite(t, alice, workspace.InvitationRequest{})
	short := &replaced{Store: f.Store, entries: entriesOf(t, f.Store)[:2]}
	if err := accept(t, short, workspacetest.NewPerson(t, "bob"), inv); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("a log that was cut short: %v", err)
	}
	fork := forkOf(t, f)
	if err := accept(t, fork, workspacetest.NewPerson(t, "bob"), inv); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("another history: %v", err)
	}
	must(t, accept(t, f.Store, workspacetest.NewPerson(t, "bob"), inv)) // the officer's
}

// replaced is a store with another log.
type replaced struct {
	store.Store
	entries [][]byte
}

func (r *replaced) Read(_ context.Context, from uint64, limit int) ([][]byte, error) {
	if from >= uint64(len(r.entries)) {
		return nil, nil
	}
	rest := r.entries[from:]
	return rest[:min(limit, len(rest))], nil
}

func (r *replaced) Append(_ context.Context, at uint64, e []byte) error {
	if at != uint64(len(r.entries)) {
		return store.ErrConflict
	}
	r.entries = append(r.entries, bytes.Clone(e))
	return nil
}

func entriesOf(t *testing.T, st store.Store) [][]byte {
	t.Helper()
	list, err := st.Read(t.Context(), 0, 1000)
	must(t, err)
	return list
}

// forkOf is a store in which Alice's third entry is another one.
func forkOf(t *testing.T, f *workspacetest.Firm) store.Store {
	t.Helper()
	fork := &replaced{Store: f.Store, entries: entriesOf(t, f.Store)[:2]}
	other := *f.People["alice"]
	other.Home = &workspacetest.Local{}
	w, err := workspace.Join(t.Context(), other.Config(fork), f.ID)
	must(t, err)
	must(t, w.NewField(t.Context(), "fax"))
	return fork
}

// TestAttack14Replay: an invitation, an acceptance, or one from another
// organization or invitation lets nobody in a second time.
func TestAttack14Replay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	first, inv := invite(t, alice, workspace.InvitationRequest{})
	bob := workspacetest.NewPerson(t, "bob")
	must(t, accept(t, f.Store, bob, inv))
	recorded, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
	must(t, err)
	second, otherInv := invite(t, alice, workspace.InvitationRequest{})
	elsewhere := workspacetest.NewFirm(t, "alice")
	elsewhereAlice := elsewhere.Open("alice")
	third, foreign := invite(t, elsewhereAlice, workspace.InvitationRequest{})
	for _, m := range recorded {
		must(t, f.Store.PutMail(ctx, otherInv.Mailbox(), m.Data))
		must(t, elsewhere.Store.PutMail(ctx, foreign.Mailbox(), m.Data))
	}
	for what, c := range map[string]struct {
		w  *workspace.Workspace
		id officer.Hash
	}{"another invitation": {alice, second.ID}, "another organization": {elsewhereAlice, third.ID}} {
		if _, err := c.w.ConfirmInvitation(ctx, c.id, bob.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationOpen) {
			t.Errorf("an acceptance for %s: %v", what, err)
		}
	}
	_, err = alice.ConfirmInvitation(ctx, first.ID, bob.Me.Member(), true)
	must(t, err)
	// The store puts everything back, and somebody answers once more.
	for _, m := range recorded {
		must(t, f.Store.PutMail(ctx, inv.Mailbox(), m.Data))
	}
	mallory := workspacetest.NewPerson(t, "mallory")
	if err := accept(t, f.Store, mallory, inv); !errors.Is(err, workspace.ErrInvitationSpent) {
		t.Errorf("a second use: %v", err)
	}
	answer, err := inv.Accept(mallory.Me.Card(), alice.Me().UserKey().Public, mallory.Me.Keys())
	must(t, err)
	must(t, f.Store.PutMail(ctx, inv.Mailbox(), answer))
	if _, err := f.Open("alice").ConfirmInvitation(ctx, first.ID, mallory.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationSpent) {
		t.Errorf("a second answer: %v", err)
	}
	if got := len(f.Open("alice").Members(ctx)); got != 2 {
		t.Errorf("%d members", got)
	}
}

// TestAttack14TwoAnswers: somebody who has read the line answers as well. Both
// are refused, the invitation is withdrawn, and nobody is in.
func TestAttack14TwoAnswers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, swapped := range []bool{false, true} {
		f := workspacetest.NewFirm(t, "alice")
		alice := f.Open("alice")
		info, inv := invite(t, alice, workspace.InvitationRequest{InPerson: true})
		bob, mallory := workspacetest.NewPerson(t, "bob"), workspacetest.NewPerson(t, "mallory")
		must(t, accept(t, f.Store, bob, inv))
		if swapped { // the store deletes the first answer once the officer has seen it
			if got := status(t, alice, info.ID).Status; got != workspace.InvitationAccepted {
				t.Fatal(got)
			}
			list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
			must(t, err)
			must(t, f.Store.DeleteMail(ctx, inv.Mailbox(), list[1].ID))
		}
		must(t, accept(t, f.Store, mallory, inv))
		if got := status(t, alice, info.ID).Status; got != workspace.InvitationContested {
			t.Errorf("alice sees %v", got)
		}
		if swapped { // that there were two is not undone by putting the first back
			list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
			must(t, err)
			must(t, f.Store.DeleteMail(ctx, inv.Mailbox(), list[1].ID))
			must(t, accept(t, f.Store, bob, inv))
			if got := status(t, alice, info.ID).Status; got != workspace.InvitationContested {
				t.Errorf("alice sees %v once the other is gone", got)
			}
		}
		if _, err := alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true); !errors.Is(err, workspace.ErrInvitationContested) {
			t.Errorf("two answers: %v", err)
		}
		// It stays told apart from one that was merely taken back.
		for range 2 {
			if got := status(t, f.Open("alice"), info.ID); got.Status != workspace.InvitationContested || !got.Withdrawn {
				t.Errorf("alice sees %v, withdrawn %v", got.Status, got.Withdrawn)
			}
			if err := alice.WithdrawInvitation(ctx, info.ID); err != nil {
				t.Error(err)
			}
		}
		if got := len(f.Open("alice").Members(ctx)); got != 1 {
			t.Errorf("%d members", got)
		}
	}
}

// TestAttack7NoSilentEnrolment: an organization that adds somebody's card gains
// nothing: their device opens what they have accepted, and nothing else.
func TestAttack7NoSilentEnrolment(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	attacker := workspacetest.NewFirm(t, "mallory")
	bob := workspacetest.NewPerson(t, "bob")
	must(t, attacker.Open("mallory").AddMember(ctx, bob.Me.Card(), officer.RoleMember))
	if _, err := workspace.Open(ctx, bob.Config(attacker.Store)); !errors.Is(err, workspace.ErrNoOrganization) {
		t.Errorf("an organization that bob has not accepted: %v", err)
	}
	info, inv := invite(t, f.Open("alice"), workspace.InvitationRequest{})
	must(t, accept(t, f.Store, bob, inv))
	if _, err := workspace.Open(ctx, bob.Config(attacker.Store)); err == nil {
		t.Error("another organization's store was opened")
	}
	_, err := f.Open("alice").ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true)
	must(t, err)
	f.People["bob"] = bob
	if f.Open("bob").Me() == nil {
		t.Error("bob is not in")
	}
}

// TestAttack13SwappedOrganization: the line leads to its organization alone,
// also where a store says that it is that one, and where the mailbox is copied.
func TestAttack13SwappedOrganization(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	_, inv := invite(t, f.Open("alice"), workspace.InvitationRequest{})
	attacker := workspacetest.NewFirm(t, "alice") // the same email and names
	list, err := f.Store.ListMail(ctx, inv.Mailbox(), 10)
	must(t, err)
	for _, m := range list {
		must(t, attacker.Store.PutMail(ctx, inv.Mailbox(), m.Data))
	}
	bob := workspacetest.NewPerson(t, "bob")
	if err := accept(t, attacker.Store, bob, inv); !errors.Is(err, workspace.ErrInvitationStore) || len(bob.Home.Files) != 0 {
		t.Errorf("a clone: %v, %d files", err, len(bob.Home.Files))
	}
	must(t, accept(t, f.Store, bob, inv))
}

// TestAttack45Guesses: who does not have the line can neither read nor answer an
// invitation; what they put into its mailbox is passed over, and only so much of
// it is looked at.
func TestAttack45Guesses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	info, inv := invite(t, alice, workspace.InvitationRequest{})
	mallory := workspacetest.NewPerson(t, "mallory")
	guess, err := plan.NewInvitation(inv.Terms) // all but the secret
	must(t, err)
	if guess.Mailbox() == inv.Mailbox() || guess.Hash() == inv.Hash() {
		t.Fatal("the mailbox follows from the terms")
	}
	forged, err := guess.Accept(mallory.Me.Card(), alice.Me().UserKey().Public, mallory.Me.Keys())
	must(t, err)
	no, err := guess.Decline()
	must(t, err)
	for _, b := range [][]byte{forged, no, []byte("junk"), {0}, bytes.Repeat([]byte{1}, store.MaxMail)} {
		must(t, f.Store.PutMail(ctx, inv.Mailbox(), b))
	}
	if got := status(t, alice, info.ID).Status; got != workspace.InvitationPending {
		t.Errorf("alice sees %v", got)
	}
	bob := workspacetest.NewPerson(t, "bob")
	must(t, accept(t, f.Store, bob, inv))
	flood := &flooded{Store: f.Store}
	if got := status(t, f.OpenOn("alice", flood), info.ID).Status; got != workspace.InvitationPending || flood.most > 64 {
		t.Errorf("in a flood alice sees %v of %d", got, flood.most)
	}
	_, err = alice.ConfirmInvitation(ctx, info.ID, bob.Me.Member(), true)
	must(t, err)
}

// flooded answers with as much junk as is asked for.
type flooded struct {
	store.Store
	most int
}

func (s *flooded) ListMail(_ context.Context, _ store.Index, limit int) ([]store.Message, error) {
	s.most = max(s.most, limit)
	list := make([]store.Message, limit)
	for i := range list {
		list[i] = store.Message{Data: bytes.Repeat([]byte{byte(i)}, 9000)}
	}
	return list, nil
}
