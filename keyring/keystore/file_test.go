package keystore

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

const (
	goodPassphrase = "correct horse battery staple"
	account        = "device-1"
)

// cheap is a cost at which every bit of a file can be tried.
var cheap = cost{write: 2, least: 1, most: 3}

func says(pass string) Passphrase {
	return func(context.Context, Purpose) (*secret.Bytes, error) { return secret.New([]byte(pass)), nil }
}

// neverAsked fails the test if a passphrase is asked for.
func neverAsked(t *testing.T) Passphrase {
	return func(context.Context, Purpose) (*secret.Bytes, error) {
		t.Error("a passphrase was asked for")
		return nil, ErrNoPassphrase
	}
}

func cheapFile(t *testing.T, ask Passphrase) *File {
	t.Helper()
	f := NewFile(filepath.Join(t.TempDir(), "home", "keys"), ask)
	f.cost = cheap
	return f
}

func counting() *secret.Bytes {
	b := make([]byte, SecretSize)
	for i := range b {
		b[i] = byte(i)
	}
	return secret.New(b)
}

func mustSave(t *testing.T, f *File, s *secret.Bytes) []byte {
	t.Helper()
	if err := f.Save(t.Context(), account, s); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.Path(account))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func replace(t *testing.T, f *File, data []byte) {
	t.Helper()
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path(account), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileLifecycle(t *testing.T) {
	t.Parallel()
	f, s := cheapFile(t, says(goodPassphrase)), secret.Random(SecretSize)
	if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrNoKey) {
		t.Errorf("load before save: %v", err)
	}
	if err := f.Delete(t.Context(), account); !errors.Is(err, ErrNoKey) {
		t.Errorf("delete before save: %v", err)
	}
	before := mustSave(t, f, s)
	got, err := f.Load(t.Context(), account)
	if err != nil || !got.Equal(s) {
		t.Fatalf("load: %v", err)
	}
	f.ask = neverAsked(t)
	if err := f.Save(t.Context(), account, secret.Random(SecretSize)); !errors.Is(err, ErrKeyExists) {
		t.Errorf("second save: %v", err)
	}
	if after, err := os.ReadFile(f.Path(account)); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the second save changed the file: %v", err)
	}
	if _, err := f.Load(t.Context(), "device-2"); !errors.Is(err, ErrNoKey) {
		t.Errorf("another account: %v", err)
	}
	if err := f.Delete(t.Context(), account); err != nil {
		t.Error(err)
	}
	if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrNoKey) {
		t.Errorf("load after delete: %v", err)
	}
}

func TestFileIsForTheUserAlone(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	f := cheapFile(t, says(goodPassphrase))
	mustSave(t, f, counting())
	for path, want := range map[string]fs.FileMode{
		f.Path(account): 0o600, f.dir: 0o700 | fs.ModeDir, filepath.Dir(f.dir): 0o700 | fs.ModeDir,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, want %v (%v)", filepath.Base(path), info.Mode(), want, err)
		}
	}
	names, err := os.ReadDir(f.dir)
	if err != nil || len(names) != 1 {
		t.Errorf("beside the key file lies something: %v, %v", names, err)
	}
}

// Of several that save at once, one wins, and what it saved is what is there.
func TestFileSaveRaces(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	secrets := make([]*secret.Bytes, 8)
	errs := make([]error, len(secrets))
	var wg sync.WaitGroup
	for i := range secrets {
		secrets[i] = secret.Random(SecretSize)
		wg.Go(func() { errs[i] = f.Save(t.Context(), account, secrets[i]) })
	}
	wg.Wait()
	got, err := f.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	won := 0
	for i, err := range errs {
		switch {
		case err == nil && got.Equal(secrets[i]):
			won++
		case !errors.Is(err, ErrKeyExists):
			t.Errorf("save %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestFileRefusesToSave(t *testing.T) {
	t.Parallel()
	stop := errors.New("the person walked away")
	for name, c := range map[string]struct {
		account string
		secret  *secret.Bytes
		ask     Passphrase
		want    error
	}{
		"short passphrase":    {account, counting(), says("fourteen chars"), ErrPassphrase},
		"no passphrase":       {account, counting(), nil, ErrNoPassphrase},
		"passphrase refused":  {account, counting(), func(context.Context, Purpose) (*secret.Bytes, error) { return nil, stop }, stop},
		"short secret":        {account, secret.Random(31), neverAsked(t), nil},
		"no secret":           {account, nil, neverAsked(t), nil},
		"empty account":       {"", counting(), neverAsked(t), nil},
		"path as an account":  {"../x", counting(), neverAsked(t), nil},
		"upper-case account":  {"Device", counting(), neverAsked(t), nil},
		"long account":        {strings.Repeat("a", 65), counting(), neverAsked(t), nil},
		"account with a line": {"a\nb", counting(), neverAsked(t), nil},
	} {
		f := cheapFile(t, c.ask)
		err := f.Save(t.Context(), c.account, c.secret)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if names, _ := filepath.Glob(filepath.Join(f.dir, "*")); len(names) != 0 {
			t.Errorf("%s: left %v", name, names)
		}
		if _, err := f.Load(t.Context(), c.account); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestFileWithoutPermission(t *testing.T) {
	testenv.Unprivileged(t, func(t *testing.T) {
		f := cheapFile(t, says(goodPassphrase))
		want := mustSave(t, f, counting())
		check := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := os.Chmod(f.dir, 0o500); err != nil {
			t.Fatal(err)
		}
		check("save into a closed folder", f.Save(t.Context(), "device-2", counting()))
		check("delete from a closed folder", f.Delete(t.Context(), account))
		if err := errors.Join(os.Chmod(f.dir, 0o700), os.Chmod(f.Path(account), 0)); err != nil {
			t.Fatal(err)
		}
		_, err := f.Load(t.Context(), account)
		check("load a closed file", err)
		if err := os.Chmod(f.Path(account), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(f.Path(account)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the file changed: %v", err)
		}
	})
}

// Saving that fails leaves nothing behind, a file in place included.
func TestFileUndo(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	data := mustSave(t, f, counting())
	if err := f.undo(account, append(bytes.Clone(data[1:]), 0)); err != nil {
		t.Error(err)
	}
	if _, err := f.Load(t.Context(), account); err != nil {
		t.Errorf("undo removed a file that is not its own: %v", err)
	}
	if err := errors.Join(f.undo(account, data), f.undo(account, data)); err != nil {
		t.Error(err)
	}
	if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrNoKey) {
		t.Errorf("undo left the file: %v", err)
	}
}

func TestFileDamage(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	s := counting()
	good := mustSave(t, f, s)
	if len(good) > MaxFile/2 {
		t.Errorf("a key file has %d bytes, MaxFile is %d", len(good), MaxFile)
	}
	load := func(data []byte) error {
		replace(t, f, data)
		got, err := f.Load(t.Context(), account)
		if err == nil && !got.Equal(s) {
			t.Error("another secret came out")
		}
		return err
	}
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, n int, data []byte) {
		t.Helper()
		err := load(data)
		var wf *WorkFactorError
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrongPassphrase) && !errors.As(err, &wf) {
			t.Fatalf("%s %d: %v", what, n, err)
		}
	}
	for i := range good {
		refused("truncated to", i, good[:i])
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			refused("bit flipped in byte", i, bad)
		}
	}
	refused("byte appended", 1, append(bytes.Clone(good), 0))
	refused("doubled", 2, append(bytes.Clone(good), good...))
	refused("too large", MaxFile+1, append(bytes.Clone(good), make([]byte, MaxFile)...))

	if err := os.Remove(f.Path(account)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.Path(account), 0o700); err != nil {
		t.Fatal(err)
	}
	f.ask = neverAsked(t)
	if _, err := f.Load(t.Context(), account); !errors.Is(err, ErrDamaged) {
		t.Errorf("a directory: %v", err)
	}
}

// What age opens with the right passphrase need not be a key file.
func TestFileForeignContent(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, says(goodPassphrase))
	text := string(FormatSecret(counting()).Expose())
	for name, c := range map[string]struct {
		plain string
		want  error
	}{
		"as written":        {text + "\n", nil},
		"lower case":        {strings.ToLower(text) + "\n", nil},
		"no line end":       {text, ErrDamaged},
		"two line ends":     {text + "\n\n", ErrDamaged},
		"CRLF":              {text + "\r\n", ErrDamaged},
		"two secrets":       {text + "\n" + text + "\n", ErrDamaged},
		"nothing":           {"", ErrDamaged},
		"an age identity":   {"AGE-SECRET-KEY-18M5F7R940WFAS5TPESTR95HDX7C7XGRY0Z24VTRMU9Y06Y4Q4H5SQVZWA6\n", ErrDamaged},
		"one character off": {strings.Replace(text, "QQQSY", "QQPSY", 1) + "\n", ErrDamaged},
	} {
		r := mustRecipient(t, goodPassphrase, cheap.write)
		replace(t, f, encrypt(t, c.plain, r))
		_, err := f.Load(t.Context(), account)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "QQQSY") {
			t.Errorf("%s: the error quotes the content: %v", name, err)
		}
	}
}

func TestFileWrongRecipients(t *testing.T) {
	t.Parallel()
	f := cheapFile(t, neverAsked(t))
	plain := string(FormatSecret(counting()).Expose()) + "\n"
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	one := mustRecipient(t, goodPassphrase, cheap.write)
	for name, data := range map[string][]byte{
		"for a key":          encrypt(t, plain, id.Recipient()),
		"two passphrases":    encrypt(t, plain, unlabelled{one}, unlabelled{mustRecipient(t, "another passphrase", 2)}),
		"passphrase and key": encrypt(t, plain, unlabelled{one}, id.Recipient()),
		"plain text":         []byte(plain),
		"empty":              nil,
	} {
		replace(t, f, data)
		_, err := f.Load(t.Context(), account)
		if !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "QQQSY") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The program age, of Debian, is another implementation's build than the
// library here: it opens our file, and we open its. What is saved has the cost
// that is compiled in (attack 36).
func TestStockAge(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	program := testenv.Tool(t, "age", "age")
	script := testenv.Tool(t, "script", "bsdutils") // age reads passphrases from a terminal only
	f := NewFile(t.TempDir(), says(goodPassphrase))
	s := counting()
	ours, err := f.cost.seal(s, secret.New([]byte(goodPassphrase))) // by Save it would cost one opening more
	if err != nil {
		t.Fatal(err)
	}
	replace(t, f, ours)
	header := strings.Split(string(ours), "\n")
	if header[0] != "age-encryption.org/v1" || !strings.HasPrefix(header[1], "-> scrypt ") || !strings.HasSuffix(header[1], " 18") {
		t.Errorf("header %q", header[:2])
	}
	run := func(command, typed string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), script, "-qec", command, "/dev/null")
		c.Stdin = strings.NewReader(typed)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	out := filepath.Join(t.TempDir(), "plain")
	run(program+" -d -o "+out+" "+f.Path(account), goodPassphrase+"\n")
	got, err := os.ReadFile(out)
	if err != nil || string(got) != string(FormatSecret(s).Expose())+"\n" {
		t.Errorf("age -d: %q, %v", got, err)
	}
	run(program+" -p -o "+f.Path("device-2")+" "+out, goodPassphrase+"\n"+goodPassphrase+"\n")
	if again, err := f.Load(t.Context(), "device-2"); err != nil || !again.Equal(s) {
		t.Errorf("a file of age -p: %v", err)
	}
}

// testdata/frozen/v1.age was written by the first release and opens for ever.
func TestFrozenFile(t *testing.T) {
	t.Parallel()
	f := NewFile(filepath.Join("testdata", "frozen"), says(goodPassphrase))
	s, err := f.Load(t.Context(), "v1")
	if err != nil || !s.Equal(counting()) {
		t.Fatal(err)
	}
}

func mustRecipient(t *testing.T, pass string, logN int) *age.ScryptRecipient {
	t.Helper()
	r, err := age.NewScryptRecipient(pass)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(logN)
	return r
}

func encrypt(t *testing.T, plain string, to ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unlabelled hides the label by which age keeps passphrases alone.
type unlabelled struct{ r *age.ScryptRecipient }

func (u unlabelled) Wrap(fileKey []byte) ([]*age.Stanza, error) { return u.r.Wrap(fileKey) }
