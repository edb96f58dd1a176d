package workspace

import (
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type lastSeenVector struct {
	Name, Kind, Rule              string
	Organization, Mailbox, Device vectortest.Hex
	Key, Other, Statement         vectortest.Hex
	OtherKey                      vectortest.Hex `json:"other_key"`
	Length, Time                  uint64
	Hash                          vectortest.Hex
	Text, Number                  string
}

// ruleOf is the rule of spec/last-seen.md by which a statement is passed over.
func ruleOf(err error) string {
	var version *wire.VersionError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, officer.ErrOrganization):
		return "H-2"
	case errors.Is(err, officer.ErrAuthor):
		return "H-3"
	case errors.Is(err, officer.ErrSignature):
		return "H-4"
	case errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrTooLarge), errors.As(err, &version):
		return "H-1"
	default:
		return err.Error()
	}
}

// TestLastSeenVectors reads every statement and head of
// testdata/vectors/last-seen.json, which were made without this package.
func TestLastSeenVectors(t *testing.T) { //nolint:tparallel // it counts what is refused
	t.Parallel()
	refused := 0
	for _, v := range vectortest.Load[lastSeenVector](t, "last-seen").Vectors {
		t.Run(v.Rule+": "+v.Name, func(t *testing.T) {
			if v.Rule != "" {
				refused++
			}
			org := vectortest.Array[officer.OrganizationID](t, v.Organization)
			if v.Kind == "head" {
				v.head(t, org)
				return
			}
			device := vectortest.Array[officer.DeviceID](t, v.Device)
			if box := lastSeenBox(org, device); box != vectortest.Array[wire.Hash](t, v.Mailbox) {
				t.Errorf("mailbox %s", box)
			}
			l, err := readLastSeen(v.Statement, org, func(id officer.DeviceID) []byte {
				switch id {
				case device:
					return v.Key
				case vectortest.Array[officer.DeviceID](t, v.Other):
					return v.OtherKey
				default:
					return nil
				}
			})
			rule := ruleOf(err)
			if err == nil && l.Device != device { // as lastSeen does
				rule = "H-4"
			}
			if rule != v.Rule {
				t.Fatalf("refused by %q: %v", rule, err)
			}
			if rule == "" && (l.Length != v.Length || l.Seconds != v.Time || string(l.Hash[:]) != string(v.Hash)) {
				t.Errorf("%+v", l)
			}
		})
	}
	if refused < 20 {
		t.Errorf("only %d vectors are refused", refused)
	}
}

func (v lastSeenVector) head(t *testing.T, org officer.OrganizationID) {
	t.Helper()
	got, h, err := officer.ParseHead(v.Text)
	if v.Rule != "" {
		if err == nil {
			t.Error("accepted")
		}
		return
	}
	if err != nil || got != org || h.Length != v.Length || string(h.Hash[:]) != string(v.Hash) {
		t.Fatalf("%+v, %v", h, err)
	}
	if n := officer.HeadNumber(org, h); n != v.Number {
		t.Errorf("number %s", n)
	}
	if text := officer.FormatHead(org, h); text != strings.ToLower(strings.TrimSpace(v.Text)) {
		t.Errorf("text %s", text)
	}
}
