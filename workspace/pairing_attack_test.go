package workspace_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// pairingKey derives from a code as spec/pairing.md says.
func pairingKey(t *testing.T, code, label string) []byte {
	t.Helper()
	raw, err := bech32text.Decode("underseal-pair-", 16, code)
	must(t, err)
	k, err := hkdf.Key(sha256.New, raw, []byte("underseal/v1/pairing"), label+"\x00", 32)
	must(t, err)
	return k
}

func pairingBox(t *testing.T, code string) store.Index {
	t.Helper()
	return store.Index(pairingKey(t, code, "underseal/v1/pairing-box"))
}

// sealUnder is what somebody does who has the code.
func sealUnder(t *testing.T, code, label string, message ...any) []byte {
	t.Helper()
	aead, err := chacha20poly1305.NewX(pairingKey(t, code, label))
	must(t, err)
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, wire.MustMarshal(message), []byte(label+"\x00"))
}

func openUnder(t *testing.T, code, label string, message []byte) []byte {
	t.Helper()
	aead, err := chacha20poly1305.NewX(pairingKey(t, code, label))
	must(t, err)
	plain, err := aead.Open(nil, message[:24], message[24:], []byte(label+"\x00"))
	must(t, err)
	return plain
}

// lyingMail is a store whose mailboxes hold what it likes: what one side puts
// is not what the other is shown.
type lyingMail struct {
	store.Store
	box store.Index
	own []store.Message
	// shown are shown besides.
	shown func(honest []store.Message) []store.Message
}

func (l *lyingMail) PutMail(ctx context.Context, box store.Index, data []byte) error {
	if box != l.box {
		return l.Store.PutMail(ctx, box, data)
	}
	m := store.Message{ID: sha256.Sum256(data), Data: bytes.Clone(data)}
	if !slices.ContainsFunc(l.own, func(o store.Message) bool { return o.ID == m.ID }) {
		l.own = append(l.own, m)
	}
	return nil
}

func (l *lyingMail) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	honest, err := l.Store.ListMail(ctx, box, limit)
	if box != l.box {
		return honest, err
	}
	return append(l.shown(honest), l.own...), err
}

// TestAttack45GuessedPairingCodes: other codes than the one that is shown find
// nothing and change nothing, and who leaves things in a mailbox without the
// code does not disturb it.
func TestAttack45GuessedPairingCodes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	seen := watch(f)
	code := begin(t, f, "bob")
	box := pairingBox(t, code)
	if len(seen.seen[box]) != 1 {
		t.Fatal("not the mailbox of the page")
	}
	boxes := len(seen.seen)
	for range 500 {
		var guess [16]byte
		_, _ = rand.Read(guess[:])
		if _, err := join(ctx, f.Store, "mallory", bech32text.Encode("underseal-pair-", guess[:])); !errors.Is(err, workspace.ErrPairingNothing) {
			t.Fatalf("a guess: %v", err)
		}
	}
	if len(seen.seen) != boxes || len(seen.seen[box]) != 1 {
		t.Error("guesses wrote into mailboxes")
	}
	// Junk, of whoever knows the mailbox, is passed over.
	for i := range 30 {
		must(t, f.Store.PutMail(ctx, box, bytes.Repeat([]byte{byte(i)}, 1+i*200)))
	}
	n, err := join(ctx, f.Store, "phone", code)
	must(t, err)
	a, err := answered(t, f, "bob")
	must(t, err)
	must(t, confirm(t, f, "bob", a.Words))
	_, err = n.finish(ctx, f, f.Store, a.Words)
	must(t, err)
}

// TestAttack63NothingToGuessBy: all that a store has of a pairing are a mailbox
// and messages that look random: two pairings of the same people have nothing
// in common, and nothing that the store knows besides is in them.
func TestAttack63NothingToGuessBy(t *testing.T) {
	t.Parallel()
	f, _ := firmOfTwo(t)
	seen := watch(f)
	var messages []string
	for _, name := range []string{"phone", "phone again"} {
		code := begin(t, f, "bob")
		n, err := join(t.Context(), f.Store, name, code)
		must(t, err)
		a, err := answered(t, f, "bob")
		must(t, err)
		must(t, confirm(t, f, "bob", a.Words))
		_, err = n.finish(t.Context(), f, f.Store, a.Words)
		must(t, err)
		box := pairingBox(t, code)
		messages = append(append(messages, seen.seen[box]...), string(box[:]))
	}
	if len(messages) != 8 {
		t.Fatalf("%d messages and mailboxes", len(messages))
	}
	const window = 6
	pieces := map[string]string{}
	for _, m := range messages {
		for i := range len(m) - window {
			if other, ok := pieces[m[i:i+window]]; ok && other != m {
				t.Error("two messages share some bytes")
			}
			pieces[m[i:i+window]] = m
		}
	}
	bob := f.Open("bob").Me()
	known := [][]byte{bob.ID[:], f.ID[:], []byte("phone again"), []byte("bob@example.com")}
	for _, id := range bob.Devices {
		d := f.Open("bob").State().Device(id)
		known = append(known, id[:], d.Record.Signing, d.Record.Encryption, d.Record.Label[:])
	}
	for _, k := range known {
		for i := range len(k) - window {
			if _, ok := pieces[string(k[i:i+window])]; ok {
				t.Error("a message holds something in clear")
			}
		}
	}
}

// TestAttack63MessagesReplaced: a store without the code that alters, swaps or
// replays messages gets nothing accepted; what was never touched is.
func TestAttack63MessagesReplaced(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	other := begin(t, f, "alice") // another pairing of the same firm, whose code the store has
	mallory, err := join(ctx, f.Store, "mallory", other)
	must(t, err)
	_, err = answered(t, f, "alice")
	must(t, err)
	foreign, err := f.Store.ListMail(ctx, pairingBox(t, other), 10)
	must(t, err)
	if _, ok := mallory.words(t, f.Store); !ok || len(foreign) != 3 {
		t.Fatal("the other pairing is not one")
	}

	code := begin(t, f, "bob")
	box := pairingBox(t, code)
	replaced := func(change func([]byte) [][]byte) store.Store {
		return &lyingMail{Store: f.Store, box: pairingBox(t, code), shown: func(honest []store.Message) (list []store.Message) {
			for _, m := range honest {
				for _, b := range change(m.Data) {
					list = append(list, store.Message{ID: m.ID, Data: b})
				}
			}
			return list
		}}
	}
	flip := func(at int) func([]byte) [][]byte {
		return func(b []byte) [][]byte {
			b = bytes.Clone(b)
			b[(at+len(b))%len(b)] ^= 1
			return [][]byte{b}
		}
	}
	lies := map[string]store.Store{
		"withheld":           replaced(func([]byte) [][]byte { return nil }),
		"nonce":              replaced(flip(0)),
		"first byte":         replaced(flip(24)),
		"middle":             replaced(flip(700)),
		"tag":                replaced(flip(-1)),
		"cut":                replaced(func(b []byte) [][]byte { return [][]byte{b[:len(b)-1]} }),
		"longer":             replaced(func(b []byte) [][]byte { return [][]byte{append(bytes.Clone(b), 0)} }),
		"of another pairing": replaced(func([]byte) [][]byte { return [][]byte{foreign[0].Data, foreign[1].Data, foreign[2].Data} }),
	}
	for what, st := range lies {
		if _, err := join(ctx, st, "phone", code); !errors.Is(err, workspace.ErrPairingNothing) {
			t.Errorf("the offer, %s: %v", what, err)
		}
	}
	n, err := join(ctx, f.Store, "phone", code)
	must(t, err)
	for what, st := range lies {
		p, err := f.OpenOn("bob", st).Pairing()
		must(t, err)
		if a, err := p.Answer(ctx); err != nil || a != nil {
			t.Errorf("the answer, %s: %+v, %v", what, a, err)
		}
	}
	a, err := answered(t, f, "bob")
	must(t, err)
	honest, err := f.Store.ListMail(ctx, box, 10)
	must(t, err)
	if len(honest) != 3 {
		t.Fatalf("%d messages", len(honest))
	}
	for what, st := range lies {
		j, err := workspace.ResumePairing(ctx, n.config(st), n.secret)
		must(t, err)
		_, ok, err := j.Words(ctx)
		if ok || err != nil && !errors.Is(err, workspace.ErrPairingEnded) {
			t.Errorf("the reveal, %s: %v, %v", what, ok, err)
		}
		j.Close()
	}
	// Without the attack.
	if w, ok := n.words(t, f.Store); !ok || w != a.Words {
		t.Error("the words differ")
	}
	must(t, confirm(t, f, "bob", a.Words))
	_, err = n.finish(ctx, f, f.Store, a.Words)
	must(t, err)
}

// TestAttack63SeenCode: somebody has photographed the code and runs the store:
// they sit between the two devices, with a device of their own. The words give
// them away, and no choice of theirs makes the words the same: the nonce comes
// after the answer.
func TestAttack63SeenCode(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	code := begin(t, f, "bob")
	offer, err := f.Store.ListMail(ctx, pairingBox(t, code), 10)
	must(t, err)

	// What the new device sees is not what the old one sees.
	var forged []store.Message
	between := &lyingMail{Store: f.Store, box: pairingBox(t, code), shown: func([]store.Message) []store.Message { return append(slices.Clone(offer), forged...) }}
	n, err := join(ctx, between, "phone", code)
	must(t, err)
	if a, err := answered(t, f, "bob"); a != nil || err != nil {
		t.Fatalf("the answer was to be withheld: %+v, %v", a, err)
	}
	mallory, err := join(ctx, f.Store, "phone", code)
	must(t, err)
	a, err := answered(t, f, "bob")
	must(t, err)
	theirs, ok := mallory.words(t, f.Store)
	if !ok || theirs != a.Words || a.Label != "phone" {
		t.Fatal("the old device shows the words of the device that it sees")
	}
	// Mallory knows the nonce by now, and passes it on for the other answer.
	var nonce []byte
	all, err := f.Store.ListMail(ctx, pairingBox(t, code), 10)
	must(t, err)
	reveal := openUnder(t, code, "underseal/v1/pairing-reveal", all[len(all)-1].Data)
	nonce = reveal[len(reveal)-32:]
	answer := sha256.Sum256(between.own[0].Data)
	for what, message := range map[string][]byte{
		"for another answer": sealUnder(t, code, "underseal/v1/pairing-reveal", 1, wire.Hash{1}, [32]byte(nonce)),
		"another nonce":      sealUnder(t, code, "underseal/v1/pairing-reveal", 1, wire.Hash(answer), [32]byte{1}),
		"of version 2":       sealUnder(t, code, "underseal/v1/pairing-reveal", 2, wire.Hash(answer), [32]byte(nonce)),
	} {
		forged = []store.Message{{Data: message}}
		if w, ok := n.words(t, between); ok {
			t.Errorf("a reveal %s gives words %v", what, w)
		}
	}
	forged = []store.Message{{Data: sealUnder(t, code, "underseal/v1/pairing-reveal", 1, wire.Hash(answer), [32]byte(nonce))}}
	own, ok := n.words(t, between)
	if !ok || own == a.Words {
		t.Errorf("the words of the new device: %v, %v; of the old one %v", own, ok, a.Words)
	}
	if err := confirm(t, f, "bob", own); !errors.Is(err, workspace.ErrPairingWords) {
		t.Errorf("compared: %v", err)
	}
	if len(f.Open("alice").State().Member(f.People["bob"].Me.Member()).Devices) != 1 {
		t.Error("a device was added")
	}

	// Nor can they offer something of their own: another firm, or this one
	// without a device of the member.
	elsewhere := workspacetest.NewFirm(t, "mallory")
	theirCode := begin(t, elsewhere, "mallory")
	their, err := elsewhere.Store.ListMail(ctx, pairingBox(t, theirCode), 10)
	must(t, err)
	plain := openUnder(t, theirCode, "underseal/v1/pairing-offer", their[0].Data)
	code = begin(t, f, "bob")
	box := pairingBox(t, code)
	aead, err := chacha20poly1305.NewX(pairingKey(t, code, "underseal/v1/pairing-offer"))
	must(t, err)
	swapped := aead.Seal(make([]byte, 24), make([]byte, 24), plain, []byte("underseal/v1/pairing-offer\x00"))
	shown := &lyingMail{Store: f.Store, box: pairingBox(t, code), shown: func([]store.Message) []store.Message { return []store.Message{{Data: swapped}} }}
	if _, err := join(ctx, shown, "phone", code); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("an offer of another firm: %v", err)
	}
	must(t, f.Store.PutMail(ctx, box, swapped))
	if _, err := join(ctx, f.Store, "phone", code); !errors.Is(err, workspace.ErrPairingTwice) {
		t.Errorf("beside the true one: %v", err)
	}
	if _, err := answered(t, f, "bob"); !errors.Is(err, workspace.ErrPairingTwice) {
		t.Errorf("the old device: %v", err)
	}
	code = begin(t, f, "bob")
	honest := openUnder(t, code, "underseal/v1/pairing-offer", mailOf(t, f, code)[0].Data)
	for _, at := range []int{3, 40, 80, 1400, len(honest) - 70, len(honest) - 1} {
		b := bytes.Clone(honest)
		b[at] ^= 1
		aead, err := chacha20poly1305.NewX(pairingKey(t, code, "underseal/v1/pairing-offer"))
		must(t, err)
		sealed := aead.Seal(make([]byte, 24), make([]byte, 24), b, []byte("underseal/v1/pairing-offer\x00"))
		shown := &lyingMail{Store: f.Store, box: pairingBox(t, code), shown: func([]store.Message) []store.Message { return []store.Message{{Data: sealed}} }}
		if _, err := join(ctx, shown, "phone", code); !errors.Is(err, workspace.ErrPairingAltered) {
			t.Errorf("byte %d of %d of the offer: %v", at, len(b), err)
		}
	}
}

// mailOf is what lies in the mailbox of a code.
func mailOf(t *testing.T, f *workspacetest.Firm, code string) []store.Message {
	t.Helper()
	list, err := f.Store.ListMail(t.Context(), pairingBox(t, code), 10)
	must(t, err)
	return list
}

// TestAttack63TwoAnswers: two devices that answer one code are both refused, on
// every screen, and the code is dead.
func TestAttack63TwoAnswers(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} { // the second comes after the first was taken
		ctx := t.Context()
		f, _ := firmOfTwo(t)
		code := begin(t, f, "bob")
		alone := &lyingMail{Store: f.Store, box: pairingBox(t, code), shown: func(all []store.Message) []store.Message { return all[:1] }} // does not see the other
		first, err := join(ctx, f.Store, "phone", code)
		must(t, err)
		var words workspace.PairingWords
		if late {
			a, err := answered(t, f, "bob")
			must(t, err)
			words = a.Words
		}
		second, err := join(ctx, alone, "mallory", code)
		must(t, err)
		must(t, f.Store.PutMail(ctx, pairingBox(t, code), alone.own[0].Data))
		if _, err := join(ctx, f.Store, "third", code); !errors.Is(err, workspace.ErrPairingTwice) {
			t.Errorf("a third: %v", err)
		}
		for _, n := range []*newcomer{first, second} {
			j, err := workspace.ResumePairing(ctx, n.config(f.Store), n.secret)
			must(t, err)
			if _, _, err := j.Words(ctx); !errors.Is(err, workspace.ErrPairingTwice) {
				t.Errorf("%s is told: %v", n.name, err)
			}
			j.Close()
		}
		if err := confirm(t, f, "bob", words); !errors.Is(err, workspace.ErrPairingTwice) {
			t.Errorf("the old device: %v", err)
		}
		if err := confirm(t, f, "bob", words); !errors.Is(err, workspace.ErrNoPairing) {
			t.Errorf("again: %v", err)
		}
		if n := len(f.Open("alice").State().Member(f.People["bob"].Me.Member()).Devices); n != 1 {
			t.Errorf("%d devices", n)
		}
		if l := mailOf(t, f, code); len(l) != 0 {
			t.Errorf("%d messages are left", len(l))
		}
	}
}

// TestAttack14PairingReplayed: messages of a pairing that is over are worth
// nothing, in its own mailbox or in another's.
func TestAttack14PairingReplayed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	seen := watch(f)
	code := begin(t, f, "bob")
	n, err := join(ctx, f.Store, "phone", code)
	must(t, err)
	a, err := answered(t, f, "bob")
	must(t, err)
	must(t, confirm(t, f, "bob", a.Words))
	_, err = n.finish(ctx, f, f.Store, a.Words)
	must(t, err)
	messages := slices.Clone(seen.seen[pairingBox(t, code)])
	if len(messages) != 3 {
		t.Fatalf("%d messages", len(messages))
	}
	replay := func(code string) {
		for _, m := range messages {
			must(t, f.Store.PutMail(ctx, pairingBox(t, code), []byte(m)))
		}
	}
	replay(code)
	if _, err := join(ctx, f.Store, "mallory", code); !errors.Is(err, workspace.ErrPairingTwice) {
		t.Errorf("with the answer that was given: %v", err)
	}
	offered := &lyingMail{
		Store: f.Store, box: pairingBox(t, code), own: []store.Message{{Data: []byte(messages[0])}},
		shown: func([]store.Message) []store.Message { return nil },
	}
	late, err := join(ctx, offered, "mallory", code)
	must(t, err) // the store plays the old device, which is not there
	if _, ok := late.words(t, offered); ok {
		t.Error("words without the old device")
	}
	if _, err := answered(t, f, "bob"); !errors.Is(err, workspace.ErrNoPairing) {
		t.Errorf("the old device takes part: %v", err)
	}

	// In the mailbox of the next pairing they are junk.
	next := begin(t, f, "bob")
	replay(next)
	n, err = join(ctx, f.Store, "tablet", next)
	must(t, err)
	a, err = answered(t, f, "bob")
	must(t, err)
	must(t, confirm(t, f, "bob", a.Words))
	_, err = n.finish(ctx, f, f.Store, a.Words)
	must(t, err)
}

// TestAttack12ForkShownToTheNewDevice: a store that tells the new device less
// than the old one has seen, or something else, is refused by the head in the
// offer, before the new device says anything.
func TestAttack12ForkShownToTheNewDevice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	alice := f.Open("alice")
	length := alice.State().Head().Length
	code := begin(t, f, "bob")

	shorter := storetest.NewMemory(f.ID)
	forked := storetest.NewMemory(f.ID)
	all, err := f.Store.Read(ctx, 0, int(length))
	must(t, err)
	for i, e := range all[:length-1] {
		must(t, shorter.Append(ctx, uint64(i), e))
		must(t, forked.Append(ctx, uint64(i), e))
	}
	me := f.People["alice"].Me.Keys()
	state, err := officer.Replay(f.ID, all[:length-1])
	must(t, err)
	same, err := officer.DecodeEntry(all[length-1])
	must(t, err)
	last, err := officer.Entry{
		Organization: f.ID, Sequence: length - 1, Previous: state.Head().Hash, Time: workspacetest.Clock().Add(time.Minute), Author: me.ID(), Operations: same.Operations,
	}.Sign(me.Sign)
	must(t, err)
	must(t, forked.Append(ctx, length-1, last))
	for what, c := range map[string]struct {
		log  store.Store
		want error
	}{"shorter": {shorter, workspace.ErrRollback}, "forked": {forked, workspace.ErrFork}} {
		st := &otherLog{f.Store, c.log}
		if _, err := join(ctx, st, "phone", code); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if l := mailOf(t, f, code); len(l) != 1 {
		t.Errorf("the new device has answered: %d messages", len(l))
	}
	// Without it the way is open.
	if _, err := join(ctx, f.Store, "phone", code); err != nil {
		t.Error(err)
	}
}

// otherLog shows another log beside everything else.
type otherLog struct {
	store.Store
	log store.Store
}

func (o *otherLog) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	return o.log.Read(ctx, from, limit)
}

// TestAttack62PairedDevices: of three devices two remove each other at the same
// time, and one of them the third. Whoever was slower is told; the member and
// the officers see who did what, and when.
func TestAttack62PairedDevices(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	pairDevice(t, f, "bob", "desk")
	pairDevice(t, f, "desk", "phone")
	ids := map[string]officer.DeviceID{}
	for _, who := range []string{"bob", "desk", "phone"} {
		ids[who] = f.People[who].Me.Keys().ID()
	}
	then := workspacetest.Clock()
	a, b := f.Open("bob"), f.Open("desk") // both have read the log
	_, err := a.RemoveDevice(ctx, ids["desk"])
	must(t, err)
	if _, err := b.RemoveDevice(ctx, ids["bob"]); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("the slower one: %v", err)
	}
	if _, err := b.BeginPairing(ctx, 0); !errors.Is(err, workspace.ErrRemoved) {
		t.Errorf("and it pairs: %v", err)
	}
	// The third one is of the other opinion.
	_, err = f.Open("phone").RemoveDevice(ctx, ids["bob"])
	must(t, err)
	for _, who := range []string{"alice", "phone", "bob", "desk"} {
		list, err := acts(f.Open(who).Alarms(ctx, then))
		must(t, err)
		if len(list) != 2 || list[0].By != ids["bob"] || list[0].Removed != ids["desk"] || list[1].By != ids["phone"] || list[1].Removed != ids["bob"] {
			t.Errorf("%s is told %+v", who, list)
			continue
		}
		for _, l := range list {
			if l.Member != f.People["bob"].Me.Member() || !l.Time.Equal(then) {
				t.Errorf("%s is told %+v", who, l)
			}
		}
	}
	r, err := f.Open("alice").PlanRemoval(ctx, ids["desk"])
	if !errors.Is(err, workspace.ErrDeviceRemoved) || len(r.Added) != 1 || r.Added[0].ID != ids["phone"] {
		t.Errorf("what the removed one had brought in: %+v, %v", r.Added, err)
	}
}

// TestAttack51PairingFaults interrupts each step of a pairing at every call of
// the store, alone or with all that follow; then the step is done again and
// the pairing comes to its end, with one device added.
func TestAttack51PairingFaults(t *testing.T) { //nolint:tparallel // its parts share one firm
	t.Parallel()
	const steps = 5
	for step := range steps {
		t.Run(fmt.Sprint("step ", step+1), func(t *testing.T) {
			var f *workspacetest.Firm
			var token string
			var run *pairingRun
			fresh := func(t *testing.T) store.Store {
				f, token = firmOfTwo(t)
				run = &pairingRun{t: t, f: f}
				for i := range step {
					must(t, run.step(i, f.Store))
				}
				return f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				ctx := t.Context()
				run.t = t
				err := run.step(step, faulty)
				switch {
				case fault == nil && err != nil:
					t.Fatal(err)
				case err != nil && !errors.Is(err, storetest.ErrFault):
					t.Errorf("an error of its own: %v", err)
				}
				if n := len(f.OpenOn("alice", under).State().Member(f.People["bob"].Me.Member()).Devices); n > 1 && step < 3 {
					t.Errorf("%d devices before anybody confirmed", n)
				}
				for i := step; i < steps; i++ {
					if i == step && err == nil {
						continue
					}
					must(t, run.step(i, under))
				}
				w := f.OpenOn("phone", under)
				if got, err := opens(t, w, token); err != nil || got != "078-05-1120" || len(w.Me().Devices) != 2 {
					t.Errorf("%q with %d devices, %v", got, len(w.Me().Devices), err)
				}
				if _, err := w.VerifyLog(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// pairingRun is a pairing of Bob's, step by step, each of which can be done
// again.
type pairingRun struct {
	t     *testing.T
	f     *workspacetest.Firm
	code  string
	n     *newcomer
	words workspace.PairingWords
}

func (r *pairingRun) step(i int, st store.Store) error {
	ctx := r.t.Context()
	if i == 1 || i == 4 { // on the new device
		return r.joins(ctx, i, st)
	}
	w, err := r.f.TryOpen("bob", st)
	if err != nil {
		return err
	}
	p, err := w.Pairing()
	switch {
	case errors.Is(err, workspace.ErrNoPairing) && i == 3:
		return nil // the step was done, and its answer was lost
	case errors.Is(err, workspace.ErrNoPairing):
		p, err = w.BeginPairing(ctx, 0)
	}
	if err != nil {
		return err
	}
	defer p.Close()
	r.code = textOf(p.Code())
	switch i {
	case 2, 3:
		a, err := p.Answer(ctx)
		if err != nil {
			return err
		}
		r.words = a.Words
		if i == 3 {
			return p.Confirm(ctx, a.Words)
		}
	default:
		_, err = p.Answer(ctx) // which leaves the offer, if that failed
	}
	return err
}

func (r *pairingRun) joins(ctx context.Context, i int, st store.Store) (err error) {
	switch {
	case i == 1 && (r.n == nil || !workspace.PairingJoined(r.n.home)):
		r.n, err = join(ctx, st, "phone", r.code)
		return err
	case i == 1:
		j, err := workspace.ResumePairing(ctx, r.n.config(st), r.n.secret)
		if err == nil {
			j.Close()
		}
		return err
	case !workspace.PairingJoined(r.n.home):
		return nil
	}
	_, err = r.n.finish(ctx, r.f, st, r.words)
	return err
}
