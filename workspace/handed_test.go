package workspace_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// named are the things that a device should take back.
func named(t *testing.T, w *workspace.Workspace) (mine, others []string) {
	t.Helper()
	list, err := w.HandedOut(t.Context())
	must(t, err)
	for _, h := range list {
		if h.Mine {
			mine = append(mine, h.Text)
		} else {
			others = append(others, h.Text)
		}
	}
	return mine, others
}

// TestTakeBackADevice: the user key was sealed to a device whose entry never came.
// Nobody can remove such a device, and whoever finds its secret has everything: so
// the next command names it in the log, takes it away and replaces what it reaches.
func TestTakeBackADevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := firmOfTwo(t)
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Write))
	s := &watched{Store: f.Store}
	f.Store = s
	bob := f.Open("bob") // who may not share what he reads
	b, err := kit.New(officer.DevicePaperKit, bob.Organization(), "a kit that was given up")
	must(t, err)
	s.fault = dropped
	if err := bob.AddDevice(ctx, b.Keys(), b.Label()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	sealedTo := func() int {
		list, _, err := s.ListEnvelopes(ctx, deviceIndex(b.Keys().Record()), "", 10)
		must(t, err)
		return len(list)
	}
	if sealedTo() != 1 || bob.State().Device(b.ID()) != nil {
		t.Fatal("there is nothing to take back")
	}
	if mine, _ := named(t, f.Open("bob")); !slices.Equal(mine, []string{"bob@example.com"}) {
		t.Errorf("due: %v", mine)
	}
	generation, epoch := bob.Me().UserKey().Generation, resourceOf(t, f, "ssn").Epoch()

	again := f.Open("bob")
	must(t, again.TakeBack(ctx))
	d := again.State().Device(b.ID())
	if d == nil || !d.Removed || again.Me().UserKey().Generation != generation+1 {
		t.Fatalf("the device: %+v, generation %d", d, again.Me().UserKey().Generation)
	}
	if now := resourceOf(t, f, "ssn").Epoch(); now.Number == epoch.Number && !now.Closed {
		t.Error("what the user key reached goes on under its key")
	}
	if sealedTo() != 1 {
		t.Error("the next user key was sealed to the device, too")
	}
	if mine, others := named(t, again); mine != nil || others != nil {
		t.Errorf("still due: %v, %v", mine, others)
	}
	head := again.State().Head()
	must(t, f.Open("bob").TakeBack(ctx))
	if f.Open("bob").State().Head() != head {
		t.Error("it was taken back twice")
	}
	if err := f.Open("bob").AddDevice(ctx, b.Keys(), b.Label()); !errors.Is(err, workspace.ErrDeviceRemoved) {
		t.Errorf("the same kit again: %v", err)
	}
	if _, err := f.Open("alice").CatchUp(ctx); err != nil {
		t.Error(err)
	}
	for _, value := range []string{token, seal(t, f.Open("alice"), "ssn", "x")} {
		if _, err := opens(t, f.Open("bob"), value); err != nil {
			t.Errorf("bob: %v", err)
		}
	}
	if _, err := again.VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

// TestTakeBackNothingOfADevice: a device that got into the log is not taken back,
// nor one whose pairing goes on, until that is given up.
func TestTakeBackNothingOfADevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	s := &watched{Store: f.Store}
	f.Store = s
	for _, fault := range []raceFault{noFault, unheard} {
		bob := f.Open("bob")
		b, err := kit.New(officer.DevicePaperKit, bob.Organization(), "a kit "+string(fault))
		must(t, err)
		s.fault = fault
		must(t, bob.AddDevice(ctx, b.Keys(), b.Label()))
		must(t, f.Open("bob").TakeBack(ctx))
		if d := f.Open("bob").State().Device(b.ID()); d == nil || d.Removed {
			t.Errorf("%s: the kit is gone", fault)
		}
	}

	code := begin(t, f, "bob")
	n, err := join(ctx, f.Store, "bob's phone", code)
	must(t, err)
	found, err := answered(t, f, "bob")
	must(t, err)
	s.fault = dropped
	if err := confirm(t, f, "bob", found.Words); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	must(t, f.Open("bob").TakeBack(ctx))
	if f.Open("bob").State().Device(found.Device) != nil {
		t.Error("a pairing that goes on was taken back")
	}
	must(t, confirm(t, f, "bob", found.Words))
	if _, err := n.finish(ctx, f, f.Store, found.Words); err != nil {
		t.Errorf("the pairing went no further: %v", err)
	}

	code = begin(t, f, "bob")
	_, err = join(ctx, f.Store, "bob's tablet", code)
	must(t, err)
	found, err = answered(t, f, "bob")
	must(t, err)
	s.fault = dropped
	if err := confirm(t, f, "bob", found.Words); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	p, err := f.Open("bob").Pairing()
	must(t, err)
	must(t, p.End(ctx))
	p.Close()
	if _, err := f.Open("bob").CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if d := f.Open("bob").State().Device(found.Device); d == nil || !d.Removed {
		t.Error("a pairing that was given up was not taken back")
	}
}

// TestTakeBackWithoutTheRight: whoever handed a key out in vain and may not replace
// it any more says so and who may; an officer closes it.
func TestTakeBackWithoutTheRight(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, role := range []officer.Role{officer.RoleMember, officer.RoleOfficer} {
		f := workspacetest.NewFirm(t, "alice")
		s := &watched{Store: f.Store}
		f.Store = s
		f.Add("alice", "dora", officer.RoleOfficer)
		f.Add("alice", "bob", role)
		f.Add("alice", "eve", officer.RoleMember)
		must(t, f.Open("alice").NewField(ctx, "phone"))
		must(t, f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read|officer.Share))
		s.fault = dropped
		if err := f.Open("bob").Grant(ctx, "phone", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		must(t, f.Open("alice").Grant(ctx, "phone", "bob@example.com", officer.Read))
		head := f.Open("bob").State().Head()
		if role == officer.RoleOfficer {
			must(t, f.Open("bob").TakeBack(ctx))
			if !resourceOf(t, f, "phone").Epoch().Closed {
				t.Error("an officer left the key in use")
			}
			continue
		}
		must(t, f.Open("bob").TakeBack(ctx))
		bob := f.Open("bob")
		list, err := bob.HandedOut(ctx)
		must(t, err)
		if len(list) != 1 || list[0].Text != "phone" || list[0].Mine || len(list[0].Openers) != 1 || list[0].Openers[0].EmailText != "alice@example.com" || bob.State().Head() != head {
			t.Errorf("what others have to do: %+v", list)
		}
		must(t, f.Open("alice").Rotate(ctx, "phone"))
		if mine, others := named(t, f.Open("bob")); mine != nil || others != nil {
			t.Errorf("after that: %v, %v", mine, others)
		}
	}
}

// TestEveryFaultOfTakeBack interrupts it at every store call; the next one brings
// it to its end.
func TestEveryFaultOfTakeBack(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	var kitID officer.DeviceID
	fresh := func(t *testing.T) store.Store {
		f, _ = firmOfTwo(t)
		f.Add("alice", "eve", officer.RoleMember)
		s := &watched{Store: f.Store, fault: dropped}
		alice := f.OpenOn("alice", s)
		if err := alice.Grant(t.Context(), "ssn", "eve@example.com", officer.Read); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		b, err := kit.New(officer.DevicePaperKit, alice.Organization(), "a kit")
		must(t, err)
		s.fault, kitID = dropped, b.ID()
		if err := f.OpenOn("alice", s).AddDevice(t.Context(), b.Keys(), b.Label()); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		return f.Store
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			err = w.TakeBack(t.Context())
		}
		if fault == nil && err != nil || err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
		again := f.OpenOn("alice", under)
		must(t, again.TakeBack(t.Context()))
		if d := again.State().Device(kitID); d == nil || !d.Removed {
			t.Error("the device keeps the user key")
		}
		if list, err := again.HandedOut(t.Context()); len(list) != 0 || err != nil {
			t.Errorf("left: %v, %v", list, err)
		}
		if _, err := again.VerifyLog(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// deviceIndex is where envelopes to a device are filed.
func deviceIndex(d officer.DeviceRecord) store.Index { return plan.DeviceRecipient(d).Index() }

func resourceOf(t *testing.T, f *workspacetest.Firm, label string) *officer.Resource {
	t.Helper()
	w := f.Open("alice")
	x, err := w.Field(t.Context(), label)
	must(t, err)
	return w.State().Resource(x.ID)
}
