package officer_test

import (
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type cardVector struct {
	Name, Kind, Rule string

	Card, Member, Commitment, Device, Salt, Encoded, Organization vectortest.Hex

	UserKey      vectortest.Hex `json:"user_key"`
	File         string
	TextKind     uint8 `json:"text_kind"`
	Text         string
	SafetyNumber string `json:"safety_number"`
	Fingerprint  string
}

// TestCardVectors reads every card, card file, opening, safety number and
// fingerprint of testdata/vectors/card.json.
func TestCardVectors(t *testing.T) {
	t.Parallel()
	card := vectortest.Is(officer.ErrCard)
	and := func(a, b func(error) bool) func(error) bool {
		return func(err error) bool { return a(err) && b(err) }
	}
	classes := vectortest.Classes{
		"C-1": and(card, malformed), "C-2": and(card, newer), "C-3": card, "C-4": card, "C-5": card, "C-6": card, "C-7": card,
		"C-8": vectortest.Is(officer.ErrOpening), "C-9": vectortest.Is(officer.ErrText), "C-10": vectortest.Is(officer.ErrOpening),
		"C-11": func(err error) bool { return err != nil },
	}
	var rules []string
	for _, v := range vectortest.Load[cardVector](t, "card").Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			check := map[string]func(*testing.T) error{
				"card": v.card, "card file": v.file, "opening": v.opening, "safety number": v.safetyNumber, "fingerprint": v.fingerprint,
			}[v.Kind]
			if check == nil {
				t.Fatalf("kind %q", v.Kind)
			}
			classes.Check(t, v.Rule, check(t))
		})
	}
	classes.Used(t, rules)
}

func (v cardVector) card(t *testing.T) error {
	c, err := officer.ParseCard(v.Card)
	if err != nil {
		return err
	}
	if c.ID() != vectortest.Array[officer.MemberID](t, v.Member) || c.UserKeyCommitment() != vectortest.Array[officer.Hash](t, v.Commitment) ||
		c.Device().ID() != vectortest.Array[officer.DeviceID](t, v.Device) || string(c.UserKey()) != string(v.UserKey) || officer.SafetyNumber(c.ID()) != v.SafetyNumber {
		t.Errorf("card of %s", c.ID())
	}
	return nil
}

func (v cardVector) file(t *testing.T) error {
	f, err := officer.DecodeCardFile([]byte(v.File))
	if err != nil {
		return err
	}
	if string(f.Card.Bytes()) != string(v.Card) || f.Card.ID() != vectortest.Array[officer.MemberID](t, v.Member) {
		t.Errorf("card of %s", f.Card.ID())
	}
	return nil
}

func (v cardVector) opening(t *testing.T) error {
	o, err := officer.DecodeOpening(v.Encoded, vectortest.Array[officer.Hash](t, v.Commitment))
	if err != nil {
		return err
	}
	if string(o.Encode()) != string(v.Encoded) || uint8(o.Kind) != v.TextKind || o.Text != v.Text || string(o.Salt[:]) != string(v.Salt) {
		t.Errorf("opening %+v", o)
	}
	return nil
}

func (v cardVector) safetyNumber(t *testing.T) error {
	if n := officer.SafetyNumber(vectortest.Array[officer.MemberID](t, v.Member)); n != v.SafetyNumber {
		t.Errorf("%s, want %s", n, v.SafetyNumber)
	}
	return nil
}

func (v cardVector) fingerprint(t *testing.T) error {
	id, err := officer.ParseFingerprint(v.Fingerprint)
	if err == nil && id != vectortest.Array[officer.OrganizationID](t, v.Organization) {
		t.Errorf("%s", id)
	}
	return err
}

// TestDeviceVectors holds device ids and acceptances against
// testdata/vectors/device.json; that records are refused is seen in cards and
// logs, which carry the same faults.
func TestDeviceVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind, Rule string

		ID, Organization, Member, Record, Payload vectortest.Hex
	}
	var kinds []string
	for _, v := range vectortest.Load[vector](t, "device").Vectors {
		kinds = append(kinds, v.Kind)
		switch v.Kind {
		case "keys":
			if id := wire.Sum(wire.LabelDeviceID, v.Record); id != vectortest.Array[wire.Hash](t, v.ID) {
				t.Errorf("%s: id %s", v.Name, id)
			}
		case "acceptance":
			p := officer.AcceptancePayload(vectortest.Array[officer.OrganizationID](t, v.Organization), vectortest.Array[officer.MemberID](t, v.Member), v.Record)
			if string(p) != string(v.Payload) {
				t.Errorf("%s: payload %x", v.Name, p)
			}
		}
	}
	for _, k := range []string{"keys", "record", "acceptance"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no vector of kind %q", k)
		}
	}
}
