package envelope_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/underseal/underseal/envelope"
)

// signer is a sender's signing key. Package keyring has one that is kept with
// a device.
type signer struct {
	id  envelope.DeviceID
	key ed25519.PrivateKey
}

func (s signer) ID() envelope.DeviceID { return s.id }

func (s signer) Sign(label string, payload []byte) []byte {
	message := append([]byte(label), 0)
	return ed25519.Sign(s.key, append(message, payload...))
}

// Alice seals the key of a field to Bob, and Bob opens it.
func Example() {
	// Bob has an X-Wing seed, which he keeps, and has published his public key.
	seed := make([]byte, 32)
	_, _ = rand.Read(seed)
	secret := envelope.NewSecret(seed)
	clear(seed)
	bob, err := envelope.NewPrivateKey(secret)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Alice has a device that signs, and makes the key of a new field.
	alicePublic, alicePrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	alice := signer{id: envelope.DeviceID{1}, key: alicePrivate}
	field := make([]byte, 16)
	_, _ = rand.Read(field)
	key, err := envelope.GenerateKey(envelope.KeyContext{Resource: field, Kind: envelope.KindField, Epoch: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	to := envelope.Recipient{Kind: envelope.ToMember, ID: make([]byte, 32), Key: envelope.PublicKeyHash(bob.Public())}
	sealed, err := envelope.Seal(key, to, bob.Public(), alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Bob knows from a log that he verified what he should have been sent,
	// with the key's commitment, and Alice's signing key. He believes
	// nothing that the envelope says of itself.
	want := envelope.Info{Context: key.Context(), Commitment: key.Commitment(), Recipient: to, Sender: alice.ID()}
	e, err := envelope.Parse(sealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := e.Open(bob, alicePublic, want)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same key:", got.Raw().Equal(key.Raw()))
	fmt.Println("printed:", got.Raw())

	// As the key of another epoch it is refused.
	want.Context.Epoch = 2
	_, err = e.Open(bob, alicePublic, want)
	fmt.Println(err, errors.Is(err, envelope.ErrOpen))

	// Output:
	// the same key: true
	// printed: [redacted]
	// the envelope cannot be opened true
}

// A key that was kept elsewhere is taken with its commitment only.
func ExampleOpenKey() {
	context := envelope.KeyContext{Resource: make([]byte, 16), Kind: envelope.KindField, Epoch: 1}
	key, err := envelope.GenerateKey(context)
	if err != nil {
		fmt.Println(err)
		return
	}
	commitment := key.Commitment()
	kept := append([]byte(nil), key.Raw().Expose()...) // in a vault of the caller's

	secret := envelope.NewSecret(kept)
	again, err := envelope.OpenKey(context, secret, commitment)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.ID() == key.ID())

	context.Epoch = 2
	_, err = envelope.OpenKey(context, secret, commitment)
	fmt.Println(err, errors.Is(err, envelope.ErrCommitment))
	_, err = envelope.OpenKey(context, envelope.NewSecret(nil), commitment)
	fmt.Println(err, errors.Is(err, envelope.ErrKeySize))

	// Output:
	// true
	// the key does not match its commitment true
	// a data key has 32 bytes true
}
