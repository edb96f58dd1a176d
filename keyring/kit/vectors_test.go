package kit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// secondWords is a second implementation of the words, from BIP 39 alone, and
// as unlike the first as possible.
func secondWords(s []byte) []string {
	all := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
	sum := sha256.Sum256(s)
	n := new(big.Int).SetBytes(append(bytes.Clone(s), sum[0]))
	out := make([]string, 24)
	size, rest := big.NewInt(2048), new(big.Int)
	for i := range out {
		n.DivMod(n, size, rest)
		out[23-i] = all[rest.Int64()]
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vector is one of testdata/vectors/backup.json.
type vector struct {
	Name, Kind, Rule           string
	Typed, Content, Text       string
	Words, Label               string
	Organization, Salt, Secret vectortest.Hex
	Device                     vectortest.Hex
	DeviceKind                 officer.DeviceKind `json:"device_kind"`
	Records                    []vectortest.Hex
}

// answers are the known answers among the vectors.
func answers(t *testing.T) []vector {
	t.Helper()
	all := vectortest.Load[vector](t, "backup").Vectors
	all = slices.DeleteFunc(all, func(v vector) bool { return v.Kind != "backup" })
	if len(all) < 3 {
		t.Fatalf("only %d known answers", len(all))
	}
	return all
}

func (v vector) backup(t *testing.T) *Backup {
	t.Helper()
	label := officer.Opening{Kind: officer.TextDevice, Salt: [32]byte(v.Salt), Text: v.Label}
	b, err := newBackup(v.DeviceKind, officer.OrganizationID(v.Organization), label, secret.New(v.Secret))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	return b
}

// ruleOf is the rule of spec/backup.md by which a vector is refused.
func ruleOf(kind string, err error) string {
	var version *wire.VersionError
	var word *WordError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrOtherOrganization):
		return "W-8"
	case errors.Is(err, ErrOtherDevice):
		return "W-9"
	case errors.Is(err, ErrChecksum):
		return "W-6"
	case !errors.Is(err, ErrMalformed):
		return err.Error()
	case errors.As(err, &word):
		return "W-5"
	case errors.As(err, &version):
		return "W-3"
	case errors.Is(err, wire.ErrTooLarge):
		return "W-1"
	case errors.Is(err, bech32text.ErrMalformed):
		return "W-2"
	case kind == "words":
		return "W-4"
	default:
		return "W-7"
	}
}

// TestVectors reads testdata/vectors/backup.json, which was made without this
// package.
func TestVectors(t *testing.T) { //nolint:tparallel // it counts the rules
	t.Parallel()
	broken := map[string]bool{}
	for _, v := range vectortest.Load[vector](t, "backup").Vectors {
		t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
			broken[v.Rule] = true
			if err := v.read(t); ruleOf(v.Kind, err) != v.Rule {
				t.Errorf("refused by %q: %v", ruleOf(v.Kind, err), err)
			}
		})
	}
	for i := range 9 {
		if rule := "W-" + strconv.Itoa(i+1); !broken[rule] {
			t.Errorf("no vector breaks %s", rule)
		}
	}
}

// read reads a vector as its kind asks, and holds the results against it.
func (v vector) read(t *testing.T) error {
	t.Helper()
	switch v.Kind {
	case "backup":
		b := v.backup(t)
		if string(b.Text().Expose()) != v.Text || string(b.Words().Expose()) != v.Words || b.ID().String() != hex.EncodeToString(v.Device) {
			t.Errorf("text %s\nwords %s\ndevice %s", b.Text().Expose(), b.Words().Expose(), b.ID())
		}
		for _, form := range []string{v.Text, v.Words} {
			if err := mustParse(t, form).Rehearse(b.org, b.Keys().Record()); err != nil {
				return err
			}
		}
		return nil
	case "file":
		c, err := parseFile([]byte(v.Content))
		if err == nil {
			v.same(t, c)
		}
		return err
	}
	c, err := Parse(secret.New([]byte(v.Typed)))
	if err != nil {
		return err
	}
	if v.Kind != "device" {
		v.same(t, c)
		return nil
	}
	var records []officer.DeviceRecord
	for _, b := range v.Records {
		r, err := officer.ParseDeviceRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	d, err := c.Find(officer.OrganizationID(v.Organization), slices.Values(records))
	if err == nil && d.ID().String() != hex.EncodeToString(v.Device) {
		t.Errorf("found %s", d.ID())
	}
	return err
}

// same holds what was read against the vector; words say the secret alone.
func (v vector) same(t *testing.T, c *Copy) {
	t.Helper()
	if string(c.Secret().Expose()) != string(v.Secret) {
		t.Error("another secret")
	}
	org, known := c.Organization()
	switch {
	case known != (v.Kind != "words"):
		t.Errorf("it says an organization: %v", known)
	case known && (string(org[:]) != string(v.Organization) || string(c.device[:]) != string(v.Device)):
		t.Errorf("of organization %s, device %x", org, c.device)
	}
}

// kitOf and fileOf are backups of the known answers.
func kitOf(t *testing.T) *Backup  { t.Helper(); return answers(t)[0].backup(t) }
func fileOf(t *testing.T) *Backup { t.Helper(); return answers(t)[1].backup(t) }

func details() Details {
	return Details{
		Organization: "Example LLP", Name: "Alice Nguyễn", Email: "alice@example.com",
		Store: "dir:/srv/firm", Made: time.Date(2026, 3, 2, 15, 4, 5, 0, time.UTC),
	}
}

// The example of the page is the first known answer.
func TestSpec(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../spec/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(b)), " ")
	a := answers(t)[0]
	for _, want := range []string{a.Text, a.Words, "A text has " + strconv.Itoa(len(a.Text)) + " characters", hex.EncodeToString(a.Device[:8])} {
		if !strings.Contains(page, want) {
			t.Errorf("spec/backup.md does not have %q", want)
		}
	}
}
