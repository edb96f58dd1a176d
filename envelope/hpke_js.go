//go:build js

package envelope

import "crypto/hpke"

// See hpke.go.

type hpkePublic = hpke.PublicKey

// hpkeParse reads an X-Wing public key.
func hpkeParse(public []byte) (hpkePublic, error) {
	return hpke.MLKEM768X25519().NewPublicKey(public)
}

// hpkeSeal encrypts to an X-Wing public key in base mode.
func hpkeSeal(pk hpkePublic, info, plaintext []byte) (enc, ct []byte, err error) {
	enc, sender, err := hpke.NewSender(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, nil, err
	}
	ct, err = sender.Seal(nil, plaintext)
	return enc, ct, err
}

// hpkeOpen reverses hpkeSeal with the recipient's seed.
func hpkeOpen(seed, enc, ct, info []byte) ([]byte, error) {
	sk, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(enc, sk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, err
	}
	return recipient.Open(nil, ct)
}

// xwingPublic expands a seed to its public key.
func xwingPublic(seed []byte) ([]byte, error) {
	sk, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	return sk.PublicKey().Bytes(), nil
}
