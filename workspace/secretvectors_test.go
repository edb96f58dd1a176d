package workspace

import (
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

type secretVector struct {
	Name, Rule                             string
	Organization, Resource, Mailbox, Value vectortest.Hex
	Secret, Label                          string
	Keys, Messages                         []vectortest.Hex
}

// TestSecretVectors reads every mailbox of testdata/vectors/secret.json, which
// were made without this package.
func TestSecretVectors(t *testing.T) { //nolint:tparallel // it counts what is refused
	t.Parallel()
	refused := 0
	for _, v := range vectortest.Load[secretVector](t, "secret").Vectors {
		t.Run(v.Rule+": "+v.Name, func(t *testing.T) {
			org, id := vectortest.Array[officer.OrganizationID](t, v.Organization), vectortest.Array[officer.ResourceID](t, v.Resource)
			if box := secretBox(org, id); box != vectortest.Array[wire.Hash](t, v.Mailbox) {
				t.Errorf("mailbox %s", box)
			}
			var keys []*fieldcrypt.Key
			for i, k := range v.Keys {
				raw, err := datakey.New(wire.KeyContext{Organization: org, Resource: id[:], Kind: wire.KindField, Epoch: uint64(i) + 1}, secret.New(k))
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, fieldcrypt.NewKey(raw))
			}
			var messages []store.Message
			for _, m := range v.Messages {
				messages = append(messages, store.Message{Data: m})
			}
			value, holders, err := findSecret(fieldcrypt.NewRing(keys...), v.Secret, v.Label, messages)
			if err != nil {
				t.Fatal(err)
			}
			if v.Rule != "" {
				refused++
				if v.Rule != "O-1" || value != nil || len(holders) != 0 {
					t.Errorf("%s: %d messages hold it", v.Rule, len(holders))
				}
				return
			}
			if value == nil || string(value.Expose()) != string(v.Value) || len(holders) == 0 {
				t.Error("not found")
			}
		})
	}
	if refused < 10 {
		t.Errorf("only %d vectors are refused", refused)
	}
}
