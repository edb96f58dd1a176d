package workspace_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// typed is a code as somebody types it.
func typed(t *testing.T, text string) workspace.PairingCode {
	t.Helper()
	c, err := workspace.ParsePairingCode(secret.New([]byte(text)))
	must(t, err)
	return c
}

func textOf(c workspace.PairingCode) string {
	s := c.Text()
	defer s.Destroy()
	return string(s.Expose())
}

// begin shows a code on somebody's device.
func begin(t *testing.T, f *workspacetest.Firm, who string) string {
	t.Helper()
	p, err := f.Open(who).BeginPairing(t.Context(), 0)
	must(t, err)
	defer p.Close()
	return textOf(p.Code())
}

// postman is a store that remembers what was left in mailboxes.
type postman struct {
	store.Store
	seen map[store.Index][]string // different messages, oldest first
}

func watch(f *workspacetest.Firm) *postman {
	p := &postman{f.Store, map[store.Index][]string{}}
	f.Store = p
	return p
}

func (p *postman) PutMail(ctx context.Context, box store.Index, data []byte) error {
	if !slices.Contains(p.seen[box], string(data)) {
		p.seen[box] = append(p.seen[box], string(data))
	}
	return p.Store.PutMail(ctx, box, data)
}

// newcomer is a device without an identity yet.
type newcomer struct {
	name   string
	home   *workspacetest.Local
	secret *secret.Bytes
}

func (n *newcomer) config(st store.Store) workspace.Config {
	return workspace.Config{Store: st, Local: n.home, Now: workspacetest.Clock}
}

// join answers a code on a new device.
func join(ctx context.Context, st store.Store, name, code string) (*newcomer, error) {
	c, err := workspace.ParsePairingCode(secret.New([]byte(code)))
	if err != nil {
		return nil, err
	}
	n := &newcomer{name: name, home: &workspacetest.Local{}}
	j, err := workspace.JoinPairing(ctx, n.config(st), c)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	if n.secret, _, err = j.NewDevice(name); err != nil {
		return nil, err
	}
	return n, j.Answer(ctx)
}

// words are what the new device shows.
func (n *newcomer) words(t *testing.T, st store.Store) (workspace.PairingWords, bool) {
	t.Helper()
	j, err := workspace.ResumePairing(t.Context(), n.config(st), n.secret)
	must(t, err)
	defer j.Close()
	w, ok, err := j.Words(t.Context())
	must(t, err)
	return w, ok
}

// finish is what the new device does when its person has compared.
func (n *newcomer) finish(ctx context.Context, f *workspacetest.Firm, st store.Store, words workspace.PairingWords) (*workspace.Workspace, error) {
	j, err := workspace.ResumePairing(ctx, n.config(st), n.secret)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	if err := j.Confirm(ctx, words); err != nil {
		return nil, err
	}
	me := f.People[n.name]
	if me == nil {
		id, err := j.Identity(ctx)
		if err != nil || id == nil {
			return nil, err
		}
		if id, err = keyring.ParseIdentity(id.Encode()); err != nil {
			return nil, err
		}
		unlocked, err := id.Unlock(n.secret)
		if err != nil {
			return nil, err
		}
		me = &workspacetest.Person{Name: n.name, Me: unlocked, Home: n.home}
		f.People[n.name] = me
	}
	return j.Finish(ctx, me.Config(st))
}

// answered is who has answered, as the old device finds it.
func answered(t *testing.T, f *workspacetest.Firm, who string) (*workspace.PairingAnswer, error) {
	t.Helper()
	p, err := f.Open(who).Pairing()
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.Answer(t.Context())
}

func confirm(t *testing.T, f *workspacetest.Firm, who string, words workspace.PairingWords) error {
	t.Helper()
	p, err := f.Open(who).Pairing()
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Confirm(t.Context(), words)
}

// pairDevice is a whole pairing, each step by a program of its own.
func pairDevice(t *testing.T, f *workspacetest.Firm, who, name string) *workspace.Workspace {
	t.Helper()
	n, err := join(t.Context(), f.Store, name, begin(t, f, who))
	must(t, err)
	a, err := answered(t, f, who)
	must(t, err)
	must(t, confirm(t, f, who, a.Words))
	w, err := n.finish(t.Context(), f, f.Store, a.Words)
	must(t, err)
	return w
}

// TestPairing is the way of one pairing, for each role; every step is a program
// of its own, so each goes on from what the one before has kept.
func TestPairing(t *testing.T) {
	t.Parallel()
	for _, role := range []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest} {
		ctx := t.Context()
		f := workspacetest.NewFirm(t, "alice")
		f.Add("alice", "bob", role)
		alice := f.Open("alice")
		must(t, alice.NewField(ctx, "ssn"))
		must(t, alice.Grant(ctx, "ssn", "bob@example.com", officer.Read))
		token := seal(t, alice, "ssn", "078-05-1120")

		if _, err := f.Open("bob").Pairing(); !errors.Is(err, workspace.ErrNoPairing) {
			t.Errorf("none is under way: %v", err)
		}
		seen := watch(f)
		code := begin(t, f, "bob")
		if a, err := answered(t, f, "bob"); a != nil || err != nil {
			t.Errorf("nobody has answered: %+v, %v", a, err)
		}
		if p, err := f.Open("bob").Pairing(); err != nil || textOf(p.Code()) != code || !p.Expires().Equal(workspacetest.Clock().Add(workspace.PairingTime)) {
			t.Errorf("the code is to be shown again: %v", err)
		}
		n, err := join(ctx, f.Store, "phone", code)
		must(t, err)
		if w, ok := n.words(t, f.Store); ok {
			t.Errorf("words before the old device has taken the answer: %v", w)
		}
		a, err := answered(t, f, "bob")
		if err != nil || a == nil || a.Label != "phone" || a.Added {
			t.Fatalf("%v: %+v, %v", role, a, err)
		}
		if again, err := answered(t, f, "bob"); err != nil || again.Words != a.Words || again.Device != a.Device {
			t.Errorf("looked again: %+v, %v", again, err)
		}
		if w, ok := n.words(t, f.Store); !ok || w != a.Words {
			t.Errorf("%v on the new device, %v on the old one", w, a.Words)
		}
		if f.Open("alice").State().Device(a.Device) != nil {
			t.Error("added before the words were compared")
		}
		if w, err := n.finish(ctx, f, f.Store, a.Words); w != nil || err != nil {
			t.Errorf("finished before it was added: %v", err)
		}
		must(t, confirm(t, f, "bob", a.Words))
		w, err := n.finish(ctx, f, f.Store, a.Words)
		must(t, err)
		if got, err := opens(t, w, token); err != nil || got != "078-05-1120" {
			t.Errorf("%q, %v", got, err)
		}
		w = f.Open("phone") // as any other command will
		if got, err := opens(t, w, token); err != nil || got != "078-05-1120" || w.Me().ID != f.People["bob"].Me.Member() {
			t.Errorf("%q, %v", got, err)
		}
		list, err := w.Devices(ctx, w.Me().ID)
		want := "phone"
		must(t, err)
		if role == officer.RoleGuest { // who may not read the directory but knows their own
			want = f.People["phone"].Me.DeviceLabel().Text
		}
		if len(list) != 2 || !list[1].This || list[1].LabelText != want || list[1].AddedBy != list[0].ID || list[1].Backup() {
			t.Errorf("%+v", list)
		}
		// Nothing is left over, and the code is good for nothing.
		if n := len(seen.seen[pairingBox(t, code)]); n != 3 {
			t.Errorf("%d messages", n)
		}
		if l := mailOf(t, f, code); len(l) != 0 {
			t.Errorf("%d messages are left", len(l))
		}
		if _, err := join(ctx, f.Store, "second", code); !errors.Is(err, workspace.ErrPairingNothing) {
			t.Errorf("the code a second time: %v", err)
		}
		if _, err := f.Open("bob").Pairing(); !errors.Is(err, workspace.ErrNoPairing) {
			t.Errorf("after it: %v", err)
		}
		if workspace.PairingJoined(n.home) {
			t.Error("the new device still waits")
		}
		// And the paired device pairs another one.
		third := pairDevice(t, f, "phone", "tablet")
		if got, err := opens(t, third, token); err != nil || got != "078-05-1120" {
			t.Errorf("the third device: %q, %v", got, err)
		}
	}
}

// TestPairingRefused: who may not, what is over, and what was mistaken.
func TestPairingRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	f.Join("eve")
	if _, err := f.Open("eve").BeginPairing(ctx, 0); !errors.Is(err, workspace.ErrNotMember) {
		t.Errorf("who is no member: %v", err)
	}
	head := f.Open("alice").State().Head()

	// Other words, on either side.
	n, err := join(ctx, f.Store, "phone", begin(t, f, "bob"))
	must(t, err)
	a, err := answered(t, f, "bob")
	must(t, err)
	other := a.Words
	other[5] ^= 1
	if _, err := n.finish(ctx, f, f.Store, other); !errors.Is(err, workspace.ErrPairingWords) || workspace.PairingJoined(n.home) {
		t.Errorf("other words on the new device: %v", err)
	}
	if err := confirm(t, f, "bob", other); !errors.Is(err, workspace.ErrPairingWords) {
		t.Errorf("other words on the old one: %v", err)
	}
	if err := confirm(t, f, "bob", a.Words); !errors.Is(err, workspace.ErrNoPairing) {
		t.Errorf("the right words after the wrong ones: %v", err)
	}

	// Before anybody has answered.
	begin(t, f, "bob")
	if err := confirm(t, f, "bob", a.Words); !errors.Is(err, workspace.ErrPairingNothing) {
		t.Errorf("nobody has answered: %v", err)
	}

	// Another code ends the one before; so does the person.
	first := begin(t, f, "bob")
	second := begin(t, f, "bob")
	if _, err := join(ctx, f.Store, "phone", first); !errors.Is(err, workspace.ErrPairingNothing) {
		t.Errorf("the code before: %v", err)
	}
	n, err = join(ctx, f.Store, "phone", second)
	must(t, err)
	p, err := f.Open("bob").Pairing()
	must(t, err)
	must(t, p.End(ctx))
	if _, err := n.finish(ctx, f, f.Store, a.Words); !errors.Is(err, workspace.ErrPairingEnded) {
		t.Errorf("ended by the old device: %v", err)
	}

	// Expired, by the clock of either.
	code := begin(t, f, "bob")
	late := func() time.Time { return workspacetest.Clock().Add(workspace.PairingTime) }
	c := workspace.Config{Store: f.Store, Local: &workspacetest.Local{}, Now: late}
	if _, err := workspace.JoinPairing(ctx, c, typed(t, code)); !errors.Is(err, workspace.ErrPairingExpired) {
		t.Errorf("an expired code on the new device: %v", err)
	}
	n, err = join(ctx, f.Store, "phone", code)
	must(t, err)
	a, err = answered(t, f, "bob")
	must(t, err)
	bob := f.People["bob"].Config(f.Store)
	bob.Now = late
	w, err := workspace.Open(ctx, bob)
	must(t, err)
	p, err = w.Pairing()
	must(t, err)
	if err := p.Confirm(ctx, a.Words); !errors.Is(err, workspace.ErrPairingExpired) {
		t.Errorf("an expired code on the old device: %v", err)
	}
	lateOne := n.config(f.Store)
	lateOne.Now = late
	j, err := workspace.ResumePairing(ctx, lateOne, n.secret)
	must(t, err)
	if _, _, err := j.Words(ctx); !errors.Is(err, workspace.ErrPairingEnded) {
		t.Errorf("and the new device is told: %v", err)
	}
	j.Close()

	// No code is good for longer than a day.
	p, err = f.Open("bob").BeginPairing(ctx, 1000*time.Hour)
	if err != nil || !p.Expires().Equal(workspacetest.Clock().Add(workspace.MaxPairingTime)) {
		t.Errorf("good until %v, %v", p.Expires(), err)
	}
	if f.Open("alice").State().Head() != head {
		t.Error("something was added")
	}
}

// TestPairingWhileRemoved: either device is removed while they pair.
func TestPairingWhileRemoved(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	pairDevice(t, f, "bob", "desk")
	laptop := f.People["bob"].Me.Keys().ID()

	n, err := join(ctx, f.Store, "phone", begin(t, f, "bob"))
	must(t, err)
	a, err := answered(t, f, "bob")
	must(t, err)
	waits := f.Open("bob")
	p, err := waits.Pairing()
	must(t, err)
	_, err = f.Open("desk").RemoveDevice(ctx, laptop)
	must(t, err)
	if err := p.Confirm(ctx, a.Words); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the old device was removed: %v", err)
	}
	if _, err := n.finish(ctx, f, f.Store, a.Words); !errors.Is(err, workspace.ErrPairingEnded) {
		t.Errorf("and the new one is told: %v", err)
	}
	if f.Open("alice").State().Device(a.Device) != nil {
		t.Error("a removed device added one")
	}

	// The new one, between the old one's entry and its own last step.
	n, err = join(ctx, f.Store, "phone", begin(t, f, "desk"))
	must(t, err)
	a, err = answered(t, f, "desk")
	must(t, err)
	must(t, confirm(t, f, "desk", a.Words))
	_, err = f.Open("alice").RemoveDevice(ctx, a.Device)
	must(t, err)
	if _, err := n.finish(ctx, f, f.Store, a.Words); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the new device was removed: %v", err)
	}
}

// TestPairingAfterRestore: a kit brings somebody back, an officer has closed
// their user key meanwhile, and the next device comes by a code.
func TestPairingAfterRestore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, token := firmOfTwo(t)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "kit")
	_, err := f.Open("alice").RemoveDevice(ctx, f.People["bob"].Me.Keys().ID())
	must(t, err)
	restore(t, f, "desk", c)
	phone := pairDevice(t, f, "desk", "phone")
	if got, err := opens(t, phone, token); err != nil || got != "078-05-1120" || phone.Me().UserKey().Generation != 2 {
		t.Errorf("%q, %v", got, err)
	}
	r, err := f.Open("phone").PlanRemoval(ctx, f.People["desk"].Me.Keys().ID())
	must(t, err)
	if len(r.Added) != 1 || r.Added[0].LabelText != "phone" {
		t.Errorf("what it brought in: %+v", r.Added)
	}
	// While a key is closed, the new device makes the next one.
	n, err := join(ctx, f.Store, "tablet", begin(t, f, "phone"))
	must(t, err)
	a, err := answered(t, f, "phone")
	must(t, err)
	must(t, confirm(t, f, "phone", a.Words))
	_, err = f.Open("alice").RemoveDevice(ctx, f.People["desk"].Me.Keys().ID())
	must(t, err)
	tablet, err := n.finish(ctx, f, f.Store, a.Words)
	must(t, err)
	if tablet.Me().KeyClosed || tablet.Me().UserKey().Generation != 3 {
		t.Error("the user key is still closed")
	}
	if got, err := opens(t, tablet, token); err != nil || got != "078-05-1120" {
		t.Errorf("%q, %v", got, err)
	}
}

const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// TestPairingCodes: one spelling, however it is grouped; any other character in
// any one place is refused before a store is asked.
func TestPairingCodes(t *testing.T) {
	t.Parallel()
	f, _ := firmOfTwo(t)
	code := begin(t, f, "bob")
	bare := strings.TrimPrefix(code, "UNDERSEAL-PAIR-1")
	if len(bare) != 32 || bare == code {
		t.Fatal("not in its form")
	}
	groups := strings.Join([]string{bare[:4], bare[4:8], bare[8:12], bare[12:16], bare[16:20], bare[20:24], bare[24:28], bare[28:]}, "-")
	for _, text := range []string{code, bare, groups, strings.ToLower(groups), " " + strings.ReplaceAll(groups, "-", " ") + "\r\n", strings.ToLower(code)} {
		if got := textOf(typed(t, text)); got != code {
			t.Errorf("read as another code")
		}
	}
	for what, text := range map[string]string{
		"empty": "", "too short": bare[1:], "too long": bare + "q", "very long": strings.Repeat(" ", 300) + bare,
		"mixed case": strings.ToLower(bare[:16]) + bare[16:], "mixed prefix": "UNDERSEAL-PAIR-1" + strings.ToLower(bare),
		"another prefix": "UNDERSEAL-BACKUP-1" + bare, "the prefix alone": "UNDERSEAL-PAIR-1", "swapped": string(bare[1]) + string(bare[0]) + bare[2:],
		"not ASCII": bare[:31] + "é",
	} {
		if bare[0] == bare[1] && what == "swapped" {
			continue
		}
		if _, err := workspace.ParsePairingCode(secret.New([]byte(text))); !errors.Is(err, workspace.ErrPairingCode) {
			t.Errorf("%s: %v", what, err)
		} else if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(bare[8:14])) {
			t.Errorf("%s: the error shows the code", what)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(bare)-1).Draw(t, "place")
		symbols := strings.ToUpper(bech32) + bech32 + "BIO1bio!.é_\x00"
		other := rapid.SampledFrom([]rune(symbols)).Draw(t, "symbol")
		text := bare[:at] + string(other) + bare[at+1:]
		if text == bare {
			return
		}
		if _, err := workspace.ParsePairingCode(secret.New([]byte(text))); !errors.Is(err, workspace.ErrPairingCode) {
			t.Errorf("place %d: %v", at, err)
		}
	})
}
