package officer_test

import (
	"bytes"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// Nothing that a store hands out brings a reader down, and nothing is accepted
// in two encodings.

func FuzzDecodeEntry(f *testing.F) {
	for _, b := range busy(f).Log {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := officer.DecodeEntry(b); err == nil && !bytes.Equal(resign(t, e, b), b) {
			t.Fatalf("a second encoding: %x", b)
		}
	})
}

// FuzzParseCard reads bytes as a card, and as the body of a card that alice
// signed: a fuzzer cannot sign.
func FuzzParseCard(f *testing.F) {
	alice := officertest.NewPerson("alice")
	b := alice.File.Card.Bytes()
	var parts []any
	if err := wire.Unmarshal(b, &parts, wire.MaxCard); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(parts[1].([]byte))
	f.Fuzz(func(t *testing.T, b []byte) {
		signature := alice.Device(officertest.FirstDevice).Sign(wire.LabelCard, b)
		for _, b := range [][]byte{b, wire.MustMarshal([]any{wire.Version, b, signature})} {
			c, err := officer.ParseCard(b)
			if err != nil {
				continue
			}
			if !bytes.Equal(c.Bytes(), b) {
				t.Fatal("the card has another encoding")
			}
			again, err := officer.NewCard(c.UserKey(), c.UserKeyCommitment(), c.Device(), c.Name(), c.Email(), func(string, []byte) []byte { return b[len(b)-64:] })
			if err != nil || again.ID() != c.ID() || !bytes.Equal(again.Bytes(), b) {
				t.Fatalf("the card made again differs: %v", err)
			}
		}
	})
}

func FuzzDecodeCardFile(f *testing.F) {
	f.Add(officertest.NewPerson("alice").File.Encode())
	f.Add([]byte("-----BEGIN UNDERSEAL CARD-----\nhAFA\n-----END UNDERSEAL CARD-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := officer.DecodeCardFile(b)
		if err != nil {
			return
		}
		again, err := officer.DecodeCardFile(file.Encode())
		if err != nil || again.Card.ID() != file.Card.ID() || again.Name != file.Name || again.Email != file.Email {
			t.Fatalf("the file written again differs: %v", err)
		}
	})
}

// FuzzReplay changes an entry of a valid log: the bytes of its body at a place
// become others, and its author signs the result.
func FuzzReplay(f *testing.F) {
	o := busy(f)
	prefix := make([]*officer.State, len(o.Log))
	sign := make([]*officertest.Device, len(o.Log))
	devices := map[officer.DeviceID]*officertest.Device{}
	for _, name := range []string{"alice", "bob", "bob/laptop", "bob/kit", "olga", "greta"} {
		devices[o.Author(name).ID()] = o.Author(name)
	}
	for i := range o.Log {
		e, err := officer.DecodeEntry(o.Log[i])
		if err != nil {
			f.Fatal(err)
		}
		if sign[i] = devices[e.Author]; sign[i] == nil {
			f.Fatalf("entry %d is by nobody", i)
		}
		if i > 0 {
			if prefix[i], err = officer.Replay(o.ID, o.Log[:i]); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(uint8(i), uint16(40), []byte{1})
		f.Add(uint8(i), uint16(200), []byte{0x82, 1, 0xa0})
	}
	f.Fuzz(func(t *testing.T, at uint8, where uint16, with []byte) {
		i := int(at) % len(o.Log)
		var parts []any
		if err := wire.Unmarshal(o.Log[i], &parts, wire.MaxEntry); err != nil {
			t.Fatal(err)
		}
		body := parts[1].([]byte)
		copy(body[int(where)%len(body):], with)
		entry := wire.MustMarshal([]any{wire.Version, body, sign[i].Sign(wire.LabelEntry, body)})
		var s *officer.State
		var err error
		if i == 0 {
			s, err = officer.Replay(officer.OrganizationOf(entry), [][]byte{entry})
		} else {
			s, err = prefix[i].Apply(entry)
		}
		if err != nil {
			return
		}
		use(through(t, s))
		if decoded, err := officer.DecodeEntry(entry); err != nil || !bytes.Equal(resign(t, decoded, entry), entry) {
			t.Fatalf("what was applied has another encoding: %v", err)
		}
	})
}

func FuzzDecodeCache(f *testing.F) {
	f.Add(officertest.New(f, "alice").State.EncodeCache())
	f.Add(officertest.New(f, "alice").Do("alice: create directory people; file organization under people", "alice: rotate people").State.EncodeCache())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := officer.DecodeCache(bytes.Clone(b))
		if err != nil {
			return
		}
		if !bytes.Equal(s.EncodeCache(), b) {
			t.Fatal("a second encoding")
		}
		use(s)
	})
}
