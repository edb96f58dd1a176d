package wire_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
)

type vector struct {
	Name, Kind, Rule, Label string

	Bytes   vectortest.Hex
	Payload vectortest.Hex
	Sum     vectortest.Hex
	Value   *struct {
		A uint64         `json:"1"`
		B vectortest.Hex `json:"2"`
		C vectortest.Hex `json:"3"`
		D string         `json:"4"`
		E []uint64       `json:"5"`
	}
}

// TestVectors decodes the sample structure of spec/suite.md, "Encoding", and
// hashes with labels.
func TestVectors(t *testing.T) {
	t.Parallel()
	malformed := vectortest.Is(wire.ErrMalformed)
	classes := vectortest.Classes{
		"S-1": vectortest.Is(wire.ErrTooLarge), "S-2": malformed, "S-3": malformed, "S-4": malformed,
		"S-5": malformed, "S-6": malformed, "S-7": malformed, "S-9": malformed,
	}
	var rules []string
	sums := 0
	for _, v := range vectortest.Load[vector](t, "suite").Vectors {
		switch v.Kind {
		case "encoding":
			rules = append(rules, v.Rule)
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				var s struct {
					A uint64   `cbor:"1,keyasint"`
					B [4]byte  `cbor:"2,keyasint"`
					C []byte   `cbor:"3,keyasint"`
					D string   `cbor:"4,keyasint,omitempty"`
					E []uint64 `cbor:"5,keyasint,omitempty"`
				}
				err := wire.Unmarshal(v.Bytes, &s, 100)
				classes.Check(t, v.Rule, err)
				if v.Rule == "" && (s.A != v.Value.A || string(s.B[:]) != string(v.Value.B) || string(s.C) != string(v.Value.C) || s.D != v.Value.D || !slices.Equal(s.E, v.Value.E)) {
					t.Errorf("decoded %+v, want %+v", s, v.Value)
				}
			})
		case "sum":
			sums++
			if h := wire.Sum(v.Label, v.Payload); h != vectortest.Array[wire.Hash](t, v.Sum) {
				t.Errorf("%s: %s", v.Name, h)
			}
		case "version":
			rules = append(rules, v.Rule)
			var newer *wire.VersionError
			if err := wire.CheckVersion(v.Bytes, "x", 3); (v.Rule == "S-8") != errors.As(err, &newer) || (v.Rule == "") != (err == nil) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
	classes.Used(t, rules)
	if sums == 0 {
		t.Error("no hash was checked")
	}
}
