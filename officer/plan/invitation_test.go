package plan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

func goodTerms() plan.Terms {
	return plan.Terms{
		Organization: officer.OrganizationID{1}, Inviter: officer.MemberID{2}, Head: officer.Head{Length: 3, Hash: officer.Hash{4}},
		Expires: time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC), Store: "dir:/srv/firm",
	}
}

func newInvitation(t testing.TB, terms plan.Terms) *plan.Invitation {
	t.Helper()
	inv, err := plan.NewInvitation(terms)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestInvitationLine: a line gives back its terms, mailbox and hash, however it
// is spelled or surrounded, and is within its bounds.
func TestInvitationLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := plan.Terms{
			Head:    officer.Head{Length: rapid.Uint64Min(1).Draw(t, "length")},
			Expires: time.Unix(rapid.Int64Range(1, 253402300799).Draw(t, "expires"), 0).UTC(),
			Store:   rapid.StringMatching(`dir:[!-~]{1,316}`).Draw(t, "store"),
		}
		copy(terms.Organization[:], rapid.SliceOfN(rapid.ByteMin(1), 32, 32).Draw(t, "organization"))
		copy(terms.Inviter[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "inviter"))
		copy(terms.Head.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		inv, err := plan.NewInvitation(terms)
		if err != nil {
			t.Fatal(err)
		}
		text := string(inv.Line().Expose())
		if len(text) > 842 || !strings.HasPrefix(text, plan.InvitationPrefix+"1") {
			t.Fatalf("%d characters", len(text))
		}
		for _, spelled := range []string{text, strings.ToUpper(text), " \t\r\n" + text + "\r\n"} {
			again, err := plan.ParseInvitation(secret.New([]byte(spelled)))
			if err != nil || again.Terms != terms || again.Hash() != inv.Hash() || again.Mailbox() != inv.Mailbox() {
				t.Fatalf("read as %+v, %v", again, err)
			}
		}
	})
}

// TestInvitationLineAltered: no single character can be another one, be left
// out, or stand twice.
func TestInvitationLineAltered(t *testing.T) {
	t.Parallel()
	text := string(newInvitation(t, goodTerms()).Line().Expose())
	refused := func(what, s string) {
		t.Helper()
		if _, err := plan.ParseInvitation(secret.New([]byte(s))); !errors.Is(err, plan.ErrInvitation) || strings.Contains(err.Error(), text[20:40]) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range text {
		for _, c := range "qp0" {
			if rune(text[i]) != c {
				refused("altered", text[:i]+string(c)+text[i+1:])
			}
		}
		refused("left out", text[:i]+text[i+1:])
		refused("twice", text[:i+1]+text[i:])
		refused("cut", text[:i])
	}
	for n := 1; n < 20; n++ { // what Bech32 itself does not find
		refused("q inserted", text[:len(text)-1]+strings.Repeat("q", n)+text[len(text)-1:])
	}
	refused("inside a link", "https://example.com/"+text)
	refused("mixed case", strings.ToUpper(text[:17])+text[17:])
}

func TestInvitationTermsRefused(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*plan.Terms){
		"no organization":      func(t *plan.Terms) { t.Organization = officer.OrganizationID{} },
		"no log":               func(t *plan.Terms) { t.Head.Length = 0 },
		"no time":              func(t *plan.Terms) { t.Expires = time.Unix(0, 0) },
		"a time in year 10000": func(t *plan.Terms) { t.Expires = time.Unix(253402300800, 0) },
		"no store":             func(t *plan.Terms) { t.Store = "" },
		"a store of two lines": func(t *plan.Terms) { t.Store = "dir:/srv\n/firm" },
		"a store of 321 bytes": func(t *plan.Terms) { t.Store = strings.Repeat("x", 321) },
	} {
		terms := goodTerms()
		change(&terms)
		if _, err := plan.NewInvitation(terms); !errors.Is(err, plan.ErrInvitation) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestInvitationTermsAreBound: whoever alters a term looks elsewhere.
func TestInvitationTermsAreBound(t *testing.T) {
	t.Parallel()
	inv := newInvitation(t, goodTerms())
	b := inv.Encode().Expose()
	boxes := map[officer.Hash]bool{inv.Mailbox(): true}
	altered := 0
	for i := 4; i < len(b); i++ {
		other := bytes.Clone(b)
		other[i] ^= 1
		o, err := plan.DecodeInvitation(secret.New(other))
		if err != nil {
			continue
		}
		altered++
		if boxes[o.Mailbox()] || o.Hash() == inv.Hash() {
			t.Errorf("byte %d does not matter", i)
		}
		boxes[o.Mailbox()] = true
	}
	if altered < 140 {
		t.Errorf("only %d bytes were altered", altered)
	}
}

func opening(t testing.TB, kind officer.TextKind, text string) officer.Opening {
	t.Helper()
	o, err := keyring.NewOpening(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func goodMessage(t testing.TB) plan.InvitationMessage {
	t.Helper()
	return plan.InvitationMessage{
		Role: officer.RoleMember, Organization: opening(t, officer.TextOrganization, "Example LLP"), Name: opening(t, officer.TextName, "Alice"),
		Email: opening(t, officer.TextEmail, "alice@example.com"), Groups: []officer.Opening{opening(t, officer.TextGroup, "litigation")},
	}
}

// TestInvitationMail: message, yes and no open for their invitation alone, have
// one length, and no bit of them can be another.
func TestInvitationMail(t *testing.T) {
	t.Parallel()
	alice, bob := newPerson(t, "alice").u, newPerson(t, "bob").u
	terms := goodTerms()
	terms.Inviter = alice.Member()
	inv, other := newInvitation(t, terms), newInvitation(t, terms)
	key := func(h officer.Hash) (*envelope.PrivateKey, error) {
		if p := alice.FirstUserKey().Private; p.Hash() == h {
			return p, nil
		}
		return nil, envelope.ErrOpen
	}
	message, err := inv.SealMessage(goodMessage(t))
	if err != nil {
		t.Fatal(err)
	}
	yes, err := inv.Accept(bob.Card(), alice.FirstUserKey().Private.Public(), bob.Keys())
	if err != nil {
		t.Fatal(err)
	}
	no, err := inv.Decline()
	if err != nil {
		t.Fatal(err)
	}
	if len(message) != len(yes) || len(yes) != len(no) || len(yes) > wire.MaxMail {
		t.Errorf("%d, %d and %d bytes", len(message), len(yes), len(no))
	}
	if m, err := inv.OpenMessage(message); err != nil || m.Email.Text != "alice@example.com" || len(m.Groups) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if a, err := inv.OpenAnswer(yes, key); err != nil || a.Declined || a.Card.Card.ID() != bob.Member() || a.Card.Email.Text != "bob@example.com" {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := inv.OpenAnswer(no, key); err != nil || !a.Declined || a.Card.Card != nil {
		t.Errorf("%+v, %v", a, err)
	}
	refused := func(what string, i *plan.Invitation, b []byte) {
		t.Helper()
		if _, err := i.OpenMessage(b); !errors.Is(err, plan.ErrInvitation) && string(b) != string(message) {
			t.Errorf("%s as a message: %v", what, err)
		}
		if _, err := i.OpenAnswer(b, key); !errors.Is(err, plan.ErrInvitation) {
			t.Errorf("%s as an answer: %v", what, err)
		}
	}
	for _, b := range [][]byte{yes, no, message} {
		refused("of another invitation", other, b)
		for i := 0; i < len(b); i += 211 {
			altered := bytes.Clone(b)
			altered[i] ^= 1
			refused("altered", inv, altered)
		}
		refused("cut", inv, b[:len(b)-1])
		refused("longer", inv, append(bytes.Clone(b), 0))
	}
	refused("message", inv, message)
	refused("nothing", inv, nil)
	refused("too long", inv, make([]byte, wire.MaxMail+1))
	// The officer's key that it was sealed to is not there.
	if _, err := inv.OpenAnswer(yes, func(officer.Hash) (*envelope.PrivateKey, error) { return nil, envelope.ErrOpen }); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("no key: %v", err)
	}
	// Another's card, signed by oneself.
	eve := newPerson(t, "eve").u
	stolen, err := inv.Accept(bob.Card(), alice.FirstUserKey().Private.Public(), eve.Keys())
	if err != nil {
		t.Fatal(err)
	}
	refused("somebody else's card", inv, stolen)
}

func TestInvitationMessageRefused(t *testing.T) {
	t.Parallel()
	inv := newInvitation(t, goodTerms())
	for what, change := range map[string]func(*plan.InvitationMessage){
		"no role":                func(m *plan.InvitationMessage) { m.Role = 0 },
		"unknown role":           func(m *plan.InvitationMessage) { m.Role = 4 },
		"a name for an email":    func(m *plan.InvitationMessage) { m.Email = m.Name },
		"an email for a group":   func(m *plan.InvitationMessage) { m.Groups[0] = m.Email },
		"a name of two lines":    func(m *plan.InvitationMessage) { m.Name.Text = "a\nb" },
		"seventeen groups":       func(m *plan.InvitationMessage) { m.Groups = make([]officer.Opening, 17) },
		"no organization":        func(m *plan.InvitationMessage) { m.Organization = officer.Opening{} },
		"an invisible in a name": func(m *plan.InvitationMessage) { m.Name.Text = "a\u202eb" },
	} {
		m := goodMessage(t)
		change(&m)
		if _, err := inv.SealMessage(m); !errors.Is(err, plan.ErrInvitation) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzParseInvitation: what is read is written as it was.
func FuzzParseInvitation(f *testing.F) {
	f.Add(fixedLine())
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := plan.ParseInvitation(secret.New([]byte(text)))
		if err != nil {
			if !errors.Is(err, plan.ErrInvitation) {
				t.Errorf("an error of its own: %v", err)
			}
			return
		}
		if got, want := string(inv.Line().Expose()), strings.ToLower(strings.Trim(text, " \t\r\n")); got != want {
			t.Errorf("%q is written as %q", want, got)
		}
	})
}

// FuzzDecodeInvitation is FuzzParseInvitation behind the checksum.
func FuzzDecodeInvitation(f *testing.F) {
	b, err := bech32text.DecodeUpTo(plan.InvitationPrefix, plan.MaxInvitation, fixedLine())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		inv, err := plan.DecodeInvitation(secret.New(b))
		if err != nil {
			if !errors.Is(err, plan.ErrInvitation) {
				t.Errorf("an error of its own: %v", err)
			}
			return
		}
		if !bytes.Equal(inv.Encode().Expose(), b) || inv.Mailbox() == inv.Hash() {
			t.Errorf("%x is written as %x", b, inv.Encode().Expose())
		}
	})
}

// FuzzInvitationMail reads mail, and what whoever has the line could seal.
func FuzzInvitationMail(f *testing.F) {
	inv, err := plan.ParseInvitation(secret.New([]byte(fixedLine())))
	if err != nil {
		f.Fatal(err)
	}
	terms := wire.Sum(wire.LabelInvite, wire.MustMarshal([]any{
		inv.Organization, inv.Inviter, inv.Head.Length, inv.Head.Hash, uint64(inv.Expires.Unix()), inv.Store,
	}))
	key, err := datakey.New(wire.KeyContext{Organization: inv.Organization, Resource: terms[:], Kind: wire.KindInvitation, Epoch: 1}, secret.New(inv.Encode().Expose()[4:36]))
	if err != nil || key.Commitment() != inv.Hash() {
		f.Fatal("not the keys of the invitation")
	}
	f.Add(wire.MustMarshal([]any{uint8(2), []byte{}, []byte{}, []byte{}}), false)
	f.Fuzz(func(t *testing.T, content []byte, raw bool) {
		mail := content
		if !raw {
			if len(content) > 30000 {
				return
			}
			padded := append(bytes.Clone(content), 0x80)
			padded = append(padded, make([]byte, (8192-len(padded)%8192)%8192)...)
			sealed, err := key.Seal(wire.LabelInviteAnswer, padded, nil)
			if err != nil {
				t.Fatal(err)
			}
			mail = wire.MustMarshal([]any{uint64(1), sealed})
		}
		a, err := inv.OpenAnswer(mail, func(officer.Hash) (*envelope.PrivateKey, error) { return nil, envelope.ErrOpen })
		if err == nil && (!a.Declined || raw) {
			t.Errorf("accepted without a key: %+v", a)
		}
		if err != nil && !errors.Is(err, plan.ErrInvitation) && !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("an error of its own: %v", err)
		}
		if _, err := inv.OpenMessage(mail); !errors.Is(err, plan.ErrInvitation) {
			t.Errorf("an answer is a message: %v", err)
		}
	})
}

// fixedLine is a line that is the same in every run.
func fixedLine() string {
	return bech32text.Encode(plan.InvitationPrefix, wire.MustMarshal([]any{uint64(1), bytes.Repeat([]byte{7}, 32), []any{
		bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), uint64(3), bytes.Repeat([]byte{4}, 32), uint64(1772960400), "dir:/srv/firm",
	}}))
}
