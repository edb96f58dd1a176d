package kit

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
)

const passphrase = "correct horse battery staple"

// The program age opens the file and shows what it is; what it shows, sealed
// by age again, is a backup too.
func TestStockAge(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	program := testenv.Tool(t, "age", "age")
	script := testenv.Tool(t, "script", "bsdutils") // age reads passphrases from a terminal only
	b := fileOf(t)
	file, err := b.File(details(), secret.New([]byte(passphrase)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(file), "age-encryption.org/v1\n-> scrypt ") {
		t.Errorf("the file begins with %.60q", file)
	}
	dir := t.TempDir()
	sealed, plain, again := filepath.Join(dir, "backup.age"), filepath.Join(dir, "plain"), filepath.Join(dir, "again.age")
	if err := os.WriteFile(sealed, file, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(command, typed string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), script, "-qec", command, "/dev/null")
		c.Stdin = strings.NewReader(typed)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	run(program+" -d -o "+plain+" "+sealed, passphrase+"\n")
	got, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"# Underseal passphrase backup, format 1",
		"# organization: Example LLP",
		"# fingerprint: " + officer.FormatFingerprint(b.org),
		"# member: Alice Nguyễn",
		"# email: alice@example.com",
		"# device: " + b.ID().String(),
		"# made: 2026-03-02",
		"# store: dir:/srv/firm",
		"# The last line is the secret: who has it reads what the member reads.",
		"# To use it: underseal backup restore. To end it: underseal device remove.",
		string(b.Text().Expose()), "",
	}, "\n")
	if string(got) != want {
		t.Errorf("age -d shows\n%s", got)
	}

	run(program+" -p -o "+again+" "+plain, passphrase+"\n"+passphrase+"\n")
	theirs, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(theirs, secret.New([]byte(passphrase)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rehearse(b.org, b.Keys().Record()); err != nil {
		t.Error(err)
	}
}

func frozen(t *testing.T) []byte {
	t.Helper()
	file, err := os.ReadFile("testdata/frozen/backup-v1.age")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// testdata/frozen/backup-v1.age was written by the first release and opens
// for ever.
func TestFrozenFile(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	b := fileOf(t)
	c, err := OpenFile(frozen(t), secret.New([]byte(passphrase)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rehearse(b.org, b.Keys().Record()); err != nil {
		t.Error(err)
	}
}

func TestFileRefused(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	b := fileOf(t)
	if _, err := b.File(details(), secret.New([]byte("too short"))); !errors.Is(err, keystore.ErrPassphrase) {
		t.Error(err)
	}
	good := frozen(t)
	if _, err := OpenFile(good, secret.New([]byte("the wrong passphrase"))); !errors.Is(err, keystore.ErrWrongPassphrase) {
		t.Error(err)
	}
	// What follows is found without the passphrase.
	var cost *keystore.WorkFactorError
	for name, c := range map[string]struct {
		file []byte
		want func(error) bool
	}{
		"good":           {good, func(err error) bool { return err == nil }},
		"too large":      {make([]byte, MaxFile+1), func(err error) bool { return errors.Is(err, ErrMalformed) }},
		"empty":          {nil, func(err error) bool { return errors.Is(err, keystore.ErrDamaged) }},
		"cut":            {good[:60], func(err error) bool { return errors.Is(err, keystore.ErrDamaged) }},
		"too cheap":      {[]byte(strings.Replace(string(good), " 18\n", " 10\n", 1)), func(err error) bool { return errors.As(err, &cost) && cost.LogN == 10 }},
		"too dear":       {[]byte(strings.Replace(string(good), " 18\n", " 30\n", 1)), func(err error) bool { return errors.As(err, &cost) && cost.LogN == 30 }},
		"the text alone": {b.Text().Expose(), func(err error) bool { return errors.Is(err, keystore.ErrDamaged) }},
	} {
		if err := CheckFile(c.file); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The longest texts fit into what is read.
func TestMaxFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1024)
	plain := fileOf(t).content(Details{Organization: long, Name: long, Email: long, Store: long, Made: details().Made})
	const age = 300 // more than what age adds: header, nonce and tag
	if plain.Len()+age > MaxFile {
		t.Errorf("the content has %d bytes", plain.Len())
	}
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	text := string(fileOf(t).Text().Expose())
	for name, c := range map[string]struct {
		plain string
		ok    bool
	}{
		"the line":            {text + "\n", true},
		"without its end":     {text, true},
		"CR LF and comments":  {"# a\r\n\r\n  " + text + " \r\n# b\r\n", true},
		"lower case":          {strings.ToLower(text), true},
		"nothing":             {"", false},
		"comments alone":      {"# " + text + "\n", false},
		"two lines":           {text + "\n" + text + "\n", false},
		"broken over lines":   {text[:50] + "\n" + text[50:] + "\n", false},
		"words":               {strings.Repeat("abandon ", 23) + "art", false},
		"something before it": {"secret: " + text, false},
	} {
		got, err := parseFile([]byte(c.plain))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMalformed) || c.ok && got == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
