package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// backUp gives somebody a backup, and returns what is written down.
func backUp(t *testing.T, f *workspacetest.Firm, who string, kind officer.DeviceKind, label string) *kit.Copy {
	t.Helper()
	b, err := kit.New(kind, f.ID, label)
	must(t, err)
	must(t, f.Open(who).AddDevice(t.Context(), b.Keys(), b.Label()))
	c, err := kit.Parse(b.Words())
	must(t, err)
	return c
}

// restore makes a person anew, named as given, from a backup and a store alone.
func restore(t *testing.T, f *workspacetest.Firm, name string, c workspace.WrittenDown) *workspace.Workspace {
	t.Helper()
	ctx := t.Context()
	r, err := workspace.OpenBackup(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, f.ID, c)
	must(t, err)
	defer r.Close()
	id, s, err := r.NewInstallation(ctx, "new desk")
	must(t, err)
	id, err = keyring.ParseIdentity(id.Encode())
	must(t, err)
	me, err := id.Unlock(s)
	must(t, err)
	f.People[name] = &workspacetest.Person{Name: name, Me: me, Home: &workspacetest.Local{}}
	w, err := r.Finish(ctx, f.People[name].Config(f.Store))
	must(t, err)
	return w
}

// firmOfTwo is Alice, an officer, and Bob, who reads and shares ssn.
func firmOfTwo(t *testing.T) (*workspacetest.Firm, string) {
	t.Helper()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "bob", officer.RoleMember)
	w := f.Open("alice")
	must(t, w.NewField(ctx, "ssn"))
	must(t, w.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	return f, seal(t, w, "ssn", "078-05-1120")
}

// cacheless is a home with no room for the cache, which is written last.
type cacheless struct{ *workspacetest.Local }

func (h cacheless) Save(name string, b []byte) error {
	if name == "organization.cache" {
		return errFull
	}
	return h.Local.Save(name, b)
}

// TestRestoredBeforeThePin: once a home has its pin nothing of the restore is left
// to do, the rehearsal of the backup included, wherever that ended.
func TestRestoredBeforeThePin(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	r, err := workspace.OpenBackup(ctx, workspace.Config{Store: f.Store, Now: workspacetest.Clock}, f.ID, c)
	must(t, err)
	defer r.Close()
	id, s, err := r.NewInstallation(ctx, "new desk")
	must(t, err)
	me, err := id.Unlock(s)
	must(t, err)
	f.People["again"] = &workspacetest.Person{Name: "again", Me: me, Home: &workspacetest.Local{}}
	config := f.People["again"].Config(f.Store)
	config.Local = cacheless{f.People["again"].Home}
	if _, err := r.Finish(ctx, config); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	w := f.Open("again")
	if ok, err := w.BackedUp(); !ok || err != nil {
		t.Errorf("the backup is to be rehearsed: %v, %v", ok, err)
	}
	if got, err := opens(t, w, token); err != nil || got != "078-05-1120" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRestore is the life of a backup: made, rehearsed, used in an empty home,
// and after it the lost laptop removed.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, kind := range []officer.DeviceKind{officer.DevicePaperKit, officer.DevicePassphraseBackup} {
		ctx := t.Context()
		f, token := firmOfTwo(t)
		bob := f.Open("bob")
		if ok, err := bob.BackedUp(); ok || err != nil {
			t.Errorf("no backup yet: %v, %v", ok, err)
		}
		c := backUp(t, f, "bob", kind, "kit of March")
		bob = f.Open("bob")
		if list, err := bob.Backups(ctx); err != nil || len(list) != 1 || list[0].LabelText != "kit of March" || list[0].Counts() {
			t.Errorf("the list of backups: %+v, %v", list, err)
		}
		if ok, _ := bob.BackedUp(); ok {
			t.Error("a backup counts before it was rehearsed")
		}
		info, err := bob.Rehearse(ctx, c)
		if err != nil || !info.Counts() || info.LabelText != "kit of March" || !info.Rehearsed.Equal(workspacetest.Clock()) {
			t.Errorf("rehearsed: %+v, %v", info, err)
		}
		bob = f.Open("bob")
		if ok, _ := bob.BackedUp(); !ok || !workspace.ReadBackedUp(f.People["bob"].Home) {
			t.Error("the rehearsal was forgotten")
		}

		again := restore(t, f, "bob again", c)
		if got, err := opens(t, again, token); err != nil || got != "078-05-1120" {
			t.Errorf("after the restore: %q, %v", got, err)
		}
		again = f.Open("bob again")
		if again.Me().ID != bob.Me().ID || again.OrganizationName(ctx) != "Example LLP" {
			t.Error("another member")
		}
		if ok, _ := again.BackedUp(); !ok {
			t.Error("a restore is a rehearsal")
		}
		list, err := again.Devices(ctx, again.Me().ID)
		must(t, err)
		if len(list) != 3 || list[0].LabelText != "bob's laptop" || list[1].LabelText != "kit of March" || !list[1].Backup() || list[2].LabelText != "new desk" || !list[2].This ||
			list[2].AddedBy != list[1].ID || !list[2].AddedTime.Equal(workspacetest.Clock()) {
			t.Errorf("devices: %+v", list)
		}

		// The laptop is lost: by now everything is under keys it never had.
		lost := f.People["bob"].Me.Keys().ID()
		planned, err := again.PlanRemoval(ctx, lost)
		must(t, err)
		done, err := again.RemoveDevice(ctx, lost)
		must(t, err)
		if !done.Own || len(done.Rotated) != 1 || len(done.Closed) != 1 || len(done.Added) != 1 || done.Added[0].ID != c2id(t, f, c) ||
			len(planned.Rotated) != 1 || len(planned.Closed) != 1 || planned.Envelopes != done.Envelopes || done.Envelopes == 0 {
			t.Errorf("planned %+v, done %+v", planned, done)
		}
		fresh := seal(t, again, "ssn", "new")
		if _, err := opens(t, f.Open("bob"), fresh); !errors.Is(err, workspace.ErrRemoved) {
			t.Errorf("the lost laptop: %v", err)
		}
		for _, tok := range []string{token, fresh} {
			for _, who := range []string{"alice", "bob again"} {
				if _, err := opens(t, f.Open(who), tok); err != nil {
					t.Errorf("%s: %v", who, err)
				}
			}
		}
		// And the backup restores once more.
		third := restore(t, f, "bob thrice", c)
		if got, err := opens(t, third, fresh); err != nil || got != "new" {
			t.Errorf("restored twice: %q, %v", got, err)
		}
		list, err = third.Devices(ctx, third.Me().ID)
		must(t, err)
		if !list[0].Removed || list[0].RemovedBy != list[2].ID || !list[0].RemovedTime.Equal(workspacetest.Clock()) {
			t.Errorf("the removed one: %+v", list[0])
		}
	}
}

func c2id(t *testing.T, f *workspacetest.Firm, c *kit.Copy) officer.DeviceID {
	t.Helper()
	r, err := workspace.OpenBackup(t.Context(), workspace.Config{Store: f.Store}, f.ID, c)
	must(t, err)
	defer r.Close()
	return r.Backup()
}

// TestOfficerRemovesDevice: the member's user key is closed until a device that
// is left, or the backup, makes the next.
func TestOfficerRemovesDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	alice := f.Open("alice")
	done, err := alice.RemoveDevice(ctx, f.People["bob"].Me.Keys().ID())
	must(t, err)
	if done.Own || len(done.Rotated) != 2 || len(done.Closed) != 0 || done.Skipped != 2 || !alice.State().Member(f.People["bob"].Me.Member()).KeyClosed {
		t.Errorf("%+v", done)
	}
	if err := alice.Grant(ctx, "ssn", "bob@example.com", officer.Read); !errors.Is(err, officer.ErrClosed) {
		t.Errorf("granted to a closed key: %v", err)
	}
	bob := restore(t, f, "bob again", c)
	if bob.Me().KeyClosed || bob.Me().UserKey().Generation != 2 {
		t.Error("the user key is still closed")
	}
	must(t, bob.RenewUserKey(ctx)) // and once only
	if bob.Me().UserKey().Generation != 2 {
		t.Error("renewed without need")
	}
	if got, err := opens(t, bob, token); err != nil || got != "078-05-1120" {
		t.Errorf("what was under the old key: %q, %v", got, err)
	}
	fresh := seal(t, f.Open("alice"), "ssn", "new")
	if _, err := opens(t, bob, fresh); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("before it was granted again: %v", err)
	}
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write|officer.Share))
	if got, err := opens(t, f.Open("bob again"), fresh); err != nil || got != "new" {
		t.Errorf("granted again: %q, %v", got, err)
	}
}

func TestRemoveDeviceRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	f.Join("eve")
	alice, bob := f.People["alice"].Me.Keys().ID(), f.People["bob"].Me.Keys().ID()
	head := f.Open("alice").State().Head()
	for name, c := range map[string]struct {
		who    string
		device officer.DeviceID
		want   error
	}{
		"itself":               {"bob", bob, workspace.ErrThisDevice},
		"a colleague's":        {"bob", alice, officer.ErrAuthority},
		"the last one":         {"alice", bob, officer.ErrLast},
		"none":                 {"alice", officer.DeviceID{1}, workspace.ErrNoSuch},
		"by one who is no one": {"eve", bob, workspace.ErrNotMember},
	} {
		if _, err := f.Open(c.who).PlanRemoval(ctx, c.device); !errors.Is(err, c.want) {
			t.Errorf("%s, planned: %v", name, err)
		}
		if _, err := f.Open(c.who).RemoveDevice(ctx, c.device); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was written")
	}
	backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	kit := f.Open("alice").State().Member(f.People["bob"].Me.Member()).Devices[1]
	if _, err := f.Open("bob").RemoveDevice(ctx, kit); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open("bob").RemoveDevice(ctx, kit); !errors.Is(err, workspace.ErrDeviceRemoved) {
		t.Errorf("twice: %v", err)
	}
}

// TestRestoreGuest: a guest may not read the directory, and is restored without
// a name.
func TestRestoreGuest(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := workspacetest.NewFirm(t, "alice")
	f.Add("alice", "gina", officer.RoleGuest)
	w := f.Open("alice")
	must(t, w.NewField(ctx, "ssn"))
	must(t, w.Grant(ctx, "ssn", "gina@example.com", officer.Read))
	token := seal(t, w, "ssn", "078-05-1120")
	c := backUp(t, f, "gina", officer.DevicePaperKit, "kit")
	again := restore(t, f, "gina again", c)
	if got, err := opens(t, again, token); err != nil || got != "078-05-1120" {
		t.Errorf("%q, %v", got, err)
	}
	list, err := again.Backups(ctx)
	if err != nil || len(list) != 1 || list[0].LabelText != "" || !list[0].Counts() {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestLabelsAreNotWorthADevice: where the directory is closed, or its key is
// kept back, a member makes a backup all the same.
func TestLabelsAreNotWorthADevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	bob := f.Open("bob")
	_, err := bob.RemoveDevice(ctx, bob.Me().Devices[1]) // closes the directory
	must(t, err)
	if !bob.State().Directory().Epoch().Closed {
		t.Fatal("the directory is not closed")
	}
	c := backUp(t, f, "bob", officer.DevicePaperKit, "second kit")
	if _, err := f.Open("bob").Rehearse(ctx, c); err != nil {
		t.Error(err)
	}
	backUp(t, f, "alice", officer.DevicePaperKit, "alice's kit") // opens it again
	alice := f.Open("alice")
	if list, err := alice.Backups(ctx); err != nil || len(list) != 1 || list[0].LabelText != "alice's kit" {
		t.Errorf("%+v, %v", list, err)
	}
	// One's own label, wrong.
	b, err := kit.New(officer.DevicePaperKit, f.ID, "x")
	must(t, err)
	o, err := keyring.NewOpening(officer.TextDevice, "y")
	must(t, err)
	if err := alice.AddDevice(ctx, b.Keys(), o); !errors.Is(err, officer.ErrOpening) {
		t.Errorf("another label: %v", err)
	}
	// A store without bob's envelope of the directory.
	member := f.People["bob"].Me.Member()
	late := &withholding{f.Store, envelope.Recipient{Kind: envelope.ToMember, ID: member[:]}.Index()}
	if err := f.OpenOn("bob", late).AddDevice(ctx, b.Keys(), b.Label()); err != nil {
		t.Errorf("without the directory's key: %v", err)
	}
}

// withholding is a store that keeps back what is filed under an index.
type withholding struct {
	store.Store
	index store.Index
}

func (w *withholding) ListEnvelopes(ctx context.Context, to store.Index, cursor string, limit int) ([][]byte, string, error) {
	if to == w.index {
		return nil, cursor, nil
	}
	return w.Store.ListEnvelopes(ctx, to, cursor, limit)
}
