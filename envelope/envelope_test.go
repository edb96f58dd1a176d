package envelope

import (
	"bytes"
	"crypto/ed25519"
	stdhpke "crypto/hpke"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// device is a Signer with keys from a fixed seed.
type device struct {
	id      DeviceID
	private ed25519.PrivateKey
}

func newDevice(n byte) device {
	return device{id: DeviceID{n}, private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))}
}

func (d device) ID() DeviceID { return d.id }

func (d device) Sign(label string, payload []byte) []byte {
	return ed25519.Sign(d.private, wire.Labelled(label, payload))
}

func (d device) public() ed25519.PublicKey { return ed25519.PublicKey(d.private[ed25519.SeedSize:]) }

// scene is a key that a sender seals to a member.
type scene struct {
	key    *Key
	sender device
	member *PrivateKey
	want   Info
	sealed []byte
}

func privateKey(tb testing.TB, n byte) *PrivateKey {
	tb.Helper()
	k, err := NewPrivateKey(NewSecret(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// fieldKey is a field's key of 32 bytes of n.
func fieldKey(tb testing.TB, n byte) *Key {
	tb.Helper()
	c := KeyContext{Organization: OrganizationID{1}, Resource: bytes.Repeat([]byte{2}, 16), Kind: KindField, Epoch: 3}
	raw := NewSecret(bytes.Repeat([]byte{n}, 32))
	k, err := OpenKey(c, raw, commitmentOf(tb, c, raw))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func newScene(tb testing.TB) *scene {
	tb.Helper()
	s := &scene{key: fieldKey(tb, 4), sender: newDevice(5), member: privateKey(tb, 6)}
	to := Recipient{Kind: ToMember, ID: bytes.Repeat([]byte{7}, 32), Key: s.member.Hash()}
	s.want = Info{Context: s.key.Context(), Commitment: s.key.Commitment(), Recipient: to, Sender: s.sender.ID()}
	var err error
	if s.sealed, err = Seal(s.key, to, s.member.Public(), s.sender); err != nil {
		tb.Fatal(err)
	}
	return s
}

func parse(tb testing.TB, b []byte) *Envelope {
	tb.Helper()
	e, err := Parse(b)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// open parses and opens as the member does who expects the scene.
func (s *scene) open(tb testing.TB, b []byte) (*Key, error) {
	tb.Helper()
	return parse(tb, b).Open(s.member, s.sender.public(), s.want)
}

// check opens the scene's own envelope: what an attack test shows first.
func (s *scene) check(tb testing.TB) {
	tb.Helper()
	k, err := s.open(tb, s.sealed)
	if err != nil || !k.Raw().Equal(s.key.Raw()) {
		tb.Fatalf("without the attack: %v", err)
	}
}

// resign lets the sender, who may be hostile too, sign what change made of the envelope.
func (s *scene) resign(tb testing.TB, change func(w *envelopeWire)) []byte {
	tb.Helper()
	w := parse(tb, s.sealed).w
	change(&w)
	w.Signature = s.sender.Sign(wire.LabelEnvelope, signed(w.Info, w.Enc, w.CT))
	return wire.MustMarshal(w)
}

func refusedFor(tb testing.TB, name string, k *Key, err error, want Reason) {
	tb.Helper()
	var oe *OpenError
	if k != nil || !errors.Is(err, ErrOpen) || !errors.As(err, &oe) || oe.Reason != want {
		tb.Errorf("%s: %v (%+v), want a refusal for %s", name, err, oe, want)
	} else if err.Error() != ErrOpen.Error() {
		tb.Errorf("%s: the text tells the cause: %v", name, err)
	}
}

// TestKeyContext: a key is made for something that has a kind, a resource and an
// epoch, and for nothing else.
func TestKeyContext(t *testing.T) {
	t.Parallel()
	good := KeyContext{Resource: make([]byte, 16), Kind: KindField, Epoch: 1}
	for what, change := range map[string]func(*KeyContext){
		"nothing":       func(c *KeyContext) { *c = KeyContext{} },
		"no kind":       func(c *KeyContext) { c.Kind = 0 },
		"no resource":   func(c *KeyContext) { c.Resource = nil },
		"epoch 0":       func(c *KeyContext) { c.Epoch = 0 },
		"another's id":  func(c *KeyContext) { c.Kind = KindUser },
		"an id cut off": func(c *KeyContext) { c.Resource = c.Resource[:15] },
	} {
		c := good
		change(&c)
		if key, err := GenerateKey(c); !errors.Is(err, ErrKeyContext) || key != nil {
			t.Errorf("%s: made: %v", what, err)
		}
		if key, err := OpenKey(c, NewSecret(make([]byte, 32)), Hash{}); !errors.Is(err, ErrKeyContext) || key != nil {
			t.Errorf("%s: opened: %v", what, err)
		}
	}
	if _, err := GenerateKey(good); err != nil {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := KeyContext{
			Organization: OrganizationID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "organization")),
			Kind:         rapid.SampledFrom([]KeyKind{KindField, KindFolder, KindDirectory, KindGroup, KindUser}).Draw(t, "kind"),
			Epoch:        rapid.Uint64Range(1, 1<<64-1).Draw(t, "epoch"),
		}
		n := 16
		if c.Kind == KindUser {
			n = 32
		}
		c.Resource = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "resource")
		key, err := GenerateKey(c)
		if err != nil {
			t.Fatal(err)
		}
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		to, err := NewPrivateKey(NewSecret(seed))
		if err != nil {
			t.Fatal(err)
		}
		by := newDevice(rapid.Byte().Draw(t, "device"))
		r := Recipient{
			Kind: rapid.SampledFrom([]RecipientKind{ToMember, ToGroup, ToDevice}).Draw(t, "recipient"),
			ID:   rapid.SliceOfN(rapid.Byte(), 16, 32).Draw(t, "id"),
			Key:  to.Hash(),
		}
		sealed, err := Seal(key, r, to.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) > wire.MaxEnvelope {
			t.Fatalf("%d bytes", len(sealed))
		}
		e, err := Parse(sealed)
		if err != nil {
			t.Fatal(err)
		}
		want := Info{Context: c, Commitment: key.Commitment(), Recipient: r, Sender: by.ID()}
		if !bytes.Equal(e.Claims().Encode(), want.Encode()) {
			t.Fatalf("claims %+v, want %+v", e.Claims(), want)
		}
		got, err := e.Open(to, by.public(), want)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Raw().Equal(key.Raw()) || got.Commitment() != key.Commitment() {
			t.Fatal("another key came out")
		}
	})
}

// The standard library makes the same key of a seed, opens what is sealed
// here, and seals what opens here.
func TestHPKEAsInTheStandardLibrary(t *testing.T) {
	t.Parallel()
	kem, kdf, aead := stdhpke.MLKEM768X25519(), stdhpke.HKDFSHA256(), stdhpke.ChaCha20Poly1305()
	s := newScene(t)
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		theirs, err := kem.NewPrivateKey(seed)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := NewPrivateKey(NewSecret(seed))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours.Public(), theirs.PublicKey().Bytes()) {
			t.Fatalf("seed %x: public keys differ", seed)
		}

		to := Recipient{Kind: ToDevice, ID: make([]byte, 32), Key: ours.Hash()}
		sealed, err := Seal(s.key, to, ours.Public(), s.sender)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Parse(sealed)
		if err != nil {
			t.Fatal(err)
		}
		info := e.Claims().Encode()
		recipient, err := stdhpke.NewRecipient(e.w.Enc, theirs, kdf, aead, info)
		if err != nil {
			t.Fatal(err)
		}
		if pt, err := recipient.Open(nil, e.w.CT); err != nil || !s.key.Raw().Equal(NewSecret(pt)) {
			t.Fatalf("the standard library opens ours: %v", err)
		}

		enc, sender, err := stdhpke.NewSender(theirs.PublicKey(), kdf, aead, info)
		if err != nil {
			t.Fatal(err)
		}
		ct, err := sender.Seal(nil, s.key.Raw().Expose())
		if err != nil {
			t.Fatal(err)
		}
		w := envelopeWire{Version: wire.Version, Info: info, Enc: enc, CT: ct, Signature: s.sender.Sign(wire.LabelEnvelope, signed(info, enc, ct))}
		e, err = Parse(wire.MustMarshal(w))
		if err != nil {
			t.Fatal(err)
		}
		if k, err := e.Open(ours, s.sender.public(), e.Claims()); err != nil || !k.Raw().Equal(s.key.Raw()) {
			t.Fatalf("ours opens the standard library's: %v", err)
		}
	})
}

// Two envelopes of one key share nothing but their context.
func TestSealIsRandomized(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	again, err := Seal(s.key, s.want.Recipient, s.member.Public(), s.sender)
	if err != nil {
		t.Fatal(err)
	}
	a, b := parse(t, s.sealed).w, parse(t, again).w
	if bytes.Equal(a.Enc, b.Enc) || bytes.Equal(a.CT, b.CT) || !bytes.Equal(a.Info, b.Info) {
		t.Error("sealing twice repeats itself")
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := privateKey(t, 9)
	gone := fieldKey(t, 4)
	gone.Destroy()
	for name, c := range map[string]struct {
		key    *Key
		to     Recipient
		public []byte
		want   error
	}{
		"another recipient's key":   {s.key, s.want.Recipient, other.Public(), ErrPublicKey},
		"recipient without a key":   {s.key, Recipient{Kind: ToMember, ID: s.want.Recipient.ID}, s.member.Public(), ErrPublicKey},
		"no public key":             {s.key, s.want.Recipient, nil, ErrPublicKey},
		"public key of zeros":       {s.key, s.want.Recipient, make([]byte, pubkey.KEMSize), ErrPublicKey},
		"a key that was destroyed":  {gone, s.want.Recipient, s.member.Public(), ErrKeySize},
		"a public key that is long": {s.key, s.want.Recipient, append(s.member.Public(), 0), ErrPublicKey},
	} {
		if b, err := Seal(c.key, c.to, c.public, s.sender); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrivateKey(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 31, 33, 64} {
		if k, err := NewPrivateKey(NewSecret(make([]byte, n))); !errors.Is(err, ErrKeySize) || k != nil {
			t.Errorf("seed of %d bytes: %v", n, err)
		}
	}
	if k, err := NewPrivateKey(nil); !errors.Is(err, ErrKeySize) || k != nil {
		t.Errorf("no seed: %v", err)
	}
	s := newScene(t)
	s.member.Public()[0] ^= 1
	s.check(t)
	if PublicKeyHash(s.member.Public()) != s.member.Hash() {
		t.Error("two hashes of one key")
	}
	s.member.Destroy()
	k, err := s.open(t, s.sealed)
	refusedFor(t, "after Destroy", k, err, ReasonCiphertext)
}

func TestRecipientIndex(t *testing.T) {
	t.Parallel()
	a := Recipient{Kind: ToMember, ID: []byte{1}, Key: Hash{1}}
	b := Recipient{Kind: ToMember, ID: []byte{1}, Key: Hash{2}}
	if a.Index() != b.Index() {
		t.Error("the place depends on the key: a rotated user key would not find its envelopes")
	}
	b.Kind = ToDevice
	c := Recipient{Kind: ToMember, ID: []byte{2}}
	if a.Index() == b.Index() || a.Index() == c.Index() {
		t.Error("two recipients share a place")
	}
}

func TestReasonWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := ReasonContext; r <= ReasonCommitment; r++ {
		if w := r.String(); w == "unknown" || seen[w] {
			t.Errorf("reason %d is called %q", r, w)
		} else {
			seen[w] = true
		}
	}
	for _, r := range []Reason{0, ReasonCommitment + 1} {
		if got := fmt.Sprint(r); got != "unknown" {
			t.Errorf("reason %d is called %q", uint8(r), got)
		}
	}
}
