package hostile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func record(t *testing.T) fieldcrypt.Name {
	t.Helper()
	n, err := fieldcrypt.Record{Connector: "tabular", ID: "r1"}.Name()
	must(t, err)
	return n
}

func seal(t *testing.T, w *workspace.Workspace, field string) string {
	t.Helper()
	k, err := w.WriteKey(t.Context(), field)
	must(t, err)
	token, err := k.Seal(record(t), fieldcrypt.TextValue("078-05-1120"))
	must(t, err)
	return token
}

func reads(t *testing.T, w *workspace.Workspace, token string) error {
	t.Helper()
	ring, _, err := w.Ring(t.Context())
	if err != nil {
		return err
	}
	v, _, err := ring.Open(token, record(t))
	if err == nil && string(v.Data) != "078-05-1120" {
		t.Fatal("opened to something else")
	}
	return err
}

// firm is Alice the officer, Bob the member, and a field "ssn" of Alice's.
func firm(t *testing.T) *workspacetest.Firm {
	t.Helper()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	must(t, f.Open("alice").NewField(t.Context(), "ssn"))
	return f
}

// Attack 1: the recipient's public key is substituted while a field is being
// shared. The store can do so only by showing a log in which Bob's card is
// Mallory's; every way of building one is refused, and nothing is sealed.
func TestAttack1SubstitutedRecipientKey(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	token := seal(t, f.Open("alice"), "ssn")
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, reads(t, f.Open("bob"), token)) // without the attack

	f.Add("alice", "carol", officer.RoleMember)
	mallory := workspacetest.NewPerson(t, "mallory")
	swap := func(sign func(string, []byte) []byte) func(uint64, [][]byte) [][]byte {
		return func(_ uint64, entries [][]byte) [][]byte {
			out := make([][]byte, len(entries))
			for i, b := range entries {
				e, err := officer.DecodeEntry(b)
				must(t, err)
				out[i] = b
				for j, op := range e.Operations {
					if added, ok := op.(*officer.MemberAdded); ok && strings.Contains(string(b), string(f.People["carol"].Me.Card().Card.Bytes())) {
						forged := *added
						forged.Card = mallory.Me.Card().Card.Bytes()
						e.Operations[j] = &forged
						out[i], err = e.Sign(sign)
						must(t, err)
					}
				}
			}
			return out
		}
	}
	for what, attack := range map[string]func(uint64, [][]byte) [][]byte{
		"signed by mallory":   swap(mallory.Me.Keys().Sign),
		"with alice's own":    swap(func(string, []byte) []byte { return make([]byte, 64) }),
		"replayed by a rogue": swap(f.People["bob"].Me.Keys().Sign),
	} {
		bad := &hostile.Store{Store: f.Store, OnRead: attack}
		if w, err := f.TryOpen("alice", bad); err == nil {
			t.Errorf("%s: opened, with members %d", what, len(w.State().Members()))
		}
		delete(f.People["alice"].Home.Files, "organization.cache") // and without a cache
		if _, err := f.TryOpen("alice", bad); err == nil {
			t.Errorf("%s: opened without a cache", what)
		}
		if len(bad.Put) != 0 || len(bad.Appended) != 0 {
			t.Errorf("%s: something was written", what)
		}
		f.Open("alice")
	}
	// Whatever was put for Carol opens with her key alone.
	watch := &hostile.Store{Store: f.Store}
	must(t, f.OpenOn("alice", watch).Grant(ctx, "ssn", "carol@example.com", officer.Read))
	want := plan.MemberRecipient(f.People["carol"].Me.Member(), f.People["carol"].Me.Card().Card.UserKey())
	if len(watch.Put) != 1 {
		t.Fatalf("%d envelopes for one grant", len(watch.Put))
	}
	e, err := envelope.Parse(watch.Put[0].Envelope)
	must(t, err)
	if e.Claims().Recipient.Key != want.Key || watch.Put[0].To != want.Index() {
		t.Error("sealed to another key than Carol's")
	}
}

// Attack 9: the user's own wrapped key is replaced by one that somebody else
// knows. The identity refuses it, whoever signed it.
func TestAttack9OwnKeyReplaced(t *testing.T) {
	t.Parallel()
	id, s, err := keyring.NewIdentity("Alice", "alice@example.com", "laptop")
	must(t, err)
	good, err := keyring.ParseIdentity(id.Encode())
	must(t, err)
	me, err := good.Unlock(s) // without the attack
	must(t, err)

	known, err := datakey.Generate(officer.UserKeyContext(officer.OrganizationID{}, officer.MemberID{}, 1))
	must(t, err)
	mallory := workspacetest.NewPerson(t, "mallory")
	record := me.Keys().Record()
	for who, signer := range map[string]envelope.Signer{"mallory": mallory.Me.Keys(), "the device itself": me.Keys()} {
		sealed, err := envelope.Seal(known, plan.DeviceRecipient(record), record.Encryption, signer)
		must(t, err)
		type file struct {
			_       struct{} `cbor:",toarray"`
			Version uint64
			Card    []byte
			Name    officer.Opening
			Email   officer.Opening
			Device  officer.Opening
			UserKey []byte
		}
		var w file
		must(t, wire.Unmarshal(id.Encode(), &w, 1<<16))
		w.UserKey = sealed
		forged, err := keyring.ParseIdentity(wire.MustMarshal(w))
		must(t, err)
		if _, err := forged.Unlock(s); !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("signed by %s: %v", who, err)
		}
	}
}

// Attack 10: the store returns no keys, or some. The client fails hard: it
// neither makes new keys nor seals to fewer, and writes nothing.
func TestAttack10WithheldKeys(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	must(t, f.Open("alice").NewField(ctx, "phone"))
	token := seal(t, f.Open("alice"), "ssn")
	must(t, reads(t, f.Open("alice"), token)) // without the attack

	none := func(store.Index, [][]byte) [][]byte { return nil }
	onlyDirectory := func(_ store.Index, list [][]byte) [][]byte {
		var out [][]byte
		for _, b := range list {
			if e, err := envelope.Parse(b); err == nil && e.Claims().Context.Kind == wire.KindDirectory {
				out = append(out, b)
			}
		}
		return out
	}
	for what, attack := range map[string]func(store.Index, [][]byte) [][]byte{"none": none, "some": onlyDirectory} {
		bad := &hostile.Store{Store: f.Store, OnList: attack}
		w := f.OpenOn("alice", bad)
		_, sealErr := w.WriteKey(ctx, "ssn")
		_, revokeErr := w.Revoke(ctx, "ssn", "alice@example.com")
		errs := map[string]error{"seal": sealErr, "rotate": w.Rotate(ctx, "ssn"), "grant": w.Grant(ctx, "ssn", "bob@example.com", officer.Read), "revoke": revokeErr}
		if what == "none" {
			errs["new field"] = w.NewField(ctx, "fax")
			errs["add member"] = w.AddMember(ctx, workspacetest.NewPerson(t, "dave").Me.Card(), officer.RoleMember)
		}
		for op, err := range errs {
			if !errors.Is(err, workspace.ErrKeyMissing) {
				t.Errorf("%s, %s: %v", what, op, err)
			}
		}
		if len(bad.Put) != 0 || len(bad.Appended) != 0 {
			t.Errorf("%s: wrote %d envelopes, %d entries", what, len(bad.Put), len(bad.Appended))
		}
		_, owners, err := w.Ring(ctx)
		must(t, err)
		parsed, err := fieldcrypt.Parse([]byte(token))
		must(t, err)
		if o, ok := owners.Find(parsed.KeyID); !ok || !errors.Is(o.Err, workspace.ErrKeyMissing) {
			t.Errorf("%s: the ring passes over the missing key: %v", what, o.Err)
		}
	}
	must(t, reads(t, f.Open("alice"), token)) // nothing was lost
}

// Attack 17: an envelope is re-filed, re-labelled or re-signed. A member who
// is handed others' envelopes, or one that a stranger made for the right
// place, opens nothing by them.
func TestAttack17ForeignEnvelopes(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	token := seal(t, f.Open("alice"), "ssn")
	all := map[store.Index][][]byte{}
	spy := &hostile.Store{Store: f.Store}
	must(t, f.OpenOn("alice", spy).Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, reads(t, f.Open("bob"), token)) // without the attack
	bobIndex := spy.Put[0].To
	all[bobIndex] = append(all[bobIndex], spy.Put[0].Envelope)

	// Alice's envelopes, filed under Bob's name before he was granted anything.
	g := firm(t)
	other := seal(t, g.Open("alice"), "ssn")
	var alices [][]byte
	g.OpenOn("alice", &hostile.Store{Store: g.Store, OnList: func(_ store.Index, l [][]byte) [][]byte {
		alices = append(alices, l...)
		return l
	}}).Fields(ctx)
	if len(alices) == 0 {
		t.Fatal("no envelope was seen")
	}
	bad := &hostile.Store{Store: g.Store, OnList: func(_ store.Index, l [][]byte) [][]byte { return append(l, alices...) }}
	if err := reads(t, g.OpenOn("bob", bad), other); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob reads by alice's envelopes: %v", err)
	}
	// An envelope made by Mallory for Bob's own grant, with a key of hers.
	mallory := workspacetest.NewPerson(t, "mallory")
	good, err := envelope.Parse(spy.Put[0].Envelope)
	must(t, err)
	hers, err := datakey.Generate(good.Claims().Context)
	must(t, err)
	bobKey := f.People["bob"].Me.Card().Card.UserKey()
	forged, err := envelope.Seal(hers, good.Claims().Recipient, bobKey, mallory.Me.Keys())
	must(t, err)
	onlyForged := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, l [][]byte) [][]byte {
		out := [][]byte{forged}
		for _, b := range l {
			if string(b) != string(spy.Put[0].Envelope) {
				out = append(out, b)
			}
		}
		return out
	}}
	if err := reads(t, f.OpenOn("bob", onlyForged), token); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("bob takes mallory's key: %v", err)
	}
	withBoth := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, l [][]byte) [][]byte {
		for range 500 { // a flood does not push the true one out either
			l = append([][]byte{forged}, l...)
		}
		return l
	}}
	must(t, reads(t, f.OpenOn("bob", withBoth), token))
}
