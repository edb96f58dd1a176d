package envelope_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
)

type vector struct {
	Name      string
	Rule      string
	Seed      vectortest.Hex `json:"recipient_seed"`
	SenderKey vectortest.Hex `json:"sender_key"`
	Want      struct {
		Organization, Resource, Commitment, Sender vectortest.Hex

		Kind      uint8
		Epoch     uint64
		Recipient struct {
			Kind    uint8
			ID, Key vectortest.Hex
		}
	}
	Envelope vectortest.Hex
	Key      vectortest.Hex
}

func (v vector) want(t *testing.T) envelope.Info {
	return envelope.Info{
		Context: envelope.KeyContext{
			Organization: vectortest.Array[wire.OrganizationID](t, v.Want.Organization),
			Resource:     v.Want.Resource, Kind: wire.KeyKind(v.Want.Kind), Epoch: v.Want.Epoch,
		},
		Commitment: vectortest.Array[envelope.Hash](t, v.Want.Commitment),
		Recipient: envelope.Recipient{
			Kind: envelope.RecipientKind(v.Want.Recipient.Kind), ID: v.Want.Recipient.ID,
			Key: vectortest.Array[envelope.Hash](t, v.Want.Recipient.Key),
		},
		Sender: vectortest.Array[envelope.DeviceID](t, v.Want.Sender),
	}
}

func reason(want envelope.Reason) func(error) bool {
	return func(err error) bool {
		o, ok := errors.AsType[*envelope.OpenError](err)
		return ok && o.Reason == want && errors.Is(err, envelope.ErrOpen)
	}
}

// TestVectors opens every envelope of testdata/vectors/envelope.json, which
// were made without this package and without its HPKE library.
func TestVectors(t *testing.T) {
	t.Parallel()
	malformed := func(err error) bool { return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge) }
	classes := vectortest.Classes{
		"E-1":  malformed,
		"E-2":  func(err error) bool { _, ok := errors.AsType[*wire.VersionError](err); return ok },
		"E-3":  vectortest.Is(wire.ErrMalformed),
		"E-4":  vectortest.Is(wire.ErrMalformed),
		"E-5":  reason(envelope.ReasonContext),
		"E-6":  reason(envelope.ReasonSignature),
		"E-7":  reason(envelope.ReasonRecipient),
		"E-8":  reason(envelope.ReasonEncapsulation),
		"E-9":  reason(envelope.ReasonCiphertext),
		"E-10": reason(envelope.ReasonCommitment),
	}
	var rules []string
	for _, v := range vectortest.Load[vector](t, "envelope").Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			seed := secret.New(v.Seed)
			defer seed.Destroy()
			to, err := envelope.NewPrivateKey(seed)
			if err != nil {
				t.Fatal(err)
			}
			want := v.want(t)
			var key *envelope.Key
			e, err := envelope.Parse(v.Envelope)
			if err == nil {
				key, err = e.Open(to, []byte(v.SenderKey), want)
			}
			classes.Check(t, v.Rule, err)
			if v.Rule != "" {
				if key != nil {
					t.Error("a refused envelope gave a key")
				}
				return
			}
			if got := key.Raw().Expose(); string(got) != string(v.Key) {
				t.Errorf("key %x, want %x", got, v.Key)
			}
			if string(e.Claims().Encode()) != string(want.Encode()) {
				t.Error("claims differ from what was asked for")
			}
		})
	}
	classes.Used(t, rules)
}

// TestIndexVectors checks where envelopes are filed.
func TestIndexVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind string
		Recipient  uint8          `json:"recipient_kind"`
		ID         vectortest.Hex `json:"recipient_id"`
		Sum        vectortest.Hex
	}
	n := 0
	for _, v := range vectortest.Load[vector](t, "suite").Vectors {
		if v.Kind != "index" {
			continue
		}
		n++
		r := envelope.Recipient{Kind: envelope.RecipientKind(v.Recipient), ID: v.ID}
		if r.Index() != vectortest.Array[envelope.Hash](t, v.Sum) {
			t.Errorf("%s: %s", v.Name, r.Index())
		}
	}
	if n == 0 {
		t.Fatal("no vector")
	}
}
