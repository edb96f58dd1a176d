package envelope

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

func commitmentOf(tb testing.TB, c KeyContext, raw *Secret) Hash {
	tb.Helper()
	k, err := datakey.New(c, raw)
	if err != nil {
		tb.Fatal(err)
	}
	return k.Commitment()
}

// sealWith seals any bytes under any info, as a hostile sender can.
func sealWith(tb testing.TB, public, info, plaintext []byte, by Signer) []byte {
	tb.Helper()
	pk, err := hpkeParse(public)
	if err != nil {
		tb.Fatal(err)
	}
	enc, ct, err := hpkeSeal(pk, info, plaintext)
	if err != nil {
		tb.Fatal(err)
	}
	return wire.MustMarshal(envelopeWire{
		Version: wire.Version, Info: info, Enc: enc, CT: ct, Signature: by.Sign(wire.LabelEnvelope, signed(info, enc, ct)),
	})
}

// The store replaces a member's own sealed key by one that it chose.
func TestAttack9OwnKeyReplaced(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	mallory, chosen := newDevice(66), fieldKey(t, 99)

	// Signed by the store's own key, with the store named as the sender.
	b, err := Seal(chosen, s.want.Recipient, s.member.Public(), mallory)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.open(t, b)
	refusedFor(t, "another sender", k, err, ReasonContext)

	// The same, with the member's expected context copied.
	forged := sealWith(t, s.member.Public(), s.want.Encode(), chosen.Raw().Expose(), mallory)
	k, err = s.open(t, forged)
	refusedFor(t, "forged signature", k, err, ReasonSignature)

	// Even the right sender cannot make another key pass for the committed one.
	lying := sealWith(t, s.member.Public(), s.want.Encode(), chosen.Raw().Expose(), s.sender)
	k, err = s.open(t, lying)
	refusedFor(t, "another key under the commitment", k, err, ReasonCommitment)
}

// An empty key, or none at all, is refused and never replaced by a new one.
func TestAttack10EmptyKey(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	for name, pt := range map[string][]byte{"empty": {}, "short": make([]byte, 31), "long": make([]byte, 33)} {
		b := sealWith(t, s.member.Public(), s.want.Encode(), pt, s.sender)
		if e, err := Parse(b); !errors.Is(err, ErrMalformed) || e != nil {
			t.Errorf("%s key: %v", name, err)
		}
	}
	k, err := s.open(t, sealWith(t, s.member.Public(), s.want.Encode(), make([]byte, 32), s.sender))
	refusedFor(t, "key of zeros", k, err, ReasonCommitment)
}

// changes is every single field of Info changed.
var changes = map[string]func(i *Info){
	"organization":   func(i *Info) { i.Context.Organization[31] ^= 1 },
	"kind":           func(i *Info) { i.Context.Kind = KindFolder },
	"resource":       func(i *Info) { i.Context.Resource = flip(i.Context.Resource) },
	"epoch, earlier": func(i *Info) { i.Context.Epoch-- },
	"epoch, later":   func(i *Info) { i.Context.Epoch++ },
	"commitment":     func(i *Info) { i.Commitment[0] ^= 0x80 },
	"recipient kind": func(i *Info) { i.Recipient.Kind = ToDevice },
	"recipient id":   func(i *Info) { i.Recipient.ID = flip(i.Recipient.ID) },
	"no recipient":   func(i *Info) { i.Recipient.ID = nil },
	"recipient key":  func(i *Info) { i.Recipient.Key[5] ^= 1 },
	"sender":         func(i *Info) { i.Sender[9] ^= 1 },
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[0] ^= 1
	return b
}

// An envelope is given out as one for another recipient, resource, epoch, of
// another sender or with another label.
func TestAttack17Readdressed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	for name, change := range changes {
		info := s.want
		change(&info)

		// The reader expects something else than the envelope says.
		k, err := parse(t, s.sealed).Open(s.member, s.sender.public(), info)
		refusedFor(t, name+" expected", k, err, ReasonContext)

		// The envelope says something else than the reader expects.
		b := s.resign(t, func(w *envelopeWire) { w.Info = info.Encode() })
		k, err = s.open(t, b)
		refusedFor(t, name+" claimed", k, err, ReasonContext)

		// Both agree and the sender signs: HPKE still knows what was sealed.
		k, err = parse(t, b).Open(s.member, s.sender.public(), info)
		if info.Recipient.Key != s.member.Hash() {
			refusedFor(t, name+" on both sides", k, err, ReasonRecipient)
		} else {
			refusedFor(t, name+" on both sides", k, err, ReasonCiphertext)
		}
	}

	unsigned := func(change func(w *envelopeWire)) []byte {
		w := parse(t, s.sealed).w
		change(&w)
		return wire.MustMarshal(w)
	}
	k, err := s.open(t, unsigned(func(w *envelopeWire) {
		w.Signature = s.sender.Sign(wire.LabelEntry, signed(w.Info, w.Enc, w.CT))
	}))
	refusedFor(t, "signature with another label", k, err, ReasonSignature)

	k, err = parse(t, s.sealed).Open(s.member, newDevice(66).public(), s.want)
	refusedFor(t, "another signing key", k, err, ReasonSignature)
	k, err = parse(t, s.sealed).Open(s.member, nil, s.want)
	refusedFor(t, "no signing key", k, err, ReasonSignature)
	k, err = parse(t, s.sealed).Open(privateKey(t, 9), s.sender.public(), s.want)
	refusedFor(t, "another private key", k, err, ReasonRecipient)

	// Parts of two envelopes put together.
	again, err := Seal(s.key, s.want.Recipient, s.member.Public(), s.sender)
	if err != nil {
		t.Fatal(err)
	}
	two := parse(t, again).w
	k, err = s.open(t, unsigned(func(w *envelopeWire) { w.Enc = two.Enc }))
	refusedFor(t, "another encapsulation", k, err, ReasonSignature)
	k, err = s.open(t, s.resign(t, func(w *envelopeWire) { w.Enc = two.Enc }))
	refusedFor(t, "another encapsulation, signed", k, err, ReasonCiphertext)
	k, err = s.open(t, s.resign(t, func(w *envelopeWire) { w.CT = two.CT }))
	refusedFor(t, "another ciphertext, signed", k, err, ReasonCiphertext)
}

// A signing key that anybody can sign for is refused even where the log had it.
func TestAttack41SenderOfSmallOrder(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	identity := make([]byte, 32)
	identity[0] = 1
	w := parse(t, s.sealed).w
	w.Signature = slices.Concat(identity, make([]byte, 32))
	if err := pubkey.Verify(identity, wire.LabelEnvelope, signed(w.Info, w.Enc, w.CT), w.Signature); err != nil {
		t.Fatalf("the library refuses it by itself: %v", err)
	}
	k, err := parse(t, wire.MustMarshal(w)).Open(s.member, identity, s.want)
	refusedFor(t, "identity as signing key", k, err, ReasonSignature)
}

func TestAttack41LowOrderEncapsulation(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	for _, u := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0900000000000000000000000000000000000000000000000000000000000080",
	} {
		b, err := hex.DecodeString(u)
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.open(t, s.resign(t, func(w *envelopeWire) { copy(w.Enc[len(w.Enc)-32:], b) }))
		refusedFor(t, u, k, err, ReasonEncapsulation)

		public := s.member.Public()
		copy(public[len(public)-32:], b)
		to := s.want.Recipient
		to.Key = PublicKeyHash(public)
		if sealed, err := Seal(s.key, to, public, s.sender); !errors.Is(err, ErrPublicKey) || sealed != nil {
			t.Errorf("sealed to %s: %v", u, err)
		}
	}
}

// Every single bit of an envelope counts.
func TestAttack17EveryBit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.check(t)
	w := parse(t, s.sealed).w
	step := 1
	if testing.Short() {
		step = 13
	}
	for i := 0; i < len(s.sealed)*8; i += step {
		b := bytes.Clone(s.sealed)
		b[i/8] ^= 1 << (i % 8)
		e, err := Parse(b)
		if err != nil {
			continue
		}
		if k, err := e.Open(s.member, s.sender.public(), s.want); !errors.Is(err, ErrOpen) || k != nil {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	// Nor do encapsulation and ciphertext rest on the signature alone; not
	// every bit, because each one costs a decapsulation.
	for i := 0; i < len(w.Enc)*8; i += 41 {
		b := s.resign(t, func(w *envelopeWire) { w.Enc[i/8] ^= 1 << (i % 8) })
		if k, err := s.open(t, b); !errors.Is(err, ErrOpen) || k != nil {
			t.Fatalf("bit %d of the encapsulation: %v", i, err)
		}
	}
	for i := range len(w.CT) * 8 {
		k, err := s.open(t, s.resign(t, func(w *envelopeWire) { w.CT[i/8] ^= 1 << (i % 8) }))
		refusedFor(t, "bit of the ciphertext", k, err, ReasonCiphertext)
	}
}
