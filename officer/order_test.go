package officer_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// What a revocation or removal requires comes after it in the entry: whoever
// rotates first knows the new key, and may hand it to whoever is revoked next.
func TestOrderWithinEntry(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: create directory people",
		"alice: add bob as member; add carol as member",
		"alice: create field phone; grant phone to bob rws; grant phone to carol rw",
		"bob: add device bob/laptop",
		"alice: add device alice/laptop",
	)
	for _, c := range []struct {
		line string
		want error
	}{
		{"bob: revoke phone from carol; rotate phone", nil},
		{"bob: revoke phone from carol; close phone", nil},
		{"bob: close phone; revoke phone from carol", nil},
		{"bob: close phone; revoke phone from carol; rotate phone", nil},
		{"alice: remove device bob/laptop; rotate phone", nil},
		{"alice: remove device bob/laptop; remove device alice/laptop; rotate user alice; rotate phone; rotate people", nil},
		{"bob: rotate phone; revoke phone from carol", officer.ErrIncomplete},
		{"bob: rotate phone; revoke phone from carol; close phone", officer.ErrEpoch},
		// Bob would leave and keep the key that he made for those who stay.
		{"bob: rotate phone; revoke phone from bob", officer.ErrAuthority},
		{"bob: revoke phone from bob; rotate phone", officer.ErrAuthority},
		{"bob: close phone; revoke phone from bob", officer.ErrAuthority},
		// Carol would be handed the new key and then be gone from the list.
		{"bob: rotate phone; grant phone to carol r; revoke phone from carol", officer.ErrIncomplete},
		{"bob: revoke phone from carol; rotate phone; grant phone to carol r; revoke phone from carol", officer.ErrIncomplete},
		{"alice: create field new; grant new to carol r; revoke new from carol", officer.ErrIncomplete},
		{"alice: rotate phone; remove device bob/laptop", officer.ErrIncomplete},
		{"alice: remove device bob/laptop; rotate phone; remove device alice/laptop; rotate user alice; rotate people", officer.ErrIncomplete},
		{"alice: rotate user alice; remove device alice/laptop; rotate phone; rotate people", officer.ErrIncomplete},
	} {
		if err := base.For(t).Try(c.line); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.line, err, c.want)
		}
	}
}
