package kit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
)

// A second implementation of both forms, from spec/backup.md and the two
// proposals alone, and as unlike the first as possible.

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

func secondText(payload []byte) string {
	const alphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	n := new(big.Int).SetBytes(payload)
	bits := len(payload) * 8
	pad := (5 - bits%5) % 5
	n.Lsh(n, uint(pad))
	groups := make([]byte, (bits+pad)/5)
	for i := range groups {
		groups[len(groups)-1-i] = byte(new(big.Int).And(n, big.NewInt(31)).Int64())
		n.Rsh(n, 5)
	}
	hrp := "underseal-backup-"
	var values []byte
	for _, c := range []byte(hrp) {
		values = append(values, c>>5)
	}
	values = append(values, 0)
	for _, c := range []byte(hrp) {
		values = append(values, c&31)
	}
	values = append(append(values, groups...), 0, 0, 0, 0, 0, 0)
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	sum ^= 1
	out := []byte(strings.ToUpper(hrp) + "1")
	for _, g := range groups {
		out = append(out, alphabet[g])
	}
	for i := range 6 {
		out = append(out, alphabet[sum>>(5*(5-i))&31])
	}
	return string(out)
}

// answer is a known answer of testdata/backup.json.
type answer struct {
	Name         string             `json:"name"`
	Kind         officer.DeviceKind `json:"device_kind"`
	Organization string             `json:"organization"`
	Label        string             `json:"label"`
	Salt         string             `json:"salt"`
	Secret       string             `json:"secret"`
	Device       string             `json:"device"`
	Text         string             `json:"text"`
	Words        string             `json:"words"`
}

func answers(t *testing.T) []answer {
	t.Helper()
	b, err := os.ReadFile("testdata/backup.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []answer
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) < 3 {
		t.Fatalf("only %d known answers", len(out))
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

func (a answer) backup(t *testing.T) *Backup {
	t.Helper()
	label := officer.Opening{Kind: officer.TextDevice, Salt: [32]byte(unhex(t, a.Salt)), Text: a.Label}
	b, err := newBackup(a.Kind, officer.OrganizationID(unhex(t, a.Organization)), label, secret.New(unhex(t, a.Secret)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	return b
}

func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	for _, a := range answers(t) {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			b := a.backup(t)
			text, words, id := string(b.Text().Expose()), string(b.Words().Expose()), b.ID().String()
			if text != a.Text || words != a.Words || id != a.Device {
				t.Errorf("text %s\nwords %s\ndevice %s", text, words, id)
			}
			payload := append([]byte{1}, unhex(t, a.Organization)...)
			payload = append(append(payload, unhex(t, a.Device)[:8]...), unhex(t, a.Secret)...)
			if second := secondText(payload); second != a.Text {
				t.Errorf("the second implementation says %s", second)
			}
			if second := strings.Join(secondWords(unhex(t, a.Secret)), " "); second != a.Words {
				t.Errorf("the second implementation says %s", second)
			}
			for _, form := range []string{a.Text, a.Words} {
				c, err := Parse(secret.New([]byte(form)))
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Rehearse(b.org, b.Keys().Record()); err != nil {
					t.Error(err)
				}
			}
		})
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
	for _, want := range []string{a.Text, a.Words, "A text has " + strconv.Itoa(len(a.Text)) + " characters", a.Device[:16]} {
		if !strings.Contains(page, want) {
			t.Errorf("spec/backup.md does not have %q", want)
		}
	}
}
