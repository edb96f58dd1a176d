package datakey_test

import (
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
)

type keyContext struct {
	Organization, Resource vectortest.Hex
	Kind                   uint8
	Epoch                  uint64
}

func (c keyContext) wire(t *testing.T) wire.KeyContext {
	return wire.KeyContext{
		Organization: vectortest.Array[wire.OrganizationID](t, c.Organization),
		Resource:     c.Resource, Kind: wire.KeyKind(c.Kind), Epoch: c.Epoch,
	}
}

type vector struct {
	Name, Kind, Rule, Label string

	Context    keyContext
	Key        vectortest.Hex
	Encoded    vectortest.Hex `json:"encoded_context"`
	Commitment vectortest.Hex
	KeyID      vectortest.Hex `json:"key_id"`
	KeyTag     vectortest.Hex `json:"k_tag"`
	KeyRec     vectortest.Hex `json:"k_rec"`
	KeyPrev    vectortest.Hex `json:"k_prev"`
	KeyName    vectortest.Hex `json:"k_name"`
	Extra      vectortest.Hex
	Plaintext  vectortest.Hex
	Sealed     vectortest.Hex
	OldContext keyContext     `json:"previous_context"`
	OldCommit  vectortest.Hex `json:"previous_commitment"`
	OldKey     vectortest.Hex `json:"previous_key"`
}

func (v vector) key(t *testing.T) *datakey.Key {
	t.Helper()
	k, err := datakey.New(v.Context.wire(t), secret.New(v.Key))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestVectors derives, opens and walks back with keys whose results were
// computed without this package.
func TestVectors(t *testing.T) {
	t.Parallel()
	classes := vectortest.Classes{
		"S-20": vectortest.Is(datakey.ErrSize),
		"S-21": vectortest.Is(datakey.ErrCommitment),
		"S-23": vectortest.Is(datakey.ErrSealed),
		"S-24": vectortest.Is(wire.ErrContext),
	}
	checks := map[string]func(*testing.T, vector) error{
		"data key": func(t *testing.T, v vector) error {
			k, err := datakey.Open(v.Context.wire(t), secret.New(v.Key), vectortest.Array[wire.Hash](t, v.Commitment))
			if err == nil && v.Rule == "" {
				v.derived(t, k)
			}
			return err
		},
		"sealed": func(t *testing.T, v vector) error {
			p, err := v.key(t).Unseal(v.Label, v.Sealed, v.Extra)
			if string(p) != string(v.Plaintext) {
				t.Errorf("plaintext %x, want %x", p, v.Plaintext)
			}
			return err
		},
		"history": func(t *testing.T, v vector) error {
			old, err := v.key(t).OpenPrevious(v.Sealed, v.OldContext.wire(t), vectortest.Array[wire.Hash](t, v.OldCommit))
			if err == nil && string(old.Raw().Expose()) != string(v.OldKey) {
				t.Error("another previous key")
			}
			return err
		},
	}
	var rules []string
	for _, v := range vectortest.Load[vector](t, "suite").Vectors {
		check := checks[v.Kind]
		if check == nil {
			continue
		}
		rules = append(rules, v.Rule)
		t.Run(v.Kind+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			classes.Check(t, v.Rule, check(t, v))
		})
	}
	classes.Used(t, rules)
}

func (v vector) derived(t *testing.T, k *datakey.Key) {
	t.Helper()
	id := k.ID()
	for what, c := range map[string]struct{ got, want []byte }{
		"context": {v.Context.wire(t).Encode(), v.Encoded},
		"key id":  {id[:], v.KeyID},
		"K_tag":   {k.Derive(wire.LabelKeyTag).Expose(), v.KeyTag},
		"K_rec":   {k.Derive(wire.LabelKeyRec).Expose(), v.KeyRec},
		"K_prev":  {k.Derive(wire.LabelKeyPrev).Expose(), v.KeyPrev},
		"K_name":  {k.Derive(wire.LabelKeyName).Expose(), v.KeyName},
	} {
		if string(c.got) != string(c.want) {
			t.Errorf("%s %x, want %x", what, c.got, c.want)
		}
	}
}
