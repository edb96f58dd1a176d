package officer_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

func requestFile() officer.RequestFile {
	org := officer.OrganizationID{1}
	d := officertest.NewDevice("bob", "fresh")
	return officer.RequestFile{
		Organization: org, Device: d.Record, Acceptance: d.Sign(wire.LabelDevice, officer.RequestPayload(org, d.Record.Encode())), Label: d.Label,
	}
}

// TestRequestFile: what a fresh device hands over comes back whole, and nothing
// else passes for it.
func TestRequestFile(t *testing.T) {
	t.Parallel()
	good := requestFile()
	text := good.Encode()
	got, err := officer.DecodeRequestFile(append([]byte("Dear Alice,\n"), text...))
	if err != nil || got.Organization != good.Organization || got.Device.ID() != good.Device.ID() || !bytes.Equal(got.Acceptance, good.Acceptance) || got.Label != good.Label {
		t.Fatalf("%+v, %v", got, err)
	}
	change := func(f func(*officer.RequestFile)) []byte {
		r := requestFile()
		f(&r)
		return r.Encode()
	}
	content, _ := pem.Decode(text)
	block := func(name string, b []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: b})
	}
	const name = "UNDERSEAL RECOVERY REQUEST"
	kit := officertest.NewDevice("bob", "kit")
	kit.Record.Kind = officer.DevicePaperKit
	for what, bad := range map[string][]byte{
		"nothing":                 nil,
		"another block":           block("UNDERSEAL CARD", content.Bytes),
		"twice":                   append(slices.Clone(text), text...),
		"a byte more":             block(name, append(slices.Clone(content.Bytes), 0)),
		"a byte less":             block(name, content.Bytes[:len(content.Bytes)-1]),
		"of another organization": change(func(r *officer.RequestFile) { r.Organization[0] = 2 }),
		"another device":          change(func(r *officer.RequestFile) { r.Device = officertest.NewDevice("bob", "other").Record }),
		"another label":           change(func(r *officer.RequestFile) { r.Label.Text = "other" }),
		"a label of another kind": change(func(r *officer.RequestFile) { r.Label.Kind = officer.TextName }),
		"not signed":              change(func(r *officer.RequestFile) { r.Acceptance = make([]byte, 64) }),
		"a short signature":       change(func(r *officer.RequestFile) { r.Acceptance = r.Acceptance[1:] }),
		"for a member": change(func(r *officer.RequestFile) {
			r.Acceptance = officertest.NewDevice("bob", "fresh").Accept(r.Organization, officer.MemberID{1})
		}),
		"a paper kit": change(func(r *officer.RequestFile) {
			r.Device, r.Label = kit.Record, kit.Label
			r.Acceptance = kit.Sign(wire.LabelDevice, officer.RequestPayload(r.Organization, kit.Record.Encode()))
		}),
		"too long": []byte(strings.Repeat(" ", officer.MaxRequestText) + string(text)),
	} {
		if _, err := officer.DecodeRequestFile(bad); !errors.Is(err, officer.ErrRequest) {
			t.Errorf("%s: %v", what, err)
		}
	}
	newer := slices.Clone(content.Bytes)
	newer[1] = 2
	var version *wire.VersionError
	if _, err := officer.DecodeRequestFile(block(name, newer)); !errors.As(err, &version) || version.Version != 2 {
		t.Errorf("a newer format: %v", err)
	}
	for i := range content.Bytes { // every byte is vouched for by the device
		if i%7 != 0 {
			continue
		}
		bad := slices.Clone(content.Bytes)
		bad[i] ^= 1
		if _, err := officer.DecodeRequestFile(block(name, bad)); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
}

func FuzzRequestFile(f *testing.F) {
	f.Add(requestFile().Encode())
	f.Add([]byte("-----BEGIN UNDERSEAL RECOVERY REQUEST-----\n-----END UNDERSEAL RECOVERY REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := officer.DecodeRequestFile(text)
		if err != nil {
			return
		}
		if again, err := officer.DecodeRequestFile(r.Encode()); err != nil || again.Device.ID() != r.Device.ID() {
			t.Errorf("not itself again: %v", err)
		}
	})
}

// TestSharesOf tells before an officer goes who could not be recovered then.
func TestSharesOf(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do(
		"alice: add olga as officer; add omar as officer; add bob as member; add carol as member; policy officers=2 recovery=2",
		"bob: enroll bob 2 with alice,olga,omar", "carol: enroll carol 2 with alice,olga",
		"alice: make omar member",
	)
	holders := func(name string) (names []string) {
		for _, id := range o.State.Holders(o.State.Member(o.Person(name).ID()).Enrolment()) {
			for _, p := range []string{"alice", "olga", "omar"} {
				if o.Person(p).ID() == id {
					names = append(names, p)
				}
			}
		}
		return names
	}
	if got := holders("bob"); !slices.Equal(got, []string{"alice", "olga"}) {
		t.Errorf("who holds shares of bob's: %v", got)
	}
	for name, want := range map[string]int{"alice": 2, "olga": 2, "omar": 1, "bob": 0} {
		if got := o.State.SharesOf(o.Person(name).ID()); len(got) != want {
			t.Errorf("%s holds shares of %d", name, len(got))
		}
	}
	o.Do("alice: make omar officer")
	if got := holders("bob"); len(got) != 3 {
		t.Errorf("an officer again: %v", got)
	}
	o.Do("carol: rotate user carol") // which ends the enrolment
	if got := o.State.SharesOf(o.Person("olga").ID()); len(got) != 1 {
		t.Errorf("after an end: %d", len(got))
	}
}
