package pubkey_test

import (
	"testing"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/vectortest"
)

// TestVectors checks public keys, encapsulations and signatures.
func TestVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind, Rule, Label string

		Public, Bytes, Payload, Signature vectortest.Hex
	}
	key := vectortest.Is(pubkey.ErrKey)
	classes := vectortest.Classes{
		"S-10": key, "S-11": key, "S-12": key, "S-13": key, "S-14": key, "S-15": key, "S-16": key,
		"S-17": vectortest.Is(pubkey.ErrSignature),
	}
	var rules []string
	for _, v := range vectortest.Load[vector](t, "suite").Vectors {
		var check func() error
		switch v.Kind {
		case "signing key":
			check = func() error { return pubkey.CheckSigning(v.Public) }
		case "sealing key":
			check = func() error { return pubkey.CheckKEM(v.Public) }
		case "encapsulation":
			check = func() error { return pubkey.CheckEncapsulation(v.Bytes) }
		case "signature":
			check = func() error { return pubkey.Verify([]byte(v.Public), v.Label, v.Payload, v.Signature) }
		default:
			continue
		}
		rules = append(rules, v.Rule)
		t.Run(v.Kind+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			classes.Check(t, v.Rule, check())
		})
	}
	classes.Used(t, rules)
}
