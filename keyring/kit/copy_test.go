package kit

import (
	"errors"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

func mustParse(t testing.TB, typed string) *Copy {
	t.Helper()
	c, err := Parse(secret.New([]byte(typed)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestText(t *testing.T) {
	t.Parallel()
	b := kitOf(t)
	text := string(b.Text().Expose())
	for name, typed := range map[string]string{
		"as it is":    text,
		"lower case":  strings.ToLower(text),
		"broken":      " \r\n" + text[:40] + "\r\n" + text[40:90] + " \t" + text[90:] + "\n",
		"white space": "\n\n" + text + "\n",
	} {
		c := mustParse(t, typed)
		if org, known := c.Organization(); !known || org != b.org {
			t.Errorf("%s: organization %v, %v", name, org, known)
		}
		if !c.Secret().Equal(b.secret) {
			t.Errorf("%s: another secret", name)
		}
	}
}

func TestTextRefused(t *testing.T) {
	t.Parallel()
	b := kitOf(t)
	text := string(b.Text().Expose())
	other := []byte{2}
	other = append(other, make([]byte, textSize-1)...)
	key := strings.ToUpper(bech32text.Encode("underseal-secret-", b.secret.Expose()))
	for name, typed := range map[string]string{
		"shorter":             text[:len(text)-1],
		"longer":              text + "Q",
		"a character changed": text[:60] + changed(text[60]) + text[61:],
		"two swapped":         text[:60] + text[61:62] + text[60:61] + text[62:],
		"mixed case":          strings.ToLower(text[:60]) + text[60:],
		"another version":     strings.ToUpper(bech32text.Encode(prefix, other)),
		"a device's own key":  key,
		"a fingerprint":       officer.FormatFingerprint(b.org),
		"only its beginning":  "UNDERSEAL-BACKUP-1",
		"twice":               text + " " + text,
	} {
		_, err := Parse(secret.New([]byte(typed)))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := 18; i+8 <= len(typed); i++ {
			if strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(typed[i:i+8])) {
				t.Errorf("%s: the error holds a part of the text: %v", name, err)
			}
		}
	}
	var version *wire.VersionError
	_, err := Parse(secret.New([]byte(bech32text.Encode(prefix, other))))
	if !errors.As(err, &version) || version.Version != 2 {
		t.Errorf("another version: %v", err)
	}
}

// changed is another character of the alphabet.
func changed(c byte) string {
	if c == 'Q' {
		return "P"
	}
	return "Q"
}

// A backup opens its own device and none beside it.
func TestFind(t *testing.T) {
	t.Parallel()
	b, other := kitOf(t), fileOf(t)
	foreign := b.org
	foreign[0] ^= 1
	record := b.Keys().Record()
	with := func(f func(*officer.DeviceRecord)) officer.DeviceRecord {
		r := record
		f(&r)
		return r
	}
	text, words := string(b.Text().Expose()), string(b.Words().Expose())
	for name, c := range map[string]struct {
		typed  string
		org    officer.OrganizationID
		record officer.DeviceRecord
		want   error
	}{
		"text":                        {text, b.org, record, nil},
		"words":                       {words, b.org, record, nil},
		"text, another organization":  {text, foreign, record, ErrOtherOrganization},
		"text, another device":        {text, b.org, other.Keys().Record(), ErrOtherDevice},
		"words, another device":       {words, b.org, other.Keys().Record(), ErrOtherDevice},
		"text, another label":         {text, b.org, with(func(r *officer.DeviceRecord) { r.Label[0] ^= 1 }), ErrOtherDevice},
		"text, another kind":          {text, b.org, with(func(r *officer.DeviceRecord) { r.Kind = officer.DevicePassphraseBackup }), ErrOtherDevice},
		"words, another sign-in key":  {words, b.org, with(func(r *officer.DeviceRecord) { r.SignIn = other.Keys().Record().SignIn }), ErrOtherDevice},
		"words, another encryption":   {words, b.org, with(func(r *officer.DeviceRecord) { r.Encryption = other.Keys().Record().Encryption }), ErrOtherDevice},
		"words, not a backup at all":  {words, b.org, with(func(r *officer.DeviceRecord) { r.Kind = officer.DeviceInstallation }), ErrOtherDevice},
		"words say no organization":   {words, foreign, record, nil},
		"the other's text, this one":  {string(other.Text().Expose()), other.org, record, ErrOtherDevice},
		"words, a label of the other": {words, b.org, with(func(r *officer.DeviceRecord) { r.Label[0] ^= 1 }), nil},
	} {
		if err := mustParse(t, c.typed).Rehearse(c.org, c.record); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}

	d, err := mustParse(t, words).Find(b.org, func(yield func(officer.DeviceRecord) bool) {
		_ = yield(other.Keys().Record()) && yield(record)
	})
	if err != nil || d.ID() != b.ID() {
		t.Fatalf("found %v, %v", d, err)
	}
	if string(d.Sign("x", nil)) != string(b.Keys().Sign("x", nil)) {
		t.Error("the device found signs otherwise")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(officer.DeviceInstallation, officer.OrganizationID{}, "x"); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
	if _, err := New(officer.DevicePaperKit, officer.OrganizationID{}, "x\n"); !errors.Is(err, officer.ErrText) {
		t.Error(err)
	}
	if _, err := newBackup(officer.DevicePaperKit, officer.OrganizationID{}, officer.Opening{}, secret.New([]byte("short"))); !errors.Is(err, keyring.ErrSecret) {
		t.Error(err)
	}
	b, f := kitOf(t), fileOf(t)
	if _, err := b.File(details(), secret.New([]byte("a long passphrase"))); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
	if _, err := f.Paper(details(), A4); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
	if _, err := b.Paper(details(), Size(9)); err == nil {
		t.Error("an unknown size of paper was taken")
	}
	if _, err := b.Paper(Details{Organization: "a", Name: "b", Email: "c"}, A4); !errors.Is(err, errDay) {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Details){
		"organization": func(d *Details) { d.Organization = "" },
		"name":         func(d *Details) { d.Name = "a\nb" },
		"email":        func(d *Details) { d.Email = "a\u202eb" },
		"store":        func(d *Details) { d.Store = "dir:/x\nUNDERSEAL-BACKUP-1" },
	} {
		d := details()
		spoil(&d)
		_, paper := b.Paper(d, A4)
		_, file := f.File(d, secret.New([]byte("a long passphrase")))
		for _, err := range []error{paper, file} {
			if !errors.Is(err, officer.ErrText) || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Two backups made one after the other have nothing in common.
func TestNewIsFresh(t *testing.T) {
	t.Parallel()
	a, err := New(officer.DevicePaperKit, officer.OrganizationID{1}, "kit")
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(officer.DevicePaperKit, officer.OrganizationID{1}, "kit")
	if err != nil {
		t.Fatal(err)
	}
	if a.ID() == b.ID() || a.secret.Equal(b.secret) || a.Label().Salt == b.Label().Salt {
		t.Error("two backups are alike")
	}
	a.Destroy()
	if b.secret.Len() != keyring.SecretSize || a.secret.Len() != 0 {
		t.Error("destroying one cleared the wrong secret")
	}
}

// FuzzParse: whatever is typed, what is taken is a backup that writes itself
// back, and an error holds none of it.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, typed []byte) {
		c, err := Parse(secret.New(typed))
		if err != nil {
			var word *WordError
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrChecksum) && !errors.As(err, &word) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again := mustParse(t, string(formatWords(c.Secret()).Expose()))
		if org, known := c.Organization(); known {
			again = mustParse(t, string(formatText(org, officer.DeviceID(append(c.device[:], make([]byte, 24)...)), c.Secret()).Expose()))
		}
		if !again.Secret().Equal(c.Secret()) || again.known != c.known || again.org != c.org || again.device != c.device {
			t.Fatal("what was read is written otherwise")
		}
	})
}
