package keyring_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// TestDeviceVectors derives the devices of testdata/vectors/device.json from
// their secrets.
func TestDeviceVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind, Rule string

		Secret, Label, Record, ID vectortest.Hex

		LocalKey   vectortest.Hex `json:"local_key"`
		DeviceKind uint8          `json:"device_kind"`
	}
	n := 0
	for _, v := range vectortest.Load[vector](t, "device").Vectors {
		if v.Kind != "keys" {
			continue
		}
		n++
		d, err := keyring.NewDevice(secret.New(v.Secret), officer.DeviceKind(v.DeviceKind), vectortest.Array[officer.Hash](t, v.Label))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if string(d.Record().Encode()) != string(v.Record) || d.ID() != vectortest.Array[officer.DeviceID](t, v.ID) {
			t.Errorf("%s: another record", v.Name)
		}
		mac := hmac.New(sha256.New, v.LocalKey)
		mac.Write(wire.Labelled(wire.LabelCache, []byte("x")))
		if !hmac.Equal(mac.Sum(nil), d.MAC(wire.LabelCache, []byte("x"))) {
			t.Errorf("%s: another local key", v.Name)
		}
	}
	if n == 0 {
		t.Fatal("no vector")
	}
}
