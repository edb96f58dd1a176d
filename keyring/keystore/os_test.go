package keystore

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gokeyring "github.com/zalando/go-keyring"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

var errFault = errors.New("the keyring broke")

// faulty is a keyring in memory that fails as told.
type faulty struct {
	held                      map[string]string
	getErr, setErr, deleteErr error
	persist                   bool // what fails happens nevertheless
	alter                     func(string) string
	hang                      chan struct{}
}

func (f *faulty) Get(_, user string) (string, error) {
	if f.hang != nil {
		<-f.hang
	}
	if f.getErr != nil {
		return "", f.getErr
	}
	v, ok := f.held[user]
	if !ok {
		return "", gokeyring.ErrNotFound
	}
	return v, nil
}

func (f *faulty) Set(_, user, text string) error {
	if f.alter != nil {
		text = f.alter(text)
	}
	if f.setErr == nil || f.persist {
		f.held[user] = text
	}
	return f.setErr
}

func (f *faulty) Delete(_, user string) error {
	if _, ok := f.held[user]; !ok {
		return gokeyring.ErrNotFound
	}
	if f.deleteErr == nil || f.persist {
		delete(f.held, user)
	}
	return f.deleteErr
}

func answers(context.Context) error { return nil }

func fakeOS(f *faulty) *OS {
	if f.held == nil {
		f.held = map[string]string{}
	}
	return &OS{ring: f, probe: answers}
}

func TestOSFaults(t *testing.T) {
	t.Parallel()
	text := string(FormatSecret(counting()).Expose())
	for name, c := range map[string]struct {
		ring *faulty
		save error // what Save returns
		left bool  // whether the account has something afterwards
	}{
		"no fault":                  {&faulty{}, nil, true},
		"exists":                    {&faulty{held: map[string]string{account: text}}, ErrKeyExists, true},
		"exists, damaged":           {&faulty{held: map[string]string{account: "x"}}, ErrKeyExists, true},
		"get failed":                {&faulty{getErr: errFault}, errFault, false},
		"set failed":                {&faulty{setErr: errFault}, errFault, false},
		"set failed but persisted":  {&faulty{setErr: errFault, persist: true}, errFault, false},
		"set and delete failed":     {&faulty{setErr: errFault, persist: true, deleteErr: errFault}, errFault, false},
		"kept nothing":              {&faulty{setErr: nil, alter: func(string) string { return "" }}, ErrUnavailable, true},
		"kept half":                 {&faulty{alter: func(s string) string { return s[:40] }}, ErrUnavailable, true},
		"kept the secret of others": {&faulty{alter: func(string) string { return string(FormatSecret(secret.Random(32)).Expose()) }}, ErrUnavailable, true},
	} {
		o := fakeOS(c.ring)
		err := o.Save(t.Context(), account, counting())
		if !errors.Is(err, c.save) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "QQQSY") {
			t.Errorf("%s: the error quotes the secret: %v", name, err)
		}
		if _, left := c.ring.held[account]; left != c.left {
			t.Errorf("%s: left %v", name, c.ring.held)
		}
	}
}

func TestOSLoadAndDelete(t *testing.T) {
	t.Parallel()
	text := string(FormatSecret(counting()).Expose())
	for name, c := range map[string]struct {
		ring       *faulty
		load, dele error
	}{
		"there":         {&faulty{held: map[string]string{account: text}}, nil, nil},
		"lower case":    {&faulty{held: map[string]string{account: strings.ToLower(text)}}, nil, nil},
		"nothing there": {&faulty{}, ErrNoKey, ErrNoKey},
		"damaged":       {&faulty{held: map[string]string{account: text + "\n"}}, ErrDamaged, nil},
		"failed":        {&faulty{held: map[string]string{account: text}, getErr: errFault, deleteErr: errFault}, errFault, errFault},
	} {
		o := fakeOS(c.ring)
		s, err := o.Load(t.Context(), account)
		if !errors.Is(err, c.load) || err == nil && !s.Equal(counting()) {
			t.Errorf("%s: load: %v", name, err)
		}
		if err := o.Delete(t.Context(), account); !errors.Is(err, c.dele) {
			t.Errorf("%s: delete: %v", name, err)
		}
	}
	for _, bad := range []string{"", "../x", "a b", "A"} {
		o := fakeOS(&faulty{})
		_, err := o.Load(t.Context(), bad)
		if err == nil || o.Save(t.Context(), bad, counting()) == nil || o.Delete(t.Context(), bad) == nil {
			t.Errorf("account %q is accepted", bad)
		}
	}
	if err := fakeOS(&faulty{}).Save(t.Context(), account, secret.Random(31)); err == nil {
		t.Error("a short secret is saved")
	}
}

// A keyring that takes for ever is given up when the caller says so.
func TestOSHangs(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	o := fakeOS(&faulty{hang: hang})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Load(ctx, account); !errors.Is(err, ErrUnavailable) {
		t.Errorf("load: %v", err)
	}
	silent := &OS{ring: &faulty{}, probe: func(context.Context) error { <-hang; return nil }}
	if err := silent.Available(ctx); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("available: %v", err)
	}
	_, err := within(t.Context(), time.Nanosecond, func(context.Context) (int, error) { <-hang; return 1, nil })
	if !errors.Is(err, errNoAnswer) {
		t.Errorf("within: %v", err)
	}
}

// A bus that accepts and never says a word.
func TestOSSilentBus(t *testing.T) {
	testenv.OnlyOn(t, "linux")
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewOS().Available(ctx) }()
	c := <-accepted // it is being waited for an answer
	defer func() { _ = c.Close() }()
	cancel()
	if err := <-done; !errors.Is(err, ErrUnavailable) {
		t.Errorf("a silent bus: %v", err)
	}

	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path+".none")
	if err := NewOS().Available(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no bus: %v", err)
	}
	if _, err := NewOS().Load(t.Context(), account); !errors.Is(err, ErrUnavailable) {
		t.Errorf("load without a bus: %v", err)
	}
}

// sessionVariable tells the child of TestGnomeKeyring what session it is in.
const sessionVariable = "UNDERSEAL_TEST_KEYRING_SESSION"

// TestGnomeKeyring runs itself in sessions of their own, each with a bus and a
// GNOME Keyring of its own in a home of its own.
func TestGnomeKeyring(t *testing.T) {
	if session := os.Getenv(sessionVariable); session != "" {
		inSession(t, session)
		return
	}
	testenv.OnlyOn(t, "linux")
	testenv.Tool(t, "gnome-keyring-daemon", "gnome-keyring")
	bus := testenv.Tool(t, "dbus-run-session", "dbus-daemon")
	home := t.TempDir()
	runtimeDir := filepath.Join(home, "run")
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		t.Fatal(err)
	}
	const unlock = `printf password | gnome-keyring-daemon --unlock --components=secrets >&2 && `
	for _, session := range []struct{ name, before string }{
		{"not set up", ""},
		{"unlocked", unlock},
		{"unlocked again", unlock},
		{"locked", ""},
	} {
		c := exec.CommandContext(t.Context(), bus, "--", "sh", "-c",
			session.before+`exec "$0" -test.run='^TestGnomeKeyring$' -test.v -test.count=1`, os.Args[0])
		c.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+runtimeDir, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=",
			"DISPLAY=", "WAYLAND_DISPLAY=", "GNOME_KEYRING_CONTROL=", sessionVariable+"="+session.name)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestGnomeKeyring") {
			t.Fatalf("%s: %v\n%s", session.name, err, out)
		}
	}
}

func inSession(t *testing.T, session string) {
	t.Helper()
	o, ctx := NewOS(), t.Context()
	chosen, chooseErr := Choose(ctx, Choice{})
	switch session {
	case "not set up":
		if !errors.Is(chooseErr, ErrNoStore) {
			t.Errorf("choose: %v, %v", chosen, chooseErr)
		}
		if err := o.Save(ctx, account, counting()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("save: %v", err)
		}
	case "unlocked":
		if chooseErr != nil || chosen.Name() != KindOS {
			t.Errorf("choose: %v, %v", chosen, chooseErr)
		}
		if _, err := o.Load(ctx, account); !errors.Is(err, ErrNoKey) {
			t.Errorf("load before save: %v", err)
		}
		if err := o.Delete(ctx, account); !errors.Is(err, ErrNoKey) {
			t.Errorf("delete before save: %v", err)
		}
		for _, a := range []string{account, "device-2"} {
			if err := o.Save(ctx, a, counting()); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Save(ctx, account, secret.Random(SecretSize)); !errors.Is(err, ErrKeyExists) {
			t.Errorf("second save: %v", err)
		}
		if err := o.Delete(ctx, "device-2"); err != nil {
			t.Error(err)
		}
	case "unlocked again":
		if s, err := o.Load(ctx, account); err != nil || !s.Equal(counting()) {
			t.Errorf("load: %v", err)
		}
		if _, err := o.Load(ctx, "device-2"); !errors.Is(err, ErrNoKey) {
			t.Errorf("load after delete: %v", err)
		}
	case "locked":
		if err := o.Available(ctx); err != nil {
			t.Errorf("available: %v", err)
		}
		if _, err := o.Load(ctx, account); !errors.Is(err, ErrUnavailable) {
			t.Errorf("load: %v", err)
		}
	default:
		t.Fatalf("unknown session %q", session)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	silent := func(context.Context) error { return errFault }
	asked := func(context.Context) error { t.Error("the keyring was asked"); return nil }
	path := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(path, []byte(goodPassphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		choice Choice
		probe  func(context.Context) error
		want   string
		err    error
	}{
		"a keyring answers":      {Choice{}, answers, KindOS, nil},
		"none answers":           {Choice{}, silent, "", ErrNoStore},
		"a person could be told": {Choice{Ask: neverAsked(t)}, silent, "", ErrNoStore},
		"passphrase file":        {Choice{PassphraseFile: path}, asked, KindFile, nil},
		"os by flag":             {Choice{Kind: KindOS, PassphraseFile: path}, asked, KindOS, nil},
		"file by flag":           {Choice{Kind: KindFile}, asked, KindFile, nil},
		"neither by flag":        {Choice{Kind: "paper"}, asked, "", ErrKind},
		"upper case":             {Choice{Kind: "OS"}, asked, "", ErrKind},
	} {
		s, err := choose(t.Context(), c.choice, &OS{ring: &faulty{}, probe: c.probe})
		if !errors.Is(err, c.err) || err == nil && s.Name() != c.want {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	_, err := choose(t.Context(), Choice{}, &OS{ring: &faulty{}, probe: silent})
	if !errors.Is(err, errFault) || !strings.Contains(err.Error(), "--key-store os") || !strings.Contains(err.Error(), "--key-store file") {
		t.Errorf("the error does not name the reason and both options: %v", err)
	}
}

// Where a passphrase comes from: the file named, then a person, then nowhere.
func TestChoosePassphrase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(path, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		choice Choice
		want   string
		err    error
	}{
		"file":     {Choice{Kind: KindFile, PassphraseFile: path, Ask: neverAsked(t)}, "from the file", nil},
		"terminal": {Choice{Kind: KindFile, Ask: says("from a person")}, "from a person", nil},
		"neither":  {Choice{Kind: KindFile}, "", ErrNoPassphrase},
	} {
		s, err := Choose(t.Context(), c.choice)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.(*File).ask(t.Context(), ToOpen)
		if string(got.Expose()) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", name, got.Expose(), err)
		}
	}
}
