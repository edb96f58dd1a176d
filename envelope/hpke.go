//go:build !js

package envelope

import (
	"crypto/rand"

	"github.com/cloudflare/circl/hpke"
	"github.com/cloudflare/circl/kem"
)

// Natively HPKE is circl's, which is twice as fast; in WebAssembly it is the
// standard library's (hpke_js.go), which is 200 KB smaller. The bytes are the
// same: TestHPKEAsInTheStandardLibrary holds one against the other.

func hpkeSuite() hpke.Suite {
	return hpke.NewSuite(hpke.KEM_XWING, hpke.KDF_HKDF_SHA256, hpke.AEAD_ChaCha20Poly1305)
}

type hpkePublic = kem.PublicKey

// hpkeParse reads an X-Wing public key.
func hpkeParse(public []byte) (hpkePublic, error) {
	return hpke.KEM_XWING.Scheme().UnmarshalBinaryPublicKey(public)
}

// hpkeSeal encrypts to an X-Wing public key in base mode.
func hpkeSeal(pk hpkePublic, info, plaintext []byte) (enc, ct []byte, err error) {
	sender, err := hpkeSuite().NewSender(pk, info)
	if err != nil {
		return nil, nil, err
	}
	enc, sealer, err := sender.Setup(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ct, err = sealer.Seal(plaintext, nil)
	return enc, ct, err
}

// hpkeOpen reverses hpkeSeal with the recipient's seed.
func hpkeOpen(seed, enc, ct, info []byte) ([]byte, error) {
	sk, err := hpke.KEM_XWING.Scheme().UnmarshalBinaryPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	receiver, err := hpkeSuite().NewReceiver(sk, info)
	if err != nil {
		return nil, err
	}
	opener, err := receiver.Setup(enc)
	if err != nil {
		return nil, err
	}
	return opener.Open(ct, nil)
}

// xwingPublic expands a seed to its public key.
func xwingPublic(seed []byte) ([]byte, error) {
	sk, err := hpke.KEM_XWING.Scheme().UnmarshalBinaryPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	return sk.Public().MarshalBinary()
}
