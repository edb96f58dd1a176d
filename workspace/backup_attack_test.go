package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAttack46OnlyABackupRestores: who runs the store, reads the member's mail
// and knows their card gets no device of theirs; a backup does.
func TestAttack46OnlyABackupRestores(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	right := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	open := func(st store.Store, org officer.OrganizationID, b workspace.WrittenDown) error {
		r, err := workspace.OpenBackup(ctx, workspace.Config{Store: st, Now: workspacetest.Clock}, org, b)
		if err == nil {
			r.Close()
		}
		return err
	}
	must(t, open(f.Store, f.ID, right))

	elsewhere := workspacetest.NewFirm(t, "mallory")
	foreign := backUp(t, elsewhere, "mallory", officer.DevicePaperKit, "kit")
	if err := open(f.Store, f.ID, foreign); !errors.Is(err, kit.ErrOtherDevice) {
		t.Errorf("a backup of another firm: %v", err)
	}
	if err := open(elsewhere.Store, f.ID, right); !errors.Is(err, workspace.ErrLog) {
		t.Errorf("another firm's store: %v", err)
	}
	// The operator adds a device of their own to Bob in the log.
	mallory, err := kit.New(officer.DevicePaperKit, f.ID, "new phone")
	must(t, err)
	guess, err := kit.Parse(mallory.Words())
	must(t, err)
	if err := open(f.Store, f.ID, guess); !errors.Is(err, kit.ErrOtherDevice) {
		t.Errorf("a device that nobody added: %v", err)
	}
	s := f.Open("alice").State()
	forge := func(author officer.DeviceID, sign func(string, []byte) []byte) store.Store {
		e, err := officer.Entry{
			Organization: s.Organization(), Sequence: s.Head().Length, Previous: s.Head().Hash, Time: workspacetest.Clock(),
			Author: author, Operations: []officer.Operation{mallory.Added(f.People["bob"].Me.Member())},
		}.Sign(sign)
		must(t, err)
		return &longer{f.Store, s.Head().Length, e}
	}
	bob, alice := f.People["bob"].Me.Keys(), f.People["alice"].Me.Keys()
	for name, st := range map[string]store.Store{
		"signed by itself":         forge(mallory.ID(), mallory.Keys().Sign),
		"in the name of Bob":       forge(bob.ID(), mallory.Keys().Sign),
		"by an officer, even that": forge(alice.ID(), alice.Sign),
	} {
		if err := open(st, f.ID, guess); !errors.Is(err, workspace.ErrLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A store that keeps back what is sealed to the backup cannot make it
	// open something else.
	id := f.Open("alice").State().Member(f.People["bob"].Me.Member()).Devices[1]
	index := plan.DeviceRecipient(f.Open("alice").State().Device(id).Record).Index()
	if err := open(&withholding{f.Store, index}, f.ID, right); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("without the envelope: %v", err)
	}
	if _, err := f.OpenOn("bob", &withholding{f.Store, index}).Rehearse(ctx, right); !errors.Is(err, workspace.ErrKeyMissing) {
		t.Errorf("a rehearsal without the envelope: %v", err)
	}
	if _, err := f.Open("alice").Rehearse(ctx, right); !errors.Is(err, kit.ErrOtherDevice) {
		t.Errorf("somebody else's backup counts for one's own: %v", err)
	}
	// Revoked, it restores nobody.
	_, err = f.Open("bob").RemoveDevice(ctx, id)
	must(t, err)
	if err := open(f.Store, f.ID, right); !errors.Is(err, workspace.ErrDeviceRemoved) {
		t.Errorf("a revoked backup: %v", err)
	}
	if _, err := f.Open("bob").Rehearse(ctx, right); !errors.Is(err, workspace.ErrDeviceRemoved) {
		t.Errorf("a revoked backup counts: %v", err)
	}
}

// longer is a store with one more entry.
type longer struct {
	store.Store
	at    uint64
	entry []byte
}

func (l *longer) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	list, err := l.Store.Read(ctx, from, limit)
	if err == nil && from+uint64(len(list)) == l.at && len(list) < limit {
		list = append(list, l.entry)
	}
	return list, err
}

// TestAttack62StolenDevice: a thief with an unlocked laptop removes the desk
// first. The owner and the officers see it, the officer ends the laptop, and the
// backup that is left brings the owner back.
func TestAttack62StolenDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	restore(t, f, "desk", c)
	laptop, desk := f.People["bob"].Me.Keys().ID(), f.People["desk"].Me.Keys().ID()
	then := workspacetest.Clock()
	for _, who := range []string{"alice", "desk"} {
		if list, err := acts(f.Open(who).Alarms(ctx, then)); err != nil || len(list) != 0 {
			t.Errorf("%s: before anything happened: %+v, %v", who, list, err)
		}
	}

	// At once: each has read the log before the other writes.
	thief, owner := f.Open("bob"), f.Open("desk")
	_, err := thief.RemoveDevice(ctx, desk)
	must(t, err)
	if _, err := owner.RemoveDevice(ctx, laptop); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the later one: %v", err)
	}
	for _, who := range []string{"alice", "desk", "bob"} {
		list, err := acts(f.Open(who).Alarms(ctx, then))
		if err != nil || len(list) != 1 || list[0].By != laptop || list[0].Removed != desk || !list[0].Time.Equal(then) {
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
		if list, err := acts(f.Open(who).Alarms(ctx, then.Add(time.Second))); err != nil || len(list) != 1 { // a thief's word alone dates it
			t.Errorf("%s is told %+v, %v", who, list, err)
		}
	}
	f.Add("alice", "carol", officer.RoleMember)
	for _, who := range []string{"alice", "desk", "bob"} {
		if list, err := acts(f.Open(who).Alarms(ctx, then.Add(time.Second))); err != nil || len(list) != 0 {
			t.Errorf("%s is told for ever: %+v, %v", who, list, err)
		}
	}
	if list, err := acts(f.Open("carol").Alarms(ctx, then)); err != nil || len(list) != 0 {
		t.Errorf("a colleague is told %+v, %v", list, err)
	}

	removal, err := f.Open("alice").RemoveDevice(ctx, laptop)
	must(t, err)
	if len(removal.Added) != 1 { // the kit: Alice asks whose it is
		t.Errorf("the officer is not told what the laptop brought in: %+v", removal.Added)
	}
	must(t, f.Open("alice").Rotate(ctx, "ssn"))
	fresh := seal(t, f.Open("alice"), "ssn", "new")
	for _, who := range []string{"bob", "desk"} {
		if _, err := opens(t, f.Open(who), fresh); !errors.Is(err, workspace.ErrRemoved) {
			t.Errorf("%s: %v", who, err)
		}
	}
	back := restore(t, f, "new desk", c)
	if got, err := opens(t, back, token); err != nil || got != "078-05-1120" {
		t.Errorf("the owner is back: %q, %v", got, err)
	}
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	if got, err := opens(t, f.Open("new desk"), fresh); err != nil || got != "new" {
		t.Errorf("the owner is back: %q, %v", got, err)
	}
	// A user key that is replaced without a removal is told as well.
	if list, err := acts(f.Open("alice").Alarms(ctx, then)); err != nil || len(list) != 2 || list[1].Removed != (officer.DeviceID{}) || list[1].By != back.State().Member(back.Me().ID).Devices[3] {
		t.Errorf("Alice is told %+v, %v", list, err)
	}
}

// TestAttack62LastDevice: a thief cannot leave a member without a device, nor
// take one back that was removed.
func TestAttack62LastDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	desk := restore(t, f, "desk", c)
	_, err := desk.RemoveDevice(ctx, f.People["bob"].Me.Keys().ID())
	must(t, err)
	if err := f.Open("bob").AddDevice(ctx, f.People["bob"].Me.Keys(), f.People["bob"].Me.DeviceLabel()); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the removed one adds itself: %v", err)
	}
	if err := f.Open("desk").AddDevice(ctx, f.People["bob"].Me.Keys(), f.People["bob"].Me.DeviceLabel()); !errors.Is(err, workspace.ErrDeviceRemoved) {
		t.Errorf("it is taken back: %v", err)
	}
	if err := f.Open("alice").AddDevice(ctx, f.People["desk"].Me.Keys(), f.People["desk"].Me.DeviceLabel()); !errors.Is(err, officer.ErrDuplicate) {
		t.Errorf("one device for two: %v", err)
	}
}

// TestAttack51BackupFaults: making a backup, removing a device and restoring,
// interrupted at every call of the store; done again, each is done.
func TestAttack51BackupFaults(t *testing.T) { //nolint:tparallel // its parts share one firm
	t.Parallel()
	var f *workspacetest.Firm
	var token string
	var c *kit.Copy
	fresh := func(t *testing.T) store.Store {
		f, token = firmOfTwo(t)
		c = backUp(t, f, "bob", officer.DevicePaperKit, "kit")
		return f.Store
	}
	both := func(t *testing.T, fault *storetest.Fault, faulty, under store.Store, do func(store.Store) error) {
		t.Helper()
		err := do(faulty)
		switch {
		case fault == nil && err != nil:
			t.Fatal(err)
		case err != nil && !errors.Is(err, storetest.ErrFault):
			t.Errorf("an error of its own: %v", err)
		}
		if err := do(under); err != nil && !errors.Is(err, workspace.ErrDeviceRemoved) {
			t.Errorf("again: %v", err)
		}
		if _, err := f.Open("alice").VerifyLog(t.Context()); err != nil {
			t.Error(err)
		}
	}
	t.Run("add", func(t *testing.T) {
		storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
			b, err := kit.New(officer.DevicePassphraseBackup, f.ID, "file")
			must(t, err)
			both(t, fault, faulty, under, func(st store.Store) error {
				w, err := f.TryOpen("bob", st)
				if err == nil {
					err = w.AddDevice(t.Context(), b.Keys(), b.Label())
				}
				return err
			})
			copied, err := kit.Parse(b.Text())
			must(t, err)
			bob := f.Open("bob")
			if _, err := bob.Rehearse(t.Context(), copied); err != nil || len(bob.Me().Devices) != 3 {
				t.Errorf("%d devices, %v", len(bob.Me().Devices), err)
			}
		})
	})
	t.Run("remove", func(t *testing.T) {
		storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
			id := f.Open("bob").Me().Devices[1]
			both(t, fault, faulty, under, func(st store.Store) error {
				w, err := f.TryOpen("bob", st)
				if err == nil {
					_, err = w.RemoveDevice(t.Context(), id)
				}
				return err
			})
			if !f.Open("alice").State().Device(id).Removed {
				t.Error("the device is still there")
			}
			if got, err := opens(t, f.Open("bob"), token); err != nil || got != "078-05-1120" {
				t.Errorf("%q, %v", got, err)
			}
		})
	})
	t.Run("restore", func(t *testing.T) {
		storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
			var p *workspacetest.Person
			both(t, fault, faulty, under, func(st store.Store) error {
				r, err := workspace.OpenBackup(t.Context(), workspace.Config{Store: st, Now: workspacetest.Clock}, f.ID, c)
				if err != nil {
					return err
				}
				defer r.Close()
				if p == nil { // kept at home, as the first attempt made it
					id, s, err := r.NewInstallation(t.Context(), "desk")
					if err != nil {
						return err
					}
					me, err := id.Unlock(s)
					must(t, err)
					p = &workspacetest.Person{Me: me, Home: &workspacetest.Local{}}
				}
				_, err = r.Finish(t.Context(), p.Config(st))
				return err
			})
			f.People["desk"] = p
			desk := f.Open("desk")
			if got, err := opens(t, desk, token); err != nil || got != "078-05-1120" || len(desk.Me().Devices) != 3 {
				t.Errorf("%q, %d devices, %v", got, len(desk.Me().Devices), err)
			}
		})
	})
}

// TestRehearsalsAtHome: what this device remembers is its own, and a list that
// was altered counts for nothing.
func TestRehearsalsAtHome(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	second := backUp(t, f, "bob", officer.DevicePassphraseBackup, "file")
	w := f.Open("bob")
	home := f.People["bob"].Home
	if workspace.ReadBackedUp(home) {
		t.Error("something was rehearsed")
	}
	for range 2 {
		for _, b := range []*kit.Copy{c, second} {
			_, err := w.Rehearse(ctx, b)
			must(t, err)
		}
	}
	const file = "backups.rehearsed"
	good, err := home.Load(file)
	must(t, err)
	if list, err := w.Backups(ctx); err != nil || len(list) != 2 || !list[0].Counts() || !list[1].Counts() || len(good) > 200 {
		t.Errorf("%+v, %v", list, err)
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		must(t, home.Save(file, b))
		ok, err := w.BackedUp()
		if ok || err != nil && !versioned(err) {
			t.Fatalf("byte %d altered: %v, %v", i, ok, err)
		}
	}
	for _, b := range [][]byte{nil, good[:len(good)-1], append(bytes.Clone(good), 0), make([]byte, 1<<20)} {
		must(t, home.Save(file, b))
		if ok, err := w.BackedUp(); ok || err != nil || workspace.ReadBackedUp(home) {
			t.Errorf("%d bytes: %v, %v", len(b), ok, err)
		}
	}
	// Rehearsed again, it is mended; but never what a newer program wrote.
	_, err = w.Rehearse(ctx, c)
	must(t, err)
	if ok, err := w.BackedUp(); !ok || err != nil {
		t.Errorf("mended: %v, %v", ok, err)
	}
	must(t, home.Save(file, append([]byte{0x83, 2}, good[2:]...)))
	if _, err := w.Rehearse(ctx, c); !versioned(err) {
		t.Errorf("newer: %v", err)
	}
	// Another device's list.
	desk := restore(t, f, "desk", c)
	must(t, f.People["desk"].Home.Save(file, good))
	if ok, err := desk.BackedUp(); ok || err != nil {
		t.Errorf("another device's list: %v, %v", ok, err)
	}
}

func versioned(err error) bool {
	var v *wire.VersionError
	return errors.As(err, &v)
}

// TestFinishRefused: a new device of somebody else, and a home that belongs
// to another organization.
func TestFinishRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	r, err := workspace.OpenBackup(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, f.ID, c)
	must(t, err)
	defer r.Close()
	if r.Member().EmailText != "bob@example.com" || r.OrganizationName(ctx) != "Example LLP" {
		t.Errorf("%q of %q", r.Member().EmailText, r.OrganizationName(ctx))
	}
	head := f.Open("alice").State().Head()
	if _, err := r.Finish(ctx, workspacetest.NewPerson(t, "bob").Config(f.Store)); !errors.Is(err, keyring.ErrMismatch) {
		t.Errorf("somebody else: %v", err)
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
}
