package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func putSecret(t *testing.T, w *workspace.Workspace, name, value string, to ...string) {
	t.Helper()
	must(t, w.PutSecret(t.Context(), name, secret.New([]byte(value)), to))
}

// reads tells which secret somebody gets, or the error.
func reads(t *testing.T, w *workspace.Workspace, name string) (string, error) {
	t.Helper()
	s, err := w.Secret(t.Context(), name)
	if err != nil {
		if s != nil {
			t.Error("a secret and an error")
		}
		return "", err
	}
	defer s.Destroy()
	return string(s.Expose()), nil
}

func wantSecret(t *testing.T, w *workspace.Workspace, name, want string) {
	t.Helper()
	if got, err := reads(t, w, name); err != nil || got != want {
		t.Errorf("secret %s: %q, %v", name, got, err)
	}
}

func wantNoSecret(t *testing.T, w *workspace.Workspace, name string, want error) {
	t.Helper()
	if got, err := reads(t, w, name); !errors.Is(err, want) {
		t.Errorf("secret %s: %q, %v, want %v", name, got, err, want)
	}
}

// box is the mailbox of a secret, as spec/secret.md says.
func box(t *testing.T, w *workspace.Workspace, id officer.ResourceID) store.Index {
	t.Helper()
	org := w.Organization()
	return wire.Sum("underseal/v1/secret", wire.MustMarshal([]any{org[:], id[:]}))
}

func mail(t *testing.T, w *workspace.Workspace, id officer.ResourceID) []store.Message {
	t.Helper()
	list, err := w.Store().ListMail(t.Context(), box(t, w, id), 1000)
	must(t, err)
	return list
}

func secretField(t *testing.T, w *workspace.Workspace, name string) workspace.FieldInfo {
	t.Helper()
	f, err := w.SecretField(t.Context(), name)
	must(t, err)
	return f
}

func TestSecret(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	for _, name := range []string{"bob", "carol"} {
		f.Add("alice", name, officer.RoleMember)
	}
	f.Add("alice", "dora", officer.RoleOfficer)
	f.Join("eve")
	alice := f.Open("alice")
	putSecret(t, alice, "clio", "id and secret", "bob@example.com")
	first := secretField(t, alice, "clio")
	wantSecret(t, alice, "clio", "id and secret")
	wantSecret(t, f.Open("bob"), "clio", "id and secret")
	wantNoSecret(t, f.Open("carol"), "clio", workspace.ErrNotGranted)
	wantNoSecret(t, f.Open("eve"), "clio", workspace.ErrNotMember)
	wantNoSecret(t, alice, "clio2", workspace.ErrNoSuch)
	if name, ok := workspace.SecretName(first.Resource); !ok || name != "clio" {
		t.Errorf("the resource is of secret %q", name)
	}

	// It is no field.
	if list := alice.Fields(ctx); len(list) != 0 {
		t.Errorf("%d fields", len(list))
	}
	if ring, _, err := alice.Ring(ctx); err != nil || ring.Len() != 0 {
		t.Errorf("%d keys of fields, %v", ring.Len(), err)
	}
	// And its digest is not in the directory, where others could guess by it.
	if _, ok := f.Open("carol").Text(ctx, first.Label, officer.TextLabel); ok {
		t.Error("carol reads the label")
	}

	// The same value again changes nothing but who may have it.
	head := alice.State().Head()
	putSecret(t, alice, "clio", "id and secret", "bob@example.com")
	if alice.State().Head() != head {
		t.Error("the same value made an entry")
	}
	putSecret(t, alice, "clio", "id and secret", "carol@example.com")
	if secretField(t, alice, "clio").ID != first.ID {
		t.Error("the same value made another resource")
	}
	wantSecret(t, f.Open("carol"), "clio", "id and secret")

	// Another value takes its place for all who had it, by another officer too.
	dora := f.Open("dora")
	putSecret(t, dora, "clio", "the next")
	for _, name := range []string{"alice", "bob", "carol", "dora"} {
		wantSecret(t, f.Open(name), "clio", "the next")
	}
	alice = f.Open("alice")
	if got, err := alice.FieldByID(ctx, first.ID); err != nil || !got.Ended {
		t.Errorf("the one before has ended: %v, %v", got.Ended, err)
	}
	if n := len(mail(t, alice, first.ID)); n != 0 {
		t.Errorf("%d messages are left of it", n)
	}

	// Whoever is taken out gets the next value no more.
	next := secretField(t, alice, "clio")
	if _, err := f.Open("dora").RevokeOf(ctx, next.ID, "bob@example.com"); err != nil {
		t.Fatal(err)
	}
	putSecret(t, f.Open("dora"), "clio", "the third")
	wantNoSecret(t, f.Open("bob"), "clio", workspace.ErrNotGranted)
	wantSecret(t, f.Open("carol"), "clio", "the third")

	must(t, f.Open("dora").EndField(ctx, secretField(t, f.Open("dora"), "clio").ID))
	wantNoSecret(t, f.Open("carol"), "clio", workspace.ErrNoSuch)
	putSecret(t, f.Open("dora"), "clio", "the fourth")
	wantSecret(t, f.Open("dora"), "clio", "the fourth")
	if _, err := f.Open("dora").VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

func TestSecretRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	for what, value := range map[string]string{"empty": "", "too long": strings.Repeat("x", workspace.MaxSecret+1)} {
		if err := alice.PutSecret(ctx, "clio", secret.New([]byte(value)), nil); !errors.Is(err, workspace.ErrSecretSize) {
			t.Errorf("%s: %v", what, err)
		}
	}
	long := strings.Repeat("x", workspace.MaxSecret)
	putSecret(t, alice, "long", long)
	wantSecret(t, alice, "long", long)
	for what, name := range map[string]string{"no name": "", "a long name": long} {
		if err := alice.PutSecret(ctx, name, secret.New([]byte("x")), nil); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
	if err := alice.PutSecret(ctx, "clio", secret.New([]byte("x")), []string{"nobody@example.com"}); !errors.Is(err, workspace.ErrNoSuch) {
		t.Errorf("to nobody: %v", err)
	}
	wantNoSecret(t, alice, "clio", workspace.ErrNoSuch)
	if err := f.Open("bob").PutSecret(ctx, "clio", secret.New([]byte("x")), nil); !errors.Is(err, officer.ErrAuthority) {
		t.Errorf("by a member: %v", err)
	}
	if _, err := alice.NewFieldAt(ctx, "clio", officer.Binding{Connector: "underseal", Kind: "secret", ID: "clio"}, nil); !errors.Is(err, officer.ErrOperation) {
		t.Errorf("a field in the place of a secret: %v", err)
	}
}

// mailStore lets a test say what mailboxes hold.
type mailStore struct {
	store.Store
	list func(box store.Index, honest []store.Message) []store.Message
}

func (s *mailStore) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	list, err := s.Store.ListMail(ctx, box, limit)
	if err != nil {
		return nil, err
	}
	return s.list(box, list), nil
}

// TestHostileSecret: a store that swaps, alters, withholds, sets back or
// smuggles gets no value accepted but the one that the log has in force.
func TestHostileSecret(t *testing.T) {
	t.Parallel()
	foreign := workspacetest.NewFirm(t, "alice")
	putSecret(t, foreign.Open("alice"), "clio", "of another firm")
	theirs := mail(t, foreign.Open("alice"), secretField(t, foreign.Open("alice"), "clio").ID)

	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	alice := f.Open("alice")
	putSecret(t, alice, "clio", "the first", "bob@example.com")
	older := mail(t, alice, secretField(t, alice, "clio").ID)
	putSecret(t, alice, "clio", "in force")
	putSecret(t, alice, "imap", "another secret", "bob@example.com")
	clio := secretField(t, alice, "clio")
	other := mail(t, alice, secretField(t, alice, "imap").ID)
	newest := mail(t, alice, clio.ID)
	if len(older) != 1 || len(other) != 1 || len(newest) != 1 || len(theirs) != 1 {
		t.Fatalf("%d, %d, %d and %d messages", len(older), len(other), len(newest), len(theirs))
	}

	// What somebody with the key could make.
	key, err := alice.WriteKeyOf(t.Context(), clio.ID)
	must(t, err)
	forged := func(record fieldcrypt.Record, v fieldcrypt.Value) []store.Message {
		t.Helper()
		n, err := record.Name()
		must(t, err)
		token, err := key.Seal(n, v)
		must(t, err)
		return []store.Message{{Data: []byte(token)}}
	}
	its := fieldcrypt.Record{Connector: "underseal", Kind: "secret", ID: "clio"}
	binary := func(s string) fieldcrypt.Value { return fieldcrypt.Value{Type: fieldcrypt.Binary, Data: []byte(s)} }
	draft, err := key.Seal(fieldcrypt.NewDraft(), binary("in force"))
	must(t, err)
	elsewhere := its
	elsewhere.ID = "imap"
	flipped := func(i int) []store.Message {
		b := slices.Clone(newest[0].Data)
		b[i] ^= 1
		return []store.Message{{Data: b}}
	}
	for what, list := range map[string][]store.Message{
		"withheld":                           nil,
		"swapped":                            other,
		"set back":                           older,
		"of another firm":                    theirs,
		"prefix altered":                     flipped(0),
		"key id altered":                     flipped(8),
		"end altered":                        flipped(len(newest[0].Data) - 2),
		"cut short":                          {{Data: newest[0].Data[:len(newest[0].Data)-4]}},
		"no token":                           {{Data: []byte("in force")}},
		"a draft":                            {{Data: []byte(draft)}},
		"another value by a reader":          forged(its, binary("forged")),
		"the value as text by a reader":      forged(its, fieldcrypt.TextValue("in force")),
		"the value of another record":        forged(elsewhere, binary("in force")),
		"an empty value by a reader":         forged(its, binary("")),
		"a value that is too long, likewise": forged(its, binary(strings.Repeat("x", workspace.MaxSecret+1))),
	} {
		lies := func(honest bool) store.Store {
			return &mailStore{f.Store, func(b store.Index, all []store.Message) []store.Message {
				if b != box(t, alice, clio.ID) {
					return all
				}
				if honest {
					return slices.Concat(list, all)
				}
				return list
			}}
		}
		for _, who := range []string{"alice", "bob"} {
			if got, err := reads(t, f.OpenOn(who, lies(false)), "clio"); !errors.Is(err, workspace.ErrSecretMissing) {
				t.Errorf("%s, %s: %q, %v", what, who, got, err)
			}
			if got, err := reads(t, f.OpenOn(who, lies(true)), "clio"); err != nil || got != "in force" {
				t.Errorf("%s beside the true one, %s: %q, %v", what, who, got, err)
			}
		}
	}
	// The value again by a reader is the value.
	same := &mailStore{f.Store, func(store.Index, []store.Message) []store.Message { return forged(its, binary("in force")) }}
	wantSecret(t, f.OpenOn("bob", same), "clio", "in force")
}

// TestSecretSealedAgain: after a rotation whoever may write seals the value
// under the present epoch, and the message before goes; a reader does not.
func TestSecretSealedAgain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	f.Add("alice", "carol", officer.RoleMember)
	alice := f.Open("alice")
	putSecret(t, alice, "clio", "id and secret", "bob@example.com", "carol@example.com")
	s := secretField(t, alice, "clio")
	before := mail(t, alice, s.ID)
	if closed, err := alice.RevokeOf(ctx, s.ID, "carol@example.com"); err != nil || closed {
		t.Fatal(closed, err)
	}
	wantSecret(t, f.Open("bob"), "clio", "id and secret")
	if got := mail(t, alice, s.ID); len(got) != 1 || !bytes.Equal(got[0].Data, before[0].Data) {
		t.Fatal("a reader changed the mailbox")
	}
	// Where it cannot be written, it is read all the same.
	wantSecret(t, f.OpenOn("alice", readOnlyMail{f.Store}), "clio", "id and secret")
	if got := mail(t, alice, s.ID); len(got) != 1 || !bytes.Equal(got[0].Data, before[0].Data) {
		t.Fatal("the mailbox changed though it cannot be written")
	}
	wantSecret(t, f.Open("alice"), "clio", "id and secret")
	after := mail(t, alice, s.ID)
	if len(after) != 1 || bytes.Equal(after[0].Data, before[0].Data) {
		t.Fatalf("%d messages", len(after))
	}
	if a, b := mustParse(t, string(after[0].Data)).KeyID, secretField(t, f.Open("alice"), "clio").Epoch().Commitment; !bytes.Equal(a[:], b[:8]) {
		t.Error("not under the present epoch")
	}
	wantSecret(t, f.Open("bob"), "clio", "id and secret")
	// The earlier message, which a store may have kept, is the same value.
	kept := &mailStore{f.Store, func(store.Index, []store.Message) []store.Message { return before }}
	wantSecret(t, f.OpenOn("bob", kept), "clio", "id and secret")
	wantNoSecret(t, f.OpenOn("carol", kept), "clio", workspace.ErrNotGranted)
}

// readOnlyMail refuses to write messages.
type readOnlyMail struct{ store.Store }

func (readOnlyMail) PutMail(context.Context, store.Index, []byte) error { return store.ErrReadOnly }

func (readOnlyMail) DeleteMail(context.Context, store.Index, wire.Hash) error {
	return store.ErrReadOnly
}

// TestSecretWithoutExpired: whoever cannot be sealed to now keeps nobody else
// from the next value, and does not get it.
func TestSecretWithoutExpired(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	greta := f.Join("greta")
	alice := f.Open("alice")
	putSecret(t, alice, "clio", "old", "bob@example.com")
	me := f.People["alice"].Me
	entry, err := officer.Entry{
		Organization: f.ID, Sequence: alice.State().Head().Length, Previous: alice.State().Head().Hash, Time: workspacetest.Clock(), Author: me.Keys().ID(),
		Operations: []officer.Operation{
			&officer.MemberAdded{Card: greta.Me.Card().Card.Bytes(), Role: officer.RoleGuest, Expires: uint64(workspacetest.Clock().Unix()) + 60},
			&officer.Grant{Resource: secretField(t, alice, "clio").ID, Principal: officer.MemberPrincipal(greta.Me.Member()), Rights: officer.Read},
		},
	}.Sign(me.Keys().Sign)
	must(t, err)
	must(t, f.Store.Append(ctx, alice.State().Head().Length, entry))

	later := f.People["alice"].Config(f.Store)
	later.Now = func() time.Time { return workspacetest.Clock().Add(time.Hour) }
	alice, err = workspace.Open(ctx, later)
	must(t, err)
	putSecret(t, alice, "clio", "new")
	wantSecret(t, f.Open("bob"), "clio", "new")
	if got := secretField(t, alice, "clio"); len(got.Grants) != 2 || got.Resource.Rights(officer.MemberPrincipal(greta.Me.Member())) != 0 {
		t.Errorf("%d are granted the next value", len(got.Grants))
	}
	wantNoSecret(t, f.Open("greta"), "clio", workspace.ErrNotGranted)
}

// TestSecretFlood: who may write into the store fills the mailbox. The value
// is found, and the only message that holds it is not deleted for one that
// nobody would find.
func TestSecretFlood(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	alice := f.Open("alice")
	putSecret(t, alice, "clio", "id and secret")
	s := secretField(t, alice, "clio")
	for i := range 100 {
		must(t, f.Store.PutMail(ctx, box(t, alice, s.ID), []byte{'x', byte(i)}))
	}
	must(t, alice.RotateOf(ctx, s.ID))
	for range 3 {
		wantSecret(t, f.Open("alice"), "clio", "id and secret")
	}
}

// TestSecretFaults puts a secret in the place of another while every store
// call fails in every way: at every instant one of the two is there.
func TestSecretFaults(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	fresh := func(t *testing.T) store.Store {
		f = workspacetest.NewFirm(t, "alice")
		f.Add("alice", "bob", officer.RoleMember)
		putSecret(t, f.Open("alice"), "clio", "old", "bob@example.com")
		return f.Store
	}
	put := func(ctx context.Context, w *workspace.Workspace) error {
		return w.PutSecret(ctx, "clio", secret.New([]byte("new")), nil)
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			err = put(ctx, w)
		}
		if fault == nil && err != nil {
			t.Fatal(err)
		}
		if err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Errorf("an error of its own: %v", err)
		}
		got, readErr := reads(t, f.OpenOn("bob", under), "clio")
		if readErr != nil || got != "new" && (err == nil || got != "old") {
			t.Errorf("bob reads %q, %v, after %v", got, readErr, err)
		}
		must(t, put(ctx, f.OpenOn("alice", under)))
		wantSecret(t, f.OpenOn("bob", under), "clio", "new")
		wantSecret(t, f.OpenOn("alice", under), "clio", "new")
	})
}
