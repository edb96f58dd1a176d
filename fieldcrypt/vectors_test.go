package fieldcrypt_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
)

type vector struct {
	Name    string
	Rule    string
	Context struct {
		Organization, Resource vectortest.Hex
		Kind                   uint8
		Epoch                  uint64
	}
	Key     vectortest.Hex
	Record  *fieldcrypt.Record
	Token   string
	Type    uint8
	Value   vectortest.Hex
	Binding string
	Tag     vectortest.Hex `json:"record_tag"`
}

func reason(want fieldcrypt.Reason) func(error) bool {
	return func(err error) bool {
		o, ok := errors.AsType[*fieldcrypt.OpenError](err)
		return ok && o.Reason == want && errors.Is(err, fieldcrypt.ErrOpen)
	}
}

// TestVectors opens every token of testdata/vectors/token.json, which were
// made without this package.
func TestVectors(t *testing.T) {
	t.Parallel()
	classes := vectortest.Classes{
		"T-1": vectortest.Is(fieldcrypt.ErrNotToken),
		"T-2": reason(fieldcrypt.ReasonForm),
		"T-3": func(err error) bool { _, ok := errors.AsType[*wire.VersionError](err); return ok },
		"T-4": reason(fieldcrypt.ReasonForm),
		"T-5": vectortest.Is(fieldcrypt.ErrUnknownKey),
		"T-6": reason(fieldcrypt.ReasonCiphertext),
		"T-7": reason(fieldcrypt.ReasonRecord),
		"T-8": reason(fieldcrypt.ReasonPlaintext), "T-9": reason(fieldcrypt.ReasonPlaintext), "T-10": reason(fieldcrypt.ReasonPlaintext),
	}
	var rules []string
	for _, v := range vectortest.Load[vector](t, "token").Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			raw := secret.New(v.Key)
			defer raw.Destroy()
			data, err := datakey.New(wire.KeyContext{
				Organization: vectortest.Array[wire.OrganizationID](t, v.Context.Organization),
				Resource:     v.Context.Resource, Kind: wire.KeyKind(v.Context.Kind), Epoch: v.Context.Epoch,
			}, raw)
			if err != nil {
				t.Fatal(err)
			}
			key := fieldcrypt.NewKey(data)
			var record fieldcrypt.Name
			if v.Record != nil {
				if record, err = v.Record.Name(); err != nil {
					t.Fatal(err)
				}
			}
			// One key alone, in a ring, and in a batch must agree.
			value, binding, err := key.Open(v.Token, record)
			classes.Check(t, v.Rule, err)
			ring := fieldcrypt.NewRing(key)
			_, _, inRing := ring.Open(v.Token, record)
			classes.Check(t, v.Rule, inRing)
			classes.Check(t, v.Rule, ring.OpenBatch([]string{v.Token}, []fieldcrypt.Name{record})[0].Err)
			if v.Rule != "" {
				if len(value.Data) != 0 || binding != 0 {
					t.Error("a refused token gave a value")
				}
				return
			}
			if value.Type != fieldcrypt.Type(v.Type) || string(value.Data) != string(v.Value) || binding.String() != v.Binding {
				t.Errorf("type %d, value %x, %s; want %d, %x, %s", value.Type, value.Data, binding, v.Type, v.Value, v.Binding)
			}
			if binding == fieldcrypt.Bound && key.Tag(record) != vectortest.Array[fieldcrypt.Tag](t, v.Tag) {
				t.Error("another record tag")
			}
			if len(v.Token) != fieldcrypt.TokenSize(len(v.Value)) {
				t.Errorf("%d characters, TokenSize says %d", len(v.Token), fieldcrypt.TokenSize(len(v.Value)))
			}
		})
	}
	classes.Used(t, rules)
}
