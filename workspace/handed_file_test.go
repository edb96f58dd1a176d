package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

const (
	handedFile  = "handed.cbor"
	alteredFile = "handed.altered"
)

// inVain is a firm where Alice's device has handed the key of the field ssn to eve
// for an entry that never came.
func inVain(t *testing.T) (*workspacetest.Firm, *watched) {
	t.Helper()
	f, _ := firmOfTwo(t)
	f.Add("alice", "eve", officer.RoleMember)
	s := &watched{Store: f.Store, fault: dropped}
	if err := f.OpenOn("alice", s).Grant(t.Context(), "ssn", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	if len(f.People["alice"].Home.Files[handedFile]) == 0 {
		t.Fatal("nothing was noted")
	}
	return f, s
}

// TestAlteredNotes: whoever writes the home can neither make the device replace
// keys, nor keep it from changing anything; and the owner is told.
func TestAlteredNotes(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func([]byte) []byte{
		"a bit":          func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the MAC":        func(b []byte) []byte { b[0] ^= 1; return b },
		"cut off":        func(b []byte) []byte { return b[:16] },
		"without a MAC":  func(b []byte) []byte { return b[32:] },
		"a newer format": func(b []byte) []byte { b[33] = 2; return b },
		"garbage":        func([]byte) []byte { return bytes.Repeat([]byte{7}, 99) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			f, _ := inVain(t)
			home := f.People["alice"].Home
			was := alter(bytes.Clone(home.Files[handedFile]))
			must(t, home.Save(handedFile, was))
			w := f.Open("alice")
			if there, err := w.HandedAltered(); there || err != nil {
				t.Fatalf("before it was read: %v, %v", there, err)
			}
			epoch := resourceOf(t, f, "ssn").Epoch().Number
			must(t, w.TakeBack(ctx))
			if list, err := w.HandedOut(ctx); len(list) != 0 || err != nil {
				t.Errorf("%+v, %v", list, err)
			}
			if there, err := w.HandedAltered(); !there || err != nil || !bytes.Equal(home.Files[alteredFile], was) {
				t.Errorf("nobody is told: %v, %v", there, err)
			}
			if now := resourceOf(t, f, "ssn").Epoch().Number; now != epoch {
				t.Errorf("a key was replaced, epoch %d", now)
			}
			must(t, w.Grant(ctx, "ssn", "eve@example.com", officer.Read)) // and goes on
			// What was altered first is kept.
			must(t, home.Save(handedFile, []byte("again")))
			must(t, f.Open("alice").NewField(ctx, "fax"))
			if !bytes.Equal(home.Files[alteredFile], was) {
				t.Error("the first altered file is gone")
			}
			must(t, home.Save(alteredFile, nil))
			if there, err := f.Open("alice").HandedAltered(); there || err != nil {
				t.Errorf("after it was deleted: %v, %v", there, err)
			}
		})
	}
}

// TestNotesOfAnotherDevice: the notes count on the device that wrote them.
func TestNotesOfAnotherDevice(t *testing.T) {
	t.Parallel()
	f, _ := inVain(t)
	must(t, f.People["bob"].Home.Save(handedFile, f.People["alice"].Home.Files[handedFile]))
	w := f.Open("bob")
	must(t, w.TakeBack(t.Context()))
	if there, err := w.HandedAltered(); !there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	mine, others := named(t, f.Open("alice"))
	if !slices.Equal(mine, []string{"ssn"}) || others != nil {
		t.Errorf("alice's own: %v, %v", mine, others)
	}
}

// TestNotesOfANewerProgram are not touched.
func TestNotesOfANewerProgram(t *testing.T) {
	t.Parallel()
	f, _ := inVain(t)
	alice := f.People["alice"]
	body := bytes.Clone(alice.Home.Files[handedFile][32:])
	body[1]++
	newer := append(alice.Me.Keys().MAC(wire.LabelHanded, body), body...)
	must(t, alice.Home.Save(handedFile, newer))
	var version *wire.VersionError
	if err := f.Open("alice").TakeBack(t.Context()); !errors.As(err, &version) {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(alice.Home.Files[handedFile], newer) || alice.Home.Files[alteredFile] != nil {
		t.Error("the notes were touched")
	}
}

// overwriting is a home into which another program of the device writes what it
// knew, right after the first note of this one.
type overwriting struct {
	*workspacetest.Local
	other []byte
}

func (l *overwriting) Save(name string, b []byte) error {
	if err := l.Local.Save(name, b); err != nil || name != handedFile || l.other == nil {
		return err
	}
	other := l.other
	l.other = nil
	return l.Local.Save(name, other)
}

// TestNotesOfTwoPrograms: two programs of a device that note at the same moment
// lose neither note.
func TestNotesOfTwoPrograms(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, s := inVain(t)
	home := f.People["alice"].Home
	other := bytes.Clone(home.Files[handedFile])
	c, l := f.People["alice"].Config(s), &overwriting{Local: home}
	c.Local = l
	w, err := workspace.Open(ctx, c)
	must(t, err)
	must(t, home.Save(handedFile, nil)) // as the one program has read it
	must(t, w.NewField(ctx, "fax"))
	l.other = other
	s.fault = dropped
	if err := w.Grant(ctx, "fax", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	mine, _ := named(t, f.Open("alice"))
	if slices.Sort(mine); !slices.Equal(mine, []string{"fax", "ssn"}) {
		t.Errorf("noted: %v", mine)
	}
}

// scheduled is a home in which a test says what happens before a file is locked,
// and before the notes are replaced.
type scheduled struct {
	*workspacetest.Local
	lock, save func()
}

func (l *scheduled) Lock(ctx context.Context, name string) (func(), error) {
	if l.lock != nil {
		l.lock()
	}
	return l.Local.Lock(ctx, name)
}

func (l *scheduled) Save(name string, b []byte) error {
	if name == handedFile && l.save != nil {
		l.save()
	}
	return l.Local.Save(name, b)
}

// TestAttack52NotesAtOnce: one program of a device has read the notes and is about
// to replace them when another notes something, or looks for what to take back.
// That one waits, and neither loses what the other has noted.
func TestAttack52NotesAtOnce(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func(context.Context, *workspace.Workspace) error{
		"a note": func(ctx context.Context, w *workspace.Workspace) error {
			if err := w.Grant(ctx, "fax", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
				return fmt.Errorf("granted: %w", err)
			}
			return nil
		},
		"taking back": func(ctx context.Context, w *workspace.Workspace) error { return w.TakeBack(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			f, s := inVain(t) // of the field ssn
			must(t, f.Open("alice").NewField(ctx, "fax"))
			must(t, f.Open("alice").NewField(ctx, "birthday"))
			s.fault = dropped
			if err := f.OpenOn("alice", s).Grant(ctx, "ssn", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
				t.Fatal(err)
			}
			open := func() (*workspace.Workspace, *scheduled) {
				t.Helper()
				home := &scheduled{Local: f.People["alice"].Home}
				c := f.People["alice"].Config(&watched{Store: f.Store, fault: dropped})
				c.Local = home
				w, err := workspace.Open(ctx, c)
				must(t, err)
				return w, home
			}
			first, mine := open()
			second, its := open()
			waits, ended := make(chan struct{}), make(chan error, 1)
			its.lock = sync.OnceFunc(func() { close(waits) })
			mine.save = sync.OnceFunc(func() {
				go func() { ended <- other(ctx, second) }()
				select {
				case <-waits:
				case err := <-ended: // it did not wait
					ended <- err
				}
			})
			if err := first.Grant(ctx, "birthday", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
				t.Fatal(err)
			}
			select {
			case <-waits:
			default:
				t.Error("the other program did not ask for the lock")
			}
			if err := <-ended; err != nil && !errors.Is(err, errDown) {
				t.Fatal(err)
			}
			want := []string{"birthday", "ssn"}
			if name == "a note" {
				want = []string{"birthday", "fax", "ssn"}
			}
			noted, _ := named(t, f.Open("alice"))
			if slices.Sort(noted); !slices.Equal(noted, want) {
				t.Errorf("noted: %v, want %v", noted, want)
			}
		})
	}
}

// TestTakeBackByAStaleProgram: who has read less of the log leaves the notes of
// another program of the device, which has read more.
func TestTakeBackByAStaleProgram(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, s := inVain(t)
	stale := f.Open("alice")
	must(t, f.Open("alice").TakeBack(ctx)) // the next epoch
	s.fault = dropped
	if err := f.OpenOn("alice", s).Grant(ctx, "ssn", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	must(t, stale.TakeBack(ctx))
	if mine, _ := named(t, f.Open("alice")); !slices.Equal(mine, []string{"ssn"}) {
		t.Errorf("what the other noted is gone: %v", mine)
	}
	epoch := resourceOf(t, f, "ssn").Epoch().Number
	must(t, f.Open("alice").TakeBack(ctx))
	if now := resourceOf(t, f, "ssn").Epoch().Number; now != epoch+1 {
		t.Errorf("epoch %d after %d", now, epoch)
	}
	if len(f.People["alice"].Home.Files[handedFile]) != 0 {
		t.Error("notes of what was settled are kept")
	}
}

// TestTakeBackAfterAPairing: a pairing that went on when notes were looked at is
// taken back all the same once it was given up.
func TestTakeBackAfterAPairing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	s := &watched{Store: f.Store}
	f.Store = s
	code := begin(t, f, "bob")
	_, err := join(ctx, f.Store, "bob's tablet", code)
	must(t, err)
	found, err := answered(t, f, "bob")
	must(t, err)
	s.fault = dropped
	if err := confirm(t, f, "bob", found.Words); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	must(t, f.Open("bob").TakeBack(ctx))
	p, err := f.Open("bob").Pairing()
	must(t, err)
	must(t, p.End(ctx))
	p.Close()
	must(t, f.Open("bob").TakeBack(ctx))
	if d := f.Open("bob").State().Device(found.Device); d == nil || !d.Removed {
		t.Error("the device keeps the user key")
	}
}
