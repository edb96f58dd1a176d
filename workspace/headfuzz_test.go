package workspace

import (
	"bytes"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// FuzzLastSeen: a statement is accepted in one encoding alone, and is inside its
// bounds. Signatures do not hold here: that comes last.
func FuzzLastSeen(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		var l LastSeen
		asked := false
		_, err := readLastSeen(b, officer.OrganizationID(bytes.Repeat([]byte{7}, 32)), func(id officer.DeviceID) []byte {
			asked, l.Device = true, id
			return nil
		})
		if err == nil {
			t.Fatal("accepted without a key")
		}
		if !asked {
			return
		}
		var w lastSeenWire
		if err := wire.Unmarshal(b, &w, maxLastSeen); err != nil {
			t.Fatal(err)
		}
		var said LastSeen
		if err := wire.Unmarshal(w.Body, &said, maxLastSeen); err != nil {
			t.Fatal(err)
		}
		if said.Length == 0 || said.Device != l.Device || said.Time().Year() > 9999 ||
			!bytes.Equal(wire.MustMarshal(said), w.Body) || !bytes.Equal(wire.MustMarshal(w), b) {
			t.Errorf("%+v", said)
		}
	})
}
