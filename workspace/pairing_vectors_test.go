package workspace

import (
	"bytes"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type pairingVector struct {
	Name, Kind, Rule                          string
	Typed, Text, Label                        string
	Code, Mailbox, Offer, Answer, Reveal      vectortest.Hex
	OfferKey                                  vectortest.Hex `json:"offer_key"`
	AnswerKey                                 vectortest.Hex `json:"answer_key"`
	RevealKey                                 vectortest.Hex `json:"reveal_key"`
	Organization, Member, Device, Head, Nonce vectortest.Hex
	Length, Expires                           uint64
	Words                                     []uint64
}

// TestPairingVectors reads every code and message of
// testdata/vectors/pairing.json, which were made without this package.
func TestPairingVectors(t *testing.T) { //nolint:tparallel // it counts what is refused
	t.Parallel()
	refused := map[string]int{}
	for _, v := range vectortest.Load[pairingVector](t, "pairing").Vectors {
		t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
			rule := map[string]func(*testing.T, pairingVector) string{
				"code": checkPairingCode, "offer": checkPairingOffer, "answer": checkPairingAnswer, "reveal": checkPairingReveal,
			}[v.Kind](t, v)
			if rule != v.Rule {
				t.Errorf("%q, not %q", rule, v.Rule)
			}
			refused[v.Rule]++
		})
	}
	for _, rule := range []string{"", "Q-1", "Q-2", "Q-3", "Q-4", "Q-5", "Q-6"} {
		if refused[rule] < 3 {
			t.Errorf("%d vectors of %q", refused[rule], rule)
		}
	}
}

func checkPairingCode(t *testing.T, v pairingVector) string {
	c, err := ParsePairingCode(secret.New([]byte(v.Typed)))
	if err != nil {
		return "Q-1"
	}
	box := c.box()
	if !bytes.Equal(c.s.Expose(), v.Code) || string(c.Text().Expose()) != v.Text || !bytes.Equal(box[:], v.Mailbox) {
		t.Error("another code")
	}
	for label, want := range map[string][]byte{wire.LabelPairingOffer: v.OfferKey, wire.LabelPairingAnswer: v.AnswerKey, wire.LabelPairingReveal: v.RevealKey} {
		if !bytes.Equal(c.key(label).Expose(), want) {
			t.Errorf("key of %s", label)
		}
	}
	return ""
}

func checkPairingOffer(t *testing.T, v pairingVector) string {
	plain := PairingCode{secret.New(v.Code)}.open(wire.LabelPairingOffer, v.Offer)
	if plain == nil {
		return "Q-2"
	}
	o, d, err := parseOffer(plain)
	if err != nil {
		return "Q-3"
	}
	id := d.ID()
	if !bytes.Equal(o.Organization[:], v.Organization) || !bytes.Equal(o.Member[:], v.Member) || !bytes.Equal(id[:], v.Device) ||
		o.Length != v.Length || !bytes.Equal(o.Head[:], v.Head) || o.Expires != v.Expires || !bytes.Equal(o.Nonce[:], v.Nonce) {
		t.Error("another offer")
	}
	return ""
}

func checkPairingAnswer(t *testing.T, v pairingVector) string {
	code := PairingCode{secret.New(v.Code)}
	o, _, err := parseOffer(code.open(wire.LabelPairingOffer, v.Offer))
	if err != nil {
		t.Fatal(err)
	}
	plain := code.open(wire.LabelPairingAnswer, v.Answer)
	if plain == nil {
		return "Q-2"
	}
	var a pairingAnswer
	if decodePairing(plain, "pairing answer", pairingAnswerParts, &a) != nil || a.Offer != messageHash(v.Offer) {
		return "Q-4"
	}
	_, d, label, err := parseAnswer(plain, messageHash(v.Offer), o.Organization, o.Member)
	if err != nil {
		return "Q-5"
	}
	if id := d.ID(); !bytes.Equal(id[:], v.Device) || label.Text != v.Label {
		t.Error("another device")
	}
	return ""
}

func checkPairingReveal(t *testing.T, v pairingVector) string {
	code := PairingCode{secret.New(v.Code)}
	o, _, err := parseOffer(code.open(wire.LabelPairingOffer, v.Offer))
	if err != nil {
		t.Fatal(err)
	}
	a, _, _, err := parseAnswer(code.open(wire.LabelPairingAnswer, v.Answer), messageHash(v.Offer), o.Organization, o.Member)
	if err != nil {
		t.Fatal(err)
	}
	plain := code.open(wire.LabelPairingReveal, v.Reveal)
	if plain == nil {
		return "Q-2"
	}
	nonce, ok := readReveal(plain, v.Answer, o.Nonce)
	if !ok {
		return "Q-6"
	}
	words := pairingWords(o, a.Record, nonce)
	var got []uint64
	for _, w := range words {
		got = append(got, uint64(w))
	}
	if !bytes.Equal(nonce[:], v.Nonce) || !slices.Equal(got, v.Words) {
		t.Errorf("words %v", got)
	}
	return ""
}

// FuzzPairingCode: what is read is written as one text, which is read as the
// same; everything else is ErrPairingCode.
func FuzzPairingCode(f *testing.F) {
	f.Add("UNDERSEAL-PAIR-1QQQSYQCYQ5RQWZQFPG9SCRGWPUCKLKEY")
	f.Add("qqqs yqcy-q5rqwzqfpg9scrgwpucklkey")
	f.Add("undersealpair1")
	f.Fuzz(func(t *testing.T, typed string) {
		c, err := ParsePairingCode(secret.New([]byte(typed)))
		if err != nil {
			return
		}
		text := c.Text()
		again, err := ParsePairingCode(text)
		if err != nil || !again.s.Equal(c.s) || again.s.Len() != pairingCodeSize {
			t.Errorf("read otherwise: %v", err)
		}
	})
}

// FuzzPairingMessages reads what somebody with the code may leave, as each of
// the three messages: what is accepted encodes as it came.
func FuzzPairingMessages(f *testing.F) {
	for _, v := range vectortest.Load[pairingVector](f, "pairing").Vectors {
		code := PairingCode{secret.New(v.Code)}
		for label, m := range map[string][]byte{wire.LabelPairingOffer: v.Offer, wire.LabelPairingAnswer: v.Answer, wire.LabelPairingReveal: v.Reveal} {
			if v.Kind != "code" && len(m) > 0 {
				if plain := code.open(label, m); plain != nil {
					f.Add(plain)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, _, err := parseOffer(b); err == nil && !bytes.Equal(wire.MustMarshal(o), b) {
			t.Error("another offer")
		}
		if a, _, _, err := parseAnswer(b, officer.Hash{}, officer.OrganizationID{}, officer.MemberID{}); err == nil && !bytes.Equal(wire.MustMarshal(a), b) {
			t.Error("another answer")
		}
		var r pairingReveal
		if decodePairing(b, "pairing reveal", pairingRevealParts, &r) == nil && !bytes.Equal(wire.MustMarshal(r), b) {
			t.Error("another reveal")
		}
	})
}
