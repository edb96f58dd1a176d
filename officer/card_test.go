package officer_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

func TestCard(t *testing.T) {
	t.Parallel()
	p := officertest.NewPerson("alice")
	c := p.File.Card
	again, err := officer.ParseCard(c.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	d := p.Device(officertest.FirstDevice)
	if again.ID() != c.ID() || !bytes.Equal(again.Bytes(), c.Bytes()) || again.Device().ID() != d.ID() ||
		!bytes.Equal(again.UserKey(), p.PrivateKey(officer.OrganizationID{}, 1).Public()) ||
		again.UserKeyCommitment() != p.UserKey(officer.OrganizationID{}, 1).Commitment() ||
		!bytes.Equal(again.SigningKey(), d.Record.Signing) ||
		again.Name() != p.File.Name.Commitment() || again.Email() != p.File.Email.Commitment() {
		t.Errorf("the card came back changed")
	}
	// What a card hands out is a copy.
	c.Bytes()[10] ^= 1
	c.UserKey()[10] ^= 1
	c.SigningKey()[10] ^= 1
	if !bytes.Equal(again.Bytes(), c.Bytes()) || !bytes.Equal(again.UserKey(), c.UserKey()) || !bytes.Equal(again.SigningKey(), c.SigningKey()) {
		t.Error("a card was changed from outside")
	}
	b := c.Bytes()
	for i := 0; i < len(b); i += 3 {
		b[i] ^= 0x10
		if _, err := officer.ParseCard(b); !errors.Is(err, officer.ErrCard) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		b[i] ^= 0x10
	}
	// Signed by another key than the one on it.
	mallory := officertest.NewPerson("mallory").Device(officertest.FirstDevice)
	if _, err := officer.NewCard(c.UserKey(), c.UserKeyCommitment(), d.Record, c.Name(), c.Email(), mallory.Sign); !errors.Is(err, officer.ErrCard) {
		t.Errorf("another's signature: %v", err)
	}
}

func TestCardFile(t *testing.T) {
	t.Parallel()
	f := officertest.NewPerson("alice").File
	text := f.Encode()
	for name, good := range map[string][]byte{
		"as written":         text,
		"a mail around it":   slices.Concat([]byte("Dear Bob,\n\n"), text, []byte("\nYours, Alice\n")),
		"line ends as CR LF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
	} {
		got, err := officer.DecodeCardFile(good)
		if err != nil || got.Card.ID() != f.Card.ID() || got.Name != f.Name || got.Email != f.Email {
			t.Errorf("%s: %v", name, err)
		}
	}
	block, _ := pem.Decode(text)
	with := func(change func(*pem.Block)) []byte {
		b := *block
		b.Bytes = slices.Clone(b.Bytes)
		change(&b)
		return pem.EncodeToMemory(&b)
	}
	encoded := func(name, email officer.Opening) []byte {
		return officer.CardFile{Card: f.Card, Name: name, Email: email}.Encode()
	}
	renamed, empty := f.Name, officer.Opening{Kind: officer.TextName}
	renamed.Text = "Mallory"
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"nothing":                   {nil, officer.ErrCard},
		"no block":                  {[]byte("hello"), officer.ErrCard},
		"another kind of block":     {with(func(b *pem.Block) { b.Type = "CERTIFICATE" }), officer.ErrCard},
		"headers":                   {with(func(b *pem.Block) { b.Headers = map[string]string{"Name": "Bob"} }), officer.ErrCard},
		"two cards":                 {slices.Concat(text, officertest.NewPerson("bob").File.Encode()), officer.ErrCard},
		"a byte more":               {with(func(b *pem.Block) { b.Bytes = append(b.Bytes, 0) }), wire.ErrMalformed},
		"a byte less":               {with(func(b *pem.Block) { b.Bytes = b.Bytes[:len(b.Bytes)-1] }), wire.ErrMalformed},
		"a changed card":            {with(func(b *pem.Block) { b.Bytes[100] ^= 1 }), officer.ErrCard},
		"too long":                  {append(slices.Clone(text), bytes.Repeat([]byte(" "), 3*wire.MaxCard)...), wire.ErrTooLarge},
		"a block too long":          {with(func(b *pem.Block) { b.Bytes = append([]byte{0x84, 1}, make([]byte, 2*wire.MaxCard)...) }), wire.ErrTooLarge},
		"another name":              {encoded(renamed, f.Email), officer.ErrOpening},
		"name and email swapped":    {encoded(f.Email, f.Name), officer.ErrOpening},
		"another person's email":    {encoded(f.Name, officertest.NewPerson("bob").File.Email), officer.ErrOpening},
		"the name of nobody":        {encoded(empty, f.Email), officer.ErrOpening},
		"a name where the email is": {encoded(f.Name, f.Name), officer.ErrOpening},
	} {
		if _, err := officer.DecodeCardFile(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	newer := with(func(b *pem.Block) { b.Bytes[1] = 2 })
	if _, err := officer.DecodeCardFile(newer); !errors.As(err, new(*wire.VersionError)) {
		t.Errorf("a newer version: %v", err)
	}
}

// A text that may not be shown is refused even by somebody who committed to it.
func TestCardFileTexts(t *testing.T) {
	t.Parallel()
	p := officertest.NewPerson("alice")
	d := p.Device(officertest.FirstDevice)
	for name, text := range map[string]string{"empty": "", "too long": strings.Repeat("x", wire.MaxText+1)} {
		opening := officer.Opening{Kind: officer.TextName, Text: text}
		c, err := officer.NewCard(p.File.Card.UserKey(), p.File.Card.UserKeyCommitment(), d.Record, opening.Commitment(), p.File.Email.Commitment(), d.Sign)
		if err != nil {
			t.Fatal(err)
		}
		_, err = officer.DecodeCardFile(officer.CardFile{Card: c, Name: opening, Email: p.File.Email}.Encode())
		if !errors.Is(err, officer.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
