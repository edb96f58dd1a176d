package envelope

import (
	"bytes"
	"errors"
	"testing"

	"github.com/underseal/underseal/internal/wire"
)

// Data of a newer version is named, and nothing of it is looked at.
func TestAttack37UnknownVersion(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	for _, v := range []byte{2, 23} {
		b := bytes.Clone(s.sealed)
		b[1] = v
		var ve *VersionError
		if e, err := Parse(b); !errors.As(err, &ve) || ve.Version != uint64(v) || ve.Format != "envelope" || e != nil {
			t.Errorf("version %d: %v", v, err)
		}
	}
	b := bytes.Clone(s.sealed)
	b[1] = 0
	if _, err := Parse(b); !errors.Is(err, wire.ErrMalformed) || errors.As(err, new(*VersionError)) {
		t.Errorf("version 0: %v", err)
	}
}

// One envelope has one encoding, of bounded size.
func TestAttack39OtherEncodings(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	w := parse(t, s.sealed).w
	with := func(change func(w *envelopeWire)) []byte {
		c := w
		change(&c)
		return wire.MustMarshal(c)
	}
	info := w.Info
	list := func(items ...any) []byte { return wire.MustMarshal(items) }
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":                   {nil, ErrMalformed},
		"one byte":                  {[]byte{0x85}, ErrMalformed},
		"too large":                 {append(bytes.Clone(s.sealed), make([]byte, wire.MaxEnvelope)...), ErrTooLarge},
		"a trailing byte":           {append(bytes.Clone(s.sealed), 0), ErrMalformed},
		"cut short":                 {s.sealed[:len(s.sealed)-1], ErrMalformed},
		"four parts":                {list(1, w.Info, w.Enc, w.CT), ErrMalformed},
		"six parts":                 {list(1, w.Info, w.Enc, w.CT, w.Signature, w.Signature), ErrMalformed},
		"text for bytes":            {list(1, string(info[:0])+"a", w.Enc, w.CT, w.Signature), ErrMalformed},
		"long length":               {longLength(s.sealed), ErrMalformed},
		"no info":                   {with(func(w *envelopeWire) { w.Info = nil }), ErrMalformed},
		"info with a trailing byte": {with(func(w *envelopeWire) { w.Info = append(bytes.Clone(info), 0) }), ErrMalformed},
		"info of another label": {with(func(w *envelopeWire) {
			w.Info = bytes.Replace(info, []byte(wire.LabelEnvelope), []byte("underseal/v1/envelopf"), 1)
		}), ErrMalformed},
		"short encapsulation":  {with(func(w *envelopeWire) { w.Enc = w.Enc[1:] }), ErrMalformed},
		"long encapsulation":   {with(func(w *envelopeWire) { w.Enc = append(bytes.Clone(w.Enc), 0) }), ErrMalformed},
		"short ciphertext":     {with(func(w *envelopeWire) { w.CT = w.CT[1:] }), ErrMalformed},
		"long ciphertext":      {with(func(w *envelopeWire) { w.CT = append(bytes.Clone(w.CT), 0) }), ErrMalformed},
		"short signature":      {with(func(w *envelopeWire) { w.Signature = w.Signature[1:] }), ErrMalformed},
		"long signature":       {with(func(w *envelopeWire) { w.Signature = append(bytes.Clone(w.Signature), 0) }), ErrMalformed},
		"encapsulation absent": {with(func(w *envelopeWire) { w.Enc = nil }), ErrMalformed},
	} {
		if e, err := Parse(c.b); !errors.Is(err, c.want) || e != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// longLength writes the length of the info in four bytes instead of one or two.
func longLength(b []byte) []byte {
	if b[2] == 0x58 {
		return append([]byte{b[0], b[1], 0x5a, 0, 0, 0, b[3]}, b[4:]...)
	}
	return append([]byte{b[0], b[1], 0x5a, 0, 0, b[3], b[4]}, b[5:]...)
}

// FuzzParse: what is accepted is the one encoding of what it says, and opening
// it does not panic; only the seed itself opens.
func FuzzParse(f *testing.F) {
	s := newScene(f)
	f.Add(s.sealed)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			return
		}
		if len(b) > wire.MaxEnvelope {
			t.Fatalf("%d bytes accepted", len(b))
		}
		if again := wire.MustMarshal(e.w); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, which is encoded %x", b, again)
		}
		if again := e.Claims().Encode(); !bytes.Equal(again, e.w.Info) {
			t.Fatalf("accepted info %x, which is encoded %x", e.w.Info, again)
		}
		k, err := e.Open(s.member, s.sender.public(), e.Claims())
		if err == nil {
			if k.Commitment() != s.key.Commitment() {
				t.Fatalf("another key: %x", b)
			}
		} else if !errors.Is(err, ErrOpen) {
			t.Fatal(err)
		}
	})
}
